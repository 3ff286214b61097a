//! Grants on the wire: a mutation for each step of a case.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{
    Area, Code, ConflictNature, Date, Entered, EvidenceInput, FinancialYear, Meant, Money, Receipt,
    SignatoryRole, asked, told,
};
use super::Grant;
use crate::app::grants::{Ending, NewApplication, Plan, Step};
use crate::app::{Done, Failure};
use crate::domain::fund::YearShare;
use crate::domain::grant;
use crate::domain::identity::{ConditionId, GrantId, InstalmentId, PartnerId, PersonId, ProgrammeId};
use crate::domain::money::MoneyProblem;
use crate::domain::text::{Text, TextProblem};

/// The part of a grant that goes to a delivery partner.
#[derive(Debug, Clone, InputObject)]
pub struct DeliveryShareInput {
    /// The delivery partner.
    pub partner_id: Uuid,
    /// Its share.
    pub amount: Money,
}

/// The part of a grant that answers a need.
#[derive(Debug, Clone, InputObject)]
pub struct NeedShareInput {
    /// The need.
    pub need_id: Uuid,
    /// Per cent of the grant, 1 to 100; all together 100.
    pub percent: u8,
}

/// An application for a grant.
#[derive(Debug, Clone, InputObject)]
pub struct SubmitApplicationInput {
    /// The lead partner.
    pub partner_id: Uuid,
    /// The programme.
    pub programme_id: Uuid,
    /// What the work is called, at most 200 characters.
    pub title: String,
    /// What the money is for, at most 2,000 characters.
    pub purpose: String,
    /// How much is asked for.
    pub requested: Money,
    /// Where the work is done.
    pub places: Vec<Code<Area>>,
    /// The first day of the work.
    pub starts_on: Date,
    /// The last day of the work.
    pub ends_on: Date,
    /// The needs it answers.
    pub needs: Option<Vec<NeedShareInput>>,
    /// Who delivers with the lead partner.
    pub delivery: Option<Vec<DeliveryShareInput>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl SubmitApplicationInput {
    fn read(self) -> Result<(Meant, NewApplication), Failure> {
        let mut entered = Entered::default();
        let title = entered.text("title", &self.title);
        let purpose = entered.text("purpose", &self.purpose);
        let requested = entered.take("requested", self.requested.amount());
        let delivery: Result<Vec<_>, MoneyProblem> = self
            .delivery
            .into_iter()
            .flatten()
            .map(|one| {
                Ok(grant::DeliveryShare { partner: PartnerId(one.partner_id), amount: one.amount.amount()? })
            })
            .collect();
        let delivery = entered.take("delivery", delivery);
        let needs = self.needs.into_iter().flatten();
        let needs = needs.map(|one| grant::NeedShare { need: one.need_id, percent: one.percent }).collect();
        let taken = title.zip(purpose).zip(requested).zip(delivery).map(
            |(((title, purpose), requested), delivery)| NewApplication {
                partner: PartnerId(self.partner_id),
                programme: ProgrammeId(self.programme_id),
                title,
                purpose,
                requested,
                places: self.places.iter().map(|code| code.0).collect(),
                starts_on: self.starts_on.0,
                ends_on: self.ends_on.0,
                needs,
                delivery,
            },
        );
        Ok((self.meant, entered.all(taken)?))
    }
}

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

/// The part of an amount that falls in one financial year’s budget.
#[derive(Debug, Clone, InputObject)]
pub struct YearShareInput {
    /// The financial year.
    pub year: FinancialYear,
    /// How much.
    pub amount: Money,
}

/// A recommendation.
#[derive(Debug, Clone, InputObject)]
pub struct RecommendGrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// How much.
    pub amount: Money,
    /// How much from each year’s budget; all from the year in which the work begins if left out.
    pub years: Option<Vec<YearShareInput>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl RecommendGrantInput {
    fn read(&self) -> Result<(crate::domain::money::Money, Vec<YearShare>), Failure> {
        let mut entered = Entered::default();
        let amount = entered.take("amount", self.amount.amount());
        let shares: Result<Vec<_>, MoneyProblem> = self
            .years
            .iter()
            .flatten()
            .map(|share| Ok(YearShare { year: share.year.0, amount: share.amount.amount()? }))
            .collect();
        let taken = amount.zip(entered.take("years", shares));
        entered.all(taken)
    }
}

/// A payment to be planned.
#[derive(Debug, Clone, InputObject)]
pub struct InstalmentInput {
    /// How much.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses; that of the due date if left out.
    pub year: Option<FinancialYear>,
    /// What it waits for, each at most 300 characters.
    pub conditions: Option<Vec<String>>,
}

/// An approval.
#[derive(Debug, Clone, InputObject)]
pub struct ApproveGrantInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The payments; they add up to the amount recommended, year by year as reserved.
    pub instalments: Vec<InstalmentInput>,
    /// Which version of the terms applies, at most 40 characters.
    pub terms_version: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// The payments that were typed; what is wrong with any is noted.
pub(super) fn plans(entered: &mut Entered, field: &str, typed: Vec<InstalmentInput>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (place, one) in typed.into_iter().enumerate() {
        let amount = entered.take(&format!("{field}.{place}.amount"), one.amount.amount());
        let titles: Result<Vec<_>, TextProblem> =
            one.conditions.iter().flatten().map(|title| Text::new(title)).collect();
        let conditions = entered.take(&format!("{field}.{place}.conditions"), titles);
        let plan = amount.zip(conditions).map(|(amount, conditions)| Plan {
            amount,
            due: one.due.0,
            year: one.year.map(|year| year.0),
            conditions,
        });
        plans.extend(plan);
    }
    plans
}

/// The payments and the terms of an approval.
type Approval = (Vec<Plan>, Text<40>);

impl ApproveGrantInput {
    fn read(self) -> Result<(Meant, GrantId, Approval), Failure> {
        let mut entered = Entered::default();
        let terms = entered.text("termsVersion", &self.terms_version);
        let plans = plans(&mut entered, "instalments", self.instalments);
        let taken = terms.map(|terms| (plans, terms));
        Ok((self.meant, GrantId(self.grant_id), entered.all(taken)?))
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
    let (app, _) = asked(ctx)?;
    let record = app.grants_named(&[done.id]).await.map_err(told)?.remove(&done.id);
    let record = record.ok_or_else(|| told(Failure::NotFound("grant")))?;
    Ok(GrantPayload { receipt: done.into(), grant: Grant::new(done.id, record) })
}

async fn step(ctx: &Context<'_>, grant: Uuid, meant: Meant, step: Step) -> Result<GrantPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.step_with_grant(who, &how, GrantId(grant), step).await).await
}

async fn end(ctx: &Context<'_>, grant: Uuid, meant: Meant, ending: Ending) -> Result<GrantPayload> {
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
    /// Send an application in, to a programme that takes it.
    async fn submit_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The application.")] input: SubmitApplicationInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.submit_application(who, &how, new).await).await
    }

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

    /// Score an application on one criterion, as an assessor assigned to it.
    async fn record_score(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The score.")] input: RecordScoreInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let criterion = entered.text("criterion", &input.criterion);
        let justification = entered.text("justification", &input.justification);
        let taken = criterion.zip(justification).map(|(criterion, why)| (criterion, input.score, why));
        let score = entered.all(taken).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.record_score(who, &how, GrantId(input.grant_id), score).await).await
    }

    /// Recommend a fully scored grant; the money is reserved in the same moment. Needs a reason.
    async fn recommend_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The recommendation.")] input: RecommendGrantInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let wanted = input.read().map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.recommend_grant(who, &how, GrantId(input.grant_id), wanted).await).await
    }

    /// Approve a recommended grant within the limit of one approver, not by whoever proposed or assessed it; the
    /// money is committed in the same moment. Needs a reason.
    async fn approve_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The approval.")] input: ApproveGrantInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, grant, approval) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.approve_grant(who, &how, grant, approval).await).await
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
}
