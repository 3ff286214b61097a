//! What a witness keeps, and how it answers: for each log the last checkpoint it signed, on disk before the signature is
//! out. It holds nothing else of any log.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::key::{WitnessKey, WitnessSigner};
use crate::store::key_file;
use crate::store::seal::{Checkpoint, Node, NoteTrouble, PublicKey, continues, parts};

/// The first line of what is kept.
const FORM: &str = "sidebyside witness v1";
/// How many lines a consistency proof has at most: the tree is no deeper.
const MOST_LINES: usize = 63;

/// Why there is no witness. Each reads as sentences for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum WitnessTrouble {
    /// It would not know what it signed.
    #[error(
        "There is no {0}, which says what this witness signed last. One that has forgotten it could be shown another \
         history: put the file back. If this witness has never signed anything, say --first-time."
    )]
    Forgotten(String),
    /// It knows what it signed.
    #[error("There is a {0} already, so this is not the first time: leave --first-time out.")]
    NotTheFirstTime(String),
    /// It cannot tell what it signed.
    #[error(
        "The file {0}, which says what this witness signed last, cannot be read. Take it from a back-up of now."
    )]
    Unreadable(String),
    /// Another one is there.
    #[error(
        "Another witness works with {0} at this moment. Two that do not know of each other sign two histories."
    )]
    Busy(String),
    /// It has two names.
    #[error(
        "{0} is a link. Name the file itself: it is put anew with each signature, and a link would be left behind."
    )]
    Linked(String),
    /// It watches nothing.
    #[error("Name the verifier keys of the logs to watch, one at least: --log NAME+ID+KEY.")]
    NoLogs,
    /// The machine.
    #[error("Could not {doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the machine said.
        source: std::io::Error,
    },
}

/// What a witness answers to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It goes on from what was signed before: the signature line.
    Cosigned(String),
    /// It was asked from another size than it signed last, or shown another root for that size: the size.
    Conflict(u64),
    /// It watches no log of that name.
    UnknownLog,
    /// No key of that log that it knows has signed it.
    UnknownKey,
    /// The proof does not show that it goes on from what was signed before.
    WrongProof,
    /// This is no such request: why.
    Malformed(&'static str),
}

/// A witness at work.
pub struct Witness {
    signer: WitnessSigner,
    logs: BTreeMap<String, Vec<PublicKey>>,
    file: PathBuf,
    last: Mutex<BTreeMap<String, Last>>,
    _alone: File,
}

/// What was signed last of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    size: u64,
    root: Node,
    /// The id of the key that the log had signed it with: those before it sign no more.
    by: String,
}

/// A request, taken apart.
struct Asked<'request> {
    from: u64,
    proof: Vec<Node>,
    note: &'request str,
}

fn system(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> WitnessTrouble {
    let doing = format!("{doing} {}", path.display());
    move |source| WitnessTrouble::System { doing, source }
}

impl Witness {
    /// Begin to witness these logs, going on from what is kept in a file. The first time there is none. The keys of one log
    /// stand in the order of their turns: once one has signed, those before it sign no more.
    ///
    /// # Errors
    /// See [`WitnessTrouble`].
    pub fn open(
        signer: WitnessSigner,
        logs: &[PublicKey],
        file: &Path,
        first_time: bool,
    ) -> Result<Self, WitnessTrouble> {
        let name = file.display().to_string();
        if logs.is_empty() {
            return Err(WitnessTrouble::NoLogs);
        }
        // By another name of it a second witness would not know of the first.
        if file.is_symlink() {
            return Err(WitnessTrouble::Linked(name));
        }
        let alone = file.with_extension("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&alone);
        let lock = lock.map_err(system("open", &alone))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(WitnessTrouble::Busy(name)),
            Err(TryLockError::Error(why)) => return Err(system("lock", &alone)(why)),
        }
        let last = match std::fs::read_to_string(file) {
            Ok(_) if first_time => return Err(WitnessTrouble::NotTheFirstTime(name)),
            Ok(text) => read(&text).ok_or(WitnessTrouble::Unreadable(name))?,
            Err(why) if why.kind() == ErrorKind::NotFound && first_time => {
                let nothing = BTreeMap::new();
                keep(file, &nothing)?;
                nothing
            }
            Err(why) if why.kind() == ErrorKind::NotFound => return Err(WitnessTrouble::Forgotten(name)),
            Err(why) => return Err(system("read", file)(why)),
        };
        let mut known: BTreeMap<String, Vec<PublicKey>> = BTreeMap::new();
        for key in logs {
            known.entry(key.name().to_owned()).or_default().push(key.clone());
        }
        Ok(Self { signer, logs: known, file: file.to_owned(), last: Mutex::new(last), _alone: lock })
    }

    /// What checks its cosignatures.
    #[must_use]
    pub const fn public(&self) -> &WitnessKey {
        self.signer.public()
    }

    /// The names of the logs it watches, each with how many events it has seen of it.
    #[must_use]
    pub fn seen(&self) -> Vec<(String, u64)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |origin: &String| last.get(origin).map_or(0, |last| last.size);
        self.logs.keys().map(|origin| (origin.clone(), size(origin))).collect()
    }

    /// Answer a request of C2SP tlog-witness: see that the checkpoint goes on from the last one that was signed, remember
    /// it, and sign it. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When it cannot be remembered: nothing is signed then.
    pub fn add_checkpoint(&self, request: &[u8], now: u64) -> Result<Answer, WitnessTrouble> {
        let Asked { from, proof, note } = match taken_apart(request) {
            Ok(asked) => asked,
            Err(why) => return Ok(Answer::Malformed(why)),
        };
        let Some((text, _)) = parts(note) else {
            return Ok(Answer::Malformed("there is no checkpoint"));
        };
        let Some(keys) = text.split_once('\n').and_then(|(origin, _)| self.logs.get(origin)) else {
            return Ok(Answer::UnknownLog);
        };
        let shown = match Checkpoint::read(note, keys) {
            Ok(shown) => shown,
            Err(NoteTrouble::Unsigned(_) | NoteTrouble::OtherLog { .. }) => return Ok(Answer::UnknownKey),
            Err(_) => return Ok(Answer::Malformed("this is not a checkpoint")),
        };
        if shown.size == 0 || from > shown.size {
            return Ok(Answer::Malformed("the checkpoint is smaller than the old size, or empty"));
        }
        // Looking, remembering and signing are one step: nobody else comes in between.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.get(&shown.origin);
        // A key that was followed by another may be in the hands of a thief by now.
        let turn =
            before.and_then(|last| keys.iter().position(|key| key.id() == last.by)).unwrap_or_default();
        let signs = |key: &&PublicKey| Checkpoint::read(note, std::slice::from_ref(*key)).is_ok();
        let Some(by) = keys.iter().skip(turn).rfind(signs) else { return Ok(Answer::UnknownKey) };
        let size = before.map_or(0, |last| last.size);
        if from != size {
            return Ok(Answer::Conflict(size));
        }
        match before {
            None if !proof.is_empty() => return Ok(Answer::WrongProof),
            None => {}
            Some(last) if size == shown.size && last.root != shown.root => return Ok(Answer::Conflict(size)),
            Some(last) if continues(&proof, (size, last.root), (shown.size, shown.root)) => {}
            Some(_) => return Ok(Answer::WrongProof),
        }
        let now_last = Last { size: shown.size, root: shown.root, by: by.id().to_owned() };
        if before != Some(&now_last) {
            let mut next = last.clone();
            next.insert(shown.origin.clone(), now_last);
            keep(&self.file, &next)?;
            *last = next;
        }
        Ok(Answer::Cosigned(self.signer.cosign(text, now)))
    }
}

fn taken_apart(request: &[u8]) -> Result<Asked<'_>, &'static str> {
    let text = std::str::from_utf8(request).map_err(|_| "it is not text")?;
    let (head, note) = text.split_once("\n\n").ok_or("there is no empty line")?;
    let mut lines = head.split('\n');
    let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or("there is no old size")?;
    let plain = old == "0" || (!old.starts_with('0') && old.bytes().all(|sign| sign.is_ascii_digit()));
    let from = old.parse().ok().filter(|_| plain).ok_or("the old size cannot be read")?;
    let node = |line: &str| BASE64.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
    let proof: Option<Vec<Node>> = lines.map(node).collect();
    let proof = proof.filter(|proof| proof.len() <= MOST_LINES).ok_or("the proof cannot be read")?;
    Ok(Asked { from, proof, note })
}

fn read(text: &str) -> Option<BTreeMap<String, Last>> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let known = lines.next() == Some(FORM);
    let logs = lines.map(|line| {
        let mut cells = line.splitn(4, ' ');
        let (size, node) = (cells.next()?.parse().ok()?, cells.next()?);
        let (by, origin) = (cells.next()?.to_owned(), cells.next()?);
        let mut root = Node::default();
        hex::decode_to_slice(node, &mut root).ok()?;
        Some((origin.to_owned(), Last { size, root, by }))
    });
    if known { logs.collect() } else { None }
}

fn keep(file: &Path, last: &BTreeMap<String, Last>) -> Result<(), WitnessTrouble> {
    let line = |(origin, Last { size, root, by }): (&String, &Last)| {
        format!("{size} {} {by} {origin}\n", hex::encode(root))
    };
    let content = format!("{FORM}\n{}", last.iter().map(line).collect::<String>());
    key_file::replace(file, content.as_bytes()).map_err(system("write", file))
}

#[cfg(test)]
mod tests;
