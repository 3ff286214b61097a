//! Waivers on a grant: a condition, or the final return. They take the authority to award the whole of it.

use super::authority;
use super::facts::GrantFacts;
use super::{Case, Rule, people};
use crate::domain::grant::{AuthorityUsed, GrantEvent, GrantStatus, ReturnKind};
use crate::domain::identity::{ConditionId, ReturnId};

/// Every rule of the waiver.
pub(super) fn rules(case: &Case<'_>, event: &GrantEvent) -> Vec<Rule> {
    let grant = case.grant(case.decision.stream);
    let (mut rules, used) = if let GrantEvent::ConditionWaived { condition, authority, .. } = event {
        (of_condition(&grant, *condition), authority)
    } else if let GrantEvent::MonitoringReturnWaived { return_id, authority, .. } = event {
        (of_return(&grant, *return_id), authority)
    } else {
        return Vec::new();
    };
    rules.extend(judged(case, &grant, used));
    rules
}

/// Whoever waives could have awarded the grant, and neither put it forward nor assessed it.
fn judged(case: &Case<'_>, grant: &GrantFacts<'_>, used: &AuthorityUsed) -> Vec<Rule> {
    let Some(actor) = case.decision.actor else {
        let says = "The record says who decided.";
        return vec![Rule::new("grant.conflicted", says, false, "It does not.", [case.decision.index])];
    };
    let person = actor.person;
    let mut rules = vec![
        people::conflicted(grant, person),
        people::proposed(grant, person),
        people::assessed(grant, person),
    ];
    rules.extend(authority::held(case, used, (person, case.decision.decided_on), grant.subject()));
    let (total, from) = grant.total();
    rules.push(authority::within(total, &authority::in_force(case, used), &from));
    rules
}

fn of_condition(grant: &GrantFacts<'_>, condition: ConditionId) -> Vec<Rule> {
    let (stage, index) = grant.stage();
    let parts = grant.parts();
    let waits = parts.iter().find(|part| part.plan.conditions.iter().any(|one| one.id == condition));
    let title = waits.and_then(|part| part.plan.conditions.iter().find(|one| one.id == condition));
    let settled = grant.last(|event| {
        if let GrantEvent::ConditionMet { condition: one, .. }
        | GrantEvent::ConditionWaived { condition: one, .. } = event
        {
            (*one == condition).then_some(())
        } else {
            None
        }
    });
    let named = title.map_or_else(
        || "There is no such condition on the grant.".to_owned(),
        |one| format!("An instalment waits for: {}.", one.title),
    );
    vec![
        Rule::new(
            "grant.wrong_stage",
            "Conditions are waived while the grant runs.",
            matches!(stage, GrantStatus::Active | GrantStatus::Closing),
            format!("The grant was {}.", stage.words()),
            index,
        ),
        Rule::new(
            "grant.condition_unknown",
            "The condition is one of this grant.",
            waits.is_some(),
            named,
            waits.map(|part| part.planned),
        ),
        Rule::new(
            "grant.condition_already_met",
            "Only a condition that is still open is waived.",
            settled.is_none(),
            if settled.is_none() { "It was open." } else { "It had been met or waived." },
            settled.map(|((), index)| index),
        ),
    ]
}

fn of_return(grant: &GrantFacts<'_>, wanted: ReturnId) -> Vec<Rule> {
    let (stage, index) = grant.stage();
    let runs = [GrantStatus::Active, GrantStatus::Closing, GrantStatus::Suspended, GrantStatus::Terminated];
    let asked = grant.last(|event| {
        if let GrantEvent::MonitoringReturnRequested { return_id, terms } = event {
            (*return_id == wanted).then_some(terms.kind)
        } else {
            None
        }
    });
    let settled = grant.last(|event| {
        if let GrantEvent::MonitoringReturnAccepted { return_id, .. }
        | GrantEvent::MonitoringReturnWaived { return_id, .. } = event
        {
            (*return_id == wanted).then_some(())
        } else {
            None
        }
    });
    let asked_at = asked.map(|(_, index)| index);
    let kind = asked.map(|(kind, _)| kind);
    let named =
        kind.map_or("There is no such return.".to_owned(), |kind| format!("It is the {}.", kind.words()));
    vec![
        Rule::new(
            "grant.wrong_stage",
            "A return is waived while the partner still owes an account.",
            runs.contains(&stage),
            format!("The grant was {}.", stage.words()),
            index,
        ),
        Rule::new(
            "grant.return_unknown",
            "The return was asked for.",
            asked.is_some(),
            if asked.is_some() { "It was asked for." } else { "It was never asked for." },
            asked_at,
        ),
        Rule::new(
            "grant.only_final_waived",
            "Only the final return is waived.",
            kind == Some(ReturnKind::Final),
            named,
            asked_at,
        ),
        Rule::new(
            "grant.return_not_awaited",
            "Only a return that is not settled is waived.",
            settled.is_none(),
            if settled.is_none() { "It was not settled." } else { "It had been accepted or waived." },
            settled.map(|((), index)| index),
        ),
    ]
}
