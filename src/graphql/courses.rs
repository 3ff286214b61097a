//! Courses on the wire.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Code, Date, Entered, Meant, Receipt, asked, size, told};
use crate::app::courses::NewCourse;
use crate::app::{Done, Failure};
use crate::domain::course::{Course as Aggregate, Pillar};
use crate::domain::identity::{CourseId, SiteId};
use crate::projections::courses::{ContentRecord, CourseRecord};

/// A course: what is taught or done in sessions.
#[derive(Debug, Clone)]
pub struct Course {
    id: Uuid,
    record: CourseRecord,
}

/// A course: what is taught or done in sessions.
#[Object]
impl Course {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its title.
    async fn title(&self) -> &str {
        &self.record.title
    }
    /// The pillar it stands under.
    async fn pillar(&self) -> Option<Code<Pillar>> {
        self.record.pillar.map(Code)
    }
    /// What it is about and whom it is for.
    async fn about(&self) -> &str {
        &self.record.about
    }
    /// When it was defined.
    async fn defined_on(&self) -> Date {
        Date(self.record.defined_on)
    }
    /// What of it stands online.
    async fn content(&self) -> Vec<CourseContent> {
        self.record.content.iter().map(CourseContent::from).collect()
    }
}

/// Content of a course on a channel.
#[derive(Debug, Clone, SimpleObject)]
pub struct CourseContent {
    /// The channel: a site online.
    pub channel_id: Uuid,
    /// The title of the content.
    pub title: String,
    /// When it was put there.
    pub published_on: Date,
}

impl From<&ContentRecord> for CourseContent {
    fn from(record: &ContentRecord) -> Self {
        let ContentRecord { channel, title, published_on } = record.clone();
        Self { channel_id: channel.0, title, published_on: Date(published_on) }
    }
}

/// A course to be defined.
#[derive(Debug, Clone, InputObject)]
pub struct DefineCourseInput {
    /// Its title, at most 200 characters.
    pub title: String,
    /// The pillar it stands under.
    pub pillar: Code<Pillar>,
    /// What it is about and whom it is for, at most 1,000 characters.
    pub about: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl DefineCourseInput {
    fn read(self) -> Result<(Meant, NewCourse), Failure> {
        let mut entered = Entered::default();
        let taken = entered
            .text("title", &self.title)
            .zip(entered.text("about", &self.about))
            .map(|(title, about)| NewCourse { title, pillar: self.pillar.0, about });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// Content of a course to be put online.
#[derive(Debug, Clone, InputObject)]
pub struct PublishContentInput {
    /// The course.
    pub course_id: Uuid,
    /// The channel: a site online.
    pub channel_id: Uuid,
    /// The title of the content, at most 200 characters.
    pub title: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a course leads to.
#[derive(SimpleObject)]
pub struct CoursePayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The course as it stands now.
    pub course: Course,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<CoursePayload> {
    let done = done.map_err(told)?;
    let (app, who) = asked(ctx)?;
    let record = app.course(who, done.id).await.map_err(told)?;
    Ok(CoursePayload { receipt: done.into(), course: Course { id: done.id, record } })
}

/// Queries about courses.
#[derive(Default)]
pub struct CourseQueries;

#[Object]
impl CourseQueries {
    /// Courses by title.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn courses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Under this pillar; all if left out.")] pillar: Option<Code<Pillar>>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Course>> {
        let (app, who) = asked(ctx)?;
        let found = app.courses(who, pillar.map(|code| code.0), size(first)?).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, record)| Course { id, record }).collect())
    }

    /// One course.
    async fn course(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Course> {
        let (app, who) = asked(ctx)?;
        Ok(Course { id, record: app.course(who, id).await.map_err(told)? })
    }
}

/// Commands on courses.
#[derive(Default)]
pub struct CourseMutations;

#[Object]
impl CourseMutations {
    /// Define a course.
    async fn define_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course.")] input: DefineCourseInput,
    ) -> Result<CoursePayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.define_course(who, &how, new).await).await
    }

    /// Put content of a course, such as a film, on a channel.
    async fn publish_content(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The content.")] input: PublishContentInput,
    ) -> Result<CoursePayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let title = entered.text("title", &input.title);
        let title = entered.all(title).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        let content = (SiteId(input.channel_id), title);
        payload(ctx, app.publish_content(who, &how, CourseId(input.course_id), content).await).await
    }
}
