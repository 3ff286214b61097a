//! The bank’s answer on a payment run: a CSV that is read strictly, and refused as a whole when anything in it is odd.
//!
//! The first row names the columns. Each row after it is one line of a run: `result` is `paid`, `rejected` or
//! `returned`; what was paid or came back has a `value_date`; what was rejected or came back has a `bank_code`. The
//! last row is the control total: `total`, the number of lines, and what they come to.

use std::collections::BTreeSet;

use csv::StringRecord;

use crate::app::Failure;
use crate::domain::Refusal;
use crate::domain::calendar::{DateProblem, read as read_date};
use crate::domain::identity::Hash;
use crate::domain::money::{Money, Pence, plain, pounds};
use crate::domain::payment_run::{BankAnswer, BankLine, BankResult, Remittance};
use crate::domain::text::Text;

/// The columns, in order.
pub const COLUMNS: [&str; 6] = ["run", "line", "result", "amount", "value_date", "bank_code"];

/// What the last row begins with.
const TOTAL: &str = "total";
/// What some programs put in front of a text in UTF-8.
const MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Why a bank’s file was not taken. Nothing of it is recorded then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemittanceProblem {
    /// Not base64.
    #[error("The file did not arrive whole: send its bytes as base64.")]
    NotBase64,
    /// Nothing in it.
    #[error(
        "The file has no line of a payment run: choose the bank’s answer, with its first row and its total."
    )]
    Empty,
    /// Bytes that such a file never has.
    #[error(
        "Row {row} holds bytes that no such file has ({bytes}, from byte {at}): it is in another encoding, or another \
         program has saved it. Ask the bank for the file in UTF-8."
    )]
    Encoding {
        /// The row, from 1.
        row: usize,
        /// The place of the first such byte in the file, from 1.
        at: usize,
        /// The bytes, in hexadecimal.
        bytes: String,
    },
    /// Other columns.
    #[error("The first row must be “{}”; it is “{found}”.", COLUMNS.join(","))]
    Columns {
        /// What it is.
        found: String,
    },
    /// A row with fewer or more fields than there are columns.
    #[error("Row {row} has {found} fields instead of {}.", COLUMNS.len())]
    Fields {
        /// The row, from 1.
        row: usize,
        /// How many it has.
        found: usize,
    },
    /// A field that says nothing that can be understood.
    #[error("Row {row} has “{found}” under {column}: {wanted}.")]
    Unreadable {
        /// The row, from 1.
        row: usize,
        /// The column.
        column: &'static str,
        /// What is there.
        found: String,
        /// What should be.
        wanted: &'static str,
    },
    /// Parts of a penny.
    #[error("Row {row} has the amount {found}: amounts have two decimal places, and are never rounded here.")]
    Places {
        /// The row, from 1.
        row: usize,
        /// What is there.
        found: String,
    },
    /// The same line again.
    #[error(
        "Row {row} is about line {line} of {run}, as a row before it is: a line has one answer in a file."
    )]
    Twice {
        /// The row, from 1.
        row: usize,
        /// The run.
        run: String,
        /// The line.
        line: u32,
    },
    /// No total, or something after it.
    #[error(
        "The last row must be the control total, such as “total,2,,2500.00,,”: without it nobody can tell whether the file is whole."
    )]
    NoTotal,
    /// A total that is not that of the lines.
    #[error(
        "The control total says {stated}, and the lines come to {counted}: the file is not whole, or was changed."
    )]
    Total {
        /// What it says.
        stated: String,
        /// What there is.
        counted: String,
    },
}

impl Refusal for RemittanceProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::NotBase64 => "remittance.not_base64",
            Self::Empty => "remittance.empty",
            Self::Encoding { .. } => "remittance.encoding",
            Self::Columns { .. } => "remittance.columns",
            Self::Fields { .. } => "remittance.fields",
            Self::Unreadable { .. } => "remittance.unreadable",
            Self::Places { .. } => "remittance.amount_places",
            Self::Twice { .. } => "remittance.line_twice",
            Self::NoTotal => "remittance.total_missing",
            Self::Total { .. } => "remittance.total_wrong",
        }
    }
}

/// Read a bank’s answer as it came over the wire: the bytes of the file as base64, so that nothing has read them
/// before.
///
/// # Errors
/// The first thing in it that is odd.
pub fn read_base64(sent: &str) -> Result<Remittance, Failure> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(sent.trim());
    Ok(read(&bytes.map_err(|_| RemittanceProblem::NotBase64)?)?)
}

/// Read a bank’s answer.
///
/// # Errors
/// The first thing in it that is odd.
pub fn read(file: &[u8]) -> Result<Remittance, RemittanceProblem> {
    let text = plain_text(file)?;
    if text.trim().is_empty() {
        return Err(RemittanceProblem::Empty);
    }
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = (1..).zip(rows.records());
    let head = rows.next().and_then(|(_, row)| row.ok()).unwrap_or_default();
    if head.iter().ne(COLUMNS) {
        return Err(RemittanceProblem::Columns { found: head.iter().collect::<Vec<_>>().join(",") });
    }
    let (mut lines, mut seen, mut total) = (Vec::new(), BTreeSet::new(), None);
    for (row, cells) in rows {
        let cells = cells.map_err(|_| RemittanceProblem::Fields { row, found: 0 })?;
        if total.is_some() {
            return Err(RemittanceProblem::NoTotal);
        }
        if cells.len() != COLUMNS.len() {
            return Err(RemittanceProblem::Fields { row, found: cells.len() });
        }
        if &cells[0] == TOTAL {
            total = Some((cells[1].to_owned(), cells[3].to_owned()));
            continue;
        }
        let one = bank_line(row, &cells)?;
        if !seen.insert((one.run.clone(), one.line)) {
            return Err(RemittanceProblem::Twice { row, run: one.run, line: one.line });
        }
        lines.push(one);
    }
    let (count, sum) = total.ok_or(RemittanceProblem::NoTotal)?;
    if lines.is_empty() {
        return Err(RemittanceProblem::Empty);
    }
    let control_total = Pence::of(lines.iter().map(|one| one.amount));
    if count != lines.len().to_string() || sum != plain(control_total.pounds()) {
        let number = |count: &str| format!("{count} {}", if count == "1" { "line" } else { "lines" });
        let stated = format!("{} and £{sum}", number(count.as_str()));
        let counted = format!("{} and {}", number(&lines.len().to_string()), pounds(control_total.pounds()));
        return Err(RemittanceProblem::Total { stated, counted });
    }
    Ok(Remittance { sha256: Hash::of(file), lines, control_total })
}

/// The file as text. Every column holds digits, letters and signs of ASCII alone, so that whatever another encoding
/// makes of them shows.
fn plain_text(file: &[u8]) -> Result<&str, RemittanceProblem> {
    let skipped = if file.starts_with(MARK) { MARK.len() } else { 0 };
    let text = &file[skipped..];
    let odd = |byte: &u8| !matches!(byte, b'\r' | b'\n' | b' '..=b'~');
    if let Some(at) = text.iter().position(odd) {
        let bytes: Vec<String> = text[at..]
            .iter()
            .take_while(|byte| odd(byte))
            .take(4)
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let row = text[..at].split(|byte| *byte == b'\n').count();
        return Err(RemittanceProblem::Encoding { row, at: at + skipped + 1, bytes: bytes.join(" ") });
    }
    std::str::from_utf8(text).map_err(|_| RemittanceProblem::Empty)
}

fn bank_line(row: usize, cells: &StringRecord) -> Result<BankLine, RemittanceProblem> {
    let unreadable = |place: usize, wanted| RemittanceProblem::Unreadable {
        row,
        column: COLUMNS[place],
        found: cells[place].chars().take(40).collect(),
        wanted,
    };
    let line = Some(&cells[1]).filter(|typed| typed.bytes().all(|byte| byte.is_ascii_digit()));
    let line = line.and_then(|typed| typed.parse().ok()).filter(|line| *line > 0);
    let line = line.ok_or_else(|| unreadable(1, "it must be the number of a line, such as 7"))?;
    let result = BankResult::from_code(&cells[2])
        .ok_or_else(|| unreadable(2, "it must be paid, rejected or returned"))?;
    let amount = amount(row, &cells[3])?
        .ok_or_else(|| unreadable(3, "it must be pounds and pence, such as 2500.00"))?;

    let value_date = || {
        read_date(&cells[4]).map_err(|_: DateProblem| unreadable(4, "it must be a date such as 2026-04-01"))
    };
    let code = || Text::new(&cells[5]).map_err(|_| unreadable(5, "it must be the bank’s code for why"));
    let answer = match result {
        BankResult::Paid if !cells[5].is_empty() => {
            return Err(unreadable(5, "what was paid has no such code"));
        }
        BankResult::Paid => BankAnswer::Paid { value_date: value_date()? },
        BankResult::Rejected if !cells[4].is_empty() => {
            return Err(unreadable(4, "money that never left has no value date"));
        }
        BankResult::Rejected => BankAnswer::Rejected { bank_code: code()? },
        BankResult::Returned => BankAnswer::Returned { value_date: value_date()?, bank_code: code()? },
    };
    Ok(BankLine { run: cells[0].to_owned(), line, amount, answer })
}

/// An amount with exactly two places; nothing for what is none.
fn amount(row: usize, typed: &str) -> Result<Option<Money>, RemittanceProblem> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match typed.split_once('.') {
        Some((whole, pence)) if digits(whole) && digits(pence) && pence.len() > 2 => {
            Err(RemittanceProblem::Places { row, found: typed.to_owned() })
        }
        Some((whole, pence)) if digits(whole) && digits(pence) && pence.len() == 2 => Ok(typed.parse().ok()),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "run,line,result,amount,value_date,bank_code\r\n\
        B-2026-0001,1,paid,2500.00,2026-06-01,\r\n\
        B-2026-0001,2,rejected,0.01,,AC04\r\n\
        B-2026-0001,3,returned,10.50,2026-06-03,\"ARUCS 2\"\r\n\
        total,3,,2510.51,,\r\n";

    fn date(written: &str) -> crate::domain::calendar::Date {
        written.parse().unwrap()
    }

    fn problem(file: &str) -> RemittanceProblem {
        read(file.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_whole_file_is_read() {
        let remittance = read(GOOD.as_bytes()).unwrap();
        assert_eq!(remittance.sha256, Hash::of(GOOD.as_bytes()));
        assert_eq!(remittance.control_total.count(), 251_051);
        let answers: Vec<_> = remittance.lines.into_iter().map(|one| (one.line, one.answer)).collect();
        let bank_code = |code| Text::new(code).unwrap();
        assert_eq!(
            answers,
            [
                (1, BankAnswer::Paid { value_date: date("2026-06-01") }),
                (2, BankAnswer::Rejected { bank_code: bank_code("AC04") }),
                (3, BankAnswer::Returned { value_date: date("2026-06-03"), bank_code: bank_code("ARUCS 2") }),
            ]
        );
        let marked = [MARK, GOOD.replace("\r\n", "\n").as_bytes()].concat();
        assert_eq!(read(&marked).unwrap().lines.len(), 3, "a mark in front and other line ends are the same");
    }

    #[test]
    fn another_encoding_is_told_by_its_bytes() {
        let with = |bytes: &[u8]| {
            let at = GOOD.find("AC04").unwrap();
            [&GOOD.as_bytes()[..at], bytes, &GOOD.as_bytes()[at..]].concat()
        };
        let told = |file: &[u8]| read(file).unwrap_err();
        let at = GOOD.find("AC04").unwrap() + 1;
        let wanted = |row, at, bytes: &str| RemittanceProblem::Encoding { row, at, bytes: bytes.into() };
        assert_eq!(told(&with(b"\xE9")), wanted(3, at, "E9"), "Windows-1252");
        assert_eq!(told(&with("\u{FFFD}".as_bytes())), wanted(3, at, "EF BF BD"), "read wrongly before");
        assert_eq!(
            told(&with("Ã©".as_bytes())),
            wanted(3, at, "C3 83 C2 A9"),
            "read wrongly and saved again"
        );
        let utf_16: Vec<u8> =
            std::iter::once(0xFEFF).chain(GOOD.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(told(&utf_16), wanted(1, 1, "FF FE"), "UTF-16");
        assert_eq!(told(&utf_16[2..]), wanted(1, 2, "00"), "UTF-16 without a mark");
        assert_eq!(told(b"\x99\xA4\x95\x6B\x93"), wanted(1, 1, "99 A4 95"), "EBCDIC");
        assert!(
            told(&with(b"\xE9"))
                .to_string()
                .contains("Row 3 holds bytes that no such file has (E9, from byte")
        );
    }

    #[test]
    fn whatever_is_odd_refuses_the_whole_file() {
        let first = "B-2026-0001,1,paid,2500.00,2026-06-01,\r\n";
        let put = |row: &str| GOOD.replace(first, row);
        let odd: [(&str, String); 24] = [
            ("remittance.empty", String::new()),
            ("remittance.empty", "\r\n \r\n".into()),
            ("remittance.empty", format!("{}\ntotal,0,,0.00,,", COLUMNS.join(","))),
            ("remittance.columns", GOOD.replace("bank_code", "code")),
            ("remittance.columns", GOOD.replace(",bank_code", "")),
            ("remittance.columns", GOOD.replace("run,line", "line,run")),
            ("remittance.fields", put("B-2026-0001,1,paid,2500.00,2026-06-01\r\n")),
            ("remittance.fields", put("B-2026-0001,1,paid,2,500.00,2026-06-01,\r\n")),
            ("remittance.unreadable", put("B-2026-0001,one,paid,2500.00,2026-06-01,\r\n")),
            ("remittance.unreadable", put("B-2026-0001,0,paid,2500.00,2026-06-01,\r\n")),
            ("remittance.unreadable", put("B-2026-0001,1,PAID,2500.00,2026-06-01,\r\n")),
            ("remittance.unreadable", put("B-2026-0001,1,paid,£2500,2026-06-01,\r\n").replace('£', "GBP ")),
            ("remittance.unreadable", put("B-2026-0001,1,paid,2500,2026-06-01,\r\n")),
            ("remittance.unreadable", put("B-2026-0001,1,paid,-2500.00,2026-06-01,\r\n")),
            ("remittance.unreadable", put("B-2026-0001,1,paid,2500.00,01/06/2026,\r\n")),
            ("remittance.unreadable", put("B-2026-0001,1,paid,2500.00,2026-06-01,00\r\n")),
            ("remittance.unreadable", GOOD.replace(",AC04", ",")),
            ("remittance.unreadable", GOOD.replace(",,AC04", ",2026-06-01,AC04")),
            ("remittance.amount_places", put("B-2026-0001,1,paid,2500.000,2026-06-01,\r\n")),
            ("remittance.line_twice", GOOD.replace("B-2026-0001,2", "B-2026-0001,1")),
            ("remittance.total_missing", GOOD.replace("total,3,,2510.51,,\r\n", "")),
            ("remittance.total_missing", format!("{GOOD}{first}")),
            ("remittance.total_wrong", GOOD.replace("2510.51", "2510.50")),
            ("remittance.total_wrong", GOOD.replace("total,3", "total,2")),
        ];
        for (code, file) in odd {
            let told = problem(&file);
            assert_eq!(told.code(), code, "{told}\n{file}");
            assert!(told.to_string().ends_with('.'), "{told}");
        }
        assert_eq!(
            problem(&GOOD.replace("2510.51", "2510.50")).to_string(),
            "The control total says 3 lines and £2510.50, and the lines come to 3 lines and £2,510.51: the file is not \
             whole, or was changed."
        );
        assert_eq!(read_base64("not base64!").unwrap_err().code(), "remittance.not_base64");
    }
}
