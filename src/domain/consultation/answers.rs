//! What came of it: what was promised and whether it was kept, what nobody can do, and who was told.

use std::collections::BTreeSet;

use super::{
    ANSWERING, Change, CommitmentKind, Consultation, ConsultationEvent, ConsultationRefusal, FeedbackChannel,
    NewCommitment, PROMISED, ShownBy, WhatYouMeant, nobody_named,
};
use crate::domain::calendar::{Date, day};
use crate::domain::identity::{CommitmentId, NeedId, PersonId};
use crate::domain::places::Community;
use crate::domain::text::Text;
use crate::domain::vocabulary::Language;

codes! {
    /// What became of a commitment.
    pub enum CommitmentStanding {
        "open" => Open, "open";
        "kept" => Kept, "kept";
        "missed" => Missed, "missed";
    }
}

/// A commitment as its history leaves it.
#[derive(Debug, Clone)]
pub(super) struct Promise {
    statement: Text<500>,
    owner: PersonId,
    by_when: Date,
    pub(super) standing: CommitmentStanding,
    pub(super) shown_by: Vec<ShownBy>,
}

impl Promise {
    pub(super) const fn new(statement: Text<500>, owner: PersonId, by_when: Date) -> Self {
        Self { statement, owner, by_when, standing: CommitmentStanding::Open, shown_by: Vec::new() }
    }

    /// A promise that is changed is open again, with its new day.
    pub(super) fn change(&mut self, statement: Text<500>, owner: PersonId, by_when: Date) {
        (self.statement, self.owner, self.by_when) = (statement, owner, by_when);
        self.standing = CommitmentStanding::Open;
    }
}

fn ahead(by_when: Date, on: Date) -> Result<(), ConsultationRefusal> {
    if by_when < on { Err(ConsultationRefusal::CommitmentBehind { by_when: day(by_when) }) } else { Ok(()) }
}

impl Consultation {
    pub(super) fn promise(
        &self,
        new: NewCommitment,
        on: Date,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(ANSWERING)?;
        let NewCommitment { commitment, needs, kind, statement, asked, owner, by_when } = new;
        if needs.is_empty() {
            return Err(ConsultationRefusal::CommitmentWithoutNeed);
        }
        for need in &needs {
            self.need(*need)?;
        }
        let owner = owner.ok_or(ConsultationRefusal::CommitmentWithoutOwner)?;
        ahead(by_when, on)?;
        if kind == CommitmentKind::AskAnother && asked.is_none() {
            return Err(ConsultationRefusal::NobodyAsked);
        }
        nobody_named(statement.as_str())?;
        Ok(ConsultationEvent::CommitmentMade { commitment, needs, kind, statement, asked, owner, by_when })
    }

    pub(super) fn say_cannot_do(
        &self,
        need: NeedId,
        public_reason: Text<1000>,
        decided_by: Text<200>,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(ANSWERING)?;
        if self.need(need)?.cannot_do {
            return Err(ConsultationRefusal::CannotDoBefore);
        }
        nobody_named(public_reason.as_str())?;
        nobody_named(decided_by.as_str())?;
        Ok(ConsultationEvent::CannotDo { need, public_reason, decided_by })
    }

    /// A commitment about which something can still be done.
    fn promised(&self, commitment: CommitmentId) -> Result<&Promise, ConsultationRefusal> {
        self.must_be(PROMISED)?;
        let promise = self.commitments.get(&commitment).ok_or(ConsultationRefusal::CommitmentUnknown)?;
        match promise.standing {
            CommitmentStanding::Kept => Err(ConsultationRefusal::CommitmentKeptBefore),
            CommitmentStanding::Open | CommitmentStanding::Missed => Ok(promise),
        }
    }

    pub(super) fn log_action(
        &self,
        commitment: CommitmentId,
        what: Text<500>,
        on: Date,
        at: Date,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.promised(commitment)?;
        if on > at {
            return Err(ConsultationRefusal::ActionAhead { on: day(on) });
        }
        nobody_named(what.as_str())?;
        Ok(ConsultationEvent::ActionLogged { commitment, what, on })
    }

    /// Evidence may also come after a commitment was kept.
    pub(super) fn link_evidence(
        &self,
        commitment: CommitmentId,
        shown_by: ShownBy,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(PROMISED)?;
        let promise = self.commitments.get(&commitment).ok_or(ConsultationRefusal::CommitmentUnknown)?;
        if promise.shown_by.contains(&shown_by) {
            return Err(ConsultationRefusal::EvidenceLinkedBefore);
        }
        Ok(ConsultationEvent::EvidenceLinked { commitment, shown_by })
    }

    pub(super) fn change(
        &self,
        commitment: CommitmentId,
        change: Change,
        on: Date,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        let stands = self.promised(commitment)?;
        let statement = change.statement.unwrap_or_else(|| stands.statement.clone());
        let owner = change.owner.unwrap_or(stands.owner);
        let by_when = change.by_when.unwrap_or(stands.by_when);
        if (&statement, owner, by_when) == (&stands.statement, stands.owner, stands.by_when) {
            return Err(ConsultationRefusal::CommitmentUnchanged);
        }
        ahead(by_when, on)?;
        nobody_named(statement.as_str())?;
        Ok(ConsultationEvent::CommitmentChanged { commitment, statement, owner, by_when })
    }

    pub(super) fn keep(&self, commitment: CommitmentId) -> Result<ConsultationEvent, ConsultationRefusal> {
        if self.promised(commitment)?.shown_by.is_empty() {
            return Err(ConsultationRefusal::KeptWithoutEvidence);
        }
        Ok(ConsultationEvent::CommitmentKept { commitment })
    }

    pub(super) fn miss(
        &self,
        commitment: CommitmentId,
        today: Date,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        let promise = self.promised(commitment)?;
        if promise.standing == CommitmentStanding::Missed {
            return Err(ConsultationRefusal::CommitmentMissedBefore);
        }
        if today <= promise.by_when {
            return Err(ConsultationRefusal::CommitmentNotDue { by_when: day(promise.by_when) });
        }
        Ok(ConsultationEvent::CommitmentMissed { commitment })
    }

    pub(super) fn give_feedback(
        &self,
        groups: BTreeSet<Community>,
        channel: FeedbackChannel,
        languages: BTreeSet<Language>,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(super::SINCE_HELD)?;
        if !self.progress.has_answers() {
            return Err(ConsultationRefusal::NothingAnswered);
        }
        if groups.is_empty() {
            return Err(ConsultationRefusal::NoFeedbackGroup);
        }
        if languages.is_empty() {
            return Err(ConsultationRefusal::NoLanguage);
        }
        Ok(ConsultationEvent::FeedbackGiven { groups, channel, languages })
    }

    pub(super) fn hear_feedback(
        &self,
        group: Community,
        meant: WhatYouMeant,
        taken_from_it: Option<Text<500>>,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(PROMISED)?;
        if !self.progress.was_fed_back() {
            return Err(ConsultationRefusal::NothingTold);
        }
        if let Some(words) = &taken_from_it {
            nobody_named(words.as_str())?;
        }
        Ok(ConsultationEvent::FeedbackHeard { group, meant, taken_from_it })
    }

    pub(super) fn change_promise(&mut self, commitment: CommitmentId, change: impl FnOnce(&mut Promise)) {
        self.commitments.get_mut(&commitment).map(change);
    }
}
