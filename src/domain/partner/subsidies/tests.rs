//! Given, when, then: minimal financial assistance.

use uuid::Uuid;

use super::*;
use crate::domain::Aggregate as _;
use crate::domain::identity::Hash;
use crate::domain::partner::PartnerCommand;
use crate::domain::partner::tests::{approved, story};
use crate::domain::{Refused, Story, by, date, gbp, given, someone, words};

const STAFF: u128 = 3;
const TODAY: &str = "2026-05-01";
const GRANT: GrantId = GrantId(Uuid::from_u128(42));

fn evidence() -> Evidence {
    Evidence { title: words("Confirmation"), sha256: Hash::of(b"confirmation") }
}

fn declared(amount: &str, given_on: &str) -> PartnerEvent {
    PartnerEvent::SubsidyDeclared {
        body: words("Example Council (invented)"),
        amount: gbp(amount),
        given_on: date(given_on),
    }
}

fn notified(amount: &str) -> PartnerEvent {
    PartnerEvent::SubsidyNotified { grant: GRANT, amount: gbp(amount) }
}

fn confirmed(amount: &str) -> PartnerEvent {
    let (amount, confirmed_by) = (gbp(amount), someone(STAFF));
    PartnerEvent::SubsidyConfirmed { grant: GRANT, amount, confirmed_by, evidence: evidence() }
}

fn subsidised(amount: &str) -> PartnerEvent {
    PartnerEvent::SubsidyGiven { grant: GRANT, amount: gbp(amount), given_on: date(TODAY) }
}

fn published() -> PartnerEvent {
    PartnerEvent::SubsidyPublished { grant: GRANT, entry: words("SC-1") }
}

fn with(more: impl IntoIterator<Item = PartnerEvent>) -> Vec<PartnerEvent> {
    approved().into_iter().chain(more).collect()
}

fn declare(amount: &str, given_on: &str) -> PartnerCommand {
    PartnerCommand::DeclareSubsidy {
        body: words("Example Council (invented)"),
        amount: gbp(amount),
        given_on: date(given_on),
    }
}

fn notify(amount: &str) -> PartnerCommand {
    PartnerCommand::NotifySubsidy { grant: GRANT, amount: gbp(amount) }
}

fn confirm() -> PartnerCommand {
    PartnerCommand::ConfirmSubsidy { grant: GRANT, evidence: evidence() }
}

fn give(amount: &str) -> PartnerCommand {
    PartnerCommand::GiveSubsidy { grant: GRANT, amount: gbp(amount) }
}

fn publish() -> PartnerCommand {
    PartnerCommand::PublishSubsidy { grant: GRANT, entry: words("SC-1") }
}

/// £2,000.00 were given, and the partner has confirmed £3,000.00 in all.
fn risen() -> Vec<PartnerEvent> {
    with([subsidised("2000"), notified("3000"), confirmed("3000")])
}

/// Every step there is with subsidies.
pub fn stories() -> Vec<Story<Partner>> {
    vec![
        story(with([]), declare("10", TODAY), STAFF, [declared("10", TODAY)]),
        story(with([]), notify("2000"), STAFF, [notified("2000")]),
        story(with([notified("1000")]), notify("2000"), STAFF, [notified("2000")]),
        story(with([notified("2000")]), confirm(), STAFF, [confirmed("2000")]),
        story(with([notified("2000"), confirmed("2000")]), give("1999"), STAFF, [subsidised("1999")]),
        story(with([subsidised("1999")]), publish(), STAFF, [published()]),
        story(with([subsidised("2000")]), notify("3000"), STAFF, [notified("3000")]),
        story(risen(), give("3000"), STAFF, [subsidised("1000")]),
        story([risen(), vec![published(), subsidised("1000")]].concat(), publish(), STAFF, [published()]),
    ]
}

fn refused(history: &[PartnerEvent], command: PartnerCommand) -> Refused {
    given::<Partner>(history).when(command, &by(STAFF, TODAY)).refused()
}

/// Every refusal there is about subsidies, reached.
pub fn refusals() -> Vec<(&'static str, Refused)> {
    let told = || with([notified("2000")]);
    let ready = || with([notified("2000"), confirmed("2000")]);
    let nearly_full = |left: &str| {
        let had = LIMIT - gbp(left).pounds();
        with([declared(&had.to_string(), "2025-06-01")])
    };
    vec![
        ("partner.subsidy_ahead", refused(&with([]), declare("1", "2026-05-02"))),
        ("partner.subsidy_limit", refused(&nearly_full("2000"), notify("2000.01"))),
        ("partner.subsidy_already_notified", refused(&told(), notify("2000"))),
        ("partner.subsidy_already_given", refused(&with([subsidised("2")]), notify("2"))),
        ("partner.subsidy_already_given", refused(&risen(), give("2000"))),
        ("partner.subsidy_above_notice", refused(&risen(), give("3000.01"))),
        ("partner.subsidy_not_notified", refused(&with([]), confirm())),
        ("partner.subsidy_not_notified", refused(&with([]), give("1"))),
        ("partner.subsidy_not_notified", refused(&with([subsidised("1")]), give("1"))),
        ("partner.subsidy_already_confirmed", refused(&ready(), confirm())),
        ("partner.subsidy_not_confirmed", refused(&told(), give("1"))),
        (
            "partner.subsidy_not_confirmed",
            refused(&with([notified("1"), confirmed("1"), notified("2")]), give("1")),
        ),
        ("partner.subsidy_above_notice", refused(&ready(), give("2000.01"))),
        ("partner.subsidy_not_given", refused(&ready(), publish())),
        ("partner.subsidy_already_published", refused(&with([subsidised("1"), published()]), publish())),
    ]
}

#[test]
fn the_limit_itself_may_be_reached_and_not_a_penny_more() {
    let other_aid =
        |amount: &str| vec![declared(amount, "2024-04-01"), notified("2000"), confirmed("2000")].into_iter();
    given::<Partner>(&with(other_aid("313000.00")))
        .when(give("2000"), &by(STAFF, TODAY))
        .then_events(&[subsidised("2000")]);
    let told = refused(&with(other_aid("313000.01")), give("2000"));
    assert_eq!(told.code, "partner.subsidy_limit");
    assert_eq!(
        told.sentence,
        "This partner has had £313,000.01 of minimal financial assistance in this financial year and the two before \
         it: £1,999.99 more can be given within the limit of £315,000.00, and £2,000.00 was asked for."
    );
}

#[test]
fn what_was_given_for_a_grant_counts_once_when_it_becomes_more() {
    let beside = |amount: &str| [risen(), vec![declared(amount, "2024-04-01")]].concat();
    let full = beside("312000.00");
    given::<Partner>(&full).when(give("3000"), &by(STAFF, TODAY)).then_events(&[subsidised("1000")]);
    assert_eq!(refused(&beside("312000.01"), give("3000")).code, "partner.subsidy_limit");
    let partner = Partner::after(&full);
    assert!(partner.is_more_subsidy(GRANT, gbp("2000.01")) && !partner.is_more_subsidy(GRANT, gbp("2000")));
    assert!(!partner.is_more_subsidy(GrantId(Uuid::from_u128(43)), gbp("1")), "it was never one");
}

#[test]
fn aid_counts_in_its_own_financial_year_and_the_two_after_it() {
    let aid = date("2024-03-31");
    assert!(counts(aid, date("2026-03-31")), "2023/24 counts in 2025/26");
    assert!(!counts(aid, date("2026-04-01")), "and no longer in 2026/27");
    assert!(!counts(aid, date("2023-03-31")), "nor before it was given");
    let partner = Partner::after(&with([declared("1", "2024-03-31"), declared("2", "2024-04-01")]));
    assert_eq!(partner.aid_counting(date(TODAY)), gbp("2").pounds());
}

#[test]
fn only_more_than_a_hundred_thousand_is_published_within_three_months() {
    assert_eq!(publish_by(gbp("100000.00"), date("2026-05-01")), None);
    assert_eq!(publish_by(gbp("100000.01"), date("2026-11-30")), Some(date("2027-02-28")));
}
