//! A witness at work: what it signs, what it turns down, and what it still knows afterwards.

use signed_note::StandardSigner;
use tempfile::TempDir;

use super::*;
use crate::store::seal::{SealKey, Tree};

const LOG: &str = "example.invalid/log";

/// A log, its key, and a witness that watches it.
struct Scene {
    folder: TempDir,
    tree: Tree,
    signer: StandardSigner,
    public: PublicKey,
}

fn signing(folder: &Path, name: &str) -> (StandardSigner, PublicKey) {
    let file = folder.join(format!("{}.key", name.replace('/', "-")));
    let key = SealKey::make_file(&file, name).unwrap();
    let line = std::fs::read_to_string(file).unwrap();
    (StandardSigner::new(line.trim()).unwrap(), key.public().clone())
}

impl Scene {
    fn new(leaves: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (signer, public) = signing(folder.path(), LOG);
        let mut tree = Tree::default();
        (0..leaves).for_each(|leaf| tree.push([leaf; 32]).unwrap());
        Self { folder, tree, signer, public }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("witness.state")
    }

    fn open(&self, first_time: bool) -> Result<Witness, WitnessTrouble> {
        let key = self.folder.path().join("witness.key");
        let signer = WitnessSigner::make_file(&key, "example.invalid/witness").unwrap();
        Witness::open(signer, std::slice::from_ref(&self.public), &self.state(), first_time)
    }

    fn note(&self, tree: &Tree, size: u64) -> String {
        let root = tree.root(size).unwrap();
        Checkpoint { origin: LOG.into(), size, root }.sign(&self.signer).unwrap()
    }

    fn request(&self, tree: &Tree, from: u64, size: u64) -> String {
        let proof = if from == 0 { Vec::new() } else { tree.consistency(from, size).unwrap() };
        let lines: String = proof.iter().map(|node| BASE64.encode(node) + "\n").collect();
        format!("old {from}\n{lines}\n{}", self.note(tree, size))
    }
}

/// A log of the same key that is another from an event on.
fn forked(size: u8, from: u8) -> Tree {
    let mut tree = Tree::default();
    (0..size).for_each(|leaf| tree.push([if leaf < from { leaf } else { 99 }; 32]).unwrap());
    tree
}

fn ask(witness: &Witness, request: &str) -> Answer {
    witness.add_checkpoint(request.as_bytes(), 1_790_000_000).unwrap()
}

fn cosigns(witness: &Witness, scene: &Scene, from: u64, size: u64) {
    let note = scene.note(&scene.tree, size);
    let (text, _) = parts(&note).unwrap();
    let answer = ask(witness, &scene.request(&scene.tree, from, size));
    let Answer::Cosigned(line) = answer else { panic!("from {from} to {size}: {answer:?}") };
    let line = line.strip_suffix('\n').unwrap();
    assert_eq!(witness.public().cosigned(text, line), chrono::DateTime::from_timestamp(1_790_000_000, 0));
}

#[test]
fn what_goes_on_from_the_last_is_signed_and_nothing_else() {
    let scene = Scene::new(40);
    let witness = scene.open(true).unwrap();
    assert_eq!(witness.seen(), [(LOG.to_owned(), 0)]);
    cosigns(&witness, &scene, 0, 7);
    cosigns(&witness, &scene, 7, 7);
    cosigns(&witness, &scene, 7, 20);
    assert_eq!(witness.seen(), [(LOG.to_owned(), 20)]);

    // Rewound, forked before and after, and asked from elsewhere.
    let tree = &scene.tree;
    assert_eq!(ask(&witness, &scene.request(tree, 7, 20)), Answer::Conflict(20));
    assert_eq!(ask(&witness, &scene.request(tree, 7, 9)), Answer::Conflict(20));
    assert_eq!(ask(&witness, &scene.request(tree, 0, 9)), Answer::Conflict(20));
    assert_eq!(ask(&witness, &scene.request(tree, 0, 40)), Answer::Conflict(20));
    assert_eq!(ask(&witness, &scene.request(&forked(40, 3), 20, 40)), Answer::WrongProof);
    assert_eq!(ask(&witness, &scene.request(&forked(40, 19), 20, 40)), Answer::WrongProof);
    assert_eq!(ask(&witness, &scene.request(&forked(20, 19), 20, 20)), Answer::Conflict(20));
    let genuine = scene.request(tree, 20, 40);
    let proofless = format!("old 20\n\n{}", scene.note(tree, 40));
    assert_eq!(ask(&witness, &proofless), Answer::WrongProof);
    let needless = genuine.replacen("old 20\n", "old 0\n", 1);
    assert_eq!(ask(&witness, &needless), Answer::Conflict(20));
    assert_eq!(witness.seen(), [(LOG.to_owned(), 20)], "what is refused leaves no trace");
    cosigns(&witness, &scene, 20, 40);

    // Whoever never saw the log takes no proof.
    let other = Scene::new(40);
    let fresh = other.open(true).unwrap();
    let needless = other.request(&other.tree, 7, 40).replacen("old 7\n", "old 0\n", 1);
    assert_eq!(ask(&fresh, &needless), Answer::WrongProof);
}

#[test]
fn strangers_and_what_is_no_request_are_told_so() {
    let scene = Scene::new(9);
    let witness = scene.open(true).unwrap();
    let good = scene.request(&scene.tree, 0, 9);
    let (stranger, _) = signing(scene.folder.path(), "example.invalid/elsewhere");
    let root = scene.tree.root(9).unwrap();
    let by = |origin: &str, signer: &StandardSigner| {
        let checkpoint = Checkpoint { origin: origin.into(), size: 9, root };
        format!("old 0\n\n{}", checkpoint.sign(signer).unwrap())
    };
    assert_eq!(ask(&witness, &by("example.invalid/elsewhere", &stranger)), Answer::UnknownLog);
    assert_eq!(ask(&witness, &by(LOG, &stranger)), Answer::UnknownKey);
    let forged = tempfile::tempdir().unwrap();
    let (forger, _) = signing(forged.path(), LOG);
    assert_eq!(ask(&witness, &by(LOG, &forger)), Answer::UnknownKey, "another key of the same name");
    let bent = good.replacen("\n9\n", "\n8\n", 1);
    assert_eq!(ask(&witness, &bent), Answer::UnknownKey, "the signature covers the size");
    for wrong in [
        String::new(),
        "old 0\n\n".into(),
        good.replacen("old 0", "old 00", 1),
        good.replacen("old 0", "old 07", 1),
        good.replacen("old 0", "old +0", 1),
        good.replacen("old 0", "old -1", 1),
        good.replacen("old 0", "old 99999999999999999999", 1),
        good.replacen("old 0", "new 0", 1),
        good.replacen("old 0", "old 10", 1),
        good.replacen("old 0\n", "old 0\nAAAA\n", 1),
        good.replacen(
            "old 0\n",
            &format!("old 0\n{}", format!("{}\n", BASE64.encode([0; 32])).repeat(64)),
            1,
        ),
        good.replace("\n\n", "\n"),
        good.replace('\u{2014}', "-"),
        good.trim_end().to_owned(),
    ] {
        assert!(
            matches!(ask(&witness, &wrong), Answer::Malformed(_)),
            "{wrong:?}: {:?}",
            ask(&witness, &wrong)
        );
    }
    assert!(matches!(witness.add_checkpoint(b"\xff", 1).unwrap(), Answer::Malformed(_)));
    assert_eq!(witness.seen(), [(LOG.to_owned(), 0)]);
    // Further signatures are passed over, whoever they are of.
    let further = format!("{good}{}", by(LOG, &forger).lines().last().unwrap().to_owned() + "\n");
    assert!(matches!(ask(&witness, &further), Answer::Cosigned(_)));
}

/// A log that changed its key: the witness knows both, and once the new one has signed, the old one counts no more, also
/// after a restart.
#[test]
fn a_key_that_was_followed_by_another_is_taken_no_more() {
    let scene = Scene::new(30);
    let elsewhere = tempfile::tempdir().unwrap();
    let (next, next_public) = signing(elsewhere.path(), LOG);
    let logs = [scene.public.clone(), next_public];
    let open = |first_time| {
        let key = scene.folder.path().join("witness.key");
        let signer = WitnessSigner::make_file(&key, "example.invalid/witness").unwrap();
        Witness::open(signer, &logs, &scene.state(), first_time).unwrap()
    };
    let by_next = |from: u64, size: u64, signed_by_both: bool| {
        let root = scene.tree.root(size).unwrap();
        let note = Checkpoint { origin: LOG.into(), size, root }.sign(&next).unwrap();
        let line = note.rsplit_once("\n\n").unwrap().1;
        let old = scene.request(&scene.tree, from, size);
        let head = old.rsplit_once("\n\n").unwrap().0;
        if signed_by_both { old + line } else { format!("{head}\n\n{line}") }
    };
    let witness = open(true);
    cosigns(&witness, &scene, 0, 10);
    assert!(matches!(ask(&witness, &by_next(10, 12, true)), Answer::Cosigned(_)));
    assert_eq!(
        ask(&witness, &scene.request(&scene.tree, 12, 20)),
        Answer::UnknownKey,
        "the old one has had its turn"
    );
    drop(witness);
    let again = open(false);
    assert_eq!(ask(&again, &scene.request(&scene.tree, 12, 20)), Answer::UnknownKey);
    assert_eq!(again.seen(), [(LOG.to_owned(), 12)]);
    assert!(matches!(ask(&again, &by_next(12, 20, false)), Answer::Cosigned(_)));
}

#[test]
fn it_never_forgets_what_it_signed() {
    let scene = Scene::new(30);
    assert!(matches!(scene.open(false), Err(WitnessTrouble::Forgotten(_))), "not by mistake");
    let witness = scene.open(true).unwrap();
    assert!(matches!(scene.open(false), Err(WitnessTrouble::Busy(_))), "one at a time");
    cosigns(&witness, &scene, 0, 11);
    drop(witness);
    assert!(matches!(scene.open(true), Err(WitnessTrouble::NotTheFirstTime(_))));
    let again = scene.open(false).unwrap();
    assert_eq!(ask(&again, &scene.request(&forked(30, 5), 0, 30)), Answer::Conflict(11));
    cosigns(&again, &scene, 11, 12);

    // What cannot be remembered is not signed: here the place of the file is taken by a folder.
    let state = scene.state();
    std::fs::remove_file(&state).unwrap();
    std::fs::create_dir(&state).unwrap();
    let refused = again.add_checkpoint(scene.request(&scene.tree, 12, 30).as_bytes(), 1);
    assert!(matches!(refused, Err(WitnessTrouble::System { .. })));
    assert_eq!(again.seen(), [(LOG.to_owned(), 12)]);
    drop(again);
    std::fs::remove_dir(&state).unwrap();
    let elsewhere = scene.folder.path().join("elsewhere.state");
    std::fs::write(&elsewhere, "sidebyside witness v1\n").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &state).unwrap();
    assert!(matches!(scene.open(false), Err(WitnessTrouble::Linked(_))), "one file, one name");
    std::fs::remove_file(&state).unwrap();

    for damaged in
        ["", "sidebyside witness v1", "another form\n", "sidebyside witness v1\n12 abc example.invalid/log\n"]
    {
        std::fs::write(&state, damaged).unwrap();
        assert!(matches!(scene.open(false), Err(WitnessTrouble::Unreadable(_))), "{damaged:?}");
    }
}
