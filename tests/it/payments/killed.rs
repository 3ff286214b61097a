//! A process killed in the middle of payment runs, fifty times: nothing is paid twice, nothing it acknowledged is lost,
//! and the next process goes on from where the record stands.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::str::FromStr as _;
use std::time::Duration;

use sidebyside::app::ledger::books;
use sidebyside::app::payments::RunStep;
use sidebyside::app::{App, Done, Failure, How, Surroundings};
use sidebyside::auth::{Accounts, Chance};
use sidebyside::domain::Reason;
use sidebyside::domain::identity::{GrantId, InstalmentId, PersonId, RunId};
use sidebyside::domain::payment_run::{LineStatus, RunStatus};
use sidebyside::domain::text::Text;
use sidebyside::exports::{payment_file, remittance};
use sidebyside::projections;
use sidebyside::projections::grants::Filter;
use sidebyside::projections::payments::{PaymentRunRecord, RunFilter};
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::embedded::connect_options;
use sidebyside::store::vault::{MasterKey, Vault};
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use uuid::Uuid;

use super::*;

/// Names the database and the people to the process that is to be killed.
const PAYER: &str = "SIDEBYSIDE_TEST_PAYER";
/// How often it is killed.
const KILLS: usize = 50;
/// How many runs one process has in hand at a time.
const AT_ONCE: usize = 3;

/// Somebody who works at payments until the process is killed.
#[derive(Clone)]
struct Payer {
    app: App,
    authoriser: Identity,
    approver: Identity,
    maker: Identity,
    releaser: Identity,
}

fn how() -> How {
    How {
        command: Some(Uuid::now_v7()),
        reason: Some(Reason::new("For a test, all invented.").unwrap()),
        ..How::default()
    }
}

impl Payer {
    async fn from(named: &str) -> Self {
        let words: Vec<&str> = named.split(' ').collect();
        let server = match std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()) {
            Some(url) => PgConnectOptions::from_str(&url).unwrap().username(APP).database(words[1]),
            None => connect_options(Path::new(words[0]), APP, words[1]),
        };
        let pool = app_pool(&server, 8).await.unwrap();
        let vault = Vault::new(pool.clone(), Some(MasterKey::from_hex(&"5e".repeat(32)).unwrap()));
        let accounts = Accounts::new(pool.clone(), Chance::SYSTEM);
        let app = App::new(projections::open_store(pool), accounts, vault, Surroundings::SYSTEM);
        let person = |place: usize, role| Identity {
            person: PersonId(words[place].parse().unwrap()),
            name: "Somebody".to_owned(),
            role,
            partner: None,
        };
        Self {
            app: app.on_day(PAY_ON.parse().unwrap()),
            authoriser: person(2, Role::Commissioner),
            approver: person(3, Role::Approver),
            maker: person(4, Role::Finance),
            releaser: person(5, Role::Finance),
        }
    }

    /// Bring a run one step further, or begin one. Turned down is what another of us was faster with.
    async fn step(&self, place: usize) -> Result<Done, Failure> {
        let (runs, _) =
            self.app.payment_runs(&self.maker, &RunFilter { limit: 500, ..RunFilter::default() }).await?;
        let waiting =
            |run: &PaymentRunRecord| !matches!(run.status, RunStatus::Reconciled | RunStatus::Voided);
        let ours = runs.iter().filter(|(id, _)| id.as_u128() % AT_ONCE as u128 == place as u128);
        if let Some((id, run)) = ours.clone().find(|(_, run)| waiting(run)) {
            return self.further(RunId(*id), run).await;
        }
        if self.app.payable(&self.maker, None, 3).await?.is_empty() {
            let bounced = ours.clone().find(|(_, run)| run.tally(LineStatus::Confirmed).lines > 0);
            return match (self.authorise_one().await, bounced) {
                (None, Some((id, run))) => self.bounce(RunId(*id), run).await,
                (Some(done), _) => done,
                (None, None) => self.open().await,
            };
        }
        self.open().await
    }

    async fn open(&self) -> Result<Done, Failure> {
        let title = Text::new("A run that may be cut short")?;
        self.app.open_payment_run(&self.maker, &how(), (title, PAY_ON.parse().unwrap())).await
    }

    async fn further(&self, id: RunId, run: &PaymentRunRecord) -> Result<Done, Failure> {
        let step = |who, step| async move { self.app.step_with_payment_run(who, &how(), id, step).await };
        match run.status {
            RunStatus::Open if run.lines.is_empty() => {
                let payable = self.app.payable(&self.maker, None, 5).await?;
                let wanted: Vec<_> =
                    payable.iter().map(|one| (GrantId(one.grant_id), InstalmentId(one.instalment))).collect();
                if wanted.is_empty() {
                    if let Some(done) = self.authorise_one().await {
                        return done;
                    }
                    return self.app.void_payment_run(&self.maker, &how(), id).await;
                }
                self.app.add_to_payment_run(&self.maker, &how(), id, wanted).await
            }
            RunStatus::Open => step(&self.approver, RunStep::Approve).await,
            RunStatus::Approved if run.lines.len() == 4 => {
                self.app.void_payment_run(&self.maker, &how(), id).await
            }
            RunStatus::Approved => step(&self.releaser, RunStep::Release).await,
            RunStatus::Released => {
                let exported = self.app.export_payment_run(&self.maker, &how(), id, payment_file::FORM).await;
                exported.map(|(done, _)| done)
            }
            _ if run.tally(LineStatus::Pending).lines == 0 => step(&self.maker, RunStep::Reconcile).await,
            RunStatus::None | RunStatus::Exported | RunStatus::Reconciled | RunStatus::Voided => {
                self.answer(id, run).await
            }
        }
    }

    /// The bank answers for some of the lines that wait.
    async fn answer(&self, id: RunId, run: &PaymentRunRecord) -> Result<Done, Failure> {
        let waiting = run.lines.iter().filter(|line| line.status == LineStatus::Pending).take(3);
        let rows: Vec<String> = waiting
            .map(|line| {
                let amount = line.amount.pounds().to_string();
                if line.number % 3 == 0 {
                    rejected(&run.reference, line.number, &amount)
                } else {
                    paid(&run.reference, line.number, &amount)
                }
            })
            .collect();
        self.load(id, &rows).await
    }

    /// Something that was paid comes back, so that there is always something to pay.
    async fn bounce(&self, id: RunId, run: &PaymentRunRecord) -> Result<Done, Failure> {
        let paid = run.lines.iter().filter(|line| line.status == LineStatus::Confirmed);
        let rows: Vec<String> = paid
            .map(|line| {
                let amount = line.amount.pounds().to_string();
                returned(&run.reference, line.number, &amount).replace(LATER, PAY_ON)
            })
            .collect();
        self.load(id, &rows).await
    }

    async fn load(&self, id: RunId, rows: &[String]) -> Result<Done, Failure> {
        let answer = remittance::read(answer_text(rows).as_bytes())?;
        self.app.load_remittance(&self.maker, &how(), id, answer).await.map(|(done, _)| done)
    }

    /// Authorise the first instalment that is planned and not yet authorised, where there is one.
    async fn authorise_one(&self) -> Option<Result<Done, Failure>> {
        let filter = Filter { limit: 100, ..Filter::default() };
        let (grants, _) = self.app.grants(&self.authoriser, filter).await.ok()?;
        let planned = grants.iter().find_map(|(id, grant)| {
            let open = |one: &&projections::grants::InstalmentRecord| {
                one.pay_on.is_none() && one.closed_on.is_none()
            };
            grant.instalments.iter().find(open).map(|one| (GrantId(*id), one.id))
        });
        let (grant, instalment) = planned?;
        let pay = (instalment, PAY_ON.parse().unwrap());
        Some(self.app.authorise_instalment(&self.authoriser, &how(), grant, pay).await)
    }
}

#[tokio::test]
#[ignore = "a process of its own, run by the test of this file"]
async fn payer() {
    let Ok(named) = std::env::var(PAYER) else { return };
    let payer = Payer::from(&named).await;
    for place in 0..AT_ONCE {
        let payer = payer.clone();
        tokio::spawn(async move {
            loop {
                match payer.step(place).await {
                    Ok(done) => {
                        let (command, leaf) = (done.command.0, hex::encode(done.receipt.leaf_hash));
                        writeln!(std::io::stdout(), "\npayer: {command} {} {leaf}", done.receipt.index)
                            .unwrap();
                    }
                    Err(failure @ (Failure::Broken(_) | Failure::Invalid(_) | Failure::Forbidden(_))) => {
                        writeln!(std::io::stdout(), "\nbroken: {failure:?}").unwrap();
                    }
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        });
    }
    // Until it is killed.
    std::future::pending::<()>().await;
}

/// Let a process work until it acknowledged so much, and then a little longer; what it acknowledged.
async fn cut_short(named: &str, enough: usize, longer: Duration) -> Vec<String> {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "payments::killed::payer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(PAYER, named)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    // What it said before it was killed and we had not read yet, was acknowledged as well.
    while let Some(line) = said.next_line().await.unwrap() {
        assert!(!line.starts_with("broken: "), "{line}");
        if let Some(words) = line.strip_prefix("payer: ").filter(|words| words.len() >= 36 + 64) {
            told.push(words.to_owned());
            if told.len() == enough {
                tokio::time::sleep(longer).await;
                child.start_kill().unwrap();
            }
        }
    }
    assert!(!child.wait().await.unwrap().success());
    assert!(told.len() >= enough, "it was killed, it did not end");
    told
}

#[tokio::test]
async fn a_process_killed_in_mid_run_fifty_times_pays_nothing_twice_and_loses_nothing() {
    let town = Town::new().await;
    let mut awarded = 0;
    for partner in [0, 1, 0, 1] {
        let (_, instalments) = town.grant(&town.partners[partner], &["1.00"; 6]).await;
        awarded += i64::try_from(instalments.len()).unwrap();
    }
    let People { authoriser, approver, maker, releaser, .. } = &town.people;
    let server = town.world.database.options_as(APP);
    let socket = server.get_socket().map(|path| path.display().to_string()).unwrap_or_default();
    let people = [authoriser, approver, maker, releaser].map(|who| who.person.to_string()).join(" ");
    let named = format!("{socket} {} {people}", town.world.database.name);
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let longer = Duration::from_millis(u64::try_from(kill * 7 % 23).unwrap());
        acknowledged.extend(cut_short(&named, 4 + kill * 5 % 13, longer).await);
    }

    let owner = town.world.owner().await;
    let count = |sql: &'static str| {
        let owner = owner.clone();
        async move { sqlx::query_scalar::<_, i64>(sql).fetch_one(&owner).await.unwrap() }
    };
    for told in &acknowledged {
        let words: Vec<&str> = told.split(' ').collect();
        let found: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM public.events WHERE command_id = $1 AND index = $2 AND leaf_hash = $3",
        )
        .bind(words[0].parse::<Uuid>().unwrap())
        .bind(words[1].parse::<i64>().unwrap())
        .bind(hex::decode(words[2]).unwrap())
        .fetch_one(&owner)
        .await
        .unwrap();
        assert_eq!(found, 1, "{told}");
    }
    let events = "SELECT event_type, payload -> event_type AS fact, aggregate_id FROM public.events";
    let paid_twice = format!(
        "SELECT count(*) FROM (SELECT 1 FROM ({events}) AS one WHERE event_type = 'fund.expenditure_posted'
         GROUP BY fact ->> 'instalment' HAVING count(*) > 1) AS twice"
    );
    let answered_twice = format!(
        "SELECT count(*) FROM (SELECT 1 FROM ({events}) AS one
         WHERE event_type IN ('payment_run.line_confirmed', 'payment_run.line_rejected')
         GROUP BY aggregate_id, fact ->> 'line' HAVING count(*) > 1) AS twice"
    );
    for sql in [paid_twice, answered_twice] {
        assert_eq!(sqlx::query_scalar::<_, i64>(&sql).fetch_one(&owner).await.unwrap(), 0, "{sql}");
    }
    let confirmed =
        count("SELECT count(*) FROM public.events WHERE event_type = 'payment_run.line_confirmed'").await;
    let of_grants =
        count("SELECT count(*) FROM public.events WHERE event_type = 'grant.payment_confirmed'").await;
    let of_funds =
        count("SELECT count(*) FROM public.events WHERE event_type = 'fund.expenditure_posted'").await;
    assert_eq!((confirmed, confirmed), (of_grants, of_funds), "run, grants and fund say the same");
    let runs = count("SELECT count(*) FROM views.payment_run").await;
    println!("{} acknowledged, {runs} runs, {confirmed} payments", acknowledged.len());
    assert!(confirmed > 30 && runs > 20, "it was killed while it paid");

    let figures = town.figures().await;
    let sum = |pot: &str| figures[pot].as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
    assert_eq!(
        sum("committed") + sum("paid"),
        awarded.into(),
        "what was awarded is paid or still to be paid"
    );
    let size = town.world.size().await;
    let (read, books) = books(&town.world.store, size).await.unwrap();
    assert_eq!((read, books.breaches()), (size, Vec::new()));
    all_is_well(&town.world).await;
}
