//! The log as one fast stream: PostgreSQL's binary COPY, read row by row without a copy of its bytes.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Trouble;
use super::check::FULL;
use super::log::{Recorded, Stored, StreamName};
use super::upcast;
use crate::domain::calendar::Date;

/// How a binary COPY begins; eight bytes of flags follow.
pub(super) const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Rows of a binary COPY as they arrive.
pub struct Rows<'c> {
    stream: BoxStream<'c, sqlx::Result<bytes::Bytes>>,
    buffer: Vec<u8>,
    at: usize,
    begun: bool,
}

/// One row: its fields as PostgreSQL sends them.
pub struct Row<'r> {
    bytes: &'r [u8],
    fields: [Option<(usize, usize)>; 14],
}

fn broken(what: &str) -> Trouble {
    Trouble::Other(format!("the copy of the log is broken: {what}"))
}

impl<'c> Rows<'c> {
    /// Begin to copy the rows of a query, of at most 14 columns.
    ///
    /// # Errors
    /// When the query cannot be run.
    pub async fn of(connection: &'c mut PgConnection, query: &str) -> Result<Self, Trouble> {
        let stream = connection.copy_out_raw(&format!("COPY ({query}) TO STDOUT (FORMAT binary)")).await?;
        Ok(Self { stream, buffer: Vec::with_capacity(1 << 16), at: 0, begun: false })
    }

    /// The rows of a copy that was kept.
    pub(super) fn from_chunks(chunks: impl Iterator<Item = sqlx::Result<bytes::Bytes>> + Send + 'c) -> Self {
        let stream = futures_util::stream::iter(chunks).boxed();
        Self { stream, buffer: Vec::with_capacity(1 << 16), at: 0, begun: false }
    }

    async fn more(&mut self) -> Result<(), Trouble> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let bytes = self.stream.next().await.ok_or_else(|| broken("it ended early"))??;
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    /// The next row, or nothing at the end.
    ///
    /// # Errors
    /// When the connection is lost, or the stream ends before its end mark: a cut copy is never taken for whole.
    pub async fn next(&mut self) -> Result<Option<Row<'_>>, Trouble> {
        while !self.begun {
            if self.buffer.len() >= 19 {
                if !self.buffer.starts_with(SIGNATURE) {
                    return Err(broken("it does not begin as a copy"));
                }
                self.at = 19;
                self.begun = true;
            } else {
                self.more().await?;
            }
        }
        let mut fields = [None; 14];
        let length = loop {
            match scan(&self.buffer[self.at..], &mut fields)? {
                Scan::Row(length) => break length,
                Scan::End => {
                    // The server's last words must be heard too, or the connection is of no more use.
                    while let Some(rest) = self.stream.next().await {
                        rest?;
                    }
                    return Ok(None);
                }
                Scan::Short => self.more().await?,
            }
        };
        let bytes = &self.buffer[self.at..self.at + length];
        self.at += length;
        Ok(Some(Row { bytes, fields }))
    }
}

enum Scan {
    Row(usize),
    End,
    Short,
}

fn scan(bytes: &[u8], fields: &mut [Option<(usize, usize)>; 14]) -> Result<Scan, Trouble> {
    let Some(count) = bytes.first_chunk::<2>().map(|count| i16::from_be_bytes(*count)) else {
        return Ok(Scan::Short);
    };
    if count == -1 {
        return Ok(Scan::End);
    }
    let mut at = 2;
    for place in 0..usize::try_from(count).map_err(|_| broken("a row has no fields"))? {
        let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>) else {
            return Ok(Scan::Short);
        };
        at += 4;
        let slot = fields.get_mut(place).ok_or_else(|| broken("a row has too many fields"))?;
        *slot = match usize::try_from(i32::from_be_bytes(*length)) {
            Err(_) => None,
            Ok(length) if bytes.len() < at + length => return Ok(Scan::Short),
            Ok(length) => {
                at += length;
                Some((at - length, at))
            }
        };
    }
    Ok(Scan::Row(at))
}

impl Row<'_> {
    /// The row as it came.
    pub(super) const fn raw(&self) -> &[u8] {
        self.bytes
    }

    /// The bytes of a field, none when it is null.
    #[must_use]
    pub fn bytes(&self, place: usize) -> Option<&[u8]> {
        let (from, to) = self.fields.get(place).copied().flatten()?;
        self.bytes.get(from..to)
    }

    fn fixed<const N: usize>(&self, place: usize) -> Result<[u8; N], Trouble> {
        self.bytes(place)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| broken("a field is of another length"))
    }

    /// A text or json field.
    ///
    /// # Errors
    /// When it is null or not UTF-8.
    pub fn text(&self, place: usize) -> Result<&str, Trouble> {
        let bytes = self.bytes(place).ok_or_else(|| broken("a field is null"))?;
        std::str::from_utf8(bytes).map_err(|_| broken("a field is not UTF-8"))
    }

    /// A bigint field.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn int(&self, place: usize) -> Result<i64, Trouble> {
        self.fixed(place).map(i64::from_be_bytes)
    }

    /// A uuid field.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn uuid(&self, place: usize) -> Result<Uuid, Trouble> {
        self.fixed(place).map(Uuid::from_bytes)
    }

    /// A timestamptz field.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn instant(&self, place: usize) -> Result<DateTime<Utc>, Trouble> {
        const FROM_1970_TO_2000: TimeDelta = TimeDelta::days(10_957);
        let micros = self.int(place)?;
        DateTime::UNIX_EPOCH
            .checked_add_signed(FROM_1970_TO_2000 + TimeDelta::microseconds(micros))
            .ok_or_else(|| broken("a time is out of range"))
    }

    /// A date field.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn date(&self, place: usize) -> Result<Date, Trouble> {
        let days = i32::from_be_bytes(self.fixed(place)?);
        DateTime::UNIX_EPOCH
            .date_naive()
            .checked_add_signed(TimeDelta::days(10_957 + i64::from(days)))
            .ok_or_else(|| broken("a date is out of range"))
    }
}

/// The events from one position up to another as projections need them: each in its place, and none missing.
pub struct InOrder<'c> {
    rows: Rows<'c>,
    next: i64,
    before: i64,
}

impl<'c> InOrder<'c> {
    /// Begin to read them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(connection: &'c mut PgConnection, from: i64, before: i64) -> Result<Self, Trouble> {
        Ok(Self { rows: Rows::of(connection, &lean(from, before)).await?, next: from, before })
    }

    /// The next of them; none once all were there.
    ///
    /// # Errors
    /// When the database fails, an event is unknown to this program or damaged, or one is missing.
    pub async fn next(&mut self) -> Result<Option<Recorded>, Trouble> {
        let Self { next, before, .. } = *self;
        let Some(row) = self.rows.next().await? else {
            let missing = || Trouble::Other(format!("the log gave {next} events of {before}"));
            return if next == before { Ok(None) } else { Err(missing()) };
        };
        let event = recorded(&row)?;
        if event.index != next {
            return Err(Trouble::Other(format!("the log has event {} where {next} should be", event.index)));
        }
        self.next += 1;
        Ok(Some(event))
    }
}

/// The query for [`recorded`]: what projections need of the events from one position up to another.
#[must_use]
pub fn lean(from: i64, before: i64) -> String {
    format!(
        "SELECT index, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, event_id, \
         recorded_at, effective_on, leaf_hash FROM public.events WHERE index >= {from} AND index < {before} ORDER BY index"
    )
}

/// A row of [`lean`] as a recorded event. Who, why and the day of deciding are left out: no projection keeps them.
///
/// # Errors
/// When the event is unknown to this program or damaged.
pub fn recorded(row: &Row<'_>) -> Result<Recorded, Trouble> {
    let index = row.int(0)?;
    let fact = upcast::read(row.text(1)?, row.text(4)?, row.text(5)?, row.text(6)?)?;
    let id = Uuid::parse_str(row.text(2)?).map_err(|error| Trouble::damaged(index, &error))?;
    Ok(Recorded {
        index,
        stream: StreamName { kind: fact.kind().stream, id },
        sequence: row.int(3)?,
        event_id: row.uuid(7)?,
        recorded_at: row.instant(8)?,
        effective_on: row.date(9)?,
        decided_on: row.date(9)?,
        fact,
        actor: None,
        role: None,
        reason: None,
        command: None,
        correlation: None,
        causation: None,
        leaf_hash: row.fixed(10)?,
    })
}

/// Copy the first events of the log as they are stored, in their order, each to `take`.
///
/// # Errors
/// When the database fails, or `take` does.
pub async fn stored<E: From<Trouble>>(
    pool: &PgPool,
    before: i64,
    take: impl FnMut(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    stored_from(pool, 0, before, take).await
}

/// Copy the events from one position up to another as they are stored, in their order, each to `take`.
///
/// # Errors
/// When the database fails, or `take` does.
pub async fn stored_from<E: From<Trouble>>(
    pool: &PgPool,
    from: i64,
    before: i64,
    mut take: impl FnMut(&Stored) -> Result<(), E>,
) -> Result<(), E> {
    // Not of the pool: an error in the middle of a copy leaves a connection that is of no more use.
    let mut connection = pool.acquire().await.map_err(Trouble::from)?.detach();
    let query = format!("{FULL} WHERE index >= {from} AND index < {before} ORDER BY index");
    let mut rows = Rows::of(&mut connection, &query).await?;
    while let Some(row) = rows.next().await? {
        take(&whole(&row)?)?;
    }
    Ok(())
}

fn whole(row: &Row<'_>) -> Result<Stored, Trouble> {
    let text = |place: usize| row.text(place).map(str::to_owned);
    Ok(Stored {
        stream_type: text(0)?,
        stream_id: text(1)?,
        sequence: row.int(2)?,
        event_type: text(3)?,
        event_version: text(4)?,
        payload: text(5)?,
        metadata: text(6)?,
        index: row.int(7)?,
        event_id: row.uuid(8)?,
        recorded_at: row.instant(9)?,
        effective_on: row.date(10)?,
        nonce: text(11)?,
        leaf_hash: row.bytes(12).unwrap_or_default().to_vec(),
        command_id: row.bytes(13).and_then(|bytes| Uuid::from_slice(bytes).ok()),
    })
}
