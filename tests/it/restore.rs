//! Back-up and restore: the drill with the program itself, a crash in the middle, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sidebyside::domain::identity::{CommandId, Hash, Role};
use sidebyside::domain::keeping::Restore;
use sidebyside::projections::{self, STANDING, build};
use sidebyside::store::backup::{Backup, BackupTrouble, Declared, load, take};
use sidebyside::store::check::check_log;
use sidebyside::store::embedded::{DATABASE, Purpose, SUPERUSER, Server, Settings};
use sidebyside::store::vault::{Forgotten, ForgottenList, MasterKey};
use sqlx::{ConnectOptions as _, Executor as _, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::people::traces::{found, sealed};
use crate::store::fund;
use crate::world::World;

const GONE: &str = "Quillon Nosuchperson";
const STAYS: &str = "Barnaby Testcase";

pub fn scratch() -> TempDir {
    tempfile::Builder::new()
        .prefix("sidebyside-restore-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(crate::database::place())
        .unwrap()
}

/// Run the program on a data folder: its exit code and what it said.
fn run(data: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sidebyside"));
    command.args(arguments).env("SIDEBYSIDE_DATA", data).env_remove("DATABASE_URL");
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&said).into_owned())
}

pub fn done(data: &Path, arguments: &[&str]) -> String {
    let (code, said) = run(data, arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}");
    said
}

pub fn step(name: &str, role: &str, mutation: &str, input: Value, keep: &str) -> String {
    let mut step = json!({ "as": { "name": name, "role": role }, "do": mutation, "input": input });
    if !keep.is_empty() {
        step["keep"] = json!(keep);
    }
    format!("{step}\n")
}

/// What is recorded before the back-up, and what after it.
fn story() -> (String, String) {
    let jamie =
        |mutation: &str, input: Value, keep: &str| step("Jamie Pretend", "advisor", mutation, input, keep);
    let rosa =
        |mutation: &str, input: Value, keep: &str| step("Rosa Imaginary", "inclusion", mutation, input, keep);
    let day = "2026-05-04";
    let met = |day: &str| json!({ "met": "REFERRAL", "effectiveOn": day, "reason": "Invented." });
    let details = |whom: &str, name: &str| json!({ "personRef": whom, "name": name, "dateOfBirth": "1968-11-30", "effectiveOn": day, "reason": "Invented." });
    let plan = json!({ "title": "Through the door", "purpose": "To find out what keeps people away.",
        "decision": "Which groups get money in May.", "rungIntended": "CO_DESIGN", "method": "WORKSHOP",
        "communities": ["DEAF_PEOPLE"], "area": "LIVERPOOL_CENTRAL", "venue": "An invented hall", "on": day,
        "access": [], "languages": ["BFI"], "effectiveOn": day, "reason": "Invented." });
    let hold = json!({ "consultationId": "$talk", "on": day, "heads": [{ "group": "DEAF_PEOPLE", "heads": "UNDER_8" }],
        "groupsOverlap": false, "effectiveOn": day, "reason": "Invented." });
    let said = json!({ "consultationId": "$talk", "group": "DEAF_PEOPLE", "words": "The lift has been out of order.",
        "mayBePublished": true, "effectiveOn": day, "reason": "Invented." });
    let before = [
        jamie("registerPerson", met(day), "gone"),
        jamie("registerPerson", met(day), "stays"),
        jamie("keepPersonDetails", details("$gone", GONE), ""),
        jamie("keepPersonDetails", details("$stays", STAYS), ""),
        rosa("planConsultation", plan, "talk"),
        rosa("holdConsultation", hold, ""),
        rosa("recordVoice", said, "talk"),
    ];
    let asking = json!({ "personRef": "$gone", "ground": "ASKED", "authority": "SAR-2026-014", "effectiveOn": "2026-05-06",
        "reason": "Invented." });
    let whom = json!({ "personRef": "$gone", "effectiveOn": "2026-05-07", "reason": "Invented." });
    let back = json!({ "consultationId": "$talk", "voiceId": "$talk.voices.0.id", "effectiveOn": "2026-05-07",
        "reason": "Invented." });
    let after = [
        jamie("askErasure", asking, ""),
        step("Priya Pretence", "advisor", "erasePerson", whom, ""),
        rosa("withdrawVoice", back, ""),
        jamie("registerPerson", met("2026-05-08"), "later"),
    ];
    (before.concat(), after.concat())
}

async fn start(folder: &Path) -> (Server, PgConnection) {
    let settings =
        Settings { folder: Some(folder.to_owned()), ..Settings::from_environment(Purpose::Command) };
    let server = Server::start(settings).await.unwrap_or_else(|trouble| panic!("{trouble}"));
    let root = server.options(SUPERUSER, DATABASE).connect().await.unwrap();
    (server, root)
}

/// The person of this name and the only voice, while they are known: what stands sealed of them.
async fn theirs(data: &Path) -> Vec<Vec<u8>> {
    let (server, mut root) = start(data).await;
    let subjects: Vec<Uuid> = sqlx::query_scalar(
        "SELECT subject FROM vault.item WHERE kind = 'voice' UNION ALL
         SELECT aggregate_id::uuid FROM public.events WHERE event_type = 'person.details_kept'
         AND index = (SELECT min(index) FROM public.events WHERE event_type = 'person.details_kept')",
    )
    .fetch_all(&mut root)
    .await
    .unwrap();
    assert_eq!(subjects.len(), 2);
    let mut theirs = Vec::new();
    for subject in subjects {
        theirs.extend(sealed(&mut root, subject).await);
    }
    drop(root);
    server.stop().await.unwrap();
    theirs
}

fn bundle(data: &Path, out: &Path) -> String {
    let said = done(data, &["bundle", "--out", out.to_str().unwrap()]);
    said.trim().rsplit(' ').next().unwrap().to_owned()
}

/// Both verifiers, with the same arguments.
fn verified(arguments: &[&str]) -> (i32, String) {
    let ours = Command::new(env!("CARGO_BIN_EXE_sidebyside")).arg("verify").args(arguments).output().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.py");
    let code = ours.status.code().unwrap();
    if let Ok(theirs) = Command::new("python3").arg("-B").arg(script).args(arguments).output() {
        let said = String::from_utf8_lossy(&theirs.stdout).into_owned();
        assert_eq!(theirs.status.code(), Some(code), "{arguments:?}: {said}");
    }
    (code, String::from_utf8_lossy(&ours.stdout).into_owned())
}

/// The drill of docs/operating.md: back up, go on, forget somebody, lose it all, restore, check.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_record_is_restored_says_so_and_forgets_again() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let (first, lost, second) = (at("first"), at("lost"), at("second"));
    let (before, after) = story();
    fs::write(at("story.jsonl"), &before).unwrap();
    let scenario = text(at("story.jsonl"));
    done(&first, &["seed", &scenario]);
    let theirs = theirs(&first).await;
    let backup = text(at("backup"));
    assert!(done(&first, &["backup", "--out", &backup]).contains("rests on the checkpoint over 7 events"));

    fs::write(at("story.jsonl"), before + &after).unwrap();
    done(&first, &["seed", &scenario]);
    let old_key = bundle(&first, &at("held"));
    let held = text(at("held/checkpoint.txt"));
    let size: u64 = fs::read_to_string(&held).unwrap().lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(size, 7 + 5, "asked, erased, confirmed, taken back, met");
    fs::rename(&first, &lost).unwrap();

    // Keys and list come from where they are kept; here, from what is left of the first.
    let (vault_key, list) = (text(lost.join("vault.key")), text(lost.join("forgotten")));
    let restore =
        ["--vault-key-file", &vault_key, "restore", "--from", &backup, "--held", &held, "--list", &list];
    let said = done(&second, &restore);
    for part in
        ["Restored: 7 events. Event 7 says so", "Lost are the events 7 to 11", "Erasures done again: 2."]
    {
        assert!(said.contains(part), "{said}");
    }
    let (code, said) = run(&second, &restore);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("There is a record here already"), "{said}");

    fs::copy(&vault_key, second.join("vault.key")).unwrap();
    assert!(done(&second, &["verify"]).contains("Everything holds."));
    let history = done(&second, &["history"]);
    assert!(
        history.contains("The events 7 to 11 are lost. 2 erasures since then were done again."),
        "{history}"
    );
    assert!(
        history.contains("The person is forgotten: the person asked for it (SAR-2026-014)."),
        "{history}"
    );

    // Nothing of whom was forgotten is in any file, the write-ahead log included: it was never loaded.
    let texts = [GONE.as_bytes().to_vec()];
    assert!(!found(&second, &theirs, true).contains(&true) && !found(&second, &texts, true).contains(&true));
    assert!(found(&lost, &theirs, true).contains(&true), "the search finds what is there");
    assert_eq!(fs::read_to_string(second.join("forgotten")).unwrap(), fs::read_to_string(&list).unwrap());

    // An auditor who holds what was shown before.
    let key = bundle(&second, &at("after"));
    assert_ne!(key, old_key);
    let checked = text(at("after"));
    let with = |more: &[&str]| verified(&[&["--bundle", checked.as_str(), "--key", &key], more].concat());
    assert_eq!(with(&[]).0, 0);
    assert_eq!(with(&["--held", &held]).0, 2, "nothing says whose key that is");
    let (code, said) = with(&["--held", &held, "--old-key", &old_key]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("LOST  Of the 12 events of a checkpoint that you hold, 7 to 11 are lost"),
        "{said}"
    );
    assert_eq!(verified(&["--bundle", &checked, "--key", &old_key]).0, 40, "the old key sealed none of this");

    // Its key is changed: whoever noted the one before can follow.
    let said = done(&second, &["change-key"]);
    assert!(said.contains("The key is changed: event"), "{said}");
    let newer = bundle(&second, &at("newer"));
    assert_ne!(newer, key);
    let checked = text(at("newer"));
    for key in [&key, &newer] {
        let (code, said) =
            verified(&["--bundle", &checked, "--key", key, "--held", &held, "--old-key", &old_key]);
        assert_eq!(code, 0, "{said}");
    }
    assert!(done(&second, &["verify"]).contains("Everything holds."));
}

#[tokio::test]
async fn a_crash_after_loading_leaves_a_restore_that_the_next_start_declares() {
    let (first, second) = (World::new().await, World::new().await);
    for number in 0..3 {
        fund(&first.store, number, 100).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("backup");
    take(&first.owner().await, None, &place).await.unwrap();
    let backup = Backup::read(&place, &[]).await.unwrap();
    let size = backup.manifest.size;
    assert_eq!(size.cast_signed(), first.size().await);

    let owner = second.owner().await;
    let command = CommandId(Uuid::from_u128(5));
    let declared = Declared { restore: restore_of(&backup), forgotten: Vec::new() };
    load(&owner, &backup, STANDING, None, (command, &declared)).await.unwrap();
    // Here the machine stops. What every start does:
    projections::install(&owner).await.unwrap();
    for _ in 0..2 {
        second.app().finish_restore().await.unwrap();
        assert_eq!(second.size().await, size.cast_signed() + 1, "declared once");
    }
    let report = check_log(&owner, &|_| {}).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(build::compare(&owner, &|_, _| ()).await.unwrap(), []);
    let leaves = "SELECT leaf_hash FROM public.events WHERE index < $1 ORDER BY index";
    let of = async |world: &World| -> Vec<Vec<u8>> {
        sqlx::query_scalar(leaves).bind(size.cast_signed()).fetch_all(world.store.pool()).await.unwrap()
    };
    assert_eq!(of(&first).await, of(&second).await);
    // The guards stand as they stood.
    let said = owner.execute("DELETE FROM public.events").await.unwrap_err().to_string();
    assert!(said.contains("append only"), "{said}");
    fund(&second.store, 9, 100).await;
    let auditor = second.somebody("Ola Auditor", Role::Auditor, None).await;
    let document = "query($index: Int!) { historyEntry(index: $index) { sentence eventType } }";
    let answer = second.ask(&auditor, document, json!({ "index": size })).await;
    assert_eq!(answer.data()["historyEntry"]["eventType"], "record.restored");
}

fn restore_of(backup: &Backup) -> Restore {
    Restore {
        size: backup.manifest.size,
        root: backup.manifest.root.parse().unwrap(),
        sealed: None,
        former: None,
        key: "example.invalid/second+0badcafe+AQIDBA==".parse().unwrap(),
        lost: None,
        erasures: 0,
    }
}

#[tokio::test]
async fn what_is_not_a_whole_back_up_or_has_no_empty_place_is_refused() {
    let world = World::new().await;
    for number in 0..3 {
        fund(&world.store, number, 100).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("backup");
    let owner = world.owner().await;
    take(&owner, None, &place).await.unwrap();
    let backup = Backup::read(&place, &[]).await.unwrap();
    let root = backup.manifest.root.parse::<Hash>().unwrap();

    // Not into a record that is there.
    let declared = Declared { restore: restore_of(&backup), forgotten: Vec::new() };
    let command = CommandId(Uuid::from_u128(5));
    let said = load(&owner, &backup, STANDING, None, (command, &declared)).await.unwrap_err().to_string();
    assert!(said.starts_with("There is a record here already: the log, with"), "{said}");
    // Not over a vault that another key opens, and nothing of it stands then.
    let empty = World::new().await;
    let empty_owner = empty.owner().await;
    empty_owner.execute("INSERT INTO auth.account (person_id, display_name, development) VALUES ('0197a1c0-5b1e-7d20-9a10-000000000001', 'Somebody', true)").await.unwrap();
    let said =
        load(&empty_owner, &backup, STANDING, None, (command, &declared)).await.unwrap_err().to_string();
    assert!(said.contains("auth.account is not empty"), "{said}");
    assert_eq!(empty.size().await, 0);

    // A checkpoint of another record.
    let said = Backup::read(&place, &[(2, [7; 32])]).await.unwrap_err();
    assert!(matches!(said, BackupTrouble::OtherRecord { size: 2 }), "{said}");
    assert_ne!(root.as_str(), hex::encode([7; 32]));
    // A byte changed anywhere, and a manifest that was made to fit.
    let events = place.join("public.events.copy");
    let whole = fs::read(&events).unwrap();
    let mut bent = whole.clone();
    let at = bent.windows(6).position(|run| run == b"100.00").unwrap();
    bent[at] = b'9';
    fs::write(&events, &bent).unwrap();
    let said = Backup::read(&place, &[]).await.unwrap_err().to_string();
    assert!(said.contains("public.events.copy is not what was written"), "{said}");
    let manifest = fs::read_to_string(place.join("manifest.json")).unwrap();
    let fitted = manifest.replace(Hash::of(&whole).as_str(), Hash::of(&bent).as_str());
    assert_ne!(fitted, manifest);
    fs::write(place.join("manifest.json"), fitted).unwrap();
    let said = Backup::read(&place, &[]).await.unwrap_err().to_string();
    assert!(said.contains("is not what was recorded"), "{said}");
    fs::write(&events, &whole).unwrap();
    fs::write(place.join("manifest.json"), manifest.replace("backup v1", "backup v2")).unwrap();
    let said = Backup::read(&place, &[]).await.unwrap_err().to_string();
    assert!(said.contains("of the form `sidebyside backup v2`"), "{said}");
}

#[tokio::test]
async fn a_damaged_record_gives_no_back_up() {
    let world = World::new().await;
    fund(&world.store, 1, 100).await;
    let owner = world.owner().await;
    owner
        .execute(
            "ALTER TABLE public.events DISABLE TRIGGER refuse_change;
             UPDATE public.events SET payload = replace(payload::text, '100.00', '900.00')::json WHERE index = 1;
             ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_change",
        )
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let said = take(&owner, None, &folder.path().join("backup")).await.unwrap_err().to_string();
    assert!(
        said.starts_with("There is no back-up, because the record is not whole: event 1 is not"),
        "{said}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
}

#[test]
fn a_line_that_was_cut_off_spoils_no_list() {
    let folder = tempfile::tempdir().unwrap();
    let list = ForgottenList::at(folder.path().join("forgotten"));
    let voice = |number: u128| {
        let (voice, consultation) = (Uuid::from_u128(number).into(), Uuid::from_u128(1).into());
        Forgotten::Voice { voice, consultation, by: Uuid::from_u128(2).into() }
    };
    assert_eq!(list.read().unwrap(), None);
    list.keep(&[voice(1), voice(2)]).unwrap();
    list.keep(&[voice(2), voice(1)]).unwrap();
    let text = fs::read_to_string(list.file()).unwrap();
    assert_eq!(text.lines().count(), 2);
    fs::write(list.file(), &text.as_bytes()[..text.len() - 9]).unwrap();
    assert_eq!(list.read().unwrap(), Some(vec![voice(1)]));
    list.keep(&[voice(2), voice(3)]).unwrap();
    assert_eq!(list.read().unwrap(), Some(vec![voice(1), voice(2), voice(3)]));
    fs::write(list.file(), "nonsense\n").unwrap();
    let said = list.keep(&[voice(1)]).unwrap_err().to_string();
    assert!(said.contains("Nobody is forgotten until it can"), "{said}");
}

/// Another master key than the one the vault was sealed with is refused before anything stands.
#[tokio::test]
async fn a_vault_that_the_key_does_not_open_is_not_restored() {
    let (first, second) = (World::new().await, World::new().await);
    let jamie = first.somebody("Jamie Pretend", Role::Advisor, None).await;
    let register = "mutation { registerPerson(input: { met: REFERRAL }) { person { id } } }";
    let answer = first.ask(&jamie, register, json!({})).await;
    let person = answer.data()["registerPerson"]["person"]["id"].clone();
    let keep =
        "mutation($person: UUID!) { keepPersonDetails(input: { personRef: $person, name: \"Alex Pretend\" })
        { receipt { index } } }";
    first.ask(&jamie, keep, json!({ "person": person })).await.data();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("backup");
    take(&first.owner().await, None, &place).await.unwrap();
    let backup = Backup::read(&place, &[]).await.unwrap();
    let declared = Declared { restore: restore_of(&backup), forgotten: Vec::new() };
    let command = CommandId(Uuid::from_u128(5));
    let owner = second.owner().await;
    let other = MasterKey::from_hex(&"08".repeat(32)).unwrap();
    let said =
        load(&owner, &backup, STANDING, Some(&other), (command, &declared)).await.unwrap_err().to_string();
    assert!(said.starts_with("The vault's key does not open"), "{said}");
    assert_eq!(second.size().await, 0);
    let ours = MasterKey::from_hex(&"5e".repeat(32)).unwrap();
    load(&owner, &backup, STANDING, Some(&ours), (command, &declared)).await.unwrap();
    assert_eq!(second.size().await, 2);
}
