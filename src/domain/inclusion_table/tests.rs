//! Given, when, then: published tables of inclusion, and what they are drawn from.

use proptest::prelude::*;

use super::*;
use crate::domain::{Story, all_hold, all_reached, by, date, given, never_fails};

const TODAY: &str = "2026-07-01";

/// Everybody who completed was asked, and is a point further on.
fn tally(people: u64, contacts: u64, started: u64, completed: u64) -> Tally {
    let all = Changes { people: completed, sum: i64::try_from(completed).unwrap() };
    let changes = BTreeMap::from([("ucla3_loneliness", Change { all, better: completed })]);
    Tally { people, contacts, made: started, started, completed, changes }
}

fn counted() -> Counted {
    let rows =
        |rows: &[(&str, Tally)]| rows.iter().map(|(key, tally)| ((*key).to_owned(), tally.clone())).collect();
    Counted {
        whole: tally(51, 60, 40, 30),
        by: BTreeMap::from([
            (InclusionBy::Area, rows(&[("knowsley", tally(4, 5, 3, 1)), ("wirral", tally(48, 55, 37, 29))])),
            (InclusionBy::Partner, rows(&[("one", tally(0, 0, 20, 20)), ("two", tally(0, 0, 20, 10))])),
        ]),
        ranges: BTreeMap::from([("ucla3_loneliness", 6)]),
    }
}

fn publish(from: &str, to: &str) -> InclusionTableCommand {
    let tables = counted().publish();
    InclusionTableCommand::Publish { from: date(from), to: date(to), cut: 4_000, tables }
}

fn published() -> InclusionTableEvent {
    let tables = counted().publish();
    let sha256 = tables.hash();
    let (from, to) = (date("2026-04-01"), date("2026-06-30"));
    InclusionTableEvent::Published { from, to, cut: 4_000, rule: Text::own(RULE), tables, sha256 }
}

fn stories() -> Vec<Story<InclusionTable>> {
    vec![
        Story {
            given: vec![],
            when: publish("2026-04-01", "2026-06-30"),
            at: by(1, TODAY),
            then: vec![published()],
        },
        Story {
            given: vec![published()],
            when: InclusionTableCommand::Withdraw,
            at: by(1, TODAY),
            then: vec![InclusionTableEvent::Withdrawn {}],
        },
    ]
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

#[test]
fn every_refusal_is_reached() {
    let refused = |history: &[InclusionTableEvent], command, today| {
        given::<InclusionTable>(history).when(command, &by(1, today)).refused()
    };
    let gone = [published(), InclusionTableEvent::Withdrawn {}];
    let (from, to) = ("2026-04-01", "2026-06-30");
    let reached = [
        ("inclusion_table.published_before", refused(&[published()], publish(from, to), TODAY)),
        ("inclusion_table.published_before", refused(&gone, publish(from, to), TODAY)),
        ("inclusion_table.not_a_quarter", refused(&[], publish("2026-05-01", "2026-07-31"), TODAY)),
        ("inclusion_table.not_a_quarter", refused(&[], publish("2026-04-01", "2026-06-29"), TODAY)),
        ("inclusion_table.quarter_not_over", refused(&[], publish(from, to), "2026-06-30")),
        ("inclusion_table.unknown", refused(&[], InclusionTableCommand::Withdraw, TODAY)),
        ("inclusion_table.withdrawn_before", refused(&gone, InclusionTableCommand::Withdraw, TODAY)),
    ];
    all_reached(InclusionTableRefusal::CODES, &reached);
}

#[test]
fn a_quarter_runs_for_three_months() {
    for (from, to) in [("2026-01-01", "2026-03-31"), ("2025-10-01", "2025-12-31")] {
        assert_eq!(quarter(date(from)), Ok(date(to)));
    }
}

#[test]
fn small_counts_are_stars_in_every_column_and_nothing_gives_them_away() {
    let tables = counted().publish();
    let said = |row: &PublishedRow| {
        let of = |shown: Option<Shown>| shown.map_or_else(|| "-".to_owned(), |shown| shown.to_string());
        let change = &row.changes[0];
        let mean = change.mean.map_or_else(|| "*".to_owned(), |mean| mean.to_string());
        let (people, contacts) = (of(row.people), of(row.contacts));
        format!(
            "{people} {contacts} {} {} {} {} {mean}",
            row.started, row.completed, change.asked, change.better
        )
    };
    assert_eq!(said(&tables.whole), "50 60 40 30 30 30 1.0");
    let rows: Vec<Vec<String>> =
        tables.tables.iter().map(|table| table.rows.iter().map(said).collect()).collect();
    assert_eq!(rows, [["* * * * * * *", "50 55 35 * * * *"], ["- - 20 20 20 20 1.0", "- - 20 10 10 10 1.0"]]);
}

proptest! {
    /// Counted from the same people, drawn twice: the same tables, to the byte.
    #[test]
    fn the_same_cut_is_published_the_same_way(people in prop::collection::vec((0_usize..4, 0_usize..3, 0_u64..4), 0..80)) {
        let draw = || {
            let mut counted = Counted { ranges: BTreeMap::from([("ucla3_loneliness", 6)]), ..Counted::default() };
            for (area, need, started) in &people {
                let one = tally(1, 1 + started, *started, started / 2);
                let rows = [
                    (InclusionBy::Area, ["halton", "knowsley", "wirral", "not_said"][*area]),
                    (InclusionBy::Need, ["food", "debt", "company"][*need]),
                ];
                let add = |to: &mut Tally| {
                    to.people += one.people;
                    to.contacts += one.contacts;
                    to.made += one.made;
                    to.started += one.started;
                    to.completed += one.completed;
                };
                add(&mut counted.whole);
                for (by, key) in rows {
                    add(counted.by.entry(by).or_default().entry(key.to_owned()).or_default());
                }
            }
            counted.publish()
        };
        let tables = draw();
        prop_assert_eq!(&tables, &draw());
        prop_assert_eq!(tables.hash(), draw().hash());
        let stored = serde_json::to_string(&tables).unwrap();
        prop_assert_eq!(serde_json::from_str::<PublishedTables>(&stored).unwrap(), tables);
    }
}
