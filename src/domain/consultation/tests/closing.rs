//! Given, when, then: answers, feedback, and when a consultation may close.

use super::*;

pub(super) fn refusals_of_answers() -> Vec<(&'static str, Refused)> {
    let start = agreed_and(&[promised()]);
    let kept = agreed_and(&[promised(), shown(), Event::CommitmentKept { commitment: id(70) }]);
    let missed = agreed_and(&[promised(), Event::CommitmentMissed { commitment: id(70) }]);
    let keep = Command::KeepCommitment { commitment: id(70) };
    let miss = Command::MissCommitment { commitment: id(70) };
    let unchanged = Command::ChangeCommitment { commitment: id(70), change: Change::default() };
    let link = Command::LinkEvidence { commitment: id(70), shown_by: ShownBy::Grant(id(30)) };
    let act =
        |what: &str, on: &str| Command::LogAction { commitment: id(70), what: words(what), on: date(on) };
    let behind = Change { by_when: Some(date("2026-04-01")), ..Change::default() };
    vec![
        (
            "consultation.commitment_without_need",
            refused(&agreed_and(&[]), promising(|new| new.needs = BTreeSet::new())),
        ),
        (
            "consultation.commitment_without_owner",
            refused(&agreed_and(&[]), promising(|new| new.owner = None)),
        ),
        (
            "consultation.commitment_behind",
            refused(&agreed_and(&[]), promising(|new| new.by_when = date("2026-04-30"))),
        ),
        (
            "consultation.commitment_behind",
            refused(&start, Command::ChangeCommitment { commitment: id(70), change: behind }),
        ),
        (
            "consultation.nobody_asked",
            refused(&agreed_and(&[]), promising(|new| new.kind = CommitmentKind::AskAnother)),
        ),
        ("consultation.need_merged", refused(&agreed_and(&[merged(50, 80)]), promising(|_| ()))),
        ("consultation.cannot_do_before", refused(&agreed_and(&[cannot(51)]), say_cannot(51, "No money."))),
        ("consultation.names_somebody", refused(&agreed_and(&[]), say_cannot(51, "Nurse Example said no."))),
        ("consultation.commitment_unknown", refused(&agreed_and(&[]), keep.clone())),
        ("consultation.commitment_unknown", refused(&agreed_and(&[]), link.clone())),
        ("consultation.commitment_kept_before", refused(&kept, keep.clone())),
        ("consultation.commitment_missed_before", refused(&missed, miss.clone())),
        ("consultation.commitment_unchanged", refused(&start, unchanged)),
        ("consultation.commitment_not_due", refused(&start, miss)),
        ("consultation.kept_without_evidence", refused(&start, keep)),
        ("consultation.evidence_linked_before", refused(&agreed_and(&[promised(), shown()]), link)),
        ("consultation.action_ahead", refused(&start, act("Wrote to all.", "2026-05-02"))),
        ("consultation.names_somebody", refused(&start, act("Rang Brian.", TODAY))),
    ]
}

pub(super) fn refusals_of_the_end() -> Vec<(&'static str, Refused)> {
    let tell = telling(&[Community::DeafPeople], &[Language::English]);
    let hear = |words: Option<Text<500>>| Command::HearFeedback {
        group: Community::DeafPeople,
        meant: WhatYouMeant::Yes,
        taken_from_it: words,
    };
    let told_once = agreed_and(&[promised(), told(Community::DeafPeople)]);
    vec![
        ("consultation.nothing_answered", refused(&agreed_and(&[]), tell)),
        (
            "consultation.no_feedback_group",
            refused(&agreed_and(&[promised()]), telling(&[], &[Language::English])),
        ),
        (
            "consultation.no_language",
            refused(&agreed_and(&[promised()]), telling(&[Community::DeafPeople], &[])),
        ),
        ("consultation.nothing_told", refused(&agreed_and(&[promised()]), hear(None))),
        ("consultation.names_somebody", refused(&told_once, hear(Some(words("Kevin agrees."))))),
        ("consultation.unanswered", refused(&told_once, close())),
        ("consultation.feedback_owed", refused(&agreed_and(&[promised(), cannot(51)]), close())),
    ]
}

fn status(history: &[Event]) -> ConsultationStatus {
    Consultation::after(history).status()
}

#[test]
fn an_unanswered_need_is_named_when_closing_is_refused() {
    let told_once = agreed_and(&[promised(), told(Community::DeafPeople)]);
    assert_eq!(
        refused(&told_once, close()).sentence,
        "These needs have no answer yet: N-2026-0051. Make a commitment, merge them, or say why nothing can be done."
    );
}

#[test]
fn what_is_answered_after_feedback_is_owed_feedback_again() {
    let all = agreed_and(&[promised(), told(Community::DeafPeople), cannot(51)]);
    assert_eq!(status(&all), Answered);
    let owed = refused(&all, close());
    assert_eq!(
        owed.sentence,
        "Those who came do not know the answers yet: give feedback to Deaf people before you close."
    );
}

#[test]
fn feedback_is_owed_to_those_who_came_and_to_no_others() {
    let answered = agreed_and(&[promised_for(&[50, 51])]);
    let told_all = |group: Community| [&answered[..], &[told(group)]].concat();
    assert_eq!(status(&told_all(Community::Carers)), Answered);
    assert_eq!(status(&told_all(Community::DeafPeople)), FedBack);
    assert_eq!(status(&told_all(Community::Everyone)), FedBack);
}

#[test]
fn a_need_that_went_into_another_counts_as_answered() {
    let all = agreed_and(&[promised(), merged(51, 80), told(Community::DeafPeople)]);
    assert_eq!(status(&all), FedBack);
    given::<Consultation>(&all).when(close(), &by(ROSA, TODAY)).then_events(&[closed()]);
}

#[test]
fn what_was_promised_lives_on_after_closing() {
    let over = agreed_and(&[promised(), cannot(51), told(Community::DeafPeople), closed(), shown()]);
    let at = by(ROSA, "2026-06-15");
    given::<Consultation>(&over)
        .when(Command::KeepCommitment { commitment: id(70) }, &at)
        .then_events(&[Event::CommitmentKept { commitment: id(70) }]);
    given::<Consultation>(&over).when(promising(|_| ()), &at).then_refused("consultation.stage");
    given::<Consultation>(&over).when(hearing(|_| ()), &at).then_refused("consultation.stage");
}

#[test]
fn a_missed_commitment_is_open_again_with_a_new_day_or_kept_late() {
    let missed = agreed_and(&[promised(), Event::CommitmentMissed { commitment: id(70) }]);
    let at = by(ROSA, "2026-07-02");
    let change = Change { by_when: Some(date("2026-09-30")), ..Change::default() };
    let changed = Event::CommitmentChanged {
        commitment: id(70),
        statement: promise().statement,
        owner: someone(ROSA),
        by_when: date("2026-09-30"),
    };
    given::<Consultation>(&missed)
        .when(Command::ChangeCommitment { commitment: id(70), change }, &at)
        .then_events(std::slice::from_ref(&changed));
    let again = [&missed[..], &[changed]].concat();
    let miss = Command::MissCommitment { commitment: id(70) };
    given::<Consultation>(&again).when(miss.clone(), &at).then_refused("consultation.commitment_not_due");
    given::<Consultation>(&again)
        .when(miss, &by(ROSA, "2026-10-01"))
        .then_events(&[Event::CommitmentMissed { commitment: id(70) }]);
    given::<Consultation>(&[&missed[..], &[shown()]].concat())
        .when(Command::KeepCommitment { commitment: id(70) }, &at)
        .then_events(&[Event::CommitmentKept { commitment: id(70) }]);
}

#[test]
fn a_need_that_could_not_be_met_can_be_promised_after_all() {
    let all = agreed_and(&[promised(), cannot(51)]);
    let promise = promising(|new| (new.commitment, new.needs) = (id(71), BTreeSet::from([id(51)])));
    let promised: Vec<Event> = Consultation::after(&all).decide(promise, &by(ROSA, TODAY)).unwrap();
    let later = [&all[..], &promised].concat();
    given::<Consultation>(&later)
        .when(say_cannot(51, "There is no money for a building this year."), &by(ROSA, TODAY))
        .then_events(&[cannot(51)]);
}
