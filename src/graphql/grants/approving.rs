//! Grants on the wire: recommending and approving.

use async_graphql::{Context, InputObject, Object, Result};
use uuid::Uuid;

use super::super::{Date, Entered, FinancialYear, Meant, Money, asked, told};
use super::commands::{GrantPayload, payload};
use crate::app::Failure;
use crate::app::grants::{Plan, Proposal};
use crate::domain::fund::YearShare;
use crate::domain::grant::Panel;
use crate::domain::identity::{DelegationId, GrantId, PersonId};
use crate::domain::money::MoneyProblem;
use crate::domain::text::{Text, TextProblem};

/// The part of an amount that falls in one financial year’s budget.
#[derive(Debug, Clone, InputObject)]
pub struct YearShareInput {
    /// The financial year.
    pub year: FinancialYear,
    /// How much.
    pub amount: Money,
}

/// A recommendation.
#[derive(Debug, Clone, InputObject)]
pub struct RecommendGrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// How much.
    pub amount: Money,
    /// How much from each year’s budget; all from the year in which the work begins if left out.
    pub years: Option<Vec<YearShareInput>>,
    /// Who of a panel decided, where there was one. On the micro track there is none.
    pub present_ids: Option<Vec<Uuid>>,
    /// Who of the panel stood aside because of an interest.
    pub stood_aside_ids: Option<Vec<Uuid>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl RecommendGrantInput {
    fn read(&self) -> Result<Proposal, Failure> {
        let mut entered = Entered::default();
        let amount = entered.take("amount", self.amount.amount());
        let shares: Result<Vec<_>, MoneyProblem> = self
            .years
            .iter()
            .flatten()
            .map(|share| Ok(YearShare { year: share.year.0, amount: share.amount.amount()? }))
            .collect();
        let people = |ids: &Option<Vec<Uuid>>| ids.iter().flatten().copied().map(PersonId).collect();
        let panel = Panel { present: people(&self.present_ids), stood_aside: people(&self.stood_aside_ids) };
        let taken = amount.zip(entered.take("years", shares));
        entered.all(taken.map(|(amount, shares)| Proposal { amount, shares, panel }))
    }
}

/// A payment to be planned.
#[derive(Debug, Clone, InputObject)]
pub struct InstalmentInput {
    /// How much.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses; that of the due date if left out.
    pub year: Option<FinancialYear>,
    /// What it waits for, each at most 300 characters.
    pub conditions: Option<Vec<String>>,
}

/// An approval.
#[derive(Debug, Clone, InputObject)]
pub struct ApproveGrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The payments; they add up to the amount recommended, year by year as reserved.
    pub instalments: Vec<InstalmentInput>,
    /// Which version of the terms applies, at most 40 characters.
    pub terms_version: String,
    /// The delegation of authority to use; of those you hold, the one with the highest limit if left out.
    pub authority_id: Option<Uuid>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// The payments that were typed; what is wrong with any is noted.
pub(super) fn plans(entered: &mut Entered, field: &str, typed: Vec<InstalmentInput>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (place, one) in typed.into_iter().enumerate() {
        let amount = entered.take(&format!("{field}.{place}.amount"), one.amount.amount());
        let titles: Result<Vec<_>, TextProblem> =
            one.conditions.iter().flatten().map(|title| Text::new(title)).collect();
        let conditions = entered.take(&format!("{field}.{place}.conditions"), titles);
        let plan = amount.zip(conditions).map(|(amount, conditions)| Plan {
            amount,
            due: one.due.0,
            year: one.year.map(|year| year.0),
            conditions,
        });
        plans.extend(plan);
    }
    plans
}

/// The payments, the terms and the authority of an approval.
type Approval = (Vec<Plan>, Text<40>, Option<DelegationId>);

impl ApproveGrantInput {
    fn read(self) -> Result<(Meant, GrantId, Approval), Failure> {
        let mut entered = Entered::default();
        let terms = entered.text("termsVersion", &self.terms_version);
        let plans = plans(&mut entered, "instalments", self.instalments);
        let authority = self.authority_id.map(DelegationId);
        let taken = terms.map(|terms| (plans, terms, authority));
        Ok((self.meant, GrantId(self.grant_id), entered.all(taken)?))
    }
}

/// The second of two approvals.
#[derive(Debug, Clone, InputObject)]
pub struct GiveSecondApprovalInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The delegation of authority to use; of those you hold, the one with the highest limit if left out.
    pub authority_id: Option<Uuid>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Commands that recommend and approve.
#[derive(Default)]
pub struct ApprovingMutations;

#[Object]
impl ApprovingMutations {
    /// Recommend a fully scored grant; the money is reserved in the same moment. Needs a reason.
    async fn recommend_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The recommendation.")] input: RecommendGrantInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let wanted = input.read().map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.recommend_grant(who, &how, GrantId(input.grant_id), wanted).await).await
    }

    /// Approve a recommended grant under an authority in force, not by whoever proposed or assessed it; the money is
    /// committed in the same moment. Above what you may award alone it is the first of two approvals, and no money is
    /// committed yet. Needs a reason.
    async fn approve_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The approval.")] input: ApproveGrantInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, grant, approval) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.approve_grant(who, &how, grant, approval).await).await
    }

    /// Give the second of two approvals, as another person whose limit covers the amount, on what the first approved;
    /// the money is committed in the same moment. Needs a reason.
    async fn give_second_approval(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The approval.")] input: GiveSecondApprovalInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (grant, authority) = (GrantId(input.grant_id), input.authority_id.map(DelegationId));
        payload(ctx, app.give_second_approval(who, &how, grant, authority).await).await
    }
}
