//! Reading the whole log back and checking that it is what it was: positions, times, streams, columns and leaves.

use std::collections::HashMap;

use sqlx::PgPool;
use uuid::Uuid;

use super::copy::{Row, Rows};
use super::leaf::{Leaf, canonical};
use super::{Trouble, upcast};

/// What was found wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its position, as stored.
    pub index: i64,
    /// What is wrong.
    pub what: String,
}

/// What a check of the log came to.
#[derive(Debug, Clone, Default)]
pub struct LogReport {
    /// How many events the head of the log said there are, when the check began.
    pub size: i64,
    /// How many there are.
    pub events: i64,
    /// What is wrong; empty when nothing is.
    pub findings: Vec<Finding>,
}

pub(super) const FULL: &str = "SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, index, \
     event_id, recorded_at, effective_on, nonce, leaf_hash, command_id FROM public.events";

/// Check the log as far as its head says it goes, whatever is appended meanwhile. Each leaf is computed again here from
/// the stored row.
///
/// # Errors
/// When the database fails; what is wrong with the log is a finding, not an error.
pub async fn check_log(pool: &PgPool, progress: &(dyn Fn(i64) + Send + Sync)) -> Result<LogReport, Trouble> {
    // Not of the pool: an error in the middle of a copy leaves a connection that is of no more use.
    let mut connection = pool.acquire().await?.detach();
    let size: i64 = sqlx::query_scalar("SELECT size FROM public.log_head").fetch_one(&mut connection).await?;
    let mut rows = Rows::of(&mut connection, &format!("{FULL} WHERE index < {size} ORDER BY index")).await?;
    let mut checker = Checker::default();
    while let Some(row) = rows.next().await? {
        checker.take(&row)?;
        if checker.report.events % 4096 == 0 {
            progress(checker.report.events);
        }
    }
    drop(rows);
    let mut report = LogReport { size, ..checker.report };
    progress(report.events);
    if report.events != size {
        let what = format!("the head of the log says {size} events, there are {}", report.events);
        report.findings.push(Finding { index: size, what });
    }
    Ok(report)
}

#[derive(Default)]
struct Checker {
    report: LogReport,
    next_index: i64,
    last_at: Option<chrono::DateTime<chrono::Utc>>,
    sequences: HashMap<(String, String), i64>,
}

impl Checker {
    fn take(&mut self, row: &Row<'_>) -> Result<(), Trouble> {
        let index = row.int(7)?;
        // After a gap it goes on from there: one missing event is one finding, not one for each that follows.
        let expected = std::mem::replace(&mut self.next_index, index + 1);
        self.report.events += 1;
        let mut wrong = Vec::new();
        if index != expected {
            wrong.push(format!("it stands where {expected} should"));
        }
        let at = row.instant(9)?;
        if self.last_at.is_some_and(|last| at <= last) {
            wrong.push("it was recorded no later than the event before it".into());
        }
        self.last_at = Some(at);
        let stream = (row.text(0)?.to_string(), row.text(1)?.to_string());
        let sequence = row.int(2)?;
        let before = self.sequences.insert(stream, sequence).unwrap_or_default();
        if sequence != before + 1 {
            wrong.push(format!("its sequence is {sequence} where {} should be", before + 1));
        }
        if let Err(unreadable) = upcast::read(row.text(0)?, row.text(3)?, row.text(4)?, row.text(5)?) {
            wrong.push(unreadable.to_string());
        }
        match leaf_of(row, index) {
            Ok(hash) if row.bytes(12) == Some(&hash) => {}
            Ok(_) => wrong.push("its leaf hash does not fit what is stored".into()),
            Err(trouble) => wrong.push(trouble.to_string()),
        }
        wrong.extend(columns(row)?);
        self.report.findings.extend(wrong.into_iter().map(|what| Finding { index, what }));
        Ok(())
    }
}

/// The RFC 8785 text of a stored JSON text.
fn canonical_text(text: &str) -> Result<String, Trouble> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| Trouble::Other(error.to_string()))?;
    Ok(canonical(&value)?)
}

pub(super) fn leaf_of(row: &Row<'_>, index: i64) -> Result<[u8; 32], Trouble> {
    let (payload, metadata) = (canonical_text(row.text(5)?)?, canonical_text(row.text(6)?)?);
    Ok(Leaf {
        stream_type: row.text(0)?,
        stream_id: row.text(1)?,
        sequence: row.int(2)?,
        event_type: row.text(3)?,
        event_version: row.text(4)?,
        payload: &payload,
        metadata: &metadata,
        index,
        recorded_at: row.instant(9)?,
        nonce: row.text(11)?,
    }
    .hash())
}

/// The columns that repeat what the hashed metadata says.
fn columns(row: &Row<'_>) -> Result<Vec<String>, Trouble> {
    let metadata: HashMap<String, String> =
        serde_json::from_str(row.text(6)?).map_err(|error| Trouble::Other(error.to_string()))?;
    let command = row.bytes(13).and_then(|bytes| Uuid::from_slice(bytes).ok()).map(|id| id.to_string());
    let repeated = [
        ("event_id", Some(row.uuid(8)?.to_string())),
        ("effective_on", Some(row.date(10)?.to_string())),
        ("command_id", command),
    ];
    Ok(repeated
        .into_iter()
        .filter(|(name, column)| metadata.get(*name) != column.as_ref())
        .map(|(name, _)| format!("its column {name} differs from what was hashed"))
        .collect())
}
