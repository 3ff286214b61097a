//! `receipt`: a decision and the rules that guard it, printed for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::bail;

use super::place::{Opened, Place, Purpose};
use super::say;
use crate::app::receipts::{Issued, issue};
use crate::domain::calendar::day;
use crate::domain::identity::PersonId;
use crate::projections::audit;
use crate::store::log::Recorded;

/// How wide what is printed may be.
const WIDTH: usize = 100;

/// Print the receipt of the decision at a position of the log.
pub async fn print(place: Place, index: i64) -> anyhow::Result<()> {
    let opened = place.open(Purpose::Command).await?;
    let printed = told(&opened, index).await;
    opened.close().await?;
    say(printed?.trim_end());
    Ok(())
}

async fn told(opened: &Opened, index: i64) -> anyhow::Result<String> {
    let Some(issued) = issue(&opened.store, index).await? else {
        bail!(
            "Nothing at position {index} of the log is an approval, a waiver or a payment. `history` prints the \
             positions."
        );
    };
    let Issued { decision, receipt, relied_on } = &issued;
    let people: Vec<PersonId> = relied_on.values().chain([decision]).filter_map(|one| one.actor).collect();
    let names = opened.accounts.names(&people).await?;
    let titles = audit::titles(opened.store.pool(), &[decision.stream.id]).await?;
    let who = |event: &Recorded| {
        event.actor.and_then(|person| names.get(&person)).map_or("somebody", String::as_str).to_owned()
    };
    let mut printed = String::new();
    let of = titles.get(&decision.stream.id).map_or("", |(reference, _)| reference);
    writeln!(printed, "Receipt of {}, event {index}: {}", receipt.kind.words(), of)?;
    wrapped(&mut printed, "  ", &decision.fact.sentence());
    let role = decision.role.map_or("", |role| role.words());
    writeln!(printed, "  Decided by {} ({role}) on {}.", who(decision), day(receipt.decided_on))?;
    let failing = receipt.rules.iter().filter(|rule| !rule.holds).count();
    let all = receipt.rules.len();
    match failing {
        0 => writeln!(printed, "  All {all} rules hold.")?,
        1 => writeln!(printed, "  1 of {all} rules does not hold.")?,
        many => writeln!(printed, "  {many} of {all} rules do not hold.")?,
    }
    for rule in &receipt.rules {
        let (mark, words) = if rule.holds { ("✓", "holds") } else { ("✗", "does not hold") };
        writeln!(printed, "\n{mark} {words}: {}", rule.code)?;
        wrapped(&mut printed, "    ", rule.says);
        wrapped(&mut printed, "    ", &rule.found);
        if !rule.relied_on.is_empty() {
            let events: Vec<String> = rule.relied_on.iter().map(ToString::to_string).collect();
            wrapped(&mut printed, "    ", &format!("Events: {}", events.join(", ")));
        }
    }
    let shown: BTreeSet<i64> = receipt.rules.iter().flat_map(|rule| rule.relied_on.iter().copied()).collect();
    writeln!(printed, "\nThe events relied on")?;
    for event in shown.iter().filter_map(|index| relied_on.get(index)) {
        let line = format!(
            "{:>6}  {}  {}  {} [{}]",
            event.index,
            event.effective_on,
            event.fact.kind().name,
            event.fact.sentence(),
            who(event)
        );
        wrapped(&mut printed, "", &line);
    }
    Ok(printed)
}

/// Words in lines that fit, each with the same indent; what follows the first is set in a little further.
fn wrapped(printed: &mut String, indent: &str, words: &str) {
    let mut line = indent.to_owned();
    let mut begun = false;
    for word in words.split(' ') {
        if begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            printed.push_str(&line);
            printed.push('\n');
            line = format!("{indent}  ");
            begun = false;
        }
        if begun {
            line.push(' ');
        }
        line.push_str(word);
        begun = true;
    }
    printed.push_str(&line);
    printed.push('\n');
}
