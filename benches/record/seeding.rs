//! Puts made-up histories into a log, fast: each row hashed as the store would, all of it copied in by the owner with
//! the guards set aside for that one transaction.

use std::fmt::Write as _;
use std::sync::mpsc;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use sidebyside::domain::Reason;
use sidebyside::domain::identity::{Actor, PersonId, Role};
use sidebyside::store::leaf::{Leaf, canonical};
use sidebyside::store::log::Envelope;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use super::town::{Happening, day, needs_reason, words};

/// How many bytes are copied in at a time.
const CHUNK: usize = 1 << 20;

/// Ids that differ from run to run.
#[expect(clippy::disallowed_methods, reason = "a benchmark hands in its own ids")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// What surrounds a made-up decision.
pub fn envelope(has_reason: bool) -> Envelope {
    let reason = || -> Reason { words("The panel met and agreed with the assessors.") };
    Envelope {
        command: new_id().into(),
        actor: Actor { person: PersonId(Uuid::from_u128(0x9001)), role: Role::Commissioner },
        effective_on: day(30),
        today: day(230),
        reason: has_reason.then(reason),
        correlation: None,
        causation: None,
    }
}

/// Append histories to the log of a database, as its owner. Returns how many events the log then has.
pub async fn fill(
    owner: &PgConnectOptions,
    histories: impl Iterator<Item = Vec<Happening>> + Send + 'static,
) -> anyhow::Result<i64> {
    let mut connection = owner.connect().await?;
    let mut transaction = connection.begin().await?;
    transaction.execute("ALTER TABLE public.events DISABLE TRIGGER USER").await?;
    let head =
        transaction.fetch_one("SELECT size, last_recorded_at, now() FROM public.log_head FOR UPDATE").await?;
    let (size, last, now): (i64, DateTime<Utc>, DateTime<Utc>) = (head.get(0), head.get(1), head.get(2));
    let (chunks, ready) = mpsc::sync_channel::<Vec<u8>>(4);
    // A microsecond apart, beginning an hour ago or where the log ends.
    let first_at = last.max(now - TimeDelta::hours(1)) + TimeDelta::microseconds(1);
    let writer = std::thread::spawn(move || write(histories, size, first_at, &chunks));
    let copied = copy(&mut transaction, ready).await;
    let (size, last) = writer.join().map_err(|_| anyhow::anyhow!("the writer of rows panicked"))??;
    copied?;
    sqlx::query("UPDATE public.log_head SET size = $1, last_recorded_at = $2")
        .bind(size)
        .bind(last)
        .execute(&mut *transaction)
        .await?;
    for guard in ["stamp_event", "move_log_head", "refuse_change", "refuse_truncate"] {
        let back = format!("ALTER TABLE public.events ENABLE ALWAYS TRIGGER {guard}");
        transaction.execute(back.as_str()).await?;
    }
    transaction.commit().await?;
    connection.execute("VACUUM (ANALYZE) public.events").await?;
    connection.close().await?;
    Ok(size)
}

async fn copy(connection: &mut PgConnection, ready: mpsc::Receiver<Vec<u8>>) -> anyhow::Result<()> {
    let mut copy = connection
        .copy_in_raw(
            "COPY public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, \
             index, event_id, recorded_at, effective_on, nonce, leaf_hash, command_id) FROM STDIN",
        )
        .await?;
    while let Ok(chunk) = tokio::task::block_in_place(|| ready.recv()) {
        copy.send(chunk).await?;
    }
    copy.finish().await?;
    Ok(())
}

fn write(
    histories: impl Iterator<Item = Vec<Happening>>,
    first: i64,
    first_at: DateTime<Utc>,
    chunks: &mpsc::SyncSender<Vec<u8>>,
) -> anyhow::Result<(i64, DateTime<Utc>)> {
    let (mut index, mut recorded_at) = (first, first_at);
    let mut text = String::with_capacity(CHUNK * 2);
    for happening in histories.flatten() {
        recorded_at += TimeDelta::microseconds(1);
        row(&mut text, &happening, index, recorded_at)?;
        index += 1;
        if text.len() >= CHUNK {
            let full = std::mem::replace(&mut text, String::with_capacity(CHUNK * 2));
            chunks.send(full.into_bytes()).context("the copy ended early")?;
        }
    }
    chunks.send(text.into_bytes()).context("the copy ended early")?;
    Ok((index, recorded_at))
}

fn row(
    text: &mut String,
    happening: &Happening,
    index: i64,
    recorded_at: DateTime<Utc>,
) -> anyhow::Result<()> {
    let Happening { stream, sequence, draft } = happening;
    let envelope = envelope(needs_reason(happening));
    let (event_id, nonce) = (new_id(), new_id().simple().to_string());
    let mut metadata = envelope.metadata();
    metadata.insert("event_id", event_id.to_string());
    let metadata = canonical(&metadata)?;
    let kind = draft.fact.kind();
    let (id, version) = (stream.id.to_string(), kind.version.to_string());
    let hash = Leaf {
        stream_type: stream.kind,
        stream_id: &id,
        sequence: *sequence,
        event_type: kind.name,
        event_version: &version,
        payload: &draft.payload,
        metadata: &metadata,
        index,
        recorded_at,
        nonce: &nonce,
    }
    .hash();
    writeln!(
        text,
        "{}\t{id}\t{sequence}\t{}\t{version}\t{}\t{}\t{index}\t{event_id}\t{}\t{}\t{nonce}\t\\\\x{}\t{}",
        stream.kind,
        kind.name,
        draft.payload.replace('\\', "\\\\"),
        metadata.replace('\\', "\\\\"),
        recorded_at.format("%Y-%m-%d %H:%M:%S%.6f+00"),
        envelope.effective_on,
        hex::encode(hash),
        envelope.command,
    )?;
    Ok(())
}
