//! Offers on the wire: the directory, what an offer says and said, what waits on it.

mod commands;
mod content;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Area, AsAt, Code, Community, Date, Page, Partner, Person, asked, asked_as_at, counted, cursor, parts,
    size, told, uncounted,
};
use crate::app::Failure;
use crate::app::offers::is_inside;
use crate::domain::identity::{PartnerId, PersonId};
use crate::domain::offer::{
    ChangeStatus, Joining, Offer as Aggregate, OfferChange as Changed, OfferField, OfferStatus, Point,
    ReportOutcome, WhatIsWrong,
};
use crate::domain::vocabulary::{Access, AgeBand, Language, NeedCode};
use crate::projections::offers::{
    CapacityRecord, ChangeRecord, Found, Near, OfferRecord, ReportRecord, Search, SentBackRecord,
    VersionRecord,
};
use crate::projections::partners::PartnerRecord;

pub use commands::OfferMutations;
use content::OfferContent;

/// Something a partner does that people can be sent to.
#[derive(Debug, Clone)]
pub struct Offer {
    id: Uuid,
    record: OfferRecord,
    distance_km: Option<String>,
    /// Where a list has fetched them all at once.
    partner: Option<PartnerRecord>,
}

impl Offer {
    pub(super) const fn new(id: Uuid, record: OfferRecord) -> Self {
        Self { id, record, distance_km: None, partner: None }
    }

    fn inside(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(is_inside(asked(ctx)?.1, self.record.partner))
    }
}

/// Something a partner does that people can be sent to.
#[Object]
impl Offer {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version as a record: how many events its stream has. Send it as `expectedVersion` to decide on what you
    /// saw. What the offer says has a number of its own, `contentVersion`.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its human reference, such as `O-2026-0001`.
    async fn reference(&self) -> &str {
        &self.record.reference
    }
    /// Whose offer it is.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Partner> {
        let id = self.record.partner.0;
        if let Some(record) = &self.partner {
            return Ok(Partner::new(id, record.clone()));
        }
        let found = asked(ctx)?.0.partners_named(&[id]).await.map_err(told)?.remove(&id);
        found.map(|record| Partner::new(id, record)).ok_or_else(|| told(Failure::NotFound("partner")))
    }
    /// Where it stands.
    async fn status(&self) -> Code<OfferStatus> {
        Code(self.record.status)
    }
    /// The number of what it says: a prescription is made to an offer and this number. 0 before it is published.
    async fn content_version(&self) -> u32 {
        self.record.version
    }
    /// What it says: as published, or as written down until then.
    async fn content(&self, ctx: &Context<'_>) -> Result<Option<OfferContent>> {
        let inside = self.inside(ctx)?;
        Ok(self.record.content.as_ref().map(|content| OfferContent::new(content, inside)))
    }
    /// How far it is from the point of the search, in kilometres with one decimal place, as the crow flies, such as
    /// "2.4"; nothing where no point was given or its place is not on the map.
    async fn distance_km(&self) -> Option<&str> {
        self.distance_km.as_deref()
    }
    /// How much room there was when the partner last said.
    async fn capacity(&self) -> Option<Capacity> {
        self.record.capacity.map(Capacity::from)
    }
    /// Whether there was room when the partner last said; nothing where it never did.
    async fn has_room(&self) -> Option<bool> {
        self.record.capacity.map(|capacity| capacity.open > 0)
    }
    /// When it was written down.
    async fn drafted_on(&self) -> Date {
        Date(self.record.drafted_on)
    }
    /// When it was handed in, last.
    async fn submitted_on(&self) -> Option<Date> {
        self.record.submitted_on.map(Date)
    }
    /// Why it was sent back to the partner, until it is handed in again. For staff, auditors and the partner.
    async fn sent_back(&self, ctx: &Context<'_>) -> Result<Option<SentBack>> {
        let inside = self.inside(ctx)?;
        Ok(self.record.sent_back.as_ref().filter(|_| inside).map(SentBack::from))
    }
    /// When it was published.
    async fn published_on(&self) -> Option<Date> {
        self.record.published_on.map(Date)
    }
    /// When the partner, or whoever published it, last stood by it.
    async fn confirmed_on(&self) -> Option<Date> {
        self.record.confirmed_on.map(Date)
    }
    /// The day by which the partner is to say that it is still right.
    async fn confirm_by(&self) -> Option<Date> {
        self.record.confirm_by.map(Date)
    }
    /// Since when it is paused, while it is.
    async fn paused_on(&self) -> Option<Date> {
        self.record.paused_on.map(Date)
    }
    /// When it is hoped to be back, while it is paused.
    async fn back_on(&self) -> Option<Date> {
        self.record.back_on.map(Date)
    }
    /// When it was taken out of the directory.
    async fn withdrawn_on(&self) -> Option<Date> {
        self.record.withdrawn_on.map(Date)
    }
    /// The changes that were proposed, and what came of them. For staff, auditors and the partner; nothing for others.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that stand so; all if left out.")] status: Option<Code<ChangeStatus>>,
    ) -> Result<Option<Vec<OfferChange>>> {
        let wanted = |change: &&ChangeRecord| status.is_none_or(|status| status.0 == change.status);
        let changes = self.record.changes.iter().filter(wanted);
        Ok(self.inside(ctx)?.then(|| changes.map(OfferChange::from).collect()))
    }
    /// How many reports say that it is wrong and wait for an answer; nothing for the public.
    async fn open_reports(&self, ctx: &Context<'_>) -> Result<Option<usize>> {
        let (_, who) = asked(ctx)?;
        Ok((who.role != super::Role::Public).then(|| self.record.open_reports()))
    }
    /// The reports that it is wrong, and what came of them. For staff, auditors and the partner; nothing for others.
    async fn reports(&self, ctx: &Context<'_>) -> Result<Option<Vec<OfferReport>>> {
        let reports = self.record.reports.iter().map(OfferReport::from);
        Ok(self.inside(ctx)?.then(|| reports.collect()))
    }
}

/// How much room there was on a day.
#[derive(Debug, Clone, Copy, SimpleObject)]
#[graphql(name = "OfferCapacity")]
pub struct Capacity {
    /// Places that were free.
    pub open: u32,
    /// Places altogether.
    pub total: u32,
    /// The day on which that was so.
    pub as_of: Date,
}

impl From<CapacityRecord> for Capacity {
    fn from(record: CapacityRecord) -> Self {
        Self { open: record.open, total: record.total, as_of: Date(record.as_of) }
    }
}

/// Why an offer came back to the partner.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "OfferSentBack")]
pub struct SentBack {
    /// Why.
    pub why: String,
    /// When.
    pub on: Date,
}

impl From<&SentBackRecord> for SentBack {
    fn from(record: &SentBackRecord) -> Self {
        Self { why: record.why.clone(), on: Date(record.on) }
    }
}

/// One field of an offer, from what to what, in words.
#[derive(Debug, Clone, SimpleObject)]
pub struct OfferChangeLine {
    /// Which field.
    pub field: Code<OfferField>,
    /// The value until then.
    pub from: String,
    /// The value from then on.
    pub to: String,
}

impl OfferChangeLine {
    fn new(change: &Changed) -> Self {
        let (from, to) = change.shown();
        Self { field: Code(change.field()), from, to }
    }
}

/// A change that was proposed, and what came of it.
#[derive(Debug, Clone)]
pub struct OfferChange(ChangeRecord);

impl From<&ChangeRecord> for OfferChange {
    fn from(record: &ChangeRecord) -> Self {
        Self(record.clone())
    }
}

async fn named(ctx: &Context<'_>, person: PersonId) -> Result<Person> {
    let name = asked(ctx)?.0.names(&[person]).await.map_err(told)?.remove(&person);
    Ok(Person::new(person, name))
}

/// A change that was proposed, and what came of it.
#[Object]
impl OfferChange {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.0.id.0
    }
    /// The `contentVersion` it was written against.
    async fn base_version(&self) -> u32 {
        self.0.base_version
    }
    /// Each field, from what, to what.
    async fn lines(&self) -> Vec<OfferChangeLine> {
        self.0.changes.iter().map(OfferChangeLine::new).collect()
    }
    /// Who proposed it.
    async fn proposed_by(&self, ctx: &Context<'_>) -> Result<Person> {
        named(ctx, self.0.proposed_by).await
    }
    /// When.
    async fn proposed_on(&self) -> Date {
        Date(self.0.proposed_on)
    }
    /// What came of it.
    async fn status(&self) -> Code<ChangeStatus> {
        Code(self.0.status)
    }
    /// When it was decided on or taken back.
    async fn decided_on(&self) -> Option<Date> {
        self.0.decided_on.map(Date)
    }
    /// Why it was refused.
    async fn why(&self) -> Option<&str> {
        self.0.why.as_deref()
    }
}

/// A report that an entry of the directory is wrong, and what came of it.
#[derive(Debug, Clone)]
pub struct OfferReport(ReportRecord);

impl From<&ReportRecord> for OfferReport {
    fn from(record: &ReportRecord) -> Self {
        Self(record.clone())
    }
}

/// A report that an entry of the directory is wrong, and what came of it.
#[Object]
impl OfferReport {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.0.id.0
    }
    /// The `contentVersion` that is said to be wrong.
    async fn content_version(&self) -> u32 {
        self.0.version
    }
    /// What is wrong.
    async fn what(&self) -> Code<WhatIsWrong> {
        Code(self.0.what)
    }
    /// More about it.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }
    /// Who reported it. For staff and auditors; nothing for people of a partner.
    async fn reported_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let (_, who) = asked(ctx)?;
        if who.role.is_of_a_partner() { Ok(None) } else { named(ctx, self.0.reported_by).await.map(Some) }
    }
    /// When.
    async fn reported_on(&self) -> Date {
        Date(self.0.reported_on)
    }
    /// What came of it, once it is answered.
    async fn outcome(&self) -> Option<Code<ReportOutcome>> {
        self.0.outcome.map(Code)
    }
    /// The answer.
    async fn answer(&self) -> Option<&str> {
        self.0.answer.as_deref()
    }
    /// When it was answered.
    async fn resolved_on(&self) -> Option<Date> {
        self.0.resolved_on.map(Date)
    }
}

/// What an offer said in one version. Versions can be read for ever.
#[derive(Debug, Clone, SimpleObject)]
pub struct OfferVersion {
    /// Its number, from 1.
    pub content_version: u32,
    /// The day from which it counted.
    pub from: Date,
    /// The whole of it.
    pub content: OfferContent,
}

impl OfferVersion {
    fn new(record: &VersionRecord, inside: bool) -> Self {
        let content = OfferContent::new(&record.content, inside);
        Self { content_version: record.version, from: Date(record.from), content }
    }
}

/// A point on the map, and how far from it.
#[derive(Debug, Clone, InputObject)]
pub struct NearInput {
    /// Its latitude in decimal degrees, such as "53.4048".
    pub latitude: String,
    /// Its longitude in decimal degrees, such as "-2.9916".
    pub longitude: String,
    /// At most so many kilometres away, as the crow flies; anywhere, the nearest first, if left out.
    pub within_km: Option<u32>,
}

/// What to look for in the directory of offers. What is asked for together must all be so.
#[derive(Debug, Clone, Default, InputObject)]
pub struct OfferSearch {
    /// Words of the title, the summary, who it is for, its needs, languages, communities and place, its partner’s
    /// name, or its reference; of the last word the beginning is enough. Quotes, `or` and `-` as in a search engine.
    pub words: Option<String>,
    /// Of this partner.
    pub partner_id: Option<Uuid>,
    /// Stands there. The public finds published ones, others paused ones as well, staff, auditors and the partner
    /// itself all.
    pub status: Option<Code<OfferStatus>>,
    /// Meets this need.
    pub need: Option<Code<NeedCode>>,
    /// For this community, or for everyone.
    pub community: Option<Code<Community>>,
    /// In this area; online is an area too.
    pub area: Option<Code<Area>>,
    /// Near a point.
    pub near: Option<NearInput>,
    /// In each of these languages.
    pub languages: Option<Vec<Code<Language>>>,
    /// With each of these.
    pub access: Option<Vec<Code<Access>>>,
    /// For this age.
    pub age: Option<Code<AgeBand>>,
    /// Costs nothing.
    pub free: Option<bool>,
    /// The partner said that there are free places, and it is not paused.
    pub has_room: Option<bool>,
    /// The partner, or whoever published it, stood by it on this day or later.
    pub confirmed_since: Option<Date>,
    /// Joined in this way.
    pub joining: Option<Code<Joining>>,
}

impl OfferSearch {
    fn read(self, size: i64, after: Option<String>) -> Result<Search> {
        let near = self.near.map(|near| {
            let point = Point::read(&near.latitude, &near.longitude);
            point.map(|point| Near { point, within_km: near.within_km })
        });
        let near = near.transpose().map_err(|problem| told(Failure::invalid("near", &problem)))?;
        let after = match parts(after)?.as_deref() {
            None => None,
            Some([place, title, id]) => {
                let read = place.parse().ok().zip(id.parse().ok());
                let (place, id) = read.ok_or_else(|| told(Failure::refused_cursor()))?;
                Some((place, title.clone(), id))
            }
            Some(_) => return Err(told(Failure::refused_cursor())),
        };
        Ok(Search {
            words: self.words.filter(|words| !words.trim().is_empty()),
            partner: self.partner_id.map(PartnerId),
            status: self.status.map(|code| code.0),
            need: self.need.map(|code| code.0),
            community: self.community.map(|code| code.0),
            area: self.area.map(|code| code.0),
            near,
            languages: self.languages.unwrap_or_default().iter().map(|code| code.0).collect(),
            access: self.access.unwrap_or_default().iter().map(|code| code.0).collect(),
            age: self.age.map(|code| code.0),
            free: self.free.unwrap_or_default(),
            has_room: self.has_room.unwrap_or_default(),
            confirmed_since: self.confirmed_since.map(|date| date.0),
            joining: self.joining.map(|code| code.0),
            after,
            limit: size + 1,
            ..Search::default()
        })
    }
}

/// Queries about offers.
#[derive(Default)]
pub struct OfferQueries;

#[Object]
impl OfferQueries {
    /// The directory of offers. By words, those that fit best stand first: words of the title count most, then who it
    /// is for, its needs, communities, languages and place, then the summary; one that is full or paused counts half,
    /// one that nobody confirmed in time four fifths. Without words the nearest stands first where a point is given,
    /// and otherwise the title decides. When nothing holds the words as typed, words one or two letters away are
    /// looked for.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn offers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for; everything if left out.")] search: Option<OfferSearch>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Page<Offer>> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let wanted = search.unwrap_or_default().read(size, after)?;
        let with_total = ctx.look_ahead().field("totalCount").exists();
        let (found, total) = app.offers(who, wanted, with_total).await.map_err(told)?;
        let owners: Vec<Uuid> = found.iter().map(|one| one.record.partner.0).collect();
        let partners = app.partners_named(&owners).await.map_err(told)?;
        let entries = found.into_iter().map(|Found { id, record, place, distance_km }| {
            let title = record.content.as_ref().map_or("", |content| content.title.as_str());
            let cursor = cursor(&[&place.to_string(), title, &id.to_string()]);
            let partner = partners.get(&record.partner.0).cloned();
            let distance_km = distance_km.map(|km| km.to_string());
            (cursor, Offer { id, record, distance_km, partner })
        });
        Ok(match total {
            Some(total) => counted(entries, size, has_previous, total),
            None => uncounted(entries, size, has_previous),
        })
    }

    /// One offer.
    async fn offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Offer> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        Ok(Offer::new(id, app.offer(who, id).await.map_err(told)?))
    }

    /// What an offer said in one version: what somebody who was sent to it then was promised.
    async fn offer_version(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer’s id.")] id: Uuid,
        #[graphql(desc = "The number of what it said, from 1.")] content_version: u32,
    ) -> Result<OfferVersion> {
        let (app, who) = asked(ctx)?;
        let version = app.offer_version(who, id, content_version).await.map_err(told)?;
        let owner = app.offer(who, id).await.map_err(told)?.partner;
        Ok(OfferVersion::new(&version, is_inside(who, owner)))
    }

    /// What waits to be looked at: offers handed in, changes proposed, reports that an entry is wrong; what waits
    /// longest stands first.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn offers_to_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Offer>> {
        let (app, who) = asked(ctx)?;
        let found = app.offers_to_review(who, size(first)?).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, record)| Offer::new(id, record)).collect())
    }
}
