//! The guards around every route: our own names only, no posts from other sites, safe headers, no panic let out.

use std::any::Any;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tracing::Instrument;

use super::failure;
use crate::auth::SignIn;

/// What every answer carries unless its handler set the header itself. The policy allows our own style sheet,
/// images, forms and script, and nothing else: none in the page, no frame, no other host. `same-origin` and not `no-referrer`,
/// under which browsers send our own forms with `Origin: null`.
const SAFE_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Put the guards around the routes, the outermost last.
pub(super) fn around(routes: Router, sign_in: SignIn) -> Router {
    routes
        .layer(CsrfLayer::new().with_rejection_response(|_: ProtectionError| from_another_site()))
        .layer(middleware::from_fn_with_state(sign_in, only_our_names))
        .layer(CatchPanicLayer::custom(|panic: Box<dyn Any + Send>| broken(panic.as_ref())))
        .layer(middleware::map_response(safe))
        // A bundle comes packed.
        .layer(
            CompressionLayer::new()
                .compress_when(DefaultPredicate::new().and(NotForContentType::new("application/zip"))),
        )
        .layer(middleware::from_fn(traced))
}

/// Refuse requests under foreign names: a page of another site could otherwise point its own name here and be
/// let in as us.
async fn only_our_names(State(sign_in): State<SignIn>, request: Request, next: Next) -> Response {
    if is_for_us(&sign_in, &request) {
        return next.run(request).await;
    }
    failure(StatusCode::MISDIRECTED_REQUEST, "misdirected", &sign_in.names())
}

/// Whether every name the request calls us by is ours, and there is one.
fn is_for_us(sign_in: &SignIn, request: &Request) -> bool {
    let by_header = request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or_default());
    let by_target = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let mut names = by_header.into_iter().chain(by_target).peekable();
    names.peek().is_some() && names.all(|name| sign_in.answers_to(name))
}

fn from_another_site() -> Response {
    failure(
        StatusCode::FORBIDDEN,
        "cross_site",
        "This came from a page of another site, so nothing was done. Send it from a page of this server.",
    )
}

/// The answer after a panic. Its words are for the log only.
fn broken(panic: &(dyn Any + Send)) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    tracing::error!(words, "a request panicked");
    failure(
        StatusCode::INTERNAL_SERVER_ERROR,
        "broken",
        "Something went wrong here. Try again; if it happens again, look at the server's log.",
    )
}

async fn safe(mut response: Response) -> Response {
    for (name, value) in SAFE_HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Follow a request in the log, at debug. Never the query string: it can hold the sign-in ticket.
async fn traced(request: Request, next: Next) -> Response {
    let span = tracing::debug_span!("request", method = %request.method(), path = request.uri().path());
    async move {
        let response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}
