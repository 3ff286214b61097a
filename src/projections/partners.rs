//! The partner directory: who they are, where they work, where their checks stand.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, QueryBuilder};
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::evidence::Evidence;
use crate::domain::identity::GrantId;
use crate::domain::money::Money;
use crate::domain::partner::{
    CheckKind, CheckState, LegalForm, PartnerEvent, PartnerStatus, VerificationMethod,
};
use crate::domain::places::{Area, Community};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// A due-diligence check as the directory shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Which.
    pub check: CheckKind,
    /// What was decided; whether it holds depends on the day one asks about.
    pub decided: CheckDecision,
    /// The last day on which it holds, where it runs out.
    pub valid_until: Option<Date>,
    /// The documents handed in for it.
    pub evidence: Vec<Evidence>,
    /// The business date of the last change.
    pub changed_on: Date,
}

/// What was decided about a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckDecision {
    /// Asked for, nothing decided.
    Open,
    /// Passed.
    Passed,
    /// Waived for a time.
    Waived,
    /// Failed.
    Failed,
}

impl CheckRecord {
    /// Whether the check holds on a day, by the same rule that guards approval and payment.
    #[must_use]
    pub fn holds_on(&self, day: Date) -> bool {
        let state = match (self.decided, self.valid_until) {
            (CheckDecision::Passed, until) => CheckState::Passed(until),
            (CheckDecision::Waived, Some(until)) => CheckState::Waived(until),
            (CheckDecision::Failed, _) => CheckState::Failed,
            (CheckDecision::Open | CheckDecision::Waived, _) => CheckState::Open,
        };
        state.holds_on(day)
    }
}

/// Where the newest bank details stand. The details themselves are in the vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankRecord {
    /// Which version.
    pub version: u32,
    /// When they were handed in.
    pub submitted_on: Date,
    /// How they were verified, once they are.
    pub verified_by: Option<VerificationMethod>,
    /// The first day on which they may be paid to, once they are verified.
    pub payable_from: Option<Date>,
}

/// Aid that counts towards the limit of minimal financial assistance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AidRecord {
    /// Who gave it, where it was another body.
    pub body: Option<String>,
    /// For which grant, where it was given here.
    pub grant: Option<GrantId>,
    /// GBP.
    pub amount: Money,
    /// When it was given.
    pub given_on: Date,
    /// Its number in the public database, once it is there.
    pub entry: Option<String>,
}

/// A grant that the partner was told is to be minimal financial assistance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// Which grant.
    pub grant: GrantId,
    /// GBP.
    pub amount: Money,
    /// When the partner was told.
    pub notified_on: Date,
    /// When it confirmed.
    pub confirmed_on: Option<Date>,
}

/// A partner as the directory shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartnerRecord {
    /// Human reference.
    pub reference: String,
    /// Name.
    pub name: String,
    /// What it is in law.
    pub legal_form: Option<LegalForm>,
    /// Charity Commission number.
    pub charity_number: Option<String>,
    /// Companies House number.
    pub company_number: Option<String>,
    /// Where it works.
    pub areas: BTreeSet<Area>,
    /// Whom it serves.
    pub communities: BTreeSet<Community>,
    /// What it does.
    pub summary: String,
    /// Where it stands.
    pub status: PartnerStatus,
    /// When it applied.
    pub applied_on: Option<Date>,
    /// When it was approved.
    pub approved_on: Option<Date>,
    /// When it is next looked at.
    pub next_review: Option<Date>,
    /// Its checks.
    pub checks: Vec<CheckRecord>,
    /// Its newest bank details.
    pub bank: Option<BankRecord>,
    /// The aid it has had.
    pub aid: Vec<AidRecord>,
    /// Aid it was told of and has not had yet.
    pub notices: Vec<NoticeRecord>,
}

impl PartnerRecord {
    fn check(&mut self, check: CheckKind, on: Date) -> &mut CheckRecord {
        let place = self.checks.iter().position(|one| one.check == check).unwrap_or_else(|| {
            let decided = CheckDecision::Open;
            let evidence = Vec::new();
            self.checks.push(CheckRecord { check, decided, valid_until: None, evidence, changed_on: on });
            self.checks.len() - 1
        });
        let record = &mut self.checks[place];
        record.changed_on = on;
        record
    }

    fn decide(&mut self, check: CheckKind, on: Date, decided: CheckDecision, until: Option<Date>) {
        let record = self.check(check, on);
        record.decided = decided;
        record.valid_until = until;
    }

    fn had(&mut self, body: Option<String>, grant: Option<GrantId>, amount: Money, given_on: Date) {
        self.aid.push(AidRecord { body, grant, amount, given_on, entry: None });
        self.notices.retain(|notice| Some(notice.grant) != grant);
    }
}

impl Record for PartnerRecord {
    const TABLE: Table = Table {
        name: "partner",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            name text GENERATED ALWAYS AS (doc ->> 'name') STORED, \
            status text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'status') STORED, \
            areas jsonb GENERATED ALWAYS AS (doc -> 'areas') STORED, \
            communities jsonb GENERATED ALWAYS AS (doc -> 'communities') STORED, \
            words tsvector GENERATED ALWAYS AS ( \
                setweight(to_tsvector('pg_catalog.english', coalesce(doc ->> 'name', '')), 'A') || \
                setweight(to_tsvector('pg_catalog.simple', coalesce(doc ->> 'name', '')), 'A') || \
                setweight(to_tsvector('pg_catalog.simple', coalesce(doc ->> 'reference', '') || ' ' || \
                    coalesce(doc ->> 'charity_number', '') || ' ' || coalesce(doc ->> 'company_number', '')), 'B') || \
                setweight(to_tsvector('pg_catalog.english', coalesce(doc ->> 'summary', '')), 'C')) STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} (name, id)",
            "CREATE INDEX ON {table} USING gin (words)",
        ],
    };
    const VERSION: i32 = 2;
    const STREAM: &'static str = "partner";

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each fact")]
    fn take(&mut self, event: &Recorded) -> bool {
        let on = event.effective_on;
        let Fact::Partner(fact) = &event.fact else { return false };
        match fact.clone() {
            PartnerEvent::Applied {
                reference,
                name,
                legal_form,
                charity_number,
                company_number,
                areas,
                communities,
                summary,
            } => {
                *self = Self {
                    reference: reference.to_string(),
                    name: name.to_string(),
                    legal_form: Some(legal_form),
                    charity_number: charity_number.map(|number| number.to_string()),
                    company_number: company_number.map(|number| number.to_string()),
                    areas,
                    communities,
                    summary: summary.to_string(),
                    status: PartnerStatus::Applied,
                    applied_on: Some(on),
                    ..Self::default()
                };
            }
            PartnerEvent::CheckRequired { check } | PartnerEvent::CheckLapsed { check, .. } => {
                self.check(check, on);
            }
            PartnerEvent::CheckEvidenceSubmitted { check, evidence } => {
                self.check(check, on).evidence.push(evidence);
            }
            PartnerEvent::CheckPassed { check, valid_until } => {
                self.decide(check, on, CheckDecision::Passed, valid_until);
            }
            PartnerEvent::CheckFailed { check } => self.decide(check, on, CheckDecision::Failed, None),
            PartnerEvent::CheckWaived { check, until } => {
                self.decide(check, on, CheckDecision::Waived, Some(until));
            }
            PartnerEvent::Approved { next_review } => {
                self.status = PartnerStatus::Approved;
                self.approved_on = Some(on);
                self.next_review = Some(next_review);
            }
            PartnerEvent::Declined {} => self.status = PartnerStatus::Declined,
            PartnerEvent::Withdrew {} => self.status = PartnerStatus::Withdrawn,
            PartnerEvent::Suspended {} => self.status = PartnerStatus::Suspended,
            PartnerEvent::Reinstated {} => self.status = PartnerStatus::Approved,
            PartnerEvent::Reviewed { next_review } => self.next_review = Some(next_review),
            PartnerEvent::BankDetailsSubmitted { bank_version, .. } => {
                self.bank = Some(BankRecord {
                    version: bank_version,
                    submitted_on: on,
                    verified_by: None,
                    payable_from: None,
                });
                self.decide(CheckKind::Bank, on, CheckDecision::Open, None);
            }
            PartnerEvent::BankDetailsVerified { method, payable_from, .. } => {
                if let Some(bank) = &mut self.bank {
                    bank.verified_by = Some(method);
                    bank.payable_from = Some(payable_from);
                }
            }
            PartnerEvent::SubsidyDeclared { body, amount, given_on } => {
                self.had(Some(body.to_string()), None, amount, given_on);
            }
            PartnerEvent::SubsidyNotified { grant, amount } => {
                self.notices.retain(|notice| notice.grant != grant);
                self.notices.push(NoticeRecord { grant, amount, notified_on: on, confirmed_on: None });
            }
            PartnerEvent::SubsidyConfirmed { grant, .. } => {
                if let Some(notice) = self.notices.iter_mut().find(|notice| notice.grant == grant) {
                    notice.confirmed_on = Some(on);
                }
            }
            PartnerEvent::SubsidyGiven { grant, amount, given_on } => {
                self.had(None, Some(grant), amount, given_on);
            }
            PartnerEvent::SubsidyPublished { grant, entry } => {
                if let Some(aid) = self.aid.iter_mut().find(|aid| aid.grant == Some(grant)) {
                    aid.entry = Some(entry.to_string());
                }
            }
        }
        true
    }
}

/// What to look for in the directory.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Words of the name, the summary, a reference or a register number.
    pub words: Option<String>,
    /// Works in this area.
    pub area: Option<Area>,
    /// Serves this community.
    pub community: Option<Community>,
    /// Stands there.
    pub statuses: Option<Vec<PartnerStatus>>,
    /// After the partner with this name and id.
    pub after: Option<(String, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

fn narrowed<'q>(select: &str, search: &'q Search) -> QueryBuilder<'q, sqlx::Postgres> {
    let mut query = QueryBuilder::new(select);
    query.push(" FROM partner WHERE true");
    if let Some(words) = &search.words {
        query.push(" AND (words @@ websearch_to_tsquery('pg_catalog.english', ").push_bind(words);
        query.push(") OR words @@ websearch_to_tsquery('pg_catalog.simple', ").push_bind(words).push("))");
    }
    if let Some(area) = search.area {
        query.push(" AND areas ? ").push_bind(area.code());
    }
    if let Some(community) = search.community {
        query.push(" AND communities ? ").push_bind(community.code());
    }
    if let Some(statuses) = &search.statuses {
        let names: Vec<String> = statuses.iter().map(|status| status_name(*status)).collect();
        query.push(" AND status = ANY(").push_bind(names).push(")");
    }
    query
}

fn status_name(status: PartnerStatus) -> String {
    serde_json::to_value(status).ok().and_then(|name| name.as_str().map(String::from)).unwrap_or_default()
}

/// The partners a search finds, by name.
///
/// # Errors
/// When the database fails.
pub async fn search(
    executor: impl PgExecutor<'_>,
    search: &Search,
) -> Result<Vec<(Uuid, PartnerRecord)>, Trouble> {
    let mut query = narrowed("SELECT id, doc::text", search);
    if let Some((name, id)) = &search.after {
        query.push(" AND (name, id) > (").push_bind(name).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY name, id LIMIT ").push_bind(search.limit);
    read(&query.build().fetch_all(executor).await?)
}

/// The partners that were given minimal financial assistance here, by reference.
///
/// # Errors
/// When the database fails.
pub async fn subsidised(executor: impl PgExecutor<'_>) -> Result<Vec<(Uuid, PartnerRecord)>, Trouble> {
    let rows = sqlx::query(
        "SELECT id, doc::text FROM partner
         WHERE jsonb_path_exists(doc, '$.aid[*].grant ? (@ != null)') ORDER BY reference",
    );
    read(&rows.fetch_all(executor).await?)
}

/// How many partners a search finds.
///
/// # Errors
/// When the database fails.
pub async fn count(executor: impl PgExecutor<'_>, search: &Search) -> Result<i64, Trouble> {
    Ok(narrowed("SELECT count(*)", search).build_query_scalar().fetch_one(executor).await?)
}
