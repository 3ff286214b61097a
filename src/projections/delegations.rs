//! Delegations of authority as people look them up: who may approve how much, for what, and when.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::delegation::{DelegationEvent, Scope};
use crate::domain::identity::{DelegationId, PersonId};
use crate::domain::money::Money;
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// A delegation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DelegationRecord {
    /// Who may approve.
    pub person: PersonId,
    /// What it covers.
    pub scope: Option<Scope>,
    /// The most that may be approved, GBP.
    pub limit: Option<Money>,
    /// The first day on which it is in force.
    pub from: Date,
    /// The last day on which it is in force.
    pub to: Date,
    /// When it was taken back.
    pub revoked_on: Option<Date>,
}

impl Record for DelegationRecord {
    const TABLE: Table = Table {
        name: "delegation",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            person uuid GENERATED ALWAYS AS ((doc ->> 'person')::uuid) STORED, \
            starts text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'from') STORED, \
            ends text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'to') STORED, \
            revoked text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'revoked_on') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE INDEX ON {table} (person, starts, id)",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "authority";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Delegation(fact) = &event.fact else { return false };
        match fact.clone() {
            DelegationEvent::Granted { person, scope, limit, from, to } => {
                let (scope, limit) = (Some(scope), Some(limit));
                *self = Self { person, scope, limit, from, to, revoked_on: None };
            }
            DelegationEvent::Revoked {} => self.revoked_on = Some(event.effective_on),
        }
        true
    }
}

/// Which delegations to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this person.
    pub person: Option<Uuid>,
    /// In force on this day.
    pub in_force_on: Option<Date>,
    /// At most this many.
    pub limit: i64,
}

/// Delegations by person and by the day they begin.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: Filter,
) -> Result<Vec<(Uuid, DelegationRecord)>, Trouble> {
    let rows = sqlx::query(
        "SELECT id, doc::text FROM delegation
         WHERE ($1::uuid IS NULL OR person = $1)
           AND ($2::text IS NULL OR (starts <= $2 AND ends >= $2 AND (revoked IS NULL OR revoked > $2)))
         ORDER BY person, starts, id LIMIT $3",
    )
    .bind(filter.person)
    .bind(filter.in_force_on.map(|on| on.to_string()))
    .bind(filter.limit)
    .fetch_all(executor)
    .await?;
    read(&rows)
}

/// The delegations that somebody was ever given and that were not taken back.
///
/// # Errors
/// When the database fails.
pub async fn held_by(executor: impl PgExecutor<'_>, person: PersonId) -> Result<Vec<DelegationId>, Trouble> {
    let ids: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM delegation WHERE person = $1 AND revoked IS NULL ORDER BY id")
            .bind(person.0)
            .fetch_all(executor)
            .await?;
    Ok(ids.into_iter().map(DelegationId).collect())
}
