//! Referrals on the wire: from whom, what for, how soon, and what came of it. For advisors.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    Code, Date, Entered, HistoryEntry, Meant, NeedCode, Page, Person, Receipt, SupportedPerson, asked,
    counted, cursor, entries_of, pair, size, told,
};
use crate::app::referrals::{NewReferral, ReferralStep};
use crate::app::{Done, Failure};
use crate::domain::identity::{PersonId, PersonRef, ReferralId};
use crate::domain::referral::{
    DeclineGround, RedirectTarget, Referral as Aggregate, ReferralSource, ReferralStatus, TellingChannel,
    Urgency,
};
use crate::projections::referrals::{Filter, ReferralRecord};

/// A referral of a person to us.
#[derive(Debug, Clone)]
pub struct Referral {
    id: Uuid,
    record: ReferralRecord,
}

/// A referral of a person to us.
#[Object]
impl Referral {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// The opaque reference of the person it is about.
    async fn person_ref(&self) -> Uuid {
        self.record.person.0
    }
    /// The person it is about.
    async fn person(&self, ctx: &Context<'_>) -> Result<SupportedPerson> {
        let (app, who) = asked(ctx)?;
        Ok(app.supported_person(who, self.record.person.0).await.map_err(told)?.into())
    }
    /// Who referred them.
    async fn source(&self) -> Option<Code<ReferralSource>> {
        self.record.source.map(Code)
    }
    /// What for.
    async fn reasons(&self) -> Vec<Code<NeedCode>> {
        self.record.reasons.iter().copied().map(Code).collect()
    }
    /// How soon it has to be looked at; after that, how urgent it is held to be.
    async fn urgency(&self) -> Option<Code<Urgency>> {
        self.record.urgency.map(Code)
    }
    /// Whether there is a letter in the vault: `openReferralLetter` opens it.
    async fn has_letter(&self) -> bool {
        self.record.letter.is_some()
    }
    /// Where it stands.
    async fn status(&self) -> Option<Code<ReferralStatus>> {
        self.record.status.map(Code)
    }
    /// When it came.
    async fn received_on(&self) -> Date {
        Date(self.record.received_on)
    }
    /// The last day on which it is to be looked at.
    async fn triage_due(&self) -> Date {
        Date(self.record.triage_due)
    }
    /// Whether it waits to be looked at although that day has gone by.
    async fn is_overdue(&self, ctx: &Context<'_>) -> Result<bool> {
        let waits = self.record.status == Some(ReferralStatus::Received);
        Ok(waits && self.record.triage_due < asked(ctx)?.0.today())
    }
    /// When it was looked at.
    async fn triaged_on(&self) -> Option<Date> {
        self.record.triaged_on.map(Date)
    }
    /// What the person is held to need, once it was looked at.
    async fn needs(&self) -> Vec<Code<NeedCode>> {
        self.record.needs.iter().copied().map(Code).collect()
    }
    /// Who is to talk to the person.
    async fn advisor(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(advisor) = self.record.advisor else { return Ok(None) };
        let name = asked(ctx)?.0.names(&[advisor]).await.map_err(told)?.remove(&advisor);
        Ok(Some(Person::new(advisor, name)))
    }
    /// When it was accepted, declined or sent on.
    async fn decided_on(&self) -> Option<Date> {
        self.record.decided_on.map(Date)
    }
    /// Why it was declined.
    async fn declined(&self) -> Option<Code<DeclineGround>> {
        self.record.declined.map(Code)
    }
    /// To whom it was sent on.
    async fn redirected_to(&self) -> Option<Code<RedirectTarget>> {
        self.record.redirected_to.map(Code)
    }
    /// When whoever referred was told what came of it.
    async fn told_on(&self) -> Option<Date> {
        self.record.told_on.map(Date)
    }
    /// How whoever referred was told.
    async fn told_by(&self) -> Option<Code<TellingChannel>> {
        self.record.told_by.map(Code)
    }
    /// What happened to it, in sentences that say nothing of who it is about.
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<HistoryEntry>> {
        let (app, who) = asked(ctx)?;
        entries_of(app, app.story(who, self.id).await.map_err(told)?).await
    }
}

/// Which referrals.
#[derive(Debug, Clone, Default, InputObject)]
pub struct ReferralFilter {
    /// About this person.
    pub person_ref: Option<Uuid>,
    /// That stand there.
    pub status: Option<Code<ReferralStatus>>,
    /// From there.
    pub source: Option<Code<ReferralSource>>,
    /// Still to be looked at, and due on this day or earlier.
    pub triage_due_by: Option<Date>,
}

/// A referral that came in.
#[derive(Clone, InputObject)]
pub struct ReceiveReferralInput {
    /// Whom it is about: register them first, or find them.
    pub person_ref: Uuid,
    /// Who referred them.
    pub source: Code<ReferralSource>,
    /// What for.
    pub reasons: Vec<Code<NeedCode>>,
    /// How soon the referrer wants it looked at: urgent is 1 working day, soon 2, routine 5.
    pub urgency: Code<Urgency>,
    /// What the letter says, at most 10,000 characters. It is kept in the vault.
    pub letter: Option<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A referral that was looked at.
#[derive(Debug, Clone, InputObject)]
pub struct TriageReferralInput {
    /// The referral.
    pub referral_id: Uuid,
    /// How urgent it is held to be.
    pub urgency: Code<Urgency>,
    /// What the person is held to need.
    pub needs: Vec<Code<NeedCode>>,
    /// Who is to talk to the person; you, if left out.
    pub advisor_id: Option<Uuid>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A referral to be taken on.
#[derive(Debug, Clone, InputObject)]
pub struct AcceptReferralInput {
    /// The referral.
    pub referral_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A referral that is not taken on.
#[derive(Debug, Clone, InputObject)]
pub struct DeclineReferralInput {
    /// The referral.
    pub referral_id: Uuid,
    /// Why.
    pub ground: Code<DeclineGround>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A referral that is sent on.
#[derive(Debug, Clone, InputObject)]
pub struct RedirectReferralInput {
    /// The referral.
    pub referral_id: Uuid,
    /// To whom.
    pub to: Code<RedirectTarget>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A referrer who was told what came of it.
#[derive(Debug, Clone, InputObject)]
pub struct TellReferrerInput {
    /// The referral.
    pub referral_id: Uuid,
    /// How.
    pub channel: Code<TellingChannel>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A letter to be opened.
#[derive(Debug, Clone, InputObject)]
pub struct OpenReferralLetterInput {
    /// The referral.
    pub referral_id: Uuid,
    /// Why you open it. It is kept for auditors to read: never about the person.
    pub why: String,
}

/// What a command on a referral leads to.
#[derive(SimpleObject)]
pub struct ReferralPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The referral as it stands now.
    pub referral: Referral,
}

/// What opening a letter leads to.
#[derive(SimpleObject)]
pub struct OpenReferralLetterPayload {
    /// What the letter says. Keep it nowhere.
    pub letter: String,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<ReferralPayload> {
    let done = done.map_err(told)?;
    let record = asked(ctx)?.0.referral_named(done.id).await.map_err(told)?;
    Ok(ReferralPayload { receipt: done.into(), referral: Referral { id: done.id, record } })
}

async fn step(ctx: &Context<'_>, id: Uuid, meant: Meant, step: ReferralStep) -> Result<ReferralPayload> {
    let (app, who) = asked(ctx)?;
    let how = meant.how().map_err(told)?;
    payload(ctx, app.step_with_referral(who, &how, ReferralId(id), step).await).await
}

/// Queries about referrals.
#[derive(Default)]
pub struct ReferralQueries;

#[Object]
impl ReferralQueries {
    /// Referrals, the latest first. For advisors.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn referrals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<ReferralFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<Referral>> {
        let (app, who) = asked(ctx)?;
        let (size, has_previous) = (size(first)?, after.is_some());
        let ReferralFilter { person_ref, status, source, triage_due_by } = filter.unwrap_or_default();
        let wanted = Filter {
            person: person_ref,
            status: status.map(|code| code.0),
            source: source.map(|code| code.0),
            triage_due_by: triage_due_by.map(|date| date.0),
            before: pair(after)?,
            limit: size + 1,
        };
        let (found, total) = app.referrals(who, &wanted).await.map_err(told)?;
        let entries = found.into_iter().map(|(id, record)| {
            (cursor(&[&record.received_on.to_string(), &id.to_string()]), Referral { id, record })
        });
        Ok(counted(entries, size, has_previous, total))
    }

    /// One referral. For advisors.
    async fn referral(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Referral> {
        let (app, who) = asked(ctx)?;
        Ok(Referral { id, record: app.referral(who, id).await.map_err(told)? })
    }
}

/// Commands on referrals.
#[derive(Default)]
pub struct ReferralMutations;

#[Object]
impl ReferralMutations {
    /// Record a referral that came in. The clock for looking at it starts, in working days.
    async fn receive_referral(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The referral.")] input: ReceiveReferralInput,
    ) -> Result<ReferralPayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let letter = entered.optional_text("letter", input.letter.as_deref());
        entered.finish().map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        let new = NewReferral {
            person: PersonRef(input.person_ref),
            source: input.source.0,
            reasons: input.reasons.into_iter().map(|code| code.0).collect(),
            urgency: input.urgency.0,
        };
        payload(ctx, app.receive_referral(who, &how, new, letter).await).await
    }

    /// Open the letter of a referral. That you did, and why, is on the record for auditors before the answer is out.
    async fn open_referral_letter(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and why.")] input: OpenReferralLetterInput,
    ) -> Result<OpenReferralLetterPayload> {
        let (app, who) = asked(ctx)?;
        let referral = ReferralId(input.referral_id);
        let letter = app.open_referral_letter(who, referral, &input.why).await.map_err(told)?;
        Ok(OpenReferralLetterPayload { letter })
    }

    /// Record that a referral was looked at: what the person is held to need, and who is to talk to them.
    async fn triage_referral(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The referral.")] input: TriageReferralInput,
    ) -> Result<ReferralPayload> {
        let triage = ReferralStep::Triage {
            urgency: input.urgency.0,
            needs: input.needs.into_iter().map(|code| code.0).collect(),
            advisor: input.advisor_id.map(PersonId),
        };
        step(ctx, input.referral_id, input.meant, triage).await
    }

    /// Take a referral on.
    async fn accept_referral(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The referral.")] input: AcceptReferralInput,
    ) -> Result<ReferralPayload> {
        step(ctx, input.referral_id, input.meant, ReferralStep::Accept).await
    }

    /// Do not take a referral on. Needs a reason, which says nothing about the person.
    async fn decline_referral(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The referral.")] input: DeclineReferralInput,
    ) -> Result<ReferralPayload> {
        let decline = ReferralStep::Decline { ground: input.ground.0 };
        step(ctx, input.referral_id, input.meant, decline).await
    }

    /// Send a referral on to somebody who can do more.
    async fn redirect_referral(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The referral.")] input: RedirectReferralInput,
    ) -> Result<ReferralPayload> {
        step(ctx, input.referral_id, input.meant, ReferralStep::Redirect { to: input.to.0 }).await
    }

    /// Record that whoever referred the person was told what came of it.
    async fn tell_referrer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The referral.")] input: TellReferrerInput,
    ) -> Result<ReferralPayload> {
        let tell = ReferralStep::TellReferrer { channel: input.channel.0 };
        step(ctx, input.referral_id, input.meant, tell).await
    }
}
