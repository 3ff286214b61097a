//! Payment runs on the wire: made, released, exported as a file for the bank, and closed with the bank’s answer.

mod commands;

use async_graphql::{Context, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    BankResult, Code, Date, Grant, LineStatus, Money, Page, Partner, Person, RunStatus, asked, counted,
    cursor, parts, size, told,
};
use crate::app::authority::may;
use crate::domain::calendar::day;
use crate::domain::identity::RunId;
use crate::domain::money::Pence;
use crate::domain::payment_run::{Matched, PaymentRun as Aggregate, ReturnFinding, Tally};
use crate::exports::remittance;
use crate::projections::payments::{
    Bounced, DisputeRecord, FileRecord, LineRecord, PayableRecord, PaymentRunRecord, RunFilter,
};

pub use commands::PaymentMutations;
use commands::run;

/// A payment run: instalments that leave together in one file for the bank.
#[derive(Debug, Clone)]
pub struct PaymentRun {
    id: Uuid,
    record: PaymentRunRecord,
}

/// A payment run: instalments that leave together in one file for the bank.
#[Object]
impl PaymentRun {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its human reference, such as `B-2026-0001`; the file for the bank and the bank’s answer name it.
    async fn reference(&self) -> &str {
        &self.record.reference
    }
    /// What it is called.
    async fn title(&self) -> &str {
        &self.record.title
    }
    /// The day on which the bank is to pay.
    async fn pay_on(&self) -> Date {
        Date(self.record.pay_on)
    }
    /// Where it stands.
    async fn status(&self) -> Code<RunStatus> {
        Code(self.record.status)
    }
    /// When it was opened.
    async fn opened_on(&self) -> Date {
        Date(self.record.opened_on)
    }
    /// Who opened it.
    async fn opened_by(&self, ctx: &Context<'_>) -> Result<Person> {
        Person::named(ctx, self.record.opened_by).await
    }
    /// Who approved it, once approved.
    async fn approved_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::some_named(ctx, self.record.approver).await
    }
    /// Who released it, once released.
    async fn released_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::some_named(ctx, self.record.releaser).await
    }
    /// Its lines, those taken out as well.
    async fn lines(&self) -> Vec<PaymentRunLine> {
        self.record.lines.iter().cloned().map(PaymentRunLine).collect()
    }
    /// Lines that wait for the bank and would be paid to bank details that a payment bounced from.
    async fn warnings(&self, ctx: &Context<'_>) -> Result<Vec<PaymentRunWarning>> {
        let waiting = || self.record.lines.iter().filter(|line| line.status == LineStatus::Pending);
        let partners: Vec<Uuid> = waiting().map(|line| line.partner.0).collect();
        let (app, who) = asked(ctx)?;
        let bounced = app.bounced(who, &partners).await.map_err(told)?;
        let warning = |line: &LineRecord| {
            let message = warning(line.bank_version, bounced.get(&(line.partner.0, line.bank_version))?);
            Some(PaymentRunWarning { line: line.number, message })
        };
        Ok(waiting().filter_map(warning).collect())
    }
    /// What the lines in it come to.
    async fn total(&self) -> Money {
        Money(self.record.total().pounds())
    }
    /// What waits for the bank’s answer.
    async fn pending(&self) -> LineTally {
        self.record.tally(LineStatus::Pending).into()
    }
    /// What the bank paid, and did not come back.
    async fn confirmed(&self) -> LineTally {
        self.record.tally(LineStatus::Confirmed).into()
    }
    /// What never left.
    async fn rejected(&self) -> LineTally {
        self.record.tally(LineStatus::Rejected).into()
    }
    /// What was paid and came back.
    async fn returned(&self) -> LineTally {
        self.record.tally(LineStatus::Returned).into()
    }
    /// The file for the bank, once it was made; what is in it is given out by `exportPaymentRun` alone.
    async fn file(&self) -> Option<PaymentFileMade> {
        self.record.file.as_ref().map(PaymentFileMade::from)
    }
    /// The bank’s answers that were loaded.
    async fn remittances(&self) -> Vec<RemittanceLoaded> {
        let all = self.record.remittances.iter();
        all.map(|one| RemittanceLoaded {
            sha256: one.sha256.to_string(),
            lines: one.lines,
            control_total: Money(one.control_total.pounds()),
            loaded_on: Date(one.loaded_on),
        })
        .collect()
    }
    /// When it was reconciled or given up.
    async fn ended_on(&self) -> Option<Date> {
        self.record.ended_on.map(Date)
    }
}

/// Something to look at before a line of a run is paid. It does not stop the run.
#[derive(Debug, Clone, SimpleObject)]
pub struct PaymentRunWarning {
    /// The number of the line.
    pub line: u32,
    /// What it is, in a sentence.
    pub message: String,
}

fn warning(bank_version: u32, Bounced { on, code }: &Bounced) -> String {
    format!(
        "A payment to these bank details (version {bank_version}) bounced on {} ({code}): ask the partner whether \
         they are still right before they are paid to again.",
        day(*on)
    )
}

/// One payment of a run, as it was fixed when it was added.
#[derive(Debug, Clone)]
pub struct PaymentRunLine(LineRecord);

/// One payment of a run, as it was fixed when it was added.
#[Object]
impl PaymentRunLine {
    /// Its number, from 1.
    async fn line(&self) -> u32 {
        self.0.number
    }
    /// The grant.
    async fn grant(&self, ctx: &Context<'_>) -> Result<Grant> {
        Grant::named(ctx, self.0.grant.0).await
    }
    /// The human reference of the grant.
    async fn grant_reference(&self) -> &str {
        &self.0.grant_reference
    }
    /// The instalment.
    async fn instalment_id(&self) -> Uuid {
        self.0.instalment.0
    }
    /// Who is paid.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Partner> {
        Partner::named(ctx, self.0.partner.0).await
    }
    /// How much.
    async fn amount(&self) -> Money {
        self.0.amount.into()
    }
    /// The version of the partner’s bank details it goes to.
    async fn bank_version(&self) -> u32 {
        self.0.bank_version
    }
    /// What became of it.
    async fn status(&self) -> Code<LineStatus> {
        Code(self.0.status)
    }
    /// The day the bank paid it.
    async fn paid_on(&self) -> Option<Date> {
        self.0.paid_on.map(Date)
    }
    /// The day the bank gave it back.
    async fn returned_on(&self) -> Option<Date> {
        self.0.returned_on.map(Date)
    }
    /// The bank’s code for why it was rejected or came back.
    async fn bank_code(&self) -> Option<&str> {
        self.0.bank_code.as_deref()
    }
    /// That the bank says it came back, though the partner had repaid it: nothing was posted for that.
    async fn dispute(&self) -> Option<ReturnDispute> {
        self.0.dispute.clone().map(ReturnDispute)
    }
}

/// That the bank says a line came back which the partner had repaid, wholly or in part.
#[derive(Debug, Clone)]
pub struct ReturnDispute(DisputeRecord);

/// That the bank says a line came back which the partner had repaid, wholly or in part.
#[Object]
impl ReturnDispute {
    /// The day the bank says it gave it back.
    async fn value_date(&self) -> Date {
        Date(self.0.value_date)
    }
    /// The bank’s code for why.
    async fn bank_code(&self) -> &str {
        &self.0.bank_code
    }
    /// How much of the line the partner had repaid.
    async fn repaid(&self) -> Money {
        self.0.repaid.into()
    }
    /// Who loaded the bank’s answer: somebody else settles it.
    async fn noted_by(&self, ctx: &Context<'_>) -> Result<Person> {
        Person::named(ctx, self.0.noted_by).await
    }
    /// What was found out, once it was.
    async fn finding(&self) -> Option<Code<ReturnFinding>> {
        self.0.settled.map(|(finding, ..)| Code(finding))
    }
    /// Who settled it, once it was.
    async fn settled_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Person::some_named(ctx, self.0.settled.map(|(_, by, _)| by)).await
    }
    /// When it was settled.
    async fn settled_on(&self) -> Option<Date> {
        self.0.settled.map(|(.., on)| Date(on))
    }
}

/// How many lines stand in one way, and what they come to.
#[derive(Debug, Clone, SimpleObject)]
pub struct LineTally {
    /// How many lines.
    pub lines: u32,
    /// What they come to.
    pub amount: Money,
}

impl From<Tally> for LineTally {
    fn from(tally: Tally) -> Self {
        Self { lines: tally.lines, amount: Money(tally.pence.pounds()) }
    }
}

/// What the record says of the file for the bank.
#[derive(Debug, Clone, SimpleObject)]
pub struct PaymentFileMade {
    /// The version of its form.
    pub format: u32,
    /// How many lines it has.
    pub lines: u32,
    /// Its control total.
    pub control_total: Money,
    /// Its control total in pence, as digits.
    pub control_total_pence: String,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// When it was made.
    pub exported_on: Date,
    /// How often it was given out again since.
    pub given_again: u32,
}

impl From<&FileRecord> for PaymentFileMade {
    fn from(file: &FileRecord) -> Self {
        Self {
            format: file.format,
            lines: file.lines,
            control_total: Money(file.control_total.pounds()),
            control_total_pence: pence(file.control_total),
            sha256: file.sha256.to_string(),
            exported_on: Date(file.exported_on),
            given_again: file.given_again,
        }
    }
}

fn pence(total: Pence) -> String {
    total.count().to_string()
}

/// An answer of the bank that was loaded.
#[derive(Debug, Clone, SimpleObject)]
pub struct RemittanceLoaded {
    /// The SHA-256 of the bank’s file, 64 hexadecimal digits.
    pub sha256: String,
    /// How many lines it has.
    pub lines: u32,
    /// Its control total.
    pub control_total: Money,
    /// When it was loaded.
    pub loaded_on: Date,
}

/// An instalment that is authorised and in no payment run.
#[derive(Debug, Clone)]
pub struct PayableInstalment {
    record: PayableRecord,
    warning: Option<String>,
}

/// An instalment that is authorised and in no payment run.
#[Object]
impl PayableInstalment {
    /// The grant.
    async fn grant(&self, ctx: &Context<'_>) -> Result<Grant> {
        Grant::named(ctx, self.record.grant_id).await
    }
    /// The human reference of the grant.
    async fn grant_reference(&self) -> &str {
        &self.record.reference
    }
    /// The instalment.
    async fn instalment_id(&self) -> Uuid {
        self.record.instalment
    }
    /// Who is to be paid.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Partner> {
        Partner::named(ctx, self.record.partner).await
    }
    /// How much.
    async fn amount(&self) -> Money {
        Money(self.record.amount)
    }
    /// The day it is to be paid.
    async fn pay_on(&self) -> Date {
        Date(self.record.pay_on)
    }
    /// That a payment to the bank details a run would pay to bounced before, in a sentence; nothing where none did.
    async fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }
}

/// One line of a bank’s answer.
#[derive(Debug, Clone, SimpleObject)]
pub struct RemittanceLine {
    /// The run it names.
    pub run: String,
    /// The line of the run it names.
    pub line: u32,
    /// What became of it.
    pub result: Code<BankResult>,
    /// How much.
    pub amount: Money,
}

/// A line that the bank says came back, though the partner had repaid it.
#[derive(Debug, Clone, SimpleObject)]
pub struct DisputedReturn {
    /// The number of the line.
    pub line: u32,
    /// How much of it the partner had repaid.
    pub repaid: Money,
}

/// A bank’s answer held against a run.
#[derive(Debug, Clone, SimpleObject)]
pub struct RemittanceMatch {
    /// Lines of both that the record did not say yet.
    pub matched: Vec<RemittanceLine>,
    /// Which of these the bank says came back, though the partner had repaid them: noted, and nothing is posted for them
    /// until people have found out which is right.
    pub disputed: Vec<DisputedReturn>,
    /// Numbers of lines of both that were on the record already, just so.
    pub already_recorded: Vec<u32>,
    /// Lines of the file that the run does not have: a file with any is not loaded.
    pub not_in_run: Vec<RemittanceLine>,
    /// Numbers of lines of the run that wait for an answer and are not in the file.
    pub not_in_file: Vec<u32>,
}

impl RemittanceMatch {
    fn new(run: &str, matched: Matched) -> Self {
        let ours = matched.new.into_iter().map(|(line, answer)| RemittanceLine {
            run: run.to_owned(),
            line: line.number,
            result: Code(answer.result()),
            amount: line.amount.into(),
        });
        let theirs = matched.not_in_run.into_iter().map(|one| RemittanceLine {
            run: one.run,
            line: one.line,
            result: Code(one.answer.result()),
            amount: one.amount.into(),
        });
        let disputed = matched.disputed.into_iter();
        Self {
            disputed: disputed.map(|(line, repaid)| DisputedReturn { line, repaid: repaid.into() }).collect(),
            matched: ours.collect(),
            already_recorded: matched.already,
            not_in_run: theirs.collect(),
            not_in_file: matched.not_in_file,
        }
    }
}

/// Queries about payment runs.
#[derive(Default)]
pub struct PaymentQueries;

#[Object]
impl PaymentQueries {
    /// Payment runs by reference. For staff who see money, and auditors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn payment_runs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Those standing there; all if left out.")] status: Option<Code<RunStatus>>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<PaymentRun>> {
        let (app, who) = asked(ctx)?;
        let size = size(first)?;
        let has_previous = after.is_some();
        let filter = RunFilter {
            status: status.map(|code| code.0),
            after: parts(after)?.and_then(|parts| parts.into_iter().next()),
            limit: size + 1,
        };
        let (found, total) = app.payment_runs(who, &filter).await.map_err(told)?;
        let entries =
            found.into_iter().map(|(id, record)| (cursor(&[&record.reference]), PaymentRun { id, record }));
        Ok(counted(entries, size, has_previous, total))
    }

    /// One payment run.
    async fn payment_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
    ) -> Result<PaymentRun> {
        run(ctx, id).await
    }

    /// What is authorised and in no payment run, the earliest day of payment first: for whoever makes a run.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn payable(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To be paid on this day or before it; on any if left out.")] pay_on: Option<Date>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<PayableInstalment>> {
        let (app, who) = asked(ctx)?;
        let found = app.payable(who, pay_on.map(|day| day.0), size(first)?).await.map_err(told)?;
        let partners: Vec<Uuid> = found.iter().map(|record| record.partner).collect();
        let bounced = app.bounced(who, &partners).await.map_err(told)?;
        let payable = |record: PayableRecord| {
            let version = u32::try_from(record.bank_version).unwrap_or_default();
            let warning = bounced.get(&(record.partner, version)).map(|last| warning(version, last));
            PayableInstalment { record, warning }
        };
        Ok(found.into_iter().map(payable).collect())
    }

    /// Hold a bank’s answer against a run without recording anything: what matches, and what does not, both ways.
    async fn match_remittance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The run.")] run_id: Uuid,
        #[graphql(desc = "The bytes of the bank’s file as base64.")] content_base64: String,
    ) -> Result<RemittanceMatch> {
        let (app, who) = asked(ctx)?;
        may(who, "matchRemittance").map_err(told)?;
        let answer = remittance::read_base64(&content_base64).map_err(told)?;
        let record = app.payment_run(who, run_id).await.map_err(told)?;
        let matched = app.match_remittance(who, RunId(run_id), &answer).await.map_err(told)?;
        Ok(RemittanceMatch::new(&record.reference, matched))
    }
}
