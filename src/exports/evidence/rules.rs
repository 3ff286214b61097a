//! Which event moves what, as `docs/evidence.md` has it: the verifier’s own rules. That they are those of the domain is
//! held by every bundle, whose ledger the domain writes.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::domain::postings::Movement;

/// Where the amounts stand in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One amount in a year.
    Amount,
    /// A list of amounts, each in a year.
    Shares,
    /// One amount of an instalment.
    Instalment,
    /// One amount that leaves a year and comes into another.
    Carried,
}

/// A rule: the event, where its amounts stand, and what they do.
pub(super) struct Rule(pub &'static str, pub Shape, pub &'static [Movement]);

/// Every rule, in the order of `rules.csv`.
pub(super) const ALL: [Rule; 14] = [
    Rule("fund.budget_allocated", Shape::Amount, &[Movement::Allocate]),
    Rule("fund.budget_reduced", Shape::Amount, &[Movement::Reduce]),
    Rule("fund.commitment_reserved", Shape::Shares, &[Movement::Reserve]),
    Rule("fund.reservation_voided", Shape::Shares, &[Movement::Void]),
    Rule("fund.commitment_confirmed", Shape::Shares, &[Movement::Commit]),
    Rule("fund.commitment_increased", Shape::Shares, &[Movement::Commit]),
    Rule("fund.commitment_released", Shape::Shares, &[Movement::Release]),
    Rule("fund.expenditure_posted", Shape::Instalment, &[Movement::Pay]),
    Rule("fund.expenditure_returned", Shape::Instalment, &[Movement::Return]),
    Rule("fund.recovery_posted", Shape::Shares, &[Movement::Recover]),
    Rule("fund.budget_transferred_out", Shape::Amount, &[Movement::TransferOut]),
    Rule("fund.budget_transferred_in", Shape::Amount, &[Movement::TransferIn]),
    Rule("fund.budget_carried_forward", Shape::Carried, &[Movement::CarryOut, Movement::CarryIn]),
    Rule("fund.commitment_carried_forward", Shape::Carried, &[Movement::MoveOut, Movement::MoveIn]),
];

/// The events of a fund that move nothing.
pub(super) const STILL: [&str; 3] = ["fund.opened", "fund.year_closed", "fund.closed"];

/// `rules.csv`.
pub(super) fn table() -> String {
    let mut table = String::from("event,shape,movement,from,to\n");
    for Rule(event, shape, movements) in &ALL {
        let shape = match shape {
            Shape::Amount => "amount",
            Shape::Shares => "shares",
            Shape::Instalment => "instalment",
            Shape::Carried => "carried",
        };
        for movement in *movements {
            let (from, to) = movement.way();
            let _written =
                writeln!(table, "{event},{shape},{},{},{}", movement.code(), from.code(), to.code());
        }
    }
    table
}

/// One movement, as the verifier reads it.
pub(super) struct Moved {
    pub movement: Movement,
    pub year: String,
    pub corrects: String,
    pub pence: u64,
}

/// Whom a movement is for; empty where it is for nobody.
#[derive(Default)]
pub(super) struct For {
    pub programme: String,
    pub partner: String,
    pub grant: String,
    pub instalment: String,
}

/// What an event moves, and for whom.
pub(super) fn apply(rule: &Rule, fields: &Map<String, Value>) -> Result<(Vec<Moved>, For), String> {
    let Rule(_, shape, movements) = rule;
    let mut whom = For::default();
    let links = match shape {
        Shape::Shares | Shape::Instalment => true,
        Shape::Carried => fields.contains_key("link"),
        Shape::Amount => false,
    };
    if links {
        let link = fields.get("link").and_then(Value::as_object).ok_or("its link cannot be read")?;
        whom.grant = cell(link, "grant", is_id)?;
        whom.programme = cell(link, "programme", is_id)?;
        whom.partner = cell(link, "partner", is_id)?;
    }
    let amount_of = |entry: &Map<String, Value>| {
        entry.get("amount").and_then(Value::as_str).and_then(pence).ok_or("an amount cannot be read")
    };
    let corrected = |entry: &Map<String, Value>| match entry.get("corrects") {
        None | Some(Value::Null) => Ok(String::new()),
        Some(_) => cell(entry, "corrects", is_year),
    };
    let mut moved = Vec::new();
    match shape {
        Shape::Shares => {
            let shares = fields.get("shares").and_then(Value::as_array).ok_or("its shares cannot be read")?;
            for share in shares {
                let share = share.as_object().ok_or("its shares cannot be read")?;
                moved.push(Moved {
                    movement: movements[0],
                    year: cell(share, "year", is_year)?,
                    corrects: corrected(share)?,
                    pence: amount_of(share)?,
                });
            }
        }
        Shape::Carried => {
            for (movement, year) in movements.iter().zip(["from", "to"]) {
                moved.push(Moved {
                    movement: *movement,
                    year: cell(fields, year, is_year)?,
                    corrects: String::new(),
                    pence: amount_of(fields)?,
                });
            }
        }
        Shape::Amount | Shape::Instalment => {
            let mut corrects = String::new();
            if *shape == Shape::Instalment {
                whom.instalment = cell(fields, "instalment", is_id)?;
                corrects = corrected(fields)?;
            }
            let (year, pence) = (cell(fields, "year", is_year)?, amount_of(fields)?);
            moved.push(Moved { movement: movements[0], year, corrects, pence });
        }
    }
    Ok((moved, whom))
}

/// A value that goes into a table as it is.
pub(super) fn cell(
    entries: &Map<String, Value>,
    name: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<String, String> {
    let value = entries.get(name).and_then(Value::as_str).filter(|text| fits(text));
    value.map(str::to_owned).ok_or_else(|| format!("its {name} cannot be read"))
}

fn looks_like(text: &str, form: &str) -> bool {
    let fits = |(sign, form): (u8, u8)| if form == b'0' { sign.is_ascii_digit() } else { sign == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(fits)
}

pub(super) fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|sign| matches!(sign, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

pub(super) fn is_date(text: &str) -> bool {
    looks_like(text, "0000-00-00")
}

fn is_year(text: &str) -> bool {
    looks_like(text, "0000/00")
}

pub(super) fn is_role(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|sign| matches!(sign, b'a'..=b'z' | b'_'))
}

/// An amount in pence: up to nine digits of pounds, and two.
fn pence(text: &str) -> Option<u64> {
    let (pounds, pence) = text.split_once('.')?;
    let plain = pounds == "0" || !pounds.starts_with('0');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|sign| sign.is_ascii_digit());
    if !plain || !digits(pounds) || !digits(pence) || pounds.len() > 9 || pence.len() != 2 {
        return None;
    }
    let all = pounds.parse::<u64>().ok()? * 100 + pence.parse::<u64>().ok()?;
    Some(all).filter(|all| *all > 0)
}

/// Pence as pounds.
pub(super) fn pounds(pence: u64) -> String {
    format!("{}.{:02}", pence / 100, pence % 100)
}
