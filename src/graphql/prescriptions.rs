//! Prescriptions on the wire, in three forms: for advisors with the person, for the partner with what the person
//! agreed to, for everybody else without anybody. What a form does not hold cannot be asked for.

mod commands;
mod following;
mod outcomes;
mod queries;

use std::collections::BTreeSet;

use async_graphql::{Context, MergedObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Code, Date, Partner, Person, asked, told};
use crate::app::App;
use crate::domain::calendar;
use crate::domain::identity::PersonId;
use crate::domain::prescription::{
    AbsenceGroup, AttemptMeans, Attendance, ClosingReason, DeclineReason, Following,
    Prescription as Aggregate, PrescriptionStatus, TellingMeans,
};
use crate::domain::vocabulary::{NeedCode, SharedItem};
use crate::projections::partners::PartnerRecord;
use crate::projections::prescriptions::{AttemptRecord, PrescriptionRecord, SessionRecord};

pub use commands::PrescriptionMutations;
pub use following::FollowingMutations;
use outcomes::{Outcome, OutcomeChange, OutcomeOutline};
pub use queries::PrescriptionQueries;

/// What is the same for everybody who sees a prescription.
#[derive(Debug, Clone)]
pub struct Course {
    id: Uuid,
    record: PrescriptionRecord,
    partner: Option<PartnerRecord>,
    offer_title: Option<String>,
    today: calendar::Date,
}

impl Course {
    /// Prescriptions with their partners and the titles of their offers, which are looked up together.
    async fn of(app: &App, found: Vec<(Uuid, PrescriptionRecord)>) -> Result<Vec<Self>> {
        let ids: BTreeSet<Uuid> = found.iter().map(|(_, record)| record.partner.0).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let partners = app.partners_named(&ids).await.map_err(told)?;
        let offers: BTreeSet<Uuid> = found.iter().map(|(_, record)| record.offer.0).collect();
        let offers: Vec<Uuid> = offers.into_iter().collect();
        let titles = app.offer_titles(&offers).await.map_err(told)?;
        let today = app.today();
        let all = found.into_iter().map(|(id, record)| {
            let partner = partners.get(&record.partner.0).cloned();
            let offer_title = titles.get(&(record.offer.0, record.offer_version)).cloned();
            Self { id, record, partner, offer_title, today }
        });
        Ok(all.collect())
    }

    fn cursor_parts(&self) -> [String; 2] {
        [self.record.made_on.to_string(), self.id.to_string()]
    }
}

/// What is the same for everybody who sees a prescription.
#[Object(name = "PrescriptionCourse")]
impl Course {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Where it stands.
    async fn status(&self) -> Code<PrescriptionStatus> {
        Code(self.record.status)
    }
    /// The offer.
    async fn offer_id(&self) -> Uuid {
        self.record.offer.0
    }
    /// The version of the offer: what was promised when it was made.
    async fn offer_version(&self) -> u32 {
        self.record.offer_version
    }
    /// What the offer was called in that version.
    async fn offer_title(&self) -> Option<&str> {
        self.offer_title.as_deref()
    }
    /// The partner whose offer it is.
    async fn partner(&self) -> Option<Partner> {
        self.partner.clone().map(|record| Partner::new(self.record.partner.0, record))
    }
    /// The partner’s id.
    async fn partner_id(&self) -> Uuid {
        self.record.partner.0
    }
    /// The grant that pays, where one does.
    async fn grant_id(&self) -> Option<Uuid> {
        self.record.grant.map(|grant| grant.0)
    }
    /// When it was made.
    async fn made_on(&self) -> Date {
        Date(self.record.made_on)
    }
    /// When it was sent to the partner.
    async fn sent_on(&self) -> Option<Date> {
        self.record.sent_on.map(Date)
    }
    /// The last day on which the partner’s answer is in time, while one is waited for.
    async fn answer_due(&self) -> Option<Date> {
        self.record.answer_due().map(Date)
    }
    /// Whether that day has gone by.
    async fn answer_late(&self) -> bool {
        self.record.answer_due().is_some_and(|due| due < self.today)
    }
    /// When the partner answered.
    async fn answered_on(&self) -> Option<Date> {
        self.record.answered_on.map(Date)
    }
    /// Whether the partner once let the time for an answer go by. It is no decline.
    async fn unanswered(&self) -> bool {
        self.record.unanswered
    }
    /// Why the partner declined.
    async fn decline_reason(&self) -> Option<Code<DeclineReason>> {
        self.record.declined.map(Code)
    }
    /// When a place was offered.
    async fn place_offered_on(&self) -> Option<Date> {
        self.record.place_offered_on.map(Date)
    }
    /// The day from which there is a place, or is hoped to be.
    async fn place_from(&self) -> Option<Date> {
        self.record.place_from.map(Date)
    }
    /// When the person started.
    async fn started_on(&self) -> Option<Date> {
        self.record.started_on.map(Date)
    }
    /// How many sessions the person came to.
    async fn attended(&self) -> usize {
        self.record.attended()
    }
    /// How many sessions the person did not come to.
    async fn missed(&self) -> usize {
        self.record.sessions.len() - self.record.attended()
    }
    /// The records of outcomes, without the answers.
    async fn outcomes(&self) -> Vec<OutcomeOutline> {
        self.record.outcomes.iter().map(OutcomeOutline::from).collect()
    }
    /// When it came to its end.
    async fn ended_on(&self) -> Option<Date> {
        self.record.ended_on.map(Date)
    }
    /// Why it was closed.
    async fn closing_reason(&self) -> Option<Code<ClosingReason>> {
        self.record.closing.map(Code)
    }
    /// The prescription it follows.
    async fn follows_id(&self) -> Option<Uuid> {
        self.record.follows.map(|one| one.prescription.0)
    }
    /// How it follows that one.
    async fn follows_by(&self) -> Option<Code<Following>> {
        self.record.follows.map(|one| Code(one.by))
    }
    /// The prescription it was passed on to.
    async fn passed_on_to_id(&self) -> Option<Uuid> {
        self.record.passed_on_to.map(|one| one.0)
    }
    /// The prescription it was made again as.
    async fn made_again_as_id(&self) -> Option<Uuid> {
        self.record.made_again_as.map(|one| one.0)
    }
}

/// One attempt to reach the person.
#[derive(Debug, Clone, SimpleObject)]
pub struct PrescriptionAttempt {
    /// Which, from 1.
    pub number: u32,
    /// When.
    pub on: Date,
    /// How.
    pub means: Code<AttemptMeans>,
    /// Whether the person was reached.
    pub reached: bool,
}

impl From<&AttemptRecord> for PrescriptionAttempt {
    fn from(record: &AttemptRecord) -> Self {
        let AttemptRecord { number, on, means, reached } = record.clone();
        Self { number, on: Date(on), means: Code(means), reached }
    }
}

/// One session, and how it was attended.
#[derive(Debug, Clone, SimpleObject)]
pub struct PrescriptionSession {
    /// When.
    pub held_on: Date,
    /// How it was attended.
    pub attendance: Code<Attendance>,
    /// Whether it took place.
    pub service_happened: bool,
    /// Why the person did not come, in groups.
    pub why: Option<Code<AbsenceGroup>>,
}

impl From<&SessionRecord> for PrescriptionSession {
    fn from(record: &SessionRecord) -> Self {
        let SessionRecord { held_on, attendance, service_happened, why } = record.clone();
        Self { held_on: Date(held_on), attendance: Code(attendance), service_happened, why: why.map(Code) }
    }
}

/// What those see who follow a prescription: advisors and its partner.
#[derive(Debug, Clone)]
pub struct Doings(PrescriptionRecord);

/// What those see who follow a prescription: advisors and its partner.
#[Object]
impl Doings {
    /// How many attempts to reach the person are made before giving up.
    async fn attempts_needed(&self) -> u32 {
        self.0.attempts_needed
    }
    /// The attempts to reach the person.
    async fn attempts(&self) -> Vec<PrescriptionAttempt> {
        self.0.attempts.iter().map(PrescriptionAttempt::from).collect()
    }
    /// The sessions, and how they were attended.
    async fn sessions(&self) -> Vec<PrescriptionSession> {
        self.0.sessions.iter().map(PrescriptionSession::from).collect()
    }
}

/// What advisors alone see.
#[derive(Debug, Clone)]
pub struct Whom(PrescriptionRecord);

/// What advisors alone see.
#[Object]
impl Whom {
    /// Who it is for, by an opaque reference: `person` says more.
    async fn person_ref(&self) -> Uuid {
        self.0.person.0
    }
    /// The talk it came from.
    async fn contact_id(&self) -> Uuid {
        self.0.contact.0
    }
    /// The referral that led to the talk, where somebody referred the person.
    async fn referral_id(&self) -> Option<Uuid> {
        self.0.referral.map(|referral| referral.0)
    }
    /// What the person needs from it.
    async fn needs(&self) -> Vec<Code<NeedCode>> {
        self.0.needs.iter().copied().map(Code).collect()
    }
    /// Who made it.
    async fn made_by(&self, ctx: &Context<'_>) -> Result<Person> {
        let (app, _) = asked(ctx)?;
        let person: PersonId = self.0.made_by;
        let name = app.names(&[person]).await.map_err(told)?.remove(&person);
        Ok(Person::new(person, name))
    }
    /// The answers to outcome instruments, those that were corrected too.
    async fn answers(&self) -> Vec<Outcome> {
        self.0.outcomes.iter().map(Outcome::from).collect()
    }
    /// What changed: only where the same version of an instrument was answered before and after.
    async fn changes(&self) -> Vec<OutcomeChange> {
        self.0.changes().iter().map(OutcomeChange::from).collect()
    }
    /// Whether it is over and the referrer was not told yet what came of it.
    async fn referrer_to_tell(&self) -> bool {
        let over = self.0.ended_on.is_some() && self.0.status != PrescriptionStatus::ClosedInError;
        over && self.0.referral.is_some() && self.0.referrer_told_on.is_none()
    }
    /// When the referrer was told what came of it.
    async fn referrer_told_on(&self) -> Option<Date> {
        self.0.referrer_told_on.map(Date)
    }
    /// How the referrer was told.
    async fn referrer_told_by(&self) -> Option<Code<TellingMeans>> {
        self.0.referrer_told_by.map(Code)
    }
}

/// What the person agreed that the partner is told.
#[derive(Debug, Clone)]
pub struct AgreedPart(PrescriptionRecord);

/// What the person agreed that the partner is told.
#[Object]
impl AgreedPart {
    /// What the person agrees today that you are told; `openAgreedDetails` opens it.
    async fn agreed_items(&self, ctx: &Context<'_>) -> Result<Vec<Code<SharedItem>>> {
        let (app, _) = asked(ctx)?;
        Ok(app.agreed_items(&self.0).await.map_err(told)?.into_iter().map(Code).collect())
    }
    /// What the person needs from it; nothing where they do not agree that you are told.
    async fn needs(&self, ctx: &Context<'_>) -> Result<Option<Vec<Code<NeedCode>>>> {
        let (app, _) = asked(ctx)?;
        let agreed = app.agreed_items(&self.0).await.map_err(told)?;
        let needs = self.0.needs.iter().copied().map(Code).collect();
        Ok(agreed.contains(&SharedItem::Needs).then_some(needs))
    }
    /// The answers to outcome instruments that you asked for.
    async fn answers(&self) -> Vec<Outcome> {
        let own = self.0.outcomes.iter().filter(|one| outcomes::of_partner(one));
        own.map(Outcome::from).collect()
    }
}

/// A social prescription, as advisors see it.
#[derive(MergedObject, Clone)]
pub struct Prescription(Course, Doings, Whom);

impl From<Course> for Prescription {
    fn from(course: Course) -> Self {
        let record = course.record.clone();
        Self(course, Doings(record.clone()), Whom(record))
    }
}

/// A social prescription that was sent to you, as the partner sees it: nothing of the person but what they agreed to.
#[derive(MergedObject, Clone)]
pub struct PrescriptionReceived(Course, Doings, AgreedPart);

impl From<Course> for PrescriptionReceived {
    fn from(course: Course) -> Self {
        let record = course.record.clone();
        Self(course, Doings(record.clone()), AgreedPart(record))
    }
}

/// A social prescription without the person it is for.
#[derive(MergedObject, Clone)]
pub struct PrescriptionOutline(Course);

impl From<Course> for PrescriptionOutline {
    fn from(course: Course) -> Self {
        Self(course)
    }
}
