//! What a grant is about, once for all its lines: whom its money is shared with, and where. Lines are split over it
//! when they are read, so that every breakdown comes to the same.

use std::fmt::Write as _;

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::grant::GrantEvent;
use crate::domain::identity::{FundId, PartnerId, ProgrammeId};
use crate::domain::money::{Money, Pence};
use crate::domain::record::Fact;
use crate::projections::{Fold, Projection, Table, Trouble};
use crate::store::log::Recorded;

/// The projection that keeps one row for each grant.
pub struct Cases;

const TABLE: Table = Table {
    name: "ledger_grant",
    columns: "grant_id uuid NOT NULL, fund uuid NOT NULL, programme uuid NOT NULL, partner uuid NOT NULL, \
        delivery uuid[] NOT NULL, pence bigint[] NOT NULL, whole bigint NOT NULL, places text[] NOT NULL",
    copied: "grant_id, fund, programme, partner, delivery, pence, whole, places",
    indexes: &["ALTER TABLE {table} ADD PRIMARY KEY (grant_id)", "CREATE INDEX ON {table} (fund)"],
};

/// A row: the lead partner with what the delivery partners leave of the amount asked for, then these in the order of
/// the application; the places in the order of their codes.
struct Case {
    grant: Uuid,
    fund: FundId,
    programme: ProgrammeId,
    partner: PartnerId,
    shares: Vec<(PartnerId, i64)>,
    places: Vec<&'static str>,
}

fn pence(amount: Money) -> i64 {
    i64::try_from(Pence::of([amount]).count()).unwrap_or_default()
}

impl Case {
    fn of(event: &Recorded) -> Option<Self> {
        let Fact::Grant(GrantEvent::ApplicationSubmitted {
            partner,
            programme,
            fund,
            requested,
            places,
            delivery,
            ..
        }) = &event.fact
        else {
            return None;
        };
        let shared: i64 = delivery.iter().map(|share| pence(share.amount)).sum();
        let lead = (*partner, pence(*requested) - shared);
        let shares = std::iter::once(lead).chain(delivery.iter().map(|one| (one.partner, pence(one.amount))));
        Some(Self {
            grant: event.stream.id,
            fund: *fund,
            programme: *programme,
            partner: *partner,
            shares: shares.filter(|(_, pence)| *pence > 0).collect(),
            places: places.iter().map(|place| place.code()).collect(),
        })
    }

    fn delivery(&self) -> String {
        array(self.shares.iter().map(|(partner, _)| partner))
    }

    fn pence(&self) -> String {
        array(self.shares.iter().map(|(_, pence)| pence))
    }

    fn whole(&self) -> i64 {
        self.shares.iter().map(|(_, pence)| pence).sum()
    }

    fn places(&self) -> String {
        array(&self.places)
    }
}

/// An array as PostgreSQL reads it; ids, numbers and codes need no quotes.
fn array<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("{{{}}}", items.join(","))
}

fn column<T>(all: &[Case], of: impl Fn(&Case) -> T) -> Vec<T> {
    all.iter().map(of).collect()
}

#[async_trait]
impl Projection for Cases {
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
        let all: Vec<Case> = events.iter().filter_map(Case::of).collect();
        if all.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO {schema}.ledger_grant ({}) SELECT grant_id, fund, programme, partner, delivery::uuid[], \
             pence::bigint[], whole, places::text[] FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], \
             $5::text[], $6::text[], $7::bigint[], $8::text[]) \
             AS new (grant_id, fund, programme, partner, delivery, pence, whole, places)",
            TABLE.copied
        );
        sqlx::query(&sql)
            .bind(column(&all, |one| one.grant))
            .bind(column(&all, |one| one.fund.0))
            .bind(column(&all, |one| one.programme.0))
            .bind(column(&all, |one| one.partner.0))
            .bind(column(&all, Case::delivery))
            .bind(column(&all, Case::pence))
            .bind(column(&all, Case::whole))
            .bind(column(&all, Case::places))
            .execute(connection)
            .await?;
        Ok(())
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(Folding)
    }
}

struct Folding;

impl Fold for Folding {
    fn take(&mut self, event: &Recorded, out: &mut Vec<u8>) -> Result<(), Trouble> {
        let Some(one) = Case::of(event) else { return Ok(()) };
        let Case { grant, fund, programme, partner, .. } = &one;
        let mut row = format!("{grant}\t{fund}\t{programme}\t{partner}");
        writeln!(row, "\t{}\t{}\t{}\t{}", one.delivery(), one.pence(), one.whole(), one.places())
            .map_err(|error| Trouble::Other(error.to_string()))?;
        out.extend_from_slice(row.as_bytes());
        Ok(())
    }

    fn finish(self: Box<Self>, _: &mut Vec<u8>) -> Result<(), Trouble> {
        Ok(())
    }
}
