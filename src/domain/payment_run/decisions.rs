//! The guards of a payment run: each command judged against the state.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    BankAnswer, BankLine, Line, LineStatus, MOST_LINES, Matched, PaymentRun, PaymentRunCommand,
    PaymentRunEvent, PaymentRunRefusal, Persons, Remittance, ReturnFinding, RunStatus, Unpayable, numbered,
};
use crate::domain::Circumstances;
use crate::domain::calendar::{Date, day};
use crate::domain::identity::{Hash, PersonId};
use crate::domain::money::{Money, Pence};

impl PaymentRun {
    /// The facts that follow from a command, or why not.
    pub(super) fn guard(
        &self,
        command: PaymentRunCommand,
        at: &Circumstances,
    ) -> Result<Vec<PaymentRunEvent>, PaymentRunRefusal> {
        let event = match command {
            PaymentRunCommand::Open { reference, title, pay_on } => {
                if self.status != RunStatus::None {
                    return Err(PaymentRunRefusal::AlreadyOpen);
                }
                if pay_on < at.today {
                    return Err(PaymentRunRefusal::DayGoneBy { on: day(pay_on) });
                }
                PaymentRunEvent::Opened { reference, title, pay_on, opened_by: at.actor.person }
            }
            PaymentRunCommand::AddLine {
                grant,
                grant_reference,
                instalment,
                partner,
                amount,
                bank_version,
            } => {
                self.must_be(RunStatus::Open)?;
                let (line, added_by) = (self.next_line(), at.actor.person);
                if line > MOST_LINES {
                    return Err(PaymentRunRefusal::TooManyLines { most: MOST_LINES });
                }
                PaymentRunEvent::LineAdded {
                    line,
                    grant,
                    grant_reference,
                    instalment,
                    partner,
                    amount,
                    bank_version,
                    added_by,
                }
            }
            PaymentRunCommand::RemoveLine { line } => {
                self.must_be(RunStatus::Open)?;
                self.line(line)?;
                PaymentRunEvent::LineRemoved { line }
            }
            PaymentRunCommand::Approve { persons } => self.approve(&persons, at.actor.person)?,
            PaymentRunCommand::Release { persons, unpayable } => self.release(&persons, &unpayable, at)?,
            PaymentRunCommand::Export { format, lines, control_total, sha256, unpayable } => {
                self.export((format, sha256), (lines, control_total), &unpayable, at)?
            }
            PaymentRunCommand::GiveAgain { sha256 } => self.give_again(sha256)?,
            PaymentRunCommand::TakeRemittance { remittance, repaid } => {
                return self.take_remittance(&remittance, &repaid, at);
            }
            PaymentRunCommand::SettleDispute { line, finding, persons } => {
                self.settle((line, finding), &persons, at.actor.person)?
            }
            PaymentRunCommand::Reconcile => self.reconcile()?,
            PaymentRunCommand::Void => {
                let waiting = [RunStatus::Open, RunStatus::Approved, RunStatus::Released];
                if !waiting.contains(&self.status) {
                    return Err(self.wrong_stage("not exported yet"));
                }
                PaymentRunEvent::Voided {}
            }
        };
        Ok(vec![event])
    }

    fn approve(&self, persons: &Persons, approver: PersonId) -> Result<PaymentRunEvent, PaymentRunRefusal> {
        self.must_be(RunStatus::Open)?;
        if self.lines().next().is_none() {
            return Err(PaymentRunRefusal::Empty);
        }
        if self.makers.contains(&approver) {
            return Err(PaymentRunRefusal::ApproverMadeIt);
        }
        if persons.conflicted.contains(&approver) {
            return Err(PaymentRunRefusal::Conflicted);
        }
        Ok(PaymentRunEvent::Approved { approver })
    }

    fn release(
        &self,
        persons: &Persons,
        unpayable: &[Unpayable],
        at: &Circumstances,
    ) -> Result<PaymentRunEvent, PaymentRunRefusal> {
        self.must_be(RunStatus::Approved)?;
        let releaser = at.actor.person;
        if self.makers.contains(&releaser) {
            return Err(PaymentRunRefusal::ReleaserMadeIt);
        }
        if self.approver == Some(releaser) {
            return Err(PaymentRunRefusal::ReleaserApprovedIt);
        }
        if persons.deciders.contains(&releaser) {
            return Err(PaymentRunRefusal::ReleaserDecided);
        }
        if persons.conflicted.contains(&releaser) {
            return Err(PaymentRunRefusal::Conflicted);
        }
        self.in_time(at.today)?;
        self.all_payable(unpayable)?;
        Ok(PaymentRunEvent::Released { releaser })
    }

    /// Whether nothing stands against any line.
    ///
    /// # Errors
    /// `payment_run.lines_not_payable`, naming each line and what stands against it.
    pub fn all_payable(&self, unpayable: &[Unpayable]) -> Result<(), PaymentRunRefusal> {
        if unpayable.is_empty() {
            return Ok(());
        }
        let told = unpayable.iter().map(|one| {
            let reference = self.lines.get(&one.line).map(|line| line.grant_reference.as_str());
            format!("Line {} ({}): {}", one.line, reference.unwrap_or("no grant"), one.why)
        });
        Err(PaymentRunRefusal::LinesNotPayable { lines: told.collect::<Vec<_>>().join(" ") })
    }

    /// The file must be the lines of the run and nothing else: they were made apart, and are held against each other.
    fn export(
        &self,
        (format, sha256): (u32, Hash),
        (lines, control_total): (u32, Pence),
        unpayable: &[Unpayable],
        at: &Circumstances,
    ) -> Result<PaymentRunEvent, PaymentRunRefusal> {
        self.must_be(RunStatus::Released)?;
        self.in_time(at.today)?;
        self.all_payable(unpayable)?;
        let frozen = self.tally(LineStatus::Pending);
        if (frozen.lines, frozen.pence) != (lines, control_total) {
            return Err(PaymentRunRefusal::FileDiffers);
        }
        Ok(PaymentRunEvent::FileExported { format, lines, control_total, sha256 })
    }

    fn give_again(&self, sha256: Hash) -> Result<PaymentRunEvent, PaymentRunRefusal> {
        let (_, exported) = self.file().ok_or_else(|| self.wrong_stage("exported"))?;
        if sha256 != *exported {
            return Err(PaymentRunRefusal::FileDiffers);
        }
        Ok(PaymentRunEvent::FileGivenAgain { sha256 })
    }

    fn is_with_the_bank(&self) -> Result<(), PaymentRunRefusal> {
        if matches!(self.status, RunStatus::Exported | RunStatus::Reconciled) {
            Ok(())
        } else {
            Err(self.wrong_stage("exported"))
        }
    }

    /// Hold a bank’s answer against the run: what is new, what is recorded already, and what one has and the other
    /// has not.
    ///
    /// # Errors
    /// When an answer is for another amount or day than there can be, or contradicts what is on the record.
    pub fn matched(&self, remittance: &Remittance, on: Date) -> Result<Matched, PaymentRunRefusal> {
        self.is_with_the_bank()?;
        let (reference, pay_on) = self.opened()?;
        let mut matched = Matched::default();
        let mut answered = BTreeSet::new();
        for one in &remittance.lines {
            if one.run != reference.as_str() {
                matched.not_in_run.push(one.clone());
                continue;
            }
            let Ok(line) = self.line(one.line) else {
                matched.not_in_run.push(one.clone());
                continue;
            };
            answered.insert(one.line);
            if one.amount != line.amount {
                let (line, exported, found) = (one.line, line.amount, one.amount);
                return Err(PaymentRunRefusal::AnswerAmountDiffers { line, exported, found });
            }
            if is_recorded(line, &one.answer) {
                matched.already.push(one.line);
                continue;
            }
            in_order(line, one, pay_on, on)?;
            matched.new.push((line.clone(), one.answer.clone()));
        }
        let pending = self.lines().filter(|line| line.status == LineStatus::Pending);
        matched.not_in_file =
            pending.map(|line| line.number).filter(|number| !answered.contains(number)).collect();
        Ok(matched)
    }

    fn take_remittance(
        &self,
        remittance: &Remittance,
        repaid: &BTreeMap<u32, Money>,
        at: &Circumstances,
    ) -> Result<Vec<PaymentRunEvent>, PaymentRunRefusal> {
        let matched = self.matched(remittance, at.on)?;
        let (reference, _) = self.opened()?;
        if let Some(other) = matched.not_in_run.iter().find(|one| one.run != reference.as_str()) {
            let (found, run) = (other.run.clone(), reference.to_string());
            return Err(PaymentRunRefusal::OtherRun { found, run });
        }
        if !matched.not_in_run.is_empty() {
            let lines = numbered(matched.not_in_run.iter().map(|one| one.line));
            return Err(PaymentRunRefusal::AnswerUnmatched { lines });
        }
        if matched.new.is_empty() {
            return Err(PaymentRunRefusal::NothingNew);
        }
        let loaded = PaymentRunEvent::RemittanceLoaded {
            sha256: remittance.sha256.clone(),
            lines: u32::try_from(remittance.lines.len()).unwrap_or(u32::MAX),
            control_total: remittance.control_total,
        };
        let noted_by = at.actor.person;
        let answers =
            matched.new.into_iter().map(|(line, answer)| match (answer, repaid.get(&line.number)) {
                (BankAnswer::Returned { value_date, bank_code }, Some(repaid)) => {
                    let (line, amount, repaid) = (line.number, line.amount, *repaid);
                    PaymentRunEvent::ReturnDisputed { line, amount, value_date, bank_code, repaid, noted_by }
                }
                (answer, _) => answered(&line, answer),
            });
        Ok(std::iter::once(loaded).chain(answers).collect())
    }

    /// One loads the bank’s answer, another finds out what is right.
    fn settle(
        &self,
        (line, finding): (u32, ReturnFinding),
        persons: &Persons,
        settled_by: PersonId,
    ) -> Result<PaymentRunEvent, PaymentRunRefusal> {
        let open = self.line(line)?.dispute.as_ref().filter(|dispute| dispute.finding.is_none());
        let dispute = open.ok_or(PaymentRunRefusal::NotDisputed { line })?;
        if dispute.noted_by == settled_by {
            return Err(PaymentRunRefusal::SettlerLoaded);
        }
        if persons.conflicted.contains(&settled_by) {
            return Err(PaymentRunRefusal::Conflicted);
        }
        Ok(PaymentRunEvent::DisputeSettled { line, finding, settled_by })
    }

    fn reconcile(&self) -> Result<PaymentRunEvent, PaymentRunRefusal> {
        self.must_be(RunStatus::Exported)?;
        let pending = self.lines().filter(|line| line.status == LineStatus::Pending);
        let pending: Vec<u32> = pending.map(|line| line.number).collect();
        if !pending.is_empty() {
            return Err(PaymentRunRefusal::LinesPending { lines: numbered(pending) });
        }
        let open = |line: &&Line| line.dispute.as_ref().is_some_and(|dispute| dispute.finding.is_none());
        let disputed: Vec<u32> = self.lines().filter(open).map(|line| line.number).collect();
        if !disputed.is_empty() {
            return Err(PaymentRunRefusal::ReturnsDisputed { lines: numbered(disputed) });
        }
        Ok(PaymentRunEvent::Reconciled {
            confirmed: self.tally(LineStatus::Confirmed),
            rejected: self.tally(LineStatus::Rejected),
            returned: self.tally(LineStatus::Returned),
        })
    }
}

/// Whether the record says of a line what the bank says: banks send the same answer again, alone or among new ones.
fn is_recorded(line: &Line, answer: &BankAnswer) -> bool {
    match (line.status, answer) {
        (LineStatus::Confirmed | LineStatus::Returned, BankAnswer::Paid { value_date }) => {
            line.paid_on == Some(*value_date)
        }
        (
            LineStatus::Rejected,
            BankAnswer::Rejected { bank_code } | BankAnswer::Returned { bank_code, .. },
        ) => line.bank_code.as_ref() == Some(bank_code),
        (LineStatus::Returned, BankAnswer::Returned { value_date, bank_code }) => {
            line.returned_on == Some(*value_date) && line.bank_code.as_ref() == Some(bank_code)
        }
        (LineStatus::Confirmed, BankAnswer::Returned { value_date, bank_code }) => line
            .dispute
            .as_ref()
            .is_some_and(|dispute| (dispute.value_date, &dispute.bank_code) == (*value_date, bank_code)),
        (LineStatus::Pending | LineStatus::Removed, _)
        | (LineStatus::Confirmed, BankAnswer::Rejected { .. })
        | (LineStatus::Rejected, BankAnswer::Paid { .. })
        | (LineStatus::Returned, BankAnswer::Rejected { .. }) => false,
    }
}

/// Whether an answer can follow on what the record says of its line, on a day that can be.
fn in_order(line: &Line, one: &BankLine, pay_on: Date, on: Date) -> Result<(), PaymentRunRefusal> {
    let (number, earliest, dated) = match (line.status, &one.answer) {
        (LineStatus::Pending, BankAnswer::Paid { value_date } | BankAnswer::Returned { value_date, .. }) => {
            (line.number, pay_on, *value_date)
        }
        (LineStatus::Pending, BankAnswer::Rejected { .. }) => return Ok(()),
        (LineStatus::Confirmed, BankAnswer::Returned { value_date, .. }) if may_come_back(line) => {
            (line.number, line.paid_on.unwrap_or(pay_on), *value_date)
        }
        (
            LineStatus::Confirmed | LineStatus::Rejected | LineStatus::Returned | LineStatus::Removed,
            answer,
        ) => {
            return Err(PaymentRunRefusal::AnswerContradicts {
                line: line.number,
                now: line.status.words(),
                says: answer.result().words(),
            });
        }
    };
    if dated < earliest {
        return Err(PaymentRunRefusal::AnswerTooEarly { line: number, from: day(earliest) });
    }
    if dated > on {
        return Err(PaymentRunRefusal::AnswerAhead { line: number });
    }
    Ok(())
}

/// What came back once does not come back again, unless the bank was wrong the first time.
fn may_come_back(line: &Line) -> bool {
    line.dispute.as_ref().is_none_or(|dispute| dispute.finding == Some(ReturnFinding::BankWasWrong))
}

/// What the bank’s answer makes of a line. Money that came back before the bank ever said it was paid was never
/// spent: that line is rejected.
fn answered(line: &Line, answer: BankAnswer) -> PaymentRunEvent {
    let (number, amount) = (line.number, line.amount);
    match answer {
        BankAnswer::Paid { value_date } => {
            PaymentRunEvent::LineConfirmed { line: number, amount, value_date }
        }
        BankAnswer::Returned { value_date, bank_code } if line.status == LineStatus::Confirmed => {
            PaymentRunEvent::LineReturned { line: number, amount, value_date, bank_code }
        }
        BankAnswer::Rejected { bank_code } | BankAnswer::Returned { bank_code, .. } => {
            PaymentRunEvent::LineRejected { line: number, amount, bank_code }
        }
    }
}
