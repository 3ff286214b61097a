//! Given, when, then: links of the thread.

use proptest::prelude::*;

use super::*;
use crate::domain::{Story, all_hold, all_reached, by, given, never_fails, words};

const TODAY: &str = "2026-05-01";

fn end(kind: ThreadKind, id: u128) -> ThreadEnd {
    ThreadEnd { kind, id: Uuid::from_u128(id), version: 3 }
}

fn link(to: ThreadEnd, relation: Relation, share: Option<u8>) -> NewLink {
    let why = words("Agreed at the review, all invented.");
    NewLink { to, relation, share, basis: Basis::Stated, why, is_on_record: false }
}

fn links(from: ThreadEnd, links: Vec<NewLink>) -> ThreadCommand {
    ThreadCommand::Link { from, links }
}

fn linked(from: ThreadEnd, to: ThreadEnd, relation: Relation, share: Option<u8>) -> ThreadEvent {
    let why = words("Agreed at the review, all invented.");
    ThreadEvent::Linked { from, to, relation, share, basis: Basis::Stated, why }
}

fn withdrawing(all: &[(Relation, ThreadKind, u128)]) -> ThreadCommand {
    let named = all.iter().map(|(relation, kind, id)| (*relation, *kind, Uuid::from_u128(*id)));
    ThreadCommand::Withdraw { links: named.collect() }
}

fn of_grant() -> Vec<ThreadEvent> {
    let grant = end(Grant, 1);
    vec![
        linked(grant, end(Need, 11), Relation::Answers, Some(60)),
        linked(grant, end(Need, 12), Relation::Answers, Some(40)),
    ]
}

fn stories() -> Vec<Story<Thread>> {
    let (grant, offer) = (end(Grant, 1), end(Offer, 2));
    let [one, other] = [end(Need, 11), end(Need, 12)];
    let shared = |need, share| link(need, Relation::Answers, Some(share));
    let taken = |to| ThreadEvent::LinkWithdrawn { from: grant, to, relation: Relation::Answers };
    vec![
        Story {
            given: vec![],
            when: links(grant, vec![shared(one, 60), shared(other, 40)]),
            at: by(1, TODAY),
            then: of_grant(),
        },
        Story {
            given: of_grant(),
            when: links(grant, vec![link(offer, Relation::Funds, None)]),
            at: by(1, TODAY),
            then: vec![linked(grant, offer, Relation::Funds, None)],
        },
        Story {
            given: of_grant(),
            when: withdrawing(&[(Relation::Answers, Need, 11), (Relation::Answers, Need, 12)]),
            at: by(1, TODAY),
            then: vec![taken(one), taken(other)],
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
    let (grant, offer, need) = (end(Grant, 1), end(Offer, 2), end(Need, 11));
    let refused =
        |history: &[ThreadEvent], command| given::<Thread>(history).when(command, &by(1, TODAY)).refused();
    let answers = |share| link(need, Relation::Answers, share);
    let recorded = NewLink { is_on_record: true, ..answers(Some(100)) };
    let funded = [linked(grant, offer, Relation::Funds, None)];
    let one_back = withdrawing(&[(Relation::Answers, Need, 11)]);
    let reached = [
        ("thread.nothing_named", refused(&[], links(grant, vec![]))),
        ("thread.nothing_named", refused(&of_grant(), withdrawing(&[]))),
        ("thread.does_not_fit", refused(&[], links(need, vec![link(grant, Relation::Funds, None)]))),
        (
            "thread.does_not_fit",
            refused(&[], links(end(Prescription, 5), vec![link(offer, Relation::PointsTo, None)])),
        ),
        ("thread.on_record", refused(&[], links(grant, vec![recorded]))),
        ("thread.linked_before", refused(&funded, links(grant, vec![link(offer, Relation::Funds, None)]))),
        ("thread.not_linked", refused(&[], one_back.clone())),
        ("thread.not_linked", refused(&funded, withdrawing(&[(Relation::Funds, Offer, 3)]))),
        ("thread.share_missing", refused(&[], links(grant, vec![answers(None)]))),
        ("thread.share_missing", refused(&[], links(grant, vec![answers(Some(101))]))),
        ("thread.share_missing", refused(&[], links(grant, vec![answers(Some(0))]))),
        ("thread.share_misplaced", refused(&[], links(offer, vec![answers(Some(100))]))),
        ("thread.shares_do_not_add_up", refused(&[], links(grant, vec![answers(Some(99))]))),
        ("thread.shares_do_not_add_up", refused(&of_grant(), one_back)),
        (
            "thread.shares_do_not_add_up",
            refused(&of_grant(), links(grant, vec![link(end(Need, 13), Relation::Answers, Some(10))])),
        ),
    ];
    all_reached(ThreadRefusal::CODES, &reached);
}

/// That nothing goes round in a circle is not checked when a link is made: the kinds of things stand in an order, and
/// every link there can be leads down in it.
#[test]
fn every_link_leads_from_a_later_kind_to_an_earlier_one() {
    for (from, relation, to) in LINKS {
        assert!(from > to, "{} {} {}", from.words(), relation.words(), to.words());
    }
    assert!(STATED.iter().all(|link| LINKS.contains(link)), "what can be stated is a link there can be");
    let mut seen = LINKS.to_vec();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), LINKS.len());
}

#[test]
fn odd_pennies_go_to_the_last_need_and_nothing_is_shared_of_nothing() {
    let needs = [(Uuid::from_u128(1), 33), (Uuid::from_u128(2), 33), (Uuid::from_u128(3), 34)];
    let parts = |sum: &str| -> Vec<String> {
        shared(sum.parse().unwrap(), &needs).iter().map(|(_, part)| part.to_string()).collect()
    };
    assert_eq!(parts("100.01"), ["33.00", "33.00", "34.01"]);
    assert_eq!(parts("0.00"), ["0", "0", "0"]);
}

#[test]
fn what_goes_out_from_each_thing_has_a_stream_of_its_own() {
    let id = Uuid::from_u128(7);
    let streams: std::collections::BTreeSet<Uuid> =
        ThreadKind::ALL.iter().map(|kind| Thread::stream(*kind, id)).collect();
    assert_eq!(streams.len(), ThreadKind::ALL.len());
    assert_eq!(Thread::stream(Grant, id), Thread::stream(Grant, id));
}

proptest! {
    /// However a grant is shared over needs, what the needs get of it comes to the grant, to the penny.
    #[test]
    fn money_is_never_counted_twice(pence in 1_i64..100_000_000, cuts in prop::collection::btree_set(1_u8..100, 0..7)) {
        let ends: Vec<u8> = [0].into_iter().chain(cuts).chain([100]).collect();
        let shares: Vec<(Uuid, u8)> =
            ends.windows(2).zip(0..).map(|(pair, need)| (Uuid::from_u128(need), pair[1] - pair[0])).collect();
        let sum = Decimal::new(pence, 2);
        let parts = shared(sum, &shares);
        prop_assert_eq!(parts.iter().map(|(_, part)| *part).sum::<Decimal>(), sum);
        for ((need, part), (wanted, share)) in parts.iter().zip(&shares).rev().skip(1) {
            let exact = sum * Decimal::from(*share) / Decimal::from(100);
            prop_assert!(need == wanted && *part <= exact && exact - *part < Decimal::new(1, 2));
        }
    }

    /// Whatever is asked in whatever order: the shares of a grant come to all of it, or there are none.
    #[test]
    fn shares_always_come_to_all_or_nothing(asked in prop::collection::vec((0_u8..2, prop::collection::vec((11_u128..15, 1_u8..=100), 1..5)), 1..20)) {
        let grant = end(Grant, 1);
        let mut thread = Thread::default();
        for (what, needs) in asked {
            let command = if what == 0 {
                links(grant, needs.iter().map(|(need, share)| link(end(Need, *need), Relation::Answers, Some(*share))).collect())
            } else {
                withdrawing(&needs.iter().map(|(need, _)| (Relation::Answers, Need, *need)).collect::<Vec<_>>())
            };
            for event in thread.decide(command, &by(1, TODAY)).unwrap_or_default() {
                thread.evolve(&event);
            }
            let shares: u32 = thread.links.values().filter_map(|(_, share)| share.map(u32::from)).sum();
            prop_assert!(shares == 100 || thread.links.is_empty());
        }
    }
}
