//! Recovery: money that was paid and is asked back, what came of it, and what is given up.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Grant, GrantEvent, GrantRefusal, GrantStatus};
use crate::domain::Circumstances;
use crate::domain::calendar::Date;
use crate::domain::identity::{PersonId, RecoveryId};
use crate::domain::money::{Money, pounds};

codes! {
    /// Why money that was paid is asked back.
    pub enum RecoveryGround {
        "underspend" => Underspend, "not all of it was spent";
        "other_use" => OtherUse, "it was used for something else";
        "work_not_done" => WorkNotDone, "the work was not done";
        "terms_broken" => TermsBroken, "the terms were not kept";
        "paid_in_error" => PaidInError, "it was paid in error";
    }
}

/// What can be asked about recoveries.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum RecoveryCommand {
    Demand { recovery: RecoveryId, ground: RecoveryGround, amount: Money },
    Receive { recovery: RecoveryId, amount: Money, value_date: Date },
    WriteOff { recovery: RecoveryId, amount: Money },
    UndoWriteOff { recovery: RecoveryId, amount: Money },
}

#[derive(Debug, Clone)]
struct Demand {
    by: PersonId,
    demanded: Decimal,
    received: Decimal,
    written_off: Decimal,
}

impl Demand {
    fn left(&self) -> Decimal {
        self.demanded - self.received - self.written_off
    }
}

/// The demands for money back.
#[derive(Debug, Clone, Default)]
pub(super) struct Recoveries(BTreeMap<RecoveryId, Demand>);

impl Recoveries {
    pub(super) fn demanded(&mut self, id: RecoveryId, by: PersonId, amount: Money) {
        let none = Decimal::ZERO;
        self.0.insert(id, Demand { by, demanded: amount.pounds(), received: none, written_off: none });
    }

    pub(super) fn took(&mut self, id: RecoveryId, amount: Money) {
        if let Some(demand) = self.0.get_mut(&id) {
            demand.received += amount.pounds();
        }
    }

    pub(super) fn gave_up(&mut self, id: RecoveryId, amount: Money) {
        if let Some(demand) = self.0.get_mut(&id) {
            demand.written_off += amount.pounds();
        }
    }

    pub(super) fn asks_again(&mut self, id: RecoveryId, amount: Money) {
        if let Some(demand) = self.0.get_mut(&id) {
            demand.written_off -= amount.pounds();
        }
    }

    pub(super) fn reduced(&mut self, id: RecoveryId, amount: Money) {
        if let Some(demand) = self.0.get_mut(&id) {
            demand.demanded -= amount.pounds();
        }
    }

    fn find(&self, id: RecoveryId) -> Result<&Demand, GrantRefusal> {
        self.0.get(&id).ok_or(GrantRefusal::RecoveryUnknown)
    }

    /// All that was asked back.
    pub(super) fn total(&self) -> Decimal {
        self.0.values().map(|demand| demand.demanded).sum()
    }

    /// All that came back.
    pub(super) fn received(&self) -> Decimal {
        self.0.values().map(|demand| demand.received).sum()
    }

    /// A grant is closed when every demand is settled.
    pub(super) fn must_be_settled(&self) -> Result<(), GrantRefusal> {
        let left: Decimal = self.0.values().map(Demand::left).sum();
        if left.is_zero() { Ok(()) } else { Err(GrantRefusal::DemandsOpen { left: pounds(left) }) }
    }
}

impl Grant {
    /// What was paid and has not come back from the bank, in pounds.
    #[must_use]
    pub fn paid(&self) -> Decimal {
        self.instalments
            .iter()
            .filter(|one| one.pay == super::Pay::Paid)
            .map(|one| one.plan.amount.pounds())
            .sum()
    }

    /// What was asked back of what was paid, in pounds: a payment may not be undone below it.
    #[must_use]
    pub fn demanded(&self) -> Decimal {
        self.recoveries.total()
    }

    /// Money that is asked for after the end has to be settled: the grant closes once more.
    pub(super) fn opened_again(&mut self) {
        if self.status == GrantStatus::Closed {
            self.status = GrantStatus::Closing;
        }
    }

    /// How much of a payment the partner has repaid already, where the bank says that it came back as well: with
    /// `since`, what else of the grant the same answer pays, less what it gives back. None where the bank’s word can be
    /// taken.
    #[must_use]
    pub fn repaid_of(&self, returned: Money, since: Decimal) -> Option<Money> {
        Money::some(self.recoveries.received() - (self.paid() + since - returned.pounds()))
    }

    /// What a payment that comes back means for what is asked back: no more can be asked back than stays paid, so as
    /// much less is, of what is still open first, then of what was given up: that has come after all. What the partner
    /// repaid cannot be undone by it.
    pub(super) fn demands_less(&self, returned: Money) -> Result<Vec<GrantEvent>, GrantRefusal> {
        let mut over = self.demanded() - (self.paid() - returned.pounds());
        let mut reduced = Vec::new();
        for (recovery, demand) in &self.recoveries.0 {
            if let Some(amount) = Money::some(over.min(demand.left())) {
                over -= amount.pounds();
                reduced.push(GrantEvent::RecoveryReduced { recovery: *recovery, amount });
            }
        }
        for (recovery, demand) in &self.recoveries.0 {
            if let Some(amount) = Money::some(over.min(demand.written_off)) {
                over -= amount.pounds();
                reduced.push(GrantEvent::WriteOffUndone { recovery: *recovery, amount });
                reduced.push(GrantEvent::RecoveryReduced { recovery: *recovery, amount });
            }
        }
        if over > Decimal::ZERO {
            return Err(GrantRefusal::ReturnedAfterSettled { settled: pounds(over) });
        }
        Ok(reduced)
    }

    /// What follows for the recoveries of the grant.
    pub(super) fn recover(
        &self,
        command: RecoveryCommand,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        use GrantStatus::{Active, Closed, Closing, Suspended, Terminated};
        // Whoever asks for money after the end opens the case again: it is closed once more when that is settled.
        let opens = matches!(command, RecoveryCommand::Demand { .. } | RecoveryCommand::UndoWriteOff { .. });
        if !(opens && self.status == Closed) {
            let running = [Active, Closing, Suspended, Terminated];
            self.must_be_among(&running, "running, suspended or terminated")?;
        }
        match command {
            RecoveryCommand::Demand { recovery, ground, amount } => {
                let left = self.paid() - self.demanded();
                if amount.pounds() > left {
                    return Err(GrantRefusal::DemandExceedsPaid { left: pounds(left), asked: amount });
                }
                let demanded_by = at.actor.person;
                Ok(GrantEvent::RecoveryDemanded { recovery, ground, amount, demanded_by })
            }
            RecoveryCommand::Receive { recovery, amount, value_date } => {
                self.within_demand(recovery, amount)?;
                if value_date > at.on {
                    return Err(GrantRefusal::PaidInFuture);
                }
                Ok(GrantEvent::RecoveryReceived { recovery, amount, value_date })
            }
            RecoveryCommand::WriteOff { recovery, amount } => {
                if self.within_demand(recovery, amount)?.by == at.actor.person {
                    return Err(GrantRefusal::DemanderWritesOff);
                }
                Ok(GrantEvent::RecoveryWrittenOff { recovery, amount })
            }
            RecoveryCommand::UndoWriteOff { recovery, amount } => {
                let given_up = self.recoveries.find(recovery)?.written_off;
                if amount.pounds() > given_up {
                    return Err(GrantRefusal::ExceedsWriteOff { left: pounds(given_up), asked: amount });
                }
                Ok(GrantEvent::WriteOffUndone { recovery, amount })
            }
        }
    }

    fn within_demand(&self, recovery: RecoveryId, amount: Money) -> Result<&Demand, GrantRefusal> {
        let demand = self.recoveries.find(recovery)?;
        let left = demand.left();
        if amount.pounds() > left {
            return Err(GrantRefusal::ExceedsDemand { left: pounds(left), asked: amount });
        }
        Ok(demand)
    }
}
