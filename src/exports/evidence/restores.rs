//! What a restore declares to be lost, for whoever holds a checkpoint of the log as it was before.

use serde_json::{Map, Value};

use super::line::Event;
use crate::store::seal::{Checkpoint, Node};

/// A restore that the log declares.
pub(super) struct Restored {
    /// How many events were brought back; the next one says so.
    size: u64,
    /// How many events the last checkpoint covered that was held then, and its root.
    before: u64,
    root: Node,
}

impl Restored {
    /// What an event declares to be lost, given the root over the events before it. A restore that is not declared by
    /// the first event after it, or not of what stands before, declares nothing.
    pub fn read(event: &Event, root: impl FnOnce() -> Option<Node>) -> Option<Self> {
        if event.stream != "record" || event.name != "record.restored" {
            return None;
        }
        let fields = &event.body.as_ref()?.fields;
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        let (size, before) = (number("size")?, number("lost_before")?);
        let holds = size == event.index && hash(fields, "root")? == root()?;
        holds.then_some(Self { size, before, root: hash(fields, "lost_root")? })
    }

    /// What is lost of that which a checkpoint covers, in a sentence; none where this is not what was declared.
    pub fn explains(&self, held: &Checkpoint) -> Option<String> {
        let Self { size, before, root } = *self;
        let declared = size < held.size && (held.size < before || (held.size == before && held.root == root));
        declared.then(|| {
            let (covered, last) = (held.size, held.size - 1);
            format!(
                "LOST  Of the {covered} events of a checkpoint that you hold, {size} to {last} are lost: event {size} \
                 declares that the record was restored from a back-up."
            )
        })
    }
}

fn hash(fields: &Map<String, Value>, name: &str) -> Option<Node> {
    let text = fields.get(name)?.as_str()?;
    let plain = text.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b'a'..=b'f'));
    hex::decode(text).ok().filter(|_| plain)?.try_into().ok()
}
