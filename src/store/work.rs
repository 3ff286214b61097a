//! A unit of work: one decision over one or several streams, made on cqrs-es and committed as one.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventEnvelope, EventStore};
use futures_util::future::BoxFuture;
use sqlx::Row as _;
use uuid::Uuid;

use super::append::{Decision, Draft, Held, Part, Receipt};
use super::cqrs::{Happened, Stream};
use super::log::{Envelope, StreamName};
use super::turns::Turn;
use super::{Store, Trouble, upcast};
use crate::domain::identity::CommandId;
use crate::domain::{Aggregate, Circumstances, Refused};

/// How often a decision is made while others may be faster. The try after these holds the end of the log.
const TRIES: u32 = 8;

type Commands = Arc<Mutex<HashMap<CommandId, i64>>>;

/// An aggregate kept in memory: as it was at a version, and which commands its stream has seen.
#[derive(Clone)]
pub struct Kept {
    version: i64,
    state: Arc<dyn Any + Send + Sync>,
    commands: Commands,
}

struct Entry {
    expected: i64,
    state: Arc<dyn Any + Send + Sync>,
    commands: Commands,
    facts: Vec<Draft>,
}

struct Inner {
    store: Store,
    fresh: bool,
    streams: Mutex<BTreeMap<StreamName, Entry>>,
}

/// The decision being made.
pub struct Work {
    inner: Arc<Inner>,
    at: Circumstances,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work {
    /// What surrounds the decision.
    #[must_use]
    pub const fn circumstances(&self) -> &Circumstances {
        &self.at
    }

    /// Look at a stream the decision rests on. The decision is refused should the stream move on before it commits.
    ///
    /// # Errors
    /// When the stream cannot be loaded.
    pub async fn read<A: Aggregate>(&mut self, id: impl Into<Uuid>) -> Result<Arc<A>, Trouble> {
        self.inner.load::<A>(id.into()).await.map(|(state, _)| state)
    }

    /// Look at a stream that must exist; see [`Work::read`].
    ///
    /// # Errors
    /// [`Trouble::Unknown`] when nothing was ever recorded in it.
    pub async fn existing<A: Aggregate>(&mut self, id: impl Into<Uuid>) -> Result<Arc<A>, Trouble> {
        let (state, version) = self.inner.load::<A>(id.into()).await?;
        if version == 0 { Err(Trouble::Unknown(A::TYPE)) } else { Ok(state) }
    }

    /// How many events a stream has in this decision; see [`Work::read`].
    ///
    /// # Errors
    /// When the stream cannot be loaded.
    pub async fn version<A: Aggregate>(&mut self, id: impl Into<Uuid>) -> Result<i64, Trouble> {
        self.inner.load::<A>(id.into()).await.map(|(_, version)| version)
    }

    /// Ask something of an aggregate. What follows from it is staged and committed with the rest.
    ///
    /// # Errors
    /// The refusal, or what keeps the stream from being loaded.
    pub async fn execute<A: Aggregate>(
        &mut self,
        id: impl Into<Uuid>,
        command: A::Command,
    ) -> Result<(), Trouble> {
        let staging = Staging(Arc::clone(&self.inner));
        CqrsFramework::<Stream<A>, Staging>::new(staging, Vec::new(), self.at.clone())
            .execute(&id.into().to_string(), command)
            .await
            .map_err(trouble)
    }
}

fn trouble(error: AggregateError<Refused>) -> Trouble {
    match error {
        AggregateError::UserError(refused) => Trouble::Refused(refused),
        AggregateError::AggregateConflict => Trouble::Conflict,
        AggregateError::DatabaseConnectionError(error)
        | AggregateError::DeserializationError(error)
        | AggregateError::UnexpectedError(error) => match error.downcast::<Trouble>() {
            Ok(trouble) => *trouble,
            Err(error) => Trouble::Other(error.to_string()),
        },
    }
}

fn unexpected(trouble: Trouble) -> AggregateError<Refused> {
    AggregateError::UnexpectedError(Box::new(trouble))
}

/// The `EventStore` of a unit of work: loads through the log, stages instead of committing.
struct Staging(Arc<Inner>);

/// An aggregate under decision.
struct Staged<A> {
    id: Uuid,
    version: i64,
    stream: Stream<A>,
}

impl<A: Aggregate> AggregateContext<Stream<A>> for Staged<A> {
    fn aggregate(&mut self) -> &mut Stream<A> {
        &mut self.stream
    }
}

impl<A: Aggregate> EventStore<Stream<A>> for Staging {
    type AC = Staged<A>;

    async fn load_events(&self, id: &str) -> Result<Vec<EventEnvelope<Stream<A>>>, AggregateError<Refused>> {
        let repository = postgres_es::PostgresEventRepository::new(self.0.store.pool.clone());
        let store = cqrs_es::persist::PersistedEventStore::<_, Stream<A>>::new_event_store(repository);
        store.load_events(id).await
    }

    async fn load_aggregate(&self, id: &str) -> Result<Staged<A>, AggregateError<Refused>> {
        let id = Uuid::parse_str(id).map_err(|error| unexpected(Trouble::Other(error.to_string())))?;
        let (state, version) = self.0.load::<A>(id).await.map_err(unexpected)?;
        Ok(Staged { id, version, stream: Stream(A::clone(&state)) })
    }

    async fn commit(
        &self,
        events: Vec<Happened<A::Event>>,
        context: Staged<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Stream<A>>>, AggregateError<Refused>> {
        let name = StreamName { kind: A::TYPE, id: context.id };
        let drafts: Result<Vec<Draft>, Trouble> =
            events.iter().map(|event| Draft::new(event.0.clone())).collect();
        let drafts = drafts.map_err(unexpected)?;
        if let Some(entry) = locked(&self.0.streams).get_mut(&name) {
            entry.facts.extend(drafts);
            entry.state = Arc::new(context.stream.0);
        }
        let sequences = usize::try_from(context.version).unwrap_or_default() + 1..;
        Ok(sequences
            .zip(events)
            .map(|(sequence, payload)| EventEnvelope {
                aggregate_id: context.id.to_string(),
                sequence,
                payload,
                metadata: metadata.clone(),
            })
            .collect())
    }
}

impl Inner {
    /// The state of a stream in this unit of work, and its version with what is staged.
    async fn load<A: Aggregate>(&self, id: Uuid) -> Result<(Arc<A>, i64), Trouble> {
        let name = StreamName { kind: A::TYPE, id };
        let staged = locked(&self.streams)
            .get(&name)
            .map(|entry| (Arc::clone(&entry.state), entry.expected, entry.facts.len()));
        let (state, version) = if let Some((state, expected, facts)) = staged {
            (state, expected + i64::try_from(facts).unwrap_or_default())
        } else {
            let kept = self.store.keep::<A>(name, self.fresh).await?;
            let entry = Entry {
                expected: kept.version,
                state: Arc::clone(&kept.state),
                commands: kept.commands,
                facts: Vec::new(),
            };
            locked(&self.streams).insert(name, entry);
            (kept.state, kept.version)
        };
        let state =
            state.downcast::<A>().map_err(|_| Trouble::Other(format!("{name:?} is of another type")))?;
        Ok((state, version))
    }
}

impl Store {
    /// Make a decision and append what follows from it, all or nothing. It must add something to the stream `first`,
    /// where the command is remembered. `plan` may run several times: when others
    /// were faster, or when it failed on what memory held, it runs again on what the log holds.
    ///
    /// A command that was carried out before ends in [`Trouble::Repeated`] with its first receipt.
    ///
    /// # Errors
    /// What the plan says, [`Trouble::Stale`] when `seen` is not the version of the first stream, and
    /// [`Trouble::Conflict`] when the end of the log, held at last because others kept being faster, slipped away.
    pub async fn decide<A, T, E, P>(
        &self,
        envelope: Envelope,
        first: Uuid,
        seen: Option<i64>,
        plan: P,
    ) -> Result<(T, Receipt), E>
    where
        A: Aggregate,
        E: From<Trouble>,
        P: for<'w> Fn(&'w mut Work) -> BoxFuture<'w, Result<T, E>> + Send + Sync,
    {
        let at = Circumstances {
            on: envelope.effective_on,
            today: envelope.today,
            actor: envelope.actor,
            reason: envelope.reason.clone(),
        };
        let (mut fresh, mut turn) = (false, Turn::default());
        for tried in 0..=TRIES {
            let held = if tried < TRIES { None } else { Some(self.committer.hold().await?) };
            let inner = Inner { store: self.clone(), fresh, streams: Mutex::default() };
            let mut work = Work { inner: Arc::new(inner), at: at.clone() };
            match self.attempt::<A, T, E, P>(&mut work, held, &envelope, first, seen, &plan).await? {
                Attempt::Done(answer) => return Ok(answer),
                Attempt::Said(error) if fresh => return Err(error),
                Attempt::Said(_) => {}
                Attempt::Overtaken(streams) => self.turns.take(&mut turn, streams).await,
            }
            fresh = true;
        }
        Err(Trouble::Conflict.into())
    }

    /// Look at an aggregate as the log has it now, without deciding anything.
    ///
    /// # Errors
    /// [`Trouble::Unknown`] when nothing was ever recorded in it, or when it cannot be loaded.
    pub async fn look<A: Aggregate>(&self, id: impl Into<Uuid>) -> Result<Arc<A>, Trouble> {
        let kept = self.keep::<A>(StreamName { kind: A::TYPE, id: id.into() }, true).await?;
        if kept.version == 0 {
            return Err(Trouble::Unknown(A::TYPE));
        }
        kept.state.downcast::<A>().map_err(|_| Trouble::Other("an aggregate of another type".into()))
    }

    async fn attempt<A, T, E, P>(
        &self,
        work: &mut Work,
        held: Option<Held>,
        envelope: &Envelope,
        first: Uuid,
        seen: Option<i64>,
        plan: &P,
    ) -> Result<Attempt<T, E>, E>
    where
        A: Aggregate,
        E: From<Trouble>,
        P: for<'w> Fn(&'w mut Work) -> BoxFuture<'w, Result<T, E>> + Send + Sync,
    {
        let (_, version) = work.inner.load::<A>(first).await?;
        let name = StreamName { kind: A::TYPE, id: first };
        let before = locked(&work.inner.streams)
            .get(&name)
            .and_then(|entry| locked(&entry.commands).get(&envelope.command).copied());
        if let Some(index) = before {
            return Err(Trouble::Repeated(self.first_receipt(envelope.command, index).await?).into());
        }
        // The plan speaks first: whoever may not know of the stream is told so there, and learns no version of it here.
        let answer = match plan(work).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Attempt::Said(error)),
        };
        if let Some(expected) = seen.filter(|seen| *seen != version) {
            return Ok(Attempt::Said(Trouble::Stale { expected, found: version }.into()));
        }
        let entries = std::mem::take(&mut *locked(&work.inner.streams));
        // The command is remembered by the events it added there: elsewhere a repetition would not be seen.
        if entries.get(&name).is_none_or(|entry| entry.facts.is_empty()) {
            return Err(Trouble::Other("a decision added nothing to its first stream".into()).into());
        }
        let streams = entries.keys().copied().collect();
        match self.append(held, envelope, entries).await {
            Ok(receipt) => Ok(Attempt::Done((answer, receipt))),
            Err(Trouble::Conflict) => Ok(Attempt::Overtaken(streams)),
            Err(other) => Err(other.into()),
        }
    }

    async fn append(
        &self,
        held: Option<Held>,
        envelope: &Envelope,
        entries: BTreeMap<StreamName, Entry>,
    ) -> Result<Receipt, Trouble> {
        let mut parts = Vec::with_capacity(entries.len());
        let mut moved = Vec::new();
        for (stream, entry) in entries {
            let added = i64::try_from(entry.facts.len()).unwrap_or_default();
            if added > 0 {
                let version = entry.expected + added;
                moved.push((stream, Kept { version, state: entry.state, commands: entry.commands }));
            }
            parts.push(Part { stream, expected: entry.expected, facts: entry.facts });
        }
        let decision = Decision { envelope: envelope.clone(), parts };
        let recorded = match held {
            Some(held) => held.append(decision).await?,
            None => self.committer.append(decision).await?,
        };
        let last = recorded.last().ok_or_else(|| Trouble::Other("nothing was recorded".into()))?;
        let receipt = Receipt { index: last.index, leaf_hash: last.leaf_hash, recorded_at: last.recorded_at };
        let mut kept = locked(&self.kept);
        for (stream, state) in moved {
            locked(&state.commands).insert(envelope.command, last.index);
            if kept.get(&stream).is_none_or(|older| older.version < state.version) {
                kept.put(stream, state);
            }
        }
        Ok(receipt)
    }

    /// The events of one decision stand side by side, so the last one is found from any of them.
    async fn first_receipt(&self, command: CommandId, near: i64) -> Result<Receipt, Trouble> {
        let row = sqlx::query(
            "SELECT index, leaf_hash, recorded_at FROM public.events
             WHERE index >= $1 AND index < coalesce(
                 (SELECT min(index) FROM public.events
                  WHERE index > $1 AND index < $1 + 1000 AND command_id IS DISTINCT FROM $2), $1 + 1000)
             ORDER BY index DESC LIMIT 1",
        )
        .bind(near)
        .bind(command.0)
        .fetch_one(&self.pool)
        .await?;
        let hash: Vec<u8> = row.try_get(1)?;
        let index = row.try_get(0)?;
        let leaf_hash = hash.try_into().map_err(|_| Trouble::damaged(index, &"bad leaf hash"))?;
        Ok(Receipt { index, leaf_hash, recorded_at: row.try_get(2)? })
    }

    /// An aggregate from memory, or brought up to date from the log when it is not there or `fresh` is asked for.
    async fn keep<A: Aggregate>(&self, name: StreamName, fresh: bool) -> Result<Kept, Trouble> {
        let kept = locked(&self.kept).get(&name).cloned();
        if let Some(kept) = kept.as_ref().filter(|_| !fresh) {
            return Ok(kept.clone());
        }
        let (mut version, mut state, commands) = match kept {
            Some(kept) => {
                let state = kept.state.downcast::<A>().map_err(|_| Trouble::Other("type".into()))?;
                (kept.version, A::clone(&state), kept.commands)
            }
            None => (0, A::default(), Commands::default()),
        };
        for row in self.loader.load(name, version).await? {
            let (event, stored): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
            let fact = upcast::read(name.kind, event, stored, row.try_get(3)?)?;
            let event =
                A::Event::try_from(fact).map_err(|_| Trouble::Other("an event of another stream".into()))?;
            state.evolve(&event);
            version = row.try_get(0)?;
            if let Some(command) = row.try_get::<Option<Uuid>, _>(4)? {
                locked(&commands).insert(CommandId(command), row.try_get(5)?);
            }
        }
        let kept = Kept { version, state: Arc::new(state), commands };
        if version > 0 {
            locked(&self.kept).put(name, kept.clone());
        }
        Ok(kept)
    }
}

enum Attempt<T, E> {
    Done((T, Receipt)),
    Said(E),
    Overtaken(BTreeSet<StreamName>),
}
