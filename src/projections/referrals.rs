//! Referrals as advisors work through them: from whom, what for, how soon, and what came of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{PersonId, PersonRef};
use crate::domain::record::Fact;
use crate::domain::referral::{
    DeclineGround, RedirectTarget, ReferralEvent, ReferralSource, ReferralStatus, TellingChannel, Urgency,
};
use crate::domain::vocabulary::NeedCode;
use crate::store::log::Recorded;

/// A referral as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReferralRecord {
    /// Whom it is about.
    pub person: PersonRef,
    /// Who referred them.
    pub source: Option<ReferralSource>,
    /// What for.
    pub reasons: BTreeSet<NeedCode>,
    /// How soon it has to be looked at; after that, how urgent it is held to be.
    pub urgency: Option<Urgency>,
    /// Where the letter is kept.
    pub letter: Option<VaultRef>,
    /// When it came.
    pub received_on: Date,
    /// The last day on which it is to be looked at.
    pub triage_due: Date,
    /// When it was looked at.
    pub triaged_on: Option<Date>,
    /// What the person is held to need.
    pub needs: BTreeSet<NeedCode>,
    /// Who is to talk to the person.
    pub advisor: Option<PersonId>,
    /// Where it stands.
    pub status: Option<ReferralStatus>,
    /// When it was accepted, declined or sent on.
    pub decided_on: Option<Date>,
    /// Why it was declined.
    pub declined: Option<DeclineGround>,
    /// To whom it was sent on.
    pub redirected_to: Option<RedirectTarget>,
    /// How the referrer was told.
    pub told_by: Option<TellingChannel>,
    /// When the referrer was told.
    pub told_on: Option<Date>,
    /// The last day on which anything happened to it.
    pub last_on: Date,
}

impl ReferralRecord {
    fn decide(&mut self, status: ReferralStatus, on: Date) {
        self.status = Some(status);
        self.decided_on = Some(on);
    }
}

impl Record for ReferralRecord {
    const TABLE: Table = Table {
        name: "referral",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            person uuid GENERATED ALWAYS AS ((doc ->> 'person')::uuid) STORED, \
            source text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'source') STORED, \
            status text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'status') STORED, \
            received_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'received_on') STORED, \
            triage_due text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'triage_due') STORED, \
            last_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'last_on') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE INDEX ON {table} (person, last_on)",
            "CREATE INDEX ON {table} (received_on, id)",
            "CREATE INDEX ON {table} (triage_due, id) WHERE status = 'received'",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "referral";

    fn take(&mut self, event: &Recorded) -> bool {
        let on = event.effective_on;
        let Fact::Referral(fact) = &event.fact else { return false };
        match fact.clone() {
            ReferralEvent::Received { person, source, reasons, urgency, letter, triage_due } => {
                *self = Self {
                    person,
                    source: Some(source),
                    reasons,
                    urgency: Some(urgency),
                    letter,
                    received_on: on,
                    triage_due,
                    status: Some(ReferralStatus::Received),
                    ..Self::default()
                };
            }
            ReferralEvent::Triaged { urgency, needs, advisor } => {
                self.status = Some(ReferralStatus::Triaged);
                (self.urgency, self.needs) = (Some(urgency), needs);
                (self.advisor, self.triaged_on) = (Some(advisor), Some(on));
            }
            ReferralEvent::Accepted {} => self.decide(ReferralStatus::Accepted, on),
            ReferralEvent::Declined { ground } => {
                self.decide(ReferralStatus::Declined, on);
                self.declined = Some(ground);
            }
            ReferralEvent::Redirected { to } => {
                self.decide(ReferralStatus::Redirected, on);
                self.redirected_to = Some(to);
            }
            ReferralEvent::ReferrerTold { channel } => {
                (self.told_by, self.told_on) = (Some(channel), Some(on));
            }
        }
        self.last_on = self.last_on.max(on);
        true
    }
}

/// Which referrals to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// About this person.
    pub person: Option<Uuid>,
    /// That stand there.
    pub status: Option<ReferralStatus>,
    /// From there.
    pub source: Option<ReferralSource>,
    /// Still to be looked at, and due on this day or earlier.
    pub triage_due_by: Option<Date>,
    /// Before this one: the day it came and its id.
    pub before: Option<(String, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

const NARROWED: &str = "FROM referral
     WHERE ($1::uuid IS NULL OR person = $1)
       AND ($2::text IS NULL OR status = $2)
       AND ($3::text IS NULL OR source = $3)
       AND ($4::text IS NULL OR (status = 'received' AND triage_due <= $4))";

/// The referrals a filter finds, the latest first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_> + Copy,
    filter: &Filter,
) -> Result<(Vec<(Uuid, ReferralRecord)>, i64), Trouble> {
    let (day, id) = filter.before.clone().unzip();
    let due = filter.triage_due_by.map(|day| day.to_string());
    let rows = sqlx::query(&format!(
        "SELECT id, doc::text {NARROWED} AND ($5::text IS NULL OR (received_on, id) < ($5, $6))
         ORDER BY received_on DESC, id DESC LIMIT $7"
    ))
    .bind(filter.person)
    .bind(filter.status.map(ReferralStatus::code))
    .bind(filter.source.map(ReferralSource::code))
    .bind(&due)
    .bind(day)
    .bind(id)
    .bind(filter.limit)
    .fetch_all(executor)
    .await?;
    let total = sqlx::query_scalar(&format!("SELECT count(*) {NARROWED}"))
        .bind(filter.person)
        .bind(filter.status.map(ReferralStatus::code))
        .bind(filter.source.map(ReferralSource::code))
        .bind(&due)
        .fetch_one(executor)
        .await?;
    Ok((read(&rows)?, total))
}
