//! The funding ledger: one line for every movement of money, insert only, with both dates.

use std::fmt::Write as _;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor, QueryBuilder, Row as _};
use uuid::Uuid;

use super::{Fold, Projection, Table, Trouble};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::postings::{Figures, Movement, Posting, postings};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// The projection that keeps the lines.
pub struct Ledger;

const TABLE: Table = Table {
    name: "ledger_line",
    columns: "index bigint NOT NULL, line smallint NOT NULL, fund uuid NOT NULL, programme uuid, partner uuid, \
        grant_id uuid, instalment uuid, year integer NOT NULL, movement text COLLATE \"C\" NOT NULL, \
        amount numeric(14, 2) NOT NULL CHECK (amount > 0), effective_on date NOT NULL, recorded_at timestamptz NOT NULL",
    copied: "index, line, fund, programme, partner, grant_id, instalment, year, movement, amount, effective_on, recorded_at",
    indexes: &[
        "ALTER TABLE {table} ADD PRIMARY KEY (index, line)",
        "CREATE INDEX ON {table} (fund, index, line)",
        "CREATE INDEX ON {table} (grant_id, index, line) WHERE grant_id IS NOT NULL",
    ],
};

fn lines(event: &Recorded) -> impl Iterator<Item = (i16, Posting)> + use<> {
    let lines = match &event.fact {
        Fact::Fund(fact) => postings(fact),
        Fact::Partner(_)
        | Fact::Programme(_)
        | Fact::Delegation(_)
        | Fact::Grant(_)
        | Fact::PaymentRun(_) => Vec::new(),
    };
    (0..).zip(lines)
}

fn column<T>(all: &[(&Recorded, i16, Posting)], of: impl Fn(&Recorded, i16, &Posting) -> T) -> Vec<T> {
    all.iter().map(|(event, line, post)| of(event, *line, post)).collect()
}

#[async_trait]
impl Projection for Ledger {
    fn table(&self) -> Table {
        TABLE
    }

    fn version(&self) -> i32 {
        1
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        events: &[Recorded],
    ) -> Result<(), Trouble> {
        let all: Vec<(&Recorded, i16, Posting)> = events
            .iter()
            .flat_map(|event| lines(event).map(move |(line, post)| (event, line, post)))
            .collect();
        if all.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {schema}.ledger_line ({}) SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::uuid[], \
             $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::integer[], $9::text[], $10::numeric[], $11::date[], \
             $12::timestamptz[])",
            TABLE.copied
        );
        sqlx::query(&sql)
            .bind(column(&all, |event, _, _| event.index))
            .bind(column(&all, |_, line, _| line))
            .bind(column(&all, |event, _, _| event.stream.id))
            .bind(column(&all, |_, _, post| post.link.map(|link| link.programme.0)))
            .bind(column(&all, |_, _, post| post.link.map(|link| link.partner.0)))
            .bind(column(&all, |_, _, post| post.link.map(|link| link.grant.0)))
            .bind(column(&all, |_, _, post| post.instalment.map(|id| id.0)))
            .bind(column(&all, |_, _, post| post.year.begins_in()))
            .bind(column(&all, |_, _, post| post.movement.code()))
            .bind(column(&all, |_, _, post| post.amount.pounds()))
            .bind(column(&all, |event, _, _| event.effective_on))
            .bind(column(&all, |event, _, _| event.recorded_at))
            .execute(connection)
            .await?;
        Ok(())
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(Folding(String::new()))
    }
}

struct Folding(String);

impl Fold for Folding {
    fn take(&mut self, event: &Recorded, out: &mut Vec<u8>) -> Result<(), Trouble> {
        fn id(id: Option<Uuid>) -> impl std::fmt::Display {
            std::fmt::from_fn(move |f| match id {
                Some(id) => write!(f, "{id}"),
                None => f.write_str("\\N"),
            })
        }
        for (line, post) in lines(event) {
            self.0.clear();
            writeln!(
                self.0,
                "{}\t{line}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                event.index,
                event.stream.id,
                id(post.link.map(|link| link.programme.0)),
                id(post.link.map(|link| link.partner.0)),
                id(post.link.map(|link| link.grant.0)),
                id(post.instalment.map(|instalment| instalment.0)),
                post.year.begins_in(),
                post.movement.code(),
                post.amount.pounds(),
                event.effective_on,
                event.recorded_at.format("%Y-%m-%d %H:%M:%S%.6f+00"),
            )
            .map_err(|error| Trouble::Other(error.to_string()))?;
            out.extend_from_slice(self.0.as_bytes());
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut Vec<u8>) -> Result<(), Trouble> {
        Ok(())
    }
}

/// Which lines of the ledger: any filter, cut by what was known and by what had taken effect.
#[derive(Debug, Clone, Default)]
pub struct Cut {
    /// Of this fund.
    pub fund: Option<Uuid>,
    /// Of this programme.
    pub programme: Option<Uuid>,
    /// Of this lead partner.
    pub partner: Option<Uuid>,
    /// Of this grant.
    pub grant: Option<Uuid>,
    /// In this year’s budget.
    pub year: Option<FinancialYear>,
    /// Recorded before this instant.
    pub known_before: Option<DateTime<Utc>>,
    /// Effective on this day or earlier.
    pub effective_to: Option<Date>,
    /// Of events before this position in the log.
    pub before_index: Option<i64>,
}

impl Cut {
    fn narrow(&self, query: &mut QueryBuilder<'_, sqlx::Postgres>) {
        for (column, id) in [
            ("fund", self.fund),
            ("programme", self.programme),
            ("partner", self.partner),
            ("grant_id", self.grant),
        ] {
            if let Some(id) = id {
                query.push(format!(" AND {column} = ")).push_bind(id);
            }
        }
        if let Some(year) = self.year {
            query.push(" AND year = ").push_bind(year.begins_in());
        }
        if let Some(before) = self.known_before {
            query.push(" AND recorded_at < ").push_bind(before);
        }
        if let Some(before) = self.before_index {
            query.push(" AND index < ").push_bind(before);
        }
        if let Some(to) = self.effective_to {
            query.push(" AND effective_on <= ").push_bind(to);
        }
    }
}

/// By what to break the totals down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// One total.
    Nothing,
    /// A fund each.
    Fund,
    /// A programme each; movements of a budget belong to none.
    Programme,
    /// A lead partner each; movements of a budget belong to none.
    Partner,
    /// A financial year each.
    Year,
    /// A grant each; movements of a budget belong to none.
    Grant,
}

/// A group of a breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Everything.
    All,
    /// A fund, programme, partner or grant; none for movements that belong to none.
    Of(Option<Uuid>),
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
    let column = match by {
        By::Nothing => "NULL::uuid, 0",
        By::Fund => "fund, 0",
        By::Programme => "programme, 0",
        By::Partner => "partner, 0",
        By::Year => "NULL::uuid, year",
        By::Grant => "grant_id, 0",
    };
    let mut query = QueryBuilder::new(format!(
        "SELECT {column}, movement, sum(amount) FROM views.ledger_line WHERE true"
    ));
    cut.narrow(&mut query);
    query.push(" GROUP BY 1, 2, 3 ORDER BY 2, 1, 3");
    let mut groups: Vec<((Option<Uuid>, i32), Figures)> = Vec::new();
    for row in query.build().fetch_all(executor).await? {
        let key: (Option<Uuid>, i32) = (row.try_get(0)?, row.try_get(1)?);
        let movement = movement(row.try_get(2)?)?;
        let amount: Decimal = row.try_get(3)?;
        if groups.last().is_none_or(|(last, _)| *last != key) {
            groups.push((key, Figures::default()));
        }
        if let Some((_, figures)) = groups.last_mut() {
            figures.post(movement, amount);
        }
    }
    Ok(groups
        .into_iter()
        .map(|((id, year), figures)| {
            let group = match by {
                By::Nothing => Group::All,
                By::Year => FinancialYear::beginning(year).map_or(Group::All, Group::Year),
                By::Fund | By::Programme | By::Partner | By::Grant => Group::Of(id),
            };
            (group, figures)
        })
        .collect())
}

fn movement(code: &str) -> Result<Movement, Trouble> {
    Movement::from_code(code).ok_or_else(|| Trouble::Other(format!("the ledger holds a movement {code}")))
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
    /// What kind of movement.
    pub movement: Movement,
    /// GBP.
    pub amount: Decimal,
    /// When it took effect.
    pub effective_on: Date,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
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
    let mut query = QueryBuilder::new(format!("SELECT {} FROM views.ledger_line WHERE true", TABLE.copied));
    cut.narrow(&mut query);
    if let Some((index, line)) = after {
        query.push(" AND (index, line) > (").push_bind(index).push(", ").push_bind(line).push(")");
    }
    query.push(" ORDER BY index, line LIMIT ").push_bind(limit);
    let rows = query.build().fetch_all(executor).await?;
    rows.iter()
        .map(|row| {
            Ok(Line {
                index: row.try_get(0)?,
                line: row.try_get(1)?,
                fund: row.try_get(2)?,
                programme: row.try_get(3)?,
                partner: row.try_get(4)?,
                grant: row.try_get(5)?,
                instalment: row.try_get(6)?,
                year: FinancialYear::beginning(row.try_get(7)?)
                    .ok_or_else(|| Trouble::Other("a ledger line is in no financial year".into()))?,
                movement: movement(row.try_get(8)?)?,
                amount: row.try_get(9)?,
                effective_on: row.try_get(10)?,
                recorded_at: row.try_get(11)?,
            })
        })
        .collect()
}

/// How many lines a cut has.
///
/// # Errors
/// When the database fails.
pub async fn count(executor: impl PgExecutor<'_>, cut: &Cut) -> Result<i64, Trouble> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM views.ledger_line WHERE true");
    cut.narrow(&mut query);
    Ok(query.build_query_scalar().fetch_one(executor).await?)
}
