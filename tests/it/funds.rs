//! Money from budget to close, as people use it: transfers, carrying forward, closing, what comes late, recovery, and the
//! ledger broken down and compared.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sidebyside::app::laws::check;
use sidebyside::domain::identity::{PartnerId, Role};
use sidebyside::projections::build;

use crate::api::{People, Town, recommendation};
use crate::award::{Running, more};

/// A fund of two years, £10,000.00 in the first.
async fn fund(town: &Town, name: &str, rule: &str, restriction: Value) -> Value {
    let People { commissioner, finance, .. } = &town.people;
    let open = json!({
        "name": name, "funder": "Example council (invented)", "restriction": restriction,
        "spendFrom": "2026-04-01", "spendTo": "2028-03-31", "recoveryRule": rule
    });
    let fund = town.done(commissioner, "openFund", open).await;
    let budget =
        json!({ "fundId": fund["id"], "amount": "10000.00", "year": "2026/27", "source": "Minute 1" });
    town.done(finance, "allocateBudget", budget).await;
    fund
}

fn belonging() -> Value {
    json!({ "purposes": ["belonging"], "places": ["SEFTON_SOUTH", "LIVERPOOL_NORTH", "WIRRAL"] })
}

async fn programme(town: &Town, fund: &Value) -> Value {
    let programme = json!({
        "name": "Small sparks", "fundId": fund["id"], "purpose": "belonging", "track": "SMALL", "route": "OPEN_CALL",
        "limits": { "least": "250.00", "most": "8000.00", "oneApprover": "5000.00", "reservationDays": 60, "targetWorkingDays": 10 },
        "opensOn": "2026-04-01", "closesOn": "2199-01-01",
        "eligibility": [{ "code": "local", "question": "Is the work local?" }],
        "scoring": [{ "code": "reach", "question": "Whom does it reach?" }]
    });
    town.done(&town.people.commissioner, "openProgramme", programme).await
}

/// A grant that runs, with instalments of so much due on such days.
async fn running(
    town: &Town,
    partner: &Value,
    programme: &Value,
    instalments: &[(&str, &str)],
    more: Value,
) -> Value {
    let People { commissioner, approver, assessor, .. } = &town.people;
    let total: Decimal = instalments.iter().map(|(amount, _)| amount.parse::<Decimal>().unwrap()).sum();
    let mut application = json!({
        "partnerId": partner["id"], "programmeId": programme["id"], "title": "Soup on Tuesdays",
        "purpose": "A weekly meal, cooked and eaten together.", "requested": total.to_string(),
        "places": ["SEFTON_SOUTH"], "startsOn": "2026-06-01", "endsOn": "2027-01-31"
    });
    application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let grant = town.done(commissioner, "submitApplication", application).await;
    let id = &grant["id"];
    let results = json!([{ "criterion": "local", "met": true }]);
    town.done(commissioner, "judgeEligibility", json!({ "grantId": id, "results": results })).await;
    let assign = json!({ "grantId": id, "assessorId": assessor.person.0 });
    town.done(commissioner, "assignAssessor", assign).await;
    let score =
        json!({ "grantId": id, "criterion": "reach", "score": 4, "justification": "Many people nearby." });
    town.done(assessor, "recordScore", score).await;
    let recommend = json!({ "grantId": id, "amount": total.to_string() });
    town.done(commissioner, "recommendGrant", recommend).await;
    let planned: Vec<Value> =
        instalments.iter().map(|(amount, due)| json!({ "amount": amount, "due": due })).collect();
    let approve = json!({ "grantId": id, "instalments": planned, "termsVersion": "2026-1" });
    let grant = town.done(approver, "approveGrant", approve).await;
    let terms = "cd".repeat(32);
    let offer = json!({ "grantId": id, "termsHash": terms, "acceptBy": "2026-05-31" });
    town.done(commissioner, "issueOffer", offer).await;
    let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
    let admin = town.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
    let accept = json!({ "grantId": id, "termsHash": terms, "signatoryRole": "CHAIR" });
    town.done(&admin, "acceptOffer", accept).await;
    grant
}

/// Authorise an instalment and pay it on a day.
async fn pay(town: &Town, grant: &Value, place: usize, amount: &str, day: &str) {
    let instalment = &grant["instalments"][place]["id"];
    let authorise = json!({ "grantId": grant["id"], "instalmentId": instalment, "payOn": day, "on": day });
    town.done(&town.people.second, "authoriseInstalment", authorise).await;
    let paid = json!({
        "grantId": grant["id"], "instalmentId": instalment, "amount": amount, "valueDate": day, "on": day
    });
    town.done(&town.people.finance, "confirmPayment", paid).await;
}

async fn ask(town: &Town, document: &str, variables: Value) -> Value {
    town.world.ask(&town.people.auditor, document, variables).await.data().clone()
}

async fn figures(town: &Town, cut: Value) -> Value {
    let document = "query($cut: LedgerCut) { ledger(cut: $cut) { figures {
        budget available reserved committed paid returned recovered spent accrued forecast writtenOff } } }";
    ask(town, document, json!({ "cut": cut })).await["ledger"][0]["figures"].clone()
}

/// The groups of a breakdown: what people call each, and the figures asked for.
async fn by(town: &Town, by: &str, cut: Value) -> BTreeMap<String, Value> {
    let document = "query($cut: LedgerCut, $by: LedgerBreakdown!) { ledger(cut: $cut, by: $by) { reference name figures {
        reserved committed paid spent accrued forecast } } }";
    let answer = ask(town, document, json!({ "cut": cut, "by": by })).await;
    let groups = answer["ledger"].as_array().unwrap().clone();
    let named = |one: Value| {
        let [name, reference] = ["name", "reference"].map(|field| one[field].as_str().unwrap_or_default());
        // Two grants may have the same title.
        let called = if reference.starts_with("G-") || name.is_empty() { reference } else { name };
        (called.to_owned(), one["figures"].clone())
    };
    groups.into_iter().map(named).collect()
}

/// Every law holds, and what stands is what the log makes.
async fn all_is_well(town: &Town) {
    let size = town.world.size().await;
    let (events, breaches) = check(&town.world.store, size).await.unwrap();
    assert_eq!((events, breaches), (size, Vec::new()));
    let differences = build::compare(&town.world.owner().await, &|_, _| ()).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

#[tokio::test]
async fn nothing_happens_to_a_budget_before_its_fund_was_opened() {
    let town = Town::new().await;
    let finance = &town.people.finance;
    let giver = fund(&town, "Harbour fund (synthetic)", "RECREDIT", Value::Null).await;
    let late = json!({
        "name": "Late fund (synthetic)", "funder": "Example council", "spendFrom": "2026-04-01", "spendTo": "2027-03-31",
        "recoveryRule": "RECREDIT", "on": "2026-05-08"
    });
    let taker = town.done(&town.people.commissioner, "openFund", late).await;
    let dated = |mut input: Value| {
        input["year"] = json!("2026/27");
        input["effectiveOn"] = json!("2026-05-07");
        input["on"] = json!("2026-05-08");
        input
    };
    let budget = dated(json!({ "fundId": taker["id"], "amount": "10.00", "source": "Minute 1" }));
    let told = town.refused(finance, "allocateBudget", budget.clone(), "fund.not_yet_open").await;
    assert_eq!(told, "The fund was opened on 8 May 2026: date it on that day or later.");
    town.refused(finance, "reduceBudget", budget, "fund.not_yet_open").await;
    let transfer = dated(json!({ "fromFundId": giver["id"], "toFundId": taker["id"], "amount": "10.00" }));
    town.refused(finance, "transferBudget", transfer, "fund.not_yet_open").await;
}

#[tokio::test]
async fn nothing_is_set_aside_before_the_fund_was_opened() {
    let town = Town::new().await;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme().await;
    let grant = town.scored_grant(&partner, &programme, "2500.00").await;
    let mut early = recommendation(&grant, "2500.00");
    early["effectiveOn"] = json!("2026-03-31");
    let told = town.refused(&town.people.commissioner, "recommendGrant", early, "fund.not_yet_open").await;
    assert_eq!(told, "The fund was opened on 1 April 2026: date it on that day or later.");

    let running = Running::new().await;
    let mut early = more("3000.00", "500.00");
    early["effectiveOn"] = json!("2026-03-31");
    let commissioner = &running.town.people.commissioner;
    running.refused(commissioner, "requestAmountVariation", early, "fund.not_yet_open").await;
}

#[tokio::test]
async fn budget_moves_between_funds_whose_terms_allow_it() {
    let town = Town::new().await;
    let finance = &town.people.finance;
    let giver = fund(&town, "Harbour fund (synthetic)", "RECREDIT", belonging()).await;
    let inside = json!({ "purposes": ["belonging"], "places": ["WIRRAL"] });
    let taker = fund(&town, "Wirral fund (synthetic)", "RECREDIT", inside).await;
    let open = fund(&town, "Open fund (synthetic)", "RECREDIT", Value::Null).await;
    let transfer = |from: &Value, to: &Value, amount: &str| json!({ "fromFundId": from["id"], "toFundId": to["id"], "amount": amount, "year": "2026/27" });
    let same = transfer(&giver, &giver, "1.00");
    let told = town.refused(finance, "transferBudget", same, "fund.same_fund").await;
    assert_eq!(told, "A transfer goes from one fund to another: choose two different funds.");
    let loosened = transfer(&giver, &open, "1.00");
    let told = town.refused(finance, "transferBudget", loosened, "fund.transfer_not_allowed").await;
    assert!(told.contains("is not restricted"), "{told}");
    let wider = transfer(&taker, &giver, "1.00");
    town.refused(finance, "transferBudget", wider, "fund.transfer_not_allowed").await;
    let too_much = transfer(&giver, &taker, "10000.01");
    town.refused(finance, "transferBudget", too_much, "fund.exceeds_available").await;
    let mut unexplained = transfer(&giver, &taker, "1.00");
    unexplained["reason"] = Value::Null;
    town.refused(finance, "transferBudget", unexplained, "reason.required").await;
    let commissioner = &town.people.commissioner;
    town.refused(commissioner, "transferBudget", transfer(&giver, &taker, "1.00"), "forbidden").await;

    town.done(finance, "transferBudget", transfer(&giver, &taker, "2500.50")).await;
    town.done(finance, "transferBudget", transfer(&open, &giver, "100.00")).await;
    for (of, budget) in [(&giver, "7599.50"), (&taker, "12500.50"), (&open, "9900.00")] {
        assert_eq!(figures(&town, json!({ "fundId": of["id"] })).await["budget"], budget);
    }
    assert_eq!(figures(&town, json!({})).await["budget"], "30000.00");
    all_is_well(&town).await;
}

#[tokio::test]
async fn a_year_is_closed_and_what_comes_late_names_it() {
    let town = Town::new().await;
    let finance = &town.people.finance;
    let fund = fund(&town, "Harbour fund (synthetic)", "RECREDIT", belonging()).await;
    let programme = programme(&town, &fund).await;
    let partner = town.approved_partner(1).await;
    let plan = [("1500.00", "2026-06-01"), ("1000.00", "2027-02-01")];
    let grant = running(&town, &partner, &programme, &plan, json!({})).await;
    pay(&town, &grant, 0, "1500.00", "2026-06-01").await;

    let due = figures(&town, json!({ "effectiveFor": "2027-01-31" })).await;
    assert_eq!((&due["accrued"], &due["forecast"]), (&json!("0.00"), &json!("1000.00")));
    let due = figures(&town, json!({ "effectiveFor": "2027-03-31" })).await;
    assert_eq!((&due["accrued"], &due["forecast"]), (&json!("1000.00"), &json!("0.00")));

    let end = "2027-04-01";
    let close = |carry: bool, on: &str| json!({ "fundId": fund["id"], "year": "2026/27", "carryCommitments": carry, "on": on });
    town.refused(finance, "closeYear", close(true, "2027-03-31"), "fund.year_not_over").await;
    let told = town.refused(finance, "closeYear", close(true, end), "fund.year_has_available").await;
    assert!(told.contains("£7,500.00"), "{told}");
    let carry = |amount: &str| {
        let years = ("2026/27", "2027/28");
        json!({ "fundId": fund["id"], "fromYear": years.0, "toYear": years.1, "amount": amount, "on": end })
    };
    town.refused(finance, "carryBudgetForward", carry("7500.01"), "fund.exceeds_available").await;
    town.done(finance, "carryBudgetForward", carry("7500.00")).await;
    let told = town.refused(finance, "closeYear", close(false, end), "fund.year_has_commitments").await;
    assert!(told.contains("£1,000.00"), "{told}");
    let before = town.world.size().await;
    town.done(finance, "closeYear", close(true, end)).await;
    town.refused(finance, "closeYear", close(true, end), "fund.year_is_closed").await;
    let more =
        json!({ "fundId": fund["id"], "amount": "1.00", "year": "2026/27", "source": "Minute 2", "on": end });
    town.refused(finance, "allocateBudget", more, "fund.year_is_closed").await;
    let dated_back = json!({
        "fundId": fund["id"], "amount": "1.00", "year": "2027/28", "source": "Minute 2",
        "on": end, "effectiveOn": "2027-03-31"
    });
    town.refused(finance, "allocateBudget", dated_back, "fund.year_is_closed").await;

    pay(&town, &grant, 1, "1000.00", "2027-04-20").await;
    closed_as_it_was(&town, &fund, before).await;
    all_is_well(&town).await;
    believed_on_31_march(&town).await;
}

/// The closed year as it was closed when the log had some size, and the late payment in the open one.
async fn closed_as_it_was(town: &Town, fund: &Value, before: i64) {
    let document = "query($id: UUID!) {
        fund(id: $id) {
            closedYears { year budget paid returned recovered firstEvent lastEvent logSize index closedOn }
            closed { year }
            years { year figures { budget available committed paid spent } }
        }
        latePostings { totalCount nodes { movement amount year corrects effectiveOn } }
        laws { holds laws { code holds breaches } }
    }";
    let told = ask(town, document, json!({ "id": fund["id"] })).await;
    assert_eq!(
        told["fund"]["closedYears"],
        json!([{
            "year": "2026/27", "budget": "1500.00", "paid": "1500.00", "returned": "0.00", "recovered": "0.00",
            "firstEvent": 1, "lastEvent": 7, "logSize": before, "index": before + 1, "closedOn": "2027-04-01"
        }])
    );
    assert_eq!(told["fund"]["closed"], Value::Null);
    assert_eq!(
        told["fund"]["years"],
        json!([
            { "year": "2026/27", "figures":
                { "budget": "1500.00", "available": "0.00", "committed": "0.00", "paid": "1500.00", "spent": "1500.00" } },
            { "year": "2027/28", "figures":
                { "budget": "8500.00", "available": "7500.00", "committed": "0.00", "paid": "1000.00", "spent": "1000.00" } },
        ])
    );
    let late = json!({
        "movement": "PAY", "amount": "1000.00", "year": "2027/28", "corrects": "2026/27", "effectiveOn": "2027-04-20"
    });
    assert_eq!(told["latePostings"], json!({ "totalCount": 1, "nodes": [late] }));
    let codes: Vec<&str> =
        told["laws"]["laws"].as_array().unwrap().iter().map(|law| law["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10", "L11", "L12", "L13"]);
    assert_eq!(told["laws"]["holds"], true, "{}", told["laws"]);
}

/// As if everything had been recorded on the day it took effect, save one budget that was only recorded in April.
async fn believed_on_31_march(town: &Town) {
    let finance = &town.people.finance;
    let found = ask(town, "{ funds { nodes { id } } }", json!({})).await;
    let fund = &found["funds"]["nodes"][0]["id"];
    let reduce = json!({
        "fundId": fund, "amount": "500.00", "year": "2027/28", "source": "Minute 9", "on": "2027-04-25"
    });
    town.done(finance, "reduceBudget", reduce).await;
    let mut shift = town.world.store.pool().begin().await.unwrap();
    for table in ["ledger_line", "ledger_expected"] {
        let sql = format!("UPDATE views.{table} SET recorded_at = effective_on + interval '12 hours'");
        sqlx::query(&sql).execute(&mut *shift).await.unwrap();
    }
    // Said of March, recorded in April.
    let sql = "UPDATE views.ledger_line SET effective_on = '2027-03-30' WHERE movement = 'reduce'";
    sqlx::query(sql).execute(&mut *shift).await.unwrap();
    shift.commit().await.unwrap();

    let believed = figures(town, json!({ "knownOn": "2027-03-31", "effectiveFor": "2027-03-31" })).await;
    assert_eq!(
        believed,
        json!({
            "budget": "10000.00", "available": "7500.00", "reserved": "0.00", "committed": "1000.00",
            "paid": "1500.00", "returned": "0.00", "recovered": "0.00", "spent": "1500.00",
            "accrued": "1000.00", "forecast": "0.00", "writtenOff": "0.00"
        })
    );
    assert_eq!(figures(town, json!({ "effectiveFor": "2027-03-31" })).await["budget"], "9500.00");

    let document = "query($from: LedgerCut!, $to: LedgerCut!, $first: Int, $after: String) {
        ledgerDifference(from: $from, to: $to, first: $first, after: $after) {
            before { budget } after { budget spent } change { budget spent } reconciles
            lines { totalCount pageInfo { hasNextPage endCursor } nodes { isNew line { movement amount effectiveOn } } }
        } }";
    let from = json!({ "knownOn": "2027-03-31", "effectiveFor": "2027-03-31" });
    let to = json!({ "knownOn": "2027-04-30", "effectiveFor": "2027-03-31" });
    let told = ask(town, document, json!({ "from": from, "to": to })).await["ledgerDifference"].clone();
    assert_eq!(
        (&told["before"]["budget"], &told["after"]["budget"]),
        (&json!("10000.00"), &json!("9500.00"))
    );
    assert_eq!((&told["change"]["budget"], &told["reconciles"]), (&json!("-500.00"), &json!(true)));
    let reduced = json!({ "movement": "REDUCE", "amount": "500.00", "effectiveOn": "2027-03-30" });
    assert_eq!(told["lines"]["nodes"], json!([{ "isNew": true, "line": reduced }]));

    // Backwards, everything is gone again; line by line it is found by paging.
    let nothing = json!({ "knownOn": "2026-01-01" });
    let mut after = Value::Null;
    let mut seen = 0;
    loop {
        let variables = json!({ "from": {}, "to": nothing, "first": 2, "after": after });
        let told = ask(town, document, variables).await["ledgerDifference"].clone();
        assert_eq!((&told["after"]["budget"], &told["reconciles"]), (&json!("0.00"), &json!(true)));
        let lines = told["lines"]["nodes"].as_array().unwrap();
        assert!(lines.iter().all(|line| line["isNew"] == false));
        seen += lines.len();
        after = told["lines"]["pageInfo"]["endCursor"].clone();
        if told["lines"]["pageInfo"]["hasNextPage"] == false {
            assert_eq!(told["lines"]["totalCount"], seen);
            break;
        }
    }
    let other = json!({ "from": { "fundId": fund }, "to": {} });
    let answer = town.world.ask(&town.people.auditor, document, other).await;
    assert_eq!(answer.refusal().0, "ledger.cuts_differ");
}

#[tokio::test]
async fn every_breakdown_splits_to_the_penny_and_opens_its_lines() {
    let town = Town::new().await;
    let fund = fund(&town, "Harbour fund (synthetic)", "RECREDIT", belonging()).await;
    let programme = programme(&town, &fund).await;
    let (lead, with) = (town.approved_partner(1).await, town.approved_partner(2).await);
    let third = town.approved_partner(3).await;
    let shared = json!({
        "places": ["WIRRAL", "SEFTON_SOUTH", "LIVERPOOL_NORTH"],
        "delivery": [
            { "partnerId": with["id"], "amount": "333.33" }, { "partnerId": third["id"], "amount": "100.00" }
        ]
    });
    let plan = [("500.01", "2026-06-01"), ("499.99", "2026-09-01")];
    let grant = running(&town, &lead, &programme, &plan, shared).await;
    pay(&town, &grant, 0, "500.01", "2026-06-01").await;
    running(&town, &with, &programme, &[("1000.00", "2026-06-01")], json!({})).await;

    let places = by(&town, "PLACE", json!({})).await;
    let paid = |groups: &BTreeMap<String, Value>, name: &str| groups[name]["paid"].clone();
    assert_eq!(paid(&places, "North Liverpool"), "166.67");
    assert_eq!((paid(&places, "South Sefton"), paid(&places, "Wirral")), (json!("166.67"), json!("166.67")));
    // Of £1,000.00 promised in three places, the odd penny is on the last; of the £500.01 paid there is none.
    assert_eq!(places["Wirral"]["committed"], "166.67");
    assert_eq!(places["North Liverpool"]["committed"], "166.66");
    let partners = by(&town, "DELIVERY_PARTNER", json!({})).await;
    let shares = ["Cooking together 1", "Cooking together 2", "Cooking together 3"];
    assert_eq!(shares.map(|name| paid(&partners, name)), [json!("283.34"), json!("166.66"), json!("50.01")]);
    let all = figures(&town, json!({})).await;
    let groupings =
        ["FUND", "FUNDER", "PROGRAMME", "TRACK", "PARTNER", "DELIVERY_PARTNER", "YEAR", "PLACE", "GRANT"];
    for grouping in groupings {
        let groups = by(&town, grouping, json!({})).await;
        for pot in ["reserved", "committed", "paid", "spent", "accrued", "forecast"] {
            let sum: Decimal =
                groups.values().map(|one| one[pot].as_str().unwrap().parse::<Decimal>().unwrap()).sum();
            assert_eq!(sum.to_string(), all[pot].as_str().unwrap(), "{pot} by {grouping}");
        }
    }
    assert_eq!(
        by(&town, "FUNDER", json!({})).await.keys().collect::<Vec<_>>(),
        ["Example council (invented)"]
    );

    // What stands behind a figure: the lines of the same cut and group.
    let document = "query($cut: LedgerCut) { ledgerLines(cut: $cut) { nodes { movement amount share } } }";
    for cut in [
        json!({ "place": "WIRRAL" }),
        json!({ "deliveryPartnerId": third["id"] }),
        json!({ "deliveryPartnerId": with["id"], "place": "SEFTON_SOUTH" }),
        json!({ "track": "SMALL", "funder": "Example council (invented)" }),
    ] {
        let lines = ask(&town, document, json!({ "cut": cut })).await;
        let lines = lines["ledgerLines"]["nodes"].as_array().unwrap().clone();
        let paid = lines.iter().filter(|line| line["movement"] == "PAY");
        let sum: Decimal = paid.map(|line| line["share"].as_str().unwrap().parse::<Decimal>().unwrap()).sum();
        assert_eq!(json!(sum.to_string()), figures(&town, cut.clone()).await["paid"], "{cut}");
    }
    let nowhere = figures(&town, json!({ "place": "HALTON" })).await;
    assert_eq!((&nowhere["paid"], &nowhere["budget"]), (&json!("0.00"), &Value::Null));
    all_is_well(&town).await;
}

/// Ask money back of a grant, and take it in.
async fn recover(town: &Town, grant: &Value, amount: &str, day: &str) {
    let People { commissioner, finance, .. } = &town.people;
    let demand = json!({ "grantId": grant["id"], "ground": "WORK_NOT_DONE", "amount": amount, "on": day });
    town.done(commissioner, "demandRecovery", demand).await;
    let document = "query($id: UUID!) { grant(id: $id) { recoveries { id } } }";
    let demands = ask(town, document, json!({ "id": grant["id"] })).await;
    let receive = json!({
        "grantId": grant["id"], "recoveryId": demands["grant"]["recoveries"][0]["id"], "amount": amount,
        "valueDate": day, "on": day
    });
    town.done(finance, "recordRecoveryReceived", receive).await;
}

#[tokio::test]
async fn recovered_money_can_be_used_again_or_goes_back_as_the_fund_says() {
    let town = Town::new().await;
    let partner = town.approved_partner(1).await;
    for (rule, budget, available) in
        [("RECREDIT", "10000.00", "9100.00"), ("RETURN_TO_FUNDER", "9600.00", "8700.00")]
    {
        let fund = fund(&town, "Harbour fund (synthetic)", rule, belonging()).await;
        let programme = programme(&town, &fund).await;
        let grant = running(&town, &partner, &programme, &[("1300.00", "2026-06-01")], json!({})).await;
        pay(&town, &grant, 0, "1300.00", "2026-06-01").await;
        recover(&town, &grant, "400.00", "2026-07-01").await;
        let told = figures(&town, json!({ "fundId": fund["id"] })).await;
        let found =
            ["budget", "available", "paid", "recovered", "spent"].map(|pot| told[pot].as_str().unwrap());
        assert_eq!(found, [budget, available, "1300.00", "400.00", "900.00"], "{rule}");
        let again = json!({ "grantId": grant["id"], "ground": "WORK_NOT_DONE", "amount": "900.01", "on": "2026-07-01" });
        town.refused(&town.people.commissioner, "demandRecovery", again, "grant.demand_exceeds_paid").await;
    }
    all_is_well(&town).await;
}

#[tokio::test]
async fn a_fund_is_closed_when_nothing_is_left_in_it() {
    let town = Town::new().await;
    let finance = &town.people.finance;
    let fund = fund(&town, "Harbour fund (synthetic)", "RECREDIT", Value::Null).await;
    let close = json!({ "fundId": fund["id"] });
    let told = town.refused(finance, "closeFund", close.clone(), "fund.has_money").await;
    assert!(told.contains("£10,000.00 is available"), "{told}");
    let budget =
        json!({ "fundId": fund["id"], "amount": "10000.00", "year": "2026/27", "source": "Minute 2" });
    town.done(finance, "reduceBudget", budget.clone()).await;
    let size = town.world.size().await;
    town.done(finance, "closeFund", close.clone()).await;
    town.refused(finance, "closeFund", close, "fund.is_closed").await;
    town.refused(finance, "allocateBudget", budget, "fund.is_closed").await;
    let document = "query($id: UUID!) { fund(id: $id) { closed { year budget paid lastEvent logSize } closedYears { year } } }";
    let told = ask(&town, document, json!({ "id": fund["id"] })).await;
    let closed = json!({ "year": null, "budget": "0.00", "paid": "0.00", "lastEvent": 3, "logSize": size });
    assert_eq!(told["fund"], json!({ "closed": closed, "closedYears": [] }));
    all_is_well(&town).await;
}

#[tokio::test]
async fn a_ledger_that_was_changed_from_outside_breaks_its_laws() {
    let town = Town::new().await;
    let fund = fund(&town, "Harbour fund (synthetic)", "RECREDIT", belonging()).await;
    let programme = programme(&town, &fund).await;
    let partner = town.approved_partner(1).await;
    running(&town, &partner, &programme, &[("1300.00", "2026-06-01")], json!({})).await;
    all_is_well(&town).await;
    let pool = town.world.store.pool();
    for (change, back, broken) in [
        ("ledger_line SET amount = amount + 1", "ledger_line SET amount = amount - 1", ["L10", "L13"]),
        ("ledger_line SET year = year + 1", "ledger_line SET year = year - 1", ["L10", "L13"]),
        ("ledger_expected SET amount = amount + 1", "ledger_expected SET amount = amount - 1", ["L4", "L4"]),
    ] {
        sqlx::query(&format!("UPDATE views.{change}")).execute(pool).await.unwrap();
        let (_, breaches) = check(&town.world.store, town.world.size().await).await.unwrap();
        for law in broken {
            assert!(breaches.iter().any(|breach| breach.law == law), "{change} breaks {law}: {breaches:?}");
        }
        sqlx::query(&format!("UPDATE views.{back}")).execute(pool).await.unwrap();
    }
    all_is_well(&town).await;
}
