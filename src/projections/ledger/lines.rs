//! One line for every movement of money, insert only, with both dates.

use std::fmt::Write as _;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::{or_null, recorded};
use crate::domain::calendar::FinancialYear;
use crate::domain::postings::{Posting, postings};
use crate::domain::record::{Fact, beside_money};
use crate::projections::{Fold, Projection, Table, Trouble};
use crate::store::log::Recorded;

/// The projection that keeps the lines.
pub struct Ledger;

pub(super) const TABLE: Table = Table {
    name: "ledger_line",
    columns: "index bigint NOT NULL, line smallint NOT NULL, fund uuid NOT NULL, programme uuid, partner uuid, \
        grant_id uuid, instalment uuid, year integer NOT NULL, corrects integer, movement text COLLATE \"C\" NOT NULL, \
        amount numeric(14, 2) NOT NULL CHECK (amount > 0), effective_on date NOT NULL, recorded_at timestamptz NOT NULL",
    copied: "index, line, fund, programme, partner, grant_id, instalment, year, corrects, movement, amount, \
        effective_on, recorded_at",
    indexes: &[
        "ALTER TABLE {table} ADD PRIMARY KEY (index, line)",
        "CREATE INDEX ON {table} (fund, index, line)",
        "CREATE INDEX ON {table} (grant_id, index, line) WHERE grant_id IS NOT NULL",
        "CREATE INDEX ON {table} (index, line) WHERE corrects IS NOT NULL",
    ],
};

fn lines(event: &Recorded) -> impl Iterator<Item = (i16, Posting)> + use<> {
    let lines = match &event.fact {
        Fact::Fund(fact) => postings(fact),
        Fact::Partner(_)
        | Fact::Programme(_)
        | Fact::Delegation(_)
        | Fact::Grant(_)
        | Fact::PaymentRun(_)
        | beside_money!() => Vec::new(),
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
        2
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
             $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::integer[], $9::integer[], $10::text[], $11::numeric[], $12::date[], \
             $13::timestamptz[])",
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
            .bind(column(&all, |_, _, post| post.corrects.map(FinancialYear::begins_in)))
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
        for (line, post) in lines(event) {
            self.0.clear();
            writeln!(
                self.0,
                "{}\t{line}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                event.index,
                event.stream.id,
                or_null(post.link.map(|link| link.programme.0)),
                or_null(post.link.map(|link| link.partner.0)),
                or_null(post.link.map(|link| link.grant.0)),
                or_null(post.instalment.map(|instalment| instalment.0)),
                post.year.begins_in(),
                or_null(post.corrects.map(FinancialYear::begins_in)),
                post.movement.code(),
                post.amount.pounds(),
                event.effective_on,
                recorded(event),
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
