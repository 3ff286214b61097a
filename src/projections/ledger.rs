//! The funding ledger: a line for every movement of money and for what is expected, insert only, with both dates; and
//! its figures at any cut, broken down.

mod cases;
mod cut;
mod expected;
mod lines;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

use super::Trouble;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::identity::FundId;
use crate::domain::postings::{Expected, Figures, Movement};
use crate::store::log::Recorded;
pub use cases::Cases;
pub use cut::Cut;
use cut::{Source, counted, narrowed, within};
pub use expected::Expecting;
pub use lines::Ledger;

/// A value in the text form of COPY, or that there is none.
fn or_null(value: Option<impl fmt::Display>) -> impl fmt::Display {
    fmt::from_fn(move |f| match &value {
        Some(value) => value.fmt(f),
        None => f.write_str("\\N"),
    })
}

/// When an event was recorded, in the text form of COPY.
fn recorded(event: &Recorded) -> impl fmt::Display {
    event.recorded_at.format("%Y-%m-%d %H:%M:%S%.6f+00")
}

/// By what to break the totals down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// One total.
    Nothing,
    /// A fund each.
    Fund,
    /// The organisation whose money it is.
    Funder,
    /// A programme each; movements of a budget belong to none.
    Programme,
    /// A track each; movements of a budget belong to none.
    Track,
    /// A lead partner each; movements of a budget belong to none.
    Partner,
    /// A partner each, with its share as lead or delivery partner; movements of a budget belong to none.
    Delivery,
    /// A place each, with an even share of its grants; movements of a budget belong to none.
    Place,
    /// A financial year each.
    Year,
    /// A grant each; movements of a budget belong to none.
    Grant,
}

impl By {
    /// Every breakdown.
    pub const ALL: [Self; 10] = [
        Self::Nothing,
        Self::Fund,
        Self::Funder,
        Self::Programme,
        Self::Track,
        Self::Partner,
        Self::Delivery,
        Self::Place,
        Self::Year,
        Self::Grant,
    ];

    /// Whether movements of a budget belong to one of its groups.
    #[must_use]
    pub const fn has_budget(self) -> bool {
        matches!(self, Self::Nothing | Self::Fund | Self::Funder | Self::Year)
    }

    /// By which column lines are grouped.
    fn column(self, source: Source) -> String {
        let home = source.home();
        match self {
            Self::Nothing => "NULL::integer".into(),
            Self::Fund | Self::Funder => format!("{home}.fund"),
            Self::Programme | Self::Track => format!("{home}.programme"),
            Self::Partner => format!("{home}.partner"),
            Self::Delivery => "d.partner".into(),
            Self::Place => "p.place".into(),
            Self::Year => "l.year".into(),
            Self::Grant => "l.grant_id".into(),
        }
    }

    /// What groups of that column are called together, and the table that says so.
    const fn called(self) -> (&'static str, &'static str) {
        match self {
            Self::Funder => ("r.doc ->> 'funder'", "LEFT JOIN fund AS r ON r.id = t.key"),
            Self::Track => ("r.doc ->> 'track'", "LEFT JOIN programme AS r ON r.id = t.key"),
            Self::Nothing
            | Self::Fund
            | Self::Programme
            | Self::Partner
            | Self::Delivery
            | Self::Place
            | Self::Year
            | Self::Grant => ("t.key::text", ""),
        }
    }

    fn group(self, key: Option<String>) -> Result<Group, Trouble> {
        let odd = || Trouble::Other("the ledger has an odd group".into());
        Ok(match (self, key) {
            (Self::Nothing, _) => Group::All,
            (Self::Year, key) => {
                let begins = key.and_then(|key| key.parse().ok()).ok_or_else(odd)?;
                Group::Year(FinancialYear::beginning(begins).ok_or_else(odd)?)
            }
            (Self::Funder | Self::Track | Self::Place, key) => Group::Named(key),
            (Self::Fund | Self::Programme | Self::Partner | Self::Delivery | Self::Grant, key) => {
                Group::Of(key.map(|key| key.parse()).transpose().map_err(|_| odd())?)
            }
        })
    }
}

/// A group of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// Everything.
    All,
    /// A fund, programme, partner or grant; none for movements that belong to none.
    Of(Option<Uuid>),
    /// A funder by name, a track or a place by code; none for movements that belong to none.
    Named(Option<String>),
    /// A financial year.
    Year(FinancialYear),
}

/// The figures of a cut, broken down.
///
/// # Errors
/// When the database fails.
pub async fn totals(
    executor: impl PgExecutor<'_>,
    cut: &Cut,
    by: By,
) -> Result<Vec<(Group, Figures)>, Trouble> {
    let (called, join) = by.called();
    let mut query = QueryBuilder::new(format!(
        "SELECT {called}, t.movement, sum(t.amount) FROM (SELECT {} AS key, l.movement, sum({}) AS amount",
        by.column(Source::Movements),
        counted(cut, by)
    ));
    narrowed(&mut query, Source::Movements, cut, by);
    query.push(format!(" GROUP BY 1, 2) AS t {join} GROUP BY 1, 2 ORDER BY 1, 2"));
    let mut groups: Vec<(Option<String>, Figures)> = Vec::new();
    for row in query.build().fetch_all(executor).await? {
        let key: Option<String> = row.try_get(0)?;
        if groups.last().is_none_or(|(last, _)| *last != key) {
            groups.push((key, Figures::default()));
        }
        if let Some((_, figures)) = groups.last_mut() {
            figures.post(movement(row.try_get(1)?)?, row.try_get(2)?);
        }
    }
    groups.into_iter().map(|(key, figures)| Ok((by.group(key)?, figures))).collect()
}

/// What is expected in a cut, broken down; what is due by a day counts as accrued.
///
/// # Errors
/// When the database fails.
pub async fn expected(
    executor: impl PgExecutor<'_>,
    cut: &Cut,
    by: By,
    due_by: Date,
) -> Result<Vec<(Group, Expected)>, Trouble> {
    let (called, join) = by.called();
    let amount = counted(cut, by);
    let mut query = QueryBuilder::new(format!(
        "SELECT {called}, sum(t.accrued), sum(t.forecast), sum(t.written_off) FROM (SELECT {} AS key, \
         coalesce(sum({amount}) FILTER (WHERE l.due <= ",
        by.column(Source::Expected),
    ));
    query.push_bind(due_by);
    query.push(format!("), 0) AS accrued, coalesce(sum({amount}) FILTER (WHERE l.due > "));
    query.push_bind(due_by);
    query.push(format!(
        "), 0) AS forecast, coalesce(sum({amount}) FILTER (WHERE l.instalment IS NULL), 0) AS written_off"
    ));
    narrowed(&mut query, Source::Expected, cut, by);
    query.push(format!(" GROUP BY 1) AS t {join} GROUP BY 1"));
    let rows = query.build().fetch_all(executor).await?;
    rows.iter()
        .map(|row| {
            let (accrued, forecast, written_off) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
            Ok((by.group(row.try_get(0)?)?, Expected { accrued, forecast, written_off }))
        })
        .collect()
}

/// The figures of every fund in every year, for holding them against books.
///
/// # Errors
/// When the database fails.
pub async fn by_fund_and_year(
    executor: impl PgExecutor<'_>,
    cut: &Cut,
) -> Result<BTreeMap<(FundId, FinancialYear), Figures>, Trouble> {
    let mut query = QueryBuilder::new("SELECT l.fund, l.year, l.movement, sum(l.amount)");
    narrowed(&mut query, Source::Movements, cut, By::Nothing);
    query.push(" GROUP BY 1, 2, 3");
    let mut figures: BTreeMap<(FundId, FinancialYear), Figures> = BTreeMap::new();
    for row in query.build().fetch_all(executor).await? {
        let key = (FundId(row.try_get(0)?), year(row.try_get(1)?)?);
        figures.entry(key).or_default().post(movement(row.try_get(2)?)?, row.try_get(3)?);
    }
    Ok(figures)
}

fn movement(code: &str) -> Result<Movement, Trouble> {
    Movement::from_code(code).ok_or_else(|| Trouble::Other(format!("the ledger holds a movement {code}")))
}

fn year(begins: i32) -> Result<FinancialYear, Trouble> {
    FinancialYear::beginning(begins)
        .ok_or_else(|| Trouble::Other("a ledger line is in no financial year".into()))
}

/// A line of the ledger as it is read.
#[derive(Debug, Clone)]
pub struct Line {
    /// Position of its event in the log.
    pub index: i64,
    /// Its place among the lines of that event, from 0.
    pub line: i16,
    /// The fund.
    pub fund: Uuid,
    /// The programme, where it is for a grant.
    pub programme: Option<Uuid>,
    /// The lead partner, where it is for a grant.
    pub partner: Option<Uuid>,
    /// The grant, where it is for one.
    pub grant: Option<Uuid>,
    /// The instalment, where it is for one.
    pub instalment: Option<Uuid>,
    /// The year whose budget it is in.
    pub year: FinancialYear,
    /// The closed year it came late for.
    pub corrects: Option<FinancialYear>,
    /// What kind of movement.
    pub movement: Movement,
    /// GBP.
    pub amount: Decimal,
    /// The part of the amount that counts in the cut.
    pub share: Decimal,
    /// When it took effect.
    pub effective_on: Date,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

const COLUMNS: &str = "l.index, l.line, l.fund, l.programme, l.partner, l.grant_id, l.instalment, l.year, l.corrects, \
    l.movement, l.amount, l.effective_on, l.recorded_at";

fn read(row: &PgRow) -> Result<Line, Trouble> {
    Ok(Line {
        index: row.try_get(0)?,
        line: row.try_get(1)?,
        fund: row.try_get(2)?,
        programme: row.try_get(3)?,
        partner: row.try_get(4)?,
        grant: row.try_get(5)?,
        instalment: row.try_get(6)?,
        year: year(row.try_get(7)?)?,
        corrects: row.try_get::<Option<i32>, _>(8)?.map(year).transpose()?,
        movement: movement(row.try_get(9)?)?,
        amount: row.try_get(10)?,
        share: row.try_get(13)?,
        effective_on: row.try_get(11)?,
        recorded_at: row.try_get(12)?,
    })
}

/// In the order of the log, after a line.
fn page(query: &mut QueryBuilder<'_, Postgres>, after: Option<(i64, i16)>, limit: i64) {
    if let Some((index, line)) = after {
        query.push(" AND (l.index, l.line) > (").push_bind(index).push(", ").push_bind(line).push(")");
    }
    query.push(" ORDER BY l.index, l.line LIMIT ").push_bind(limit);
}

/// The lines of a cut in order of the log, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn listed(
    executor: impl PgExecutor<'_>,
    cut: &Cut,
    after: Option<(i64, i16)>,
    limit: i64,
) -> Result<Vec<Line>, Trouble> {
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS}, {}", counted(cut, By::Nothing)));
    narrowed(&mut query, Source::Movements, cut, By::Nothing);
    page(&mut query, after, limit);
    query.build().fetch_all(executor).await?.iter().map(read).collect()
}

/// How many lines a cut has.
///
/// # Errors
/// When the database fails.
pub async fn count(executor: impl PgExecutor<'_>, cut: &Cut) -> Result<i64, Trouble> {
    let mut query = QueryBuilder::new("SELECT count(*)");
    narrowed(&mut query, Source::Movements, cut, By::Nothing);
    Ok(query.build_query_scalar().fetch_one(executor).await?)
}

/// The lines that are in one of two cuts and not in the other, each with whether it is in the second. The cuts differ
/// in their dates only.
///
/// # Errors
/// When the database fails.
pub async fn differing(
    executor: impl PgExecutor<'_>,
    (from, to): (&Cut, &Cut),
    after: Option<(i64, i16)>,
    limit: i64,
) -> Result<Vec<(Line, bool)>, Trouble> {
    let all = from.undated();
    let mut query = QueryBuilder::new(format!("SELECT {COLUMNS}, {}, ", counted(&all, By::Nothing)));
    within(&mut query, to);
    narrowed(&mut query, Source::Movements, &all, By::Nothing);
    differs(&mut query, (from, to));
    page(&mut query, after, limit);
    let rows = query.build().fetch_all(executor).await?;
    rows.iter().map(|row| Ok((read(row)?, row.try_get(14)?))).collect()
}

/// What the lines that differ come to, and how many there are: those only in the second cut, less those only in the
/// first.
///
/// # Errors
/// When the database fails.
pub async fn difference(
    executor: impl PgExecutor<'_>,
    (from, to): (&Cut, &Cut),
) -> Result<(Figures, i64), Trouble> {
    let all = from.undated();
    let mut query = QueryBuilder::new("SELECT l.movement, ");
    within(&mut query, to);
    query.push(format!(", sum({}), count(*)", counted(&all, By::Nothing)));
    narrowed(&mut query, Source::Movements, &all, By::Nothing);
    differs(&mut query, (from, to));
    query.push(" GROUP BY 1, 2");
    let (mut figures, mut lines) = (Figures::default(), 0);
    for row in query.build().fetch_all(executor).await? {
        let (is_new, amount): (bool, Decimal) = (row.try_get(1)?, row.try_get(2)?);
        figures.post(movement(row.try_get(0)?)?, if is_new { amount } else { -amount });
        lines += row.try_get::<i64, _>(3)?;
    }
    Ok((figures, lines))
}

fn differs(query: &mut QueryBuilder<'_, Postgres>, (from, to): (&Cut, &Cut)) {
    query.push(" AND ");
    within(query, from);
    query.push(" IS DISTINCT FROM ");
    within(query, to);
}
