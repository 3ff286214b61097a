//! What happens to the budgets of the town: transfers, years that end.

use super::*;

/// Budget between funds and years, and the end of a year.
impl Town {
    pub(super) fn transfer(&self, step: Step) -> Result<Decision, Refused> {
        let (from, to): (FundId, FundId) = (numbered(step.which % FUNDS), numbered((step.which + 1) % FUNDS));
        let transfer = Transfer {
            id: TransferId(Uuid::from_u128(u128::from(step.much) << 8 | u128::from(step.twist))),
            from,
            to: if step.twist == 1 { from } else { to },
            amount: pence(u32::from(step.much) * 499),
            year: years()[usize::from(step.twist % 2)],
        };
        let at = self.who(step, PAYER);
        let receiver = self.funds[&to].terms()?.clone();
        let given =
            self.ask_fund(&self.funds[&from], FundCommand::TransferOut { transfer, receiver }, &at)?;
        let taken = self.ask_fund(&self.funds[&to], FundCommand::TransferIn(transfer), &at)?;
        let mut decision = facts(from, given);
        if !self.off.contains(&Guard::BothSidesOfATransfer) {
            decision.extend(facts(to, taken));
        }
        Ok(decision)
    }

    pub(super) fn carry(&self, step: Step) -> Result<Decision, Refused> {
        let id: FundId = numbered(step.which % FUNDS);
        let [from, to] = years();
        let carry = FundCommand::CarryForward { from, to, amount: pence(u32::from(step.much) * 499) };
        Ok(facts(id, self.ask_fund(&self.funds[&id], carry, &self.who(step, PAYER))?))
    }

    /// A year ends early in the life of few towns, and somebody may forget what is left in it.
    pub(super) fn end_year(&mut self, step: Step) -> Result<Decision, Refused> {
        let [year, to] = years();
        if self.today <= year.last_day() && step.twist < 12 {
            self.today = year.last_day() + chrono::Days::new(1);
        }
        let id: FundId = numbered(step.which % FUNDS);
        let at = self.who(step, PAYER);
        let (mut fund, mut decision) = (self.funds[&id].clone(), Decision::new());
        let left = fund.years().get(&year).map(YearFigures::available).and_then(Money::some);
        if let Some(amount) = left.filter(|_| step.twist != 9) {
            let carried = self.ask_fund(&fund, FundCommand::CarryForward { from: year, to, amount }, &at)?;
            for event in &carried {
                fund.evolve(event);
            }
            decision.extend(facts(id, carried));
        }
        let close = FundCommand::CloseYear {
            year,
            carry_commitments: !matches!(step.twist, 5 | 7 | 13),
            log_size: 0,
        };
        decision.extend(facts(id, self.ask_fund(&fund, close, &at)?));
        Ok(decision)
    }
}
