//! Lines of `events.ndjson` in forms that readers might read differently, each hashed and signed by whoever holds the key:
//! both verifiers refuse the line itself.

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::forging::{replace, reseal};
use super::log::{Signing, some_samples};
use super::{Held, Verifiers};

/// Which event is bent, what is replaced in its line, and by what.
type Bend = (&'static str, &'static str, &'static str);

const BENT: &[Bend] = &[
    // JSON that is not RFC 8785.
    ("fund.opened", "\"v\":1}", "\"v\":1.0}"),
    ("fund.opened", "\"v\":1}", "\"v\":1e0}"),
    ("fund.opened", "\"v\":1}", "\"v\":01}"),
    ("fund.opened", "\"v\":1}", "\"v\": 1}"),
    ("fund.opened", "\"v\":1}", "\"v\":true}"),
    ("fund.opened", "\"v\":1}", "\"v\":\"1\"}"),
    ("fund.opened", "\"v\":1}", "\"v\":2}"),
    ("fund.opened", "\"v\":1}", "\"v\":1,\"v\":1}"),
    ("fund.opened", "\"v\":1}", "\"v\":1,\"w\":1}"),
    ("fund.opened", "\"v\":1}", "\"u\":1}"),
    ("fund.opened", "\"v\":1}", "\"v\":1}\r"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"\\u0066inance\""),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\\/x\""),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"fin\\u0000ance\""),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"\\ud800\""),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"sum\":1.5"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"sum\":1.0"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"sum\":-0"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"sum\":1E400"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"sum\":NaN"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"sum\":9007199254740992"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"sum\":-9007199254740992"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"role\":\"finance\""),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"aged\":1"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"\u{1f600}\":1"),
    ("fund.opened", "\"role\":\"finance\"", "\"role\":\"finance\",\"s\":[DEEP]"),
    // Headers and bodies of another form.
    ("fund.opened", "\"sequence\":", "\"sequence\":7"),
    ("fund.opened", "\"index\":", "\"index\":1"),
    ("fund.opened", "\"aggregate_type\":\"fund\"", "\"aggregate_type\":\"\""),
    ("fund.opened", "\"aggregate_type\":\"fund\"", "\"aggregate_type\":\"site\""),
    ("fund.opened", "\"event_version\":\"1\"", "\"event_version\":\"\""),
    ("fund.opened", "\"event_version\":\"1\"", "\"event_version\":1"),
    ("fund.opened", "\"event_type\":\"fund.opened\"", "\"event_type\":\"fund.closed\""),
    ("fund.opened", "000123Z\"", "000123+00:00\""),
    ("fund.opened", "000123Z\"", "00012Z\""),
    ("fund.opened", "\"recorded_at\":\"2026-0", "\"recorded_at\":\"2026-9"),
    ("fund.opened", "\"recorded_at\":\"2026-0", "\"recorded_at\":\"2025-0"),
    ("fund.opened", "\"nonce\":\"0", "\"nonce\":\"G"),
    ("fund.opened", "\"nonce\":\"0", "\"nonce\":\""),
    ("fund.opened", "\"payload\":{\"fund.opened\":{", "\"payload\":{\"fund.closed\":{},\"fund.opened\":{"),
    ("fund.opened", "\"payload\":{\"fund.opened\":{", "\"payload\":{\"fund.open\":{"),
    ("fund.opened", "\"metadata\":{", "\"metadata\":null,\"metadatb\":{"),
    ("person.erased", "{\"header\"", "{\"body\":null,\"header\""),
    ("person.erased", "{\"header\"", "{\"body\":{},\"header\""),
    ("person.erased", "{\"header\"", "{\"header\":{},\"header\""),
    ("person.erased", "\"body_hash\":\"", "\"body_hash\":\"X"),
    // Values that no table takes.
    ("person.erased", "\"aggregate_id\":\"", "\"aggregate_id\":\"=1+1,"),
    ("fund.budget_allocated", "\"aggregate_id\":\"", "\"aggregate_id\":\"=1+1,"),
    ("fund.budget_allocated", "\"actor\":\"", "\"actor\":\"Smith, "),
    ("fund.budget_allocated", "\"command_id\":\"", "\"command_id\":\"\\n"),
    ("fund.budget_allocated", "\"role\":\"finance\"", "\"role\":\"Finance\""),
    ("fund.budget_allocated", "\"role\":\"finance\"", "\"role\":null"),
    ("fund.budget_allocated", "\"effective_on\":\"", "\"effective_on\":\" "),
    ("fund.budget_allocated", "\"effective_on\"", "\"effective_om\""),
    ("fund.budget_allocated", "\"amount\":\"", "\"amount\":\"0"),
    ("fund.budget_allocated", "\"amount\":\"", "\"amount\":\"-"),
    ("fund.budget_allocated", "\"amount\":\"", "\"amount\":\"\u{ff11}"),
    ("fund.budget_allocated", "\"amount\":\"", "\"amount\":\"1234567890"),
    ("fund.budget_allocated", "\"amount\":\"", "\"amount\":\"0.00\",\"bmount\":\""),
    ("fund.budget_allocated", "\"amount\":\"", "\"amount\":1,\"bmount\":\""),
    ("fund.budget_allocated", "\"year\":\"2026/27\"", "\"year\":\"2026-27\""),
    ("fund.budget_allocated", "\"year\":\"2026/27\"", "\"year\":2026"),
    ("fund.budget_allocated", "fund.budget_allocated", "fund.budget_invented"),
    ("fund.expenditure_posted", "\"instalment\":\"", "\"instalment\":\"0"),
    ("fund.expenditure_posted", "\"link\":{", "\"link\":null,\"linl\":{"),
    ("fund.expenditure_returned", "\"corrects\":\"", "\"corrects\":\"2"),
    ("fund.expenditure_returned", "\"corrects\":\"2026/27\"", "\"corrects\":false"),
    ("fund.commitment_reserved", "\"shares\":[", "\"shares\":[7,"),
    ("fund.commitment_reserved", "\"shares\":[", "\"shares\":{},\"sharet\":["),
    ("fund.commitment_reserved", "\"partner\":\"", "\"partner\":\"P"),
    ("fund.commitment_carried_forward", "\"from\":\"", "\"from\":\"a"),
    ("grant.instalment_authorised", "\"instalment\":\"", "\"instalment\":\"0"),
];

/// The line bent, with the hash of its body worked out anew where it has one.
fn bend(line: &str, (_, from, to): Bend) -> String {
    let deep = format!("{}{}", "[".repeat(61), "]".repeat(61));
    let bent = line.replace(from, &to.replace("DEEP", &deep));
    assert_ne!(bent, line, "{from}");
    let parts = bent.strip_prefix("{\"body\":").and_then(|rest| rest.rsplit_once(",\"header\":"));
    let Some((body, header)) = parts else { return bent };
    if body == "null" || body == "{}" || to.contains("\"header\"") {
        return bent;
    }
    let (before, after) = header.split_once("\"body_hash\":\"").unwrap();
    let hash = hex::encode(Sha256::digest(body));
    format!("{{\"body\":{body},\"header\":{before}\"body_hash\":\"{hash}{}", after.split_at(64).1)
}

/// The leaf of a line, as whoever made it would work it out.
fn leaf(line: &str) -> [u8; 32] {
    let header = line.trim_end_matches('\r').rsplit_once("\"header\":").unwrap().1;
    Sha256::new().chain_update([0]).chain_update(header.strip_suffix('}').unwrap()).finalize().into()
}

/// Give a bundle other lines, a checkpoint over them and a manifest.
fn refill(bundle: &Path, lines: &[String], signing: &Signing) {
    let leaves: Vec<[u8; 32]> = lines.iter().map(|line| leaf(line)).collect();
    replace(bundle, "events.ndjson", format!("{}\n", lines.join("\n")).as_bytes());
    replace(bundle, "checkpoint.txt", signing.note_over(&leaves).as_bytes());
    reseal(bundle);
}

#[test]
fn a_line_that_could_be_read_in_two_ways_is_refused_by_both() {
    let mut verifiers = Verifiers::new(Signing::new());
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    verifiers.signing.bundle(&some_samples(), &bundle);
    let text = fs::read_to_string(bundle.join("events.ndjson")).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    refill(&bundle, &lines, &verifiers.signing);
    assert_eq!(verifiers.verdict(&bundle, &Held::default()).0, 0, "nothing is bent yet");
    for bent in BENT {
        let place = lines.iter().position(|line| line.contains(&format!("\"event_type\":\"{}\"", bent.0)));
        let place = place.unwrap_or_else(|| panic!("no {}", bent.0));
        let mut other = lines.clone();
        other[place] = bend(&other[place], *bent);
        refill(&bundle, &other, &verifiers.signing);
        let (code, said) = verifiers.verdict(&bundle, &Held::default());
        assert_eq!(code, 40, "{bent:?}: {said}");
        assert!(said.starts_with(&format!("Event {place}: ")), "{bent:?}: {said}");
    }
}
