//! A payment that bounced does not keep a grant open, and the last one of a grant that closes is still paid.

use super::*;

/// The first payment was rejected by the bank, and nothing is on its way.
fn bounced() -> Vec<GrantEvent> {
    [at(AUTHORISED), vec![in_run(), rejected_in_run()]].concat()
}

#[test]
fn a_payment_that_bounced_and_was_made_again_does_not_keep_a_grant_open() {
    let paid = GrantEvent::PaymentConfirmed {
        instalment: id(3),
        amount: gbp("1500"),
        value_date: date(PAY_ON),
        run: None,
        line: None,
    };
    let made_again = [authorised_to(3, "1500"), paid, declared_unspent("1000"), released("1000")];
    let settled = [requested(61, ReturnKind::Final), submitted(61), accepted(61)];
    let closed = GrantEvent::Closed {
        final_spend: Some(gbp("1500")),
        outcomes: vec![words("Forty people ate together every Sunday.")],
    };
    given::<Grant>(&[bounced(), made_again.to_vec(), settled.to_vec()].concat())
        .when(close("1500"), &by(APPROVER, TODAY))
        .then_events(&[closed]);
}

#[test]
fn a_payment_that_bounced_is_not_on_its_way() {
    let unpaid = vec![second(), in_its_place()];
    given::<Grant>(&[bounced(), vec![ending::put_forward()]].concat())
        .when(steer(CourseCommand::Terminate), &by(APPROVER, TODAY))
        .then_events(&[GrantEvent::Terminated { unpaid }]);
}

#[test]
fn the_last_instalment_of_a_closing_grant_is_paid_by_a_run() {
    let asked = [at(AUTHORISED), vec![requested(61, ReturnKind::Final)]].concat();
    given::<Grant>(&asked).when(put_in_run(1), &by(PAYER, TODAY)).then_events(&[in_run()]);
    let grant = Grant::after(&[asked, vec![in_run()]].concat());
    assert_eq!((grant.status(), grant.payable_by(run_line(1))), (GrantStatus::Closing, Ok(())));
    let held_up = Grant::after(&[at(AUTHORISED), vec![in_run(), suspended()]].concat());
    assert_eq!(held_up.payable_by(run_line(1)), Err(GrantRefusal::Suspended));
}
