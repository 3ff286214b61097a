//! Who may do what, cell by cell: every field of the API against every role, and partners against each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sidebyside::app::authority::DEEDS;
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};
use sidebyside::graphql::sdl;
use uuid::Uuid;

use crate::world::World;

mod strangers;

const INTROSPECTION: &str = "{ __schema { queryType { name } mutationType { name } types { name kind
    description enumValues { name } inputFields { name description type { ...t } }
    fields { name description args { name description type { ...t } } type { ...t } } } } }
    fragment t on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

struct Schema(BTreeMap<String, Value>);

impl Schema {
    async fn of(world: &World) -> Self {
        let answer = world.ask(&Identity::public(), INTROSPECTION, json!({})).await;
        let types = answer.data()["__schema"]["types"].as_array().unwrap().clone();
        Self(types.into_iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one)).collect())
    }

    fn fields(&self, root: &str) -> Vec<Value> {
        self.0[root]["fields"].as_array().unwrap().clone()
    }

    /// A value of a type that passes the reading of what was typed.
    fn some(&self, name: &str, kind: &Value) -> Value {
        match kind["kind"].as_str().unwrap() {
            "NON_NULL" => self.some(name, &kind["ofType"]),
            "LIST" => json!([self.some(name, &kind["ofType"])]),
            "ENUM" => self.0[kind["name"].as_str().unwrap()]["enumValues"][0]["name"].clone(),
            "INPUT_OBJECT" => {
                let fields = self.0[kind["name"].as_str().unwrap()]["inputFields"].as_array().unwrap();
                let needed = fields.iter().filter(|field| field["type"]["kind"] == "NON_NULL");
                let mut object = Map::new();
                for field in needed {
                    let name = field["name"].as_str().unwrap();
                    object.insert(name.to_owned(), self.some(name, &field["type"]));
                }
                Value::Object(object)
            }
            _ => match (kind["name"].as_str().unwrap(), name) {
                ("UUID", _) => json!(Uuid::from_u128(77)),
                ("Money", _) => json!("1.00"),
                ("Date", _) => json!("2026-01-01"),
                ("FinancialYear", _) => json!("2026/27"),
                ("Int" | "Count", _) => json!(1),
                ("Boolean", _) => json!(true),
                (_, "startsAt") => json!("10:30"),
                (_, "sortCode") => json!("00-00-00"),
                (_, "accountNumber") => json!("00000001"),
                (_, "termsHash" | "sha256") => json!("ab".repeat(32)),
                _ => json!("words"),
            },
        }
    }

    fn document(&self, operation: &str, field: &Value) -> (String, Value) {
        let name = field["name"].as_str().unwrap();
        let (mut head, mut call, mut variables) = (Vec::new(), Vec::new(), Map::new());
        for arg in field["args"].as_array().unwrap().iter().filter(|arg| arg["type"]["kind"] == "NON_NULL") {
            let arg_name = arg["name"].as_str().unwrap();
            head.push(format!("${arg_name}: {}!", arg["type"]["ofType"]["name"].as_str().unwrap()));
            call.push(format!("{arg_name}: ${arg_name}"));
            variables.insert(arg_name.to_owned(), self.some(arg_name, &arg["type"]));
        }
        let head = if head.is_empty() { String::new() } else { format!("({})", head.join(", ")) };
        let call = if call.is_empty() { String::new() } else { format!("({})", call.join(", ")) };
        (format!("{operation} {head} {{ {name}{call} {{ __typename }} }}"), Value::Object(variables))
    }
}

#[tokio::test]
async fn every_field_of_the_api_has_a_row_and_every_row_a_field() {
    let world = World::new().await;
    let schema = Schema::of(&world).await;
    let fields: BTreeSet<String> = ["Query", "Mutation"]
        .into_iter()
        .flat_map(|root| schema.fields(root))
        .map(|field| field["name"].as_str().unwrap().to_owned())
        .collect();
    let rows: BTreeSet<String> = DEEDS.iter().map(|(deed, _)| (*deed).to_owned()).collect();
    assert_eq!(rows.len(), DEEDS.len(), "no deed has two rows");
    assert_eq!(fields, rows);
}

#[tokio::test]
async fn every_role_may_do_exactly_what_its_cell_says() {
    let world = World::new().await;
    let schema = Schema::of(&world).await;
    let mut cells = 0;
    for (operation, root) in [("query", "Query"), ("mutation", "Mutation")] {
        for field in schema.fields(root) {
            let name = field["name"].as_str().unwrap();
            let (_, roles) = DEEDS.iter().find(|(deed, _)| *deed == name).unwrap();
            let (document, variables) = schema.document(operation, &field);
            for role in Role::ALL {
                let who = world.anybody(role).await;
                let answer = world.ask(&who, &document, variables.clone()).await;
                let code =
                    answer.0["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned();
                let message = answer.0["errors"][0]["message"].as_str().unwrap_or_default();
                assert_eq!(
                    code == "forbidden",
                    !roles.contains(&role),
                    "{name} as {}: {code} {message}",
                    role.name()
                );
                assert!(!["broken", "query.invalid"].contains(&code.as_str()), "{name}: {code} {message}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, DEEDS.len() * Role::ALL.len());
    assert!(cells > 400);
}

#[tokio::test]
async fn what_is_another_partners_is_answered_as_if_it_did_not_exist() {
    let world = World::new().await;
    let commissioner = world.somebody("Amina Example", Role::Commissioner, None).await;
    let apply = "mutation($name: String!) { applyAsPartner(input: {name: $name, legalForm: FAITH_GROUP, areas: [KNOWSLEY],
        communities: [EVERYONE], summary: \"Songs\"}) { partner { id } } }";
    let mut ids = Vec::new();
    for name in ["Choir one", "Choir two"] {
        let answer = world.ask(&commissioner, apply, json!({ "name": name })).await;
        ids.push(answer.data()["applyAsPartner"]["partner"]["id"].clone());
    }
    let own = PartnerId(ids[0].as_str().unwrap().parse().unwrap());
    let admin = world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await;
    let nothing = json!(Uuid::from_u128(404));
    for document in [
        "query($id: UUID!) { partner(id: $id) { name } }",
        "query($id: UUID!) { history(filter: {streamId: $id}) { nodes { sentence } } }",
        "mutation($id: UUID!) { withdrawPartnerApplication(input: {partnerId: $id}) { receipt { index } } }",
        "mutation($id: UUID!) { submitBankDetails(input: {partnerId: $id, sortCode: \"000000\", accountNumber: \"00000001\", accountName: \"A\"}) { receipt { index } } }",
    ] {
        let theirs = world.ask(&admin, document, json!({ "id": ids[1] })).await;
        let unknown = world.ask(&admin, document, json!({ "id": nothing })).await;
        assert_eq!(theirs.refusal(), unknown.refusal(), "{document}");
        assert_eq!(theirs.refusal().0, "not_found");
    }
    let mine = world
        .ask(
            &admin,
            "query($id: UUID!) { partner(id: $id) { name status checks { standing } } }",
            json!({ "id": ids[0] }),
        )
        .await;
    assert_eq!(mine.data()["partner"]["status"], "APPLIED");
    assert!(mine.data()["partner"]["checks"].is_array());
    let found = world.ask(&Identity::public(), "{ partners { totalCount } }", json!({})).await;
    assert_eq!(found.data()["partners"]["totalCount"], 0, "only approved partners are public");
}

#[tokio::test]
async fn everything_in_the_api_is_described() {
    let world = World::new().await;
    let schema = Schema::of(&world).await;
    let mut bare = Vec::new();
    let is_bare = |one: &Value| one["description"].as_str().unwrap_or_default().trim().is_empty();
    for (name, kind) in schema.0.iter().filter(|(name, _)| !name.starts_with("__")) {
        let scalar =
            kind["kind"] == "SCALAR" && ["String", "Int", "Float", "Boolean", "ID"].contains(&name.as_str());
        if is_bare(kind) && !scalar {
            bare.push(name.clone());
        }
        for list in ["fields", "inputFields"] {
            for field in kind[list].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", field["name"].as_str().unwrap());
                for arg in field["args"].as_array().into_iter().flatten().filter(|arg| is_bare(arg)) {
                    bare.push(format!("{path}({})", arg["name"].as_str().unwrap()));
                }
                if is_bare(field) {
                    bare.push(path);
                }
            }
        }
    }
    assert!(bare.is_empty(), "without a description: {bare:#?}");
    assert!(!sdl().contains(": Float"), "no float in the API");
}

#[test]
fn the_committed_schema_is_the_printed_one() {
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert!(committed == sdl(), "schema.graphql is not what the program prints: run `make schema`");
}

#[tokio::test]
async fn everybody_is_told_when_they_were_here_before_this_visit() {
    let world = World::new().await;
    let amina = world.somebody("Amina Invented", Role::Commissioner, None).await;
    let before = async |who: &Identity| {
        world.ask(who, "{ me { lastHereAt } }", json!({})).await.data()["me"]["lastHereAt"].clone()
    };
    assert_eq!(before(&amina).await, Value::Null, "the first time there is no before");
    assert_eq!(before(&amina).await, Value::Null, "nor a moment later, in the same visit");
    let owner = world.owner().await;
    let earlier = "UPDATE auth.account SET here_at = '2026-11-20 16:30+00' WHERE person_id = $1";
    sqlx::query(earlier).bind(amina.person.0).execute(&owner).await.unwrap();
    for _ in 0..2 {
        assert_eq!(before(&amina).await, "2026-11-20T16:30:00+00:00", "as long as this visit lasts");
    }
    let dan = world.somebody("Dan Invented", Role::Auditor, None).await;
    assert_eq!(before(&dan).await, Value::Null, "each for themselves");
    assert_eq!(before(&Identity::public()).await, Value::Null, "nobody is known by not signing in");
}
