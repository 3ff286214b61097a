//! Courses as people look them up, and what of them stands online.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::course::{CourseEvent, Pillar};
use crate::domain::identity::SiteId;
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// Content of a course on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRecord {
    /// The channel.
    pub channel: SiteId,
    /// The title of the content.
    pub title: String,
    /// When it was put there.
    pub published_on: Date,
}

/// A course as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CourseRecord {
    /// Title.
    pub title: String,
    /// The pillar it stands under.
    pub pillar: Option<Pillar>,
    /// What it is about.
    pub about: String,
    /// When it was defined.
    pub defined_on: Date,
    /// What of it stands online.
    pub content: Vec<ContentRecord>,
}

impl Record for CourseRecord {
    const TABLE: Table = Table {
        name: "course",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            title text GENERATED ALWAYS AS (doc ->> 'title') STORED, \
            pillar text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'pillar') STORED, \
            defined text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'defined_on') STORED",
        copied: "id, doc",
        indexes: &["ALTER TABLE {table} ADD PRIMARY KEY (id)", "CREATE INDEX ON {table} (title, id)"],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "course";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Course(fact) = &event.fact else { return false };
        let on = event.effective_on;
        match fact.clone() {
            CourseEvent::Defined { title, pillar, about } => {
                let (title, about) = (title.to_string(), about.to_string());
                *self = Self { title, pillar: Some(pillar), about, defined_on: on, content: Vec::new() };
            }
            CourseEvent::ContentPublished { channel, title } => {
                self.content.push(ContentRecord { channel, title: title.to_string(), published_on: on });
            }
        }
        true
    }
}

/// Courses by title, of one pillar or all.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    pillar: Option<Pillar>,
    limit: i64,
) -> Result<Vec<(Uuid, CourseRecord)>, Trouble> {
    let rows = sqlx::query(
        "SELECT id, doc::text FROM course WHERE $1::text IS NULL OR pillar = $1
         ORDER BY title, id LIMIT $2",
    )
    .bind(pillar.map(Pillar::code))
    .bind(limit)
    .fetch_all(executor)
    .await?;
    read(&rows)
}

/// How many courses were defined up to a day, that day included.
///
/// # Errors
/// When the database fails.
pub async fn defined_by(executor: impl PgExecutor<'_>, day: Date) -> Result<i64, Trouble> {
    let count = sqlx::query_scalar("SELECT count(*) FROM course WHERE defined <= $1");
    Ok(count.bind(day.to_string()).fetch_one(executor).await?)
}
