//! Monitoring returns: asked for, sent in, answered.

use crate::app::authority::of_partner;
use crate::app::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::grant::{
    Grant, GrantCommand, MonitoringCommand, MonitoringReport, ReturnTerms, StoryConsent, StoryRef,
};
use crate::domain::identity::{GrantId, ReturnId};
use crate::domain::money::Money;
use crate::domain::text::Text;
use crate::store::vault::Kind;

/// What a partner reports, before its stories are in the vault.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of grant.monitoring_return_submitted")]
pub struct NewReport {
    pub spent: Option<Money>,
    pub own_money: Option<Money>,
    pub people_reached: u32,
    pub outcomes: Vec<Text<300>>,
    pub stories: Vec<(Text<4000>, StoryConsent)>,
}

/// What staff answer to a return.
#[derive(Debug, Clone)]
pub enum ReturnAnswer {
    /// It is asked for anew, with a question.
    Query(Text<2000>),
    /// It is accepted.
    Accept,
    /// It is no longer waited for.
    Waive,
}

impl App {
    /// Ask a partner to report.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn request_return(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        terms: ReturnTerms,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "requestMonitoringReturn", how)?;
        let return_id = ReturnId(order.envelope.command.makes("return"));
        let request = MonitoringCommand::Request { return_id, terms };
        self.ask::<Grant>(order, grant, GrantCommand::Monitor(request)).await
    }

    /// Send a return in. Its stories go into the vault; the log holds where, and a commitment to each.
    ///
    /// # Errors
    /// See [`Failure`]; when the record refuses the return, its stories are taken out of the vault again.
    pub async fn submit_return(
        &self,
        who: &Identity,
        how: &How,
        (grant, return_id): (GrantId, ReturnId),
        new: NewReport,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "submitMonitoringReturn", how)?;
        let mut stories = Vec::new();
        for (text, consent) in &new.stories {
            let text = self.vault.seal(grant.0, Kind::Story, text.as_str()).await?;
            stories.push(StoryRef { text, consent: *consent });
        }
        let kept: Vec<_> = stories.iter().map(|story| story.text.item).collect();
        let NewReport { spent, own_money, people_reached, outcomes, .. } = new;
        let report = MonitoringReport { spent, own_money, people_reached, outcomes, stories };
        let (who, submit) = (who.clone(), MonitoringCommand::Submit { return_id, report });
        let done = self
            .carry_out::<Grant, _>(order, grant.0, move |work| {
                let (who, submit) = (who.clone(), submit.clone());
                Box::pin(async move {
                    let partner = work.existing::<Grant>(grant).await?.subject()?.partner;
                    of_partner(&who, partner, "grant")?;
                    Ok(work.execute::<Grant>(grant, GrantCommand::Monitor(submit)).await?)
                })
            })
            .await;
        if !matches!(&done, Ok(done) if !done.repeated) {
            for item in kept {
                self.vault.discard(item).await?;
            }
        }
        done
    }

    /// Answer a return; only the final one can be waived, with the authority to award the whole grant.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn answer_return(
        &self,
        who: &Identity,
        how: &How,
        (grant, return_id): (GrantId, ReturnId),
        answer: ReturnAnswer,
    ) -> Result<Done, Failure> {
        let deed = match answer {
            ReturnAnswer::Query(_) => "queryMonitoringReturn",
            ReturnAnswer::Accept => "acceptMonitoringReturn",
            ReturnAnswer::Waive => "waiveMonitoringReturn",
        };
        let order = self.order(who, deed, how)?;
        let app = self.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (app, answer) = (app.clone(), answer.clone());
            Box::pin(async move {
                let command = match answer {
                    ReturnAnswer::Query(question) => MonitoringCommand::Query { return_id, question },
                    ReturnAnswer::Accept => MonitoringCommand::Accept { return_id },
                    ReturnAnswer::Waive => {
                        let authority = app.authority_on(work, grant).await?;
                        MonitoringCommand::Waive { return_id, authority }
                    }
                };
                Ok(work.execute::<Grant>(grant, GrantCommand::Monitor(command)).await?)
            })
        })
        .await
    }
}
