//! The API as people use it: a whole case, what is turned down and how, dates, history, pages.

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};
use uuid::Uuid;

use crate::world::{Answer, World};

/// The people of a case, each in one role.
pub struct People {
    pub commissioner: Identity,
    pub second: Identity,
    pub approver: Identity,
    pub finance: Identity,
    pub auditor: Identity,
    pub assessor: Identity,
}

/// A world with its people.
pub struct Town {
    pub world: World,
    pub people: People,
}

const AWHILE_AGO: &str = "2026-05-01";

impl Town {
    pub async fn new() -> Self {
        let world = World::new().await;
        let people = People {
            commissioner: world.somebody("Amina Example", Role::Commissioner, None).await,
            second: world.somebody("Cara Sample", Role::Commissioner, None).await,
            approver: world.somebody("Ben Approver", Role::Approver, None).await,
            finance: world.somebody("Fay Finance", Role::Finance, None).await,
            auditor: world.somebody("Ola Auditor", Role::Auditor, None).await,
            assessor: world.somebody("Ines Assessor", Role::Inclusion, None).await,
        };
        world.give_authority(&people.approver, "10000.00").await;
        Self { world, people }
    }

    pub async fn ask(&self, who: &Identity, name: &str, input: Value) -> Answer {
        let (kind, object) = kind_of(name);
        let inside = match object {
            "grant" => "id reference status version instalments { id conditions { id } }",
            "delegation" => "id version",
            _ => "id reference version",
        };
        let document = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ receipt {{ index repeated commandId leafHash }} {object} {{ {inside} }} }} }}"
        );
        let (day, input) = dated(input);
        self.world.ask_on(&day, who, &document, json!({ "input": input })).await
    }

    /// Do something that must succeed, and give back what it was done to.
    pub async fn done(&self, who: &Identity, name: &str, input: Value) -> Value {
        let answer = self.ask(who, name, input).await;
        answer.data()[name][kind_of(name).1].clone()
    }

    /// Something that must be turned down with a code, and leave nothing behind.
    pub async fn refused(&self, who: &Identity, name: &str, input: Value, code: &str) -> String {
        let before = self.world.size().await;
        let answer = self.ask(who, name, input).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert!(sentence.ends_with('.') && sentence.len() > 10, "{sentence}");
        assert_eq!(self.world.size().await, before, "nothing is half done");
        sentence.to_owned()
    }

    pub async fn approved_partner(&self, number: u32) -> Value {
        let People { commissioner, approver, finance, .. } = &self.people;
        let partner = self.done(commissioner, "applyAsPartner", partner_input(number)).await;
        let id = &partner["id"];
        for check in ["GOVERNING_DOCUMENT", "SIGNATORIES", "SAFEGUARDING", "DATA_PROTECTION"] {
            let evidence = json!({ "title": check, "sha256": "ab".repeat(32) });
            let input = json!({ "partnerId": id, "check": check, "evidence": evidence });
            self.done(commissioner, "submitCheckEvidence", input).await;
            let input = json!({ "partnerId": id, "check": check, "validUntil": "2199-01-01" });
            self.done(commissioner, "passCheck", input).await;
        }
        let bank = json!({ "partnerId": id, "sortCode": "00-00-00", "accountNumber": "00000001", "accountName": "Example" });
        self.done(commissioner, "submitBankDetails", bank).await;
        let verify = json!({ "partnerId": id, "bankVersion": 1, "method": "CALL_BACK" });
        self.done(finance, "verifyBankDetails", verify).await;
        self.done(approver, "approvePartner", json!({ "partnerId": id, "nextReview": "2199-01-01" })).await
    }

    pub async fn fund_and_programme(&self) -> (Value, Value) {
        self.fund_and_programme_on("SMALL").await
    }

    /// A fund of £10,000.00 and a programme of a track on it.
    pub async fn fund_and_programme_on(&self, track: &str) -> (Value, Value) {
        let People { commissioner, finance, .. } = &self.people;
        let fund = self
            .done(
                commissioner,
                "openFund",
                json!({
                    "name": "Harbour fund (synthetic)", "funder": "Example council",
                    "restriction": { "purposes": ["belonging"], "places": ["SEFTON_SOUTH", "LIVERPOOL_NORTH"] },
                    "spendFrom": "2026-04-01", "spendTo": "2027-03-31", "recoveryRule": "RECREDIT", "on": "2026-04-01"
                }),
            )
            .await;
        let budget =
            json!({ "fundId": fund["id"], "amount": "10000.00", "year": "2026/27", "source": "Minute 1" });
        self.done(finance, "allocateBudget", budget).await;
        let programme = programme_input(&fund, track, &json!([]));
        let programme = self.done(commissioner, "openProgramme", programme).await;
        (fund, programme)
    }

    /// A grant that is fully scored.
    pub async fn scored_grant(&self, partner: &Value, programme: &Value, requested: &str) -> Value {
        let People { commissioner, assessor, .. } = &self.people;
        let grant =
            self.done(commissioner, "submitApplication", application(partner, programme, requested)).await;
        let id = &grant["id"];
        let results = json!([{ "criterion": "local", "met": true }]);
        self.done(commissioner, "judgeEligibility", json!({ "grantId": id, "results": results })).await;
        let assign = json!({ "grantId": id, "assessorId": assessor.person.0 });
        self.done(commissioner, "assignAssessor", assign).await;
        let score = json!({ "grantId": id, "criterion": "reach", "score": 4, "justification": "Many people nearby." });
        self.done(assessor, "recordScore", score).await
    }

    pub async fn figures(&self, cut: Value) -> Value {
        let document = "query($cut: LedgerCut) { ledger(cut: $cut) { figures { budget available reserved committed paid } } }";
        let answer = self.world.ask(&self.people.auditor, document, json!({ "cut": cut })).await;
        answer.data()["ledger"][0]["figures"].clone()
    }
}

fn kind_of(name: &str) -> (String, &'static str) {
    let input = match name {
        "requireCheck" | "failCheck" | "recordCheckLapse" => "PartnerCheckInput".into(),
        "approvePartner" | "reviewPartner" => "PartnerReviewInput".into(),
        "declinePartner" | "withdrawPartnerApplication" | "suspendPartner" | "reinstatePartner" => {
            "PartnerInput".into()
        }
        "allocateBudget" | "reduceBudget" => "BudgetInput".into(),
        "closeProgramme" => "ProgrammeInput".into(),
        "withdrawApplication"
        | "declineOffer"
        | "recordOfferLapse"
        | "resumeGrant"
        | "proposeTermination"
        | "withdrawTermination"
        | "terminateGrant" => "GrantInput".into(),
        "supersedeScore" => "RecordScoreInput".into(),
        "declareUnderspend" | "releaseUnspent" => "UnderspendInput".into(),
        "acceptMonitoringReturn" | "waiveMonitoringReturn" => "MonitoringReturnInput".into(),
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            format!("{}Input", first.into_iter().chain(letters).collect::<String>())
        }
    };
    let object = match name {
        "openFund" | "allocateBudget" | "reduceBudget" | "transferBudget" | "carryBudgetForward"
        | "closeYear" | "closeFund" => "fund",
        "openProgramme" | "closeProgramme" | "amendCriteria" | "setDecisionRules" => "programme",
        "grantAuthority" | "revokeAuthority" => "delegation",
        other
            if other.contains("Subsidy")
                || other.contains("Partner")
                || other.contains("Check")
                || other.contains("Bank") =>
        {
            "partner"
        }
        _ => "grant",
    };
    (input, object)
}

/// The day on which it is done (`on`, or a while ago), and the input with a reason unless the test says.
fn dated(mut input: Value) -> (String, Value) {
    let entries = input.as_object_mut().unwrap();
    entries.entry("reason").or_insert(json!("For a test, all invented."));
    let day = entries.remove("on").unwrap_or(json!(AWHILE_AGO));
    (day.as_str().unwrap().to_owned(), input)
}

fn programme_input(fund: &Value, track: &str, priorities: &Value) -> Value {
    json!({
        "name": "Small sparks", "fundId": fund["id"], "purpose": "belonging", "track": track, "route": "OPEN_CALL",
        "limits": { "least": "250.00", "most": "8000.00", "oneApprover": "5000.00", "reservationDays": 60, "targetWorkingDays": 10 },
        "opensOn": "2026-04-01", "closesOn": "2199-01-01", "priorities": priorities,
        "eligibility": [{ "code": "local", "question": "Is the work local?" }],
        "scoring": [{ "code": "reach", "question": "Whom does it reach?" }]
    })
}

pub fn partner_input(number: u32) -> Value {
    json!({
        "name": format!("Cooking together {number}"), "legalForm": "UNINCORPORATED_ASSOCIATION", "areas": ["SEFTON_SOUTH"],
        "communities": ["CARERS"], "summary": "Weekly cooking and eating for unpaid carers."
    })
}

pub fn application(partner: &Value, programme: &Value, requested: &str) -> Value {
    json!({
        "partnerId": partner["id"], "programmeId": programme["id"], "title": "Soup on Tuesdays",
        "purpose": "A weekly meal, cooked and eaten together.", "requested": requested, "places": ["SEFTON_SOUTH"],
        "startsOn": "2026-06-01", "endsOn": "2027-01-31"
    })
}

pub fn recommendation(grant: &Value, amount: &str) -> Value {
    json!({ "grantId": grant["id"], "amount": amount })
}

pub fn approval(grant: &Value, instalments: &[(&str, &str)]) -> Value {
    let planned: Vec<Value> = instalments
        .iter()
        .map(|(amount, due)| json!({ "amount": amount, "due": due, "conditions": ["A first report"] }))
        .collect();
    json!({ "grantId": grant["id"], "instalments": planned, "termsVersion": "2026-1" })
}

#[tokio::test]
async fn a_case_from_application_to_payment_moves_directory_ledger_and_history() {
    let town = Town::new().await;
    let People { commissioner, second, approver, finance, auditor, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme().await;
    let grant = town.scored_grant(&partner, &programme, "3000.00").await;
    town.done(commissioner, "recommendGrant", recommendation(&grant, "2500.00")).await;
    assert_eq!(town.figures(json!({})).await["reserved"], "2500.00");

    let grant = town.done(approver, "approveGrant", approval(&grant, &[("2500.00", "2026-06-01")])).await;
    let terms = "cd".repeat(32);
    let offer = json!({ "grantId": grant["id"], "termsHash": terms, "acceptBy": "2026-05-31" });
    town.done(commissioner, "issueOffer", offer).await;
    let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
    let admin = town.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
    let accept = json!({ "grantId": grant["id"], "termsHash": terms, "signatoryRole": "CHAIR" });
    town.done(&admin, "acceptOffer", accept).await;

    let instalment = &grant["instalments"][0];
    let pay = json!({ "grantId": grant["id"], "instalmentId": instalment["id"], "payOn": "2026-06-01" });
    let told = town.refused(second, "authoriseInstalment", pay.clone(), "grant.conditions_not_met").await;
    assert!(told.contains("A first report"), "{told}");
    let evidence = json!({ "title": "First report", "sha256": "ef".repeat(32) });
    let condition = &instalment["conditions"][0]["id"];
    let met = json!({ "grantId": grant["id"], "conditionId": condition, "evidence": evidence });
    town.done(commissioner, "recordConditionMet", met).await;
    town.done(second, "authoriseInstalment", pay).await;
    let paid = json!({
        "grantId": grant["id"], "instalmentId": instalment["id"], "amount": "2500.00", "valueDate": "2026-06-01",
        "on": "2026-06-02"
    });
    town.done(finance, "confirmPayment", paid).await;

    let all = json!({ "budget": "10000.00", "available": "7500.00", "reserved": "0.00", "committed": "0.00", "paid": "2500.00" });
    assert_eq!(town.figures(json!({})).await, all);
    let before = json!({ "budget": "10000.00", "available": "7500.00", "reserved": "0.00", "committed": "2500.00", "paid": "0.00" });
    assert_eq!(
        town.figures(json!({ "effectiveFor": "2026-06-01" })).await,
        before,
        "before the payment took effect"
    );
    let nothing = json!({ "budget": "0.00", "available": "0.00", "reserved": "0.00", "committed": "0.00", "paid": "0.00" });
    assert_eq!(town.figures(json!({ "knownOn": "2026-06-02" })).await, nothing, "nothing was known then");

    let directory = "{ partners(search: {words: \"carer\", area: SEFTON_SOUTH}) { totalCount nodes { name status checks { standing } } } }";
    let found = town.world.ask(&Identity::public(), directory, json!({})).await;
    let found = &found.data()["partners"];
    assert_eq!((found["totalCount"].as_i64(), &found["nodes"][0]["status"]), (Some(1), &json!("APPROVED")));
    assert_eq!(found["nodes"][0]["checks"], Value::Null, "checks are not for everybody");

    let history = "query($id: UUID) { history(filter: {streamId: $id}) { nodes { sentence actor { name } role reason effectiveOn values { name value } } } laws { holds } }";
    let told = town.world.ask(auditor, history, json!({ "id": grant["id"] })).await;
    let last = told.data()["history"]["nodes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["sentence"], "£2,500.00 was paid on 1 June 2026.");
    assert_eq!(last["actor"]["name"], "Fay Finance");
    assert_eq!(last["reason"], "For a test, all invented.");
    assert!(last["values"].as_array().unwrap().contains(&json!({ "name": "amount", "value": "2500.00" })));
    assert_eq!(told.data()["laws"]["holds"], true);
}

#[tokio::test]
async fn money_that_is_not_exact_or_not_there_is_turned_down() {
    let town = Town::new().await;
    let People { commissioner, finance, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let (fund, programme) = town.fund_and_programme().await;
    for (amount, code) in [
        (json!("10.005"), "money.too_many_places"),
        (json!("-10.00"), "money.not_positive"),
        (json!("0.00"), "money.not_positive"),
        (json!("ten"), "money.unreadable"),
        (json!(10.5), "money.unreadable"),
        (json!("1000000000.00"), "money.too_large"),
    ] {
        let budget =
            json!({ "fundId": fund["id"], "amount": amount, "year": "2026/27", "source": "Minute 2" });
        town.refused(finance, "allocateBudget", budget, code).await;
    }
    let first = town.scored_grant(&partner, &programme, "8000.00").await;
    town.done(commissioner, "recommendGrant", recommendation(&first, "8000.00")).await;
    let second = town.scored_grant(&partner, &programme, "3000.00").await;
    let told = town
        .refused(commissioner, "recommendGrant", recommendation(&second, "2000.01"), "fund.exceeds_available")
        .await;
    assert!(told.contains("£2,000.00 remains"), "{told}");
    town.done(commissioner, "recommendGrant", recommendation(&second, "2000.00")).await;
    assert_eq!(town.figures(json!({})).await["available"], "0.00");
    let reduce = json!({ "fundId": fund["id"], "amount": "0.01", "year": "2026/27", "source": "Minute 3" });
    town.refused(finance, "reduceBudget", reduce, "fund.exceeds_available").await;
}

#[tokio::test]
async fn what_is_unknown_stale_future_or_unexplained_is_turned_down() {
    let town = Town::new().await;
    let People { commissioner, approver, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let nobody = json!({ "partnerId": Uuid::from_u128(9), "nextReview": "2199-01-01" });
    town.refused(commissioner, "reviewPartner", nobody, "not_found").await;
    let (fund, programme) = town.fund_and_programme().await;
    let mut unheard = application(&partner, &programme, "3000.00");
    unheard["needs"] = json!([{ "needId": Uuid::from_u128(9), "percent": 100 }]);
    let told = town.refused(commissioner, "submitApplication", unheard, "not_found").await;
    assert_eq!(told, "There is no need with this id.");
    let priorities = json!([{ "title": "Company", "needIds": [Uuid::from_u128(9)] }]);
    let unheard = programme_input(&fund, "SMALL", &priorities);
    town.refused(commissioner, "openProgramme", unheard, "not_found").await;
    let stale = json!({ "partnerId": partner["id"], "nextReview": "2199-01-01", "expectedVersion": 2 });
    let told = town.refused(commissioner, "reviewPartner", stale, "conflict").await;
    assert!(told.contains("version 2"), "{told}");
    let future =
        json!({ "partnerId": partner["id"], "nextReview": "2199-01-01", "effectiveOn": "2026-05-02" });
    town.refused(commissioner, "reviewPartner", future, "effective.future").await;
    let unexplained = json!({ "partnerId": partner["id"], "nextReview": "2199-01-01", "effectiveOn": "2026-04-30", "reason": null });
    town.refused(commissioner, "reviewPartner", unexplained, "effective.reason_required").await;
    let silent = json!({ "partnerId": partner["id"], "reason": null });
    town.refused(approver, "suspendPartner", silent, "reason.required").await;
    town.refused(commissioner, "suspendPartner", json!({ "partnerId": partner["id"] }), "forbidden").await;
    let document = "query($id: UUID!) { partner(id: $id) { name } }";
    let answer = town.world.ask(commissioner, document, json!({ "id": Uuid::from_u128(9) })).await;
    assert_eq!(answer.refusal(), ("not_found", "There is no partner with this id."));
}

#[tokio::test]
async fn the_same_command_twice_has_its_effect_once_and_the_first_answer() {
    let town = Town::new().await;
    let commissioner = &town.people.commissioner;
    let mut input = partner_input(1);
    input["commandId"] = json!("0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d");
    let first = town.ask(commissioner, "applyAsPartner", input.clone()).await;
    let size = town.world.size().await;
    let again = town.ask(commissioner, "applyAsPartner", input).await;
    let (first, again) = (&first.data()["applyAsPartner"], &again.data()["applyAsPartner"]);
    assert_eq!(town.world.size().await, size);
    assert_eq!((&first["receipt"]["repeated"], &again["receipt"]["repeated"]), (&json!(false), &json!(true)));
    for part in ["index", "leafHash", "commandId"] {
        assert_eq!(first["receipt"][part], again["receipt"][part], "{part}");
    }
    assert_eq!(first["partner"], again["partner"]);

    // The same id for another command elsewhere does not blur what the first answer was.
    let fund = json!({
        "name": "Harbour fund (synthetic)", "funder": "Example council", "spendFrom": "2026-04-01", "spendTo": "2027-03-31",
        "recoveryRule": "RECREDIT", "commandId": first["receipt"]["commandId"]
    });
    town.done(commissioner, "applyAsPartner", partner_input(2)).await;
    town.done(commissioner, "openFund", fund).await;
    let mut input = partner_input(1);
    input["commandId"] = first["receipt"]["commandId"].clone();
    let third = town.ask(commissioner, "applyAsPartner", input).await;
    assert_eq!(third.data()["applyAsPartner"]["receipt"]["index"], first["receipt"]["index"]);
}

#[tokio::test]
async fn a_check_that_expired_yesterday_stops_approval_and_payment() {
    let town = Town::new().await;
    let People { commissioner, approver, finance, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme().await;
    let grant = town.scored_grant(&partner, &programme, "1000.00").await;
    town.done(commissioner, "recommendGrant", recommendation(&grant, "1000.00")).await;
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "1000.00", "due": "2026-06-01" }], "termsVersion": "1" });
    let grant = town.done(approver, "approveGrant", plan).await;
    let offer = json!({ "grantId": grant["id"], "termsHash": "cd".repeat(32), "acceptBy": "2026-05-31" });
    town.done(commissioner, "issueOffer", offer).await;
    let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
    let admin = town.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
    let accept = json!({ "grantId": grant["id"], "termsHash": "cd".repeat(32), "signatoryRole": "CHAIR" });
    town.done(&admin, "acceptOffer", accept).await;

    let evidence = json!({ "title": "Policy", "sha256": "ab".repeat(32) });
    let submit = json!({ "partnerId": partner["id"], "check": "SAFEGUARDING", "evidence": evidence });
    town.done(commissioner, "submitCheckEvidence", submit).await;
    let pass = json!({ "partnerId": partner["id"], "check": "SAFEGUARDING", "validUntil": "2026-06-14" });
    town.done(commissioner, "passCheck", pass).await;
    let instalment = &grant["instalments"][0]["id"];
    let pay = |day: &str| json!({ "grantId": grant["id"], "instalmentId": instalment, "payOn": day });
    let told =
        town.refused(commissioner, "authoriseInstalment", pay("2026-06-15"), "partner.checks_missing").await;
    assert!(told.contains("safeguarding policy (ran out on 14 June 2026)"), "{told}");
    town.done(commissioner, "authoriseInstalment", pay("2026-06-14")).await;
    let paid = |day: &str| json!({ "grantId": grant["id"], "instalmentId": instalment, "amount": "1000.00", "valueDate": day, "on": "2026-06-15" });
    let told = town.refused(finance, "confirmPayment", paid("2026-06-15"), "grant.checks_run_out").await;
    assert!(told.contains("14 June 2026"), "{told}");
    town.done(finance, "confirmPayment", paid("2026-06-14")).await;

    let late = town.done(commissioner, "applyAsPartner", partner_input(2)).await;
    let approve = json!({ "partnerId": late["id"], "nextReview": "2199-01-01" });
    town.refused(approver, "approvePartner", approve, "partner.checks_missing").await;
}

#[tokio::test]
async fn nobody_approves_what_they_proposed_assessed_or_have_an_interest_in() {
    let town = Town::new().await;
    let People { commissioner, assessor, approver, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme_on("MICRO").await;
    let grant = town.scored_grant(&partner, &programme, "1000.00").await;
    town.done(commissioner, "recommendGrant", recommendation(&grant, "1000.00")).await;
    let approve = approval(&grant, &[("1000.00", "2026-06-01")]);
    // The same people through another role: the guard looks at the person.
    let proposer = Identity { role: Role::Approver, ..commissioner.clone() };
    town.refused(&proposer, "approveGrant", approve.clone(), "grant.approver_proposed").await;
    let judge = Identity { role: Role::Approver, ..assessor.clone() };
    town.refused(&judge, "approveGrant", approve.clone(), "grant.approver_assessed").await;
    let conflict = json!({ "grantId": grant["id"], "nature": "TRUSTEE_OR_MEMBER" });
    town.done(approver, "declareConflict", conflict).await;
    town.refused(approver, "approveGrant", approve.clone(), "grant.conflicted").await;
    let penny_off = approval(&grant, &[("999.99", "2026-06-01")]);
    let other = town.world.somebody("Dee Approver", Role::Approver, None).await;
    town.refused(&other, "approveGrant", approve.clone(), "authority.none").await;
    town.world.give_authority(&other, "10000.00").await;
    town.refused(&other, "approveGrant", penny_off, "grant.instalments_do_not_add_up").await;
    let big = town.scored_grant(&partner, &programme, "6000.00").await;
    town.done(commissioner, "recommendGrant", recommendation(&big, "6000.00")).await;
    let above = approval(&big, &[("6000.00", "2026-06-01")]);
    let told = town.refused(&other, "approveGrant", above, "grant.exceeds_authority").await;
    assert!(told.contains("£5,000.00"), "{told}");
    town.done(&other, "approveGrant", approve).await;
}

#[tokio::test]
async fn both_dates_cut_the_ledger_at_the_end_of_the_london_day() {
    let town = Town::new().await;
    let (fund, _) = town.fund_and_programme().await;
    let finance = &town.people.finance;
    for (amount, day) in [("100.00", "2026-04-01"), ("10.00", "2026-04-02")] {
        let budget = json!({ "fundId": fund["id"], "amount": amount, "year": "2026/27", "source": "Minute 2", "on": day });
        town.done(finance, "allocateBudget", budget).await;
    }
    // Half past eleven at night in London on 31 March 2026, in summer time, and half past midnight after it.
    let mut shift = town.world.store.pool().begin().await.unwrap();
    for (amount, recorded_at) in
        [("10000", "2026-01-01T12:00Z"), ("100", "2026-03-31T22:30Z"), ("10", "2026-03-31T23:30Z")]
    {
        let sql = "UPDATE views.ledger_line SET recorded_at = $2::timestamptz WHERE amount = $1::numeric";
        sqlx::query(sql).bind(amount).bind(recorded_at).execute(&mut *shift).await.unwrap();
    }
    shift.commit().await.unwrap();
    for (known_on, effective_for, budget) in [
        (json!("2025-12-31"), Value::Null, "0.00"),
        (json!("2026-03-30"), Value::Null, "10000.00"),
        (json!("2026-03-31"), Value::Null, "10100.00"),
        (json!("2026-04-01"), Value::Null, "10110.00"),
        (json!("2026-04-01"), json!("2026-04-01"), "100.00"),
        (Value::Null, json!("2026-04-02"), "110.00"),
        (Value::Null, Value::Null, "10110.00"),
    ] {
        let cut = json!({ "fundId": fund["id"], "knownOn": known_on, "effectiveFor": effective_for });
        assert_eq!(town.figures(cut.clone()).await["budget"], budget, "{cut}");
    }
    let document = "query($id: UUID!, $on: Date) { fund(id: $id) { figures(knownOn: $on) { budget } years(knownOn: $on) { year figures { available } } } }";
    let answer =
        town.world.ask(&town.people.auditor, document, json!({ "id": fund["id"], "on": "2026-03-31" })).await;
    let told = &answer.data()["fund"];
    assert_eq!(told["figures"]["budget"], "10100.00");
    assert_eq!(told["years"], json!([{ "year": "2026/27", "figures": { "available": "10100.00" } }]));
}

#[tokio::test]
async fn dating_back_gets_nobody_round_a_deadline() {
    let town = Town::new().await;
    let People { commissioner, approver, auditor, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme().await;
    let grant = town.scored_grant(&partner, &programme, "1000.00").await;
    town.done(commissioner, "recommendGrant", recommendation(&grant, "1000.00")).await;
    // The reservation holds for 60 days.
    let mut late = approval(&grant, &[("1000.00", "2026-06-01")]);
    late["on"] = json!("2026-07-01");
    late["effectiveOn"] = json!("2026-06-01");
    town.refused(approver, "approveGrant", late, "fund.reservation_expired").await;
    town.done(approver, "approveGrant", approval(&grant, &[("1000.00", "2026-06-01")])).await;
    let offer = json!({ "grantId": grant["id"], "termsHash": "cd".repeat(32), "acceptBy": "2026-05-31" });
    town.done(commissioner, "issueOffer", offer).await;
    let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
    let admin = town.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
    let accept = json!({ "grantId": grant["id"], "termsHash": "cd".repeat(32), "signatoryRole": "CHAIR", "on": "2026-06-01" });
    town.refused(&admin, "acceptOffer", accept.clone(), "grant.offer_lapsed").await;
    let mut back = accept;
    back["effectiveOn"] = json!("2026-05-31");
    town.refused(&admin, "acceptOffer", back, "effective.not_by_partner").await;
    // The partner's view of the history shows nothing of how it was judged, nor by whom.
    let document = "query($id: UUID) { history(filter: {streamId: $id}) { nodes { eventType actor { name } reason values { name } } } }";
    let seen =
        town.world.ask(&admin, document, json!({ "id": grant["id"] })).await.data()["history"]["nodes"]
            .clone();
    let whole =
        town.world.ask(auditor, document, json!({ "id": grant["id"] })).await.data()["history"]["nodes"]
            .clone();
    assert_eq!((seen.as_array().unwrap().len(), whole.as_array().unwrap().len()), (4, 7), "{seen}");
    for one in seen.as_array().unwrap() {
        assert_eq!(
            (&one["actor"], &one["reason"], &one["values"]),
            (&Value::Null, &Value::Null, &json!([])),
            "{one}"
        );
    }
}

#[tokio::test]
async fn everything_typed_wrong_is_said_at_once() {
    let town = Town::new().await;
    let before = town.world.size().await;
    let mut input = partner_input(1);
    input["name"] = json!(" ");
    input["summary"] = json!("x".repeat(1_000_000));
    let answer = town.ask(&town.people.commissioner, "applyAsPartner", input).await;
    assert_eq!(answer.refusal().0, "invalid");
    assert_eq!(answer.problems(), [("name", "text.blank"), ("summary", "text.too_long")]);
    let bank = json!({ "partnerId": Uuid::nil(), "sortCode": "12-34", "accountNumber": "many", "accountName": "Example" });
    let answer = town.ask(&town.people.commissioner, "submitBankDetails", bank).await;
    let fields: Vec<&str> = answer.problems().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["sortCode", "accountNumber"]);
    assert_eq!(town.world.size().await, before);
}

#[tokio::test]
async fn a_request_too_deep_too_broad_or_wrong_has_a_code() {
    let town = Town::new().await;
    let auditor = &town.people.auditor;
    let deep = format!("{{ {} id {} }}", "fund { ".repeat(40), "} ".repeat(40));
    let nested = (0..24).fold("name".to_string(), |inner, _| format!("ofType {{ {inner} }}"));
    let deep_but_real = format!("{{ __schema {{ types {{ fields {{ type {{ {nested} }} }} }} }} }}");
    let broad = "{ grants(first: 500) { nodes { partner { name summary reference status } programme { name } instalments { id conditions { id title } } reference title purpose status requested places startsOn endsOn submittedOn eligibility { criterion met } delivery { amount } needs { percent } offer { termsHash acceptBy } } edges { cursor node { partner { name summary } programme { name purpose } reference title purpose status requested places startsOn endsOn } } } }";
    for (document, code) in [
        (deep.as_str(), "query.too_deep"),
        (deep_but_real.as_str(), "query.too_deep"),
        (broad, "query.too_complex"),
        ("{ nothing }", "query.invalid"),
        ("{ partners(", "query.unreadable"),
        ("{ partners(first: 0) { totalCount } }", "page.size"),
        ("{ partners(after: \"x\") { totalCount } }", "page.cursor"),
    ] {
        let answer = town.world.ask(auditor, document, json!({})).await;
        assert_eq!(answer.refusal().0, code, "{document}");
    }
    for (value, code) in [("2026-02-30", "date.unreadable"), ("1066-01-01", "date.out_of_range")] {
        let document = "query($on: Date) { ledger(cut: {knownOn: $on}) { name } }";
        assert_eq!(town.world.ask(auditor, document, json!({ "on": value })).await.refusal().0, code);
    }
}

#[tokio::test]
async fn the_history_is_the_same_by_page_by_stream_by_person_and_whole() {
    let town = Town::new().await;
    town.approved_partner(1).await;
    let partner = town.approved_partner(2).await;
    town.fund_and_programme().await;
    let auditor = &town.people.auditor;
    let document = "query($filter: HistoryFilter, $first: Int, $after: String) {
        history(filter: $filter, first: $first, after: $after) { nodes { index streamId actor { id } sentence } pageInfo { hasNextPage endCursor } } }";
    let all = async |filter: Value, first: i32| {
        let (mut nodes, mut after) = (Vec::new(), Value::Null);
        loop {
            let variables = json!({ "filter": filter, "first": first, "after": after });
            let answer = town.world.ask(auditor, document, variables).await;
            let page = answer.data()["history"].clone();
            nodes.extend(page["nodes"].as_array().unwrap().clone());
            if page["pageInfo"]["hasNextPage"] == json!(false) {
                return nodes;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    };
    let whole = all(json!({}), 500).await;
    assert_eq!(i64::try_from(whole.len()).unwrap(), town.world.size().await);
    assert_eq!(all(json!({}), 7).await, whole);
    let mut backwards = all(json!({ "latestFirst": true }), 7).await;
    backwards.reverse();
    assert_eq!(backwards, whole);
    let of = |name: &str, part: fn(&Value) -> &Value, id: &Value| {
        (name.to_owned(), whole.iter().filter(|one| part(one) == id).cloned().collect::<Vec<_>>())
    };
    let finance = json!(town.people.finance.person.0);
    for ((name, expected), id) in [
        (of("streamId", |one| &one["streamId"], &partner["id"]), partner["id"].clone()),
        (of("actorId", |one| &one["actor"]["id"], &finance), finance),
    ] {
        let mut filter = serde_json::Map::new();
        filter.insert(name, id);
        assert_eq!(all(Value::Object(filter), 3).await, expected);
        assert!(!expected.is_empty());
    }
    assert_eq!(all(json!({ "to": "2026-01-01" }), 50).await, Vec::<Value>::new());
    assert_eq!(all(json!({ "from": "2026-01-01" }), 50).await, whole);
}
