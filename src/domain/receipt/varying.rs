//! The approval of a change of a grant: on the new total, by somebody who did not ask for it.

use rust_decimal::Decimal;

use super::around::{FundFacts, PartnerFacts, ProgrammeFacts};
use super::facts::{GrantFacts, Said};
use super::reserving::{self, Use};
use super::{Case, Rule, authority, partners, people};
use crate::domain::calendar::{Date, day};
use crate::domain::grant::{
    AuthorityUsed, Change, FirstApproval, GrantEvent, GrantStatus, PlannedInstalment,
};
use crate::domain::identity::{GrantId, PersonId, VariationId};
use crate::domain::money::{Money, pounds};

/// What was asked for, by whom.
#[derive(Clone, Copy)]
struct Asked<'a> {
    variation: VariationId,
    by: PersonId,
    change: &'a Change,
}

/// The change that waits for an answer.
fn waiting<'a>(grant: &GrantFacts<'a>) -> Option<Said<Asked<'a>>> {
    let last = grant.last(|event| {
        if let GrantEvent::VariationRequested { variation, requested_by, change, .. } = event {
            Some(Some(Asked { variation: *variation, by: *requested_by, change }))
        } else if let GrantEvent::VariationApproved { .. } | GrantEvent::VariationRefused { .. } = event {
            Some(None)
        } else {
            None
        }
    });
    last.and_then(|(asked, index)| Some((asked?, index)))
}

/// The change that a variation asks for, while it waits for an answer.
pub(super) fn asked<'a>(grant: &GrantFacts<'a>, variation: VariationId) -> Option<&'a Change> {
    waiting(grant).filter(|(asked, _)| asked.variation == variation).map(|(asked, _)| asked.change)
}

/// An approval of a change: by one, by the first of two, or by the second.
struct Approval<'a> {
    variation: VariationId,
    approver: PersonId,
    used: &'a AuthorityUsed,
    /// Whether it is the first of two: nothing changes yet.
    is_first: bool,
    first: Option<&'a FirstApproval>,
    total: Money,
    change: &'a Change,
}

impl<'a> Approval<'a> {
    /// What a fact approves. The first of two names no change and no total: they are those of what was asked for.
    fn of(grant: &GrantFacts<'a>, event: &'a GrantEvent) -> Option<Self> {
        if let GrantEvent::VariationApproved { variation, approver, authority: used, first, total, change } =
            event
        {
            let (variation, approver, total) = (*variation, *approver, *total);
            let first = first.as_ref();
            Some(Self { variation, approver, used, is_first: false, first, total, change })
        } else if let GrantEvent::VariationFirstApproved { variation, first: given } = event {
            let change = asked(grant, *variation)?;
            let total =
                if let Change::Amount { to, .. } = change { *to } else { Money::some(grant.total().0)? };
            let (variation, approver, used) = (*variation, given.approver, &given.authority);
            Some(Self { variation, approver, used, is_first: true, first: None, total, change })
        } else {
            None
        }
    }
}

/// Every rule of the approval of a change.
pub(super) fn rules(case: &Case<'_>, event: &GrantEvent) -> Vec<Rule> {
    let grant = case.grant(case.decision.stream);
    let (code, says) = (
        "grant.variation_unknown",
        "What is approved is the change that was asked for and waits for an answer.",
    );
    let Some(approval) = Approval::of(&grant, event) else {
        return vec![Rule::new(code, says, false, "No such change was waiting.", [])];
    };
    let Approval { variation, approver, used, total, change, .. } = approval;
    let (stage, index) = grant.stage();
    let asked = waiting(&grant).filter(|(asked, _)| asked.variation == variation);
    let same = asked.is_some_and(|(asked, _)| asked.change == change);
    let mut rules = vec![
        Rule::new(
            "grant.wrong_stage",
            "A grant is varied while it is active.",
            stage == GrantStatus::Active,
            format!("The grant was {}.", stage.words()),
            index,
        ),
        Rule::new(
            code,
            says,
            same,
            match (asked.is_some(), same) {
                (false, _) => "No such change was waiting.".to_owned(),
                (true, false) => "Another change was asked for.".to_owned(),
                (true, true) => format!("Asked for was {}.", change.told()),
            },
            asked.map(|(_, index)| index),
        ),
    ];
    rules.extend(asked.map(|asked| requester(&grant, asked, approver)).unwrap_or_default());
    rules.push(people::conflicted(&grant, approver));
    rules.push(people::assessed(&grant, approver));
    rules.extend(current(&grant, change));
    rules.extend(authority::held(case, used, (approver, case.decision.decided_on), grant.subject()));
    if approval.is_first {
        rules.extend(takes_two(case, &grant, (used, total)));
        rules.push(first_once(&grant, asked.map(|(_, index)| index)));
    } else {
        rules.push(limit(case, &grant, used, (total, change)));
        rules.extend(second(case, &grant, (approver, used), (approval.first, total)));
    }
    rules.extend(elsewhere(case, &grant, change));
    rules
}

/// The first of two approvals is one because nobody could have approved so much alone.
fn takes_two(
    case: &Case<'_>,
    grant: &GrantFacts<'_>,
    (used, total): (&AuthorityUsed, Money),
) -> Option<Rule> {
    let programme = ProgrammeFacts::of(case, grant.subject()?.programme)?;
    let in_force = authority::in_force(case, used);
    let alone = in_force.limit.min(programme.one_approver);
    Some(Rule::new(
        "grant.exceeds_authority",
        "The first of two approvals is given where the new total is above what one may award alone.",
        in_force.as_named && total > alone,
        format!(
            "{total} in all, {}; one approver of the programme awards up to {}.",
            in_force.told, programme.one_approver
        ),
        in_force.relied_on.into_iter().chain([programme.index]),
    ))
}

/// Nobody had approved first since the change was asked for, or whoever had then declared an interest.
fn first_once(grant: &GrantFacts<'_>, asked_at: Option<i64>) -> Rule {
    let given = grant.each(|event| {
        if let GrantEvent::VariationFirstApproved { first, .. } = event { Some(first.approver) } else { None }
    });
    let interests = grant.interests();
    let void = |person: PersonId, at: i64| interests.iter().any(|(who, when)| *who == person && *when > at);
    let standing: Vec<i64> = given
        .into_iter()
        .filter(|(person, at)| asked_at.is_some_and(|asked| *at > asked) && !void(*person, *at))
        .map(|(_, at)| at)
        .collect();
    Rule::new(
        "grant.same_approver",
        "The first approval is given once: the second is the approval itself.",
        standing.is_empty(),
        if standing.is_empty() { "Nobody had approved it first." } else { "Somebody had approved it first." },
        standing,
    )
}

fn requester(grant: &GrantFacts<'_>, (asked, index): Said<Asked<'_>>, approver: PersonId) -> Vec<Rule> {
    let interest = grant.interests().into_iter().find(|(person, _)| *person == asked.by).map(|(_, at)| at);
    vec![
        people::another(
            ("grant.approver_requested", "Whoever asked for a change does not decide on it."),
            Some(approver),
            (asked.by, index),
            ("Somebody else had asked for it.", "Whoever approved it had asked for it."),
        ),
        Rule::new(
            "grant.requester_conflicted",
            "Nobody with an interest stands behind the change.",
            interest.is_none(),
            if interest.is_none() {
                "Whoever asked for it has no interest."
            } else {
                "Whoever asked for it has an interest."
            },
            [index].into_iter().chain(interest),
        ),
    ]
}

fn ends_on(grant: &GrantFacts<'_>) -> Option<Said<Date>> {
    grant.last(|event| {
        if let GrantEvent::ApplicationSubmitted { ends_on, .. } = event {
            Some(*ends_on)
        } else if let GrantEvent::VariationApproved { change: Change::End { to, .. }, .. } = event {
            Some(*to)
        } else {
            None
        }
    })
}

/// What a change begins at is what stands.
fn current(grant: &GrantFacts<'_>, change: &Change) -> Vec<Rule> {
    let (code, says) = ("grant.variation_stale", "What a change begins at is what stands.");
    let mut rules = Vec::new();
    if let Some(plan) = change.plan() {
        let unpaid = grant.unpaid();
        let sum =
            |plans: &[&PlannedInstalment]| -> Decimal { plans.iter().map(|one| one.amount.pounds()).sum() };
        let from: Vec<&PlannedInstalment> = plan.from.iter().collect();
        let parts = grant.parts();
        rules.push(Rule::new(
            code,
            "The payments that a change begins at are those that stand.",
            from == unpaid,
            format!(
                "{} is still to be authorised; the change begins at {}.",
                pounds(sum(&unpaid)),
                pounds(sum(&from))
            ),
            parts.iter().filter(|part| part.is_planned()).map(|part| part.planned),
        ));
    }
    match change {
        Change::Amount { from, .. } => {
            let (total, relied_on) = grant.total();
            let found = format!("{} stands; the change begins at {from}.", pounds(total));
            rules.push(Rule::new(code, says, from.pounds() == total, found, relied_on));
        }
        Change::End { from, .. } => {
            let stands = ends_on(grant);
            let holds = stands.is_some_and(|(date, _)| date == *from);
            let found = format!("The change begins at {}.", day(*from));
            rules.push(Rule::new(code, says, holds, found, stands.map(|(_, index)| index)));
        }
        Change::Purpose { from, .. } => {
            let stands = grant.last(|event| {
                if let GrantEvent::ApplicationSubmitted { purpose, .. } = event {
                    Some(purpose)
                } else if let GrantEvent::VariationApproved { change: Change::Purpose { to, .. }, .. } = event
                {
                    Some(to)
                } else {
                    None
                }
            });
            let holds = stands.is_none_or(|(purpose, _)| purpose == from);
            let found =
                if holds { "It begins at the purpose that stands." } else { "It begins at another purpose." };
            rules.push(Rule::new(code, says, holds, found, stands.map(|(_, index)| index)));
        }
        Change::Payee { from, .. } => {
            let stands = grant.payee();
            let holds = stands.is_some_and(|(payee, _)| payee == *from);
            let found =
                if holds { "It begins at the payee that stands." } else { "It begins at another payee." };
            rules.push(Rule::new(code, says, holds, found, stands.map(|(_, index)| index)));
            rules.push(on_their_way(grant));
        }
        Change::Schedule { .. } => {}
    }
    rules
}

fn on_their_way(grant: &GrantFacts<'_>) -> Rule {
    let parts = grant.parts();
    let on_way: Vec<i64> = parts
        .iter()
        .filter(|part| part.paid.is_none() && part.bounced.is_none())
        .filter_map(|part| part.authorised.map(|authorised| authorised.index))
        .collect();
    Rule::new(
        "grant.instalments_on_their_way",
        "Who is paid does not change while a payment is on its way.",
        on_way.is_empty(),
        if on_way.is_empty() { "No payment was on its way." } else { "A payment was on its way." },
        on_way,
    )
}

/// The limit is held against the whole award as it will be.
fn limit(
    case: &Case<'_>,
    grant: &GrantFacts<'_>,
    used: &AuthorityUsed,
    (named, change): (Money, &Change),
) -> Rule {
    let (mut total, mut relied_on) = grant.total();
    if let Change::Amount { from, to, .. } = change {
        total += to.pounds() - from.pounds();
    }
    let in_force = authority::in_force(case, used);
    relied_on.push(case.decision.index);
    let mut rule = authority::within(total, &in_force, &relied_on);
    if total != named.pounds() {
        rule.holds = false;
        rule.found = format!("{} The decision gives the new total as {named}.", rule.found);
    }
    rule
}

/// Above what one approver may award alone, another has approved before.
fn second(
    case: &Case<'_>,
    grant: &GrantFacts<'_>,
    (approver, used): (PersonId, &AuthorityUsed),
    (first, total): (Option<&FirstApproval>, Money),
) -> Option<Rule> {
    let programme = ProgrammeFacts::of(case, grant.subject()?.programme)?;
    let alone = used.limit.min(programme.one_approver);
    let (holds, found) = match first {
        None => {
            (total <= alone, format!("{total} in all, approved by one; alone that one may award {alone}."))
        }
        Some(first) => (first.approver != approver, format!("{total} in all, approved by two.")),
    };
    Some(Rule::new(
        "grant.same_approver",
        "Above what one approver may award alone, another has approved before.",
        holds,
        found,
        [programme.index],
    ))
}

/// What the change means for the fund, and for a new payee.
fn elsewhere(case: &Case<'_>, grant: &GrantFacts<'_>, change: &Change) -> Vec<Rule> {
    let Some(subject) = grant.subject() else { return Vec::new() };
    let fund = FundFacts::of(case, subject.fund);
    let programme = ProgrammeFacts::of(case, subject.programme);
    let mut rules = vec![partners::standing(&PartnerFacts::of(case, subject.partner))];
    let rises = change.rises();
    if !rises.is_empty() {
        rules.extend(reserving::rules(case, &fund, rises));
    }
    if let Change::Amount { to, .. } = change {
        let partner = PartnerFacts::of(case, subject.partner);
        rules.extend(partners::more_subsidy(case, &partner, (GrantId(case.decision.stream), *to)));
    } else if let Change::End { to, .. } = change {
        let work = grant.last(|event| {
            if let GrantEvent::ApplicationSubmitted { places, starts_on, .. } = event {
                Some((places, *starts_on))
            } else {
                None
            }
        });
        let wanted = work.map(|((places, starts_on), index)| Use { places, period: (starts_on, *to), index });
        rules.extend(reserving::restriction(&fund, programme.as_ref(), wanted.as_ref()));
    } else if let Change::Purpose { .. } = change {
        rules.extend(reserving::restriction(&fund, programme.as_ref(), None));
    } else if let Change::Payee { to, .. } = change {
        let (payee, today) = (PartnerFacts::of(case, *to), case.decision.decided_on);
        let also = programme.map(|programme| programme.checks).unwrap_or_default();
        let newest = payee.banks().iter().map(|bank| bank.version).max().unwrap_or(1);
        rules.extend([partners::standing(&payee), partners::checks(&payee, today, &also).0]);
        rules.extend(partners::bank(&payee, newest, today));
    }
    rules
}
