//! People as advisors look them up: an opaque reference, what they agreed to share, and counts. No name is here; when a
//! person is forgotten, all of it goes but the days.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, Row as _};
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::identity::{PartnerId, PersonId};
use crate::domain::person::{ErasureGround, FirstMeeting, PersonEvent};
use crate::domain::record::Fact;
use crate::domain::vocabulary::SharedItem;
use crate::store::log::Recorded;

/// A forgetting that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRecord {
    /// Why.
    pub ground: ErasureGround,
    /// The number of the request or decision it rests on.
    pub authority: String,
    /// Who asked: somebody else carries it out.
    pub asked_by: PersonId,
    /// When.
    pub asked_on: Date,
}

/// A person as advisors see them before any name is opened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PersonRecord {
    /// How they came to be met.
    pub met: Option<FirstMeeting>,
    /// When they were put on the record.
    pub registered_on: Date,
    /// Whether the vault knows who it is.
    pub has_details: bool,
    /// What which partner may be told.
    pub sharing: BTreeMap<PartnerId, BTreeSet<SharedItem>>,
    /// Whether somebody asked for them to be forgotten.
    pub asked: Option<AskedRecord>,
    /// When they were forgotten.
    pub erased_on: Option<Date>,
    /// When it was confirmed that everything is gone.
    pub confirmed_on: Option<Date>,
    /// The last day on which anything of their own record happened.
    pub last_on: Date,
}

impl Record for PersonRecord {
    const TABLE: Table = Table {
        name: "person",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            registered_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'registered_on') STORED, \
            last_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'last_on') STORED, \
            erased boolean GENERATED ALWAYS AS (doc ->> 'erased_on' IS NOT NULL) STORED, \
            asked boolean GENERATED ALWAYS AS (doc ->> 'asked' IS NOT NULL) STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE INDEX ON {table} (registered_on, id)",
            "CREATE INDEX ON {table} (id) WHERE asked",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "person";

    fn take(&mut self, event: &Recorded) -> bool {
        let on = event.effective_on;
        let Fact::Person(fact) = &event.fact else { return false };
        self.last_on = self.last_on.max(on);
        match fact.clone() {
            PersonEvent::Registered { met } => {
                *self = Self { met: Some(met), registered_on: on, last_on: on, ..Self::default() };
            }
            PersonEvent::DetailsKept { .. } => self.has_details = true,
            PersonEvent::SharingAgreed { partner, items } => {
                self.sharing.insert(partner, items);
            }
            PersonEvent::SharingWithdrawn { partner } => {
                self.sharing.remove(&partner);
            }
            PersonEvent::ErasureAsked { ground, authority, asked_by } => {
                let authority = authority.to_string();
                self.asked = Some(AskedRecord { ground, authority, asked_by, asked_on: on });
            }
            PersonEvent::ErasureDropped {} => self.asked = None,
            PersonEvent::Erased { .. } => {
                let (registered_on, last_on) = (self.registered_on, self.last_on);
                *self = Self { registered_on, last_on, erased_on: Some(on), ..Self::default() };
            }
            PersonEvent::ErasureConfirmed { .. } => self.confirmed_on = Some(on),
        }
        true
    }
}

/// How much there is about a person, and when the last of it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Talks.
    pub contacts: i64,
    /// Referrals.
    pub referrals: i64,
    /// The last day on which anything about them happened.
    pub last_on: Date,
}

/// Which people to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// These only.
    pub ids: Option<Vec<Uuid>>,
    /// Those whom somebody asked to forget, or those not.
    pub asked: Option<bool>,
    /// Those about whom nothing happened after this day, with no prescription that runs, and not forgotten yet.
    pub quiet_since: Option<Date>,
    /// Registered before this one: the day and the id.
    pub before: Option<(String, Uuid)>,
    /// At most this many.
    pub limit: i64,
}

/// People with what there is about them, the latest registered first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    executor: impl PgExecutor<'_>,
    filter: &Filter,
) -> Result<Vec<(Uuid, PersonRecord, Counts)>, Trouble> {
    let (day, id) = filter.before.clone().unzip();
    let rows = sqlx::query(
        "SELECT id, doc::text, contacts, referrals, last::date
         FROM person AS one,
             LATERAL (SELECT count(*) AS contacts, max(contact.last_on) AS contacted_on
                      FROM contact WHERE contact.person = one.id) AS talks,
             LATERAL (SELECT count(*) AS referrals, max(referral.last_on) AS referred_on
                      FROM referral WHERE referral.person = one.id) AS letters,
             LATERAL (SELECT max(greatest(made_on, sent_on, ended_on, told_on)) AS prescribed_on,
                             coalesce(bool_or(ended_on IS NULL), false) AS running
                      FROM prescription WHERE prescription.person = one.id) AS prescriptions,
             LATERAL (SELECT greatest(last_on, contacted_on, referred_on, prescribed_on) AS last) AS whole
         WHERE ($1::uuid[] IS NULL OR id = ANY($1))
           AND ($2::boolean IS NULL OR asked = $2)
           AND ($3::text IS NULL OR (NOT erased AND NOT running AND last <= $3 COLLATE \"C\"))
           AND ($4::text IS NULL OR (registered_on, id) < ($4, $5))
         ORDER BY registered_on DESC, id DESC LIMIT $6",
    )
    .bind(&filter.ids)
    .bind(filter.asked)
    .bind(filter.quiet_since.map(|day| day.to_string()))
    .bind(day)
    .bind(id)
    .bind(filter.limit)
    .fetch_all(executor)
    .await?;
    let records = read::<PersonRecord>(&rows)?;
    rows.iter()
        .zip(records)
        .map(|(row, (id, record))| {
            let (contacts, referrals) = (row.try_get(2)?, row.try_get(3)?);
            Ok((id, record, Counts { contacts, referrals, last_on: row.try_get(4)? }))
        })
        .collect()
}
