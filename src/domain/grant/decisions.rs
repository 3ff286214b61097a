//! The guards of a grant: each command judged against the state.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{
    Application, ApprovalGround, CriterionResult, Grant, GrantCommand, GrantEvent, GrantRefusal, GrantStatus,
    Pay, PlannedInstalment, SignatoryRole,
};
use crate::domain::Circumstances;
use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::evidence::Evidence;
use crate::domain::identity::{ConditionId, Hash, InstalmentId, PersonId};
use crate::domain::money::{Money, pounds};
use crate::domain::places::listed;
use crate::domain::text::Text;

impl Grant {
    /// The one fact that follows from a command, or why not.
    pub(super) fn guard(
        &self,
        command: GrantCommand,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        if command.judges() {
            self.unconflicted(at)?;
        }
        match command {
            GrantCommand::Submit(application) => {
                if self.status != GrantStatus::None {
                    return Err(GrantRefusal::AlreadySubmitted);
                }
                submitted(application)
            }
            GrantCommand::JudgeEligibility { results, criteria } => {
                self.judge_eligibility(results, &criteria)
            }
            GrantCommand::DeclareConflict { person, nature } => {
                self.case()?;
                if self.conflicted.contains(&person) {
                    return Err(GrantRefusal::ConflictAlreadyDeclared);
                }
                Ok(GrantEvent::ConflictDeclared { person, nature })
            }
            GrantCommand::AssignAssessor { assessor } => self.assign(assessor),
            GrantCommand::RecordScore { criterion, score, justification, criteria } => {
                self.score(criterion, score, justification, &criteria, at.actor.person)
            }
            GrantCommand::Recommend { amount, scoring } => self.recommend(amount, &scoring, at.actor.person),
            GrantCommand::Approve { instalments, terms_version, ground } => {
                self.approve(instalments, terms_version, ground, at.actor.person)
            }
            GrantCommand::Decline { feedback } => {
                self.must_be_before_approval()?;
                Ok(GrantEvent::Declined { feedback })
            }
            GrantCommand::Withdraw => {
                self.must_be_before_approval()?;
                Ok(GrantEvent::ApplicationWithdrawn {})
            }
            GrantCommand::IssueOffer { terms_hash, accept_by } => self.offer(terms_hash, accept_by, at.on),
            GrantCommand::AcceptOffer { terms_hash, signatory_role } => {
                self.accept(terms_hash, signatory_role, at)
            }
            GrantCommand::DeclineOffer => {
                self.must_be(GrantStatus::Offered)?;
                Ok(GrantEvent::OfferDeclined {})
            }
            GrantCommand::MeetCondition { condition, evidence } => self.meet(condition, evidence),
            GrantCommand::AuthoriseInstalment { instalment, pay_on, checks_valid_until, bank_version } => {
                self.authorise(instalment, pay_on, checks_valid_until, bank_version, at)
            }
            GrantCommand::ConfirmPayment { instalment, amount, value_date } => {
                self.confirm(instalment, amount, value_date, at)
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
        }
    }

    /// While it is assessed and until it is decided: a conflict that is declared after the recommendation takes
    /// scores away, and others must be able to put theirs in their place.
    fn must_be_assessed(&self) -> Result<(), GrantRefusal> {
        if self.status == GrantStatus::Recommended { Ok(()) } else { self.must_be(GrantStatus::Assessing) }
    }

    fn assign(&self, assessor: PersonId) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_assessed()?;
        if self.conflicted.contains(&assessor) {
            return Err(GrantRefusal::AssessorConflicted);
        }
        if self.assessors.contains(&assessor) {
            return Err(GrantRefusal::AlreadyAssigned);
        }
        Ok(GrantEvent::AssessorAssigned { assessor })
    }

    /// An offer that lapsed may be sent again: the money is still committed to it.
    fn offer(&self, terms_hash: Hash, accept_by: Date, on: Date) -> Result<GrantEvent, GrantRefusal> {
        let last_day = self.offer.as_ref().map(|(_, accept_by)| *accept_by);
        let lapsed = self.status == GrantStatus::Offered && last_day.is_some_and(|last_day| on > last_day);
        if !lapsed {
            self.must_be(GrantStatus::Approved)?;
        }
        if accept_by < on {
            return Err(GrantRefusal::OfferPast);
        }
        Ok(GrantEvent::OfferIssued { terms_hash, accept_by })
    }

    fn judge_eligibility(
        &self,
        results: Vec<CriterionResult>,
        criteria: &BTreeSet<Text<40>>,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be(GrantStatus::Submitted)?;
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
        self.must_be_assessed()?;
        if !self.assessors.contains(&assessor) {
            return Err(GrantRefusal::NotAssessor);
        }
        if !criteria.contains(&criterion) {
            return Err(GrantRefusal::CriterionUnknown { criterion: criterion.to_string() });
        }
        if !(1..=5).contains(&score) {
            return Err(GrantRefusal::ScoreOutOfRange { score });
        }
        if self.scores.contains(&(assessor, criterion.clone())) {
            return Err(GrantRefusal::AlreadyScored { criterion: criterion.to_string() });
        }
        Ok(GrantEvent::ScoreRecorded { assessor, criterion, score, justification })
    }

    fn fully_scored(&self, scoring: &BTreeSet<Text<40>>) -> Result<(), GrantRefusal> {
        let scored = |code: &&Text<40>| {
            self.scores
                .iter()
                .any(|(assessor, criterion)| criterion == *code && !self.conflicted.contains(assessor))
        };
        let missing: Vec<&str> = scoring.iter().filter(|code| !scored(code)).map(Text::as_str).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(GrantRefusal::NotFullyScored { missing: listed(missing) })
        }
    }

    fn recommend(
        &self,
        amount: Money,
        scoring: &BTreeSet<Text<40>>,
        proposer: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_assessed()?;
        self.fully_scored(scoring)?;
        let requested = self.case()?.requested;
        if amount > requested {
            return Err(GrantRefusal::ExceedsRequest { requested });
        }
        Ok(GrantEvent::Recommended { proposer, amount })
    }

    fn approve(
        &self,
        instalments: Vec<PlannedInstalment>,
        terms_version: Text<40>,
        ground: ApprovalGround,
        approver: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be(GrantStatus::Recommended)?;
        let (proposer, amount) = self.recommended.ok_or(GrantRefusal::Unknown)?;
        if self.proposers.contains(&approver) {
            return Err(GrantRefusal::ApproverProposed);
        }
        if self.conflicted.contains(&proposer) {
            return Err(GrantRefusal::ProposerConflicted);
        }
        if self.assessors.contains(&approver) {
            return Err(GrantRefusal::ApproverAssessed);
        }
        self.fully_scored(&ground.scoring)?;
        if amount > ground.authority.limit {
            return Err(GrantRefusal::ExceedsAuthority { amount, limit: ground.authority.limit });
        }
        if instalments.is_empty() {
            return Err(GrantRefusal::NoInstalments);
        }
        let mut ids = BTreeSet::new();
        if !instalments.iter().all(|one| ids.insert(one.id)) {
            return Err(GrantRefusal::InstalmentTwice);
        }
        let total: Decimal = instalments.iter().map(|one| one.amount.pounds()).sum();
        if total != amount.pounds() {
            return Err(GrantRefusal::InstalmentsDoNotAddUp { total: pounds(total), amount });
        }
        let mut planned: BTreeMap<FinancialYear, Decimal> = BTreeMap::new();
        for one in &instalments {
            *planned.entry(one.year).or_default() += one.amount.pounds();
        }
        for year in planned.keys().chain(ground.reserved.keys()) {
            let of = |sums: &BTreeMap<FinancialYear, Decimal>| sums.get(year).copied().unwrap_or_default();
            let (planned, reserved) = (of(&planned), of(&ground.reserved));
            if planned != reserved {
                let (planned, reserved) = (pounds(planned), pounds(reserved));
                return Err(GrantRefusal::InstalmentsNotAsReserved { year: *year, planned, reserved });
            }
        }
        let authority = ground.authority;
        Ok(GrantEvent::Approved { approver, amount, authority, instalments, terms_version })
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
        self.must_be(GrantStatus::Active)?;
        let mut conditions = self.instalments.iter().flat_map(|one| &one.plan.conditions);
        if !conditions.any(|one| one.id == condition) {
            return Err(GrantRefusal::ConditionUnknown);
        }
        if self.met.contains(&condition) {
            return Err(GrantRefusal::ConditionAlreadyMet);
        }
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
        self.must_be(GrantStatus::Active)?;
        let one = self.instalment(instalment)?;
        if one.pay == Pay::Closed {
            return Err(GrantRefusal::InstalmentClosed);
        }
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
        self.must_be(GrantStatus::Active)?;
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

/// An application as a fact, when it is whole and makes sense in itself.
fn submitted(application: Application) -> Result<GrantEvent, GrantRefusal> {
    let Application {
        reference,
        partner,
        programme,
        fund,
        title,
        purpose,
        requested,
        places,
        starts_on,
        ends_on,
        needs,
        delivery,
    } = application;
    if places.is_empty() {
        return Err(GrantRefusal::NoPlace);
    }
    if ends_on < starts_on {
        return Err(GrantRefusal::DatesReversed);
    }
    let mut partners = BTreeSet::from([partner]);
    if !delivery.iter().all(|share| partners.insert(share.partner)) {
        return Err(GrantRefusal::DeliveryPartnerTwice);
    }
    let shares: Decimal = delivery.iter().map(|share| share.amount.pounds()).sum();
    if shares > requested.pounds() {
        return Err(GrantRefusal::DeliveryExceedsRequest { shares: pounds(shares), requested });
    }
    let percent: u32 = needs.iter().map(|share| u32::from(share.percent)).sum();
    if !needs.is_empty() && (percent != 100 || needs.iter().any(|share| share.percent == 0)) {
        return Err(GrantRefusal::NeedShares { total: percent });
    }
    Ok(GrantEvent::ApplicationSubmitted {
        reference,
        partner,
        programme,
        fund,
        title,
        purpose,
        requested,
        places,
        starts_on,
        ends_on,
        needs,
        delivery,
    })
}
