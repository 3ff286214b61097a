//! Witnesses: a real one is asked and signs, refuses a log that was changed, remembers through kill -9; slow and false
//! ones harm nothing.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::post;
use sidebyside::store::witness::{
    AskTrouble, Asking, ToAsk, WitnessKey, WitnessSigner, check_cosignatures, cosigned, standing,
};
use tokio::net::TcpListener;

use super::*;
use crate::restore::{done, scratch, step};

const WITNESS: &str = "example.invalid/witness";

/// The program as a witness, killed at the end.
pub struct Process {
    child: Child,
    /// As `--witness` takes it.
    pub named: String,
    pub key: WitnessKey,
}

impl Process {
    pub fn start(folder: &Path, log: &PublicKey, first_time: bool) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidebyside"));
        command.args(["witness", "--listen", "127.0.0.1:0", "--name", WITNESS, "--log", log.as_str()]);
        command.arg("--key-file").arg(folder.join("witness.key"));
        command.arg("--state").arg(folder.join("witness.state")).args(first_time.then_some("--first-time"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let greeting = lines.next().expect("it says where it listens");
        let address = greeting.split_once("http://").unwrap().1.split_once(". ").unwrap().0.to_owned();
        let key = lines.next().unwrap();
        Self { child, named: format!("{key}@http://{address}/"), key: WitnessKey::new(&key).unwrap() }
    }

    fn to_ask(&self) -> ToAsk {
        self.named.parse().unwrap()
    }

    /// kill -9.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn asking(world: &World, witnesses: Vec<ToAsk>) -> Asking {
    let pool = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
    Asking::new(pool, witnesses).unwrap()
}

/// What is known of a witness: how far, and how many cosignatures there are, all of which hold.
async fn known(world: &World, key: &WitnessKey) -> (i64, usize) {
    let (count, findings) = check_cosignatures(&world.owner().await).await.unwrap();
    assert_eq!(findings, Vec::<String>::new());
    (standing(world.store.pool(), key).await.unwrap().map_or(0, |standing| standing.size), count)
}

#[tokio::test]
async fn a_witness_signs_what_goes_on_and_remembers_it_through_a_kill() {
    let (world, folder) = sealed_world(2).await;
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    let mut process = Process::start(folder.path(), sealing.public(), true);
    let first = asking(&world, vec![process.to_ask()]).await;
    assert!(first.once().await.is_empty(), "nothing is sealed yet, so there is nothing to ask");
    let size = sealing.seal().await.unwrap().cast_signed();
    assert!(first.once().await.is_empty());
    assert_eq!(known(&world, &process.key).await, (size, 1));
    fund(&world.store, 30, 75).await;
    let size = sealing.seal().await.unwrap().cast_signed();
    assert!(first.once().await.is_empty());
    assert_eq!(known(&world, &process.key).await, (size, 2));

    // Everybody is given the checkpoint with what the witness signed of it; so are bundles.
    let auditor = world.somebody("Ola Auditor", Role::Auditor, None).await;
    let answer = world.ask(&auditor, "{ checkpoint { note } }", json!({})).await;
    let note = answer.data()["checkpoint"]["note"].as_str().unwrap().to_owned();
    let (text, lines) = note.split_once("\n\n").unwrap();
    assert_eq!(lines.lines().count(), 2);
    assert!(lines.lines().any(|line| process.key.cosigned(&format!("{text}\n"), line).is_some()), "{note}");
    assert_eq!(cosigned(world.store.pool(), size).await.unwrap(), std::slice::from_ref(&note));
    Checkpoint::read(&note, std::slice::from_ref(sealing.public())).unwrap();

    // Killed, and gone on with.
    process.kill();
    fund(&world.store, 31, 75).await;
    let size = sealing.seal().await.unwrap().cast_signed();
    let troubles = first.once().await;
    assert!(matches!(troubles[..], [(_, AskTrouble::Away(_))]), "{troubles:?}");
    let process = Process::start(folder.path(), sealing.public(), false);
    let again = asking(&world, vec![process.to_ask()]).await;
    assert!(again.once().await.is_empty());
    assert_eq!(known(&world, &process.key).await, (size, 3));
    // A second process on the same state, and one without it, do not begin.
    let begins = |state: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidebyside"));
        command.args(["witness", "--listen", "127.0.0.1:0", "--log", sealing.public().as_str()]);
        command.arg("--key-file").arg(folder.path().join("witness.key"));
        let output = command.arg("--state").arg(folder.path().join(state)).args(more).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = begins("witness.state", &[]);
    assert!(code == 1 && said.contains("Another witness works with"), "{said}");
    let (code, said) = begins("no.state", &[]);
    assert!(code == 1 && said.contains("say --first-time"), "{said}");
}

/// Whoever has the key of the log, and an older copy or another log of it.
#[tokio::test]
async fn a_log_that_was_cut_or_changed_is_refused_whoever_signs_it() {
    let (world, folder) = sealed_world(4).await;
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    sealing.seal().await.unwrap();
    let process = Process::start(folder.path(), sealing.public(), true);
    assert!(asking(&world, vec![process.to_ask()]).await.once().await.is_empty());
    let seen = world.size().await.unsigned_abs();

    // Another log under the same key: shorter, as long, longer. Nothing holds its owner back but the witness.
    let (other, _) = sealed_world(3).await;
    let forger = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("seal.key"), forger.path().join("seal.key")).unwrap();
    let mut forging = sealer(&other, forger.path()).await.unwrap();
    let asking = asking(&other, vec![process.to_ask()]).await;
    let mut refused = Vec::new();
    for number in 60..63 {
        forging.seal().await.unwrap();
        let (_, trouble) = asking.once().await.pop().expect("it does not sign");
        refused.push(trouble);
        fund(&other.store, number, 75).await;
    }
    assert!(
        matches!(
            refused[..],
            [
                AskTrouble::Ahead { there, .. },
                AskTrouble::Refused(StatusCode::CONFLICT),
                AskTrouble::Refused(StatusCode::UNPROCESSABLE_ENTITY)
            ] if there == seen
        ),
        "{refused:?}"
    );
    assert_eq!(known(&other, &process.key).await, (0, 0));
    // A log it does not know.
    let stranger = tempfile::tempdir().unwrap();
    let (third, _) = sealed_world(1).await;
    sealer(&third, stranger.path()).await.unwrap().seal().await.unwrap();
    let pool = sealer_pool(&third.database.options_as(SEALER)).await.unwrap();
    let (_, trouble) = Asking::new(pool, vec![process.to_ask()]).unwrap().once().await.pop().unwrap();
    assert!(matches!(trouble, AskTrouble::Unknown), "{trouble}");
}

/// kill -9 at any moment: what was signed is remembered, so no size gets two roots.
#[tokio::test]
async fn a_witness_killed_at_any_moment_has_signed_nothing_that_it_forgot() {
    let (world, folder) = sealed_world(1).await;
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    sealing.seal().await.unwrap();
    let (other, _) = sealed_world(40).await;
    let forger = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join("seal.key"), forger.path().join("seal.key")).unwrap();
    sealer(&other, forger.path()).await.unwrap().seal().await.unwrap();
    for round in 0..8 {
        let mut process = Process::start(folder.path(), sealing.public(), round == 0);
        let ours = asking(&world, vec![process.to_ask()]).await;
        let asked = async {
            for number in 0..3 {
                fund(&world.store, 100 + round * 3 + number, 75).await;
                sealing.seal().await.unwrap();
                ours.once().await;
            }
        };
        // A little later each time, mostly within an answer.
        let killed = async {
            tokio::time::sleep(Duration::from_millis(u64::from(7 + round * 9))).await;
            process.kill();
        };
        tokio::join!(asked, killed);
        let (size, _) = known(&world, &process.key).await;
        let text = std::fs::read_to_string(folder.path().join("witness.state")).unwrap();
        let remembered: i64 =
            text.lines().nth(1).map_or(0, |line| line.split(' ').next().unwrap().parse().unwrap());
        assert!(remembered >= size, "it remembers {remembered}, and signed {size}");
        let again = Process::start(folder.path(), sealing.public(), false);
        // Killed before it had seen anything, it would take any log for the true one.
        if remembered > 0 {
            let troubles = asking(&other, vec![again.to_ask()]).await.once().await;
            let turned_down =
                matches!(troubles[..], [(_, AskTrouble::Refused(_) | AskTrouble::Ahead { .. })]);
            assert!(turned_down, "{troubles:?}");
        }
    }
    let process = Process::start(folder.path(), sealing.public(), false);
    assert!(asking(&world, vec![process.to_ask()]).await.once().await.is_empty());
    assert_eq!(known(&world, &process.key).await.0, world.size().await);
}

/// A witness that takes a question and never answers.
#[tokio::test]
async fn a_witness_that_does_not_answer_delays_nobody() {
    let (world, folder) = sealed_world(1).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let (took, asked) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let held = silent.accept().await.unwrap();
        took.send(()).unwrap();
        std::future::pending::<()>().await;
        drop(held);
    });
    let mut sealing = sealer(&world, folder.path()).await.unwrap();
    let process = Process::start(folder.path(), sealing.public(), true);
    let slow = WitnessSigner::make_file(&folder.path().join("slow.key"), "example.invalid/slow").unwrap();
    let slow = format!("{}@http://{address}", slow.public()).parse().unwrap();
    sealing.seal().await.unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(());
    let running = tokio::spawn(asking(&world, vec![slow, process.to_ask()]).await.run(stopped));
    tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap().unwrap();

    // The question is open all the time: commands are carried out and sealed, and the other witness signs.
    for number in 0..5 {
        fund(&world.store, 70 + number, 75).await;
    }
    let size = sealing.seal().await.unwrap().cast_signed();
    assert_eq!(size, world.size().await);
    let signs = async {
        while known(&world, &process.key).await.0 < size {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), signs).await.expect("the other witness signs");
    assert!(!running.is_finished());
    drop(stop);
    tokio::time::timeout(Duration::from_secs(2), running).await.expect("it ends when told to").unwrap();
}

/// Whoever answers in the place of a witness.
#[tokio::test]
async fn nothing_is_kept_that_is_not_the_cosignature_of_the_witness_asked() {
    let (world, folder) = sealed_world(1).await;
    sealer(&world, folder.path()).await.unwrap().seal().await.unwrap();
    let note = notes(&world).await.remove(0).1;
    let text = format!("{}\n", note.rsplit_once("\n\n").unwrap().0);
    let signer = |file: &str, name: &str| WitnessSigner::make_file(&folder.path().join(file), name).unwrap();
    let (ours, forger) = (signer("ours.key", WITNESS), signer("forger.key", WITNESS));
    let good = ours.cosign(&text, 1_790_000_000);
    let other_text = ours.cosign(&text.replacen('\n', "\n1", 1), 1_790_000_000);
    let id = |line: &str| line.rsplit_once(' ').unwrap().1.chars().take(6).collect::<String>();
    let renamed = forger.cosign(&text, 1_790_000_000).replace(&id(&forger.cosign(&text, 1)), &id(&good));
    let size = [(header::CONTENT_TYPE, "text/x.tlog.size")];
    let answers = [
        (StatusCode::OK, size.clone(), forger.cosign(&text, 1_790_000_000)),
        (StatusCode::OK, size.clone(), other_text),
        (StatusCode::OK, size.clone(), renamed),
        (StatusCode::OK, size.clone(), good.replacen("AA", "AB", 1)),
        (StatusCode::OK, size.clone(), ours.cosign(&text, u64::MAX)),
        (StatusCode::OK, size.clone(), String::new()),
        (StatusCode::OK, size.clone(), good.repeat(1000)),
        (StatusCode::CONFLICT, size.clone(), "7".repeat(30)),
        (StatusCode::CONFLICT, size.clone(), "1000000\n".into()),
        (StatusCode::CONFLICT, size.clone(), "1\n".into()),
        (StatusCode::IM_A_TEAPOT, size.clone(), good.clone()),
        (StatusCode::FORBIDDEN, size.clone(), good.clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, size.clone(), good.clone()),
    ];
    let serve = async |answer: (StatusCode, [(header::HeaderName, &'static str); 1], String)| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let route = post(move || {
            let answer = answer.clone();
            async move { answer.into_response() }
        });
        let edge = Router::new().route("/at/add-checkpoint", route);
        let serving = tokio::spawn(async move { axum::serve(listener, edge).await.unwrap() });
        let to_ask: ToAsk = format!("{}@http://{address}/at/", ours.public()).parse().unwrap();
        let troubles = asking(&world, vec![to_ask]).await.once().await;
        serving.abort();
        troubles
    };
    for answer in answers {
        let troubles = serve(answer.clone()).await;
        assert_eq!(troubles.len(), 1, "{answer:?}");
        assert_eq!(known(&world, ours.public()).await, (0, 0), "{answer:?}");
    }
    assert!(serve((StatusCode::OK, size, good)).await.is_empty());
    assert_eq!(known(&world, ours.public()).await.1, 1);
    for wrong in ["", "example.invalid", "example.invalid+1+AA@http://127.0.0.1", "@https://127.0.0.1"] {
        assert!(wrong.parse::<ToAsk>().is_err(), "{wrong}");
    }
    let unaddressed = format!("{}@ftp://example.invalid", ours.public());
    assert!(unaddressed.parse::<ToAsk>().is_err());
}

/// The programs as they are used: a bundle carries what the witness signed, both verifiers say so, and how old it is.
#[test]
fn a_bundle_carries_what_the_witness_signed_and_verifiers_say_when() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name).display().to_string();
    let data = scratch.path().join("data");
    let met = json!({ "met": "REFERRAL", "effectiveOn": "2026-05-04", "reason": "Invented." });
    std::fs::write(at("story"), step("Jamie Pretend", "advisor", "registerPerson", met, "")).unwrap();
    done(&data, &["seed", &at("story")]);
    let said = done(&data, &["doctor"]);
    assert!(said.contains("MISSING  no witness signs the checkpoints"), "{said}");
    let key =
        said.lines().find_map(|line| line.split_once("verifier key of the log: ")).unwrap().1.to_owned();
    let log = PublicKey::new(&key).unwrap();
    let mut process = Process::start(scratch.path(), &log, true);
    let witness = process.key.to_string();
    let named = process.named.clone();
    let named = ["--ask-witness", named.as_str()];
    let with = |arguments: &[&str]| done(&data, &[&named[..], arguments].concat());
    with(&["bundle", "--out", &at("first")]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.py").display().to_string();
    let verified = |bundle: &str, more: &[&str]| {
        let ours = [env!("CARGO_BIN_EXE_sidebyside"), "verify"];
        let theirs = ["python3", "-B", &script];
        let answers = [&ours[..], &theirs[..]].map(|program| {
            let mut command = Command::new(program[0]);
            command.args(&program[1..]).args(["--bundle", &at(bundle), "--key", &key, "--witness", &witness]);
            let output = command.args(more).output().unwrap();
            (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
        });
        assert_eq!(answers[0].0, answers[1].0, "{answers:?}");
        let [(code, ours), _] = answers;
        (code, ours)
    };
    let (code, said) = verified("first", &["--not-older-than", "2026-01-01"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&format!("WITNESSED  {WITNESS} has seen the first 1 events")), "{said}");
    assert!(with(&["verify"]).contains(&format!("{WITNESS} has seen the first 1 events")));
    assert!(with(&["doctor"]).contains(&format!("OK       witness {WITNESS}: has seen the first 1 events")));

    // The witness is away: there is a bundle all the same, which says how far it has come, and how old that is.
    process.kill();
    let met = json!({ "met": "REFERRAL", "effectiveOn": "2026-05-05", "reason": "Invented." });
    std::fs::write(at("more"), step("Jamie Pretend", "advisor", "registerPerson", met, "")).unwrap();
    done(&data, &["seed", &at("more")]);
    let said = with(&["bundle", "--out", &at("second")]);
    assert!(said.contains("has not signed the newest checkpoint: it does not answer"), "{said}");
    assert!(said.contains("holds 2 events"), "{said}");
    let (code, said) = verified("second", &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("has seen the first 1 events"), "{said}");
    let (code, said) = verified("second", &["--not-older-than", "2999-01-01"]);
    assert_eq!(code, 50, "{said}");
    assert!(said.contains("and not since"), "{said}");
}
