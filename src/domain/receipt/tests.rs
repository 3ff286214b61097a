//! A sound case holds in every rule; with one fault planted in its facts, the rule that guards against it does not.
//!
//! The guards refuse what is tried here, so the facts are planted in the history directly.

mod approvals;
mod payments;
mod runs;
mod story;
mod variations;
mod waivers;

use std::collections::BTreeSet;

use super::*;
use story::{receipt_of, story};

/// The codes of the rules that do not hold.
fn failing(receipt: &Receipt) -> BTreeSet<&'static str> {
    receipt.rules.iter().filter(|rule| !rule.holds).map(|rule| rule.code).collect()
}

/// Something wrong with a history: what, how it is planted, and the codes of the rules that tell.
type Fault = (&'static str, fn(&mut Vec<Entry>), &'static [&'static str]);

/// Each fault makes the rules fail that guard against it and no others, and the guards refuse it as well.
#[track_caller]
fn each_is_found(decision: &str, sound: fn() -> Vec<Entry>, faults: &[Fault]) {
    let clear = receipt_of(&sound(), decision);
    assert_eq!(failing(&clear), BTreeSet::new(), "{decision}: {clear:#?}");
    for (what, plant, codes) in faults {
        let mut history = sound();
        plant(&mut history);
        let receipt = receipt_of(&history, decision);
        let wanted: BTreeSet<&str> = codes.iter().copied().collect();
        assert_eq!(failing(&receipt), wanted, "{decision}, {what}: {receipt:#?}");
        assert!(receipt.rules.iter().all(|rule| rule.found.ends_with('.')), "{what}: {receipt:#?}");
    }
}

#[test]
fn every_decision_named_is_an_event_of_the_record() {
    for (name, kind) in DECISIONS {
        assert!(Fact::kinds().any(|known| known.name == name), "{name} ({})", kind.words());
    }
}

#[test]
fn every_decision_of_a_sound_case_holds_in_every_rule() {
    let history = story();
    for name in
        ["partner.approved", "grant.approved", "grant.instalment_authorised", "grant.payment_confirmed"]
    {
        let receipt = receipt_of(&history, name);
        assert!(receipt.holds(), "{name}: {receipt:#?}");
        assert!(receipt.rules.len() > 5, "{name}: {receipt:#?}");
        assert!(receipt.rules.iter().all(|rule| rule.found.ends_with('.')), "{name}: {receipt:#?}");
    }
}

#[test]
fn what_is_no_decision_has_no_receipt() {
    for entry in story() {
        let decision = kind_of(&entry.fact).is_some();
        assert_eq!(receipt(&entry, &Histories::default()).is_some(), decision, "{:?}", entry.fact);
    }
}

#[test]
fn a_limit_is_told_with_its_figures_and_where_it_comes_from() {
    let history = story();
    let receipt = receipt_of(&history, "grant.approved");
    let limit = receipt.rules.iter().find(|rule| rule.code == "grant.exceeds_authority").unwrap();
    assert!(
        limit.found.starts_with("£2,500.00 asked, limit £10,000.00 under authority of 1 April 2026"),
        "{}",
        limit.found
    );
    let names: BTreeSet<&str> = limit
        .relied_on
        .iter()
        .map(|index| history[usize::try_from(*index).unwrap()].fact.kind().name)
        .collect();
    assert_eq!(names, BTreeSet::from(["authority.granted", "programme.opened", "grant.recommended"]));
}

#[test]
fn what_the_same_command_recorded_does_not_count_as_before() {
    let mut history = story();
    let place = story::place_of(&history, "grant.approved");
    // The fund confirms in the same commit; its events may stand before those of the grant.
    history.swap(place, place + 1);
    let receipt = receipt_of(&history, "grant.approved");
    assert!(receipt.holds(), "{receipt:#?}");
}

#[test]
fn streams_are_asked_for_until_none_is_missing() {
    let history = story::numbered(&story());
    let decision = &history[story::place_of(&history, "grant.approved")];
    let mut known = Histories::default();
    let mut rounds = 0;
    while let Some(stream) = known.missing(decision).first().copied() {
        let of = history.iter().filter(|entry| entry.stream == stream).cloned().collect();
        known.add(stream, of);
        rounds += 1;
    }
    assert_eq!(rounds, 5, "grant, partner, programme, fund and delegation");
}
