//! Who sees what of a consultation: voices, partners, the public.

use async_graphql::Request;
use sidebyside::graphql::api;
use sidebyside::store::vault::Vault;
use sqlx::Executor as _;

use super::*;

/// What the public is shown.
const PUBLIC: &str =
    "{ youSaidWeDid { title needs { statement standing publicReason commitments { statement standing } }
    voices { words } } }";

async fn readings(hall: &Hall) -> Vec<(String, String)> {
    sqlx::query_as("SELECT role, why FROM vault.reading ORDER BY read_at")
        .fetch_all(&hall.world.owner().await)
        .await
        .unwrap()
}

async fn partner(hall: &Hall, name: &str) -> (Value, Identity) {
    let apply = "mutation($name: String!) { applyAsPartner(input: {name: $name, legalForm: FAITH_GROUP, areas: [KNOWSLEY],
        communities: [EVERYONE], summary: \"Songs\"}) { partner { id } } }";
    let answer = hall.world.ask(&hall.commissioner, apply, json!({ "name": name })).await;
    let id = answer.data()["applyAsPartner"]["partner"]["id"].clone();
    let own = PartnerId(id.as_str().unwrap().parse().unwrap());
    (id, hall.world.somebody(name, Role::PartnerAdmin, Some(own)).await)
}

#[tokio::test]
async fn a_voice_is_read_on_the_record_checked_by_another_and_published() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let words = "Sandra at the door always waves me through.";
    let voice = hall.voice(&of, words).await;
    let check = json!({ "consultationId": of, "voiceId": voice, "namesNobody": true });
    hall.refused(LATER, &hall.rosa, "checkVoice", check.clone(), "consultation.voice_own_check").await;
    let said = hall.refused(LATER, &hall.wilf, "checkVoice", check, "consultation.voice_flagged").await;
    assert!(said.contains("a name") && !said.contains("Sandra"), "{said}");

    let read = "query($of: UUID!, $voice: UUID!, $why: String!) {
        voiceWords(consultationId: $of, voiceId: $voice, why: $why) { words } }";
    let variables = |why: &str| json!({ "of": of, "voice": voice, "why": why });
    let blank = hall.world.ask(&hall.wilf, read, variables(" ")).await;
    assert_eq!(blank.refusal().0, "vault.why_required");
    let told = hall.world.ask(&hall.wilf, read, variables("To check it before it is published")).await;
    assert_eq!(told.data()["voiceWords"]["words"], words);
    let wanted = ("inclusion".to_owned(), "To check it before it is published".to_owned());
    assert_eq!(readings(&hall).await, [wanted]);

    let own = json!({ "consultationId": of, "voiceId": voice });
    let overruled =
        json!({ "consultationId": of, "voiceId": voice, "reason": "Sandra is the name of the dog." });
    let after = hall.done(LATER, &hall.wilf, "overruleVoiceCheck", overruled).await;
    assert_eq!(after["voices"][0]["namesNobody"], true);
    let after = hall.done(LATER, &hall.rosa, "publishVoice", own).await;
    assert_eq!(after["voices"][0]["publishedOn"], LATER);
    hall.rebuilt_is_what_stands().await;
}

#[tokio::test]
async fn the_public_sees_what_was_told_and_nothing_before() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let voice = hall.voice(&of, "It is open to my diary, not to me.").await;
    let quiet = hall.voice(&of, "I would rather this stays in the room.").await;
    let first = hall.need(&of, "Groups to walk into", None).await;
    hall.agreed(&of).await;
    for one in [&voice, &quiet] {
        let check = json!({ "consultationId": of, "voiceId": one, "namesNobody": true });
        hall.done(LATER, &hall.wilf, "checkVoice", check).await;
    }
    let own = json!({ "consultationId": of, "voiceId": voice });
    hall.done(LATER, &hall.rosa, "publishVoice", own.clone()).await;
    hall.commitment(&of, &first).await;
    let anybody = Identity::public();
    let public = || hall.world.ask(&anybody, PUBLIC, json!({}));
    assert_eq!(public().await.data()["youSaidWeDid"], json!([]), "those who came are told first");

    hall.done(LATER, &hall.rosa, "giveFeedback", feedback(&of)).await;
    let promised = json!([{ "statement": "We will pay for interpreters.", "standing": "OPEN" }]);
    let needs = json!([{ "statement": "Groups to walk into", "standing": "ANSWERED", "publicReason": null,
        "commitments": promised }]);
    let shown = |voices: Value| json!([{ "title": "Through the door", "needs": needs, "voices": voices }]);
    let told = json!([{ "words": "It is open to my diary, not to me." }]);
    assert_eq!(public().await.data()["youSaidWeDid"], shown(told));

    hall.done(LATER, &hall.rosa, "withdrawVoice", own.clone()).await;
    assert_eq!(public().await.data()["youSaidWeDid"], shown(json!([])), "taken back");
    let left: Vec<Value> =
        sqlx::query_scalar("SELECT to_json(subject) FROM vault.subject_key JOIN vault.item USING (subject)")
            .fetch_all(&hall.world.owner().await)
            .await
            .unwrap();
    assert_eq!(left, [quiet], "out of the vault too, and its key");
    hall.refused(LATER, &hall.rosa, "publishVoice", own, "consultation.voice_withdrawn").await;
}

/// A voice that anybody may read, and its consultation.
async fn published(hall: &Hall, words: &str) -> (Value, Value) {
    let of = hall.held(plan()).await;
    let voice = hall.voice(&of, words).await;
    let need = hall.need(&of, "Groups to walk into", None).await;
    hall.agreed(&of).await;
    let check = json!({ "consultationId": of, "voiceId": voice, "namesNobody": true });
    hall.done(LATER, &hall.wilf, "checkVoice", check).await;
    hall.done(LATER, &hall.rosa, "publishVoice", json!({ "consultationId": of, "voiceId": voice })).await;
    hall.commitment(&of, &need).await;
    hall.done(LATER, &hall.rosa, "giveFeedback", feedback(&of)).await;
    (of, voice)
}

#[tokio::test]
async fn published_words_are_read_once_since_the_start_and_shown_to_all_who_come() {
    let hall = Hall::new().await;
    let (of, voice) = published(&hall, "It is open to my diary, not to me.").await;
    let server = api(hall.world.app());
    let visit = async || {
        let request = Request::new("{ youSaidWeDid { voices { words } } }").data(Identity::public());
        let answer = server.execute(request).await.data.into_json().unwrap();
        answer["youSaidWeDid"][0]["voices"].clone()
    };
    for _ in 0..3 {
        assert_eq!(visit().await, json!([{ "words": "It is open to my diary, not to me." }]));
    }
    let why = "To be shown to everybody: published with the consent of whoever said it.";
    assert_eq!(readings(&hall).await, [("public".to_owned(), why.to_owned())]);
    // Taken back by way of another process: this one has the words at hand, and shows them no longer.
    hall.done(LATER, &hall.rosa, "withdrawVoice", json!({ "consultationId": of, "voiceId": voice })).await;
    assert_eq!(visit().await, json!([]));
}

#[tokio::test]
async fn a_voice_taken_back_is_forgotten_again_after_an_older_vault_was_restored() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let voice = hall.voice(&of, "I would rather this stays in the room.").await;
    let stays = hall.voice(&of, "This may stay.").await;
    let (app, owner) = (hall.world.app(), hall.world.owner().await);
    let vault = Vault::new(owner.clone(), None);
    let id = |voice: &Value| voice.as_str().unwrap().parse::<Uuid>().unwrap();
    let too_early = vault.forget(id(&voice)).await;
    assert!(too_early.is_err(), "only when the log says so");
    owner.execute("CREATE TABLE public.old_key AS TABLE vault.subject_key").await.unwrap();
    owner.execute("CREATE TABLE public.old_item AS TABLE vault.item").await.unwrap();

    hall.done(LATER, &hall.rosa, "withdrawVoice", json!({ "consultationId": of, "voiceId": voice })).await;
    assert!(vault.is_gone(id(&voice)).await.unwrap());
    assert_eq!(app.finish_erasures().await.unwrap(), 0, "nothing is left to be done");

    for restore in [
        "DELETE FROM vault.erasure",
        "INSERT INTO vault.subject_key SELECT * FROM public.old_key ON CONFLICT DO NOTHING",
        "INSERT INTO vault.item SELECT * FROM public.old_item ON CONFLICT DO NOTHING",
    ] {
        owner.execute(restore).await.unwrap();
    }
    assert!(!vault.is_gone(id(&voice)).await.unwrap());
    assert_eq!(app.finish_erasures().await.unwrap(), 1);
    assert!(vault.is_gone(id(&voice)).await.unwrap() && !vault.is_gone(id(&stays)).await.unwrap());
}

#[tokio::test]
async fn voices_are_for_the_inclusion_team_alone() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let voice = hall.voice(&of, "It is open to my diary, not to me.").await;
    let look = "query($of: UUID!) { consultation(id: $of) { heads { group heads } voices { id } } }";
    let bands = json!([{ "group": "DEAF_PEOPLE", "heads": "FROM_8_TO_14" }]);
    for (who, voices) in [(&hall.auditor, json!(null)), (&hall.wilf, json!([{ "id": voice }]))] {
        let answer = hall.world.ask(who, look, json!({ "of": of })).await;
        assert_eq!(answer.data()["consultation"], json!({ "heads": bands, "voices": voices }));
    }
    let read = "query($of: UUID!, $voice: UUID!) { voiceWords(consultationId: $of, voiceId: $voice, why: \"Why not\") { words } }";
    for who in [&hall.auditor, &hall.commissioner] {
        let answer = hall.world.ask(who, read, json!({ "of": of, "voice": voice })).await;
        assert_eq!(answer.refusal().0, "forbidden");
    }
    assert_eq!(readings(&hall).await, []);
}

#[tokio::test]
async fn a_partner_sees_what_it_hosts_and_others_as_if_they_did_not_exist() {
    let hall = Hall::new().await;
    let (host, admin) = partner(&hall, "Choir one").await;
    let (_, stranger) = partner(&hall, "Choir two").await;
    let mut hosted = plan();
    hosted["hostId"] = host;
    let of = hall.held(hosted).await;
    let need = hall.need(&of, "Groups to walk into", None).await;
    hall.agreed(&of).await;
    hall.commitment(&of, &need).await;

    for (document, id) in [
        ("query($id: UUID!) { consultation(id: $id) { reference } }", &of),
        ("query($id: UUID!) { need(id: $id) { reference } }", &need),
    ] {
        hall.world.ask(&admin, document, json!({ "id": id })).await.data();
        let theirs = hall.world.ask(&stranger, document, json!({ "id": id })).await;
        let unknown = hall.world.ask(&stranger, document, json!({ "id": Uuid::from_u128(404) })).await;
        assert_eq!(theirs.refusal(), unknown.refusal(), "{document}");
    }
    let lists = "{ consultations { id } needs { id } commitments { owner { name } } }";
    let nothing = json!({ "consultations": [], "needs": [], "commitments": [] });
    assert_eq!(*hall.world.ask(&stranger, lists, json!({})).await.data(), nothing);
    let own = json!({ "consultations": [{ "id": of }], "needs": [{ "id": need }], "commitments": [{ "owner": null }] });
    assert_eq!(*hall.world.ask(&admin, lists, json!({})).await.data(), own);
}

#[tokio::test]
async fn a_repeated_voice_is_kept_once() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let input = json!({ "consultationId": of, "group": "DEAF_PEOPLE", "words": "Once.", "mayBePublished": false,
        "commandId": Uuid::from_u128(9) });
    for repeated in [false, true] {
        let answer = hall.ask(HELD, &hall.rosa, "recordVoice", input.clone()).await;
        assert_eq!(answer.data()["recordVoice"]["receipt"]["repeated"], repeated);
    }
    let kept: Vec<(Uuid, String)> = sqlx::query_as("SELECT subject, kind FROM vault.item")
        .fetch_all(&hall.world.owner().await)
        .await
        .unwrap();
    let look = hall.world.ask(&hall.rosa, "{ consultations { voices { id } } }", json!({})).await;
    let voice = look.data()["consultations"][0]["voices"][0]["id"].clone();
    assert_eq!(json!(kept), json!([[voice, "voice"]]), "under a subject of its own");
}
