//! What witnesses have signed of this log so far: how far and when, for those who look, for bundles, and for checking.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};

use super::key::WitnessKey;
use crate::store::Trouble;
use crate::store::seal::{Sealed, parts};

/// How far a witness has followed the log.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    /// How many events the newest checkpoint covers that it signed.
    pub size: i64,
    /// When it last signed that, by its own clock.
    pub cosigned_at: DateTime<Utc>,
    /// Whether that is longer ago than a day: a witness that answers signs at least once an hour.
    pub is_old: bool,
}

/// How far a witness has followed the log; none when it never signed.
///
/// # Errors
/// When the database fails.
pub async fn standing(
    executor: impl PgExecutor<'_>,
    witness: &WitnessKey,
) -> Result<Option<Standing>, Trouble> {
    Ok(sqlx::query_as(
        "SELECT size, cosigned_at, cosigned_at < clock_timestamp() - interval '1 day' AS is_old
         FROM seal.cosignature WHERE witness = $1 ORDER BY size DESC, cosigned_at DESC LIMIT 1",
    )
    .bind(witness.as_str())
    .fetch_optional(executor)
    .await?)
}

/// A checkpoint with what witnesses signed of it under its own signature.
///
/// # Errors
/// When the database fails.
pub async fn with_cosignatures(executor: impl PgExecutor<'_>, mut sealed: Sealed) -> Result<Sealed, Trouble> {
    let lines: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT ON (witness) line FROM seal.cosignature WHERE size = $1 ORDER BY witness, cosigned_at DESC",
    )
    .bind(sealed.size)
    .fetch_all(executor)
    .await?;
    sealed.note.extend(lines);
    Ok(sealed)
}

/// For each witness the newest checkpoint that it signed of those up to a size, with its signature: notes of rising
/// size.
///
/// # Errors
/// When the database fails.
pub async fn cosigned(executor: impl PgExecutor<'_>, upto: i64) -> Result<Vec<String>, Trouble> {
    Ok(sqlx::query_scalar(
        "SELECT sealed.note || string_agg(newest.line, '' ORDER BY newest.witness)
         FROM (SELECT DISTINCT ON (witness) witness, size, line FROM seal.cosignature WHERE size <= $1
               ORDER BY witness, size DESC, cosigned_at DESC) AS newest
         JOIN seal.checkpoint AS sealed USING (size) GROUP BY sealed.size ORDER BY sealed.size",
    )
    .bind(upto)
    .fetch_all(executor)
    .await?)
}

/// Hold every cosignature in the database against its checkpoint and the key of its witness: how many there are, and
/// what is wrong.
///
/// # Errors
/// When the database fails; what is wrong with a cosignature is a finding, not an error.
pub async fn check_cosignatures(pool: &PgPool) -> Result<(usize, Vec<String>), Trouble> {
    let rows: Vec<(i64, String, DateTime<Utc>, String, String)> = sqlx::query_as(
        "SELECT size, witness, cosigned_at, line, note FROM seal.cosignature JOIN seal.checkpoint USING (size)
         ORDER BY size, witness, cosigned_at",
    )
    .fetch_all(pool)
    .await?;
    let mut findings = Vec::new();
    for (size, witness, at, line, note) in &rows {
        let (text, _) = parts(note).unwrap_or_default();
        let key = WitnessKey::new(witness).ok();
        let seen = key.and_then(|key| key.cosigned(text, line.trim_end_matches('\n')));
        if seen != Some(*at) {
            findings.push(format!("the checkpoint of {size} events was not seen by {witness} at {at}"));
        }
    }
    Ok((rows.len(), findings))
}
