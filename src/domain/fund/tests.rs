//! Given, when, then: funds.

mod years;

use uuid::Uuid;

use super::*;
use crate::domain::identity::{PartnerId, ProgrammeId, Reference, ReferenceKind};
use crate::domain::places::Area;
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, gbp, given, never_fails, words};

const STAFF: u128 = 1;
const TODAY: &str = "2026-05-01";
const HELD_UNTIL: &str = "2026-06-30";
const GRANT: GrantId = GrantId(Uuid::from_u128(42));
const OTHER: GrantId = GrantId(Uuid::from_u128(43));

fn year(begins: i32) -> FinancialYear {
    FinancialYear::beginning(begins).unwrap()
}

fn share(begins: i32, amount: &str) -> YearShare {
    YearShare { year: year(begins), amount: gbp(amount) }
}

fn link(grant: GrantId) -> GrantLink {
    GrantLink { grant, programme: ProgrammeId(Uuid::from_u128(7)), partner: PartnerId(Uuid::from_u128(8)) }
}

fn opening() -> Opening {
    Opening {
        reference: Reference::new(ReferenceKind::Fund, 2026, 1),
        name: words("Invented Fund"),
        funder: words("Example Council (invented)"),
        restriction: Some(Restriction {
            purposes: BTreeSet::from([words("community connection")]),
            places: BTreeSet::from([Area::LiverpoolNorth, Area::SeftonSouth]),
        }),
        spend_from: date("2026-04-01"),
        spend_to: date("2028-03-31"),
        recovery_rule: RecoveryRule::Recredit,
    }
}

fn intended() -> IntendedUse {
    IntendedUse {
        purpose: words("community connection"),
        places: BTreeSet::from([Area::SeftonSouth]),
        period: (date("2026-04-01"), date("2028-03-31")),
    }
}

fn allocated(begins: i32, amount: &str) -> FundEvent {
    FundEvent::BudgetAllocated { amount: gbp(amount), year: year(begins), source: words("Invented minute 1") }
}

fn reserved(grant: GrantId, shares: Vec<YearShare>) -> FundEvent {
    FundEvent::CommitmentReserved { link: link(grant), shares, expires_on: date(HELD_UNTIL) }
}

fn confirmed(shares: Vec<YearShare>) -> FundEvent {
    FundEvent::CommitmentConfirmed { link: link(GRANT), shares }
}

fn spent(instalment: u128, begins: i32, amount: &str) -> FundEvent {
    FundEvent::ExpenditurePosted {
        link: link(GRANT),
        instalment: InstalmentId(Uuid::from_u128(instalment)),
        year: year(begins),
        amount: gbp(amount),
        value_date: date(TODAY),
        corrects: None,
    }
}

/// £1,000.00 in 2026/27 and £500.00 in 2027/28.
fn budget() -> Vec<FundEvent> {
    vec![opened(opening()).unwrap(), allocated(2026, "1000"), allocated(2027, "500")]
}

/// Of it, £600.00 and £400.00 held for the grant.
fn with_reservation() -> Vec<FundEvent> {
    after(budget(), [reserved(GRANT, both_years())])
}

fn with_commitment() -> Vec<FundEvent> {
    after(with_reservation(), [confirmed(both_years())])
}

fn both_years() -> Vec<YearShare> {
    vec![share(2026, "600"), share(2027, "400")]
}

fn after(history: Vec<FundEvent>, more: impl IntoIterator<Item = FundEvent>) -> Vec<FundEvent> {
    history.into_iter().chain(more).collect()
}

fn allocate(begins: i32, amount: &str) -> FundCommand {
    FundCommand::AllocateBudget {
        amount: gbp(amount),
        year: year(begins),
        source: words("Invented minute 1"),
    }
}

fn reduce(begins: i32, amount: &str) -> FundCommand {
    FundCommand::ReduceBudget { amount: gbp(amount), year: year(begins), source: words("Invented minute 2") }
}

fn reserve(grant: GrantId, shares: Vec<YearShare>) -> FundCommand {
    let (link, expires_on) = (link(grant), date(HELD_UNTIL));
    FundCommand::ReserveCommitment { link, shares, expires_on, intended: intended() }
}

fn reserve_for(change: impl FnOnce(&mut IntendedUse)) -> FundCommand {
    let mut intended = intended();
    change(&mut intended);
    let (link, expires_on) = (link(GRANT), date(HELD_UNTIL));
    FundCommand::ReserveCommitment { link, shares: both_years(), expires_on, intended }
}

fn post(instalment: u128, begins: i32, amount: &str) -> FundCommand {
    FundCommand::PostExpenditure {
        grant: GRANT,
        instalment: InstalmentId(Uuid::from_u128(instalment)),
        year: year(begins),
        amount: gbp(amount),
        value_date: date(TODAY),
    }
}

/// Of the £600.00 committed in 2026/27, £450.00 paid in one instalment.
fn with_payment() -> Vec<FundEvent> {
    after(with_commitment(), [spent(1, 2026, "450")])
}

fn give_back(instalment: u128) -> FundCommand {
    FundCommand::ReturnExpenditure {
        grant: GRANT,
        instalment: InstalmentId(Uuid::from_u128(instalment)),
        value_date: date(TODAY),
    }
}

fn came_back() -> FundEvent {
    FundEvent::ExpenditureReturned {
        link: link(GRANT),
        instalment: InstalmentId(Uuid::from_u128(1)),
        year: year(2026),
        amount: gbp("450"),
        value_date: date(TODAY),
        corrects: None,
    }
}

fn recover(shares: Vec<YearShare>) -> FundCommand {
    FundCommand::PostRecovery { grant: GRANT, recovery: RecoveryId(Uuid::from_u128(5)), shares }
}

fn recovered(shares: Vec<YearShare>) -> FundEvent {
    let of = |share: YearShare| RecoveredShare { year: share.year, amount: share.amount, corrects: None };
    let shares = shares.into_iter().map(of).collect();
    FundEvent::RecoveryPosted { link: link(GRANT), recovery: RecoveryId(Uuid::from_u128(5)), shares }
}

fn reduce_promise(shares: Vec<YearShare>) -> FundCommand {
    FundCommand::ReducePromise { grant: GRANT, shares, cause: ReleaseCause::Underspend }
}

fn released_in_part(shares: Vec<YearShare>) -> FundEvent {
    FundEvent::CommitmentReleased { link: link(GRANT), shares, cause: ReleaseCause::Underspend }
}

/// An increase of £50.00 held beside what is committed.
fn with_increase_held() -> Vec<FundEvent> {
    after(with_commitment(), [reserved(GRANT, vec![share(2026, "50")])])
}

fn increased() -> FundEvent {
    FundEvent::CommitmentIncreased { link: link(GRANT), shares: vec![share(2026, "50")] }
}

fn stories() -> Vec<Story<Fund>> {
    let story = |given, when, then| Story { given, when, at: by(STAFF, TODAY), then: vec![then] };
    let taken_back = FundEvent::BudgetReduced {
        amount: gbp("1000"),
        year: year(2026),
        source: words("Invented minute 2"),
    };
    let voided = FundEvent::ReservationVoided {
        link: link(GRANT),
        shares: both_years(),
        cause: ReleaseCause::Declined,
    };
    let released = FundEvent::CommitmentReleased {
        link: link(GRANT),
        shares: both_years(),
        cause: ReleaseCause::OfferDeclined,
    };
    let void = FundCommand::VoidReservation { grant: GRANT, cause: ReleaseCause::Declined };
    let release = FundCommand::ReleaseCommitment { grant: GRANT, cause: ReleaseCause::OfferDeclined };
    vec![
        story(vec![], FundCommand::Open(opening()), opened(opening()).unwrap()),
        story(budget(), allocate(2026, "0.01"), allocated(2026, "0.01")),
        story(budget(), reduce(2026, "1000"), taken_back),
        story(budget(), reserve(GRANT, both_years()), reserved(GRANT, both_years())),
        story(with_reservation(), void, voided),
        story(with_reservation(), FundCommand::ConfirmCommitment { grant: GRANT }, confirmed(both_years())),
        story(with_commitment(), release, released),
        story(with_commitment(), post(1, 2026, "600"), spent(1, 2026, "600")),
        story(
            with_commitment(),
            reserve(GRANT, vec![share(2026, "50")]),
            reserved(GRANT, vec![share(2026, "50")]),
        ),
        story(with_increase_held(), FundCommand::ConfirmCommitment { grant: GRANT }, increased()),
        story(
            with_payment(),
            reduce_promise(vec![share(2026, "150")]),
            released_in_part(vec![share(2026, "150")]),
        ),
        story(with_payment(), give_back(1), came_back()),
        story(with_payment(), recover(vec![share(2026, "450")]), recovered(vec![share(2026, "450")])),
    ]
    .into_iter()
    .chain(years::stories())
    .collect()
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

fn refused_on(history: &[FundEvent], command: FundCommand, on: &str) -> Refused {
    given::<Fund>(history).when(command, &by(STAFF, on)).refused()
}

fn refused(history: &[FundEvent], command: FundCommand) -> Refused {
    refused_on(history, command, TODAY)
}

fn refusals_of_budgets() -> Vec<(&'static str, Refused)> {
    let reversed = Opening { spend_to: date("2026-03-31"), ..opening() };
    let restriction = Restriction { purposes: BTreeSet::new(), places: BTreeSet::new() };
    let purposeless = Opening { restriction: Some(restriction), ..opening() };
    let allows = Fund::default().allows_purpose(&words("anything"));
    let free = |begins| refused(&with_reservation(), reduce(begins, "400.01"));
    vec![
        ("fund.unknown", refused(&[], allocate(2026, "1"))),
        ("fund.unknown", refused(&[], reserve(GRANT, both_years()))),
        ("fund.unknown", allows.map_err(Refused::from).unwrap_err()),
        ("fund.already_open", refused(&budget(), FundCommand::Open(opening()))),
        ("fund.dates_reversed", refused(&[], FundCommand::Open(reversed))),
        ("fund.no_purpose", refused(&[], FundCommand::Open(purposeless))),
        ("fund.year_outside_dates", refused(&budget(), allocate(2025, "1"))),
        ("fund.year_outside_dates", refused(&budget(), reduce(2028, "1"))),
        ("fund.year_outside_dates", refused(&budget(), reserve(GRANT, vec![share(2028, "1")]))),
        ("fund.exceeds_available", refused(&budget(), reduce(2026, "1000.01"))),
        ("fund.exceeds_available", free(2026)),
        ("fund.exceeds_available", free(2027)),
        ("fund.exceeds_available", refused(&budget(), reserve(GRANT, vec![share(2027, "500.01")]))),
    ]
}

fn refusals_after_payment() -> Vec<(&'static str, Refused)> {
    let once_back = after(with_payment(), [came_back()]);
    let some_recovered = after(with_payment(), [recovered(vec![share(2026, "1")])]);
    vec![
        ("fund.already_paid", refused(&with_payment(), post(1, 2026, "1"))),
        ("fund.not_paid", refused(&with_commitment(), give_back(1))),
        ("fund.not_paid", refused(&with_payment(), give_back(2))),
        ("fund.not_paid", refused(&once_back, give_back(1))),
        ("fund.exceeds_paid", refused(&some_recovered, give_back(1))),
        ("fund.exceeds_paid", refused(&with_payment(), recover(vec![share(2026, "450.01")]))),
        ("fund.exceeds_paid", refused(&some_recovered, recover(vec![share(2026, "449.01")]))),
        ("fund.exceeds_paid", refused(&once_back, recover(vec![share(2026, "0.01")]))),
        ("fund.exceeds_paid", refused(&with_payment(), recover(vec![share(2027, "0.01")]))),
        ("fund.exceeds_outstanding", refused(&with_payment(), reduce_promise(vec![share(2026, "150.01")]))),
        ("fund.nothing_asked", refused(&with_payment(), reduce_promise(vec![]))),
        ("fund.year_twice", refused(&with_payment(), recover(vec![share(2026, "1"), share(2026, "1")]))),
        ("fund.not_committed", refused(&with_reservation(), recover(vec![share(2026, "1")]))),
        ("fund.already_reserved", refused(&with_increase_held(), reserve(GRANT, vec![share(2026, "1")]))),
    ]
}

fn refusals_of_commitments() -> Vec<(&'static str, Refused)> {
    let void = FundCommand::VoidReservation { grant: OTHER, cause: ReleaseCause::Declined };
    let confirm = || FundCommand::ConfirmCommitment { grant: GRANT };
    let release = FundCommand::ReleaseCommitment { grant: GRANT, cause: ReleaseCause::OfferDeclined };
    let all_paid = after(with_commitment(), [spent(1, 2026, "600"), spent(2, 2027, "400")]);
    let early = reserve_for(|use_| use_.period.0 = date("2026-03-31"));
    let late = reserve_for(|use_| use_.period.1 = date("2028-04-01"));
    let elsewhere = reserve_for(|use_| use_.places = BTreeSet::from([Area::SeftonSouth, Area::Wirral]));
    vec![
        ("fund.nothing_asked", refused(&budget(), reserve(GRANT, vec![]))),
        ("fund.year_twice", refused(&budget(), reserve(GRANT, vec![share(2026, "1"), share(2026, "2")]))),
        ("fund.purpose_not_allowed", refused(&budget(), reserve_for(|use_| use_.purpose = words("roads")))),
        ("fund.place_not_allowed", refused(&budget(), elsewhere)),
        ("fund.period_not_allowed", refused(&budget(), early)),
        ("fund.period_not_allowed", refused(&budget(), late)),
        ("fund.already_reserved", refused(&with_reservation(), reserve(GRANT, vec![share(2026, "1")]))),
        ("fund.not_reserved", refused(&with_reservation(), void)),
        ("fund.not_reserved", refused(&with_commitment(), confirm())),
        ("fund.reservation_expired", refused_on(&with_reservation(), confirm(), "2026-07-01")),
        ("fund.not_committed", refused(&with_reservation(), release.clone())),
        ("fund.not_committed", refused(&all_paid, release)),
        ("fund.not_committed", refused(&with_reservation(), post(1, 2026, "1"))),
        ("fund.exceeds_outstanding", refused(&with_commitment(), post(1, 2026, "600.01"))),
        ("fund.exceeds_outstanding", refused(&all_paid, post(3, 2026, "0.01"))),
        ("fund.exceeds_outstanding", refused(&with_commitment(), post(1, 2028, "1"))),
    ]
}

#[test]
fn every_refusal_is_reached() {
    all_reached(
        FundRefusal::CODES,
        &[
            refusals_of_budgets(),
            refusals_of_commitments(),
            refusals_after_payment(),
            years::refusals_of_transfers(),
            years::refusals_of_closing(),
        ]
        .concat(),
    );
}

#[test]
fn the_last_penny_can_be_reserved_and_no_more() {
    let fund = given::<Fund>(&with_reservation());
    let rest = vec![share(2026, "400"), share(2027, "100")];
    fund.when(reserve(OTHER, rest.clone()), &by(STAFF, TODAY)).then_events(&[reserved(OTHER, rest)]);
    let told = fund.when(reserve(OTHER, vec![share(2026, "400.01")]), &by(STAFF, TODAY)).refused().sentence;
    assert_eq!(told, "£400.00 remains available in 2026/27: £400.01 was asked for.");
}

#[test]
fn a_reservation_holds_through_its_last_day() {
    let confirm = FundCommand::ConfirmCommitment { grant: GRANT };
    given::<Fund>(&with_reservation())
        .when(confirm, &by(STAFF, HELD_UNTIL))
        .then_events(&[confirmed(both_years())]);
    let fund = Fund::after(&with_reservation());
    assert_eq!(fund.live_reservation(GRANT, date(HELD_UNTIL)), Ok(&both_years()[..]));
    assert!(fund.live_reservation(GRANT, date("2026-07-01")).is_err());
    assert!(fund.has_reservation(GRANT), "money that ran out stays held until somebody voids it");
}

#[test]
fn only_what_is_not_paid_is_released() {
    let history = after(with_commitment(), [spent(1, 2026, "600"), spent(2, 2027, "150")]);
    let released = FundEvent::CommitmentReleased {
        link: link(GRANT),
        shares: vec![share(2027, "250")],
        cause: ReleaseCause::Terminated,
    };
    given::<Fund>(&history)
        .when(
            FundCommand::ReleaseCommitment { grant: GRANT, cause: ReleaseCause::Terminated },
            &by(STAFF, TODAY),
        )
        .then_events(std::slice::from_ref(&released));
    let fund = Fund::after(&after(history, [released]));
    let figures = fund.years()[&year(2027)];
    assert_eq!((figures.available(), figures.outstanding), (gbp("350").pounds(), Decimal::ZERO));
    assert_eq!(fund.years()[&year(2026)].available(), gbp("400").pounds());
}

#[test]
fn an_unrestricted_fund_goes_anywhere_for_anything() {
    let open = Opening { restriction: None, ..opening() };
    let history = vec![opened(open).unwrap(), allocated(2026, "1000"), allocated(2027, "500")];
    let command = reserve_for(|use_| {
        use_.purpose = words("roads");
        use_.places = BTreeSet::from([Area::Wirral]);
    });
    given::<Fund>(&history).when(command, &by(STAFF, TODAY)).then_events(&[reserved(GRANT, both_years())]);
}

#[test]
fn what_comes_back_can_be_paid_again_and_what_is_recovered_can_be_used_again() {
    let fund = Fund::after(&after(with_payment(), [came_back()]));
    let figures = fund.years()[&year(2026)];
    assert_eq!((figures.outstanding, figures.spent()), (gbp("600").pounds(), Decimal::ZERO));
    let fund = Fund::after(&after(with_payment(), [recovered(vec![share(2026, "450")])]));
    let figures = fund.years()[&year(2026)];
    assert_eq!((figures.available(), figures.outstanding), (gbp("850").pounds(), gbp("150").pounds()));
}
