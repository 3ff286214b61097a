//! `GraphiQL` at `/graphiql`, from the files that set-up fetched into `web/dist/graphiql`.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::notices::Notice;
use super::{assets, style};

/// The libraries in the order in which they build on each other, by how their names begin.
const LIBRARIES: [&str; 3] = ["react.", "react-dom.", "graphiql."];

/// `GraphiQL` writes styles into the page as it runs; scripts still come from here alone.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The name of our own script among the libraries.
const START: &str = "start.js";

/// Show `GraphiQL` on our schema, with a query that works for everybody. It speaks as the session, unless its headers
/// pane holds the bearer token and says otherwise.
const START_SCRIPT: &str = r"'use strict';
const fetcher = async (request, options) => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(options && options.headers) },
    body: JSON.stringify(request),
  });
  return response.json();
};
const defaultQuery = `# You act as whoever you chose on the first page (/).
# Press the arrow, or Ctrl-Enter. The book on the left holds the documentation.
{
  me { role person { name } }
  partners(first: 5) { nodes { id reference name status } }
}
`;
const place = document.getElementById('graphiql');
place.textContent = '';
ReactDOM.createRoot(place).render(React.createElement(GraphiQL, { fetcher, defaultQuery, shouldPersistHeaders: false }));
";

/// Whether the files of `GraphiQL` were there when this program was built.
#[must_use]
pub fn is_built_in() -> bool {
    assets::names_in("graphiql").iter().any(|name| name.starts_with("graphiql."))
}

/// The page `GraphiQL` runs in, or what to do when its files are not there.
pub(super) async fn page() -> Response {
    let names = assets::names_in("graphiql");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match markup(&names) {
        Some(html) => ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response(),
        None => Notice::says(
            StatusCode::SERVICE_UNAVAILABLE,
            "GraphiQL has not been fetched",
            "Its files are not in web/dist/graphiql. Run the set-up script, then load this page again (a release \
             build has to be built again). The API at /graphql works without it.",
        )
        .into_response(),
    }
}

/// The page, listing what was fetched; nothing when a library is missing.
fn markup(names: &[&str]) -> Option<String> {
    let is_plain = |name: &&&str| !name.contains('/');
    let mut head = String::new();
    for name in names.iter().filter(is_plain).filter(|name| name.ends_with(".css")) {
        // Writing to a string cannot fail.
        let _infallible = writeln!(head, "<link rel=\"stylesheet\" href=\"/graphiql/{name}\">");
    }
    let mut scripts = String::new();
    for library in LIBRARIES {
        let name =
            names.iter().filter(is_plain).find(|name| name.starts_with(library) && name.ends_with(".js"))?;
        let _infallible = writeln!(scripts, "<script src=\"/graphiql/{name}\"></script>");
    }
    Some(format!(
        r#"<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphiQL – Side by Side</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
{head}<style>html, body, #graphiql {{ height: 100%; margin: 0 }}</style>
</head>
<body>
<div id="graphiql"><p>GraphiQL needs JavaScript. The API at /graphql works without it: <a href="/">see how</a>.</p></div>
{scripts}<script src="/graphiql/{START}"></script>
</body>
</html>
"#,
        icon = style::ICON_PATH,
    ))
}

/// Serve one of the files.
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    if path == START {
        let kind = [
            (header::CONTENT_TYPE, assets::content_type(START)),
            (header::CACHE_CONTROL, assets::REVALIDATE),
        ];
        return (kind, START_SCRIPT).into_response();
    }
    assets::from_folder("graphiql", &path, &headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_what_was_fetched_in_order() {
        let fetched =
            ["graphiql.min.css", "graphiql.min.js", "react-dom.production.min.js", "react.production.min.js"];
        let html = markup(&fetched).unwrap();
        let places: Vec<usize> = ["react.production", "react-dom.production", "graphiql.min.js", START]
            .iter()
            .map(|name| html.find(&format!("<script src=\"/graphiql/{name}")).unwrap())
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        assert!(html.contains("href=\"/graphiql/graphiql.min.css\""));
    }

    #[test]
    fn without_its_libraries_there_is_no_page() {
        assert_eq!(markup(&["graphiql.min.css", "graphiql.min.js", "react.production.min.js"]), None);
        assert_eq!(markup(&[]), None);
    }
}
