//! Decision receipts: an approval, a waiver or a payment held once more against every rule that guards it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::grant::Grant;
use crate::domain::identity::Actor;
use crate::domain::receipt::{Entry, Histories, Receipt, kind_of, receipt};
use crate::projections::audit;
use crate::store::log::{Recorded, Slice};
use crate::store::{Store, Trouble};

/// A receipt, with the decision and the events it relies on as the log holds them.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The decision.
    pub decision: Recorded,
    /// Its rules.
    pub receipt: Receipt,
    /// Every event that a rule relies on, by its position.
    pub relied_on: BTreeMap<i64, Recorded>,
}

fn entry(event: &Recorded) -> Entry {
    let actor = event.actor.zip(event.role).map(|(person, role)| Actor { person, role });
    Entry {
        index: event.index,
        stream: event.stream.id,
        on: event.effective_on,
        decided_on: event.decided_on,
        actor,
        reason: event.reason.clone(),
        command: event.command,
        fact: event.fact.clone(),
    }
}

/// The receipt of the decision at a position of the log; nothing where there is no decision that has one. Each stream
/// it rests on is read up to that position and no further.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn issue(store: &Store, index: i64) -> Result<Option<Issued>, Trouble> {
    let at = Slice {
        after_index: Some(index - 1),
        before_index: Some(index.saturating_add(1)),
        limit: 1,
        ..Slice::default()
    };
    let Some(decision) = audit::history(store.pool(), &at).await?.pop() else { return Ok(None) };
    if kind_of(&decision.fact).is_none() {
        return Ok(None);
    }
    let held = entry(&decision);
    let (mut histories, mut read) = (Histories::default(), BTreeMap::new());
    loop {
        let missing = histories.missing(&held);
        if missing.is_empty() {
            break;
        }
        for stream in missing {
            let slice = Slice {
                stream: Some(stream),
                before_index: Some(index),
                limit: i64::MAX,
                ..Slice::default()
            };
            let events = audit::history(store.pool(), &slice).await?;
            histories.add(stream, events.iter().map(entry).collect());
            read.extend(events.into_iter().map(|event| (event.index, event)));
        }
    }
    let Some(receipt) = receipt(&held, &histories) else { return Ok(None) };
    read.insert(index, decision.clone());
    read.retain(|index, _| receipt.rules.iter().any(|rule| rule.relied_on.contains(index)));
    Ok(Some(Issued { decision, receipt, relied_on: read }))
}

impl App {
    /// The receipt of a decision.
    ///
    /// # Errors
    /// See [`Failure`]; not found where the event at this position is no such decision.
    pub async fn receipt(&self, who: &Identity, index: i64) -> Result<Issued, Failure> {
        may(who, "decisionReceipt")?;
        issue(&self.store, index).await?.ok_or(Failure::NotFound("decision"))
    }

    /// The decisions on a grant that have a receipt, in order.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn decisions(&self, who: &Identity, grant: Uuid) -> Result<Vec<Recorded>, Failure> {
        may(who, "decisionReceipt")?;
        let slice = Slice { stream: Some(grant), limit: i64::MAX, ..Slice::default() };
        let mut events = audit::history(self.store.pool(), &slice).await?;
        let kind = <Grant as crate::domain::Aggregate>::TYPE;
        events.retain(|event| event.stream.kind == kind && kind_of(&event.fact).is_some());
        Ok(events)
    }
}
