//! What is sent to do harm: far too much at once, and requests to leave HTTP.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode, header};
use futures_util::stream;
use serde_json::json;

use super::Edge;

const MEGABYTE: usize = 1024 * 1024;

/// Twenty megabytes that come a piece at a time, with nothing said of how many there will be, and how many were taken.
fn twenty_megabytes(before: &'static str) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let piece = Bytes::from(vec![b'a'; MEGABYTE / 16]);
    let pieces =
        std::iter::once(Bytes::from_static(before.as_bytes())).chain(std::iter::repeat_n(piece, 320));
    let body = stream::iter(pieces.map(move |piece| {
        counted.fetch_add(piece.len(), Ordering::Relaxed);
        Ok::<_, Infallible>(piece)
    }));
    (Body::from_stream(body), taken)
}

#[tokio::test]
async fn twenty_megabytes_are_turned_away_long_before_they_have_come() {
    let edge = Edge::open().await;
    let cookie = edge.sign_in().await;
    let file =
        "--x\r\nContent-Disposition: form-data; name=\"input.contentBase64\"; filename=\"big.csv\"\r\n\r\n";
    let upload = "multipart/form-data; boundary=x";
    let form = "application/x-www-form-urlencoded";
    let remittance = "/payments/0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d/remittance";
    let too_large = StatusCode::PAYLOAD_TOO_LARGE;
    let places = [
        (remittance, upload, file, too_large, "This is too large to send"),
        ("/payments/open", upload, file, too_large, "At most 256 KB can be sent at once"),
        ("/payments/open", form, "input.title=", too_large, "Nothing was changed"),
        ("/graphql", "application/json", "{\"query\":\"", too_large, "\"too_large\""),
        ("/acting", form, "role=finance&name=", StatusCode::BAD_REQUEST, ""),
    ];
    let before = edge.me(&[("cookie", &cookie)]).await.json();
    for (path, kind, start, status, words) in places {
        let (body, taken) = twenty_megabytes(start);
        let headers = [("cookie", cookie.as_str()), ("content-type", kind)];
        let answer = edge.send(Method::POST, path, &headers, body).await;
        assert_eq!(answer.status, status, "{path} {kind}: {}", answer.body);
        assert!(answer.body.contains(words), "{path} {kind}: {}", answer.body);
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < MEGABYTE, "{path}: {taken} bytes were taken before it was turned away");
    }
    assert_eq!(edge.me(&[("cookie", &cookie)]).await.json(), before);
}

#[tokio::test]
async fn no_websocket_is_opened_from_anywhere() {
    let edge = Edge::open().await;
    let cookie = edge.sign_in().await;
    let bearer = edge.bearer();
    let origins = ["http://evil.example", "null", "http://127.0.0.1:8080", ""];
    for origin in origins {
        for protocol in ["graphql-transport-ws", "graphql-ws", ""] {
            for path in ["/graphql", "/graphql/ws", "/subscriptions", "/acting", "/events"] {
                let headers = [
                    ("connection", "Upgrade"),
                    ("upgrade", "websocket"),
                    ("sec-websocket-version", "13"),
                    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
                    ("sec-websocket-protocol", protocol),
                    ("origin", origin),
                    ("cookie", cookie.as_str()),
                    ("authorization", bearer.as_str()),
                ];
                let sent: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
                let answer = edge.get(path, &sent).await;
                assert_ne!(answer.status, StatusCode::SWITCHING_PROTOCOLS, "{path} from {origin}");
                let opened = ["upgrade", "sec-websocket-accept", "sec-websocket-protocol"];
                assert!(opened.iter().all(|name| answer.header(*name).is_empty()), "{path} from {origin}");
                if path == "/graphql" {
                    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "from {origin}");
                    assert_eq!(
                        (answer.code().as_str(), answer.header(header::ALLOW)),
                        ("method_not_allowed", "POST")
                    );
                    assert!(answer.body.contains("Send GraphQL requests by POST"), "{}", answer.body);
                }
            }
        }
    }
    // As HTTP/2 asks for one.
    let tunnel = edge.send(Method::CONNECT, "/graphql", &[], Body::empty()).await;
    assert!(tunnel.status.is_client_error(), "{}", tunnel.status);
    // There is nothing to be told of over one either.
    let subscribing = json!({ "query": "subscription { me }" }).to_string();
    let answer = edge.post(&[("cookie", &cookie)], subscribing).await;
    assert!(answer.json()["errors"].is_array() && answer.json()["data"].is_null(), "{}", answer.body);
}
