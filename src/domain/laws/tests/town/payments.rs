//! What is paid in the town, comes back and is got back.

use super::*;
use crate::domain::grant::RecoveryCommand;
use crate::domain::identity::InstalmentId;

impl Town {
    /// The instalment a step is about: any of those planned.
    pub(super) fn chosen(&self, id: GrantId, step: Step) -> Option<&PlannedInstalment> {
        let plan = self.plans.get(&id)?;
        plan.get(usize::from(step.much).checked_rem(plan.len())?)
    }

    /// The first instalment of a grant that stands as a step is best about, most of the time; else any.
    fn best(&self, id: GrantId, step: Step, stands: impl Fn(&PlannedInstalment) -> bool) -> InstalmentId {
        let plan = self.plans.get(&id).map(Vec::as_slice).unwrap_or_default();
        let best = plan.iter().filter(|_| step.twist > 3).find(|one| stands(one));
        best.or_else(|| self.chosen(id, step)).map(|one| one.id).unwrap_or_default()
    }

    fn is_paid(&self, id: GrantId, one: &PlannedInstalment) -> bool {
        let (instalment, replacement) = (one.id, InstalmentId(Uuid::max()));
        let (value_date, bank_code) = (self.today, words("AC04"));
        let back = GrantCommand::ReturnPayment { instalment, value_date, bank_code, replacement };
        !matches!(judge(&self.grants[&id], back, &self.at(PAYER)), Err(not) if not.code == "grant.not_paid")
    }

    fn is_authorised(&self, id: GrantId, one: &PlannedInstalment) -> bool {
        let withdraw = GrantCommand::WithdrawAuthorisation { instalment: one.id };
        judge(&self.grants[&id], withdraw, &self.at(PAYER)).is_ok()
    }

    /// The id of an instalment that this grant has not planned yet; now and then one that it has.
    pub(super) fn unused(&self, id: GrantId, step: Step) -> InstalmentId {
        let plan = self.plans.get(&id).map(Vec::as_slice).unwrap_or_default();
        if let Some(known) = plan.first().filter(|_| step.twist == 6) {
            return known.id;
        }
        let free = |number: &u128| plan.iter().all(|one| one.id.0.as_u128() != *number);
        (1_000..2_000).find(free).map(|number| InstalmentId(Uuid::from_u128(number))).unwrap_or_default()
    }

    pub(super) fn authorise(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let unpaid = self.grants[&id].unpaid();
        let instalment = self.best(id, step, |one| unpaid.contains(one));
        if step.twist == 9 {
            let withdraw = GrantCommand::WithdrawAuthorisation { instalment };
            return self.on_grant(id, withdraw, &self.who(step, PROPOSER));
        }
        let command = GrantCommand::AuthoriseInstalment {
            instalment,
            pay_on: self.today,
            checks_valid_until: None,
            bank_version: 1,
        };
        self.on_grant(id, command, &self.who(step, FINANCE))
    }

    /// Posts the expenditure in the same decision.
    pub(super) fn pay(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let instalment = self.best(id, step, |one| self.is_authorised(id, one));
        let planned = self.grants[&id].planned(instalment)?;
        let odd = match step.twist {
            1 => Decimal::new(1, 2),
            2 => Decimal::new(-1, 2),
            _ => Decimal::ZERO,
        };
        let amount = Money::new(planned.amount.pounds() + odd).unwrap_or(planned.amount);
        let (value_date, at) = (self.today, self.who(step, PAYER));
        let confirm = GrantCommand::ConfirmPayment { instalment, amount, value_date };
        let mut decision = self.on_grant(id, confirm, &at)?;
        let fund = self.fund_of(id)?;
        let year = planned.year;
        let post = FundCommand::PostExpenditure { grant: id, instalment, year, amount, value_date };
        decision.extend(facts(fund, self.ask_fund(&self.funds[&fund], post, &at)?));
        Ok(decision)
    }

    /// A payment comes back from the bank, and another instalment takes the place of its own.
    pub(super) fn give_back(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let instalment = self.best(id, step, |one| self.is_paid(id, one));
        let (value_date, at) = (self.today, self.who(step, PAYER));
        let (bank_code, replacement) = (words("AC04"), self.unused(id, step));
        let back = GrantCommand::ReturnPayment { instalment, value_date, bank_code, replacement };
        let mut decision = self.on_grant(id, back, &at)?;
        if self.off.contains(&Guard::DemandLowered) {
            decision.retain(|(_, fact)| !matches!(fact, Fact::Grant(GrantEvent::RecoveryReduced { .. })));
        }
        let fund = self.fund_of(id)?;
        let back = FundCommand::ReturnExpenditure { grant: id, instalment, value_date };
        decision.extend(facts(fund, self.ask_fund(&self.funds[&fund], back, &at)?));
        Ok(decision)
    }

    fn asked_back(&self, id: GrantId, command: RecoveryCommand, actor: u128) -> Result<Decision, Refused> {
        self.on_grant(id, GrantCommand::Recover(command), &self.at(actor))
    }

    /// Money is asked back, comes, is given up, or is asked for after all: all of an instalment, some of it, or a penny more than it was.
    pub(super) fn recover(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let best = self.best(id, step, |one| self.is_paid(id, one));
        let of = self.plans.get(&id).into_iter().flatten().find(|one| one.id == best);
        let (year, whole) = of.map_or((years()[0], pence(1)), |one| (one.year, one.amount));
        // Now and then somebody takes it for money of the other year.
        let year = if step.twist == 11 { years()[usize::from(year == years()[0])] } else { year };
        let amount = match step.twist {
            1 => Money::new(whole.pounds() + Decimal::new(1, 2)).unwrap(),
            2..8 => whole,
            _ => whole.split(&[1, 3])[0].unwrap_or(whole),
        };
        let demands = self.demands.get(&id).copied().unwrap_or_default();
        let recovery = RecoveryId(Uuid::from_u128(demands));
        if demands == 0 || step.twist.is_multiple_of(6) {
            let (recovery, ground) = (RecoveryId(Uuid::from_u128(demands + 1)), RecoveryGround::Underspend);
            return self.asked_back(id, RecoveryCommand::Demand { recovery, ground, amount }, PROPOSER);
        }
        if step.twist % 6 == 1 {
            return self.asked_back(id, RecoveryCommand::WriteOff { recovery, amount }, PAYER);
        }
        if step.twist % 12 == 10 {
            return self.asked_back(id, RecoveryCommand::UndoWriteOff { recovery, amount }, PAYER);
        }
        let receive = RecoveryCommand::Receive { recovery, amount, value_date: self.today };
        let mut decision = self.asked_back(id, receive, PAYER)?;
        let fund = self.fund_of(id)?;
        let post =
            FundCommand::PostRecovery { grant: id, recovery, shares: vec![YearShare { year, amount }] };
        decision.extend(facts(fund, self.ask_fund(&self.funds[&fund], post, &self.at(PAYER))?));
        Ok(decision)
    }
}
