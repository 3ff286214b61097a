//! What can have happened to a partner, and the words for it.

use std::collections::BTreeSet;

use crate::domain::calendar::{Date, day};
use crate::domain::evidence::{Evidence, VaultRef};
use crate::domain::identity::{GrantId, PersonId, Reference};
use crate::domain::money::Money;
use crate::domain::places::{Area, Community, listed};
use crate::domain::text::Text;

codes! {
    /// What an organisation is in law.
    pub enum LegalForm {
        "registered_charity" => RegisteredCharity, "registered charity";
        "charitable_incorporated_organisation" => Cio, "charitable incorporated organisation";
        "community_interest_company" => Cic, "community interest company";
        "company_limited_by_guarantee" => GuaranteeCompany, "company limited by guarantee";
        "community_benefit_society" => BenefitSociety, "community benefit society";
        "unincorporated_association" => Association, "unincorporated association";
        "faith_group" => FaithGroup, "faith group";
    }
}

codes! {
    /// A due-diligence check. All that are required of a partner must be in date before it is approved or paid.
    pub enum CheckKind {
        "register" => Register, "charity or company register";
        "governing_document" => GoverningDocument, "governing document";
        "accounts" => Accounts, "accounts";
        "signatories" => Signatories, "two unrelated signatories";
        "bank" => Bank, "bank details";
        "safeguarding" => Safeguarding, "safeguarding policy";
        "dbs" => Dbs, "DBS policy";
        "public_liability" => PublicLiability, "public liability insurance";
        "employers_liability" => EmployersLiability, "employers’ liability insurance";
        "data_protection" => DataProtection, "data protection policy";
        "equality" => Equality, "equality policy";
    }
}

impl CheckKind {
    /// The checks with these codes: what a programme asks for beside the checks of every partner is kept as codes.
    pub fn of_codes(codes: impl IntoIterator<Item: AsRef<str>>) -> impl Iterator<Item = Self> {
        codes.into_iter().filter_map(|code| Self::from_code(code.as_ref()))
    }
}

events! {
    /// What can have happened to a partner.
    pub enum PartnerEvent in "partner" {
        /// An organisation applied to become a partner.
        "partner.applied", 1 => Applied {
            /// Its human reference, given once.
            reference: Reference,
            /// The organisation's name.
            name: Text<200>,
            /// What it is in law.
            legal_form: LegalForm,
            /// Its number at the Charity Commission, if registered.
            charity_number: Option<Text<20>>,
            /// Its number at Companies House, if registered.
            company_number: Option<Text<20>>,
            /// Where it works.
            areas: BTreeSet<Area>,
            /// Whom it serves.
            communities: BTreeSet<Community>,
            /// What it does, for the directory.
            summary: Text<1000>,
        },
        /// A due-diligence check was asked for.
        "partner.check_required", 1 => CheckRequired {
            /// Which check.
            check: CheckKind,
        },
        /// A document was handed in for a check.
        "partner.check_evidence_submitted", 1 => CheckEvidenceSubmitted {
            /// Which check.
            check: CheckKind,
            /// The document.
            evidence: Evidence,
        },
        /// A check was passed.
        "partner.check_passed", 1 => CheckPassed {
            /// Which check.
            check: CheckKind,
            /// The last day on which it holds; none when it does not run out.
            valid_until: Option<Date>,
        },
        /// A check was failed.
        "partner.check_failed", 1, reason => CheckFailed {
            /// Which check.
            check: CheckKind,
        },
        /// A check was waived for a time.
        "partner.check_waived", 1, reason => CheckWaived {
            /// Which check; never the bank check.
            check: CheckKind,
            /// The last day of the waiver, at most 12 months on.
            until: Date,
        },
        /// The system acted on a check that had run out. Expiry itself is worked out when it is read.
        "partner.check_lapsed", 1 => CheckLapsed {
            /// Which check.
            check: CheckKind,
            /// The last day on which it held.
            valid_until: Date,
        },
        /// The partner was approved: it may apply for grants.
        "partner.approved", 1 => Approved {
            /// When the partner is next looked at.
            next_review: Date,
        },
        /// The application was turned down.
        "partner.declined", 1, reason => Declined {},
        /// The organisation took its application back.
        "partner.withdrew", 1 => Withdrew {},
        /// The partner was suspended: nothing new is awarded or paid.
        "partner.suspended", 1, reason => Suspended {},
        /// The suspension was lifted.
        "partner.reinstated", 1, reason => Reinstated {},
        /// The yearly look at the partner was done.
        "partner.reviewed", 1 => Reviewed {
            /// When the next one is due.
            next_review: Date,
        },
        /// Bank details were handed in. They are kept in the vault, never in the log.
        "partner.bank_details_submitted", 1 => BankDetailsSubmitted {
            /// Which version, counting from 1.
            bank_version: u32,
            /// Who handed them in: somebody else must verify them.
            submitted_by: PersonId,
            /// Where they are kept, and the commitment to them.
            details: VaultRef,
        },
        /// Bank details were verified by somebody other than the person who handed them in.
        "partner.bank_details_verified", 1 => BankDetailsVerified {
            /// Which version.
            bank_version: u32,
            /// Who verified them: somebody else must approve the partner.
            verified_by: PersonId,
            /// How they were verified.
            method: VerificationMethod,
            /// The first day on which they may be paid to.
            payable_from: Date,
        },
        /// Aid that the partner had from a public body, and that counts towards the limit, was declared.
        "partner.subsidy_declared", 1 => SubsidyDeclared {
            /// Who gave it.
            body: Text<200>,
            /// GBP.
            amount: Money,
            /// When it was given.
            given_on: Date,
        },
        /// The partner was told in writing that a grant is to be minimal financial assistance, and asked to confirm.
        "partner.subsidy_notified", 1 => SubsidyNotified {
            /// For which grant.
            grant: GrantId,
            /// How much of it, GBP.
            amount: Money,
        },
        /// The partner confirmed in writing that with this grant it stays within the limit.
        "partner.subsidy_confirmed", 1 => SubsidyConfirmed {
            /// For which grant.
            grant: GrantId,
            /// How much, GBP.
            amount: Money,
            /// Who confirmed or took the confirmation in.
            confirmed_by: PersonId,
            /// The written confirmation.
            evidence: Evidence,
        },
        /// Minimal financial assistance was given: the partner accepted the grant in the same moment.
        "partner.subsidy_given", 1 => SubsidyGiven {
            /// For which grant.
            grant: GrantId,
            /// GBP.
            amount: Money,
            /// When.
            given_on: Date,
        },
        /// A subsidy was entered in the public database.
        "partner.subsidy_published", 1 => SubsidyPublished {
            /// For which grant.
            grant: GrantId,
            /// Its number in the database.
            entry: Text<60>,
        },
    }
}

codes! {
    /// How bank details were verified.
    pub enum VerificationMethod {
        "call_back" => CallBack, "a call back to a known number";
        "bank_letter" => BankLetter, "a letter from the bank";
        "confirmation_of_payee" => ConfirmationOfPayee, "confirmation of payee";
    }
}

impl PartnerEvent {
    fn told(&self) -> String {
        match self {
            Self::Applied { name, legal_form, areas, communities, .. } => format!(
                "{name} ({}) applied to become a partner in {}, serving {}.",
                legal_form.words(),
                listed(areas.iter().map(|area| area.words())),
                listed(communities.iter().map(|community| community.words()))
            ),
            Self::CheckRequired { check } => format!("The {} check was asked for.", check.words()),
            Self::CheckEvidenceSubmitted { check, evidence } => {
                format!("“{}” was handed in for the {} check.", evidence.title, check.words())
            }
            Self::CheckPassed { check, valid_until } => match valid_until {
                Some(until) => {
                    format!("The {} check was passed, valid until {}.", check.words(), day(*until))
                }
                None => format!("The {} check was passed.", check.words()),
            },
            Self::CheckFailed { check } => format!("The {} check was failed.", check.words()),
            Self::CheckWaived { check, until } => {
                format!("The {} check was waived until {}.", check.words(), day(*until))
            }
            Self::CheckLapsed { check, valid_until } => {
                format!("The {} check had run out on {}.", check.words(), day(*valid_until))
            }
            Self::Approved { next_review } => {
                format!("Approved as a partner; next review due {}.", day(*next_review))
            }
            Self::Declined {} => "The application to become a partner was declined.".into(),
            Self::Withdrew {} => "The organisation took its application back.".into(),
            Self::Suspended {} => "Suspended: nothing new is awarded or paid.".into(),
            Self::Reinstated {} => "The suspension was lifted.".into(),
            Self::Reviewed { next_review } => {
                format!("Reviewed; the next review is due {}.", day(*next_review))
            }
            Self::BankDetailsSubmitted { bank_version, .. } => {
                format!("Bank details were handed in (version {bank_version}).")
            }
            Self::BankDetailsVerified { bank_version, method, payable_from, .. } => format!(
                "Bank details version {bank_version} were verified by {}; payable from {}.",
                method.words(),
                day(*payable_from)
            ),
            Self::SubsidyDeclared { body, amount, given_on } => {
                format!("Aid of {amount} from {body} on {} was declared.", day(*given_on))
            }
            Self::SubsidyNotified { amount, .. } => {
                format!("Told that a grant of {amount} is to be minimal financial assistance.")
            }
            Self::SubsidyConfirmed { amount, evidence, .. } => format!(
                "Confirmed by “{}” that {amount} more minimal financial assistance is within the limit.",
                evidence.title
            ),
            Self::SubsidyGiven { amount, given_on, .. } => {
                format!("Minimal financial assistance of {amount} was given on {}.", day(*given_on))
            }
            Self::SubsidyPublished { entry, .. } => {
                format!("The subsidy was entered in the public database as {entry}.")
            }
        }
    }
}
