//! Looking prescriptions up.

use async_graphql::{Context, InputObject, Object, OutputType, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Date, Page, asked, counted, cursor, pair, size, told};
use super::outcomes::OutcomeInstrument;
use super::{Course, Prescription, PrescriptionOutline, PrescriptionReceived};
use crate::app::{App, Failure};
use crate::domain::identity::{ContactId, GrantId, OfferId, PartnerId, PersonId, PersonRef};
use crate::domain::outcome::Instrument;
use crate::domain::prescription::{ClosingReason, PrescriptionStatus};
use crate::projections::prescriptions::{Filter, PrescriptionRecord};

/// Which prescriptions to look for.
#[derive(Debug, Clone, Default, InputObject)]
pub struct PrescriptionFilter {
    /// To this partner.
    pub partner_id: Option<Uuid>,
    /// Of this offer.
    pub offer_id: Option<Uuid>,
    /// Paid by this grant.
    pub grant_id: Option<Uuid>,
    /// That stand at one of these.
    pub statuses: Option<Vec<Code<PrescriptionStatus>>>,
    /// Only those whose time for an answer has gone by without one.
    pub answer_late: Option<bool>,
    /// Made on this day or later.
    pub from: Option<Date>,
    /// Made on this day or earlier.
    pub to: Option<Date>,
}

impl PrescriptionFilter {
    fn read(self, app: &App) -> Filter {
        Filter {
            partner: self.partner_id.map(PartnerId),
            offer: self.offer_id.map(OfferId),
            grant: self.grant_id.map(GrantId),
            statuses: self.statuses.map(|all| all.into_iter().map(|code| code.0).collect()),
            answer_late_on: self.answer_late.filter(|late| *late).map(|_| app.today()),
            from: self.from.map(|date| date.0),
            to: self.to.map(|date| date.0),
            ..Filter::default()
        }
    }
}

/// Of whom and by whom.
#[derive(Debug, Clone, Default, InputObject)]
pub struct PrescriptionWhom {
    /// For this person, by their opaque reference.
    pub person_ref: Option<Uuid>,
    /// From this talk.
    pub contact_id: Option<Uuid>,
    /// Made by this person.
    pub made_by_id: Option<Uuid>,
    /// Only those that are over and whose referrer was not told what came of it.
    pub referrer_to_tell: Option<bool>,
}

/// How many prescriptions stand where.
#[derive(Debug, Clone, SimpleObject)]
pub struct PrescriptionStanding {
    /// Where they stand.
    pub status: Code<PrescriptionStatus>,
    /// Why they were closed, where they were.
    pub closing_reason: Option<Code<ClosingReason>>,
    /// How many.
    pub count: i64,
}

/// The room of an offer: what the partner states, and what the prescriptions come to. One does not change the other.
#[derive(Debug, Clone, SimpleObject)]
pub struct OfferPlaces {
    /// Free places, as the partner stated them; nothing where it has not.
    pub stated_open: Option<u32>,
    /// Places altogether, as the partner stated them.
    pub stated_total: Option<u32>,
    /// The day on which that was so.
    pub stated_as_of: Option<Date>,
    /// Prescriptions that wait for the partner’s answer.
    pub waiting_for_answer: i64,
    /// Prescriptions that were accepted and go on.
    pub taken_on: i64,
}

async fn page<N>(
    app: &App,
    found: (Vec<(Uuid, PrescriptionRecord)>, i64),
    size: i64,
    has_previous: bool,
) -> Result<Page<N>>
where
    N: From<Course> + OutputType,
{
    let (found, total) = found;
    let courses = Course::of(app, found).await?;
    let entries = courses.into_iter().map(|course| {
        let [made_on, id] = course.cursor_parts();
        (cursor(&[&made_on, &id]), N::from(course))
    });
    Ok(counted(entries, size, has_previous, total))
}

async fn single<N: From<Course>>(app: &App, id: Uuid, record: PrescriptionRecord) -> Result<N> {
    let course = Course::of(app, vec![(id, record)]).await?.pop();
    course.map(N::from).ok_or_else(|| told(Failure::NotFound("prescription")))
}

/// A prescription after a command, without the person.
pub(super) async fn outline(ctx: &Context<'_>, id: Uuid) -> Result<PrescriptionOutline> {
    let (app, who) = asked(ctx)?;
    let record = app.prescription_done(who, id).await.map_err(told)?;
    single(app, id, record).await
}

/// Queries about prescriptions.
#[derive(Default)]
pub struct PrescriptionQueries;

#[Object]
impl PrescriptionQueries {
    /// Prescriptions with the persons they are for, by the day they were made. For advisors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn prescriptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<PrescriptionFilter>,
        #[graphql(desc = "Of whom and by whom; anybody if left out.")] whom: Option<PrescriptionWhom>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<Prescription>> {
        let (app, who) = asked(ctx)?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let whom = whom.unwrap_or_default();
        let filter = Filter {
            person: whom.person_ref.map(PersonRef),
            contact: whom.contact_id.map(ContactId),
            made_by: whom.made_by_id.map(PersonId),
            referrer_to_tell: whom.referrer_to_tell.unwrap_or_default(),
            after: pair(after)?,
            limit: size + 1,
            ..filter.unwrap_or_default().read(app)
        };
        page(app, app.prescriptions(who, &filter).await.map_err(told)?, size, has_previous).await
    }

    /// One prescription with the person it is for. For advisors.
    async fn prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
    ) -> Result<Prescription> {
        let (app, who) = asked(ctx)?;
        single(app, id, app.prescription(who, id).await.map_err(told)?).await
    }

    /// The prescriptions that were sent to your organisation, by the day they were made.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn prescription_inbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<PrescriptionFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<PrescriptionReceived>> {
        let (app, who) = asked(ctx)?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let filter = Filter { after: pair(after)?, limit: size + 1, ..filter.unwrap_or_default().read(app) };
        page(app, app.prescription_inbox(who, filter).await.map_err(told)?, size, has_previous).await
    }

    /// One prescription that was sent to your organisation.
    async fn prescription_received(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
    ) -> Result<PrescriptionReceived> {
        let (app, who) = asked(ctx)?;
        single(app, id, app.prescription_received(who, id).await.map_err(told)?).await
    }

    /// Prescriptions without the persons they are for, by the day they were made. For staff and auditors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn prescription_outlines(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<PrescriptionFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<PrescriptionOutline>> {
        let (app, who) = asked(ctx)?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let filter = Filter { after: pair(after)?, limit: size + 1, ..filter.unwrap_or_default().read(app) };
        page(app, app.prescription_outlines(who, &filter).await.map_err(told)?, size, has_previous).await
    }

    /// How many prescriptions stand where, and why they were closed. What was made in error is not counted.
    async fn prescription_standings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<PrescriptionFilter>,
    ) -> Result<Vec<PrescriptionStanding>> {
        let (app, who) = asked(ctx)?;
        let filter = filter.unwrap_or_default().read(app);
        let found = app.prescription_standings(who, &filter).await.map_err(told)?;
        let standing = |(status, closing, count): (_, Option<ClosingReason>, i64)| PrescriptionStanding {
            status: Code(status),
            closing_reason: closing.map(Code),
            count,
        };
        Ok(found.into_iter().map(standing).collect())
    }

    /// The room of an offer as its partner stated it, beside what its prescriptions come to.
    async fn offer_places(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] offer_id: Uuid,
    ) -> Result<OfferPlaces> {
        let (app, who) = asked(ctx)?;
        let places = app.offer_places(who, OfferId(offer_id)).await.map_err(told)?;
        Ok(OfferPlaces {
            stated_open: places.stated.map(|(open, ..)| open),
            stated_total: places.stated.map(|(_, total, _)| total),
            stated_as_of: places.stated.map(|(.., as_of)| Date(as_of)),
            waiting_for_answer: places.sent,
            taken_on: places.taken_on,
        })
    }

    /// The outcome instruments that can be answered here, with their published bands and who published them.
    async fn outcome_instruments(&self) -> Vec<OutcomeInstrument> {
        Instrument::ALL.iter().map(|instrument| OutcomeInstrument::from(*instrument)).collect()
    }
}
