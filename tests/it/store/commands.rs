//! A command has its effect once, and only on what its sender saw.

use sidebyside::domain::fund::{Fund, FundCommand};
use sidebyside::store::append::Receipt;
use sidebyside::store::{Store, Trouble};
use uuid::Uuid;

use super::{
    Told, again, all_is_well, allocation, another_store, ask, ask_all, decide, envelope, fund, length,
    opening, reduction, with_reason,
};
use crate::world::World;

fn repeated(told: Told) -> Receipt {
    match told {
        Err(Trouble::Repeated(receipt)) => receipt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_command_sent_again_gets_its_first_receipt() {
    let world = World::new().await;
    let (store, other) = (&world.store, another_store(&world).await);
    let (id, command) = (Uuid::now_v7(), Uuid::now_v7().into());
    let create = vec![(id, opening(1)), (id, allocation(5))];
    let first = ask_all(store, again(command), create.clone()).await.unwrap();
    assert_eq!(repeated(ask_all(store, again(command), create.clone()).await), first);
    assert_eq!(repeated(ask_all(&other, again(command), create).await), first);

    // The other store has the stream in memory; then its memory is behind.
    let command = Uuid::now_v7().into();
    let first = ask(store, again(command), id, allocation(5)).await.unwrap();
    for store in [&other, store] {
        assert_eq!(repeated(ask(store, again(command), id, allocation(5)).await), first);
    }
    // Also when what it asks would be refused by now.
    let command = Uuid::now_v7().into();
    let all = super::Envelope { command, ..with_reason() };
    let first = ask(store, all.clone(), id, reduction(10)).await.unwrap();
    for store in [&other, store, &another_store(&world).await] {
        assert_eq!(repeated(ask(store, all.clone(), id, reduction(10)).await), first);
    }
    assert_eq!(length(store.pool(), id).await, 4);
    all_is_well(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_command_sent_many_times_at_once_has_one_effect() {
    let world = World::new().await;
    let stores = [world.store.clone(), another_store(&world).await];
    for round in 0..8 {
        let (id, create, change) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let created = at_once(&stores, create, vec![(id, opening(round)), (id, allocation(1))]).await;
        let changed = at_once(&stores, change, vec![(id, allocation(2))]).await;
        assert_eq!(length(world.store.pool(), id).await, 3);
        assert_eq!((created, changed), (i64::from(round) * 3 + 1, i64::from(round) * 3 + 2));
    }
    all_is_well(&world).await;
}

/// Send a command eight times at once; one is carried out, all get the same receipt.
async fn at_once(stores: &[Store; 2], command: Uuid, asked: Vec<(Uuid, FundCommand)>) -> i64 {
    let sent: Vec<_> = (0..8)
        .map(|place| {
            let (store, asked) = (stores[place % 2].clone(), asked.clone());
            tokio::spawn(async move { ask_all(&store, again(command.into()), asked).await })
        })
        .collect();
    let (mut done, mut receipts) = (0, Vec::new());
    for one in sent {
        match one.await.unwrap() {
            Ok(receipt) => {
                done += 1;
                receipts.push(receipt);
            }
            other => receipts.push(repeated(other)),
        }
    }
    assert_eq!(done, 1);
    assert!(receipts.iter().all(|receipt| *receipt == receipts[0]), "{receipts:?}");
    receipts[0].index
}

#[tokio::test]
async fn whoever_decides_on_an_old_version_is_told() {
    let world = World::new().await;
    let (store, other) = (&world.store, another_store(&world).await);
    let id = fund(store, 1, 5).await;
    let seen = async |store: &Store, seen: i64| {
        decide(store, envelope(), id, Some(seen), |work| {
            Box::pin(async move { work.execute::<Fund>(id, allocation(1)).await })
        })
        .await
    };
    for wrong in [1, 3, 0] {
        let told = seen(store, wrong).await;
        assert!(matches!(told, Err(Trouble::Stale { expected, found: 2 }) if expected == wrong), "{told:?}");
    }
    assert_eq!(store.size().await.unwrap(), 2);
    // What the other store added is seen by its reader before this store's memory knows of it.
    seen(&other, 2).await.unwrap();
    assert!(matches!(seen(store, 2).await, Err(Trouble::Stale { expected: 2, found: 3 })));
    seen(&other, 3).await.unwrap();
    seen(store, 4).await.unwrap();
    assert_eq!(store.size().await.unwrap(), 5);
    all_is_well(&world).await;
}

#[tokio::test]
async fn a_decision_adds_something_where_its_command_is_remembered() {
    let world = World::new().await;
    let (one, other) = (fund(&world.store, 1, 5).await, fund(&world.store, 2, 5).await);
    let told = decide(&world.store, envelope(), one, None, |work| {
        Box::pin(async move { work.execute::<Fund>(other, allocation(1)).await })
    })
    .await;
    assert!(matches!(told, Err(Trouble::Other(_))), "sent again it would have its effect twice: {told:?}");
    let told = decide(&world.store, envelope(), one, None, |_| Box::pin(async { Ok(()) })).await;
    assert!(matches!(told, Err(Trouble::Other(_))));
    assert_eq!(world.store.size().await.unwrap(), 4);
}
