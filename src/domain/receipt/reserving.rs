//! What is set aside in the fund before anything is promised, and whether the fund may be used so.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::around::{FundFacts, ProgrammeFacts, Reservation};
use super::{Case, Rule};
use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::fund::FundEvent;
use crate::domain::identity::GrantId;
use crate::domain::money::pounds;
use crate::domain::places::{Area, listed};
use crate::domain::text::Text;

type ByYear = BTreeMap<FinancialYear, Decimal>;

fn told(sums: &ByYear) -> String {
    let parts: Vec<String> = sums.iter().map(|(year, sum)| format!("{} of {year}", pounds(*sum))).collect();
    if parts.is_empty() { "nothing".to_owned() } else { listed(parts.iter().map(String::as_str)) }
}

fn by_year(shares: impl IntoIterator<Item = (FinancialYear, Decimal)>) -> ByYear {
    let mut sums = ByYear::new();
    for (year, amount) in shares {
        *sums.entry(year).or_default() += amount;
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

/// Money is set aside, live on the day, in the years in which it is planned, and was there when it was set aside.
pub(super) fn rules(
    case: &Case<'_>,
    fund: &FundFacts<'_>,
    planned: impl IntoIterator<Item = (FinancialYear, Decimal)>,
) -> Vec<Rule> {
    let (code, says) = ("fund.not_reserved", "The money is set aside in the fund before it is promised.");
    let Some(held) = fund.reservation(GrantId(case.decision.stream)) else {
        return vec![Rule::new(code, says, false, "Nothing was set aside for this grant.", [])];
    };
    let reserved = by_year(held.shares.iter().map(|share| (share.year, share.amount.pounds())));
    let planned = by_year(planned);
    let (until, today, index) = (held.expires_on, case.decision.decided_on, [held.index]);
    vec![
        Rule::new(code, says, true, format!("{} was set aside.", told(&reserved)), index),
        Rule::new(
            "fund.reservation_expired",
            "What is set aside has not run out on the day of deciding.",
            today <= until,
            format!("Set aside until {}; decided on {}.", day(until), day(today)),
            index,
        ),
        Rule::new(
            "grant.instalments_not_as_reserved",
            "The instalments use the budget of each year as it is set aside.",
            planned == reserved,
            format!("Planned: {}. Set aside: {}.", told(&planned), told(&reserved)),
            index,
        ),
        balance(fund, &held),
    ]
}

/// The balance: what was set aside was available in that moment.
fn balance(fund: &FundFacts<'_>, held: &Reservation<'_>) -> Rule {
    let years = fund.years(held.index);
    let available = |year| years.get(&year).map_or(Decimal::ZERO, |figures| figures.available);
    let parts: Vec<String> = held
        .shares
        .iter()
        .map(|share| {
            let left = pounds(available(share.year));
            format!("{left} was available in {} when {} was set aside", share.year, share.amount)
        })
        .collect();
    Rule::new(
        "fund.exceeds_available",
        "No more is set aside than the fund has available in that year.",
        held.shares.iter().all(|share| share.amount.pounds() <= available(share.year)),
        format!("{}.", listed(parts.iter().map(String::as_str))),
        fund.budget(&held.shares.iter().map(|share| share.year).collect(), held.index)
            .into_iter()
            .chain([held.index]),
    )
}

/// What money is used for, as the application has it.
pub(super) struct Use<'a> {
    pub places: &'a BTreeSet<Area>,
    pub period: (Date, Date),
    pub index: i64,
}

/// The restriction of the fund: purpose, places and dates.
pub(super) fn restriction(
    fund: &FundFacts<'_>,
    programme: Option<&ProgrammeFacts>,
    wanted: Option<&Use<'_>>,
) -> Vec<Rule> {
    let Some((FundEvent::Opened { restriction, spend_from, spend_to, .. }, opened)) = fund.opened() else {
        return Vec::new();
    };
    let purposes = restriction.as_ref().map(|to| &to.purposes);
    let allowed = restriction.as_ref().map(|to| &to.places).filter(|places| !places.is_empty());
    let mut rules = Vec::new();
    if let Some(programme) = programme {
        let holds = purposes.is_none_or(|purposes| purposes.contains(&programme.purpose));
        let found = purposes.map_or_else(
            || "The fund is not restricted to a purpose.".to_owned(),
            |to| format!("For {}; restricted to {}.", programme.purpose, listed(to.iter().map(Text::as_str))),
        );
        let says = "Money of a restricted fund is used for one of its purposes.";
        rules.push(Rule::new("fund.purpose_not_allowed", says, holds, found, [opened, programme.index]));
    }
    if let Some(Use { places, period: (from, to), index }) = wanted {
        let found = allowed.map_or_else(
            || "The fund is not restricted to places.".to_owned(),
            |to| {
                let wanted = listed(places.iter().map(|area| area.words()));
                format!("In {wanted}; restricted to {}.", listed(to.iter().map(|area| area.words())))
            },
        );
        rules.push(Rule::new(
            "fund.place_not_allowed",
            "Money of a restricted fund is used in its places.",
            allowed.is_none_or(|allowed| places.is_subset(allowed)),
            found,
            [opened, *index],
        ));
        rules.push(Rule::new(
            "fund.period_not_allowed",
            "The work begins and ends while the fund may be spent.",
            *from >= *spend_from && *to <= *spend_to,
            format!(
                "The work lasts from {} to {}; the fund is spent from {} to {}.",
                day(*from),
                day(*to),
                day(*spend_from),
                day(*spend_to)
            ),
            [opened, *index],
        ));
    }
    rules
}
