//! A fund: money with a budget for each financial year. It owns the promise that no more is committed than there
//! is.

mod commands;
mod events;
mod years;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::calendar::{Date, FinancialYear, day};
use super::identity::{FundId, GrantId, InstalmentId, RecoveryId, TransferId};
use super::money::{Money, pounds};
use super::places::listed;
use super::text::Text;
use super::{Aggregate, Circumstances};

pub use commands::{FundCommand, FundRefusal, IntendedUse, Opening};
pub use events::{
    ClosedFigures, EventRange, FundEvent, GrantLink, RecoveredShare, RecoveryRule, ReleaseCause, Restriction,
    YearShare,
};
pub use years::{Closing, Transfer};

/// One financial year of a fund, in pounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct YearFigures {
    /// Put in, less taken out.
    pub budget: Decimal,
    /// Set aside for grants that are recommended.
    pub reserved: Decimal,
    /// Promised to grants and not yet paid.
    pub outstanding: Decimal,
    /// Paid, before what came back.
    pub paid: Decimal,
    /// Came back from the bank.
    pub returned: Decimal,
    /// Got back from partners.
    pub recovered: Decimal,
}

impl YearFigures {
    /// What can still be reserved.
    #[must_use]
    pub fn available(&self) -> Decimal {
        self.budget - self.reserved - self.outstanding - self.spent()
    }

    /// Paid, less what came back and what was recovered.
    #[must_use]
    pub fn spent(&self) -> Decimal {
        self.paid - self.returned - self.recovered
    }
}

/// The terms a fund was opened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The organisation whose money it is.
    pub funder: Text<200>,
    /// What it is restricted to; none for an unrestricted fund.
    pub restriction: Option<Restriction>,
    /// The first and the last day on which it may be spent.
    pub spend: (Date, Date),
    /// What becomes of recovered money.
    pub recovery_rule: RecoveryRule,
}

#[derive(Debug, Clone)]
struct Reservation {
    link: GrantLink,
    shares: Vec<YearShare>,
    expires_on: Date,
}

#[derive(Debug, Clone)]
struct Commitment {
    link: GrantLink,
    outstanding: BTreeMap<FinancialYear, Decimal>,
    /// With the year each was planned for, which stays what it is when that year is closed.
    paid: BTreeMap<InstalmentId, (FinancialYear, Money)>,
    recovered: BTreeMap<FinancialYear, Decimal>,
}

impl Commitment {
    /// What was paid from a year's budget, less what came back and what was recovered.
    fn paid_net(&self, year: FinancialYear) -> Decimal {
        let paid: Decimal =
            self.paid.values().filter(|(of, _)| *of == year).map(|(_, amount)| amount.pounds()).sum();
        paid - self.recovered.get(&year).copied().unwrap_or_default()
    }
}

/// A fund as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Fund {
    terms: Option<Terms>,
    years: BTreeMap<FinancialYear, YearFigures>,
    reservations: BTreeMap<GrantId, Reservation>,
    commitments: BTreeMap<GrantId, Commitment>,
    /// How many facts have been taken in.
    events: u64,
    /// The last year that is closed; those before it are as well.
    closed_through: Option<FinancialYear>,
    is_closed: bool,
}

impl Fund {
    /// The figures of each financial year that has any.
    #[must_use]
    pub const fn years(&self) -> &BTreeMap<FinancialYear, YearFigures> {
        &self.years
    }

    /// The terms the fund was opened on.
    ///
    /// # Errors
    /// `fund.unknown`.
    pub fn terms(&self) -> Result<&Terms, FundRefusal> {
        self.terms.as_ref().ok_or(FundRefusal::Unknown)
    }

    /// What is reserved for a grant, while the reservation holds on a date.
    ///
    /// # Errors
    /// `fund.not_reserved` or `fund.reservation_expired`.
    pub fn live_reservation(&self, grant: GrantId, on: Date) -> Result<&[YearShare], FundRefusal> {
        let reservation = self.reservations.get(&grant).ok_or(FundRefusal::NotReserved)?;
        if on > reservation.expires_on {
            return Err(FundRefusal::ReservationExpired { on: day(reservation.expires_on) });
        }
        Ok(&reservation.shares)
    }

    /// What is reserved for a grant from each year's budget, in pounds, while the reservation holds on a date.
    ///
    /// # Errors
    /// `fund.not_reserved` or `fund.reservation_expired`.
    pub fn reserved_by_year(
        &self,
        grant: GrantId,
        on: Date,
    ) -> Result<BTreeMap<FinancialYear, Decimal>, FundRefusal> {
        // Each year is named once in a reservation.
        let shares = self.live_reservation(grant, on)?.iter();
        Ok(shares.map(|share| (share.year, share.amount.pounds())).collect())
    }

    /// Whether anything is set aside for a grant, live or run out.
    #[must_use]
    pub fn has_reservation(&self, grant: GrantId) -> bool {
        self.reservations.contains_key(&grant)
    }

    /// How an amount that comes back from a grant falls on the years it was paid from: the latest first, because
    /// their budgets can still be used.
    ///
    /// # Errors
    /// `fund.not_committed`.
    pub fn recovered_by_year(&self, grant: GrantId, amount: Money) -> Result<Vec<YearShare>, FundRefusal> {
        let commitment = self.commitment(grant)?;
        let years: BTreeSet<FinancialYear> = commitment.paid.values().map(|(year, _)| *year).collect();
        let mut left = amount.pounds();
        let share = |year: FinancialYear| {
            let taken = left.min(commitment.paid_net(year));
            left -= taken;
            Some(YearShare { year, amount: Money::some(taken)? })
        };
        Ok(years.into_iter().rev().filter_map(share).collect())
    }

    /// Whether a programme with this purpose may draw on the fund.
    ///
    /// # Errors
    /// `fund.unknown` or `fund.purpose_not_allowed`.
    pub fn allows_purpose(&self, purpose: &Text<100>) -> Result<(), FundRefusal> {
        match &self.terms()?.restriction {
            Some(to) if !to.purposes.contains(purpose) => Err(FundRefusal::PurposeNotAllowed {
                purpose: purpose.to_string(),
                allowed: listed(to.purposes.iter().map(Text::as_str)),
            }),
            _ => Ok(()),
        }
    }

    /// Whether money of the fund may be used so: for this purpose, in these places, at this time.
    ///
    /// # Errors
    /// `fund.unknown`, `fund.purpose_not_allowed`, `fund.place_not_allowed` or `fund.period_not_allowed`.
    pub fn allows(&self, intended: &IntendedUse) -> Result<(), FundRefusal> {
        self.allows_purpose(&intended.purpose)?;
        let Terms { restriction, spend: (from, to), .. } = self.terms()?;
        if intended.period.0 < *from || intended.period.1 > *to {
            return Err(FundRefusal::PeriodNotAllowed { from: day(*from), to: day(*to) });
        }
        let places = restriction.as_ref().map(|restriction| &restriction.places);
        if let Some(allowed) = places.filter(|places| !places.is_empty())
            && let Some(outside) = intended.places.iter().find(|place| !allowed.contains(place))
        {
            return Err(FundRefusal::PlaceNotAllowed {
                place: outside.words(),
                allowed: listed(allowed.iter().map(|area| area.words())),
            });
        }
        Ok(())
    }

    fn within_dates(&self, year: FinancialYear) -> Result<(), FundRefusal> {
        let (from, to) = self.terms()?.spend;
        if (FinancialYear::of(from)..=FinancialYear::of(to)).contains(&year) {
            Ok(())
        } else {
            Err(FundRefusal::YearOutsideDates { year })
        }
    }

    fn within_available(&self, year: FinancialYear, asked: Money) -> Result<(), FundRefusal> {
        let remaining = self.years.get(&year).map_or(Decimal::ZERO, YearFigures::available);
        if asked.pounds() > remaining {
            return Err(FundRefusal::ExceedsAvailable { remaining: pounds(remaining), year, asked });
        }
        Ok(())
    }

    fn reserve(
        &self,
        link: GrantLink,
        shares: Vec<YearShare>,
        expires_on: Date,
        intended: &IntendedUse,
    ) -> Result<FundEvent, FundRefusal> {
        self.allows(intended)?;
        if self.reservations.contains_key(&link.grant) {
            return Err(FundRefusal::AlreadyReserved);
        }
        each_year_once(&shares)?;
        for share in &shares {
            self.must_be_open(share.year)?;
            self.within_dates(share.year)?;
            self.within_available(share.year, share.amount)?;
        }
        Ok(FundEvent::CommitmentReserved { link, shares, expires_on })
    }

    fn confirm(&self, grant: GrantId, today: Date) -> Result<FundEvent, FundRefusal> {
        let shares = self.live_reservation(grant, today)?.to_vec();
        let link = self.reservations[&grant].link;
        Ok(if self.commitments.contains_key(&grant) {
            FundEvent::CommitmentIncreased { link, shares }
        } else {
            FundEvent::CommitmentConfirmed { link, shares }
        })
    }

    fn commitment(&self, grant: GrantId) -> Result<&Commitment, FundRefusal> {
        self.commitments.get(&grant).ok_or(FundRefusal::NotCommitted)
    }

    fn release(&self, grant: GrantId, cause: ReleaseCause) -> Result<FundEvent, FundRefusal> {
        let commitment = self.commitment(grant)?;
        let shares: Vec<YearShare> = commitment
            .outstanding
            .iter()
            .filter_map(|(year, left)| Some(YearShare { year: *year, amount: Money::some(*left)? }))
            .collect();
        if shares.is_empty() {
            return Err(FundRefusal::NotCommitted);
        }
        Ok(FundEvent::CommitmentReleased { link: commitment.link, shares, cause })
    }

    fn reduce_promise(
        &self,
        grant: GrantId,
        shares: Vec<YearShare>,
        cause: ReleaseCause,
    ) -> Result<FundEvent, FundRefusal> {
        let commitment = self.commitment(grant)?;
        each_year_once(&shares)?;
        // Promises of a year that is closed have moved on.
        let mut from: BTreeMap<FinancialYear, Decimal> = BTreeMap::new();
        for share in &shares {
            *from.entry(self.open_year(share.year).0).or_default() += share.amount.pounds();
        }
        let shares: Vec<YearShare> = from
            .into_iter()
            .filter_map(|(year, sum)| Some(YearShare { year, amount: Money::some(sum)? }))
            .collect();
        for share in &shares {
            within_outstanding(commitment, share.year, share.amount)?;
        }
        Ok(FundEvent::CommitmentReleased { link: commitment.link, shares, cause })
    }

    fn post_expenditure(
        &self,
        grant: GrantId,
        instalment: InstalmentId,
        (planned, amount): (FinancialYear, Money),
        value_date: Date,
    ) -> Result<FundEvent, FundRefusal> {
        let commitment = self.commitment(grant)?;
        if commitment.paid.contains_key(&instalment) {
            return Err(FundRefusal::AlreadyPaid);
        }
        let (year, corrects) = self.open_year(planned);
        within_outstanding(commitment, year, amount)?;
        let link = commitment.link;
        Ok(FundEvent::ExpenditurePosted { link, instalment, year, amount, value_date, corrects })
    }

    fn return_expenditure(
        &self,
        grant: GrantId,
        instalment: InstalmentId,
        value_date: Date,
    ) -> Result<FundEvent, FundRefusal> {
        let commitment = self.commitment(grant)?;
        let (planned, amount) = *commitment.paid.get(&instalment).ok_or(FundRefusal::NotPaid)?;
        within_paid(commitment, planned, amount)?;
        let (year, corrects) = self.open_year(planned);
        let link = commitment.link;
        Ok(FundEvent::ExpenditureReturned { link, instalment, year, amount, value_date, corrects })
    }

    /// Under the rule that recovered money goes back to the funder, the budget is reduced in the same decision.
    fn post_recovery(
        &self,
        grant: GrantId,
        recovery: RecoveryId,
        shares: &[YearShare],
    ) -> Result<Vec<FundEvent>, FundRefusal> {
        let commitment = self.commitment(grant)?;
        each_year_once(shares)?;
        for YearShare { year, amount } in shares {
            within_paid(commitment, *year, *amount)?;
        }
        let shares: Vec<RecoveredShare> = shares
            .iter()
            .map(|share| {
                let (year, corrects) = self.open_year(share.year);
                RecoveredShare { year, amount: share.amount, corrects }
            })
            .collect();
        let reductions = shares.iter().map(|share| FundEvent::BudgetReduced {
            amount: share.amount,
            year: share.year,
            source: Text::own("Recovered money goes back to the funder"),
        });
        let reductions: Vec<FundEvent> = match self.terms()?.recovery_rule {
            RecoveryRule::ReturnToFunder => reductions.collect(),
            RecoveryRule::Recredit => Vec::new(),
        };
        let posted = FundEvent::RecoveryPosted { link: commitment.link, recovery, shares };
        Ok(std::iter::once(posted).chain(reductions).collect())
    }

    fn year(&mut self, year: FinancialYear) -> &mut YearFigures {
        self.years.entry(year).or_default()
    }

    fn end_reservation(&mut self, grant: GrantId, shares: &[YearShare]) {
        self.reservations.remove(&grant);
        for share in shares {
            self.year(share.year).reserved -= share.amount.pounds();
        }
    }

    fn promise(&mut self, link: &GrantLink, shares: &[YearShare]) {
        self.end_reservation(link.grant, shares);
        for share in shares {
            self.year(share.year).outstanding += share.amount.pounds();
        }
        let commitment = self.commitments.entry(link.grant).or_insert_with(|| Commitment {
            link: *link,
            outstanding: BTreeMap::new(),
            paid: BTreeMap::new(),
            recovered: BTreeMap::new(),
        });
        for share in shares {
            *commitment.outstanding.entry(share.year).or_default() += share.amount.pounds();
        }
    }

    fn take_recovery(&mut self, grant: GrantId, shares: &[RecoveredShare]) {
        for share in shares {
            self.year(share.year).recovered += share.amount.pounds();
            if let Some(commitment) = self.commitments.get_mut(&grant) {
                let paid_in = share.corrects.unwrap_or(share.year);
                *commitment.recovered.entry(paid_in).or_default() += share.amount.pounds();
            }
        }
    }
}

fn each_year_once(shares: &[YearShare]) -> Result<(), FundRefusal> {
    if shares.is_empty() {
        return Err(FundRefusal::NothingAsked);
    }
    let mut years = BTreeSet::new();
    match shares.iter().find(|share| !years.insert(share.year)) {
        Some(twice) => Err(FundRefusal::YearTwice { year: twice.year }),
        None => Ok(()),
    }
}

fn within_outstanding(commitment: &Commitment, year: FinancialYear, asked: Money) -> Result<(), FundRefusal> {
    let outstanding = commitment.outstanding.get(&year).copied().unwrap_or_default();
    if asked.pounds() > outstanding {
        return Err(FundRefusal::ExceedsOutstanding { outstanding: pounds(outstanding), asked });
    }
    Ok(())
}

fn within_paid(commitment: &Commitment, year: FinancialYear, asked: Money) -> Result<(), FundRefusal> {
    let paid = commitment.paid_net(year);
    if asked.pounds() > paid {
        return Err(FundRefusal::ExceedsPaid { paid: pounds(paid), year, asked });
    }
    Ok(())
}

impl Aggregate for Fund {
    const TYPE: &'static str = "fund";
    type Command = FundCommand;
    type Event = FundEvent;
    type Refusal = FundRefusal;

    fn decide(&self, command: FundCommand, at: &Circumstances) -> Result<Vec<FundEvent>, FundRefusal> {
        if let Some(last) = self.closed_through.filter(|last| FinancialYear::of(at.on) <= *last) {
            return Err(FundRefusal::YearIsClosed { year: FinancialYear::of(at.on), open: last.following() });
        }
        let event = match command {
            FundCommand::Open(opening) => {
                if self.terms.is_some() {
                    return Err(FundRefusal::AlreadyOpen);
                }
                opened(opening)?
            }
            FundCommand::AllocateBudget { amount, year, source } => {
                self.takes_budget(year)?;
                FundEvent::BudgetAllocated { amount, year, source }
            }
            FundCommand::ReduceBudget { amount, year, source } => {
                self.must_be_open(year)?;
                // What was recovered late may stand in a year after the last one of the fund.
                if !self.years.contains_key(&year) {
                    self.within_dates(year)?;
                }
                self.within_available(year, amount)?;
                FundEvent::BudgetReduced { amount, year, source }
            }
            FundCommand::ReserveCommitment { link, shares, expires_on, intended } => {
                self.must_not_be_closed()?;
                self.reserve(link, shares, expires_on, &intended)?
            }
            FundCommand::VoidReservation { grant, cause } => {
                let held = self.reservations.get(&grant).ok_or(FundRefusal::NotReserved)?;
                FundEvent::ReservationVoided { link: held.link, shares: held.shares.clone(), cause }
            }
            FundCommand::ConfirmCommitment { grant } => self.confirm(grant, at.today)?,
            FundCommand::ReleaseCommitment { grant, cause } => self.release(grant, cause)?,
            FundCommand::PostExpenditure { grant, instalment, year, amount, value_date } => {
                self.post_expenditure(grant, instalment, (year, amount), value_date)?
            }
            FundCommand::ReducePromise { grant, shares, cause } => {
                self.reduce_promise(grant, shares, cause)?
            }
            FundCommand::ReturnExpenditure { grant, instalment, value_date } => {
                self.return_expenditure(grant, instalment, value_date)?
            }
            FundCommand::PostRecovery { grant, recovery, shares } => {
                return self.post_recovery(grant, recovery, &shares);
            }
            FundCommand::TransferOut { transfer, receiver } => self.transfer_out(transfer, &receiver)?,
            FundCommand::TransferIn(transfer) => self.transfer_in(transfer)?,
            FundCommand::CarryForward { from, to, amount } => self.carry_forward(from, to, amount)?,
            FundCommand::CloseYear { year, carry_commitments, log_size } => {
                return self.close_year(year, carry_commitments, Closing { today: at.today, log_size });
            }
            FundCommand::Close { log_size } => self.close(log_size)?,
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &FundEvent) {
        self.events += 1;
        match event {
            FundEvent::Opened { funder, restriction, spend_from, spend_to, recovery_rule, .. } => {
                self.terms = Some(Terms {
                    funder: funder.clone(),
                    restriction: restriction.clone(),
                    spend: (*spend_from, *spend_to),
                    recovery_rule: *recovery_rule,
                });
            }
            FundEvent::BudgetAllocated { amount, year, .. } => self.year(*year).budget += amount.pounds(),
            FundEvent::BudgetReduced { amount, year, .. } => self.year(*year).budget -= amount.pounds(),
            FundEvent::CommitmentReserved { link, shares, expires_on } => {
                for share in shares {
                    self.year(share.year).reserved += share.amount.pounds();
                }
                let held = Reservation { link: *link, shares: shares.clone(), expires_on: *expires_on };
                self.reservations.insert(link.grant, held);
            }
            FundEvent::ReservationVoided { link, shares, .. } => self.end_reservation(link.grant, shares),
            FundEvent::CommitmentConfirmed { link, shares }
            | FundEvent::CommitmentIncreased { link, shares } => self.promise(link, shares),
            FundEvent::CommitmentReleased { link, shares, .. } => {
                for share in shares {
                    self.year(share.year).outstanding -= share.amount.pounds();
                    if let Some(commitment) = self.commitments.get_mut(&link.grant) {
                        *commitment.outstanding.entry(share.year).or_default() -= share.amount.pounds();
                    }
                }
            }
            FundEvent::ExpenditurePosted { link, instalment, year, amount, corrects, .. } => {
                let figures = self.year(*year);
                figures.outstanding -= amount.pounds();
                figures.paid += amount.pounds();
                if let Some(commitment) = self.commitments.get_mut(&link.grant) {
                    *commitment.outstanding.entry(*year).or_default() -= amount.pounds();
                    commitment.paid.insert(*instalment, (corrects.unwrap_or(*year), *amount));
                }
            }
            FundEvent::ExpenditureReturned { link, instalment, year, amount, .. } => {
                let figures = self.year(*year);
                figures.outstanding += amount.pounds();
                figures.returned += amount.pounds();
                if let Some(commitment) = self.commitments.get_mut(&link.grant) {
                    *commitment.outstanding.entry(*year).or_default() += amount.pounds();
                    commitment.paid.remove(instalment);
                }
            }
            FundEvent::RecoveryPosted { link, shares, .. } => self.take_recovery(link.grant, shares),
            FundEvent::BudgetTransferredOut { amount, year, .. } => {
                self.year(*year).budget -= amount.pounds();
            }
            FundEvent::BudgetTransferredIn { amount, year, .. } => {
                self.year(*year).budget += amount.pounds();
            }
            FundEvent::BudgetCarriedForward { from, to, amount } => {
                self.year(*from).budget -= amount.pounds();
                self.year(*to).budget += amount.pounds();
            }
            FundEvent::CommitmentCarriedForward { link, from, to, amount } => {
                self.move_promise(link.grant, (*from, *to), amount.pounds());
            }
            FundEvent::YearClosed { year, .. } => self.closed_through = Some(*year),
            FundEvent::Closed { .. } => self.is_closed = true,
        }
    }
}

fn opened(opening: Opening) -> Result<FundEvent, FundRefusal> {
    let Opening { reference, name, funder, restriction, spend_from, spend_to, recovery_rule } = opening;
    if spend_to < spend_from {
        return Err(FundRefusal::DatesReversed);
    }
    if restriction.as_ref().is_some_and(|restriction| restriction.purposes.is_empty()) {
        return Err(FundRefusal::NoPurpose);
    }
    Ok(FundEvent::Opened { reference, name, funder, restriction, spend_from, spend_to, recovery_rule })
}

#[cfg(test)]
mod tests;
