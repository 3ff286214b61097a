//! Any date: what is asked for as it stood is, byte for byte, what a record made of the log up to there says today; and
//! it stays so whatever is recorded later.

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::calendar::date_in_london;
use sidebyside::domain::identity::Role;
use sidebyside::graphql::{Api, api};
use sidebyside::projections::build;
use sqlx::postgres::PgPoolCopyExt as _;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool};
use uuid::Uuid;

use crate::architecture::files_under;
use crate::sample::Loading;
use crate::store::superuser;
use crate::world::World;

/// How many cuts are compared.
const CUTS: usize = 50;

/// Everything that is kept for any date, by name as the schema has it.
const DIRECTORY: &str = "query($asAt: AsAt) {
    partners(first: 60, asAt: $asAt) { totalCount nodes { id version reference name status summary areas appliedOn approvedOn
        nextReview offerCount checks { standing } } }
    offers(first: 40, asAt: $asAt) { totalCount nodes { id version reference status contentVersion confirmBy hasRoom publishedOn
        withdrawnOn content { title summary } partner { version status } } }
    programmes(first: 20, asAt: $asAt) { nodes { id version name closedOn priorities { needIds title } } } }";
const MONEY: &str = "query($asAt: AsAt) {
    grants(first: 60, asAt: $asAt) { totalCount nodes { id version reference title status requested recommended total submittedOn
        endedOn partner { version status } fund { version } instalments { amount due paidOn }
        decisions { index sentence } } }
    funds(first: 20, asAt: $asAt) { nodes { id version name years { year figures { budget available reserved committed spent accrued } } } }
    ledger(by: PROGRAMME, asAt: $asAt) { id name reference figures { budget available reserved committed spent accrued forecast } }
    ledgerLines(first: 500, asAt: $asAt) { totalCount nodes { index line movement amount year recordedAt } } }";
const THREAD: &str = "query($asAt: AsAt, $need: UUID!) {
    brokenEnds(asAt: $asAt) { kind sentence since at { id } }
    threadLinks(id: $need, asAt: $asAt) { relation from { id } to { id } }
    inclusionOutcomes(from: \"2025-04-01\", to: \"2026-11-20\", asAt: $asAt) { events whole { made { shown } started { shown }
        completed { shown } } tables { by rows { key made { shown } people { shown } changes { asked { shown } better { shown } } } } } }";
const ONE: &str = "query($asAt: AsAt, $need: UUID!) { thread(kind: NEED, id: $need, asAt: $asAt) { events on countedTo
    needs { id statement money } grants { id money } offers { id } commitments { id standing } counted { made { shown } }
    gaps { days } brokenEnds { kind sentence } } }";

/// Numbers that look like chance and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % most
    }
}

/// What a record says, as it is sent: of a moment, or as it stands.
async fn said(api: &Api, who: &Identity, as_at: &Value, need: &Value) -> String {
    let mut said = String::new();
    for document in [DIRECTORY, MONEY, THREAD, ONE] {
        let variables = Variables::from_json(json!({ "asAt": as_at, "need": need }));
        let answer = api.execute(Request::new(document).variables(variables).data(who.clone())).await;
        // The thread of a need that nobody had heard of yet is not there; everything else is.
        assert!(document == ONE || answer.errors.is_empty(), "{:?}", answer.errors);
        said.push_str(&serde_json::to_string(&answer).unwrap());
        said.push('\n');
    }
    said
}

const COLUMNS: &str = "aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, index, event_id, \
    recorded_at, effective_on, nonce, leaf_hash, command_id";

/// Put the events from one position up to another into another log, as they are.
async fn replay(from: &PgPool, into: &World, first: i64, before: i64) {
    let select = format!(
        "COPY (SELECT {COLUMNS} FROM public.events WHERE index >= {first} AND index < {before} ORDER BY index) TO STDOUT"
    );
    let mut rows = from.copy_out_raw(&select).await.unwrap();
    let owner = into.owner().await;
    let mut connection = owner.acquire().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("ALTER TABLE public.events DISABLE TRIGGER USER").await.unwrap();
    let mut copy =
        transaction.copy_in_raw(&format!("COPY public.events ({COLUMNS}) FROM STDIN")).await.unwrap();
    while let Some(chunk) = futures_util::StreamExt::next(&mut rows).await {
        copy.send(chunk.unwrap()).await.unwrap();
    }
    copy.finish().await.unwrap();
    let head = format!(
        "UPDATE public.log_head SET size = {before},
             last_recorded_at = (SELECT recorded_at FROM public.events WHERE index = {before} - 1);
         ALTER TABLE public.events ENABLE TRIGGER USER"
    );
    transaction.execute(head.as_str()).await.unwrap();
    transaction.commit().await.unwrap();
    drop(connection);
    assert_eq!(build::rebuild(&owner, &|_, _| {}).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_cuts_are_what_a_replay_of_the_log_up_to_there_makes() {
    let loading = Loading::new().await;
    let (world, replica) = (loading.world(), World::new().await);
    let auditor = world.somebody("Vera Testcase", Role::Auditor, None).await;
    let owner = world.owner().await;
    let need: Uuid = sqlx::query_scalar(
        "SELECT to_id FROM views.thread_link WHERE relation = 'answers' AND to_kind = 'need'
         GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    let (need, size, mut dice) = (json!(need), world.size().await, Dice(2026));
    let (here, replayed) = (api(world.app()), |day| api(replica.app().on_day(day)));
    let mut cuts: Vec<i64> = (0..CUTS).map(|_| 1 + dice.below(size)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let (mut done, mut kept, mut there) = (0, Vec::new(), None);
    for (place, cut) in cuts.iter().copied().enumerate() {
        let recorded = world.store.recorded_at(cut - 1).await.unwrap().unwrap();
        let moment = match place % 2 {
            0 => json!({ "index": cut - 1 }),
            _ => json!({ "time": recorded.to_rfc3339() }),
        };
        let day = date_in_london(recorded);
        if there.as_ref().is_none_or(|(known, _)| *known != day) {
            there = Some((day, replayed(day)));
        }
        let (_, there) = there.as_ref().unwrap();
        let replay_and_say = async {
            if cut > done {
                replay(&owner, &replica, done, cut).await;
            }
            said(there, &auditor, &Value::Null, &need).await
        };
        let (then, now) = tokio::join!(said(&here, &auditor, &moment, &need), replay_and_say);
        done = cut;
        assert!(then == now, "{cut} of {size} events:\n{then}\n{now}");
        kept.push((moment, then));
    }
    assert!(kept.len() > 45, "{} cuts", kept.len());
    let mut different: Vec<&String> = kept.iter().map(|(_, said)| said).collect();
    different.dedup();
    assert!(different.len() > 40, "{} differ", different.len());
    // Whatever is recorded later, and however long ago the cut was forgotten.
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    apply(world, &commissioner, "Choir of later").await;
    for (moment, then) in kept.iter().step_by(7) {
        assert!(*then == said(&here, &auditor, moment, &need).await, "{moment}");
    }
}

async fn apply(world: &World, who: &Identity, name: &str) -> Value {
    let document = "mutation($name: String!) { applyAsPartner(input: {name: $name, legalForm: FAITH_GROUP, areas: [KNOWSLEY],
        communities: [EVERYONE], summary: \"Songs\"}) { receipt { index recordedAt } partner { id version } } }";
    world.ask(who, document, json!({ "name": name })).await.data()["applyAsPartner"].clone()
}

#[tokio::test]
async fn each_role_looks_back_at_what_it_may_see_or_is_told_that_it_may_not() {
    let world = World::new().await;
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    let index = apply(&world, &commissioner, "Choir one").await["receipt"]["index"].clone();
    for role in Role::ALL {
        let who = world.anybody(role).await;
        let looks_back = !role.is_of_a_partner() && role != Role::Public;
        let directory = "query($index: Int!) { partners(asAt: {index: $index}) { totalCount } }";
        let answer = world.ask(&who, directory, json!({ "index": index })).await;
        assert_eq!(answer.0.get("errors").is_none(), looks_back, "{role:?} {}", answer.0);
        if !looks_back {
            assert_eq!(answer.refusal().0, "forbidden", "{role:?}");
        }
        // Money is for those who see it today, and counts of people for those who see the counts.
        let answer = world
            .ask(
                &who,
                "query($index: Int!) { funds(asAt: {index: $index}) { nodes { id } } }",
                json!({ "index": index }),
            )
            .await;
        let sees_money = matches!(role, Role::Commissioner | Role::Approver | Role::Finance | Role::Auditor);
        assert_eq!(answer.0.get("errors").is_none(), sees_money, "{role:?} {}", answer.0);
        let answer = world
            .ask(
                &who,
                "query($index: Int!) { brokenEnds(asAt: {index: $index}) { kind } }",
                json!({ "index": index }),
            )
            .await;
        if matches!(role, Role::Advisor | Role::Auditor) {
            assert!(answer.0.get("errors").is_none(), "{role:?} {}", answer.0);
        } else {
            let code = if looks_back { "as_at.in_bands" } else { "forbidden" };
            assert_eq!(answer.refusal().0, code, "{role:?}");
        }
    }
}

#[tokio::test]
async fn one_request_may_look_at_several_moments_and_each_is_whole() {
    let world = World::new().await;
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    let made = apply(&world, &commissioner, "Choir one").await;
    let (id, index, at) = (&made["partner"]["id"], &made["receipt"]["index"], &made["receipt"]["recordedAt"]);
    let input = json!({ "partnerId": id, "check": "DBS", "reason": "They visit homes." });
    let require =
        "mutation($input: PartnerCheckInput!) { requireCheck(input: $input) { partner { version } } }";
    let later = world.ask(&commissioner, require, json!({ "input": input })).await;
    let later = &later.data()["requireCheck"]["partner"]["version"];
    apply(&world, &commissioner, "Choir two").await;
    let document = "query($id: UUID!, $index: Int!, $time: DateTime!) {
        now: partner(id: $id) { version checks { standing } }
        then: partner(id: $id, asAt: {index: $index}) { version checks { standing } }
        by: partner(id: $id, asAt: {time: $time}) { version checks { standing } }
        first: partners(asAt: {index: 0}) { totalCount nodes { version } }
        all: partners { totalCount } }";
    let answer = world.ask(&commissioner, document, json!({ "id": id, "index": index, "time": at })).await;
    let told = answer.data();
    assert_eq!(told["now"]["version"], *later);
    assert_eq!(told["then"]["version"], made["partner"]["version"]);
    assert_eq!(told["by"], told["then"]);
    let checks = |of: &str| told[of]["checks"].as_array().unwrap().len();
    assert_eq!(checks("now"), checks("then") + 1);
    assert_eq!((&told["first"]["totalCount"], &told["first"]["nodes"][0]["version"]), (&json!(1), &json!(1)));
    assert_eq!(told["all"]["totalCount"], 2);
}

#[tokio::test]
async fn a_moment_that_is_none_is_refused_with_what_to_do() {
    let world = World::new().await;
    let auditor = world.somebody("Vera Testcase", Role::Auditor, None).await;
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    apply(&world, &commissioner, "Choir one").await;
    let document = "query($asAt: AsAt!) { partners(asAt: $asAt) { totalCount } }";
    for (as_at, code) in [
        (json!({ "index": world.size().await }), "as_at.not_there"),
        (json!({ "index": -1 }), "as_at.not_there"),
        (json!({ "time": "2199-01-01T00:00:00Z" }), "as_at.not_there"),
        (json!({ "index": 0, "knownOn": "2026-01-01" }), "as_at.one"),
        (json!({ "index": 0, "time": "2026-01-01T00:00:00Z" }), "as_at.one"),
        (json!({ "effectiveFor": "2026-01-01" }), "as_at.only_the_thread"),
    ] {
        let answer = world.ask(&auditor, document, json!({ "asAt": as_at })).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{as_at}");
        assert!(sentence.ends_with('.') && sentence.len() > 20, "{sentence}");
    }
    let before = world.ask(&auditor, document, json!({ "asAt": { "knownOn": "2020-01-01" } })).await;
    assert_eq!(before.data()["partners"]["totalCount"], 0, "nothing was known then");
}

#[tokio::test]
async fn one_request_looks_at_four_moments_and_today_is_as_it_stands() {
    let world = World::new().await;
    let auditor = world.somebody("Vera Testcase", Role::Auditor, None).await;
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    let mut recorded = Vec::new();
    for name in ["One", "Two", "Three", "Four", "Five"] {
        recorded.push(apply(&world, &commissioner, name).await["receipt"]["index"].clone());
    }
    let at = |places: &[usize]| {
        let fields = places.iter().enumerate().map(|(number, place)| {
            format!("f{number}: partners(asAt: {{index: {}}}) {{ totalCount }} ", recorded[*place])
        });
        format!("{{ {}}}", fields.collect::<String>())
    };
    let answer = world.ask(&auditor, &at(&[0, 1, 2, 3, 3, 2, 1, 0]), Value::Null).await;
    let told = answer.data();
    let counts = (0..8).map(|number| told[format!("f{number}")]["totalCount"].as_i64().unwrap());
    assert_eq!(counts.collect::<Vec<_>>(), [1, 2, 3, 4, 4, 3, 2, 1]);
    let answer = world.ask(&auditor, &at(&[0, 1, 2, 3, 4]), Value::Null).await;
    let (code, sentence) = answer.refusal();
    assert_eq!(code, "as_at.too_many");
    assert!(sentence.contains("4 moments at most"), "{sentence}");
    let today = date_in_london(world.store.recorded_at(0).await.unwrap().unwrap());
    let document = "query($today: Date!) { then: partners(asAt: {knownOn: $today}) { totalCount } now: partners { totalCount } }";
    let answer =
        world.ask_on(&today.to_string(), &auditor, document, json!({ "today": today.to_string() })).await;
    assert_eq!(answer.data()["then"], answer.data()["now"]);
}

#[tokio::test]
async fn a_session_that_is_lost_is_made_again_and_never_answers_with_today() {
    let world = World::new().await;
    let auditor = world.somebody("Vera Testcase", Role::Auditor, None).await;
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    let index = apply(&world, &commissioner, "Choir one").await["receipt"]["index"].clone();
    apply(&world, &commissioner, "Choir two").await;
    let document = "query($index: Int!) { partners(asAt: {index: $index}) { nodes { name } } }";
    let first = world.ask(&auditor, document, json!({ "index": index })).await;
    assert_eq!(first.data()["partners"]["nodes"], json!([{ "name": "Choir one" }]));
    let mut killer = superuser(&world).connect().await.unwrap();
    let killed: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'sidebyside as it stood'",
    )
    .fetch_one(&mut killer)
    .await
    .unwrap();
    assert_eq!(killed, 1);
    let again = world.ask(&auditor, document, json!({ "index": index })).await;
    assert_eq!(again.data(), first.data());
}

#[test]
fn projections_are_read_by_their_bare_names() {
    // Under another name than its bare one, a cut would find the table of today.
    let named = |line: &str, schema: &str| {
        let goes_on =
            |before: &str| before.ends_with(|sign: char| sign.is_alphanumeric() || "._".contains(sign));
        line.match_indices(schema).any(|(at, _)| line.get(..at).is_some_and(|before| !goes_on(before)))
    };
    let mut found = Vec::new();
    for file in files_under("src/projections") {
        let may_name_the_log =
            ["src/projections/build.rs", "src/projections/as_at.rs"].contains(&file.as_str());
        let text =
            std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            if named(line, "views.") || !may_name_the_log && named(line, "public.") {
                found.push(format!("{file}: {}", line.trim()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "write the name of the table alone, so that it is found at every cut:\n{}",
        found.join("\n")
    );
}
