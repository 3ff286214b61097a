//! A published table of inclusion: who was reached in a quarter and what changed for them, as it was shown to
//! everybody. One stream for each quarter: a quarter is published once, because the difference between two tables of
//! the same time would tell what neither does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calendar::{Date, day};
use super::disclosure::{Changes, Mean, Parts, Shown, Whole, means};
use super::identity::Hash;
use super::text::Text;
use super::{Aggregate, Circumstances};

codes! {
    /// By what people are told apart in a table.
    pub enum InclusionBy {
        "area" => Area, "where people live";
        "community" => Community, "the communities people count themselves to";
        "need" => Need, "what people need";
        "partner" => Partner, "the partner people were pointed to";
    }
}

impl InclusionBy {
    /// How its rows come to the whole, for figures of people and for figures of talks and prescriptions.
    const fn parts(self, of_people: bool) -> Parts {
        match (self, of_people) {
            // Somebody may have moved, or have several prescriptions; each talk and each prescription has one place.
            (Self::Area | Self::Partner, false) => Parts::Add,
            (Self::Area | Self::Partner, true) | (Self::Community | Self::Need, _) => Parts::Overlap,
        }
    }

    /// Whether its rows have talks, and the people talked to: a talk is with no partner.
    const fn has_talks(self) -> bool {
        !matches!(self, Self::Partner)
    }
}

/// What changed by one measure: for those who were asked before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// How many were asked before and after, and what their changes come to in points.
    pub all: Changes,
    /// For how many it changed for the better.
    pub better: u64,
}

/// What was counted for some people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Different people talked to.
    pub people: u64,
    /// Talks.
    pub contacts: u64,
    /// Prescriptions that people started.
    pub started: u64,
    /// Prescriptions that people completed.
    pub completed: u64,
    /// What changed, by the code of the measure.
    pub changes: BTreeMap<&'static str, Change>,
}

/// What was counted in a time: of everybody, and broken down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// Of everybody.
    pub whole: Tally,
    /// Broken down, each row by its key.
    pub by: BTreeMap<InclusionBy, BTreeMap<String, Tally>>,
    /// The most that somebody can change by each measure, in points; nought where no mean is taken.
    pub ranges: BTreeMap<&'static str, u32>,
}

/// What changed by one measure, as it is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedChange {
    /// The code of the measure.
    pub measure: Text<40>,
    /// How many were asked before and after.
    pub asked: Shown,
    /// For how many it changed for the better.
    pub better: Shown,
    /// The mean change in points, to the nearest fifth.
    pub mean: Option<Mean>,
}

/// A row of a published table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedRow {
    /// What it is of: the code of an area, a community or a need, the id of a partner, or `not_said`.
    pub key: Text<40>,
    /// Different people talked to; none in a table by partner.
    pub people: Option<Shown>,
    /// Talks; none in a table by partner.
    pub contacts: Option<Shown>,
    /// Prescriptions that people started.
    pub started: Shown,
    /// Prescriptions that people completed.
    pub completed: Shown,
    /// What changed.
    pub changes: Vec<PublishedChange>,
}

/// A published table: by what, and its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedTable {
    /// By what its people are told apart.
    pub by: InclusionBy,
    /// Its rows, in the order of their keys.
    pub rows: Vec<PublishedRow>,
}

/// What is published of a time: all its tables together, because each could give away what another hides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedTables {
    /// Everybody.
    pub whole: PublishedRow,
    /// Each breakdown.
    pub tables: Vec<PublishedTable>,
}

impl PublishedTables {
    /// The hash of the tables as they are stored.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(serde_json_canonicalizer::to_string(self).unwrap_or_default().as_bytes())
    }
}

/// One figure of every row, put through the disclosure rule together with its total.
struct Column {
    whole: Shown,
    rows: BTreeMap<InclusionBy, Vec<Shown>>,
}

impl Counted {
    fn column(&self, of_people: bool, is_of_talks: bool, figure: &dyn Fn(&Tally) -> u64) -> Column {
        let with = || self.by.iter().filter(|(by, _)| by.has_talks() || !is_of_talks);
        let whole = Whole {
            total: figure(&self.whole),
            is_public: false,
            breakdowns: with()
                .map(|(by, rows)| (by.parts(of_people), rows.values().map(figure).collect()))
                .collect(),
        };
        let published = whole.publish();
        Column { whole: published.total, rows: with().map(|(by, _)| *by).zip(published.breakdowns).collect() }
    }

    /// How it may be shown to those who may not see people: the same way each time.
    #[must_use]
    pub fn publish(&self) -> PublishedTables {
        let people = self.column(true, true, &|tally| tally.people);
        let contacts = self.column(false, true, &|tally| tally.contacts);
        let started = self.column(false, false, &|tally| tally.started);
        let completed = self.column(false, false, &|tally| tally.completed);
        let change = |tally: &Tally, measure: &str| tally.changes.get(measure).copied().unwrap_or_default();
        let measured: Vec<Measured> = self
            .ranges
            .iter()
            .map(|(measure, range)| {
                let asked = self.column(false, false, &|tally| change(tally, measure).all.people);
                let better = self.column(false, false, &|tally| change(tally, measure).better);
                let mut means_by: BTreeMap<InclusionBy, Vec<Option<Mean>>> = BTreeMap::new();
                let whole = (change(&self.whole, measure).all, asked.whole);
                let has_mean = *range > 0;
                let mut mean = means(whole, &[], *range).0.filter(|_| has_mean);
                for (by, rows) in &self.by {
                    let parts: Vec<(Changes, Shown)> = rows
                        .values()
                        .map(|row| change(row, measure).all)
                        .zip(asked.rows[by].iter().copied())
                        .collect();
                    let (of_whole, of_parts) = means(whole, &parts, *range);
                    mean = mean.and(of_whole);
                    means_by.insert(*by, of_parts.into_iter().map(|mean| mean.filter(|_| has_mean)).collect());
                }
                Measured { measure, asked, better, mean, means: means_by }
            })
            .collect();
        let row = |key: &str, at: Option<(InclusionBy, usize)>| {
            let of = |column: &Column| match at {
                None => Some(column.whole),
                Some((by, row)) => column.rows.get(&by).map(|rows| rows[row]),
            };
            let always = |column: &Column| of(column).unwrap_or(Shown::Star);
            PublishedRow {
                key: Text::new(key).unwrap_or_else(|_| Text::own("not_said")),
                people: of(&people),
                contacts: of(&contacts),
                started: always(&started),
                completed: always(&completed),
                changes: measured
                    .iter()
                    .map(|one| PublishedChange {
                        measure: Text::own(one.measure),
                        asked: always(&one.asked),
                        better: always(&one.better),
                        mean: at.map_or(one.mean, |(by, row)| one.means[&by][row]),
                    })
                    .collect(),
            }
        };
        let table = |(by, rows): (&InclusionBy, &BTreeMap<String, Tally>)| PublishedTable {
            by: *by,
            rows: rows.keys().enumerate().map(|(at, key)| row(key, Some((*by, at)))).collect(),
        };
        PublishedTables { whole: row("all", None), tables: self.by.iter().map(table).collect() }
    }
}

/// One measure, put through the disclosure rule.
struct Measured {
    measure: &'static str,
    asked: Column,
    better: Column,
    mean: Option<Mean>,
    means: BTreeMap<InclusionBy, Vec<Option<Mean>>>,
}

events! {
    /// What can have happened to a published table of inclusion.
    pub enum InclusionTableEvent in "inclusion_table" {
        /// The tables of a quarter were published, for everybody to see.
        "inclusion_table.published", 1 => Published {
            /// The first day counted.
            from: Date,
            /// The last day counted.
            to: Date,
            /// How many events the log had when it was counted.
            cut: u64,
            /// The rule it was put through, by name and version.
            rule: Text<40>,
            /// The tables.
            tables: PublishedTables,
            /// The SHA-256 of the tables as they are stored here.
            sha256: Hash,
        },
        /// The tables were found to be wrong: they are shown as withdrawn, with the reason, and not published anew.
        "inclusion_table.withdrawn", 1, reason => Withdrawn {},
    }
}

/// The rule that tables are put through now: raised when they would come out otherwise.
pub const RULE: &str = "hes-intervals-1";

impl InclusionTableEvent {
    fn told(&self) -> String {
        match self {
            Self::Published { from, to, tables, .. } => format!(
                "Tables of {} to {} were published: {} breakdowns, small counts starred.",
                day(*from),
                day(*to),
                tables.tables.len()
            ),
            Self::Withdrawn {} => "The tables were withdrawn: they are wrong.".into(),
        }
    }
}

/// What can be asked of a published table.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum InclusionTableCommand {
    Publish { from: Date, to: Date, cut: u64, tables: PublishedTables },
    Withdraw,
}

refusals! {
    /// Why a table was not published or withdrawn.
    pub enum InclusionTableRefusal {
        "inclusion_table.unknown" => Unknown, "No table of this quarter is published.";
        "inclusion_table.published_before" => PublishedBefore { from: String, to: String }, "The tables of {from} to {to} are published and stay as they are: a second cut beside them would let people work out who was added.";
        "inclusion_table.not_a_quarter" => NotAQuarter, "Choose a whole quarter that begins in April, July, October or January: tables of times that overlap would give away what each of them hides.";
        "inclusion_table.quarter_not_over" => QuarterNotOver { to: String }, "This quarter runs until {to}: publish it when it is over.";
        "inclusion_table.withdrawn_before" => WithdrawnBefore, "These tables are withdrawn already.";
    }
}

/// The tables of a quarter as their history leaves them.
#[derive(Debug, Clone, Default)]
pub struct InclusionTable {
    quarter: Option<(Date, Date)>,
    withdrawn: bool,
}

/// The last day of the quarter that begins on a day, where one does.
///
/// # Errors
/// `inclusion_table.not_a_quarter`.
pub fn quarter(from: Date) -> Result<Date, InclusionTableRefusal> {
    use chrono::{Datelike as _, Months};
    let begins = from.day() == 1 && [1, 4, 7, 10].contains(&from.month());
    let next = from.checked_add_months(Months::new(3)).filter(|_| begins);
    next.and_then(|next| next.pred_opt()).ok_or(InclusionTableRefusal::NotAQuarter)
}

impl Aggregate for InclusionTable {
    const TYPE: &'static str = "inclusion_table";
    type Command = InclusionTableCommand;
    type Event = InclusionTableEvent;
    type Refusal = InclusionTableRefusal;

    fn decide(
        &self,
        command: InclusionTableCommand,
        at: &Circumstances,
    ) -> Result<Vec<InclusionTableEvent>, InclusionTableRefusal> {
        let event = match (command, self.quarter) {
            (InclusionTableCommand::Publish { .. }, Some((from, to))) => {
                return Err(InclusionTableRefusal::PublishedBefore { from: day(from), to: day(to) });
            }
            (InclusionTableCommand::Publish { from, to, cut, tables }, None) => {
                if quarter(from)? != to {
                    return Err(InclusionTableRefusal::NotAQuarter);
                }
                if to >= at.today {
                    return Err(InclusionTableRefusal::QuarterNotOver { to: day(to) });
                }
                let sha256 = tables.hash();
                InclusionTableEvent::Published { from, to, cut, rule: Text::own(RULE), tables, sha256 }
            }
            (InclusionTableCommand::Withdraw, None) => return Err(InclusionTableRefusal::Unknown),
            (InclusionTableCommand::Withdraw, Some(_)) if self.withdrawn => {
                return Err(InclusionTableRefusal::WithdrawnBefore);
            }
            (InclusionTableCommand::Withdraw, Some(_)) => InclusionTableEvent::Withdrawn {},
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &InclusionTableEvent) {
        match event {
            InclusionTableEvent::Published { from, to, .. } => self.quarter = Some((*from, *to)),
            InclusionTableEvent::Withdrawn {} => self.withdrawn = true,
        }
    }
}

#[cfg(test)]
mod tests;
