//! Partners on the wire: the directory, applications, due-diligence checks, bank details.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Area, Assistance, Code, Community, Date, Entered, Meant, Page, Receipt, asked, counted, cursor, pair,
    size, told,
};
use crate::app::partners::{NewPartner, Step, sees_all};
use crate::app::{Done, Failure};
use crate::domain::bank::{AccountNumber, BankDetails, SortCode};
use crate::domain::calendar;
use crate::domain::evidence;
use crate::domain::identity::PartnerId;
use crate::domain::partner::{CheckKind, LegalForm, Partner as Aggregate, PartnerStatus, VerificationMethod};
use crate::projections::partners::{BankRecord, CheckDecision, CheckRecord, PartnerRecord, Search};

/// A voluntary, community, faith or social enterprise organisation.
#[derive(Debug, Clone)]
pub struct Partner {
    id: Uuid,
    record: PartnerRecord,
}

impl Partner {
    pub(super) const fn new(id: Uuid, record: PartnerRecord) -> Self {
        Self { id, record }
    }
}

/// A voluntary, community, faith or social enterprise organisation.
#[Object]
impl Partner {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its human reference, such as `P-2026-0001`.
    async fn reference(&self) -> &str {
        &self.record.reference
    }
    /// Its name.
    async fn name(&self) -> &str {
        &self.record.name
    }
    /// What it is in law.
    async fn legal_form(&self) -> Option<Code<LegalForm>> {
        self.record.legal_form.map(Code)
    }
    /// Its number at the Charity Commission, if registered.
    async fn charity_number(&self) -> Option<&str> {
        self.record.charity_number.as_deref()
    }
    /// Its number at Companies House, if registered.
    async fn company_number(&self) -> Option<&str> {
        self.record.company_number.as_deref()
    }
    /// Where it works.
    async fn areas(&self) -> Vec<Code<Area>> {
        self.record.areas.iter().copied().map(Code).collect()
    }
    /// Whom it serves.
    async fn communities(&self) -> Vec<Code<Community>> {
        self.record.communities.iter().copied().map(Code).collect()
    }
    /// What it does.
    async fn summary(&self) -> &str {
        &self.record.summary
    }
    /// Where it stands.
    async fn status(&self) -> Code<PartnerStatus> {
        Code(self.record.status)
    }
    /// When it applied.
    async fn applied_on(&self) -> Option<Date> {
        self.record.applied_on.map(Date)
    }
    /// When it was approved.
    async fn approved_on(&self) -> Option<Date> {
        self.record.approved_on.map(Date)
    }
    /// When it is next looked at.
    async fn next_review(&self) -> Option<Date> {
        self.record.next_review.map(Date)
    }
    /// Its due-diligence checks. For staff, auditors and the partner itself; nothing for others.
    async fn checks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The day to judge validity on; today if left out.")] on: Option<Date>,
    ) -> Result<Option<Vec<Check>>> {
        let day = on.map_or_else(|| asked(ctx).map(|(app, _)| app.today()), |date| Ok(date.0))?;
        let checks = self.record.checks.iter().map(|record| Check::new(record, day));
        Ok(self.inside(ctx)?.then(|| checks.collect()))
    }
    /// Where its newest bank details stand; the details themselves are in the vault. For staff, auditors and the
    /// partner itself; nothing for others.
    async fn bank(&self, ctx: &Context<'_>) -> Result<Option<BankStanding>> {
        Ok(self.record.bank.as_ref().filter(|_| self.inside(ctx).unwrap_or(false)).map(BankStanding::from))
    }
    /// The minimal financial assistance it has had. For staff, auditors and the partner itself; nothing for others.
    async fn assistance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The day to count on; today if left out.")] on: Option<Date>,
    ) -> Result<Option<Assistance>> {
        let day = on.map_or_else(|| asked(ctx).map(|(app, _)| app.today()), |date| Ok(date.0))?;
        Ok(self.inside(ctx)?.then(|| Assistance::new(&self.record, day)))
    }
}

impl Partner {
    fn inside(&self, ctx: &Context<'_>) -> Result<bool> {
        let (_, who) = asked(ctx)?;
        Ok(sees_all(who) || who.partner == Some(PartnerId(self.id)))
    }
}

/// Where a due-diligence check stands on a day.
#[derive(Debug, Clone, SimpleObject)]
pub struct Check {
    /// Which check.
    pub kind: Code<CheckKind>,
    /// Whether it holds on that day.
    pub holds: bool,
    /// In words: open, passed, waived, failed or lapsed.
    pub standing: &'static str,
    /// The last day on which it holds, where it runs out.
    pub valid_until: Option<Date>,
    /// The documents handed in for it.
    pub evidence: Vec<Evidence>,
    /// The business date of the last change.
    pub changed_on: Date,
}

impl Check {
    fn new(record: &CheckRecord, day: calendar::Date) -> Self {
        let holds = record.holds_on(day);
        let standing = match record.decided {
            CheckDecision::Open => "open",
            CheckDecision::Failed => "failed",
            CheckDecision::Passed | CheckDecision::Waived if !holds => "lapsed",
            CheckDecision::Passed => "passed",
            CheckDecision::Waived => "waived",
        };
        Self {
            kind: Code(record.check),
            holds,
            standing,
            valid_until: record.valid_until.map(Date),
            evidence: record.evidence.iter().map(Evidence::from).collect(),
            changed_on: Date(record.changed_on),
        }
    }
}

/// A document that was looked at: its title and hash. The document itself is not in the log.
#[derive(Debug, Clone, SimpleObject)]
pub struct Evidence {
    /// What the document is.
    pub title: String,
    /// The SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
}

impl From<&evidence::Evidence> for Evidence {
    fn from(evidence: &evidence::Evidence) -> Self {
        Self { title: evidence.title.to_string(), sha256: evidence.sha256.to_string() }
    }
}

/// A document that was looked at.
#[derive(Debug, Clone, InputObject)]
pub struct EvidenceInput {
    /// What the document is, at most 200 characters.
    pub title: String,
    /// The SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
}

impl EvidenceInput {
    pub(super) fn read(self) -> Result<evidence::Evidence, Failure> {
        let mut entered = Entered::default();
        let title = entered.text("evidence.title", &self.title);
        let sha256 = entered.take("evidence.sha256", self.sha256.parse());
        let taken = title.zip(sha256).map(|(title, sha256)| evidence::Evidence { title, sha256 });
        entered.all(taken)
    }
}

/// Where the newest bank details of a partner stand.
#[derive(Debug, Clone, SimpleObject)]
pub struct BankStanding {
    /// Which version, counting from 1.
    pub version: u32,
    /// When they were handed in.
    pub submitted_on: Date,
    /// How they were verified, once they are.
    pub verified_by: Option<Code<VerificationMethod>>,
    /// The first day on which they may be paid to, once they are verified.
    pub payable_from: Option<Date>,
}

impl From<&BankRecord> for BankStanding {
    fn from(record: &BankRecord) -> Self {
        Self {
            version: record.version,
            submitted_on: Date(record.submitted_on),
            verified_by: record.verified_by.map(Code),
            payable_from: record.payable_from.map(Date),
        }
    }
}

/// What to look for in the directory.
#[derive(Debug, Clone, Default, InputObject)]
pub struct PartnerSearch {
    /// Words of the name, the summary, a reference or a register number; quotes, `or` and `-` as in a search engine.
    pub words: Option<String>,
    /// Works in this area.
    pub area: Option<Code<Area>>,
    /// Serves this community.
    pub community: Option<Code<Community>>,
    /// Stands there. Staff and auditors only; others find approved partners.
    pub status: Option<Code<PartnerStatus>>,
}

/// Queries about partners.
#[derive(Default)]
pub struct PartnerQueries;

#[Object]
impl PartnerQueries {
    /// The partner directory, by name.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn partners(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for; everything if left out.")] search: Option<PartnerSearch>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<Partner>> {
        let (app, who) = asked(ctx)?;
        let PartnerSearch { words, area, community, status } = search.unwrap_or_default();
        let size = size(first)?;
        let has_previous = after.is_some();
        let wanted = Search {
            words: words.filter(|words| !words.trim().is_empty()),
            area: area.map(|code| code.0),
            community: community.map(|code| code.0),
            statuses: status.map(|code| vec![code.0]),
            after: pair(after)?,
            limit: size + 1,
        };
        let (found, total) = app.partners(who, wanted).await.map_err(told)?;
        let entries = found
            .into_iter()
            .map(|(id, record)| (cursor(&[&record.name, &id.to_string()]), Partner { id, record }));
        Ok(counted(entries, size, has_previous, total))
    }

    /// One partner.
    async fn partner(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Partner> {
        let (app, who) = asked(ctx)?;
        Ok(Partner { id, record: app.partner(who, id).await.map_err(told)? })
    }
}

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

pub(super) async fn payload(ctx: &Context<'_>, done: Done) -> Result<PartnerPayload> {
    let (app, who) = asked(ctx)?;
    let record = app.partner(who, done.id).await.map_err(told)?;
    Ok(PartnerPayload { receipt: done.into(), partner: Partner { id: done.id, record } })
}

pub(super) async fn step(
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
