//! What can be asked of a payment run, and why it can be turned down.

use std::collections::{BTreeMap, BTreeSet};

use super::{BankResult, Line, ReturnFinding};
use crate::domain::calendar::Date;
use crate::domain::identity::{GrantId, Hash, InstalmentId, PartnerId, PersonId, Reference};
use crate::domain::money::{Money, Pence};
use crate::domain::text::Text;

/// A line that may not be paid on the day of the run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpayable {
    /// The number of the line.
    pub line: u32,
    /// What stands against it, as a sentence.
    pub why: String,
}

/// Who may not approve or release a run, as the grants in it have it.
#[derive(Debug, Clone, Default)]
pub struct Persons {
    /// Whoever recommended or approved a grant, or authorised an instalment, that is in the run.
    pub deciders: BTreeSet<PersonId>,
    /// Whoever declared a conflict of interest on a grant that is in the run.
    pub conflicted: BTreeSet<PersonId>,
}

/// What a bank says became of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BankAnswer {
    /// It was paid.
    Paid {
        /// The day the bank paid it.
        value_date: Date,
    },
    /// The money never left.
    Rejected {
        /// The bank’s code for why.
        bank_code: Text<20>,
    },
    /// The money came back.
    Returned {
        /// The day the bank gave it back.
        value_date: Date,
        /// The bank’s code for why.
        bank_code: Text<20>,
    },
}

impl BankAnswer {
    /// The answer in one word.
    #[must_use]
    pub const fn result(&self) -> BankResult {
        match self {
            Self::Paid { .. } => BankResult::Paid,
            Self::Rejected { .. } => BankResult::Rejected,
            Self::Returned { .. } => BankResult::Returned,
        }
    }
}

/// One line of a bank’s answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankLine {
    /// The run it names, as the file for the bank named it.
    pub run: String,
    /// The line of the run it names.
    pub line: u32,
    /// GBP.
    pub amount: Money,
    /// What became of it.
    pub answer: BankAnswer,
}

/// A bank’s answer, as it was read from its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remittance {
    /// The SHA-256 of the file.
    pub sha256: Hash,
    /// Its lines; no run and line twice.
    pub lines: Vec<BankLine>,
    /// What they come to.
    pub control_total: Pence,
}

/// A bank’s answer held against a run, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// Lines of both, which the record does not say yet.
    pub new: Vec<(Line, BankAnswer)>,
    /// How much of which of these lines the partner had repaid, though the bank says it came back.
    pub disputed: BTreeMap<u32, Money>,
    /// Lines of both, recorded so before.
    pub already: Vec<u32>,
    /// Lines of the file that the run does not have.
    pub not_in_run: Vec<BankLine>,
    /// Lines of the run that wait for an answer and are not in the file.
    pub not_in_file: Vec<u32>,
}

/// What can be asked of a payment run. What it needs to know of other streams comes with the command.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum PaymentRunCommand {
    Open {
        reference: Reference,
        title: Text<200>,
        pay_on: Date,
    },
    /// With the bank details that may be paid to on the day of the run.
    AddLine {
        grant: GrantId,
        grant_reference: Reference,
        instalment: InstalmentId,
        partner: PartnerId,
        amount: Money,
        bank_version: u32,
    },
    RemoveLine {
        line: u32,
    },
    Approve {
        persons: Persons,
    },
    /// With what stands against each line on the day of payment.
    Release {
        persons: Persons,
        unpayable: Vec<Unpayable>,
    },
    /// With the file as it was made, and what stands against each line on the day of payment.
    Export {
        format: u32,
        lines: u32,
        control_total: Pence,
        sha256: Hash,
        unpayable: Vec<Unpayable>,
    },
    /// With the file as it was made again.
    GiveAgain {
        sha256: Hash,
    },
    /// With how much of which line that came back the partner had repaid.
    TakeRemittance {
        remittance: Remittance,
        repaid: BTreeMap<u32, Money>,
    },
    SettleDispute {
        line: u32,
        finding: ReturnFinding,
        persons: Persons,
    },
    Reconcile,
    Void,
}

refusals! {
    /// Why something asked of a payment run was turned down.
    pub enum PaymentRunRefusal {
        "payment_run.unknown" => Unknown, "There is no payment run with this id.";
        "payment_run.already_open" => AlreadyOpen, "This payment run is already open.";
        "payment_run.wrong_stage" => WrongStage { now: &'static str, wanted: &'static str }, "This payment run is {now}; that can only be done while it is {wanted}.";
        "payment_run.day_gone_by" => DayGoneBy { on: String }, "The day of payment, {on}, has gone by: void this run if it is not exported yet, and make another for a day that lies ahead.";
        "payment_run.too_many_lines" => TooManyLines { most: u32 }, "A payment run has at most {most} lines: make another run for the rest.";
        "payment_run.line_unknown" => LineUnknown { line: u32 }, "This payment run has no line {line}.";
        "payment_run.empty" => Empty, "There is no line in this payment run: add what is to be paid, or void the run.";
        "payment_run.approver_made_it" => ApproverMadeIt, "Whoever opened a payment run or added a line to it cannot approve it: somebody else must.";
        "payment_run.releaser_made_it" => ReleaserMadeIt, "Whoever opened a payment run or added a line to it cannot release it: a third person must.";
        "payment_run.releaser_approved_it" => ReleaserApprovedIt, "Whoever approved a payment run cannot release it: a third person must.";
        "payment_run.releaser_decided" => ReleaserDecided, "You recommended or approved a grant in this run, or authorised a payment in it: somebody who did neither must release it.";
        "payment_run.conflicted" => Conflicted, "You have a conflict of interest on a grant in this run: somebody else must do this.";
        "payment_run.lines_not_payable" => LinesNotPayable { lines: String }, "Not every line may be paid on the day of this run. {lines} Void this run and make another without what may not be paid.";
        "payment_run.file_differs" => FileDiffers, "The file made now is not the one this run stands for. Do not send it to the bank; tell whoever looks after the server.";
        "payment_run.other_run" => OtherRun { found: String, run: String }, "The file speaks of run {found}, and this is {run}: nothing was recorded. Load it for the run it belongs to.";
        "payment_run.answer_unmatched" => AnswerUnmatched { lines: String }, "The file names {lines}, which this run does not have: nothing was recorded. Ask the bank what it belongs to.";
        "payment_run.answer_amount_differs" => AnswerAmountDiffers { line: u32, exported: Money, found: Money }, "The file has {found} for line {line}, and {exported} was sent to the bank: nothing was recorded. Ask the bank.";
        "payment_run.answer_too_early" => AnswerTooEarly { line: u32, from: String }, "The file dates line {line} before {from}, when it was to be paid: nothing was recorded. Ask the bank.";
        "payment_run.answer_ahead" => AnswerAhead { line: u32 }, "The file dates line {line} later than the day it is recorded for: nothing was recorded. Load it when that day has come.";
        "payment_run.answer_contradicts" => AnswerContradicts { line: u32, now: &'static str, says: &'static str }, "Line {line} is on the record as {now}, and the file now says {says}, or another day or code: nothing was recorded. Ask the bank which is right.";
        "payment_run.nothing_new" => NothingNew, "Everything in this file is on the record already: nothing was changed.";
        "payment_run.not_disputed" => NotDisputed { line: u32 }, "Nothing is to be settled about line {line}: what the bank says of it is on the record.";
        "payment_run.settler_loaded" => SettlerLoaded, "Whoever loaded the bank’s answer cannot settle what is odd about it: somebody else must.";
        "payment_run.returns_disputed" => ReturnsDisputed { lines: String }, "The bank says that {lines} came back, and the partner had repaid it: find out which is right and settle that first.";
        "payment_run.lines_pending" => LinesPending { lines: String }, "The bank has not answered for {lines}: load its answer first.";
    }
}
