//! Statistical disclosure control: how counts of people may be shown to those who may not see the people.
//!
//! The rule is the NHS's for hospital statistics: nought stays nought, 1 to 7 becomes a star, the rest goes to the
//! nearest 5. Hiding small counts alone is undone by whoever subtracts what is shown from the total, so beside it stands
//! a check of what can be worked out: for each star, the least and the most it can be, given everything else that is
//! published. A star must go on saying 1 to 7 and nothing more; where it would say more, something else is starred too.
//!
//! Everything here follows from the counts as the plain rule shows them, never from the counts themselves, and in a
//! fixed order: the same counts are shown the same way every time.

mod means;
mod network;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

pub use means::{Changes, Mean, means};
use network::{Edge, Network};

/// The most that is small: a count of people from 1 to this is not shown.
pub const SMALL: u64 = 7;
/// What larger counts are rounded to the nearest of.
pub const STEP: u64 = 5;
/// How far a rounded count can be from the count.
const SLACK: i64 = 2;
/// More than any count.
const WITHOUT_END: i64 = 1 << 40;

/// A count as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shown {
    /// Withheld: small, or something small could be worked out from it.
    Star,
    /// Nought, or the nearest multiple of 5.
    Count(u64),
}

impl Shown {
    /// A count by the plain rule, without a look at what stands beside it.
    #[must_use]
    pub const fn plain(count: u64) -> Self {
        match count {
            0 => Self::Count(0),
            1..=SMALL => Self::Star,
            _ => Self::Count((count + STEP / 2) / STEP * STEP),
        }
    }

    /// The figure, where one is shown.
    #[must_use]
    pub const fn count(self) -> Option<u64> {
        match self {
            Self::Star => None,
            Self::Count(count) => Some(count),
        }
    }

    /// The per cent that one published count is of another. It is worked out from what is published alone, so it says
    /// nothing that those two do not.
    #[must_use]
    pub fn percent_of(self, whole: Self) -> Option<u64> {
        let (part, whole) = (self.count()?, whole.count().filter(|whole| *whole > 0)?);
        Some(((200 * part + whole) / (2 * whole)).min(100))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Star => f.write_str("*"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "*" => Ok(Self::Star),
            count => count.parse().map(Self::Count).map_err(D::Error::custom),
        }
    }
}

/// How the parts of a breakdown come to the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parts {
    /// Each is in one part: the parts add up to the whole.
    Add,
    /// Somebody may be in several parts: they come to the whole or more.
    Overlap,
}

/// A whole that is published once and broken down in several ways: the same people by area, by need and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// How many.
    pub total: u64,
    /// Whether everybody may know it exactly; it is then shown as it is.
    pub is_public: bool,
    /// Each breakdown, with its parts in the order they are shown.
    pub breakdowns: Vec<(Parts, Vec<u64>)>,
}

/// A [`Whole`] as it is published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Published {
    /// How many in all.
    pub total: Shown,
    /// Each breakdown, in the same order.
    pub breakdowns: Vec<Vec<Shown>>,
}

impl Whole {
    /// How it may be published.
    #[must_use]
    pub fn publish(&self) -> Published {
        // The whole flows through one breakdown after another, and back to where it began.
        let mut plan = Plan::default();
        let stages = self.breakdowns.len();
        let total = plan.figure((2 * stages, 0), self.total, Place::Total { is_public: self.is_public });
        let mut parts = Vec::new();
        for (stage, (kind, counts)) in self.breakdowns.iter().enumerate() {
            let ends = (2 * stage, 2 * stage + 1);
            let cells = counts.iter().map(|count| plan.figure(ends, *count, Place::Cell(stage)));
            parts.push(cells.collect::<Vec<_>>());
            let parts: u64 = counts.iter().sum();
            let (over, under) = (parts.saturating_sub(self.total), self.total.saturating_sub(parts));
            if *kind == Parts::Overlap {
                plan.overlapping.push(stage);
            }
            if *kind == Parts::Overlap || over > 0 {
                plan.figure((ends.1, ends.0), over, Place::Unseen);
            }
            if under > 0 {
                plan.figure(ends, under, Place::Unseen);
            }
            plan.figure((ends.1, ends.1 + 1), self.total, Place::Unseen);
        }
        let shown = plan.publish();
        Published {
            total: shown[total],
            breakdowns: parts.iter().map(|cells| cells.iter().map(|cell| shown[*cell]).collect()).collect(),
        }
    }
}

/// Two tables of the same people that share the totals of their rows: communities by need and communities by place.
/// Each part is counted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    /// Row by row, what stands in the columns of the first table.
    pub left: Vec<Vec<u64>>,
    /// Row by row, what stands in the columns of the second table.
    pub right: Vec<Vec<u64>>,
}

/// [`Crossed`] tables as they are published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublishedCrossed {
    /// How many in all.
    pub total: Shown,
    /// The totals of the rows, which both tables share.
    pub rows: Vec<Shown>,
    /// For each table the totals of its columns.
    pub columns: [Vec<Shown>; 2],
    /// For each table its cells, row by row.
    pub cells: [Vec<Vec<Shown>>; 2],
}

impl Crossed {
    /// How they may be published.
    #[must_use]
    pub fn publish(&self) -> PublishedCrossed {
        // From the columns of the first table through the rows, which both share, to the columns of the second.
        let mut plan = Plan::default();
        let (rows, widths) = (self.left.len(), [width(&self.left), width(&self.right)]);
        let (begin, end) = (0, 1);
        let row = |at: usize| (2 + at, 2 + rows + at);
        let column = |table: usize, at: usize| 2 + 2 * rows + table * widths[0] + at;
        let sums: Vec<u64> = self.left.iter().map(|row| row.iter().sum()).collect();
        let total = plan.figure((end, begin), sums.iter().sum(), Place::Total { is_public: false });
        let rows: Vec<usize> = (0..rows).map(|at| plan.figure(row(at), sums[at], Place::Margin)).collect();
        let mut columns = [Vec::new(), Vec::new()];
        let mut cells = [Vec::new(), Vec::new()];
        for (table, counts) in [&self.left, &self.right].into_iter().enumerate() {
            for at in 0..widths[table] {
                let sum = counts.iter().map(|row| row[at]).sum();
                let ends = if table == 0 { (begin, column(0, at)) } else { (column(1, at), end) };
                columns[table].push(plan.figure(ends, sum, Place::Margin));
            }
            for (line, counts) in counts.iter().enumerate() {
                let block = table * rows.len() + line;
                let cell = |(at, count): (usize, &u64)| {
                    let ends =
                        if table == 0 { (column(0, at), row(line).0) } else { (row(line).1, column(1, at)) };
                    plan.figure(ends, *count, Place::Cell(block))
                };
                cells[table].push(counts.iter().enumerate().map(cell).collect::<Vec<_>>());
            }
        }
        let shown = plan.publish();
        let of = |figures: &Vec<usize>| -> Vec<Shown> { figures.iter().map(|at| shown[*at]).collect() };
        PublishedCrossed {
            total: shown[total],
            rows: of(&rows),
            columns: [of(&columns[0]), of(&columns[1])],
            cells: cells.each_ref().map(|table| table.iter().map(of).collect()),
        }
    }
}

fn width(table: &[Vec<u64>]) -> usize {
    table.first().map_or(0, Vec::len)
}

/// Where a figure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole of everything.
    Total { is_public: bool },
    /// The sum of a row or a column.
    Margin,
    /// A part, in a block of parts that are withheld together where nothing else helps.
    Cell(usize),
    /// Not published, but it must come to something.
    Unseen,
}

/// What somebody who reads a publication knows of a figure, at the worst: which stars are small is taken as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is.
    Exact,
    /// By the plain rule.
    Plain,
    /// Starred for the sake of another, though it is not small.
    Covering,
    /// Withheld with its whole block, noughts and all.
    Veiled,
    /// Never published.
    Unseen,
}

/// A publication being prepared: its figures flow, and what flows into a node flows out of it.
#[derive(Debug, Default)]
struct Plan {
    figures: Vec<(u64, Place, Form)>,
    network: Network,
    /// The blocks whose parts overlap.
    overlapping: Vec<usize>,
}

impl Plan {
    fn figure(&mut self, (from, to): (usize, usize), count: u64, place: Place) -> usize {
        let form = match place {
            Place::Total { is_public: true } => Form::Exact,
            Place::Total { is_public: false } | Place::Margin | Place::Cell(_) => Form::Plain,
            Place::Unseen => Form::Unseen,
        };
        self.figures.push((count, place, form));
        let flow = i64::try_from(count).unwrap_or(WITHOUT_END);
        self.network.add(Edge { from, to, flow, low: 0, high: 0 });
        let figure = self.figures.len() - 1;
        self.set(figure, form);
        figure
    }

    fn set(&mut self, figure: usize, form: Form) {
        self.figures[figure].2 = form;
        let shown = Shown::plain(self.figures[figure].0);
        let edge = &mut self.network.edges[figure];
        (edge.low, edge.high) = match (form, shown) {
            (Form::Exact, _) => (edge.flow, edge.flow),
            (Form::Plain, Shown::Star) => (1, 7),
            (Form::Plain, Shown::Count(0)) => (0, 0),
            (Form::Plain, Shown::Count(count)) => {
                let count = i64::try_from(count).unwrap_or(WITHOUT_END);
                ((count - SLACK).max(8), count + SLACK)
            }
            (Form::Covering, _) => (8, WITHOUT_END),
            (Form::Veiled | Form::Unseen, _) => (0, WITHOUT_END),
        };
    }

    fn publish(mut self) -> Vec<Shown> {
        // Where the whole is small its parts are not shown, not even the noughts among them.
        if self.figures.iter().any(|(count, place, form)| {
            matches!(place, Place::Total { .. })
                && *form == Form::Plain
                && Shown::plain(*count) == Shown::Star
        }) {
            for figure in 0..self.figures.len() {
                if matches!(self.figures[figure].1, Place::Cell(_) | Place::Margin) {
                    self.set(figure, Form::Veiled);
                }
            }
        }
        while let Some(exposed) = (0..self.figures.len()).find(|figure| self.is_exposed(*figure)) {
            if !self.cover(exposed) {
                break;
            }
        }
        self.figures
            .iter()
            .map(|(count, _, form)| match form {
                Form::Exact => Shown::Count(*count),
                Form::Plain => Shown::plain(*count),
                Form::Covering | Form::Veiled | Form::Unseen => Shown::Star,
            })
            .collect()
    }

    /// Whether more can be worked out of a small count than that it is small.
    fn is_exposed(&self, figure: usize) -> bool {
        let (count, _, form) = self.figures[figure];
        let is_withheld = matches!(form, Form::Plain | Form::Veiled);
        if !is_withheld || Shown::plain(count) != Shown::Star {
            return false;
        }
        let (least, most) = self.network.range(figure, (1, 7));
        least > 1 || most < 7 || self.is_pressed(figure)
    }

    /// Whether a star among parts that overlap would have to be more than 1 if everything shown were what it says: such
    /// parts have no other end to hide behind, so what is rounded is given no benefit of the doubt.
    fn is_pressed(&self, figure: usize) -> bool {
        let (_, Place::Cell(block), Form::Plain) = self.figures[figure] else { return false };
        if !self.overlapping.contains(&block) {
            return false;
        }
        let most = |(at, (count, place, form)): (usize, &(u64, Place, Form))| match (*place, *form) {
            (Place::Cell(of), Form::Plain) if of == block && at != figure => {
                Some(Shown::plain(*count).count().unwrap_or(SMALL))
            }
            (Place::Cell(of), _) if of == block && at != figure => None,
            _ => Some(0),
        };
        let others: Option<u64> = self.figures.iter().enumerate().map(most).sum();
        let total = self.figures.iter().find(|(_, place, _)| matches!(place, Place::Total { .. }));
        let total = total.and_then(|(count, _, _)| Shown::plain(*count).count()).unwrap_or_default();
        others.is_some_and(|others| total > others + 1)
    }

    /// Withhold something more, so that less can be worked out of a figure. False when nothing is left to withhold.
    fn cover(&mut self, exposed: usize) -> bool {
        let Edge { from, to, .. } = self.network.edges[exposed];
        let touches = |edge: &Edge| [edge.from, edge.to].iter().any(|node| [from, to].contains(node));
        let beside = (0..self.figures.len())
            .filter(|figure| touches(&self.network.edges[*figure]))
            .filter_map(|figure| match self.figures[figure] {
                (count, Place::Cell(_), Form::Plain) => Some((Shown::plain(count).count()?, figure)),
                _ => None,
            })
            .filter(|(count, _)| *count > 0)
            .min();
        if let Some((_, figure)) = beside {
            self.set(figure, Form::Covering);
            return true;
        }
        let is_open = |form: Form| matches!(form, Form::Plain | Form::Covering);
        let own = match self.figures[exposed] {
            (_, Place::Cell(block), form) if is_open(form) => Some(block),
            _ => None,
        };
        let next =
            self.figures.iter().filter(|(_, _, form)| is_open(*form)).find_map(|(_, place, _)| match place {
                Place::Cell(block) => Some(*block),
                Place::Total { .. } | Place::Margin | Place::Unseen => None,
            });
        let withheld: Vec<usize> = (0..self.figures.len())
            .filter(|figure| match (own.or(next), self.figures[*figure]) {
                (Some(block), (_, Place::Cell(of), _)) => of == block,
                (None, (_, Place::Margin, form)) => is_open(form),
                _ => false,
            })
            .collect();
        for figure in &withheld {
            self.set(*figure, Form::Veiled);
        }
        !withheld.is_empty()
    }
}

#[cfg(test)]
mod tests;
