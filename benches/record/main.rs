//! `make bench`: how fast the record is, beside what was measured in the same run on the same database server.
//! What is measured and why is in docs/performance.md. Prints tables in Markdown.
//!
//! `BENCH_EVENTS` (1,000,000), `BENCH_REPETITIONS` (7) and `BENCH_ONLY` (`commands`, `rebuild`, `server`,
//! `ledger`, `directory`, `thread`, `pages` or `audit`) make a quicker run; `BENCH_FOLDER` puts the database on another disk
//! than that of `target`.

// Optimised, the compiler follows a mutation of the API through every group of the schema down to its layout.
#![recursion_limit = "256"]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark speaks by printing")]
#![expect(clippy::float_arithmetic, reason = "rates and seconds, never money")]
#![expect(clippy::format_push_string, reason = "tables are short")]
#![expect(clippy::cast_precision_loss, reason = "counts here are far below 2^53")]

mod audit;
mod commands;
mod directory;
mod ledger;
mod measuring;
mod pages;
mod rebuilding;
mod seeding;
mod serving;
mod thread;
mod town;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;
use sidebyside::store::embedded::{Purpose, Server, Settings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let events = number("BENCH_EVENTS", 1_000_000)?;
    let repetitions = number("BENCH_REPETITIONS", 7)?;
    let only = std::env::var("BENCH_ONLY").ok();
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    // On a real disk and with every safety of production: what a commit costs is the point.
    let place = std::env::var_os("BENCH_FOLDER")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    std::fs::create_dir_all(&place)?;
    // The account that runs the database must be able to enter.
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(place)?;
    let settings = Settings {
        folder: Some(folder.path().join("record")),
        durable: true,
        ..Settings::from_environment(Purpose::Command)
    };
    let server = Server::start(settings).await?;
    println!(
        "PostgreSQL {}, {repetitions} repetitions of each in turn; ratios: median (least to most)",
        server.version()
    );
    let measured = async {
        if wanted("commands") {
            eprintln!("commands ...");
            println!("{}", commands::table(&commands::run(&server, repetitions).await?));
        }
        if wanted("rebuild") || wanted("server") {
            eprintln!("{events} events ...");
            let turns = if wanted("rebuild") { repetitions.min(5) } else { 0 };
            let results = rebuilding::run(&server, events, turns).await?;
            if turns > 0 {
                println!("{}", rebuilding::table(&results));
            }
        }
        if wanted("ledger") {
            eprintln!("the ledger ...");
            println!("{}", ledger::table(&ledger::run(&server, events, repetitions).await?));
        }
        if wanted("directory") {
            eprintln!("the directory ...");
            println!("{}", directory::table(&directory::run(&server, repetitions).await?));
        }
        if wanted("thread") {
            eprintln!("the thread ...");
            println!("{}", thread::table(&thread::run(&server, repetitions).await?));
        }
        if wanted("audit") {
            eprintln!("audit and feed ...");
            println!(
                "{}",
                audit::table(&audit::run(&server, events, repetitions.min(5), folder.path()).await?)
            );
        }
        anyhow::Ok(())
    }
    .await;
    server.stop().await?;
    measured?;
    if wanted("server") {
        eprintln!("the server ...");
        println!("{}", serving::table(&serving::run(&folder.path().join("record"), 5)?));
    }
    if wanted("pages") {
        eprintln!("the pages ...");
        println!("{}", pages::table(&pages::run(&folder.path().join("pages"), repetitions).await?));
    }
    if std::env::var_os("BENCH_KEEP").is_some() {
        println!("kept: {}", folder.keep().display());
    }
    Ok(())
}

fn number(name: &str, usual: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} is not a number: {text}")),
        Err(_) => Ok(usual),
    }
}
