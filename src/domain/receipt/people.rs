//! Who may decide: nobody with an interest, and never the same person twice.

use super::Rule;
use super::facts::{GrantFacts, Said, places};
use crate::domain::identity::PersonId;

/// Holds when none of what was said names the person. What names them is relied on; otherwise all of it is.
fn nobody_of(
    (code, says): (&'static str, &'static str),
    said: &[Said<bool>],
    (clear, found): (&str, &str),
) -> Rule {
    let named: Vec<i64> = said.iter().filter(|(names, _)| *names).map(|(_, index)| *index).collect();
    let holds = named.is_empty();
    let relied_on: Vec<i64> = if holds { places(said).collect() } else { named };
    Rule::new(code, says, holds, if holds { clear } else { found }, relied_on)
}

/// Nobody decides on a grant who declared an interest in it or stood aside.
pub(super) fn conflicted(grant: &GrantFacts<'_>, person: PersonId) -> Rule {
    let said: Vec<Said<bool>> =
        grant.interests().into_iter().map(|(who, index)| (who == person, index)).collect();
    let others = match said.len() {
        0 => "Nobody had declared an interest or stood aside.".to_owned(),
        1 => "Somebody else had declared an interest or stood aside.".to_owned(),
        many => format!("{many} times somebody else had declared an interest or stood aside."),
    };
    nobody_of(
        ("grant.conflicted", "Nobody decides on a grant who has an interest in it, or stood aside."),
        &said,
        (&others, "Whoever decided had declared an interest or stood aside before."),
    )
}

/// Nobody approves what they put forward.
pub(super) fn proposed(grant: &GrantFacts<'_>, person: PersonId) -> Rule {
    let by = grant.proposers();
    let said: Vec<Said<bool>> = by.iter().map(|(who, index)| (who.contains(&person), *index)).collect();
    nobody_of(
        ("grant.approver_proposed", "Nobody decides on a grant that they put forward, alone or on a panel."),
        &said,
        ("Others put it forward.", "Whoever decided had put it forward."),
    )
}

/// Nobody approves what they assess.
pub(super) fn assessed(grant: &GrantFacts<'_>, person: PersonId) -> Rule {
    let said: Vec<Said<bool>> =
        grant.assessors().into_iter().map(|(who, index)| (who == person, index)).collect();
    nobody_of(
        ("grant.approver_assessed", "Nobody decides on a grant that they assess."),
        &said,
        ("Others assessed it.", "Whoever decided had been asked to assess it."),
    )
}

/// Two people where two are needed: the one must not be the other.
pub(super) fn another(
    (code, says): (&'static str, &'static str),
    person: Option<PersonId>,
    (other, index): Said<PersonId>,
    (clear, found): (&str, &str),
) -> Rule {
    match person {
        None => Rule::new(code, says, false, "The record does not say who decided.", [index]),
        Some(person) => nobody_of((code, says), &[(person == other, index)], (clear, found)),
    }
}
