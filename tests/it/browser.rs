//! The pages in a browser: `tests/browser` drives Chromium against a server of its own on the sample data.
//!
//! Where `scripts/set-up tests` has not brought Chromium or the packages, this fails in CI and is passed over elsewhere.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use sidebyside::auth::Development;
use sidebyside::graphql::api;
use sidebyside::web::{Limits, router};
use tokio::net::TcpListener;

use crate::sample::Loading;

/// What `tests/browser/lib/chromium.mjs` looks for.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What is missing, so that nothing can be looked at.
fn missing() -> Option<&'static str> {
    let on_the_path = |program: &str| {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
    };
    let is_named = std::env::var_os("CHROMIUM").is_some_and(|program| PathBuf::from(program).is_file());
    let is_app = ["Google Chrome", "Chromium"]
        .iter()
        .any(|name| Path::new(&format!("/Applications/{name}.app/Contents/MacOS/{name}")).is_file());
    if !on_the_path("node") {
        return Some("Node.js");
    }
    if !Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/node_modules/playwright-core").is_dir() {
        return Some("what tests/browser/package.json names");
    }
    (!is_named && !is_app && !BROWSERS.iter().any(|name| on_the_path(name))).then_some("Chromium")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_and_journey_holds_in_a_browser() {
    if let Some(what) = missing() {
        let words =
            format!("{what} is missing, so nothing was looked at in a browser: run scripts/set-up tests");
        assert!(std::env::var_os("CI").is_none(), "{words}");
        eprintln!("{words}");
        return;
    }
    let loading = Loading::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sign_in = Arc::new(Development::default());
    let link = sign_in.ticket_link(&format!("http://{address}"));
    let accounts = loading.app.accounts().clone();
    let edge = router(api(loading.app.clone()), Arc::clone(&sign_in), accounts, Limits::default()).unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, edge).await });
    let mut driven = Command::new("node");
    driven
        .arg("run.mjs")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser"))
        .env("SIDEBYSIDE_URL", format!("http://{address}"))
        .env("SIDEBYSIDE_TOKEN", sign_in.token())
        .env("SIDEBYSIDE_LINK", link)
        .env("SIDEBYSIDE_PROGRAM", env!("CARGO_BIN_EXE_sidebyside"));
    let told = tokio::task::spawn_blocking(move || driven.output()).await.unwrap().unwrap();
    serving.abort();
    let words = format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "{words}");
    drop(loading);
}
