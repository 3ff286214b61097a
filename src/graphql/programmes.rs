//! Programmes on the wire.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{
    AsAt, Code, Date, Entered, Meant, Money, Page, Receipt, asked, asked_as_at, by_name, pair, size, told,
};
use crate::app::programmes::{Amendment, NewProgramme, Pace};
use crate::app::{Done, Failure};
use crate::domain::identity::{FundId, GrantId, ProgrammeId};
use crate::domain::partner::CheckKind;
use crate::domain::programme::{
    Criterion as DomainCriterion, DecisionRules as DomainRules, Limits, Priority as DomainPriority,
    Programme as Aggregate, Route, Track,
};
use crate::domain::text::{Text, TextProblem};
use crate::projections::programmes::ProgrammeRecord;

/// A programme: a round of micro-commissioning.
#[derive(Debug, Clone)]
pub struct Programme {
    id: Uuid,
    record: ProgrammeRecord,
}

impl Programme {
    pub(super) const fn new(id: Uuid, record: ProgrammeRecord) -> Self {
        Self { id, record }
    }
}

/// A programme: a round of micro-commissioning.
#[Object]
impl Programme {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its human reference, such as `R-2026-0001`.
    async fn reference(&self) -> &str {
        &self.record.reference
    }
    /// Its name.
    async fn name(&self) -> &str {
        &self.record.name
    }
    /// The fund it draws on.
    async fn fund_id(&self) -> Uuid {
        self.record.fund.0
    }
    /// What the money is for.
    async fn purpose(&self) -> &str {
        &self.record.purpose
    }
    /// How much ceremony.
    async fn track(&self) -> Option<Code<Track>> {
        self.record.track.map(Code)
    }
    /// How partners come to ask.
    async fn route(&self) -> Option<Code<Route>> {
        self.record.route.map(Code)
    }
    /// Its limits.
    async fn limits(&self) -> Option<ProgrammeLimits> {
        self.record.limits.map(ProgrammeLimits::from)
    }
    /// The first day on which applications are taken.
    async fn opens_on(&self) -> Date {
        Date(self.record.opens_on)
    }
    /// The last day on which applications are taken.
    async fn closes_on(&self) -> Date {
        Date(self.record.closes_on)
    }
    /// How its grants are decided, beside the limits.
    async fn decision_rules(&self) -> DecisionRules {
        let DomainRules { quorum, offer_days, direct_awards } = self.record.deciding;
        DecisionRules { quorum, offer_days, direct_awards }
    }
    /// How fast it decides. For staff who see money, and auditors; nothing for others.
    async fn pace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "As of this day; today if left out.")] as_of: Option<Date>,
    ) -> Result<Option<ProgrammePace>> {
        let (app, who) = asked(ctx)?;
        let Some(limits) = self.record.limits else { return Ok(None) };
        let on = as_of.map_or_else(|| app.today(), |date| date.0);
        let pace = app.pace(who, (ProgrammeId(self.id), limits), on).await.map_err(told)?;
        Ok(pace.map(|pace| ProgrammePace::new(pace, limits.target_working_days)))
    }
    /// When the criteria were last amended.
    async fn amended_on(&self) -> Option<Date> {
        self.record.amended_on.map(Date)
    }
    /// When it was closed before its time.
    async fn closed_on(&self) -> Option<Date> {
        self.record.closed_on.map(Date)
    }
    /// What it is for.
    async fn priorities(&self) -> Vec<Priority> {
        let all = self.record.priorities.iter();
        all.map(|one| Priority { title: one.title.to_string(), need_ids: one.needs.clone() }).collect()
    }
    /// Checks a grantee needs beside those of every partner.
    async fn required_checks(&self) -> Vec<Code<CheckKind>> {
        CheckKind::of_codes(&self.record.required_checks).map(Code).collect()
    }
    /// What makes an application eligible.
    async fn eligibility(&self) -> Vec<Criterion> {
        self.record.eligibility.iter().map(Criterion::from).collect()
    }
    /// What an application is scored on, each 1 to 5.
    async fn scoring(&self) -> Vec<Criterion> {
        self.record.scoring.iter().map(Criterion::from).collect()
    }
}

/// How grants of a programme are decided, beside its limits.
#[derive(Debug, Clone, SimpleObject)]
pub struct DecisionRules {
    /// How many of a panel must be left, once those with an interest have stood aside; 0 where no panel is needed.
    pub quorum: u8,
    /// How many days a partner has to accept an offer, at the least.
    pub offer_days: u16,
    /// Whether staff may propose an award directly, beside the route of the programme.
    pub direct_awards: bool,
}

/// How fast a programme decides, in working days on us from the application to the decision.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProgrammePace {
    /// How many working days a decision should take.
    pub target_working_days: u16,
    /// Applications that are decided.
    pub decided: usize,
    /// Of those, decided within the target.
    pub within_target: usize,
    /// The working days that half of those decided took at the most.
    pub median_working_days: Option<u32>,
    /// Applications that wait for a decision.
    pub waiting: usize,
    /// Of those, waiting for us for longer than the target.
    pub overdue: usize,
}

impl ProgrammePace {
    const fn new(pace: Pace, target_working_days: u16) -> Self {
        let Pace { decided, within_target, median, waiting, overdue } = pace;
        Self { target_working_days, decided, within_target, median_working_days: median, waiting, overdue }
    }
}

/// The limits of a programme.
#[derive(Debug, Clone, SimpleObject)]
pub struct ProgrammeLimits {
    /// The least that may be asked for.
    pub least: Money,
    /// The most that may be asked for.
    pub most: Money,
    /// The most that one approver may award alone.
    pub one_approver: Money,
    /// How many days money is held for a recommended grant.
    pub reservation_days: u16,
    /// How many working days a decision should take.
    pub target_working_days: u16,
}

impl From<Limits> for ProgrammeLimits {
    fn from(limits: Limits) -> Self {
        let Limits { least, most, one_approver, reservation_days, target_working_days } = limits;
        Self {
            least: least.into(),
            most: most.into(),
            one_approver: one_approver.into(),
            reservation_days,
            target_working_days,
        }
    }
}

/// Something an application is looked at for.
#[derive(Debug, Clone, SimpleObject)]
pub struct Criterion {
    /// Its code, unique in the programme.
    pub code: String,
    /// What it asks.
    pub question: String,
}

impl From<&DomainCriterion> for Criterion {
    fn from(criterion: &DomainCriterion) -> Self {
        Self { code: criterion.code.to_string(), question: criterion.question.to_string() }
    }
}

/// What a programme is for.
#[derive(Debug, Clone, SimpleObject)]
pub struct Priority {
    /// In plain words.
    pub title: String,
    /// The needs behind it.
    pub need_ids: Vec<Uuid>,
}

/// The limits of a programme: data, never constants.
#[derive(Debug, Clone, InputObject)]
pub struct ProgrammeLimitsInput {
    /// The least that may be asked for.
    pub least: Money,
    /// The most that may be asked for.
    pub most: Money,
    /// The most that one approver may award alone.
    pub one_approver: Money,
    /// How many days money is held for a recommended grant.
    pub reservation_days: u16,
    /// How many working days a decision should take.
    pub target_working_days: u16,
}

/// Something an application is looked at for.
#[derive(Debug, Clone, InputObject)]
pub struct CriterionInput {
    /// A short code, unique in the programme, at most 40 characters.
    pub code: String,
    /// What it asks, at most 300 characters.
    pub question: String,
}

/// What a programme is for.
#[derive(Debug, Clone, InputObject)]
pub struct PriorityInput {
    /// In plain words, at most 200 characters.
    pub title: String,
    /// The needs behind it.
    pub need_ids: Option<Vec<Uuid>>,
}

/// A programme to be opened.
#[derive(Debug, Clone, InputObject)]
pub struct OpenProgrammeInput {
    /// The programme’s name, at most 200 characters.
    pub name: String,
    /// The fund it draws on.
    pub fund_id: Uuid,
    /// What the money is for, at most 100 characters; one of the fund’s purposes where that is restricted.
    pub purpose: String,
    /// How much ceremony.
    pub track: Code<Track>,
    /// How partners come to ask.
    pub route: Code<Route>,
    /// Its limits.
    pub limits: ProgrammeLimitsInput,
    /// The first day on which applications are taken.
    pub opens_on: Date,
    /// The last day on which applications are taken.
    pub closes_on: Date,
    /// What it is for.
    pub priorities: Option<Vec<PriorityInput>>,
    /// Checks a grantee needs beside those of every partner.
    pub required_checks: Option<Vec<Code<CheckKind>>>,
    /// What makes an application eligible; at least one.
    pub eligibility: Vec<CriterionInput>,
    /// What an application is scored on; at least one.
    pub scoring: Vec<CriterionInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

fn criteria(typed: Vec<CriterionInput>) -> Result<Vec<DomainCriterion>, TextProblem> {
    let read = |one: CriterionInput| {
        Ok(DomainCriterion { code: Text::new(&one.code)?, question: Text::new(&one.question)? })
    };
    typed.into_iter().map(read).collect()
}

fn priorities(typed: Vec<PriorityInput>) -> Result<Vec<DomainPriority>, TextProblem> {
    let read = |one: PriorityInput| {
        Ok(DomainPriority { title: Text::new(&one.title)?, needs: one.need_ids.unwrap_or_default() })
    };
    typed.into_iter().map(read).collect()
}

impl OpenProgrammeInput {
    fn read(self) -> Result<(Meant, NewProgramme), Failure> {
        let mut entered = Entered::default();
        let words = entered.text("name", &self.name).zip(entered.text("purpose", &self.purpose));
        let eligibility = entered.take("eligibility", criteria(self.eligibility));
        let scoring = entered.take("scoring", criteria(self.scoring));
        let priorities = entered.take("priorities", priorities(self.priorities.unwrap_or_default()));
        let least = entered.take("limits.least", self.limits.least.amount());
        let most = entered.take("limits.most", self.limits.most.amount());
        let one_approver = entered.take("limits.oneApprover", self.limits.one_approver.amount());
        let limits = least.zip(most).zip(one_approver).map(|((least, most), one_approver)| Limits {
            least,
            most,
            one_approver,
            reservation_days: self.limits.reservation_days,
            target_working_days: self.limits.target_working_days,
        });
        let lists = eligibility.zip(scoring).zip(priorities);
        let taken = words.zip(lists).zip(limits).map(
            |(((name, purpose), ((eligibility, scoring), priorities)), limits)| NewProgramme {
                name,
                fund: FundId(self.fund_id),
                purpose,
                track: self.track.0,
                route: self.route.0,
                limits,
                opens_on: self.opens_on.0,
                closes_on: self.closes_on.0,
                priorities,
                required_checks: self.required_checks.iter().flatten().map(|code| code.0).collect(),
                eligibility,
                scoring,
            },
        );
        Ok((self.meant, entered.all(taken)?))
    }
}

/// New criteria.
#[derive(Debug, Clone, InputObject)]
pub struct AmendCriteriaInput {
    /// The programme.
    pub programme_id: Uuid,
    /// What makes an application eligible from now on; at least one.
    pub eligibility: Vec<CriterionInput>,
    /// What an application is scored on from now on; at least one.
    pub scoring: Vec<CriterionInput>,
    /// The applications whose partners were told: every one that waits for a decision.
    pub told_grant_ids: Option<Vec<Uuid>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// How grants of a programme are to be decided.
#[derive(Debug, Clone, InputObject)]
pub struct SetDecisionRulesInput {
    /// The programme.
    pub programme_id: Uuid,
    /// How many of a panel must be left, once those with an interest have stood aside; 0 where no panel is needed, and
    /// always on the micro track.
    pub quorum: u8,
    /// How many days a partner has to accept an offer, at the least.
    pub offer_days: u16,
    /// Whether staff may propose an award directly, beside the route of the programme.
    pub direct_awards: bool,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A step with a programme, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct ProgrammeInput {
    /// The programme.
    pub programme_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a programme leads to.
#[derive(SimpleObject)]
pub struct ProgrammePayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The programme as it stands now.
    pub programme: Programme,
}

async fn payload(ctx: &Context<'_>, done: Done) -> Result<ProgrammePayload> {
    let (app, who) = asked(ctx)?;
    let record = app.programme(who, done.id).await.map_err(told)?;
    Ok(ProgrammePayload { receipt: done.into(), programme: Programme { id: done.id, record } })
}

/// Queries about programmes.
#[derive(Default)]
pub struct ProgrammeQueries;

#[Object]
impl ProgrammeQueries {
    /// Programmes by name.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn programmes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Page<Programme>> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        let size = size(first)?;
        let has_previous = after.is_some();
        let found = app.programmes(who, pair(after)?, size + 1).await.map_err(told)?;
        let entries =
            found.into_iter().map(|(id, record)| (record.name.clone(), id, Programme { id, record }));
        Ok(by_name(entries, size, has_previous))
    }

    /// One programme.
    async fn programme(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: Uuid,
        #[graphql(desc = "As it stood; as it stands if left out.")] as_at: Option<AsAt>,
    ) -> Result<Programme> {
        let (app, who) = asked_as_at(ctx, as_at).await?;
        Ok(Programme { id, record: app.programme(who, id).await.map_err(told)? })
    }
}

/// Commands on programmes.
#[derive(Default)]
pub struct ProgrammeMutations;

#[Object]
impl ProgrammeMutations {
    /// Open a programme on a fund.
    async fn open_programme(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The programme.")] input: OpenProgrammeInput,
    ) -> Result<ProgrammePayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.open_programme(who, &how, new).await.map_err(told)?).await
    }

    /// Amend the criteria, once everybody who waits for a decision was told. Needs a reason.
    async fn amend_criteria(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The criteria.")] input: AmendCriteriaInput,
    ) -> Result<ProgrammePayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let eligibility = entered.take("eligibility", criteria(input.eligibility));
        let scoring = entered.take("scoring", criteria(input.scoring));
        let told_of = input.told_grant_ids.into_iter().flatten().map(GrantId).collect();
        let taken = eligibility.zip(scoring);
        let taken = taken.map(|(eligibility, scoring)| Amendment { eligibility, scoring, told: told_of });
        let amendment = entered.all(taken).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        let programme = ProgrammeId(input.programme_id);
        payload(ctx, app.amend_criteria(who, &how, programme, amendment).await.map_err(told)?).await
    }

    /// Set how grants of a programme are decided, beside its limits: the quorum of a panel, the time to accept an
    /// offer, whether awards may be proposed directly. Needs a reason.
    async fn set_decision_rules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rules.")] input: SetDecisionRulesInput,
    ) -> Result<ProgrammePayload> {
        let (app, who) = asked(ctx)?;
        let SetDecisionRulesInput { programme_id, quorum, offer_days, direct_awards, meant } = input;
        let rules = DomainRules { quorum, offer_days, direct_awards };
        let how = meant.how().map_err(told)?;
        let programme = ProgrammeId(programme_id);
        payload(ctx, app.set_decision_rules(who, &how, programme, rules).await.map_err(told)?).await
    }

    /// Close a programme to applications. Needs a reason.
    async fn close_programme(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The programme.")] input: ProgrammeInput,
    ) -> Result<ProgrammePayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let programme = ProgrammeId(input.programme_id);
        payload(ctx, app.close_programme(who, &how, programme).await.map_err(told)?).await
    }
}
