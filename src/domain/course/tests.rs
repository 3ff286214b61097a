//! Given, when, then: courses and their content online.

use uuid::Uuid;

use super::*;
use crate::domain::{Story, all_hold, all_reached, by, given, never_fails, words};

const TODAY: &str = "2026-05-04";

fn channel(number: u128) -> SiteId {
    SiteId(Uuid::from_u128(number))
}

fn defined() -> CourseEvent {
    CourseEvent::Defined {
        title: words("Sleep, slowly"),
        pillar: Pillar::Learning,
        about: words("Sleeping."),
    }
}

fn define() -> CourseCommand {
    CourseCommand::Define {
        title: words("Sleep, slowly"),
        pillar: Pillar::Learning,
        about: words("Sleeping."),
    }
}

fn publish(on: u128) -> CourseCommand {
    CourseCommand::PublishContent { channel: channel(on), title: words("Week one") }
}

fn published(on: u128) -> CourseEvent {
    CourseEvent::ContentPublished { channel: channel(on), title: words("Week one") }
}

fn stories() -> Vec<Story<Course>> {
    let at = || by(1, TODAY);
    vec![
        Story { given: vec![], when: define(), at: at(), then: vec![defined()] },
        Story { given: vec![defined(), published(2)], when: publish(1), at: at(), then: vec![published(1)] },
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
    let refused =
        |history: &[CourseEvent], command| given::<Course>(history).when(command, &by(1, TODAY)).refused();
    let reached = [
        ("course.unknown", refused(&[], publish(1))),
        ("course.already_defined", refused(&[defined()], define())),
        ("course.content_published_already", refused(&[defined(), published(1)], publish(1))),
    ];
    all_reached(CourseRefusal::CODES, &reached);
}
