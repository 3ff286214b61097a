//! Funds on the wire.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Area, AsAt, Code, Date, Entered, Figures, FinancialYear, Meant, Money, Page, Receipt, YearFigures, asked,
    asked_as_at, by_name, dated, drawn, pair, size, told,
};
use crate::app::funds::{BudgetChange, Closing as ToClose, NewFund};
use crate::app::{Done, Failure};
use crate::domain::fund::{Fund as Aggregate, RecoveryRule, Restriction as DomainRestriction};
use crate::domain::identity::FundId;
use crate::domain::text::Text;
use crate::projections::funds::{ClosingRecord, FundRecord};
use crate::projections::ledger::{By, Cut, Group};

/// A fund: money with a budget for each financial year.
#[derive(Debug, Clone)]
pub struct Fund {
    id: Uuid,
    record: FundRecord,
}

impl Fund {
    pub(super) const fn new(id: Uuid, record: FundRecord) -> Self {
        Self { id, record }
    }
}

/// A fund: money with a budget for each financial year.
#[Object]
impl Fund {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its human reference, such as `F-2026-0001`.
    async fn reference(&self) -> &str {
        &self.record.reference
    }
    /// Its name.
    async fn name(&self) -> &str {
        &self.record.name
    }
    /// The organisation whose money it is.
    async fn funder(&self) -> &str {
        &self.record.funder
    }
    /// What it is restricted to; nothing for an unrestricted fund.
    async fn restriction(&self) -> Option<Restriction> {
        self.record.restriction.as_ref().map(Restriction::from)
    }
    /// The first day on which it may be spent.
    async fn spend_from(&self) -> Date {
        Date(self.record.spend_from)
    }
    /// The last day on which it may be spent.
    async fn spend_to(&self) -> Date {
        Date(self.record.spend_to)
    }
    /// What becomes of recovered money.
    async fn recovery_rule(&self) -> Option<Code<RecoveryRule>> {
        self.record.recovery_rule.map(Code)
    }
    /// Its figures over all years.
    async fn figures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was recorded on this day or earlier, in London.")] known_on: Option<Date>,
        #[graphql(desc = "Only what took effect on this day or earlier.")] effective_for: Option<Date>,
    ) -> Result<Figures> {
        let cut = self.cut(known_on, effective_for);
        let totals = drawn(ctx, &ctx.look_ahead(), &cut, By::Nothing).await?;
        let figures = totals.into_iter().map(|(_, figures)| figures).next();
        Ok(figures.unwrap_or_else(|| crate::domain::postings::Figures::default().into()))
    }
    /// Its figures year by year.
    async fn years(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was recorded on this day or earlier, in London.")] known_on: Option<Date>,
        #[graphql(desc = "Only what took effect on this day or earlier.")] effective_for: Option<Date>,
    ) -> Result<Vec<YearFigures>> {
        let cut = self.cut(known_on, effective_for);
        let totals = drawn(ctx, &ctx.look_ahead().field("figures"), &cut, By::Year).await?;
        let years = totals.into_iter().filter_map(|(group, figures)| match group {
            Group::Year(year) => Some(YearFigures { year: FinancialYear(year), figures }),
            Group::All | Group::Of(_) | Group::Named(_) => None,
        });
        Ok(years.collect())
    }
    /// The years that are closed, in order, with the figures they keep.
    async fn closed_years(&self) -> Vec<Closing> {
        self.record.closed_years.iter().map(Closing::from).collect()
    }
    /// How the fund as a whole was closed; nothing while it is open.
    async fn closed(&self) -> Option<Closing> {
        self.record.closed.as_ref().map(Closing::from)
    }
}

impl Fund {
    fn cut(&self, known_on: Option<Date>, effective_for: Option<Date>) -> Cut {
        Cut { fund: Some(self.id), ..dated(known_on, effective_for) }
    }
}

/// What a year, or a whole fund, was closed with, and what that rests on.
#[derive(Debug, Clone, SimpleObject)]
pub struct Closing {
    /// The year; nothing for the fund as a whole.
    pub year: Option<FinancialYear>,
    /// Put in, less taken out and carried forward.
    pub budget: Money,
    /// Paid, before what came back.
    pub paid: Money,
    /// Came back from the bank.
    pub returned: Money,
    /// Got back from partners.
    pub recovered: Money,
    /// The first of the fund’s own events the figures rest on, counted from 1.
    pub first_event: u64,
    /// The last of them.
    pub last_event: u64,
    /// How many events the whole log had when the figures were drawn.
    pub log_size: u64,
    /// The position in the log of the closing itself.
    pub index: i64,
    /// When it took effect.
    pub closed_on: Date,
}

impl From<&ClosingRecord> for Closing {
    fn from(closing: &ClosingRecord) -> Self {
        Self {
            year: closing.year.map(FinancialYear),
            budget: Money(closing.figures.budget.pounds()),
            paid: Money(closing.figures.paid.pounds()),
            returned: Money(closing.figures.returned.pounds()),
            recovered: Money(closing.figures.recovered.pounds()),
            first_event: closing.events.first,
            last_event: closing.events.last,
            log_size: closing.log_size,
            index: closing.index,
            closed_on: Date(closing.closed_on),
        }
    }
}

/// What a fund is restricted to.
#[derive(Debug, Clone, SimpleObject)]
pub struct Restriction {
    /// The purposes; one of them must be the programme’s.
    pub purposes: Vec<String>,
    /// The areas; every place of a grant must be among them. Empty: any.
    pub places: Vec<Code<Area>>,
}

impl From<&DomainRestriction> for Restriction {
    fn from(restriction: &DomainRestriction) -> Self {
        Self {
            purposes: restriction.purposes.iter().map(ToString::to_string).collect(),
            places: restriction.places.iter().copied().map(Code).collect(),
        }
    }
}

/// What a fund is restricted to.
#[derive(Debug, Clone, InputObject)]
pub struct RestrictionInput {
    /// The purposes, at least one, each at most 100 characters.
    pub purposes: Vec<String>,
    /// The areas; left out or empty: any.
    pub places: Option<Vec<Code<Area>>>,
}

/// A fund to be opened.
#[derive(Debug, Clone, InputObject)]
pub struct OpenFundInput {
    /// The fund’s name, at most 200 characters.
    pub name: String,
    /// The organisation whose money it is, at most 200 characters.
    pub funder: String,
    /// What it is restricted to; left out for an unrestricted fund.
    pub restriction: Option<RestrictionInput>,
    /// The first day on which it may be spent.
    pub spend_from: Date,
    /// The last day on which it may be spent.
    pub spend_to: Date,
    /// What becomes of recovered money.
    pub recovery_rule: Code<RecoveryRule>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl OpenFundInput {
    fn read(self) -> Result<(Meant, NewFund), Failure> {
        let mut entered = Entered::default();
        let name = entered.text("name", &self.name);
        let funder = entered.text("funder", &self.funder);
        let restriction = entered.optional("restriction.purposes", self.restriction, |typed| {
            let purposes: Result<_, _> = typed.purposes.iter().map(|words| Text::new(words)).collect();
            let places = typed.places.unwrap_or_default().iter().map(|code| code.0).collect();
            purposes.map(|purposes| DomainRestriction { purposes, places })
        });
        let taken = name.zip(funder).map(|(name, funder)| NewFund {
            name,
            funder,
            restriction,
            spend_from: self.spend_from.0,
            spend_to: self.spend_to.0,
            recovery_rule: self.recovery_rule.0,
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A change of a fund’s budget.
#[derive(Debug, Clone, InputObject)]
pub struct BudgetInput {
    /// The fund.
    pub fund_id: Uuid,
    /// How much, GBP.
    pub amount: Money,
    /// Whose budget.
    pub year: FinancialYear,
    /// The document it rests on, at most 200 characters.
    pub source: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl BudgetInput {
    fn read(self) -> Result<(Meant, FundId, BudgetChange), Failure> {
        let mut entered = Entered::default();
        let source = entered.text("source", &self.source);
        let amount = entered.take("amount", self.amount.amount());
        let year = self.year.0;
        let taken = source.zip(amount).map(|(source, amount)| BudgetChange { amount, year, source });
        Ok((self.meant, FundId(self.fund_id), entered.all(taken)?))
    }
}

/// Budget to be moved from one fund to another, in the same year.
#[derive(Debug, Clone, InputObject)]
pub struct TransferBudgetInput {
    /// The fund that gives.
    pub from_fund_id: Uuid,
    /// The fund that takes. Where the giving fund is restricted, its terms must lie within those.
    pub to_fund_id: Uuid,
    /// How much, GBP.
    pub amount: Money,
    /// Whose budget, in both.
    pub year: FinancialYear,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Budget to be carried forward to a later year.
#[derive(Debug, Clone, InputObject)]
pub struct CarryBudgetForwardInput {
    /// The fund.
    pub fund_id: Uuid,
    /// From which year’s budget.
    pub from_year: FinancialYear,
    /// To which year’s budget.
    pub to_year: FinancialYear,
    /// How much, GBP.
    pub amount: Money,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A financial year to be closed.
#[derive(Debug, Clone, InputObject)]
pub struct CloseYearInput {
    /// The fund.
    pub fund_id: Uuid,
    /// Which year. It must be over, and the years before it closed.
    pub year: FinancialYear,
    /// Whether what is promised and not yet paid moves to the next year, with its budget; otherwise nothing may be.
    #[graphql(default)]
    pub carry_commitments: bool,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A fund to be closed.
#[derive(Debug, Clone, InputObject)]
pub struct CloseFundInput {
    /// The fund. Nothing may be left in it.
    pub fund_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

fn amount(typed: Money) -> Result<crate::domain::money::Money, Failure> {
    let mut entered = Entered::default();
    let taken = entered.take("amount", typed.amount());
    entered.all(taken)
}

/// What a transfer leads to.
#[derive(SimpleObject)]
pub struct TransferPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The fund that gave, as it stands now.
    pub fund: Fund,
    /// The fund that took, as it stands now.
    pub receiver: Fund,
}

/// What a command on a fund leads to.
#[derive(SimpleObject)]
pub struct FundPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The fund as it stands now.
    pub fund: Fund,
}

async fn payload(ctx: &Context<'_>, done: Done) -> Result<FundPayload> {
    let (app, who) = asked(ctx)?;
    let record = app.fund(who, done.id).await.map_err(told)?;
    Ok(FundPayload { receipt: done.into(), fund: Fund { id: done.id, record } })
}

/// Queries about funds.
#[derive(Default)]
pub struct FundQueries;

#[Object]
impl FundQueries {
    /// Funds by name. For staff who see money, and auditors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn funds(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Page<Fund>> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        let size = size(first)?;
        let has_previous = after.is_some();
        let found = app.funds(who, pair(after)?, size + 1).await.map_err(told)?;
        let entries = found.into_iter().map(|(id, record)| (record.name.clone(), id, Fund { id, record }));
        Ok(by_name(entries, size, has_previous))
    }

    /// One fund.
    async fn fund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Fund> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        Ok(Fund { id, record: app.fund(who, id).await.map_err(told)? })
    }
}

/// Commands on funds.
#[derive(Default)]
pub struct FundMutations;

#[Object]
impl FundMutations {
    /// Open a fund.
    async fn open_fund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The fund.")] input: OpenFundInput,
    ) -> Result<FundPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.open_fund(who, &how, new).await.map_err(told)?).await
    }

    /// Put budget into a fund for a financial year.
    async fn allocate_budget(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, and on what ground.")] input: BudgetInput,
    ) -> Result<FundPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, fund, change) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.allocate_budget(who, &how, fund, change).await.map_err(told)?).await
    }

    /// Take budget out of a fund, at most what is available in that year. Needs a reason.
    async fn reduce_budget(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, and on what ground.")] input: BudgetInput,
    ) -> Result<FundPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, fund, change) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.reduce_budget(who, &how, fund, change).await.map_err(told)?).await
    }
    /// Move budget from one fund to another, at most what is available in that year. Restricted money may only go to
    /// a fund whose terms lie within its own. Needs a reason.
    async fn transfer_budget(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, from where to where.")] input: TransferBudgetInput,
    ) -> Result<TransferPayload> {
        let (app, who) = asked(ctx)?;
        let TransferBudgetInput { from_fund_id, to_fund_id, amount: typed, year, meant } = input;
        let amount = amount(typed).map_err(told)?;
        let how = meant.how().map_err(told)?;
        let funds = (FundId(from_fund_id), FundId(to_fund_id));
        let done = app.transfer_budget(who, &how, funds, (amount, year.0)).await.map_err(told)?;
        let receiver = Fund { id: to_fund_id, record: app.fund(who, to_fund_id).await.map_err(told)? };
        let FundPayload { receipt, fund } = payload(ctx, done).await?;
        Ok(TransferPayload { receipt, fund, receiver })
    }

    /// Carry budget forward to a later year, at most what is available. Needs a reason.
    async fn carry_budget_forward(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, from when to when.")] input: CarryBudgetForwardInput,
    ) -> Result<FundPayload> {
        let (app, who) = asked(ctx)?;
        let CarryBudgetForwardInput { fund_id, from_year, to_year, amount: typed, meant } = input;
        let amount = amount(typed).map_err(told)?;
        let how = meant.how().map_err(told)?;
        let carried = ((from_year.0, to_year.0), amount);
        let done = app.carry_budget_forward(who, &how, FundId(fund_id), carried).await.map_err(told)?;
        payload(ctx, done).await
    }

    /// Close a financial year of a fund: its figures stay as they are, and what comes late is posted in an open year.
    /// Nothing may be reserved or available in it. Needs a reason.
    async fn close_year(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which year.")] input: CloseYearInput,
    ) -> Result<FundPayload> {
        let (app, who) = asked(ctx)?;
        let CloseYearInput { fund_id, year, carry_commitments, meant } = input;
        let how = meant.how().map_err(told)?;
        let closing = ToClose::Year { year: year.0, carry_commitments };
        payload(ctx, app.close_fund(who, &how, FundId(fund_id), closing).await.map_err(told)?).await
    }

    /// Close a fund in which nothing is left: nothing more is put in or promised from it. Needs a reason.
    async fn close_fund(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which fund.")] input: CloseFundInput,
    ) -> Result<FundPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let fund = FundId(input.fund_id);
        payload(ctx, app.close_fund(who, &how, fund, ToClose::Fund).await.map_err(told)?).await
    }
}
