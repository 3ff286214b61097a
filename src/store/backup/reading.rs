//! Reading a back-up: its files are those that were written, each leaf is computed again, and every checkpoint in it is
//! held against the leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{BackupTrouble, EVENTS, FORM, MANIFEST, Manifest, Table};
use crate::store::Trouble;
use crate::store::check::leaf_of;
use crate::store::copy::{Row, Rows};
use crate::store::seal::{Frontier, Node};

/// How much of a file is read at a time.
const CHUNK: usize = 1 << 16;

/// A back-up that was checked.
#[derive(Debug, Clone)]
pub struct Backup {
    /// What it says of itself.
    pub manifest: Manifest,
    pub(super) folder: PathBuf,
    /// When its last event was recorded, in the microseconds of PostgreSQL.
    pub(super) last_recorded_at: Option<chrono::DateTime<chrono::Utc>>,
    /// Who is forgotten by its log: people and voices.
    pub forgotten: BTreeSet<Uuid>,
}

fn damaged(why: impl Into<String>) -> BackupTrouble {
    BackupTrouble::Damaged(why.into())
}

/// A trouble with the bytes of a file is one of the back-up.
fn of_bytes(trouble: Trouble) -> BackupTrouble {
    damaged(format!("{trouble}."))
}

/// The rows of a file of a back-up.
pub(super) fn rows(path: &Path) -> std::io::Result<Rows<'static>> {
    let mut file = File::open(path)?;
    let chunks = std::iter::from_fn(move || {
        let mut chunk = vec![0; CHUNK];
        match file.read(&mut chunk) {
            Ok(0) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some(Ok(Bytes::from(chunk)))
            }
            Err(why) => Some(Err(why.into())),
        }
    });
    Ok(Rows::from_chunks(chunks))
}

impl Backup {
    /// Read a back-up and check it as a whole; and hold checkpoints that somebody has against it, as far as it goes.
    ///
    /// # Errors
    /// When it is not whole, or a checkpoint that is held is of another record.
    pub async fn read(folder: &Path, held: &[(u64, Node)]) -> Result<Self, BackupTrouble> {
        let text = std::fs::read(folder.join(MANIFEST))?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|why| damaged(format!("its {MANIFEST} cannot be read ({why}).")))?;
        if manifest.form != FORM {
            return Err(damaged(format!("it is of the form `{}`, not `{FORM}`.", manifest.form)));
        }
        for table in &manifest.tables {
            let file = table.file();
            let found = hash_of(&folder.join(&file)).map_err(|why| damaged(format!("{file}: {why}.")))?;
            if found != table.sha256 {
                return Err(damaged(format!("{file} is not what was written.")));
            }
        }
        let table = |name: &str| {
            let found = manifest.tables.iter().find(|table| table.name == name);
            found.ok_or_else(|| damaged(format!("it has no table {name}.")))
        };
        let sealed = checkpoints(folder, table("seal.checkpoint")?).await?;
        let mut checking = Checking { sealed, held: held.iter().copied().collect(), ..Checking::default() };
        let mut rows = rows(&folder.join(table(EVENTS)?.file()))?;
        while let Some(row) = rows.next().await.map_err(of_bytes)? {
            checking.take(&row)?;
        }
        let (size, root) = (checking.frontier.size(), hex::encode(checking.frontier.root()));
        if (size, &root) != (manifest.size, &manifest.root) {
            return Err(damaged(format!("it has {size} events under the root {root}, and says otherwise.")));
        }
        if let Some((beyond, _)) = checking.sealed.last_key_value() {
            return Err(damaged(format!("a checkpoint in it covers {beyond} events; it has {size}.")));
        }
        let Checking { last, forgotten, .. } = checking;
        Ok(Self { manifest, folder: folder.to_owned(), last_recorded_at: last, forgotten })
    }
}

#[derive(Default)]
struct Checking {
    sealed: BTreeMap<u64, Vec<u8>>,
    held: BTreeMap<u64, Node>,
    frontier: Frontier,
    last: Option<chrono::DateTime<chrono::Utc>>,
    forgotten: BTreeSet<Uuid>,
}

impl Checking {
    fn take(&mut self, row: &Row<'_>) -> Result<(), BackupTrouble> {
        let index = self.frontier.size();
        let place = row.int(7).map_err(of_bytes)?;
        let leaf = leaf_of(row, place).map_err(of_bytes)?;
        if place.unsigned_abs() != index || row.bytes(12) != Some(&leaf) {
            return Err(damaged(format!("event {index} is not what was recorded.")));
        }
        self.last = Some(row.instant(9).map_err(of_bytes)?);
        self.forgotten.extend(forgotten(row).map_err(of_bytes)?);
        self.frontier.push(leaf);
        let size = self.frontier.size();
        if self.sealed.remove(&size).is_some_and(|sealed| sealed != self.frontier.root()) {
            return Err(damaged(format!("its first {size} events are not those that were sealed.")));
        }
        if self.held.remove(&size).is_some_and(|held| held != self.frontier.root()) {
            return Err(BackupTrouble::OtherRecord { size });
        }
        Ok(())
    }
}

/// Whom an event forgets.
fn forgotten(row: &Row<'_>) -> Result<Option<Uuid>, Trouble> {
    let id = |text: &str| Uuid::parse_str(text).ok();
    Ok(match row.text(3)? {
        "person.erased" => id(row.text(1)?),
        event @ "consultation.voice_withdrawn" => {
            let payload: serde_json::Value = serde_json::from_str(row.text(5)?).unwrap_or_default();
            payload[event]["voice"].as_str().and_then(id)
        }
        _ => None,
    })
}

/// The checkpoints of a back-up: size and root.
async fn checkpoints(folder: &Path, table: &Table) -> Result<BTreeMap<u64, Vec<u8>>, BackupTrouble> {
    let place = |column: &str| {
        table.place(column).ok_or_else(|| damaged(format!("{} has no column {column}.", table.name)))
    };
    let (size, root) = (place("size")?, place("root")?);
    let mut found = BTreeMap::new();
    let mut rows = rows(&folder.join(table.file()))?;
    while let Some(row) = rows.next().await.map_err(of_bytes)? {
        let size = row.int(size).map_err(of_bytes)?.unsigned_abs();
        found.insert(size, row.bytes(root).unwrap_or_default().to_vec());
    }
    Ok(found)
}

fn hash_of(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex::encode(hash.finalize())),
            length => hash.update(&chunk[..length]),
        }
    }
}
