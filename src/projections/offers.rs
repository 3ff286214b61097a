//! Offers as people look them up: what they say now, how much room there is, what waits; and every version they had.

mod search;
mod versions;

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::identity::{OfferChangeId, OfferReportId, PartnerId, PersonId};
use crate::domain::offer::{
    ChangeStatus, OfferChange, OfferContent, OfferEvent, OfferPlace, OfferStatus, ReportOutcome, WhatIsWrong,
};
use crate::domain::record::Fact;
use crate::domain::text::Text;
use crate::store::log::Recorded;

pub use search::{Found, Near, Search, Sight, count, nearest_words, search};
pub use versions::{OfferVersions, VersionRecord, titles};

/// How much room there was, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityRecord {
    /// Places that are free.
    pub open: u32,
    /// Places altogether.
    pub total: u32,
    /// The day on which that was so.
    pub as_of: Date,
}

/// A change that was proposed, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// Its id.
    pub id: OfferChangeId,
    /// The version it was written against.
    pub base_version: u32,
    /// Each field, from what, to what.
    pub changes: Vec<OfferChange>,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// When.
    pub proposed_on: Date,
    /// What came of it.
    pub status: ChangeStatus,
    /// When it was decided on or taken back.
    pub decided_on: Option<Date>,
    /// Why it was refused, as the partner sees it.
    pub why: Option<String>,
}

/// A report that the entry is wrong, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRecord {
    /// Its id.
    pub id: OfferReportId,
    /// The version that is said to be wrong.
    pub version: u32,
    /// What is wrong.
    pub what: WhatIsWrong,
    /// More about it.
    pub note: Option<String>,
    /// Who reported it.
    pub reported_by: PersonId,
    /// When.
    pub reported_on: Date,
    /// What came of it, once it is answered.
    pub outcome: Option<ReportOutcome>,
    /// The answer.
    pub answer: Option<String>,
    /// When it was answered.
    pub resolved_on: Option<Date>,
}

/// Why an offer came back to the partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBackRecord {
    /// Why.
    pub why: String,
    /// When.
    pub on: Date,
}

/// An offer as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OfferRecord {
    /// Human reference.
    pub reference: String,
    /// Whose offer it is.
    pub partner: PartnerId,
    /// Where it stands.
    pub status: OfferStatus,
    /// The newest version; 0 before the first is published.
    pub version: u32,
    /// What it says: as published, or as written down until then.
    pub content: Option<OfferContent>,
    /// The words of its codes, for the search.
    pub keywords: String,
    /// When it was written down.
    pub drafted_on: Date,
    /// When it was handed in, last.
    pub submitted_on: Option<Date>,
    /// Why it was sent back, until it is handed in again.
    pub sent_back: Option<SentBackRecord>,
    /// When it was published.
    pub published_on: Option<Date>,
    /// When the partner, or whoever published it, last stood by it.
    pub confirmed_on: Option<Date>,
    /// The day by which the partner is to say that it is still right.
    pub confirm_by: Option<Date>,
    /// How much room there was, last.
    pub capacity: Option<CapacityRecord>,
    /// Since when it is paused.
    pub paused_on: Option<Date>,
    /// When it is hoped to be back.
    pub back_on: Option<Date>,
    /// When it was taken out of the directory.
    pub withdrawn_on: Option<Date>,
    /// The changes that were proposed.
    pub changes: Vec<ChangeRecord>,
    /// The reports that it is wrong.
    pub reports: Vec<ReportRecord>,
}

impl OfferRecord {
    /// How many reports wait for an answer.
    #[must_use]
    pub fn open_reports(&self) -> usize {
        self.reports.iter().filter(|report| report.outcome.is_none()).count()
    }

    fn says(&mut self, content: OfferContent) {
        self.keywords = keywords(&content);
        self.content = Some(content);
    }

    fn becomes(&mut self, version: u32, changes: &[OfferChange]) {
        self.version = version;
        let Some(mut content) = self.content.take() else { return };
        for change in changes {
            change.apply(&mut content);
        }
        self.says(content);
    }

    fn settle(
        &mut self,
        id: OfferChangeId,
        status: ChangeStatus,
        why: Option<String>,
        on: Date,
    ) -> Vec<OfferChange> {
        let Some(change) = self.changes.iter_mut().find(|change| change.id == id) else { return Vec::new() };
        (change.status, change.why, change.decided_on) = (status, why, Some(on));
        change.changes.clone()
    }

    fn take_review(&mut self, fact: OfferEvent, on: Date) -> Option<OfferEvent> {
        match fact {
            OfferEvent::Drafted { reference, partner, content, .. } => {
                *self = Self {
                    reference: reference.to_string(),
                    partner,
                    status: OfferStatus::Draft,
                    drafted_on: on,
                    ..Self::default()
                };
                self.says(content);
            }
            OfferEvent::Submitted { content, .. } => {
                self.status = OfferStatus::InReview;
                self.submitted_on = Some(on);
                self.sent_back = None;
                self.says(content);
            }
            OfferEvent::Published { version, review_due, .. } => {
                self.status = OfferStatus::Published;
                self.version = version;
                (self.published_on, self.confirmed_on) = (Some(on), Some(on));
                self.confirm_by = Some(review_due);
            }
            OfferEvent::SentBack { why } => {
                self.status = OfferStatus::Draft;
                self.sent_back = Some(SentBackRecord { why: why.to_string(), on });
            }
            OfferEvent::Withdrawn {} => {
                self.status = OfferStatus::Withdrawn;
                self.withdrawn_on = Some(on);
            }
            other @ (OfferEvent::ChangeProposed { .. }
            | OfferEvent::ChangeAutoApplied { .. }
            | OfferEvent::ChangeApproved { .. }
            | OfferEvent::ChangeRefused { .. }
            | OfferEvent::ChangeWithdrawn { .. }
            | OfferEvent::CapacityStated { .. }
            | OfferEvent::Confirmed { .. }
            | OfferEvent::Paused { .. }
            | OfferEvent::Resumed {}
            | OfferEvent::ReportedWrong { .. }
            | OfferEvent::ReportResolved { .. }) => return Some(other),
        }
        None
    }

    fn take_running(&mut self, fact: OfferEvent, on: Date) {
        match fact {
            OfferEvent::ChangeProposed { change, base_version, changes, proposed_by } => {
                self.changes.push(ChangeRecord {
                    id: change,
                    base_version,
                    changes,
                    proposed_by,
                    proposed_on: on,
                    status: ChangeStatus::Waiting,
                    decided_on: None,
                    why: None,
                });
            }
            OfferEvent::ChangeAutoApplied { version, changes } => self.becomes(version, &changes),
            OfferEvent::ChangeApproved { change, version } => {
                let changes = self.settle(change, ChangeStatus::Approved, None, on);
                self.becomes(version, &changes);
            }
            OfferEvent::ChangeRefused { change, why } => {
                self.settle(change, ChangeStatus::Refused, Some(why.to_string()), on);
            }
            OfferEvent::ChangeWithdrawn { change } => {
                self.settle(change, ChangeStatus::Withdrawn, None, on);
            }
            OfferEvent::CapacityStated { open, total, as_of } => {
                self.capacity = Some(CapacityRecord { open, total, as_of });
            }
            OfferEvent::Confirmed { next_due, .. } => {
                (self.confirmed_on, self.confirm_by) = (Some(on), Some(next_due));
            }
            OfferEvent::Paused { back_on } => {
                self.status = OfferStatus::Paused;
                (self.paused_on, self.back_on) = (Some(on), back_on);
            }
            OfferEvent::Resumed {} => {
                self.status = OfferStatus::Published;
                (self.paused_on, self.back_on) = (None, None);
            }
            OfferEvent::ReportedWrong { report, version, what, note, reported_by } => {
                self.reports.push(ReportRecord {
                    id: report,
                    version,
                    what,
                    note: note.map(|note| note.to_string()),
                    reported_by,
                    reported_on: on,
                    outcome: None,
                    answer: None,
                    resolved_on: None,
                });
            }
            OfferEvent::ReportResolved { report, outcome, answer } => {
                if let Some(one) = self.reports.iter_mut().find(|one| one.id == report) {
                    (one.outcome, one.resolved_on) = (Some(outcome), Some(on));
                    one.answer = answer.map(|answer| answer.to_string());
                }
            }
            OfferEvent::Drafted { .. }
            | OfferEvent::Submitted { .. }
            | OfferEvent::Published { .. }
            | OfferEvent::SentBack { .. }
            | OfferEvent::Withdrawn {} => {}
        }
    }
}

/// The words of the codes of an offer, so that a search for "company" finds what is offered against loneliness.
fn keywords(content: &OfferContent) -> String {
    let needs = content.needs.iter().flat_map(|need| [need.code(), need.words()]);
    let communities = content.communities.iter().map(|community| community.words());
    let languages = content.languages.iter().map(|language| language.words());
    let venue = match &content.place {
        OfferPlace::Online => None,
        OfferPlace::At(venue) => venue.name.as_ref().map(Text::as_str),
    };
    let place = [Some(content.place.area().words()), venue];
    let all = needs.chain(communities).chain(languages).chain(place.into_iter().flatten());
    all.collect::<Vec<_>>().join(", ").replace('_', " ")
}

impl Record for OfferRecord {
    const TABLE: Table = Table {
        name: "offer",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            partner uuid GENERATED ALWAYS AS ((doc ->> 'partner')::uuid) STORED, \
            status text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'status') STORED, \
            title text GENERATED ALWAYS AS (doc -> 'content' ->> 'title') STORED, \
            area text COLLATE \"C\" GENERATED ALWAYS AS \
                (coalesce(doc -> 'content' -> 'place' -> 'at' ->> 'area', 'online')) STORED, \
            lat double precision GENERATED ALWAYS AS \
                ((doc -> 'content' -> 'place' -> 'at' -> 'point' ->> 'lat')::double precision) STORED, \
            lon double precision GENERATED ALWAYS AS \
                ((doc -> 'content' -> 'place' -> 'at' -> 'point' ->> 'lon')::double precision) STORED, \
            needs jsonb GENERATED ALWAYS AS (doc -> 'content' -> 'needs') STORED, \
            communities jsonb GENERATED ALWAYS AS (doc -> 'content' -> 'communities') STORED, \
            languages jsonb GENERATED ALWAYS AS (doc -> 'content' -> 'languages') STORED, \
            access jsonb GENERATED ALWAYS AS (doc -> 'content' -> 'access') STORED, \
            ages jsonb GENERATED ALWAYS AS (doc -> 'content' -> 'ages') STORED, \
            free boolean GENERATED ALWAYS AS (doc -> 'content' -> 'cost' = '\"free\"'::jsonb) STORED, \
            joining text COLLATE \"C\" GENERATED ALWAYS AS (doc -> 'content' ->> 'joining') STORED, \
            open_places integer GENERATED ALWAYS AS ((doc -> 'capacity' ->> 'open')::integer) STORED, \
            confirmed_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'confirmed_on') STORED, \
            confirm_by text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'confirm_by') STORED, \
            change_waits boolean GENERATED ALWAYS AS (doc -> 'changes' @> '[{\"status\": \"waiting\"}]') STORED, \
            report_waits boolean GENERATED ALWAYS AS (doc -> 'reports' @> '[{\"outcome\": null}]') STORED, \
            words tsvector GENERATED ALWAYS AS ( \
                setweight(to_tsvector('pg_catalog.english', coalesce(doc -> 'content' ->> 'title', '')), 'A') || \
                setweight(to_tsvector('pg_catalog.simple', coalesce(doc -> 'content' ->> 'title', '') || ' ' || \
                    coalesce(doc ->> 'reference', '')), 'A') || \
                setweight(to_tsvector('pg_catalog.english', coalesce(doc ->> 'keywords', '') || ' ' || \
                    coalesce(doc -> 'content' ->> 'who_for', '')), 'B') || \
                setweight(to_tsvector('pg_catalog.simple', coalesce(doc ->> 'keywords', '') || ' ' || \
                    coalesce(doc -> 'content' ->> 'who_for', '')), 'B') || \
                setweight(to_tsvector('pg_catalog.english', coalesce(doc -> 'content' ->> 'summary', '')), 'C') || \
                setweight(to_tsvector('pg_catalog.simple', coalesce(doc -> 'content' ->> 'summary', '')), 'C')) STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} (partner, status)",
            "CREATE INDEX ON {table} (status, title, id)",
            "CREATE INDEX ON {table} USING gin (words)",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "offer";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Offer(fact) = &event.fact else { return false };
        if let Some(fact) = self.take_review(fact.clone(), event.effective_on) {
            self.take_running(fact, event.effective_on);
        }
        true
    }
}

/// What waits for staff to look at: offers handed in, and published ones with a change or a report that waits; those
/// that wait longest first.
///
/// # Errors
/// When the database fails.
pub async fn to_review(
    executor: impl PgExecutor<'_>,
    limit: i64,
) -> Result<Vec<(Uuid, OfferRecord)>, Trouble> {
    let rows = sqlx::query(
        "SELECT id, doc::text FROM offer
         WHERE status = 'in_review' OR (status IN ('published', 'paused') AND (change_waits OR report_waits))
         ORDER BY least(
             CASE WHEN status = 'in_review' THEN doc ->> 'submitted_on' END,
             CASE WHEN change_waits
                 THEN jsonb_path_query_first(doc, '$.changes[*] ? (@.status == \"waiting\").proposed_on') #>> '{}' END,
             CASE WHEN report_waits
                 THEN jsonb_path_query_first(doc, '$.reports[*] ? (@.outcome == null).reported_on') #>> '{}' END),
             reference
         LIMIT $1",
    )
    .bind(limit)
    .fetch_all(executor)
    .await?;
    read(&rows)
}

/// The published offers of a partner, by title.
///
/// # Errors
/// When the database fails.
pub async fn published_by(
    executor: impl PgExecutor<'_>,
    partner: PartnerId,
    limit: i64,
) -> Result<Vec<(Uuid, OfferRecord)>, Trouble> {
    let rows = sqlx::query(
        "SELECT id, doc::text FROM offer WHERE partner = $1 AND status = 'published'
         ORDER BY title, id LIMIT $2",
    )
    .bind(partner.0)
    .bind(limit)
    .fetch_all(executor)
    .await?;
    read(&rows)
}

/// How many published offers a partner has.
///
/// # Errors
/// When the database fails.
pub async fn published_count(executor: impl PgExecutor<'_>, partner: PartnerId) -> Result<i64, Trouble> {
    let count = sqlx::query_scalar("SELECT count(*) FROM offer WHERE partner = $1 AND status = 'published'");
    Ok(count.bind(partner.0).fetch_one(executor).await?)
}
