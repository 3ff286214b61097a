//! Sessions: planning them, recording what came of them, and what they come to.

use uuid::Uuid;

use super::authority::{may, of_partner};
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::course::Course;
use crate::domain::identity::{CourseId, PersonId, PersonRef, SessionId, SiteId};
use crate::domain::partner::Partner;
use crate::domain::person::Person;
use crate::domain::session::{Plan, Session, SessionCommand, TimeOfDay};
use crate::domain::site::{Site, Venue};
use crate::projections::one;
use crate::projections::sessions::{By, Filter, SessionRecord, Tally, list, tally};

/// A session to be planned.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are those of session.scheduled")]
pub struct NewSession {
    pub course: CourseId,
    pub site: SiteId,
    pub day: Date,
    pub starts_at: TimeOfDay,
    pub places: u32,
    pub led_by: PersonId,
}

impl App {
    /// Plan a session of a course at a site that is open. A partner whose place it is must not be suspended.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn schedule_session(
        &self,
        who: &Identity,
        how: &How,
        new: NewSession,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "scheduleSession", how)?;
        self.must_know(&[new.led_by]).await?;
        let id = order.envelope.command.makes("session");
        self.carry_out::<Session, _>(order, id, move |work| {
            let NewSession { course, site, day, starts_at, places, led_by } = new;
            Box::pin(async move {
                work.existing::<Course>(course).await?;
                let Venue { area, setting, partner: host } = work.existing::<Site>(site).await?.venue()?;
                if let Some(host) = host {
                    work.existing::<Partner>(host).await?.may_deliver()?;
                }
                let plan = Plan { course, site, area, setting, host, day, starts_at, places, led_by };
                Ok(work.execute::<Session>(id, SessionCommand::Schedule(plan)).await?)
            })
        })
        .await
    }

    /// Cancel a session.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn cancel_session(
        &self,
        who: &Identity,
        how: &How,
        session: SessionId,
    ) -> Result<Done, Failure> {
        self.told_of_session(who, how, "cancelSession", session, SessionCommand::Cancel).await
    }

    /// Record that a session took place.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn deliver_session(
        &self,
        who: &Identity,
        how: &How,
        session: SessionId,
    ) -> Result<Done, Failure> {
        self.told_of_session(who, how, "deliverSession", session, SessionCommand::Deliver).await
    }

    /// Count how many came.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn count_attendance(
        &self,
        who: &Identity,
        how: &How,
        session: SessionId,
        heads: u32,
    ) -> Result<Done, Failure> {
        let count = SessionCommand::CountAttendance { heads };
        self.told_of_session(who, how, "countAttendance", session, count).await
    }

    /// Put a count right.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn correct_attendance(
        &self,
        who: &Identity,
        how: &How,
        session: SessionId,
        heads: u32,
    ) -> Result<Done, Failure> {
        let correct = SessionCommand::CorrectAttendance { heads };
        self.told_of_session(who, how, "correctAttendance", session, correct).await
    }

    /// Mark somebody as having come. People of a partner know of a person where something of them is shared with it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn mark_attendee(
        &self,
        who: &Identity,
        how: &How,
        session: SessionId,
        person: PersonRef,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "markAttendee", how)?;
        let who = who.clone();
        self.carry_out::<Session, _>(order, session.0, move |work| {
            let who = who.clone();
            Box::pin(async move {
                let host = work.existing::<Session>(session).await?.host();
                at_own_place(&who, host.map(Into::into))?;
                let known = work.existing::<Person>(person).await?;
                if who.partner.is_some_and(|partner| known.shared_with(partner).is_empty()) {
                    return Err(Failure::NotFound("person"));
                }
                known.stands()?;
                Ok(work.execute::<Session>(session, SessionCommand::MarkAttendee { person }).await?)
            })
        })
        .await
    }

    /// A step with a session. People of a partner take it at their own place alone; elsewhere it is answered as if the
    /// session did not exist.
    async fn told_of_session(
        &self,
        who: &Identity,
        how: &How,
        deed: &'static str,
        session: SessionId,
        command: SessionCommand,
    ) -> Result<Done, Failure> {
        let order = self.order(who, deed, how)?;
        let who = who.clone();
        self.carry_out::<Session, _>(order, session.0, move |work| {
            let (who, command) = (who.clone(), command.clone());
            Box::pin(async move {
                let host = work.existing::<Session>(session).await?.host();
                at_own_place(&who, host.map(Into::into))?;
                Ok(work.execute::<Session>(session, command).await?)
            })
        })
        .await
    }

    /// Sessions by day and time, after one of them (day, time, id). People of a partner see those at their own place.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn sessions(
        &self,
        who: &Identity,
        mut filter: Filter,
        after: Option<(String, String, Uuid)>,
        limit: i64,
    ) -> Result<Vec<(Uuid, SessionRecord)>, Failure> {
        may(who, "sessions")?;
        if who.role.is_of_a_partner() {
            filter.host = Some(who.partner.map(Uuid::from).unwrap_or_default());
        }
        Ok(list(self.store.pool(), &filter, after, limit).await?)
    }

    /// One session. People of a partner see those at their own place.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn session(&self, who: &Identity, id: Uuid) -> Result<SessionRecord, Failure> {
        may(who, "session")?;
        let record: SessionRecord = one(self.store.pool(), id).await?.ok_or(Failure::NotFound("session"))?;
        at_own_place(who, record.host.map(Into::into))?;
        Ok(record)
    }

    /// What sessions come to, by what is asked.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn activity(&self, who: &Identity, filter: &Filter, by: By) -> Result<Vec<Tally>, Failure> {
        may(who, "activity")?;
        Ok(tally(self.store.pool(), filter, by).await?)
    }
}

/// People of a partner know of sessions at their own place alone.
fn at_own_place(who: &Identity, host: Option<Uuid>) -> Result<(), Failure> {
    of_partner(who, host.unwrap_or_default().into(), "session")
}
