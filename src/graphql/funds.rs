//! Funds on the wire.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Area, Code, Date, Entered, Figures, FinancialYear, Meant, Money, Page, Receipt, YearFigures, asked,
    cursor, dated, pair, size, told, uncounted,
};
use crate::app::funds::{BudgetChange, NewFund};
use crate::app::{Done, Failure};
use crate::domain::fund::{Fund as Aggregate, RecoveryRule, Restriction as DomainRestriction};
use crate::domain::identity::FundId;
use crate::domain::text::Text;
use crate::projections::funds::FundRecord;
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
        let (app, who) = asked(ctx)?;
        let totals = app.ledger(who, &cut, By::Nothing).await.map_err(told)?;
        Ok(totals.into_iter().map(|(_, figures)| figures).next().unwrap_or_default().into())
    }
    /// Its figures year by year.
    async fn years(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what was recorded on this day or earlier, in London.")] known_on: Option<Date>,
        #[graphql(desc = "Only what took effect on this day or earlier.")] effective_for: Option<Date>,
    ) -> Result<Vec<YearFigures>> {
        let cut = self.cut(known_on, effective_for);
        let (app, who) = asked(ctx)?;
        let totals = app.ledger(who, &cut, By::Year).await.map_err(told)?;
        let years = totals.into_iter().filter_map(|(group, figures)| match group {
            Group::Year(year) => Some(YearFigures { year: FinancialYear(year), figures: figures.into() }),
            Group::All | Group::Of(_) => None,
        });
        Ok(years.collect())
    }
}

impl Fund {
    fn cut(&self, known_on: Option<Date>, effective_for: Option<Date>) -> Cut {
        Cut { fund: Some(self.id), ..dated(known_on, effective_for) }
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
    ) -> Result<Page<Fund>> {
        let (app, who) = asked(ctx)?;
        let size = size(first)?;
        let has_previous = after.is_some();
        let found = app.funds(who, pair(after)?, size + 1).await.map_err(told)?;
        let entries = found
            .into_iter()
            .map(|(id, record)| (cursor(&[&record.name, &id.to_string()]), Fund { id, record }));
        Ok(uncounted(entries, size, has_previous))
    }

    /// One fund.
    async fn fund(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Fund> {
        let (app, who) = asked(ctx)?;
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
}
