//! Rows changed, and everything worked out again from them: as an administrator of the database, with and without the key,
//! against auditors who hold nothing, a checkpoint, or a receipt.

use std::collections::BTreeMap;
use std::fs;

use chrono::Datelike as _;
use sidebyside::store::log::Stored;

use super::forging::{replace, reseal};
use super::log::{Signing, hashed, in_order, some_samples};
use super::{Held, Verifiers};

/// A change of the log at a place; none where it cannot be done there.
pub type Change = fn(Vec<Stored>, usize) -> Option<Vec<Stored>>;

/// One event changed in itself.
fn at(events: Vec<Stored>, place: usize, change: impl Fn(&mut Stored)) -> Option<Vec<Stored>> {
    let before = hashed(events.clone());
    let mut events = events;
    change(&mut events[place]);
    let events = hashed(events);
    (events[place].leaf_hash != before[place].leaf_hash).then_some(events)
}

pub const CHANGES: &[(&str, Change)] = &[
    ("an amount", |log, place| {
        let swap =
            |text: &str| text.replace("\"1234.56\"", "\"9234.56\"").replace("\"1200.50\"", "\"1200.05\"");
        at(log, place, |event| event.payload = swap(&event.payload))
    }),
    ("a year", |log, place| {
        at(log, place, |event| event.payload = event.payload.replace("2026/27", "2025/26"))
    }),
    ("who did it", |log, place| {
        at(log, place, |event| event.metadata = event.metadata.replace("000000000101", "000000000999"))
    }),
    ("in which role", |log, place| {
        at(log, place, |event| event.metadata = event.metadata.replace("finance", "approver"))
    }),
    ("a reason put in", |log, place| {
        at(log, place, |event| {
            event.metadata = event.metadata.replace(",\"role\"", ",\"reason\":\"Minute 7\",\"role\"");
        })
    }),
    ("the business date", |log, place| {
        at(log, place, |event| {
            event.effective_on = event.effective_on.with_year(2025).unwrap();
            event.metadata = event.metadata.replace("\"effective_on\":\"2026", "\"effective_on\":\"2025");
        })
    }),
    ("the command", |log, place| {
        at(log, place, |event| {
            event.metadata = event.metadata.replace("\"command_id\":\"0197", "\"command_id\":\"0198");
        })
    }),
    ("the nonce", |log, place| at(log, place, |event| event.nonce = "f".repeat(32))),
    ("the time", |log, place| {
        at(log, place, |event| event.recorded_at += chrono::TimeDelta::microseconds(1))
    }),
    ("the version", |log, place| {
        let withheld = log[place].stream_type == "person" || log[place].stream_type == "contact";
        withheld.then(|| at(log, place, |event| event.event_version = "9".into()))?
    }),
    ("the stream", |mut log, place| {
        log[place].stream_id = "0197a1c0-5b1e-7d20-9a10-0000000fffff".into();
        Some(in_order(log))
    }),
    ("hidden among what is withheld", |mut log, place| {
        log[place].stream_type = "referral".into();
        Some(in_order(log))
    }),
    ("taken out", |mut log, place| {
        log.remove(place);
        Some(in_order(log))
    }),
    ("put in twice", |mut log, place| {
        log.insert(place, log[place].clone());
        Some(in_order(log))
    }),
    ("changed places", |mut log, place| {
        if place + 1 == log.len() {
            return None;
        }
        log.swap(place, place + 1);
        (log[place].recorded_at, log[place + 1].recorded_at) =
            (log[place + 1].recorded_at, log[place].recorded_at);
        Some(in_order(log))
    }),
    ("the end cut off", |mut log, place| {
        log.truncate(place);
        (place > 0).then_some(log)
    }),
    ("the beginning cut off", |log, place| (place > 0).then(|| in_order(log[place..].to_vec()))),
];

/// What each attacker can do, how often it was tried, and how often it went unseen, by why.
#[derive(Default)]
struct Tally {
    cases: usize,
    escapes: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn count(&mut self, what: &str, verdict: (u8, String), expected: (u8, &'static str)) {
        self.cases += 1;
        assert_eq!(verdict.0, expected.0, "{what}: {}", verdict.1);
        if verdict.0 == 0 {
            *self.escapes.entry(expected.1).or_default() += 1;
        }
    }
}

const NOTHING_HELD: &str = "with the key, and nothing is held";
const AFTER: &str = "with the key, after the checkpoint that is held";
const ELSEWHERE: &str = "with the key, and the event of the receipt is where and what it was";

/// What an auditor should find who holds a checkpoint over the first `size` events of the true log.
fn by_checkpoint(truth: &[Stored], log: &[Stored], size: usize) -> (u8, &'static str) {
    if size > log.len() {
        return (50, "");
    }
    let same = truth[..size].iter().zip(log).all(|(one, other)| one.leaf_hash == other.leaf_hash);
    if same { (0, AFTER) } else { (30, "") }
}

/// What an auditor should find who holds the receipt of an event of the true log.
fn by_receipt(truth: &[Stored], log: &[Stored], index: usize) -> (u8, &'static str) {
    match log.get(index) {
        None => (50, ""),
        Some(event) if event.leaf_hash == truth[index].leaf_hash => (0, ELSEWHERE),
        Some(_) => (30, ""),
    }
}

#[test]
fn no_row_is_changed_unseen_but_by_the_key_beyond_what_is_held() {
    let truth = some_samples();
    let mut verifiers = Verifiers::new(Signing::new());
    let (stranger, mut tally) = (Signing::new(), Tally::default());
    let folder = tempfile::tempdir().unwrap();
    let genuine = verifiers.signing.note(&truth);
    let half = truth.len() / 2;
    let places = [0, 1, 4, half - 1, half, half + 5, truth.len() - 4, truth.len() - 1];
    for ((what, change), place) in CHANGES.iter().flat_map(|one| places.map(|place| (one, place))) {
        let Some(log) = change(truth.clone(), place) else { continue };
        let bundle = folder.path().join("bundle");
        verifiers.signing.bundle(&log, &bundle);
        let name = |who: &str| format!("{what} at {place}, {who}");

        // With the key.
        let receipt = |index: usize| (index as u64, truth[index].leaf_hash[..].try_into().unwrap());
        let with = |size: usize| Held {
            checkpoints: vec![verifiers.signing.note(&truth[..size])],
            ..Held::default()
        };
        let by = |index: usize| Held { receipts: vec![receipt(index)], ..Held::default() };
        let holds = [
            (Held::default(), (0, NOTHING_HELD)),
            (with(half), by_checkpoint(&truth, &log, half)),
            (with(truth.len()), by_checkpoint(&truth, &log, truth.len())),
            (by(place), by_receipt(&truth, &log, place)),
            (by(half), by_receipt(&truth, &log, half)),
        ];
        for (number, (held, expected)) in holds.into_iter().enumerate() {
            tally.count(
                &name(&format!("with the key, held {number}")),
                verifiers.verdict(&bundle, &held),
                expected,
            );
        }

        // Without it: under the true checkpoint, and under one of another key, which the bundle names or does not.
        let forged = stranger.note(&log);
        for (who, note, keys) in [
            ("under the true checkpoint", &genuine, verifiers.signing.public()),
            ("under a stranger's checkpoint", &forged, verifiers.signing.public()),
            ("under a stranger's checkpoint and key", &forged, stranger.public()),
        ] {
            replace(&bundle, "checkpoint.txt", note.as_bytes());
            replace(&bundle, "keys.txt", format!("{keys}\n").as_bytes());
            reseal(&bundle);
            tally.count(&name(who), verifiers.verdict(&bundle, &Held::default()), (40, ""));
        }
        fs::remove_dir_all(&bundle).unwrap();
    }
    println!("{} cases; unseen: {:#?}", tally.cases, tally.escapes);
    assert!(tally.cases > 700, "{}", tally.cases);
    let named: Vec<&str> = tally.escapes.keys().copied().collect();
    assert_eq!(named, [AFTER, NOTHING_HELD, ELSEWHERE], "docs/evidence.md names each of them");
}
