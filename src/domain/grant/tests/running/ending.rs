//! How a grant is ended by two people, and what is taken back on the way: an authorisation, a payment made by hand.

use rust_decimal::Decimal;

use super::*;

pub(super) fn put_forward() -> GrantEvent {
    GrantEvent::TerminationProposed { proposed_by: someone(PROPOSER) }
}

fn propose() -> GrantCommand {
    steer(CourseCommand::ProposeTermination)
}

fn terminate() -> GrantCommand {
    steer(CourseCommand::Terminate)
}

fn terminated() -> GrantEvent {
    GrantEvent::Terminated { unpaid: vec![second()] }
}

/// Ended early, with the last account asked for, handed in and accepted.
fn ended() -> Vec<GrantEvent> {
    let is_final = requested(61, ReturnKind::Final);
    after(&[put_forward(), terminated(), is_final, submitted(61), accepted(61)])
}

fn withdraw(number: u128) -> GrantCommand {
    GrantCommand::WithdrawAuthorisation { instalment: id(number) }
}

fn withdrawn(number: u128) -> GrantEvent {
    let withdrawn_by = someone(PROPOSER);
    GrantEvent::InstalmentAuthorisationWithdrawn { instalment: id(number), withdrawn_by }
}

fn give_back(number: u128, replacement: u128, on: &str) -> GrantCommand {
    GrantCommand::ReturnPayment {
        instalment: id(number),
        value_date: date(on),
        bank_code: words("AC04"),
        replacement: id(replacement),
    }
}

fn given_back() -> GrantEvent {
    GrantEvent::PaymentReturned {
        instalment: id(1),
        run: None,
        line: None,
        amount: gbp("1500"),
        value_date: date(TODAY),
        bank_code: words("AC04"),
        replacement: in_its_place(),
    }
}

fn reduced(amount: &str) -> GrantEvent {
    GrantEvent::RecoveryReduced { recovery: id(80), amount: gbp(amount) }
}

fn undo(amount: &str) -> GrantCommand {
    GrantCommand::Recover(RecoveryCommand::UndoWriteOff { recovery: id(80), amount: gbp(amount) })
}

fn undone(amount: &str) -> GrantEvent {
    GrantEvent::WriteOffUndone { recovery: id(80), amount: gbp(amount) }
}

fn no_longer() -> GrantCommand {
    steer(CourseCommand::WithdrawTermination)
}

fn runs_on(by: u128) -> GrantEvent {
    GrantEvent::TerminationWithdrawn { withdrawn_by: someone(by) }
}

fn told(given: Vec<GrantEvent>, when: GrantCommand, actor: u128, then: Vec<GrantEvent>) -> Story<Grant> {
    Story { given, when, at: by(actor, TODAY), then }
}

pub(super) fn stories() -> Vec<Story<Grant>> {
    let closed = GrantEvent::Closed {
        final_spend: Some(gbp("1500")),
        outcomes: vec![words("Forty people ate together every Sunday.")],
    };
    let ask_last = ask_return(61, terms_of(ReturnKind::Final));
    vec![
        told(after(&[]), propose(), PROPOSER, vec![put_forward()]),
        told(after(&[put_forward()]), terminate(), APPROVER, vec![terminated()]),
        told(after(&[put_forward()]), no_longer(), PROPOSER, vec![runs_on(PROPOSER)]),
        told(after(&[put_forward(), suspended()]), no_longer(), APPROVER, vec![runs_on(APPROVER)]),
        told(after(&[put_forward(), runs_on(PROPOSER)]), propose(), APPROVER, {
            vec![GrantEvent::TerminationProposed { proposed_by: someone(APPROVER) }]
        }),
        told(after(&[demanded("400"), written_off("400")]), undo("150"), PAYER, vec![undone("150")]),
        told(after(&[demanded("400"), written_off("300")]), give_back(1, 3, TODAY), PAYER, {
            vec![reduced("100"), undone("300"), reduced("300"), given_back()]
        }),
        told(after(&[put_forward(), terminated()]), ask_last, PROPOSER, {
            vec![requested(61, ReturnKind::Final)]
        }),
        told(ended(), close("1500"), APPROVER, vec![closed]),
        told(after(&[authorised_to(2, "1000")]), withdraw(2), PROPOSER, vec![withdrawn(2)]),
        told(after(&[authorised_to(2, "1000"), suspended()]), withdraw(2), PROPOSER, vec![withdrawn(2)]),
        told(after(&[]), give_back(1, 3, TODAY), PAYER, vec![given_back()]),
        told(after(&[demanded("400")]), give_back(1, 3, TODAY), PAYER, vec![reduced("400"), given_back()]),
    ]
}

pub(super) fn refusals() -> Vec<(&'static str, Refused)> {
    let put = |more: &[GrantEvent]| after(&[more, &[put_forward()]].concat());
    let on_its_way = put(&[authorised_to(2, "1000")]);
    let asked = put(&[asked_for(to_amount("3000"))]);
    let resumed = after(&[put_forward(), suspended(), GrantEvent::Resumed {}]);
    let interested = after(&[put_forward(), declared(PROPOSER)]);
    let in_one = [at(AUTHORISED), vec![in_run()]].concat();
    let paid_by_run = [in_one.clone(), vec![paid_in_run()]].concat();
    let came = after(&[demanded("400"), received("10")]);
    let gave_up = after(&[demanded("400"), received("10"), written_off("390")]);
    let asked_again = after(&[demanded("400"), written_off("400"), undone("150")]);
    let withdrawn_proposal = after(&[put_forward(), runs_on(APPROVER)]);
    // The replacement has the id of the instalment that the change adds.
    let overtaken = after(&[asked_for(to_amount("3000")), given_back(), authorised_to(3, "1500")]);
    let again = ask_return(62, terms_of(ReturnKind::Interim));
    vec![
        ("grant.termination_not_proposed", refused(&after(&[]), terminate(), APPROVER)),
        ("grant.termination_not_proposed", refused(&resumed, terminate(), APPROVER)),
        ("grant.termination_not_proposed", refused(&interested, terminate(), APPROVER)),
        ("grant.termination_not_proposed", refused(&withdrawn_proposal, terminate(), APPROVER)),
        ("grant.termination_not_proposed", refused(&after(&[]), no_longer(), PROPOSER)),
        ("grant.wrong_stage", refused(&ended(), no_longer(), PROPOSER)),
        ("grant.exceeds_write_off", refused(&asked_again, undo("250.01"), PAYER)),
        ("grant.termination_proposed_already", refused(&put(&[]), propose(), APPROVER)),
        ("grant.terminator_proposed", refused(&put(&[]), terminate(), PROPOSER)),
        ("grant.conflicted", refused(&after(&[declared(PROPOSER)]), propose(), PROPOSER)),
        ("grant.wrong_stage", refused(&ended(), propose(), PROPOSER)),
        ("grant.instalments_on_their_way", refused(&on_its_way, terminate(), APPROVER)),
        ("grant.variation_open", refused(&asked, terminate(), APPROVER)),
        ("grant.closer_accepted", refused(&closing(), close("1500"), PROPOSER)),
        ("grant.closer_accepted", refused(&ended(), close("1500"), PROPOSER)),
        ("grant.final_return_open", refused(&after(&[put_forward(), terminated()]), close("1500"), APPROVER)),
        ("grant.wrong_stage", refused(&after(&[put_forward(), terminated()]), again, PROPOSER)),
        ("grant.instalment_not_authorised", refused(&after(&[]), withdraw(2), PROPOSER)),
        ("grant.instalment_not_authorised", refused(&after(&[]), withdraw(1), PROPOSER)),
        ("grant.take_out_of_run_first", refused(&in_one, withdraw(1), PROPOSER)),
        ("grant.not_paid", refused(&after(&[]), give_back(2, 3, TODAY), PAYER)),
        ("grant.returned_through_run", refused_on(&paid_by_run, give_back(1, 3, PAY_ON), PAYER, PAY_ON)),
        ("grant.paid_in_future", refused(&after(&[]), give_back(1, 3, "2026-05-02"), PAYER)),
        ("grant.instalment_twice", refused(&after(&[]), give_back(1, 2, TODAY), PAYER)),
        ("grant.instalment_twice", refused(&overtaken, approve_change("3000", &[(2027, "500")]), APPROVER)),
        ("grant.returned_after_settled", refused(&came, give_back(1, 3, TODAY), PAYER)),
        ("grant.returned_after_settled", refused(&gave_up, give_back(1, 3, TODAY), PAYER)),
    ]
}

#[test]
fn an_instalment_whose_authorisation_was_withdrawn_is_authorised_anew() {
    let history = [at(AUTHORISED), vec![withdrawn(1)]].concat();
    let again = &way()[AUTHORISED - 1..AUTHORISED];
    given::<Grant>(&history).when(authorise(1, PAY_ON), &by(FINANCE, TODAY)).then_events(again);
    assert_eq!(Grant::after(&history).unpaid().len(), 2, "it can be varied, cut or released again");
}

#[test]
fn what_a_bank_gives_back_is_not_asked_back_as_well() {
    let grant = Grant::after(&after(&[demanded("400"), reduced("400"), given_back()]));
    assert_eq!((grant.paid(), grant.demanded()), (Decimal::ZERO, Decimal::ZERO));
    let settled = [
        declared_unspent("2500"),
        GrantEvent::UnspentReleased {
            amount: gbp("2500"),
            plan: Replan { from: vec![second(), in_its_place()], to: Vec::new() },
        },
    ];
    let last = [
        requested(61, ReturnKind::Final),
        GrantEvent::MonitoringReturnWaived {
            return_id: id(61),
            waived_by: Some(someone(APPROVER)),
            authority: authority("2500"),
        },
    ];
    let history =
        after(&[&[demanded("400"), reduced("400"), given_back()], &settled[..], &last[..]].concat());
    let nothing = steer(CourseCommand::Close { final_spend: None, outcomes: Vec::new() });
    given::<Grant>(&history)
        .when(nothing, &by(PROPOSER, TODAY))
        .then_events(&[GrantEvent::Closed { final_spend: None, outcomes: Vec::new() }]);
}

#[test]
fn money_asked_for_after_the_end_opens_a_grant_until_it_is_settled() {
    let closed = GrantEvent::Closed { final_spend: Some(gbp("1500")), outcomes: Vec::new() };
    let given_up = [closing(), vec![demanded("400"), written_off("400"), closed]].concat();
    assert_eq!(Grant::after(&given_up).status(), GrantStatus::Closed);
    let again = [given_up.clone(), vec![undone("400")]].concat();
    assert_eq!(Grant::after(&again).status(), GrantStatus::Closing);
    given::<Grant>(&again).when(close("1500"), &by(APPROVER, TODAY)).then_refused("grant.demands_open");
    given::<Grant>(&given_up)
        .when(receive(80, "400", TODAY), &by(PAYER, TODAY))
        .then_refused("grant.wrong_stage");
    given::<Grant>(&given_up).when(undo("400"), &by(PAYER, TODAY)).then_events(&[undone("400")]);
}

#[test]
fn what_the_partner_repaid_of_a_payment_is_known_before_the_bank_gives_it_back() {
    let of = |events: &[GrantEvent], since: i64| {
        Grant::after(&after(events)).repaid_of(gbp("1500"), Decimal::from(since))
    };
    assert_eq!(of(&[demanded("400")], 0), None, "what was only asked for stands in no way");
    assert_eq!(of(&[demanded("400"), written_off("400")], 0), None);
    assert_eq!(of(&[demanded("400"), received("150")], 0), Some(gbp("150")));
    assert_eq!(
        of(&[demanded("400"), received("150")], 100),
        Some(gbp("50")),
        "more is paid in the same answer"
    );
}

#[test]
fn an_assessor_is_assigned_while_the_partner_is_asked_and_nothing_is_decided_meanwhile() {
    let question = GrantEvent::MoreInformationRequested { what: words("How many?"), by: date(ACCEPT_BY) };
    let history = at_and(ELIGIBLE, question);
    let assign = GrantCommand::AssignAssessor { assessor: someone(ASSESSOR), only_one: true };
    given::<Grant>(&history)
        .when(assign, &by(PROPOSER, TODAY))
        .then_events(&[GrantEvent::AssessorAssigned { assessor: someone(ASSESSOR) }]);
}
