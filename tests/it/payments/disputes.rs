//! A bank that gives back what the partner had repaid, or what was given up: taken for what it is, while the other
//! lines of its answer are recorded as they are.

use super::*;

const DISPUTE: &str =
    "dispute { valueDate bankCode repaid notedBy { name } finding settledBy { name } settledOn }";

impl Town {
    /// Something of a grant as it stands.
    async fn of_grant(&self, grant: &Value, fields: &str) -> Value {
        let document = format!("query($id: UUID!) {{ grant(id: $id) {{ {fields} }} }}");
        self.look(&self.people.auditor, &document, json!({ "id": grant })).await["grant"].clone()
    }

    /// Money asked back of a grant: the id of the demand.
    async fn asked_back(&self, grant: &Value, amount: &str) -> Value {
        let demand = json!({ "grantId": grant, "ground": "WORK_NOT_DONE", "amount": amount });
        self.done_on(&self.people.commissioner, LATER, "demandRecovery", demand).await;
        let found = self.of_grant(grant, "recoveries { id }").await["recoveries"].clone();
        found.as_array().unwrap().last().unwrap()["id"].clone()
    }

    async fn got_back(&self, grant: &Value, recovery: &Value, amount: &str) {
        let came = json!({ "grantId": grant, "recoveryId": recovery, "amount": amount, "valueDate": LATER });
        self.done_on(&self.people.releaser, LATER, "recordRecoveryReceived", came).await;
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn a_bank_gives_back_what_was_repaid_and_what_was_given_up_without_stopping_the_rest() {
    let town = Town::new().await;
    let People { auditor, maker, releaser, .. } = &town.people;
    let mut lines = town.authorised(0, &["1000.00"]).await;
    lines.extend(town.authorised(1, &["200.00"]).await);
    lines.extend(town.authorised(1, &["300.00"]).await);
    let (id, reference, _) = town.exported(&lines).await;
    let run = reference.as_str();
    let load = |rows: &[String]| json!({ "runId": id, "contentBase64": answer(rows) });
    let all = [paid(run, 1, "1000.00"), paid(run, 2, "200.00"), paid(run, 3, "300.00")];
    town.done_on(maker, LATER, "loadRemittance", load(&all)).await;
    let [repaid, _, given_up] = [0, 1, 2].map(|line: usize| lines[line]["grantId"].clone());
    let demand = town.asked_back(&repaid, "400.00").await;
    town.got_back(&repaid, &demand, "150.00").await;
    let hopeless = town.asked_back(&given_up, "300.00").await;
    let off = json!({ "grantId": given_up, "recoveryId": hopeless, "amount": "300.00" });
    town.done_on(maker, LATER, "writeOffRecovery", off).await;

    let rows = [returned(run, 1, "1000.00"), returned(run, 2, "200.00"), returned(run, 3, "300.00")];
    let shown = "query($id: UUID!, $file: String!) { matchRemittance(runId: $id, contentBase64: $file) {
        matched { line } disputed { line repaid } } }";
    let shown = town.world.ask_on(LATER, maker, shown, json!({ "id": id, "file": answer(&rows) })).await;
    let wanted = json!({
        "matched": [{ "line": 1 }, { "line": 2 }, { "line": 3 }], "disputed": [{ "line": 1, "repaid": "150.00" }]
    });
    assert_eq!(shown.data()["matchRemittance"], wanted);
    town.done_on(maker, LATER, "loadRemittance", load(&rows)).await;
    let told = town.refused_on(maker, LATER, "loadRemittance", load(&rows), "payment_run.nothing_new").await;
    assert!(told.contains("on the record already"), "{told}");
    let as_it_stands = json!({ "available": "8650.00", "committed": "500.00", "paid": "850.00" });
    assert_eq!(town.figures().await, as_it_stands, "what is in dispute is posted nowhere");
    let demands = "recoveries { amount writtenOff reduced open }";
    let undone = json!([{ "amount": "300.00", "writtenOff": "0.00", "reduced": "300.00", "open": "0.00" }]);
    assert_eq!(town.of_grant(&given_up, demands).await["recoveries"], undone, "what was given up has come");

    let document =
        format!("query($id: UUID!) {{ paymentRun(id: $id) {{ lines {{ line status {DISPUTE} }} }} }}");
    let seen = town.look(auditor, &document, json!({ "id": id })).await["paymentRun"]["lines"].clone();
    let statuses: Vec<&Value> = seen.as_array().unwrap().iter().map(|line| &line["status"]).collect();
    assert_eq!(statuses, ["CONFIRMED", "RETURNED", "RETURNED"]);
    let open = json!({
        "valueDate": LATER, "bankCode": "AM09", "repaid": "150.00", "notedBy": { "name": "Fay Finance" },
        "finding": null, "settledBy": null, "settledOn": null
    });
    assert_eq!((&seen[0]["dispute"], &seen[1]["dispute"]), (&open, &Value::Null));
    all_is_well(&town.world).await;

    let waits = "{ waitingOn { kind sentence reference } }";
    let waiting = json!({
        "kind": "RETURN_TO_SETTLE", "reference": reference,
        "sentence": "The bank says that line 1 of the payment run “June” came back, which the partner had repaid: find \
                     out which is right and settle it."
    });
    let listed = async |who| town.look(who, waits, json!({})).await["waitingOn"].as_array().unwrap().clone();
    assert!(listed(releaser).await.contains(&waiting) && !listed(maker).await.contains(&waiting));
    let reconcile = json!({ "runId": id });
    let told = town
        .refused_on(maker, LATER, "reconcilePaymentRun", reconcile.clone(), "payment_run.returns_disputed")
        .await;
    assert!(told.contains("line 1"), "{told}");
    let settle = |line: u32| json!({ "runId": id, "line": line, "finding": "CAME_BACK" });
    let name = "settleDisputedReturn";
    town.refused_on(maker, LATER, name, settle(1), "payment_run.settler_loaded").await;
    town.refused_on(releaser, LATER, name, settle(2), "payment_run.not_disputed").await;
    town.refused_on(auditor, LATER, name, settle(1), "forbidden").await;
    // What the bank gave back beyond what the partner had repaid is got back for the demand, and for another.
    town.got_back(&repaid, &demand, "250.00").await;
    let rest = town.asked_back(&repaid, "600.00").await;
    town.got_back(&repaid, &rest, "600.00").await;
    town.done_on(releaser, LATER, name, settle(1)).await;
    assert!(!listed(releaser).await.contains(&waiting));
    town.done_on(maker, LATER, "reconcilePaymentRun", reconcile).await;
    let nothing_stays = json!({ "available": "9500.00", "committed": "500.00", "paid": "0.00" });
    assert_eq!(town.figures().await, nothing_stays);
    let seen = town.look(auditor, &document, json!({ "id": id })).await["paymentRun"]["lines"][0].clone();
    assert_eq!(
        (&seen["dispute"]["finding"], &seen["dispute"]["settledBy"]["name"]),
        (&json!("CAME_BACK"), &json!("Max Money"))
    );
    all_is_well(&town.world).await;
}

/// A run pays to the newest details, whatever an instalment was authorised for, and it is those that bounced.
#[tokio::test]
async fn the_warning_is_of_the_bank_details_that_were_and_would_be_paid_to() {
    let town = Town::new().await;
    let maker = &town.people.maker;
    let (grant, instalments) = town.grant(&town.partners[0], &["100.00", "50.00"]).await;
    for instalment in &instalments {
        town.authorise("2026-07-01", &grant, instalment).await;
    }
    town.bank_details(&town.partners[0], "11112222", "New account", 2).await;
    let open = json!({ "title": "July", "payOn": "2026-07-01" });
    let run = town.done(maker, "openPaymentRun", open).await["paymentRun"].clone();
    let (id, reference) = (run["id"].clone(), run["reference"].as_str().unwrap().to_owned());
    let lines = json!([{ "grantId": grant, "instalmentId": instalments[0] }]);
    town.done(maker, "addToPaymentRun", json!({ "runId": id, "lines": lines })).await;
    town.done(&town.people.approver, "approvePaymentRun", json!({ "runId": id })).await;
    town.done(&town.people.releaser, "releasePaymentRun", json!({ "runId": id })).await;
    town.done(maker, "exportPaymentRun", json!({ "runId": id })).await;
    let rows = [rejected(&reference, 1, "100.00")];
    let load = json!({ "runId": id, "contentBase64": answer(&rows) });
    town.done_on(maker, "2026-07-02", "loadRemittance", load).await;

    let waits = "{ payable { instalmentId warning } }";
    let warned = async || town.look(maker, waits, json!({})).await["payable"].clone();
    let told = "A payment to these bank details (version 2) bounced on 2 July 2026 (AC04): ask the partner whether they \
                are still right before they are paid to again.";
    assert_eq!(warned().await, json!([{ "instalmentId": instalments[1], "warning": told }]));
    town.bank_details(&town.partners[0], "33334444", "Newest account", 3).await;
    assert_eq!(warned().await[0]["warning"], Value::Null, "it would be paid to other details now");
}
