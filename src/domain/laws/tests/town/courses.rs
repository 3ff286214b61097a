//! What becomes of a grant of the town after its award: it is varied, cut, held up, ended and closed.

use super::*;
use crate::domain::grant::{
    ByYear, Change, CourseCommand, MonitoringCommand, MonitoringReport, Replan, ReturnKind, ReturnTerms,
    Slot, SuspensionGround, VariationCommand, Wish,
};
use crate::domain::identity::{ReturnId, VariationId};

/// Each grant has one change under way at a time, and one last return.
fn of_grant<Id: From<Uuid>>(id: GrantId) -> Id {
    Id::from(id.0)
}

fn shares(sums: ByYear) -> Vec<YearShare> {
    sums.into_iter().filter_map(|(year, sum)| Some(YearShare { year, amount: Money::some(sum)? })).collect()
}

impl Town {
    /// What comes after an award waits for one, and what comes back for a payment, or most steps would lead nowhere:
    /// until then the grant is brought forward instead, but for one time in a while.
    pub(super) fn fitting(&self, id: GrantId, step: Step) -> Deed {
        use GrantStatus::{Active, Closing, Suspended, Terminated};
        let awarded = matches!(self.grants[&id].status(), Active | Closing | Suspended | Terminated);
        let later = matches!(
            step.deed,
            Deed::Pay
                | Deed::Authorise
                | Deed::Return
                | Deed::Recover
                | Deed::Change
                | Deed::Cut
                | Deed::HoldUp
                | Deed::Terminate
                | Deed::Close
        );
        let of_paid = matches!(step.deed, Deed::Return | Deed::Recover);
        let paid = !self.grants[&id].paid().is_zero();
        if later && !awarded && step.twist != 22 {
            Deed::Next
        } else if of_paid && awarded && !paid && step.twist != 22 {
            Deed::Pay
        } else {
            step.deed
        }
    }

    /// What later steps may be about.
    pub(super) fn note(&mut self, id: GrantId, event: &GrantEvent) {
        let plan = self.plans.entry(id).or_default();
        let mut replan = |changed: &Replan| {
            plan.retain(|one| changed.from.iter().all(|gone| gone.id != one.id));
            plan.extend(changed.to.iter().cloned());
        };
        if let GrantEvent::Approved { instalments, .. } = event {
            plan.clone_from(instalments);
        } else if let GrantEvent::VariationApproved { change, .. } = event {
            change.plan().into_iter().for_each(replan);
        } else if let GrantEvent::UnspentReleased { plan: cut, .. } = event {
            replan(cut);
        } else if let GrantEvent::PaymentReturned { replacement, .. } = event {
            plan.push(replacement.clone());
        } else if let GrantEvent::RecoveryDemanded { .. } = event {
            *self.demands.entry(id).or_default() += 1;
        }
    }

    pub(super) fn reservation(&self, id: GrantId, shares: Vec<YearShare>) -> Result<FundCommand, Refused> {
        let (case, rules) = (self.grants[&id].case()?, self.rules(id)?);
        Ok(FundCommand::ReserveCommitment {
            link: GrantLink { grant: id, programme: case.subject.programme, partner: case.subject.partner },
            shares,
            expires_on: self.today + chrono::Days::new(u64::from(rules.limits.reservation_days)),
            intended: IntendedUse {
                purpose: rules.purpose.clone(),
                places: case.places.clone(),
                period: case.period,
            },
        })
    }

    fn vary(&self, id: GrantId, command: VariationCommand, at: &Circumstances) -> Result<Decision, Refused> {
        self.on_grant(id, GrantCommand::Vary(command), at)
    }

    fn steer(&self, id: GrantId, command: CourseCommand, at: &Circumstances) -> Result<Decision, Refused> {
        self.on_grant(id, GrantCommand::Steer(command), at)
    }

    fn monitor(
        &self,
        id: GrantId,
        command: MonitoringCommand,
        at: &Circumstances,
    ) -> Result<Decision, Refused> {
        self.on_grant(id, GrantCommand::Monitor(command), at)
    }

    /// A change is asked for, or the one that was is decided.
    pub(super) fn change(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        match self.grants[&id].asked(of_grant(id)).cloned() {
            Ok(change) => self.decide_change(id, &change, step),
            Err(_) => self.ask_for_change(id, step),
        }
    }

    /// More, less, or the same in another year. What it needs is reserved in the same decision.
    fn ask_for_change(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let grant = &self.grants[&id];
        let (from, unpaid) = (grant.total()?, grant.unpaid());
        let much = pence(u32::from(step.much) * 37);
        let wish = match step.twist % 3 {
            0 => {
                let (number, year) = (self.unused(id, step), years()[usize::from(step.much % 2)]);
                let (amount, due) = (much, self.today);
                let added = PlannedInstalment { id: number, amount, due, year, conditions: Vec::new() };
                Wish::Amount { from, to: Money::new(from.pounds() + much.pounds())?, added: vec![added] }
            }
            1 => {
                let left: Decimal = unpaid.iter().map(|one| one.amount.pounds()).sum();
                let off = if step.twist == 1 { left + Decimal::new(1, 2) } else { left.min(much.pounds()) };
                Wish::Amount { from, to: Money::new(from.pounds() - off)?, added: Vec::new() }
            }
            _ => {
                let other = |slot: Slot| Slot { year: years()[usize::from(slot.year == years()[0])], ..slot };
                let slots: Vec<Slot> = unpaid.iter().map(Slot::from).collect();
                Wish::Schedule { from: slots.clone(), to: slots.into_iter().map(other).collect() }
            }
        };
        let at = self.who(step, PROPOSER);
        let (variation, justification) = (of_grant(id), words("More came than we thought."));
        let mut decision =
            self.vary(id, VariationCommand::Request { variation, justification, wish }, &at)?;
        let rises = decision.iter().find_map(|(_, fact)| {
            if let Fact::Grant(GrantEvent::VariationRequested { change, .. }) = fact {
                Some(change.rises())
            } else {
                None
            }
        });
        let rises = rises.filter(|rises| !rises.is_empty() && !self.off.contains(&Guard::ReserveForChange));
        if let Some(rises) = rises {
            let fund = self.fund_of(id)?;
            let reserve = self.reservation(id, shares(rises))?;
            decision.extend(facts(fund, self.ask_fund(&self.funds[&fund], reserve, &at)?));
        }
        Ok(decision)
    }

    fn decide_change(&self, id: GrantId, change: &Change, step: Step) -> Result<Decision, Refused> {
        let (fund, variation): (FundId, VariationId) = (self.fund_of(id)?, of_grant(id));
        let held = self.funds[&fund].has_reservation(id);
        if step.twist.is_multiple_of(4) {
            let at = self.who(step, APPROVER);
            let refuse = VariationCommand::Refuse { variation, feedback: words("Not this year.") };
            let mut decision = self.vary(id, refuse, &at)?;
            if held && !self.off.contains(&Guard::VoidWithRefusedChange) {
                let void = FundCommand::VoidReservation { grant: id, cause: ReleaseCause::VariationRefused };
                decision.extend(facts(fund, judge(&self.funds[&fund], void, &at)?));
            }
            return Ok(decision);
        }
        let rising = !change.rises().is_empty();
        let reserved =
            if rising { self.funds[&fund].reserved_by_year(id, self.today)? } else { ByYear::new() };
        let limit = pence(if step.twist == 5 { 30_000 } else { 9_000_000 });
        let approve = VariationCommand::Approve {
            variation,
            authority: AuthorityUsed { source: AuthoritySource::Words(words("a delegation")), limit },
            one_approver: self.rules(id)?.limits.one_approver,
            reserved,
        };
        let at = self.at(if step.much.is_multiple_of(2) { APPROVER } else { SECOND_APPROVER });
        let mut decision = self.vary(id, approve, &at)?;
        if !decision.iter().any(|(_, fact)| matches!(fact, Fact::Grant(GrantEvent::VariationApproved { .. })))
        {
            return Ok(decision);
        }
        let mut state = self.funds[&fund].clone();
        if rising && !self.off.contains(&Guard::CommitWithChange) {
            let confirmed = judge(&state, FundCommand::ConfirmCommitment { grant: id }, &at)?;
            for event in &confirmed {
                state.evolve(event);
            }
            decision.extend(facts(fund, confirmed));
        }
        let falls = change.falls();
        if !falls.is_empty() && !self.off.contains(&Guard::ReleaseWithChange) {
            let (shares, cause) = (shares(falls), ReleaseCause::Varied);
            let release = FundCommand::ReducePromise { grant: id, shares, cause };
            decision.extend(facts(fund, self.ask_fund(&state, release, &at)?));
        }
        Ok(decision)
    }

    /// What the partner will not spend is declared, then released.
    pub(super) fn cut(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let amount = pence(u32::from(step.much) * 23);
        let at = self.who(step, FINANCE);
        let released = match self.steer(id, CourseCommand::ReleaseUnspent { amount }, &at) {
            Err(refused) if refused.code != "grant.exceeds_unpaid" => {
                return self.steer(id, CourseCommand::DeclareUnderspend { amount }, &self.at(PARTNER));
            }
            answer => answer?,
        };
        let before = &self.grants[&id];
        let mut after = before.clone();
        for (_, fact) in &released {
            if let Fact::Grant(event) = fact {
                after.evolve(event);
            }
        }
        let (shares, cause) =
            (shares(Replan { from: before.unpaid(), to: after.unpaid() }.falls()), ReleaseCause::Underspend);
        let fund = self.fund_of(id)?;
        let release = FundCommand::ReducePromise { grant: id, shares, cause };
        Ok([released, facts(fund, self.ask_fund(&self.funds[&fund], release, &at)?)].concat())
    }

    /// Suspended by one, resumed by another.
    pub(super) fn hold_up(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        if self.grants[&id].status() == GrantStatus::Suspended {
            return self.steer(id, CourseCommand::Resume, &self.who(step, APPROVER));
        }
        let grounds = BTreeSet::from([SuspensionGround::FinancialConcern]);
        self.steer(id, CourseCommand::Suspend { grounds }, &self.who(step, PROPOSER))
    }

    /// Put forward by one, decided by another; what was still to be paid is released in the same decision.
    pub(super) fn terminate(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let proposed = self.steer(id, CourseCommand::ProposeTermination, &self.who(step, PROPOSER));
        if !matches!(&proposed, Err(refused) if refused.code == "grant.termination_proposed_already") {
            return proposed;
        }
        let at = self.who(step, if step.twist == 3 { PROPOSER } else { APPROVER });
        let mut decision = self.steer(id, CourseCommand::Terminate, &at)?;
        if !self.grants[&id].unpaid().is_empty() && !self.off.contains(&Guard::ReleaseWithTermination) {
            let fund = self.fund_of(id)?;
            let release = FundCommand::ReleaseCommitment { grant: id, cause: ReleaseCause::Terminated };
            decision.extend(facts(fund, judge(&self.funds[&fund], release, &at)?));
        }
        Ok(decision)
    }

    /// The last return is asked for, sent in and accepted; then somebody else closes the grant.
    pub(super) fn close(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let return_id: ReturnId = of_grant(id);
        let day = self.today;
        let terms = ReturnTerms { kind: ReturnKind::Final, from: day, to: day, due: day, tolerance_days: 30 };
        let report = MonitoringReport {
            spent: None,
            own_money: None,
            people_reached: 12,
            outcomes: Vec::new(),
            stories: Vec::new(),
        };
        let close = CourseCommand::Close { final_spend: None, outcomes: Vec::new() };
        let closer = self.who(step, if step.twist == 3 { PROPOSER } else { APPROVER });
        self.monitor(id, MonitoringCommand::Request { return_id, terms }, &self.at(PROPOSER))
            .or_else(|_| self.monitor(id, MonitoringCommand::Submit { return_id, report }, &self.at(PARTNER)))
            .or_else(|_| self.monitor(id, MonitoringCommand::Accept { return_id }, &self.at(PROPOSER)))
            .or_else(|_| self.steer(id, close, &closer))
    }
}
