//! What stands against each thing asked of a prescription, and the facts that follow where nothing does.

use super::{
    Attendance, Circumstances, ClosingReason, Date, MOST_ATTEMPTS, Making, OutcomeRecord, Prescription,
    PrescriptionCommand, PrescriptionEvent, PrescriptionRefusal, PrescriptionStatus, Session, Terms,
    answer_due,
};
use crate::domain::calendar::day;
use crate::domain::outcome::Moment;

type Facts = Result<Vec<PrescriptionEvent>, PrescriptionRefusal>;

impl Prescription {
    pub(super) fn made(&mut self, event: &PrescriptionEvent) {
        let PrescriptionEvent::Made {
            person,
            contact,
            referral,
            offer,
            offer_version,
            partner,
            grant,
            needs,
            attempts_needed,
            made_by,
            made_on,
            ..
        } = event
        else {
            return;
        };
        self.status = PrescriptionStatus::Made;
        self.terms = Some(Terms {
            person: *person,
            contact: *contact,
            referral: *referral,
            offer: *offer,
            offer_version: *offer_version,
            partner: *partner,
            grant: *grant,
            needs: needs.clone(),
            attempts_needed: *attempts_needed,
            made_by: *made_by,
            made_on: *made_on,
        });
    }

    pub(super) fn guard(&self, command: PrescriptionCommand, at: &Circumstances) -> Facts {
        use PrescriptionStatus::{Accepted, Made, PlaceOffered, Sent, Started, Unanswered, Waiting};
        let event = match command {
            PrescriptionCommand::Make(making) => self.make(making, at)?,
            PrescriptionCommand::Send { agreed } => {
                self.must_be(&[Made], "made and not yet sent")?;
                if !agreed {
                    return Err(PrescriptionRefusal::SharingNotAgreed);
                }
                PrescriptionEvent::Sent { sent_on: at.on }
            }
            PrescriptionCommand::Accept => {
                self.must_be(&[Sent, Unanswered], "waiting for the partner’s answer")?;
                PrescriptionEvent::Accepted {}
            }
            PrescriptionCommand::Decline { why } => {
                self.must_be(&[Sent, Unanswered], "waiting for the partner’s answer")?;
                PrescriptionEvent::Declined { why }
            }
            PrescriptionCommand::RecordUnanswered => self.record_unanswered(at)?,
            PrescriptionCommand::RecordAttempt { means, reached } => {
                self.must_be_open()?;
                PrescriptionEvent::AttemptMade { number: self.attempts + 1, means, reached }
            }
            PrescriptionCommand::OfferPlace { starts_on } => {
                self.must_be(&[Accepted, Waiting], "accepted or waiting for a place")?;
                PrescriptionEvent::PlaceOffered { starts_on }
            }
            PrescriptionCommand::RecordWaiting { expected_on } => {
                self.must_be(&[Accepted, PlaceOffered], "accepted or offered a place")?;
                PrescriptionEvent::Waiting { expected_on }
            }
            PrescriptionCommand::Start => {
                self.must_be(&[Accepted, PlaceOffered, Waiting], "accepted and not yet started")?;
                PrescriptionEvent::Started {}
            }
            PrescriptionCommand::RecordAttendance(session) => {
                self.must_be(&[Accepted, PlaceOffered, Waiting, Started], "accepted or started")?;
                return self.attend(session, at);
            }
            PrescriptionCommand::WithdrawAttendance { held_on } => self.withdraw_attendance(held_on)?,
            PrescriptionCommand::RecordOutcome(record) => self.record_outcome(record, at)?,
            PrescriptionCommand::Close { why } => {
                self.must_be_open()?;
                self.may_close(why)?;
                PrescriptionEvent::Closed { why }
            }
            PrescriptionCommand::PassOn { to, offer } => {
                self.must_be_open()?;
                if self.terms()?.offer == offer {
                    return Err(PrescriptionRefusal::SameOffer);
                }
                PrescriptionEvent::PassedOn { to, offer }
            }
            PrescriptionCommand::MakeAgain { again } => return self.make_again(again),
            PrescriptionCommand::CloseInError => {
                self.must_be_right()?;
                PrescriptionEvent::ClosedInError {}
            }
            PrescriptionCommand::TellReferrer { means } => {
                self.may_tell()?;
                PrescriptionEvent::ReferrerTold { means }
            }
        };
        Ok(vec![event])
    }

    fn must_be(
        &self,
        statuses: &[PrescriptionStatus],
        wanted: &'static str,
    ) -> Result<(), PrescriptionRefusal> {
        if self.status == PrescriptionStatus::None {
            return Err(PrescriptionRefusal::Unknown);
        }
        if statuses.contains(&self.status) {
            return Ok(());
        }
        Err(PrescriptionRefusal::WrongStage { now: self.status.words(), wanted })
    }

    fn must_be_open(&self) -> Result<(), PrescriptionRefusal> {
        if self.status == PrescriptionStatus::None {
            return Err(PrescriptionRefusal::Unknown);
        }
        if self.status.is_open() {
            return Ok(());
        }
        Err(PrescriptionRefusal::Ended { now: self.status.words() })
    }

    /// On the record, and not made in error.
    fn must_be_right(&self) -> Result<(), PrescriptionRefusal> {
        match self.status {
            PrescriptionStatus::None => Err(PrescriptionRefusal::Unknown),
            PrescriptionStatus::ClosedInError => Err(PrescriptionRefusal::Ended { now: self.status.words() }),
            PrescriptionStatus::Made
            | PrescriptionStatus::Sent
            | PrescriptionStatus::Accepted
            | PrescriptionStatus::Declined
            | PrescriptionStatus::Unanswered
            | PrescriptionStatus::PlaceOffered
            | PrescriptionStatus::Waiting
            | PrescriptionStatus::Started
            | PrescriptionStatus::Closed
            | PrescriptionStatus::PassedOn => Ok(()),
        }
    }

    fn make(&self, making: Making, at: &Circumstances) -> Result<PrescriptionEvent, PrescriptionRefusal> {
        if self.terms.is_some() {
            return Err(PrescriptionRefusal::AlreadyMade);
        }
        if making.needs.is_empty() {
            return Err(PrescriptionRefusal::NoNeed);
        }
        if !(1..=MOST_ATTEMPTS).contains(&making.attempts_needed) {
            return Err(PrescriptionRefusal::Attempts { most: MOST_ATTEMPTS });
        }
        if let Some(payer) = making.payer {
            if !payer.named_by_offer && !payer.of_the_partner {
                return Err(PrescriptionRefusal::GrantNotOfOffer);
            }
            if !payer.runs {
                return Err(PrescriptionRefusal::GrantNotRunning);
            }
        }
        Ok(PrescriptionEvent::Made {
            person: making.person,
            contact: making.contact,
            referral: making.referral,
            offer: making.offer,
            offer_version: making.offer_version,
            partner: making.partner,
            grant: making.payer.map(|payer| payer.grant),
            needs: making.needs,
            attempts_needed: making.attempts_needed,
            made_by: at.actor.person,
            made_on: at.on,
            follows: making.follows,
        })
    }

    /// Silence is a fact once the day for an answer has gone by, by the calendar of today.
    fn record_unanswered(&self, at: &Circumstances) -> Result<PrescriptionEvent, PrescriptionRefusal> {
        self.must_be(&[PrescriptionStatus::Sent], "waiting for the partner’s answer")?;
        let due = answer_due(self.sent_on.unwrap_or(at.on));
        if at.today <= due {
            return Err(PrescriptionRefusal::AnswerNotDue { due: day(due) });
        }
        Ok(PrescriptionEvent::Unanswered { due })
    }

    /// A day on which something happened: not ahead, and not before the prescription was made.
    fn happened(&self, on: Date, at: &Circumstances) -> Result<(), PrescriptionRefusal> {
        if on > at.today {
            return Err(PrescriptionRefusal::DayAhead { on: day(on) });
        }
        let made = self.terms()?.made_on;
        if on < made {
            return Err(PrescriptionRefusal::DayBeforeMade { on: day(on), made: day(made) });
        }
        Ok(())
    }

    /// Who comes for the first time has started, whether or not anybody said so before.
    fn attend(&self, session: Session, at: &Circumstances) -> Facts {
        let (held_on, event) = match session {
            Session::Attended { held_on } => (held_on, PrescriptionEvent::Attended { held_on }),
            Session::AttendedLate { held_on } => (held_on, PrescriptionEvent::AttendedLate { held_on }),
            Session::DidNotAttend { held_on, service_happened, why } => {
                (held_on, PrescriptionEvent::DidNotAttend { held_on, service_happened, why })
            }
        };
        self.happened(held_on, at)?;
        if self.sessions.contains_key(&held_on) {
            return Err(PrescriptionRefusal::AttendanceTwice { on: day(held_on) });
        }
        let came = !matches!(session, Session::DidNotAttend { .. });
        let first = came && self.status != PrescriptionStatus::Started;
        Ok(first.then_some(PrescriptionEvent::Started {}).into_iter().chain([event]).collect())
    }

    fn withdraw_attendance(&self, held_on: Date) -> Result<PrescriptionEvent, PrescriptionRefusal> {
        self.must_be_right()?;
        if !self.sessions.contains_key(&held_on) {
            return Err(PrescriptionRefusal::AttendanceUnknown { on: day(held_on) });
        }
        Ok(PrescriptionEvent::AttendanceWithdrawn { held_on })
    }

    fn record_outcome(
        &self,
        record: OutcomeRecord,
        at: &Circumstances,
    ) -> Result<PrescriptionEvent, PrescriptionRefusal> {
        self.must_be_right()?;
        self.happened(record.answered_on, at)?;
        let OutcomeRecord {
            outcome,
            corrects,
            instrument,
            instrument_version,
            moment,
            answered_on,
            asked_by,
            answers,
            goal,
        } = record;
        if let Some(corrects) = corrects {
            let (was, _, when) = self.outcomes.get(&corrects).ok_or(PrescriptionRefusal::OutcomeUnknown)?;
            if (*was, *when) != (instrument, moment) {
                return Err(PrescriptionRefusal::OutcomeOfAnother);
            }
            return Ok(PrescriptionEvent::OutcomeCorrected {
                outcome,
                corrects,
                instrument,
                instrument_version,
                moment,
                answered_on,
                asked_by,
                answers,
                goal,
            });
        }
        let key = (instrument, instrument_version, moment);
        // One before; of those after, as many as people are asked: the last one counts.
        if moment == Moment::Before && self.outcomes.values().any(|stands| *stands == key) {
            let (moment, instrument) = (moment.words(), instrument.words());
            return Err(PrescriptionRefusal::OutcomeTwice { moment, instrument });
        }
        Ok(PrescriptionEvent::OutcomeRecorded {
            outcome,
            instrument,
            instrument_version,
            moment,
            answered_on,
            asked_by,
            answers,
            goal,
        })
    }

    fn may_close(&self, why: ClosingReason) -> Result<(), PrescriptionRefusal> {
        match why {
            ClosingReason::Completed | ClosingReason::LeftEarly if !self.attended() => {
                Err(PrescriptionRefusal::NeverAttended)
            }
            ClosingReason::NeverCame if self.attended() => Err(PrescriptionRefusal::AttendedBefore),
            ClosingReason::CouldNotContact => {
                let (made, needed) = (self.unreached, self.terms()?.attempts_needed);
                if made < needed { Err(PrescriptionRefusal::TooFewAttempts { made, needed }) } else { Ok(()) }
            }
            ClosingReason::DeclinedByPartner if self.status != PrescriptionStatus::Declined => {
                Err(PrescriptionRefusal::NotDeclined)
            }
            ClosingReason::Unanswered if self.status != PrescriptionStatus::Unanswered => {
                Err(PrescriptionRefusal::NotUnanswered)
            }
            ClosingReason::Completed
            | ClosingReason::LeftEarly
            | ClosingReason::NeverCame
            | ClosingReason::PersonDeclined
            | ClosingReason::NeedsChanged
            | ClosingReason::MovedAway
            | ClosingReason::Died
            | ClosingReason::SharingWithdrawn
            | ClosingReason::OfferEnded
            | ClosingReason::DeclinedByPartner
            | ClosingReason::Unanswered => Ok(()),
        }
    }

    /// What was declined or never answered is closed as that, and made again.
    fn make_again(&self, again: super::PrescriptionId) -> Facts {
        use PrescriptionStatus::{Closed, Declined, Unanswered};
        self.must_be(&[Declined, Unanswered, Closed], "declined, unanswered or closed")?;
        if self.made_again {
            return Err(PrescriptionRefusal::AlreadyMadeAgain);
        }
        let open = [(Declined, ClosingReason::DeclinedByPartner), (Unanswered, ClosingReason::Unanswered)];
        let why = open.into_iter().find(|(status, _)| *status == self.status);
        let closed = why.map(|(_, why)| PrescriptionEvent::Closed { why });
        Ok(closed.into_iter().chain([PrescriptionEvent::MadeAgain { again }]).collect())
    }

    fn may_tell(&self) -> Result<(), PrescriptionRefusal> {
        self.must_be_right()?;
        if self.terms()?.referral.is_none() {
            return Err(PrescriptionRefusal::NoReferrer);
        }
        if self.told {
            return Err(PrescriptionRefusal::ReferrerAlreadyTold);
        }
        if self.status.is_open() {
            return Err(PrescriptionRefusal::NotOver { now: self.status.words() });
        }
        Ok(())
    }
}

impl Session {
    /// How it was attended.
    #[must_use]
    pub const fn attendance(self) -> Attendance {
        match self {
            Self::Attended { .. } => Attendance::Attended,
            Self::AttendedLate { .. } => Attendance::AttendedLate,
            Self::DidNotAttend { .. } => Attendance::DidNotAttend,
        }
    }
}
