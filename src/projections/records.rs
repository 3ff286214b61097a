//! Records: one document per partner, fund, programme or grant, folded from its stream. One engine keeps them all.

use std::collections::HashMap;
use std::marker::PhantomData;

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Fold, Projection, Table, Trouble};
use crate::store::log::Recorded;

/// A document folded from one stream.
pub trait Record: Serialize + DeserializeOwned + Default + Clone + PartialEq + Send + Sync + 'static {
    /// Where it stands. Its first columns are `id uuid, doc jsonb`; others are generated from the document.
    const TABLE: Table;
    /// Raised when the table or the fold changes.
    const VERSION: i32;
    /// The stored name of the stream type it is folded from.
    const STREAM: &'static str;

    /// Take an event of the stream in. False when it does not change the document.
    fn take(&mut self, event: &Recorded) -> bool;
}

/// The engine for one kind of record.
pub struct Records<R>(PhantomData<fn() -> R>);

impl<R> Default for Records<R> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

pub(super) fn unreadable(error: &serde_json::Error) -> Trouble {
    Trouble::Other(format!("a record of a projection cannot be read: {error}"))
}

#[async_trait]
impl<R: Record> Projection for Records<R> {
    fn table(&self) -> Table {
        R::TABLE
    }

    fn version(&self) -> i32 {
        R::VERSION
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        events: &[Recorded],
    ) -> Result<(), Trouble> {
        let own: Vec<&Recorded> = events.iter().filter(|event| event.stream.kind == R::STREAM).collect();
        // A first event that changes nothing on its own stands for streams whose document is settled.
        let known: Vec<Uuid> = own
            .iter()
            .filter(|event| event.sequence > 1 && R::default().take(event))
            .map(|event| event.stream.id)
            .collect();
        let mut documents: HashMap<Uuid, R> = HashMap::new();
        if !known.is_empty() {
            let sql = format!("SELECT id, doc::text FROM {schema}.{} WHERE id = ANY($1)", R::TABLE.name);
            for row in sqlx::query(&sql).bind(known).fetch_all(&mut *connection).await? {
                let doc = serde_json::from_str(row.try_get(1)?).map_err(|error| unreadable(&error))?;
                documents.insert(row.try_get(0)?, doc);
            }
        }
        let mut changed: Vec<Uuid> = Vec::new();
        for event in own {
            if documents.entry(event.stream.id).or_default().take(event)
                && !changed.contains(&event.stream.id)
            {
                changed.push(event.stream.id);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let docs: Result<Vec<String>, _> =
            changed.iter().map(|id| serde_json::to_string(&documents[id])).collect();
        let docs = docs.map_err(|error| unreadable(&error))?;
        let sql = format!(
            "INSERT INTO {schema}.{} (id, doc) SELECT id, doc::jsonb FROM unnest($1::uuid[], $2::text[]) AS new (id, doc)
             ON CONFLICT (id) DO UPDATE SET doc = excluded.doc",
            R::TABLE.name
        );
        sqlx::query(&sql).bind(changed).bind(docs).execute(connection).await?;
        Ok(())
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(Folding::<R>(HashMap::new()))
    }
}

/// The documents so far, and whether an event has changed them: one that none has changed does not stand.
struct Folding<R>(HashMap<Uuid, (R, bool)>);

impl<R: Record> Fold for Folding<R> {
    fn take(&mut self, event: &Recorded, _: &mut Vec<u8>) -> Result<(), Trouble> {
        if event.stream.kind == R::STREAM {
            let (record, changed) = self.0.entry(event.stream.id).or_default();
            *changed |= record.take(event);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<(), Trouble> {
        let changed = self.0.into_iter().filter(|(_, (_, changed))| *changed);
        let mut records: Vec<(Uuid, R)> = changed.map(|(id, (record, _))| (id, record)).collect();
        records.sort_by_key(|(id, _)| *id);
        for (id, record) in records {
            out.extend_from_slice(id.to_string().as_bytes());
            out.push(b'\t');
            let doc = serde_json::to_vec(&record).map_err(|error| unreadable(&error))?;
            // In the text form of COPY a backslash is doubled; JSON text has no tab or line break of its own.
            for byte in doc {
                if byte == b'\\' {
                    out.push(byte);
                }
                out.push(byte);
            }
            out.push(b'\n');
        }
        Ok(())
    }
}

/// Read the documents a query selects, as `id, doc`.
pub(super) fn read<R: Record>(rows: &[sqlx::postgres::PgRow]) -> Result<Vec<(Uuid, R)>, Trouble> {
    rows.iter()
        .map(|row| {
            let doc = serde_json::from_str(row.try_get(1)?).map_err(|error| unreadable(&error))?;
            Ok((row.try_get(0)?, doc))
        })
        .collect()
}

/// The record with an id.
///
/// # Errors
/// When the database fails.
pub async fn one<R: Record>(executor: impl sqlx::PgExecutor<'_>, id: Uuid) -> Result<Option<R>, Trouble> {
    let sql = format!("SELECT id, doc::text FROM {} WHERE id = $1", R::TABLE.name);
    let rows = sqlx::query(&sql).bind(id).fetch_all(executor).await?;
    Ok(read::<R>(&rows)?.pop().map(|(_, record)| record))
}

/// The records with these ids.
///
/// # Errors
/// When the database fails.
pub async fn several<R: Record>(
    executor: impl sqlx::PgExecutor<'_>,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, R>, Trouble> {
    let sql = format!("SELECT id, doc::text FROM {} WHERE id = ANY($1)", R::TABLE.name);
    let rows = sqlx::query(&sql).bind(ids).fetch_all(executor).await?;
    Ok(read::<R>(&rows)?.into_iter().collect())
}

/// The records in the order of their names, after one of them. For tables that have a name.
///
/// # Errors
/// When the database fails.
pub async fn by_name<R: Record>(
    executor: impl sqlx::PgExecutor<'_>,
    after: Option<(String, Uuid)>,
    limit: i64,
) -> Result<Vec<(Uuid, R)>, Trouble> {
    let (name, id) = after.unzip();
    let sql = format!(
        "SELECT id, doc::text FROM {} WHERE $1::text IS NULL OR (name, id) > ($1, $2)
         ORDER BY name, id LIMIT $3",
        R::TABLE.name
    );
    read(&sqlx::query(&sql).bind(name).bind(id).bind(limit).fetch_all(executor).await?)
}
