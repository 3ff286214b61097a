//! Given, when, then: grants.

mod deciding;
mod payments;
mod running;

use std::collections::BTreeMap;

use uuid::Uuid;

use payments::{
    confirm_in_run, in_its_place, in_run, paid_in_run, put_in_run, refusals_of_runs, reject_in_run,
    rejected_in_run, return_in_run, run_line,
};

use super::*;
use crate::domain::calendar::FinancialYear;
use crate::domain::evidence::Evidence;
use crate::domain::identity::{Actor, Reference, ReferenceKind, Role};
use crate::domain::{
    Refused, Story, all_hold, all_reached, by, date, gbp, given, never_fails, someone, words,
};

const PARTNER: u128 = 1;
const PROPOSER: u128 = 2;
const ASSESSOR: u128 = 3;
const APPROVER: u128 = 4;
const FINANCE: u128 = 5;
const PAYER: u128 = 6;
const ANOTHER: u128 = 7;

const TODAY: &str = "2026-05-01";
const ACCEPT_BY: &str = "2026-05-31";
const PAY_ON: &str = "2026-05-08";
const CHECKS_UNTIL: &str = "2026-05-20";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn year(begins: i32) -> FinancialYear {
    FinancialYear::beginning(begins).unwrap()
}

fn application() -> Application {
    Application {
        reference: Reference::new(ReferenceKind::Grant, 2026, 1),
        partner: id(10),
        programme: id(20),
        fund: id(30),
        title: words("Sunday lunches"),
        purpose: words("A hot lunch and company on Sundays for forty people who live alone."),
        requested: gbp("2500"),
        places: BTreeSet::from([Area::LiverpoolNorth]),
        starts_on: date("2026-06-01"),
        ends_on: date("2027-05-31"),
        needs: vec![NeedShare { need: id(40), percent: 60 }, NeedShare { need: id(41), percent: 40 }],
        delivery: vec![DeliveryShare { partner: id(11), amount: gbp("500") }],
        criteria_version: 1,
    }
}

fn codes(written: &[&str]) -> BTreeSet<Text<40>> {
    written.iter().map(|code| words(code)).collect()
}

fn results(answers: &[(&str, bool)]) -> Vec<CriterionResult> {
    answers.iter().map(|(code, met)| CriterionResult { criterion: words(code), met: *met }).collect()
}

fn scoring() -> BTreeSet<Text<40>> {
    codes(&["cost", "reach"])
}

fn scored(assessor: u128, criterion: &str) -> GrantEvent {
    GrantEvent::ScoreRecorded {
        assessor: someone(assessor),
        criterion: words(criterion),
        score: 4,
        justification: words("Clear and well costed."),
    }
}

/// £1,500.00 now, and £1,000.00 next year once the first report is in.
fn instalments() -> Vec<PlannedInstalment> {
    let report = Condition { id: id(51), title: words("The first report is in") };
    let one = |number, amount, due, begins, conditions| PlannedInstalment {
        id: id(number),
        amount: gbp(amount),
        due: date(due),
        year: year(begins),
        conditions,
    };
    vec![one(1, "1500", PAY_ON, 2026, vec![]), one(2, "1000", "2027-04-06", 2027, vec![report])]
}

fn authority(limit: &str) -> AuthorityUsed {
    AuthorityUsed { source: AuthoritySource::Delegation(id(60)), limit: gbp(limit) }
}

fn ground() -> ApprovalGround {
    let reserved = BTreeMap::from([(year(2026), gbp("1500").pounds()), (year(2027), gbp("1000").pounds())]);
    let (authority, one_approver) = (authority("2500"), gbp("2500"));
    ApprovalGround { reserved, authority, one_approver, micro: false, scoring: scoring() }
}

fn terms() -> Hash {
    Hash::of(b"the agreement, as sent")
}

fn evidence() -> Evidence {
    Evidence { title: words("First report"), sha256: Hash::of(b"report") }
}

fn recommended(proposer: u128, amount: &str) -> GrantEvent {
    GrantEvent::Recommended { proposer: someone(proposer), amount: gbp(amount), panel: Panel::default() }
}

fn declared(number: u128) -> GrantEvent {
    GrantEvent::ConflictDeclared { person: someone(number), nature: ConflictNature::TrusteeOrMember }
}

fn authorised_to(number: u128, amount: &str) -> GrantEvent {
    GrantEvent::InstalmentAuthorised {
        instalment: id(number),
        amount: gbp(amount),
        authorised_by: someone(FINANCE),
        pay_on: date(PAY_ON),
        checks_valid_until: Some(date(CHECKS_UNTIL)),
        bank_version: 1,
        run: None,
    }
}

/// The way of a grant, fact by fact; a stage is a first part of it.
fn way() -> Vec<GrantEvent> {
    let submitted =
        Grant::default().decide(GrantCommand::Submit(application()), &by(PARTNER, TODAY)).unwrap();
    let approved = GrantEvent::Approved {
        approver: someone(APPROVER),
        amount: gbp("2500"),
        authority: authority("2500"),
        first: None,
        instalments: instalments(),
        terms_version: words("2026-1"),
    };
    submitted
        .into_iter()
        .chain([
            GrantEvent::EligibilityConfirmed { results: results(&[("local", true), ("open", true)]) },
            GrantEvent::AssessorAssigned { assessor: someone(ASSESSOR) },
            scored(ASSESSOR, "reach"),
            scored(ASSESSOR, "cost"),
            recommended(PROPOSER, "2500"),
            approved,
            GrantEvent::OfferIssued { terms_hash: terms(), accept_by: date(ACCEPT_BY) },
            GrantEvent::OfferAccepted {
                terms_hash: terms(),
                signatory: someone(PARTNER),
                signatory_role: SignatoryRole::Chair,
            },
            authorised_to(1, "1500"),
            GrantEvent::PaymentConfirmed {
                instalment: id(1),
                amount: gbp("1500"),
                value_date: date(PAY_ON),
                run: None,
                line: None,
            },
            GrantEvent::ConditionMet { condition: id(51), evidence: evidence() },
        ])
        .collect()
}

/// How many facts of the way lead to each stage.
const SUBMITTED: usize = 1;
const ELIGIBLE: usize = 2;
const ASSESSING: usize = 3;
const SCORED: usize = 5;
const RECOMMENDED: usize = 6;
const APPROVED: usize = 7;
const OFFERED: usize = 8;
const ACTIVE: usize = 9;
const AUTHORISED: usize = 10;
const PAID: usize = 11;

fn at(stage: usize) -> Vec<GrantEvent> {
    way().drain(..stage).collect()
}

fn at_and(stage: usize, more: GrantEvent) -> Vec<GrantEvent> {
    way().drain(..stage).chain([more]).collect()
}

fn judging(answers: &[(&str, bool)]) -> GrantCommand {
    GrantCommand::JudgeEligibility { results: results(answers), criteria: codes(&["local", "open"]) }
}

fn score(criterion: &str, score: u8) -> GrantCommand {
    GrantCommand::RecordScore {
        criterion: words(criterion),
        score,
        justification: words("Clear and well costed."),
        criteria: scoring(),
    }
}

fn recommend(amount: &str) -> GrantCommand {
    let (panel, quorum) = (Panel::default(), Some(0));
    GrantCommand::Recommend { amount: gbp(amount), scoring: scoring(), panel, quorum }
}

fn approve_with(change: impl FnOnce(&mut Vec<PlannedInstalment>, &mut ApprovalGround)) -> GrantCommand {
    let (mut instalments, mut ground) = (instalments(), ground());
    change(&mut instalments, &mut ground);
    GrantCommand::Approve { instalments, terms_version: words("2026-1"), ground }
}

fn approve() -> GrantCommand {
    approve_with(|_, _| ())
}

fn issue(accept_by: &str) -> GrantCommand {
    GrantCommand::IssueOffer { terms_hash: terms(), accept_by: date(accept_by), at_least: 0 }
}

fn accept(terms_hash: Hash) -> GrantCommand {
    GrantCommand::AcceptOffer { terms_hash, signatory_role: SignatoryRole::Chair }
}

fn decline() -> GrantCommand {
    GrantCommand::Decline { feedback: words("Others reached more people for less.") }
}

fn assign(number: u128) -> GrantCommand {
    GrantCommand::AssignAssessor { assessor: someone(number), only_one: false }
}

fn meet(condition: u128) -> GrantCommand {
    GrantCommand::MeetCondition { condition: id(condition), evidence: evidence() }
}

fn authorise(number: u128, pay_on: &str) -> GrantCommand {
    GrantCommand::AuthoriseInstalment {
        instalment: id(number),
        pay_on: date(pay_on),
        checks_valid_until: Some(date(CHECKS_UNTIL)),
        bank_version: 1,
    }
}

fn pay(number: u128, amount: &str, value_date: &str) -> GrantCommand {
    GrantCommand::ConfirmPayment { instalment: id(number), amount: gbp(amount), value_date: date(value_date) }
}

fn declare(number: u128) -> GrantCommand {
    GrantCommand::DeclareConflict { person: someone(number), nature: ConflictNature::TrusteeOrMember }
}

/// Each step of the way, and what can happen beside it.
#[expect(clippy::too_many_lines, reason = "a list: one story for each command")]
fn stories() -> Vec<Story<Grant>> {
    let step = |stage: usize, when, actor, on| Story {
        given: at(stage),
        when,
        at: by(actor, on),
        then: vec![way().swap_remove(stage)],
    };
    let beside = |stage, when, actor, then| {
        let (given, at, then) = (at(stage), by(actor, TODAY), vec![then]);
        Story { given, when, at, then }
    };
    let unmet = results(&[("local", true), ("open", false)]);
    let declined = GrantEvent::Declined { feedback: words("Others reached more people for less.") };
    let mut all = vec![
        step(0, GrantCommand::Submit(application()), PARTNER, TODAY),
        step(SUBMITTED, judging(&[("local", true), ("open", true)]), PROPOSER, TODAY),
        step(ELIGIBLE, assign(ASSESSOR), PROPOSER, TODAY),
        step(ASSESSING, score("reach", 4), ASSESSOR, TODAY),
        step(ASSESSING + 1, score("cost", 4), ASSESSOR, TODAY),
        step(SCORED, recommend("2500"), PROPOSER, TODAY),
        step(RECOMMENDED, approve(), APPROVER, TODAY),
        step(APPROVED, issue(ACCEPT_BY), PROPOSER, TODAY),
        step(OFFERED, accept(terms()), PARTNER, ACCEPT_BY),
        step(ACTIVE, authorise(1, PAY_ON), FINANCE, TODAY),
        step(AUTHORISED, pay(1, "1500", PAY_ON), PAYER, PAY_ON),
        step(PAID, meet(51), PROPOSER, TODAY),
        beside(SUBMITTED, judging(&[("open", false), ("local", true)]), PROPOSER, {
            GrantEvent::EligibilityRefused { results: unmet.into_iter().rev().collect() }
        }),
        beside(ACTIVE, declare(FINANCE), FINANCE, declared(FINANCE)),
        Story { given: at(AUTHORISED), when: put_in_run(1), at: by(PAYER, TODAY), then: vec![in_run()] },
        Story {
            given: at_and(AUTHORISED, in_run()),
            when: GrantCommand::TakeFromRun { line: run_line(1), cause: RunExit::Voided },
            at: by(PAYER, TODAY),
            then: vec![GrantEvent::InstalmentTakenFromRun {
                instalment: id(1),
                run: id(70),
                line: 1,
                cause: RunExit::Voided,
            }],
        },
        Story {
            given: at_and(AUTHORISED, in_run()),
            when: confirm_in_run("1500", PAY_ON),
            at: by(PAYER, PAY_ON),
            then: vec![paid_in_run()],
        },
        Story {
            given: at_and(AUTHORISED, in_run()),
            when: reject_in_run(3),
            at: by(PAYER, PAY_ON),
            then: vec![rejected_in_run()],
        },
        Story {
            given: [at(AUTHORISED), vec![in_run(), paid_in_run()]].concat(),
            when: return_in_run(PAY_ON, 3),
            at: by(PAYER, PAY_ON),
            then: vec![GrantEvent::PaymentReturned {
                instalment: id(1),
                run: Some(id(70)),
                line: Some(1),
                amount: gbp("1500"),
                value_date: date(PAY_ON),
                bank_code: words("AC04"),
                replacement: in_its_place(),
            }],
        },
        beside(SUBMITTED, decline(), APPROVER, declined.clone()),
        beside(RECOMMENDED, decline(), APPROVER, declined),
        beside(RECOMMENDED, GrantCommand::Withdraw, PARTNER, GrantEvent::ApplicationWithdrawn {}),
        beside(OFFERED, GrantCommand::DeclineOffer, PARTNER, GrantEvent::OfferDeclined {}),
    ];
    all.extend(deciding::stories());
    all.extend(running::stories());
    all
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

fn refused_on(history: &[GrantEvent], command: GrantCommand, actor: u128, on: &str) -> Refused {
    given::<Grant>(history).when(command, &by(actor, on)).refused()
}

fn refused(history: &[GrantEvent], command: GrantCommand, actor: u128) -> Refused {
    refused_on(history, command, actor, TODAY)
}

fn refusals_of_applying() -> Vec<(&'static str, Refused)> {
    let submitting = |change: fn(&mut Application)| {
        let mut changed = application();
        change(&mut changed);
        refused(&[], GrantCommand::Submit(changed), PARTNER)
    };
    let to_lead = DeliveryShare { partner: id(10), amount: gbp("1") };
    let judged = |answers| refused(&at(SUBMITTED), judging(answers), PROPOSER);
    vec![
        ("grant.unknown", refused(&[], GrantCommand::Withdraw, PARTNER)),
        ("grant.unknown", refused(&[], approve(), APPROVER)),
        ("grant.unknown", refused(&[], declare(ASSESSOR), ASSESSOR)),
        ("grant.already_submitted", refused(&at(SUBMITTED), GrantCommand::Submit(application()), PARTNER)),
        ("grant.no_place", submitting(|one| one.places.clear())),
        ("grant.dates_reversed", submitting(|one| one.ends_on = date("2026-05-31"))),
        ("grant.delivery_exceeds_request", submitting(|one| one.delivery[0].amount = gbp("2500.01"))),
        ("grant.delivery_partner_twice", submitting(|one| one.delivery.push(one.delivery[0]))),
        ("grant.delivery_partner_twice", {
            let delivery = vec![to_lead];
            refused(&[], GrantCommand::Submit(Application { delivery, ..application() }), PARTNER)
        }),
        ("grant.need_shares", submitting(|one| one.needs[0].percent = 59)),
        ("grant.need_shares", submitting(|one| one.needs[0].percent = 61)),
        (
            "grant.need_shares",
            submitting(|one| {
                let need = one.needs[0].need;
                one.needs.push(NeedShare { need, percent: 0 });
            }),
        ),
        ("grant.wrong_stage", refused(&at(OFFERED), decline(), APPROVER)),
        ("grant.wrong_stage", refused(&at(APPROVED), GrantCommand::Withdraw, PARTNER)),
        ("grant.wrong_stage", refused(&at(ACTIVE), GrantCommand::DeclineOffer, PARTNER)),
        ("grant.wrong_stage", refused(&at(OFFERED), authorise(1, PAY_ON), FINANCE)),
        ("grant.wrong_stage", refused(&at(APPROVED), recommend("1"), PROPOSER)),
        ("grant.criteria_unanswered", judged(&[("local", true)])),
        ("grant.criteria_unanswered", judged(&[("local", true), ("open", true), ("odd", true)])),
        ("grant.criteria_unanswered", judged(&[("local", true), ("open", true), ("open", false)])),
    ]
}

fn refusals_of_assessing() -> Vec<(&'static str, Refused)> {
    let conflicted = at_and(ASSESSING, declared(ANOTHER));
    let after_conflict = at_and(RECOMMENDED, declared(ASSESSOR));
    vec![
        ("grant.conflict_already_declared", refused(&conflicted, declare(ANOTHER), PROPOSER)),
        ("grant.already_assigned", refused(&at(ASSESSING), assign(ASSESSOR), PROPOSER)),
        ("grant.assessor_conflicted", refused(&conflicted, assign(ANOTHER), PROPOSER)),
        ("grant.not_assessor", refused(&at(ASSESSING), score("reach", 4), ANOTHER)),
        ("grant.criterion_unknown", refused(&at(ASSESSING), score("beauty", 4), ASSESSOR)),
        ("grant.score_out_of_range", refused(&at(ASSESSING), score("reach", 0), ASSESSOR)),
        ("grant.score_out_of_range", refused(&at(ASSESSING), score("reach", 6), ASSESSOR)),
        ("grant.already_scored", refused(&at(SCORED), score("reach", 5), ASSESSOR)),
        ("grant.not_fully_scored", refused(&at(SCORED - 1), recommend("2500"), PROPOSER)),
        ("grant.not_fully_scored", refused(&after_conflict, approve(), APPROVER)),
        ("grant.exceeds_request", refused(&at(SCORED), recommend("2500.01"), PROPOSER)),
    ]
}

fn refusals_of_approving() -> Vec<(&'static str, Refused)> {
    let approving = |change: fn(&mut Vec<PlannedInstalment>, &mut ApprovalGround)| {
        refused(&at(RECOMMENDED), approve_with(change), APPROVER)
    };
    vec![
        ("grant.approver_proposed", refused(&at(RECOMMENDED), approve(), PROPOSER)),
        ("grant.proposer_conflicted", refused(&at_and(RECOMMENDED, declared(PROPOSER)), approve(), APPROVER)),
        ("grant.approver_assessed", refused(&at(RECOMMENDED), approve(), ASSESSOR)),
        ("grant.no_instalments", approving(|plan, _| plan.clear())),
        ("grant.instalment_twice", approving(|plan, _| plan[1].id = plan[0].id)),
        ("grant.instalments_do_not_add_up", approving(|plan, _| plan[0].amount = gbp("1499.99"))),
        ("grant.instalments_do_not_add_up", approving(|plan, _| plan[1].amount = gbp("1000.01"))),
        ("grant.instalments_not_as_reserved", approving(|plan, _| plan[1].year = plan[0].year)),
        ("grant.instalments_not_as_reserved", approving(|_, ground| ground.reserved.clear())),
        ("grant.offer_past", refused(&at(APPROVED), issue("2026-04-30"), PROPOSER)),
        ("grant.terms_differ", refused(&at(OFFERED), accept(Hash::of(b"another")), PARTNER)),
        ("grant.offer_lapsed", refused_on(&at(OFFERED), accept(terms()), PARTNER, "2026-06-01")),
    ]
}

fn refusals_of_paying() -> Vec<(&'static str, Refused)> {
    let paying = |command, on| refused_on(&at(AUTHORISED), command, PAYER, on);
    let again = || pay(1, "1500", PAY_ON);
    vec![
        ("grant.condition_unknown", refused(&at(ACTIVE), meet(52), PROPOSER)),
        ("grant.condition_already_met", refused(&way(), meet(51), PROPOSER)),
        ("grant.instalment_unknown", refused(&at(ACTIVE), authorise(3, PAY_ON), FINANCE)),
        ("grant.instalment_unknown", paying(pay(3, "1", PAY_ON), PAY_ON)),
        ("grant.instalment_already_authorised", refused(&at(AUTHORISED), authorise(1, PAY_ON), FINANCE)),
        ("grant.instalment_already_authorised", refused(&at(PAID), authorise(1, PAY_ON), FINANCE)),
        ("grant.conditions_not_met", refused(&at(ACTIVE), authorise(2, PAY_ON), FINANCE)),
        ("grant.pay_date_past", refused(&at(ACTIVE), authorise(1, "2026-04-30"), FINANCE)),
        ("grant.instalment_not_authorised", refused_on(&at(ACTIVE), again(), PAYER, PAY_ON)),
        ("grant.instalment_not_authorised", refused_on(&at(PAID), again(), PAYER, PAY_ON)),
        ("grant.payment_differs", paying(pay(1, "1499.99", PAY_ON), PAY_ON)),
        ("grant.payment_differs", paying(pay(1, "1500.01", PAY_ON), PAY_ON)),
        ("grant.payer_authorised", refused_on(&at(AUTHORISED), again(), FINANCE, PAY_ON)),
        ("grant.paid_in_future", paying(pay(1, "1500", "2026-05-09"), PAY_ON)),
        ("grant.paid_before_authorised", paying(pay(1, "1500", "2026-05-07"), PAY_ON)),
        ("grant.checks_run_out", paying(pay(1, "1500", "2026-05-21"), "2026-05-21")),
        ("grant.conflicted", refused_on(&at_and(AUTHORISED, declared(PAYER)), again(), PAYER, PAY_ON)),
    ]
}

#[test]
fn every_refusal_is_reached() {
    let reached = [
        refusals_of_applying(),
        refusals_of_assessing(),
        refusals_of_approving(),
        refusals_of_paying(),
        deciding::refusals(),
        running::refusals(),
        refusals_of_runs(),
    ]
    .concat();
    all_reached(GrantRefusal::CODES, &reached);
}

#[test]
fn whoever_has_an_interest_judges_nothing_in_any_role() {
    for story in stories() {
        let judges = story.when.judges();
        let mut given_conflict = story.given.clone();
        given_conflict.push(GrantEvent::ConflictDeclared {
            person: story.at.actor.person,
            nature: ConflictNature::Financial,
        });
        for role in Role::ALL {
            let at = Circumstances { actor: Actor { role, ..story.at.actor }, ..story.at.clone() };
            let answer = given::<Grant>(&given_conflict).when(story.when.clone(), &at);
            if judges {
                answer.then_refused("grant.conflicted");
            }
        }
    }
}

#[test]
fn a_partner_with_an_interest_on_record_still_acts_for_itself() {
    let history = at_and(OFFERED, declared(PARTNER));
    given::<Grant>(&history).when(accept(terms()), &by(PARTNER, TODAY)).then_events(&way()[OFFERED..ACTIVE]);
}

#[test]
fn scores_of_somebody_with_an_interest_are_replaced_before_the_approval() {
    let mut history = at_and(RECOMMENDED, declared(ASSESSOR));
    let told = refused(&history, approve(), APPROVER).sentence;
    assert!(told.contains("cost and reach"), "{told}");
    let assigned = GrantEvent::AssessorAssigned { assessor: someone(ANOTHER) };
    given::<Grant>(&history)
        .when(assign(ANOTHER), &by(PROPOSER, TODAY))
        .then_events(std::slice::from_ref(&assigned));
    history.push(assigned);
    given::<Grant>(&history)
        .when(score("cost", 4), &by(ANOTHER, TODAY))
        .then_events(&[scored(ANOTHER, "cost")]);
    history.extend([scored(ANOTHER, "cost"), scored(ANOTHER, "reach")]);
    given::<Grant>(&history).when(approve(), &by(APPROVER, TODAY)).then_events(&way()[RECOMMENDED..APPROVED]);
}

#[test]
fn instalments_a_penny_off_are_told_to_the_penny() {
    let told = refused(&at(RECOMMENDED), approve_with(|plan, _| plan[0].amount = gbp("1499.99")), APPROVER);
    assert_eq!(told.sentence, "The instalments come to £2,499.99; they must come to the £2,500.00 awarded.");
}

#[test]
fn another_amount_is_recommended_before_the_approval_and_that_one_counts() {
    let history = at_and(RECOMMENDED, recommended(ANOTHER, "2000"));
    given::<Grant>(&history)
        .when(approve(), &by(APPROVER, TODAY))
        .then_refused("grant.instalments_do_not_add_up");
    given::<Grant>(&history).when(approve(), &by(ANOTHER, TODAY)).then_refused("grant.approver_proposed");
}

#[test]
fn a_lapsed_offer_is_sent_again_and_a_live_one_is_not() {
    let again = issue("2026-06-30");
    let offered = GrantEvent::OfferIssued { terms_hash: terms(), accept_by: date("2026-06-30") };
    let grant = given::<Grant>(&at(OFFERED));
    grant.when(again.clone(), &by(PROPOSER, ACCEPT_BY)).then_refused("grant.wrong_stage");
    grant.when(again, &by(PROPOSER, "2026-06-01")).then_events(std::slice::from_ref(&offered));
    given::<Grant>(&at_and(OFFERED, offered))
        .when(accept(terms()), &by(PARTNER, "2026-06-30"))
        .then_events(&way()[OFFERED..ACTIVE]);
}

#[test]
fn an_answer_given_twice_is_named() {
    let told = refused(&at(SUBMITTED), judging(&[("local", true), ("open", true), ("open", true)]), PROPOSER);
    assert_eq!(told.sentence, "Every criterion must be answered once. Look at: open.");
}

#[test]
fn a_payment_may_be_dated_on_the_last_day_of_the_checks() {
    let history = at(AUTHORISED);
    let paid = GrantEvent::PaymentConfirmed {
        instalment: id(1),
        amount: gbp("1500"),
        value_date: date(CHECKS_UNTIL),
        run: None,
        line: None,
    };
    given::<Grant>(&history)
        .when(pay(1, "1500", CHECKS_UNTIL), &by(PAYER, CHECKS_UNTIL))
        .then_events(&[paid]);
}

#[test]
fn the_case_and_the_plan_are_read_back() {
    assert_eq!(Grant::default().case().map(drop), Err(GrantRefusal::Unknown));
    let grant = Grant::after(&way());
    assert_eq!(grant.status(), GrantStatus::Active);
    assert_eq!(grant.case().unwrap().requested, gbp("2500"));
    assert_eq!(grant.planned(id(2)), Ok(&instalments()[1]));
    assert_eq!(grant.planned(id(3)), Err(GrantRefusal::InstalmentUnknown));
}
