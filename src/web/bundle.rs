//! The evidence bundle over HTTP: one file, in parts as the API gives them, so that nobody is given more here than there
//! and no bundle is in memory whole. And the verifier, for whoever has no copy of their own yet.

use std::io;

use async_graphql::{Executor, Request, Variables};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::stream;
use serde_json::{Value, json};

use super::feed::{identify, turned_down};
use super::{Edge, failure};
use crate::auth::Identity;

/// Makes the bundle, or finds it.
const NEWEST: &str = "{ evidenceBundle { sha256 bytes fileName } }";
/// Gives what comes next of it.
const PART: &str = "query Part($sha256: String!, $from: Int!) { evidenceBundlePart(sha256: $sha256, from: $from) { base64 } }";
/// The second verifier, as docs/evidence.md describes it.
const VERIFIER: &str = include_str!("../../docs/verify.py");

async fn ask<E: Executor>(
    edge: &Edge<E>,
    who: &Identity,
    document: &str,
    variables: Value,
) -> Result<Value, Response> {
    let request = Request::new(document).variables(Variables::from_json(variables)).data(who.clone());
    let answer = edge.schema.execute(request).await;
    if let Some(error) = answer.errors.first() {
        return Err(turned_down(error, who));
    }
    Ok(answer.data.into_json().unwrap_or_default())
}

/// The bundle under the newest checkpoint.
pub(super) async fn file<E: Executor>(State(edge): State<Edge<E>>, headers: HeaderMap) -> Response {
    sent(edge, &headers).await.unwrap_or_else(|turned_down| turned_down)
}

async fn sent<E: Executor>(edge: Edge<E>, headers: &HeaderMap) -> Result<Response, Response> {
    let who = identify(&edge, headers).await?;
    let made = ask(&edge, &who, NEWEST, json!({})).await?;
    let made = &made["evidenceBundle"];
    let (Some(sha256), Some(bytes), Some(name)) =
        (made["sha256"].as_str(), made["bytes"].as_u64(), made["fileName"].as_str())
    else {
        let sentence = "Nothing is sealed yet, so there is nothing to rest a bundle on.";
        return Err(failure(StatusCode::NOT_FOUND, "bundle.nothing_sealed", sentence));
    };
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let taking = Taking { edge, who, sha256: sha256.to_owned(), from: 0, bytes };
    let parts = stream::try_unfold(taking, |mut taking| async move {
        let part = taking.next().await?;
        Ok::<_, io::Error>(part.map(|part| (part, taking)))
    });
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Somebody who takes a bundle away.
struct Taking<E> {
    edge: Edge<E>,
    who: Identity,
    sha256: String,
    from: u64,
    bytes: u64,
}

impl<E: Executor> Taking<E> {
    /// What comes next; none at the end. A file that breaks off is seen by its length.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.from >= self.bytes {
            return Ok(None);
        }
        let asked = json!({ "sha256": self.sha256, "from": self.from });
        let answer = ask(&self.edge, &self.who, PART, asked).await;
        let answer = answer.map_err(|_| io::Error::other("the bundle is not kept any more"))?;
        let part = answer["evidenceBundlePart"]["base64"].as_str().unwrap_or_default();
        let part = BASE64.decode(part).map_err(io::Error::other)?;
        if part.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.from += part.len() as u64;
        Ok(Some(part))
    }
}

/// The verifier as a file, for everybody.
pub(super) async fn verifier() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/x-python; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"verify.py\""),
    ];
    (headers, VERIFIER).into_response()
}
