//! The parts of an offer that have a form of their own: what it costs, where and when it is, how people reach it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::domain::money::Money;
use crate::domain::places::Area;
use crate::domain::text::Text;

refusals! {
    /// Why a particular of an offer could not be taken.
    pub enum ParticularProblem {
        "postcode.unreadable" => Postcode, "Enter a whole postcode, such as L8 1TH.";
        "point.unreadable" => PointUnreadable, "Enter latitude and longitude as decimal degrees with at most six places, such as 53.4048 and -2.9916.";
        "point.outside" => PointOutside, "This point is not in England or Wales: latitude comes first (49 to 56), then longitude (-6.5 to 2).";
        "place.not_online" => PlaceNotOnline, "A place that people go to is in an area other than online: choose that area, or say that the offer is online.";
        "time.unreadable" => Time, "Enter a time of day on the 24-hour clock, such as 10:30.";
        "time.reversed" => TimesReversed, "It ends before it begins, or at the same time: turn the times round.";
        "phone.unreadable" => Phone, "Enter a telephone number of 10 or 11 digits that begins with 0, or an international one that begins with +44.";
        "email.unreadable" => Email, "Enter an email address, such as hello@example.org.";
        "cost.unclear" => Cost, "Say what it costs: free, a donation, or an amount in pounds; an amount goes with none of the others.";
    }
}

/// What taking part costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// Nothing.
    Free,
    /// What people choose to give.
    Donation,
    /// So much each time, GBP.
    Amount(Money),
}

codes! {
    /// How people come to take part.
    pub enum Joining {
        "open" => Open, "just come along";
        "self" => SelfReferral, "get in touch yourself first";
        "referral" => Referral, "by referral";
    }
}

codes! {
    /// A day of the week.
    pub enum Weekday {
        "mon" => Monday, "Mondays";
        "tue" => Tuesday, "Tuesdays";
        "wed" => Wednesday, "Wednesdays";
        "thu" => Thursday, "Thursdays";
        "fri" => Friday, "Fridays";
        "sat" => Saturday, "Saturdays";
        "sun" => Sunday, "Sundays";
    }
}

/// A time of day on the 24-hour clock, to the minute: `10:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl FromStr for TimeOfDay {
    type Err = ParticularProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let (hour, minute) = typed.trim().split_once(':').ok_or(ParticularProblem::Time)?;
        let number = |digits: &str, below: u16| -> Result<u16, ParticularProblem> {
            let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|sign| sign.is_ascii_digit());
            digits.parse().ok().filter(|number| plain && *number < below).ok_or(ParticularProblem::Time)
        };
        if minute.len() != 2 {
            return Err(ParticularProblem::Time);
        }
        Ok(Self(number(hour, 24)? * 60 + number(minute, 60)?))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// One time in the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WeeklyTime {
    /// On which day.
    pub day: Weekday,
    /// When it begins.
    pub from: TimeOfDay,
    /// When it ends.
    pub to: TimeOfDay,
}

impl WeeklyTime {
    /// A time in the week that ends after it begins.
    ///
    /// # Errors
    /// `time.reversed`.
    pub fn new(day: Weekday, from: TimeOfDay, to: TimeOfDay) -> Result<Self, ParticularProblem> {
        if from < to { Ok(Self { day, from, to }) } else { Err(ParticularProblem::TimesReversed) }
    }
}

/// When an offer runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Schedule {
    /// The times of an ordinary week.
    pub weekly: BTreeSet<WeeklyTime>,
    /// What the week does not show, such as "the first of the month only" or "not in school holidays".
    pub note: Option<Text<200>>,
}

impl Schedule {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weekly.is_empty() && self.note.is_none()
    }
}

/// A postcode of the United Kingdom as it is written: `L8 1TH`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Postcode(String);

impl FromStr for Postcode {
    type Err = ParticularProblem;

    /// The shape is checked: an outward code of two to four signs, then a digit and two letters.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let signs: Vec<char> = typed
            .chars()
            .filter(|sign| !sign.is_whitespace())
            .map(|sign| sign.to_ascii_uppercase())
            .collect();
        let outward = signs.len().checked_sub(3).filter(|outward| (2..=4).contains(outward));
        let (outward, inward) = signs.split_at(outward.ok_or(ParticularProblem::Postcode)?);
        let form = |part: &[char]| -> String {
            let sort = |sign: &char| match sign {
                'A'..='Z' => 'a',
                '0'..='9' => '9',
                _ => '?',
            };
            part.iter().map(sort).collect()
        };
        let outward_fits = matches!(&*form(outward), "a9" | "a99" | "aa9" | "aa99" | "a9a" | "aa9a");
        if outward_fits && form(inward) == "9aa" {
            Ok(Self(format!("{} {}", String::from_iter(outward), String::from_iter(inward))))
        } else {
            Err(ParticularProblem::Postcode)
        }
    }
}

impl Postcode {
    /// The postcode as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Decimal degrees, at most six places (a tenth of a metre); stored as text, such as `-2.9916`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub struct Degrees(Decimal);

impl FromStr for Degrees {
    type Err = ParticularProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let read = Decimal::from_str_exact(typed.trim()).ok().map(|number| number.normalize());
        read.filter(|number| number.scale() <= 6).map(Self).ok_or(ParticularProblem::PointUnreadable)
    }
}

impl fmt::Display for Degrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A point on the map (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Latitude, north of the equator.
    pub lat: Degrees,
    /// Longitude, east of Greenwich; the region's are below nought.
    pub lon: Degrees,
}

impl Point {
    /// A point in England or Wales, so that latitude and longitude turned round are noticed.
    ///
    /// # Errors
    /// When either is no decimal number of at most six places, or the point lies elsewhere.
    pub fn read(lat: &str, lon: &str) -> Result<Self, ParticularProblem> {
        let (lat, lon): (Degrees, Degrees) = (lat.parse()?, lon.parse()?);
        let north = (Decimal::from(49)..=Decimal::from(56)).contains(&lat.0);
        let east = (Decimal::new(-65, 1)..=Decimal::from(2)).contains(&lon.0);
        if north && east { Ok(Self { lat, lon }) } else { Err(ParticularProblem::PointOutside) }
    }
}

/// Where people go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Venue {
    /// The area it is in; never online.
    pub area: Area,
    /// What the place is called and how it is found.
    pub name: Option<Text<200>>,
    /// Its postcode.
    pub postcode: Option<Postcode>,
    /// Where it is on the map.
    pub point: Option<Point>,
}

/// Where an offer takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferPlace {
    /// Online, or by telephone.
    Online,
    /// At a place.
    At(Venue),
}

impl OfferPlace {
    /// At a place that is not online.
    ///
    /// # Errors
    /// `place.not_online`.
    pub fn at(venue: Venue) -> Result<Self, ParticularProblem> {
        if venue.area == Area::Online { Err(ParticularProblem::PlaceNotOnline) } else { Ok(Self::At(venue)) }
    }

    /// The area it is in.
    #[must_use]
    pub const fn area(&self) -> Area {
        match self {
            Self::Online => Area::Online,
            Self::At(venue) => venue.area,
        }
    }
}

/// The telephone number under which the **organisation** answers the public: an office line, or a mobile that belongs
/// to the organisation. Never somebody's own: many small groups have only a mobile, so the record cannot tell the two
/// apart by the number, and whoever reviews the offer has to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicPhone(String);

impl FromStr for PublicPhone {
    type Err = ParticularProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let digits: String =
            typed.chars().filter(|sign| !matches!(sign, ' ' | '-' | '(' | ')' | '\u{a0}')).collect();
        let home = digits.strip_prefix("+44").map_or_else(|| digits.clone(), |rest| format!("0{rest}"));
        let right = home.starts_with('0')
            && (10..=11).contains(&home.len())
            && home.bytes().all(|sign| sign.is_ascii_digit());
        if right {
            Ok(Self(typed.split_whitespace().collect::<Vec<_>>().join(" ")))
        } else {
            Err(ParticularProblem::Phone)
        }
    }
}

impl PublicPhone {
    /// The number as it was typed, single spaces between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The email address under which the **organisation** answers the public, such as `hello@` or `groups@`: never
/// somebody's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicEmail(String);

impl FromStr for PublicEmail {
    type Err = ParticularProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let typed = typed.trim();
        let plain =
            typed.len() <= 254 && typed.chars().all(|sign| !sign.is_whitespace() && !sign.is_control());
        let parts = typed.split_once('@').filter(|(name, host)| !name.is_empty() && !host.contains('@'));
        let host = parts.and_then(|(_, host)| host.rsplit_once('.'));
        if plain && host.is_some_and(|(domain, end)| !domain.is_empty() && end.len() > 1) {
            Ok(Self(typed.to_owned()))
        } else {
            Err(ParticularProblem::Email)
        }
    }
}

impl PublicEmail {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Store values as the text people type.
macro_rules! stored_as_typed {
    ($($Type:ty),*) => { $(
        impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )* };
}

stored_as_typed!(TimeOfDay, Degrees);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postcode_is_written_one_way() {
        for (typed, written) in [("l81th", "L8 1TH"), (" PR9 0 xx", "PR9 0XX"), ("L20 4aa", "L20 4AA")] {
            assert_eq!(typed.parse::<Postcode>().unwrap().as_str(), written);
        }
        for odd in ["", "L8", "8L 1TH", "L8 TH1", "Liverpool", "L8 1TÉ"] {
            assert_eq!(odd.parse::<Postcode>(), Err(ParticularProblem::Postcode), "{odd}");
        }
    }

    #[test]
    fn a_point_turned_round_is_noticed() {
        assert!(Point::read("53.4048", "-2.9916").is_ok());
        assert_eq!(Point::read("-2.9916", "53.4048"), Err(ParticularProblem::PointOutside));
        assert_eq!(Point::read("53.40481234", "-2.9"), Err(ParticularProblem::PointUnreadable));
        assert_eq!(Point::read("north", "-2.9"), Err(ParticularProblem::PointUnreadable));
    }

    #[test]
    fn times_are_of_one_day_and_end_after_they_begin() {
        let time = |typed: &str| typed.parse::<TimeOfDay>();
        assert_eq!(time("9:05").unwrap().to_string(), "09:05");
        for odd in ["", "24:00", "9", "9:5", "10:60", "-1:00", "10:+5", "+9:00"] {
            assert_eq!(time(odd), Err(ParticularProblem::Time), "{odd}");
        }
        let (ten, noon) = (time("10:00").unwrap(), time("12:00").unwrap());
        assert!(WeeklyTime::new(Weekday::Monday, ten, noon).is_ok());
        for (from, to) in [(noon, ten), (ten, ten)] {
            let reversed = WeeklyTime::new(Weekday::Monday, from, to);
            assert_eq!(reversed, Err(ParticularProblem::TimesReversed));
        }
    }

    #[test]
    fn a_telephone_number_and_an_address_have_their_shape() {
        for good in ["0151 496 0000", "+44 151 496 0000", "01704 960000", "(0151) 496-0000"] {
            assert!(good.parse::<PublicPhone>().is_ok(), "{good}");
        }
        for odd in ["", "496 0000", "0151 496 000x", "00000000000000"] {
            assert_eq!(odd.parse::<PublicPhone>(), Err(ParticularProblem::Phone), "{odd}");
        }
        assert!("hello@example.org".parse::<PublicEmail>().is_ok());
        for odd in ["", "hello", "@example.org", "a b@example.org", "a@b", "a@b@c.org", "a@.org"] {
            assert_eq!(odd.parse::<PublicEmail>(), Err(ParticularProblem::Email), "{odd}");
        }
    }

    #[test]
    fn a_place_is_not_online() {
        let venue = |area| Venue { area, name: None, postcode: None, point: None };
        assert_eq!(OfferPlace::at(venue(Area::Online)), Err(ParticularProblem::PlaceNotOnline));
        assert_eq!(OfferPlace::at(venue(Area::SeftonSouth)).unwrap().area(), Area::SeftonSouth);
        assert_eq!(OfferPlace::Online.area(), Area::Online);
    }
}
