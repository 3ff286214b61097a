//! What witnesses saw of the log, and when: the checkpoints that they signed beside the key of the log, and whether
//! that is fresh enough for whoever checks.

use super::chain::split;
use super::note::read_note;
use crate::store::seal::{Node, PublicKey, parts};
use crate::store::witness::WitnessKey;

/// A checkpoint in a bundle that witnesses have signed.
pub(super) struct Witnessed {
    /// How many events it covers.
    size: u64,
    text: String,
    signatures: Vec<String>,
}

/// What a witness saw last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub witness: String,
    /// How many events.
    pub size: u64,
    /// When, written as `recorded_at` is.
    pub at: String,
}

/// Read `witnessed.txt`: checkpoints of the log one after the other, of rising size, each signed by a key of the log and
/// with the root over the events it covers.
///
/// # Errors
/// Why it is no such file.
pub(super) fn read(
    notes: &[u8],
    keys: &[PublicKey],
    root: impl Fn(u64) -> Option<Node>,
) -> Result<Vec<Witnessed>, String> {
    let mut all: Vec<Witnessed> = Vec::new();
    for note in split(notes)? {
        let mut why = String::new();
        let head = keys.iter().find_map(|key| match read_note(note.as_bytes(), key) {
            Ok(head) => Some(head),
            Err(other) => {
                why = other;
                None
            }
        });
        let head = head.ok_or(why)?;
        if root(head.size) != Some(head.root) {
            return Err("a checkpoint in it is of other events".into());
        }
        if all.last().is_some_and(|before| before.size >= head.size) {
            return Err("its checkpoints do not rise".into());
        }
        let (text, signatures) = parts(&note).unwrap_or_default();
        let signatures = signatures.lines().map(str::to_owned).collect();
        all.push(Witnessed { size: head.size, text: text.to_owned(), signatures });
    }
    Ok(all)
}

/// What a witness saw last; none where it signed nothing here.
///
/// # Errors
/// When a line that names it does not hold.
pub(super) fn last_seen(notes: &[Witnessed], witness: &WitnessKey) -> Result<Option<Seen>, String> {
    let mut seen = None;
    for Witnessed { size, text, signatures } in notes {
        let named: Vec<&String> = signatures.iter().filter(|line| witness.is_named(line)).collect();
        let line = match named[..] {
            [] => continue,
            [line] => line,
            _ => return Err(format!("{} has signed a checkpoint in it twice", witness.name())),
        };
        let time = witness
            .cosigned(text, line)
            .ok_or_else(|| format!("the cosignature of {} does not hold", witness.name()))?;
        let at = time.format("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
        seen = Some(Seen { witness: witness.name().to_owned(), size: *size, at });
    }
    Ok(seen)
}

/// Why what a witness saw is not fresh enough: it has to have signed since a time, and seen whatever was recorded before
/// it, `before` events.
pub(super) fn too_old(seen: &Seen, since: &str, before: u64) -> Option<String> {
    let Seen { witness, size, at } = seen;
    if at.as_str() < since {
        return Some(format!("{witness} has seen the log at {at}, and not since."));
    }
    (*size < before).then(|| {
        format!("{witness} has seen {size} events; {before} were recorded before the time you ask for.")
    })
}
