//! Commands that make prescriptions, send them, and lead from one to the next.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Meant, Receipt, asked, told};
use super::PrescriptionOutline;
use super::queries::outline;
use crate::app::prescriptions::{NewPrescription, Step};
use crate::app::{Done, Failure};
use crate::domain::identity::{ContactId, GrantId, OfferId, PrescriptionId};
use crate::domain::prescription::TellingMeans;
use crate::domain::vocabulary::NeedCode;

/// One prescription to be made.
#[derive(Debug, Clone, InputObject)]
pub struct NewPrescriptionInput {
    /// The offer, as it stands.
    pub offer_id: Uuid,
    /// The grant that pays: one that the offer names, or one of the same partner, that runs today.
    pub grant_id: Option<Uuid>,
    /// What the person needs from it; what the talk was about if left out.
    pub needs: Option<Vec<Code<NeedCode>>>,
    /// How many attempts to reach the person are made before giving up: 1 to 10; 3 if left out.
    pub attempts_needed: Option<u32>,
}

impl NewPrescriptionInput {
    fn read(self) -> NewPrescription {
        NewPrescription {
            offer: OfferId(self.offer_id),
            grant: self.grant_id.map(GrantId),
            needs: self.needs.into_iter().flatten().map(|code| code.0).collect(),
            attempts_needed: self.attempts_needed,
        }
    }
}

/// A prescription from a talk.
#[derive(Debug, Clone, InputObject)]
pub struct MakePrescriptionInput {
    /// The talk.
    pub contact_id: Uuid,
    /// The prescription.
    #[graphql(flatten)]
    pub new: NewPrescriptionInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Several prescriptions from one talk.
#[derive(Debug, Clone, InputObject)]
pub struct MakePrescriptionsInput {
    /// The talk.
    pub contact_id: Uuid,
    /// The prescriptions, one for each offer.
    pub prescriptions: Vec<NewPrescriptionInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with a prescription, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct PrescriptionInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Somebody to be passed on to another offer.
#[derive(Debug, Clone, InputObject)]
pub struct PassOnPrescriptionInput {
    /// The prescription that ends.
    pub prescription_id: Uuid,
    /// The prescription that follows it.
    #[graphql(flatten)]
    pub new: NewPrescriptionInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A prescription to be made again.
#[derive(Debug, Clone, InputObject)]
pub struct MakePrescriptionAgainInput {
    /// The prescription that was declined, unanswered or closed.
    pub prescription_id: Uuid,
    /// The grant that pays now.
    pub grant_id: Option<Uuid>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A referrer who was told.
#[derive(Debug, Clone, InputObject)]
pub struct TellReferrerOfPrescriptionInput {
    /// The prescription.
    pub prescription_id: Uuid,
    /// How the referrer was told.
    pub means: Code<TellingMeans>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a prescription leads to.
#[derive(SimpleObject)]
pub struct PrescriptionPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The prescription as it stands now.
    pub prescription: PrescriptionOutline,
}

/// What making several prescriptions leads to.
#[derive(SimpleObject)]
pub struct PrescriptionsPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The prescriptions, in the order they were asked for.
    pub prescriptions: Vec<PrescriptionOutline>,
}

pub(super) async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<PrescriptionPayload> {
    let done = done.map_err(told)?;
    Ok(PrescriptionPayload { receipt: done.into(), prescription: outline(ctx, done.id).await? })
}

pub(super) async fn step(
    ctx: &Context<'_>,
    prescription: Uuid,
    meant: Meant,
    step: Step,
) -> Result<PrescriptionPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.step_with_prescription(who, &how, PrescriptionId(prescription), step).await).await
}

/// Commands that make prescriptions, send them, and lead from one to the next.
#[derive(Default)]
pub struct PrescriptionMutations;

#[Object]
impl PrescriptionMutations {
    /// Make a social prescription from a talk: an offer as it stands today, for the person talked to. The offer must
    /// be published and have room, its partner approved with every check in date.
    async fn make_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The prescription.")] input: MakePrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (contact, new) = (ContactId(input.contact_id), vec![input.new.read()]);
        let made = app.make_prescriptions(who, &how, "makePrescription", contact, new).await;
        payload(ctx, made.map(|(done, _)| done)).await
    }

    /// Make several prescriptions from one talk, all of them or none.
    async fn make_prescriptions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The prescriptions.")] input: MakePrescriptionsInput,
    ) -> Result<PrescriptionsPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let new = input.prescriptions.into_iter().map(NewPrescriptionInput::read).collect();
        let made = app.make_prescriptions(who, &how, "makePrescriptions", ContactId(input.contact_id), new);
        let (done, ids) = made.await.map_err(told)?;
        let mut prescriptions = Vec::with_capacity(ids.len());
        for id in ids {
            prescriptions.push(outline(ctx, id).await?);
        }
        Ok(PrescriptionsPayload { receipt: done.into(), prescriptions })
    }

    /// Send a prescription to the partner. The person must have agreed before that the partner is told something; it
    /// sees that and nothing else. The partner has two weeks to answer.
    async fn send_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: PrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.send_prescription(who, &how, PrescriptionId(input.prescription_id)).await).await
    }

    /// Record that the partner let two weeks go by without an answer. It is no decline, and it may still answer.
    async fn record_unanswered(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: PrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        step(ctx, input.prescription_id, input.meant, Step::RecordUnanswered).await
    }

    /// Pass somebody on to another offer. The prescription ends, one that follows it is made, and both name each
    /// other.
    async fn pass_on_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From which, to what.")] input: PassOnPrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (id, new) = (PrescriptionId(input.prescription_id), input.new.read());
        payload(ctx, app.pass_on_prescription(who, &how, id, new).await).await
    }

    /// Make a prescription of the same offer again, once it was declined, unanswered or closed. Both name each other.
    async fn make_prescription_again(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: MakePrescriptionAgainInput,
    ) -> Result<PrescriptionPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (id, grant) = (PrescriptionId(input.prescription_id), input.grant_id.map(GrantId));
        payload(ctx, app.make_prescription_again(who, &how, id, grant).await).await
    }

    /// Close a prescription that should never have been made. It is counted nowhere. Needs a reason.
    async fn close_in_error(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: PrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        step(ctx, input.prescription_id, input.meant, Step::CloseInError).await
    }

    /// Record that whoever referred the person was told what came of the prescription.
    async fn tell_referrer_of_prescription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which, and how.")] input: TellReferrerOfPrescriptionInput,
    ) -> Result<PrescriptionPayload> {
        let tell = Step::TellReferrer { means: input.means.0 };
        step(ctx, input.prescription_id, input.meant, tell).await
    }
}
