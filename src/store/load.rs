//! Two readers per process, reading in groups: whatever streams decisions want at the same moment are asked for at once,
//! half of them of each, so that the database reads on two cores.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection as _, PgConnection, PgPool, Row as _};
use tokio::sync::{mpsc, oneshot};

use super::Trouble;
use super::log::StreamName;

/// How many streams one question asks for at most.
const LARGEST_GROUP: usize = 64;

/// Each stream is looked up by the key, whatever the planner makes of how many are asked for.
const READ: &str = "
    SELECT sequence, event_type, event_version, payload::text, command_id, index, place
    FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS wanted (kind, id, after, place),
        LATERAL (SELECT * FROM public.events
                 WHERE aggregate_type = kind AND aggregate_id = id AND sequence > after OFFSET 0) AS events
    ORDER BY place, sequence";

struct Wanted {
    stream: StreamName,
    after: i64,
    answer: oneshot::Sender<Result<Vec<PgRow>, Trouble>>,
}

/// The door to the tasks that read streams.
#[derive(Clone)]
pub(super) struct Loader {
    queues: [mpsc::UnboundedSender<Wanted>; 2],
    turn: Arc<AtomicUsize>,
}

impl Loader {
    /// Start the tasks, each on a connection of its own. They end when every door to them is gone.
    pub(super) fn start(pool: &PgPool) -> Self {
        let options = pool.connect_options().as_ref().clone();
        // Planned once, however many streams are asked for: a plan per call costs more than it saves.
        let options = options.options([("plan_cache_mode", "force_generic_plan")]);
        let queues = std::array::from_fn(|_| {
            let (queue, wanted) = mpsc::unbounded_channel();
            tokio::spawn(Reader { options: options.clone(), connection: None }.run(wanted));
            queue
        });
        Self { queues, turn: Arc::default() }
    }

    /// The events of a stream after a sequence, in order: sequence, event_type, event_version, payload, command_id,
    /// index. Everything committed before the call is among them.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) async fn load(&self, stream: StreamName, after: i64) -> Result<Vec<PgRow>, Trouble> {
        let (answer, answered) = oneshot::channel();
        let stopped = || Trouble::Other("the store is closing".into());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        self.queues[turn].send(Wanted { stream, after, answer }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

struct Reader {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Reader {
    async fn run(mut self, mut wanted: mpsc::UnboundedReceiver<Wanted>) {
        while let Some(first) = wanted.recv().await {
            let mut group = VecDeque::from([first]);
            // Those who were answered together come together: each has its turn to ask before all are read.
            tokio::task::yield_now().await;
            while group.len() < LARGEST_GROUP
                && let Ok(one) = wanted.try_recv()
            {
                group.push_back(one);
            }
            self.answer(group).await;
        }
        if let Some(connection) = self.connection.take() {
            let _gone = connection.close().await;
        }
    }

    async fn answer(&mut self, mut group: VecDeque<Wanted>) {
        // Once more on a new connection: the server may have ended the old one long ago.
        if self.read(&mut group).await.is_ok() {
            return;
        }
        if let Err(error) = self.read(&mut group).await {
            let why = error.to_string();
            for one in group {
                let _gone = one.answer.send(Err(Trouble::Other(why.clone())));
            }
        }
    }

    /// Read the streams of a group, and answer each as soon as it is there.
    async fn read(&mut self, group: &mut VecDeque<Wanted>) -> sqlx::Result<()> {
        // What fails or is not read to its end is not used again.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options).await?,
        };
        let mut rows = sqlx::query(READ)
            .bind(group.iter().map(|one| one.stream.kind).collect::<Vec<_>>())
            .bind(group.iter().map(|one| one.stream.id.to_string()).collect::<Vec<_>>())
            .bind(group.iter().map(|one| one.after).collect::<Vec<_>>())
            .fetch(&mut connection);
        let mut answer = |rows| {
            // Whoever asked may have gone.
            group.pop_front().map(|one| one.answer.send(Ok(rows)).is_ok())
        };
        let (mut place, mut stream) = (1, Vec::new());
        while let Some(row) = rows.try_next().await? {
            let of: i64 = row.try_get(6)?;
            while place < of {
                answer(std::mem::take(&mut stream));
                place += 1;
            }
            stream.push(row);
        }
        drop(rows);
        while answer(std::mem::take(&mut stream)).is_some() {}
        self.connection = Some(connection);
        Ok(())
    }
}
