//! One order for all writers: dense positions, rising time, decisions whole or not at all.

use sidebyside::domain::fund::Fund;
use sidebyside::store::{Store, Trouble};
use sqlx::Row as _;
use uuid::Uuid;

use super::{
    all_is_well, allocation, another_store, ask, ask_all, decide, envelope, fund, length, number, opening,
    reduction, reservation, with_reason,
};
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_leave_one_order_that_a_follower_sees_whole() {
    let world = World::new().await;
    let other = another_store(&world).await;
    let shared = fund(&world.store, 1, 1).await;
    let follower = tokio::spawn(follow(world.store.clone(), 2 + 16 * 21));
    let writers: Vec<_> = (0..16_u32)
        .map(|place| {
            let store = if place % 2 == 0 { world.store.clone() } else { other.clone() };
            tokio::spawn(write(store, place, shared))
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(follower.await.unwrap(), (0..2 + 16 * 21).collect::<Vec<i64>>());
    let pool = world.store.pool();
    assert_eq!(number(pool, "SELECT max(index) + 1 FROM public.events").await, 2 + 16 * 21);
    assert_eq!(length(pool, shared).await, 2 + 16 * 4);
    all_is_well(&world).await;
}

/// 21 events: 17 on a stream of one's own, 4 on one that everybody writes to; and refusals in between.
async fn write(store: Store, place: u32, shared: Uuid) {
    let own = fund(&store, 100 + place, 50).await;
    for turn in 0..15 {
        ask(&store, envelope(), own, allocation(1)).await.unwrap();
        if turn % 4 == 0 {
            let refused = ask(&store, envelope(), own, opening(1)).await;
            assert!(matches!(refused, Err(Trouble::Refused(why)) if why.code == "fund.already_open"));
            ask(&store, envelope(), shared, allocation(1)).await.unwrap();
        }
    }
}

/// Read the log from its beginning as it grows, until it is so long.
async fn follow(store: Store, until: i64) -> Vec<i64> {
    let mut seen: Vec<i64> = Vec::new();
    while i64::try_from(seen.len()).unwrap() < until {
        let rows = sqlx::query("SELECT index FROM public.events WHERE index > $1 ORDER BY index")
            .bind(seen.last().copied().unwrap_or(-1))
            .fetch_all(store.pool())
            .await
            .unwrap();
        seen.extend(rows.iter().map(|row| row.get::<i64, _>(0)));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transfers_between_funds_are_whole_and_lose_nothing() {
    let world = World::new().await;
    let stores = [world.store.clone(), another_store(&world).await];
    let mut funds = Vec::new();
    for place in 0..3 {
        funds.push(fund(&world.store, place, 1000).await);
    }
    let movers: Vec<_> = (0..6_usize)
        .map(|place| {
            let (store, from, to) = (stores[place % 2].clone(), funds[place % 3], funds[(place + 1) % 3]);
            tokio::spawn(async move {
                for _ in 0..12 {
                    ask_all(&store, with_reason(), vec![(from, reduction(10)), (to, allocation(10))])
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for mover in movers {
        mover.await.unwrap();
    }
    let pool = world.store.pool();
    let halves = "SELECT count(*) FROM (SELECT command_id FROM public.events GROUP BY 1
                  HAVING count(*) <> 2 OR max(index) - min(index) <> 1) AS torn";
    assert_eq!(number(pool, halves).await, 0, "the events of a decision stand side by side");
    let sum = "SELECT sum(CASE movement WHEN 'reduce' THEN -amount ELSE amount END)::bigint
               FROM views.ledger_line";
    assert_eq!(number(pool, sum).await, 3000);
    all_is_well(&world).await;
}

#[tokio::test]
async fn a_decision_of_several_streams_is_refused_as_a_whole() {
    let world = World::new().await;
    let (rich, poor) = (fund(&world.store, 1, 100).await, fund(&world.store, 2, 5).await);
    let refused =
        ask_all(&world.store, with_reason(), vec![(rich, allocation(10)), (poor, reduction(10))]).await;
    assert!(matches!(refused, Err(Trouble::Refused(why)) if why.code == "fund.exceeds_available"));
    assert_eq!(world.store.size().await.unwrap(), 4);
    // What was staged and refused is not in memory either: 100 are there, not 110.
    let refused = ask(&world.store, with_reason(), rich, reduction(101)).await;
    assert!(matches!(refused, Err(Trouble::Refused(_))));
    ask(&world.store, with_reason(), rich, reduction(100)).await.unwrap();
    all_is_well(&world).await;
}

#[tokio::test]
async fn what_a_decision_only_read_must_not_have_moved() {
    let world = World::new().await;
    let other = another_store(&world).await;
    let (read, written) = (fund(&world.store, 1, 100).await, fund(&world.store, 2, 1).await);
    // Both stores know the streams.
    ask(&other, envelope(), written, allocation(1)).await.unwrap();
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&runs);
    let receipt = decide(&world.store, envelope(), written, None, |work| {
        let (other, runs) = (other.clone(), counted.clone());
        Box::pin(async move {
            let state = work.read::<Fund>(read).await?;
            let available = state.years()[&super::year()].available();
            // The first two times somebody else moves what was read, before this commits.
            if runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 {
                ask(&other, with_reason(), read, reduction(10)).await?;
            }
            let pounds = available.trunc().normalize().to_string().parse().unwrap();
            work.execute::<Fund>(written, allocation(pounds)).await
        })
    })
    .await
    .unwrap();
    assert!(runs.load(std::sync::atomic::Ordering::Relaxed) >= 3);
    let amount: String = sqlx::query_scalar(
        "SELECT payload -> 'fund.budget_allocated' ->> 'amount' FROM public.events WHERE index = $1",
    )
    .bind(receipt.index)
    .fetch_one(world.store.pool())
    .await
    .unwrap();
    assert_eq!(amount, "80.00", "it rests on what was true when it was recorded");
    all_is_well(&world).await;
}

/// Others in another process are faster each time, for as long as they are let: at last the end of the log is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_always_overtaken_is_not_so_for_ever() {
    let world = World::new().await;
    let other = another_store(&world).await;
    let busy = fund(&world.store, 1, 100).await;
    let runs = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&runs);
    decide(&world.store, envelope(), busy, None, |work| {
        let (other, runs) = (other.clone(), counted.clone());
        Box::pin(async move {
            work.read::<Fund>(busy).await?;
            runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let faster = tokio::spawn(async move { ask(&other, envelope(), busy, allocation(1)).await });
            // While the end of the log is held nobody is faster: the other one waits, and comes after.
            let _late = tokio::time::timeout(std::time::Duration::from_secs(2), faster).await;
            work.execute::<Fund>(busy, allocation(7)).await
        })
    })
    .await
    .unwrap();
    let runs = i64::from(runs.load(std::sync::atomic::Ordering::Relaxed));
    let all_are_there = async || while length(world.store.pool(), busy).await < 2 + runs + 1 {};
    tokio::time::timeout(std::time::Duration::from_mins(1), all_are_there()).await.unwrap();
    let own = "SELECT sequence FROM public.events
               WHERE payload -> 'fund.budget_allocated' ->> 'amount' = '7.00'";
    assert_eq!(number(world.store.pool(), own).await, 2 + runs, "all but the last were faster");
    all_is_well(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_decisions_that_read_what_the_other_writes_do_not_both_stand() {
    let world = World::new().await;
    let stores = [world.store.clone(), another_store(&world).await];
    for round in 0..15 {
        let (a, b) =
            (fund(&world.store, 10 + 2 * round, 10).await, fund(&world.store, 11 + 2 * round, 10).await);
        // Each may give up its ten pounds only while the other has its own.
        let give_up = |store: Store, own: Uuid, others: Uuid| async move {
            decide(&store, with_reason(), own, None, move |work| {
                Box::pin(async move {
                    let state = work.read::<Fund>(others).await?;
                    if state.years()[&super::year()].available() < super::money(10).pounds() {
                        return Err(Trouble::Other("the other gave up first".into()));
                    }
                    work.execute::<Fund>(own, reduction(10)).await
                })
            })
            .await
        };
        let (one, two) = tokio::join!(
            tokio::spawn(give_up(stores[0].clone(), a, b)),
            tokio::spawn(give_up(stores[usize::from(round % 3 > 0)].clone(), b, a))
        );
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    }
    all_is_well(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_pounds_of_a_fund_are_given_once() {
    let world = World::new().await;
    let stores = [world.store.clone(), another_store(&world).await];
    let id = fund(&world.store, 1, 100).await;
    let askers: Vec<_> = (0..16_usize)
        .map(|place| {
            let store = stores[place % 2].clone();
            tokio::spawn(async move {
                let mut given = 0;
                for _ in 0..4 {
                    match ask(&store, envelope(), id, reservation(Uuid::now_v7(), 3)).await {
                        Ok(_) => given += 1,
                        Err(Trouble::Refused(why)) => assert_eq!(why.code, "fund.exceeds_available"),
                        Err(other) => panic!("{other}"),
                    }
                }
                given
            })
        })
        .collect();
    let mut given = 0;
    for asker in askers {
        given += asker.await.unwrap();
    }
    assert_eq!(given, 33);
    let reserved = "SELECT sum(amount)::bigint FROM views.ledger_line WHERE movement = 'reserve'";
    assert_eq!(number(world.store.pool(), reserved).await, 99);
    all_is_well(&world).await;
}
