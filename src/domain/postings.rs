//! Double entry: what each fact of a fund moves, from where to where. The ledger and its laws rest on this and on
//! nothing else.

use rust_decimal::Decimal;

use super::calendar::FinancialYear;
use super::fund::{FundEvent, GrantLink, YearShare};
use super::identity::InstalmentId;
use super::money::Money;

codes! {
    /// Where money of a fund can be.
    pub enum Pot {
        "funder" => Funder, "with the funder";
        "available" => Available, "available";
        "reserved" => Reserved, "reserved";
        "committed" => Committed, "committed";
        "spent" => Spent, "paid";
    }
}

codes! {
    /// What kind of movement a line of the ledger is.
    pub enum Movement {
        "allocate" => Allocate, "budget allocated";
        "reduce" => Reduce, "budget reduced";
        "reserve" => Reserve, "reserved";
        "void" => Void, "reservation voided";
        "commit" => Commit, "committed";
        "release" => Release, "commitment released";
        "pay" => Pay, "paid";
        "return" => Return, "payment returned";
        "recover" => Recover, "recovered";
    }
}

impl Movement {
    /// From which pot to which.
    #[must_use]
    pub const fn way(self) -> (Pot, Pot) {
        match self {
            Self::Allocate => (Pot::Funder, Pot::Available),
            Self::Reduce => (Pot::Available, Pot::Funder),
            Self::Reserve => (Pot::Available, Pot::Reserved),
            Self::Void => (Pot::Reserved, Pot::Available),
            Self::Commit => (Pot::Reserved, Pot::Committed),
            Self::Release => (Pot::Committed, Pot::Available),
            Self::Pay => (Pot::Committed, Pot::Spent),
            Self::Return => (Pot::Spent, Pot::Committed),
            Self::Recover => (Pot::Spent, Pot::Available),
        }
    }
}

/// One line of the ledger: an amount that moved from one pot to another in one year's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// What kind of movement.
    pub movement: Movement,
    /// In which year's budget.
    pub year: FinancialYear,
    /// GBP.
    pub amount: Money,
    /// For which grant, where it is for one.
    pub link: Option<GrantLink>,
    /// For which instalment, where it is for one.
    pub instalment: Option<InstalmentId>,
}

/// What a fact of a fund moves.
#[must_use]
pub fn postings(event: &FundEvent) -> Vec<Posting> {
    let line = |movement, year, amount| Posting { movement, year, amount, link: None, instalment: None };
    let lines = |movement, link: &GrantLink, shares: &[YearShare]| {
        shares
            .iter()
            .map(|share| Posting { link: Some(*link), ..line(movement, share.year, share.amount) })
            .collect()
    };
    match event {
        FundEvent::Opened { .. } => Vec::new(),
        FundEvent::BudgetAllocated { amount, year, .. } => vec![line(Movement::Allocate, *year, *amount)],
        FundEvent::BudgetReduced { amount, year, .. } => vec![line(Movement::Reduce, *year, *amount)],
        FundEvent::CommitmentReserved { link, shares, .. } => lines(Movement::Reserve, link, shares),
        FundEvent::ReservationVoided { link, shares, .. } => lines(Movement::Void, link, shares),
        FundEvent::CommitmentConfirmed { link, shares } => lines(Movement::Commit, link, shares),
        FundEvent::CommitmentReleased { link, shares, .. } => lines(Movement::Release, link, shares),
        FundEvent::ExpenditurePosted { link, instalment, year, amount, .. } => vec![Posting {
            link: Some(*link),
            instalment: Some(*instalment),
            ..line(Movement::Pay, *year, *amount)
        }],
        FundEvent::CommitmentIncreased { link, shares } => lines(Movement::Commit, link, shares),
        FundEvent::ExpenditureReturned { link, instalment, year, amount, .. } => vec![Posting {
            link: Some(*link),
            instalment: Some(*instalment),
            ..line(Movement::Return, *year, *amount)
        }],
        FundEvent::RecoveryPosted { link, shares, .. } => lines(Movement::Recover, link, shares),
    }
}

/// What stands in each pot of a fund, a programme, a partner or a year, in pounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Put in by the funder, less taken back.
    pub budget: Decimal,
    /// Can still be reserved.
    pub available: Decimal,
    /// Set aside for grants that are recommended.
    pub reserved: Decimal,
    /// Promised and not yet paid.
    pub committed: Decimal,
    /// Paid, less what came back and what was recovered.
    pub paid: Decimal,
}

impl Figures {
    /// Take one movement in.
    pub fn post(&mut self, movement: Movement, amount: Decimal) {
        let (from, to) = movement.way();
        self.add(from, -amount);
        self.add(to, amount);
    }

    /// What left the funder is the budget, so that pot counts the other way round.
    fn add(&mut self, pot: Pot, amount: Decimal) {
        match pot {
            Pot::Funder => self.budget -= amount,
            Pot::Available => self.available += amount,
            Pot::Reserved => self.reserved += amount,
            Pot::Committed => self.committed += amount,
            Pot::Spent => self.paid += amount,
        }
    }
}
