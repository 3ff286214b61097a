//! Verifying a bundle. Nothing is asked but the bundle itself and what whoever checks it holds; size and root come from
//! the signed checkpoint alone.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Result};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::books::Books;
use super::restores::Restored;
use super::{
    CHECKPOINT, ERASURES, EVENTS, FILES, JOURNAL, KEYS, LEDGER, MANIFEST, PROOFS, README, README_WORDS,
    RULES, line, manifest, note, proof_line, rules,
};
use crate::store::seal::{Checkpoint, Node, PublicKey, Tree};

/// What whoever checks brings: nothing of it comes from the bundle.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The verifier key.
    pub key: PublicKey,
    /// Checkpoints of the log, signed by that key, or by one of before it was restored.
    pub checkpoints: Vec<Checkpoint>,
    /// Receipts of commands: position and leaf.
    pub receipts: Vec<(u64, Node)>,
    /// When at least something was recorded, written as `recorded_at` is.
    pub not_older_than: Option<String>,
}

/// What a bundle turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything holds.
    Holds(Summary),
    /// It is not the log that was shown before: why.
    Diverges(String),
    /// It is not what was signed, or does not follow from it: why.
    Invalid(String),
    /// It ends too early: why.
    Stale(String),
}

/// What a bundle that holds has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many events.
    pub size: u64,
    /// The root over them.
    pub root: Node,
    /// How many moved money.
    pub moved: usize,
    /// What is lost of what whoever checks holds, as a restore declares it: a sentence for each checkpoint.
    pub lost: Vec<String>,
}

impl Verdict {
    /// The exit code of a program that found this.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Holds(_) => 0,
            Self::Diverges(_) => 30,
            Self::Invalid(_) => 40,
            Self::Stale(_) => 50,
        }
    }
}

/// The events of a bundle, followed to the end.
struct Followed {
    books: Books,
    leaves: Vec<Node>,
    tree: Tree,
    last: String,
    hash: String,
    restores: Vec<Restored>,
}

/// Check a bundle against what somebody holds.
///
/// # Errors
/// When the folder cannot be read; what is wrong with it is a verdict, not an error.
pub fn check(folder: &Path, holding: &Holding, progress: &dyn Fn(u64)) -> Result<Verdict> {
    if let Some(why) = other_files(folder)? {
        return Ok(Verdict::Invalid(why));
    }
    let head = match note::read_note(&std::fs::read(folder.join(CHECKPOINT))?, &holding.key) {
        Ok(head) => head,
        Err(why) => return Ok(Verdict::Invalid(format!("{CHECKPOINT}: {why}."))),
    };
    let followed = match follow(&folder.join(EVENTS), progress)? {
        Ok(followed) => followed,
        Err(why) => return Ok(Verdict::Invalid(why)),
    };
    let there = followed.tree.size();
    if there != head.size {
        return Ok(Verdict::Invalid(format!(
            "The checkpoint covers {} events; the bundle has {there}.",
            head.size
        )));
    }
    if followed.tree.root(there).ok() != Some(head.root) {
        let why = "The events are not those that were signed: their root is another.";
        return Ok(Verdict::Invalid(why.into()));
    }
    if let Some(why) = other_content(folder, holding, &head, &followed)? {
        return Ok(Verdict::Invalid(why));
    }
    Ok(held_against(&followed, &head, holding))
}

/// The names in a bundle are an allow-list, of files only.
fn other_files(folder: &Path) -> Result<Option<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            return Ok(Some("Not everything in the folder is a file.".into()));
        }
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let other = || "The folder holds other files than a bundle does.".to_owned();
    Ok((names != FILES).then(other))
}

/// Every event in its place.
fn follow(file: &Path, progress: &dyn Fn(u64)) -> Result<std::result::Result<Followed, String>> {
    let (mut books, mut tree, mut hash) = (Books::new(), Tree::default(), Sha256::new());
    let (mut leaves, mut last, mut restores) = (Vec::new(), String::new(), Vec::new());
    let mut sequences: HashMap<(String, String), u64> = HashMap::new();
    let mut reading = BufReader::new(File::open(file)?);
    let mut bytes = Vec::new();
    for index in 0.. {
        bytes.clear();
        if reading.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        hash.update(&bytes);
        let mut take = || {
            let text = bytes.strip_suffix(b"\n").ok_or("it has no end")?;
            let event = line::read(text, index)?;
            if event.recorded_at <= last {
                return Err("it was recorded no later than the event before it".to_owned());
            }
            let place = sequences.entry((event.stream.clone(), event.id.clone())).or_default();
            *place += 1;
            if event.sequence != *place {
                return Err("it is not the next of its stream".into());
            }
            books.take(&event)?;
            restores.extend(Restored::read(&event, || tree.root(tree.size()).ok()));
            tree.push(event.leaf).map_err(|why| why.to_string())?;
            leaves.push(event.leaf);
            last = event.recorded_at;
            Ok(())
        };
        if let Err(why) = take() {
            return Ok(Err(format!("Event {index}: {why}.")));
        }
        if index % 1024 == 0 {
            progress(index);
        }
    }
    Ok(Ok(Followed { books, leaves, tree, last, hash: hex::encode(hash.finalize()), restores }))
}

/// Every other file is worked out again and compared byte for byte.
fn other_content(
    folder: &Path,
    holding: &Holding,
    head: &Checkpoint,
    followed: &Followed,
) -> Result<Option<String>> {
    let Followed { books, leaves, tree, hash, .. } = followed;
    let mut proofs = String::new();
    for index in books.sampled(&head.root) {
        let leaf = usize::try_from(index).ok().and_then(|place| leaves.get(place));
        let (Some(leaf), Ok(path)) = (leaf, tree.inclusion(index, head.size)) else {
            return Ok(Some(format!("Event {index} cannot be proven.")));
        };
        proofs.push_str(&proof_line(index, leaf, &path));
    }
    let wanted = [
        (README, README_WORDS.to_owned()),
        (ERASURES, books.erasures.clone()),
        (JOURNAL, books.journal()),
        (KEYS, format!("{}\n", holding.key)),
        (LEDGER, books.ledger.clone()),
        (PROOFS, proofs),
        (RULES, rules::table()),
    ];
    let checkpoint = hex::encode(Sha256::digest(std::fs::read(folder.join(CHECKPOINT))?));
    let mut hashes = BTreeMap::from([(EVENTS, hash.clone()), (CHECKPOINT, checkpoint)]);
    for (name, content) in wanted {
        if std::fs::read(folder.join(name))? != content.as_bytes() {
            return Ok(Some(format!("{name} does not follow from what was signed.")));
        }
        hashes.insert(name, hex::encode(Sha256::digest(&content)));
    }
    let listed = std::fs::read(folder.join(MANIFEST))? == manifest(&hashes).as_bytes();
    Ok((!listed).then(|| format!("{MANIFEST} does not list what is here.")))
}

fn held_against(followed: &Followed, head: &Checkpoint, holding: &Holding) -> Verdict {
    let Followed { books, leaves, tree, last, restores, .. } = followed;
    let there = |index: u64| usize::try_from(index).ok().and_then(|place| leaves.get(place));
    let (mut lost, mut beyond) = (Vec::new(), Vec::new());
    for held in &holding.checkpoints {
        let (size, former) = (held.size, held.origin != head.origin);
        if size <= head.size && tree.root(size).ok() == Some(held.root) {
            continue;
        }
        // Only a log that goes on under another name can have been restored.
        let declared = restores.iter().filter(|_| former).find_map(|one| one.explains(held));
        match declared {
            Some(sentence) => lost.push(sentence),
            None if former => {
                return Verdict::Diverges(format!(
                    "The log goes on under another name, and nothing in it declares that what the checkpoint over {size} \
                     events covers is lost."
                ));
            }
            None if size <= head.size => {
                return Verdict::Diverges(format!(
                    "The first {size} events are not those of the checkpoint that you hold."
                ));
            }
            None => beyond.push(size),
        }
    }
    for (index, leaf) in &holding.receipts {
        if there(*index).is_some_and(|found| found != leaf) {
            return Verdict::Diverges(format!("Event {index} is not the one of the receipt that you hold."));
        }
    }
    if let Some(held) = beyond.first() {
        let size = head.size;
        return Verdict::Stale(format!("You hold a checkpoint over {held} events; the bundle has {size}."));
    }
    if let Some((index, _)) = holding.receipts.iter().find(|(index, _)| there(*index).is_none()) {
        return Verdict::Stale(format!("You hold a receipt of event {index}; the bundle ends before it."));
    }
    if holding.not_older_than.as_ref().is_some_and(|since| last < since) {
        return Verdict::Stale(format!("The last event was recorded at {last}."));
    }
    Verdict::Holds(Summary { size: head.size, root: head.root, moved: books.moved(), lost })
}
