//! The icon of every page: two figures side by side.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// Where it is served.
pub(super) const PATH: &str = "/icon.svg";

/// Serve it.
pub(super) async fn show() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, ICON).into_response()
}

const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="4" fill="#005eb8"/><g fill="#fff"><circle cx="10.5" cy="10" r="4"/><path d="M5 26v-5a5.5 5.5 0 0 1 10-3v8z"/><circle cx="21.5" cy="10" r="4"/><path d="M17 26v-8a5.5 5.5 0 0 1 10 3v5z"/></g></svg>"##;
