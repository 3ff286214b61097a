//! The funding ledger on the wire: figures, the lines behind them, and the laws.

use async_graphql::{Context, Enum, InputObject, Lookahead, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    Area, AsAt, Code, Date, FinancialYear, Money, Movement, Page, asked, asked_as_at, counted, cursor, pair,
    size, told,
};
use crate::app::ledger as app;
use crate::domain::calendar::end_of_day_in_london;
use crate::domain::laws::LAWS;
use crate::domain::postings;
use crate::domain::programme::Track;
use crate::projections::ledger::{By, Cut, Group, Line};

/// What a part of the ledger comes to, in pounds. For a fund or a year, `budget` = `available` + `reserved` +
/// `committed` + `spent`, and `committed` = `accrued` + `forecast`. By programme, track, partner, place or grant there is
/// no budget: `budget` and `available` are then nothing.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Figures {
    /// Put in, less taken out: by the funder, by transfers and by carrying forward.
    pub budget: Option<Money>,
    /// Can still be reserved.
    pub available: Option<Money>,
    /// Set aside for grants that are recommended.
    pub reserved: Money,
    /// Promised to grants and not yet paid: outstanding.
    pub committed: Money,
    /// Paid, before what came back.
    pub paid: Money,
    /// Paid, but came back from the bank.
    pub returned: Money,
    /// Paid, but got back from the partner.
    pub recovered: Money,
    /// Paid, less returned and recovered.
    pub spent: Money,
    /// Of what is committed: due by the day of the cut and not paid. By the year an instalment was planned for.
    pub accrued: Money,
    /// Of what is committed: due after the day of the cut. By the year an instalment was planned for.
    pub forecast: Money,
    /// Demanded back from partners and given up.
    pub written_off: Money,
}

impl From<postings::Figures> for Figures {
    fn from(figures: postings::Figures) -> Self {
        Self {
            budget: Some(Money(figures.budget)),
            available: Some(Money(figures.available)),
            reserved: Money(figures.reserved),
            committed: Money(figures.committed),
            paid: Money(figures.paid),
            returned: Money(figures.returned),
            recovered: Money(figures.recovered),
            spent: Money(figures.spent()),
            accrued: Money(Decimal::ZERO),
            forecast: Money(Decimal::ZERO),
            written_off: Money(Decimal::ZERO),
        }
    }
}

impl Figures {
    fn with(mut self, expected: postings::Expected) -> Self {
        self.accrued = Money(expected.accrued);
        self.forecast = Money(expected.forecast);
        self.written_off = Money(expected.written_off);
        self
    }
}

/// The groups of a cut with all their figures. What is expected is only looked up when it is asked for.
pub(super) async fn drawn(
    ctx: &Context<'_>,
    asked_for: &Lookahead<'_>,
    cut: &Cut,
    by: By,
) -> Result<Vec<(Group, Figures)>> {
    let (app, who) = asked(ctx)?;
    let totals = app.ledger(who, cut, by).await.map_err(told)?;
    let mut groups: Vec<(Group, Figures)> =
        totals.into_iter().map(|(group, figures)| (group, figures.into())).collect();
    if groups.is_empty() && by == By::Nothing {
        groups.push((Group::All, postings::Figures::default().into()));
    }
    if ["accrued", "forecast", "writtenOff"].iter().any(|field| asked_for.field(field).exists()) {
        for (group, expected) in app.ledger_expected(who, cut, by).await.map_err(told)? {
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, figures)) => *figures = figures.with(expected),
                None => groups.push((group, Figures::from(postings::Figures::default()).with(expected))),
            }
        }
    }
    Ok(groups)
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
    /// A funder each: the organisation whose money it is.
    Funder,
    /// A programme each.
    Programme,
    /// A track each.
    Track,
    /// A lead partner each.
    Partner,
    /// A partner each with its shares, as lead partner or delivering with one. Each line is split by the shares of the
    /// application, each rounded down to the penny, the odd pennies on the last.
    DeliveryPartner,
    /// A place each. Each line is split evenly over the places of its grant, the odd pennies on the last.
    Place,
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
            LedgerBreakdown::Funder => Self::Funder,
            LedgerBreakdown::Track => Self::Track,
            LedgerBreakdown::DeliveryPartner => Self::Delivery,
            LedgerBreakdown::Place => Self::Place,
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
    /// Of funds with the money of this organisation.
    pub funder: Option<String>,
    /// Of this programme.
    pub programme_id: Option<Uuid>,
    /// Of programmes on this track.
    pub track: Option<Code<Track>>,
    /// Of this lead partner.
    pub partner_id: Option<Uuid>,
    /// The shares of this partner, as lead partner or delivering with one.
    pub delivery_partner_id: Option<Uuid>,
    /// The shares of this place.
    pub place: Option<Code<Area>>,
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
            funder: cut.funder,
            programme: cut.programme_id,
            track: cut.track.map(|track| track.0),
            partner: cut.partner_id,
            delivery: cut.delivery_partner_id,
            place: cut.place.map(|place| place.0),
            grant: cut.grant_id,
            year: cut.year.map(|year| year.0),
            ..dated(cut.known_on, cut.effective_for)
        }
    }
}

/// One group of a breakdown.
#[derive(Debug, Clone, SimpleObject)]
pub struct LedgerGroup {
    /// The fund, programme, partner or grant; nothing in a total or another breakdown.
    pub id: Option<Uuid>,
    /// The year, in a breakdown by year.
    pub year: Option<FinancialYear>,
    /// The place, in a breakdown by place.
    pub place: Option<Code<Area>>,
    /// The track, in a breakdown by track.
    pub track: Option<Code<Track>>,
    /// What people call it: the human reference, the year, or the name of the funder, track or place.
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
    /// The part of it that counts in the cut: less than the amount where the cut is of a place or of a partner’s
    /// shares.
    pub share: Money,
    /// The year whose budget it is in.
    pub year: FinancialYear,
    /// The closed year it came late for; nothing for a line that is not late.
    pub corrects: Option<FinancialYear>,
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
            share: Money(line.share),
            year: FinancialYear(line.year),
            corrects: line.corrects.map(FinancialYear),
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

/// A line that is in one of two cuts and not in the other.
#[derive(Debug, Clone, SimpleObject)]
pub struct LedgerDifferenceLine {
    /// Whether it is in the second cut; otherwise it is in the first.
    pub is_new: bool,
    /// The line.
    pub line: LedgerLine,
}

/// What changed between two cuts of the same part of the ledger, explained line by line.
pub struct LedgerDifference {
    difference: app::Difference,
    size: i64,
    has_previous: bool,
}

/// What changed between two cuts of the same part of the ledger, explained line by line.
#[Object]
impl LedgerDifference {
    /// The figures of the first cut, without what is expected.
    async fn before(&self) -> Figures {
        self.difference.before.into()
    }
    /// The figures of the second cut, without what is expected.
    async fn after(&self) -> Figures {
        self.difference.after.into()
    }
    /// What the lines that differ come to: new ones less those that are gone.
    async fn change(&self) -> Figures {
        self.difference.explained.into()
    }
    /// Whether the first cut and the lines that differ come to the second.
    async fn reconciles(&self) -> bool {
        let mut sum = self.difference.before;
        sum += self.difference.explained;
        sum == self.difference.after
    }
    /// The lines that differ, in the order of the log.
    #[graphql(complexity = "50 * child_complexity")]
    async fn lines(&self) -> Page<LedgerDifferenceLine> {
        let lines = self.difference.lines.iter().cloned();
        let entries =
            lines.map(|(line, is_new)| (place_of(&line), LedgerDifferenceLine { is_new, line: line.into() }));
        counted(entries, self.size, self.has_previous, self.difference.count)
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
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Vec<LedgerGroup>> {
        asked_as_at(ctx, as_at).await?;
        let (by, cut) = (By::from(by), Cut::from(cut.unwrap_or_default()));
        let has_budget = by.has_budget() && !cut.is_of_grants();
        let groups = drawn(ctx, &ctx.look_ahead().field("figures"), &cut, by).await?;
        let ids: Vec<Uuid> = groups.iter().filter_map(|(group, _)| group_id(group)).collect();
        let titles = asked(ctx)?.0.titles(&ids).await.map_err(told)?;
        let of_none = [Group::Of(None), Group::Named(None)];
        let mut told: Vec<LedgerGroup> = groups
            .into_iter()
            .filter(|(group, _)| has_budget || !of_none.contains(group))
            .map(|(group, mut figures)| {
                if !has_budget {
                    (figures.budget, figures.available) = (None, None);
                }
                let title = group_id(&group).and_then(|id| titles.get(&id).cloned());
                LedgerGroup::new(by, &group, title, figures)
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
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Page<LedgerLine>> {
        asked_as_at(ctx, as_at).await?;
        lines(ctx, &cut.unwrap_or_default().into(), first, after).await
    }

    /// The lines that came late for a year that was closed, in the order of the log. They stand in an open year and
    /// name the closed one.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn late_postings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which lines; all if left out.")] cut: Option<LedgerCut>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<LedgerLine>> {
        lines(ctx, &Cut { late: true, ..cut.unwrap_or_default().into() }, first, after).await
    }

    /// What changed between two cuts, explained line by line. The cuts may differ in their dates only.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity / 50")]
    async fn ledger_difference(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first cut.")] from: LedgerCut,
        #[graphql(desc = "The second cut.")] to: LedgerCut,
        #[graphql(desc = "How many lines: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "Lines after this cursor.")] after: Option<String>,
    ) -> Result<LedgerDifference> {
        let (app, who) = asked(ctx)?;
        let size = size(first)?;
        let has_previous = after.is_some();
        let cuts: (Cut, Cut) = (from.into(), to.into());
        let found = app.ledger_difference(who, (&cuts.0, &cuts.1), pair(after)?, size + 1).await;
        Ok(LedgerDifference { difference: found.map_err(told)?, size, has_previous })
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

impl LedgerGroup {
    fn new(by: By, group: &Group, title: Option<(String, String)>, figures: Figures) -> Self {
        let (mut reference, mut name) = title.unzip();
        let (mut year, mut place, mut track) = (None, None, None);
        match group {
            Group::Year(of) => {
                year = Some(FinancialYear(*of));
                reference = Some(of.to_string());
            }
            Group::Named(code) => {
                place = code.as_deref().filter(|_| by == By::Place).and_then(Area::from_code);
                track = code.as_deref().filter(|_| by == By::Track).and_then(Track::from_code);
                name = place.map(Area::words).or(track.map(Track::words)).map(str::to_owned);
                name = name.or_else(|| code.clone());
                reference.clone_from(&name);
            }
            Group::All | Group::Of(_) => {}
        }
        let (place, track) = (place.map(Code), track.map(Code));
        Self { id: group_id(group), year, place, track, reference, name, figures }
    }
}

const fn group_id(group: &Group) -> Option<Uuid> {
    match group {
        Group::Of(id) => *id,
        Group::All | Group::Named(_) | Group::Year(_) => None,
    }
}

fn place_of(line: &Line) -> String {
    cursor(&[&line.index.to_string(), &line.line.to_string()])
}

async fn lines(
    ctx: &Context<'_>,
    cut: &Cut,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Page<LedgerLine>> {
    let (app, who) = asked(ctx)?;
    let size = size(first)?;
    let has_previous = after.is_some();
    let (lines, total) = app.ledger_lines(who, cut, pair(after)?, size + 1).await.map_err(told)?;
    let entries = lines.into_iter().map(|line| (place_of(&line), line.into()));
    Ok(counted(entries, size, has_previous, total))
}
