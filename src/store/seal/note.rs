//! Checkpoints: the head of the tree as a C2SP tlog-checkpoint, a signed note. Who reads one learns from it which log
//! it speaks of, how large it was and under which root, and nothing that its signature does not cover.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use signed_note::{
    Note, StandardSigner, StandardVerifier, Verifier as _, VerifierList, new_ed25519_verifier_key,
};
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
        let read = StandardVerifier::new(text).ok().filter(|_| is_plain(text));
        read.map(|_| Self(text.to_owned())).ok_or_else(|| NoteTrouble::Key(text.to_owned()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose key it is: the log.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split('+').next().unwrap_or_default()
    }

    /// The id of the key, eight hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split('+').nth(1).unwrap_or_default()
    }

    fn verifier(&self) -> Result<StandardVerifier, NoteTrouble> {
        StandardVerifier::new(&self.0).map_err(|_| NoteTrouble::Key(self.0.clone()))
    }
}

/// Whether a verifier key is written in the one way that any verifier reads alike.
fn is_plain(text: &str) -> bool {
    let Some((name, key)) =
        text.split_once('+').and_then(|(name, rest)| Some((name, rest.split_once('+')?.1)))
    else {
        return false;
    };
    let key = BASE64.decode(key).ok().and_then(|bytes| point(bytes.get(1..)?));
    name.chars().all(|sign| sign.is_ascii_graphic())
        && key.is_some_and(|key| new_ed25519_verifier_key(name, &key) == text)
}

/// A key by its bytes, where they are the one form of a point.
pub(in crate::store) fn point(bytes: &[u8]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
    (key.to_edwards().compress().as_bytes() == bytes).then_some(key)
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

/// A note taken apart: its text, with the line end that is signed too, and its signature lines.
#[must_use]
pub fn parts(note: &str) -> Option<(&str, &str)> {
    let end = note.rfind("\n\n")?;
    Some((note.get(..=end)?, note.get(end + 2..)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What any verifier reads alike, or none.
    #[test]
    fn a_key_is_written_in_one_way() {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let plain = |name: &str| new_ed25519_verifier_key(name, &secret.verifying_key());
        let good = plain("example.invalid/log");
        assert_eq!(PublicKey::new(&good).unwrap().as_str(), good);
        let (name, rest) = good.split_once('+').unwrap();
        let (id, key) = rest.split_once('+').unwrap();
        assert_ne!(id, id.to_uppercase());
        for wrong in [
            format!("{name}+{}+{key}", id.to_uppercase()),
            format!("{name}+0{id}+{key}"),
            format!("{name}+{id}+{key}="),
            format!("elsewhere+{id}+{key}"),
            plain("example.invalid/l\u{f6}g"),
        ] {
            assert!(PublicKey::new(&wrong).is_err(), "{wrong}");
        }
        // y = p and y = p + 1 are 0 and 1 written otherwise, and x = 0 has no sign.
        let field = |last: u8, first: u8| [&[first][..], &[0xff; 30], &[last]].concat();
        let mut signed_nought = [0; 32];
        (signed_nought[0], signed_nought[31]) = (1, 0x80);
        for other in [field(0x7f, 0xed), field(0x7f, 0xee), signed_nought.to_vec()] {
            assert!(point(&other).is_none(), "{}", hex::encode(other));
        }
        assert!(point(&secret.verifying_key().to_bytes()).is_some());
    }
}
