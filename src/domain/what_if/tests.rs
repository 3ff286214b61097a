//! Given a history, under another rule: what would have gone otherwise, at the limit, a penny above, and on the day after.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::domain::calendar::FinancialYear;
use crate::domain::delegation::Scope;
use crate::domain::evidence::VaultRef;
use crate::domain::grant::{
    AuthoritySource, AuthorityUsed, Change, ConflictNature, FirstApproval, Panel, PlannedInstalment,
};
use crate::domain::identity::{FundId, Hash, ReferenceKind, VariationId};
use crate::domain::partner::PartnerEvent;
use crate::domain::programme::{Limits, Route};
use crate::domain::{date, gbp, someone, words};

const FUND: FundId = FundId(Uuid::from_u128(1));
const PARTNER: PartnerId = PartnerId(Uuid::from_u128(2));
const SMALL: ProgrammeId = ProgrammeId(Uuid::from_u128(3));
const MICRO: ProgrammeId = ProgrammeId(Uuid::from_u128(4));
const RUN: RunId = RunId(Uuid::from_u128(5));

const PROPOSER: u128 = 10;
const OLU: u128 = 11;
const NADIA: u128 = 12;

fn grant(number: u32) -> GrantId {
    GrantId(Uuid::from_u128(0x1000 + u128::from(number)))
}

fn instalment(number: u32) -> InstalmentId {
    InstalmentId(Uuid::from_u128(0x2000 + u128::from(number)))
}

fn delegation(number: u128) -> DelegationId {
    DelegationId(Uuid::from_u128(0x3000 + number))
}

fn under(limit: &str, by: u128) -> AuthorityUsed {
    AuthorityUsed { source: AuthoritySource::Delegation(delegation(by)), limit: gbp(limit) }
}

/// A record as it came about.
#[derive(Default)]
struct Told(Vec<(Uuid, Date, Fact)>);

impl Told {
    /// A programme of each track, where one approver awards £5,000.00 alone; Olu reaches to £10,000.00, Nadia further.
    fn new() -> Self {
        let mut told = Self::default();
        told.programme(SMALL, Track::Small);
        told.programme(MICRO, Track::Micro);
        told.authority(OLU, "10000");
        told.authority(NADIA, "25000");
        told
    }

    fn tell(&mut self, stream: impl Into<Uuid>, on: &str, event: impl Into<Fact>) -> i64 {
        self.0.push((stream.into(), date(on), event.into()));
        i64::try_from(self.0.len()).unwrap() - 1
    }

    fn programme(&mut self, id: ProgrammeId, track: Track) {
        let (least, most, one_approver) = (gbp("100"), gbp("50000"), gbp("5000"));
        let event = ProgrammeEvent::Opened {
            reference: Reference::new(ReferenceKind::Programme, 2026, 1),
            name: words("Side by side"),
            fund: FUND,
            purpose: words("Belonging"),
            track,
            route: Route::OpenCall,
            limits: Limits { least, most, one_approver, reservation_days: 60, target_working_days: 20 },
            opens_on: date("2026-01-01"),
            closes_on: date("2026-12-31"),
            priorities: Vec::new(),
            required_checks: BTreeSet::from([words("public_liability")]),
            eligibility: Vec::new(),
            scoring: Vec::new(),
        };
        self.tell(id, "2026-01-01", event);
    }

    fn authority(&mut self, to: u128, limit: &str) -> i64 {
        let event = DelegationEvent::Granted {
            person: someone(to),
            scope: Scope::Everything,
            limit: gbp(limit),
            from: date("2026-01-01"),
            to: date("2026-12-31"),
        };
        self.tell(delegation(to), "2026-01-01", event)
    }

    fn recommended(&mut self, number: u32, programme: ProgrammeId, amount: &str) {
        let applied = GrantEvent::ApplicationSubmitted {
            reference: Reference::new(ReferenceKind::Grant, 2026, number),
            partner: PARTNER,
            programme,
            fund: FUND,
            title: words("Sunday lunches"),
            purpose: words("A hot lunch and company."),
            requested: gbp(amount),
            places: BTreeSet::new(),
            starts_on: date("2026-06-01"),
            ends_on: date("2026-12-31"),
            needs: Vec::new(),
            delivery: Vec::new(),
            criteria_version: 1,
        };
        self.tell(grant(number), "2026-03-02", applied);
        self.tell(grant(number), "2026-03-02", GrantEvent::EligibilityConfirmed { results: Vec::new() });
        let recommended = GrantEvent::Recommended {
            proposer: someone(PROPOSER),
            amount: gbp(amount),
            panel: Panel::default(),
        };
        self.tell(grant(number), "2026-03-02", recommended);
    }

    fn first(&mut self, number: u32, (by, limit): (u128, &str), amount: &str) -> i64 {
        let event = GrantEvent::FirstApprovalGiven {
            approver: someone(by),
            amount: gbp(amount),
            authority: under(limit, by),
            instalments: Vec::new(),
            terms_version: words("1"),
        };
        self.tell(grant(number), "2026-03-12", event)
    }

    fn approved(
        &mut self,
        number: u32,
        on: &str,
        (by, authority): (u128, AuthorityUsed),
        amount: &str,
        first: Option<FirstApproval>,
    ) -> i64 {
        let one = PlannedInstalment {
            id: instalment(number),
            amount: gbp(amount),
            due: date("2026-06-01"),
            year: FinancialYear::of(date("2026-06-01")),
            conditions: Vec::new(),
        };
        let event = GrantEvent::Approved {
            approver: someone(by),
            amount: gbp(amount),
            authority,
            first,
            instalments: vec![one],
            terms_version: words("1"),
        };
        self.tell(grant(number), on, event)
    }

    /// A grant from the application on 2 March, approved by Olu alone on a day.
    fn by_olu(&mut self, number: u32, programme: ProgrammeId, amount: &str, on: &str) -> i64 {
        self.recommended(number, programme, amount);
        self.approved(number, on, (OLU, under("10000", OLU)), amount, None)
    }

    /// A grant that Olu signed first and Nadia second.
    fn by_both(&mut self, number: u32, amount: &str) -> i64 {
        self.recommended(number, SMALL, amount);
        self.first(number, (OLU, "10000"), amount);
        let first = FirstApproval { approver: someone(OLU), authority: under("10000", OLU) };
        self.approved(number, "2026-03-16", (NADIA, under("25000", NADIA)), amount, Some(first))
    }

    /// A check that is asked for and passed on a day.
    fn passed(&mut self, check: CheckKind, on: &str, valid_until: Option<&str>) -> i64 {
        self.tell(PARTNER, on, PartnerEvent::CheckRequired { check });
        self.tell(PARTNER, on, PartnerEvent::CheckPassed { check, valid_until: valid_until.map(date) })
    }

    fn authorised(&mut self, number: u32, on: &str, pay_on: &str) -> i64 {
        let event = GrantEvent::InstalmentAuthorised {
            instalment: instalment(number),
            amount: gbp("900"),
            authorised_by: someone(PROPOSER),
            pay_on: date(pay_on),
            checks_valid_until: None,
            bank_version: 1,
            run: None,
        };
        self.tell(grant(number), on, event)
    }

    fn paid(&mut self, number: u32, on: &str) -> i64 {
        let event = GrantEvent::PaymentConfirmed {
            instalment: instalment(number),
            amount: gbp("900"),
            value_date: date(on),
            run: None,
            line: None,
        };
        self.tell(grant(number), on, event)
    }

    fn under(&self, rules: WhatIfRules) -> Outcome {
        let mut replay = Replay::new(rules.checked().unwrap());
        for ((stream, on, fact), index) in self.0.iter().zip(0..) {
            replay.take(index, *stream, *on, fact);
        }
        replay.outcome()
    }

    /// The one effect there is.
    #[track_caller]
    fn effect(&self, rules: WhatIfRules) -> Effect {
        let outcome = self.under(rules);
        assert_eq!(outcome.effects.len(), 1, "{:?}", outcome.effects);
        outcome.effects[0].clone()
    }

    #[track_caller]
    fn nothing(&self, rules: WhatIfRules) {
        let outcome = self.under(rules);
        assert_eq!((outcome.effects, outcome.unchanged), (Vec::new(), outcome.grants));
    }
}

fn micro(limit: &str) -> WhatIfRules {
    WhatIfRules { micro_limit: Some(gbp(limit)), ..WhatIfRules::default() }
}

fn reaching(limit: &str) -> WhatIfRules {
    WhatIfRules { delegation_limit: Some(gbp(limit)), ..WhatIfRules::default() }
}

fn alone(limit: &str) -> WhatIfRules {
    WhatIfRules { one_approver: Some(gbp(limit)), ..WhatIfRules::default() }
}

fn months(months: u32) -> WhatIfRules {
    WhatIfRules { check_months: Some(months), ..WhatIfRules::default() }
}

#[track_caller]
fn says(effect: &Effect, kind: EffectKind, parts: &[&str]) {
    assert_eq!(effect.kind, kind, "{}", effect.why);
    for part in parts {
        assert!(effect.why.contains(part), "{part}: {}", effect.why);
    }
}

#[test]
fn up_to_the_micro_limit_it_would_have_been_faster_by_what_micro_grants_took() {
    let mut told = Told::new();
    told.by_olu(1, SMALL, "3000", "2026-03-16");
    told.by_olu(2, MICRO, "500", "2026-03-05");
    let effect = told.effect(micro("3000"));
    says(&effect, EffectKind::Faster, &["£3,000.00", "took 10 working days", "3 working days: faster by 7"]);
    assert_eq!((effect.reference.as_str(), effect.decided_on), ("G-2026-0001", date("2026-03-16")));
    // The programme, the application, its decision, and the decision on the micro track.
    assert_eq!(effect.relied_on, [0, 4, 7, 11]);
    told.nothing(micro("2999.99"));
    // Of two, the median lies between them.
    told.by_olu(3, MICRO, "500", "2026-03-06");
    says(
        &told.effect(micro("3000")),
        EffectKind::Faster,
        &["median of 2 decisions", "3.5 working days: faster by 6.5"],
    );
    assert_eq!(told.under(micro("3000")).unchanged, 2);
}

#[test]
fn without_micro_grants_nobody_can_say_by_how_much() {
    let mut told = Told::new();
    told.by_olu(1, SMALL, "3000", "2026-03-16");
    let effect = told.effect(micro("5000"));
    says(&effect, EffectKind::Faster, &["is unknown", "10 working days"]);
    assert!(!effect.why.contains("faster by"), "no figure is invented: {}", effect.why);
}

#[test]
fn what_was_as_fast_as_the_micro_track_would_not_have_been_faster() {
    let mut told = Told::new();
    told.by_olu(1, SMALL, "3000", "2026-03-05");
    told.by_olu(2, MICRO, "500", "2026-03-05");
    told.nothing(micro("5000"));
}

#[test]
fn time_on_the_partner_is_no_time_on_us() {
    let mut told = Told::new();
    told.recommended(1, SMALL, "3000");
    let asked = GrantEvent::MoreInformationRequested { what: words("Two quotes"), by: date("2026-03-10") };
    told.tell(grant(1), "2026-03-03", asked);
    told.tell(grant(1), "2026-03-13", GrantEvent::InformationSupplied { answer: words("Here they are") });
    told.approved(1, "2026-03-16", (OLU, under("10000", OLU)), "3000", None);
    told.by_olu(2, MICRO, "500", "2026-03-03");
    says(
        &told.effect(micro("3000")),
        EffectKind::Faster,
        &["took 2 working days", "faster by 1 working day."],
    );
}

#[test]
fn above_what_one_may_award_a_second_signature_is_needed() {
    let mut told = Told::new();
    told.by_olu(1, SMALL, "4000", "2026-03-16");
    told.nothing(alone("4000"));
    let effect = told.effect(alone("3999.99"));
    says(&effect, EffectKind::SecondSignature, &["£4,000.00", "up to £3,999.99 alone", "One other person"]);
    // The programme, both authorities, and the approval.
    assert_eq!(effect.relied_on, [0, 2, 3, 7]);
}

#[test]
fn where_nobody_else_could_sign_it_would_have_been_blocked() {
    let mut told = Told::default();
    told.programme(SMALL, Track::Small);
    told.authority(OLU, "10000");
    told.by_olu(1, SMALL, "4000", "2026-03-16");
    says(&told.effect(alone("3999.99")), EffectKind::Blocked, &["Nobody else", "16 March 2026"]);

    // Somebody with an interest is nobody who could sign; nor is one whose authority was taken back.
    let mut told = Told::new();
    told.recommended(1, SMALL, "4000");
    let nature = ConflictNature::FamilyOrFriend;
    told.tell(grant(1), "2026-03-03", GrantEvent::ConflictDeclared { person: someone(NADIA), nature });
    told.approved(1, "2026-03-16", (OLU, under("10000", OLU)), "4000", None);
    told.by_olu(2, SMALL, "4000", "2026-03-16");
    told.tell(delegation(NADIA), "2026-03-17", DelegationEvent::Revoked {});
    told.by_olu(3, SMALL, "4000", "2026-03-18");
    let effects = told.under(alone("1000")).effects;
    let kinds: Vec<EffectKind> = effects.iter().map(|effect| effect.kind).collect();
    assert_eq!(kinds, [EffectKind::Blocked, EffectKind::SecondSignature, EffectKind::Blocked]);
}

#[test]
fn with_a_higher_limit_one_signature_would_have_been_enough() {
    let mut told = Told::new();
    told.by_both(1, "8000");
    told.nothing(alone("7999.99"));
    let effect = told.effect(alone("8000"));
    says(
        &effect,
        EffectKind::NoSecondSignature,
        &["£8,000.00 needed two signatures", "up to £8,000.00 alone"],
    );
    // The first approver’s own authority is the bound, whatever the programme allows.
    let mut told = Told::new();
    told.by_both(1, "12000");
    told.nothing(alone("20000"));
    told.nothing(reaching("30000"));
    let both = WhatIfRules { one_approver: Some(gbp("12000")), ..reaching("12000") };
    says(&told.effect(both), EffectKind::NoSecondSignature, &["£12,000.00"]);
}

#[test]
fn a_second_signature_that_was_never_given_would_not_have_been_waited_for() {
    let mut told = Told::new();
    told.recommended(1, SMALL, "8000");
    let index = told.first(1, (OLU, "10000"), "8000");
    let effect = told.effect(alone("9000"));
    says(&effect, EffectKind::NoSecondSignature, &["had not been given"]);
    assert_eq!((effect.decided_on, effect.relied_on), (date("2026-03-12"), vec![0, index]));
    told.nothing(alone("1000"));
    told.nothing(reaching("1000"));
}

#[test]
fn what_no_delegation_reaches_is_blocked() {
    let mut told = Told::new();
    told.by_both(1, "8000");
    told.nothing(reaching("8000"));
    says(
        &told.effect(reaching("7999.99")),
        EffectKind::Blocked,
        &["£8,000.00 was awarded", "alone or as the second"],
    );
    let index = i64::try_from(told.0.len()).unwrap();
    let change = Change::Purpose { from: words("Lunches"), to: words("Suppers") };
    let varied = GrantEvent::VariationApproved {
        variation: VariationId(Uuid::from_u128(9)),
        approver: someone(NADIA),
        authority: under("25000", NADIA),
        first: None,
        total: gbp("8500"),
        change,
    };
    told.tell(grant(1), "2026-07-01", varied);
    told.nothing(reaching("8500"));
    let effect = told.effect(reaching("8499.99"));
    says(&effect, EffectKind::Blocked, &["A change that brings the award to £8,500.00"]);
    assert_eq!(effect.relied_on, [index]);
}

#[test]
fn an_authority_in_words_is_replayed_without_guessing_who_else_had_one() {
    let mut told = Told::default();
    told.programme(SMALL, Track::Small);
    told.recommended(1, SMALL, "4000");
    let words_of_then =
        AuthorityUsed { source: AuthoritySource::Words(words("delegation/2026")), limit: gbp("5000") };
    told.approved(1, "2026-03-16", (OLU, words_of_then), "4000", None);
    says(&told.effect(alone("2500")), EffectKind::SecondSignature, &["is not on the record"]);
    says(&told.effect(reaching("2500")), EffectKind::Blocked, &["Nobody"]);
}

#[test]
fn the_micro_track_has_one_approver_and_no_more() {
    let mut told = Told::new();
    told.by_both(1, "8000");
    let effect = told.effect(micro("8000"));
    says(&effect, EffectKind::Blocked, &["On the micro track one approver decides", "£8,000.00"]);
    told.nothing(micro("7999.99"));
    let mut told = Told::new();
    told.by_olu(1, MICRO, "4000", "2026-03-05");
    says(&told.effect(alone("3999.99")), EffectKind::Blocked, &["On the micro track"]);
}

/// A grant approved before its partner’s checks are looked at; the checks were passed on 10 January.
fn with_checks() -> Told {
    let mut told = Told::new();
    told.passed(CheckKind::Safeguarding, "2026-01-10", Some("2026-12-31"));
    told.passed(CheckKind::PublicLiability, "2026-05-01", None);
    told.tell(PARTNER, "2026-02-01", PartnerEvent::Approved { next_review: date("2027-02-01") });
    told.by_olu(1, SMALL, "900", "2026-03-05");
    told
}

#[test]
fn a_check_holds_on_its_last_day_and_not_on_the_day_after() {
    let mut told = with_checks();
    told.authorised(1, "2026-07-01", "2026-07-10");
    told.nothing(months(6));
    let mut told = with_checks();
    let index = told.authorised(1, "2026-07-01", "2026-07-11");
    told.paid(1, "2026-07-13");
    let effect = told.effect(months(6));
    says(
        &effect,
        EffectKind::Blocked,
        &[
            "Authorising £900.00 for 11 July 2026 would have been refused",
            "safeguarding policy (check passed on 10 January 2026) would have held until 10 July 2026",
        ],
    );
    assert!(!effect.why.contains("liability"), "{}", effect.why);
    assert_eq!((effect.relied_on, effect.decided_on), (vec![5, index], date("2026-07-01")));
}

#[test]
fn checks_of_the_same_days_are_told_together() {
    let mut told = with_checks();
    told.passed(CheckKind::Accounts, "2026-01-10", None);
    told.passed(CheckKind::Equality, "2026-01-12", None);
    told.authorised(1, "2026-07-13", "2026-07-13");
    let why = told.effect(months(6)).why;
    let checks = "accounts and safeguarding policy (checks passed on 10 January 2026) would have held until 10 July \
                  2026; equality policy (check passed on 12 January 2026) would have held until 12 July 2026.";
    assert!(why.ends_with(checks), "{why}");
}

#[test]
fn a_payment_rests_on_the_checks_it_was_authorised_with() {
    let mut told = with_checks();
    let authorised = told.authorised(1, "2026-07-01", "2026-07-10");
    // A check that is passed again later does not mend an authorisation.
    told.passed(CheckKind::Safeguarding, "2026-07-10", None);
    let paid = told.paid(1, "2026-07-11");
    let effect = told.effect(months(6));
    says(&effect, EffectKind::Blocked, &["Paying £900.00 for 11 July 2026 would have been refused"]);
    assert_eq!(effect.relied_on, [5, authorised, paid]);
    told.nothing(months(7));
}

#[test]
fn an_instalment_is_held_back_from_a_payment_run() {
    let run_pays = |pay_on: &str| {
        let mut told = with_checks();
        told.authorised(1, "2026-07-01", "2026-07-10");
        let opened = PaymentRunEvent::Opened {
            reference: Reference::new(ReferenceKind::PaymentRun, 2026, 1),
            title: words("July"),
            pay_on: date(pay_on),
            opened_by: someone(PROPOSER),
        };
        told.tell(RUN, "2026-07-02", opened);
        let added = PaymentRunEvent::LineAdded {
            line: 1,
            grant: grant(1),
            grant_reference: Reference::new(ReferenceKind::Grant, 2026, 1),
            instalment: instalment(1),
            partner: PARTNER,
            amount: gbp("900"),
            bank_version: 1,
            added_by: someone(PROPOSER),
        };
        told.tell(RUN, "2026-07-02", added);
        told
    };
    run_pays("2026-07-10").nothing(months(6));
    let effect = run_pays("2026-07-11").effect(months(6));
    says(&effect, EffectKind::Blocked, &["Putting £900.00 in payment run B-2026-0001 for 11 July 2026"]);
}

#[test]
fn what_did_not_hold_anyway_or_never_ran_out_by_months_is_no_effect() {
    let mut told = with_checks();
    told.tell(
        PARTNER,
        "2026-06-01",
        PartnerEvent::CheckWaived { check: CheckKind::Safeguarding, until: date("2026-12-31") },
    );
    told.authorised(1, "2026-08-01", "2026-08-20");
    told.nothing(months(6));
    // New bank details ask for the bank check anew.
    let mut told = with_checks();
    told.passed(CheckKind::Bank, "2026-01-10", None);
    let details = VaultRef { item: Uuid::from_u128(7), commit: Hash::of(b"details") };
    told.tell(
        PARTNER,
        "2026-06-01",
        PartnerEvent::BankDetailsSubmitted { bank_version: 2, submitted_by: someone(PROPOSER), details },
    );
    told.passed(CheckKind::Bank, "2026-06-02", None);
    told.passed(CheckKind::Safeguarding, "2026-06-02", None);
    told.authorised(1, "2026-08-01", "2026-08-20");
    told.nothing(months(6));
}

#[test]
fn no_grant_is_awarded_to_a_partner_that_could_not_have_been_approved() {
    let partner_of = |approved_on: &str| {
        let mut told = Told::new();
        told.passed(CheckKind::Safeguarding, "2026-01-10", None);
        told.tell(PARTNER, approved_on, PartnerEvent::Approved { next_review: date("2027-02-01") });
        told
    };
    let mut told = partner_of("2026-02-10");
    told.by_olu(1, SMALL, "900", "2026-03-05");
    told.nothing(months(1));
    let mut told = partner_of("2026-02-11");
    let index = told.by_olu(1, SMALL, "900", "2026-03-05");
    told.authorised(1, "2026-03-06", "2026-03-06");
    let effect = told.effect(months(1));
    says(
        &effect,
        EffectKind::Blocked,
        &["approved on 11 February 2026", "would have held until 10 February 2026"],
    );
    assert_eq!((effect.relied_on, effect.decided_on), (vec![5, 6, index], date("2026-03-05")));
    // Passed again before the award, it could have been approved by then.
    let mut told = partner_of("2026-02-11");
    told.passed(CheckKind::Safeguarding, "2026-02-20", None);
    told.by_olu(1, SMALL, "900", "2026-03-05");
    told.nothing(months(1));
}

#[test]
fn the_same_history_has_the_same_answer_and_a_grant_counts_once() {
    let mut told = with_checks();
    told.authorised(1, "2026-07-01", "2026-07-11");
    told.by_olu(2, MICRO, "500", "2026-03-03");
    told.by_both(3, "8000");
    let rules = WhatIfRules { check_months: Some(6), delegation_limit: Some(gbp("7000")), ..micro("900") };
    let outcome = told.under(rules);
    assert_eq!(outcome, told.under(rules));
    let listed: Vec<(&str, EffectKind)> =
        outcome.effects.iter().map(|effect| (effect.reference.as_str(), effect.kind)).collect();
    assert_eq!(
        listed,
        [
            ("G-2026-0001", EffectKind::Faster),
            ("G-2026-0001", EffectKind::Blocked),
            ("G-2026-0003", EffectKind::Blocked)
        ]
    );
    assert_eq!((outcome.grants, outcome.unchanged), (3, 1));
    assert_eq!(outcome.events, i64::try_from(told.0.len()).unwrap());
}

#[test]
fn rules_that_change_nothing_are_turned_down() {
    assert_eq!(WhatIfRules::default().checked(), Err(WhatIfRefusal::NoRule));
    for odd in [0, 121] {
        assert_eq!(months(odd).checked(), Err(WhatIfRefusal::CheckMonths { most: 120 }));
    }
    assert_eq!(months(1).checked().unwrap().told(), ["a check holds for 1 month at the most"]);
    assert_eq!(months(120).checked(), Ok(months(120)));
}
