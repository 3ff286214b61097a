//! Talks with people as advisors look them up: what was needed, in codes and bands, and where people were pointed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::contact::{ContactEvent, Minutes, Profile, Signpost};
use crate::domain::identity::{PersonId, PersonRef, ReferralId, SiteId};
use crate::domain::places::Area;
use crate::domain::record::Fact;
use crate::domain::vocabulary::{Channel, NeedCode};
use crate::store::log::Recorded;

/// A talk as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContactRecord {
    /// With whom.
    pub person: PersonRef,
    /// How.
    pub channel: Option<Channel>,
    /// Where.
    pub site: Option<SiteId>,
    /// What the person needs.
    pub needs: BTreeSet<NeedCode>,
    /// What the person said of themselves, in bands.
    pub profile: Profile,
    /// The referral it came from.
    pub referral: Option<ReferralId>,
    /// How long it took, in bands.
    pub minutes: Option<Minutes>,
    /// Who talked to the person.
    pub advisor: PersonId,
    /// When.
    pub made_on: Date,
    /// Where the person was pointed.
    pub signposts: Vec<Signpost>,
    /// The last day on which anything happened to it.
    pub last_on: Date,
}

impl Record for ContactRecord {
    const TABLE: Table = Table {
        name: "contact",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            person uuid GENERATED ALWAYS AS ((doc ->> 'person')::uuid) STORED, \
            referral uuid GENERATED ALWAYS AS ((doc ->> 'referral')::uuid) STORED, \
            advisor uuid GENERATED ALWAYS AS ((doc ->> 'advisor')::uuid) STORED, \
            made_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'made_on') STORED, \
            last_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'last_on') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE INDEX ON {table} (person, last_on)",
            "CREATE INDEX ON {table} (referral)",
            "CREATE INDEX ON {table} (made_on, id)",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "contact";

    fn take(&mut self, event: &Recorded) -> bool {
        let on = event.effective_on;
        let Fact::Contact(fact) = &event.fact else { return false };
        match fact.clone() {
            ContactEvent::Made { person, channel, site, needs, profile, referral, minutes, advisor } => {
                let (channel, minutes) = (Some(channel), Some(minutes));
                let (made_on, last_on, signposts) = (on, on, Vec::new());
                *self = Self {
                    person,
                    channel,
                    site,
                    needs,
                    profile,
                    referral,
                    minutes,
                    advisor,
                    made_on,
                    signposts,
                    last_on,
                };
            }
            ContactEvent::SignpostGiven { to } => self.signposts.push(to),
        }
        self.last_on = self.last_on.max(on);
        true
    }
}

/// Which talks to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// With this person.
    pub person: Option<Uuid>,
    /// From this referral.
    pub referral: Option<Uuid>,
    /// By this advisor.
    pub advisor: Option<Uuid>,
    /// On this day or later.
    pub from: Option<Date>,
    /// On this day or earlier.
    pub to: Option<Date>,
    /// Before this one: its day and its id.
    pub before: Option<(String, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

const NARROWED: &str = "FROM contact
     WHERE ($1::uuid IS NULL OR person = $1)
       AND ($2::uuid IS NULL OR referral = $2)
       AND ($3::uuid IS NULL OR advisor = $3)
       AND ($4::text IS NULL OR made_on >= $4)
       AND ($5::text IS NULL OR made_on <= $5)";

/// The talks a filter finds, the latest first, and how many there are.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_> + Copy,
    filter: &Filter,
) -> Result<(Vec<(Uuid, ContactRecord)>, i64), Trouble> {
    let (day, id) = filter.before.clone().unzip();
    let (from, to) = (filter.from.map(|day| day.to_string()), filter.to.map(|day| day.to_string()));
    let rows = sqlx::query(&format!(
        "SELECT id, doc::text {NARROWED} AND ($6::text IS NULL OR (made_on, id) < ($6, $7))
         ORDER BY made_on DESC, id DESC LIMIT $8"
    ))
    .bind(filter.person)
    .bind(filter.referral)
    .bind(filter.advisor)
    .bind(&from)
    .bind(&to)
    .bind(day)
    .bind(id)
    .bind(filter.limit)
    .fetch_all(executor)
    .await?;
    let total = sqlx::query_scalar(&format!("SELECT count(*) {NARROWED}"))
        .bind(filter.person)
        .bind(filter.referral)
        .bind(filter.advisor)
        .bind(&from)
        .bind(&to)
        .fetch_one(executor)
        .await?;
    Ok((read(&rows)?, total))
}

/// The day of the first talk on the record, and how many there were from a day to a day at sites of some areas;
/// anywhere where no area is named.
///
/// # Errors
/// When the database fails.
pub async fn counted(
    executor: impl PgExecutor<'_>,
    (from, to): (Date, Date),
    areas: &[Area],
) -> Result<(Option<Date>, i64), Trouble> {
    let areas: Vec<&str> = areas.iter().map(|area| area.code()).collect();
    let (first, count): (Option<String>, i64) = sqlx::query_as(
        "SELECT min(made_on), count(*) FILTER (WHERE made_on BETWEEN $1 AND $2 AND (cardinality($3::text[]) = 0
             OR (SELECT area FROM site WHERE site.id = (contact.doc ->> 'site')::uuid) = ANY($3)))
         FROM contact",
    )
    .bind(from.to_string())
    .bind(to.to_string())
    .bind(areas)
    .fetch_one(executor)
    .await?;
    Ok((first.and_then(|first| first.parse().ok()), count))
}
