//! Variations on the wire: what changes about a grant that runs, before and after.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Date, Entered, FinancialYear, Meant, Money, Person, asked, told};
use super::approving::{InstalmentInput, plans};
use super::commands::{GrantPayload, payload, words};
use super::deciding::delegation;
use crate::app::Failure;
use crate::app::grants::{NewSlot, NewVariation};
use crate::domain::grant::{Change, PlannedInstalment, Slot, VariationKind, VariationStatus};
use crate::domain::identity::{GrantId, InstalmentId, PartnerId, VariationId};
use crate::projections::grants::VariationRecord;

/// A change that was asked for on a grant that runs, and what came of it.
#[derive(Debug, Clone, SimpleObject)]
pub struct Variation {
    /// Its id.
    pub id: Uuid,
    /// What it changes.
    pub kind: Code<VariationKind>,
    /// What came of it.
    pub status: Code<VariationStatus>,
    /// What was before.
    pub before: VariationSide,
    /// What comes after.
    pub after: VariationSide,
    /// Who asked for it. For staff and auditors; nothing for a partner.
    pub requested_by: Option<Person>,
    /// When it was asked for.
    pub requested_on: Date,
    /// Why it is needed.
    pub justification: String,
    /// When it was decided.
    pub decided_on: Option<Date>,
    /// What the partner was told when it was refused.
    pub feedback: Option<String>,
    /// Who approved it. For staff and auditors; nothing for a partner.
    pub approver: Option<Person>,
    /// Whether one of two approvers has approved, and the second is waited for.
    pub awaits_second_approval: bool,
    /// The delegation of authority the approval rested on.
    pub authority_id: Option<Uuid>,
    /// The most that authority allowed at that moment.
    pub limit: Option<Money>,
}

/// One side of a change: what it is about is there, the rest is not.
#[derive(Debug, Clone, Default, SimpleObject)]
pub struct VariationSide {
    /// The whole award.
    pub amount: Option<Money>,
    /// The last day of the work.
    pub ends_on: Option<Date>,
    /// What the money is for.
    pub purpose: Option<String>,
    /// Who is paid.
    pub payee_id: Option<Uuid>,
    /// The payments that are neither made nor authorised.
    pub instalments: Option<Vec<VariedInstalment>>,
}

/// A payment on one side of a change.
#[derive(Debug, Clone, SimpleObject)]
pub struct VariedInstalment {
    /// Its id.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses.
    pub year: FinancialYear,
}

impl VariationSide {
    fn of_plan(plan: &[PlannedInstalment]) -> Self {
        let one = |one: &PlannedInstalment| VariedInstalment {
            id: one.id.0,
            amount: one.amount.into(),
            due: Date(one.due),
            year: FinancialYear(one.year),
        };
        Self { instalments: Some(plan.iter().map(one).collect()), ..Self::default() }
    }

    /// Before and after.
    fn both(change: &Change) -> (Self, Self) {
        let amount = |amount, plan: &[PlannedInstalment]| Self {
            amount: Some(Money::from(amount)),
            ..Self::of_plan(plan)
        };
        let end = |day| Self { ends_on: Some(Date(day)), ..Self::default() };
        let purpose = |words: &dyn ToString| Self { purpose: Some(words.to_string()), ..Self::default() };
        let payee = |partner: PartnerId| Self { payee_id: Some(partner.0), ..Self::default() };
        match change {
            Change::Amount { from, to, plan } => (amount(*from, &plan.from), amount(*to, &plan.to)),
            Change::End { from, to } => (end(*from), end(*to)),
            Change::Purpose { from, to } => (purpose(from), purpose(to)),
            Change::Payee { from, to } => (payee(*from), payee(*to)),
            Change::Schedule { plan } => (Self::of_plan(&plan.from), Self::of_plan(&plan.to)),
        }
    }
}

impl Variation {
    pub(super) fn new(one: &VariationRecord, by: Option<Person>, approver: Option<Person>) -> Self {
        let (before, after) = VariationSide::both(&one.change);
        let authority = one.approved.as_ref().map(|(_, authority)| authority);
        Self {
            id: one.id.0,
            kind: Code(one.change.kind()),
            status: Code(one.status),
            before,
            after,
            requested_by: by,
            requested_on: Date(one.requested_on),
            justification: one.justification.clone(),
            decided_on: one.decided_on.map(Date),
            feedback: one.feedback.clone(),
            approver,
            awaits_second_approval: one.first.is_some() && one.approved.is_none(),
            authority_id: authority.and_then(|authority| delegation(&authority.source)),
            limit: authority.map(|authority| authority.limit.into()),
        }
    }
}

/// Another amount.
#[derive(Debug, Clone, InputObject)]
pub struct RequestAmountVariationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The whole award as you see it.
    pub from: Money,
    /// The whole award as it should be. Less comes off the instalments that fall due last.
    pub to: Money,
    /// For more money: the payments added, which come to the difference.
    pub added: Option<Vec<InstalmentInput>>,
    /// Why it is needed, at most 2,000 characters.
    pub justification: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Another last day of the work.
#[derive(Debug, Clone, InputObject)]
pub struct RequestEndVariationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The last day as you see it.
    pub from: Date,
    /// The last day as it should be.
    pub to: Date,
    /// Why it is needed, at most 2,000 characters.
    pub justification: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Another purpose.
#[derive(Debug, Clone, InputObject)]
pub struct RequestPurposeVariationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What the money is for as you see it.
    pub from: String,
    /// What it should be for, at most 2,000 characters, within the purpose of the programme.
    pub to: String,
    /// Why it is needed, at most 2,000 characters.
    pub justification: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Another partner that is paid, such as one that holds the money for the lead partner.
#[derive(Debug, Clone, InputObject)]
pub struct RequestPayeeVariationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The partner that is paid as you see it.
    pub from: Uuid,
    /// The partner that should be paid.
    pub to: Uuid,
    /// Why it is needed, at most 2,000 characters.
    pub justification: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A payment as you see it.
#[derive(Debug, Clone, InputObject)]
pub struct SeenInstalmentInput {
    /// The instalment.
    pub instalment_id: Uuid,
    /// How much.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses.
    pub year: FinancialYear,
}

/// A payment as it should be.
#[derive(Debug, Clone, InputObject)]
pub struct WantedInstalmentInput {
    /// The instalment it keeps, with what that waits for; left out for one that is new.
    pub instalment_id: Option<Uuid>,
    /// How much.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses; that of the due date if left out.
    pub year: Option<FinancialYear>,
}

/// Another schedule for what is neither paid nor authorised.
#[derive(Debug, Clone, InputObject)]
pub struct RequestScheduleVariationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The payments as you see them, in their order.
    pub from: Vec<SeenInstalmentInput>,
    /// The payments as they should be; they come to the same sum.
    pub to: Vec<WantedInstalmentInput>,
    /// Why it is needed, at most 2,000 characters.
    pub justification: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl RequestScheduleVariationInput {
    fn read(&self) -> Result<NewVariation, Failure> {
        let mut entered = Entered::default();
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for (place, one) in self.from.iter().enumerate() {
            let amount = entered.take(&format!("from.{place}.amount"), one.amount.amount());
            let instalment = InstalmentId(one.instalment_id);
            from.extend(amount.map(|amount| Slot { instalment, amount, due: one.due.0, year: one.year.0 }));
        }
        for (place, one) in self.to.iter().enumerate() {
            let amount = entered.take(&format!("to.{place}.amount"), one.amount.amount());
            let (instalment, year) = (one.instalment_id.map(InstalmentId), one.year.map(|year| year.0));
            to.extend(amount.map(|amount| NewSlot { instalment, amount, due: one.due.0, year }));
        }
        entered.finish()?;
        Ok(NewVariation::Schedule { from, to })
    }
}

/// A change that is refused.
#[derive(Debug, Clone, InputObject)]
pub struct RefuseVariationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The change.
    pub variation_id: Uuid,
    /// What the partner is told, at most 2,000 characters.
    pub feedback: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A change that is approved.
#[derive(Debug, Clone, InputObject)]
pub struct ApproveVariationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The change.
    pub variation_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

async fn request(
    ctx: &Context<'_>,
    (grant, justification, meant): (Uuid, String, Meant),
    new: NewVariation,
) -> Result<GrantPayload> {
    let (app, who) = asked(ctx)?;
    let justification = words("justification", &justification)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.request_variation(who, &how, GrantId(grant), (new, justification)).await).await
}

/// Commands on variations.
#[derive(Default)]
pub struct VariationMutations;

#[Object]
impl VariationMutations {
    /// Ask for another amount. More is reserved in the fund in the same moment, and only staff ask for it.
    async fn request_amount_variation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From what to what.")] input: RequestAmountVariationInput,
    ) -> Result<GrantPayload> {
        let mut entered = Entered::default();
        let from = entered.take("from", input.from.amount());
        let to = entered.take("to", input.to.amount());
        let added = plans(&mut entered, "added", input.added.unwrap_or_default());
        let (from, to) = entered.all(from.zip(to)).map_err(told)?;
        request(
            ctx,
            (input.grant_id, input.justification, input.meant),
            NewVariation::Amount { from, to, added },
        )
        .await
    }

    /// Ask for another last day of the work, while the fund may be spent.
    async fn request_end_variation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From what to what.")] input: RequestEndVariationInput,
    ) -> Result<GrantPayload> {
        let new = NewVariation::End { from: input.from.0, to: input.to.0 };
        request(ctx, (input.grant_id, input.justification, input.meant), new).await
    }

    /// Ask for another purpose, within that of the programme.
    async fn request_purpose_variation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From what to what.")] input: RequestPurposeVariationInput,
    ) -> Result<GrantPayload> {
        let mut entered = Entered::default();
        let (from, to) = (entered.text("from", &input.from), entered.text("to", &input.to));
        let (from, to) = entered.all(from.zip(to)).map_err(told)?;
        request(ctx, (input.grant_id, input.justification, input.meant), NewVariation::Purpose { from, to })
            .await
    }

    /// Ask that another partner is paid. It must be approved, with checks and bank details in order, when this is.
    async fn request_payee_variation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From whom to whom.")] input: RequestPayeeVariationInput,
    ) -> Result<GrantPayload> {
        let new = NewVariation::Payee { from: PartnerId(input.from), to: PartnerId(input.to) };
        request(ctx, (input.grant_id, input.justification, input.meant), new).await
    }

    /// Ask for another schedule of what is neither paid nor authorised. What moves into another year is reserved in
    /// the same moment, and only staff ask for that.
    async fn request_schedule_variation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From what to what.")] input: RequestScheduleVariationInput,
    ) -> Result<GrantPayload> {
        let new = input.read().map_err(told)?;
        request(ctx, (input.grant_id, input.justification, input.meant), new).await
    }

    /// Approve a change, not as whoever asked for it. Above what you may award alone you are the first of two
    /// approvers, and nothing changes yet. It takes an authority that covers the whole award as it then
    /// stands; money moves in the same moment. Needs a reason.
    async fn approve_variation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: ApproveVariationInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (grant, variation) = (GrantId(input.grant_id), VariationId(input.variation_id));
        payload(ctx, app.approve_variation(who, &how, grant, variation).await).await
    }

    /// Refuse a change; money reserved for it is free again in the same moment. Needs a reason.
    async fn refuse_variation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what the partner is told.")] input: RefuseVariationInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let refusal = (VariationId(input.variation_id), words("feedback", &input.feedback)?);
        payload(ctx, app.refuse_variation(who, &how, GrantId(input.grant_id), refusal).await).await
    }
}
