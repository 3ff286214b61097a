//! A course: what is taught or done in sessions, under one of the three pillars, and what of it stands online.

use std::collections::BTreeSet;

use super::identity::SiteId;
use super::text::Text;
use super::{Aggregate, Circumstances};

codes! {
    /// The pillar of the social model of health that a course stands under.
    pub enum Pillar {
        "learning" => Learning, "learning";
        "social_prescribing" => SocialPrescribing, "social prescribing";
        "inclusion" => Inclusion, "inclusion";
    }
}

events! {
    /// What can have happened to a course.
    pub enum CourseEvent in "course" {
        /// A course was defined.
        "course.defined", 1 => Defined {
            /// Its title.
            title: Text<200>,
            /// The pillar it stands under.
            pillar: Pillar,
            /// What it is about and whom it is for.
            about: Text<1000>,
        },
        /// Content of the course, such as a film, was put on a channel online.
        "course.content_published", 1 => ContentPublished {
            /// The channel: a site online.
            channel: SiteId,
            /// The title of the content.
            title: Text<200>,
        },
    }
}

impl CourseEvent {
    fn told(&self) -> String {
        match self {
            Self::Defined { title, pillar, .. } => {
                format!("{title} was defined: a course of the pillar {}.", pillar.words())
            }
            Self::ContentPublished { title, .. } => format!("{title} was put online."),
        }
    }
}

/// What can be asked of a course.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum CourseCommand {
    Define { title: Text<200>, pillar: Pillar, about: Text<1000> },
    PublishContent { channel: SiteId, title: Text<200> },
}

refusals! {
    /// Why something asked of a course was turned down.
    pub enum CourseRefusal {
        "course.unknown" => Unknown, "There is no course with this id.";
        "course.already_defined" => AlreadyDefined, "This course is defined already.";
        "course.content_published_already" => PublishedAlready { title: String }, "{title} is on this channel already: give the new content a title of its own.";
    }
}

/// A course as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Course {
    defined: bool,
    content: BTreeSet<(SiteId, Text<200>)>,
}

impl Aggregate for Course {
    const TYPE: &'static str = "course";
    type Command = CourseCommand;
    type Event = CourseEvent;
    type Refusal = CourseRefusal;

    fn decide(&self, command: CourseCommand, _: &Circumstances) -> Result<Vec<CourseEvent>, CourseRefusal> {
        let event = match command {
            CourseCommand::Define { title, pillar, about } => {
                if self.defined {
                    return Err(CourseRefusal::AlreadyDefined);
                }
                CourseEvent::Defined { title, pillar, about }
            }
            CourseCommand::PublishContent { channel, title } => {
                if !self.defined {
                    return Err(CourseRefusal::Unknown);
                }
                if self.content.contains(&(channel, title.clone())) {
                    return Err(CourseRefusal::PublishedAlready { title: title.to_string() });
                }
                CourseEvent::ContentPublished { channel, title }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &CourseEvent) {
        match event {
            CourseEvent::Defined { .. } => self.defined = true,
            CourseEvent::ContentPublished { channel, title } => {
                self.content.insert((*channel, title.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
