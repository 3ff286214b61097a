//! Grants on the wire: a mutation for each step of a case.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{
    Code, ConflictNature, Date, Entered, EvidenceInput, Meant, Money, Receipt, SignatoryRole, asked, told,
};
use super::Grant;
use crate::app::grants::{Ending, Step};
use crate::app::{Done, Failure};
use crate::domain::grant;
use crate::domain::identity::{ConditionId, GrantId, InstalmentId, PersonId};
use crate::domain::text::Text;

/// How an application stands against one criterion of eligibility.
#[derive(Debug, Clone, InputObject)]
pub struct CriterionResultInput {
    /// The criterion’s code in the programme.
    pub criterion: String,
    /// Whether it is met.
    pub met: bool,
}

/// A judgement of eligibility.
#[derive(Debug, Clone, InputObject)]
pub struct JudgeEligibilityInput {
    /// The grant.
    pub grant_id: Uuid,
    /// Every criterion of the programme, once.
    pub results: Vec<CriterionResultInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A conflict of interest.
#[derive(Debug, Clone, InputObject)]
pub struct DeclareConflictInput {
    /// The grant.
    pub grant_id: Uuid,
    /// Whose; yours if left out.
    pub person_id: Option<Uuid>,
    /// What kind of interest.
    pub nature: Code<ConflictNature>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Somebody asked to assess.
#[derive(Debug, Clone, InputObject)]
pub struct AssignAssessorInput {
    /// The grant.
    pub grant_id: Uuid,
    /// Who.
    pub assessor_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An assessor who stands aside.
#[derive(Debug, Clone, InputObject)]
pub struct RecuseAssessorInput {
    /// The grant.
    pub grant_id: Uuid,
    /// Who; you if left out.
    pub assessor_id: Option<Uuid>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A score on one criterion.
#[derive(Debug, Clone, InputObject)]
pub struct RecordScoreInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The criterion’s code in the programme.
    pub criterion: String,
    /// 1 (poor) to 5 (excellent).
    pub score: u8,
    /// Why this score, at most 2,000 characters.
    pub justification: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl RecordScoreInput {
    fn read(&self) -> Result<(Text<40>, u8, Text<2000>), Failure> {
        let mut entered = Entered::default();
        let criterion = entered.text("criterion", &self.criterion);
        let justification = entered.text("justification", &self.justification);
        let taken = criterion.zip(justification).map(|(criterion, why)| (criterion, self.score, why));
        entered.all(taken)
    }
}

/// A refusal of an application.
#[derive(Debug, Clone, InputObject)]
pub struct DeclineGrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What the partner is told, at most 2,000 characters.
    pub feedback: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with a grant, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct GrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An offer to be sent.
#[derive(Debug, Clone, InputObject)]
pub struct IssueOfferInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The SHA-256 of the agreement, 64 hexadecimal digits.
    pub terms_hash: String,
    /// The last day on which it can be accepted.
    pub accept_by: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An offer accepted by the partner.
#[derive(Debug, Clone, InputObject)]
pub struct AcceptOfferInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The SHA-256 of the agreement that was read, 64 hexadecimal digits.
    pub terms_hash: String,
    /// In what standing you sign.
    pub signatory_role: Code<SignatoryRole>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A condition that was met.
#[derive(Debug, Clone, InputObject)]
pub struct RecordConditionMetInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The condition.
    pub condition_id: Uuid,
    /// What showed it.
    pub evidence: EvidenceInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An instalment to be paid.
#[derive(Debug, Clone, InputObject)]
pub struct AuthoriseInstalmentInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The instalment.
    pub instalment_id: Uuid,
    /// The day it is to be paid: every check of the partner must hold on it.
    pub pay_on: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A payment the bank made.
#[derive(Debug, Clone, InputObject)]
pub struct ConfirmPaymentInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The instalment.
    pub instalment_id: Uuid,
    /// How much: exactly what was authorised.
    pub amount: Money,
    /// The day the bank paid it.
    pub value_date: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An instalment whose authorisation is taken back.
#[derive(Debug, Clone, InputObject)]
pub struct WithdrawAuthorisationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The instalment.
    pub instalment_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A payment made by hand that came back.
#[derive(Debug, Clone, InputObject)]
pub struct RecordPaymentReturnedInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The instalment.
    pub instalment_id: Uuid,
    /// The day the bank gave it back.
    pub value_date: Date,
    /// The bank’s code for why, at most 20 characters.
    pub bank_code: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a grant leads to.
#[derive(SimpleObject)]
pub struct GrantPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The grant as it stands now.
    pub grant: Grant,
}

pub(super) async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<GrantPayload> {
    let done = done.map_err(told)?;
    Ok(GrantPayload { receipt: done.into(), grant: Grant::named(ctx, done.id).await? })
}

pub(super) async fn step(ctx: &Context<'_>, grant: Uuid, meant: Meant, step: Step) -> Result<GrantPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.step_with_grant(who, &how, GrantId(grant), step).await).await
}

pub(super) async fn end(
    ctx: &Context<'_>,
    grant: Uuid,
    meant: Meant,
    ending: Ending,
) -> Result<GrantPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.end_grant(who, &how, GrantId(grant), ending).await).await
}

fn hash(field: &str, typed: &str) -> Result<crate::domain::identity::Hash> {
    typed
        .parse()
        .map_err(|problem| told(Failure::invalid(field, &problem as &crate::domain::identity::HashProblem)))
}

pub(super) fn words<const MAX: usize>(field: &str, typed: &str) -> Result<Text<MAX>> {
    Text::new(typed).map_err(|problem| told(Failure::invalid(field, &problem)))
}

/// Commands on grants.
#[derive(Default)]
pub struct GrantMutations;

#[Object]
impl GrantMutations {
    /// Judge whether an application is eligible: every criterion met, or not. Not met needs a reason.
    async fn judge_eligibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The judgement.")] input: JudgeEligibilityInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let mut results = Vec::new();
        for one in input.results {
            let criterion = words("results.criterion", &one.criterion)?;
            results.push(grant::CriterionResult { criterion, met: one.met });
        }
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.judge_eligibility(who, &how, GrantId(input.grant_id), results).await).await
    }

    /// Declare a conflict of interest: from then on that person judges nothing on this grant. Needs a reason.
    async fn declare_conflict(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conflict.")] input: DeclareConflictInput,
    ) -> Result<GrantPayload> {
        let (_, who) = asked(ctx)?;
        let person = input.person_id.map_or(who.person, PersonId);
        let declare = Step::DeclareConflict { person, nature: input.nature.0 };
        step(ctx, input.grant_id, input.meant, declare).await
    }

    /// Ask somebody to assess an eligible application.
    async fn assign_assessor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Grant and assessor.")] input: AssignAssessorInput,
    ) -> Result<GrantPayload> {
        let assign = Step::AssignAssessor { assessor: PersonId(input.assessor_id) };
        step(ctx, input.grant_id, input.meant, assign).await
    }

    /// Stand aside as an assessor, or take one off: that person decides nothing more on this grant, and their scores
    /// count no more. Needs a reason.
    async fn recuse_assessor(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Grant and assessor.")] input: RecuseAssessorInput,
    ) -> Result<GrantPayload> {
        let (_, who) = asked(ctx)?;
        let recuse = Step::RecuseAssessor { assessor: input.assessor_id.map_or(who.person, PersonId) };
        step(ctx, input.grant_id, input.meant, recuse).await
    }

    /// Score an application on one criterion, as an assessor assigned to it.
    async fn record_score(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The score.")] input: RecordScoreInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let score = input.read().map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.record_score(who, &how, GrantId(input.grant_id), score).await).await
    }

    /// Put another score in the place of your own: the one before stays on the record. Needs a reason.
    async fn supersede_score(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The score from now on.")] input: RecordScoreInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let score = input.read().map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.supersede_score(who, &how, GrantId(input.grant_id), score).await).await
    }

    /// Turn an application down; money reserved for it is free again in the same moment. Needs a reason.
    async fn decline_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refusal.")] input: DeclineGrantInput,
    ) -> Result<GrantPayload> {
        let feedback = words("feedback", &input.feedback)?;
        end(ctx, input.grant_id, input.meant, Ending::Decline(feedback)).await
    }

    /// Take an application back; money reserved for it is free again in the same moment.
    async fn withdraw_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grant.")] input: GrantInput,
    ) -> Result<GrantPayload> {
        end(ctx, input.grant_id, input.meant, Ending::Withdraw).await
    }

    /// Send the offer to the partner.
    async fn issue_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] input: IssueOfferInput,
    ) -> Result<GrantPayload> {
        let terms_hash = hash("termsHash", &input.terms_hash)?;
        let issue = Step::IssueOffer { terms_hash, accept_by: input.accept_by.0 };
        step(ctx, input.grant_id, input.meant, issue).await
    }

    /// Accept an offer, in time and for the agreement that was offered.
    async fn accept_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The acceptance.")] input: AcceptOfferInput,
    ) -> Result<GrantPayload> {
        let terms_hash = hash("termsHash", &input.terms_hash)?;
        let accept = Step::AcceptOffer { terms_hash, signatory_role: input.signatory_role.0 };
        step(ctx, input.grant_id, input.meant, accept).await
    }

    /// Turn an offer down; the commitment is released in the same moment. Needs a reason.
    async fn decline_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grant.")] input: GrantInput,
    ) -> Result<GrantPayload> {
        end(ctx, input.grant_id, input.meant, Ending::DeclineOffer).await
    }

    /// Record that nobody accepted an offer in time; the commitment is released in the same moment.
    async fn record_offer_lapse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The grant.")] input: GrantInput,
    ) -> Result<GrantPayload> {
        end(ctx, input.grant_id, input.meant, Ending::LapseOffer).await
    }

    /// Record that a condition was met.
    async fn record_condition_met(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The condition, and what showed it.")] input: RecordConditionMetInput,
    ) -> Result<GrantPayload> {
        let evidence = input.evidence.read().map_err(told)?;
        let meet = Step::MeetCondition { condition: ConditionId(input.condition_id), evidence };
        step(ctx, input.grant_id, input.meant, meet).await
    }

    /// Authorise an instalment: its conditions are met, and on the day of payment every check of the partner holds
    /// and its bank details may be paid to.
    async fn authorise_instalment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and when.")] input: AuthoriseInstalmentInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let payment = (InstalmentId(input.instalment_id), input.pay_on.0);
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.authorise_instalment(who, &how, GrantId(input.grant_id), payment).await).await
    }

    /// Record that the bank paid an instalment, not by whoever authorised it; the expenditure is posted in the
    /// same moment.
    async fn confirm_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment.")] input: ConfirmPaymentInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let amount = input.amount.amount().map_err(|problem| told(Failure::invalid("amount", &problem)))?;
        let payment = (InstalmentId(input.instalment_id), amount, input.value_date.0);
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.confirm_payment(who, &how, GrantId(input.grant_id), payment).await).await
    }

    /// Take back the authorisation of an instalment that is in no payment run and not paid: it is planned again. Needs
    /// a reason.
    async fn withdraw_authorisation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: WithdrawAuthorisationInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let (grant, instalment) = (GrantId(input.grant_id), InstalmentId(input.instalment_id));
        payload(ctx, app.withdraw_authorisation(who, &how, grant, instalment).await).await
    }

    /// Record that a payment made by hand came back from the bank: a new instalment takes the place of the old one, and
    /// what is asked back becomes less where no more than that stays paid. A payment that went through a run comes back
    /// in the bank’s answer on it. Needs a reason.
    async fn record_payment_returned(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment, and when it came back.")] input: RecordPaymentReturnedInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let code = entered.text("bankCode", &input.bank_code);
        let code = entered.all(code).map_err(told)?;
        let back = (InstalmentId(input.instalment_id), input.value_date.0, code);
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.record_payment_returned(who, &how, GrantId(input.grant_id), back).await).await
    }
}
