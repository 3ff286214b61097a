//! Given, when, then: payment runs.

use uuid::Uuid;

use super::*;
use crate::domain::identity::ReferenceKind;
use crate::domain::{
    Refused, Story, all_hold, all_reached, by, date, gbp, given, never_fails, someone, words,
};

const MAKER: u128 = 1;
const ADDER: u128 = 2;
const APPROVER: u128 = 3;
const RELEASER: u128 = 4;
const DECIDER: u128 = 5;
const CONFLICTED: u128 = 6;

const TODAY: &str = "2026-05-29";
const PAY_ON: &str = "2026-06-01";
const LATER: &str = "2026-06-03";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn open() -> PaymentRunCommand {
    PaymentRunCommand::Open {
        reference: Reference::new(ReferenceKind::PaymentRun, 2026, 1),
        title: words("June"),
        pay_on: date(PAY_ON),
    }
}

fn opened() -> PaymentRunEvent {
    PaymentRunEvent::Opened {
        reference: Reference::new(ReferenceKind::PaymentRun, 2026, 1),
        title: words("June"),
        pay_on: date(PAY_ON),
        opened_by: someone(MAKER),
    }
}

fn add(number: u32, amount: &str) -> PaymentRunCommand {
    PaymentRunCommand::AddLine {
        grant: id(100 + u128::from(number)),
        grant_reference: Reference::new(ReferenceKind::Grant, 2026, number),
        instalment: id(200 + u128::from(number)),
        partner: id(300),
        amount: gbp(amount),
        bank_version: 2,
    }
}

fn added(line: u32, amount: &str) -> PaymentRunEvent {
    PaymentRunEvent::LineAdded {
        line,
        grant: id(100 + u128::from(line)),
        grant_reference: Reference::new(ReferenceKind::Grant, 2026, line),
        instalment: id(200 + u128::from(line)),
        partner: id(300),
        amount: gbp(amount),
        bank_version: 2,
        added_by: someone(ADDER),
    }
}

fn persons() -> Persons {
    Persons { deciders: [someone(DECIDER)].into(), conflicted: [someone(CONFLICTED)].into() }
}

fn approve() -> PaymentRunCommand {
    PaymentRunCommand::Approve { persons: persons() }
}

fn release(unpayable: &[(u32, &str)]) -> PaymentRunCommand {
    PaymentRunCommand::Release { persons: persons(), unpayable: against(unpayable) }
}

fn against(lines: &[(u32, &str)]) -> Vec<Unpayable> {
    lines.iter().map(|(line, why)| Unpayable { line: *line, why: (*why).to_owned() }).collect()
}

fn export(lines: u32, total: &str) -> PaymentRunCommand {
    PaymentRunCommand::Export {
        format: 1,
        lines,
        control_total: Pence::of([gbp(total)]),
        sha256: Hash::of(b"file"),
        unpayable: Vec::new(),
    }
}

fn exported() -> PaymentRunEvent {
    PaymentRunEvent::FileExported {
        format: 1,
        lines: 3,
        control_total: Pence::of([gbp("3500.01")]),
        sha256: Hash::of(b"file"),
    }
}

fn paid(value_date: &str) -> BankAnswer {
    BankAnswer::Paid { value_date: date(value_date) }
}

fn rejected() -> BankAnswer {
    BankAnswer::Rejected { bank_code: words("AC04") }
}

fn returned(value_date: &str) -> BankAnswer {
    BankAnswer::Returned { value_date: date(value_date), bank_code: words("AM09") }
}

fn line_of(run: &str, line: u32, amount: &str, answer: BankAnswer) -> BankLine {
    BankLine { run: run.to_owned(), line, amount: gbp(amount), answer }
}

fn remittance(lines: &[(u32, &str, BankAnswer)]) -> Remittance {
    let lines = lines.iter().cloned();
    let lines: Vec<BankLine> =
        lines.map(|(line, amount, answer)| line_of("B-2026-0001", line, amount, answer)).collect();
    let control_total = Pence::of(lines.iter().map(|line| line.amount));
    Remittance { sha256: Hash::of(b"answer"), lines, control_total }
}

fn answer(lines: &[(u32, &str, BankAnswer)]) -> PaymentRunCommand {
    PaymentRunCommand::TakeRemittance { remittance: remittance(lines), repaid: BTreeMap::new() }
}

fn loaded(lines: u32, total: &str) -> PaymentRunEvent {
    let control_total = Pence::of([gbp(total)]);
    PaymentRunEvent::RemittanceLoaded { sha256: Hash::of(b"answer"), lines, control_total }
}

fn confirmed(line: u32, amount: &str) -> PaymentRunEvent {
    PaymentRunEvent::LineConfirmed { line, amount: gbp(amount), value_date: date(PAY_ON) }
}

fn rejected_line(line: u32, amount: &str) -> PaymentRunEvent {
    PaymentRunEvent::LineRejected { line, amount: gbp(amount), bank_code: words("AC04") }
}

fn tally(lines: u32, total: Option<&str>) -> Tally {
    Tally { lines, pence: Pence::of(total.map(gbp)) }
}

const OPEN: usize = 1;
const FILLED: usize = 4;
const APPROVED: usize = 5;
const RELEASED: usize = 6;
const EXPORTED: usize = 7;
const ANSWERED: usize = 11;

/// The way of a run, fact by fact; a stage is a first part of it.
fn way() -> Vec<PaymentRunEvent> {
    vec![
        opened(),
        added(1, "2500"),
        added(2, "1000"),
        added(3, "0.01"),
        PaymentRunEvent::Approved { approver: someone(APPROVER) },
        PaymentRunEvent::Released { releaser: someone(RELEASER) },
        exported(),
        loaded(3, "3500.01"),
        confirmed(1, "2500"),
        rejected_line(2, "1000"),
        confirmed(3, "0.01"),
        PaymentRunEvent::Reconciled {
            confirmed: tally(2, Some("2500.01")),
            rejected: tally(1, Some("1000")),
            returned: tally(0, None),
        },
    ]
}

fn at(stage: usize) -> Vec<PaymentRunEvent> {
    way()[..stage].to_vec()
}

fn whole_answer() -> PaymentRunCommand {
    answer(&[(1, "2500", paid(PAY_ON)), (2, "1000", rejected()), (3, "0.01", paid(PAY_ON))])
}

fn stories() -> Vec<Story<PaymentRun>> {
    let step = |stage: usize, when, actor, on| Story {
        given: at(stage),
        when,
        at: by(actor, on),
        then: vec![way().swap_remove(stage)],
    };
    let beside = |stage, when, actor, then| Story { given: at(stage), when, at: by(actor, LATER), then };
    let came_back = PaymentRunEvent::LineReturned {
        line: 1,
        amount: gbp("2500"),
        value_date: date(LATER),
        bank_code: words("AM09"),
    };
    vec![
        step(0, open(), MAKER, TODAY),
        step(OPEN, add(1, "2500"), ADDER, TODAY),
        step(OPEN + 1, add(2, "1000"), ADDER, TODAY),
        step(FILLED, approve(), APPROVER, TODAY),
        step(APPROVED, release(&[]), RELEASER, PAY_ON),
        step(RELEASED, export(3, "3500.01"), MAKER, PAY_ON),
        Story {
            given: at(EXPORTED),
            when: whole_answer(),
            at: by(MAKER, PAY_ON),
            then: way()[EXPORTED..ANSWERED].to_vec(),
        },
        step(ANSWERED, PaymentRunCommand::Reconcile, MAKER, LATER),
        beside(FILLED, PaymentRunCommand::RemoveLine { line: 2 }, ADDER, {
            vec![PaymentRunEvent::LineRemoved { line: 2 }]
        }),
        beside(RELEASED, PaymentRunCommand::Void, MAKER, vec![PaymentRunEvent::Voided {}]),
        beside(EXPORTED, PaymentRunCommand::GiveAgain { sha256: Hash::of(b"file") }, MAKER, {
            vec![PaymentRunEvent::FileGivenAgain { sha256: Hash::of(b"file") }]
        }),
        beside(
            ANSWERED + 1,
            answer(&[(1, "2500", returned(LATER))]),
            MAKER,
            vec![loaded(1, "2500"), came_back],
        ),
        beside(ANSWERED, back_and_repaid(), MAKER, vec![loaded(1, "2500"), noted()]),
        Story {
            given: disputed(),
            when: settle(ReturnFinding::CameBack),
            at: by(RELEASER, LATER),
            then: vec![PaymentRunEvent::DisputeSettled {
                line: 1,
                finding: ReturnFinding::CameBack,
                settled_by: someone(RELEASER),
            }],
        },
    ]
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

fn refused_on(history: &[PaymentRunEvent], command: PaymentRunCommand, actor: u128, on: &str) -> Refused {
    given::<PaymentRun>(history).when(command, &by(actor, on)).refused()
}

fn refusals_of_making() -> Vec<(&'static str, Refused)> {
    let refused = |history: &[PaymentRunEvent], command, actor| refused_on(history, command, actor, TODAY);
    let full = [at(OPEN), vec![added(MOST_LINES, "1")]].concat();
    let emptied = [at(OPEN + 1), vec![PaymentRunEvent::LineRemoved { line: 1 }]].concat();
    let remove = |line| PaymentRunCommand::RemoveLine { line };
    vec![
        ("payment_run.unknown", refused(&[], add(1, "1"), ADDER)),
        ("payment_run.unknown", refused(&[], PaymentRunCommand::Void, MAKER)),
        ("payment_run.already_open", refused(&at(OPEN), open(), MAKER)),
        ("payment_run.day_gone_by", refused_on(&[], open(), MAKER, "2026-06-02")),
        ("payment_run.too_many_lines", refused(&full, add(1, "1"), ADDER)),
        ("payment_run.line_unknown", refused(&at(FILLED), remove(4), ADDER)),
        ("payment_run.line_unknown", refused(&emptied, remove(1), ADDER)),
        ("payment_run.wrong_stage", refused(&at(APPROVED), add(4, "1"), ADDER)),
        ("payment_run.wrong_stage", refused(&at(APPROVED), remove(1), ADDER)),
        ("payment_run.wrong_stage", refused(&at(APPROVED), approve(), APPROVER)),
        ("payment_run.empty", refused(&at(OPEN), approve(), APPROVER)),
        ("payment_run.empty", refused(&emptied, approve(), APPROVER)),
        ("payment_run.approver_made_it", refused(&at(FILLED), approve(), MAKER)),
        ("payment_run.approver_made_it", refused(&at(FILLED), approve(), ADDER)),
        ("payment_run.conflicted", refused(&at(FILLED), approve(), CONFLICTED)),
    ]
}

fn refusals_of_releasing() -> Vec<(&'static str, Refused)> {
    let releasing = |actor| refused_on(&at(APPROVED), release(&[]), actor, TODAY);
    let with = |unpayable: &[(u32, &str)]| PaymentRunCommand::Export {
        format: 1,
        lines: 3,
        control_total: Pence::of([gbp("3500.01")]),
        sha256: Hash::of(b"file"),
        unpayable: against(unpayable),
    };
    let exporting = |command| refused_on(&at(RELEASED), command, MAKER, TODAY);
    let again = |history: &[PaymentRunEvent], file: &[u8]| {
        refused_on(history, PaymentRunCommand::GiveAgain { sha256: Hash::of(file) }, MAKER, TODAY)
    };
    vec![
        ("payment_run.wrong_stage", refused_on(&at(FILLED), release(&[]), RELEASER, TODAY)),
        ("payment_run.releaser_made_it", releasing(MAKER)),
        ("payment_run.releaser_made_it", releasing(ADDER)),
        ("payment_run.releaser_approved_it", releasing(APPROVER)),
        ("payment_run.releaser_decided", releasing(DECIDER)),
        ("payment_run.conflicted", releasing(CONFLICTED)),
        ("payment_run.day_gone_by", refused_on(&at(APPROVED), release(&[]), RELEASER, "2026-06-02")),
        (
            "payment_run.lines_not_payable",
            refused_on(&at(APPROVED), release(&[(2, "A check ran out.")]), RELEASER, TODAY),
        ),
        ("payment_run.lines_not_payable", exporting(with(&[(1, "A check ran out.")]))),
        ("payment_run.day_gone_by", refused_on(&at(RELEASED), export(3, "3500.01"), MAKER, "2026-06-02")),
        ("payment_run.wrong_stage", refused_on(&at(APPROVED), export(3, "3500.01"), MAKER, TODAY)),
        ("payment_run.wrong_stage", refused_on(&at(EXPORTED), export(3, "3500.01"), MAKER, TODAY)),
        ("payment_run.file_differs", exporting(export(2, "3500.01"))),
        ("payment_run.file_differs", exporting(export(3, "3500"))),
        ("payment_run.file_differs", again(&at(EXPORTED), b"another")),
        ("payment_run.wrong_stage", again(&at(RELEASED), b"file")),
        ("payment_run.wrong_stage", refused_on(&at(EXPORTED), PaymentRunCommand::Void, MAKER, TODAY)),
    ]
}

/// The bank says that line 1 came back, and the partner had repaid £700 of it.
fn back_and_repaid() -> PaymentRunCommand {
    let remittance = remittance(&[(1, "2500", returned(LATER))]);
    PaymentRunCommand::TakeRemittance { remittance, repaid: BTreeMap::from([(1, gbp("700"))]) }
}

fn noted() -> PaymentRunEvent {
    PaymentRunEvent::ReturnDisputed {
        line: 1,
        amount: gbp("2500"),
        value_date: date(LATER),
        bank_code: words("AM09"),
        repaid: gbp("700"),
        noted_by: someone(MAKER),
    }
}

fn disputed() -> Vec<PaymentRunEvent> {
    [at(ANSWERED), vec![loaded(1, "2500"), noted()]].concat()
}

fn settle(finding: ReturnFinding) -> PaymentRunCommand {
    let persons = Persons { conflicted: [someone(CONFLICTED)].into(), ..Persons::default() };
    PaymentRunCommand::SettleDispute { line: 1, finding, persons }
}

fn settled(finding: ReturnFinding) -> Vec<PaymentRunEvent> {
    let settled = PaymentRunEvent::DisputeSettled { line: 1, finding, settled_by: someone(RELEASER) };
    [disputed(), vec![settled]].concat()
}

#[test]
fn what_the_partner_repaid_does_not_come_back_a_second_time_and_stops_no_other_line() {
    let history = [at(EXPORTED), vec![confirmed(1, "2500")]].concat();
    let repaid = BTreeMap::from([(1, gbp("700"))]);
    let remittance = remittance(&[(1, "2500", returned(LATER)), (3, "0.01", paid(PAY_ON))]);
    given::<PaymentRun>(&history)
        .when(PaymentRunCommand::TakeRemittance { remittance, repaid }, &by(MAKER, LATER))
        .then_events(&[loaded(2, "2500.01"), noted(), confirmed(3, "0.01")]);
    let run = PaymentRun::after(&disputed());
    assert_eq!(
        run.tally(LineStatus::Confirmed),
        PaymentRun::after(&at(ANSWERED)).tally(LineStatus::Confirmed)
    );
}

#[test]
fn a_bank_that_was_wrong_once_may_be_right_the_next_time() {
    let finding = ReturnFinding::BankWasWrong;
    let found = PaymentRunEvent::DisputeSettled { line: 1, finding, settled_by: someone(RELEASER) };
    given::<PaymentRun>(&disputed())
        .when(settle(finding), &by(RELEASER, LATER))
        .then_events(std::slice::from_ref(&found));
    let again = answer(&[(1, "2500", returned("2026-06-02"))]);
    let history = settled(finding);
    let facts = PaymentRun::after(&history).decide(again, &by(MAKER, LATER)).unwrap();
    assert!(matches!(facts[1], PaymentRunEvent::LineReturned { line: 1, .. }), "{facts:?}");
}

fn refusals_of_answering() -> Vec<(&'static str, Refused)> {
    let refused =
        |stage, lines: &[(u32, &str, BankAnswer)], on| refused_on(&at(stage), answer(lines), MAKER, on);
    let of_another = || {
        let lines = vec![line_of("B-2026-0002", 1, "2500", paid(PAY_ON))];
        let remittance = Remittance { lines, ..remittance(&[]) };
        let take = PaymentRunCommand::TakeRemittance { remittance, repaid: BTreeMap::new() };
        refused_on(&at(EXPORTED), take, MAKER, LATER)
    };
    let reconcile = |stage| refused_on(&at(stage), PaymentRunCommand::Reconcile, MAKER, LATER);
    let (back, came_back) = (|on| answer(&[(1, "2500", returned(on))]), ReturnFinding::CameBack);
    vec![
        ("payment_run.wrong_stage", refused(RELEASED, &[(1, "2500", paid(PAY_ON))], LATER)),
        ("payment_run.other_run", of_another()),
        ("payment_run.answer_unmatched", refused(EXPORTED, &[(4, "1", paid(PAY_ON))], LATER)),
        ("payment_run.answer_amount_differs", refused(EXPORTED, &[(1, "2500.01", paid(PAY_ON))], LATER)),
        ("payment_run.answer_too_early", refused(EXPORTED, &[(1, "2500", paid("2026-05-31"))], LATER)),
        ("payment_run.answer_too_early", refused(ANSWERED, &[(1, "2500", returned("2026-05-31"))], LATER)),
        ("payment_run.answer_ahead", refused(EXPORTED, &[(1, "2500", paid("2026-06-04"))], LATER)),
        ("payment_run.answer_contradicts", refused(ANSWERED, &[(1, "2500", paid("2026-06-02"))], LATER)),
        ("payment_run.answer_contradicts", refused(ANSWERED, &[(1, "2500", rejected())], LATER)),
        ("payment_run.answer_contradicts", refused(ANSWERED, &[(2, "1000", paid(PAY_ON))], LATER)),
        ("payment_run.nothing_new", refused_on(&at(ANSWERED), whole_answer(), MAKER, LATER)),
        ("payment_run.answer_contradicts", refused_on(&disputed(), back("2026-06-02"), MAKER, LATER)),
        ("payment_run.nothing_new", refused_on(&disputed(), back(LATER), MAKER, LATER)),
        ("payment_run.returns_disputed", refused_on(&disputed(), PaymentRunCommand::Reconcile, MAKER, LATER)),
        ("payment_run.not_disputed", refused_on(&at(ANSWERED), settle(came_back), RELEASER, LATER)),
        ("payment_run.not_disputed", refused_on(&settled(came_back), settle(came_back), RELEASER, LATER)),
        ("payment_run.conflicted", refused_on(&disputed(), settle(came_back), CONFLICTED, LATER)),
        ("payment_run.settler_loaded", refused_on(&disputed(), settle(came_back), MAKER, LATER)),
        ("payment_run.answer_contradicts", refused_on(&settled(came_back), back("2026-06-02"), MAKER, LATER)),
        ("payment_run.lines_pending", reconcile(EXPORTED)),
        ("payment_run.wrong_stage", reconcile(ANSWERED + 1)),
        ("payment_run.wrong_stage", reconcile(RELEASED)),
    ]
}

#[test]
fn every_refusal_is_reached() {
    let reached = [refusals_of_making(), refusals_of_releasing(), refusals_of_answering()].concat();
    all_reached(PaymentRunRefusal::CODES, &reached);
}

#[test]
fn lines_that_may_not_be_paid_are_named() {
    let unpayable = [(1, "Bank details version 2 are on hold."), (3, "This partner is not approved.")];
    let told = refused_on(&at(APPROVED), release(&unpayable), RELEASER, TODAY).sentence;
    assert!(
        told.contains("Line 1 (G-2026-0001): Bank details version 2 are on hold. Line 3 (G-2026"),
        "{told}"
    );
}

#[test]
fn a_number_is_never_used_again_in_a_run() {
    let history = [at(FILLED), vec![PaymentRunEvent::LineRemoved { line: 3 }]].concat();
    let run = PaymentRun::after(&history);
    assert_eq!((run.next_line(), run.lines().count(), run.control_total()), (4, 2, Pence::of([gbp("3500")])));
}

#[test]
fn an_answer_is_shown_both_ways() {
    let run = PaymentRun::after(&at(EXPORTED));
    let odd = remittance(&[(1, "2500", paid(PAY_ON)), (9, "5", rejected())]);
    let matched = run.matched(&odd, date(LATER)).unwrap();
    assert_eq!(matched.new.iter().map(|(line, _)| line.number).collect::<Vec<_>>(), [1]);
    assert_eq!(matched.not_in_run, [line_of("B-2026-0001", 9, "5", rejected())]);
    assert_eq!((matched.not_in_file, matched.already), (vec![2, 3], vec![]));
}

#[test]
fn a_bank_that_sends_everything_again_adds_only_what_is_new() {
    let history = [at(EXPORTED), vec![loaded(1, "2500"), confirmed(1, "2500")]].concat();
    given::<PaymentRun>(&history).when(whole_answer(), &by(MAKER, LATER)).then_events(&[
        loaded(3, "3500.01"),
        rejected_line(2, "1000"),
        confirmed(3, "0.01"),
    ]);
}

#[test]
fn money_that_came_back_before_it_was_ever_paid_was_never_spent() {
    let bounced = answer(&[(2, "1000", returned(LATER))]);
    let then = PaymentRunEvent::LineRejected { line: 2, amount: gbp("1000"), bank_code: words("AM09") };
    let history = at(EXPORTED);
    given::<PaymentRun>(&history)
        .when(bounced.clone(), &by(MAKER, LATER))
        .then_events(&[loaded(1, "1000"), then.clone()]);
    let history = [history, vec![then]].concat();
    given::<PaymentRun>(&history).when(bounced, &by(MAKER, LATER)).then_refused("payment_run.nothing_new");
}

#[test]
fn what_came_back_stays_as_it_is() {
    let back = answer(&[(1, "2500", returned(LATER))]);
    let at_that = by(MAKER, LATER);
    let facts = PaymentRun::after(&way()).decide(back.clone(), &at_that).unwrap();
    let history = [way(), facts].concat();
    let run = given::<PaymentRun>(&history);
    run.when(back, &at_that).then_refused("payment_run.nothing_new");
    run.when(answer(&[(1, "2500", paid(PAY_ON))]), &at_that).then_refused("payment_run.nothing_new");
    run.when(answer(&[(1, "2500", rejected())]), &at_that).then_refused("payment_run.answer_contradicts");
    assert_eq!(run.0.tally(LineStatus::Returned), tally(1, Some("2500")));
}
