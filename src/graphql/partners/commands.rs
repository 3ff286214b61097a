//! Commands on partners.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Area, Code, Community, Date, Entered, Meant, Receipt, asked, told};
use super::{EvidenceInput, Partner};
use crate::app::partners::{NewPartner, Step};
use crate::app::{Done, Failure};
use crate::domain::bank::{AccountNumber, BankDetails, SortCode};
use crate::domain::identity::PartnerId;
use crate::domain::partner::{CheckKind, LegalForm, VerificationMethod};

/// An organisation’s application to become a partner.
#[derive(Debug, Clone, InputObject)]
pub struct ApplyAsPartnerInput {
    /// The organisation’s name, at most 200 characters.
    pub name: String,
    /// What it is in law.
    pub legal_form: Code<LegalForm>,
    /// Its number at the Charity Commission; needed of a registered charity.
    pub charity_number: Option<String>,
    /// Its number at Companies House; needed of a company.
    pub company_number: Option<String>,
    /// Where it works.
    pub areas: Vec<Code<Area>>,
    /// Whom it serves.
    pub communities: Vec<Code<Community>>,
    /// What it does, at most 1,000 characters, for the directory.
    pub summary: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl ApplyAsPartnerInput {
    fn read(self) -> Result<(Meant, NewPartner), Failure> {
        let mut entered = Entered::default();
        let name = entered.text("name", &self.name);
        let summary = entered.text("summary", &self.summary);
        let charity_number = entered.optional_text("charityNumber", self.charity_number.as_deref());
        let company_number = entered.optional_text("companyNumber", self.company_number.as_deref());
        let taken = name.zip(summary).map(|(name, summary)| NewPartner {
            name,
            legal_form: self.legal_form.0,
            charity_number,
            company_number,
            areas: self.areas.iter().map(|code| code.0).collect(),
            communities: self.communities.iter().map(|code| code.0).collect(),
            summary,
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A step with a partner, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct PartnerInput {
    /// The partner.
    pub partner_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with one check of a partner.
#[derive(Debug, Clone, InputObject)]
pub struct PartnerCheckInput {
    /// The partner.
    pub partner_id: Uuid,
    /// Which check.
    pub check: Code<CheckKind>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A document handed in for a check.
#[derive(Debug, Clone, InputObject)]
pub struct SubmitCheckEvidenceInput {
    /// The partner.
    pub partner_id: Uuid,
    /// Which check.
    pub check: Code<CheckKind>,
    /// The document.
    pub evidence: EvidenceInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A check that was passed.
#[derive(Debug, Clone, InputObject)]
pub struct PassCheckInput {
    /// The partner.
    pub partner_id: Uuid,
    /// Which check; the bank check is passed by `verifyBankDetails`.
    pub check: Code<CheckKind>,
    /// The last day on which it holds; left out when it does not run out.
    pub valid_until: Option<Date>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A check that is waived for a time.
#[derive(Debug, Clone, InputObject)]
pub struct WaiveCheckInput {
    /// The partner.
    pub partner_id: Uuid,
    /// Which check; never the bank check.
    pub check: Code<CheckKind>,
    /// The last day of the waiver, at most 12 months on.
    pub until: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step after which the partner is looked at again.
#[derive(Debug, Clone, InputObject)]
pub struct PartnerReviewInput {
    /// The partner.
    pub partner_id: Uuid,
    /// When it is next looked at.
    pub next_review: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Bank details of a partner. They go into the vault, never into the log.
#[derive(Debug, Clone, InputObject)]
pub struct SubmitBankDetailsInput {
    /// The partner.
    pub partner_id: Uuid,
    /// Six digits, with or without dashes.
    pub sort_code: String,
    /// Eight digits; shorter ones are filled with noughts in front, as banks do.
    pub account_number: String,
    /// The name on the account, at most 70 characters.
    pub account_name: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Bank details that were verified.
#[derive(Debug, Clone, InputObject)]
pub struct VerifyBankDetailsInput {
    /// The partner.
    pub partner_id: Uuid,
    /// Which version; only the newest can be verified.
    pub bank_version: u32,
    /// How they were verified.
    pub method: Code<VerificationMethod>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a partner leads to.
#[derive(SimpleObject)]
pub struct PartnerPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The partner as it stands now.
    pub partner: Partner,
}

pub(in crate::graphql) async fn payload(ctx: &Context<'_>, done: Done) -> Result<PartnerPayload> {
    let (app, who) = asked(ctx)?;
    let record = app.partner(who, done.id).await.map_err(told)?;
    Ok(PartnerPayload { receipt: done.into(), partner: Partner { id: done.id, record } })
}

pub(in crate::graphql) async fn step(
    ctx: &Context<'_>,
    partner: Uuid,
    meant: Meant,
    step: Step,
) -> Result<PartnerPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    let done = app.step_with_partner(who, &how, PartnerId(partner), step).await.map_err(told)?;
    payload(ctx, done).await
}

/// Commands on partners.
#[derive(Default)]
pub struct PartnerMutations;

#[Object]
impl PartnerMutations {
    /// Record an organisation’s application to become a partner. The checks it needs are asked for with it.
    async fn apply_as_partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The application.")] input: ApplyAsPartnerInput,
    ) -> Result<PartnerPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        let done = app.apply_as_partner(who, &how, new).await.map_err(told)?;
        payload(ctx, done).await
    }

    /// Ask for one more check.
    async fn require_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Partner and check.")] input: PartnerCheckInput,
    ) -> Result<PartnerPayload> {
        step(ctx, input.partner_id, input.meant, Step::RequireCheck { check: input.check.0 }).await
    }

    /// Record a document handed in for a check.
    async fn submit_check_evidence(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: SubmitCheckEvidenceInput,
    ) -> Result<PartnerPayload> {
        let evidence = input.evidence.read().map_err(told)?;
        let submit = Step::SubmitCheckEvidence { check: input.check.0, evidence };
        step(ctx, input.partner_id, input.meant, submit).await
    }

    /// Record that a check was passed.
    async fn pass_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The check.")] input: PassCheckInput,
    ) -> Result<PartnerPayload> {
        let valid_until = input.valid_until.map(|date| date.0);
        step(ctx, input.partner_id, input.meant, Step::PassCheck { check: input.check.0, valid_until }).await
    }

    /// Record that a check was failed. Needs a reason.
    async fn fail_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Partner and check.")] input: PartnerCheckInput,
    ) -> Result<PartnerPayload> {
        step(ctx, input.partner_id, input.meant, Step::FailCheck { check: input.check.0 }).await
    }

    /// Waive a check for a time, at most 12 months. Needs a reason.
    async fn waive_check(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The check.")] input: WaiveCheckInput,
    ) -> Result<PartnerPayload> {
        let waive = Step::WaiveCheck { check: input.check.0, until: input.until.0 };
        step(ctx, input.partner_id, input.meant, waive).await
    }

    /// Record that a check which had run out was acted on.
    async fn record_check_lapse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Partner and check.")] input: PartnerCheckInput,
    ) -> Result<PartnerPayload> {
        step(ctx, input.partner_id, input.meant, Step::RecordCheckLapse { check: input.check.0 }).await
    }

    /// Approve a partner whose required checks all hold. Not by whoever verified the bank details.
    async fn approve_partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Partner and next review.")] input: PartnerReviewInput,
    ) -> Result<PartnerPayload> {
        let next_review = input.next_review.0;
        step(ctx, input.partner_id, input.meant, Step::Approve { next_review }).await
    }

    /// Turn an application down. Needs a reason.
    async fn decline_partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner.")] input: PartnerInput,
    ) -> Result<PartnerPayload> {
        step(ctx, input.partner_id, input.meant, Step::Decline).await
    }

    /// Take an application back.
    async fn withdraw_partner_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner.")] input: PartnerInput,
    ) -> Result<PartnerPayload> {
        step(ctx, input.partner_id, input.meant, Step::Withdraw).await
    }

    /// Suspend a partner: nothing new is awarded or paid. Needs a reason.
    async fn suspend_partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner.")] input: PartnerInput,
    ) -> Result<PartnerPayload> {
        step(ctx, input.partner_id, input.meant, Step::Suspend).await
    }

    /// Lift a suspension; every required check must hold. Needs a reason.
    async fn reinstate_partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner.")] input: PartnerInput,
    ) -> Result<PartnerPayload> {
        step(ctx, input.partner_id, input.meant, Step::Reinstate).await
    }

    /// Record the yearly look at a partner.
    async fn review_partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Partner and next review.")] input: PartnerReviewInput,
    ) -> Result<PartnerPayload> {
        let next_review = input.next_review.0;
        step(ctx, input.partner_id, input.meant, Step::Review { next_review }).await
    }

    /// Hand in bank details. They are encrypted in the vault; the log holds a commitment to them.
    async fn submit_bank_details(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The details.")] input: SubmitBankDetailsInput,
    ) -> Result<PartnerPayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        entered.take("sortCode", input.sort_code.parse::<SortCode>());
        entered.take("accountNumber", input.account_number.parse::<AccountNumber>());
        entered.finish().map_err(told)?;
        let details = BankDetails::new(&input.sort_code, &input.account_number, &input.account_name);
        let details = details.map_err(|problem| told(Failure::invalid("accountName", &problem)))?;
        let how = input.meant.how().map_err(told)?;
        let partner = PartnerId(input.partner_id);
        let done = app.submit_bank_details(who, &how, partner, &details).await.map_err(told)?;
        payload(ctx, done).await
    }

    /// Record that the newest bank details were verified; the bank check passes with it. Not by whoever handed
    /// them in. Changed details may be paid to five days later.
    async fn verify_bank_details(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and how.")] input: VerifyBankDetailsInput,
    ) -> Result<PartnerPayload> {
        let verify = Step::VerifyBankDetails { bank_version: input.bank_version, method: input.method.0 };
        step(ctx, input.partner_id, input.meant, verify).await
    }
}
