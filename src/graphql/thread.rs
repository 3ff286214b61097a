//! The golden thread on the wire: from a need to what was told back, as it stood on any date.

mod commands;

use async_graphql::{Context, Object, Result, SimpleObject};
use uuid::Uuid;

use super::InclusionFigures;
use super::{AsAt, Code, Community, Date, Money, counting_as_at, told};
use crate::app::thread as app;
use crate::domain::calendar::end_of_day_in_london;
use crate::domain::consultation::CommitmentStanding;
use crate::domain::thread::{BrokenKind, Relation, ThreadKind, ThreadStage};
use crate::projections::thread::Held;

pub use commands::ThreadMutations;

impl From<AsAt> for app::AsAt {
    fn from(as_at: AsAt) -> Self {
        Self {
            known_before: as_at.known_on.map(|date| end_of_day_in_london(date.0)),
            effective_to: as_at.effective_for.map(|date| date.0),
        }
    }
}

/// A thing that links join.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct ThreadEnd {
    /// What it is.
    pub kind: Code<ThreadKind>,
    /// Which.
    pub id: Uuid,
}

impl From<(ThreadKind, Uuid)> for ThreadEnd {
    fn from((kind, id): (ThreadKind, Uuid)) -> Self {
        Self { kind: Code(kind), id }
    }
}

/// A link of the thread.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadLink {
    /// From which thing.
    pub from: ThreadEnd,
    /// How they are joined.
    pub relation: Code<Relation>,
    /// To which thing.
    pub to: ThreadEnd,
    /// Per cent of a grant that answers a need.
    pub share: Option<i32>,
    /// `recorded` where another event says so, or `stated` or `inferred` by somebody.
    pub basis: String,
    /// Why, where it was stated or inferred.
    pub why: Option<String>,
    /// Position in the log of the event since which it holds.
    pub since_index: i64,
    /// The day since which it holds.
    pub since: Date,
}

impl ThreadLink {
    fn read(held: Held) -> Option<Self> {
        let relation = Code(held.relation()?);
        let Held { from, to, share, basis, why, since: (since_index, since), .. } = held;
        let (from, to, share, since) = (from.into(), to.into(), share.map(i32::from), Date(since));
        Some(Self { from, relation, to, share, basis, why, since_index, since })
    }
}

/// A need on a thread.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadNeed {
    /// Its id.
    pub id: Uuid,
    /// Human reference.
    pub reference: String,
    /// The need in plain words.
    pub statement: String,
    /// The consultation at which it was heard.
    pub consultation_id: Uuid,
    /// When it was heard.
    pub heard_on: Date,
    /// The need it went into, which stands for both.
    pub went_into_id: Option<Uuid>,
    /// Why nothing can be done, where that was said.
    pub cannot_do: Option<String>,
    /// What the grants of this thread come to for this need, by their shares: no pound is counted for two needs. None
    /// for those who do not see money.
    pub money: Option<Money>,
}

/// A programme on a thread, and the priorities that it answers needs with.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadProgramme {
    /// Its id.
    pub id: Uuid,
    /// Human reference.
    pub reference: String,
    /// Name.
    pub name: String,
    /// When it was opened.
    pub opened_on: Date,
    /// Its priorities that are about needs of this thread.
    pub priorities: Vec<String>,
}

/// What a grant comes to for a need.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadShare {
    /// The need.
    pub need_id: Uuid,
    /// Per cent of the grant.
    pub percent: i32,
    /// What that comes to: rounded down to the penny, the odd pennies on the last. None for those who do not see money.
    pub money: Option<Money>,
}

/// A grant on a thread.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadGrant {
    /// Its id.
    pub id: Uuid,
    /// Human reference.
    pub reference: String,
    /// What the work is called.
    pub title: String,
    /// The lead partner.
    pub partner_id: Uuid,
    /// The programme that pays.
    pub programme_id: Option<Uuid>,
    /// When it was first asked for.
    pub asked_on: Date,
    /// When it was awarded.
    pub awarded_on: Option<Date>,
    /// When it came to its end.
    pub ended_on: Option<Date>,
    /// What is set aside, promised or spent, less what came back. None for those who do not see money.
    pub money: Option<Money>,
    /// How it is shared over the needs it answers. The money of all shares comes to the money of the grant.
    pub shares: Vec<ThreadShare>,
}

/// An offer on a thread.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadOffer {
    /// Its id.
    pub id: Uuid,
    /// Human reference.
    pub reference: String,
    /// What it is called.
    pub title: String,
    /// The partner.
    pub partner_id: Uuid,
    /// The grants of this thread that pay for it.
    pub grant_ids: Vec<Uuid>,
    /// When it was published.
    pub published_on: Option<Date>,
    /// When it was withdrawn.
    pub withdrawn_on: Option<Date>,
    /// What was counted of its prescriptions.
    pub counted: Option<InclusionFigures>,
}

/// A promise on a thread.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadCommitment {
    /// Its id.
    pub id: Uuid,
    /// What is promised.
    pub statement: String,
    /// The needs it is about.
    pub need_ids: Vec<Uuid>,
    /// When it was made.
    pub made_on: Date,
    /// The last day on which it is in time.
    pub by_when: Date,
    /// What became of it.
    pub standing: Code<CommitmentStanding>,
    /// When it was kept or missed.
    pub settled_on: Option<Date>,
}

/// That those who were heard were told what came of it.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadFeedback {
    /// The consultation.
    pub consultation_id: Uuid,
    /// When they were told.
    pub given_on: Date,
    /// Which communities.
    pub groups: Vec<Code<Community>>,
}

/// The time from one stage of the thread to the next one that was reached.
#[derive(Debug, Clone, SimpleObject)]
pub struct ThreadGap {
    /// From this stage.
    pub from: Code<ThreadStage>,
    /// First reached on this day.
    pub from_day: Date,
    /// To this stage.
    pub to: Code<ThreadStage>,
    /// First reached on this day.
    pub to_day: Date,
    /// How many days that took; below nought where the later stage came first.
    pub days: i64,
}

impl From<&app::Gap> for ThreadGap {
    fn from(gap: &app::Gap) -> Self {
        let ((from, from_day), (to, to_day)) = (gap.from, gap.to);
        let (from_day, to_day) = (Date(from_day), Date(to_day));
        Self { from: Code(from), from_day, to: Code(to), to_day, days: gap.days }
    }
}

/// Where something is missing.
#[derive(Debug, Clone, SimpleObject)]
pub struct BrokenEnd {
    /// What is missing.
    pub kind: Code<BrokenKind>,
    /// The thing it is missing at.
    pub at: ThreadEnd,
    /// Since when.
    pub since: Date,
    /// What it is about and what to do.
    pub sentence: String,
}

impl From<app::BrokenEnd> for BrokenEnd {
    fn from(end: app::BrokenEnd) -> Self {
        let app::BrokenEnd { kind, at, since, sentence } = end;
        Self { kind: Code(kind), at: at.into(), since: Date(since), sentence }
    }
}

/// A golden thread: need, priority, programme, grant, offer, prescriptions, what changed, commitment, feedback. There
/// is never a person in it.
pub struct GoldenThread(app::Drawn);

/// A golden thread: need, priority, programme, grant, offer, prescriptions, what changed, commitment, feedback. There
/// is never a person in it.
#[Object]
impl GoldenThread {
    /// How many events the log had that it is drawn from.
    async fn events(&self) -> i64 {
        self.0.cut.before_index
    }
    /// The day it is drawn for.
    async fn on(&self) -> Date {
        Date(self.0.cut.effective_to)
    }
    /// The needs, in the order they were heard.
    async fn needs(&self) -> Vec<ThreadNeed> {
        let need = |id: &Uuid| {
            let story = self.0.stories.needs.get(id)?;
            let shares = self.0.grants.iter().flat_map(|grant| &grant.by_need);
            let sees_money = self.0.grants.iter().all(|grant| grant.money.is_some());
            let money = shares.filter(|(of, _)| of == id).map(|(_, part)| *part).sum();
            Some(ThreadNeed {
                id: *id,
                reference: story.reference.clone(),
                statement: story.statement.clone(),
                consultation_id: story.consultation,
                heard_on: Date(story.heard_on),
                went_into_id: story.went_into,
                cannot_do: story.cannot_do.as_ref().map(|(why, _)| why.clone()),
                money: sees_money.then_some(Money(money)),
            })
        };
        self.0.needs.iter().filter_map(need).collect()
    }
    /// The programmes, each with its priorities that are about these needs.
    async fn programmes(&self) -> Vec<ThreadProgramme> {
        let programme = |id: &Uuid| {
            let story = self.0.stories.programmes.get(id)?;
            let is_of = |needs: &[Uuid]| needs.iter().any(|need| self.0.needs.contains(need));
            let priorities = story.priorities.iter().filter(|one| is_of(&one.needs));
            Some(ThreadProgramme {
                id: *id,
                reference: story.reference.clone(),
                name: story.name.clone(),
                opened_on: Date(story.opened_on),
                priorities: priorities.map(|one| one.title.to_string()).collect(),
            })
        };
        self.0.programmes.iter().filter_map(programme).collect()
    }
    /// The grants.
    async fn grants(&self) -> Vec<ThreadGrant> {
        let share = |grant: &app::DrawnGrant, (need, percent): &(Uuid, u8)| {
            let money = grant.by_need.iter().find(|(of, _)| of == need).map(|(_, part)| Money(*part));
            ThreadShare { need_id: *need, percent: i32::from(*percent), money }
        };
        let grant = |grant: &app::DrawnGrant| ThreadGrant {
            id: grant.id,
            reference: grant.story.reference.clone(),
            title: grant.story.title.clone(),
            partner_id: grant.story.partner,
            programme_id: grant.programme,
            asked_on: Date(grant.story.asked_on),
            awarded_on: grant.story.awarded_on.map(Date),
            ended_on: grant.story.ended_on.map(Date),
            money: grant.money.map(Money),
            shares: grant.shares.iter().map(|one| share(grant, one)).collect(),
        };
        self.0.grants.iter().map(grant).collect()
    }
    /// The offers, each with what was counted of its prescriptions.
    async fn offers(&self) -> Vec<ThreadOffer> {
        let offer = |offer: &app::DrawnOffer| ThreadOffer {
            id: offer.id,
            reference: offer.story.reference.clone(),
            title: offer.story.title.clone(),
            partner_id: offer.story.partner,
            grant_ids: offer.grants.iter().copied().collect(),
            published_on: offer.story.published_on.map(Date),
            withdrawn_on: offer.story.withdrawn_on.map(Date),
            counted: offer.counted.as_ref().map(InclusionFigures::from),
        };
        self.0.offers.iter().map(offer).collect()
    }
    /// What was counted of all prescriptions of the thread together: people reached, and what changed for them.
    async fn counted(&self) -> InclusionFigures {
        InclusionFigures::from(&self.0.counted)
    }
    /// Up to which day people are counted. For those who see bands it is the end of a quarter: from one day to the next
    /// bands would tell who was added.
    async fn counted_to(&self) -> Date {
        Date(self.0.counted_to)
    }
    /// Whether the counts are exact. Those that are not went through the disclosure rule.
    async fn is_exact(&self) -> bool {
        self.0.is_exact
    }
    /// What was promised, in the order it was.
    async fn commitments(&self) -> Vec<ThreadCommitment> {
        let commitment = |id: &Uuid| {
            let story = self.0.stories.commitments.get(id)?;
            Some(ThreadCommitment {
                id: *id,
                statement: story.statement.clone(),
                need_ids: story.needs.clone(),
                made_on: Date(story.made_on),
                by_when: Date(story.by_when),
                standing: Code(story.standing),
                settled_on: story.settled_on.map(Date),
            })
        };
        self.0.commitments.iter().filter_map(commitment).collect()
    }
    /// When those who were heard were told what came of it.
    async fn feedback(&self) -> Vec<ThreadFeedback> {
        let given = |(id, (on, groups)): (&Uuid, &(_, Vec<Community>))| ThreadFeedback {
            consultation_id: *id,
            given_on: Date(*on),
            groups: groups.iter().copied().map(Code).collect(),
        };
        let consultations = self.0.stories.consultations.iter();
        consultations
            .flat_map(|(id, story)| story.feedback.iter().map(move |one| (id, one)))
            .map(given)
            .collect()
    }
    /// The time between the stages, each by the first day it was reached.
    async fn gaps(&self) -> Vec<ThreadGap> {
        self.0.gaps.iter().map(Into::into).collect()
    }
    /// The links it is made of.
    async fn links(&self) -> Vec<ThreadLink> {
        self.0.links.iter().cloned().filter_map(ThreadLink::read).collect()
    }
    /// Where it is broken.
    async fn broken_ends(&self) -> Vec<BrokenEnd> {
        self.0.broken.iter().cloned().map(Into::into).collect()
    }
}

/// Queries about the golden thread.
#[derive(Default)]
pub struct ThreadQueries;

#[Object]
impl ThreadQueries {
    /// The whole thread of a need, a grant, an offer, a commitment or a programme.
    async fn thread(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is the thread of.")] kind: Code<ThreadKind>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<GoldenThread> {
        let as_at = as_at.unwrap_or_default();
        let (app, who) = counting_as_at(ctx, as_at.moment()?).await?;
        let as_at = as_at.into();
        app.thread(who, (kind.0, id), as_at).await.map(GoldenThread).map_err(told)
    }

    /// Every link that goes out from a thing or comes to it, recorded or stated.
    async fn thread_links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The thing.")] id: Uuid,
        #[graphql(desc = "As they stood; as they stand if left out.")] as_at: Option<AsAt>,
    ) -> Result<Vec<ThreadLink>> {
        let as_at = as_at.unwrap_or_default();
        let (app, who) = counting_as_at(ctx, as_at.moment()?).await?;
        let found = app.thread_links(who, id, as_at.into()).await.map_err(told)?;
        Ok(found.into_iter().filter_map(ThreadLink::read).collect())
    }

    /// What is missing over the whole record: needs without an answer, grants without a need, offers without a grant,
    /// prescriptions outside any grant, commitments past their date, feedback owed. At most 200 of each.
    async fn broken_ends(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Vec<BrokenEnd>> {
        let as_at = as_at.unwrap_or_default();
        let (app, who) = counting_as_at(ctx, as_at.moment()?).await?;
        let found = app.broken_ends(who, as_at.into()).await.map_err(told)?;
        Ok(found.into_iter().map(Into::into).collect())
    }
}
