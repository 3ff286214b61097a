//! Streams that many decisions want at once are read together, and each gets its own.

use futures_util::future::join_all;
use sidebyside::domain::fund::Fund;
use sqlx::ConnectOptions as _;
use uuid::Uuid;

use super::{allocation, another_store, ask_all, envelope, fund, opening, superuser};
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_many_who_ask_at_once_gets_its_own_stream() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..100 {
        let id = Uuid::now_v7();
        let steps = (0..number % 7).map(|_| (id, allocation(number + 1)));
        let history = std::iter::once((id, opening(number))).chain(steps).collect();
        ask_all(&world.store, envelope(), history).await.unwrap();
        ids.push((number, id));
    }
    // One that remembers nothing, and then is a few events behind.
    let other = another_store(&world).await;
    for added in [0, 5] {
        let looks = ids.iter().map(|(number, id)| {
            let (other, number, id) = (other.clone(), *number, *id);
            tokio::spawn(async move { (number, other.look::<Fund>(id).await.unwrap()) })
        });
        for look in join_all(looks).await {
            let (number, found) = look.unwrap();
            let budget: rust_decimal::Decimal = found.years().values().map(|year| year.budget).sum();
            assert_eq!(budget, ((number % 7) * (number + 1) + added).into(), "fund {number}");
        }
        for (_, id) in ids.iter().filter(|_| added == 0) {
            ask_all(&world.store, envelope(), vec![(*id, allocation(5))]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_reader_whose_session_ends_goes_on() {
    let world = World::new().await;
    let id = fund(&world.store, 1, 1).await;
    let mut watcher = superuser(&world).connect().await.unwrap();
    for _ in 0..3 {
        // The two readers take turns.
        world.store.look::<Fund>(id).await.unwrap();
        world.store.look::<Fund>(id).await.unwrap();
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE '%WITH ORDINALITY AS wanted (kind, id, after, place)%'
             AND pid <> pg_backend_pid()",
        )
        .fetch_all(&mut watcher)
        .await
        .unwrap();
        assert_eq!(ended, [true, true]);
    }
    world.store.look::<Fund>(id).await.unwrap();
    world.store.look::<Fund>(id).await.unwrap();
}
