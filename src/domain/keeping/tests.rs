//! Given, when, then: the record as a whole.

use super::*;
use crate::domain::{Story, all_hold, all_reached, by, given, never_fails};

const TODAY: &str = "2026-05-04";

fn key(name: &str) -> VerifierKey {
    format!("{name}+0badcafe+AQIDBA==").parse().unwrap()
}

fn restore(change: impl FnOnce(&mut Restore)) -> KeepingCommand {
    let mut restore = Restore {
        size: 412,
        root: Hash::of(b"the back-up"),
        sealed: Some(410),
        former: Some(key("example.invalid/first")),
        key: key("example.invalid/second"),
        lost: Some((437, Hash::of(b"what was held"))),
        erasures: 1,
    };
    change(&mut restore);
    KeepingCommand::Restore(restore)
}

fn restored() -> KeepingEvent {
    KeepingEvent::Restored {
        size: 412,
        root: Hash::of(b"the back-up"),
        sealed: Some(410),
        former: Some(key("example.invalid/first")),
        key: key("example.invalid/second"),
        lost_before: Some(437),
        lost_root: Some(Hash::of(b"what was held")),
        erasures: 1,
    }
}

/// A key of one log, by its number.
fn numbered(number: u8) -> VerifierKey {
    format!("example.invalid/log+{number:08x}+AQIDBA==").parse().unwrap()
}

fn change(former: u8, key: u8) -> KeepingCommand {
    KeepingCommand::ChangeKey { former: numbered(former), key: numbered(key) }
}

fn changed(former: u8, key: u8) -> KeepingEvent {
    KeepingEvent::KeyChanged { former: numbered(former), key: numbered(key) }
}

fn stories() -> Vec<Story<Keeping>> {
    vec![
        Story { given: vec![], when: restore(|_| ()), at: by(1, TODAY), then: vec![restored()] },
        Story { given: vec![], when: change(1, 2), at: by(1, TODAY), then: vec![changed(1, 2)] },
        Story { given: vec![changed(1, 2)], when: change(2, 3), at: by(1, TODAY), then: vec![changed(2, 3)] },
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
    let refused = |history: &[KeepingEvent], change: fn(&mut Restore)| {
        given::<Keeping>(history).when(restore(change), &by(1, TODAY)).refused()
    };
    let reached = [
        ("record.empty", refused(&[], |restore| restore.size = 0)),
        ("record.same_key", refused(&[], |restore| restore.key = key("example.invalid/first"))),
        ("record.same_key", refused(&[restored()], |restore| restore.former = None)),
        ("record.key_used", given::<Keeping>(&[]).when(change(1, 1), &by(1, TODAY)).refused()),
        ("record.key_used", given::<Keeping>(&[changed(1, 2)]).when(change(2, 1), &by(1, TODAY)).refused()),
        (
            "record.key_not_current",
            given::<Keeping>(&[changed(1, 2)]).when(change(1, 3), &by(1, TODAY)).refused(),
        ),
        (
            "record.key_name",
            given::<Keeping>(&[])
                .when(
                    KeepingCommand::ChangeKey { former: numbered(1), key: key("example.invalid/other") },
                    &by(1, TODAY),
                )
                .refused(),
        ),
        ("record.nothing_lost", refused(&[], |restore| restore.lost = Some((412, Hash::of(b"held"))))),
    ];
    all_reached(KeepingRefusal::CODES, &reached);
}

#[test]
fn what_is_lost_is_said() {
    assert_eq!(
        restored().told(),
        "The record was restored from a back-up of 412 events. The events 412 to 436 are lost. One erasure since then \
         was done again."
    );
}

#[test]
fn a_verifier_key_has_three_parts() {
    assert_eq!(key("example.invalid/log").origin(), "example.invalid/log");
    for typed in ["", "name", "name+0badcafe", "name+bad+AQ==", "a name+0badcafe+AQ==", "+0badcafe+AQ=="] {
        assert_eq!(typed.parse::<VerifierKey>(), Err(VerifierKeyProblem::Unreadable), "{typed}");
    }
}
