//! The papers of the house, held by a test: the map shows every room, the decisions have their form, text is text.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::architecture::files_under;

/// Folders beside src that the map must show when they exist.
const BESIDE_SRC: &[&str] = &["migrations", "fixtures", "tests", "docs", "benches", "scripts", "web"];

/// Endings that make something with a slash, or something in the crate's own folder, a path of the repository.
const FILE_ENDINGS: &[&str] =
    &[".rs", ".md", ".toml", ".sql", ".graphql", ".lock", ".json", ".csv", ".sh", ".py"];

/// The lengths a decision record may have, in lines: shorter has no why, longer is a design.
const DECISION_LINES: std::ops::RangeInclusive<usize> = 15..=60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file))
        .unwrap_or_else(|problem| panic!("{file} should be there: {problem}"))
}

fn assert_none(wrong: &[String], what: &str) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}

/// The words of a page that could be paths: whatever stands in backticks, and the first word of each line of a block
/// between fences, which is how a map is drawn.
fn words_of_map(page: &str) -> BTreeSet<String> {
    let mut in_block = false;
    let mut words = BTreeSet::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            words.extend(line.split_whitespace().next().map(str::to_owned));
        } else {
            words.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    words
}

/// Whether a word claims to be a path of this repository: it begins in one of its folders, or has a slash and a
/// file's ending, or is a file of the crate's own folder. Patterns with a placeholder claim nothing.
fn claims_to_be_a_path(word: &str) -> bool {
    let pattern = word.contains(['<', '>', '{', '*', '…', ' ', '$', ':']) || word.contains("NNNN");
    let in_a_folder = |folder: &&str| word.strip_prefix(*folder).is_some_and(|rest| rest.starts_with('/'));
    let is_file = FILE_ENDINGS.iter().any(|ending| word.ends_with(ending));
    let in_crate = !word.contains('/') && !word.ends_with(".rs");
    !pattern
        && !word.starts_with(['/', '.'])
        && ([&["src"], BESIDE_SRC].concat().iter().any(in_a_folder)
            || (is_file && (in_crate || word.contains('/'))))
}

/// Folders of the repository that git ignores are made, not kept: a path into them may be absent.
fn is_made(word: &str) -> bool {
    let ignored = read(".gitignore");
    ignored.lines().map(|line| line.trim_matches('/')).filter(|line| !line.is_empty()).any(|made| {
        word.trim_end_matches('/') == made
            || word.strip_prefix(made).is_some_and(|rest| rest.starts_with('/'))
    })
}

#[test]
fn every_folder_is_on_the_map() {
    let map: BTreeSet<String> = words_of_map(&read("docs/architecture.md"))
        .iter()
        .map(|word| word.trim_end_matches('/').to_owned())
        .collect();
    let mut folders: BTreeSet<String> = BESIDE_SRC
        .iter()
        .filter(|folder| root().join(folder).is_dir())
        .map(|folder| (*folder).to_owned())
        .collect();
    for file in files_under("src") {
        folders.extend(Path::new(&file).ancestors().skip(1).filter_map(Path::to_str).map(str::to_owned));
    }
    let shown = |folder: &String| map.contains(folder) || map.contains(&format!("{folder}.rs"));
    let missing: Vec<String> =
        folders.into_iter().filter(|folder| !folder.is_empty() && !shown(folder)).collect();
    assert_none(
        &missing,
        "folders that docs/architecture.md should show, in backticks or in the map, and say what for",
    );
}

#[test]
fn every_path_on_the_map_exists() {
    let words = words_of_map(&read("docs/architecture.md"));
    let gone: Vec<String> = words
        .into_iter()
        .filter(|word| claims_to_be_a_path(word) && !is_made(word) && !root().join(word).exists())
        .collect();
    assert_none(&gone, "docs/architecture.md names what does not exist: correct the path, or make the file");
}

#[test]
fn what_counts_as_a_path() {
    let page = "See `src/domain/fund.rs`, `Cargo.toml` and `docs/`.\n```\nsrc/app/   runs\n  `x`\n```\n`and/or` `mod.rs`";
    let words = words_of_map(page);
    let paths: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| claims_to_be_a_path(word)).collect();
    assert_eq!(paths, ["Cargo.toml", "docs/", "src/app/", "src/domain/fund.rs"]);
    for other in
        ["src/domain/<area>.rs", "docs/decisions/NNNN-words.md", "text/html", "crate::domain", "/graphql"]
    {
        assert!(!claims_to_be_a_path(other), "{other}");
    }
    assert!(claims_to_be_a_path("scr/domain/fund.rs"), "a slip of the pen is still a path");
}

/// What is wrong with the decision records, given as (file name, text).
fn wrong_decisions(records: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut numbers = Vec::new();
    for (name, text) in records {
        let words = name.strip_suffix(".md").and_then(|stem| stem.split_once('-'));
        let sound = |(number, words): (&str, &str)| {
            let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
            (number.len() == 4 && words.chars().all(plain)).then(|| number.parse::<usize>().ok()).flatten()
        };
        match words.and_then(sound) {
            Some(number) => numbers.push((number, name)),
            None => wrong.push(format!("{name}: name it NNNN-words.md, in lower case")),
        }
        for heading in ["## What we decided", "## Why"] {
            if !text.lines().any(|line| line == heading) {
                wrong.push(format!("{name}: has no heading `{heading}`"));
            }
        }
        let lines = text.lines().count();
        if !DECISION_LINES.contains(&lines) {
            wrong.push(format!("{name}: {lines} lines, and a record has {DECISION_LINES:?}"));
        }
    }
    numbers.sort();
    for (expected, (number, name)) in (1..).zip(&numbers) {
        if *number != expected {
            wrong.push(format!(
                "{name}: the next number is {expected:04}; each is given once and none is left out"
            ));
            break;
        }
    }
    wrong
}

#[test]
fn decision_records_have_their_form() {
    let files = files_under("docs")
        .into_iter()
        .filter_map(|file| file.strip_prefix("docs/decisions/").map(|name| (name.to_owned(), read(&file))));
    assert_none(&wrong_decisions(&files.collect::<Vec<_>>()), "decision records");
}

#[test]
fn a_misshapen_decision_record_is_told_of() {
    let record = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let sound = format!("# Money\n\n## What we decided\n{}\n## Why\nBecause.\n", "Words.\n".repeat(12));
    assert_none(&wrong_decisions(&[record("0002-b.md", &sound), record("0001-a.md", &sound)]), "sound");
    let wrong = wrong_decisions(&[
        record("0001-a.md", &sound),
        record("0001-b.md", &sound),
        record("Notes.md", &sound),
        record("0002-short.md", "## Why\nBecause.\n"),
    ]);
    let told =
        ["0001-b.md: the next", "Notes.md: name", "0002-short.md: has no heading", "0002-short.md: 2 lines"];
    assert_eq!(wrong.len(), told.len(), "{wrong:#?}");
    assert!(told.iter().all(|told| wrong.iter().any(|wrong| wrong.starts_with(told))), "{wrong:#?}");
}

#[test]
fn the_readme_says_how_to_begin() {
    let readme = read("README.md");
    let missing: Vec<String> = ["make run", "make test"]
        .iter()
        .filter(|step| !readme.contains(**step))
        .map(ToString::to_string)
        .collect();
    assert_none(&missing, "README.md should name");
}

/// What is wrong with the bytes of a text file: carriage returns, and folders of one machine.
fn wrong_bytes(text: &str) -> Vec<String> {
    let machine = ["work", "home", "root"].map(|folder| format!("/{folder}/"));
    let goes_on = |sign: char| sign.is_alphanumeric() || "._-/}~".contains(sign);
    let mut wrong = Vec::new();
    for (number, line) in (1..).zip(text.split('\n')) {
        if line.ends_with('\r') {
            wrong.push(format!("{number}: ends in CR LF; save it with LF alone"));
        }
        for folder in &machine {
            // Where Homebrew lives on every Linux machine is no folder of ours.
            let line = line.replace(concat!("/home", "/linuxbrew/"), "");
            let mut before: Vec<&str> = line.split(folder.as_str()).collect();
            before.pop();
            if before.iter().any(|before| !before.ends_with(goes_on)) {
                wrong.push(format!(
                    "{number}: names {folder}, a folder of one machine: write it relative to ours"
                ));
            }
        }
    }
    wrong
}

#[test]
fn committed_text_is_plain_and_names_no_machine() {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let listed = match listed {
        Ok(listed) if listed.status.success() && root().join(".git").exists() => listed.stdout,
        _ => {
            return eprintln!("skipped: no git, or no .git here, so there are no committed files to look at");
        }
    };
    let files = String::from_utf8(listed).unwrap();
    let mut wrong = Vec::new();
    for file in files.split_terminator('\0') {
        let bytes = fs::read(root().join(file)).unwrap_or_default();
        if let Ok(text) = String::from_utf8(bytes)
            && !text.contains('\0')
        {
            wrong.extend(wrong_bytes(&text).into_iter().map(|what| format!("{file}:{what}")));
        }
    }
    assert_none(&wrong, "committed text files");
}

#[test]
fn foreign_line_ends_and_machines_are_told_of() {
    let home = format!("see /{}/me/x", "home");
    assert_eq!(wrong_bytes(&format!("fine\nnot\r\n{home}\n")).len(), 2);
    assert_none(&wrong_bytes("https://example.org/home/ $HOME/work/ /var/lib/sidebyside\n"), "sound");
}
