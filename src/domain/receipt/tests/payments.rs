//! Authorisations and payments with faults planted.

use super::story::*;
use super::{Fault, each_is_found};
use crate::domain::fund::{FundEvent, ReleaseCause, YearShare};
use crate::domain::grant::{ConflictNature, GrantEvent, ReturnKind, ReturnTerms, SuspensionGround};
use crate::domain::partner::{CheckKind, PartnerEvent};
use crate::domain::receipt::Entry;
use crate::domain::record::Fact;
use crate::domain::{date, gbp, someone};

const AUTHORISED: &str = "grant.instalment_authorised";
const PAID: &str = "grant.payment_confirmed";
const ON: &str = "2026-08-10";

fn of_grant(all: &mut [Entry], name: &str, with: impl FnOnce(&mut GrantEvent)) {
    change(all, name, |one| {
        if let Fact::Grant(event) = &mut one.fact {
            with(event);
        }
    });
}

fn suspended(from: &str) -> Entry {
    let (grounds, suspended_by) = ([SuspensionGround::TermsBroken].into(), someone(ANOTHER));
    entry(GRANT, ANOTHER, ON, GrantEvent::Suspended { grounds, from: date(from), suspended_by })
}

fn declared(of: u128) -> Entry {
    let (person, nature) = (someone(of), ConflictNature::Other);
    entry(GRANT, of, ON, GrantEvent::ConflictDeclared { person, nature })
}

fn waived(by: u128) -> Entry {
    let (condition, waived_by) = (id(CONDITION), someone(by));
    entry(GRANT, by, ON, GrantEvent::ConditionWaived { condition, waived_by, authority: authority() })
}

fn to_version(all: &mut [Entry], version: u32) {
    of_grant(all, AUTHORISED, |event| {
        if let GrantEvent::InstalmentAuthorised { bank_version, .. } = event {
            *bank_version = version;
        }
    });
}

/// An authorisation that is not due.
const NOT_DUE: &[Fault] = &[
    ("suspended", |all| before(all, AUTHORISED, suspended(ON)), &["grant.suspended", "replayed"]),
    (
        "not accepted",
        |all| all.retain(|one| one.fact.kind().name != "grant.offer_accepted"),
        &["grant.wrong_stage", "replayed"],
    ),
    ("an interest", |all| before(all, AUTHORISED, declared(AUTHORISER)), &["grant.conflicted", "replayed"]),
    (
        "a condition that is open",
        |all| all.retain(|one| one.fact.kind().name != "grant.condition_met"),
        &["grant.conditions_not_met", "replayed"],
    ),
    (
        "waived by whoever authorises",
        |all| {
            all.retain(|one| one.fact.kind().name != "grant.condition_met");
            before(all, AUTHORISED, waived(AUTHORISER));
        },
        &["grant.waiver_authorises", "replayed"],
    ),
    (
        "a return that is too late",
        |all| {
            let (from, to, due) = (date("2026-06-01"), date("2026-06-30"), date("2026-07-10"));
            let terms = ReturnTerms { kind: ReturnKind::Interim, from, to, due, tolerance_days: 14 };
            let event = GrantEvent::MonitoringReturnRequested { return_id: id(41), terms };
            before(all, "grant.condition_met", entry(GRANT, PROPOSER, "2026-06-01", event));
        },
        &["grant.reports_overdue", "replayed"],
    ),
    (
        "authorised twice",
        |all| before(all, AUTHORISED, authorised()),
        &["grant.instalment_already_authorised", "replayed"],
    ),
    (
        "more than was planned",
        |all| {
            of_grant(all, AUTHORISED, |event| {
                if let GrantEvent::InstalmentAuthorised { amount, .. } = event {
                    *amount = gbp("1000.01");
                }
            });
        },
        &["grant.payment_differs", "replayed"],
    ),
    (
        "an instalment of no plan",
        |all| {
            of_grant(all, AUTHORISED, |event| {
                if let GrantEvent::InstalmentAuthorised { instalment, .. } = event {
                    *instalment = id(99);
                }
            });
        },
        &["grant.instalment_unknown", "replayed"],
    ),
    (
        "a day that has gone by, in advance, unexplained",
        |all| {
            of_grant(all, AUTHORISED, |event| {
                if let GrantEvent::InstalmentAuthorised { pay_on, .. } = event {
                    *pay_on = date("2026-08-19");
                }
            });
            change(all, AUTHORISED, |one| one.reason = None);
        },
        &["grant.pay_date_past", "grant.in_advance_unexplained", "replayed"],
    ),
];

#[test]
fn an_instalment_is_authorised_while_the_grant_runs_and_what_it_waits_for_is_there() {
    each_is_found(AUTHORISED, story, NOT_DUE);
}

/// A partner that may not be paid.
const NOT_PAYABLE: &[Fault] = &[
    (
        "a partner that is suspended",
        |all| before(all, AUTHORISED, entry(PARTNER, ANOTHER, ON, PartnerEvent::Suspended {})),
        &["partner.not_approved", "replayed"],
    ),
    (
        "a check that lapsed the day before",
        |all| {
            let (check, valid_until) = (CheckKind::Safeguarding, Some(date("2026-08-31")));
            let passed = PartnerEvent::CheckPassed { check, valid_until };
            before(all, AUTHORISED, entry(PARTNER, ANOTHER, ON, passed));
        },
        &["partner.checks_missing", "replayed"],
    ),
    (
        "a check that the programme asks for failed",
        |all| {
            let failed = PartnerEvent::CheckFailed { check: CheckKind::Safeguarding };
            before(all, AUTHORISED, entry(PARTNER, ANOTHER, ON, failed));
        },
        &["partner.checks_missing", "replayed"],
    ),
    (
        "bank details that are not verified",
        |all| {
            before(all, AUTHORISED, submitted_bank(2, SUBMITTER, ON));
            to_version(all, 2);
        },
        &["partner.bank_unverified", "partner.checks_missing", "replayed"],
    ),
    (
        "bank details on hold",
        |all| {
            before(all, AUTHORISED, submitted_bank(2, SUBMITTER, ON));
            before(all, AUTHORISED, verified_bank(2, FINANCE, ON, "2026-09-02"));
            before(all, AUTHORISED, bank_check(ON));
            to_version(all, 2);
        },
        &["partner.bank_on_hold", "replayed"],
    ),
    (
        "bank details that are not the newest",
        |all| {
            before(all, AUTHORISED, submitted_bank(2, SUBMITTER, ON));
            before(all, AUTHORISED, verified_bank(2, FINANCE, ON, ON));
            before(all, AUTHORISED, bank_check(ON));
        },
        &["partner.bank_missing", "replayed"],
    ),
    (
        "bank details that were never handed in",
        |all| to_version(all, 3),
        &["partner.bank_missing", "replayed"],
    ),
    (
        "bank details verified by whoever handed them in",
        |all| {
            change(all, "partner.bank_details_verified", |one| {
                if let Fact::Partner(PartnerEvent::BankDetailsVerified { verified_by, .. }) = &mut one.fact {
                    *verified_by = someone(SUBMITTER);
                }
            });
        },
        &["partner.bank_verifier_submitted"],
    ),
];

#[test]
fn money_goes_to_a_partner_in_good_standing_and_to_verified_bank_details() {
    each_is_found(AUTHORISED, story, NOT_PAYABLE);
}

fn paid(all: &mut [Entry], amount_paid: &str, on: &str) {
    of_grant(all, PAID, |event| {
        if let GrantEvent::PaymentConfirmed { amount, value_date, .. } = event {
            (*amount, *value_date) = (gbp(amount_paid), date(on));
        }
    });
}

/// A payment that is not as authorised.
const NOT_AUTHORISED: &[Fault] = &[
    ("another amount", |all| paid(all, "999.99", "2026-09-01"), &["grant.payment_differs", "replayed"]),
    ("ahead", |all| paid(all, "1000", "2026-09-03"), &["grant.paid_in_future", "replayed"]),
    ("too early", |all| paid(all, "1000", "2026-08-31"), &["grant.paid_before_authorised", "replayed"]),
    (
        "after a check ran out",
        |all| {
            of_grant(all, AUTHORISED, |event| {
                if let GrantEvent::InstalmentAuthorised { checks_valid_until, pay_on, .. } = event {
                    (*checks_valid_until, *pay_on) = (Some(date("2026-08-31")), date("2026-08-25"));
                }
            });
        },
        &["grant.checks_run_out", "replayed"],
    ),
    (
        "never authorised",
        |all| all.retain(|one| one.fact.kind().name != AUTHORISED),
        &["grant.instalment_not_authorised", "replayed"],
    ),
    (
        "by whoever authorised it",
        |all| change(all, PAID, |one| one.actor = authorised().actor),
        &["grant.payer_authorised", "replayed"],
    ),
    (
        "after a suspension",
        |all| before(all, PAID, suspended("2026-08-31")),
        &["grant.suspended", "replayed"],
    ),
    ("an interest", |all| before(all, PAID, declared(PAYER)), &["grant.conflicted", "replayed"]),
    (
        "in a payment run",
        |all| {
            let event = GrantEvent::InstalmentPutInRun { instalment: id(SECOND), run: id(RUN), line: 1 };
            before(all, PAID, entry(GRANT, FINANCE, ON, event));
        },
        &["grant.paid_through_run", "replayed"],
    ),
    (
        "no longer promised",
        |all| {
            let shares = vec![YearShare { year: year(2026), amount: gbp("1500.01") }];
            let event =
                FundEvent::CommitmentReleased { link: link(), shares, cause: ReleaseCause::Underspend };
            before(all, PAID, entry(FUND, FINANCE, ON, event));
        },
        &["fund.exceeds_outstanding", "replayed"],
    ),
    (
        "paid by the fund before",
        |all| {
            let event = FundEvent::ExpenditurePosted {
                link: link(),
                instalment: id(SECOND),
                year: year(2026),
                amount: gbp("1000"),
                value_date: date("2026-08-25"),
                corrects: None,
            };
            before(all, PAID, entry(FUND, FINANCE, ON, event));
        },
        &["fund.already_paid", "replayed"],
    ),
];

#[test]
fn what_is_paid_is_what_was_authorised_by_another_and_is_still_promised() {
    each_is_found(PAID, story, NOT_AUTHORISED);
}

fn left_before_the_suspension() -> Vec<Entry> {
    let mut all = story();
    before(&mut all, PAID, suspended("2026-09-01"));
    all
}

#[test]
fn what_left_before_a_suspension_is_recorded() {
    each_is_found(PAID, left_before_the_suspension, &[]);
}
