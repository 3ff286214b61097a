//! Verifying a bundle. Nothing is asked but the bundle itself and what whoever checks it holds; size and root come from
//! the signed checkpoint alone.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Result};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::books::Books;
use super::chain::Chain;
use super::restores::Restored;
use super::witnessed::Seen;
use super::{
    CHECKPOINT, ERASURES, EVENTS, FILES, HANDOVERS, JOURNAL, KEYS, LEDGER, MANIFEST, PROOFS, README,
    README_WORDS, RULES, WITNESSED, line, manifest, proof_line, rules, witnessed,
};
use crate::store::seal::{Checkpoint, Node, PublicKey, Tree};
use crate::store::witness::WitnessKey;

/// What whoever checks brings: nothing of it comes from the bundle.
#[derive(Debug, Clone)]
pub struct Holding {
    /// The verifier key.
    pub key: PublicKey,
    /// Checkpoints of the log, signed by that key, or by one of before it was restored.
    pub checkpoints: Vec<Checkpoint>,
    /// Receipts of commands: position and leaf.
    pub receipts: Vec<(u64, Node)>,
    /// The witnesses that whoever checks relies on: each has to have signed.
    pub witnesses: Vec<WitnessKey>,
    /// When at least something was recorded, written as `recorded_at` is; or, with witnesses, since when each has to have
    /// signed, and have seen what was recorded before.
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
    /// What each witness saw last that whoever checks relies on.
    pub seen: Vec<Seen>,
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

/// The files of a bundle that nothing else gives, read once: what is checked is what the manifest is held against.
struct Signed {
    checkpoint: Vec<u8>,
    handovers: Vec<u8>,
    witnessed: Vec<u8>,
}

/// The events of a bundle, followed to the end.
struct Followed {
    books: Books,
    leaves: Vec<Node>,
    tree: Tree,
    last: String,
    /// How many were recorded before the time that whoever checks asks for.
    before: u64,
    hash: String,
    restores: Vec<Restored>,
    chain: Chain,
}

/// Check a bundle against what somebody holds.
///
/// # Errors
/// When the folder cannot be read; what is wrong with it is a verdict, not an error.
pub fn check(folder: &Path, holding: &Holding, progress: &dyn Fn(u64)) -> Result<Verdict> {
    if let Some(why) = other_files(folder)? {
        return Ok(Verdict::Invalid(why));
    }
    let since = holding.not_older_than.as_deref().unwrap_or_default();
    let followed = match follow(&folder.join(EVENTS), since, progress)? {
        Ok(followed) => followed,
        Err(why) => return Ok(Verdict::Invalid(why)),
    };
    let read = |name: &str| std::fs::read(folder.join(name));
    let signed =
        Signed { checkpoint: read(CHECKPOINT)?, handovers: read(HANDOVERS)?, witnessed: read(WITNESSED)? };
    let head = match followed.chain.head(&signed.checkpoint, &holding.key) {
        Ok(head) => head,
        Err(why) => return Ok(Verdict::Invalid(format!("{CHECKPOINT}: {why}."))),
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
    if let Some(why) = other_content(folder, holding, &head, &followed, &signed)? {
        return Ok(Verdict::Invalid(why));
    }
    let keys = followed.chain.keys(&holding.key);
    let root = |size: u64| followed.tree.root(size).ok().filter(|_| size <= head.size);
    let seen = witnessed::read(&signed.witnessed, keys, root).and_then(|notes| {
        let last = holding.witnesses.iter().map(|witness| witnessed::last_seen(&notes, witness));
        last.collect::<std::result::Result<Vec<_>, _>>()
    });
    Ok(match seen {
        Ok(seen) => held_against(&followed, &head, holding, seen),
        Err(why) => Verdict::Invalid(format!("{WITNESSED}: {why}.")),
    })
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
fn follow(file: &Path, since: &str, progress: &dyn Fn(u64)) -> Result<std::result::Result<Followed, String>> {
    let (mut books, mut tree, mut hash, mut chain) =
        (Books::new(), Tree::default(), Sha256::new(), Chain::default());
    let (mut leaves, mut last, mut restores) = (Vec::new(), String::new(), Vec::new());
    let mut before = 0;
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
            chain.take(&event)?;
            restores.extend(Restored::read(&event, || tree.root(tree.size()).ok()));
            tree.push(event.leaf).map_err(|why| why.to_string())?;
            leaves.push(event.leaf);
            before += u64::from(event.recorded_at.as_str() < since);
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
    let hash = hex::encode(hash.finalize());
    Ok(Ok(Followed { books, leaves, tree, last, before, hash, restores, chain }))
}

/// Every other file is worked out again and compared byte for byte.
fn other_content(
    folder: &Path,
    holding: &Holding,
    head: &Checkpoint,
    followed: &Followed,
    signed: &Signed,
) -> Result<Option<String>> {
    let Followed { books, leaves, tree, hash, chain, .. } = followed;
    let root = |size: u64| tree.root(size).ok().filter(|_| size <= head.size);
    if let Err(why) = chain.sealed(&signed.handovers, root) {
        return Ok(Some(format!("{HANDOVERS}: {why}.")));
    }
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
        (KEYS, chain.listed(&holding.key)),
        (LEDGER, books.ledger.clone()),
        (PROOFS, proofs),
        (RULES, rules::table()),
    ];
    let hash_of = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut hashes = BTreeMap::from([
        (EVENTS, hash.clone()),
        (CHECKPOINT, hash_of(&signed.checkpoint)),
        (HANDOVERS, hash_of(&signed.handovers)),
        (WITNESSED, hash_of(&signed.witnessed)),
    ]);
    for (name, content) in wanted {
        if std::fs::read(folder.join(name))? != content.as_bytes() {
            return Ok(Some(format!("{name} does not follow from what was signed.")));
        }
        hashes.insert(name, hash_of(content.as_bytes()));
    }
    let listed = std::fs::read(folder.join(MANIFEST))? == manifest(&hashes).as_bytes();
    Ok((!listed).then(|| format!("{MANIFEST} does not list what is here.")))
}

fn held_against(
    followed: &Followed,
    head: &Checkpoint,
    holding: &Holding,
    seen: Vec<Option<Seen>>,
) -> Verdict {
    let Followed { books, leaves, tree, restores, .. } = followed;
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
    if let Some(why) = stale(followed, holding, &seen) {
        return Verdict::Stale(why);
    }
    let seen = seen.into_iter().flatten().collect();
    Verdict::Holds(Summary { size: head.size, root: head.root, moved: books.moved(), lost, seen })
}

/// Why a bundle is older than whoever checks asks for: by what witnesses saw, and without any by the last event.
fn stale(followed: &Followed, holding: &Holding, seen: &[Option<Seen>]) -> Option<String> {
    for (witness, seen) in holding.witnesses.iter().zip(seen) {
        let Some(seen) = seen else {
            return Some(format!("{} has signed no checkpoint of this log.", witness.name()));
        };
        let since = holding.not_older_than.as_deref();
        if let Some(why) = since.and_then(|since| witnessed::too_old(seen, since, followed.before)) {
            return Some(why);
        }
    }
    let since = holding.not_older_than.as_ref().filter(|_| holding.witnesses.is_empty())?;
    let last = &followed.last;
    (last < since).then(|| format!("The last event was recorded at {last}."))
}
