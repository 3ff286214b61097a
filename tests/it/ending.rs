//! How a grant is held up and brought to its end by two people, and what is taken back on the way.

use serde_json::{Value, json};

use crate::api::People;
use crate::award::{PAID, Running, is_approver};

fn final_return() -> Value {
    json!({ "kind": "FINAL", "from": "2026-05-01", "to": "2026-05-31", "due": "2026-06-30", "toleranceDays": 0 })
}

#[tokio::test]
async fn a_grant_is_ended_early_by_two_and_closed_with_what_came_of_it() {
    let running = Running::new().await;
    let People { commissioner, second, finance, approver, .. } = &running.town.people;
    let told = running.refused(approver, "terminateGrant", json!({}), "grant.termination_not_proposed").await;
    assert!(told.contains("somebody proposes it"), "{told}");
    running.refused(finance, "proposeTermination", json!({}), "forbidden").await;
    running.done(commissioner, "proposeTermination", json!({})).await;
    running.refused(second, "proposeTermination", json!({}), "grant.termination_proposed_already").await;
    running
        .refused(&is_approver(commissioner), "terminateGrant", json!({}), "grant.terminator_proposed")
        .await;
    let put = json!({ "proposedBy": { "name": "Amina Example" }, "proposedOn": PAID });
    assert_eq!(running.see("termination { proposedBy { name } proposedOn }").await["termination"], put);
    let theirs = running.seen(&running.admin, "termination { proposedOn }").await;
    assert_eq!(theirs["termination"], Value::Null, "a partner is told when it is decided");
    let waits = "{ waitingOn { kind } }";
    let told = async || {
        let waits = running.town.world.ask_on(PAID, approver, waits, json!({})).await;
        waits.data()["waitingOn"].as_array().unwrap().contains(&json!({ "kind": "TERMINATION_TO_DECIDE" }))
    };
    assert!(told().await, "whoever may end it is told");
    running.refused(finance, "withdrawTermination", json!({}), "forbidden").await;
    running.done(second, "withdrawTermination", json!({})).await;
    assert_eq!(running.see("termination { proposedOn }").await["termination"], Value::Null);
    assert!(!told().await, "nothing is to be decided any more");
    running.refused(approver, "terminateGrant", json!({}), "grant.termination_not_proposed").await;
    let told =
        running.refused(second, "withdrawTermination", json!({}), "grant.termination_not_proposed").await;
    assert!(told.contains("Nobody has put forward"), "{told}");
    running.done(commissioner, "proposeTermination", json!({})).await;
    running.done(approver, "terminateGrant", json!({})).await;

    let close = json!({ "finalSpend": "1500.00", "outcomes": ["Forty people ate together until May."] });
    running.refused(second, "closeGrant", close.clone(), "grant.final_return_open").await;
    running.done(commissioner, "requestMonitoringReturn", final_return()).await;
    assert_eq!(running.see("status").await["status"], "TERMINATED", "it stays ended");
    let id = running.last("returns").await;
    let report = json!({ "returnId": id, "spent": "1500.00", "peopleReached": 40, "outcomes": [] });
    running.done(&running.admin, "submitMonitoringReturn", report).await;
    running.done(commissioner, "acceptMonitoringReturn", json!({ "returnId": id })).await;
    running.refused(commissioner, "closeGrant", close.clone(), "grant.closer_accepted").await;
    running.done(second, "closeGrant", close).await;
    let account = json!({ "finalSpend": "1500.00", "outcomes": ["Forty people ate together until May."] });
    let seen = running.see("status finalAccount { finalSpend outcomes }").await;
    assert_eq!((&seen["status"], &seen["finalAccount"]), (&json!("CLOSED"), &account));
    running.holds().await;
}

#[tokio::test]
async fn a_grant_is_not_resumed_while_its_partner_is_suspended() {
    let running = Running::new().await;
    let People { commissioner, approver, .. } = &running.town.people;
    let partner = running.see("partnerId").await["partnerId"].clone();
    let partner = json!({ "partnerId": partner, "on": PAID });
    running.done(commissioner, "suspendGrant", json!({ "grounds": ["PARTNER_SUSPENDED"] })).await;
    running.town.done(approver, "suspendPartner", partner.clone()).await;
    running.refused(approver, "resumeGrant", json!({}), "partner.not_approved").await;
    let other = running.other_approver().await;
    running.town.done(&other, "reinstatePartner", partner).await;
    running.done(approver, "resumeGrant", json!({})).await;
    assert_eq!(running.see("status").await["status"], "ACTIVE");
}

#[tokio::test]
async fn an_authorisation_is_withdrawn_while_nothing_is_paid_on_it() {
    let running = Running::new().await;
    let People { commissioner, second, finance, .. } = &running.town.people;
    running.meet_condition().await;
    let which = json!({ "instalmentId": running.second_instalment() });
    running.refused(second, "withdrawAuthorisation", which.clone(), "grant.instalment_not_authorised").await;
    let pay = json!({ "instalmentId": running.second_instalment(), "payOn": "2026-12-01" });
    running.done(second, "authoriseInstalment", pay.clone()).await;
    running.done(commissioner, "suspendGrant", json!({ "grounds": ["SAFEGUARDING"] })).await;
    let mut silent = which.clone();
    silent["reason"] = Value::Null;
    let told = running.refused(commissioner, "withdrawAuthorisation", silent, "reason.required").await;
    assert!(told.contains("“grant instalment authorisation withdrawn”"), "plain words: {told}");
    running.refused(&running.admin, "withdrawAuthorisation", which.clone(), "forbidden").await;
    running.done(commissioner, "withdrawAuthorisation", which).await;
    let seen = running.see("instalments { payOn bankVersion }").await;
    assert_eq!(seen["instalments"][1], json!({ "payOn": null, "bankVersion": null }));
    let payable = "{ payable { instalmentId } }";
    let waits = running.town.world.ask(finance, payable, json!({})).await;
    assert_eq!(waits.data()["payable"], json!([]), "nothing is left to put in a run");
    assert_eq!(running.pots().await, ["7500.00", "0.00", "1000.00", "1500.00"], "no money moved");
    running.holds().await;
}

#[tokio::test]
async fn a_payment_made_by_hand_comes_back_and_is_not_asked_back_as_well() {
    let running = Running::new().await;
    let People { commissioner, second, finance, .. } = &running.town.people;
    let demand = json!({ "ground": "WORK_NOT_DONE", "amount": "600.00" });
    running.done(commissioner, "demandRecovery", demand).await;
    let first = &running.grant["instalments"][0]["id"];
    let back = |code: &str| json!({ "instalmentId": first, "valueDate": PAID, "bankCode": code });
    running.refused(commissioner, "recordPaymentReturned", back("AC04"), "forbidden").await;
    running.refused(finance, "recordPaymentReturned", back(" "), "invalid").await;
    running.done(finance, "recordPaymentReturned", back("AC04")).await;
    running.refused(finance, "recordPaymentReturned", back("AC04"), "grant.not_paid").await;
    assert_eq!(running.pots().await, ["7500.00", "0.00", "2500.00", "0.00"]);
    let fields = "instalments { id amount bankCode replacedById } recoveries { amount reduced open }";
    let seen = running.see(fields).await;
    let paid = &seen["instalments"][0];
    assert_eq!((&paid["bankCode"], &paid["replacedById"]), (&json!("AC04"), &seen["instalments"][2]["id"]));
    let nothing = json!([{ "amount": "600.00", "reduced": "600.00", "open": "0.00" }]);
    assert_eq!(seen["recoveries"], nothing, "what never stayed with the partner is not asked back");
    running.holds().await;
    let again = json!({ "instalmentId": seen["instalments"][2]["id"], "payOn": PAID });
    running.done(second, "authoriseInstalment", again).await;
    running.holds().await;
}

#[tokio::test]
async fn what_was_got_back_from_the_partner_does_not_come_back_from_the_bank_as_well() {
    let running = Running::new().await;
    let People { commissioner, finance, .. } = &running.town.people;
    running
        .done(commissioner, "demandRecovery", json!({ "ground": "WORK_NOT_DONE", "amount": "600.00" }))
        .await;
    let part =
        json!({ "recoveryId": running.last("recoveries").await, "amount": "100.00", "valueDate": PAID });
    running.done(finance, "recordRecoveryReceived", part).await;
    let first = &running.grant["instalments"][0]["id"];
    let back = json!({ "instalmentId": first, "valueDate": PAID, "bankCode": "AC04" });
    let told = running.refused(finance, "recordPaymentReturned", back, "grant.returned_after_settled").await;
    assert!(told.contains("£100.00"), "{told}");
}

const RUN: &str = "paymentRun { warnings { line message } }";

#[tokio::test]
async fn who_pays_to_bank_details_that_a_payment_bounced_from_is_told() {
    let running = Running::new().await;
    let (world, People { second, finance, .. }) = (&running.town.world, &running.town.people);
    let payable = async || {
        let waits = world.ask(finance, "{ payable { instalmentId warning } }", json!({})).await;
        waits.data()["payable"].clone()
    };
    running.meet_condition().await;
    let pay = json!({ "instalmentId": running.second_instalment(), "payOn": "2026-12-01" });
    running.done(second, "authoriseInstalment", pay).await;
    assert_eq!(payable().await[0]["warning"], Value::Null);
    let first = &running.grant["instalments"][0]["id"];
    let back = json!({ "instalmentId": first, "valueDate": PAID, "bankCode": "AC04" });
    running.done(finance, "recordPaymentReturned", back).await;
    let told = "A payment to these bank details (version 1) bounced on 2 June 2026 (AC04): ask the partner whether they \
                are still right before they are paid to again.";
    assert_eq!(payable().await[0]["warning"], told);

    let open = "mutation { openPaymentRun(input: {title: \"December\", payOn: \"2026-12-01\"}) { paymentRun { id } } }";
    let run = world.ask_on(PAID, finance, open, json!({})).await;
    let run = run.data()["openPaymentRun"]["paymentRun"]["id"].clone();
    let line = json!({ "grantId": running.grant["id"], "instalmentId": running.second_instalment() });
    let add =
        format!("mutation($input: AddToPaymentRunInput!) {{ addToPaymentRun(input: $input) {{ {RUN} }} }}");
    let added =
        world.ask_on(PAID, finance, &add, json!({ "input": { "runId": run, "lines": [line] } })).await;
    let warnings = &added.data()["addToPaymentRun"]["paymentRun"]["warnings"];
    assert_eq!(*warnings, json!([{ "line": 1, "message": told }]), "it is told, and does not stop the run");
    let which = json!({ "instalmentId": running.second_instalment() });
    running.refused(second, "withdrawAuthorisation", which, "grant.take_out_of_run_first").await;
}
