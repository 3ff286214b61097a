//! People who are helped, on the wire: an opaque reference, what they agreed to share, counts. For advisors only; who it
//! is comes out of the vault, with a reason, and is kept nowhere on the way.

mod commands;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Code, Date, HistoryEntry, Page, Partner, Person, Role, SharedItem, asked, cursor, entries_of, pair,
    parts, size, told, uncounted,
};
use crate::app::Failure;
use crate::app::persons::Known;
use crate::domain::identity::PersonId;
use crate::domain::person::{ErasureGround, FirstMeeting, Person as Aggregate};
use crate::projections::persons::{AskedRecord, Counts, Filter, PersonRecord};

pub use commands::PersonMutations;

/// A person who is helped, as advisors see them before anything is opened.
#[derive(Debug, Clone)]
pub struct SupportedPerson {
    id: Uuid,
    record: PersonRecord,
    counts: Counts,
}

impl From<Known> for SupportedPerson {
    fn from((id, record, counts): Known) -> Self {
        Self { id, record, counts }
    }
}

/// A person who is helped, as advisors see them before anything is opened.
#[Object]
impl SupportedPerson {
    /// The opaque reference of the person.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// How they came to be met; nothing once they are forgotten.
    async fn met(&self) -> Option<Code<FirstMeeting>> {
        self.record.met.map(Code)
    }
    /// When they were put on the record.
    async fn registered_on(&self) -> Date {
        Date(self.record.registered_on)
    }
    /// Whether the vault knows who it is: `openPersonDetails` opens it.
    async fn has_details(&self) -> bool {
        self.record.has_details
    }
    /// What which partner may be told.
    async fn sharing(&self, ctx: &Context<'_>) -> Result<Vec<Sharing>> {
        let ids: Vec<Uuid> = self.record.sharing.keys().map(|partner| partner.0).collect();
        let mut partners = asked(ctx)?.0.partners_named(&ids).await.map_err(told)?;
        let agreed = self.record.sharing.iter().map(|(partner, items)| Sharing {
            partner_id: partner.0,
            partner: partners.remove(&partner.0).map(|record| Partner::new(partner.0, record)),
            items: items.iter().copied().map(Code).collect(),
        });
        Ok(agreed.collect())
    }
    /// How many talks there were.
    async fn contact_count(&self) -> i64 {
        self.counts.contacts
    }
    /// How many referrals came.
    async fn referral_count(&self) -> i64 {
        self.counts.referrals
    }
    /// The last day on which anything about them happened: how long it is kept counts from there.
    async fn last_on(&self) -> Date {
        Date(self.counts.last_on)
    }
    /// Whether somebody asked for them to be forgotten: somebody else does it, or drops it.
    async fn erasure_asked(&self, ctx: &Context<'_>) -> Result<Option<ErasureAsked>> {
        let Some(AskedRecord { ground, authority, asked_by, asked_on }) = self.record.asked.clone() else {
            return Ok(None);
        };
        let name = asked(ctx)?.0.names(&[asked_by]).await.map_err(told)?.remove(&asked_by);
        Ok(Some(ErasureAsked {
            ground: Code(ground),
            authority,
            asked_by: Person::new(asked_by, name),
            asked_on: Date(asked_on),
        }))
    }
    /// When they were forgotten: from then on nothing is recorded about them.
    async fn erased_on(&self) -> Option<Date> {
        self.record.erased_on.map(Date)
    }
    /// When it was confirmed that the vault has nothing about them any more, in no file of its tables.
    async fn erasure_confirmed_on(&self) -> Option<Date> {
        self.record.confirmed_on.map(Date)
    }
    /// What happened to the person's own record, in sentences that say nothing of who it is.
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<HistoryEntry>> {
        let (app, who) = asked(ctx)?;
        entries_of(app, app.story(who, self.id).await.map_err(told)?).await
    }
}

/// What a person agreed to have a partner told.
#[derive(Clone, SimpleObject)]
pub struct Sharing {
    /// The partner's id.
    pub partner_id: Uuid,
    /// The partner.
    pub partner: Option<Partner>,
    /// What it may be told, and nothing else.
    pub items: Vec<Code<SharedItem>>,
}

/// A forgetting that somebody asked for.
#[derive(Debug, Clone, SimpleObject)]
pub struct ErasureAsked {
    /// Why.
    pub ground: Code<ErasureGround>,
    /// The number of the request or decision it rests on.
    pub authority: String,
    /// Who asked.
    pub asked_by: Person,
    /// When.
    pub asked_on: Date,
}

/// Who read what in the vault, when and why: without the text, and without whom it is about.
#[derive(Debug, Clone, SimpleObject)]
pub struct VaultReading {
    /// The item, by an id that says nothing; none where somebody was looked for and not found.
    pub item_id: Option<Uuid>,
    /// What kind of item, by its stored code, such as `person_details` or `bank_details`.
    pub kind: String,
    /// What was done: `opened` the text, or `searched` for somebody.
    pub act: String,
    /// Who read.
    pub reader: Person,
    /// In what capacity.
    pub role: Option<Code<Role>>,
    /// Why, in their words.
    pub why: String,
    /// When.
    pub read_at: DateTime<Utc>,
}

/// Which people.
#[derive(Debug, Clone, Default, InputObject)]
pub struct SupportedPersonFilter {
    /// Those whom somebody asked to forget (true), or those not (false).
    pub erasure_asked: Option<bool>,
}

/// Queries about people who are helped.
#[derive(Default)]
pub struct PersonQueries;

#[Object]
impl PersonQueries {
    /// People who are helped, the latest registered first. For advisors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn supported_people(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<SupportedPersonFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<SupportedPerson>> {
        let (app, who) = asked(ctx)?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let wanted = Filter {
            asked: filter.unwrap_or_default().erasure_asked,
            before: pair(after)?,
            limit: size + 1,
            ..Filter::default()
        };
        let found = app.supported_people(who, &wanted).await.map_err(told)?;
        let entries = found.into_iter().map(|(id, record, counts)| {
            let place = cursor(&[&record.registered_on.to_string(), &id.to_string()]);
            (place, SupportedPerson { id, record, counts })
        });
        Ok(uncounted(entries, size, has_previous))
    }

    /// One person who is helped. For advisors.
    async fn supported_person(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The opaque reference of the person.")] id: Uuid,
    ) -> Result<SupportedPerson> {
        let (app, who) = asked(ctx)?;
        Ok(app.supported_person(who, id).await.map_err(told)?.into())
    }

    /// People about whom nothing happened for so long that they are to be forgotten: ask for each with `askErasure` on
    /// the ground that it was kept as long as it may be. For advisors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn retention_ended(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<SupportedPerson>> {
        let (app, who) = asked(ctx)?;
        let found = app.retention_ended(who, size(first)?).await.map_err(told)?;
        Ok(found.into_iter().map(SupportedPerson::from).collect())
    }

    /// Who read what in the vault, when and why, the latest first: without the texts, and without whom they are about.
    /// For auditors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn vault_readings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<VaultReading>> {
        let (app, who) = asked(ctx)?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let before: Option<i64> = match parts(after)?.as_deref() {
            None => None,
            Some([number]) => Some(number.parse().map_err(|_| told(Failure::refused_cursor()))?),
            Some(_) => return Err(told(Failure::refused_cursor())),
        };
        let readings = app.vault_readings(who, before, size + 1).await.map_err(told)?;
        let readers: Vec<PersonId> = readings.iter().map(|one| PersonId(one.person)).collect();
        let names = app.names(&readers).await.map_err(told)?;
        let entries = readings.into_iter().map(|one| {
            let reader = PersonId(one.person);
            let entry = VaultReading {
                item_id: Some(one.item).filter(|item| !item.is_nil()),
                kind: one.kind,
                act: one.act,
                reader: Person::new(reader, names.get(&reader).cloned()),
                role: one.role.parse().ok().map(Code),
                why: one.why,
                read_at: one.read_at,
            };
            (cursor(&[&one.reading.to_string()]), entry)
        });
        Ok(uncounted(entries, size, has_previous))
    }
}
