//! A session of a course: planned, held or cancelled, and how many came. Heads are attendances: somebody who comes
//! twice counts twice. People are only those who were marked.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::calendar::{Date, day};
use super::identity::{CourseId, PartnerId, PersonId, PersonRef, SiteId};
use super::places::{Area, Setting};
use super::{Aggregate, Circumstances};

/// A time of day in London, to the minute: `14:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TimeOfDay(NaiveTime);

refusals! {
    /// Why a time of day could not be taken.
    pub enum TimeProblem {
        "time.unreadable" => Unreadable, "Enter a time of day with hours and minutes, such as 09:30 or 14:00.";
    }
}

impl FromStr for TimeOfDay {
    type Err = TimeProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let typed = typed.trim();
        let time = NaiveTime::parse_from_str(typed, "%H:%M").map_err(|_| TimeProblem::Unreadable)?;
        if typed.len() == 5 { Ok(Self(time)) } else { Err(TimeProblem::Unreadable) }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%H:%M"))
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

events! {
    /// What can have happened to a session.
    pub enum SessionEvent in "session" {
        /// A session was planned. Where it is stands as it was on that day.
        "session.scheduled", 1 => Scheduled {
            /// The course.
            course: CourseId,
            /// The site.
            site: SiteId,
            /// The area the site is in.
            area: Area,
            /// What kind of place the site is.
            setting: Setting,
            /// The partner whose place it is, where it is a partner's.
            host: Option<PartnerId>,
            /// The day.
            day: Date,
            /// When it begins, in London.
            starts_at: TimeOfDay,
            /// How many can come.
            places: u32,
            /// Who leads it.
            led_by: PersonId,
        },
        /// The session was cancelled.
        "session.cancelled", 1, reason => Cancelled {},
        /// The session took place.
        "session.delivered", 1 => Delivered {},
        /// It was counted how many came.
        "session.attendance_counted", 1 => AttendanceCounted {
            /// How many came: attendances, not people.
            heads: u32,
        },
        /// The count was put right.
        "session.attendance_corrected", 1, reason => AttendanceCorrected {
            /// What had been counted.
            from: u32,
            /// How many came: attendances, not people.
            to: u32,
        },
        /// Somebody was marked as having come.
        "session.attendee_marked", 1 => AttendeeMarked {
            /// Who: an opaque reference, never a name.
            person: PersonRef,
        },
    }
}

impl SessionEvent {
    fn told(&self) -> String {
        match self {
            Self::Scheduled { area, setting, day: on, starts_at, places, .. } => {
                let place = match setting {
                    Setting::Online => "online".to_owned(),
                    Setting::OwnSite | Setting::PartnersPlace => {
                        format!("at {} in {}", setting.words(), area.words())
                    }
                };
                let room = if *places == 1 { "one person".into() } else { format!("{places} people") };
                format!("Planned for {} at {starts_at}, {place}, with room for {room}.", day(*on))
            }
            Self::Cancelled {} => "The session was cancelled.".to_owned(),
            Self::Delivered {} => "The session took place.".to_owned(),
            Self::AttendanceCounted { heads: 0 } => "Nobody came.".to_owned(),
            Self::AttendanceCounted { heads: 1 } => "One attendance was counted.".to_owned(),
            Self::AttendanceCounted { heads } => format!("{heads} attendances were counted."),
            Self::AttendanceCorrected { from, to } => {
                format!("The attendances were put right: {to}, where {from} had been counted.")
            }
            Self::AttendeeMarked { .. } => "Somebody was marked as having come.".to_owned(),
        }
    }
}

/// What is said of a session when it is planned.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of session.scheduled")]
pub struct Plan {
    pub course: CourseId,
    pub site: SiteId,
    pub area: Area,
    pub setting: Setting,
    pub host: Option<PartnerId>,
    pub day: Date,
    pub starts_at: TimeOfDay,
    pub places: u32,
    pub led_by: PersonId,
}

/// What can be asked of a session.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum SessionCommand {
    Schedule(Plan),
    Cancel,
    Deliver,
    CountAttendance { heads: u32 },
    CorrectAttendance { heads: u32 },
    MarkAttendee { person: PersonRef },
}

refusals! {
    /// Why something asked of a session was turned down.
    pub enum SessionRefusal {
        "session.unknown" => Unknown, "There is no session with this id.";
        "session.already_scheduled" => AlreadyScheduled, "This session is planned already.";
        "session.day_gone" => DayGone { day: String }, "A session is planned before it takes place, and {day} has gone by: choose a later day, or date the planning back and say why.";
        "session.no_places" => NoPlaces, "A session has room for one person at the least.";
        "session.cancelled" => Cancelled, "This session was cancelled, so nobody came: plan another session, or choose the one that took place.";
        "session.already_delivered" => AlreadyDelivered, "This session has taken place already.";
        "session.in_future" => InFuture { day: String }, "This session is on {day}, which lies ahead: record what came of it once it has taken place.";
        "session.not_delivered" => NotDelivered, "It is not recorded that this session took place: record that first, then who came.";
        "session.already_counted" => AlreadyCounted { heads: u32 }, "Attendance is counted already: {heads}. If that is wrong, correct it and say why.";
        "session.not_counted" => NotCounted, "Attendance is not counted yet: count it first.";
        "session.too_many_heads" => TooManyHeads, "No session has more than 100,000 heads: check the number.";
        "session.same_count" => SameCount { heads: u32 }, "The count is {heads} already: there is nothing to put right.";
        "session.more_marked_than_counted" => MoreMarkedThanCounted { marked: usize, heads: u32 }, "That would be {marked} people marked and {heads} counted: nobody can be marked who was not counted. Check both, and correct the count if it is wrong.";
        "session.marked_already" => MarkedAlready, "This person is marked for this session already.";
    }
}

/// The most that one session can have.
const MOST_HEADS: u32 = 100_000;

const fn possible(heads: u32) -> Result<(), SessionRefusal> {
    if heads > MOST_HEADS { Err(SessionRefusal::TooManyHeads) } else { Ok(()) }
}

/// Nobody is marked who was not counted.
fn enough(heads: u32, marked: usize) -> Result<(), SessionRefusal> {
    if marked > usize::try_from(heads).unwrap_or(usize::MAX) {
        return Err(SessionRefusal::MoreMarkedThanCounted { marked, heads });
    }
    Ok(())
}

codes! {
    /// How far a session has come.
    pub enum SessionStatus {
        "planned" => Planned, "planned";
        "cancelled" => Cancelled, "cancelled";
        "delivered" => Delivered, "delivered";
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that lists codes derives no default")]
impl Default for SessionStatus {
    fn default() -> Self {
        Self::Planned
    }
}

/// A session as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Session {
    day: Option<Date>,
    host: Option<PartnerId>,
    status: SessionStatus,
    heads: Option<u32>,
    marked: BTreeSet<PersonRef>,
}

impl Session {
    /// The partner at whose place it is held.
    #[must_use]
    pub const fn host(&self) -> Option<PartnerId> {
        self.host
    }

    /// Whether it took place, so that other things may rest on it.
    ///
    /// # Errors
    /// `session.unknown`, `session.cancelled` or `session.not_delivered`.
    pub fn delivered(&self) -> Result<(), SessionRefusal> {
        self.day.ok_or(SessionRefusal::Unknown)?;
        match self.status {
            SessionStatus::Delivered => Ok(()),
            SessionStatus::Cancelled => Err(SessionRefusal::Cancelled),
            SessionStatus::Planned => Err(SessionRefusal::NotDelivered),
        }
    }

    /// Whether what came of it can be recorded on a day.
    fn over_on(&self, on: Date) -> Result<(), SessionRefusal> {
        let held = self.day.ok_or(SessionRefusal::Unknown)?;
        if self.status == SessionStatus::Cancelled {
            return Err(SessionRefusal::Cancelled);
        }
        if on < held { Err(SessionRefusal::InFuture { day: day(held) }) } else { Ok(()) }
    }

    fn plan(&self, plan: Plan, on: Date) -> Result<SessionEvent, SessionRefusal> {
        if self.day.is_some() {
            return Err(SessionRefusal::AlreadyScheduled);
        }
        if plan.day < on {
            return Err(SessionRefusal::DayGone { day: day(plan.day) });
        }
        if plan.places == 0 {
            return Err(SessionRefusal::NoPlaces);
        }
        let Plan { course, site, area, setting, host, day, starts_at, places, led_by } = plan;
        Ok(SessionEvent::Scheduled { course, site, area, setting, host, day, starts_at, places, led_by })
    }
}

impl Aggregate for Session {
    const TYPE: &'static str = "session";
    type Command = SessionCommand;
    type Event = SessionEvent;
    type Refusal = SessionRefusal;

    fn decide(
        &self,
        command: SessionCommand,
        at: &Circumstances,
    ) -> Result<Vec<SessionEvent>, SessionRefusal> {
        let event = match command {
            SessionCommand::Schedule(plan) => self.plan(plan, at.on)?,
            SessionCommand::Cancel => match self.delivered() {
                Ok(()) => return Err(SessionRefusal::AlreadyDelivered),
                Err(SessionRefusal::NotDelivered) => SessionEvent::Cancelled {},
                Err(other) => return Err(other),
            },
            SessionCommand::Deliver => {
                self.over_on(at.on)?;
                if self.status == SessionStatus::Delivered {
                    return Err(SessionRefusal::AlreadyDelivered);
                }
                SessionEvent::Delivered {}
            }
            SessionCommand::CountAttendance { heads } => {
                self.over_on(at.on)?;
                self.delivered()?;
                possible(heads)?;
                if let Some(heads) = self.heads {
                    return Err(SessionRefusal::AlreadyCounted { heads });
                }
                SessionEvent::AttendanceCounted { heads }
            }
            SessionCommand::CorrectAttendance { heads } => {
                self.over_on(at.on)?;
                possible(heads)?;
                let from = self.heads.ok_or(SessionRefusal::NotCounted)?;
                if from == heads {
                    return Err(SessionRefusal::SameCount { heads });
                }
                enough(heads, self.marked.len())?;
                SessionEvent::AttendanceCorrected { from, to: heads }
            }
            SessionCommand::MarkAttendee { person } => {
                self.over_on(at.on)?;
                self.delivered()?;
                let heads = self.heads.ok_or(SessionRefusal::NotCounted)?;
                if self.marked.contains(&person) {
                    return Err(SessionRefusal::MarkedAlready);
                }
                enough(heads, self.marked.len() + 1)?;
                SessionEvent::AttendeeMarked { person }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &SessionEvent) {
        match event {
            SessionEvent::Scheduled { day, host, .. } => (self.day, self.host) = (Some(*day), *host),
            SessionEvent::Cancelled {} => self.status = SessionStatus::Cancelled,
            SessionEvent::Delivered {} => self.status = SessionStatus::Delivered,
            SessionEvent::AttendanceCounted { heads }
            | SessionEvent::AttendanceCorrected { from: _, to: heads } => self.heads = Some(*heads),
            SessionEvent::AttendeeMarked { person } => drop(self.marked.insert(*person)),
        }
    }
}

#[cfg(test)]
mod tests;
