//! The key of a witness, and what it signs: that it saw a checkpoint at a time, as C2SP tlog-cosignature has it.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::store::seal::{NoteTrouble, SealKeyTrouble, Secret, point};

/// The byte that stands for an Ed25519 key whose signatures carry a time.
const COSIGNATURE: u8 = 4;

/// More seconds since 1970 than any time has that we can write.
const END_OF_TIME: u64 = 253_402_300_800;

/// A key that checks the cosignatures of a witness: `name+id+key`.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    text: String,
    name: String,
    id: Vec<u8>,
    key: VerifyingKey,
}

/// The line of a checkpoint’s text that the time stands before: what is signed.
fn signed(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl WitnessKey {
    /// Read one.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn new(text: &str) -> Result<Self, NoteTrouble> {
        let text = text.trim();
        Self::read(text).ok_or_else(|| NoteTrouble::Key(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let tagged = BASE64.decode(key).ok()?;
        let [COSIGNATURE, key @ ..] = &tagged[..] else { return None };
        let key = point(key)?;
        let sound = is_name(name) && hex::encode(id_of(name, &key)) == id;
        let (text, name) = (text.to_owned(), name.to_owned());
        sound.then(|| Self { id: id_of(&name, &key), text, name, key })
    }

    fn of(name: &str, key: &SigningKey) -> Self {
        let (key, name) = (key.verifying_key(), name.to_owned());
        let (id, tagged) = (id_of(&name, &key), [&[COSIGNATURE], &key.to_bytes()[..]].concat());
        let text = format!("{name}+{}+{}", hex::encode(&id), BASE64.encode(tagged));
        Self { text, name, id, key }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the witness.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a signature line says that it is of this key.
    #[must_use]
    pub fn is_named(&self, line: &str) -> bool {
        self.signature(line).is_some()
    }

    /// When this witness saw the checkpoint of this text, by a signature line. None where the line is not of this key, does
    /// not hold, or says no time that can be: nought, or beyond the year 9999.
    #[must_use]
    pub fn cosigned(&self, text: &str, line: &str) -> Option<DateTime<Utc>> {
        let signed_at = self.signature(line)?;
        let (time, signature) = signed_at.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        let signature = Signature::from_slice(signature).ok()?;
        self.key.verify(signed(text, time).as_bytes(), &signature).ok()?;
        let time = Some(time).filter(|time| (1..END_OF_TIME).contains(time))?;
        DateTime::from_timestamp(time.cast_signed(), 0)
    }

    /// What follows the id of the key in a line of this key.
    fn signature(&self, line: &str) -> Option<Vec<u8>> {
        let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = BASE64.decode(signature).ok()?;
        let rest = bytes.strip_prefix(&self.id[..])?;
        (name == self.name).then(|| rest.to_vec())
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|sign| sign.is_ascii_graphic() && sign != '+')
}

fn id_of(name: &str, key: &VerifyingKey) -> Vec<u8> {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', COSIGNATURE]);
    hash.chain_update(key.to_bytes()).finalize()[..4].to_vec()
}

/// The key with which a witness signs.
pub struct WitnessSigner {
    key: SigningKey,
    public: WitnessKey,
}

impl fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessSigner({})", self.public)
    }
}

impl WitnessSigner {
    /// Read a key file: one line, `PRIVATE+KEY+name+id+key`, as C2SP signed-note tools write it.
    ///
    /// # Errors
    /// When it is missing, open to others, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, SealKeyTrouble> {
        let Secret { name, key, .. } = Secret::from_file(path)?;
        if !is_name(&name) {
            return Err(NoteTrouble::Key(name).into());
        }
        Ok(Self { public: WitnessKey::of(&name, &key), key })
    }

    /// Read a key file, or make it with a new key of this name where there is none.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn make_file(path: &Path, name: &str) -> Result<Self, SealKeyTrouble> {
        if !is_name(name) {
            return Err(NoteTrouble::Key(name.to_owned()).into());
        }
        Secret::make_file(path, name)?;
        Self::from_file(path)
    }

    /// What checks its cosignatures.
    #[must_use]
    pub const fn public(&self) -> &WitnessKey {
        &self.public
    }

    /// The signature line, with its end, that says that the checkpoint of this text was seen at a time: seconds since
    /// 1970. Whoever calls this has seen that it goes on from what was signed before, and remembers it.
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> String {
        let signature = self.key.sign(signed(text, time).as_bytes()).to_bytes();
        let bytes = [&self.public.id[..], &time.to_be_bytes(), &signature].concat();
        format!("\u{2014} {} {}\n", self.public.name, BASE64.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP tlog-cosignature: only its form, since it comes without the key.
    const EXAMPLE: &str = "\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==";
    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn signer(name: &str) -> WitnessSigner {
        WitnessSigner::make_file(&tempfile::tempdir().unwrap().path().join("witness.key"), name).unwrap()
    }

    #[test]
    fn a_cosignature_holds_for_its_key_its_checkpoint_and_its_time_alone() {
        let (ours, other) = (signer("witness.example.com/w1"), signer("witness.example.com/w1"));
        let public = WitnessKey::new(ours.public().as_str()).unwrap();
        let line = ours.cosign(TEXT, 1_679_315_147);
        let bare = line.strip_suffix('\n').unwrap();
        assert_eq!(bare.len(), EXAMPLE.len(), "four bytes of id, eight of time, sixty-four of signature");
        assert_eq!(public.cosigned(TEXT, bare), DateTime::from_timestamp(1_679_315_147, 0));
        for (time, can_be) in
            [(0, false), (1, true), (END_OF_TIME - 1, true), (END_OF_TIME, false), (u64::MAX, false)]
        {
            let line = ours.cosign(TEXT, time);
            assert_eq!(public.cosigned(TEXT, line.trim_end()).is_some(), can_be, "{time}");
        }
        assert_eq!(public.cosigned(&TEXT.replace("20852163", "20852164"), bare), None);
        assert_eq!(other.public().cosigned(TEXT, bare), None);
        assert!(public.is_named(bare) && !other.public().is_named(bare) && !public.is_named(EXAMPLE));
        let bytes = BASE64.decode(bare.rsplit(' ').next().unwrap()).unwrap();
        for place in 4..bytes.len() {
            let mut bent = bytes.clone();
            bent[place] ^= 1;
            let bent = format!("\u{2014} {} {}", public.name(), BASE64.encode(bent));
            assert_eq!(public.cosigned(TEXT, &bent), None, "{place}");
        }
    }

    #[test]
    fn a_key_of_a_witness_is_no_key_of_a_log_and_the_other_way_round() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("witness.key");
        let witness = WitnessSigner::make_file(&file, "witness.example.com/w1").unwrap();
        let log = crate::store::seal::SealKey::from_file(&file).unwrap();
        assert!(crate::store::seal::PublicKey::new(witness.public().as_str()).is_err());
        assert!(WitnessKey::new(log.public().as_str()).is_err());
        let renamed = witness.public().as_str().replace("w1", "w2");
        assert!(WitnessKey::new(&renamed).is_err(), "the id of a key covers its name");
        assert!(WitnessSigner::make_file(&folder.path().join("other"), "with space").is_err());
    }
}
