//! Prescriptions as people follow them: for whom, to what, how far, and what came of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, QueryBuilder, Row as _};
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{
    ContactId, GrantId, OfferId, OutcomeId, PartnerId, PersonId, PersonRef, PrescriptionId, ReferralId,
};
use crate::domain::outcome::{Answers, Change, Moment};
use crate::domain::places::Area;
use crate::domain::prescription::{
    ANSWER_DAYS, AbsenceGroup, AskedBy, AttemptMeans, Attendance, ClosingReason, DeclineReason, Followed,
    PrescriptionEvent, PrescriptionStatus, TellingMeans, answer_due,
};
use crate::domain::record::Fact;
use crate::domain::vocabulary::NeedCode;
use crate::store::log::Recorded;

/// One attempt to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Which, from 1.
    pub number: u32,
    /// When.
    pub on: Date,
    /// How.
    pub means: AttemptMeans,
    /// Whether the person was reached.
    pub reached: bool,
}

/// One session, and how it was attended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// When.
    pub held_on: Date,
    /// How it was attended.
    pub attendance: Attendance,
    /// Whether it took place.
    pub service_happened: bool,
    /// Why the person did not come.
    pub why: Option<AbsenceGroup>,
}

/// Answers to an instrument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// The id of the record.
    pub outcome: OutcomeId,
    /// The instrument, its version, the moment and the answers.
    pub answers: Answers,
    /// The day of answering.
    pub answered_on: Date,
    /// Who asked.
    pub asked_by: AskedBy,
    /// The person's goal in their own words, in the vault.
    pub goal: Option<VaultRef>,
    /// The record it took the place of.
    pub corrects: Option<OutcomeId>,
    /// The record that took its place.
    pub corrected_by: Option<OutcomeId>,
}

/// A prescription as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PrescriptionRecord {
    /// Who it is for.
    pub person: PersonRef,
    /// The talk it came from.
    pub contact: ContactId,
    /// The referral whose referrer is told what came of it.
    pub referral: Option<ReferralId>,
    /// The offer.
    pub offer: OfferId,
    /// Its version.
    pub offer_version: u32,
    /// The partner.
    pub partner: PartnerId,
    /// The grant that pays.
    pub grant: Option<GrantId>,
    /// What the person needs.
    pub needs: BTreeSet<NeedCode>,
    /// How many attempts are made before giving up.
    pub attempts_needed: u32,
    /// Who made it.
    pub made_by: PersonId,
    /// When it was made.
    pub made_on: Date,
    /// The prescription it follows.
    pub follows: Option<Followed>,
    /// Where it stands.
    pub status: PrescriptionStatus,
    /// When it was sent.
    pub sent_on: Option<Date>,
    /// When the partner answered.
    pub answered_on: Option<Date>,
    /// Whether the partner once let the time for an answer go by.
    pub unanswered: bool,
    /// Why the partner declined.
    pub declined: Option<DeclineReason>,
    /// The attempts to reach the person.
    pub attempts: Vec<AttemptRecord>,
    /// When a place was offered.
    pub place_offered_on: Option<Date>,
    /// The day from which the place is, or is hoped for.
    pub place_from: Option<Date>,
    /// When the person started.
    pub started_on: Option<Date>,
    /// The sessions.
    pub sessions: Vec<SessionRecord>,
    /// The answers to instruments, those that were corrected too.
    pub outcomes: Vec<OutcomeRecord>,
    /// When it ended.
    pub ended_on: Option<Date>,
    /// Why it was closed.
    pub closing: Option<ClosingReason>,
    /// The prescription it was passed on to.
    pub passed_on_to: Option<PrescriptionId>,
    /// The prescription it was made again as.
    pub made_again_as: Option<PrescriptionId>,
    /// When the referrer was told what came of it.
    pub referrer_told_on: Option<Date>,
    /// How the referrer was told.
    pub referrer_told_by: Option<TellingMeans>,
}

impl PrescriptionRecord {
    /// The last day on which an answer is in time, while one is waited for.
    #[must_use]
    pub fn answer_due(&self) -> Option<Date> {
        self.sent_on.filter(|_| self.status == PrescriptionStatus::Sent).map(answer_due)
    }

    /// How many sessions the person came to.
    #[must_use]
    pub fn attended(&self) -> usize {
        self.sessions.iter().filter(|one| one.attendance != Attendance::DidNotAttend).count()
    }

    /// The answers that stand: none that was corrected.
    pub fn standing_outcomes(&self) -> impl Iterator<Item = &OutcomeRecord> {
        self.outcomes.iter().filter(|one| one.corrected_by.is_none())
    }

    /// What changed, instrument by instrument: from the answers before to the last answers after, where both stand
    /// and are of one version.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let befores = self.standing_outcomes().filter(|one| one.answers.moment == Moment::Before);
        befores
            .filter_map(|before| {
                let pairs = self.standing_outcomes().filter_map(|after| {
                    Some((after.answered_on, before.answers.change_to(&after.answers).ok()?))
                });
                pairs.max_by_key(|(on, _)| *on).map(|(_, change)| change)
            })
            .flatten()
            .collect()
    }

    fn ended(&mut self, status: PrescriptionStatus, on: Date) {
        self.status = status;
        self.ended_on = Some(on);
    }

    fn came(&mut self, held_on: Date, attendance: Attendance) {
        self.sessions.push(SessionRecord { held_on, attendance, service_happened: true, why: None });
    }

    fn answered(&mut self, event: &PrescriptionEvent) {
        let (PrescriptionEvent::OutcomeRecorded {
            outcome,
            instrument,
            instrument_version,
            moment,
            answered_on,
            asked_by,
            answers,
            goal,
        }
        | PrescriptionEvent::OutcomeCorrected {
            outcome,
            instrument,
            instrument_version,
            moment,
            answered_on,
            asked_by,
            answers,
            goal,
            ..
        }) = event
        else {
            return;
        };
        let corrects = if let PrescriptionEvent::OutcomeCorrected { corrects, .. } = event {
            Some(*corrects)
        } else {
            None
        };
        if let Some(old) = self.outcomes.iter_mut().find(|one| Some(one.outcome) == corrects) {
            old.corrected_by = Some(*outcome);
        }
        let (instrument, version, moment) = (*instrument, *instrument_version, *moment);
        let answers = Answers { instrument, version, moment, answers: answers.clone() };
        self.outcomes.push(OutcomeRecord {
            outcome: *outcome,
            answers,
            answered_on: *answered_on,
            asked_by: *asked_by,
            goal: goal.clone(),
            corrects,
            corrected_by: None,
        });
    }
}

impl Record for PrescriptionRecord {
    const TABLE: Table = Table {
        name: "prescription",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            person uuid GENERATED ALWAYS AS ((doc ->> 'person')::uuid) STORED, \
            contact uuid GENERATED ALWAYS AS ((doc ->> 'contact')::uuid) STORED, \
            referral uuid GENERATED ALWAYS AS ((doc ->> 'referral')::uuid) STORED, \
            offer uuid GENERATED ALWAYS AS ((doc ->> 'offer')::uuid) STORED, \
            partner uuid GENERATED ALWAYS AS ((doc ->> 'partner')::uuid) STORED, \
            grant_id uuid GENERATED ALWAYS AS ((doc ->> 'grant')::uuid) STORED, \
            made_by uuid GENERATED ALWAYS AS ((doc ->> 'made_by')::uuid) STORED, \
            status text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'status') STORED, \
            closing text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'closing') STORED, \
            made_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'made_on') STORED, \
            sent_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'sent_on') STORED, \
            ended_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'ended_on') STORED, \
            told_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'referrer_told_on') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE INDEX ON {table} (made_on, id)",
            "CREATE INDEX ON {table} (person)",
            "CREATE INDEX ON {table} (contact)",
            "CREATE INDEX ON {table} (offer, status)",
            "CREATE INDEX ON {table} (partner, made_on, id) WHERE sent_on IS NOT NULL",
            "CREATE INDEX ON {table} (grant_id, made_on, id) WHERE grant_id IS NOT NULL",
            "CREATE INDEX ON {table} (made_by, made_on, id)",
            "CREATE INDEX ON {table} (status, sent_on, id)",
            "CREATE INDEX ON {table} (ended_on, id) WHERE referral IS NOT NULL AND told_on IS NULL",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "prescription";

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each fact")]
    fn take(&mut self, event: &Recorded) -> bool {
        let on = event.effective_on;
        let Fact::Prescription(fact) = &event.fact else { return false };
        match fact.clone() {
            PrescriptionEvent::Made {
                person,
                contact,
                referral,
                offer,
                offer_version,
                partner,
                grant,
                needs,
                attempts_needed,
                made_by,
                made_on,
                follows,
            } => {
                let status = PrescriptionStatus::Made;
                *self = Self {
                    person,
                    contact,
                    referral,
                    offer,
                    offer_version,
                    partner,
                    grant,
                    needs,
                    attempts_needed,
                    made_by,
                    made_on,
                    follows,
                    status,
                    ..Self::default()
                };
            }
            PrescriptionEvent::Sent { sent_on } => {
                self.status = PrescriptionStatus::Sent;
                self.sent_on = Some(sent_on);
            }
            PrescriptionEvent::Accepted {} => {
                self.status = PrescriptionStatus::Accepted;
                self.answered_on = Some(on);
            }
            PrescriptionEvent::Declined { why } => {
                self.status = PrescriptionStatus::Declined;
                self.answered_on = Some(on);
                self.declined = Some(why);
            }
            PrescriptionEvent::Unanswered { .. } => {
                self.status = PrescriptionStatus::Unanswered;
                self.unanswered = true;
            }
            PrescriptionEvent::AttemptMade { number, means, reached } => {
                self.attempts.push(AttemptRecord { number, on, means, reached });
            }
            PrescriptionEvent::PlaceOffered { starts_on } => {
                self.status = PrescriptionStatus::PlaceOffered;
                self.place_offered_on = Some(on);
                self.place_from = starts_on;
            }
            PrescriptionEvent::Waiting { expected_on } => {
                self.status = PrescriptionStatus::Waiting;
                self.place_from = expected_on;
            }
            PrescriptionEvent::Started {} => {
                self.status = PrescriptionStatus::Started;
                self.started_on = Some(on);
            }
            PrescriptionEvent::Attended { held_on } => self.came(held_on, Attendance::Attended),
            PrescriptionEvent::AttendedLate { held_on } => self.came(held_on, Attendance::AttendedLate),
            PrescriptionEvent::DidNotAttend { held_on, service_happened, why } => {
                let (attendance, why) = (Attendance::DidNotAttend, Some(why));
                self.sessions.push(SessionRecord { held_on, attendance, service_happened, why });
            }
            PrescriptionEvent::AttendanceWithdrawn { held_on } => {
                self.sessions.retain(|one| one.held_on != held_on);
            }
            PrescriptionEvent::OutcomeRecorded { .. } | PrescriptionEvent::OutcomeCorrected { .. } => {
                self.answered(fact);
            }
            PrescriptionEvent::Closed { why } => {
                self.ended(PrescriptionStatus::Closed, on);
                self.closing = Some(why);
            }
            PrescriptionEvent::PassedOn { to, .. } => {
                self.ended(PrescriptionStatus::PassedOn, on);
                self.passed_on_to = Some(to);
            }
            PrescriptionEvent::MadeAgain { again } => self.made_again_as = Some(again),
            PrescriptionEvent::ClosedInError {} => self.ended(PrescriptionStatus::ClosedInError, on),
            PrescriptionEvent::ReferrerTold { means } => {
                self.referrer_told_on = Some(on);
                self.referrer_told_by = Some(means);
            }
        }
        true
    }
}

/// Which prescriptions to list or count.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// For this person.
    pub person: Option<PersonRef>,
    /// From this talk.
    pub contact: Option<ContactId>,
    /// To this partner.
    pub partner: Option<PartnerId>,
    /// Of this offer.
    pub offer: Option<OfferId>,
    /// Paid by this grant.
    pub grant: Option<GrantId>,
    /// Made by this person.
    pub made_by: Option<PersonId>,
    /// That stand at one of these; all if left out.
    pub statuses: Option<Vec<PrescriptionStatus>>,
    /// Only those that were sent.
    pub sent: bool,
    /// Only those whose time for an answer has gone by on this day without one.
    pub answer_late_on: Option<Date>,
    /// Only those that are over and whose referrer was not told.
    pub referrer_to_tell: bool,
    /// Made on this day or later.
    pub from: Option<Date>,
    /// Made on this day or earlier.
    pub to: Option<Date>,
    /// After the one made on this day with this id.
    pub after: Option<(String, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

fn narrowed<'q>(select: &str, filter: &'q Filter) -> QueryBuilder<'q, sqlx::Postgres> {
    let mut query = QueryBuilder::new(select);
    query.push(" FROM prescription WHERE true");
    let ids: [(&str, Option<Uuid>); 6] = [
        ("person", filter.person.map(|one| one.0)),
        ("contact", filter.contact.map(|one| one.0)),
        ("partner", filter.partner.map(|one| one.0)),
        ("offer", filter.offer.map(|one| one.0)),
        ("grant_id", filter.grant.map(|one| one.0)),
        ("made_by", filter.made_by.map(|one| one.0)),
    ];
    for (column, id) in ids.into_iter().filter_map(|(column, id)| Some((column, id?))) {
        query.push(format!(" AND {column} = ")).push_bind(id);
    }
    if let Some(statuses) = &filter.statuses {
        let codes: Vec<&str> = statuses.iter().map(|status| status.code()).collect();
        query.push(" AND status = ANY(").push_bind(codes).push(")");
    }
    if filter.sent {
        query.push(" AND sent_on IS NOT NULL");
    }
    if let Some(today) = filter.answer_late_on {
        let sent_by = today - chrono::Days::new(ANSWER_DAYS);
        query.push(" AND status = 'sent' AND sent_on < ").push_bind(sent_by.to_string());
    }
    if filter.referrer_to_tell {
        query.push(" AND referral IS NOT NULL AND told_on IS NULL AND ended_on IS NOT NULL");
        query.push(" AND status <> 'closed_in_error'");
    }
    if let Some(from) = filter.from {
        query.push(" AND made_on >= ").push_bind(from.to_string());
    }
    if let Some(to) = filter.to {
        query.push(" AND made_on <= ").push_bind(to.to_string());
    }
    query
}

/// Prescriptions by the day they were made.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
) -> Result<Vec<(Uuid, PrescriptionRecord)>, Trouble> {
    let mut query = narrowed("SELECT id, doc::text", filter);
    if let Some((made_on, id)) = &filter.after {
        query.push(" AND (made_on, id) > (").push_bind(made_on).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY made_on, id LIMIT ").push_bind(filter.limit);
    read(&query.build().fetch_all(executor).await?)
}

/// How many there are.
///
/// # Errors
/// When the database fails.
pub async fn count(executor: impl PgExecutor<'_>, filter: &Filter) -> Result<i64, Trouble> {
    Ok(narrowed("SELECT count(*)", filter).build_query_scalar().fetch_one(executor).await?)
}

/// How many stand where, and for what they were closed. What was made in error is not counted.
///
/// # Errors
/// When the database fails.
pub async fn standings(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
) -> Result<Vec<(PrescriptionStatus, Option<ClosingReason>, i64)>, Trouble> {
    let mut query = narrowed("SELECT status, closing, count(*)", filter);
    query.push(" AND status <> 'closed_in_error' GROUP BY status, closing ORDER BY status, closing");
    let rows = query.build().fetch_all(executor).await?;
    let known = rows.iter().map(|row| {
        let (status, closing): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        let status = PrescriptionStatus::from_code(&status).unwrap_or_default();
        Ok((status, closing.as_deref().and_then(ClosingReason::from_code), row.try_get(2)?))
    });
    known.collect()
}

/// The day of the first prescription on the record, and how many were made from a day to a day in talks at sites of some
/// areas; anywhere where no area is named. Those made in error are not counted.
///
/// # Errors
/// When the database fails.
pub async fn counted(
    executor: impl PgExecutor<'_>,
    (from, to): (Date, Date),
    areas: &[Area],
) -> Result<(Option<Date>, i64), Trouble> {
    let areas: Vec<&str> = areas.iter().map(|area| area.code()).collect();
    let (first, count): (Option<String>, i64) = sqlx::query_as(
        "SELECT min(made_on), count(*) FILTER (WHERE made_on BETWEEN $1 AND $2 AND (cardinality($3::text[]) = 0
             OR (SELECT site.area FROM contact JOIN site ON site.id = (contact.doc ->> 'site')::uuid
                 WHERE contact.id = prescription.contact) = ANY($3)))
         FROM prescription WHERE status <> $4",
    )
    .bind(from.to_string())
    .bind(to.to_string())
    .bind(areas)
    .bind(PrescriptionStatus::ClosedInError.code())
    .fetch_one(executor)
    .await?;
    Ok((first.and_then(|first| first.parse().ok()), count))
}
