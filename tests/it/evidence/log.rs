//! A log made of the samples of events, sealed with a key that attackers may have as well.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sidebyside::exports::evidence::Writer;
use sidebyside::store::leaf::{Leaf, canonical};
use sidebyside::store::log::Stored;
use sidebyside::store::seal::{Checkpoint, PublicKey, SealKey, Tree};
use signed_note::StandardSigner;
use uuid::Uuid;

pub const ORIGIN: &str = "example.invalid/log";

/// A key as its holder has it: nothing keeps them from signing what they like.
pub struct Signing {
    origin: String,
    signer: StandardSigner,
    public: PublicKey,
}

impl Signing {
    pub fn new() -> Self {
        Self::named(ORIGIN)
    }

    /// For a log of another name.
    pub fn named(origin: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seal.key");
        let public = SealKey::make_file(&file, origin).unwrap().public().clone();
        let signer = StandardSigner::new(fs::read_to_string(file).unwrap().trim()).unwrap();
        Self { origin: origin.into(), signer, public }
    }

    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    /// The checkpoint over these events.
    pub fn note(&self, events: &[Stored]) -> String {
        let leaves: Vec<[u8; 32]> =
            events.iter().map(|event| event.leaf_hash[..].try_into().unwrap()).collect();
        self.note_over(&leaves)
    }

    /// The checkpoint over these leaves.
    pub fn note_over(&self, leaves: &[[u8; 32]]) -> String {
        let mut tree = Tree::default();
        for leaf in leaves {
            tree.push(*leaf).unwrap();
        }
        let root = tree.root(tree.size()).unwrap();
        Checkpoint { origin: self.origin.clone(), size: tree.size(), root }.sign(&self.signer).unwrap()
    }

    /// The bundle of these events.
    pub fn bundle(&self, events: &[Stored], folder: &Path) {
        let mut writer = Writer::begin(folder).unwrap();
        for event in events {
            writer.take(event).unwrap_or_else(|why| panic!("{why}"));
        }
        writer.finish(&self.note(events), &[], &[], &self.public).unwrap();
    }
}

/// Who recorded an event of this name.
pub fn actor(name: &str) -> String {
    // Those with a vowel at the same place are the same person, so that some did two things.
    let person = name.bytes().map(u128::from).sum::<u128>() % 3;
    Uuid::from_u128(0x0197_a1c0_5b1e_7d20_9a10_0000_0000_0100 + person).to_string()
}

/// Leaves worked out anew.
pub fn hashed(mut events: Vec<Stored>) -> Vec<Stored> {
    for event in &mut events {
        event.leaf_hash = leaf(event).to_vec();
    }
    events
}

fn leaf(event: &Stored) -> [u8; 32] {
    Leaf {
        stream_type: &event.stream_type,
        stream_id: &event.stream_id,
        sequence: event.sequence,
        event_type: &event.event_type,
        event_version: &event.event_version,
        payload: &event.payload,
        metadata: &event.metadata,
        index: event.index,
        recorded_at: event.recorded_at,
        nonce: &event.nonce,
    }
    .hash()
}

/// Places in log and streams given anew, and times that rise.
pub fn in_order(mut events: Vec<Stored>) -> Vec<Stored> {
    let mut sequences: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut last = DateTime::<Utc>::UNIX_EPOCH;
    for (index, event) in (0..).zip(&mut events) {
        let place = sequences.entry((event.stream_type.clone(), event.stream_id.clone())).or_default();
        *place += 1;
        (event.index, event.sequence) = (index, *place);
        event.recorded_at = event.recorded_at.max(last + TimeDelta::microseconds(1));
        last = event.recorded_at;
    }
    hashed(events)
}

/// The samples of these events, as a log.
fn samples(wanted: impl Fn(&str) -> bool) -> Vec<Stored> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/events");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    // What a payment rests on comes before it.
    files.sort_by_key(|file| (!file.display().to_string().contains("/grant."), file.clone()));
    let mut events = Vec::new();
    for file in files {
        let sample: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let name = sample["event"].as_str().unwrap();
        if !wanted(file.file_name().unwrap().to_str().unwrap()) {
            continue;
        }
        let index = i64::try_from(events.len()).unwrap();
        let stream = sample["stream"].as_str().unwrap();
        // A stream for each type; that of the grant is the one that the links of the funds name.
        let id = match stream {
            "grant" => "0197a1c0-5b1e-7d20-9a10-00000000c001".to_owned(),
            other => Uuid::new_v5(&Uuid::NAMESPACE_URL, other.as_bytes()).to_string(),
        };
        let event_id = Uuid::from_u128(0x0197_a1c0_5b1e_7d20_9a10_0000_0001_0000 + events.len() as u128);
        let command = Uuid::from_u128(0x0197_a1c0_5b1e_7d20_9a10_0000_0002_0000 + events.len() as u128 / 3);
        // Nine hours and a bit apart: nights, Sundays, and the spring change of the clocks.
        let at: DateTime<Utc> = "2026-03-26T09:07:00.000123Z".parse().unwrap();
        let recorded_at = at + TimeDelta::minutes(551 * index);
        let effective_on = recorded_at.date_naive();
        let metadata = json!({
            "actor": actor(name), "command_id": command.to_string(), "effective_on": effective_on.to_string(),
            "event_id": event_id.to_string(), "role": "finance",
        });
        events.push(Stored {
            stream_type: stream.into(),
            stream_id: id,
            sequence: 1,
            event_type: name.into(),
            event_version: sample["version"].to_string(),
            payload: canonical(&sample["payload"]).unwrap(),
            metadata: canonical(&metadata).unwrap(),
            index,
            event_id,
            recorded_at,
            effective_on,
            nonce: format!("{index:032x}"),
            leaf_hash: Vec::new(),
            command_id: Some(command),
        });
    }
    in_order(events)
}

/// Every sample there is.
pub fn every_sample() -> Vec<Stored> {
    samples(|_| true)
}

/// Enough to have every rule, disclosed and withheld events, and one who was forgotten.
pub fn some_samples() -> Vec<Stored> {
    let beside = [
        "grant.approved.v2.json",
        "grant.instalment_authorised.v1.json",
        "grant.recommended.v2.json",
        "offer.confirmed.v1.json",
        "partner.approved.v1.json",
        "payment_run.approved.v1.json",
        "person.details_kept.v1.json",
        "person.erased.v1.json",
        "person.erasure_confirmed.v1.json",
        "contact.made.v1.json",
        "consultation.held.v1.json",
    ];
    samples(|file| file.starts_with("fund.") || beside.contains(&file))
}
