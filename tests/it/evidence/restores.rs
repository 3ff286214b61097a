//! What a restore declares to whoever holds a checkpoint of the log as it was: only what it says, by the event in its
//! place, and only under another name.

use serde_json::{Value, json};
use sidebyside::store::leaf::canonical;
use sidebyside::store::log::Stored;
use sidebyside::store::seal::Tree;

use super::log::{Signing, in_order, some_samples};
use super::{Held, Verifiers};

fn root(events: &[Stored]) -> String {
    let mut tree = Tree::default();
    for event in events {
        tree.push(event.leaf_hash[..].try_into().unwrap()).unwrap();
    }
    hex::encode(tree.root(tree.size()).unwrap())
}

/// A log that goes on after the first events of another: the restore is declared with these fields, and more follows.
fn restored(truth: &[Stored], size: usize, fields: &Value) -> Vec<Stored> {
    let mut log = truth[..size].to_vec();
    let mut declared = truth[0].clone();
    declared.stream_type = "record".into();
    declared.stream_id = "00000000-0000-8000-8000-7265636f7264".into();
    declared.event_type = "record.restored".into();
    declared.event_version = "1".into();
    declared.payload = canonical(&json!({ "record.restored": fields })).unwrap();
    log.push(declared);
    log.extend(truth[size + 6..].iter().cloned());
    in_order(log)
}

#[test]
fn a_restore_explains_what_it_declares_and_nothing_else() {
    let truth = some_samples();
    let (size, before) = (truth.len() / 2, truth.len() / 2 + 4);
    let old = Signing::named("example.invalid/before");
    let mut verifiers = Verifiers::new(Signing::new());
    let folder = tempfile::tempdir().unwrap();
    let fields = json!({ "size": size, "root": root(&truth[..size]), "sealed": null, "former": old.public().as_str(),
        "key": verifiers.signing.public().as_str(), "lost_before": before, "lost_root": root(&truth[..before]),
        "erasures": 0 });
    let mut cases = 0;
    let mut verdict = |log: &[Stored], held: usize, by_old: bool, of: &[Stored]| {
        let bundle = folder.path().join("bundle");
        verifiers.signing.bundle(log, &bundle);
        let signing = if by_old { &old } else { &verifiers.signing };
        let held =
            Held { checkpoints: vec![signing.note(&of[..held])], old: Some(old.public()), ..Held::default() };
        let verdict = verifiers.verdict(&bundle, &held);
        std::fs::remove_dir_all(&bundle).unwrap();
        cases += 1;
        verdict.0
    };

    let honest = restored(&truth, size, &fields);
    for held in [1, size - 1, size, size + 1, before - 1, before] {
        assert_eq!(verdict(&honest, held, true, &truth), 0, "held {held}");
    }
    assert_eq!(verdict(&honest, before + 1, true, &truth), 30, "more than was declared");
    assert_eq!(verdict(&honest, before, false, &truth), 30, "the same name goes on: that is no restore");
    let mut other = truth.clone();
    other[size + 1].nonce = "f".repeat(32);
    let other = in_order(other);
    assert_eq!(verdict(&honest, before, true, &other), 30, "another root than was declared");
    let mut earlier = truth.clone();
    earlier[1].nonce = "f".repeat(32);
    let earlier = in_order(earlier);
    assert_eq!(verdict(&honest, size, true, &earlier), 30, "of another record from the beginning");

    // A declaration that is not what it should be declares nothing.
    let bent = |name: &str, value: Value| {
        let mut fields = fields.clone();
        fields[name] = value;
        restored(&truth, size, &fields)
    };
    let zeros = json!("0".repeat(64));
    for (name, value) in [
        ("size", json!(size - 1)),
        ("size", json!(size + 1)),
        ("size", json!(size.to_string())),
        ("size", Value::Null),
        ("root", zeros.clone()),
        ("root", json!(root(&truth[..size]).to_uppercase())),
        ("lost_before", json!(size + 1)),
        ("lost_before", json!(before - 1)),
        ("lost_before", Value::Null),
        ("lost_before", json!(-1)),
        ("lost_before", json!(true)),
        ("lost_root", zeros),
        ("lost_root", Value::Null),
    ] {
        assert_eq!(verdict(&bent(name, value.clone()), before, true, &truth), 30, "{name}: {value}");
    }
    // Nothing is declared at all, as by somebody who put an older back-up in place and said nothing.
    let mut silent = truth[..size].to_vec();
    silent.extend(truth[size + 6..].iter().cloned());
    let silent = in_order(silent);
    assert_eq!(verdict(&silent, before, true, &truth), 30);
    assert_eq!(verdict(&silent, before, false, &truth), 30);
    assert_eq!(verdict(&silent[..before - 1], before, true, &truth), 30, "cut off, under another name");
    assert_eq!(verdict(&truth[..size], before, false, &truth), 50, "no more than an old copy, so far");
    // Declared by an event of another stream.
    let mut elsewhere = honest.clone();
    elsewhere[size].stream_type = "programme".into();
    assert_eq!(verdict(&in_order(elsewhere), before, true, &truth), 30);
    assert_eq!(cases, 28);
}
