//! Who a person is: name, ways to reach them, date of birth, NHS number, what helps. For the vault, never for the log.

use std::fmt;

use chrono::Datelike as _;
use serde::{Deserialize, Serialize};

use super::nhs_number::NhsNumber;
use crate::domain::calendar::Date;
use crate::domain::text::{Text, TextProblem};

refusals! {
    /// Why a detail of a person could not be taken. None of them repeats what was typed.
    pub enum DetailsProblem {
        "details.phone_unreadable" => PhoneUnreadable, "Enter the telephone number with its digits, such as 0151 496 0000 or +44 7700 900000, or leave it out.";
        "details.email_unreadable" => EmailUnreadable, "Enter the email address with one @ and no spaces, such as name@example.org, or leave it out.";
        "details.birth_unreadable" => BirthUnreadable, "Enter the date of birth as year-month-day, such as 1968-11-30, or leave it out.";
        "details.birth_out_of_range" => BirthOutOfRange, "Look at the date of birth again: it lies ahead, or before 1900.";
        "details.too_long" => TooLong { why: TextProblem }, "{why}";
    }
}

/// Who a person is. Printing it for the developer shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What they are called.
    pub name: Text<120>,
    /// Their telephone number.
    pub phone: Option<Text<30>>,
    /// Their email address.
    pub email: Option<Text<200>>,
    /// Where letters reach them.
    pub address: Option<Text<400>>,
    /// When they were born.
    pub date_of_birth: Option<Date>,
    /// Their NHS number.
    pub nhs_number: Option<NhsNumber>,
    /// What helps them take part, and how they want to be reached.
    pub notes: Option<Text<2000>>,
}

impl Details {
    /// The text that the vault keeps. The same details are the same text.
    #[must_use]
    pub fn to_vault(&self) -> String {
        serde_json::to_value(self).unwrap_or_default().to_string()
    }

    /// Read a text that the vault kept.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_vault(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// By what the person can be found again: the NHS number, and the name with the date of birth.
    #[must_use]
    pub fn findable(&self) -> Vec<Sought> {
        let number = self.nhs_number.clone().map(Sought::NhsNumber);
        let birth = self.date_of_birth.map(|born| Sought::NameAndBirth(self.name.clone(), born));
        number.into_iter().chain(birth).collect()
    }
}

/// What a person is looked for by.
#[derive(Clone, PartialEq, Eq)]
pub enum Sought {
    /// The NHS number.
    NhsNumber(NhsNumber),
    /// The name and the date of birth.
    NameAndBirth(Text<120>, Date),
}

impl Sought {
    /// The term that equal ones share: names are equal in any order of their words, in capitals or not, with or without
    /// commas and dots. It says who it is, so it is never stored; the vault keeps a keyed hash of it.
    #[must_use]
    pub fn term(&self) -> String {
        match self {
            Self::NhsNumber(number) => format!("nhs_number {}", number.digits()),
            Self::NameAndBirth(name, born) => {
                let plain: String = name
                    .as_str()
                    .to_lowercase()
                    .chars()
                    .filter(|sign| !matches!(sign, '\'' | '’' | '.'))
                    .map(|sign| if sign.is_alphanumeric() { sign } else { ' ' })
                    .collect();
                let mut words: Vec<&str> = plain.split_whitespace().collect();
                words.sort_unstable();
                format!("name_and_birth {born} {}", words.join(" "))
            }
        }
    }
}

/// Read a telephone number: 7 to 15 digits, with spaces and the like between them and perhaps a plus before.
///
/// # Errors
/// When it is no telephone number.
pub fn read_phone(typed: &str) -> Result<Text<30>, DetailsProblem> {
    let typed = typed.trim();
    let sound = |sign: char| sign.is_ascii_digit() || matches!(sign, ' ' | '-' | '(' | ')');
    let digits = typed.chars().filter(char::is_ascii_digit).count();
    if !typed.strip_prefix('+').unwrap_or(typed).chars().all(sound) || !(7..=15).contains(&digits) {
        return Err(DetailsProblem::PhoneUnreadable);
    }
    Text::new(typed).map_err(|why| DetailsProblem::TooLong { why })
}

/// Read an email address: something, an @, something with a dot in it.
///
/// # Errors
/// When it is no email address.
pub fn read_email(typed: &str) -> Result<Text<200>, DetailsProblem> {
    let typed = typed.trim();
    let sound = typed.split_once('@').is_some_and(|(who, place)| {
        !who.is_empty() && !place.contains('@') && place.trim_matches('.').contains('.')
    });
    if !sound || typed.contains(char::is_whitespace) {
        return Err(DetailsProblem::EmailUnreadable);
    }
    Text::new(typed).map_err(|why| DetailsProblem::TooLong { why })
}

/// Read a date of birth, `1968-11-30`: from 1900 to today.
///
/// # Errors
/// When it is no date, or out of range.
pub fn read_birth(typed: &str, today: Date) -> Result<Date, DetailsProblem> {
    let typed = typed.trim();
    let born = Date::parse_from_str(typed, "%Y-%m-%d").map_err(|_| DetailsProblem::BirthUnreadable)?;
    if typed.len() != 10 {
        return Err(DetailsProblem::BirthUnreadable);
    }
    if born.year() < 1900 || born > today { Err(DetailsProblem::BirthOutOfRange) } else { Ok(born) }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Details(..)")
    }
}

impl fmt::Debug for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NhsNumber(_) => f.write_str("NhsNumber(..)"),
            Self::NameAndBirth(..) => f.write_str("NameAndBirth(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Refusal as _;

    fn date(written: &str) -> Date {
        written.parse().unwrap()
    }

    fn details() -> Details {
        Details {
            name: Text::new("Alex Pretend").unwrap(),
            phone: Some(read_phone("0151 496 0123").unwrap()),
            email: None,
            address: None,
            date_of_birth: Some(date("1968-11-30")),
            nhs_number: Some("9990000018".parse().unwrap()),
            notes: None,
        }
    }

    #[test]
    fn the_vault_gives_back_what_was_typed_and_nothing_prints_it() {
        let details = details();
        assert_eq!(Details::from_vault(&details.to_vault()).unwrap(), details);
        assert_eq!(
            format!("{details:?} {:?}", details.findable()),
            "Details(..) [NhsNumber(..), NameAndBirth(..)]"
        );
        let damaged = details.to_vault().replace("9990000018", "9990000019");
        assert!(Details::from_vault(&damaged).is_err(), "a stored number fits its check digit");
    }

    #[test]
    fn a_name_is_the_same_however_it_is_written() {
        let term = |name: &str, born: &str| Sought::NameAndBirth(Text::new(name).unwrap(), date(born)).term();
        let known = term("Alex Pretend", "1968-11-30");
        for same in ["ALEX PRETEND", "Pretend, Alex", " alex  pretend. "] {
            assert_eq!(term(same, "1968-11-30"), known, "{same}");
        }
        assert_eq!(term("Sam O'Nobody", "1968-11-30"), term("sam onobody", "1968-11-30"));
        assert_eq!(term("Zoë-Ann", "1968-11-30"), term("ann zoë", "1968-11-30"));
        assert_ne!(term("Alex Pretend", "1968-11-29"), known);
        assert_ne!(term("Alexa Pretend", "1968-11-30"), known);
        assert_ne!(details().findable()[0].term(), details().findable()[1].term());
    }

    #[test]
    fn what_cannot_be_a_detail_is_refused_with_a_sentence() {
        for typed in ["0151 496 0123", "+44 7700 900123", "(0151) 496-0123"] {
            assert_eq!(read_phone(typed).unwrap().as_str(), typed);
        }
        for typed in ["", "12345", "ask for Alex", "+44+7700900123", "1234567890123456"] {
            assert_eq!(read_phone(typed).unwrap_err().code(), "details.phone_unreadable", "{typed}");
        }
        assert_eq!(read_email(" alex@pretend.example ").unwrap().as_str(), "alex@pretend.example");
        for typed in ["", "alex", "alex@", "@pretend.example", "a b@c.d", "a@b@c.d", "alex@localhost"] {
            assert_eq!(read_email(typed).unwrap_err().code(), "details.email_unreadable", "{typed}");
        }
        let long = format!("{}@pretend.example", "a".repeat(200));
        let said = read_email(&long).unwrap_err();
        assert_eq!(said.code(), "details.too_long");
        assert!(!said.to_string().contains("aaaa"), "{said}");

        let today = date("2026-05-01");
        assert_eq!(read_birth("1968-11-30", today), Ok(date("1968-11-30")));
        assert_eq!(read_birth("2026-05-01", today), Ok(today));
        for typed in ["", "30/11/1968", "1968-13-01", "1968-2-3"] {
            assert_eq!(read_birth(typed, today).unwrap_err().code(), "details.birth_unreadable", "{typed}");
        }
        for typed in ["1899-12-31", "2026-05-02"] {
            assert_eq!(read_birth(typed, today).unwrap_err().code(), "details.birth_out_of_range", "{typed}");
        }
    }
}
