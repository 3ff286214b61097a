//! What is typed to do harm, on every page: scripts in each field and in the address are shown as text; and a form that
//! is sent twice has its effect once.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use chrono::{TimeDelta, Utc};
use form_urlencoded::Serializer;
use serde_json::json;
use sidebyside::domain::identity::Role;

use super::{House, pages};

/// Closes whatever it stands in, and would act wherever it were not shown as text.
const SCRIPT: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}";
/// What would be found of it in a page that took it for markup.
const TAKEN: [&str; 3] = ["<script>alert(1)", "<img src=x", "\"'><img"];
/// How it begins where it is shown.
const SHOWN: &str = "&lt;script&gt;alert(1)";

/// An attribute of a tag, as the templates write it.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (tag, _) = tag.split_once('>')?;
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

/// The names of a page's fields that take text, and the hidden ones with what they hold.
fn fields(page: &str) -> (BTreeSet<String>, Vec<(String, String)>) {
    let (mut texts, mut hidden) = (BTreeSet::new(), Vec::new());
    let main = page.split_once("<main").map_or("", |(_, main)| main);
    for tag in main.split("<textarea").skip(1) {
        texts.extend(attribute(tag, "name").map(str::to_owned));
    }
    for tag in main.split("<input").skip(1) {
        let Some(name) = attribute(tag, "name") else { continue };
        match attribute(tag, "type").unwrap_or("text") {
            "hidden" => {
                hidden.push((name.to_owned(), attribute(tag, "value").unwrap_or_default().to_owned()));
            }
            "radio" | "checkbox" | "file" | "submit" => (),
            _ => {
                texts.insert(name.to_owned());
            }
        }
    }
    (texts, hidden)
}

/// Why a page is not right, if it took what was typed for markup.
fn taken(body: &str) -> Option<&'static str> {
    TAKEN.into_iter().find(|found| body.contains(found))
}

#[tokio::test]
async fn scripts_in_every_text_field_and_address_are_shown_as_text() {
    let house = House::open().await;
    let (mut told, mut tried) = (Vec::new(), 0);
    for page in &pages() {
        let role = Role::ALL.into_iter().find(|role| page.is_for(*role)).unwrap();
        let address = house.addresses(page, 1).remove(0);
        let (_, body) = house.send(Method::GET, &address, role, "").await;
        let (texts, hidden) = fields(&body);

        let mut query = Serializer::new(String::new());
        for name in texts.iter().map(String::as_str).chain(["text", "after", "said", "next", "asAt"]) {
            query.append_pair(name, SCRIPT);
        }
        let (status, body) =
            house.send(Method::GET, &format!("{address}?{}", query.finish()), role, "").await;
        if status.is_server_error() || taken(&body).is_some() {
            told.push(format!("{}: {status}, {:?} in its address", page.name, taken(&body)));
        }

        if !page.has_form || texts.is_empty() {
            continue;
        }
        let mut form = Serializer::new(String::new());
        form.extend_pairs(&hidden).extend_pairs(texts.iter().map(|name| (name, SCRIPT)));
        let sent = form.append_pair("_step", "send").finish();
        let (status, body) = house.send(Method::POST, &address, role, &sent).await;
        let is_lost = status == StatusCode::UNPROCESSABLE_ENTITY && body.matches(SHOWN).count() < texts.len();
        if status.is_server_error() || taken(&body).is_some() || is_lost {
            let shown = body.matches(SHOWN).count();
            let what = taken(&body);
            told.push(format!("{}: {status}, {what:?}, {shown} shown of {texts:?}", page.name));
        }
        tried += texts.len();
    }
    assert!(told.is_empty(), "{told:#?}");
    assert!(tried > 100, "only {tried} fields were found");

    // What was kept of it, wherever it is shown.
    for page in &pages() {
        let role = Role::ALL.into_iter().find(|role| page.is_for(*role)).unwrap();
        let (_, body) = house.send(Method::GET, &house.addresses(page, 1).remove(0), role, "").await;
        assert_eq!(taken(&body), None, "{}", page.name);
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_has_its_effect_once() {
    let house = House::open().await;
    let (_, page) = house.send(Method::GET, "/payments/open", Role::Finance, "").await;
    let (texts, hidden) = fields(&page);
    assert!(texts.contains("input.title") && texts.contains("input.payOn.day"), "{texts:?}");
    let mut form = Serializer::new(String::new());
    form.extend_pairs(&hidden);
    let pay_on = (Utc::now() + TimeDelta::days(4)).date_naive();
    let [day, month, year] = ["%d", "%m", "%Y"].map(|part| pay_on.format(part).to_string());
    let typed = [
        ("input.title", SCRIPT),
        ("input.payOn.day", day.as_str()),
        ("input.payOn.month", month.as_str()),
        ("input.payOn.year", year.as_str()),
        ("input.reason", SCRIPT),
    ];
    let sent = form.extend_pairs(typed).append_pair("_step", "send").finish();
    let before = house.loading.world().size().await;
    let send = || house.send(Method::POST, "/payments/open", Role::Finance, &sent);
    let (first, second) = tokio::join!(send(), send());
    let third = send().await;
    for (status, body) in [&first, &second, &third] {
        assert_eq!(*status, StatusCode::SEE_OTHER, "{body}");
    }
    assert_eq!(house.loading.world().size().await, before + 1);

    // Its title is kept as it was typed, and shown as text.
    let document = "{ paymentRuns(first: 100) { nodes { id title } } }";
    let runs = house.loading.ask(document, json!({})).await;
    let runs = runs["paymentRuns"]["nodes"].as_array().unwrap();
    let run = runs.iter().find(|run| run["title"] == SCRIPT).expect("the run is there");
    for address in
        [format!("/payments/{}", run["id"].as_str().unwrap()), "/payments".to_owned(), "/history".to_owned()]
    {
        let (status, body) = house.send(Method::GET, &address, Role::Auditor, "").await;
        assert_eq!((status, taken(&body)), (StatusCode::OK, None), "{address}");
        assert!(body.contains(SHOWN), "{address} does not show it");
    }
}
