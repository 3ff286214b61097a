//! Minimal financial assistance through the API: declared, told, confirmed, given, published, and given more of.

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};

use crate::api::{People, Town, recommendation};

const TERMS: &str = "cd";
const DAY: &str = "2026-05-01";

/// A partner with a grant put forward that is to be minimal financial assistance.
struct Aided {
    town: Town,
    partner: Value,
    admin: Identity,
    grant: Value,
    amount: &'static str,
}

impl Aided {
    /// With a grant of £2,500.00.
    async fn new() -> Self {
        let town = Town::new().await;
        let (_, programme) = town.fund_and_programme().await;
        Self::of(town, &programme, "2500.00").await
    }

    async fn of(town: Town, programme: &Value, amount: &'static str) -> Self {
        let partner = town.approved_partner(1).await;
        let grant = town.scored_grant(&partner, programme, amount).await;
        town.done(&town.people.commissioner, "recommendGrant", recommendation(&grant, amount)).await;
        let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
        let admin = town.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
        Self { town, partner, admin, grant, amount }
    }

    fn with(&self, mut input: Value) -> Value {
        let entries = input.as_object_mut().unwrap();
        entries.insert("partnerId".into(), self.partner["id"].clone());
        input
    }

    fn of_grant(&self, mut input: Value) -> Value {
        let entries = input.as_object_mut().unwrap();
        entries.insert("grantId".into(), self.grant["id"].clone());
        self.with(input)
    }

    async fn declare(&self, amount: &str, given_on: &str) {
        let aid =
            self.with(json!({ "body": "Example Council (invented)", "amount": amount, "givenOn": given_on }));
        self.town.done(&self.admin, "declareSubsidy", aid).await;
    }

    fn notice(&self, amount: &str) -> Value {
        self.of_grant(json!({ "amount": amount }))
    }

    async fn told_and_confirmed(&self, amount: &str) {
        self.town.done(&self.town.people.commissioner, "notifySubsidy", self.notice(amount)).await;
        self.town.done(&self.admin, "confirmSubsidy", self.confirmation()).await;
    }

    fn confirmation(&self) -> Value {
        self.of_grant(json!({ "evidence": { "title": "Confirmation", "sha256": "ab".repeat(32) } }))
    }

    fn approval(&self) -> Value {
        let plan = json!([{ "amount": self.amount, "due": "2026-06-01" }]);
        json!({ "grantId": self.grant["id"], "instalments": plan, "termsVersion": "2026-1" })
    }

    async fn offer(&self) {
        let offer =
            json!({ "grantId": self.grant["id"], "termsHash": TERMS.repeat(32), "acceptBy": "2026-05-31" });
        self.town.done(&self.town.people.commissioner, "issueOffer", offer).await;
    }

    fn acceptance(&self) -> Value {
        json!({ "grantId": self.grant["id"], "termsHash": TERMS.repeat(32), "signatoryRole": "CHAIR" })
    }

    /// Approved, offered and accepted: from then on it is given.
    async fn given(&self) {
        self.town.done(&self.town.people.approver, "approveGrant", self.approval()).await;
        self.offer().await;
        self.town.done(&self.admin, "acceptOffer", self.acceptance()).await;
    }

    /// What the partner has had: what counts and what is left.
    async fn counting(&self) -> (Value, Value) {
        let document = "query($id: UUID!) { partner(id: $id) { assistance { counting left } } }";
        let answer = self
            .town
            .world
            .ask_on(DAY, &self.town.people.auditor, document, json!({ "id": self.partner["id"] }))
            .await;
        let had = &answer.data()["partner"]["assistance"];
        (had["counting"].clone(), had["left"].clone())
    }

    async fn report(&self, to_publish: bool) -> Value {
        let document =
            "query($only: Boolean!) { subsidies(toPublish: $only) { partner { name } grantId amount givenOn
            publishBy entry toPublish } }";
        let answer =
            self.town.world.ask(&self.town.people.auditor, document, json!({ "only": to_publish })).await;
        answer.data()["subsidies"].clone()
    }
}

#[tokio::test]
async fn aid_of_all_bodies_counts_and_the_limit_itself_may_be_reached() {
    let aided = Aided::new().await;
    let People { commissioner, approver, finance, .. } = &aided.town.people;
    // Aid of three financial years counts, and that of the year before them no more.
    aided.declare("99999.00", "2024-03-31").await;
    aided.declare("300000.00", "2024-04-01").await;
    aided.declare("12500.00", "2026-04-30").await;
    assert_eq!(aided.counting().await, (json!("312500.00"), json!("2500.00")));
    let ahead = aided
        .with(json!({ "body": "Example Council (invented)", "amount": "1.00", "givenOn": "2026-05-02" }));
    aided.town.refused(&aided.admin, "declareSubsidy", ahead, "partner.subsidy_ahead").await;
    let told = aided
        .town
        .refused(commissioner, "notifySubsidy", aided.notice("2500.01"), "partner.subsidy_limit")
        .await;
    assert!(told.contains("£312,500.00") && told.contains("£2,500.00 more"), "{told}");
    aided.town.refused(finance, "notifySubsidy", aided.notice("2500.00"), "forbidden").await;

    aided.town.done(commissioner, "notifySubsidy", aided.notice("2500.00")).await;
    aided.town.refused(approver, "approveGrant", aided.approval(), "partner.subsidy_not_confirmed").await;
    aided.town.done(&aided.admin, "confirmSubsidy", aided.confirmation()).await;
    aided.given().await;
    assert_eq!(aided.counting().await, (json!("315000.00"), json!("0.00")), "given with the acceptance");
    let given = json!([{
        "partner": { "name": "Cooking together 1" }, "grantId": aided.grant["id"], "amount": "2500.00", "givenOn": DAY,
        "publishBy": null, "entry": null, "toPublish": false
    }]);
    assert_eq!((aided.report(false).await, aided.report(true).await), (given, json!([])));
}

#[tokio::test]
async fn a_penny_of_other_aid_declared_meanwhile_stops_the_approval_and_the_acceptance() {
    let aided = Aided::new().await;
    let approver = &aided.town.people.approver;
    aided.declare("312500.00", "2025-06-01").await;
    aided.told_and_confirmed("2500.00").await;
    aided.town.done(approver, "approveGrant", aided.approval()).await;
    aided.offer().await;
    aided.declare("0.01", "2026-05-01").await;
    let told =
        aided.town.refused(&aided.admin, "acceptOffer", aided.acceptance(), "partner.subsidy_limit").await;
    assert!(told.contains("£2,499.99 more"), "{told}");
    assert_eq!(aided.counting().await.0, "312500.01", "nothing was given");

    let late = Aided::new().await;
    late.declare("312500.00", "2025-06-01").await;
    late.told_and_confirmed("2500.00").await;
    late.declare("0.01", "2026-05-01").await;
    late.town
        .refused(&late.town.people.approver, "approveGrant", late.approval(), "partner.subsidy_limit")
        .await;
}

#[tokio::test]
async fn the_confirmation_is_of_the_partner_the_grant_is_for() {
    let aided = Aided::new().await;
    let town = &aided.town;
    let other = town.approved_partner(2).await;
    let mut elsewhere = aided.notice("2500.00");
    elsewhere["partnerId"] = other["id"].clone();
    town.refused(&town.people.commissioner, "notifySubsidy", elsewhere, "not_found").await;
    town.refused(&aided.admin, "confirmSubsidy", aided.confirmation(), "partner.subsidy_not_notified").await;
    town.done(&town.people.commissioner, "notifySubsidy", aided.notice("2499.99")).await;
    town.done(&aided.admin, "confirmSubsidy", aided.confirmation()).await;
    town.refused(&aided.admin, "confirmSubsidy", aided.confirmation(), "partner.subsidy_already_confirmed")
        .await;
    town.refused(&town.people.approver, "approveGrant", aided.approval(), "partner.subsidy_above_notice")
        .await;
}

#[tokio::test]
async fn more_of_a_subsidised_grant_is_told_and_confirmed_anew() {
    let aided = Aided::new().await;
    let town = &aided.town;
    let People { commissioner, second, approver, .. } = &town.people;
    aided.declare("312000.00", "2025-06-01").await;
    aided.told_and_confirmed("2500.00").await;
    aided.given().await;
    let more = json!({
        "grantId": aided.grant["id"], "from": "2500.00", "to": "3000.00", "justification": "Sixty people come now.",
        "added": [{ "amount": "500.00", "due": "2027-01-15" }]
    });
    town.done(second, "requestAmountVariation", more).await;
    let variations = "query($id: UUID!) { grant(id: $id) { variations { id } } }";
    let asked = town.world.ask(approver, variations, json!({ "id": aided.grant["id"] })).await;
    let asked =
        json!({ "grantId": aided.grant["id"], "variationId": asked.data()["grant"]["variations"][0]["id"] });
    town.refused(approver, "approveVariation", asked.clone(), "partner.subsidy_not_notified").await;
    town.refused(commissioner, "notifySubsidy", aided.notice("2500.00"), "partner.subsidy_already_given")
        .await;
    town.refused(commissioner, "notifySubsidy", aided.notice("3000.01"), "partner.subsidy_limit").await;
    town.done(commissioner, "notifySubsidy", aided.notice("3000.00")).await;
    town.refused(approver, "approveVariation", asked.clone(), "partner.subsidy_not_confirmed").await;
    town.done(&aided.admin, "confirmSubsidy", aided.confirmation()).await;
    town.done(approver, "approveVariation", asked).await;
    assert_eq!(
        aided.counting().await,
        (json!("315000.00"), json!("0.00")),
        "only what it adds is given anew"
    );
    let amounts: Vec<Value> =
        aided.report(false).await.as_array().unwrap().iter().map(|one| one["amount"].clone()).collect();
    assert_eq!(amounts, [json!("2500.00"), json!("500.00")]);
    let receipts = "query($id: UUID!) { history(filter: {streamId: $id}) { nodes { index eventType } } }";
    let told = town.world.ask(&town.people.auditor, receipts, json!({ "id": aided.grant["id"] })).await;
    let nodes = told.data()["history"]["nodes"].as_array().unwrap().clone();
    let approved = nodes.iter().find(|node| node["eventType"] == "grant.variation_approved").unwrap();
    let receipt = "query($index: Int!) { decisionReceipt(index: $index) { holds } }";
    let held = town.world.ask(&town.people.auditor, receipt, json!({ "index": approved["index"] })).await;
    assert_eq!(held.data()["decisionReceipt"]["holds"], true, "{held:?}");
}

/// A fund of £200,000.00 with a programme for grants of that size, approved by one.
async fn large() -> (Town, Value) {
    let town = Town::new().await;
    let People { commissioner, finance, approver, .. } = &town.people;
    town.world.give_authority(approver, "200000.00").await;
    let fund = json!({
        "name": "Harbour fund (synthetic)", "funder": "Example council", "spendFrom": "2026-04-01",
        "spendTo": "2027-03-31", "recoveryRule": "RECREDIT"
    });
    let fund = town.done(commissioner, "openFund", fund).await;
    let budget =
        json!({ "fundId": fund["id"], "amount": "200000.00", "year": "2026/27", "source": "Minute 1" });
    town.done(finance, "allocateBudget", budget).await;
    let programme = json!({
        "name": "Large", "fundId": fund["id"], "purpose": "belonging", "track": "SMALL", "route": "OPEN_CALL",
        "limits": { "least": "250.00", "most": "150000.00", "oneApprover": "150000.00", "reservationDays": 60, "targetWorkingDays": 10 },
        "opensOn": "2026-04-01", "closesOn": "2199-01-01",
        "eligibility": [{ "code": "local", "question": "Is the work local?" }],
        "scoring": [{ "code": "reach", "question": "Whom does it reach?" }]
    });
    let programme = town.done(commissioner, "openProgramme", programme).await;
    (town, programme)
}

#[tokio::test]
async fn what_is_above_a_hundred_thousand_is_on_the_list_until_it_is_published() {
    let (town, programme) = large().await;
    let aided = Aided::of(town, &programme, "100000.01").await;
    aided.told_and_confirmed("100000.01").await;
    let entry = aided.of_grant(json!({ "entry": "SC-0001" }));
    let finance = &aided.town.people.finance;
    aided.town.refused(finance, "recordSubsidyPublished", entry.clone(), "partner.subsidy_not_given").await;
    aided.given().await;
    let due = aided.report(true).await;
    assert_eq!((&due[0]["publishBy"], &due[0]["toPublish"]), (&json!("2026-08-01"), &json!(true)));
    aided.town.done(finance, "recordSubsidyPublished", entry.clone()).await;
    aided.town.refused(finance, "recordSubsidyPublished", entry, "partner.subsidy_already_published").await;
    assert_eq!(aided.report(true).await, json!([]));
    assert_eq!(aided.report(false).await[0]["entry"], "SC-0001");
}
