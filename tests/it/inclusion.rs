//! Inclusion outcomes through the API: who may see what, that a quarter is published once and stays as it is, and an
//! attack on every published table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{Hash, PartnerId, Role};
use sidebyside::projections::build;
use sidebyside::store::leaf::canonical;
use uuid::Uuid;

use crate::thread::telling::{Happening, Teller, id, lonely, prescription, talk, went_on};
use crate::world::World;

const ROW: &str =
    "fragment row on InclusionFigures { key people { shown } contacts { shown } made { shown } started { shown }
    completed { shown } changes { measure asked { shown } better { shown } betterPercent mean } }";
const OUTCOMES: &str = "query($from: Date!, $to: Date!, $events: Int) {
    inclusionOutcomes(from: $from, to: $to, events: $events) { isExact events whole { ...row } tables { by rows { ...row } } } }";
const TABLES: &str = "{ inclusionTables { from to events rule sha256 withdrawnOn agrees whole { ...row } tables { by rows { ...row } } } }";
const PUBLISH: &str =
    "mutation($from: Date!, $reason: String) { publishInclusionTable(input: {from: $from, reason: $reason}) {
    receipt { index } inclusionTable { sha256 events } } }";
const WITHDRAW: &str = "mutation($from: Date!, $reason: String) { withdrawInclusionTable(input: {from: $from, reason: $reason}) {
    inclusionTable { withdrawnOn } } }";

/// A small town in May and June 2026: most people in two places, a few in others, one alone in one; by what they need and
/// by community some are in several rows.
fn population() -> Vec<Happening> {
    let mut told = Vec::new();
    let areas = [
        (18, Some("wirral")),
        (10, Some("liverpool_south")),
        (3, Some("knowsley")),
        (1, Some("halton")),
        (2, None),
    ];
    let mut person = 0;
    for (many, area) in areas {
        for _ in 0..many {
            let needs: &[&str] = if person % 4 == 0 { &["loneliness", "debt"] } else { &["loneliness"] };
            told.push(talk("2026-05-04", person, person, area, needs));
            told.push(prescription("2026-05-05", person, (person, person), (id("offer", 1), None)));
            told.push(went_on("2026-05-18", person, "prescription.started.v1", json!({})));
            told.push(lonely("2026-05-18", person, "before", 8));
            if person % 3 != 0 {
                told.push(lonely("2026-06-22", person, "after", if person % 2 == 0 { 5 } else { 8 }));
                told.push(went_on(
                    "2026-06-22",
                    person,
                    "prescription.closed.v1",
                    json!({ "why": "completed" }),
                ));
            }
            person += 1;
        }
    }
    told
}

struct Scene {
    world: World,
    teller: Teller,
    inclusion: Identity,
    auditor: Identity,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let mut teller = Teller::to(&world);
        teller.tell(&population()).await;
        let inclusion = world.somebody("Ines Inclusion", Role::Inclusion, None).await;
        let auditor = world.somebody("Ola Auditor", Role::Auditor, None).await;
        Self { world, teller, inclusion, auditor }
    }

    async fn outcomes(&self, who: &Identity, events: Option<i64>) -> Value {
        let variables = json!({ "from": "2026-04-01", "to": "2026-06-30", "events": events });
        let document = format!("{OUTCOMES} {ROW}");
        let answer = self.world.ask_on("2026-11-20", who, &document, variables).await;
        answer.data()["inclusionOutcomes"].clone()
    }

    async fn tables(&self) -> Value {
        let document = format!("{TABLES} {ROW}");
        let answer = self.world.ask(&Identity::public(), &document, json!({})).await;
        answer.data()["inclusionTables"].clone()
    }

    async fn publish(&self, on: &str, from: &str) -> crate::world::Answer {
        self.world.ask_on(on, &self.inclusion, PUBLISH, json!({ "from": from, "reason": null })).await
    }
}

/// Every column of a set of tables: by what, then the figures of its rows in order.
fn columns(tables: &Value) -> BTreeMap<String, (String, BTreeMap<String, Vec<String>>)> {
    let figures = |row: &Value| {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for name in ["people", "contacts", "made", "started", "completed"] {
            if let Some(shown) = row[name]["shown"].as_str() {
                found.insert(name.to_owned(), shown.to_owned());
            }
        }
        for change in row["changes"].as_array().unwrap() {
            for name in ["asked", "better"] {
                let column = format!("{} {name}", change["measure"].as_str().unwrap());
                found.insert(column, change[name]["shown"].as_str().unwrap().to_owned());
            }
        }
        found
    };
    let mut columns: BTreeMap<String, (String, BTreeMap<String, Vec<String>>)> = BTreeMap::new();
    for (name, shown) in figures(&tables["whole"]) {
        columns.insert(name, (shown, BTreeMap::new()));
    }
    for table in tables["tables"].as_array().unwrap() {
        for row in table["rows"].as_array().unwrap() {
            for (name, shown) in figures(row) {
                let by = table["by"].as_str().unwrap().to_owned();
                columns.get_mut(&name).unwrap().1.entry(by).or_default().push(shown);
            }
        }
    }
    columns
}

/// What a shown figure can stand for, at most so much.
fn candidates(shown: &str, most: usize) -> Vec<usize> {
    match shown {
        "*" => (0..=most).collect(),
        "0" => vec![0],
        rounded => {
            let count: usize = rounded.parse().unwrap();
            (count.saturating_sub(2).max(8)..=count + 2).collect()
        }
    }
}

/// Every value that a cell can have in a table that fits what is shown of it and of the total: all tables are gone
/// through, sum by sum. Parts that overlap come to the total or more.
fn possible(cells: &[String], at: usize, total: &str, overlap: bool) -> BTreeSet<usize> {
    let most = match total {
        "*" => 7,
        shown => shown.parse::<usize>().unwrap() + 2,
    };
    let totals: BTreeSet<usize> = match total {
        "*" => (1..=7).collect(),
        shown => candidates(shown, most).into_iter().collect(),
    };
    let mut sums = BTreeSet::from([0]);
    for (place, cell) in cells.iter().enumerate().filter(|(place, _)| *place != at) {
        let values = candidates(cell, most);
        let cap = |sum: usize| if overlap { sum.min(most) } else { sum };
        sums = sums
            .iter()
            .flat_map(|sum| values.iter().map(move |value| cap(sum + value)))
            .filter(|sum| *sum <= most)
            .collect();
        assert!(!sums.is_empty(), "cell {place} fits nothing");
    }
    let fits = |value: &usize| {
        sums.iter().any(|sum| {
            totals.iter().any(|total| if overlap { sum + value >= *total } else { sum + value == *total })
        })
    };
    candidates(&cells[at], most).into_iter().filter(fits).collect()
}

#[tokio::test]
async fn no_star_of_a_published_table_can_be_worked_out() {
    let scene = Scene::new().await;
    let size = scene.world.size().await;
    scene.publish("2026-07-01", "2026-04-01").await.data();
    let published = scene.tables().await[0].clone();
    let exact = scene.outcomes(&scene.auditor, Some(size)).await;
    assert_eq!(exact["isExact"], true);
    let (published, exact) = (columns(&published), columns(&exact));
    let mut stars = 0;
    for (name, (total, breakdowns)) in &published {
        for (by, cells) in breakdowns {
            let truth = &exact[name].1[by];
            assert_eq!(cells.len(), truth.len());
            let overlap = name == "people" || by == "COMMUNITY" || by == "NEED";
            for (at, shown) in cells.iter().enumerate() {
                let count: usize = truth[at].parse().unwrap();
                let is_small = (1..=7).contains(&count);
                assert!(!is_small || shown == "*", "{name} by {by}: {count} is shown as {shown}");
                let values = possible(cells, at, total, overlap);
                assert!(values.contains(&count), "{name} by {by}: {count} is not among {values:?}");
                if shown == "*" {
                    assert!(values.len() >= 4, "{name} by {by}, row {at}: {values:?}");
                    stars += 1;
                }
            }
        }
    }
    assert!(stars > 20, "{stars}");
    assert_eq!(published["people"].0, "35");
    assert_eq!(exact["people"].0, "34");
}

#[tokio::test]
async fn a_quarter_is_published_once_and_stays_as_it_is() {
    let mut scene = Scene::new().await;
    let before = scene.outcomes(&scene.inclusion, None).await;
    assert_eq!(before["isExact"], false);
    let done = scene.publish("2026-07-01", "2026-04-01").await;
    let hash = done.data()["publishInclusionTable"]["inclusionTable"]["sha256"].clone();
    let published = scene.tables().await[0].clone();
    assert_eq!(
        (&published["whole"], &published["tables"]),
        (&before["whole"], &before["tables"]),
        "the same cut"
    );
    assert_eq!(
        (&published["sha256"], &published["agrees"], &published["rule"]),
        (&hash, &json!(true), &json!("hes-intervals-1"))
    );

    // The hash is that of the tables as the log holds them.
    let stored: String = sqlx::query_scalar(
        "SELECT payload::text FROM public.events WHERE event_type = 'inclusion_table.published'",
    )
    .fetch_one(scene.world.store.pool())
    .await
    .unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let tables = canonical(&stored["inclusion_table.published"]["tables"]).unwrap();
    assert_eq!(hash, Hash::of(tables.as_bytes()).as_str());

    // What is recorded late changes what is counted now, and nothing that is published.
    let late: Vec<Happening> =
        (100..120).map(|late| talk("2026-05-20", late, late, Some("halton"), &["food"])).collect();
    let counted = scene.outcomes(&scene.auditor, None).await;
    scene.teller.tell(&late).await;
    assert_eq!(scene.tables().await[0], published);
    assert_eq!(scene.outcomes(&scene.inclusion, None).await["tables"], before["tables"], "in bands it stays");
    assert_ne!(scene.outcomes(&scene.auditor, None).await["tables"], counted["tables"]);

    let size = scene.world.size().await;
    for (on, from, code) in [
        ("2026-07-02", "2026-04-01", "inclusion_table.published_before"),
        ("2026-07-02", "2026-05-01", "inclusion_table.not_a_quarter"),
        ("2026-07-02", "2026-07-01", "inclusion_table.quarter_not_over"),
    ] {
        let answer = scene.publish(on, from).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert!(sentence.ends_with('.') && sentence.len() > 40, "{sentence}");
    }
    let unsaid =
        scene.world.ask(&scene.inclusion, WITHDRAW, json!({ "from": "2026-04-01", "reason": null })).await;
    assert_eq!(unsaid.refusal().0, "reason.required");
    let none = scene
        .world
        .ask(&scene.inclusion, WITHDRAW, json!({ "from": "2026-01-01", "reason": "A slip." }))
        .await;
    assert_eq!(none.refusal().0, "inclusion_table.unknown");
    assert_eq!(scene.world.size().await, size, "nothing is half done");
    let gone = scene
        .world
        .ask(&scene.inclusion, WITHDRAW, json!({ "from": "2026-04-01", "reason": "Counted twice." }))
        .await;
    assert!(gone.data()["withdrawInclusionTable"]["inclusionTable"]["withdrawnOn"].is_string());
    let again = scene.publish("2026-07-02", "2026-04-01").await;
    assert_eq!(again.refusal().0, "inclusion_table.published_before");
    let differences = build::compare(&scene.world.owner().await, &|_, _| ()).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

#[tokio::test]
async fn bands_of_whole_quarters_for_those_who_may_not_see_people() {
    let scene = Scene::new().await;
    let document = format!("{OUTCOMES} {ROW}");
    let odd = json!({ "from": "2026-05-01", "to": "2026-05-31" });
    for role in [Role::Commissioner, Role::Approver, Role::Finance, Role::Inclusion] {
        let who = scene.world.somebody("Sam Staff", role, None).await;
        assert_eq!(
            scene.outcomes(&who, None).await,
            scene.outcomes(&scene.inclusion, None).await,
            "{role:?}"
        );
        let answer = scene.world.ask(&who, &document, odd.clone()).await;
        assert_eq!(answer.refusal().0, "inclusion_table.not_a_quarter");
        let running = json!({ "from": "2026-10-01", "to": "2026-12-31" });
        let answer = scene.world.ask_on("2026-12-31", &who, &document, running).await;
        assert_eq!(answer.refusal().0, "inclusion_table.quarter_not_over", "it would grow day by day");
        // They cannot go back through the log event by event either.
        let early = scene.outcomes(&who, Some(20)).await;
        assert_eq!(early, scene.outcomes(&scene.inclusion, None).await, "{role:?}");
    }
    for role in [Role::Advisor, Role::Auditor] {
        let who = scene.world.somebody("Sam Seeing", role, None).await;
        let answer = scene.world.ask(&who, &document, odd.clone()).await;
        assert_eq!(answer.data()["inclusionOutcomes"]["whole"]["people"]["shown"], "34", "{role:?}");
    }
    let partner =
        scene.world.somebody("Pat Partner", Role::PartnerAdmin, Some(PartnerId(Uuid::from_u128(5)))).await;
    for who in [partner, Identity::public()] {
        assert_eq!(scene.world.ask(&who, &document, odd.clone()).await.refusal().0, "forbidden");
    }
}
