//! Given, when, then: moving budget between funds and years, closing, and what comes late.

use super::*;

const AFTER: &str = "2027-04-01";
const OWN: FundId = FundId(Uuid::from_u128(1));
const OTHER_FUND: FundId = FundId(Uuid::from_u128(2));

fn transfer(amount: &str) -> Transfer {
    let id = TransferId(Uuid::from_u128(6));
    Transfer { id, from: OWN, to: OTHER_FUND, amount: gbp(amount), year: year(2026) }
}

fn terms() -> Terms {
    Fund::after(&budget()).terms().unwrap().clone()
}

fn give(amount: &str) -> FundCommand {
    FundCommand::TransferOut { transfer: transfer(amount), receiver: terms() }
}

fn give_to(change: impl FnOnce(&mut Terms)) -> FundCommand {
    let mut receiver = terms();
    change(&mut receiver);
    FundCommand::TransferOut { transfer: transfer("1"), receiver }
}

fn carry(from: i32, to: i32, amount: &str) -> FundCommand {
    FundCommand::CarryForward { from: year(from), to: year(to), amount: gbp(amount) }
}

fn carried(amount: &str) -> FundEvent {
    FundEvent::BudgetCarriedForward { from: year(2026), to: year(2027), amount: gbp(amount) }
}

fn promise_carried(amount: &str) -> FundEvent {
    FundEvent::CommitmentCarriedForward {
        link: link(GRANT),
        from: year(2026),
        to: year(2027),
        amount: gbp(amount),
    }
}

fn close_year(begins: i32, carry_commitments: bool) -> FundCommand {
    FundCommand::CloseYear { year: year(begins), carry_commitments, log_size: 40 }
}

fn sums(budget: &str, paid: &str) -> ClosedFigures {
    let sum = |written: &str| written.parse::<Decimal>().unwrap().into();
    ClosedFigures { budget: sum(budget), paid: sum(paid), ..ClosedFigures::default() }
}

fn closed(begins: i32, figures: ClosedFigures, last: u64) -> FundEvent {
    FundEvent::YearClosed { year: year(begins), figures, events: EventRange { first: 1, last }, log_size: 40 }
}

/// Of 2026/27, £450.00 is paid, £150.00 promised and nothing else left: £400.00 went to the next year.
fn with_year_used_up() -> Vec<FundEvent> {
    after(with_payment(), [carried("400")])
}

/// 2026/27 is closed; the promise of £150.00 went to 2027/28.
fn with_closed_year() -> Vec<FundEvent> {
    after(with_year_used_up(), [promise_carried("150"), closed(2026, sums("450.00", "450.00"), 8)])
}

fn with_closed_fund() -> Vec<FundEvent> {
    let figures = ClosedFigures::default();
    let end = FundEvent::Closed { figures, events: EventRange { first: 1, last: 1 }, log_size: 40 };
    vec![opened(opening()).unwrap(), end]
}

pub fn stories() -> Vec<Story<Fund>> {
    let story = |given, when, then| Story { given, when, at: by(STAFF, AFTER), then };
    let out = FundEvent::BudgetTransferredOut {
        transfer: transfer("1000").id,
        to: OTHER_FUND,
        amount: gbp("1000"),
        year: year(2026),
    };
    let taken = FundEvent::BudgetTransferredIn {
        transfer: transfer("5").id,
        from: OWN,
        amount: gbp("5"),
        year: year(2026),
    };
    let empty = vec![opened(opening()).unwrap()];
    vec![
        story(budget(), give("1000"), vec![out]),
        story(budget(), FundCommand::TransferIn(transfer("5")), vec![taken]),
        story(with_payment(), carry(2026, 2027, "400"), vec![carried("400")]),
        story(
            with_year_used_up(),
            close_year(2026, true),
            vec![promise_carried("150"), closed(2026, sums("450.00", "450.00"), 8)],
        ),
        story(empty, FundCommand::Close { log_size: 40 }, with_closed_fund()[1..].to_vec()),
    ]
}

pub fn refusals_of_transfers() -> Vec<(&'static str, Refused)> {
    let same =
        FundCommand::TransferOut { transfer: Transfer { to: OWN, ..transfer("1") }, receiver: terms() };
    let refuse = |change: fn(&mut Terms)| refused(&budget(), give_to(change));
    let restriction = |terms: &mut Terms| terms.restriction.take().unwrap();
    let other_purpose = give_to(|terms| {
        let mut theirs = restriction(terms);
        theirs.purposes.insert(words("roads"));
        terms.restriction = Some(theirs);
    });
    let anywhere = give_to(|terms| {
        let theirs = Restriction { places: BTreeSet::new(), ..restriction(terms) };
        terms.restriction = Some(theirs);
    });
    let elsewhere = give_to(|terms| {
        let theirs = Restriction { places: BTreeSet::from([Area::Wirral]), ..restriction(terms) };
        terms.restriction = Some(theirs);
    });
    let returning = Opening { recovery_rule: RecoveryRule::ReturnToFunder, ..opening() };
    let returning = vec![opened(returning).unwrap(), allocated(2026, "1000")];
    vec![
        ("fund.same_fund", refused(&budget(), same)),
        ("fund.exceeds_available", refused(&budget(), give("1000.01"))),
        ("fund.transfer_not_allowed", refuse(|terms| terms.restriction = None)),
        ("fund.transfer_not_allowed", refused(&budget(), other_purpose)),
        ("fund.transfer_not_allowed", refused(&budget(), anywhere)),
        ("fund.transfer_not_allowed", refused(&budget(), elsewhere)),
        ("fund.transfer_not_allowed", refuse(|terms| terms.spend.0 = date("2026-03-31"))),
        ("fund.transfer_not_allowed", refuse(|terms| terms.spend.1 = date("2028-04-01"))),
        ("fund.transfer_not_allowed", refuse(|terms| terms.funder = words("Another council (invented)"))),
        ("fund.transfer_not_allowed", refused(&returning, give_to(|_| ()))),
        ("fund.is_closed", refused(&with_closed_fund(), FundCommand::TransferIn(transfer("1")))),
        ("fund.year_is_closed", refused_on(&with_closed_year(), give("1"), AFTER)),
        ("fund.carry_backwards", refused(&budget(), carry(2027, 2027, "1"))),
        ("fund.carry_backwards", refused(&budget(), carry(2027, 2026, "1"))),
        ("fund.exceeds_available", refused(&with_payment(), carry(2026, 2027, "400.01"))),
        ("fund.year_outside_dates", refused(&budget(), carry(2026, 2028, "1"))),
        ("fund.year_is_closed", refused_on(&with_closed_year(), carry(2026, 2027, "1"), AFTER)),
    ]
}

pub fn refusals_of_closing() -> Vec<(&'static str, Refused)> {
    let late = |history: &[FundEvent], command| refused_on(history, command, AFTER);
    let close = || FundCommand::Close { log_size: 40 };
    let last_year = after(with_closed_year(), [spent(2, 2027, "550"), carried_out_of_2027()]);
    vec![
        ("fund.year_not_over", refused_on(&with_year_used_up(), close_year(2026, true), "2027-03-31")),
        ("fund.year_has_reservations", late(&with_reservation(), close_year(2026, true))),
        ("fund.year_has_commitments", late(&with_year_used_up(), close_year(2026, false))),
        ("fund.year_has_available", late(&with_payment(), close_year(2026, true))),
        ("fund.earlier_year_open", refused_on(&with_payment(), close_year(2027, true), "2028-04-01")),
        ("fund.year_outside_dates", late(&budget(), close_year(2025, true))),
        ("fund.year_outside_dates", refused_on(&with_closed_year(), close_year(2027, true), "2028-04-01")),
        ("fund.year_is_closed", late(&with_closed_year(), close_year(2026, true))),
        ("fund.year_is_closed", late(&with_closed_year(), allocate(2026, "1"))),
        ("fund.year_is_closed", late(&with_closed_year(), reduce(2026, "1"))),
        ("fund.year_is_closed", late(&with_closed_year(), reserve(OTHER, vec![share(2026, "1")]))),
        ("fund.year_is_closed", refused_on(&with_closed_year(), allocate(2027, "1"), "2027-03-31")),
        ("fund.has_money", refused(&budget(), close())),
        ("fund.has_money", late(&with_closed_year(), close())),
        ("fund.is_closed", refused(&with_closed_fund(), close())),
        ("fund.is_closed", refused(&with_closed_fund(), allocate(2026, "1"))),
        ("fund.is_closed", refused(&with_closed_fund(), reserve(GRANT, both_years()))),
        ("fund.unknown", refused(&[], close())),
        ("fund.exceeds_outstanding", late(&last_year, post(3, 2026, "0.01"))),
    ]
}

fn carried_out_of_2027() -> FundEvent {
    FundEvent::BudgetReduced { amount: gbp("500"), year: year(2027), source: words("Invented minute 3") }
}

#[test]
fn unrestricted_money_may_go_to_any_fund() {
    let open = Opening { restriction: None, ..opening() };
    let history = vec![opened(open).unwrap(), allocated(2026, "1000")];
    for receiver in [terms(), Terms { restriction: None, funder: words("Another (invented)"), ..terms() }] {
        let command = FundCommand::TransferOut { transfer: transfer("1"), receiver };
        assert!(crate::domain::judge(&Fund::after(&history), command, &by(STAFF, TODAY)).is_ok());
    }
}

#[test]
fn a_year_is_closed_on_the_day_after_its_last_and_keeps_its_figures() {
    let fund = Fund::after(&with_closed_year());
    let figures = fund.years()[&year(2026)];
    assert_eq!((figures.budget, figures.spent()), (gbp("450").pounds(), gbp("450").pounds()));
    let next = fund.years()[&year(2027)];
    assert_eq!((next.budget, next.outstanding), (gbp("1050").pounds(), gbp("550").pounds()));
    assert_eq!(next.available(), gbp("500").pounds());
}

/// What concerns the closed year takes effect in the open one, and says so.
#[test]
fn what_comes_late_takes_effect_in_the_open_year_and_names_the_closed_one() {
    let given_closed = given::<Fund>(&with_closed_year());
    let at = by(STAFF, "2027-05-01");
    let (link, value_date, corrects) = (link(GRANT), date(TODAY), Some(year(2026)));
    let instalment = |number| InstalmentId(Uuid::from_u128(number));
    let paid = FundEvent::ExpenditurePosted {
        link,
        instalment: instalment(2),
        year: year(2027),
        amount: gbp("150"),
        value_date,
        corrects,
    };
    given_closed.when(post(2, 2026, "150"), &at).then_events(std::slice::from_ref(&paid));
    let back = FundEvent::ExpenditureReturned {
        link,
        instalment: instalment(1),
        year: year(2027),
        amount: gbp("450"),
        value_date,
        corrects,
    };
    given_closed.when(give_back(1), &at).then_events(std::slice::from_ref(&back));
    let shares = vec![RecoveredShare { year: year(2027), amount: gbp("450"), corrects }];
    let recovery = RecoveryId(Uuid::from_u128(5));
    given_closed.when(recover(vec![share(2026, "450")]), &at).then_events(&[FundEvent::RecoveryPosted {
        link,
        recovery,
        shares,
    }]);
    given_closed
        .when(reduce_promise(vec![share(2026, "100"), share(2027, "450")]), &at)
        .then_events(&[released_in_part(vec![share(2027, "550")])]);

    let fund = Fund::after(&after(with_closed_year(), [paid, back]));
    assert_eq!(fund.years()[&year(2026)].spent(), gbp("450").pounds(), "the closed year stays");
    let open = fund.years()[&year(2027)];
    assert_eq!((open.spent(), open.outstanding), (-gbp("300").pounds(), gbp("850").pounds()));
    let again = given::<Fund>(&after(with_closed_year(), [came_back_late()]));
    again.when(give_back(1), &at).then_refused("fund.not_paid");
}

fn came_back_late() -> FundEvent {
    FundEvent::ExpenditureReturned {
        link: link(GRANT),
        instalment: InstalmentId(Uuid::from_u128(1)),
        year: year(2027),
        amount: gbp("450"),
        value_date: date(TODAY),
        corrects: Some(year(2026)),
    }
}

#[test]
fn recovered_money_goes_back_to_the_funder_where_the_fund_says_so() {
    let open = Opening { recovery_rule: RecoveryRule::ReturnToFunder, ..opening() };
    let history: Vec<FundEvent> =
        std::iter::once(opened(open).unwrap()).chain(with_payment().into_iter().skip(1)).collect();
    let reduced = FundEvent::BudgetReduced {
        amount: gbp("100"),
        year: year(2026),
        source: words("Recovered money goes back to the funder"),
    };
    let command = recover(vec![share(2026, "100")]);
    let given_paid = given::<Fund>(&history);
    let facts = [recovered(vec![share(2026, "100")]), reduced];
    given_paid.when(command.clone(), &by(STAFF, TODAY)).then_events(&facts);
    let unexplained = Circumstances { reason: None, ..by(STAFF, TODAY) };
    given_paid.when(command, &unexplained).then_refused("reason.required");
    let figures = Fund::after(&after(history, facts)).years()[&year(2026)];
    assert_eq!((figures.budget, figures.available()), (gbp("900").pounds(), gbp("400").pounds()));
}

#[test]
fn a_closed_fund_still_takes_in_what_comes_back() {
    let all_paid = after(
        with_payment(),
        [
            released_in_part(vec![share(2026, "150"), share(2027, "400")]),
            FundEvent::BudgetReduced { amount: gbp("550"), year: year(2026), source: words("Minute 4") },
            FundEvent::BudgetReduced { amount: gbp("500"), year: year(2027), source: words("Minute 4") },
        ],
    );
    let close = FundCommand::Close { log_size: 40 };
    let events = crate::domain::judge(&Fund::after(&all_paid), close, &by(STAFF, TODAY)).unwrap();
    let closed = given::<Fund>(&after(all_paid, events));
    closed.when(give_back(1), &by(STAFF, TODAY)).then_events(&[came_back()]);
    let back = vec![share(2026, "1")];
    closed.when(recover(back.clone()), &by(STAFF, TODAY)).then_events(&[recovered(back)]);
}
