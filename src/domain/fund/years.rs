//! Moving budget between funds and years, and closing: what is closed keeps its figures for ever.

use rust_decimal::Decimal;

use super::{
    ClosedFigures, EventRange, Fund, FundEvent, FundId, FundRefusal, GrantId, RecoveryRule, Restriction,
    Terms, TransferId, YearFigures,
};
use crate::domain::Aggregate;
use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::money::{Money, pounds};

/// Budget that goes from one fund to another in the same year.
#[derive(Debug, Clone, Copy)]
pub struct Transfer {
    /// Its id, the same in both funds.
    pub id: TransferId,
    /// Which fund gives.
    pub from: FundId,
    /// Which fund takes.
    pub to: FundId,
    /// GBP.
    pub amount: Money,
    /// Whose budget, in both.
    pub year: FinancialYear,
}

/// What surrounds a closing.
#[derive(Debug, Clone, Copy)]
pub struct Closing {
    /// The day on which it is decided.
    pub today: Date,
    /// How many events the log has, read after the fund was.
    pub log_size: u64,
}

impl Terms {
    /// Why money given on these terms may not go to a fund with others. Unrestricted money may go anywhere.
    fn forbid(&self, receiver: &Self) -> Option<&'static str> {
        let own = self.restriction.as_ref()?;
        let Some(theirs) = &receiver.restriction else { return Some("is not restricted") };
        if !theirs.purposes.is_subset(&own.purposes) {
            return Some("has other purposes");
        }
        if !places_within(theirs, own) {
            return Some("may be used in other places");
        }
        if receiver.spend.0 < self.spend.0 || receiver.spend.1 > self.spend.1 {
            return Some("may be spent on other days");
        }
        if receiver.funder != self.funder {
            return Some("holds the money of another funder");
        }
        let keeps = receiver.recovery_rule == RecoveryRule::Recredit;
        (keeps && self.recovery_rule == RecoveryRule::ReturnToFunder).then_some("keeps what is recovered")
    }
}

/// No places means any.
fn places_within(inner: &Restriction, outer: &Restriction) -> bool {
    outer.places.is_empty() || (!inner.places.is_empty() && inner.places.is_subset(&outer.places))
}

impl From<&YearFigures> for ClosedFigures {
    fn from(figures: &YearFigures) -> Self {
        Self {
            budget: figures.budget.into(),
            paid: figures.paid.into(),
            returned: figures.returned.into(),
            recovered: figures.recovered.into(),
        }
    }
}

impl Fund {
    /// The year in which something that concerns a year takes effect, and that year where it is closed and therefore
    /// corrected.
    pub(super) fn open_year(&self, concerned: FinancialYear) -> (FinancialYear, Option<FinancialYear>) {
        match self.closed_through {
            Some(last) if concerned <= last => (last.following(), Some(concerned)),
            _ => (concerned, None),
        }
    }

    pub(super) fn must_be_open(&self, year: FinancialYear) -> Result<(), FundRefusal> {
        match self.open_year(year) {
            (open, Some(_)) => Err(FundRefusal::YearIsClosed { year, open }),
            (_, None) => Ok(()),
        }
    }

    pub(super) const fn must_not_be_closed(&self) -> Result<(), FundRefusal> {
        if self.is_closed { Err(FundRefusal::IsClosed) } else { Ok(()) }
    }

    /// Whether more can be put into the budget of a year.
    pub(super) fn takes_budget(&self, year: FinancialYear) -> Result<(), FundRefusal> {
        self.must_not_be_closed()?;
        self.within_dates(year)?;
        self.must_be_open(year)
    }

    pub(super) fn transfer_out(
        &self,
        transfer: Transfer,
        receiver: &Terms,
    ) -> Result<FundEvent, FundRefusal> {
        let Transfer { id, from, to, amount, year } = transfer;
        if from == to {
            return Err(FundRefusal::SameFund);
        }
        if let Some(why) = self.terms()?.forbid(receiver) {
            return Err(FundRefusal::TransferNotAllowed { why });
        }
        self.must_be_open(year)?;
        self.within_available(year, amount)?;
        Ok(FundEvent::BudgetTransferredOut { transfer: id, to, amount, year })
    }

    pub(super) fn transfer_in(&self, transfer: Transfer) -> Result<FundEvent, FundRefusal> {
        let Transfer { id, from, amount, year, .. } = transfer;
        self.takes_budget(year)?;
        Ok(FundEvent::BudgetTransferredIn { transfer: id, from, amount, year })
    }

    pub(super) fn carry_forward(
        &self,
        from: FinancialYear,
        to: FinancialYear,
        amount: Money,
    ) -> Result<FundEvent, FundRefusal> {
        if to <= from {
            return Err(FundRefusal::CarryBackwards { from, to });
        }
        self.must_be_open(from)?;
        self.takes_budget(to)?;
        self.within_available(from, amount)?;
        Ok(FundEvent::BudgetCarriedForward { from, to, amount })
    }

    /// Promises not yet paid move on first, where that is asked for; the figures are those after it.
    pub(super) fn close_year(
        &self,
        year: FinancialYear,
        carry_commitments: bool,
        closing: Closing,
    ) -> Result<Vec<FundEvent>, FundRefusal> {
        self.must_be_open(year)?;
        if !self.years.contains_key(&year) {
            self.within_dates(year)?;
        }
        if closing.today <= year.last_day() {
            return Err(FundRefusal::YearNotOver { year, last: day(year.last_day()) });
        }
        let last_closed = self.closed_through;
        let mut open = self.years.keys().filter(|one| last_closed.is_none_or(|last| **one > last));
        if let Some(earlier) = open.find(|one| **one < year) {
            return Err(FundRefusal::EarlierYearOpen { year: *earlier });
        }
        let mut events = if carry_commitments { self.carry_commitments(year)? } else { Vec::new() };
        let mut after = self.clone();
        for event in &events {
            after.evolve(event);
        }
        let figures = after.years.get(&year).copied().unwrap_or_default();
        if !figures.reserved.is_zero() {
            return Err(FundRefusal::YearHasReservations { year, reserved: pounds(figures.reserved) });
        }
        if !figures.outstanding.is_zero() {
            return Err(FundRefusal::YearHasCommitments { year, committed: pounds(figures.outstanding) });
        }
        if !figures.available().is_zero() {
            return Err(FundRefusal::YearHasAvailable { year, available: pounds(figures.available()) });
        }
        events.push(FundEvent::YearClosed {
            year,
            figures: (&figures).into(),
            events: EventRange { first: 1, last: after.events },
            log_size: closing.log_size,
        });
        Ok(events)
    }

    /// Each grant’s unpaid promise of a year, moved to the next.
    fn carry_commitments(&self, year: FinancialYear) -> Result<Vec<FundEvent>, FundRefusal> {
        let to = year.following();
        let events: Vec<FundEvent> = self
            .commitments
            .values()
            .filter_map(|commitment| {
                let amount = Money::some(*commitment.outstanding.get(&year)?)?;
                Some(FundEvent::CommitmentCarriedForward { link: commitment.link, from: year, to, amount })
            })
            .collect();
        if !events.is_empty() {
            self.within_dates(to)?;
        }
        Ok(events)
    }

    /// A closed fund still takes in what comes back; nothing else is put in or promised.
    pub(super) fn close(&self, log_size: u64) -> Result<FundEvent, FundRefusal> {
        self.terms()?;
        self.must_not_be_closed()?;
        let sum = |of: fn(&YearFigures) -> Decimal| self.years.values().map(of).sum::<Decimal>();
        let mut left = self.years.values().flat_map(|one| [one.available(), one.reserved, one.outstanding]);
        if left.any(|left| !left.is_zero()) {
            return Err(FundRefusal::HasMoney {
                available: pounds(sum(YearFigures::available)),
                reserved: pounds(sum(|one| one.reserved)),
                committed: pounds(sum(|one| one.outstanding)),
            });
        }
        let figures = ClosedFigures {
            budget: sum(|one| one.budget).into(),
            paid: sum(|one| one.paid).into(),
            returned: sum(|one| one.returned).into(),
            recovered: sum(|one| one.recovered).into(),
        };
        let events = EventRange { first: 1, last: self.events };
        Ok(FundEvent::Closed { figures, events, log_size })
    }

    /// The budget behind a promise goes with it.
    pub(super) fn move_promise(
        &mut self,
        grant: GrantId,
        (from, to): (FinancialYear, FinancialYear),
        amount: Decimal,
    ) {
        for (year, by) in [(from, -amount), (to, amount)] {
            let figures = self.year(year);
            figures.budget += by;
            figures.outstanding += by;
            if let Some(commitment) = self.commitments.get_mut(&grant) {
                *commitment.outstanding.entry(year).or_default() += by;
            }
        }
    }
}
