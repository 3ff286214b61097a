//! Decision receipts: an approval, a waiver or a payment held once more against every rule that guards it, with the
//! facts that stood then and the events that say so.
//!
//! The rules here read the facts themselves. They do not ask the guards of the aggregates, so that each of the two
//! checks the other; the last rule of a receipt runs those guards again and says whether they come to the same.

mod approving;
mod around;
mod authority;
mod facts;
mod partners;
mod paying;
mod people;
mod replay;
mod reserving;
mod runs;
mod varying;
mod waiving;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Reason;
use super::calendar::{Date, day};
use super::grant::{AuthoritySource, Change, GrantEvent};
use super::identity::{Actor, CommandId};
use super::partner::PartnerEvent;
use super::payment_run::PaymentRunEvent;
use super::record::{Fact, beside_money};

use facts::{GrantFacts, Subject};

codes! {
    /// What kind of decision has a receipt.
    pub enum DecisionKind {
        "approval" => Approval, "approval";
        "waiver" => Waiver, "waiver";
        "payment" => Payment, "payment";
    }
}

/// The events that have a receipt, by their stored names.
pub const DECISIONS: [(&str, DecisionKind); 12] = [
    ("grant.first_approval_given", DecisionKind::Approval),
    ("grant.approved", DecisionKind::Approval),
    ("grant.variation_first_approved", DecisionKind::Approval),
    ("grant.variation_approved", DecisionKind::Approval),
    ("partner.approved", DecisionKind::Approval),
    ("grant.condition_waived", DecisionKind::Waiver),
    ("grant.monitoring_return_waived", DecisionKind::Waiver),
    ("partner.check_waived", DecisionKind::Waiver),
    ("grant.instalment_authorised", DecisionKind::Payment),
    ("grant.payment_confirmed", DecisionKind::Payment),
    ("payment_run.approved", DecisionKind::Payment),
    ("payment_run.released", DecisionKind::Payment),
];

/// What kind of decision a fact is, where it is one that has a receipt.
#[must_use]
pub fn kind_of(fact: &Fact) -> Option<DecisionKind> {
    let name = fact.kind().name;
    DECISIONS.iter().find(|(decision, _)| *decision == name).map(|(_, kind)| *kind)
}

/// An event as the log holds it, with what surrounds it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its position in the log.
    pub index: i64,
    /// The stream it belongs to.
    pub stream: Uuid,
    /// The business date.
    pub on: Date,
    /// The day on which it was decided: deadlines are held against this one.
    pub decided_on: Date,
    /// Who, in what capacity; none where a foreign writer did not say.
    pub actor: Option<Actor>,
    /// Why.
    pub reason: Option<Reason>,
    /// The command it came from: what one command records was decided on what stood before all of it.
    pub command: Option<CommandId>,
    /// What happened.
    pub fact: Fact,
}

/// The histories of the streams a decision rests on, each in order.
#[derive(Debug, Clone, Default)]
pub struct Histories(BTreeMap<Uuid, Vec<Entry>>);

impl Histories {
    /// Take the history of a stream in.
    pub fn add(&mut self, stream: Uuid, history: Vec<Entry>) {
        self.0.insert(stream, history);
    }

    /// The streams that a decision rests on and whose histories are not here yet. What they say may name others, so
    /// ask until none is missing.
    #[must_use]
    pub fn missing(&self, decision: &Entry) -> BTreeSet<Uuid> {
        let case = Case { decision, histories: self };
        let mut wanted = BTreeSet::from([decision.stream]);
        match &decision.fact {
            Fact::Grant(event) => {
                let grant = case.grant(decision.stream);
                let of = |subject: Subject| [subject.partner.0, subject.programme.0, subject.fund.0];
                wanted.extend(grant.subject().map(of).into_iter().flatten());
                wanted.extend(grant.payee().map(|(payee, _)| payee.0));
                wanted.extend(named(&grant, event));
            }
            Fact::PaymentRun(_) => {
                for line in runs::lines(&case) {
                    wanted.extend([line.grant.0, line.partner.0]);
                    wanted.extend(case.grant(line.grant).subject().map(|subject| subject.programme.0));
                }
            }
            Fact::Partner(_) | Fact::Fund(_) | Fact::Programme(_) | Fact::Delegation(_) | beside_money!() => {
            }
        }
        wanted.retain(|stream| !self.0.contains_key(stream));
        wanted
    }
}

/// The streams that a decision on a grant names itself: the authority it rests on, the run, a new payee.
fn named(grant: &GrantFacts<'_>, event: &GrantEvent) -> Vec<Uuid> {
    let new_payee = |change: &Change| if let Change::Payee { to, .. } = change { Some(to.0) } else { None };
    let of = |source: &AuthoritySource| match source {
        AuthoritySource::Delegation(id) => Some(id.0),
        AuthoritySource::Words(_) => None,
    };
    if let GrantEvent::Approved { authority, first, .. } = event {
        let first = first.as_ref().and_then(|first| of(&first.authority.source));
        of(&authority.source).into_iter().chain(first).collect()
    } else if let GrantEvent::VariationApproved { authority, change, .. } = event {
        of(&authority.source).into_iter().chain(new_payee(change)).collect()
    } else if let GrantEvent::VariationFirstApproved { variation, first } = event {
        let change = varying::asked(grant, *variation);
        of(&first.authority.source).into_iter().chain(change.and_then(new_payee)).collect()
    } else if let GrantEvent::FirstApprovalGiven { authority, .. }
    | GrantEvent::ConditionWaived { authority, .. }
    | GrantEvent::MonitoringReturnWaived { authority, .. } = event
    {
        of(&authority.source).into_iter().collect()
    } else if let GrantEvent::PaymentConfirmed { run, .. } = event {
        run.iter().copied().collect()
    } else {
        Vec::new()
    }
}

/// One rule held against a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The code of the refusal that it guards; `replayed` for the guards themselves, run again.
    pub code: &'static str,
    /// The rule, in one plain sentence.
    pub says: &'static str,
    /// Whether it held.
    pub holds: bool,
    /// What the record says of it, with the figures.
    pub found: String,
    /// The events that say so, by their positions in the log.
    pub relied_on: Vec<i64>,
}

impl Rule {
    fn new(
        code: &'static str,
        says: &'static str,
        holds: bool,
        found: impl Into<String>,
        relied_on: impl IntoIterator<Item = i64>,
    ) -> Self {
        let relied_on: BTreeSet<i64> = relied_on.into_iter().collect();
        Self { code, says, holds, found: found.into(), relied_on: relied_on.into_iter().collect() }
    }
}

/// A decision and every rule that guards it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The decision’s position in the log.
    pub index: i64,
    /// What kind of decision.
    pub kind: DecisionKind,
    /// Who decided; none where a foreign writer did not say.
    pub by: Option<Actor>,
    /// The day on which it takes effect.
    pub on: Date,
    /// The day on which it was decided.
    pub decided_on: Date,
    /// The rules, in the order in which a reader would ask.
    pub rules: Vec<Rule>,
}

impl Receipt {
    /// Whether every rule held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rules.iter().all(|rule| rule.holds)
    }
}

/// A decision among the histories it rests on.
#[derive(Clone, Copy)]
struct Case<'a> {
    decision: &'a Entry,
    histories: &'a Histories,
}

impl<'a> Case<'a> {
    /// What a stream held when the decision was made. What the same command recorded in other streams follows from
    /// the decision, wherever it stands in the log.
    fn before(&self, stream: impl Into<Uuid>) -> Vec<&'a Entry> {
        let (stream, decision) = (stream.into(), self.decision);
        let stood = |entry: &&Entry| {
            let follows = entry.command.is_some() && entry.command == decision.command;
            entry.index < decision.index && (stream == decision.stream || !follows)
        };
        self.histories.0.get(&stream).into_iter().flatten().filter(stood).collect()
    }

    /// The facts of a grant before the decision.
    fn grant(&self, stream: impl Into<Uuid>) -> GrantFacts<'a> {
        GrantFacts::of(self.before(stream))
    }
}

/// What every decision owes: it takes effect when it is made or earlier, and says why where it must.
fn rules_of_all(decision: &Entry) -> Vec<Rule> {
    let (on, made) = (day(decision.on), day(decision.decided_on));
    let back = decision.on < decision.decided_on;
    let reason = decision.reason.as_ref();
    let given = reason.map_or_else(|| "No reason is given.".to_owned(), |why| format!("The reason: {why}"));
    let index = [decision.index];
    let mut rules = vec![
        Rule::new(
            "effective.future",
            "A decision takes effect on the day it is made, or earlier.",
            decision.on <= decision.decided_on,
            format!("It takes effect on {on} and was made on {made}."),
            index,
        ),
        Rule::new(
            "effective.reason_required",
            "A decision that is dated back says why.",
            !back || reason.is_some(),
            if back { format!("It is dated back. {given}") } else { "It is not dated back.".to_owned() },
            index,
        ),
    ];
    if decision.fact.kind().needs_reason {
        rules.push(Rule::new(
            "reason.required",
            "A decision of this kind is kept with a reason that others can read.",
            reason.is_some(),
            given,
            index,
        ));
    }
    rules
}

fn rules_of_grant(case: &Case<'_>, event: &GrantEvent) -> Vec<Rule> {
    if let Some(approval) = approving::Approval::of(event) {
        approving::rules(case, &approval)
    } else if let GrantEvent::VariationApproved { .. } | GrantEvent::VariationFirstApproved { .. } = event {
        varying::rules(case, event)
    } else if let GrantEvent::ConditionWaived { .. } | GrantEvent::MonitoringReturnWaived { .. } = event {
        waiving::rules(case, event)
    } else if let GrantEvent::InstalmentAuthorised { .. } = event {
        paying::of_authorisation(case, event)
    } else if let GrantEvent::PaymentConfirmed { .. } = event {
        paying::of_payment(case, event)
    } else {
        Vec::new()
    }
}

/// The receipt of a decision, from the histories it rests on; nothing for a fact that is no such decision.
#[must_use]
pub fn receipt(decision: &Entry, histories: &Histories) -> Option<Receipt> {
    let kind = kind_of(&decision.fact)?;
    let case = Case { decision, histories };
    let of_its_kind = match &decision.fact {
        Fact::Grant(event) => rules_of_grant(&case, event),
        Fact::Partner(PartnerEvent::Approved { next_review }) => partners::of_approval(&case, *next_review),
        Fact::Partner(PartnerEvent::CheckWaived { check, until }) => {
            partners::of_waiver(&case, (*check, *until))
        }
        Fact::PaymentRun(PaymentRunEvent::Approved { approver }) => runs::of_approval(&case, *approver),
        Fact::PaymentRun(PaymentRunEvent::Released { releaser }) => runs::of_release(&case, *releaser),
        Fact::Partner(_)
        | Fact::PaymentRun(_)
        | Fact::Fund(_)
        | Fact::Programme(_)
        | Fact::Delegation(_)
        | beside_money!() => Vec::new(),
    };
    let rules = rules_of_all(decision).into_iter().chain(of_its_kind).chain([replay::rule(&case)]).collect();
    let Entry { index, on, decided_on, actor, .. } = decision;
    Some(Receipt { index: *index, kind, by: *actor, on: *on, decided_on: *decided_on, rules })
}

#[cfg(test)]
mod tests;
