//! A published figure in parts: what it counts, its value, when and where it holds, how it is printed, and whether it
//! may be added to others.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::PublicationRefusal;
use super::partial::PartialDate;
use crate::domain::calendar::Date;
use crate::domain::money::Money;
use crate::domain::places::Area;
use crate::domain::text::Text;

/// A short label of something a document states, once in the document, such as `F094`.
pub type FactLabel = Text<20>;

codes! {
    /// What a figure counts. Figures of different units are never added.
    pub enum FigureUnit {
        "people" => People, "people";
        "attendances" => Attendances, "attendances";
        "contacts" => Contacts, "contacts";
        "prescriptions" => Prescriptions, "prescriptions";
        "visits" => Visits, "visits";
        "views" => Views, "views";
        "sessions" => Sessions, "sessions";
        "courses" => Courses, "courses";
        "sites" => Sites, "sites";
        "organisations" => Organisations, "organisations";
        "pillars" => Pillars, "pillars";
        "years" => Years, "years";
        "gbp" => Gbp, "pounds";
    }
}

codes! {
    /// How a printed value is meant.
    pub enum Bound {
        "exact" => Exact, "exactly";
        "at_least" => AtLeast, "at least";
        "about" => About, "about";
    }
}

codes! {
    /// What this record counts itself, so that a published figure can be set beside it.
    pub enum Countable {
        "face_to_face_sessions" => FaceToFaceSessions, "sessions held face to face";
        "online_sessions" => OnlineSessions, "sessions held online";
        "face_to_face_attendances" => FaceToFaceAttendances, "attendances face to face";
        "online_attendances" => OnlineAttendances, "attendances online";
        "contacts" => Contacts, "contacts with advisors";
        "prescriptions" => Prescriptions, "social prescriptions";
        "views" => Views, "views of one channel";
        "courses" => Courses, "courses defined";
        "sites" => Sites, "sites of our own that are open";
    }
}

impl Countable {
    /// The unit it is counted in.
    #[must_use]
    pub const fn unit(self) -> FigureUnit {
        match self {
            Self::FaceToFaceSessions | Self::OnlineSessions => FigureUnit::Sessions,
            Self::FaceToFaceAttendances | Self::OnlineAttendances => FigureUnit::Attendances,
            Self::Contacts => FigureUnit::Contacts,
            Self::Prescriptions => FigureUnit::Prescriptions,
            Self::Views => FigureUnit::Views,
            Self::Courses => FigureUnit::Courses,
            Self::Sites => FigureUnit::Sites,
        }
    }

    /// Whether it is how many there are on a day, and not how many there were over days.
    #[must_use]
    pub const fn stands_on_a_day(self) -> bool {
        matches!(self, Self::Courses | Self::Sites)
    }
}

codes! {
    /// What stands between figures that a caveat names.
    pub enum CaveatKind {
        "conflict" => Conflict, "they disagree";
        "not_comparable" => NotComparable, "not to be compared or added";
        "caveat" => Caveat, "read with care";
    }
}

refusals! {
    /// Why a number of things counted could not be taken.
    pub enum CountProblem {
        "count.unreadable" => Unreadable, "Enter a whole number, such as 12.";
        "count.negative" => Negative, "Enter 0 or more: nothing can be counted less than not at all.";
        "count.fraction" => Fraction, "Enter a whole number: people, sessions and views come in ones.";
        "count.too_large" => TooLarge, "Enter a number below 1,000,000,000,000.";
    }
}

/// How much: a whole number, or a sum of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// A whole number, nought or more.
    Count(u64),
    /// A sum of money, GBP.
    Money(Money),
}

/// A printed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureValue {
    /// How it is meant.
    pub bound: Bound,
    /// How much.
    pub quantity: Quantity,
}

impl FigureValue {
    /// In words, with the unit: `at least 30,440 views`.
    #[must_use]
    pub fn with(self, unit: FigureUnit) -> String {
        match self.quantity {
            Quantity::Count(_) => format!("{self} {}", unit.words()),
            Quantity::Money(_) => self.to_string(),
        }
    }

    /// The value as typed, in the unit: money for pounds, a whole number for everything else.
    pub(super) fn typed(
        unit: FigureUnit,
        bound: Bound,
        count: Option<u64>,
        amount: Option<Money>,
    ) -> Result<Self, PublicationRefusal> {
        let quantity = match (count, amount) {
            (Some(count), None) if unit != FigureUnit::Gbp => Quantity::Count(count),
            (None, Some(amount)) if unit == FigureUnit::Gbp => Quantity::Money(amount),
            _ => return Err(PublicationRefusal::ValueNotOfUnit { unit: unit.words() }),
        };
        Ok(Self { bound, quantity })
    }
}

impl fmt::Display for FigureValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bound {
            Bound::Exact => {}
            Bound::AtLeast | Bound::About => write!(f, "{} ", self.bound.words())?,
        }
        match self.quantity {
            Quantity::Count(count) => f.write_str(&grouped(count)),
            Quantity::Money(amount) => amount.fmt(f),
        }
    }
}

/// A whole number for people: `13,103`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let plain = count.to_string();
    let mut words = String::with_capacity(plain.len() + plain.len() / 3);
    for (place, digit) in plain.chars().enumerate() {
        if place > 0 && (plain.len() - place).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// From when to when, each as exactly as it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// When it begins.
    pub from: PartialDate,
    /// When it ends.
    pub to: PartialDate,
}

/// When and where something holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// The period it was counted over.
    pub period: Option<Period>,
    /// The date it happened on, or as of which it was counted.
    pub date: Option<PartialDate>,
    /// The places it names, in its own words.
    pub places: Vec<Text<100>>,
    /// The areas of this record that those places stand for.
    pub areas: BTreeSet<Area>,
    /// The organisation it names.
    pub organisation: Option<Text<200>>,
}

impl Coverage {
    /// The first and the last day it can be about; none where it says nothing of time.
    #[must_use]
    pub fn days(&self) -> Option<(Date, Date)> {
        match (self.period, self.date) {
            (Some(period), _) => Some((period.from.first_day(), period.to.last_day())),
            (None, Some(date)) => Some((date.first_day(), date.last_day())),
            (None, None) => None,
        }
    }

    fn place_words(&self) -> BTreeSet<String> {
        self.places.iter().map(|place| place.as_str().to_lowercase()).collect()
    }

    /// Whether both can be about the same days and places, so that adding them could count something twice.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let days = match (self.days(), other.days()) {
            (Some((from, to)), Some((starts, ends))) => from <= ends && starts <= to,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let everywhere = |coverage: &Self| coverage.places.is_empty() && coverage.areas.is_empty();
        let places = everywhere(self)
            || everywhere(other)
            || !self.place_words().is_disjoint(&other.place_words())
            || !self.areas.is_disjoint(&other.areas);
        days && places
    }

    /// Whether both are about the very same days and places.
    pub(super) fn is_that_of(&self, other: &Self) -> bool {
        self.days() == other.days() && self.place_words() == other.place_words() && self.areas == other.areas
    }
}

/// Where and how something is printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The line of the document, from 1.
    pub line: u32,
    /// The words as printed.
    pub token: Text<300>,
    /// How they were read, where that had to be decided.
    pub reading: Option<Text<300>>,
    /// What to keep in mind.
    pub note: Option<Text<500>>,
}

/// Whether a figure may be added to others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A figure of its own.
    #[default]
    Own,
    /// The total of these, as printed: held beside the sum of its parts, and never added to them.
    TotalOf(BTreeSet<FactLabel>),
    /// The same as this one, printed again: never added to it.
    RepeatOf(FactLabel),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (count, words) in
            [(0, "0"), (862, "862"), (1105, "1,105"), (30_440, "30,440"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(count), words);
        }
        let value = FigureValue { bound: Bound::AtLeast, quantity: Quantity::Count(30_440) };
        assert_eq!(value.with(FigureUnit::Views), "at least 30,440 views");
        let grant = FigureValue { bound: Bound::Exact, quantity: Quantity::Money("40000".parse().unwrap()) };
        assert_eq!(grant.with(FigureUnit::Gbp), "£40,000.00");
    }
}
