//! People who are helped, through the API: what is kept where, who may see it, and how referrals and talks go.

mod forgetting;
pub mod traces;

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::Role;
use sidebyside::store::embedded::AUDITOR;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use crate::world::{Answer, World};

const WHY: &str = "To ring back about the walk";
/// A number of the range for tests, with a sound check digit.
const NHS_NUMBER: &str = "9990000018";

/// A world with two advisors.
struct Talks {
    world: World,
    jamie: Identity,
    priya: Identity,
}

/// The type of the input of a mutation, by its name.
fn input_of(mutation: &str) -> String {
    if ["erasePerson", "dropErasure"].contains(&mutation) {
        return "PersonInput".to_owned();
    }
    if mutation == "withdrawVoice" {
        return "VoiceInput".to_owned();
    }
    let mut letters = mutation.chars();
    let first = letters.next().unwrap().to_ascii_uppercase();
    format!("{first}{}Input", letters.as_str())
}

impl Talks {
    async fn new() -> Self {
        let world = World::new().await;
        let jamie = world.somebody("Jamie Pretend", Role::Advisor, None).await;
        let priya = world.somebody("Priya Pretence", Role::Advisor, None).await;
        Self { world, jamie, priya }
    }

    /// Carry a mutation out as Jamie, on a day.
    async fn on(&self, day: &str, mutation: &str, input: Value) -> Answer {
        self.by(&self.jamie, day, mutation, input).await
    }

    async fn by(&self, who: &Identity, day: &str, mutation: &str, input: Value) -> Answer {
        let kind = input_of(mutation);
        let inside = match mutation {
            "findPerson" => "people { id contactCount }",
            "openPersonDetails" => "details { name phone dateOfBirth nhsNumber notes }",
            "openReferralLetter" => "letter",
            "receiveReferral" | "triageReferral" | "acceptReferral" | "declineReferral"
            | "redirectReferral" | "tellReferrer" => {
                "referral { id status triageDue isOverdue hasLetter decidedOn toldOn advisor { name } }"
            }
            "recordContact" | "giveSignpost" => {
                "contact { id needs ageBand communities signposts { service } }"
            }
            _ => {
                "receipt { index repeated } person { id hasDetails sharing { items } erasedOn erasureConfirmedOn }"
            }
        };
        let document = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {inside} }} }}");
        self.world.ask_on(day, who, &document, json!({ "input": input })).await
    }

    async fn registered(&self) -> Value {
        let answer = self.on("2026-05-01", "registerPerson", json!({ "met": "THEMSELVES" })).await;
        answer.data()["registerPerson"]["person"]["id"].clone()
    }

    async fn known(&self) -> Value {
        let person = self.registered().await;
        let mut first = details(&person);
        first["commandId"] = json!(Uuid::from_u128(71));
        self.on("2026-05-01", "keepPersonDetails", first).await.data();
        person
    }
}

fn details(person: &Value) -> Value {
    json!({ "personRef": person, "name": "Alex Pretend", "phone": "0151 496 0123", "dateOfBirth": "1968-11-30",
        "nhsNumber": "999 000 0018", "notes": "Prefers a call after two." })
}

fn referral(person: &Value) -> Value {
    json!({ "personRef": person, "source": "GENERAL_PRACTICE", "reasons": ["LONELINESS"], "urgency": "SOON",
        "letter": "Sits at home since the winter, says the surgery." })
}

fn talk(person: &Value) -> Value {
    json!({ "personRef": person, "channel": "PHONE", "needs": ["LONELINESS", "WARMTH"], "ageBand": "FROM_50_TO_64",
        "area": "SEFTON_SOUTH", "communities": ["CARERS"], "minutes": "FROM_15_TO_29" })
}

async fn count(pool: &PgPool, of: &str) -> i64 {
    sqlx::query_scalar(&format!("SELECT count(*) FROM {of}")).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn who_a_person_is_is_in_the_vault_and_opened_with_a_reason() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    let open = json!({ "personRef": person, "why": WHY });
    let answer = talks.on("2026-05-04", "openPersonDetails", open).await;
    assert_eq!(
        answer.data()["openPersonDetails"]["details"],
        json!({ "name": "Alex Pretend", "phone": "0151 496 0123", "dateOfBirth": "1968-11-30",
            "nhsNumber": "999 000 0018", "notes": "Prefers a call after two." })
    );
    let unsaid =
        talks.on("2026-05-04", "openPersonDetails", json!({ "personRef": person, "why": " " })).await;
    assert_eq!(unsaid.refusal().0, "vault.why_required");

    let other = talks.registered().await;
    let nobody = talks.on("2026-05-04", "openPersonDetails", json!({ "personRef": other, "why": WHY })).await;
    assert_eq!(nobody.refusal().0, "person.no_details");
    let twice = talks.on("2026-05-04", "keepPersonDetails", details(&other)).await;
    assert_eq!(twice.refusal().0, "person.known_already");
    assert!(twice.refusal().1.starts_with("Somebody with this NHS number is on the record already"));

    let again = json!({ "personRef": person, "name": "Alex Pretence" });
    talks.on("2026-05-05", "keepPersonDetails", again).await.data();
    let owner = talks.world.owner().await;
    assert_eq!(count(&owner, "vault.item").await, 1, "what was kept before is gone");
    let open = json!({ "personRef": person, "why": WHY });
    let answer = talks.on("2026-05-05", "openPersonDetails", open).await;
    assert_eq!(answer.data()["openPersonDetails"]["details"]["name"], "Alex Pretence");
}

#[tokio::test]
async fn a_person_is_found_again_and_that_somebody_looked_is_for_auditors_to_see() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    let found = [json!({ "id": person, "contactCount": 0 })];
    for by in [
        json!({ "nhsNumber": NHS_NUMBER, "why": WHY }),
        json!({ "name": "PRETEND, Alex", "dateOfBirth": "1968-11-30", "why": WHY }),
    ] {
        let answer = talks.on("2026-05-04", "findPerson", by.clone()).await;
        assert_eq!(answer.data()["findPerson"]["people"], json!(found), "{by}");
    }
    let nobody = json!({ "name": "Alex Pretend", "dateOfBirth": "1968-11-29", "why": WHY });
    assert_eq!(talks.on("2026-05-04", "findPerson", nobody).await.data()["findPerson"]["people"], json!([]));
    talks.on("2026-05-04", "openPersonDetails", json!({ "personRef": person, "why": WHY })).await.data();
    for by in [json!({ "why": WHY }), json!({ "name": "Alex", "nhsNumber": NHS_NUMBER, "why": WHY })] {
        assert_eq!(talks.on("2026-05-04", "findPerson", by).await.refusal().0, "person.sought_by");
    }

    let auditor = talks.world.somebody("Otto Auditor", Role::Auditor, None).await;
    let document = "{ vaultReadings { nodes { itemId kind act why role reader { name } } } }";
    let answer = talks.world.ask(&auditor, document, json!({})).await;
    let readings = answer.data()["vaultReadings"]["nodes"].as_array().unwrap();
    let acts: Vec<&str> = readings.iter().map(|one| one["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["opened", "searched", "searched", "searched"], "the latest first");
    assert_eq!(readings[1]["itemId"], Value::Null, "nobody was found");
    assert_eq!(readings[0]["itemId"], readings[3]["itemId"]);
    for one in readings {
        assert_eq!(
            (&one["kind"], &one["why"], &one["role"], &one["reader"]["name"]),
            (&json!("person_details"), &json!(WHY), &json!("ADVISOR"), &json!("Jamie Pretend"))
        );
    }
    let whole = answer.0.to_string();
    assert!(!whole.contains(person.as_str().unwrap()) && !whole.contains("Alex"), "{whole}");
}

#[tokio::test]
async fn what_cannot_be_true_of_a_person_is_refused_field_by_field_and_not_repeated() {
    let talks = Talks::new().await;
    let person = talks.registered().await;
    for (field, typed, code) in [
        ("nhsNumber", "9990000019", "nhs_number.check_digit"),
        ("nhsNumber", "9999999999", "nhs_number.all_equal"),
        ("nhsNumber", "99900000", "nhs_number.unreadable"),
        ("phone", "ask his neighbour", "details.phone_unreadable"),
        ("email", "alex.pretend", "details.email_unreadable"),
        ("dateOfBirth", "30.11.1968", "details.birth_unreadable"),
        ("dateOfBirth", "2026-05-05", "details.birth_out_of_range"),
    ] {
        let mut input = details(&person);
        input[field] = json!(typed);
        let answer = talks.on("2026-05-04", "keepPersonDetails", input).await;
        assert_eq!(answer.problems(), [(field, code)]);
        assert!(!answer.0.to_string().contains(typed), "{}", answer.0);
    }
    assert_eq!(count(&talks.world.owner().await, "vault.item").await, 0);
}

#[tokio::test]
async fn nothing_about_a_person_is_in_the_log() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    talks.on("2026-05-04", "receiveReferral", referral(&person)).await.data();
    talks.on("2026-05-04", "recordContact", talk(&person)).await.data();
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT payload::text || metadata::text FROM public.events ORDER BY index")
            .fetch_all(talks.world.store.pool())
            .await
            .unwrap();
    assert_eq!(rows.len(), 4);
    for secret in ["Alex", "Pretend", "0151 496", "1968-11-30", "9990000018", "surgery", "after two"] {
        assert!(rows.iter().all(|row| !row.contains(secret)), "{secret}");
    }
}

#[tokio::test]
async fn a_referral_goes_from_the_letter_to_telling_the_referrer() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    let answer = talks.on("2026-05-01", "receiveReferral", referral(&person)).await;
    let came = &answer.data()["receiveReferral"]["referral"];
    // The first of May 2026 is a Friday, and the Monday after it a bank holiday.
    assert_eq!((&came["status"], &came["triageDue"]), (&json!("RECEIVED"), &json!("2026-05-06")));
    let id = came["id"].clone();

    let waiting =
        "query($by: Date!) { referrals(filter: {triageDueBy: $by}) { totalCount nodes { isOverdue } } }";
    let asked = talks.world.ask_on("2026-05-07", &talks.jamie, waiting, json!({ "by": "2026-05-06" })).await;
    assert_eq!(asked.data()["referrals"], json!({ "totalCount": 1, "nodes": [{ "isOverdue": true }] }));

    let waits = "{ waitingOn { sentence due } }";
    let asked = talks.world.ask_on("2026-05-05", &talks.jamie, waits, json!({})).await;
    let sentence = "Look at the referral that came on 1 May 2026 from a GP practice or primary care network.";
    assert_eq!(asked.data()["waitingOn"], json!([{ "sentence": sentence, "due": "2026-05-06" }]));

    let early = talks.on("2026-05-05", "acceptReferral", json!({ "referralId": id })).await;
    assert_eq!(early.refusal().0, "referral.wrong_status");
    let mut from_it = talk(&person);
    from_it["referralId"] = id.clone();
    assert_eq!(
        talks.on("2026-05-05", "recordContact", from_it.clone()).await.refusal().0,
        "referral.not_accepted"
    );

    let read = talks.on("2026-05-05", "openReferralLetter", json!({ "referralId": id, "why": WHY })).await;
    assert_eq!(
        read.data()["openReferralLetter"]["letter"],
        "Sits at home since the winter, says the surgery."
    );
    let triage = json!({ "referralId": id, "urgency": "ROUTINE", "needs": ["LONELINESS"],
        "advisorId": talks.priya.person.0 });
    let answer = talks.on("2026-05-05", "triageReferral", triage).await;
    assert_eq!(answer.data()["triageReferral"]["referral"]["advisor"]["name"], "Priya Pretence");
    talks.on("2026-05-06", "acceptReferral", json!({ "referralId": id })).await.data();
    talks.on("2026-05-06", "recordContact", from_it.clone()).await.data();
    let other = talks.registered().await;
    from_it["personRef"] = other;
    assert_eq!(talks.on("2026-05-06", "recordContact", from_it).await.refusal().0, "referral.of_another");

    let answer =
        talks.on("2026-05-07", "tellReferrer", json!({ "referralId": id, "channel": "EMAIL" })).await;
    let told = &answer.data()["tellReferrer"]["referral"];
    assert_eq!((&told["status"], &told["toldOn"]), (&json!("ACCEPTED"), &json!("2026-05-07")));
    let again = talks.on("2026-05-07", "tellReferrer", json!({ "referralId": id, "channel": "EMAIL" })).await;
    assert_eq!(again.refusal().0, "referral.already_told");
}

#[tokio::test]
async fn a_talk_is_in_codes_and_bands_and_points_somewhere() {
    let talks = Talks::new().await;
    let person = talks.registered().await;
    let answer = talks.on("2026-05-04", "recordContact", talk(&person)).await;
    let contact = &answer.data()["recordContact"]["contact"];
    assert_eq!(contact["needs"], json!(["LONELINESS", "WARMTH"]));
    assert_eq!((&contact["ageBand"], &contact["communities"]), (&json!("FROM_50_TO_64"), &json!(["CARERS"])));
    let id = contact["id"].clone();
    let point = json!({ "contactId": id, "service": "LIBRARY" });
    let answer = talks.on("2026-05-04", "giveSignpost", point.clone()).await;
    let signposts = &answer.data()["giveSignpost"]["contact"]["signposts"];
    assert_eq!(*signposts, json!([{ "service": "LIBRARY" }]));
    assert_eq!(talks.on("2026-05-04", "giveSignpost", point).await.refusal().0, "contact.signpost_same");
    let neither = talks.on("2026-05-04", "giveSignpost", json!({ "contactId": id })).await;
    assert_eq!(neither.refusal().0, "contact.one_signpost");

    let mut ahead = talk(&person);
    ahead["effectiveOn"] = json!("2026-05-05");
    assert_eq!(talks.on("2026-05-04", "recordContact", ahead).await.refusal().0, "effective.future");
    let mut nowhere = talk(&person);
    nowhere["siteId"] = json!(Uuid::from_u128(404));
    nowhere["channel"] = json!("IN_PERSON");
    assert_eq!(
        talks.on("2026-05-04", "recordContact", nowhere).await.refusal(),
        ("not_found", "There is no site with this id.")
    );
}

#[tokio::test]
async fn sharing_is_with_a_partner_that_exists_and_ends_when_it_is_withdrawn() {
    let talks = Talks::new().await;
    let person = talks.registered().await;
    let agree =
        |partner: Value, items: Value| json!({ "personRef": person, "partnerId": partner, "items": items });
    let unknown =
        talks.on("2026-05-04", "agreeSharing", agree(json!(Uuid::from_u128(4)), json!(["NAME"]))).await;
    assert_eq!(unknown.refusal(), ("not_found", "There is no partner with this id."));

    let commissioner = talks.world.somebody("Amina Example", Role::Commissioner, None).await;
    let apply =
        "mutation { applyAsPartner(input: {name: \"Choir\", legalForm: FAITH_GROUP, areas: [KNOWSLEY],
        communities: [EVERYONE], summary: \"Songs\"}) { partner { id } } }";
    let answer = talks.world.ask(&commissioner, apply, json!({})).await;
    let partner = answer.data()["applyAsPartner"]["partner"]["id"].clone();
    let answer =
        talks.on("2026-05-04", "agreeSharing", agree(partner.clone(), json!(["PHONE", "NAME"]))).await;
    assert_eq!(answer.data()["agreeSharing"]["person"]["sharing"], json!([{ "items": ["NAME", "PHONE"] }]));
    let withdraw = json!({ "personRef": person, "partnerId": partner });
    let answer = talks.on("2026-05-05", "withdrawSharing", withdraw.clone()).await;
    assert_eq!(answer.data()["withdrawSharing"]["person"]["sharing"], json!([]));
    assert_eq!(talks.on("2026-05-05", "withdrawSharing", withdraw).await.refusal().0, "person.not_shared");
}

/// The database role of auditors reads the record and its projections, and none of those about people.
#[tokio::test]
async fn the_role_of_auditors_reads_no_table_about_people() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    talks.on("2026-05-04", "openPersonDetails", json!({ "personRef": person, "why": WHY })).await.data();
    let options = talks.world.database.options_as(AUDITOR);
    let auditor = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    assert_eq!(count(&auditor, "views.partner").await, 0);
    let why: String = sqlx::query_scalar("SELECT why FROM vault.reading").fetch_one(&auditor).await.unwrap();
    assert_eq!(why, WHY);
    for wanted in [
        "id FROM views.person",
        "id FROM views.referral",
        "id FROM views.contact",
        "subject FROM vault.reading",
    ] {
        let said = auditor.execute(format!("SELECT {wanted}").as_str()).await.expect_err(wanted);
        let code = said.as_database_error().and_then(DatabaseError::code).map(|code| code.to_string());
        assert_eq!(code.as_deref(), Some("42501"), "{wanted}: {said}");
    }
}

/// What the program writes to its log, at its most talkative.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_word_of_it_goes_to_the_log_of_the_program() {
    // With one subscriber alone, what other tests say first, unheard, would stay unheard here as well.
    let _not_alone = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    let heard = Heard::default();
    let writer = heard.clone();
    let everything = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _until_the_end = tracing::subscriber::set_default(everything);
    let talks = Talks::new().await;
    let person = talks.known().await;
    let wrong = json!({ "personRef": person, "name": "Alex Pretend", "nhsNumber": "9990000019" });
    talks.on("2026-05-04", "keepPersonDetails", wrong).await.problems();
    talks.on("2026-05-04", "openPersonDetails", json!({ "personRef": person, "why": WHY })).await.data();
    talks.on("2026-05-04", "findPerson", json!({ "nhsNumber": NHS_NUMBER, "why": WHY })).await.data();
    talks.on("2026-05-04", "receiveReferral", referral(&person)).await.data();
    let heard = String::from_utf8_lossy(&heard.0.lock().unwrap()).into_owned();
    assert!(heard.contains("INSERT INTO vault.item"), "statements are heard: {} bytes", heard.len());
    for secret in ["Alex", "0151 496", "1968-11-30", "999000001", "999 000 001", "surgery", "after two"] {
        assert!(!heard.contains(secret), "{secret}");
    }
}

/// For everybody but advisors, a person, a referral or a talk that exists is as one that does not.
#[tokio::test]
async fn whoever_may_not_know_gets_the_same_answer_as_for_what_does_not_exist() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    let answer = talks.on("2026-05-04", "receiveReferral", referral(&person)).await;
    let referral = answer.data()["receiveReferral"]["referral"]["id"].clone();
    let answer = talks.on("2026-05-04", "recordContact", talk(&person)).await;
    let contact = answer.data()["recordContact"]["contact"]["id"].clone();
    let nothing = json!(Uuid::from_u128(404));
    let documents = [
        (&person, "query($id: UUID!) { supportedPerson(id: $id) { id } }"),
        (&person, "query($id: UUID!) { referrals(filter: {personRef: $id}) { totalCount } }"),
        (&person, "query($id: UUID!) { contacts(filter: {personRef: $id}) { totalCount } }"),
        (
            &person,
            "mutation($id: UUID!) { openPersonDetails(input: {personRef: $id, why: \"To look\"}) { details { name } } }",
        ),
        (&person, "mutation($id: UUID!) { erasePerson(input: {personRef: $id}) { person { id } } }"),
        (
            &person,
            "mutation($id: UUID!) { keepPersonDetails(input: {personRef: $id, name: \"A\"}) { person { id } } }",
        ),
        (&referral, "query($id: UUID!) { referral(id: $id) { status } }"),
        (
            &referral,
            "mutation($id: UUID!) { openReferralLetter(input: {referralId: $id, why: \"To look\"}) { letter } }",
        ),
        (&referral, "mutation($id: UUID!) { acceptReferral(input: {referralId: $id}) { referral { id } } }"),
        (&contact, "query($id: UUID!) { contact(id: $id) { needs } }"),
        (
            &contact,
            "mutation($id: UUID!) { giveSignpost(input: {contactId: $id, service: LIBRARY}) { contact { id } } }",
        ),
        (&person, "query($id: UUID!) { history(filter: {streamId: $id}) { nodes { sentence } } }"),
        (&referral, "query($id: UUID!) { history(filter: {streamId: $id}) { nodes { sentence } } }"),
        (&contact, "query($id: UUID!) { history(filter: {streamId: $id}) { nodes { sentence } } }"),
        (&person, "query($id: UUID!) { partner(id: $id) { name } }"),
        (&person, "query($id: UUID!) { grant(id: $id) { title } }"),
    ];
    let mut tried = 0;
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Advisor) {
        let who = talks.world.anybody(role).await;
        for (id, document) in &documents {
            let theirs = talks.world.ask(&who, document, json!({ "id": id })).await;
            let unknown = talks.world.ask(&who, document, json!({ "id": nothing })).await;
            assert_eq!(theirs.0, unknown.0, "{document} as {}", role.name());
            tried += 1;
        }
        let all = talks.world.ask(&who, "{ history(first: 500) { nodes { eventType } } }", json!({})).await;
        let told = all.0.to_string();
        for kind in ["person.", "referral.", "contact."] {
            assert!(!told.contains(kind), "the history as {} tells of {kind}: {told}", role.name());
        }
    }
    assert_eq!(tried, 8 * documents.len());
    // An advisor is told more of what exists, so the answers above are no accident.
    let answer = talks.world.ask(&talks.priya, documents[0].1, json!({ "id": person })).await;
    assert_eq!(answer.data()["supportedPerson"]["id"], person);
    let story = "query($id: UUID!) { supportedPerson(id: $id) { history { sentence } } }";
    let answer = talks.world.ask(&talks.priya, story, json!({ "id": person })).await;
    let told = &answer.data()["supportedPerson"]["history"];
    assert_eq!(told[0]["sentence"], "A person was met: they came themselves.");
    assert_eq!(told[1]["sentence"], "Details of the person were put into the vault.");
}
