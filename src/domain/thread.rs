//! The golden thread: links from what is done back to what was heard. One stream for each thing that links go out from,
//! so that the shares of a grant over its needs are guarded in one place.
//!
//! Most of the thread is told by other events already: a grant names the needs it answers, an offer the grants that pay
//! for it, a prescription its offer. Those links are read from there. Here stands only what no other event says.
//!
//! No links ever go round in a circle: every relation leads from a later kind of thing to an earlier one
//! ([`ThreadKind`] is in that order), so whoever follows links comes ever closer to what was heard.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::money::Money;
use super::text::Text;
use super::{Aggregate, Circumstances};

codes! {
    /// What a link can join, from what was heard to what shows that it helped. Links lead from later to earlier.
    pub enum ThreadKind {
        "consultation" => Consultation, "consultation";
        "need" => Need, "need";
        "commitment" => Commitment, "commitment";
        "feedback" => Feedback, "feedback";
        "offer" => Offer, "offer";
        "grant" => Grant, "grant";
        "programme" => Programme, "programme";
        "session" => Session, "session";
        "prescription" => Prescription, "prescription";
        "outcome" => Outcome, "outcome";
        "figure" => Figure, "published figure";
    }
}

codes! {
    /// How one thing is joined to another.
    pub enum Relation {
        "heard_in" => HeardIn, "was heard in";
        "answers" => Answers, "answers";
        "funds" => Funds, "pays for";
        "delivers" => Delivers, "delivers";
        "points_to" => PointsTo, "points to";
        "shows" => Shows, "shows what came of";
    }
}

codes! {
    /// How a link is known.
    pub enum Basis {
        "stated" => Stated, "stated by somebody who knows";
        "inferred" => Inferred, "inferred from what is on record";
    }
}

codes! {
    /// A stage of the thread, in the order in which they are meant to be reached.
    pub enum ThreadStage {
        "heard" => Heard, "a need was heard";
        "priority" => Priority, "it became a priority of a programme";
        "asked" => Asked, "a grant was asked for";
        "awarded" => Awarded, "a grant was awarded";
        "published" => Published, "an offer was published";
        "pointed" => Pointed, "somebody was pointed there";
        "changed" => Changed, "somebody was asked afterwards what changed";
        "promised" => Promised, "an answer was promised";
        "kept" => Kept, "a promise was kept";
        "told" => Told, "those who were heard were told";
    }
}

codes! {
    /// Where a thread is broken.
    pub enum BrokenKind {
        "need_without_answer" => NeedWithoutAnswer, "a need that nothing answers";
        "grant_without_need" => GrantWithoutNeed, "a grant that answers no need";
        "offer_without_grant" => OfferWithoutGrant, "an offer that no grant pays for";
        "prescriptions_outside_grants" => PrescriptionsOutsideGrants, "prescriptions outside any grant";
        "commitment_past_date" => CommitmentPastDate, "a commitment past its date";
        "feedback_owed" => FeedbackOwed, "feedback that is owed";
    }
}

use ThreadKind::{
    Commitment, Consultation, Feedback, Figure, Grant, Need, Offer, Outcome, Prescription, Programme, Session,
};

/// Every link there can be: from, how, to.
pub const LINKS: &[(ThreadKind, Relation, ThreadKind)] = &[
    (Need, Relation::HeardIn, Consultation),
    (Commitment, Relation::Answers, Need),
    (Feedback, Relation::Answers, Consultation),
    (Offer, Relation::Answers, Need),
    (Grant, Relation::Answers, Need),
    (Programme, Relation::Answers, Need),
    (Session, Relation::Answers, Need),
    (Grant, Relation::Funds, Offer),
    (Programme, Relation::Funds, Grant),
    (Offer, Relation::Delivers, Commitment),
    (Grant, Relation::Delivers, Commitment),
    (Programme, Relation::Delivers, Commitment),
    (Session, Relation::Delivers, Commitment),
    (Figure, Relation::Shows, Commitment),
    (Figure, Relation::Shows, Need),
    (Figure, Relation::Shows, Offer),
    (Figure, Relation::Shows, Grant),
    (Figure, Relation::Shows, Programme),
    (Prescription, Relation::PointsTo, Offer),
    (Outcome, Relation::Shows, Prescription),
];

/// Of those, the ones that may be stated. The others are always told by an event of their own.
pub const STATED: &[(ThreadKind, Relation, ThreadKind)] = &[
    (Offer, Relation::Answers, Need),
    (Grant, Relation::Answers, Need),
    (Programme, Relation::Answers, Need),
    (Session, Relation::Answers, Need),
    (Grant, Relation::Funds, Offer),
    (Offer, Relation::Delivers, Commitment),
    (Grant, Relation::Delivers, Commitment),
    (Programme, Relation::Delivers, Commitment),
    (Session, Relation::Delivers, Commitment),
    (Figure, Relation::Shows, Commitment),
    (Figure, Relation::Shows, Need),
    (Figure, Relation::Shows, Offer),
    (Figure, Relation::Shows, Grant),
    (Figure, Relation::Shows, Programme),
];

/// One end of a link: a thing as it was when the link was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadEnd {
    /// What it is.
    pub kind: ThreadKind,
    /// Which.
    pub id: Uuid,
    /// How many events its stream had then.
    pub version: u32,
}

events! {
    /// What can have happened to the links that go out from a thing.
    pub enum ThreadEvent in "thread" {
        /// Somebody said how one thing is joined to another, where no other event says so.
        "thread.linked", 1 => Linked {
            /// From.
            from: ThreadEnd,
            /// To.
            to: ThreadEnd,
            /// How they are joined.
            relation: Relation,
            /// Per cent of a grant that answers a need; none for links of another kind.
            share: Option<u8>,
            /// How it is known.
            basis: Basis,
            /// Why it is so, for others to read.
            why: Text<500>,
        },
        /// A link was taken back: it does not hold from now on.
        "thread.link_withdrawn", 1, reason => LinkWithdrawn {
            /// From.
            from: ThreadEnd,
            /// To.
            to: ThreadEnd,
            /// How they were joined.
            relation: Relation,
        },
    }
}

impl ThreadEvent {
    fn told(&self) -> String {
        match self {
            Self::Linked { from, to, relation, share, basis, .. } => format!(
                "It was recorded that this {} {} a {}{}, {}.",
                from.kind.words(),
                relation.words(),
                to.kind.words(),
                share.map_or_else(String::new, |share| format!(" with {share} per cent of it")),
                basis.words()
            ),
            Self::LinkWithdrawn { from, to, relation } => format!(
                "It was taken back that this {} {} a {}.",
                from.kind.words(),
                relation.words(),
                to.kind.words()
            ),
        }
    }
}

/// What a sum comes to for each of the needs it is shared over: in whole pence, the odd pennies on the last, so that
/// the parts come to the sum exactly and nothing is counted twice.
#[must_use]
pub fn shared(sum: Decimal, shares: &[(Uuid, u8)]) -> Vec<(Uuid, Decimal)> {
    let weights: Vec<u32> = shares.iter().map(|(_, share)| u32::from(*share)).collect();
    let parts = Money::some(sum).map(|sum| sum.split(&weights)).unwrap_or_default();
    let part = |at: usize| parts.get(at).copied().flatten().map_or(Decimal::ZERO, Money::pounds);
    shares.iter().enumerate().map(|(at, (need, _))| (*need, part(at))).collect()
}

/// A link to be made.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of thread.linked")]
pub struct NewLink {
    pub to: ThreadEnd,
    pub relation: Relation,
    pub share: Option<u8>,
    pub basis: Basis,
    pub why: Text<500>,
    /// Whether an event of another stream says so already.
    pub is_on_record: bool,
}

/// What can be asked of the links that go out from a thing.
#[derive(Debug, Clone)]
pub enum ThreadCommand {
    /// Make links, all or none.
    Link {
        /// From.
        from: ThreadEnd,
        /// The links.
        links: Vec<NewLink>,
    },
    /// Take links back, all or none.
    Withdraw {
        /// How, and to what.
        links: Vec<(Relation, ThreadKind, Uuid)>,
    },
}

refusals! {
    /// Why something asked of links was turned down.
    pub enum ThreadRefusal {
        "thread.nothing_named" => NothingNamed, "Name at least one link.";
        "thread.does_not_fit" => DoesNotFit { from: &'static str, relation: &'static str, to: &'static str }, "It cannot be stated that a {from} {relation} a {to}: either that makes no sense, or it is recorded where it happens.";
        "thread.on_record" => OnRecord { from: &'static str }, "The record of the {from} says this already, and is what counts: nothing needs to be linked.";
        "thread.linked_before" => LinkedBefore, "These two are linked like this already.";
        "thread.not_linked" => NotLinked, "There is no such link to take back.";
        "thread.share_missing" => ShareMissing, "Say how many per cent of the grant answer each need, 1 to 100.";
        "thread.share_misplaced" => ShareMisplaced, "A share says how much of a grant answers a need: leave it out for this link.";
        "thread.shares_do_not_add_up" => SharesDoNotAddUp { found: u32 }, "The shares of a grant over its needs would come to {found} per cent: name all its needs at once, with shares that add up to 100.";
    }
}

/// The links that go out from a thing, as their history leaves them.
#[derive(Debug, Clone, Default)]
pub struct Thread {
    from: Option<ThreadEnd>,
    links: BTreeMap<(Relation, ThreadKind, Uuid), (ThreadEnd, Option<u8>)>,
}

impl Thread {
    /// The stream that holds the links that go out from a thing.
    #[must_use]
    pub fn stream(kind: ThreadKind, id: Uuid) -> Uuid {
        Uuid::new_v5(&id, format!("thread from {}", kind.code()).as_bytes())
    }

    fn link(&self, from: ThreadEnd, links: Vec<NewLink>) -> Result<Vec<ThreadEvent>, ThreadRefusal> {
        let mut after = self.clone();
        let mut events = Vec::new();
        for NewLink { to, relation, share, basis, why, is_on_record } in links {
            if !STATED.contains(&(from.kind, relation, to.kind)) {
                let (from, to) = (from.kind.words(), to.kind.words());
                return Err(ThreadRefusal::DoesNotFit { from, relation: relation.words(), to });
            }
            if is_on_record {
                return Err(ThreadRefusal::OnRecord { from: from.kind.words() });
            }
            if after.links.contains_key(&(relation, to.kind, to.id)) {
                return Err(ThreadRefusal::LinkedBefore);
            }
            match (is_shared(from.kind, relation), share) {
                (true, Some(1..=100)) | (false, None) => {}
                (true, _) => return Err(ThreadRefusal::ShareMissing),
                (false, Some(_)) => return Err(ThreadRefusal::ShareMisplaced),
            }
            let event = ThreadEvent::Linked { from, to, relation, share, basis, why };
            after.evolve(&event);
            events.push(event);
        }
        after.adds_up()?;
        Ok(events)
    }

    fn withdraw(&self, links: Vec<(Relation, ThreadKind, Uuid)>) -> Result<Vec<ThreadEvent>, ThreadRefusal> {
        let mut after = self.clone();
        let mut events = Vec::new();
        for link in links {
            let (Some(from), Some((to, _))) = (self.from, after.links.get(&link)) else {
                return Err(ThreadRefusal::NotLinked);
            };
            let event = ThreadEvent::LinkWithdrawn { from, to: *to, relation: link.0 };
            after.evolve(&event);
            events.push(event);
        }
        after.adds_up()?;
        Ok(events)
    }

    /// Whether the shares over needs come to all of it, or to none.
    fn adds_up(&self) -> Result<(), ThreadRefusal> {
        match self.links.values().filter_map(|(_, share)| share.map(u32::from)).sum() {
            0 | 100 => Ok(()),
            found => Err(ThreadRefusal::SharesDoNotAddUp { found }),
        }
    }
}

/// Whether a link of this kind has a share.
const fn is_shared(from: ThreadKind, relation: Relation) -> bool {
    matches!((from, relation), (Grant, Relation::Answers))
}

impl Aggregate for Thread {
    const TYPE: &'static str = "thread";
    type Command = ThreadCommand;
    type Event = ThreadEvent;
    type Refusal = ThreadRefusal;

    fn decide(&self, command: ThreadCommand, _: &Circumstances) -> Result<Vec<ThreadEvent>, ThreadRefusal> {
        let events = match command {
            ThreadCommand::Link { from, links } => self.link(from, links)?,
            ThreadCommand::Withdraw { links } => self.withdraw(links)?,
        };
        if events.is_empty() { Err(ThreadRefusal::NothingNamed) } else { Ok(events) }
    }

    fn evolve(&mut self, event: &ThreadEvent) {
        match event {
            ThreadEvent::Linked { from, to, relation, share, .. } => {
                self.from = Some(*from);
                self.links.insert((*relation, to.kind, to.id), (*to, *share));
            }
            ThreadEvent::LinkWithdrawn { to, relation, .. } => {
                self.links.remove(&(*relation, to.kind, to.id));
            }
        }
    }
}

#[cfg(test)]
mod tests;
