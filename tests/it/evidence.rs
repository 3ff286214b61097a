//! The evidence bundle: it is whole, it withholds what auditors may not read, two verifiers agree on it, and nothing can
//! be changed in it unseen but what `docs/evidence.md` names.

mod chain;
mod forging;
mod independent;
mod lines;
mod log;
mod restores;
mod rows;
mod taken;
mod witnessed;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use sidebyside::domain::catalogue::{DataClass, Field};
use sidebyside::domain::record::Fact;
use sidebyside::exports::evidence::{
    BundleTrouble, DISCLOSED, FILES, Holding, Verdict, Writer, check, read_note,
};
use sidebyside::store::copy::stored;
use sidebyside::store::database::sealer_pool;
use sidebyside::store::embedded::SEALER;
use sidebyside::store::seal::{PublicKey, SealKey, Sealer};
use sidebyside::store::witness::WitnessKey;
use sqlx::{ConnectOptions as _, Executor as _};

use crate::store::{fund, superuser};
use crate::world::World;
use log::{Signing, every_sample, some_samples};

/// The streams whose events auditors are not shown. A new stream is put here, or among those that they are.
const WITHHELD: [&str; 12] = [
    "consultation",
    "contact",
    "course",
    "need",
    "offer",
    "open_prescription",
    "person",
    "prescription",
    "referral",
    "session",
    "site",
    "thread",
];

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.py")
}

/// What somebody holds, as both verifiers are told it.
#[derive(Default, Clone)]
struct Held {
    checkpoints: Vec<String>,
    receipts: Vec<(u64, [u8; 32])>,
    since: Option<&'static str>,
    /// The key of the log before it was restored.
    old: Option<PublicKey>,
    /// The witnesses that the auditor relies on.
    witnesses: Vec<WitnessKey>,
    /// The key that the auditor has, where it is not the one of now.
    key: Option<PublicKey>,
}

/// Both verifiers, ready to be asked again and again.
struct Verifiers {
    signing: Signing,
    python: Option<(Child, ChildStdin, BufReader<ChildStdout>)>,
    folder: tempfile::TempDir,
}

/// Answers a line of JSON, the arguments, with one: the exit code and what was said.
const SERVE: &str = "
import contextlib, io, json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import verify
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = verify.main(json.loads(line))
    print(json.dumps([code, said.getvalue()]), flush=True)
";

impl Verifiers {
    fn new(signing: Signing) -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", SERVE]).arg(script().parent().unwrap());
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let python = match started {
            Ok(mut child) => {
                let (asks, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
                Some((child, asks, BufReader::new(answers)))
            }
            Err(why) => {
                eprintln!("SKIPPED: there is no python3 here ({why}), so docs/verify.py is not tried.");
                None
            }
        };
        Self { signing, python, folder: tempfile::tempdir().unwrap() }
    }

    /// Ask both; they must agree. Answers with the exit code and what ours said.
    fn verdict(&mut self, bundle: &Path, held: &Held) -> (u8, String) {
        let key = held.key.clone().unwrap_or_else(|| self.signing.public());
        let mut arguments = vec!["--bundle".to_owned(), bundle.display().to_string()];
        arguments.extend(["--key".to_owned(), key.to_string()]);
        for (number, note) in held.checkpoints.iter().enumerate() {
            let file = self.folder.path().join(format!("held-{number}"));
            fs::write(&file, note).unwrap();
            arguments.extend(["--held".to_owned(), file.display().to_string()]);
        }
        arguments.extend(held.old.iter().flat_map(|old| ["--old-key".to_owned(), old.to_string()]));
        for (index, leaf) in &held.receipts {
            arguments.extend(["--receipt".to_owned(), format!("{index}:{}", hex::encode(leaf))]);
        }
        for witness in &held.witnesses {
            arguments.extend(["--witness".to_owned(), witness.to_string()]);
        }
        arguments
            .extend(held.since.iter().flat_map(|since| ["--not-older-than".to_owned(), (*since).into()]));
        if let Some((_, asks, _)) = &mut self.python {
            writeln!(asks, "{}", json!(arguments)).unwrap();
        }
        let by = |note: &String, key: &PublicKey| read_note(note.as_bytes(), key);
        let checkpoints = held.checkpoints.iter().map(|note| {
            let of_old = held.old.as_ref().and_then(|old| by(note, old).ok());
            of_old.unwrap_or_else(|| by(note, &key).unwrap())
        });
        let holding = Holding {
            key: key.clone(),
            checkpoints: checkpoints.collect(),
            receipts: held.receipts.clone(),
            witnesses: held.witnesses.clone(),
            not_older_than: held.since.map(|day| format!("{day}T00:00:00.000000Z")),
        };
        let ours = check(bundle, &holding, &|_| ()).unwrap();
        if let Some((_, _, answers)) = &mut self.python {
            let mut line = String::new();
            answers.read_line(&mut line).unwrap();
            let theirs: (u8, String) = serde_json::from_str(&line).expect("verify.py answers");
            assert_eq!(ours.exit_code(), theirs.0, "ours: {ours:?}; verify.py: {}", theirs.1);
            // What is wrong with one event is said to be wrong with that event by both.
            let of_event = |words: &str| words.split("Event ").nth(1)?.split(':').next().map(str::to_owned);
            if let Verdict::Invalid(why) = &ours {
                assert_eq!(of_event(why), of_event(&theirs.1), "ours: {why}; verify.py: {}", theirs.1);
            }
        }
        let (Verdict::Diverges(said) | Verdict::Invalid(said) | Verdict::Stale(said)) = &ours else {
            return (0, String::new());
        };
        (ours.exit_code(), said.clone())
    }
}

impl Drop for Verifiers {
    fn drop(&mut self) {
        if let Some((mut child, asks, _)) = self.python.take() {
            drop(asks);
            child.wait().unwrap();
        }
    }
}

fn read(bundle: &Path, file: &str) -> String {
    fs::read_to_string(bundle.join(file)).unwrap()
}

#[test]
fn a_bundle_of_every_kind_of_event_holds_for_both_verifiers() {
    let mut verifiers = Verifiers::new(Signing::new());
    let events = every_sample();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    verifiers.signing.bundle(&events, &bundle);
    assert_eq!(verifiers.verdict(&bundle, &Held::default()), (0, String::new()));

    let mut names: Vec<_> = fs::read_dir(&bundle).unwrap().map(|one| one.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, FILES);
    let (lines, ledger) = (read(&bundle, "events.ndjson"), read(&bundle, "ledger.csv"));
    assert_eq!(lines.lines().count(), events.len());
    for (line, event) in lines.lines().zip(&events) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line.get("body").is_some(), DISCLOSED.contains(&event.stream_type.as_str()), "{line}");
    }
    // Every rule is tried by some sample: the domain wrote the ledger, the verifiers read the events.
    for rule in read(&bundle, "rules.csv").lines().skip(1) {
        let movement = rule.split(',').nth(2).unwrap();
        assert!(ledger.contains(&format!(",{movement},")), "no sample moves {movement}");
    }
    assert_eq!(
        read(&bundle, "proofs.ndjson").lines().count(),
        25.min(read(&bundle, "journal.csv").lines().count() - 1)
    );
    assert_eq!(read(&bundle, "erasures.csv").lines().count(), 3);

    // The same again is the same, byte for byte.
    let again = folder.path().join("again");
    verifiers.signing.bundle(&events, &again);
    for file in FILES {
        assert_eq!(read(&bundle, file), read(&again, file), "{file}");
    }
}

#[test]
fn every_stream_is_disclosed_or_withheld_and_nothing_disclosed_is_about_people() {
    let streams: BTreeSet<&str> = Fact::STREAMS.iter().copied().collect();
    let decided: BTreeSet<&str> = DISCLOSED.into_iter().chain(WITHHELD).collect();
    assert_eq!(
        streams, decided,
        "whether auditors may read a stream is decided here and in docs/evidence.md"
    );
    assert_eq!(DISCLOSED.len() + WITHHELD.len(), decided.len());
    for kind in Fact::kinds().filter(|kind| DISCLOSED.contains(&kind.stream)) {
        let about_people =
            kind.fields.iter().find(|field| Field::data_class(field) == Some(DataClass::Person));
        assert_eq!(about_people, None, "{} tells of somebody who is helped", kind.name);
    }
    let page = fs::read_to_string(script().with_file_name("evidence.md")).unwrap();
    for stream in DISCLOSED {
        assert!(page.contains(&format!("`{stream}`")), "docs/evidence.md names {stream}");
    }
}

/// The journal says what auditors look for.
#[test]
fn the_journal_says_who_prepared_and_what_is_out_of_the_ordinary() {
    let signing = Signing::new();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    signing.bundle(&some_samples(), &bundle);
    let text = read(&bundle, "journal.csv");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let rows: Vec<BTreeMap<&str, &str>> =
        lines.map(|line| names.iter().copied().zip(line.split(',')).collect()).collect();
    let of = |event: &str| rows.iter().find(|row| row["event"] == event).unwrap();
    assert_eq!(of("fund.expenditure_posted")["prepared_by"], log::actor("grant.instalment_authorised"));
    assert_eq!(of("fund.commitment_reserved")["prepared_by"], log::actor("grant.recommended"));
    assert_eq!(of("fund.budget_allocated")["prepared_by"], "");
    assert_eq!(of("fund.commitment_reserved")["amount"], "2000.00", "two shares");
    assert_eq!(of("fund.budget_carried_forward")["amount"], "1200.50", "not twice");
    assert_eq!(of("fund.commitment_reserved")["round_sum"], "yes");
    assert_eq!(of("fund.recovery_posted")["late"], "yes");
    for column in ["same_person", "out_of_hours", "round_sum", "late"] {
        let answers: BTreeSet<&str> = rows.iter().map(|row| row[column]).collect();
        assert_eq!(answers, BTreeSet::from(["no", "yes"]), "{column}");
    }
    assert!(rows.iter().any(|row| row["with"].split(' ').filter(|one| !one.is_empty()).count() == 2));
}

#[tokio::test]
async fn a_bundle_of_the_log_holds_and_of_a_changed_log_there_is_none() {
    let world = World::new().await;
    for number in 0..3 {
        fund(&world.store, number, 100).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let key = SealKey::make_file(&folder.path().join("seal.key"), "example.invalid/log").unwrap();
    let public = key.public().clone();
    let pool = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
    let size = Sealer::open(pool, key).await.unwrap().seal().await.unwrap();
    let note: String =
        sqlx::query_scalar("SELECT note FROM seal.checkpoint").fetch_one(world.store.pool()).await.unwrap();
    fund(&world.store, 9, 100).await;
    let write = async |name: &str| {
        let bundle = folder.path().join(name);
        let mut writer = Writer::begin(&bundle)?;
        stored(world.store.pool(), size.cast_signed(), |event| writer.take(event)).await?;
        writer.finish(&note, &[], &[], &public).map(|()| bundle)
    };
    let (checkpoints, receipts, witnesses) = (Vec::new(), Vec::new(), Vec::new());
    let holding = Holding { key: public.clone(), checkpoints, receipts, witnesses, not_older_than: None };
    let bundle = write("sound").await.unwrap();
    let Verdict::Holds(found) = check(&bundle, &holding, &|_| ()).unwrap() else { panic!("it holds") };
    assert_eq!((found.size, found.moved), (size, 3));

    let change =
        "UPDATE public.events SET payload = replace(payload::text, '100.00', '900.00')::json WHERE index = 1";
    let mut session = superuser(&world).connect().await.unwrap();
    session
        .execute("SET session_replication_role = replica; ALTER TABLE public.events DISABLE TRIGGER ALL")
        .await
        .unwrap();
    session.execute(change).await.unwrap();
    let refused = write("changed").await.unwrap_err();
    assert!(matches!(refused, BundleTrouble::Event { index: 1, .. }), "{refused}");
    session
        .execute("UPDATE public.events SET leaf_hash = public.leaf_v1(events) WHERE index = 1")
        .await
        .unwrap();
    let refused = write("hashed anew").await.unwrap_err();
    assert!(matches!(refused, BundleTrouble::Checkpoint(_)), "{refused}");
}

/// As they are used: two programs, their arguments and their exit codes.
#[test]
fn both_programs_end_with_the_codes_they_promise() {
    let signing = Signing::new();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (whole, part) = (some_samples(), &some_samples()[..20]);
    signing.bundle(&whole, Path::new(&place("bundle")));
    signing.bundle(part, Path::new(&place("older")));
    let mut other = whole.clone();
    other[3].metadata = other[3].metadata.replace("2026", "2025");
    let held = [("held", signing.note(&whole)), ("other", signing.note(&log::hashed(other)))];
    for (name, note) in held {
        fs::write(place(name), note).unwrap();
    }
    let key = signing.public().to_string();
    let cases: [(i32, &[&str]); 14] = [
        (0, &["bundle", "--held", "held", "--not-older-than", "2026-03-01"]),
        (30, &["bundle", "--held", "other"]),
        (30, &["bundle", "--receipt", "3:0000000000000000000000000000000000000000000000000000000000000000"]),
        (50, &["older", "--held", "held"]),
        (50, &["bundle", "--not-older-than", "2026-11-20"]),
        (2, &["nowhere"]),
        (2, &["bundle", "--held", "nothing"]),
        (2, &["bundle", "--not-older-than", "lately"]),
        (2, &["bundle", "--not-older-than", ""]),
        (2, &["bundle", "--not-older-than", "2026-11-20 15:00:00.000000Z"]),
        (2, &["bundle", "--not-older-than", "2026-11-20T08:00:00.0-05:00"]),
        (2, &["bundle", "--not-older-than", "+2027-1-20"]),
        (2, &["bundle", "--not-older-than", "2026-02-30"]),
        (2, &["bundle", "--receipt", "3"]),
    ];
    let mut programs = vec![vec![env!("CARGO_BIN_EXE_sidebyside").to_owned(), "verify".into()]];
    if Command::new("python3").arg("--version").output().is_ok() {
        programs.push(vec!["python3".into(), "-B".into(), script().display().to_string()]);
    }
    for program in &programs {
        let run = |arguments: &[&str]| {
            let known = |word: &&str| {
                if !word.is_empty() && Path::new(&place(word)).exists() {
                    place(word)
                } else {
                    (*word).into()
                }
            };
            let arguments: Vec<String> = arguments.iter().map(known).collect();
            let mut command = Command::new(&program[0]);
            command.args(&program[1..]).args(["--key", &key, "--bundle"]).args(&arguments);
            let output = command.output().unwrap();
            (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        for (code, arguments) in cases {
            let (found, said) = run(arguments);
            assert_eq!(found, code, "{program:?} {arguments:?}: {said}");
        }
    }
    fs::write(place("bundle/rules.csv"), "event,shape,movement,from,to\n").unwrap();
    for program in &programs {
        let mut command = Command::new(&program[0]);
        let output = command.args(&program[1..]).args(["--key", &key, "--bundle", &place("bundle")]).output();
        assert_eq!(output.unwrap().status.code(), Some(40), "{program:?}");
    }
}
