//! What can have happened to a payment run, and the words for it.

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{Date, day};
use crate::domain::identity::{GrantId, Hash, InstalmentId, PartnerId, PersonId, Reference};
use crate::domain::money::{Money, Pence};
use crate::domain::text::Text;

codes! {
    /// What a bank says became of a payment.
    pub enum BankResult {
        "paid" => Paid, "paid";
        "rejected" => Rejected, "rejected: the money never left";
        "returned" => Returned, "returned: the money came back";
    }
}

codes! {
    /// What was found out about a payment that the bank says came back, though the partner had repaid it.
    pub enum ReturnFinding {
        "came_back" => CameBack, "it did come back, and what the partner had repaid was given back to it";
        "bank_was_wrong" => BankWasWrong, "it did not come back: the bank was wrong";
    }
}

/// How many lines of a run ended in one way, and what they come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// How many lines.
    pub lines: u32,
    /// What they come to, in pence.
    pub pence: Pence,
}

events! {
    /// What can have happened to a payment run.
    pub enum PaymentRunEvent in "payment_run" {
        /// A run of payments was opened for a day.
        "payment_run.opened", 1 => Opened {
            /// Its human reference, given once.
            reference: Reference,
            /// What it is called.
            title: Text<200>,
            /// The day on which the bank is to pay.
            pay_on: Date,
            /// Who opened it.
            opened_by: PersonId,
        },
        /// An authorised instalment was put in the run; amount and bank details are fixed from now on.
        "payment_run.line_added", 1 => LineAdded {
            /// The number of the line, from 1, never used again in the run.
            line: u32,
            /// The grant.
            grant: GrantId,
            /// The human reference of the grant.
            grant_reference: Reference,
            /// The instalment.
            instalment: InstalmentId,
            /// Who is paid: the lead partner.
            partner: PartnerId,
            /// GBP.
            amount: Money,
            /// The version of the partner's bank details it goes to.
            bank_version: u32,
            /// Who added it.
            added_by: PersonId,
        },
        /// A line was taken out of the run before it was approved; the instalment is free again in the same moment.
        "payment_run.line_removed", 1, reason => LineRemoved {
            /// The number of the line.
            line: u32,
        },
        /// The run was approved: no line is added or removed any more.
        "payment_run.approved", 1 => Approved {
            /// Who approved.
            approver: PersonId,
        },
        /// A third person released the run, after every line was checked again for the day of payment.
        "payment_run.released", 1 => Released {
            /// Who released it.
            releaser: PersonId,
        },
        /// The file for the bank was made.
        "payment_run.file_exported", 1 => FileExported {
            /// The version of the file's form: the file is made again from the run, byte for byte.
            format: u32,
            /// How many lines it has.
            lines: u32,
            /// Its control total, in pence.
            control_total: Pence,
            /// The SHA-256 of the file.
            sha256: Hash,
        },
        /// The same file was given out again.
        "payment_run.file_given_again", 1 => FileGivenAgain {
            /// The SHA-256 of the file.
            sha256: Hash,
        },
        /// An answer of the bank was read: what it says of each line follows.
        "payment_run.remittance_loaded", 1 => RemittanceLoaded {
            /// The SHA-256 of the bank's file.
            sha256: Hash,
            /// How many lines it has.
            lines: u32,
            /// Its control total, in pence.
            control_total: Pence,
        },
        /// The bank paid a line; the grant and the fund record it in the same moment.
        "payment_run.line_confirmed", 1 => LineConfirmed {
            /// The number of the line.
            line: u32,
            /// GBP.
            amount: Money,
            /// The day the bank paid it.
            value_date: Date,
        },
        /// The bank did not pay a line: the money never left.
        "payment_run.line_rejected", 1 => LineRejected {
            /// The number of the line.
            line: u32,
            /// GBP.
            amount: Money,
            /// The bank's code for why.
            bank_code: Text<20>,
        },
        /// A line that was paid came back; the grant and the fund record it in the same moment.
        "payment_run.line_returned", 1, reason => LineReturned {
            /// The number of the line.
            line: u32,
            /// GBP.
            amount: Money,
            /// The day the bank gave it back.
            value_date: Date,
            /// The bank's code for why.
            bank_code: Text<20>,
        },
        /// The bank says that a line came back which the partner had repaid, wholly or in part: the same money cannot come
        /// back twice, so nothing is posted until people have found out which is right.
        "payment_run.return_disputed", 1, reason => ReturnDisputed {
            /// The number of the line.
            line: u32,
            /// GBP: the whole line.
            amount: Money,
            /// The day the bank says it gave it back.
            value_date: Date,
            /// The bank's code for why.
            bank_code: Text<20>,
            /// How much of it the partner had repaid, GBP.
            repaid: Money,
            /// Who loaded the bank's answer: somebody else settles it.
            noted_by: PersonId,
        },
        /// People found out what is right about a line that the bank says came back.
        "payment_run.dispute_settled", 1, reason => DisputeSettled {
            /// The number of the line.
            line: u32,
            /// What they found out.
            finding: ReturnFinding,
            /// Who settled it.
            settled_by: PersonId,
        },
        /// The bank has answered for every line, and the answers come to what was exported.
        "payment_run.reconciled", 1 => Reconciled {
            /// What was paid.
            confirmed: Tally,
            /// What never left.
            rejected: Tally,
            /// What was paid and came back.
            returned: Tally,
        },
        /// The run was given up before its file was made; its instalments are free again in the same moment.
        "payment_run.voided", 1, reason => Voided {},
    }
}

impl PaymentRunEvent {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Opened { title, pay_on, .. } => {
                format!("The payment run “{title}” was opened, to be paid on {}.", day(*pay_on))
            }
            Self::LineAdded { line, grant_reference, amount, bank_version, .. } => format!(
                "Line {line} was added: {amount} for {grant_reference}, to bank details version {bank_version}."
            ),
            Self::LineRemoved { line } => format!("Line {line} was taken out."),
            Self::Approved { .. } => "The run was approved.".into(),
            Self::Released { .. } => "The run was released for payment.".into(),
            Self::FileExported { lines, control_total, .. } => {
                format!("The file for the bank was made: {}, {control_total} in all.", counted(*lines))
            }
            Self::FileGivenAgain { .. } => "The file for the bank was given out again.".into(),
            Self::RemittanceLoaded { lines, control_total, .. } => {
                format!("The bank’s answer was read: {}, {control_total} in all.", counted(*lines))
            }
            Self::LineConfirmed { line, amount, value_date } => {
                format!("Line {line} was paid: {amount} on {}.", day(*value_date))
            }
            Self::LineRejected { line, amount, bank_code } => {
                format!("Line {line} was rejected by the bank ({bank_code}): {amount} never left.")
            }
            Self::LineReturned { line, amount, value_date, bank_code } => {
                format!("Line {line} came back on {} ({bank_code}): {amount}.", day(*value_date))
            }
            Self::ReturnDisputed { line, amount, value_date, bank_code, repaid, .. } => format!(
                "The bank says that line {line} came back on {} ({bank_code}): {amount}, of which the partner had \
                 repaid {repaid}. Nothing was posted until it is known which is right.",
                day(*value_date)
            ),
            Self::DisputeSettled { line, finding, .. } => {
                format!("What the bank says of line {line} was settled: {}.", finding.words())
            }
            Self::Reconciled { confirmed, rejected, returned } => format!(
                "The run was reconciled: {} paid, {} rejected and {} returned.",
                confirmed.pence, rejected.pence, returned.pence
            ),
            Self::Voided {} => "The run was given up before its file was made.".into(),
        }
    }
}

fn counted(lines: u32) -> String {
    if lines == 1 { "one line".into() } else { format!("{lines} lines") }
}
