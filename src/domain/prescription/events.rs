//! What can have happened to a prescription, and the words for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::calendar::{Date, day};
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{
    ContactId, GrantId, OfferId, OutcomeId, PartnerId, PersonId, PersonRef, PrescriptionId, ReferralId,
};
use crate::domain::outcome::{Answer, Instrument, Moment};
use crate::domain::vocabulary::NeedCode;

codes! {
    /// Why a partner does not take somebody on. Never about the person: that is talked over with the advisor.
    pub enum DeclineReason {
        "no_room" => NoRoom, "there is no room";
        "waiting_list_closed" => WaitingListClosed, "the waiting list is closed";
        "outside_area" => OutsideArea, "it is outside the area";
        "not_for_them" => NotForThem, "it is meant for others";
        "needs_more_support" => NeedsMoreSupport, "more support is needed than is given there";
        "already_with_us" => AlreadyWithUs, "the person already comes";
        "not_running" => NotRunning, "it is not running now";
    }
}

codes! {
    /// How somebody was tried to be reached.
    pub enum AttemptMeans {
        "phone" => Phone, "by phone";
        "text" => TextMessage, "by text message";
        "email" => Email, "by email";
        "letter" => Letter, "by letter";
        "in_person" => InPerson, "in person";
    }
}

codes! {
    /// How a session was attended.
    pub enum Attendance {
        "attended" => Attended, "attended";
        "attended_late" => AttendedLate, "attended late";
        "did_not_attend" => DidNotAttend, "did not attend";
    }
}

codes! {
    /// Why somebody did not attend, in groups that say nothing about health.
    pub enum AbsenceGroup {
        "unwell" => Unwell, "unwell";
        "caring" => Caring, "caring for somebody";
        "transport" => Transport, "could not get there";
        "another_appointment" => AnotherAppointment, "another appointment";
        "did_not_want_to" => DidNotWantTo, "did not want to";
        "forgot" => Forgot, "forgot";
        "cancelled_by_service" => CancelledByService, "the service cancelled";
        "not_known" => NotKnown, "not known";
    }
}

codes! {
    /// Who asked the questions of an instrument.
    pub enum AskedBy {
        "advisor" => Advisor, "the advisor";
        "partner" => Partner, "the partner";
    }
}

codes! {
    /// Why a prescription came to its end.
    pub enum ClosingReason {
        "completed" => Completed, "completed";
        "left_early" => LeftEarly, "came, and left before the end";
        "never_came" => NeverCame, "was taken on, and never came";
        "could_not_contact" => CouldNotContact, "could not be contacted";
        "person_declined" => PersonDeclined, "the person did not want it";
        "needs_changed" => NeedsChanged, "what the person needs has changed";
        "moved_away" => MovedAway, "moved away";
        "died" => Died, "has died";
        "sharing_withdrawn" => SharingWithdrawn, "the person no longer agrees to sharing";
        "offer_ended" => OfferEnded, "the offer ended";
        "declined_by_partner" => DeclinedByPartner, "the partner declined";
        "unanswered" => Unanswered, "the partner did not answer";
    }
}

codes! {
    /// How a prescription follows another.
    pub enum Following {
        "passed_on" => PassedOn, "passed on";
        "made_again" => MadeAgain, "made again";
    }
}

codes! {
    /// How a referrer was told what came of it.
    pub enum TellingMeans {
        "secure_mail" => SecureMail, "by secure email";
        "letter" => Letter, "by letter";
        "phone" => Phone, "by phone";
        "meeting" => Meeting, "in a meeting";
        "record_system" => RecordSystem, "in the shared record";
    }
}

/// The prescription that one follows, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// Which it follows.
    pub prescription: PrescriptionId,
    /// Passed on to another offer, or made again.
    pub by: Following,
}

events! {
    /// What can have happened to a prescription.
    pub enum PrescriptionEvent in "prescription" {
        /// A social prescription was made for somebody: an offer of a partner, as it was promised that day.
        "prescription.made", 1 => Made {
            /// Who it is for, by an opaque reference.
            person: PersonRef,
            /// The talk it came from.
            contact: ContactId,
            /// The referral that led to the talk, where there was one: its referrer is told what came of it.
            referral: Option<ReferralId>,
            /// The offer.
            offer: OfferId,
            /// The version of the offer, so that what was promised can be read years later.
            offer_version: u32,
            /// The partner whose offer it is.
            partner: PartnerId,
            /// The grant that pays, where one does.
            grant: Option<GrantId>,
            /// What the person needs from it.
            needs: BTreeSet<NeedCode>,
            /// How many attempts to reach the person are made before giving up.
            attempts_needed: u32,
            /// Who made it.
            made_by: PersonId,
            /// When it was made.
            made_on: Date,
            /// The prescription it follows, where it was passed on or made again.
            follows: Option<Followed>,
        },
        /// It was sent to the partner, with what the person agreed to share; the clock for an answer starts.
        "prescription.sent", 1 => Sent {
            /// When it was sent.
            sent_on: Date,
        },
        /// The partner takes the person on.
        "prescription.accepted", 1 => Accepted {},
        /// The partner does not take the person on.
        "prescription.declined", 1 => Declined {
            /// Why.
            why: DeclineReason,
        },
        /// The partner did not answer in time. It may still answer; silence is never counted as a decline.
        "prescription.unanswered", 1 => Unanswered {
            /// The last day on which an answer was in time.
            due: Date,
        },
        /// Somebody tried to reach the person.
        "prescription.attempt_made", 1 => AttemptMade {
            /// Which attempt, from 1.
            number: u32,
            /// How.
            means: AttemptMeans,
            /// Whether the person was reached.
            reached: bool,
        },
        /// The partner offered the person a place.
        "prescription.place_offered", 1 => PlaceOffered {
            /// The day on which it would begin, where that is known.
            starts_on: Option<Date>,
        },
        /// The person waits for a place.
        "prescription.waiting", 1 => Waiting {
            /// The day on which a place is hoped for, where that is known.
            expected_on: Option<Date>,
        },
        /// The person started.
        "prescription.started", 1 => Started {},
        /// The person came.
        "prescription.attended", 1 => Attended {
            /// The day of the session.
            held_on: Date,
        },
        /// The person came late.
        "prescription.attended_late", 1 => AttendedLate {
            /// The day of the session.
            held_on: Date,
        },
        /// The person did not come.
        "prescription.did_not_attend", 1 => DidNotAttend {
            /// The day of the session.
            held_on: Date,
            /// Whether the session took place.
            service_happened: bool,
            /// Why, in groups.
            why: AbsenceGroup,
        },
        /// What was recorded of a session was wrong and no longer counts; what is right is recorded anew.
        "prescription.attendance_withdrawn", 1, reason => AttendanceWithdrawn {
            /// The day of the session it was recorded for.
            held_on: Date,
        },
        /// Answers to an outcome instrument were recorded.
        "prescription.outcome_recorded", 1 => OutcomeRecorded {
            /// The id of this record.
            outcome: OutcomeId,
            /// Which instrument.
            instrument: Instrument,
            /// Which version of it.
            instrument_version: u8,
            /// Before or after.
            moment: Moment,
            /// The day of answering.
            answered_on: Date,
            /// Who asked.
            asked_by: AskedBy,
            /// The answers.
            answers: Vec<Answer>,
            /// The person's goal in their own words, in the vault.
            goal: Option<VaultRef>,
        },
        /// Answers recorded before were wrong: these stand in their place.
        "prescription.outcome_corrected", 1, reason => OutcomeCorrected {
            /// The id of this record.
            outcome: OutcomeId,
            /// The record it stands in the place of.
            corrects: OutcomeId,
            /// Which instrument.
            instrument: Instrument,
            /// Which version of it.
            instrument_version: u8,
            /// Before or after.
            moment: Moment,
            /// The day of answering.
            answered_on: Date,
            /// Who asked.
            asked_by: AskedBy,
            /// The answers.
            answers: Vec<Answer>,
            /// The person's goal in their own words, in the vault.
            goal: Option<VaultRef>,
        },
        /// It came to its end.
        "prescription.closed", 1 => Closed {
            /// Why.
            why: ClosingReason,
        },
        /// The person was passed on to another offer; this prescription ends with it.
        "prescription.passed_on", 1 => PassedOn {
            /// The prescription that follows it.
            to: PrescriptionId,
            /// The offer of that one.
            offer: OfferId,
        },
        /// It was made again, as a prescription of its own.
        "prescription.made_again", 1 => MadeAgain {
            /// The prescription that follows it.
            again: PrescriptionId,
        },
        /// It should not have been made: it ends, and is counted nowhere.
        "prescription.closed_in_error", 1, reason => ClosedInError {},
        /// The referrer was told what came of it.
        "prescription.referrer_told", 1 => ReferrerTold {
            /// How.
            means: TellingMeans,
        },
    }
}

impl PrescriptionEvent {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Made { needs, follows, offer_version, .. } => {
                let needs: Vec<&str> = needs.iter().map(|need| need.words()).collect();
                let origin =
                    follows.map_or_else(String::new, |one| format!(", {} from another", one.by.words()));
                format!(
                    "A prescription was made{origin}: version {offer_version} of the offer, for {}.",
                    crate::domain::places::listed(needs)
                )
            }
            Self::Sent { .. } => "It was sent to the partner.".into(),
            Self::Accepted {} => "The partner takes the person on.".into(),
            Self::Declined { why } => {
                format!("The partner does not take the person on: {}.", why.words())
            }
            Self::Unanswered { due } => format!("The partner had not answered by {}.", day(*due)),
            Self::AttemptMade { number, means, reached } => {
                let came = if *reached { "the person was reached" } else { "nobody was reached" };
                format!("Attempt {number} to reach the person, {}: {came}.", means.words())
            }
            Self::PlaceOffered { starts_on: Some(on) } => format!("A place was offered from {}.", day(*on)),
            Self::PlaceOffered { starts_on: None } => "A place was offered.".into(),
            Self::Waiting { expected_on: Some(on) } => {
                format!("The person waits for a place, hoped for by {}.", day(*on))
            }
            Self::Waiting { expected_on: None } => "The person waits for a place.".into(),
            Self::Started {} => "The person started.".into(),
            Self::Attended { held_on } => format!("The person came on {}.", day(*held_on)),
            Self::AttendedLate { held_on } => format!("The person came late on {}.", day(*held_on)),
            Self::DidNotAttend { held_on, service_happened, why } => {
                let session = if *service_happened { "" } else { ", and the session did not take place" };
                format!("The person did not come on {}: {}{session}.", day(*held_on), why.words())
            }
            Self::AttendanceWithdrawn { held_on } => {
                format!("What was recorded of {} no longer counts.", day(*held_on))
            }
            Self::OutcomeRecorded { instrument, moment, answered_on, .. } => {
                let (asked, when) = (instrument.words(), moment.words());
                format!("Answers were recorded of {} ({when}): {asked}.", day(*answered_on))
            }
            Self::OutcomeCorrected { instrument, moment, answered_on, .. } => {
                let (asked, when) = (instrument.words(), moment.words());
                format!("Answers of {} ({when}) were corrected: {asked}.", day(*answered_on))
            }
            Self::Closed { why } => format!("It was closed: {}.", why.words()),
            Self::PassedOn { .. } => "The person was passed on to another offer.".into(),
            Self::MadeAgain { .. } => "It was made again, as a prescription of its own.".into(),
            Self::ClosedInError {} => "It was made in error, and counts nowhere.".into(),
            Self::ReferrerTold { means } => {
                format!("The referrer was told what came of it, {}.", means.words())
            }
        }
    }
}
