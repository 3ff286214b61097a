//! An offer: something a partner does that people can be sent to. It owns what was promised, version by version, that
//! nobody publishes their own words, and that nobody is sent where there is no room.

mod commands;
mod content;
mod decisions;
mod events;
mod particulars;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{Date, day};
use super::identity::{GrantId, OfferChangeId, OfferReportId, PartnerId, PersonId};
use super::vocabulary::NeedCode;
use super::{Aggregate, Circumstances};

pub use commands::{OfferCommand, OfferRefusal};
pub use content::{OfferChange, OfferContent, OfferField, Swap};
pub use events::{OfferEvent, ReportOutcome, WhatIsWrong};
pub use particulars::{
    Cost, Degrees, Joining, OfferPlace, ParticularProblem, Point, Postcode, PublicEmail, PublicPhone,
    Schedule, TimeOfDay, Venue, Weekday, WeeklyTime,
};

/// How long "still right" holds, in months: then the partner is asked again.
pub const CONFIRM_WITHIN_MONTHS: u32 = 6;
/// How far ahead the first "still right" may be set when an offer is published, in months.
pub const LONGEST_REVIEW_MONTHS: u32 = 12;

codes! {
    /// Where an offer stands.
    pub enum OfferStatus {
        "none" => None, "not on the record";
        "draft" => Draft, "draft";
        "in_review" => InReview, "being looked at";
        "published" => Published, "published";
        "paused" => Paused, "paused";
        "withdrawn" => Withdrawn, "withdrawn";
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that lists codes derives no default")]
impl Default for OfferStatus {
    fn default() -> Self {
        Self::None
    }
}

codes! {
    /// What came of a change that was proposed.
    pub enum ChangeStatus {
        "waiting" => Waiting, "waiting to be decided on";
        "approved" => Approved, "approved";
        "refused" => Refused, "refused";
        "withdrawn" => Withdrawn, "taken back";
    }
}

/// How much room there was, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Places that are free.
    pub open: u32,
    /// Places altogether.
    pub total: u32,
    /// The day on which that was so.
    pub as_of: Date,
}

/// A change that was proposed.
#[derive(Debug, Clone)]
struct Proposal {
    base_version: u32,
    changes: Vec<OfferChange>,
    proposed_by: PersonId,
    status: ChangeStatus,
}

/// An offer as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    status: OfferStatus,
    partner: Option<PartnerId>,
    /// What was written down before it was published.
    written: Option<OfferContent>,
    /// Who wrote it down or handed it in: none of them publishes it.
    authors: BTreeSet<PersonId>,
    /// What it said, version by version, from version 1.
    versions: Vec<OfferContent>,
    /// The first day on which somebody can be sent to it.
    from: Option<Date>,
    capacity: Option<Capacity>,
    back_on: Option<Date>,
    changes: BTreeMap<OfferChangeId, Proposal>,
    /// Whether each report still waits for an answer.
    reports: BTreeMap<OfferReportId, bool>,
}

impl Offer {
    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> OfferStatus {
        self.status
    }

    /// Whose offer it is.
    ///
    /// # Errors
    /// `offer.unknown`.
    pub fn partner(&self) -> Result<PartnerId, OfferRefusal> {
        self.partner.ok_or(OfferRefusal::Unknown)
    }

    /// How much room there was, as the partner stated it last.
    #[must_use]
    pub const fn capacity(&self) -> Option<Capacity> {
        self.capacity
    }

    /// Whether somebody can be sent to it from a day on; if so, the version of what they are promised. A pause, a
    /// withdrawal and a full house count as they stand now, so that nobody gets round them by dating back. Whether its
    /// partner is approved is the partner's to say.
    ///
    /// # Errors
    /// `offer.unknown`, `offer.not_published`, `offer.not_published_then`, `offer.paused`, `offer.withdrawn` or
    /// `offer.full`.
    pub fn may_be_prescribed(&self, on: Date) -> Result<u32, OfferRefusal> {
        let version = self.must_be_live()?;
        if let Some(from) = self.from.filter(|from| on < *from) {
            return Err(OfferRefusal::NotPublishedThen { from: day(from) });
        }
        if self.status == OfferStatus::Paused {
            return Err(self.is_paused());
        }
        match self.capacity {
            Some(Capacity { open: 0, as_of, .. }) => Err(OfferRefusal::IsFull { as_of: day(as_of) }),
            Some(_) | None => Ok(version),
        }
    }

    /// What a version said. Versions can be read for ever, whatever became of the offer.
    ///
    /// # Errors
    /// `offer.version_unknown`.
    pub fn content(&self, version: u32) -> Result<&OfferContent, OfferRefusal> {
        let place = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        let content = place.and_then(|place| self.versions.get(place));
        content.ok_or(OfferRefusal::VersionUnknown { newest: self.newest() })
    }

    /// The needs that a version meets.
    ///
    /// # Errors
    /// `offer.version_unknown`.
    pub fn needs(&self, version: u32) -> Result<&BTreeSet<NeedCode>, OfferRefusal> {
        self.content(version).map(|content| &content.needs)
    }

    /// The grants that pay for a version.
    ///
    /// # Errors
    /// `offer.version_unknown`.
    pub fn grants(&self, version: u32) -> Result<&BTreeSet<GrantId>, OfferRefusal> {
        self.content(version).map(|content| &content.grants)
    }

    /// The newest version; 0 before the first is published.
    #[must_use]
    pub fn newest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    fn is_paused(&self) -> OfferRefusal {
        let back = self.back_on.map(|back_on| format!(", until {} it is hoped", day(back_on)));
        OfferRefusal::IsPaused { back: back.unwrap_or_default() }
    }

    fn next_version(&mut self, changes: &[OfferChange]) {
        let changed = self.versions.last().map(|newest| decisions::with(newest, changes));
        self.versions.extend(changed);
    }

    fn settle(&mut self, change: OfferChangeId, status: ChangeStatus) -> Option<Proposal> {
        let proposal = self.changes.get_mut(&change)?;
        proposal.status = status;
        Some(proposal.clone())
    }
}

impl Aggregate for Offer {
    const TYPE: &'static str = "offer";
    type Command = OfferCommand;
    type Event = OfferEvent;
    type Refusal = OfferRefusal;

    fn decide(&self, command: OfferCommand, at: &Circumstances) -> Result<Vec<OfferEvent>, OfferRefusal> {
        self.judge(command, at)
    }

    fn evolve(&mut self, event: &OfferEvent) {
        match event {
            OfferEvent::Drafted { partner, content, drafted_by, .. } => {
                self.status = OfferStatus::Draft;
                self.partner = Some(*partner);
                self.written = Some(content.clone());
                self.authors.insert(*drafted_by);
            }
            OfferEvent::Submitted { content, submitted_by } => {
                self.status = OfferStatus::InReview;
                self.written = Some(content.clone());
                self.authors.insert(*submitted_by);
            }
            OfferEvent::Published { from, .. } => {
                self.status = OfferStatus::Published;
                self.from = Some(*from);
                self.versions.extend(self.written.take());
            }
            OfferEvent::SentBack { .. } => self.status = OfferStatus::Draft,
            OfferEvent::ChangeProposed { change, base_version, changes, proposed_by } => {
                let proposal = Proposal {
                    base_version: *base_version,
                    changes: changes.clone(),
                    proposed_by: *proposed_by,
                    status: ChangeStatus::Waiting,
                };
                self.changes.insert(*change, proposal);
            }
            OfferEvent::ChangeAutoApplied { changes, .. } => self.next_version(changes),
            OfferEvent::ChangeApproved { change, .. } => {
                if let Some(proposal) = self.settle(*change, ChangeStatus::Approved) {
                    self.next_version(&proposal.changes);
                }
            }
            OfferEvent::ChangeRefused { change, .. } => {
                self.settle(*change, ChangeStatus::Refused);
            }
            OfferEvent::ChangeWithdrawn { change } => {
                self.settle(*change, ChangeStatus::Withdrawn);
            }
            OfferEvent::CapacityStated { open, total, as_of } => {
                self.capacity = Some(Capacity { open: *open, total: *total, as_of: *as_of });
            }
            OfferEvent::Confirmed { .. } => {}
            OfferEvent::Paused { back_on } => {
                self.status = OfferStatus::Paused;
                self.back_on = *back_on;
            }
            OfferEvent::Resumed {} => self.status = OfferStatus::Published,
            OfferEvent::ReportedWrong { report, .. } => {
                self.reports.insert(*report, true);
            }
            OfferEvent::ReportResolved { report, .. } => {
                self.reports.insert(*report, false);
            }
            OfferEvent::Withdrawn {} => self.status = OfferStatus::Withdrawn,
        }
    }
}

#[cfg(test)]
mod tests;
