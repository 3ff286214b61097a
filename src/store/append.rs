//! One writer per process, committing in groups: decisions are made concurrently, their appends go to one thread that
//! takes whatever has queued up and commits it in one transaction, projections included.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rand::Rng as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Row as _};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedMutexGuard, mpsc, oneshot};
use uuid::Uuid;

use super::leaf::{Leaf, canonical, canonical_entries};
use super::log::{Envelope, Recorded, StreamName};
use super::{Inline, Trouble};
use crate::domain::Event;
use crate::domain::record::Fact;

/// How many decisions one transaction takes at most.
const LARGEST_GROUP: usize = 64;
/// How many decisions may wait.
const QUEUE: usize = 4096;
/// How long the writer looks away while others may be coming; Linux makes about 65 µs of it.
const LOOK_AWAY: Duration = Duration::from_micros(10);
/// So many looks at which nobody new has come end the waiting for others.
const PATIENCE: u32 = 4;

/// Proof that an event is in the log: its position and its leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Position of the last event of the decision.
    pub index: i64,
    /// Its leaf hash.
    pub leaf_hash: [u8; 32],
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// What a decision found in one stream, and what it adds to it, if anything.
#[derive(Debug)]
pub struct Part {
    /// Which stream.
    pub stream: StreamName,
    /// The version the decision rests on: it is refused when the stream has moved on, also where nothing is added.
    pub expected: i64,
    /// What it adds.
    pub facts: Vec<Draft>,
}

/// An event before it has its place.
#[derive(Debug)]
pub struct Draft {
    /// What happened.
    pub fact: Fact,
    /// Its payload in RFC 8785 form.
    pub payload: String,
}

impl Draft {
    /// Write an event of any aggregate down.
    ///
    /// # Errors
    /// When it holds a number the log does not take.
    pub fn new<E: Event>(event: E) -> Result<Self, Trouble> {
        let payload = canonical(&event)?;
        Ok(Self { fact: event.into(), payload })
    }
}

/// A decision over one or several streams: all of it is appended, or nothing.
#[derive(Debug)]
pub struct Decision {
    /// What surrounds it.
    pub envelope: Envelope,
    /// The streams it rests on.
    pub parts: Vec<Part>,
}

type Answer = Result<Vec<Recorded>, Trouble>;

struct Waiting {
    decision: Decision,
    answer: oneshot::Sender<Answer>,
}

/// The door to the thread that appends.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::Sender<Waiting>,
    options: Arc<PgConnectOptions>,
    inline: Arc<[Arc<dyn Inline>]>,
    holding: Arc<tokio::sync::Mutex<()>>,
}

impl Committer {
    /// Start the thread, on a connection of its own. It ends when every door to it is gone.
    #[must_use]
    pub fn start(pool: &PgPool, inline: Vec<Arc<dyn Inline>>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let options = pool.connect_options().as_ref().clone().options([
            // Statements with unnest are planned once: a plan per call costs more than it saves.
            ("plan_cache_mode", "force_generic_plan"),
            // A process that stands still in the middle of an append must not keep the others waiting.
            ("idle_in_transaction_session_timeout", "10s"),
        ]);
        let (options, inline) = (Arc::new(options), Arc::from(inline));
        let (own_options, own_inline) = (Arc::clone(&options), Arc::clone(&inline));
        let writer = Writer { options: own_options, inline: own_inline, connection: None, opened: None };
        // Everyone waits for the writer: it must not stand in line with the decisions for a turn of the runtime.
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the machine has what a runtime needs");
        let thread = std::thread::Builder::new().name("append".into());
        thread.spawn(move || writer.run(&runtime, waiting)).expect("the machine has room for a thread");
        Self { queue, options, inline, holding: Arc::default() }
    }

    /// Hold the end of the log, on a connection of its own: what is decided until it is let go cannot be overtaken,
    /// whichever process the others are in. Everybody who appends waits meanwhile, so it is the last resort.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) async fn hold(&self) -> Result<Held, Trouble> {
        let alone = Arc::clone(&self.holding).lock_owned().await;
        let mut connection = PgConnection::connect_with(&self.options).await?;
        let head = Head::lock(&mut connection).await?;
        Ok(Held { connection, head, inline: Arc::clone(&self.inline), _alone: alone })
    }

    /// Append a decision. Once it is handed over, it is committed or refused whatever becomes of the caller.
    ///
    /// # Errors
    /// [`Trouble::Conflict`] when a stream moved on; nothing is appended then.
    pub async fn append(&self, decision: Decision) -> Answer {
        let (answer, answered) = oneshot::channel();
        let stopped = || Trouble::Other("the store is closing".into());
        self.queue.send(Waiting { decision, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Wait until everything handed over so far is answered.
    pub async fn close(&self) {
        // A decision of nothing goes through the queue like any other: when it is answered, all before it are.
        let nobody = crate::domain::identity::Actor {
            person: crate::domain::identity::PersonId(Uuid::nil()),
            role: crate::domain::identity::Role::Public,
        };
        let envelope = Envelope {
            command: Uuid::nil().into(),
            actor: nobody,
            effective_on: crate::domain::calendar::Date::MIN,
            today: crate::domain::calendar::Date::MIN,
            reason: None,
            correlation: None,
            causation: None,
        };
        let _done = self.append(Decision { envelope, parts: Vec::new() }).await;
    }
}

/// The end of the log, held for one decision; see [`Committer::hold`]. Dropped, it is let go with nothing appended.
pub(super) struct Held {
    connection: PgConnection,
    head: Head,
    inline: Arc<[Arc<dyn Inline>]>,
    /// One process holds it once: the others of it would only take connections to wait on.
    _alone: OwnedMutexGuard<()>,
}

impl Held {
    /// Append the decision that was made meanwhile, and let go.
    ///
    /// # Errors
    /// As [`Committer::append`].
    pub(super) async fn append(mut self, decision: Decision) -> Answer {
        let decisions = [decision];
        let done = transact(&mut self.connection, Some(Ok(self.head)), &self.inline, &decisions, true).await;
        let answer = done.map_err(Trouble::from)?.pop();
        let _gone = self.connection.close().await;
        answer.unwrap_or_else(|| Err(Trouble::Other("a decision without an answer".into())))
    }
}

struct Writer {
    options: Arc<PgConnectOptions>,
    inline: Arc<[Arc<dyn Inline>]>,
    connection: Option<PgConnection>,
    /// What came of opening the next transaction on the connection.
    opened: Option<sqlx::Result<Head>>,
}

/// Where the log ends; nobody else appends until the transaction that asked has ended.
struct Head {
    size: i64,
    last_recorded_at: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Head {
    /// Open a transaction and lock the end of the log.
    async fn lock(connection: &mut PgConnection) -> sqlx::Result<Self> {
        let head = connection
            .fetch_one("BEGIN; SELECT size, last_recorded_at, now FROM public.lock_log_head()")
            .await?;
        Ok(Self { size: head.try_get(0)?, last_recorded_at: head.try_get(1)?, now: head.try_get(2)? })
    }
}

/// Those who were answered together come back together. Without a moment of patience the first of them would be
/// committed alone, and all the others in the group after it. The moment ends when as many are there as the last time,
/// or when nobody new has come for a while; whoever is always alone never waits.
fn gather(waiting: &mut mpsc::Receiver<Waiting>, group: &mut Vec<Waiting>, last: usize) {
    let mut in_vain = 0;
    loop {
        let before = group.len();
        while group.len() < LARGEST_GROUP
            && let Ok(one) = waiting.try_recv()
        {
            group.push(one);
        }
        in_vain = if group.len() > before { 0 } else { in_vain + 1 };
        if group.len() >= last || in_vain == PATIENCE {
            return;
        }
        std::thread::sleep(LOOK_AWAY);
    }
}

/// Why a whole group did not commit.
enum GroupTrouble {
    /// A stream had moved on: find out whose.
    Collision,
    /// The connection was lost on the way, at the worst while it committed.
    Lost(Trouble),
    /// There is no connection to be had.
    Unreachable(Trouble),
    /// Something else; it may be the fault of one decision.
    Other(Trouble),
}

impl From<sqlx::Error> for GroupTrouble {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().and_then(|error| error.constraint()) {
            Some("events_pkey" | "events_index_key") => Self::Collision,
            _ => Self::Other(error.into()),
        }
    }
}

impl From<GroupTrouble> for Trouble {
    fn from(trouble: GroupTrouble) -> Self {
        match trouble {
            GroupTrouble::Collision => Self::Conflict,
            GroupTrouble::Lost(trouble)
            | GroupTrouble::Unreachable(trouble)
            | GroupTrouble::Other(trouble) => trouble,
        }
    }
}

impl From<Trouble> for GroupTrouble {
    fn from(trouble: Trouble) -> Self {
        if let Trouble::Database(error) = trouble { error.into() } else { Self::Other(trouble) }
    }
}

impl Writer {
    fn run(mut self, runtime: &Runtime, mut waiting: mpsc::Receiver<Waiting>) {
        let mut last = 0;
        while let Some(first) = waiting.blocking_recv() {
            let mut group = vec![first];
            // Others come while the end of the log is being locked.
            runtime.block_on(self.open());
            gather(&mut waiting, &mut group, last);
            last = group.len();
            let (decisions, answers): (Vec<_>, Vec<_>) =
                group.into_iter().map(|one| (one.decision, one.answer)).unzip();
            let results = runtime.block_on(self.commit(&decisions));
            for (answer, result) in answers.into_iter().zip(results) {
                // Whoever asked may have gone; what is committed stays committed.
                let _gone = answer.send(result);
            }
        }
        if let Some(connection) = self.connection.take() {
            let _gone = runtime.block_on(connection.close());
        }
    }

    /// Open the transaction of the next group, where there is a connection. What goes wrong is met by the group.
    async fn open(&mut self) {
        if let Some(connection) = &mut self.connection {
            self.opened = Some(Head::lock(connection).await);
        }
    }

    /// Commit a group and say for each decision how it ended.
    async fn commit(&mut self, decisions: &[Decision]) -> Vec<Answer> {
        let verdict = match self.judge(decisions).await {
            // Once more on a new connection. Had the lost one committed after all, every decision collides now, is
            // made again, and finds its own command in the stream.
            Err(GroupTrouble::Lost(_)) => self.judge(decisions).await,
            other => other,
        };
        match verdict {
            Ok(results) => results,
            Err(GroupTrouble::Collision) => decisions.iter().map(|_| Err(Trouble::Conflict)).collect(),
            Err(
                GroupTrouble::Lost(trouble)
                | GroupTrouble::Unreachable(trouble)
                | GroupTrouble::Other(trouble),
            ) if decisions.len() == 1 => vec![Err(trouble)],
            Err(GroupTrouble::Unreachable(trouble)) => {
                decisions.iter().map(|_| Err(Trouble::Other(trouble.to_string()))).collect()
            }
            Err(GroupTrouble::Lost(trouble) | GroupTrouble::Other(trouble)) => {
                tracing::debug!(%trouble, "a group failed and is run one by one");
                let mut results = Vec::with_capacity(decisions.len());
                for place in 0..decisions.len() {
                    results.extend(self.commit_boxed(&decisions[place..=place]).await);
                }
                results
            }
        }
    }

    fn commit_boxed<'w>(&'w mut self, decisions: &'w [Decision]) -> BoxFuture<'w, Vec<Answer>> {
        Box::pin(self.commit(decisions))
    }

    /// Commit a group; after a collision, only those of it that still rest on what there is.
    async fn judge(&mut self, decisions: &[Decision]) -> Result<Vec<Answer>, GroupTrouble> {
        match self.attempt(decisions, false).await {
            Err(GroupTrouble::Collision) => self.attempt(decisions, true).await,
            other => other,
        }
    }

    async fn connected(&mut self) -> sqlx::Result<&mut PgConnection> {
        let mut tried = 0;
        let connection = loop {
            if let Some(connection) = self.connection.take() {
                break connection;
            }
            match PgConnection::connect_with(&self.options).await {
                Ok(fresh) => break fresh,
                Err(error) if tried >= 4 => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(50 << tried)).await,
            }
            tried += 1;
        };
        Ok(self.connection.insert(connection))
    }

    async fn attempt(&mut self, decisions: &[Decision], checked: bool) -> Result<Vec<Answer>, GroupTrouble> {
        let inline = Arc::clone(&self.inline);
        let opened = self.opened.take();
        let connection = self.connected().await.map_err(|error| GroupTrouble::Unreachable(error.into()))?;
        // A projection that panics is a fault of ours: it must not take the one writer of the process with it.
        let result =
            AssertUnwindSafe(transact(connection, opened, &inline, decisions, checked)).catch_unwind().await;
        let Ok(result) = result else {
            self.connection = None;
            return Err(GroupTrouble::Other(Trouble::Other("a projection panicked".into())));
        };
        match result {
            Err(trouble) if connection.execute("ROLLBACK").await.is_err() => {
                self.connection = None;
                Err(if let GroupTrouble::Other(trouble) = trouble {
                    GroupTrouble::Lost(trouble)
                } else {
                    trouble
                })
            }
            other => other,
        }
    }
}

async fn transact(
    connection: &mut PgConnection,
    opened: Option<sqlx::Result<Head>>,
    inline: &[Arc<dyn Inline>],
    decisions: &[Decision],
    checked: bool,
) -> Result<Vec<Answer>, GroupTrouble> {
    let head = match opened {
        Some(head) => head?,
        None => Head::lock(connection).await?,
    };
    let known = known_versions(connection, decisions, checked).await?;
    let admitted = admit(decisions, known);
    let first_at = head.now.max(head.last_recorded_at + TimeDelta::microseconds(1));
    let (events, texts) = placed(&admitted, head.size, first_at)?;
    if events.is_empty() {
        connection.execute("ROLLBACK").await?;
    } else {
        insert(connection, &events, &texts).await?;
        for projection in inline {
            projection.apply(connection, &events).await?;
        }
        connection.execute("COMMIT").await?;
    }
    let mut answers: Vec<Answer> = decisions.iter().map(|_| Err(Trouble::Conflict)).collect();
    let mut events = events.into_iter();
    for (place, decision) in admitted {
        let added = decision.parts.iter().map(|part| part.facts.len()).sum();
        answers[place] = Ok(events.by_ref().take(added).collect());
    }
    Ok(answers)
}

/// The versions of the streams that must be known before anything is inserted. The key of the table catches a stale
/// append by itself; a stream that was only read has to be looked at, and after a collision all of them.
async fn known_versions(
    connection: &mut PgConnection,
    decisions: &[Decision],
    checked: bool,
) -> sqlx::Result<BTreeMap<StreamName, i64>> {
    let parts = decisions.iter().flat_map(|decision| &decision.parts);
    let streams: BTreeSet<StreamName> =
        parts.filter(|part| checked || part.facts.is_empty()).map(|part| part.stream).collect();
    if streams.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (kinds, ids): (Vec<&str>, Vec<String>) =
        streams.iter().map(|stream| (stream.kind, stream.id.to_string())).unzip();
    let versions: Vec<i64> = sqlx::query_scalar(
        "SELECT coalesce((SELECT max(sequence) FROM public.events
                          WHERE aggregate_type = wanted.kind AND aggregate_id = wanted.id), 0)
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (kind, id, place) ORDER BY place",
    )
    .bind(kinds)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    Ok(streams.into_iter().zip(versions).collect())
}

type Admitted<'d> = Vec<(usize, &'d Decision)>;

/// Which decisions still rest on what there is, in the order in which they came. What one adds, the next must know.
fn admit(decisions: &[Decision], mut known: BTreeMap<StreamName, i64>) -> Admitted<'_> {
    let mut admitted = Vec::new();
    for (place, decision) in decisions.iter().enumerate() {
        let holds = |part: &Part| known.get(&part.stream).is_none_or(|version| *version == part.expected);
        if !decision.parts.iter().all(holds) {
            continue;
        }
        for part in &decision.parts {
            let added = i64::try_from(part.facts.len()).unwrap_or(i64::MAX);
            known.insert(part.stream, part.expected + added);
        }
        admitted.push((place, decision));
    }
    admitted
}

/// What goes into the log of an event as text, beside what is [`Recorded`].
struct Texts<'d> {
    payload: &'d str,
    metadata: String,
    nonce: String,
}

/// Give every event its place, time, id, nonce and leaf.
fn placed<'d>(
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

async fn insert(connection: &mut PgConnection, events: &[Recorded], texts: &[Texts<'_>]) -> sqlx::Result<()> {
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
