//! Things that exist and are not theirs: in every role, every field of the API that takes an id is asked about something
//! on the record and about nothing at all, and both answers are the same byte for byte, but for the id.

use std::collections::BTreeSet;

use super::*;
use crate::sample::Loading;
use crate::world::Answer;

use async_graphql::{Request, Variables};
use sidebyside::graphql::{Api, api};

/// What is public, or that anybody who is signed in may report.
const FOR_EVERYBODY: &[&str] = &["programme", "site", "course"];

/// What an id is of, by the name of the argument; `id` by the name of the field it is an argument of.
fn kind_of<'a>(field: &'a str, argument: &'a str) -> &'a str {
    match (argument, field) {
        ("id", "supportedPerson") => "personRef",
        ("id", "offerVersion") => "offerId",
        ("id", "prescriptionReceived") => "prescriptionId",
        ("id", other) | (other, _) => other,
    }
}

impl Schema {
    /// Whether the input of a mutation says on which version it was decided.
    fn takes_a_version(&self, field: &Value) -> bool {
        let input = &field["args"][0]["type"]["ofType"]["name"];
        let known = input.as_str().and_then(|name| self.0.get(name));
        let fields = known.and_then(|kind| kind["inputFields"].as_array());
        fields.is_some_and(|fields| fields.iter().any(|field| field["name"] == "expectedVersion"))
    }
}

/// The ids of things, one of each kind, of which nothing belongs to the partner `mine`.
struct Things(BTreeMap<&'static str, Uuid>);

impl Things {
    async fn not_of(world: &World, mine: Uuid) -> Self {
        let sources = [
            ("partnerId", "SELECT id FROM views.partner WHERE id <> $1 AND doc ->> 'status' <> 'approved'"),
            ("partner", "SELECT id FROM views.partner WHERE id <> $1 AND doc ->> 'status' <> 'approved'"),
            ("grantId", "SELECT id FROM views.grant_case WHERE partner <> $1"),
            ("grant", "SELECT id FROM views.grant_case WHERE partner <> $1"),
            (
                "offerId",
                "SELECT id FROM views.offer WHERE partner <> $1 AND status IN ('draft', 'in_review')",
            ),
            ("offer", "SELECT id FROM views.offer WHERE partner <> $1 AND status IN ('draft', 'in_review')"),
            ("consultationId", "SELECT id FROM views.consultation WHERE host <> $1"),
            ("consultation", "SELECT id FROM views.consultation WHERE host <> $1"),
            ("needId", NEED),
            ("need", NEED),
            ("voiceId", "SELECT subject FROM vault.item WHERE kind = 'voice' AND subject <> $1"),
            ("sessionId", "SELECT id FROM views.session WHERE host IS DISTINCT FROM $1"),
            ("session", "SELECT id FROM views.session WHERE host IS DISTINCT FROM $1"),
            ("prescriptionId", "SELECT id FROM views.prescription WHERE partner <> $1"),
            ("prescription", "SELECT id FROM views.prescription WHERE partner <> $1"),
            ("personRef", PERSON),
            ("referralId", "SELECT id FROM views.referral WHERE id <> $1"),
            ("referral", "SELECT id FROM views.referral WHERE id <> $1"),
            ("contactId", "SELECT id FROM views.contact WHERE id <> $1"),
            ("contact", "SELECT id FROM views.contact WHERE id <> $1"),
            ("fundId", "SELECT id FROM views.fund WHERE id <> $1"),
            ("fund", "SELECT id FROM views.fund WHERE id <> $1"),
            ("runId", "SELECT id FROM views.payment_run WHERE id <> $1"),
            ("paymentRun", "SELECT id FROM views.payment_run WHERE id <> $1"),
        ];
        let (owner, mut ids) = (world.owner().await, BTreeMap::new());
        for (kind, sql) in sources {
            let sql = format!("{sql} ORDER BY 1 LIMIT 1");
            let found = sqlx::query_scalar(&sql).bind(mine).fetch_one(&owner).await;
            ids.insert(kind, found.unwrap_or_else(|why| panic!("{kind}: {why}")));
        }
        Self(ids)
    }

    /// As many ids of nothing.
    fn nowhere(&self) -> Self {
        let unknown = self.0.keys().zip(0x404_0000..).map(|(kind, number)| (*kind, Uuid::from_u128(number)));
        Self(unknown.collect())
    }

    /// Put these ids in the place of those of the same kind.
    fn put_into(&self, value: &mut Value, field: &str, name: &str) {
        match value {
            Value::String(_) => {
                if let Some(id) = self.0.get(kind_of(field, name)) {
                    *value = json!(id);
                }
            }
            Value::Object(entries) => {
                entries.iter_mut().for_each(|(name, value)| self.put_into(value, field, name));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.put_into(item, field, name)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// An answer without them.
    fn taken_out_of(&self, answer: &Value) -> String {
        let text = answer.to_string();
        self.0.values().fold(text, |text, id| text.replace(&id.to_string(), "…"))
    }
}

const NEED: &str =
    "SELECT (need ->> 'id')::uuid FROM views.consultation, jsonb_array_elements(doc -> 'needs') AS need
    WHERE host <> $1";
const PERSON: &str = "SELECT id FROM views.person WHERE NOT erased AND NOT doc -> 'sharing' ? $1::text";

/// A partner of the sample, and somebody of it in each role.
async fn stranger(world: &World, role: Role, partner: Uuid) -> Identity {
    if role == Role::Public {
        return Identity::public();
    }
    let own = role.is_of_a_partner().then_some(PartnerId(partner));
    world.somebody("Sam Stranger", role, own).await
}

/// Ask one server, which is made once: there is much to ask.
async fn ask(server: &Api, who: &Identity, document: &str, variables: Value) -> Answer {
    let request = Request::new(document).variables(Variables::from_json(variables)).data(who.clone());
    Answer(serde_json::to_value(server.execute(request).await).unwrap())
}

async fn partner_with_a_session(world: &World) -> (Uuid, Uuid) {
    sqlx::query_as(
        "SELECT host, session.id FROM views.session JOIN views.partner ON partner.id = host
         WHERE partner.doc ->> 'status' = 'approved' AND session.status = 'delivered' ORDER BY session.id LIMIT 1",
    )
    .fetch_one(&world.owner().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn what_is_not_theirs_is_answered_byte_for_byte_as_what_does_not_exist() {
    let loading = Loading::new().await;
    let world = loading.world();
    let schema = Schema::of(world).await;
    let (mine, _) = partner_with_a_session(world).await;
    let there = Things::not_of(world, mine).await;
    let (nowhere, server) = (there.nowhere(), api(world.app()));
    let before = world.size().await;
    let (mut asked, mut hidden) = (0, BTreeSet::new());
    for (operation, root) in [("query", "Query"), ("mutation", "Mutation")] {
        for field in schema.fields(root) {
            let name = field["name"].as_str().unwrap();
            let (_, roles) = DEEDS.iter().find(|(deed, _)| *deed == name).unwrap();
            let (document, plain) = schema.document(operation, &field);
            let with = |things: &Things, version: &Value| {
                let mut variables = plain.clone();
                things.put_into(&mut variables, name, "");
                if !version.is_null() {
                    variables["input"]["expectedVersion"] = version.clone();
                }
                variables
            };
            if with(&there, &Value::Null) == plain || FOR_EVERYBODY.contains(&name) {
                continue;
            }
            // A version that is not the latest tells nothing either.
            let versions = [Value::Null, json!(1)];
            let versions = if schema.takes_a_version(&field) { &versions[..] } else { &versions[..1] };
            // Whom it is for sees it; people of a partner see what is theirs, and nothing of this is.
            for role in Role::ALL.into_iter().filter(|role| !roles.contains(role) || role.is_of_a_partner()) {
                let who = stranger(world, role, mine).await;
                for version in versions {
                    let theirs = ask(&server, &who, &document, with(&there, version)).await;
                    let unknown = ask(&server, &who, &document, with(&nowhere, version)).await;
                    let (one, other) = (there.taken_out_of(&theirs.0), nowhere.taken_out_of(&unknown.0));
                    assert_eq!(one, other, "{name} as {} on version {version}", role.name());
                    asked += 1;
                    if theirs.refusal().0 == "not_found" {
                        hidden.insert(name.to_owned());
                    }
                }
            }
        }
    }
    assert_eq!(world.size().await, before, "nobody did anything");
    assert!(asked > 800, "{asked}");
    assert!(hidden.len() > 35, "{}: {hidden:?}", hidden.len());
}

#[tokio::test]
async fn lists_and_people_who_are_not_theirs_are_answered_as_if_there_were_none() {
    let loading = Loading::new().await;
    let world = loading.world();
    let (mine, session) = partner_with_a_session(world).await;
    let there = Things::not_of(world, mine).await;
    let (nowhere, server) = (there.nowhere(), api(world.app()));
    let own = [Role::PartnerAdmin, Role::PartnerWorker];
    let money = [Role::Commissioner, Role::Approver, Role::Finance, Role::Auditor];
    let history = "query($id: UUID!) { history(filter: {streamId: $id}) { totalCount nodes { sentence } } }";
    let mark = format!(
        "mutation($id: UUID!) {{ markAttendee(input: {{sessionId: \"{session}\", personRef: $id}}) {{ receipt {{ index }} }} }}"
    );
    let rows: [(&[Role], &str, &[&str]); 8] = [
        (&money, history, &["personRef", "referralId", "contactId", "prescriptionId"]),
        (
            &own,
            history,
            &["personRef", "prescriptionId", "grantId", "offerId", "partnerId", "consultationId", "needId"],
        ),
        (&own, &mark, &["personRef"]),
        (&own, "query($id: UUID!) { consultations(filter: {hostId: $id}) { title } }", &["partnerId"]),
        (&own, "query($id: UUID!) { grants(filter: {partnerId: $id}) { totalCount } }", &["partnerId"]),
        (
            &own,
            "query($id: UUID!) { prescriptionInbox(filter: {partnerId: $id}) { totalCount } }",
            &["partnerId"],
        ),
        (
            &own,
            "query($id: UUID!) { prescriptionInbox(filter: {offerId: $id}) { totalCount } }",
            &["offerId"],
        ),
        (&own, "query($id: UUID!) { sessions(filter: {hostPartnerId: $id}) { totalCount } }", &["partnerId"]),
    ];
    let before = world.size().await;
    for (roles, document, kinds) in rows {
        for role in roles {
            let who = stranger(world, *role, mine).await;
            for kind in kinds {
                let theirs = ask(&server, &who, document, json!({ "id": there.0[kind] })).await;
                let unknown = ask(&server, &who, document, json!({ "id": nowhere.0[kind] })).await;
                let (one, other) = (there.taken_out_of(&theirs.0), nowhere.taken_out_of(&unknown.0));
                assert_eq!(one, other, "{document} of {kind} as {}", role.name());
                assert!(!one.contains("query.invalid"), "{one}");
            }
        }
    }
    assert_eq!(world.size().await, before, "nobody did anything");
}

#[tokio::test]
async fn inclusion_and_advisors_see_the_cases_they_assess_and_no_others() {
    let loading = Loading::new().await;
    let world = loading.world();
    let server = api(world.app());
    let document = "query($id: UUID!) { grant(id: $id) { reference purpose scores { criterion } } }";
    let assessed: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT id, (jsonb_array_elements_text(doc -> 'assessors'))::uuid FROM views.grant_case ORDER BY 1, 2",
    )
    .fetch_all(&world.owner().await)
    .await
    .unwrap();
    for (name, role) in [("Rosa Imaginary", Role::Inclusion), ("Jamie Pretend", Role::Advisor)] {
        let who = world.somebody(name, role, None).await;
        let is_theirs = |id: &Uuid| assessed.contains(&(*id, who.person.0));
        let (theirs, others): (Vec<Uuid>, Vec<Uuid>) =
            assessed.iter().map(|(id, _)| *id).partition(is_theirs);
        assert!(!theirs.is_empty() && !others.is_empty(), "{name}: {assessed:?}");
        let seen = ask(&server, &who, document, json!({ "id": theirs[0] })).await;
        assert!(seen.data()["grant"]["reference"].as_str().is_some(), "{name}");
        let hidden = ask(&server, &who, document, json!({ "id": others[0] })).await;
        let nothing = ask(&server, &who, document, json!({ "id": Uuid::from_u128(0x404) })).await;
        assert_eq!(hidden.0, nothing.0, "{name}");
        assert_eq!(hidden.refusal().0, "not_found", "{name}");
    }
}
