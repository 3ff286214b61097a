//! What pages look like: Arial, NHS blues, a measure that reads well, focus nobody can miss, and the icon.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// Where the style sheet is served.
pub(super) const SHEET_PATH: &str = "/style.css";

/// Where the icon is served.
pub(super) const ICON_PATH: &str = "/icon.svg";

/// Serve the style sheet.
pub(super) async fn sheet() -> Response {
    serve("text/css; charset=utf-8", SHEET)
}

/// Serve the icon.
pub(super) async fn icon() -> Response {
    serve("image/svg+xml", ICON)
}

fn serve(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}

/// Two figures side by side.
const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="4" fill="#005eb8"/><g fill="#fff"><circle cx="10.5" cy="10" r="4"/><path d="M5 26v-5a5.5 5.5 0 0 1 10-3v8z"/><circle cx="21.5" cy="10" r="4"/><path d="M17 26v-8a5.5 5.5 0 0 1 10 3v5z"/></g></svg>"##;

const SHEET: &str = r"
:root { --blue: #005eb8; --dark: #003087; --text: #212b32; --quiet: #4c6272; --line: #d8dde0; --paper: #f0f4f5;
  --green: #007f3b; --green-edge: #00401e; --red: #d5281b; --focus: #ffeb3b; }
*, *::before, *::after { box-sizing: border-box; }
html { font-family: Arial, sans-serif; font-size: 100%; color: var(--text); background: var(--paper);
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; line-height: 1.5; font-size: 1.125rem; }
.width { width: 100%; max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
.top { background: var(--blue); color: #fff; padding: 1rem 0; }
.top .width { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; }
.top .name { color: #fff; font-size: 1.5rem; font-weight: 700; text-decoration: none; }
.top .name:hover { text-decoration: underline; }
.phase { background: #fff; border-bottom: 1px solid var(--line); font-size: 1rem; }
.phase p { margin: 0; padding: .625rem 0; }
.tag { display: inline-block; margin-right: .5rem; padding: .125rem .5rem; border: 1px solid var(--dark);
  background: #ccdff1; color: #00315f; font-size: .875rem; }
main { flex: 1 0 auto; padding-top: 2rem !important; padding-bottom: 3rem !important; }
main:focus { outline: none; }
h1 { margin: 0 0 1rem; font-size: 2.25rem; line-height: 1.2; }
h2 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.3; }
p, ul { margin: 0 0 1rem; max-width: 44em; }
.lead { font-size: 1.375rem; line-height: 1.45; }
section { margin-top: 2.5rem; }
a { color: var(--blue); text-underline-offset: .15em; }
a:hover { color: #7c2855; }
a:focus-visible, button:focus-visible { outline: 4px solid transparent; background: var(--focus); color: var(--text);
  box-shadow: 0 4px 0 0 var(--text); text-decoration: none; }
.top .name:focus-visible { color: var(--text); }
.skip { position: absolute; left: -999em; padding: .75rem 1rem; background: var(--focus); }
.skip:focus { left: 0; top: 0; z-index: 1; color: var(--text); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.card { background: #fff; border: 1px solid var(--line); padding: 1.5rem; }
.card > :last-child { margin-bottom: 0; }
.summary { margin: 0 0 1.5rem; }
.summary div { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .5rem 0; border-bottom: 1px solid var(--line); }
.summary dt { flex: 0 0 8rem; font-weight: 700; }
.summary dd { flex: 1 1 12rem; margin: 0; overflow-wrap: anywhere; }
.field { margin: 0 0 2rem; padding: 0; border: 0; min-width: 0; }
label, legend { font-weight: 700; padding: 0; }
.field > label, legend { display: block; margin-bottom: .25rem; }
.hint { margin: 0 0 .5rem; color: var(--quiet); }
.error { margin: 0 0 .5rem; color: var(--red); font-weight: 700; }
.field input:not([type=radio]) { display: block; width: 100%; max-width: 26rem; padding: .5rem .625rem; font: inherit;
  color: inherit; background: #fff; border: 2px solid var(--quiet); border-radius: 0; }
.field:has(.error) { padding-left: 1rem; border-left: 4px solid var(--red); }
.field input[aria-invalid] { border-color: var(--red); }
.field input:focus { outline: 4px solid var(--focus); outline-offset: 0; border-color: var(--text);
  box-shadow: inset 0 0 0 2px var(--text); }
.choice { display: flex; align-items: center; min-height: 2.75rem; }
.choice input { flex: none; width: 1.5rem; height: 1.5rem; margin: 0; accent-color: var(--blue); }
.choice label { padding: .5rem .75rem; font-weight: 400; }
button { padding: .75rem 1.25rem; border: 0; border-radius: 4px; background: var(--green); color: #fff; font: inherit;
  font-weight: 700; box-shadow: 0 4px 0 var(--green-edge); cursor: pointer; }
button:hover { background: #00662f; }
button.secondary { background: #fff; color: var(--blue); box-shadow: inset 0 0 0 2px var(--blue); }
button.secondary:hover { background: #d9e8f5; }
button:focus-visible, button.secondary:focus-visible { background: var(--focus); color: var(--text);
  box-shadow: 0 4px 0 0 var(--text); }
.errors { margin-bottom: 2rem; padding: 1.25rem 1.5rem; border: 4px solid var(--red); background: #fff; }
.errors ul { margin: 0; padding: 0; list-style: none; }
.errors a { color: var(--red); font-weight: 700; }
code { font-family: Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: .9em; overflow-wrap: anywhere; }
pre { margin: 0 0 1rem; padding: 1rem; background: #fff; border: 1px solid var(--line); border-left: 4px solid var(--blue);
  overflow-x: auto; line-height: 1.6; }
pre code { overflow-wrap: normal; font-size: .8125em; }
pre:focus-visible { outline: 4px solid var(--focus); outline-offset: 0; box-shadow: inset 0 0 0 2px var(--text); }
.bottom { background: var(--line); border-top: 4px solid var(--blue); padding: 1.25rem 0; font-size: 1rem; }
.bottom p { margin: 0; }
@media (max-width: 40em) {
  body { font-size: 1rem; } h1 { font-size: 1.75rem; } .lead { font-size: 1.1875rem; } .card { padding: 1rem; } }
@media (forced-colors: active) { a:focus-visible, button:focus-visible, pre:focus-visible { outline-color: Highlight; } }
@media print { .skip, .phase, form { display: none; } }
";
