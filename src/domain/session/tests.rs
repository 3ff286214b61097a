//! Given, when, then: sessions, and how many came.

use uuid::Uuid;

use super::*;
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, given, never_fails, someone};

const DAY: &str = "2026-05-12";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn plan() -> Plan {
    Plan {
        course: id(10),
        site: id(20),
        area: Area::SeftonSouth,
        setting: Setting::PartnersPlace,
        host: Some(id(30)),
        day: date(DAY),
        starts_at: "10:30".parse().unwrap(),
        places: 14,
        led_by: someone(2),
    }
}

fn scheduled() -> SessionEvent {
    let Plan { course, site, area, setting, host, day, starts_at, places, led_by } = plan();
    SessionEvent::Scheduled { course, site, area, setting, host, day, starts_at, places, led_by }
}

fn counted(heads: u32) -> Vec<SessionEvent> {
    vec![scheduled(), SessionEvent::Delivered {}, SessionEvent::AttendanceCounted { heads }]
}

fn marked(number: u128) -> SessionEvent {
    SessionEvent::AttendeeMarked { person: id(number) }
}

fn mark(number: u128) -> SessionCommand {
    SessionCommand::MarkAttendee { person: id(number) }
}

fn count(heads: u32) -> SessionCommand {
    SessionCommand::CountAttendance { heads }
}

fn correct(heads: u32) -> SessionCommand {
    SessionCommand::CorrectAttendance { heads }
}

fn stories() -> Vec<Story<Session>> {
    let story = |given, when, on: &str, then| Story { given, when, at: by(1, on), then: vec![then] };
    vec![
        story(vec![], SessionCommand::Schedule(plan()), "2026-05-01", scheduled()),
        story(vec![scheduled()], SessionCommand::Cancel, "2026-05-11", SessionEvent::Cancelled {}),
        story(vec![scheduled()], SessionCommand::Deliver, DAY, SessionEvent::Delivered {}),
        story(
            vec![scheduled(), SessionEvent::Delivered {}],
            count(0),
            DAY,
            SessionEvent::AttendanceCounted { heads: 0 },
        ),
        story(counted(11), correct(12), "2026-05-13", SessionEvent::AttendanceCorrected { from: 11, to: 12 }),
        story(counted(1), mark(5), DAY, marked(5)),
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
    let refused = |history: &[SessionEvent], command, on: &str| {
        given::<Session>(history).when(command, &by(1, on)).refused()
    };
    let cancelled = [scheduled(), SessionEvent::Cancelled {}];
    let delivered = [scheduled(), SessionEvent::Delivered {}];
    let with = |heads, after: &[SessionEvent]| [counted(heads), after.to_vec()].concat();
    let roomless = Plan { places: 0, ..plan() };
    let reached = [
        ("session.unknown", refused(&[], SessionCommand::Cancel, DAY)),
        ("session.unknown", refused(&[], SessionCommand::Deliver, DAY)),
        ("session.already_scheduled", refused(&[scheduled()], SessionCommand::Schedule(plan()), DAY)),
        ("session.day_gone", refused(&[], SessionCommand::Schedule(plan()), "2026-05-13")),
        ("session.no_places", refused(&[], SessionCommand::Schedule(roomless), DAY)),
        ("session.cancelled", refused(&cancelled, SessionCommand::Cancel, DAY)),
        ("session.cancelled", refused(&cancelled, SessionCommand::Deliver, DAY)),
        ("session.cancelled", refused(&cancelled, count(4), DAY)),
        ("session.cancelled", refused(&cancelled, mark(5), DAY)),
        ("session.already_delivered", refused(&delivered, SessionCommand::Deliver, DAY)),
        ("session.already_delivered", refused(&delivered, SessionCommand::Cancel, DAY)),
        ("session.in_future", refused(&[scheduled()], SessionCommand::Deliver, "2026-05-11")),
        ("session.in_future", refused(&[scheduled()], count(4), "2026-05-11")),
        ("session.not_delivered", refused(&[scheduled()], count(4), DAY)),
        ("session.not_delivered", refused(&[scheduled()], mark(5), DAY)),
        ("session.already_counted", refused(&counted(4), count(4), DAY)),
        ("session.not_counted", refused(&delivered, correct(4), DAY)),
        ("session.not_counted", refused(&delivered, mark(5), DAY)),
        ("session.too_many_heads", refused(&delivered, count(100_001), DAY)),
        ("session.too_many_heads", refused(&counted(4), correct(u32::MAX), DAY)),
        ("session.same_count", refused(&counted(4), correct(4), DAY)),
        ("session.more_marked_than_counted", refused(&with(1, &[marked(5)]), mark(6), DAY)),
        ("session.more_marked_than_counted", refused(&with(2, &[marked(5), marked(6)]), correct(1), DAY)),
        ("session.marked_already", refused(&with(2, &[marked(5)]), mark(5), DAY)),
    ];
    all_reached(SessionRefusal::CODES, &reached);
}

#[test]
fn only_a_session_that_took_place_can_be_rested_on() {
    let rest = |history: &[SessionEvent]| Session::after(history).delivered().map_err(Refused::from);
    assert!(rest(&counted(3)).is_ok());
    assert_eq!(rest(&[scheduled()]).unwrap_err().code, "session.not_delivered");
    assert_eq!(rest(&[scheduled(), SessionEvent::Cancelled {}]).unwrap_err().code, "session.cancelled");
    assert_eq!(rest(&[]).unwrap_err().code, "session.unknown");
}

#[test]
fn a_time_of_day_is_hours_and_minutes() {
    for written in ["00:00", "09:30", "23:59"] {
        let time: TimeOfDay = written.parse().unwrap();
        assert_eq!(serde_json::to_value(time).unwrap(), written);
        assert_eq!(serde_json::from_value::<TimeOfDay>(written.into()).unwrap(), time);
    }
    for odd in ["", "9:30", "24:00", "10.30", "half past nine", "10:30:00"] {
        assert_eq!(odd.parse::<TimeOfDay>(), Err(TimeProblem::Unreadable), "{odd}");
    }
}
