//! What can be asked of a fund, and why it can be turned down.

use std::collections::BTreeSet;

use super::{GrantLink, RecoveryRule, ReleaseCause, Restriction, Terms, Transfer, YearShare};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::identity::{GrantId, InstalmentId, RecoveryId, Reference};
use crate::domain::money::Money;
use crate::domain::places::Area;
use crate::domain::text::Text;

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
    /// With the years in which it had been paid.
    PostRecovery {
        grant: GrantId,
        recovery: RecoveryId,
        shares: Vec<YearShare>,
    },
    /// Give budget to another fund, whose terms come with the command.
    TransferOut {
        transfer: Transfer,
        receiver: Terms,
    },
    /// Take budget that another fund gives in the same decision.
    TransferIn(Transfer),
    CarryForward {
        from: FinancialYear,
        to: FinancialYear,
        amount: Money,
    },
    CloseYear {
        year: FinancialYear,
        /// Whether promises not yet paid move to the next year; otherwise there must be none.
        carry_commitments: bool,
        /// How many events the log has, read after this fund was.
        log_size: u64,
    },
    Close {
        /// How many events the log has, read after this fund was.
        log_size: u64,
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
        "fund.same_fund" => SameFund, "A transfer goes from one fund to another: choose two different funds.";
        "fund.transfer_not_allowed" => TransferNotAllowed { why: &'static str }, "The money of this fund is restricted and the other fund {why}: it may only go to a fund whose terms lie within its own.";
        "fund.carry_backwards" => CarryBackwards { from: FinancialYear, to: FinancialYear }, "Budget is carried forward: {to} does not come after {from}.";
        "fund.year_is_closed" => YearIsClosed { year: FinancialYear, open: FinancialYear }, "{year} is closed for this fund: date it in {open} or later, and use the budget of an open year.";
        "fund.year_not_over" => YearNotOver { year: FinancialYear, last: String }, "{year} runs until {last}: it can be closed from the day after.";
        "fund.earlier_year_open" => EarlierYearOpen { year: FinancialYear }, "Years are closed in order: close {year} first.";
        "fund.year_has_reservations" => YearHasReservations { year: FinancialYear, reserved: String }, "{reserved} of {year} is still reserved: decide on those grants, or void the reservations, first.";
        "fund.year_has_commitments" => YearHasCommitments { year: FinancialYear, committed: String }, "{committed} of {year} is promised and not yet paid: pay it, release it, or have the commitments carried forward with the closing.";
        "fund.year_has_available" => YearHasAvailable { year: FinancialYear, available: String }, "{available} of {year} is still available: carry it forward, transfer it or reduce the budget first.";
        "fund.has_money" => HasMoney { available: String, reserved: String, committed: String }, "A fund is closed when nothing is left in it: {available} is available, {reserved} reserved and {committed} promised.";
        "fund.is_closed" => IsClosed, "This fund is closed: nothing more can be put in or promised from it.";
        "fund.exceeds_paid" => ExceedsPaid { paid: String, year: FinancialYear, asked: Money }, "{paid} of the budget of {year} was paid to this grant and not got back: {asked} is more.";
    }
}
