//! The feed: the log as data teams follow it, one entry for every position and none left out. What whoever follows may
//! not read is withheld, and its place is kept: so nobody has to trust us that nothing is missing.

use std::collections::HashSet;

use uuid::Uuid;

use super::authority::may;
use super::history::{ABOUT_PEOPLE, outside};
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::identity::PartnerId;
use crate::projections::grants::GrantRecord;
use crate::projections::offers::OfferRecord;
use crate::projections::{audit, several};
use crate::store::log::{Recorded, Slice};

/// What stands at a position of the log, for somebody.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The position, from 0.
    pub index: i64,
    /// Its leaf in the log’s tree. It says nothing of a withheld event, and joins the others under the signed root.
    pub leaf_hash: [u8; 32],
    /// The event; none where it is withheld.
    pub event: Option<Box<Recorded>>,
}

impl Entry {
    /// The entry of an event, of which somebody may see what is left of it.
    #[must_use]
    pub fn of(event: Recorded, left: impl FnOnce(Recorded) -> Option<Recorded>) -> Self {
        let (index, leaf_hash) = (event.index, event.leaf_hash);
        Self { index, leaf_hash, event: left(event).map(Box::new) }
    }
}

/// A part of the feed.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which log it is of. Another log is another feed, and nothing of one goes on in the other.
    pub log: Uuid,
    /// The entries, in the order of the log, without a gap.
    pub entries: Vec<Entry>,
}

impl App {
    /// The feed after a position. It shows what `history` shows: of money, decisions and partners, and to people of a
    /// partner what is theirs.
    ///
    /// # Errors
    /// Refused where the log ends before that position: whoever holds it followed another log. See [`Failure`].
    pub async fn event_feed(&self, who: &Identity, after: Option<i64>, limit: i64) -> Result<Part, Failure> {
        may(who, "eventFeed")?;
        let after = after.unwrap_or(-1);
        let slice = Slice { after_index: Some(after), limit, ..Slice::default() };
        let events = audit::history(self.store.pool(), &slice).await?;
        if events.is_empty() {
            self.must_reach(after).await?;
        }
        for (event, expected) in events.iter().zip(after.saturating_add(1)..) {
            if event.index != expected {
                let found = format!("the log has event {} where {expected} should be", event.index);
                return Err(Failure::Broken(anyhow::anyhow!(found)));
            }
        }
        let own = self.own_streams(who, &events).await?;
        let left = |event: Recorded| {
            if ABOUT_PEOPLE.contains(&event.stream.kind) {
                return None;
            }
            match &own {
                None => Some(event),
                Some(own) => Some(event).filter(|event| own.contains(&event.stream.id)).and_then(outside),
            }
        };
        let entries = events.into_iter().map(|event| Entry::of(event, left)).collect();
        Ok(Part { log: self.store.origin().await?, entries })
    }

    /// Whether the log reaches to a position that somebody holds, and that position is one.
    async fn must_reach(&self, after: i64) -> Result<(), Failure> {
        let size = self.store.size().await?;
        if (-1..size).contains(&after) {
            return Ok(());
        }
        Err(Failure::refused(
            "feed.not_this_log",
            format!(
                "There is no position {after} here: the log has {size} events. If you followed it to there, it is not \
                 the log you followed: ask what happened, and begin again from its start."
            ),
        ))
    }

    /// Of the streams of some events, those that belong to the partner somebody acts for; none for those who may see
    /// all of them.
    async fn own_streams(
        &self,
        who: &Identity,
        events: &[Recorded],
    ) -> Result<Option<HashSet<Uuid>>, Failure> {
        if !who.role.is_of_a_partner() {
            return Ok(None);
        }
        let Some(own) = who.partner else { return Ok(Some(HashSet::new())) };
        let streams: HashSet<Uuid> = events.iter().map(|event| event.stream.id).collect();
        let streams: Vec<Uuid> = streams.into_iter().collect();
        let offers = several::<OfferRecord>(self.store.pool(), &streams).await?;
        let grants = several::<GrantRecord>(self.store.pool(), &streams).await?;
        let is_own = |stream: &Uuid| {
            PartnerId(*stream) == own
                || offers.get(stream).is_some_and(|offer| offer.partner == own)
                || grants.get(stream).is_some_and(|grant| grant.partner == own)
        };
        Ok(Some(streams.into_iter().filter(is_own).collect()))
    }
}
