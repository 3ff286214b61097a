//! How a case came in and how it was decided, beside the steps that every grant takes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::super::{Trouble, unreadable};
use super::{GrantRecord, ScoreRecord};
use crate::domain::calendar::Date;
use crate::domain::grant::{Clock, FirstApproval, GrantEvent, GrantStatus};
use crate::domain::identity::{FundId, GrantId, PartnerId, PersonId, ProgrammeId};
use crate::domain::money::Money;

/// A question to the partner, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionRecord {
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

/// The first of two approvals, while it waits for the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstApprovalRecord {
    /// Who gave it, and under what authority.
    pub first: FirstApproval,
    /// GBP.
    pub amount: Money,
    /// When.
    pub given_on: Date,
}

impl GrantRecord {
    /// A case that begins without an application.
    fn begin(
        &mut self,
        status: GrantStatus,
        (reference, partner, programme, fund): (String, PartnerId, ProgrammeId, FundId),
        title: String,
    ) {
        *self =
            Self { reference, partner, payee: partner, programme, fund, title, status, ..Self::default() };
    }

    /// What somebody did who has an interest counts no more.
    pub(super) fn bar(&mut self, person: PersonId) {
        self.assessors.retain(|assessor| *assessor != person);
        self.void_first_approval_of(person);
        self.termination.take_if(|put_forward| put_forward.proposed_by == person);
    }

    pub(super) fn void_first_approval_of(&mut self, person: PersonId) {
        self.first_approval.take_if(|given| given.first.approver == person);
    }

    pub(super) fn score(&mut self, assessor: PersonId, criterion: String, score: u8, justification: String) {
        self.scores.push(ScoreRecord { assessor, criterion, score, justification, superseded: false });
    }

    /// What some grants have and others do not.
    pub(super) fn take_beside(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::InterestReceived { reference, partner, programme, fund, title, idea } = fact {
            let of = (reference.to_string(), partner, programme, fund);
            self.begin(GrantStatus::Interest, of, title.to_string());
            self.purpose = idea.to_string();
            self.interest_on = Some(on);
        } else if let GrantEvent::DirectAwardProposed {
            reference,
            partner,
            programme,
            fund,
            title,
            proposer,
            justification,
        } = fact
        {
            let of = (reference.to_string(), partner, programme, fund);
            self.begin(GrantStatus::Proposed, of, title.to_string());
            self.proposer = Some(proposer);
            self.justification = Some(justification.to_string());
        } else if let GrantEvent::InvitedToApply { apply_by } = fact {
            self.status = GrantStatus::Invited;
            self.apply_by = Some(apply_by);
        } else if let GrantEvent::InterestDeclined { feedback } = fact {
            self.feedback = Some(feedback.to_string());
            self.end(GrantStatus::Declined, on);
        } else if let GrantEvent::FirstApprovalGiven { approver, amount, authority, .. } = fact {
            let first = FirstApproval { approver, authority };
            self.first_approval = Some(FirstApprovalRecord { first, amount, given_on: on });
        } else {
            self.take_second_thoughts(fact, on);
        }
    }

    /// Questions to the partner, and what an assessor takes back.
    fn take_second_thoughts(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::MoreInformationRequested { what, by } = fact {
            let (what, answer, answered_on) = (what.to_string(), None, None);
            self.questions.push(QuestionRecord { what, by, asked_on: on, answer, answered_on });
        } else if let GrantEvent::InformationSupplied { answer } = fact {
            if let Some(question) = self.questions.last_mut() {
                question.answer = Some(answer.to_string());
                question.answered_on = Some(on);
            }
        } else if let GrantEvent::AssessorRecused { assessor } = fact {
            self.bar(assessor);
        } else if let GrantEvent::ScoreSuperseded { assessor, criterion, score, justification, .. } = fact {
            let of = (assessor, criterion.as_str());
            for one in self.scores.iter_mut().filter(|one| (one.assessor, &*one.criterion) == of) {
                one.superseded = true;
            }
            self.score(assessor, criterion.to_string(), score, justification.to_string());
        }
    }
}

/// The applications of a programme that wait for a decision.
///
/// # Errors
/// When the database fails.
pub async fn waiting(
    executor: impl PgExecutor<'_>,
    programme: ProgrammeId,
) -> Result<BTreeSet<GrantId>, Trouble> {
    let undecided = [GrantStatus::Submitted, GrantStatus::Assessing, GrantStatus::Recommended];
    let ids: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM grant_case WHERE programme = $1 AND status = ANY($2) ORDER BY id")
            .bind(programme.0)
            .bind(undecided.map(GrantStatus::code))
            .fetch_all(executor)
            .await?;
    Ok(ids.into_iter().map(GrantId).collect())
}

/// The clocks of the applications of a programme.
///
/// # Errors
/// When the database fails.
pub async fn clocks(executor: impl PgExecutor<'_>, programme: ProgrammeId) -> Result<Vec<Clock>, Trouble> {
    let clocks: Vec<String> = sqlx::query_scalar(
        "SELECT (doc -> 'clock')::text FROM grant_case WHERE programme = $1 ORDER BY reference",
    )
    .bind(programme.0)
    .fetch_all(executor)
    .await?;
    let read = |text: &String| serde_json::from_str(text).map_err(|error| unreadable(&error));
    clocks.iter().map(read).collect()
}
