//! Given, when, then: delegations of authority.

use uuid::Uuid;

use super::*;
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, gbp, given, never_fails, someone};

const FINANCE: u128 = 1;
const APPROVER: u128 = 2;
const ANOTHER: u128 = 3;
const TODAY: &str = "2026-05-01";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn granting(change: impl FnOnce(&mut DelegationEvent)) -> DelegationEvent {
    let mut granted = DelegationEvent::Granted {
        person: someone(APPROVER),
        scope: Scope::Fund(id(30)),
        limit: gbp("10000"),
        from: date("2026-04-01"),
        to: date("2027-03-31"),
    };
    change(&mut granted);
    granted
}

fn granted() -> DelegationEvent {
    granting(|_| ())
}

fn grant(person_number: u128, from: &str, to: &str) -> DelegationCommand {
    DelegationCommand::Grant {
        person: someone(person_number),
        scope: Scope::Fund(id(30)),
        limit: gbp("10000"),
        from: date(from),
        to: date(to),
    }
}

fn matter(today: &str) -> Matter {
    Matter { person: someone(APPROVER), fund: id(30), programme: id(20), today: date(today) }
}

fn stories() -> Vec<Story<Delegation>> {
    vec![
        Story {
            given: vec![],
            when: grant(APPROVER, "2026-04-01", "2027-03-31"),
            at: by(FINANCE, TODAY),
            then: vec![granted()],
        },
        Story {
            given: vec![granted()],
            when: DelegationCommand::Revoke,
            at: by(ANOTHER, TODAY),
            then: vec![DelegationEvent::Revoked {}],
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

#[test]
fn every_refusal_is_reached() {
    let refused = |history: &[DelegationEvent], command, actor| {
        given::<Delegation>(history).when(command, &by(actor, TODAY)).refused()
    };
    let carries_not = |history: &[DelegationEvent], of: Matter| {
        Refused::from(Delegation::after(history).limit(&of).unwrap_err())
    };
    let year = |number| grant(number, "2026-04-01", "2027-03-31");
    let revoked = [granted(), DelegationEvent::Revoked {}];
    let nobody: [(DelegationId, &Delegation); 0] = [];
    let reached = [
        ("authority.unknown", refused(&[], DelegationCommand::Revoke, FINANCE)),
        ("authority.unknown", carries_not(&[], matter(TODAY))),
        ("authority.already_granted", refused(&[granted()], year(APPROVER), FINANCE)),
        ("authority.own", refused(&[], year(FINANCE), FINANCE)),
        ("authority.own", refused(&[granted()], DelegationCommand::Revoke, APPROVER)),
        ("authority.dates_reversed", refused(&[], grant(APPROVER, "2026-06-02", "2026-06-01"), FINANCE)),
        ("authority.ended", refused(&[], grant(APPROVER, "2026-04-01", "2026-04-30"), FINANCE)),
        ("authority.revoked", refused(&revoked, DelegationCommand::Revoke, FINANCE)),
        ("authority.revoked", carries_not(&revoked, matter(TODAY))),
        (
            "authority.of_another",
            carries_not(&[granted()], Matter { person: someone(ANOTHER), ..matter(TODAY) }),
        ),
        ("authority.does_not_cover", carries_not(&[granted()], Matter { fund: id(31), ..matter(TODAY) })),
        ("authority.not_in_force", carries_not(&[granted()], matter("2026-03-31"))),
        ("authority.not_in_force", carries_not(&[granted()], matter("2027-04-01"))),
        ("authority.none", strongest(nobody, &matter(TODAY)).unwrap_err().into()),
    ];
    all_reached(DelegationRefusal::CODES, &reached);
}

#[test]
fn its_first_and_its_last_day_count() {
    let delegation = Delegation::after(&[granted()]);
    for day in ["2026-04-01", "2027-03-31"] {
        assert_eq!(delegation.limit(&matter(day)), Ok(gbp("10000")), "{day}");
    }
}

#[test]
fn a_scope_covers_what_it_names() {
    for (scope, covers) in [
        (Scope::Everything, true),
        (Scope::Fund(id(30)), true),
        (Scope::Fund(id(31)), false),
        (Scope::Programme(id(20)), true),
        (Scope::Programme(id(21)), false),
    ] {
        assert_eq!(scope.covers(&matter(TODAY)), covers, "{scope:?}");
    }
}

#[test]
fn the_highest_limit_in_force_counts_and_of_equal_ones_the_smallest_id() {
    let of = |new_limit: &str, last: &str| {
        let granted = granting(|event| {
            let DelegationEvent::Granted { limit, to, .. } = event else { return };
            (*limit, *to) = (gbp(new_limit), date(last));
        });
        Delegation::after(&[granted])
    };
    let (low, high, over) = (of("500", "2027-03-31"), of("900", "2027-03-31"), of("9000", "2026-04-30"));
    let held = [(id(1), &low), (id(4), &high), (id(3), &high), (id(2), &over)];
    assert_eq!(strongest(held, &matter(TODAY)), Ok((id(3), gbp("900"))));
    let mut turned = held;
    turned.reverse();
    assert_eq!(strongest(turned, &matter(TODAY)), Ok((id(3), gbp("900"))));
}
