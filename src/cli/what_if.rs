//! `what-if`: the record replayed under another rule, as a table.

use clap::Args;

use super::place::{Place, Purpose};
use super::say;
use crate::app::what_if::replay;
use crate::domain::calendar::day;
use crate::domain::money::Money;
use crate::domain::what_if::{Effect, LONGEST_CHECK_MONTHS, Outcome, WhatIfRules};

/// How wide the last column is, in characters.
const WIDTH: usize = 72;

/// The rules to replay under.
#[derive(Debug, Clone, Copy, Args)]
pub struct Rules {
    /// Grants for which this much or less was asked go the micro track, such as 5000.
    #[arg(long, value_name = "POUNDS")]
    micro_limit: Option<Money>,
    /// The limit of every delegation of authority instead of its own, be that lower or higher.
    #[arg(long, value_name = "POUNDS")]
    delegation_limit: Option<Money>,
    /// The most that one approver may award alone, in every programme.
    #[arg(long, value_name = "POUNDS")]
    one_approver: Option<Money>,
    /// How many months a check holds at the most, from the day on which it was passed.
    #[arg(long, value_name = "MONTHS", value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST_CHECK_MONTHS)))]
    check_months: Option<u32>,
}

impl From<Rules> for WhatIfRules {
    fn from(rules: Rules) -> Self {
        let Rules { micro_limit, delegation_limit, one_approver, check_months } = rules;
        Self { micro_limit, delegation_limit, one_approver, check_months }
    }
}

/// Replay the record and print what would have gone otherwise.
///
/// # Errors
/// When no rule is named, or the record cannot be opened or read.
pub async fn print(place: Place, rules: Rules) -> anyhow::Result<()> {
    let rules = rules.into();
    let opened = place.open(Purpose::Command).await?;
    let outcome = replay(&opened.store, rules).await;
    opened.close().await?;
    for line in table(&rules, &outcome?) {
        say(&line);
    }
    Ok(())
}

/// What a replay came to, line by line.
#[must_use]
pub fn table(rules: &WhatIfRules, outcome: &Outcome) -> Vec<String> {
    let Outcome { events, grants, unchanged, effects } = outcome;
    let mut lines = vec![format!("What if {}?", rules.told().join(", and if "))];
    lines.push(format!("A replay of {events} events: nothing on the record was changed."));
    lines.push(String::new());
    if !effects.is_empty() {
        lines.push(row("GRANT", "DAY", "EFFECT", "WHY"));
    }
    for effect in effects {
        lines.extend(rows(effect));
    }
    if !effects.is_empty() {
        lines.push(String::new());
    }
    lines.push(format!("{unchanged} of {grants} grants would have gone as they did."));
    lines
}

fn row(grant: &str, day: &str, effect: &str, why: &str) -> String {
    format!("{grant:<12}  {day:<17}  {effect:<19}  {why}").trim_end().to_owned()
}

fn rows(effect: &Effect) -> Vec<String> {
    let events: Vec<String> = effect.relied_on.iter().map(ToString::to_string).collect();
    let why = format!("{} (events {})", effect.why, events.join(", "));
    let (reference, on) = (effect.reference.to_string(), day(effect.decided_on));
    let mut first = (reference.as_str(), on.as_str(), effect.kind.words());
    let mut lines = Vec::new();
    for part in wrapped(&why) {
        lines.push(row(first.0, first.1, first.2, &part));
        first = ("", "", "");
    }
    lines
}

/// Words in lines of at most the width; a longer word has a line of its own.
fn wrapped(words: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
