//! The consultations of the sample data: they stand in every state, and what money answers was heard.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::sample::Loading;

fn counted(list: &Value, field: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for one in list.as_array().unwrap() {
        *counts.entry(one[field].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

fn wanted(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// What fixtures/README.md tells of them.
#[tokio::test]
async fn consultations_needs_and_commitments_stand_in_every_state() {
    let document = "{ consultations(first: 500) { status } needs(first: 500) { standing }
        commitments(first: 500) { standing } }";
    let answer = Loading::new().await.ask(document, json!({})).await;
    let statuses = [
        ("ANSWERED", 1),
        ("CANCELLED", 1),
        ("CLOSED", 4),
        ("FED_BACK", 1),
        ("HELD", 1),
        ("PLANNED", 1),
        ("THEMES_AGREED", 1),
        ("WRITTEN_UP", 1),
    ];
    assert_eq!(counted(&answer["consultations"], "status"), wanted(&statuses));
    let needs = [("ANSWERED", 23), ("CANNOT_DO", 5), ("MERGED", 8), ("UNANSWERED", 7)];
    assert_eq!(counted(&answer["needs"], "standing"), wanted(&needs));
    let commitments = [("KEPT", 14), ("MISSED", 1), ("OPEN", 6)];
    assert_eq!(counted(&answer["commitments"], "standing"), wanted(&commitments));
}

#[tokio::test]
async fn every_need_that_a_programme_or_a_grant_answers_was_heard() {
    let document = "{ needs(first: 500) { id heardAlsoAt { need { id } } } grants(first: 500) { nodes { needs { needId } } }
        programmes { nodes { priorities { needIds } } } }";
    let answer = Loading::new().await.ask(document, json!({})).await;
    let texts = |values: Vec<&Value>| -> BTreeSet<String> {
        values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let list = |of: &Value| of.as_array().unwrap().clone();
    let heard: BTreeSet<String> = texts(list(&answer["needs"]).iter().map(|need| &need["id"]).collect());
    let grants = list(&answer["grants"]["nodes"]);
    let of_grants: Vec<Value> = grants.iter().flat_map(|grant| list(&grant["needs"])).collect();
    let programmes = list(&answer["programmes"]["nodes"]);
    let priorities = programmes.iter().flat_map(|programme| list(&programme["priorities"]));
    let of_programmes: Vec<Value> = priorities.flat_map(|priority| list(&priority["needIds"])).collect();
    let answered = texts(of_grants.iter().map(|one| &one["needId"]).chain(&of_programmes).collect());
    assert_eq!(answered.len(), 5);
    assert!(answered.is_subset(&heard), "{answered:?} of {heard:?}");

    let needs = list(&answer["needs"]);
    let again = needs.iter().filter(|need| !list(&need["heardAlsoAt"]).is_empty());
    assert!(again.count() >= 4, "some were heard at more than one consultation");
}
