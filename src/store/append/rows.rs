//! Events on their way into the log: each gets its place, time, id, nonce and leaf, and all are inserted in one statement.

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Decision;
use crate::store::Trouble;
use crate::store::leaf::{Leaf, canonical_entries};
use crate::store::log::Recorded;

/// What goes into the log of an event as text, beside what is [`Recorded`].
pub(super) struct Texts<'d> {
    payload: &'d str,
    metadata: String,
    nonce: String,
}

/// Give every event its place, time, id, nonce and leaf.
pub(super) fn placed<'d>(
    admitted: &[(usize, &'d Decision)],
    size: i64,
    first_at: DateTime<Utc>,
) -> Result<(Vec<Recorded>, Vec<Texts<'d>>), Trouble> {
    #[expect(clippy::disallowed_methods, reason = "ids and nonces of events are made here and nowhere else")]
    let mut chance = rand::rng();
    let (mut events, mut texts) = (Vec::new(), Vec::new());
    let (mut index, mut recorded_at) = (size, first_at);
    for (_, decision) in admitted {
        let envelope = &decision.envelope;
        let mut metadata = envelope.metadata();
        for part in &decision.parts {
            let stream_id = part.stream.id.to_string();
            for (sequence, draft) in (part.expected + 1..).zip(&part.facts) {
                let event_id = event_id(recorded_at, chance.random());
                metadata.insert("event_id", event_id.to_string());
                let text = canonical_entries(&metadata)?;
                let nonce = hex::encode(chance.random::<[u8; 16]>());
                let kind = draft.fact.kind();
                let leaf = Leaf {
                    stream_type: part.stream.kind,
                    stream_id: &stream_id,
                    sequence,
                    event_type: kind.name,
                    event_version: &kind.version.to_string(),
                    payload: &draft.payload,
                    metadata: &text,
                    index,
                    recorded_at,
                    nonce: &nonce,
                };
                events.push(Recorded {
                    index,
                    stream: part.stream,
                    sequence,
                    event_id,
                    recorded_at,
                    effective_on: envelope.effective_on,
                    decided_on: envelope.today,
                    fact: draft.fact.clone(),
                    actor: Some(envelope.actor.person),
                    role: Some(envelope.actor.role),
                    reason: envelope.reason.clone(),
                    command: Some(envelope.command),
                    correlation: envelope.correlation,
                    causation: envelope.causation,
                    leaf_hash: leaf.hash(),
                });
                texts.push(Texts { payload: &draft.payload, metadata: text, nonce });
                index += 1;
                recorded_at += TimeDelta::microseconds(1);
            }
        }
    }
    Ok((events, texts))
}

/// A UUIDv7 of the moment of recording.
fn event_id(at: DateTime<Utc>, chance: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid()
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    events: &[Recorded],
    texts: &[Texts<'_>],
) -> sqlx::Result<()> {
    fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    sqlx::query(
        "INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata, index, event_id, recorded_at, effective_on, nonce, leaf_hash, command_id)
         SELECT kind, id, sequence, event_type, event_version, payload::json, metadata::json, index, event_id,
             recorded_at, effective_on, nonce, leaf_hash, command_id
         FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::bigint[], $9::uuid[], $10::timestamptz[], $11::date[], $12::text[], $13::bytea[], $14::uuid[])
             AS added (kind, id, sequence, event_type, event_version, payload, metadata, index, event_id,
             recorded_at, effective_on, nonce, leaf_hash, command_id)",
    )
    .bind(column(events, |row| row.stream.kind))
    .bind(column(events, |row| row.stream.id.to_string()))
    .bind(column(events, |row| row.sequence))
    .bind(column(events, |row| row.fact.kind().name))
    .bind(column(events, |row| row.fact.kind().version.to_string()))
    .bind(column(texts, |row| row.payload))
    .bind(column(texts, |row| row.metadata.as_str()))
    .bind(column(events, |row| row.index))
    .bind(column(events, |row| row.event_id))
    .bind(column(events, |row| row.recorded_at))
    .bind(column(events, |row| row.effective_on))
    .bind(column(texts, |row| row.nonce.as_str()))
    .bind(column(events, |row| row.leaf_hash.as_slice()))
    .bind(column(events, |row| row.command.map(|command| command.0)))
    .execute(connection)
    .await?;
    Ok(())
}
