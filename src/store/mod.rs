//! The event log on cqrs-es and PostgreSQL: load, decide, append in groups, read back.

pub mod append;
pub mod backup;
pub mod check;
pub mod copy;
pub mod cqrs;
mod cuts;
pub mod database;
pub mod embedded;
mod key_file;
pub mod leaf;
mod load;
pub mod log;
pub mod seal;
mod turns;
pub mod upcast;
pub mod vault;
pub mod witness;
pub mod work;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lru::LruCache;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::Refused;
use crate::domain::identity::{Reference, ReferenceKind};
use append::{Committer, Receipt};
pub use key_file::secret_in;
use log::{Recorded, StreamName};

/// Something kept up with the log inside the transaction that appends, so that it can never disagree with it.
#[async_trait]
pub trait Inline: Send + Sync {
    /// Take events in, in order of position.
    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), Trouble>;
}

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// A guard of the domain said no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Others kept changing what the decision rested on.
    #[error("others changed this at the same moment; try again")]
    Conflict,
    /// The caller decided on an older version than there is.
    #[error(
        "this has changed since you last saw it: you saw version {expected}, it is now at version {found}"
    )]
    Stale {
        /// What the caller saw.
        expected: i64,
        /// What there is.
        found: i64,
    },
    /// There is no such stream.
    #[error("there is no {0} with this id")]
    Unknown(&'static str),
    /// The command was carried out before; its first answer.
    #[error("this command was carried out before, at position {}", .0.index)]
    Repeated(Receipt),
    /// A stored event cannot be read by this program.
    #[error(transparent)]
    Unreadable(#[from] upcast::Unreadable),
    /// A stored row does not make sense.
    #[error("event {index} is damaged: {why}")]
    Damaged {
        /// Its position.
        index: i64,
        /// What is wrong.
        why: String,
    },
    /// A value cannot be stored.
    #[error(transparent)]
    NotCanonical(#[from] leaf::NotCanonical),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Anything else of the machine.
    #[error("{0}")]
    Other(String),
}

impl Trouble {
    pub(crate) fn damaged(index: i64, why: &dyn std::fmt::Display) -> Self {
        Self::Damaged { index, why: why.to_string() }
    }
}

/// How many aggregates are kept in memory. One is a few kilobytes.
const AGGREGATES_KEPT: NonZeroUsize = NonZeroUsize::new(4096).expect("not nought");

/// The event store: clones share one committer and one memory of hot aggregates.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    committer: Committer,
    loader: load::Loader,
    kept: Arc<Mutex<LruCache<StreamName, work::Kept>>>,
    turns: Arc<turns::Turns>,
    cuts: Arc<cuts::Cuts>,
}

impl Store {
    /// Open the store over a pool, with what is to be kept up with the log in the same transaction.
    #[must_use]
    pub fn open(pool: PgPool, inline: Vec<Arc<dyn Inline>>) -> Self {
        let committer = Committer::start(&pool, inline);
        let loader = load::Loader::start(&pool);
        let kept = Arc::new(Mutex::new(LruCache::new(AGGREGATES_KEPT)));
        Self { pool, committer, loader, kept, turns: Arc::default(), cuts: Arc::default() }
    }

    /// The pool, for reading.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Take the next human reference of a kind. A number taken is never given again, used or not.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn next_reference(&self, kind: ReferenceKind, year: i32) -> Result<Reference, Trouble> {
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO public.reference_counter AS counter (kind, year, last) VALUES ($1, $2, 1)
             ON CONFLICT (kind, year) DO UPDATE SET last = counter.last + 1 RETURNING last",
        )
        .bind(kind.letter().to_string())
        .bind(year)
        .fetch_one(&self.pool)
        .await?;
        let number = u32::try_from(number).map_err(|_| Trouble::Other("references have run out".into()))?;
        Ok(Reference::new(kind, year, number))
    }

    /// How many events there are: the position the next one will have.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn size(&self) -> Result<i64, Trouble> {
        Ok(sqlx::query_scalar("SELECT size FROM log_head").fetch_one(&self.pool).await?)
    }

    /// When the event at a position was recorded; none where there is none.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn recorded_at(&self, index: i64) -> Result<Option<DateTime<Utc>>, Trouble> {
        let sql = "SELECT recorded_at FROM public.events WHERE index = $1";
        Ok(sqlx::query_scalar(sql).bind(index).fetch_optional(&self.pool).await?)
    }

    /// How many events were recorded by an instant, for ever; none where it is yet to come.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn size_at(&self, instant: DateTime<Utc>) -> Result<Option<i64>, Trouble> {
        let mut look = self.pool.begin().await?;
        let last: DateTime<Utc> =
            sqlx::query_scalar("SELECT last_recorded_at FROM public.log_head").fetch_one(&mut *look).await?;
        if instant > last {
            // Somebody may be about to commit what was recorded before it: they are waited for. Whoever comes later is
            // recorded later.
            if instant > append::settled(&mut look).await? {
                return Ok(None);
            }
        }
        let sql = "SELECT coalesce(max(index) + 1, 0) FROM public.events WHERE recorded_at <= $1";
        let size = sqlx::query_scalar(sql).bind(instant).fetch_one(&mut *look).await?;
        look.rollback().await?;
        Ok(Some(size))
    }

    /// Which log this is.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn origin(&self) -> Result<Uuid, Trouble> {
        Ok(sqlx::query_scalar("SELECT origin FROM public.log_head").fetch_one(&self.pool).await?)
    }

    /// Let what is under way finish and end the committer.
    pub async fn close(&self) {
        self.committer.close().await;
        self.pool.close().await;
    }
}
