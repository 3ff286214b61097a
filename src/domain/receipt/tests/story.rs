//! A case from the opening of its fund to its payment, fact by fact, in which every rule was kept.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::{Entry, Histories, Receipt, receipt};
use crate::domain::calendar::FinancialYear;
use crate::domain::delegation::{DelegationEvent, Scope};
use crate::domain::evidence::{Evidence, VaultRef};
use crate::domain::fund::{FundEvent, GrantLink, RecoveryRule, Restriction, YearShare};
use crate::domain::grant::{
    AuthoritySource, AuthorityUsed, Condition, GrantEvent, Panel, PlannedInstalment, SignatoryRole,
};
use crate::domain::identity::{Actor, CommandId, Hash, Reference, ReferenceKind, Role};
use crate::domain::partner::{CheckKind, LegalForm, PartnerEvent, VerificationMethod};
use crate::domain::places::{Area, Community};
use crate::domain::programme::{Criterion, Limits, ProgrammeEvent, Route, Track};
use crate::domain::record::Fact;
use crate::domain::{date, gbp, someone, words};

pub const FUND: u128 = 1;
pub const PROGRAMME: u128 = 2;
pub const PARTNER: u128 = 3;
pub const GRANT: u128 = 4;
pub const DELEGATION: u128 = 5;
pub const RUN: u128 = 6;
pub const FIRST: u128 = 21;
pub const SECOND: u128 = 22;
pub const CONDITION: u128 = 31;

pub const FINANCE: u128 = 101;
pub const PROPOSER: u128 = 102;
pub const ASSESSOR: u128 = 103;
pub const APPROVER: u128 = 104;
pub const AUTHORISER: u128 = 105;
pub const PAYER: u128 = 106;
pub const SUBMITTER: u128 = 107;
pub const ANOTHER: u128 = 108;

pub fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

pub fn year(begins: i32) -> FinancialYear {
    FinancialYear::beginning(begins).unwrap()
}

/// A fact of a stream, recorded by somebody on a day, with a reason.
pub fn entry(stream: u128, by: u128, on: &str, fact: impl Into<Fact>) -> Entry {
    Entry {
        index: 0,
        stream: Uuid::from_u128(stream),
        on: date(on),
        decided_on: date(on),
        actor: Some(Actor { person: someone(by), role: Role::Commissioner }),
        reason: Some(words("A reason written for this test.")),
        command: None,
        fact: fact.into(),
    }
}

/// Entries with their places as positions.
pub fn numbered(history: &[Entry]) -> Vec<Entry> {
    let numbered = history.iter().zip(0..);
    numbered.map(|(entry, index)| Entry { index, ..entry.clone() }).collect()
}

/// Where the last fact of a kind stands.
#[track_caller]
pub fn place_of(history: &[Entry], name: &str) -> usize {
    history.iter().rposition(|entry| entry.fact.kind().name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// Put a fact before the last of a kind.
#[track_caller]
pub fn before(history: &mut Vec<Entry>, name: &str, one: Entry) {
    let place = place_of(history, name);
    history.insert(place, one);
}

/// Change the last entry of a kind.
#[track_caller]
pub fn change(history: &mut [Entry], name: &str, with: impl FnOnce(&mut Entry)) {
    let place = place_of(history, name);
    with(&mut history[place]);
}

/// The receipt of the last decision of a kind.
#[track_caller]
pub fn receipt_of(history: &[Entry], name: &str) -> Receipt {
    let history = numbered(history);
    let mut histories = Histories::default();
    let streams: BTreeSet<Uuid> = history.iter().map(|entry| entry.stream).collect();
    for stream in streams {
        histories.add(stream, history.iter().filter(|entry| entry.stream == stream).cloned().collect());
    }
    receipt(&history[place_of(&history, name)], &histories).unwrap()
}

pub fn authority() -> AuthorityUsed {
    AuthorityUsed { source: AuthoritySource::Delegation(id(DELEGATION)), limit: gbp("10000") }
}

pub fn instalment(number: u128, amount: &str, due: &str) -> PlannedInstalment {
    let conditions = if number == SECOND {
        vec![Condition { id: id(CONDITION), title: words("The first report is in") }]
    } else {
        Vec::new()
    };
    PlannedInstalment { id: id(number), amount: gbp(amount), due: date(due), year: year(2026), conditions }
}

pub fn evidence() -> Evidence {
    Evidence { title: words("A document"), sha256: Hash::of(b"document") }
}

pub fn link() -> GrantLink {
    GrantLink { grant: id(GRANT), programme: id(PROGRAMME), partner: id(PARTNER) }
}

fn shares() -> Vec<YearShare> {
    vec![YearShare { year: year(2026), amount: gbp("2500") }]
}

pub fn submitted_bank(version: u32, by: u128, on: &str) -> Entry {
    let details = VaultRef { item: Uuid::from_u128(900), commit: Hash::of(b"bank") };
    let (bank_version, submitted_by) = (version, someone(by));
    entry(PARTNER, by, on, PartnerEvent::BankDetailsSubmitted { bank_version, submitted_by, details })
}

pub fn verified_bank(version: u32, by: u128, on: &str, from: &str) -> Entry {
    let event = PartnerEvent::BankDetailsVerified {
        bank_version: version,
        verified_by: someone(by),
        method: VerificationMethod::CallBack,
        payable_from: date(from),
    };
    entry(PARTNER, by, on, event)
}

pub fn bank_check(on: &str) -> Entry {
    entry(PARTNER, FINANCE, on, PartnerEvent::CheckPassed { check: CheckKind::Bank, valid_until: None })
}

fn money() -> Vec<Entry> {
    let restriction = Restriction {
        purposes: BTreeSet::from([words("Wellbeing")]),
        places: BTreeSet::from([Area::LiverpoolNorth, Area::Halton]),
    };
    let opened = FundEvent::Opened {
        reference: Reference::new(ReferenceKind::Fund, 2026, 1),
        name: words("Wellbeing fund"),
        funder: words("A funder"),
        restriction: Some(restriction),
        spend_from: date("2026-04-01"),
        spend_to: date("2028-03-31"),
        recovery_rule: RecoveryRule::Recredit,
    };
    let source = words("The budget of the year");
    let allocated = FundEvent::BudgetAllocated { amount: gbp("10000"), year: year(2026), source };
    let criterion = |code: &str| Criterion { code: words(code), question: words("How well?") };
    let programme = ProgrammeEvent::Opened {
        reference: Reference::new(ReferenceKind::Programme, 2026, 1),
        name: words("Small grants"),
        fund: id(FUND),
        purpose: words("Wellbeing"),
        track: Track::Small,
        route: Route::OpenCall,
        limits: Limits {
            least: gbp("250"),
            most: gbp("5000"),
            one_approver: gbp("5000"),
            reservation_days: 60,
            target_working_days: 20,
        },
        opens_on: date("2026-04-01"),
        closes_on: date("2026-12-31"),
        priorities: Vec::new(),
        required_checks: BTreeSet::from([words("safeguarding")]),
        eligibility: vec![criterion("local")],
        scoring: vec![criterion("reach"), criterion("cost")],
    };
    let granted = DelegationEvent::Granted {
        person: someone(APPROVER),
        scope: Scope::Everything,
        limit: gbp("10000"),
        from: date("2026-04-01"),
        to: date("2027-03-31"),
    };
    vec![
        entry(FUND, FINANCE, "2026-04-01", opened),
        entry(FUND, FINANCE, "2026-04-01", allocated),
        entry(PROGRAMME, PROPOSER, "2026-04-01", programme),
        entry(DELEGATION, FINANCE, "2026-04-01", granted),
    ]
}

fn partner() -> Vec<Entry> {
    let applied = PartnerEvent::Applied {
        reference: Reference::new(ReferenceKind::Partner, 2026, 1),
        name: words("Cooking Together"),
        legal_form: LegalForm::Association,
        charity_number: None,
        company_number: None,
        areas: BTreeSet::from([Area::LiverpoolNorth]),
        communities: BTreeSet::from([Community::Everyone]),
        summary: words("Lunches."),
    };
    let on = "2026-04-07";
    let required = |check| entry(PARTNER, PROPOSER, on, PartnerEvent::CheckRequired { check });
    let handed_in =
        PartnerEvent::CheckEvidenceSubmitted { check: CheckKind::Safeguarding, evidence: evidence() };
    let valid_until = Some(date("2027-03-31"));
    let passed = PartnerEvent::CheckPassed { check: CheckKind::Safeguarding, valid_until };
    vec![
        entry(PARTNER, PROPOSER, on, applied),
        required(CheckKind::Bank),
        required(CheckKind::Safeguarding),
        entry(PARTNER, PROPOSER, on, handed_in),
        entry(PARTNER, PROPOSER, on, passed),
        submitted_bank(1, SUBMITTER, on),
        verified_bank(1, FINANCE, "2026-04-08", "2026-04-08"),
        bank_check("2026-04-08"),
        entry(PARTNER, APPROVER, "2026-04-09", PartnerEvent::Approved { next_review: date("2027-04-09") }),
    ]
}

fn decided() -> Vec<Entry> {
    let of = |by, on, event: GrantEvent| entry(GRANT, by, on, event);
    let submitted = GrantEvent::ApplicationSubmitted {
        reference: Reference::new(ReferenceKind::Grant, 2026, 1),
        partner: id(PARTNER),
        programme: id(PROGRAMME),
        fund: id(FUND),
        title: words("Sunday lunches"),
        purpose: words("A hot lunch on Sundays."),
        requested: gbp("2500"),
        places: BTreeSet::from([Area::LiverpoolNorth]),
        starts_on: date("2026-06-01"),
        ends_on: date("2027-05-31"),
        needs: Vec::new(),
        delivery: Vec::new(),
        criteria_version: 1,
    };
    let scored = |criterion: &str| GrantEvent::ScoreRecorded {
        assessor: someone(ASSESSOR),
        criterion: words(criterion),
        score: 4,
        justification: words("Clear."),
    };
    let recommended =
        GrantEvent::Recommended { proposer: someone(PROPOSER), amount: gbp("2500"), panel: Panel::default() };
    let reserved =
        FundEvent::CommitmentReserved { link: link(), shares: shares(), expires_on: date("2026-06-30") };
    let approved = GrantEvent::Approved {
        approver: someone(APPROVER),
        amount: gbp("2500"),
        authority: authority(),
        first: None,
        instalments: vec![instalment(FIRST, "1500", "2026-06-01"), instalment(SECOND, "1000", "2026-09-01")],
        terms_version: words("2026"),
    };
    let confirmed = FundEvent::CommitmentConfirmed { link: link(), shares: shares() };
    let together = |one: Entry| Entry { command: Some(id::<CommandId>(700)), ..one };
    vec![
        of(SUBMITTER, "2026-04-10", submitted),
        of(PROPOSER, "2026-04-11", GrantEvent::EligibilityConfirmed { results: Vec::new() }),
        of(PROPOSER, "2026-04-11", GrantEvent::AssessorAssigned { assessor: someone(ASSESSOR) }),
        of(ASSESSOR, "2026-04-12", scored("reach")),
        of(ASSESSOR, "2026-04-12", scored("cost")),
        of(PROPOSER, "2026-04-20", recommended),
        entry(FUND, PROPOSER, "2026-04-20", reserved),
        together(of(APPROVER, "2026-05-01", approved)),
        together(entry(FUND, APPROVER, "2026-05-01", confirmed)),
    ]
}

pub fn met() -> Entry {
    let event = GrantEvent::ConditionMet { condition: id(CONDITION), evidence: evidence() };
    entry(GRANT, PROPOSER, "2026-08-01", event)
}

/// The second instalment authorised, for 1 September.
pub fn authorised() -> Entry {
    let event = GrantEvent::InstalmentAuthorised {
        instalment: id(SECOND),
        amount: gbp("1000"),
        authorised_by: someone(AUTHORISER),
        pay_on: date("2026-09-01"),
        checks_valid_until: Some(date("2027-03-31")),
        bank_version: 1,
        run: None,
    };
    entry(GRANT, AUTHORISER, "2026-08-20", event)
}

/// The grant accepted and running.
pub fn running() -> Vec<Entry> {
    let terms_hash = Hash::of(b"terms");
    let issued = GrantEvent::OfferIssued { terms_hash: terms_hash.clone(), accept_by: date("2026-05-31") };
    let (signatory, signatory_role) = (someone(SUBMITTER), SignatoryRole::Chair);
    let accepted = GrantEvent::OfferAccepted { terms_hash, signatory, signatory_role };
    let then =
        [entry(GRANT, PROPOSER, "2026-05-02", issued), entry(GRANT, SUBMITTER, "2026-05-03", accepted)];
    [money(), partner(), decided(), then.to_vec()].concat()
}

/// The whole case: the second instalment is paid by hand.
pub fn story() -> Vec<Entry> {
    let paid = GrantEvent::PaymentConfirmed {
        instalment: id(SECOND),
        amount: gbp("1000"),
        value_date: date("2026-09-01"),
        run: None,
        line: None,
    };
    let then = vec![met(), authorised(), entry(GRANT, PAYER, "2026-09-02", paid)];
    [running(), then].concat()
}
