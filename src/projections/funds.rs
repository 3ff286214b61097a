//! Funds as people look them up; their figures come from the ledger.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::fund::{FundEvent, RecoveryRule, Restriction};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// A fund as it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FundRecord {
    /// Human reference.
    pub reference: String,
    /// Name.
    pub name: String,
    /// Whose money it is.
    pub funder: String,
    /// What it is restricted to.
    pub restriction: Option<Restriction>,
    /// First day on which it may be spent.
    pub spend_from: Date,
    /// Last day on which it may be spent.
    pub spend_to: Date,
    /// What becomes of recovered money.
    pub recovery_rule: Option<RecoveryRule>,
}

impl Record for FundRecord {
    const TABLE: Table = Table {
        name: "fund",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            name text GENERATED ALWAYS AS (doc ->> 'name') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} (name, id)",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "fund";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Fund(fact) = &event.fact else { return false };
        match fact.clone() {
            FundEvent::Opened {
                reference,
                name,
                funder,
                restriction,
                spend_from,
                spend_to,
                recovery_rule,
            } => {
                *self = Self {
                    reference: reference.to_string(),
                    name: name.to_string(),
                    funder: funder.to_string(),
                    restriction,
                    spend_from,
                    spend_to,
                    recovery_rule: Some(recovery_rule),
                };
                true
            }
            FundEvent::BudgetAllocated { .. }
            | FundEvent::BudgetReduced { .. }
            | FundEvent::CommitmentReserved { .. }
            | FundEvent::ReservationVoided { .. }
            | FundEvent::CommitmentConfirmed { .. }
            | FundEvent::CommitmentReleased { .. }
            | FundEvent::ExpenditurePosted { .. }
            | FundEvent::CommitmentIncreased { .. }
            | FundEvent::ExpenditureReturned { .. }
            | FundEvent::RecoveryPosted { .. } => false,
        }
    }
}

/// Funds by name, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    after: Option<(String, Uuid)>,
    limit: i64,
) -> Result<Vec<(Uuid, FundRecord)>, Trouble> {
    let (name, id) = after.unzip();
    let rows = sqlx::query(
        "SELECT id, doc::text FROM views.fund WHERE $1::text IS NULL OR (name, id) > ($1, $2)
         ORDER BY name, id LIMIT $3",
    )
    .bind(name)
    .bind(id)
    .bind(limit)
    .fetch_all(executor)
    .await?;
    read(&rows)
}
