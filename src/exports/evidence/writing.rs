//! Writing a bundle: the events as they come, then what follows from them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::{DirBuilder, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::books::{self, Books};
use super::chain::Chain;
use super::{
    CHECKPOINT, ERASURES, EVENTS, HANDOVERS, JOURNAL, KEYS, LEDGER, MANIFEST, PROOFS, README, README_WORDS,
    RULES, WITNESSED, line, manifest, note, proof_line, rules,
};
use crate::domain::fund::FundEvent;
use crate::domain::postings::postings;
use crate::store::log::Stored;
use crate::store::seal::{PublicKey, Tree};
use crate::store::{Trouble, upcast};

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleTrouble {
    /// The log is not what was recorded, or holds what no bundle can.
    #[error(
        "event {index}: {why}. There is no bundle until the log is put right; `sidebyside verify` says more."
    )]
    Event {
        /// Its position.
        index: i64,
        /// What is wrong.
        why: String,
    },
    /// The checkpoint is not that of these events.
    #[error("the checkpoint that the bundle would rest on: {0}")]
    Checkpoint(String),
    /// It was written, and is not what whoever gets it would take.
    #[error("the bundle does not hold, and is not kept: {0}")]
    DoesNotHold(String),
    /// The log.
    #[error(transparent)]
    Store(#[from] Trouble),
    /// The folder.
    #[error("the bundle could not be written: {0}")]
    Folder(#[from] std::io::Error),
}

/// A bundle being written.
pub struct Writer {
    folder: PathBuf,
    events: BufWriter<File>,
    hash: Sha256,
    tree: Tree,
    books: Books,
    chain: Chain,
    ledger: String,
    sequences: HashMap<(String, String), i64>,
}

impl Writer {
    /// Begin a bundle in a folder that there is not yet.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(folder: &Path) -> Result<Self, BundleTrouble> {
        // Not for everybody on this machine; whoever takes it away opens it to whom they like.
        DirBuilder::new().mode(0o700).create(folder)?;
        let events = BufWriter::new(File::create_new(folder.join(EVENTS))?);
        Ok(Self {
            folder: folder.to_owned(),
            events,
            hash: Sha256::new(),
            tree: Tree::default(),
            books: Books::new(),
            chain: Chain::default(),
            ledger: books::LEDGER.to_owned(),
            sequences: HashMap::new(),
        })
    }

    /// Take the next event in.
    ///
    /// # Errors
    /// When it is not what was recorded, or the folder cannot be written to.
    pub fn take(&mut self, stored: &Stored) -> Result<(), BundleTrouble> {
        let wrong = |why: &str| BundleTrouble::Event { index: stored.index, why: why.to_owned() };
        let text = line::write(stored)?;
        let event = line::read(text.as_bytes(), self.tree.size()).map_err(|why| wrong(&why))?;
        if event.leaf[..] != stored.leaf_hash[..] {
            return Err(wrong("its leaf hash does not fit what is stored"));
        }
        let stream = (stored.stream_type.clone(), stored.stream_id.clone());
        if self.sequences.insert(stream, stored.sequence).unwrap_or_default() + 1 != stored.sequence {
            return Err(wrong("it is not the next of its stream"));
        }
        self.books.take(&event).map_err(|why| wrong(&why))?;
        self.chain.take(&event).map_err(|why| wrong(&why))?;
        if stored.stream_type == "fund" {
            self.post(stored, &event.recorded_at)?;
        }
        self.tree.push(event.leaf).map_err(|why| wrong(&why.to_string()))?;
        for part in [text.as_bytes(), b"\n"] {
            self.hash.update(part);
            self.events.write_all(part)?;
        }
        Ok(())
    }

    /// The ledger by the rules of the domain.
    fn post(&mut self, stored: &Stored, recorded_at: &str) -> Result<(), BundleTrouble> {
        let fact =
            upcast::read(&stored.stream_type, &stored.event_type, &stored.event_version, &stored.payload);
        let Ok(fact) = FundEvent::try_from(fact.map_err(Trouble::from)?) else { return Ok(()) };
        let id = |id: Option<uuid::Uuid>| id.map_or_else(String::new, |id| id.to_string());
        for (line, one) in postings(&fact).iter().enumerate() {
            let (from, to) = one.movement.way();
            let _written = writeln!(
                self.ledger,
                "{},{line},{},{},{},{},{},{},{},{},{},{},{},{},{recorded_at}",
                stored.index,
                stored.stream_id,
                id(one.link.map(|link| link.programme.0)),
                id(one.link.map(|link| link.partner.0)),
                id(one.link.map(|link| link.grant.0)),
                id(one.instalment.map(|instalment| instalment.0)),
                one.year,
                one.corrects.map_or_else(String::new, |year| year.to_string()),
                one.movement.code(),
                from.code(),
                to.code(),
                one.amount.pounds(),
                stored.effective_on,
            );
        }
        Ok(())
    }

    /// The events that announce another key, since the log began or was restored: for each the bundle needs the smallest
    /// checkpoint that covers it.
    #[must_use]
    pub fn changes(&self) -> Vec<u64> {
        self.chain.changes().to_vec()
    }

    /// Write what follows from the events, under the checkpoint over them. Of the checkpoints that witnesses have signed
    /// those come along that are by a key of this log: before a restore it was another.
    ///
    /// # Errors
    /// When the checkpoint is not that of these events, or the folder cannot be written to.
    pub fn finish(
        mut self,
        checkpoint: &str,
        handovers: &[String],
        witnessed: &[String],
        key: &PublicKey,
    ) -> Result<(), BundleTrouble> {
        let handovers = handovers.concat();
        let head = self.chain.head(checkpoint.as_bytes(), key);
        let head = head.map_err(BundleTrouble::Checkpoint)?;
        let broken = |why: tlog_tiles::tlog::Error| BundleTrouble::Checkpoint(why.to_string());
        let size = self.tree.size();
        if head.size != size || head.root != self.tree.root(size).map_err(broken)? {
            return Err(BundleTrouble::Checkpoint(
                "the events are not those that were signed; `sidebyside verify` says more".into(),
            ));
        }
        let keys = self.chain.keys(key);
        let ours = |note: &&String| keys.iter().any(|key| note::read_note(note.as_bytes(), key).is_ok());
        let witnessed: String = witnessed.iter().filter(ours).map(String::as_str).collect();
        self.events.flush()?;
        self.events.get_ref().sync_all()?;
        let mut proofs = String::new();
        let leaves = self.books.sampled(&head.root);
        for index in leaves {
            let leaf = self.tree.leaf(index).map_err(broken)?;
            proofs.push_str(&proof_line(index, &leaf, &self.tree.inclusion(index, size).map_err(broken)?));
        }
        let mut hashes = BTreeMap::from([(EVENTS, hex::encode(self.hash.finalize()))]);
        let files = [
            (README, README_WORDS.to_owned()),
            (CHECKPOINT, checkpoint.to_owned()),
            (ERASURES, self.books.erasures.clone()),
            (HANDOVERS, handovers),
            (JOURNAL, self.books.journal()),
            (KEYS, self.chain.listed(key)),
            (LEDGER, self.ledger),
            (PROOFS, proofs),
            (RULES, rules::table()),
            (WITNESSED, witnessed),
        ];
        for (name, content) in files {
            std::fs::write(self.folder.join(name), &content)?;
            hashes.insert(name, hex::encode(Sha256::digest(&content)));
        }
        std::fs::write(self.folder.join(MANIFEST), manifest(&hashes))?;
        Ok(())
    }
}
