//! Two processes award the last pounds of a fund at the same moment, a thousand times: one succeeds, the other is told
//! what remains, and no law is broken.
//!
//! They are two processes, not two stores in one, because that is what can go wrong in life: each has its own memory of
//! the fund, its own connections and its own writer, and nothing but the database between them.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::str::FromStr as _;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::try_join_all;
use serde_json::json;
use sidebyside::app::grants::Proposal;
use sidebyside::app::{App, Failure, How, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity};
use sidebyside::domain::Reason;
use sidebyside::domain::calendar::{Date, FinancialYear};
use sidebyside::domain::fund::{Fund, FundCommand, Opening as FundOpening, RecoveryRule};
use sidebyside::domain::grant::{Application, CriterionResult, Grant, GrantCommand, Panel};
use sidebyside::domain::identity::{
    Actor, FundId, GrantId, PartnerId, PersonId, ProgrammeId, Reference, ReferenceKind, Role,
};
use sidebyside::domain::money::Money;
use sidebyside::domain::partner::{Application as PartnerApplication, LegalForm, Partner, PartnerCommand};
use sidebyside::domain::places::{Area, Community};
use sidebyside::domain::programme::{Criterion, Limits, Opening, Programme, ProgrammeCommand, Route, Track};
use sidebyside::domain::text::Text;
use sidebyside::projections;
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::embedded::connect_options;
use sidebyside::store::log::Envelope;
use sidebyside::store::vault::Vault;
use sidebyside::store::{Store, Trouble};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use uuid::Uuid;

use crate::store::all_is_well;
use crate::world::World;

/// Names the database and the person to a process that races.
const RACER: &str = "SIDEBYSIDE_TEST_RACER";
/// How often they race.
const RACES: u32 = 1000;
/// What is in each fund, and what each of the two asks for: enough for either, not for both.
const BUDGET: u32 = 100;
const ASKED: [u32; 2] = [60, 70];
/// The partner of every grant, and the person who prepared them.
const PARTNER: PartnerId = PartnerId(Uuid::from_u128(0x5000));
const ASSESSOR: PersonId = PersonId(Uuid::from_u128(0x6000));

fn day(written: &str) -> Date {
    written.parse().unwrap()
}

fn pounds(amount: u32) -> Money {
    amount.to_string().parse().unwrap()
}

fn words<const MOST: usize>(written: &str) -> Text<MOST> {
    Text::new(written).unwrap()
}

/// The grant that a process asks for in a race.
fn grant(race: u32, racer: usize) -> GrantId {
    GrantId(Uuid::from_u128(0x7000_0000 + u128::from(race) * 2 + racer as u128))
}

fn envelope() -> Envelope {
    Envelope {
        command: Uuid::now_v7().into(),
        actor: Actor { person: ASSESSOR, role: Role::Commissioner },
        effective_on: day("2026-06-01"),
        today: day("2026-06-01"),
        reason: Some(words("Prepared for a race, all invented.")),
        correlation: None,
        causation: None,
    }
}

fn fund_opened(number: u32) -> FundCommand {
    FundCommand::Open(FundOpening {
        reference: Reference::new(ReferenceKind::Fund, 2026, number),
        name: words("Harbour fund (synthetic)"),
        funder: words("Example council"),
        restriction: None,
        spend_from: day("2026-04-01"),
        spend_to: day("2027-03-31"),
        recovery_rule: RecoveryRule::Recredit,
    })
}

fn programme_opened(number: u32, fund: FundId) -> ProgrammeCommand {
    let criterion = |code: &str| vec![Criterion { code: words(code), question: words("Is it so?") }];
    let (least, most) = (pounds(1), pounds(BUDGET));
    ProgrammeCommand::Open(Opening {
        reference: Reference::new(ReferenceKind::Programme, 2026, number),
        name: words("Small sparks"),
        fund,
        purpose: words("Belonging"),
        track: Track::Small,
        route: Route::OpenCall,
        limits: Limits { least, most, one_approver: most, reservation_days: 60, target_working_days: 10 },
        opens_on: day("2026-04-01"),
        closes_on: day("2026-12-31"),
        priorities: Vec::new(),
        required_checks: [].into(),
        eligibility: criterion("local"),
        scoring: criterion("reach"),
    })
}

/// The steps of a grant up to where it can be recommended.
fn grant_scored(number: u32, programme: ProgrammeId, fund: FundId) -> [GrantCommand; 4] {
    [
        GrantCommand::Submit(Application {
            reference: Reference::new(ReferenceKind::Grant, 2026, number),
            partner: PARTNER,
            programme,
            fund,
            title: words("Soup on Tuesdays"),
            purpose: words("A weekly meal, cooked and eaten together."),
            requested: pounds(BUDGET),
            places: [Area::SeftonSouth].into(),
            starts_on: day("2026-07-01"),
            ends_on: day("2026-12-31"),
            needs: Vec::new(),
            delivery: Vec::new(),
            criteria_version: 1,
        }),
        GrantCommand::JudgeEligibility {
            results: vec![CriterionResult { criterion: words("local"), met: true }],
            criteria: [words("local")].into(),
        },
        GrantCommand::AssignAssessor { assessor: ASSESSOR, only_one: false },
        GrantCommand::RecordScore {
            criterion: words("reach"),
            score: 4,
            justification: words("Many people nearby."),
            criteria: [words("reach")].into(),
        },
    ]
}

/// A fund with its last pounds, a programme, and two grants that wait to be recommended: one decision.
async fn prepare(store: &Store, race: u32) -> Result<(), Trouble> {
    let (fund, programme) = (FundId(Uuid::now_v7()), ProgrammeId(Uuid::now_v7()));
    let plan = store.decide::<Fund, (), Trouble, _>(envelope(), fund.0, None, move |work| {
        Box::pin(async move {
            work.execute::<Fund>(fund, fund_opened(race)).await?;
            let year = FinancialYear::of(day("2026-06-01"));
            let allocate =
                FundCommand::AllocateBudget { amount: pounds(BUDGET), year, source: words("Minute 1") };
            work.execute::<Fund>(fund, allocate).await?;
            work.execute::<Programme>(programme, programme_opened(race, fund)).await?;
            for racer in 0..2 {
                let number = race * 2 + u32::try_from(racer).unwrap();
                for step in grant_scored(number, programme, fund) {
                    work.execute::<Grant>(grant(race, racer), step).await?;
                }
            }
            Ok(())
        })
    });
    plan.await.map(drop)
}

async fn partner_applied(store: &Store) {
    let apply = PartnerCommand::Apply(PartnerApplication {
        reference: Reference::new(ReferenceKind::Partner, 2026, 1),
        name: words("Cooking together"),
        legal_form: LegalForm::Association,
        charity_number: None,
        company_number: None,
        areas: [Area::SeftonSouth].into(),
        communities: [Community::Carers].into(),
        summary: words("Weekly cooking and eating for unpaid carers."),
    });
    let plan = store.decide::<Partner, (), Trouble, _>(envelope(), PARTNER.0, None, move |work| {
        let apply = apply.clone();
        Box::pin(async move { work.execute::<Partner>(PARTNER, apply).await })
    });
    plan.await.unwrap();
}

fn microseconds() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process of its own, run by the test of this file"]
async fn racer() {
    let Ok(named) = std::env::var(RACER) else { return };
    let words: Vec<&str> = named.split(' ').collect();
    let server = match std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()) {
        Some(url) => PgConnectOptions::from_str(&url).unwrap().username(APP).database(words[1]),
        None => connect_options(Path::new(words[0]), APP, words[1]),
    };
    let pool = app_pool(&server, 4).await.unwrap();
    let (vault, accounts) = (Vault::new(pool.clone(), None), Accounts::new(pool.clone(), Chance::SYSTEM));
    let app = App::new(projections::open_store(pool), accounts, vault, Surroundings::SYSTEM);
    let app = app.on_day(day("2026-06-01"));
    let person = PersonId(words[2].parse().unwrap());
    let who = Identity { person, name: "Somebody".to_owned(), role: Role::Commissioner, partner: None };
    let racer: usize = words[3].parse().unwrap();
    // The one who started us says when.
    for line in std::io::stdin().lines() {
        let race: u32 = line.unwrap().parse().unwrap();
        let how = How {
            command: Some(Uuid::now_v7()),
            reason: Some(Reason::new("For a test, all invented.").unwrap()),
            ..How::default()
        };
        let amount = pounds(ASKED[racer]);
        let proposal = Proposal { amount, shares: Vec::new(), panel: Panel::default() };
        let began = microseconds();
        let told = match app.recommend_grant(&who, &how, grant(race, racer), proposal).await {
            Ok(_) => "won".to_owned(),
            Err(Failure::Refused(refused)) => format!("refused {} {}", refused.code, refused.sentence),
            Err(other) => format!("broken {other:?}"),
        };
        writeln!(std::io::stdout(), "\nracer: {race} {began} {} {told}", microseconds()).unwrap();
    }
}

/// A process that races, as the one who started it sees it.
struct Racer {
    child: Child,
    start: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

/// What one of the two answered: from when to when it was at work, and what came of it.
struct Run {
    began: u128,
    ended: u128,
    told: String,
}

impl Racer {
    fn new(named: &str) -> Self {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "races::racer", "--ignored", "--nocapture", "--test-threads=1"])
            .env(RACER, named)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { start: child.stdin.take().unwrap(), said, child }
    }

    async fn go(&mut self, race: u32) {
        self.start.write_all(format!("{race}\n").as_bytes()).await.unwrap();
    }

    async fn ran(&mut self, race: u32) -> Run {
        loop {
            let line = self.said.next_line().await.unwrap().expect("it answers every race");
            let Some(answer) = line.strip_prefix("racer: ") else { continue };
            let words: Vec<&str> = answer.splitn(4, ' ').collect();
            assert_eq!(words[0], race.to_string());
            let (began, ended) = (words[1].parse().unwrap(), words[2].parse().unwrap());
            return Run { began, ended, told: words[3].to_owned() };
        }
    }

    async fn stop(mut self) {
        drop(self.start);
        assert!(self.child.wait().await.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_award_the_last_pounds_leave_one_winner_a_thousand_times() {
    let world = World::new().await;
    partner_applied(&world.store).await;
    for some in (1..=RACES).collect::<Vec<_>>().chunks(50) {
        try_join_all(some.iter().map(|race| prepare(&world.store, *race))).await.unwrap();
    }
    let server = world.database.options_as(APP);
    let socket = server.get_socket().map(|path| path.display().to_string()).unwrap_or_default();
    let named = |racer: u32| {
        format!("{socket} {} {} {racer}", world.database.name, Uuid::from_u128(0x8000 + u128::from(racer)))
    };
    let (mut one, mut other) = (Racer::new(&named(0)), Racer::new(&named(1)));
    let (mut won, mut at_once) = ([0_u32; 2], 0_u32);
    for race in 1..=RACES {
        // Neither is always told first.
        if race % 2 == 0 {
            one.go(race).await;
            other.go(race).await;
        } else {
            other.go(race).await;
            one.go(race).await;
        }
        let runs = [one.ran(race).await, other.ran(race).await];
        let winner = usize::from(runs[0].told != "won");
        assert_eq!(runs[winner].told, "won", "race {race}: {} / {}", runs[0].told, runs[1].told);
        let (left, asked) = (BUDGET - ASKED[winner], ASKED[1 - winner]);
        let sentence = format!("£{left}.00 remains available in 2026/27: £{asked}.00 was asked for.");
        assert_eq!(
            runs[1 - winner].told,
            format!("refused fund.exceeds_available {sentence}"),
            "race {race}"
        );
        won[winner] += 1;
        at_once += u32::from(runs[0].began < runs[1].ended && runs[1].began < runs[0].ended);
    }
    one.stop().await;
    other.stop().await;
    println!("{} and {} won; {at_once} of {RACES} were at work at the same moment", won[0], won[1]);
    assert!(won.iter().all(|wins| *wins > 0), "each is the faster one now and then: {won:?}");
    assert!(at_once > RACES / 2, "they race: {at_once}");

    let auditor = world.somebody("Ola Auditor", Role::Auditor, None).await;
    let laws = world.ask(&auditor, "{ laws { holds laws { code breaches } } }", json!({})).await;
    assert_eq!(laws.data()["laws"]["holds"], true, "{:?}", laws.data());
    let reserved = "{ ledger { figures { reserved } } }";
    let reserved =
        world.ask(&auditor, reserved, json!({})).await.data()["ledger"][0]["figures"]["reserved"].clone();
    let given = won[0] * ASKED[0] + won[1] * ASKED[1];
    assert_eq!(reserved, json!(format!("{given}.00")), "what was given is what the winners asked for");
    all_is_well(&world).await;
}
