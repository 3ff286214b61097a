//! Given, when, then: payments of a grant through payment runs.

use super::*;

pub(super) fn run_line(number: u128) -> RunLine {
    RunLine { instalment: id(number), run: id(70), line: 1 }
}

pub(super) fn put_in_run(number: u128) -> GrantCommand {
    GrantCommand::PutInRun { line: run_line(number), pay_on: date(PAY_ON) }
}

pub(super) fn in_run() -> GrantEvent {
    GrantEvent::InstalmentPutInRun { instalment: id(1), run: id(70), line: 1 }
}

pub(super) fn confirm_in_run(amount: &str, value_date: &str) -> GrantCommand {
    GrantCommand::ConfirmInRun { line: run_line(1), amount: gbp(amount), value_date: date(value_date) }
}

pub(super) fn paid_in_run() -> GrantEvent {
    GrantEvent::PaymentConfirmed {
        instalment: id(1),
        amount: gbp("1500"),
        value_date: date(PAY_ON),
        run: Some(Uuid::from_u128(70)),
        line: Some(1),
    }
}

pub(super) fn reject_in_run(replacement: u128) -> GrantCommand {
    GrantCommand::RejectInRun { line: run_line(1), bank_code: words("AC04"), replacement: id(replacement) }
}

pub(super) fn return_in_run(value_date: &str, replacement: u128) -> GrantCommand {
    GrantCommand::ReturnInRun {
        line: run_line(1),
        value_date: date(value_date),
        bank_code: words("AC04"),
        replacement: id(replacement),
    }
}

pub(super) fn in_its_place() -> PlannedInstalment {
    PlannedInstalment { id: id(3), ..instalments().swap_remove(0) }
}

pub(super) fn rejected_in_run() -> GrantEvent {
    GrantEvent::PaymentRejected {
        instalment: id(1),
        run: id(70),
        line: 1,
        amount: gbp("1500"),
        bank_code: words("AC04"),
        replacement: in_its_place(),
    }
}

pub(super) fn refusals_of_runs() -> Vec<(&'static str, Refused)> {
    let in_one = || at_and(AUTHORISED, in_run());
    let paid = || [in_one(), vec![paid_in_run()]].concat();
    let on = |history: &[GrantEvent], command, actor| refused_on(history, command, actor, PAY_ON);
    let early = GrantCommand::PutInRun { line: run_line(1), pay_on: date("2026-05-07") };
    let elsewhere = RunLine { line: 2, ..run_line(1) };
    let leave = |line| GrantCommand::TakeFromRun { line, cause: RunExit::Removed };
    let bounced = || [in_one(), vec![rejected_in_run()]].concat();
    vec![
        ("grant.wrong_stage", on(&at(OFFERED), put_in_run(1), PAYER)),
        ("grant.instalment_unknown", on(&at(AUTHORISED), put_in_run(9), PAYER)),
        ("grant.instalment_not_authorised", on(&at(AUTHORISED), put_in_run(2), PAYER)),
        ("grant.instalment_not_authorised", on(&at(PAID), put_in_run(1), PAYER)),
        ("grant.already_in_run", on(&in_one(), put_in_run(1), PAYER)),
        ("grant.run_pays_early", on(&at(AUTHORISED), early, PAYER)),
        ("grant.conflicted", on(&at_and(AUTHORISED, declared(PAYER)), put_in_run(1), PAYER)),
        ("grant.paid_through_run", on(&in_one(), pay(1, "1500", PAY_ON), PAYER)),
        ("grant.not_in_line", on(&in_one(), leave(elsewhere), PAYER)),
        ("grant.not_in_line", on(&at(AUTHORISED), leave(run_line(1)), PAYER)),
        ("grant.instalment_not_authorised", on(&paid(), leave(run_line(1)), PAYER)),
        ("grant.instalment_not_authorised", on(&paid(), confirm_in_run("1500", PAY_ON), PAYER)),
        ("grant.instalment_not_authorised", on(&bounced(), reject_in_run(4), PAYER)),
        ("grant.payer_authorised", on(&in_one(), confirm_in_run("1500", PAY_ON), FINANCE)),
        ("grant.payer_authorised", on(&in_one(), reject_in_run(3), FINANCE)),
        ("grant.payment_differs", on(&in_one(), confirm_in_run("1499.99", PAY_ON), PAYER)),
        ("grant.paid_in_future", on(&in_one(), confirm_in_run("1500", "2026-05-09"), PAYER)),
        ("grant.paid_before_authorised", on(&in_one(), confirm_in_run("1500", "2026-05-07"), PAYER)),
        ("grant.instalment_twice", on(&in_one(), reject_in_run(2), PAYER)),
        ("grant.instalment_twice", on(&paid(), return_in_run(PAY_ON, 1), PAYER)),
        ("grant.not_paid", on(&in_one(), return_in_run(PAY_ON, 3), PAYER)),
        ("grant.not_paid", on(&bounced(), return_in_run(PAY_ON, 4), PAYER)),
        ("grant.paid_in_future", on(&paid(), return_in_run("2026-05-09", 3), PAYER)),
        ("grant.instalment_closed", on(&bounced(), authorise(1, PAY_ON), FINANCE)),
        ("grant.instalment_not_authorised", on(&bounced(), pay(1, "1500", PAY_ON), PAYER)),
    ]
}

#[test]
pub(super) fn an_instalment_that_bounced_is_paid_by_another_that_is_authorised_anew() {
    let history = [at(AUTHORISED), vec![in_run(), rejected_in_run()]].concat();
    let grant = Grant::after(&history);
    assert_eq!(grant.planned(id(3)), Ok(&in_its_place()));
    assert!(!grant.has_live_run_line());
    let authorised = GrantEvent::InstalmentAuthorised {
        instalment: id(3),
        amount: gbp("1500"),
        authorised_by: someone(FINANCE),
        pay_on: date(PAY_ON),
        checks_valid_until: Some(date(CHECKS_UNTIL)),
        bank_version: 1,
        run: None,
    };
    given::<Grant>(&history)
        .when(authorise(3, PAY_ON), &by(FINANCE, TODAY))
        .then_events(std::slice::from_ref(&authorised));
}

#[test]
pub(super) fn a_run_knows_who_decided_and_whether_its_lines_still_hold() {
    let grant = Grant::after(&at_and(AUTHORISED, in_run()));
    let deciders = [PROPOSER, APPROVER, FINANCE].map(someone);
    assert_eq!(grant.deciders(id(1)), BTreeSet::from(deciders));
    assert_eq!(grant.deciders(id(2)), BTreeSet::from([someone(PROPOSER), someone(APPROVER)]));
    assert!(grant.conflicted().is_empty() && grant.has_live_run_line());
    assert_eq!(grant.payable_by(run_line(1)), Ok(()));
    assert_eq!(grant.payable_by(RunLine { line: 2, ..run_line(1) }), Err(GrantRefusal::NotInLine));
}

/// The day a check runs out is looked at when the run is released: what the bank did after that has happened.
#[test]
pub(super) fn what_the_bank_paid_is_recorded_whatever_became_of_the_checks() {
    let after = "2026-05-21";
    let paid = GrantEvent::PaymentConfirmed {
        instalment: id(1),
        amount: gbp("1500"),
        value_date: date(after),
        run: Some(Uuid::from_u128(70)),
        line: Some(1),
    };
    given::<Grant>(&at_and(AUTHORISED, in_run()))
        .when(confirm_in_run("1500", after), &by(PAYER, after))
        .then_events(&[paid]);
}
