//! Commands of those who follow a prescription: the partner it was sent to, and advisors.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Date, Entered, Meant, asked, told};
use super::commands::{PrescriptionInput, PrescriptionPayload, payload, step};
use crate::app::Failure;
use crate::app::prescriptions::{NewOutcome, Step};
use crate::domain::identity::{OutcomeId, PrescriptionId};
use crate::domain::outcome::{Instrument, Item, Moment};
use crate::domain::prescription::{
    AbsenceGroup, AttemptMeans, Attendance, ClosingReason, DeclineReason, Session,
};
use crate::domain::vocabulary::SharedItem;

/// A prescription that is not taken on.
#[derive(Debug, Clone, InputObject)]
pub struct DeclinePrescriptionInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// Why.
    pub why: Code<DeclineReason>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An attempt to reach the person.
#[derive(Debug, Clone, InputObject)]
pub struct RecordAttemptInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// How.
    pub means: Code<AttemptMeans>,
    /// Whether the person was reached.
    pub reached: bool,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A place that is offered.
#[derive(Debug, Clone, InputObject)]
#[graphql(name = "PrescriptionPlaceInput")]
pub struct OfferPlaceInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// The day on which it would begin, where that is known.
    pub starts_on: Option<Date>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Somebody who waits for a place.
#[derive(Debug, Clone, InputObject)]
pub struct RecordWaitingInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// The day on which a place is hoped for, where that is known.
    pub expected_on: Option<Date>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A session, and how it was attended.
#[derive(Debug, Clone, InputObject)]
pub struct RecordAttendanceInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// The day of the session: today or earlier.
    pub held_on: Date,
    /// How it was attended.
    pub attendance: Code<Attendance>,
    /// Whether the session took place; needed where the person did not come.
    pub service_happened: Option<bool>,
    /// Why the person did not come, in groups; needed where they did not.
    pub why: Option<Code<AbsenceGroup>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl RecordAttendanceInput {
    fn session(&self) -> Result<Session, Failure> {
        let held_on = self.held_on.0;
        match (self.attendance.0, self.service_happened, self.why) {
            (Attendance::Attended, ..) => Ok(Session::Attended { held_on }),
            (Attendance::AttendedLate, ..) => Ok(Session::AttendedLate { held_on }),
            (Attendance::DidNotAttend, Some(service_happened), Some(why)) => {
                Ok(Session::DidNotAttend { held_on, service_happened, why: why.0 })
            }
            (Attendance::DidNotAttend, ..) => Err(Failure::refused(
                "prescription.absence_incomplete",
                "Say whether the session took place, and why the person did not come; “not known” is an answer.",
            )),
        }
    }
}

/// A session recorded wrongly.
#[derive(Debug, Clone, InputObject)]
pub struct WithdrawAttendanceInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// The day of the session it was recorded for.
    pub held_on: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// One answer to a question of an instrument.
#[derive(Debug, Clone, InputObject)]
pub struct OutcomeAnswerInput {
    /// The question.
    pub item: Code<Item>,
    /// The number given, as `outcomeInstruments` says. For a goal: 0 not met, 1 partly, 2 met.
    pub score: i32,
}

/// Answers to an instrument.
#[derive(Debug, Clone, InputObject)]
pub struct OutcomeAnswersInput {
    /// Which instrument.
    pub instrument: Code<Instrument>,
    /// Which version of it; the one in use if left out.
    pub instrument_version: Option<u8>,
    /// Before or after.
    pub moment: Code<Moment>,
    /// The day of answering; the day on which this takes effect if left out.
    pub answered_on: Option<Date>,
    /// The answers, in any order. ONS4 may be answered in part; the UCLA scale may not, since it is added up.
    pub answers: Vec<OutcomeAnswerInput>,
    /// The person’s goal in their own words, at most 500 characters. It goes into the vault.
    pub goal: Option<String>,
}

impl OutcomeAnswersInput {
    fn read(self) -> Result<NewOutcome, Failure> {
        let mut entered = Entered::default();
        let goal = entered.optional_text("goal", self.goal.as_deref());
        entered.finish()?;
        Ok(NewOutcome {
            instrument: self.instrument.0,
            version: self.instrument_version,
            moment: self.moment.0,
            answered_on: self.answered_on.map(|date| date.0),
            answers: self.answers.iter().map(|one| (one.item.0, one.score)).collect(),
            goal,
        })
    }
}

/// Answers to an instrument, to be recorded.
#[derive(Debug, Clone, InputObject)]
pub struct RecordOutcomeInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// The answers.
    #[graphql(flatten)]
    pub given: OutcomeAnswersInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Answers to an instrument that put a record right.
#[derive(Debug, Clone, InputObject)]
pub struct CorrectOutcomeInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// The record these take the place of.
    pub outcome_id: Uuid,
    /// The answers.
    #[graphql(flatten)]
    pub given: OutcomeAnswersInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What the person agreed to, to be opened.
#[derive(Debug, Clone, InputObject)]
pub struct OpenAgreedDetailsInput {
    /// The prescription that was sent to you.
    pub prescription_id: Uuid,
    /// Why you open it. It is kept for auditors to read: never about the person.
    pub why: String,
}

/// Something of a person that a partner is told, out of the vault. Keep it nowhere.
#[derive(Clone, SimpleObject)]
pub struct AgreedDetail {
    /// What it is.
    pub item: Code<SharedItem>,
    /// It, in words.
    pub words: String,
}

/// What opening what the person agreed to leads to.
#[derive(SimpleObject)]
pub struct OpenAgreedDetailsPayload {
    /// Each thing that was agreed and is kept.
    pub details: Vec<AgreedDetail>,
}

/// A prescription that comes to its end.
#[derive(Debug, Clone, InputObject)]
pub struct ClosePrescriptionInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// Why.
    pub why: Code<ClosingReason>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Commands of those who follow a prescription.
#[derive(Default)]
pub struct FollowingMutations;

#[Object]
impl FollowingMutations {
    /// Take the person on.
    async fn accept_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: PrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        step(ctx, input.prescription_id, input.meant, Step::Accept).await
    }

    /// Do not take the person on, and say why.
    async fn decline_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: DeclinePrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        step(ctx, input.prescription_id, input.meant, Step::Decline { why: input.why.0 }).await
    }

    /// Record an attempt to reach the person.
    async fn record_attempt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The attempt.")] input: RecordAttemptInput,
    ) -> Result<PrescriptionPayload> {
        let attempt = Step::RecordAttempt { means: input.means.0, reached: input.reached };
        step(ctx, input.prescription_id, input.meant, attempt).await
    }

    /// Offer the person a place.
    async fn offer_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The place.")] input: OfferPlaceInput,
    ) -> Result<PrescriptionPayload> {
        let place = Step::OfferPlace { starts_on: input.starts_on.map(|date| date.0) };
        step(ctx, input.prescription_id, input.meant, place).await
    }

    /// Record that the person waits for a place.
    async fn record_waiting(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Until when.")] input: RecordWaitingInput,
    ) -> Result<PrescriptionPayload> {
        let waiting = Step::RecordWaiting { expected_on: input.expected_on.map(|date| date.0) };
        step(ctx, input.prescription_id, input.meant, waiting).await
    }

    /// Record that the person started.
    async fn start_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: PrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        step(ctx, input.prescription_id, input.meant, Step::Start).await
    }

    /// Record how a session was attended. Who comes for the first time has started.
    async fn record_attendance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: RecordAttendanceInput,
    ) -> Result<PrescriptionPayload> {
        let session = input.session().map_err(told)?;
        step(ctx, input.prescription_id, input.meant, Step::RecordAttendance(session)).await
    }

    /// Take back what was recorded of a session, because it was wrong; then record what is right. Needs a reason.
    async fn withdraw_attendance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session.")] input: WithdrawAttendanceInput,
    ) -> Result<PrescriptionPayload> {
        let withdraw = Step::WithdrawAttendance { held_on: input.held_on.0 };
        step(ctx, input.prescription_id, input.meant, withdraw).await
    }

    /// Record answers to an outcome instrument, before the work or after it.
    async fn record_outcome(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answers.")] input: RecordOutcomeInput,
    ) -> Result<PrescriptionPayload> {
        let (app, who) = asked(ctx)?;
        let (how, new) = (input.meant.how().map_err(told)?, input.given.read().map_err(told)?);
        let id = PrescriptionId(input.prescription_id);
        payload(ctx, app.record_outcome(who, &how, id, None, new).await).await
    }

    /// Put recorded answers right: a record of its own that names the one it takes the place of. Needs a reason.
    async fn correct_outcome(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The right answers.")] input: CorrectOutcomeInput,
    ) -> Result<PrescriptionPayload> {
        let (app, who) = asked(ctx)?;
        let (how, new) = (input.meant.how().map_err(told)?, input.given.read().map_err(told)?);
        let (id, corrects) = (PrescriptionId(input.prescription_id), Some(OutcomeId(input.outcome_id)));
        payload(ctx, app.record_outcome(who, &how, id, corrects, new).await).await
    }

    /// Open what the person of a prescription agreed that your organisation is told. Who opens it and why is on the
    /// record before it is shown.
    async fn open_agreed_details(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which, and why.")] input: OpenAgreedDetailsInput,
    ) -> Result<OpenAgreedDetailsPayload> {
        let (app, who) = asked(ctx)?;
        let id = PrescriptionId(input.prescription_id);
        let agreed = app.open_agreed(who, id, &input.why).await.map_err(told)?;
        let items = agreed.items.into_iter();
        let details = items.map(|(item, words)| AgreedDetail { item: Code(item), words }).collect();
        Ok(OpenAgreedDetailsPayload { details })
    }

    /// Close a prescription, and say why. Completed needs one attendance; could not be contacted needs every attempt.
    async fn close_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: ClosePrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        step(ctx, input.prescription_id, input.meant, Step::Close { why: input.why.0 }).await
    }
}
