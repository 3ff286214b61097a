//! A grant that runs, on the wire: what holds it up, what is asked back of it, and how it ends.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::super::{Code, Date, Entered, Meant, Money, Person, asked, told};
use super::commands::{GrantInput, GrantPayload, payload};
use super::monitoring::texts;
use crate::app::Failure;
use crate::app::grants::Course;
use crate::domain::grant::{RecoveryGround, ReviewOutcome, SuspensionGround};
use crate::domain::identity::{ConditionId, GrantId, RecoveryId};
use crate::domain::money;
use crate::domain::money::Money as Amount;
use crate::projections::grants::{
    CloseRecord, RecoveryRecord, ReviewRecord, SuspensionRecord, UnderspendRecord,
};

/// A time for which a grant was suspended.
#[derive(Debug, Clone, SimpleObject)]
pub struct Suspension {
    /// What for.
    pub grounds: Vec<Code<SuspensionGround>>,
    /// From when.
    pub from: Date,
    /// When it was lifted.
    pub lifted_on: Option<Date>,
}

impl From<&SuspensionRecord> for Suspension {
    fn from(one: &SuspensionRecord) -> Self {
        let grounds = one.grounds.iter().copied().map(Code).collect();
        Self { grounds, from: Date(one.from), lifted_on: one.lifted_on.map(Date) }
    }
}

/// What the partner said will not be spent.
#[derive(Debug, Clone, SimpleObject)]
pub struct Underspend {
    /// How much.
    pub amount: Money,
    /// When it was declared.
    pub declared_on: Date,
    /// How much of it was released.
    pub released: Money,
}

impl From<&UnderspendRecord> for Underspend {
    fn from(one: &UnderspendRecord) -> Self {
        Self {
            amount: one.amount.into(),
            declared_on: Date(one.declared_on),
            released: Money(one.released.iter().map(|amount| amount.pounds()).sum()),
        }
    }
}

/// Money that was asked back.
#[derive(Debug, Clone, SimpleObject)]
pub struct Recovery {
    /// Its id.
    pub id: Uuid,
    /// What for.
    pub ground: Code<RecoveryGround>,
    /// How much.
    pub amount: Money,
    /// When it was asked back.
    pub demanded_on: Date,
    /// What came.
    pub receipts: Vec<RecoveryReceipt>,
    /// How much came in all.
    pub received: Money,
    /// How much was given up, less what is asked for after all.
    pub written_off: Money,
    /// How much less is asked back, because a payment came back from the bank.
    pub reduced: Money,
    /// How much is still open.
    pub open: Money,
}

/// Money that was asked back and came.
#[derive(Debug, Clone, SimpleObject)]
pub struct RecoveryReceipt {
    /// How much.
    pub amount: Money,
    /// The day it reached the bank.
    pub value_date: Date,
}

impl From<&RecoveryRecord> for Recovery {
    fn from(one: &RecoveryRecord) -> Self {
        let received = one.received.iter().map(|(amount, _)| amount.pounds()).sum();
        let sum = |amounts: &[Amount]| -> Decimal { amounts.iter().map(|amount| amount.pounds()).sum() };
        let written_off = sum(&one.written_off) - sum(&one.asked_again);
        let reduced = sum(&one.reduced);
        let receipts = one.received.iter();
        Self {
            id: one.id.0,
            ground: Code(one.ground),
            amount: one.amount.into(),
            demanded_on: Date(one.demanded_on),
            receipts: receipts
                .map(|(amount, on)| RecoveryReceipt { amount: Money::from(*amount), value_date: Date(*on) })
                .collect(),
            received: Money(received),
            written_off: Money(written_off),
            reduced: Money(reduced),
            open: Money(one.amount.pounds() - reduced - received - written_off),
        }
    }
}

/// A yearly review.
#[derive(Debug, Clone, SimpleObject)]
pub struct AnnualReview {
    /// What came of it.
    pub outcome: Code<ReviewOutcome>,
    /// When.
    pub on: Date,
}

impl From<&ReviewRecord> for AnnualReview {
    fn from(one: &ReviewRecord) -> Self {
        Self { outcome: Code(one.outcome), on: Date(one.on) }
    }
}

/// That somebody put forward that a grant ends early.
#[derive(Debug, Clone, SimpleObject)]
pub struct TerminationProposal {
    /// Who.
    pub proposed_by: Person,
    /// When.
    pub proposed_on: Date,
}

/// How a grant ended when it was closed.
#[derive(Debug, Clone, SimpleObject)]
pub struct FinalAccount {
    /// What was spent in the end; nothing where nothing was.
    pub final_spend: Option<Money>,
    /// What came of the work.
    pub outcomes: Vec<String>,
}

impl From<&CloseRecord> for FinalAccount {
    fn from(one: &CloseRecord) -> Self {
        Self { final_spend: one.final_spend.map(Money::from), outcomes: one.outcomes.clone() }
    }
}

/// A condition that need not be met.
#[derive(Debug, Clone, InputObject)]
pub struct WaiveConditionInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The condition.
    pub condition_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A suspension.
#[derive(Debug, Clone, InputObject)]
pub struct SuspendGrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What for: at least one.
    pub grounds: Vec<Code<SuspensionGround>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Money that will not be spent.
#[derive(Debug, Clone, InputObject)]
pub struct UnderspendInput {
    /// The grant.
    pub grant_id: Uuid,
    /// How much.
    pub amount: Money,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Money that is asked back.
#[derive(Debug, Clone, InputObject)]
pub struct DemandRecoveryInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What for.
    pub ground: Code<RecoveryGround>,
    /// How much: at most what was paid and not yet asked back.
    pub amount: Money,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Money that was asked back and came.
#[derive(Debug, Clone, InputObject)]
pub struct RecordRecoveryReceivedInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The demand.
    pub recovery_id: Uuid,
    /// How much came: the whole, or a part.
    pub amount: Money,
    /// The day it reached the bank.
    pub value_date: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Money that was asked back and is given up.
#[derive(Debug, Clone, InputObject)]
pub struct WriteOffRecoveryInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The demand.
    pub recovery_id: Uuid,
    /// How much: at most what is still open.
    pub amount: Money,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Money that was given up and is asked for after all.
#[derive(Debug, Clone, InputObject)]
pub struct UndoWriteOffInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The demand.
    pub recovery_id: Uuid,
    /// How much: at most what is written off.
    pub amount: Money,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A yearly review.
#[derive(Debug, Clone, InputObject)]
pub struct CompleteAnnualReviewInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What came of it.
    pub outcome: Code<ReviewOutcome>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// The end of a grant.
#[derive(Debug, Clone, InputObject)]
pub struct CloseGrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What was spent in the end; left out when nothing was.
    pub final_spend: Option<Money>,
    /// What came of the work, each at most 300 characters. Never about a private person.
    pub outcomes: Vec<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

async fn steer(ctx: &Context<'_>, grant: Uuid, meant: Meant, course: Course) -> Result<GrantPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.steer_grant(who, &how, GrantId(grant), course).await).await
}

fn sum(amount: Money) -> Result<money::Money> {
    amount.amount().map_err(|problem| told(Failure::invalid("amount", &problem)))
}

/// Commands on grants that run.
#[derive(Default)]
pub struct RunningMutations;

#[Object]
impl RunningMutations {
    /// Waive a condition, with the authority to award the whole grant and not as whoever recommended or assessed it.
    /// Needs a reason.
    async fn waive_condition(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: WaiveConditionInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let condition = ConditionId(input.condition_id);
        payload(ctx, app.waive_condition(who, &how, GrantId(input.grant_id), condition).await).await
    }

    /// Suspend a grant: nothing is authorised or paid until it is resumed. Needs a reason.
    async fn suspend_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What for.")] input: SuspendGrantInput,
    ) -> Result<GrantPayload> {
        let grounds = input.grounds.iter().map(|ground| ground.0).collect();
        steer(ctx, input.grant_id, input.meant, Course::Suspend { grounds }).await
    }

    /// Resume a suspended grant, not as whoever suspended it and not while its partner is suspended. Needs a reason.
    async fn resume_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grant.")] input: GrantInput,
    ) -> Result<GrantPayload> {
        steer(ctx, input.grant_id, input.meant, Course::Resume).await
    }

    /// Say that not all of the award will be spent.
    async fn declare_underspend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much will not be.")] input: UnderspendInput,
    ) -> Result<GrantPayload> {
        let amount = sum(input.amount)?;
        steer(ctx, input.grant_id, input.meant, Course::DeclareUnderspend { amount }).await
    }

    /// Release what the partner declared will not be spent: instalments are cut from the last one back, and the money
    /// is free again in the same moment. Needs a reason.
    async fn release_unspent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much.")] input: UnderspendInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let amount = sum(input.amount)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.release_unspent(who, &how, GrantId(input.grant_id), amount).await).await
    }

    /// Ask money back that was paid. Needs a reason.
    async fn demand_recovery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, and what for.")] input: DemandRecoveryInput,
    ) -> Result<GrantPayload> {
        let demand = Course::DemandRecovery { ground: input.ground.0, amount: sum(input.amount)? };
        steer(ctx, input.grant_id, input.meant, demand).await
    }

    /// Record that money asked back came; it is posted to the fund in the same moment, to the years it was paid from,
    /// the latest first.
    async fn record_recovery_received(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much, and when.")] input: RecordRecoveryReceivedInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let receipt = (RecoveryId(input.recovery_id), sum(input.amount)?, input.value_date.0);
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.record_recovery(who, &how, GrantId(input.grant_id), receipt).await).await
    }

    /// Give up money that was asked back, not as whoever asked for it. Needs a reason.
    async fn write_off_recovery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much.")] input: WriteOffRecoveryInput,
    ) -> Result<GrantPayload> {
        let amount = sum(input.amount)?;
        let write_off = Course::WriteOffRecovery { recovery: RecoveryId(input.recovery_id), amount };
        steer(ctx, input.grant_id, input.meant, write_off).await
    }

    /// Ask after all for money that was given up, because it has come or will: it is open again, and a grant that was
    /// closed is closed once more when it is settled. Needs a reason.
    async fn undo_write_off(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much.")] input: UndoWriteOffInput,
    ) -> Result<GrantPayload> {
        let amount = sum(input.amount)?;
        let undo = Course::UndoWriteOff { recovery: RecoveryId(input.recovery_id), amount };
        steer(ctx, input.grant_id, input.meant, undo).await
    }

    /// Record the yearly review of a grant. Needs a reason.
    async fn complete_annual_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What came of it.")] input: CompleteAnnualReviewInput,
    ) -> Result<GrantPayload> {
        steer(ctx, input.grant_id, input.meant, Course::CompleteReview { outcome: input.outcome.0 }).await
    }

    /// Put forward that a grant ends early: somebody else decides. Needs a reason.
    async fn propose_termination(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grant.")] input: GrantInput,
    ) -> Result<GrantPayload> {
        steer(ctx, input.grant_id, input.meant, Course::ProposeTermination).await
    }

    /// Put forward no more that a grant ends early, as whoever did or as somebody else. Needs a reason.
    async fn withdraw_termination(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grant.")] input: GrantInput,
    ) -> Result<GrantPayload> {
        steer(ctx, input.grant_id, input.meant, Course::WithdrawTermination).await
    }

    /// End a grant early, as somebody else put forward; what was still to be paid is free again in the same moment.
    /// Needs a reason.
    async fn terminate_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grant.")] input: GrantInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.terminate_grant(who, &how, GrantId(input.grant_id)).await).await
    }

    /// Close a grant, also one that was ended early: everything is paid or released, what was asked back is settled, and
    /// the final return is accepted or waived by somebody else than whoever closes it.
    async fn close_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The final account.")] input: CloseGrantInput,
    ) -> Result<GrantPayload> {
        let mut entered = Entered::default();
        let final_spend = entered.optional("finalSpend", input.final_spend, Money::amount);
        let outcomes = entered.take("outcomes", texts(&input.outcomes));
        let outcomes = entered.all(outcomes).map_err(told)?;
        steer(ctx, input.grant_id, input.meant, Course::Close { final_spend, outcomes }).await
    }
}
