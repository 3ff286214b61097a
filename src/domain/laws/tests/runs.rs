//! A bank, a fund and three grants that are paid through runs: random histories of runs that are made, given up,
//! answered, sent back and paid again. L8 holds after every decision, and breaks when a guard is left out.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use uuid::Uuid;

use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::fund::{Fund, FundCommand, FundEvent, GrantLink, RecoveryRule, YearShare};
use crate::domain::grant::{
    AuthoritySource, AuthorityUsed, Grant, GrantCommand, GrantEvent, Panel, PlannedInstalment, RunExit,
    RunLine, SignatoryRole,
};
use crate::domain::identity::{FundId, GrantId, Hash, InstalmentId, Reference, ReferenceKind, RunId};
use crate::domain::laws::Books;
use crate::domain::money::{Money, Pence};
use crate::domain::payment_run::{
    BankAnswer, BankLine, Line, LineStatus, PaymentRun, PaymentRunCommand, PaymentRunEvent, Persons,
    Remittance, RunStatus,
};
use crate::domain::record::{Fact, beside_money};
use crate::domain::{Aggregate, Circumstances, Refused, by, date, gbp, judge, someone, words};

const COMMISSIONER: u128 = 1;
const APPROVER: u128 = 2;
const MAKER: u128 = 3;
const RELEASER: u128 = 4;

const TODAY: &str = "2026-05-01";
const FUND: u128 = 900;
const GRANTS: u128 = 3;
/// How many histories are tried.
const HISTORIES: u32 = 1500;

/// The laws that a guard left out here is shown to break.
pub const BROKEN: &[&str] = &["L8"];

/// A guard that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// An instalment is in one live run.
    OneRun,
    /// The file is the run.
    FileIsTheRun,
    /// A line is answered once.
    AnsweredOnce,
    /// What the bank paid is recorded by the grant in the same decision.
    BothOrNeither,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    deed: u8,
    which: u8,
    other: u8,
}

fn histories() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0_u8..60, any::<u8>(), any::<u8>()).prop_map(|(deed, which, other)| Step { deed, which, other });
    prop::collection::vec(step, 1..150)
}

type Decision = Vec<(Uuid, Fact)>;

/// The aggregates as the app would hold them, and the books.
#[derive(Clone)]
struct Bank {
    off: Option<Guard>,
    fund: Fund,
    grants: BTreeMap<GrantId, Grant>,
    instalments: BTreeMap<GrantId, Vec<InstalmentId>>,
    runs: Vec<PaymentRun>,
    books: Books,
    /// How many ids were given.
    given: u128,
    /// How many lines were paid, rejected and returned.
    answers: [u32; 3],
}

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn run_id(place: usize) -> RunId {
    id(5000 + u128::try_from(place).unwrap())
}

fn today() -> Date {
    date(TODAY)
}

fn at(actor: u128) -> Circumstances {
    by(actor, TODAY)
}

fn year() -> FinancialYear {
    FinancialYear::beginning(2026).unwrap()
}

fn facts<E: Into<Fact>>(stream: impl Into<Uuid>, events: Vec<E>) -> Decision {
    let stream = stream.into();
    events.into_iter().map(|event| (stream, event.into())).collect()
}

fn terms() -> Hash {
    Hash::of(b"terms")
}

impl Bank {
    fn without(off: Option<Guard>) -> Self {
        let mut bank = Self {
            off,
            fund: Fund::default(),
            grants: BTreeMap::new(),
            instalments: BTreeMap::new(),
            runs: Vec::new(),
            books: Books::default(),
            given: 10_000,
            answers: [0; 3],
        };
        let fund = vec![
            FundEvent::Opened {
                reference: Reference::new(ReferenceKind::Fund, 2026, 1),
                name: words("Invented Fund"),
                funder: words("Example Council (invented)"),
                restriction: None,
                spend_from: date("2026-04-01"),
                spend_to: date("2027-03-31"),
                recovery_rule: RecoveryRule::Recredit,
            },
            FundEvent::BudgetAllocated { amount: gbp("1000"), year: year(), source: words("Minute 1") },
        ];
        bank.record(facts(id::<FundId>(FUND), fund));
        for number in 1..=GRANTS {
            bank.active(number);
        }
        bank
    }

    /// A grant that was accepted, with three instalments.
    fn active(&mut self, number: u128) {
        let (grant, amount) = (id::<GrantId>(number), gbp("60"));
        let link = GrantLink { grant, programme: id(800), partner: id(700 + number) };
        let shares = vec![YearShare { year: year(), amount }];
        let instalments: Vec<PlannedInstalment> = (1..=3)
            .map(|place| PlannedInstalment {
                id: id(number * 100 + place),
                amount: gbp(&(place * 10).to_string()),
                due: today(),
                year: year(),
                conditions: Vec::new(),
            })
            .collect();
        self.instalments.insert(grant, instalments.iter().map(|one| one.id).collect());
        let of_fund = vec![
            FundEvent::CommitmentReserved { link, shares: shares.clone(), expires_on: today() },
            FundEvent::CommitmentConfirmed { link, shares },
        ];
        let of_grant = vec![
            GrantEvent::ApplicationSubmitted {
                reference: Reference::new(ReferenceKind::Grant, 2026, u32::try_from(number).unwrap()),
                partner: link.partner,
                programme: link.programme,
                fund: id(FUND),
                title: words("Sunday lunches"),
                purpose: words("A hot lunch and company on Sundays."),
                requested: amount,
                places: BTreeSet::new(),
                starts_on: today(),
                ends_on: today(),
                needs: Vec::new(),
                delivery: Vec::new(),
                criteria_version: 1,
            },
            GrantEvent::Recommended { proposer: someone(COMMISSIONER), amount, panel: Panel::default() },
            GrantEvent::Approved {
                approver: someone(APPROVER),
                first: None,
                amount,
                authority: AuthorityUsed {
                    source: AuthoritySource::Words(words("programme")),
                    limit: amount,
                },
                instalments,
                terms_version: words("2026-1"),
            },
            GrantEvent::OfferAccepted {
                terms_hash: terms(),
                signatory: someone(99),
                signatory_role: SignatoryRole::Chair,
            },
        ];
        self.record(facts(grant, of_grant));
        self.record(facts(id::<FundId>(FUND), of_fund));
    }

    fn record(&mut self, decision: Decision) {
        for (stream, fact) in decision {
            self.books.take(stream, &fact);
            match fact {
                Fact::Fund(event) => self.fund.evolve(&event),
                Fact::Grant(event) => {
                    let id = GrantId(stream);
                    self.grants.entry(id).or_default().evolve(&event);
                    if let GrantEvent::PaymentRejected { replacement, .. }
                    | GrantEvent::PaymentReturned { replacement, .. } = event
                    {
                        self.instalments.get_mut(&id).unwrap().push(replacement.id);
                    }
                }
                Fact::PaymentRun(event) => {
                    let place = usize::try_from(stream.as_u128() - 5000).unwrap();
                    if place == self.runs.len() {
                        self.runs.push(PaymentRun::default());
                    }
                    self.runs[place].evolve(&event);
                    let answers = [
                        matches!(event, PaymentRunEvent::LineConfirmed { .. }),
                        matches!(event, PaymentRunEvent::LineRejected { .. }),
                        matches!(event, PaymentRunEvent::LineReturned { .. }),
                    ];
                    for (count, one) in self.answers.iter_mut().zip(answers) {
                        *count += u32::from(one);
                    }
                }
                Fact::Partner(_) | Fact::Delegation(_) | Fact::Programme(_) | beside_money!() => {}
            }
        }
    }

    fn take(&mut self, step: Step) -> Result<(), Refused> {
        let decision = self.decide(step)?;
        self.record(decision);
        Ok(())
    }

    fn decide(&mut self, step: Step) -> Result<Decision, Refused> {
        let grant = id::<GrantId>(u128::from(step.which) % GRANTS + 1);
        let known = &self.instalments[&grant];
        let instalment = known[usize::from(step.other) % known.len()];
        let place = usize::from(step.which).checked_rem(self.runs.len()).unwrap_or_default();
        match step.deed {
            0..=3 => self.authorise(grant, instalment),
            4 => self.pay_by_hand(grant, instalment),
            5 | 6 => {
                let reference =
                    Reference::new(ReferenceKind::PaymentRun, 2026, u32::try_from(self.runs.len()).unwrap());
                let open = PaymentRunCommand::Open { reference, title: words("A run"), pay_on: today() };
                Ok(facts(run_id(self.runs.len()), judge(&PaymentRun::default(), open, &at(MAKER))?))
            }
            _ if self.runs.is_empty() => Ok(Vec::new()),
            7..=11 => self.add(usize::from(step.other / 16) % self.runs.len(), grant, instalment),
            12 => self.leave(place, Some(u32::from(step.other % 4) + 1)),
            13 => self.leave(place, None),
            14 | 15 => {
                self.on_run(place, PaymentRunCommand::Approve { persons: Persons::default() }, APPROVER)
            }
            16 | 17 => {
                let (persons, unpayable) = (Persons::default(), Vec::new());
                self.on_run(place, PaymentRunCommand::Release { persons, unpayable }, RELEASER)
            }
            18 | 19 => self.export(place, step),
            20..=22 => self.answer(place, step),
            23 => self.on_run(place, PaymentRunCommand::Reconcile, MAKER),
            24..=39 => self.authorise(grant, instalment).or_else(|_| self.add(place, grant, instalment)),
            _ => self.further(step),
        }
    }

    /// Whatever brings forward the first run that is not through.
    fn further(&mut self, step: Step) -> Result<Decision, Refused> {
        let waiting = |run: &PaymentRun| !matches!(run.status(), RunStatus::Reconciled | RunStatus::Voided);
        let place = self.runs.iter().position(waiting).unwrap_or_default();
        let (persons, unpayable) = (Persons::default(), Vec::new());
        match self.runs[place].status() {
            RunStatus::Open => self.on_run(place, PaymentRunCommand::Approve { persons }, APPROVER),
            RunStatus::Approved => {
                self.on_run(place, PaymentRunCommand::Release { persons, unpayable }, RELEASER)
            }
            RunStatus::Released => self.export(place, step),
            RunStatus::None | RunStatus::Exported | RunStatus::Reconciled | RunStatus::Voided => {
                let reconciled = self.on_run(place, PaymentRunCommand::Reconcile, MAKER);
                reconciled.or_else(|_| self.answer(place, step))
            }
        }
    }

    fn on_run(&self, place: usize, command: PaymentRunCommand, actor: u128) -> Result<Decision, Refused> {
        Ok(facts(run_id(place), judge(&self.runs[place], command, &at(actor))?))
    }

    fn authorise(&self, grant: GrantId, instalment: InstalmentId) -> Result<Decision, Refused> {
        let (pay_on, checks_valid_until, bank_version) = (today(), None, 1);
        let authorise =
            GrantCommand::AuthoriseInstalment { instalment, pay_on, checks_valid_until, bank_version };
        Ok(facts(grant, judge(&self.grants[&grant], authorise, &at(COMMISSIONER))?))
    }

    fn pay_by_hand(&self, grant: GrantId, instalment: InstalmentId) -> Result<Decision, Refused> {
        let state = &self.grants[&grant];
        let (amount, value_date) = (state.planned(instalment)?.amount, today());
        let confirm = GrantCommand::ConfirmPayment { instalment, amount, value_date };
        let paid = facts(grant, judge(state, confirm, &at(MAKER))?);
        Ok([paid, self.spend(grant, instalment, amount)?].concat())
    }

    fn spend(&self, grant: GrantId, instalment: InstalmentId, amount: Money) -> Result<Decision, Refused> {
        let (year, value_date) = (year(), today());
        let post = FundCommand::PostExpenditure { grant, instalment, year, amount, value_date };
        Ok(facts(id::<FundId>(FUND), judge(&self.fund, post, &at(MAKER))?))
    }

    fn add(&self, place: usize, grant: GrantId, instalment: InstalmentId) -> Result<Decision, Refused> {
        let state = &self.grants[&grant];
        let case = state.subject()?;
        let add = PaymentRunCommand::AddLine {
            grant,
            grant_reference: case.reference.clone(),
            instalment,
            partner: case.partner,
            amount: state.planned(instalment)?.amount,
            bank_version: 1,
        };
        let line = RunLine { instalment, run: run_id(place), line: self.runs[place].next_line() };
        let added = self.on_run(place, add, MAKER)?;
        let put = match judge(state, GrantCommand::PutInRun { line, pay_on: today() }, &at(MAKER)) {
            Err(refused) if refused.code == "grant.already_in_run" && self.off == Some(Guard::OneRun) => {
                vec![GrantEvent::InstalmentPutInRun { instalment, run: line.run, line: line.line }]
            }
            answer => answer?,
        };
        Ok([added, facts(grant, put)].concat())
    }

    /// A line is taken out, or the whole run is given up.
    fn leave(&self, place: usize, number: Option<u32>) -> Result<Decision, Refused> {
        let run = &self.runs[place];
        let (command, cause) = match number {
            Some(line) => (PaymentRunCommand::RemoveLine { line }, RunExit::Removed),
            None => (PaymentRunCommand::Void, RunExit::Voided),
        };
        let mut decision = self.on_run(place, command, MAKER)?;
        for one in run.lines().filter(|line| number.is_none_or(|number| number == line.number)) {
            let leave = GrantCommand::TakeFromRun { line: in_run(place, one), cause };
            decision.extend(facts(one.grant, judge(&self.grants[&one.grant], leave, &at(MAKER))?));
        }
        Ok(decision)
    }

    /// The file is counted apart from the run; now and then it lacks a line.
    fn export(&self, place: usize, step: Step) -> Result<Decision, Refused> {
        let run = &self.runs[place];
        let lines: Vec<Money> =
            run.lines().skip(usize::from(step.other.is_multiple_of(8))).map(|line| line.amount).collect();
        let (format, sha256, unpayable) = (1, Hash::of(b"file"), Vec::new());
        let (lines, control_total) = (u32::try_from(lines.len()).unwrap(), Pence::of(lines));
        let export =
            PaymentRunCommand::Export { format, lines, control_total, sha256: sha256.clone(), unpayable };
        match self.on_run(place, export, MAKER) {
            Err(refused)
                if refused.code == "payment_run.file_differs" && self.off == Some(Guard::FileIsTheRun) =>
            {
                let made = PaymentRunEvent::FileExported { format, lines, control_total, sha256 };
                Ok(facts(run_id(place), vec![made]))
            }
            answer => answer,
        }
    }

    /// What the bank says of each line, by the digits of the step; a line it says nothing of waits.
    fn answer(&mut self, place: usize, step: Step) -> Result<Decision, Refused> {
        let run = self.runs[place].clone();
        let (reference, _) = run.opened()?;
        let mut lines = Vec::new();
        for line in run.lines() {
            let (value_date, bank_code) = (today(), words("AC04"));
            let digit = (step.other >> (line.number % 4 * 2)) % 4;
            let answer = match digit {
                0 => BankAnswer::Paid { value_date },
                1 => BankAnswer::Rejected { bank_code },
                2 => BankAnswer::Returned { value_date, bank_code },
                _ => continue,
            };
            let run = reference.to_string();
            lines.push(BankLine { run, line: line.number, amount: line.amount, answer });
        }
        let control_total = Pence::of(lines.iter().map(|line| line.amount));
        let remittance = Remittance { sha256: Hash::of(b"answer"), lines, control_total };
        let taken = self.on_run(
            place,
            PaymentRunCommand::TakeRemittance { remittance: remittance.clone(), repaid: BTreeMap::new() },
            MAKER,
        );
        if let Err(refused) = &taken
            && refused.code == "payment_run.nothing_new"
            && self.off == Some(Guard::AnsweredOnce)
            && let Some(line) = run.lines().find(|line| line.status == LineStatus::Confirmed)
        {
            let (line, amount, value_date) = (line.number, line.amount, today());
            return Ok(facts(
                run_id(place),
                vec![PaymentRunEvent::LineConfirmed { line, amount, value_date }],
            ));
        }
        let mut decision = taken?;
        if self.off != Some(Guard::BothOrNeither) {
            for (line, answer) in run.matched(&remittance, today())?.new {
                decision.extend(self.follow(place, &line, answer)?);
            }
        }
        Ok(decision)
    }

    /// As the app has it: the grant, and the fund where money was spent or came back.
    fn follow(&mut self, place: usize, line: &Line, answer: BankAnswer) -> Result<Decision, Refused> {
        self.given += 1;
        let (replacement, in_run) = (id(self.given), in_run(place, line));
        let (command, of_fund) = match answer {
            BankAnswer::Paid { value_date } => (
                GrantCommand::ConfirmInRun { line: in_run, amount: line.amount, value_date },
                self.spend(line.grant, line.instalment, line.amount)?,
            ),
            BankAnswer::Returned { value_date, bank_code } if line.status == LineStatus::Confirmed => {
                let (grant, instalment) = (line.grant, line.instalment);
                let back = FundCommand::ReturnExpenditure { grant, instalment, value_date };
                (
                    GrantCommand::ReturnInRun { line: in_run, value_date, bank_code, replacement },
                    facts(id::<FundId>(FUND), judge(&self.fund, back, &at(MAKER))?),
                )
            }
            BankAnswer::Rejected { bank_code } | BankAnswer::Returned { bank_code, .. } => {
                (GrantCommand::RejectInRun { line: in_run, bank_code, replacement }, Vec::new())
            }
        };
        // Each line is of an instalment of its own, so what one says of a grant does not stand in the way of another.
        let of_grant = facts(line.grant, judge(&self.grants[&line.grant], command, &at(MAKER))?);
        Ok([of_grant, of_fund].concat())
    }
}

fn in_run(place: usize, line: &Line) -> RunLine {
    RunLine { instalment: line.instalment, run: run_id(place), line: line.number }
}

fn broken(off: Option<Guard>, steps: &[Step], answers: &mut [u32; 3]) -> BTreeSet<&'static str> {
    let mut bank = Bank::without(off);
    let mut broken: BTreeSet<&str> = bank.books.breaches().into_iter().map(|breach| breach.law).collect();
    for step in steps {
        if bank.take(*step).is_ok() {
            broken.extend(bank.books.breaches().into_iter().map(|breach| breach.law));
        }
    }
    for (sum, one) in answers.iter_mut().zip(bank.answers) {
        *sum += one;
    }
    broken
}

#[test]
fn runs_keep_every_law_whatever_the_bank_says() {
    let answers = std::cell::RefCell::new([0; 3]);
    let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
    let told = TestRunner::new(config).run(&histories(), |steps| {
        let broken = broken(None, &steps, &mut answers.borrow_mut());
        if broken.is_empty() { Ok(()) } else { Err(TestCaseError::fail(format!("{broken:?}"))) }
    });
    if let Err(why) = told {
        panic!("{why}");
    }
    let answers = answers.into_inner();
    println!("{answers:?} lines paid, rejected and returned");
    assert!(answers.iter().all(|count| *count > 100), "hardly any: {answers:?}");
}

#[test]
fn the_law_of_runs_breaks_when_a_guard_is_left_out() {
    for guard in [Guard::OneRun, Guard::FileIsTheRun, Guard::AnsweredOnce, Guard::BothOrNeither] {
        let config = Config { cases: HISTORIES, failure_persistence: None, ..Config::default() };
        let same_every_time = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let told = TestRunner::new_with_rng(config, same_every_time).run(&histories(), |steps| {
            let fails = broken(Some(guard), &steps, &mut [0; 3]).contains("L8");
            if fails { Err(TestCaseError::fail("L8 is broken")) } else { Ok(()) }
        });
        let Err(TestError::Fail(_, steps)) = told else { panic!("without {guard:?} nothing breaks L8") };
        assert_eq!(broken(None, &steps, &mut [0; 3]), BTreeSet::new(), "with {guard:?} nothing breaks");
        println!("without {guard:?}: L8 after {} steps", steps.len());
    }
}
