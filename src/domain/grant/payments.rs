//! The payments of a grant: each instalment is in at most one payment run at a time, and one whose payment bounced is
//! closed, with a new one in its place.

use std::collections::BTreeSet;

use super::{Grant, GrantEvent, GrantRefusal, GrantStatus, Instalment, Pay, PlannedInstalment};
use crate::domain::Circumstances;
use crate::domain::calendar::{Date, day};
use crate::domain::identity::{InstalmentId, PersonId, RunId};
use crate::domain::money::Money;
use crate::domain::text::Text;

codes! {
    /// Why an instalment is no longer in a payment run.
    pub enum RunExit {
        "removed" => Removed, "its line was taken out of the run";
        "voided" => Voided, "the run was given up";
    }
}

/// A line of a payment run that an instalment is paid by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLine {
    /// The instalment.
    pub instalment: InstalmentId,
    /// The run.
    pub run: RunId,
    /// The number of the line.
    pub line: u32,
}

impl Grant {
    /// Whoever recommended or approved the grant, or authorised one of its instalments to be paid: none of them
    /// releases a run that the instalment is in.
    #[must_use]
    pub fn deciders(&self, instalment: InstalmentId) -> BTreeSet<PersonId> {
        let authorised = self.instalment(instalment).ok().and_then(|one| match one.pay {
            Pay::Authorised { by, .. } => Some(by),
            Pay::Planned | Pay::Paid | Pay::Closed => None,
        });
        self.proposers.iter().chain(&self.approvers).copied().chain(authorised).collect()
    }

    /// Whoever declared a conflict of interest.
    #[must_use]
    pub const fn conflicted(&self) -> &BTreeSet<PersonId> {
        &self.conflicted
    }

    /// Whether any instalment waits in a payment run for the bank.
    #[must_use]
    pub fn has_live_run_line(&self) -> bool {
        self.instalments.iter().any(Instalment::is_in_live_run)
    }

    /// Whether an instalment may still be paid by the line it is in.
    ///
    /// # Errors
    /// When the grant does not run, or the instalment is not authorised or not in that line.
    pub fn payable_by(&self, line: RunLine) -> Result<(), GrantRefusal> {
        self.must_run()?;
        self.authorised_in(line).map(drop)
    }

    /// An instalment in a line of a run, waiting for the bank; who authorised it, and from which day it may be paid.
    fn authorised_in(&self, line: RunLine) -> Result<(&Instalment, PersonId, Date), GrantRefusal> {
        let one = self.in_line(line)?;
        match one.pay {
            Pay::Authorised { by, pay_on, .. } => Ok((one, by, pay_on)),
            Pay::Planned | Pay::Paid | Pay::Closed => Err(GrantRefusal::InstalmentNotAuthorised),
        }
    }

    fn in_line(&self, line: RunLine) -> Result<&Instalment, GrantRefusal> {
        let one = self.instalment(line.instalment)?;
        if one.run == Some((line.run, line.line)) { Ok(one) } else { Err(GrantRefusal::NotInLine) }
    }

    /// The guard against paying twice: whatever runs there are, it is this stream that says which one has it.
    pub(super) fn put_in_run(&self, line: RunLine, pay_on: Date) -> Result<GrantEvent, GrantRefusal> {
        self.must_run()?;
        let one = self.instalment(line.instalment)?;
        let Pay::Authorised { pay_on: from, .. } = one.pay else {
            return Err(GrantRefusal::InstalmentNotAuthorised);
        };
        if one.run.is_some() {
            return Err(GrantRefusal::AlreadyInRun);
        }
        if pay_on < from {
            return Err(GrantRefusal::RunPaysEarly { from: day(from) });
        }
        let RunLine { instalment, run, line } = line;
        Ok(GrantEvent::InstalmentPutInRun { instalment, run, line })
    }

    pub(super) fn take_from_run(&self, line: RunLine, cause: RunExit) -> Result<GrantEvent, GrantRefusal> {
        self.authorised_in(line)?;
        let RunLine { instalment, run, line } = line;
        Ok(GrantEvent::InstalmentTakenFromRun { instalment, run, line, cause })
    }

    /// What the bank did has happened, whatever became of the partner's checks or the grant since the run was
    /// released: those were looked at then.
    pub(super) fn confirm_in_run(
        &self,
        line: RunLine,
        (amount, value_date): (Money, Date),
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        let (one, by, from) = self.authorised_in(line)?;
        not_by(by, at)?;
        if amount != one.plan.amount {
            return Err(GrantRefusal::PaymentDiffers { authorised: one.plan.amount, paid: amount });
        }
        dated(value_date, from, at)?;
        let (run, number) = (Some(line.run.0), Some(line.line));
        Ok(GrantEvent::PaymentConfirmed {
            instalment: line.instalment,
            amount,
            value_date,
            run,
            line: number,
        })
    }

    pub(super) fn reject_in_run(
        &self,
        line: RunLine,
        (bank_code, replacement): (Text<20>, InstalmentId),
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        let (one, by, _) = self.authorised_in(line)?;
        not_by(by, at)?;
        let (amount, replacement) = (one.plan.amount, self.in_its_place(one, replacement)?);
        let RunLine { instalment, run, line } = line;
        Ok(GrantEvent::PaymentRejected { instalment, run, line, amount, bank_code, replacement })
    }

    pub(super) fn return_in_run(
        &self,
        line: RunLine,
        (value_date, bank_code): (Date, Text<20>),
        replacement: InstalmentId,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        let one = self.in_line(line)?;
        if one.pay != Pay::Paid {
            return Err(GrantRefusal::NotPaid);
        }
        if value_date > at.on {
            return Err(GrantRefusal::PaidInFuture);
        }
        let (amount, replacement) = (one.plan.amount, self.in_its_place(one, replacement)?);
        let (run, instalment, line) = (Some(line.run), line.instalment, Some(line.line));
        Ok(GrantEvent::PaymentReturned { instalment, run, line, amount, value_date, bank_code, replacement })
    }

    /// A payment that was made by hand, and came back.
    pub(super) fn return_by_hand(
        &self,
        instalment: InstalmentId,
        (value_date, bank_code): (Date, Text<20>),
        replacement: InstalmentId,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        let one = self.instalment(instalment)?;
        if one.pay != Pay::Paid {
            return Err(GrantRefusal::NotPaid);
        }
        if one.run.is_some() {
            return Err(GrantRefusal::ReturnedThroughRun);
        }
        if value_date > at.on {
            return Err(GrantRefusal::PaidInFuture);
        }
        let (amount, replacement) = (one.plan.amount, self.in_its_place(one, replacement)?);
        let (run, line) = (None, None);
        Ok(GrantEvent::PaymentReturned { instalment, run, line, amount, value_date, bank_code, replacement })
    }

    /// Also while the grant is suspended: what is not on its way any more lets nothing out.
    pub(super) fn withdraw_authorisation(
        &self,
        instalment: InstalmentId,
        withdrawn_by: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_unended()?;
        let one = self.instalment(instalment)?;
        if one.is_in_live_run() {
            return Err(GrantRefusal::TakeOutOfRunFirst);
        }
        if !matches!(one.pay, Pay::Authorised { .. }) {
            return Err(GrantRefusal::InstalmentNotAuthorised);
        }
        Ok(GrantEvent::InstalmentAuthorisationWithdrawn { instalment, withdrawn_by })
    }

    /// The new instalment for one whose payment bounced: the same money of the same year. What it waited for was met
    /// or waived before it was authorised, so it waits for nothing but a new authorisation.
    fn in_its_place(&self, one: &Instalment, id: InstalmentId) -> Result<PlannedInstalment, GrantRefusal> {
        if self.instalments.iter().any(|known| known.plan.id == id) {
            return Err(GrantRefusal::InstalmentTwice);
        }
        Ok(PlannedInstalment { id, conditions: Vec::new(), ..one.plan.clone() })
    }

    /// What happens to the instalments of a grant, from their authorisation on.
    pub(super) fn take_payment(&mut self, event: &GrantEvent) {
        if let GrantEvent::InstalmentAuthorised {
            instalment,
            authorised_by: by,
            pay_on,
            checks_valid_until,
            ..
        } = event
        {
            let (by, pay_on, checks_valid_until) = (*by, *pay_on, *checks_valid_until);
            self.set_pay(*instalment, Pay::Authorised { by, pay_on, checks_valid_until });
        } else if let GrantEvent::InstalmentAuthorisationWithdrawn { instalment, .. } = event {
            self.set_pay(*instalment, Pay::Planned);
        } else if let GrantEvent::PaymentConfirmed { instalment, .. } = event {
            self.set_pay(*instalment, Pay::Paid);
        } else if let GrantEvent::InstalmentPutInRun { instalment, run, line } = event {
            self.set_run(*instalment, Some((*run, *line)));
        } else if let GrantEvent::InstalmentTakenFromRun { instalment, .. } = event {
            self.set_run(*instalment, None);
        } else if let GrantEvent::PaymentRejected { instalment, replacement, .. }
        | GrantEvent::PaymentReturned { instalment, replacement, .. } = event
        {
            self.set_pay(*instalment, Pay::Closed);
            self.instalments.push(Instalment::planned(replacement.clone()));
            // Money that comes back after the end has to be paid again or released: the grant closes once more.
            if matches!(self.status, GrantStatus::Closed | GrantStatus::Terminated) {
                self.status = GrantStatus::Closing;
            }
        }
    }

    fn set_run(&mut self, id: InstalmentId, run: Option<(RunId, u32)>) {
        if let Some(one) = self.instalments.iter_mut().find(|one| one.plan.id == id) {
            one.run = run;
        }
    }
}

impl Instalment {
    /// In a run that the bank has not answered for.
    pub(super) fn is_in_live_run(&self) -> bool {
        self.run.is_some() && matches!(self.pay, Pay::Authorised { .. })
    }
}

fn not_by(authorised_by: PersonId, at: &Circumstances) -> Result<(), GrantRefusal> {
    if authorised_by == at.actor.person { Err(GrantRefusal::PayerAuthorised) } else { Ok(()) }
}

fn dated(value_date: Date, from: Date, at: &Circumstances) -> Result<(), GrantRefusal> {
    if value_date > at.on {
        return Err(GrantRefusal::PaidInFuture);
    }
    if value_date < from {
        return Err(GrantRefusal::PaidBeforeAuthorised { from: day(from) });
    }
    Ok(())
}
