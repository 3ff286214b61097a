//! Monitoring returns on the wire: asked for, sent in, answered.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::super::{Code, Date, Entered, Meant, Money, asked, told};
use super::commands::{GrantPayload, payload, words};
use crate::app::Failure;
use crate::app::grants::{NewReport, ReturnAnswer};
use crate::domain::calendar;
use crate::domain::grant::{ReturnKind, ReturnStatus, ReturnTerms, StoryConsent};
use crate::domain::identity::{GrantId, ReturnId};
use crate::domain::text::{Text, TextProblem};
use crate::projections::grants::ReturnRecord;

/// A return: what a partner reports of its work and its spending.
#[derive(Debug, Clone, SimpleObject)]
pub struct MonitoringReturn {
    /// Its id.
    pub id: Uuid,
    /// Which return.
    pub kind: Code<ReturnKind>,
    /// The first day it reports on.
    pub from: Date,
    /// The last day it reports on.
    pub to: Date,
    /// The last day on which it is in time.
    pub due: Date,
    /// How many days it may be late before nothing more is authorised.
    pub tolerance_days: u16,
    /// How far it has come.
    pub status: Code<ReturnStatus>,
    /// Whether it is late today.
    pub overdue: bool,
    /// When it was last sent in.
    pub submitted_on: Option<Date>,
    /// What was spent since the work began, as reported last.
    pub spent: Option<Money>,
    /// Of the partner’s own or other funders’ money put in, as reported last.
    pub own_money: Option<Money>,
    /// How many people were reached, as reported last.
    pub people_reached: Option<u32>,
    /// What came of the work, as reported last.
    pub outcomes: Vec<String>,
    /// The stories told; their texts are in the vault.
    pub stories: Vec<Story>,
    /// What was asked about it last.
    pub question: Option<String>,
    /// When it was accepted or waived.
    pub settled_on: Option<Date>,
}

/// A story told in a return. Its text is in the vault.
#[derive(Debug, Clone, SimpleObject)]
pub struct Story {
    /// Its key in the vault.
    pub item_id: Uuid,
    /// What the person whose story it is agreed to.
    pub consent: Code<StoryConsent>,
}

impl MonitoringReturn {
    pub(super) fn new(one: &ReturnRecord, today: calendar::Date) -> Self {
        let report = one.report.as_ref();
        let stories = report.into_iter().flat_map(|report| &report.stories);
        let outcomes = report.into_iter().flat_map(|report| &report.outcomes);
        let awaited = matches!(one.status, ReturnStatus::Requested | ReturnStatus::Queried);
        Self {
            id: one.id.0,
            kind: Code(one.terms.kind),
            from: Date(one.terms.from),
            to: Date(one.terms.to),
            due: Date(one.terms.due),
            tolerance_days: one.terms.tolerance_days,
            status: Code(one.status),
            overdue: awaited && today > one.terms.due,
            submitted_on: one.submitted_on.map(Date),
            spent: report.and_then(|report| report.spent).map(Money::from),
            own_money: report.and_then(|report| report.own_money).map(Money::from),
            people_reached: report.map(|report| report.people_reached),
            outcomes: outcomes.map(ToString::to_string).collect(),
            stories: stories
                .map(|story| Story { item_id: story.text.item, consent: Code(story.consent) })
                .collect(),
            question: one.question.clone(),
            settled_on: one.settled_on.map(Date),
        }
    }
}

/// A return that is asked for.
#[derive(Debug, Clone, InputObject)]
pub struct RequestMonitoringReturnInput {
    /// The grant.
    pub grant_id: Uuid,
    /// Which return; with the final one the grant begins to close.
    pub kind: Code<ReturnKind>,
    /// The first day it reports on.
    pub from: Date,
    /// The last day it reports on.
    pub to: Date,
    /// The last day on which it is in time.
    pub due: Date,
    /// How many days it may be late before nothing more is authorised.
    pub tolerance_days: u16,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A story told in a return. It goes into the vault.
#[derive(Debug, Clone, InputObject)]
pub struct StoryInput {
    /// The story, at most 4,000 characters.
    pub text: String,
    /// What the person whose story it is agreed to.
    pub consent: Code<StoryConsent>,
}

/// A return that is sent in.
#[derive(Debug, Clone, InputObject)]
pub struct SubmitMonitoringReturnInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The return that was asked for.
    pub return_id: Uuid,
    /// What was spent since the work began; left out when nothing was.
    pub spent: Option<Money>,
    /// Of your own or other funders’ money put in; left out when none was.
    pub own_money: Option<Money>,
    /// How many people were reached since the work began.
    pub people_reached: u32,
    /// What came of the work, each at most 300 characters. Never about a private person.
    pub outcomes: Vec<String>,
    /// Stories, with the consent of those they are about.
    pub stories: Option<Vec<StoryInput>>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl SubmitMonitoringReturnInput {
    fn read(self) -> Result<(Meant, (GrantId, ReturnId), NewReport), Failure> {
        let mut entered = Entered::default();
        let spent = entered.optional("spent", self.spent, Money::amount);
        let own_money = entered.optional("ownMoney", self.own_money, Money::amount);
        let outcomes = entered.take("outcomes", texts(&self.outcomes));
        let stories: Result<Vec<_>, TextProblem> = self
            .stories
            .iter()
            .flatten()
            .map(|story| Ok((Text::new(&story.text)?, story.consent.0)))
            .collect();
        let taken = outcomes.zip(entered.take("stories", stories));
        let (outcomes, stories) = entered.all(taken)?;
        let report = NewReport { spent, own_money, people_reached: self.people_reached, outcomes, stories };
        Ok((self.meant, (GrantId(self.grant_id), ReturnId(self.return_id)), report))
    }
}

/// Several texts that were typed.
pub(super) fn texts<const MAX: usize>(typed: &[String]) -> Result<Vec<Text<MAX>>, TextProblem> {
    typed.iter().map(|one| Text::new(one)).collect()
}

/// A return that is sent back with a question.
#[derive(Debug, Clone, InputObject)]
pub struct QueryMonitoringReturnInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The return.
    pub return_id: Uuid,
    /// What the partner is asked, at most 2,000 characters.
    pub question: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A return that is answered.
#[derive(Debug, Clone, InputObject)]
pub struct MonitoringReturnInput {
    /// The grant.
    pub grant_id: Uuid,
    /// The return.
    pub return_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

async fn answer(
    ctx: &Context<'_>,
    input: MonitoringReturnInput,
    answer: ReturnAnswer,
) -> Result<GrantPayload> {
    let (app, who) = asked(ctx)?;
    let how = input.meant.how().map_err(told)?;
    let which = (GrantId(input.grant_id), ReturnId(input.return_id));
    payload(ctx, app.answer_return(who, &how, which, answer).await).await
}

/// Commands on monitoring returns.
#[derive(Default)]
pub struct MonitoringMutations;

#[Object]
impl MonitoringMutations {
    /// Ask the partner to report. With the request of the final return the grant begins to close.
    async fn request_monitoring_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The return.")] input: RequestMonitoringReturnInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let terms = ReturnTerms {
            kind: input.kind.0,
            from: input.from.0,
            to: input.to.0,
            due: input.due.0,
            tolerance_days: input.tolerance_days,
        };
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.request_return(who, &how, GrantId(input.grant_id), terms).await).await
    }

    /// Send a return in. No more can have been spent than was paid, with own money on top.
    async fn submit_monitoring_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The report.")] input: SubmitMonitoringReturnInput,
    ) -> Result<GrantPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, which, report) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.submit_return(who, &how, which, report).await).await
    }

    /// Send a return back with a question; it is to be sent in anew. Needs a reason.
    async fn query_monitoring_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and what is asked.")] input: QueryMonitoringReturnInput,
    ) -> Result<GrantPayload> {
        let question = words("question", &input.question)?;
        let QueryMonitoringReturnInput { grant_id, return_id, meant, .. } = input;
        let which = MonitoringReturnInput { grant_id, return_id, meant };
        answer(ctx, which, ReturnAnswer::Query(question)).await
    }

    /// Accept a return, not as whoever sent it in.
    async fn accept_monitoring_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: MonitoringReturnInput,
    ) -> Result<GrantPayload> {
        answer(ctx, input, ReturnAnswer::Accept).await
    }

    /// Wait for the final return no longer, with the authority to award the whole grant. Needs a reason.
    async fn waive_monitoring_return(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: MonitoringReturnInput,
    ) -> Result<GrantPayload> {
        answer(ctx, input, ReturnAnswer::Waive).await
    }
}
