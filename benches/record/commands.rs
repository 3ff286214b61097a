//! Commands a second: each loads a fund of about ten events and appends two. The same rounds for the store as it is,
//! for stock postgres-es with one view, and for pgbench, which only selects and inserts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::GenericQuery;
use cqrs_es::{EventEnvelope, View};
use postgres_es::{PostgresCqrs, PostgresViewRepository, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sidebyside::domain::calendar::FinancialYear;
use sidebyside::domain::fund::{Fund, FundCommand, FundEvent};
use sidebyside::domain::{Aggregate, Circumstances, Refused, judge};
use sidebyside::projections;
use sidebyside::store::append::Draft;
use sidebyside::store::cqrs::Happened;
use sidebyside::store::database::{APP, OWNER, app_pool, migrate};
use sidebyside::store::embedded::{SUPERUSER, Server, make_database};
use sidebyside::store::log::Envelope;
use sidebyside::store::{Store, Trouble};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool};

use super::measuring::{Cpu, Ratio, Sample, median, start};
use super::seeding::{envelope, fill, new_id};
use super::town::{FUND_ID, allocated, fund_id, gbp, reduced, stored_name, ten_events, words, year};

/// The table and the view of postgres-es 0.5, as its `db/init.sql` makes them.
const STOCK_TABLES: &str = "
    CREATE TABLE events
    (
        aggregate_type text                         NOT NULL,
        aggregate_id   text                         NOT NULL,
        sequence       bigint CHECK (sequence >= 0) NOT NULL,
        event_type     text                         NOT NULL,
        event_version  text                         NOT NULL,
        payload        json                         NOT NULL,
        metadata       json                         NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence)
    );
    CREATE TABLE fund_view
    (
        view_id text                        NOT NULL,
        version bigint CHECK (version >= 0) NOT NULL,
        payload json                        NOT NULL,
        PRIMARY KEY (view_id)
    );";

/// What pgbench does for a command: the same SELECT, and one INSERT of two rows, which is a transaction by itself.
const SCRIPT: &str = r"
\set i :i + 1
\set s :first + :client_id * :each + (:i * 7919) % :each
SELECT sequence, event_type, event_version, payload, metadata FROM events WHERE aggregate_type = 'fund' AND aggregate_id = :prefix::text || lpad(:s::text, 12, '0') ORDER BY sequence \aset
INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) VALUES ('fund', :prefix::text || lpad(:s::text, 12, '0'), :sequence::bigint + 1, :type1, '1', :payload1::json, :note::json), ('fund', :prefix::text || lpad(:s::text, 12, '0'), :sequence::bigint + 2, :type2, '1', :payload2::json, :note::json)
";

/// Not a divisor of how many commands a client makes: its funds are taken in scattered order, each once.
const STRIDE: u64 = 7919;

/// So many clients, each making so many commands, each on a fund of its own from the first one on.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    pub clients: u64,
    pub each: u64,
    pub first: u64,
}

impl Round {
    fn commands(self) -> u64 {
        self.clients * self.each
    }

    /// The fund of a client's nth command.
    fn fund(self, client: u64, nth: u64) -> u64 {
        self.first + client * self.each + (nth * STRIDE) % self.each
    }
}

/// What takes part, in the order of the table.
pub const NAMES: [&str; 4] = [
    "ours, every fund loaded from the log",
    "ours, 400 funds in use (kept in memory)",
    "stock postgres-es with one view",
    "pgbench: the same SELECT and INSERT",
];
const COLD: usize = 0;
const HOT: usize = 1;
const STOCK: usize = 2;
const PGBENCH: usize = 3;
/// How many funds are in use in the second row.
const IN_USE: u64 = 400;

/// The samples of every row, by number of clients.
pub type Results = BTreeMap<u64, [Vec<Sample>; 4]>;

/// Make the databases, fill them, and let all take turns.
pub async fn run(server: &Server, repetitions: u64) -> anyhow::Result<Results> {
    let plans = [Round { clients: 16, each: 400, first: 0 }, Round { clients: 1, each: 1200, first: 0 }];
    // One more than is counted, for connections and caches.
    let rounds = repetitions + 1;
    let funds: u64 = plans.iter().map(|plan| plan.commands() * rounds).sum();
    let contest = Contest::prepare(server, funds).await?;
    let mut results = Results::new();
    let mut first = 0;
    for plan in plans {
        let rows = results.entry(plan.clients).or_default();
        for repetition in 0..rounds {
            let round = Round { first, ..plan };
            first += plan.commands();
            for turn in 0..NAMES.len() {
                // Nobody always comes after the same one.
                let row = (turn + usize::try_from(repetition)?) % NAMES.len();
                if std::env::var("BENCH_ROWS").is_ok_and(|r| !r.contains(&row.to_string())) {
                    continue;
                }
                let Some(sample) = contest.measure(row, round).await? else { continue };
                if repetition > 0 {
                    rows[row].push(sample);
                }
            }
        }
    }
    Ok(results)
}

struct Contest {
    process: u32,
    ours: Store,
    busy: u64,
    stock: Arc<PostgresCqrs<Pair>>,
    pgbench: Option<Pgbench>,
}

impl Contest {
    async fn prepare(server: &Server, funds: u64) -> anyhow::Result<Self> {
        let superuser = server.options(SUPERUSER, "postgres");
        for name in ["commands", "stock", "plain"] {
            make_database(&superuser, name).await?;
        }
        let owner = server.options(OWNER, "commands");
        migrate(&owner).await?;
        fill(&owner, (0..funds + IN_USE).map(ten_events)).await?;
        let pool = PgPoolOptions::new().max_connections(4).connect_with(owner).await?;
        projections::install(&pool).await?;
        pool.close().await;
        let ours = projections::open_store(app_pool(&server.options(APP, "commands"), 16).await?);

        for name in ["stock", "plain"] {
            fill_stock(&server.options(OWNER, name), funds).await?;
        }
        // The pool is like ours, and needs no round trip to look whether a connection lives, as sqlx else would.
        let pool = app_pool(&server.options(OWNER, "stock"), 16).await?;
        let mut connection = superuser.connect().await?;
        connection.execute("CHECKPOINT").await?;
        connection.close().await?;
        Ok(Self {
            process: server.process(),
            ours,
            busy: funds,
            stock: Arc::new(stock(pool)),
            pgbench: Pgbench::find(server, &server.options(OWNER, "plain")),
        })
    }

    async fn measure(&self, row: usize, round: Round) -> anyhow::Result<Option<Sample>> {
        if row == HOT {
            self.warm().await?;
        }
        let (clock, cpu) = (start(), Cpu::so_far(self.process)?);
        let mut seconds = None;
        match row {
            COLD => all(round, |client| decide(self.ours.clone(), round, client, None)).await?,
            HOT => all(round, |client| decide(self.ours.clone(), round, client, Some(self.busy))).await?,
            STOCK => all(round, |client| execute(Arc::clone(&self.stock), round, client)).await?,
            PGBENCH => {
                let Some(pgbench) = &self.pgbench else { return Ok(None) };
                seconds = Some(pgbench.run(round).await?);
            }
            _ => bail!("there is no row {row}"),
        }
        let seconds = seconds.unwrap_or_else(|| clock.seconds());
        Ok(Some(Sample::new(round.commands(), seconds, cpu.since(self.process)?)))
    }

    /// Look at each fund in use, so that it is in memory.
    async fn warm(&self) -> anyhow::Result<()> {
        for number in self.busy..self.busy + IN_USE {
            let id = fund_id(number);
            let looked = self.ours.decide::<Fund, (), Trouble, _>(envelope(false), id, None, |work| {
                Box::pin(async move {
                    work.existing::<Fund>(id).await?;
                    Err(Trouble::Conflict)
                })
            });
            if !matches!(looked.await, Err(Trouble::Conflict)) {
                bail!("the funds in use cannot be looked at");
            }
        }
        Ok(())
    }
}

/// Let every client do its part, at the same time.
async fn all<F>(round: Round, client: impl Fn(u64) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let clients: Vec<_> = (0..round.clients).map(|number| tokio::spawn(client(number))).collect();
    for client in clients {
        client.await??;
    }
    Ok(())
}

fn money_in_and_out() -> [FundCommand; 2] {
    [
        FundCommand::AllocateBudget {
            amount: gbp(120),
            year: year(),
            source: words("Cabinet minute 114 of 2026"),
        },
        FundCommand::ReduceBudget { amount: gbp(20), year: year(), source: words("Finance memo 22 of 2026") },
    ]
}

/// Ours: the store of the service, with all it does.
async fn decide(store: Store, round: Round, client: u64, busy: Option<u64>) -> anyhow::Result<()> {
    for nth in 1..=round.each {
        let id = fund_id(match busy {
            // The clients are far apart: as in the other rows, no two of them want the same fund at a time.
            Some(first) => first + (client * IN_USE / round.clients + nth * STRIDE) % IN_USE,
            None => round.fund(client, nth),
        });
        store
            .decide::<Fund, (), Trouble, _>(envelope(true), id, None, |work| {
                Box::pin(async move {
                    for command in money_in_and_out() {
                        work.execute::<Fund>(id, command).await?;
                    }
                    Ok(())
                })
            })
            .await?;
    }
    Ok(())
}

/// A fund for stock cqrs-es, where one command has to record both events.
#[derive(Default, Clone, Serialize, Deserialize)]
struct Pair {
    #[serde(skip)]
    fund: Fund,
}

impl cqrs_es::Aggregate for Pair {
    const TYPE: &'static str = Fund::TYPE;
    type Command = [FundCommand; 2];
    type Event = Happened<FundEvent>;
    type Error = Refused;
    type Services = Circumstances;

    async fn handle(
        &mut self,
        commands: [FundCommand; 2],
        at: &Circumstances,
        sink: &EventSink<Self>,
    ) -> Result<(), Refused> {
        for command in commands {
            for event in judge(&self.fund, command, at)? {
                sink.write(Happened(event), self).await;
            }
        }
        Ok(())
    }

    fn apply(&mut self, event: Happened<FundEvent>) {
        self.fund.evolve(&event.0);
    }
}

/// One view, as small as a view can be: the budget of each year.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Budgets {
    pence: BTreeMap<FinancialYear, i128>,
    movements: u64,
}

impl View<Pair> for Budgets {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the view looks at nothing else")]
    fn update(&mut self, event: &EventEnvelope<Pair>) {
        self.movements += 1;
        match &event.payload.0 {
            FundEvent::BudgetAllocated { amount, year, .. } => {
                *self.pence.entry(*year).or_default() += amount.pounds().mantissa();
            }
            FundEvent::BudgetReduced { amount, year, .. } => {
                *self.pence.entry(*year).or_default() -= amount.pounds().mantissa();
            }
            _ => {}
        }
    }
}

fn stock(pool: PgPool) -> PostgresCqrs<Pair> {
    let view = PostgresViewRepository::<Budgets, Pair>::new("fund_view", pool.clone());
    let query = GenericQuery::new(Arc::new(view));
    let Envelope { actor, effective_on: on, today, reason, .. } = envelope(true);
    postgres_cqrs(pool, vec![Box::new(query)], Circumstances { on, today, actor, reason })
}

async fn execute(stock: Arc<PostgresCqrs<Pair>>, round: Round, client: u64) -> anyhow::Result<()> {
    for nth in 1..=round.each {
        let id = fund_id(round.fund(client, nth)).to_string();
        let mut metadata = envelope(true).metadata();
        metadata.insert("event_id", new_id().to_string());
        let metadata = metadata.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        stock.execute_with_metadata(&id, money_in_and_out(), metadata).await?;
    }
    Ok(())
}

/// The same histories for a writer that knows seven columns.
async fn fill_stock(owner: &PgConnectOptions, funds: u64) -> anyhow::Result<()> {
    let mut connection = owner.connect().await?;
    connection.execute(STOCK_TABLES).await?;
    let note = note()?;
    let mut copy = connection.copy_in_raw("COPY events FROM STDIN").await?;
    let mut view = String::new();
    for number in 0..funds {
        let mut rows = String::new();
        for one in ten_events(number) {
            let (kind, stream) = (one.draft.fact.kind(), one.stream);
            rows.push_str(&format!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{note}\n",
                stream.kind, stream.id, one.sequence, kind.name, kind.version, one.draft.payload
            ));
        }
        copy.send(rows.into_bytes()).await?;
        view.push_str(&format!(
            "{}\t1\t{{\"pence\":{{\"2026/27\":2900000}},\"movements\":10}}\n",
            fund_id(number)
        ));
    }
    copy.finish().await?;
    let mut copy = connection.copy_in_raw("COPY fund_view (view_id, version, payload) FROM STDIN").await?;
    copy.send(view.into_bytes()).await?;
    copy.finish().await?;
    connection.execute("VACUUM (ANALYZE)").await?;
    connection.close().await?;
    Ok(())
}

/// Metadata of the size that ours has.
fn note() -> anyhow::Result<String> {
    let mut metadata = envelope(true).metadata();
    metadata.insert("event_id", new_id().to_string());
    Ok(serde_json::to_string(&metadata)?)
}

struct Pgbench {
    program: PathBuf,
    socket: PathBuf,
    database: String,
    payloads: [String; 2],
    note: String,
    script: tempfile::NamedTempFile,
}

impl Pgbench {
    /// It stands beside `postgres`, or on PATH; some packages leave it out.
    fn find(server: &Server, plain: &PgConnectOptions) -> Option<Self> {
        let major = server.version().split('.').next().unwrap_or_default();
        let named = std::env::var_os("SIDEBYSIDE_POSTGRES").map(PathBuf::from);
        let usual = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = named
            .into_iter()
            .chain([usual])
            .chain(std::env::split_paths(&path))
            .map(|folder| folder.join("pgbench"))
            .find(|program| program.is_file())?;
        let script = tempfile::NamedTempFile::new().ok()?;
        std::fs::write(script.path(), SCRIPT).ok()?;
        let payload = |event| Draft::new(event).map(|draft| draft.payload).ok();
        Some(Self {
            program,
            socket: Path::new(server.socket()).to_owned(),
            database: plain.get_database()?.to_owned(),
            payloads: [payload(allocated(120))?, payload(reduced(20))?],
            note: note().ok()?,
            script,
        })
    }

    /// How many seconds it took by its own account, which leaves connecting out.
    async fn run(&self, round: Round) -> anyhow::Result<f64> {
        let variables = [
            ("i", "0".to_owned()),
            ("first", round.first.to_string()),
            ("each", round.each.to_string()),
            ("prefix", FUND_ID.to_owned()),
            ("type1", stored_name(&allocated(120)).0.to_owned()),
            ("type2", stored_name(&reduced(20)).0.to_owned()),
            ("payload1", self.payloads[0].clone()),
            ("payload2", self.payloads[1].clone()),
            ("note", self.note.clone()),
        ];
        let mut command = tokio::process::Command::new(&self.program);
        for (name, value) in variables {
            command.arg("-D").arg(format!("{name}={value}"));
        }
        let output = command
            .args(["-n", "-M", "prepared", "-j", if round.clients > 1 { "2" } else { "1" }])
            .args(["-c", &round.clients.to_string(), "-t", &round.each.to_string()])
            .arg("-h")
            .arg(&self.socket)
            .args(["-U", OWNER, "-f"])
            .arg(self.script.path())
            .arg(&self.database)
            .stdin(Stdio::null())
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let done = format!("actually processed: {0}/{0}", round.commands());
        if !output.status.success() || !said.contains(&done) {
            bail!("pgbench failed: {said}\n{}", String::from_utf8_lossy(&output.stderr));
        }
        let rate = said.split("tps = ").nth(1).and_then(|rest| rest.split(' ').next());
        let rate: f64 = rate.context("pgbench did not say how fast it was")?.parse()?;
        Ok(round.commands() as f64 / rate)
    }
}

/// The tables for people.
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    for (clients, rows) in results.iter().rev() {
        text.push_str(&format!(
            "\n| {clients} client{}: load 10 events, append 2 | commands/s | x stock | x pgbench | CPU µs a command | of it in the database |\n\
             |---|---|---|---|---|---|\n",
            if *clients == 1 { "" } else { "s" }
        ));
        for (name, samples) in NAMES.iter().zip(rows) {
            if samples.is_empty() {
                text.push_str(&format!("| {name} | not found | | | | |\n"));
                continue;
            }
            text.push_str(&format!(
                "| {name} | {:.0} | {} | {} | {:.0} | {:.0} |\n",
                median(samples.iter().map(|sample| sample.per_second)),
                Ratio::of(samples, &rows[STOCK]),
                Ratio::of(samples, &rows[PGBENCH]),
                median(samples.iter().map(|sample| sample.cpu_micros)),
                median(samples.iter().map(|sample| sample.database_micros)),
            ));
        }
    }
    text
}
