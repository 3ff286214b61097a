//! An NHS number: ten digits, the last of which checks the others (NHS Data Dictionary: modulus 11). For the vault only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

refusals! {
    /// Why an NHS number could not be taken. None of them repeats what was typed.
    pub enum NhsNumberProblem {
        "nhs_number.unreadable" => Unreadable, "Enter the NHS number as 10 digits, such as 999 000 0018, or leave it out.";
        "nhs_number.all_equal" => AllEqual, "An NHS number does not have ten equal digits: look at the letter or the app again, or leave it out.";
        "nhs_number.check_digit" => CheckDigit, "This NHS number has a slip in it: its last digit does not fit the others. Read it through again, or leave it out.";
    }
}

/// An NHS number whose check digit fits. Printing it for the developer shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NhsNumber(String);

impl NhsNumber {
    /// The ten digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// As people write it: `999 000 0018`.
    #[must_use]
    pub fn spaced(&self) -> String {
        let mut digits = self.0.chars();
        let mut some = |count| digits.by_ref().take(count).collect::<String>();
        format!("{} {} {}", some(3), some(3), some(4))
    }
}

/// The digit that checks nine others: they are weighted 10 to 2 and added up; what is missing from the sum to a
/// multiple of 11 is the digit, 11 standing for 0. Nine digits for which it would be 10 are never given out.
fn check_digit(first_nine: &[u32]) -> Option<u32> {
    let sum: u32 = first_nine.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

impl FromStr for NhsNumber {
    type Err = NhsNumberProblem;

    /// Read what a person typed: `9990000018`, `999 000 0018`, `999-000-0018`.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let bare: String = typed.chars().filter(|sign| *sign != '-' && !sign.is_whitespace()).collect();
        let digits: Option<Vec<u32>> =
            bare.chars().map(|sign| sign.is_ascii_digit().then(|| sign.to_digit(10)).flatten()).collect();
        let digits = digits.filter(|digits| digits.len() == 10).ok_or(NhsNumberProblem::Unreadable)?;
        let (first_nine, last) = digits.split_at(9);
        if digits.iter().all(|digit| *digit == digits[0]) {
            return Err(NhsNumberProblem::AllEqual);
        }
        if check_digit(first_nine) != last.first().copied() {
            return Err(NhsNumberProblem::CheckDigit);
        }
        Ok(Self(bare))
    }
}

impl From<NhsNumber> for String {
    fn from(number: NhsNumber) -> Self {
        number.0
    }
}

impl TryFrom<String> for NhsNumber {
    type Error = NhsNumberProblem;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        stored.parse()
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Result<String, NhsNumberProblem> {
        typed.parse::<NhsNumber>().map(|number| number.digits().to_owned())
    }

    /// The worked example of the NHS Data Dictionary is 943 476 5919; the others are of the range for tests.
    #[test]
    fn ten_digits_that_fit_are_taken_however_typed() {
        for typed in ["9434765919", "943 476 5919", " 943-476-5919 "] {
            assert_eq!(read(typed), Ok("9434765919".into()), "{typed}");
        }
        for typed in ["9990000018", "9990000026"] {
            assert_eq!(read(typed), Ok(typed.into()), "{typed}");
        }
        assert_eq!("9434765919".parse::<NhsNumber>().unwrap().spaced(), "943 476 5919");
    }

    #[test]
    fn what_is_no_nhs_number_is_refused_with_a_sentence() {
        for typed in ["", "943476591", "94347659190", "943476591X", "９４３４７６５９１９"] {
            assert_eq!(read(typed), Err(NhsNumberProblem::Unreadable), "{typed}");
        }
        for digit in '0'..='9' {
            let typed = digit.to_string().repeat(10);
            assert_eq!(read(&typed), Err(NhsNumberProblem::AllEqual), "{typed}");
        }
        let said = read("9434765918").unwrap_err();
        assert_eq!(said, NhsNumberProblem::CheckDigit);
        assert!(said.to_string().contains("its last digit does not fit"), "{said}");
    }

    /// One digit mistyped, or two neighbours swapped, is always noticed.
    #[test]
    fn every_single_slip_is_noticed() {
        let sound = "9434765919";
        for place in 0..10 {
            for digit in '0'..='9' {
                let mut typed: Vec<char> = sound.chars().collect();
                typed[place] = digit;
                let typed: String = typed.into_iter().collect();
                assert_eq!(read(&typed).is_ok(), typed == sound, "{typed}");
            }
            let mut typed: Vec<char> = sound.chars().collect();
            typed.swap(place, (place + 1).min(9));
            let typed: String = typed.into_iter().collect();
            assert_eq!(read(&typed).is_ok(), typed == sound, "{typed}");
        }
    }

    #[test]
    fn nine_digits_whose_check_would_be_ten_are_never_a_number() {
        for last in 0..10 {
            assert!(read(&format!("000000006{last}")).is_err(), "{last}");
        }
    }

    #[test]
    fn nothing_prints_it() {
        let number: NhsNumber = "9434765919".parse().unwrap();
        assert_eq!(format!("{number:?}"), "NhsNumber(..)");
    }
}
