//! Seals: what is signed, what a change of the log does to it, and that no size is ever signed twice.

mod witness;

use std::path::Path;

use serde_json::json;
use sidebyside::domain::identity::Role;
use sidebyside::domain::keeping::VerifierKey;
use sidebyside::store::database::{APP, sealer_pool};
use sidebyside::store::embedded::{AUDITOR, SEALER};
use sidebyside::store::seal::{
    Checkpoint, Frontier, NoteTrouble, PublicKey, SealKey, SealTrouble, Sealer, Turns, check_seals,
    continues, finish_change, includes, next_key_file,
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
    let turns = Turns::of(&owner, &public).await.unwrap();
    assert_eq!(check_seals(&owner, Some(turns), &[]).await.unwrap().findings, Vec::<String>::new());
    tamper(
        &world,
        "UPDATE public.events SET payload = replace(payload::text, '100.00', '900.00')::json WHERE index = 1;
        UPDATE public.events SET leaf_hash = public.leaf_v1(events) WHERE index = 1",
    )
    .await;
    let found = check_seals(&owner, None, &[]).await.unwrap().findings;
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
    let turns = Turns::of(&owner, &public).await.unwrap();
    let remembered = key(folder.path()).last().unwrap().unwrap();
    let report = check_seals(&owner, Some(turns), &[remembered]).await.unwrap();
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

/// The key is changed while a server seals: cut off after any step, what was begun goes on; no size has two roots.
#[tokio::test]
async fn the_old_key_seals_that_another_follows_it_and_nothing_after() {
    let (world, folder) = sealed_world(3).await;
    let file = folder.path().join("seal.key");
    let mut serving = sealer(&world, folder.path()).await.unwrap();
    serving.seal().await.unwrap();
    let shown = serving.shown();
    let old = key(folder.path());
    let next = SealKey::make_file(&next_key_file(&file), NAME).unwrap();
    let pool = world.store.pool();

    // Begun, and nothing is announced: the next key waits.
    finish_change(pool, &file).await.unwrap();
    assert_eq!(key(folder.path()).public(), old.public());
    let done = world.app().announce_key(named(&old), named(&next)).await.unwrap();
    let again = world.app().announce_key(named(&old), named(&next)).await.unwrap();
    assert_eq!((again.receipt, again.repeated), (done.receipt, true));
    // Announced, and not sealed yet: whoever starts now still has the old key, and seals it with that.
    finish_change(pool, &file).await.unwrap();
    assert_eq!(key(folder.path()).public(), old.public());
    let mut starting = sealer(&world, folder.path()).await.unwrap();
    let handed = starting.seal().await.unwrap();
    assert_eq!(handed.cast_signed(), done.receipt.index + 1);
    let by = |note: &str, key: &SealKey| Checkpoint::read(note, std::slice::from_ref(key.public())).is_ok();
    let last = notes(&world).await.pop().unwrap().1;
    assert!(
        by(&last, &old) && by(&last, &next),
        "both sign the change: it can be shown to whoever holds either"
    );

    // Sealed: a server that had the old key all the time takes the new one up by itself.
    fund(&world.store, 40, 75).await;
    assert_eq!(&*shown.borrow(), old.public());
    serving.seal().await.unwrap();
    assert_eq!(&*shown.borrow(), next.public(), "what the server tells is the key of now");
    let last = notes(&world).await.pop().unwrap().1;
    assert!(by(&last, &next) && !by(&last, &old));
    assert_eq!(key(folder.path()).public(), next.public());
    assert!(!next_key_file(&file).exists());
    let id = old.public().as_str().split('+').nth(1).unwrap();
    let kept = folder.path().join(format!("seal.old-{id}"));
    assert_eq!(SealKey::from_file(&kept).unwrap().public(), old.public(), "the old key is kept");

    // Whoever has the old key seals nothing more with it, and is told.
    fund(&world.store, 41, 75).await;
    let sealing = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
    let mut late = Sealer::open(sealing, SealKey::from_file(&kept).unwrap()).await.unwrap();
    let trouble = late.seal().await.unwrap_err();
    assert!(matches!(trouble, SealTrouble::KeyChanged { .. }), "{trouble}");
    let elsewhere = tempfile::tempdir().unwrap();
    let trouble = sealer(&world, elsewhere.path()).await.err().unwrap();
    assert!(matches!(trouble, SealTrouble::KeyChanged { .. }), "a key that the log does not name: {trouble}");
    starting.seal().await.unwrap();
    let owner = world.owner().await;
    let turns = Turns::of(&owner, next.public()).await.unwrap();
    let remembered = key(folder.path()).last().unwrap().unwrap();
    let report = check_seals(&owner, Some(turns), &[remembered]).await.unwrap();
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(report.sealed.cast_signed(), world.size().await);
    let turns = Turns::of(&owner, old.public()).await.unwrap();
    let found = check_seals(&owner, Some(turns), &[]).await.unwrap().findings;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("seals it by now; the one here is"), "{found:?}");
}

fn named(key: &SealKey) -> VerifierKey {
    key.public().as_str().parse().unwrap()
}

/// The root over the first events.
async fn root(world: &World, size: i64) -> [u8; 32] {
    let query = "SELECT leaf_hash FROM public.events WHERE index < $1 ORDER BY index";
    let leaves: Vec<Vec<u8>> =
        sqlx::query_scalar(query).bind(size).fetch_all(world.store.pool()).await.unwrap();
    let mut frontier = Frontier::default();
    for leaf in &leaves {
        frontier.push(leaf[..].try_into().unwrap());
    }
    frontier.root()
}

/// Cut off after the old key has signed the change and before the checkpoint was kept: it is sealed again, by the same
/// key and with the same root, whatever came in between.
#[tokio::test]
async fn a_hand_over_that_was_signed_and_not_kept_is_sealed_again_by_the_old_key() {
    for later in [0, 2] {
        let (world, folder) = sealed_world(2).await;
        let file = folder.path().join("seal.key");
        sealer(&world, folder.path()).await.unwrap().seal().await.unwrap();
        let old = key(folder.path());
        let next = SealKey::make_file(&next_key_file(&file), NAME).unwrap();
        world.app().announce_key(named(&old), named(&next)).await.unwrap();
        let size = world.size().await;
        let lost = old.sign(size.unsigned_abs(), root(&world, size).await).unwrap();
        for number in 0..later {
            fund(&world.store, 50 + number, 75).await;
        }

        finish_change(world.store.pool(), &file).await.unwrap();
        assert_eq!(key(folder.path()).public(), old.public(), "nothing that is kept says that it is sealed");
        let mut sealing = sealer(&world, folder.path()).await.unwrap();
        let sealed = sealing.seal().await.unwrap().cast_signed();
        assert_eq!(sealed, world.size().await);
        let handed = notes(&world).await.pop().unwrap();
        assert_eq!(handed.0, sealed);
        assert!(Checkpoint::read(&handed.1, std::slice::from_ref(old.public())).is_ok());
        assert_eq!(handed.1.starts_with(&lost), later == 0, "never two roots for one size");
        assert!(Checkpoint::read(&handed.1, std::slice::from_ref(next.public())).is_ok());
        fund(&world.store, 60, 75).await;
        sealing.seal().await.unwrap();
        assert_eq!(sealing.public(), next.public());
        let turns = Turns::of(world.store.pool(), next.public()).await.unwrap();
        let report = check_seals(&world.owner().await, Some(turns), &[]).await.unwrap();
        assert_eq!((report.findings, report.checkpoints), (vec![], 3));
    }
}

/// Whoever can write into the log, and has no key, announces one of theirs.
#[tokio::test]
async fn a_change_of_the_key_that_was_not_begun_beside_it_is_never_sealed() {
    let strange = tempfile::tempdir().unwrap();
    let stranger = key(strange.path());
    // Nothing waits beside the key; or another than the one announced.
    for waiting in [false, true] {
        let (world, folder) = sealed_world(2).await;
        let mut serving = sealer(&world, folder.path()).await.unwrap();
        let size = serving.seal().await.unwrap().cast_signed();
        let old = key(folder.path());
        if waiting {
            SealKey::make_file(&next_key_file(&folder.path().join("seal.key")), NAME).unwrap();
        }
        world.app().announce_key(named(&old), named(&stranger)).await.unwrap();
        fund(&world.store, 50, 75).await;
        for _ in 0..2 {
            let trouble = serving.seal().await.unwrap_err();
            assert!(matches!(trouble, SealTrouble::NotWaiting { index } if index == size), "{trouble}");
            let trouble = sealer(&world, folder.path()).await.unwrap().seal().await.unwrap_err();
            assert!(matches!(trouble, SealTrouble::NotWaiting { index } if index == size), "{trouble}");
            finish_change(world.store.pool(), &folder.path().join("seal.key")).await.unwrap();
        }
        assert_eq!(key(folder.path()).public(), old.public());
        // The key announced does not seal its own hand-over either.
        let trouble = sealer(&world, strange.path()).await.err().unwrap();
        assert!(matches!(trouble, SealTrouble::NotHandedOver { index } if index == size), "{trouble}");
        assert_eq!(notes(&world).await.len(), 1);
    }
    // A change between two keys that are none of ours.
    let (world, folder) = sealed_world(2).await;
    let mut serving = sealer(&world, folder.path()).await.unwrap();
    serving.seal().await.unwrap();
    let other = tempfile::tempdir().unwrap();
    world.app().announce_key(named(&key(other.path())), named(&stranger)).await.unwrap();
    let trouble = serving.seal().await.unwrap_err();
    assert!(matches!(trouble, SealTrouble::NotWaiting { .. }), "{trouble}");
    let trouble = sealer(&world, folder.path()).await.err().unwrap();
    assert!(matches!(trouble, SealTrouble::KeyChanged { .. }), "{trouble}");
    assert_eq!(notes(&world).await.len(), 1);
}

/// Whoever can write checkpoints into the database, and has a key that has its turn at another time.
#[tokio::test]
async fn each_checkpoint_is_held_against_the_key_whose_turn_it_was() {
    let (world, folder) = sealed_world(2).await;
    let file = folder.path().join("seal.key");
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    sealing.seal().await.unwrap();
    let (before, old) = (world.size().await, key(folder.path()));
    fund(&world.store, 50, 75).await;
    let next = SealKey::make_file(&next_key_file(&file), NAME).unwrap();
    world.app().announce_key(named(&old), named(&next)).await.unwrap();
    sealing.seal().await.unwrap();
    let handed = world.size().await;
    fund(&world.store, 51, 75).await;
    sealing.seal().await.unwrap();
    fund(&world.store, 52, 75).await;
    let owner = world.owner().await;
    let found = async || {
        let turns = Turns::of(&owner, next.public()).await.unwrap();
        check_seals(&owner, Some(turns), &[]).await.unwrap().findings
    };
    assert_eq!(found().await, Vec::<String>::new());

    let (early, late) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let id = old.public().as_str().split('+').nth(1).unwrap();
    std::fs::copy(&file, early.path().join("seal.key")).unwrap();
    std::fs::copy(folder.path().join(format!("seal.old-{id}")), late.path().join("seal.key")).unwrap();
    let pool = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
    let sizes = [(early.path(), before + 1, &old), (late.path(), handed + 1, &next)];
    for (number, (by, size, whose)) in (1..).zip(sizes) {
        let root = root(&world, size).await;
        let note = key(by).sign(size.unsigned_abs(), root).unwrap();
        let insert = "INSERT INTO seal.checkpoint (size, root, note) VALUES ($1, $2, $3)";
        sqlx::query(insert).bind(size).bind(&root[..]).bind(note).execute(&pool).await.unwrap();
        let found = found().await;
        assert_eq!(found.len(), number, "{found:?}");
        let said = format!("the checkpoint of {size} events, which the key {} had to sign", whose.public());
        assert!(found.iter().any(|one| one.starts_with(&said)), "{found:?}");
    }
}
