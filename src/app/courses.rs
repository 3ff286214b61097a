//! Courses: defining them, putting content online, and looking them up.

use std::collections::HashMap;

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::course::{Course, CourseCommand, Pillar};
use crate::domain::identity::{CourseId, SiteId};
use crate::domain::site::Site;
use crate::domain::text::Text;
use crate::projections::courses::{CourseRecord, list};
use crate::projections::{one, several};

/// A course to be defined.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of course.defined")]
pub struct NewCourse {
    pub title: Text<200>,
    pub pillar: Pillar,
    pub about: Text<1000>,
}

impl App {
    /// Define a course.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn define_course(&self, who: &Identity, how: &How, new: NewCourse) -> Result<Done, Failure> {
        let order = self.order(who, "defineCourse", how)?;
        let id = order.envelope.command.makes("course");
        self.carry_out::<Course, _>(order, id, move |work| {
            let NewCourse { title, pillar, about } = new.clone();
            Box::pin(async move {
                Ok(work.execute::<Course>(id, CourseCommand::Define { title, pillar, about }).await?)
            })
        })
        .await
    }

    /// Put content of a course on a channel that is open.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn publish_content(
        &self,
        who: &Identity,
        how: &How,
        course: CourseId,
        (channel, title): (SiteId, Text<200>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "publishContent", how)?;
        self.carry_out::<Course, _>(order, course.0, move |work| {
            let title = title.clone();
            Box::pin(async move {
                work.existing::<Course>(course).await?;
                work.existing::<Site>(channel).await?.channel()?;
                let publish = CourseCommand::PublishContent { channel, title };
                Ok(work.execute::<Course>(course, publish).await?)
            })
        })
        .await
    }

    /// Courses by title.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn courses(
        &self,
        who: &Identity,
        pillar: Option<Pillar>,
        limit: i64,
    ) -> Result<Vec<(Uuid, CourseRecord)>, Failure> {
        may(who, "courses")?;
        Ok(list(self.store.pool(), pillar, limit).await?)
    }

    /// One course.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn course(&self, who: &Identity, id: Uuid) -> Result<CourseRecord, Failure> {
        may(who, "course")?;
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("course"))
    }

    /// Courses by their ids, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn courses_named(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, CourseRecord>, Failure> {
        Ok(several(self.store.pool(), ids).await?)
    }
}
