//! Leaf v1: the hash that fixes an event in the log for ever, computed from the stored form.
//!
//! body = RFC 8785 {metadata, nonce, payload}; header = RFC 8785 {aggregate_id, aggregate_type, body_hash, event_type,
//! event_version, index, recorded_at, sequence, v}; leaf = SHA-256(0x00 || header). Bodies can be withheld from an
//! export while completeness is still proven by headers.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An event as stored, as far as its leaf depends on it. Payload and metadata are in RFC 8785 form.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// Stream type.
    pub stream_type: &'a str,
    /// Stream id.
    pub stream_id: &'a str,
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// Stored name.
    pub event_type: &'a str,
    /// Stored version.
    pub event_version: &'a str,
    /// RFC 8785 text.
    pub payload: &'a str,
    /// RFC 8785 text.
    pub metadata: &'a str,
    /// Place in the log, from 0.
    pub index: i64,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// 32 hexadecimal digits of chance, so that a withheld body cannot be guessed from its hash.
    pub nonce: &'a str,
}

impl Leaf<'_> {
    /// The leaf hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut body = Sha256::new();
        for part in [
            r#"{"metadata":"#,
            self.metadata,
            r#","nonce":""#,
            self.nonce,
            r#"","payload":"#,
            self.payload,
            "}",
        ] {
            body.update(part);
        }
        let header = format!(
            concat!(
                r#"{{"aggregate_id":{id},"aggregate_type":{type_},"body_hash":"{body}","event_type":{event},"#,
                r#""event_version":{version},"index":{index},"recorded_at":"{at}","sequence":{sequence},"v":1}}"#
            ),
            id = quoted(self.stream_id),
            type_ = quoted(self.stream_type),
            body = hex::encode(body.finalize()),
            event = quoted(self.event_type),
            version = quoted(self.event_version),
            index = self.index,
            at = self.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            sequence = self.sequence,
        );
        let mut leaf = Sha256::new();
        leaf.update([0]);
        leaf.update(header);
        leaf.finalize().into()
    }
}

fn quoted(text: &str) -> String {
    Value::String(text.to_string()).to_string()
}

/// Why a JSON value may not go into the log.
#[derive(Debug, thiserror::Error)]
pub enum NotCanonical {
    /// A number with a fraction, an exponent, or 2^53 and above.
    #[error("the log takes whole numbers below 2^53 only, not {0}")]
    Number(serde_json::Number),
    /// A text with the character U+0000, which PostgreSQL cannot take out of JSON again.
    #[error("the log takes no text with the character U+0000")]
    Nul,
    /// A key with characters beyond U+FFFF: RFC 8785 and PostgreSQL would put it in different places.
    #[error("the log takes no key with characters beyond U+FFFF, such as {0}")]
    Key(String),
    /// The value could not be written.
    #[error("the value could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The RFC 8785 text of a value the log may hold.
///
/// # Errors
/// When it holds a number that other readers might read differently.
pub fn canonical<T: serde::Serialize>(value: &T) -> Result<String, NotCanonical> {
    let value = serde_json::to_value(value)?;
    storable(&value)?;
    // Of what is storable, serde_json writes the RFC 8785 text: keys in order, whole numbers, the same escapes.
    Ok(value.to_string())
}

/// The RFC 8785 text of entries that are all text, under names in plain letters: as [`canonical`], without the way
/// through a JSON value.
///
/// # Errors
/// When PostgreSQL could not take a text out of JSON again.
pub fn canonical_entries(entries: &BTreeMap<&'static str, String>) -> Result<String, NotCanonical> {
    if entries.values().any(|text| text.contains('\0')) {
        return Err(NotCanonical::Nul);
    }
    Ok(serde_json::to_string(entries)?)
}

fn storable(value: &Value) -> Result<(), NotCanonical> {
    match value {
        Value::String(text) if text.contains('\0') => Err(NotCanonical::Nul),
        Value::Number(number) => match number.as_i64() {
            Some(whole) if whole.unsigned_abs() < 1 << 53 => Ok(()),
            _ => Err(NotCanonical::Number(number.clone())),
        },
        Value::Array(items) => items.iter().try_for_each(storable),
        Value::Object(entries) => entries.iter().try_for_each(|(key, value)| {
            if key.contains('\0') {
                return Err(NotCanonical::Nul);
            }
            if key.chars().any(|c| c > '\u{ffff}') {
                return Err(NotCanonical::Key(key.clone()));
            }
            storable(value)
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_whole_numbers_below_two_to_the_fifty_three() {
        assert_eq!(canonical(&json!({"b": 1, "a": "é\n"})).unwrap(), "{\"a\":\"é\\n\",\"b\":1}");
        assert!(canonical(&json!({"a": 1.5})).is_err());
        assert!(canonical(&json!([9_007_199_254_740_992_i64])).is_err());
        assert!(canonical(&json!([9_007_199_254_740_991_i64])).is_ok());
    }

    #[test]
    fn no_text_that_postgresql_reads_otherwise() {
        assert!(matches!(canonical(&json!({"a": [{"b": "x\0y"}]})), Err(NotCanonical::Nul)));
        assert!(matches!(canonical(&json!({"a\0": 1})), Err(NotCanonical::Nul)));
        assert!(matches!(canonical(&json!({"\u{1f600}": 1})), Err(NotCanonical::Key(_))));
        assert!(canonical(&json!({"\u{ffee}": "\u{1f600}\u{1}\\u0000"})).is_ok());
    }

    #[test]
    fn entries_have_the_same_text_as_the_value_they_are() {
        let words = "\u{0}\u{1}\u{8}\t\n\u{c}\r\u{1f}\u{7f}\"\\/é\u{2028}\u{ffee}\u{1f600}";
        let mut entries = BTreeMap::from([("role", String::new()), ("actor", words.to_owned())]);
        assert!(matches!(canonical_entries(&entries), Err(NotCanonical::Nul)));
        entries.insert("actor", words.replace('\0', ""));
        assert_eq!(canonical_entries(&entries).unwrap(), canonical(&entries).unwrap());
        assert_eq!(canonical(&entries).unwrap(), serde_json_canonicalizer::to_string(&entries).unwrap());
    }

    #[test]
    fn what_is_storable_is_written_as_rfc_8785_says() {
        let keys = "\u{1}\t\"\\/aZ_é\u{7f}\u{80}\u{d7ff}\u{e000}\u{ffee}\u{ffff}".chars().map(String::from);
        let mut value: Value =
            keys.map(|key| (key, json!([0, -1, {"b": [], "a": {}}, null, true]))).collect();
        value["whole"] = json!([(1_i64 << 53) - 1, 1 - (1_i64 << 53)]);
        assert_eq!(canonical(&value).unwrap(), serde_json_canonicalizer::to_string(&value).unwrap());
    }

    #[test]
    fn the_leaf_changes_with_every_part() {
        let leaf = Leaf {
            stream_type: "fund",
            stream_id: "a",
            sequence: 1,
            event_type: "fund.opened",
            event_version: "1",
            payload: "{}",
            metadata: "{}",
            index: 0,
            recorded_at: DateTime::UNIX_EPOCH,
            nonce: "00",
        };
        let first = leaf.hash();
        assert_ne!(first, Leaf { payload: "{\"a\":1}", ..leaf }.hash());
        assert_ne!(first, Leaf { metadata: "{\"a\":1}", ..leaf }.hash());
        assert_ne!(first, Leaf { index: 1, ..leaf }.hash());
        assert_ne!(first, Leaf { sequence: 2, ..leaf }.hash());
        assert_ne!(first, Leaf { nonce: "01", ..leaf }.hash());
        assert_ne!(first, Leaf { stream_id: "b", ..leaf }.hash());
    }
}
