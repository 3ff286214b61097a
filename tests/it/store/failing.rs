//! What happens when something fails under a decision: the caller, a neighbour, the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use sidebyside::domain::fund::{FundCommand, FundEvent};
use sidebyside::domain::record::Fact;
use sidebyside::projections;
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::log::Recorded;
use sidebyside::store::{Inline, Store, Trouble};
use sqlx::{ConnectOptions as _, PgConnection};
use uuid::Uuid;

use super::wire::{Cut, Wire};
use super::{
    again, all_is_well, allocation, another_store, ask, ask_all, envelope, fund, hold_the_log, length,
    number, opening, superuser, until_a_writer_waits,
};
use crate::world::World;

#[tokio::test]
async fn what_was_handed_over_is_committed_without_its_caller() {
    let world = World::new().await;
    let id = Uuid::now_v7();
    let holder = hold_the_log(&world).await;
    let store = world.store.clone();
    let caller = tokio::spawn(async move {
        ask_all(&store, envelope(), vec![(id, opening(1)), (id, allocation(5))]).await
    });
    until_a_writer_waits(&world).await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    drop(holder);
    world.store.close().await;
    let owner = world.owner().await;
    assert_eq!(length(&owner, id).await, 2);
    all_is_well(&world).await;
}

#[tokio::test]
async fn callers_that_go_at_any_moment_leave_all_or_nothing() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for place in 0..60_u32 {
        let (store, id) = (world.store.clone(), Uuid::now_v7());
        ids.push(id);
        let caller = tokio::spawn(async move {
            ask_all(&store, envelope(), vec![(id, opening(place)), (id, allocation(5))]).await
        });
        for _ in 0..place * 2 {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_micros(20)).await;
        }
        caller.abort();
    }
    world.store.close().await;
    let owner = world.owner().await;
    let mut whole = 0;
    for id in ids {
        let events = length(&owner, id).await;
        assert!(matches!(events, 0 | 2), "{events} events of 2");
        whole += events / 2;
    }
    println!("{whole} of 60 were handed over");
    all_is_well(&world).await;
}

/// A projection that cannot take certain events, and remembers the largest number it was given at once.
#[derive(Default)]
struct Fussy(AtomicUsize);

#[async_trait]
impl Inline for Fussy {
    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), Trouble> {
        self.0.fetch_max(events.len(), Ordering::SeqCst);
        for event in events {
            let Fact::Fund(FundEvent::BudgetAllocated { source, .. }) = &event.fact else { continue };
            match source.as_str() {
                "error" => return Err(Trouble::Other("not to my taste".into())),
                "panic" => panic!("not at all to my taste"),
                "sql" => {
                    sqlx::query("SELECT 1 / 0").execute(&mut *connection).await?;
                }
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

pub fn allocation_from(source: &str) -> FundCommand {
    let mut command = allocation(1);
    if let FundCommand::AllocateBudget { source: from, .. } = &mut command {
        *from = serde_json::from_value(json!(source)).unwrap();
    }
    command
}

#[tokio::test]
async fn a_decision_that_fails_takes_nobody_with_it() {
    for (place, kind) in (0..).zip(["error", "panic", "sql", "kill"]) {
        let world = World::new().await;
        let fussy = Arc::new(Fussy::default());
        let pool = app_pool(&world.database.options_as(APP), 12).await.unwrap();
        let store = Store::open(pool, vec![Arc::clone(&fussy) as Arc<dyn Inline>]);
        let mut ids = Vec::new();
        for number in 0..9 {
            ids.push(fund(&store, number, 1).await);
        }
        // One decision waits for the end of the log; the others queue up behind it and become one group.
        let holder = hold_the_log(&world).await;
        let asked = |from: &'static str, id: Uuid| {
            let store = store.clone();
            tokio::spawn(async move { ask(&store, envelope(), id, allocation_from(from)).await })
        };
        let first = asked("fine", ids[0]);
        until_a_writer_waits(&world).await;
        let group: Vec<_> = (1..9)
            .map(|number| asked(if number == 1 + place { kind } else { "fine" }, ids[number]))
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(holder);
        first.await.unwrap().unwrap();
        for (number, told) in (1..).zip(group) {
            let told = told.await.unwrap();
            assert_eq!(told.is_err(), number == 1 + place, "{kind}: {number} was told {told:?}");
        }
        assert!(fussy.0.load(Ordering::SeqCst) >= 8, "they went as one group");
        assert_eq!(store.size().await.unwrap(), 18 + 8);
        // And it goes on.
        ask(&store, envelope(), ids[1 + place], allocation_from("fine")).await.unwrap();
        super::the_log_is_whole(&world.owner().await).await;
    }
}

#[tokio::test]
async fn words_that_postgresql_cannot_read_are_refused_before_they_are_written() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 1).await;
    let told = ask(&world.store, envelope(), id, allocation_from("a\0b")).await;
    assert!(matches!(told, Err(Trouble::NotCanonical(_))), "{told:?}");
    assert_eq!(world.store.size().await.unwrap(), 2);
}

#[tokio::test]
async fn a_row_that_a_projection_does_not_take_fails_its_own_decision() {
    let world = World::new().await;
    let holder = hold_the_log(&world).await;
    let ids: Vec<Uuid> = (0..6).map(|_| Uuid::now_v7()).collect();
    // The second and the fifth have the same reference.
    let told = [1, 2, 3, 4, 2, 5].into_iter().zip(ids.clone()).map(|(number, id)| {
        let store = world.store.clone();
        tokio::spawn(async move { ask(&store, envelope(), id, opening(number)).await })
    });
    let told: Vec<_> = told.collect();
    until_a_writer_waits(&world).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(holder);
    let mut well = Vec::new();
    for told in told {
        well.push(told.await.unwrap().is_ok());
    }
    assert_eq!(well.iter().filter(|well| **well).count(), 5);
    assert!(well[1] != well[4], "{well:?}");
    all_is_well(&world).await;
}

async fn end_session(watcher: &mut PgConnection, pid: i32) {
    let ended: bool = sqlx::query_scalar("SELECT pg_terminate_backend($1, 10000)")
        .bind(pid)
        .fetch_one(watcher)
        .await
        .unwrap();
    assert!(ended);
}

#[tokio::test]
async fn a_writer_whose_session_ends_between_two_decisions_goes_on() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 1).await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    for round in 0..3 {
        let pid: i32 = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT'
             AND state = 'idle'",
        )
        .fetch_one(&mut watcher)
        .await
        .unwrap();
        end_session(&mut watcher, pid).await;
        ask(&world.store, envelope(), id, allocation(1)).await.unwrap();
        assert_eq!(length(world.store.pool(), id).await, 3 + round);
    }
    all_is_well(&world).await;
}

#[tokio::test]
async fn a_writer_whose_session_ends_in_the_middle_of_an_append_begins_again() {
    let world = World::new().await;
    let ids =
        [fund(&world.store, 1, 1).await, fund(&world.store, 2, 1).await, fund(&world.store, 3, 1).await];
    let holder = hold_the_log(&world).await;
    let asked: Vec<_> = ids
        .into_iter()
        .map(|id| {
            let store = world.store.clone();
            tokio::spawn(async move { ask(&store, envelope(), id, allocation(1)).await })
        })
        .collect();
    let pid = until_a_writer_waits(&world).await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    end_session(&mut watcher, pid).await;
    drop(holder);
    for told in asked {
        told.await.unwrap().unwrap();
    }
    assert_eq!(world.store.size().await.unwrap(), 9);
    all_is_well(&world).await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_never_taken_for_failed_nor_done_twice() {
    let world = World::new().await;
    let app = world.database.options_as(APP);
    let wire = Wire::to(&app);
    let store = projections::open_store(app_pool(&wire.options(&app), 8).await.unwrap());
    let id = fund(&store, 1, 1).await;
    let mut expected = 2;
    for (round, cut) in (0..).zip([Cut::Answer, Cut::Question, Cut::Answer, Cut::Answer, Cut::Question]) {
        let command = Uuid::now_v7().into();
        wire.cut(cut);
        let told = ask(&store, again(command), id, allocation(1)).await;
        expected += 1;
        assert_eq!(wire.cuts(), round + 1);
        let receipt = match (cut, told) {
            (Cut::Question, Ok(receipt)) | (Cut::Answer, Err(Trouble::Repeated(receipt))) => receipt,
            (_, other) => panic!("{other:?}"),
        };
        assert_eq!(receipt.index, expected - 1);
        // Sent once more, by whoever was not sure.
        let told = ask(&store, again(command), id, allocation(1)).await;
        assert!(matches!(told, Err(Trouble::Repeated(first)) if first == receipt), "{told:?}");
        assert_eq!(length(store.pool(), id).await, expected);
    }
    all_is_well(&world).await;
}

#[tokio::test]
async fn a_group_whose_commit_was_lost_is_told_what_happened_to_each() {
    for cut in [Cut::Answer, Cut::Question] {
        let world = World::new().await;
        let app = world.database.options_as(APP);
        let wire = Wire::to(&app);
        let store = projections::open_store(app_pool(&wire.options(&app), 8).await.unwrap());
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(fund(&store, number, 1).await);
        }
        let holder = hold_the_log(&world).await;
        let asked = |id: Uuid| {
            let store = store.clone();
            tokio::spawn(async move { ask(&store, envelope(), id, allocation(1)).await })
        };
        let first = asked(ids[0]);
        until_a_writer_waits(&world).await;
        let group: Vec<_> = ids[1..].iter().map(|id| asked(*id)).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(holder);
        first.await.unwrap().unwrap();
        // By then the first has committed or is about to; either way one COMMIT of the rest is still to come.
        wire.cut(cut);
        for told in group {
            let told = told.await.unwrap();
            assert!(matches!(told, Ok(_) | Err(Trouble::Repeated(_))), "{told:?}");
        }
        assert_eq!(store.size().await.unwrap(), 18);
        all_is_well(&world).await;
    }
}

#[tokio::test]
async fn without_a_server_there_is_an_error_and_no_waiting_without_end() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 1).await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    let name = &world.database.name;
    // Nobody may come in, and whoever is in is thrown out: as after a failover, or a full disk.
    let mut outside = superuser(&world).database("postgres").connect().await.unwrap();
    sqlx::raw_sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        .execute(&mut outside)
        .await
        .unwrap();
    let committer: i32 = sqlx::query_scalar(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT'",
    )
    .fetch_one(&mut watcher)
    .await
    .unwrap();
    end_session(&mut watcher, committer).await;
    let told = ask(&world.store, envelope(), id, allocation(1)).await;
    assert!(matches!(told, Err(Trouble::Database(_))), "{told:?}");
    sqlx::raw_sql(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        .execute(&mut outside)
        .await
        .unwrap();
    ask(&world.store, envelope(), id, allocation(1)).await.unwrap();
    assert_eq!(length(world.store.pool(), id).await, 3);
    all_is_well(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_that_end_at_random_lose_nothing_acknowledged() {
    let world = World::new().await;
    let stores = [world.store.clone(), another_store(&world).await];
    let mut watcher = superuser(&world).connect().await.unwrap();
    let writers: Vec<_> = (0..6_usize)
        .map(|place| {
            let store = stores[place % 2].clone();
            tokio::spawn(async move { write_through(store, u32::try_from(place).unwrap()).await })
        })
        .collect();
    let mut ended = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(rand::random_range(5..80))).await;
        ended += sqlx::query_scalar::<_, i64>(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND (query LIKE '%lock_log_head%' OR query LIKE 'INSERT INTO %' OR query = 'COMMIT')",
        )
        .fetch_one(&mut watcher)
        .await
        .unwrap();
    }
    assert!(ended > 0);
    let owner = world.owner().await;
    for writer in writers {
        for command in writer.await.unwrap() {
            let found =
                number(&owner, &format!("SELECT count(*) FROM public.events WHERE command_id = '{command}'"))
                    .await;
            assert_eq!(found, 1, "once and not lost");
        }
    }
    all_is_well(&world).await;
}

/// Thirty commands, each sent until it is acknowledged.
async fn write_through(store: Store, place: u32) -> Vec<Uuid> {
    let id = loop {
        let id = Uuid::now_v7();
        if ask(&store, envelope(), id, opening(place * 1000 + rand::random_range(0..900))).await.is_ok() {
            break id;
        }
    };
    let mut done = Vec::new();
    for _ in 0..30 {
        let command = Uuid::now_v7();
        loop {
            match ask(&store, again(command.into()), id, allocation(1)).await {
                Ok(_) | Err(Trouble::Repeated(_)) => break done.push(command),
                Err(Trouble::Refused(why)) => panic!("{why}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(3)).await,
            }
        }
    }
    done
}
