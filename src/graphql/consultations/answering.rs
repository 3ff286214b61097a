//! Commands of answering: commitments and what becomes of them, what cannot be done, feedback, closing.

use async_graphql::{Context, InputObject, Object, Result};
use uuid::Uuid;

use super::super::{Code, Community, Date, Entered, EvidenceInput, Meant, asked, told};
use super::listening::{ConsultationPayload, payload, step, words};
use crate::app::Failure;
use crate::app::consultations::{Promised, Step};
use crate::domain::consultation::{Change, CommitmentKind, FeedbackChannel, Rung, ShownBy, WhatYouMeant};
use crate::domain::identity::{CommitmentId, ConsultationId, GrantId, NeedId, PersonId};
use crate::domain::vocabulary::Language;

/// Something that is promised.
#[derive(Debug, Clone, InputObject)]
pub struct MakeCommitmentInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The needs it is about: at least one.
    pub need_ids: Vec<Uuid>,
    /// What kind of promise it is.
    pub kind: Code<CommitmentKind>,
    /// What is promised, at most 500 characters. Public words: nobody is named.
    pub statement: String,
    /// Whom we ask, at most 200 characters; needed where somebody else is to do it.
    pub asked: Option<String>,
    /// Who answers for it: without an owner it is refused.
    pub owner_id: Option<Uuid>,
    /// The last day on which it is in time.
    pub by_when: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl MakeCommitmentInput {
    fn read(self) -> Result<(ConsultationId, Meant, Promised), Failure> {
        let mut entered = Entered::default();
        let asked = entered.optional_text("asked", self.asked.as_deref());
        let statement = entered.text("statement", &self.statement);
        let taken = statement.map(|statement| Promised {
            needs: self.need_ids.iter().copied().map(NeedId).collect(),
            kind: self.kind.0,
            statement,
            asked,
            owner: self.owner_id.map(PersonId),
            by_when: self.by_when.0,
        });
        Ok((ConsultationId(self.consultation_id), self.meant, entered.all(taken)?))
    }
}

/// A need about which nothing can be done.
#[derive(Debug, Clone, InputObject)]
pub struct SayCannotDoInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The need.
    pub need_id: Uuid,
    /// Why, at most 1,000 characters. Public words: those who said it are owed them.
    pub public_reason: String,
    /// The body or post that decided, at most 200 characters; never somebody’s name.
    pub decided_by: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with a commitment, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct CommitmentInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The commitment.
    pub commitment_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step that was taken towards a commitment.
#[derive(Debug, Clone, InputObject)]
pub struct LogActionInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The commitment.
    pub commitment_id: Uuid,
    /// What was done, at most 500 characters. Public words: nobody is named.
    pub what: String,
    /// The day it was done, not ahead.
    pub on: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What shows that something was done about a commitment: exactly one of these.
#[derive(Debug, Clone, InputObject)]
pub struct LinkEvidenceInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The commitment.
    pub commitment_id: Uuid,
    /// A grant.
    pub grant_id: Option<Uuid>,
    /// An offer.
    pub offer_id: Option<Uuid>,
    /// A session.
    pub session_id: Option<Uuid>,
    /// A published figure.
    pub figure_id: Option<Uuid>,
    /// A policy, or another document.
    pub policy: Option<EvidenceInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl LinkEvidenceInput {
    fn named(&self) -> Result<Vec<ShownBy>, Failure> {
        let policy = self.policy.clone().map(EvidenceInput::read).transpose()?.map(ShownBy::Policy);
        let grant = self.grant_id.map(|grant| ShownBy::Grant(GrantId(grant)));
        let offer = self.offer_id.map(ShownBy::Offer);
        let session = self.session_id.map(ShownBy::Session);
        let figure = self.figure_id.map(ShownBy::Figure);
        Ok([grant, offer, session, figure, policy].into_iter().flatten().collect())
    }
}

/// A commitment that is changed; what is left out stays.
#[derive(Debug, Clone, InputObject)]
pub struct ChangeCommitmentInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The commitment.
    pub commitment_id: Uuid,
    /// What is promised from now on, at most 500 characters. Public words: nobody is named.
    pub statement: Option<String>,
    /// Who answers for it from now on.
    pub owner_id: Option<Uuid>,
    /// The last day on which it is in time from now on.
    pub by_when: Option<Date>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Who was told what came of it.
#[derive(Debug, Clone, InputObject)]
pub struct GiveFeedbackInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// Which communities were told: at least one.
    pub groups: Vec<Code<Community>>,
    /// How.
    pub channel: Code<FeedbackChannel>,
    /// In which languages: at least one.
    pub languages: Vec<Code<Language>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What those who were told answered.
#[derive(Debug, Clone, InputObject)]
pub struct HearFeedbackInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// Of which community.
    pub group: Code<Community>,
    /// Whether it is what they meant.
    pub meant_it: Code<WhatYouMeant>,
    /// What the team takes from it, at most 500 characters. Public words: nobody is named.
    pub taken_from_it: Option<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A consultation that is closed.
#[derive(Debug, Clone, InputObject)]
pub struct CloseConsultationInput {
    /// The consultation.
    pub consultation_id: Uuid,
    /// The rung of the ladder of co-production that was reached.
    pub rung_reached: Code<Rung>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Commands of answering.
#[derive(Default)]
pub struct AnsweringMutations;

#[Object]
impl AnsweringMutations {
    /// Promise something about needs: to do it, to find out, or to ask somebody else. It needs an owner and a day.
    async fn make_commitment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is promised.")] input: MakeCommitmentInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let (consultation, meant, promised) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.make_commitment(who, &how, consultation, promised).await).await
    }

    /// Say that nothing can be done about a need, why, and who decided so.
    async fn say_cannot_do(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The need, and why.")] input: SayCannotDoInput,
    ) -> Result<ConsultationPayload> {
        let mut entered = Entered::default();
        let public_reason = entered.text("publicReason", &input.public_reason);
        let decided_by = entered.text("decidedBy", &input.decided_by);
        let taken = public_reason.zip(decided_by);
        let (public_reason, decided_by) = entered.all(taken).map_err(told)?;
        let say = Step::SayCannotDo { need: NeedId(input.need_id), public_reason, decided_by };
        step(ctx, input.consultation_id, input.meant, say).await
    }

    /// Record a step that was taken towards a commitment.
    async fn log_action(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The step.")] input: LogActionInput,
    ) -> Result<ConsultationPayload> {
        let what = words("what", &input.what)?;
        let log = Step::LogAction { commitment: CommitmentId(input.commitment_id), what, on: input.on.0 };
        step(ctx, input.consultation_id, input.meant, log).await
    }

    /// Link what shows that something was done about a commitment. It must be on the record.
    async fn link_evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What shows it.")] input: LinkEvidenceInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let named = input.named().map_err(told)?;
        let of = (ConsultationId(input.consultation_id), CommitmentId(input.commitment_id));
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.link_evidence(who, &how, of, &named).await).await
    }

    /// Change a commitment: its words, who answers for it, or its day. Needs a reason.
    async fn change_commitment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is another.")] input: ChangeCommitmentInput,
    ) -> Result<ConsultationPayload> {
        let (app, who) = asked(ctx)?;
        let statement = input.statement.as_deref().map(|typed| words("statement", typed)).transpose()?;
        let owner = input.owner_id.map(PersonId);
        let change = Change { statement, owner, by_when: input.by_when.map(|day| day.0) };
        let of = (ConsultationId(input.consultation_id), CommitmentId(input.commitment_id));
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.change_commitment(who, &how, of, change).await).await
    }

    /// Record that a commitment was kept. What shows it must be linked first.
    async fn keep_commitment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: CommitmentInput,
    ) -> Result<ConsultationPayload> {
        let keep = Step::KeepCommitment { commitment: CommitmentId(input.commitment_id) };
        step(ctx, input.consultation_id, input.meant, keep).await
    }

    /// Record that the day of a commitment went by and it was not kept. Needs a reason.
    async fn miss_commitment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: CommitmentInput,
    ) -> Result<ConsultationPayload> {
        let miss = Step::MissCommitment { commitment: CommitmentId(input.commitment_id) };
        step(ctx, input.consultation_id, input.meant, miss).await
    }

    /// Record that those who were heard were told what came of it.
    async fn give_feedback(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who was told, and how.")] input: GiveFeedbackInput,
    ) -> Result<ConsultationPayload> {
        let give = Step::GiveFeedback {
            groups: input.groups.iter().map(|code| code.0).collect(),
            channel: input.channel.0,
            languages: input.languages.iter().map(|code| code.0).collect(),
        };
        step(ctx, input.consultation_id, input.meant, give).await
    }

    /// Record what those who were told answered: is this what you meant?
    async fn hear_feedback(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer.")] input: HearFeedbackInput,
    ) -> Result<ConsultationPayload> {
        let taken = input.taken_from_it.as_deref().map(|typed| words("takenFromIt", typed)).transpose()?;
        let (group, meant) = (input.group.0, input.meant_it.0);
        let hear = Step::HearFeedback { group, meant, taken_from_it: taken };
        step(ctx, input.consultation_id, input.meant, hear).await
    }

    /// Close a consultation: every need has an answer and those who came were told. What was promised lives on.
    async fn close_consultation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rung that was reached.")] input: CloseConsultationInput,
    ) -> Result<ConsultationPayload> {
        let close = Step::Close { rung_reached: input.rung_reached.0 };
        step(ctx, input.consultation_id, input.meant, close).await
    }
}
