//! What waits for somebody, over all that people look up: one source for each kind of thing, one statement for all the
//! sources of a role. Whoever adds a source adds an entry to `SOURCES` and a kind to `src/domain/waiting.rs`.
//!
//! A source is a SELECT of five columns: id, reference, name, the day it is due as text, and a detail. It may use
//! `asked`, one row of who asks: `today`, `soon` (60 days on) and `lately` (60 days back) as text, `partner` and `person`
//! as ids. Dates are compared as text, as they are stored.

use chrono::Days;
use sqlx::{PgExecutor, Row as _};
use uuid::Uuid;

use super::Trouble;
use crate::domain::calendar::Date;
use crate::domain::identity::{PartnerId, PersonId, Role};
use crate::domain::prescription::ANSWER_DAYS;
use crate::domain::waiting::WaitingKind;
use Role::{Advisor, Approver, Commissioner, Finance, Inclusion, PartnerAdmin, PartnerWorker};

/// How many days ahead and back are worth a word.
const SOON: u64 = 60;

/// One kind of thing that waits: what it is about, for whom, and where it is found.
struct Source {
    kind: WaitingKind,
    subject: &'static str,
    roles: &'static [Role],
    sql: &'static str,
}

// The days for an answer stand in the SQL below.
const _: () = assert!(ANSWER_DAYS == 14, "change the days for an answer in the sources as well");

const OWN: &[Role] = &[PartnerAdmin, PartnerWorker];

const SOURCES: &[Source] = &[
    Source {
        kind: WaitingKind::CheckExpires,
        subject: "partner",
        roles: OWN,
        sql: "SELECT one.id, reference, name, part ->> 'valid_until', part ->> 'check'
              FROM asked, partner AS one, jsonb_array_elements(one.doc -> 'checks') AS part
              WHERE one.id = partner AND status IN ('applied', 'approved', 'suspended')
                AND part ->> 'decided' IN ('passed', 'waived') AND part ->> 'valid_until' <= soon",
    },
    Source {
        kind: WaitingKind::ReturnDue,
        subject: "grant",
        roles: OWN,
        sql: "SELECT one.id, reference, one.doc ->> 'title', part -> 'terms' ->> 'due', part -> 'terms' ->> 'kind'
              FROM asked, grant_case AS one, jsonb_array_elements(one.doc -> 'returns') AS part
              WHERE one.partner = asked.partner AND part ->> 'status' = 'requested'",
    },
    Source {
        kind: WaitingKind::ReturnQueried,
        subject: "grant",
        roles: OWN,
        sql: "SELECT one.id, reference, one.doc ->> 'title', part -> 'terms' ->> 'due', part -> 'terms' ->> 'kind'
              FROM asked, grant_case AS one, jsonb_array_elements(one.doc -> 'returns') AS part
              WHERE one.partner = asked.partner AND part ->> 'status' = 'queried'",
    },
    Source {
        kind: WaitingKind::GrantToAccept,
        subject: "grant",
        roles: &[PartnerAdmin],
        sql: "SELECT id, reference, doc ->> 'title', doc -> 'offer' ->> 'accept_by', NULL
              FROM asked, grant_case AS one
              WHERE one.partner = asked.partner AND status = 'offered' AND doc -> 'offer' ->> 'accept_by' >= today",
    },
    Source {
        kind: WaitingKind::QuestionToAnswer,
        subject: "grant",
        roles: OWN,
        sql: "SELECT one.id, reference, one.doc ->> 'title', part ->> 'by', part ->> 'what'
              FROM asked, grant_case AS one, jsonb_array_elements(one.doc -> 'questions') AS part
              WHERE one.partner = asked.partner AND status IN ('submitted', 'assessing', 'recommended')
                AND part ->> 'answered_on' IS NULL",
    },
    Source {
        kind: WaitingKind::OfferSentBack,
        subject: "offer",
        roles: OWN,
        sql: "SELECT id, reference, title, doc -> 'sent_back' ->> 'on', doc -> 'sent_back' ->> 'why'
              FROM asked, offer AS one
              WHERE one.partner = asked.partner AND status = 'draft' AND doc -> 'sent_back' <> 'null'",
    },
    Source {
        kind: WaitingKind::OfferToConfirm,
        subject: "offer",
        roles: OWN,
        sql: "SELECT id, reference, title, confirm_by, NULL FROM asked, offer AS one
              WHERE one.partner = asked.partner AND status IN ('published', 'paused') AND confirm_by <= soon",
    },
    Source {
        kind: WaitingKind::ChangeRefused,
        subject: "offer",
        roles: OWN,
        sql: "SELECT one.id, reference, title, part ->> 'decided_on', part ->> 'why'
              FROM asked, offer AS one, jsonb_array_elements(one.doc -> 'changes') AS part
              WHERE one.partner = asked.partner AND status IN ('published', 'paused')
                AND part ->> 'status' = 'refused' AND part ->> 'decided_on' >= lately",
    },
    Source {
        kind: WaitingKind::OwnOfferReported,
        subject: "offer",
        roles: OWN,
        sql: "SELECT one.id, reference, title, part ->> 'reported_on', part ->> 'what'
              FROM asked, offer AS one, jsonb_array_elements(one.doc -> 'reports') AS part
              WHERE one.partner = asked.partner AND status IN ('published', 'paused')
                AND part ->> 'outcome' IS NULL",
    },
    Source {
        kind: WaitingKind::PrescriptionToAnswer,
        subject: "prescription",
        roles: OWN,
        sql: "SELECT one.id, promised.reference, promised.title, (one.sent_on::date + 14)::text, NULL
              FROM asked CROSS JOIN prescription AS one JOIN offer AS promised ON promised.id = one.offer
              WHERE one.partner = asked.partner AND one.sent_on IS NOT NULL AND one.status = 'sent'",
    },
    Source {
        kind: WaitingKind::PrescriptionToSend,
        subject: "prescription",
        roles: &[Advisor],
        sql: "SELECT one.id, promised.reference, promised.title, one.made_on, NULL
              FROM asked CROSS JOIN prescription AS one JOIN offer AS promised ON promised.id = one.offer
              WHERE one.made_by = asked.person AND one.status = 'made'",
    },
    Source {
        kind: WaitingKind::AnswerOverdue,
        subject: "prescription",
        roles: &[Advisor],
        sql: "SELECT one.id, promised.reference, promised.title, (one.sent_on::date + 14)::text, NULL
              FROM asked CROSS JOIN prescription AS one JOIN offer AS promised ON promised.id = one.offer
              WHERE one.made_by = asked.person AND one.status = 'sent' AND (one.sent_on::date + 14) < today::date",
    },
    Source {
        kind: WaitingKind::PrescriptionUnanswered,
        subject: "prescription",
        roles: &[Advisor],
        sql: "SELECT one.id, promised.reference, promised.title, (one.sent_on::date + 14)::text, NULL
              FROM asked CROSS JOIN prescription AS one JOIN offer AS promised ON promised.id = one.offer
              WHERE one.made_by = asked.person AND one.status = 'unanswered'",
    },
    Source {
        kind: WaitingKind::PrescriptionDeclined,
        subject: "prescription",
        roles: &[Advisor],
        sql: "SELECT one.id, promised.reference, promised.title, one.doc ->> 'answered_on', one.doc ->> 'declined'
              FROM asked CROSS JOIN prescription AS one JOIN offer AS promised ON promised.id = one.offer
              WHERE one.made_by = asked.person AND one.status = 'declined'",
    },
    Source {
        kind: WaitingKind::PrescriptionToTell,
        subject: "prescription",
        roles: &[Advisor],
        sql: "SELECT one.id, promised.reference, promised.title, one.ended_on, NULL
              FROM asked CROSS JOIN prescription AS one JOIN offer AS promised ON promised.id = one.offer
              WHERE one.made_by = asked.person AND one.referral IS NOT NULL AND one.told_on IS NULL
                AND one.status IN ('closed', 'passed_on')",
    },
    Source {
        kind: WaitingKind::OfferToReview,
        subject: "offer",
        roles: &[Commissioner, Inclusion],
        sql: "SELECT id, reference, title, doc ->> 'submitted_on', NULL FROM offer WHERE status = 'in_review'",
    },
    Source {
        kind: WaitingKind::ChangeToReview,
        subject: "offer",
        roles: &[Commissioner, Inclusion],
        sql: "SELECT one.id, reference, title, part ->> 'proposed_on', NULL
              FROM asked, offer AS one, jsonb_array_elements(one.doc -> 'changes') AS part
              WHERE status IN ('published', 'paused') AND part ->> 'status' = 'waiting'
                AND part ->> 'proposed_by' <> person::text",
    },
    Source {
        kind: WaitingKind::ReportToAnswer,
        subject: "offer",
        roles: &[Commissioner, Inclusion],
        sql: "SELECT one.id, reference, title, part ->> 'reported_on', part ->> 'what'
              FROM offer AS one, jsonb_array_elements(one.doc -> 'reports') AS part
              WHERE status IN ('published', 'paused') AND part ->> 'outcome' IS NULL",
    },
    Source {
        kind: WaitingKind::ReturnToAccept,
        subject: "grant",
        roles: &[Commissioner],
        sql: "SELECT one.id, reference, one.doc ->> 'title', part ->> 'submitted_on', part -> 'terms' ->> 'kind'
              FROM grant_case AS one, jsonb_array_elements(one.doc -> 'returns') AS part
              WHERE part ->> 'status' = 'submitted'",
    },
    Source {
        kind: WaitingKind::PartnerReviewOverdue,
        subject: "partner",
        roles: &[Commissioner],
        sql: "SELECT id, reference, name, doc ->> 'next_review', NULL FROM asked, partner
              WHERE status IN ('approved', 'suspended') AND doc ->> 'next_review' < today",
    },
    Source {
        kind: WaitingKind::GrantOfferLapsed,
        subject: "grant",
        roles: &[Commissioner],
        sql: "SELECT id, reference, doc ->> 'title', doc -> 'offer' ->> 'accept_by', NULL
              FROM asked, grant_case
              WHERE status = 'offered' AND doc -> 'offer' ->> 'accept_by' < today",
    },
    Source {
        kind: WaitingKind::GrantToApprove,
        subject: "grant",
        roles: &[Approver],
        sql: "SELECT id, reference, doc ->> 'title', NULL, NULL FROM asked, grant_case
              WHERE status = 'recommended' AND doc -> 'first_approval' = 'null'
                AND doc ->> 'proposer' <> person::text AND NOT doc -> 'assessors' ? person::text
                AND NOT doc -> 'conflicts' @> jsonb_build_array(jsonb_build_object('person', person))",
    },
    Source {
        kind: WaitingKind::SecondApproval,
        subject: "grant",
        roles: &[Approver],
        sql: "SELECT id, reference, doc ->> 'title', NULL, NULL FROM asked, grant_case
              WHERE status = 'recommended' AND doc -> 'first_approval' <> 'null'
                AND doc #>> '{first_approval,first,approver}' <> person::text
                AND doc ->> 'proposer' <> person::text AND NOT doc -> 'assessors' ? person::text
                AND NOT doc -> 'conflicts' @> jsonb_build_array(jsonb_build_object('person', person))",
    },
    Source {
        kind: WaitingKind::VariationToDecide,
        subject: "grant",
        roles: &[Approver],
        sql: "SELECT one.id, reference, one.doc ->> 'title', part ->> 'requested_on', NULL
              FROM asked, grant_case AS one, jsonb_array_elements(one.doc -> 'variations') AS part
              WHERE part ->> 'status' = 'requested' AND part ->> 'requested_by' <> person::text
                AND part #>> '{first,approver}' IS DISTINCT FROM person::text
                AND NOT one.doc -> 'conflicts' @> jsonb_build_array(jsonb_build_object('person', person))",
    },
    Source {
        kind: WaitingKind::TerminationToDecide,
        subject: "grant",
        roles: &[Approver],
        sql: "SELECT id, reference, doc ->> 'title', doc #>> '{termination,proposed_on}', NULL
              FROM asked, grant_case
              WHERE status IN ('active', 'closing', 'suspended') AND doc -> 'termination' <> 'null'
                AND doc #>> '{termination,proposed_by}' <> person::text
                AND NOT doc -> 'conflicts' @> jsonb_build_array(jsonb_build_object('person', person))",
    },
    Source {
        kind: WaitingKind::RunToApprove,
        subject: "payment_run",
        roles: &[Approver],
        sql: "SELECT id, reference, doc ->> 'title', doc ->> 'pay_on', NULL FROM asked, payment_run
              WHERE doc ->> 'status' = 'open' AND doc -> 'lines' @> '[{\"status\": \"pending\"}]'
                AND doc ->> 'opened_by' <> person::text",
    },
    Source {
        kind: WaitingKind::BankToVerify,
        subject: "partner",
        roles: &[Finance],
        sql: "SELECT id, reference, name, doc -> 'bank' ->> 'submitted_on', NULL FROM partner
              WHERE status IN ('applied', 'approved', 'suspended') AND doc -> 'bank' <> 'null'
                AND doc -> 'bank' -> 'verified_by' = 'null'",
    },
    Source {
        kind: WaitingKind::PaymentDue,
        subject: "grant",
        roles: &[Finance],
        sql: "SELECT one.id, reference, one.doc ->> 'title', part ->> 'pay_on', part ->> 'amount'
              FROM asked, grant_case AS one, jsonb_array_elements(one.doc -> 'instalments') AS part
              WHERE status IN ('active', 'closing') AND part ->> 'pay_on' <= soon AND part ->> 'paid_on' IS NULL
                AND part ->> 'closed_on' IS NULL AND part ->> 'run' IS NULL",
    },
    Source {
        kind: WaitingKind::RunToRelease,
        subject: "payment_run",
        roles: &[Finance],
        sql: "SELECT id, reference, doc ->> 'title', doc ->> 'pay_on', NULL FROM asked, payment_run
              WHERE doc ->> 'status' = 'approved' AND doc ->> 'opened_by' <> person::text",
    },
    Source {
        kind: WaitingKind::RunToExport,
        subject: "payment_run",
        roles: &[Finance],
        sql: "SELECT id, reference, doc ->> 'title', doc ->> 'pay_on', NULL FROM payment_run
              WHERE doc ->> 'status' = 'released'",
    },
    Source {
        kind: WaitingKind::ReturnToSettle,
        subject: "payment_run",
        roles: &[Finance],
        sql: "SELECT one.id, reference, one.doc ->> 'title', part #>> '{dispute,value_date}', part ->> 'number'
              FROM asked, payment_run AS one, jsonb_array_elements(one.doc -> 'lines') AS part
              WHERE part -> 'dispute' -> 'settled' = 'null' AND part #>> '{dispute,noted_by}' <> person::text",
    },
    Source {
        kind: WaitingKind::RunToReconcile,
        subject: "payment_run",
        roles: &[Finance],
        sql: "SELECT id, reference, doc ->> 'title', doc ->> 'pay_on', NULL FROM payment_run
              WHERE doc ->> 'status' = 'exported'",
    },
    // Of people nothing is shown but the day something came, in the place of a name.
    Source {
        kind: WaitingKind::ReferralToTriage,
        subject: "referral",
        roles: &[Advisor],
        sql: "SELECT one.id, '', to_char(one.received_on::date, 'FMDD FMMonth YYYY'), triage_due, source
              FROM referral AS one JOIN person AS whom ON whom.id = one.person AND NOT whom.erased
              WHERE status = 'received'",
    },
    Source {
        kind: WaitingKind::ReferrerToTell,
        subject: "referral",
        roles: &[Advisor],
        sql: "SELECT one.id, '', to_char(one.received_on::date, 'FMDD FMMonth YYYY'), one.doc ->> 'decided_on', source
              FROM asked, referral AS one JOIN person AS whom ON whom.id = one.person AND NOT whom.erased
              WHERE status IN ('accepted', 'declined', 'redirected') AND source <> 'self'
                AND one.doc ->> 'told_on' IS NULL AND one.doc ->> 'decided_on' >= lately",
    },
    Source {
        kind: WaitingKind::ErasureToDo,
        subject: "person",
        roles: &[Advisor],
        sql: "SELECT one.id, '', to_char((one.doc #>> '{asked,asked_on}')::date, 'FMDD FMMonth YYYY'),
                     one.doc #>> '{asked,asked_on}', one.doc #>> '{asked,ground}'
              FROM asked, person AS one
              WHERE one.asked AND one.doc #>> '{asked,asked_by}' <> asked.person::text",
    },
    Source {
        kind: WaitingKind::ConsultationToWriteUp,
        subject: "consultation",
        roles: &[Inclusion],
        sql: "SELECT id, reference, doc ->> 'title', doc ->> 'held_on', NULL FROM consultation
              WHERE status = 'held'",
    },
    Source {
        kind: WaitingKind::VoiceToCheck,
        subject: "consultation",
        roles: &[Inclusion],
        sql: "SELECT one.id, reference, one.doc ->> 'title', part ->> 'recorded_on', NULL
              FROM asked, consultation AS one, jsonb_array_elements(one.doc -> 'voices') AS part
              WHERE part ->> 'may_be_published' = 'true' AND part ->> 'names_nobody' IS NULL
                AND part ->> 'withdrawn_on' IS NULL AND part ->> 'recorded_by' <> person::text",
    },
    Source {
        kind: WaitingKind::NeedUnanswered,
        subject: "consultation",
        roles: &[Commissioner, Inclusion],
        sql: "SELECT one.id, part ->> 'reference', part ->> 'statement', part ->> 'heard_on', one.reference
              FROM consultation AS one, jsonb_array_elements(one.doc -> 'needs') AS part
              WHERE status = 'themes_agreed' AND part ->> 'standing' = 'unanswered'",
    },
    Source {
        kind: WaitingKind::CommitmentDue,
        subject: "consultation",
        roles: &[Commissioner, Inclusion],
        sql: "SELECT one.id, reference, one.doc ->> 'title', part ->> 'by_when', part ->> 'statement'
              FROM asked, consultation AS one, jsonb_array_elements(one.doc -> 'commitments') AS part
              WHERE part ->> 'standing' = 'open' AND part ->> 'by_when' <= soon
                AND part ->> 'owner' = person::text",
    },
    Source {
        kind: WaitingKind::FeedbackOwed,
        subject: "consultation",
        roles: &[Inclusion],
        sql: "SELECT id, reference, doc ->> 'title', NULL, NULL FROM consultation WHERE status = 'answered'",
    },
];

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// In what role.
    pub role: Role,
    /// Who.
    pub person: PersonId,
    /// Of which partner, in a partner's role.
    pub partner: Option<PartnerId>,
    /// Today.
    pub today: Date,
}

/// One thing that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRecord {
    /// What kind of thing it is.
    pub kind: WaitingKind,
    /// The type of what it is about: partner, grant, offer, payment_run, prescription, referral or person.
    pub subject: &'static str,
    /// The id of what it is about.
    pub id: Uuid,
    /// Its human reference; empty for what is about a person who is helped.
    pub reference: String,
    /// Its name or title; the day it came, for what is about a person who is helped.
    pub name: String,
    /// The day it is due; where nothing sets one, the day since which it waits, if that is known.
    pub due: Option<Date>,
    /// What more there is to say.
    pub detail: Option<String>,
}

/// What waits for somebody: what is due first stands first, and last what is due on no day.
///
/// # Errors
/// When the database fails.
pub async fn waits_for(
    executor: impl PgExecutor<'_>,
    asker: Asker,
    limit: i64,
) -> Result<Vec<WaitingRecord>, Trouble> {
    let sources: Vec<&Source> = SOURCES.iter().filter(|source| source.roles.contains(&asker.role)).collect();
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let parts = (0..).zip(&sources).map(|(place, source): (i32, _)| {
        format!(
            "SELECT {place} AS source, part.* FROM ({}) AS part (id, reference, name, due, detail)",
            source.sql
        )
    });
    let sql = format!(
        "WITH asked AS (SELECT $1::text AS today, $2::text AS soon, $3::text AS lately, $4::uuid AS partner,
                               $5::uuid AS person)
         SELECT source, id, reference, name, due::date, detail FROM ({}) AS waits
         ORDER BY due NULLS LAST, source, reference LIMIT $6",
        parts.collect::<Vec<_>>().join(" UNION ALL ")
    );
    let soon = asker.today.checked_add_days(Days::new(SOON)).unwrap_or(asker.today);
    let lately = asker.today.checked_sub_days(Days::new(SOON)).unwrap_or(asker.today);
    let rows = sqlx::query(&sql)
        .bind(asker.today.to_string())
        .bind(soon.to_string())
        .bind(lately.to_string())
        .bind(asker.partner.map(|partner| partner.0))
        .bind(asker.person.0)
        .bind(limit)
        .fetch_all(executor)
        .await?;
    let waits = rows.iter().map(|row| {
        let place = usize::try_from(row.try_get::<i32, _>(0)?).unwrap_or_default();
        let source = sources.get(place).ok_or_else(|| Trouble::Other("a source that is not there".into()))?;
        Ok(WaitingRecord {
            kind: source.kind,
            subject: source.subject,
            id: row.try_get(1)?,
            reference: row.try_get(2)?,
            name: row.try_get(3)?,
            due: row.try_get(4)?,
            detail: row.try_get(5)?,
        })
    });
    waits.collect()
}
