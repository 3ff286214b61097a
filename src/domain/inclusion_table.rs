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
        "offer" => Offer, "the offer people were pointed to";
    }
}

/// What a published table is broken down by; offers are too many to show to everybody.
pub const PUBLISHED_BY: [InclusionBy; 4] =
    [InclusionBy::Area, InclusionBy::Community, InclusionBy::Need, InclusionBy::Partner];

impl InclusionBy {
    /// How its rows come to the whole, for figures of people and for figures of talks and prescriptions.
    const fn parts(self, of_people: bool) -> Parts {
        match (self, of_people) {
            // Somebody may have moved, or have several prescriptions; each talk and each prescription has one place.
            (Self::Area | Self::Partner | Self::Offer, false) => Parts::Add,
            (Self::Area | Self::Partner | Self::Offer, true) | (Self::Community | Self::Need, _) => {
                Parts::Overlap
            }
        }
    }

    /// Whether its rows have talks: a talk is with no partner.
    const fn has_talks(self) -> bool {
        matches!(self, Self::Area | Self::Community | Self::Need)
    }

    /// Whether its rows have people of the same whole: by partner they would be others, those with a prescription.
    const fn has_people(self) -> bool {
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
    /// Different people: talked to, or of an offer pointed there.
    pub people: u64,
    /// Talks.
    pub contacts: u64,
    /// Prescriptions that were made.
    pub made: u64,
    /// Prescriptions that people started.
    pub started: u64,
    /// Prescriptions that people completed.
    pub completed: u64,
    /// What changed, by the code of the measure.
    pub changes: BTreeMap<&'static str, Change>,
}

impl Tally {
    /// Take in what was counted of prescriptions that are of nobody else's. People are not added: somebody may be in
    /// both.
    pub fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.started += other.started;
        self.completed += other.completed;
        for (measure, change) in &other.changes {
            let sum = self.changes.entry(measure).or_default();
            sum.all.people += change.all.people;
            sum.all.sum += change.all.sum;
            sum.better += change.better;
        }
    }
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
    /// Prescriptions that were made.
    pub made: Shown,
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
        // A value keeps its keys in order, and there are only words and whole numbers in it: that is how it is stored.
        let stored = serde_json::to_value(self).map(|tables| tables.to_string());
        Hash::of(stored.unwrap_or_default().as_bytes())
    }
}

/// One figure of every row, put through the disclosure rule together with its total.
struct Column {
    whole: Shown,
    rows: BTreeMap<InclusionBy, Vec<Shown>>,
}

/// How figures are shown: exactly, or through the disclosure rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Exact,
    Published,
}

/// Which rows a figure has, and whether it counts people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    People,
    Talks,
    Prescriptions,
}

impl Counted {
    fn column(&self, manner: Manner, of: Of, figure: &dyn Fn(&Tally) -> u64) -> Column {
        let has = |by: InclusionBy| match of {
            Of::People => by.has_people(),
            Of::Talks => by.has_talks(),
            Of::Prescriptions => true,
        };
        let with = || self.by.iter().filter(|(by, _)| has(**by));
        if manner == Manner::Exact {
            let exact = |tally: &Tally| Shown::Count(figure(tally));
            let rows = with().map(|(by, rows)| (*by, rows.values().map(exact).collect()));
            return Column { whole: exact(&self.whole), rows: rows.collect() };
        }
        let parts = |(by, rows): (&InclusionBy, &BTreeMap<String, Tally>)| {
            (by.parts(of == Of::People), rows.values().map(figure).collect())
        };
        let total = figure(&self.whole);
        let published = Whole { total, is_public: false, breakdowns: with().map(parts).collect() }.publish();
        Column { whole: published.total, rows: with().map(|(by, _)| *by).zip(published.breakdowns).collect() }
    }

    fn measured(&self, manner: Manner, measure: &'static str, range: u32) -> Measured {
        let change = |tally: &Tally| tally.changes.get(measure).copied().unwrap_or_default();
        let asked = self.column(manner, Of::Prescriptions, &|tally| change(tally).all.people);
        let better = self.column(manner, Of::Prescriptions, &|tally| change(tally).better);
        let whole = (change(&self.whole).all, asked.whole);
        let (mut mean, mut by) = (None, BTreeMap::new());
        if range > 0 {
            mean = means(whole, &[], range).0;
            for (of, rows) in &self.by {
                let shown = asked.rows[of].iter().copied();
                let parts: Vec<(Changes, Shown)> =
                    rows.values().map(|row| change(row).all).zip(shown).collect();
                by.insert(*of, means(whole, &parts, range).1);
            }
        }
        Measured { measure, asked, better, mean, means: by }
    }

    /// How it may be shown to those who may not see people: the same way each time.
    #[must_use]
    pub fn publish(&self) -> PublishedTables {
        self.shown(Manner::Published)
    }

    /// As it was counted, for those who may see that; means are those that are published.
    #[must_use]
    pub fn exact(&self) -> PublishedTables {
        self.shown(Manner::Exact)
    }

    fn shown(&self, manner: Manner) -> PublishedTables {
        let people = self.column(manner, Of::People, &|tally| tally.people);
        let contacts = self.column(manner, Of::Talks, &|tally| tally.contacts);
        let made = self.column(manner, Of::Prescriptions, &|tally| tally.made);
        let started = self.column(manner, Of::Prescriptions, &|tally| tally.started);
        let completed = self.column(manner, Of::Prescriptions, &|tally| tally.completed);
        let measured: Vec<Measured> =
            self.ranges.iter().map(|(measure, range)| self.measured(manner, measure, *range)).collect();
        let row = |key: &str, at: Option<(InclusionBy, usize)>| {
            let of = |column: &Column| match at {
                None => Some(column.whole),
                Some((by, row)) => column.rows.get(&by).map(|rows| rows[row]),
            };
            let always = |column: &Column| of(column).unwrap_or(Shown::Star);
            let change = |one: &Measured| PublishedChange {
                measure: Text::own(one.measure),
                asked: always(&one.asked),
                better: always(&one.better),
                mean: at.map_or(one.mean, |(by, row)| one.means.get(&by).and_then(|means| means[row])),
            };
            PublishedRow {
                key: Text::new(key).unwrap_or_else(|_| Text::own("not_said")),
                people: of(&people),
                contacts: of(&contacts),
                made: always(&made),
                started: always(&started),
                completed: always(&completed),
                changes: measured.iter().map(change).collect(),
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
        "inclusion_table.quarter_not_over" => QuarterNotOver { to: String }, "This quarter runs until {to}: take one that is over. Tables that change from day to day would give away who was added.";
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
