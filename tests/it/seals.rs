//! Seals: what is signed, what a change of the log does to it, and that no size is ever signed twice.

use std::path::Path;

use serde_json::json;
use sidebyside::domain::identity::Role;
use sidebyside::store::database::{APP, sealer_pool};
use sidebyside::store::embedded::{AUDITOR, SEALER};
use sidebyside::store::seal::{
    Checkpoint, Frontier, NoteTrouble, PublicKey, SealKey, SealTrouble, Sealer, check_seals, continues,
    includes,
};
use sqlx::{ConnectOptions as _, Executor as _, PgPool};
use tempfile::TempDir;

use crate::store::{fund, superuser};
use crate::world::World;

const NAME: &str = "example.invalid/side-by-side";

/// A world with some events, and a folder for its key.
async fn sealed_world(events: u32) -> (World, TempDir) {
    let world = World::new().await;
    for number in 0..events {
        fund(&world.store, number, 100).await;
    }
    (world, tempfile::tempdir().unwrap())
}

fn key(folder: &Path) -> SealKey {
    SealKey::make_file(&folder.join("seal.key"), NAME).unwrap()
}

async fn sealer(world: &World, folder: &Path) -> Result<Sealer, SealTrouble> {
    let pool = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
    Sealer::open(pool, key(folder)).await
}

async fn notes(world: &World) -> Vec<(i64, String)> {
    let query = "SELECT size, note FROM seal.checkpoint ORDER BY size";
    sqlx::query_as(query).fetch_all(world.store.pool()).await.unwrap()
}

/// Change what cannot be changed: as a superuser, with the guards down.
async fn tamper(world: &World, statements: &str) {
    let mut session = superuser(world).connect().await.unwrap();
    let whole = format!(
        "SET session_replication_role = replica; ALTER TABLE public.events DISABLE TRIGGER ALL; {statements}"
    );
    session.execute(&*whole).await.unwrap();
}

#[tokio::test]
async fn what_is_sealed_can_be_shown_to_anybody() {
    let (world, folder) = sealed_world(3).await;
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    let public = sealing.public().clone();
    let first = sealing.seal().await.unwrap();
    assert_eq!(first.cast_signed(), world.size().await);
    assert_eq!(sealing.seal().await.unwrap(), first, "nothing is new");
    fund(&world.store, 9, 50).await;
    let second = sealing.seal().await.unwrap();

    let notes = notes(&world).await;
    let read = |place: usize| Checkpoint::read(&notes[place].1, std::slice::from_ref(&public)).unwrap();
    assert_eq!((notes.len(), read(0).size, read(1).size), (2, first, second));
    assert_eq!(read(0).origin, NAME);

    // The root is that of the leaves, whoever puts them together.
    let leaves: Vec<Vec<u8>> = sqlx::query_scalar("SELECT leaf_hash FROM public.events ORDER BY index")
        .fetch_all(world.store.pool())
        .await
        .unwrap();
    let mut frontier = Frontier::default();
    for leaf in &leaves {
        frontier.push(leaf[..].try_into().unwrap());
    }
    assert_eq!(read(1).root, frontier.root());

    // Each event, through the API, under the checkpoint that covers it.
    let auditor = world.somebody("Ola Auditor", Role::Auditor, None).await;
    let document = "query($index: Int!) { checkpoint { size root note } inclusionProof(index: $index) {
        index leafHash path checkpoint { size root note } } }";
    for (index, leaf) in (0_u64..).zip(&leaves) {
        let answer = world.ask(&auditor, document, json!({ "index": index })).await;
        assert_eq!(answer.data()["checkpoint"]["size"], json!(second));
        let proof = &answer.data()["inclusionProof"];
        let note = proof["checkpoint"]["note"].as_str().unwrap();
        let checkpoint = Checkpoint::read(note, std::slice::from_ref(&public)).unwrap();
        assert_eq!(checkpoint.size, if index < first { first } else { second });
        assert_eq!(proof["leafHash"], hex::encode(leaf));
        let path: Vec<[u8; 32]> = proof["path"].as_array().unwrap().iter().map(node).collect();
        let leaf: [u8; 32] = leaf[..].try_into().unwrap();
        assert!(includes(&path, (checkpoint.size, checkpoint.root), index, leaf));
    }
    let beyond = world.ask(&auditor, document, json!({ "index": second })).await;
    assert_eq!(beyond.refusal().0, "not_found");
    fund(&world.store, 10, 50).await;
    let unsealed = world.ask(&auditor, document, json!({ "index": second })).await;
    assert_eq!(unsealed.data()["inclusionProof"], json!(null), "it waits for its seal");

    let mut tree = sidebyside::store::seal::Tree::default();
    for leaf in &leaves {
        tree.push(leaf[..].try_into().unwrap()).unwrap();
    }
    let proof = tree.consistency(first, second).unwrap();
    assert!(continues(&proof, (first, read(0).root), (second, read(1).root)));
}

fn node(value: &serde_json::Value) -> [u8; 32] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

#[tokio::test]
async fn a_note_of_another_key_or_log_or_with_one_letter_changed_is_refused() {
    let (world, folder) = sealed_world(2).await;
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    sealing.seal().await.unwrap();
    let (public, note) = (sealing.public().clone(), notes(&world).await.remove(0).1);
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = key(elsewhere.path()).public().clone();
    assert!(matches!(Checkpoint::read(&note, &[stranger]), Err(NoteTrouble::Unsigned(_))));
    for place in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[place] ^= 1;
        let Ok(bent) = String::from_utf8(bytes) else { continue };
        assert!(Checkpoint::read(&bent, std::slice::from_ref(&public)).is_err(), "{place}: {bent}");
    }
    // The same secret under another name is another key: it does not speak for this log.
    let renamed = public.as_str().replace("example.invalid", "example.other");
    assert!(PublicKey::new(&renamed).is_err(), "the id of a key covers its name");
}

#[tokio::test]
async fn nothing_is_sealed_over_a_log_that_was_changed() {
    let (world, folder) = sealed_world(4).await;
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    let public = sealing.public().clone();
    let size = sealing.seal().await.unwrap();

    // An event not sealed yet: its leaf no longer fits.
    fund(&world.store, 20, 50).await;
    tamper(&world, &format!("UPDATE public.events SET payload = replace(payload::text, '50.00', '90.00')::json WHERE index = {}", size + 1)).await;
    let trouble = sealing.seal().await.unwrap_err();
    assert!(matches!(trouble, SealTrouble::Leaf { index } if index == size + 1), "{trouble}");
    assert_eq!(notes(&world).await.len(), 1);
    tamper(&world, &format!("UPDATE public.events SET payload = replace(payload::text, '90.00', '50.00')::json WHERE index = {}", size + 1)).await;
    let all = sealing.seal().await.unwrap();
    assert_eq!(all, size + 2);

    // A sealed event, its leaf computed anew by whoever did it: only the root knows.
    let owner = world.owner().await;
    assert_eq!(check_seals(&owner, &[public], &[]).await.unwrap().findings, Vec::<String>::new());
    tamper(
        &world,
        "UPDATE public.events SET payload = replace(payload::text, '100.00', '900.00')::json WHERE index = 1;
        UPDATE public.events SET leaf_hash = public.leaf_v1(events) WHERE index = 1",
    )
    .await;
    let found = check_seals(&owner, &[], &[]).await.unwrap().findings;
    assert_eq!(found.len(), 2, "{found:?}");
    let trouble = sealer(&world, folder.path()).await.err().unwrap();
    assert!(matches!(trouble, SealTrouble::Diverged { size, .. } if size == all), "{trouble}");
}

#[tokio::test]
async fn an_older_copy_of_the_database_cannot_be_sealed_with_the_same_key() {
    let (world, folder) = sealed_world(4).await;
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    let size = sealing.seal().await.unwrap();

    // The older copy is another world with as many events; the checkpoints of that time are not in it.
    let (copy, _) = sealed_world(3).await;
    let trouble = sealer(&copy, folder.path()).await.err().unwrap();
    assert!(matches!(trouble, SealTrouble::Shorter { sealed, .. } if sealed == size), "{trouble}");
    // It grows as far as was sealed, with other events: the key remembers its root and does not sign a second.
    fund(&copy.store, 30, 75).await;
    let trouble = sealer(&copy, folder.path()).await.err().unwrap();
    assert!(matches!(trouble, SealTrouble::Diverged { size: at, .. } if at == size), "{trouble}");
    let trouble = key(folder.path()).sign(size, [7; 32]).unwrap_err();
    assert!(trouble.to_string().contains("another history"), "{trouble}");
    assert_eq!(notes(&copy).await, []);
    // The log it was made for goes on.
    fund(&world.store, 31, 75).await;
    assert_eq!(sealing.seal().await.unwrap(), size + 2);
}

#[tokio::test]
async fn two_sealers_and_writers_at_once_sign_one_root_for_each_size() {
    let (world, folder) = sealed_world(1).await;
    let (mut one, mut other) =
        (sealer(&world, folder.path()).await.unwrap(), sealer(&world, folder.path()).await.unwrap());
    let public = one.public().clone();
    let writing = async {
        for number in 100..130 {
            fund(&world.store, number, 10).await;
        }
    };
    let sealing = async |sealer: &mut Sealer| {
        for _ in 0..40 {
            sealer.seal().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(writing, sealing(&mut one), sealing(&mut other));
    one.seal().await.unwrap();
    let owner = world.owner().await;
    let report =
        check_seals(&owner, &[public], &[key(folder.path()).last().unwrap().unwrap()]).await.unwrap();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.sealed.cast_signed(), world.size().await);
    // A third, begun anew, finds what was sealed and has nothing to do.
    let mut third = sealer(&world, folder.path()).await.unwrap();
    assert_eq!(third.seal().await.unwrap(), report.sealed);
    assert_eq!(notes(&world).await.len(), report.checkpoints);
}

#[tokio::test]
async fn only_the_sealer_seals_and_it_does_nothing_else() {
    let (world, folder) = sealed_world(2).await;
    sealer(&world, folder.path()).await.unwrap().seal().await.unwrap();
    let before = notes(&world).await;
    let insert = "INSERT INTO seal.checkpoint (size, root, note) VALUES (1, sha256('x'), 'x')";
    let attempts = [
        (APP, insert),
        (AUDITOR, insert),
        (APP, "UPDATE seal.checkpoint SET note = 'x'"),
        (SEALER, "UPDATE seal.checkpoint SET note = 'x'"),
        (SEALER, "DELETE FROM seal.checkpoint"),
        (SEALER, "TRUNCATE seal.checkpoint"),
        (SEALER, "INSERT INTO public.events SELECT * FROM public.events"),
        (SEALER, "SELECT * FROM vault.item"),
        (SEALER, "SELECT * FROM views.partner"),
    ];
    for (role, statement) in attempts {
        let pool: PgPool = PgPool::connect_with(world.database.options_as(role)).await.unwrap();
        let refused = pool.execute(statement).await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{role}: {statement}: {refused}");
    }
    let owner = world.owner().await;
    let refused = owner.execute("DELETE FROM seal.checkpoint").await.unwrap_err().to_string();
    assert!(refused.contains("append only"), "{refused}");
    assert_eq!(notes(&world).await, before);
}
