//! Waivers of checks, conditions and returns, with faults planted.

use super::story::*;
use super::{Fault, each_is_found};
use crate::domain::delegation::DelegationEvent;
use crate::domain::grant::{ConflictNature, GrantEvent, ReturnKind, ReturnTerms};
use crate::domain::partner::{CheckKind, PartnerEvent};
use crate::domain::receipt::Entry;
use crate::domain::record::Fact;
use crate::domain::{date, gbp, someone};

const ON: &str = "2026-04-25";

fn grant(by: u128, event: GrantEvent) -> Entry {
    entry(GRANT, by, ON, event)
}

fn interest(of: u128) -> Entry {
    grant(of, GrantEvent::ConflictDeclared { person: someone(of), nature: ConflictNature::Financial })
}

fn limited(history: &mut [Entry], to: &str) {
    change(history, "authority.granted", |one| {
        if let Fact::Delegation(DelegationEvent::Granted { limit, .. }) = &mut one.fact {
            *limit = gbp(to);
        }
    });
}

fn check_waived() -> Vec<Entry> {
    let waived = PartnerEvent::CheckWaived { check: CheckKind::Safeguarding, until: date("2027-04-30") };
    [story(), vec![entry(PARTNER, APPROVER, "2026-10-01", waived)]].concat()
}

fn waiver(all: &mut [Entry], check: CheckKind, until: &str) {
    let until = date(until);
    change(all, "partner.check_waived", |one| one.fact = PartnerEvent::CheckWaived { check, until }.into());
}

#[test]
fn a_check_is_waived_for_a_time_and_never_the_bank_check() {
    let faults: [Fault; 5] = [
        (
            "the bank check",
            |all| waiver(all, CheckKind::Bank, "2027-04-30"),
            &["partner.bank_check_never_waived", "replayed"],
        ),
        (
            "a check that was never asked for",
            |all| waiver(all, CheckKind::Accounts, "2027-04-30"),
            &["partner.check_not_required", "replayed"],
        ),
        (
            "too long",
            |all| waiver(all, CheckKind::Safeguarding, "2027-10-02"),
            &["partner.waiver_too_long", "replayed"],
        ),
        (
            "over before it begins",
            |all| waiver(all, CheckKind::Safeguarding, "2026-09-30"),
            &["partner.check_already_expired", "replayed"],
        ),
        (
            "a partner that was declined",
            |all| before(all, "partner.check_waived", entry(PARTNER, ANOTHER, ON, PartnerEvent::Declined {})),
            &["partner.ended", "replayed"],
        ),
    ];
    each_is_found("partner.check_waived", check_waived, &faults);
}

fn condition_waived() -> Vec<Entry> {
    let (condition, waived_by) = (id(CONDITION), someone(APPROVER));
    let event = GrantEvent::ConditionWaived { condition, waived_by, authority: authority() };
    [running(), vec![entry(GRANT, APPROVER, "2026-07-01", event)]].concat()
}

#[test]
fn a_condition_is_waived_by_somebody_who_could_award_the_grant() {
    let faults: [Fault; 5] = [
        (
            "an interest",
            |all| before(all, "grant.condition_waived", interest(APPROVER)),
            &["grant.conflicted", "replayed"],
        ),
        (
            "met already",
            |all| before(all, "grant.condition_waived", met()),
            &["grant.condition_already_met", "replayed"],
        ),
        ("over the limit", |all| limited(all, "2000"), &["grant.exceeds_authority", "replayed"]),
        (
            "before the agreement",
            |all| all.retain(|one| one.fact.kind().name != "grant.offer_accepted"),
            &["grant.wrong_stage", "replayed"],
        ),
        (
            "another condition",
            |all| {
                change(all, "grant.condition_waived", |one| {
                    let (condition, waived_by) = (id(99), someone(APPROVER));
                    one.fact =
                        GrantEvent::ConditionWaived { condition, waived_by, authority: authority() }.into();
                });
            },
            &["grant.condition_unknown", "replayed"],
        ),
    ];
    each_is_found("grant.condition_waived", condition_waived, &faults);
}

fn requested(kind: ReturnKind) -> GrantEvent {
    let (from, to, due) = (date("2026-06-01"), date("2026-06-30"), date("2026-07-14"));
    let terms = ReturnTerms { kind, from, to, due, tolerance_days: 14 };
    GrantEvent::MonitoringReturnRequested { return_id: id(41), terms }
}

fn return_waived() -> Vec<Entry> {
    let event = GrantEvent::MonitoringReturnWaived {
        return_id: id(41),
        waived_by: Some(someone(APPROVER)),
        authority: authority(),
    };
    let asked = entry(GRANT, PROPOSER, "2026-07-01", requested(ReturnKind::Final));
    [running(), vec![asked, entry(GRANT, APPROVER, "2026-07-20", event)]].concat()
}

#[test]
fn only_the_final_return_is_waived_and_once() {
    let faults: [Fault; 3] = [
        (
            "an interim return",
            |all| {
                change(all, "grant.monitoring_return_requested", |one| {
                    one.fact = requested(ReturnKind::Interim).into();
                });
            },
            &["grant.only_final_waived", "replayed"],
        ),
        (
            "settled",
            |all| {
                let event = GrantEvent::MonitoringReturnAccepted { return_id: id(41), accepted_by: None };
                before(all, "grant.monitoring_return_waived", grant(PROPOSER, event));
            },
            &["grant.return_not_awaited", "replayed"],
        ),
        (
            "an assessor",
            |all| {
                let event = GrantEvent::AssessorAssigned { assessor: someone(APPROVER) };
                before(all, "grant.recommended", grant(PROPOSER, event));
            },
            &["grant.approver_assessed", "replayed"],
        ),
    ];
    each_is_found("grant.monitoring_return_waived", return_waived, &faults);
}
