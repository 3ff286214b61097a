//! Payment runs: made, approved, released, exported, answered by the bank. The grants and funds whose money moves
//! decide in the same commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::authority::may;
use super::grants::{required_checks, rules_of};
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::bank::BankDetails;
use crate::domain::calendar::Date;
use crate::domain::fund::{Fund, FundCommand};
use crate::domain::grant::{Grant, GrantCommand, RunExit, RunLine};
use crate::domain::identity::{CommandId, GrantId, Hash, InstalmentId, Reference, ReferenceKind, RunId};
use crate::domain::money::{Money, Pence};
use crate::domain::partner::{CheckKind, Partner};
use crate::domain::payment_run::{
    BankAnswer, Line, LineStatus, Matched, PaymentRun, PaymentRunCommand, PaymentRunRefusal, Persons,
    Remittance, ReturnFinding, Unpayable,
};
use crate::domain::text::Text;
use crate::projections::one;
use crate::projections::payments::{
    Bounced, PayableRecord, PaymentRunRecord, RunFilter, bounced, count, list, payable,
};
use crate::store::work::Work;

/// One line of the file for the bank, with what the vault keeps of whom it pays.
#[derive(Debug, Clone)]
pub struct SheetLine {
    /// Its number in the run.
    pub line: u32,
    /// The instalment.
    pub instalment: InstalmentId,
    /// The human reference of the grant.
    pub grant_reference: Reference,
    /// Where it is paid to.
    pub payee: BankDetails,
    /// GBP.
    pub amount: Money,
}

/// All that goes into the file for the bank.
#[derive(Debug, Clone)]
pub struct PaymentSheet {
    /// The human reference of the run.
    pub run: Reference,
    /// Its lines, in order.
    pub lines: Vec<SheetLine>,
}

/// How the file for the bank is written: handed in from where files have their form.
#[derive(Debug, Clone, Copy)]
pub struct PaymentForm {
    /// The version written today.
    pub version: u32,
    /// Write a sheet in a version of the form; nothing for a version there never was. The same sheet gives the same
    /// bytes for ever.
    pub write: fn(&PaymentSheet, u32) -> anyhow::Result<Option<String>>,
}

/// The file for the bank.
#[derive(Clone)]
pub struct PaymentFile {
    /// What to call it.
    pub name: String,
    /// What is in it.
    pub content: String,
    /// The version of its form.
    pub format: u32,
    /// How many lines it has.
    pub lines: u32,
    /// Its control total.
    pub control_total: Pence,
    /// Its SHA-256.
    pub sha256: Hash,
}

/// A step with a run that concerns its own approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStep {
    /// Approve it: no line is added or removed any more.
    Approve,
    /// Release it for payment, after every line was checked again.
    Release,
    /// Close it when the bank has answered for every line.
    Reconcile,
}

impl RunStep {
    const fn deed(self) -> &'static str {
        match self {
            Self::Approve => "approvePaymentRun",
            Self::Release => "releasePaymentRun",
            Self::Reconcile => "reconcilePaymentRun",
        }
    }
}

fn in_run(run: RunId, line: &Line) -> RunLine {
    RunLine { instalment: line.instalment, run, line: line.number }
}

async fn checks_of(work: &mut Work, grant: &Grant) -> Result<Vec<CheckKind>, Failure> {
    Ok(required_checks(&rules_of(work, grant).await?))
}

/// Who decided on the grants of a run, and who has an interest in one.
async fn persons_of(work: &mut Work, run: &PaymentRun) -> Result<Persons, Failure> {
    let mut persons = Persons::default();
    for line in run.lines() {
        let grant = work.existing::<Grant>(line.grant).await?;
        persons.deciders.extend(grant.deciders(line.instalment));
        persons.conflicted.extend(grant.conflicted());
    }
    Ok(persons)
}

/// What stands against each line on the day of payment, as the grants and the partners’ records have it now.
async fn unpayable(work: &mut Work, id: RunId, run: &PaymentRun) -> Result<Vec<Unpayable>, Failure> {
    let (_, pay_on) = run.opened()?;
    let mut found = Vec::new();
    for line in run.lines() {
        let grant = work.existing::<Grant>(line.grant).await?;
        let checks = checks_of(work, &grant).await?;
        let partner = work.existing::<Partner>(line.partner).await?;
        let why = match (grant.payable_by(in_run(id, line)), partner.payable(pay_on, &checks)) {
            (Err(refusal), _) => refusal.to_string(),
            (_, Err(refusal)) => refusal.to_string(),
            _ if grant.payee()? != line.partner => {
                "It goes to a partner that is no longer the one to be paid.".to_owned()
            }
            (Ok(()), Ok(now)) if now.bank_version != line.bank_version => format!(
                "It goes to bank details version {}, and version {} is the newest.",
                line.bank_version, now.bank_version
            ),
            (Ok(()), Ok(_)) => continue,
        };
        found.push(Unpayable { line: line.number, why });
    }
    Ok(found)
}

/// Put an authorised instalment in a run: the run fixes amount and bank details, the grant that it is in no other.
async fn add(
    work: &mut Work,
    run: RunId,
    (grant, instalment): (GrantId, InstalmentId),
) -> Result<(), Failure> {
    let state = work.existing::<PaymentRun>(run).await?;
    let (_, pay_on) = state.opened()?;
    let case_of = work.existing::<Grant>(grant).await?;
    let case = case_of.subject()?;
    let checks = checks_of(work, &case_of).await?;
    let partner = case_of.payee()?;
    let payable = work.existing::<Partner>(partner).await?.payable(pay_on, &checks)?;
    let add = PaymentRunCommand::AddLine {
        grant,
        grant_reference: case.reference.clone(),
        instalment,
        partner,
        amount: case_of.planned(instalment)?.amount,
        bank_version: payable.bank_version,
    };
    work.execute::<PaymentRun>(run, add).await?;
    let line = RunLine { instalment, run, line: state.next_line() };
    Ok(work.execute::<Grant>(grant, GrantCommand::PutInRun { line, pay_on }).await?)
}

/// The grants of which a bank says that a payment came back.
fn gave_back(matched: &Matched) -> impl Iterator<Item = GrantId> {
    let back = |(line, answer): &&(Line, BankAnswer)| {
        line.status == LineStatus::Confirmed && matches!(answer, BankAnswer::Returned { .. })
    };
    matched.new.iter().filter(back).map(|(line, _)| line.grant)
}

/// How much of which line that came back the partner had repaid, line after line as the file has them.
fn repaid(matched: &Matched, grants: &HashMap<GrantId, Arc<Grant>>) -> BTreeMap<u32, Money> {
    let (mut since, mut found) = (HashMap::<GrantId, Decimal>::new(), BTreeMap::new());
    for (line, answer) in &matched.new {
        let Some(grant) = grants.get(&line.grant) else { continue };
        let moved = since.entry(line.grant).or_default();
        match answer {
            BankAnswer::Paid { .. } => *moved += line.amount.pounds(),
            BankAnswer::Returned { .. } if line.status == LineStatus::Confirmed => {
                match grant.repaid_of(line.amount, *moved) {
                    Some(repaid) => drop(found.insert(line.number, repaid)),
                    None => *moved -= line.amount.pounds(),
                }
            }
            BankAnswer::Rejected { .. } | BankAnswer::Returned { .. } => {}
        }
    }
    found
}

/// What the bank’s answer on a line means for its grant, and where money was spent or came back, for the fund.
async fn follow(
    work: &mut Work,
    run: RunId,
    (line, answer): (Line, BankAnswer),
    command: CommandId,
) -> Result<(), Failure> {
    let grant = work.existing::<Grant>(line.grant).await?;
    let (fund, year) = (grant.subject()?.fund, grant.planned(line.instalment)?.year);
    let replacement = InstalmentId(command.makes(&format!("replacement {run} {}", line.number)));
    let (in_run, amount, instalment) = (in_run(run, &line), line.amount, line.instalment);
    let (of_grant, of_fund) = match answer {
        BankAnswer::Paid { value_date } => {
            let grant = line.grant;
            let post = FundCommand::PostExpenditure { grant, instalment, year, amount, value_date };
            (GrantCommand::ConfirmInRun { line: in_run, amount, value_date }, Some(post))
        }
        BankAnswer::Returned { value_date, bank_code } if line.status == LineStatus::Confirmed => {
            let back = FundCommand::ReturnExpenditure { grant: line.grant, instalment, value_date };
            (GrantCommand::ReturnInRun { line: in_run, value_date, bank_code, replacement }, Some(back))
        }
        BankAnswer::Rejected { bank_code } | BankAnswer::Returned { bank_code, .. } => {
            (GrantCommand::RejectInRun { line: in_run, bank_code, replacement }, None)
        }
    };
    work.execute::<Grant>(line.grant, of_grant).await?;
    if let Some(of_fund) = of_fund {
        work.execute::<Fund>(fund, of_fund).await?;
    }
    Ok(())
}

impl App {
    /// Open a payment run for a day.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_payment_run(
        &self,
        who: &Identity,
        how: &How,
        (title, pay_on): (Text<200>, Date),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "openPaymentRun", how)?;
        let id = order.envelope.command.makes("payment run");
        let app = self.clone();
        self.carry_out::<PaymentRun, _>(order, id, move |work| {
            let (app, title) = (app.clone(), title.clone());
            Box::pin(async move {
                let reference = app.reference(ReferenceKind::PaymentRun, work).await?;
                let open = PaymentRunCommand::Open { reference, title, pay_on };
                Ok(work.execute::<PaymentRun>(id, open).await?)
            })
        })
        .await
    }

    /// Put authorised instalments in a run, all or none.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn add_to_payment_run(
        &self,
        who: &Identity,
        how: &How,
        run: RunId,
        wanted: Vec<(GrantId, InstalmentId)>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "addToPaymentRun", how)?;
        if wanted.is_empty() {
            return Err(Failure::refused("payment_run.nothing_to_add", "Choose at least one instalment."));
        }
        self.carry_out::<PaymentRun, _>(order, run.0, move |work| {
            let wanted = wanted.clone();
            Box::pin(async move {
                for one in wanted {
                    add(work, run, one).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Take a line out of a run that is not approved yet; its instalment is free again in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn remove_from_payment_run(
        &self,
        who: &Identity,
        how: &How,
        run: RunId,
        number: u32,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "removeFromPaymentRun", how)?;
        self.carry_out::<PaymentRun, _>(order, run.0, move |work| {
            Box::pin(async move {
                let state = work.existing::<PaymentRun>(run).await?;
                work.execute::<PaymentRun>(run, PaymentRunCommand::RemoveLine { line: number }).await?;
                let line = state.line(number)?;
                let leave = GrantCommand::TakeFromRun { line: in_run(run, line), cause: RunExit::Removed };
                Ok(work.execute::<Grant>(line.grant, leave).await?)
            })
        })
        .await
    }

    /// Approve, release or reconcile a run.
    ///
    /// # Errors
    /// See [`Failure`]; a release names every line that may not be paid, and why.
    pub async fn step_with_payment_run(
        &self,
        who: &Identity,
        how: &How,
        run: RunId,
        step: RunStep,
    ) -> Result<Done, Failure> {
        let order = self.order(who, step.deed(), how)?;
        self.carry_out::<PaymentRun, _>(order, run.0, move |work| {
            Box::pin(async move {
                let state = work.existing::<PaymentRun>(run).await?;
                let command = match step {
                    RunStep::Approve => {
                        PaymentRunCommand::Approve { persons: persons_of(work, &state).await? }
                    }
                    RunStep::Release => {
                        let persons = persons_of(work, &state).await?;
                        let unpayable = unpayable(work, run, &state).await?;
                        PaymentRunCommand::Release { persons, unpayable }
                    }
                    RunStep::Reconcile => PaymentRunCommand::Reconcile,
                };
                Ok(work.execute::<PaymentRun>(run, command).await?)
            })
        })
        .await
    }

    /// Give a run up before its file is made; its instalments are free again in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn void_payment_run(&self, who: &Identity, how: &How, run: RunId) -> Result<Done, Failure> {
        let order = self.order(who, "voidPaymentRun", how)?;
        self.carry_out::<PaymentRun, _>(order, run.0, move |work| {
            Box::pin(async move {
                let state = work.existing::<PaymentRun>(run).await?;
                work.execute::<PaymentRun>(run, PaymentRunCommand::Void).await?;
                for line in state.lines() {
                    let leave = GrantCommand::TakeFromRun { line: in_run(run, line), cause: RunExit::Voided };
                    work.execute::<Grant>(line.grant, leave).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Make the file for the bank, or make it again byte for byte. Every reading of the vault is on its record.
    ///
    /// # Errors
    /// See [`Failure`]; the vault is read only when nothing else stands against it.
    pub async fn export_payment_run(
        &self,
        who: &Identity,
        how: &How,
        run: RunId,
        form: PaymentForm,
    ) -> Result<(Done, PaymentFile), Failure> {
        let order = self.order(who, "exportPaymentRun", how)?;
        let (app, reader) = (self.clone(), who.clone());
        let (done, file) = self
            .carry_out_for::<PaymentRun, PaymentFile, _>(order, run.0, move |work| {
                let (app, reader) = (app.clone(), reader.clone());
                Box::pin(async move { app.export(work, &reader, run, form).await })
            })
            .await?;
        let file = match file {
            Some(file) => file,
            None => self.payment_file(who, &*self.store.look::<PaymentRun>(run).await?, form).await?,
        };
        Ok((done, file))
    }

    async fn export(
        &self,
        work: &mut Work,
        who: &Identity,
        run: RunId,
        form: PaymentForm,
    ) -> Result<PaymentFile, Failure> {
        let state = work.existing::<PaymentRun>(run).await?;
        state.may_be_exported(work.circumstances().today)?;
        let first = state.file().is_none();
        let unpayable = if first { unpayable(work, run, &state).await? } else { Vec::new() };
        state.all_payable(&unpayable)?;
        let file = self.payment_file(who, &state, form).await?;
        let PaymentFile { format, lines, control_total, ref sha256, .. } = file;
        let sha256 = sha256.clone();
        let command = if first {
            PaymentRunCommand::Export { format, lines, control_total, sha256, unpayable }
        } else {
            PaymentRunCommand::GiveAgain { sha256 }
        };
        work.execute::<PaymentRun>(run, command).await?;
        Ok(file)
    }

    /// The file of a run in the version of its form, from what the vault keeps.
    async fn payment_file(
        &self,
        who: &Identity,
        run: &PaymentRun,
        form: PaymentForm,
    ) -> Result<PaymentFile, Failure> {
        let (reference, _) = run.opened()?;
        let format = run.file().map_or(form.version, |(format, _)| format);
        let mut lines = Vec::new();
        for line in run.lines() {
            let payee = self.payee(who, reference, line).await?;
            let (instalment, grant_reference) = (line.instalment, line.grant_reference.clone());
            let amount = line.amount;
            lines.push(SheetLine { line: line.number, instalment, grant_reference, payee, amount });
        }
        let sheet = PaymentSheet { run: reference.clone(), lines };
        let written = (form.write)(&sheet, format).map_err(Failure::broken)?;
        let content = written.ok_or(PaymentRunRefusal::FileDiffers)?;
        let sha256 = Hash::of(content.as_bytes());
        if run.file().is_some_and(|(_, exported)| *exported != sha256) {
            return Err(PaymentRunRefusal::FileDiffers.into());
        }
        Ok(PaymentFile {
            name: format!("{reference}.csv"),
            content,
            format,
            lines: u32::try_from(sheet.lines.len()).unwrap_or(u32::MAX),
            control_total: Pence::of(sheet.lines.iter().map(|line| line.amount)),
            sha256,
        })
    }

    /// Where a line is paid to, in the version that was fixed when it was added.
    async fn payee(&self, who: &Identity, run: &Reference, line: &Line) -> Result<BankDetails, Failure> {
        let partner = self.store.look::<Partner>(line.partner).await?;
        let kept = partner.bank_details(line.bank_version)?;
        let why = format!("The file for the bank of payment run {run}, line {}.", line.number);
        let text = self.vault.open_committed(kept, who.actor(), &why).await?;
        // What was not understood is not repeated: an error of the reader could hold a piece of it.
        BankDetails::from_vault(&text).map_err(|_| {
            Failure::broken(anyhow::anyhow!(
                "the vault holds no bank details for line {} of {run}",
                line.number
            ))
        })
    }

    /// Record what the bank answered, all of it or nothing: the run, every grant in it and their funds in one commit.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn load_remittance(
        &self,
        who: &Identity,
        how: &How,
        run: RunId,
        remittance: Remittance,
    ) -> Result<(Done, Matched), Failure> {
        let order = self.order(who, "loadRemittance", how)?;
        let (command, on) = (order.envelope.command, order.envelope.effective_on);
        let answer = remittance.clone();
        let (done, matched) = self
            .carry_out_for::<PaymentRun, Matched, _>(order, run.0, move |work| {
                let answer = answer.clone();
                Box::pin(async move {
                    let state = work.existing::<PaymentRun>(run).await?;
                    let mut matched = state.matched(&answer, on)?;
                    let mut grants = HashMap::new();
                    for grant in gave_back(&matched) {
                        grants.insert(grant, work.existing::<Grant>(grant).await?);
                    }
                    matched.disputed = repaid(&matched, &grants);
                    let (remittance, repaid) = (answer, matched.disputed.clone());
                    let take = PaymentRunCommand::TakeRemittance { remittance, repaid };
                    work.execute::<PaymentRun>(run, take).await?;
                    for (line, answer) in matched.new.clone() {
                        if !matched.disputed.contains_key(&line.number) {
                            follow(work, run, (line, answer), command).await?;
                        }
                    }
                    Ok(matched)
                })
            })
            .await?;
        let matched = match matched {
            Some(matched) => matched,
            None => self.store.look::<PaymentRun>(run).await?.matched(&remittance, on)?,
        };
        Ok((done, matched))
    }

    /// Hold a bank’s answer against a run without recording anything.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn match_remittance(
        &self,
        who: &Identity,
        run: RunId,
        remittance: &Remittance,
    ) -> Result<Matched, Failure> {
        may(who, "matchRemittance")?;
        let mut matched = self.store.look::<PaymentRun>(run).await?.matched(remittance, self.today())?;
        let mut grants = HashMap::new();
        for grant in gave_back(&matched) {
            grants.insert(grant, self.store.look::<Grant>(grant).await?);
        }
        matched.disputed = repaid(&matched, &grants);
        Ok(matched)
    }

    /// Settle what the bank said of a line that the partner had repaid.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn settle_disputed_return(
        &self,
        who: &Identity,
        how: &How,
        run: RunId,
        (line, finding): (u32, ReturnFinding),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "settleDisputedReturn", how)?;
        self.carry_out::<PaymentRun, _>(order, run.0, move |work| {
            Box::pin(async move {
                let state = work.existing::<PaymentRun>(run).await?;
                let persons = persons_of(work, &state).await?;
                let settle = PaymentRunCommand::SettleDispute { line, finding, persons };
                Ok(work.execute::<PaymentRun>(run, settle).await?)
            })
        })
        .await
    }

    /// The payment runs a filter finds, and how many there are.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn payment_runs(
        &self,
        who: &Identity,
        filter: &RunFilter,
    ) -> Result<(Vec<(Uuid, PaymentRunRecord)>, i64), Failure> {
        may(who, "paymentRuns")?;
        let pool = self.store.pool();
        Ok((list(pool, filter).await?, count(pool, filter).await?))
    }

    /// One payment run.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn payment_run(&self, who: &Identity, id: Uuid) -> Result<PaymentRunRecord, Failure> {
        may(who, "paymentRun")?;
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("payment run"))
    }

    /// What is authorised and in no run, to be paid on a day or before it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn payable(
        &self,
        who: &Identity,
        pay_on: Option<Date>,
        limit: i64,
    ) -> Result<Vec<PayableRecord>, Failure> {
        may(who, "payable")?;
        Ok(payable(self.store.pool(), pay_on, limit).await?)
    }

    /// To which bank details of some partners a payment bounced before, for whoever makes or checks a run.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn bounced(
        &self,
        who: &Identity,
        partners: &[Uuid],
    ) -> Result<HashMap<(Uuid, u32), Bounced>, Failure> {
        may(who, "payable")?;
        Ok(bounced(self.store.pool(), partners).await?)
    }
}
