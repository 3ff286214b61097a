//! The file for the bank: a neutral CSV, one line for each payment of a run. Written once, it can be written again
//! byte for byte, so a version of the form is never changed: the next one gets a number of its own.

use crate::app::payments::{PaymentForm, PaymentSheet, SheetLine};
use crate::domain::identity::Reference;
use crate::domain::money::plain;

/// How the file is written.
pub const FORM: PaymentForm = PaymentForm { version: 1, write };

/// The columns of version 1.
pub const COLUMNS: [&str; 9] = [
    "run",
    "line",
    "instalment",
    "grant_reference",
    "payee",
    "sort_code",
    "account_number",
    "amount",
    "reference",
];

/// The most characters of a reference that a bank passes on.
pub const LONGEST_REFERENCE: usize = 18;

fn write(sheet: &PaymentSheet, version: u32) -> anyhow::Result<Option<String>> {
    if version != 1 {
        return Ok(None);
    }
    let mut lines = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    lines.write_record(COLUMNS)?;
    for line in &sheet.lines {
        lines.write_record(cells(&sheet.run, line))?;
    }
    Ok(Some(String::from_utf8(lines.into_inner().map_err(csv::IntoInnerError::into_error)?)?))
}

fn cells(run: &Reference, line: &SheetLine) -> [String; 9] {
    [
        run.to_string(),
        line.line.to_string(),
        line.instalment.to_string(),
        line.grant_reference.to_string(),
        no_formula(line.payee.account_name().as_str()),
        line.payee.sort_code().digits().to_owned(),
        line.payee.account_number().digits().to_owned(),
        plain(line.amount.pounds()),
        reference(&line.grant_reference, run, line.line),
    ]
}

/// A name that a spreadsheet would take for a formula gets an apostrophe in front: it is then shown as it stands.
fn no_formula(name: &str) -> String {
    let formula = name.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    if formula { format!("'{name}") } else { name.to_owned() }
}

/// What the partner reads on its statement: the grant, the run and the line, `G20260042 0007-003`. Where numbers grow
/// longer than a bank passes on, the signs between them go first, then what stands in front.
fn reference(grant: &Reference, run: &Reference, line: u32) -> String {
    let grant = grant.as_str().replace('-', "");
    let number = run.as_str().rsplit('-').next().unwrap_or_default();
    let spaced = format!("{grant} {number}-{line:03}");
    if spaced.len() <= LONGEST_REFERENCE {
        return spaced;
    }
    let close = format!("{grant}{number}{line:03}");
    let over = close.chars().count().saturating_sub(LONGEST_REFERENCE);
    close.chars().skip(over).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::bank::BankDetails;
    use crate::domain::identity::{InstalmentId, ReferenceKind};

    fn sheet(names: &[&str]) -> PaymentSheet {
        let line = |(place, name): (u32, &&str)| SheetLine {
            line: place,
            instalment: InstalmentId(Uuid::from_u128(u128::from(place))),
            grant_reference: Reference::new(ReferenceKind::Grant, 2026, 42),
            payee: BankDetails::new("00-00-01", "123456", name).unwrap(),
            amount: "1234.5".parse().unwrap(),
        };
        let lines = (1..).zip(names).map(line).collect();
        PaymentSheet { run: Reference::new(ReferenceKind::PaymentRun, 2026, 7), lines }
    }

    #[test]
    fn the_first_form_stays_as_it_is() {
        let written = write(&sheet(&["Harbour Lights CIC", "Soup, Bread & \"Co\""]), 1).unwrap().unwrap();
        assert_eq!(
            written,
            "run,line,instalment,grant_reference,payee,sort_code,account_number,amount,reference\r\n\
             B-2026-0007,1,00000000-0000-0000-0000-000000000001,G-2026-0042,Harbour Lights CIC,000001,00123456,\
             1234.50,G20260042 0007-001\r\n\
             B-2026-0007,2,00000000-0000-0000-0000-000000000002,G-2026-0042,\"Soup, Bread & \"\"Co\"\"\",000001,\
             00123456,1234.50,G20260042 0007-002\r\n"
        );
        assert!(write(&sheet(&["A"]), 2).unwrap().is_none(), "a form there never was");
    }

    #[test]
    fn no_name_is_taken_for_a_formula() {
        for name in ["=HYPERLINK(\"http://example.org\")", "+44", "-1+1", "@SUM(A1)", "＝1"] {
            let written = write(&sheet(&[name]), 1).unwrap().unwrap();
            let mut read = csv::Reader::from_reader(written.as_bytes());
            let payee = read.records().next().unwrap().unwrap()[4].to_owned();
            assert_eq!(payee, format!("'{name}"));
        }
        assert_eq!(no_formula("A=B"), "A=B");
    }

    #[test]
    fn a_reference_is_never_longer_than_a_bank_passes_on() {
        let of = |grant, run, line| {
            let grant = Reference::new(ReferenceKind::Grant, 2026, grant);
            reference(&grant, &Reference::new(ReferenceKind::PaymentRun, 2026, run), line)
        };
        assert_eq!(of(42, 7, 3), "G20260042 0007-003");
        assert_eq!(of(42, 7, 3).len(), LONGEST_REFERENCE);
        assert_eq!(of(12345, 7, 999), "G2026123450007999");
        for (grant, run, line) in [(123_456, 12_345, 999), (4_000_000_000, 4_000_000_000, 1)] {
            assert_eq!(of(grant, run, line).len(), LONGEST_REFERENCE);
        }
    }
}
