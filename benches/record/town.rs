//! Made-up histories: single funds for the commands, and whole towns of partners, grants and payments for a log of any
//! length. Every fact is of the domain; `sidebyside verify` holds over what is made here. All names are invented.

use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;
use sidebyside::domain::calendar::{Date, FinancialYear};
use sidebyside::domain::delegation::{Delegation, DelegationEvent, Scope};
use sidebyside::domain::evidence::{Evidence, VaultRef};
use sidebyside::domain::fund::Fund;
use sidebyside::domain::fund::{FundEvent, GrantLink, RecoveryRule, Restriction, YearShare};
use sidebyside::domain::grant::Grant;
use sidebyside::domain::grant::{
    AuthoritySource, AuthorityUsed, Condition, CriterionResult, DeliveryShare, GrantEvent, Panel,
    PlannedInstalment, SignatoryRole,
};
use sidebyside::domain::identity::{
    ConditionId, DelegationId, FundId, GrantId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId,
    Reference, ReferenceKind,
};
use sidebyside::domain::money::Money;
use sidebyside::domain::partner::Partner;
use sidebyside::domain::partner::{CheckKind, LegalForm, PartnerEvent, VerificationMethod};
use sidebyside::domain::places::{Area, Community};
use sidebyside::domain::programme::Programme;
use sidebyside::domain::programme::{Criterion, Limits, Priority, ProgrammeEvent, Route, Track};
use sidebyside::domain::text::Text;
use sidebyside::domain::{Aggregate, Event};
use sidebyside::store::append::Draft;
use sidebyside::store::log::StreamName;
use uuid::Uuid;

/// A fact in its stream, before it has its place in the log.
pub struct Happening {
    pub stream: StreamName,
    pub sequence: i64,
    pub draft: Draft,
}

/// How the id of every single fund begins.
pub const FUND_ID: &str = "00000000-0000-7000-8000-";

/// The id of the fund with a number, in twelve decimal digits, so that pgbench can write it as well.
pub fn fund_id(number: u64) -> Uuid {
    Uuid::parse_str(&format!("{FUND_ID}{number:012}")).expect("decimal digits are hexadecimal too")
}

pub fn words<const MAX: usize>(written: &str) -> Text<MAX> {
    Text::new(written).expect("the words are short and plain")
}

pub fn gbp(pounds: i64) -> Money {
    Money::new(Decimal::new(pounds * 100, 2)).expect("an amount above nothing")
}

pub fn day(offset: u64) -> Date {
    let first = Date::from_ymd_opt(2026, 4, 1).expect("a day");
    first.checked_add_days(chrono::Days::new(offset)).expect("a day")
}

pub fn year() -> FinancialYear {
    FinancialYear::beginning(2026).expect("a year")
}

/// The history of a fund with ten events: opened, then money in and out.
pub fn ten_events(number: u64) -> Vec<Happening> {
    let mut log = Scribe::default();
    let id = fund_id(number);
    log.tell::<Fund>(id, opened(u32::try_from(number).unwrap_or(u32::MAX)));
    for turn in 0..9 {
        log.tell::<Fund>(id, if turn % 3 == 2 { reduced(40 + turn) } else { allocated(5_000 + turn) });
    }
    log.told
}

pub fn allocated(pounds: i64) -> FundEvent {
    FundEvent::BudgetAllocated {
        amount: gbp(pounds),
        year: year(),
        source: words("Cabinet minute 114 of 2026"),
    }
}

pub fn reduced(pounds: i64) -> FundEvent {
    FundEvent::BudgetReduced { amount: gbp(pounds), year: year(), source: words("Finance memo 22 of 2026") }
}

fn opened(number: u32) -> FundEvent {
    FundEvent::Opened {
        reference: Reference::new(ReferenceKind::Fund, 2026, number),
        name: words("Community resilience fund"),
        funder: words("Example council"),
        restriction: Some(Restriction {
            purposes: BTreeSet::from([words("Reducing loneliness"), words("Keeping warm")]),
            places: BTreeSet::new(),
        }),
        spend_from: day(0),
        spend_to: day(364),
        recovery_rule: RecoveryRule::Recredit,
    }
}

/// Puts facts in the order of their streams.
#[derive(Default)]
struct Scribe {
    told: Vec<Happening>,
    versions: HashMap<Uuid, i64>,
}

impl Scribe {
    fn tell<A: Aggregate>(&mut self, id: impl Into<Uuid>, event: A::Event) {
        let id = id.into();
        let sequence = self.versions.entry(id).or_default();
        *sequence += 1;
        let draft = Draft::new(event).expect("the numbers are whole");
        self.told.push(Happening { stream: StreamName { kind: A::TYPE, id }, sequence: *sequence, draft });
    }
}

const PARTNERS: u32 = 20;
const GRANTS: u32 = 50;

/// A town: a fund, a programme, twenty partners and fifty grants, of which some are turned down and most are paid.
pub fn town(number: u32) -> Vec<Happening> {
    let id = |what: &str, place: u32| {
        Uuid::new_v5(&Uuid::from_u128(number.into()), format!("{what}{place}").as_bytes())
    };
    let mut log = Scribe::default();
    let (fund, programme) = (FundId(id("fund", 0)), ProgrammeId(id("programme", 0)));
    log.tell::<Fund>(fund, opened(1_000_000 + number));
    log.tell::<Fund>(fund, allocated(400_000));
    log.tell::<Fund>(fund, allocated(50_000));
    log.tell::<Fund>(fund, reduced(20_000));
    log.tell::<Programme>(programme, programme_opened(number, fund));
    for place in 0..24 {
        log.tell::<Delegation>(
            id("delegation", place),
            DelegationEvent::Granted {
                person: person(place),
                scope: Scope::Fund(fund),
                limit: gbp(5_000),
                from: day(0),
                to: day(364),
            },
        );
    }
    let partners: Vec<PartnerId> = (0..PARTNERS).map(|place| PartnerId(id("partner", place))).collect();
    for (place, partner) in (0..).zip(&partners) {
        partner_arrives(&mut log, *partner, number * PARTNERS + place, id("vault", place));
    }
    let cases: Vec<Case> = (0..GRANTS)
        .map(|place| Case {
            grant: GrantId(id("grant", place)),
            link: GrantLink {
                grant: GrantId(id("grant", place)),
                programme,
                partner: partners[(place % PARTNERS) as usize],
            },
            fund,
            delegation: DelegationId(id("delegation", (number * GRANTS + place + 3) % 24)),
            number: number * GRANTS + place,
            place,
            instalments: [InstalmentId(id("first", place)), InstalmentId(id("second", place))],
            condition: ConditionId(id("condition", place)),
        })
        .collect();
    // Stage by stage, so that the streams lie among each other in the log as they would in life.
    for stage in [Case::applies, Case::is_assessed, Case::is_decided, Case::accepts, Case::is_paid] {
        for case in &cases {
            stage(case, &mut log);
        }
    }
    log.told
}

fn person(place: u32) -> PersonId {
    PersonId(Uuid::from_u128(0x9000 + u128::from(place % 24)))
}

fn evidence(title: &str, number: u32) -> Evidence {
    Evidence { title: words(title), sha256: Hash::of(&number.to_be_bytes()) }
}

fn programme_opened(number: u32, fund: FundId) -> ProgrammeEvent {
    let criterion = |code: &str, question: &str| Criterion { code: words(code), question: words(question) };
    ProgrammeEvent::Opened {
        reference: Reference::new(ReferenceKind::Programme, 2026, number),
        name: words("Neighbourhood small grants"),
        fund,
        purpose: words("Reducing loneliness"),
        track: Track::Small,
        route: Route::OpenCall,
        limits: Limits {
            least: gbp(250),
            most: gbp(10_000),
            one_approver: gbp(5_000),
            reservation_days: 60,
            target_working_days: 20,
        },
        opens_on: day(1),
        closes_on: day(60),
        priorities: vec![Priority { title: words("People who live alone meet others"), needs: Vec::new() }],
        required_checks: BTreeSet::from([words("public_liability")]),
        eligibility: vec![
            criterion("local", "Does the work take place in the town?"),
            criterion("constituted", "Does the group have a governing document?"),
        ],
        scoring: vec![
            criterion("reach", "How many people who live alone does it reach?"),
            criterion("value", "Is the cost fair for what is done?"),
        ],
    }
}

fn partner_arrives(log: &mut Scribe, id: PartnerId, number: u32, vault: Uuid) {
    let mut tell = |event| log.tell::<Partner>(id, event);
    tell(PartnerEvent::Applied {
        reference: Reference::new(ReferenceKind::Partner, 2026, number),
        name: words(&format!("Harbour Street Neighbours {number}")),
        legal_form: LegalForm::RegisteredCharity,
        charity_number: Some(words(&format!("{}", 9_000_000 + number))),
        company_number: None,
        areas: BTreeSet::from([Area::LiverpoolNorth, Area::SeftonSouth]),
        communities: BTreeSet::from([Community::OlderPeople, Community::Carers]),
        summary: words(
            "A lunch club, a walking group and a telephone circle for people over sixty who live alone, run by \
             forty volunteers from the old fire station.",
        ),
    });
    for check in [
        CheckKind::GoverningDocument,
        CheckKind::Signatories,
        CheckKind::Safeguarding,
        CheckKind::DataProtection,
        CheckKind::PublicLiability,
    ] {
        tell(PartnerEvent::CheckRequired { check });
        tell(PartnerEvent::CheckEvidenceSubmitted {
            check,
            evidence: evidence("Adopted by the trustees, 2026", number),
        });
        tell(PartnerEvent::CheckPassed { check, valid_until: Some(day(700)) });
    }
    let details = VaultRef { item: vault, commit: Hash::of(vault.as_bytes()) };
    tell(PartnerEvent::BankDetailsSubmitted { bank_version: 1, submitted_by: person(number), details });
    tell(PartnerEvent::BankDetailsVerified {
        bank_version: 1,
        verified_by: person(number + 1),
        method: VerificationMethod::CallBack,
        payable_from: day(20),
    });
    tell(PartnerEvent::Approved { next_review: day(365) });
}

/// A grant on its way.
struct Case {
    grant: GrantId,
    link: GrantLink,
    fund: FundId,
    delegation: DelegationId,
    number: u32,
    place: u32,
    instalments: [InstalmentId; 2],
    condition: ConditionId,
}

impl Case {
    fn is_eligible(&self) -> bool {
        self.place % 10 != 9
    }

    fn is_approved(&self) -> bool {
        self.is_eligible() && self.place % 10 != 8
    }

    fn amount(&self) -> Money {
        gbp(1_000 + 20 * i64::from(self.place))
    }

    fn shares(&self) -> Vec<YearShare> {
        vec![YearShare { year: year(), amount: self.amount() }]
    }

    fn applies(&self, log: &mut Scribe) {
        log.tell::<Grant>(self.grant, GrantEvent::ApplicationSubmitted {
            reference: Reference::new(ReferenceKind::Grant, 2026, self.number),
            partner: self.link.partner,
            programme: self.link.programme,
            fund: self.fund,
            title: words("Tuesday lunch club through the winter"),
            purpose: words(
                "A hot meal and company every Tuesday from October to March for thirty people who live alone, with \
                 lifts for those who cannot manage the bus.",
            ),
            requested: self.amount(),
            places: BTreeSet::from([Area::LiverpoolNorth]),
            starts_on: day(90),
            ends_on: day(300),
            needs: Vec::new(),
            delivery: vec![DeliveryShare { partner: self.link.partner, amount: self.amount() }],
            criteria_version: 1,
        });
    }

    fn is_assessed(&self, log: &mut Scribe) {
        let mut tell = |event| log.tell::<Grant>(self.grant, event);
        let result = |code: &str, met| CriterionResult { criterion: words(code), met };
        if !self.is_eligible() {
            tell(GrantEvent::EligibilityRefused {
                results: vec![result("local", true), result("constituted", false)],
            });
            return;
        }
        tell(GrantEvent::EligibilityConfirmed {
            results: vec![result("local", true), result("constituted", true)],
        });
        for assessor in [person(self.number), person(self.number + 1)] {
            tell(GrantEvent::AssessorAssigned { assessor });
            for criterion in ["reach", "value"] {
                tell(GrantEvent::ScoreRecorded {
                    assessor,
                    criterion: words(criterion),
                    score: 4,
                    justification: words(
                        "Well thought through, with costs that fit those of similar clubs nearby.",
                    ),
                });
            }
        }
    }

    fn is_decided(&self, log: &mut Scribe) {
        if !self.is_eligible() {
            return;
        }
        if !self.is_approved() {
            let feedback = words("A good idea; this round went to clubs in wards that have none yet.");
            log.tell::<Grant>(self.grant, GrantEvent::Declined { feedback });
            return;
        }
        let proposer = person(self.number + 2);
        let panel = Panel::default();
        log.tell::<Grant>(self.grant, GrantEvent::Recommended { proposer, amount: self.amount(), panel });
        let reserved =
            FundEvent::CommitmentReserved { link: self.link, shares: self.shares(), expires_on: day(150) };
        log.tell::<Fund>(self.fund, reserved);
        let halves = self.amount().split(&[1, 1]);
        let instalments = self.instalments.iter().zip(halves.into_iter().flatten()).zip(0..);
        log.tell::<Grant>(
            self.grant,
            GrantEvent::Approved {
                approver: person(self.number + 3),
                amount: self.amount(),
                authority: AuthorityUsed {
                    source: AuthoritySource::Delegation(self.delegation),
                    limit: gbp(5_000),
                },
                first: None,
                instalments: instalments
                    .map(|((id, amount), place)| PlannedInstalment {
                        id: *id,
                        amount,
                        due: day(100 + 60 * place),
                        year: year(),
                        conditions: (place == 1)
                            .then(|| Condition {
                                id: self.condition,
                                title: words("A photograph of the first lunch"),
                            })
                            .into_iter()
                            .collect(),
                    })
                    .collect(),
                terms_version: words("small-grants-3"),
            },
        );
        let confirmed = FundEvent::CommitmentConfirmed { link: self.link, shares: self.shares() };
        log.tell::<Fund>(self.fund, confirmed);
    }

    fn accepts(&self, log: &mut Scribe) {
        if !self.is_approved() {
            return;
        }
        let terms_hash = Hash::of(&self.number.to_be_bytes());
        let mut tell = |event| log.tell::<Grant>(self.grant, event);
        tell(GrantEvent::OfferIssued { terms_hash: terms_hash.clone(), accept_by: day(120) });
        tell(GrantEvent::OfferAccepted {
            terms_hash,
            signatory: person(self.number + 4),
            signatory_role: SignatoryRole::Chair,
        });
    }

    fn is_paid(&self, log: &mut Scribe) {
        if !self.is_approved() {
            return;
        }
        let halves = self.amount().split(&[1, 1]).into_iter().flatten();
        for ((instalment, amount), turn) in self.instalments.into_iter().zip(halves).zip(0..) {
            if turn == 1 {
                let evidence = evidence("First lunch, photograph", self.number);
                log.tell::<Grant>(
                    self.grant,
                    GrantEvent::ConditionMet { condition: self.condition, evidence },
                );
            }
            log.tell::<Grant>(
                self.grant,
                GrantEvent::InstalmentAuthorised {
                    instalment,
                    amount,
                    authorised_by: person(self.number + 5),
                    pay_on: day(100 + 60 * turn),
                    checks_valid_until: Some(day(700)),
                    bank_version: 1,
                    run: None,
                },
            );
            let value_date = day(102 + 60 * turn);
            log.tell::<Grant>(
                self.grant,
                GrantEvent::PaymentConfirmed { instalment, amount, value_date, run: None, line: None },
            );
            log.tell::<Fund>(
                self.fund,
                FundEvent::ExpenditurePosted {
                    link: self.link,
                    instalment,
                    year: year(),
                    amount,
                    value_date,
                },
            );
        }
    }
}

/// Whether a fact of this kind may only be recorded with a reason.
pub fn needs_reason(happening: &Happening) -> bool {
    happening.draft.fact.kind().needs_reason
}

/// The stored name and version of a fund's event, for writers that know no facts.
pub fn stored_name(event: &FundEvent) -> (&'static str, String) {
    (event.kind().name, event.kind().version.to_string())
}
