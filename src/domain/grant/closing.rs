//! How a grant that runs is held up, looked at and brought to an end: conditions waived, suspension, underspend,
//! review, termination and close.
//!
//! A grant is closing from the day its final return is asked for. It can still be paid then, for the last instalment
//! often waits for that return; but nothing of it is varied any more.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::variations::Replan;
use super::{AuthorityUsed, Grant, GrantEvent, GrantRefusal, GrantStatus, Instalment, Pay};
use crate::domain::Circumstances;
use crate::domain::calendar::Date;
use crate::domain::identity::{ConditionId, PersonId};
use crate::domain::money::{Money, pounds};
use crate::domain::text::Text;

codes! {
    /// What a grant is suspended for.
    pub enum SuspensionGround {
        "reports_missing" => ReportsMissing, "reports are missing";
        "checks_lapsed" => ChecksLapsed, "a due-diligence check has lapsed";
        "safeguarding" => Safeguarding, "a safeguarding concern";
        "financial_concern" => FinancialConcern, "a concern about money";
        "terms_broken" => TermsBroken, "the terms are not kept";
        "partner_suspended" => PartnerSuspended, "the partner is suspended";
        "asked_by_partner" => AskedByPartner, "the partner asked for it";
    }
}

codes! {
    /// What a yearly review came to.
    pub enum ReviewOutcome {
        "continue" => Continue, "the work goes on as agreed";
        "amend" => Amend, "the work goes on with changes";
        "stop" => Stop, "the work should stop";
    }
}

/// What can be asked of the course of a grant.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum CourseCommand {
    WaiveCondition { condition: ConditionId, authority: AuthorityUsed },
    Suspend { grounds: BTreeSet<SuspensionGround> },
    Resume,
    DeclareUnderspend { amount: Money },
    ReleaseUnspent { amount: Money },
    ProposeTermination,
    WithdrawTermination,
    Terminate,
    CompleteReview { outcome: ReviewOutcome },
    Close { final_spend: Option<Money>, outcomes: Vec<Text<300>> },
}

impl CourseCommand {
    /// Whether it is a judgement, which nobody with a conflict of interest may make.
    pub(super) const fn judges(&self) -> bool {
        match self {
            Self::WaiveCondition { .. }
            | Self::Suspend { .. }
            | Self::Resume
            | Self::ReleaseUnspent { .. }
            | Self::ProposeTermination
            | Self::WithdrawTermination
            | Self::Terminate
            | Self::CompleteReview { .. }
            | Self::Close { .. } => true,
            Self::DeclareUnderspend { .. } => false,
        }
    }
}

#[derive(Debug, Clone)]
struct Suspension {
    by: PersonId,
    from: Date,
    before: GrantStatus,
}

/// What holds a grant up or is left of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    suspension: Option<Suspension>,
    /// Declared and not yet released, in pounds, and by whom.
    underspend: Option<(Decimal, PersonId)>,
    /// Who waived what.
    waivers: Vec<(ConditionId, PersonId)>,
    /// Who put forward that the grant ends early.
    termination: Option<PersonId>,
}

impl Course {
    pub(super) const fn proposed_to_end(&mut self, by: PersonId) {
        self.termination = Some(by);
    }

    pub(super) const fn not_proposed_to_end(&mut self) {
        self.termination = None;
    }

    /// What somebody put forward who has an interest counts no more.
    pub(super) fn void_proposal_of(&mut self, person: PersonId) {
        self.termination.take_if(|by| *by == person);
    }
}

impl Grant {
    /// While it is suspended, nothing is authorised; while it is closing, the last payments are still made.
    pub(super) fn must_run(&self) -> Result<(), GrantRefusal> {
        if self.status == GrantStatus::Suspended {
            return Err(GrantRefusal::Suspended);
        }
        self.must_be_among(&[GrantStatus::Active, GrantStatus::Closing], "active or closing")
    }

    /// What the bank paid before a grant was suspended had left and is recorded; after that, nothing is paid.
    pub(super) fn must_have_run(&self, value_date: Date) -> Result<(), GrantRefusal> {
        match &self.course.suspension {
            Some(suspension) if value_date <= suspension.from => Ok(()),
            _ => self.must_run(),
        }
    }

    pub(super) fn must_be_among(
        &self,
        statuses: &[GrantStatus],
        wanted: &'static str,
    ) -> Result<(), GrantRefusal> {
        if statuses.contains(&self.status) { Ok(()) } else { Err(self.wrong_stage(wanted)) }
    }

    /// Whether a payment is on its way.
    pub(super) fn has_authorised(&self) -> bool {
        self.instalments.iter().any(|one| matches!(one.pay, Pay::Authorised { .. }))
    }

    /// A waiver needs somebody who neither put the grant forward nor assessed it, and who could have awarded it.
    pub(super) fn may_waive(&self, by: PersonId, authority: &AuthorityUsed) -> Result<(), GrantRefusal> {
        if self.proposers.contains(&by) {
            return Err(GrantRefusal::ApproverProposed);
        }
        if self.assessors.contains(&by) {
            return Err(GrantRefusal::ApproverAssessed);
        }
        let amount = self.total()?;
        if amount > authority.limit {
            return Err(GrantRefusal::ExceedsAuthority { amount, limit: authority.limit });
        }
        Ok(())
    }

    /// Whoever waived a condition does not also let out the money that waited for it.
    pub(super) fn must_not_have_waived(&self, one: &Instalment, by: PersonId) -> Result<(), GrantRefusal> {
        let mut conditions = one.plan.conditions.iter();
        if conditions.any(|condition| self.course.waivers.contains(&(condition.id, by))) {
            return Err(GrantRefusal::WaiverAuthorises);
        }
        Ok(())
    }

    /// What follows for the course of the grant.
    pub(super) fn steer(
        &self,
        command: CourseCommand,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        let by = at.actor.person;
        match command {
            CourseCommand::WaiveCondition { condition, authority } => {
                self.must_wait_for(condition)?;
                self.may_waive(by, &authority)?;
                Ok(GrantEvent::ConditionWaived { condition, waived_by: by, authority })
            }
            CourseCommand::Suspend { grounds } => {
                self.must_run()?;
                if grounds.is_empty() {
                    return Err(GrantRefusal::NoGround);
                }
                Ok(GrantEvent::Suspended { grounds, from: at.on, suspended_by: by })
            }
            CourseCommand::Resume => {
                self.must_be(GrantStatus::Suspended)?;
                if self.course.suspension.as_ref().is_some_and(|suspension| suspension.by == by) {
                    return Err(GrantRefusal::ResumerSuspended);
                }
                Ok(GrantEvent::Resumed {})
            }
            CourseCommand::DeclareUnderspend { amount } => self.declare_underspend(amount, by),
            CourseCommand::ReleaseUnspent { amount } => self.release_unspent(amount, by),
            CourseCommand::ProposeTermination => {
                self.must_be_unended()?;
                if self.course.termination.is_some() {
                    return Err(GrantRefusal::TerminationProposedAlready);
                }
                Ok(GrantEvent::TerminationProposed { proposed_by: by })
            }
            CourseCommand::WithdrawTermination => {
                self.must_be_unended()?;
                self.course.termination.ok_or(GrantRefusal::TerminationNotProposed)?;
                Ok(GrantEvent::TerminationWithdrawn { withdrawn_by: by })
            }
            CourseCommand::Terminate => self.terminate(by),
            CourseCommand::CompleteReview { outcome } => {
                self.must_be_among(&[GrantStatus::Active, GrantStatus::Suspended], "active or suspended")?;
                Ok(GrantEvent::AnnualReviewCompleted { outcome })
            }
            CourseCommand::Close { final_spend, outcomes } => self.close(final_spend, outcomes, by),
        }
    }

    /// A condition that is on the grant and still open.
    pub(super) fn must_wait_for(&self, condition: ConditionId) -> Result<(), GrantRefusal> {
        self.must_run()?;
        let mut conditions = self.instalments.iter().flat_map(|one| &one.plan.conditions);
        if !conditions.any(|one| one.id == condition) {
            return Err(GrantRefusal::ConditionUnknown);
        }
        if self.met.contains(&condition) { Err(GrantRefusal::ConditionAlreadyMet) } else { Ok(()) }
    }

    pub(super) fn must_be_unended(&self) -> Result<(), GrantRefusal> {
        use GrantStatus::{Active, Closing, Suspended};
        self.must_be_among(&[Active, Closing, Suspended], "running or suspended")
    }

    fn declare_underspend(&self, amount: Money, declared_by: PersonId) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_unended()?;
        let total = self.total()?;
        if amount > total {
            return Err(GrantRefusal::UnderspendExceedsAward { total });
        }
        Ok(GrantEvent::UnderspendDeclared { amount, declared_by })
    }

    fn release_unspent(&self, amount: Money, by: PersonId) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_unended()?;
        self.must_not_be_asked()?;
        let (declared, declared_by) = self.course.underspend.ok_or(GrantRefusal::NoUnderspend)?;
        if declared_by == by {
            return Err(GrantRefusal::ReleaserDeclared);
        }
        if amount.pounds() > declared {
            return Err(GrantRefusal::ExceedsUnderspend { declared: pounds(declared), asked: amount });
        }
        let unpaid = self.unpaid();
        let left: Decimal = unpaid.iter().map(|one| one.amount.pounds()).sum();
        if amount.pounds() > left {
            return Err(GrantRefusal::ExceedsUnpaid { unpaid: pounds(left), asked: amount.to_string() });
        }
        Ok(GrantEvent::UnspentReleased { amount, plan: Replan::cut(unpaid, amount.pounds()) })
    }

    /// One puts it forward, another decides.
    fn terminate(&self, by: PersonId) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_unended()?;
        match self.course.termination {
            None => return Err(GrantRefusal::TerminationNotProposed),
            Some(proposer) if proposer == by => return Err(GrantRefusal::TerminatorProposed),
            Some(_) => {}
        }
        self.must_not_be_asked()?;
        if self.has_authorised() {
            return Err(GrantRefusal::InstalmentsOnTheirWay);
        }
        Ok(GrantEvent::Terminated { unpaid: self.unpaid() })
    }

    fn close(
        &self,
        final_spend: Option<Money>,
        outcomes: Vec<Text<300>>,
        by: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        if self.status == GrantStatus::Active {
            return Err(GrantRefusal::FinalReturnOpen);
        }
        self.must_be_among(&[GrantStatus::Closing, GrantStatus::Terminated], "closing or ended early")?;
        self.must_not_be_asked()?;
        let open =
            self.instalments.iter().filter(|one| matches!(one.pay, Pay::Planned | Pay::Authorised { .. }));
        let left: Decimal = open.map(|one| one.plan.amount.pounds()).sum();
        if !left.is_zero() {
            return Err(GrantRefusal::InstalmentsOpen { left: pounds(left) });
        }
        self.recoveries.must_be_settled()?;
        self.returns.must_be_final(by)?;
        self.must_cover(final_spend, self.returns.own_money())?;
        Ok(GrantEvent::Closed { final_spend, outcomes })
    }

    pub(super) fn suspended(&mut self, by: PersonId, from: Date) {
        self.course.suspension = Some(Suspension { by, from, before: self.status });
        self.status = GrantStatus::Suspended;
    }

    pub(super) fn resumed(&mut self) {
        if let Some(suspension) = self.course.suspension.take() {
            self.status = suspension.before;
            // It goes on: whoever wants it to end must say so anew.
            self.course.termination = None;
        }
    }

    pub(super) fn waived(&mut self, condition: ConditionId, by: PersonId) {
        self.met.insert(condition);
        self.course.waivers.push((condition, by));
    }

    pub(super) fn underspent(&mut self, amount: Money, by: PersonId) {
        self.course.underspend = Some((amount.pounds(), by));
    }

    /// What is released is no longer part of the award.
    pub(super) fn released(&mut self, amount: Money, plan: &Replan) {
        if let Some((declared, _)) = &mut self.course.underspend {
            *declared -= amount.pounds();
        }
        self.terms.total = self.terms.total.and_then(|total| Money::some(total.pounds() - amount.pounds()));
        self.replanned(plan);
    }

    /// What was planned gives way to what is planned now; what is paid or on its way stays.
    pub(super) fn replanned(&mut self, plan: &Replan) {
        self.instalments.retain(|one| one.pay != Pay::Planned);
        let planned = plan.to.iter().map(|one| Instalment::planned(one.clone()));
        self.instalments.extend(planned);
    }

    pub(super) fn terminated(&mut self) {
        self.status = GrantStatus::Terminated;
        self.course.termination = None;
        self.instalments.retain(|one| one.pay != Pay::Planned);
    }
}
