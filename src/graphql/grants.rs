//! Grants on the wire: the case as it stands.

mod approving;
mod commands;
mod deciding;
mod entering;
mod monitoring;
mod running;
mod variations;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Area, AsAt, Code, ConflictNature, Date, Evidence, FinancialYear, Fund, GrantStatus, HistoryEntry, Money,
    Page, Partner, Person, Programme, SignatoryRole, asked, asked_as_at, counted, cursor, decisions, parts,
    size, told,
};
use crate::app::Failure;
use crate::domain::grant::Grant as Aggregate;
use crate::domain::identity::PersonId;
use crate::projections::grants::{
    AwardRecord, ConditionRecord, Filter, GrantRecord, InstalmentRecord, OfferRecord,
};

pub use approving::ApprovingMutations;
pub use commands::GrantMutations;
use deciding::{DecisionClock, FirstApproval, Panel, Question, WaitingApproval, delegation};
pub use entering::EnteringMutations;
pub use monitoring::{MonitoringMutations, MonitoringReturn};
pub use running::{
    AnnualReview, FinalAccount, Recovery, RunningMutations, Suspension, TerminationProposal, Underspend,
};
pub use variations::{Variation, VariationMutations};

/// A grant: one case from application to payment.
#[derive(Debug, Clone)]
pub struct Grant {
    id: Uuid,
    record: GrantRecord,
}

impl Grant {
    pub(super) const fn new(id: Uuid, record: GrantRecord) -> Self {
        Self { id, record }
    }

    /// A grant by id, for what names it.
    pub(super) async fn named(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        let found = asked(ctx)?.0.grants_named(&[id]).await.map_err(told)?.remove(&id);
        found.map(|record| Self::new(id, record)).ok_or_else(|| told(Failure::NotFound("grant")))
    }

    fn once_applied(&self, date: crate::domain::calendar::Date) -> Option<Date> {
        self.record.requested.is_some().then_some(Date(date))
    }
}

/// A grant: one case from application to payment.
#[Object]
impl Grant {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its human reference, such as `G-2026-0042`.
    async fn reference(&self) -> &str {
        &self.record.reference
    }
    /// What the work is called.
    async fn title(&self) -> &str {
        &self.record.title
    }
    /// What the money is for.
    async fn purpose(&self) -> &str {
        &self.record.purpose
    }
    /// Where it stands.
    async fn status(&self) -> Code<GrantStatus> {
        Code(self.record.status)
    }
    /// The lead partner.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Partner> {
        Partner::named(ctx, self.record.partner.0).await
    }
    /// The lead partner’s id.
    async fn partner_id(&self) -> Uuid {
        self.record.partner.0
    }
    /// The programme.
    async fn programme(&self, ctx: &Context<'_>) -> Result<Programme> {
        let (app, _) = asked(ctx)?;
        let id = self.record.programme.0;
        let found = app.programmes_named(&[id]).await.map_err(told)?.remove(&id);
        found.map(|record| Programme::new(id, record)).ok_or_else(|| told(Failure::NotFound("programme")))
    }
    /// The fund. For staff who see money, and auditors.
    async fn fund(&self, ctx: &Context<'_>) -> Result<Fund> {
        let (app, who) = asked(ctx)?;
        let id = self.record.fund.0;
        Ok(Fund::new(id, app.fund(who, id).await.map_err(told)?))
    }
    /// How much was asked for.
    async fn requested(&self) -> Option<Money> {
        self.record.requested.map(Money::from)
    }
    /// Where the work is done.
    async fn places(&self) -> Vec<Code<Area>> {
        self.record.places.iter().copied().map(Code).collect()
    }
    /// The first day of the work, once there is an application.
    async fn starts_on(&self) -> Option<Date> {
        self.once_applied(self.record.starts_on)
    }
    /// The last day of the work, once there is an application.
    async fn ends_on(&self) -> Option<Date> {
        self.once_applied(self.record.ends_on)
    }
    /// When interest was expressed, where the case began with that.
    async fn interest_on(&self) -> Option<Date> {
        self.record.interest_on.map(Date)
    }
    /// The last day to apply, once the partner was invited to.
    async fn apply_by(&self) -> Option<Date> {
        self.record.apply_by.map(Date)
    }
    /// Why this partner and why without a call, where the award was proposed directly. For staff and auditors;
    /// nothing for a partner.
    async fn justification(&self, ctx: &Context<'_>) -> Option<&str> {
        self.record.justification.as_deref().filter(|_| is_inside(ctx))
    }
    /// When the application was sent in.
    async fn submitted_on(&self) -> Option<Date> {
        self.once_applied(self.record.submitted_on)
    }
    /// The decisions on it that have a receipt, in order: approvals, waivers and payments. `decisionReceipt` with the
    /// index of one holds it against its rules. For staff and auditors; none for a partner.
    async fn decisions(&self, ctx: &Context<'_>) -> Result<Vec<HistoryEntry>> {
        if is_inside(ctx) { decisions(ctx, self.id).await } else { Ok(Vec::new()) }
    }
    /// How long the application has waited for a decision; nothing before there is one.
    async fn clock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As of this day; today if left out.")] as_of: Option<Date>,
    ) -> Result<Option<DecisionClock>> {
        let (app, _) = asked(ctx)?;
        let id = self.record.programme.0;
        let programme = app.programmes_named(&[id]).await.map_err(told)?.remove(&id);
        let target = programme.and_then(|one| one.limits).map_or(0, |limits| limits.target_working_days);
        let on = as_of.map_or_else(|| app.today(), |date| date.0);
        Ok(self.record.clock.reading(on, target).map(|reading| DecisionClock::new(reading, target)))
    }
    /// What the partner was asked, and its answers.
    async fn questions(&self) -> Vec<Question> {
        self.record.questions.iter().map(Question::from).collect()
    }
    /// Who delivers with the lead partner.
    async fn delivery(&self) -> Vec<DeliveryShare> {
        let all = self.record.delivery.iter();
        all.map(|one| DeliveryShare { partner_id: one.partner.0, amount: one.amount.into() }).collect()
    }
    /// The needs it answers.
    async fn needs(&self) -> Vec<NeedShare> {
        let all = self.record.needs.iter();
        all.map(|one| NeedShare { need_id: one.need, percent: one.percent }).collect()
    }
    /// How it stands against each criterion of eligibility, once judged.
    async fn eligibility(&self) -> Vec<CriterionResult> {
        let all = self.record.eligibility.iter();
        all.map(|one| CriterionResult { criterion: one.criterion.to_string(), met: one.met }).collect()
    }
    /// Declared conflicts of interest. For staff and auditors; empty for a partner.
    async fn conflicts(&self, ctx: &Context<'_>) -> Result<Vec<Conflict>> {
        let mut found = Vec::new();
        for one in self.record.conflicts.iter().filter(|_| is_inside(ctx)) {
            let person = Person::named(ctx, one.person).await?;
            found.push(Conflict { person, nature: Code(one.nature), declared_on: Date(one.declared_on) });
        }
        Ok(found)
    }
    /// Who assesses it. For staff and auditors; empty for a partner.
    async fn assessors(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        let mut found = Vec::new();
        for one in self.record.assessors.iter().filter(|_| is_inside(ctx)) {
            found.push(Person::named(ctx, *one).await?);
        }
        Ok(found)
    }
    /// The scores. For staff and auditors; empty for a partner.
    async fn scores(&self, ctx: &Context<'_>) -> Result<Vec<Score>> {
        let mut found = Vec::new();
        for one in self.record.scores.iter().filter(|_| is_inside(ctx)) {
            found.push(Score {
                assessor: Person::named(ctx, one.assessor).await?,
                criterion: one.criterion.clone(),
                score: one.score,
                justification: one.justification.clone(),
                superseded: one.superseded,
            });
        }
        Ok(found)
    }
    /// How much was recommended. For staff and auditors; nothing for a partner.
    async fn recommended(&self, ctx: &Context<'_>) -> Option<Money> {
        self.record.recommended.filter(|_| is_inside(ctx)).map(Money::from)
    }
    /// The panel that recommends it. For staff and auditors; nothing for a partner, nor where there was none.
    async fn panel(&self, ctx: &Context<'_>) -> Result<Option<Panel>> {
        let panel = &self.record.panel;
        if panel.present.is_empty() || !is_inside(ctx) {
            return Ok(None);
        }
        Panel::new(ctx, panel).await.map(Some)
    }
    /// The first of two approvals, while it waits for the second. For staff and auditors; nothing for a partner.
    async fn first_approval(&self, ctx: &Context<'_>) -> Result<Option<WaitingApproval>> {
        let Some(given) = self.record.first_approval.as_ref().filter(|_| is_inside(ctx)) else {
            return Ok(None);
        };
        Ok(Some(WaitingApproval::new(given, Person::named(ctx, given.first.approver).await?)))
    }
    /// The award, once approved.
    async fn award(&self, ctx: &Context<'_>) -> Result<Option<Award>> {
        let Some(award) = &self.record.award else { return Ok(None) };
        let approver = named_inside(ctx, award.approver).await?;
        let first = match &award.first {
            Some(first) => Some(FirstApproval::new(first, named_inside(ctx, first.approver).await?)),
            None => None,
        };
        Ok(Some(Award::new(award, approver, first)))
    }
    /// The offer, once sent.
    async fn offer(&self) -> Option<Offer> {
        self.record.offer.as_ref().map(Offer::from)
    }
    /// The payments planned and made.
    async fn instalments(&self) -> Vec<Instalment> {
        self.record.instalments.iter().map(Instalment::from).collect()
    }
    /// What the partner was told when it was declined.
    async fn feedback(&self) -> Option<&str> {
        self.record.feedback.as_deref()
    }
    /// When it ended, if it did.
    async fn ended_on(&self) -> Option<Date> {
        self.record.ended_on.map(Date)
    }
    /// Who is paid: the lead partner, unless a variation says otherwise.
    async fn payee(&self, ctx: &Context<'_>) -> Result<Partner> {
        Partner::named(ctx, self.record.payee.0).await
    }
    /// The whole award as it stands: as approved, with what was varied since and without what was released unspent.
    async fn total(&self) -> Option<Money> {
        self.record.total.map(Money::from)
    }
    /// What the partner was asked to report, and what it reported.
    async fn returns(&self, ctx: &Context<'_>) -> Result<Vec<MonitoringReturn>> {
        let today = asked(ctx)?.0.today();
        Ok(self.record.returns.iter().map(|one| MonitoringReturn::new(one, today)).collect())
    }
    /// Changes that were asked for, and what came of them.
    async fn variations(&self, ctx: &Context<'_>) -> Result<Vec<Variation>> {
        let mut found = Vec::new();
        for one in &self.record.variations {
            let approver = one.approved.as_ref().map(|(approver, _)| *approver);
            let requested_by = named_inside(ctx, one.requested_by).await?;
            let approver = Person::some_named(ctx, approver.filter(|_| is_inside(ctx))).await?;
            found.push(Variation::new(one, requested_by, approver));
        }
        Ok(found)
    }
    /// The times for which it was suspended.
    async fn suspensions(&self) -> Vec<Suspension> {
        self.record.suspensions.iter().map(Into::into).collect()
    }
    /// What the partner said will not be spent, said last.
    async fn underspend(&self) -> Option<Underspend> {
        self.record.underspend.as_ref().map(Underspend::from)
    }
    /// Money that was asked back.
    async fn recoveries(&self) -> Vec<Recovery> {
        self.record.recoveries.iter().map(Recovery::from).collect()
    }
    /// Its yearly reviews.
    async fn reviews(&self) -> Vec<AnnualReview> {
        self.record.reviews.iter().map(AnnualReview::from).collect()
    }
    /// The day on which the next yearly review falls due; nothing before it was accepted and after it ended.
    async fn review_due(&self) -> Option<Date> {
        let accepted = self.record.offer.as_ref().and_then(|offer| offer.accepted_on);
        let last = self.record.reviews.last().map(|review| review.on).or(accepted);
        let due = last?.checked_add_months(chrono::Months::new(12))?;
        self.record.ended_on.is_none().then_some(Date(due))
    }
    /// That somebody put forward that it ends early. For staff and auditors; nothing for a partner.
    async fn termination(&self, ctx: &Context<'_>) -> Result<Option<TerminationProposal>> {
        let Some(put_forward) = self.record.termination.as_ref().filter(|_| is_inside(ctx)) else {
            return Ok(None);
        };
        let proposed_by = Person::named(ctx, put_forward.proposed_by).await?;
        Ok(Some(TerminationProposal { proposed_by, proposed_on: Date(put_forward.proposed_on) }))
    }
    /// How it ended, once it is closed.
    async fn final_account(&self) -> Option<FinalAccount> {
        self.record.close.as_ref().map(FinalAccount::from)
    }
}

/// Whether whoever asks sees how a grant is judged.
fn is_inside(ctx: &Context<'_>) -> bool {
    asked(ctx).is_ok_and(|(_, who)| !who.role.is_of_a_partner())
}

async fn named_inside(ctx: &Context<'_>, person: PersonId) -> Result<Option<Person>> {
    Person::some_named(ctx, is_inside(ctx).then_some(person)).await
}

/// The part of a grant that goes to a delivery partner.
#[derive(Debug, Clone, SimpleObject)]
pub struct DeliveryShare {
    /// The delivery partner.
    pub partner_id: Uuid,
    /// Its share.
    pub amount: Money,
}

/// The part of a grant that answers a need.
#[derive(Debug, Clone, SimpleObject)]
pub struct NeedShare {
    /// The need.
    pub need_id: Uuid,
    /// Per cent of the grant.
    pub percent: u8,
}

/// How an application stands against one criterion of eligibility.
#[derive(Debug, Clone, SimpleObject)]
pub struct CriterionResult {
    /// The criterion’s code in the programme.
    pub criterion: String,
    /// Whether it is met.
    pub met: bool,
}

/// A declared conflict of interest.
#[derive(Debug, Clone, SimpleObject)]
pub struct Conflict {
    /// Whose.
    pub person: Person,
    /// What kind of interest.
    pub nature: Code<ConflictNature>,
    /// When it was declared.
    pub declared_on: Date,
}

/// A score on one criterion.
#[derive(Debug, Clone, SimpleObject)]
pub struct Score {
    /// Who scored.
    pub assessor: Person,
    /// The criterion’s code in the programme.
    pub criterion: String,
    /// 1 (poor) to 5 (excellent).
    pub score: u8,
    /// Why this score.
    pub justification: String,
    /// Whether the assessor put another score in its place.
    pub superseded: bool,
}

/// An award as it was approved.
#[derive(Debug, Clone, SimpleObject)]
pub struct Award {
    /// How much.
    pub amount: Money,
    /// Who approved. For staff and auditors; nothing for a partner.
    pub approver: Option<Person>,
    /// The delegation of authority it rested on; none before there were delegations.
    pub authority_id: Option<Uuid>,
    /// The most that authority allowed at that moment.
    pub limit: Money,
    /// The approval before it, where two were needed.
    pub first_approval: Option<FirstApproval>,
    /// When.
    pub approved_on: Date,
    /// Which version of the terms applies.
    pub terms_version: String,
}

impl Award {
    fn new(award: &AwardRecord, approver: Option<Person>, first_approval: Option<FirstApproval>) -> Self {
        Self {
            amount: award.amount.into(),
            approver,
            authority_id: delegation(&award.authority.source),
            limit: award.authority.limit.into(),
            first_approval,
            approved_on: Date(award.approved_on),
            terms_version: award.terms_version.clone(),
        }
    }
}

/// An offer as it was sent.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "GrantOffer")]
pub struct Offer {
    /// The SHA-256 of the agreement.
    pub terms_hash: String,
    /// The last day on which it can be accepted.
    pub accept_by: Date,
    /// When it was accepted.
    pub accepted_on: Option<Date>,
    /// In what standing it was signed.
    pub signatory_role: Option<Code<SignatoryRole>>,
}

impl From<&OfferRecord> for Offer {
    fn from(offer: &OfferRecord) -> Self {
        Self {
            terms_hash: offer.terms_hash.to_string(),
            accept_by: Date(offer.accept_by),
            accepted_on: offer.accepted_on.map(Date),
            signatory_role: offer.signatory_role.map(Code),
        }
    }
}

/// One payment of a grant.
#[derive(Debug, Clone, SimpleObject)]
pub struct Instalment {
    /// Its id.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses.
    pub year: FinancialYear,
    /// What it waits for.
    pub conditions: Vec<Condition>,
    /// The day it is to be paid, once authorised.
    pub pay_on: Option<Date>,
    /// The version of the bank details it goes to, once authorised.
    pub bank_version: Option<u32>,
    /// The day the bank paid it.
    pub paid_on: Option<Date>,
    /// Whether it is to be paid, or was, before it fell due.
    pub in_advance: bool,
    /// When it was cancelled.
    pub cancelled_on: Option<Date>,
    /// The payment run it is in or was paid by.
    pub run_id: Option<Uuid>,
    /// The line of that run.
    pub run_line: Option<u32>,
    /// When it was closed because its payment bounced.
    pub closed_on: Option<Date>,
    /// The bank’s code for why it bounced.
    pub bank_code: Option<String>,
    /// The instalment that took its place.
    pub replaced_by_id: Option<Uuid>,
}

impl From<&InstalmentRecord> for Instalment {
    fn from(one: &InstalmentRecord) -> Self {
        Self {
            id: one.id.0,
            amount: one.amount.into(),
            due: Date(one.due),
            year: FinancialYear(one.year),
            conditions: one.conditions.iter().map(Condition::from).collect(),
            pay_on: one.pay_on.map(Date),
            bank_version: one.bank_version,
            paid_on: one.paid_on.map(Date),
            in_advance: one.paid_on.or(one.pay_on).is_some_and(|on| on < one.due),
            cancelled_on: one.cancelled_on.map(Date),
            run_id: one.run.map(|run| run.0),
            run_line: one.line,
            closed_on: one.closed_on.map(Date),
            bank_code: one.bank_code.clone(),
            replaced_by_id: one.replaced_by.map(|id| id.0),
        }
    }
}

/// What an instalment waits for.
#[derive(Debug, Clone, SimpleObject)]
pub struct Condition {
    /// Its id.
    pub id: Uuid,
    /// What must be shown.
    pub title: String,
    /// When it was met.
    pub met_on: Option<Date>,
    /// What showed it.
    pub evidence: Option<Evidence>,
    /// When it was waived.
    pub waived_on: Option<Date>,
}

impl From<&ConditionRecord> for Condition {
    fn from(one: &ConditionRecord) -> Self {
        Self {
            id: one.id.0,
            title: one.title.clone(),
            met_on: one.met_on.map(Date),
            evidence: one.evidence.as_ref().map(Evidence::from),
            waived_on: one.waived_on.map(Date),
        }
    }
}

/// Which grants to list.
#[derive(Debug, Clone, Default, InputObject)]
pub struct GrantFilter {
    /// Of this lead partner. People of a partner find their own only.
    pub partner_id: Option<Uuid>,
    /// Of this programme.
    pub programme_id: Option<Uuid>,
    /// From this fund.
    pub fund_id: Option<Uuid>,
    /// Standing there.
    pub status: Option<Code<GrantStatus>>,
    /// With this human reference.
    pub reference: Option<String>,
}

/// Queries about grants.
#[derive(Default)]
pub struct GrantQueries;

#[Object]
impl GrantQueries {
    /// Grants by reference.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<GrantFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Page<Grant>> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        let GrantFilter { partner_id, programme_id, fund_id, status, reference } = filter.unwrap_or_default();
        let size = size(first)?;
        let has_previous = after.is_some();
        let filter = Filter {
            partner: partner_id,
            programme: programme_id,
            fund: fund_id,
            status: status.map(|code| code.0),
            reference,
            after: parts(after)?.and_then(|parts| parts.into_iter().next()),
            limit: size + 1,
        };
        let (found, total) = app.grants(who, filter).await.map_err(told)?;
        let entries =
            found.into_iter().map(|(id, record)| (cursor(&[&record.reference]), Grant { id, record }));
        Ok(counted(entries, size, has_previous, total))
    }

    /// One grant.
    async fn grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Grant> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        Ok(Grant { id, record: app.grant(who, id).await.map_err(told)? })
    }
}
