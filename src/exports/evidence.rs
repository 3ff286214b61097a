//! The evidence bundle: a folder that an auditor takes away, holding every event under a checkpoint and the books that
//! follow from them; and the verifier of one. `docs/evidence.md` describes it byte for byte and says what it promises:
//! the same checkpoint gives the same bundle, and every byte of it is signed or follows from what is signed.
//!
//! The verifier reads the events by the rules of that page, not with the rules of the domain; the bundle's ledger is
//! written with the latter. So each holds the other to account, and `docs/verify.py` both.

mod archive;
mod books;
mod chain;
mod checking;
mod line;
mod making;
mod note;
mod restores;
mod rules;
mod witnessed;
mod writing;

use crate::store::seal::Node;

pub use archive::{Archive, Archives};
pub use checking::{Holding, Summary, Verdict, check};
pub use line::is_instant;
pub use making::{Making, checked, fill};
pub use note::read_note;
pub use witnessed::Seen;
pub use writing::{BundleTrouble, Writer};

/// The files of a bundle, and no other.
pub const FILES: [&str; 12] = [
    README, CHECKPOINT, ERASURES, EVENTS, HANDOVERS, JOURNAL, KEYS, LEDGER, MANIFEST, PROOFS, RULES,
    WITNESSED,
];
/// The streams whose events auditors may read. Of all others a bundle has the headers.
pub const DISCLOSED: [&str; 9] = [
    "authority",
    "fund",
    "grant",
    "inclusion_table",
    "partner",
    "payment_run",
    "programme",
    "publication",
    "record",
];

const README: &str = "README.txt";
const CHECKPOINT: &str = "checkpoint.txt";
const ERASURES: &str = "erasures.csv";
const EVENTS: &str = "events.ndjson";
const HANDOVERS: &str = "handovers.txt";
const JOURNAL: &str = "journal.csv";
const KEYS: &str = "keys.txt";
const LEDGER: &str = "ledger.csv";
const MANIFEST: &str = "manifest.json";
const PROOFS: &str = "proofs.ndjson";
const RULES: &str = "rules.csv";
const WITNESSED: &str = "witnessed.txt";

/// What `README.txt` says, in every bundle.
const README_WORDS: &str = include_str!("evidence/README.txt");

/// A line of `proofs.ndjson`.
fn proof_line(index: u64, leaf: &Node, path: &[Node]) -> String {
    let path: Vec<String> = path.iter().map(hex::encode).collect();
    format!("{}\n", serde_json::json!({ "index": index, "leaf": hex::encode(leaf), "path": path }))
}

/// The manifest over the hashes of the other files.
fn manifest(hashes: &std::collections::BTreeMap<&str, String>) -> String {
    format!("{}\n", serde_json::json!({ "files": hashes, "form": "sidebyside evidence v1" }))
}
