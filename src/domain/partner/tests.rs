//! Given, when, then: partners.

use super::*;
use crate::domain::evidence::Evidence;
use crate::domain::identity::{Hash, ReferenceKind};
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, given, never_fails, someone, words};

/// People: who hands in for the partner, who verifies bank details, who approves, who else is about.
const PARTNER: u128 = 1;
const FINANCE: u128 = 2;
const COMMISSIONER: u128 = 3;

const TODAY: &str = "2026-05-01";
const YESTERDAY: &str = "2026-04-30";
const NEXT_YEAR: &str = "2027-05-01";

fn application(legal_form: LegalForm) -> Application {
    Application {
        reference: Reference::new(ReferenceKind::Partner, 2026, 1),
        name: words("Invented Sheds of Bootle"),
        legal_form,
        charity_number: None,
        company_number: None,
        areas: BTreeSet::from([Area::SeftonSouth]),
        communities: BTreeSet::from([Community::Men, Community::OlderPeople]),
        summary: words("A workshop where men meet, mend and make."),
    }
}

fn association() -> Vec<PartnerEvent> {
    applied(application(LegalForm::Association)).unwrap()
}

fn evidence() -> Evidence {
    Evidence { title: words("Public liability certificate"), sha256: Hash::of(b"certificate") }
}

fn details() -> VaultRef {
    VaultRef { item: uuid::Uuid::from_u128(77), commit: Hash::of(b"details") }
}

fn passed(check: CheckKind, valid_until: Option<&str>) -> PartnerEvent {
    PartnerEvent::CheckPassed { check, valid_until: valid_until.map(date) }
}

fn handed_in(bank_version: u32) -> PartnerEvent {
    PartnerEvent::BankDetailsSubmitted { bank_version, submitted_by: someone(PARTNER), details: details() }
}

fn verified(bank_version: u32, payable_from: &str) -> PartnerEvent {
    PartnerEvent::BankDetailsVerified {
        bank_version,
        verified_by: someone(FINANCE),
        method: VerificationMethod::CallBack,
        payable_from: date(payable_from),
    }
}

fn after(history: Vec<PartnerEvent>, more: impl IntoIterator<Item = PartnerEvent>) -> Vec<PartnerEvent> {
    history.into_iter().chain(more).collect()
}

/// Applied, every check passed, safeguarding until a last day; bank details verified by finance.
fn checked(safeguarding_until: Option<&str>) -> Vec<PartnerEvent> {
    let checks = CHECKS_OF_EVERY_PARTNER
        .map(|check| passed(check, safeguarding_until.filter(|_| check == CheckKind::Safeguarding)));
    after(after(association(), [handed_in(1), verified(1, "2026-04-20")]), checks)
}

pub(super) fn approved() -> Vec<PartnerEvent> {
    after(checked(None), [PartnerEvent::Approved { next_review: date(NEXT_YEAR) }])
}

fn suspended() -> Vec<PartnerEvent> {
    after(approved(), [PartnerEvent::Suspended {}])
}

pub(super) fn story(
    given: Vec<PartnerEvent>,
    when: PartnerCommand,
    actor: u128,
    then: impl Into<Vec<PartnerEvent>>,
) -> Story<Partner> {
    Story { given, when, at: by(actor, TODAY), then: then.into() }
}

fn stories_of_checks() -> Vec<Story<Partner>> {
    let check = CheckKind::Safeguarding;
    let equality = CheckKind::Equality;
    let with_evidence =
        after(association(), [PartnerEvent::CheckEvidenceSubmitted { check, evidence: evidence() }]);
    let valid_until = Some(date(NEXT_YEAR));
    vec![
        story(vec![], PartnerCommand::Apply(application(LegalForm::Association)), PARTNER, association()),
        story(
            approved(),
            PartnerCommand::RequireCheck { check: equality },
            COMMISSIONER,
            [PartnerEvent::CheckRequired { check: equality }],
        ),
        story(
            association(),
            PartnerCommand::SubmitCheckEvidence { check, evidence: evidence() },
            PARTNER,
            [PartnerEvent::CheckEvidenceSubmitted { check, evidence: evidence() }],
        ),
        story(
            with_evidence,
            PartnerCommand::PassCheck { check, valid_until },
            COMMISSIONER,
            [PartnerEvent::CheckPassed { check, valid_until }],
        ),
        story(
            association(),
            PartnerCommand::FailCheck { check },
            COMMISSIONER,
            [PartnerEvent::CheckFailed { check }],
        ),
        story(
            association(),
            PartnerCommand::WaiveCheck { check, until: date(NEXT_YEAR) },
            COMMISSIONER,
            [PartnerEvent::CheckWaived { check, until: date(NEXT_YEAR) }],
        ),
        story(
            checked(Some(YESTERDAY)),
            PartnerCommand::RecordLapse { check },
            COMMISSIONER,
            [PartnerEvent::CheckLapsed { check, valid_until: date(YESTERDAY) }],
        ),
    ]
}

fn stories_of_standing() -> Vec<Story<Partner>> {
    let next_review = date(NEXT_YEAR);
    vec![
        story(
            checked(None),
            PartnerCommand::Approve { next_review },
            COMMISSIONER,
            [PartnerEvent::Approved { next_review }],
        ),
        story(association(), PartnerCommand::Decline, COMMISSIONER, [PartnerEvent::Declined {}]),
        story(association(), PartnerCommand::Withdraw, PARTNER, [PartnerEvent::Withdrew {}]),
        story(approved(), PartnerCommand::Suspend, COMMISSIONER, [PartnerEvent::Suspended {}]),
        story(suspended(), PartnerCommand::Reinstate, COMMISSIONER, [PartnerEvent::Reinstated {}]),
        story(
            approved(),
            PartnerCommand::Review { next_review },
            COMMISSIONER,
            [PartnerEvent::Reviewed { next_review }],
        ),
        story(
            association(),
            PartnerCommand::SubmitBankDetails { details: details() },
            PARTNER,
            [handed_in(1)],
        ),
        story(
            after(association(), [handed_in(1)]),
            PartnerCommand::VerifyBankDetails { bank_version: 1, method: VerificationMethod::CallBack },
            FINANCE,
            [verified(1, TODAY), passed(CheckKind::Bank, None)],
        ),
    ]
}

fn stories() -> Vec<Story<Partner>> {
    let of_subsidies = subsidies::tests::stories();
    stories_of_checks().into_iter().chain(stories_of_standing()).chain(of_subsidies).collect()
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

/// What is refused when somebody other than finance and the partner asks it today.
fn refused(history: &[PartnerEvent], command: PartnerCommand) -> Refused {
    given::<Partner>(history).when(command, &by(COMMISSIONER, TODAY)).refused()
}

fn refusals_of_applying() -> Vec<(&'static str, Refused)> {
    let form = LegalForm::Association;
    let nowhere = Application { areas: BTreeSet::new(), ..application(form) };
    let for_nobody = Application { communities: BTreeSet::new(), ..application(form) };
    let numberless = application(LegalForm::RegisteredCharity);
    let next_review = date(NEXT_YEAR);
    let declined = after(association(), [PartnerEvent::Declined {}]);
    let missing = checked(Some(YESTERDAY));
    let as_finance = given::<Partner>(&checked(None))
        .when(PartnerCommand::Approve { next_review }, &by(FINANCE, TODAY))
        .refused();
    vec![
        ("partner.unknown", refused(&[], PartnerCommand::Suspend)),
        ("partner.unknown", refused(&[], PartnerCommand::SubmitBankDetails { details: details() })),
        ("partner.already_applied", refused(&association(), PartnerCommand::Apply(application(form)))),
        ("partner.no_area", refused(&[], PartnerCommand::Apply(nowhere))),
        ("partner.no_community", refused(&[], PartnerCommand::Apply(for_nobody))),
        ("partner.number_missing", refused(&[], PartnerCommand::Apply(numberless))),
        ("partner.not_applying", refused(&approved(), PartnerCommand::Decline)),
        ("partner.not_applying", refused(&approved(), PartnerCommand::Withdraw)),
        ("partner.not_applying", refused(&approved(), PartnerCommand::Approve { next_review })),
        ("partner.not_approved", refused(&association(), PartnerCommand::Review { next_review })),
        ("partner.not_approved", refused(&suspended(), PartnerCommand::Suspend)),
        ("partner.not_suspended", refused(&approved(), PartnerCommand::Reinstate)),
        ("partner.ended", refused(&declined, PartnerCommand::RequireCheck { check: CheckKind::Dbs })),
        ("partner.checks_missing", refused(&missing, PartnerCommand::Approve { next_review })),
        (
            "partner.review_not_ahead",
            refused(&checked(None), PartnerCommand::Approve { next_review: date(TODAY) }),
        ),
        (
            "partner.review_not_ahead",
            refused(&approved(), PartnerCommand::Review { next_review: date(TODAY) }),
        ),
        ("partner.approver_verified_bank", as_finance),
    ]
}

fn refusals_of_checks() -> Vec<(&'static str, Refused)> {
    let (check, bank) = (CheckKind::Safeguarding, CheckKind::Bank);
    let history = association();
    let (yesterday, next_year) = (date(YESTERDAY), date(NEXT_YEAR));
    let evidenced =
        after(association(), [PartnerEvent::CheckEvidenceSubmitted { check, evidence: evidence() }]);
    let until_yesterday = PartnerCommand::PassCheck { check, valid_until: Some(yesterday) };
    let too_long = PartnerCommand::WaiveCheck { check, until: next_year.succ_opt().unwrap() };
    let lapse = PartnerCommand::RecordLapse { check };
    vec![
        (
            "partner.check_not_required",
            refused(&history, PartnerCommand::FailCheck { check: CheckKind::Equality }),
        ),
        ("partner.check_already_required", refused(&history, PartnerCommand::RequireCheck { check })),
        (
            "partner.check_without_evidence",
            refused(&history, PartnerCommand::PassCheck { check, valid_until: None }),
        ),
        ("partner.check_already_expired", refused(&evidenced, until_yesterday)),
        (
            "partner.check_already_expired",
            refused(&history, PartnerCommand::WaiveCheck { check, until: yesterday }),
        ),
        (
            "partner.bank_check_by_verification",
            refused(&history, PartnerCommand::PassCheck { check: bank, valid_until: None }),
        ),
        (
            "partner.bank_check_never_waived",
            refused(&history, PartnerCommand::WaiveCheck { check: bank, until: next_year }),
        ),
        ("partner.waiver_too_long", refused(&history, too_long)),
        ("partner.check_still_valid", refused(&checked(Some(TODAY)), lapse.clone())),
        ("partner.check_still_valid", refused(&checked(None), lapse.clone())),
        ("partner.check_still_valid", refused(&history, lapse)),
    ]
}

fn refusals_of_banks() -> Vec<(&'static str, Refused)> {
    let verify = |bank_version| PartnerCommand::VerifyBankDetails {
        bank_version,
        method: VerificationMethod::BankLetter,
    };
    let payable = |history: &[PartnerEvent]| {
        Partner::after(history).payable(date(TODAY), &[]).map_err(Refused::from).unwrap_err()
    };
    let changed = after(approved(), [handed_in(2)]);
    let on_hold = after(changed.clone(), [verified(2, "2026-05-02")]);
    let bankless = after(association(), CHECKS_OF_EVERY_PARTNER.map(|check| passed(check, None)))
        .into_iter()
        .chain([PartnerEvent::Approved { next_review: date(NEXT_YEAR) }])
        .collect::<Vec<_>>();
    let own = given::<Partner>(&after(association(), [handed_in(1)])).when(verify(1), &by(PARTNER, TODAY));
    vec![
        ("partner.bank_missing", refused(&association(), verify(1))),
        ("partner.bank_missing", payable(&bankless)),
        ("partner.bank_version_unknown", refused(&changed, verify(1))),
        ("partner.bank_version_unknown", refused(&changed, verify(3))),
        ("partner.bank_already_verified", refused(&approved(), verify(1))),
        ("partner.bank_verifier_submitted", own.refused()),
        ("partner.bank_unverified", payable(&changed)),
        ("partner.bank_on_hold", payable(&on_hold)),
        ("partner.not_approved", payable(&suspended())),
        ("partner.unknown", payable(&[])),
    ]
}

#[test]
fn every_refusal_is_reached() {
    let of_subsidies = subsidies::tests::refusals();
    let reached = [refusals_of_applying(), refusals_of_checks(), refusals_of_banks(), of_subsidies].concat();
    all_reached(PartnerRefusal::CODES, &reached);
}

#[test]
fn a_number_on_a_register_is_checked_there() {
    let charity = Application { charity_number: Some(words("9900001")), ..application(LegalForm::Cio) };
    let events = Partner::default().decide(PartnerCommand::Apply(charity), &by(PARTNER, TODAY)).unwrap();
    assert_eq!(events[1], PartnerEvent::CheckRequired { check: CheckKind::Register });
    assert!(!association().contains(&PartnerEvent::CheckRequired { check: CheckKind::Register }));
}

#[test]
fn a_check_that_ran_out_yesterday_stands_in_the_way_and_one_that_ends_today_does_not() {
    let approve = PartnerCommand::Approve { next_review: date(NEXT_YEAR) };
    let told = refused(&checked(Some(YESTERDAY)), approve.clone()).sentence;
    assert!(told.contains("safeguarding policy (ran out on 30 April 2026)"), "{told}");
    given::<Partner>(&checked(Some(TODAY)))
        .when(approve, &by(COMMISSIONER, TODAY))
        .then_events(&[PartnerEvent::Approved { next_review: date(NEXT_YEAR) }]);
    let lapsed = after(checked(Some(YESTERDAY)), [PartnerEvent::Approved { next_review: date(NEXT_YEAR) }]);
    let partner = Partner::after(&lapsed);
    assert!(partner.payable(date(YESTERDAY), &[]).is_ok(), "no event is needed for a check to run out");
    assert!(partner.payable(date(TODAY), &[]).is_err());
}

#[test]
fn a_waiver_of_exactly_twelve_months_passes_and_a_day_more_does_not() {
    let check = CheckKind::DataProtection;
    for (on, last, too_long) in [
        ("2026-05-01", "2027-05-01", "2027-05-02"),
        ("2026-01-31", "2027-01-31", "2027-02-01"),
        ("2028-02-29", "2029-02-28", "2029-03-01"),
    ] {
        let waive = |until| PartnerCommand::WaiveCheck { check, until: date(until) };
        let partner = given::<Partner>(&association());
        let at = by(COMMISSIONER, on);
        partner.when(waive(last), &at).then_events(&[PartnerEvent::CheckWaived { check, until: date(last) }]);
        partner.when(waive(too_long), &at).then_refused("partner.waiver_too_long");
    }
}

#[test]
fn a_waived_check_holds_until_its_last_day_and_a_failed_one_does_not() {
    let check = CheckKind::Safeguarding;
    let waived = after(checked(None), [PartnerEvent::CheckWaived { check, until: date(TODAY) }]);
    let partner = Partner::after(&waived);
    assert_eq!(partner.due_diligence(date(TODAY), &[]), Ok(Some(date(TODAY))));
    assert!(partner.due_diligence(date("2026-05-02"), &[]).is_err());
    let failed = Partner::after(&after(waived, [PartnerEvent::CheckFailed { check }]));
    assert!(failed.due_diligence(date(YESTERDAY), &[]).is_err());
}

#[test]
fn the_first_check_to_run_out_bounds_a_payment_and_extra_checks_must_have_been_asked_for() {
    let until = |check, last| passed(check, Some(last));
    let history = after(
        approved(),
        [until(CheckKind::Signatories, "2026-12-31"), until(CheckKind::GoverningDocument, "2026-09-30")],
    );
    let partner = Partner::after(&history);
    let payable = partner.payable(date(TODAY), &[]).unwrap();
    assert_eq!(payable, Payable { checks_valid_until: Some(date("2026-09-30")), bank_version: 1 });
    let told = partner.payable(date(TODAY), &[CheckKind::PublicLiability]).unwrap_err().to_string();
    assert!(told.contains("public liability insurance (never asked for)"), "{told}");
}

#[test]
fn changed_bank_details_are_verified_by_another_and_held_for_five_days() {
    let changed = after(approved(), [handed_in(2)]);
    let verify = PartnerCommand::VerifyBankDetails { bank_version: 2, method: VerificationMethod::CallBack };
    given::<Partner>(&changed)
        .when(verify.clone(), &by(PARTNER, TODAY))
        .then_refused("partner.bank_verifier_submitted");
    given::<Partner>(&changed)
        .when(verify, &by(FINANCE, TODAY))
        .then_events(&[verified(2, "2026-05-06"), passed(CheckKind::Bank, None)]);
    let both = [verified(2, "2026-05-06"), passed(CheckKind::Bank, None)];
    assert!(
        Partner::after(&changed).due_diligence(date(TODAY), &[]).is_err(),
        "the bank check is open again"
    );
    let partner = Partner::after(&after(changed, both));
    assert!(partner.payable(date("2026-05-05"), &[]).is_err());
    assert_eq!(partner.payable(date("2026-05-06"), &[]).unwrap().bank_version, 2);
}

#[test]
fn a_suspended_partner_comes_back_only_with_its_checks_in_date() {
    let lapsed = after(suspended(), [passed(CheckKind::Safeguarding, Some(YESTERDAY))]);
    given::<Partner>(&lapsed)
        .when(PartnerCommand::Reinstate, &by(COMMISSIONER, TODAY))
        .then_refused("partner.checks_missing");
    assert_eq!(Partner::after(&suspended()).status(), PartnerStatus::Suspended);
}
