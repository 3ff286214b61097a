//! Reading the ledger: one fund with very many lines at two dates, and the page that shows it, beside the plain SQL on
//! the same tables; and what a command and a question cost as the history grows.

use anyhow::Context as _;
use async_graphql::{Request, Variables};
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity};
use sidebyside::domain::calendar::end_of_day_in_london;
use sidebyside::domain::fund::{Fund, FundCommand};
use sidebyside::domain::identity::{PersonId, Role};
use sidebyside::graphql::{Api, api};
use sidebyside::projections;
use sidebyside::projections::ledger::{By, Cut, totals};
use sidebyside::store::database::{APP, OWNER, app_pool, migrate};
use sidebyside::store::embedded::{SUPERUSER, Server, make_database};
use sidebyside::store::vault::Vault;
use sidebyside::store::{Store, Trouble};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor as _, PgPool};
use uuid::Uuid;

use super::measuring::{Cpu, Ratio, Sample, median, start};
use super::rebuilding::Exactly;
use super::seeding::{envelope, fill};
use super::town::{day, gbp, words, year};

/// The one fund with all the lines.
const FUND: Uuid = Uuid::from_u128(0xF00D);

/// What somebody sees who opens a fund's ledger.
const PAGE: &str = "query($id: UUID!, $early: Date!, $late: Date!) {
    then: ledger(cut: {fundId: $id, knownOn: $late, effectiveFor: $early}) { figures { ...all } }
    now: ledger(cut: {fundId: $id, effectiveFor: $late}) { figures { ...all } }
    years: ledger(cut: {fundId: $id}, by: YEAR) { reference figures { budget available committed spent } }
    programmes: ledger(cut: {fundId: $id}, by: PROGRAMME) { id figures { committed spent } }
    lines: ledgerLines(cut: {fundId: $id}, first: 50) {
        totalCount nodes { index movement amount year effectiveOn recordedAt } }
}
fragment all on Figures { budget available reserved committed paid returned recovered spent accrued forecast writtenOff }";

/// The same, as somebody would write it by hand.
const PLAIN_TOTALS: &str = "SELECT movement, sum(amount) FROM views.ledger_line
    WHERE fund = $1 AND recorded_at < $2 AND effective_on <= $3 GROUP BY movement";
const PLAIN_EXPECTED: &str = "SELECT coalesce(sum(e.amount) FILTER (WHERE e.due <= $3), 0),
    coalesce(sum(e.amount) FILTER (WHERE e.due > $3), 0)
    FROM views.ledger_expected AS e JOIN views.ledger_grant AS g ON g.grant_id = e.grant_id
    WHERE g.fund = $1 AND e.recorded_at < $2 AND e.effective_on <= $3";
const PLAIN_GROUPS: [&str; 2] = [
    "SELECT year::text, movement, sum(amount) FROM views.ledger_line WHERE fund = $1 GROUP BY 1, 2",
    "SELECT programme::text, movement, sum(amount) FROM views.ledger_line WHERE fund = $1 GROUP BY 1, 2",
];
const PLAIN_LINES: &str = "SELECT index, line, movement, amount, year, effective_on, recorded_at
    FROM views.ledger_line WHERE fund = $1 ORDER BY index, line LIMIT 51";
const PLAIN_COUNT: &str = "SELECT count(*) FROM views.ledger_line WHERE fund = $1";

/// What was measured.
pub struct Results {
    lines: u64,
    totals: [Vec<Sample>; 2],
    page: [Vec<Sample>; 2],
    sizes: [u64; 2],
    commands: [Vec<Sample>; 2],
    questions: [Vec<Sample>; 2],
}

/// A database with a ledger, and the service over it.
struct Place {
    store: Store,
    pool: PgPool,
    api: Api,
    auditor: Identity,
}

impl Place {
    /// A database with a history of so many events.
    async fn with(server: &Server, name: &str, events: u64) -> anyhow::Result<Self> {
        make_database(&server.options(SUPERUSER, "postgres"), name).await?;
        let owner = server.options(OWNER, name);
        migrate(&owner).await?;
        if events > 0 {
            fill(&owner, Exactly { left: events, towns: 0 }).await?;
        }
        let pool = PgPoolOptions::new().max_connections(4).connect_with(owner).await?;
        projections::install(&pool).await?;
        pool.execute("ANALYZE").await?;
        pool.close().await;
        let pool = app_pool(&server.options(APP, name), 4).await?;
        let store = projections::open_store(pool.clone());
        let accounts = Accounts::new(pool.clone(), Chance::SYSTEM);
        let app = App::new(store.clone(), accounts, Vault::new(pool.clone(), None), Surroundings::SYSTEM);
        let person = PersonId(Uuid::from_u128(0x9001));
        let auditor = Identity { person, name: "Ola Auditor".into(), role: Role::Auditor, partner: None };
        Ok(Self { store, pool, api: api(app), auditor })
    }

    async fn ask(&self, document: &str, variables: serde_json::Value) -> anyhow::Result<()> {
        let request =
            Request::new(document).variables(Variables::from_json(variables)).data(self.auditor.clone());
        let answer = self.api.execute(request).await;
        anyhow::ensure!(answer.errors.is_empty(), "{:?}", answer.errors);
        Ok(())
    }
}

/// Put lines of one fund straight into the ledger's tables: reading is measured here, not the way to them.
async fn put_lines(server: &Server, name: &str, lines: u64) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(server.options(OWNER, name)).await?;
    let lines = i64::try_from(lines)?;
    let put = |sql: &'static str| sqlx::query(sql).bind(lines).bind(FUND).execute(&pool);
    put("INSERT INTO views.ledger_line (index, line, fund, programme, partner, grant_id, year, movement, amount,
             effective_on, recorded_at)
         SELECT n, 0, $2, ('00000000-0000-4000-8000-' || lpad((n / 4 % 20)::text, 12, '0'))::uuid,
             ('00000000-0000-4000-9000-' || lpad((n / 4 % 400)::text, 12, '0'))::uuid,
             ('00000000-0000-4000-a000-' || lpad((n / 4)::text, 12, '0'))::uuid, 2020 + (n * 6 / $1)::integer,
             (ARRAY['allocate', 'reserve', 'commit', 'pay'])[1 + n % 4], 1000 + n % 977,
             '2020-04-01'::date + (n * 2190 / $1)::integer,
             '2020-04-01T12:00Z'::timestamptz + (n * 189216000 / $1) * interval '1 second'
         FROM generate_series(0::bigint, $1 - 1) AS n")
    .await?;
    put("INSERT INTO views.ledger_grant SELECT DISTINCT grant_id, fund, programme, partner, ARRAY[partner],
             ARRAY[100000::bigint], 100000, ARRAY['wirral'] FROM views.ledger_line WHERE $1 > 0 AND fund = $2")
    .await?;
    put("INSERT INTO views.ledger_expected SELECT index, sign, grant_id, grant_id, year, effective_on + 90,
             CASE sign WHEN 0 THEN amount ELSE -amount END, effective_on + sign * 60,
             recorded_at + sign * interval '60 days' FROM views.ledger_line, generate_series(0, 1) AS sign
         WHERE movement = 'commit' AND $1 > 0 AND fund = $2")
    .await?;
    pool.execute("VACUUM ANALYZE views.ledger_line, views.ledger_grant, views.ledger_expected").await?;
    pool.close().await;
    Ok(())
}

/// The two dates: what was known in the third year, and what is known now, about the time to there.
fn cuts() -> [Cut; 2] {
    let date = |written: &str| written.parse().expect("a date");
    let of = |known: &str, to: &str| Cut {
        fund: Some(FUND),
        known_before: Some(end_of_day_in_london(date(known))),
        effective_to: Some(date(to)),
        ..Cut::default()
    };
    [of("2024-03-31", "2023-03-31"), of("2026-03-31", "2024-03-31")]
}

async fn plain_totals(pool: &PgPool) -> anyhow::Result<()> {
    for cut in cuts() {
        let query = sqlx::query(PLAIN_TOTALS).bind(FUND).bind(cut.known_before).bind(cut.effective_to);
        anyhow::ensure!(!query.fetch_all(pool).await?.is_empty(), "no totals");
    }
    Ok(())
}

async fn plain_page(pool: &PgPool) -> anyhow::Result<()> {
    plain_totals(pool).await?;
    for cut in cuts() {
        sqlx::query(PLAIN_EXPECTED)
            .bind(FUND)
            .bind(cut.known_before)
            .bind(cut.effective_to)
            .fetch_all(pool)
            .await?;
    }
    for sql in PLAIN_GROUPS.iter().chain([&PLAIN_LINES, &PLAIN_COUNT]) {
        sqlx::query(sql).bind(FUND).fetch_all(pool).await?;
    }
    Ok(())
}

async fn page(place: &Place) -> anyhow::Result<()> {
    let variables = serde_json::json!({ "id": FUND, "early": "2023-03-31", "late": "2024-03-31" });
    place.ask(PAGE, variables).await
}

/// Two commands' worth of budget in and out, on funds of the first towns in turn.
async fn command(place: &Place, funds: &[Uuid], number: usize) -> anyhow::Result<()> {
    let id = funds[number % funds.len()];
    let decided = place.store.decide::<Fund, (), Trouble, _>(envelope(true), id, None, |work| {
        Box::pin(async move {
            let (year, source) = (year(), words("Cabinet minute 115 of 2026"));
            let allocate = FundCommand::AllocateBudget { amount: gbp(120), year, source };
            work.execute::<Fund>(id, allocate).await
        })
    });
    decided.await?;
    Ok(())
}

/// Run something so often, and say what one of them costs.
macro_rules! timed {
    ($process:expr, $count:expr, $number:ident => $each:expr) => {{
        let (clock, cpu) = (start(), Cpu::so_far($process)?);
        for $number in 0..$count {
            $each.await?;
        }
        let seconds = clock.seconds();
        Sample::new($count as u64, seconds, cpu.since($process)?)
    }};
}

pub(super) use timed;

/// Prepare the databases, and let all take turns.
pub async fn run(server: &Server, events: u64, repetitions: u64) -> anyhow::Result<Results> {
    let sizes = [events / 10, events];
    let wide = Place::with(server, "lines", 0).await?;
    put_lines(server, "lines", events).await?;
    let places =
        [Place::with(server, "short", sizes[0]).await?, Place::with(server, "long", sizes[1]).await?];
    let mut funds = Vec::new();
    for place in &places {
        let first = sqlx::query_scalar("SELECT id FROM views.fund ORDER BY reference LIMIT 20");
        funds.push(first.fetch_all(&place.pool).await.context("the towns have funds")?);
    }
    let mut results = Results {
        lines: events,
        totals: Default::default(),
        page: Default::default(),
        sizes,
        commands: Default::default(),
        questions: Default::default(),
    };
    let process = server.process();
    // One more than is counted, for connections and caches.
    for repetition in 0..=repetitions {
        let ours = timed!(process, 3_usize, _turn => both_totals(&wide.pool));
        let plain = timed!(process, 3_usize, _turn => plain_totals(&wide.pool));
        let our_page = timed!(process, 2_usize, _turn => page(&wide));
        let plain_one = timed!(process, 2_usize, _turn => plain_page(&wide.pool));
        let mut grown = Vec::new();
        for (place, funds) in places.iter().zip(&funds) {
            let commands = timed!(process, 200_usize, number => command(place, funds, number));
            let document = "query($id: UUID!, $on: Date!) { fund(id: $id) { name years(effectiveFor: $on) {
                year figures { budget available committed spent accrued } } } }";
            let on = day(200).to_string();
            let questions = timed!(process, 200_usize, number => place.ask(
                document,
                serde_json::json!({ "id": funds[number % funds.len()], "on": on })
            ));
            grown.push((commands, questions));
        }
        if repetition > 0 {
            results.totals[0].push(ours);
            results.totals[1].push(plain);
            results.page[0].push(our_page);
            results.page[1].push(plain_one);
            for (at, (commands, questions)) in grown.into_iter().enumerate() {
                results.commands[at].push(commands);
                results.questions[at].push(questions);
            }
        }
    }
    Ok(results)
}

async fn both_totals(pool: &PgPool) -> anyhow::Result<()> {
    for cut in cuts() {
        anyhow::ensure!(!totals(pool, &cut, By::Nothing).await?.is_empty(), "no totals");
    }
    Ok(())
}

/// The tables for people.
pub fn table(results: &Results) -> String {
    let Results { lines, sizes, .. } = results;
    let row = |name: &str, samples: &[Sample], others: &[Sample]| {
        format!(
            "| {name} | {:.1} | {} | {:.0} |\n",
            median(samples.iter().map(|sample| 1000.0 / sample.per_second)),
            Ratio::of(samples, others),
            median(samples.iter().map(|sample| sample.cpu_micros / 1000.0)),
        )
    };
    let [ours, plain] = &results.totals;
    let [our_page, plain_page] = &results.page;
    let mut told = format!(
        "\n| one fund with {lines} ledger lines | ms | x plain SQL | CPU ms |\n|---|---|---|---|\n{}{}{}{}",
        row("its totals at two dates", ours, plain),
        row("plain SQL: the same", plain, plain),
        row("its whole ledger page in GraphQL", our_page, plain_page),
        row("plain SQL: the same", plain_page, plain_page),
    );
    let grown = |name: &str, [short, long]: &[Vec<Sample>; 2]| {
        let cost = |samples: &[Sample]| median(samples.iter().map(|sample| 1000.0 / sample.per_second));
        format!("| {name} | {:.2} | {:.2} | {} |\n", cost(short), cost(long), Ratio::of(short, long))
    };
    told += &format!(
        "\n| as history grows | ms at {} events | ms at {} | cost grows by |\n|---|---|---|---|\n{}{}",
        sizes[0],
        sizes[1],
        grown("a command on a fund", &results.commands),
        grown("the years of a fund in GraphQL", &results.questions),
    );
    told
}
