//! The vault on a real PostgreSQL: what goes in comes out, on the record, for whoever has the key and nobody else.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use sidebyside::domain::bank::BankDetails;
use sidebyside::domain::identity::{Actor, PersonId, Role};
use sidebyside::store::database::APP;
use sidebyside::store::embedded::{AUDITOR, SEALER};
use sidebyside::store::vault::{KeyTrouble, Kind, MasterKey, Vault, VaultTrouble, verify};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use crate::world::World;

const WHY: &str = "To check them by telephone";

/// Item, subject, kind, person, role, why, and whether it was just now.
type Reading = (Uuid, Uuid, String, Uuid, String, String, bool);

fn key(byte: u8) -> MasterKey {
    MasterKey::from_hex(&hex::encode([byte; 32])).unwrap()
}

fn vault(world: &World) -> Vault {
    Vault::new(world.store.pool().clone(), Some(key(7)))
}

fn subject(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn finance() -> Actor {
    Actor { person: PersonId(Uuid::from_u128(0xF1)), role: Role::Finance }
}

fn details() -> String {
    BankDetails::new("20-35-58", "87651234", "Harbour Lights CIC").unwrap().to_vault()
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    sqlx::query_scalar(&format!("SELECT count(*) FROM vault.{table}")).fetch_one(pool).await.unwrap()
}

async fn as_role(world: &World, role: &str) -> PgPool {
    PgPoolOptions::new().max_connections(1).connect_with(world.database.options_as(role)).await.unwrap()
}

/// What the server says when a role does what it may not.
async fn refused(pool: &PgPool, statement: &str) -> bool {
    let said = pool.execute(statement).await.expect_err(statement);
    said.as_database_error().and_then(DatabaseError::code).as_deref() == Some("42501")
}

#[tokio::test]
async fn what_is_sealed_is_read_back_and_the_read_is_on_the_record() {
    let world = World::new().await;
    let (vault, owner) = (vault(&world), world.owner().await);
    let kept = vault.seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    assert_eq!(count(&owner, "reading").await, 0);

    assert_eq!(*vault.open(kept.item, finance(), WHY).await.unwrap(), details());
    assert_eq!(*vault.open_committed(&kept, finance(), " For the payment run ").await.unwrap(), details());

    let readings: Vec<Reading> = sqlx::query_as(
        "SELECT item, subject, kind, person, role, why, read_at BETWEEN now() - interval '1 minute' AND now()
         FROM vault.reading ORDER BY reading",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    let reading = |why: &str| {
        let (kind, role) = ("bank_details".to_owned(), "finance".to_owned());
        (kept.item, subject(1), kind, finance().person.0, role, why.to_owned(), true)
    };
    assert_eq!(readings, [reading(WHY), reading("For the payment run")]);

    let said = vault.open(kept.item, finance(), "  ").await.unwrap_err();
    assert_eq!(said.code(), "vault.why_required");
    assert!(said.to_string().starts_with("Say why you are opening this"), "{said}");
    assert_eq!(vault.open(Uuid::nil(), finance(), WHY).await.unwrap_err().code(), "vault.absent");
    assert_eq!(count(&owner, "reading").await, 2, "a read that was refused was no read");
}

#[tokio::test]
async fn the_commitment_holds_for_the_text_and_nothing_else() {
    let world = World::new().await;
    let (vault, owner) = (vault(&world), world.owner().await);
    let kept = vault.seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    let again = vault.seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    assert_ne!(kept.commit, again.commit, "the same text twice cannot be recognised");

    let salt: Vec<u8> = sqlx::query_scalar("SELECT salt FROM vault.item WHERE item = $1")
        .bind(kept.item)
        .fetch_one(&owner)
        .await
        .unwrap();
    let salt: [u8; 32] = salt.try_into().unwrap();
    assert!(verify(&kept, &salt, &details()));
    assert!(!verify(&kept, &salt, "something else"));
    assert!(!verify(&kept, &[0; 32], &details()));
    assert!(!verify(&again, &salt, &details()));

    let mut other = kept.clone();
    other.commit = again.commit;
    let said = vault.open_committed(&other, finance(), WHY).await.unwrap_err();
    assert_eq!(said.code(), "vault.damaged");
    assert_eq!(count(&owner, "reading").await, 0);
}

#[tokio::test]
async fn nothing_stored_shows_the_text() {
    let world = World::new().await;
    let (vault, owner) = (vault(&world), world.owner().await);
    vault.seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT item::text FROM vault.item AS item UNION ALL SELECT key::text FROM vault.subject_key AS key",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    let bytes: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT unnest(ARRAY[ciphertext, salt, nonce]) FROM vault.item
         UNION ALL SELECT unnest(ARRAY[wrapped, nonce]) FROM vault.subject_key",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!((rows.len(), bytes.len()), (2, 5));
    for part in ["203558", "87651234", "Harbour", "account", "sort_code"] {
        for row in &rows {
            // A few digits stand in any random hexadecimal: those are looked for in the bytes below.
            assert!(
                part.starts_with(|c: char| c.is_ascii_digit()) || !row.contains(part),
                "{part} stands in {row}"
            );
            assert!(!row.contains(&hex::encode(part)), "{part} stands in {row}");
        }
        assert!(
            bytes.iter().all(|cell| !cell.windows(part.len()).any(|run| run == part.as_bytes())),
            "{part}"
        );
    }
    let master: Vec<&Vec<u8>> =
        bytes.iter().filter(|cell| cell.windows(8).any(|run| run == [7; 8])).collect();
    assert!(master.is_empty(), "the master key is not in the database");
}

#[tokio::test]
async fn another_master_key_opens_nothing_and_seals_nothing() {
    let world = World::new().await;
    let (ours, owner) = (vault(&world), world.owner().await);
    let other = Vault::new(world.store.pool().clone(), Some(key(8)));
    other.check().await.expect("any key will do for an empty vault");
    let kept = ours.seal(subject(1), Kind::BankDetails, &details()).await.unwrap();

    ours.check().await.unwrap();
    assert_eq!(other.check().await.unwrap_err().code(), "vault.other_key");
    let said = other.open(kept.item, finance(), WHY).await.unwrap_err();
    assert_eq!(said.code(), "vault.other_key");
    assert!(said.to_string().ends_with("Start it with the key that belongs to this database."), "{said}");
    for whom in [1, 2] {
        let said = other.seal(subject(whom), Kind::BankDetails, &details()).await.unwrap_err();
        assert_eq!(
            said.code(),
            "vault.other_key",
            "subject {whom}: two keys in one vault would lose one half"
        );
    }
    assert_eq!((count(&owner, "item").await, count(&owner, "subject_key").await), (1, 1));
    assert_eq!(count(&owner, "reading").await, 0);
}

#[tokio::test]
async fn rows_that_were_changed_or_swapped_are_refused() {
    let world = World::new().await;
    let (vault, owner) = (vault(&world), world.owner().await);
    let kept = vault.seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    let other = vault.seal(subject(2), Kind::BankDetails, "something else").await.unwrap();
    let again = vault.seal(subject(1), Kind::BankDetails, "the older ones").await.unwrap();

    let (item, other, again) = (kept.item, other.item, again.item);
    let theirs =
        |column: &str, of: Uuid| format!("{column} = (SELECT {column} FROM vault.item WHERE item = '{of}')");
    let cells = |of: Uuid| ["salt", "nonce", "ciphertext"].map(|column| theirs(column, of)).join(", ");
    let on_item = |set: String| format!("UPDATE vault.item SET {set} WHERE item = '{item}'");
    let tampering = [
        (
            on_item("ciphertext = set_byte(ciphertext, 3, get_byte(ciphertext, 3) # 1)".into()),
            "vault.damaged",
        ),
        (on_item("ciphertext = substring(ciphertext FOR 16)".into()), "vault.damaged"),
        (on_item("nonce = set_byte(nonce, 0, get_byte(nonce, 0) # 1)".into()), "vault.damaged"),
        (on_item("kind = 'postal_address'".into()), "vault.damaged"),
        (on_item(format!("subject = '{}'", subject(2))), "vault.damaged"),
        (on_item(cells(other)), "vault.damaged"),
        (on_item(format!("{}, {}", theirs("subject", other), cells(other))), "vault.damaged"),
        (on_item(cells(again)), "vault.damaged"),
        (
            format!(
                "UPDATE vault.subject_key AS key SET wrapped = other.wrapped, nonce = other.nonce
                 FROM vault.subject_key AS other WHERE key.subject = '{}' AND other.subject = '{}'",
                subject(1),
                subject(2)
            ),
            "vault.other_key",
        ),
    ];
    for (change, code) in &tampering {
        owner.execute("CREATE TABLE item_before AS TABLE vault.item").await.unwrap();
        owner.execute("CREATE TABLE key_before AS TABLE vault.subject_key").await.unwrap();
        assert_eq!(owner.execute(change.as_str()).await.unwrap().rows_affected(), 1, "{change}");
        assert_eq!(vault.open(item, finance(), WHY).await.unwrap_err().code(), *code, "{change}");
        assert_eq!(vault.open_committed(&kept, finance(), WHY).await.unwrap_err().code(), *code, "{change}");
        for put_back in [
            "TRUNCATE vault.item, vault.subject_key",
            "INSERT INTO vault.subject_key TABLE key_before",
            "INSERT INTO vault.item TABLE item_before",
            "DROP TABLE item_before, key_before",
        ] {
            owner.execute(put_back).await.unwrap();
        }
    }
    owner.execute(on_item("salt = nonce || substring(nonce FOR 8)".into()).as_str()).await.unwrap();
    assert_eq!(vault.open_committed(&kept, finance(), WHY).await.unwrap_err().code(), "vault.damaged");
    assert_eq!(count(&owner, "reading").await, 0);
}

#[tokio::test]
async fn without_a_key_the_vault_is_closed() {
    let world = World::new().await;
    let kept = vault(&world).seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    let closed = Vault::new(world.store.pool().clone(), None);
    let said: [VaultTrouble; 5] = [
        closed.check().await.unwrap_err(),
        closed.seal(subject(1), Kind::BankDetails, &details()).await.unwrap_err(),
        closed.open(kept.item, finance(), WHY).await.unwrap_err(),
        closed.open_committed(&kept, finance(), WHY).await.unwrap_err(),
        closed.discard(kept.item).await.unwrap_err(),
    ];
    for trouble in said {
        assert_eq!(trouble.code(), "vault.closed");
        assert!(trouble.to_string().starts_with("The vault is closed:"), "{trouble}");
    }
    assert_eq!(count(&world.owner().await, "item").await, 1);
}

#[tokio::test]
async fn an_item_whose_event_was_refused_is_discarded() {
    let world = World::new().await;
    let vault = vault(&world);
    let kept = vault.seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    let other = vault.seal(subject(1), Kind::BankDetails, "the newer ones").await.unwrap();
    vault.discard(kept.item).await.unwrap();
    vault.discard(kept.item).await.expect("again does no harm");
    assert_eq!(vault.open(kept.item, finance(), WHY).await.unwrap_err().code(), "vault.absent");
    assert_eq!(*vault.open(other.item, finance(), WHY).await.unwrap(), "the newer ones");
}

#[tokio::test]
async fn two_who_seal_for_a_new_subject_at_once_share_its_key() {
    let world = World::new().await;
    let vault = vault(&world);
    let seal = |text: &'static str| vault.seal(subject(1), Kind::BankDetails, text);
    let (one, two, three) = tokio::join!(seal("one"), seal("two"), seal("three"));
    assert_eq!(count(&world.owner().await, "subject_key").await, 1);
    for (kept, text) in [(one, "one"), (two, "two"), (three, "three")] {
        assert_eq!(*vault.open_committed(&kept.unwrap(), finance(), WHY).await.unwrap(), text);
    }
}

#[tokio::test]
async fn each_role_reaches_what_it_is_for() {
    let world = World::new().await;
    let kept = vault(&world).seal(subject(1), Kind::BankDetails, &details()).await.unwrap();
    vault(&world).open(kept.item, finance(), WHY).await.unwrap();

    let auditor = as_role(&world, AUDITOR).await;
    assert_eq!(count(&auditor, "reading").await, 1);
    let sealer = as_role(&world, SEALER).await;
    for table in ["item", "subject_key", "reading"] {
        let select = format!("SELECT FROM vault.{table}");
        assert!(refused(&sealer, &select).await, "the sealer and {table}");
        assert!(table == "reading" || refused(&auditor, &select).await, "the auditor and {table}");
    }
    let app = as_role(&world, APP).await;
    for statement in [
        "SELECT FROM vault.reading",
        "DELETE FROM vault.reading",
        "UPDATE vault.item SET kind = 'x'",
        "UPDATE vault.subject_key SET subject = gen_random_uuid()",
        "DELETE FROM vault.subject_key",
        "TRUNCATE vault.item",
    ] {
        assert!(refused(&app, statement).await, "{statement}");
    }
    let owner = world.owner().await;
    for statement in
        ["UPDATE vault.reading SET why = 'x'", "DELETE FROM vault.reading", "TRUNCATE vault.reading"]
    {
        assert!(refused(&owner, statement).await, "even the owner: {statement}");
    }
}

#[test]
fn the_key_file_is_made_once_and_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault-key");
    assert!(matches!(MasterKey::from_file(&path), Err(KeyTrouble::System { .. })), "nothing there yet");

    MasterKey::make_file(&path).unwrap();
    let first = fs::read_to_string(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert!(first.len() == 65 && first.trim().bytes().all(|byte| byte.is_ascii_hexdigit()));
    let made = MasterKey::make_file(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), first, "a key that stands is never replaced");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
    assert_eq!(format!("{made:?}"), "MasterKey(..)", "the key is never printed");

    for mode in [0o644, 0o604, 0o660, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let said = MasterKey::from_file(&path).unwrap_err().to_string();
        assert!(said.contains(&format!("(mode {mode:o})")), "{said}");
        assert!(said.ends_with(&format!("chmod 600 {}", path.display())), "{said}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    MasterKey::from_file(&path).unwrap();
}

#[test]
fn a_key_is_sixty_four_digits() {
    let digits = "0123456789abcdef".repeat(4);
    for fine in [digits.clone(), digits.to_uppercase(), format!(" {digits}\r\n")] {
        MasterKey::from_hex(&fine).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault-key");
    for wrong in [
        "",
        digits.get(1..).expect("it has digits"),
        &format!("{digits}0"),
        &digits.replace('a', "x"),
        &digits.repeat(10),
    ] {
        assert!(matches!(MasterKey::from_hex(wrong), Err(KeyTrouble::Unreadable)), "{wrong}");
        fs::write(&path, wrong).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let said = MasterKey::make_file(&path).unwrap_err();
        assert!(matches!(said, KeyTrouble::NotAKey(_)), "{said}");
        assert!(wrong.is_empty() || !said.to_string().contains(wrong), "a near miss is not printed");
    }
}
