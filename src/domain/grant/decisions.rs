//! The guards of a grant: each command judged against the state.

use std::collections::BTreeSet;

use super::{
    CriterionResult, Grant, GrantCommand, GrantEvent, GrantRefusal, GrantStatus, Pay, SignatoryRole,
};
use crate::domain::Circumstances;
use crate::domain::calendar::{Date, day};
use crate::domain::evidence::Evidence;
use crate::domain::identity::{ConditionId, Hash, InstalmentId, PersonId};
use crate::domain::money::Money;
use crate::domain::places::listed;
use crate::domain::text::Text;

impl Grant {
    /// The one fact that follows from a command, or why not.
    #[expect(clippy::too_many_lines, reason = "a list: one arm for each command")]
    pub(super) fn guard(
        &self,
        command: GrantCommand,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        if command.judges() {
            self.unconflicted(at)?;
        }
        match command {
            GrantCommand::ReceiveInterest { beginning, idea } => self.receive_interest(beginning, idea),
            GrantCommand::InviteToApply { apply_by } => self.invite(apply_by, at),
            GrantCommand::DeclineInterest { feedback } => self.decline_interest(feedback, at),
            GrantCommand::ProposeDirectAward { beginning, justification } => {
                self.propose_direct_award(beginning, justification, at.actor.person)
            }
            GrantCommand::Submit(application) => self.submit(application, at),
            GrantCommand::RequestInformation { what, by } => self.request_information(what, by, at),
            GrantCommand::SupplyInformation { answer } => self.supply_information(answer),
            GrantCommand::JudgeEligibility { results, criteria } => {
                self.judge_eligibility(results, &criteria)
            }
            GrantCommand::DeclareConflict { person, nature } => {
                self.subject()?;
                if self.conflicted.contains(&person) {
                    return Err(GrantRefusal::ConflictAlreadyDeclared);
                }
                Ok(GrantEvent::ConflictDeclared { person, nature })
            }
            GrantCommand::AssignAssessor { assessor, only_one } => self.assign(assessor, only_one),
            GrantCommand::RecuseAssessor { assessor } => {
                self.must_be_assessed()?;
                if !self.assessors.contains(&assessor) {
                    return Err(GrantRefusal::NobodyToRecuse);
                }
                Ok(GrantEvent::AssessorRecused { assessor })
            }
            GrantCommand::RecordScore { criterion, score, justification, criteria } => {
                self.score(criterion, score, justification, &criteria, at.actor.person)
            }
            GrantCommand::SupersedeScore { criterion, score, justification, criteria } => {
                self.supersede(criterion, score, justification, &criteria, at.actor.person)
            }
            GrantCommand::Recommend { amount, scoring, panel, quorum } => {
                self.recommend(amount, &scoring, panel, quorum, at.actor.person)
            }
            GrantCommand::Approve { instalments, terms_version, ground } => {
                self.approve(instalments, terms_version, ground, at.actor.person)
            }
            GrantCommand::ApproveSecond { ground } => self.approve_second(ground, at.actor.person),
            GrantCommand::Decline { feedback } => {
                self.must_be_before_approval()?;
                Ok(GrantEvent::Declined { feedback })
            }
            GrantCommand::Withdraw => self.withdraw(),
            GrantCommand::IssueOffer { terms_hash, accept_by, at_least } => {
                self.offer(terms_hash, accept_by, at_least, at.on)
            }
            GrantCommand::AcceptOffer { terms_hash, signatory_role } => {
                self.accept(terms_hash, signatory_role, at)
            }
            GrantCommand::DeclineOffer => {
                self.must_be(GrantStatus::Offered)?;
                Ok(GrantEvent::OfferDeclined {})
            }
            GrantCommand::LapseOffer => self.lapse_offer(at),
            GrantCommand::MeetCondition { condition, evidence } => self.meet(condition, evidence),
            GrantCommand::AuthoriseInstalment { instalment, pay_on, checks_valid_until, bank_version } => {
                self.authorise(instalment, pay_on, checks_valid_until, bank_version, at)
            }
            GrantCommand::ConfirmPayment { instalment, amount, value_date } => {
                self.confirm(instalment, amount, value_date, at)
            }
            GrantCommand::WithdrawAuthorisation { instalment } => {
                self.withdraw_authorisation(instalment, at.actor.person)
            }
            GrantCommand::ReturnPayment { instalment, value_date, bank_code, replacement } => {
                self.return_by_hand(instalment, (value_date, bank_code), replacement, at)
            }
            GrantCommand::PutInRun { line, pay_on } => self.put_in_run(line, pay_on),
            GrantCommand::TakeFromRun { line, cause } => self.take_from_run(line, cause),
            GrantCommand::ConfirmInRun { line, amount, value_date } => {
                self.confirm_in_run(line, (amount, value_date), at)
            }
            GrantCommand::RejectInRun { line, bank_code, replacement } => {
                self.reject_in_run(line, (bank_code, replacement), at)
            }
            GrantCommand::ReturnInRun { line, value_date, bank_code, replacement } => {
                self.return_in_run(line, (value_date, bank_code), replacement, at)
            }
            GrantCommand::Monitor(command) => self.monitor(command, at),
            GrantCommand::Vary(command) => self.vary(command, at.actor.person),
            GrantCommand::Recover(command) => self.recover(command, at),
            GrantCommand::Steer(command) => self.steer(command, at),
        }
    }

    /// While it is assessed and until it is decided: a conflict that is declared after the recommendation takes
    /// scores away, and others must be able to put theirs in their place.
    pub(super) fn must_be_assessed(&self) -> Result<(), GrantRefusal> {
        if self.status == GrantStatus::Recommended { Ok(()) } else { self.must_be(GrantStatus::Assessing) }
    }

    /// Also while the partner has a question to answer: whoever is asked to assess decides nothing yet, and can read
    /// what is there. A recommendation waits for the answer, and a score given before it can be superseded.
    fn assign(&self, assessor: PersonId, only_one: bool) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_assessed()?;
        if self.conflicted.contains(&assessor) {
            return Err(GrantRefusal::AssessorConflicted);
        }
        if self.assessors.contains(&assessor) {
            return Err(GrantRefusal::AlreadyAssigned);
        }
        if only_one && !self.assessors.is_empty() {
            return Err(GrantRefusal::MicroOneAssessor);
        }
        Ok(GrantEvent::AssessorAssigned { assessor })
    }

    /// An offer that ran out may be sent again while its lapse is not recorded: the money is still committed to it.
    fn offer(
        &self,
        terms_hash: Hash,
        accept_by: Date,
        at_least: u16,
        on: Date,
    ) -> Result<GrantEvent, GrantRefusal> {
        let last_day = self.offer.as_ref().map(|(_, accept_by)| *accept_by);
        let lapsed = self.status == GrantStatus::Offered && last_day.is_some_and(|last_day| on > last_day);
        if !lapsed {
            self.must_be(GrantStatus::Approved)?;
        }
        if accept_by < on {
            return Err(GrantRefusal::OfferPast);
        }
        let earliest = on + chrono::Days::new(at_least.into());
        if accept_by < earliest {
            return Err(GrantRefusal::OfferTooShort { earliest: day(earliest) });
        }
        Ok(GrantEvent::OfferIssued { terms_hash, accept_by })
    }

    fn lapse_offer(&self, at: &Circumstances) -> Result<GrantEvent, GrantRefusal> {
        self.must_be(GrantStatus::Offered)?;
        let (_, accept_by) = self.offer.as_ref().ok_or(GrantRefusal::Unknown)?;
        if at.today <= *accept_by {
            return Err(GrantRefusal::OfferNotLapsed { on: day(*accept_by) });
        }
        Ok(GrantEvent::OfferLapsed { accept_by: *accept_by })
    }

    fn judge_eligibility(
        &self,
        results: Vec<CriterionResult>,
        criteria: &BTreeSet<Text<40>>,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be(GrantStatus::Submitted)?;
        self.must_be_complete()?;
        let answered = results.iter().map(|one| &one.criterion);
        let times = |code: &Text<40>| results.iter().filter(|one| one.criterion == *code).count();
        let asked_or_answered: BTreeSet<&Text<40>> = criteria.iter().chain(answered).collect();
        let odd: Vec<&str> = asked_or_answered
            .into_iter()
            .filter(|code| !criteria.contains(*code) || times(code) != 1)
            .map(Text::as_str)
            .collect();
        if !odd.is_empty() {
            return Err(GrantRefusal::CriteriaUnanswered { missing: listed(odd) });
        }
        Ok(if results.iter().all(|one| one.met) {
            GrantEvent::EligibilityConfirmed { results }
        } else {
            GrantEvent::EligibilityRefused { results }
        })
    }

    fn score(
        &self,
        criterion: Text<40>,
        score: u8,
        justification: Text<2000>,
        criteria: &BTreeSet<Text<40>>,
        assessor: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.may_score(&criterion, score, criteria, assessor)?;
        if self.scores.contains_key(&(assessor, criterion.clone())) {
            return Err(GrantRefusal::AlreadyScored { criterion: criterion.to_string() });
        }
        Ok(GrantEvent::ScoreRecorded { assessor, criterion, score, justification })
    }

    /// An assessor may think again. The score of before is never edited: another is put in its place.
    fn supersede(
        &self,
        criterion: Text<40>,
        score: u8,
        justification: Text<2000>,
        criteria: &BTreeSet<Text<40>>,
        assessor: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.may_score(&criterion, score, criteria, assessor)?;
        let Some(was) = self.scores.get(&(assessor, criterion.clone())).copied() else {
            return Err(GrantRefusal::NotScoredBefore { criterion: criterion.to_string() });
        };
        if was == score {
            return Err(GrantRefusal::SameScore { score });
        }
        Ok(GrantEvent::ScoreSuperseded { assessor, criterion, was, score, justification })
    }

    fn may_score(
        &self,
        criterion: &Text<40>,
        score: u8,
        criteria: &BTreeSet<Text<40>>,
        assessor: PersonId,
    ) -> Result<(), GrantRefusal> {
        self.must_be_assessed()?;
        if !self.assessors.contains(&assessor) {
            return Err(GrantRefusal::NotAssessor);
        }
        if !criteria.contains(criterion) {
            return Err(GrantRefusal::CriterionUnknown { criterion: criterion.to_string() });
        }
        if !(1..=5).contains(&score) {
            return Err(GrantRefusal::ScoreOutOfRange { score });
        }
        Ok(())
    }

    fn accept(
        &self,
        terms_hash: Hash,
        signatory_role: SignatoryRole,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be(GrantStatus::Offered)?;
        let (offered, accept_by) = self.offer.as_ref().ok_or(GrantRefusal::Unknown)?;
        if at.today > *accept_by {
            return Err(GrantRefusal::OfferLapsed { on: day(*accept_by) });
        }
        if terms_hash != *offered {
            return Err(GrantRefusal::TermsDiffer);
        }
        Ok(GrantEvent::OfferAccepted { terms_hash, signatory: at.actor.person, signatory_role })
    }

    fn meet(&self, condition: ConditionId, evidence: Evidence) -> Result<GrantEvent, GrantRefusal> {
        self.must_wait_for(condition)?;
        Ok(GrantEvent::ConditionMet { condition, evidence })
    }

    fn authorise(
        &self,
        instalment: InstalmentId,
        pay_on: Date,
        checks_valid_until: Option<Date>,
        bank_version: u32,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_run()?;
        self.returns.must_not_be_overdue(at.today)?;
        let one = self.instalment(instalment)?;
        if one.pay == Pay::Closed {
            return Err(GrantRefusal::InstalmentClosed);
        }
        self.must_not_have_waived(one, at.actor.person)?;
        if one.pay != Pay::Planned {
            return Err(GrantRefusal::InstalmentAlreadyAuthorised);
        }
        let open: Vec<&str> = one
            .plan
            .conditions
            .iter()
            .filter(|condition| !self.met.contains(&condition.id))
            .map(|condition| condition.title.as_str())
            .collect();
        if !open.is_empty() {
            return Err(GrantRefusal::ConditionsNotMet { open: listed(open) });
        }
        if pay_on < at.today {
            return Err(GrantRefusal::PayDatePast);
        }
        if pay_on < one.plan.due && at.reason.is_none() {
            return Err(GrantRefusal::InAdvanceUnexplained { due: day(one.plan.due) });
        }
        Ok(GrantEvent::InstalmentAuthorised {
            instalment,
            amount: one.plan.amount,
            authorised_by: at.actor.person,
            pay_on,
            checks_valid_until,
            bank_version,
            run: None,
        })
    }

    fn confirm(
        &self,
        instalment: InstalmentId,
        amount: Money,
        value_date: Date,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_have_run(value_date)?;
        let one = self.instalment(instalment)?;
        if one.is_in_live_run() {
            return Err(GrantRefusal::PaidThroughRun);
        }
        let Pay::Authorised { by, pay_on, checks_valid_until } = one.pay else {
            return Err(GrantRefusal::InstalmentNotAuthorised);
        };
        if by == at.actor.person {
            return Err(GrantRefusal::PayerAuthorised);
        }
        if amount != one.plan.amount {
            return Err(GrantRefusal::PaymentDiffers { authorised: one.plan.amount, paid: amount });
        }
        if value_date > at.on {
            return Err(GrantRefusal::PaidInFuture);
        }
        if value_date < pay_on {
            return Err(GrantRefusal::PaidBeforeAuthorised { from: day(pay_on) });
        }
        if let Some(until) = checks_valid_until.filter(|until| value_date > *until) {
            return Err(GrantRefusal::ChecksRunOut { until: day(until) });
        }
        Ok(GrantEvent::PaymentConfirmed { instalment, amount, value_date, run: None, line: None })
    }
}
