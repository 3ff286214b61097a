//! Sessions on the wire, and what they come to.

use async_graphql::{Context, Enum, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    ChannelViews, Code, Count, Date, Entered, Meant, Page, Person, Receipt, Site, asked, cursor, parts, size,
    told, uncounted,
};
use crate::app::sessions::NewSession;
use crate::app::{App, Done, Failure};
use crate::domain::calendar;
use crate::domain::identity::{CourseId, PersonId, PersonRef, SessionId, SiteId};
use crate::domain::places::{Area, Setting};
use crate::domain::session::{Session as Aggregate, SessionStatus};
use crate::projections::sessions::{By, Filter, SessionRecord, Tally};
use crate::projections::sites;

/// A session of a course.
#[derive(Debug, Clone)]
pub struct Session {
    id: Uuid,
    record: SessionRecord,
}

/// A session of a course.
#[Object]
impl Session {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// The course.
    async fn course_id(&self) -> Uuid {
        self.record.course.0
    }
    /// The site.
    async fn site_id(&self) -> Uuid {
        self.record.site.0
    }
    /// The area, as it was when the session was planned.
    async fn area(&self) -> Option<Code<Area>> {
        self.record.area.map(Code)
    }
    /// What kind of place it is held in, as it was when the session was planned.
    async fn setting(&self) -> Option<Code<Setting>> {
        self.record.setting.map(Code)
    }
    /// The partner at whose place it is held.
    async fn host_partner_id(&self) -> Option<Uuid> {
        self.record.host.map(|partner| partner.0)
    }
    /// The day.
    async fn day(&self) -> Date {
        Date(self.record.day)
    }
    /// When it begins, in London, such as `14:30`.
    async fn starts_at(&self) -> String {
        self.record.starts_at.to_string()
    }
    /// How many can come.
    async fn places(&self) -> u32 {
        self.record.places
    }
    /// Who leads it.
    async fn led_by(&self, ctx: &Context<'_>) -> Result<Person> {
        let (app, _) = asked(ctx)?;
        let leader = self.record.led_by;
        let name = app.names(&[leader]).await.map_err(told)?.remove(&leader);
        Ok(Person::new(leader, name))
    }
    /// How far it has come.
    async fn status(&self) -> Code<SessionStatus> {
        Code(self.record.status)
    }
    /// How many came, once they are counted: attendances, not people.
    async fn attendances(&self) -> Option<u32> {
        self.record.heads
    }
    /// How many people were marked as having come; never more than attendances. Who they are is not told here.
    async fn people_marked(&self) -> usize {
        self.record.marked.len()
    }
}

/// What activity is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ActivityBreakdown {
    /// By month
    Month,
    /// By area
    Area,
    /// By kind of place
    Setting,
    /// By site
    Site,
    /// By course
    Course,
}

impl From<ActivityBreakdown> for By {
    fn from(by: ActivityBreakdown) -> Self {
        match by {
            ActivityBreakdown::Month => Self::Month,
            ActivityBreakdown::Area => Self::Area,
            ActivityBreakdown::Setting => Self::Setting,
            ActivityBreakdown::Site => Self::Site,
            ActivityBreakdown::Course => Self::Course,
        }
    }
}

/// What sessions come to. Attendances and people are counted apart: one person can come to many sessions.
#[derive(Debug, Clone, Default, SimpleObject)]
pub struct ActivityTally {
    /// Sessions planned of which nothing is told yet.
    pub sessions_planned: i64,
    /// Sessions that took place.
    pub sessions_delivered: i64,
    /// Sessions that were cancelled.
    pub sessions_cancelled: i64,
    /// Sessions whose attendance is counted.
    pub sessions_counted: i64,
    /// Attendances.
    pub attendances: i64,
    /// Different people who were marked as having come. Not to be added over groups: somebody can be in several.
    pub people_marked: i64,
}

impl From<Tally> for ActivityTally {
    fn from(tally: Tally) -> Self {
        Self {
            sessions_planned: tally.planned,
            sessions_delivered: tally.delivered,
            sessions_cancelled: tally.cancelled,
            sessions_counted: tally.counted,
            attendances: tally.attendances,
            people_marked: tally.people_marked,
        }
    }
}

/// What sessions with something in common come to.
#[derive(Debug, Clone, SimpleObject)]
pub struct ActivityGroup {
    /// What they have in common: a month such as `2026-04`, the code of an area or a setting, the id of a site or course.
    pub key: String,
    /// The same in words.
    pub name: String,
    /// What they come to.
    pub tally: ActivityTally,
}

/// What was done over some days: sessions and attendances by group, and the views of each channel beside them.
#[derive(Debug, Clone, SimpleObject)]
pub struct Activity {
    /// By group.
    pub groups: Vec<ActivityGroup>,
    /// All groups together, computed from the sessions.
    pub total: ActivityTally,
    /// Views, channel by channel; never added up. None where an area other than online was asked for.
    pub views: Vec<ChannelViews>,
}

/// Which sessions to look at.
#[derive(Debug, Clone, Default, InputObject)]
pub struct SessionFilter {
    /// On this day or later.
    pub from: Option<Date>,
    /// On this day or earlier.
    pub to: Option<Date>,
    /// In one of these areas.
    pub areas: Option<Vec<Code<Area>>>,
    /// In one of these settings.
    pub settings: Option<Vec<Code<Setting>>>,
    /// At this site.
    pub site_id: Option<Uuid>,
    /// Of this course.
    pub course_id: Option<Uuid>,
    /// At this partner’s place.
    pub host_partner_id: Option<Uuid>,
    /// That have come so far.
    pub status: Option<Code<SessionStatus>>,
}

impl SessionFilter {
    fn read(self) -> Filter {
        Filter {
            from: self.from.map(|date| date.0),
            to: self.to.map(|date| date.0),
            areas: self.areas.into_iter().flatten().map(|code| code.0).collect(),
            settings: self.settings.into_iter().flatten().map(|code| code.0).collect(),
            site: self.site_id,
            course: self.course_id,
            host: self.host_partner_id,
            status: self.status.map(|code| code.0),
        }
    }
}

/// A session to be planned.
#[derive(Debug, Clone, InputObject)]
pub struct ScheduleSessionInput {
    /// The course.
    pub course_id: Uuid,
    /// The site: one of our own, a partner’s place, or a channel online.
    pub site_id: Uuid,
    /// The day; not before the planning takes effect.
    pub day: Date,
    /// When it begins, in London, such as `14:30`.
    pub starts_at: String,
    /// How many can come; at least one.
    pub places: u32,
    /// Who leads it: staff, or somebody of the partner.
    pub led_by_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl ScheduleSessionInput {
    fn read(self) -> Result<(Meant, NewSession), Failure> {
        let mut entered = Entered::default();
        let taken = entered.take("startsAt", self.starts_at.parse()).map(|starts_at| NewSession {
            course: CourseId(self.course_id),
            site: SiteId(self.site_id),
            day: self.day.0,
            starts_at,
            places: self.places,
            led_by: PersonId(self.led_by_id),
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A step with a session, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct SessionInput {
    /// The session.
    pub session_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// How many came to a session.
#[derive(Debug, Clone, InputObject)]
pub struct CountAttendanceInput {
    /// The session; it must have taken place.
    pub session_id: Uuid,
    /// How many came: attendances, a whole number, nobody twice in one session.
    pub heads: Count,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Somebody to be marked as having come.
#[derive(Debug, Clone, InputObject)]
pub struct MarkAttendeeInput {
    /// The session; its attendance must be counted.
    pub session_id: Uuid,
    /// Who: the opaque reference of a person, never a name.
    pub person_ref: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a session leads to.
#[derive(SimpleObject)]
pub struct SessionPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The session as it stands now.
    pub session: Session,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<SessionPayload> {
    let done = done.map_err(told)?;
    let (app, who) = asked(ctx)?;
    let record = app.session(who, done.id).await.map_err(told)?;
    Ok(SessionPayload { receipt: done.into(), session: Session { id: done.id, record } })
}

/// Heads as the domain has them; it refuses the largest number as more than any session has.
fn heads(count: Count) -> u32 {
    u32::try_from(count.0).unwrap_or(u32::MAX)
}

/// Queries about sessions.
#[derive(Default)]
pub struct SessionQueries;

#[Object]
impl SessionQueries {
    /// Sessions by day and time. People of a partner see those at their own place.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<SessionFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<Session>> {
        let (app, who) = asked(ctx)?;
        let size = size(first)?;
        let has_previous = after.is_some();
        let after = match parts(after)? {
            None => None,
            Some(parts) => Some(place(&parts).ok_or_else(|| told(Failure::refused_cursor()))?),
        };
        let filter = filter.unwrap_or_default().read();
        let found = app.sessions(who, filter, after, size + 1).await.map_err(told)?;
        let entries = found.into_iter().map(|(id, record)| {
            let (day, starts) = (record.day.to_string(), record.starts_at.to_string());
            (cursor(&[&day, &starts, &id.to_string()]), Session { id, record })
        });
        Ok(uncounted(entries, size, has_previous))
    }

    /// One session.
    async fn session(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Session> {
        let (app, who) = asked(ctx)?;
        Ok(Session { id, record: app.session(who, id).await.map_err(told)? })
    }

    /// What was done over some days: sessions and attendances by month, area, setting, site or course, and views by channel.
    async fn activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to tell it by.")] by: ActivityBreakdown,
        #[graphql(desc = "Which sessions; all if left out.")] filter: Option<SessionFilter>,
    ) -> Result<Activity> {
        let (app, who) = asked(ctx)?;
        let filter = filter.unwrap_or_default().read();
        let groups = app.activity(who, &filter, by.into()).await.map_err(told)?;
        let total = app.activity(who, &filter, By::Nothing).await.map_err(told)?.into_iter().next();
        let names = names(app, by, &groups).await?;
        let groups = groups.into_iter().zip(names).map(|(tally, name)| ActivityGroup {
            key: tally.key.clone(),
            name,
            tally: tally.into(),
        });
        let views = if filter.areas.is_empty() || filter.areas.contains(&Area::Online) {
            let channels = sites::Filter { setting: Some(Setting::Online), area: None, limit: None };
            let from = filter.from.unwrap_or(calendar::Date::MIN);
            let to = filter.to.unwrap_or(calendar::Date::MAX);
            let found = app.sites(who, channels).await.map_err(told)?.into_iter();
            found
                .map(|(id, record)| ChannelViews {
                    views: Count(record.views_between(from, to)),
                    channel: Site::new(id, record),
                })
                .collect()
        } else {
            Vec::new()
        };
        let total = total.map(ActivityTally::from).unwrap_or_default();
        Ok(Activity { groups: groups.collect(), total, views })
    }
}

/// The place in the list that a cursor stands for.
fn place(parts: &[String]) -> Option<(String, String, Uuid)> {
    let [day, starts, id] = parts else { return None };
    Some((day.clone(), starts.clone(), id.parse().ok()?))
}

/// What groups have in common, in words.
async fn names(app: &App, by: ActivityBreakdown, groups: &[Tally]) -> Result<Vec<String>> {
    let ids: Vec<Uuid> = groups.iter().filter_map(|group| group.key.parse().ok()).collect();
    let known = match by {
        ActivityBreakdown::Site => {
            let sites = app.sites_named(&ids).await.map_err(told)?.into_iter();
            sites.map(|(id, record)| (id.to_string(), record.name)).collect()
        }
        ActivityBreakdown::Course => {
            let courses = app.courses_named(&ids).await.map_err(told)?.into_iter();
            courses.map(|(id, record)| (id.to_string(), record.title)).collect()
        }
        ActivityBreakdown::Month | ActivityBreakdown::Area | ActivityBreakdown::Setting => {
            std::collections::HashMap::new()
        }
    };
    let name = |key: &str| match by {
        ActivityBreakdown::Month => {
            let first: Option<calendar::Date> = format!("{key}-01").parse().ok();
            first.map_or_else(String::new, |first| first.format("%B %Y").to_string())
        }
        ActivityBreakdown::Area => Area::from_code(key).map_or("", Area::words).to_owned(),
        ActivityBreakdown::Setting => Setting::from_code(key).map_or("", Setting::words).to_owned(),
        ActivityBreakdown::Site | ActivityBreakdown::Course => known.get(key).cloned().unwrap_or_default(),
    };
    Ok(groups.iter().map(|group| name(&group.key)).collect())
}

/// Commands on sessions.
#[derive(Default)]
pub struct SessionMutations;

#[Object]
impl SessionMutations {
    /// Plan a session of a course.
    async fn schedule_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: ScheduleSessionInput,
    ) -> Result<SessionPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.schedule_session(who, &how, new).await).await
    }

    /// Cancel a session that has not taken place. Needs a reason.
    async fn cancel_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: SessionInput,
    ) -> Result<SessionPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.cancel_session(who, &how, SessionId(input.session_id)).await).await
    }

    /// Record that a session took place. People of a partner do so at their own place.
    async fn deliver_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: SessionInput,
    ) -> Result<SessionPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.deliver_session(who, &how, SessionId(input.session_id)).await).await
    }

    /// Count how many came. People of a partner do so at their own place.
    async fn count_attendance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many.")] input: CountAttendanceInput,
    ) -> Result<SessionPayload> {
        let (app, who) = asked(ctx)?;
        let (session, heads) = (SessionId(input.session_id), heads(input.heads));
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.count_attendance(who, &how, session, heads).await).await
    }

    /// Put a count right. People of a partner do so at their own place. Needs a reason.
    async fn correct_attendance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many came after all.")] input: CountAttendanceInput,
    ) -> Result<SessionPayload> {
        let (app, who) = asked(ctx)?;
        let (session, heads) = (SessionId(input.session_id), heads(input.heads));
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.correct_attendance(who, &how, session, heads).await).await
    }

    /// Mark somebody as having come, by an opaque reference. People of a partner do so at their own place.
    async fn mark_attendee(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who.")] input: MarkAttendeeInput,
    ) -> Result<SessionPayload> {
        let (app, who) = asked(ctx)?;
        let (session, person) = (SessionId(input.session_id), PersonRef(input.person_ref));
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.mark_attendee(who, &how, session, person).await).await
    }
}
