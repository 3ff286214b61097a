//! Groups that follow one another: the next takes its places while the one before is inserting its events, and inserts
//! its own while that one has yet to commit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sidebyside::domain::fund::{Fund, FundEvent};
use sidebyside::domain::record::Fact;
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::log::Recorded;
use sidebyside::store::{Inline, Store, Trouble};
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, PgPool};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::failing::allocation_from;
use super::{
    Told, all_is_well, allocation, another_store, ask, decide, envelope, fund, number, superuser,
    the_log_is_whole,
};
use crate::world::World;

/// A projection that keeps a group from committing until it is let through, and then may fail it.
struct Gate {
    /// Whether somebody stands before it.
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

#[async_trait]
impl Inline for Gate {
    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), Trouble> {
        for event in events {
            let Fact::Fund(FundEvent::BudgetAllocated { source, .. }) = &event.fact else { continue };
            if !["late", "error", "panic", "kill"].contains(&source.as_str()) {
                continue;
            }
            self.reached.send_replace(true);
            self.open.subscribe().wait_for(|open| *open).await.map(drop).unwrap();
            match source.as_str() {
                "error" => return Err(Trouble::Other("the gate falls down".into())),
                "panic" => panic!("the gate falls on somebody"),
                "kill" => {
                    let me = "SELECT pg_terminate_backend(pg_backend_pid())";
                    sqlx::query(me).execute(&mut *connection).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A store of which one decision stands at the gate, inserted and not committed, and another that came after it.
struct Turn {
    gate: Arc<Gate>,
    store: Store,
    funds: [Uuid; 2],
    leader: JoinHandle<Told>,
}

impl Turn {
    async fn of(world: &World, place: u32, kind: &'static str) -> Self {
        let gate = Arc::new(Gate { reached: watch::Sender::new(false), open: watch::Sender::new(false) });
        let pool = app_pool(&world.database.options_as(APP), 12).await.unwrap();
        let store = Store::open(pool, vec![Arc::clone(&gate) as Arc<dyn Inline>]);
        let funds = [fund(&store, 10 * place, 50).await, fund(&store, 10 * place + 1, 50).await];
        let leader = asked(&store, funds[0], kind);
        gate.reached.subscribe().wait_for(|reached| *reached).await.unwrap();
        Self { gate, store, funds, leader }
    }

    /// Let the first through, as soon as the other one waits for the end of the log. Answers when that was.
    async fn open(&self, watcher: &mut PgConnection) -> DateTime<Utc> {
        let now = until_so_many_wait(watcher, 1).await;
        self.gate.open.send_replace(true);
        now
    }
}

/// Until so many wait for the end of the log. Answers what time it is then.
async fn until_so_many_wait(watcher: &mut PgConnection, wanted: i64) -> DateTime<Utc> {
    let waiting = "wait_event_type = 'Lock'
        AND (query LIKE 'INSERT INTO public.events%' OR query LIKE '%lock_log_head%')";
    until_so_many(watcher, wanted, waiting).await
}

/// Until so many sessions are like that. Answers what time it is then.
async fn until_so_many(watcher: &mut PgConnection, wanted: i64, like_that: &str) -> DateTime<Utc> {
    let sql = format!(
        "SELECT count(*), clock_timestamp() FROM pg_stat_activity
         WHERE datname = current_database() AND {like_that}"
    );
    loop {
        let (so_many, now): (i64, DateTime<Utc>) =
            sqlx::query_as(&sql).fetch_one(&mut *watcher).await.unwrap();
        if so_many == wanted {
            return now;
        }
    }
}

fn asked(store: &Store, id: Uuid, kind: &'static str) -> JoinHandle<Told> {
    let store = store.clone();
    tokio::spawn(async move { ask(&store, envelope(), id, allocation_from(kind)).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_takes_its_places_before_the_one_before_it_has_committed() {
    let world = World::new().await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    // On a machine that stands still for a moment the second gives way and begins again, and shows nothing.
    for place in 1..20 {
        let turn = Turn::of(&world, place, "late").await;
        let second = asked(&turn.store, turn.funds[1], "fine");
        let opened = turn.open(&mut watcher).await;
        let (first, second) = (turn.leader.await.unwrap().unwrap(), second.await.unwrap().unwrap());
        assert_eq!(second.index, first.index + 1);
        if second.recorded_at < opened {
            return the_log_is_whole(&world.owner().await).await;
        }
    }
    panic!("the second has always waited for the first to commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_follows_one_that_fails_takes_its_place() {
    let world = World::new().await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    for (place, kind) in (1..).zip(["error", "panic", "kill"]) {
        let turn = Turn::of(&world, place, kind).await;
        let size = turn.store.size().await.unwrap();
        let second = asked(&turn.store, turn.funds[1], "fine");
        turn.open(&mut watcher).await;
        let (first, second) = (turn.leader.await.unwrap(), second.await.unwrap());
        assert!(first.is_err(), "{first:?}");
        assert_eq!(second.unwrap().index, size, "{kind}");
        // And both go on.
        for id in turn.funds {
            ask(&turn.store, envelope(), id, allocation(1)).await.unwrap();
        }
    }
    the_log_is_whole(&world.owner().await).await;
}

/// One decision has its places and is kept from inserting its events, and another has come after it.
struct Held {
    gatekeeper: PgConnection,
    watcher: PgConnection,
    leader: JoinHandle<Told>,
    second: JoinHandle<Told>,
    /// Where the log ended.
    size: i64,
}

impl Held {
    async fn of(world: &World, funds: [Uuid; 2]) -> Self {
        let mut watcher = superuser(world).connect().await.unwrap();
        let mut gatekeeper = superuser(world).connect().await.unwrap();
        let size = world.store.size().await.unwrap();
        gatekeeper.execute("BEGIN; LOCK TABLE public.events IN SHARE MODE").await.unwrap();
        let leader = asked(&world.store, funds[0], "first");
        until_so_many_wait(&mut watcher, 1).await;
        let second = asked(&world.store, funds[1], "second");
        Self { gatekeeper, watcher, leader, second, size }
    }

    /// Let whoever is kept from it insert.
    async fn open(&mut self) {
        self.gatekeeper.execute("ROLLBACK").await.unwrap();
    }

    async fn until_the_second_has_its_places(&mut self) -> DateTime<Utc> {
        let follows = "state = 'idle in transaction' AND query LIKE '%pg_advisory_xact_lock_shared%'";
        until_so_many(&mut self.watcher, 1, follows).await
    }

    /// What the database does to the one who is kept from inserting.
    async fn strike(&mut self, with: &str) {
        let strike = format!(
            "SELECT {with}(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO public.events%'"
        );
        assert!(sqlx::query_scalar::<_, bool>(&strike).fetch_one(&mut self.watcher).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_takes_its_places_before_the_one_before_it_has_inserted_its_events() {
    let world = World::new().await;
    let funds = [fund(&world.store, 1, 50).await, fund(&world.store, 2, 50).await];
    // Here too the second may give way on a slow machine.
    for _ in 1..20 {
        let mut held = Held::of(&world, funds).await;
        let opened = held.until_the_second_has_its_places().await;
        held.open().await;
        let (first, second) = (held.leader.await.unwrap().unwrap(), held.second.await.unwrap().unwrap());
        assert_eq!(second.index, first.index + 1);
        if second.recorded_at < opened {
            return the_log_is_whole(&world.owner().await).await;
        }
    }
    panic!("the second has always waited for the first to insert");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_follows_one_that_cannot_insert_takes_its_place() {
    let world = World::new().await;
    let funds = [fund(&world.store, 1, 50).await, fund(&world.store, 2, 50).await];
    let mut held = Held::of(&world, funds).await;
    held.until_the_second_has_its_places().await;
    held.strike("pg_cancel_backend").await;
    let Held { mut gatekeeper, leader, second, size, .. } = held;
    assert!(leader.await.unwrap().is_err());
    gatekeeper.execute("ROLLBACK").await.unwrap();
    assert_eq!(second.await.unwrap().unwrap().index, size);
    // Whose session was ended begins again on another: both get in, in whichever order.
    let mut held = Held::of(&world, funds).await;
    held.until_the_second_has_its_places().await;
    held.strike("pg_terminate_backend").await;
    until_so_many_wait(&mut held.watcher, 2).await;
    held.open().await;
    let told = [held.leader.await.unwrap().unwrap().index, held.second.await.unwrap().unwrap().index];
    assert_eq!(BTreeSet::from(told), BTreeSet::from([held.size, held.size + 1]));
    the_log_is_whole(&world.owner().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_moved_by_the_one_before_is_not_relied_on() {
    let world = World::new().await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    for place in 1..4 {
        let turn = Turn::of(&world, place, "late").await;
        let (store, [read, written]) = (turn.store.clone(), turn.funds);
        let second = tokio::spawn(async move {
            decide(&store, envelope(), written, None, |work| {
                Box::pin(async move {
                    let state = work.read::<Fund>(read).await?;
                    let available = state.years()[&super::year()].available();
                    let pounds = available.trunc().normalize().to_string().parse().unwrap();
                    work.execute::<Fund>(written, allocation(pounds)).await
                })
            })
            .await
        });
        turn.open(&mut watcher).await;
        let (first, second) = (turn.leader.await.unwrap().unwrap(), second.await.unwrap().unwrap());
        assert!(second.index > first.index);
        let amount: String = sqlx::query_scalar(
            "SELECT payload -> 'fund.budget_allocated' ->> 'amount' FROM public.events WHERE index = $1",
        )
        .bind(second.index)
        .fetch_one(world.store.pool())
        .await
        .unwrap();
        assert_eq!(amount, "51.00", "with the pound that was on its way when it was first read");
    }
    the_log_is_whole(&world.owner().await).await;
}

/// Sixteen who append to their own funds until they are told that it is enough.
async fn busy(stores: &[Store], enough: &Arc<AtomicBool>) -> Vec<JoinHandle<u32>> {
    let mut writers = Vec::new();
    for place in 0..16_u32 {
        let store = stores[place as usize % stores.len()].clone();
        let (id, enough) = (fund(&store, place, 1).await, Arc::clone(enough));
        writers.push(tokio::spawn(async move {
            let mut done = 0;
            while !enough.load(Ordering::Relaxed) {
                ask(&store, envelope(), id, allocation(1)).await.unwrap();
                done += 1;
            }
            done
        }));
    }
    writers
}

async fn finish(writers: Vec<JoinHandle<u32>>, enough: &AtomicBool) -> u32 {
    enough.store(true, Ordering::Relaxed);
    let mut done = 0;
    for writer in writers {
        done += writer.await.unwrap();
    }
    done
}

async fn now(pool: &PgPool) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn how_long_the_log_was_at_a_time_is_true_for_ever() {
    let world = World::new().await;
    let enough = Arc::default();
    let writers = busy(std::slice::from_ref(&world.store), &enough).await;
    let (store, mut told) = (&world.store, BTreeSet::new());
    while told.len() < 300 {
        let instant = now(store.pool()).await;
        told.insert((instant, store.size_at(instant).await.unwrap().expect("it is not to come")));
    }
    finish(writers, &enough).await;
    for (instant, size) in told {
        let sql = "SELECT count(*) FROM public.events WHERE recorded_at <= $1";
        let now: i64 = sqlx::query_scalar(sql).bind(instant).fetch_one(store.pool()).await.unwrap();
        assert_eq!(now, size, "nothing was added to what was there at {instant}");
    }
    all_is_well(&world).await;
}

async fn append_as_stock(connection: &mut PgConnection, sequence: i64) {
    sqlx::query(
        "INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata) VALUES ('odd', 'a', $1, 'odd.happened', '1', '{}', '{}')",
    )
    .bind(sequence)
    .execute(connection)
    .await
    .unwrap();
}

/// Somebody who got in line before us waits for the places that we took, while we wait for the end of the log. The database
/// would see after a second that neither can go on, and end one of the two.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_took_places_too_early_gives_way() {
    let world = World::new().await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    let turn = Turn::of(&world, 1, "late").await;
    let mut stock = world.database.options_as(APP).connect().await.unwrap();
    let other = tokio::spawn(async move { append_as_stock(&mut stock, 1).await });
    until_so_many_wait(&mut watcher, 1).await;
    let second = asked(&turn.store, turn.funds[1], "fine");
    until_so_many_wait(&mut watcher, 2).await;
    turn.gate.open.send_replace(true);
    other.await.unwrap();
    let (first, second) = (turn.leader.await.unwrap().unwrap(), second.await.unwrap().unwrap());
    assert!(second.index > first.index);
    assert_eq!(turn.store.size().await.unwrap(), 4 + 3);
    the_log_is_whole(&world.owner().await).await;
    // What a session met is counted at the latest when it has ended.
    turn.store.close().await;
    drop(turn.store);
    let appending = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND query IN ('COMMIT', 'ROLLBACK')";
    while sqlx::query_scalar::<_, i64>(appending).fetch_one(&mut watcher).await.unwrap() > 0 {}
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let deadlocks: i64 = sqlx::query_scalar(deadlocks).fetch_one(&mut watcher).await.unwrap();
    assert_eq!(deadlocks, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn others_who_append_meanwhile_are_never_refused_for_it() {
    let world = World::new().await;
    let enough = Arc::default();
    let writers = busy(&[world.store.clone(), another_store(&world).await], &enough).await;
    let mut stock = world.database.options_as(APP).connect().await.unwrap();
    for sequence in 1..=200 {
        append_as_stock(&mut stock, sequence).await;
    }
    let done = finish(writers, &enough).await;
    let owner = world.owner().await;
    assert_eq!(number(&owner, "SELECT count(*) FROM public.events").await, 16 * 2 + 200 + i64::from(done));
    the_log_is_whole(&owner).await;
}
