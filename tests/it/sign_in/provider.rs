//! A sign-in provider for one test: it keeps to OpenID Connect, and can be bent so that it does not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

/// What it knows its one client as, and the secret they share.
pub const CLIENT: &str = "sidebyside";
pub const SECRET: &str = "a secret of the test";
/// Where the client is.
pub const HERE: &str = "https://sidebyside.example";

/// How a token is signed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// As it should be.
    Well,
    /// With a key nobody knows, under the id of the one that is known.
    ByAnother,
    /// With a key nobody knows, under its own id.
    ByUnknown,
    /// Not at all.
    Not,
    /// As a shared secret would, with the public key for one.
    WithThePublicKey,
    /// As a shared secret would, with the client's secret.
    WithTheSecret,
}

type Bend = Box<dyn Fn(&mut Value) + Send>;

#[derive(Default)]
struct Bent {
    codes: BTreeMap<String, Code>,
    bend: Option<Bend>,
    signed: Option<Signed>,
    user_info: Option<Value>,
    is_ill: bool,
    key: u8,
}

struct Code {
    claims: Value,
    challenge: String,
}

struct Inside {
    issuer: String,
    bent: Mutex<Bent>,
    keys_asked: AtomicUsize,
}

/// A provider, on an address of this computer. Cheap to clone.
#[derive(Clone)]
pub struct FakeProvider(Arc<Inside>);

impl FakeProvider {
    /// A provider that somebody may ask.
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let bent = Mutex::new(Bent { key: 1, ..Bent::default() });
        let provider = Self(Arc::new(Inside { issuer, bent, keys_asked: AtomicUsize::new(0) }));
        let routes = axum::Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/me", get(user_info))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        provider
    }

    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    fn bent(&self) -> std::sync::MutexGuard<'_, Bent> {
        self.0.bent.lock().unwrap()
    }

    /// Change the claims of the next identity tokens.
    pub fn bend(&self, bend: impl Fn(&mut Value) + Send + 'static) {
        self.bent().bend = Some(Box::new(bend));
    }

    /// Sign the next identity tokens so.
    pub fn sign(&self, signed: Signed) {
        self.bent().signed = Some(signed);
    }

    /// Be honest again.
    pub fn straighten(&self) {
        let mut bent = self.bent();
        bent.bend = None;
        bent.signed = None;
    }

    /// Answer nothing but 500, or be well again.
    pub fn is_ill(&self, is_ill: bool) {
        self.bent().is_ill = is_ill;
    }

    /// Tell this of everybody who is asked about.
    pub fn tells(&self, user_info: Value) {
        self.bent().user_info = Some(user_info);
    }

    /// Sign with another key from now on.
    pub fn changes_its_key(&self) {
        self.bent().key += 1;
    }

    /// How often somebody asked for the keys.
    pub fn keys_asked(&self) -> usize {
        self.0.keys_asked.load(Ordering::Relaxed)
    }

    /// Somebody was sent here to sign in, and does: the code they go back with.
    pub fn lets_in(&self, asked: &BTreeMap<String, String>, claims: Value) -> String {
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["redirect_uri"], format!("{HERE}/sign-in/back"));
        assert_eq!(asked["scope"], "openid profile");
        assert_eq!(asked["code_challenge_method"], "S256");
        let mut all = json!({ "iss": self.issuer(), "aud": CLIENT, "iat": now(), "exp": now() + 300,
                              "nonce": asked["nonce"] });
        merge(&mut all, claims);
        let mut bent = self.bent();
        let code = format!("code-{}", bent.codes.len());
        let challenge = asked["code_challenge"].clone();
        bent.codes.insert(code.clone(), Code { claims: all, challenge });
        code
    }

    /// An access token for scripts.
    pub fn access_token(&self, signed: Signed, claims: Value) -> String {
        let mut all = json!({ "iss": self.issuer(), "aud": HERE, "sub": "script-1", "iat": now(), "exp": now() + 300,
                              "roles": ["finance"], "scope": "sidebyside:read" });
        merge(&mut all, claims);
        self.token(signed, &all)
    }

    /// A token.
    fn token(&self, signed: Signed, claims: &Value) -> String {
        let key = self.bent().key;
        let (alg, kid) = match signed {
            Signed::Well | Signed::ByAnother => ("EdDSA", format!("key-{key}")),
            Signed::ByUnknown => ("EdDSA", "key-0".to_owned()),
            Signed::Not => ("none", format!("key-{key}")),
            Signed::WithThePublicKey | Signed::WithTheSecret => ("HS256", format!("key-{key}")),
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = json!({ "alg": alg, "kid": kid, "typ": "JWT" });
        let told = format!("{}.{}", part(&head), part(claims));
        let hashed = |secret: &[u8]| {
            let mut hash = Hmac::<Sha256>::new_from_slice(secret).unwrap();
            hash.update(told.as_bytes());
            hash.finalize().into_bytes().to_vec()
        };
        let public = signing_key(key).verifying_key();
        let signature = match signed {
            Signed::Well => signing_key(key).sign(told.as_bytes()).to_vec(),
            Signed::ByAnother | Signed::ByUnknown => signing_key(0).sign(told.as_bytes()).to_vec(),
            Signed::Not => Vec::new(),
            Signed::WithThePublicKey => hashed(public.as_bytes()),
            Signed::WithTheSecret => hashed(SECRET.as_bytes()),
        };
        format!("{told}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Each number is another key; nobody is told of number 0.
fn signing_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number + 1; 32])
}

/// Now, as tokens have it.
pub fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("claims are an object") };
    for (name, value) in more {
        if value.is_null() {
            into.as_object_mut().unwrap().remove(&name);
        } else {
            into[name] = value;
        }
    }
}

async fn discovery(State(provider): State<FakeProvider>) -> Response {
    if provider.bent().is_ill {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let at = |path: &str| format!("{}{path}", provider.issuer());
    Json(json!({
        "issuer": provider.issuer(),
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/me"),
        "jwks_uri": at("/keys"),
        "end_session_endpoint": at("/end"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
    }))
    .into_response()
}

async fn keys(State(provider): State<FakeProvider>) -> Response {
    provider.0.keys_asked.fetch_add(1, Ordering::Relaxed);
    let number = provider.bent().key;
    let x = URL_SAFE_NO_PAD.encode(signing_key(number).verifying_key().as_bytes());
    let kid = format!("key-{number}");
    Json(json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x }] }))
        .into_response()
}

async fn token(
    State(provider): State<FakeProvider>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Response {
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let password: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{password}")));
    if headers.get("authorization").is_none_or(|given| given != expected.as_str()) {
        return refused("invalid_client");
    }
    let Some(code) = provider.bent().codes.remove(&form["code"]) else { return refused("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if challenge != code.challenge || form["redirect_uri"] != format!("{HERE}/sign-in/back") {
        return refused("invalid_grant");
    }
    let access = "an access token that only the provider reads";
    let mut claims = code.claims;
    claims["at_hash"] = json!(URL_SAFE_NO_PAD.encode(&Sha512::digest(access.as_bytes())[..32]));
    let signed = {
        let bent = provider.bent();
        if let Some(bend) = &bent.bend {
            bend(&mut claims);
        }
        bent.signed.unwrap_or(Signed::Well)
    };
    let mut answer = json!({ "access_token": access, "token_type": "Bearer", "expires_in": 300 });
    if !claims["no id_token"].is_boolean() {
        answer["id_token"] = json!(provider.token(signed, &claims));
    }
    Json(answer).into_response()
}

async fn user_info(State(provider): State<FakeProvider>) -> Response {
    match provider.bent().user_info.clone() {
        Some(told) => Json(told).into_response(),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}
