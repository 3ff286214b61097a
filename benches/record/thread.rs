//! The golden thread and what is published of people: the thread of a need with 500 prescriptions, and the tables of a
//! quarter over very many prescriptions, each beside the plain SQL on the same tables.

use std::path::Path;

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity};
use sidebyside::domain::identity::{PersonId, Role};
use sidebyside::domain::record::Fact;
use sidebyside::graphql::{Api, api};
use sidebyside::projections;
use sidebyside::store::append::Draft;
use sidebyside::store::database::{APP, OWNER, app_pool, migrate};
use sidebyside::store::embedded::{SUPERUSER, Server, make_database};
use sidebyside::store::leaf::canonical;
use sidebyside::store::log::StreamName;
use sidebyside::store::vault::Vault;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor as _, PgPool};
use uuid::Uuid;

use super::ledger::timed;
use super::measuring::{Cpu, Ratio, Sample, median, start};
use super::seeding::fill;
use super::town::Happening;

/// How many prescriptions the one thread has.
const ON_THE_THREAD: usize = 500;
/// How many prescriptions the tables are drawn from.
const IN_THE_TABLES: i64 = 100_000;

const THREAD: &str =
    "query($id: UUID!) { thread(kind: NEED, id: $id) { needs { reference money } programmes { name }
    grants { reference money shares { needId money } } offers { title counted { made { shown } } }
    counted { people { shown } made { shown } started { shown } changes { measure asked { shown } mean } }
    commitments { statement } feedback { givenOn } gaps { from to days } brokenEnds { sentence } } }";
const TABLES: &str =
    "{ inclusionOutcomes(from: \"2026-04-01\", to: \"2026-06-30\") { whole { people { shown } }
    tables { by rows { key people { shown } contacts { shown } started { shown } completed { shown } } } } }";

/// The thread as somebody would write it by hand: the links of the need, the links of its grants, what is counted of the
/// offers and what changed.
const PLAIN_THREAD: [&str; 4] = [
    "SELECT from_kind, from_id, relation, share FROM views.thread_link WHERE to_id = $1",
    "SELECT o.to_id, o.relation FROM views.thread_link AS l JOIN views.thread_link AS o ON o.from_id = l.from_id
     WHERE l.to_id = $1 AND l.from_kind = 'grant'",
    "SELECT c.offer, count(*), count(DISTINCT c.person), count(c.started_on), count(c.completed_on)
     FROM views.thread_link AS l JOIN views.thread_link AS o ON o.from_id = l.from_id AND o.relation = 'funds'
     JOIN views.inclusion_case AS c ON c.offer = o.to_id WHERE l.to_id = $1 GROUP BY 1",
    "SELECT c.offer, s.measure, count(*), avg(s.difference)
     FROM views.thread_link AS l JOIN views.thread_link AS o ON o.from_id = l.from_id AND o.relation = 'funds'
     JOIN views.inclusion_case AS c ON c.offer = o.to_id JOIN views.inclusion_score AS s ON s.stream = c.id
     WHERE l.to_id = $1 AND s.difference IS NOT NULL GROUP BY 1, 2",
];

/// The tables as somebody would write them by hand: a plain GROUP BY for each.
fn plain_tables() -> Vec<String> {
    let quarter = "BETWEEN '2026-04-01' AND '2026-06-30'";
    let communities = "CROSS JOIN LATERAL jsonb_array_elements_text(k.communities) AS code";
    let needs = |of: &str| format!("CROSS JOIN LATERAL jsonb_array_elements_text({of}.needs) AS code");
    let with_talk = "JOIN views.inclusion_contact AS k ON k.id = c.contact";
    let mut all = Vec::new();
    for (key, join) in [
        ("1", String::new()),
        ("k.area", String::new()),
        ("code", communities.to_owned()),
        ("code", needs("k")),
    ] {
        all.push(format!(
            "SELECT {key}, count(*), count(DISTINCT k.person) FROM views.inclusion_contact AS k {join}
             WHERE k.made_on {quarter} GROUP BY 1"
        ));
    }
    for (key, join) in [
        ("1", String::new()),
        ("k.area", with_talk.to_owned()),
        ("code", format!("{with_talk} {communities}")),
        ("code", needs("c")),
        ("c.partner::text", String::new()),
    ] {
        all.push(format!(
            "SELECT {key}, count(*) FILTER (WHERE c.started_on {quarter}), count(*) FILTER (WHERE c.completed_on {quarter})
             FROM views.inclusion_case AS c {join} GROUP BY 1"
        ));
        all.push(format!(
            "SELECT {key}, s.measure, count(*), count(*) FILTER (WHERE s.difference < 0), sum(s.difference)
             FROM views.inclusion_score AS s JOIN views.inclusion_case AS c ON c.id = s.stream {join}
             WHERE s.after_on {quarter} AND s.difference IS NOT NULL GROUP BY 1, 2"
        ));
    }
    all
}

/// What was measured.
pub struct Results {
    thread: [Vec<Sample>; 2],
    tables: [Vec<Sample>; 2],
}

fn id(what: &str, number: usize) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{what} {number}").as_bytes())
}

/// Facts after the samples of their events, each stream counted.
#[derive(Default)]
struct Scribe {
    told: Vec<Happening>,
    versions: std::collections::HashMap<StreamName, i64>,
}

impl Scribe {
    fn tell(&mut self, id: Uuid, file: &str, changed: &Value) -> anyhow::Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/events/{file}.json"));
        let whole: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
        let (stream, event) = (whole["stream"].as_str().unwrap_or_default(), &whole["event"]);
        let mut payload = whole["payload"].clone();
        for (name, value) in changed.as_object().into_iter().flatten() {
            payload[event.as_str().unwrap_or_default()][name] = value.clone();
        }
        let payload = canonical(&payload)?;
        let fact = Fact::read(stream, &payload)?;
        let stream = StreamName { kind: fact.kind().stream, id };
        let sequence = self.versions.entry(stream).or_default();
        *sequence += 1;
        self.told.push(Happening { stream, sequence: *sequence, draft: Draft { fact, payload } });
        Ok(())
    }

    /// A need, what answers it, and so many people pointed to the offer that came of it.
    fn town(&mut self) -> anyhow::Result<()> {
        let (consultation, programme, grant, offer) =
            (id("consultation", 1), id("programme", 1), id("grant", 1), id("offer", 1));
        let need = id("need", 1);
        self.tell(consultation, "consultation.planned.v1", &json!({}))?;
        self.tell(consultation, "consultation.held.v1", &json!({}))?;
        self.tell(consultation, "consultation.need_heard.v1", &json!({ "need": need }))?;
        let priorities = json!([{ "title": "Company", "needs": [need] }]);
        self.tell(programme, "programme.opened.v1", &json!({ "priorities": priorities }))?;
        let shares = json!([{ "need": need, "percent": 60 }, { "need": id("need", 2), "percent": 40 }]);
        let applied = json!({ "programme": programme, "needs": shares });
        self.tell(grant, "grant.application_submitted.v2", &applied)?;
        self.tell(grant, "grant.approved.v2", &json!({}))?;
        self.tell(offer, "offer.drafted.v1", &json!({}))?;
        let mut content = serde_json::to_value(&self.told[self.told.len() - 1].draft.fact)?["offer.drafted"]
            ["content"]
            .clone();
        content["grants"] = json!([grant]);
        self.tell(offer, "offer.submitted.v1", &json!({ "content": content }))?;
        self.tell(offer, "offer.published.v1", &json!({}))?;
        let made = json!({ "commitment": id("commitment", 1), "needs": [need] });
        self.tell(consultation, "consultation.commitment_made.v1", &made)?;
        for number in 0..ON_THE_THREAD {
            let case = id("prescription", number);
            let made = json!({ "person": id("person", number), "contact": id("contact", number), "offer": offer,
                "grant": grant, "follows": null });
            self.tell(case, "prescription.made.v1", &made)?;
            self.tell(case, "prescription.started.v1", &json!({}))?;
            for (moment, score) in [("before", 3), ("after", 2)] {
                let answers = ["companionship", "left_out", "isolated"]
                    .map(|item| json!({ "item": item, "score": score }));
                let answered = json!({ "outcome": id(moment, number), "instrument": "ucla3", "moment": moment,
                    "answers": answers, "answered_on": "2026-05-01", "goal": null });
                self.tell(case, "prescription.outcome_recorded.v1", &answered)?;
            }
        }
        Ok(())
    }
}

/// Put very many prescriptions straight into the tables that are counted: counting is measured here, not the way there.
async fn put_cases(pool: &PgPool) -> anyhow::Result<()> {
    let uuid = |what: &str, number: &str| {
        format!("('00000000-0000-4000-{what}-' || lpad(({number})::text, 12, '0'))")
    };
    let contact = format!(
        "INSERT INTO views.inclusion_contact (id, doc) SELECT {}::uuid, jsonb_build_object('person', {}, 'area',
             (ARRAY['wirral', 'knowsley', 'liverpool_south', 'halton', 'not_said'])[1 + n % 5], 'communities',
             CASE n % 3 WHEN 0 THEN '[\"carers\", \"men\"]'::jsonb ELSE '[\"women\"]'::jsonb END, 'needs',
             CASE n % 4 WHEN 0 THEN '[\"loneliness\", \"debt\"]'::jsonb ELSE '[\"food\"]'::jsonb END, 'index', 0,
             'on', '2026-04-01'::date + (n % 180)::integer)
         FROM generate_series(1, $1::bigint) AS n",
        uuid("8000", "n"),
        uuid("8001", "n % 40000")
    );
    let case = format!(
        "INSERT INTO views.inclusion_case (id, doc) SELECT {}::uuid, jsonb_build_object('person', {}, 'contact', {},
             'offer', {}, 'partner', {}, 'grant', NULL, 'needs', '[\"loneliness\"]'::jsonb,
             'made', jsonb_build_object('index', 0, 'on', '2026-04-01'::date + (n % 180)::integer),
             'started', jsonb_build_object('index', 0, 'on', '2026-04-05'::date + (n % 180)::integer),
             'completed', CASE n % 2 WHEN 0 THEN jsonb_build_object('index', 0, 'on', '2026-05-01'::date + (n % 180)::integer) END,
             'void', NULL)
         FROM generate_series(1, $1::bigint) AS n",
        uuid("8002", "n"),
        uuid("8001", "n % 40000"),
        uuid("8000", "n"),
        uuid("8003", "n % 60"),
        uuid("8004", "n % 30")
    );
    let score = format!(
        "INSERT INTO views.inclusion_score (stream, slot, measure, before_id, before, after_id, after, after_on, since_index)
         SELECT {}::uuid, 0, 'ucla3_loneliness', {}::uuid, 8, {}::uuid, (4 + n % 6)::smallint,
             ('2026-05-01'::date + (n % 180)::integer)::text, 0
         FROM generate_series(1, $1::bigint) AS n WHERE n % 2 = 0",
        uuid("8002", "n"),
        uuid("8002", "n"),
        uuid("8002", "n")
    );
    for sql in [contact, case, score] {
        sqlx::query(&sql).bind(IN_THE_TABLES).execute(pool).await?;
    }
    pool.execute("VACUUM ANALYZE views.inclusion_contact, views.inclusion_case, views.inclusion_score")
        .await?;
    Ok(())
}

/// A database of its own, and the service over it.
async fn place(server: &Server, name: &str) -> anyhow::Result<(PgPool, Api)> {
    make_database(&server.options(SUPERUSER, "postgres"), name).await?;
    let owner = server.options(OWNER, name);
    migrate(&owner).await?;
    let mut scribe = Scribe::default();
    scribe.town()?;
    fill(&owner, std::iter::once(scribe.told)).await?;
    let pool = PgPoolOptions::new().max_connections(4).connect_with(owner).await?;
    projections::install(&pool).await?;
    if name == "tables" {
        put_cases(&pool).await?;
    }
    pool.execute("ANALYZE").await?;
    pool.close().await;
    let pool = app_pool(&server.options(APP, name), 4).await?;
    let store = projections::open_store(pool.clone());
    let accounts = Accounts::new(pool.clone(), Chance::SYSTEM);
    let app = App::new(store, accounts, Vault::new(pool.clone(), None), Surroundings::SYSTEM);
    Ok((pool, api(app)))
}

async fn ask(api: &Api, role: Role, document: &str, variables: Value) -> anyhow::Result<()> {
    let person = PersonId(Uuid::from_u128(0x9001));
    let who = Identity { person, name: "Ines Inclusion".into(), role, partner: None };
    let request = Request::new(document).variables(Variables::from_json(variables)).data(who);
    let answer = api.execute(request).await;
    anyhow::ensure!(answer.errors.is_empty(), "{:?}", answer.errors);
    Ok(())
}

async fn plain_thread(pool: &PgPool) -> anyhow::Result<()> {
    for sql in PLAIN_THREAD {
        sqlx::query(sql).bind(id("need", 1)).fetch_all(pool).await?;
    }
    Ok(())
}

async fn plainly(pool: &PgPool, all: &[String]) -> anyhow::Result<()> {
    for sql in all {
        sqlx::query(sql).fetch_all(pool).await?;
    }
    Ok(())
}

/// Prepare the databases, and let all take turns.
pub async fn run(server: &Server, repetitions: u64) -> anyhow::Result<Results> {
    let (narrow_pool, narrow) = place(server, "thread").await?;
    let (wide_pool, wide) = place(server, "tables").await?;
    let plain = plain_tables();
    let mut results = Results { thread: Default::default(), tables: Default::default() };
    let process = server.process();
    let need = json!({ "id": id("need", 1) });
    // One more than is counted, for connections and caches.
    for repetition in 0..=repetitions {
        let ours = timed!(process, 20_usize, _turn => ask(&narrow, Role::Auditor, THREAD, need.clone()));
        let by_hand = timed!(process, 20_usize, _turn => plain_thread(&narrow_pool));
        let tables = timed!(process, 1_usize, _turn => ask(&wide, Role::Inclusion, TABLES, json!({})));
        let group_by = timed!(process, 1_usize, _turn => plainly(&wide_pool, &plain));
        if repetition > 0 {
            results.thread[0].push(ours);
            results.thread[1].push(by_hand);
            results.tables[0].push(tables);
            results.tables[1].push(group_by);
        }
    }
    Ok(results)
}

/// The tables for people.
pub fn table(results: &Results) -> String {
    let row = |name: &str, samples: &[Sample], others: &[Sample]| {
        format!(
            "| {name} | {:.1} | {} | {:.0} |\n",
            median(samples.iter().map(|sample| 1000.0 / sample.per_second)),
            Ratio::of(samples, others),
            median(samples.iter().map(|sample| sample.cpu_micros / 1000.0)),
        )
    };
    let [thread, by_hand] = &results.thread;
    let [tables, group_by] = &results.tables;
    format!(
        "\n| thread and tables | ms | x plain SQL | CPU ms |\n|---|---|---|---|\n{}{}{}{}",
        row(&format!("thread of a need with {ON_THE_THREAD} prescriptions in GraphQL"), thread, by_hand),
        row("plain SQL: its links and counts", by_hand, by_hand),
        row(
            &format!("tables of a quarter over {IN_THE_TABLES} prescriptions, through the rule"),
            tables,
            group_by
        ),
        row("plain SQL: each GROUP BY", group_by, group_by),
    )
}
