//! Signing in with a provider: the whole way there and back, and every way in that must stay shut.

mod provider;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{EmptySubscription, Schema};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use sidebyside::auth::{Accounts, Chance, Provider, Settings};
use sidebyside::web::{Limits, router};
use sqlx::PgPool;

use crate::edge::{self, Answer, ask};
use crate::world::accounts_pool;
use provider::{CLIENT, FakeProvider, HERE, SECRET, Signed, now};

const HOST: &str = "sidebyside.example";
const PARTNER: &str = "0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d";
const COOKIE: &str = "__Host-sidebyside_session=";

/// A server that trusts a provider, and a browser in front of it.
struct Place {
    provider: FakeProvider,
    pool: PgPool,
    router: Router,
}

/// A sign-in that was begun: what the provider was asked, and the cookie of the browser.
struct Begun {
    asked: BTreeMap<String, String>,
    cookie: String,
}

impl Begun {
    fn state(&self) -> &str {
        &self.asked["state"]
    }
}

fn settings(provider: &FakeProvider) -> Settings {
    Settings::new(provider.issuer(), CLIENT, HERE).unwrap().with_secret(SECRET).unwrap()
}

impl Place {
    async fn open() -> Self {
        let (provider, pool) = (FakeProvider::open().await, accounts_pool().await);
        let router = Self::start(settings(&provider), &pool, Chance::SYSTEM);
        Self { provider, pool, router }
    }

    /// A server over the same database, as after a restart.
    fn start(settings: Settings, pool: &PgPool, chance: Chance) -> Router {
        let provider = Arc::new(Provider::new(settings, chance).unwrap());
        let schema = Schema::new(edge::Query, edge::Mutation, EmptySubscription);
        router(schema, provider, Accounts::new(pool.clone(), chance), Limits::default()).unwrap()
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(&self.router, request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Method::GET, path, &[("cookie", cookie)], "").await
    }

    async fn form(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let headers = [("cookie", cookie), ("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &headers, form).await
    }

    async fn graphql(&self, headers: &[(&str, &str)], document: &str) -> Answer {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.send(Method::POST, "/graphql", &headers, &json!({ "query": document }).to_string()).await
    }

    /// Whom the schema is told that a cookie stands for, with their id.
    async fn me(&self, cookie: &str) -> (String, String) {
        let answer = self.graphql(&[("cookie", cookie)], "{ me person }").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let text = |name: &str| answer.json()["data"][name].as_str().unwrap().to_owned();
        (text("me"), text("person"))
    }

    /// Begin to sign in.
    async fn begin(&self, path: &str) -> Begun {
        let answer = self.get(path, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let (address, query) = answer.header(header::LOCATION).split_once('?').unwrap();
        assert_eq!(address, format!("{}/authorize", self.provider.issuer()));
        let asked = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Begun { asked, cookie: answer.cookie() }
    }

    /// Come back from the provider.
    async fn back(&self, begun: &Begun, code: &str) -> Answer {
        let path = format!("/sign-in/back?code={code}&state={}", begun.state());
        self.get(&path, &begun.cookie).await
    }

    /// Go to the provider and back as somebody with these claims.
    async fn goes_through(&self, claims: Value) -> Answer {
        let begun = self.begin("/sign-in").await;
        let code = self.provider.lets_in(&begun.asked, claims);
        self.back(&begun, &code).await
    }

    /// Sign in with these claims; the cookie.
    async fn sign_in(&self, claims: Value) -> String {
        let answer = self.goes_through(claims).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        session(&answer).expect("a session's cookie")
    }

    async fn count(&self, table: &str) -> i64 {
        sqlx::query_scalar(&format!("SELECT count(*) FROM {table}")).fetch_one(&self.pool).await.unwrap()
    }

    async fn change(&self, statement: &str) {
        sqlx::query(statement).execute(&self.pool).await.unwrap();
    }
}

/// The session's cookie that an answer sets, if it does.
fn session(answer: &Answer) -> Option<String> {
    let set = answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    let set = set.filter(|value| value.starts_with(COOKIE) && !value.contains("Max-Age=0"));
    set.map(|value| value.split(';').next().unwrap().to_owned()).next()
}

fn amina() -> Value {
    json!({ "sub": "amina-1", "name": "Amina Example", "roles": ["finance"] })
}

/// The page, with slashes as people read them.
fn seen(answer: &Answer) -> String {
    answer.body.replace("&#x2f;", "/")
}

/// Nobody was signed in, and the page says this.
fn assert_shut(answer: &Answer, status: StatusCode, sentence: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    assert!(answer.body.contains(sentence), "{what}: {}", answer.body);
    assert_eq!(session(answer), None, "{what}");
}

#[tokio::test]
async fn the_whole_way_there_and_back() {
    let place = Place::open().await;
    let page = place.get("/funds", "").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(seen(&page).contains("href=\"/sign-in?next=%2Ffunds\""), "{}", page.body);
    assert!(!page.body.contains("Development mode"));

    let begun = place.get("/sign-in?next=%2Ffunds%3Fyear%3D2026", "").await;
    let set = begun.header(header::SET_COOKIE).to_owned();
    assert!(set.starts_with("__Host-sidebyside_signing_in="), "{set}");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{set}");
    let begun = place.begin("/sign-in?next=%2Ffunds%3Fyear%3D2026").await;
    let code = place.provider.lets_in(&begun.asked, amina());
    let back = place.back(&begun, &code).await;
    assert_eq!((back.status, back.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/funds?year=2026"));
    let set: Vec<_> =
        back.headers.get_all(header::SET_COOKIE).iter().map(|one| one.to_str().unwrap()).collect();
    assert!(
        set[0].starts_with(COOKIE) && set[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{set:?}"
    );
    assert!(set[1].starts_with("__Host-sidebyside_signing_in=;") && set[1].contains("Max-Age=0"), "{set:?}");
    let cookie = session(&back).unwrap();
    let (me, person) = place.me(&cookie).await;
    assert_eq!(me, "Amina Example as finance");

    let out = place.form("/sign-out", &cookie, "").await;
    assert_eq!((out.status, out.header(header::LOCATION)), (StatusCode::OK, ""), "it redirects nowhere");
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));
    assert!(
        seen(&out).contains(&format!("{}/end?client_id=sidebyside", place.provider.issuer())),
        "{}",
        out.body
    );
    let me = place.graphql(&[("cookie", &cookie)], "{ me }").await;
    assert_eq!((me.status, me.code()), (StatusCode::UNAUTHORIZED, "unauthenticated".to_owned()));

    let married = json!({ "sub": "amina-1", "name": "Amina Fictional", "roles": "auditor" });
    let again = place.me(&place.sign_in(married).await).await;
    assert_eq!(
        again,
        ("Amina Fictional as auditor".to_owned(), person.clone()),
        "the same person by another name"
    );
    let other = json!({ "sub": "amina-2", "name": "Amina Fictional", "roles": "auditor" });
    assert_ne!(place.me(&place.sign_in(other).await).await.1, person, "a name is nobody");
}

#[tokio::test]
async fn a_sign_in_belongs_to_the_browser_that_began_it() {
    let place = Place::open().await;
    let sentence = "This sign-in was not begun in this browser";
    let shut = |answer: &Answer, what: &str| assert_shut(answer, StatusCode::BAD_REQUEST, sentence, what);
    let begun = place.begin("/sign-in").await;
    let code = place.provider.lets_in(&begun.asked, amina());
    let state = begun.state();
    let forged = "0".repeat(64);
    for path in [
        format!("/sign-in/back?code={code}&state={forged}"),
        format!("/sign-in/back?code={code}&state="),
        format!("/sign-in/back?code={code}"),
        format!("/sign-in/back?code={code}&state={state}&state={forged}"),
        "/sign-in/back".to_owned(),
    ] {
        shut(&place.get(&path, &begun.cookie).await, &path);
    }
    let path = format!("/sign-in/back?code={code}&state={state}");
    shut(&place.get(&path, "").await, "without a cookie");
    shut(
        &place.get(&path, &format!("__Host-sidebyside_signing_in={forged}")).await,
        "another browser's cookie",
    );
    let other = place.begin("/sign-in").await;
    shut(&place.get(&path, &other.cookie).await, "another sign-in's cookie");
    let bare = begun.cookie.trim_start_matches("__Host-");
    shut(&place.get(&path, bare).await, "a cookie without its prefix, as another host could set it");
    let look = place.send(Method::HEAD, &path, &[("cookie", &begun.cookie)], "").await;
    assert_eq!((look.status, session(&look)), (StatusCode::NO_CONTENT, None), "a look");

    let back = place.get(&path, &begun.cookie).await;
    assert!(session(&back).is_some(), "after all that it is still good: {}", back.body);
    shut(&place.get(&path, &begun.cookie).await, "used twice");
}

#[tokio::test]
async fn a_sign_in_comes_back_within_ten_minutes() {
    let place = Place::open().await;
    let begun = place.begin("/sign-in").await;
    let code = place.provider.lets_in(&begun.asked, amina());
    let kept: (Vec<u8>, Vec<u8>, String, String) =
        sqlx::query_as("DELETE FROM auth.attempt RETURNING state, browser, nonce, verifier")
            .fetch_one(&place.pool)
            .await
            .unwrap();
    assert!(!hex::encode(&kept.0).contains(begun.state()), "only its hash is kept");
    sqlx::query(
        "INSERT INTO auth.attempt (state, browser, nonce, verifier, next, begun_at)
         VALUES ($1, $2, $3, $4, '/', now() - interval '11 minutes')",
    )
    .bind(kept.0)
    .bind(kept.1)
    .bind(kept.2)
    .bind(kept.3)
    .execute(&place.pool)
    .await
    .unwrap();
    let late = place.back(&begun, &code).await;
    assert_shut(&late, StatusCode::BAD_REQUEST, "more than ten minutes ago", "eleven minutes");
    for _ in 0..3 {
        place.begin("/sign-in").await;
    }
    place.change("INSERT INTO auth.attempt SELECT sha256(state), browser, nonce, verifier, next, now() - interval '1 day' FROM auth.attempt").await;
    place.begin("/sign-in").await;
    assert_eq!(place.count("auth.attempt").await, 4, "those nobody came back for are cleared away");
}

/// What is done to the claims, and how.
type Bend = (&'static str, fn(&mut Value));

#[tokio::test]
async fn what_the_provider_sends_must_prove_itself() {
    let place = Place::open().await;
    let sentence = "could not be trusted, so nobody was signed in";
    let bends: [Bend; 11] = [
        ("another nonce", |claims| claims["nonce"] = json!("another")),
        ("no nonce", |claims| claims["nonce"] = Value::Null),
        ("another audience", |claims| claims["aud"] = json!("somebody-else")),
        ("an audience beside us", |claims| claims["aud"] = json!([CLIENT, "somebody-else"])),
        ("no audience", |claims| claims["aud"] = json!([])),
        ("expired", |claims| claims["exp"] = json!(now() - 3600)),
        ("another issuer", |claims| claims["iss"] = json!("https://id.example")),
        ("another access token", |claims| claims["at_hash"] = json!("c29tZSBvdGhlciBoYXNo")),
        ("no subject", |claims| claims["sub"] = Value::Null),
        ("no end", |claims| claims["exp"] = Value::Null),
        ("no identity token", |claims| claims["no id_token"] = json!(true)),
    ];
    for (what, bend) in bends {
        place.provider.bend(bend);
        assert_shut(&place.goes_through(amina()).await, StatusCode::FORBIDDEN, sentence, what);
    }
    place.provider.straighten();
    for (what, signed) in [
        ("alg none", Signed::Not),
        ("HS256 with the public key", Signed::WithThePublicKey),
        ("HS256 with the client's secret", Signed::WithTheSecret),
        ("another key under this id", Signed::ByAnother),
        ("an unknown key", Signed::ByUnknown),
    ] {
        place.provider.sign(signed);
        assert_shut(&place.goes_through(amina()).await, StatusCode::FORBIDDEN, sentence, what);
    }
    assert_eq!(place.count("auth.session").await, 0);
    assert_eq!(place.count("auth.account").await, 0, "and nobody is known by it");
    place.provider.straighten();
    place.sign_in(amina()).await;
}

#[tokio::test]
async fn what_the_browser_brings_back_must_fit() {
    let place = Place::open().await;
    let begun = place.begin("/sign-in").await;
    let other = place.begin("/sign-in").await;
    let code = place.provider.lets_in(&other.asked, amina());
    let mixed = place.back(&begun, &code).await;
    assert_shut(&mixed, StatusCode::FORBIDDEN, "could not be trusted", "the code of another sign-in (PKCE)");
    let used = place.back(&other, &code).await;
    assert_shut(&used, StatusCode::FORBIDDEN, "could not be trusted", "a code that was used");

    let begun = place.begin("/sign-in").await;
    let code = place.provider.lets_in(&begun.asked, amina());
    let path = format!("/sign-in/back?code={code}&state={}&iss=https%3A%2F%2Fid.example", begun.state());
    let answer = place.get(&path, &begun.cookie).await;
    assert_shut(&answer, StatusCode::FORBIDDEN, "could not be trusted", "another issuer's answer (RFC 9207)");

    let begun = place.begin("/sign-in").await;
    let path = format!("/sign-in/back?error=access_denied&error_description=%3Cb%3E&state={}", begun.state());
    let declined = place.get(&path, &begun.cookie).await;
    assert_shut(&declined, StatusCode::FORBIDDEN, "did not let you in", "declined");
    assert!(!declined.body.contains("<b>") && seen(&declined).contains("href=\"/sign-in?next=%2F\""));
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let place = Place::open().await;
    for next in [
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%5C%2Fevil.example",
        "https%3A%2F%2Fevil.example",
        "https%3Aevil.example",
        "javascript%3Aalert(1)",
        "%2F%09%2Fevil.example",
        "%2F%0d%0aSet-Cookie%3A%20a%3Db",
        "evil.example",
        "%2F%2F",
        "",
        "%2F%ff",
    ] {
        let begun = place.begin(&format!("/sign-in?next={next}")).await;
        let code = place.provider.lets_in(&begun.asked, amina());
        let back = place.back(&begun, &code).await;
        assert_eq!((back.status, back.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"), "{next}");
    }
    let cookie = place.sign_in(amina()).await;
    let chosen = place.form("/acting", &cookie, "role=finance&next=%2F%2Fevil.example").await;
    assert_eq!((chosen.status, chosen.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
}

#[tokio::test]
async fn a_session_outlasts_a_restart() {
    let place = Place::open().await;
    let cookie = place.sign_in(amina()).await;
    let before = place.me(&cookie).await;
    let router = Place::start(settings(&place.provider), &place.pool, Chance::SYSTEM);
    let restarted = Place { router, ..place };
    restarted.provider.is_ill(true);
    assert_eq!(restarted.me(&cookie).await, before, "and the provider is not asked for it");
}

#[tokio::test]
async fn a_session_ends_when_it_lies_idle_and_at_the_end_of_the_day() {
    let place = Place::open().await;
    let is_over = async |cookie: &str| {
        let me = place.graphql(&[("cookie", cookie)], "{ me }").await;
        me.status == StatusCode::UNAUTHORIZED && me.code() == "unauthenticated"
    };
    let cookie = place.sign_in(amina()).await;
    place.change("UPDATE auth.session SET seen_at = now() - interval '119 minutes'").await;
    assert!(!is_over(&cookie).await, "being used keeps it alive");
    let seen: bool = sqlx::query_scalar("SELECT seen_at > now() - interval '1 minute' FROM auth.session")
        .fetch_one(&place.pool)
        .await
        .unwrap();
    assert!(seen);
    place.change("UPDATE auth.session SET seen_at = now() - interval '2 hours'").await;
    assert!(is_over(&cookie).await, "two idle hours");
    place.change("UPDATE auth.session SET seen_at = now(), began_at = now() - interval '12 hours'").await;
    assert!(is_over(&cookie).await, "twelve hours");
    let page = place.get("/funds", &cookie).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.header(header::SET_COOKIE).starts_with("__Host-sidebyside_session=;"), "it is taken away");

    place.sign_in(amina()).await;
    assert_eq!(place.count("auth.session").await, 1, "what ended is cleared away at the next sign-in");
}

#[tokio::test]
async fn a_session_gets_a_new_secret_at_sign_in() {
    let place = Place::open().await;
    let planted = format!("{COOKIE}{}", "a".repeat(64));
    let begun = place.begin("/sign-in").await;
    let code = place.provider.lets_in(&begun.asked, amina());
    let path = format!("/sign-in/back?code={code}&state={}", begun.state());
    let first = session(&place.get(&path, &format!("{}; {planted}", begun.cookie)).await).unwrap();
    assert_ne!(first, planted);
    assert_eq!(place.graphql(&[("cookie", &planted)], "{ me }").await.status, StatusCode::UNAUTHORIZED);

    let begun = place.begin("/sign-in").await;
    let code = place.provider.lets_in(&begun.asked, amina());
    let path = format!("/sign-in/back?code={code}&state={}", begun.state());
    let second = session(&place.get(&path, &format!("{}; {first}", begun.cookie)).await).unwrap();
    assert_ne!(second, first);
    assert_eq!(
        place.graphql(&[("cookie", &first)], "{ me }").await.status,
        StatusCode::UNAUTHORIZED,
        "the old one ends"
    );
    let kept: Vec<u8> =
        sqlx::query_scalar("SELECT key FROM auth.session").fetch_one(&place.pool).await.unwrap();
    assert_ne!(hex::encode(kept), second.trim_start_matches(COOKIE), "only its hash is kept");
}

#[tokio::test]
async fn a_late_request_does_not_bring_a_session_back() {
    let place = Place::open().await;
    let cookie = place.sign_in(amina()).await;
    place.change("UPDATE auth.session SET seen_at = now() - interval '30 minutes'").await;
    let signed_in = [("cookie", cookie.as_str())];
    let looks = (0..6).map(|_| place.graphql(&signed_in, "{ me }"));
    let (_, out) =
        futures_util::join!(futures_util::future::join_all(looks), place.form("/sign-out", &cookie, ""));
    assert_eq!(out.status, StatusCode::OK);
    assert_eq!(place.count("auth.session").await, 0);
    assert_eq!(place.graphql(&signed_in, "{ me }").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_has_several_roles_chooses_among_them_and_no_others() {
    let place = Place::open().await;
    let claims = json!({ "sub": "bo-1", "name": "Bo Example", "roles": ["partner_admin", "commissioner", "staff"],
                         "partner": PARTNER });
    let begun = place.begin("/sign-in?next=%2Ffunds").await;
    let code = place.provider.lets_in(&begun.asked, claims);
    let back = place.back(&begun, &code).await;
    assert_eq!(back.header(header::LOCATION), "/acting?next=%2Ffunds");
    let cookie = session(&back).unwrap();
    assert_eq!(place.me(&cookie).await.0, "Bo Example as commissioner");
    let page = place.get("/acting?next=%2Ffunds", &cookie).await;
    assert!(page.body.contains(&format!("value=\"partner_admin {PARTNER}\"")), "{}", page.body);
    assert!(page.body.contains("value=\"commissioner\" checked") && !page.body.contains("value=\"finance\""));
    assert!(seen(&page).contains("name=\"next\" value=\"/funds\""));

    let chosen = place.form("/acting", &cookie, &format!("role=partner_admin+{PARTNER}&next=%2Ffunds")).await;
    assert_eq!((chosen.status, chosen.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/funds"));
    assert_eq!(place.me(&cookie).await.0, format!("Bo Example as partner_admin for {PARTNER}"));
    let another = "0198c2f4-5b1e-7c3a-9d44-000000000000";
    for role in ["finance", "auditor", "partner_admin", "public", "", &format!("partner_admin+{another}")] {
        let refused =
            place.form("/acting", &cookie, &format!("role={role}&name=Mallory&partner={another}")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role}");
        assert!(refused.body.contains("Your account does not have that role here"), "{role}");
    }
    assert_eq!(
        place.me(&cookie).await.0,
        format!("Bo Example as partner_admin for {PARTNER}"),
        "nothing changed"
    );
    assert_eq!(place.form("/acting", "", "role=commissioner").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn whoever_has_no_role_is_told_so() {
    let place = Place::open().await;
    let told = [
        (json!({ "sub": "cy-1", "name": "Cy Example" }), "has no role in Side by Side"),
        (json!({ "sub": "cy-1", "roles": ["staff", "public"] }), "has no role in Side by Side"),
        (json!({ "sub": "cy-1", "roles": ["partner_worker"] }), "does not say for which partner"),
        (
            json!({ "sub": "cy-1", "roles": ["partner_worker"], "partner": "P-2026-0001" }),
            "does not say for which partner",
        ),
    ];
    place.provider.tells(json!({ "sub": "cy-1" }));
    for (claims, sentence) in told {
        assert_shut(
            &place.goes_through(claims.clone()).await,
            StatusCode::FORBIDDEN,
            sentence,
            &claims.to_string(),
        );
    }
    assert_eq!(place.count("auth.session").await, 0);
    let answer = place.goes_through(json!({ "sub": "cy-1" })).await;
    assert!(seen(&answer).contains("/end?client_id=sidebyside"), "and how to come with another account");
}

#[tokio::test]
async fn roles_that_the_identity_token_leaves_out_are_asked_for() {
    let place = Place::open().await;
    let claims = json!({ "sub": "di-1" });
    place.provider.tells(json!({ "sub": "di-1", "name": "Di Example", "roles": ["advisor"] }));
    assert_eq!(place.me(&place.sign_in(claims.clone()).await).await.0, "Di Example as advisor");
    place.provider.tells(json!({ "sub": "mallory", "roles": ["advisor"] }));
    let answer = place.goes_through(claims).await;
    assert_shut(&answer, StatusCode::FORBIDDEN, "could not be trusted", "what is told of somebody else");
}

#[tokio::test]
async fn what_was_typed_outlasts_the_session() {
    let place = Place::open().await;
    let cookie = place.sign_in(amina()).await;
    place.form("/sign-out", &cookie, "").await;
    let form = "input.name=Winter+%22%3Cscript%3E%22+fund&input.amount=12&input.commandId=7";
    let answer = place.form("/funds/open", &cookie, form).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    assert!(answer.body.contains("You have been signed out, and nothing was sent"), "{}", answer.body);
    assert!(seen(&answer).contains("href=\"/sign-in?next=%2Ffunds%2Fopen\""), "{}", answer.body);
    assert!(seen(&answer).contains("name=\"input.name\" value=\"Winter &quot;&lt;script&gt;&quot; fund\""));
    assert!(
        answer.body.contains("name=\"input.commandId\" value=\"7\""),
        "sent again, it has its effect once"
    );
    assert!(answer.header(header::SET_COOKIE).contains("Max-Age=0"));
}

#[tokio::test]
async fn other_sites_and_other_names_are_turned_away() {
    let place = Place::open().await;
    let cookie = place.sign_in(amina()).await;
    for marks in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")] {
        let headers = [marks, ("cookie", cookie.as_str())];
        for path in ["/sign-out", "/acting", "/funds/open", "/graphql"] {
            let answer = place.send(Method::POST, path, &headers, "role=finance").await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::FORBIDDEN, "cross_site".to_owned()),
                "{path}"
            );
        }
    }
    for host in
        ["evil.example", "127.0.0.1:8080", "localhost", "sidebyside.example:8080", "a.sidebyside.example"]
    {
        let answer = place.send(Method::GET, "/", &[("host", host), ("cookie", &cookie)], "").await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::MISDIRECTED_REQUEST, "misdirected".to_owned()),
            "{host}"
        );
        assert!(answer.body.contains("answers only as https://sidebyside.example"), "{}", answer.body);
    }
    assert_eq!(place.me(&cookie).await.0, "Amina Example as finance", "none of it did anything");
}

#[tokio::test]
async fn while_the_provider_is_away_only_signing_in_is() {
    let place = Place::open().await;
    let cookie = place.sign_in(amina()).await;
    let away = Place { router: Place::start(settings(&place.provider), &place.pool, later()), ..place };
    away.provider.is_ill(true);
    let answer = away.get("/sign-in", "").await;
    assert_shut(&answer, StatusCode::SERVICE_UNAVAILABLE, "The sign-in service does not answer", "away");
    assert_eq!(away.me(&cookie).await.0, "Amina Example as finance");
    assert_eq!(away.get("/health", "").await.status, StatusCode::OK);
    away.provider.is_ill(false);
    away.sign_in(amina()).await;
}

/// Chance whose clock has gone on by a minute whenever it is looked at.
fn later() -> Chance {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};
    static MINUTES: AtomicU64 = AtomicU64::new(0);
    fn now() -> Instant {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        *START + Duration::from_secs(60 * MINUTES.fetch_add(1, Ordering::Relaxed))
    }
    Chance { now, ..Chance::SYSTEM }
}

#[tokio::test]
async fn the_development_mode_is_over() {
    let place = Place::open().await;
    let cookie = place.sign_in(amina()).await;
    let bearer = format!("Bearer {}", "0".repeat(64));
    let headers = [("authorization", bearer.as_str()), ("acting-role", "commissioner")];
    assert_eq!(place.graphql(&headers, "{ me }").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(place.get("/sign-in?ticket=0000", "").await.status, StatusCode::SEE_OTHER, "to the provider");
    let bare = cookie.replace("__Host-", "");
    assert_eq!(
        place.me(&bare).await.0,
        "Not signed in as public",
        "a cookie of the development mode is nothing"
    );
    let acting = place.graphql(&[("cookie", &cookie), ("acting-role", "commissioner")], "{ me }").await;
    assert_eq!(acting.json()["data"]["me"], "Amina Example as finance", "a session has the role it chose");
}
