//! Commands on payment runs.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Date, Entered, Meant, Money, Receipt, asked, told};
use super::{PaymentRun, RemittanceMatch, pence};
use crate::app::authority::may;
use crate::app::payments::{PaymentFile as File, RunStep};
use crate::app::{Done, Failure};
use crate::domain::identity::{GrantId, InstalmentId, RunId};
use crate::domain::payment_run::ReturnFinding;
use crate::domain::text::Text;
use crate::exports::{payment_file, remittance};

/// A payment run to be opened.
#[derive(Debug, Clone, InputObject)]
pub struct OpenPaymentRunInput {
    /// What it is called, at most 200 characters.
    pub title: String,
    /// The day on which the bank is to pay, today or later.
    pub pay_on: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An instalment to be put in a run.
#[derive(Debug, Clone, InputObject)]
pub struct RunLineInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The instalment.
    pub instalment_id: Uuid,
}

/// Instalments to be put in a run.
#[derive(Debug, Clone, InputObject)]
pub struct AddToPaymentRunInput {
    /// The run.
    pub run_id: Uuid,
    /// Which, in the order in which they are numbered; all are added or none.
    pub lines: Vec<RunLineInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A line to be taken out of a run.
#[derive(Debug, Clone, InputObject)]
pub struct RemoveFromPaymentRunInput {
    /// The run.
    pub run_id: Uuid,
    /// The number of the line.
    pub line: u32,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with a payment run.
#[derive(Debug, Clone, InputObject)]
pub struct PaymentRunInput {
    /// The run.
    pub run_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An answer of the bank.
#[derive(Debug, Clone, InputObject)]
pub struct LoadRemittanceInput {
    /// The run.
    pub run_id: Uuid,
    /// The bytes of the bank’s file as base64, so that nothing has read them before. A CSV in UTF-8: `run,line,result,
    /// amount,value_date,bank_code`, and a last row `total` with the number of lines and what they come to.
    pub content_base64: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What was found out about a line that the bank says came back, though the partner had repaid it.
#[derive(Debug, Clone, InputObject)]
pub struct SettleDisputedReturnInput {
    /// The run.
    pub run_id: Uuid,
    /// The number of the line.
    pub line: u32,
    /// What is right.
    pub finding: Code<ReturnFinding>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a payment run leads to.
#[derive(SimpleObject)]
pub struct PaymentRunPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The run as it stands now.
    pub payment_run: PaymentRun,
}

/// The file for the bank.
#[derive(SimpleObject)]
pub struct ExportPaymentRunPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The run as it stands now.
    pub payment_run: PaymentRun,
    /// What to call the file.
    pub file_name: String,
    /// What is in it, to be written as UTF-8. It holds bank details: keep it as you would keep those.
    pub content: String,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Its control total.
    pub control_total: Money,
    /// Its control total in pence, as digits.
    pub control_total_pence: String,
}

/// What loading a bank’s answer led to.
#[derive(SimpleObject)]
pub struct LoadRemittancePayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The run as it stands now.
    pub payment_run: PaymentRun,
    /// The answer held against the run as it stood.
    pub remittance: RemittanceMatch,
}

pub(super) async fn run(ctx: &Context<'_>, id: Uuid) -> Result<PaymentRun> {
    let (app, who) = asked(ctx)?;
    Ok(PaymentRun { id, record: app.payment_run(who, id).await.map_err(told)? })
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<PaymentRunPayload> {
    let done = done.map_err(told)?;
    Ok(PaymentRunPayload { receipt: done.into(), payment_run: run(ctx, done.id).await? })
}

async fn step(ctx: &Context<'_>, input: PaymentRunInput, step: RunStep) -> Result<PaymentRunPayload> {
    let (app, who) = asked(ctx)?;
    let how = input.meant.how().map_err(told)?;
    payload(ctx, app.step_with_payment_run(who, &how, RunId(input.run_id), step).await).await
}

/// Commands on payment runs.
#[derive(Default)]
pub struct PaymentMutations;

#[Object]
impl PaymentMutations {
    /// Open a payment run for a day.
    async fn open_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run.")] input: OpenPaymentRunInput,
    ) -> Result<PaymentRunPayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let title: Option<Text<200>> = entered.text("title", &input.title);
        let title = entered.all(title).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.open_payment_run(who, &how, (title, input.pay_on.0)).await).await
    }

    /// Put authorised instalments in an open run. Amount and bank details are fixed from then on, and the instalment is
    /// in no other run.
    async fn add_to_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run, and which.")] input: AddToPaymentRunInput,
    ) -> Result<PaymentRunPayload> {
        let (app, who) = asked(ctx)?;
        let wanted = input.lines.iter();
        let wanted = wanted.map(|one| (GrantId(one.grant_id), InstalmentId(one.instalment_id))).collect();
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.add_to_payment_run(who, &how, RunId(input.run_id), wanted).await).await
    }

    /// Take a line out of an open run; its instalment is free again in the same moment. Needs a reason.
    async fn remove_from_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The line.")] input: RemoveFromPaymentRunInput,
    ) -> Result<PaymentRunPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.remove_from_payment_run(who, &how, RunId(input.run_id), input.line).await).await
    }

    /// Approve an open run, not by whoever made it: no line is added or removed any more.
    async fn approve_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run.")] input: PaymentRunInput,
    ) -> Result<PaymentRunPayload> {
        step(ctx, input, RunStep::Approve).await
    }

    /// Release an approved run as a third person who decided on none of the grants in it. Every line is checked again
    /// for the day of payment.
    async fn release_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run.")] input: PaymentRunInput,
    ) -> Result<PaymentRunPayload> {
        step(ctx, input, RunStep::Release).await
    }

    /// Give a run up before its file is made; its instalments are free again in the same moment. Needs a reason.
    async fn void_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run.")] input: PaymentRunInput,
    ) -> Result<PaymentRunPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.void_payment_run(who, &how, RunId(input.run_id)).await).await
    }

    /// Make the file for the bank, or the same file again. Bank details are read from the vault, and each reading is
    /// kept there with who and why.
    async fn export_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run.")] input: PaymentRunInput,
    ) -> Result<ExportPaymentRunPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let made = app.export_payment_run(who, &how, RunId(input.run_id), payment_file::FORM).await;
        let (done, file) = made.map_err(told)?;
        let File { name, content, control_total, sha256, .. } = file;
        Ok(ExportPaymentRunPayload {
            receipt: done.into(),
            payment_run: run(ctx, done.id).await?,
            file_name: name,
            content,
            sha256: sha256.to_string(),
            control_total: Money(control_total.pounds()),
            control_total_pence: pence(control_total),
        })
    }

    /// Record what the bank answered, all of it or nothing: what was paid, rejected and came back. A line that came back
    /// after it was paid needs a reason; where the partner had repaid it, it is noted as disputed and stops nothing.
    async fn load_remittance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run, and the bank’s file.")] input: LoadRemittanceInput,
    ) -> Result<LoadRemittancePayload> {
        let (app, who) = asked(ctx)?;
        may(who, "loadRemittance").map_err(told)?;
        let answer = remittance::read_base64(&input.content_base64).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        let loaded = app.load_remittance(who, &how, RunId(input.run_id), answer).await;
        let (done, matched) = loaded.map_err(told)?;
        let payment_run = run(ctx, done.id).await?;
        let remittance = RemittanceMatch::new(&payment_run.record.reference, matched);
        Ok(LoadRemittancePayload { receipt: done.into(), payment_run, remittance })
    }

    /// Settle what the bank said of a line that the partner had repaid, not as whoever loaded its answer. Where the money
    /// did come back, what the partner repaid is given back to it, and the rest of the line is asked back and recorded as
    /// received beforehand. Needs a reason.
    async fn settle_disputed_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The line, and what was found out.")] input: SettleDisputedReturnInput,
    ) -> Result<PaymentRunPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let found = (input.line, input.finding.0);
        payload(ctx, app.settle_disputed_return(who, &how, RunId(input.run_id), found).await).await
    }

    /// Close a run when the bank has answered for every line.
    async fn reconcile_payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run.")] input: PaymentRunInput,
    ) -> Result<PaymentRunPayload> {
        step(ctx, input, RunStep::Reconcile).await
    }
}
