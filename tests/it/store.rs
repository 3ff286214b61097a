//! The event store on a real PostgreSQL: what it promises, and what happens when it is hindered.

mod building;
mod commands;
mod failing;
mod following;
mod in_turn;
mod killed;
mod loading;
mod order;
mod stock;
mod wire;

use std::str::FromStr as _;

use futures_util::future::BoxFuture;
use sidebyside::domain::Reason;
use sidebyside::domain::calendar::{Date, FinancialYear};
use sidebyside::domain::fund::{Fund, FundCommand, GrantLink, IntendedUse, Opening, RecoveryRule, YearShare};
use sidebyside::domain::identity::{
    Actor, CommandId, GrantId, PartnerId, PersonId, ProgrammeId, Reference, ReferenceKind, Role,
};
use sidebyside::domain::text::Text;
use sidebyside::projections::{self, build};
use sidebyside::store::append::Receipt;
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::embedded::SUPERUSER;
use sidebyside::store::leaf::Leaf;
use sidebyside::store::log::{COLUMNS, Envelope, Stored};
use sidebyside::store::work::Work;
use sidebyside::store::{Store, Trouble};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection, PgPool};
use uuid::Uuid;

use crate::world::World;

type Told = Result<Receipt, Trouble>;

fn envelope() -> Envelope {
    Envelope {
        command: Uuid::now_v7().into(),
        actor: Actor { person: PersonId(Uuid::from_u128(1)), role: Role::Commissioner },
        effective_on: Date::from_ymd_opt(2026, 6, 1).unwrap(),
        today: Date::from_ymd_opt(2026, 6, 2).unwrap(),
        reason: None,
        correlation: None,
        causation: None,
    }
}

/// An envelope for a command that may have been sent before.
fn again(command: CommandId) -> Envelope {
    Envelope { command, ..envelope() }
}

fn with_reason() -> Envelope {
    Envelope { reason: Some(Reason::new("Minute 7").unwrap()), ..envelope() }
}

fn year() -> FinancialYear {
    FinancialYear::beginning(2026).unwrap()
}

fn opening(number: u32) -> FundCommand {
    FundCommand::Open(Opening {
        reference: Reference::new(ReferenceKind::Fund, 2026, number),
        name: Text::new("Harbour fund").unwrap(),
        funder: Text::new("Example council").unwrap(),
        restriction: None,
        spend_from: Date::from_ymd_opt(2026, 4, 1).unwrap(),
        spend_to: Date::from_ymd_opt(2027, 3, 31).unwrap(),
        recovery_rule: RecoveryRule::Recredit,
    })
}

fn allocation(pounds: u32) -> FundCommand {
    let source = Text::new("Minute 1").unwrap();
    FundCommand::AllocateBudget { amount: money(pounds), year: year(), source }
}

fn reduction(pounds: u32) -> FundCommand {
    let source = Text::new("Minute 2").unwrap();
    FundCommand::ReduceBudget { amount: money(pounds), year: year(), source }
}

fn reservation(grant: Uuid, pounds: u32) -> FundCommand {
    let period = (Date::from_ymd_opt(2026, 7, 1).unwrap(), Date::from_ymd_opt(2026, 9, 1).unwrap());
    FundCommand::ReserveCommitment {
        link: GrantLink {
            grant: GrantId(grant),
            programme: ProgrammeId(Uuid::from_u128(2)),
            partner: PartnerId(Uuid::from_u128(3)),
        },
        shares: vec![YearShare { year: year(), amount: money(pounds) }],
        expires_on: period.1,
        intended: IntendedUse { purpose: Text::new("Meals").unwrap(), places: [].into(), period },
    }
}

fn money(pounds: u32) -> sidebyside::domain::money::Money {
    pounds.to_string().parse().unwrap()
}

/// Ask one thing of one fund.
async fn ask(store: &Store, envelope: Envelope, fund: Uuid, command: FundCommand) -> Told {
    ask_all(store, envelope, vec![(fund, command)]).await
}

/// Ask things of several funds as one decision; the first fund is the one the decision is about.
async fn ask_all(store: &Store, envelope: Envelope, asked: Vec<(Uuid, FundCommand)>) -> Told {
    let first = asked[0].0;
    decide(store, envelope, first, None, move |work| {
        let asked = asked.clone();
        Box::pin(async move {
            for (fund, command) in asked {
                work.execute::<Fund>(fund, command).await?;
            }
            Ok(())
        })
    })
    .await
}

async fn decide<P>(store: &Store, envelope: Envelope, first: Uuid, seen: Option<i64>, plan: P) -> Told
where
    P: for<'w> Fn(&'w mut Work) -> BoxFuture<'w, Result<(), Trouble>> + Send + Sync,
{
    store.decide::<Fund, (), Trouble, P>(envelope, first, seen, plan).await.map(|((), receipt)| receipt)
}

/// A fund with so many pounds in its budget.
pub async fn fund(store: &Store, number: u32, pounds: u32) -> Uuid {
    let id = Uuid::now_v7();
    ask_all(store, envelope(), vec![(id, opening(number)), (id, allocation(pounds))]).await.unwrap();
    id
}

/// What another process of ours would have: a store with a pool, a committer and a memory of its own.
async fn another_store(world: &World) -> Store {
    projections::open_store(app_pool(&world.database.options_as(APP), 8).await.unwrap())
}

/// How to connect as the superuser, whatever it is called.
pub fn superuser(world: &World) -> PgConnectOptions {
    let named = std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty());
    let name = named.map(|url| PgConnectOptions::from_str(&url).unwrap().get_username().to_string());
    world.database.options_as(name.as_deref().unwrap_or(SUPERUSER))
}

async fn number(pool: &PgPool, question: &str) -> i64 {
    sqlx::query_scalar(question).fetch_one(pool).await.unwrap_or_else(|why| panic!("{question}: {why}"))
}

/// How many events a stream has.
async fn length(pool: &PgPool, id: Uuid) -> i64 {
    number(pool, &format!("SELECT count(*) FROM public.events WHERE aggregate_id = '{id}'")).await
}

/// Somebody else holds the end of the log, so that appends queue up; it is let go when this is dropped.
async fn hold_the_log(world: &World) -> PgConnection {
    let mut holder = superuser(world).connect().await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT public.lock_log_head()").execute(&mut holder).await.unwrap();
    holder
}

/// Until some writer waits for the end of the log; answers which.
async fn until_a_writer_waits(world: &World) -> i32 {
    // Not the holder: within a transaction the sessions are always those of its first look.
    let mut watcher = superuser(world).connect().await.unwrap();
    loop {
        let waiting: Option<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
             AND query LIKE '%lock_log_head%' AND pid <> pg_backend_pid()",
        )
        .fetch_optional(&mut watcher)
        .await
        .unwrap();
        if let Some(pid) = waiting {
            return pid;
        }
        tokio::task::yield_now().await;
    }
}

/// Everything that must hold of a log and its projections, however they came about.
pub async fn all_is_well(world: &World) {
    let owner = world.owner().await;
    the_log_is_whole(&owner).await;
    assert_eq!(build::compare(&owner, &|_, _| {}).await.unwrap(), [], "what stands is what the log makes");
}

/// Positions, sequences and times are as they must be, and every leaf is the one that Rust and SQL compute.
pub async fn the_log_is_whole(owner: &PgPool) {
    let rows = sqlx::query(&format!(
        "SELECT {COLUMNS}, public.leaf_v1(events) AS sql_leaf FROM public.events ORDER BY index"
    ))
    .fetch_all(owner)
    .await
    .unwrap();
    let mut last: Option<Stored> = None;
    let mut versions = std::collections::HashMap::new();
    for (row, place) in rows.iter().zip(0..) {
        let stored = Stored::from_row(row).unwrap();
        assert_eq!(stored.index, place, "positions are dense");
        assert!(last.is_none_or(|last| last.recorded_at < stored.recorded_at), "time rises at {place}");
        let version = versions.entry((stored.stream_type.clone(), stored.stream_id.clone())).or_insert(0);
        *version += 1;
        assert_eq!(stored.sequence, *version, "sequences are dense at {place}");
        assert_eq!(stored.leaf_hash, leaf_of(&stored), "the leaf at {place} by Rust");
        let by_sql: Vec<u8> = sqlx::Row::get(row, "sql_leaf");
        assert_eq!(stored.leaf_hash, by_sql, "the leaf at {place} by SQL");
        let metadata: serde_json::Value = serde_json::from_str(&stored.metadata).unwrap();
        assert_eq!(metadata["event_id"], stored.event_id.to_string());
        assert_eq!(metadata["effective_on"], stored.effective_on.to_string());
        last = Some(stored);
    }
    let size = number(owner, "SELECT size FROM public.log_head").await;
    assert_eq!(size, i64::try_from(rows.len()).unwrap(), "the head is where the log ends");
    let (head, event) = sqlx::query_as::<_, (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>)>(
        "SELECT last_recorded_at, coalesce((SELECT max(recorded_at) FROM public.events), last_recorded_at)
         FROM public.log_head",
    )
    .fetch_one(owner)
    .await
    .unwrap();
    assert_eq!(head, event);
}

/// The leaf of a stored row, once its bodies are brought into RFC 8785 form, which they must have already.
fn leaf_of(stored: &Stored) -> [u8; 32] {
    let canonical = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        serde_json_canonicalizer::to_string(&value).unwrap()
    };
    let (payload, metadata) = (canonical(&stored.payload), canonical(&stored.metadata));
    assert_eq!((&payload, &metadata), (&stored.payload, &stored.metadata), "stored in RFC 8785 form");
    Leaf {
        stream_type: &stored.stream_type,
        stream_id: &stored.stream_id,
        sequence: stored.sequence,
        event_type: &stored.event_type,
        event_version: &stored.event_version,
        payload: &payload,
        metadata: &metadata,
        index: stored.index,
        recorded_at: stored.recorded_at,
        nonce: &stored.nonce,
    }
    .hash()
}

#[tokio::test]
async fn a_fund_is_opened_and_the_projections_move_in_the_same_moment() {
    let world = World::new().await;
    let id = Uuid::now_v7();
    let receipt =
        ask_all(&world.store, envelope(), vec![(id, opening(1)), (id, allocation(100))]).await.unwrap();
    assert_eq!(receipt.index, 1);
    assert_eq!(number(world.store.pool(), "SELECT count(*) FROM views.ledger_line").await, 1);
    all_is_well(&world).await;
}
