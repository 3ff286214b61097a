//! Monitoring: what a partner reports of its work and its spending while a grant runs, and what becomes of it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{AuthorityUsed, Grant, GrantEvent, GrantRefusal, GrantStatus};
use crate::domain::Circumstances;
use crate::domain::calendar::{Date, day};
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{PersonId, ReturnId};
use crate::domain::money::{Money, pounds};
use crate::domain::text::Text;

codes! {
    /// Which return of a grant.
    pub enum ReturnKind {
        "interim" => Interim, "interim return";
        "final" => Final, "final return";
    }
}

codes! {
    /// How far a return has come.
    pub enum ReturnStatus {
        "requested" => Requested, "requested";
        "submitted" => Submitted, "submitted";
        "queried" => Queried, "sent back with a question";
        "accepted" => Accepted, "accepted";
        "waived" => Waived, "waived";
    }
}

codes! {
    /// What the person whose story it is agreed to.
    pub enum StoryConsent {
        "commissioner" => Commissioner, "may be read by commissioning staff";
        "publication" => Publication, "may be published";
    }
}

/// What a return is about, and by when it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTerms {
    /// Which return.
    pub kind: ReturnKind,
    /// The first day it reports on.
    pub from: Date,
    /// The last day it reports on.
    pub to: Date,
    /// The last day on which it is in time.
    pub due: Date,
    /// How many days it may be late before nothing more is authorised.
    pub tolerance_days: u16,
}

/// A story told in a return: its text is in the vault, because it may be about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryRef {
    /// Where the text is kept, and a commitment to it.
    pub text: VaultRef,
    /// What the person whose story it is agreed to.
    pub consent: StoryConsent,
}

/// What a partner reports. Never about a private person: stories are in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitoringReport {
    /// What was spent on the work since it began, GBP; none when nothing was.
    pub spent: Option<Money>,
    /// Of the partner's own or other funders' money put into the work, GBP; none when none was.
    pub own_money: Option<Money>,
    /// How many people were reached since the work began.
    pub people_reached: u32,
    /// What came of the work, each in a few words.
    pub outcomes: Vec<Text<300>>,
    /// Stories, with the consent of those they are about.
    pub stories: Vec<StoryRef>,
}

/// What can be asked of the returns of a grant.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum MonitoringCommand {
    Request { return_id: ReturnId, terms: ReturnTerms },
    Submit { return_id: ReturnId, report: MonitoringReport },
    Query { return_id: ReturnId, question: Text<2000> },
    Accept { return_id: ReturnId },
    Waive { return_id: ReturnId, authority: AuthorityUsed },
}

impl MonitoringCommand {
    /// Whether it is a judgement, which nobody with a conflict of interest may make.
    pub(super) const fn judges(&self) -> bool {
        match self {
            Self::Request { .. } | Self::Query { .. } | Self::Accept { .. } | Self::Waive { .. } => true,
            Self::Submit { .. } => false,
        }
    }
}

#[derive(Debug, Clone)]
struct Return {
    terms: ReturnTerms,
    status: ReturnStatus,
    submitted_by: Option<PersonId>,
    settled_by: Option<PersonId>,
    own_money: Decimal,
}

impl Return {
    const fn is_awaited(&self) -> bool {
        matches!(self.status, ReturnStatus::Requested | ReturnStatus::Queried)
    }

    const fn is_settled(&self) -> bool {
        matches!(self.status, ReturnStatus::Accepted | ReturnStatus::Waived)
    }

    /// The last day on which it may still be missing.
    fn tolerated_until(&self) -> Date {
        self.terms.due + chrono::Days::new(self.terms.tolerance_days.into())
    }
}

/// The returns of a grant.
#[derive(Debug, Clone, Default)]
pub(super) struct Returns(BTreeMap<ReturnId, Return>);

impl Returns {
    pub(super) fn requested(&mut self, id: ReturnId, terms: ReturnTerms) {
        let status = ReturnStatus::Requested;
        self.0.insert(
            id,
            Return { terms, status, submitted_by: None, settled_by: None, own_money: Decimal::ZERO },
        );
    }

    pub(super) fn submitted(&mut self, id: ReturnId, by: PersonId, report: &MonitoringReport) {
        if let Some(one) = self.0.get_mut(&id) {
            one.status = ReturnStatus::Submitted;
            one.submitted_by = Some(by);
            one.own_money = report.own_money.map(Money::pounds).unwrap_or_default();
        }
    }

    pub(super) fn stands(&mut self, id: ReturnId, status: ReturnStatus) {
        if let Some(one) = self.0.get_mut(&id) {
            one.status = status;
        }
    }

    pub(super) fn settled(&mut self, id: ReturnId, status: ReturnStatus, by: Option<PersonId>) {
        self.stands(id, status);
        if let Some(one) = self.0.get_mut(&id) {
            one.settled_by = by;
        }
    }

    fn find(&self, id: ReturnId) -> Result<&Return, GrantRefusal> {
        self.0.get(&id).ok_or(GrantRefusal::ReturnUnknown)
    }

    fn the_final(&self) -> Option<&Return> {
        self.0.values().find(|one| one.terms.kind == ReturnKind::Final)
    }

    /// Nothing more is authorised while a return is late beyond what is tolerated.
    pub(super) fn must_not_be_overdue(&self, today: Date) -> Result<(), GrantRefusal> {
        let mut late = self.0.values().filter(|one| one.is_awaited() && today > one.tolerated_until());
        match late.next() {
            Some(one) => Err(GrantRefusal::ReportsOverdue { due: day(one.terms.due) }),
            None => Ok(()),
        }
    }

    /// A grant is closed on a final return that was accepted, or whose absence was accepted, by somebody else.
    pub(super) fn must_be_final(&self, closer: PersonId) -> Result<(), GrantRefusal> {
        match self.the_final() {
            Some(one) if one.is_settled() && one.settled_by == Some(closer) => {
                Err(GrantRefusal::CloserAccepted)
            }
            Some(one) if one.is_settled() => Ok(()),
            _ => Err(GrantRefusal::FinalReturnOpen),
        }
    }

    /// The most of its own money that the partner has declared in a return.
    pub(super) fn own_money(&self) -> Decimal {
        self.0.values().map(|one| one.own_money).max().unwrap_or_default()
    }
}

impl Grant {
    /// What follows for the returns of the grant.
    pub(super) fn monitor(
        &self,
        command: MonitoringCommand,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        match command {
            MonitoringCommand::Request { return_id, terms } => self.request_return(return_id, terms),
            MonitoringCommand::Submit { return_id, report } => {
                self.submit_return(return_id, report, at.actor.person)
            }
            MonitoringCommand::Query { return_id, question } => {
                self.answer_return(return_id, at.actor.person)?;
                Ok(GrantEvent::MonitoringReturnQueried { return_id, question })
            }
            MonitoringCommand::Accept { return_id } => {
                self.answer_return(return_id, at.actor.person)?;
                Ok(GrantEvent::MonitoringReturnAccepted { return_id, accepted_by: Some(at.actor.person) })
            }
            MonitoringCommand::Waive { return_id, authority } => {
                self.waive_return(return_id, authority, at.actor.person)
            }
        }
    }

    fn request_return(&self, return_id: ReturnId, terms: ReturnTerms) -> Result<GrantEvent, GrantRefusal> {
        // A partner whose grant was ended early still owes the last account.
        if terms.kind != ReturnKind::Final || self.status != GrantStatus::Terminated {
            self.must_run()?;
        }
        if terms.to < terms.from || terms.due < terms.to {
            return Err(GrantRefusal::ReturnDates);
        }
        if terms.kind == ReturnKind::Final && self.returns.the_final().is_some() {
            return Err(GrantRefusal::FinalReturnTwice);
        }
        Ok(GrantEvent::MonitoringReturnRequested { return_id, terms })
    }

    /// While it is suspended, and after it was terminated, a partner still owes an account.
    fn must_be_accountable(&self) -> Result<(), GrantRefusal> {
        use GrantStatus::{Active, Closing, Suspended, Terminated};
        self.must_be_among(&[Active, Closing, Suspended, Terminated], "running, suspended or terminated")
    }

    fn submit_return(
        &self,
        return_id: ReturnId,
        report: MonitoringReport,
        submitted_by: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_accountable()?;
        if !self.returns.find(return_id)?.is_awaited() {
            return Err(GrantRefusal::ReturnNotAwaited);
        }
        let own = report.own_money.map(Money::pounds).unwrap_or_default();
        self.must_cover(report.spent, own)?;
        Ok(GrantEvent::MonitoringReturnSubmitted { return_id, submitted_by, report })
    }

    /// No more can have been spent than was paid and not taken back, with the partner's own money on top.
    pub(super) fn must_cover(&self, spent: Option<Money>, own: Decimal) -> Result<(), GrantRefusal> {
        let had = self.paid() - self.recoveries.received() + own;
        match spent {
            Some(spent) if spent.pounds() > had => {
                Err(GrantRefusal::SpendExceedsFunds { spent, had: pounds(had) })
            }
            _ => Ok(()),
        }
    }

    fn answer_return(&self, return_id: ReturnId, by: PersonId) -> Result<(), GrantRefusal> {
        self.must_be_accountable()?;
        let one = self.returns.find(return_id)?;
        if one.status != ReturnStatus::Submitted {
            return Err(GrantRefusal::ReturnNotSubmitted);
        }
        if one.submitted_by == Some(by) { Err(GrantRefusal::ReporterJudges) } else { Ok(()) }
    }

    fn waive_return(
        &self,
        return_id: ReturnId,
        authority: AuthorityUsed,
        by: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_accountable()?;
        let one = self.returns.find(return_id)?;
        if one.terms.kind != ReturnKind::Final {
            return Err(GrantRefusal::OnlyFinalWaived);
        }
        if one.is_settled() {
            return Err(GrantRefusal::ReturnNotAwaited);
        }
        self.may_waive(by, &authority)?;
        Ok(GrantEvent::MonitoringReturnWaived { return_id, waived_by: Some(by), authority })
    }
}
