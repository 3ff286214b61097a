//! Sessions as people look them up, and what they come to by month, area, setting, site and course.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::identity::{CourseId, PartnerId, PersonId, PersonRef, SiteId};
use crate::domain::places::{Area, Setting};
use crate::domain::record::Fact;
use crate::domain::session::{SessionEvent, SessionStatus, TimeOfDay};
use crate::store::log::Recorded;

/// A session as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The course.
    pub course: CourseId,
    /// The site.
    pub site: SiteId,
    /// The area, as it was when the session was planned.
    pub area: Option<Area>,
    /// What kind of place it was then.
    pub setting: Option<Setting>,
    /// The partner whose place it is.
    pub host: Option<PartnerId>,
    /// The day.
    pub day: Date,
    /// When it begins.
    pub starts_at: TimeOfDay,
    /// How many can come.
    pub places: u32,
    /// Who leads it.
    pub led_by: PersonId,
    /// How far it has come.
    pub status: SessionStatus,
    /// How many came: attendances.
    pub heads: Option<u32>,
    /// Who was marked as having come.
    pub marked: BTreeSet<PersonRef>,
}

impl Record for SessionRecord {
    const TABLE: Table = Table {
        name: "session",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            day text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'day') STORED, \
            starts text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'starts_at') STORED, \
            area text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'area') STORED, \
            setting text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'setting') STORED, \
            status text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'status') STORED, \
            site uuid GENERATED ALWAYS AS ((doc ->> 'site')::uuid) STORED, \
            course uuid GENERATED ALWAYS AS ((doc ->> 'course')::uuid) STORED, \
            host uuid GENERATED ALWAYS AS ((doc ->> 'host')::uuid) STORED, \
            heads bigint GENERATED ALWAYS AS ((doc ->> 'heads')::bigint) STORED",
        copied: "id, doc",
        indexes: &["ALTER TABLE {table} ADD PRIMARY KEY (id)", "CREATE INDEX ON {table} (day, starts, id)"],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "session";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Session(fact) = &event.fact else { return false };
        match fact.clone() {
            SessionEvent::Scheduled { course, site, area, setting, host, day, starts_at, places, led_by } => {
                *self = Self {
                    course,
                    site,
                    area: Some(area),
                    setting: Some(setting),
                    host,
                    day,
                    starts_at,
                    places,
                    led_by,
                    ..Self::default()
                };
            }
            SessionEvent::Cancelled {} => self.status = SessionStatus::Cancelled,
            SessionEvent::Delivered {} => self.status = SessionStatus::Delivered,
            SessionEvent::AttendanceCounted { heads }
            | SessionEvent::AttendanceCorrected { from: _, to: heads } => self.heads = Some(heads),
            SessionEvent::AttendeeMarked { person } => drop(self.marked.insert(person)),
        }
        true
    }
}

/// Which sessions to look at.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// On this day or later.
    pub from: Option<Date>,
    /// On this day or earlier.
    pub to: Option<Date>,
    /// In one of these areas; anywhere where none is named.
    pub areas: Vec<Area>,
    /// In one of these settings; in any where none is named.
    pub settings: Vec<Setting>,
    /// At this site.
    pub site: Option<Uuid>,
    /// Of this course.
    pub course: Option<Uuid>,
    /// At this partner's place.
    pub host: Option<Uuid>,
    /// That have come so far.
    pub status: Option<SessionStatus>,
}

impl Filter {
    fn narrow<'q>(&self, mut query: QueryBuilder<'q, Postgres>) -> QueryBuilder<'q, Postgres> {
        query.push(" FROM session WHERE true");
        if let Some(from) = self.from {
            query.push(" AND day >= ").push_bind(from.to_string());
        }
        if let Some(to) = self.to {
            query.push(" AND day <= ").push_bind(to.to_string());
        }
        if !self.areas.is_empty() {
            let areas: Vec<&str> = self.areas.iter().map(|area| area.code()).collect();
            query.push(" AND area = ANY(").push_bind(areas).push(")");
        }
        if !self.settings.is_empty() {
            let settings: Vec<&str> = self.settings.iter().map(|setting| setting.code()).collect();
            query.push(" AND setting = ANY(").push_bind(settings).push(")");
        }
        for (column, id) in [("site", self.site), ("course", self.course), ("host", self.host)] {
            if let Some(id) = id {
                query.push(format!(" AND {column} = ")).push_bind(id);
            }
        }
        if let Some(status) = self.status {
            query.push(" AND status = ").push_bind(status.code());
        }
        query
    }
}

/// Sessions by day and time, after one of them (day, time, id).
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
    after: Option<(String, String, Uuid)>,
    limit: i64,
) -> Result<Vec<(Uuid, SessionRecord)>, Trouble> {
    let mut query = filter.narrow(QueryBuilder::new("SELECT id, doc::text"));
    if let Some((day, starts, id)) = after {
        query.push(" AND (day, starts, id) > (").push_bind(day).push(", ");
        query.push_bind(starts).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY day, starts, id LIMIT ").push_bind(limit);
    read(&query.build().fetch_all(executor).await?)
}

/// What activity is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// All of it together.
    Nothing,
    /// By month of the session, such as `2026-04`.
    Month,
    /// By area.
    Area,
    /// By setting.
    Setting,
    /// By site.
    Site,
    /// By course.
    Course,
}

impl By {
    const fn key(self) -> &'static str {
        match self {
            Self::Nothing => "''",
            Self::Month => "left(day, 7)",
            Self::Area => "area",
            Self::Setting => "setting",
            Self::Site => "site::text",
            Self::Course => "course::text",
        }
    }
}

/// What sessions come to. Attendances and people stand apart: one person can attend many times.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// What they have in common: a month, a code or an id.
    pub key: String,
    /// Sessions that are planned and not yet told of.
    pub planned: i64,
    /// Sessions that took place.
    pub delivered: i64,
    /// Sessions that were cancelled.
    pub cancelled: i64,
    /// Of those that took place, how many are counted.
    pub counted: i64,
    /// Attendances counted.
    pub attendances: i64,
    /// Different people who were marked as having come.
    pub people_marked: i64,
}

/// What sessions come to, by what is asked.
///
/// # Errors
/// When the database fails.
pub async fn tally(executor: impl PgExecutor<'_>, filter: &Filter, by: By) -> Result<Vec<Tally>, Trouble> {
    let narrowed = filter.narrow(QueryBuilder::new(format!(
        "WITH one AS (SELECT {} AS key, status, heads, doc -> 'marked' AS marked",
        by.key()
    )));
    let mut query = narrowed;
    query.push(
        ") SELECT key, count(*) FILTER (WHERE status = 'planned'), count(*) FILTER (WHERE status = 'delivered'),
              count(*) FILTER (WHERE status = 'cancelled'), count(heads), coalesce(sum(heads), 0)::bigint,
              (SELECT count(DISTINCT person) FROM one AS same, jsonb_array_elements_text(same.marked) AS person
               WHERE same.key = one.key)
           FROM one GROUP BY key ORDER BY key COLLATE \"C\"",
    );
    let rows = query.build().fetch_all(executor).await?;
    let tally = |row: &sqlx::postgres::PgRow| {
        Ok(Tally {
            key: row.try_get(0)?,
            planned: row.try_get(1)?,
            delivered: row.try_get(2)?,
            cancelled: row.try_get(3)?,
            counted: row.try_get(4)?,
            attendances: row.try_get(5)?,
            people_marked: row.try_get(6)?,
        })
    };
    rows.iter().map(tally).collect()
}

/// The day of the first session that took place.
///
/// # Errors
/// When the database fails.
pub async fn first_day(executor: impl PgExecutor<'_>) -> Result<Option<Date>, Trouble> {
    let day: Option<String> = sqlx::query_scalar("SELECT min(day) FROM session WHERE status = 'delivered'")
        .fetch_one(executor)
        .await?;
    Ok(day.and_then(|day| day.parse().ok()))
}
