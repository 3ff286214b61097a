//! A partner: a voluntary, community, faith or social enterprise organisation, from application to approval,
//! its due-diligence checks, its bank details and the aid it has had.

mod events;
pub mod subsidies;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{Date, day};
use super::evidence::{Evidence, VaultRef};
use super::identity::{GrantId, PersonId, Reference};
use super::money::Money;
use super::places::{Area, Community, listed};
use super::text::Text;
use super::{Aggregate, Circumstances};

use subsidies::Subsidies;

pub use events::{CheckKind, LegalForm, PartnerEvent, VerificationMethod};

/// The longest a check may be waived, in months.
pub const LONGEST_WAIVER_MONTHS: u32 = 12;
/// How long nothing is paid to changed bank details after they were verified, in days.
pub const BANK_CHANGE_HOLD_DAYS: u64 = 5;

/// The checks every applicant needs; more can be required one by one.
pub const CHECKS_OF_EVERY_PARTNER: [CheckKind; 5] = [
    CheckKind::GoverningDocument,
    CheckKind::Signatories,
    CheckKind::Bank,
    CheckKind::Safeguarding,
    CheckKind::DataProtection,
];

/// What can be asked of a partner. A subsidy is given with its whole sum; some may have been given before.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum PartnerCommand {
    Apply(Application),
    RequireCheck { check: CheckKind },
    SubmitCheckEvidence { check: CheckKind, evidence: Evidence },
    PassCheck { check: CheckKind, valid_until: Option<Date> },
    FailCheck { check: CheckKind },
    WaiveCheck { check: CheckKind, until: Date },
    RecordLapse { check: CheckKind },
    Approve { next_review: Date },
    Decline,
    Withdraw,
    Suspend,
    Reinstate,
    Review { next_review: Date },
    SubmitBankDetails { details: VaultRef },
    VerifyBankDetails { bank_version: u32, method: VerificationMethod },
    DeclareSubsidy { body: Text<200>, amount: Money, given_on: Date },
    NotifySubsidy { grant: GrantId, amount: Money },
    ConfirmSubsidy { grant: GrantId, evidence: Evidence },
    GiveSubsidy { grant: GrantId, amount: Money },
    PublishSubsidy { grant: GrantId, entry: Text<60> },
}

/// What an organisation says of itself when it applies.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of partner.applied")]
pub struct Application {
    pub reference: Reference,
    pub name: Text<200>,
    pub legal_form: LegalForm,
    pub charity_number: Option<Text<20>>,
    pub company_number: Option<Text<20>>,
    pub areas: BTreeSet<Area>,
    pub communities: BTreeSet<Community>,
    pub summary: Text<1000>,
}

impl From<Application> for PartnerEvent {
    fn from(application: Application) -> Self {
        let Application {
            reference,
            name,
            legal_form,
            charity_number,
            company_number,
            areas,
            communities,
            summary,
        } = application;
        Self::Applied {
            reference,
            name,
            legal_form,
            charity_number,
            company_number,
            areas,
            communities,
            summary,
        }
    }
}

refusals! {
    /// Why something asked of a partner was turned down.
    pub enum PartnerRefusal {
        "partner.unknown" => Unknown, "There is no partner with this id.";
        "partner.already_applied" => AlreadyApplied, "This organisation has already applied.";
        "partner.no_area" => NoArea, "Choose at least one area the organisation works in.";
        "partner.no_community" => NoCommunity, "Choose at least one community the organisation serves.";
        "partner.number_missing" => NumberMissing { form: &'static str }, "Enter the register number: a {form} has one.";
        "partner.not_applying" => NotApplying, "This can only be done while the application is being looked at.";
        "partner.not_approved" => NotApproved, "This partner is not approved. It must be approved first, or reinstated where it is suspended.";
        "partner.not_suspended" => NotSuspended, "This partner is not suspended.";
        "partner.ended" => Ended, "This application was declined or taken back: nothing more can be done on it.";
        "partner.check_not_required" => CheckNotRequired { check: &'static str }, "The {check} check was not asked of this partner.";
        "partner.check_already_required" => CheckAlreadyRequired { check: &'static str }, "The {check} check is already asked of this partner.";
        "partner.check_without_evidence" => CheckWithoutEvidence { check: &'static str }, "Nothing was handed in for the {check} check yet: record the evidence first.";
        "partner.check_already_expired" => CheckAlreadyExpired { until: String }, "A check cannot be passed or waived until {until}: that day has gone by.";
        "partner.bank_check_by_verification" => BankCheckByVerification, "The bank check is passed by verifying the bank details, and in no other way.";
        "partner.bank_check_never_waived" => BankCheckNeverWaived, "The bank check is never waived: money would go to an account nobody has verified.";
        "partner.waiver_too_long" => WaiverTooLong { latest: String }, "A check may be waived for at most 12 months, so until {latest} at the latest.";
        "partner.check_still_valid" => CheckStillValid { check: &'static str }, "The {check} check has not run out.";
        "partner.checks_missing" => ChecksMissing { missing: String }, "Not every required check is passed and in date: {missing}.";
        "partner.approver_verified_bank" => ApproverVerifiedBank, "The person who verified the bank details cannot also approve the partner: somebody else must.";
        "partner.review_not_ahead" => ReviewNotAhead, "The next review must lie ahead.";
        "partner.bank_version_unknown" => BankVersionUnknown { newest: u32 }, "Only the newest bank details can be verified: version {newest}.";
        "partner.bank_already_verified" => BankAlreadyVerified, "These bank details are already verified.";
        "partner.bank_verifier_submitted" => BankVerifierSubmitted, "The person who handed in bank details cannot verify them: somebody else must.";
        "partner.bank_missing" => BankMissing, "No bank details have been handed in.";
        "partner.bank_unverified" => BankUnverified { version: u32 }, "The newest bank details (version {version}) are not verified yet.";
        "partner.subsidy_limit" => SubsidyLimit { had: String, left: String, asked: Money }, "This partner has had {had} of minimal financial assistance in this financial year and the two before it: {left} more can be given within the limit of £315,000.00, and {asked} was asked for.";
        "partner.subsidy_ahead" => SubsidyAhead { on: String }, "{on} lies ahead: declare aid once it has been given.";
        "partner.subsidy_already_notified" => SubsidyAlreadyNotified { amount: Money }, "The partner was already told of {amount} for this grant.";
        "partner.subsidy_not_notified" => SubsidyNotNotified, "The partner was not told that this grant is minimal financial assistance: tell it first, and let it confirm.";
        "partner.subsidy_already_confirmed" => SubsidyAlreadyConfirmed, "The partner has already confirmed this.";
        "partner.subsidy_not_confirmed" => SubsidyNotConfirmed, "The partner has not yet confirmed in writing that this grant keeps it within the limit of minimal financial assistance.";
        "partner.subsidy_above_notice" => SubsidyAboveNotice { notified: Money, asked: Money }, "The partner was told of {notified}, and {asked} is more: tell it of the right sum and let it confirm again.";
        "partner.subsidy_already_given" => SubsidyAlreadyGiven, "Minimal financial assistance of this sum or more was already given for this grant: the partner is told of a sum only when it becomes more.";
        "partner.subsidy_not_given" => SubsidyNotGiven, "No minimal financial assistance was given for this grant.";
        "partner.subsidy_already_published" => SubsidyAlreadyPublished, "This subsidy is already in the public database.";
        "partner.bank_on_hold" => BankOnHold { version: u32, from: String }, "Bank details version {version} were changed and may be paid to from {from}.";
    }
}

codes! {
    /// Where a partner stands.
    pub enum PartnerStatus {
        "none" => None, "not on the record";
        "applied" => Applied, "applied";
        "approved" => Approved, "approved";
        "suspended" => Suspended, "suspended";
        "declined" => Declined, "declined";
        "withdrawn" => Withdrawn, "withdrawn";
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that lists codes derives no default")]
impl Default for PartnerStatus {
    fn default() -> Self {
        Self::None
    }
}

/// Where one check stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CheckState {
    /// Asked for, nothing decided.
    #[default]
    Open,
    /// Passed, until a last day if it runs out.
    Passed(Option<Date>),
    /// Waived until a last day.
    Waived(Date),
    /// Failed.
    Failed,
}

impl CheckState {
    /// Whether the check holds on a date.
    #[must_use]
    pub fn holds_on(&self, date: Date) -> bool {
        match self {
            Self::Passed(None) => true,
            Self::Passed(Some(until)) | Self::Waived(until) => date <= *until,
            Self::Open | Self::Failed => false,
        }
    }

    /// The last day on which it holds, where it runs out.
    #[must_use]
    pub const fn valid_until(&self) -> Option<Date> {
        match self {
            Self::Passed(until) => *until,
            Self::Waived(until) => Some(*until),
            Self::Open | Self::Failed => None,
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Check {
    state: CheckState,
    evidenced: bool,
}

#[derive(Debug, Clone)]
struct Bank {
    details: VaultRef,
    submitted_by: PersonId,
    verified_by: Option<PersonId>,
    payable_from: Option<Date>,
}

/// A partner as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Partner {
    status: PartnerStatus,
    checks: BTreeMap<CheckKind, Check>,
    banks: Vec<Bank>,
    subsidies: Subsidies,
}

/// What a payment relies on, as it stood when the payment was authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payable {
    /// The first day on which a required check would no longer hold is the day after this one.
    pub checks_valid_until: Option<Date>,
    /// The bank details to pay to.
    pub bank_version: u32,
}

impl Partner {
    /// Where the partner stands.
    #[must_use]
    pub const fn status(&self) -> PartnerStatus {
        self.status
    }

    /// Whether the partner may apply, be awarded and be paid.
    ///
    /// # Errors
    /// `partner.unknown` or `partner.not_approved`.
    pub const fn approved(&self) -> Result<(), PartnerRefusal> {
        match self.status {
            PartnerStatus::Approved => Ok(()),
            PartnerStatus::None => Err(PartnerRefusal::Unknown),
            PartnerStatus::Applied
            | PartnerStatus::Suspended
            | PartnerStatus::Declined
            | PartnerStatus::Withdrawn => Err(PartnerRefusal::NotApproved),
        }
    }

    /// Whether every required check holds on a date, and those `also` named; until when.
    ///
    /// # Errors
    /// `partner.checks_missing`, naming them.
    pub fn due_diligence(&self, on: Date, also: &[CheckKind]) -> Result<Option<Date>, PartnerRefusal> {
        let required: BTreeSet<CheckKind> = self.checks.keys().chain(also).copied().collect();
        let missing: Vec<String> = required
            .iter()
            .filter_map(|kind| match self.checks.get(kind) {
                Some(check) if check.state.holds_on(on) => None,
                Some(check) => Some(check.state.valid_until().map_or_else(
                    || kind.words().to_string(),
                    |until| format!("{} (ran out on {})", kind.words(), day(until)),
                )),
                None => Some(format!("{} (never asked for)", kind.words())),
            })
            .collect();
        if !missing.is_empty() {
            return Err(PartnerRefusal::ChecksMissing {
                missing: listed(missing.iter().map(String::as_str)),
            });
        }
        Ok(required.iter().filter_map(|kind| self.checks[kind].state.valid_until()).min())
    }

    /// What a payment on a date may rely on.
    ///
    /// # Errors
    /// The partner is not approved, a check does not hold on that day, or the newest bank details are missing,
    /// unverified or on hold.
    pub fn payable(&self, on: Date, also: &[CheckKind]) -> Result<Payable, PartnerRefusal> {
        self.approved()?;
        let version = u32::try_from(self.banks.len()).unwrap_or(u32::MAX);
        let bank = self.banks.last().ok_or(PartnerRefusal::BankMissing)?;
        let from = bank.payable_from.ok_or(PartnerRefusal::BankUnverified { version })?;
        if on < from {
            return Err(PartnerRefusal::BankOnHold { version, from: day(from) });
        }
        let checks_valid_until = self.due_diligence(on, also)?;
        Ok(Payable { checks_valid_until, bank_version: version })
    }

    /// Where the bank details of a version are kept.
    ///
    /// # Errors
    /// `partner.bank_missing`.
    pub fn bank_details(&self, version: u32) -> Result<&VaultRef, PartnerRefusal> {
        let place = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        let bank = place.and_then(|place| self.banks.get(place)).ok_or(PartnerRefusal::BankMissing)?;
        Ok(&bank.details)
    }

    /// Whether the partner may deliver part of another partner’s grant: a small group need not be approved itself.
    ///
    /// # Errors
    /// `partner.unknown`, `partner.ended`, or `partner.not_approved` while it is suspended.
    pub fn may_deliver(&self) -> Result<(), PartnerRefusal> {
        self.must_be_alive()?;
        if self.status == PartnerStatus::Suspended { Err(PartnerRefusal::NotApproved) } else { Ok(()) }
    }

    fn newest_bank_version(&self) -> u32 {
        u32::try_from(self.banks.len()).unwrap_or(u32::MAX)
    }

    fn must_be(&self, status: PartnerStatus, otherwise: PartnerRefusal) -> Result<(), PartnerRefusal> {
        if self.status == status { Ok(()) } else { Err(otherwise) }
    }

    const fn must_be_alive(&self) -> Result<(), PartnerRefusal> {
        match self.status {
            PartnerStatus::None => Err(PartnerRefusal::Unknown),
            PartnerStatus::Declined | PartnerStatus::Withdrawn => Err(PartnerRefusal::Ended),
            PartnerStatus::Applied | PartnerStatus::Approved | PartnerStatus::Suspended => Ok(()),
        }
    }

    fn required(&self, check: CheckKind) -> Result<&Check, PartnerRefusal> {
        self.must_be_alive()?;
        self.checks.get(&check).ok_or(PartnerRefusal::CheckNotRequired { check: check.words() })
    }

    fn pass(
        &self,
        check: CheckKind,
        valid_until: Option<Date>,
        on: Date,
    ) -> Result<PartnerEvent, PartnerRefusal> {
        if check == CheckKind::Bank {
            return Err(PartnerRefusal::BankCheckByVerification);
        }
        if !self.required(check)?.evidenced {
            return Err(PartnerRefusal::CheckWithoutEvidence { check: check.words() });
        }
        if let Some(until) = valid_until.filter(|until| *until < on) {
            return Err(PartnerRefusal::CheckAlreadyExpired { until: day(until) });
        }
        Ok(PartnerEvent::CheckPassed { check, valid_until })
    }

    fn waive(&self, check: CheckKind, until: Date, on: Date) -> Result<PartnerEvent, PartnerRefusal> {
        if check == CheckKind::Bank {
            return Err(PartnerRefusal::BankCheckNeverWaived);
        }
        self.required(check)?;
        if until < on {
            return Err(PartnerRefusal::CheckAlreadyExpired { until: day(until) });
        }
        let latest = on + chrono::Months::new(LONGEST_WAIVER_MONTHS);
        if until > latest {
            return Err(PartnerRefusal::WaiverTooLong { latest: day(latest) });
        }
        Ok(PartnerEvent::CheckWaived { check, until })
    }

    fn approve(&self, next_review: Date, at: &Circumstances) -> Result<PartnerEvent, PartnerRefusal> {
        self.must_be(PartnerStatus::Applied, PartnerRefusal::NotApplying)?;
        if next_review <= at.on {
            return Err(PartnerRefusal::ReviewNotAhead);
        }
        self.due_diligence(at.today, &[])?;
        if self.banks.iter().any(|bank| bank.verified_by == Some(at.actor.person)) {
            return Err(PartnerRefusal::ApproverVerifiedBank);
        }
        Ok(PartnerEvent::Approved { next_review })
    }

    fn verify_bank(
        &self,
        bank_version: u32,
        method: VerificationMethod,
        at: &Circumstances,
    ) -> Result<Vec<PartnerEvent>, PartnerRefusal> {
        self.must_be_alive()?;
        let bank = self.banks.last().ok_or(PartnerRefusal::BankMissing)?;
        if bank_version != self.newest_bank_version() {
            return Err(PartnerRefusal::BankVersionUnknown { newest: self.newest_bank_version() });
        }
        if bank.verified_by.is_some() {
            return Err(PartnerRefusal::BankAlreadyVerified);
        }
        if bank.submitted_by == at.actor.person {
            return Err(PartnerRefusal::BankVerifierSubmitted);
        }
        let hold = if bank_version == 1 { 0 } else { BANK_CHANGE_HOLD_DAYS };
        Ok(vec![
            PartnerEvent::BankDetailsVerified {
                bank_version,
                verified_by: at.actor.person,
                method,
                payable_from: at.on + chrono::Days::new(hold),
            },
            PartnerEvent::CheckPassed { check: CheckKind::Bank, valid_until: None },
        ])
    }
}

/// The facts an application leads to: itself, and the checks asked for.
fn applied(application: Application) -> Result<Vec<PartnerEvent>, PartnerRefusal> {
    if application.areas.is_empty() {
        return Err(PartnerRefusal::NoArea);
    }
    if application.communities.is_empty() {
        return Err(PartnerRefusal::NoCommunity);
    }
    let form = application.legal_form;
    let number = match form {
        LegalForm::RegisteredCharity | LegalForm::Cio => Some(&application.charity_number),
        LegalForm::Cic | LegalForm::GuaranteeCompany => Some(&application.company_number),
        LegalForm::BenefitSociety | LegalForm::Association | LegalForm::FaithGroup => None,
    };
    if number.is_some_and(Option::is_none) {
        return Err(PartnerRefusal::NumberMissing { form: form.words() });
    }
    let register = number.map(|_| CheckKind::Register);
    let checks = register.into_iter().chain(CHECKS_OF_EVERY_PARTNER);
    let required = checks.map(|check| PartnerEvent::CheckRequired { check });
    Ok(std::iter::once(PartnerEvent::from(application)).chain(required).collect())
}

impl Aggregate for Partner {
    const TYPE: &'static str = "partner";
    type Command = PartnerCommand;
    type Event = PartnerEvent;
    type Refusal = PartnerRefusal;

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each command")]
    fn decide(
        &self,
        command: PartnerCommand,
        at: &Circumstances,
    ) -> Result<Vec<PartnerEvent>, PartnerRefusal> {
        let event = match command {
            PartnerCommand::Apply(application) => {
                self.must_be(PartnerStatus::None, PartnerRefusal::AlreadyApplied)?;
                return applied(application);
            }
            PartnerCommand::RequireCheck { check } => {
                self.must_be_alive()?;
                if self.checks.contains_key(&check) {
                    return Err(PartnerRefusal::CheckAlreadyRequired { check: check.words() });
                }
                PartnerEvent::CheckRequired { check }
            }
            PartnerCommand::SubmitCheckEvidence { check, evidence } => {
                self.required(check)?;
                PartnerEvent::CheckEvidenceSubmitted { check, evidence }
            }
            PartnerCommand::PassCheck { check, valid_until } => self.pass(check, valid_until, at.on)?,
            PartnerCommand::FailCheck { check } => {
                self.required(check)?;
                PartnerEvent::CheckFailed { check }
            }
            PartnerCommand::WaiveCheck { check, until } => self.waive(check, until, at.on)?,
            PartnerCommand::RecordLapse { check } => match self.required(check)?.state.valid_until() {
                Some(valid_until) if valid_until < at.on => PartnerEvent::CheckLapsed { check, valid_until },
                _ => return Err(PartnerRefusal::CheckStillValid { check: check.words() }),
            },
            PartnerCommand::Approve { next_review } => self.approve(next_review, at)?,
            PartnerCommand::Decline => {
                self.must_be(PartnerStatus::Applied, PartnerRefusal::NotApplying)?;
                PartnerEvent::Declined {}
            }
            PartnerCommand::Withdraw => {
                self.must_be(PartnerStatus::Applied, PartnerRefusal::NotApplying)?;
                PartnerEvent::Withdrew {}
            }
            PartnerCommand::Suspend => {
                self.approved()?;
                PartnerEvent::Suspended {}
            }
            PartnerCommand::Reinstate => {
                self.must_be(PartnerStatus::Suspended, PartnerRefusal::NotSuspended)?;
                self.due_diligence(at.today, &[])?;
                PartnerEvent::Reinstated {}
            }
            PartnerCommand::Review { next_review } => {
                self.approved()?;
                if next_review <= at.on {
                    return Err(PartnerRefusal::ReviewNotAhead);
                }
                PartnerEvent::Reviewed { next_review }
            }
            PartnerCommand::SubmitBankDetails { details } => {
                self.must_be_alive()?;
                let (bank_version, submitted_by) = (self.newest_bank_version() + 1, at.actor.person);
                PartnerEvent::BankDetailsSubmitted { bank_version, submitted_by, details }
            }
            PartnerCommand::VerifyBankDetails { bank_version, method } => {
                return self.verify_bank(bank_version, method, at);
            }
            PartnerCommand::DeclareSubsidy { body, amount, given_on } => {
                self.declare_subsidy(body, amount, given_on, at.today)?
            }
            PartnerCommand::NotifySubsidy { grant, amount } => {
                self.notify_subsidy(grant, amount, at.today)?
            }
            PartnerCommand::ConfirmSubsidy { grant, evidence } => {
                self.confirm_subsidy(grant, evidence, at.actor.person, at.today)?
            }
            PartnerCommand::GiveSubsidy { grant, amount } => {
                self.give_subsidy(grant, amount, (at.today, at.on))?
            }
            PartnerCommand::PublishSubsidy { grant, entry } => self.publish_subsidy(grant, entry)?,
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &PartnerEvent) {
        match event {
            PartnerEvent::Applied { .. } => self.status = PartnerStatus::Applied,
            PartnerEvent::CheckRequired { check } => {
                self.checks.entry(*check).or_default();
            }
            PartnerEvent::CheckEvidenceSubmitted { check, .. } => {
                self.checks.entry(*check).or_default().evidenced = true;
            }
            // A document is judged once: the next pass needs a new one.
            PartnerEvent::CheckPassed { check, valid_until } => {
                self.checks
                    .insert(*check, Check { state: CheckState::Passed(*valid_until), evidenced: false });
            }
            PartnerEvent::CheckFailed { check } => {
                self.checks.insert(*check, Check { state: CheckState::Failed, evidenced: false });
            }
            PartnerEvent::CheckWaived { check, until } => {
                self.checks.entry(*check).or_default().state = CheckState::Waived(*until);
            }
            PartnerEvent::CheckLapsed { .. } | PartnerEvent::Reviewed { .. } => {}
            PartnerEvent::Approved { .. } | PartnerEvent::Reinstated {} => {
                self.status = PartnerStatus::Approved;
            }
            PartnerEvent::Declined {} => self.status = PartnerStatus::Declined,
            PartnerEvent::Withdrew {} => self.status = PartnerStatus::Withdrawn,
            PartnerEvent::Suspended {} => self.status = PartnerStatus::Suspended,
            PartnerEvent::BankDetailsSubmitted { submitted_by, details, .. } => {
                let (details, submitted_by) = (details.clone(), *submitted_by);
                self.banks.push(Bank { details, submitted_by, verified_by: None, payable_from: None });
                // The bank check speaks of the newest details.
                self.checks.insert(CheckKind::Bank, Check::default());
            }
            PartnerEvent::BankDetailsVerified { verified_by, payable_from, .. } => {
                if let Some(bank) = self.banks.last_mut() {
                    bank.verified_by = Some(*verified_by);
                    bank.payable_from = Some(*payable_from);
                }
            }
            PartnerEvent::SubsidyDeclared { .. }
            | PartnerEvent::SubsidyNotified { .. }
            | PartnerEvent::SubsidyConfirmed { .. }
            | PartnerEvent::SubsidyGiven { .. }
            | PartnerEvent::SubsidyPublished { .. } => self.subsidies.take(event),
        }
    }
}

#[cfg(test)]
mod tests;
