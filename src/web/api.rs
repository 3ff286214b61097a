//! The GraphQL endpoint: one request at a time, as JSON, by POST, with the identity of whoever sent it.

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Name, Request};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};

use super::{Answer, Edge, failure};
use crate::auth::Use;

/// Run one GraphQL request.
pub(super) async fn graphql<E: Executor>(
    State(edge): State<Edge<E>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Answer> {
    if !is_json(&headers) {
        return Err(Answer::NotJson);
    }
    let body = body.map_err(|cut| match cut.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Answer::TooLarge(edge.limits.graphql_bytes),
        _ => Answer::BrokenOff,
    })?;
    let mut request = read(&body)?;
    let identity = edge.sign_in.identify(&headers, use_of(&mut request), &edge.accounts).await?;
    let answer = edge.schema.execute(request.data(identity)).await;
    let more_headers = answer.http_headers.clone();
    Ok((more_headers, Json(answer)).into_response())
}

/// What a request is about to do. One that cannot be read changes nothing: the schema says what is wrong with it.
fn use_of(request: &mut Request) -> Use {
    let named = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else { return Use::Read };
    let is_asked = |name: Option<&str>| named.is_none() || named.as_deref() == name;
    let mut operations = document.operations.iter();
    let changes = operations.any(|(name, operation)| {
        is_asked(name.map(Name::as_str)) && operation.node.ty == OperationType::Mutation
    });
    if changes { Use::Write } else { Use::Read }
}

/// The answer to every other method.
pub(super) async fn only_post() -> Response {
    let mut response = failure(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Send GraphQL requests by POST, as JSON. To explore the API in a browser, open /graphiql.",
    );
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

/// Whether the body says it is JSON. A page of another site can only send other types without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn read(body: &[u8]) -> Result<Request, Answer> {
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Answer::Batch);
    }
    let text = std::str::from_utf8(body)
        .map_err(|_| Answer::Unreadable("This one is not UTF-8 text.".to_owned()))?;
    let request: Request = serde_json::from_str(text)
        .map_err(|cause| Answer::Unreadable(format!("This one could not be read: {cause}.")))?;
    if request.query.trim().is_empty() {
        return Err(Answer::Unreadable("This one has no \"query\".".to_owned()));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_clients_send_them() {
        let request = read(br#" {"query":"{ a }","variables":null,"operationName":null} "#).unwrap();
        assert_eq!(request.query, "{ a }");
        assert!(read(br#"{"query":"query A { a }","operationName":"A","variables":{"b":1}}"#).is_ok());
    }

    #[test]
    fn what_is_no_request_is_told_so() {
        let unreadable: [&[u8]; 6] = [b"", b"{", b"\xff", b"{\"query\":\"\xff\"}", b"{}", b"\"{ a }\""];
        for body in unreadable {
            assert!(matches!(read(body), Err(Answer::Unreadable(_))), "{body:?}");
        }
        assert!(matches!(read(b"\n[{\"query\":\"{ a }\"}]"), Err(Answer::Batch)));
        let deep = format!("{{\"query\":\"a\",\"variables\":{}", "[".repeat(100_000));
        assert!(matches!(read(deep.as_bytes()), Err(Answer::Unreadable(_))));
    }

    #[test]
    fn a_mutation_is_told_from_a_query() {
        let asks = |query: &str, name: Option<&str>| {
            let request = Request::new(query);
            use_of(&mut if let Some(name) = name { request.operation_name(name) } else { request })
        };
        assert_eq!(asks("{ a }", None), Use::Read);
        assert_eq!(asks("mutation { a }", None), Use::Write);
        let both = "query A { a } mutation B { b }";
        assert_eq!(asks(both, Some("A")), Use::Read);
        assert_eq!(asks(both, Some("B")), Use::Write);
        assert_eq!(asks(both, None), Use::Write, "where it is not said which, the stricter of the two");
        assert_eq!(asks("mutation {", None), Use::Read, "which nothing will carry out");
    }

    #[test]
    fn only_json_counts_as_json() {
        let says = |kind: &'static str| {
            is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]))
        };
        assert!(says("application/json") && says("Application/JSON; charset=utf-8"));
        assert!(!says("text/plain") && !says("application/x-www-form-urlencoded") && !says(""));
        assert!(!is_json(&HeaderMap::new()));
    }
}
