//! Given, when, then: programmes.

use super::*;
use crate::domain::identity::ReferenceKind;
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, gbp, given, never_fails, words};

const STAFF: u128 = 1;
const TODAY: &str = "2026-05-01";

fn criterion(code: &str) -> Criterion {
    Criterion { code: words(code), question: words("Is it so?") }
}

fn opening() -> Opening {
    Opening {
        reference: Reference::new(ReferenceKind::Programme, 2026, 1),
        name: words("Invented Round One"),
        fund: FundId(Uuid::from_u128(1)),
        purpose: words("community connection"),
        track: Track::Micro,
        route: Route::OpenCall,
        limits: Limits {
            least: gbp("250"),
            most: gbp("5000"),
            one_approver: gbp("2500"),
            reservation_days: 60,
            target_working_days: 20,
        },
        opens_on: date("2026-04-01"),
        closes_on: date("2026-06-30"),
        priorities: vec![Priority {
            title: words("Somewhere to go on Sundays"),
            needs: vec![Uuid::from_u128(5)],
        }],
        required_checks: BTreeSet::from([words("public_liability")]),
        eligibility: vec![criterion("local"), criterion("open_to_all")],
        scoring: vec![criterion("reach"), criterion("cost")],
    }
}

fn open() -> Vec<ProgrammeEvent> {
    vec![opened(opening()).unwrap()]
}

fn closed() -> Vec<ProgrammeEvent> {
    open().into_iter().chain([ProgrammeEvent::Closed {}]).collect()
}

fn id(number: u128) -> GrantId {
    GrantId(Uuid::from_u128(number))
}

fn routed(route: Route) -> Vec<ProgrammeEvent> {
    vec![opened(Opening { route, ..opening() }).unwrap()]
}

fn amended(told: &[u128]) -> ProgrammeEvent {
    ProgrammeEvent::CriteriaAmended {
        eligibility: vec![criterion("local")],
        scoring: vec![criterion("reach"), criterion("company")],
        told: told.iter().copied().map(id).collect(),
    }
}

fn amend(told: &[u128], waiting: &[u128]) -> ProgrammeCommand {
    ProgrammeCommand::AmendCriteria {
        eligibility: vec![criterion("local")],
        scoring: vec![criterion("reach"), criterion("company")],
        told: told.iter().copied().map(id).collect(),
        waiting: waiting.iter().copied().map(id).collect(),
    }
}

const RULES: DecisionRules = DecisionRules { quorum: 0, offer_days: 14, direct_awards: true };

fn stories() -> Vec<Story<Programme>> {
    vec![
        Story {
            given: open(),
            when: amend(&[7, 8], &[7]),
            at: by(STAFF, TODAY),
            then: vec![amended(&[7, 8])],
        },
        Story {
            given: open(),
            when: ProgrammeCommand::SetDecisionRules(RULES),
            at: by(STAFF, TODAY),
            then: vec![ProgrammeEvent::DecisionRulesSet { rules: RULES }],
        },
        Story { given: vec![], when: ProgrammeCommand::Open(opening()), at: by(STAFF, TODAY), then: open() },
        Story {
            given: open(),
            when: ProgrammeCommand::Close,
            at: by(STAFF, TODAY),
            then: vec![ProgrammeEvent::Closed {}],
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
    let refused = |history: &[ProgrammeEvent], command| {
        given::<Programme>(history).when(command, &by(STAFF, TODAY)).refused()
    };
    let opening_with = |change: fn(&mut Opening)| {
        let mut changed = opening();
        change(&mut changed);
        refused(&[], ProgrammeCommand::Open(changed))
    };
    let not_taken = |history: &[ProgrammeEvent], requested, on| {
        Programme::after(history)
            .takes(gbp(requested), date(on))
            .map_err(Refused::from)
            .map(drop)
            .unwrap_err()
    };
    let reached = [
        ("programme.unknown", refused(&[], ProgrammeCommand::Close)),
        ("programme.unknown", not_taken(&[], "500", TODAY)),
        ("programme.already_open", refused(&open(), ProgrammeCommand::Open(opening()))),
        ("programme.dates_reversed", opening_with(|one| one.closes_on = date("2026-03-31"))),
        ("programme.limits_reversed", opening_with(|one| one.limits.least = gbp("5000.01"))),
        ("programme.no_criteria", opening_with(|one| one.eligibility.clear())),
        ("programme.no_criteria", opening_with(|one| one.scoring.clear())),
        ("programme.criterion_twice", opening_with(|one| one.scoring.push(criterion("reach")))),
        ("programme.criterion_twice", opening_with(|one| one.eligibility.push(criterion("local")))),
        ("programme.closed", refused(&closed(), ProgrammeCommand::Close)),
        ("programme.closed", not_taken(&closed(), "500", TODAY)),
        ("programme.not_taking_applications", not_taken(&open(), "500", "2026-03-31")),
        ("programme.not_taking_applications", not_taken(&open(), "500", "2026-07-01")),
        ("programme.applicants_not_told", refused(&open(), amend(&[7], &[7, 8]))),
        ("programme.no_criteria", {
            let (eligibility, scoring) = (Vec::new(), vec![criterion("reach")]);
            let (told, waiting) = (BTreeSet::new(), BTreeSet::new());
            refused(&open(), ProgrammeCommand::AmendCriteria { eligibility, scoring, told, waiting })
        }),
        ("programme.micro_no_panel", {
            refused(&open(), ProgrammeCommand::SetDecisionRules(DecisionRules { quorum: 1, ..RULES }))
        }),
        ("programme.starts_with_interest", not_taken(&routed(Route::ExpressionOfInterest), "500", TODAY)),
        ("programme.direct_awards_only", not_taken(&routed(Route::DirectAward), "500", TODAY)),
        ("programme.takes_no_interest", {
            Programme::after(&open()).takes_interest(date(TODAY)).map(drop).unwrap_err().into()
        }),
        ("programme.no_direct_awards", {
            Programme::after(&open()).takes_direct_award(date(TODAY)).map(drop).unwrap_err().into()
        }),
        ("programme.applicant_not_told", {
            let history = [open(), vec![amended(&[7])]].concat();
            Programme::after(&history).has_told(id(8), 1).unwrap_err().into()
        }),
        ("programme.below_least", not_taken(&open(), "249.99", TODAY)),
        ("programme.above_most", not_taken(&open(), "5000.01", TODAY)),
    ];
    all_reached(ProgrammeRefusal::CODES, &reached);
}

#[test]
fn the_limits_and_the_window_include_their_ends() {
    let programme = Programme::after(&open());
    for (requested, on) in [("250", "2026-04-01"), ("5000", "2026-06-30")] {
        let rules = programme.takes(gbp(requested), date(on)).unwrap();
        assert_eq!(rules.scoring, BTreeSet::from([words("reach"), words("cost")]));
    }
}

#[test]
fn a_day_is_long_enough_to_apply() {
    let one_day = Opening { closes_on: opening().opens_on, ..opening() };
    given::<Programme>(&[])
        .when(ProgrammeCommand::Open(one_day.clone()), &by(STAFF, TODAY))
        .then_events(&[opened(one_day).unwrap()]);
}

#[test]
fn each_route_takes_what_belongs_to_it() {
    let interest = Programme::after(&routed(Route::ExpressionOfInterest));
    assert!(interest.takes_interest(date(TODAY)).is_ok());
    assert!(interest.takes_interest(date("2026-07-01")).is_err(), "its window is over");
    assert!(interest.takes_invited(gbp("500")).is_ok(), "an invitation has a last day of its own");
    assert!(Programme::after(&routed(Route::DirectAward)).takes_direct_award(date(TODAY)).is_ok());
    let beside = [open(), vec![ProgrammeEvent::DecisionRulesSet { rules: RULES }]].concat();
    assert!(Programme::after(&beside).takes_direct_award(date(TODAY)).is_ok());
}

#[test]
fn an_applicant_must_know_the_criteria_that_hold() {
    let programme = Programme::after(&[open(), vec![amended(&[7, 8]), amended(&[7])]].concat());
    assert_eq!(programme.criteria_version(), 3);
    assert_eq!(programme.rules().unwrap().scoring, BTreeSet::from([words("reach"), words("company")]));
    for (grant, sent_in_under, told) in
        [(7, 1, true), (8, 1, false), (8, 2, false), (8, 3, true), (9, 3, true), (9, 2, false)]
    {
        assert_eq!(programme.has_told(id(grant), sent_in_under).is_ok(), told, "{grant} {sent_in_under}");
    }
    let caught_up = Programme::after(&[open(), vec![amended(&[7]), amended(&[7, 8])]].concat());
    assert!(caught_up.has_told(id(8), 1).is_ok(), "told of what holds now");
}
