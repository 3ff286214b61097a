//! Building projections from nothing: the log streams out, is folded in memory, and streams into fresh tables that
//! take the place of the old ones in one transaction. `verify` builds the same way and compares instead.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Row as _};
use tokio::sync::mpsc;

use super::{ABOUT_PEOPLE, Projection, STANDING, Table, Trouble, all};
use crate::store::copy::InOrder;

/// How many bytes go into the database at a time.
const CHUNK: usize = 1 << 18;
/// How often readers may be in the way of a swap before a rebuild gives up.
const SWAPS: u32 = 60;
/// The schema that is built into before it takes the place of what stands.
const NEXT: &str = "views_next";
/// Told how many events are done, and how many there are.
pub type Progress<'p> = &'p (dyn Fn(i64, i64) + Send + Sync);

/// Held while projections are built, so that two processes do not build into the same tables. Any number does that
/// nobody else takes.
const TURN: i64 = 0x5349_4445_5649_4557;

/// A connection of its own, with the turn to build. It is not the pool's: a copy that broke off leaves a connection
/// unfit for use, and the turn ends with the connection, however that goes.
async fn turn(owner: &PgPool) -> Result<PgConnection, Trouble> {
    let mut connection = PgConnection::connect_with(&owner.connect_options()).await?;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TURN).execute(&mut connection).await?;
    Ok(connection)
}

/// Make the projections stand: build them if something is missing or of another version.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub(super) async fn make_stand(owner: &PgPool) -> Result<(), Trouble> {
    let mut connection = turn(owner).await?;
    if stands(&mut connection).await? {
        connection.close().await?;
        return Ok(());
    }
    rebuild_in_turn(owner, connection, &|_, _| {}).await.map(|_| ())
}

/// Whether every projection stands in the version of this program, and no other.
async fn stands(connection: &mut PgConnection) -> Result<bool, Trouble> {
    let register: bool =
        sqlx::query_scalar(&format!("SELECT to_regclass('{STANDING}.standing') IS NOT NULL"))
            .fetch_one(&mut *connection)
            .await?;
    if !register {
        return Ok(false);
    }
    let mut standing: Vec<(String, i32)> = sqlx::query_as(&format!(
        "SELECT name, version FROM {STANDING}.standing WHERE to_regclass('{STANDING}.' || name) IS NOT NULL"
    ))
    .fetch_all(connection)
    .await?;
    let mut wanted: Vec<(String, i32)> =
        all().iter().map(|one| (one.table().name.to_string(), one.version())).collect();
    standing.sort_unstable();
    wanted.sort_unstable();
    Ok(standing == wanted)
}

/// Build every projection beside what stands and put it in its place. Returns how many events it read.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read; what stood, stands.
pub async fn rebuild(owner: &PgPool, progress: Progress<'_>) -> Result<i64, Trouble> {
    let connection = turn(owner).await?;
    rebuild_in_turn(owner, connection, progress).await
}

async fn rebuild_in_turn(
    owner: &PgPool,
    mut connection: PgConnection,
    progress: Progress<'_>,
) -> Result<i64, Trouble> {
    let mut built = build(owner, &mut connection, NEXT, progress).await?;
    let mut tried = 0;
    loop {
        // What came in meanwhile is caught up with first, so that the log is held for the very last of it only.
        let size: i64 =
            sqlx::query_scalar("SELECT size FROM public.log_head").fetch_one(&mut connection).await?;
        catch_up(&mut connection, NEXT, built, size).await?;
        built = size;
        match swap(&mut connection, built).await {
            Ok(size) => {
                connection.close().await?;
                return Ok(size);
            }
            Err(Trouble::Database(error)) if is_lock_timeout(&error) && tried < SWAPS => tried += 1,
            Err(other) => return Err(other),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Whether somebody who reads was in the way. Waiting longer would keep everyone else waiting too, and might end in a
/// deadlock that the reader is made to pay for.
fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "55P03")
}

/// Put the freshly built tables, up to date to some size of the log, in the place of the old ones.
async fn swap(connection: &mut PgConnection, built: i64) -> Result<i64, Trouble> {
    let mut swap = connection.begin().await?;
    // From here on nobody appends until the new tables stand.
    let size: i64 =
        sqlx::query_scalar("SELECT size FROM public.lock_log_head()").fetch_one(&mut *swap).await?;
    catch_up(&mut swap, NEXT, built, size).await?;
    let versions = all().into_iter().map(|projection| {
        let (name, version) = (projection.table().name, projection.version());
        format!("INSERT INTO {NEXT}.standing VALUES ('{name}', {version});")
    });
    let versions: String = versions.collect();
    let done = swap
        .execute(
            format!(
                "SET LOCAL lock_timeout = '400ms';
                 CREATE TABLE {NEXT}.standing (name text PRIMARY KEY, version integer NOT NULL); {versions}
                 DROP SCHEMA IF EXISTS {STANDING} CASCADE; ALTER SCHEMA {NEXT} RENAME TO {STANDING}; {}",
                grants(STANDING)
            )
            .as_str(),
        )
        .await;
    match done {
        Ok(_) => swap.commit().await?,
        Err(error) => {
            swap.rollback().await?;
            return Err(error.into());
        }
    }
    Ok(size)
}

/// What does not agree between a projection as it stands and as the log makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which table.
    pub table: &'static str,
    /// Rows that stand and should not.
    pub standing_only: i64,
    /// Rows that should stand and do not.
    pub log_only: i64,
}

/// Build every projection anew and compare it with what stands, at one moment. Changes nothing.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn compare(owner: &PgPool, progress: Progress<'_>) -> Result<Vec<Difference>, Trouble> {
    const CHECK: &str = "views_check";
    let mut connection = turn(owner).await?;
    let built = build(owner, &mut connection, CHECK, progress).await?;
    let mut snapshot = connection.begin().await?;
    snapshot.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
    let size: i64 = sqlx::query_scalar("SELECT size FROM public.log_head").fetch_one(&mut *snapshot).await?;
    catch_up(&mut snapshot, CHECK, built, size).await?;
    let mut differences = Vec::new();
    for projection in all() {
        let Table { name, .. } = projection.table();
        let row = sqlx::query(&format!(
            "SELECT (SELECT count(*) FROM (TABLE {STANDING}.{name} EXCEPT ALL TABLE {CHECK}.{name}) AS extra),
                    (SELECT count(*) FROM (TABLE {CHECK}.{name} EXCEPT ALL TABLE {STANDING}.{name}) AS missing)"
        ))
        .fetch_one(&mut *snapshot)
        .await?;
        let (standing_only, log_only) = (row.try_get(0)?, row.try_get(1)?);
        if standing_only != 0 || log_only != 0 {
            differences.push(Difference { table: name, standing_only, log_only });
        }
    }
    snapshot.rollback().await?;
    connection.execute(format!("DROP SCHEMA {CHECK} CASCADE").as_str()).await?;
    connection.close().await?;
    Ok(differences)
}

fn grants(schema: &str) -> String {
    let roles = [("sidebyside_app", "SELECT, INSERT, UPDATE, DELETE"), ("sidebyside_auditor", "SELECT")];
    let each = roles.map(|(role, rights)| {
        format!(
            "IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{role}') THEN
                 GRANT USAGE ON SCHEMA {schema} TO {role};
                 GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {role};
                 REVOKE ALL ON {schema}.standing FROM {role}; GRANT SELECT ON {schema}.standing TO {role};
             END IF;"
        )
    });
    let people = ABOUT_PEOPLE.iter().map(|table| format!("{schema}.{table}")).collect::<Vec<_>>().join(", ");
    format!(
        "DO $$ BEGIN {}
             IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'sidebyside_auditor') THEN
                 REVOKE ALL ON {people} FROM sidebyside_auditor;
             END IF;
         END $$",
        each.join(" ")
    )
}

/// Build every projection into a fresh schema, up to the size the log has now. Returns that size.
async fn build(
    owner: &PgPool,
    reader: &mut PgConnection,
    schema: &'static str,
    progress: Progress<'_>,
) -> Result<i64, Trouble> {
    let size: i64 = sqlx::query_scalar("SELECT size FROM public.log_head").fetch_one(&mut *reader).await?;
    reader
        .execute(format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}").as_str())
        .await?;
    let mut writers = Vec::new();
    for projection in all() {
        let Table { name, columns, .. } = projection.table();
        reader.execute(format!("CREATE TABLE {schema}.{name} ({columns})").as_str()).await?;
        writers.push(Writer::start(owner, schema, projection).await?);
    }
    let mut events = InOrder::of(reader, 0, size).await?;
    while let Some(event) = events.next().await? {
        for writer in &mut writers {
            writer.take(&event).await?;
        }
        let done = event.index + 1;
        if done % 4096 == 0 {
            progress(done, size);
        }
    }
    progress(size, size);
    // The last rows go in and the indexes are made side by side.
    try_join_all(writers.into_iter().map(Writer::finish)).await?;
    Ok(size)
}

/// One projection being built: its fold, and a connection that copies its rows in.
struct Writer {
    fold: Box<dyn super::Fold>,
    ready: Vec<u8>,
    chunks: mpsc::Sender<Vec<u8>>,
    copying: tokio::task::JoinHandle<Result<(), Trouble>>,
}

impl Writer {
    async fn start(
        owner: &PgPool,
        schema: &'static str,
        projection: Arc<dyn Projection>,
    ) -> Result<Self, Trouble> {
        let (chunks, incoming) = mpsc::channel(8);
        let connection = PgConnection::connect_with(&owner.connect_options()).await?;
        let copying = tokio::spawn(copy_in(connection, schema, projection.table(), incoming));
        Ok(Self { fold: projection.fold(), ready: Vec::with_capacity(CHUNK * 2), chunks, copying })
    }

    async fn take(&mut self, event: &crate::store::log::Recorded) -> Result<(), Trouble> {
        self.fold.take(event, &mut self.ready)?;
        if self.ready.len() >= CHUNK {
            let chunk = std::mem::replace(&mut self.ready, Vec::with_capacity(CHUNK * 2));
            self.send(chunk).await?;
        }
        Ok(())
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<(), Trouble> {
        let ended = |_| Trouble::Other("the copy into a projection ended early".into());
        self.chunks.send(chunk).await.map_err(ended)
    }

    async fn finish(mut self) -> Result<(), Trouble> {
        self.fold.finish(&mut self.ready)?;
        let Self { ready, chunks, copying, .. } = self;
        if !ready.is_empty() {
            // When the other end has failed, its own error below says more than the closed channel.
            let _ended = chunks.send(ready).await;
        }
        drop(chunks);
        copying.await.map_err(|error| Trouble::Other(error.to_string()))?
    }
}

async fn copy_in(
    mut connection: PgConnection,
    schema: &'static str,
    table: Table,
    mut incoming: mpsc::Receiver<Vec<u8>>,
) -> Result<(), Trouble> {
    let full = format!("{schema}.{}", table.name);
    let mut copy = connection.copy_in_raw(&format!("COPY {full} ({}) FROM STDIN", table.copied)).await?;
    while let Some(chunk) = incoming.recv().await {
        copy.send(chunk).await?;
    }
    copy.finish().await?;
    for index in table.indexes {
        connection.execute(index.replace("{table}", &full).as_str()).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Bring freshly built tables from one size of the log up to another.
async fn catch_up(connection: &mut PgConnection, schema: &str, from: i64, to: i64) -> Result<(), Trouble> {
    let mut at = from;
    while at < to {
        let before = (at + 1000).min(to);
        let mut events = Vec::new();
        let mut reading = InOrder::of(connection, at, before).await?;
        while let Some(event) = reading.next().await? {
            events.push(event);
        }
        drop(reading);
        for projection in all() {
            projection.apply(connection, schema, &events).await?;
        }
        at = before;
    }
    Ok(())
}
