//! Given, when, then: a grant that runs. Reports, variations, suspension, recovery, its end.

mod bounced;
mod ending;

use super::*;

const ADMIN: u128 = 8;
const REQUESTER: u128 = 9;
const SECOND_APPROVER: u128 = 12;

/// The grant after some facts more: the first instalment is paid, the second planned.
fn after(more: &[GrantEvent]) -> Vec<GrantEvent> {
    at(PAID).into_iter().chain(more.iter().cloned()).collect()
}

fn terms_of(kind: ReturnKind) -> ReturnTerms {
    let (from, to) = (date("2026-06-01"), date("2026-08-31"));
    ReturnTerms { kind, from, to, due: date("2026-09-14"), tolerance_days: 7 }
}

fn requested(number: u128, kind: ReturnKind) -> GrantEvent {
    GrantEvent::MonitoringReturnRequested { return_id: id(number), terms: terms_of(kind) }
}

fn report(spent: &str) -> MonitoringReport {
    MonitoringReport {
        spent: Some(gbp(spent)),
        own_money: Some(gbp("100")),
        people_reached: 40,
        outcomes: vec![words("Forty people ate together every Sunday.")],
        stories: Vec::new(),
    }
}

fn submitted(number: u128) -> GrantEvent {
    GrantEvent::MonitoringReturnSubmitted {
        return_id: id(number),
        submitted_by: someone(ADMIN),
        report: report("1500"),
    }
}

fn accepted(number: u128) -> GrantEvent {
    GrantEvent::MonitoringReturnAccepted { return_id: id(number), accepted_by: Some(someone(PROPOSER)) }
}

fn queried() -> GrantEvent {
    GrantEvent::MonitoringReturnQueried { return_id: id(60), question: words("How many came twice?") }
}

fn more_people() -> Text<2000> {
    words("Sixty people come now, not forty.")
}

fn refused_change() -> GrantEvent {
    GrantEvent::VariationRefused { variation: id(70), feedback: words("Not this year.") }
}

fn monitor(command: MonitoringCommand) -> GrantCommand {
    GrantCommand::Monitor(command)
}

fn submit_spending(number: u128, spent: &str) -> GrantCommand {
    monitor(MonitoringCommand::Submit { return_id: id(number), report: report(spent) })
}

fn accept_return(number: u128) -> GrantCommand {
    monitor(MonitoringCommand::Accept { return_id: id(number) })
}

fn waive_return(number: u128, limit: &str) -> GrantCommand {
    monitor(MonitoringCommand::Waive { return_id: id(number), authority: authority(limit) })
}

fn ask_return(number: u128, terms: ReturnTerms) -> GrantCommand {
    monitor(MonitoringCommand::Request { return_id: id(number), terms })
}

fn one_more(number: u128, amount: &str) -> PlannedInstalment {
    let (amount, due, year) = (gbp(amount), date("2027-05-01"), year(2027));
    PlannedInstalment { id: id(number), amount, due, year, conditions: Vec::new() }
}

fn second() -> PlannedInstalment {
    instalments().swap_remove(1)
}

/// £500.00 more, or less of the second instalment.
fn to_amount(to: &str) -> Change {
    let rise = gbp(to) > gbp("2500");
    let left = Money::some(gbp(to).pounds() - gbp("1500").pounds());
    let kept = left.map(|amount| PlannedInstalment { amount, ..second() });
    let to_plan = if rise { vec![second(), one_more(3, "500")] } else { kept.into_iter().collect() };
    let plan = Replan { from: vec![second()], to: to_plan };
    Change::Amount { from: gbp("2500"), to: gbp(to), plan }
}

fn wish_amount(from: &str, to: &str, added: Vec<PlannedInstalment>) -> Wish {
    Wish::Amount { from: gbp(from), to: gbp(to), added }
}

fn wishing(wish: Wish) -> GrantCommand {
    GrantCommand::Vary(VariationCommand::Request { variation: id(70), justification: more_people(), wish })
}

fn asked_for(change: Change) -> GrantEvent {
    GrantEvent::VariationRequested {
        variation: id(70),
        requested_by: someone(REQUESTER),
        justification: more_people(),
        change,
    }
}

fn varied(total: &str, change: Change) -> GrantEvent {
    GrantEvent::VariationApproved {
        variation: id(70),
        approver: someone(APPROVER),
        authority: authority("3000"),
        first: None,
        total: gbp(total),
        change,
    }
}

/// The first of two approvals, by somebody whose limit does not cover the whole award.
fn first_approved(limit: &str) -> GrantEvent {
    let first = FirstApproval { approver: someone(APPROVER), authority: authority(limit) };
    GrantEvent::VariationFirstApproved { variation: id(70), first }
}

fn approve_change(limit: &str, reserved: &[(i32, &str)]) -> GrantCommand {
    let reserved = reserved.iter().map(|(begins, sum)| (year(*begins), gbp(sum).pounds())).collect();
    let authority = authority(limit);
    GrantCommand::Vary(VariationCommand::Approve {
        variation: id(70),
        authority,
        one_approver: gbp("5000"),
        reserved,
    })
}

fn refuse_change(number: u128) -> GrantCommand {
    GrantCommand::Vary(VariationCommand::Refuse { variation: id(number), feedback: words("Not this year.") })
}

fn slot(number: u128, amount: &str, due: &str, begins: i32) -> Slot {
    Slot { instalment: id(number), amount: gbp(amount), due: date(due), year: year(begins) }
}

fn seen() -> Vec<Slot> {
    vec![slot(2, "1000", "2027-04-06", 2027)]
}

fn steer(command: CourseCommand) -> GrantCommand {
    GrantCommand::Steer(command)
}

fn waive(condition: u128, limit: &str) -> GrantCommand {
    steer(CourseCommand::WaiveCondition { condition: id(condition), authority: authority(limit) })
}

fn waived(by: u128) -> GrantEvent {
    let (waived_by, authority) = (someone(by), authority("2500"));
    GrantEvent::ConditionWaived { condition: id(51), waived_by, authority }
}

fn grounds() -> BTreeSet<SuspensionGround> {
    BTreeSet::from([SuspensionGround::ReportsMissing, SuspensionGround::FinancialConcern])
}

fn suspended() -> GrantEvent {
    GrantEvent::Suspended { grounds: grounds(), from: date(TODAY), suspended_by: someone(PROPOSER) }
}

fn declare_unspent(amount: &str) -> GrantCommand {
    steer(CourseCommand::DeclareUnderspend { amount: gbp(amount) })
}

fn declared_unspent(amount: &str) -> GrantEvent {
    GrantEvent::UnderspendDeclared { amount: gbp(amount), declared_by: someone(ADMIN) }
}

fn release(amount: &str) -> GrantCommand {
    steer(CourseCommand::ReleaseUnspent { amount: gbp(amount) })
}

fn released(amount: &str) -> GrantEvent {
    let left = Money::some(gbp("1000").pounds() - gbp(amount).pounds());
    let to = left.map(|amount| PlannedInstalment { amount, ..second() }).into_iter().collect();
    GrantEvent::UnspentReleased { amount: gbp(amount), plan: Replan { from: vec![second()], to } }
}

fn demand(amount: &str) -> GrantCommand {
    let (ground, amount) = (RecoveryGround::WorkNotDone, gbp(amount));
    GrantCommand::Recover(RecoveryCommand::Demand { recovery: id(80), ground, amount })
}

fn demanded(amount: &str) -> GrantEvent {
    let (ground, amount) = (RecoveryGround::WorkNotDone, gbp(amount));
    GrantEvent::RecoveryDemanded { recovery: id(80), ground, amount, demanded_by: someone(PROPOSER) }
}

fn receive(number: u128, amount: &str, on: &str) -> GrantCommand {
    let (recovery, amount, value_date) = (id(number), gbp(amount), date(on));
    GrantCommand::Recover(RecoveryCommand::Receive { recovery, amount, value_date })
}

fn received(amount: &str) -> GrantEvent {
    GrantEvent::RecoveryReceived { recovery: id(80), amount: gbp(amount), value_date: date(TODAY) }
}

fn write_off(amount: &str) -> GrantCommand {
    GrantCommand::Recover(RecoveryCommand::WriteOff { recovery: id(80), amount: gbp(amount) })
}

fn written_off(amount: &str) -> GrantEvent {
    GrantEvent::RecoveryWrittenOff { recovery: id(80), amount: gbp(amount) }
}

fn close(spent: &str) -> GrantCommand {
    let outcomes = vec![words("Forty people ate together every Sunday.")];
    steer(CourseCommand::Close { final_spend: Some(gbp(spent)), outcomes })
}

/// All that is left of the award is released, and the final return accepted.
fn closing() -> Vec<GrantEvent> {
    let is_final = requested(61, ReturnKind::Final);
    after(&[declared_unspent("1000"), released("1000"), is_final, submitted(61), accepted(61)])
}

pub(super) fn stories() -> Vec<Story<Grant>> {
    let story = |given: Vec<GrantEvent>, when, actor, then| {
        let (at, then) = (by(actor, TODAY), vec![then]);
        Story { given, when, at, then }
    };
    let open = || after(&[requested(60, ReturnKind::Interim)]);
    let in_hand = || after(&[requested(60, ReturnKind::Interim), submitted(60)]);
    let query = MonitoringCommand::Query { return_id: id(60), question: words("How many came twice?") };
    let final_asked = || after(&[requested(61, ReturnKind::Final)]);
    let waived_return = GrantEvent::MonitoringReturnWaived {
        return_id: id(61),
        waived_by: Some(someone(APPROVER)),
        authority: authority("2500"),
    };
    let asked = || after(&[asked_for(to_amount("3000"))]);
    let raise = wishing(wish_amount("2500", "3000", vec![one_more(3, "500")]));
    let closed = GrantEvent::Closed {
        final_spend: Some(gbp("1500")),
        outcomes: vec![words("Forty people ate together every Sunday.")],
    };
    let review = steer(CourseCommand::CompleteReview { outcome: ReviewOutcome::Continue });
    let reviewed = GrantEvent::AnnualReviewCompleted { outcome: ReviewOutcome::Continue };
    let suspend = steer(CourseCommand::Suspend { grounds: grounds() });
    vec![
        story(after(&[]), waive(51, "2500"), APPROVER, waived(APPROVER)),
        story(after(&[]), ask_return(60, terms_of(ReturnKind::Interim)), PROPOSER, {
            requested(60, ReturnKind::Interim)
        }),
        story(open(), submit_spending(60, "1500"), ADMIN, submitted(60)),
        story(in_hand(), monitor(query), PROPOSER, queried()),
        story(in_hand(), accept_return(60), PROPOSER, accepted(60)),
        story(final_asked(), waive_return(61, "2500"), APPROVER, waived_return),
        story(after(&[]), raise, REQUESTER, asked_for(to_amount("3000"))),
        story(asked(), approve_change("3000", &[(2027, "500")]), APPROVER, varied("3000", to_amount("3000"))),
        story(asked(), approve_change("2999.99", &[(2027, "500")]), APPROVER, first_approved("2999.99")),
        story(asked(), refuse_change(70), APPROVER, refused_change()),
        story(after(&[]), suspend, PROPOSER, suspended()),
        story(after(&[suspended()]), steer(CourseCommand::Resume), APPROVER, GrantEvent::Resumed {}),
        story(after(&[]), declare_unspent("300"), ADMIN, declared_unspent("300")),
        story(after(&[declared_unspent("300")]), release("300"), PROPOSER, released("300")),
        story(after(&[]), demand("1500"), PROPOSER, demanded("1500")),
        story(after(&[demanded("1500")]), receive(80, "400", TODAY), FINANCE, received("400")),
        story(after(&[demanded("1500"), received("400")]), write_off("1100"), FINANCE, written_off("1100")),
        story(after(&[]), review, PROPOSER, reviewed),
        story(closing(), close("1500"), APPROVER, closed),
    ]
    .into_iter()
    .chain(ending::stories())
    .collect()
}

/// What was turned down, and the code that was expected.
pub(super) fn refusals() -> Vec<(&'static str, Refused)> {
    [
        refusals_of_reporting(),
        refusals_of_varying(),
        refusals_of_steering(),
        refusals_of_recovering(),
        ending::refusals(),
    ]
    .concat()
}

fn refusals_of_reporting() -> Vec<(&'static str, Refused)> {
    let interim = requested(60, ReturnKind::Interim);
    let (open, answered) =
        (after(std::slice::from_ref(&interim)), after(&[interim.clone(), submitted(60), accepted(60)]));
    let in_hand = after(&[requested(60, ReturnKind::Interim), submitted(60)]);
    let is_final = after(&[requested(61, ReturnKind::Final)]);
    let turned = ReturnTerms { to: date("2026-05-31"), ..terms_of(ReturnKind::Interim) };
    let too_soon = ReturnTerms { due: date("2026-08-30"), ..terms_of(ReturnKind::Interim) };
    let again = ask_return(62, terms_of(ReturnKind::Final));
    let met = |events: &[GrantEvent]| [at(PAID), vec![way().swap_remove(PAID)], events.to_vec()].concat();
    vec![
        ("grant.return_dates", refused(&after(&[]), ask_return(60, turned), PROPOSER)),
        ("grant.return_dates", refused(&after(&[]), ask_return(60, too_soon), PROPOSER)),
        ("grant.final_return_twice", refused(&is_final, again, PROPOSER)),
        ("grant.return_unknown", refused(&open, submit_spending(99, "1"), ADMIN)),
        ("grant.return_not_awaited", refused(&answered, submit_spending(60, "1"), ADMIN)),
        ("grant.spend_exceeds_funds", refused(&open, submit_spending(60, "1600.01"), ADMIN)),
        ("grant.return_not_submitted", refused(&open, accept_return(60), PROPOSER)),
        ("grant.return_not_submitted", refused(&answered, accept_return(60), PROPOSER)),
        ("grant.reporter_judges", refused(&in_hand, accept_return(60), ADMIN)),
        ("grant.only_final_waived", refused(&open, waive_return(60, "2500"), APPROVER)),
        ("grant.exceeds_authority", refused(&is_final, waive_return(61, "2499.99"), APPROVER)),
        ("grant.approver_proposed", refused(&is_final, waive_return(61, "2500"), PROPOSER)),
        ("grant.reports_overdue", {
            refused_on(
                &met(&[requested(60, ReturnKind::Interim)]),
                authorise(2, "2027-04-06"),
                FINANCE,
                "2026-09-22",
            )
        }),
    ]
}

fn refusals_of_varying() -> Vec<(&'static str, Refused)> {
    let wished = |wish| refused(&after(&[]), wishing(wish), REQUESTER);
    let asked = after(&[asked_for(to_amount("3000"))]);
    let approving = |history: &[GrantEvent], command, actor| refused(history, command, actor);
    let good = || approve_change("3000", &[(2027, "500")]);
    let end = |from: &str, to: &str| Wish::End { from: date(from), to: date(to) };
    let overtaken = after(&[asked_for(to_amount("3000")), released("100")]);
    let conflicted = after(&[asked_for(to_amount("3000")), declared(REQUESTER)]);
    let authorised = after(&[authorised_to(2, "1000")]);
    let half = after(&[asked_for(to_amount("3000")), first_approved("2999.99")]);
    let payee = Wish::Payee { from: id(10), to: id(13) };
    let schedule = |to| Wish::Schedule { from: seen(), to };
    vec![
        ("grant.variation_open", refused(&asked, wishing(end("2027-05-31", "2027-06-30")), REQUESTER)),
        ("grant.variation_stale", wished(wish_amount("2400", "3000", vec![one_more(3, "600")]))),
        ("grant.variation_stale", wished(end("2027-05-30", "2027-06-30"))),
        ("grant.variation_stale", wished(Wish::Purpose { from: words("Tea."), to: words("Coffee.") })),
        ("grant.variation_stale", wished(Wish::Payee { from: id(13), to: id(10) })),
        ("grant.variation_stale", wished(Wish::Schedule { from: Vec::new(), to: Vec::new() })),
        ("grant.variation_stale", approving(&overtaken, good(), APPROVER)),
        ("grant.variation_changes_nothing", wished(end("2027-05-31", "2027-05-31"))),
        ("grant.variation_changes_nothing", wished(schedule(seen()))),
        ("grant.dates_reversed", wished(end("2027-05-31", "2026-05-31"))),
        ("grant.increase_does_not_add_up", wished(wish_amount("2500", "3000", vec![one_more(3, "499.99")]))),
        ("grant.increase_does_not_add_up", wished(wish_amount("2500", "2000", vec![one_more(3, "500")]))),
        ("grant.instalment_twice", wished(wish_amount("2500", "3000", vec![one_more(1, "500")]))),
        ("grant.exceeds_unpaid", wished(wish_amount("2500", "1499.99", Vec::new()))),
        ("grant.schedule_does_not_add_up", wished(schedule(vec![slot(2, "999.99", "2027-04-06", 2027)]))),
        ("grant.instalment_twice", wished(schedule(vec![slot(1, "1000", "2027-04-06", 2027)]))),
        ("grant.condition_dropped", wished(schedule(vec![slot(3, "1000", "2027-04-06", 2027)]))),
        ("grant.instalments_on_their_way", refused(&authorised, wishing(payee), REQUESTER)),
        ("grant.variation_unknown", approving(&asked, refuse_change(71), APPROVER)),
        ("grant.variation_unknown", approving(&after(&[]), good(), APPROVER)),
        ("grant.approver_requested", approving(&asked, good(), REQUESTER)),
        ("grant.approver_requested", approving(&asked, refuse_change(70), REQUESTER)),
        ("grant.requester_conflicted", approving(&conflicted, good(), APPROVER)),
        ("grant.approver_assessed", approving(&asked, good(), ASSESSOR)),
        ("grant.exceeds_authority", {
            approving(&half, approve_change("2999.99", &[(2027, "500")]), SECOND_APPROVER)
        }),
        ("grant.same_approver", approving(&half, good(), APPROVER)),
        ("grant.instalments_not_as_reserved", approving(&asked, approve_change("3000", &[]), APPROVER)),
        ("grant.instalments_not_as_reserved", {
            approving(&asked, approve_change("3000", &[(2027, "500"), (2026, "1")]), APPROVER)
        }),
        (
            "grant.conflicted",
            approving(&after(&[asked_for(to_amount("3000")), declared(APPROVER)]), good(), APPROVER),
        ),
    ]
}

fn refusals_of_steering() -> Vec<(&'static str, Refused)> {
    let held = after(&[suspended()]);
    let running = after(&[]);
    let declared_some = after(&[declared_unspent("300")]);
    let is_final = requested(61, ReturnKind::Final);
    let open_end = after(&[is_final.clone(), submitted(61), accepted(61)]);
    let spent = [declared_unspent("1000"), released("1000"), is_final];
    let owing = after(&[&spent[..], &[submitted(61), accepted(61), demanded("10")]].concat());
    let advance = Circumstances { reason: None, ..by(FINANCE, TODAY) };
    let in_advance = given::<Grant>(&at(ACTIVE)).when(authorise(1, "2026-05-07"), &advance).refused();
    let suspended_first = [at(AUTHORISED), vec![suspended()]].concat();
    let none = CourseCommand::Suspend { grounds: BTreeSet::new() };
    vec![
        ("grant.in_advance_unexplained", in_advance),
        ("grant.suspended", refused(&held, authorise(2, "2027-04-06"), FINANCE)),
        ("grant.suspended", refused(&held, waive(51, "2500"), APPROVER)),
        ("grant.suspended", refused_on(&suspended_first, pay(1, "1500", PAY_ON), PAYER, PAY_ON)),
        ("grant.waiver_authorises", refused(&after(&[waived(FINANCE)]), authorise(2, "2027-04-06"), FINANCE)),
        ("grant.exceeds_authority", refused(&running, waive(51, "2499.99"), APPROVER)),
        ("grant.approver_proposed", refused(&running, waive(51, "2500"), PROPOSER)),
        ("grant.approver_assessed", refused(&running, waive(51, "2500"), ASSESSOR)),
        ("grant.condition_already_met", refused(&after(&[waived(APPROVER)]), waive(51, "2500"), APPROVER)),
        ("grant.no_ground", refused(&running, steer(none), PROPOSER)),
        ("grant.resumer_suspended", refused(&held, steer(CourseCommand::Resume), PROPOSER)),
        ("grant.wrong_stage", refused(&running, steer(CourseCommand::Resume), APPROVER)),
        ("grant.underspend_exceeds_award", refused(&running, declare_unspent("2500.01"), ADMIN)),
        ("grant.no_underspend", refused(&running, release("1"), PROPOSER)),
        ("grant.releaser_declared", refused(&declared_some, release("1"), ADMIN)),
        ("grant.exceeds_underspend", refused(&declared_some, release("300.01"), PROPOSER)),
        ("grant.exceeds_unpaid", refused(&after(&[declared_unspent("1001")]), release("1001"), PROPOSER)),
        ("grant.final_return_open", refused(&running, close("1500"), PROPOSER)),
        ("grant.wrong_stage", refused(&held, close("1500"), PROPOSER)),
        ("grant.instalments_open", refused(&open_end, close("1500"), PROPOSER)),
        ("grant.demands_open", refused(&owing, close("1500"), PROPOSER)),
        ("grant.final_return_open", refused(&after(&spent), close("1500"), PROPOSER)),
        ("grant.spend_exceeds_funds", refused(&closing(), close("1600.01"), APPROVER)),
    ]
}

fn refusals_of_recovering() -> Vec<(&'static str, Refused)> {
    let owing = after(&[demanded("1500"), received("400")]);
    vec![
        ("grant.demand_exceeds_paid", refused(&after(&[]), demand("1500.01"), PROPOSER)),
        ("grant.demand_exceeds_paid", refused(&owing, demand("0.01"), PROPOSER)),
        ("grant.recovery_unknown", refused(&owing, receive(81, "1", TODAY), FINANCE)),
        ("grant.exceeds_demand", refused(&owing, receive(80, "1100.01", TODAY), FINANCE)),
        ("grant.exceeds_demand", refused(&owing, write_off("1100.01"), FINANCE)),
        ("grant.paid_in_future", refused(&owing, receive(80, "1", "2026-05-02"), FINANCE)),
        ("grant.demander_writes_off", refused(&owing, write_off("1"), PROPOSER)),
    ]
}

#[test]
fn a_payment_that_had_left_before_the_suspension_is_recorded() {
    let history = [
        at(AUTHORISED),
        vec![GrantEvent::Suspended {
            grounds: grounds(),
            from: date(PAY_ON),
            suspended_by: someone(PROPOSER),
        }],
    ]
    .concat();
    given::<Grant>(&history)
        .when(pay(1, "1500", PAY_ON), &by(PAYER, "2026-05-11"))
        .then_events(&way()[AUTHORISED..PAID]);
}

#[test]
fn a_suspension_ends_where_it_began() {
    let mut grant = Grant::after(&after(&[requested(61, ReturnKind::Final), suspended()]));
    assert_eq!(grant.status(), GrantStatus::Suspended);
    grant.evolve(&GrantEvent::Resumed {});
    assert_eq!(grant.status(), GrantStatus::Closing, "it was closing when it was suspended");
}

#[test]
fn a_late_return_is_tolerated_as_long_as_was_said() {
    let met = GrantEvent::ConditionMet { condition: id(51), evidence: evidence() };
    let history = after(&[met, requested(60, ReturnKind::Interim)]);
    let authorised = |on| {
        let checks = GrantCommand::AuthoriseInstalment {
            instalment: id(2),
            pay_on: date("2027-04-06"),
            checks_valid_until: None,
            bank_version: 1,
        };
        given::<Grant>(&history).when(checks, &by(FINANCE, on))
    };
    authorised("2026-09-22").then_refused("grant.reports_overdue");
    let last_day = GrantEvent::InstalmentAuthorised {
        instalment: id(2),
        amount: gbp("1000"),
        authorised_by: someone(FINANCE),
        pay_on: date("2027-04-06"),
        checks_valid_until: None,
        bank_version: 1,
        run: None,
    };
    authorised("2026-09-21").then_events(&[last_day]);
}

#[test]
fn a_query_asks_for_a_new_submission() {
    let history = after(&[requested(60, ReturnKind::Interim), submitted(60), queried()]);
    given::<Grant>(&history)
        .when(accept_return(60), &by(PROPOSER, TODAY))
        .then_refused("grant.return_not_submitted");
    given::<Grant>(&history)
        .when(submit_spending(60, "1500"), &by(ADMIN, TODAY))
        .then_events(&[submitted(60)]);
}

#[test]
fn what_was_recovered_cannot_have_been_spent() {
    let history = after(&[requested(60, ReturnKind::Interim), demanded("500"), received("500")]);
    let told = refused(&history, submit_spending(60, "1100.01"), ADMIN);
    assert_eq!(told.sentence, "£1,100.01 cannot have been spent: with own money there was £1,100.00.");
}

#[test]
fn less_comes_off_the_instalments_that_fall_due_last() {
    let plan = vec![one_more(4, "300"), PlannedInstalment { due: date("2027-06-01"), ..one_more(3, "200") }];
    let cut = Replan::cut(plan.clone(), gbp("350").pounds());
    assert_eq!(cut.to, vec![PlannedInstalment { amount: gbp("150"), ..plan[0].clone() }]);
    assert_eq!(cut.falls(), BTreeMap::from([(year(2027), gbp("350").pounds())]));
    assert!(cut.rises().is_empty());
}

#[test]
fn a_lower_amount_is_asked_approved_and_counts() {
    let lower = to_amount("2100");
    let wish = wishing(wish_amount("2500", "2100", Vec::new()));
    given::<Grant>(&after(&[])).when(wish, &by(REQUESTER, TODAY)).then_events(&[asked_for(lower.clone())]);
    let history = after(&[asked_for(lower.clone()), varied("2100", lower)]);
    let grant = Grant::after(&history);
    assert_eq!((grant.total(), grant.unpaid().len()), (Ok(gbp("2100")), 1));
    assert_eq!(grant.planned(id(2)).unwrap().amount, gbp("600"));
    assert_eq!(grant.planned(id(2)).unwrap().conditions, second().conditions, "it waits for the same");
}

#[test]
fn a_schedule_moves_money_between_years_and_keeps_the_sum() {
    let to = vec![slot(2, "400", "2027-03-01", 2026), slot(3, "600", "2027-06-01", 2027)];
    let wish = wishing(Wish::Schedule { from: seen(), to });
    let moved =
        PlannedInstalment { amount: gbp("400"), due: date("2027-03-01"), year: year(2026), ..second() };
    let new = PlannedInstalment { due: date("2027-06-01"), ..one_more(3, "600") };
    let change = Change::Schedule { plan: Replan { from: vec![second()], to: vec![moved, new] } };
    given::<Grant>(&after(&[])).when(wish, &by(REQUESTER, TODAY)).then_events(&[asked_for(change.clone())]);
    assert_eq!(change.rises(), BTreeMap::from([(year(2026), gbp("400").pounds())]));
    assert_eq!(change.falls(), BTreeMap::from([(year(2027), gbp("400").pounds())]));
    let approve = approve_change("2500", &[(2026, "400")]);
    let approved = GrantEvent::VariationApproved {
        variation: id(70),
        approver: someone(SECOND_APPROVER),
        authority: authority("2500"),
        first: None,
        total: gbp("2500"),
        change: change.clone(),
    };
    given::<Grant>(&after(&[asked_for(change)]))
        .when(approve, &by(SECOND_APPROVER, TODAY))
        .then_events(&[approved]);
}

#[test]
fn end_purpose_and_payee_hold_from_the_approval_on() {
    let purpose = Change::Purpose { from: application().purpose, to: words("Suppers instead of lunches.") };
    let end = Change::End { from: date("2027-05-31"), to: date("2027-08-31") };
    let payee = Change::Payee { from: id(10), to: id(13) };
    let history = after(&[varied("2500", purpose.clone()), varied("2500", end), varied("2500", payee)]);
    let grant = Grant::after(&history);
    assert_eq!(grant.case().unwrap().period.1, date("2027-08-31"));
    assert_eq!((grant.payee(), grant.subject().unwrap().partner), (Ok(id(13)), id(10)));
    let Change::Purpose { from, to } = purpose else { panic!("it is a purpose") };
    let again = wishing(Wish::Purpose { from: from.clone(), to: from });
    refused(&history, again, REQUESTER);
    let back = wishing(Wish::Purpose { from: to, to: words("Lunches again.") });
    let change = Change::Purpose { from: words("Suppers instead of lunches."), to: words("Lunches again.") };
    given::<Grant>(&history).when(back, &by(REQUESTER, TODAY)).then_events(&[asked_for(change)]);
}

#[test]
fn what_is_paid_and_asked_back_is_read_back() {
    let grant = Grant::after(&after(&[asked_for(to_amount("3000")), demanded("100")]));
    assert_eq!(grant.asked(id(70)), Ok(&to_amount("3000")));
    assert_eq!(grant.asked(id(71)), Err(GrantRefusal::VariationUnknown));
    assert_eq!((grant.paid(), grant.demanded()), (gbp("1500").pounds(), gbp("100").pounds()));
}

#[test]
fn a_change_above_what_one_may_award_alone_takes_two_and_an_interest_voids_the_first() {
    let half = after(&[asked_for(to_amount("3000")), first_approved("2999.99")]);
    let approve = || approve_change("3000", &[(2027, "500")]);
    let first = Some(FirstApproval { approver: someone(APPROVER), authority: authority("2999.99") });
    let approved = GrantEvent::VariationApproved {
        variation: id(70),
        approver: someone(SECOND_APPROVER),
        authority: authority("3000"),
        first,
        total: gbp("3000"),
        change: to_amount("3000"),
    };
    given::<Grant>(&half).when(approve(), &by(SECOND_APPROVER, TODAY)).then_events(&[approved]);
    assert!(Grant::after(&half).asked(id(70)).is_ok(), "after the first approval nothing has changed");
    let void: Vec<GrantEvent> = half.into_iter().chain([declared(APPROVER)]).collect();
    let low = approve_change("2999.99", &[(2027, "500")]);
    let again = GrantEvent::VariationFirstApproved {
        variation: id(70),
        first: FirstApproval { approver: someone(SECOND_APPROVER), authority: authority("2999.99") },
    };
    given::<Grant>(&void).when(low, &by(SECOND_APPROVER, TODAY)).then_events(&[again]);
}
