//! Payment runs as people look them up, and what waits to be put in one.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, QueryBuilder, Row as _};
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::identity::{GrantId, Hash, InstalmentId, PartnerId, PersonId};
use crate::domain::money::{Money, Pence};
use crate::domain::payment_run::{LineStatus, PaymentRunEvent, ReturnFinding, RunStatus, Tally};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// One payment of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRecord {
    /// Its number, from 1.
    pub number: u32,
    /// The grant.
    pub grant: GrantId,
    /// The human reference of the grant.
    pub grant_reference: String,
    /// The instalment.
    pub instalment: InstalmentId,
    /// Who is paid.
    pub partner: PartnerId,
    /// GBP.
    pub amount: Money,
    /// The version of the bank details it goes to.
    pub bank_version: u32,
    /// What became of it.
    pub status: LineStatus,
    /// The day the bank paid it.
    pub paid_on: Option<Date>,
    /// The day the bank gave it back.
    pub returned_on: Option<Date>,
    /// The bank’s code, where it was rejected or returned.
    pub bank_code: Option<String>,
    /// That the bank says it came back, though the partner had repaid it.
    pub dispute: Option<DisputeRecord>,
}

/// That the bank says a line came back which the partner had repaid, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeRecord {
    /// The day the bank says it gave it back.
    pub value_date: Date,
    /// The bank’s code for why.
    pub bank_code: String,
    /// How much of it the partner had repaid.
    pub repaid: Money,
    /// Who loaded the bank’s answer.
    pub noted_by: PersonId,
    /// What was found out, by whom and when, once it was.
    pub settled: Option<(ReturnFinding, PersonId, Date)>,
}

/// The file that was made for the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The version of its form.
    pub format: u32,
    /// How many lines it has.
    pub lines: u32,
    /// Its control total.
    pub control_total: Pence,
    /// Its SHA-256.
    pub sha256: Hash,
    /// When it was made.
    pub exported_on: Date,
    /// How often it was given out again.
    pub given_again: u32,
}

/// A file of the bank that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemittanceRecord {
    /// Its SHA-256.
    pub sha256: Hash,
    /// How many lines it has.
    pub lines: u32,
    /// Its control total.
    pub control_total: Pence,
    /// When it was loaded.
    pub loaded_on: Date,
}

/// A payment run as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the events they come from")]
pub struct PaymentRunRecord {
    pub reference: String,
    pub title: String,
    pub pay_on: Date,
    pub status: RunStatus,
    pub opened_by: PersonId,
    pub opened_on: Date,
    pub approver: Option<PersonId>,
    pub releaser: Option<PersonId>,
    pub lines: Vec<LineRecord>,
    pub file: Option<FileRecord>,
    pub remittances: Vec<RemittanceRecord>,
    /// The day it was reconciled or voided.
    pub ended_on: Option<Date>,
}

impl PaymentRunRecord {
    /// How many lines stand so, and what they come to.
    #[must_use]
    pub fn tally(&self, status: LineStatus) -> Tally {
        let lines = || self.lines.iter().filter(|line| line.status == status);
        Tally {
            lines: u32::try_from(lines().count()).unwrap_or(u32::MAX),
            pence: Pence::of(lines().map(|line| line.amount)),
        }
    }

    /// What the lines that are in the run come to.
    #[must_use]
    pub fn total(&self) -> Pence {
        let lines = self.lines.iter().filter(|line| line.status != LineStatus::Removed);
        Pence::of(lines.map(|line| line.amount))
    }

    fn set(&mut self, number: u32, change: impl FnOnce(&mut LineRecord)) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.number == number) {
            change(line);
        }
    }

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each fact")]
    fn take_making(&mut self, fact: PaymentRunEvent, on: Date) {
        match fact {
            PaymentRunEvent::Opened { reference, title, pay_on, opened_by } => {
                *self = Self {
                    reference: reference.to_string(),
                    title: title.to_string(),
                    pay_on,
                    status: RunStatus::Open,
                    opened_by,
                    opened_on: on,
                    ..Self::default()
                };
            }
            PaymentRunEvent::LineAdded {
                line,
                grant,
                grant_reference,
                instalment,
                partner,
                amount,
                bank_version,
                added_by: _,
            } => self.lines.push(LineRecord {
                number: line,
                grant,
                grant_reference: grant_reference.to_string(),
                instalment,
                partner,
                amount,
                bank_version,
                status: LineStatus::Pending,
                paid_on: None,
                returned_on: None,
                bank_code: None,
                dispute: None,
            }),
            PaymentRunEvent::LineRemoved { line } => self.set(line, |one| one.status = LineStatus::Removed),
            PaymentRunEvent::Approved { approver } => {
                self.status = RunStatus::Approved;
                self.approver = Some(approver);
            }
            PaymentRunEvent::Released { releaser } => {
                self.status = RunStatus::Released;
                self.releaser = Some(releaser);
            }
            PaymentRunEvent::FileExported { format, lines, control_total, sha256 } => {
                self.status = RunStatus::Exported;
                self.file = Some(FileRecord {
                    format,
                    lines,
                    control_total,
                    sha256,
                    exported_on: on,
                    given_again: 0,
                });
            }
            PaymentRunEvent::FileGivenAgain { .. } => {
                if let Some(file) = &mut self.file {
                    file.given_again += 1;
                }
            }
            PaymentRunEvent::Voided {} => {
                self.status = RunStatus::Voided;
                self.ended_on = Some(on);
            }
            answer @ (PaymentRunEvent::RemittanceLoaded { .. }
            | PaymentRunEvent::LineConfirmed { .. }
            | PaymentRunEvent::LineRejected { .. }
            | PaymentRunEvent::LineReturned { .. }
            | PaymentRunEvent::ReturnDisputed { .. }
            | PaymentRunEvent::DisputeSettled { .. }
            | PaymentRunEvent::Reconciled { .. }) => self.take_answer(answer, on),
        }
    }

    /// What the bank says.
    fn take_answer(&mut self, fact: PaymentRunEvent, on: Date) {
        if let PaymentRunEvent::RemittanceLoaded { sha256, lines, control_total } = fact {
            self.remittances.push(RemittanceRecord { sha256, lines, control_total, loaded_on: on });
        } else if let PaymentRunEvent::LineConfirmed { line, value_date, .. } = fact {
            self.set(line, |one| {
                one.status = LineStatus::Confirmed;
                one.paid_on = Some(value_date);
            });
        } else if let PaymentRunEvent::LineRejected { line, bank_code, .. } = fact {
            self.set(line, |one| {
                one.status = LineStatus::Rejected;
                one.bank_code = Some(bank_code.to_string());
            });
        } else if let PaymentRunEvent::LineReturned { line, value_date, bank_code, .. } = fact {
            self.set(line, |one| {
                one.status = LineStatus::Returned;
                one.returned_on = Some(value_date);
                one.bank_code = Some(bank_code.to_string());
            });
        } else if let PaymentRunEvent::ReturnDisputed {
            line, value_date, bank_code, repaid, noted_by, ..
        } = fact
        {
            let bank_code = bank_code.to_string();
            self.set(line, |one| {
                let settled = None;
                one.dispute = Some(DisputeRecord { value_date, bank_code, repaid, noted_by, settled });
            });
        } else if let PaymentRunEvent::DisputeSettled { line, finding, settled_by } = fact {
            self.set(line, |one| {
                if let Some(dispute) = &mut one.dispute {
                    dispute.settled = Some((finding, settled_by, on));
                }
            });
        } else if let PaymentRunEvent::Reconciled { .. } = fact {
            self.status = RunStatus::Reconciled;
            self.ended_on = Some(on);
        }
    }
}

impl Record for PaymentRunRecord {
    const TABLE: Table = Table {
        name: "payment_run",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            status text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'status') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} (status, reference)",
        ],
    };
    const VERSION: i32 = 2;
    const STREAM: &'static str = "payment_run";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::PaymentRun(fact) = &event.fact else { return false };
        self.take_making(fact.clone(), event.effective_on);
        true
    }
}

/// Which payment runs to list.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Standing there.
    pub status: Option<RunStatus>,
    /// After the run with this reference.
    pub after: Option<String>,
    /// At most this many.
    pub limit: i64,
}

fn narrowed<'q>(select: &str, filter: &RunFilter) -> QueryBuilder<'q, sqlx::Postgres> {
    let mut query = QueryBuilder::new(select);
    query.push(" FROM payment_run WHERE true");
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status.code());
    }
    query
}

/// Payment runs by reference.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: &RunFilter,
) -> Result<Vec<(Uuid, PaymentRunRecord)>, Trouble> {
    let mut query = narrowed("SELECT id, doc::text", filter);
    if let Some(after) = &filter.after {
        query.push(" AND reference > ").push_bind(after.clone());
    }
    query.push(" ORDER BY reference LIMIT ").push_bind(filter.limit);
    read(&query.build().fetch_all(executor).await?)
}

/// How many payment runs a filter finds.
///
/// # Errors
/// When the database fails.
pub async fn count(executor: impl PgExecutor<'_>, filter: &RunFilter) -> Result<i64, Trouble> {
    Ok(narrowed("SELECT count(*)", filter).build_query_scalar().fetch_one(executor).await?)
}

/// An instalment that is authorised and in no payment run.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PayableRecord {
    /// The grant.
    pub grant_id: Uuid,
    /// The human reference of the grant.
    pub reference: String,
    /// The instalment.
    pub instalment: Uuid,
    /// Who is paid.
    pub partner: Uuid,
    /// In pounds.
    pub amount: rust_decimal::Decimal,
    /// The day it is to be paid.
    pub pay_on: Date,
    /// The version of the bank details that a run would pay to: the newest, whatever it was authorised for.
    pub bank_version: i32,
}

/// What can be put in a run that is paid on a day: authorised, to be paid by then, and in no run.
///
/// # Errors
/// When the database fails.
pub async fn payable(
    executor: impl PgExecutor<'_>,
    pay_on: Option<Date>,
    limit: i64,
) -> Result<Vec<PayableRecord>, Trouble> {
    Ok(sqlx::query_as(
        "SELECT one.id AS grant_id, one.reference, (part ->> 'id')::uuid AS instalment,
                (one.doc ->> 'payee')::uuid AS partner, (part ->> 'amount')::numeric AS amount,
                (part ->> 'pay_on')::date AS pay_on,
                coalesce(payee.doc -> 'bank' ->> 'version', part ->> 'bank_version')::integer AS bank_version
         FROM grant_case AS one
         CROSS JOIN jsonb_array_elements(one.doc -> 'instalments') AS part
         LEFT JOIN partner AS payee ON payee.id = (one.doc ->> 'payee')::uuid
         WHERE one.status IN ('active', 'closing') AND part ->> 'pay_on' IS NOT NULL
           AND part ->> 'paid_on' IS NULL AND part ->> 'closed_on' IS NULL AND part ->> 'run' IS NULL
           AND ($1::date IS NULL OR (part ->> 'pay_on')::date <= $1)
         ORDER BY pay_on, one.reference, instalment LIMIT $2",
    )
    .bind(pay_on)
    .bind(limit)
    .fetch_all(executor)
    .await?)
}

/// A payment that came back, or never left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounced {
    /// When that was recorded.
    pub on: Date,
    /// The bank’s code for why.
    pub code: String,
}

/// To which versions of the bank details of some partners a payment bounced, and when it last did. A payment of a run
/// went to the details that its line fixed, which may be newer than those it was authorised for.
///
/// # Errors
/// When the database fails.
pub async fn bounced(
    executor: impl PgExecutor<'_>,
    partners: &[Uuid],
) -> Result<HashMap<(Uuid, u32), Bounced>, Trouble> {
    let rows = sqlx::query(
        "SELECT * FROM (
             SELECT coalesce(line ->> 'partner', one.doc ->> 'payee')::uuid AS partner,
                    coalesce(line ->> 'bank_version', part ->> 'bank_version')::integer AS bank_version,
                    (part ->> 'closed_on')::date AS bounced_on, part ->> 'bank_code' AS bank_code
             FROM grant_case AS one
             CROSS JOIN jsonb_array_elements(one.doc -> 'instalments') AS part
             LEFT JOIN payment_run AS run ON run.id = (part ->> 'run')::uuid
             LEFT JOIN LATERAL jsonb_array_elements(run.doc -> 'lines') AS line
                 ON line ->> 'number' = part ->> 'line'
             WHERE part ->> 'bank_code' IS NOT NULL) AS bounced
         WHERE partner = ANY($1) ORDER BY bounced_on",
    );
    let mut found = HashMap::new();
    for row in rows.bind(partners).fetch_all(executor).await? {
        let version: i32 = row.try_get(1)?;
        let bounced = Bounced { on: row.try_get(2)?, code: row.try_get(3)? };
        found.insert((row.try_get(0)?, u32::try_from(version).unwrap_or_default()), bounced);
    }
    Ok(found)
}
