//! Consultations on the wire: what was heard, what was promised, and what came of it.

mod answering;
mod listening;
mod published;
mod queries;

use async_graphql::{Context, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Area, Code, Community, Date, Evidence, Partner, Person, asked, told};
use crate::app::consultations::{CommitmentSeen, ConsultationSeen, NeedSeen, sees_voices};
use crate::domain::consultation::{
    self, CommitmentKind, CommitmentStanding, Consultation as Aggregate, ConsultationStatus, FeedbackChannel,
    HeadBand, Method, NeedStanding, Rung, Strength, Trace, WhatYouMeant,
};
use crate::domain::identity::NeedId;
use crate::domain::vocabulary::{Access, Language, NeedCode};
use crate::projections::consultations::{CommitmentRecord, ConsultationRecord, NeedRecord, VoiceRecord};

pub use answering::AnsweringMutations;
pub use listening::ListeningMutations;
pub use published::YouSaidWeDid;
pub use queries::ConsultationQueries;

/// People were asked and listened to, and are told what comes of it.
#[derive(Debug, Clone)]
pub struct Consultation(ConsultationSeen);

/// People were asked and listened to, and are told what comes of it.
#[Object]
impl Consultation {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.0.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.0.id).await.map_err(told)
    }
    /// Its human reference, such as `C-2026-0001`.
    async fn reference(&self) -> &str {
        &self.0.record.reference
    }
    /// What it is called.
    async fn title(&self) -> &str {
        &self.0.record.title
    }
    /// What it is to find out.
    async fn purpose(&self) -> &str {
        &self.0.record.purpose
    }
    /// The decision that what is said can still influence.
    async fn decision(&self) -> &str {
        &self.0.record.decision
    }
    /// Where it stands.
    async fn status(&self) -> Code<ConsultationStatus> {
        Code(self.0.record.status)
    }
    /// The rung of the ladder of co-production that was intended.
    async fn rung_intended(&self) -> Option<Code<Rung>> {
        self.0.record.rung_intended.map(Code)
    }
    /// The rung that was reached, once it is closed.
    async fn rung_reached(&self) -> Option<Code<Rung>> {
        self.0.record.rung_reached.map(Code)
    }
    /// How people are listened to.
    async fn method(&self) -> Option<Code<Method>> {
        self.0.record.method.map(Code)
    }
    /// Whose voices are sought.
    async fn communities(&self) -> Vec<Code<Community>> {
        self.0.record.communities.iter().copied().map(Code).collect()
    }
    /// The partner that hosts it; none when it is our own.
    async fn host(&self, ctx: &Context<'_>) -> Result<Option<Partner>> {
        let Some(host) = self.0.record.host else { return Ok(None) };
        let mut found = asked(ctx)?.0.partners_named(&[host.0]).await.map_err(told)?;
        Ok(found.remove(&host.0).map(|record| Partner::new(host.0, record)))
    }
    /// The area it takes place in.
    async fn area(&self) -> Option<Code<Area>> {
        self.0.record.area.map(Code)
    }
    /// The place, such as a hall.
    async fn venue(&self) -> &str {
        &self.0.record.venue
    }
    /// The day it was planned for.
    async fn planned_for(&self) -> Date {
        Date(self.0.record.planned_for)
    }
    /// What makes it possible for people to take part.
    async fn access(&self) -> Vec<Code<Access>> {
        self.0.record.access.iter().copied().map(Code).collect()
    }
    /// The languages it is held in.
    async fn languages(&self) -> Vec<Code<Language>> {
        self.0.record.languages.iter().copied().map(Code).collect()
    }
    /// The day it was held.
    async fn held_on(&self) -> Option<Date> {
        self.0.record.held_on.map(Date)
    }
    /// How many of each community came, in bands; exact numbers are not kept.
    async fn heads(&self) -> Vec<GroupHeads> {
        let groups = self.0.record.heads.iter();
        groups.map(|one| GroupHeads { group: Code(one.group), heads: Code(one.heads) }).collect()
    }
    /// Whether somebody may count in more than one community: the bands are then not added up.
    async fn groups_overlap(&self) -> bool {
        self.0.record.groups_overlap
    }
    /// What was written up.
    async fn report(&self) -> Option<Evidence> {
        self.0.record.report.as_ref().map(Evidence::from)
    }
    /// The themes that those who were there agreed.
    async fn themes(&self) -> Vec<&str> {
        self.0.record.themes.iter().map(String::as_str).collect()
    }
    /// How they checked them.
    async fn how_checked(&self) -> Option<&str> {
        self.0.record.how_checked.as_deref()
    }
    /// Where people’s own words stand. For the community inclusion team; nothing for others.
    async fn voices(&self, ctx: &Context<'_>) -> Result<Option<Vec<Voice>>> {
        let (_, who) = asked(ctx)?;
        Ok(sees_voices(who).then(|| self.0.record.voices.iter().map(Voice::from).collect()))
    }
    /// The needs that were heard.
    #[graphql(complexity = "20 * child_complexity")]
    async fn needs(&self, ctx: &Context<'_>) -> Result<Vec<Need>> {
        let order: Vec<NeedId> = self.0.record.needs.iter().map(|need| need.id).collect();
        let mut found = asked(ctx)?.0.needs_named(&order).await.map_err(told)?;
        found.sort_by_key(|seen| order.iter().position(|id| *id == seen.need.id));
        Ok(found.into_iter().map(Need).collect())
    }
    /// What was promised.
    #[graphql(complexity = "20 * child_complexity")]
    async fn commitments(&self) -> Vec<Commitment> {
        let all = self.0.record.commitments.iter();
        all.map(|one| Commitment(CommitmentSeen { made_at: self.0.clone(), commitment: one.clone() }))
            .collect()
    }
    /// Who was told what came of it.
    async fn feedback(&self) -> Vec<Feedback> {
        feedback_of(&self.0.record)
    }
    /// Whom feedback is still owed: those who came and were not told since the last answer. Nobody before themes are
    /// agreed.
    async fn feedback_owed(&self) -> Vec<Code<Community>> {
        let answering = matches!(self.0.record.status, ConsultationStatus::Answered);
        let owed = self.0.record.progress.owed();
        owed.into_iter().filter(|_| answering).map(Code).collect()
    }
    /// What those who were told answered.
    async fn feedback_heard(&self) -> Vec<FeedbackHeard> {
        let answers = self.0.record.answers.iter();
        answers
            .map(|one| FeedbackHeard {
                on: Date(one.on),
                group: Code(one.group),
                meant: Code(one.meant),
                taken_from_it: one.taken_from_it.clone(),
            })
            .collect()
    }
    /// When it was closed.
    async fn closed_on(&self) -> Option<Date> {
        self.0.record.closed_on.map(Date)
    }
    /// When it was called off.
    async fn cancelled_on(&self) -> Option<Date> {
        self.0.record.cancelled_on.map(Date)
    }
}

/// How many of a community came.
#[derive(Debug, Clone, SimpleObject)]
pub struct GroupHeads {
    /// The community.
    pub group: Code<Community>,
    /// How many, in bands.
    pub heads: Code<HeadBand>,
}

/// Somebody’s own words: where they stand, not what they say. `voiceWords` reads them, on the record.
#[derive(Debug, Clone, SimpleObject)]
pub struct Voice {
    /// A random id: whose words they are, and nothing else about them.
    pub id: Uuid,
    /// For which community they speak.
    pub group: Code<Community>,
    /// What in the words looks as if it could tell who somebody is.
    pub traces: Vec<Code<Trace>>,
    /// Whether whoever said it agreed that it may be published.
    pub may_be_published: bool,
    /// When it was recorded.
    pub recorded_on: Date,
    /// What somebody else found who read them: whether nobody can be recognised; none until then.
    pub names_nobody: Option<bool>,
    /// When it was published.
    pub published_on: Option<Date>,
    /// When it was taken back.
    pub withdrawn_on: Option<Date>,
}

impl From<&VoiceRecord> for Voice {
    fn from(record: &VoiceRecord) -> Self {
        Self {
            id: record.id.0,
            group: Code(record.group),
            traces: record.traces.iter().copied().map(Code).collect(),
            may_be_published: record.may_be_published,
            recorded_on: Date(record.recorded_on),
            names_nobody: record.names_nobody,
            published_on: record.published_on.map(Date),
            withdrawn_on: record.withdrawn_on.map(Date),
        }
    }
}

/// Who was told what came of it.
#[derive(Debug, Clone, SimpleObject)]
pub struct Feedback {
    /// When.
    pub on: Date,
    /// Which communities.
    pub groups: Vec<Code<Community>>,
    /// How.
    pub channel: Code<FeedbackChannel>,
    /// In which languages.
    pub languages: Vec<Code<Language>>,
}

fn feedback_of(record: &ConsultationRecord) -> Vec<Feedback> {
    let given = record.feedback.iter();
    given
        .map(|one| Feedback {
            on: Date(one.on),
            groups: one.groups.iter().copied().map(Code).collect(),
            channel: Code(one.channel),
            languages: one.languages.iter().copied().map(Code).collect(),
        })
        .collect()
}

/// What those who were told answered.
#[derive(Debug, Clone, SimpleObject)]
pub struct FeedbackHeard {
    /// When.
    pub on: Date,
    /// Of which community.
    pub group: Code<Community>,
    /// Whether it is what they meant.
    pub meant: Code<WhatYouMeant>,
    /// What the team takes from it.
    pub taken_from_it: Option<String>,
}

/// A need that was heard.
#[derive(Debug, Clone)]
pub struct Need(NeedSeen);

/// A need that was heard.
#[Object]
impl Need {
    /// Its id: programmes and grants name it.
    async fn id(&self) -> Uuid {
        self.0.need.id.0
    }
    /// Its human reference, such as `N-2026-0001`.
    async fn reference(&self) -> &str {
        &self.0.need.reference
    }
    /// The theme it belongs to.
    async fn theme(&self) -> &str {
        &self.0.need.theme
    }
    /// The need in plain public words of the team.
    async fn statement(&self) -> &str {
        &self.0.need.statement
    }
    /// The kinds of need it is, as offers name them.
    async fn codes(&self) -> Vec<Code<NeedCode>> {
        self.0.need.codes.iter().copied().map(Code).collect()
    }
    /// How many of those who were there said so.
    async fn strength(&self) -> Code<Strength> {
        Code(self.0.need.strength)
    }
    /// When it was heard.
    async fn heard_on(&self) -> Date {
        Date(self.0.need.heard_on)
    }
    /// The consultation at which it was heard.
    async fn consultation(&self) -> ConsultationName {
        ConsultationName::from(&self.0.heard_at)
    }
    /// What became of it.
    async fn standing(&self) -> Code<NeedStanding> {
        Code(self.0.need.standing)
    }
    /// When it was last answered.
    async fn answered_on(&self) -> Option<Date> {
        self.0.need.answered_on.map(Date)
    }
    /// The need it went into, which stands for both.
    async fn merged_into_id(&self) -> Option<Uuid> {
        self.0.need.merged_into.map(Uuid::from)
    }
    /// Why nothing can be done, where that is the answer.
    async fn public_reason(&self) -> Option<&str> {
        self.0.need.public_reason.as_deref()
    }
    /// The body or post that decided so.
    async fn decided_by(&self) -> Option<&str> {
        self.0.need.decided_by.as_deref()
    }
    /// What was promised about it.
    async fn commitments(&self) -> Vec<Commitment> {
        let made_at = &self.0.heard_at;
        let all = made_at.record.commitments_for(self.0.need.id);
        all.map(|one| Commitment(CommitmentSeen { made_at: made_at.clone(), commitment: one.clone() }))
            .collect()
    }
    /// Where else it was heard: the needs that went into it, straight or by way of another.
    async fn heard_also_at(&self) -> Vec<HeardAgain> {
        let again = self.0.again.iter();
        again
            .map(|(at, need)| HeardAgain {
                consultation: ConsultationName::from(at),
                need: NeedName::from(need),
                heard_on: Date(need.heard_on),
            })
            .collect()
    }
}

/// A need by its name.
#[derive(Debug, Clone, SimpleObject)]
pub struct NeedName {
    /// Its id.
    pub id: Uuid,
    /// Its human reference.
    pub reference: String,
    /// The need in plain public words.
    pub statement: String,
}

impl From<&NeedRecord> for NeedName {
    fn from(need: &NeedRecord) -> Self {
        Self { id: need.id.0, reference: need.reference.clone(), statement: need.statement.clone() }
    }
}

/// A consultation by its name.
#[derive(Debug, Clone, SimpleObject)]
pub struct ConsultationName {
    /// Its id.
    pub id: Uuid,
    /// Its human reference.
    pub reference: String,
    /// What it is called.
    pub title: String,
}

impl From<&ConsultationSeen> for ConsultationName {
    fn from(seen: &ConsultationSeen) -> Self {
        Self { id: seen.id, reference: seen.record.reference.clone(), title: seen.record.title.clone() }
    }
}

/// Where else a need was heard.
#[derive(Debug, Clone, SimpleObject)]
pub struct HeardAgain {
    /// The consultation.
    pub consultation: ConsultationName,
    /// The need as it was put there.
    pub need: NeedName,
    /// When.
    pub heard_on: Date,
}

/// Something that was promised about one or more needs.
#[derive(Debug, Clone)]
pub struct Commitment(CommitmentSeen);

/// Something that was promised about one or more needs.
#[Object]
impl Commitment {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.0.commitment.id.0
    }
    /// The consultation at which it was promised.
    async fn consultation(&self) -> ConsultationName {
        ConsultationName::from(&self.0.made_at)
    }
    /// The needs it is about.
    async fn needs(&self) -> Vec<NeedName> {
        let record = &self.0.made_at.record;
        self.0.commitment.needs.iter().filter_map(|need| record.need(*need)).map(NeedName::from).collect()
    }
    /// What kind of promise it is.
    async fn kind(&self) -> Code<CommitmentKind> {
        Code(self.0.commitment.kind)
    }
    /// What is promised.
    async fn statement(&self) -> &str {
        &self.0.commitment.statement
    }
    /// Whom we ask, where somebody else is to do it.
    async fn asked(&self) -> Option<&str> {
        self.0.commitment.asked.as_deref()
    }
    /// Who answers for it. For staff and auditors; nothing for others.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let (app, who) = asked(ctx)?;
        if who.role.is_of_a_partner() {
            return Ok(None);
        }
        let owner = self.0.commitment.owner;
        let name = app.names(&[owner]).await.map_err(told)?.remove(&owner);
        Ok(Some(Person::new(owner, name)))
    }
    /// The last day on which it is in time.
    async fn by_when(&self) -> Date {
        Date(self.0.commitment.by_when)
    }
    /// What became of it.
    async fn standing(&self) -> Code<CommitmentStanding> {
        Code(self.0.commitment.standing)
    }
    /// Whether it is open today and its day has gone by.
    async fn overdue(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.0.commitment.overdue(asked(ctx)?.0.today()))
    }
    /// When it was made.
    async fn made_on(&self) -> Date {
        Date(self.0.commitment.made_on)
    }
    /// When it was last changed.
    async fn changed_on(&self) -> Option<Date> {
        self.0.commitment.changed_on.map(Date)
    }
    /// When it was recorded as kept or missed.
    async fn settled_on(&self) -> Option<Date> {
        self.0.commitment.settled_on.map(Date)
    }
    /// What was done towards it.
    async fn actions(&self) -> Vec<CommitmentAction> {
        actions_of(&self.0.commitment)
    }
    /// What shows what was done.
    async fn shown_by(&self) -> Vec<CommitmentEvidence> {
        self.0.commitment.shown_by.iter().map(CommitmentEvidence::from).collect()
    }
}

/// A step towards a commitment.
#[derive(Debug, Clone, SimpleObject)]
pub struct CommitmentAction {
    /// What was done.
    pub what: String,
    /// The day it was done.
    pub on: Date,
}

fn actions_of(commitment: &CommitmentRecord) -> Vec<CommitmentAction> {
    let steps = commitment.actions.iter();
    steps.map(|step| CommitmentAction { what: step.what.clone(), on: Date(step.on) }).collect()
}

/// What shows that something was done about a commitment: one of these.
#[derive(Debug, Clone, Default, SimpleObject)]
pub struct CommitmentEvidence {
    /// A grant.
    pub grant_id: Option<Uuid>,
    /// An offer.
    pub offer_id: Option<Uuid>,
    /// A session.
    pub session_id: Option<Uuid>,
    /// A published figure.
    pub figure_id: Option<Uuid>,
    /// A policy, or another document.
    pub policy: Option<Evidence>,
}

impl From<&consultation::ShownBy> for CommitmentEvidence {
    fn from(shown_by: &consultation::ShownBy) -> Self {
        use consultation::ShownBy;
        match shown_by {
            ShownBy::Grant(grant) => Self { grant_id: Some(grant.0), ..Self::default() },
            ShownBy::Offer(offer) => Self { offer_id: Some(*offer), ..Self::default() },
            ShownBy::Session(session) => Self { session_id: Some(*session), ..Self::default() },
            ShownBy::Figure(figure) => Self { figure_id: Some(*figure), ..Self::default() },
            ShownBy::Policy(document) => Self { policy: Some(document.into()), ..Self::default() },
        }
    }
}
