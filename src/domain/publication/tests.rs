//! Given, when, then: what documents state, and which of it may be added.

use uuid::Uuid;

use super::*;
use crate::domain::places::Area;
use crate::domain::{Story, all_hold, all_reached, by, given, never_fails, words};

const TODAY: &str = "2026-05-04";

fn figure(number: u128) -> FigureId {
    FigureId(Uuid::from_u128(number))
}

fn described() -> PublicationEvent {
    PublicationEvent::Described {
        code: words("R26"),
        title: words("A year of rooms"),
        publisher: words("Example Trust"),
        published: Some("2026-05".parse().unwrap()),
        period: None,
    }
}

fn coverage(places: &[&str], from: &str, to: &str) -> Coverage {
    Coverage {
        period: Some(Period { from: from.parse().unwrap(), to: to.parse().unwrap() }),
        places: places.iter().map(|place| words(place)).collect(),
        ..Coverage::default()
    }
}

fn year(places: &[&str]) -> Coverage {
    coverage(places, "2025-04", "2026-03")
}

fn citation(line: u32) -> Citation {
    Citation { line, token: words("as printed"), reading: None, note: None }
}

/// Attendances of a year in some places.
fn attendances(label: &str, count: u64, places: &[&str], standing: Standing) -> Statement {
    Statement {
        figure: figure(1),
        label: words(label),
        measure: words("Attendances"),
        unit: FigureUnit::Attendances,
        bound: Bound::Exact,
        count: Some(count),
        amount: None,
        beside: None,
        channel: None,
        coverage: year(places),
        citation: citation(7),
        standing,
    }
}

fn stated(new: Statement) -> PublicationEvent {
    let Statement { figure, label, measure, unit, bound, count, amount, beside, channel, .. } = new;
    let Statement { coverage, citation, standing, .. } = new;
    let value = FigureValue::typed(unit, bound, count, amount).unwrap();
    PublicationEvent::FigureStated {
        figure,
        label,
        measure,
        unit,
        value,
        beside,
        channel,
        coverage,
        citation,
        standing,
    }
}

fn own(label: &str, count: u64, place: &str) -> Statement {
    attendances(label, count, &[place], Standing::Own)
}

fn total_of(parts: &[&str]) -> Standing {
    Standing::TotalOf(parts.iter().map(|part| words(part)).collect())
}

fn state(new: Statement) -> PublicationCommand {
    PublicationCommand::StateFigure(Box::new(new))
}

fn mention() -> Mention {
    Mention {
        label: words("M1"),
        kind: MentionKind::Award,
        subject: words("Best reading room"),
        detail: Some(words("winner")),
        coverage: Coverage::default(),
        citation: citation(40),
    }
}

fn mentioned() -> PublicationEvent {
    let Mention { label, kind, subject, detail, coverage, citation } = mention();
    PublicationEvent::MentionNoted { label, kind, subject, detail, coverage, citation }
}

fn about(labels: &[&str]) -> Vec<FactRef> {
    let publication = super::super::identity::PublicationId(Uuid::from_u128(9));
    labels.iter().map(|label| FactRef { publication, label: words(label) }).collect()
}

fn caveat(label: &str, of: &[&str]) -> PublicationCommand {
    PublicationCommand::NoteCaveat {
        label: words(label),
        kind: CaveatKind::Conflict,
        relation: words("both say the same"),
        note: None,
        about: about(of),
    }
}

fn restate(label: &str, count: u64) -> PublicationCommand {
    PublicationCommand::RestateFigure {
        label: words(label),
        bound: Bound::Exact,
        count: Some(count),
        amount: None,
        citation: citation(8),
    }
}

fn value(count: u64) -> FigureValue {
    FigureValue { bound: Bound::Exact, quantity: Quantity::Count(count) }
}

/// A document with two parts that share nothing.
fn parts() -> Vec<PublicationEvent> {
    vec![described(), stated(own("S", 4006, "Sefton")), stated(own("L", 2141, "Liverpool"))]
}

fn with_total() -> Vec<PublicationEvent> {
    let total = attendances("T", 6147, &["Liverpool", "Sefton"], total_of(&["S", "L"]));
    [parts(), vec![stated(total)]].concat()
}

fn stories() -> Vec<Story<Publication>> {
    let PublicationEvent::Described { code, title, publisher, published, period } = described() else {
        panic!("a description")
    };
    let story = |given, when, then| Story { given, when, at: by(1, TODAY), then: vec![then] };
    let total = || attendances("T", 6147, &["Liverpool", "Sefton"], total_of(&["S", "L"]));
    vec![
        story(
            vec![],
            PublicationCommand::Describe { code, title, publisher, published, period },
            described(),
        ),
        story(parts(), state(total()), stated(total())),
        story(
            parts(),
            restate("S", 4007),
            PublicationEvent::FigureRestated {
                label: words("S"),
                from: value(4006),
                to: value(4007),
                citation: citation(8),
            },
        ),
        story(
            parts(),
            PublicationCommand::WithdrawFigure { label: words("S") },
            PublicationEvent::FigureWithdrawn { label: words("S") },
        ),
        story(vec![described()], PublicationCommand::NoteMention(Box::new(mention())), mentioned()),
        story(
            parts(),
            caveat("C", &["S", "L"]),
            PublicationEvent::CaveatNoted {
                label: words("C"),
                kind: CaveatKind::Conflict,
                relation: words("both say the same"),
                note: None,
                about: about(&["S", "L"]),
            },
        ),
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
    let refused = |history: &[PublicationEvent], command| {
        given::<Publication>(history).when(command, &by(1, TODAY)).refused()
    };
    let turned = |change: &dyn Fn(&mut Statement)| {
        let mut new = own("N", 5, "Wirral");
        change(&mut new);
        refused(&with_total(), state(new))
    };
    let withdraw = |label| PublicationCommand::WithdrawFigure { label: words(label) };
    let views = |label: &str, channel: u128| Statement {
        unit: FigureUnit::Views,
        measure: words(label),
        channel: Some(SiteId(Uuid::from_u128(channel))),
        ..own(label, 6000, "online")
    };
    let two_channels = [described(), stated(views("A", 1)), stated(views("B", 2))];
    let both = Statement { standing: total_of(&["A", "B"]), ..views("C", 1) };
    let mut clash = parts();
    clash.push(stated(own("S2", 9, "Sefton")));
    let reached = [
        ("publication.unknown", refused(&[], state(own("S", 1, "Sefton")))),
        ("publication.already_described", refused(&[described()], stories().remove(0).when)),
        ("publication.label_taken", refused(&parts(), state(own("S", 1, "Wirral")))),
        ("publication.label_taken", refused(&parts(), caveat("S", &["L"]))),
        ("publication.label_unknown", refused(&parts(), withdraw("X"))),
        ("publication.label_unknown", turned(&|new| new.standing = total_of(&["S", "X"]))),
        ("publication.value_not_of_unit", turned(&|new| new.count = None)),
        ("publication.value_not_of_unit", turned(&|new| new.amount = Some("5.00".parse().unwrap()))),
        ("publication.value_not_of_unit", turned(&|new| new.unit = FigureUnit::Gbp)),
        (
            "publication.dates_reversed",
            turned(&|new| new.coverage = coverage(&["Wirral"], "2026-03", "2025-04")),
        ),
        ("publication.line_missing", turned(&|new| new.citation.line = 0)),
        ("publication.beside_other_unit", turned(&|new| new.beside = Some(Countable::Contacts))),
        (
            "publication.channel_needed",
            turned(&|new| (new.unit, new.beside) = (FigureUnit::Views, Some(Countable::Views))),
        ),
        ("publication.channel_not_needed", turned(&|new| new.channel = Some(SiteId(Uuid::from_u128(1))))),
        ("publication.total_with_parts", turned(&|new| new.coverage = year(&["liverpool", "Sefton"]))),
        ("publication.total_with_parts", turned(&|new| new.coverage = year(&[]))),
        (
            "publication.total_with_parts",
            turned(&|new| new.coverage = coverage(&["Sefton"], "2026-03-31", "2026-04")),
        ),
        ("publication.stated_twice", turned(&|new| new.coverage = year(&["SEFTON"]))),
        ("publication.too_few_parts", turned(&|new| new.standing = total_of(&["S"]))),
        ("publication.part_not_own", turned(&|new| new.standing = total_of(&["S", "T"]))),
        (
            "publication.other_unit",
            turned(&|new| (new.unit, new.standing) = (FigureUnit::People, Standing::RepeatOf(words("S")))),
        ),
        (
            "publication.other_unit",
            turned(&|new| (new.unit, new.standing) = (FigureUnit::People, total_of(&["S", "L"]))),
        ),
        ("publication.views_not_added", refused(&two_channels, state(both))),
        (
            "publication.parts_overlap",
            refused(&clash, state(attendances("T", 9, &[], total_of(&["S", "S2"])))),
        ),
        ("publication.in_use", refused(&with_total(), withdraw("S"))),
        ("publication.same_value", refused(&parts(), restate("S", 4006))),
        ("publication.caveat_about_nothing", refused(&parts(), caveat("C", &[]))),
    ];
    all_reached(PublicationRefusal::CODES, &reached);
}

#[test]
fn what_shares_nothing_stands_side_by_side() {
    let taken = |new: Statement| {
        given::<Publication>(&with_total())
            .when(state(new.clone()), &by(1, TODAY))
            .then_events(&[stated(new)]);
    };
    taken(own("W", 5, "Wirral"));
    taken(Statement { coverage: coverage(&["Sefton"], "2026-04-01", "2027-03"), ..own("W", 5, "Sefton") });
    taken(Statement { measure: words("Attendances online"), ..own("W", 5, "Sefton") });
    taken(Statement { unit: FigureUnit::People, ..own("W", 5, "Sefton") });
    taken(Statement { coverage: Coverage::default(), ..own("W", 5, "Sefton") });
    taken(Statement { standing: Standing::RepeatOf(words("T")), ..own("W", 6147, "Sefton") });
    let areas = |area| Coverage { areas: [area].into(), ..year(&["a part of Sefton"]) };
    taken(Statement { coverage: areas(Area::SeftonSouth), ..own("W", 5, "Sefton") });
}

#[test]
fn what_was_withdrawn_is_added_no_more_and_keeps_its_label() {
    let withdraw = |label| PublicationEvent::FigureWithdrawn { label: words(label) };
    let history = [with_total(), vec![withdraw("T"), withdraw("S")]].concat();
    let now = given::<Publication>(&history);
    let again = own("S3", 4000, "Sefton");
    now.when(state(again.clone()), &by(1, TODAY)).then_events(&[stated(again)]);
    now.when(state(own("S", 1, "Wirral")), &by(1, TODAY)).then_refused("publication.label_taken");
    let publication = Publication::after(&history);
    assert!(publication.holds(&words("L")).is_ok());
    assert!(publication.holds(&words("S")).is_err());
}
