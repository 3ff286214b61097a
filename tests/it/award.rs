//! A grant after the award, as people live through it: reports, changes, suspension, recovery, and how it ends.

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};
use sidebyside::projections::build;

use crate::api::{People, Town, recommendation};

/// A town with a grant of £2,500.00 that runs: £1,500.00 is paid, £1,000.00 due in December waits for a report.
pub struct Running {
    pub town: Town,
    pub grant: Value,
    pub admin: Identity,
}

pub const PAID: &str = "2026-06-02";

pub fn is_approver(who: &Identity) -> Identity {
    Identity { role: Role::Approver, ..who.clone() }
}

impl Running {
    pub async fn new() -> Self {
        let town = Town::new().await;
        let People { commissioner, second, approver, finance, .. } = &town.people;
        for judge in [commissioner, second, &town.people.assessor] {
            town.world.give_authority(judge, "10000.00").await;
        }
        let partner = town.approved_partner(1).await;
        let (_, programme) = town.fund_and_programme().await;
        let grant = town.scored_grant(&partner, &programme, "3000.00").await;
        town.done(commissioner, "recommendGrant", recommendation(&grant, "2500.00")).await;
        let instalments = json!([
            { "amount": "1500.00", "due": "2026-06-01" },
            { "amount": "1000.00", "due": "2026-12-01", "conditions": ["A first report"] }
        ]);
        let approve = json!({ "grantId": grant["id"], "instalments": instalments, "termsVersion": "2026-1" });
        let grant = town.done(approver, "approveGrant", approve).await;
        let terms = "cd".repeat(32);
        let offer = json!({ "grantId": grant["id"], "termsHash": terms, "acceptBy": "2026-05-31" });
        town.done(commissioner, "issueOffer", offer).await;
        let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
        let admin = town.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
        let accept = json!({ "grantId": grant["id"], "termsHash": terms, "signatoryRole": "CHAIR" });
        town.done(&admin, "acceptOffer", accept).await;
        let first = &grant["instalments"][0]["id"];
        let pay = json!({ "grantId": grant["id"], "instalmentId": first, "payOn": "2026-06-01" });
        town.done(second, "authoriseInstalment", pay).await;
        let paid = json!({
            "grantId": grant["id"], "instalmentId": first, "amount": "1500.00", "valueDate": "2026-06-01",
            "on": PAID
        });
        town.done(finance, "confirmPayment", paid).await;
        Self { town, grant, admin }
    }

    /// The input of a command on the grant, on the day after the first payment unless it says another.
    fn of(&self, mut input: Value) -> Value {
        let entries = input.as_object_mut().unwrap();
        entries.insert("grantId".into(), self.grant["id"].clone());
        entries.entry("on").or_insert(json!(PAID));
        if entries.contains_key("to") && !entries.contains_key("kind") {
            entries.entry("justification").or_insert(json!("Sixty people come now, not forty."));
        }
        input
    }

    pub async fn done(&self, who: &Identity, name: &str, input: Value) {
        self.town.done(who, name, self.of(input)).await;
    }

    pub async fn refused(&self, who: &Identity, name: &str, input: Value, code: &str) -> String {
        self.town.refused(who, name, self.of(input), code).await
    }

    /// Something of the grant as it stands.
    pub async fn seen(&self, who: &Identity, fields: &str) -> Value {
        let document = format!("query($id: UUID!) {{ grant(id: $id) {{ {fields} }} }}");
        let answer = self.town.world.ask_on(PAID, who, &document, json!({ "id": self.grant["id"] })).await;
        answer.data()["grant"].clone()
    }

    pub async fn see(&self, fields: &str) -> Value {
        self.seen(&self.town.people.auditor, fields).await
    }

    /// The pots of the fund: available, reserved, committed, spent.
    pub async fn pots(&self) -> [String; 4] {
        let document = "{ ledger { figures { available reserved committed spent } } }";
        let answer = self.town.world.ask(&self.town.people.auditor, document, json!({})).await;
        let figures = &answer.data()["ledger"][0]["figures"];
        ["available", "reserved", "committed", "spent"].map(|pot| figures[pot].as_str().unwrap().to_owned())
    }

    /// The last of a list of the grant, by its id.
    pub async fn last(&self, list: &str) -> Value {
        let found = self.see(&format!("{list} {{ id }}")).await;
        found[list].as_array().unwrap().last().unwrap()["id"].clone()
    }

    /// The laws hold, and the views are what a rebuild makes of the log.
    pub async fn holds(&self) {
        let laws = "{ laws { holds laws { code breaches } } }";
        let told = self.town.world.ask(&self.town.people.auditor, laws, json!({})).await;
        assert_eq!(told.data()["laws"]["holds"], true, "{told:?}");
        let differences = build::compare(&self.town.world.owner().await, &|_, _| ()).await.unwrap();
        assert!(differences.is_empty(), "{differences:?}");
    }

    /// Another approver than the one who awarded it.
    pub async fn other_approver(&self) -> Identity {
        let other = self.town.world.somebody("Dee Approver", Role::Approver, None).await;
        self.town.world.give_authority(&other, "10000.00").await;
        other
    }

    pub fn second_instalment(&self) -> &Value {
        &self.grant["instalments"][1]["id"]
    }

    pub async fn meet_condition(&self) {
        let evidence = json!({ "title": "First report", "sha256": "ef".repeat(32) });
        let condition = &self.grant["instalments"][1]["conditions"][0]["id"];
        let met = json!({ "conditionId": condition, "evidence": evidence });
        self.done(&self.town.people.commissioner, "recordConditionMet", met).await;
    }
}

/// A change that was asked for, to be refused.
fn refusal(asked: &Value) -> Value {
    let mut refusal = asked.clone();
    refusal["feedback"] = json!("Not this year.");
    refusal
}

pub fn more(to: &str, added: &str) -> Value {
    json!({ "from": "2500.00", "to": to, "added": [{ "amount": added, "due": "2027-01-15" }] })
}

#[tokio::test]
async fn a_variation_up_is_reserved_when_asked_for_and_committed_when_approved() {
    let running = Running::new().await;
    let People { second, approver, .. } = &running.town.people;
    assert_eq!(running.pots().await, ["7500.00", "0.00", "1000.00", "1500.00"]);
    let told = running.refused(&running.admin, "requestAmountVariation", more("3000.00", "500.00"), {
        "grant.increase_by_staff"
    });
    assert!(told.await.contains("commissioning staff"));
    let mut stale = more("3000.00", "600.00");
    stale["from"] = json!("2400.00");
    let told = running.refused(second, "requestAmountVariation", stale, "grant.variation_stale").await;
    assert!(told.contains("£2,500.00"), "{told}");
    running
        .refused(second, "requestAmountVariation", more("3000.00", "499.99"), {
            "grant.increase_does_not_add_up"
        })
        .await;
    let told = running
        .refused(second, "requestAmountVariation", more("10000.01", "7500.01"), "fund.exceeds_available")
        .await;
    assert!(told.contains("£7,500.00 remains"), "{told}");

    running.done(second, "requestAmountVariation", more("3000.00", "500.00")).await;
    assert_eq!(running.pots().await, ["7000.00", "500.00", "1000.00", "1500.00"]);
    running.holds().await;
    let asked = json!({ "variationId": running.last("variations").await });
    running
        .refused(second, "requestAmountVariation", more("3100.00", "600.00"), "grant.variation_open")
        .await;
    running
        .refused(&is_approver(second), "approveVariation", asked.clone(), "grant.approver_requested")
        .await;
    let mut late = asked.clone();
    late["on"] = json!("2026-08-02");
    running.refused(approver, "approveVariation", late, "fund.reservation_expired").await;
    running.done(approver, "approveVariation", asked).await;
    assert_eq!(running.pots().await, ["7000.00", "0.00", "1500.00", "1500.00"]);

    let fields = "total instalments { amount } variations { kind status justification before { amount } after { amount \
                  instalments { amount } } requestedBy { name } approver { name } limit }";
    let seen = running.see(fields).await;
    assert_eq!((&seen["total"], &seen["instalments"][2]["amount"]), (&json!("3000.00"), &json!("500.00")));
    let varied = json!({
        "kind": "AMOUNT", "status": "APPROVED", "justification": "Sixty people come now, not forty.", "before": { "amount": "2500.00" },
        "after": { "amount": "3000.00", "instalments": [{ "amount": "1000.00" }, { "amount": "500.00" }] },
        "requestedBy": { "name": "Cara Sample" }, "approver": { "name": "Ben Approver" }, "limit": "10000.00"
    });
    assert_eq!(seen["variations"], json!([varied]));
    let theirs =
        running.seen(&running.admin, "variations { status requestedBy { name } approver { name } }").await;
    let hidden = json!([{ "status": "APPROVED", "requestedBy": null, "approver": null }]);
    assert_eq!(theirs["variations"], hidden, "a partner does not see who of the staff did it");
    running.holds().await;
}

#[tokio::test]
async fn a_variation_down_frees_the_money_and_a_refused_one_leaves_all_as_it_was() {
    let running = Running::new().await;
    let People { commissioner, second, approver, .. } = &running.town.people;
    let lower = json!({ "from": "2500.00", "to": "1499.99" });
    running.refused(&running.admin, "requestAmountVariation", lower, "grant.exceeds_unpaid").await;
    let lower = json!({ "from": "2500.00", "to": "2100.00" });
    running.done(&running.admin, "requestAmountVariation", lower).await;
    assert_eq!(running.pots().await, ["7500.00", "0.00", "1000.00", "1500.00"], "nothing moves yet");
    let asked = json!({ "variationId": running.last("variations").await });
    running.done(approver, "approveVariation", asked).await;
    assert_eq!(running.pots().await, ["7900.00", "0.00", "600.00", "1500.00"]);
    running.holds().await;

    let above = json!({ "from": "2100.00", "to": "5000.01", "added": [{ "amount": "2900.01", "due": "2027-01-15" }] });
    running.done(commissioner, "requestAmountVariation", above).await;
    assert_eq!(running.pots().await, ["4999.99", "2900.01", "600.00", "1500.00"]);
    let asked = json!({ "variationId": running.last("variations").await });
    // The whole award counts: above £5,000.00 it takes two.
    running.done(approver, "approveVariation", asked.clone()).await;
    assert_eq!(running.pots().await, ["4999.99", "2900.01", "600.00", "1500.00"], "nothing moves yet");
    let seen = running.see("total variations { status awaitsSecondApproval }").await;
    assert_eq!(seen["variations"][1], json!({ "status": "REQUESTED", "awaitsSecondApproval": true }));
    running.refused(approver, "approveVariation", asked.clone(), "grant.same_approver").await;
    running.holds().await;
    running.refused(second, "refuseVariation", refusal(&asked), "forbidden").await;
    running.done(approver, "refuseVariation", refusal(&asked)).await;
    assert_eq!(running.pots().await, ["7900.00", "0.00", "600.00", "1500.00"]);
    running.refused(approver, "approveVariation", asked, "grant.variation_unknown").await;
    let seen = running.seen(&running.admin, "total variations { status feedback }").await;
    let told = json!([{ "status": "APPROVED", "feedback": null }, { "status": "REFUSED", "feedback": "Not this year." }]);
    assert_eq!((&seen["total"], &seen["variations"]), (&json!("2100.00"), &told));
    running.holds().await;
}

#[tokio::test]
async fn a_change_whose_ground_has_moved_is_not_approved() {
    let running = Running::new().await;
    let People { second, approver, .. } = &running.town.people;
    running
        .done(&running.admin, "requestAmountVariation", json!({ "from": "2500.00", "to": "2100.00" }))
        .await;
    running.meet_condition().await;
    let pay = json!({ "instalmentId": running.second_instalment(), "payOn": "2026-12-01" });
    running.done(second, "authoriseInstalment", pay).await;
    let asked = json!({ "variationId": running.last("variations").await });
    running.refused(approver, "approveVariation", asked.clone(), "grant.variation_stale").await;
    running.done(approver, "refuseVariation", refusal(&asked)).await;
    running.holds().await;
}

#[tokio::test]
async fn end_purpose_payee_and_schedule_are_varied_within_what_the_fund_allows() {
    let running = Running::new().await;
    let town = &running.town;
    let People { commissioner, approver, .. } = &town.people;
    let change = async |name: &str, input: Value| {
        running.done(&running.admin, name, input).await;
        let asked = json!({ "variationId": running.last("variations").await });
        running.done(approver, "approveVariation", asked).await;
    };
    let too_late = json!({ "from": "2027-01-31", "to": "2027-04-01" });
    running.refused(&running.admin, "requestEndVariation", too_late, "fund.period_not_allowed").await;
    change("requestEndVariation", json!({ "from": "2027-01-31", "to": "2027-03-31" })).await;
    let suppers = "A weekly supper, cooked and eaten together.";
    let purpose = json!({ "from": "A weekly meal, cooked and eaten together.", "to": suppers });
    change("requestPurposeVariation", purpose).await;

    let unready = town.done(commissioner, "applyAsPartner", host(2)).await;
    let from = running.see("partnerId").await["partnerId"].clone();
    let payee = |to: &Value| json!({ "from": from, "to": to["id"] });
    running.refused(&running.admin, "requestPayeeVariation", payee(&unready), "partner.not_approved").await;
    let ready = town.approved_partner(3).await;
    change("requestPayeeVariation", payee(&ready)).await;

    let second = running.second_instalment();
    let seen =
        json!([{ "instalmentId": second, "amount": "1000.00", "due": "2026-12-01", "year": "2026/27" }]);
    let wanted = json!([{ "instalmentId": second, "amount": "400.00", "due": "2026-11-02" }, { "amount": "600.00", "due": "2027-02-01" }]);
    change("requestScheduleVariation", json!({ "from": seen, "to": wanted })).await;
    running
        .refused(&running.admin, "requestScheduleVariation", json!({ "from": seen, "to": [] }), {
            "grant.variation_stale"
        })
        .await;
    let fields = "total endsOn purpose payee { name } partner { name } instalments { amount due conditions { title } }";
    let stands = json!({
        "total": "2500.00", "endsOn": "2027-03-31", "purpose": suppers, "payee": { "name": "Cooking together 3" },
        "partner": { "name": "Cooking together 1" },
        "instalments": [
            { "amount": "1500.00", "due": "2026-06-01", "conditions": [] },
            { "amount": "400.00", "due": "2026-11-02", "conditions": [{ "title": "A first report" }] },
            { "amount": "600.00", "due": "2027-02-01", "conditions": [] }
        ]
    });
    assert_eq!(running.see(fields).await, stands);
    running.holds().await;
}

fn host(number: u32) -> Value {
    json!({
        "name": format!("Cooking together {number}"), "legalForm": "UNINCORPORATED_ASSOCIATION", "areas": ["SEFTON_SOUTH"],
        "communities": ["CARERS"], "summary": "Holds money for small groups.", "on": PAID
    })
}

#[tokio::test]
async fn a_suspended_grant_pays_nothing_until_somebody_else_resumes_it() {
    let running = Running::new().await;
    let People { commissioner, second, finance, approver, .. } = &running.town.people;
    running.meet_condition().await;
    let pay = json!({ "instalmentId": running.second_instalment(), "payOn": "2026-12-01" });
    running.done(second, "authoriseInstalment", pay.clone()).await;
    running.refused(commissioner, "suspendGrant", json!({ "grounds": [] }), "grant.no_ground").await;
    running.done(commissioner, "suspendGrant", json!({ "grounds": ["SAFEGUARDING"] })).await;
    let paid = json!({
        "instalmentId": running.second_instalment(), "amount": "1000.00", "valueDate": "2026-12-01", "on": "2026-12-02"
    });
    running.refused(finance, "confirmPayment", paid.clone(), "grant.suspended").await;
    running.refused(second, "authoriseInstalment", pay, "grant.suspended").await;
    running.refused(&is_approver(commissioner), "resumeGrant", json!({}), "grant.resumer_suspended").await;
    let seen = running.see("status suspensions { grounds from liftedOn }").await;
    let held = json!([{ "grounds": ["SAFEGUARDING"], "from": PAID, "liftedOn": null }]);
    assert_eq!((&seen["status"], &seen["suspensions"]), (&json!("SUSPENDED"), &held));
    assert_eq!(running.pots().await, ["7500.00", "0.00", "1000.00", "1500.00"]);
    running.done(approver, "resumeGrant", json!({})).await;
    running.done(finance, "confirmPayment", paid).await;
    assert_eq!(running.pots().await, ["7500.00", "0.00", "0.00", "2500.00"]);
    running.holds().await;
}

#[tokio::test]
async fn money_asked_back_comes_in_parts_and_the_rest_is_written_off() {
    let running = Running::new().await;
    let People { commissioner, finance, .. } = &running.town.people;
    let demand = |amount: &str| json!({ "ground": "WORK_NOT_DONE", "amount": amount });
    running.refused(commissioner, "demandRecovery", demand("1500.01"), "grant.demand_exceeds_paid").await;
    running.done(commissioner, "demandRecovery", demand("400.00")).await;
    let id = running.last("recoveries").await;
    let part = |amount: &str| json!({ "recoveryId": id, "amount": amount, "valueDate": PAID });
    running.done(finance, "recordRecoveryReceived", part("150.00")).await;
    let mut silent = part("100.00");
    silent["reason"] = Value::Null;
    running.done(finance, "recordRecoveryReceived", silent).await;
    assert_eq!(running.pots().await, ["7750.00", "0.00", "1000.00", "1250.00"], "it can be used again");
    running.refused(finance, "recordRecoveryReceived", part("150.01"), "grant.exceeds_demand").await;
    let off = json!({ "recoveryId": id, "amount": "150.00" });
    let demander = Identity { role: Role::Finance, ..commissioner.clone() };
    running.refused(&demander, "writeOffRecovery", off.clone(), "grant.demander_writes_off").await;
    running.refused(commissioner, "writeOffRecovery", off.clone(), "forbidden").await;
    running.done(finance, "writeOffRecovery", off.clone()).await;
    running.refused(finance, "writeOffRecovery", off, "grant.exceeds_demand").await;
    let fields = "recoveries { ground amount received writtenOff open receipts { amount valueDate } }";
    let settled = json!([{
        "ground": "WORK_NOT_DONE", "amount": "400.00", "received": "250.00", "writtenOff": "150.00", "open": "0.00",
        "receipts": [{ "amount": "150.00", "valueDate": PAID }, { "amount": "100.00", "valueDate": PAID }]
    }]);
    assert_eq!(running.see(fields).await["recoveries"], settled);

    let after_all = json!({ "recoveryId": id, "amount": "50.00" });
    let too_much = json!({ "recoveryId": id, "amount": "150.01" });
    let told = running.refused(finance, "undoWriteOff", too_much, "grant.exceeds_write_off").await;
    assert!(told.contains("£150.00 of this demand is written off"), "{told}");
    running.refused(commissioner, "undoWriteOff", after_all.clone(), "forbidden").await;
    running.done(finance, "undoWriteOff", after_all).await;
    let seen = running.see("recoveries { writtenOff open }").await;
    assert_eq!(seen["recoveries"], json!([{ "writtenOff": "100.00", "open": "50.00" }]));
    running.done(finance, "recordRecoveryReceived", part("50.00")).await;
    let document = "{ ledger { figures { recovered writtenOff } } }";
    let figures = running.town.world.ask(&running.town.people.auditor, document, json!({})).await;
    let wanted = json!({ "recovered": "300.00", "writtenOff": "100.00" });
    assert_eq!(figures.data()["ledger"][0]["figures"], wanted);
    running.holds().await;
}

#[tokio::test]
async fn a_return_is_asked_for_sent_in_queried_and_accepted() {
    let running = Running::new().await;
    let town = &running.town;
    let People { commissioner, second, .. } = &town.people;
    let terms = |kind: &str| json!({ "kind": kind, "from": "2026-05-01", "to": "2026-05-31", "due": "2026-06-01", "toleranceDays": 14 });
    running.done(commissioner, "requestMonitoringReturn", terms("INTERIM")).await;
    assert_eq!(running.see("returns { overdue }").await["returns"], json!([{ "overdue": true }]));
    running.meet_condition().await;
    let mut pay =
        json!({ "instalmentId": running.second_instalment(), "payOn": "2026-12-01", "on": "2026-06-16" });
    let told = running.refused(second, "authoriseInstalment", pay.clone(), "grant.reports_overdue").await;
    assert!(told.contains("1 June 2026"), "{told}");

    let id = running.last("returns").await;
    let story = json!([{ "text": "I had not laughed at a table in years.", "consent": "PUBLICATION" }]);
    let report = |spent: &str| json!({ "returnId": id, "spent": spent, "peopleReached": 43, "outcomes": ["Six people cook now."], "stories": story });
    running
        .refused(&running.admin, "submitMonitoringReturn", report("1500.01"), "grant.spend_exceeds_funds")
        .await;
    assert_eq!(stories(town).await, 0, "a story whose return was refused is not kept");
    running.done(&running.admin, "submitMonitoringReturn", report("1490.00")).await;
    assert_eq!(stories(town).await, 1);
    let stranger = town.approved_partner(2).await;
    let other = PartnerId(stranger["id"].as_str().unwrap().parse().unwrap());
    let other = town.world.somebody("Olly Other", Role::PartnerAdmin, Some(other)).await;
    running.refused(&other, "submitMonitoringReturn", report("1.00"), "not_found").await;
    running.refused(&other, "declareUnderspend", json!({ "amount": "1.00" }), "not_found").await;
    let to = json!({ "from": "2027-01-31", "to": "2027-02-28" });
    running.refused(&other, "requestEndVariation", to, "not_found").await;
    let sender = Identity { role: Role::Commissioner, ..running.admin.clone() };
    let which = json!({ "returnId": id });
    running.refused(&sender, "acceptMonitoringReturn", which.clone(), "grant.reporter_judges").await;
    let query = json!({ "returnId": id, "question": "How many of the forty-three came more than once?" });
    running.done(commissioner, "queryMonitoringReturn", query).await;
    let theirs = running.seen(&running.admin, "returns { status question }").await;
    assert_eq!(theirs["returns"][0]["question"], "How many of the forty-three came more than once?");
    running
        .refused(commissioner, "acceptMonitoringReturn", which.clone(), "grant.return_not_submitted")
        .await;
    running.done(&running.admin, "submitMonitoringReturn", report("1490.00")).await;
    running.done(commissioner, "acceptMonitoringReturn", which).await;
    pay["on"] = json!("2026-06-16");
    running.done(second, "authoriseInstalment", pay).await;

    let fields = "returns { status spent ownMoney peopleReached outcomes stories { consent } overdue }";
    let told = json!([{
        "status": "ACCEPTED", "spent": "1490.00", "ownMoney": null, "peopleReached": 43,
        "outcomes": ["Six people cook now."], "stories": [{ "consent": "PUBLICATION" }], "overdue": false
    }]);
    assert_eq!(running.see(fields).await["returns"], told);
    let log: String = sqlx::query_scalar("SELECT string_agg(payload::text, ' ') FROM public.events")
        .fetch_one(town.world.store.pool())
        .await
        .unwrap();
    assert!(!log.contains("laughed"), "no story is in the log");
    running.holds().await;
}

async fn stories(town: &Town) -> i64 {
    let count = "SELECT count(*) FROM vault.item WHERE kind = 'story'";
    sqlx::query_scalar(count).fetch_one(&town.world.owner().await).await.unwrap()
}

#[tokio::test]
async fn an_underspend_is_released_and_the_grant_is_closed() {
    let running = Running::new().await;
    let People { commissioner, second, finance, .. } = &running.town.people;
    let amount = |amount: &str| json!({ "amount": amount });
    running.refused(finance, "releaseUnspent", amount("1.00"), "grant.no_underspend").await;
    running.done(&running.admin, "declareUnderspend", amount("1000.00")).await;
    running.refused(finance, "releaseUnspent", amount("1000.01"), "grant.exceeds_underspend").await;
    let declarer = Identity { role: Role::Finance, ..running.admin.clone() };
    running.refused(&declarer, "releaseUnspent", amount("300.00"), "grant.releaser_declared").await;
    running.done(finance, "releaseUnspent", amount("300.00")).await;
    assert_eq!(running.pots().await, ["7800.00", "0.00", "700.00", "1500.00"]);
    running.done(finance, "releaseUnspent", amount("700.00")).await;
    assert_eq!(running.pots().await, ["8500.00", "0.00", "0.00", "1500.00"]);
    running.holds().await;

    let close = json!({ "finalSpend": "1480.00", "outcomes": ["Six people cook now."] });
    running.refused(commissioner, "closeGrant", close.clone(), "grant.final_return_open").await;
    let terms = json!({ "kind": "FINAL", "from": "2026-05-01", "to": "2026-05-31", "due": "2026-06-30", "toleranceDays": 0 });
    running.done(commissioner, "requestMonitoringReturn", terms).await;
    assert_eq!(running.see("status").await["status"], "CLOSING");
    running.refused(commissioner, "closeGrant", close.clone(), "grant.final_return_open").await;
    let id = running.last("returns").await;
    let report = json!({ "returnId": id, "spent": "1480.00", "peopleReached": 43, "outcomes": [] });
    running.done(&running.admin, "submitMonitoringReturn", report).await;
    running.done(commissioner, "acceptMonitoringReturn", json!({ "returnId": id })).await;
    let demand = json!({ "ground": "UNDERSPEND", "amount": "20.00" });
    running.done(commissioner, "demandRecovery", demand).await;
    running.refused(commissioner, "closeGrant", close.clone(), "grant.demands_open").await;
    let id = running.last("recoveries").await;
    let back = json!({ "recoveryId": id, "amount": "20.00", "valueDate": PAID });
    running.done(finance, "recordRecoveryReceived", back).await;
    running.refused(commissioner, "closeGrant", close.clone(), "grant.closer_accepted").await;
    running.done(second, "closeGrant", close).await;
    let fields = "status endedOn total underspend { amount released } finalAccount { finalSpend outcomes } \
                  instalments { amount cancelledOn }";
    let stands = json!({
        "status": "CLOSED", "endedOn": PAID, "total": "1500.00",
        "underspend": { "amount": "1000.00", "released": "1000.00" },
        "finalAccount": { "finalSpend": "1480.00", "outcomes": ["Six people cook now."] },
        "instalments": [{ "amount": "1500.00", "cancelledOn": null }, { "amount": "700.00", "cancelledOn": PAID }]
    });
    assert_eq!(running.see(fields).await, stands);
    assert_eq!(running.pots().await, ["8520.00", "0.00", "0.00", "1480.00"]);
    running.holds().await;
}

#[tokio::test]
async fn the_final_return_is_waived_with_the_authority_to_award() {
    let running = Running::new().await;
    let People { commissioner, approver, .. } = &running.town.people;
    let terms = |kind: &str| json!({ "kind": kind, "from": "2026-05-01", "to": "2026-05-31", "due": "2026-06-30", "toleranceDays": 0 });
    running.done(commissioner, "requestMonitoringReturn", terms("INTERIM")).await;
    let interim = json!({ "returnId": running.last("returns").await });
    running.refused(approver, "waiveMonitoringReturn", interim, "grant.only_final_waived").await;
    running.done(commissioner, "requestMonitoringReturn", terms("FINAL")).await;
    let is_final = json!({ "returnId": running.last("returns").await });
    let proposer = is_approver(commissioner);
    running.refused(&proposer, "waiveMonitoringReturn", is_final.clone(), "grant.approver_proposed").await;
    running.done(approver, "waiveMonitoringReturn", is_final).await;
    let seen = running.see("returns { kind status settledOn }").await;
    let last = json!({ "kind": "FINAL", "status": "WAIVED", "settledOn": PAID });
    assert_eq!(seen["returns"][1], last);
    running.holds().await;
}

#[tokio::test]
async fn a_terminated_grant_gives_back_what_was_still_to_be_paid() {
    let running = Running::new().await;
    let People { commissioner, second, finance, approver, .. } = &running.town.people;
    let review = json!({ "outcome": "STOP" });
    running.done(commissioner, "completeAnnualReview", review).await;
    running.done(second, "requestAmountVariation", more("3000.00", "500.00")).await;
    running.done(commissioner, "proposeTermination", json!({})).await;
    running.refused(approver, "terminateGrant", json!({}), "grant.variation_open").await;
    let asked = json!({ "variationId": running.last("variations").await });
    running.done(approver, "refuseVariation", refusal(&asked)).await;
    running.done(approver, "terminateGrant", json!({})).await;
    assert_eq!(running.pots().await, ["8500.00", "0.00", "0.00", "1500.00"]);
    let pay = json!({ "instalmentId": running.second_instalment(), "payOn": "2026-12-01" });
    running.refused(second, "authoriseInstalment", pay, "grant.wrong_stage").await;
    // What was paid can still be asked back.
    running
        .done(commissioner, "demandRecovery", json!({ "ground": "WORK_NOT_DONE", "amount": "600.00" }))
        .await;
    let back =
        json!({ "recoveryId": running.last("recoveries").await, "amount": "600.00", "valueDate": PAID });
    running.done(finance, "recordRecoveryReceived", back).await;
    assert_eq!(running.pots().await, ["9100.00", "0.00", "0.00", "900.00"]);
    let seen = running.see("status reviewDue reviews { outcome on }").await;
    let reviews = json!([{ "outcome": "STOP", "on": PAID }]);
    assert_eq!((&seen["status"], &seen["reviewDue"]), (&json!("TERMINATED"), &Value::Null));
    assert_eq!(seen["reviews"], reviews);
    running.holds().await;
}

#[tokio::test]
async fn an_instalment_on_its_way_keeps_a_grant_from_being_terminated() {
    let running = Running::new().await;
    let People { second, approver, .. } = &running.town.people;
    running.meet_condition().await;
    let pay = json!({ "instalmentId": running.second_instalment(), "payOn": "2026-12-01" });
    running.done(second, "authoriseInstalment", pay).await;
    running.done(second, "proposeTermination", json!({})).await;
    running.refused(approver, "terminateGrant", json!({}), "grant.instalments_on_their_way").await;
}

#[tokio::test]
async fn a_condition_is_waived_by_one_and_the_money_let_out_by_another_in_advance_with_a_reason() {
    let running = Running::new().await;
    let People { commissioner, assessor, second, .. } = &running.town.people;
    let approver = running.other_approver().await;
    let condition = json!({ "conditionId": running.grant["instalments"][1]["conditions"][0]["id"] });
    running.refused(commissioner, "waiveCondition", condition.clone(), "forbidden").await;
    let barred = [(commissioner, "grant.approver_proposed"), (assessor, "grant.approver_assessed")];
    for (who, code) in barred {
        running.refused(&is_approver(who), "waiveCondition", condition.clone(), code).await;
    }
    running.done(&approver, "waiveCondition", condition).await;
    let pay = |reason: Value| json!({ "instalmentId": running.second_instalment(), "payOn": "2026-11-30", "reason": reason });
    let waiver = Identity { role: Role::Commissioner, ..approver };
    running.refused(&waiver, "authoriseInstalment", pay(json!("Why not?")), "grant.waiver_authorises").await;
    let told = running
        .refused(second, "authoriseInstalment", pay(Value::Null), "grant.in_advance_unexplained")
        .await;
    assert!(told.contains("1 December 2026"), "{told}");
    running.done(second, "authoriseInstalment", pay(json!("The hall wants its deposit early."))).await;
    let seen = running.see("instalments { inAdvance conditions { waivedOn metOn } }").await;
    let waived = json!({ "inAdvance": true, "conditions": [{ "waivedOn": PAID, "metOn": null }] });
    assert_eq!(seen["instalments"][1], waived);
    running.holds().await;
}
