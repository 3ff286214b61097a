//! The number of a request or decision, such as `SAR-2026-014`: enough to find the paper, and too little to name anybody.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

refusals! {
    /// Why a case number could not be taken.
    pub enum CaseNumberProblem {
        "case_number.unreadable" => Unreadable, "Enter the number of the request or decision, such as SAR-2026-014: 3 to 30 letters, digits, dashes or strokes, with at least two digits. A name does not belong here.";
    }
}

/// The number of a request or decision, in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseNumber(String);

impl FromStr for CaseNumber {
    type Err = CaseNumberProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let number = typed.trim().to_ascii_uppercase();
        let sound = |sign: u8| sign.is_ascii_alphanumeric() || matches!(sign, b'-' | b'/');
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        if !(3..=30).contains(&number.len()) || !number.bytes().all(sound) || digits < 2 {
            return Err(CaseNumberProblem::Unreadable);
        }
        Ok(Self(number))
    }
}

impl fmt::Display for CaseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_and_a_name_is_not() {
        let number: CaseNumber = " sar-2026-014 ".parse().unwrap();
        assert_eq!(number.to_string(), "SAR-2026-014");
        for typed in ["", "12", "Alex Pretend", "ALEX-PRETEND", "SAR 2026", "é12", &"1".repeat(31)] {
            let said = typed.parse::<CaseNumber>().unwrap_err();
            assert!(said.to_string().ends_with("A name does not belong here."), "{typed}: {said}");
        }
    }
}
