//! Talks with people on the wire: what was needed, in codes and bands, and where people were pointed. For advisors.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    AgeBand, Area, Code, Community, Date, HistoryEntry, Meant, NeedCode, Page, Person, Receipt,
    SupportedPerson, asked, counted, cursor, entries_of, pair, size, told,
};
use crate::app::{Done, Failure};
use crate::domain::contact::{
    Contact as Aggregate, Minutes, Profile, Service, Signpost as DomainSignpost, Talk,
};
use crate::domain::identity::{ContactId, OfferId, PersonRef, ReferralId, SiteId};
use crate::domain::vocabulary::Channel;
use crate::projections::contacts::{ContactRecord, Filter};

/// A talk with a person.
#[derive(Debug, Clone)]
pub struct Contact {
    id: Uuid,
    record: ContactRecord,
}

/// A talk with a person.
#[Object]
impl Contact {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// The opaque reference of the person.
    async fn person_ref(&self) -> Uuid {
        self.record.person.0
    }
    /// The person.
    async fn person(&self, ctx: &Context<'_>) -> Result<SupportedPerson> {
        let (app, who) = asked(ctx)?;
        Ok(app.supported_person(who, self.record.person.0).await.map_err(told)?.into())
    }
    /// How it went.
    async fn channel(&self) -> Option<Code<Channel>> {
        self.record.channel.map(Code)
    }
    /// The site, for a talk in person at one.
    async fn site_id(&self) -> Option<Uuid> {
        self.record.site.map(|site| site.0)
    }
    /// What the person needs.
    async fn needs(&self) -> Vec<Code<NeedCode>> {
        self.record.needs.iter().copied().map(Code).collect()
    }
    /// How old the person is, in bands, where they said.
    async fn age_band(&self) -> Option<Code<AgeBand>> {
        self.record.profile.age_band.map(Code)
    }
    /// Where the person lives, where they said.
    async fn area(&self) -> Option<Code<Area>> {
        self.record.profile.area.map(Code)
    }
    /// The communities the person counts themselves to.
    async fn communities(&self) -> Vec<Code<Community>> {
        self.record.profile.communities.iter().copied().map(Code).collect()
    }
    /// The referral it came from.
    async fn referral_id(&self) -> Option<Uuid> {
        self.record.referral.map(|referral| referral.0)
    }
    /// How long it took.
    async fn minutes(&self) -> Option<Code<Minutes>> {
        self.record.minutes.map(Code)
    }
    /// Who talked to the person.
    async fn advisor(&self, ctx: &Context<'_>) -> Result<Person> {
        let advisor = self.record.advisor;
        let name = asked(ctx)?.0.names(&[advisor]).await.map_err(told)?.remove(&advisor);
        Ok(Person::new(advisor, name))
    }
    /// When.
    async fn made_on(&self) -> Date {
        Date(self.record.made_on)
    }
    /// Where the person was pointed. Nothing about them was handed on.
    async fn signposts(&self) -> Vec<Signpost> {
        self.record.signposts.iter().copied().map(Signpost::from).collect()
    }
    /// What happened to it, in sentences that say nothing of who it was with.
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<HistoryEntry>> {
        let (app, who) = asked(ctx)?;
        entries_of(app, app.story(who, self.id).await.map_err(told)?).await
    }
}

/// Where a person was pointed: to an offer or to another service.
#[derive(Debug, Clone, SimpleObject)]
pub struct Signpost {
    /// An offer of a partner.
    pub offer_id: Option<Uuid>,
    /// Another service.
    pub service: Option<Code<Service>>,
}

impl From<DomainSignpost> for Signpost {
    fn from(to: DomainSignpost) -> Self {
        match to {
            DomainSignpost::Offer(offer) => Self { offer_id: Some(offer.0), service: None },
            DomainSignpost::Service(service) => Self { offer_id: None, service: Some(Code(service)) },
        }
    }
}

/// Which talks.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ContactFilter {
    /// With this person.
    pub person_ref: Option<Uuid>,
    /// From this referral.
    pub referral_id: Option<Uuid>,
    /// By this advisor.
    pub advisor_id: Option<Uuid>,
    /// On this day or later.
    pub from: Option<Date>,
    /// On this day or earlier.
    pub to: Option<Date>,
}

/// A talk with a person, in codes and bands.
#[derive(Debug, Clone, InputObject)]
pub struct RecordContactInput {
    /// With whom: register them first, or find them.
    pub person_ref: Uuid,
    /// How it went.
    pub channel: Code<Channel>,
    /// The site, for a talk in person at one.
    pub site_id: Option<Uuid>,
    /// What the person needs.
    pub needs: Vec<Code<NeedCode>>,
    /// How old the person is, in bands, if they said.
    pub age_band: Option<Code<AgeBand>>,
    /// Where the person lives, if they said.
    pub area: Option<Code<Area>>,
    /// The communities the person counts themselves to, if they said.
    pub communities: Option<Vec<Code<Community>>>,
    /// The referral it came from: one of this person that was accepted.
    pub referral_id: Option<Uuid>,
    /// How long it took.
    pub minutes: Code<Minutes>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Where a person was pointed in a talk: an offer, or another service.
#[derive(Debug, Clone, InputObject)]
pub struct GiveSignpostInput {
    /// The talk.
    pub contact_id: Uuid,
    /// To an offer of a partner.
    pub offer_id: Option<Uuid>,
    /// To another service.
    pub service: Option<Code<Service>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl GiveSignpostInput {
    fn read(&self) -> Result<DomainSignpost, Failure> {
        match (self.offer_id, self.service) {
            (Some(offer), None) => Ok(DomainSignpost::Offer(OfferId(offer))),
            (None, Some(service)) => Ok(DomainSignpost::Service(service.0)),
            (None, None) | (Some(_), Some(_)) => Err(Failure::refused(
                "contact.one_signpost",
                "Name an offer or another service, one of the two: for more, give one after the other.",
            )),
        }
    }
}

/// What a command on a talk leads to.
#[derive(SimpleObject)]
pub struct ContactPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The talk as it stands now.
    pub contact: Contact,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<ContactPayload> {
    let done = done.map_err(told)?;
    let record = asked(ctx)?.0.contact_named(done.id).await.map_err(told)?;
    Ok(ContactPayload { receipt: done.into(), contact: Contact { id: done.id, record } })
}

/// Queries about talks with people.
#[derive(Default)]
pub struct ContactQueries;

#[Object]
impl ContactQueries {
    /// Talks with people, the latest first. For advisors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<ContactFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<Contact>> {
        let (app, who) = asked(ctx)?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let ContactFilter { person_ref, referral_id, advisor_id, from, to } = filter.unwrap_or_default();
        let wanted = Filter {
            person: person_ref,
            referral: referral_id,
            advisor: advisor_id,
            from: from.map(|date| date.0),
            to: to.map(|date| date.0),
            before: pair(after)?,
            limit: size + 1,
        };
        let (found, total) = app.contacts(who, &wanted).await.map_err(told)?;
        let entries = found.into_iter().map(|(id, record)| {
            (cursor(&[&record.made_on.to_string(), &id.to_string()]), Contact { id, record })
        });
        Ok(counted(entries, size, has_previous, total))
    }

    /// One talk. For advisors.
    async fn contact(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Contact> {
        let (app, who) = asked(ctx)?;
        Ok(Contact { id, record: app.contact(who, id).await.map_err(told)? })
    }
}

/// Commands on talks with people.
#[derive(Default)]
pub struct ContactMutations;

#[Object]
impl ContactMutations {
    /// Record a talk with a person, in codes and bands. Prescriptions rest on it.
    async fn record_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The talk.")] input: RecordContactInput,
    ) -> Result<ContactPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let communities = input.communities.unwrap_or_default().into_iter().map(|code| code.0).collect();
        let talk = Talk {
            person: PersonRef(input.person_ref),
            channel: input.channel.0,
            site: input.site_id.map(SiteId),
            needs: input.needs.into_iter().map(|code| code.0).collect(),
            profile: Profile {
                age_band: input.age_band.map(|code| code.0),
                area: input.area.map(|code| code.0),
                communities,
            },
            referral: input.referral_id.map(ReferralId),
            minutes: input.minutes.0,
        };
        payload(ctx, app.record_contact(who, &how, talk).await).await
    }

    /// Record that the person was pointed to something in a talk. Nothing about them is handed on.
    async fn give_signpost(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "To what.")] input: GiveSignpostInput,
    ) -> Result<ContactPayload> {
        let (app, who) = asked(ctx)?;
        crate::app::authority::may(who, "giveSignpost").map_err(told)?;
        let to = input.read().map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.give_signpost(who, &how, ContactId(input.contact_id), to).await).await
    }
}
