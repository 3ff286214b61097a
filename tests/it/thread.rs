//! The golden thread through the API: from a need to what was told back, as it stood on any date, with its broken ends.

pub mod telling;

use serde_json::{Value, json};
use sidebyside::app::thread::AsAt;
use sidebyside::auth::Identity;
use sidebyside::domain::identity::Role;
use sidebyside::domain::thread::ThreadKind;
use sidebyside::projections::build;
use uuid::Uuid;

use crate::world::World;
use telling::{Happening, Teller, happened, id, lonely, prescription, talk, went_on};

const DOCUMENT: &str = "query($kind: ThreadKind!, $id: UUID!, $asAt: AsAt) { thread(kind: $kind, id: $id, asAt: $asAt) {
    isExact countedTo needs { reference money } programmes { name priorities }
    grants { id money shares { needId percent money } } offers { id title counted { made { shown } started { shown } } }
    counted { people { shown } made { shown } started { shown } completed { shown }
        changes { measure asked { shown } better { shown } mean } }
    commitments { standing byWhen } feedback { givenOn }
    gaps { from to days } links { from { kind } relation to { kind } share basis } brokenEnds { kind sentence } } }";

fn need(number: usize) -> Uuid {
    id("need", number)
}

/// Two needs heard, one grant for both, an offer it pays for, and a promise kept.
#[expect(clippy::too_many_lines, reason = "a list: what happened in a small town")]
fn town() -> Vec<Happening> {
    let (consultation, programme, grant, fund) =
        (id("consultation", 1), id("programme", 1), id("grant", 1), id("fund", 1));
    let link = json!({ "grant": grant, "programme": programme, "partner": id("partner", 1) });
    let shares = json!([{ "year": "2026/27", "amount": "1000.01" }]);
    let heard = |number: usize| {
        let (need, reference) = (need(number), format!("N-2026-000{number}"));
        happened(
            "2026-04-20",
            consultation,
            "consultation.need_heard.v1",
            json!({ "need": need, "reference": reference }),
        )
    };
    let told = |on: &str, what: &str, changed: Value| happened(on, consultation, what, changed);
    vec![
        told("2026-04-01", "consultation.planned.v1", json!({})),
        told("2026-04-20", "consultation.held.v1", json!({})),
        heard(1),
        heard(2),
        heard(3),
        told("2026-04-22", "consultation.written_up.v1", json!({})),
        told("2026-04-23", "consultation.themes_agreed.v1", json!({})),
        happened(
            "2026-05-01",
            programme,
            "programme.opened.v1",
            json!({
                "fund": fund, "priorities": [{ "title": "Company", "needs": [need(1)] }]
            }),
        ),
        happened(
            "2026-05-11",
            grant,
            "grant.application_submitted.v2",
            json!({
                "programme": programme, "fund": fund, "partner": id("partner", 1),
                "needs": [{ "need": need(1), "percent": 67 }, { "need": need(2), "percent": 33 }]
            }),
        ),
        happened("2026-05-20", fund, "fund.opened.v1", json!({})),
        happened(
            "2026-05-20",
            fund,
            "fund.commitment_reserved.v1",
            json!({ "link": link, "shares": shares }),
        ),
        happened("2026-05-21", grant, "grant.approved.v2", json!({})),
        happened(
            "2026-05-21",
            fund,
            "fund.commitment_confirmed.v1",
            json!({ "link": link, "shares": shares }),
        ),
        offered("2026-05-25", 1, json!([grant])),
        happened("2026-06-01", id("offer", 1), "offer.published.v1", json!({})),
        told(
            "2026-06-02",
            "consultation.commitment_made.v1",
            json!({
                "commitment": id("commitment", 1), "needs": [need(1)], "by_when": "2026-06-30"
            }),
        ),
        told(
            "2026-06-10",
            "consultation.evidence_linked.v1",
            json!({
                "commitment": id("commitment", 1), "shown_by": { "grant": grant }
            }),
        ),
        told("2026-06-11", "consultation.commitment_kept.v1", json!({ "commitment": id("commitment", 1) })),
        told("2026-06-20", "consultation.feedback_given.v1", json!({})),
    ]
}

fn offered(on: &str, number: usize, grants: Value) -> Happening {
    let drafted = happened(on, id("offer", number), "offer.drafted.v1", json!({}));
    let mut content = serde_json::to_value(drafted.fact()).unwrap()["offer.drafted"]["content"].clone();
    content["grants"] = grants;
    let changed = json!({ "content": content, "partner": id("partner", 1), "reference": format!("O-2026-000{number}") });
    happened(on, id("offer", number), "offer.drafted.v1", changed)
}

/// People pointed to an offer in May: each starts, each second one completes and is less lonely after.
fn pointed(how_many: usize, offer: usize, grant: Option<Uuid>) -> Vec<Happening> {
    let mut told = Vec::new();
    for number in 0..how_many {
        let key = offer * 10_000 + number;
        told.push(talk("2026-06-02", key, key, Some("wirral"), &["loneliness"]));
        told.push(prescription("2026-06-02", key, (key, key), (id("offer", offer), grant)));
        told.push(lonely("2026-06-03", key, "before", 8));
        told.push(went_on("2026-06-04", key, "prescription.started.v1", json!({})));
        if number % 2 == 0 {
            told.push(lonely("2026-06-28", key, "after", 5));
            told.push(went_on("2026-06-28", key, "prescription.closed.v1", json!({ "why": "completed" })));
        }
    }
    told
}

struct Scene {
    world: World,
    auditor: Identity,
    inclusion: Identity,
    commissioner: Identity,
}

impl Scene {
    async fn of(happenings: &[Happening]) -> Self {
        let world = World::new().await;
        Teller::to(&world).tell(happenings).await;
        let auditor = world.somebody("Ola Auditor", Role::Auditor, None).await;
        let inclusion = world.somebody("Ines Inclusion", Role::Inclusion, None).await;
        let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
        Self { world, auditor, inclusion, commissioner }
    }

    async fn thread(&self, who: &Identity, kind: &str, id: Uuid, as_at: Value) -> Value {
        let variables = json!({ "kind": kind, "id": id, "asAt": as_at });
        self.world.ask_on("2026-11-20", who, DOCUMENT, variables).await.data()["thread"].clone()
    }
}

fn whole_town() -> Vec<Happening> {
    [town(), pointed(20, 1, Some(id("grant", 1)))].concat()
}

#[tokio::test]
async fn the_whole_thread_of_a_need_is_drawn_on_one_page() {
    let scene = Scene::of(&whole_town()).await;
    let thread = scene.thread(&scene.auditor, "NEED", need(1), Value::Null).await;
    assert_eq!(thread["needs"], json!([{ "reference": "N-2026-0001", "money": "670.00" }]));
    assert_eq!(thread["programmes"][0]["priorities"], json!(["Company"]));
    let shares = json!([
        { "needId": need(1), "percent": 67, "money": "670.00" }, { "needId": need(2), "percent": 33, "money": "330.01" }
    ]);
    assert_eq!(thread["grants"], json!([{ "id": id("grant", 1), "money": "1000.01", "shares": shares }]));
    assert_eq!(thread["counted"]["people"]["shown"], "20");
    assert_eq!(thread["counted"]["completed"]["shown"], "10");
    let lonely = thread["counted"]["changes"].as_array().unwrap();
    let lonely = lonely.iter().find(|one| one["measure"] == "UCLA3_LONELINESS").unwrap();
    let wanted = json!({ "measure": "UCLA3_LONELINESS", "asked": { "shown": "10" }, "better": { "shown": "10" }, "mean": "-3.0" });
    assert_eq!(*lonely, wanted);
    assert_eq!(thread["commitments"], json!([{ "standing": "KEPT", "byWhen": "2026-06-30" }]));
    assert_eq!(thread["feedback"], json!([{ "givenOn": "2026-06-20" }]));
    let gaps: Vec<String> = thread["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| format!("{} {} {}", gap["from"], gap["to"], gap["days"]).replace('"', ""))
        .collect();
    assert_eq!(
        gaps,
        [
            "HEARD PRIORITY 11",
            "PRIORITY ASKED 10",
            "ASKED AWARDED 10",
            "AWARDED PUBLISHED 11",
            "PUBLISHED POINTED 1",
            "POINTED CHANGED 26",
            "CHANGED PROMISED -26",
            "PROMISED KEPT 9",
            "KEPT TOLD 9"
        ]
    );
    assert_eq!(thread["brokenEnds"], json!([]));
    let evidence = json!({ "from": { "kind": "GRANT" }, "relation": "DELIVERS", "to": { "kind": "COMMITMENT" },
        "share": null, "basis": "recorded" });
    assert!(thread["links"].as_array().unwrap().contains(&evidence), "{}", thread["links"]);

    // From the grant, the offer, the programme and the commitment it is the same thread.
    for (kind, of) in [
        ("GRANT", id("grant", 1)),
        ("OFFER", id("offer", 1)),
        ("PROGRAMME", id("programme", 1)),
        ("COMMITMENT", id("commitment", 1)),
    ] {
        let other = scene.thread(&scene.auditor, kind, of, Value::Null).await;
        assert_eq!((&other["grants"], &other["counted"]), (&thread["grants"], &thread["counted"]), "{kind}");
        assert_eq!(other["commitments"], thread["commitments"], "{kind}");
    }
}

#[tokio::test]
async fn bands_for_those_who_may_not_see_people_and_no_money_for_those_who_do_not_see_it() {
    let scene = Scene::of(&[town(), pointed(9, 1, Some(id("grant", 1)))].concat()).await;
    let thread = scene.thread(&scene.inclusion, "NEED", need(1), Value::Null).await;
    assert_eq!((&thread["isExact"], &thread["countedTo"]), (&json!(false), &json!("2026-09-30")));
    assert_eq!(thread["counted"]["made"]["shown"], "10");
    assert_eq!(thread["counted"]["completed"]["shown"], "*");
    assert_eq!((&thread["grants"][0]["money"], &thread["needs"][0]["money"]), (&Value::Null, &Value::Null));
    // Within the quarter nothing is told of people yet, and no day either.
    let june =
        scene.thread(&scene.commissioner, "NEED", need(1), json!({ "effectiveFor": "2026-06-29" })).await;
    assert_eq!((&june["countedTo"], &june["counted"]["made"]["shown"]), (&json!("2026-03-31"), &json!("0")));
    assert!(june["gaps"].as_array().unwrap().iter().all(|gap| gap["to"] != "POINTED"), "{}", june["gaps"]);
    assert_eq!(june["grants"][0]["money"], "1000.01");
    for (kind, of) in
        [("NEED", need(99)), ("GRANT", id("offer", 1)), ("PRESCRIPTION", id("prescription", 10_000))]
    {
        let variables = json!({ "kind": kind, "id": of });
        let answer = scene.world.ask(&scene.auditor, DOCUMENT, variables).await;
        assert_eq!(answer.refusal().0, "not_found", "{kind}");
    }
}

#[tokio::test]
async fn outside_a_thread_holds_what_was_told_and_nothing_of_what_is_being_decided() {
    let (untold, asking) = (id("consultation", 3), id("grant", 3));
    let more = vec![
        happened("2026-05-02", untold, "consultation.planned.v1", json!({ "reference": "C-2026-0003" })),
        happened("2026-05-03", untold, "consultation.held.v1", json!({})),
        happened("2026-05-03", untold, "consultation.need_heard.v1", json!({ "need": need(8) })),
        happened(
            "2026-06-11",
            asking,
            "grant.application_submitted.v2",
            json!({
                "programme": id("programme", 1), "partner": id("partner", 1),
                "needs": [{ "need": need(1), "percent": 50 }, { "need": need(8), "percent": 50 }]
            }),
        ),
        offered("2026-06-12", 3, json!([id("grant", 1)])),
    ];
    let scene = Scene::of(&[town(), more, pointed(9, 1, Some(id("grant", 1)))].concat()).await;
    let (public, auditor) = (Identity::public(), &scene.auditor);
    let partner = Some(sidebyside::domain::identity::PartnerId(id("partner", 9)));
    let elsewhere = scene.world.somebody("Sam Stranger", Role::PartnerAdmin, partner).await;
    let lists = ["needs", "grants", "offers", "commitments"];
    let sizes = |thread: &Value| lists.map(|list| thread[list].as_array().unwrap().len());

    let inside = scene.thread(auditor, "NEED", need(1), Value::Null).await;
    assert_eq!(sizes(&inside), [1, 2, 2, 1]);
    let outside = scene.thread(&public, "NEED", need(1), Value::Null).await;
    assert_eq!(sizes(&outside), [1, 1, 1, 1], "neither the grant that is asked for nor the draft");
    assert_eq!(outside["grants"][0]["money"], "1000.01", "what was awarded is everybody's to know");
    assert_eq!(
        (&outside["isExact"], &outside["counted"]["completed"]["shown"]),
        (&json!(false), &json!("*"))
    );
    assert_eq!(outside["offers"][0]["counted"], Value::Null);
    let hidden = [json!(asking), json!(id("offer", 3)), json!(need(8))];
    let told = scene.thread(&elsewhere, "NEED", need(1), Value::Null).await;
    assert_eq!(told, outside, "partners see what everybody sees");
    for id in &hidden {
        assert!(!outside.to_string().contains(id.as_str().unwrap()), "{id}");
    }

    // What is not told is answered as what does not exist.
    for (kind, of) in [("NEED", need(8)), ("GRANT", asking), ("OFFER", id("offer", 3))] {
        let ask =
            async |id: Uuid| scene.world.ask(&public, DOCUMENT, json!({ "kind": kind, "id": id })).await.0;
        let (there, nowhere) = (ask(of).await, ask(Uuid::from_u128(0x404)).await);
        assert_eq!(there, nowhere, "{kind}");
        assert_eq!(there["errors"][0]["extensions"]["code"], "not_found", "{kind}");
        scene.thread(auditor, kind, of, Value::Null).await;
    }
    let programme = scene.thread(&public, "PROGRAMME", id("programme", 1), Value::Null).await;
    assert_eq!(sizes(&programme)[1], 1);
}

/// One connection that says how many statements it ran: the pool's own count of them.
#[tokio::test]
async fn a_thread_takes_as_many_statements_for_five_hundred_prescriptions_as_for_five() {
    let mut counts = Vec::new();
    for people in [5, 500] {
        let scene = Scene::of(&[town(), pointed(people, 1, Some(id("grant", 1)))].concat()).await;
        // Whether a place in the code is listened to is remembered for all threads: another test that ends at this
        // moment can make ours deaf for a while, so that it hears too few. It asks again; the most heard is what was asked.
        let mut count = 0;
        for turn in 0..50 {
            let counter = Statements::default();
            let guard = tracing::subscriber::set_default(counter.clone());
            tracing::callsite::rebuild_interest_cache();
            let thread = scene.thread(&scene.auditor, "NEED", need(1), Value::Null).await;
            drop(guard);
            assert_eq!(thread["counted"]["made"]["shown"], people.to_string());
            count = count.max(counter.count());
            if turn >= 4 && count >= 5 {
                break;
            }
        }
        counts.push(count);
    }
    assert_eq!(counts[0], counts[1], "{counts:?}");
    assert!((5..=12).contains(&counts[0]), "{counts:?}");
}

/// Counts what the database is asked.
#[derive(Clone, Default)]
struct Statements(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Statements {
    fn count(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl tracing::Subscriber for Statements {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// Cut the log anywhere: the thread as it was known then is the thread of a record that holds no more than that.
#[tokio::test]
async fn as_it_stood_is_what_a_replay_up_to_there_says() {
    let all = whole_town();
    let scene = Scene::of(&all).await;
    let events: Vec<(i64, chrono::DateTime<chrono::Utc>)> =
        sqlx::query_as("SELECT index, recorded_at FROM public.events ORDER BY index")
            .fetch_all(scene.world.store.pool())
            .await
            .unwrap();
    let first = events.len() - all.len();
    let app = scene.world.app().on_day("2026-11-20".parse().unwrap());
    for cut in [9, 12, 15, 17, 18, 25, all.len() - 1] {
        let short = Scene::of(&all[..cut]).await;
        let again = short.world.app().on_day("2026-11-20".parse().unwrap());
        let known_before = Some(events[first + cut].1);
        for of in
            [(ThreadKind::Need, need(1)), (ThreadKind::Need, need(2)), (ThreadKind::Grant, id("grant", 1))]
        {
            let as_at = AsAt { known_before, effective_to: None };
            let (then, replayed) = (
                app.thread(&scene.auditor, of, as_at).await,
                again.thread(&short.auditor, of, AsAt::default()).await,
            );
            match (then, replayed) {
                (Ok(then), Ok(replayed)) => assert_eq!(then, replayed, "{cut} {of:?}"),
                (then, replayed) => assert!(then.is_err() && replayed.is_err(), "{cut} {of:?}"),
            }
        }
    }
    let differences = build::compare(&scene.world.owner().await, &|_, _| ()).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

const BROKEN: &str = "query($asAt: AsAt) { brokenEnds(asAt: $asAt) { kind at { kind id } since sentence } }";

#[tokio::test]
async fn each_kind_of_broken_end_is_found_and_says_what_to_do() {
    let (consultation, grant) = (id("consultation", 2), id("grant", 2));
    let more = vec![
        happened(
            "2026-05-02",
            consultation,
            "consultation.planned.v1",
            json!({ "title": "Tea and talk", "reference": "C-2026-0002" }),
        ),
        happened("2026-05-03", consultation, "consultation.held.v1", json!({})),
        happened("2026-05-03", consultation, "consultation.need_heard.v1", json!({ "need": need(7) })),
        happened(
            "2026-05-06",
            consultation,
            "consultation.commitment_made.v1",
            json!({
                "commitment": id("commitment", 7), "needs": [need(7)], "by_when": "2026-07-31"
            }),
        ),
        happened(
            "2026-05-11",
            grant,
            "grant.application_submitted.v2",
            json!({
                "programme": id("programme", 1), "partner": id("partner", 1), "needs": []
            }),
        ),
        happened("2026-05-21", grant, "grant.approved.v2", json!({})),
        offered("2026-05-25", 2, json!([])),
        happened("2026-06-01", id("offer", 2), "offer.published.v1", json!({})),
    ];
    let scene = Scene::of(&[town(), more, pointed(3, 2, None)].concat()).await;
    let found = async |who: &Identity, day: &str| {
        let answer =
            scene.world.ask_on("2026-11-20", who, BROKEN, json!({ "asAt": { "effectiveFor": day } })).await;
        answer.data()["brokenEnds"].as_array().unwrap().clone()
    };
    let kinds = |ends: &[Value]| -> Vec<String> {
        ends.iter().map(|end| format!("{} {}", end["kind"], end["since"]).replace('"', "")).collect()
    };
    let ends = found(&scene.auditor, "2026-11-20").await;
    assert_eq!(
        kinds(&ends),
        [
            "NEED_WITHOUT_ANSWER 2026-04-20",
            "GRANT_WITHOUT_NEED 2026-05-21",
            "OFFER_WITHOUT_GRANT 2026-06-01",
            "PRESCRIPTIONS_OUTSIDE_GRANTS 2026-06-02",
            "COMMITMENT_PAST_DATE 2026-07-31",
            "FEEDBACK_OWED 2026-05-06"
        ]
    );
    for end in &ends {
        let sentence = end["sentence"].as_str().unwrap();
        assert!(sentence.ends_with('.') && sentence.contains(':') && sentence.len() > 40, "{sentence}");
    }
    assert!(
        ends[3]["sentence"].as_str().unwrap().starts_with("3 prescriptions point to O-2026-0002"),
        "{}",
        ends[3]
    );
    assert!(ends[5]["sentence"].as_str().unwrap().contains("Tea and talk"), "{}", ends[5]);
    // On a day in July the promise was still in time; bands tell no small count.
    let july = found(&scene.inclusion, "2026-07-15").await;
    assert!(kinds(&july).iter().all(|kind| !kind.starts_with("COMMITMENT")), "{july:?}");
    let pointing = july.iter().find(|end| end["kind"] == "PRESCRIPTIONS_OUTSIDE_GRANTS").unwrap();
    assert!(pointing["sentence"].as_str().unwrap().starts_with("Some prescriptions point"), "{pointing}");
    // The thread of the grant says the same of it.
    let thread = scene.thread(&scene.auditor, "GRANT", grant, Value::Null).await;
    assert_eq!(thread["brokenEnds"][0]["kind"], "GRANT_WITHOUT_NEED");
}

const LINK: &str = "mutation($input: LinkThreadInput!) { linkThread(input: $input) { receipt { index }
    threadLinks { id links { from { kind id } relation to { kind id } share basis why } } } }";
const WITHDRAW: &str = "mutation($input: WithdrawThreadLinksInput!) { withdrawThreadLinks(input: $input) {
    receipt { index } threadLinks { links { basis } } } }";

fn stated(from: (&str, Uuid), relation: &str, to: &[(&str, Uuid, Option<i32>)]) -> Value {
    let links = to.iter().map(|(kind, id, share)| {
        json!({ "toKind": kind, "toId": id, "relation": relation, "share": share, "basis": "STATED",
            "why": "Agreed at the review, all invented." })
    });
    json!({ "input": { "fromKind": from.0, "fromId": from.1, "links": links.collect::<Vec<_>>() } })
}

#[tokio::test]
async fn links_are_stated_where_no_record_says_so_and_taken_back_with_a_reason() {
    let grant = id("grant", 2);
    let more = vec![
        happened(
            "2026-05-11",
            grant,
            "grant.application_submitted.v2",
            json!({
                "programme": id("programme", 1), "partner": id("partner", 1), "needs": []
            }),
        ),
        happened("2026-05-21", grant, "grant.approved.v2", json!({})),
        happened("2026-04-20", need(1), "need.entered.v1", json!({ "consultation": id("consultation", 1) })),
        happened("2026-04-20", need(3), "need.entered.v1", json!({ "consultation": id("consultation", 1) })),
    ];
    let scene = Scene::of(&[town(), more].concat()).await;
    let who = &scene.commissioner;
    let ask =
        async |document: &str, input: Value| scene.world.ask_on("2026-11-20", who, document, input).await;
    let size = scene.world.size().await;
    let nobody = Uuid::from_u128(404);
    for (input, code) in [
        (stated(("GRANT", grant), "ANSWERS", &[("NEED", nobody, Some(100))]), "not_found"),
        (stated(("GRANT", nobody), "ANSWERS", &[("NEED", need(3), Some(100))]), "not_found"),
        (stated(("SESSION", nobody), "ANSWERS", &[("NEED", need(3), None)]), "not_found"),
        (stated(("GRANT", id("grant", 1)), "DELIVERS", &[("COMMITMENT", nobody, None)]), "not_found"),
        (stated(("FIGURE", nobody), "SHOWS", &[("NEED", need(3), None)]), "not_found"),
        (stated(("GRANT", id("grant", 1)), "ANSWERS", &[("NEED", need(3), Some(100))]), "thread.on_record"),
        (stated(("GRANT", id("grant", 1)), "FUNDS", &[("OFFER", id("offer", 1), None)]), "thread.on_record"),
        (
            stated(("PROGRAMME", id("programme", 1)), "ANSWERS", &[("NEED", need(1), None)]),
            "thread.on_record",
        ),
        (stated(("GRANT", grant), "ANSWERS", &[("NEED", need(3), Some(60))]), "thread.shares_do_not_add_up"),
        (stated(("NEED", need(3)), "FUNDS", &[("GRANT", grant, None)]), "thread.does_not_fit"),
        (stated(("GRANT", grant), "ANSWERS", &[("NEED", need(3), Some(1_000))]), "invalid"),
    ] {
        let answer = ask(LINK, input.clone()).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{input}: {sentence}");
        assert!(sentence.ends_with('.'), "{sentence}");
    }
    assert_eq!(scene.world.size().await, size, "nothing is half done");

    let shared =
        stated(("GRANT", grant), "ANSWERS", &[("NEED", need(1), Some(25)), ("NEED", need(3), Some(75))]);
    let done = ask(LINK, shared).await;
    let links = done.data()["linkThread"]["threadLinks"]["links"].as_array().unwrap().clone();
    assert_eq!(links.iter().filter(|link| link["basis"] == "stated").count(), 2, "{links:?}");
    let thread = scene.thread(&scene.auditor, "NEED", need(3), Value::Null).await;
    assert_eq!(thread["grants"][0]["shares"][1]["percent"], 75);
    let before = scene.thread(&scene.auditor, "NEED", need(3), json!({ "effectiveFor": "2026-11-19" })).await;
    assert_eq!(
        (&before["grants"], &before["brokenEnds"][0]["kind"]),
        (&json!([]), &json!("NEED_WITHOUT_ANSWER"))
    );

    let back = |links: &[Uuid], reason: Value| {
        let links = links.iter().map(|id| json!({ "relation": "ANSWERS", "toKind": "NEED", "toId": id }));
        json!({ "input": { "fromKind": "GRANT", "fromId": grant, "links": links.collect::<Vec<_>>(), "reason": reason } })
    };
    let one = ask(WITHDRAW, back(&[need(1)], json!("A slip."))).await;
    assert_eq!(one.refusal().0, "thread.shares_do_not_add_up");
    let unsaid = ask(WITHDRAW, back(&[need(1), need(3)], Value::Null)).await;
    assert_eq!(unsaid.refusal().0, "reason.required");
    let both = ask(WITHDRAW, back(&[need(1), need(3)], json!("The needs were named by mistake."))).await;
    let links = both.data()["withdrawThreadLinks"]["threadLinks"]["links"].as_array().unwrap().clone();
    assert!(links.iter().all(|link| link["basis"] == "recorded"), "{links:?}");
    let differences = build::compare(&scene.world.owner().await, &|_, _| ()).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}
