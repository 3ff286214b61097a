//! The funding ledger on the wire: figures, the lines behind them, and the laws.

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Code, Date, FinancialYear, Money, Movement, Page, asked, counted, cursor, pair, size, told};
use crate::domain::calendar::end_of_day_in_london;
use crate::domain::laws::LAWS;
use crate::domain::postings;
use crate::projections::ledger::{By, Cut, Group, Line};

/// What stands in each pot, in pounds. `budget` = `available` + `reserved` + `committed` + `paid` for a fund or a
/// year. By programme, partner or grant there is no budget: `budget` and `available` are then nothing.
#[derive(Debug, Clone, SimpleObject)]
pub struct Figures {
    /// Put in by the funder, less taken back.
    pub budget: Option<Money>,
    /// Can still be reserved.
    pub available: Option<Money>,
    /// Set aside for grants that are recommended.
    pub reserved: Money,
    /// Promised to grants and not yet paid.
    pub committed: Money,
    /// Paid.
    pub paid: Money,
}

impl From<postings::Figures> for Figures {
    fn from(figures: postings::Figures) -> Self {
        Self {
            budget: Some(Money(figures.budget)),
            available: Some(Money(figures.available)),
            reserved: Money(figures.reserved),
            committed: Money(figures.committed),
            paid: Money(figures.paid),
        }
    }
}

/// The figures of a financial year.
#[derive(Debug, Clone, SimpleObject)]
pub struct YearFigures {
    /// The year.
    pub year: FinancialYear,
    /// Its figures.
    pub figures: Figures,
}

/// By what to break the ledger down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LedgerBreakdown {
    /// One total.
    None,
    /// A fund each.
    Fund,
    /// A programme each.
    Programme,
    /// A lead partner each.
    Partner,
    /// A financial year each.
    Year,
    /// A grant each.
    Grant,
}

impl From<LedgerBreakdown> for By {
    fn from(by: LedgerBreakdown) -> Self {
        match by {
            LedgerBreakdown::None => Self::Nothing,
            LedgerBreakdown::Fund => Self::Fund,
            LedgerBreakdown::Programme => Self::Programme,
            LedgerBreakdown::Partner => Self::Partner,
            LedgerBreakdown::Year => Self::Year,
            LedgerBreakdown::Grant => Self::Grant,
        }
    }
}

/// Which lines of the ledger. "What did we believe on 31 March about the year to 31 March" is both dates at once.
#[derive(Debug, Clone, Default, InputObject)]
pub struct LedgerCut {
    /// Of this fund.
    pub fund_id: Option<Uuid>,
    /// Of this programme.
    pub programme_id: Option<Uuid>,
    /// Of this lead partner.
    pub partner_id: Option<Uuid>,
    /// Of this grant.
    pub grant_id: Option<Uuid>,
    /// In this year’s budget.
    pub year: Option<FinancialYear>,
    /// Only what was recorded on this day or earlier, in London: what was known then.
    pub known_on: Option<Date>,
    /// Only what took effect on this day or earlier.
    pub effective_for: Option<Date>,
}

/// A cut by the two dates.
pub(super) fn dated(known_on: Option<Date>, effective_for: Option<Date>) -> Cut {
    Cut {
        known_before: known_on.map(|date| end_of_day_in_london(date.0)),
        effective_to: effective_for.map(|date| date.0),
        ..Cut::default()
    }
}

impl From<LedgerCut> for Cut {
    fn from(cut: LedgerCut) -> Self {
        Self {
            fund: cut.fund_id,
            programme: cut.programme_id,
            partner: cut.partner_id,
            grant: cut.grant_id,
            year: cut.year.map(|year| year.0),
            ..dated(cut.known_on, cut.effective_for)
        }
    }
}

/// One group of a breakdown.
#[derive(Debug, Clone, SimpleObject)]
pub struct LedgerGroup {
    /// The fund, programme, partner or grant; nothing in a total or a breakdown by year.
    pub id: Option<Uuid>,
    /// The year, in a breakdown by year.
    pub year: Option<FinancialYear>,
    /// What people call it: the human reference, or the year.
    pub reference: Option<String>,
    /// Its name or title.
    pub name: Option<String>,
    /// Its figures.
    pub figures: Figures,
}

/// One movement of money.
#[derive(Debug, Clone, SimpleObject)]
pub struct LedgerLine {
    /// Position in the log of the event it comes from.
    pub index: i64,
    /// Its place among the lines of that event, from 0.
    pub line: i16,
    /// What kind of movement.
    pub movement: Code<Movement>,
    /// From where.
    pub from: &'static str,
    /// To where.
    pub to: &'static str,
    /// How much.
    pub amount: Money,
    /// The year whose budget it is in.
    pub year: FinancialYear,
    /// The fund.
    pub fund_id: Uuid,
    /// The programme, where it is for a grant.
    pub programme_id: Option<Uuid>,
    /// The lead partner, where it is for a grant.
    pub partner_id: Option<Uuid>,
    /// The grant, where it is for one.
    pub grant_id: Option<Uuid>,
    /// The instalment, where it is for one.
    pub instalment_id: Option<Uuid>,
    /// When it took effect.
    pub effective_on: Date,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

impl From<Line> for LedgerLine {
    fn from(line: Line) -> Self {
        let (from, to) = line.movement.way();
        Self {
            index: line.index,
            line: line.line,
            movement: Code(line.movement),
            from: from.words(),
            to: to.words(),
            amount: Money(line.amount),
            year: FinancialYear(line.year),
            fund_id: line.fund,
            programme_id: line.programme,
            partner_id: line.partner,
            grant_id: line.grant,
            instalment_id: line.instalment,
            effective_on: Date(line.effective_on),
            recorded_at: line.recorded_at,
        }
    }
}

/// A law of the ledger, and whether it holds.
#[derive(Debug, Clone, SimpleObject)]
pub struct LawCheck {
    /// Its number, such as L2.
    pub code: &'static str,
    /// What it says.
    pub says: &'static str,
    /// Whether it holds over the whole log.
    pub holds: bool,
    /// Where it does not, in sentences.
    pub breaches: Vec<String>,
}

/// The laws checked over books kept anew from the whole log.
#[derive(Debug, Clone, SimpleObject)]
pub struct LawReport {
    /// How many events were read.
    pub events: i64,
    /// Whether every law holds.
    pub holds: bool,
    /// Each law.
    pub laws: Vec<LawCheck>,
}

/// Queries about money.
#[derive(Default)]
pub struct LedgerQueries;

#[Object]
impl LedgerQueries {
    /// The figures of a cut of the ledger, broken down.
    async fn ledger(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which lines; all if left out.")] cut: Option<LedgerCut>,
        #[graphql(desc = "By what; one total if left out.", default_with = "LedgerBreakdown::None")]
        by: LedgerBreakdown,
    ) -> Result<Vec<LedgerGroup>> {
        let (app, who) = asked(ctx)?;
        let has_budget =
            !matches!(by, LedgerBreakdown::Programme | LedgerBreakdown::Partner | LedgerBreakdown::Grant)
                && cut.as_ref().is_none_or(|cut| {
                    cut.programme_id.is_none() && cut.partner_id.is_none() && cut.grant_id.is_none()
                });
        let mut groups = app.ledger(who, &cut.unwrap_or_default().into(), by.into()).await.map_err(told)?;
        if groups.is_empty() && by == LedgerBreakdown::None {
            groups.push((Group::All, postings::Figures::default()));
        }
        let ids: Vec<Uuid> = groups.iter().filter_map(|(group, _)| group_id(*group)).collect();
        let titles = app.titles(&ids).await.map_err(told)?;
        let mut told: Vec<LedgerGroup> = groups
            .into_iter()
            .filter(|(group, _)| has_budget || *group != Group::Of(None))
            .map(|(group, figures)| {
                let mut figures = Figures::from(figures);
                if !has_budget {
                    figures.budget = None;
                    figures.available = None;
                }
                let year = if let Group::Year(year) = group { Some(FinancialYear(year)) } else { None };
                let title = group_id(group).and_then(|id| titles.get(&id).cloned());
                let (reference, name) = title.unzip();
                let reference = reference.or_else(|| year.map(|year| year.0.to_string()));
                LedgerGroup { id: group_id(group), year, reference, name, figures }
            })
            .collect();
        told.sort_by(|one, other| one.reference.cmp(&other.reference));
        Ok(told)
    }

    /// The lines behind the figures, in the order of the log.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn ledger_lines(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which lines; all if left out.")] cut: Option<LedgerCut>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<LedgerLine>> {
        let (app, who) = asked(ctx)?;
        let size = size(first)?;
        let has_previous = after.is_some();
        let cut: Cut = cut.unwrap_or_default().into();
        let (lines, total) = app.ledger_lines(who, &cut, pair(after)?, size + 1).await.map_err(told)?;
        let entries = lines
            .into_iter()
            .map(|line| (cursor(&[&line.index.to_string(), &line.line.to_string()]), line.into()));
        Ok(counted(entries, size, has_previous, total))
    }

    /// Keep the books anew from the whole log and check every law of the ledger.
    #[graphql(complexity = 1000)]
    async fn laws(&self, ctx: &Context<'_>) -> Result<LawReport> {
        let (app, who) = asked(ctx)?;
        let (events, breaches) = app.laws(who).await.map_err(told)?;
        let laws = LAWS.iter().map(|law| {
            let of_law = breaches.iter().filter(|breach| breach.law == law.code);
            let told: Vec<String> =
                of_law.map(|breach| format!("{}: {}.", breach.of, breach.sentence)).collect();
            LawCheck { code: law.code, says: law.says, holds: told.is_empty(), breaches: told }
        });
        Ok(LawReport { events, holds: breaches.is_empty(), laws: laws.collect() })
    }
}

const fn group_id(group: Group) -> Option<Uuid> {
    match group {
        Group::Of(id) => id,
        Group::All | Group::Year(_) => None,
    }
}
