//! The projections as they stood: folded from the first events of the log into temporary tables of one session, where
//! every read finds them under their usual names. docs/decisions/0017-any-date-is-a-replay.md says why so.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool};

use super::{Fold, Table, Trouble, all};
use crate::store::Store;
use crate::store::copy::InOrder;

/// What the session of a cut is called among those of the database.
const SESSION: &str = "sidebyside as it stood";
/// How long a read may wait for another of the same cut.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many bytes of rows are held back for one table before they are copied in.
const CHUNK: usize = 1 << 20;

/// The store as it reads at a cut: the first `size` events and what follows from them.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn stand(store: &Store, size: i64) -> Result<Store, Trouble> {
    store.at(size, build).await
}

async fn build(live: PgPool, size: i64) -> Result<PgPool, Trouble> {
    // Nothing else is on the path: a session that was lost finds no tables rather than those of today.
    let options = live
        .connect_options()
        .as_ref()
        .clone()
        .options([("search_path", "pg_temp")])
        .application_name(SESSION);
    let cut = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    let mut session = cut.acquire().await?;
    // The tables are made for us, empty, with their indexes: the app may make none of its own.
    sqlx::query("SELECT public.stand_at($1)").bind(size).execute(&mut *session).await?;
    let mut reader = PgConnection::connect_with(&live.connect_options()).await?;
    fold(&mut reader, size, &mut session).await?;
    reader.close().await?;
    drop(session);
    Ok(cut)
}

/// Every projection folded from the first events into its table of a session.
async fn fold(reader: &mut PgConnection, size: i64, session: &mut PgConnection) -> Result<(), Trouble> {
    let mut folds: Vec<(Table, Box<dyn Fold>, Vec<u8>)> =
        all().iter().map(|projection| (projection.table(), projection.fold(), Vec::new())).collect();
    let mut events = InOrder::of(reader, 0, size).await?;
    while let Some(event) = events.next().await? {
        for (table, fold, ready) in &mut folds {
            fold.take(&event, ready)?;
            if ready.len() >= CHUNK {
                copy_in(session, table, std::mem::take(ready)).await?;
            }
        }
    }
    for (table, fold, mut ready) in folds {
        fold.finish(&mut ready)?;
        copy_in(session, &table, ready).await?;
    }
    Ok(())
}

async fn copy_in(
    session: &mut PgConnection,
    Table { name, copied, .. }: &Table,
    rows: Vec<u8>,
) -> Result<(), Trouble> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut copy = session.copy_in_raw(&format!("COPY pg_temp.{name} ({copied}) FROM STDIN")).await?;
    copy.send(rows).await?;
    copy.finish().await?;
    Ok(())
}
