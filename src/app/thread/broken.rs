//! Broken ends: what is missing on a thread or over the whole record, each with a sentence that says what to do.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::drawing::{Drawn, quarter_end_before};
use super::{AsAt, sees_counts};
use crate::app::authority::may;
use crate::app::{App, Failure};
use crate::auth::Identity;
use crate::domain::calendar::{Date, day};
use crate::domain::consultation::CommitmentStanding;
use crate::domain::disclosure::{Parts, Shown, Whole};
use crate::domain::places::listed;
use crate::domain::thread::{BrokenKind, Relation, ThreadKind};
use crate::projections::inclusion::{OfferCount, by_offer};
use crate::projections::thread::{
    CommitmentStory, ConsultationStory, Stories, consultations, loose, stories,
};

/// How many broken ends of one kind are listed at most.
const MOST: i64 = 200;

/// Where something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenEnd {
    /// What is missing.
    pub kind: BrokenKind,
    /// The thing it is missing at.
    pub at: (ThreadKind, Uuid),
    /// Since when.
    pub since: Date,
    /// What it is about and what to do, in a sentence or two.
    pub sentence: String,
}

impl App {
    /// What is missing over the whole record, as it stood: at most 200 of each kind.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn broken_ends(&self, who: &Identity, as_at: AsAt) -> Result<Vec<BrokenEnd>, Failure> {
        may(who, "brokenEnds")?;
        let pool = self.store.pool();
        let cut = self.thread_cut(as_at).await?;
        let loose = loose(pool, cut, MOST).await?;
        let is_exact = sees_counts(who.role);
        let counted_to = if is_exact { cut.effective_to } else { quarter_end_before(cut.effective_to) };
        let (counts, _) = by_offer(pool, (cut.before_index, counted_to), None).await?;
        let outside: BTreeMap<Uuid, OfferCount> =
            counts.into_iter().filter(|(_, count)| count.outside > 0).collect();
        let mut streams = consultations(pool, cut).await?;
        streams.extend(loose.grants.iter().chain(&loose.offers).chain(outside.keys()));
        let stories = stories(pool, cut, &streams).await?;
        let mut broken: Vec<BrokenEnd> = Vec::new();
        broken.extend(loose.needs.iter().filter_map(|need| unanswered(&stories, *need)));
        broken.extend(loose.grants.iter().filter_map(|grant| needless(&stories, *grant)));
        broken.extend(loose.offers.iter().filter_map(|offer| unfunded(&stories, *offer)));
        broken.extend(unpaid(&stories, &outside, is_exact));
        let commitments = stories.commitments.iter();
        broken.extend(commitments.filter_map(|(id, story)| overdue(*id, story, cut.effective_to)));
        broken.extend(stories.consultations.iter().filter_map(|(id, story)| untold(*id, story)));
        broken.sort_by_key(|end| (end.kind, end.since, end.at));
        Ok(broken)
    }
}

/// What is missing on a thread that was drawn.
pub(super) fn of_thread(drawn: &Drawn, counts: &BTreeMap<Uuid, OfferCount>) -> Vec<BrokenEnd> {
    let stories = &drawn.stories;
    let is_answered = |need: &Uuid| {
        let told = stories.needs.get(need);
        let answers = |to: Uuid| {
            drawn.links.iter().any(|link| link.relation() == Some(Relation::Answers) && link.to.1 == to)
        };
        answers(*need) || told.is_some_and(|need| need.cannot_do.is_some() || need.went_into.is_some())
    };
    let mut broken: Vec<BrokenEnd> = Vec::new();
    let needs = drawn.needs.iter().filter(|need| !is_answered(need));
    broken.extend(needs.filter_map(|need| unanswered(stories, *need)));
    let has_need = |grant: Uuid| {
        let from = (ThreadKind::Grant, grant);
        drawn.links.iter().any(|link| link.relation() == Some(Relation::Answers) && link.from == from)
    };
    let grants = drawn.grants.iter().filter(|grant| grant.story.awarded_on.is_some() && !has_need(grant.id));
    broken.extend(grants.filter_map(|grant| needless(stories, grant.id)));
    let offers = drawn.offers.iter().filter(|offer| {
        offer.grants.is_empty() && offer.story.published_on.is_some() && offer.story.withdrawn_on.is_none()
    });
    broken.extend(offers.filter_map(|offer| unfunded(stories, offer.id)));
    let outside: BTreeMap<Uuid, OfferCount> = counts
        .iter()
        .filter(|(_, count)| count.outside > 0)
        .map(|(id, count)| (*id, count.clone()))
        .collect();
    broken.extend(unpaid(stories, &outside, drawn.is_exact));
    let today = drawn.cut.effective_to;
    let commitments = drawn.commitments.iter();
    broken.extend(commitments.filter_map(|id| overdue(*id, stories.commitments.get(id)?, today)));
    let heard_at: BTreeSet<Uuid> =
        drawn.needs.iter().filter_map(|id| stories.needs.get(id)).map(|need| need.consultation).collect();
    broken.extend(heard_at.iter().filter_map(|id| untold(*id, stories.consultations.get(id)?)));
    broken
}

fn unanswered(stories: &Stories, id: Uuid) -> Option<BrokenEnd> {
    let need = stories.needs.get(&id)?;
    let sentence = format!(
        "{}, “{}”, was heard on {} and nothing answers it: promise something, link what answers it, or say why \
         nothing can be done.",
        need.reference,
        need.statement,
        day(need.heard_on)
    );
    Some(BrokenEnd {
        kind: BrokenKind::NeedWithoutAnswer,
        at: (ThreadKind::Need, id),
        since: need.heard_on,
        sentence,
    })
}

fn needless(stories: &Stories, id: Uuid) -> Option<BrokenEnd> {
    let grant = stories.grants.get(&id)?;
    let since = grant.awarded_on?;
    let sentence = format!(
        "{}, “{}”, was awarded on {} and names no need: link the needs it answers, with shares that add up to 100.",
        grant.reference,
        grant.title,
        day(since)
    );
    Some(BrokenEnd { kind: BrokenKind::GrantWithoutNeed, at: (ThreadKind::Grant, id), since, sentence })
}

fn unfunded(stories: &Stories, id: Uuid) -> Option<BrokenEnd> {
    let offer = stories.offers.get(&id)?;
    let since = offer.published_on?;
    let sentence = format!(
        "{}, “{}”, is in the directory since {} and no grant pays for it: name the grant in the offer, or link it.",
        offer.reference,
        offer.title,
        day(since)
    );
    Some(BrokenEnd { kind: BrokenKind::OfferWithoutGrant, at: (ThreadKind::Offer, id), since, sentence })
}

/// Prescriptions outside any grant, offer by offer, as many as whoever asks may know.
fn unpaid(stories: &Stories, outside: &BTreeMap<Uuid, OfferCount>, is_exact: bool) -> Vec<BrokenEnd> {
    let counts: Vec<u64> = outside.values().map(|count| count.outside).collect();
    let whole = Whole {
        total: counts.iter().sum(),
        is_public: false,
        breakdowns: vec![(Parts::Add, counts.clone())],
    };
    let shown = whole.publish().breakdowns.into_iter().flatten();
    let shown: Vec<Shown> =
        if is_exact { counts.into_iter().map(Shown::Count).collect() } else { shown.collect() };
    let ends = outside.iter().zip(shown).filter_map(|((id, count), shown)| {
        let offer = stories.offers.get(id)?;
        let many = match shown {
            Shown::Star => "Some prescriptions point".to_owned(),
            Shown::Count(1) => "One prescription points".to_owned(),
            Shown::Count(count) => {
                format!("{}{count} prescriptions point", if is_exact { "" } else { "About " })
            }
        };
        let sentence = format!(
            "{many} to {}, “{}”, outside any grant: link the grant that pays, or leave it so on purpose.",
            offer.reference, offer.title
        );
        // The first day tells as much as the count.
        let first = count.first.map(|(made, _)| made).filter(|_| is_exact);
        let since = first.or(offer.published_on)?;
        let (kind, at) = (BrokenKind::PrescriptionsOutsideGrants, (ThreadKind::Offer, *id));
        Some(BrokenEnd { kind, at, since, sentence })
    });
    ends.collect()
}

fn overdue(id: Uuid, story: &CommitmentStory, today: Date) -> Option<BrokenEnd> {
    if story.standing == CommitmentStanding::Kept || story.by_when >= today {
        return None;
    }
    let sentence = format!(
        "“{}” was promised by {} and is not kept: keep it with what shows it, or say why not and give another day.",
        story.statement,
        day(story.by_when)
    );
    let (kind, at) = (BrokenKind::CommitmentPastDate, (ThreadKind::Commitment, id));
    Some(BrokenEnd { kind, at, since: story.by_when, sentence })
}

fn untold(id: Uuid, story: &ConsultationStory) -> Option<BrokenEnd> {
    let owed = story.owed();
    let since = story.answered_on.filter(|_| !owed.is_empty())?;
    let sentence = format!(
        "Those who came to “{}” are owed an answer since {}: tell {} what came of it.",
        story.title,
        day(since),
        listed(owed.iter().map(|group| group.words()))
    );
    let (kind, at) = (BrokenKind::FeedbackOwed, (ThreadKind::Consultation, id));
    Some(BrokenEnd { kind, at, since, sentence })
}
