//! Grant cases as people look them up: where they stand, what was decided, what is planned and paid.

mod deciding;
mod running;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, QueryBuilder};
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::evidence::Evidence;
use crate::domain::grant::{
    AuthorityUsed, Clock, ConflictNature, CriterionResult, DeliveryShare, FirstApproval, GrantEvent,
    GrantStatus, NeedShare, Panel, PlannedInstalment, SignatoryRole,
};
use crate::domain::identity::{
    ConditionId, FundId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, RunId,
};
use crate::domain::money::Money;
use crate::domain::places::Area;
use crate::domain::record::Fact;
use crate::store::log::Recorded;

pub use deciding::{FirstApprovalRecord, QuestionRecord, clocks, waiting};
pub use running::{
    CloseRecord, RecoveryRecord, ReturnRecord, ReviewRecord, SuspensionRecord, TerminationRecord,
    UnderspendRecord, VariationRecord,
};

/// A score as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreRecord {
    /// Who scored.
    pub assessor: PersonId,
    /// The criterion’s code.
    pub criterion: String,
    /// 1 to 5.
    pub score: u8,
    /// Why.
    pub justification: String,
    /// Whether the assessor put another score in its place.
    pub superseded: bool,
}

/// A declared conflict of interest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictRecord {
    /// Whose.
    pub person: PersonId,
    /// What kind of interest.
    pub nature: ConflictNature,
    /// When it was declared.
    pub declared_on: Date,
}

/// A condition and what showed that it is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionRecord {
    /// Its id.
    pub id: ConditionId,
    /// What must be shown.
    pub title: String,
    /// When it was met.
    pub met_on: Option<Date>,
    /// What showed it.
    pub evidence: Option<Evidence>,
    /// When it was waived.
    pub waived_on: Option<Date>,
}

/// An instalment and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalmentRecord {
    /// Its id.
    pub id: InstalmentId,
    /// GBP.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The year whose budget it uses.
    pub year: FinancialYear,
    /// What it waits for.
    pub conditions: Vec<ConditionRecord>,
    /// The day it is to be paid, once it is authorised.
    pub pay_on: Option<Date>,
    /// The bank details it goes to, once it is authorised.
    pub bank_version: Option<u32>,
    /// The day the bank paid it.
    pub paid_on: Option<Date>,
    /// When it was cancelled.
    pub cancelled_on: Option<Date>,
    /// The payment run it is in or was paid by.
    pub run: Option<RunId>,
    /// The line of that run.
    pub line: Option<u32>,
    /// When it was closed because its payment bounced.
    pub closed_on: Option<Date>,
    /// The bank’s code for why it bounced.
    pub bank_code: Option<String>,
    /// The instalment that took its place.
    pub replaced_by: Option<InstalmentId>,
}

impl From<PlannedInstalment> for InstalmentRecord {
    fn from(plan: PlannedInstalment) -> Self {
        let PlannedInstalment { id, amount, due, year, conditions } = plan;
        let conditions = conditions.into_iter().map(|one| ConditionRecord {
            id: one.id,
            title: one.title.to_string(),
            met_on: None,
            evidence: None,
            waived_on: None,
        });
        Self {
            id,
            amount,
            due,
            year,
            conditions: conditions.collect(),
            pay_on: None,
            bank_version: None,
            paid_on: None,
            cancelled_on: None,
            run: None,
            line: None,
            closed_on: None,
            bank_code: None,
            replaced_by: None,
        }
    }
}

/// The award as it was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardRecord {
    /// GBP.
    pub amount: Money,
    /// Who approved.
    pub approver: PersonId,
    /// The authority it rested on.
    pub authority: AuthorityUsed,
    /// The approval before it, where two were needed.
    pub first: Option<FirstApproval>,
    /// When.
    pub approved_on: Date,
    /// Which terms apply.
    pub terms_version: String,
}

/// The offer as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRecord {
    /// The hash of the agreement.
    pub terms_hash: Hash,
    /// The last day on which it can be accepted.
    pub accept_by: Date,
    /// When it was accepted.
    pub accepted_on: Option<Date>,
    /// In what standing it was signed.
    pub signatory_role: Option<SignatoryRole>,
}

/// A grant as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the events they come from")]
pub struct GrantRecord {
    pub reference: String,
    pub partner: PartnerId,
    pub programme: ProgrammeId,
    pub fund: FundId,
    pub title: String,
    pub purpose: String,
    pub requested: Option<Money>,
    pub places: BTreeSet<Area>,
    pub starts_on: Date,
    pub ends_on: Date,
    pub needs: Vec<NeedShare>,
    pub delivery: Vec<DeliveryShare>,
    pub status: GrantStatus,
    pub interest_on: Option<Date>,
    pub apply_by: Option<Date>,
    pub justification: Option<String>,
    pub submitted_on: Date,
    pub clock: Clock,
    pub questions: Vec<QuestionRecord>,
    pub eligibility: Vec<CriterionResult>,
    pub conflicts: Vec<ConflictRecord>,
    pub assessors: Vec<PersonId>,
    pub scores: Vec<ScoreRecord>,
    pub proposer: Option<PersonId>,
    pub recommended: Option<Money>,
    pub panel: Panel,
    pub first_approval: Option<FirstApprovalRecord>,
    pub award: Option<AwardRecord>,
    pub offer: Option<OfferRecord>,
    pub instalments: Vec<InstalmentRecord>,
    pub feedback: Option<String>,
    pub ended_on: Option<Date>,
    pub payee: PartnerId,
    pub total: Option<Money>,
    pub returns: Vec<ReturnRecord>,
    pub variations: Vec<VariationRecord>,
    pub suspensions: Vec<SuspensionRecord>,
    pub before_suspension: GrantStatus,
    pub underspend: Option<UnderspendRecord>,
    pub recoveries: Vec<RecoveryRecord>,
    pub reviews: Vec<ReviewRecord>,
    pub termination: Option<TerminationRecord>,
    pub close: Option<CloseRecord>,
}

impl GrantRecord {
    fn instalment(&mut self, id: InstalmentId) -> Option<&mut InstalmentRecord> {
        self.instalments.iter_mut().find(|one| one.id == id)
    }

    fn end(&mut self, status: GrantStatus, on: Date) {
        self.status = status;
        self.ended_on = Some(on);
    }

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each fact")]
    fn take_assessment(&mut self, fact: GrantEvent, on: Date) {
        match fact {
            GrantEvent::ApplicationSubmitted {
                reference,
                partner,
                programme,
                fund,
                title,
                purpose,
                requested,
                places,
                starts_on,
                ends_on,
                needs,
                delivery,
                criteria_version: _,
            } => {
                *self = Self {
                    reference: reference.to_string(),
                    partner,
                    payee: partner,
                    programme,
                    fund,
                    title: title.to_string(),
                    purpose: purpose.to_string(),
                    requested: Some(requested),
                    places,
                    starts_on,
                    ends_on,
                    needs,
                    delivery,
                    status: GrantStatus::Submitted,
                    submitted_on: on,
                    ..std::mem::take(self)
                };
            }
            GrantEvent::EligibilityConfirmed { results } => {
                self.eligibility = results;
                self.status = GrantStatus::Assessing;
            }
            GrantEvent::EligibilityRefused { results } => {
                self.eligibility = results;
                self.end(GrantStatus::Ineligible, on);
            }
            GrantEvent::ConflictDeclared { person, nature } => {
                self.conflicts.push(ConflictRecord { person, nature, declared_on: on });
                self.bar(person);
            }
            GrantEvent::AssessorAssigned { assessor } => {
                self.assessors.push(assessor);
                self.void_first_approval_of(assessor);
            }
            GrantEvent::ScoreRecorded { assessor, criterion, score, justification } => {
                self.score(assessor, criterion.to_string(), score, justification.to_string());
            }
            GrantEvent::Recommended { proposer, amount, panel } => {
                self.status = GrantStatus::Recommended;
                self.proposer = Some(proposer);
                self.recommended = Some(amount);
                self.panel = panel;
                self.first_approval = None;
            }
            GrantEvent::Declined { feedback } => {
                self.feedback = Some(feedback.to_string());
                self.end(GrantStatus::Declined, on);
            }
            GrantEvent::ApplicationWithdrawn {} | GrantEvent::OfferDeclined {} => {
                self.end(GrantStatus::Withdrawn, on);
            }
            GrantEvent::OfferLapsed { .. } => self.end(GrantStatus::Lapsed, on),
            beside @ (GrantEvent::InterestReceived { .. }
            | GrantEvent::DirectAwardProposed { .. }
            | GrantEvent::InvitedToApply { .. }
            | GrantEvent::InterestDeclined { .. }
            | GrantEvent::MoreInformationRequested { .. }
            | GrantEvent::InformationSupplied { .. }
            | GrantEvent::AssessorRecused { .. }
            | GrantEvent::ScoreSuperseded { .. }
            | GrantEvent::FirstApprovalGiven { .. }) => self.take_beside(beside, on),
            after @ (GrantEvent::Approved { .. }
            | GrantEvent::OfferIssued { .. }
            | GrantEvent::OfferAccepted { .. }
            | GrantEvent::ConditionMet { .. }
            | GrantEvent::InstalmentAuthorised { .. }
            | GrantEvent::InstalmentAuthorisationWithdrawn { .. }
            | GrantEvent::PaymentConfirmed { .. }) => self.take_award(after, on),
            later @ (GrantEvent::ConditionWaived { .. }
            | GrantEvent::MonitoringReturnRequested { .. }
            | GrantEvent::MonitoringReturnSubmitted { .. }
            | GrantEvent::MonitoringReturnQueried { .. }
            | GrantEvent::MonitoringReturnAccepted { .. }
            | GrantEvent::MonitoringReturnWaived { .. }
            | GrantEvent::VariationRequested { .. }
            | GrantEvent::VariationFirstApproved { .. }
            | GrantEvent::VariationApproved { .. }
            | GrantEvent::VariationRefused { .. }
            | GrantEvent::Suspended { .. }
            | GrantEvent::Resumed {}
            | GrantEvent::UnderspendDeclared { .. }
            | GrantEvent::UnspentReleased { .. }
            | GrantEvent::RecoveryDemanded { .. }
            | GrantEvent::RecoveryReceived { .. }
            | GrantEvent::RecoveryWrittenOff { .. }
            | GrantEvent::RecoveryReduced { .. }
            | GrantEvent::WriteOffUndone { .. }
            | GrantEvent::TerminationProposed { .. }
            | GrantEvent::TerminationWithdrawn { .. }
            | GrantEvent::Terminated { .. }
            | GrantEvent::AnnualReviewCompleted { .. }
            | GrantEvent::Closed { .. }) => self.take_running(later, on),
            in_run @ (GrantEvent::InstalmentPutInRun { .. }
            | GrantEvent::InstalmentTakenFromRun { .. }
            | GrantEvent::PaymentRejected { .. }
            | GrantEvent::PaymentReturned { .. }) => self.take_run(in_run, on),
        }
    }

    /// What happens to instalments in payment runs.
    fn take_run(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::InstalmentPutInRun { instalment, run, line } = fact {
            if let Some(one) = self.instalment(instalment) {
                (one.run, one.line) = (Some(run), Some(line));
            }
        } else if let GrantEvent::InstalmentTakenFromRun { instalment, .. } = fact {
            if let Some(one) = self.instalment(instalment) {
                (one.run, one.line) = (None, None);
            }
        } else if let GrantEvent::PaymentRejected { instalment, bank_code, replacement, .. }
        | GrantEvent::PaymentReturned { instalment, bank_code, replacement, .. } = fact
        {
            if let Some(one) = self.instalment(instalment) {
                one.closed_on = Some(on);
                one.bank_code = Some(bank_code.to_string());
                one.replaced_by = Some(replacement.id);
            }
            self.instalments.push(replacement.into());
            if matches!(self.status, GrantStatus::Closed | GrantStatus::Terminated) {
                self.status = GrantStatus::Closing;
                self.ended_on = None;
                self.termination = None;
            }
        }
    }

    /// Approval and all that follows it.
    fn take_award(&mut self, fact: GrantEvent, on: Date) {
        if let GrantEvent::Approved { approver, amount, authority, first, instalments, terms_version } = fact
        {
            self.status = GrantStatus::Approved;
            self.first_approval = None;
            self.total = Some(amount);
            let (terms_version, approved_on) = (terms_version.to_string(), on);
            self.award = Some(AwardRecord { amount, approver, authority, first, approved_on, terms_version });
            self.instalments = instalments.into_iter().map(Into::into).collect();
        } else if let GrantEvent::OfferIssued { terms_hash, accept_by } = fact {
            self.status = GrantStatus::Offered;
            self.offer = Some(OfferRecord { terms_hash, accept_by, accepted_on: None, signatory_role: None });
        } else if let GrantEvent::OfferAccepted { signatory_role, .. } = fact {
            self.status = GrantStatus::Active;
            if let Some(offer) = &mut self.offer {
                offer.accepted_on = Some(on);
                offer.signatory_role = Some(signatory_role);
            }
        } else if let GrantEvent::ConditionMet { condition, evidence } = fact {
            let mut conditions = self.instalments.iter_mut().flat_map(|one| &mut one.conditions);
            if let Some(met) = conditions.find(|one| one.id == condition) {
                met.met_on = Some(on);
                met.evidence = Some(evidence);
            }
        } else if let GrantEvent::InstalmentAuthorised { instalment, pay_on, bank_version, .. } = fact {
            if let Some(one) = self.instalment(instalment) {
                one.pay_on = Some(pay_on);
                one.bank_version = Some(bank_version);
            }
        } else if let GrantEvent::InstalmentAuthorisationWithdrawn { instalment, .. } = fact {
            if let Some(one) = self.instalment(instalment) {
                (one.pay_on, one.bank_version) = (None, None);
            }
        } else if let GrantEvent::PaymentConfirmed { instalment, value_date, .. } = fact
            && let Some(one) = self.instalment(instalment)
        {
            one.paid_on = Some(value_date);
        }
    }
}

impl Record for GrantRecord {
    const TABLE: Table = Table {
        name: "grant_case",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            status text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'status') STORED, \
            partner uuid GENERATED ALWAYS AS ((doc ->> 'partner')::uuid) STORED, \
            programme uuid GENERATED ALWAYS AS ((doc ->> 'programme')::uuid) STORED, \
            fund uuid GENERATED ALWAYS AS ((doc ->> 'fund')::uuid) STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} (partner, reference)",
            "CREATE INDEX ON {table} (programme, reference)",
            "CREATE INDEX ON {table} (fund, reference)",
        ],
    };
    const VERSION: i32 = 5;
    const STREAM: &'static str = "grant";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Grant(fact) = &event.fact else { return false };
        self.take_assessment(fact.clone(), event.effective_on);
        self.clock.take(fact, event.effective_on);
        true
    }
}

/// Which grants to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this partner.
    pub partner: Option<Uuid>,
    /// Of this programme.
    pub programme: Option<Uuid>,
    /// From this fund.
    pub fund: Option<Uuid>,
    /// Standing there.
    pub status: Option<GrantStatus>,
    /// With this reference.
    pub reference: Option<String>,
    /// After the grant with this reference.
    pub after: Option<String>,
    /// At most this many.
    pub limit: i64,
}

fn narrowed<'q>(select: &str, filter: &'q Filter) -> QueryBuilder<'q, sqlx::Postgres> {
    let mut query = QueryBuilder::new(select);
    query.push(" FROM grant_case WHERE true");
    for (column, id) in [("partner", filter.partner), ("programme", filter.programme), ("fund", filter.fund)]
    {
        if let Some(id) = id {
            query.push(format!(" AND {column} = ")).push_bind(id);
        }
    }
    if let Some(status) = filter.status {
        let name = serde_json::to_value(status).ok().and_then(|name| name.as_str().map(String::from));
        query.push(" AND status = ").push_bind(name);
    }
    if let Some(reference) = &filter.reference {
        query.push(" AND reference = ").push_bind(reference);
    }
    query
}

/// Grants by reference.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
) -> Result<Vec<(Uuid, GrantRecord)>, Trouble> {
    let mut query = narrowed("SELECT id, doc::text", filter);
    if let Some(after) = &filter.after {
        query.push(" AND reference > ").push_bind(after);
    }
    query.push(" ORDER BY reference LIMIT ").push_bind(filter.limit);
    read(&query.build().fetch_all(executor).await?)
}

/// How many grants a filter finds.
///
/// # Errors
/// When the database fails.
pub async fn count(executor: impl PgExecutor<'_>, filter: &Filter) -> Result<i64, Trouble> {
    Ok(narrowed("SELECT count(*)", filter).build_query_scalar().fetch_one(executor).await?)
}
