//! What the thread tells of the things it joins: folded from their streams up to a cut, so that it stands as it was
//! known then. One statement for all of them, and only the facts that are told.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgExecutor;
use uuid::Uuid;

use super::Cut;
use crate::domain::calendar::Date;
use crate::domain::consultation::{CommitmentStanding, ConsultationEvent, ConsultationStatus, Progress};
use crate::domain::grant::GrantEvent;
use crate::domain::offer::{OfferChange, OfferEvent};
use crate::domain::places::Community;
use crate::domain::programme::{Priority, ProgrammeEvent};
use crate::domain::record::Fact;
use crate::projections::Trouble;
use crate::store::log::{COLUMNS, Recorded, Stored};

/// The stored names of the facts that are told.
const TOLD: &[&str] = &[
    "programme.opened",
    "grant.interest_received",
    "grant.direct_award_proposed",
    "grant.application_submitted",
    "grant.approved",
    "grant.interest_declined",
    "grant.eligibility_refused",
    "grant.declined",
    "grant.application_withdrawn",
    "grant.offer_declined",
    "grant.offer_lapsed",
    "grant.terminated",
    "grant.closed",
    "offer.drafted",
    "offer.submitted",
    "offer.published",
    "offer.change_proposed",
    "offer.change_approved",
    "offer.withdrawn",
    "consultation.planned",
    "consultation.held",
    "consultation.cancelled",
    "consultation.need_heard",
    "consultation.needs_merged",
    "consultation.need_reworded",
    "consultation.written_up",
    "consultation.themes_agreed",
    "consultation.commitment_made",
    "consultation.cannot_do",
    "consultation.commitment_changed",
    "consultation.commitment_kept",
    "consultation.commitment_missed",
    "consultation.feedback_given",
    "consultation.closed",
];

/// A need as the thread tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NeedStory {
    /// Human reference.
    pub reference: String,
    /// The need in plain words.
    pub statement: String,
    /// The consultation at which it was heard.
    pub consultation: Uuid,
    /// When it was heard.
    pub heard_on: Date,
    /// The need it went into.
    pub went_into: Option<Uuid>,
    /// Why nothing can be done, and since when that is said.
    pub cannot_do: Option<(String, Date)>,
}

/// A promise as the thread tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentStory {
    /// What is promised.
    pub statement: String,
    /// The needs it is about.
    pub needs: Vec<Uuid>,
    /// The consultation it was made after.
    pub consultation: Uuid,
    /// When it was made.
    pub made_on: Date,
    /// The last day on which it is in time.
    pub by_when: Date,
    /// What became of it.
    pub standing: CommitmentStanding,
    /// When it was kept or missed.
    pub settled_on: Option<Date>,
}

/// A consultation as the thread tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsultationStory {
    /// Human reference.
    pub reference: String,
    /// What it is called.
    pub title: String,
    /// When it was held.
    pub held_on: Option<Date>,
    /// How far it has come.
    pub progress: Progress,
    /// When which communities were told what came of it.
    pub feedback: Vec<(Date, Vec<Community>)>,
    /// When an answer was given last.
    pub answered_on: Option<Date>,
}

impl ConsultationStory {
    /// The communities that are owed an answer, where there is one to tell.
    #[must_use]
    pub fn owed(&self) -> BTreeSet<Community> {
        let is_over =
            matches!(self.progress.status(), ConsultationStatus::Closed | ConsultationStatus::Cancelled);
        if is_over || !self.progress.has_answers() { BTreeSet::new() } else { self.progress.owed() }
    }
}

/// A programme as the thread tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgrammeStory {
    /// Human reference.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// When it was opened.
    pub opened_on: Date,
    /// What it is for.
    pub priorities: Vec<Priority>,
}

/// A grant as the thread tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GrantStory {
    /// Human reference.
    pub reference: String,
    /// What the work is called.
    pub title: String,
    /// The lead partner.
    pub partner: Uuid,
    /// When it was first asked for.
    pub asked_on: Date,
    /// When it was awarded.
    pub awarded_on: Option<Date>,
    /// When it came to its end, by closing or before.
    pub ended_on: Option<Date>,
}

/// An offer as the thread tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfferStory {
    /// Human reference.
    pub reference: String,
    /// What it is called.
    pub title: String,
    /// Whose it is.
    pub partner: Uuid,
    /// When it was published.
    pub published_on: Option<Date>,
    /// When it was withdrawn.
    pub withdrawn_on: Option<Date>,
    proposed: BTreeMap<Uuid, String>,
}

/// Everything that is told of some streams.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stories {
    /// Consultations by id.
    pub consultations: BTreeMap<Uuid, ConsultationStory>,
    /// Needs by id.
    pub needs: BTreeMap<Uuid, NeedStory>,
    /// Commitments by id.
    pub commitments: BTreeMap<Uuid, CommitmentStory>,
    /// Programmes by id.
    pub programmes: BTreeMap<Uuid, ProgrammeStory>,
    /// Grants by id.
    pub grants: BTreeMap<Uuid, GrantStory>,
    /// Offers by id.
    pub offers: BTreeMap<Uuid, OfferStory>,
}

/// What is told of some streams at a cut.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn stories(executor: impl PgExecutor<'_>, cut: Cut, streams: &[Uuid]) -> Result<Stories, Trouble> {
    let named: Vec<String> = streams.iter().map(Uuid::to_string).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM events
         WHERE aggregate_type IN ('programme', 'grant', 'offer', 'consultation') AND aggregate_id = ANY($3)
             AND event_type = ANY($4) AND index < $1 AND effective_on <= $2 ORDER BY index"
    );
    let rows = sqlx::query(&sql)
        .bind(cut.before_index)
        .bind(cut.effective_to)
        .bind(named)
        .bind(TOLD)
        .fetch_all(executor)
        .await?;
    let mut stories = Stories::default();
    for row in &rows {
        stories.take(&Stored::from_row(row)?.understood()?);
    }
    Ok(stories)
}

impl Stories {
    /// Take a fact in.
    pub fn take(&mut self, event: &Recorded) {
        let (id, on) = (event.stream.id, event.effective_on);
        if let Fact::Programme(ProgrammeEvent::Opened { reference, name, priorities, .. }) = &event.fact {
            let (reference, name) = (reference.to_string(), name.to_string());
            let story = ProgrammeStory { reference, name, opened_on: on, priorities: priorities.clone() };
            self.programmes.insert(id, story);
        } else if let Fact::Grant(fact) = &event.fact {
            self.grants.entry(id).or_default().take(fact, on);
        } else if let Fact::Offer(fact) = &event.fact {
            self.offers.entry(id).or_default().take(fact, on);
        } else if let Fact::Consultation(fact) = &event.fact {
            self.take_consultation(id, fact, on);
        }
    }

    fn take_consultation(&mut self, id: Uuid, fact: &ConsultationEvent, on: Date) {
        let story = self.consultations.entry(id).or_default();
        story.progress.take(fact);
        if let ConsultationEvent::Planned { reference, title, .. } = fact {
            (story.reference, story.title) = (reference.to_string(), title.to_string());
        } else if let ConsultationEvent::Held { on, .. } = fact {
            story.held_on = Some(*on);
        } else if let ConsultationEvent::FeedbackGiven { groups, .. } = fact {
            story.feedback.push((on, groups.iter().copied().collect()));
        } else if let ConsultationEvent::NeedHeard { need, reference, statement, .. } = fact {
            let (reference, statement) = (reference.to_string(), statement.to_string());
            let (heard_on, consultation) = (on, id);
            let story = NeedStory { reference, statement, consultation, heard_on, ..NeedStory::default() };
            self.needs.insert(need.0, story);
        } else if let ConsultationEvent::NeedReworded { need, statement } = fact {
            self.need(need.0, |story| story.statement = statement.to_string());
        } else if let ConsultationEvent::NeedsMerged { need, into, .. } = fact {
            story.answered_on = Some(on);
            self.need(need.0, |story| story.went_into = Some(into.0));
        } else if let ConsultationEvent::CannotDo { need, public_reason, .. } = fact {
            story.answered_on = Some(on);
            self.need(need.0, |story| story.cannot_do = Some((public_reason.to_string(), on)));
        } else if let ConsultationEvent::CommitmentMade { commitment, needs, statement, by_when, .. } = fact {
            story.answered_on = Some(on);
            for need in needs {
                self.need(need.0, |story| story.cannot_do = None);
            }
            let story = CommitmentStory {
                statement: statement.to_string(),
                needs: needs.iter().map(|need| need.0).collect(),
                consultation: id,
                made_on: on,
                by_when: *by_when,
                standing: CommitmentStanding::Open,
                settled_on: None,
            };
            self.commitments.insert(commitment.0, story);
        } else {
            self.take_promise(fact, on);
        }
    }

    fn take_promise(&mut self, fact: &ConsultationEvent, on: Date) {
        let mut settle = |id: Uuid, standing: CommitmentStanding| {
            if let Some(story) = self.commitments.get_mut(&id) {
                (story.standing, story.settled_on) = (standing, Some(on));
            }
        };
        if let ConsultationEvent::CommitmentKept { commitment } = fact {
            settle(commitment.0, CommitmentStanding::Kept);
        } else if let ConsultationEvent::CommitmentMissed { commitment } = fact {
            settle(commitment.0, CommitmentStanding::Missed);
        } else if let ConsultationEvent::CommitmentChanged { commitment, statement, by_when, .. } = fact
            && let Some(story) = self.commitments.get_mut(&commitment.0)
        {
            (story.statement, story.by_when) = (statement.to_string(), *by_when);
            (story.standing, story.settled_on) = (CommitmentStanding::Open, None);
        }
    }

    fn need(&mut self, id: Uuid, change: impl FnOnce(&mut NeedStory)) {
        if let Some(story) = self.needs.get_mut(&id) {
            change(story);
        }
    }
}

impl GrantStory {
    fn take(&mut self, fact: &GrantEvent, on: Date) {
        if let GrantEvent::InterestReceived { reference, title, partner, .. }
        | GrantEvent::DirectAwardProposed { reference, title, partner, .. }
        | GrantEvent::ApplicationSubmitted { reference, title, partner, .. } = fact
        {
            if self.reference.is_empty() {
                self.asked_on = on;
            }
            (self.reference, self.title) = (reference.to_string(), title.to_string());
            self.partner = partner.0;
        } else if let GrantEvent::Approved { .. } = fact {
            self.awarded_on = Some(on);
        } else {
            self.ended_on = Some(on);
        }
    }
}

impl OfferStory {
    fn take(&mut self, fact: &OfferEvent, on: Date) {
        if let OfferEvent::Drafted { reference, partner, content, .. } = fact {
            (self.reference, self.title) = (reference.to_string(), content.title.to_string());
            self.partner = partner.0;
        } else if let OfferEvent::Submitted { content, .. } = fact {
            self.title = content.title.to_string();
        } else if let OfferEvent::Published { .. } = fact {
            self.published_on = Some(on);
        } else if let OfferEvent::ChangeProposed { change, changes, .. } = fact {
            let title = changes.iter().find_map(|change| {
                if let OfferChange::Title(swap) = change { Some(swap.to.to_string()) } else { None }
            });
            self.proposed.extend(title.map(|title| (change.0, title)));
        } else if let OfferEvent::ChangeApproved { change, .. } = fact {
            if let Some(title) = self.proposed.remove(&change.0) {
                self.title = title;
            }
        } else if let OfferEvent::Withdrawn {} = fact {
            self.withdrawn_on = Some(on);
        }
    }
}
