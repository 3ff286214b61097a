//! What a partner’s record must say: that it is approved, its checks in date, its bank details verified by another
//! person and past their hold, and its aid within the limit.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::around::{Bank, Holding, PartnerFacts};
use super::facts::{Said, places};
use super::{Case, Rule, people};
use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::identity::GrantId;
use crate::domain::money::{Money, pounds};
use crate::domain::partner::subsidies::LIMIT;
use crate::domain::partner::{CheckKind, LONGEST_WAIVER_MONTHS, PartnerEvent, PartnerStatus};

/// The partner may apply, be awarded and be paid.
pub(super) fn standing(partner: &PartnerFacts<'_>) -> Rule {
    let (standing, index) = partner.standing();
    Rule::new(
        "partner.not_approved",
        "The partner is approved, and not suspended.",
        standing == PartnerStatus::Approved,
        format!("The partner stood as: {}.", standing.words()),
        index,
    )
}

fn told(kind: CheckKind, holding: Holding) -> String {
    let words = kind.words();
    match holding {
        Holding::Open => format!("{words}, not passed"),
        Holding::Failed => format!("{words}, failed"),
        Holding::ForEver => format!("{words}, without an end"),
        Holding::Until(last) => format!("{words}, until {}", day(last)),
    }
}

/// Every check that was asked for holds on a day, and those that the programme asks for beside; and until when.
pub(super) fn checks(partner: &PartnerFacts<'_>, on: Date, also: &[CheckKind]) -> (Rule, Option<Date>) {
    let known = partner.checks();
    let asked: BTreeSet<CheckKind> = known.keys().chain(also).copied().collect();
    let of = |kind: &CheckKind| known.get(kind).map_or(Holding::Open, |(holding, _)| *holding);
    let against: Vec<String> =
        asked.iter().filter(|kind| !of(kind).on(on)).map(|kind| told(*kind, of(kind))).collect();
    let until =
        asked.iter().filter_map(|kind| if let Holding::Until(last) = of(kind) { Some(last) } else { None });
    let until = until.min();
    let holds = against.is_empty() && !asked.is_empty();
    let found = if !against.is_empty() {
        format!("On {} these do not hold: {}.", day(on), against.join("; "))
    } else if let Some(until) = until {
        format!("All {} hold on {}; the first runs out after {}.", asked.len(), day(on), day(until))
    } else {
        format!("{} hold on {}, and none runs out.", asked.len(), day(on))
    };
    let relied_on: Vec<i64> = if against.is_empty() {
        known.values().map(|(_, index)| *index).collect()
    } else {
        known.values().filter(|(holding, _)| !holding.on(on)).map(|(_, index)| *index).collect()
    };
    let says = "Every due-diligence check that is asked for is passed or waived, and in date.";
    (Rule::new("partner.checks_missing", says, holds, found, relied_on), until)
}

/// The bank details money goes to: the newest, verified by another person than handed them in, and past their hold.
pub(super) fn bank(partner: &PartnerFacts<'_>, version: u32, pay_on: Date) -> Vec<Rule> {
    let banks = partner.banks();
    let says = "Money goes to bank details that were handed in, and to the newest.";
    let newest = banks.iter().map(|bank| bank.version).max();
    let Some(bank) = banks.into_iter().find(|bank| bank.version == version) else {
        let found = format!("Version {version} was never handed in.");
        return vec![Rule::new("partner.bank_missing", says, false, found, [])];
    };
    let submitted = bank.submitted.1;
    let found = format!("It goes to version {version}; the newest is version {}.", newest.unwrap_or(version));
    let mut rules =
        vec![Rule::new("partner.bank_missing", says, newest == Some(version), found, [submitted])];
    rules.extend(verified(&bank, pay_on));
    rules
}

fn verified(bank: &Bank, pay_on: Date) -> Vec<Rule> {
    let says = "Bank details are verified before anything is paid to them.";
    let Some(((by, from), index)) = bank.verified else {
        let found = format!("Version {} was not verified.", bank.version);
        return vec![Rule::new("partner.bank_unverified", says, false, found, [bank.submitted.1])];
    };
    vec![
        Rule::new(
            "partner.bank_unverified",
            says,
            true,
            format!("Version {} was verified.", bank.version),
            [index],
        ),
        people::another(
            (
                "partner.bank_verifier_submitted",
                "Bank details are verified by somebody who did not hand them in.",
            ),
            Some(by),
            bank.submitted,
            ("Somebody else had handed them in.", "The same person had handed them in."),
        ),
        Rule::new(
            "partner.bank_on_hold",
            "Nothing is paid to changed bank details before their hold is over.",
            pay_on >= from,
            format!("They may be paid to from {}; the payment is for {}.", day(from), day(pay_on)),
            [index],
        ),
    ]
}

/// What was given for a grant as minimal financial assistance.
fn given_before(partner: &PartnerFacts<'_>, of: GrantId) -> Vec<Said<Money>> {
    partner.each(|event| {
        if let PartnerEvent::SubsidyGiven { grant, amount, .. } = event {
            (*grant == of).then_some(*amount)
        } else {
            None
        }
    })
}

/// A change of the amount of a grant that was given as minimal financial assistance: what it adds is confirmed anew.
pub(super) fn more_subsidy(
    case: &Case<'_>,
    partner: &PartnerFacts<'_>,
    (grant, whole): (GrantId, Money),
) -> Vec<Rule> {
    let before = given_before(partner, grant);
    let given: Decimal = before.iter().map(|(amount, _)| amount.pounds()).sum();
    if !before.is_empty() && whole.pounds() > given {
        return subsidy(case, partner, (grant, whole));
    }
    let says = "A grant given as minimal financial assistance is confirmed anew before it becomes more.";
    let found = if before.is_empty() {
        "The grant was not given as minimal financial assistance.".to_owned()
    } else {
        format!("{} was given for it, and it does not become more.", pounds(given))
    };
    vec![Rule::new("partner.subsidy_limit", says, true, found, places(&before))]
}

/// Minimal financial assistance, where the partner was told that the grant is that: confirmed in writing, and within
/// the limit.
pub(super) fn subsidy(
    case: &Case<'_>,
    partner: &PartnerFacts<'_>,
    (grant, amount): (GrantId, Money),
) -> Vec<Rule> {
    let given = |of: &GrantId| *of == grant;
    let notice = partner.each(|event| {
        if let PartnerEvent::SubsidyNotified { grant, amount } = event {
            given(grant).then_some(*amount)
        } else {
            None
        }
    });
    let before = given_before(partner, grant);
    let more = amount.pounds() - before.iter().map(|(amount, _)| amount.pounds()).sum::<Decimal>();
    let Some((notified, at)) = notice.last().copied() else {
        let says = "Minimal financial assistance is confirmed by the partner and within the limit.";
        let found = "The grant is not given as minimal financial assistance.";
        return vec![Rule::new("partner.subsidy_limit", says, true, found, [])];
    };
    let confirmed = partner.each(|event| {
        if let PartnerEvent::SubsidyConfirmed { grant, .. } = event {
            given(grant).then_some(())
        } else {
            None
        }
    });
    // A notice serves once: what was given on it before is no ground for more.
    let used = places(&before).any(|index| index > at);
    let confirmed = places(&confirmed).find(|index| *index > at && !used);
    let now = FinancialYear::of(case.decision.decided_on).begins_in();
    let mut aid = partner.each(|event| {
        if let PartnerEvent::SubsidyDeclared { amount, given_on, .. }
        | PartnerEvent::SubsidyGiven { amount, given_on, .. } = event
        {
            Some((*given_on, *amount))
        } else {
            None
        }
    });
    aid.retain(|((given_on, _), _)| (now - 2..=now).contains(&FinancialYear::of(*given_on).begins_in()));
    let had: Decimal = aid.iter().map(|((_, amount), _)| amount.pounds()).sum();
    let found =
        if confirmed.is_some() { "The partner confirmed it." } else { "The partner had not confirmed it." };
    vec![
        Rule::new(
            "partner.subsidy_not_confirmed",
            "Before minimal financial assistance is given, the partner confirms in writing.",
            confirmed.is_some(),
            found,
            [at].into_iter().chain(confirmed),
        ),
        Rule::new(
            "partner.subsidy_above_notice",
            "No more is given as minimal financial assistance than the partner was told of.",
            amount <= notified,
            format!("{amount} asked; the partner was told of {notified}."),
            [at],
        ),
        Rule::new(
            "partner.subsidy_limit",
            "Over this financial year and the two before it, a partner has no more aid than the limit.",
            had + more <= LIMIT,
            format!("{} had and {} more asked; the limit is {}.", pounds(had), pounds(more), pounds(LIMIT)),
            places(&aid),
        ),
    ]
}

/// Every rule of the approval of a partner.
pub(super) fn of_approval(case: &Case<'_>, next_review: Date) -> Vec<Rule> {
    let partner = PartnerFacts::of(case, case.decision.stream);
    let (standing, index) = partner.standing();
    let by = case.decision.actor.map(|actor| actor.person);
    let mut rules = vec![
        Rule::new(
            "partner.not_applying",
            "A partner is approved while its application is being looked at.",
            standing == PartnerStatus::Applied,
            format!("The partner stood as: {}.", standing.words()),
            index,
        ),
        checks(&partner, case.decision.decided_on, &[]).0,
    ];
    for bank in partner.banks() {
        if let Some(((verifier, _), index)) = bank.verified {
            rules.push(people::another(
                (
                    "partner.approver_verified_bank",
                    "Whoever verified the bank details does not approve the partner.",
                ),
                by,
                (verifier, index),
                ("Somebody else had verified them.", "Whoever approved it had verified them."),
            ));
        }
    }
    rules.push(Rule::new(
        "partner.review_not_ahead",
        "The next review lies ahead.",
        next_review > case.decision.on,
        format!("The next review is due on {}.", day(next_review)),
        [case.decision.index],
    ));
    rules
}

/// Every rule of the waiver of a check.
pub(super) fn of_waiver(case: &Case<'_>, (check, until): (CheckKind, Date)) -> Vec<Rule> {
    let partner = PartnerFacts::of(case, case.decision.stream);
    let (standing, index) = partner.standing();
    let alive =
        matches!(standing, PartnerStatus::Applied | PartnerStatus::Approved | PartnerStatus::Suspended);
    let asked = partner.checks().get(&check).map(|(_, index)| *index);
    let on = case.decision.on;
    let latest = on + chrono::Months::new(LONGEST_WAIVER_MONTHS);
    let here = [case.decision.index];
    let asked_for = if asked.is_some() { "was asked for" } else { "was never asked for" };
    let to = format!("Waived from {} until {}", day(on), day(until));
    vec![
        Rule::new(
            "partner.ended",
            "Nothing is decided on an application that was declined or taken back.",
            alive,
            format!("The partner stood as: {}.", standing.words()),
            index,
        ),
        Rule::new(
            "partner.bank_check_never_waived",
            "The bank check is never waived.",
            check != CheckKind::Bank,
            format!("Waived is the {} check.", check.words()),
            here,
        ),
        Rule::new(
            "partner.check_not_required",
            "Only a check that was asked for is waived.",
            asked.is_some(),
            format!("The {} check {asked_for}.", check.words()),
            asked,
        ),
        Rule::new(
            "partner.check_already_expired",
            "A waiver does not end before it begins.",
            until >= on,
            format!("{to}."),
            here,
        ),
        Rule::new(
            "partner.waiver_too_long",
            "A check is waived for at most 12 months.",
            until <= latest,
            format!("{to}; the latest is {}.", day(latest)),
            here,
        ),
    ]
}
