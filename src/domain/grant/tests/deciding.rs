//! Given, when, then: how a case comes in, how it is decided by a panel and by two approvers, and how long that takes.

use super::*;
use crate::domain::calendar::working_days;

const SECOND: u128 = 8;

fn beginning() -> Beginning {
    Beginning {
        reference: Reference::new(ReferenceKind::Grant, 2026, 1),
        partner: id(10),
        programme: id(20),
        fund: id(30),
        title: words("Sunday lunches"),
    }
}

fn interest() -> GrantEvent {
    let Beginning { reference, partner, programme, fund, title } = beginning();
    GrantEvent::InterestReceived { reference, partner, programme, fund, title, idea: words("A hot lunch.") }
}

fn proposed(proposer: u128) -> GrantEvent {
    let Beginning { reference, partner, programme, fund, title } = beginning();
    let (proposer, justification) = (someone(proposer), words("The only kitchen in the ward."));
    GrantEvent::DirectAwardProposed { reference, partner, programme, fund, title, proposer, justification }
}

fn invited(apply_by: &str) -> GrantEvent {
    GrantEvent::InvitedToApply { apply_by: date(apply_by) }
}

fn receive() -> GrantCommand {
    GrantCommand::ReceiveInterest { beginning: beginning(), idea: words("A hot lunch.") }
}

fn propose() -> GrantCommand {
    let justification = words("The only kitchen in the ward.");
    GrantCommand::ProposeDirectAward { beginning: beginning(), justification }
}

fn invite(apply_by: &str) -> GrantCommand {
    GrantCommand::InviteToApply { apply_by: date(apply_by) }
}

fn decline_interest() -> GrantCommand {
    GrantCommand::DeclineInterest { feedback: words("This round is for gardens.") }
}

fn ask(by: &str) -> GrantCommand {
    GrantCommand::RequestInformation { what: words("Who cooks?"), by: date(by) }
}

fn asked() -> GrantEvent {
    GrantEvent::MoreInformationRequested { what: words("Who cooks?"), by: date("2026-05-15") }
}

fn answer() -> GrantCommand {
    GrantCommand::SupplyInformation { answer: words("Two cooks with a certificate.") }
}

fn answered() -> GrantEvent {
    GrantEvent::InformationSupplied { answer: words("Two cooks with a certificate.") }
}

fn recuse(number: u128) -> GrantCommand {
    GrantCommand::RecuseAssessor { assessor: someone(number) }
}

fn recused(number: u128) -> GrantEvent {
    GrantEvent::AssessorRecused { assessor: someone(number) }
}

fn supersede(criterion: &str, score: u8) -> GrantCommand {
    GrantCommand::SupersedeScore {
        criterion: words(criterion),
        score,
        justification: words("Seen on a visit."),
        criteria: scoring(),
    }
}

fn superseded() -> GrantEvent {
    GrantEvent::ScoreSuperseded {
        assessor: someone(ASSESSOR),
        criterion: words("reach"),
        was: 4,
        score: 5,
        justification: words("Seen on a visit."),
    }
}

fn panel(present: &[u128], stood_aside: &[u128]) -> Panel {
    let people = |numbers: &[u128]| numbers.iter().copied().map(someone).collect();
    Panel { present: people(present), stood_aside: people(stood_aside) }
}

fn together(panel: Panel, quorum: Option<u8>) -> GrantCommand {
    GrantCommand::Recommend { amount: gbp("2500"), scoring: scoring(), panel, quorum }
}

/// An approval by somebody with a limit, where one approver may award so much alone.
fn with_limits(limit: &str, one_approver: &str) -> ApprovalGround {
    ApprovalGround { authority: authority(limit), one_approver: gbp(one_approver), ..ground() }
}

fn approve_under(ground: ApprovalGround) -> GrantCommand {
    GrantCommand::Approve { instalments: instalments(), terms_version: words("2026-1"), ground }
}

fn first_given() -> GrantEvent {
    GrantEvent::FirstApprovalGiven {
        approver: someone(APPROVER),
        amount: gbp("2500"),
        authority: authority("1000"),
        instalments: instalments(),
        terms_version: words("2026-1"),
    }
}

fn second(limit: &str) -> GrantCommand {
    GrantCommand::ApproveSecond { ground: with_limits(limit, "1000") }
}

fn approved_by_two() -> GrantEvent {
    GrantEvent::Approved {
        approver: someone(SECOND),
        amount: gbp("2500"),
        authority: authority("2500"),
        first: Some(FirstApproval { approver: someone(APPROVER), authority: authority("1000") }),
        instalments: instalments(),
        terms_version: words("2026-1"),
    }
}

/// After the first of two approvals.
fn halfway() -> Vec<GrantEvent> {
    at_and(RECOMMENDED, first_given())
}

pub(super) fn stories() -> Vec<Story<Grant>> {
    let story = |given, when, actor, on, then| Story { given, when, at: by(actor, on), then: vec![then] };
    let submitted = way().swap_remove(0);
    let declined = GrantEvent::InterestDeclined { feedback: words("This round is for gardens.") };
    let with_panel = GrantEvent::Recommended {
        proposer: someone(PROPOSER),
        amount: gbp("2500"),
        panel: panel(&[21, 22], &[23]),
    };
    let lapsed = GrantEvent::OfferLapsed { accept_by: date(ACCEPT_BY) };
    vec![
        story(vec![], receive(), PARTNER, TODAY, interest()),
        story(vec![interest()], invite(ACCEPT_BY), PROPOSER, TODAY, invited(ACCEPT_BY)),
        story(vec![interest()], decline_interest(), PROPOSER, TODAY, declined.clone()),
        story(
            vec![interest(), invited("2026-04-30")],
            invite(ACCEPT_BY),
            PROPOSER,
            TODAY,
            invited(ACCEPT_BY),
        ),
        story(vec![interest(), invited("2026-04-30")], decline_interest(), PROPOSER, TODAY, declined),
        story(
            vec![interest(), invited(TODAY)],
            GrantCommand::Submit(application()),
            PARTNER,
            TODAY,
            submitted.clone(),
        ),
        story(vec![], propose(), PROPOSER, TODAY, proposed(PROPOSER)),
        story(vec![proposed(PROPOSER)], GrantCommand::Submit(application()), PARTNER, TODAY, submitted),
        story(vec![interest()], GrantCommand::Withdraw, PARTNER, TODAY, GrantEvent::ApplicationWithdrawn {}),
        story(at(SUBMITTED), ask("2026-05-15"), PROPOSER, TODAY, asked()),
        story(at(RECOMMENDED), ask("2026-05-15"), APPROVER, TODAY, asked()),
        story(at_and(SUBMITTED, asked()), answer(), PARTNER, TODAY, answered()),
        story(
            at_and(SUBMITTED, asked()),
            decline(),
            APPROVER,
            TODAY,
            GrantEvent::Declined { feedback: words("Others reached more people for less.") },
        ),
        story(at(SCORED), recuse(ASSESSOR), ASSESSOR, TODAY, recused(ASSESSOR)),
        story(at(SCORED), supersede("reach", 5), ASSESSOR, TODAY, superseded()),
        story(at(SCORED), together(panel(&[21, 22], &[23]), Some(2)), PROPOSER, TODAY, with_panel),
        story(at(RECOMMENDED), approve_under(with_limits("1000", "2500")), APPROVER, TODAY, first_given()),
        story(halfway(), second("2500"), SECOND, TODAY, approved_by_two()),
        story(
            halfway(),
            decline(),
            SECOND,
            TODAY,
            GrantEvent::Declined { feedback: words("Others reached more people for less.") },
        ),
        story(at(OFFERED), GrantCommand::LapseOffer, PROPOSER, "2026-06-01", lapsed),
    ]
}

pub(super) fn refusals() -> Vec<(&'static str, Refused)> {
    [refusals_of_entering(), refusals_of_assessing(), refusals_of_deciding()].concat()
}

fn refusals_of_entering() -> Vec<(&'static str, Refused)> {
    let after = |history: &[GrantEvent], change: fn(&mut Application)| {
        let mut changed = application();
        change(&mut changed);
        refused(history, GrantCommand::Submit(changed), PARTNER)
    };
    let open = [interest(), invited(TODAY)];
    let waiting = at_and(SUBMITTED, asked());
    vec![
        ("grant.already_begun", refused(&[interest()], receive(), PARTNER)),
        ("grant.already_begun", refused(&at(SUBMITTED), propose(), PROPOSER)),
        ("grant.invitation_past", refused(&[interest()], invite("2026-04-30"), PROPOSER)),
        ("grant.wrong_stage", refused(&open, invite(ACCEPT_BY), PROPOSER)),
        ("grant.wrong_stage", refused(&open, decline_interest(), PROPOSER)),
        ("grant.wrong_stage", after(&[interest()], |_| ())),
        ("grant.wrong_stage", refused(&[interest()], decline(), APPROVER)),
        ("grant.not_as_invited", after(&open, |one| one.partner = id(12))),
        ("grant.not_as_invited", after(&[proposed(PROPOSER)], |one| one.programme = id(21))),
        ("grant.invited_until", after(&[interest(), invited("2026-04-30")], |_| ())),
        ("grant.answer_by_past", refused(&at(SUBMITTED), ask("2026-04-30"), PROPOSER)),
        ("grant.information_awaited", refused(&waiting, ask("2026-05-15"), PROPOSER)),
        (
            "grant.information_awaited",
            refused(&waiting, judging(&[("local", true), ("open", true)]), PROPOSER),
        ),
        ("grant.information_awaited", refused(&at_and(SCORED, asked()), recommend("2500"), PROPOSER)),
        ("grant.information_awaited", refused(&at_and(RECOMMENDED, asked()), approve(), APPROVER)),
        ("grant.nothing_asked", refused(&at(SUBMITTED), answer(), PARTNER)),
        ("grant.wrong_stage", refused(&at(APPROVED), ask("2026-05-15"), PROPOSER)),
    ]
}

fn refusals_of_assessing() -> Vec<(&'static str, Refused)> {
    let stood_aside = at_and(SCORED, recused(ASSESSOR));
    let only_one = GrantCommand::AssignAssessor { assessor: someone(ANOTHER), only_one: true };
    let meeting = |history: &[GrantEvent], panel, quorum| refused(history, together(panel, quorum), PROPOSER);
    vec![
        ("grant.nobody_to_recuse", refused(&at(SCORED), recuse(ANOTHER), PROPOSER)),
        ("grant.conflicted", refused(&stood_aside, score("reach", 5), ASSESSOR)),
        ("grant.assessor_conflicted", refused(&stood_aside, assign(ASSESSOR), PROPOSER)),
        ("grant.not_fully_scored", refused(&stood_aside, recommend("2500"), PROPOSER)),
        ("grant.micro_one_assessor", refused(&at(ASSESSING), only_one, PROPOSER)),
        ("grant.not_scored_before", refused(&at(ASSESSING), supersede("reach", 5), ASSESSOR)),
        ("grant.same_score", refused(&at(SCORED), supersede("reach", 4), ASSESSOR)),
        ("grant.not_assessor", refused(&at(SCORED), supersede("reach", 5), ANOTHER)),
        ("grant.score_out_of_range", refused(&at(SCORED), supersede("reach", 6), ASSESSOR)),
        ("grant.micro_no_panel", meeting(&at(SCORED), panel(&[21], &[]), None)),
        ("grant.micro_no_panel", meeting(&at(SCORED), panel(&[], &[21]), None)),
        ("grant.panel_twice", meeting(&at(SCORED), panel(&[21, 22], &[22]), Some(1))),
        ("grant.panel_conflicted", meeting(&at_and(SCORED, declared(21)), panel(&[21, 22], &[]), Some(1))),
        ("grant.no_quorum", meeting(&at(SCORED), panel(&[21], &[22, 23]), Some(2))),
        ("grant.no_quorum", meeting(&at(SCORED), panel(&[], &[]), Some(1))),
    ]
}

fn refusals_of_deciding() -> Vec<(&'static str, Refused)> {
    let micro = |plan: Vec<PlannedInstalment>, limit, one_approver| {
        let ground = ApprovalGround { micro: true, ..with_limits(limit, one_approver) };
        let command = GrantCommand::Approve { instalments: plan, terms_version: words("2026-1"), ground };
        refused(&at(RECOMMENDED), command, APPROVER)
    };
    let at_once = || {
        let one = instalments().swap_remove(0);
        vec![PlannedInstalment { amount: gbp("2500"), ..one }]
    };
    let whole = |limit, one_approver| {
        let reserved = BTreeMap::from([(year(2026), gbp("2500").pounds())]);
        let ground = ApprovalGround { micro: true, reserved, ..with_limits(limit, one_approver) };
        let command =
            GrantCommand::Approve { instalments: at_once(), terms_version: words("2026-1"), ground };
        refused(&at(RECOMMENDED), command, APPROVER)
    };
    let issue_for = |at_least| {
        let offer = GrantCommand::IssueOffer { terms_hash: terms(), accept_by: date("2026-05-14"), at_least };
        refused(&at(APPROVED), offer, PROPOSER)
    };
    vec![
        ("grant.micro_one_instalment", micro(instalments(), "2500", "2500")),
        ("grant.exceeds_authority", whole("2499.99", "2500")),
        ("grant.exceeds_authority", whole("9000", "2499.99")),
        ("grant.exceeds_authority", refused(&halfway(), second("2499.99"), SECOND)),
        ("grant.first_approval_stands", refused(&halfway(), approve(), SECOND)),
        ("grant.no_first_approval", refused(&at(RECOMMENDED), second("2500"), SECOND)),
        ("grant.wrong_stage", refused(&at(APPROVED), second("2500"), SECOND)),
        ("grant.same_approver", refused(&halfway(), second("2500"), APPROVER)),
        ("grant.approver_proposed", refused(&halfway(), second("2500"), PROPOSER)),
        ("grant.approver_assessed", refused(&halfway(), second("2500"), ASSESSOR)),
        ("grant.conflicted", {
            let history = [halfway(), vec![declared(SECOND)]].concat();
            refused(&history, second("2500"), SECOND)
        }),
        ("grant.offer_too_short", issue_for(14)),
        ("grant.offer_not_lapsed", refused_on(&at(OFFERED), GrantCommand::LapseOffer, PROPOSER, ACCEPT_BY)),
        ("grant.wrong_stage", refused_on(&at(ACTIVE), GrantCommand::LapseOffer, PROPOSER, "2026-06-01")),
    ]
}

#[test]
fn up_to_both_limits_one_approver_is_enough_and_a_penny_above_either_is_not() {
    let asked = |limit, one_approver| {
        let (when, at) = (approve_under(with_limits(limit, one_approver)), by(APPROVER, TODAY));
        given::<Grant>(&at_stage()).0.decide(when, &at).unwrap().remove(0)
    };
    for (limit, one_approver, alone) in
        [("2500", "2500", true), ("2499.99", "9000", false), ("9000", "2499.99", false)]
    {
        let approved = matches!(asked(limit, one_approver), GrantEvent::Approved { first: None, .. });
        assert_eq!(approved, alone, "{limit} {one_approver}");
    }
}

fn at_stage() -> Vec<GrantEvent> {
    at(RECOMMENDED)
}

#[test]
fn a_first_approval_is_void_once_its_giver_may_not_decide_or_something_else_is_recommended() {
    let assigned = GrantEvent::AssessorAssigned { assessor: someone(APPROVER) };
    for after in [declared(APPROVER), recused(APPROVER), assigned, recommended(ANOTHER, "2000")] {
        let history = [halfway(), vec![after]].concat();
        assert!(!Grant::after(&history).awaits_second_approval());
        given::<Grant>(&history)
            .when(second("2500"), &by(SECOND, TODAY))
            .then_refused("grant.no_first_approval");
    }
    let history = [halfway(), vec![declared(ANOTHER)]].concat();
    given::<Grant>(&history).when(second("2500"), &by(SECOND, TODAY)).then_events(&[approved_by_two()]);
}

#[test]
fn whoever_sat_on_the_panel_or_proposed_the_award_does_not_approve_it() {
    let sat = GrantEvent::Recommended {
        proposer: someone(PROPOSER),
        amount: gbp("2500"),
        panel: panel(&[APPROVER, 22], &[23]),
    };
    let history = at_and(SCORED, sat);
    given::<Grant>(&history).when(approve(), &by(APPROVER, TODAY)).then_refused("grant.approver_proposed");
    given::<Grant>(&history).when(approve(), &by(SECOND, TODAY)).then_events(&[GrantEvent::Approved {
        approver: someone(SECOND),
        amount: gbp("2500"),
        authority: authority("2500"),
        first: None,
        instalments: instalments(),
        terms_version: words("2026-1"),
    }]);
    let later = [history, vec![declared(22)]].concat();
    given::<Grant>(&later).when(approve(), &by(SECOND, TODAY)).then_refused("grant.proposer_conflicted");
    let direct = [vec![proposed(APPROVER)], way().drain(..RECOMMENDED).collect()].concat();
    given::<Grant>(&direct).when(approve(), &by(APPROVER, TODAY)).then_refused("grant.approver_proposed");
}

#[test]
fn a_superseding_score_counts_and_can_be_superseded_again() {
    let history = [at(SCORED), vec![superseded()]].concat();
    let back = GrantEvent::ScoreSuperseded {
        assessor: someone(ASSESSOR),
        criterion: words("reach"),
        was: 5,
        score: 2,
        justification: words("Seen on a visit."),
    };
    given::<Grant>(&history).when(supersede("reach", 2), &by(ASSESSOR, TODAY)).then_events(&[back]);
}

#[test]
fn a_lapsed_offer_is_neither_accepted_nor_sent_again() {
    let history = at_and(OFFERED, GrantEvent::OfferLapsed { accept_by: date(ACCEPT_BY) });
    let grant = given::<Grant>(&history);
    assert_eq!(grant.0.status(), GrantStatus::Lapsed);
    grant.when(accept(terms()), &by(PARTNER, ACCEPT_BY)).then_refused("grant.wrong_stage");
    grant.when(issue("2026-07-31"), &by(PROPOSER, "2026-06-02")).then_refused("grant.wrong_stage");
}

#[test]
fn the_clock_counts_working_days_on_us_and_on_the_partner() {
    let mut clock = Clock::default();
    let mut facts = vec![
        (way().swap_remove(0), "2026-04-30"),
        (way().swap_remove(1), "2026-05-01"),
        (asked(), "2026-05-05"),
        (answered(), "2026-05-12"),
    ];
    for (fact, on) in &facts {
        clock.take(fact, date(on));
    }
    assert_eq!(clock.reading(date("2026-04-29"), 5), None, "before the application");
    // The bank holiday on 4 May does not count: 1 and 5 May on us, then five days on the partner.
    let stopped = clock.reading(date("2026-05-11"), 5).unwrap();
    assert_eq!((stopped.on_us, stopped.on_partner, stopped.due_on), (2, 4, None));
    let going = clock.reading(date("2026-05-15"), 5).unwrap();
    assert_eq!((going.on_us, going.on_partner, going.overdue, going.decided), (5, 5, false, false));
    assert_eq!(going.due_on, Some(date("2026-05-15")));
    assert!(clock.reading(date("2026-05-18"), 5).unwrap().overdue);
    facts.push((way().swap_remove(APPROVED - 1), "2026-05-19"));
    clock.take(&facts[4].0, date(facts[4].1));
    let decided = clock.reading(date("2026-12-31"), 7).unwrap();
    assert_eq!((decided.on_us, decided.on_partner), (7, 5));
    assert!(decided.decided && !decided.overdue && decided.due_on.is_none());
    assert_eq!(decided.on_us + decided.on_partner, working_days(date("2026-04-30"), date("2026-05-19")));
}

#[test]
fn a_fact_dated_before_what_was_known_does_not_turn_the_clock_back() {
    let mut clock = Clock::default();
    for (fact, on) in
        [(way().swap_remove(0), "2026-05-01"), (asked(), "2026-05-12"), (answered(), "2026-05-08")]
    {
        clock.take(&fact, date(on));
    }
    let reading = clock.reading(date("2026-05-13"), 20).unwrap();
    assert_eq!((reading.on_us, reading.on_partner), (7, 0));
}
