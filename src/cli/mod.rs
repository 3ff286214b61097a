//! The command line: one program for the server and everything around it.

mod backup;
mod bundle;
mod change_key;
mod doctor;
mod export;
mod history;
mod place;
mod rebuild;
mod receipt;
mod restore;
pub mod seed;
mod serve;
mod sign_in;
mod verify;
pub mod what_if;
mod witness;

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::auth::SettingsProblem;
use crate::store::database::NoDatabase;
use crate::store::vault::{KeyTrouble, VaultTrouble};

/// An event-sourced record for community partnership and micro-commissioning.
///
/// Without DATABASE_URL it keeps its own PostgreSQL in SIDEBYSIDE_DATA (root: /var/lib/sidebyside, else the data folder
/// of the user). Exit codes: 0 done; 1 something failed; 2 wrong usage; 3 verify found something wrong; 30, 40 and 50
/// verify --bundle found something wrong; 69 the
/// database does not answer; 71 the machine refused; 78 something must be installed or set up, and the message says
/// what.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Show what the program does; twice for more. Or set RUST_LOG.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Write the log as one JSON object a line.
    #[arg(long, global = true)]
    json_log: bool,
    #[command(flatten)]
    place: place::Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server and print its address, and without a sign-in provider the sign-in link.
    Serve {
        /// Where to listen; this computer only, unless a sign-in provider is named.
        #[arg(
            long,
            env = "SIDEBYSIDE_LISTEN",
            default_value = "127.0.0.1:8080",
            value_name = "ADDRESS:PORT"
        )]
        listen: SocketAddr,
        /// Load this scenario first. What it holds already stays as it is.
        #[arg(long)]
        seed: Option<PathBuf>,
        #[command(flatten)]
        sign_in: sign_in::Asked,
    },
    /// Bring the database up to date, and build projections that are missing or of an older version.
    Migrate,
    /// Load a scenario of commands. The same file twice changes nothing.
    Seed {
        /// The file: one step a line, as fixtures/README.md describes.
        file: PathBuf,
    },
    /// Build every projection anew from the log, beside what stands, and put it in its place.
    Rebuild,
    /// Check everything: the log, each leaf hash, the laws of the ledger, and projections against a rebuild. Or check an
    /// evidence bundle.
    Verify(bundle::Check),
    /// Write an evidence bundle: the record as a folder that an auditor takes away and checks elsewhere.
    Bundle {
        /// The folder; it must not be there yet.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// The verifier key of the log, where the file of the key that seals is not here.
        #[arg(long, value_name = "NAME+ID+KEY")]
        key: Option<String>,
    },
    /// Take a back-up: everything but the keys, as a folder to be kept elsewhere. Others may go on working.
    Backup {
        /// The folder; it must not be there yet.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Restore a back-up into an empty record. The record says for ever that it was restored, and what is lost.
    Restore(restore::From),
    /// Change the key that seals: the log announces the new one, and the old one seals that. Whoever holds the old
    /// verifier key can follow.
    ChangeKey,
    /// Be a witness of logs that others keep: see that each only grows, and sign what was seen with a key of your own. It
    /// needs no database.
    Witness(witness::Asked),
    /// Write the events into a file for data teams: one CloudEvent on each line, or a table. What auditors may not read
    /// is withheld.
    Export(export::Export),
    /// Print the GraphQL schema.
    Schema,
    /// Print what happened, a line an event.
    History {
        /// Only what happened to the thing with this id or human reference.
        #[arg(long)]
        of: Option<String>,
        /// Begin after this position.
        #[arg(long)]
        after: Option<i64>,
        /// At most this many events.
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..))]
        limit: i64,
    },
    /// Print the receipt of a decision: each rule that guards it, whether it holds, and the events that say so.
    Receipt {
        /// The decision's position in the log, as `history` prints it.
        #[arg(value_parser = clap::value_parser!(i64).range(0..))]
        index: i64,
    },
    /// Replay the record under another rule and print which grants would have gone otherwise. Nothing is changed.
    WhatIf(what_if::Rules),
    /// Look at the installation and say what is missing.
    Doctor,
}

/// Run the program with the arguments it was started with.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.verbose, cli.json_log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(carry_out(cli)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn carry_out(cli: Cli) -> anyhow::Result<ExitCode> {
    let place = cli.place;
    match cli.command {
        Command::Serve { listen, seed, sign_in } => serve::serve(place, listen, seed, &sign_in).await?,
        Command::Migrate => {
            let opened = place.open(place::Purpose::Command).await?;
            say("The database is up to date.");
            opened.close().await?;
        }
        Command::Seed { file } => {
            let opened = place.open(place::Purpose::Command).await?;
            let loaded = seed::load(&opened.app, &file).await;
            opened.close().await?;
            say(&loaded?.to_string());
        }
        Command::Rebuild => rebuild::rebuild(place).await?,
        Command::Verify(asked) => match asked.carry_out() {
            Some(code) => return Ok(code),
            None => return verify::verify(place).await,
        },
        Command::Bundle { out, key } => bundle::write(place, &out, key).await?,
        Command::Backup { out } => backup::backup(place, &out).await?,
        Command::Restore(told) => restore::restore(place, told).await?,
        Command::ChangeKey => change_key::change(place).await?,
        Command::Witness(asked) => witness::run(asked).await?,
        Command::Export(asked) => export::write(place, asked).await?,
        Command::Schema => say(crate::graphql::sdl().trim_end()),
        Command::History { of, after, limit } => history::print(place, of, after, limit).await?,
        Command::Receipt { index } => receipt::print(place, index).await?,
        Command::WhatIf(rules) => what_if::print(place, rules).await?,
        Command::Doctor => return doctor::look(place).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Quiet by default: warnings and errors.
fn log_to_stderr(verbose: u8, json: bool) {
    let usual = match verbose {
        0 => "warn",
        1 => "info,sqlx=warn",
        _ => "debug,sqlx=info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual));
    let writer = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    if json { writer.json().init() } else { writer.init() }
}

/// Tell the person at the terminal something. Whoever stops reading (as `head` does) stops nothing else.
fn say(sentence: &str) {
    let _heard = writeln!(std::io::stdout(), "{sentence}");
}

#[expect(clippy::print_stderr, reason = "the command line says why it failed by printing")]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("{}", words(error));
    ExitCode::from(exit_code(error))
}

/// An error with its causes, but for those that the words before them say already.
fn words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

/// The exit code of an error: 78 where something must be set up, as `--help` says.
fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(trouble) = error.downcast_ref::<NoDatabase>() {
        return trouble.exit_code();
    }
    let other_key = matches!(error.downcast_ref::<VaultTrouble>(), Some(VaultTrouble::OtherKey { .. }));
    let to_set_up =
        error.downcast_ref::<KeyTrouble>().is_some() || error.downcast_ref::<SettingsProblem>().is_some();
    if other_key || to_set_up { 78 } else { 1 }
}
