//! The audit history: who did what, when and why.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::catalogue::{DataClass, Field};
use crate::domain::identity::{PartnerId, PersonId, Role};
use crate::domain::record::Fact;
use crate::projections::audit;
use crate::projections::grants::GrantRecord;
use crate::projections::offers::OfferRecord;
use crate::projections::one;
pub use crate::store::log::{Recorded, Slice};

/// Streams about people who are helped. Whoever looks at money and decisions is not shown them, nor that they exist.
pub(super) const ABOUT_PEOPLE: &[&str] =
    &["person", "referral", "contact", "prescription", "open_prescription"];

impl App {
    /// A part of the history: of money, decisions and partners, not of people who are helped. People of a partner see
    /// that of their own record and grants, stream by stream.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn history(&self, who: &Identity, wanted: &Slice) -> Result<Vec<Recorded>, Failure> {
        may(who, "history")?;
        if who.role.is_of_a_partner() && !self.is_own_stream(who, wanted.stream).await? {
            return Err(Failure::NotFound("stream"));
        }
        let wanted = Slice { without: ABOUT_PEOPLE, ..wanted.clone() };
        let events = audit::history(self.store.pool(), &wanted).await?;
        Ok(if who.role.is_of_a_partner() { events.into_iter().filter_map(outside).collect() } else { events })
    }

    /// One event by its position, from 0.
    ///
    /// # Errors
    /// [`Failure::NotFound`] where there is none, or none that whoever asks may see.
    pub async fn history_entry(&self, who: &Identity, index: i64) -> Result<Recorded, Failure> {
        may(who, "historyEntry")?;
        let before = index.checked_sub(1).filter(|before| *before >= -1);
        let there = Slice { after_index: before, limit: 1, without: ABOUT_PEOPLE, ..Slice::default() };
        let found = match before {
            Some(_) => audit::history(self.store.pool(), &there).await?.pop(),
            None => None,
        };
        let found = found.filter(|event| event.index == index).ok_or(Failure::NotFound("event"))?;
        if !who.role.is_of_a_partner() {
            return Ok(found);
        }
        if !self.is_own_stream(who, Some(found.stream.id)).await? {
            return Err(Failure::NotFound("event"));
        }
        outside(found).ok_or(Failure::NotFound("event"))
    }

    async fn is_own_stream(&self, who: &Identity, stream: Option<Uuid>) -> Result<bool, Failure> {
        let (Some(stream), Some(own)) = (stream, who.partner) else { return Ok(false) };
        if PartnerId(stream) == own {
            return Ok(true);
        }
        if one::<OfferRecord>(self.store.pool(), stream).await?.is_some_and(|offer| offer.partner == own) {
            return Ok(true);
        }
        let grant = one::<GrantRecord>(self.store.pool(), stream).await?;
        Ok(grant.is_some_and(|grant| grant.partner == own))
    }

    /// What people call some streams: reference and name.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn titles(&self, streams: &[Uuid]) -> Result<HashMap<Uuid, (String, String)>, Failure> {
        Ok(audit::titles(self.store.pool(), streams).await?)
    }

    /// People by a part of their name.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn people(
        &self,
        who: &Identity,
        part: &str,
        limit: i64,
    ) -> Result<Vec<(PersonId, String)>, Failure> {
        may(who, "people")?;
        self.accounts.search(part, limit).await.map_err(Failure::broken)
    }

    /// The names of some people.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn names(&self, people: &[PersonId]) -> Result<HashMap<PersonId, String>, Failure> {
        self.accounts.names(people).await.map_err(Failure::broken)
    }

    /// Note that somebody is here, and tell when they last were before this visit.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn here(&self, person: PersonId) -> Result<Option<DateTime<Utc>>, Failure> {
        self.accounts.here(person).await.map_err(Failure::broken)
    }

    /// Whether there is somebody under each of these ids.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub(super) async fn must_know(&self, people: &[PersonId]) -> Result<(), Failure> {
        let known = self.names(people).await?;
        let all = people.iter().all(|person| known.contains_key(person));
        if all { Ok(()) } else { Err(Failure::NotFound("person")) }
    }
}

/// An event as people of a partner see it: how an application is judged is not for them, nor who of the staff did
/// what and why.
pub(super) fn outside(mut event: Recorded) -> Option<Recorded> {
    let judging = [
        "grant.conflict_declared",
        "grant.assessor_assigned",
        "grant.assessor_recused",
        "grant.score_recorded",
        "grant.score_superseded",
        "grant.recommended",
        "grant.first_approval_given",
    ];
    if judging.contains(&event.fact.kind().name) {
        return None;
    }
    // Whoever reports an entry may be of another partner: who it was is for those who look into it.
    let reported = event.fact.kind().name == "offer.reported_wrong";
    if reported || !event.role.is_some_and(Role::is_of_a_partner) {
        event.actor = None;
        event.reason = None;
    }
    Some(event)
}

/// The values of an event that whoever reads it may see: none where they may not know who acted, for the values could
/// name them as well.
#[must_use]
pub fn shown(event: &Recorded) -> Vec<(String, serde_json::Value)> {
    if event.actor.is_some() { values(&event.fact) } else { Vec::new() }
}

/// The values of a fact, by name, as they are stored; but for references of people who are helped, which are not for
/// those who look at money and decisions.
fn values(fact: &Fact) -> Vec<(String, serde_json::Value)> {
    let fields = serde_json::to_value(fact)
        .ok()
        .and_then(|whole| whole.as_object()?.values().next()?.as_object().cloned());
    let of_a_person = |name: &str| {
        let field = fact.kind().fields.iter().find(|field| field.name == name);
        field.and_then(Field::data_class) == Some(DataClass::Person)
    };
    fields.into_iter().flatten().filter(|(name, _)| !of_a_person(name)).collect()
}
