//! What a witness adds: whoever has the key of the log can sign another history, and is found out where somebody else
//! has seen the true one. And what is not seen: named, and bounded by how fresh the auditor asks it to be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sidebyside::store::log::Stored;
use sidebyside::store::seal::Tree;
use sidebyside::store::witness::{Answer, Witness, WitnessSigner};

use super::forging::{replace, reseal};
use super::log::{Signing, hashed, some_samples};
use super::rows::CHANGES;
use super::{Held, Verifiers};

const NAME: &str = "example.invalid/witness";
/// Days after the last event of the log, at which the witness saw it.
const SEEN: u64 = 1_790_000_000;
const SEEN_AT: &str = "2026-09-21";
const LATER: &str = "2026-09-22";

/// A witness of the log of `signing`.
fn witness(folder: &Path, signing: &Signing) -> Witness {
    let signer = WitnessSigner::make_file(&folder.join("witness.key"), NAME).unwrap();
    Witness::open(signer, &[signing.public()], &folder.join("witness.state"), true).unwrap()
}

/// Show the witness the first events of a log, from how many it has seen: the checkpoint with what it signed, if it did.
fn shown(witness: &Witness, signing: &Signing, log: &[Stored], size: usize, now: u64) -> Option<String> {
    let mut tree = Tree::default();
    for event in log {
        tree.push(event.leaf_hash[..].try_into().unwrap()).unwrap();
    }
    let (from, note) = (witness.seen()[0].1, signing.note(&log[..size]));
    let proof = match from {
        0 => Vec::new(),
        from => tree.consistency(from, size as u64).unwrap_or_default(),
    };
    let proof: String = proof.iter().map(|node| BASE64.encode(node) + "\n").collect();
    match witness.add_checkpoint(format!("old {from}\n{proof}\n{note}").as_bytes(), now).unwrap() {
        Answer::Cosigned(line) => Some(note + &line),
        Answer::Conflict(_) | Answer::WrongProof | Answer::Malformed(_) => None,
        other @ (Answer::UnknownLog | Answer::UnknownKey) => panic!("{other:?}"),
    }
}

const ESCAPE: &str = "with the key, after what the witness has seen";

#[test]
fn with_the_key_nothing_is_changed_unseen_that_a_witness_has_seen() {
    let truth = some_samples();
    let mut verifiers = Verifiers::new(Signing::new());
    let folder = tempfile::tempdir().unwrap();
    let half = truth.len() / 2;
    let seeing = witness(folder.path(), &verifiers.signing);
    let at_half = shown(&seeing, &verifiers.signing, &truth, half, SEEN).unwrap();
    let places = [0, 1, half - 1, half, half + 5, truth.len() - 1];
    let (mut cases, mut escapes) = (0, BTreeMap::<&str, usize>::new());
    for ((what, change), place) in CHANGES.iter().flat_map(|one| places.map(|place| (one, place))) {
        let Some(log) = change(truth.clone(), place) else { continue };
        let bundle = folder.path().join("bundle");
        verifiers.signing.bundle(&log, &bundle);
        let held = |since| Held { witnesses: vec![seeing.public().clone()], since, ..Held::default() };
        let same = log.len() >= half
            && truth[..half].iter().zip(&log).all(|(one, other)| one.leaf_hash == other.leaf_hash);
        // The witness itself signs no other history, however it is asked.
        let asked = (1..=log.len()).rev().step_by(7).find_map(|size| {
            let mine = tempfile::tempdir_in(folder.path()).unwrap();
            fs::copy(folder.path().join("witness.key"), mine.path().join("witness.key")).unwrap();
            let file = mine.path().join("witness.state");
            fs::copy(folder.path().join("witness.state"), &file).unwrap();
            let signer = WitnessSigner::from_file(&mine.path().join("witness.key")).unwrap();
            let again = Witness::open(signer, &[verifiers.signing.public()], &file, false).unwrap();
            shown(&again, &verifiers.signing, &log, size, SEEN)
        });
        assert_eq!(asked.is_some(), same, "{what} at {place}");

        let mut count = |with: &str, since, expected: u8| {
            replace(&bundle, "witnessed.txt", with.as_bytes());
            reseal(&bundle);
            let (code, said) = verifiers.verdict(&bundle, &held(since));
            assert_eq!(code, expected, "{what} at {place}: {said}\n{with}");
            cases += 1;
            if code == 0 {
                *escapes.entry(ESCAPE).or_default() += 1;
            }
        };
        count("", None, 50);
        count(&at_half, None, if same { 0 } else { 40 });
        // All of this was recorded before the time that is asked for, and the witness has seen half of it.
        let all = if log.len() > half { 50 } else { 0 };
        count(&at_half, Some(SEEN_AT), if same { all } else { 40 });
        count(&at_half, Some(LATER), if same { 50 } else { 40 });
        fs::remove_dir_all(&bundle).unwrap();
    }
    println!("{cases} cases; unseen: {escapes:?}");
    assert!(cases > 250, "{cases}");
    let page = fs::read_to_string(super::script().with_file_name("evidence.md")).unwrap();
    assert!(page.contains(ESCAPE), "docs/evidence.md names what gets through");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one bundle, every way to bend what witnesses signed")]
fn what_witnesses_signed_is_read_alike_and_to_the_letter() {
    let log = some_samples();
    let mut verifiers = Verifiers::new(Signing::new());
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bundle = folder.path().join("bundle");
    verifiers.signing.bundle(&log, &bundle);
    let (seeing, other) = (witness(one.path(), &verifiers.signing), witness(two.path(), &verifiers.signing));
    let half = log.len() / 2;
    let early = shown(&seeing, &verifiers.signing, &log, half, SEEN - 86_400).unwrap();
    let late = shown(&seeing, &verifiers.signing, &log, log.len(), SEEN).unwrap();
    let again = shown(&seeing, &verifiers.signing, &log, log.len(), SEEN + 86_400).unwrap();
    let by_other = shown(&other, &verifiers.signing, &log, log.len(), SEEN).unwrap();
    let line = |note: &str| format!("{}\n", note.lines().last().unwrap());
    let both = late.clone() + &line(&by_other);
    let (ours, theirs) = (seeing.public().clone(), other.public().clone());
    let mut bent = log.clone();
    bent[3].nonce = "f".repeat(32);
    let stranger = Signing::new();
    let of_other_events = verifiers.signing.note(&hashed(bent)) + &line(&late);
    let of_stranger = stranger.note(&log) + &line(&late);
    let more = verifiers.signing.note(&[&log[..], &log[..1]].concat()) + &line(&late);
    let mut cases = 0;
    let mut is = |with: &str, witnesses: &[_], since, expected: u8, words: &str| {
        replace(&bundle, "witnessed.txt", with.as_bytes());
        reseal(&bundle);
        let held = Held { witnesses: witnesses.to_vec(), since, ..Held::default() };
        let (code, said) = verifiers.verdict(&bundle, &held);
        assert_eq!(code, expected, "{words}: {said}\n{with}");
        assert!(said.contains(words), "{words}: {said}");
        cases += 1;
    };
    let (mine, everybody) = (std::slice::from_ref(&ours), [ours.clone(), theirs.clone()]);

    // As it should be: fresh, seen to the end, by whoever is relied upon; each for itself.
    for with in [&late, &both, &again, &(early.clone() + &late), &(early.clone() + &both)] {
        is(with, mine, None, 0, "");
        is(with, mine, Some(SEEN_AT), 0, "");
        is(with, &[], None, 0, "");
    }
    is(&again, mine, Some(LATER), 0, "");
    is(&both, &everybody, Some(SEEN_AT), 0, "");
    is(&early, mine, None, 0, "");
    is(&by_other, std::slice::from_ref(&theirs), None, 0, "");

    // Old, or not seen by somebody relied upon.
    is("", mine, None, 50, "has signed no checkpoint of this log");
    is(&late, &everybody, None, 50, "has signed no checkpoint of this log");
    is(&by_other, mine, None, 50, "has signed no checkpoint of this log");
    is(&late, mine, Some(LATER), 50, "and not since");
    is(&early, mine, Some(SEEN_AT), 50, "and not since");
    is(&early, mine, Some("2026-09-20"), 50, "were recorded before the time you ask for");
    is(&(early.clone() + &by_other), &everybody, Some("2026-09-20"), 50, "recorded before");
    // Half of it is enough for whoever asks for no more.
    let since = log[half - 1].recorded_at.format("%Y-%m-%d").to_string();
    let since: &'static str = since.leak();
    is(&early, mine, Some(since), 0, "");

    // Bent: by whoever it is signed, and whoever is asked.
    for (with, words) in [
        (late.clone() + &early, "do not rise"),
        (late.clone() + &late, "do not rise"),
        (of_other_events, "of other events"),
        (more, "of other events"),
        (of_stranger, "not signed"),
        (late.clone() + "\n", ""),
        ("\n".into(), ""),
        ("x".into(), ""),
        (late.replace('\n', "\r\n"), ""),
        (late.clone() + "junk\n", ""),
    ] {
        for witnesses in [&[], mine] {
            is(&with, witnesses, None, 40, words);
        }
    }
    // A line of the witness that does not hold; passed over by whoever does not rely on it.
    let signature = line(&late);
    let bytes = BASE64.decode(signature.trim_end().rsplit(' ').next().unwrap()).unwrap();
    let with_bytes =
        |bytes: &[u8]| late.replace(&signature, &format!("\u{2014} {NAME} {}\n", BASE64.encode(bytes)));
    for place in [4, 11, 12, 43, 44, 75] {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        let with = with_bytes(&flipped);
        is(&with, mine, None, 40, "does not hold");
        is(&with, &[], None, 0, "");
    }
    is(&with_bytes(&bytes[..20]), mine, None, 40, "does not hold");
    is(&with_bytes(&[&bytes[..], &[0]].concat()), mine, None, 40, "does not hold");
    is(&(late.clone() + &line(&again)), mine, None, 40, "twice");
    is(&(early.clone() + &line(&late)), mine, None, 40, "twice");
    let moved = early.replace(&line(&early), &line(&late));
    is(&moved, mine, None, 40, "does not hold");
    let text = late.split_once("\n\n").unwrap().0.to_owned() + "\n";
    let signer = WitnessSigner::from_file(&one.path().join("witness.key")).unwrap();
    for time in [0, 253_402_300_800, u64::MAX] {
        is(&late.replace(&signature, &signer.cosign(&text, time)), mine, None, 40, "does not hold");
    }
    println!("{cases} cases");
    assert!(cases > 60, "{cases}");
}
