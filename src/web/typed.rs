//! What somebody typed into a form or an address, read as the variables of a GraphQL document.
//!
//! A field's name is the way to its place: `input.amount`, `input.instalments.0.dueOn`; a date may come in three fields
//! (`….day`, `….month`, `….year`). The schema says what each is to be read as; what cannot be read is told by its field,
//! and everything at once. Lines of a list that are left blank are not there.

use std::collections::BTreeMap;

use async_graphql::Name;
use async_graphql::parser::types::{BaseType, Type};
use serde_json::{Map, Value, json};

use super::shapes::Shapes;
use crate::graphql::unreadable;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Mistake {
    /// The field's name in the form; empty for what is about the whole.
    pub name: String,
    /// Stable code.
    pub code: String,
    /// What is wrong and how to put it right.
    pub message: String,
}

/// The fields of a form or an address, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed(pub Vec<(String, String)>);

/// What a form calls the hidden fields that name what it cannot do without, though the mutation's other forms may: that is
/// said before somebody looks it over. The domain decides.
pub(super) const NEEDED: &str = "_needed";

/// Fields by the steps of their names.
#[derive(Debug, Default)]
struct Branch<'t> {
    texts: Vec<&'t str>,
    inside: BTreeMap<&'t str, Branch<'t>>,
}

impl Branch<'_> {
    fn is_blank(&self) -> bool {
        self.texts.iter().all(|text| text.trim().is_empty()) && self.inside.values().all(Self::is_blank)
    }

    /// The last that was typed: a box that was ticked comes after the hidden field that stands for its absence.
    fn text(&self) -> &str {
        self.texts.last().copied().unwrap_or_default()
    }
}

impl Typed {
    /// Read the body of a form or the query of an address.
    pub(super) fn read(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// What was last typed into a field.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// What is missing of that which the form itself names as needed.
    pub(super) fn unfilled(&self) -> Vec<Mistake> {
        let needed = self.0.iter().filter(|(name, _)| name == NEEDED).map(|(_, needed)| needed);
        let blank = needed.filter(|name| self.last(name).is_none_or(|text| text.trim().is_empty()));
        let mistake = |name: &String| {
            let (code, message) = unreadable("String", &json!(""))?;
            Some(Mistake { name: name.clone(), code: code.into(), message })
        };
        blank.filter_map(mistake).collect()
    }

    /// As templates look it up: one text a name, or a list where the name came more than once.
    pub(super) fn as_values(&self) -> Value {
        let mut values: Map<String, Value> = Map::new();
        for (name, text) in &self.0 {
            match values.get_mut(name) {
                None => {
                    values.insert(name.clone(), json!(text));
                }
                Some(Value::Array(texts)) => texts.push(json!(text)),
                Some(first) => *first = json!([first.clone(), text]),
            }
        }
        Value::Object(values)
    }

    /// The variables of a document that somebody filled in, and what is wrong with them.
    pub(super) fn variables<'d>(
        &self,
        declared: impl Iterator<Item = (&'d Name, &'d Type)>,
        shapes: &Shapes,
    ) -> (Map<String, Value>, Vec<Mistake>) {
        let mut root = Branch::default();
        for (name, text) in &self.0 {
            let mut branch = &mut root;
            for step in name.split('.') {
                branch = branch.inside.entry(step).or_default();
            }
            branch.texts.push(text);
        }
        let mut reading = Reading { shapes, mistakes: Vec::new() };
        let mut variables = Map::new();
        for (name, ty) in declared {
            if let Some(value) = reading.read(ty, root.inside.get(name.as_str()), name.as_str()) {
                variables.insert(name.to_string(), value);
            }
        }
        (variables, reading.mistakes)
    }
}

struct Reading<'s> {
    shapes: &'s Shapes,
    mistakes: Vec<Mistake>,
}

impl Reading<'_> {
    fn wrong(&mut self, name: &str, code: &str, message: &str) {
        self.mistakes.push(Mistake { name: name.into(), code: code.into(), message: message.into() });
    }

    fn unchosen(&mut self, name: &str) {
        self.wrong(name, "form.choose", &format!("Choose one of the answers: {}.", spoken(name)));
    }

    /// The value of a field; nothing where it may be left out and was.
    fn read(&mut self, ty: &Type, branch: Option<&Branch<'_>>, name: &str) -> Option<Value> {
        let filled = branch.filter(|branch| !branch.is_blank());
        match (&ty.base, filled) {
            (_, None) if ty.nullable => None,
            (BaseType::List(each), filled) => Some(self.list(each, filled, name)),
            (BaseType::Named(kind), filled) => self.named(kind, filled, name),
        }
    }

    fn list(&mut self, each: &Type, branch: Option<&Branch<'_>>, name: &str) -> Value {
        let Some(branch) = branch else { return json!([]) };
        let texts = branch.texts.iter().filter(|text| !text.trim().is_empty());
        let mut values: Vec<Value> = Vec::new();
        for text in texts {
            let one = Branch { texts: vec![text], inside: BTreeMap::new() };
            values.extend(self.read(each, Some(&one), name));
        }
        let mut lines: Vec<_> = branch.inside.iter().filter(|(_, line)| !line.is_blank()).collect();
        lines.sort_by_key(|(place, _)| place.parse::<usize>().unwrap_or(usize::MAX));
        for (place, line) in lines {
            values.extend(self.read(each, Some(line), &format!("{name}.{place}")));
        }
        Value::Array(values)
    }

    fn named(&mut self, kind: &str, branch: Option<&Branch<'_>>, name: &str) -> Option<Value> {
        if let Some(fields) = self.shapes.input(kind) {
            let mut object = Map::new();
            for (field, ty) in fields {
                let inside = branch.and_then(|branch| branch.inside.get(field.as_str()));
                if let Some(value) = self.read(ty, inside, &format!("{name}.{field}")) {
                    object.insert(field.clone(), value);
                }
            }
            return Some(Value::Object(object));
        }
        let text = branch.map(Branch::text).unwrap_or_default();
        if let Some(choices) = self.shapes.list(kind) {
            // In an address a code is written as addresses are: `too-late` for `TOO_LATE`.
            let wanted = text.replace('-', "_").to_uppercase();
            if let Some(choice) = choices.iter().find(|choice| choice.code == wanted) {
                return Some(json!(choice.code));
            }
            self.unchosen(name);
            return None;
        }
        self.scalar(kind, branch, name)
    }

    fn scalar(&mut self, kind: &str, branch: Option<&Branch<'_>>, name: &str) -> Option<Value> {
        let text = branch.map(Branch::text).unwrap_or_default();
        let value = match kind {
            "String" | "ID" => json!(text.replace("\r\n", "\n")),
            "Boolean" if text.is_empty() => {
                self.unchosen(name);
                return None;
            }
            "Boolean" => json!(["true", "on", "yes"].contains(&text)),
            "Int" | "Count" => {
                let Ok(number) = text.trim().replace(',', "").parse::<i64>() else {
                    self.wrong(name, "form.number", "Enter a whole number in digits, such as 12.");
                    return None;
                };
                json!(number)
            }
            // What is chosen from a list; nobody types one.
            "UUID" if uuid::Uuid::try_parse(text.trim()).is_err() => {
                self.unchosen(name);
                return None;
            }
            "Money" => json!(text.trim().trim_start_matches('£').replace([',', ' '], "")),
            "Date" => json!(branch.map(date).unwrap_or_default()),
            _ => json!(text.trim()),
        };
        if let Some((code, message)) = unreadable(kind, &value) {
            let in_parts = branch.filter(|branch| kind == "Date" && !branch.inside.is_empty());
            let message = in_parts.map_or(message, |branch| date_mistake(branch));
            self.wrong(name, code, &message);
            return None;
        }
        Some(value)
    }
}

/// A field's name as it is said: `legal form` for `input.legalForm`, `partner` for `input.partnerId`, for the last that
/// is no number.
fn spoken(name: &str) -> String {
    let is_word = |step: &&str| !step.bytes().all(|byte| byte.is_ascii_digit());
    let last = name.rsplit('.').find(is_word).unwrap_or(name);
    let last = ["Ids", "Id"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last);
    let mut said = String::new();
    for letter in last.chars() {
        if letter.is_uppercase() {
            said.push(' ');
        }
        said.extend(letter.to_lowercase());
    }
    said
}

/// What is wrong with a date that came in three fields: the API speaks of one.
fn date_mistake(branch: &Branch<'_>) -> String {
    let parts = ["day", "month", "year"];
    let is_blank = |part: &&str| branch.inside.get(part).is_none_or(Branch::is_blank);
    let missing: Vec<&str> = parts.into_iter().filter(is_blank).collect();
    match missing.as_slice() {
        [] => "Enter a date that there is, such as 27 3 2026, with the year in four digits.".to_owned(),
        [one] => format!("Enter the {one} of the date too."),
        more => format!("Enter the {} of the date too.", more.join(" and the ")),
    }
}

/// A date as typed: in one field, or in three.
fn date(branch: &Branch<'_>) -> String {
    let part = |name: &str| branch.inside.get(name).map(|part| part.text().trim()).unwrap_or_default();
    if branch.inside.is_empty() {
        return branch.text().trim().to_owned();
    }
    format!("{:0>4}-{:0>2}-{:0>2}", part("year"), part("month"), part("day"))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::DocumentOperations;

    use super::super::shapes::SHAPES;
    use super::*;

    fn read(variables: &str, typed: &str) -> (Value, Vec<(String, String)>) {
        let (values, mistakes) = told(variables, typed);
        (values, mistakes.into_iter().map(|one| (one.name, one.code)).collect())
    }

    fn told(variables: &str, typed: &str) -> (Value, Vec<Mistake>) {
        let document = parse_query(format!("query A({variables}) {{ me {{ role }} }}")).unwrap();
        let DocumentOperations::Multiple(operations) = document.operations else { panic!("it has a name") };
        let operation = operations.into_values().next().unwrap();
        let declared = operation.node.variable_definitions;
        let declared = declared.iter().map(|one| (&one.node.name.node, &one.node.var_type.node));
        let (values, mistakes) = Typed::read(typed.as_bytes()).variables(declared, &SHAPES);
        (Value::Object(values), mistakes)
    }

    #[test]
    fn forms_are_read_as_the_schema_says() {
        let typed = "input.fromFundId=0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d&input.amount=%C2%A32,500&input.reason=&\
                     input.effectiveOn.day=3&input.effectiveOn.month=7&input.effectiveOn.year=2026";
        let (values, _) = read("$input: TransferBudgetInput!", typed);
        assert_eq!(values["input"]["amount"], "2500");
        assert_eq!(values["input"]["effectiveOn"], "2026-07-03");
        assert_eq!(values["input"].get("reason"), None, "left blank is left out");
    }

    #[test]
    fn everything_wrong_is_told_at_once_and_by_its_field() {
        let typed = "a=12.345&b.day=31&b.month=2&b.year=2026&c=nobody&d=many";
        let (values, mistakes) = read("$a: Money!, $b: Date!, $c: NeedCode!, $d: Int!", typed);
        assert_eq!(values, json!({}));
        let told: Vec<_> = mistakes.iter().map(|(name, code)| (name.as_str(), code.as_str())).collect();
        let wanted = [
            ("a", "money.too_many_places"),
            ("b", "date.unreadable"),
            ("c", "form.choose"),
            ("d", "form.number"),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_was_not_chosen_is_named() {
        let (_, mistakes) = told("$input: OpenPaymentRunInput!, $partnerId: UUID!, $isNew: Boolean!", "x=1");
        let messages: Vec<&str> = mistakes.iter().map(|one| one.message.as_str()).collect();
        assert!(messages.contains(&"Choose one of the answers: partner."), "{messages:?}");
        assert!(messages.contains(&"Choose one of the answers: is new."), "{messages:?}");
        assert_eq!(spoken("input.legs.0"), "legs");
    }

    #[test]
    fn a_date_half_typed_says_what_is_missing() {
        let message = |typed: &str| {
            let (_, mistakes) = told("$b: Date!", typed);
            mistakes.into_iter().map(|one| one.message).collect::<String>()
        };
        assert_eq!(message("b.day=31&b.month=&b.year=2026"), "Enter the month of the date too.");
        assert_eq!(message("b.day=31&b.month=&b.year="), "Enter the month and the year of the date too.");
        assert!(message("b.day=31&b.month=2&b.year=2026").starts_with("Enter a date that there is"));
        assert!(message("b=1/2/2026").contains("2026"), "in one field it is told as the API tells it");
    }

    #[test]
    fn lists_come_by_name_or_by_line_and_blank_lines_are_not_there() {
        let (values, _) =
            read("$a: [NeedCode!]!, $b: [String!], $c: [Int!]", "a=CARING&a=DEBT&b.1=y&b.0=&b.10=z&c=");
        assert_eq!(values["b"], json!(["y", "z"]));
        assert_eq!(values["a"], json!(["CARING", "DEBT"]));
        assert_eq!(values.get("c"), None);
        let (values, mistakes) = read("$a: [NeedCode!]!, $yes: Boolean!, $no: Boolean!", "no=false");
        assert_eq!(values, json!({ "a": [], "no": false }));
        assert_eq!(mistakes, [("yes".to_owned(), "form.choose".to_owned())], "neither is not no");
    }
}
