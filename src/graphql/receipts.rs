//! Decision receipts on the wire: each rule that guards a decision, whether it held, and the events that say so.

use std::collections::HashMap;

use async_graphql::{Context, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Code, Date, DecisionKind, HistoryEntry, asked, entries_of, told};
use crate::app::receipts::Issued;
use crate::domain::receipt::Rule;

/// A decision (an approval, a waiver or a payment), held once more against every rule that guards it, with the facts
/// that stood when it was made.
#[derive(Debug, Clone, SimpleObject)]
pub struct DecisionReceipt {
    /// What kind of decision it is.
    pub kind: Code<DecisionKind>,
    /// The decision itself, as the log holds it.
    pub decision: HistoryEntry,
    /// The day on which it was decided: deadlines are held against this one, and not against the day it takes effect.
    pub decided_on: Date,
    /// Whether every rule held.
    pub holds: bool,
    /// The rules, in the order in which a reader would ask.
    pub rules: Vec<ReceiptRule>,
}

/// One rule held against a decision.
#[derive(Debug, Clone, SimpleObject)]
pub struct ReceiptRule {
    /// The code of the refusal that guards it; `replayed` for the program’s own guards, run again on what stood before.
    pub code: &'static str,
    /// The rule, in one plain sentence.
    pub says: &'static str,
    /// Whether it held.
    pub holds: bool,
    /// What the record says of it, with the figures.
    pub found: String,
    /// The events that say so, in the order of the log.
    pub relied_on: Vec<HistoryEntry>,
}

fn rule(rule: Rule, entries: &HashMap<i64, HistoryEntry>) -> ReceiptRule {
    let Rule { code, says, holds, found, relied_on } = rule;
    let relied_on = relied_on.iter().filter_map(|index| entries.get(index).cloned()).collect();
    ReceiptRule { code, says, holds, found, relied_on }
}

/// Queries about decisions.
#[derive(Default)]
pub struct ReceiptQueries;

#[Object]
impl ReceiptQueries {
    /// The receipt of a decision: an approval, a waiver or a payment. For staff who see money, and auditors. History
    /// entries say which events have one.
    async fn decision_receipt(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The decision’s position in the log, as the history has it.")] index: i64,
    ) -> Result<DecisionReceipt> {
        let (app, who) = asked(ctx)?;
        let Issued { decision, receipt, relied_on } = app.receipt(who, index).await.map_err(told)?;
        let holds = receipt.holds();
        let events = relied_on.into_values().chain([decision]).collect();
        let entries = entries_of(app, events).await?;
        let mut entries: HashMap<i64, HistoryEntry> =
            entries.into_iter().map(|entry| (entry.index, entry)).collect();
        let rules = receipt.rules.into_iter().map(|one| rule(one, &entries)).collect();
        let decision = entries.remove(&index).ok_or("the decision is not among its events")?;
        Ok(DecisionReceipt {
            kind: Code(receipt.kind),
            decision,
            decided_on: Date(receipt.decided_on),
            holds,
            rules,
        })
    }
}

/// The decisions on a grant that have a receipt.
pub(super) async fn decisions(ctx: &Context<'_>, grant: Uuid) -> Result<Vec<HistoryEntry>> {
    let (app, who) = asked(ctx)?;
    let events = app.decisions(who, grant).await.map_err(told)?;
    entries_of(app, events).await
}
