//! A line of `events.ndjson`: an event’s header, and its body where auditors may read it.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::DISCLOSED;
use crate::store::Trouble;
use crate::store::leaf::canonical;
use crate::store::log::Stored;
use crate::store::seal::Node;

/// How deep a value may be nested; the line itself is the first level.
const DEEPEST: u32 = 64;

/// The entries of a header, in their order.
const HEADER: [&str; 9] = [
    "aggregate_id",
    "aggregate_type",
    "body_hash",
    "event_type",
    "event_version",
    "index",
    "recorded_at",
    "sequence",
    "v",
];

/// An event as a bundle has it.
pub(super) struct Event {
    /// Position in the log.
    pub index: u64,
    /// Stream type.
    pub stream: String,
    /// Stream id.
    pub id: String,
    /// Stored name.
    pub name: String,
    /// Place in the stream.
    pub sequence: u64,
    /// When it was recorded, as written.
    pub recorded_at: String,
    /// The same, as an instant.
    pub at: DateTime<Utc>,
    /// Its leaf.
    pub leaf: Node,
    /// What was recorded, where that is disclosed.
    pub body: Option<Body>,
}

/// What a disclosed event says.
pub(super) struct Body {
    /// Who, when, why.
    pub metadata: Map<String, Value>,
    /// The fields of the event.
    pub fields: Map<String, Value>,
}

/// The line of a stored event, without its end.
pub(super) fn write(stored: &Stored) -> Result<String, Trouble> {
    let value = |text: &str| -> Result<Value, Trouble> {
        serde_json::from_str(text).map_err(|error| Trouble::Other(format!("event {}: {error}", stored.index)))
    };
    let (payload, metadata) = (value(&stored.payload)?, value(&stored.metadata)?);
    let body = canonical(&json!({ "metadata": metadata, "nonce": stored.nonce, "payload": payload }))?;
    let header = canonical(&json!({
        "aggregate_id": stored.stream_id,
        "aggregate_type": stored.stream_type,
        "body_hash": hex::encode(Sha256::digest(&body)),
        "event_type": stored.event_type,
        "event_version": stored.event_version,
        "index": stored.index,
        "recorded_at": stored.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "sequence": stored.sequence,
        "v": 1,
    }))?;
    Ok(if DISCLOSED.contains(&stored.stream_type.as_str()) {
        format!(r#"{{"body":{body},"header":{header}}}"#)
    } else {
        format!(r#"{{"header":{header}}}"#)
    })
}

/// Read a line that should stand at `index`, and check it as far as it goes by itself.
pub(super) fn read(line: &[u8], index: u64) -> Result<Event, String> {
    let broken = || "it is not RFC 8785 text".to_owned();
    let text = std::str::from_utf8(line).map_err(|_| broken())?;
    let value: Value = serde_json::from_str(text).map_err(|_| broken())?;
    if depth(&value) > DEEPEST || canonical(&value).map_err(|_| broken())? != text {
        return Err(broken());
    }
    let Value::Object(mut whole) = value else { return Err("it is no header with or without a body".into()) };
    let (header, body) = (whole.remove("header"), whole.remove("body"));
    let Some(Value::Object(header)) = header.filter(|_| whole.is_empty()) else {
        return Err("it is no header with or without a body".into());
    };
    if !header.keys().eq(HEADER) {
        return Err("its header has other entries".into());
    }
    let word = |name: &str| {
        let word = header.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
        word.map(str::to_owned).ok_or_else(|| format!("its {name} cannot be read"))
    };
    let number = |name: &str| header.get(name).and_then(Value::as_u64);
    word("event_version")?;
    if number("v") != Some(1) {
        return Err("its leaf is of another version".into());
    }
    if number("index") != Some(index) {
        return Err("it stands in the wrong place".into());
    }
    let sequence = number("sequence").filter(|place| *place >= 1).ok_or("its sequence is no place")?;
    let (body_hash, recorded_at) = (word("body_hash")?, word("recorded_at")?);
    if !is_hex(&body_hash, 64) {
        return Err("its body hash cannot be read".into());
    }
    let (stream, name) = (word("aggregate_type")?, word("event_type")?);
    if body.is_some() != DISCLOSED.contains(&stream.as_str()) {
        return Err("a body is shown that should be withheld, or withheld that should be shown".into());
    }
    let body = body.map(|body| read_body(body, &name, &body_hash)).transpose()?;
    let at = instant(&recorded_at).ok_or("its time cannot be read")?;
    let leaf = Sha256::new().chain_update([0]).chain_update(Value::Object(header.clone()).to_string());
    let leaf = leaf.finalize().into();
    Ok(Event { index, stream, id: word("aggregate_id")?, name, sequence, recorded_at, at, leaf, body })
}

fn read_body(body: Value, name: &str, hash: &str) -> Result<Body, String> {
    let broken = || "its body cannot be read".to_owned();
    if hex::encode(Sha256::digest(body.to_string())) != hash {
        return Err("its body is not the one that was hashed".into());
    }
    let Value::Object(mut body) = body else { return Err(broken()) };
    if !body.keys().eq(["metadata", "nonce", "payload"]) {
        return Err(broken());
    }
    if !body["nonce"].as_str().is_some_and(|nonce| is_hex(nonce, 32)) {
        return Err(broken());
    }
    let (Some(Value::Object(metadata)), Some(Value::Object(mut payload))) =
        (body.remove("metadata"), body.remove("payload"))
    else {
        return Err(broken());
    };
    match payload.remove(name) {
        Some(Value::Object(fields)) if payload.is_empty() => Ok(Body { metadata, fields }),
        Some(_) | None => Err("its payload is of another event".into()),
    }
}

fn depth(value: &Value) -> u32 {
    1 + match value {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(entries) => entries.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// So many hexadecimal digits in lower case.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether this is an instant as `recorded_at` has it, to the letter: `2026-11-20T09:30:00.000000Z`.
#[must_use]
pub fn is_instant(text: &str) -> bool {
    instant(text).is_some()
}

/// An instant of the form `2026-11-20T09:30:00.000000Z`.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let form = "0000-00-00T00:00:00.000000Z";
    let fits = |(sign, form): (u8, u8)| if form == b'0' { sign.is_ascii_digit() } else { sign == form };
    if text.len() != form.len() || !text.bytes().zip(form.bytes()).all(fits) {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let day = NaiveDate::from_ymd_opt(part(0, 4)?.try_into().ok()?, part(5, 7)?, part(8, 10)?)?;
    // Python knows no year nought, and nothing was recorded in it.
    let day = Some(day).filter(|_| part(0, 4) != Some(0))?;
    Some(day.and_hms_micro_opt(part(11, 13)?, part(14, 16)?, part(17, 19)?, part(20, 26)?)?.and_utc())
}
