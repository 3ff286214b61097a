//! Sites as people look them up, and the views of those that are channels.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::identity::PartnerId;
use crate::domain::places::{Area, Setting};
use crate::domain::record::Fact;
use crate::domain::site::SiteEvent;
use crate::store::log::Recorded;

/// From when to when a site was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spell {
    /// The day it opened.
    pub from: Date,
    /// The day it closed; none while it is open.
    pub to: Option<Date>,
}

/// Views of a channel as reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewsRecord {
    /// The first day they were counted on.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// How many.
    pub count: u64,
    /// Whether it is a reading of a counter that runs on.
    pub cumulative: bool,
    /// Where the number was read.
    pub source: String,
}

/// A site as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SiteRecord {
    /// Name.
    pub name: String,
    /// The area it is in.
    pub area: Option<Area>,
    /// What kind of place it is.
    pub setting: Option<Setting>,
    /// The partner whose place it is.
    pub partner: Option<PartnerId>,
    /// When it was open, earliest first.
    pub open: Vec<Spell>,
    /// Views that stand, in the order they were reported.
    pub views: Vec<ViewsRecord>,
}

impl SiteRecord {
    /// Whether it is open on a day.
    #[must_use]
    pub fn is_open_on(&self, day: Date) -> bool {
        self.open.iter().any(|spell| spell.from <= day && spell.to.is_none_or(|to| day < to))
    }

    /// How many views there were from a day to a day, as far as the reports can tell: those of whole periods within,
    /// and what the running counter rose by.
    #[must_use]
    pub fn views_between(&self, from: Date, to: Date) -> u64 {
        let whole = self.views.iter().filter(|one| !one.cumulative && from <= one.from && one.to <= to);
        whole.map(|one| one.count).sum::<u64>() + self.counter_rose(from, to)
    }

    /// What the running counter rose by: its last reading within, less that of the evening before. A rise that begins
    /// on another day cannot be told.
    fn counter_rose(&self, from: Date, to: Date) -> u64 {
        let readings = || self.views.iter().filter(|one| one.cumulative);
        let Some(last) = readings().filter(|one| from <= one.to && one.to <= to).max_by_key(|one| one.to)
        else {
            return 0;
        };
        if from <= last.from {
            return last.count;
        }
        let before = readings().find(|one| one.to.succ_opt() == Some(from));
        before.map_or(0, |before| last.count.saturating_sub(before.count))
    }
}

impl Record for SiteRecord {
    const TABLE: Table = Table {
        name: "site",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            name text GENERATED ALWAYS AS (doc ->> 'name') STORED, \
            setting text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'setting') STORED, \
            area text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'area') STORED",
        copied: "id, doc",
        indexes: &["ALTER TABLE {table} ADD PRIMARY KEY (id)", "CREATE INDEX ON {table} (name, id)"],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "site";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Site(fact) = &event.fact else { return false };
        let on = event.effective_on;
        match fact.clone() {
            SiteEvent::Opened { name, area, setting, partner } => {
                *self = Self {
                    name: name.to_string(),
                    area: Some(area),
                    setting: Some(setting),
                    partner,
                    open: vec![Spell { from: on, to: None }],
                    views: Vec::new(),
                };
            }
            SiteEvent::Closed {} => {
                if let Some(spell) = self.open.last_mut() {
                    spell.to = Some(on);
                }
            }
            SiteEvent::Reopened {} => self.open.push(Spell { from: on, to: None }),
            SiteEvent::ViewsReported { from, to, count, cumulative, source } => {
                self.views.push(ViewsRecord { from, to, count, cumulative, source: source.to_string() });
            }
            SiteEvent::ViewsWithdrawn { from, to, count: _ } => {
                self.views.retain(|one| (one.from, one.to) != (from, to));
            }
        }
        true
    }
}

/// Which sites to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this kind.
    pub setting: Option<Setting>,
    /// In this area.
    pub area: Option<Area>,
    /// At most this many; all where none is said.
    pub limit: Option<i64>,
}

/// Sites by name.
///
/// # Errors
/// When the database fails.
pub async fn list(executor: impl PgExecutor<'_>, filter: Filter) -> Result<Vec<(Uuid, SiteRecord)>, Trouble> {
    let rows = sqlx::query(
        "SELECT id, doc::text FROM site
         WHERE ($1::text IS NULL OR setting = $1) AND ($2::text IS NULL OR area = $2)
         ORDER BY name, id LIMIT $3",
    )
    .bind(filter.setting.map(Setting::code))
    .bind(filter.area.map(Area::code))
    .bind(filter.limit)
    .fetch_all(executor)
    .await?;
    read(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(written: &str) -> Date {
        written.parse().unwrap()
    }

    fn report(from: &str, to: &str, count: u64, cumulative: bool) -> ViewsRecord {
        ViewsRecord { from: date(from), to: date(to), count, cumulative, source: "Statistics".into() }
    }

    #[test]
    fn views_are_those_of_whole_periods_and_what_the_counter_rose_by() {
        let channel = SiteRecord {
            views: vec![
                report("2025-04-01", "2025-04-30", 100, false),
                report("2025-05-01", "2025-05-31", 50, false),
                report("2025-06-01", "2025-06-30", 7, true),
                report("2025-06-01", "2025-07-31", 30, true),
            ],
            ..SiteRecord::default()
        };
        for (from, to, wanted) in [
            ("2025-04-01", "2025-05-31", 150),
            ("2025-04-02", "2025-05-31", 50),
            ("2025-04-01", "2025-07-31", 180),
            ("2025-06-01", "2025-06-30", 7),
            ("2025-07-01", "2025-07-31", 23),
            ("2025-07-02", "2025-07-31", 0),
            ("2026-01-01", "2026-12-31", 0),
        ] {
            assert_eq!(channel.views_between(date(from), date(to)), wanted, "{from} to {to}");
        }
    }

    #[test]
    fn a_site_is_open_from_the_day_it_opens_to_the_day_before_it_closes() {
        let spell = |from: &str, to: Option<&str>| Spell { from: date(from), to: to.map(date) };
        let open = vec![spell("2025-04-01", Some("2025-06-01")), spell("2025-09-01", None)];
        let site = SiteRecord { open, ..SiteRecord::default() };
        for (day, open) in
            [("2025-03-31", false), ("2025-05-31", true), ("2025-06-01", false), ("2026-01-01", true)]
        {
            assert_eq!(site.is_open_on(date(day)), open, "{day}");
        }
    }
}
