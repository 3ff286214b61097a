//! Files of a bundle changed, with the manifest left as it was or written anew; and checkpoints of every wrong form.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sidebyside::exports::evidence::FILES;

use super::log::{ORIGIN, Signing, some_samples};
use super::{Held, Verifiers};

/// Put other content into a file of a bundle.
pub fn replace(bundle: &Path, file: &str, content: &[u8]) {
    fs::write(bundle.join(file), content).unwrap();
}

/// Write the manifest anew over what is there.
pub fn reseal(bundle: &Path) {
    let mut hashes = serde_json::Map::new();
    for file in FILES.into_iter().filter(|file| *file != "manifest.json") {
        if let Ok(content) = fs::read(bundle.join(file)) {
            hashes.insert(file.into(), json!(hex::encode(Sha256::digest(content))));
        }
    }
    let manifest = json!({ "files": hashes, "form": "sidebyside evidence v1" });
    replace(bundle, "manifest.json", format!("{manifest}\n").as_bytes());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in FILES {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

/// What a file can be turned into.
fn bent(content: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("emptied".to_owned(), Vec::new()),
        ("halved".into(), content[..content.len() / 2].to_vec()),
        ("without its end".into(), content.strip_suffix(b"\n").unwrap_or(content).to_vec()),
        ("with a line more".into(), [content, b"\n"].concat()),
        ("with a mark before it".into(), [b"\xef\xbb\xbf", content].concat()),
        ("with carriage returns".into(), String::from_utf8_lossy(content).replace('\n', "\r\n").into_bytes()),
        ("with no text in it".into(), [content, b"\xff\n"].concat()),
    ];
    let lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
    if let [first, .., last] = lines[..] {
        all.push(("first line twice".into(), [first, content].concat()));
        all.push(("last line twice".into(), [content, last].concat()));
        all.push(("without the first line".into(), content[first.len()..].to_vec()));
        all.push(("without the last line".into(), content[..content.len() - last.len()].to_vec()));
        all.push(("lines turned round".into(), lines.iter().rev().copied().collect::<Vec<_>>().concat()));
    }
    for part in (0..7).filter(|_| !content.is_empty()) {
        let place = (content.len() - 1) * part / 6;
        let mut other = content.to_vec();
        other[place] ^= 1;
        all.push((format!("bit at {place}"), other));
    }
    all.retain(|(_, other)| other != content);
    all
}

#[test]
fn no_file_of_a_bundle_is_changed_unseen() {
    let mut verifiers = Verifiers::new(Signing::new());
    let folder = tempfile::tempdir().unwrap();
    let (whole, bundle) = (folder.path().join("whole"), folder.path().join("bundle"));
    verifiers.signing.bundle(&some_samples(), &whole);
    let mut cases = 0;
    let mut refused = |verifiers: &mut Verifiers, what: String| {
        cases += 1;
        let (code, said) = verifiers.verdict(&bundle, &Held::default());
        assert_eq!(code, 40, "{what}: {said}");
    };
    for file in FILES {
        copy(&whole, &bundle);
        let content = fs::read(bundle.join(file)).unwrap();
        for (what, other) in bent(&content) {
            replace(&bundle, file, &other);
            refused(&mut verifiers, format!("{file} {what}"));
            if file != "manifest.json" {
                reseal(&bundle);
                refused(&mut verifiers, format!("{file} {what}, listed anew"));
                fs::copy(whole.join("manifest.json"), bundle.join("manifest.json")).unwrap();
            }
        }
        fs::remove_file(bundle.join(file)).unwrap();
        refused(&mut verifiers, format!("{file} gone"));
        symlink(whole.join(file), bundle.join(file)).unwrap();
        refused(&mut verifiers, format!("{file} a link"));
        fs::remove_file(bundle.join(file)).unwrap();
        fs::create_dir(bundle.join(file)).unwrap();
        refused(&mut verifiers, format!("{file} a folder"));
        fs::remove_dir_all(&bundle).unwrap();
    }
    for name in [".hidden", "verify.py", "EVENTS.NDJSON", "texts.ndjson", "events.ndjson "] {
        copy(&whole, &bundle);
        replace(&bundle, name, b"anything");
        refused(&mut verifiers, format!("{name} put in"));
        fs::remove_dir_all(&bundle).unwrap();
    }
    println!("{cases} cases");
    assert!(cases > 300, "{cases}");
}

/// The signature with the order of the group added to its number: another text of the same signature.
fn malleated(signature: &[u8]) -> Vec<u8> {
    const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let order = hex::decode(ORDER).unwrap();
    let (mut other, mut carry) = (signature.to_vec(), 0);
    let at = signature.len() - 32;
    for (place, more) in order.iter().enumerate() {
        let sum = u16::from(other[at + place]) + u16::from(*more) + carry;
        other[at + place] = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    other
}

/// Checkpoints that are none, each with what is wrong with it.
fn wrong_notes(signing: &Signing, stranger: &Signing) -> Vec<(&'static str, String)> {
    let events = some_samples();
    let (note, size) = (signing.note(&events), events.len().to_string());
    let lines: Vec<&str> = note.lines().collect();
    let (root, signed) = (lines[2], lines[4]);
    let signature = BASE64.decode(signed.rsplit(' ').next().unwrap()).unwrap();
    let with =
        |signature: &[u8]| note.replace(signed, &format!("\u{2014} {ORIGIN} {}", BASE64.encode(signature)));
    let flipped = |place: usize| {
        let mut other = signature.clone();
        other[place] ^= 1;
        with(&other)
    };
    let sized = |other: &str| note.replacen(&format!("\n{size}\n"), &format!("\n{other}\n"), 1);
    let foreign = stranger.note(&events);
    // The last letter before the padding has two bits that say nothing: the next letter differs in one of them.
    let (known, last) = root.split_at(42);
    let loose = format!("{known}{}=", char::from(last.as_bytes()[0] + 1));
    let mut all = vec![
        ("an older one", signing.note(&events[..20])),
        ("one over no event more", sized("0")),
        ("a size with a nought before", sized(&format!("0{size}"))),
        ("a size with a plus", sized(&format!("+{size}"))),
        ("a size with a space", sized(&format!("{size} "))),
        ("another root", note.replace(root, &BASE64.encode([7; 32]))),
        ("a root with loose bits", note.replace(root, &loose)),
        ("a root without padding", note.replace(root, root.trim_end_matches('='))),
        ("another origin", note.replacen(ORIGIN, "example.invalid/other", 1)),
        (
            "another name of the signer",
            note.replace(signed, &signed.replace(ORIGIN, "example.invalid/other")),
        ),
        ("a line more in the body", note.replacen("\n\n", "\nmore\n\n", 1)),
        ("an empty line more", note.replacen("\n\n", "\n\n\n", 1)),
        ("no empty line", note.replacen("\n\n", "\n", 1)),
        ("a plain dash", note.replace('\u{2014}', "-")),
        ("a tab", note.replace("\u{2014} ", "\u{2014}\t")),
        ("two spaces", note.replace("\u{2014} ", "\u{2014}  ")),
        ("no signature", note.replace(&format!("{signed}\n"), "")),
        ("the signature twice", note.replace(signed, &format!("{signed}\n{signed}"))),
        ("a stranger's alone", foreign.clone()),
        ("a signature cut short", with(&signature[..67])),
        ("a signature of nothing", with(&signature[..4])),
        ("a signature too long", with(&[&signature[..], &[0]].concat())),
        ("the same signature in another text", with(&malleated(&signature))),
        ("a junk line under it", format!("{note}junk\n")),
        (
            "a hundred and one signatures",
            note.clone() + &foreign.lines().nth(4).map(|line| format!("{line}\n")).unwrap().repeat(100),
        ),
    ];
    for place in [0, 3, 4, 20, 35, 36, 50, 67] {
        all.push(("a bit of the signature", flipped(place)));
    }
    // Whoever splits lines at more than LF reads another size.
    for split in ["\r", "\u{b}", "\u{c}", "\u{1c}", "\u{85}", "\u{2028}", "\u{2029}"] {
        all.push(("another end of a line", note.replacen('\n', split, 1)));
        all.push((
            "another end of a line within",
            note.replacen('\n', &format!("{split}1{split}{root}\n"), 1),
        ));
        all.push(("one under the signature", note.clone() + split));
    }
    all.retain(|(_, other)| *other != note);
    all
}

#[test]
fn only_the_checkpoint_that_was_signed_is_one() {
    let mut verifiers = Verifiers::new(Signing::new());
    let stranger = Signing::new();
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    let events = some_samples();
    verifiers.signing.bundle(&events, &bundle);
    let wrong = wrong_notes(&verifiers.signing, &stranger);
    assert!(wrong.len() > 50, "{}", wrong.len());
    for (what, note) in &wrong {
        replace(&bundle, "checkpoint.txt", note.as_bytes());
        reseal(&bundle);
        let (code, said) = verifiers.verdict(&bundle, &Held::default());
        assert_eq!(code, 40, "{what}: {said}\n{note:?}");
    }
    // What others sign is passed over: the one change that goes unseen, and nothing rests on it.
    let note = verifiers.signing.note(&events);
    let (ours, theirs) = (note.lines().nth(4).unwrap(), stranger.note(&events));
    let theirs = theirs.lines().nth(4).unwrap();
    for signatures in [format!("{ours}\n{theirs}"), format!("{theirs}\n{ours}")] {
        replace(&bundle, "checkpoint.txt", note.replace(ours, &signatures).as_bytes());
        reseal(&bundle);
        assert_eq!(verifiers.verdict(&bundle, &Held::default()), (0, String::new()));
    }
}
