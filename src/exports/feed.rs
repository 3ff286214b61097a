//! Events for data teams, as `docs/feed.md` describes them: CloudEvents 1.0 in JSON, one to a line for a file, and a
//! table in CSV. What is withheld keeps its place: position and leaf, and nothing else.

use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::DISCLOSED;
use crate::app::feed::Entry;
use crate::app::history::{Recorded, shown};
use crate::domain::Reason;
use crate::domain::identity::Role;
use crate::store::Trouble;
use crate::store::log::Stored;

/// What stands for the kind of an event that is withheld.
const WITHHELD: &str = "withheld";

/// The headings of the table.
pub const HEADINGS: [&str; 16] = [
    "index",
    "event",
    "version",
    "stream_type",
    "stream",
    "sequence",
    "recorded_at",
    "effective_on",
    "actor",
    "role",
    "reason",
    "command",
    "correlation",
    "causation",
    "leaf",
    "data",
];

/// An event as CloudEvents 1.0 has it; the names of attributes may only have small letters and digits.
#[derive(Serialize)]
struct CloudEvent<'e> {
    specversion: &'static str,
    id: String,
    source: String,
    r#type: &'static str,
    leafhash: String,
    #[serde(flatten)]
    told: Option<Told<'e>>,
}

/// What is told of an event that is not withheld.
#[derive(Serialize)]
struct Told<'e> {
    subject: String,
    time: String,
    datacontenttype: &'static str,
    eventversion: u16,
    streamsequence: i64,
    effectiveon: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actorrole: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commandid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<String>,
    data: Map<String, Value>,
}

fn text(id: Option<impl ToString>) -> Option<String> {
    id.map(|id| id.to_string())
}

impl<'e> From<&'e Recorded> for Told<'e> {
    fn from(event: &'e Recorded) -> Self {
        Self {
            subject: format!("{}/{}", event.stream.kind, event.stream.id),
            time: event.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            datacontenttype: "application/json",
            eventversion: event.fact.kind().version,
            streamsequence: event.sequence,
            effectiveon: event.effective_on.to_string(),
            actor: text(event.actor),
            actorrole: event.role.map(Role::name),
            reason: event.reason.as_ref().map(Reason::as_str),
            commandid: text(event.command),
            correlationid: text(event.correlation),
            causationid: text(event.causation),
            data: shown(event).into_iter().collect(),
        }
    }
}

/// An entry as a CloudEvent: one line of JSON.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn cloud_event(log: Uuid, entry: &Entry) -> Result<String, serde_json::Error> {
    let event = entry.event.as_deref();
    serde_json::to_string(&CloudEvent {
        specversion: "1.0",
        id: entry.index.to_string(),
        source: log.urn().to_string(),
        r#type: event.map_or(WITHHELD, |event| event.fact.kind().name),
        leafhash: hex::encode(entry.leaf_hash),
        told: event.map(Told::from),
    })
}

/// An entry as a line of the table.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn row(entry: &Entry) -> Result<[String; 16], serde_json::Error> {
    let (index, leaf) = (entry.index.to_string(), hex::encode(entry.leaf_hash));
    let Some(event) = entry.event.as_deref() else {
        let mut row: [String; 16] = std::array::from_fn(|_| String::new());
        (row[0], row[1], row[14]) = (index, WITHHELD.to_owned(), leaf);
        return Ok(row);
    };
    let told = Told::from(event);
    Ok([
        index,
        event.fact.kind().name.to_owned(),
        told.eventversion.to_string(),
        event.stream.kind.to_owned(),
        event.stream.id.to_string(),
        told.streamsequence.to_string(),
        told.time,
        told.effectiveon,
        told.actor.unwrap_or_default(),
        told.actorrole.unwrap_or_default().to_owned(),
        harmless(told.reason.unwrap_or_default()),
        told.commandid.unwrap_or_default(),
        told.correlationid.unwrap_or_default(),
        told.causationid.unwrap_or_default(),
        leaf,
        serde_json::to_string(&told.data)?,
    ])
}

/// Words somebody typed, so that no spreadsheet takes them for a formula.
fn harmless(words: &str) -> String {
    if words.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{words}") } else { words.to_owned() }
}

/// What a stored event is in a file that leaves the house: the event where auditors may read its body, and withheld
/// where it is withheld from them.
///
/// # Errors
/// When the event is unknown to this program or damaged.
pub fn leaving(stored: &Stored) -> Result<Entry, Trouble> {
    let event = stored.clone().understood()?;
    Ok(Entry::of(event, |event| Some(event).filter(|event| DISCLOSED.contains(&event.stream.kind))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_could_be_a_formula_are_marked_as_words() {
        assert_eq!(harmless("=1+1"), "'=1+1");
        assert_eq!(harmless("@home, for the café"), "'@home, for the café");
        assert_eq!(harmless("A sum of 1+1."), "A sum of 1+1.");
    }

    #[test]
    fn what_is_withheld_tells_its_place_and_leaf_only() {
        let entry = Entry { index: 7, leaf_hash: [0xab; 32], event: None };
        let told: Value = serde_json::from_str(&cloud_event(Uuid::nil(), &entry).unwrap()).unwrap();
        let names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["id", "leafhash", "source", "specversion", "type"]);
        assert_eq!((told["id"].as_str(), told["type"].as_str()), (Some("7"), Some("withheld")));
        assert_eq!(told["source"], "urn:uuid:00000000-0000-0000-0000-000000000000");
        let filled: Vec<String> = row(&entry).unwrap().into_iter().filter(|cell| !cell.is_empty()).collect();
        assert_eq!(filled, ["7", "withheld", &"ab".repeat(32)]);
    }
}
