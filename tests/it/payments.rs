//! Payment runs through the API: made by the people it takes, exported, answered by the bank, and turned down.

mod answers;
mod disputes;
mod killed;
mod round;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{Hash, PartnerId, Role};
use sqlx::Row as _;

use crate::store::all_is_well;
use crate::world::{Answer, World};

const TODAY: &str = "2026-05-29";
const PAY_ON: &str = "2026-06-01";
const LATER: &str = "2026-06-05";

/// The account numbers of the partners, in order; the last names a formula.
const ACCOUNTS: [(&str, &str); 2] = [("87651234", "Cooking Together"), ("87654321", "=Singing & \"Co\"")];

/// The people it takes, each in one role.
struct People {
    commissioner: Identity,
    authoriser: Identity,
    assessor: Identity,
    approver: Identity,
    maker: Identity,
    releaser: Identity,
    auditor: Identity,
}

/// A world with two approved partners, a fund and a programme.
struct Town {
    world: World,
    people: People,
    partners: Vec<Value>,
    programme: Value,
}

impl Town {
    async fn new() -> Self {
        let world = World::new().await;
        let people = People {
            commissioner: world.somebody("Amina Example", Role::Commissioner, None).await,
            authoriser: world.somebody("Cara Sample", Role::Commissioner, None).await,
            assessor: world.somebody("Ines Assessor", Role::Inclusion, None).await,
            approver: world.somebody("Ben Approver", Role::Approver, None).await,
            maker: world.somebody("Fay Finance", Role::Finance, None).await,
            releaser: world.somebody("Max Money", Role::Finance, None).await,
            auditor: world.somebody("Ola Auditor", Role::Auditor, None).await,
        };
        world.give_authority(&people.approver, "10000.00").await;
        let mut town = Self { world, people, partners: Vec::new(), programme: Value::Null };
        for (account, name) in ACCOUNTS {
            let partner = town.approved_partner(account, name, "2199-01-01").await;
            town.partners.push(partner);
        }
        town.programme = town.programme().await;
        town
    }

    async fn ask(&self, who: &Identity, on: &str, name: &str, input: Value) -> Answer {
        let (kind, inside) = shape(name);
        let mut input = input;
        input.as_object_mut().unwrap().entry("reason").or_insert(json!("For a test, all invented."));
        let document = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ receipt {{ index repeated }} {inside} }} }}"
        );
        self.world.ask_on(on, who, &document, json!({ "input": input })).await
    }

    /// Do something that must succeed, and give back the whole answer.
    async fn done_on(&self, who: &Identity, on: &str, name: &str, input: Value) -> Value {
        self.ask(who, on, name, input).await.data()[name].clone()
    }

    async fn done(&self, who: &Identity, name: &str, input: Value) -> Value {
        self.done_on(who, TODAY, name, input).await
    }

    /// Something that must be turned down with a code, and leave nothing behind; the sentence.
    async fn refused_on(&self, who: &Identity, on: &str, name: &str, input: Value, code: &str) -> String {
        let before = self.world.size().await;
        let answer = self.ask(who, on, name, input).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert!(sentence.ends_with('.') && sentence.len() > 10, "{sentence}");
        assert_eq!(self.world.size().await, before, "nothing is half done");
        sentence.to_owned()
    }

    async fn refused(&self, who: &Identity, name: &str, input: Value, code: &str) -> String {
        self.refused_on(who, TODAY, name, input, code).await
    }

    async fn look(&self, who: &Identity, document: &str, variables: Value) -> Value {
        self.world.ask_on(TODAY, who, document, variables).await.data().clone()
    }

    async fn approved_partner(&self, account: &str, name: &str, until: &str) -> Value {
        let People { commissioner, approver, .. } = &self.people;
        let new = json!({
            "name": "A synthetic partner", "legalForm": "UNINCORPORATED_ASSOCIATION", "areas": ["SEFTON_SOUTH"],
            "communities": ["CARERS"], "summary": "Cooking and singing."
        });
        let id = self.done(commissioner, "applyAsPartner", new).await["partner"]["id"].clone();
        for check in ["GOVERNING_DOCUMENT", "SIGNATORIES", "SAFEGUARDING", "DATA_PROTECTION"] {
            let evidence = json!({ "title": check, "sha256": "ab".repeat(32) });
            let input = json!({ "partnerId": id, "check": check, "evidence": evidence });
            self.done(commissioner, "submitCheckEvidence", input).await;
            let valid_until = if check == "SAFEGUARDING" { until } else { "2199-01-01" };
            let input = json!({ "partnerId": id, "check": check, "validUntil": valid_until });
            self.done(commissioner, "passCheck", input).await;
        }
        self.bank_details(&id, account, name, 1).await;
        self.done(approver, "approvePartner", json!({ "partnerId": id, "nextReview": "2199-01-01" })).await;
        id
    }

    /// Bank details handed in and verified.
    async fn bank_details(&self, partner: &Value, account: &str, name: &str, version: u32) {
        let People { commissioner, maker, .. } = &self.people;
        let bank = json!({ "partnerId": partner, "sortCode": "00-00-00", "accountNumber": account, "accountName": name });
        self.done(commissioner, "submitBankDetails", bank).await;
        let verify = json!({ "partnerId": partner, "bankVersion": version, "method": "CALL_BACK" });
        self.done(maker, "verifyBankDetails", verify).await;
    }

    async fn programme(&self) -> Value {
        let People { commissioner, maker, .. } = &self.people;
        let fund = json!({
            "name": "Harbour fund (synthetic)", "funder": "Example council", "spendFrom": "2026-04-01",
            "spendTo": "2027-03-31", "recoveryRule": "RECREDIT"
        });
        let fund = self.done(commissioner, "openFund", fund).await["fund"]["id"].clone();
        let budget = json!({ "fundId": fund, "amount": "10000.00", "year": "2026/27", "source": "Minute 1" });
        self.done(maker, "allocateBudget", budget).await;
        let programme = json!({
            "name": "Small sparks", "fundId": fund, "purpose": "belonging", "track": "SMALL", "route": "OPEN_CALL",
            "limits": { "least": "1.00", "most": "8000.00", "oneApprover": "8000.00", "reservationDays": 60, "targetWorkingDays": 10 },
            "opensOn": "2026-04-01", "closesOn": "2199-01-01",
            "eligibility": [{ "code": "local", "question": "Is the work local?" }],
            "scoring": [{ "code": "reach", "question": "Whom does it reach?" }]
        });
        self.done(commissioner, "openProgramme", programme).await["programme"]["id"].clone()
    }

    /// An active grant of a partner with an instalment for each amount, none authorised: its id and theirs.
    async fn grant(&self, partner: &Value, amounts: &[&str]) -> (Value, Vec<Value>) {
        let People { commissioner, assessor, approver, .. } = &self.people;
        let total: rust_decimal::Decimal =
            amounts.iter().map(|amount| amount.parse::<rust_decimal::Decimal>().unwrap()).sum();
        let applied = json!({
            "partnerId": partner, "programmeId": self.programme, "title": "Soup on Tuesdays",
            "purpose": "A weekly meal, cooked and eaten together.", "requested": total.to_string(),
            "places": ["SEFTON_SOUTH"], "startsOn": "2026-06-01", "endsOn": "2027-01-31"
        });
        let id = self.done(commissioner, "submitApplication", applied).await["grant"]["id"].clone();
        let results = json!([{ "criterion": "local", "met": true }]);
        self.done(commissioner, "judgeEligibility", json!({ "grantId": id, "results": results })).await;
        let assign = json!({ "grantId": id, "assessorId": assessor.person.0 });
        self.done(commissioner, "assignAssessor", assign).await;
        let score =
            json!({ "grantId": id, "criterion": "reach", "score": 4, "justification": "Many people." });
        self.done(assessor, "recordScore", score).await;
        let recommend = json!({ "grantId": id, "amount": total.to_string() });
        self.done(commissioner, "recommendGrant", recommend).await;
        let planned: Vec<Value> = amounts
            .iter()
            .map(|amount| json!({ "amount": amount, "due": PAY_ON, "conditions": [] }))
            .collect();
        let approve = json!({ "grantId": id, "instalments": planned, "termsVersion": "2026-1" });
        let grant = self.done(approver, "approveGrant", approve).await["grant"].clone();
        let terms = "cd".repeat(32);
        let offer = json!({ "grantId": id, "termsHash": terms, "acceptBy": "2026-06-30" });
        self.done(commissioner, "issueOffer", offer).await;
        let own = PartnerId(partner.as_str().unwrap().parse().unwrap());
        let admin = self.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
        let accept = json!({ "grantId": id, "termsHash": terms, "signatoryRole": "CHAIR" });
        self.done(&admin, "acceptOffer", accept).await;
        let instalments = grant["instalments"].as_array().unwrap();
        (id, instalments.iter().map(|one| one["id"].clone()).collect())
    }

    async fn authorise(&self, on: &str, grant: &Value, instalment: &Value) {
        let pay = json!({ "grantId": grant, "instalmentId": instalment, "payOn": on });
        self.done(&self.people.authoriser, "authoriseInstalment", pay).await;
    }

    /// An active grant with every instalment authorised, as lines for a run.
    async fn authorised(&self, partner: usize, amounts: &[&str]) -> Vec<Value> {
        let (grant, instalments) = self.grant(&self.partners[partner], amounts).await;
        let mut lines = Vec::new();
        for instalment in instalments {
            self.authorise(PAY_ON, &grant, &instalment).await;
            lines.push(json!({ "grantId": grant, "instalmentId": instalment }));
        }
        lines
    }

    /// A run opened by the maker, with lines in it: its id and its reference.
    async fn run(&self, lines: &[Value]) -> (Value, String) {
        let maker = &self.people.maker;
        let open = json!({ "title": "June", "payOn": PAY_ON });
        let run = self.done(maker, "openPaymentRun", open).await["paymentRun"].clone();
        if !lines.is_empty() {
            let add = json!({ "runId": run["id"], "lines": lines });
            self.done(maker, "addToPaymentRun", add).await;
        }
        (run["id"].clone(), run["reference"].as_str().unwrap().to_owned())
    }

    /// A run that is with the bank: its id, its reference and the export’s answer.
    async fn exported(&self, lines: &[Value]) -> (Value, String, Value) {
        let People { approver, maker, releaser, .. } = &self.people;
        let (id, reference) = self.run(lines).await;
        self.done(approver, "approvePaymentRun", json!({ "runId": id })).await;
        self.done(releaser, "releasePaymentRun", json!({ "runId": id })).await;
        let export = self.done(maker, "exportPaymentRun", json!({ "runId": id })).await;
        (id, reference, export)
    }

    async fn figures(&self) -> Value {
        let document = "{ ledger { figures { available committed paid: spent } } laws { holds } }";
        let answer = self.look(&self.people.auditor, document, json!({})).await;
        assert_eq!(answer["laws"]["holds"], true);
        answer["ledger"][0]["figures"].clone()
    }

    /// What the vault noted of its readings: who, in which role, and why.
    async fn readings(&self) -> Vec<(uuid::Uuid, String, String)> {
        let rows = sqlx::query("SELECT person, role, why FROM vault.reading ORDER BY reading");
        let rows = rows.fetch_all(&self.world.owner().await).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }
}

/// The type of a mutation’s input, and what to ask of its answer.
fn shape(name: &str) -> (String, &'static str) {
    let input = match name {
        "approvePartner" => "PartnerReviewInput".into(),
        "suspendPartner" => "PartnerInput".into(),
        "allocateBudget" => "BudgetInput".into(),
        "approvePaymentRun"
        | "releasePaymentRun"
        | "voidPaymentRun"
        | "exportPaymentRun"
        | "reconcilePaymentRun" => "PaymentRunInput".into(),
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            format!("{}Input", first.into_iter().chain(letters).collect::<String>())
        }
    };
    let inside = match name {
        "openFund" | "allocateBudget" => "fund { id }",
        "openProgramme" => "programme { id }",
        "exportPaymentRun" => {
            "paymentRun { id status } fileName content sha256 controlTotal controlTotalPence"
        }
        "loadRemittance" => {
            "paymentRun { id status pending { lines amount } confirmed { lines amount } } \
             remittance { matched { line result amount } alreadyRecorded notInFile notInRun { line } }"
        }
        "settleDisputedReturn" => "paymentRun { id }",
        other if other.contains("PaymentRun") => "paymentRun { id reference status }",
        other if other.contains("Partner") || other.contains("Check") || other.contains("Bank") => {
            "partner { id }"
        }
        _ => "grant { id instalments { id amount closedOn bankCode replacedById paidOn runId runLine } }",
    };
    (input, inside)
}

/// A bank’s answer with its total, as base64.
fn answer(rows: &[String]) -> String {
    STANDARD.encode(answer_text(rows))
}

fn answer_text(rows: &[String]) -> String {
    let amounts =
        rows.iter().map(|row| row.split(',').nth(3).unwrap().parse::<rust_decimal::Decimal>().unwrap());
    let total: rust_decimal::Decimal = amounts.sum();
    let mut text = "run,line,result,amount,value_date,bank_code\n".to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text + &format!("total,{},,{total},,\n", rows.len())
}

fn paid(run: &str, line: u32, amount: &str) -> String {
    format!("{run},{line},paid,{amount},{PAY_ON},")
}

fn rejected(run: &str, line: u32, amount: &str) -> String {
    format!("{run},{line},rejected,{amount},,AC04")
}

fn returned(run: &str, line: u32, amount: &str) -> String {
    format!("{run},{line},returned,{amount},{LATER},AM09")
}
