//! Drawing a thread: which things belong to it, what is told of them, what the money comes to for each need, and how
//! much time lies between the steps.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike as _;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::broken::{self, BrokenEnd};
use super::following::Found;
use super::{AsAt, outside, sees_counts};
use crate::app::authority::may;
use crate::app::{App, Failure};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::consultation::CommitmentStanding;
use crate::domain::identity::Role;
use crate::domain::inclusion_table::{Counted, InclusionBy, PublishedRow, PublishedTables, Tally};
use crate::domain::thread::{Relation, ThreadKind, ThreadStage, shared};
use crate::projections::inclusion::{OfferCount, by_offer, ranges};
use crate::projections::thread::{Cut, GrantStory, Held, OfferStory, Stories, links_of, money_of, stories};

/// How often links are followed one step further. A thread has few kinds of things; more steps only follow needs that
/// went into each other.
const STEPS: usize = 8;

/// A grant on the thread.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnGrant {
    /// Which.
    pub id: Uuid,
    /// What is told of it.
    pub story: GrantStory,
    /// The programme that pays for it.
    pub programme: Option<Uuid>,
    /// The needs it answers, per cent of it.
    pub shares: Vec<(Uuid, u8)>,
    /// What is set aside, promised or spent of it, less what came back; none for those who do not see money.
    pub money: Option<Decimal>,
    /// What that is for each need.
    pub by_need: Vec<(Uuid, Decimal)>,
}

/// An offer on the thread.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnOffer {
    /// Which.
    pub id: Uuid,
    /// What is told of it.
    pub story: OfferStory,
    /// The grants that pay for it.
    pub grants: BTreeSet<Uuid>,
    /// What was counted of its prescriptions, as whoever asks may see it.
    pub counted: Option<PublishedRow>,
}

/// The time from one stage to the next that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// From which stage, first reached on which day.
    pub from: (ThreadStage, Date),
    /// To which.
    pub to: (ThreadStage, Date),
    /// How many days that took; below nought where the second came first.
    pub days: i64,
}

/// A thread as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// The cut it stands at.
    pub cut: Cut,
    /// The needs, in the order they were heard.
    pub needs: Vec<Uuid>,
    /// The programmes.
    pub programmes: Vec<Uuid>,
    /// The grants.
    pub grants: Vec<DrawnGrant>,
    /// The offers.
    pub offers: Vec<DrawnOffer>,
    /// The commitments, in the order they were made.
    pub commitments: Vec<Uuid>,
    /// What is told of all of them.
    pub stories: Stories,
    /// The links between them.
    pub links: Vec<Held>,
    /// What was counted of all its prescriptions together, as whoever asks may see it.
    pub counted: PublishedRow,
    /// Up to which day people are counted: a quarter's end for those who see bands.
    pub counted_to: Date,
    /// Whether the counts are exact.
    pub is_exact: bool,
    /// The time between the stages.
    pub gaps: Vec<Gap>,
    /// Where it is broken.
    pub broken: Vec<BrokenEnd>,
}

/// Everything a thread is drawn from.
struct Facts {
    cut: Cut,
    counted_to: Date,
    is_exact: bool,
    found: Found,
    links: Vec<Held>,
    stories: Stories,
    counts: BTreeMap<Uuid, OfferCount>,
    people: u64,
}

impl App {
    /// The whole thread of a need, grant, offer, commitment or programme, as it stood.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::NotFound`] where there was no such thing then.
    pub async fn thread(
        &self,
        who: &Identity,
        of: (ThreadKind, Uuid),
        as_at: AsAt,
    ) -> Result<Drawn, Failure> {
        may(who, "thread")?;
        let pool = self.store.pool();
        let cut = self.thread_cut(as_at).await?;
        let (mut found, mut links) = (Found::beginning_with(of), Vec::new());
        for _ in 0..STEPS {
            let before = found.all();
            links = links_of(pool, cut, &before).await?;
            found.widen(&links);
            if found.all().len() == before.len() {
                break;
            }
        }
        let mut stories = stories(pool, cut, &found.streams(&links)).await?;
        let is_outside = outside::is(who.role);
        if is_outside {
            outside::leave_out(&mut found, &mut links, &mut stories);
        }
        if !is_told(&stories, of) {
            return Err(Failure::NotFound(of.0.words()));
        }
        let is_exact = sees_counts(who.role);
        let counted_to = if is_exact { cut.effective_to } else { quarter_end_before(cut.effective_to) };
        let offers: Vec<Uuid> = found.offers.iter().copied().collect();
        let (counts, people) = by_offer(pool, (cut.before_index, counted_to), Some(&offers)).await?;
        let sees_money = !matches!(who.role, Role::Inclusion | Role::Advisor);
        let grants: Vec<Uuid> = found.grants.iter().copied().filter(|_| sees_money).collect();
        let money = money_of(pool, cut, &grants).await?;
        let sum = |grant: &Uuid| {
            let figures = money.get(grant).copied().unwrap_or_default();
            sees_money.then(|| figures.reserved + figures.committed + figures.spent())
        };
        let facts = Facts { cut, counted_to, is_exact, found, links, stories, counts, people };
        let drawn = drawn(facts, &sum);
        Ok(if is_outside { outside::without_counts_of_one(drawn) } else { drawn })
    }
}

fn drawn(facts: Facts, sum: &dyn Fn(&Uuid) -> Option<Decimal>) -> Drawn {
    let Facts { cut, counted_to, is_exact, found, links, stories, counts, people } = facts;
    let tables = counted(&found.offers, (&counts, people), is_exact);
    let rows = tables.tables.first().map(|table| table.rows.as_slice()).unwrap_or_default();
    let grants = found.grants.iter().filter_map(|id| grant(*id, (&stories, &links), sum(id)));
    let offers = found.offers.iter().enumerate().filter_map(|(place, id)| {
        let story = stories.offers.get(id).cloned()?;
        let grants = funders(&links, (ThreadKind::Offer, *id)).collect();
        Some(DrawnOffer { id: *id, story, grants, counted: rows.get(place).cloned() })
    });
    let mut needs: Vec<Uuid> =
        found.needs.iter().copied().filter(|id| stories.needs.contains_key(id)).collect();
    needs.sort_by_key(|id| (stories.needs[id].heard_on, *id));
    let mut commitments: Vec<Uuid> =
        found.commitments.iter().copied().filter(|id| stories.commitments.contains_key(id)).collect();
    commitments.sort_by_key(|id| (stories.commitments[id].made_on, *id));
    let (grants, offers) = (grants.collect(), offers.collect());
    let programmes = found.programmes.iter().copied().filter(|id| stories.programmes.contains_key(id));
    let (programmes, all) = (programmes.collect(), found.all());
    let between = |link: &Held| link.relation().is_some() && all.contains(&link.from.1);
    let links = links.into_iter().filter(between).collect();
    let mut drawn = Drawn {
        cut,
        needs,
        programmes,
        grants,
        offers,
        commitments,
        links,
        stories,
        counted: tables.whole,
        counted_to,
        is_exact,
        gaps: Vec::new(),
        broken: Vec::new(),
    };
    drawn.gaps = gaps(&drawn, &counts);
    drawn.broken = broken::of_thread(&drawn, &counts);
    drawn
}

/// What pays for something.
fn funders(links: &[Held], to: (ThreadKind, Uuid)) -> impl Iterator<Item = Uuid> {
    links
        .iter()
        .filter(move |link| link.relation() == Some(Relation::Funds) && link.to == to)
        .map(|link| link.from.1)
}

fn grant(id: Uuid, (stories, links): (&Stories, &[Held]), money: Option<Decimal>) -> Option<DrawnGrant> {
    let story = stories.grants.get(&id).filter(|story| !story.reference.is_empty()).cloned()?;
    let from = (ThreadKind::Grant, id);
    let answers = links.iter().filter(|link| link.relation() == Some(Relation::Answers) && link.from == from);
    let shares: Vec<(Uuid, u8)> = answers.filter_map(|link| Some((link.to.1, link.share?))).collect();
    let by_need = money.map(|money| shared(money, &shares)).unwrap_or_default();
    Some(DrawnGrant { id, story, programme: funders(links, from).next(), shares, money, by_need })
}

/// Whether anything is told of what the thread is of: whether it was there.
fn is_told(stories: &Stories, (kind, id): (ThreadKind, Uuid)) -> bool {
    match kind {
        ThreadKind::Need => stories.needs.contains_key(&id),
        ThreadKind::Programme => stories.programmes.contains_key(&id),
        ThreadKind::Grant => stories.grants.get(&id).is_some_and(|story| !story.reference.is_empty()),
        ThreadKind::Offer => stories.offers.get(&id).is_some_and(|story| !story.reference.is_empty()),
        ThreadKind::Commitment => stories.commitments.contains_key(&id),
        ThreadKind::Consultation
        | ThreadKind::Feedback
        | ThreadKind::Session
        | ThreadKind::Prescription
        | ThreadKind::Outcome
        | ThreadKind::Figure => false,
    }
}

/// The last day of the quarter before the one a day is in, or the day itself where a quarter ends on it. Whoever sees
/// bands sees them at the ends of quarters: from one day to the next they would tell who was added.
pub(super) fn quarter_end_before(day: Date) -> Date {
    let next = day.succ_opt().unwrap_or(day);
    let first_month = (next.month() - 1) / 3 * 3 + 1;
    let begins = Date::from_ymd_opt(next.year(), first_month, 1).unwrap_or(next);
    begins.pred_opt().unwrap_or(begins)
}

/// The prescriptions of the offers, as whoever asks may see them: exact, or through the disclosure rule.
fn counted(
    offers: &BTreeSet<Uuid>,
    (counts, people): (&BTreeMap<Uuid, OfferCount>, u64),
    is_exact: bool,
) -> PublishedTables {
    let rows: BTreeMap<String, Tally> = offers
        .iter()
        .map(|id| (id.to_string(), counts.get(id).map(Tally::from).unwrap_or_default()))
        .collect();
    let mut whole = Tally { people, ..Tally::default() };
    for row in rows.values() {
        whole.add(row);
    }
    let counted = Counted { whole, by: BTreeMap::from([(InclusionBy::Offer, rows)]), ranges: ranges() };
    if is_exact { counted.exact() } else { counted.publish() }
}

impl From<&OfferCount> for Tally {
    fn from(count: &OfferCount) -> Self {
        Self {
            people: count.people,
            contacts: 0,
            made: count.made,
            started: count.started,
            completed: count.completed,
            changes: count.changes.clone(),
        }
    }
}

/// The days between the stages, each by the first day it was reached.
fn gaps(drawn: &Drawn, counts: &BTreeMap<Uuid, OfferCount>) -> Vec<Gap> {
    let stories = &drawn.stories;
    let needs = || drawn.needs.iter().map(|id| &stories.needs[id]);
    let commitments = || drawn.commitments.iter().map(|id| &stories.commitments[id]);
    let heard_at: BTreeSet<Uuid> = needs().map(|need| need.consultation).collect();
    let told = heard_at.iter().filter_map(|id| stories.consultations.get(id)).flat_map(|one| &one.feedback);
    // A day tells as much as a count: where the count is withheld, so is the day.
    let is_shown = drawn.counted.made.count().is_some_and(|made| made > 0);
    let any_asked = drawn.counted.changes.iter().any(|one| one.asked.count().is_some_and(|asked| asked > 0));
    let firsts = || counts.values().filter_map(|count| count.first);
    let kept = commitments().filter(|one| one.standing == CommitmentStanding::Kept);
    let reached = [
        (ThreadStage::Heard, needs().map(|need| need.heard_on).min()),
        (ThreadStage::Priority, drawn.programmes.iter().map(|id| stories.programmes[id].opened_on).min()),
        (ThreadStage::Asked, drawn.grants.iter().map(|grant| grant.story.asked_on).min()),
        (ThreadStage::Awarded, drawn.grants.iter().filter_map(|grant| grant.story.awarded_on).min()),
        (ThreadStage::Published, drawn.offers.iter().filter_map(|offer| offer.story.published_on).min()),
        (ThreadStage::Pointed, firsts().map(|(made, _)| made).min().filter(|_| is_shown)),
        (
            ThreadStage::Changed,
            firsts().filter_map(|(_, after)| after).min().filter(|_| is_shown && any_asked),
        ),
        (ThreadStage::Promised, commitments().map(|one| one.made_on).min()),
        (ThreadStage::Kept, kept.filter_map(|one| one.settled_on).min()),
        (ThreadStage::Told, told.map(|(on, _)| *on).min()),
    ];
    let reached: Vec<(ThreadStage, Date)> =
        reached.into_iter().filter_map(|(stage, on)| Some((stage, on?))).collect();
    let gap = |pair: &[(ThreadStage, Date)]| Gap {
        from: pair[0],
        to: pair[1],
        days: (pair[1].1 - pair[0].1).num_days(),
    };
    reached.windows(2).map(gap).collect()
}
