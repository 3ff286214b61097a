//! Given, when, then: a person as the record knows them.

use uuid::Uuid;

use super::*;
use crate::domain::identity::Hash;
use crate::domain::{Story, all_hold, all_reached, by, given, never_fails, someone};

const ADVISOR: u128 = 1;
const ANOTHER: u128 = 2;
const TODAY: &str = "2026-05-01";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn registered() -> PersonEvent {
    PersonEvent::Registered { met: FirstMeeting::Themselves }
}

fn kept(number: u128) -> VaultRef {
    VaultRef { item: Uuid::from_u128(number), commit: Hash::of(b"a commitment") }
}

fn items(some: &[SharedItem]) -> BTreeSet<SharedItem> {
    some.iter().copied().collect()
}

fn agreed(some: &[SharedItem]) -> PersonEvent {
    PersonEvent::SharingAgreed { partner: id(7), items: items(some) }
}

fn case() -> CaseNumber {
    "SAR-2026-014".parse().unwrap()
}

fn asked() -> PersonEvent {
    PersonEvent::ErasureAsked { ground: ErasureGround::Asked, authority: case(), asked_by: someone(ADVISOR) }
}

fn ask() -> PersonCommand {
    PersonCommand::AskErasure { ground: ErasureGround::Asked, authority: case() }
}

fn erased() -> PersonEvent {
    PersonEvent::Erased {
        subject: id(9),
        ground: ErasureGround::Asked,
        authority: case(),
        asked_by: someone(ADVISOR),
    }
}

const ERASE: PersonCommand = PersonCommand::Erase { subject: PersonRef(Uuid::from_u128(9)) };

fn share(some: &[SharedItem]) -> PersonCommand {
    PersonCommand::AgreeSharing { partner: id(7), items: items(some) }
}

fn stories() -> Vec<Story<Person>> {
    let one =
        |given: Vec<PersonEvent>, when, then| Story { given, when, at: by(ADVISOR, TODAY), then: vec![then] };
    vec![
        one(vec![], PersonCommand::Register { met: FirstMeeting::Themselves }, registered()),
        one(
            vec![registered()],
            PersonCommand::KeepDetails { details: kept(3) },
            PersonEvent::DetailsKept { details: kept(3) },
        ),
        one(
            vec![registered(), agreed(&[SharedItem::Name])],
            share(&[SharedItem::Name, SharedItem::Phone]),
            agreed(&[SharedItem::Name, SharedItem::Phone]),
        ),
        one(
            vec![registered(), agreed(&[SharedItem::Name])],
            PersonCommand::WithdrawSharing { partner: id(7) },
            PersonEvent::SharingWithdrawn { partner: id(7) },
        ),
        one(vec![registered()], ask(), asked()),
        one(vec![registered(), asked()], PersonCommand::DropErasure, PersonEvent::ErasureDropped {}),
        Story {
            given: vec![registered(), asked()],
            when: ERASE,
            at: by(ANOTHER, TODAY),
            then: vec![erased()],
        },
        one(
            vec![registered(), asked(), erased()],
            PersonCommand::ConfirmErasure { items: 2 },
            PersonEvent::ErasureConfirmed { items: 2 },
        ),
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
    let refused = |history: &[PersonEvent], command, actor| {
        given::<Person>(history).when(command, &by(actor, TODAY)).refused()
    };
    let name = [registered(), agreed(&[SharedItem::Name])];
    let gone = [registered(), asked(), erased()];
    let confirmed = [registered(), asked(), erased(), PersonEvent::ErasureConfirmed { items: 1 }];
    let register = || PersonCommand::Register { met: FirstMeeting::Event };
    let reached = [
        ("person.unknown", refused(&[], ask(), ADVISOR)),
        ("person.already_registered", refused(&[registered()], register(), ADVISOR)),
        ("person.erased", refused(&gone, register(), ADVISOR)),
        ("person.erased", refused(&confirmed, share(&[SharedItem::Name]), ADVISOR)),
        ("person.erased", refused(&gone, PersonCommand::KeepDetails { details: kept(3) }, ADVISOR)),
        ("person.erased", refused(&gone, ERASE, ANOTHER)),
        ("person.nothing_to_share", refused(&name, share(&[]), ADVISOR)),
        ("person.sharing_same", refused(&name, share(&[SharedItem::Name]), ADVISOR)),
        ("person.not_shared", refused(&name, PersonCommand::WithdrawSharing { partner: id(8) }, ADVISOR)),
        ("person.erasure_already_asked", refused(&[registered(), asked()], ask(), ANOTHER)),
        ("person.erasure_not_asked", refused(&[registered()], ERASE, ANOTHER)),
        ("person.erasure_not_asked", refused(&[registered()], PersonCommand::DropErasure, ANOTHER)),
        ("person.erasure_own", refused(&[registered(), asked()], ERASE, ADVISOR)),
        ("person.not_erased", refused(&name, PersonCommand::ConfirmErasure { items: 1 }, ADVISOR)),
        (
            "person.erasure_already_confirmed",
            refused(&confirmed, PersonCommand::ConfirmErasure { items: 1 }, ADVISOR),
        ),
    ];
    all_reached(PersonRefusal::CODES, &reached);
}

#[test]
fn what_was_agreed_ends_when_it_is_withdrawn_and_when_the_person_is_forgotten() {
    let agreed = agreed(&[SharedItem::Name, SharedItem::Needs]);
    let mut history = vec![registered(), agreed.clone()];
    assert_eq!(Person::after(&history).shared_with(id(7)), items(&[SharedItem::Name, SharedItem::Needs]));
    assert!(Person::after(&history).shared_with(id(8)).is_empty(), "another partner is told nothing");
    history.push(PersonEvent::SharingWithdrawn { partner: id(7) });
    assert!(Person::after(&history).shared_with(id(7)).is_empty());
    history.extend([agreed, PersonEvent::DetailsKept { details: kept(3) }, asked(), erased()]);
    let gone = Person::after(&history);
    assert!(gone.shared_with(id(7)).is_empty() && gone.details().is_none() && !gone.is_confirmed_gone());
}
