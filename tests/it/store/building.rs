//! Projections built anew: beside what stands, while others write and read, and compared with what stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sidebyside::projections::build::{Difference, compare, rebuild};
use sidebyside::projections::funds::FundRecord;
use sidebyside::projections::{install, one};
use sidebyside::store::Store;
use sidebyside::store::copy::{Rows, lean, recorded};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use uuid::Uuid;

use super::{all_is_well, allocation, another_store, ask, envelope, fund, number};
use crate::world::World;

async fn differences(owner: &PgPool) -> Vec<Difference> {
    compare(owner, &|_, _| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rebuild_under_writers_and_readers_is_not_noticed() {
    let world = World::new().await;
    let stores = [world.store.clone(), another_store(&world).await];
    let shared = fund(&world.store, 1, 1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..6_u32)
        .map(|place| {
            let (store, stop) = (stores[place as usize % 2].clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut own = fund(&store, 100 + place, 1).await;
                let mut events = 2;
                while !stop.load(Ordering::Relaxed) {
                    let id = if events % 3 == 0 { shared } else { own };
                    ask(&store, envelope(), id, allocation(1)).await.unwrap();
                    events += 1;
                    if events % 11 == 0 {
                        own = fund(&store, 1000 * (place + 1) + events, 1).await;
                        events += 2;
                    }
                }
                events
            })
        })
        .collect();
    let readers: Vec<_> =
        (0..4).map(|_| tokio::spawn(read(world.store.clone(), shared, Arc::clone(&stop)))).collect();
    let owner = world.owner().await;
    for round in 0..4 {
        let size = rebuild(&owner, &|_, _| {}).await.unwrap();
        assert!(size > 0);
        if round == 2 {
            assert_eq!(differences(&owner).await, []);
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut events = 2;
    for writer in writers {
        events += i64::from(writer.await.unwrap());
    }
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert_eq!(world.store.size().await.unwrap(), events);
    all_is_well(&world).await;
}

/// Look again and again: what was there once is never gone.
async fn read(store: Store, shared: Uuid, stop: Arc<AtomicBool>) -> i64 {
    let mut lines = 0;
    while !stop.load(Ordering::Relaxed) {
        let now = number(store.pool(), "SELECT count(*) FROM views.ledger_line").await;
        assert!(now >= lines, "{now} lines after {lines}");
        lines = now;
        let record = one::<FundRecord>(store.pool(), shared).await.unwrap();
        assert!(record.is_some_and(|record| record.name == "Harbour fund"));
        let standing = number(
            store.pool(),
            "SELECT count(*) FROM views.standing JOIN views.fund ON true JOIN views.ledger_line ON fund = id",
        )
        .await;
        assert!(standing > 0);
    }
    lines
}

#[tokio::test]
async fn a_rebuild_does_not_keep_writers_waiting_for_a_slow_reader() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 1).await;
    let owner = world.owner().await;
    let mut slow = world.store.pool().begin().await.unwrap();
    sqlx::raw_sql("SELECT count(*) FROM views.fund").execute(&mut *slow).await.unwrap();
    let building = tokio::spawn({
        let owner = owner.clone();
        async move { rebuild(&owner, &|_, _| {}).await }
    });
    // Until the rebuild has come to the swap and found the reader in its way.
    let in_the_way = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'";
    while number(&owner, in_the_way).await == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..5 {
        ask(&world.store, envelope(), id, allocation(1)).await.unwrap();
    }
    assert!(!building.is_finished());
    // The reader sees one state to its end, also of a table it had not looked at.
    let lines: i64 =
        sqlx::query_scalar("SELECT count(*) FROM views.ledger_line").fetch_one(&mut *slow).await.unwrap();
    assert_eq!(lines, 6);
    slow.commit().await.unwrap();
    building.await.unwrap().unwrap();
    all_is_well(&world).await;
}

#[tokio::test]
async fn what_was_changed_or_taken_out_of_a_projection_is_found() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 100).await;
    fund(&world.store, 2, 50).await;
    let owner = world.owner().await;
    let found = |table, standing_only, log_only| vec![Difference { table, standing_only, log_only }];
    for (statement, expected) in [
        ("UPDATE views.ledger_line SET amount = amount + 0.01 WHERE amount = 50", found("ledger_line", 1, 1)),
        ("DELETE FROM views.ledger_line WHERE amount = 50", found("ledger_line", 0, 1)),
        (
            "INSERT INTO views.ledger_line SELECT index, 9, fund, programme, partner, grant_id, instalment, year,
             corrects, movement, amount, effective_on, recorded_at FROM views.ledger_line LIMIT 1",
            found("ledger_line", 1, 0),
        ),
        (
            "UPDATE views.ledger_line SET recorded_at = recorded_at + interval '1 microsecond' WHERE amount = 100",
            found("ledger_line", 1, 1),
        ),
        (
            "UPDATE views.fund SET doc = jsonb_set(doc, '{name}', '\"Harbor fund\"') WHERE reference = 'F-2026-0001'",
            found("fund", 1, 1),
        ),
        ("DELETE FROM views.fund WHERE reference = 'F-2026-0001'", found("fund", 0, 1)),
    ] {
        owner.execute(statement).await.unwrap();
        assert_eq!(differences(&owner).await, expected, "{statement}");
        assert_eq!(differences(&owner).await, expected, "comparing changes nothing");
        assert!(rebuild(&owner, &|_, _| {}).await.unwrap() == 4);
        assert_eq!(differences(&owner).await, []);
    }
    ask(&world.store, envelope(), id, allocation(1)).await.unwrap();
    all_is_well(&world).await;
}

async fn built_at(owner: &PgPool) -> i64 {
    number(owner, "SELECT 'views'::regnamespace::oid::bigint").await
}

#[tokio::test]
async fn projections_are_built_when_they_do_not_stand_in_this_version() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 100).await;
    let owner = world.owner().await;
    let mut before = built_at(&owner).await;
    install(&owner).await.unwrap();
    assert_eq!(built_at(&owner).await, before, "what stands is left alone");
    for statement in [
        "UPDATE views.standing SET version = version - 1 WHERE name = 'fund'",
        "UPDATE views.standing SET version = version + 1 WHERE name = 'fund'",
        "DELETE FROM views.standing WHERE name = 'partner'",
        "CREATE TABLE views.former (a int); INSERT INTO views.standing VALUES ('former', 1)",
        "DROP TABLE views.ledger_line",
        "DROP TABLE views.standing",
        "DROP SCHEMA views CASCADE",
        "CREATE SCHEMA views_next; CREATE TABLE views_next.fund (left_by text);
         CREATE SCHEMA views_check; CREATE TABLE views_check.fund (left_by text); DROP TABLE views.standing",
    ] {
        sqlx::raw_sql(statement).execute(&owner).await.unwrap();
        install(&owner).await.unwrap();
        let after = built_at(&owner).await;
        assert_ne!(after, before, "{statement}");
        before = after;
        assert_eq!(differences(&owner).await, [], "{statement}");
        ask(&world.store, envelope(), id, allocation(1)).await.unwrap();
    }
    all_is_well(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_build_once() {
    let world = World::new().await;
    for number in 0..20 {
        fund(&world.store, number, 1).await;
    }
    let owner = world.owner().await;
    for _ in 0..3 {
        sqlx::raw_sql("UPDATE views.standing SET version = 0").execute(&owner).await.unwrap();
        let starts = (0..3).map(|_| {
            let owner = owner.clone();
            tokio::spawn(async move { install(&owner).await })
        });
        let checks = (0..2).map(|_| {
            let owner = owner.clone();
            tokio::spawn(async move { compare(&owner, &|_, _| {}).await })
        });
        let (starts, checks): (Vec<_>, Vec<_>) = (starts.collect(), checks.collect());
        for start in starts {
            start.await.unwrap().unwrap();
        }
        for check in checks {
            assert_eq!(check.await.unwrap().unwrap(), []);
        }
    }
    all_is_well(&world).await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_leaves_standing_what_stands() {
    let world = World::new().await;
    fund(&world.store, 1, 100).await;
    let owner = world.owner().await;
    let before = built_at(&owner).await;
    world
        .store
        .pool()
        .execute(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
             VALUES ('fund', 'f', 1, 'fund.vanished', '1', '{}', '{}')",
        )
        .await
        .unwrap();
    for _ in 0..3 {
        let told = rebuild(&owner, &|_, _| {}).await.unwrap_err();
        assert!(told.to_string().contains("fund.vanished"), "{told}");
        let told = compare(&owner, &|_, _| {}).await.unwrap_err();
        assert!(told.to_string().contains("fund.vanished"), "{told}");
    }
    assert_eq!(built_at(&owner).await, before);
    fund(&world.store, 2, 100).await;
    assert_eq!(number(&owner, "SELECT count(*) FROM views.fund").await, 2);
}

#[tokio::test]
async fn a_copy_of_the_log_leaves_its_connection_fit_for_use() {
    let world = World::new().await;
    for number in 0..40 {
        fund(&world.store, number, 1).await;
    }
    let mut connection = PgConnection::connect_with(&world.owner().await.connect_options()).await.unwrap();
    for (from, before) in [(0, 80), (3, 4), (7, 7), (79, 200)] {
        let mut rows = Rows::of(&mut connection, &lean(from, before)).await.unwrap();
        let mut at = from;
        while let Some(row) = rows.next().await.unwrap() {
            assert_eq!(recorded(&row).unwrap().index, at);
            at += 1;
        }
        drop(rows);
        assert_eq!(at, before.min(80));
        let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&mut connection).await.unwrap();
        assert_eq!(one, 1);
    }
}
