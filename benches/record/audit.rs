//! Events a second of what auditors and data teams rest on: sealing, full verification, an evidence bundle, and catching up
//! on the feed; beside plain SHA-256 of the same bytes and beside letting the log out with COPY.

use std::path::Path;

use async_graphql::{Request, Value, Variables};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sidebyside::app::laws;
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity};
use sidebyside::domain::identity::{PersonId, Role};
use sidebyside::exports::evidence::{BundleTrouble, Holding, Verdict, Writer, check};
use sidebyside::graphql::{Api, api};
use sidebyside::projections::{self, build};
use sidebyside::store::Trouble;
use sidebyside::store::check::check_log;
use sidebyside::store::copy::stored;
use sidebyside::store::database::{APP, OWNER, SEALER, app_pool, migrate, sealer_pool};
use sidebyside::store::embedded::{SUPERUSER, Server, make_database};
use sidebyside::store::log::Stored;
use sidebyside::store::seal::{SealKey, Sealed, Sealer, Turns, check_seals, latest};
use sidebyside::store::vault::Vault;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool};
use uuid::Uuid;

use super::measuring::{Cpu, Ratio, Sample, median, start};
use super::rebuilding::{Exactly, copy_out};
use super::seeding::fill;

/// How many events a bundle has at most.
const IN_A_BUNDLE: u64 = 100_000;
/// What is asked of the feed, page after page.
const FEED: &str = "query($after: Int) { eventFeed(after: $after, first: 500) { index cloudEvent } }";

/// What is measured, in the order of the table.
const ROWS: [&str; 8] = [
    "sealing the whole log: every leaf again, and a signature",
    "checking the log and its seals (half of `verify`)",
    "checking books and projections (the other half)",
    "an evidence bundle, written",
    "an evidence bundle, checked",
    "the feed, caught up with page by page",
    "plain SHA-256 of the same bytes",
    "`COPY events TO STDOUT`",
];

/// What was measured.
pub struct Results {
    events: u64,
    bundled: u64,
    rows: [Vec<Sample>; 8],
}

/// A log to look at, and a shorter one for bundles.
struct Place<'s> {
    server: &'s Server,
    name: &'static str,
    pool: PgPool,
    owner: PgPool,
    events: u64,
}

impl<'s> Place<'s> {
    async fn with(server: &'s Server, name: &'static str, events: u64) -> anyhow::Result<Self> {
        make_database(&server.options(SUPERUSER, "postgres"), name).await?;
        let options = server.options(OWNER, name);
        migrate(&options).await?;
        fill(&options, Exactly { left: events, towns: 0 }).await?;
        let owner = PgPoolOptions::new().max_connections(4).connect_with(options).await?;
        projections::install(&owner).await?;
        owner.execute("ANALYZE").await?;
        let pool = app_pool(&server.options(APP, name), 4).await?;
        Ok(Self { server, name, pool, owner, events })
    }

    /// As if nothing had been sealed yet: the key is a new one, and what another signed is taken away.
    async fn unsealed(&self, folder: &Path, round: u64) -> anyhow::Result<Sealer> {
        let mut superuser = self.server.options(SUPERUSER, self.name).connect().await?;
        superuser
            .execute("ALTER TABLE seal.checkpoint DISABLE TRIGGER ALL; TRUNCATE seal.checkpoint")
            .await?;
        superuser.close().await?;
        let key = SealKey::make_file(&folder.join(format!("{}-{round}.key", self.name)), "sidebyside/bench")?;
        Ok(Sealer::open(sealer_pool(&self.server.options(SEALER, self.name)).await?, key).await?)
    }

    async fn seal(&self, sealer: &mut Sealer) -> anyhow::Result<Sealed> {
        sealer.seal().await?;
        let sealed =
            latest(&self.pool, None).await?.filter(|sealed| sealed.size.unsigned_abs() == self.events);
        sealed.ok_or_else(|| anyhow::anyhow!("not everything was sealed"))
    }

    async fn log_is_whole(&self, sealer: &Sealer) -> anyhow::Result<()> {
        let report = check_log(&self.pool, &|_| {}).await?;
        let turns = Turns::of(&self.pool, sealer.public()).await?;
        let seals = check_seals(&self.pool, Some(turns), &[]).await?;
        anyhow::ensure!(report.findings.is_empty() && seals.findings.is_empty(), "the log does not hold");
        anyhow::ensure!(report.events == i64::try_from(self.events)?, "not every event was checked");
        Ok(())
    }

    async fn rest_is_whole(&self) -> anyhow::Result<()> {
        let store = projections::open_store(self.pool.clone());
        let (_, breaches) = laws::check(&store, i64::try_from(self.events)?).await?;
        let differences = build::compare(&self.owner, &|_, _| {}).await?;
        anyhow::ensure!(breaches.is_empty() && differences.is_empty(), "the books do not hold");
        Ok(())
    }

    async fn bundle(&self, folder: &Path, sealed: &Sealed, sealer: &Sealer) -> anyhow::Result<()> {
        let mut writer = Writer::begin(folder)?;
        let copied: Result<(), BundleTrouble> =
            stored(&self.pool, sealed.size, |event| writer.take(event)).await;
        copied?;
        writer.finish(&sealed.note, &[], &[], sealer.public())?;
        Ok(())
    }

    fn api(&self) -> Api {
        let store = projections::open_store(self.pool.clone());
        let accounts = Accounts::new(self.pool.clone(), Chance::SYSTEM);
        api(App::new(store, accounts, Vault::new(self.pool.clone(), None), Surroundings::SYSTEM))
    }

    async fn catch_up(&self, api: &Api) -> anyhow::Result<()> {
        let (person, name) = (PersonId(Uuid::from_u128(0x9001)), "Ola Auditor".to_owned());
        let auditor = Identity { person, name, role: Role::Auditor, partner: None };
        let mut next = 0_u64;
        loop {
            let after = i64::try_from(next)? - 1;
            let variables = Variables::from_json(json!({ "after": after }));
            let answer = api.execute(Request::new(FEED).variables(variables).data(auditor.clone())).await;
            anyhow::ensure!(answer.errors.is_empty(), "{:?}", answer.errors);
            let Value::Object(data) = &answer.data else { anyhow::bail!("no data") };
            let Some(Value::List(page)) = data.get("eventFeed") else { anyhow::bail!("no page") };
            if page.is_empty() {
                anyhow::ensure!(next == self.events, "the feed had {next} events of {}", self.events);
                return Ok(());
            }
            next += page.len() as u64;
        }
    }

    /// What a leaf is made of, event by event.
    async fn bytes(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        let bytes = |event: &Stored| {
            [event.payload.as_str(), &event.metadata, &event.nonce, &event.stream_id, &event.event_type]
                .concat()
        };
        let copied: Result<(), Trouble> = stored(&self.pool, i64::try_from(self.events)?, |event| {
            all.push(bytes(event).into_bytes());
            Ok(())
        })
        .await;
        copied?;
        Ok(all)
    }
}

/// What one round of something costs, an event.
macro_rules! measured {
    ($into:expr, $process:expr, $events:expr, $work:expr) => {{
        let (clock, cpu) = (start(), Cpu::so_far($process)?);
        let worked = $work;
        let seconds = clock.seconds();
        $into.push(Sample::new($events, seconds, cpu.since($process)?));
        worked
    }};
}

/// Fill the logs, and let all take turns.
pub async fn run(server: &Server, events: u64, repetitions: u64, folder: &Path) -> anyhow::Result<Results> {
    let bundled = events.min(IN_A_BUNDLE);
    let whole = Place::with(server, "audited", events).await?;
    let short = Place::with(server, "bundled", bundled).await?;
    let (bytes, api, process) = (whole.bytes().await?, whole.api(), server.process());
    let mut results = Results { events, bundled, rows: Default::default() };
    for round in 0..repetitions {
        let [seal, log, rest, written, checked, feed, sha, copy] = &mut results.rows;
        let mut sealer = whole.unsealed(folder, round).await?;
        measured!(seal, process, events, whole.seal(&mut sealer).await?);
        measured!(log, process, events, whole.log_is_whole(&sealer).await?);
        measured!(rest, process, events, whole.rest_is_whole().await?);
        let mut other = short.unsealed(folder, round).await?;
        let sealed = short.seal(&mut other).await?;
        let out = folder.join(format!("bundle-{round}"));
        measured!(written, process, bundled, short.bundle(&out, &sealed, &other).await?);
        let holding = Holding {
            key: other.public().clone(),
            checkpoints: Vec::new(),
            receipts: Vec::new(),
            witnesses: Vec::new(),
            not_older_than: None,
        };
        let verdict = measured!(checked, process, bundled, check(&out, &holding, &|_| {})?);
        anyhow::ensure!(matches!(verdict, Verdict::Holds(_)), "the bundle does not hold: {verdict:?}");
        std::fs::remove_dir_all(&out)?;
        measured!(feed, process, events, whole.catch_up(&api).await?);
        let digests = measured!(sha, process, events, bytes.iter().map(Sha256::digest).collect::<Vec<_>>());
        anyhow::ensure!(digests.len() as u64 == events, "not every event was hashed");
        measured!(copy, process, events, copy_out(&whole.pool).await?);
    }
    Ok(results)
}

/// The table for people.
pub fn table(results: &Results) -> String {
    let Results { events, bundled, rows } = results;
    let [.., sha, copy] = rows;
    let mut told = format!(
        "\n| {events} events, bundles of {bundled} | events/s | x SHA-256 | x COPY | CPU µs an event |\n|---|---|---|---|---|\n"
    );
    for (name, samples) in ROWS.iter().zip(rows) {
        told += &format!(
            "| {name} | {:.0} | {} | {} | {:.2} |\n",
            median(samples.iter().map(|sample| sample.per_second)),
            Ratio::of(samples, sha),
            Ratio::of(samples, copy),
            median(samples.iter().map(|sample| sample.cpu_micros)),
        );
    }
    told
}
