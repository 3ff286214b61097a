//! The sealer: follows the log, computes every leaf again from the stored row, and signs the head of the tree.

use std::time::Duration;

use sqlx::{PgConnection, PgExecutor, PgPool};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::change::{Announced, announced, next_key, take_up};
use super::key::{SealKey, SealKeyTrouble};
use super::note::{PublicKey, parts};
use super::tree::{Frontier, Node, empty_root};
use crate::domain::Aggregate as _;
use crate::domain::keeping::{Keeping, KeepingEvent, VerifierKey};
use crate::domain::postings::postings;
use crate::domain::record::{Fact, beside_money};
use crate::store::check::{FULL, leaf_of};
use crate::store::copy::{Row, Rows};
use crate::store::{Trouble, upcast};

/// How often the sealer looks whether there is something new: money that moved is sealed this soon.
const LOOK: Duration = Duration::from_millis(500);
/// How long what moves no money may wait for its seal.
const PATIENCE: Duration = Duration::from_secs(10);
/// Which lock of the database a sealer takes while it signs; any number that nothing else takes.
const TURN: i64 = 0x7365_616c;

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
    /// The log names another key.
    #[error(
        "the log announces that another key seals by now: {key}. Put the file of that key in the place of this one's; \
         nothing is sealed until then."
    )]
    KeyChanged {
        /// Which.
        key: VerifierKey,
    },
    /// The log announces a key that is not the one about to follow here.
    #[error(
        "event {index} announces that another key follows, and that key does not wait beside the one of now. Nothing is \
         sealed: if `change-key` was run elsewhere, let it come to its end there; if nobody ran it, somebody wrote into \
         the log (docs/operating.md says what to do)."
    )]
    NotWaiting {
        /// Where.
        index: i64,
    },
    /// The key before this one has not sealed that this one follows.
    #[error(
        "event {index} announces this key, and the one before it has not sealed that: nothing is sealed until it has. Put \
         its file back and run `change-key` again."
    )]
    NotHandedOver {
        /// Where.
        index: i64,
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
    /// What checks its signatures, for whoever tells it to others while it changes.
    shown: watch::Sender<PublicKey>,
    frontier: Frontier,
    sealed: u64,
    /// The change that this key has to seal, and after which it seals no more.
    leaving: Option<Announced>,
}

impl Sealer {
    /// Open the sealer over a pool of its own role, and hold the log against what was sealed of it: by the newest
    /// checkpoint in the database and by what the key remembers of itself.
    ///
    /// # Errors
    /// See [`SealTrouble`].
    pub async fn open(pool: PgPool, key: SealKey) -> Result<Self, SealTrouble> {
        // First what was sealed, then what is announced: a change that comes in between is seen, and no seal passes it by.
        let (newest, remembered) = (latest(&pool, None).await?, key.last()?);
        let leaving = match announced(&pool).await? {
            Some(change) if change.key.as_str() == key.public().as_str() => {
                if change.former.is_some() && latest(&pool, Some(change.index)).await?.is_none() {
                    return Err(SealTrouble::NotHandedOver { index: change.index });
                }
                None
            }
            Some(change) if is(change.former.as_ref(), &key) => Some(change),
            Some(Announced { key: named, .. }) => return Err(SealTrouble::KeyChanged { key: named }),
            None => None,
        };
        let marks: Vec<(u64, Node)> = newest
            .iter()
            .map(|sealed| (sealed.size.unsigned_abs(), node(&sealed.root)))
            .chain(remembered)
            .collect();
        let upto = marks.iter().map(|(size, _)| *size).max().unwrap_or_default();
        let shown = watch::Sender::new(key.public().clone());
        let mut sealer = Self { pool, key, shown, frontier: Frontier::default(), sealed: 0, leaving };
        sealer.catch_up(upto, &marks).await?;
        // What the key remembers and the database has not, was cut off in between: it is sealed again, the same.
        sealer.sealed = newest.map_or(0, |sealed| sealed.size.unsigned_abs());
        Ok(sealer)
    }

    /// What checks its signatures.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        self.key.public()
    }

    /// What checks its signatures, kept up when another key takes its turn.
    #[must_use]
    pub fn shown(&self) -> watch::Receiver<PublicKey> {
        self.shown.subscribe()
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
        let (mut frontier, mut leaving) = (self.frontier.clone(), self.leaving.clone());
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
            if let Some(change) = change_of(&row)? {
                // Sealed at once, so that the key that goes is needed no longer.
                moved = true;
                leaving = self.follows(leaving.as_ref(), change)?;
            }
            frontier.push(leaf);
        }
        if frontier.size() != size {
            return Err(SealTrouble::Gap { index: frontier.size() });
        }
        (self.frontier, self.leaving) = (frontier, leaving);
        Ok(moved)
    }

    /// The change that is to be sealed once another is announced after what was to be sealed until then.
    fn follows(
        &self,
        leaving: Option<&Announced>,
        change: Announced,
    ) -> Result<Option<Announced>, SealTrouble> {
        let ours = self.key.public().as_str();
        let now = leaving.map_or(ours, |before| before.key.as_str());
        match &change.former {
            None if change.key.as_str() == ours => Ok(None),
            None => Err(SealTrouble::KeyChanged { key: change.key }),
            Some(former) if former.as_str() == now => Ok(Some(change)),
            // The event that this very key was opened with.
            Some(_) if leaving == Some(&change) => Ok(Some(change)),
            Some(_) => Err(SealTrouble::NotWaiting { index: change.index }),
        }
    }

    /// Sign the head as far as it was followed, unless that was done.
    async fn sign(&mut self) -> Result<(), SealTrouble> {
        let size = self.frontier.size();
        if size == self.sealed {
            return Ok(());
        }
        // One sealer at a time: the key that goes seals the change, and nothing after another has taken its place.
        let mut turn = self.pool.begin().await?;
        wait_for_turn(&mut turn).await?;
        let newest: Option<(i64, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT sealed.size, sealed.root, head.size FROM seal.checkpoint AS sealed, public.log_head AS head
             ORDER BY sealed.size DESC LIMIT 1",
        )
        .fetch_optional(&mut *turn)
        .await?;
        let (sealed, kept, head) =
            newest.map_or((0, Vec::new(), 0), |(at, kept, head)| (at.unsigned_abs(), kept, head));
        if sealed > head.unsigned_abs() {
            return Err(SealTrouble::Shorter { sealed, size: head.unsigned_abs() });
        }
        let root = self.frontier.root();
        if sealed == size && kept != root {
            let (sealed, found) = (hex::encode(kept), hex::encode(root));
            return Err(SealTrouble::Diverged { size, sealed, found });
        }
        let next = self.hand_over(sealed)?;
        // Another sealer may have come as far, or further.
        if sealed < size {
            let mut note = self.key.sign(size, root)?;
            if let Some(next) = next {
                let theirs = next.sign(size, root)?;
                note.push_str(parts(&theirs).map_or("", |(_, signatures)| signatures));
            }
            sqlx::query("INSERT INTO seal.checkpoint (size, root, note) VALUES ($1, $2, $3)")
                .bind(size.cast_signed())
                .bind(&root[..])
                .bind(note)
                .execute(&mut *turn)
                .await?;
        }
        turn.commit().await?;
        self.sealed = size;
        Ok(())
    }

    /// Where the log announces another key: take it up if that is sealed, and see that it is the one about to follow if
    /// this key is to seal it now, which then signs as well, so that whoever holds it alone is shown the change too.
    /// Whoever can write into the log could announce a key of theirs.
    fn hand_over(&mut self, sealed: u64) -> Result<Option<SealKey>, SealTrouble> {
        let Some(change) = &self.leaving else { return Ok(None) };
        let file = self.key.file().to_owned();
        if !is(change.former.as_ref(), &self.key) {
            // More than one change since this sealer looked last.
            self.key = SealKey::from_file(&file)?;
        }
        if sealed <= change.index.unsigned_abs() {
            let next = next_key(&file)?.filter(|next| is(Some(&change.key), next));
            if next.is_some() && is(change.former.as_ref(), &self.key) {
                return Ok(next);
            }
            return Err(SealTrouble::NotWaiting { index: change.index });
        }
        take_up(&file, change)?;
        let next = SealKey::from_file(&file)?;
        if !is(Some(&change.key), &next) {
            return Err(SealTrouble::KeyChanged { key: change.key.clone() });
        }
        self.shown.send_replace(next.public().clone());
        (self.key, self.leaving) = (next, None);
        Ok(None)
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

/// Wait until no other sealer signs or puts a key in its place; the turn ends with the transaction.
pub(super) async fn wait_for_turn(transaction: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(TURN).execute(transaction).await?;
    Ok(())
}

/// Whether a key is the one named.
fn is(named: Option<&VerifierKey>, key: &SealKey) -> bool {
    named.is_some_and(|named| named.as_str() == key.public().as_str())
}

/// What an event announces of the key.
fn change_of(row: &Row<'_>) -> Result<Option<Announced>, Trouble> {
    if row.text(0)? != Keeping::TYPE {
        return Ok(None);
    }
    let fact = upcast::read(row.text(0)?, row.text(3)?, row.text(4)?, row.text(5)?)?;
    let index = row.int(7)?;
    Ok(KeepingEvent::try_from(fact).ok().map(|event| Announced::by(index, event)))
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
