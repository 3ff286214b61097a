//! What an offer says, out and in, field by field.

use async_graphql::{Enum, InputObject, SimpleObject};
use uuid::Uuid;

use super::super::{Area, Code, Community, Entered, Money};
use crate::app::Failure;
use crate::domain::identity::GrantId;
use crate::domain::offer::{
    self, Joining, OfferPlace, Point, Postcode, PublicEmail, PublicPhone, TimeOfDay, Venue, Weekday,
    WeeklyTime,
};
use crate::domain::vocabulary::{Access, AgeBand, Language, NeedCode};

/// Everything an offer tells people.
#[derive(Debug, Clone, SimpleObject)]
pub struct OfferContent {
    /// What it is called.
    pub title: String,
    /// What happens there.
    pub summary: String,
    /// Who it is for, in the partner’s words.
    pub who_for: String,
    /// The ages it is for; none named means all.
    pub ages: Vec<Code<AgeBand>>,
    /// The languages it is offered in.
    pub languages: Vec<Code<Language>>,
    /// What makes it possible to take part.
    pub access: Vec<Code<Access>>,
    /// What it costs.
    pub cost: Cost,
    /// Where it takes place.
    pub place: Place,
    /// When it runs.
    pub schedule: Schedule,
    /// The telephone number under which the organisation answers the public.
    pub phone: Option<String>,
    /// The email address under which the organisation answers the public.
    pub email: Option<String>,
    /// How people come to take part.
    pub joining: Code<Joining>,
    /// The needs it meets.
    pub needs: Vec<Code<NeedCode>>,
    /// The communities it is for.
    pub communities: Vec<Code<Community>>,
    /// The partner’s own grants that pay for it. For staff, auditors and the partner; nothing for others.
    pub grant_ids: Option<Vec<Uuid>>,
}

impl OfferContent {
    pub(super) fn new(content: &offer::OfferContent, inside: bool) -> Self {
        Self {
            title: content.title.to_string(),
            summary: content.summary.to_string(),
            who_for: content.who_for.to_string(),
            ages: content.ages.iter().copied().map(Code).collect(),
            languages: content.languages.iter().copied().map(Code).collect(),
            access: content.access.iter().copied().map(Code).collect(),
            cost: Cost::from(content.cost),
            place: Place::from(&content.place),
            schedule: Schedule::from(&content.schedule),
            phone: content.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            email: content.email.as_ref().map(|email| email.as_str().to_owned()),
            joining: Code(content.joining),
            needs: content.needs.iter().copied().map(Code).collect(),
            communities: content.communities.iter().copied().map(Code).collect(),
            grant_ids: inside.then(|| content.grants.iter().map(|grant| grant.0).collect()),
        }
    }
}

/// How taking part is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "OfferCostKind")]
pub enum CostKind {
    /// It costs nothing.
    Free,
    /// People give what they choose.
    Donation,
    /// It costs so much each time.
    Amount,
}

/// What taking part costs.
#[derive(Debug, Clone, Copy, SimpleObject)]
#[graphql(name = "OfferCost")]
pub struct Cost {
    /// How it is paid for.
    pub kind: CostKind,
    /// How much each time, where it is an amount.
    pub amount: Option<Money>,
}

impl From<offer::Cost> for Cost {
    fn from(cost: offer::Cost) -> Self {
        match cost {
            offer::Cost::Free => Self { kind: CostKind::Free, amount: None },
            offer::Cost::Donation => Self { kind: CostKind::Donation, amount: None },
            offer::Cost::Amount(amount) => Self { kind: CostKind::Amount, amount: Some(amount.into()) },
        }
    }
}

/// Where an offer takes place.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "OfferPlace")]
pub struct Place {
    /// The area it is in; online where it is online or by telephone.
    pub area: Code<Area>,
    /// What the place is called and how it is found.
    pub name: Option<String>,
    /// Its postcode.
    pub postcode: Option<String>,
    /// Its latitude in decimal degrees (WGS 84).
    pub latitude: Option<String>,
    /// Its longitude in decimal degrees (WGS 84).
    pub longitude: Option<String>,
}

impl From<&OfferPlace> for Place {
    fn from(place: &OfferPlace) -> Self {
        let venue = match place {
            OfferPlace::Online => None,
            OfferPlace::At(venue) => Some(venue),
        };
        let point = venue.and_then(|venue| venue.point);
        Self {
            area: Code(place.area()),
            name: venue.and_then(|venue| venue.name.as_ref()).map(ToString::to_string),
            postcode: venue.and_then(|venue| venue.postcode.as_ref()).map(|code| code.as_str().to_owned()),
            latitude: point.map(|point| point.lat.to_string()),
            longitude: point.map(|point| point.lon.to_string()),
        }
    }
}

/// One time in the week.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "OfferWeeklyHours")]
pub struct WeeklyHours {
    /// On which day.
    pub day: Code<Weekday>,
    /// When it begins, such as "10:00".
    pub from: String,
    /// When it ends, such as "12:30".
    pub to: String,
}

/// When an offer runs.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "OfferSchedule")]
pub struct Schedule {
    /// The times of an ordinary week.
    pub weekly: Vec<WeeklyHours>,
    /// What the week does not show.
    pub note: Option<String>,
}

impl From<&offer::Schedule> for Schedule {
    fn from(schedule: &offer::Schedule) -> Self {
        let weekly = schedule.weekly.iter().map(|time| WeeklyHours {
            day: Code(time.day),
            from: time.from.to_string(),
            to: time.to.to_string(),
        });
        Self { weekly: weekly.collect(), note: schedule.note.as_ref().map(ToString::to_string) }
    }
}

/// What taking part costs.
#[derive(Debug, Clone, Copy, InputObject)]
#[graphql(name = "OfferCostInput")]
pub struct CostInput {
    /// How it is paid for.
    pub kind: CostKind,
    /// How much each time; with an amount only.
    pub amount: Option<Money>,
}

impl CostInput {
    pub(super) fn read(self, entered: &mut Entered, field: &str) -> Option<offer::Cost> {
        match (self.kind, self.amount) {
            (CostKind::Free, None) => Some(offer::Cost::Free),
            (CostKind::Donation, None) => Some(offer::Cost::Donation),
            (CostKind::Amount, Some(amount)) => entered.take(field, amount.amount()).map(offer::Cost::Amount),
            (CostKind::Free | CostKind::Donation, Some(_)) | (CostKind::Amount, None) => {
                entered.take::<offer::Cost, _>(field, Err(offer::ParticularProblem::Cost))
            }
        }
    }
}

/// Where an offer takes place.
#[derive(Debug, Clone, InputObject)]
#[graphql(name = "OfferPlaceInput")]
pub struct PlaceInput {
    /// The area it is in; online where it is online or by telephone, and then nothing else.
    pub area: Code<Area>,
    /// What the place is called and how it is found, at most 200 characters.
    pub name: Option<String>,
    /// Its postcode.
    pub postcode: Option<String>,
    /// Its latitude in decimal degrees (WGS 84), at most six places; with the longitude.
    pub latitude: Option<String>,
    /// Its longitude in decimal degrees (WGS 84), at most six places.
    pub longitude: Option<String>,
}

impl PlaceInput {
    pub(super) fn read(self, entered: &mut Entered, field: &str) -> Option<OfferPlace> {
        let bare = self.name.is_none() && self.postcode.is_none() && self.latitude.is_none();
        if self.area.0 == Area::Online && bare {
            return Some(OfferPlace::Online);
        }
        let name = entered.optional_text(&format!("{field}.name"), self.name.as_deref());
        let postcode =
            entered.optional(&format!("{field}.postcode"), self.postcode, |typed| typed.parse::<Postcode>());
        let point = match (self.latitude, self.longitude) {
            (None, None) => None,
            (lat, lon) => Some((lat.unwrap_or_default(), lon.unwrap_or_default())),
        };
        let point = entered.optional(field, point, |(lat, lon)| Point::read(&lat, &lon));
        entered.take(field, OfferPlace::at(Venue { area: self.area.0, name, postcode, point }))
    }
}

/// One time in the week.
#[derive(Debug, Clone, InputObject)]
#[graphql(name = "OfferWeeklyHoursInput")]
pub struct WeeklyHoursInput {
    /// On which day.
    pub day: Code<Weekday>,
    /// When it begins, such as "10:00".
    pub from: String,
    /// When it ends, such as "12:30".
    pub to: String,
}

/// When an offer runs.
#[derive(Debug, Clone, Default, InputObject)]
#[graphql(name = "OfferScheduleInput")]
pub struct ScheduleInput {
    /// The times of an ordinary week.
    pub weekly: Option<Vec<WeeklyHoursInput>>,
    /// What the week does not show, such as "not in school holidays"; at most 200 characters.
    pub note: Option<String>,
}

impl ScheduleInput {
    pub(super) fn read(self, entered: &mut Entered, field: &str) -> Option<offer::Schedule> {
        let note = entered.optional_text(&format!("{field}.note"), self.note.as_deref());
        let times = self.weekly.unwrap_or_default().into_iter().map(|hours| {
            let (from, to) = (hours.from.parse::<TimeOfDay>(), hours.to.parse::<TimeOfDay>());
            let read = from.and_then(|from| WeeklyTime::new(hours.day.0, from, to?));
            entered.take(&format!("{field}.weekly"), read)
        });
        let weekly: Option<_> = times.collect();
        weekly.map(|weekly| offer::Schedule { weekly, note })
    }
}

/// Everything an offer tells people. It is about an organisation and what it does: no person’s name, number or
/// address belongs in it.
#[derive(Debug, Clone, InputObject)]
pub struct OfferContentInput {
    /// What it is called, at most 120 characters.
    pub title: String,
    /// What happens there, at most 1,000 characters.
    pub summary: String,
    /// Who it is for, in your words, at most 300 characters.
    pub who_for: String,
    /// The ages it is for; none named means all.
    pub ages: Option<Vec<Code<AgeBand>>>,
    /// The languages it is offered in.
    pub languages: Vec<Code<Language>>,
    /// What makes it possible to take part.
    pub access: Option<Vec<Code<Access>>>,
    /// What it costs.
    pub cost: CostInput,
    /// Where it takes place.
    pub place: PlaceInput,
    /// When it runs.
    pub schedule: ScheduleInput,
    /// The telephone number under which the organisation answers the public: an office line, or a mobile that belongs
    /// to the organisation. Never somebody’s own: whoever reviews the offer asks.
    pub phone: Option<String>,
    /// The email address under which the organisation answers the public, such as hello@ or groups@. Never somebody’s
    /// own.
    pub email: Option<String>,
    /// How people come to take part.
    pub joining: Code<Joining>,
    /// The needs it meets.
    pub needs: Vec<Code<NeedCode>>,
    /// The communities it is for.
    pub communities: Vec<Code<Community>>,
    /// The partner’s own grants that pay for it.
    pub grant_ids: Option<Vec<Uuid>>,
}

impl OfferContentInput {
    pub(super) fn read(self) -> Result<offer::OfferContent, Failure> {
        let mut entered = Entered::default();
        let title = entered.text("content.title", &self.title);
        let summary = entered.text("content.summary", &self.summary);
        let who_for = entered.text("content.whoFor", &self.who_for);
        let cost = self.cost.read(&mut entered, "content.cost");
        let place = self.place.read(&mut entered, "content.place");
        let schedule = self.schedule.read(&mut entered, "content.schedule");
        let phone =
            entered.optional("content.phone", typed(self.phone), |typed| typed.parse::<PublicPhone>());
        let email =
            entered.optional("content.email", typed(self.email), |typed| typed.parse::<PublicEmail>());
        let words = title.zip(summary).zip(who_for);
        let forms = cost.zip(place).zip(schedule);
        let taken = words.zip(forms).map(|(((title, summary), who_for), ((cost, place), schedule))| {
            offer::OfferContent {
                title,
                summary,
                who_for,
                ages: self.ages.unwrap_or_default().iter().map(|code| code.0).collect(),
                languages: self.languages.iter().map(|code| code.0).collect(),
                access: self.access.unwrap_or_default().iter().map(|code| code.0).collect(),
                cost,
                place,
                schedule,
                phone,
                email,
                joining: self.joining.0,
                needs: self.needs.iter().map(|code| code.0).collect(),
                communities: self.communities.iter().map(|code| code.0).collect(),
                grants: self.grant_ids.unwrap_or_default().into_iter().map(GrantId).collect(),
            }
        });
        entered.all(taken)
    }
}

/// What was typed, unless it is blank.
pub(super) fn typed(typed: Option<String>) -> Option<String> {
    typed.filter(|typed| !typed.trim().is_empty())
}
