//! Published tables of inclusion as people look them up.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::identity::Hash;
use crate::domain::inclusion_table::{InclusionTableEvent, PublishedTables};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// Published tables as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InclusionTableRecord {
    /// The first day counted.
    pub from: Date,
    /// The last day counted.
    pub to: Date,
    /// How many events the log had when it was counted.
    pub cut: u64,
    /// The rule it was put through.
    pub rule: String,
    /// The tables; none before they were published.
    pub tables: Option<PublishedTables>,
    /// Their hash.
    pub sha256: Option<Hash>,
    /// When they were published.
    pub published_on: Date,
    /// When they were withdrawn.
    pub withdrawn_on: Option<Date>,
}

impl Record for InclusionTableRecord {
    const TABLE: Table = Table {
        name: "inclusion_table",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            begins text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'from') STORED",
        copied: "id, doc",
        indexes: &["ALTER TABLE {table} ADD PRIMARY KEY (id)", "CREATE UNIQUE INDEX ON {table} (begins)"],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "inclusion_table";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::InclusionTable(fact) = &event.fact else { return false };
        match fact.clone() {
            InclusionTableEvent::Published { from, to, cut, rule, tables, sha256 } => {
                *self = Self {
                    from,
                    to,
                    cut,
                    rule: rule.to_string(),
                    tables: Some(tables),
                    sha256: Some(sha256),
                    published_on: event.effective_on,
                    withdrawn_on: None,
                };
            }
            InclusionTableEvent::Withdrawn {} => self.withdrawn_on = Some(event.effective_on),
        }
        true
    }
}

/// Published tables, the latest quarter first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    limit: i64,
) -> Result<Vec<(Uuid, InclusionTableRecord)>, Trouble> {
    let rows = sqlx::query("SELECT id, doc::text FROM inclusion_table ORDER BY begins DESC LIMIT $1")
        .bind(limit)
        .fetch_all(executor)
        .await?;
    read(&rows)
}
