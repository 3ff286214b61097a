//! Pounds sterling, exactly: two decimal places, above nothing, a string on the wire, never a float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

refusals! {
    /// Why an amount could not be taken.
    pub enum MoneyProblem {
        "money.unreadable" => Unreadable, "Enter an amount in pounds, such as 2500 or 2500.00.";
        "money.too_many_places" => TooManyPlaces, "Enter pounds and pence with at most two decimal places: amounts are never rounded for you.";
        "money.not_positive" => NotPositive, "Enter an amount above £0.00.";
        "money.too_large" => TooLarge, "Enter an amount below £1,000,000,000.00.";
    }
}

/// An amount of pounds sterling: above 0.00, below 1,000,000,000.00, two decimal places. The sign of a movement
/// lives in the name of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(Decimal);

impl Money {
    /// Take an exact amount in pounds.
    ///
    /// # Errors
    /// More than two places, zero or less, or a thousand million and above.
    pub fn new(pounds: Decimal) -> Result<Self, MoneyProblem> {
        if pounds.normalize().scale() > 2 {
            return Err(MoneyProblem::TooManyPlaces);
        }
        if pounds <= Decimal::ZERO {
            return Err(MoneyProblem::NotPositive);
        }
        if pounds >= Decimal::from(1_000_000_000) {
            return Err(MoneyProblem::TooLarge);
        }
        let mut exact = pounds;
        exact.rescale(2);
        Ok(Self(exact))
    }

    /// What is left of a sum, when anything is.
    #[must_use]
    pub fn some(pounds: Decimal) -> Option<Self> {
        Self::new(pounds).ok()
    }

    /// The amount in pounds, two places.
    #[must_use]
    pub const fn pounds(self) -> Decimal {
        self.0
    }

    /// Split into shares by whole-number weights: each share rounded down to the penny, the odd pennies on the
    /// last line. Shares of nothing are left out of what comes back as `None`.
    #[must_use]
    pub fn split(self, weights: &[u32]) -> Vec<Option<Self>> {
        let whole: u32 = weights.iter().sum();
        let mut left = self.0;
        let last = weights.len().saturating_sub(1);
        weights
            .iter()
            .enumerate()
            .map(|(line, weight)| {
                let share = if line == last {
                    left
                } else {
                    (self.0 * Decimal::from(*weight) / Decimal::from(whole.max(1))).trunc_with_scale(2)
                };
                left -= share;
                Self::some(share)
            })
            .collect()
    }
}

/// A sum in pounds, two places. Unlike an amount it may be nothing, or below it; on the wire it is a string as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum(Decimal);

impl Sum {
    /// The sum in pounds, two places.
    #[must_use]
    pub const fn pounds(self) -> Decimal {
        self.0
    }
}

impl From<Decimal> for Sum {
    /// A sum of amounts has no more than two places.
    fn from(mut pounds: Decimal) -> Self {
        pounds.rescale(2);
        Self(pounds)
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pounds(self.0))
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&plain(self.0))
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = String::deserialize(deserializer)?;
        Decimal::from_str_exact(&stored).map(Self::from).map_err(D::Error::custom)
    }
}

impl FromStr for Money {
    type Err = MoneyProblem;

    /// Read what an API client or a person typed: `2500`, `2500.00`, `£2,500.00`.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let bare = typed.trim();
        let bare = bare.strip_prefix('£').unwrap_or(bare).trim();
        let (whole, pence) = bare.split_once('.').map_or((bare, None), |(w, p)| (w, Some(p)));
        let grouped = whole.contains(',');
        if grouped {
            let mut groups = whole.trim_start_matches('-').split(',');
            let first = groups.next().unwrap_or_default();
            if first.is_empty() || first.len() > 3 || groups.any(|group| group.len() != 3) {
                return Err(MoneyProblem::Unreadable);
            }
        }
        if bare.len() > 40
            || pence == Some("")
            || !bare.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-'))
        {
            return Err(MoneyProblem::Unreadable);
        }
        if pence.is_some_and(|pence| pence.len() > 2) {
            return Err(MoneyProblem::TooManyPlaces);
        }
        let plain = bare.replace(',', "");
        Self::new(Decimal::from_str_exact(&plain).map_err(|_| MoneyProblem::Unreadable)?)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pounds(self.0))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Stored;
        impl serde::de::Visitor<'_> for Stored {
            type Value = Money;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount of pounds as a string with two decimal places")
            }
            fn visit_str<E: serde::de::Error>(self, stored: &str) -> Result<Money, E> {
                let pounds = Decimal::from_str_exact(stored).map_err(E::custom)?;
                Money::new(pounds).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Stored).map_err(D::Error::custom)
    }
}

/// A control total: a sum of amounts in whole pence, nought or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pence(u64);

impl Pence {
    /// What some amounts come to.
    pub fn of(amounts: impl IntoIterator<Item = Money>) -> Self {
        // An amount has exactly two places, so its digits are its pence.
        Self(amounts.into_iter().map(|amount| u64::try_from(amount.0.mantissa()).unwrap_or_default()).sum())
    }

    /// The pence.
    #[must_use]
    pub const fn count(self) -> u64 {
        self.0
    }

    /// The sum in pounds, two places.
    #[must_use]
    pub fn pounds(self) -> Decimal {
        Decimal::from_i128_with_scale(self.0.into(), 2)
    }
}

impl fmt::Display for Pence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&pounds(self.pounds()))
    }
}

/// A sum in pounds for people: `£1,234.50`, `−£3.00`. Any sign, any size.
#[must_use]
pub fn pounds(sum: Decimal) -> String {
    let mut exact = sum.abs();
    exact.rescale(2);
    let plain = exact.to_string();
    let (whole, pence) = plain.split_once('.').unwrap_or((&plain, "00"));
    let mut grouped = String::with_capacity(plain.len() + 6);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if sum < Decimal::ZERO { "−" } else { "" };
    format!("{sign}£{grouped}.{pence}")
}

/// A sum in pounds for programs: `1234.50`, `-3.00`; always two places.
#[must_use]
pub fn plain(sum: Decimal) -> String {
    let mut exact = sum;
    exact.rescale(2);
    exact.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_type_is_read_exactly_or_refused() {
        let read = |typed: &str| typed.parse::<Money>();
        assert_eq!(read("£2,500.00").unwrap().to_string(), "£2,500.00");
        assert_eq!(read(" 2500 ").unwrap().pounds().to_string(), "2500.00");
        assert_eq!(read("0.01").unwrap().to_string(), "£0.01");
        assert_eq!(read("2.505"), Err(MoneyProblem::TooManyPlaces));
        assert_eq!(read("2.500"), Err(MoneyProblem::TooManyPlaces));
        assert_eq!(read("-5"), Err(MoneyProblem::NotPositive));
        assert_eq!(read("0.00"), Err(MoneyProblem::NotPositive));
        assert_eq!(read("1000000000"), Err(MoneyProblem::TooLarge));
        for odd in ["", "ten", "1e3", "1,00", "12,34,567", "£", "1.", "1..2", "NaN", "٣"] {
            assert_eq!(read(odd), Err(MoneyProblem::Unreadable), "{odd:?}");
        }
    }

    #[test]
    fn a_sum_may_be_nothing_or_below_it() {
        for stored in [r#""0.00""#, r#""-12.50""#, r#""1000000000.00""#] {
            let sum: Sum = serde_json::from_str(stored).unwrap();
            assert_eq!(serde_json::to_string(&sum).unwrap(), stored);
        }
        assert!(serde_json::from_str::<Sum>("1.5").is_err(), "never a number");
    }

    #[test]
    fn the_wire_form_is_a_string_with_two_places() {
        let money: Money = "1234.5".parse().unwrap();
        assert_eq!(serde_json::to_string(&money).unwrap(), r#""1234.50""#);
        assert!(serde_json::from_str::<Money>("12.5").is_err(), "a number is never read as money");
        assert_eq!(pounds(Decimal::new(-123_456_789, 2)), "−£1,234,567.89");
    }

    #[test]
    fn a_control_total_is_exact_in_pence() {
        let amounts = ["2500", "0.01", "1234.50"].map(|typed| typed.parse::<Money>().unwrap());
        let total = Pence::of(amounts);
        assert_eq!((total.count(), total.to_string().as_str()), (373_451, "£3,734.51"));
        assert_eq!(plain(total.pounds()), "3734.51");
        assert_eq!(serde_json::to_string(&total).unwrap(), "373451");
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing(pence in 1_i64..100_000_000, weights in prop::collection::vec(1_u32..100, 1..8)) {
            let whole = Money::new(Decimal::new(pence, 2)).unwrap();
            let parts: Decimal = whole.split(&weights).into_iter().flatten().map(Money::pounds).sum();
            prop_assert_eq!(parts, whole.pounds());
        }
    }
}
