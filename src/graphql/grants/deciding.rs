//! Grants on the wire: how a case is assessed and decided, and how long that takes.

use async_graphql::{Context, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Date, Money, Person};
use crate::domain::grant::{self, AuthoritySource, Reading};
use crate::projections::grants::{FirstApprovalRecord, QuestionRecord};

/// How long a case has waited for a decision, in working days of England and Wales.
#[derive(Debug, Clone, SimpleObject)]
pub struct DecisionClock {
    /// Working days on which it waited for us.
    pub working_days_on_us: u32,
    /// Working days on which it waited for the partner.
    pub working_days_on_partner: u32,
    /// How many working days a decision should take us in this programme.
    pub target_working_days: u16,
    /// The last day on which a decision is in time, while it waits for us.
    pub due_on: Option<Date>,
    /// Whether it waited for us for longer than it should.
    pub overdue: bool,
    /// Whether it is decided.
    pub decided: bool,
}

impl DecisionClock {
    pub(super) fn new(reading: Reading, target: u16) -> Self {
        let Reading { on_us, on_partner, due_on, overdue, decided } = reading;
        Self {
            working_days_on_us: on_us,
            working_days_on_partner: on_partner,
            target_working_days: target,
            due_on: due_on.map(Date),
            overdue,
            decided,
        }
    }
}

/// A question to the partner, and its answer.
#[derive(Debug, Clone, SimpleObject)]
pub struct Question {
    /// What was asked.
    pub what: String,
    /// The day by which an answer is hoped for.
    pub by: Date,
    /// When it was asked.
    pub asked_on: Date,
    /// The answer.
    pub answer: Option<String>,
    /// When it was answered.
    pub answered_on: Option<Date>,
}

impl From<&QuestionRecord> for Question {
    fn from(one: &QuestionRecord) -> Self {
        Self {
            what: one.what.clone(),
            by: Date(one.by),
            asked_on: Date(one.asked_on),
            answer: one.answer.clone(),
            answered_on: one.answered_on.map(Date),
        }
    }
}

/// Who sat together over a recommendation.
#[derive(Debug, Clone, SimpleObject)]
pub struct Panel {
    /// Who decided.
    pub present: Vec<Person>,
    /// Who stood aside because of an interest.
    pub stood_aside: Vec<Person>,
}

impl Panel {
    /// The panel with the names of its people.
    pub(super) async fn new(ctx: &Context<'_>, panel: &grant::Panel) -> Result<Self> {
        let (mut present, mut stood_aside) = (Vec::new(), Vec::new());
        for one in &panel.present {
            present.push(Person::named(ctx, *one).await?);
        }
        for one in &panel.stood_aside {
            stood_aside.push(Person::named(ctx, *one).await?);
        }
        Ok(Self { present, stood_aside })
    }
}

/// The first of two approvals.
#[derive(Debug, Clone, SimpleObject)]
pub struct FirstApproval {
    /// Who gave it. For staff and auditors; nothing for a partner.
    pub approver: Option<Person>,
    /// The delegation it rested on.
    pub authority_id: Option<Uuid>,
    /// The most that authority allowed at that moment.
    pub limit: Money,
}

impl FirstApproval {
    pub(super) fn new(first: &grant::FirstApproval, approver: Option<Person>) -> Self {
        let (authority_id, limit) = (delegation(&first.authority.source), first.authority.limit.into());
        Self { approver, authority_id, limit }
    }
}

/// The first of two approvals, while it waits for the second.
#[derive(Debug, Clone, SimpleObject)]
pub struct WaitingApproval {
    /// The approval.
    pub first: FirstApproval,
    /// How much it approved.
    pub amount: Money,
    /// When.
    pub given_on: Date,
}

impl WaitingApproval {
    pub(super) fn new(record: &FirstApprovalRecord, approver: Person) -> Self {
        let FirstApprovalRecord { first, amount, given_on } = record;
        let first = FirstApproval::new(first, Some(approver));
        Self { first, amount: (*amount).into(), given_on: Date(*given_on) }
    }
}

/// The delegation an authority comes from; none before there were delegations.
pub(super) const fn delegation(source: &AuthoritySource) -> Option<Uuid> {
    match source {
        AuthoritySource::Delegation(id) => Some(id.0),
        AuthoritySource::Words(_) => None,
    }
}
