//! The HTTP edge over a tiny schema: who gets in, as whom, and what is turned away.
//!
//! Needs from the world: `pub async fn accounts_pool() -> sqlx::PgPool`, on a database of its own.

mod harm;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, EmptySubscription, Object, Schema};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use sidebyside::auth::{Accounts, Chance, Development, Identity, Name};
use sidebyside::domain::identity::PersonId;
use sidebyside::web::{Limits, router};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower::ServiceExt;

use crate::world::accounts_pool;

const HOST: &str = "127.0.0.1:8080";
const PARTNER: &str = "0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d";

pub(crate) struct Query;

#[Object]
impl Query {
    /// Whom the resolver is told the request acts as.
    async fn me(&self, context: &Context<'_>) -> async_graphql::Result<String> {
        let identity = context.data::<Identity>()?;
        let partner = identity.partner.map(|partner| format!(" for {partner}")).unwrap_or_default();
        Ok(format!("{} as {}{partner}", identity.name, identity.role.name()))
    }

    async fn person(&self, context: &Context<'_>) -> async_graphql::Result<String> {
        Ok(context.data::<Identity>()?.actor().person.to_string())
    }

    async fn panic(&self) -> bool {
        fall_over()
    }
}

fn fall_over() -> bool {
    panic!("the inside of the machine")
}

pub(crate) struct Mutation;

#[Object]
impl Mutation {
    async fn act(&self) -> bool {
        true
    }
}

/// A server on its own accounts, and what its terminal shows.
struct Edge {
    router: Router,
    sign_in: Arc<Development>,
    accounts: Accounts,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Ask a router something.
pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().expect("an error code").to_owned()
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The cookie the answer sets, as the browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        self.header(header::SET_COOKIE).split(';').next().unwrap().to_owned()
    }
}

impl Edge {
    async fn open() -> Self {
        Self::over(Accounts::new(accounts_pool().await, Chance::SYSTEM))
    }

    /// One whose database is gone: whatever it can answer, it answers without it.
    fn without_database() -> Self {
        let nowhere = PgConnectOptions::new_without_pgpass().socket("/nonexistent").username("nobody");
        let patience = Duration::from_millis(200);
        let pool = PgPoolOptions::new().acquire_timeout(patience).connect_lazy_with(nowhere);
        Self::over(Accounts::new(pool, Chance::SYSTEM))
    }

    fn over(accounts: Accounts) -> Self {
        let sign_in = Arc::new(Development::default());
        let schema = Schema::new(Query, Mutation, EmptySubscription);
        let router = router(schema, Arc::clone(&sign_in), accounts.clone(), Limits::default()).unwrap();
        Self { router, sign_in, accounts }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(&self.router, request.body(body.into()).unwrap()).await
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Body::empty()).await
    }

    async fn form(&self, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send(Method::POST, path, &headers, form.to_owned()).await
    }

    /// Send a body to GraphQL as JSON.
    async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send(Method::POST, "/graphql", &headers, body).await
    }

    /// Ask the schema whom it is told we act as.
    async fn me(&self, headers: &[(&str, &str)]) -> Answer {
        self.post(headers, json!({ "query": "{ me person }" }).to_string()).await
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.sign_in.token())
    }

    fn ticket_path(&self) -> String {
        self.sign_in.ticket_link("")
    }

    /// Sign in by the link; the cookie.
    async fn sign_in(&self) -> String {
        let answer = self.get(&self.ticket_path(), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        answer.cookie()
    }
}

#[tokio::test]
async fn the_ticket_signs_in_once() {
    let edge = Edge::open().await;
    let first = edge.get(&edge.ticket_path(), &[]).await;
    assert_eq!((first.status, first.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    let set = first.header(header::SET_COOKIE);
    for flag in ["; Path=/", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(flag), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");
    assert_eq!(first.cookie().len(), "sidebyside_session=".len() + 64);

    let second = edge.get(&edge.ticket_path(), &[]).await;
    assert_eq!((second.status, second.header(header::SET_COOKIE)), (StatusCode::FORBIDDEN, ""));
    assert!(second.body.contains("This sign-in link does not work"), "{}", second.body);
    let again = edge.get(&edge.ticket_path(), &[("cookie", &first.cookie())]).await;
    assert!(again.body.contains("You are signed in already"), "{}", again.body);

    let me = edge.me(&[("cookie", &first.cookie())]).await;
    assert_eq!(me.json()["data"]["me"], "Development user as commissioner");
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_session() {
    let edge = Edge::open().await;
    let path = edge.ticket_path();
    let answers = futures_util::future::join_all((0..8).map(|_| edge.get(&path, &[]))).await;
    let let_in = answers.iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).count();
    assert_eq!(let_in, 1);
}

#[tokio::test]
async fn a_wrong_ticket_or_a_look_leaves_the_ticket_good() {
    let edge = Edge::open().await;
    for path in ["/sign-in", "/sign-in?ticket=", "/sign-in?ticket=00", "/sign-in?ticket=%ff"] {
        assert_eq!(edge.get(path, &[]).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let look = edge.send(Method::HEAD, &edge.ticket_path(), &[], Body::empty()).await;
    assert_eq!((look.status, look.header(header::SET_COOKIE)), (StatusCode::NO_CONTENT, ""));
    edge.sign_in().await;
}

#[tokio::test]
async fn a_ticket_is_not_lost_when_the_accounts_do_not_answer() {
    let edge = Edge::without_database();
    let answer = edge.get(&edge.ticket_path(), &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains("Something went wrong") && !answer.body.contains("nonexistent"));
    let answer = edge.get(&edge.ticket_path(), &[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "still tried, so still good");
}

#[tokio::test]
async fn only_this_computers_names_are_answered() {
    let edge = Edge::without_database();
    for host in ["localhost", "localhost:3000", "127.0.0.1", "[::1]:8080"] {
        assert_eq!(edge.get("/acting", &[("host", host)]).await.status, StatusCode::OK, "{host}");
    }
    for host in ["example.com", "127.0.0.1.example.com:8080", "192.168.0.7", "", "localhost.evil"] {
        let answer = edge.get("/", &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.code(), "misdirected");
    }
    let by_target = edge.get("http://example.com/", &[]).await;
    assert_eq!(by_target.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn posts_from_other_sites_are_refused() {
    let edge = Edge::open().await;
    let cookie = edge.sign_in().await;
    let foreign: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://localhost:9999")],
        &[("origin", "http://example.com")],
        &[("origin", "null")],
    ];
    for marks in foreign {
        let headers = [marks, &[("cookie", cookie.as_str())]].concat();
        let answer = edge.form("/acting", &headers, "role=finance&name=Mallory&partner=").await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "cross_site".to_owned()),
            "{marks:?}"
        );
        assert_eq!(edge.me(&headers).await.status, StatusCode::FORBIDDEN, "{marks:?}");
        assert_eq!(edge.form("/sign-out", &headers, "").await.status, StatusCode::FORBIDDEN, "{marks:?}");
    }
    let own: [&[(&str, &str)]; 2] =
        [&[("sec-fetch-site", "same-origin")], &[("origin", "http://127.0.0.1:8080")]];
    for marks in own {
        let headers = [marks, &[("cookie", cookie.as_str())]].concat();
        assert_eq!(edge.me(&headers).await.json()["data"]["me"], "Development user as commissioner");
    }
}

#[tokio::test]
async fn a_session_acts_as_whom_it_chooses() {
    let edge = Edge::open().await;
    let cookie = edge.sign_in().await;
    let signed_in: &[(&str, &str)] = &[("cookie", &cookie)];

    let answer = edge.form("/acting", signed_in, "role=finance&name=+Amina+Example+&partner=").await;
    assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    let amina = edge.me(signed_in).await.json();
    assert_eq!(amina["data"]["me"], "Amina Example as finance");

    let form = format!("role=partner_worker&name=Bo+Example&partner={PARTNER}");
    edge.form("/acting", signed_in, &form).await;
    let bo = edge.me(signed_in).await.json();
    assert_eq!(bo["data"]["me"], format!("Bo Example as partner_worker for {PARTNER}"));
    assert_ne!(amina["data"]["person"], bo["data"]["person"]);

    edge.form("/acting", signed_in, "role=auditor&name=amina+EXAMPLE").await;
    assert_eq!(edge.me(signed_in).await.json()["data"]["person"], amina["data"]["person"], "the same person");

    let page = edge.get("/acting", signed_in).await.body;
    let chosen = page.split("<input").find(|input| input.contains("value=\"auditor\"")).unwrap();
    assert!(page.contains("amina EXAMPLE") && chosen.contains(" checked"), "{chosen}");
    assert!(page.contains(edge.sign_in.token()), "a command to copy");
}

#[tokio::test]
async fn a_form_with_a_mistake_comes_back_with_what_was_typed() {
    let edge = Edge::open().await;
    let cookie = edge.sign_in().await;
    let signed_in: &[(&str, &str)] = &[("cookie", &cookie)];
    let mistakes = [
        ("role=partner_admin&name=Bo+%22%3Cb%3E&partner=", "#partner", "Say which partner"),
        (
            "role=partner_admin&name=Bo+%22%3Cb%3E&partner=P-2026-0001",
            "#partner",
            "partner&#x27;s id in full",
        ),
        ("role=super_user&name=Bo+%22%3Cb%3E", "#role", "There is no such role"),
        ("role=finance&name=Bo+%22%3Cb%3E%0ax", "#name", "hidden or broken"),
    ];
    for (form, field, sentence) in mistakes {
        let answer = edge.form("/acting", signed_in, form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{form}");
        assert!(answer.body.contains("<title>Error: Whom you act as – Side by Side</title>"), "{form}");
        assert!(
            answer.body.contains(&format!("href=\"{field}\"")) && answer.body.contains(sentence),
            "{form}"
        );
        assert!(answer.body.contains("Bo &quot;&lt;b&gt;") && !answer.body.contains("<b>"), "{form}");
    }
    let long = format!("role=finance&name={}", "a".repeat(20_000));
    assert_eq!(edge.form("/acting", signed_in, &long).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        edge.form("/acting", signed_in, long.get(..100).expect("it is long")).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let edge = Edge::open().await;
    let cookie = edge.sign_in().await;
    let signed_in: &[(&str, &str)] = &[("cookie", &cookie)];
    let out = edge.form("/sign-out", signed_in, "").await;
    assert_eq!(out.status, StatusCode::OK);
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));

    let me = edge.me(signed_in).await;
    assert_eq!((me.status, me.code()), (StatusCode::UNAUTHORIZED, "unauthenticated".to_owned()));
    let act = edge.form("/acting", signed_in, "role=finance&name=Amina").await;
    assert_eq!(act.status, StatusCode::UNAUTHORIZED);
    assert!(act.body.contains("You have been signed out, and nothing was sent"));
    let desk = edge.get("/acting", signed_in).await;
    assert!(desk.status == StatusCode::OK && desk.body.contains("You are not signed in"));
    assert!(desk.header(header::SET_COOKIE).contains("Max-Age=0"), "a stale cookie is taken away");
}

#[tokio::test]
async fn nobody_in_particular_is_the_public() {
    let edge = Edge::without_database();
    let me = edge.me(&[]).await;
    assert_eq!(me.json()["data"]["me"], "Not signed in as public");
    assert_eq!(me.json()["data"]["person"], PersonId::default().to_string());
    let home = edge.get("/acting", &[]).await;
    assert!(home.body.contains("You are not signed in") && !home.body.contains(edge.sign_in.token()));
    for form in ["role=finance&name=Amina", "role=nobody"] {
        let act = edge.form("/acting", &[], form).await;
        assert_eq!(act.status, StatusCode::UNAUTHORIZED, "{form}");
        assert!(act.body.contains("You are not signed in"));
    }
}

#[tokio::test]
async fn a_script_acts_as_whom_its_headers_say() {
    let edge = Edge::open().await;
    let bearer = edge.bearer();
    let token = ("authorization", bearer.as_str());
    let me = |json: &Value| json["data"]["me"].as_str().unwrap_or_default().to_owned();
    assert_eq!(me(&edge.me(&[token]).await.json()), "Development script as commissioner");
    assert_eq!(
        me(&edge.me(&[token, ("acting-role", "approver")]).await.json()),
        "Development script as approver"
    );
    let partner = [
        token,
        ("acting-role", "partner_admin"),
        ("acting-name", "Zoë Example"),
        ("acting-partner", PARTNER),
    ];
    assert_eq!(me(&edge.me(&partner).await.json()), format!("Zoë Example as partner_admin for {PARTNER}"));

    let mistakes: [(&[(&str, &str)], &str); 4] = [
        (&[("acting-role", "boss")], "acting.role_unknown"),
        (&[("acting-role", "partner_worker")], "acting.partner_required"),
        (
            &[("acting-role", "partner_worker"), ("acting-partner", "P-2026-0001")],
            "acting.partner_unreadable",
        ),
        (&[("acting-name", " ")], "name.blank"),
    ];
    for (headers, code) in mistakes {
        let answer = edge.me(&[&[token], headers].concat()).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code));
    }
}

#[tokio::test]
async fn a_wrong_token_gets_nowhere() {
    let edge = Edge::without_database();
    let token = edge.sign_in.token().to_owned();
    let wrong = [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {}", "0".repeat(64)),
        format!("Bearer {token}0"),
        format!("Bearer {}", token.to_uppercase() + " "),
        format!("Basic {token}"),
        token.clone(),
    ];
    for authorization in wrong {
        let answer = edge.me(&[("authorization", &authorization)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer");
        let body = answer.json();
        assert_eq!(body["errors"][0]["extensions"], json!({ "code": "unauthenticated" }));
        assert!(body["errors"][0]["message"].as_str().is_some_and(|message| message.contains("token")));
    }
    let stale = edge.me(&[("cookie", "sidebyside_session=0000")]).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::UNAUTHORIZED, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json() {
    let edge = Edge::without_database();
    let cases: [(Vec<u8>, StatusCode, &str); 6] = [
        (b"{\"query\":\"{ \xff }\"}".to_vec(), StatusCode::BAD_REQUEST, "request.unreadable"),
        (b"{\"query\":".to_vec(), StatusCode::BAD_REQUEST, "request.unreadable"),
        (b"".to_vec(), StatusCode::BAD_REQUEST, "request.unreadable"),
        (b"{}".to_vec(), StatusCode::BAD_REQUEST, "request.unreadable"),
        (br#"[{"query":"{ me }"}]"#.to_vec(), StatusCode::BAD_REQUEST, "request.batch"),
        (vec![b' '; 1024 * 1024], StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
    ];
    for (body, status, code) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = edge.post(&[], body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{shown}");
    }
    let padded = |bytes: usize| {
        let request = r#"{"query":"{ me }"}"#;
        request.to_owned() + &" ".repeat(bytes - request.len())
    };
    assert_eq!(edge.post(&[], padded(256 * 1024)).await.status, StatusCode::OK);
    assert_eq!(edge.post(&[], padded(256 * 1024 + 1)).await.code(), "too_large");

    let text = [("content-type", "text/plain")];
    let answer = edge.send(Method::POST, "/graphql", &text, r#"{"query":"{ me }"}"#).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.unreadable")
    );
}

#[tokio::test]
async fn graphql_is_for_posts() {
    let edge = Edge::without_database();
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = edge.send(method.clone(), "/graphql?query=%7Bme%7D", &[], Body::empty()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header(header::ALLOW), "POST");
        assert_eq!(answer.code(), "method_not_allowed");
    }
    let mutation = edge.post(&[], json!({ "query": "mutation { act }" }).to_string()).await;
    assert_eq!(mutation.json()["data"]["act"], true);
    assert!(mutation.header(header::CONTENT_TYPE).starts_with("application/json"));
}

#[tokio::test]
async fn every_answer_carries_the_safe_headers() {
    let edge = Edge::without_database();
    let answers = [
        edge.get("/acting", &[]).await,
        edge.get("/nowhere", &[]).await,
        edge.get("/graphiql", &[]).await,
        edge.get("/assets/app.css", &[]).await,
        edge.get("/", &[("host", "example.com")]).await,
        edge.me(&[]).await,
        edge.form("/acting", &[("sec-fetch-site", "cross-site")], "").await,
        edge.post(&[], json!({ "query": "{ panic }" }).to_string()).await,
    ];
    for answer in &answers {
        let policy = answer.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("'unsafe-eval'") && !policy.contains("script-src 'unsafe"), "{policy}");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin");
        assert_ne!(answer.header(header::CACHE_CONTROL), "");
    }
    assert!(answers[0].header(header::CONTENT_SECURITY_POLICY).contains("script-src 'self';"));
    assert_eq!(answers[0].header(header::CACHE_CONTROL), "no-store");
    assert_eq!(answers[1].status, StatusCode::NOT_FOUND);
    let inline = answers[0].body.split("<script").skip(1).any(|script| !script.starts_with(" src="));
    assert!(!inline && !answers[0].body.contains("style="), "the policy forbids them");
}

#[tokio::test]
async fn a_panic_stays_inside() {
    let edge = Edge::without_database();
    let answer = edge.post(&[], json!({ "query": "{ panic }" }).to_string()).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "broken"));
    assert!(!answer.body.contains("inside of the machine"), "{}", answer.body);
    assert_eq!(edge.me(&[]).await.status, StatusCode::OK, "and the next request is answered");
}

#[tokio::test]
async fn graphiql_comes_from_its_files_or_says_that_they_are_missing() {
    let edge = Edge::without_database();
    let page = edge.get("/graphiql", &[]).await;
    if page.status == StatusCode::SERVICE_UNAVAILABLE {
        assert!(page.body.contains("GraphiQL has not been fetched"), "{}", page.body);
    } else {
        let linked: Vec<&str> = page.body.split('"').filter(|part| part.starts_with("/graphiql/")).collect();
        assert!(linked.len() >= 5, "a style sheet, three libraries and our own script: {linked:?}");
        for path in linked {
            let file = edge.get(path, &[]).await;
            let kind = if path.ends_with(".css") { "text/css" } else { "text/javascript" };
            assert!(
                file.status == StatusCode::OK && file.header(header::CONTENT_TYPE).starts_with(kind),
                "{path}"
            );
            assert_eq!(file.header(header::CACHE_CONTROL), "no-cache");
            let tag = file.header(header::ETAG);
            if !tag.is_empty() {
                let known = edge.get(path, &[("if-none-match", tag)]).await;
                assert_eq!((known.status, known.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
            }
        }
    }
    assert!(edge.get("/graphiql/start.js", &[]).await.body.contains("fetch('/graphql'"));
}

#[tokio::test]
async fn no_path_leads_out_of_the_static_files() {
    let edge = Edge::without_database();
    for path in [
        "/graphiql/../../../Cargo.toml",
        "/graphiql/..%2f..%2f..%2fCargo.toml",
        "/graphiql/%2e%2e/%2e%2e/%2e%2e/Cargo.toml",
        "/graphiql/..%5c..%5c..%5cCargo.toml",
        "/graphiql/%2fetc%2fpasswd",
        "/graphiql//etc/passwd",
        "/graphiql/%00",
        "/graphiql/nothing.js",
    ] {
        let answer = edge.get(path, &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.body.contains("[package]") && !answer.body.contains("root:"), "{path}");
    }
}

#[tokio::test]
async fn health_asks_the_database() {
    let well = Edge::open().await.get("/health", &[]).await;
    assert_eq!((well.status, well.json()), (StatusCode::OK, json!({ "status": "ok" })));
    let ill = Edge::without_database().get("/health", &[]).await;
    assert_eq!(ill.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_ne!(ill.json()["status"], "ok");
}

#[tokio::test]
async fn any_number_at_once_find_the_same_person() {
    let accounts = Edge::open().await.accounts;
    let name = |typed: &str| Name::new(typed).unwrap();
    let spellings = ["Amina Example", "AMINA EXAMPLE", "amina example"].map(name);
    let finds = (0..30).map(|n| accounts.find_or_make(&spellings[n % 3]));
    let people: Vec<PersonId> =
        futures_util::future::try_join_all(finds).await.expect("the accounts answer").into_iter().collect();
    assert!(people.iter().all(|person| *person == people[0]), "{people:?}");

    let bo = accounts.find_or_make(&name("Bo Example")).await.unwrap();
    let nobody = PersonId::default();
    let names = accounts.names(&[people[0], bo, nobody]).await.unwrap();
    assert_eq!(names.len(), 2);
    assert_eq!(names[&people[0]].to_lowercase(), "amina example");
    assert_eq!(names[&bo], "Bo Example");
}

#[test]
fn the_development_mode_listens_on_loopback_only() {
    assert!(Development::allowed("127.0.0.1:8080".parse().unwrap()).is_ok());
    assert!(Development::allowed("[::1]:8080".parse().unwrap()).is_ok());
    let refusal = Development::allowed("0.0.0.0:8080".parse().unwrap()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "Without a sign-in provider the server listens on this computer only, and 0.0.0.0:8080 can be reached \
         from others. Listen on 127.0.0.1 or [::1]."
    );
}
