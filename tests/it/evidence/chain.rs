//! Keys changed one after the other: whoever holds any of them can follow, and a change that the old key never sealed is
//! refused.

use std::fs;
use std::path::Path;

use serde_json::json;
use sidebyside::exports::evidence::Writer;
use sidebyside::store::leaf::canonical;
use sidebyside::store::log::Stored;
use sidebyside::store::seal::PublicKey;

use super::forging::{replace, reseal};
use super::log::{Signing, hashed, in_order, some_samples};
use super::{Held, Verifiers};

fn change(like: &Stored, former: &Signing, key: &Signing) -> Stored {
    let fields = json!({ "former": former.public().as_str(), "key": key.public().as_str() });
    Stored {
        stream_type: "record".into(),
        stream_id: "00000000-0000-8000-8000-7265636f7264".into(),
        event_type: "record.key_changed".into(),
        event_version: "1".into(),
        payload: canonical(&json!({ "record.key_changed": fields })).unwrap(),
        ..like.clone()
    }
}

fn write(log: &[Stored], head: &str, handovers: &[String], key: &PublicKey, bundle: &Path) {
    let mut writer = Writer::begin(bundle).unwrap();
    for event in log {
        writer.take(event).unwrap_or_else(|why| panic!("{why}"));
    }
    writer.finish(head, handovers, &[], key).unwrap();
}

#[test]
#[expect(clippy::too_many_lines, reason = "one log, and every way to hand its key over wrongly")]
fn every_key_of_the_chain_follows_and_none_that_was_not_sealed() {
    let (one, two, three, stranger) = (Signing::new(), Signing::new(), Signing::new(), Signing::new());
    let truth = some_samples();
    let mut log = truth[..10].to_vec();
    log.push(change(&truth[0], &one, &two));
    log.extend_from_slice(&truth[10..20]);
    log.push(change(&truth[0], &two, &three));
    log.extend_from_slice(&truth[20..]);
    let log = in_order(log);
    let (first, second) = (10, 21);
    let handover = [one.note(&log[..=first + 2]), two.note(&log[..=second])];
    let keys = [one.public(), two.public(), three.public()];
    let mut verifiers = Verifiers::new(Signing::new());
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    let mut asked =
        |key: &PublicKey| verifiers.verdict(&bundle, &Held { key: Some(key.clone()), ..Held::default() });

    // By the last key, also where it ends with the change itself, which both keys sign.
    let ends = in_order(log[..=second].to_vec());
    let both = two.note(&ends) + three.note(&ends).rsplit_once("\n\n").unwrap().1;
    for (log, head, last) in [(&log, three.note(&log), &handover[1]), (&ends, both.clone(), &both)] {
        write(log, &head, &[handover[0].clone(), last.clone()], &keys[2], &bundle);
        for key in &keys {
            assert_eq!(asked(key).0, 0, "{key}");
        }
        assert_eq!(asked(&stranger.public()).0, 40, "a key that never sealed it");
        let listed = fs::read_to_string(bundle.join("keys.txt")).unwrap();
        assert_eq!(listed, keys.iter().flat_map(|key| [key.as_str(), "\n"]).collect::<String>());
        for other in [format!("{}\n", keys[2]), format!("{listed}{}\n", stranger.public())] {
            replace(&bundle, "keys.txt", other.as_bytes());
            reseal(&bundle);
            assert_eq!(asked(&keys[0]).0, 40, "keys.txt says otherwise");
        }
        fs::remove_dir_all(&bundle).unwrap();
    }

    let mut bent = log.clone();
    bent[3].nonce = "f".repeat(32);
    let bent = hashed(bent);
    let [by_one, by_two] = handover.clone();
    let wrong: [(&str, Vec<String>); 12] = [
        ("none", vec![]),
        ("the first only", vec![by_one.clone()]),
        ("the second only", vec![by_two.clone()]),
        ("turned round", vec![by_two.clone(), by_one.clone()]),
        ("one too many", vec![by_one.clone(), by_two.clone(), by_two.clone()]),
        ("the new key seals itself", vec![two.note(&log[..=first]), by_two.clone()]),
        ("a stranger seals it", vec![stranger.note(&log[..=first]), by_two.clone()]),
        ("the old key sealed only what came before", vec![one.note(&log[..first]), by_two.clone()]),
        ("the old key sealed another log", vec![one.note(&bent[..=first]), by_two.clone()]),
        (
            "the old key sealed more than there is",
            vec![by_one.clone(), two.note(&[&log[..], &truth[..1]].concat())],
        ),
        ("a line between", vec![by_one.clone(), "\n".into(), by_two.clone()]),
        ("a byte of the signature", vec![by_one.replace('=', "A"), by_two.clone()]),
    ];
    for (what, handovers) in wrong {
        write(&log, &three.note(&log), &handovers, &keys[2], &bundle);
        for key in &keys {
            let (code, said) = asked(key);
            assert_eq!(code, 40, "{what}, for {key}: {said}");
        }
        fs::remove_dir_all(&bundle).unwrap();
    }
    // A key that was handed over seals no more.
    write(&log, &three.note(&log), &handover, &keys[2], &bundle);
    for former in [&one, &two, &stranger] {
        replace(&bundle, "checkpoint.txt", former.note(&log).as_bytes());
        reseal(&bundle);
        for key in &keys {
            assert_eq!(asked(key).0, 40, "a checkpoint by {}, for {key}", former.public());
        }
    }
    fs::remove_dir_all(&bundle).unwrap();
    // Nor does the next one seal before it has its turn.
    let before = in_order(log[..second].to_vec());
    write(&before, &two.note(&before), &handover[..1], &keys[1], &bundle);
    assert_eq!(asked(&keys[0]).0, 0);
    replace(&bundle, "checkpoint.txt", three.note(&before).as_bytes());
    reseal(&bundle);
    for key in &keys {
        assert_eq!(asked(key).0, 40, "before its turn, for {key}");
    }
    fs::remove_dir_all(&bundle).unwrap();

    // A thief with the old key seals a log of his and the change to the new key: nobody takes it. Where he hands over to a
    // key of his own, whoever holds nothing newer follows him; whoever holds the new key does not.
    write(&log, &three.note(&log), &handover, &keys[2], &bundle);
    for file in ["handovers.txt", "checkpoint.txt"] {
        let forged =
            if file == "handovers.txt" { handover[0].clone() + &two.note(&log) } else { two.note(&log) };
        replace(&bundle, file, forged.as_bytes());
    }
    reseal(&bundle);
    for key in &keys {
        assert_eq!(asked(key).0, 40, "sealed by the old key alone, for {key}");
    }
    fs::remove_dir_all(&bundle).unwrap();
    let thief = Signing::new();
    let mut his = truth[..10].to_vec();
    his.push(change(&truth[0], &one, &thief));
    let his = in_order(his);
    write(&his, &thief.note(&his), &[one.note(&his)], &thief.public(), &bundle);
    assert_eq!(asked(&keys[0]).0, 0, "to whoever holds the stolen key and nothing else");
    assert_eq!((asked(&keys[1]).0, asked(&keys[2]).0), (40, 40));
    fs::remove_dir_all(&bundle).unwrap();

    // Keys that do not follow one another, or have another name, are no chain.
    let elsewhere = Signing::named("example.invalid/elsewhere");
    for (former, key) in [(&one, &three), (&two, &elsewhere)] {
        let mut log = log.clone();
        log[second] = change(&log[second], former, key);
        let mut writer = Writer::begin(&bundle).unwrap();
        let said = hashed(log).iter().find_map(|event| writer.take(event).err()).unwrap().to_string();
        assert!(said.contains("its keys do not follow"), "{said}");
        fs::remove_dir_all(&bundle).unwrap();
    }
}
