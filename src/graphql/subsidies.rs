//! Minimal financial assistance on the wire: what a partner has had, what it was told of, what must be published.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    Date, Entered, EvidenceInput, Meant, Money, Partner, PartnerPayload, asked, partner_payload,
    partner_step, told,
};
use crate::app::Failure;
use crate::app::partners::{Step, SubsidyStep};
use crate::domain::calendar;
use crate::domain::identity::{GrantId, PartnerId};
use crate::domain::partner::subsidies::{LIMIT, counts, publish_by};
use crate::projections::partners::{AidRecord, NoticeRecord, PartnerRecord};

/// The minimal financial assistance a partner has had, on a day.
#[derive(Debug, Clone, SimpleObject)]
pub struct Assistance {
    /// What counts towards the limit: aid of the financial year of that day and of the two before it, from all bodies.
    pub counting: Money,
    /// How much more can be given.
    pub left: Money,
    /// The limit: £315,000.00 (Subsidy Control Act 2022, section 36).
    pub limit: Money,
    /// All aid on the record, in the order in which it was recorded.
    pub aid: Vec<Aid>,
    /// Grants the partner was told of and has not accepted yet.
    pub notices: Vec<SubsidyNotice>,
}

impl Assistance {
    pub(super) fn new(record: &PartnerRecord, on: calendar::Date) -> Self {
        let counting = record.aid.iter().filter(|aid| counts(aid.given_on, on));
        let counting: Decimal = counting.map(|aid| aid.amount.pounds()).sum();
        Self {
            counting: Money(counting),
            left: Money((LIMIT - counting).max(Decimal::ZERO)),
            limit: Money(LIMIT),
            aid: record.aid.iter().map(|aid| Aid::new(aid, on)).collect(),
            notices: record.notices.iter().map(SubsidyNotice::from).collect(),
        }
    }
}

/// Aid that a partner had.
#[derive(Debug, Clone, SimpleObject)]
pub struct Aid {
    /// Who gave it, where it was another body.
    pub body: Option<String>,
    /// For which grant, where it was given here.
    pub grant_id: Option<Uuid>,
    /// How much.
    pub amount: Money,
    /// When it was given.
    pub given_on: Date,
    /// Whether it counts towards the limit on the day asked about.
    pub counts: bool,
}

impl Aid {
    fn new(record: &AidRecord, on: calendar::Date) -> Self {
        Self {
            body: record.body.clone(),
            grant_id: record.grant.map(|grant| grant.0),
            amount: record.amount.into(),
            given_on: Date(record.given_on),
            counts: counts(record.given_on, on),
        }
    }
}

/// A grant that a partner was told is to be minimal financial assistance.
#[derive(Debug, Clone, SimpleObject)]
pub struct SubsidyNotice {
    /// Which grant.
    pub grant_id: Uuid,
    /// How much of it.
    pub amount: Money,
    /// When the partner was told.
    pub notified_on: Date,
    /// When it confirmed that it stays within the limit.
    pub confirmed_on: Option<Date>,
}

impl From<&NoticeRecord> for SubsidyNotice {
    fn from(record: &NoticeRecord) -> Self {
        Self {
            grant_id: record.grant.0,
            amount: record.amount.into(),
            notified_on: Date(record.notified_on),
            confirmed_on: record.confirmed_on.map(Date),
        }
    }
}

/// A subsidy given here, and whether it belongs in the public database.
#[derive(SimpleObject)]
pub struct Subsidy {
    /// To whom.
    pub partner: Partner,
    /// For which grant.
    pub grant_id: Uuid,
    /// How much.
    pub amount: Money,
    /// When it was given.
    pub given_on: Date,
    /// The last day to enter it in the public database; nothing for £100,000.00 or less, which is not entered.
    pub publish_by: Option<Date>,
    /// Its number in the public database, once it is there.
    pub entry: Option<String>,
    /// Whether it belongs in the public database and is not there.
    pub to_publish: bool,
}

/// Queries about subsidies.
#[derive(Default)]
pub struct SubsidyQueries;

#[Object]
impl SubsidyQueries {
    /// The minimal financial assistance given here, by partner: the report for the public subsidy database.
    async fn subsidies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what must be entered in the public database and is not there yet.", default)]
        to_publish: bool,
    ) -> Result<Vec<Subsidy>> {
        let (app, who) = asked(ctx)?;
        let mut lines = Vec::new();
        for (id, record) in app.subsidies(who).await.map_err(told)? {
            for aid in &record.aid {
                let Some(grant) = aid.grant else { continue };
                let publish_by = publish_by(aid.amount, aid.given_on);
                let missing = publish_by.is_some() && aid.entry.is_none();
                if missing || !to_publish {
                    lines.push(Subsidy {
                        partner: Partner::new(id, record.clone()),
                        grant_id: grant.0,
                        amount: aid.amount.into(),
                        given_on: Date(aid.given_on),
                        publish_by: publish_by.map(Date),
                        entry: aid.entry.clone(),
                        to_publish: missing,
                    });
                }
            }
        }
        Ok(lines)
    }
}

/// Aid from another public body.
#[derive(Debug, Clone, InputObject)]
pub struct DeclareSubsidyInput {
    /// The partner that had it.
    pub partner_id: Uuid,
    /// Who gave it, at most 200 characters.
    pub body: String,
    /// How much.
    pub amount: Money,
    /// When it was given; today or earlier.
    pub given_on: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A grant that is to be minimal financial assistance.
#[derive(Debug, Clone, InputObject)]
pub struct NotifySubsidyInput {
    /// The partner that was told.
    pub partner_id: Uuid,
    /// The grant.
    pub grant_id: Uuid,
    /// How much.
    pub amount: Money,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A partner’s written confirmation.
#[derive(Debug, Clone, InputObject)]
pub struct ConfirmSubsidyInput {
    /// The partner that confirms.
    pub partner_id: Uuid,
    /// The grant.
    pub grant_id: Uuid,
    /// The written confirmation.
    pub evidence: EvidenceInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An entry in the public database.
#[derive(Debug, Clone, InputObject)]
pub struct RecordSubsidyPublishedInput {
    /// The partner that had the subsidy.
    pub partner_id: Uuid,
    /// The grant.
    pub grant_id: Uuid,
    /// Its number in the database, at most 60 characters.
    pub entry: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Commands on subsidies.
#[derive(Default)]
pub struct SubsidyMutations;

async fn prepare(
    ctx: &Context<'_>,
    of: (Uuid, Uuid),
    meant: Meant,
    step: SubsidyStep,
) -> Result<PartnerPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    let of = (PartnerId(of.0), GrantId(of.1));
    let done = app.prepare_subsidy(who, &how, of, step).await.map_err(told)?;
    partner_payload(ctx, done).await
}

#[Object]
impl SubsidyMutations {
    /// Declare aid that a partner had from another public body: it counts towards the limit.
    async fn declare_subsidy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The aid.")] input: DeclareSubsidyInput,
    ) -> Result<PartnerPayload> {
        let mut entered = Entered::default();
        let body = entered.text("body", &input.body);
        let amount = entered.take("amount", input.amount.amount());
        let (body, amount) = entered.all(body.zip(amount)).map_err(told)?;
        let declare = Step::DeclareSubsidy { body, amount, given_on: input.given_on.0 };
        partner_step(ctx, input.partner_id, input.meant, declare).await
    }

    /// Record that a partner was told in writing that a grant is to be minimal financial assistance. The grant can
    /// then be approved only when the partner has confirmed that it stays within the limit.
    async fn notify_subsidy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Grant and amount.")] input: NotifySubsidyInput,
    ) -> Result<PartnerPayload> {
        let amount = input.amount.amount();
        let amount = amount.map_err(|problem| told(Failure::invalid("amount", &problem)))?;
        prepare(ctx, (input.partner_id, input.grant_id), input.meant, SubsidyStep::Notify { amount }).await
    }

    /// Take in a partner’s written confirmation that with this grant it stays within the limit.
    async fn confirm_subsidy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The confirmation.")] input: ConfirmSubsidyInput,
    ) -> Result<PartnerPayload> {
        let evidence = input.evidence.read().map_err(told)?;
        prepare(ctx, (input.partner_id, input.grant_id), input.meant, SubsidyStep::Confirm { evidence }).await
    }

    /// Record that a subsidy was entered in the public database.
    async fn record_subsidy_published(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The entry.")] input: RecordSubsidyPublishedInput,
    ) -> Result<PartnerPayload> {
        let mut entered = Entered::default();
        let entry = entered.text("entry", &input.entry);
        let entry = entered.all(entry).map_err(told)?;
        let publish = Step::PublishSubsidy { grant: GrantId(input.grant_id), entry };
        partner_step(ctx, input.partner_id, input.meant, publish).await
    }
}
