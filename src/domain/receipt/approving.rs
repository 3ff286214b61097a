//! The approval of a grant: alone, or the first and the second of two.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::around::{FundFacts, PartnerFacts, ProgrammeFacts};
use super::facts::{GrantFacts, Said, places};
use super::reserving::{self, Use};
use super::{Case, Rule, authority, partners, people};
use crate::domain::grant::{AuthorityUsed, FirstApproval, GrantEvent, GrantStatus, PlannedInstalment};
use crate::domain::identity::{GrantId, PersonId};
use crate::domain::money::{Money, pounds};
use crate::domain::places::listed;
use crate::domain::programme::Track;
use crate::domain::text::Text;

/// Which of the approvals it is.
#[derive(Clone, Copy)]
enum Step<'a> {
    Alone,
    First,
    Second(&'a FirstApproval),
}

/// What an approval says of itself.
pub(super) struct Approval<'a> {
    approver: PersonId,
    amount: Money,
    authority: &'a AuthorityUsed,
    instalments: &'a [PlannedInstalment],
    step: Step<'a>,
}

impl<'a> Approval<'a> {
    pub fn of(event: &'a GrantEvent) -> Option<Self> {
        if let GrantEvent::Approved { approver, amount, authority, first, instalments, .. } = event {
            let step = first.as_ref().map_or(Step::Alone, Step::Second);
            Some(Self { approver: *approver, amount: *amount, authority, instalments, step })
        } else if let GrantEvent::FirstApprovalGiven { approver, amount, authority, instalments, .. } = event
        {
            Some(Self { approver: *approver, amount: *amount, authority, instalments, step: Step::First })
        } else {
            None
        }
    }
}

/// Every rule of an approval.
pub(super) fn rules(case: &Case<'_>, approval: &Approval<'_>) -> Vec<Rule> {
    let grant = case.grant(case.decision.stream);
    let Some(subject) = grant.subject() else {
        let says = "A decision is about a grant on the record.";
        return vec![Rule::new("grant.unknown", says, false, "Nothing was recorded of it before.", [])];
    };
    let programme = ProgrammeFacts::of(case, subject.programme);
    let fund = FundFacts::of(case, subject.fund);
    let partner = PartnerFacts::of(case, subject.partner);
    let person = approval.approver;
    let mut rules = vec![
        stage(&grant),
        people::conflicted(&grant, person),
        people::proposed(&grant, person),
        proposers_clear(&grant),
        people::assessed(&grant, person),
        information(&grant),
    ];
    rules.extend(programme.as_ref().map(|programme| fully_scored(&grant, programme)));
    rules.push(steps(&grant, approval));
    if let Step::Second(first) = approval.step {
        let said = (first.approver, case.decision.index);
        rules.push(people::another(
            ("grant.same_approver", "Two approvals are given by two people."),
            Some(person),
            said,
            ("The first approval was given by somebody else.", "The same person gave both."),
        ));
    }
    rules.extend(authority::held(
        case,
        approval.authority,
        (person, case.decision.decided_on),
        Some(subject),
    ));
    rules.push(limit(case, &grant, approval, programme.as_ref()));
    rules.push(partners::standing(&partner));
    rules.extend(partners::subsidy(case, &partner, (GrantId(case.decision.stream), approval.amount)));
    let planned = approval.instalments.iter().map(|one| (one.year, one.amount.pounds()));
    rules.extend(reserving::rules(case, &fund, planned));
    let application = application(&grant);
    rules.extend(reserving::restriction(&fund, programme.as_ref(), application.as_ref()));
    rules.extend(instalments(&grant, approval, programme.as_ref()));
    rules
}

fn application<'a>(grant: &GrantFacts<'a>) -> Option<Use<'a>> {
    let (mut application, index) = grant.last(|event| {
        if let GrantEvent::ApplicationSubmitted { places, starts_on, ends_on, .. } = event {
            Some(Use { places, period: (*starts_on, *ends_on), index: 0 })
        } else {
            None
        }
    })?;
    application.index = index;
    Some(application)
}

fn stage(grant: &GrantFacts<'_>) -> Rule {
    let (stage, index) = grant.stage();
    Rule::new(
        "grant.wrong_stage",
        "A grant is approved once it is recommended, and once only.",
        stage == GrantStatus::Recommended,
        format!("The grant was {}.", stage.words()),
        index,
    )
}

fn proposers_clear(grant: &GrantFacts<'_>) -> Rule {
    let recommended = grant.last(|event| {
        if let GrantEvent::Recommended { proposer, panel, .. } = event {
            Some(panel.present.iter().copied().chain([*proposer]).collect::<BTreeSet<PersonId>>())
        } else {
            None
        }
    });
    let index = recommended.as_ref().map(|(_, index)| *index);
    let by = recommended.map(|(by, _)| by).unwrap_or_default();
    let mut against = grant.interests();
    against.retain(|(person, _)| by.contains(person));
    let found = if by.is_empty() {
        "Nobody recommended it."
    } else if against.is_empty() {
        "None of those who recommend it has an interest."
    } else {
        "Somebody who recommends it has an interest."
    };
    Rule::new(
        "grant.proposer_conflicted",
        "Nobody with an interest stands behind the recommendation.",
        !by.is_empty() && against.is_empty(),
        found,
        index.into_iter().chain(places(&against)),
    )
}

fn information(grant: &GrantFacts<'_>) -> Rule {
    let asked = grant.last(|event| {
        if let GrantEvent::MoreInformationRequested { .. } = event {
            Some(true)
        } else if let GrantEvent::InformationSupplied { .. } = event {
            Some(false)
        } else {
            None
        }
    });
    let found = match asked {
        None => "Nothing more was asked of the partner.",
        Some((false, _)) => "The partner answered what it was asked.",
        Some((true, _)) => "The partner had not answered yet.",
    };
    let says = "Nothing is decided while the partner still owes an answer.";
    let holds = asked.is_none_or(|(waits, _)| !waits);
    Rule::new("grant.information_awaited", says, holds, found, asked.map(|(_, index)| index))
}

fn fully_scored(grant: &GrantFacts<'_>, programme: &ProgrammeFacts) -> Rule {
    let interested: BTreeSet<PersonId> = grant.interests().into_iter().map(|(person, _)| person).collect();
    let mut scores: Vec<Said<(PersonId, &Text<40>)>> = grant.each(|event| {
        if let GrantEvent::ScoreRecorded { assessor, criterion, .. }
        | GrantEvent::ScoreSuperseded { assessor, criterion, .. } = event
        {
            Some((*assessor, criterion))
        } else {
            None
        }
    });
    scores.retain(|((assessor, criterion), _)| {
        !interested.contains(assessor) && programme.scoring.contains(*criterion)
    });
    let scored: BTreeSet<&Text<40>> = scores.iter().map(|((_, criterion), _)| *criterion).collect();
    let missing: Vec<&str> =
        programme.scoring.iter().filter(|one| !scored.contains(one)).map(Text::as_str).collect();
    let found = if missing.is_empty() {
        format!("All {} criteria are scored by people without an interest.", programme.scoring.len())
    } else {
        format!("Without a score of anybody without an interest: {}.", listed(missing.iter().copied()))
    };
    Rule::new(
        "grant.not_fully_scored",
        "Every criterion of the programme is scored by somebody without an interest.",
        missing.is_empty(),
        found,
        places(&scores).chain([programme.criteria]),
    )
}

/// The first approval that waits for a second: it falls with a new recommendation, with an interest of its approver
/// and when its approver is asked to assess.
fn waiting<'a>(
    grant: &GrantFacts<'a>,
) -> Option<Said<(PersonId, &'a AuthorityUsed, &'a [PlannedInstalment])>> {
    let (first, index) = grant.last(|event| {
        if let GrantEvent::FirstApprovalGiven { approver, authority, instalments, .. } = event {
            Some((*approver, authority, instalments.as_slice()))
        } else {
            None
        }
    })?;
    let fell = grant.each(|event| {
        let falls = if let GrantEvent::Recommended { .. } = event {
            true
        } else if let GrantEvent::ConflictDeclared { person, .. }
        | GrantEvent::AssessorRecused { assessor: person }
        | GrantEvent::AssessorAssigned { assessor: person } = event
        {
            *person == first.0
        } else {
            false
        };
        falls.then_some(())
    });
    places(&fell).all(|later| later < index).then_some((first, index))
}

fn steps(grant: &GrantFacts<'_>, approval: &Approval<'_>) -> Rule {
    let waits = waiting(grant);
    let index = waits.map(|(_, index)| index);
    let (alone, says_alone) =
        ("grant.first_approval_stands", "Where the first of two approvals stands, the second completes it.");
    match (approval.step, waits) {
        (Step::Alone | Step::First, None) => {
            Rule::new(alone, says_alone, true, "No first approval was waiting.", [])
        }
        (Step::Alone | Step::First, Some(_)) => {
            Rule::new(alone, says_alone, false, "A first approval was waiting for the second.", index)
        }
        (Step::Second(first), found) => {
            let same = found.is_some_and(|((approver, authority, instalments), _)| {
                approver == first.approver
                    && *authority == first.authority
                    && instalments == approval.instalments
            });
            let found = match (index, same) {
                (None, _) => "No first approval was waiting.",
                (Some(_), true) => "The first approval was waiting, of the same instalments.",
                (Some(_), false) => "The first approval that was waiting was another.",
            };
            let says = "A second approval completes the first, on what that approved.";
            Rule::new("grant.no_first_approval", says, same, found, index)
        }
    }
}

/// The limit: alone within the approver's own and the programme's; the second of two within their own.
fn limit(
    case: &Case<'_>,
    grant: &GrantFacts<'_>,
    approval: &Approval<'_>,
    programme: Option<&ProgrammeFacts>,
) -> Rule {
    let amount = approval.amount.pounds();
    let in_force = authority::in_force(case, approval.authority);
    let recommended = grant
        .last(|event| matches!(event, GrantEvent::Recommended { .. }).then_some(()))
        .map(|((), index)| index);
    let Some(programme) = programme.filter(|_| !matches!(approval.step, Step::Second(_))) else {
        let also: Vec<i64> = recommended.into_iter().collect();
        return authority::within(amount, &in_force, &also);
    };
    let alone = in_force.limit.min(programme.one_approver).pounds();
    let first = matches!(approval.step, Step::First);
    let holds = in_force.as_named
        && if first { amount > alone && programme.track != Track::Micro } else { amount <= alone };
    let then = if first { " Two approvals are needed, and this is the first." } else { "" };
    Rule::new(
        "grant.exceeds_authority",
        "One approver awards no more than their authority and the programme allow; above that it takes two.",
        holds,
        format!(
            "{} asked, {}; one approver of the programme awards up to {}.{then}",
            approval.amount, in_force.told, programme.one_approver
        ),
        in_force.relied_on.into_iter().chain([programme.index]).chain(recommended),
    )
}

fn instalments(
    grant: &GrantFacts<'_>,
    approval: &Approval<'_>,
    programme: Option<&ProgrammeFacts>,
) -> Vec<Rule> {
    let planned = approval.instalments;
    let total: Decimal = planned.iter().map(|one| one.amount.pounds()).sum();
    let ids: BTreeSet<_> = planned.iter().map(|one| one.id).collect();
    let recommended = grant
        .last(|event| if let GrantEvent::Recommended { amount, .. } = event { Some(*amount) } else { None });
    let named = recommended.map_or_else(|| "nothing".to_owned(), |(amount, _)| amount.to_string());
    let count = match planned.len() {
        0 => "No instalment is planned.".to_owned(),
        1 => "One instalment is planned.".to_owned(),
        many => format!("{many} instalments are planned."),
    };
    let by = recommended.map(|(_, index)| index);
    let mut rules = vec![
        Rule::new(
            "grant.no_instalments",
            "At least one payment is planned.",
            !planned.is_empty(),
            &*count,
            [],
        ),
        Rule::new(
            "grant.instalment_twice",
            "Each instalment has an id of its own.",
            ids.len() == planned.len(),
            if ids.len() == planned.len() { "No id is used twice." } else { "An id is used twice." },
            [],
        ),
        Rule::new(
            "grant.instalments_do_not_add_up",
            "The instalments add up to the amount awarded, which is the amount recommended.",
            total == approval.amount.pounds() && recommended.is_some_and(|(one, _)| one == approval.amount),
            format!("Instalments {}, awarded {}, recommended {named}.", pounds(total), approval.amount),
            by,
        ),
    ];
    if let Some(programme) = programme.filter(|programme| programme.track == Track::Micro) {
        let says = "On the micro track a grant is paid in one instalment.";
        rules.push(Rule::new(
            "grant.micro_one_instalment",
            says,
            planned.len() <= 1,
            count,
            [programme.index],
        ));
    }
    rules
}
