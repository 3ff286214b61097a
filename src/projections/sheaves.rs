//! Sheaves: some rows for each stream, folded from it and kept together. One engine keeps them all: what stands of a
//! stream is taken out, its new facts are folded in, and it is put back.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Fold, Projection, Table, Trouble};
use crate::store::log::Recorded;

/// Rows folded from one stream.
pub trait Sheaf: Default + Send + Sync + 'static {
    /// Where they stand. The first columns are `stream uuid, slot integer`.
    const TABLE: Table;
    /// Raised when the table or the fold changes.
    const VERSION: i32;
    /// The columns after those two, each with its type.
    const COLUMNS: &'static [(&'static str, &'static str)];

    /// Whether a fact can change a row at all: most cannot, and cost nothing.
    fn concerns(event: &Recorded) -> bool;

    /// Take a fact of the stream in.
    fn take(&mut self, event: &Recorded);

    /// Add a row as it stands; its own columns begin at the third.
    ///
    /// # Errors
    /// When a column is not of its type.
    fn read(&mut self, row: &PgRow) -> Result<(), Trouble>;

    /// Each row, as the text of its own columns.
    fn rows(&self) -> Vec<Vec<Option<String>>>;
}

/// The engine for one kind of sheaf.
pub struct Sheaves<S>(PhantomData<fn() -> S>);

impl<S> Default for Sheaves<S> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

#[async_trait]
impl<S: Sheaf> Projection for Sheaves<S> {
    fn table(&self) -> Table {
        S::TABLE
    }

    fn version(&self) -> i32 {
        S::VERSION
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        events: &[Recorded],
    ) -> Result<(), Trouble> {
        let own: Vec<&Recorded> = events.iter().filter(|event| S::concerns(event)).collect();
        if own.is_empty() {
            return Ok(());
        }
        let streams: BTreeSet<Uuid> = own.iter().map(|event| event.stream.id).collect();
        let streams: Vec<Uuid> = streams.into_iter().collect();
        let names: Vec<&str> = S::COLUMNS.iter().map(|(name, _)| *name).collect();
        let (table, names) = (S::TABLE.name, names.join(", "));
        let taken = format!(
            "WITH taken AS (DELETE FROM {schema}.{table} WHERE stream = ANY($1) RETURNING stream, slot, {names})
             SELECT * FROM taken ORDER BY stream, slot"
        );
        let mut sheaves: BTreeMap<Uuid, S> = BTreeMap::new();
        for row in sqlx::query(&taken).bind(streams).fetch_all(&mut *connection).await? {
            sheaves.entry(row.try_get(0)?).or_default().read(&row)?;
        }
        for event in own {
            sheaves.entry(event.stream.id).or_default().take(event);
        }
        put::<S>(connection, schema, &sheaves).await
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(Folding::<S>(BTreeMap::new()))
    }
}

/// Put the rows of some streams in, all at once.
async fn put<S: Sheaf>(
    connection: &mut PgConnection,
    schema: &str,
    sheaves: &BTreeMap<Uuid, S>,
) -> Result<(), Trouble> {
    let (mut streams, mut slots, mut columns) = (Vec::new(), Vec::new(), vec![Vec::new(); S::COLUMNS.len()]);
    for (stream, sheaf) in sheaves {
        for (slot, row) in (0_i32..).zip(sheaf.rows()) {
            streams.push(*stream);
            slots.push(slot);
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
    }
    let numbered = || S::COLUMNS.iter().zip(3..);
    let arrays: Vec<String> = numbered().map(|(_, place)| format!("${place}::text[]")).collect();
    let typed: Vec<String> = numbered().map(|((_, kind), place)| format!("c{place}::{kind}")).collect();
    let called: Vec<String> = numbered().map(|(_, place)| format!("c{place}")).collect();
    let sql = format!(
        "INSERT INTO {schema}.{} ({}) SELECT stream, slot, {} FROM unnest($1::uuid[], $2::integer[], {}) \
         AS new (stream, slot, {})",
        S::TABLE.name,
        S::TABLE.copied,
        typed.join(", "),
        arrays.join(", "),
        called.join(", ")
    );
    let mut query = sqlx::query(&sql).bind(streams).bind(slots);
    for column in columns {
        query = query.bind(column);
    }
    query.execute(connection).await?;
    Ok(())
}

struct Folding<S>(BTreeMap<Uuid, S>);

impl<S: Sheaf> Fold for Folding<S> {
    fn take(&mut self, event: &Recorded, _: &mut Vec<u8>) -> Result<(), Trouble> {
        if S::concerns(event) {
            self.0.entry(event.stream.id).or_default().take(event);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<(), Trouble> {
        for (stream, sheaf) in &self.0 {
            for (slot, row) in sheaf.rows().into_iter().enumerate() {
                out.extend_from_slice(format!("{stream}\t{slot}").as_bytes());
                for value in row {
                    out.push(b'\t');
                    out.extend_from_slice(
                        value.map_or_else(|| "\\N".to_owned(), |value| escaped(&value)).as_bytes(),
                    );
                }
                out.push(b'\n');
            }
        }
        Ok(())
    }
}

/// Words as the text form of COPY has them.
fn escaped(words: &str) -> String {
    words.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}
