//! Forgetting a person: one asks, another does it, and it comes to its end whatever happens on the way.

use serde_json::{Value, json};
use sidebyside::domain::identity::Role;
use sidebyside::store::database::APP;
use sidebyside::store::vault::{Kind, MasterKey, Vault, verify};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use super::{NHS_NUMBER, Talks, WHY, count, details, referral, talk};

fn ask(person: &Value) -> Value {
    json!({ "personRef": person, "ground": "ASKED", "authority": "SAR-2026-014" })
}

fn whom(person: &Value) -> Value {
    json!({ "personRef": person })
}

fn id(person: &Value) -> Uuid {
    person.as_str().unwrap().parse().unwrap()
}

async fn left(owner: &PgPool, person: &Value) -> (i64, i64) {
    let of = |table: &str| format!("vault.{table} WHERE subject = '{}'", id(person));
    (count(owner, &of("subject_key")).await, count(owner, &of("item")).await)
}

impl Talks {
    /// Ask for a person to be forgotten, as Jamie.
    async fn asked(&self, person: &Value) {
        self.on("2026-05-06", "askErasure", ask(person)).await.data();
    }

    /// Forget a person, as Priya. Says when it was confirmed.
    async fn forget(&self, person: &Value) -> Value {
        let answer = self.by(&self.priya, "2026-05-07", "erasePerson", whom(person)).await;
        let answer = &answer.data()["erasePerson"]["person"];
        assert_eq!(answer["erasedOn"], "2026-05-07");
        answer["erasureConfirmedOn"].clone()
    }

    async fn confirmations(&self) -> i64 {
        count(self.world.store.pool(), "public.events WHERE event_type = 'person.erasure_confirmed'").await
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn one_asks_another_does_it_and_nothing_is_left_but_counts() {
    let talks = Talks::new().await;
    let (person, other) = (talks.known().await, talks.registered().await);
    let answer = talks.on("2026-05-04", "receiveReferral", referral(&person)).await;
    let came = answer.data()["receiveReferral"]["referral"]["id"].clone();
    talks.on("2026-05-04", "recordContact", talk(&person)).await.data();
    let theirs = json!({ "personRef": other, "name": "Sam Nobody", "dateOfBirth": "1990-01-02" });
    talks.on("2026-05-04", "keepPersonDetails", theirs).await.data();
    let owner = talks.world.owner().await;
    assert_eq!(left(&owner, &person).await, (1, 2));

    assert_eq!(
        talks.by(&talks.priya, "2026-05-06", "erasePerson", whom(&person)).await.refusal().0,
        "person.erasure_not_asked"
    );
    let named = json!({ "personRef": person, "ground": "ASKED", "authority": "Alex Pretend" });
    assert_eq!(
        talks.on("2026-05-06", "askErasure", named).await.problems(),
        [("authority", "case_number.unreadable")]
    );
    talks.asked(&person).await;
    let waits = "{ waitingOn { kind sentence } }";
    let for_whom = async |who| talks.world.ask_on("2026-05-07", who, waits, json!({})).await.0.to_string();
    let sentence =
        "Somebody asked on 6 May 2026 to forget a person (the person asked for it): do it, or drop it.";
    assert!(for_whom(&talks.priya).await.contains(sentence));
    assert!(!for_whom(&talks.jamie).await.contains(sentence), "not for whoever asked");
    let own = talks.on("2026-05-07", "erasePerson", whom(&person)).await;
    assert_eq!(own.refusal().0, "person.erasure_own");
    assert_eq!(left(&owner, &person).await, (1, 2), "asking destroys nothing");
    assert_eq!(talks.forget(&person).await, "2026-05-07");

    assert_eq!((left(&owner, &person).await, left(&owner, &other).await), ((0, 0), (1, 1)));
    let open = json!({ "personRef": person, "why": WHY });
    for (mutation, input) in [
        ("openPersonDetails", open),
        ("keepPersonDetails", details(&person)),
        ("recordContact", talk(&person)),
        ("receiveReferral", referral(&person)),
        ("triageReferral", json!({ "referralId": came, "urgency": "SOON", "needs": ["DEBT"] })),
        ("openReferralLetter", json!({ "referralId": came, "why": WHY })),
        ("askErasure", ask(&person)),
    ] {
        let answer = talks.on("2026-05-08", mutation, input).await;
        assert_eq!(answer.refusal().0, "person.erased", "{mutation}");
    }
    let mut again = details(&person);
    again["commandId"] = json!(Uuid::from_u128(71));
    assert_eq!(
        talks.on("2026-05-01", "keepPersonDetails", again).await.data()["keepPersonDetails"]["receipt"]["repeated"],
        true,
        "what was carried out before has its first answer"
    );
    let find = json!({ "nhsNumber": NHS_NUMBER, "why": WHY });
    assert_eq!(talks.on("2026-05-08", "findPerson", find).await.data()["findPerson"]["people"], json!([]));
    let known = "query($id: UUID!) { supportedPerson(id: $id) { met hasDetails sharing { items } contactCount
        referralCount erasureAsked { authority } erasedOn erasureConfirmedOn } }";
    let answer = talks.world.ask(&talks.jamie, known, json!({ "id": person })).await;
    let wanted = json!({ "met": null, "hasDetails": false, "sharing": [], "contactCount": 1, "referralCount": 1,
        "erasureAsked": null, "erasedOn": "2026-05-07", "erasureConfirmedOn": "2026-05-07" });
    assert_eq!(answer.data()["supportedPerson"], wanted);
    let whole: String = sqlx::query_scalar("SELECT doc::text FROM views.person WHERE id = $1")
        .bind(id(&person))
        .fetch_one(&owner)
        .await
        .unwrap();
    assert!(!whole.contains("SAR-2026"), "the projection is purged: {whole}");

    let items: i32 = sqlx::query_scalar(
        "SELECT (payload -> 'person.erasure_confirmed' ->> 'items')::int FROM public.events
         WHERE event_type = 'person.erasure_confirmed'",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert_eq!(items, 2, "the details and the letter");
    assert_eq!(talks.world.app().finish_erasures().await.unwrap(), 0, "nothing is left to be done");
    let differences = sidebyside::projections::build::compare(&owner, &|_, _| ()).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

/// Where the machine stops between any two steps, the next start goes on from there.
#[tokio::test]
async fn what_a_crash_leaves_begun_the_next_start_brings_to_its_end() {
    let talks = Talks::new().await;
    let owner = talks.world.owner().await;
    let bar = async |function: &str, whether: &str| {
        let to = if whether == "GRANT" { "TO" } else { "FROM" };
        let statement = format!("{whether} EXECUTE ON FUNCTION vault.{function} {to} {APP}");
        owner.execute(statement.as_str()).await.unwrap();
    };
    for (round, (barred, standing)) in
        [("forget(uuid)", (1, 1)), ("write_anew()", (0, 0))].into_iter().enumerate()
    {
        let person = talks.known().await;
        talks.asked(&person).await;
        bar(barred, "REVOKE").await;
        assert_eq!(talks.forget(&person).await, Value::Null, "begun, and not at its end: {barred}");
        assert_eq!(left(&owner, &person).await, standing, "{barred}");
        assert!(talks.world.app().finish_erasures().await.is_err(), "{barred}");
        let open = json!({ "personRef": person, "why": WHY });
        let said = talks.on("2026-05-07", "openPersonDetails", open).await;
        assert_eq!(said.refusal().0, "person.erased", "nobody is let in meanwhile");
        bar(barred, "GRANT").await;
        assert_eq!(talks.world.app().finish_erasures().await.unwrap(), 1);
        assert_eq!(left(&owner, &person).await, (0, 0));
        assert_eq!(talks.confirmations().await, i64::try_from(round).unwrap() + 1);
    }

    // The tables were written anew, and the end was not recorded any more.
    let person = talks.known().await;
    talks.asked(&person).await;
    bar("forget(uuid)", "REVOKE").await;
    assert_eq!(talks.forget(&person).await, Value::Null);
    bar("forget(uuid)", "GRANT").await;
    let vault = Vault::new(talks.world.store.pool().clone(), None);
    assert_eq!(vault.forget(id(&person)).await.unwrap(), 1, "it needs no key of the vault");
    vault.write_anew().await.unwrap();
    assert!(vault.is_gone(id(&person)).await.unwrap());
    assert_eq!(talks.world.app().finish_erasures().await.unwrap(), 1);
    assert_eq!((talks.confirmations().await, talks.world.app().finish_erasures().await.unwrap()), (3, 0));
}

#[tokio::test]
async fn two_who_bring_it_to_its_end_at_once_record_it_once() {
    let talks = Talks::new().await;
    let owner = talks.world.owner().await;
    let person = talks.known().await;
    talks.asked(&person).await;
    let revoke = format!("REVOKE EXECUTE ON FUNCTION vault.forget(uuid) FROM {APP}");
    owner.execute(revoke.as_str()).await.unwrap();
    talks.forget(&person).await;
    owner.execute(format!("GRANT EXECUTE ON FUNCTION vault.forget(uuid) TO {APP}").as_str()).await.unwrap();
    let (one, other) = (talks.world.app(), talks.world.app());
    let (one, other) = tokio::join!(one.finish_erasures(), other.finish_erasures());
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(talks.confirmations().await, 1);
    assert_eq!(left(&owner, &person).await, (0, 0));
}

/// A vault out of a back-up from before the forgetting, under a log that goes on after it.
#[tokio::test]
async fn a_vault_that_was_restored_forgets_again_before_it_opens() {
    let talks = Talks::new().await;
    let owner = talks.world.owner().await;
    let (person, other) = (talks.known().await, talks.registered().await);
    let theirs = json!({ "personRef": other, "name": "Sam Nobody" });
    talks.on("2026-05-04", "keepPersonDetails", theirs).await.data();
    for table in ["subject_key", "item"] {
        owner.execute(format!("CREATE TABLE {table}_kept AS TABLE vault.{table}").as_str()).await.unwrap();
    }
    talks.asked(&person).await;
    talks.forget(&person).await;
    for restore in [
        "TRUNCATE vault.erasure, vault.item, vault.subject_key",
        "INSERT INTO vault.subject_key TABLE subject_key_kept",
        "INSERT INTO vault.item TABLE item_kept",
        "DROP TABLE subject_key_kept, item_kept",
    ] {
        owner.execute(restore).await.unwrap();
    }
    assert_eq!(left(&owner, &person).await, (1, 1), "it is back");
    assert_eq!(talks.world.app().finish_erasures().await.unwrap(), 1);
    assert_eq!((left(&owner, &person).await, left(&owner, &other).await), ((0, 0), (1, 1)));
    assert_eq!(talks.confirmations().await, 1, "the log says it once");
}

#[tokio::test]
async fn the_app_destroys_no_key_that_the_log_does_not_give_up_and_makes_none_for_the_forgotten() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    let options = talks.world.database.options_as(APP);
    let app = PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    for statement in [
        format!("SELECT vault.forget('{}')", id(&person)),
        format!("SELECT vault.destroy('{}')", id(&person)),
        format!("DELETE FROM vault.subject_key WHERE subject = '{}'", id(&person)),
        "DELETE FROM vault.erasure".to_owned(),
        "UPDATE vault.retention SET months = 1".to_owned(),
        "SELECT subject FROM vault.reading".to_owned(),
    ] {
        let said = app.execute(statement.as_str()).await.expect_err(&statement);
        let code = said.as_database_error().and_then(DatabaseError::code).map(|code| code.to_string());
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {said}");
    }
    assert_eq!(left(&talks.world.owner().await, &person).await, (1, 1));

    talks.asked(&person).await;
    talks.forget(&person).await;
    let key = MasterKey::from_hex(&"5e".repeat(32)).unwrap();
    let vault = Vault::new(talks.world.store.pool().clone(), Some(key));
    let said = vault.seal(id(&person), Kind::PersonDetails, "Alex Pretend").await.unwrap_err();
    assert_eq!(said.code(), "vault.forgotten");
    assert_eq!(said.to_string(), "This person was forgotten: nothing more is kept about them.");
    assert_eq!(left(&talks.world.owner().await, &person).await, (0, 0));
}

#[tokio::test]
async fn what_was_asked_can_be_dropped_with_a_reason() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    talks.asked(&person).await;
    let drop = json!({ "personRef": person, "reason": "It was another record that was meant." });
    assert_eq!(talks.on("2026-05-06", "dropErasure", whom(&person)).await.refusal().0, "reason.required");
    talks.on("2026-05-06", "dropErasure", drop).await.data();
    let said = talks.by(&talks.priya, "2026-05-07", "erasePerson", whom(&person)).await;
    assert_eq!(said.refusal().0, "person.erasure_not_asked");
}

#[tokio::test]
async fn who_was_kept_as_long_as_may_be_is_listed_and_forgotten_the_same_way() {
    let talks = Talks::new().await;
    let register = json!({ "met": "EVENT" });
    let answer = talks.on("2022-05-03", "registerPerson", register.clone()).await;
    let old = answer.data()["registerPerson"]["person"]["id"].clone();
    let answer = talks.on("2022-05-03", "registerPerson", register).await;
    let back = answer.data()["registerPerson"]["person"]["id"].clone();
    talks.on("2026-05-04", "recordContact", talk(&back)).await.data();

    let ended = "{ retentionEnded { id lastOn } }";
    let on = async |day: &str| talks.world.ask_on(day, &talks.jamie, ended, json!({})).await.data().clone();
    assert_eq!(on("2025-05-02").await["retentionEnded"], json!([]), "36 months are not over");
    assert_eq!(on("2026-05-06").await["retentionEnded"], json!([{ "id": old, "lastOn": "2022-05-03" }]));

    let over = |person: &Value| json!({ "personRef": person, "ground": "RETENTION_ENDED", "authority": "RET-2026-05" });
    assert_eq!(talks.on("2026-05-06", "askErasure", over(&back)).await.refusal().0, "person.retention_runs");
    talks.on("2026-05-06", "askErasure", over(&old)).await.data();
    assert_eq!(talks.forget(&old).await, "2026-05-07");
    assert_eq!(on("2026-05-08").await["retentionEnded"], json!([]));
}

#[tokio::test]
async fn commitments_hold_word_for_word_until_then() {
    let talks = Talks::new().await;
    let person = talks.known().await;
    let owner = talks.world.owner().await;
    let (item, commit): (Uuid, String) = sqlx::query_as(
        "SELECT (payload #>> '{person.details_kept,details,ref}')::uuid, payload #>> '{person.details_kept,details,commit}'
         FROM public.events WHERE event_type = 'person.details_kept'",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    let salt: Vec<u8> = sqlx::query_scalar("SELECT salt FROM vault.item WHERE item = $1")
        .bind(item)
        .fetch_one(&owner)
        .await
        .unwrap();
    let salt: [u8; 32] = salt.try_into().unwrap();
    let kept = sidebyside::domain::evidence::VaultRef { item, commit: commit.parse().unwrap() };
    let actor = talks.world.somebody("Otto Auditor", Role::Auditor, None).await.actor();
    let key = MasterKey::from_hex(&"5e".repeat(32)).unwrap();
    let vault = Vault::new(talks.world.store.pool().clone(), Some(key));
    let text = vault.open_committed(&kept, actor, WHY).await.unwrap();
    assert!(text.contains("Alex Pretend") && verify(&kept, &salt, &text));
    assert!(!verify(&kept, &salt, &text.replace("Alex", "Alec")));

    talks.asked(&person).await;
    talks.forget(&person).await;
    assert_eq!(vault.open_committed(&kept, actor, WHY).await.unwrap_err().code(), "vault.absent");
}
