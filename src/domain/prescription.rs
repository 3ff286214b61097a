//! A social prescription: an offer of a partner for one person, from the talk it came from to what came of it. It owns
//! that it was answered or not, that giving up and completing are earned, and that the loop back is closed.

mod decisions;
mod events;
mod only_one;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::Date;
use super::evidence::VaultRef;
use super::identity::{
    ContactId, GrantId, OfferId, OutcomeId, PartnerId, PersonId, PersonRef, PrescriptionId, ReferralId,
};
use super::outcome::{Answer, Instrument, Moment};
use super::vocabulary::NeedCode;
use super::{Aggregate, Circumstances};

pub use events::{
    AbsenceGroup, AskedBy, AttemptMeans, Attendance, ClosingReason, DeclineReason, Followed, Following,
    PrescriptionEvent, TellingMeans,
};
pub use only_one::{
    OpenPrescription, OpenPrescriptionCommand, OpenPrescriptionEvent, OpenPrescriptionRefusal, pair,
};

/// How long a partner has to answer, in days.
pub const ANSWER_DAYS: u64 = 14;
/// How many attempts to reach somebody are made before giving up, unless the prescription says otherwise.
pub const USUAL_ATTEMPTS: u32 = 3;
/// The most attempts that can be asked for.
pub const MOST_ATTEMPTS: u32 = 10;

/// The last day on which an answer to what was sent on a day is in time.
#[must_use]
pub fn answer_due(sent_on: Date) -> Date {
    sent_on + chrono::Days::new(ANSWER_DAYS)
}

codes! {
    /// Where a prescription stands.
    pub enum PrescriptionStatus {
        "none" => None, "not on the record";
        "made" => Made, "made";
        "sent" => Sent, "sent";
        "accepted" => Accepted, "accepted";
        "declined" => Declined, "declined";
        "unanswered" => Unanswered, "unanswered";
        "place_offered" => PlaceOffered, "offered a place";
        "waiting" => Waiting, "waiting for a place";
        "started" => Started, "started";
        "closed" => Closed, "closed";
        "passed_on" => PassedOn, "passed on";
        "closed_in_error" => ClosedInError, "made in error";
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that lists codes derives no default")]
impl Default for PrescriptionStatus {
    fn default() -> Self {
        Self::None
    }
}

impl PrescriptionStatus {
    /// Whether it still goes on: no other can be made for the same person and offer.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Made
            | Self::Sent
            | Self::Accepted
            | Self::Declined
            | Self::Unanswered
            | Self::PlaceOffered
            | Self::Waiting
            | Self::Started => true,
            Self::None | Self::Closed | Self::PassedOn | Self::ClosedInError => false,
        }
    }
}

/// The grant that is to pay, and how it stands to the offer on the day of making.
#[derive(Debug, Clone, Copy)]
pub struct Payer {
    /// The grant.
    pub grant: GrantId,
    /// Whether the offer names it.
    pub named_by_offer: bool,
    /// Whether it was awarded to the partner whose offer it is.
    pub of_the_partner: bool,
    /// Whether it runs on that day.
    pub runs: bool,
}

/// A prescription to be made.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of prescription.made")]
pub struct Making {
    pub person: PersonRef,
    pub contact: ContactId,
    pub referral: Option<ReferralId>,
    pub offer: OfferId,
    pub offer_version: u32,
    pub partner: PartnerId,
    pub payer: Option<Payer>,
    pub needs: BTreeSet<NeedCode>,
    pub attempts_needed: u32,
    pub follows: Option<Followed>,
}

/// Answers to an outcome instrument, to be recorded.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of prescription.outcome_recorded")]
pub struct OutcomeRecord {
    pub outcome: OutcomeId,
    pub corrects: Option<OutcomeId>,
    pub instrument: Instrument,
    pub instrument_version: u8,
    pub moment: Moment,
    pub answered_on: Date,
    pub asked_by: AskedBy,
    pub answers: Vec<Answer>,
    pub goal: Option<VaultRef>,
}

/// A session, and how it was attended.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are those of prescription.did_not_attend")]
pub enum Session {
    Attended { held_on: Date },
    AttendedLate { held_on: Date },
    DidNotAttend { held_on: Date, service_happened: bool, why: AbsenceGroup },
}

/// What can be asked of a prescription.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum PrescriptionCommand {
    Make(Making),
    /// Whether the person agreed that this partner may be told something.
    Send {
        agreed: bool,
    },
    Accept,
    Decline {
        why: DeclineReason,
    },
    RecordUnanswered,
    RecordAttempt {
        means: AttemptMeans,
        reached: bool,
    },
    OfferPlace {
        starts_on: Option<Date>,
    },
    RecordWaiting {
        expected_on: Option<Date>,
    },
    Start,
    RecordAttendance(Session),
    WithdrawAttendance {
        held_on: Date,
    },
    RecordOutcome(OutcomeRecord),
    Close {
        why: ClosingReason,
    },
    PassOn {
        to: PrescriptionId,
        offer: OfferId,
    },
    MakeAgain {
        again: PrescriptionId,
    },
    CloseInError,
    TellReferrer {
        means: TellingMeans,
    },
}

refusals! {
    /// Why something asked of a prescription was turned down.
    pub enum PrescriptionRefusal {
        "prescription.unknown" => Unknown, "There is no prescription with this id.";
        "prescription.already_made" => AlreadyMade, "This prescription is already made.";
        "prescription.no_need" => NoNeed, "Choose at least one need that the offer is to meet.";
        "prescription.attempts" => Attempts { most: u32 }, "Ask for 1 to {most} attempts to reach the person.";
        "prescription.grant_not_of_offer" => GrantNotOfOffer, "This grant does not pay for this offer: choose one that the offer names, or one of the same partner.";
        "prescription.grant_not_running" => GrantNotRunning, "This grant does not run on that day: choose one that does, or leave the grant out.";
        "prescription.sharing_not_agreed" => SharingNotAgreed, "The person has not agreed to share anything with this partner: ask them first, and record what they agree to.";
        "prescription.wrong_stage" => WrongStage { now: &'static str, wanted: &'static str }, "This prescription is {now}; this can only be done while it is {wanted}.";
        "prescription.ended" => Ended { now: &'static str }, "This prescription is {now}: nothing more is done on it.";
        "prescription.answer_not_due" => AnswerNotDue { due: String }, "The partner can still answer in time, until {due}: record silence after that day.";
        "prescription.day_ahead" => DayAhead { on: String }, "{on} lies ahead: record what happened once it has.";
        "prescription.day_before_made" => DayBeforeMade { on: String, made: String }, "{on} is before the prescription was made, on {made}: check the date.";
        "prescription.attendance_twice" => AttendanceTwice { on: String }, "Attendance on {on} is recorded already: withdraw that record first if it is wrong.";
        "prescription.attendance_unknown" => AttendanceUnknown { on: String }, "No attendance is recorded for {on}.";
        "prescription.too_few_attempts" => TooFewAttempts { made: u32, needed: u32 }, "Nobody was reached in {made} of {needed} attempts: make and record the others before giving up.";
        "prescription.never_attended" => NeverAttended, "Nothing is completed without one attendance: record it, or close with another reason.";
        "prescription.attended_before" => AttendedBefore, "The person has attended: close it as completed or as left early.";
        "prescription.not_declined" => NotDeclined, "The partner has not declined this: close with another reason.";
        "prescription.not_unanswered" => NotUnanswered, "That the partner did not answer is not on the record: record it first, or close with another reason.";
        "prescription.same_offer" => SameOffer, "This is the same offer: make the prescription again instead of passing it on.";
        "prescription.already_made_again" => AlreadyMadeAgain, "This prescription was made again already: go on with that one.";
        "prescription.outcome_twice" => OutcomeTwice { moment: &'static str, instrument: &'static str }, "Answers {moment} are recorded already for {instrument}: correct that record instead.";
        "prescription.outcome_unknown" => OutcomeUnknown, "There is no record of answers with this id that stands: another may have taken its place.";
        "prescription.outcome_of_another" => OutcomeOfAnother, "A correction is of the same instrument and the same moment as what it corrects.";
        "prescription.no_referrer" => NoReferrer, "Nobody referred the person for this: there is no referrer to tell.";
        "prescription.referrer_already_told" => ReferrerAlreadyTold, "The referrer was already told.";
        "prescription.not_over" => NotOver { now: &'static str }, "This prescription is {now}: the referrer is told once it is over.";
    }
}

/// What a prescription is: fixed when it was made.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Who it is for, by an opaque reference.
    pub person: PersonRef,
    /// The talk it came from.
    pub contact: ContactId,
    /// The referral behind the talk.
    pub referral: Option<ReferralId>,
    /// The offer.
    pub offer: OfferId,
    /// The version of it.
    pub offer_version: u32,
    /// The partner.
    pub partner: PartnerId,
    /// The grant that pays.
    pub grant: Option<GrantId>,
    /// What the person needs.
    pub needs: BTreeSet<NeedCode>,
    /// How many attempts are made before giving up.
    pub attempts_needed: u32,
    /// Who made it.
    pub made_by: PersonId,
    /// When it was made.
    pub made_on: Date,
}

/// A prescription as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Prescription {
    status: PrescriptionStatus,
    terms: Option<Terms>,
    sent_on: Option<Date>,
    attempts: u32,
    unreached: u32,
    sessions: BTreeMap<Date, Attendance>,
    outcomes: BTreeMap<OutcomeId, (Instrument, u8, Moment)>,
    made_again: bool,
    told: bool,
}

impl Prescription {
    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> PrescriptionStatus {
        self.status
    }

    /// What it is.
    ///
    /// # Errors
    /// `prescription.unknown`.
    pub fn terms(&self) -> Result<&Terms, PrescriptionRefusal> {
        self.terms.as_ref().ok_or(PrescriptionRefusal::Unknown)
    }

    /// Whether it was ever sent to the partner: before that, the partner knows nothing of it.
    #[must_use]
    pub const fn was_sent(&self) -> bool {
        self.sent_on.is_some()
    }

    fn attended(&self) -> bool {
        self.sessions.values().any(|one| *one != Attendance::DidNotAttend)
    }
}

impl Aggregate for Prescription {
    const TYPE: &'static str = "prescription";
    type Command = PrescriptionCommand;
    type Event = PrescriptionEvent;
    type Refusal = PrescriptionRefusal;

    fn decide(
        &self,
        command: PrescriptionCommand,
        at: &Circumstances,
    ) -> Result<Vec<PrescriptionEvent>, PrescriptionRefusal> {
        self.guard(command, at)
    }

    fn evolve(&mut self, event: &PrescriptionEvent) {
        match event {
            PrescriptionEvent::Made { .. } => self.made(event),
            PrescriptionEvent::Sent { sent_on } => {
                self.status = PrescriptionStatus::Sent;
                self.sent_on = Some(*sent_on);
            }
            PrescriptionEvent::Accepted {} => self.status = PrescriptionStatus::Accepted,
            PrescriptionEvent::Declined { .. } => self.status = PrescriptionStatus::Declined,
            PrescriptionEvent::Unanswered { .. } => self.status = PrescriptionStatus::Unanswered,
            PrescriptionEvent::AttemptMade { number, reached, .. } => {
                self.attempts = *number;
                self.unreached = self.unreached.saturating_add(u32::from(!reached));
            }
            PrescriptionEvent::PlaceOffered { .. } => self.status = PrescriptionStatus::PlaceOffered,
            PrescriptionEvent::Waiting { .. } => self.status = PrescriptionStatus::Waiting,
            PrescriptionEvent::Started {} => self.status = PrescriptionStatus::Started,
            PrescriptionEvent::Attended { held_on } => {
                self.sessions.insert(*held_on, Attendance::Attended);
            }
            PrescriptionEvent::AttendedLate { held_on } => {
                self.sessions.insert(*held_on, Attendance::AttendedLate);
            }
            PrescriptionEvent::DidNotAttend { held_on, .. } => {
                self.sessions.insert(*held_on, Attendance::DidNotAttend);
            }
            PrescriptionEvent::AttendanceWithdrawn { held_on } => {
                self.sessions.remove(held_on);
            }
            PrescriptionEvent::OutcomeRecorded {
                outcome, instrument, instrument_version, moment, ..
            } => {
                self.outcomes.insert(*outcome, (*instrument, *instrument_version, *moment));
            }
            PrescriptionEvent::OutcomeCorrected {
                outcome,
                corrects,
                instrument,
                instrument_version,
                moment,
                ..
            } => {
                self.outcomes.remove(corrects);
                self.outcomes.insert(*outcome, (*instrument, *instrument_version, *moment));
            }
            PrescriptionEvent::Closed { .. } => self.status = PrescriptionStatus::Closed,
            PrescriptionEvent::PassedOn { .. } => self.status = PrescriptionStatus::PassedOn,
            PrescriptionEvent::MadeAgain { .. } => self.made_again = true,
            PrescriptionEvent::ClosedInError {} => self.status = PrescriptionStatus::ClosedInError,
            PrescriptionEvent::ReferrerTold { .. } => self.told = true,
        }
    }
}

#[cfg(test)]
mod tests;
