//! How templates write money, days, moments, counts, codes and numbers of things. Nothing given is nothing written:
//! a null stays a null, and is printed as a dash.

use std::str::FromStr as _;

use chrono::{DateTime, NaiveDate, Timelike as _};
use chrono_tz::Europe::London;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, Value};
use rust_decimal::Decimal;
use serde_json::json;

use super::super::shapes::SHAPES;

/// Teach an environment all of them.
pub(super) fn teach(environment: &mut Environment<'static>) {
    environment.add_filter("money", |value: &Value| written(value, "an amount such as \"1234.50\"", money));
    environment.add_filter("count", |value: &Value| written(value, "a whole number", count));
    environment.add_filter("day", |value: &Value| written(value, "a day such as \"2018-08-06\"", day));
    environment.add_filter("moment", |value: &Value| {
        written(value, "a moment such as \"2018-08-06T13:05:00Z\"", moment)
    });
    environment.add_filter("words", |value: &Value| written(value, "a code such as \"UNDER_WAY\"", words));
    environment.add_filter("plural", plural);
    environment.add_filter("field", |name: &str| words(name.rsplit('.').next().unwrap_or(name)));
    environment.add_filter("link", link);
    environment.add_function("choices", choices);
    environment.add_filter("length", length);
    environment.add_filter("truncate", truncate);
}

/// The answers of a closed list of the API, as the NHS macros take them.
fn choices(list: &str) -> Result<Value, Error> {
    let answers = SHAPES.list(list).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("{list} is no closed list of the schema"))
    })?;
    let answers = answers.iter().map(|one| json!({ "value": one.code, "text": capitalised(&one.words) }));
    Ok(Value::from(Serde(answers.collect::<serde_json::Value>())))
}

/// The address of a page with other values after its question mark: `page | link(after=cursor)`. An empty value leaves its
/// name out, and so does a new one what was said of the last step.
fn link(page: &Value, changed: Kwargs) -> Result<String, Error> {
    let names: Vec<&str> = changed.args().collect();
    let mut written = form_urlencoded::Serializer::new(String::new());
    for pair in page.get_attr("query")?.try_iter()? {
        let (name, text) = (pair.get_item_by_index(0)?, pair.get_item_by_index(1)?);
        if let (Some(name), Some(text)) = (name.as_str(), text.as_str())
            && !names.contains(&name)
            && name != "said"
        {
            written.append_pair(name, text);
        }
    }
    for name in &names {
        let value: Value = changed.get(name)?;
        if !value.is_none() && !value.is_undefined() && !value.to_string().is_empty() {
            written.append_pair(name, &value.to_string());
        }
    }
    let (path, query) = (page.get_attr("path")?, written.finish());
    Ok(if query.is_empty() { path.to_string() } else { format!("{path}?{query}") })
}

/// "Under way", from "under way".
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A value written out; a null as it is, anything else that cannot be read as an error that says what was wanted.
fn written(value: &Value, wanted: &str, write: fn(&str) -> Option<String>) -> Result<Value, Error> {
    if value.is_none() {
        return Ok(Value::from(()));
    }
    let text = (value.as_str().is_some() || value.is_integer()).then(|| value.to_string());
    text.and_then(|text| write(&text)).map(Value::from).ok_or_else(|| {
        // What was given is not repeated: it may be about a person, and this is logged.
        let sentence = format!("a {} was given where {wanted} is written out", value.kind());
        Error::new(ErrorKind::InvalidOperation, sentence)
    })
}

/// "£1,234.50", with pence only when there are some.
fn money(text: &str) -> Option<String> {
    let amount = Decimal::from_str(text).ok()?;
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "−" } else { "" };
    let pence = format!("{:.2}", amount.abs().round_dp(2));
    let (pounds, pence) = pence.split_once('.')?;
    let pence = if pence == "00" { String::new() } else { format!(".{pence}") };
    Some(format!("{sign}£{}{pence}", grouped(pounds)))
}

/// "13,103".
fn count(text: &str) -> Option<String> {
    let number = i128::from_str(text).ok()?;
    let sign = if number < 0 { "−" } else { "" };
    Some(format!("{sign}{}", grouped(&number.unsigned_abs().to_string())))
}

/// Digits in threes.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "6 August 2018", from a day or from the moment's day in the United Kingdom.
fn day(text: &str) -> Option<String> {
    let day = match NaiveDate::from_str(text) {
        Ok(day) => day,
        Err(_) => DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&London).date_naive(),
    };
    Some(day.format("%-d %B %Y").to_string())
}

/// "6 August 2018, 2:05pm", in the time of the United Kingdom.
fn moment(text: &str) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&London);
    let time = match (at.hour(), at.minute()) {
        (0, 0) => "midnight".to_owned(),
        (12, 0) => "midday".to_owned(),
        (_, 0) => at.format("%-I%P").to_string(),
        _ => at.format("%-I:%M%P").to_string(),
    };
    Some(format!("{}, {time}", at.format("%-d %B %Y")))
}

/// "Under way", from UNDER_WAY.
#[expect(clippy::unnecessary_wraps, reason = "one of the ways to write, of which others can fail")]
fn words(code: &str) -> Option<String> {
    Some(capitalised(&code.replace('_', " ").to_lowercase()))
}

/// "1 grant", "1,204 grants"; the plural is given where an s does not make it.
fn plural(number: &Value, one: &str, many: Option<&str>) -> Result<Value, Error> {
    let text = written(number, "a whole number", count)?;
    let thing = match (text.to_string().as_str(), many) {
        ("1", _) => one.to_owned(),
        (_, Some(many)) => many.to_owned(),
        (_, None) => format!("{one}s"),
    };
    Ok(if text.is_none() { text } else { Value::from(format!("{text} {thing}")) })
}

/// The NHS macros count what may not have been given: that is none.
fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(0);
    }
    value.len().ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("a value of type {} has no length", value.kind()))
    })
}

/// Cut a text as Jinja does: at a word unless told otherwise, and not for a few letters over.
fn truncate(
    text: &str,
    length: Option<usize>,
    mid_word: Option<bool>,
    end: Option<&str>,
    leeway: Option<usize>,
) -> String {
    let (length, end) = (length.unwrap_or(255), end.unwrap_or("..."));
    if text.chars().count() <= length + leeway.unwrap_or(5) {
        return text.to_owned();
    }
    let room = length.saturating_sub(end.chars().count());
    let cut: String = text.chars().take(room).collect();
    let kept =
        if mid_word.unwrap_or(false) { &cut } else { cut.rsplit_once(' ').map_or(&*cut, |(kept, _)| kept) };
    format!("{kept}{end}")
}

#[cfg(test)]
mod tests {

    /// Each line: the filter, what it is given, what it writes.
    const WRITTEN: [(&str, &str, &str); 25] = [
        ("money", "\"1234.50\"", "£1,234.50"),
        ("money", "\"1234.5\"", "£1,234.50"),
        ("money", "\"1234.00\"", "£1,234"),
        ("money", "\"1234567\"", "£1,234,567"),
        ("money", "\"0\"", "£0"),
        ("money", "\"-0.00\"", "£0"),
        ("money", "\"-12.05\"", "−£12.05"),
        ("money", "100", "£100"),
        ("money", "none", "–"),
        ("count", "13103", "13,103"),
        ("count", "\"999\"", "999"),
        ("count", "-1000", "−1,000"),
        ("day", "\"2018-08-06\"", "6 August 2018"),
        ("day", "\"2018-08-06T23:30:00Z\"", "7 August 2018"),
        ("moment", "\"2018-08-06T13:05:00Z\"", "6 August 2018, 2:05pm"),
        ("moment", "\"2026-01-06T09:00:00.123Z\"", "6 January 2026, 9am"),
        ("moment", "\"2026-01-06T12:00:00Z\"", "6 January 2026, midday"),
        ("moment", "\"2026-01-06T00:00:00Z\"", "6 January 2026, midnight"),
        ("words", "\"UNDER_WAY\"", "Under way"),
        ("words", "none", "–"),
        ("plural(\"grant\")", "1", "1 grant"),
        ("plural(\"grant\")", "1204", "1,204 grants"),
        ("plural(\"child\", \"children\")", "0", "0 children"),
        ("truncate(12)", "\"Warm homes for everybody\"", "Warm..."),
        ("length", "nothing.at_all", "0"),
    ];

    #[test]
    fn each_is_written_as_the_service_manual_says() {
        let templates = super::super::Templates::new();
        for (filter, given, expected) in WRITTEN {
            let source = format!("{{% set nothing = {{}} %}}{{{{ {given} | {filter} }}}}");
            assert_eq!(templates.said(&source).unwrap(), expected, "{given} | {filter}");
        }
    }

    #[test]
    fn what_cannot_be_read_fails_and_says_what_is_wanted() {
        let templates = super::super::Templates::new();
        for (filter, given, wanted) in [
            ("money", "\"ten pounds\"", "an amount such as"),
            ("money", "10.5", "an amount such as"),
            ("count", "\"1.5\"", "a whole number"),
            ("day", "\"6 August 2018\"", "a day such as"),
            ("day", "\"2018-02-30\"", "a day such as"),
            ("moment", "\"2018-08-06\"", "a moment such as"),
            ("words", "{}", "a code such as"),
        ] {
            let problem = templates.said(&format!("{{{{ {given} | {filter} }}}}")).unwrap_err();
            assert!(problem.to_string().contains(wanted), "{given} | {filter}: {problem}");
        }
    }
}
