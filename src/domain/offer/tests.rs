//! Given, when, then: offers.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::domain::identity::{Reference, ReferenceKind};
use crate::domain::places::{Area, Community};
use crate::domain::text::Text;
use crate::domain::vocabulary::{Access, Language};
use crate::domain::{
    Refused, Story, all_hold, all_reached, by, date, gbp, given, never_fails, someone, words,
};

const WORKER: u128 = 1;
const REVIEWER: u128 = 2;
const ADVISOR: u128 = 3;
const TODAY: &str = "2026-05-01";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn content() -> OfferContent {
    let time = |typed: &str| typed.parse().unwrap();
    OfferContent {
        title: words("Growing together"),
        summary: words("A morning in the garden, then soup."),
        who_for: words("Anybody who would like company outdoors."),
        ages: BTreeSet::new(),
        languages: BTreeSet::from([Language::English]),
        access: BTreeSet::from([Access::StepFree]),
        cost: Cost::Free,
        place: OfferPlace::at(Venue {
            area: Area::LiverpoolSouth,
            name: Some(words("The walled garden")),
            postcode: Some("L17 0XX".parse().unwrap()),
            point: Some(Point::read("53.3781", "-2.9427").unwrap()),
        })
        .unwrap(),
        schedule: Schedule {
            weekly: BTreeSet::from(
                [WeeklyTime::new(Weekday::Tuesday, time("10:00"), time("12:30")).unwrap()],
            ),
            note: None,
        },
        phone: Some("0151 496 0000".parse().unwrap()),
        email: None,
        joining: Joining::SelfReferral,
        needs: BTreeSet::from([NeedCode::Loneliness]),
        communities: BTreeSet::from([Community::Everyone]),
        grants: BTreeSet::new(),
    }
}

fn drafted() -> OfferEvent {
    OfferEvent::Drafted {
        reference: Reference::new(ReferenceKind::Offer, 2026, 1),
        partner: id(20),
        content: content(),
        drafted_by: someone(WORKER),
    }
}

fn draft() -> OfferCommand {
    OfferCommand::Draft {
        reference: Reference::new(ReferenceKind::Offer, 2026, 1),
        partner: id(20),
        content: content(),
    }
}

fn submitted() -> OfferEvent {
    OfferEvent::Submitted { content: content(), submitted_by: someone(WORKER) }
}

fn published() -> Vec<OfferEvent> {
    let first = OfferEvent::Published { version: 1, from: date(TODAY), review_due: date("2026-11-01") };
    vec![drafted(), submitted(), first]
}

fn since(more: impl IntoIterator<Item = OfferEvent>) -> Vec<OfferEvent> {
    published().into_iter().chain(more).collect()
}

fn title(from: &str, to: &str) -> OfferChange {
    OfferChange::Title(Swap { from: words(from), to: words(to) })
}

fn retitled() -> OfferChange {
    title("Growing together", "Growing and soup")
}

fn phoned() -> OfferChange {
    OfferChange::Phone(Swap { from: content().phone, to: Some("0151 496 0001".parse().unwrap()) })
}

fn proposed() -> OfferEvent {
    OfferEvent::ChangeProposed {
        change: id(30),
        base_version: 1,
        changes: vec![retitled()],
        proposed_by: someone(WORKER),
    }
}

fn auto_applied(version: u32) -> OfferEvent {
    OfferEvent::ChangeAutoApplied { version, changes: vec![phoned()] }
}

fn propose(base_version: u32, changes: Vec<OfferChange>) -> OfferCommand {
    OfferCommand::ProposeChange { change: id(30), base_version, changes }
}

fn capacity(open: u32, total: u32, as_of: &str) -> OfferCommand {
    OfferCommand::StateCapacity { open, total, as_of: date(as_of) }
}

fn stated(open: u32) -> OfferEvent {
    OfferEvent::CapacityStated { open, total: 12, as_of: date(TODAY) }
}

fn paused() -> OfferEvent {
    OfferEvent::Paused { back_on: Some(date("2026-06-01")) }
}

fn reported() -> OfferEvent {
    OfferEvent::ReportedWrong {
        report: id(40),
        version: 1,
        what: WhatIsWrong::Contact,
        note: None,
        reported_by: someone(ADVISOR),
    }
}

fn answered() -> OfferEvent {
    OfferEvent::ReportResolved { report: id(40), outcome: ReportOutcome::PutRight, answer: None }
}

fn why() -> Text<1000> {
    words("Say which bus stops near by.")
}

fn story(
    given: Vec<OfferEvent>,
    when: OfferCommand,
    actor: u128,
    then: impl IntoIterator<Item = OfferEvent>,
) -> Story<Offer> {
    Story { given, when, at: by(actor, TODAY), then: then.into_iter().collect() }
}

fn stories() -> Vec<Story<Offer>> {
    let change = id(30);
    vec![
        story(vec![], draft(), WORKER, [drafted()]),
        story(vec![drafted()], OfferCommand::Submit { content: None }, WORKER, [submitted()]),
        story(
            vec![drafted(), submitted()],
            OfferCommand::Publish { review_due: date("2026-11-01") },
            REVIEWER,
            published().split_off(2),
        ),
        story(
            vec![drafted(), submitted()],
            OfferCommand::SendBack { why: why() },
            REVIEWER,
            [OfferEvent::SentBack { why: why() }],
        ),
        story(published(), propose(1, vec![phoned(), retitled()]), WORKER, [proposed(), auto_applied(2)]),
        story(
            since([proposed(), auto_applied(2)]),
            OfferCommand::ApproveChange { change },
            REVIEWER,
            [OfferEvent::ChangeApproved { change, version: 3 }],
        ),
        story(
            since([proposed()]),
            OfferCommand::RefuseChange { change, why: why() },
            REVIEWER,
            [OfferEvent::ChangeRefused { change, why: why() }],
        ),
        story(
            since([proposed()]),
            OfferCommand::WithdrawChange { change },
            WORKER,
            [OfferEvent::ChangeWithdrawn { change }],
        ),
        story(published(), capacity(0, 12, TODAY), WORKER, [stated(0)]),
        story(
            published(),
            OfferCommand::Confirm,
            WORKER,
            [OfferEvent::Confirmed { version: 1, next_due: date("2026-11-01") }],
        ),
        story(published(), OfferCommand::Pause { back_on: Some(date("2026-06-01")) }, WORKER, [paused()]),
        story(since([paused()]), OfferCommand::Resume, WORKER, [OfferEvent::Resumed {}]),
        story(
            published(),
            OfferCommand::ReportWrong { report: id(40), what: WhatIsWrong::Contact, note: None },
            ADVISOR,
            [reported()],
        ),
        story(
            since([reported()]),
            OfferCommand::ResolveReport { report: id(40), outcome: ReportOutcome::PutRight, answer: None },
            REVIEWER,
            [answered()],
        ),
        story(published(), OfferCommand::Withdraw, REVIEWER, [OfferEvent::Withdrawn {}]),
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

fn refused(history: &[OfferEvent], command: OfferCommand, actor: u128) -> Refused {
    given::<Offer>(history).when(command, &by(actor, TODAY)).refused()
}

fn not_prescribed(history: &[OfferEvent], on: &str) -> Refused {
    Offer::after(history).may_be_prescribed(date(on)).unwrap_err().into()
}

#[test]
fn every_refusal_of_its_review_is_reached_and_of_sending_somebody() {
    let bare = OfferContent { needs: BTreeSet::new(), schedule: Schedule::default(), ..content() };
    let publish = |due: &str| OfferCommand::Publish { review_due: date(due) };
    let change = id(30);
    let settled = since([proposed(), OfferEvent::ChangeWithdrawn { change }]);
    let longer = OfferChange::Title(Swap { from: words("Growing together"), to: words("Growing, slowly") });
    let other = OfferEvent::ChangeApproved { change: id(31), version: 2 };
    let overtaking = OfferEvent::ChangeProposed {
        change: id(31),
        base_version: 1,
        changes: vec![longer],
        proposed_by: someone(WORKER),
    };
    let overtaken = since([proposed(), overtaking, other]);
    let withdrawn = since([OfferEvent::Withdrawn {}]);
    let report =
        |report| OfferCommand::ResolveReport { report, outcome: ReportOutcome::Repeated, answer: None };
    let submit = |content| OfferCommand::Submit { content };
    let back = |on: &str| OfferCommand::Pause { back_on: Some(date(on)) };
    let again = propose(1, vec![retitled()]);
    let reached = [
        ("offer.unknown", refused(&[], submit(None), WORKER)),
        ("offer.unknown", not_prescribed(&[], TODAY)),
        ("offer.already_drafted", refused(&[drafted()], draft(), WORKER)),
        ("offer.not_draft", refused(&[drafted(), submitted()], submit(None), WORKER)),
        ("offer.not_draft", refused(&published(), submit(Some(content())), WORKER)),
        ("offer.incomplete", refused(&[drafted()], submit(Some(bare)), WORKER)),
        ("offer.not_in_review", refused(&[drafted()], publish("2026-11-01"), REVIEWER)),
        ("offer.not_in_review", refused(&published(), publish("2026-11-01"), REVIEWER)),
        ("offer.own_work", refused(&[drafted(), submitted()], publish("2026-11-01"), WORKER)),
        ("offer.own_work", refused(&since([proposed()]), OfferCommand::ApproveChange { change }, WORKER)),
        (
            "offer.own_work",
            refused(&since([proposed()]), OfferCommand::RefuseChange { change, why: why() }, WORKER),
        ),
        ("offer.review_not_ahead", refused(&[drafted(), submitted()], publish(TODAY), REVIEWER)),
        ("offer.review_not_ahead", refused(&[drafted(), submitted()], publish("2027-05-02"), REVIEWER)),
        ("offer.not_published", not_prescribed(&[drafted()], TODAY)),
        ("offer.not_published", refused(&[drafted(), submitted()], again.clone(), WORKER)),
        ("offer.not_published_then", not_prescribed(&published(), "2026-04-30")),
        ("offer.paused", not_prescribed(&since([paused()]), TODAY)),
        ("offer.paused", refused(&since([paused()]), back("2026-07-01"), WORKER)),
        ("offer.not_paused", refused(&published(), OfferCommand::Resume, WORKER)),
        ("offer.withdrawn", not_prescribed(&withdrawn, TODAY)),
        ("offer.withdrawn", refused(&withdrawn, OfferCommand::Withdraw, REVIEWER)),
        ("offer.full", not_prescribed(&since([stated(0)]), TODAY)),
        ("offer.version_unknown", refused(&published(), propose(2, vec![retitled()]), WORKER)),
        ("offer.version_unknown", refused(&published(), propose(0, vec![retitled()]), WORKER)),
        ("offer.base_stale", refused(&since([auto_applied(2)]), again.clone(), WORKER)),
        ("offer.from_not_current", refused(&published(), propose(1, vec![title("Weeding", "Soup")]), WORKER)),
        ("offer.nothing_changes", refused(&published(), propose(1, vec![]), WORKER)),
        (
            "offer.nothing_changes",
            refused(&published(), propose(1, vec![title("Growing together", "Growing together")]), WORKER),
        ),
        ("offer.nothing_changes", refused(&published(), propose(1, vec![retitled(), retitled()]), WORKER)),
        ("offer.change_waiting", refused(&since([proposed()]), again, WORKER)),
        ("offer.change_unknown", refused(&published(), OfferCommand::ApproveChange { change }, REVIEWER)),
        ("offer.change_settled", refused(&settled, OfferCommand::ApproveChange { change }, REVIEWER)),
        ("offer.change_overtaken", refused(&overtaken, OfferCommand::ApproveChange { change }, REVIEWER)),
        ("offer.capacity_impossible", refused(&published(), capacity(13, 12, TODAY), WORKER)),
        ("offer.capacity_impossible", refused(&published(), capacity(0, 0, TODAY), WORKER)),
        ("offer.capacity_ahead", refused(&published(), capacity(1, 12, "2026-05-02"), WORKER)),
        ("offer.capacity_overtaken", refused(&since([stated(1)]), capacity(2, 12, "2026-04-30"), WORKER)),
        ("offer.back_not_ahead", refused(&published(), back(TODAY), WORKER)),
        ("offer.report_unknown", refused(&published(), report(id(41)), REVIEWER)),
        ("offer.report_settled", refused(&since([reported(), answered()]), report(id(40)), REVIEWER)),
        ("offer.grant_of_another", OfferRefusal::GrantOfAnother.into()),
    ];
    all_reached(OfferRefusal::CODES, &reached);
}

#[test]
fn a_change_against_an_old_version_is_told_what_changed() {
    let told = refused(&since([auto_applied(2)]), propose(1, vec![retitled()]), WORKER).sentence;
    let wanted = "telephone number from “0151 496 0000” to “0151 496 0001”";
    assert!(told.contains("version 1") && told.contains("version 2") && told.contains(wanted), "{told}");
    let told = refused(&published(), propose(1, vec![title("Weeding", "Soup")]), WORKER).sentence;
    assert!(told.contains("The title now: “Growing together”"), "{told}");
}

#[test]
fn what_was_promised_can_be_read_version_by_version() {
    let approved = OfferEvent::ChangeApproved { change: id(30), version: 3 };
    let ended = since([proposed(), auto_applied(2), approved, OfferEvent::Withdrawn {}]);
    let offer = Offer::after(&ended);
    let said = |version| {
        let content = offer.content(version).unwrap();
        (content.title.as_str(), content.phone.as_ref().map(PublicPhone::as_str))
    };
    assert_eq!(offer.newest(), 3);
    assert_eq!(said(1), ("Growing together", Some("0151 496 0000")));
    assert_eq!(said(2), ("Growing together", Some("0151 496 0001")));
    assert_eq!(said(3), ("Growing and soup", Some("0151 496 0001")));
    assert_eq!(offer.content(4), Err(OfferRefusal::VersionUnknown { newest: 3 }));
}

#[test]
fn somebody_can_be_sent_where_there_is_room_or_where_nobody_said() {
    for (history, version) in [
        (published(), 1),
        (since([auto_applied(2)]), 2),
        (since([stated(0), stated(3)]), 1),
        (since([paused(), OfferEvent::Resumed {}]), 1),
    ] {
        assert_eq!(Offer::after(&history).may_be_prescribed(date(TODAY)), Ok(version));
    }
}

#[test]
fn an_offer_sent_back_is_handed_in_anew_with_other_words() {
    let history = [drafted(), submitted(), OfferEvent::SentBack { why: why() }];
    let better = OfferContent { cost: Cost::Amount(gbp("2.50")), ..content() };
    let handed_in = OfferEvent::Submitted { content: better.clone(), submitted_by: someone(WORKER) };
    let submit = OfferCommand::Submit { content: Some(better.clone()) };
    given::<Offer>(&history).when(submit, &by(WORKER, TODAY)).then_events(std::slice::from_ref(&handed_in));
    let published = published().split_off(2);
    let offer = Offer::after(history.iter().chain([&handed_in]).chain(&published));
    assert_eq!(offer.content(1), Ok(&better));
}

#[test]
fn a_change_of_every_field_says_what_it_was_and_what_it_is() {
    let later = OfferContent {
        title: words("Other"),
        summary: words("Other"),
        who_for: words("Other"),
        ages: BTreeSet::from([crate::domain::vocabulary::AgeBand::From80]),
        languages: BTreeSet::from([Language::Arabic, Language::BritishSignLanguage]),
        access: BTreeSet::new(),
        cost: Cost::Donation,
        place: OfferPlace::Online,
        schedule: Schedule { weekly: BTreeSet::new(), note: Some(words("Ask us")) },
        phone: None,
        email: Some("hello@example.org".parse().unwrap()),
        joining: Joining::Open,
        needs: BTreeSet::from([NeedCode::Digital]),
        communities: BTreeSet::from([Community::DeafPeople]),
        grants: BTreeSet::from([id(50)]),
    };
    let changes = content().differences(&later);
    assert_eq!(changes.len(), OfferField::ALL.len());
    let mut changed = content();
    for change in &changes {
        assert!(change.fits(&changed) && change.is_one(), "{change:?}");
        change.apply(&mut changed);
        let (from, to) = change.shown();
        assert!(from != to && from == content().value(change.field()), "{from} to {to}");
    }
    assert_eq!(changed, later);
    let own: Vec<_> = OfferField::ALL.iter().filter(|field| field.is_own()).collect();
    assert_eq!(own, [&OfferField::Schedule, &OfferField::Phone]);
}
