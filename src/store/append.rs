//! Decisions are made concurrently and committed in groups: their appends go to two threads of the process that take
//! turns. Each takes whatever has queued up and commits it in one transaction, projections included.

mod groups;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Row as _};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use self::groups::{End, Line, Place, Queue, locked};
use self::rows::{insert, placed};
use super::leaf::canonical;
use super::log::{Envelope, Recorded, StreamName};
use super::{Inline, Trouble};
use crate::domain::Event;
use crate::domain::record::Fact;

/// How many threads append: while one inserts and commits, the other gets ready and inserts what comes next.
const WRITERS: usize = 2;
/// How many decisions may be under way.
const UNDER_WAY: u32 = 4096;
/// The lock that whoever follows another group shares, from before the moment its events tell until they are committed.
const FOLLOWING: i64 = 0x5349_4445_4e45_5854;

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
    /// Kept until it is answered.
    under_way: OwnedSemaphorePermit,
}

/// The door to the threads that append.
#[derive(Clone)]
pub struct Committer {
    queue: mpsc::UnboundedSender<Waiting>,
    under_way: Arc<Semaphore>,
    options: Arc<PgConnectOptions>,
    inline: Arc<[Arc<dyn Inline>]>,
    holding: Arc<tokio::sync::Mutex<()>>,
}

impl Committer {
    /// Start the threads, each on a connection of its own. They end when every door to them is gone.
    #[must_use]
    pub fn start(pool: &PgPool, inline: Vec<Arc<dyn Inline>>) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let options = pool.connect_options().as_ref().clone().options([
            // Statements with unnest are planned once: a plan per call costs more than it saves.
            ("plan_cache_mode", "force_generic_plan"),
            // A process that stands still in the middle of an append must not keep the others waiting.
            ("idle_in_transaction_session_timeout", "10s"),
        ]);
        let (options, inline) = (Arc::new(options), Arc::from(inline));
        let (waiting, line) = (Arc::new(Mutex::new(Queue::new(waiting))), Line::new());
        for _ in 0..WRITERS {
            let (options, inline) = (Arc::clone(&options), Arc::clone(&inline));
            let writer = Writer { options, inline, connection: None, opened: None };
            // Everyone waits for a writer: it must not stand in line with the decisions for a turn of the runtime.
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("the machine has what a runtime needs");
            let (waiting, line) = (Arc::clone(&waiting), Arc::clone(&line));
            let thread = std::thread::Builder::new().name("append".into());
            let started = thread.spawn(move || writer.run(&runtime, &waiting, &line));
            started.expect("the machine has room for a thread");
        }
        let under_way = Arc::new(Semaphore::new(UNDER_WAY as usize));
        Self { queue, under_way, options, inline, holding: Arc::default() }
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
        let stopped = || Trouble::Other("the store is closing".into());
        let under_way = Arc::clone(&self.under_way).acquire_owned().await.map_err(|_| stopped())?;
        let (answer, answered) = oneshot::channel();
        self.queue.send(Waiting { decision, answer, under_way }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Wait until everything handed over so far is answered.
    pub async fn close(&self) {
        let _nobody_else = self.under_way.acquire_many(UNDER_WAY).await;
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
        let (decisions, opened) = ([decision], Opened { follows: false, head: Ok(self.head) });
        let done = transact(&mut self.connection, Some(opened), &self.inline, &decisions, true, None).await;
        let answer = done.map_err(Trouble::from)?.pop();
        let _gone = self.connection.close().await;
        answer.unwrap_or_else(|| Err(Trouble::Other("a decision without an answer".into())))
    }
}

struct Writer {
    options: Arc<PgConnectOptions>,
    inline: Arc<[Arc<dyn Inline>]>,
    connection: Option<PgConnection>,
    opened: Option<Opened>,
}

/// The transaction that was opened on the connection for the next group, and what came of it.
struct Opened {
    /// Whether it follows a group that has yet to commit.
    follows: bool,
    head: sqlx::Result<Head>,
}

/// What a group's events are placed by.
struct Head {
    end: End,
    /// What time it is in the database.
    now: DateTime<Utc>,
}

impl Head {
    /// Open a transaction and lock the end of the log: nobody else appends until it has ended.
    async fn lock(connection: &mut PgConnection) -> sqlx::Result<Self> {
        let head = connection
            .fetch_one("BEGIN; SELECT size, last_recorded_at, now FROM public.lock_log_head()")
            .await?;
        let end = End { size: head.try_get(0)?, last_recorded_at: head.try_get(1)? };
        Ok(Self { end, now: head.try_get(2)? })
    }

    /// Open a transaction for events that come after those of another, which have their places and are not committed.
    /// The database waits for that before it takes the last step of the insertion, and refuses events that do not stand
    /// where the log ends then.
    ///
    /// Somebody else may get hold of the end in between and wait for the places that are taken here, while we wait for
    /// the end: then we are the ones who give way, long before the database would call it a deadlock.
    async fn follow(connection: &mut PgConnection, end: End) -> sqlx::Result<Self> {
        let open = format!(
            "BEGIN; SET LOCAL lock_timeout = '50ms';
             SELECT clock_timestamp() FROM pg_advisory_xact_lock_shared({FOLLOWING})"
        );
        let opened = connection.fetch_one(open.as_str()).await?;
        Ok(Self { end, now: opened.try_get(0)? })
    }
}

/// The time of the database when everything recorded until then is committed or never will be: whoever comes later is
/// recorded later. Appends wait until the transaction has ended.
///
/// # Errors
/// When the database cannot be reached.
pub(super) async fn settled(transaction: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(FOLLOWING).execute(&mut *transaction).await?;
    sqlx::query_scalar("SELECT now FROM public.lock_log_head()").fetch_one(transaction).await
}

/// Why a whole group did not commit.
enum GroupTrouble {
    /// A stream had moved on, or the end of the log: look again, holding the end.
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
    fn run(mut self, runtime: &Runtime, waiting: &Mutex<Queue<Waiting>>, line: &Arc<Line>) {
        loop {
            let mut queue = locked(waiting);
            let Some(first) = queue.first() else { break };
            let before = line.before();
            // Others come while the transaction is being opened.
            runtime.block_on(self.open(before.end));
            let group = queue.gather(first, before.members);
            let place = line.join(before, group.len());
            drop(queue);
            let (mut decisions, mut answers) = (Vec::new(), Vec::new());
            for Waiting { decision, answer, under_way } in group {
                decisions.push(decision);
                answers.push((answer, under_way));
            }
            let results = runtime.block_on(self.commit(&decisions, Some(&place)));
            drop(place);
            for ((answer, _under_way), result) in answers.into_iter().zip(results) {
                // Whoever asked may have gone; what is committed stays committed.
                let _gone = answer.send(result);
            }
        }
        if let Some(connection) = self.connection.take() {
            let _gone = runtime.block_on(connection.close());
        }
    }

    /// Open the transaction of the next group, where there is a connection. What goes wrong is met by the group.
    async fn open(&mut self, after: Option<End>) {
        let Some(connection) = &mut self.connection else { return };
        self.opened = Some(match after {
            Some(end) => Opened { follows: true, head: Head::follow(connection, end).await },
            None => Opened { follows: false, head: Head::lock(connection).await },
        });
    }

    /// Commit a group and say for each decision how it ended.
    async fn commit(&mut self, decisions: &[Decision], place: Option<&Place>) -> Vec<Answer> {
        let verdict = match self.judge(decisions, place).await {
            // Once more on a new connection. Had the lost one committed after all, every decision collides now, is
            // made again, and finds its own command in the stream.
            Err(GroupTrouble::Lost(_)) => self.judge(decisions, place).await,
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
                for one in 0..decisions.len() {
                    results.extend(self.commit_alone(&decisions[one..=one]).await);
                }
                results
            }
        }
    }

    /// Nobody follows these: more of the same group come after them.
    fn commit_alone<'w>(&'w mut self, decision: &'w [Decision]) -> BoxFuture<'w, Vec<Answer>> {
        Box::pin(self.commit(decision, None))
    }

    /// Commit a group; after a collision, only those of it that still rest on what there is.
    async fn judge(
        &mut self,
        decisions: &[Decision],
        place: Option<&Place>,
    ) -> Result<Vec<Answer>, GroupTrouble> {
        match self.attempt(decisions, place, false).await {
            Err(GroupTrouble::Collision) => self.attempt(decisions, place, true).await,
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

    async fn attempt(
        &mut self,
        decisions: &[Decision],
        place: Option<&Place>,
        checked: bool,
    ) -> Result<Vec<Answer>, GroupTrouble> {
        let inline = Arc::clone(&self.inline);
        let opened = self.opened.take();
        let follows = opened.as_ref().is_some_and(|opened| opened.follows);
        let connection = self.connected().await.map_err(|error| GroupTrouble::Unreachable(error.into()))?;
        let work = transact(connection, opened, &inline, decisions, checked, place);
        // A projection that panics is a fault of ours: it must not take a writer of the process with it.
        let result = AssertUnwindSafe(work).catch_unwind().await;
        if !matches!(result, Ok(Ok(_))) {
            place.inspect(|place| place.failed());
        }
        let Ok(result) = result else {
            self.connection = None;
            return Err(GroupTrouble::Other(Trouble::Other("a projection panicked".into())));
        };
        let Err(trouble) = result else { return result };
        let rolled_back = connection.execute("ROLLBACK").await.is_ok();
        if !rolled_back {
            self.connection = None;
        }
        Err(match trouble {
            GroupTrouble::Other(trouble) if !rolled_back => GroupTrouble::Lost(trouble),
            // It may be the fault of whoever was followed, or of somebody who came between.
            GroupTrouble::Other(trouble) if follows => {
                tracing::debug!(%trouble, "a group that followed another begins again");
                place.inspect(|place| place.misled());
                GroupTrouble::Collision
            }
            trouble @ (GroupTrouble::Collision
            | GroupTrouble::Lost(_)
            | GroupTrouble::Unreachable(_)
            | GroupTrouble::Other(_)) => trouble,
        })
    }
}

/// Append a group. Whoever looks first (`checked`) admits only those decisions that still rest on what there is; the others
/// insert first, and look afterwards at the streams that were only read, when the end of the log is theirs in any case.
async fn transact(
    connection: &mut PgConnection,
    opened: Option<Opened>,
    inline: &[Arc<dyn Inline>],
    decisions: &[Decision],
    checked: bool,
    place: Option<&Place>,
) -> Result<Vec<Answer>, GroupTrouble> {
    let follows = opened.as_ref().is_some_and(|opened| opened.follows);
    let Head { end, now } = match opened {
        Some(opened) => opened.head?,
        None => Head::lock(connection).await?,
    };
    let known = if checked { versions(connection, decisions, end, true).await? } else { BTreeMap::new() };
    let admitted = admit(decisions, known);
    let first_at = now.max(end.last_recorded_at + TimeDelta::microseconds(1));
    let (events, texts) = placed(&admitted, end.size, first_at)?;
    let end_then = events.last().map(|last| End { size: last.index + 1, last_recorded_at: last.recorded_at });
    if let (Some(place), Some(end)) = (place, end_then) {
        place.placed(end);
    }
    // Where nothing is inserted, the end of the log does not become ours.
    if follows && (events.is_empty() || place.is_some_and(|place| !place.comes())) {
        return Err(GroupTrouble::Collision);
    }
    if !events.is_empty() {
        insert(connection, &events, &texts).await?;
    }
    if !checked {
        let surely = admit(decisions, versions(connection, decisions, end, false).await?);
        if surely.iter().map(|(place, _)| place).ne(admitted.iter().map(|(place, _)| place)) {
            return Err(GroupTrouble::Collision);
        }
    }
    if let Some(end) = end_then {
        place.inspect(|place| place.inserted(end));
        for projection in inline {
            projection.apply(connection, &events).await?;
        }
        connection.execute("COMMIT").await?;
    } else {
        connection.execute("ROLLBACK").await?;
    }
    let mut answers: Vec<Answer> = decisions.iter().map(|_| Err(Trouble::Conflict)).collect();
    let mut events = events.into_iter();
    for (place, decision) in admitted {
        let added = decision.parts.iter().map(|part| part.facts.len()).sum();
        answers[place] = Ok(events.by_ref().take(added).collect());
    }
    Ok(answers)
}

/// The versions that streams have where the log ended: of all that the decisions rest on, or of those they only read. The
/// key of the table catches a stale append by itself; a stream that was only read has to be looked at.
async fn versions(
    connection: &mut PgConnection,
    decisions: &[Decision],
    end: End,
    all: bool,
) -> sqlx::Result<BTreeMap<StreamName, i64>> {
    let parts = decisions.iter().flat_map(|decision| &decision.parts);
    let streams: BTreeSet<StreamName> =
        parts.filter(|part| all || part.facts.is_empty()).map(|part| part.stream).collect();
    if streams.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (kinds, ids): (Vec<&str>, Vec<String>) =
        streams.iter().map(|stream| (stream.kind, stream.id.to_string())).unzip();
    let versions: Vec<i64> = sqlx::query_scalar(
        "SELECT coalesce((SELECT max(sequence) FROM public.events
                          WHERE aggregate_type = wanted.kind AND aggregate_id = wanted.id AND index < $3), 0)
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (kind, id, place) ORDER BY place",
    )
    .bind(kinds)
    .bind(ids)
    .bind(end.size)
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
