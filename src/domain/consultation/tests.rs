//! Given, when, then: consultations, needs and commitments.

use uuid::Uuid;

use super::ConsultationCommand as Command;
use super::ConsultationEvent as Event;
use super::*;
use crate::domain::identity::{Hash, ReferenceKind};
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, given, never_fails, someone, words};

mod closing;

const ROSA: u128 = 1;
const COLLEAGUE: u128 = 2;
const PLANNED_FOR: &str = "2026-04-20";
const TODAY: &str = "2026-05-01";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn reference(kind: ReferenceKind, number: u32) -> Reference {
    Reference::new(kind, 2026, number)
}

fn plan() -> Plan {
    Plan {
        reference: reference(ReferenceKind::Consultation, 1),
        title: words("What would make a group worth the journey"),
        purpose: words("To find out what keeps Deaf people away from groups."),
        decision: words("Which groups get money in the round that opens in May."),
        rung_intended: Rung::Engagement,
        method: Method::Workshop,
        communities: BTreeSet::from([Community::DeafPeople]),
        host: Some(id(10)),
        area: Area::LiverpoolCentral,
        venue: words("The hall of an invented club"),
        on: date(PLANNED_FOR),
        access: BTreeSet::from([Access::SignInterpreter]),
        languages: BTreeSet::from([Language::BritishSignLanguage, Language::English]),
    }
}

fn planning(change: impl FnOnce(&mut Plan)) -> Command {
    let mut plan = plan();
    change(&mut plan);
    Command::Plan(plan)
}

fn heads(group: Community, heads: HeadBand) -> GroupHeads {
    GroupHeads { group, heads }
}

fn holding(on: &str, came: &[GroupHeads]) -> Command {
    Command::Hold { on: date(on), heads: came.to_vec(), groups_overlap: false }
}

fn held_by(came: &[GroupHeads]) -> Event {
    Event::Held { on: date(PLANNED_FOR), heads: came.to_vec(), groups_overlap: false }
}

fn kept(number: u128) -> VaultRef {
    VaultRef { item: Uuid::from_u128(number), commit: Hash::of(b"words") }
}

fn voice(number: u128, traces: &[Trace], may_be_published: bool) -> NewVoice {
    let (group, text) = (Community::DeafPeople, kept(number));
    NewVoice { voice: id(number), group, text, traces: traces.iter().copied().collect(), may_be_published }
}

fn recorded(number: u128, traces: &[Trace], may_be_published: bool) -> Event {
    let NewVoice { voice, group, text, traces, may_be_published } = voice(number, traces, may_be_published);
    Event::VoiceRecorded { voice, group, text, traces, may_be_published, recorded_by: someone(ROSA) }
}

fn checked(number: u128, names_nobody: bool) -> Event {
    Event::VoiceChecked { voice: id(number), checked_by: someone(COLLEAGUE), names_nobody }
}

fn need(number: u128) -> NewNeed {
    NewNeed {
        need: id(number),
        reference: reference(ReferenceKind::Need, u32::try_from(number).unwrap()),
        theme: words("Getting through the door"),
        statement: words("Groups that Deaf people can join without asking first"),
        codes: BTreeSet::from([NeedCode::Creativity]),
        voices: BTreeSet::new(),
        strength: Strength::Most,
    }
}

fn hearing(change: impl FnOnce(&mut NewNeed)) -> Command {
    let mut need = need(50);
    change(&mut need);
    Command::HearNeed(need)
}

fn heard(number: u128) -> Event {
    let NewNeed { need, reference, theme, statement, codes, voices, strength } = need(number);
    Event::NeedHeard { need, reference, theme, statement, codes, voices, strength }
}

fn merged(number: u128, into: u128) -> Event {
    Event::NeedsMerged { need: id(number), into: id(into), into_consultation: id(900) }
}

fn report() -> Evidence {
    Evidence { title: words("What we heard"), sha256: Hash::of(b"report") }
}

fn agreed() -> Event {
    let themes = BTreeSet::from([words("Getting through the door")]);
    Event::ThemesAgreed { themes, how_checked: words("Shown at the next club night.") }
}

fn planned() -> Event {
    Event::from(plan())
}

fn held() -> Event {
    held_by(&[heads(Community::DeafPeople, HeadBand::From8To14), heads(Community::Carers, HeadBand::Nobody)])
}

fn written_up() -> Event {
    Event::WrittenUp { report: report() }
}

/// A history that ends in these.
fn after(last: &[Event]) -> Vec<Event> {
    [&[planned(), held()], last].concat()
}

/// A history with two needs, whose themes are agreed, that ends in these.
fn agreed_and(last: &[Event]) -> Vec<Event> {
    [&after(&[heard(50), heard(51), written_up(), agreed()]), last].concat()
}

fn promise() -> NewCommitment {
    NewCommitment {
        commitment: id(70),
        needs: BTreeSet::from([id(50)]),
        kind: CommitmentKind::Do,
        statement: words("We will pay for interpreters where a group asks."),
        asked: None,
        owner: Some(someone(ROSA)),
        by_when: date("2026-06-30"),
    }
}

fn promising(change: impl FnOnce(&mut NewCommitment)) -> Command {
    let mut promise = promise();
    change(&mut promise);
    Command::MakeCommitment(promise)
}

fn promised_for(needs: &[u128]) -> Event {
    let NewCommitment { commitment, kind, statement, asked, by_when, .. } = promise();
    let needs = needs.iter().map(|need| id(*need)).collect();
    Event::CommitmentMade { commitment, needs, kind, statement, asked, owner: someone(ROSA), by_when }
}

fn promised() -> Event {
    promised_for(&[50])
}

fn shown() -> Event {
    Event::EvidenceLinked { commitment: id(70), shown_by: ShownBy::Grant(id(30)) }
}

fn cannot(number: u128) -> Event {
    Event::CannotDo {
        need: id(number),
        public_reason: words("There is no money for a building this year."),
        decided_by: words("The commissioning board"),
    }
}

fn say_cannot(number: u128, why: &str) -> Command {
    Command::SayCannotDo {
        need: id(number),
        public_reason: words(why),
        decided_by: words("The commissioning board"),
    }
}

fn telling(groups: &[Community], languages: &[Language]) -> Command {
    let groups = groups.iter().copied().collect();
    let languages = languages.iter().copied().collect();
    Command::GiveFeedback { groups, channel: FeedbackChannel::SignedVideo, languages }
}

fn told(group: Community) -> Event {
    Event::FeedbackGiven {
        groups: BTreeSet::from([group]),
        channel: FeedbackChannel::SignedVideo,
        languages: BTreeSet::from([Language::BritishSignLanguage]),
    }
}

fn closed() -> Event {
    Event::Closed { rung_reached: Rung::Consultation }
}

fn close() -> Command {
    Command::Close { rung_reached: Rung::Consultation }
}

fn story(given: Vec<Event>, when: Command, then: Event) -> Story<Consultation> {
    Story { given, when, at: by(COLLEAGUE, TODAY), then: vec![then] }
}

fn stories_of_listening() -> Vec<Story<Consultation>> {
    let on_the_day = by(ROSA, PLANNED_FOR);
    let came =
        [heads(Community::DeafPeople, HeadBand::From8To14), heads(Community::Carers, HeadBand::Nobody)];
    let flagged = BTreeSet::from([Trace::Name]);
    vec![
        Story { given: vec![], when: planning(|_| ()), at: on_the_day.clone(), then: vec![planned()] },
        Story {
            given: vec![planned()],
            when: holding(PLANNED_FOR, &came),
            at: on_the_day.clone(),
            then: vec![held()],
        },
        story(vec![planned()], Command::Cancel, Event::Cancelled {}),
        Story {
            given: after(&[]),
            when: Command::RecordVoice(voice(60, &[Trace::Name], true)),
            at: on_the_day,
            then: vec![recorded(60, &[Trace::Name], true)],
        },
        story(
            after(&[recorded(60, &[], true)]),
            Command::CheckVoice { voice: id(60), names_nobody: true },
            checked(60, true),
        ),
        story(
            after(&[recorded(60, &[Trace::Name], true)]),
            Command::OverruleVoiceCheck { voice: id(60) },
            Event::VoiceCheckOverruled { voice: id(60), checked_by: someone(COLLEAGUE), traces: flagged },
        ),
        story(
            after(&[recorded(60, &[], true), checked(60, true)]),
            Command::PublishVoice { voice: id(60) },
            Event::VoicePublished { voice: id(60) },
        ),
        story(
            after(&[recorded(60, &[], true)]),
            Command::WithdrawVoice { voice: id(60) },
            Event::VoiceWithdrawn { voice: id(60) },
        ),
        story(after(&[]), hearing(|_| ()), heard(50)),
        story(
            after(&[heard(50)]),
            Command::MergeNeed { need: id(50), into: id(80), into_consultation: id(900) },
            merged(50, 80),
        ),
        story(
            after(&[heard(50)]),
            Command::RewordNeed { need: id(50), statement: words("Groups to walk into") },
            Event::NeedReworded { need: id(50), statement: words("Groups to walk into") },
        ),
        story(after(&[heard(50)]), Command::WriteUp { report: report() }, written_up()),
        story(
            after(&[heard(50), written_up()]),
            Command::AgreeThemes { how_checked: words("Shown at the next club night.") },
            agreed(),
        ),
    ]
}

fn stories_of_answering() -> Vec<Story<Consultation>> {
    let change = Change { by_when: Some(date("2026-09-30")), ..Change::default() };
    let taken = Some(words("The interpreter should be there each week."));
    vec![
        story(agreed_and(&[]), promising(|_| ()), promised()),
        story(agreed_and(&[]), say_cannot(51, "There is no money for a building this year."), cannot(51)),
        story(
            agreed_and(&[promised()]),
            Command::LogAction { commitment: id(70), what: words("Wrote to all groups."), on: date(TODAY) },
            Event::ActionLogged { commitment: id(70), what: words("Wrote to all groups."), on: date(TODAY) },
        ),
        story(
            agreed_and(&[promised()]),
            Command::LinkEvidence { commitment: id(70), shown_by: ShownBy::Grant(id(30)) },
            shown(),
        ),
        story(
            agreed_and(&[promised()]),
            Command::ChangeCommitment { commitment: id(70), change },
            Event::CommitmentChanged {
                commitment: id(70),
                statement: promise().statement,
                owner: someone(ROSA),
                by_when: date("2026-09-30"),
            },
        ),
        story(
            agreed_and(&[promised(), shown()]),
            Command::KeepCommitment { commitment: id(70) },
            Event::CommitmentKept { commitment: id(70) },
        ),
        Story {
            given: agreed_and(&[promised()]),
            when: Command::MissCommitment { commitment: id(70) },
            at: by(ROSA, "2026-07-01"),
            then: vec![Event::CommitmentMissed { commitment: id(70) }],
        },
        story(
            agreed_and(&[promised()]),
            telling(&[Community::DeafPeople], &[Language::BritishSignLanguage]),
            told(Community::DeafPeople),
        ),
        story(
            agreed_and(&[promised(), told(Community::DeafPeople)]),
            Command::HearFeedback {
                group: Community::DeafPeople,
                meant: WhatYouMeant::Partly,
                taken_from_it: taken.clone(),
            },
            Event::FeedbackHeard {
                group: Community::DeafPeople,
                meant: WhatYouMeant::Partly,
                taken_from_it: taken,
            },
        ),
        story(agreed_and(&[promised(), cannot(51), told(Community::DeafPeople)]), close(), closed()),
    ]
}

fn stories() -> Vec<Story<Consultation>> {
    stories_of_listening().into_iter().chain(stories_of_answering()).collect()
}

#[test]
fn each_step_is_recorded() {
    all_hold(&stories());
}

#[test]
fn any_history_is_taken_in() {
    never_fails(&stories());
}

fn refused(history: &[Event], command: Command) -> Refused {
    given::<Consultation>(history).when(command, &by(COLLEAGUE, TODAY)).refused()
}

fn refusals_of_planning() -> Vec<(&'static str, Refused)> {
    let came = [heads(Community::DeafPeople, HeadBand::Under8)];
    vec![
        ("consultation.unknown", refused(&[], Command::Cancel)),
        ("consultation.already_planned", refused(&[planned()], planning(|_| ()))),
        ("consultation.planned_behind", refused(&[], planning(|_| ()))),
        (
            "consultation.no_community",
            refused(&[], planning(|plan| (plan.on, plan.communities) = (date(TODAY), BTreeSet::new()))),
        ),
        (
            "consultation.no_language",
            refused(&[], planning(|plan| (plan.on, plan.languages) = (date(TODAY), BTreeSet::new()))),
        ),
        (
            "consultation.names_somebody",
            refused(
                &[],
                planning(|plan| {
                    (plan.on, plan.purpose) = (date(TODAY), words("To hear what Sandra thinks."));
                }),
            ),
        ),
        ("consultation.stage", refused(&[planned()], Command::WriteUp { report: report() })),
        ("consultation.held_ahead", refused(&[planned()], holding("2026-05-02", &came))),
        ("consultation.no_heads", refused(&[planned()], holding(TODAY, &[]))),
        ("consultation.no_heads", refused(&[planned()], holding(TODAY, &[came[0], came[0]]))),
        ("consultation.people_came", refused(&after(&[]), Command::Cancel)),
        ("consultation.nothing_heard", refused(&after(&[]), Command::WriteUp { report: report() })),
    ]
}

fn refusals_of_voices() -> Vec<(&'static str, Refused)> {
    let check = Command::CheckVoice { voice: id(60), names_nobody: true };
    let publish = Command::PublishVoice { voice: id(60) };
    let plain = recorded(60, &[], true);
    let gone = Event::VoiceWithdrawn { voice: id(60) };
    let out = Event::VoicePublished { voice: id(60) };
    let own = given::<Consultation>(&after(std::slice::from_ref(&plain)))
        .when(check.clone(), &by(ROSA, TODAY))
        .refused();
    vec![
        ("consultation.voice_unknown", refused(&after(&[]), check.clone())),
        (
            "consultation.voice_unknown",
            refused(&after(&[]), hearing(|need| need.voices = BTreeSet::from([id(60)]))),
        ),
        ("consultation.voice_withdrawn", refused(&after(&[plain.clone(), gone]), publish.clone())),
        ("consultation.voice_own_check", own),
        (
            "consultation.voice_checked_before",
            refused(&after(&[plain.clone(), checked(60, true)]), check.clone()),
        ),
        ("consultation.voice_flagged", refused(&after(&[recorded(60, &[Trace::Name], true)]), check)),
        (
            "consultation.voice_not_flagged",
            refused(&after(std::slice::from_ref(&plain)), Command::OverruleVoiceCheck { voice: id(60) }),
        ),
        ("consultation.voice_unchecked", refused(&after(std::slice::from_ref(&plain)), publish.clone())),
        (
            "consultation.voice_unchecked",
            refused(&after(&[recorded(60, &[Trace::Name], true)]), publish.clone()),
        ),
        (
            "consultation.voice_names_somebody",
            refused(&after(&[plain.clone(), checked(60, false)]), publish.clone()),
        ),
        (
            "consultation.voice_no_consent",
            refused(&after(&[recorded(60, &[], false), checked(60, true)]), publish.clone()),
        ),
        ("consultation.voice_published_before", refused(&after(&[plain, checked(60, true), out]), publish)),
    ]
}

fn refusals_of_needs() -> Vec<(&'static str, Refused)> {
    let merge = |need: u128, into: u128| Command::MergeNeed {
        need: id(need),
        into: id(into),
        into_consultation: id(900),
    };
    let both = [heard(50), heard(51)];
    let one_gone = [heard(50), heard(51), merged(51, 80)];
    vec![
        ("consultation.need_unknown", refused(&after(&both), merge(52, 50))),
        ("consultation.need_merged", refused(&after(&one_gone), merge(51, 50))),
        ("consultation.need_merged", refused(&after(&one_gone), merge(50, 51))),
        ("consultation.need_into_itself", refused(&after(&both), merge(50, 50))),
        (
            "consultation.names_somebody",
            refused(&after(&[]), hearing(|need| need.statement = words("A lift for Mrs Example"))),
        ),
        (
            "consultation.names_somebody",
            refused(
                &after(&both),
                Command::RewordNeed { need: id(50), statement: words("Ring 0151 496 0000") },
            ),
        ),
    ]
}

#[test]
fn each_refusal_is_reached() {
    let all: Vec<(&'static str, Refused)> = [
        refusals_of_planning(),
        refusals_of_voices(),
        refusals_of_needs(),
        closing::refusals_of_answers(),
        closing::refusals_of_the_end(),
    ]
    .concat();
    all_reached(ConsultationRefusal::CODES, &all);
}

#[test]
fn the_sentences_say_what_to_do() {
    let flagged = refused(
        &after(&[recorded(60, &[Trace::Name, Trace::Phone], true)]),
        Command::CheckVoice { voice: id(60), names_nobody: true },
    );
    assert_eq!(
        flagged.sentence,
        "These words look as if they held a name and a phone number: read them again, and if nobody can be \
         recognised, overrule this with a reason."
    );
    let stage = refused(&[planned()], promising(|_| ()));
    assert_eq!(
        stage.sentence,
        "This consultation is planned: this can be done while it is agreed in its themes, answered or fed back."
    );
}

#[test]
fn words_with_a_trace_can_be_found_to_name_somebody() {
    given::<Consultation>(&after(&[recorded(60, &[Trace::Name], true)]))
        .when(Command::CheckVoice { voice: id(60), names_nobody: false }, &by(COLLEAGUE, TODAY))
        .then_events(&[checked(60, false)]);
}

#[test]
fn a_consultation_to_which_nobody_came_is_called_off() {
    let nobody = held_by(&[heads(Community::DeafPeople, HeadBand::Nobody)]);
    given::<Consultation>(&[planned(), nobody])
        .when(Command::Cancel, &by(ROSA, TODAY))
        .then_events(&[Event::Cancelled {}]);
}

#[test]
fn the_ladder_has_seven_rungs_in_the_order_it_was_published_in() {
    let names: Vec<&str> = Rung::ALL.iter().map(|rung| rung.words()).collect();
    let published =
        ["coercion", "educating", "informing", "consultation", "engagement", "co-design", "co-production"];
    assert_eq!(names, published);
    assert_eq!((Rung::Coercion.number(), Rung::CoProduction.number()), (1, 7));
}
