//! What stands behind a fact: a document named and hashed, kept where documents are kept.

use serde::{Deserialize, Serialize};

use super::identity::Hash;
use super::text::Text;

/// A document that was looked at: its title and the hash of its bytes, so that the same document can be
/// recognised years later. The document itself is not in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the document is, such as "Public liability certificate 2026".
    pub title: Text<200>,
    /// The SHA-256 of its bytes.
    pub sha256: Hash,
}

/// Where text or details that may not be in the log are kept, and a commitment to them: alive, anyone authorised
/// can check the text against it; erased, it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultRef {
    /// The random key of the vault item.
    #[serde(rename = "ref")]
    pub item: uuid::Uuid,
    /// SHA-256 over a domain separator, the key, a random salt and the text.
    pub commit: Hash,
}
