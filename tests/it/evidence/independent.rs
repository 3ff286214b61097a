//! Roots, proofs and signatures before software that is not ours: `tests/independent/check.py` asks tlog-scales and
//! sigstore. They accept what we hand out, and nothing in which a byte was flipped.
//!
//! `scripts/set-up tests` brings them; without them this fails, for there is nothing else that could stand in for them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use sidebyside::domain::identity::Role;
use sidebyside::exports::evidence::{Writer, check};
use sidebyside::store::copy::stored;
use sidebyside::store::database::sealer_pool;
use sidebyside::store::embedded::SEALER;
use sidebyside::store::seal::{PublicKey, SealKey, Sealer, Tree};

use super::log::{ORIGIN, Signing, every_sample};
use super::{Holding, Verdict, read};
use crate::store::fund;
use crate::world::World;

/// The packages, ready to be asked.
struct Strangers {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Strangers {
    fn new() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let packages = here.join(".cache/independent");
        assert!(
            packages.join("tlog_scales").is_dir() && packages.join("sigstore").is_dir(),
            "What checks the log independently is missing: run scripts/set-up tests"
        );
        let mut command = Command::new("python3");
        command.arg("-B").arg(here.join("tests/independent/check.py")).env("PYTHONPATH", packages);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
        let (asks, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, asks, answers: BufReader::new(answers) }
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.asks, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("check.py answers; what went wrong stands above")
    }

    /// What they say to something sound.
    fn accepted(&mut self, question: &Value) -> Value {
        let answer = self.ask(question);
        assert!(answer.get("refused").is_none(), "{answer}: {question}");
        answer
    }

    fn refuse(&mut self, question: &Value, what: &str) {
        let answer = self.ask(question);
        assert!(answer["refused"].is_string(), "{what} is accepted, with {answer}: {question}");
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        // It ends by itself when nothing more can be asked; where the test has failed, nobody waits for that.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// A checkpoint as it was signed.
struct Signed {
    note: String,
    size: u64,
    root: String,
}

/// Both packages' ways to ask whether an event is in the log.
const INCLUSION: [&str; 2] = ["inclusion_by_tlog_scales", "inclusion_by_sigstore"];

/// The headers of a bundle's events, byte for byte as they stand in it.
fn headers(bundle: &Path) -> Vec<String> {
    let header = |line: &str| {
        let (_, header) = line.rsplit_once("\"header\":").expect("a header");
        hex::encode(header.strip_suffix('}').expect("the event's end"))
    };
    read(bundle, "events.ndjson").lines().map(header).collect()
}

/// The hexadecimal text with one bit of the byte at this place flipped.
fn flipped(hexadecimal: &str, place: usize) -> String {
    let mut bytes = hex::decode(hexadecimal).unwrap();
    let place = place % bytes.len();
    bytes[place] ^= 1 << (place % 8);
    hex::encode(bytes)
}

/// The question with another value.
fn with(question: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut other = question.clone();
    other[name] = value.into();
    other
}

/// The question with a byte flipped in one of the nodes of its path.
fn with_path_flipped(question: &Value, node: usize, place: usize) -> Value {
    let mut other = question.clone();
    other["path"][node] = flipped(other["path"][node].as_str().unwrap(), place).into();
    other
}

/// A note is accepted as it is, and with no byte of it flipped: neither of what is signed nor of the signature.
fn note_holds(strangers: &mut Strangers, key: &str, signed: &Signed) {
    let ask = |note: &[u8], key: &str| json!({ "ask": "read_note", "note": hex::encode(note), "key": key });
    let found = strangers.accepted(&ask(signed.note.as_bytes(), key));
    assert_eq!(found, json!({ "size": signed.size, "root": signed.root }));
    for place in 0..signed.note.len() {
        for bit in [0, place % 7 + 1] {
            let mut bytes = signed.note.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            strangers.refuse(&ask(&bytes, key), &format!("a note with byte {place} flipped"));
        }
    }
    let another = Signing::new().public().to_string();
    strangers.refuse(&ask(signed.note.as_bytes(), &another), "a note by another key of the same name");
}

/// An event is found in the log by both packages, and not with a byte of it, of its path or of the root flipped.
fn inclusion_holds(strangers: &mut Strangers, header: &str, index: u64, size: u64, root: &str, path: &Value) {
    for ask in INCLUSION {
        let question = json!({ "ask": ask, "header": header, "index": index, "size": size, "root": root,
            "path": path });
        strangers.accepted(&question);
        let place = usize::try_from(index).unwrap() * 7;
        for place in [0, place, place + 50] {
            let other = with(&question, "header", flipped(header, place));
            strangers.refuse(&other, &format!("event {index} with a byte flipped"));
        }
        strangers.refuse(&with(&question, "root", flipped(root, place)), "another root");
        for node in 0..path.as_array().unwrap().len() {
            let other = with_path_flipped(&question, node, place + node);
            strangers.refuse(&other, &format!("node {node} of the proof of {index} flipped"));
        }
        if size > 1 {
            strangers.refuse(&with(&question, "index", (index + 1) % size), "another place");
        }
    }
}

/// The log has grown from one checkpoint to the other, and not with a byte of the proof or of a root flipped.
fn growth_holds(strangers: &mut Strangers, old: &Signed, new: &Signed, path: &Value) {
    let question = json!({ "ask": "consistency", "old_size": old.size, "old_root": old.root, "size": new.size,
        "root": new.root, "path": path });
    strangers.accepted(&question);
    let place = usize::try_from(old.size).unwrap();
    strangers.refuse(&with(&question, "old_root", flipped(&old.root, place)), "another older root");
    strangers.refuse(&with(&question, "root", flipped(&new.root, place)), "another newer root");
    for node in 0..path.as_array().unwrap().len() {
        let other = with_path_flipped(&question, node, place + node);
        strangers.refuse(&other, &format!("node {node} from {} to {} flipped", old.size, new.size));
    }
}

/// A world that was sealed now and again, the key, and the checkpoints.
async fn sealed(folder: &Path) -> (World, PublicKey, Vec<Signed>) {
    let world = World::new().await;
    let key = SealKey::make_file(&folder.join("seal.key"), ORIGIN).unwrap();
    let public = key.public().clone();
    let pool = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
    let mut sealer = Sealer::open(pool, key).await.unwrap();
    // Sizes that are powers of two and sizes that are not.
    let mut number = 0;
    for funds in [1, 1, 1, 1, 4, 9, 15] {
        for _ in 0..funds {
            fund(&world.store, number, 100).await;
            number += 1;
        }
        sealer.seal().await.unwrap();
    }
    let rows: Vec<(i64, Vec<u8>, String)> =
        sqlx::query_as("SELECT size, root, note FROM seal.checkpoint ORDER BY size")
            .fetch_all(world.store.pool())
            .await
            .unwrap();
    let signed = |(size, root, note): (i64, Vec<u8>, String)| Signed {
        note,
        size: size.cast_unsigned(),
        root: hex::encode(root),
    };
    (world, public, rows.into_iter().map(signed).collect())
}

fn hexed(path: Vec<[u8; 32]>) -> Value {
    path.into_iter().map(hex::encode).collect()
}

#[tokio::test]
async fn a_record_that_was_sealed_holds_before_software_that_is_not_ours() {
    let mut strangers = Strangers::new();
    let folder = tempfile::tempdir().unwrap();
    let (world, key, seals) = sealed(folder.path()).await;
    let last = seals.last().unwrap();
    assert_eq!(seals.len(), 7);
    for signed in &seals {
        note_holds(&mut strangers, key.as_str(), signed);
    }

    let bundle = folder.path().join("bundle");
    let mut writer = Writer::begin(&bundle).unwrap();
    stored(world.store.pool(), last.size.cast_signed(), |event| writer.take(event)).await.unwrap();
    writer.finish(&last.note, &[], &[], &key).unwrap();
    assert_eq!(read(&bundle, "checkpoint.txt"), last.note);
    let headers = headers(&bundle);

    // They build the log anew from the headers, and come to our roots and our proofs.
    let mut tree = Tree::default();
    for leaf in sqlx::query_scalar::<_, Vec<u8>>("SELECT leaf_hash FROM public.events ORDER BY index")
        .fetch_all(world.store.pool())
        .await
        .unwrap()
    {
        tree.push(leaf.try_into().unwrap()).unwrap();
    }
    let grown: Vec<(&Signed, &Signed)> = seals
        .iter()
        .enumerate()
        .flat_map(|(at, new)| seals[..at].iter().map(move |old| (old, new)))
        .collect();
    let sizes: Vec<(u64, u64)> = grown.iter().map(|(old, new)| (old.size, new.size)).collect();
    let under: Vec<(u64, u64)> = (0..last.size).map(|index| (index, last.size)).collect();
    let theirs = strangers.accepted(&json!({ "ask": "proofs", "headers": headers, "inclusions": under,
        "consistencies": sizes }));
    assert_eq!(theirs["root"], last.root);
    for signed in &seals {
        let first = &headers[..usize::try_from(signed.size).unwrap()];
        let question = json!({ "ask": "proofs", "headers": first, "inclusions": [], "consistencies": [] });
        assert_eq!(strangers.accepted(&question)["root"], signed.root);
        let mut bent = question.clone();
        let place = first.len() / 2;
        bent["headers"][place] = flipped(&first[place], place).into();
        assert_ne!(strangers.accepted(&bent)["root"], signed.root, "a flipped byte is another root");
    }

    // Each event, by the proof that auditors are given.
    let auditor = world.somebody("Ola Auditor", Role::Auditor, None).await;
    let document = "query($index: Int!) { inclusionProof(index: $index) { path checkpoint { note } } }";
    for (index, header) in (0..).zip(&headers) {
        let answer = world.ask(&auditor, document, json!({ "index": index })).await;
        let proof = &answer.data()["inclusionProof"];
        let by = seals.iter().find(|signed| proof["checkpoint"]["note"] == signed.note.as_str()).unwrap();
        inclusion_holds(&mut strangers, header, index, by.size, &by.root, &proof["path"]);
        let ours = hexed(tree.inclusion(index, last.size).unwrap());
        assert_eq!(theirs["inclusions"][usize::try_from(index).unwrap()], ours);
    }
    for (place, (old, new)) in grown.into_iter().enumerate() {
        let path = hexed(tree.consistency(old.size, new.size).unwrap());
        assert_eq!(theirs["consistencies"][place], path);
        growth_holds(&mut strangers, old, new, &path);
    }
}

#[test]
fn a_bundle_of_every_kind_of_event_holds_before_software_that_is_not_ours() {
    let mut strangers = Strangers::new();
    let (signing, events) = (Signing::new(), every_sample());
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    signing.bundle(&events, &bundle);
    let key = signing.public();
    let holding = Holding {
        key: key.clone(),
        checkpoints: Vec::new(),
        receipts: Vec::new(),
        witnesses: Vec::new(),
        not_older_than: None,
    };
    let Verdict::Holds(found) = check(&bundle, &holding, &|_| ()).unwrap() else { panic!("it holds") };

    let note = hex::encode(fs::read(bundle.join("checkpoint.txt")).unwrap());
    let told = strangers.accepted(&json!({ "ask": "read_note", "note": note, "key": key.as_str() }));
    assert_eq!(told["size"], found.size);
    let (headers, root) = (headers(&bundle), told["root"].as_str().unwrap());
    let question = json!({ "ask": "proofs", "headers": headers, "inclusions": [], "consistencies": [] });
    assert_eq!(strangers.accepted(&question)["root"], root);
    let sample = read(&bundle, "proofs.ndjson");
    assert!(sample.lines().count() > 5);
    for line in sample.lines() {
        let proof: Value = serde_json::from_str(line).unwrap();
        let index = proof["index"].as_u64().unwrap();
        let header = &headers[usize::try_from(index).unwrap()];
        inclusion_holds(&mut strangers, header, index, found.size, root, &proof["path"]);
    }
}
