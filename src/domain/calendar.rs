//! Business dates in Europe/London and the financial year, which runs from 1 April to 31 March.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
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

/// The bank holidays of England and Wales from 2024 to 2028, as GOV.UK publishes them
/// (<https://www.gov.uk/bank-holidays>): year, month, day, with substitute days where a holiday falls on a weekend.
/// A year that is not listed has weekends only: add its line when its dates are out.
const BANK_HOLIDAYS: [(i32, [(u32, u32); 8]); 5] = [
    (2024, [(1, 1), (3, 29), (4, 1), (5, 6), (5, 27), (8, 26), (12, 25), (12, 26)]),
    (2025, [(1, 1), (4, 18), (4, 21), (5, 5), (5, 26), (8, 25), (12, 25), (12, 26)]),
    (2026, [(1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25), (12, 28)]),
    (2027, [(1, 1), (3, 26), (3, 29), (5, 3), (5, 31), (8, 30), (12, 27), (12, 28)]),
    (2028, [(1, 3), (4, 14), (4, 17), (5, 1), (5, 29), (8, 28), (12, 25), (12, 26)]),
];

/// Whether a date is a working day in England and Wales: Monday to Friday, and no bank holiday.
#[must_use]
pub fn is_working_day(date: Date) -> bool {
    let holidays = BANK_HOLIDAYS.iter().filter(|(year, _)| *year == date.year()).flat_map(|(_, days)| days);
    let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
    !weekend && !holidays.into_iter().any(|(month, day)| (*month, *day) == (date.month(), date.day()))
}

/// How many working days there are after a date, up to and including another. From a Monday to the Tuesday after it:
/// one.
#[must_use]
pub fn working_days(after: Date, until: Date) -> u32 {
    let days = after.iter_days().skip(1).take_while(|date| *date <= until);
    u32::try_from(days.filter(|date| is_working_day(*date)).count()).unwrap_or(u32::MAX)
}

/// The date some working days after another; for none, that date itself.
#[must_use]
pub fn working_days_after(date: Date, days: u32) -> Date {
    let mut later = date.iter_days().skip(1).filter(|date| is_working_day(*date));
    days.checked_sub(1).and_then(|before| later.nth(before as usize)).unwrap_or(date)
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

    #[test]
    fn weekends_and_bank_holidays_are_no_working_days() {
        let date = |written: &str| read(written).unwrap();
        // Good Friday to Easter Monday 2026, and the substitute day of Boxing Day.
        for off in ["2026-04-03", "2026-04-04", "2026-04-05", "2026-04-06", "2026-12-28", "2028-01-03"] {
            assert!(!is_working_day(date(off)), "{off}");
        }
        for on in ["2026-04-02", "2026-04-07", "2026-12-29", "2028-01-04"] {
            assert!(is_working_day(date(on)), "{on}");
        }
        for (year, days) in BANK_HOLIDAYS {
            for (month, day) in days {
                let day = Date::from_ymd_opt(year, month, day).unwrap();
                assert!(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun), "{day} needs no holiday");
            }
        }
    }

    #[test]
    fn working_days_are_counted_after_the_first_day() {
        let date = |written: &str| read(written).unwrap();
        for (after, until, days) in [
            ("2026-04-01", "2026-04-01", 0),
            ("2026-04-01", "2026-04-02", 1),
            ("2026-04-02", "2026-04-06", 0),
            ("2026-04-02", "2026-04-08", 2),
            ("2026-04-08", "2026-04-02", 0),
        ] {
            assert_eq!(working_days(date(after), date(until)), days, "{after} to {until}");
        }
        assert_eq!(working_days_after(date("2026-04-02"), 0), date("2026-04-02"));
        assert_eq!(working_days_after(date("2026-04-02"), 2), date("2026-04-08"));
        assert_eq!(working_days_after(date("2026-04-05"), 1), date("2026-04-07"));
    }
}
