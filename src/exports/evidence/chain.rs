//! The keys that sealed the log one after the other: each change is announced by an event, and sealed by the key that
//! goes and by the one that comes. Whoever holds any of them can follow from there.

use serde_json::{Map, Value};

use super::line::Event;
use super::note::read_note;
use crate::store::seal::{Checkpoint, Node, PublicKey};

/// The keys since the log began, or was restored.
#[derive(Default)]
pub(super) struct Chain {
    keys: Vec<PublicKey>,
    changes: Vec<u64>,
}

impl Chain {
    /// Take the next event in.
    ///
    /// # Errors
    /// When it announces a key that cannot be read, or that does not follow.
    pub fn take(&mut self, event: &Event) -> Result<(), String> {
        let (Some(body), "record") = (&event.body, event.stream.as_str()) else { return Ok(()) };
        match event.name.as_str() {
            // From here on another key counts, which nobody sealed: it has to be told to whoever checks.
            "record.restored" => *self = Self::default(),
            "record.key_changed" => {
                let (former, key) = (key(&body.fields, "former")?, key(&body.fields, "key")?);
                if former.name() != key.name() || self.keys.last().is_some_and(|last| *last != former) {
                    return Err("its keys do not follow".into());
                }
                if self.keys.is_empty() {
                    self.keys.push(former);
                }
                self.keys.push(key);
                self.changes.push(event.index);
            }
            _ => {}
        }
        Ok(())
    }

    /// The events that announce a change.
    pub fn changes(&self) -> &[u64] {
        &self.changes
    }

    /// `keys.txt`: these keys one after the other.
    pub fn listed(&self, held: &PublicKey) -> String {
        self.keys(held).iter().flat_map(|key| [key.as_str(), "\n"]).collect()
    }

    /// The keys that sealed the log; where there was no change, the key of whoever checks.
    pub fn keys<'k>(&'k self, held: &'k PublicKey) -> &'k [PublicKey] {
        if self.keys.is_empty() { std::slice::from_ref(held) } else { &self.keys }
    }

    /// The checkpoint of a bundle, for whoever holds a key of the chain: signed by the last one. A key that went may be in
    /// the hands of a thief by now, so that it vouches for nothing to whoever holds a later one.
    ///
    /// # Errors
    /// Why it is no such checkpoint.
    pub fn head(&self, note: &[u8], held: &PublicKey) -> Result<Checkpoint, String> {
        let Some(last) = self.keys.last() else { return read_note(note, held) };
        if !self.keys.contains(held) {
            return Err("your key is none of those that sealed this log".into());
        }
        read_note(note, last)
            .map_err(|why| format!("of the keys that sealed this log the last one counts: {why}"))
    }

    /// Whether each change was sealed by the key that went: one note for each, in order.
    ///
    /// # Errors
    /// Why they do not show that.
    pub fn sealed(&self, notes: &[u8], root: impl Fn(u64) -> Option<Node>) -> Result<(), String> {
        let notes = split(notes)?;
        if notes.len() != self.changes.len() {
            return Err("it has not a checkpoint for each change of the key".into());
        }
        for ((note, key), index) in notes.iter().zip(&self.keys).zip(&self.changes) {
            let head = read_note(note.as_bytes(), key)?;
            if head.size <= *index {
                return Err(format!("the old key did not seal event {index}, which announces the new one"));
            }
            if root(head.size) != Some(head.root) {
                return Err("a checkpoint in it is of other events".into());
            }
        }
        Ok(())
    }
}

/// Notes one after the other: a note ends with the last of its signature lines.
pub(super) fn split(notes: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(notes).map_err(|_| "it is not text")?;
    let mut notes: Vec<String> = Vec::new();
    let (mut lines, mut signed) = (0, true);
    for line in text.split_inclusive('\n') {
        let signature = lines >= 4 && line.starts_with('\u{2014}');
        if signed && !signature {
            notes.push(String::new());
            lines = 0;
        }
        signed = signature;
        lines += 1;
        notes.last_mut().ok_or("it cannot be read")?.push_str(line);
    }
    Ok(notes)
}

fn key(fields: &Map<String, Value>, which: &str) -> Result<PublicKey, String> {
    let text = fields.get(which).and_then(Value::as_str).filter(|text| text.trim() == *text);
    text.and_then(|text| PublicKey::new(text).ok()).ok_or_else(|| format!("its {which} cannot be read"))
}
