//! What can have happened to a fund, and the words for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::identity::{GrantId, InstalmentId, PartnerId, ProgrammeId, RecoveryId, Reference};
use crate::domain::money::Money;
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
        "fund.expenditure_posted", 1 => ExpenditurePosted {
            /// For which grant.
            link: GrantLink,
            /// Which instalment.
            instalment: InstalmentId,
            /// From which year's budget.
            year: FinancialYear,
            /// GBP.
            amount: Money,
            /// The day the bank paid it.
            value_date: Date,
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
            /// To which year's budget.
            year: FinancialYear,
            /// GBP.
            amount: Money,
            /// The day the bank gave it back.
            value_date: Date,
        },
        /// Money that had been paid was got back from the partner; it can be used again unless the funder takes it.
        "fund.recovery_posted", 1 => RecoveryPosted {
            /// From which grant.
            link: GrantLink,
            /// Which demand it answers.
            recovery: RecoveryId,
            /// How much to each year's budget, GBP.
            shares: Vec<YearShare>,
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
            Self::ExpenditurePosted { amount, year, value_date, .. } => {
                format!("{amount} was paid on {} from the budget of {year}.", day(*value_date))
            }
            Self::CommitmentIncreased { shares, .. } => {
                format!("Committed {} more to a grant.", told_shares(shares))
            }
            Self::ExpenditureReturned { amount, year, value_date, .. } => format!(
                "{amount} came back from the bank on {}: it is committed again in {year}.",
                day(*value_date)
            ),
            Self::RecoveryPosted { shares, .. } => {
                format!("Got {} back from a partner.", told_shares(shares))
            }
        }
    }
}

fn told_shares(shares: &[YearShare]) -> String {
    let parts: Vec<String> =
        shares.iter().map(|share| format!("{} of {}", share.amount, share.year)).collect();
    listed(parts.iter().map(String::as_str))
}
