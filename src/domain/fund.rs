//! A fund: money with a budget for each financial year. It owns the promise that no more is committed than there
//! is.

mod events;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::calendar::{Date, FinancialYear, day};
use super::identity::{GrantId, InstalmentId, RecoveryId, Reference};
use super::money::{Money, pounds};
use super::places::{Area, listed};
use super::text::Text;
use super::{Aggregate, Circumstances};

pub use events::{FundEvent, GrantLink, RecoveryRule, ReleaseCause, Restriction, YearShare};

/// What is said of a fund when it is opened.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of fund.opened")]
pub struct Opening {
    pub reference: Reference,
    pub name: Text<200>,
    pub funder: Text<200>,
    pub restriction: Option<Restriction>,
    pub spend_from: Date,
    pub spend_to: Date,
    pub recovery_rule: RecoveryRule,
}

/// What money is meant to be used for, to be held against the restriction of the fund.
#[derive(Debug, Clone)]
pub struct IntendedUse {
    /// The purpose of the programme.
    pub purpose: Text<100>,
    /// Where.
    pub places: BTreeSet<Area>,
    /// The first and the last day of the work.
    pub period: (Date, Date),
}

/// What can be asked of a fund.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum FundCommand {
    Open(Opening),
    AllocateBudget {
        amount: Money,
        year: FinancialYear,
        source: Text<200>,
    },
    ReduceBudget {
        amount: Money,
        year: FinancialYear,
        source: Text<200>,
    },
    ReserveCommitment {
        link: GrantLink,
        shares: Vec<YearShare>,
        expires_on: Date,
        intended: IntendedUse,
    },
    VoidReservation {
        grant: GrantId,
        cause: ReleaseCause,
    },
    /// Turn what is reserved into a promise, or into more of one.
    ConfirmCommitment {
        grant: GrantId,
    },
    /// Release all that is still to be paid.
    ReleaseCommitment {
        grant: GrantId,
        cause: ReleaseCause,
    },
    /// Release some of what is still to be paid.
    ReducePromise {
        grant: GrantId,
        shares: Vec<YearShare>,
        cause: ReleaseCause,
    },
    PostExpenditure {
        grant: GrantId,
        instalment: InstalmentId,
        year: FinancialYear,
        amount: Money,
        value_date: Date,
    },
    ReturnExpenditure {
        grant: GrantId,
        instalment: InstalmentId,
        value_date: Date,
    },
    PostRecovery {
        grant: GrantId,
        recovery: RecoveryId,
        shares: Vec<YearShare>,
    },
}

refusals! {
    /// Why something asked of a fund was turned down.
    pub enum FundRefusal {
        "fund.unknown" => Unknown, "There is no fund with this id.";
        "fund.already_open" => AlreadyOpen, "This fund is already open.";
        "fund.dates_reversed" => DatesReversed, "The last day to spend lies before the first: turn them round.";
        "fund.no_purpose" => NoPurpose, "Say what the fund is restricted to: at least one purpose.";
        "fund.year_outside_dates" => YearOutsideDates { year: FinancialYear }, "The fund is not spent in {year}: its dates leave that year out.";
        "fund.exceeds_available" => ExceedsAvailable { remaining: String, year: FinancialYear, asked: Money }, "{remaining} remains available in {year}: {asked} was asked for.";
        "fund.nothing_asked" => NothingAsked, "Say how much is to come from which year's budget.";
        "fund.year_twice" => YearTwice { year: FinancialYear }, "Name {year} once, with all that is to come from its budget.";
        "fund.purpose_not_allowed" => PurposeNotAllowed { purpose: String, allowed: String }, "This fund is restricted to {allowed}: it cannot be used for {purpose}.";
        "fund.place_not_allowed" => PlaceNotAllowed { place: &'static str, allowed: String }, "This fund is restricted to {allowed}: it cannot be used in {place}.";
        "fund.period_not_allowed" => PeriodNotAllowed { from: String, to: String }, "The work must begin and end while the fund may be spent: from {from} to {to}.";
        "fund.already_reserved" => AlreadyReserved, "Money is already reserved or committed for this grant.";
        "fund.not_reserved" => NotReserved, "No money is reserved for this grant.";
        "fund.reservation_expired" => ReservationExpired { on: String }, "The reservation for this grant ended on {on}: recommend the grant again to reserve the money anew.";
        "fund.not_committed" => NotCommitted, "No money is committed to this grant.";
        "fund.exceeds_outstanding" => ExceedsOutstanding { outstanding: String, asked: Money }, "{outstanding} of what was committed is still to be paid: {asked} was asked for.";
        "fund.not_paid" => NotPaid, "Nothing was paid for this instalment, or it has already come back.";
        "fund.already_paid" => AlreadyPaid, "This instalment is already paid: a payment that came back is made anew as an instalment of its own.";
        "fund.exceeds_paid" => ExceedsPaid { paid: String, year: FinancialYear, asked: Money }, "{paid} of the budget of {year} was paid to this grant and not got back: {asked} is more.";
    }
}

/// One financial year of a fund, in pounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct YearFigures {
    /// Put in, less taken out.
    pub budget: Decimal,
    /// Set aside for grants that are recommended.
    pub reserved: Decimal,
    /// Promised to grants and not yet paid.
    pub outstanding: Decimal,
    /// Paid, less what came back and what was recovered.
    pub spent: Decimal,
}

impl YearFigures {
    /// What can still be reserved.
    #[must_use]
    pub fn available(&self) -> Decimal {
        self.budget - self.reserved - self.outstanding - self.spent
    }
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
    open: Option<(Option<Restriction>, Date, Date)>,
    years: BTreeMap<FinancialYear, YearFigures>,
    reservations: BTreeMap<GrantId, Reservation>,
    commitments: BTreeMap<GrantId, Commitment>,
}

impl Fund {
    /// The figures of each financial year that has any.
    #[must_use]
    pub const fn years(&self) -> &BTreeMap<FinancialYear, YearFigures> {
        &self.years
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
        let (restriction, ..) = self.open.as_ref().ok_or(FundRefusal::Unknown)?;
        match restriction {
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
        let (restriction, from, to) = self.open.as_ref().ok_or(FundRefusal::Unknown)?;
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
        let (_, from, to) = self.open.as_ref().ok_or(FundRefusal::Unknown)?;
        if (FinancialYear::of(*from)..=FinancialYear::of(*to)).contains(&year) {
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
        for share in &shares {
            within_outstanding(commitment, share.year, share.amount)?;
        }
        Ok(FundEvent::CommitmentReleased { link: commitment.link, shares, cause })
    }

    fn post_recovery(
        &self,
        grant: GrantId,
        recovery: RecoveryId,
        shares: Vec<YearShare>,
    ) -> Result<FundEvent, FundRefusal> {
        let commitment = self.commitment(grant)?;
        each_year_once(&shares)?;
        for YearShare { year, amount } in &shares {
            let paid = commitment.paid_net(*year);
            if amount.pounds() > paid {
                return Err(FundRefusal::ExceedsPaid { paid: pounds(paid), year: *year, asked: *amount });
            }
        }
        Ok(FundEvent::RecoveryPosted { link: commitment.link, recovery, shares })
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

    fn take_recovery(&mut self, grant: GrantId, shares: &[YearShare]) {
        for share in shares {
            self.year(share.year).spent -= share.amount.pounds();
            if let Some(commitment) = self.commitments.get_mut(&grant) {
                *commitment.recovered.entry(share.year).or_default() += share.amount.pounds();
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

impl Aggregate for Fund {
    const TYPE: &'static str = "fund";
    type Command = FundCommand;
    type Event = FundEvent;
    type Refusal = FundRefusal;

    fn decide(&self, command: FundCommand, at: &Circumstances) -> Result<Vec<FundEvent>, FundRefusal> {
        let event = match command {
            FundCommand::Open(opening) => {
                if self.open.is_some() {
                    return Err(FundRefusal::AlreadyOpen);
                }
                opened(opening)?
            }
            FundCommand::AllocateBudget { amount, year, source } => {
                self.within_dates(year)?;
                FundEvent::BudgetAllocated { amount, year, source }
            }
            FundCommand::ReduceBudget { amount, year, source } => {
                self.within_dates(year)?;
                self.within_available(year, amount)?;
                FundEvent::BudgetReduced { amount, year, source }
            }
            FundCommand::ReserveCommitment { link, shares, expires_on, intended } => {
                self.reserve(link, shares, expires_on, &intended)?
            }
            FundCommand::VoidReservation { grant, cause } => {
                let held = self.reservations.get(&grant).ok_or(FundRefusal::NotReserved)?;
                FundEvent::ReservationVoided { link: held.link, shares: held.shares.clone(), cause }
            }
            FundCommand::ConfirmCommitment { grant } => self.confirm(grant, at.today)?,
            FundCommand::ReleaseCommitment { grant, cause } => self.release(grant, cause)?,
            FundCommand::PostExpenditure { grant, instalment, year, amount, value_date } => {
                let commitment = self.commitment(grant)?;
                if commitment.paid.contains_key(&instalment) {
                    return Err(FundRefusal::AlreadyPaid);
                }
                within_outstanding(commitment, year, amount)?;
                FundEvent::ExpenditurePosted { link: commitment.link, instalment, year, amount, value_date }
            }
            FundCommand::ReducePromise { grant, shares, cause } => {
                self.reduce_promise(grant, shares, cause)?
            }
            FundCommand::ReturnExpenditure { grant, instalment, value_date } => {
                let commitment = self.commitment(grant)?;
                let (year, amount) = *commitment.paid.get(&instalment).ok_or(FundRefusal::NotPaid)?;
                let paid = commitment.paid_net(year);
                if amount.pounds() > paid {
                    return Err(FundRefusal::ExceedsPaid { paid: pounds(paid), year, asked: amount });
                }
                FundEvent::ExpenditureReturned { link: commitment.link, instalment, year, amount, value_date }
            }
            FundCommand::PostRecovery { grant, recovery, shares } => {
                self.post_recovery(grant, recovery, shares)?
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &FundEvent) {
        match event {
            FundEvent::Opened { restriction, spend_from, spend_to, .. } => {
                self.open = Some((restriction.clone(), *spend_from, *spend_to));
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
            FundEvent::ExpenditurePosted { link, instalment, year, amount, .. } => {
                let figures = self.year(*year);
                figures.outstanding -= amount.pounds();
                figures.spent += amount.pounds();
                if let Some(commitment) = self.commitments.get_mut(&link.grant) {
                    *commitment.outstanding.entry(*year).or_default() -= amount.pounds();
                    commitment.paid.insert(*instalment, (*year, *amount));
                }
            }
            FundEvent::ExpenditureReturned { link, instalment, year, amount, .. } => {
                let figures = self.year(*year);
                figures.outstanding += amount.pounds();
                figures.spent -= amount.pounds();
                if let Some(commitment) = self.commitments.get_mut(&link.grant) {
                    *commitment.outstanding.entry(*year).or_default() += amount.pounds();
                    commitment.paid.remove(instalment);
                }
            }
            FundEvent::RecoveryPosted { link, shares, .. } => self.take_recovery(link.grant, shares),
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
