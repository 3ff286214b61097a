//! A grant: one case from application to payment. It owns who may decide, and that what is paid was promised.

mod commands;
mod decisions;
mod events;
mod payments;

use std::collections::BTreeSet;

use super::calendar::Date;
use super::identity::{
    ConditionId, FundId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, Reference, RunId,
};
use super::money::Money;
use super::places::Area;
use super::text::Text;
use super::{Aggregate, Circumstances};

pub use commands::{Application, ApprovalGround, GrantCommand, GrantRefusal};
pub use events::{
    AuthorityUsed, Condition, ConflictNature, CriterionResult, DeliveryShare, GrantEvent, NeedShare,
    PlannedInstalment, SignatoryRole,
};
pub use payments::{RunExit, RunLine};

codes! {
    /// Where a grant stands.
    pub enum GrantStatus {
        "none" => None, "not on the record";
        "submitted" => Submitted, "submitted";
        "assessing" => Assessing, "being assessed";
        "recommended" => Recommended, "recommended";
        "approved" => Approved, "approved";
        "offered" => Offered, "offered";
        "active" => Active, "active";
        "ineligible" => Ineligible, "not eligible";
        "declined" => Declined, "declined";
        "withdrawn" => Withdrawn, "withdrawn";
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that lists codes derives no default")]
impl Default for GrantStatus {
    fn default() -> Self {
        Self::None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pay {
    Planned,
    Authorised {
        by: PersonId,
        pay_on: Date,
        checks_valid_until: Option<Date>,
    },
    Paid,
    /// Its payment bounced: another instalment took its place.
    Closed,
}

#[derive(Debug, Clone)]
struct Instalment {
    plan: PlannedInstalment,
    pay: Pay,
    /// The payment run and the line it is in, or was paid by.
    run: Option<(RunId, u32)>,
}

impl Instalment {
    const fn planned(plan: PlannedInstalment) -> Self {
        Self { plan, pay: Pay::Planned, run: None }
    }
}

/// A grant as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    status: GrantStatus,
    case: Option<Case>,
    conflicted: BTreeSet<PersonId>,
    assessors: BTreeSet<PersonId>,
    scores: BTreeSet<(PersonId, Text<40>)>,
    proposers: BTreeSet<PersonId>,
    approvers: BTreeSet<PersonId>,
    recommended: Option<(PersonId, Money)>,
    offer: Option<(Hash, Date)>,
    instalments: Vec<Instalment>,
    met: BTreeSet<ConditionId>,
}

/// What a grant is about: fixed when the application was sent in.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its human reference.
    pub reference: Reference,
    /// The lead partner.
    pub partner: PartnerId,
    /// The programme.
    pub programme: ProgrammeId,
    /// The fund.
    pub fund: FundId,
    /// How much was asked for, GBP.
    pub requested: Money,
    /// Where.
    pub places: BTreeSet<Area>,
    /// First and last day of the work.
    pub period: (Date, Date),
}

impl Grant {
    /// Where the grant stands.
    #[must_use]
    pub const fn status(&self) -> GrantStatus {
        self.status
    }

    /// What the grant is about.
    ///
    /// # Errors
    /// `grant.unknown`.
    pub fn case(&self) -> Result<&Case, GrantRefusal> {
        self.case.as_ref().ok_or(GrantRefusal::Unknown)
    }

    /// An instalment as it was planned.
    ///
    /// # Errors
    /// `grant.instalment_unknown`.
    pub fn planned(&self, instalment: InstalmentId) -> Result<&PlannedInstalment, GrantRefusal> {
        Ok(&self.instalment(instalment)?.plan)
    }

    fn set_pay(&mut self, id: InstalmentId, pay: Pay) {
        if let Some(one) = self.instalments.iter_mut().find(|one| one.plan.id == id) {
            one.pay = pay;
        }
    }

    fn instalment(&self, id: InstalmentId) -> Result<&Instalment, GrantRefusal> {
        self.instalments.iter().find(|one| one.plan.id == id).ok_or(GrantRefusal::InstalmentUnknown)
    }

    fn must_be(&self, status: GrantStatus) -> Result<(), GrantRefusal> {
        if self.status == status { Ok(()) } else { Err(self.wrong_stage(status.words())) }
    }

    fn must_be_before_approval(&self) -> Result<(), GrantRefusal> {
        let waiting = [GrantStatus::Submitted, GrantStatus::Assessing, GrantStatus::Recommended];
        if waiting.contains(&self.status) { Ok(()) } else { Err(self.wrong_stage("waiting for a decision")) }
    }

    fn wrong_stage(&self, wanted: &'static str) -> GrantRefusal {
        if self.status == GrantStatus::None {
            return GrantRefusal::Unknown;
        }
        GrantRefusal::WrongStage { now: self.status.words(), wanted }
    }

    fn unconflicted(&self, at: &Circumstances) -> Result<(), GrantRefusal> {
        if self.conflicted.contains(&at.actor.person) { Err(GrantRefusal::Conflicted) } else { Ok(()) }
    }
}

impl Aggregate for Grant {
    const TYPE: &'static str = "grant";
    type Command = GrantCommand;
    type Event = GrantEvent;
    type Refusal = GrantRefusal;

    fn decide(&self, command: GrantCommand, at: &Circumstances) -> Result<Vec<GrantEvent>, GrantRefusal> {
        self.guard(command, at).map(|event| vec![event])
    }

    fn evolve(&mut self, event: &GrantEvent) {
        match event {
            GrantEvent::ApplicationSubmitted {
                reference,
                partner,
                programme,
                fund,
                requested,
                places,
                starts_on,
                ends_on,
                ..
            } => {
                self.status = GrantStatus::Submitted;
                let (partner, programme, fund) = (*partner, *programme, *fund);
                let (places, period) = (places.clone(), (*starts_on, *ends_on));
                let (reference, requested) = (reference.clone(), *requested);
                self.case = Some(Case { reference, partner, programme, fund, requested, places, period });
            }
            GrantEvent::EligibilityConfirmed { .. } => self.status = GrantStatus::Assessing,
            GrantEvent::EligibilityRefused { .. } => self.status = GrantStatus::Ineligible,
            GrantEvent::ConflictDeclared { person, .. } => {
                self.conflicted.insert(*person);
                self.assessors.remove(person);
            }
            GrantEvent::AssessorAssigned { assessor } => {
                self.assessors.insert(*assessor);
            }
            GrantEvent::ScoreRecorded { assessor, criterion, .. } => {
                self.scores.insert((*assessor, criterion.clone()));
            }
            GrantEvent::Recommended { proposer, amount } => {
                self.status = GrantStatus::Recommended;
                self.proposers.insert(*proposer);
                self.recommended = Some((*proposer, *amount));
            }
            GrantEvent::Approved { approver, instalments, .. } => {
                self.status = GrantStatus::Approved;
                self.approvers.insert(*approver);
                self.instalments = instalments.iter().cloned().map(Instalment::planned).collect();
            }
            GrantEvent::Declined { .. } => self.status = GrantStatus::Declined,
            GrantEvent::ApplicationWithdrawn {} | GrantEvent::OfferDeclined {} => {
                self.status = GrantStatus::Withdrawn;
            }
            GrantEvent::OfferIssued { terms_hash, accept_by } => {
                self.status = GrantStatus::Offered;
                self.offer = Some((terms_hash.clone(), *accept_by));
            }
            GrantEvent::OfferAccepted { .. } => self.status = GrantStatus::Active,
            GrantEvent::ConditionMet { condition, .. } => {
                self.met.insert(*condition);
            }
            GrantEvent::InstalmentAuthorised { .. }
            | GrantEvent::PaymentConfirmed { .. }
            | GrantEvent::InstalmentPutInRun { .. }
            | GrantEvent::InstalmentTakenFromRun { .. }
            | GrantEvent::PaymentRejected { .. }
            | GrantEvent::PaymentReturned { .. } => self.take_payment(event),
        }
    }
}

#[cfg(test)]
mod tests;
