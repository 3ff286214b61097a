//! Payment runs: approved and released by different people, none of whom decided what is in them, with every line
//! payable on the day.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::around::{PartnerFacts, ProgrammeFacts};
use super::facts::{Part, Said, places};
use super::{Case, Rule, partners};
use crate::domain::calendar::{Date, day};
use crate::domain::grant::GrantStatus;
use crate::domain::identity::{GrantId, InstalmentId, PartnerId, PersonId, Reference, RunId};
use crate::domain::money::{Money, pounds};
use crate::domain::payment_run::PaymentRunEvent;
use crate::domain::record::Fact;

/// A line of a run, as it was fixed.
pub(super) struct Line<'a> {
    pub number: u32,
    pub grant: GrantId,
    pub instalment: InstalmentId,
    pub partner: PartnerId,
    reference: &'a Reference,
    amount: Money,
    bank_version: u32,
    index: i64,
}

/// What a run’s own facts say.
#[derive(Default)]
struct RunFacts<'a> {
    opened: Option<Said<Date>>,
    makers: Vec<Said<PersonId>>,
    lines: BTreeMap<u32, Line<'a>>,
    approved: Option<Said<PersonId>>,
    released: Option<i64>,
    exported: Option<i64>,
    ended: Option<i64>,
}

fn facts<'a>(case: &Case<'a>, run: impl Into<Uuid>) -> RunFacts<'a> {
    let mut facts = RunFacts::default();
    for entry in case.before(run) {
        let Fact::PaymentRun(event) = &entry.fact else { continue };
        let index = entry.index;
        if let PaymentRunEvent::Opened { pay_on, opened_by, .. } = event {
            facts.opened = Some((*pay_on, index));
            facts.makers.push((*opened_by, index));
        } else if let PaymentRunEvent::LineAdded {
            line,
            grant,
            grant_reference: reference,
            instalment,
            partner,
            amount,
            bank_version,
            added_by,
        } = event
        {
            facts.makers.push((*added_by, index));
            let (number, grant, instalment, partner) = (*line, *grant, *instalment, *partner);
            let (amount, bank_version) = (*amount, *bank_version);
            let line = Line { number, grant, instalment, partner, reference, amount, bank_version, index };
            facts.lines.insert(number, line);
        } else if let PaymentRunEvent::LineRemoved { line } = event {
            facts.lines.remove(line);
        } else if let PaymentRunEvent::Approved { approver } = event {
            facts.approved = Some((*approver, index));
        } else if let PaymentRunEvent::Released { .. } = event {
            facts.released = Some(index);
        } else if let PaymentRunEvent::FileExported { .. } = event {
            facts.exported = Some(index);
        } else if let PaymentRunEvent::Voided {} = event {
            facts.ended = Some(index);
        }
    }
    facts
}

/// The lines of the run that a decision is about.
pub(super) fn lines<'a>(case: &Case<'a>) -> Vec<Line<'a>> {
    facts(case, case.decision.stream).lines.into_values().collect()
}

fn stage(facts: &RunFacts<'_>, says: &'static str, wanted: bool) -> Rule {
    let (found, index) = if let Some(index) = facts.ended {
        ("The run had been given up.", Some(index))
    } else if let Some(index) = facts.exported {
        ("The file for the bank had been made.", Some(index))
    } else if let Some(index) = facts.released {
        ("The run had been released.", Some(index))
    } else if let Some((_, index)) = facts.approved {
        ("The run had been approved.", Some(index))
    } else if let Some((_, index)) = facts.opened {
        ("The run was open.", Some(index))
    } else {
        ("There was no such run.", None)
    };
    Rule::new("payment_run.wrong_stage", says, wanted && facts.ended.is_none(), found, index)
}

/// None of several said persons is the one who decides.
fn none_is(
    (code, says): (&'static str, &'static str),
    said: &[Said<PersonId>],
    person: PersonId,
    (clear, found): (&str, &str),
) -> Rule {
    let same: Vec<i64> = said.iter().filter(|(who, _)| *who == person).map(|(_, index)| *index).collect();
    let holds = same.is_empty();
    let relied_on: Vec<i64> = if holds { places(said).collect() } else { same };
    Rule::new(code, says, holds, if holds { clear } else { found }, relied_on)
}

fn conflicted(case: &Case<'_>, facts: &RunFacts<'_>, person: PersonId) -> Rule {
    let interests: Vec<Said<PersonId>> =
        facts.lines.values().flat_map(|line| case.grant(line.grant).interests()).collect();
    none_is(
        ("payment_run.conflicted", "Nobody with an interest in a grant decides on a run that pays it."),
        &interests,
        person,
        (
            "Whoever decided has an interest in none of its grants.",
            "Whoever decided has an interest in one of its grants.",
        ),
    )
}

/// Every rule of the approval of a run.
pub(super) fn of_approval(case: &Case<'_>, approver: PersonId) -> Vec<Rule> {
    let facts = facts(case, case.decision.stream);
    let open = facts.opened.is_some() && facts.approved.is_none();
    let total = facts.lines.values().map(|line| line.amount.pounds()).sum();
    vec![
        stage(&facts, "A run is approved while it is open.", open),
        Rule::new(
            "payment_run.empty",
            "A run that is approved has lines.",
            !facts.lines.is_empty(),
            format!("{} in the run, {} in all.", counted(facts.lines.len()), pounds(total)),
            facts.lines.values().map(|line| line.index),
        ),
        none_is(
            ("payment_run.approver_made_it", "Nobody approves a run that they opened or added to."),
            &facts.makers,
            approver,
            ("Others made it.", "Whoever approved it had made it."),
        ),
        conflicted(case, &facts, approver),
    ]
}

fn counted(lines: usize) -> String {
    if lines == 1 { "One line".to_owned() } else { format!("{lines} lines") }
}

/// Every rule of the release of a run.
pub(super) fn of_release(case: &Case<'_>, releaser: PersonId) -> Vec<Rule> {
    let facts = facts(case, case.decision.stream);
    let waits = facts.approved.is_some() && facts.released.is_none() && facts.exported.is_none();
    let mut rules = vec![
        stage(&facts, "A run is released once it is approved, and once only.", waits),
        none_is(
            ("payment_run.releaser_made_it", "Nobody releases a run that they opened or added to."),
            &facts.makers,
            releaser,
            ("Others made it.", "Whoever released it had made it."),
        ),
        none_is(
            ("payment_run.releaser_approved_it", "Nobody releases a run that they approved."),
            facts.approved.as_slice(),
            releaser,
            ("Somebody else had approved it.", "Whoever released it had approved it."),
        ),
        none_is(
            (
                "payment_run.releaser_decided",
                "Nobody releases a run that pays what they put forward, approved or authorised.",
            ),
            &deciders(case, &facts),
            releaser,
            ("Others had decided what it pays.", "Whoever released it had decided on something it pays."),
        ),
        conflicted(case, &facts, releaser),
    ];
    if let Some((pay_on, index)) = facts.opened {
        let today = case.decision.decided_on;
        rules.push(Rule::new(
            "payment_run.day_gone_by",
            "A run is released by the day it is paid on.",
            today <= pay_on,
            format!("To be paid on {}; released on {}.", day(pay_on), day(today)),
            [index],
        ));
        rules.push(payable(case, &facts, pay_on));
    }
    rules
}

/// Who put forward or approved a grant in the run, or authorised an instalment in it.
fn deciders(case: &Case<'_>, facts: &RunFacts<'_>) -> Vec<Said<PersonId>> {
    use crate::domain::grant::GrantEvent;
    let mut deciders = Vec::new();
    for line in facts.lines.values() {
        let grant = case.grant(line.grant);
        for (by, index) in grant.proposers() {
            deciders.extend(by.into_iter().map(|person| (person, index)));
        }
        for (by, index) in grant.each(|event| {
            if let GrantEvent::Approved { approver, first, .. } = event {
                Some([Some(*approver), first.as_ref().map(|first| first.approver)])
            } else {
                None
            }
        }) {
            deciders.extend(by.into_iter().flatten().map(|person| (person, index)));
        }
        let authorised = grant.part(line.instalment).and_then(|part| part.authorised);
        deciders.extend(authorised.map(|one| (one.by, one.index)));
    }
    deciders
}

/// What stands against a line on the day of payment, and the events that say so or that clear it.
fn against(case: &Case<'_>, line: &Line<'_>, pay_on: Date) -> (Vec<String>, BTreeSet<i64>) {
    let grant = case.grant(line.grant);
    let (stage, index) = grant.stage();
    let (mut why, mut relied_on) = (Vec::new(), BTreeSet::from([line.index]));
    relied_on.extend(index);
    if stage != GrantStatus::Active {
        why.push(format!("The grant was {}.", stage.words()));
    }
    let run = RunId(case.decision.stream);
    let part = grant.part(line.instalment);
    let waits = part.filter(|part| part.paid.is_none() && part.bounced.is_none());
    match waits.and_then(|part| Some((part.authorised?, part.line?))) {
        Some((authorised, (of, at))) => {
            relied_on.extend([authorised.index, at]);
            if of != (run, line.number) {
                why.push("The instalment was in another line or run.".to_owned());
            }
        }
        None => why.push("The instalment was not authorised, or not in a run.".to_owned()),
    }
    let partner = PartnerFacts::of(case, line.partner);
    let programme = grant.subject().and_then(|subject| ProgrammeFacts::of(case, subject.programme));
    let also = programme.map(|programme| programme.checks).unwrap_or_default();
    let mut of_partner = vec![partners::standing(&partner), partners::checks(&partner, pay_on, &also).0];
    of_partner.extend(partners::bank(&partner, line.bank_version, pay_on));
    for rule in of_partner {
        relied_on.extend(rule.relied_on);
        if !rule.holds {
            why.push(rule.found);
        }
    }
    (why, relied_on)
}

fn payable(case: &Case<'_>, facts: &RunFacts<'_>, pay_on: Date) -> Rule {
    let (mut told, mut clear, mut at_fault) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for line in facts.lines.values() {
        let (why, relied_on) = against(case, line, pay_on);
        if why.is_empty() {
            clear.extend(relied_on);
        } else {
            told.push(format!("Line {} ({}): {}", line.number, line.reference.as_str(), why.join(" ")));
            at_fault.extend(relied_on);
        }
    }
    let holds = told.is_empty();
    let found = if holds {
        format!("{} may be paid on {}.", counted(facts.lines.len()), day(pay_on))
    } else {
        told.join(" ")
    };
    let says = "Every line may be paid on the day of the run: grant, checks and bank details.";
    Rule::new("payment_run.lines_not_payable", says, holds, found, if holds { clear } else { at_fault })
}

/// A payment through a run: in that line, of a run whose file was made.
pub(super) fn of_line(
    case: &Case<'_>,
    part: &Part<'_>,
    (run, number): (Uuid, Option<u32>),
    value_date: Date,
) -> Vec<Rule> {
    let facts = facts(case, run);
    let line = number.and_then(|number| facts.lines.get(&number));
    let holds = line.is_some_and(|line| line.instalment == part.plan.id)
        && part.line.is_some_and(|(of, _)| Some(of.1) == number && of.0 == RunId(run));
    let found = if holds { "It was in that line." } else { "It was not in that line of that run." };
    let at = part.line.map(|(_, index)| index);
    let mut rules = vec![
        Rule::new(
            "grant.not_in_line",
            "What the bank paid through a run is the instalment in that line.",
            holds,
            found,
            line.map(|line| line.index).into_iter().chain(at),
        ),
        stage(&facts, "The bank answers for a run whose file was made.", facts.exported.is_some()),
    ];
    if let Some((pay_on, index)) = facts.opened {
        rules.push(Rule::new(
            "payment_run.answer_too_early",
            "The bank pays a run on its day, or later.",
            value_date >= pay_on,
            format!("Paid on {}; the run is for {}.", day(value_date), day(pay_on)),
            [index],
        ));
    }
    rules
}
