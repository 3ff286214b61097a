//! Dates as documents print them: a day, a month or only a year, never made more exact than they are.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, Months};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::domain::calendar::{Date, day};

codes! {
    /// How exactly a date is known.
    pub enum Precision {
        "year" => Year, "a year";
        "month" => Month, "a month";
        "day" => Day, "a day";
    }
}

/// A date as exactly as it is known, written `2022`, `2022-04` or `2022-04-09` (ISO 8601 with reduced precision).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    first: Date,
    precision: Precision,
}

refusals! {
    /// Why a date of a document could not be taken.
    pub enum PartialDateProblem {
        "partial_date.unreadable" => Unreadable, "Enter the date as exactly as it is printed: 2022, 2022-04 or 2022-04-09.";
    }
}

impl PartialDate {
    /// A day.
    #[must_use]
    pub const fn day(on: Date) -> Self {
        Self { first: on, precision: Precision::Day }
    }

    /// The first day it can mean.
    #[must_use]
    pub const fn first_day(self) -> Date {
        self.first
    }

    /// The last day it can mean.
    #[must_use]
    pub fn last_day(self) -> Date {
        let months = match self.precision {
            Precision::Day => return self.first,
            Precision::Month => 1,
            Precision::Year => 12,
        };
        let next = self.first.checked_add_months(Months::new(months));
        next.and_then(|next| next.pred_opt()).unwrap_or(self.first)
    }

    /// How exactly it is known.
    #[must_use]
    pub const fn precision(self) -> Precision {
        self.precision
    }

    /// For people: `9 April 2022`, `April 2022`, `2022`.
    #[must_use]
    pub fn words(self) -> String {
        match self.precision {
            Precision::Day => day(self.first),
            Precision::Month => self.first.format("%B %Y").to_string(),
            Precision::Year => self.first.format("%Y").to_string(),
        }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.precision {
            Precision::Day => "%Y-%m-%d",
            Precision::Month => "%Y-%m",
            Precision::Year => "%Y",
        };
        write!(f, "{}", self.first.format(form))
    }
}

impl FromStr for PartialDate {
    type Err = PartialDateProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let typed = typed.trim();
        let (whole, precision) = match typed.len() {
            4 => (format!("{typed}-01-01"), Precision::Year),
            7 => (format!("{typed}-01"), Precision::Month),
            10 => (typed.to_owned(), Precision::Day),
            _ => return Err(PartialDateProblem::Unreadable),
        };
        let first = Date::parse_from_str(&whole, "%Y-%m-%d").map_err(|_| PartialDateProblem::Unreadable)?;
        let read = Self { first, precision };
        // What was read is what was written: `2022-4-09` is not, nor is a year before 1900.
        if read.to_string() == typed && (1900..2200).contains(&first.year()) {
            Ok(read)
        } else {
            Err(PartialDateProblem::Unreadable)
        }
    }
}

impl Serialize for PartialDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PartialDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_exact_as_it_is_printed() {
        for (written, words, last) in [
            ("2020", "2020", "2020-12-31"),
            ("2020-02", "February 2020", "2020-02-29"),
            ("2016-05-09", "9 May 2016", "2016-05-09"),
        ] {
            let read: PartialDate = written.parse().unwrap();
            assert_eq!((read.to_string(), read.words()), (written.to_owned(), words.to_owned()));
            assert_eq!(read.last_day().to_string(), last);
            assert_eq!(serde_json::to_value(read).unwrap(), written);
        }
        for odd in ["", "May 2016", "2016-13", "2016-5", "2016-05-9", "2016-05-32", "1066", "20a6"] {
            assert_eq!(odd.parse::<PartialDate>(), Err(PartialDateProblem::Unreadable), "{odd}");
        }
    }
}
