//! Business dates in Europe/London and the financial year, which runs from 1 April to 31 March.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::London;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A business date, without a time of day.
pub type Date = NaiveDate;

/// The business date of an instant: the date on a calendar in London.
#[must_use]
pub fn date_in_london(instant: DateTime<Utc>) -> Date {
    instant.with_timezone(&London).date_naive()
}

/// The first instant after a business date: everything recorded on the date lies before it.
#[must_use]
pub fn end_of_day_in_london(date: Date) -> DateTime<Utc> {
    let next = date.succ_opt().unwrap_or(date).and_time(NaiveTime::MIN);
    London.from_local_datetime(&next).earliest().map_or_else(|| next.and_utc(), |local| local.to_utc())
}

refusals! {
    /// Why a date could not be taken.
    pub enum DateProblem {
        "date.unreadable" => Unreadable, "Enter a real date as year-month-day, such as 2026-04-01.";
        "date.out_of_range" => OutOfRange, "Enter a date from 2000 to 2199.";
    }
}

/// Read a date as the API writes it, `2026-04-01`; years from 2000 to 2199.
///
/// # Errors
/// When it is no date, or out of range.
pub fn read(typed: &str) -> Result<Date, DateProblem> {
    let typed = typed.trim();
    let date = Date::parse_from_str(typed, "%Y-%m-%d").map_err(|_| DateProblem::Unreadable)?;
    if typed.len() != 10 {
        return Err(DateProblem::Unreadable);
    }
    if (2000..2200).contains(&date.year()) { Ok(date) } else { Err(DateProblem::OutOfRange) }
}

/// A date for people: `6 August 2018`.
#[must_use]
pub fn day(date: Date) -> String {
    date.format("%-d %B %Y").to_string()
}

/// A financial year, named by the calendar year it begins in: 2025 runs from 1 April 2025 to 31 March 2026.
/// Written `2025/26`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FinancialYear(i32);

impl FinancialYear {
    /// The financial year that begins on 1 April of `year`. Years from 2000 to 2199 are known.
    #[must_use]
    pub fn beginning(year: i32) -> Option<Self> {
        (2000..2200).contains(&year).then_some(Self(year))
    }

    /// The financial year a date falls in.
    #[must_use]
    pub fn of(date: Date) -> Self {
        Self(if date.month() >= 4 { date.year() } else { date.year() - 1 })
    }

    /// The calendar year it begins in.
    #[must_use]
    pub const fn begins_in(self) -> i32 {
        self.0
    }

    /// The year after it.
    #[must_use]
    pub const fn following(self) -> Self {
        Self(self.0 + 1)
    }

    /// Its last day, 31 March.
    #[must_use]
    pub fn last_day(self) -> Date {
        Date::from_ymd_opt(self.0 + 1, 3, 31).unwrap_or_default()
    }
}

impl fmt::Display for FinancialYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:02}", self.0, (self.0 + 1) % 100)
    }
}

impl FromStr for FinancialYear {
    type Err = YearProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let (first, second) = typed.trim().split_once('/').ok_or(YearProblem::Unreadable)?;
        let begins: i32 = first.parse().map_err(|_| YearProblem::Unreadable)?;
        let year = Self::beginning(begins).ok_or(YearProblem::Unreadable)?;
        if second.len() != 2 || second.parse() != Ok((begins + 1) % 100) {
            return Err(YearProblem::Unreadable);
        }
        Ok(year)
    }
}

refusals! {
    /// Why a financial year could not be taken.
    pub enum YearProblem {
        "year.unreadable" => Unreadable, "Enter a financial year such as 2025/26: it runs from 1 April to 31 March.";
    }
}

impl Serialize for FinancialYear {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FinancialYear {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_turns_on_the_first_of_april() {
        let date = |y, m, d| Date::from_ymd_opt(y, m, d).unwrap();
        assert_eq!(FinancialYear::of(date(2026, 3, 31)).to_string(), "2025/26");
        assert_eq!(FinancialYear::of(date(2026, 4, 1)).to_string(), "2026/27");
        let year: FinancialYear = "2025/26".parse().unwrap();
        assert_eq!((year.last_day(), year.following().to_string()), (date(2026, 3, 31), "2026/27".into()));
        assert_eq!("2099/00".parse::<FinancialYear>().unwrap().begins_in(), 2099);
        for odd in ["2025", "2025/27", "2025/026", "25/26", "1066/67"] {
            assert!(odd.parse::<FinancialYear>().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_summer_evening_belongs_to_the_london_day() {
        let instant = Utc.with_ymd_and_hms(2026, 3, 31, 23, 30, 0).unwrap();
        assert_eq!(date_in_london(instant), Date::from_ymd_opt(2026, 4, 1).unwrap());
        let end = end_of_day_in_london(Date::from_ymd_opt(2026, 3, 31).unwrap());
        assert_eq!(end, Utc.with_ymd_and_hms(2026, 3, 31, 23, 0, 0).unwrap());
    }
}
