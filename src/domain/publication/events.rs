//! What can have happened to a publication: what it states, word for word and with its line, and what was noted of it.

use serde::{Deserialize, Serialize};

use super::figure::{
    CaveatKind, Citation, Countable, Coverage, FactLabel, FigureUnit, FigureValue, Standing,
};
use super::partial::PartialDate;
use crate::domain::identity::{FigureId, PublicationId, SiteId};
use crate::domain::places::listed;
use crate::domain::text::Text;

codes! {
    /// What a document names beside its figures.
    pub enum MentionKind {
        "timeline" => Timeline, "an entry of a timeline";
        "date" => Date, "a date";
        "period" => Period, "a period";
        "award" => Award, "an award";
        "document" => Document, "another document";
        "organisation" => Organisation, "an organisation";
        "partner" => Partner, "a partner";
        "funder" => Funder, "a funder";
        "commissioner" => Commissioner, "a commissioner";
        "network" => Network, "a network";
        "service" => Service, "a service";
        "programme" => Programme, "a programme";
        "course" => Course, "a course";
        "pillar" => Pillar, "a pillar of the model";
        "theme" => Theme, "a theme";
        "output" => Output, "something that was made";
        "system" => System, "a system in use";
        "team" => Team, "a team";
        "site" => Site, "a site";
        "site_type" => SiteType, "a kind of site";
        "place" => Place, "a place";
        "referral_source" => ReferralSource, "where people are referred from";
    }
}

/// One thing that a publication states or names, by the publication and the label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FactRef {
    /// The publication.
    pub publication: PublicationId,
    /// The label of the figure or the mention.
    pub label: FactLabel,
}

events! {
    /// What can have happened to a publication.
    pub enum PublicationEvent in "publication" {
        /// A document was described, so that its figures can be stated with their lines.
        "publication.described", 1 => Described {
            /// What its lines are cited by, such as `B` in B:182.
            code: FactLabel,
            /// Its title.
            title: Text<300>,
            /// Who published it.
            publisher: Text<200>,
            /// When it was published, as far as is known.
            published: Option<PartialDate>,
            /// Which period it is about, as it says itself.
            period: Option<Text<200>>,
        },
        /// A figure of the document was stated, as printed.
        "publication.figure_stated", 1 => FigureStated {
            /// The figure.
            figure: FigureId,
            /// A short label for it, once in the document.
            label: FactLabel,
            /// What was measured, in words.
            measure: Text<300>,
            /// What it counts.
            unit: FigureUnit,
            /// The value.
            value: FigureValue,
            /// What this record counts itself that the figure can be set beside.
            beside: Option<Countable>,
            /// The channel, where it is of one channel of this record.
            channel: Option<SiteId>,
            /// When and where it holds.
            coverage: Coverage,
            /// Where and how it is printed.
            citation: Citation,
            /// Whether it is a figure of its own, the total of others, or the same figure printed again.
            standing: Standing,
        },
        /// A figure was stated anew: the document was corrected, or had been read wrongly.
        "publication.figure_restated", 1, reason => FigureRestated {
            /// The figure.
            label: FactLabel,
            /// The value it had.
            from: FigureValue,
            /// The value from now on.
            to: FigureValue,
            /// Where and how it is printed.
            citation: Citation,
        },
        /// A figure was withdrawn: it is neither shown nor added any more.
        "publication.figure_withdrawn", 1, reason => FigureWithdrawn {
            /// The figure.
            label: FactLabel,
        },
        /// It was noted that the document names something: a date, a service, an award.
        "publication.mention_noted", 1 => MentionNoted {
            /// A short label for it, once in the document.
            label: FactLabel,
            /// What kind of thing.
            kind: MentionKind,
            /// What, in words.
            subject: Text<300>,
            /// What more can be said of its kind, such as `winner` of an award.
            detail: Option<Text<60>>,
            /// When and where.
            coverage: Coverage,
            /// Where and how it is printed.
            citation: Citation,
        },
        /// It was noted that figures disagree, may not be compared, or need care.
        "publication.caveat_noted", 1 => CaveatNoted {
            /// A short label for it, once in the document.
            label: FactLabel,
            /// Whether they disagree, may not be compared, or need care.
            kind: CaveatKind,
            /// What must hold, or seems to.
            relation: Text<300>,
            /// Why it does not, or what to keep in mind.
            note: Option<Text<500>>,
            /// The figures and mentions it is about, of this document and of others.
            about: Vec<FactRef>,
        },
    }
}

impl PublicationEvent {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Described { code, title, publisher, .. } => {
                format!("{title}, published by {publisher}, was described; its lines are cited as {code}.")
            }
            Self::FigureStated { label, measure, unit, value, citation, standing, .. } => {
                let line = citation.line;
                let stands = match standing {
                    Standing::Own => String::new(),
                    Standing::TotalOf(parts) => {
                        format!(", as the printed total of {}", listed(parts.iter().map(FactLabel::as_str)))
                    }
                    Standing::RepeatOf(first) => format!(", which repeats {first}"),
                };
                format!("{label} was stated: {measure}, {}, line {line}{stands}.", value.with(*unit))
            }
            Self::FigureRestated { label, from, to, .. } => {
                format!("{label} was stated anew: {to}, where {from} had been stated.")
            }
            Self::FigureWithdrawn { label } => format!("{label} was withdrawn: it counts no more."),
            Self::MentionNoted { label, kind, subject, citation, .. } => {
                format!("{label} was noted: {}, {subject}, line {}.", kind.words(), citation.line)
            }
            Self::CaveatNoted { label, kind, relation, .. } => {
                format!("{label} was noted: {}: {relation}.", kind.words())
            }
        }
    }
}
