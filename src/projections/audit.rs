//! The audit history: every event as a sentence, read from the log itself. There is no table of prose to go stale.

use std::collections::HashMap;

use sqlx::{PgExecutor, PgPool, Row as _};
use uuid::Uuid;

use super::Trouble;
use crate::store::log::{Recorded, Slice, read};

/// A part of the history, in order of position.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn history(pool: &PgPool, slice: &Slice) -> Result<Vec<Recorded>, Trouble> {
    read(pool, slice).await
}

/// What people call the streams: reference and name.
///
/// # Errors
/// When the database fails.
pub async fn titles(
    executor: impl PgExecutor<'_>,
    streams: &[Uuid],
) -> Result<HashMap<Uuid, (String, String)>, Trouble> {
    // A need lives in its consultation: the patterns are for the index, which knows consultations by their needs.
    let needs: Vec<String> = streams.iter().map(|stream| format!(r#"[{{"id":"{stream}"}}]"#)).collect();
    let rows = sqlx::query(
        "SELECT id, reference, doc ->> 'name' FROM partner WHERE id = ANY($1)
         UNION ALL SELECT id, reference, doc ->> 'name' FROM fund WHERE id = ANY($1)
         UNION ALL SELECT id, reference, doc ->> 'name' FROM programme WHERE id = ANY($1)
         UNION ALL SELECT id, reference, doc ->> 'title' FROM grant_case WHERE id = ANY($1)
         UNION ALL SELECT id, reference, doc ->> 'title' FROM payment_run WHERE id = ANY($1)
         UNION ALL SELECT id, reference, title FROM offer WHERE id = ANY($1)
         UNION ALL SELECT id, reference, doc ->> 'title' FROM consultation WHERE id = ANY($1)
         UNION ALL SELECT (need ->> 'id')::uuid, need ->> 'reference', need ->> 'statement'
             FROM consultation, jsonb_array_elements(doc -> 'needs') AS need
             WHERE doc -> 'needs' @> ANY($2::text[]::jsonb[]) AND (need ->> 'id')::uuid = ANY($1)
         UNION ALL SELECT id, '', name FROM site WHERE id = ANY($1)
         UNION ALL SELECT id, '', title FROM course WHERE id = ANY($1)
         UNION ALL SELECT id, code, doc ->> 'title' FROM publication WHERE id = ANY($1)",
    )
    .bind(streams)
    .bind(needs)
    .fetch_all(executor)
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?)))).collect()
}

/// The version of a stream: how many events it has.
///
/// # Errors
/// When the database fails.
pub async fn version(executor: impl PgExecutor<'_>, kind: &str, stream: Uuid) -> Result<i64, Trouble> {
    Ok(sqlx::query_scalar(
        "SELECT coalesce(max(sequence), 0) FROM events WHERE aggregate_type = $1 AND aggregate_id = $2",
    )
    .bind(kind)
    .bind(stream.to_string())
    .fetch_one(executor)
    .await?)
}

/// Whether a document ever stated a figure.
///
/// # Errors
/// When the database fails.
pub async fn figure_is_stated(executor: impl PgExecutor<'_>, figure: Uuid) -> Result<bool, Trouble> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM events
         WHERE aggregate_type = 'publication' AND event_type = 'publication.figure_stated'
           AND payload -> 'publication.figure_stated' ->> 'figure' = $1)",
    )
    .bind(figure.to_string())
    .fetch_one(executor)
    .await?)
}

/// What has a human reference.
///
/// # Errors
/// When the database fails.
pub async fn by_reference(executor: impl PgExecutor<'_>, reference: &str) -> Result<Option<Uuid>, Trouble> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM partner WHERE reference = $1
         UNION ALL SELECT id FROM fund WHERE reference = $1
         UNION ALL SELECT id FROM programme WHERE reference = $1
         UNION ALL SELECT id FROM grant_case WHERE reference = $1
         UNION ALL SELECT id FROM payment_run WHERE reference = $1
         UNION ALL SELECT id FROM offer WHERE reference = $1
         UNION ALL SELECT id FROM consultation WHERE reference = $1",
    )
    .bind(reference)
    .fetch_optional(executor)
    .await?)
}
