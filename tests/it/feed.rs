//! The event feed: every position has its place, nobody is told more than the history tells them, and what leaves the
//! house is what auditors may take away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::{Extension, Router};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use sidebyside::auth::{Accounts, Chance, Development, Identity};
use sidebyside::domain::identity::{PartnerId, Role};
use sidebyside::exports::evidence::DISCLOSED;
use sidebyside::exports::feed::{HEADINGS, cloud_event, leaving, row};
use sidebyside::graphql::api;
use sidebyside::store::Trouble;
use sidebyside::store::copy::stored;
use sidebyside::web::{Limits, Stopping, router};
use tower::ServiceExt as _;

use crate::sample::Loading;
use crate::world::World;

/// Those who may follow; all others are told who may.
const MAY: [Role; 6] = [
    Role::Commissioner,
    Role::Approver,
    Role::Finance,
    Role::Auditor,
    Role::PartnerAdmin,
    Role::PartnerWorker,
];

/// Streams about people who are helped.
const PEOPLE: [&str; 5] = ["person", "referral", "contact", "prescription", "open_prescription"];

/// Somebody in each role; those of a partner for the one with the most grants.
async fn everybody(world: &World) -> Vec<Identity> {
    let partner: uuid::Uuid = sqlx::query_scalar(
        "SELECT (doc ->> 'partner')::uuid FROM views.grant_case GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1",
    )
    .fetch_one(world.store.pool())
    .await
    .unwrap();
    let mut all = Vec::new();
    for role in Role::ALL {
        if role == Role::Public {
            all.push(Identity::public());
            continue;
        }
        let partner = role.is_of_a_partner().then_some(PartnerId(partner));
        all.push(world.somebody("Sam Anybody", role, partner).await);
    }
    all
}

/// The whole feed as somebody sees it, by position; or the code it is refused with.
async fn followed(world: &World, who: &Identity) -> Result<Vec<Value>, String> {
    let document = "query($after: Int) { eventFeed(after: $after, first: 500) { index cloudEvent } }";
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = i64::try_from(events.len()).unwrap() - 1;
        let answer = world.ask(who, document, json!({ "after": after })).await;
        if answer.0.get("errors").is_some() {
            return Err(answer.refusal().0.to_owned());
        }
        let page = answer.data()["eventFeed"].as_array().unwrap().clone();
        if page.is_empty() {
            return Ok(events);
        }
        for entry in page {
            let event: Value = serde_json::from_str(entry["cloudEvent"].as_str().unwrap()).unwrap();
            assert_eq!(entry["index"], events.len(), "no position is left out");
            assert_eq!(event["id"], events.len().to_string());
            events.push(event);
        }
    }
}

/// What the history tells somebody: of the whole log, or of some streams; by position.
async fn history(world: &World, who: &Identity, streams: &[Value]) -> BTreeMap<u64, Value> {
    let document = "query($stream: UUID, $after: String) { history(filter: {streamId: $stream}, first: 500, after: $after) {
        nodes { index streamType streamId sequence eventType actor { id } role reason effectiveOn commandId leafHash
            values { name value } } pageInfo { hasNextPage endCursor } } }";
    let mut told = BTreeMap::new();
    for stream in streams {
        let mut after = Value::Null;
        loop {
            let answer = world.ask(who, document, json!({ "stream": stream, "after": after })).await;
            let page = &answer.data()["history"];
            for node in page["nodes"].as_array().unwrap() {
                told.insert(node["index"].as_u64().unwrap(), node.clone());
            }
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
    told
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A CloudEvent says what the entry of the history says, and no more.
fn assert_same(event: &Value, entry: &Value) {
    let at = &event["id"];
    assert_eq!(event["type"], entry["eventType"], "{at}");
    assert_eq!(
        event["subject"],
        format!("{}/{}", text(&entry["streamType"]), text(&entry["streamId"])),
        "{at}"
    );
    assert_eq!(event["streamsequence"], entry["sequence"], "{at}");
    assert_eq!(event["effectiveon"], entry["effectiveOn"], "{at}");
    assert_eq!(event["leafhash"], entry["leafHash"], "{at}");
    assert_eq!(event["reason"], entry["reason"], "{at}");
    assert_eq!(event["commandid"], entry["commandId"], "{at}");
    assert_eq!(event["actor"], entry["actor"]["id"], "{at}");
    let role = event["actorrole"].as_str().map(str::to_uppercase);
    assert_eq!(role.as_deref(), entry["role"].as_str(), "{at}");
    let data: BTreeMap<String, String> =
        event["data"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let values =
        entry["values"].as_array().unwrap().iter().map(|one| (text(&one["name"]), text(&one["value"])));
    assert_eq!(data, values.collect(), "{at}");
}

#[tokio::test]
async fn each_role_is_told_what_the_history_tells_it_and_the_rest_keeps_its_place() {
    let loading = Loading::new().await;
    let world = loading.world();
    let size = usize::try_from(world.size().await).unwrap();
    let (mut told, mut withheld) = (0, 0);
    for who in everybody(world).await {
        let role = who.role;
        let events = match followed(world, &who).await {
            Ok(events) => events,
            Err(code) => {
                assert!(!MAY.contains(&role) && code == "forbidden", "{role:?} {code}");
                continue;
            }
        };
        assert!(MAY.contains(&role), "{role:?}");
        assert_eq!(events.len(), size);
        let subjects = events.iter().filter_map(|event| event["subject"].as_str());
        let streams: BTreeSet<&str> = subjects.map(|subject| subject.split_once('/').unwrap().1).collect();
        let streams: Vec<Value> = if role.is_of_a_partner() {
            streams.into_iter().map(|one| json!(one)).collect()
        } else {
            vec![Value::Null]
        };
        let history = history(world, &who, &streams).await;
        for (event, place) in events.iter().zip(0..) {
            if let Some(entry) = history.get(&place) {
                assert_same(event, entry);
                continue;
            }
            let names: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(names, ["id", "leafhash", "source", "specversion", "type"], "{role:?} {place}");
            assert_eq!(event["type"], "withheld");
            withheld += 1;
        }
        told += history.len();
        assert!(history.len() > 20 && history.len() < size, "{role:?} is told {} of {size}", history.len());
        let people = |subject: &str| PEOPLE.iter().any(|people| subject.starts_with(&format!("{people}/")));
        assert!(!events.iter().any(|event| event["subject"].as_str().is_some_and(people)), "{role:?}");
    }
    assert!(told > 1000 && withheld > 1000, "{told} {withheld}");
}

/// The edge over a world, and somebody who follows.
struct Edge {
    router: Router,
    token: String,
}

impl Edge {
    fn over(world: &World) -> Self {
        let sign_in = Arc::new(Development::default());
        let accounts = Accounts::new(world.store.pool().clone(), Chance::SYSTEM);
        let token = sign_in.token().to_owned();
        Self { router: router(api(world.app()), sign_in, accounts, Limits::default()).unwrap(), token }
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)]) -> axum::response::Response {
        let mut request = Request::builder().uri(path).header("host", "127.0.0.1:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// As an auditor.
    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> axum::response::Response {
        let bearer = format!("Bearer {}", self.token);
        let all = [&[("authorization", bearer.as_str()), ("acting-role", "auditor")], headers].concat();
        self.send(path, &all).await
    }
}

async fn body(response: axum::response::Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

fn header_of(response: &axum::response::Response, name: header::HeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn pages_of_cloud_events_lead_to_the_next() {
    let loading = Loading::new().await;
    let (world, edge) = (loading.world(), Edge::over(loading.world()));
    let auditor = world.somebody("Sam Anybody", Role::Auditor, None).await;
    let whole = followed(world, &auditor).await.unwrap();
    let (mut way, mut seen) = ("/events?limit=300".to_owned(), Vec::new());
    loop {
        let page = edge.get(&way, &[]).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(header_of(&page, header::CONTENT_TYPE).starts_with("application/cloudevents-batch+json"));
        let next = header_of(&page, header::LINK);
        let next =
            next.strip_prefix('<').and_then(|next| next.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
        let batch: Vec<Value> = serde_json::from_str(&body(page).await).unwrap();
        if batch.is_empty() {
            assert_eq!(next, way, "whoever is at the end asks the same again");
            break;
        }
        assert!(batch.len() <= 300);
        seen.extend(batch);
        way = next;
    }
    assert!(seen == whole);
    for required in ["specversion", "id", "source", "type"] {
        assert!(seen.iter().all(|event| event[required].as_str().is_some_and(|value| !value.is_empty())));
    }
    let lawful = |name: &String| {
        name.len() <= 20 && name.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit())
    };
    assert!(
        seen.iter().all(|event| event.as_object().unwrap().keys().all(lawful)),
        "names as the standard has them"
    );
}

#[tokio::test]
async fn whoever_may_not_or_asks_for_what_is_not_is_told_so() {
    let world = World::new().await;
    let edge = Edge::over(&world);
    for path in ["/events", "/events/stream"] {
        let cases = [
            ("?after=x", "finance", StatusCode::BAD_REQUEST, "feed.unreadable"),
            ("?after=7", "finance", StatusCode::BAD_REQUEST, "feed.not_this_log"),
            ("?after=-2", "finance", StatusCode::BAD_REQUEST, "feed.not_this_log"),
            ("", "advisor", StatusCode::FORBIDDEN, "forbidden"),
        ];
        for (query, role, status, code) in cases {
            let bearer = format!("Bearer {}", edge.token);
            let headers = [("authorization", bearer.as_str()), ("acting-role", role)];
            let answer = edge.send(&format!("{path}{query}"), &headers).await;
            assert_eq!(answer.status(), status, "{path}{query}");
            let told: Value = serde_json::from_str(&body(answer).await).unwrap();
            assert_eq!(told["errors"][0]["extensions"]["code"], code);
            assert!(told["errors"][0]["message"].as_str().unwrap().ends_with('.'), "{told}");
        }
        let stranger = edge.send(path, &[]).await;
        assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(header_of(&stranger, header::WWW_AUTHENTICATE), "Bearer");
    }
    let odd = edge.get("/events/stream", &[("last-event-id", "seven")]).await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    let many = edge.get("/events?limit=501", &[]).await;
    assert_eq!(many.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left_and_tells_what_comes() {
    let world = World::new().await;
    let edge = Edge::over(&world);
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    let apply = "mutation($name: String!) { applyAsPartner(input: {name: $name, legalForm: FAITH_GROUP, areas: [KNOWSLEY],
        communities: [EVERYONE], summary: \"Songs\"}) { partner { id } } }";
    world.ask(&commissioner, apply, json!({ "name": "Choir one" })).await.data();
    let left = world.size().await - 1;
    world.ask(&commissioner, apply, json!({ "name": "Choir two" })).await.data();
    let all = world.size().await;
    let stream = edge.get("/events/stream?after=-1", &[("last-event-id", &left.to_string())]).await;
    assert_eq!(header_of(&stream, header::CONTENT_TYPE), "text/event-stream");
    let mut said = stream.into_body().into_data_stream();
    let mut next = async || -> (i64, Value) {
        let words = String::from_utf8(said.next().await.unwrap().unwrap().to_vec()).unwrap();
        let line = |name: &str| words.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        (line("id: ").parse().unwrap(), serde_json::from_str(&line("data: ")).unwrap())
    };
    let (id, event) = next().await;
    assert_eq!(
        (id, &event["type"], &event["data"]["name"]),
        (left + 1, &json!("partner.applied"), &json!("Choir two"))
    );
    for place in left + 2..all {
        assert_eq!(next().await.0, place);
    }
    world.ask(&commissioner, apply, json!({ "name": "Choir three" })).await.data();
    let (id, event) = next().await;
    assert_eq!((id, &event["data"]["name"]), (all, &json!("Choir three")));
}

#[tokio::test]
async fn a_stream_ends_with_the_server_and_not_before() {
    let world = World::new().await;
    let Edge { router, token } = Edge::over(&world);
    let (stop, stopping) = tokio::sync::watch::channel(());
    let edge = Edge { router: router.layer(Extension(Stopping(stopping))), token };
    let mut said = edge.get("/events/stream", &[]).await.into_body().into_data_stream();
    let mut ends = tokio::spawn(async move { said.next().await.is_none() });
    let early = tokio::time::timeout(Duration::from_secs(1), &mut ends).await;
    assert!(early.is_err(), "nothing is said, and it does not end");
    drop(stop);
    // Left alone it would go on for five minutes.
    assert!(tokio::time::timeout(Duration::from_mins(1), ends).await.unwrap().unwrap());
}

#[tokio::test]
async fn what_leaves_the_house_is_what_auditors_may_take_away() {
    let loading = Loading::new().await;
    let world = loading.world();
    let auditor = world.somebody("Sam Anybody", Role::Auditor, None).await;
    let inside = followed(world, &auditor).await.unwrap();
    let (log, size) = (world.store.origin().await.unwrap(), world.size().await);
    let (mut place, mut told) = (0_usize, 0);
    let checked: Result<(), Trouble> = stored(world.store.pool(), size, |event| {
        let entry = leaving(event)?;
        let line = cloud_event(log, &entry).unwrap();
        let cells = row(&entry).unwrap();
        let cell = |name: &str| cells[HEADINGS.iter().position(|heading| *heading == name).unwrap()].as_str();
        assert_eq!(cell("index"), place.to_string());
        assert_eq!(cell("leaf"), inside[place]["leafhash"]);
        if DISCLOSED.contains(&event.stream_type.as_str()) {
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), inside[place], "as inside");
            assert_eq!(serde_json::from_str::<Value>(cell("data")).unwrap(), inside[place]["data"]);
            assert_eq!(
                (cell("event"), cell("recorded_at")),
                (event.event_type.as_str(), text(&inside[place]["time"]).as_str())
            );
            told += 1;
        } else {
            assert!(line.contains("\"type\":\"withheld\"") && !line.contains(&event.stream_id), "{line}");
            assert_eq!(cells.iter().filter(|cell| !cell.is_empty()).count(), 3, "{cells:?}");
        }
        place += 1;
        Ok(())
    })
    .await;
    checked.unwrap();
    assert!(told > 500 && told < place, "{told} of {place}");
}
