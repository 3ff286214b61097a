//! Whole runs: by the people it takes, with a line that bounces and is paid again; and who may not do what.

use super::*;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told from the run to the last payment")]
async fn a_run_is_paid_and_what_bounced_is_paid_by_a_second_one() {
    let town = Town::new().await;
    let People { approver, maker, releaser, .. } = &town.people;
    let lines =
        [town.authorised(0, &["2500.00", "0.01"]).await, town.authorised(1, &["1000.00"]).await].concat();
    let payable = "{ payable(payOn: \"2026-06-01\") { amount grantReference partner { id } } }";
    assert_eq!(town.look(maker, payable, json!({})).await["payable"].as_array().unwrap().len(), 3);

    let (id, reference, export) = town.exported(&lines).await;
    assert_eq!(town.look(maker, payable, json!({})).await["payable"], json!([]), "each is in a run");
    let content = export["content"].as_str().unwrap();
    assert_eq!(export["sha256"], Hash::of(content.as_bytes()).as_str());
    assert_eq!(
        (&export["controlTotal"], &export["controlTotalPence"]),
        (&json!("3500.01"), &json!("350001"))
    );
    assert_eq!(export["fileName"], format!("{reference}.csv"));
    let rows: Vec<&str> = content.lines().collect();
    assert_eq!(rows.len(), 4, "{content}");
    assert!(rows[1].contains(",Cooking Together,000000,87651234,2500.00,G20260001 0001-001"), "{content}");
    assert!(
        rows[3].contains(",\"'=Singing & \"\"Co\"\"\",000000,87654321,1000.00,G20260002 0001-003"),
        "{content}"
    );

    let again = town.done(releaser, "exportPaymentRun", json!({ "runId": id })).await;
    assert_eq!(
        (&again["content"], &again["sha256"]),
        (&export["content"], &export["sha256"]),
        "byte for byte"
    );
    let readings = town.readings().await;
    assert_eq!(readings.len(), 6, "each reading is on the vault’s record: {readings:?}");
    assert_eq!((readings[0].0, readings[0].1.as_str()), (maker.person.0, "finance"));
    assert_eq!(readings[0].2, format!("The file for the bank of payment run {reference}, line 1."));
    assert_eq!((readings[5].0, readings[5].2.ends_with("line 3.")), (releaser.person.0, true));

    let first = [paid(&reference, 1, "2500.00"), rejected(&reference, 2, "0.01")];
    let load = |rows: &[String]| json!({ "runId": id, "contentBase64": answer(rows) });
    let loaded = town.done_on(maker, LATER, "loadRemittance", load(&first)).await;
    let matched = json!([
        { "line": 1, "result": "PAID", "amount": "2500.00" }, { "line": 2, "result": "REJECTED", "amount": "0.01" }
    ]);
    let wanted = json!({ "matched": matched, "alreadyRecorded": [], "notInFile": [3], "notInRun": [] });
    assert_eq!(loaded["remittance"], wanted);
    assert_eq!(
        town.figures().await,
        json!({ "available": "6499.99", "committed": "1000.01", "paid": "2500.00" })
    );
    let told = town
        .refused_on(maker, LATER, "reconcilePaymentRun", json!({ "runId": id }), "payment_run.lines_pending")
        .await;
    assert!(told.contains("line 3"), "{told}");

    let whole = [&first[..], &[paid(&reference, 3, "1000.00")]].concat();
    let loaded = town.done_on(maker, LATER, "loadRemittance", load(&whole)).await;
    assert_eq!(loaded["remittance"]["alreadyRecorded"], json!([1, 2]));
    let told = town.refused_on(maker, LATER, "loadRemittance", load(&whole), "payment_run.nothing_new").await;
    assert!(told.contains("on the record already"), "{told}");
    town.done_on(maker, LATER, "reconcilePaymentRun", json!({ "runId": id })).await;

    let back = [returned(&reference, 3, "1000.00")];
    let unexplained = json!({ "runId": id, "contentBase64": answer(&back), "reason": null });
    town.refused_on(maker, LATER, "loadRemittance", unexplained, "reason.required").await;
    town.done_on(maker, LATER, "loadRemittance", load(&back)).await;
    assert_eq!(
        town.figures().await,
        json!({ "available": "6499.99", "committed": "1000.01", "paid": "2500.00" })
    );

    let mut replaced = Vec::new();
    for grant in [&lines[0]["grantId"], &lines[2]["grantId"]] {
        let document =
            "query($id: UUID!) { grant(id: $id) { instalments { id amount closedOn bankCode replacedById
                        conditions { id } payOn } } }";
        let answer = town.look(maker, document, json!({ "id": grant })).await;
        let instalments = answer["grant"]["instalments"].as_array().unwrap().clone();
        let closed = instalments.iter().find(|one| !one["closedOn"].is_null()).unwrap();
        let new = instalments.iter().find(|one| one["id"] == closed["replacedById"]).unwrap();
        assert_eq!(
            (&new["amount"], &new["payOn"], &new["conditions"]),
            (&closed["amount"], &Value::Null, &json!([]))
        );
        let line = json!({ "grantId": grant, "instalmentId": closed["id"] });
        let pay = json!({ "grantId": grant, "instalmentId": closed["id"], "payOn": PAY_ON });
        town.refused(&town.people.authoriser, "authoriseInstalment", pay, "grant.instalment_closed").await;
        let add = json!({ "runId": town.run(&[]).await.0, "lines": [line] });
        town.refused(maker, "addToPaymentRun", add, "grant.instalment_not_authorised").await;
        town.authorise(PAY_ON, grant, &new["id"]).await;
        replaced.push(json!({ "grantId": grant, "instalmentId": new["id"] }));
    }
    let (id, reference, _) = town.exported(&replaced).await;
    let rows = [paid(&reference, 1, "0.01"), paid(&reference, 2, "1000.00")];
    let load = json!({ "runId": id, "contentBase64": answer(&rows) });
    let loaded = town.done_on(maker, LATER, "loadRemittance", load).await;
    assert_eq!(loaded["paymentRun"]["confirmed"], json!({ "lines": 2, "amount": "1000.01" }));
    town.done_on(maker, LATER, "reconcilePaymentRun", json!({ "runId": id })).await;
    assert_eq!(
        town.figures().await,
        json!({ "available": "6499.99", "committed": "0.00", "paid": "3500.01" })
    );

    let runs = "{ paymentRuns(status: RECONCILED) { totalCount nodes { reference total approvedBy { name }
                releasedBy { name } file { format controlTotalPence givenAgain } returned { lines amount }
                rejected { lines } remittances { lines } lines { line status bankCode paidOn returnedOn } } } }";
    let runs = town.look(approver, runs, json!({})).await["paymentRuns"].clone();
    assert_eq!(runs["totalCount"], 2);
    let first = &runs["nodes"][0];
    assert_eq!(
        (&first["approvedBy"]["name"], &first["releasedBy"]["name"]),
        (&json!("Ben Approver"), &json!("Max Money"))
    );
    assert_eq!(first["file"], json!({ "format": 1, "controlTotalPence": "350001", "givenAgain": 1 }));
    assert_eq!(first["returned"], json!({ "lines": 1, "amount": "1000.00" }));
    assert_eq!(first["remittances"].as_array().unwrap().len(), 3);
    assert_eq!(
        first["lines"][2],
        json!({ "line": 3, "status": "RETURNED", "bankCode": "AM09", "paidOn": PAY_ON, "returnedOn": LATER })
    );
    only_the_vault_and_the_file_know_the_accounts(&town).await;
    all_is_well(&town.world).await;
}

/// No table of the database holds an account number or the name on an account, sealed items aside.
async fn only_the_vault_and_the_file_know_the_accounts(town: &Town) {
    let owner = town.world.owner().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert!(tables.iter().any(|table| table == "public.events") && tables.len() > 8);
    for table in tables {
        for secret in ACCOUNTS.iter().flat_map(|(account, name)| [*account, *name]) {
            let sql = format!("SELECT count(*) FROM {table} AS one WHERE strpos(one::text, $1) > 0");
            let found: i64 = sqlx::query_scalar(&sql).bind(secret).fetch_one(&owner).await.unwrap();
            assert_eq!(found, 0, "{table} holds {secret}");
        }
    }
}

#[tokio::test]
async fn it_takes_three_persons_none_of_whom_decided_on_a_grant_in_it() {
    let town = Town::new().await;
    let People { commissioner, authoriser, approver, maker, releaser, .. } = &town.people;
    let as_role = |who: &Identity, role| Identity { role, ..who.clone() };
    let lines = town.authorised(0, &["10.00"]).await;
    let (id, _) = town.run(&lines).await;
    let run = json!({ "runId": id });
    let maker_approves = as_role(maker, Role::Approver);
    town.refused(&maker_approves, "approvePaymentRun", run.clone(), "payment_run.approver_made_it").await;
    town.refused(releaser, "releasePaymentRun", run.clone(), "payment_run.wrong_stage").await;
    town.done(&as_role(releaser, Role::Approver), "approvePaymentRun", run.clone()).await;
    town.refused(releaser, "releasePaymentRun", run.clone(), "payment_run.releaser_approved_it").await;
    town.refused(maker, "releasePaymentRun", run.clone(), "payment_run.releaser_made_it").await;
    for decider in [commissioner, authoriser, approver] {
        let decider = as_role(decider, Role::Finance);
        town.refused(&decider, "releasePaymentRun", run.clone(), "payment_run.releaser_decided").await;
    }
    let third = town.world.somebody("Tess Third", Role::Finance, None).await;
    let interest = json!({ "grantId": lines[0]["grantId"], "nature": "EMPLOYMENT" });
    town.done(&third, "declareConflict", interest).await;
    town.refused(&third, "releasePaymentRun", run.clone(), "payment_run.conflicted").await;
    town.refused(approver, "exportPaymentRun", run.clone(), "forbidden").await;
    town.refused(maker, "exportPaymentRun", run.clone(), "payment_run.wrong_stage").await;
    assert!(town.readings().await.is_empty(), "nothing was read from the vault");
    let fourth = town.world.somebody("Finn Fourth", Role::Finance, None).await;
    town.done(&fourth, "releasePaymentRun", run.clone()).await;
    town.done(&fourth, "exportPaymentRun", run.clone()).await;
    town.refused(maker, "voidPaymentRun", run.clone(), "payment_run.wrong_stage").await;
    let add = json!({ "runId": id, "lines": lines });
    town.refused(maker, "addToPaymentRun", add, "payment_run.wrong_stage").await;
    let take = json!({ "runId": id, "line": 1 });
    town.refused(maker, "removeFromPaymentRun", take, "payment_run.wrong_stage").await;
    assert_eq!(town.readings().await.len(), 1);
}

#[tokio::test]
async fn an_instalment_is_in_one_run_and_paid_by_nothing_else() {
    let town = Town::new().await;
    let maker = &town.people.maker;
    let lines = town.authorised(0, &["10.00", "20.00"]).await;
    let (first, reference) = town.run(&lines).await;
    let (second, _) = town.run(&[]).await;
    let add = |run: &Value, line: &Value| json!({ "runId": run, "lines": [line] });
    let told = town.refused(maker, "addToPaymentRun", add(&second, &lines[0]), "grant.already_in_run").await;
    assert!(told.contains("in one only"), "{told}");
    town.refused(
        maker,
        "addToPaymentRun",
        json!({ "runId": second, "lines": [] }),
        "payment_run.nothing_to_add",
    )
    .await;
    let by_hand = json!({
        "grantId": lines[0]["grantId"], "instalmentId": lines[0]["instalmentId"], "amount": "10.00", "valueDate": PAY_ON
    });
    town.refused_on(maker, LATER, "confirmPayment", by_hand, "grant.paid_through_run").await;
    let twice = json!({ "runId": second, "lines": [lines[0], lines[0]] });
    town.done(maker, "removeFromPaymentRun", json!({ "runId": first, "line": 1 })).await;
    town.refused(maker, "addToPaymentRun", twice, "grant.already_in_run").await;
    town.done(maker, "addToPaymentRun", add(&second, &lines[0])).await;
    town.done(maker, "voidPaymentRun", json!({ "runId": second })).await;
    town.done(maker, "addToPaymentRun", add(&first, &lines[0])).await;
    let document = "query($id: UUID!) { paymentRun(id: $id) { total lines { line status amount } } }";
    let run = town.look(maker, document, json!({ "id": first })).await["paymentRun"].clone();
    assert_eq!(run["total"], "30.00");
    let standing: Vec<&str> =
        run["lines"].as_array().unwrap().iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(standing, ["REMOVED", "PENDING", "PENDING"]);
    let history = "query($id: UUID) { history(filter: {streamId: $id}) { nodes { sentence } } }";
    let told = town.look(&town.people.auditor, history, json!({ "id": first })).await;
    assert_eq!(told["history"]["nodes"][3]["sentence"], "Line 1 was taken out.");
    assert!(reference.starts_with("B-2026-"));
    all_is_well(&town.world).await;
}

/// Two runs reach for the same instalment at the same moment: the stream of its grant lets one have it.
#[tokio::test]
async fn of_two_runs_that_reach_for_an_instalment_at_once_one_has_it() {
    let town = Town::new().await;
    let maker = &town.people.maker;
    let lines = town.authorised(0, &["10.00", "20.00", "30.00"]).await;
    let (first, second) = (town.run(&[]).await.0, town.run(&[]).await.0);
    for line in &lines {
        let add =
            |run: &Value| town.ask(maker, TODAY, "addToPaymentRun", json!({ "runId": run, "lines": [line] }));
        let (one, other) = tokio::join!(add(&first), add(&second));
        let codes = [one, other].map(|answer| answer.0["errors"][0]["extensions"]["code"].clone());
        assert!(codes.contains(&Value::Null) && codes.contains(&json!("grant.already_in_run")), "{codes:?}");
    }
    all_is_well(&town.world).await;
}

#[tokio::test]
async fn a_payment_on_the_day_after_a_check_lapsed_is_turned_down() {
    let mut town = Town::new().await;
    let partner = town.approved_partner("87650000", "Soup", PAY_ON).await;
    town.partners.push(partner);
    let People { authoriser, maker, .. } = &town.people;
    let (grant, instalments) = town.grant(&town.partners[2], &["10.00"]).await;
    let on = |day: &str| json!({ "grantId": grant, "instalmentId": instalments[0], "payOn": day });
    let told =
        town.refused(authoriser, "authoriseInstalment", on("2026-06-02"), "partner.checks_missing").await;
    assert!(told.contains("safeguarding policy (ran out on 1 June 2026)"), "{told}");
    town.done(authoriser, "authoriseInstalment", on(PAY_ON)).await;
    let open = json!({ "title": "A day late", "payOn": "2026-06-02" });
    let late = town.done(maker, "openPaymentRun", open).await["paymentRun"]["id"].clone();
    let line = json!({ "grantId": grant, "instalmentId": instalments[0] });
    let add = json!({ "runId": late, "lines": [line] });
    town.refused(maker, "addToPaymentRun", add, "partner.checks_missing").await;
    town.exported(&[line]).await;
}

#[tokio::test]
async fn every_line_is_looked_at_again_before_the_run_is_released_and_exported() {
    let town = Town::new().await;
    let People { approver, commissioner, maker, releaser, .. } = &town.people;
    let lines = [town.authorised(0, &["10.00"]).await, town.authorised(1, &["20.00"]).await].concat();
    let (id, _) = town.run(&lines).await;
    let run = json!({ "runId": id });
    town.done(approver, "approvePaymentRun", run.clone()).await;
    town.bank_details(&town.partners[0], "11112222", "New account", 2).await;
    let fail = json!({ "partnerId": town.partners[1], "check": "SAFEGUARDING" });
    let fail_document =
        "mutation($input: PartnerCheckInput!) { failCheck(input: $input) { receipt { index } } }";
    let mut input = fail.clone();
    input["reason"] = json!("For a test.");
    town.world.ask_on(TODAY, commissioner, fail_document, json!({ "input": input })).await.data();
    let told =
        town.refused(releaser, "releasePaymentRun", run.clone(), "payment_run.lines_not_payable").await;
    assert!(told.contains("Line 1 (G-2026-0001): Bank details version 2 were changed"), "{told}");
    assert!(told.contains("Line 2 (G-2026-0002): Not every required check"), "{told}");
    town.done(maker, "voidPaymentRun", run).await;
    assert!(town.readings().await.is_empty(), "nothing was read from the vault");
}

#[tokio::test]
async fn a_run_whose_day_has_gone_by_is_neither_released_nor_exported() {
    let town = Town::new().await;
    let People { approver, maker, releaser, .. } = &town.people;
    let lines = town.authorised(0, &["10.00"]).await;
    let (id, _) = town.run(&lines).await;
    let run = json!({ "runId": id });
    town.done(approver, "approvePaymentRun", run.clone()).await;
    town.refused_on(releaser, "2026-06-02", "releasePaymentRun", run.clone(), "payment_run.day_gone_by")
        .await;
    town.done_on(releaser, PAY_ON, "releasePaymentRun", run.clone()).await;
    let suspend = json!({ "partnerId": town.partners[0] });
    town.done(approver, "suspendPartner", suspend).await;
    let told = town
        .refused_on(maker, PAY_ON, "exportPaymentRun", run.clone(), "payment_run.lines_not_payable")
        .await;
    assert!(told.contains("This partner is not approved."), "{told}");
    town.refused_on(maker, "2026-06-02", "exportPaymentRun", run, "payment_run.day_gone_by").await;
    assert!(town.readings().await.is_empty(), "nothing was read from the vault");
    let past = json!({ "title": "Late", "payOn": "2026-05-28" });
    town.refused(maker, "openPaymentRun", past, "payment_run.day_gone_by").await;
    let unknown = json!({ "runId": uuid::Uuid::from_u128(7) });
    let told = town.refused(maker, "exportPaymentRun", unknown, "not_found").await;
    assert_eq!(told, "There is no payment run with this id.");
}

#[tokio::test]
async fn the_same_command_again_gives_the_first_receipt_and_the_same_file() {
    let town = Town::new().await;
    let People { approver, maker, releaser, .. } = &town.people;
    let lines = town.authorised(0, &["10.00"]).await;
    let (id, reference) = town.run(&lines).await;
    town.done(approver, "approvePaymentRun", json!({ "runId": id })).await;
    town.done(releaser, "releasePaymentRun", json!({ "runId": id })).await;
    let export = json!({ "runId": id, "commandId": uuid::Uuid::from_u128(0xE1) });
    let first = town.done(maker, "exportPaymentRun", export.clone()).await;
    let again = town.done(maker, "exportPaymentRun", export).await;
    assert_eq!(first["content"], again["content"]);
    assert_eq!((&first["receipt"]["repeated"], &again["receipt"]["repeated"]), (&json!(false), &json!(true)));
    assert_eq!(town.readings().await.len(), 2, "it was read twice");
    let rows = [paid(&reference, 1, "10.00")];
    let load =
        json!({ "runId": id, "contentBase64": answer(&rows), "commandId": uuid::Uuid::from_u128(0xE2) });
    let first = town.done_on(maker, LATER, "loadRemittance", load.clone()).await;
    let size = town.world.size().await;
    let again = town.done_on(maker, LATER, "loadRemittance", load).await;
    assert_eq!(town.world.size().await, size);
    assert_eq!(first["receipt"]["index"], again["receipt"]["index"]);
    assert_eq!(again["remittance"]["alreadyRecorded"], json!([1]));
}

#[tokio::test]
async fn a_run_pays_whoever_a_variation_named() {
    let town = Town::new().await;
    let People { approver, commissioner, maker, .. } = &town.people;
    let (grant, instalments) = town.grant(&town.partners[0], &["100.00"]).await;
    let input = json!({
        "grantId": grant, "from": town.partners[0], "to": town.partners[1], "reason": "For a test.",
        "justification": "The second partner holds the money for the first."
    });
    let request = "mutation($input: RequestPayeeVariationInput!) {
        requestPayeeVariation(input: $input) { grant { variations { id } } } }";
    let asked = town.world.ask_on(TODAY, commissioner, request, json!({ "input": input })).await;
    let variation = &asked.data()["requestPayeeVariation"]["grant"]["variations"][0]["id"];
    let input = json!({ "grantId": grant, "variationId": variation, "reason": "For a test." });
    let approve = "mutation($input: ApproveVariationInput!) {
        approveVariation(input: $input) { receipt { index } } }";
    town.world.ask_on(TODAY, approver, approve, json!({ "input": input })).await.data();
    town.authorise(PAY_ON, &grant, &instalments[0]).await;

    let payable = "{ payable(payOn: \"2026-06-01\") { partner { id } } }";
    let wanted = json!([{ "partner": { "id": town.partners[1] } }]);
    assert_eq!(town.look(maker, payable, json!({})).await["payable"], wanted);
    let lines = [json!({ "grantId": grant, "instalmentId": instalments[0] })];
    let (_, _, export) = town.exported(&lines).await;
    let content = export["content"].as_str().unwrap();
    assert!(content.contains(",000000,87654321,100.00,") && !content.contains("87651234"), "{content}");
}
