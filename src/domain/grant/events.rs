//! What can have happened to a grant, and the words for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::evidence::Evidence;
use crate::domain::identity::{
    ConditionId, FundId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, Reference, RunId,
};
use crate::domain::money::Money;
use crate::domain::places::{Area, listed};
use crate::domain::text::Text;

use super::RunExit;

codes! {
    /// In what standing somebody signs for a partner.
    pub enum SignatoryRole {
        "chair" => Chair, "chair";
        "trustee" => Trustee, "trustee";
        "treasurer" => Treasurer, "treasurer";
        "director" => Director, "director";
        "chief_officer" => ChiefOfficer, "chief officer";
    }
}

codes! {
    /// What kind of interest stands against somebody judging a grant.
    pub enum ConflictNature {
        "trustee_or_member" => TrusteeOrMember, "trustee or member of the organisation";
        "family_or_friend" => FamilyOrFriend, "family or friendship";
        "employment" => Employment, "employment";
        "financial" => Financial, "financial interest";
        "other" => Other, "another interest";
    }
}

/// The part of a grant that goes to a delivery partner working with the lead partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryShare {
    /// The delivery partner.
    pub partner: PartnerId,
    /// Its share, GBP.
    pub amount: Money,
}

/// The part of a grant that answers a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedShare {
    /// The need.
    pub need: Uuid,
    /// Per cent of the grant, 1 to 100.
    pub percent: u8,
}

/// How an application stands against one criterion of eligibility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionResult {
    /// The criterion's code in the programme.
    pub criterion: Text<40>,
    /// Whether it is met.
    pub met: bool,
}

/// What an instalment waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its id.
    pub id: ConditionId,
    /// What must be shown, in plain words.
    pub title: Text<300>,
}

/// One payment planned when the grant was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedInstalment {
    /// Its id.
    pub id: InstalmentId,
    /// GBP.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses.
    pub year: FinancialYear,
    /// What it waits for.
    pub conditions: Vec<Condition>,
}

/// The authority an approval rested on, with the limit in force at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityUsed {
    /// Where the authority comes from: the programme's limit for one approver, or a delegation by its id.
    pub source: Text<60>,
    /// The most it allowed, GBP.
    pub limit: Money,
}

events! {
    /// What can have happened to a grant.
    pub enum GrantEvent in "grant" {
        /// A partner applied for a grant.
        "grant.application_submitted", 1 => ApplicationSubmitted {
            /// Its human reference, given once.
            reference: Reference,
            /// The lead partner.
            partner: PartnerId,
            /// The programme.
            programme: ProgrammeId,
            /// The fund the programme draws on.
            fund: FundId,
            /// What the work is called.
            title: Text<200>,
            /// What the money is for.
            purpose: Text<2000>,
            /// How much is asked for, GBP.
            requested: Money,
            /// Where the work is done.
            places: BTreeSet<Area>,
            /// The first day of the work.
            starts_on: Date,
            /// The last day of the work.
            ends_on: Date,
            /// The needs it answers.
            needs: Vec<NeedShare>,
            /// Who delivers with the lead partner.
            delivery: Vec<DeliveryShare>,
        },
        /// The application meets every criterion of eligibility.
        "grant.eligibility_confirmed", 1 => EligibilityConfirmed {
            /// Each criterion.
            results: Vec<CriterionResult>,
        },
        /// The application does not meet a criterion of eligibility.
        "grant.eligibility_refused", 1, reason => EligibilityRefused {
            /// Each criterion.
            results: Vec<CriterionResult>,
        },
        /// Somebody has an interest: from now on that person decides nothing on this grant.
        "grant.conflict_declared", 1, reason => ConflictDeclared {
            /// Who.
            person: PersonId,
            /// What kind of interest.
            nature: ConflictNature,
        },
        /// Somebody was asked to assess the application.
        "grant.assessor_assigned", 1 => AssessorAssigned {
            /// Who.
            assessor: PersonId,
        },
        /// An assessor scored the application on one criterion.
        "grant.score_recorded", 1 => ScoreRecorded {
            /// Who.
            assessor: PersonId,
            /// The criterion's code in the programme.
            criterion: Text<40>,
            /// 1 (poor) to 5 (excellent).
            score: u8,
            /// Why this score.
            justification: Text<2000>,
        },
        /// The grant was put forward for approval; the money is reserved in the same moment.
        "grant.recommended", 1, reason => Recommended {
            /// Who put it forward.
            proposer: PersonId,
            /// GBP.
            amount: Money,
        },
        /// The grant was approved; the money is committed in the same moment.
        "grant.approved", 1, reason => Approved {
            /// Who approved.
            approver: PersonId,
            /// GBP.
            amount: Money,
            /// The authority it rested on.
            authority: AuthorityUsed,
            /// The payments planned; they add up to the amount.
            instalments: Vec<PlannedInstalment>,
            /// Which version of the terms applies.
            terms_version: Text<40>,
        },
        /// The application was turned down; money reserved is free again in the same moment.
        "grant.declined", 1, reason => Declined {
            /// What the partner is told.
            feedback: Text<2000>,
        },
        /// The partner took the application back.
        "grant.application_withdrawn", 1 => ApplicationWithdrawn {},
        /// The offer was sent to the partner.
        "grant.offer_issued", 1 => OfferIssued {
            /// The SHA-256 of the agreement.
            terms_hash: Hash,
            /// The last day on which it can be accepted.
            accept_by: Date,
        },
        /// The partner accepted the offer.
        "grant.offer_accepted", 1 => OfferAccepted {
            /// The SHA-256 of the agreement that was accepted.
            terms_hash: Hash,
            /// Who signed.
            signatory: PersonId,
            /// In what standing.
            signatory_role: SignatoryRole,
        },
        /// The partner declined the offer; the commitment is released in the same moment.
        "grant.offer_declined", 1, reason => OfferDeclined {},
        /// A condition was met.
        "grant.condition_met", 1 => ConditionMet {
            /// Which.
            condition: ConditionId,
            /// What showed it.
            evidence: Evidence,
        },
        /// An instalment may be paid.
        "grant.instalment_authorised", 1 => InstalmentAuthorised {
            /// Which.
            instalment: InstalmentId,
            /// GBP.
            amount: Money,
            /// Who authorised it.
            authorised_by: PersonId,
            /// The day it is to be paid.
            pay_on: Date,
            /// The day on which the first of the partner's checks runs out; none when none does.
            checks_valid_until: Option<Date>,
            /// The bank details it goes to.
            bank_version: u32,
            /// The payment run it is in, where there is one.
            run: Option<Uuid>,
        },
        /// The bank paid an instalment; the expenditure is posted in the same moment.
        "grant.payment_confirmed", 1 => PaymentConfirmed {
            /// Which instalment.
            instalment: InstalmentId,
            /// GBP.
            amount: Money,
            /// The day the bank paid it.
            value_date: Date,
            /// The payment run it was in, where there is one.
            run: Option<Uuid>,
            /// The line of the run, where there is one.
            line: Option<u32>,
        },
        /// An authorised instalment was put in a payment run: it is in no other until it is taken out.
        "grant.instalment_put_in_run", 1 => InstalmentPutInRun {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run.
            run: RunId,
            /// The line of the run.
            line: u32,
        },
        /// An instalment is no longer in a payment run: it may go into another.
        "grant.instalment_taken_from_run", 1 => InstalmentTakenFromRun {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run.
            run: RunId,
            /// The line of the run.
            line: u32,
            /// Why.
            cause: RunExit,
        },
        /// The bank did not pay an instalment: the money never left; the instalment is closed and another takes its
        /// place.
        "grant.payment_rejected", 1 => PaymentRejected {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run it was in.
            run: RunId,
            /// The line of the run.
            line: u32,
            /// GBP.
            amount: Money,
            /// The bank's code for why.
            bank_code: Text<20>,
            /// The instalment that takes its place, to be authorised anew.
            replacement: PlannedInstalment,
        },
        /// A payment came back from the bank; the expenditure is taken back in the same moment, the instalment is
        /// closed and another takes its place.
        "grant.payment_returned", 1, reason => PaymentReturned {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run it was in.
            run: RunId,
            /// The line of the run.
            line: u32,
            /// GBP.
            amount: Money,
            /// The day the bank gave it back.
            value_date: Date,
            /// The bank's code for why.
            bank_code: Text<20>,
            /// The instalment that takes its place, to be authorised anew.
            replacement: PlannedInstalment,
        },
    }
}

impl GrantEvent {
    pub(super) fn told(&self) -> String {
        match self {
            Self::ApplicationSubmitted { title, requested, places, .. } => format!(
                "Applied for {requested} for “{title}” in {}.",
                listed(places.iter().map(|place| place.words()))
            ),
            Self::EligibilityConfirmed { results } => {
                let criteria = results.iter().map(|one| one.criterion.as_str());
                format!("Found eligible: {} met.", listed(criteria))
            }
            Self::EligibilityRefused { results } => {
                let unmet = results.iter().filter(|one| !one.met).map(|one| one.criterion.as_str());
                format!("Found not eligible: {} not met.", listed(unmet))
            }
            Self::ConflictDeclared { nature, .. } => {
                format!("A conflict of interest was declared: {}.", nature.words())
            }
            Self::AssessorAssigned { .. } => "An assessor was assigned.".into(),
            Self::ScoreRecorded { criterion, score, .. } => {
                format!("Scored {score} of 5 on {criterion}.")
            }
            Self::Recommended { amount, .. } => format!("Recommended for {amount}."),
            Self::Approved { amount, authority, instalments, .. } => format!(
                "Approved for {amount} under a limit of {}, to be paid in {}.",
                authority.limit,
                match instalments.len() {
                    1 => "one instalment".into(),
                    many => format!("{many} instalments"),
                }
            ),
            Self::Declined { .. } => "The application was declined.".into(),
            Self::ApplicationWithdrawn {} => "The partner took the application back.".into(),
            Self::OfferIssued { accept_by, .. } => {
                format!("The offer was sent, to be accepted by {}.", day(*accept_by))
            }
            Self::OfferAccepted { signatory_role, .. } => {
                format!("The offer was accepted by the partner’s {}.", signatory_role.words())
            }
            Self::OfferDeclined {} => "The partner declined the offer.".into(),
            Self::ConditionMet { evidence, .. } => {
                format!("A condition was met, shown by “{}”.", evidence.title)
            }
            Self::InstalmentAuthorised { amount, pay_on, bank_version, .. } => format!(
                "{amount} was authorised to be paid on {} to bank details version {bank_version}.",
                day(*pay_on)
            ),
            Self::PaymentConfirmed { amount, value_date, .. } => {
                format!("{amount} was paid on {}.", day(*value_date))
            }
            Self::InstalmentPutInRun { line, .. } => {
                format!("An instalment was put in a payment run, as line {line}.")
            }
            Self::InstalmentTakenFromRun { line, cause, .. } => {
                format!("An instalment left a payment run, line {line}: {}.", cause.words())
            }
            Self::PaymentRejected { amount, bank_code, .. } => format!(
                "The bank did not pay {amount} ({bank_code}): a new instalment takes the place of the old one."
            ),
            Self::PaymentReturned { amount, value_date, bank_code, .. } => format!(
                "{amount} came back from the bank on {} ({bank_code}): a new instalment takes the place of the old one.",
                day(*value_date)
            ),
        }
    }
}
