//! `seed`: a scenario of commands, carried out through the same door as any user’s: the GraphQL API.
//!
//! A file holds one step a line, as JSON: `{"as": {"name", "role", "partner"?}, "do": mutation, "input": {…},
//! "keep"?: name}`. A text that begins with `$` stands for what an earlier step kept, such as `$harbour.id` or
//! `$g1.instalments.0.id`; `$person:Amina Example` stands for a person’s id. The id of each command follows from the
//! step, so the same file twice changes nothing. A folder is read as one scenario: its files together, by day.

use std::collections::HashMap;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use async_graphql::{Request, Variables};
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Identity, Name};
use crate::domain::calendar::read;
use crate::domain::identity::{PartnerId, Role};
use crate::graphql::{Api, api};

/// The namespace of the ids that scenarios give to commands.
const SCENARIO: Uuid = Uuid::from_u128(0x5e3d_0f0a_6a3c_4c1e_9b5e_0d6f_5a71_de5c);

/// What later steps can point to in what was kept, by the field of the payload that holds it; elsewhere its id.
const KEPT: &[(&str, &str)] = &[
    ("grant", "id instalments { id conditions { id } } returns { id } variations { id } recoveries { id }"),
    ("prescription", "id outcomes { id }"),
    ("consultation", "id voices { id } needs { id } commitments { id }"),
    ("offer", "id changes { id } reports { id }"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    r#as: ActingAs,
    r#do: String,
    input: Map<String, Value>,
    #[serde(default)]
    keep: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActingAs {
    name: String,
    role: String,
    #[serde(default)]
    partner: Option<String>,
}

/// What loading a scenario came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Commands carried out.
    pub carried_out: usize,
    /// Commands that had been carried out before.
    pub repeated: usize,
}

impl std::fmt::Display for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.carried_out, self.repeated) {
            (0, repeated) => {
                write!(f, "The scenario was there already: {repeated} commands, nothing changed.")
            }
            (done, 0) => {
                write!(f, "The scenario was loaded: {done} commands.")
            }
            (done, repeated) => {
                write!(f, "The scenario was completed: {done} commands; {repeated} were there.")
            }
        }
    }
}

/// A step of a scenario and where it stands.
struct Placed {
    file: PathBuf,
    line: usize,
    text: String,
    step: Step,
}

/// The steps of a file, or of the `.jsonl` files of a folder in the order of their days: on the same day those of the
/// file that comes first by name. A step without a day belongs to that of the step before it.
fn steps(place: &Path) -> anyhow::Result<Vec<Placed>> {
    let mut files = vec![place.to_path_buf()];
    if place.is_dir() {
        let entries = std::fs::read_dir(place).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        files = entries
            .with_context(|| format!("cannot read {}", place.display()))?
            .iter()
            .map(DirEntry::path)
            .collect();
        files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
        files.sort();
    }
    let mut steps = Vec::new();
    for file in files {
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut day = String::new();
        for (place, line) in text.lines().enumerate() {
            let (line, number) = (line.trim(), place + 1);
            if line.is_empty() || line.starts_with("//") {
                continue;
            }
            let step: Step = serde_json::from_str(line).map_err(|why| unreadable(&file, number, &why))?;
            if let Some(on) = step.input.get("effectiveOn").and_then(Value::as_str) {
                on.clone_into(&mut day);
            }
            steps.push((
                day.clone(),
                Placed { file: file.clone(), line: number, text: line.to_owned(), step },
            ));
        }
    }
    steps.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

/// Load a scenario: a file, or a folder of them.
///
/// # Errors
/// With the line of the first step that cannot be read or is refused; the steps before it stay.
pub async fn load(app: &App, place: &Path) -> anyhow::Result<Loaded> {
    let steps = steps(place)?;
    let api = api(app.clone());
    let kinds = kinds(&api).await?;
    let mut loader = Loader { app: app.clone(), api, kinds, people: HashMap::new(), kept: HashMap::new() };
    let mut loaded = Loaded { carried_out: 0, repeated: 0 };
    let bar = ProgressBar::new(steps.len() as u64);
    let mut seen: HashMap<String, u32> = HashMap::new();
    for Placed { file, line, text, step } in steps {
        let again = seen.get(&text).map_or(0, |times| times + 1);
        let command = Uuid::new_v5(&SCENARIO, format!("{again} {text}").as_bytes());
        seen.insert(text, again);
        let repeated =
            loader.take(step, command).await.with_context(|| format!("{} line {line}", file.display()))?;
        if repeated {
            loaded.repeated += 1;
        } else {
            loaded.carried_out += 1;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(loaded)
}

/// The file and the line; serde counts from the beginning of the step, so its "line 1" is left out.
fn unreadable(file: &Path, number: usize, why: &serde_json::Error) -> anyhow::Error {
    let (words, column) = (why.to_string(), why.column());
    let words = words.split(" at line ").next().unwrap_or_default();
    anyhow!("{} line {number}, column {column}: {words}", file.display())
}

/// Of each mutation: the type of its input, and the field of its payload beside the receipt.
type Kinds = HashMap<String, (String, String)>;

struct Loader {
    app: App,
    api: Api,
    kinds: Kinds,
    people: HashMap<String, Uuid>,
    kept: HashMap<String, Value>,
}

impl Loader {
    /// Carry a step out. True when it had been carried out before.
    async fn take(&mut self, step: Step, command: Uuid) -> anyhow::Result<bool> {
        let (input_type, field) = self
            .kinds
            .get(&step.r#do)
            .cloned()
            .ok_or_else(|| anyhow!("there is no mutation {}", step.r#do))?;
        let mut input = Value::Object(step.input);
        self.fill(&mut input).await?;
        input["commandId"] = json!(command);
        let inside = KEPT.iter().find(|(name, _)| *name == field).map_or("id", |(_, inside)| inside);
        let document = format!(
            "mutation($input: {input_type}!) {{ {name}(input: $input) {{ receipt {{ repeated }} {field} {{ {inside} }} }} }}",
            name = step.r#do
        );
        let who = self.identity(step.r#as).await?;
        // The scenario plays out day by day: each step is taken on the day on which it takes effect.
        let day = match input["effectiveOn"].as_str() {
            Some(day) => read(day)?,
            None => self.app.today(),
        };
        if day > self.app.today() {
            bail!("{day} lies ahead: a fact takes effect today or earlier");
        }
        let request = Request::new(document)
            .variables(Variables::from_json(json!({ "input": input })))
            .data(who)
            .data(self.app.on_day(day));
        let answer = self.api.execute(request).await;
        if let Some(error) = answer.errors.first() {
            bail!("{}: {}", step.r#do, error.message);
        }
        let data = answer.data.into_json()?;
        let payload = &data[&step.r#do];
        if let Some(name) = step.keep {
            self.kept.insert(name, payload[&field].clone());
        }
        Ok(payload["receipt"]["repeated"] == json!(true))
    }

    async fn identity(&mut self, acting: ActingAs) -> anyhow::Result<Identity> {
        let person = self.person(&acting.name).await?;
        let role: Role = acting.role.parse()?;
        let partner = match acting.partner {
            Some(name) => {
                let id = self.look_up(&name).await?;
                Some(PartnerId(serde_json::from_value(id).context("a partner is named by its id")?))
            }
            None => None,
        };
        Ok(Identity { person: person.into(), name: acting.name, role, partner })
    }

    async fn person(&mut self, name: &str) -> anyhow::Result<Uuid> {
        if let Some(known) = self.people.get(name) {
            return Ok(*known);
        }
        let person = self.app.accounts().find_or_make(&Name::new(name)?).await?.0;
        self.people.insert(name.to_owned(), person);
        Ok(person)
    }

    /// Put what was kept in the place of what begins with `$`.
    async fn fill(&mut self, value: &mut Value) -> anyhow::Result<()> {
        match value {
            Value::String(text) if text.starts_with('$') => *value = self.look_up(text).await?,
            Value::Array(items) => {
                for item in items {
                    Box::pin(self.fill(item)).await?;
                }
            }
            Value::Object(entries) => {
                for entry in entries.values_mut() {
                    Box::pin(self.fill(entry)).await?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(())
    }

    async fn look_up(&mut self, text: &str) -> anyhow::Result<Value> {
        let path = text.strip_prefix('$').unwrap_or(text);
        if let Some(name) = path.strip_prefix("person:") {
            return Ok(json!(self.person(name).await?));
        }
        let mut parts = path.split('.');
        let first = parts.next().unwrap_or_default();
        let mut at = self.kept.get(first).ok_or_else(|| anyhow!("no earlier step kept {first}"))?;
        for part in parts {
            at = part
                .parse::<usize>()
                .map_or_else(|_| at.get(part), |place| at.get(place))
                .ok_or_else(|| anyhow!("{text}: there is no {part}"))?;
        }
        if at.is_object() {
            at = &at["id"];
        }
        Ok(at.clone())
    }
}

/// Ask the schema for its mutations.
async fn kinds(schema: &Api) -> anyhow::Result<Kinds> {
    let document = "{ __schema { mutationType { fields { name args { type { ofType { name } } } \
                    type { ofType { fields { name } } } } } } }";
    let answer = schema.execute(Request::new(document).data(Identity::public())).await;
    let data = answer.data.into_json()?;
    let fields = data["__schema"]["mutationType"]["fields"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    Ok(fields
        .iter()
        .map(|field| {
            let payload = field["type"]["ofType"]["fields"].as_array().cloned().unwrap_or_default();
            let object = payload.iter().map(|one| text(&one["name"])).find(|name| name != "receipt");
            let input = text(&field["args"][0]["type"]["ofType"]["name"]);
            (text(&field["name"]), (input, object.unwrap_or_default()))
        })
        .collect())
}
