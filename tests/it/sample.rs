//! The sample data: it loads, a second time changes nothing, and the record it makes holds in every way there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use async_graphql::{Request, Variables};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sidebyside::app::ledger::books;
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity, Name, Role};
use sidebyside::cli::seed::{Loaded, load};
use sidebyside::graphql::api;
use sidebyside::projections::build;
use sidebyside::store::Store;
use sidebyside::store::check::check_log;
use sidebyside::store::log::{Slice, read};
use sidebyside::store::vault::{MasterKey, Vault};

use crate::world::World;

/// The pots that every breakdown of the ledger shares.
const POTS: [&str; 3] = ["reserved", "committed", "spent"];

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sample")
}

/// The files of the sample.
fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(sample()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The steps of a file.
fn steps_of(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|problem| panic!("{problem}: {line}")))
        .collect()
}

/// The steps of every file.
fn steps() -> Vec<Value> {
    files().iter().flat_map(|file| steps_of(file)).collect()
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(entries) => entries.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// Known to the harness: a change of a file makes a new template.
fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    for file in files() {
        fs::read(file).unwrap().hash(&mut hasher);
    }
    format!("s{:016x}", hasher.finish())
}

fn app(store: &Store) -> App {
    let pool = store.pool().clone();
    let vault = Vault::new(pool.clone(), Some(MasterKey::from_hex(&"5a".repeat(32)).unwrap()));
    App::new(store.clone(), Accounts::new(pool, Chance::SYSTEM), vault, Surroundings::SYSTEM)
}

/// The sample data in a world of its own, and an auditor to look at it.
pub struct Loading {
    pub world: World,
    pub app: App,
    pub auditor: Identity,
}

impl Loading {
    pub async fn new() -> Self {
        let world = World::after(&fingerprint(), |store| async move {
            let loaded = load(&app(&store), &sample()).await.unwrap_or_else(|problem| panic!("{problem:#}"));
            assert_eq!(loaded, Loaded { carried_out: steps().len(), repeated: 0 });
        })
        .await;
        let app = app(&world.store);
        let auditor = Identity {
            person: app.accounts().find_or_make(&Name::new("Vera Testcase").unwrap()).await.unwrap(),
            name: "Vera Testcase".to_owned(),
            role: Role::Auditor,
            partner: None,
        };
        Self { world, app, auditor }
    }

    /// The world it was loaded into.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// What the auditor is answered.
    pub async fn ask(&self, document: &str, variables: Value) -> Value {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let answer = api(self.app.clone()).execute(request.data(self.auditor.clone())).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        answer.data.into_json().unwrap()
    }

    /// How many of a list stand in each status.
    async fn standings(&self, list: &str) -> (Value, BTreeMap<String, usize>) {
        let whole = self
            .ask(&format!("{{ {list}(first: 500) {{ totalCount nodes {{ status }} }} }}"), json!({}))
            .await;
        let mut counts = BTreeMap::new();
        for node in whole[list]["nodes"].as_array().unwrap() {
            *counts.entry(node["status"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        (whole[list]["totalCount"].clone(), counts)
    }

    async fn count(&self, table: &str) -> i64 {
        let owner = self.world.owner().await;
        sqlx::query_scalar(&format!("SELECT count(*) FROM {table}")).fetch_one(&owner).await.unwrap()
    }

    /// The groups of a breakdown of the ledger, each with its name and its figures.
    async fn ledger(&self, by: &str) -> Vec<(Value, BTreeMap<String, Decimal>)> {
        let document = "query($by: LedgerBreakdown!) { ledger(by: $by) { id reference year \
                        figures { budget available reserved committed spent } } }";
        let answer = self.ask(document, json!({ "by": by })).await;
        let groups = answer["ledger"].as_array().unwrap().iter();
        let figures = |group: &Value| {
            let pots = group["figures"].as_object().unwrap().iter();
            pots.filter_map(|(pot, sum)| Some((pot.clone(), sum.as_str()?.parse().unwrap()))).collect()
        };
        groups.map(|group| (group["reference"].clone(), figures(group))).collect()
    }
}

fn counted(wanted: &[(&str, usize)]) -> BTreeMap<String, usize> {
    wanted.iter().map(|(status, count)| ((*status).to_owned(), *count)).collect()
}

#[tokio::test]
async fn partners_and_grants_stand_in_every_status() {
    let loading = Loading::new().await;
    let (total, standing) = loading.standings("partners").await;
    let wanted = [("APPLIED", 2), ("APPROVED", 9), ("DECLINED", 1), ("SUSPENDED", 1), ("WITHDRAWN", 1)];
    assert_eq!((total, standing), (json!(14), counted(&wanted)));

    let (total, standing) = loading.standings("grants").await;
    let wanted = [
        ("ACTIVE", 9),
        ("APPROVED", 2),
        ("ASSESSING", 3),
        ("CLOSED", 5),
        ("DECLINED", 4),
        ("INELIGIBLE", 2),
        ("LAPSED", 1),
        ("OFFERED", 2),
        ("RECOMMENDED", 2),
        ("SUBMITTED", 2),
        ("SUSPENDED", 1),
        ("TERMINATED", 1),
        ("WITHDRAWN", 3),
    ];
    assert_eq!((total, standing), (json!(37), counted(&wanted)));

    let (total, standing) = loading.standings("paymentRuns").await;
    assert_eq!((total, standing), (json!(5), counted(&[("OPEN", 1), ("RECONCILED", 4)])));

    let lists = loading.ask("{ funds { nodes { id } } programmes { nodes { id } } }", json!({})).await;
    let length = |list: &str| lists[list]["nodes"].as_array().unwrap().len();
    assert_eq!((length("funds"), length("programmes")), (3, 4));
}

#[tokio::test]
async fn offers_stand_in_every_status_and_what_waits_is_named() {
    let mut loading = Loading::new().await;
    let (total, standing) = loading.standings("offers").await;
    let wanted = [("DRAFT", 1), ("IN_REVIEW", 1), ("PAUSED", 6), ("PUBLISHED", 50), ("WITHDRAWN", 2)];
    assert_eq!((total, standing), (json!(60), counted(&wanted)));
    let documents =
        "{ offers(first: 500) { nodes { hasRoom changes { status } openReports contentVersion } } }";
    let answer = loading.ask(documents, json!({})).await;
    let nodes = answer["offers"]["nodes"].as_array().unwrap();
    let count = |which: fn(&Value) -> bool| nodes.iter().filter(|node| which(node)).count();
    assert_eq!(count(|node| node["hasRoom"] == false), 6);
    assert_eq!(count(|node| node["openReports"] == 1), 1);
    assert_eq!(count(|node| node["contentVersion"].as_i64().unwrap() > 1), 3);
    for status in ["APPROVED", "REFUSED", "WAITING", "WITHDRAWN"] {
        let changes = nodes.iter().flat_map(|node| node["changes"].as_array().unwrap());
        assert_eq!(changes.filter(|change| change["status"] == status).count(), 1, "{status}");
    }
    loading.auditor.role = Role::Inclusion;
    let answer = loading.ask("{ waitingOn { kind name } }", json!({})).await;
    let mut waits: Vec<(&str, &str)> = Vec::new();
    for one in answer["waitingOn"].as_array().unwrap() {
        waits.push((one["kind"].as_str().unwrap(), one["name"].as_str().unwrap()));
    }
    waits.retain(|(kind, _)| ["CHANGE_TO_REVIEW", "OFFER_TO_REVIEW", "REPORT_TO_ANSWER"].contains(kind));
    waits.sort_unstable();
    let wanted = [
        ("CHANGE_TO_REVIEW", "Conversation tables"),
        ("OFFER_TO_REVIEW", "Phones and patience"),
        ("REPORT_TO_ANSWER", "Forms and flasks"),
    ];
    assert_eq!(waits, wanted);
    for (role, kinds) in [
        (Role::Commissioner, &["PARTNER_REVIEW_OVERDUE", "GRANT_OFFER_LAPSED", "OFFER_TO_REVIEW"][..]),
        (Role::Approver, &["SECOND_APPROVAL", "RUN_TO_APPROVE", "GRANT_TO_APPROVE"]),
        (Role::Finance, &["BANK_TO_VERIFY"]),
    ] {
        loading.auditor.role = role;
        let answer = loading.ask("{ waitingOn(first: 500) { kind sentence } }", json!({})).await;
        let waits = answer["waitingOn"].as_array().unwrap();
        for kind in kinds {
            assert!(waits.iter().any(|one| one["kind"] == *kind), "{kind}: {waits:?}");
        }
    }
}

#[tokio::test]
async fn people_were_met_referred_and_talked_to() {
    let mut loading = Loading::new().await;
    loading.auditor.role = Role::Advisor;
    let (total, standing) = loading.standings("referrals").await;
    let wanted = [("ACCEPTED", 37), ("DECLINED", 8), ("RECEIVED", 4), ("REDIRECTED", 8), ("TRIAGED", 3)];
    assert_eq!((total, standing), (json!(60), counted(&wanted)));
    let document =
        "{ contacts { totalCount } supportedPeople(first: 500) { nodes { id contactCount hasDetails
        erasedOn erasureConfirmedOn erasureAsked { authority } } } }";
    let answer = loading.ask(document, json!({})).await;
    assert_eq!(answer["contacts"]["totalCount"], 300);
    let people = answer["supportedPeople"]["nodes"].as_array().unwrap();
    let count = |which: fn(&Value) -> bool| people.iter().filter(|person| which(person)).count();
    let gone = |person: &Value| person["erasedOn"].is_string() && person["erasureConfirmedOn"].is_string();
    let asked = |person: &Value| person["erasureAsked"].is_object();
    assert_eq!((people.len(), count(gone), count(asked)), (180, 2, 1));
    assert_eq!(count(|person| person["hasDetails"] == true), 163, "165 were kept, and two forgotten");
    let talks: i64 = people.iter().map(|person| person["contactCount"].as_i64().unwrap()).sum();
    assert_eq!(talks, 300);
}

#[tokio::test]
async fn prescriptions_stand_in_every_status_and_ended_for_every_reason() {
    let mut loading = Loading::new().await;
    let document = "{ prescriptionStandings { status closingReason count } }";
    let answer = loading.ask(document, json!({})).await;
    let mut standing: BTreeMap<&str, i64> = BTreeMap::new();
    let mut reasons = BTreeSet::new();
    for one in answer["prescriptionStandings"].as_array().unwrap() {
        *standing.entry(one["status"].as_str().unwrap()).or_default() += one["count"].as_i64().unwrap();
        reasons.extend(one["closingReason"].as_str());
    }
    let wanted = [
        ("ACCEPTED", 4),
        ("CLOSED", 289),
        ("DECLINED", 2),
        ("MADE", 10),
        ("PASSED_ON", 22),
        ("PLACE_OFFERED", 6),
        ("SENT", 5),
        ("STARTED", 6),
        ("UNANSWERED", 2),
        ("WAITING", 5),
    ];
    assert_eq!(standing, wanted.into());
    assert_eq!(reasons.len(), 12, "every reason: {reasons:?}");
    loading.auditor.role = Role::Advisor;
    let document = "{ prescriptions(first: 500) { totalCount nodes { changes { measure direction } } } }";
    let answer = loading.ask(document, json!({})).await;
    let nodes = answer["prescriptions"]["nodes"].as_array().unwrap();
    let changed = |measure: &str| {
        let changes = nodes.iter().flat_map(|node| node["changes"].as_array().unwrap());
        changes.filter(|change| change["measure"] == measure).count()
    };
    assert_eq!((changed("ONS4_HAPPY"), changed("UCLA3_LONELINESS")), (91, 42));
}

#[tokio::test]
async fn loaded_again_it_changes_nothing() {
    let loading = Loading::new().await;
    let all = steps().len();
    let size = loading.world.store.size().await.unwrap();
    let kept = loading.count("vault.item").await;

    let again = load(&loading.app, &sample()).await.unwrap();
    assert_eq!(again, Loaded { carried_out: 0, repeated: all });
    assert_eq!(loading.world.store.size().await.unwrap(), size);
    assert_eq!(loading.count("vault.item").await, kept, "bank details are not kept twice");
    assert_eq!(loading.standings("grants").await.0, json!(37));
}

#[tokio::test]
async fn the_record_holds_and_every_event_is_told() {
    let loading = Loading::new().await;
    let store = &loading.world.store;
    let size = store.size().await.unwrap();
    let report = check_log(store.pool(), &|_| ()).await.unwrap();
    assert_eq!((report.events, report.findings), (size, Vec::new()));

    let (read_events, books) = books(store, size).await.unwrap();
    assert_eq!((read_events, books.breaches()), (size, Vec::new()));
    assert_eq!(books.funds().count(), 3);

    let differences = build::compare(&loading.world.owner().await, &|_, _| ()).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");

    let all = Slice { limit: i64::MAX, ..Slice::default() };
    let events = read(store.pool(), &all).await.unwrap();
    assert_eq!(i64::try_from(events.len()).unwrap(), size);
    for event in events {
        let sentence = event.fact.sentence();
        assert!(sentence.len() > 10 && sentence.ends_with('.'), "event {}: {sentence:?}", event.index);
        assert!(event.actor.is_some() && event.reason.is_some(), "event {}: {sentence}", event.index);
    }
}

#[tokio::test]
async fn every_breakdown_of_the_ledger_comes_to_the_same() {
    let loading = Loading::new().await;
    let funds = loading.ledger("FUND").await;
    assert_eq!(funds.len(), 3);
    for (fund, figures) in &funds {
        let used: Decimal = POTS.iter().map(|pot| figures[*pot]).sum();
        assert_eq!(figures["budget"], figures["available"] + used, "{fund}");
        assert!(figures["budget"] > Decimal::ZERO, "{fund}");
    }
    let sums = |groups: &[(Value, BTreeMap<String, Decimal>)]| {
        POTS.map(|pot| groups.iter().map(|(_, figures)| figures[pot]).sum::<Decimal>())
    };
    let wanted = sums(&funds);
    assert!(wanted.iter().all(|pot| *pot > Decimal::ZERO), "{wanted:?}");
    for by in
        ["NONE", "YEAR", "FUNDER", "PROGRAMME", "TRACK", "PARTNER", "DELIVERY_PARTNER", "PLACE", "GRANT"]
    {
        assert_eq!(sums(&loading.ledger(by).await), wanted, "by {by}");
    }
}

/// What fixtures/README.md tells of the closed year, and of what came late for it.
#[tokio::test]
async fn a_year_is_closed_and_what_came_late_for_it_stands_in_the_next() {
    let loading = Loading::new().await;
    let document = "{ funds { nodes { name closedYears { year budget paid recovered closedOn }
        years { year figures { available reserved committed } } } }
        latePostings { nodes { movement amount year corrects effectiveOn } } }";
    let answer = loading.ask(document, json!({})).await;
    let funds = answer["funds"]["nodes"].as_array().unwrap();
    let closed = |name: &str| {
        let fund = funds.iter().find(|fund| fund["name"].as_str().unwrap().starts_with(name)).unwrap();
        (fund["closedYears"].clone(), fund["years"][0].clone())
    };
    let nothing_left = json!({ "year": "2025/26",
        "figures": { "available": "0.00", "reserved": "0.00", "committed": "0.00" } });
    let of_city = json!([{ "year": "2025/26", "budget": "15850.00", "paid": "16300.00",
        "recovered": "450.00", "closedOn": "2026-04-27" }]);
    assert_eq!(closed("Connected communities"), (of_city, nothing_left.clone()));
    let of_sparks = json!([{ "year": "2025/26", "budget": "5900.00", "paid": "6400.00",
        "recovered": "500.00", "closedOn": "2026-04-24" }]);
    assert_eq!(closed("Small sparks"), (of_sparks, nothing_left));
    assert_eq!(closed("Warm rooms").0, json!([]));

    let late = |movement: &str, amount: &str| {
        json!({ "movement": movement, "amount": amount, "year": "2026/27", "corrects": "2025/26",
            "effectiveOn": "2026-05-18" })
    };
    let wanted = json!([late("RECOVER", "400.00"), late("PAY", "600.00")]);
    assert_eq!(answer["latePostings"]["nodes"], wanted);
}

/// What fixtures/README.md says each of these grants went through.
#[tokio::test]
async fn the_round_has_what_a_round_has() {
    let loading = Loading::new().await;
    let document = "{ grants(first: 500) { nodes { title status total award { firstApproval { limit } }
        panel { present { id } stoodAside { id } } scores { superseded }
        variations { kind status } suspensions { liftedOn } underspend { amount released }
        recoveries { amount received writtenOff open } returns { kind status }
        instalments { amount paidOn closedOn bankCode conditions { waivedOn } } } } }";
    let answer = loading.ask(document, json!({})).await;
    let grants = answer["grants"]["nodes"].as_array().unwrap();
    let grant = |title: &str| grants.iter().find(|grant| grant["title"] == title).unwrap();

    let clawback =
        json!([{ "amount": "1300.00", "received": "900.00", "writtenOff": "400.00", "open": "0.00" }]);
    assert_eq!(grant("Memory boxes, begun again")["recoveries"], clawback);
    let half = json!([{ "amount": "900.00", "received": "450.00", "writtenOff": "0.00", "open": "450.00" }]);
    assert_eq!(grant("The shed at the end of the line")["recoveries"], half);
    let varied = |title: &str| (grant(title)["variations"].clone(), grant(title)["total"].clone());
    let amount = |status: &str| json!([{ "kind": "AMOUNT", "status": status }]);
    assert_eq!(varied("Walking football, talking football"), (amount("APPROVED"), json!("6000.00")));
    assert_eq!(varied("Bench days"), (amount("APPROVED"), json!("4000.00")));
    assert_eq!(varied("Three gardens, one shed"), (amount("REFUSED"), json!("9200.00")));
    assert_eq!(grant("Saturday bench")["suspensions"], json!([{ "liftedOn": null }]));
    let lifted = json!([{ "liftedOn": "2026-07-22" }]);
    assert_eq!(grant("Walking football, talking football")["suspensions"], lifted);
    let unspent = json!({ "amount": "400.00", "released": "400.00" });
    assert_eq!(grant("Slow Sundays")["underspend"], unspent);
    let sent_back = json!([{ "kind": "FINAL", "status": "ACCEPTED" }]);
    assert_eq!(grant("Table tops for the Friday kitchen")["returns"], sent_back);

    let chair = grant("A chair at every match");
    assert_eq!(chair["award"]["firstApproval"], json!({ "limit": "10000.00" }));
    let sat = |side: &str| chair["panel"][side].as_array().unwrap().len();
    assert_eq!((sat("present"), sat("stoodAside")), (3, 1));
    let superseded = |score: &&Value| score["superseded"] == json!(true);
    assert_eq!(chair["scores"].as_array().unwrap().iter().filter(superseded).count(), 1);
    let payments: Vec<&Value> = chair["instalments"].as_array().unwrap().iter().collect();
    assert_eq!(payments[0]["bankCode"], "AC06", "it came back");
    assert_eq!(payments[0]["conditions"][0]["waivedOn"], "2026-09-14");
    let jackets = &grant("Bright jackets and first aid")["instalments"];
    assert_eq!((&jackets[0]["bankCode"], &jackets[1]["paidOn"]), (&json!("AC01"), &json!("2026-11-16")));
}

/// The names and accounts are read off the file, so that whoever adds a step adds to what is looked for.
#[tokio::test]
async fn no_person_and_no_account_is_in_the_log() {
    let steps = steps();
    let mut private: BTreeSet<String> = BTreeSet::new();
    for step in &steps {
        private.insert(step["as"]["name"].as_str().unwrap().to_owned());
        let people = texts(&step["input"]).into_iter().filter_map(|text| text.strip_prefix("$person:"));
        private.extend(people.map(str::to_owned));
        if step["do"] == "keepPersonDetails" {
            let details = ["name", "phone", "email", "address", "nhsNumber"];
            private
                .extend(details.iter().filter_map(|field| step["input"][field].as_str()).map(str::to_owned));
        }
        if step["do"] == "submitBankDetails" {
            let details = ["sortCode", "accountNumber", "accountName"];
            private.extend(details.map(|field| step["input"][field].as_str().unwrap().to_owned()));
        }
    }
    for known in ["Amina Example", "00000001", "9990001383", "person002@example.org"] {
        assert!(private.contains(known), "{known}: {private:?}");
    }

    let loading = Loading::new().await;
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT index, payload::text || ' ' || metadata::text FROM public.events ORDER BY index",
    )
    .fetch_all(loading.world.store.pool())
    .await
    .unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), loading.world.store.size().await.unwrap());
    for (index, stored) in rows {
        let stored = stored.to_lowercase();
        for secret in &private {
            assert!(!stored.contains(&secret.to_lowercase()), "event {index} holds {secret}: {stored}");
        }
    }
}

/// What the file promises of itself, beside what the record makes of it.
#[test]
fn every_step_is_dated_in_order_and_says_why() {
    for file in files() {
        let mut before = String::new();
        for step in steps_of(&file) {
            let on = step["input"]["effectiveOn"].as_str().unwrap_or_else(|| panic!("no date: {step}"));
            assert!(("2025-04-01"..="2026-11-20").contains(&on), "{on}: {step}");
            assert!(on >= &*before, "{on} after {before}: {step}");
            assert!(
                step["input"]["reason"].as_str().is_some_and(|reason| reason.len() > 10),
                "no reason: {step}"
            );
            on.clone_into(&mut before);
        }
    }
}
