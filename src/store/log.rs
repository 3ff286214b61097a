//! What the log holds: an event with everything that was recorded around it, and how it is read back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, QueryBuilder, Row};
use uuid::Uuid;

use super::Trouble;
use super::upcast;
use crate::domain::Reason;
use crate::domain::calendar::Date;
use crate::domain::identity::{Actor, CommandId, PersonId, Role};
use crate::domain::record::Fact;
use crate::domain::text::Text;

/// What surrounds a decision when it is recorded: the same for all its events.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The command; the same id again has its effect once.
    pub command: CommandId,
    /// Who, in what capacity.
    pub actor: Actor,
    /// The business date.
    pub effective_on: Date,
    /// The date on which it is decided; stored only where it is not the business date.
    pub today: Date,
    /// Why.
    pub reason: Option<Reason>,
    /// What it belongs to: the first command of a chain.
    pub correlation: Option<Uuid>,
    /// What caused it: the event or command before it in the chain.
    pub causation: Option<Uuid>,
}

impl Envelope {
    /// As metadata: strings only, in the order of their names.
    #[must_use]
    pub fn metadata(&self) -> BTreeMap<&'static str, String> {
        let mut entries = BTreeMap::from([
            ("actor", self.actor.person.to_string()),
            ("command_id", self.command.to_string()),
            ("effective_on", self.effective_on.to_string()),
            ("role", self.actor.role.name().to_string()),
        ]);
        entries.extend(self.reason.as_ref().map(|reason| ("reason", reason.to_string())));
        let decided_on = (self.today != self.effective_on).then(|| self.today.to_string());
        entries.extend(decided_on.map(|date| ("decided_on", date)));
        entries.extend(self.correlation.map(|id| ("correlation_id", id.to_string())));
        entries.extend(self.causation.map(|id| ("causation_id", id.to_string())));
        entries
    }
}

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName {
    /// The stored name of its type.
    pub kind: &'static str,
    /// Its id.
    pub id: Uuid,
}

/// An event read back from the log.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Position in the log, from 0, dense, in commit order.
    pub index: i64,
    /// Which stream it belongs to.
    pub stream: StreamName,
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// Its own id.
    pub event_id: Uuid,
    /// When it was recorded, by the clock of the database.
    pub recorded_at: DateTime<Utc>,
    /// The business date.
    pub effective_on: Date,
    /// The day on which it was decided: the business date, where no other is recorded.
    pub decided_on: Date,
    /// What happened.
    pub fact: Fact,
    /// Who; none where a foreign writer did not say.
    pub actor: Option<PersonId>,
    /// In what capacity.
    pub role: Option<Role>,
    /// Why.
    pub reason: Option<Reason>,
    /// The command.
    pub command: Option<CommandId>,
    /// What it belongs to.
    pub correlation: Option<Uuid>,
    /// What caused it.
    pub causation: Option<Uuid>,
    /// Its leaf in the log’s tree.
    pub leaf_hash: [u8; 32],
}

/// A row of the log as stored, not yet understood.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Stream type.
    pub stream_type: String,
    /// Stream id.
    pub stream_id: String,
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// Stored name.
    pub event_type: String,
    /// Stored version.
    pub event_version: String,
    /// Payload text as stored.
    pub payload: String,
    /// Metadata text as stored.
    pub metadata: String,
    /// Position in the log.
    pub index: i64,
    /// Its own id.
    pub event_id: Uuid,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The business date.
    pub effective_on: Date,
    /// Chance that blinds the body hash.
    pub nonce: String,
    /// The leaf hash as stored.
    pub leaf_hash: Vec<u8>,
    /// The command, where there was one.
    pub command_id: Option<Uuid>,
}

/// The columns of a stored event, in the order in which [`Stored`] is read.
pub const COLUMNS: &str = "aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text AS payload, \
     metadata::text AS metadata, index, event_id, recorded_at, effective_on, nonce, leaf_hash, command_id";

impl Stored {
    /// Read the columns of a row.
    ///
    /// # Errors
    /// When a column is missing or of another type.
    pub fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            stream_type: row.try_get(0)?,
            stream_id: row.try_get(1)?,
            sequence: row.try_get(2)?,
            event_type: row.try_get(3)?,
            event_version: row.try_get(4)?,
            payload: row.try_get(5)?,
            metadata: row.try_get(6)?,
            index: row.try_get(7)?,
            event_id: row.try_get(8)?,
            recorded_at: row.try_get(9)?,
            effective_on: row.try_get(10)?,
            nonce: row.try_get(11)?,
            leaf_hash: row.try_get(12)?,
            command_id: row.try_get(13)?,
        })
    }

    /// Understand the row: the fact in the shape of today, and what surrounds it.
    ///
    /// # Errors
    /// When the event is unknown to this program or its columns do not make sense.
    pub fn understood(self) -> Result<Recorded, Trouble> {
        let fact = upcast::read(&self.stream_type, &self.event_type, &self.event_version, &self.payload)?;
        let metadata: BTreeMap<String, String> =
            serde_json::from_str(&self.metadata).map_err(|error| Trouble::damaged(self.index, &error))?;
        let id = |name: &str| metadata.get(name).and_then(|text| Uuid::parse_str(text).ok());
        let stream_id =
            Uuid::parse_str(&self.stream_id).map_err(|error| Trouble::damaged(self.index, &error))?;
        Ok(Recorded {
            index: self.index,
            stream: StreamName { kind: fact.kind().stream, id: stream_id },
            sequence: self.sequence,
            event_id: self.event_id,
            recorded_at: self.recorded_at,
            effective_on: self.effective_on,
            decided_on: metadata
                .get("decided_on")
                .and_then(|date| date.parse().ok())
                .unwrap_or(self.effective_on),
            fact,
            actor: id("actor").map(PersonId),
            role: metadata.get("role").and_then(|name| name.parse().ok()),
            reason: metadata.get("reason").and_then(|words| Text::new(words).ok()),
            command: self.command_id.map(CommandId),
            correlation: id("correlation_id"),
            causation: id("causation_id"),
            leaf_hash: self
                .leaf_hash
                .try_into()
                .map_err(|_| Trouble::damaged(self.index, &"the leaf hash is not 32 bytes"))?,
        })
    }
}

/// Which part of the log to read, and from where.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    /// Only this stream.
    pub stream: Option<Uuid>,
    /// Without streams of these types.
    pub without: &'static [&'static str],
    /// Only what this person did.
    pub actor: Option<PersonId>,
    /// Only events recorded at this instant or later.
    pub from: Option<DateTime<Utc>>,
    /// Only events recorded before this instant.
    pub before: Option<DateTime<Utc>>,
    /// Only events after this position.
    pub after_index: Option<i64>,
    /// Only events before this position.
    pub before_index: Option<i64>,
    /// The latest first.
    pub latest_first: bool,
    /// At most this many.
    pub limit: i64,
}

/// Read a part of the log in order of position.
///
/// # Errors
/// When the database cannot be reached or an event cannot be understood.
pub async fn read(executor: impl PgExecutor<'_>, slice: &Slice) -> Result<Vec<Recorded>, Trouble> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS} FROM events WHERE index > "));
    query.push_bind(slice.after_index.unwrap_or(-1));
    query.push(" AND index < ").push_bind(slice.before_index.unwrap_or(i64::MAX));
    if let Some(stream) = slice.stream {
        query.push(" AND aggregate_type = ANY(").push_bind(Fact::STREAMS);
        query.push(") AND aggregate_id = ").push_bind(stream.to_string());
    }
    if !slice.without.is_empty() {
        query.push(" AND NOT aggregate_type = ANY(").push_bind(slice.without).push(")");
    }
    if let Some(actor) = slice.actor {
        query.push(" AND metadata ->> 'actor' = ").push_bind(actor.to_string());
    }
    if let Some(from) = slice.from {
        query.push(" AND recorded_at >= ").push_bind(from);
    }
    if let Some(before) = slice.before {
        query.push(" AND recorded_at < ").push_bind(before);
    }
    query.push(if slice.latest_first { " ORDER BY index DESC LIMIT " } else { " ORDER BY index LIMIT " });
    let rows = query.push_bind(slice.limit).build().fetch_all(executor).await?;
    rows.iter().map(|row| Stored::from_row(row)?.understood()).collect()
}
