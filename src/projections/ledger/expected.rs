//! What is expected of the grants: instalments to be paid, and money given up. Insert only, with both dates: an
//! instalment is a line above nothing, and when it is paid, replaced or cancelled another of the same sum below it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use async_trait::async_trait;
use rust_decimal::Decimal;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{or_null, recorded};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::postings::{Expectation, expectations};
use crate::domain::record::Fact;
use crate::projections::{Fold, Projection, Table, Trouble};
use crate::store::log::Recorded;

/// The projection that keeps the lines.
pub struct Expecting;

const TABLE: Table = Table {
    name: "ledger_expected",
    columns: "index bigint NOT NULL, line smallint NOT NULL, grant_id uuid NOT NULL, instalment uuid, \
        year integer NOT NULL, due date, amount numeric(14, 2) NOT NULL CHECK (amount <> 0), \
        effective_on date NOT NULL, recorded_at timestamptz NOT NULL",
    copied: "index, line, grant_id, instalment, year, due, amount, effective_on, recorded_at",
    indexes: &[
        "ALTER TABLE {table} ADD PRIMARY KEY (index, line)",
        "CREATE INDEX ON {table} (grant_id, index, line)",
    ],
};

/// An instalment to be paid: its year, the day it is due, and how much.
type Open = (i32, Date, Decimal);

/// The instalments to be paid of some grants.
#[derive(Default)]
struct Plans(HashMap<Uuid, BTreeMap<Uuid, Open>>);

/// A line. Without an instalment it is money given up; its year is then that in which it was.
struct Line {
    instalment: Option<Uuid>,
    year: i32,
    due: Option<Date>,
    amount: Decimal,
}

impl Line {
    fn planned(id: Uuid, (year, due, amount): Open) -> Self {
        Self { instalment: Some(id), year, due: Some(due), amount }
    }

    fn done(id: Uuid, (year, due, amount): Open) -> Self {
        Self::planned(id, (year, due, -amount))
    }
}

impl Plans {
    fn take(&mut self, event: &Recorded) -> Vec<Line> {
        let Fact::Grant(fact) = &event.fact else { return Vec::new() };
        let mut lines = Vec::new();
        for expectation in expectations(fact) {
            let plan = self.0.entry(event.stream.id).or_default();
            match expectation {
                Expectation::Planned(one) => {
                    let open = (one.year.begins_in(), one.due, one.amount.pounds());
                    plan.insert(one.id.0, open);
                    lines.push(Line::planned(one.id.0, open));
                }
                Expectation::Done(id) => {
                    lines.extend(plan.remove(&id.0).map(|open| Line::done(id.0, open)));
                }
                Expectation::AllDone => {
                    lines.extend(std::mem::take(plan).into_iter().map(|(id, open)| Line::done(id, open)));
                }
                Expectation::WrittenOff(amount) => lines.push(Line {
                    instalment: None,
                    year: FinancialYear::of(event.effective_on).begins_in(),
                    due: None,
                    amount: amount.pounds(),
                }),
                Expectation::AskedAgain(amount) => lines.push(Line {
                    instalment: None,
                    year: FinancialYear::of(event.effective_on).begins_in(),
                    due: None,
                    amount: -amount.pounds(),
                }),
            }
        }
        lines
    }

    /// The plans of the grants of which events take something back.
    async fn before(
        connection: &mut PgConnection,
        schema: &str,
        events: &[Recorded],
    ) -> Result<Self, Trouble> {
        let takes_back = |event: &&Recorded| {
            let Fact::Grant(fact) = &event.fact else { return false };
            let back = |one: &Expectation| matches!(one, Expectation::Done(_) | Expectation::AllDone);
            expectations(fact).iter().any(back)
        };
        let grants: Vec<Uuid> = events.iter().filter(takes_back).map(|event| event.stream.id).collect();
        let mut plans = Self::default();
        if grants.is_empty() {
            return Ok(plans);
        }
        let sql = format!(
            "SELECT grant_id, instalment, year, due, sum(amount) FROM {schema}.ledger_expected
             WHERE grant_id = ANY($1) AND instalment IS NOT NULL GROUP BY 1, 2, 3, 4 HAVING sum(amount) > 0"
        );
        for row in sqlx::query(&sql).bind(grants).fetch_all(connection).await? {
            let open = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
            plans.0.entry(row.try_get(0)?).or_default().insert(row.try_get(1)?, open);
        }
        Ok(plans)
    }
}

fn column<T>(all: &[(&Recorded, i16, Line)], of: impl Fn(&Recorded, i16, &Line) -> T) -> Vec<T> {
    all.iter().map(|(event, number, line)| of(event, *number, line)).collect()
}

#[async_trait]
impl Projection for Expecting {
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
        let mut plans = Plans::before(connection, schema, events).await?;
        let mut all: Vec<(&Recorded, i16, Line)> = Vec::new();
        for event in events {
            all.extend((0..).zip(plans.take(event)).map(|(number, line)| (event, number, line)));
        }
        if all.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {schema}.ledger_expected ({}) SELECT * FROM unnest($1::bigint[], $2::smallint[], \
             $3::uuid[], $4::uuid[], $5::integer[], $6::date[], $7::numeric[], $8::date[], $9::timestamptz[])",
            TABLE.copied
        );
        sqlx::query(&sql)
            .bind(column(&all, |event, _, _| event.index))
            .bind(column(&all, |_, number, _| number))
            .bind(column(&all, |event, _, _| event.stream.id))
            .bind(column(&all, |_, _, line| line.instalment))
            .bind(column(&all, |_, _, line| line.year))
            .bind(column(&all, |_, _, line| line.due))
            .bind(column(&all, |_, _, line| line.amount))
            .bind(column(&all, |event, _, _| event.effective_on))
            .bind(column(&all, |event, _, _| event.recorded_at))
            .execute(connection)
            .await?;
        Ok(())
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(Folding(Plans::default()))
    }
}

struct Folding(Plans);

impl Fold for Folding {
    fn take(&mut self, event: &Recorded, out: &mut Vec<u8>) -> Result<(), Trouble> {
        for (number, line) in (0_i16..).zip(self.0.take(event)) {
            let mut row = format!("{}\t{number}\t{}\t", event.index, event.stream.id);
            writeln!(
                row,
                "{}\t{}\t{}\t{}\t{}\t{}",
                or_null(line.instalment),
                line.year,
                or_null(line.due),
                line.amount,
                event.effective_on,
                recorded(event),
            )
            .map_err(|error| Trouble::Other(error.to_string()))?;
            out.extend_from_slice(row.as_bytes());
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut Vec<u8>) -> Result<(), Trouble> {
        Ok(())
    }
}
