//! `witness`: seeing for somebody else that their log only grows, by C2SP tlog-witness. It has no database and nothing of
//! the logs it watches but their verifier keys and, of each, the last checkpoint it signed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::say;
use crate::app::Surroundings;
use crate::store::seal::PublicKey;
use crate::store::witness::{Answer, Witness, WitnessSigner};

/// More bytes than any request has: a proof of 63 lines and a checkpoint with a hundred signatures.
const LONGEST: usize = 64 * 1024;

/// How to be a witness.
#[derive(Debug, Args)]
pub struct Asked {
    /// Where to listen; this computer only, if left out. It speaks plain HTTP: put a proxy with TLS before it.
    #[arg(
        long,
        env = "SIDEBYSIDE_WITNESS_LISTEN",
        default_value = "127.0.0.1:8091",
        value_name = "ADDRESS:PORT"
    )]
    listen: SocketAddr,
    /// The verifier key of a log to watch, as its `doctor` prints it; more with semicolons, or said again. When a log
    /// changes its key, name the new one after the old one: once it has signed, the old one counts no more.
    #[arg(
        long,
        env = "SIDEBYSIDE_WITNESS_LOG",
        value_name = "NAME+ID+KEY",
        value_delimiter = ';',
        required = true
    )]
    log: Vec<String>,
    /// The key of this witness: a file that only you may read. Where there is none, one is made.
    #[arg(long, env = "SIDEBYSIDE_WITNESS_KEY_FILE", value_name = "FILE")]
    key_file: PathBuf,
    /// The name of this witness, for a key that is made: best an address of yours without https://, such as
    /// witness.example.org.
    #[arg(long, env = "SIDEBYSIDE_WITNESS_NAME", value_name = "NAME")]
    name: Option<String>,
    /// What this witness signed last: a file that is written before each signature, on a disk that survives. Never put an
    /// older copy in its place.
    #[arg(long, env = "SIDEBYSIDE_WITNESS_STATE", value_name = "FILE")]
    state: PathBuf,
    /// This witness has never signed anything: begin that file.
    #[arg(long)]
    first_time: bool,
}

/// Be a witness until told to stop.
///
/// # Errors
/// When there is no key, it is not known what was signed last, or the address is taken.
pub async fn run(asked: Asked) -> anyhow::Result<()> {
    let Asked { listen, log, key_file, name, state, first_time } = asked;
    let signer = match name {
        Some(name) => WitnessSigner::make_file(&key_file, &name)?,
        None if key_file.symlink_metadata().is_err() => anyhow::bail!(
            "There is no {}. Say --name to have the key of this witness made there.",
            key_file.display()
        ),
        None => WitnessSigner::from_file(&key_file)?,
    };
    let logs = log.iter().map(|key| PublicKey::new(key)).collect::<Result<Vec<_>, _>>()?;
    let witness = Arc::new(Witness::open(signer, &logs, &state, first_time)?);
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen} (name another address with --listen)"))?;
    say(&greeting(&witness, listener.local_addr()?));
    let edge = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(witness);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(axum::serve(listener, edge).with_graceful_shutdown(told).await?)
}

fn greeting(witness: &Witness, address: SocketAddr) -> String {
    let seen = |(origin, size): (String, u64)| format!("\n  {origin}: {size} events seen");
    let logs: String = witness.seen().into_iter().map(seen).collect();
    format!(
        "The witness listens at http://{address}. Its verifier key, for whoever keeps a log and whoever checks one:\n\
         {}\nIt watches{logs}",
        witness.public()
    )
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, request: Bytes) -> Response {
    let now = (Surroundings::SYSTEM.now)().timestamp().unsigned_abs();
    // It waits for the disk.
    let answered = tokio::task::spawn_blocking(move || witness.add_checkpoint(&request, now)).await;
    let words = |status: StatusCode, words: &str| (status, format!("{words}\n")).into_response();
    match answered {
        Ok(Ok(Answer::Cosigned(line))) => line.into_response(),
        Ok(Ok(Answer::Conflict(size))) => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::CONFLICT, kind, format!("{size}\n")).into_response()
        }
        Ok(Ok(Answer::UnknownLog)) => words(StatusCode::NOT_FOUND, "this witness does not watch that log"),
        Ok(Ok(Answer::UnknownKey)) => {
            words(StatusCode::FORBIDDEN, "it is not signed by a key of that log that this witness knows")
        }
        Ok(Ok(Answer::WrongProof)) => words(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the proof does not show that it goes on from what was signed before",
        ),
        Ok(Ok(Answer::Malformed(why))) => words(StatusCode::BAD_REQUEST, why),
        Ok(Err(trouble)) => {
            tracing::error!("nothing is signed: {trouble}");
            words(StatusCode::INTERNAL_SERVER_ERROR, "this witness cannot remember what it signs")
        }
        Err(_) => words(StatusCode::INTERNAL_SERVER_ERROR, "this witness failed"),
    }
}
