//! Building projections from nothing: the log streams out, is folded in memory, and streams into fresh tables that
//! take the place of the old ones in one transaction. `verify` builds the same way and compares instead.

use std::sync::Arc;

use sqlx::{Acquire as _, Connection as _, Executor as _, PgConnection, PgPool, Row as _};
use tokio::sync::mpsc;

use super::{Projection, STANDING, Table, Trouble, all};
use crate::store::copy::{self, Rows};

/// How many bytes go into the database at a time.
const CHUNK: usize = 1 << 18;
/// Told how many events are done, and how many there are.
pub type Progress<'p> = &'p (dyn Fn(i64, i64) + Send + Sync);

/// Build every projection beside what stands and put it in its place. Returns how many events it read.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read; what stood, stands.
pub async fn rebuild(owner: &PgPool, progress: Progress<'_>) -> Result<i64, Trouble> {
    const NEXT: &str = "views_next";
    let built = build(owner, NEXT, progress).await?;
    let mut connection = owner.acquire().await?;
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
    swap.execute(
        format!(
            "CREATE TABLE {NEXT}.standing (name text PRIMARY KEY, version integer NOT NULL); {versions}
             DROP SCHEMA {STANDING} CASCADE; ALTER SCHEMA {NEXT} RENAME TO {STANDING}; {}",
            grants(STANDING)
        )
        .as_str(),
    )
    .await?;
    swap.commit().await?;
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
    let built = build(owner, CHECK, progress).await?;
    let mut connection = owner.acquire().await?;
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
    format!("DO $$ BEGIN {} END $$", each.join(" "))
}

/// Build every projection into a fresh schema, up to the size the log has now. Returns that size.
async fn build(owner: &PgPool, schema: &'static str, progress: Progress<'_>) -> Result<i64, Trouble> {
    let mut reader = owner.acquire().await?;
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
    let mut rows = Rows::of(&mut reader, &copy::lean(0, size)).await?;
    let mut done = 0;
    while let Some(row) = rows.next().await? {
        let event = copy::recorded(&row)?;
        if event.index != done {
            return Err(Trouble::Other(format!("the log has event {} where {done} should be", event.index)));
        }
        for writer in &mut writers {
            writer.take(&event).await?;
        }
        done += 1;
        if done % 4096 == 0 {
            progress(done, size);
        }
    }
    drop(rows);
    if done != size {
        return Err(Trouble::Other(format!("the log gave {done} events of {size}")));
    }
    progress(done, size);
    for writer in writers {
        writer.finish().await?;
    }
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

    async fn send(&self, chunk: Vec<u8>) -> Result<(), Trouble> {
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
        let mut rows = Rows::of(connection, &copy::lean(at, before)).await?;
        while let Some(row) = rows.next().await? {
            events.push(copy::recorded(&row)?);
        }
        drop(rows);
        for projection in all() {
            projection.apply(connection, schema, &events).await?;
        }
        at = before;
    }
    Ok(())
}
