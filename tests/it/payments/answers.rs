//! Answers of the bank that are not taken: each refused as a whole, with its code and sentence.

use super::*;

#[tokio::test]
async fn a_file_that_is_odd_is_refused_as_a_whole() {
    let town = Town::new().await;
    let maker = &town.people.maker;
    let lines = town.authorised(0, &["2500.00", "10.00"]).await;
    let (id, reference, _) = town.exported(&lines).await;
    let run = reference.as_str();
    let good = answer_text(&[paid(run, 1, "2500.00"), paid(run, 2, "10.00")]);
    let other = |from: &str, to: &str| good.replace(from, to).into_bytes();
    let of = |rows: &[String]| answer_text(rows).into_bytes();
    let latin = [good.replace(",paid", ",pa").split_once("pa").unwrap().0.as_bytes(), b"pa\xEFd"].concat();
    let cases: [(&str, Vec<u8>, &str); 18] = [
        ("remittance.total_wrong", other("2510.00", "2510.01"), "2 lines and £2510.01"),
        ("remittance.total_wrong", other("total,2", "total,3"), "3 lines and £2510.00"),
        ("remittance.total_missing", other("total,2,,2510.00,,\n", ""), "total,2,,2500.00"),
        (
            "remittance.line_twice",
            of(&[paid(run, 1, "2500.00"), paid(run, 1, "2500.00")]),
            "line 1 of B-2026-0001",
        ),
        ("payment_run.answer_unmatched", of(&[paid(run, 1, "2500.00"), paid(run, 7, "10.00")]), "line 7"),
        ("payment_run.other_run", of(&[paid("B-2026-0099", 1, "2500.00")]), "B-2026-0099"),
        ("remittance.encoding", latin, "EF"),
        ("remittance.encoding", good.encode_utf16().flat_map(u16::to_be_bytes).collect(), "00"),
        (
            "remittance.encoding",
            [&b"\xFF\xFE"[..], &good.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat(),
            "FF FE",
        ),
        ("remittance.encoding", other("paid", "pa\u{FFFD}id"), "EF BF BD"),
        ("remittance.columns", other("value_date", "date"), "run,line,result,amount,date,bank_code"),
        ("remittance.empty", Vec::new(), "no line"),
        ("remittance.amount_places", other("10.00,", "10.000,"), "10.000"),
        ("payment_run.answer_amount_differs", of(&[paid(run, 1, "2500.01")]), "£2,500.01 for line 1"),
        (
            "payment_run.answer_too_early",
            of(&[paid(run, 1, "2500.00").replace(PAY_ON, "2026-05-31")]),
            "1 June 2026",
        ),
        ("payment_run.answer_ahead", of(&[paid(run, 1, "2500.00").replace(PAY_ON, "2026-06-06")]), "line 1"),
        ("remittance.unreadable", other(",paid", ",PAID"), "paid, rejected or returned"),
        ("remittance.fields", other(",2026-06-01,\n", ",2026-06-01\n"), "5 fields"),
    ];
    for (code, file, words) in cases {
        let load = json!({ "runId": id, "contentBase64": STANDARD.encode(file) });
        let told = town.refused_on(maker, LATER, "loadRemittance", load, code).await;
        assert!(told.contains(words), "{code}: {told}");
    }
    let load = json!({ "runId": id, "contentBase64": "%%%" });
    town.refused_on(maker, LATER, "loadRemittance", load, "remittance.not_base64").await;

    let load = json!({ "runId": id, "contentBase64": STANDARD.encode(&good) });
    town.done_on(maker, LATER, "loadRemittance", load).await;
    let contradicting = json!({ "runId": id, "contentBase64": answer(&[rejected(run, 1, "2500.00")]) });
    town.refused_on(maker, LATER, "loadRemittance", contradicting, "payment_run.answer_contradicts").await;
    all_is_well(&town.world).await;
}

#[tokio::test]
async fn an_answer_can_be_looked_at_before_it_is_recorded() {
    let town = Town::new().await;
    let maker = &town.people.maker;
    let lines = town.authorised(0, &["10.00", "20.00", "30.00"]).await;
    let (id, reference, _) = town.exported(&lines).await;
    let run = reference.as_str();
    let rows = [paid(run, 2, "20.00"), rejected(run, 9, "5.00"), paid("B-2020-0001", 1, "1.00")];
    let document = "query($id: UUID!, $file: String!) { matchRemittance(runId: $id, contentBase64: $file) {
        matched { run line result } alreadyRecorded notInRun { run line amount } notInFile } }";
    let size = town.world.size().await;
    let variables = json!({ "id": id, "file": answer(&rows) });
    let shown = town.world.ask_on(LATER, maker, document, variables.clone()).await;
    let wanted = json!({
        "matched": [{ "run": run, "line": 2, "result": "PAID" }], "alreadyRecorded": [], "notInFile": [1, 3],
        "notInRun": [
            { "run": run, "line": 9, "amount": "5.00" }, { "run": "B-2020-0001", "line": 1, "amount": "1.00" }
        ]
    });
    assert_eq!(shown.data()["matchRemittance"], wanted);
    assert_eq!(town.world.size().await, size, "looking records nothing");
    let answer = town.world.ask_on(LATER, &town.people.auditor, document, variables).await;
    assert_eq!(answer.refusal().0, "forbidden");
}

/// Whoever authorised a payment, or has an interest in the grant, does not record what became of it.
#[tokio::test]
async fn nobody_records_the_answer_on_what_they_authorised() {
    let town = Town::new().await;
    let lines = town.authorised(0, &["10.00"]).await;
    let (id, reference, _) = town.exported(&lines).await;
    let load = json!({ "runId": id, "contentBase64": answer(&[paid(&reference, 1, "10.00")]) });
    let authoriser = Identity { role: Role::Finance, ..town.people.authoriser.clone() };
    town.refused_on(&authoriser, LATER, "loadRemittance", load.clone(), "grant.payer_authorised").await;
    let other = town.world.somebody("Tess Third", Role::Finance, None).await;
    let interest = json!({ "grantId": lines[0]["grantId"], "nature": "FINANCIAL" });
    town.done(&other, "declareConflict", interest).await;
    town.refused_on(&other, LATER, "loadRemittance", load.clone(), "grant.conflicted").await;
    town.done_on(&town.people.maker, LATER, "loadRemittance", load).await;
}
