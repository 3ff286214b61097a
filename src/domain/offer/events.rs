//! What can have happened to an offer, and the words for it.

use super::content::{OfferChange, OfferContent, told};
use crate::domain::calendar::{Date, day};
use crate::domain::identity::{OfferChangeId, OfferReportId, PartnerId, PersonId, Reference};
use crate::domain::text::Text;

codes! {
    /// What somebody says is wrong with an entry of the directory.
    pub enum WhatIsWrong {
        "ended" => Ended, "it no longer runs";
        "hours" => Hours, "the hours are wrong";
        "place" => Place, "the place is wrong";
        "contact" => Contact, "nobody answers at this number or address";
        "room" => Room, "there is no room, or there is room again";
        "cost" => Cost, "the cost is wrong";
        "access" => Access, "the access is not as described";
        "who_for" => WhoFor, "who it is for is wrong";
        "other" => Other, "something else";
    }
}

codes! {
    /// What came of a report that an entry is wrong.
    pub enum ReportOutcome {
        "put_right" => PutRight, "it was wrong and was put right";
        "found_right" => FoundRight, "the entry is right as it stands";
        "repeated" => Repeated, "somebody had reported it already";
    }
}

events! {
    /// What can have happened to an offer.
    pub enum OfferEvent in "offer" {
        /// An offer was written down. Only the partner and staff see it.
        "offer.drafted", 1 => Drafted {
            /// The human reference, given once.
            reference: Reference,
            /// Whose offer it is.
            partner: PartnerId,
            /// What it says.
            content: OfferContent,
            /// Who wrote it down.
            drafted_by: PersonId,
        },
        /// The offer was handed in to be looked at by somebody else.
        "offer.submitted", 1 => Submitted {
            /// What it says now.
            content: OfferContent,
            /// Who handed it in.
            submitted_by: PersonId,
        },
        /// The offer was published as it was handed in: everybody finds it.
        "offer.published", 1 => Published {
            /// The version of what it says: 1.
            version: u32,
            /// The first day on which somebody can be sent to it.
            from: Date,
            /// The day by which the partner is to say that it is still right.
            review_due: Date,
        },
        /// The offer was sent back to the partner, who can change it and hand it in again.
        "offer.sent_back", 1 => SentBack {
            /// Why, as the partner sees it.
            why: Text<1000>,
        },
        /// A change of reviewed fields was proposed. It waits for somebody else.
        "offer.change_proposed", 1 => ChangeProposed {
            /// The id of the change.
            change: OfferChangeId,
            /// The version it was written against.
            base_version: u32,
            /// Each field, from what, to what.
            changes: Vec<OfferChange>,
            /// Who proposed it.
            proposed_by: PersonId,
        },
        /// Fields of the partner's own, its hours or its telephone number, were changed at once. How much room there
        /// is, and a pause, are the partner's own as well and have facts of their own.
        "offer.change_auto_applied", 1 => ChangeAutoApplied {
            /// The version it makes.
            version: u32,
            /// Each field, from what, to what.
            changes: Vec<OfferChange>,
        },
        /// A change that was proposed was approved, and the offer says it from now on.
        "offer.change_approved", 1 => ChangeApproved {
            /// Which change.
            change: OfferChangeId,
            /// The version it makes.
            version: u32,
        },
        /// A change that was proposed was refused.
        "offer.change_refused", 1 => ChangeRefused {
            /// Which change.
            change: OfferChangeId,
            /// Why, as the partner sees it.
            why: Text<1000>,
        },
        /// The partner took a change back before anybody decided on it.
        "offer.change_withdrawn", 1 => ChangeWithdrawn {
            /// Which change.
            change: OfferChangeId,
        },
        /// The partner said how much room there is.
        "offer.capacity_stated", 1 => CapacityStated {
            /// Places that are free.
            open: u32,
            /// Places altogether.
            total: u32,
            /// The day on which that was so.
            as_of: Date,
        },
        /// Somebody who knows said that the offer is still right as it stands.
        "offer.confirmed", 1 => Confirmed {
            /// The version that is right.
            version: u32,
            /// The day by which it is to be said again.
            next_due: Date,
        },
        /// The offer was paused: nobody is sent to it, and the public directory leaves it out until it runs again.
        "offer.paused", 1 => Paused {
            /// The day on which it is hoped to be back; it does not come back by itself.
            back_on: Option<Date>,
        },
        /// The offer runs again.
        "offer.resumed", 1 => Resumed {},
        /// Somebody reported that the entry is wrong.
        "offer.reported_wrong", 1 => ReportedWrong {
            /// The id of the report.
            report: OfferReportId,
            /// The version that is said to be wrong.
            version: u32,
            /// What is wrong.
            what: WhatIsWrong,
            /// More about the offer, never about a person.
            note: Option<Text<500>>,
            /// Who reported it.
            reported_by: PersonId,
        },
        /// A report was looked into and answered.
        "offer.report_resolved", 1 => ReportResolved {
            /// Which report.
            report: OfferReportId,
            /// What came of it.
            outcome: ReportOutcome,
            /// What whoever reported it is told; never about a person.
            answer: Option<Text<500>>,
        },
        /// The offer was taken out of the directory for good. All its versions can still be read.
        "offer.withdrawn", 1, reason => Withdrawn {},
    }
}

impl OfferEvent {
    fn told(&self) -> String {
        match self {
            Self::Drafted { reference, content, .. } => {
                format!("{reference}, “{}”, was written down.", content.title)
            }
            Self::Submitted { content, .. } => {
                format!("“{}” was handed in to be looked at.", content.title)
            }
            Self::Published { version, review_due, .. } => format!(
                "It was published as version {version}; the partner says by {} whether it is still right.",
                day(*review_due)
            ),
            Self::SentBack { why } => format!("It was sent back to the partner: “{why}”."),
            Self::ChangeProposed { base_version, changes, .. } => {
                format!("A change of version {base_version} was proposed: {}.", told(changes))
            }
            Self::ChangeAutoApplied { version, changes } => {
                format!(
                    "The partner changed what is its own, which makes version {version}: {}.",
                    told(changes)
                )
            }
            Self::ChangeApproved { version, .. } => {
                format!("A change was approved, which makes version {version}.")
            }
            Self::ChangeRefused { why, .. } => format!("A change was refused: “{why}”."),
            Self::ChangeWithdrawn { .. } => "A change was taken back before it was decided on.".into(),
            Self::CapacityStated { open: 0, total, as_of } => {
                format!("It was full on {}: {total} places.", day(*as_of))
            }
            Self::CapacityStated { open, total, as_of } => {
                format!("On {} there was room: {open} of {total} places.", day(*as_of))
            }
            Self::Confirmed { version, next_due } => format!(
                "Version {version} was said to be still right; the next time is by {}.",
                day(*next_due)
            ),
            Self::Paused { back_on: Some(back_on) } => {
                format!("It was paused, until {} it is hoped.", day(*back_on))
            }
            Self::Paused { back_on: None } => "It was paused.".into(),
            Self::Resumed {} => "It runs again.".into(),
            Self::ReportedWrong { version, what, .. } => {
                format!("Version {version} was reported as wrong: {}.", what.words())
            }
            Self::ReportResolved { outcome, .. } => format!("A report was answered: {}.", outcome.words()),
            Self::Withdrawn {} => "It was taken out of the directory for good.".into(),
        }
    }
}
