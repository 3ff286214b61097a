//! Grants on the wire: the case as it stands.

mod commands;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Area, Code, ConflictNature, Date, Evidence, FinancialYear, Fund, GrantStatus, Money, Page, Partner,
    Person, Programme, SignatoryRole, asked, counted, cursor, parts, size, told,
};
use crate::app::Failure;
use crate::domain::grant::Grant as Aggregate;
use crate::domain::identity::PersonId;
use crate::projections::grants::{
    AwardRecord, ConditionRecord, Filter, GrantRecord, InstalmentRecord, OfferRecord,
};

pub use commands::GrantMutations;

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
        let (app, _) = asked(ctx)?;
        let id = self.record.partner.0;
        let found = app.partners_named(&[id]).await.map_err(told)?.remove(&id);
        found.map(|record| Partner::new(id, record)).ok_or_else(|| told(Failure::NotFound("partner")))
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
    /// The first day of the work.
    async fn starts_on(&self) -> Date {
        Date(self.record.starts_on)
    }
    /// The last day of the work.
    async fn ends_on(&self) -> Date {
        Date(self.record.ends_on)
    }
    /// When the application was sent in.
    async fn submitted_on(&self) -> Date {
        Date(self.record.submitted_on)
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
            let person = named(ctx, one.person).await?;
            found.push(Conflict { person, nature: Code(one.nature), declared_on: Date(one.declared_on) });
        }
        Ok(found)
    }
    /// Who assesses it. For staff and auditors; empty for a partner.
    async fn assessors(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        let mut found = Vec::new();
        for one in self.record.assessors.iter().filter(|_| is_inside(ctx)) {
            found.push(named(ctx, *one).await?);
        }
        Ok(found)
    }
    /// The scores. For staff and auditors; empty for a partner.
    async fn scores(&self, ctx: &Context<'_>) -> Result<Vec<Score>> {
        let mut found = Vec::new();
        for one in self.record.scores.iter().filter(|_| is_inside(ctx)) {
            found.push(Score {
                assessor: named(ctx, one.assessor).await?,
                criterion: one.criterion.clone(),
                score: one.score,
                justification: one.justification.clone(),
            });
        }
        Ok(found)
    }
    /// How much was recommended. For staff and auditors; nothing for a partner.
    async fn recommended(&self, ctx: &Context<'_>) -> Option<Money> {
        self.record.recommended.filter(|_| is_inside(ctx)).map(Money::from)
    }
    /// The award, once approved.
    async fn award(&self, ctx: &Context<'_>) -> Result<Option<Award>> {
        let Some(award) = &self.record.award else { return Ok(None) };
        let approver = if is_inside(ctx) { Some(named(ctx, award.approver).await?) } else { None };
        Ok(Some(Award::new(award, approver)))
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
}

/// Whether whoever asks sees how a grant is judged.
fn is_inside(ctx: &Context<'_>) -> bool {
    asked(ctx).is_ok_and(|(_, who)| !who.role.is_of_a_partner())
}

async fn named(ctx: &Context<'_>, person: PersonId) -> Result<Person> {
    let (app, _) = asked(ctx)?;
    let name = app.names(&[person]).await.map_err(told)?.remove(&person);
    Ok(Person::new(person, name))
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
}

/// An award as it was approved.
#[derive(Debug, Clone, SimpleObject)]
pub struct Award {
    /// How much.
    pub amount: Money,
    /// Who approved. For staff and auditors; nothing for a partner.
    pub approver: Option<Person>,
    /// The authority it rested on.
    pub authority: String,
    /// The most that authority allowed at that moment.
    pub limit: Money,
    /// When.
    pub approved_on: Date,
    /// Which version of the terms applies.
    pub terms_version: String,
}

impl Award {
    fn new(award: &AwardRecord, approver: Option<Person>) -> Self {
        Self {
            amount: award.amount.into(),
            approver,
            authority: award.authority.source.to_string(),
            limit: award.authority.limit.into(),
            approved_on: Date(award.approved_on),
            terms_version: award.terms_version.clone(),
        }
    }
}

/// An offer as it was sent.
#[derive(Debug, Clone, SimpleObject)]
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
}

impl From<&ConditionRecord> for Condition {
    fn from(one: &ConditionRecord) -> Self {
        Self {
            id: one.id.0,
            title: one.title.clone(),
            met_on: one.met_on.map(Date),
            evidence: one.evidence.as_ref().map(Evidence::from),
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
    ) -> Result<Page<Grant>> {
        let (app, who) = asked(ctx)?;
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
    async fn grant(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Grant> {
        let (app, who) = asked(ctx)?;
        Ok(Grant { id, record: app.grant(who, id).await.map_err(told)? })
    }
}
