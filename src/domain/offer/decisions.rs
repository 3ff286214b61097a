//! How an offer decides: each command, its guards, and the facts that follow.

use std::collections::BTreeSet;

use chrono::Months;

use super::content::{OfferChange, OfferContent, told};
use super::{
    CONFIRM_WITHIN_MONTHS, ChangeStatus, LONGEST_REVIEW_MONTHS, Offer, OfferCommand, OfferEvent,
    OfferRefusal, OfferStatus, Proposal,
};
use crate::domain::Circumstances;
use crate::domain::calendar::{Date, day};
use crate::domain::identity::{OfferChangeId, PersonId};
use crate::domain::places::listed;

/// Refuse content that people cannot be told of yet.
fn complete(content: &OfferContent) -> Result<(), OfferRefusal> {
    let missing = content.missing();
    if missing.is_empty() { Ok(()) } else { Err(OfferRefusal::Incomplete { missing: listed(missing) }) }
}

/// The content with changes made.
pub(super) fn with(content: &OfferContent, changes: &[OfferChange]) -> OfferContent {
    let mut changed = content.clone();
    for change in changes {
        change.apply(&mut changed);
    }
    changed
}

/// The day some months after another.
fn months_after(date: Date, months: u32) -> Date {
    date.checked_add_months(Months::new(months)).unwrap_or(date)
}

impl Offer {
    /// Judge a command.
    pub(super) fn judge(
        &self,
        command: OfferCommand,
        at: &Circumstances,
    ) -> Result<Vec<OfferEvent>, OfferRefusal> {
        let by = at.actor.person;
        Ok(vec![match command {
            OfferCommand::Draft { reference, partner, content } => match self.status {
                OfferStatus::None => OfferEvent::Drafted { reference, partner, content, drafted_by: by },
                OfferStatus::Draft
                | OfferStatus::InReview
                | OfferStatus::Published
                | OfferStatus::Paused
                | OfferStatus::Withdrawn => return Err(OfferRefusal::AlreadyDrafted),
            },
            OfferCommand::Submit { content } => self.submit(content, by)?,
            OfferCommand::Publish { review_due } => self.publish(review_due, at)?,
            OfferCommand::SendBack { why } => {
                self.must_be_in_review()?;
                OfferEvent::SentBack { why }
            }
            OfferCommand::ProposeChange { change, base_version, changes } => {
                return self.propose(change, base_version, changes, by);
            }
            OfferCommand::ApproveChange { change } => self.approve(change, by)?,
            OfferCommand::RefuseChange { change, why } => {
                if self.waiting(change)?.proposed_by == by {
                    return Err(OfferRefusal::OwnWork);
                }
                OfferEvent::ChangeRefused { change, why }
            }
            OfferCommand::WithdrawChange { change } => {
                self.waiting(change)?;
                OfferEvent::ChangeWithdrawn { change }
            }
            OfferCommand::StateCapacity { open, total, as_of } => {
                self.state_capacity(open, total, as_of, at)?
            }
            OfferCommand::Confirm => {
                let version = self.must_be_live()?;
                OfferEvent::Confirmed { version, next_due: months_after(at.on, CONFIRM_WITHIN_MONTHS) }
            }
            OfferCommand::Pause { back_on } => self.pause(back_on, at)?,
            OfferCommand::Resume => {
                self.must_be_live()?;
                if self.status != OfferStatus::Paused {
                    return Err(OfferRefusal::NotPaused);
                }
                OfferEvent::Resumed {}
            }
            OfferCommand::ReportWrong { report, what, note } => {
                let version = self.must_be_live()?;
                OfferEvent::ReportedWrong { report, version, what, note, reported_by: by }
            }
            OfferCommand::ResolveReport { report, outcome, answer } => {
                match self.reports.get(&report) {
                    None => return Err(OfferRefusal::ReportUnknown),
                    Some(false) => return Err(OfferRefusal::ReportSettled),
                    Some(true) => {}
                }
                OfferEvent::ReportResolved { report, outcome, answer }
            }
            OfferCommand::Withdraw => {
                self.must_be_alive()?;
                OfferEvent::Withdrawn {}
            }
        }])
    }

    fn must_be_alive(&self) -> Result<(), OfferRefusal> {
        match self.status {
            OfferStatus::None => Err(OfferRefusal::Unknown),
            OfferStatus::Withdrawn => Err(OfferRefusal::IsWithdrawn),
            OfferStatus::Draft | OfferStatus::InReview | OfferStatus::Published | OfferStatus::Paused => {
                Ok(())
            }
        }
    }

    /// It is in the directory, running or paused; its version.
    pub(super) fn must_be_live(&self) -> Result<u32, OfferRefusal> {
        self.must_be_alive()?;
        match self.status {
            OfferStatus::Published | OfferStatus::Paused => Ok(self.newest()),
            OfferStatus::None | OfferStatus::Draft | OfferStatus::InReview | OfferStatus::Withdrawn => {
                Err(OfferRefusal::NotPublished)
            }
        }
    }

    fn must_be_in_review(&self) -> Result<&OfferContent, OfferRefusal> {
        self.must_be_alive()?;
        self.written
            .as_ref()
            .filter(|_| self.status == OfferStatus::InReview)
            .ok_or(OfferRefusal::NotInReview)
    }

    fn submit(&self, content: Option<OfferContent>, by: PersonId) -> Result<OfferEvent, OfferRefusal> {
        self.must_be_alive()?;
        let written = self.written.clone().filter(|_| self.status == OfferStatus::Draft);
        let content = content.or_else(|| written.clone()).filter(|_| written.is_some());
        let content = content.ok_or(OfferRefusal::NotDraft)?;
        complete(&content)?;
        Ok(OfferEvent::Submitted { content, submitted_by: by })
    }

    fn publish(&self, review_due: Date, at: &Circumstances) -> Result<OfferEvent, OfferRefusal> {
        self.must_be_in_review()?;
        if self.authors.contains(&at.actor.person) {
            return Err(OfferRefusal::OwnWork);
        }
        let latest = months_after(at.today, LONGEST_REVIEW_MONTHS);
        if review_due <= at.today || review_due > latest {
            return Err(OfferRefusal::ReviewNotAhead { latest: day(latest) });
        }
        Ok(OfferEvent::Published { version: 1, from: at.on, review_due })
    }

    fn propose(
        &self,
        change: OfferChangeId,
        base_version: u32,
        changes: Vec<OfferChange>,
        by: PersonId,
    ) -> Result<Vec<OfferEvent>, OfferRefusal> {
        let newest = self.must_be_live()?;
        let now = self.content(newest)?;
        if base_version != newest {
            let changed = told(&self.content(base_version)?.differences(now));
            return Err(OfferRefusal::BaseStale { base: base_version, newest, changed });
        }
        let fields: BTreeSet<_> = changes.iter().map(OfferChange::field).collect();
        if changes.is_empty() || fields.len() < changes.len() || !changes.iter().all(OfferChange::is_one) {
            return Err(OfferRefusal::NothingChanges);
        }
        if let Some(other) = changes.iter().find(|change| !change.fits(now)) {
            let field = other.field();
            return Err(OfferRefusal::FromNotCurrent { field: field.words(), current: now.value(field) });
        }
        let waiting = self
            .changes
            .values()
            .filter(|proposal| proposal.status == ChangeStatus::Waiting)
            .flat_map(|proposal| &proposal.changes);
        if let Some(twice) = waiting.map(OfferChange::field).find(|field| fields.contains(field)) {
            return Err(OfferRefusal::ChangeWaiting { field: twice.words() });
        }
        complete(&with(now, &changes))?;
        let (own, reviewed): (Vec<_>, Vec<_>) = changes.into_iter().partition(|one| one.field().is_own());
        let proposed = (!reviewed.is_empty()).then_some(OfferEvent::ChangeProposed {
            change,
            base_version,
            changes: reviewed,
            proposed_by: by,
        });
        let applied =
            (!own.is_empty()).then_some(OfferEvent::ChangeAutoApplied { version: newest + 1, changes: own });
        Ok(proposed.into_iter().chain(applied).collect())
    }

    /// A proposal that nobody has decided on.
    fn waiting(&self, change: OfferChangeId) -> Result<&Proposal, OfferRefusal> {
        self.must_be_live()?;
        let proposal = self.changes.get(&change).ok_or(OfferRefusal::ChangeUnknown)?;
        match proposal.status {
            ChangeStatus::Waiting => Ok(proposal),
            ChangeStatus::Approved | ChangeStatus::Refused | ChangeStatus::Withdrawn => {
                Err(OfferRefusal::ChangeSettled)
            }
        }
    }

    fn approve(&self, change: OfferChangeId, by: PersonId) -> Result<OfferEvent, OfferRefusal> {
        let proposal = self.waiting(change)?;
        if proposal.proposed_by == by {
            return Err(OfferRefusal::OwnWork);
        }
        let newest = self.newest();
        let now = self.content(newest)?;
        if !proposal.changes.iter().all(|one| one.fits(now)) {
            let changed = told(&self.content(proposal.base_version)?.differences(now));
            return Err(OfferRefusal::ChangeOvertaken { changed });
        }
        complete(&with(now, &proposal.changes))?;
        Ok(OfferEvent::ChangeApproved { change, version: newest + 1 })
    }

    fn state_capacity(
        &self,
        open: u32,
        total: u32,
        as_of: Date,
        at: &Circumstances,
    ) -> Result<OfferEvent, OfferRefusal> {
        self.must_be_live()?;
        if total == 0 || open > total {
            return Err(OfferRefusal::CapacityImpossible);
        }
        if as_of > at.today {
            return Err(OfferRefusal::CapacityAhead);
        }
        if let Some(stated) = self.capacity.filter(|stated| as_of < stated.as_of) {
            return Err(OfferRefusal::CapacityOvertaken { as_of: day(stated.as_of) });
        }
        Ok(OfferEvent::CapacityStated { open, total, as_of })
    }

    fn pause(&self, back_on: Option<Date>, at: &Circumstances) -> Result<OfferEvent, OfferRefusal> {
        self.must_be_live()?;
        if self.status == OfferStatus::Paused {
            return Err(self.is_paused());
        }
        if back_on.is_some_and(|back_on| back_on <= at.today) {
            return Err(OfferRefusal::BackNotAhead);
        }
        Ok(OfferEvent::Paused { back_on })
    }
}
