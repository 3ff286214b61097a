//! The golden thread as it is looked up: its links at any cut, and what is told of the things they join, folded anew
//! from their streams up to that cut. A bounded number of statements, however long the thread.

mod links;
mod stories;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row as _};
use uuid::Uuid;

use super::Trouble;
use crate::domain::calendar::Date;
use crate::domain::postings::{Figures, Movement};
use crate::domain::thread::{Relation, ThreadKind};
pub use links::Links;
use links::{CANNOT_DO, STANDS, WENT_INTO};
pub use stories::{
    CommitmentStory, ConsultationStory, GrantStory, NeedStory, OfferStory, ProgrammeStory, Stories, stories,
};

/// The basis of a link that another event tells: nobody had to state it.
pub const RECORDED: &str = "recorded";

/// What was known, and what had taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Of events before this position in the log.
    pub before_index: i64,
    /// Effective on this day or earlier.
    pub effective_to: Date,
}

/// A link as it is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// From which thing.
    pub from: (ThreadKind, Uuid),
    /// How: the code of a relation, or of what this projection adds to them.
    pub relation: String,
    /// To which thing.
    pub to: (ThreadKind, Uuid),
    /// Per cent of a grant that answers a need.
    pub share: Option<u8>,
    /// How it is known: `recorded`, `stated` or `inferred`.
    pub basis: String,
    /// Why, where it was stated or inferred.
    pub why: Option<String>,
    /// Since which event and which day it holds.
    pub since: (i64, Date),
}

impl Held {
    /// Whether one need went into the other.
    #[must_use]
    pub fn is_merger(&self) -> bool {
        self.relation == WENT_INTO
    }

    /// Its relation, where it is one of the thread's own.
    #[must_use]
    pub fn relation(&self) -> Option<Relation> {
        Relation::from_code(&self.relation)
    }
}

const COLUMNS: &str =
    "from_kind, from_id, relation, to_kind, to_id, share, basis, why, since_index, since_on";

/// Read the columns of a link, the first of which is at a place.
fn held(row: &PgRow, at: usize) -> Result<Held, Trouble> {
    let kind = |code: &str| {
        ThreadKind::from_code(code).ok_or_else(|| Trouble::Other(format!("a link joins a {code}")))
    };
    let share: Option<i16> = row.try_get(at + 5)?;
    Ok(Held {
        from: (kind(row.try_get(at)?)?, row.try_get(at + 1)?),
        relation: row.try_get(at + 2)?,
        to: (kind(row.try_get(at + 3)?)?, row.try_get(at + 4)?),
        share: share.and_then(|share| u8::try_from(share).ok()),
        basis: row.try_get(at + 6)?,
        why: row.try_get(at + 7)?,
        since: (row.try_get(at + 8)?, row.try_get(at + 9)?),
    })
}

/// Whether a link holds in a cut, in SQL: `$1` is the position in the log and `$2` the day.
const HOLDS: &str = "l.proposal IS NULL AND l.since_index < $1 AND l.since_on <= $2 \
    AND (l.until_index IS NULL OR l.until_index >= $1 OR l.until_on > $2)";

/// How many events were on the record before an instant, and never more than there are.
///
/// # Errors
/// When the database fails.
pub async fn size_before(executor: impl PgExecutor<'_>, instant: DateTime<Utc>) -> Result<i64, Trouble> {
    let sql = "SELECT coalesce(max(index) + 1, 0) FROM events WHERE recorded_at < $1";
    Ok(sqlx::query_scalar(sql).bind(instant).fetch_one(executor).await?)
}

/// Every link that joins one of these things to another.
///
/// # Errors
/// When the database fails.
pub async fn links_of(
    executor: impl PgExecutor<'_>,
    cut: Cut,
    things: &[Uuid],
) -> Result<Vec<Held>, Trouble> {
    let sql = format!(
        "SELECT {COLUMNS} FROM thread_link AS l
         WHERE (l.from_id = ANY($3) OR l.to_id = ANY($3)) AND l.relation <> '{STANDS}' AND {HOLDS}
         ORDER BY l.since_index, l.stream, l.slot"
    );
    let rows = sqlx::query(&sql)
        .bind(cut.before_index)
        .bind(cut.effective_to)
        .bind(things)
        .fetch_all(executor)
        .await?;
    rows.iter().map(|row| held(row, 0)).collect()
}

/// What other events say already of a thing that a link would go out from, at this moment.
///
/// # Errors
/// When the database fails.
pub async fn recorded_from(executor: impl PgExecutor<'_>, from: Uuid) -> Result<Vec<Held>, Trouble> {
    let sql = format!(
        "SELECT {COLUMNS} FROM thread_link AS l
         WHERE l.from_id = $1 AND l.basis = '{RECORDED}' AND l.proposal IS NULL AND l.until_index IS NULL"
    );
    sqlx::query(&sql).bind(from).fetch_all(executor).await?.iter().map(|row| held(row, 0)).collect()
}

/// The stream that holds something which has none of its own: a commitment, a figure.
///
/// # Errors
/// When the database fails.
pub async fn kept_in(
    executor: impl PgExecutor<'_>,
    (kind, id): (ThreadKind, Uuid),
) -> Result<Option<Uuid>, Trouble> {
    let sql = "SELECT stream FROM thread_link WHERE from_kind = $1 AND from_id = $2 AND basis = $3 LIMIT 1";
    let query = sqlx::query_scalar(sql).bind(kind.code()).bind(id).bind(RECORDED);
    Ok(query.fetch_optional(executor).await?)
}

/// Every consultation at which a need was heard.
///
/// # Errors
/// When the database fails.
pub async fn consultations(executor: impl PgExecutor<'_>, cut: Cut) -> Result<Vec<Uuid>, Trouble> {
    let sql = format!(
        "SELECT DISTINCT l.to_id FROM thread_link AS l WHERE l.relation = 'heard_in' AND {HOLDS} ORDER BY 1"
    );
    Ok(sqlx::query_scalar(&sql).bind(cut.before_index).bind(cut.effective_to).fetch_all(executor).await?)
}

/// What is missing over the whole record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loose {
    /// Needs that nothing answers: no commitment, no grant, no programme, no offer, and no reason why not.
    pub needs: Vec<Uuid>,
    /// Grants that were awarded and answer no need.
    pub grants: Vec<Uuid>,
    /// Offers in the directory that no grant pays for.
    pub offers: Vec<Uuid>,
}

/// The things that stand alone in a cut, at most so many of each kind.
///
/// # Errors
/// When the database fails.
pub async fn loose(executor: impl PgExecutor<'_>, cut: Cut, limit: i64) -> Result<Loose, Trouble> {
    let sql = format!(
        "WITH held AS MATERIALIZED (SELECT * FROM thread_link AS l WHERE {HOLDS}),
         found AS (
             SELECT 'need' AS kind, from_id AS id, since_index FROM held AS l WHERE relation = 'heard_in'
                 AND NOT EXISTS (SELECT FROM held AS a WHERE a.to_id = l.from_id AND a.relation IN ('answers', '{CANNOT_DO}'))
                 AND NOT EXISTS (SELECT FROM held AS a WHERE a.from_id = l.from_id AND a.relation = '{WENT_INTO}')
             UNION ALL SELECT 'grant', from_id, since_index FROM held AS l WHERE relation = '{STANDS}' AND from_kind = 'grant'
                 AND NOT EXISTS (SELECT FROM held AS a WHERE a.from_id = l.from_id AND a.relation = 'answers')
             UNION ALL SELECT 'offer', from_id, since_index FROM held AS l WHERE relation = '{STANDS}' AND from_kind = 'offer'
                 AND NOT EXISTS (SELECT FROM held AS a WHERE a.to_id = l.from_id AND a.relation = 'funds')),
         placed AS (SELECT *, row_number() OVER (PARTITION BY kind ORDER BY since_index, id) AS place FROM found)
         SELECT kind, id FROM placed WHERE place <= $3 ORDER BY kind, place"
    );
    let rows = sqlx::query(&sql)
        .bind(cut.before_index)
        .bind(cut.effective_to)
        .bind(limit)
        .fetch_all(executor)
        .await?;
    let mut loose = Loose::default();
    for row in rows {
        let list = match row.try_get::<&str, _>(0)? {
            "need" => &mut loose.needs,
            "grant" => &mut loose.grants,
            _ => &mut loose.offers,
        };
        list.push(row.try_get(1)?);
    }
    Ok(loose)
}

/// What each of some grants comes to in the ledger, at a cut.
///
/// # Errors
/// When the database fails.
pub async fn money_of(
    executor: impl PgExecutor<'_>,
    cut: Cut,
    grants: &[Uuid],
) -> Result<BTreeMap<Uuid, Figures>, Trouble> {
    let rows = sqlx::query(
        "SELECT grant_id, movement, sum(amount) FROM ledger_line
         WHERE grant_id = ANY($3) AND index < $1 AND effective_on <= $2 GROUP BY 1, 2",
    )
    .bind(cut.before_index)
    .bind(cut.effective_to)
    .bind(grants)
    .fetch_all(executor)
    .await?;
    let mut found: BTreeMap<Uuid, Figures> = BTreeMap::new();
    for row in rows {
        let code: &str = row.try_get(1)?;
        let movement = Movement::from_code(code)
            .ok_or_else(|| Trouble::Other(format!("the ledger holds a movement {code}")))?;
        found.entry(row.try_get(0)?).or_default().post(movement, row.try_get(2)?);
    }
    Ok(found)
}
