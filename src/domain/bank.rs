//! Where a partner is paid: a sort code, an account number and the name on the account. For the vault, never for the log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::{Text, TextProblem};

refusals! {
    /// Why bank details could not be taken.
    pub enum BankProblem {
        "bank.sort_code_unreadable" => SortCodeUnreadable, "Enter the sort code as 6 digits, such as 12-34-56.";
        "bank.account_number_unreadable" => AccountNumberUnreadable, "Enter the account number as 8 digits, such as 12345678. If it has 6 or 7, enter those; if it has more, ask the bank for the 8-digit number.";
        "bank.account_name_unreadable" => AccountNameUnreadable { why: TextProblem }, "Enter the name on the account as the bank has it. {why}";
        "bank.account_name_in_lines" => AccountNameInLines, "Enter the name on the account on one line, without tabs.";
    }
}

/// The branch of a British bank: six digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SortCode(String);

/// A British account number: eight digits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountNumber(String);

/// Where a partner is paid. Printing it for the developer shows the last four digits only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankDetails {
    sort_code: SortCode,
    account_number: AccountNumber,
    account_name: Text<70>,
}

/// The digits of what was typed, without the dashes and spaces people put between them.
fn digits(typed: &str) -> Option<String> {
    let bare: String =
        typed.chars().filter(|c| !matches!(c, '-' | '‐' | '‑' | '–') && !c.is_whitespace()).collect();
    bare.bytes().all(|b| b.is_ascii_digit()).then_some(bare)
}

impl SortCode {
    /// The six digits, as payment files want them.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// As people write it: `12-34-56`.
    #[must_use]
    pub fn dashed(&self) -> String {
        let mut digits = self.0.chars();
        let mut two = || digits.by_ref().take(2).collect::<String>();
        format!("{}-{}-{}", two(), two(), two())
    }
}

impl FromStr for SortCode {
    type Err = BankProblem;

    /// Read what a person typed: `123456`, `12-34-56`, `12 34 56`.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        digits(typed).filter(|digits| digits.len() == 6).map(Self).ok_or(BankProblem::SortCodeUnreadable)
    }
}

impl AccountNumber {
    /// The eight digits, as payment files want them.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// All that may be shown to somebody who only has to recognise it: `••••1234`.
    #[must_use]
    pub fn masked(&self) -> String {
        format!("••••{}", self.0.chars().skip(4).collect::<String>())
    }
}

impl FromStr for AccountNumber {
    type Err = BankProblem;

    /// Read what a person typed. Numbers of six or seven digits get noughts in front, as the banks have it.
    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        digits(typed)
            .filter(|digits| (6..=8).contains(&digits.len()))
            .map(|digits| Self(format!("{digits:0>8}")))
            .ok_or(BankProblem::AccountNumberUnreadable)
    }
}

impl BankDetails {
    /// Take bank details as typed.
    ///
    /// # Errors
    /// The first field that cannot be read.
    pub fn new(sort_code: &str, account_number: &str, account_name: &str) -> Result<Self, BankProblem> {
        let name = Text::new(account_name).map_err(|why| BankProblem::AccountNameUnreadable { why })?;
        // A line break would begin a new record in a payment file.
        if name.as_str().chars().any(char::is_control) {
            return Err(BankProblem::AccountNameInLines);
        }
        Ok(Self {
            sort_code: sort_code.parse()?,
            account_number: account_number.parse()?,
            account_name: name,
        })
    }

    /// The branch.
    #[must_use]
    pub const fn sort_code(&self) -> &SortCode {
        &self.sort_code
    }

    /// The account.
    #[must_use]
    pub const fn account_number(&self) -> &AccountNumber {
        &self.account_number
    }

    /// Whose it is, as the bank has it.
    #[must_use]
    pub const fn account_name(&self) -> &Text<70> {
        &self.account_name
    }

    /// The end of the account number: `••••1234`.
    #[must_use]
    pub fn masked(&self) -> String {
        self.account_number.masked()
    }

    /// The text that the vault keeps. The same details are the same text.
    #[must_use]
    pub fn to_vault(&self) -> String {
        serde_json::json!({
            "account_name": self.account_name.as_str(),
            "account_number": self.account_number.digits(),
            "sort_code": self.sort_code.digits(),
        })
        .to_string()
    }

    /// Read a text that the vault kept.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_vault(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

impl From<SortCode> for String {
    fn from(code: SortCode) -> Self {
        code.0
    }
}

impl TryFrom<String> for SortCode {
    type Error = BankProblem;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        stored.parse()
    }
}

impl From<AccountNumber> for String {
    fn from(number: AccountNumber) -> Self {
        number.0
    }
}

impl TryFrom<String> for AccountNumber {
    type Error = BankProblem;

    fn try_from(stored: String) -> Result<Self, Self::Error> {
        stored.parse()
    }
}

impl fmt::Debug for SortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SortCode(..)")
    }
}

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountNumber({})", self.masked())
    }
}

impl fmt::Debug for BankDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BankDetails({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_code_is_six_digits_however_typed() {
        for typed in ["123456", "12-34-56", " 12 34 56 ", "12–34–56", "12‑34‑56"] {
            let code: SortCode = typed.parse().unwrap();
            assert_eq!((code.digits(), code.dashed().as_str()), ("123456", "12-34-56"), "{typed}");
        }
        for typed in ["", "12345", "1234567", "12/34/56", "12-34-5O", "１２３４５６"] {
            assert_eq!(typed.parse::<SortCode>(), Err(BankProblem::SortCodeUnreadable), "{typed}");
        }
    }

    #[test]
    fn a_short_account_number_gets_noughts_in_front() {
        let read = |typed: &str| typed.parse::<AccountNumber>().map(|number| number.digits().to_owned());
        assert_eq!(read("1234 5678").unwrap(), "12345678");
        assert_eq!(read("1234567").unwrap(), "01234567");
        assert_eq!(read("123456").unwrap(), "00123456");
        for typed in ["", "12345", "123456789", "GB29NWBK60161331926819", "1234567a"] {
            assert_eq!(read(typed), Err(BankProblem::AccountNumberUnreadable), "{typed}");
        }
    }

    #[test]
    fn the_vault_gives_back_what_was_typed() {
        let details = BankDetails::new("12-34-56", "1234567", " Harbour Lights CIC ").unwrap();
        let text = details.to_vault();
        assert_eq!(
            text,
            r#"{"account_name":"Harbour Lights CIC","account_number":"01234567","sort_code":"123456"}"#
        );
        assert_eq!(BankDetails::from_vault(&text).unwrap(), details);
        assert_eq!(
            serde_json::to_value(&details).unwrap(),
            serde_json::from_str::<serde_json::Value>(&text).unwrap()
        );
        let damaged = text.replace("123456\"", "12345\"");
        assert!(BankDetails::from_vault(&damaged).is_err(), "stored details are digits and nothing else");
    }

    #[test]
    fn nothing_prints_more_than_the_last_four_digits() {
        let details = BankDetails::new("12-34-56", "87651234", "Harbour Lights CIC").unwrap();
        assert_eq!(details.masked(), "••••1234");
        assert_eq!(format!("{details:?}"), "BankDetails(••••1234)");
        assert_eq!(format!("{:?}", details.sort_code()), "SortCode(..)");
    }

    #[test]
    fn the_name_is_one_line() {
        let named = |name: &str| BankDetails::new("123456", "12345678", name);
        assert_eq!(named("Harbour\nLights"), Err(BankProblem::AccountNameInLines));
        assert_eq!(named("Harbour\tLights"), Err(BankProblem::AccountNameInLines));
        let said = named(" ").unwrap_err();
        assert_eq!(
            said.to_string(),
            "Enter the name on the account as the bank has it. Enter some words here."
        );
        assert!(named(&"x".repeat(71)).is_err());
    }
}
