//! What if, through the API and as the command line prints it: a replay that changes nothing.

use serde_json::{Value, json};
use sidebyside::app::what_if::replay;
use sidebyside::cli::what_if::table;
use sidebyside::domain::what_if::WhatIfRules;

use crate::api::{Town, recommendation};

const QUERY: &str = "query($rules: WhatIfRules!) { whatIf(rules: $rules) { events grants unchanged
    effects { grantId reference kind why reliedOn decidedOn } } }";

async fn asked(town: &Town, rules: Value) -> Value {
    let answer = town.world.ask(&town.people.auditor, QUERY, json!({ "rules": rules })).await;
    answer.data()["whatIf"].clone()
}

/// A grant of £2,500.00 on the micro track, awarded by one approver.
async fn awarded() -> (Town, Value) {
    let town = Town::new().await;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme().await;
    let grant = town.scored_grant(&partner, &programme, "2500.00").await;
    town.done(&town.people.commissioner, "recommendGrant", recommendation(&grant, "2500.00")).await;
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "2500.00", "due": "2026-06-01" }], "termsVersion": "1" });
    let grant = town.done(&town.people.approver, "approveGrant", plan).await;
    (town, grant)
}

#[tokio::test]
async fn a_replay_names_the_grants_and_the_facts_and_leaves_the_log_as_it_was() {
    let (town, grant) = awarded().await;
    let size = town.world.size().await;
    let at_the_limit = asked(&town, json!({ "oneApprover": "2500.00", "checkMonths": 6 })).await;
    assert_eq!(at_the_limit, json!({ "events": size, "grants": 1, "unchanged": 1, "effects": [] }));

    let above = asked(&town, json!({ "oneApprover": "2499.99" })).await;
    let effect = &above["effects"][0];
    assert_eq!((&effect["kind"], &above["unchanged"]), (&json!("BLOCKED"), &json!(0)));
    assert_eq!((&effect["grantId"], &effect["reference"]), (&grant["id"], &grant["reference"]));
    assert_eq!(effect["decidedOn"], "2026-05-01");
    assert!(effect["why"].as_str().unwrap().starts_with("£2,500.00 was awarded by one approver"), "{effect}");

    let history = "query($id: UUID!) { history(filter: {streamId: $id}) { nodes { index eventType } } }";
    let history = town.world.ask(&town.people.auditor, history, json!({ "id": grant["id"] })).await;
    let nodes = history.data()["history"]["nodes"].as_array().unwrap().clone();
    let approved = nodes.iter().find(|node| node["eventType"] == "grant.approved").unwrap();
    assert!(effect["reliedOn"].as_array().unwrap().contains(&approved["index"]), "{effect}");
    assert_eq!(town.world.size().await, size, "a replay writes nothing");
}

#[tokio::test]
async fn what_cannot_be_replayed_is_turned_down_with_its_code() {
    let town = Town::new().await;
    for (rules, code, part) in [
        (json!({}), "what_if.no_rule", "Name at least one rule"),
        (json!({ "checkMonths": 0 }), "what_if.check_months", "from 1 to 120"),
        (json!({ "checkMonths": -6 }), "what_if.check_months", "from 1 to 120"),
        (json!({ "checkMonths": 121 }), "what_if.check_months", "from 1 to 120"),
        (json!({ "microLimit": "0.00" }), "money.not_positive", "above £0.00"),
    ] {
        let answer = town.world.ask(&town.people.auditor, QUERY, json!({ "rules": rules })).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert!(sentence.contains(part), "{sentence}");
    }
    let rules = json!({ "rules": { "microLimit": "5000.00" } });
    let answer = town.world.ask(&town.people.assessor, QUERY, rules).await;
    assert_eq!(answer.refusal().0, "forbidden");
}

#[tokio::test]
async fn the_command_line_prints_a_table_and_says_that_it_is_a_replay() {
    let (town, grant) = awarded().await;
    let size = town.world.size().await;
    let rules = WhatIfRules { delegation_limit: Some("1000".parse().unwrap()), ..WhatIfRules::default() };
    let lines = table(&rules, &replay(&town.world.store, rules).await.unwrap());
    assert_eq!(lines[0], "What if every delegation reaches to £1,000.00?");
    assert_eq!(lines[1], format!("A replay of {size} events: nothing on the record was changed."));
    let reference = grant["reference"].as_str().unwrap();
    let start = format!("{reference:<12}  1 May 2026         blocked              £2,500.00 was awarded.");
    assert!(lines[4].starts_with(&start), "{lines:#?}");
    assert_eq!(lines.last().unwrap(), "0 of 1 grants would have gone as they did.");
    assert!(lines.iter().all(|line| line.chars().count() <= 130), "{lines:#?}");
    assert_eq!(town.world.size().await, size, "a replay writes nothing");
}
