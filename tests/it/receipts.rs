//! Decision receipts through the API: who may have one, and that every decision of the sample data holds in every rule.

use serde_json::{Value, json};
use sidebyside::domain::identity::Role;

use crate::sample::Loading;
use crate::world::World;

const RECEIPT: &str = "query($index: Int!) { decisionReceipt(index: $index) { kind holds decidedOn
    decision { index eventType hasReceipt } rules { code says holds found
    reliedOn { index eventType sentence effectiveOn } } } }";

/// Every event of the log that has a receipt, with its kind.
async fn decisions(loading: &Loading) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    let mut after = Value::Null;
    loop {
        let document =
            "query($after: String) { history(first: 500, after: $after) { pageInfo { hasNextPage endCursor }
            nodes { index eventType hasReceipt } } }";
        let page = loading.ask(document, json!({ "after": after })).await["history"].clone();
        for node in page["nodes"].as_array().unwrap() {
            if node["hasReceipt"].as_bool().unwrap() {
                found.push((node["index"].as_i64().unwrap(), node["eventType"].as_str().unwrap().to_owned()));
            }
        }
        if !page["pageInfo"]["hasNextPage"].as_bool().unwrap() {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn failing(receipt: &Value) -> Vec<&Value> {
    receipt["rules"].as_array().unwrap().iter().filter(|rule| rule["holds"] == false).collect()
}

#[tokio::test]
async fn every_decision_of_the_sample_data_holds_in_every_rule() {
    let loading = Loading::new().await;
    let all = decisions(&loading).await;
    let count = |name: &str| all.iter().filter(|(_, of)| of == name).count();
    for name in [
        "partner.approved",
        "partner.check_waived",
        "grant.approved",
        "grant.instalment_authorised",
        "grant.payment_confirmed",
        "payment_run.approved",
        "payment_run.released",
    ] {
        assert!(count(name) > 0, "the sample data has no {name}");
    }
    for (index, name) in all {
        let answer = loading.ask(RECEIPT, json!({ "index": index })).await;
        let receipt = &answer["decisionReceipt"];
        assert_eq!(failing(receipt), Vec::<&Value>::new(), "{name}, event {index}");
        assert_eq!((&receipt["holds"], &receipt["decision"]["eventType"]), (&json!(true), &json!(name)));
        for rule in receipt["rules"].as_array().unwrap() {
            for event in rule["reliedOn"].as_array().unwrap() {
                assert!(event["index"].as_i64().unwrap() <= index, "{name}, event {index}: {rule}");
                assert!(event["sentence"].as_str().unwrap().ends_with('.'), "{event}");
            }
        }
    }
}

#[tokio::test]
async fn the_decisions_of_a_grant_are_listed_with_it() {
    let loading = Loading::new().await;
    let document = "{ grants(first: 500) { nodes { id decisions { index eventType hasReceipt } } } }";
    let answer = loading.ask(document, json!({})).await;
    let grants = answer["grants"]["nodes"].as_array().unwrap();
    let mut listed: Vec<i64> = Vec::new();
    for decision in grants.iter().flat_map(|grant| grant["decisions"].as_array().unwrap()) {
        assert_eq!(decision["hasReceipt"], true);
        listed.push(decision["index"].as_i64().unwrap());
    }
    listed.sort_unstable();
    let all = decisions(&loading).await;
    let of_grants: Vec<i64> =
        all.into_iter().filter(|(_, name)| name.starts_with("grant.")).map(|(index, _)| index).collect();
    assert_eq!(listed, of_grants);
}

#[tokio::test]
async fn a_receipt_is_for_those_who_see_money_and_of_decisions_only() {
    let world = World::new().await;
    let giver = world.somebody("Gil Giver", Role::Finance, None).await;
    let approver = world.somebody("Ben Approver", Role::Approver, None).await;
    world.give_authority(&approver, "100").await;
    let asked = |index: i64| json!({ "index": index });
    let nothing = world.ask(&giver, RECEIPT, asked(0)).await;
    assert_eq!(nothing.refusal(), ("not_found", "There is no decision with this id."));
    assert_eq!(world.ask(&giver, RECEIPT, asked(99)).await.refusal().0, "not_found");
    for role in [Role::Advisor, Role::Inclusion, Role::PartnerAdmin, Role::Public] {
        let somebody = world.somebody("Uma Outside", role, None).await;
        assert_eq!(world.ask(&somebody, RECEIPT, asked(0)).await.refusal().0, "forbidden", "{role:?}");
    }
}
