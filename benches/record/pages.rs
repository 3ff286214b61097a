//! The pages as browsers ask for them: sixteen at once on one server, beside the same document asked of the API over the
//! same connections, and beside the plain SQL for the same rows.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, SET_COOKIE};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::embedded::{DATABASE, Purpose, Server, Settings};
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::measuring::{Cpu, Ratio, Sample, most_resident, percentile, start};
use super::serving::{Announced, announced, end};

/// How many ask at the same time, each waiting for its answer before it asks again.
const CLIENTS: u32 = 16;
/// How many times each asks in one turn.
const TIMES: u32 = 20;

/// One page: where it is, its document, and what somebody would write by hand for the same rows.
struct Page {
    name: &'static str,
    path: String,
    document: &'static str,
    variables: Value,
    /// Each is asked once for a page; `$1`, where it stands, is the grant.
    plain: &'static [&'static str],
    grant: Option<Uuid>,
}

const PLAIN_OFFERS: [&str; 2] = [
    "SELECT o.id, o.reference, o.status, o.open_places, o.confirmed_on, o.doc -> 'capacity', o.doc -> 'content', p.id,
         p.name FROM views.offer AS o JOIN views.partner AS p ON p.id = o.partner
     WHERE o.status = 'published' AND p.status = 'approved' ORDER BY o.title, o.id LIMIT 21",
    "SELECT count(*) FROM views.offer AS o JOIN views.partner AS p ON p.id = o.partner
     WHERE o.status = 'published' AND p.status = 'approved'",
];
const PLAIN_GRANT: [&str; 3] = [
    "SELECT g.doc, p.name, m.doc, f.name FROM views.grant_case AS g JOIN views.partner AS p ON p.id = g.partner
     JOIN views.programme AS m ON m.id = g.programme LEFT JOIN views.fund AS f ON f.id = g.fund WHERE g.id = $1",
    "SELECT movement, sum(amount) FROM views.ledger_line WHERE grant_id = $1 GROUP BY movement",
    "SELECT index, effective_on, payload, metadata FROM public.events WHERE aggregate_type = 'grant' AND aggregate_id = $1::text
     ORDER BY index DESC LIMIT 31",
];
const PLAIN_LEDGER: [&str; 5] = [
    "SELECT fund, movement, sum(amount) FROM views.ledger_line GROUP BY 1, 2",
    "SELECT movement, sum(amount) FROM views.ledger_line GROUP BY 1",
    "SELECT id, name FROM views.fund ORDER BY name LIMIT 51",
    "SELECT id, name FROM views.programme ORDER BY name LIMIT 51",
    "SELECT id, name FROM views.partner ORDER BY name LIMIT 101",
];

fn pages(grant: Uuid) -> [Page; 3] {
    [
        Page {
            name: "directory of offers, as the public sees it",
            path: "/offers".to_owned(),
            document: include_str!("../../web/pages/offers/list.graphql"),
            variables: json!({}),
            plain: &PLAIN_OFFERS,
            grant: None,
        },
        Page {
            name: "a grant case, as a commissioner sees it",
            path: format!("/grants/{grant}"),
            document: include_str!("../../web/pages/grants/one.graphql"),
            variables: json!({ "grantId": grant, "mayFund": true, "mayLedger": true, "mayHistory": true }),
            plain: &PLAIN_GRANT,
            grant: Some(grant),
        },
        Page {
            name: "the ledger by fund, as a commissioner sees it",
            path: "/ledger".to_owned(),
            document: include_str!("../../web/pages/funds/ledger.graphql"),
            variables: json!({}),
            plain: &PLAIN_LEDGER,
            grant: None,
        },
    ]
}

/// The three ways to the same rows.
#[derive(Clone, Copy)]
enum Way {
    Page,
    Api,
    Sql,
}

const WAYS: [Way; 3] = [Way::Page, Way::Api, Way::Sql];

/// What was measured of one page: by way, in the order of [`WAYS`].
struct Figures {
    name: &'static str,
    samples: [Vec<Sample>; 3],
    milliseconds: [Vec<f64>; 3],
    compressed_bytes: usize,
}

pub struct Results {
    pages: Vec<Figures>,
    resident: f64,
    events: i64,
}

/// The server as its clients know it.
struct Place {
    http: Client,
    address: String,
    /// Of a commissioner who has signed in.
    cookie: String,
    pool: PgPool,
}

impl Place {
    async fn at(announced: &Announced, pool: PgPool) -> anyhow::Result<Self> {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let address = format!("http://{}", announced.address);
        let answer = http.get(&announced.link).send().await?;
        let cookie = answer.headers().get(SET_COOKIE).context("no session was given")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let answer = http
            .post(format!("{address}/acting"))
            .header(COOKIE, &cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body("role=commissioner&name=Measured+Invented&partner=&next=/")
            .send()
            .await?;
        anyhow::ensure!(answer.status() == StatusCode::SEE_OTHER, "no role was taken: {}", answer.status());
        Ok(Self { http, address, cookie, pool })
    }

    /// As a browser asks, but for the compression; the directory without having signed in.
    fn request(&self, page: &Page, way: Way) -> RequestBuilder {
        let request = match way {
            Way::Page => self.http.get(format!("{}{}", self.address, page.path)),
            Way::Api | Way::Sql => self
                .http
                .post(format!("{}/graphql", self.address))
                .header(CONTENT_TYPE, "application/json")
                .body(json!({ "query": page.document, "variables": page.variables }).to_string()),
        };
        if page.path == "/offers" { request } else { request.header(COOKIE, &self.cookie) }
    }

    /// One answer, read to its end; how many bytes it has.
    async fn ask(&self, page: &Page, way: Way) -> anyhow::Result<usize> {
        if matches!(way, Way::Sql) {
            let mut rows = 0;
            for plain in page.plain {
                let query = sqlx::query(plain);
                let query = if plain.contains("$1") { query.bind(page.grant) } else { query };
                rows += query.fetch_all(&self.pool).await?.len();
            }
            return Ok(rows);
        }
        let answer = self.request(page, way).header(ACCEPT_ENCODING, "gzip").send().await?;
        anyhow::ensure!(answer.status() == StatusCode::OK, "{} answered {}", page.path, answer.status());
        Ok(answer.bytes().await?.len())
    }

    /// That the API answers the document in full, so that what is compared is the same.
    async fn is_answered(&self, page: &Page) -> anyhow::Result<()> {
        let answer = self.request(page, Way::Api).send().await?;
        let found: Value = serde_json::from_slice(&answer.bytes().await?)?;
        anyhow::ensure!(found["errors"].is_null(), "{}: {}", page.path, found["errors"]);
        Ok(())
    }
}

/// One turn: all clients at once; how long each answer took.
async fn turn(
    place: &Arc<Place>,
    page: &Arc<Page>,
    way: Way,
    process: u32,
) -> anyhow::Result<(Sample, Vec<f64>)> {
    let (clock, cpu) = (start(), Cpu::so_far(process)?);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (place, page) = (Arc::clone(place), Arc::clone(page));
            tokio::spawn(async move {
                let mut took = Vec::new();
                for _ in 0..TIMES {
                    let clock = start();
                    let bytes = place.ask(&page, way).await?;
                    anyhow::ensure!(bytes > 0, "{} answered nothing", page.path);
                    took.push(1000.0 * clock.seconds());
                }
                anyhow::Ok(took)
            })
        })
        .collect();
    let mut took = Vec::new();
    for client in clients {
        took.extend(client.await??);
    }
    Ok((Sample::new(u64::from(CLIENTS * TIMES), clock.seconds(), cpu.since(process)?), took))
}

/// A record with the sample data, its server, and everybody at it.
pub async fn run(folder: &Path, repetitions: u64) -> anyhow::Result<Results> {
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidebyside"));
        command.env("SIDEBYSIDE_DATA", folder).env_remove("DATABASE_URL").stdout(Stdio::piped());
        command
    };
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sample");
    let seeded = program().args(["seed", sample]).stdout(Stdio::null()).status()?;
    anyhow::ensure!(seeded.success(), "the sample was not loaded");
    let mut child = program().args(["serve", "--listen", "127.0.0.1:0"]).spawn()?;
    let results = beside(&mut child, folder, repetitions).await;
    end(&mut child)?;
    results
}

async fn beside(child: &mut Child, folder: &Path, repetitions: u64) -> anyhow::Result<Results> {
    let announced = announced(child)?;
    // Joins the database that the child has started.
    let settings =
        Settings { folder: Some(folder.to_owned()), ..Settings::from_environment(Purpose::Command) };
    let database = Server::start(settings).await?;
    anyhow::ensure!(database.joined(), "the server has no database");
    let pool = app_pool(&database.options(APP, DATABASE), CLIENTS).await?;
    let events = sqlx::query("SELECT count(*) FROM public.events").fetch_one(&pool).await?.try_get(0)?;
    let fullest = "SELECT grant_id FROM views.ledger_line WHERE grant_id IS NOT NULL
        GROUP BY grant_id ORDER BY count(*) DESC, grant_id LIMIT 1";
    let grant: Uuid = sqlx::query(fullest).fetch_one(&pool).await?.try_get(0)?;
    let place = Arc::new(Place::at(&announced, pool).await?);
    let mut measured = Vec::new();
    for page in pages(grant).map(Arc::new) {
        place.is_answered(&page).await?;
        let mut figures = Figures {
            name: page.name,
            samples: Default::default(),
            milliseconds: Default::default(),
            compressed_bytes: place.ask(&page, Way::Page).await?,
        };
        // One more than is counted, for connections and caches.
        for repetition in 0..=repetitions {
            for (number, way) in WAYS.into_iter().enumerate() {
                let (sample, took) = turn(&place, &page, way, database.process()).await?;
                if repetition > 0 {
                    figures.samples[number].push(sample);
                    figures.milliseconds[number].extend(took);
                }
            }
        }
        measured.push(figures);
    }
    Ok(Results { pages: measured, resident: most_resident(child.id())?, events })
}

/// The tables for people.
pub fn table(results: &Results) -> String {
    let mut told = format!(
        "\n| pages, {CLIENTS} clients, {} events | a second | p99 | x the API | x plain SQL | p99 of the API, of SQL \
         | compressed |\n|---|---|---|---|---|---|---|\n",
        results.events
    );
    for Figures { name, samples: [page, api, sql], milliseconds, compressed_bytes } in &results.pages {
        let rate = super::measuring::median(page.iter().map(|sample| sample.per_second));
        let [page_99, api_99, sql_99] = milliseconds.each_ref().map(|took| percentile(took, 99));
        told += &format!(
            "| {name} | {rate:.0} | {page_99:.0} ms | {} | {} | {api_99:.0} ms, {sql_99:.0} ms | {:.1} KB |\n",
            Ratio::of(page, api),
            Ratio::of(page, sql),
            *compressed_bytes as f64 / 1024.0
        );
    }
    told + &format!(
        "\nMost memory the server had resident under that load, database aside: {:.1} MB\n",
        results.resident
    )
}
