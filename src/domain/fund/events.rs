//! What can have happened to a fund, and the words for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::identity::{
    FundId, GrantId, InstalmentId, PartnerId, ProgrammeId, RecoveryId, Reference, TransferId,
};
use crate::domain::money::{Money, Sum};
use crate::domain::places::{Area, listed};
use crate::domain::text::Text;

codes! {
    /// What becomes of money that is recovered.
    pub enum RecoveryRule {
        "recredit" => Recredit, "goes back into the fund";
        "return_to_funder" => ReturnToFunder, "goes back to the funder";
    }
}

codes! {
    /// Why money set aside or promised is free again.
    pub enum ReleaseCause {
        "declined" => Declined, "the grant was declined";
        "withdrawn" => Withdrawn, "the application was withdrawn";
        "offer_declined" => OfferDeclined, "the partner declined the offer";
        "offer_lapsed" => OfferLapsed, "the offer lapsed";
        "underspend" => Underspend, "not all of it will be spent";
        "terminated" => Terminated, "the grant was terminated";
        "recommendation_changed" => RecommendationChanged, "another amount was recommended";
        "varied" => Varied, "the grant was varied";
        "variation_refused" => VariationRefused, "the increase was refused";
    }
}

/// What a restricted fund may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// The purposes; one of them must be the programme's.
    pub purposes: BTreeSet<Text<100>>,
    /// The areas; every place of a grant must be among them. Empty: any.
    pub places: BTreeSet<Area>,
}

/// Which grant money is for, with whom and in which programme: enough to draw the ledger by any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantLink {
    /// The grant.
    pub grant: GrantId,
    /// Its programme.
    pub programme: ProgrammeId,
    /// Its lead partner.
    pub partner: PartnerId,
}

/// The part of an amount that falls in one financial year's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct YearShare {
    /// The financial year whose budget it uses.
    pub year: FinancialYear,
    /// The amount, GBP.
    pub amount: Money,
}

/// The part of a recovery that falls in one financial year's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveredShare {
    /// The financial year whose budget it goes to: open at that moment.
    pub year: FinancialYear,
    /// The amount, GBP.
    pub amount: Money,
    /// The year in which it had been paid, where that is closed and therefore corrected in the year above.
    pub corrects: Option<FinancialYear>,
}

/// What a year, or a whole fund, had come to when it was closed. By then nothing is available, reserved or still to
/// be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClosedFigures {
    /// Put in, less taken out and carried forward, GBP.
    pub budget: Sum,
    /// Paid, before what came back, GBP.
    pub paid: Sum,
    /// Came back from the bank, GBP.
    pub returned: Sum,
    /// Got back from partners, GBP.
    pub recovered: Sum,
}

/// The fund's own events that figures rest on, counted from 1 in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRange {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

events! {
    /// What can have happened to a fund.
    pub enum FundEvent in "fund" {
        /// A fund was opened.
        "fund.opened", 1 => Opened {
            /// Its human reference, given once.
            reference: Reference,
            /// The fund's name.
            name: Text<200>,
            /// The organisation whose money it is.
            funder: Text<200>,
            /// What it is restricted to; none for an unrestricted fund.
            restriction: Option<Restriction>,
            /// The first day on which it may be spent.
            spend_from: Date,
            /// The last day on which it may be spent.
            spend_to: Date,
            /// What becomes of recovered money.
            recovery_rule: RecoveryRule,
        },
        /// Budget was put into the fund for a financial year.
        "fund.budget_allocated", 1 => BudgetAllocated {
            /// GBP.
            amount: Money,
            /// Whose budget.
            year: FinancialYear,
            /// The document it rests on.
            source: Text<200>,
        },
        /// Budget was taken out of the fund for a financial year.
        "fund.budget_reduced", 1, reason => BudgetReduced {
            /// GBP.
            amount: Money,
            /// Whose budget.
            year: FinancialYear,
            /// The document it rests on.
            source: Text<200>,
        },
        /// Money was set aside for a grant that is recommended.
        "fund.commitment_reserved", 1 => CommitmentReserved {
            /// For which grant.
            link: GrantLink,
            /// How much from each year's budget, GBP.
            shares: Vec<YearShare>,
            /// The last day on which the reservation holds.
            expires_on: Date,
        },
        /// Money set aside for a grant is free again.
        "fund.reservation_voided", 1 => ReservationVoided {
            /// For which grant.
            link: GrantLink,
            /// How much to each year's budget, GBP.
            shares: Vec<YearShare>,
            /// Why.
            cause: ReleaseCause,
        },
        /// Money set aside became promised: the grant was approved in the same moment.
        "fund.commitment_confirmed", 1 => CommitmentConfirmed {
            /// For which grant.
            link: GrantLink,
            /// How much from each year's budget, GBP.
            shares: Vec<YearShare>,
        },
        /// Promised money is free again.
        "fund.commitment_released", 1 => CommitmentReleased {
            /// For which grant.
            link: GrantLink,
            /// How much to each year's budget, GBP.
            shares: Vec<YearShare>,
            /// Why.
            cause: ReleaseCause,
        },
        /// Promised money was spent: an instalment was paid.
        "fund.expenditure_posted", 2 => ExpenditurePosted {
            /// For which grant.
            link: GrantLink,
            /// Which instalment.
            instalment: InstalmentId,
            /// From which year's budget: open at that moment.
            year: FinancialYear,
            /// GBP.
            amount: Money,
            /// The day the bank paid it.
            value_date: Date,
            /// The year it was planned for, where that is closed and it is therefore paid from the year above.
            corrects: Option<FinancialYear>,
        },
        /// More was promised to a grant that already runs: it was varied upwards in the same moment.
        "fund.commitment_increased", 1 => CommitmentIncreased {
            /// For which grant.
            link: GrantLink,
            /// How much from each year's budget, GBP; it was reserved before.
            shares: Vec<YearShare>,
        },
        /// A payment came back from the bank: the money is promised again.
        "fund.expenditure_returned", 1 => ExpenditureReturned {
            /// For which grant.
            link: GrantLink,
            /// The instalment that was paid.
            instalment: InstalmentId,
            /// To which year's budget: open at that moment.
            year: FinancialYear,
            /// GBP.
            amount: Money,
            /// The day the bank gave it back.
            value_date: Date,
            /// The year in which it had been paid, where that is closed and therefore corrected in the year above.
            corrects: Option<FinancialYear>,
        },
        /// Money that had been paid was got back from the partner; it can be used again unless the funder takes it.
        "fund.recovery_posted", 1 => RecoveryPosted {
            /// From which grant.
            link: GrantLink,
            /// Which demand it answers.
            recovery: RecoveryId,
            /// How much to each year's budget, GBP.
            shares: Vec<RecoveredShare>,
        },
        /// Budget was moved to another fund, which took it in the same moment.
        "fund.budget_transferred_out", 1, reason => BudgetTransferredOut {
            /// The transfer.
            transfer: TransferId,
            /// To which fund.
            to: FundId,
            /// GBP.
            amount: Money,
            /// From which year's budget, to the same year's there.
            year: FinancialYear,
        },
        /// Budget was moved here from another fund, which gave it in the same moment.
        "fund.budget_transferred_in", 1, reason => BudgetTransferredIn {
            /// The transfer.
            transfer: TransferId,
            /// From which fund.
            from: FundId,
            /// GBP.
            amount: Money,
            /// To which year's budget, from the same year's there.
            year: FinancialYear,
        },
        /// Budget that was not used in one year was moved to a later one.
        "fund.budget_carried_forward", 1, reason => BudgetCarriedForward {
            /// From which year's budget.
            from: FinancialYear,
            /// To which year's budget.
            to: FinancialYear,
            /// GBP.
            amount: Money,
        },
        /// A promise that was not paid by the end of the year was moved to the next one, with the budget behind it.
        "fund.commitment_carried_forward", 1, reason => CommitmentCarriedForward {
            /// For which grant.
            link: GrantLink,
            /// From which year's budget.
            from: FinancialYear,
            /// To which year's budget.
            to: FinancialYear,
            /// GBP.
            amount: Money,
        },
        /// A financial year was closed: its figures stay as they are, and later facts about it take effect in an open
        /// year and name it.
        "fund.year_closed", 1, reason => YearClosed {
            /// Which year.
            year: FinancialYear,
            /// What it came to.
            figures: ClosedFigures,
            /// The fund's events the figures rest on.
            events: EventRange,
            /// How many events the whole log had when the figures were drawn; among them all of these but the
            /// promises carried forward in the same moment.
            log_size: u64,
        },
        /// The fund was closed: nothing more is put in or promised from it.
        "fund.closed", 1, reason => Closed {
            /// What it came to over all years.
            figures: ClosedFigures,
            /// The fund's events the figures rest on.
            events: EventRange,
            /// How many events the whole log had when the figures were drawn.
            log_size: u64,
        },
    }
}

impl FundEvent {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Opened { name, funder, restriction, spend_from, spend_to, .. } => {
                let restricted = restriction.as_ref().map_or_else(
                    || "unrestricted".to_string(),
                    |to| format!("restricted to {}", listed(to.purposes.iter().map(Text::as_str))),
                );
                format!(
                    "{name} was opened with money of {funder}, {restricted}, to be spent from {} to {}.",
                    day(*spend_from),
                    day(*spend_to)
                )
            }
            Self::BudgetAllocated { amount, year, source } => {
                format!("{amount} was allocated to the budget of {year} ({source}).")
            }
            Self::BudgetReduced { amount, year, source } => {
                format!("The budget of {year} was reduced by {amount} ({source}).")
            }
            Self::CommitmentReserved { shares, expires_on, .. } => {
                format!("Reserved {} for a grant until {}.", told_shares(shares), day(*expires_on))
            }
            Self::ReservationVoided { shares, cause, .. } => {
                format!("The reservation of {} was voided: {}.", told_shares(shares), cause.words())
            }
            Self::CommitmentConfirmed { shares, .. } => {
                format!("Committed {} to a grant.", told_shares(shares))
            }
            Self::CommitmentReleased { shares, cause, .. } => {
                format!("The commitment of {} was released: {}.", told_shares(shares), cause.words())
            }
            Self::ExpenditurePosted { amount, year, value_date, corrects, .. } => format!(
                "{amount} was paid on {} from the budget of {year}{}.",
                day(*value_date),
                told_late(*corrects)
            ),
            Self::CommitmentIncreased { shares, .. } => {
                format!("Committed {} more to a grant.", told_shares(shares))
            }
            Self::ExpenditureReturned { amount, year, value_date, corrects, .. } => format!(
                "{amount} came back from the bank on {}: it is committed again in {year}{}.",
                day(*value_date),
                told_late(*corrects)
            ),
            Self::RecoveryPosted { shares, .. } => {
                let told = |one: &RecoveredShare| {
                    format!("{} in {}{}", one.amount, one.year, told_late(one.corrects))
                };
                let parts: Vec<String> = shares.iter().map(told).collect();
                format!("Got back from a partner: {}.", listed(parts.iter().map(String::as_str)))
            }
            Self::BudgetTransferredOut { .. }
            | Self::BudgetTransferredIn { .. }
            | Self::BudgetCarriedForward { .. }
            | Self::CommitmentCarriedForward { .. }
            | Self::YearClosed { .. }
            | Self::Closed { .. } => self.told_of_years(),
        }
    }

    /// Moving budget, and closing.
    fn told_of_years(&self) -> String {
        match self {
            Self::BudgetTransferredOut { amount, year, .. } => {
                format!("{amount} of the budget of {year} was moved to another fund.")
            }
            Self::BudgetTransferredIn { amount, year, .. } => {
                format!("{amount} was moved to the budget of {year} from another fund.")
            }
            Self::BudgetCarriedForward { from, to, amount } => {
                format!("{amount} was carried forward from {from} to {to}.")
            }
            Self::CommitmentCarriedForward { from, to, amount, .. } => {
                format!("{amount} promised to a grant and not yet paid moved from {from} to {to}.")
            }
            Self::YearClosed { year, figures, events, .. } => format!(
                "{year} was closed: {} of budget, {}. The figures rest on the fund’s events 1 to {}.",
                figures.budget,
                figures.told(),
                events.last
            ),
            Self::Closed { figures, events, .. } => format!(
                "The fund was closed: {} of budget in all, {}. The figures rest on its events 1 to {}.",
                figures.budget,
                figures.told(),
                events.last
            ),
            Self::Opened { .. }
            | Self::BudgetAllocated { .. }
            | Self::BudgetReduced { .. }
            | Self::CommitmentReserved { .. }
            | Self::ReservationVoided { .. }
            | Self::CommitmentConfirmed { .. }
            | Self::CommitmentReleased { .. }
            | Self::ExpenditurePosted { .. }
            | Self::CommitmentIncreased { .. }
            | Self::ExpenditureReturned { .. }
            | Self::RecoveryPosted { .. } => self.told(),
        }
    }
}

impl ClosedFigures {
    fn told(&self) -> String {
        format!("{} paid, {} returned by the bank and {} recovered", self.paid, self.returned, self.recovered)
    }
}

fn told_late(corrects: Option<FinancialYear>) -> String {
    corrects.map(|year| format!(", late for {year}")).unwrap_or_default()
}

fn told_shares(shares: &[YearShare]) -> String {
    let parts: Vec<String> =
        shares.iter().map(|share| format!("{} of {}", share.amount, share.year)).collect();
    listed(parts.iter().map(String::as_str))
}
