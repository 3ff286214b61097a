//! The feed on the wire: one entry for every event of the log, as CloudEvents.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::{asked, size, told};
use crate::app::Failure;
use crate::exports::feed::cloud_event;

/// What stands at a position of the log.
#[derive(Debug, Clone, SimpleObject)]
pub struct FeedEntry {
    /// The position, from 0, in commit order.
    pub index: i64,
    /// The event as a CloudEvent 1.0 in JSON, as docs/feed.md describes it. Of one that you may not read: its place
    /// and its leaf.
    pub cloud_event: String,
}

/// Queries about the feed.
#[derive(Default)]
pub struct FeedQueries;

#[Object]
impl FeedQueries {
    /// The log as data teams follow it: one entry for every position, in commit order, without a gap. Ask again after
    /// the last `index` you have. Shows what `history` shows, and to people of a partner what is theirs; the rest is
    /// withheld, and its place is kept. Over HTTP: `/events` and `/events/stream`.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn event_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "After this position; from the beginning if left out.")] after: Option<i64>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<FeedEntry>> {
        let (app, who) = asked(ctx)?;
        let part = app.event_feed(who, after, size(first)?).await.map_err(told)?;
        let written = part
            .entries
            .iter()
            .map(|entry| Ok(FeedEntry { index: entry.index, cloud_event: cloud_event(part.log, entry)? }));
        let written: Result<Vec<_>, serde_json::Error> = written.collect();
        written.map_err(|error| told(Failure::Broken(error.into())))
    }
}
