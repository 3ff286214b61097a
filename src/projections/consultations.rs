//! Consultations as people look them up, with the needs heard at them, the voices behind those and what was promised.

mod fold;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, Row as _};
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::consultation::{
    CommitmentKind, CommitmentStanding, ConsultationStatus, FeedbackChannel, GroupHeads, Method,
    NeedStanding, Progress, Rung, ShownBy, Strength, Trace, WhatYouMeant,
};
use crate::domain::evidence::Evidence;
use crate::domain::identity::{CommitmentId, ConsultationId, NeedId, PartnerId, PersonId, VoiceId};
use crate::domain::places::{Area, Community};
use crate::domain::record::Fact;
use crate::domain::vocabulary::{Access, Language, NeedCode};
use crate::store::log::Recorded;

/// A consultation as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConsultationRecord {
    /// Human reference.
    pub reference: String,
    /// What it is called.
    pub title: String,
    /// What it is to find out.
    pub purpose: String,
    /// The decision that what is said can still influence.
    pub decision: String,
    /// The rung that was intended.
    pub rung_intended: Option<Rung>,
    /// The rung that was reached, once it is closed.
    pub rung_reached: Option<Rung>,
    /// How people are listened to.
    pub method: Option<Method>,
    /// Whose voices are sought.
    pub communities: BTreeSet<Community>,
    /// The partner that hosts it.
    pub host: Option<PartnerId>,
    /// The area.
    pub area: Option<Area>,
    /// The place.
    pub venue: String,
    /// The day it was planned for.
    pub planned_for: Date,
    /// What makes it possible to take part.
    pub access: BTreeSet<Access>,
    /// The languages it is held in.
    pub languages: BTreeSet<Language>,
    /// The day it was held.
    pub held_on: Option<Date>,
    /// Who came, in bands.
    pub heads: Vec<GroupHeads>,
    /// Whether somebody may count in more than one community.
    pub groups_overlap: bool,
    /// What was written up.
    pub report: Option<Evidence>,
    /// The themes agreed.
    pub themes: BTreeSet<String>,
    /// How those who were there checked them.
    pub how_checked: Option<String>,
    /// The voices.
    pub voices: Vec<VoiceRecord>,
    /// The needs heard.
    pub needs: Vec<NeedRecord>,
    /// What was promised.
    pub commitments: Vec<CommitmentRecord>,
    /// Who was told what came of it.
    pub feedback: Vec<FeedbackRecord>,
    /// What they answered.
    pub answers: Vec<AnswerRecord>,
    /// When somebody was first told what came of it: from then on it is public.
    pub fed_back_on: Option<Date>,
    /// When it was closed.
    pub closed_on: Option<Date>,
    /// When it was called off.
    pub cancelled_on: Option<Date>,
    /// How far it has come.
    pub progress: Progress,
    /// Where it stands.
    pub status: ConsultationStatus,
}

/// Somebody's own words: where they stand, not what they say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceRecord {
    /// Whose.
    pub id: VoiceId,
    /// For which community they speak.
    pub group: Community,
    /// What looks as if it could tell who somebody is.
    pub traces: BTreeSet<Trace>,
    /// Whether whoever said it agreed that it may be published.
    pub may_be_published: bool,
    /// Who recorded it.
    pub recorded_by: PersonId,
    /// When.
    pub recorded_on: Date,
    /// Who checked it.
    pub checked_by: Option<PersonId>,
    /// What the check found.
    pub names_nobody: Option<bool>,
    /// When it was published.
    pub published_on: Option<Date>,
    /// When it was taken back.
    pub withdrawn_on: Option<Date>,
}

/// A need as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedRecord {
    /// Its id.
    pub id: NeedId,
    /// Human reference.
    pub reference: String,
    /// The theme it belongs to.
    pub theme: String,
    /// The need in plain public words.
    pub statement: String,
    /// The kinds of need it is.
    pub codes: BTreeSet<NeedCode>,
    /// The voices that say so.
    pub voices: BTreeSet<VoiceId>,
    /// How many of those who were there said so.
    pub strength: Strength,
    /// When it was heard.
    pub heard_on: Date,
    /// What became of it.
    pub standing: NeedStanding,
    /// When it was last answered.
    pub answered_on: Option<Date>,
    /// The need it went into.
    pub merged_into: Option<NeedId>,
    /// Where that one was heard.
    pub merged_into_consultation: Option<ConsultationId>,
    /// Why nothing can be done, where that is the answer.
    pub public_reason: Option<String>,
    /// The body or post that decided so.
    pub decided_by: Option<String>,
}

/// A commitment as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitmentRecord {
    /// Its id.
    pub id: CommitmentId,
    /// The needs it is about.
    pub needs: BTreeSet<NeedId>,
    /// What kind of promise it is.
    pub kind: CommitmentKind,
    /// What is promised.
    pub statement: String,
    /// Whom we ask.
    pub asked: Option<String>,
    /// Who answers for it.
    pub owner: PersonId,
    /// The last day on which it is in time.
    pub by_when: Date,
    /// When it was made.
    pub made_on: Date,
    /// When it was last changed.
    pub changed_on: Option<Date>,
    /// When it was kept or missed.
    pub settled_on: Option<Date>,
    /// What became of it.
    pub standing: CommitmentStanding,
    /// What was done towards it.
    pub actions: Vec<ActionRecord>,
    /// What shows it.
    pub shown_by: Vec<ShownBy>,
}

impl CommitmentRecord {
    /// Whether it is open and its day has gone by.
    #[must_use]
    pub fn overdue(&self, today: Date) -> bool {
        self.standing == CommitmentStanding::Open && today > self.by_when
    }
}

/// A step towards a commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// What was done.
    pub what: String,
    /// When.
    pub on: Date,
}

/// Who was told what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackRecord {
    /// When.
    pub on: Date,
    /// Which communities.
    pub groups: BTreeSet<Community>,
    /// How.
    pub channel: FeedbackChannel,
    /// In which languages.
    pub languages: BTreeSet<Language>,
}

/// What those who were told answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerRecord {
    /// When.
    pub on: Date,
    /// Of which community.
    pub group: Community,
    /// Whether it is what they meant.
    pub meant: WhatYouMeant,
    /// What the team takes from it.
    pub taken_from_it: Option<String>,
}

impl Record for ConsultationRecord {
    const TABLE: Table = Table {
        name: "consultation",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            status text GENERATED ALWAYS AS (doc ->> 'status') STORED, \
            host uuid GENERATED ALWAYS AS ((doc ->> 'host')::uuid) STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} USING gin ((doc -> 'needs') jsonb_path_ops)",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "consultation";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Consultation(fact) = &event.fact else { return false };
        self.fold(fact.clone(), event.effective_on);
        self.progress.take(fact);
        self.status = self.progress.status();
        true
    }
}

impl ConsultationRecord {
    /// The need with an id, where it was heard here.
    #[must_use]
    pub fn need(&self, id: NeedId) -> Option<&NeedRecord> {
        self.needs.iter().find(|need| need.id == id)
    }

    /// What was promised about a need.
    pub fn commitments_for(&self, need: NeedId) -> impl Iterator<Item = &CommitmentRecord> {
        self.commitments.iter().filter(move |commitment| commitment.needs.contains(&need))
    }
}

/// Which consultations, needs or commitments to list; what is left out does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Consultations that stand there.
    pub status: Option<ConsultationStatus>,
    /// Hosted by this partner.
    pub host: Option<PartnerId>,
    /// In this area.
    pub area: Option<Area>,
    /// That sought this community.
    pub community: Option<Community>,
    /// Needs that stand there.
    pub need_standing: Option<NeedStanding>,
    /// Needs of this kind.
    pub need_code: Option<NeedCode>,
    /// Commitments that stand there.
    pub commitment_standing: Option<CommitmentStanding>,
    /// Commitments somebody answers for.
    pub owner: Option<PersonId>,
    /// Commitments due before this day.
    pub due_before: Option<Date>,
    /// Consultations whose participants were told what came of it.
    pub told_only: bool,
    /// After the entry with this reference.
    pub after: Option<String>,
    /// At most this many.
    pub limit: i64,
}

/// The conditions on a consultation `c`; the values are bound by [`Filter::bound`].
const OF_CONSULTATION: &str = "($1::text IS NULL OR c.status = $1) AND ($2::uuid IS NULL OR c.host = $2)
    AND ($3::text IS NULL OR c.doc ->> 'area' = $3)
    AND ($4::text IS NULL OR c.doc -> 'communities' ? $4)
    AND (NOT $5 OR c.doc ->> 'fed_back_on' IS NOT NULL)";

type Question<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

impl Filter {
    fn bound<'q>(&self, sql: &'q str) -> Question<'q> {
        sqlx::query(sql)
            .bind(self.status.map(ConsultationStatus::code))
            .bind(self.host.map(|host| host.0))
            .bind(self.area.map(Area::code))
            .bind(self.community.map(Community::code))
            .bind(self.told_only)
    }
}

/// Consultations by reference, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
) -> Result<Vec<(Uuid, ConsultationRecord)>, Trouble> {
    let sql = format!(
        "SELECT c.id, c.doc::text FROM consultation c WHERE {OF_CONSULTATION}
         AND ($6::text IS NULL OR c.reference > $6) ORDER BY c.reference LIMIT $7"
    );
    let rows = filter.bound(&sql).bind(filter.after.clone()).bind(filter.limit).fetch_all(executor).await?;
    read(&rows)
}

/// A part of a consultation: which one, and the id of the part.
pub type Part = (Uuid, Uuid);

fn parts(rows: &[sqlx::postgres::PgRow]) -> Result<Vec<Part>, Trouble> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Needs by reference, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn needs(executor: impl PgExecutor<'_>, filter: &Filter) -> Result<Vec<Part>, Trouble> {
    let sql = format!(
        "SELECT c.id, (n ->> 'id')::uuid FROM consultation c
         CROSS JOIN LATERAL jsonb_array_elements(c.doc -> 'needs') n WHERE {OF_CONSULTATION}
         AND ($6::text IS NULL OR n ->> 'reference' > $6 COLLATE \"C\")
         AND ($8::text IS NULL OR n ->> 'standing' = $8) AND ($9::text IS NULL OR n -> 'codes' ? $9)
         ORDER BY n ->> 'reference' COLLATE \"C\" LIMIT $7"
    );
    let question = filter.bound(&sql).bind(filter.after.clone()).bind(filter.limit);
    let rows = question
        .bind(filter.need_standing.map(NeedStanding::code))
        .bind(filter.need_code.map(NeedCode::code))
        .fetch_all(executor)
        .await?;
    parts(&rows)
}

/// Commitments by the day on which they are due.
///
/// # Errors
/// When the database fails.
pub async fn commitments(executor: impl PgExecutor<'_>, filter: &Filter) -> Result<Vec<Part>, Trouble> {
    let sql = format!(
        "SELECT c.id, (p ->> 'id')::uuid FROM consultation c
         CROSS JOIN LATERAL jsonb_array_elements(c.doc -> 'commitments') p WHERE {OF_CONSULTATION}
         AND ($7::text IS NULL OR p ->> 'standing' = $7) AND ($8::uuid IS NULL OR (p ->> 'owner')::uuid = $8)
         AND ($9::text IS NULL OR p ->> 'by_when' < $9 COLLATE \"C\")
         ORDER BY p ->> 'by_when' COLLATE \"C\", p ->> 'id' LIMIT $6"
    );
    let rows = filter
        .bound(&sql)
        .bind(filter.limit)
        .bind(filter.commitment_standing.map(CommitmentStanding::code))
        .bind(filter.owner.map(|owner| owner.0))
        .bind(filter.due_before.map(|day| day.to_string()))
        .fetch_all(executor)
        .await?;
    parts(&rows)
}

/// Where each of these needs was heard.
///
/// # Errors
/// When the database fails.
pub async fn heard_at(executor: impl PgExecutor<'_>, needs: &[NeedId]) -> Result<Vec<Part>, Trouble> {
    holding(executor, "id", needs).await
}

/// The needs that went straight into one of these.
///
/// # Errors
/// When the database fails.
pub async fn merged_into(executor: impl PgExecutor<'_>, needs: &[NeedId]) -> Result<Vec<Part>, Trouble> {
    holding(executor, "merged_into", needs).await
}

/// The needs whose `key` is one of these: the first condition is for the index, the second picks them out.
async fn holding(
    executor: impl PgExecutor<'_>,
    key: &'static str,
    needs: &[NeedId],
) -> Result<Vec<Part>, Trouble> {
    let patterns: Vec<String> = needs.iter().map(|need| format!(r#"[{{"{key}":"{need}"}}]"#)).collect();
    let ids: Vec<String> = needs.iter().map(ToString::to_string).collect();
    let rows = sqlx::query(
        "SELECT c.id, (n ->> 'id')::uuid FROM consultation c
         CROSS JOIN LATERAL jsonb_array_elements(c.doc -> 'needs') n
         WHERE c.doc -> 'needs' @> ANY($1::text[]::jsonb[]) AND n ->> $2 = ANY($3)
         ORDER BY n ->> 'reference' COLLATE \"C\"",
    )
    .bind(patterns)
    .bind(key)
    .bind(ids)
    .fetch_all(executor)
    .await?;
    parts(&rows)
}
