//! What waits for whoever asks, on the wire.

use async_graphql::{Context, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Code, Date, asked, size, told};
use crate::app::waiting::sentence;
use crate::domain::waiting::WaitingKind;

/// One thing that waits for whoever asks.
#[derive(Debug, Clone, SimpleObject)]
pub struct Waiting {
    /// What kind of thing it is.
    pub kind: Code<WaitingKind>,
    /// What to do, in one sentence.
    pub sentence: String,
    /// The day it is due; where nothing sets one, the day since which it waits, if that is known.
    pub due: Option<Date>,
    /// Whether that day has gone by.
    pub overdue: bool,
    /// The type of what it is about: partner, grant, offer, payment_run.
    pub subject: &'static str,
    /// The id of what it is about.
    pub id: Uuid,
    /// Its human reference.
    pub reference: String,
    /// Its name or title.
    pub name: String,
}

/// Queries about what waits.
#[derive(Default)]
pub struct WaitingQueries;

#[Object]
impl WaitingQueries {
    /// What waits for whoever asks, in the role they act in: what is due first stands first. Checks and "still right"
    /// are named 60 days ahead, refused changes for 60 days.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn waiting_on(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Waiting>> {
        let (app, who) = asked(ctx)?;
        let today = app.today();
        let found = app.waiting_on(who, size(first)?).await.map_err(told)?;
        let told = found.into_iter().map(|one| Waiting {
            kind: Code(one.kind),
            sentence: sentence(&one),
            due: one.due.map(Date),
            overdue: one.due.is_some_and(|due| due < today),
            subject: one.subject,
            id: one.id,
            reference: one.reference,
            name: one.name,
        });
        Ok(told.collect())
    }
}
