//! Partners on the wire: the directory, applications, due-diligence checks, bank details.

mod commands;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Area, AsAt, Assistance, Code, Community, Date, Entered, Offer, Page, asked, asked_as_at, counted, cursor,
    pair, size, told,
};
use crate::app::Failure;
use crate::app::partners::sees_all;
use crate::domain::calendar;
use crate::domain::evidence;
use crate::domain::identity::PartnerId;
use crate::domain::partner::{CheckKind, LegalForm, Partner as Aggregate, PartnerStatus, VerificationMethod};
use crate::projections::partners::{BankRecord, CheckDecision, CheckRecord, PartnerRecord, Search};

pub use commands::{PartnerMutations, PartnerPayload};
pub(super) use commands::{payload, step};

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

    /// A partner by id, for what names it.
    pub(super) async fn named(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        let found = asked(ctx)?.0.partners_named(&[id]).await.map_err(told)?.remove(&id);
        found.map(|record| Self::new(id, record)).ok_or_else(|| told(Failure::NotFound("partner")))
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
    /// What it offers, by title: its published offers.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn offers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Offer>> {
        let found = asked(ctx)?.0.offers_of(PartnerId(self.id), size(first)?).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, record)| Offer::new(id, record)).collect())
    }
    /// How many published offers it has.
    async fn offer_count(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.offer_count(PartnerId(self.id)).await.map_err(told)
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
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Page<Partner>> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
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
    async fn partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Partner> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        Ok(Partner { id, record: app.partner(who, id).await.map_err(told)? })
    }
}
