//! The built files of `web/dist`: styles, script and images of the pages, and those of `GraphiQL`.
//!
//! Debug builds read them from disk; release builds carry those that were there when they were built.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use super::notices::Notice;

#[derive(Embed)]
#[folder = "web/dist/"]
#[allow_missing = true]
struct Built;

/// The names of the files in one folder of `web/dist`.
pub(super) fn names_in(folder: &str) -> Vec<String> {
    let inside = |path: Cow<'static, str>| Some(path.strip_prefix(folder)?.strip_prefix('/')?.to_owned());
    Built::iter().filter_map(inside).collect()
}

/// The text of one file of `web/dist`.
pub(super) fn text_of(path: &str) -> Option<String> {
    let file = Some(path).filter(|path| is_inside(path)).and_then(Built::get)?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// Serve a file of the pages: `/assets/...`.
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    from_folder("assets", &path, &headers)
}

/// Serve a file of one folder of `web/dist`.
pub(super) fn from_folder(folder: &str, path: &str, headers: &HeaderMap) -> Response {
    match Some(path).filter(|path| is_inside(path)).and_then(|path| Built::get(&format!("{folder}/{path}"))) {
        Some(file) => serve(path, file, headers),
        None => {
            Notice::says(StatusCode::NOT_FOUND, "Page not found", "There is no such file.").into_response()
        }
    }
}

/// The names carry no hash, so browsers ask again each time and are told when nothing changed.
pub(super) const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

fn serve(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    // Weak, because compression changes the bytes and not the meaning.
    let tag = format!("W/\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|known| known.trim() == tag);
    let caching = [(header::CACHE_CONTROL, REVALIDATE)];
    let etag = [(header::ETAG, tag)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, caching, etag).into_response();
    }
    let bytes = match file.data {
        Cow::Borrowed(built_in) => Bytes::from_static(built_in),
        Cow::Owned(read) => Bytes::from(read),
    };
    (caching, etag, [(header::CONTENT_TYPE, content_type(path))], bytes).into_response()
}

/// Whether a path stays in its folder: no step up, no empty step, no other system's separators.
fn is_inside(path: &str) -> bool {
    path.split('/').all(|step| !matches!(step, "" | "." | "..") && !step.contains(['\\', ':', '\0']))
}

/// What kind of file a name says it is.
pub(super) fn content_type(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("ttf") => "font/ttf",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        assert!(is_inside("graphiql.min.js") && is_inside("fonts/a.woff2"));
        for path in
            ["../Cargo.toml", "a/../../b", "/etc/passwd", "a//b", "..\\Cargo.toml", "C:\\x", "", "./a"]
        {
            assert!(!is_inside(path), "{path}");
        }
    }

    #[tokio::test]
    async fn what_the_browser_has_is_not_sent_again() {
        let first = from_folder("assets", "app.css", &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK, "run scripts/set-up, which builds the assets");
        let tag = first.headers()[header::ETAG].clone();
        let again = from_folder("assets", "app.css", &HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let missing = from_folder("assets", "../nhsuk/template.jinja", &HeaderMap::new());
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn the_style_sheet_asks_no_other_host_and_is_in_arial() {
        let sheet = text_of("assets/app.css").expect("run scripts/set-up, which builds the assets");
        assert!(!sheet.contains("http") && !sheet.contains("Frutiger"));
        assert!(sheet.contains("font-family:arial,sans-serif"));
    }
}
