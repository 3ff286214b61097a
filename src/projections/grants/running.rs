//! What becomes of a grant after it was accepted: returns, variations, suspensions, recoveries, reviews, its end.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{GrantRecord, InstalmentRecord};
use crate::domain::calendar::Date;
use crate::domain::grant::{
    AuthorityUsed, Change, FirstApproval, GrantEvent, GrantStatus, MonitoringReport, RecoveryGround, Replan,
    ReturnKind, ReturnStatus, ReturnTerms, ReviewOutcome, SuspensionGround, VariationStatus,
};
use crate::domain::identity::{PersonId, RecoveryId, ReturnId, VariationId};
use crate::domain::money::Money;

/// A return and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRecord {
    /// Its id.
    pub id: ReturnId,
    /// Which return, on what time, by when.
    pub terms: ReturnTerms,
    /// How far it has come.
    pub status: ReturnStatus,
    /// When it was last sent in.
    pub submitted_on: Option<Date>,
    /// What was reported last.
    pub report: Option<MonitoringReport>,
    /// What was asked about it last.
    pub question: Option<String>,
    /// When it was accepted or waived.
    pub settled_on: Option<Date>,
}

/// A change that was asked for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariationRecord {
    /// Its id.
    pub id: VariationId,
    /// From what to what.
    pub change: Change,
    /// What came of it.
    pub status: VariationStatus,
    /// Who asked for it.
    pub requested_by: PersonId,
    /// When.
    pub requested_on: Date,
    /// Why it is needed.
    pub justification: String,
    /// When it was decided.
    pub decided_on: Option<Date>,
    /// What the partner was told when it was refused.
    pub feedback: Option<String>,
    /// Who approved it first, where it takes two.
    pub first: Option<FirstApproval>,
    /// Who approved it, and the authority that rested on.
    pub approved: Option<(PersonId, AuthorityUsed)>,
}

/// A time for which a grant was suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspensionRecord {
    /// What for.
    pub grounds: BTreeSet<SuspensionGround>,
    /// From when.
    pub from: Date,
    /// When it was lifted.
    pub lifted_on: Option<Date>,
}

/// Money that was asked back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRecord {
    /// Its id.
    pub id: RecoveryId,
    /// What for.
    pub ground: RecoveryGround,
    /// GBP.
    pub amount: Money,
    /// When it was asked back.
    pub demanded_on: Date,
    /// What came, and when it reached the bank.
    pub received: Vec<(Money, Date)>,
    /// What was given up.
    pub written_off: Vec<Money>,
    /// What of that is asked for after all.
    pub asked_again: Vec<Money>,
    /// By how much less is asked back, because a payment came back from the bank.
    pub reduced: Vec<Money>,
}

/// What the partner said will not be spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderspendRecord {
    /// GBP.
    pub amount: Money,
    /// When it was declared.
    pub declared_on: Date,
    /// What of it was released.
    pub released: Vec<Money>,
}

/// A yearly review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRecord {
    /// What came of it.
    pub outcome: ReviewOutcome,
    /// When.
    pub on: Date,
}

/// That somebody put forward that a grant ends early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminationRecord {
    /// Who.
    pub proposed_by: PersonId,
    /// When.
    pub proposed_on: Date,
}

/// How a grant ended when it was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseRecord {
    /// What was spent in the end; none when nothing was.
    pub final_spend: Option<Money>,
    /// What came of the work.
    pub outcomes: Vec<String>,
}

impl GrantRecord {
    /// Take in what happened after the award.
    pub(super) fn take_running(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::ConditionWaived { condition, .. } = fact {
            let mut conditions = self.instalments.iter_mut().flat_map(|one| &mut one.conditions);
            if let Some(waived) = conditions.find(|one| one.id == condition) {
                waived.waived_on = Some(on);
            }
        } else if let GrantEvent::Suspended { grounds, from, .. } = fact {
            self.suspensions.push(SuspensionRecord { grounds, from, lifted_on: None });
            self.before_suspension = self.status;
            self.status = GrantStatus::Suspended;
        } else if let GrantEvent::Resumed {} = fact {
            self.status = self.before_suspension;
            self.termination = None;
            if let Some(last) = self.suspensions.last_mut() {
                last.lifted_on = Some(on);
            }
        } else if let GrantEvent::AnnualReviewCompleted { outcome } = fact {
            self.reviews.push(ReviewRecord { outcome, on });
        } else if let GrantEvent::TerminationProposed { proposed_by } = fact {
            self.termination = Some(TerminationRecord { proposed_by, proposed_on: on });
        } else if let GrantEvent::TerminationWithdrawn { .. } = fact {
            self.termination = None;
        } else if let GrantEvent::Terminated { unpaid } = fact {
            self.replan(&Replan { from: unpaid, to: Vec::new() }, on);
            self.end(GrantStatus::Terminated, on);
        } else if let GrantEvent::Closed { final_spend, outcomes } = fact {
            let outcomes = outcomes.iter().map(ToString::to_string).collect();
            self.close = Some(CloseRecord { final_spend, outcomes });
            self.end(GrantStatus::Closed, on);
        } else {
            self.take_money(fact, on);
        }
    }

    /// Money that is asked for after the end: the grant closes once more.
    fn opened_again(&mut self) {
        if self.status == GrantStatus::Closed {
            self.status = GrantStatus::Closing;
            self.ended_on = None;
        }
    }

    fn take_money(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::UnderspendDeclared { amount, .. } = fact {
            self.underspend = Some(UnderspendRecord { amount, declared_on: on, released: Vec::new() });
        } else if let GrantEvent::UnspentReleased { amount, plan } = fact {
            if let Some(underspend) = &mut self.underspend {
                underspend.released.push(amount);
            }
            self.total = self.total.and_then(|total| Money::some(total.pounds() - amount.pounds()));
            self.replan(&plan, on);
        } else if let GrantEvent::RecoveryDemanded { recovery: id, ground, amount, .. } = fact {
            let (received, written_off, asked_again) = (Vec::new(), Vec::new(), Vec::new());
            let (demanded_on, reduced) = (on, Vec::new());
            let demand = RecoveryRecord {
                id,
                ground,
                amount,
                demanded_on,
                received,
                written_off,
                asked_again,
                reduced,
            };
            self.recoveries.push(demand);
            self.opened_again();
        } else if let GrantEvent::RecoveryReceived { recovery, amount, value_date } = fact {
            if let Some(demand) = self.recoveries.iter_mut().find(|one| one.id == recovery) {
                demand.received.push((amount, value_date));
            }
        } else if let GrantEvent::RecoveryWrittenOff { recovery, amount } = fact {
            if let Some(demand) = self.recoveries.iter_mut().find(|one| one.id == recovery) {
                demand.written_off.push(amount);
            }
        } else if let GrantEvent::RecoveryReduced { recovery, amount } = fact {
            if let Some(demand) = self.recoveries.iter_mut().find(|one| one.id == recovery) {
                demand.reduced.push(amount);
            }
        } else if let GrantEvent::WriteOffUndone { recovery, amount } = fact {
            if let Some(demand) = self.recoveries.iter_mut().find(|one| one.id == recovery) {
                demand.asked_again.push(amount);
            }
            self.opened_again();
        } else {
            self.take_variation(fact, on);
        }
    }

    fn take_variation(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::VariationRequested { variation: id, requested_by, justification, change } = fact {
            self.variations.push(VariationRecord {
                id,
                change,
                status: VariationStatus::Requested,
                requested_by,
                requested_on: on,
                justification: justification.to_string(),
                decided_on: None,
                feedback: None,
                first: None,
                approved: None,
            });
        } else if let GrantEvent::VariationFirstApproved { variation, first } = fact {
            if let Some(one) = self.variations.iter_mut().find(|one| one.id == variation) {
                one.first = Some(first);
            }
        } else if let GrantEvent::VariationApproved { variation, approver, authority, first, total, change } =
            fact
        {
            if let Some(one) = self.decided(variation, VariationStatus::Approved, on) {
                one.first = first;
                one.approved = Some((approver, authority));
            }
            self.total = Some(total);
            match change {
                Change::Amount { plan, .. } | Change::Schedule { plan } => self.replan(&plan, on),
                Change::End { to, .. } => self.ends_on = to,
                Change::Purpose { to, .. } => self.purpose = to.to_string(),
                Change::Payee { to, .. } => self.payee = to,
            }
        } else if let GrantEvent::VariationRefused { variation, feedback } = fact {
            if let Some(one) = self.decided(variation, VariationStatus::Refused, on) {
                one.feedback = Some(feedback.to_string());
            }
        } else {
            self.take_return(fact, on);
        }
    }

    /// The change with an id, which now is decided so.
    fn decided(
        &mut self,
        id: VariationId,
        status: VariationStatus,
        on: Date,
    ) -> Option<&mut VariationRecord> {
        let one = self.variations.iter_mut().find(|one| one.id == id)?;
        one.status = status;
        one.decided_on = Some(on);
        Some(one)
    }

    fn take_return(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::MonitoringReturnRequested { return_id: id, terms } = fact {
            if terms.kind == ReturnKind::Final && self.status == GrantStatus::Active {
                self.status = GrantStatus::Closing;
            }
            let (status, question) = (ReturnStatus::Requested, None);
            let asked = ReturnRecord {
                id,
                terms,
                status,
                submitted_on: None,
                report: None,
                question,
                settled_on: None,
            };
            self.returns.push(asked);
        } else if let GrantEvent::MonitoringReturnSubmitted { return_id, report, .. } = fact {
            if let Some(one) = self.returned(return_id, ReturnStatus::Submitted) {
                one.submitted_on = Some(on);
                one.report = Some(report);
            }
        } else if let GrantEvent::MonitoringReturnQueried { return_id, question } = fact {
            if let Some(one) = self.returned(return_id, ReturnStatus::Queried) {
                one.question = Some(question.to_string());
            }
        } else if let GrantEvent::MonitoringReturnAccepted { return_id, .. } = fact {
            if let Some(one) = self.returned(return_id, ReturnStatus::Accepted) {
                one.settled_on = Some(on);
            }
        } else if let GrantEvent::MonitoringReturnWaived { return_id, .. } = fact
            && let Some(one) = self.returned(return_id, ReturnStatus::Waived)
        {
            one.settled_on = Some(on);
        }
    }

    /// The return with an id, which now stands so.
    fn returned(&mut self, id: ReturnId, status: ReturnStatus) -> Option<&mut ReturnRecord> {
        let one = self.returns.iter_mut().find(|one| one.id == id)?;
        one.status = status;
        Some(one)
    }

    /// What was planned gives way to what is planned now; what falls out stays in sight as cancelled.
    fn replan(&mut self, plan: &Replan, on: Date) {
        for gone in &plan.from {
            if let Some(one) = self.instalment(gone.id) {
                one.cancelled_on = Some(on);
            }
        }
        for planned in &plan.to {
            if let Some(one) = self.instalment(planned.id) {
                one.cancelled_on = None;
                (one.amount, one.due, one.year) = (planned.amount, planned.due, planned.year);
            } else {
                self.instalments.push(InstalmentRecord::from(planned.clone()));
            }
        }
    }
}
