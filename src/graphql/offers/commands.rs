//! Commands on offers.

use async_graphql::{Context, InputObject, InputType, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Community, Date, Entered, Meant, Receipt, asked, told};
use super::Offer;
use super::content::{CostInput, OfferContentInput, PlaceInput, ScheduleInput, typed};
use crate::app::offers::Step;
use crate::app::{Done, Failure};
use crate::domain::identity::{GrantId, OfferChangeId, OfferId, OfferReportId, PartnerId};
use crate::domain::offer::{Joining, OfferChange, ReportOutcome, Swap, WhatIsWrong};
use crate::domain::text::Text;
use crate::domain::vocabulary::{Access, AgeBand, Language, NeedCode};

/// An offer to be written down.
#[derive(Debug, Clone, InputObject)]
pub struct DraftOfferInput {
    /// Whose offer it is.
    pub partner_id: Uuid,
    /// What it says.
    pub content: OfferContentInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An offer to be handed in.
#[derive(Debug, Clone, InputObject)]
pub struct SubmitOfferInput {
    /// The offer.
    pub offer_id: Uuid,
    /// What it says now; as it was written down if left out.
    pub content: Option<OfferContentInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with an offer, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct OfferInput {
    /// The offer.
    pub offer_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An offer to be published.
#[derive(Debug, Clone, InputObject)]
pub struct PublishOfferInput {
    /// The offer.
    pub offer_id: Uuid,
    /// The day by which the partner is to say that it is still right, at most 12 months ahead.
    pub review_due: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An offer to be sent back.
#[derive(Debug, Clone, InputObject)]
pub struct SendOfferBackInput {
    /// The offer.
    pub offer_id: Uuid,
    /// Why, as the partner sees it, at most 1,000 characters.
    pub why: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

// The macro below takes the names of types only.
type OptionalText = Option<String>;
type Ages = Vec<Code<AgeBand>>;
type Languages = Vec<Code<Language>>;
type Accesses = Vec<Code<Access>>;
type Needs = Vec<Code<NeedCode>>;
type Communities = Vec<Code<Community>>;
type Ids = Vec<Uuid>;
type JoiningCode = Code<Joining>;

/// One field from one value to another: `from` is the value that you saw.
#[derive(Debug, Clone, InputObject)]
#[graphql(
    concrete(name = "TextChange", params(String)),
    concrete(name = "OptionalTextChange", params(OptionalText)),
    concrete(name = "AgesChange", params(Ages)),
    concrete(name = "LanguagesChange", params(Languages)),
    concrete(name = "AccessChange", params(Accesses)),
    concrete(name = "NeedsChange", params(Needs)),
    concrete(name = "CommunitiesChange", params(Communities)),
    concrete(name = "GrantsChange", params(Ids)),
    concrete(name = "JoiningChange", params(JoiningCode)),
    concrete(name = "CostChange", params(CostInput)),
    concrete(name = "PlaceChange", params(PlaceInput)),
    concrete(name = "ScheduleChange", params(ScheduleInput))
)]
pub struct ValueChange<T: InputType> {
    /// The value until now.
    pub from: T,
    /// The value from now on.
    pub to: T,
}

impl<T: InputType> ValueChange<T> {
    /// Both values, read.
    fn read<V>(self, mut read: impl FnMut(T) -> Option<V>) -> Option<Swap<V>> {
        let (from, to) = (read(self.from), read(self.to));
        from.zip(to).map(|(from, to)| Swap { from, to })
    }
}

impl<T: InputType> ValueChange<Vec<T>>
where
    Vec<T>: InputType,
{
    /// Both lists, as the sets they stand for.
    fn sets<V: Ord>(self, read: impl Fn(&T) -> V) -> Swap<std::collections::BTreeSet<V>> {
        Swap { from: self.from.iter().map(&read).collect(), to: self.to.iter().map(&read).collect() }
    }
}

/// The fields that are to change.
#[derive(Debug, Clone, Default, InputObject)]
pub struct OfferChangesInput {
    /// What it is called.
    pub title: Option<ValueChange<String>>,
    /// What happens there.
    pub summary: Option<ValueChange<String>>,
    /// Who it is for.
    pub who_for: Option<ValueChange<String>>,
    /// The ages it is for.
    pub ages: Option<ValueChange<Vec<Code<AgeBand>>>>,
    /// The languages it is offered in.
    pub languages: Option<ValueChange<Vec<Code<Language>>>>,
    /// What makes it possible to take part.
    pub access: Option<ValueChange<Vec<Code<Access>>>>,
    /// What it costs.
    pub cost: Option<ValueChange<CostInput>>,
    /// Where it takes place.
    pub place: Option<ValueChange<PlaceInput>>,
    /// When it runs: the partner’s own, changed at once.
    pub schedule: Option<ValueChange<ScheduleInput>>,
    /// The organisation’s telephone number, never somebody’s own: the partner’s own field, changed at once.
    pub phone: Option<ValueChange<Option<String>>>,
    /// The organisation’s email address, never somebody’s own.
    pub email: Option<ValueChange<Option<String>>>,
    /// How people come to take part.
    pub joining: Option<ValueChange<Code<Joining>>>,
    /// The needs it meets.
    pub needs: Option<ValueChange<Vec<Code<NeedCode>>>>,
    /// The communities it is for.
    pub communities: Option<ValueChange<Vec<Code<Community>>>>,
    /// The partner’s own grants that pay for it.
    pub grant_ids: Option<ValueChange<Vec<Uuid>>>,
}

impl OfferChangesInput {
    fn read(self) -> Result<Vec<OfferChange>, Failure> {
        let mut entered = Entered::default();
        let mut words: Vec<Option<OfferChange>> = Vec::new();
        if let Some(change) = self.title {
            let swap = change.read(|typed| entered.text("changes.title", &typed));
            words.push(swap.map(OfferChange::Title));
        }
        if let Some(change) = self.summary {
            let swap = change.read(|typed| entered.text("changes.summary", &typed));
            words.push(swap.map(OfferChange::Summary));
        }
        if let Some(change) = self.who_for {
            let swap = change.read(|typed| entered.text("changes.whoFor", &typed));
            words.push(swap.map(OfferChange::WhoFor));
        }
        if let Some(change) = self.cost {
            let swap = change.read(|cost| cost.read(&mut entered, "changes.cost"));
            words.push(swap.map(OfferChange::Cost));
        }
        if let Some(change) = self.place {
            let swap = change.read(|place| place.read(&mut entered, "changes.place"));
            words.push(swap.map(OfferChange::Place));
        }
        if let Some(change) = self.schedule {
            let swap = change.read(|schedule| schedule.read(&mut entered, "changes.schedule"));
            words.push(swap.map(OfferChange::Schedule));
        }
        if let Some(change) = self.phone {
            let swap = change.read(|phone| {
                entered.take("changes.phone", typed(phone).map(|phone| phone.parse()).transpose())
            });
            words.push(swap.map(OfferChange::Phone));
        }
        if let Some(change) = self.email {
            let swap = change.read(|email| {
                entered.take("changes.email", typed(email).map(|email| email.parse()).transpose())
            });
            words.push(swap.map(OfferChange::Email));
        }
        let sets = [
            self.ages.map(|change| OfferChange::Ages(change.sets(|code| code.0))),
            self.languages.map(|change| OfferChange::Languages(change.sets(|code| code.0))),
            self.access.map(|change| OfferChange::Access(change.sets(|code| code.0))),
            self.joining.map(|joining| OfferChange::Joining(Swap { from: joining.from.0, to: joining.to.0 })),
            self.needs.map(|change| OfferChange::Needs(change.sets(|code| code.0))),
            self.communities.map(|change| OfferChange::Communities(change.sets(|code| code.0))),
            self.grant_ids.map(|change| OfferChange::Grants(change.sets(|id| GrantId(*id)))),
        ];
        let words: Option<Vec<OfferChange>> = words.into_iter().collect();
        let mut changes = entered.all(words)?;
        changes.extend(sets.into_iter().flatten());
        Ok(changes)
    }
}

/// A change to be proposed.
#[derive(Debug, Clone, InputObject)]
pub struct ProposeOfferChangeInput {
    /// The offer.
    pub offer_id: Uuid,
    /// The `contentVersion` that you saw. When the offer has another by now, you are told what changed since.
    pub base_version: u32,
    /// The fields that are to change.
    pub changes: OfferChangesInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A change that was proposed.
#[derive(Debug, Clone, InputObject)]
pub struct OfferChangeInput {
    /// The offer.
    pub offer_id: Uuid,
    /// The change.
    pub change_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A change to be refused.
#[derive(Debug, Clone, InputObject)]
pub struct RefuseOfferChangeInput {
    /// The offer.
    pub offer_id: Uuid,
    /// The change.
    pub change_id: Uuid,
    /// Why, as the partner sees it, at most 1,000 characters.
    pub why: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// How much room there is.
#[derive(Debug, Clone, InputObject)]
pub struct StateCapacityInput {
    /// The offer.
    pub offer_id: Uuid,
    /// Places that are free.
    pub open: u32,
    /// Places altogether.
    pub total: u32,
    /// The day on which that is so; today if left out, never later.
    pub as_of: Option<Date>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// An offer to be paused.
#[derive(Debug, Clone, InputObject)]
pub struct PauseOfferInput {
    /// The offer.
    pub offer_id: Uuid,
    /// When it is hoped to be back; it does not come back by itself.
    pub back_on: Option<Date>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A report that an entry of the directory is wrong.
#[derive(Debug, Clone, InputObject)]
pub struct ReportOfferWrongInput {
    /// The offer.
    pub offer_id: Uuid,
    /// What is wrong.
    pub what: Code<WhatIsWrong>,
    /// More about the offer, at most 500 characters; never about a person.
    pub note: Option<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A report that was looked into.
#[derive(Debug, Clone, InputObject)]
pub struct ResolveOfferReportInput {
    /// The offer.
    pub offer_id: Uuid,
    /// The report.
    pub report_id: Uuid,
    /// What came of it.
    pub outcome: Code<ReportOutcome>,
    /// What whoever reported it is told, at most 500 characters; never about a person.
    pub answer: Option<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on an offer leads to.
#[derive(SimpleObject)]
pub struct OfferPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The offer as it stands now.
    pub offer: Offer,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<OfferPayload> {
    let done = done.map_err(told)?;
    let (app, who) = asked(ctx)?;
    let record = app.offer(who, done.id).await.map_err(told)?;
    Ok(OfferPayload { receipt: done.into(), offer: Offer::new(done.id, record) })
}

async fn step(ctx: &Context<'_>, offer: Uuid, meant: Meant, step: Step) -> Result<OfferPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.step_with_offer(who, &how, OfferId(offer), step).await).await
}

/// Words that must be there.
fn words<const MAX: usize>(field: &str, typed: &str) -> Result<Text<MAX>> {
    Text::new(typed).map_err(|problem| told(Failure::invalid(field, &problem)))
}

/// Words that may be left out.
fn optional_words<const MAX: usize>(field: &str, written: Option<String>) -> Result<Option<Text<MAX>>> {
    typed(written).map(|written| words(field, &written)).transpose()
}

/// Commands on offers.
#[derive(Default)]
pub struct OfferMutations;

#[Object]
impl OfferMutations {
    /// Write an offer of a partner down. Nobody but the partner and staff sees it.
    async fn draft_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] input: DraftOfferInput,
    ) -> Result<OfferPayload> {
        let (app, who) = asked(ctx)?;
        let content = input.content.read().map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.draft_offer(who, &how, PartnerId(input.partner_id), content).await).await
    }

    /// Hand an offer in to be looked at, for the first time or after it was sent back.
    async fn submit_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] input: SubmitOfferInput,
    ) -> Result<OfferPayload> {
        let content = input.content.map(OfferContentInput::read).transpose().map_err(told)?;
        step(ctx, input.offer_id, input.meant, Step::Submit { content }).await
    }

    /// Publish an offer that was handed in. Not by whoever wrote it; its partner must be approved today, with every
    /// check in date.
    async fn publish_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Offer and first confirmation.")] input: PublishOfferInput,
    ) -> Result<OfferPayload> {
        let review_due = input.review_due.0;
        step(ctx, input.offer_id, input.meant, Step::Publish { review_due }).await
    }

    /// Send an offer back to the partner, who can change it and hand it in again.
    async fn send_offer_back(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Offer, and why.")] input: SendOfferBackInput,
    ) -> Result<OfferPayload> {
        let why = words("why", &input.why)?;
        step(ctx, input.offer_id, input.meant, Step::SendBack { why }).await
    }

    /// Propose a change of a published offer. Hours and telephone number are the partner’s own and change at once;
    /// every other field waits for somebody else.
    async fn propose_offer_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: ProposeOfferChangeInput,
    ) -> Result<OfferPayload> {
        let changes = input.changes.read().map_err(told)?;
        let propose = Step::ProposeChange { base_version: input.base_version, changes };
        step(ctx, input.offer_id, input.meant, propose).await
    }

    /// Approve a change: the offer says it from now on. Not by whoever proposed it.
    async fn approve_offer_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: OfferChangeInput,
    ) -> Result<OfferPayload> {
        let change = OfferChangeId(input.change_id);
        step(ctx, input.offer_id, input.meant, Step::ApproveChange { change }).await
    }

    /// Refuse a change, with a reason that the partner sees. Not by whoever proposed it.
    async fn refuse_offer_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Change, and why.")] input: RefuseOfferChangeInput,
    ) -> Result<OfferPayload> {
        let (change, why) = (OfferChangeId(input.change_id), words("why", &input.why)?);
        step(ctx, input.offer_id, input.meant, Step::RefuseChange { change, why }).await
    }

    /// Take a change back that nobody has decided on.
    async fn withdraw_offer_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: OfferChangeInput,
    ) -> Result<OfferPayload> {
        let change = OfferChangeId(input.change_id);
        step(ctx, input.offer_id, input.meant, Step::WithdrawChange { change }).await
    }

    /// Say how much room there is. Nobody is sent to an offer that is full.
    async fn state_capacity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How much.")] input: StateCapacityInput,
    ) -> Result<OfferPayload> {
        let as_of = input.as_of.map(|date| date.0);
        let state = Step::StateCapacity { open: input.open, total: input.total, as_of };
        step(ctx, input.offer_id, input.meant, state).await
    }

    /// Say that an offer is still right as it stands. The next time is six months on.
    async fn confirm_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] input: OfferInput,
    ) -> Result<OfferPayload> {
        step(ctx, input.offer_id, input.meant, Step::Confirm).await
    }

    /// Pause an offer: nobody is sent to it, and the public does not find it until it runs again.
    async fn pause_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] input: PauseOfferInput,
    ) -> Result<OfferPayload> {
        let back_on = input.back_on.map(|date| date.0);
        step(ctx, input.offer_id, input.meant, Step::Pause { back_on }).await
    }

    /// Let a paused offer run again; its partner must be approved today, with every check in date.
    async fn resume_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] input: OfferInput,
    ) -> Result<OfferPayload> {
        step(ctx, input.offer_id, input.meant, Step::Resume).await
    }

    /// Report that an entry of the directory is wrong.
    async fn report_offer_wrong(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is wrong.")] input: ReportOfferWrongInput,
    ) -> Result<OfferPayload> {
        let report = Step::ReportWrong { what: input.what.0, note: optional_words("note", input.note)? };
        step(ctx, input.offer_id, input.meant, report).await
    }

    /// Answer a report that an entry is wrong.
    async fn resolve_offer_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer.")] input: ResolveOfferReportInput,
    ) -> Result<OfferPayload> {
        let answer = optional_words("answer", input.answer)?;
        let report = OfferReportId(input.report_id);
        let resolve = Step::ResolveReport { report, outcome: input.outcome.0, answer };
        step(ctx, input.offer_id, input.meant, resolve).await
    }

    /// Take an offer out of the directory for good; all its versions can still be read. Needs a reason.
    async fn withdraw_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The offer.")] input: OfferInput,
    ) -> Result<OfferPayload> {
        step(ctx, input.offer_id, input.meant, Step::Withdraw).await
    }
}
