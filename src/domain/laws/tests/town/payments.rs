//! What is paid in the town, comes back and is got back.

use super::*;

impl Town {
    /// The instalment a step is about: any of those planned.
    pub(super) fn chosen(&self, id: GrantId, step: Step) -> Option<&PlannedInstalment> {
        let plan = self.plans.get(&id)?;
        plan.get(usize::from(step.much) % plan.len())
    }

    pub(super) fn authorise(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let instalment = self.chosen(id, step).map(|one| one.id).unwrap_or_default();
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
        let instalment = self.chosen(id, step).map(|one| one.id).unwrap_or_default();
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

    pub(super) fn give_back(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let instalment = self.chosen(id, step).map(|one| one.id).unwrap_or_default();
        let fund = self.fund_of(id)?;
        let give_back = FundCommand::ReturnExpenditure { grant: id, instalment, value_date: self.today };
        Ok(facts(fund, self.ask_fund(&self.funds[&fund], give_back, &self.who(step, PAYER))?))
    }

    /// All of an instalment, some of it, or a penny more than it was.
    pub(super) fn recover(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let (year, whole) =
            self.chosen(id, step).map_or((years()[0], pence(1)), |one| (one.year, one.amount));
        let amount = match step.twist {
            1 => Money::new(whole.pounds() + Decimal::new(1, 2)).unwrap(),
            2..8 => whole,
            _ => whole.split(&[1, 3])[0].unwrap_or(whole),
        };
        let recovery = RecoveryId(Uuid::from_u128(step.much.into()));
        let fund = self.fund_of(id)?;
        let at = self.who(step, PAYER);
        let post =
            FundCommand::PostRecovery { grant: id, recovery, shares: vec![YearShare { year, amount }] };
        let posted = facts(fund, self.ask_fund(&self.funds[&fund], post, &at)?);
        // It is asked back and comes in one go; the guards of a demand are the grant's, and have tests of their own.
        let (ground, demanded_by) = (RecoveryGround::Underspend, at.actor.person);
        let of_grant = vec![
            GrantEvent::RecoveryDemanded { recovery, ground, amount, demanded_by },
            GrantEvent::RecoveryReceived { recovery, amount, value_date: self.today },
        ];
        Ok([facts(id, of_grant), posted].concat())
    }
}
