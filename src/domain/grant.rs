//! A grant: one case from application to payment. It owns who may decide, and that what is paid was promised.

mod approving;
mod clock;
mod closing;
mod commands;
mod decisions;
mod entering;
mod events;
mod monitoring;
mod payments;
mod recovery;
mod telling;
mod variations;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Date;
use super::identity::{
    ConditionId, FundId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, Reference, RunId,
};
use super::money::Money;
use super::places::Area;
use super::text::Text;
use super::{Aggregate, Circumstances};

pub use approving::{AuthoritySource, AuthorityUsed, FirstApproval, Panel};
pub use clock::{Clock, Reading};
pub use commands::{Application, ApprovalGround, Beginning, GrantCommand, GrantRefusal};
pub use events::{
    Condition, ConflictNature, CriterionResult, DeliveryShare, GrantEvent, NeedShare, PlannedInstalment,
    SignatoryRole,
};
pub use payments::{RunExit, RunLine};

pub use closing::{CourseCommand, ReviewOutcome, SuspensionGround};
pub use monitoring::{
    MonitoringCommand, MonitoringReport, ReturnKind, ReturnStatus, ReturnTerms, StoryConsent, StoryRef,
};
pub use recovery::{RecoveryCommand, RecoveryGround};
pub use variations::{ByYear, Change, Replan, Slot, VariationCommand, VariationKind, VariationStatus, Wish};

codes! {
    /// Where a grant stands.
    pub enum GrantStatus {
        "none" => None, "not on the record";
        "interest" => Interest, "an expression of interest";
        "invited" => Invited, "invited to apply";
        "proposed" => Proposed, "proposed for a direct award";
        "submitted" => Submitted, "submitted";
        "assessing" => Assessing, "being assessed";
        "recommended" => Recommended, "recommended";
        "approved" => Approved, "approved";
        "offered" => Offered, "offered";
        "active" => Active, "active";
        "ineligible" => Ineligible, "not eligible";
        "declined" => Declined, "declined";
        "withdrawn" => Withdrawn, "withdrawn";
        "lapsed" => Lapsed, "lapsed";
        "suspended" => Suspended, "suspended";
        "closing" => Closing, "closing";
        "closed" => Closed, "closed";
        "terminated" => Terminated, "ended early";
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
    subject: Option<Subject>,
    apply_by: Option<Date>,
    case: Option<Case>,
    information_awaited: bool,
    conflicted: BTreeSet<PersonId>,
    assessors: BTreeSet<PersonId>,
    scores: BTreeMap<(PersonId, Text<40>), u8>,
    proposers: BTreeSet<PersonId>,
    approvers: BTreeSet<PersonId>,
    recommended: Option<Recommendation>,
    first_approval: Option<Pending>,
    offer: Option<(Hash, Date)>,
    instalments: Vec<Instalment>,
    met: BTreeSet<ConditionId>,
    terms: variations::Terms,
    returns: monitoring::Returns,
    recoveries: recovery::Recoveries,
    course: closing::Course,
}

/// The recommendation in force, and everybody who stands behind it.
#[derive(Debug, Clone)]
struct Recommendation {
    amount: Money,
    by: BTreeSet<PersonId>,
}

/// The first of two approvals, and what it approved.
#[derive(Debug, Clone)]
struct Pending {
    first: FirstApproval,
    instalments: Vec<PlannedInstalment>,
    terms_version: Text<40>,
}

/// Whose case it is, in which programme: fixed when it began.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The human reference.
    pub reference: Reference,
    /// The lead partner.
    pub partner: PartnerId,
    /// The programme.
    pub programme: ProgrammeId,
    /// The fund.
    pub fund: FundId,
}

/// What a grant is about: fixed when the application was sent in, but for the last day, which can be varied.
#[derive(Debug, Clone)]
pub struct Case {
    /// Whose it is.
    pub subject: Subject,
    /// How much was asked for, GBP.
    pub requested: Money,
    /// Where.
    pub places: BTreeSet<Area>,
    /// First and last day of the work.
    pub period: (Date, Date),
    /// The version of the programme's criteria it was sent in under.
    pub criteria_version: u32,
}

impl Grant {
    /// Where the grant stands.
    #[must_use]
    pub const fn status(&self) -> GrantStatus {
        self.status
    }

    /// Whose case it is: known from its first event on, an application or not.
    ///
    /// # Errors
    /// `grant.unknown`.
    pub fn subject(&self) -> Result<&Subject, GrantRefusal> {
        self.subject.as_ref().ok_or(GrantRefusal::Unknown)
    }

    /// Whether the first of two approvals is given and stands.
    #[must_use]
    pub const fn awaits_second_approval(&self) -> bool {
        self.first_approval.is_some()
    }

    /// What the grant is about.
    ///
    /// # Errors
    /// `grant.unknown`.
    pub fn case(&self) -> Result<&Case, GrantRefusal> {
        self.case.as_ref().ok_or(GrantRefusal::Unknown)
    }

    /// How much was recommended last.
    ///
    /// # Errors
    /// `grant.wrong_stage` before a recommendation.
    pub fn recommended(&self) -> Result<Money, GrantRefusal> {
        let amount = self.recommended.as_ref().map(|one| one.amount);
        amount.ok_or_else(|| self.wrong_stage(GrantStatus::Recommended.words()))
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

    /// Somebody has an interest: a person and not a role, so that no other role lets them in.
    fn bar(&mut self, person: PersonId) {
        self.conflicted.insert(person);
        self.assessors.remove(&person);
        self.void_first_approval_of(person);
    }

    fn void_first_approval_of(&mut self, person: PersonId) {
        self.first_approval.take_if(|pending| pending.first.approver == person);
        self.terms.void_first_of(person);
        self.course.void_proposal_of(person);
    }

    fn begin(&mut self, status: GrantStatus, subject: Subject) {
        self.status = status;
        self.subject = Some(subject);
    }
}

impl Aggregate for Grant {
    const TYPE: &'static str = "grant";
    type Command = GrantCommand;
    type Event = GrantEvent;
    type Refusal = GrantRefusal;

    fn decide(&self, command: GrantCommand, at: &Circumstances) -> Result<Vec<GrantEvent>, GrantRefusal> {
        let event = self.guard(command, at)?;
        let mut events = Vec::new();
        if let GrantEvent::PaymentReturned { amount, .. } = &event {
            events = self.demands_less(*amount)?;
        }
        events.push(event);
        Ok(events)
    }

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each fact")]
    fn evolve(&mut self, event: &GrantEvent) {
        match event {
            GrantEvent::InterestReceived { reference, partner, programme, fund, .. } => {
                let (partner, programme, fund) = (*partner, *programme, *fund);
                let reference = reference.clone();
                self.begin(GrantStatus::Interest, Subject { reference, partner, programme, fund });
            }
            GrantEvent::DirectAwardProposed { reference, partner, programme, fund, proposer, .. } => {
                let (partner, programme, fund) = (*partner, *programme, *fund);
                let reference = reference.clone();
                self.begin(GrantStatus::Proposed, Subject { reference, partner, programme, fund });
                self.proposers.insert(*proposer);
            }
            GrantEvent::InvitedToApply { apply_by } => {
                self.status = GrantStatus::Invited;
                self.apply_by = Some(*apply_by);
            }
            GrantEvent::ApplicationSubmitted {
                reference,
                partner,
                programme,
                fund,
                purpose,
                requested,
                places,
                starts_on,
                ends_on,
                criteria_version,
                ..
            } => {
                self.terms.purpose = Some(purpose.clone());
                let (partner, programme, fund) = (*partner, *programme, *fund);
                let reference = reference.clone();
                let subject = Subject { reference, partner, programme, fund };
                self.begin(GrantStatus::Submitted, subject.clone());
                self.case = Some(Case {
                    subject,
                    requested: *requested,
                    places: places.clone(),
                    period: (*starts_on, *ends_on),
                    criteria_version: *criteria_version,
                });
            }
            GrantEvent::MoreInformationRequested { .. } => self.information_awaited = true,
            GrantEvent::InformationSupplied { .. } => self.information_awaited = false,
            GrantEvent::EligibilityConfirmed { .. } => self.status = GrantStatus::Assessing,
            GrantEvent::EligibilityRefused { .. } => self.status = GrantStatus::Ineligible,
            GrantEvent::ConflictDeclared { person, .. } => self.bar(*person),
            GrantEvent::AssessorRecused { assessor } => self.bar(*assessor),
            GrantEvent::AssessorAssigned { assessor } => {
                self.assessors.insert(*assessor);
                self.void_first_approval_of(*assessor);
            }
            GrantEvent::ScoreRecorded { assessor, criterion, score, .. }
            | GrantEvent::ScoreSuperseded { assessor, criterion, score, .. } => {
                self.scores.insert((*assessor, criterion.clone()), *score);
            }
            GrantEvent::Recommended { proposer, amount, panel } => {
                self.status = GrantStatus::Recommended;
                let by: BTreeSet<PersonId> = panel.present.iter().copied().chain([*proposer]).collect();
                self.proposers.extend(&by);
                self.recommended = Some(Recommendation { amount: *amount, by });
                self.first_approval = None;
            }
            GrantEvent::FirstApprovalGiven { approver, authority, instalments, terms_version, .. } => {
                self.first_approval = Some(Pending {
                    first: FirstApproval { approver: *approver, authority: authority.clone() },
                    instalments: instalments.clone(),
                    terms_version: terms_version.clone(),
                });
            }
            GrantEvent::Approved { approver, first, amount, instalments, .. } => {
                self.status = GrantStatus::Approved;
                self.approvers.insert(*approver);
                self.approvers.extend(first.as_ref().map(|first| first.approver));
                self.first_approval = None;
                self.terms.total = Some(*amount);
                self.instalments = instalments.iter().cloned().map(Instalment::planned).collect();
            }
            GrantEvent::Declined { .. } | GrantEvent::InterestDeclined { .. } => {
                self.status = GrantStatus::Declined;
            }
            GrantEvent::ApplicationWithdrawn {} | GrantEvent::OfferDeclined {} => {
                self.status = GrantStatus::Withdrawn;
            }
            GrantEvent::OfferIssued { terms_hash, accept_by } => {
                self.status = GrantStatus::Offered;
                self.offer = Some((terms_hash.clone(), *accept_by));
            }
            GrantEvent::OfferLapsed { .. } => self.status = GrantStatus::Lapsed,
            GrantEvent::OfferAccepted { .. } => self.status = GrantStatus::Active,
            GrantEvent::ConditionMet { condition, .. } => {
                self.met.insert(*condition);
            }
            GrantEvent::ConditionWaived { condition, waived_by, .. } => self.waived(*condition, *waived_by),
            GrantEvent::MonitoringReturnRequested { return_id, terms } => {
                self.returns.requested(*return_id, *terms);
                if terms.kind == ReturnKind::Final && self.status == GrantStatus::Active {
                    self.status = GrantStatus::Closing;
                }
            }
            GrantEvent::MonitoringReturnSubmitted { return_id, submitted_by, report } => {
                self.returns.submitted(*return_id, *submitted_by, report);
            }
            GrantEvent::MonitoringReturnQueried { return_id, .. } => {
                self.returns.stands(*return_id, ReturnStatus::Queried);
            }
            GrantEvent::MonitoringReturnAccepted { return_id, accepted_by } => {
                self.returns.settled(*return_id, ReturnStatus::Accepted, *accepted_by);
            }
            GrantEvent::MonitoringReturnWaived { return_id, waived_by, .. } => {
                self.returns.settled(*return_id, ReturnStatus::Waived, *waived_by);
            }
            GrantEvent::VariationRequested { variation, requested_by, change, .. } => {
                self.terms.requested(*variation, *requested_by, change);
            }
            GrantEvent::VariationFirstApproved { first, .. } => self.terms.first_approved(first),
            GrantEvent::VariationApproved { total, change, .. } => self.varied(*total, change),
            GrantEvent::VariationRefused { .. } => self.terms.refused(),
            GrantEvent::Suspended { from, suspended_by, .. } => self.suspended(*suspended_by, *from),
            GrantEvent::Resumed {} => self.resumed(),
            GrantEvent::UnderspendDeclared { amount, declared_by } => self.underspent(*amount, *declared_by),
            GrantEvent::UnspentReleased { amount, plan } => self.released(*amount, plan),
            GrantEvent::RecoveryDemanded { recovery, amount, demanded_by, .. } => {
                self.recoveries.demanded(*recovery, *demanded_by, *amount);
                self.opened_again();
            }
            GrantEvent::RecoveryReceived { recovery, amount, .. } => self.recoveries.took(*recovery, *amount),
            GrantEvent::RecoveryWrittenOff { recovery, amount } => {
                self.recoveries.gave_up(*recovery, *amount);
            }
            GrantEvent::RecoveryReduced { recovery, amount } => self.recoveries.reduced(*recovery, *amount),
            GrantEvent::WriteOffUndone { recovery, amount } => {
                self.recoveries.asks_again(*recovery, *amount);
                self.opened_again();
            }
            GrantEvent::TerminationProposed { proposed_by } => self.course.proposed_to_end(*proposed_by),
            GrantEvent::TerminationWithdrawn { .. } => self.course.not_proposed_to_end(),
            GrantEvent::Terminated { .. } => self.terminated(),
            GrantEvent::AnnualReviewCompleted { .. } => {}
            GrantEvent::Closed { .. } => self.status = GrantStatus::Closed,
            GrantEvent::InstalmentAuthorised { .. }
            | GrantEvent::InstalmentAuthorisationWithdrawn { .. }
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
