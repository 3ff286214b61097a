//! Checkpoints: the head of the tree as a C2SP tlog-checkpoint, a signed note. Who reads one learns from it which log
//! it speaks of, how large it was and under which root, and nothing that its signature does not cover.

use std::collections::BTreeMap;
use std::fmt;

use signed_note::{Note, StandardSigner, StandardVerifier, Verifier as _, VerifierList};
use tlog_tiles::checkpoint::Checkpoint as Body;
use tlog_tiles::tlog::Hash;

use super::tree::Node;

/// Why a note is not the checkpoint it is taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteTrouble {
    /// Not of the form of a signed note or of a checkpoint.
    #[error("this is not a checkpoint: {0}")]
    Malformed(String),
    /// Signed by nobody we trust, or wrongly.
    #[error("no signature of a key we know holds: {0}")]
    Unsigned(String),
    /// Of another log.
    #[error("this checkpoint is of the log {found}, not of {wanted}")]
    OtherLog {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// A key cannot be read.
    #[error("the verifier key {0} cannot be read")]
    Key(String),
}

/// A key that checks signatures, as C2SP signed-note writes it: `name+id+key`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(String);

impl PublicKey {
    /// Read one.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn new(text: &str) -> Result<Self, NoteTrouble> {
        let text = text.trim();
        StandardVerifier::new(text).map_err(|_| NoteTrouble::Key(text.to_owned()))?;
        Ok(Self(text.to_owned()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn verifier(&self) -> Result<StandardVerifier, NoteTrouble> {
        StandardVerifier::new(&self.0).map_err(|_| NoteTrouble::Key(self.0.clone()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The head of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: also the name of the key that signs it.
    pub origin: String,
    /// How many events it has.
    pub size: u64,
    /// The root over their leaves.
    pub root: Node,
}

impl Checkpoint {
    /// The note, signed.
    ///
    /// # Errors
    /// When the origin cannot stand in a note.
    pub fn sign(&self, signer: &StandardSigner) -> Result<String, NoteTrouble> {
        let body = Body::new(&self.origin, self.size, Hash(self.root), "")
            .map_err(|why| NoteTrouble::Malformed(why.to_string()))?;
        let malformed = |why: signed_note::NoteError| NoteTrouble::Malformed(why.to_string());
        let mut note = Note::new(&body.to_bytes(), &[]).map_err(malformed)?;
        note.add_sigs(&[signer]).map_err(malformed)?;
        String::from_utf8(note.to_bytes()).map_err(|why| NoteTrouble::Malformed(why.to_string()))
    }

    /// Read a note that one of these keys signed for the log it is named after.
    ///
    /// # Errors
    /// See [`NoteTrouble`].
    pub fn read(note: &str, keys: &[PublicKey]) -> Result<Self, NoteTrouble> {
        let signed =
            Note::from_bytes(note.as_bytes()).map_err(|why| NoteTrouble::Malformed(why.to_string()))?;
        // A key given twice is one key: the list would call it ambiguous.
        let once: BTreeMap<&str, &PublicKey> = keys.iter().map(|key| (key.as_str(), key)).collect();
        let verifiers = once.into_values().map(PublicKey::verifier).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<String> = verifiers.iter().map(|one| one.name().to_owned()).collect();
        let known = VerifierList::new(verifiers.into_iter().map(|one| Box::new(one) as _).collect());
        let (good, _) = signed.verify(&known).map_err(|why| NoteTrouble::Unsigned(why.to_string()))?;
        let body = Body::from_bytes(signed.text()).map_err(|why| NoteTrouble::Malformed(why.to_string()))?;
        if !good.iter().any(|one| one.name() == body.origin()) {
            let wanted = names.join(", ");
            return Err(NoteTrouble::OtherLog { found: body.origin().to_owned(), wanted });
        }
        Ok(Self { origin: body.origin().to_owned(), size: body.size(), root: body.hash().0 })
    }
}
