//! A payment run: instalments that leave together in one file for the bank. It owns that what is exported is what
//! was approved, by three different persons, and that every line has one answer of the bank.

mod commands;
mod decisions;
mod events;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{Date, day};
use super::identity::{GrantId, Hash, InstalmentId, PartnerId, PersonId, Reference};
use super::money::{Money, Pence};
use super::places::listed;
use super::text::Text;
use super::{Aggregate, Circumstances};

pub use commands::{
    BankAnswer, BankLine, Matched, PaymentRunCommand, PaymentRunRefusal, Persons, Remittance, Unpayable,
};
pub use events::{BankResult, PaymentRunEvent, ReturnFinding, Tally};

/// The most lines a run has: it is recorded in one decision, and a line has three digits in the bank’s reference.
pub const MOST_LINES: u32 = 999;

codes! {
    /// Where a payment run stands.
    pub enum RunStatus {
        "none" => None, "not on the record";
        "open" => Open, "open";
        "approved" => Approved, "approved";
        "released" => Released, "released";
        "exported" => Exported, "exported";
        "reconciled" => Reconciled, "reconciled";
        "voided" => Voided, "voided";
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that lists codes derives no default")]
impl Default for RunStatus {
    fn default() -> Self {
        Self::None
    }
}

codes! {
    /// What became of a line of a payment run.
    pub enum LineStatus {
        "pending" => Pending, "waiting for the bank’s answer";
        "confirmed" => Confirmed, "paid";
        "rejected" => Rejected, "rejected: the money never left";
        "returned" => Returned, "returned: the money came back";
        "removed" => Removed, "taken out before the run was approved";
    }
}

/// One payment of a run, as it was fixed when it was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u32,
    /// The grant.
    pub grant: GrantId,
    /// The human reference of the grant.
    pub grant_reference: Reference,
    /// The instalment.
    pub instalment: InstalmentId,
    /// Who is paid.
    pub partner: PartnerId,
    /// GBP.
    pub amount: Money,
    /// The version of the bank details it goes to.
    pub bank_version: u32,
    /// What became of it.
    pub status: LineStatus,
    /// The day the bank paid it.
    pub paid_on: Option<Date>,
    /// The day the bank gave it back.
    pub returned_on: Option<Date>,
    /// The bank’s code, where it was rejected or returned.
    pub bank_code: Option<Text<20>>,
    /// That the bank says it came back, though the partner had repaid it.
    pub dispute: Option<Dispute>,
}

/// That the bank says a line came back which the partner had repaid, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The day the bank says it gave it back.
    pub value_date: Date,
    /// The bank’s code for why.
    pub bank_code: Text<20>,
    /// Who loaded the bank’s answer.
    pub noted_by: PersonId,
    /// What people found out, once they have.
    pub finding: Option<ReturnFinding>,
}

/// A payment run as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct PaymentRun {
    status: RunStatus,
    opened: Option<(Reference, Date)>,
    makers: BTreeSet<PersonId>,
    approver: Option<PersonId>,
    lines: BTreeMap<u32, Line>,
    file: Option<(u32, Hash)>,
}

impl PaymentRun {
    /// Where the run stands.
    #[must_use]
    pub const fn status(&self) -> RunStatus {
        self.status
    }

    /// Its human reference, and the day on which the bank is to pay.
    ///
    /// # Errors
    /// `payment_run.unknown`.
    pub fn opened(&self) -> Result<(&Reference, Date), PaymentRunRefusal> {
        self.opened.as_ref().map(|(reference, pay_on)| (reference, *pay_on)).ok_or(PaymentRunRefusal::Unknown)
    }

    /// The lines that are in the run, in order of their numbers.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.values().filter(|line| line.status != LineStatus::Removed)
    }

    /// The line with a number.
    ///
    /// # Errors
    /// `payment_run.line_unknown`.
    pub fn line(&self, number: u32) -> Result<&Line, PaymentRunRefusal> {
        let line = self.lines.get(&number).filter(|line| line.status != LineStatus::Removed);
        line.ok_or(PaymentRunRefusal::LineUnknown { line: number })
    }

    /// The number the next line would have.
    #[must_use]
    pub fn next_line(&self) -> u32 {
        self.lines.keys().next_back().map_or(1, |last| last + 1)
    }

    /// The version of the file’s form and its SHA-256, once it was made.
    #[must_use]
    pub fn file(&self) -> Option<(u32, &Hash)> {
        self.file.as_ref().map(|(format, sha256)| (*format, sha256))
    }

    /// What the lines come to.
    #[must_use]
    pub fn control_total(&self) -> Pence {
        Pence::of(self.lines().map(|line| line.amount))
    }

    /// How many lines stand so, and what they come to.
    #[must_use]
    pub fn tally(&self, status: LineStatus) -> Tally {
        let lines = || self.lines.values().filter(|line| line.status == status);
        Tally {
            lines: u32::try_from(lines().count()).unwrap_or(u32::MAX),
            pence: Pence::of(lines().map(|line| line.amount)),
        }
    }

    /// Whether a file for the bank may be given out today: made for the first time, or again.
    ///
    /// # Errors
    /// Before the release, after a void, or when the day of payment has gone by before the file was made.
    pub fn may_be_exported(&self, today: Date) -> Result<(), PaymentRunRefusal> {
        match self.status {
            RunStatus::Exported | RunStatus::Reconciled => Ok(()),
            RunStatus::Released => self.in_time(today),
            RunStatus::None | RunStatus::Open | RunStatus::Approved | RunStatus::Voided => {
                Err(self.wrong_stage("released"))
            }
        }
    }

    fn must_be(&self, status: RunStatus) -> Result<(), PaymentRunRefusal> {
        if self.status == status { Ok(()) } else { Err(self.wrong_stage(status.words())) }
    }

    fn wrong_stage(&self, wanted: &'static str) -> PaymentRunRefusal {
        if self.status == RunStatus::None {
            return PaymentRunRefusal::Unknown;
        }
        PaymentRunRefusal::WrongStage { now: self.status.words(), wanted }
    }

    fn in_time(&self, today: Date) -> Result<(), PaymentRunRefusal> {
        let (_, pay_on) = self.opened()?;
        if today > pay_on { Err(PaymentRunRefusal::DayGoneBy { on: day(pay_on) }) } else { Ok(()) }
    }

    fn set(&mut self, number: u32, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines.get_mut(&number) {
            change(line);
        }
    }
}

impl Aggregate for PaymentRun {
    const TYPE: &'static str = "payment_run";
    type Command = PaymentRunCommand;
    type Event = PaymentRunEvent;
    type Refusal = PaymentRunRefusal;

    fn decide(
        &self,
        command: PaymentRunCommand,
        at: &Circumstances,
    ) -> Result<Vec<PaymentRunEvent>, PaymentRunRefusal> {
        self.guard(command, at)
    }

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each event")]
    fn evolve(&mut self, event: &PaymentRunEvent) {
        match event {
            PaymentRunEvent::Opened { reference, pay_on, opened_by, .. } => {
                self.status = RunStatus::Open;
                self.opened = Some((reference.clone(), *pay_on));
                self.makers.insert(*opened_by);
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
            } => {
                self.makers.insert(*added_by);
                let added = Line {
                    number: *line,
                    grant: *grant,
                    grant_reference: grant_reference.clone(),
                    instalment: *instalment,
                    partner: *partner,
                    amount: *amount,
                    bank_version: *bank_version,
                    status: LineStatus::Pending,
                    paid_on: None,
                    returned_on: None,
                    bank_code: None,
                    dispute: None,
                };
                self.lines.insert(*line, added);
            }
            PaymentRunEvent::LineRemoved { line } => self.set(*line, |one| one.status = LineStatus::Removed),
            PaymentRunEvent::Approved { approver } => {
                self.status = RunStatus::Approved;
                self.approver = Some(*approver);
            }
            PaymentRunEvent::Released { .. } => self.status = RunStatus::Released,
            PaymentRunEvent::FileExported { format, sha256, .. } => {
                self.status = RunStatus::Exported;
                self.file = Some((*format, sha256.clone()));
            }
            PaymentRunEvent::FileGivenAgain { .. } | PaymentRunEvent::RemittanceLoaded { .. } => {}
            PaymentRunEvent::LineConfirmed { line, value_date, .. } => self.set(*line, |one| {
                one.status = LineStatus::Confirmed;
                one.paid_on = Some(*value_date);
            }),
            PaymentRunEvent::LineRejected { line, bank_code, .. } => self.set(*line, |one| {
                one.status = LineStatus::Rejected;
                one.bank_code = Some(bank_code.clone());
            }),
            PaymentRunEvent::LineReturned { line, value_date, bank_code, .. } => self.set(*line, |one| {
                one.status = LineStatus::Returned;
                one.returned_on = Some(*value_date);
                one.bank_code = Some(bank_code.clone());
            }),
            PaymentRunEvent::ReturnDisputed { line, value_date, bank_code, noted_by, .. } => {
                let (value_date, noted_by, bank_code) = (*value_date, *noted_by, bank_code.clone());
                self.set(*line, |one| {
                    one.dispute = Some(Dispute { value_date, bank_code, noted_by, finding: None });
                });
            }
            PaymentRunEvent::DisputeSettled { line, finding, .. } => self.set(*line, |one| {
                if let Some(dispute) = &mut one.dispute {
                    dispute.finding = Some(*finding);
                }
            }),
            PaymentRunEvent::Reconciled { .. } => self.status = RunStatus::Reconciled,
            PaymentRunEvent::Voided {} => self.status = RunStatus::Voided,
        }
    }
}

/// The numbers of lines, for people: `lines 2 and 5`.
fn numbered(lines: impl IntoIterator<Item = u32>) -> String {
    let numbers: Vec<String> = lines.into_iter().map(|line| line.to_string()).collect();
    let words = if numbers.len() == 1 { "line" } else { "lines" };
    format!("{words} {}", listed(numbers.iter().map(String::as_str)))
}

#[cfg(test)]
mod tests;
