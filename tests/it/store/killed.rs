//! A whole process killed in the middle of its work, again and again: nothing it acknowledged is lost, nothing is half.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::str::FromStr as _;

use sidebyside::projections;
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::embedded::connect_options;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use uuid::Uuid;

use super::{all_is_well, allocation, ask, ask_all, fund, number, opening, reduction};
use crate::world::World;

/// Names the database and two funds to the process that is to be killed.
const WRITER: &str = "SIDEBYSIDE_TEST_WRITER";

#[tokio::test]
#[ignore = "a process of its own, run by the test of this file"]
async fn writer() {
    let Ok(named) = std::env::var(WRITER) else { return };
    let words: Vec<&str> = named.split(' ').collect();
    let server = match std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()) {
        Some(url) => PgConnectOptions::from_str(&url).unwrap().username(APP).database(words[1]),
        None => connect_options(Path::new(words[0]), APP, words[1]),
    };
    let store = projections::open_store(app_pool(&server, 8).await.unwrap());
    let funds: Vec<Uuid> = words[2..].iter().map(|id| Uuid::parse_str(id).unwrap()).collect();
    for place in 0..6_usize {
        let (store, from, to) = (store.clone(), funds[place % 2], funds[(place + 1) % 2]);
        tokio::spawn(async move {
            loop {
                let command = Uuid::now_v7();
                let envelope = super::Envelope { command: command.into(), ..super::with_reason() };
                let told = if place < 4 {
                    ask_all(&store, envelope, vec![(from, reduction(1)), (to, allocation(1))]).await
                } else {
                    let id = Uuid::now_v7();
                    let number = u32::try_from(id.as_u128() & 0x3fff_ffff).unwrap();
                    ask(&store, envelope, id, opening(number)).await
                };
                if let Ok(receipt) = told {
                    let leaf = hex::encode(receipt.leaf_hash);
                    writeln!(std::io::stdout(), "\nwriter: {command} {} {leaf}", receipt.index).unwrap();
                }
            }
        });
    }
    // Until it is killed.
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_process_killed_in_the_middle_loses_nothing_it_acknowledged() {
    let world = World::new().await;
    let funds = [fund(&world.store, 1, 5000).await, fund(&world.store, 2, 5000).await];
    let server = world.database.options_as(APP);
    let socket = server.get_socket().map(|path| path.display().to_string()).unwrap_or_default();
    let named = format!("{socket} {} {} {}", world.database.name, funds[0], funds[1]);
    let owner = world.owner().await;
    let mut acknowledged = 0;
    for round in 0..10_usize {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::killed::writer", "--ignored", "--nocapture", "--test-threads=1"])
            .env(WRITER, &named)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        let enough = 1 + round * 7;
        // What it said before it was killed and we had not read yet, was acknowledged as well.
        while let Some(line) = said.next_line().await.unwrap() {
            if let Some(words) = line.strip_prefix("writer: ").filter(|words| words.len() >= 36 + 64) {
                told.push(words.to_string());
            }
            if told.len() == enough {
                child.start_kill().unwrap();
            }
        }
        assert!(!child.wait().await.unwrap().success());
        assert!(told.len() >= enough, "it was killed, it did not end");
        for told in told {
            let words: Vec<&str> = told.split(' ').collect();
            let found = number(
                &owner,
                &format!(
                    "SELECT count(*) FROM public.events WHERE command_id = '{}' AND index = {} AND leaf_hash = '\\x{}'",
                    words[0], words[1], words[2]
                ),
            )
            .await;
            assert_eq!(found, 1, "{told}");
            acknowledged += 1;
        }
        // This process writes on, with what the other left.
        ask(&world.store, super::envelope(), funds[0], allocation(1)).await.unwrap();
    }
    println!("{acknowledged} acknowledged");
    let budget =
        "SELECT sum(CASE movement WHEN 'reduce' THEN -amount ELSE amount END)::bigint FROM views.ledger_line";
    assert_eq!(number(&owner, budget).await, 10_010, "no transfer is half");
    all_is_well(&world).await;
}
