//! A bundle as it is taken away over HTTP: whole, by those who may, and the same for everybody.

use std::fs::File;
use std::io::{Cursor, copy};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sidebyside::auth::{Accounts, Chance, Development};
use sidebyside::domain::identity::Role;
use sidebyside::exports::evidence::{Archives, FILES};
use sidebyside::graphql::api_with;
use sidebyside::store::database::sealer_pool;
use sidebyside::store::embedded::SEALER;
use sidebyside::store::seal::{PublicKey, SealKey, Sealer};
use sidebyside::web::{Limits, router};
use tokio::sync::watch;
use tower::ServiceExt as _;
use uuid::Uuid;
use zip::ZipArchive;

use super::log::Signing;
use super::{Held, Verifiers};
use crate::store::fund;
use crate::world::World;

struct Edge {
    router: Router,
    token: String,
}

struct Answer {
    status: StatusCode,
    kind: String,
    body: Vec<u8>,
}

impl Edge {
    fn over(world: &World, key: Option<PublicKey>) -> Self {
        let sign_in = Arc::new(Development::default());
        let accounts = Accounts::new(world.store.pool().clone(), Chance::SYSTEM);
        let token = sign_in.token().to_owned();
        let api = api_with(world.app(), Archives::of(key.map(|key| watch::channel(key).1)));
        Self { router: router(api, sign_in, accounts, Limits::default()).unwrap(), token }
    }

    async fn send(&self, request: axum::http::request::Builder, role: Role, body: String) -> Answer {
        let mut request = request.header("host", "127.0.0.1");
        if role != Role::Public {
            request = request
                .header("authorization", format!("Bearer {}", self.token))
                .header("acting-role", role.name())
                .header("content-type", "application/json");
        }
        if role.is_of_a_partner() {
            request = request.header("acting-partner", Uuid::from_u128(5).to_string());
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        assert!(!parts.headers.contains_key(header::CONTENT_ENCODING), "packed once, in itself");
        let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, kind: kind.unwrap_or_default(), body }
    }

    async fn get(&self, path: &str, role: Role) -> Answer {
        self.send(Request::get(path), role, String::new()).await
    }
}

/// The code of an answer that turns somebody down.
fn code(answer: &Answer) -> String {
    let said: Value = serde_json::from_slice(&answer.body).unwrap();
    said["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
}

fn unpack(packed: &[u8], into: &Path) {
    let mut packed = ZipArchive::new(Cursor::new(packed)).unwrap();
    std::fs::create_dir(into).unwrap();
    assert_eq!(packed.len(), FILES.len());
    for name in FILES {
        copy(&mut packed.by_name(name).unwrap(), &mut File::create_new(into.join(name)).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_bundle_is_taken_away_by_those_who_may_and_holds() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let key = SealKey::make_file(&folder.path().join("seal.key"), "example.invalid/log").unwrap();
    let public = key.public().clone();
    let edge = Edge::over(&world, Some(public.clone()));
    let way = "/evidence/bundle.zip";
    let answer = edge.get(way, Role::Auditor).await;
    assert_eq!((answer.status, code(&answer).as_str()), (StatusCode::NOT_FOUND, "bundle.nothing_sealed"));

    fund(&world.store, 1, 75).await;
    let pool = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
    let mut sealer = Sealer::open(pool, key).await.unwrap();
    sealer.seal().await.unwrap();
    let first = edge.get(way, Role::Auditor).await;
    assert_eq!((first.status, first.kind.as_str()), (StatusCode::OK, "application/zip"));
    let request = Request::get(way).header("accept-encoding", "gzip");
    assert!(edge.send(request, Role::Auditor, String::new()).await.body == first.body);
    let mut verifiers = Verifiers::new(Signing::new());
    let unpacked = folder.path().join("first");
    unpack(&first.body, &unpacked);
    let held = Held { key: Some(public.clone()), ..Held::default() };
    let (verdict, said) = verifiers.verdict(&unpacked, &held);
    assert_eq!(verdict, 0, "{said}");

    // The same for whoever may, from whichever server; and no more for whoever may not.
    let elsewhere = Edge::over(&world, Some(public.clone()));
    for role in Role::ALL {
        let (here, there) = (edge.get(way, role).await, elsewhere.get(way, role).await);
        if matches!(role, Role::Auditor | Role::Commissioner | Role::Approver | Role::Finance) {
            assert!(here.body == first.body && there.body == first.body, "{role:?}");
        } else {
            let status = if role == Role::Public { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
            assert_eq!((here.status, code(&here).as_str()), (status, "forbidden"), "{role:?}");
        }
    }

    // What comes later is in the next; what was begun can be brought to its end.
    let sha256 = hex::encode(Sha256::digest(&first.body));
    fund(&world.store, 2, 75).await;
    sealer.seal().await.unwrap();
    let (second, meanwhile) = tokio::join!(edge.get(way, Role::Finance), edge.get(way, Role::Auditor));
    assert!(second.status == StatusCode::OK && second.body != first.body && second.body == meanwhile.body);
    let part = "query($sha256: String!, $from: Int!) { evidenceBundlePart(sha256: $sha256, from: $from) { base64 next } }";
    let ask = async |sha256: &str, from: usize| {
        let asked = json!({ "query": part, "variables": { "sha256": sha256, "from": from } });
        let answer = edge.send(Request::post("/graphql"), Role::Auditor, asked.to_string()).await;
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    let end = ask(&sha256, first.body.len()).await;
    let nothing = json!({ "base64": "", "next": null });
    assert_eq!(end["data"]["evidenceBundlePart"], nothing, "{end}");
    assert_eq!(ask(&sha256, usize::MAX >> 1).await["data"]["evidenceBundlePart"], nothing);
    let last = ask(&sha256, first.body.len() - 1).await;
    let byte = BASE64.encode(&first.body[first.body.len() - 1..]);
    assert_eq!(last["data"]["evidenceBundlePart"], json!({ "base64": byte, "next": null }));
    let gone = ask(&"0".repeat(64), 0).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "bundle.gone");

    let keyless = Edge::over(&world, None).get(way, Role::Auditor).await;
    assert_eq!((keyless.status, code(&keyless).as_str()), (StatusCode::BAD_REQUEST, "bundle.no_key"));
    let script = edge.get("/evidence/verify.py", Role::Public).await;
    assert!(script.status == StatusCode::OK && script.body == std::fs::read(super::script()).unwrap());
}
