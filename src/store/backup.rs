//! Back-ups: everything that was decided or put in, as a folder; what follows from it is built anew, and keys are never
//! in it. A back-up is checked as a whole, each leaf and each sealed root, when it is taken and again when it is used;
//! it is restored into an empty record only, and the record says for ever that it was.

mod loading;
mod reading;
mod writing;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::Trouble;
use super::vault::VaultTrouble;
pub use loading::{Declared, declared, load, must_be_empty};
pub use reading::Backup;
pub use writing::take;

/// What the manifest calls its form.
const FORM: &str = "sidebyside backup v1";
/// The file that lists the others.
const MANIFEST: &str = "manifest.json";
/// The table of the events, and those that must be empty for a record to be empty.
const EVENTS: &str = "public.events";
const EMPTY: [&str; 9] = [
    EVENTS,
    "auth.account",
    "public.reference_counter",
    "seal.checkpoint",
    "seal.cosignature",
    "vault.erasure",
    "vault.item",
    "vault.reading",
    "vault.subject_key",
];

/// Why there is no back-up, or it cannot be restored. Each reads as sentences for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum BackupTrouble {
    /// Not a back-up, or one that was damaged on the way.
    #[error(
        "This back-up cannot be used: {0} Nothing was restored; take another copy of it, or an older back-up."
    )]
    Damaged(String),
    /// The log is not what was recorded.
    #[error("There is no back-up, because the record is not whole: {0} `sidebyside verify` says more.")]
    NotWhole(String),
    /// It was taken with another version of the program.
    #[error(
        "This back-up was taken with another version of the program (its database is at step {found}, this one's at \
         {ours}). Restore it with that version, and upgrade then."
    )]
    OtherVersion {
        /// The last migration of the back-up.
        found: i64,
        /// The last migration here.
        ours: i64,
    },
    /// There is something here already.
    #[error(
        "There is a record here already: {0} is not empty. A back-up is restored into an empty record only; name a new \
         folder in SIDEBYSIDE_DATA, or make a new database."
    )]
    NotEmpty(String),
    /// What somebody holds is not of this record.
    #[error(
        "The checkpoint that you hold covers {size} events, and the back-up has others there: it is of another record, or \
         the back-up is not of this one."
    )]
    OtherRecord {
        /// How many events it covers.
        size: u64,
    },
    /// The key of the vault is another.
    #[error(transparent)]
    Vault(#[from] VaultTrouble),
    /// The folder.
    #[error("The folder of the back-up: {0}")]
    Folder(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] Trouble),
}

impl From<sqlx::Error> for BackupTrouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What a back-up says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORM`].
    form: String,
    /// Which log it is of.
    pub origin: Uuid,
    /// The last migration of the database.
    migration: i64,
    /// How many events there were.
    pub size: u64,
    /// The root over them.
    pub root: String,
    /// How many events the newest checkpoint covers; none where nothing was sealed.
    pub sealed: Option<u64>,
    /// The verifier key of the log, where it was at hand.
    pub key: Option<String>,
    /// When it was taken, by the clock of the database.
    pub taken_at: DateTime<Utc>,
    /// What is in it.
    tables: Vec<Table>,
}

/// A table of a back-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    columns: Vec<String>,
    rows: i64,
    sha256: String,
}

impl Table {
    /// The file it is in.
    fn file(&self) -> String {
        format!("{}.copy", self.name)
    }

    /// Its columns, as a statement lists them.
    fn listed(&self) -> String {
        self.columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ")
    }

    /// The place of a column.
    fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|one| one == column)
    }
}

/// The tables of the record, but for those that say how far it has come: those that others refer to first.
async fn tables(connection: &mut PgConnection) -> sqlx::Result<Vec<Table>> {
    let rows = sqlx::query(
        "SELECT space.nspname || '.' || class.relname AS name,
             array_agg(field.attname::text ORDER BY field.attnum) AS columns
         FROM pg_catalog.pg_class AS class
         JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
         JOIN pg_catalog.pg_attribute AS field ON field.attrelid = class.oid AND field.attnum > 0
             AND NOT field.attisdropped AND field.attgenerated = ''
         WHERE class.relkind = 'r' AND space.nspname IN ('public', 'auth', 'vault', 'seal')
             AND class.relname NOT IN ('log_head', '_sqlx_migrations')
         GROUP BY class.oid, class.relname, space.nspname
         ORDER BY (SELECT count(*) FROM pg_catalog.pg_constraint AS one
                   WHERE one.contype = 'f' AND one.conrelid = class.oid), name",
    )
    .fetch_all(connection)
    .await?;
    let table = |row: &sqlx::postgres::PgRow| {
        Ok(Table { name: row.try_get(0)?, columns: row.try_get(1)?, rows: 0, sha256: String::new() })
    };
    rows.iter().map(table).collect()
}

/// The last migration that was run.
async fn migration(connection: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT max(version) FROM public._sqlx_migrations").fetch_one(connection).await
}
