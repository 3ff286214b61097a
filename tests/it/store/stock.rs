//! Stock postgres-es over the same table, and the leaf of every row, whoever wrote it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cqrs_es::persist::{PersistedEventStore, QueryReplay};
use cqrs_es::{AggregateError, CqrsFramework, EventEnvelope, EventStore as _, Query};
use postgres_es::{PostgresEventRepository, postgres_cqrs};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use sidebyside::domain::fund::{Fund, FundCommand, FundEvent};
use sidebyside::domain::{Circumstances, Event as _};
use sidebyside::projections::build;
use sidebyside::store::Trouble;
use sidebyside::store::cqrs::Stream;
use sidebyside::store::leaf::canonical;
use sidebyside::store::log::{Slice, read};
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::{all_is_well, length};
use super::{
    allocation, another_store, ask, ask_all, envelope, fund, number, opening, reduction, the_log_is_whole,
};
use crate::world::World;

type StockStore = PersistedEventStore<PostgresEventRepository, Stream<Fund>>;

fn circumstances() -> Circumstances {
    let envelope = envelope();
    Circumstances { on: envelope.effective_on, today: envelope.today, actor: envelope.actor, reason: None }
}

fn stock(pool: &PgPool) -> CqrsFramework<Stream<Fund>, StockStore> {
    postgres_cqrs(pool.clone(), Vec::new(), circumstances())
}

fn stock_store(pool: &PgPool) -> StockStore {
    PersistedEventStore::new_event_store(PostgresEventRepository::new(pool.clone()))
}

/// Collects what a replay gives.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<EventEnvelope<Stream<Fund>>>>>);

#[async_trait]
impl Query<Stream<Fund>> for Seen {
    async fn dispatch(&self, _: &str, events: &[EventEnvelope<Stream<Fund>>]) {
        self.0.lock().unwrap().extend_from_slice(events);
    }
}

#[tokio::test]
async fn stock_postgres_es_loads_what_we_wrote() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 100).await;
    let events = stock_store(world.store.pool()).load_events(&id.to_string()).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.payload.0.kind().name).collect();
    assert_eq!(kinds, ["fund.opened", "fund.budget_allocated"]);
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[0].metadata["role"], "commissioner");
}

#[tokio::test]
async fn stock_and_ours_write_one_log_in_turns() {
    let world = World::new().await;
    let pool = world.store.pool();
    let ours = fund(&world.store, 1, 100).await;
    let theirs = Uuid::now_v7();
    let command = Uuid::now_v7();
    stock(pool).execute(&theirs.to_string(), opening(2)).await.unwrap();
    let metadata = HashMap::from([
        ("command_id".to_string(), command.to_string()),
        ("effective_on".to_string(), "2026-05-04".to_string()),
        ("who".to_string(), "Zoë \"the\" \\ \u{1} \u{7f} 🦆\n".to_string()),
    ]);
    stock(pool).execute_with_metadata(&ours.to_string(), allocation(50), metadata).await.unwrap();

    // Our memory of the stream is one event behind: it must come to know.
    ask(&world.store, envelope(), ours, allocation(7)).await.unwrap();
    ask(&world.store, envelope(), theirs, allocation(5)).await.unwrap();
    stock(pool).execute(&ours.to_string(), allocation(1)).await.unwrap();
    let owner = world.owner().await;
    the_log_is_whole(&owner).await;
    assert_eq!((length(pool, ours).await, length(pool, theirs).await), (5, 2));

    let all = read(pool, &Slice { limit: 100, ..Slice::default() }).await.unwrap();
    assert_eq!(all.len(), 7);
    let given = all.iter().find(|event| event.command == Some(command.into())).unwrap();
    assert_eq!((given.index, given.stream.id, given.sequence), (3, ours, 3));
    assert_eq!(given.effective_on.to_string(), "2026-05-04");
    assert_eq!(all[2].stream.id, theirs);

    // The command id that stock wrote counts for us as well.
    let repeated = ask(&world.store, super::again(command.into()), ours, allocation(50)).await;
    assert!(matches!(repeated, Err(Trouble::Repeated(receipt)) if receipt.index == 3), "{repeated:?}");

    // Stock knows nothing of our projections; a rebuild brings them to the log.
    assert!(!build::compare(&owner, &|_, _| {}).await.unwrap().is_empty());
    build::rebuild(&owner, &|_, _| {}).await.unwrap();
    all_is_well(&world).await;
    assert_eq!(number(pool, "SELECT sum(amount)::bigint FROM views.ledger_line").await, 163);
}

#[tokio::test]
async fn stock_is_refused_what_ours_is_refused() {
    let world = World::new().await;
    let pool = world.store.pool();
    let id = fund(&world.store, 1, 100).await;
    let refused = stock(pool).execute(&id.to_string(), opening(1)).await;
    assert!(matches!(refused, Err(AggregateError::UserError(why)) if why.code == "fund.already_open"));

    // Two stock writers that decided on the same version: one conflict, no gap.
    let store = stock_store(pool);
    let (one, other) = (
        store.load_aggregate(&id.to_string()).await.unwrap(),
        store.load_aggregate(&id.to_string()).await.unwrap(),
    );
    let event = || -> FundEvent {
        serde_json::from_value(json!({"fund.budget_allocated":
            {"amount": "1.00", "year": "2026/27", "source": "Minute 3"}}))
        .unwrap()
    };
    let happened = || vec![sidebyside::store::cqrs::Happened(event())];
    store.commit(happened(), one, HashMap::new()).await.unwrap();
    let late = store.commit(happened(), other, HashMap::new()).await;
    assert!(matches!(late, Err(AggregateError::AggregateConflict)));
    ask(&world.store, envelope(), id, allocation(1)).await.unwrap();
    the_log_is_whole(&world.owner().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stock_replay_sees_every_event() {
    let world = World::new().await;
    let other = another_store(&world).await;
    let writers = (0..6).map(|place| {
        let store = if place % 2 == 0 { world.store.clone() } else { other.clone() };
        tokio::spawn(async move {
            let id = fund(&store, place, 10).await;
            for _ in 0..20 {
                ask(&store, envelope(), id, allocation(1)).await.unwrap();
            }
            stock(store.pool()).execute(&id.to_string(), allocation(2)).await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let seen = Seen::default();
    let mut replay = QueryReplay::new(PostgresEventRepository::new(world.store.pool().clone()), seen.clone());
    replay.use_error_handler(Box::new(|error| panic!("{error}")));
    replay.replay_all().await.unwrap();
    let size = usize::try_from(world.store.size().await.unwrap()).unwrap();
    assert_eq!((seen.0.lock().unwrap().len(), size), (138, 138));
    the_log_is_whole(&world.owner().await).await;
}

#[tokio::test]
async fn the_leaf_of_unusual_words_is_the_same_in_rust_and_sql() {
    let world = World::new().await;
    let id = Uuid::now_v7();
    let mut command = opening(1);
    if let FundCommand::Open(opening) = &mut command {
        opening.name =
            super::Text::new("Fônd \"y\" \\ Môr\t– 🌊 x\u{2028}\u{feff}é\ne\u{301} \\u0041 /").unwrap();
    }
    let reason = super::Reason::new("„So“ 'it' \\n was\n\"decided\" \u{10ffff}").unwrap();
    ask_all(
        &world.store,
        super::Envelope { reason: Some(reason), ..envelope() },
        vec![(id, command), (id, allocation(5)), (id, reduction(1))],
    )
    .await
    .unwrap();
    all_is_well(&world).await;
}

/// JSON of every shape the log may hold.
fn chance(random: &mut StdRng, depth: u32) -> Value {
    let text = |random: &mut StdRng| -> String {
        let length = random.random_range(0..6);
        (0..length)
            .map(|_| match random.random_range(0..6) {
                0 => char::from(random.random_range(1_u8..32)),
                1 => *b"\"\\/\x7f' ".map(char::from).get(random.random_range(0_usize..6)).unwrap(),
                2 => char::from_u32(random.random_range(0xa0..0xd7ff)).unwrap(),
                3 => char::from_u32(random.random_range(0xe000..0xffff)).unwrap(),
                _ => char::from(random.random_range(b'A'..=b'z')),
            })
            .collect()
    };
    match random.random_range(0..if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => random.random::<bool>().into(),
        2 => random.random_range(-9_007_199_254_740_991_i64..=9_007_199_254_740_991).into(),
        3 => random.random_range(-10..10).into(),
        4 => format!("{}{}", text(random), if random.random() { "🦆" } else { "" }).into(),
        5 => (0..random.random_range(0..4)).map(|_| chance(random, depth - 1)).collect(),
        _ => {
            let entries = (0..random.random_range(0..5)).map(|_| (text(random), chance(random, depth - 1)));
            Value::Object(entries.collect())
        }
    }
}

#[tokio::test]
async fn a_foreign_row_is_brought_into_canonical_form_and_stamped() {
    let world = World::new().await;
    let pool = world.store.pool();
    let insert =
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                      metadata) VALUES ('odd', $1, 1, 'odd.happened', '1', $2::json, $3::json)";
    let mut random = StdRng::seed_from_u64(7);
    for place in 0..300 {
        let value = json!({"odd.happened": chance(&mut random, 4), "z": 1, "a": [[], {}, [null, [0, -1]]]});
        // Not in canonical form: spaces, and escapes where none are needed.
        let written =
            serde_json::to_string_pretty(&value).unwrap().replace('A', "\\u0041").replace('/', "\\/");
        sqlx::query(insert).bind(format!("o{place}")).bind(&written).bind("{ }").execute(pool).await.unwrap();
        let stored: String = sqlx::query_scalar("SELECT payload::text FROM events WHERE index = $1")
            .bind(place)
            .fetch_one(pool)
            .await
            .unwrap();
        let read: Value = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, serde_json::from_str::<Value>(&written).unwrap());
        assert_eq!(stored, canonical(&read).unwrap());
    }
    for bad in [
        r#"{"a": 1.5}"#,
        r#"{"a": 1e3}"#,
        r#"{"a": 9007199254740992}"#,
        r#"{"a": -0}"#,
        r#"{"a": 1, "a": 2}"#,
        r#"{"a": {"b": 1, "\u0062": 2}}"#,
        r#"{"a": "\u0000"}"#,
        r#"{"a": "\ud800"}"#,
        r#"{"🦆": 1}"#,
    ] {
        let refused = sqlx::query(insert).bind("bad").bind(bad).bind("{}").execute(pool).await;
        assert!(refused.is_err(), "{bad}");
    }
    for bad in
        [r#"{"event_id": "x"}"#, r#"{"effective_on": "tomorrow-ish"}"#, r#"["a"]"#, r#"{"command_id": "1"}"#]
    {
        let refused = sqlx::query(insert).bind("bad").bind("{}").bind(bad).execute(pool).await;
        assert!(refused.is_err(), "{bad}");
    }
    the_log_is_whole(&world.owner().await).await;
    assert_eq!(world.store.size().await.unwrap(), 300);
}

#[tokio::test]
async fn what_a_client_calls_a_date_does_not_change_the_leaf() {
    let world = World::new().await;
    let mut odd = world.store.pool().acquire().await.unwrap();
    sqlx::raw_sql(
        "SET datestyle = 'German, DMY'; SET timezone = 'Pacific/Auckland'; SET bytea_output = 'escape'",
    )
    .execute(&mut *odd)
    .await
    .unwrap();
    sqlx::raw_sql(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         VALUES ('odd', 'a', 1, 'odd.happened', '1', '{}', '{}'),
                ('odd', 'a', 2, 'odd.happened', '1', '{}', '{\"effective_on\": \"2026-02-03\"}')",
    )
    .execute(&mut *odd)
    .await
    .unwrap();
    let wrong: i64 = sqlx::query("SELECT count(*) FROM events WHERE public.leaf_v1(events) <> leaf_hash")
        .fetch_one(&mut *odd)
        .await
        .unwrap()
        .get(0);
    assert_eq!(wrong, 0);
    drop(odd);
    the_log_is_whole(&world.owner().await).await;
}
