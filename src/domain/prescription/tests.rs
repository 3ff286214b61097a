//! Given, when, then: prescriptions.

use uuid::Uuid;

use super::*;
use crate::domain::calendar::day;
use crate::domain::outcome::Item;
use crate::domain::{Story, all_hold, all_reached, by, date, given, never_fails, someone};

const ADVISOR: u128 = 1;
const MADE: &str = "2026-05-01";
const SENT: &str = "2026-05-04";
const LATER: &str = "2026-06-01";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn making() -> Making {
    Making {
        person: id(10),
        contact: id(11),
        referral: Some(id(12)),
        offer: id(20),
        offer_version: 2,
        partner: id(30),
        payer: Some(paying()),
        needs: [NeedCode::Loneliness].into(),
        attempts_needed: USUAL_ATTEMPTS,
        follows: None,
    }
}

fn paying() -> Payer {
    Payer { grant: id(40), named_by_offer: true, of_the_partner: true, runs: true }
}

fn made() -> PrescriptionEvent {
    PrescriptionEvent::Made {
        person: id(10),
        contact: id(11),
        referral: Some(id(12)),
        offer: id(20),
        offer_version: 2,
        partner: id(30),
        grant: Some(id(40)),
        needs: [NeedCode::Loneliness].into(),
        attempts_needed: USUAL_ATTEMPTS,
        made_by: someone(ADVISOR),
        made_on: date(MADE),
        follows: None,
    }
}

fn with(events: &[PrescriptionEvent]) -> Vec<PrescriptionEvent> {
    let sent = PrescriptionEvent::Sent { sent_on: date(SENT) };
    [made(), sent].into_iter().chain(events.iter().cloned()).collect()
}

fn accepted(events: &[PrescriptionEvent]) -> Vec<PrescriptionEvent> {
    with(&[&[PrescriptionEvent::Accepted {}], events].concat())
}

fn attended(on: &str) -> PrescriptionEvent {
    PrescriptionEvent::Attended { held_on: date(on) }
}

fn attempt(number: u32, reached: bool) -> PrescriptionEvent {
    PrescriptionEvent::AttemptMade { number, means: AttemptMeans::Phone, reached }
}

fn unanswered() -> PrescriptionEvent {
    PrescriptionEvent::Unanswered { due: date("2026-05-18") }
}

fn declined() -> PrescriptionEvent {
    PrescriptionEvent::Declined { why: DeclineReason::NoRoom }
}

fn closed(why: ClosingReason) -> PrescriptionEvent {
    PrescriptionEvent::Closed { why }
}

fn happy(score: u8) -> Vec<Answer> {
    vec![Answer { item: Item::Happy, score }]
}

fn record(outcome: u128, corrects: Option<u128>, moment: Moment) -> OutcomeRecord {
    OutcomeRecord {
        outcome: id(outcome),
        corrects: corrects.map(id),
        instrument: Instrument::Ons4,
        instrument_version: 1,
        moment,
        answered_on: date(SENT),
        asked_by: AskedBy::Advisor,
        answers: happy(4),
        goal: None,
    }
}

fn recorded(outcome: u128, moment: Moment) -> PrescriptionEvent {
    PrescriptionEvent::OutcomeRecorded {
        outcome: id(outcome),
        instrument: Instrument::Ons4,
        instrument_version: 1,
        moment,
        answered_on: date(SENT),
        asked_by: AskedBy::Advisor,
        answers: happy(4),
        goal: None,
    }
}

fn corrected(outcome: u128, corrects: u128) -> PrescriptionEvent {
    PrescriptionEvent::OutcomeCorrected {
        outcome: id(outcome),
        corrects: id(corrects),
        instrument: Instrument::Ons4,
        instrument_version: 1,
        moment: Moment::Before,
        answered_on: date(SENT),
        asked_by: AskedBy::Advisor,
        answers: happy(4),
        goal: None,
    }
}

fn story(
    given: Vec<PrescriptionEvent>,
    when: PrescriptionCommand,
    then: &[PrescriptionEvent],
) -> Story<Prescription> {
    Story { given, when, at: by(ADVISOR, LATER), then: then.to_vec() }
}

fn beginnings() -> Vec<Story<Prescription>> {
    use PrescriptionCommand as Ask;
    let (make, send) = (Ask::Make(making()), Ask::Send { agreed: true });
    let (starts_on, expected_on) = (Some(date("2026-06-08")), Some(date("2026-07-01")));
    let place = PrescriptionEvent::PlaceOffered { starts_on };
    let waiting = PrescriptionEvent::Waiting { expected_on };
    vec![
        Story { given: vec![], when: make, at: by(ADVISOR, MADE), then: vec![made()] },
        Story { given: vec![made()], when: send, at: by(ADVISOR, SENT), then: with(&[])[1..].to_vec() },
        story(with(&[]), Ask::Accept, &[PrescriptionEvent::Accepted {}]),
        story(with(&[unanswered()]), Ask::Accept, &[PrescriptionEvent::Accepted {}]),
        story(with(&[]), Ask::Decline { why: DeclineReason::NoRoom }, &[declined()]),
        story(with(&[]), Ask::RecordUnanswered, &[unanswered()]),
        story(
            accepted(&[attempt(1, false)]),
            Ask::RecordAttempt { means: AttemptMeans::Phone, reached: true },
            &[attempt(2, true)],
        ),
        story(accepted(&[]), Ask::OfferPlace { starts_on }, std::slice::from_ref(&place)),
        story(accepted(&[place]), Ask::RecordWaiting { expected_on }, std::slice::from_ref(&waiting)),
        story(accepted(&[waiting]), Ask::Start, &[PrescriptionEvent::Started {}]),
    ]
}

fn goings_on() -> Vec<Story<Prescription>> {
    use PrescriptionCommand as Ask;
    let held_on = date("2026-05-20");
    let (service_happened, why) = (false, AbsenceGroup::CancelledByService);
    let away = PrescriptionEvent::DidNotAttend { held_on, service_happened, why };
    let late = PrescriptionEvent::AttendedLate { held_on };
    vec![
        story(
            accepted(&[]),
            Ask::RecordAttendance(Session::Attended { held_on }),
            &[PrescriptionEvent::Started {}, attended("2026-05-20")],
        ),
        story(
            accepted(&[PrescriptionEvent::Started {}]),
            Ask::RecordAttendance(Session::AttendedLate { held_on }),
            &[late],
        ),
        story(
            accepted(&[]),
            Ask::RecordAttendance(Session::DidNotAttend { held_on, service_happened, why }),
            std::slice::from_ref(&away),
        ),
        story(
            accepted(&[away]),
            Ask::WithdrawAttendance { held_on },
            &[PrescriptionEvent::AttendanceWithdrawn { held_on }],
        ),
        story(
            accepted(&[]),
            Ask::RecordOutcome(record(50, None, Moment::Before)),
            &[recorded(50, Moment::Before)],
        ),
        story(
            accepted(&[recorded(50, Moment::After), closed(ClosingReason::LeftEarly)]),
            Ask::RecordOutcome(record(51, None, Moment::After)),
            &[recorded(51, Moment::After)],
        ),
        story(
            accepted(&[recorded(50, Moment::Before)]),
            Ask::RecordOutcome(record(51, Some(50), Moment::Before)),
            &[corrected(51, 50)],
        ),
    ]
}

fn endings() -> Vec<Story<Prescription>> {
    use PrescriptionCommand as Ask;
    let close = |why| Ask::Close { why };
    let reason = ClosingReason::Completed;
    let three = [attempt(1, false), attempt(2, true), attempt(3, false), attempt(4, false)];
    let (given_up, again) = (ClosingReason::CouldNotContact, PrescriptionEvent::MadeAgain { again: id(61) });
    let make_again = Ask::MakeAgain { again: id(61) };
    vec![
        story(accepted(&[attended("2026-05-20")]), close(reason), &[closed(reason)]),
        story(accepted(&three), close(given_up), &[closed(given_up)]),
        story(vec![made()], close(ClosingReason::PersonDeclined), &[closed(ClosingReason::PersonDeclined)]),
        story(
            with(&[declined()]),
            Ask::PassOn { to: id(60), offer: id(21) },
            &[PrescriptionEvent::PassedOn { to: id(60), offer: id(21) }],
        ),
        story(
            with(&[declined()]),
            make_again.clone(),
            &[closed(ClosingReason::DeclinedByPartner), again.clone()],
        ),
        story(with(&[unanswered()]), make_again.clone(), &[closed(ClosingReason::Unanswered), again.clone()]),
        story(accepted(&[closed(ClosingReason::NeverCame)]), make_again, &[again]),
        story(accepted(&[]), Ask::CloseInError, &[PrescriptionEvent::ClosedInError {}]),
        story(
            accepted(&[closed(ClosingReason::NeverCame)]),
            Ask::TellReferrer { means: TellingMeans::Letter },
            &[PrescriptionEvent::ReferrerTold { means: TellingMeans::Letter }],
        ),
    ]
}

fn stories() -> Vec<Story<Prescription>> {
    beginnings().into_iter().chain(goings_on()).chain(endings()).collect()
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

fn refused(history: &[PrescriptionEvent], command: PrescriptionCommand) -> crate::domain::Refused {
    given::<Prescription>(history).when(command, &by(ADVISOR, LATER)).refused()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list: each refusal and what leads to it")]
fn every_refusal_is_reached() {
    use PrescriptionCommand as Ask;
    let close = |why| Ask::Close { why };
    let make = |change: fn(&mut Making)| {
        let mut making = making();
        change(&mut making);
        Ask::Make(making)
    };
    let came = |on: &str| Ask::RecordAttendance(Session::Attended { held_on: date(on) });
    let tell = Ask::TellReferrer { means: TellingMeans::Phone };
    let told = PrescriptionEvent::ReferrerTold { means: TellingMeans::Phone };
    let again = PrescriptionEvent::MadeAgain { again: id(61) };
    let over = accepted(&[closed(ClosingReason::NeverCame)]);
    let mut alone = over.clone();
    if let PrescriptionEvent::Made { referral, .. } = &mut alone[0] {
        *referral = None;
    }
    let wrong = accepted(&[PrescriptionEvent::ClosedInError {}]);
    let answered = accepted(&[recorded(50, Moment::Before)]);
    let early = given::<Prescription>(&with(&[])).when(Ask::RecordUnanswered, &by(ADVISOR, "2026-05-18"));
    let reached = [
        ("prescription.unknown", refused(&[], Ask::Accept)),
        ("prescription.unknown", refused(&[], close(ClosingReason::Died))),
        ("prescription.unknown", refused(&[], Ask::CloseInError)),
        ("prescription.already_made", refused(&[made()], Ask::Make(making()))),
        ("prescription.no_need", refused(&[], make(|making| making.needs.clear()))),
        ("prescription.attempts", refused(&[], make(|making| making.attempts_needed = 0))),
        ("prescription.attempts", refused(&[], make(|making| making.attempts_needed = 11))),
        (
            "prescription.grant_not_of_offer",
            refused(
                &[],
                make(|making| {
                    making.payer = Some(Payer { named_by_offer: false, of_the_partner: false, ..paying() });
                }),
            ),
        ),
        (
            "prescription.grant_not_running",
            refused(&[], make(|making| making.payer = Some(Payer { runs: false, ..paying() }))),
        ),
        ("prescription.wrong_stage", refused(&[made()], Ask::Accept)),
        ("prescription.wrong_stage", refused(&with(&[]), Ask::Send { agreed: true })),
        ("prescription.sharing_not_agreed", refused(&[made()], Ask::Send { agreed: false })),
        ("prescription.wrong_stage", refused(&with(&[]), came("2026-05-20"))),
        ("prescription.wrong_stage", refused(&accepted(&[]), Ask::RecordUnanswered)),
        ("prescription.ended", refused(&over, close(ClosingReason::NeverCame))),
        ("prescription.ended", refused(&wrong, Ask::CloseInError)),
        ("prescription.ended", refused(&wrong, Ask::RecordOutcome(record(50, None, Moment::After)))),
        ("prescription.answer_not_due", early.refused()),
        ("prescription.day_ahead", refused(&accepted(&[]), came("2026-06-02"))),
        ("prescription.day_before_made", refused(&accepted(&[]), came("2026-04-30"))),
        ("prescription.attendance_twice", refused(&accepted(&[attended(SENT)]), came(SENT))),
        (
            "prescription.attendance_unknown",
            refused(&accepted(&[]), Ask::WithdrawAttendance { held_on: date(SENT) }),
        ),
        (
            "prescription.too_few_attempts",
            refused(
                &accepted(&[attempt(1, false), attempt(2, true), attempt(3, false)]),
                close(ClosingReason::CouldNotContact),
            ),
        ),
        ("prescription.never_attended", refused(&accepted(&[]), close(ClosingReason::Completed))),
        ("prescription.never_attended", refused(&accepted(&[]), close(ClosingReason::LeftEarly))),
        (
            "prescription.attended_before",
            refused(&accepted(&[attended(SENT)]), close(ClosingReason::NeverCame)),
        ),
        ("prescription.not_declined", refused(&with(&[]), close(ClosingReason::DeclinedByPartner))),
        ("prescription.not_unanswered", refused(&with(&[]), close(ClosingReason::Unanswered))),
        ("prescription.same_offer", refused(&with(&[]), Ask::PassOn { to: id(60), offer: id(20) })),
        (
            "prescription.already_made_again",
            refused(&[over.clone(), vec![again]].concat(), Ask::MakeAgain { again: id(62) }),
        ),
        (
            "prescription.outcome_twice",
            refused(&answered, Ask::RecordOutcome(record(51, None, Moment::Before))),
        ),
        (
            "prescription.outcome_unknown",
            refused(&answered, Ask::RecordOutcome(record(51, Some(52), Moment::Before))),
        ),
        (
            "prescription.outcome_of_another",
            refused(&answered, Ask::RecordOutcome(record(51, Some(50), Moment::After))),
        ),
        ("prescription.no_referrer", refused(&alone, tell.clone())),
        ("prescription.referrer_already_told", refused(&[over, vec![told]].concat(), tell.clone())),
        ("prescription.not_over", refused(&accepted(&[]), tell)),
    ];
    all_reached(PrescriptionRefusal::CODES, &reached);
}

/// A correction takes the place of what it corrects: that one cannot be corrected again.
#[test]
fn what_was_corrected_no_longer_stands() {
    let history = accepted(&[recorded(50, Moment::Before), corrected(51, 50)]);
    let again = |corrects| PrescriptionCommand::RecordOutcome(record(52, Some(corrects), Moment::Before));
    assert_eq!(refused(&history, again(50)).code, "prescription.outcome_unknown");
    given::<Prescription>(&history).when(again(51), &by(ADVISOR, LATER)).then_events(&[corrected(52, 51)]);
}

#[test]
fn an_answer_is_in_time_for_two_weeks() {
    assert_eq!(day(answer_due(date(SENT))), "18 May 2026");
    let silence = PrescriptionCommand::RecordUnanswered;
    let sent = with(&[]);
    given::<Prescription>(&sent)
        .when(silence.clone(), &by(ADVISOR, "2026-05-18"))
        .then_refused("prescription.answer_not_due");
    given::<Prescription>(&sent).when(silence, &by(ADVISOR, "2026-05-19")).then_events(&[unanswered()]);
}

/// What attendance was withdrawn no longer completes anything.
#[test]
fn completing_rests_on_attendance_that_stands() {
    let came = accepted(&[PrescriptionEvent::Started {}, attended("2026-05-20")]);
    let held_on = date("2026-05-20");
    let withdrawn = [came.clone(), vec![PrescriptionEvent::AttendanceWithdrawn { held_on }]].concat();
    let complete = PrescriptionCommand::Close { why: ClosingReason::Completed };
    given::<Prescription>(&came)
        .when(complete.clone(), &by(ADVISOR, LATER))
        .then_events(&[closed(ClosingReason::Completed)]);
    given::<Prescription>(&withdrawn)
        .when(complete, &by(ADVISOR, LATER))
        .then_refused("prescription.never_attended");
}
