//! Which lines of the ledger, and how they are put into SQL: every read goes through here.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::By;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::places::Area;
use crate::domain::programme::Track;

/// Which lines of the ledger: any filter, cut by what was known and by what had taken effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cut {
    /// Of this fund.
    pub fund: Option<Uuid>,
    /// Of funds with the money of this organisation.
    pub funder: Option<String>,
    /// Of this programme.
    pub programme: Option<Uuid>,
    /// Of programmes on this track.
    pub track: Option<Track>,
    /// Of this lead partner.
    pub partner: Option<Uuid>,
    /// The shares of this partner, lead or delivery.
    pub delivery: Option<Uuid>,
    /// The shares of this place.
    pub place: Option<Area>,
    /// Of this grant.
    pub grant: Option<Uuid>,
    /// In this year’s budget.
    pub year: Option<FinancialYear>,
    /// Only what came late for a year that was closed.
    pub late: bool,
    /// Recorded before this instant.
    pub known_before: Option<DateTime<Utc>>,
    /// Effective on this day or earlier.
    pub effective_to: Option<Date>,
    /// Of events before this position in the log.
    pub before_index: Option<i64>,
}

impl Cut {
    /// The same without dates.
    #[must_use]
    pub fn undated(&self) -> Self {
        Self { known_before: None, effective_to: None, before_index: None, ..self.clone() }
    }

    /// Whether it leaves out movements that belong to no grant.
    #[must_use]
    pub const fn is_of_grants(&self) -> bool {
        self.programme.is_some()
            || self.track.is_some()
            || self.partner.is_some()
            || self.delivery.is_some()
            || self.place.is_some()
            || self.grant.is_some()
    }
}

/// What is read: the movements of the funds, or what is expected of the grants. Both are called `l` in the query;
/// what they belong to stands in the one in the line, in the other in the row of the grant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Movements,
    Expected,
}

impl Source {
    /// The table or row that says which fund, programme and lead partner.
    pub const fn home(self) -> char {
        match self {
            Self::Movements => 'l',
            Self::Expected => 'g',
        }
    }
}

/// The amount of a line that falls to the `ord`th of several shares: each rounded down to the penny, the odd pennies on
/// the last. The same rule as `Money::split`.
fn split(amount: &str, alias: &str, one: &str, count: &str, others: &str) -> String {
    format!(
        "CASE WHEN {alias}.ord IS NULL OR {count} = 1 THEN {amount} WHEN {alias}.ord < {count} THEN {one} * 0.01 \
         ELSE {amount} - {others} * 0.01 END"
    )
}

/// `FROM` and `WHERE` of a cut broken down, and the expression of the amount that counts.
pub fn narrowed(query: &mut QueryBuilder<'_, Postgres>, source: Source, cut: &Cut, by: By) {
    let by_delivery = cut.delivery.is_some() || by == By::Delivery;
    let by_place = cut.place.is_some() || by == By::Place;
    query.push(match source {
        Source::Movements => " FROM ledger_line AS l",
        Source::Expected => " FROM ledger_expected AS l JOIN ledger_grant AS g ON g.grant_id = l.grant_id",
    });
    if source == Source::Movements && (by_delivery || by_place) {
        query.push(" LEFT JOIN ledger_grant AS g ON g.grant_id = l.grant_id");
    }
    if by_delivery {
        let (one, others) = (
            "div(l.amount * 100 * d.pence, g.whole)",
            "(SELECT sum(div(l.amount * 100 * other, g.whole)) \
            FROM unnest(g.pence[1:cardinality(g.pence) - 1]) AS other)",
        );
        let share = split("l.amount", "d", one, "cardinality(g.pence)", others);
        query.push(" LEFT JOIN LATERAL unnest(g.delivery, g.pence) WITH ORDINALITY AS d (partner, pence, ord) ON true");
        query.push(format!(" CROSS JOIN LATERAL (SELECT {share} AS amount) AS delivered"));
    }
    if by_place {
        let whole = if by_delivery { "delivered.amount" } else { "l.amount" };
        let one = format!("div({whole} * 100, cardinality(g.places))");
        let others = format!("{one} * (cardinality(g.places) - 1)");
        let share = split(whole, "p", &one, "cardinality(g.places)", &others);
        query.push(" LEFT JOIN LATERAL unnest(g.places) WITH ORDINALITY AS p (place, ord) ON true");
        query.push(format!(" CROSS JOIN LATERAL (SELECT {share} AS amount) AS placed"));
    }
    query.push(" WHERE true");
    filtered(query, source, cut);
    dated(query, cut);
}

/// The expression of the amount that counts in a cut broken down.
pub const fn counted(cut: &Cut, by: By) -> &'static str {
    if cut.place.is_some() || matches!(by, By::Place) {
        "placed.amount"
    } else if cut.delivery.is_some() || matches!(by, By::Delivery) {
        "delivered.amount"
    } else {
        "l.amount"
    }
}

fn filtered(query: &mut QueryBuilder<'_, Postgres>, source: Source, cut: &Cut) {
    let home = source.home();
    for (column, id) in [
        (format!("{home}.fund"), cut.fund),
        (format!("{home}.programme"), cut.programme),
        (format!("{home}.partner"), cut.partner),
        ("l.grant_id".to_owned(), cut.grant),
        ("d.partner".to_owned(), cut.delivery),
    ] {
        if let Some(id) = id {
            query.push(format!(" AND {column} = ")).push_bind(id);
        }
    }
    if let Some(funder) = &cut.funder {
        query.push(format!(" AND {home}.fund IN (SELECT id FROM fund WHERE doc ->> 'funder' = "));
        query.push_bind(funder.clone()).push(")");
    }
    if let Some(track) = cut.track {
        query.push(format!(" AND {home}.programme IN (SELECT id FROM programme WHERE doc ->> 'track' = "));
        query.push_bind(track.code()).push(")");
    }
    if let Some(place) = cut.place {
        query.push(" AND p.place = ").push_bind(place.code());
    }
    if let Some(year) = cut.year {
        query.push(" AND l.year = ").push_bind(year.begins_in());
    }
    if cut.late && source == Source::Movements {
        query.push(" AND l.corrects IS NOT NULL");
    }
}

fn dated(query: &mut QueryBuilder<'_, Postgres>, cut: &Cut) {
    if let Some(before) = cut.known_before {
        query.push(" AND l.recorded_at < ").push_bind(before);
    }
    if let Some(before) = cut.before_index {
        query.push(" AND l.index < ").push_bind(before);
    }
    if let Some(to) = cut.effective_to {
        query.push(" AND l.effective_on <= ").push_bind(to);
    }
}

/// Whether a line is within the dates of a cut, as an expression.
pub fn within(query: &mut QueryBuilder<'_, Postgres>, cut: &Cut) {
    query.push("(true");
    dated(query, cut);
    query.push(")");
}
