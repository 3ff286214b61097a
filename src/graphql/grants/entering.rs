//! Grants on the wire: how a case comes in, and what is asked about it.

use async_graphql::{Context, InputObject, Object, Result};
use uuid::Uuid;

use super::super::{Area, Code, Date, Entered, Meant, Money, asked, told};
use super::commands::{GrantPayload, payload, step, words};
use crate::app::Failure;
use crate::app::grants::{NewApplication, NewCase, Step};
use crate::domain::grant;
use crate::domain::identity::{GrantId, PartnerId, ProgrammeId};
use crate::domain::money::MoneyProblem;
use crate::domain::text::Text;

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
    /// The case it goes on with, after an expression of interest or a direct award; a new one if left out.
    pub grant_id: Option<Uuid>,
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
                grant: self.grant_id.map(GrantId),
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

/// An expression of interest.
#[derive(Debug, Clone, InputObject)]
pub struct ExpressInterestInput {
    /// The partner.
    pub partner_id: Uuid,
    /// The programme.
    pub programme_id: Uuid,
    /// What the work would be called, at most 200 characters.
    pub title: String,
    /// The idea in a few words, at most 2,000 characters.
    pub idea: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An award proposed without a call.
#[derive(Debug, Clone, InputObject)]
pub struct ProposeDirectAwardInput {
    /// The partner.
    pub partner_id: Uuid,
    /// The programme.
    pub programme_id: Uuid,
    /// What the work would be called, at most 200 characters.
    pub title: String,
    /// Why this partner, and why without a call, at most 2,000 characters.
    pub justification: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A new case, and what is said of it.
type Begun = (NewCase, Text<2000>);

fn begun(partner: Uuid, programme: Uuid, title: &str, (field, said): (&str, &str)) -> Result<Begun, Failure> {
    let mut entered = Entered::default();
    let title = entered.text("title", title);
    let taken = title.zip(entered.text(field, said)).map(|(title, said)| {
        let (partner, programme) = (PartnerId(partner), ProgrammeId(programme));
        (NewCase { partner, programme, title }, said)
    });
    entered.all(taken)
}

/// An invitation to apply.
#[derive(Debug, Clone, InputObject)]
pub struct InviteToApplyInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The last day on which the application is taken.
    pub apply_by: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An expression of interest turned down.
#[derive(Debug, Clone, InputObject)]
pub struct DeclineInterestInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What the partner is told, at most 2,000 characters.
    pub feedback: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A question to the partner.
#[derive(Debug, Clone, InputObject)]
pub struct RequestMoreInformationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// What is asked, at most 2,000 characters.
    pub what: String,
    /// The day by which an answer is hoped for.
    pub by: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// The partner’s answer to a question.
#[derive(Debug, Clone, InputObject)]
pub struct SupplyInformationInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The answer, at most 2,000 characters. Nothing about private persons.
    pub answer: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Commands that bring a case in.
#[derive(Default)]
pub struct EnteringMutations;

#[Object]
impl EnteringMutations {
    /// Express interest in a grant, in a programme that begins with that.
    async fn express_interest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The idea.")] input: ExpressInterestInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let said = ("idea", input.idea.as_str());
        let new = begun(input.partner_id, input.programme_id, &input.title, said).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.express_interest(who, &how, new).await).await
    }

    /// Invite the partner to apply, after an expression of interest.
    async fn invite_to_apply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The invitation.")] input: InviteToApplyInput,
    ) -> Result<GrantPayload> {
        step(ctx, input.grant_id, input.meant, Step::InviteToApply { apply_by: input.apply_by.0 }).await
    }

    /// Turn an expression of interest down. Needs a reason.
    async fn decline_interest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refusal.")] input: DeclineInterestInput,
    ) -> Result<GrantPayload> {
        let feedback = words("feedback", &input.feedback)?;
        step(ctx, input.grant_id, input.meant, Step::DeclineInterest { feedback }).await
    }

    /// Propose an award to a partner without a call, where the programme allows it; the partner’s application
    /// follows. Needs a reason.
    async fn propose_direct_award(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proposal.")] input: ProposeDirectAwardInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let said = ("justification", input.justification.as_str());
        let new = begun(input.partner_id, input.programme_id, &input.title, said).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.propose_direct_award(who, &how, new).await).await
    }

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

    /// Ask the partner for more: until it answers, the time is the partner’s and nothing is decided.
    async fn request_more_information(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The question.")] input: RequestMoreInformationInput,
    ) -> Result<GrantPayload> {
        let what = words("what", &input.what)?;
        let ask = Step::RequestInformation { what, by: input.by.0 };
        step(ctx, input.grant_id, input.meant, ask).await
    }

    /// Answer what the partner was asked.
    async fn supply_information(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer.")] input: SupplyInformationInput,
    ) -> Result<GrantPayload> {
        let answer = words("answer", &input.answer)?;
        step(ctx, input.grant_id, input.meant, Step::SupplyInformation { answer }).await
    }
}
