//! Telling a record what happened, straight into its log: what the other areas would have recorded, from the samples of
//! their events with a few values changed. How those areas come to record them is theirs to show.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use serde_json::{Value, json};
use sidebyside::domain::identity::{Actor, CommandId, PersonId, Role};
use sidebyside::domain::record::Fact;
use sidebyside::projections::{self, STANDING};
use sidebyside::store::append::{Committer, Decision, Draft, Part};
use sidebyside::store::leaf::canonical;
use sidebyside::store::log::{Envelope, Recorded, StreamName};
use sidebyside::store::{Inline, Trouble};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::world::World;

/// The projections, kept up as the store does.
struct KeptUp;

#[async_trait]
impl Inline for KeptUp {
    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), Trouble> {
        for projection in projections::all() {
            projection.apply(connection, STANDING, events).await?;
        }
        Ok(())
    }
}

/// Something that happened: on a day, in a stream.
#[derive(Debug, Clone)]
pub struct Happening {
    on: String,
    stream: StreamName,
    fact: Fact,
    payload: String,
}

impl Happening {
    /// What happened.
    pub const fn fact(&self) -> &Fact {
        &self.fact
    }
}

/// The payload of a sample, with its values.
fn sample(file: &str) -> (String, String, Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/events/{file}.json"));
    let whole: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let word = |key: &str| whole[key].as_str().unwrap().to_owned();
    (word("stream"), word("event"), whole["payload"].clone())
}

/// A fact as its sample has it, with some values changed.
pub fn happened(on: &str, id: Uuid, file: &str, changed: Value) -> Happening {
    let (stream, event, mut payload) = sample(file);
    // A reference is given once: that of a sample would be given to all that are told after it.
    if payload[&event]["reference"].is_string() {
        payload[&event]["reference"] = json!(format!("X-2026-{}", id.simple()));
    }
    for (name, value) in changed.as_object().unwrap() {
        payload[&event][name] = value.clone();
    }
    let payload = canonical(&payload).unwrap();
    let fact = Fact::read(&stream, &payload).unwrap_or_else(|problem| panic!("{file}: {problem}"));
    let stream = StreamName { kind: fact.kind().stream, id };
    Happening { on: on.to_owned(), stream, fact, payload }
}

/// Tells a world what happened.
pub struct Teller {
    committer: Committer,
    versions: HashMap<StreamName, i64>,
}

impl Teller {
    pub fn to(world: &World) -> Self {
        let committer = Committer::start(world.store.pool(), vec![Arc::new(KeptUp)]);
        Self { committer, versions: HashMap::new() }
    }

    /// Tell all of it in order: what happened on the same day side by side is one decision for each stream in a row.
    pub async fn tell(&mut self, happenings: &[Happening]) {
        for together in happenings.chunk_by(|one, next| one.on == next.on && one.stream == next.stream) {
            let stream = together[0].stream;
            let version = self.versions.entry(stream).or_default();
            let facts =
                together.iter().map(|one| Draft { fact: one.fact.clone(), payload: one.payload.clone() });
            let part = Part { stream, expected: *version, facts: facts.collect() };
            *version += i64::try_from(together.len()).unwrap();
            let on = together[0].on.parse().unwrap();
            let envelope = Envelope {
                command: CommandId(Uuid::now_v7()),
                actor: Actor { person: PersonId(Uuid::from_u128(0x9001)), role: Role::Advisor },
                effective_on: on,
                today: Utc::now().date_naive(),
                reason: sidebyside::domain::text::Text::new("Told for a test, all invented.").ok(),
                correlation: None,
                causation: None,
            };
            self.committer.append(Decision { envelope, parts: vec![part] }).await.unwrap();
        }
    }
}

/// An id that says what it is of.
pub fn id(what: &str, number: usize) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{what} {number}").as_bytes())
}

/// A talk with a person: who, where they live, which communities, which needs.
pub fn talk(on: &str, number: usize, person: usize, area: Option<&str>, needs: &[&str]) -> Happening {
    let communities = if person.is_multiple_of(3) { json!(["carers", "men"]) } else { json!(["women"]) };
    let profile = json!({ "age_band": null, "area": area, "communities": communities });
    let changed = json!({ "person": id("person", person), "needs": needs, "profile": profile });
    happened(on, id("contact", number), "contact.made.v1", changed)
}

/// A prescription from a talk: for whom, to which offer, under which grant.
pub fn prescription(
    on: &str,
    number: usize,
    (person, contact): (usize, usize),
    (offer, grant): (Uuid, Option<Uuid>),
) -> Happening {
    let changed = json!({
        "person": id("person", person), "contact": id("contact", contact), "offer": offer, "grant": grant,
        "partner": id("partner", 1), "follows": null, "made_on": on, "needs": ["loneliness"]
    });
    happened(on, id("prescription", number), "prescription.made.v1", changed)
}

/// What happens with a prescription after it was made.
pub fn went_on(on: &str, number: usize, what: &str, changed: Value) -> Happening {
    happened(on, id("prescription", number), what, changed)
}

/// How lonely somebody feels, 3 to 9.
pub fn lonely(on: &str, number: usize, moment: &str, score: u8) -> Happening {
    let part = |place: u8| score / 3 + u8::from(place < score % 3);
    let answers: Vec<Value> = ["companionship", "left_out", "isolated"]
        .into_iter()
        .zip(0..)
        .map(|(item, place)| json!({ "item": item, "score": part(place) }))
        .collect();
    let changed = json!({
        "outcome": id(moment, number), "instrument": "ucla3", "instrument_version": 1, "moment": moment,
        "answered_on": on, "answers": answers, "goal": null
    });
    went_on(on, number, "prescription.outcome_recorded.v1", changed)
}
