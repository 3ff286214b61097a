//! What follows from the events: ledger, journal, the sample drawn from it, erasures.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use chrono_tz::Europe::London;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::line::{Body, Event};
use super::rules::{self, Rule, Shape, cell, is_date, is_id, is_role, pounds};
use crate::store::seal::Node;

/// The headings of `ledger.csv`.
pub(super) const LEDGER: &str = "index,line,fund,programme,partner,grant,instalment,year,corrects,movement,from,to,amount,\
    effective_on,recorded_at\n";
const JOURNAL: &str = "index,recorded_at,effective_on,event,fund,grant,instalment,amount,recorded_by,role,prepared_by,\
    same_person,out_of_hours,round_sum,late,command,with\n";
const ERASURES: &str = "index,event,person,recorded_at\n";

/// How many lines of the journal are drawn.
const SAMPLE: usize = 25;

/// The books, growing event by event.
pub(super) struct Books {
    /// `ledger.csv`.
    pub ledger: String,
    /// `erasures.csv`.
    pub erasures: String,
    journal: Vec<Entry>,
    commands: HashMap<String, Vec<u64>>,
    recommended: HashMap<String, String>,
    authorised: HashMap<String, String>,
}

/// A line of the journal, but for what stands beside it.
struct Entry {
    index: u64,
    command: String,
    cells: String,
}

/// A value of the metadata that may be missing, but not be of another form.
fn optional(
    metadata: &Map<String, Value>,
    name: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<String, String> {
    if metadata.contains_key(name) { cell(metadata, name, fits) } else { Ok(String::new()) }
}

impl Books {
    /// Empty books.
    pub fn new() -> Self {
        Self {
            ledger: LEDGER.to_owned(),
            erasures: ERASURES.to_owned(),
            journal: Vec::new(),
            commands: HashMap::new(),
            recommended: HashMap::new(),
            authorised: HashMap::new(),
        }
    }

    /// Take the next event in.
    ///
    /// # Errors
    /// When it holds what no rule can read.
    pub fn take(&mut self, event: &Event) -> Result<(), String> {
        let Event { index, id, name, recorded_at, .. } = event;
        if event.stream == "person" && ["person.erased", "person.erasure_confirmed"].contains(&name.as_str())
        {
            if !is_id(id) {
                return Err("its stream has no id".into());
            }
            let _written = writeln!(self.erasures, "{index},{name},{id},{recorded_at}");
        }
        let Some(body) = &event.body else { return Ok(()) };
        let actor = optional(&body.metadata, "actor", is_id)?;
        let command = optional(&body.metadata, "command_id", is_id)?;
        if !command.is_empty() {
            self.commands.entry(command.clone()).or_default().push(*index);
        }
        match (event.stream.as_str(), name.as_str()) {
            ("grant", "grant.recommended") => drop(self.recommended.insert(id.clone(), actor)),
            ("grant", "grant.instalment_authorised") => {
                drop(self.authorised.insert(cell(&body.fields, "instalment", is_id)?, actor));
            }
            ("fund", still) if rules::STILL.contains(&still) => {}
            ("fund", _) => self.post(event, body, &actor, command)?,
            _ => {}
        }
        Ok(())
    }

    fn post(&mut self, event: &Event, body: &Body, actor: &str, command: String) -> Result<(), String> {
        let Event { index, id, name, recorded_at, .. } = event;
        let rule = rules::ALL.iter().find(|Rule(event, ..)| event == name);
        let rule = rule.ok_or("it is an event of a fund that no rule knows")?;
        if !is_id(id) {
            return Err("its stream has no id".into());
        }
        let effective_on = cell(&body.metadata, "effective_on", is_date)?;
        let role = optional(&body.metadata, "role", is_role)?;
        let (moved, whom) = rules::apply(rule, &body.fields)?;
        let rules::For { programme, partner, grant, instalment } = &whom;
        for (line, one) in moved.iter().enumerate() {
            let (from, to) = one.movement.way();
            let _written = writeln!(
                self.ledger,
                "{index},{line},{id},{programme},{partner},{grant},{instalment},{},{},{},{},{},{},{effective_on},{recorded_at}",
                one.year,
                one.corrects,
                one.movement.code(),
                from.code(),
                to.code(),
                pounds(one.pence),
            );
        }
        let Some(first) = moved.first() else { return Ok(()) };
        let Rule(_, shape, _) = rule;
        let amount =
            if *shape == Shape::Carried { first.pence } else { moved.iter().map(|one| one.pence).sum() };
        let prepared = match shape {
            Shape::Instalment => self.authorised.get(instalment),
            Shape::Amount | Shape::Shares | Shape::Carried => self.recommended.get(grant),
        };
        let prepared = prepared.map_or("", String::as_str);
        let same = yes(!prepared.is_empty() && prepared == actor);
        let (late, round) =
            (yes(moved.iter().any(|one| !one.corrects.is_empty())), yes(amount % 100_000 == 0));
        let (amount, out_of_hours) = (pounds(amount), yes(is_out_of_hours(event.at)));
        let cells = format!(
            "{index},{recorded_at},{effective_on},{name},{id},{grant},{instalment},{amount},{actor},{role},{prepared},\
             {same},{out_of_hours},{round},{late},{command},"
        );
        self.journal.push(Entry { index: *index, command, cells });
        Ok(())
    }

    /// How many events moved money.
    pub fn moved(&self) -> usize {
        self.journal.len()
    }

    /// `journal.csv`.
    pub fn journal(&self) -> String {
        let mut text = JOURNAL.to_owned();
        for Entry { index, command, cells } in &self.journal {
            let all = self.commands.get(command).map_or(&[][..], Vec::as_slice);
            let with: Vec<String> = all.iter().filter(|one| *one != index).map(ToString::to_string).collect();
            let _written = writeln!(text, "{cells}{}", with.join(" "));
        }
        text
    }

    /// The events that the root draws from the journal, in order.
    pub fn sampled(&self, root: &Node) -> BTreeSet<u64> {
        let mut drawn = BTreeSet::new();
        let turns = (0_u64..).take_while(|_| !self.journal.is_empty());
        for turn in turns {
            if drawn.len() == SAMPLE.min(self.journal.len()) {
                break;
            }
            let hash = Sha256::new().chain_update("sidebyside sample v1\n").chain_update(root);
            let hash: Node = hash.chain_update(turn.to_be_bytes()).finalize().into();
            let number = hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
            let place = number % u64::try_from(self.journal.len()).unwrap_or(u64::MAX);
            let entry = usize::try_from(place).ok().and_then(|place| self.journal.get(place));
            drawn.extend(entry.map(|entry| entry.index));
        }
        drawn
    }
}

fn yes(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}

/// In London.
fn is_out_of_hours(at: DateTime<Utc>) -> bool {
    let local = at.with_timezone(&London);
    local.weekday().number_from_monday() > 5 || !(8..18).contains(&local.hour())
}
