//! Payments: the authorisation of an instalment, and the payment itself, by hand or through a payment run.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::around::{FundFacts, PartnerFacts, ProgrammeFacts};
use super::facts::{Authorised, GrantFacts, Part, Said, places};
use super::{Case, Rule, partners, people, runs};
use crate::domain::calendar::{Date, day};
use crate::domain::grant::{GrantEvent, GrantStatus};
use crate::domain::identity::{ConditionId, GrantId, InstalmentId, PersonId, ReturnId};
use crate::domain::money::{Money, pounds};
use crate::domain::places::listed;

/// Nothing is authorised or paid unless the grant runs.
fn running(grant: &GrantFacts<'_>) -> Vec<Rule> {
    let (stage, index) = grant.stage();
    let (suspended, runs) = (stage == GrantStatus::Suspended, [GrantStatus::Active, GrantStatus::Closing]);
    let found = format!("The grant was {}.", stage.words());
    vec![
        Rule::new(
            "grant.suspended",
            "Nothing is authorised or paid while the grant is suspended.",
            !suspended,
            &*found,
            index,
        ),
        Rule::new(
            "grant.wrong_stage",
            "Only a grant whose agreement is accepted, and that has not ended, is paid.",
            suspended || runs.contains(&stage),
            found,
            index,
        ),
    ]
}

fn overdue(grant: &GrantFacts<'_>, today: Date) -> Rule {
    let asked = grant.each(|event| {
        if let GrantEvent::MonitoringReturnRequested { return_id, terms } = event {
            Some((*return_id, *terms))
        } else {
            None
        }
    });
    let awaited = |wanted: ReturnId| {
        let last = grant.last(|event| {
            if let GrantEvent::MonitoringReturnRequested { return_id, .. }
            | GrantEvent::MonitoringReturnQueried { return_id, .. } = event
            {
                (*return_id == wanted).then_some(true)
            } else if let GrantEvent::MonitoringReturnSubmitted { return_id, .. }
            | GrantEvent::MonitoringReturnAccepted { return_id, .. }
            | GrantEvent::MonitoringReturnWaived { return_id, .. } = event
            {
                (*return_id == wanted).then_some(false)
            } else {
                None
            }
        });
        last.is_some_and(|(waits, _)| waits)
    };
    let late: Vec<Said<Date>> = asked
        .iter()
        .filter(|((id, terms), _)| {
            let tolerated = terms.due + chrono::Days::new(terms.tolerance_days.into());
            today > tolerated && awaited(*id)
        })
        .map(|((_, terms), index)| (terms.due, *index))
        .collect();
    let found = match (late.first(), asked.len()) {
        (Some((due, _)), _) => format!("A return due on {} was still missing on {}.", day(*due), day(today)),
        (None, 0) => "No return had been asked for.".to_owned(),
        (None, 1) => "The return that was asked for was in, or not yet too late.".to_owned(),
        (None, many) => format!("The {many} returns that were asked for were in, or not yet too late."),
    };
    let relied_on: Vec<i64> =
        if late.is_empty() { places(&asked).collect() } else { places(&late).collect() };
    let says = "Nothing is authorised while a return is late beyond what is tolerated.";
    Rule::new("grant.reports_overdue", says, late.is_empty(), found, relied_on)
}

/// What an instalment waits for is met or waived, and nobody lets out the money that waited for what they waived.
fn conditions(grant: &GrantFacts<'_>, part: &Part<'_>, by: PersonId) -> Vec<Rule> {
    let settled: Vec<Said<(ConditionId, Option<PersonId>)>> = grant.each(|event| {
        if let GrantEvent::ConditionMet { condition, .. } = event {
            Some((*condition, None))
        } else if let GrantEvent::ConditionWaived { condition, waived_by, .. } = event {
            Some((*condition, Some(*waived_by)))
        } else {
            None
        }
    });
    let of_this = |id: ConditionId| part.plan.conditions.iter().any(|one| one.id == id);
    let relied_on: Vec<Said<(ConditionId, Option<PersonId>)>> =
        settled.into_iter().filter(|((id, _), _)| of_this(*id)).collect();
    let done: BTreeSet<ConditionId> = relied_on.iter().map(|((id, _), _)| *id).collect();
    let open = part.plan.conditions.iter().filter(|one| !done.contains(&one.id));
    let open: Vec<&str> = open.map(|one| one.title.as_str()).collect();
    let found = match (open.as_slice(), part.plan.conditions.len()) {
        ([], 0) => "It waits for nothing.".to_owned(),
        ([], 1) => "The one condition is met or waived.".to_owned(),
        ([], many) => format!("All {many} conditions are met or waived."),
        (open, _) => format!("It still waits for: {}.", listed(open.iter().copied())),
    };
    let waived = relied_on.iter().filter(|((_, waived_by), _)| *waived_by == Some(by));
    let waived: Vec<i64> = waived.map(|(_, index)| *index).collect();
    vec![
        Rule::new(
            "grant.conditions_not_met",
            "Every condition of the instalment is met or waived.",
            open.is_empty(),
            found,
            places(&relied_on).chain([part.planned]),
        ),
        Rule::new(
            "grant.waiver_authorises",
            "Whoever waived a condition does not let out the money that waited for it.",
            waived.is_empty(),
            if waived.is_empty() {
                "Whoever authorised it had waived none of its conditions."
            } else {
                "Whoever authorised it had waived one of its conditions."
            },
            waived,
        ),
    ]
}

fn instalment_unknown(part: Option<&Part<'_>>) -> Rule {
    let found = if part.is_some() { "It is planned." } else { "There is no such instalment." };
    let says = "The instalment is one of this grant.";
    Rule::new("grant.instalment_unknown", says, part.is_some(), found, part.map(|part| part.planned))
}

/// Every rule of the authorisation of an instalment.
pub(super) fn of_authorisation(case: &Case<'_>, event: &GrantEvent) -> Vec<Rule> {
    let GrantEvent::InstalmentAuthorised {
        instalment,
        amount,
        authorised_by,
        pay_on,
        checks_valid_until,
        bank_version,
        ..
    } = event
    else {
        return Vec::new();
    };
    let grant = case.grant(case.decision.stream);
    let today = case.decision.decided_on;
    let part = grant.part(*instalment);
    let mut rules = running(&grant);
    rules.push(people::conflicted(&grant, *authorised_by));
    rules.push(overdue(&grant, today));
    rules.push(instalment_unknown(part.as_ref()));
    if let Some(part) = &part {
        rules.extend(of_plan(case, part, (*amount, *pay_on)));
        rules.extend(conditions(&grant, part, *authorised_by));
    }
    rules.push(Rule::new(
        "grant.pay_date_past",
        "The day of payment does not lie before the day of deciding.",
        *pay_on >= today,
        format!("To be paid on {}; decided on {}.", day(*pay_on), day(today)),
        [case.decision.index],
    ));
    let Some((payee, index)) = grant.payee() else { return rules };
    let programme = grant.subject().and_then(|subject| ProgrammeFacts::of(case, subject.programme));
    let partner = PartnerFacts::of(case, payee);
    let also = programme.map(|programme| programme.checks).unwrap_or_default();
    let (mut checks, until) = partners::checks(&partner, *pay_on, &also);
    if checks.holds && until != *checks_valid_until {
        checks.holds = false;
        let told = checks_valid_until.map_or_else(|| "that none runs out".to_owned(), day);
        checks.found = format!("{} The authorisation says: {told}.", checks.found);
    }
    let mut standing = partners::standing(&partner);
    standing.relied_on.insert(0, index);
    rules.extend([standing, checks]);
    rules.extend(partners::bank(&partner, *bank_version, *pay_on));
    rules
}

/// The instalment as it was planned: its amount, its day, and that nothing became of it yet.
fn of_plan(case: &Case<'_>, part: &Part<'_>, (amount, pay_on): (Money, Date)) -> Vec<Rule> {
    let due = part.plan.due;
    let early = pay_on < due;
    let explained = case.decision.reason.is_some();
    let taken: Option<i64> = part.authorised.map(|one| one.index).or(part.paid);
    let free =
        if taken.is_none() { "It was neither authorised nor paid." } else { "It was authorised already." };
    vec![
        Rule::new(
            "grant.instalment_already_authorised",
            "An instalment is authorised once.",
            taken.is_none(),
            free,
            [part.planned].into_iter().chain(taken),
        ),
        Rule::new(
            "grant.instalment_closed",
            "An instalment whose payment bounced is closed: the one in its place is paid.",
            part.bounced.is_none(),
            if part.bounced.is_none() { "No payment of it had bounced." } else { "Its payment had bounced." },
            part.bounced,
        ),
        Rule::new(
            "grant.payment_differs",
            "What is authorised is what was planned.",
            amount == part.plan.amount,
            format!("{amount} authorised, {} planned.", part.plan.amount),
            [part.planned],
        ),
        Rule::new(
            "grant.in_advance_unexplained",
            "A payment before the day it falls due says why.",
            !early || explained,
            if early {
                let why = if explained { "a reason is given" } else { "no reason is given" };
                format!("It falls due on {} and is paid on {}: {why}.", day(due), day(pay_on))
            } else {
                format!("It falls due on {} and is paid on {}.", day(due), day(pay_on))
            },
            [part.planned],
        ),
    ]
}

/// Every rule of a payment.
pub(super) fn of_payment(case: &Case<'_>, event: &GrantEvent) -> Vec<Rule> {
    let GrantEvent::PaymentConfirmed { instalment, amount, value_date, run, line } = event else {
        return Vec::new();
    };
    let grant = case.grant(case.decision.stream);
    let Some(part) = grant.part(*instalment) else { return vec![instalment_unknown(None)] };
    let by = case.decision.actor.map(|actor| actor.person);
    let mut rules = vec![instalment_unknown(Some(&part))];
    rules.extend(by.map(|person| people::conflicted(&grant, person)));
    match (run, line) {
        (Some(run), line) => rules.extend(runs::of_line(case, &part, (*run, *line), *value_date)),
        (None, _) => rules.extend(by_hand(&grant, &part, *value_date)),
    }
    let (says, code) = ("A payment is authorised before it is made.", "grant.instalment_not_authorised");
    let waits = part.authorised.filter(|_| part.paid.is_none() && part.bounced.is_none());
    let Some(authorised) = waits else {
        let found = "The instalment was not authorised, or already paid.";
        rules.push(Rule::new(code, says, false, found, part.paid.or(part.bounced)));
        return rules;
    };
    rules.push(Rule::new(code, says, true, "It was authorised.", [authorised.index]));
    rules.extend(as_authorised(case, &authorised, (*amount, *value_date), run.is_none()));
    rules.push(people::another(
        ("grant.payer_authorised", "Whoever authorised a payment does not record it as paid."),
        by,
        (authorised.by, authorised.index),
        ("Somebody else had authorised it.", "Whoever recorded it had authorised it."),
    ));
    if let Some(subject) = grant.subject() {
        let fund = FundFacts::of(case, subject.fund);
        rules.extend(balance(case, &fund, &part, *amount));
    }
    rules
}

/// What the bank paid before a suspension had left, and is recorded.
fn by_hand(grant: &GrantFacts<'_>, part: &Part<'_>, value_date: Date) -> Vec<Rule> {
    let mut rules = running(grant);
    if let Some((from, index)) = grant.suspension() {
        let says = "What left the bank before a suspension is recorded; after that nothing is paid.";
        let found = format!("Suspended on {}; paid on {}.", day(from), day(value_date));
        rules = vec![Rule::new("grant.suspended", says, value_date <= from, found, [index])];
    }
    let live = part.line.filter(|_| part.paid.is_none());
    rules.push(Rule::new(
        "grant.paid_through_run",
        "What is in a payment run is recorded as paid with the bank’s answer, not by hand.",
        live.is_none(),
        if live.is_none() { "It was in no payment run." } else { "It was in a payment run." },
        live.map(|(_, index)| index),
    ));
    rules
}

fn as_authorised(
    case: &Case<'_>,
    authorised: &Authorised,
    (amount, value_date): (Money, Date),
    by_hand: bool,
) -> Vec<Rule> {
    let (paid, on, index) = (day(value_date), case.decision.on, [authorised.index]);
    let mut rules = vec![
        Rule::new(
            "grant.payment_differs",
            "What is paid is exactly what was authorised.",
            amount == authorised.amount,
            format!("{amount} paid, {} authorised.", authorised.amount),
            index,
        ),
        Rule::new(
            "grant.paid_in_future",
            "The bank has paid it by the day it is recorded for.",
            value_date <= on,
            format!("Paid on {paid}; recorded for {}.", day(on)),
            [case.decision.index],
        ),
        Rule::new(
            "grant.paid_before_authorised",
            "Nothing is paid before the day it is authorised for.",
            value_date >= authorised.pay_on,
            format!("Paid on {paid}; authorised for {}.", day(authorised.pay_on)),
            index,
        ),
    ];
    if by_hand {
        let until = authorised.checks_valid_until;
        rules.push(Rule::new(
            "grant.checks_run_out",
            "Nothing is paid after a due-diligence check of the partner has run out.",
            until.is_none_or(|until| value_date <= until),
            until.map_or_else(
                || "No check runs out.".to_owned(),
                |until| format!("Paid on {paid}; the first check runs out after {}.", day(until)),
            ),
            index,
        ));
    }
    rules
}

/// The balance: what is paid is still promised, and it is paid once.
fn balance(case: &Case<'_>, fund: &FundFacts<'_>, part: &Part<'_>, amount: Money) -> Vec<Rule> {
    let id: InstalmentId = part.plan.id;
    let year = fund.open_year(part.plan.year);
    let (sums, from) = fund.outstanding(GrantId(case.decision.stream));
    let left = sums.get(&year).copied().unwrap_or(Decimal::ZERO);
    let before = fund.paid(id);
    vec![
        Rule::new(
            "fund.exceeds_outstanding",
            "No more is paid than is still promised to the grant from that year’s budget.",
            amount.pounds() <= left,
            format!("{amount} paid; {} of {year} was promised and not yet paid.", pounds(left)),
            from,
        ),
        Rule::new(
            "fund.already_paid",
            "An instalment is paid once.",
            before.is_none(),
            if before.is_none() { "The fund had not paid it." } else { "The fund had paid it already." },
            before,
        ),
    ]
}
