//! The sealer: follows the log, computes every leaf again from the stored row, and signs the head of the tree.

use std::time::Duration;

use sqlx::{PgExecutor, PgPool};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::key::{SealKey, SealKeyTrouble};
use super::note::PublicKey;
use super::tree::{Frontier, Node, empty_root};
use crate::domain::postings::postings;
use crate::domain::record::{Fact, beside_money};
use crate::store::check::{FULL, leaf_of};
use crate::store::copy::{Row, Rows};
use crate::store::{Trouble, upcast};

/// How often the sealer looks whether there is something new: money that moved is sealed this soon.
const LOOK: Duration = Duration::from_millis(500);
/// How long what moves no money may wait for its seal.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealTrouble {
    /// A leaf is not that of its row.
    #[error(
        "event {index} is not what was recorded: its leaf hash does not fit what is stored. Nothing is sealed until the \
         log is put right; `sidebyside verify` says more."
    )]
    Leaf {
        /// Its position.
        index: u64,
    },
    /// Events are missing.
    #[error(
        "the log has no event at {index}, where one should be. Nothing is sealed until the log is put right."
    )]
    Gap {
        /// Where.
        index: u64,
    },
    /// The log is not the one that was sealed.
    #[error(
        "the first {size} events are not those that were sealed: their root was {sealed} and is {found}. Nothing more is \
         sealed. If the database was restored from a back-up, that must be declared; if not, somebody changed the log."
    )]
    Diverged {
        /// How many events were sealed.
        size: u64,
        /// The root that was signed.
        sealed: String,
        /// The root now.
        found: String,
    },
    /// There is less than was sealed.
    #[error(
        "{sealed} events were sealed, but the log has {size}. Nothing more is sealed. If the database was restored from a \
         back-up, that must be declared; if not, somebody cut the log."
    )]
    Shorter {
        /// How many were sealed.
        sealed: u64,
        /// How many there are.
        size: u64,
    },
    /// The key.
    #[error(transparent)]
    Key(#[from] SealKeyTrouble),
    /// The log or the database.
    #[error(transparent)]
    Store(#[from] Trouble),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// A signed head of the log.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Sealed {
    /// How many events it covers.
    pub size: i64,
    /// The root over their leaves.
    pub root: Vec<u8>,
    /// The signed note.
    pub note: String,
    /// When it was signed.
    pub signed_at: chrono::DateTime<chrono::Utc>,
}

/// The newest checkpoint, or that of the smallest size that covers `index`.
///
/// # Errors
/// When the database fails.
pub async fn latest(executor: impl PgExecutor<'_>, covering: Option<i64>) -> Result<Option<Sealed>, Trouble> {
    let query = match covering {
        Some(_) => {
            "SELECT size, root, note, signed_at FROM seal.checkpoint WHERE size > $1 ORDER BY size LIMIT 1"
        }
        None => {
            "SELECT size, root, note, signed_at FROM seal.checkpoint WHERE $1::bigint IS NULL ORDER BY size DESC LIMIT 1"
        }
    };
    Ok(sqlx::query_as(query).bind(covering).fetch_optional(executor).await?)
}

/// Seals one log with one key.
pub struct Sealer {
    pool: PgPool,
    key: SealKey,
    frontier: Frontier,
    sealed: u64,
}

impl Sealer {
    /// Open the sealer over a pool of its own role, and hold the log against what was sealed of it: by the newest
    /// checkpoint in the database and by what the key remembers of itself.
    ///
    /// # Errors
    /// See [`SealTrouble`].
    pub async fn open(pool: PgPool, key: SealKey) -> Result<Self, SealTrouble> {
        let newest = latest(&pool, None).await?;
        let marks: Vec<(u64, Node)> = newest
            .iter()
            .map(|sealed| (sealed.size.unsigned_abs(), node(&sealed.root)))
            .chain(key.last()?)
            .collect();
        let upto = marks.iter().map(|(size, _)| *size).max().unwrap_or_default();
        let mut sealer = Self { pool, key, frontier: Frontier::default(), sealed: 0 };
        sealer.catch_up(upto, &marks).await?;
        sealer.sealed = upto;
        Ok(sealer)
    }

    /// What checks its signatures.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// Take in the leaves that were sealed already, as they are stored: the root vouches for them.
    async fn catch_up(&mut self, upto: u64, marks: &[(u64, Node)]) -> Result<(), SealTrouble> {
        if upto == 0 {
            return Ok(());
        }
        let mut connection = self.pool.acquire().await?.detach();
        let query = format!("SELECT leaf_hash FROM public.events WHERE index < {upto} ORDER BY index");
        let mut rows = Rows::of(&mut connection, &query).await?;
        while let Some(row) = rows.next().await? {
            self.frontier.push(node(row.bytes(0).unwrap_or_default()));
            for (size, sealed) in marks.iter().filter(|(size, _)| *size == self.frontier.size()) {
                let found = self.frontier.root();
                if *sealed != found {
                    let (sealed, found) = (hex::encode(sealed), hex::encode(found));
                    return Err(SealTrouble::Diverged { size: *size, sealed, found });
                }
            }
        }
        let size = self.frontier.size();
        if size < upto {
            return Err(SealTrouble::Shorter { sealed: upto, size });
        }
        Ok(())
    }

    /// Take in what is new: each leaf is computed again from its row. Says whether money moved.
    async fn follow(&mut self) -> Result<bool, SealTrouble> {
        let head: i64 = sqlx::query_scalar("SELECT size FROM public.log_head").fetch_one(&self.pool).await?;
        let (from, size) = (self.frontier.size(), head.unsigned_abs());
        if size < from {
            return Err(SealTrouble::Shorter { sealed: from, size });
        }
        if size == from {
            return Ok(false);
        }
        let mut connection = self.pool.acquire().await?.detach();
        let query = format!("{FULL} WHERE index >= {from} AND index < {size} ORDER BY index");
        let mut rows = Rows::of(&mut connection, &query).await?;
        // What is found is taken in whole or not at all, so that a trouble in the middle is found again.
        let mut frontier = self.frontier.clone();
        let mut moved = false;
        while let Some(row) = rows.next().await? {
            let index = frontier.size();
            if row.int(7)?.unsigned_abs() != index {
                return Err(SealTrouble::Gap { index });
            }
            let leaf = leaf_of(&row, row.int(7)?)?;
            if row.bytes(12) != Some(&leaf) {
                return Err(SealTrouble::Leaf { index });
            }
            moved |= moves_money(&row)?;
            frontier.push(leaf);
        }
        if frontier.size() != size {
            return Err(SealTrouble::Gap { index: frontier.size() });
        }
        self.frontier = frontier;
        Ok(moved)
    }

    /// Sign the head as far as it was followed, unless that was done.
    async fn sign(&mut self) -> Result<(), SealTrouble> {
        let size = self.frontier.size();
        if size == self.sealed {
            return Ok(());
        }
        let root = self.frontier.root();
        let note = self.key.sign(size, root)?;
        sqlx::query("INSERT INTO seal.checkpoint (size, root, note) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING")
            .bind(size.cast_signed())
            .bind(&root[..])
            .bind(note)
            .execute(&self.pool)
            .await?;
        // Asked anew, so that a checkpoint is seen which another sealer signed at the same moment.
        let kept: Vec<u8> = sqlx::query_scalar("SELECT root FROM seal.checkpoint WHERE size = $1")
            .bind(size.cast_signed())
            .fetch_one(&self.pool)
            .await?;
        if kept != root {
            let (sealed, found) = (hex::encode(kept), hex::encode(root));
            return Err(SealTrouble::Diverged { size, sealed, found });
        }
        self.sealed = size;
        Ok(())
    }

    /// Seal everything there is now. Answers with the size sealed.
    ///
    /// # Errors
    /// See [`SealTrouble`]; nothing is signed then.
    pub async fn seal(&mut self) -> Result<u64, SealTrouble> {
        self.follow().await?;
        self.sign().await?;
        Ok(self.sealed)
    }

    /// Follow the log until told to stop: sealed at once when money moved, else within ten seconds, and once more at
    /// the end. A trouble is said once, loudly, and looked at again; nothing is signed while it lasts.
    pub async fn run(mut self, mut stop: watch::Receiver<()>) {
        let mut looking = interval(LOOK);
        looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut since, mut said) = (Instant::now(), String::new());
        loop {
            let last = tokio::select! {
                _ = looking.tick() => false,
                _ = stop.changed() => true,
            };
            let done = match self.follow().await {
                Ok(moved) if moved || last || since.elapsed() >= PATIENCE => {
                    since = Instant::now();
                    self.sign().await
                }
                Ok(_) => Ok(()),
                Err(trouble) => Err(trouble),
            };
            match done {
                Ok(()) => said.clear(),
                Err(trouble) => {
                    let words = trouble.to_string();
                    if words != said {
                        tracing::error!("the log is not being sealed: {words}");
                        said = words;
                    }
                }
            }
            if last {
                return;
            }
        }
    }
}

fn node(bytes: &[u8]) -> Node {
    bytes.try_into().unwrap_or_else(|_| empty_root())
}

/// Whether an event moves money between the pots of a fund.
fn moves_money(row: &Row<'_>) -> Result<bool, Trouble> {
    match upcast::read(row.text(0)?, row.text(3)?, row.text(4)?, row.text(5)?)? {
        Fact::Fund(event) => Ok(!postings(&event).is_empty()),
        Fact::Partner(_)
        | Fact::Programme(_)
        | Fact::Delegation(_)
        | Fact::Grant(_)
        | Fact::PaymentRun(_)
        | beside_money!() => Ok(false),
    }
}
