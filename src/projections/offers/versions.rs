//! Every version of an offer, for ever: what people were promised can be read back years later.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::super::{Record, Table, Trouble};
use crate::domain::calendar::Date;
use crate::domain::identity::OfferChangeId;
use crate::domain::offer::{OfferChange, OfferContent, OfferEvent};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// What an offer said from a day on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// Its number, from 1.
    pub version: u32,
    /// The day from which it counted.
    pub from: Date,
    /// The whole of it.
    pub content: OfferContent,
}

/// The versions of one offer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfferVersions {
    /// What was handed in and not published yet.
    written: Option<OfferContent>,
    /// What was proposed and not decided on.
    proposed: BTreeMap<OfferChangeId, Vec<OfferChange>>,
    /// The versions, from version 1.
    pub versions: Vec<VersionRecord>,
}

impl OfferVersions {
    fn add(&mut self, version: u32, changes: &[OfferChange], from: Date) {
        let Some(newest) = self.versions.last() else { return };
        let mut content = newest.content.clone();
        for change in changes {
            change.apply(&mut content);
        }
        self.versions.push(VersionRecord { version, from, content });
    }
}

/// What offers were called in their versions, by offer and version.
///
/// # Errors
/// When the database does not answer.
pub async fn titles(pool: &PgPool, offers: &[Uuid]) -> Result<HashMap<(Uuid, u32), String>, Trouble> {
    let rows = sqlx::query(
        "SELECT o.id, (v ->> 'version')::bigint, v -> 'content' ->> 'title'
         FROM offer_version AS o, jsonb_array_elements(o.doc -> 'versions') AS v WHERE o.id = ANY($1)",
    )
    .bind(offers)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let version = u32::try_from(row.try_get::<i64, _>(1)?).unwrap_or_default();
            Ok(((row.try_get(0)?, version), row.try_get(2)?))
        })
        .collect()
}

impl Record for OfferVersions {
    const TABLE: Table = Table {
        name: "offer_version",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL",
        copied: "id, doc",
        indexes: &["ALTER TABLE {table} ADD PRIMARY KEY (id)"],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "offer";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Offer(fact) = &event.fact else { return false };
        match fact.clone() {
            OfferEvent::Drafted { content, .. } | OfferEvent::Submitted { content, .. } => {
                self.written = Some(content);
            }
            OfferEvent::Published { version, from, .. } => {
                let first = self.written.take();
                self.versions.extend(first.map(|content| VersionRecord { version, from, content }));
            }
            OfferEvent::ChangeProposed { change, changes, .. } => {
                self.proposed.insert(change, changes);
            }
            OfferEvent::ChangeAutoApplied { version, changes } => {
                self.add(version, &changes, event.effective_on);
            }
            OfferEvent::ChangeApproved { change, version } => {
                let changes = self.proposed.remove(&change).unwrap_or_default();
                self.add(version, &changes, event.effective_on);
            }
            OfferEvent::ChangeRefused { change, .. } | OfferEvent::ChangeWithdrawn { change } => {
                self.proposed.remove(&change);
            }
            OfferEvent::SentBack { .. }
            | OfferEvent::CapacityStated { .. }
            | OfferEvent::Confirmed { .. }
            | OfferEvent::Paused { .. }
            | OfferEvent::Resumed {}
            | OfferEvent::ReportedWrong { .. }
            | OfferEvent::ReportResolved { .. }
            | OfferEvent::Withdrawn {} => return false,
        }
        true
    }
}
