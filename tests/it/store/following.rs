//! Somebody who follows the feed while others write and roll back, is killed again and again, and comes back: nothing
//! is lost, nothing is out of order, and nothing comes twice.

use std::io::{BufRead as _, BufReader as Reader, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use sidebyside::auth::{Accounts, Chance, Development};
use sidebyside::graphql::api;
use sidebyside::store::Store;
use sidebyside::web::{Limits, router};
use sqlx::Executor as _;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use uuid::Uuid;

use super::{all_is_well, allocation, another_store, ask, envelope, fund, number, opening};
use crate::world::World;

/// Names the server, the token and the last event to the process that follows.
const FOLLOWER: &str = "SIDEBYSIDE_TEST_FOLLOWER";

/// How often the follower is killed.
const KILLED: usize = 20;

#[test]
#[ignore = "a process of its own, run by the test of this file"]
fn follower() {
    let Ok(named) = std::env::var(FOLLOWER) else { return };
    let [server, token, last] = named.split(' ').collect::<Vec<_>>()[..] else { panic!("{named}") };
    let mut stream = TcpStream::connect(server).unwrap();
    let last = if last == "none" { String::new() } else { format!("Last-Event-ID: {last}\r\n") };
    write!(
        stream,
        "GET /events/stream HTTP/1.0\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\nActing-Role: auditor\r\n{last}\r\n"
    )
    .unwrap();
    let (mut id, mut data) = (String::new(), String::new());
    for line in Reader::new(stream).lines() {
        let line = line.unwrap();
        if let Some(said) = line.strip_prefix("id: ") {
            said.clone_into(&mut id);
        } else if let Some(said) = line.strip_prefix("data: ") {
            said.clone_into(&mut data);
        } else if line.is_empty() && !data.is_empty() {
            let event: Value = serde_json::from_str(&data).unwrap();
            let leaf = event["leafhash"].as_str().unwrap();
            assert_eq!(event["id"], *id);
            writeln!(std::io::stdout(), "\nfollower: {id} {leaf}").unwrap();
            data.clear();
        }
    }
}

/// The process that follows, and what it says.
struct Follower {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    fn start(server: &str, token: &str, last: Option<i64>) -> Self {
        let last = last.map_or_else(|| "none".to_owned(), |last| last.to_string());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::following::follower", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLLOWER, format!("{server} {token} {last}"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, said }
    }

    /// The next event it has in full: position and leaf. None when it has ended, and said all it had to say.
    async fn next(&mut self) -> Option<(i64, String)> {
        while let Some(line) = self.said.next_line().await.unwrap() {
            if let Some((index, leaf)) = line.strip_prefix("follower: ").and_then(|said| said.split_once(' '))
                && leaf.len() == 64
            {
                return Some((index.parse().unwrap(), leaf.to_owned()));
            }
        }
        None
    }
}

/// Decisions that are kept, decisions that are refused, and transactions that are rolled back after they have taken
/// their place in the log.
async fn write(store: Store, place: u32, shared: Uuid, enough: Arc<AtomicBool>) -> u32 {
    let own = fund(&store, 100 + place, 50).await;
    let mut rolled_back = 0;
    for turn in 0_u32.. {
        if enough.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
        ask(&store, envelope(), if turn % 2 == 0 { own } else { shared }, allocation(1)).await.unwrap();
        if turn % 3 == 0 {
            ask(&store, envelope(), own, opening(1)).await.unwrap_err();
            let mut transaction = store.pool().begin().await.unwrap();
            let stock = format!(
                "INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                 metadata) VALUES ('odd', '{}', 1, 'odd.happened', '1', '{{}}', '{{}}')",
                Uuid::now_v7()
            );
            transaction.execute(stock.as_str()).await.unwrap();
            transaction.rollback().await.unwrap();
            rolled_back += 1;
        }
    }
    rolled_back
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_killed_twenty_times_has_every_event_once_and_in_order() {
    let world = World::new().await;
    let sign_in = Arc::new(Development::default());
    let accounts = Accounts::new(world.store.pool().clone(), Chance::SYSTEM);
    let edge = router(api(world.app()), Arc::clone(&sign_in), accounts, Limits::default()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(axum::serve(listener, edge).into_future());

    let (stores, enough) =
        ([world.store.clone(), another_store(&world).await], Arc::new(AtomicBool::new(false)));
    let shared = fund(&world.store, 1, 1).await;
    let writers: Vec<_> = (0..8_u32)
        .zip(stores.iter().cycle())
        .map(|(place, store)| tokio::spawn(write(store.clone(), place, shared, Arc::clone(&enough))))
        .collect();

    let mut seen: Vec<(i64, String)> = Vec::new();
    for round in 0..KILLED {
        let mut follower = Follower::start(&server, sign_in.token(), seen.last().map(|(index, _)| *index));
        let until = seen.len() + 1 + round * 5;
        while let Some(event) = follower.next().await {
            seen.push(event);
            if seen.len() == until {
                follower.child.start_kill().unwrap();
            }
        }
        assert!(!follower.child.wait().await.unwrap().success());
        assert!(seen.len() >= until, "it was killed, it did not end");
        assert!(writers.iter().all(|writer| !writer.is_finished()), "they write on");
    }
    enough.store(true, Ordering::Relaxed);
    let mut rolled_back = 0;
    for writer in writers {
        rolled_back += writer.await.unwrap();
    }
    let size = usize::try_from(world.size().await).unwrap();
    let mut follower = Follower::start(&server, sign_in.token(), seen.last().map(|(index, _)| *index));
    while seen.len() < size {
        seen.push(follower.next().await.unwrap());
    }
    follower.child.kill().await.unwrap();
    serving.abort();

    assert!(rolled_back >= 8, "{rolled_back} transactions were rolled back");
    let leaves: Vec<String> =
        sqlx::query_scalar("SELECT encode(leaf_hash, 'hex') FROM public.events ORDER BY index")
            .fetch_all(world.store.pool())
            .await
            .unwrap();
    let log: Vec<(i64, String)> = (0..).zip(leaves).collect();
    assert!(seen == log, "{size} events, {} seen", seen.len());
    assert_eq!(number(world.store.pool(), "SELECT count(*) FROM public.events").await, world.size().await);
    all_is_well(&world).await;
}
