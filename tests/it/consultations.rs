//! Consultations through the API: listening, answering, telling; what is refused and how; who sees what.

mod sample;
mod seen;
mod waiting;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};
use sidebyside::projections::build;
use uuid::Uuid;

use crate::world::{Answer, World};

const PLANNED: &str = "2026-04-01";
const HELD: &str = "2026-04-20";
const LATER: &str = "2026-05-11";
/// What a mutation gives back of the consultation.
const INSIDE: &str = "id status voices { id namesNobody traces publishedOn } needs { id reference standing } \
                      commitments { id standing overdue } feedbackOwed";

/// A world in which people are listened to.
struct Hall {
    world: World,
    rosa: Identity,
    wilf: Identity,
    commissioner: Identity,
    auditor: Identity,
}

fn input_of(name: &str) -> String {
    match name {
        "cancelConsultation" => "ConsultationInput".into(),
        "overruleVoiceCheck" | "publishVoice" | "withdrawVoice" => "VoiceInput".into(),
        "keepCommitment" | "missCommitment" => "CommitmentInput".into(),
        other => {
            let mut letters = other.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            format!("{}Input", first.into_iter().chain(letters).collect::<String>())
        }
    }
}

fn plan() -> Value {
    json!({
        "title": "Through the door", "purpose": "To find out what keeps people away.",
        "decision": "Which groups get money in May.", "rungIntended": "CO_DESIGN", "method": "WORKSHOP",
        "communities": ["DEAF_PEOPLE"], "area": "LIVERPOOL_CENTRAL", "venue": "An invented hall", "on": HELD,
        "access": ["SIGN_INTERPRETER"], "languages": ["BFI", "EN"]
    })
}

impl Hall {
    async fn new() -> Self {
        let world = World::new().await;
        Self {
            rosa: world.somebody("Rosa Listener", Role::Inclusion, None).await,
            wilf: world.somebody("Wilf Checker", Role::Inclusion, None).await,
            commissioner: world.somebody("Amina Example", Role::Commissioner, None).await,
            auditor: world.somebody("Ola Auditor", Role::Auditor, None).await,
            world,
        }
    }

    async fn ask(&self, day: &str, who: &Identity, name: &str, mut input: Value) -> Answer {
        input.as_object_mut().unwrap().entry("reason").or_insert(json!("For a test, all invented."));
        let kind = input_of(name);
        let document = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ receipt {{ repeated }} consultation {{ {INSIDE} }} }} }}"
        );
        self.world.ask_on(day, who, &document, json!({ "input": input })).await
    }

    /// Do something that must succeed, and give back the consultation.
    async fn done(&self, day: &str, who: &Identity, name: &str, input: Value) -> Value {
        self.ask(day, who, name, input).await.data()[name]["consultation"].clone()
    }

    /// Something that must be turned down with a code, and leave nothing behind; the sentence.
    async fn refused(&self, day: &str, who: &Identity, name: &str, input: Value, code: &str) -> String {
        let before = self.world.size().await;
        let answer = self.ask(day, who, name, input).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert_eq!(self.world.size().await, before, "nothing is half done");
        sentence.to_owned()
    }

    /// A consultation that was held; its id.
    async fn held(&self, plan: Value) -> Value {
        let planned = self.done(PLANNED, &self.rosa, "planConsultation", plan).await;
        let heads = json!([{ "group": "DEAF_PEOPLE", "heads": "FROM_8_TO_14" }]);
        let hold =
            json!({ "consultationId": planned["id"], "on": HELD, "heads": heads, "groupsOverlap": false });
        self.done(HELD, &self.rosa, "holdConsultation", hold).await;
        planned["id"].clone()
    }

    async fn voice(&self, of: &Value, words: &str) -> Value {
        let input =
            json!({ "consultationId": of, "group": "DEAF_PEOPLE", "words": words, "mayBePublished": true });
        let after = self.done(HELD, &self.rosa, "recordVoice", input).await;
        after["voices"].as_array().unwrap().last().unwrap()["id"].clone()
    }

    async fn need(&self, of: &Value, statement: &str, known: Option<Uuid>) -> Value {
        let after = self.done(HELD, &self.rosa, "hearNeed", need_input(of, statement, known)).await;
        after["needs"].as_array().unwrap().last().unwrap()["id"].clone()
    }

    async fn agreed(&self, of: &Value) {
        let report = json!({ "title": "What we heard", "sha256": "ab".repeat(32) });
        self.done(HELD, &self.rosa, "writeUpConsultation", json!({ "consultationId": of, "report": report }))
            .await;
        let agree = json!({ "consultationId": of, "howChecked": "Shown at the next club night." });
        self.done(HELD, &self.rosa, "agreeThemes", agree).await;
    }

    async fn commitment(&self, of: &Value, need: &Value) -> Value {
        let made = self.done(LATER, &self.commissioner, "makeCommitment", self.promise(of, need)).await;
        made["commitments"].as_array().unwrap().last().unwrap()["id"].clone()
    }

    fn promise(&self, of: &Value, need: &Value) -> Value {
        json!({ "consultationId": of, "needIds": [need], "kind": "DO", "byWhen": "2026-06-30",
            "statement": "We will pay for interpreters.", "ownerId": self.commissioner.person.0 })
    }

    async fn rebuilt_is_what_stands(&self) {
        let differences = build::compare(&self.world.owner().await, &|_, _| ()).await.unwrap();
        assert!(differences.is_empty(), "{differences:?}");
    }
}

fn need_input(of: &Value, statement: &str, known: Option<Uuid>) -> Value {
    json!({ "consultationId": of, "needId": known, "theme": "Coming in", "statement": statement,
        "codes": ["CREATIVITY"], "strength": "MOST" })
}

fn feedback(of: &Value) -> Value {
    json!({ "consultationId": of, "groups": ["DEAF_PEOPLE"], "channel": "SIGNED_VIDEO", "languages": ["BFI"] })
}

#[tokio::test]
async fn a_consultation_goes_from_a_plan_to_what_was_promised() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let first = hall.need(&of, "Groups to walk into", None).await;
    let second = hall.need(&of, "A building of our own", None).await;
    hall.agreed(&of).await;
    let commitment = hall.commitment(&of, &first).await;
    let cannot = json!({ "consultationId": of, "needId": second,
        "publicReason": "There is no money for buildings this year.", "decidedBy": "The board" });
    let answered = hall.done(LATER, &hall.commissioner, "sayCannotDo", cannot).await;
    assert_eq!(
        (&answered["status"], &answered["feedbackOwed"]),
        (&json!("ANSWERED"), &json!(["DEAF_PEOPLE"]))
    );
    assert_eq!(answered["needs"][0]["reference"], "N-2026-0001");

    let told = hall.done(LATER, &hall.rosa, "giveFeedback", feedback(&of)).await;
    assert_eq!((&told["status"], &told["feedbackOwed"]), (&json!("FED_BACK"), &json!([])));
    let heard = json!({ "consultationId": of, "group": "DEAF_PEOPLE", "meantIt": "PARTLY",
        "takenFromIt": "A room is not a building." });
    hall.done(LATER, &hall.rosa, "hearFeedback", heard).await;
    let close = json!({ "consultationId": of, "rungReached": "ENGAGEMENT" });
    hall.done(LATER, &hall.rosa, "closeConsultation", close).await;

    let of_it = json!({ "consultationId": of, "commitmentId": commitment });
    let late = hall.done("2026-07-01", &hall.commissioner, "missCommitment", of_it.clone()).await;
    assert_eq!((&late["status"], &late["commitments"][0]["standing"]), (&json!("CLOSED"), &json!("MISSED")));
    let mut shown = of_it.clone();
    shown["policy"] = json!({ "title": "Interpreters: how to ask", "sha256": "cd".repeat(32) });
    hall.done("2026-07-02", &hall.commissioner, "linkEvidence", shown).await;
    let kept = hall.done("2026-07-02", &hall.commissioner, "keepCommitment", of_it).await;
    assert_eq!(kept["commitments"][0]["standing"], "KEPT", "late, and after closing");
    hall.rebuilt_is_what_stands().await;
}

#[tokio::test]
async fn what_is_bad_is_refused_with_a_code_and_a_sentence() {
    let hall = Hall::new().await;
    let planned = hall.done(PLANNED, &hall.rosa, "planConsultation", plan()).await["id"].clone();
    let heads = json!([{ "group": "DEAF_PEOPLE", "heads": "UNDER_8" }]);
    let ahead = json!({ "consultationId": planned, "on": HELD, "heads": heads, "groupsOverlap": false });
    let said = hall.refused(PLANNED, &hall.rosa, "holdConsultation", ahead, "consultation.held_ahead").await;
    assert_eq!(said, "20 April 2026 lies ahead: record that a consultation was held once it has been.");

    let of = hall.held(plan()).await;
    let voice = hall.voice(&of, "Ask Sandra, she knows what it is like.").await;
    let publish = json!({ "consultationId": of, "voiceId": voice });
    let said = hall.refused(LATER, &hall.rosa, "publishVoice", publish, "consultation.voice_unchecked").await;
    assert_eq!(
        said,
        "Nobody else has looked yet whether these words name somebody: have them checked before they are published."
    );
    let named = need_input(&of, "A lift for Mrs Example", None);
    let said = hall.refused(HELD, &hall.rosa, "hearNeed", named, "consultation.names_somebody").await;
    assert!(said.contains("a name") && said.contains("public"), "{said}");

    let need = hall.need(&of, "Groups to walk into", None).await;
    hall.agreed(&of).await;
    let said =
        hall.refused(LATER, &hall.rosa, "giveFeedback", feedback(&of), "consultation.nothing_answered").await;
    assert!(said.starts_with("No need has an answer yet"), "{said}");
    let close = json!({ "consultationId": of, "rungReached": "CONSULTATION" });
    let said = hall.refused(LATER, &hall.rosa, "closeConsultation", close, "consultation.unanswered").await;
    let ending = ". Make a commitment, merge them, or say why nothing can be done.";
    assert!(said.starts_with("These needs have no answer yet: N-2026-") && said.ends_with(ending), "{said}");
    let mut nobodys = hall.promise(&of, &need);
    nobodys["ownerId"] = Value::Null;
    let code = "consultation.commitment_without_owner";
    let said = hall.refused(LATER, &hall.commissioner, "makeCommitment", nobodys, code).await;
    assert_eq!(said, "Say who answers for this commitment: without an owner it would be nobody’s.");
}

#[tokio::test]
async fn what_shows_a_commitment_must_be_on_the_record_and_one_thing() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let need = hall.need(&of, "Groups to walk into", None).await;
    hall.agreed(&of).await;
    let commitment = hall.commitment(&of, &need).await;
    let nothing = json!(Uuid::from_u128(404));
    for field in ["grantId", "offerId", "sessionId", "figureId"] {
        let link = json!({ "consultationId": of, "commitmentId": commitment, field: nothing });
        hall.refused(LATER, &hall.commissioner, "linkEvidence", link, "not_found").await;
    }
    let none = json!({ "consultationId": of, "commitmentId": commitment });
    let both =
        json!({ "consultationId": of, "commitmentId": commitment, "grantId": nothing, "offerId": nothing });
    for input in [none, both] {
        let code = "consultation.one_evidence";
        hall.refused(LATER, &hall.commissioner, "linkEvidence", input, code).await;
    }
    let keep = json!({ "consultationId": of, "commitmentId": commitment });
    let code = "consultation.kept_without_evidence";
    hall.refused(LATER, &hall.commissioner, "keepCommitment", keep, code).await;
    let mut stranger = hall.promise(&of, &need);
    stranger["ownerId"] = nothing;
    hall.refused(LATER, &hall.commissioner, "makeCommitment", stranger, "not_found").await;
}

#[tokio::test]
async fn a_need_named_before_it_was_heard_comes_on_the_record_once() {
    let hall = Hall::new().await;
    let known = Uuid::from_u128(0x68ff);
    let (one, other) = (hall.held(plan()).await, hall.held(plan()).await);
    assert_eq!(hall.need(&one, "More places to be", Some(known)).await, json!(known));
    for of in [&one, &other] {
        let again = need_input(of, "More places to be", Some(known));
        let said = hall.refused(HELD, &hall.rosa, "hearNeed", again, "need.entered_before").await;
        assert!(said.contains("merge what you heard into it"), "{said}");
    }
}

#[tokio::test]
async fn the_history_says_what_a_need_is_called() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let need = hall.need(&of, "Groups to walk into", None).await;
    hall.need(&of, "A building of our own", None).await;
    let document = "query($id: UUID!) { history(filter: {streamId: $id}) { nodes { reference name } } }";
    let told = hall.world.ask(&hall.auditor, document, json!({ "id": need })).await;
    let wanted = json!([{ "reference": "N-2026-0001", "name": "Groups to walk into" }]);
    assert_eq!(told.data()["history"]["nodes"], wanted);
}

#[tokio::test]
async fn what_was_heard_twice_becomes_one_need_that_says_where() {
    let hall = Hall::new().await;
    let (one, two, three) = (hall.held(plan()).await, hall.held(plan()).await, hall.held(plan()).await);
    let first = hall.need(&one, "More places to be", None).await;
    let second = hall.need(&two, "Somewhere to go", None).await;
    let third = hall.need(&three, "A room with people", None).await;
    let merge = |of: &Value, need: &Value, into: &Value| json!({ "consultationId": of, "needId": need, "intoNeedId": into });
    hall.done(LATER, &hall.rosa, "mergeNeed", merge(&three, &third, &second)).await;
    let back = merge(&two, &second, &third);
    hall.refused(LATER, &hall.rosa, "mergeNeed", back, "consultation.need_merged").await;
    let unknown = merge(&two, &second, &json!(Uuid::from_u128(404)));
    hall.refused(LATER, &hall.rosa, "mergeNeed", unknown, "not_found").await;
    hall.done(LATER, &hall.rosa, "mergeNeed", merge(&two, &second, &first)).await;

    let document = "{ needs { id standing mergedIntoId heardAlsoAt { need { id statement } } } }";
    let answer = hall.world.ask(&hall.auditor, document, json!({})).await;
    let needs = answer.data()["needs"].as_array().unwrap();
    // Two that were heard on the same day stand in no order of their own.
    let also = |place: usize| -> BTreeSet<&str> {
        needs[place]["heardAlsoAt"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["need"]["id"].as_str())
            .collect()
    };
    let both = [&second, &third].into_iter().filter_map(Value::as_str).collect();
    assert_eq!((needs[0]["id"].clone(), also(0)), (first, both), "by way of another too");
    assert_eq!(
        (needs[1]["standing"].clone(), also(1)),
        (json!("MERGED"), third.as_str().into_iter().collect())
    );
    assert_eq!(needs[2]["mergedIntoId"], second);
}

#[tokio::test]
async fn of_two_that_merge_crosswise_at_once_one_stands() {
    let hall = Hall::new().await;
    let (one, two) = (hall.held(plan()).await, hall.held(plan()).await);
    let first = hall.need(&one, "More places to be", None).await;
    let second = hall.need(&two, "Somewhere to go", None).await;
    let there = json!({ "consultationId": one, "needId": first, "intoNeedId": second });
    let back = json!({ "consultationId": two, "needId": second, "intoNeedId": first });
    let (there, back) = tokio::join!(
        hall.ask(LATER, &hall.rosa, "mergeNeed", there),
        hall.ask(LATER, &hall.wilf, "mergeNeed", back)
    );
    let refused = [there, back].iter().filter(|answer| answer.0.get("errors").is_some()).count();
    assert_eq!(refused, 1, "two needs never stand for each other");
}
