//! Every stored event has a sample that must read for ever, a sentence, a class for each field, and its entry in the
//! catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sidebyside::domain::catalogue::{DataClass, markdown};
use sidebyside::domain::identity::Hash;
use sidebyside::domain::record::Fact;
use sidebyside::store::{leaf, upcast};

const SAMPLES: &str = "fixtures/events";
const SUMS: &str = "fixtures/events/SHA256SUMS";
const CATALOGUE: &str = "docs/events.md";

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A sample: what the log would hold.
struct Sample {
    file: String,
    stream: String,
    event: String,
    version: u64,
    payload: Value,
}

impl Sample {
    fn read(file: &str) -> Self {
        let text = fs::read_to_string(at(SAMPLES).join(file)).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap_or_else(|problem| panic!("{file}: {problem}"));
        let word =
            |key: &str| whole[key].as_str().unwrap_or_else(|| panic!("{file} has no {key}")).to_owned();
        Self {
            file: file.to_owned(),
            stream: word("stream"),
            event: word("event"),
            version: whole["version"].as_u64().unwrap_or_else(|| panic!("{file} has no version")),
            payload: whole["payload"].clone(),
        }
    }

    fn fact(&self) -> Fact {
        let (version, payload) = (self.version.to_string(), self.payload.to_string());
        upcast::read(&self.stream, &self.event, &version, &payload)
            .unwrap_or_else(|problem| panic!("{} does not read any more: {problem}", self.file))
    }
}

fn files() -> BTreeSet<String> {
    let names = fs::read_dir(at(SAMPLES)).unwrap().map(|file| file.unwrap().file_name());
    names.map(|name| name.to_str().unwrap().to_owned()).filter(|name| name != "SHA256SUMS").collect()
}

fn samples() -> Vec<Sample> {
    files().iter().map(|file| Sample::read(file)).collect()
}

/// The payload that today's program writes for a fact.
fn written(fact: &Fact) -> String {
    leaf::canonical(fact).unwrap()
}

/// Whether words hold a UUID: people are told what happened, not which row it is.
fn holds_a_uuid(words: &str) -> bool {
    let is_uuid = |window: &[char]| {
        window.iter().enumerate().all(|(place, sign)| match place {
            8 | 13 | 18 | 23 => *sign == '-',
            _ => sign.is_ascii_hexdigit(),
        })
    };
    words.chars().collect::<Vec<_>>().windows(36).any(is_uuid)
}

/// The hash each sample had when it was added.
fn sums(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().map(|line| line.split_once("  ").unwrap_or_else(|| panic!("{SUMS}: {line}")));
    pairs.map(|(sum, file)| (file.to_owned(), sum.to_owned())).collect()
}

#[test]
fn every_version_of_every_event_has_a_sample() {
    let files = files();
    let missing: Vec<String> = Fact::kinds()
        .flat_map(|kind| (1..=kind.version).map(|version| format!("{}.v{version}.json", kind.name)))
        .filter(|file| !files.contains(file))
        .collect();
    assert!(missing.is_empty(), "add to {SAMPLES}: {missing:?}");
}

#[test]
fn every_sample_reads_for_ever() {
    for sample in samples() {
        let name = format!("{}.v{}", sample.event, sample.version);
        let case = sample.file.strip_prefix(&name).and_then(|rest| rest.strip_suffix("json"));
        assert!(case.is_some(), "{} holds {name}: a sample is named by what it holds", sample.file);
        let fact = sample.fact();
        assert_eq!((fact.kind().stream, fact.kind().name), (&*sample.stream, &*sample.event));
        if sample.version == u64::from(fact.kind().version) {
            let stored = leaf::canonical(&sample.payload).unwrap();
            assert_eq!(written(&fact), stored, "{} comes back as it was", sample.file);
        }
    }
}

#[test]
fn samples_show_every_field_with_a_value_and_every_optional_one_without() {
    let mut shown: BTreeMap<(String, &str), BTreeSet<bool>> = BTreeMap::new();
    for sample in samples() {
        let kind = sample.fact().kind();
        for field in kind.fields.iter().filter(|_| sample.version == u64::from(kind.version)) {
            let value = &sample.payload[kind.name][field.name];
            shown.entry((sample.event.clone(), field.name)).or_default().insert(value.is_null());
        }
    }
    for kind in Fact::kinds() {
        for field in kind.fields {
            let optional = field.kind.starts_with("Option<");
            let wanted: BTreeSet<bool> = std::iter::once(false).chain(optional.then_some(true)).collect();
            let shown = shown.get(&(kind.name.to_owned(), field.name));
            assert_eq!(shown, Some(&wanted), "{} of {}: null, and a value", field.name, kind.name);
        }
    }
}

#[test]
fn every_event_is_told_in_a_sentence() {
    for sample in samples() {
        let sentence = sample.fact().sentence();
        assert!(sentence.len() > 10 && sentence.ends_with('.'), "{}: {sentence}", sample.file);
        assert!(!sentence.contains("  ") && !sentence.contains(".."), "{}: {sentence}", sample.file);
        assert!(!holds_a_uuid(&sentence), "{}: {sentence}", sample.file);
    }
    assert!(holds_a_uuid("see 0197a1c0-5b1e-7d20-9a10-00000000a001."));
}

#[test]
fn names_begin_with_their_stream_and_are_used_once() {
    let mut names = BTreeSet::new();
    for kind in Fact::kinds() {
        let rest = kind.name.strip_prefix(kind.stream).and_then(|rest| rest.strip_prefix('.'));
        let plain =
            rest.is_some_and(|rest| rest.chars().all(|sign| sign.is_ascii_lowercase() || sign == '_'));
        assert!(plain, "{} is written stream.what_happened", kind.name);
        assert!(Fact::STREAMS.contains(&kind.stream), "{}", kind.stream);
        assert!(names.insert(kind.name), "{} is used twice", kind.name);
        assert!(kind.about.trim().ends_with('.'), "{} needs a line that says what it means", kind.name);
    }
}

#[test]
fn every_field_has_a_class_and_a_meaning() {
    let mut used = BTreeSet::new();
    for kind in Fact::kinds() {
        for field in kind.fields {
            let which = format!("{} of {}", field.name, kind.name);
            assert!(field.data_class().is_some(), "{which}: class {} in catalogue.rs", field.kind);
            assert!(field.about.trim().ends_with('.'), "{which} needs a line that says what it means");
            used.insert(field.bare_type());
        }
    }
    let mut classed = BTreeSet::new();
    for name in DataClass::ALL.iter().flat_map(|class| class.types()) {
        assert!(classed.insert(*name), "{name} has two classes");
    }
    assert_eq!(classed, used, "types are classed when a field has them, and not before");
}

/// A sample stands for events that may be stored somewhere: its line in the list is the promise.
#[test]
fn no_sample_is_changed_or_removed() {
    let listed = sums(&fs::read_to_string(at(SUMS)).unwrap());
    let names: BTreeSet<String> = listed.keys().cloned().collect();
    assert_eq!(names, files(), "{SUMS} lists every sample: add a new one with `sha256sum`, keep the others");
    for (file, sum) in &listed {
        let now = Hash::of(&fs::read(at(SAMPLES).join(file)).unwrap());
        assert_eq!(now.as_str(), sum, "{file} was changed: put it back and add another beside it");
    }
    let show = Command::new("git").args(["show", &format!("HEAD:{SUMS}")]).current_dir(at("")).output();
    let Some(committed) = show.ok().filter(|done| done.status.success()) else { return };
    for (file, sum) in sums(&String::from_utf8(committed.stdout).unwrap()) {
        assert_eq!(listed.get(&file), Some(&sum), "{file} was committed like this and stays");
    }
}

#[test]
fn the_catalogue_says_what_the_code_says() {
    let page = markdown(Fact::kinds());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(at(CATALOGUE), &page).unwrap();
    }
    let stands = fs::read_to_string(at(CATALOGUE)).unwrap_or_default();
    assert!(stands == page, "{CATALOGUE} is out of date: UPDATE=1 cargo test --test it events");
}
