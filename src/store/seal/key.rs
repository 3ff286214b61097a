//! The key that signs checkpoints, and what was signed with it last: kept in files outside the database, so that
//! whoever holds the database alone cannot seal another history.

use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use signed_note::{StandardSigner, key_id, new_ed25519_verifier_key};
use zeroize::Zeroizing;

use super::note::{Checkpoint, NoteTrouble, PublicKey};
use super::tree::Node;
use crate::store::key_file::{self, KeyFile, chance};

/// The byte that stands for Ed25519 in the keys of C2SP signed-note.
const ED25519: u8 = 1;

/// Why there is no key to seal with, or it may not sign. Each reads as sentences for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum SealKeyTrouble {
    /// The file holds something else.
    #[error(
        "The key file {0} does not hold a signer key of the form PRIVATE+KEY+name+id+key and nothing more."
    )]
    NotAKey(String),
    /// Others on this machine may read or replace it.
    #[error("Others can get at the key file {file} (mode {mode:o}). Close it to them: chmod 600 {file}")]
    Open {
        /// The file.
        file: String,
        /// Its permissions.
        mode: u32,
    },
    /// It signed another root for that size.
    #[error(
        "This key has signed another history: at {size} events it signed root {signed}, here the root is {found}. \
         Nothing was signed. If the database was restored from a back-up, keep this key's file, seal with a new one and \
         tell everybody who holds a checkpoint (docs/operating.md says how); if not, somebody changed the log."
    )]
    TwoRoots {
        /// How many events.
        size: u64,
        /// What was signed.
        signed: String,
        /// What would be signed now.
        found: String,
    },
    /// What the key signed last cannot be read.
    #[error("The file {0}, which says what was signed last, cannot be read. Take it from a back-up.")]
    Forgotten(String),
    /// A key or note that cannot be.
    #[error(transparent)]
    Note(#[from] NoteTrouble),
    /// The machine.
    #[error("Could not {doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the machine said.
        source: std::io::Error,
    },
}

/// A key that signs for one log, and where it lives.
#[derive(Clone)]
pub struct SealKey {
    signer: StandardSigner,
    public: PublicKey,
    origin: String,
    file: PathBuf,
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.public)
    }
}

fn system(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> SealKeyTrouble {
    let doing = format!("{doing} {}", path.display());
    move |source| SealKeyTrouble::System { doing, source }
}

/// What a key file holds, whatever it signs.
pub(in crate::store) struct Secret {
    line: Zeroizing<String>,
    /// Whose key it is.
    pub name: String,
    /// The key.
    pub key: SigningKey,
}

impl Secret {
    /// Read a key file: one line, `PRIVATE+KEY+name+id+key`.
    pub fn from_file(path: &Path) -> Result<Self, SealKeyTrouble> {
        let file = path.display().to_string();
        let secret = match key_file::read(path).map_err(system("read the key file", path))? {
            KeyFile::Open(mode) => return Err(SealKeyTrouble::Open { file, mode }),
            KeyFile::Held(secret) => secret,
        };
        let not_a_key = || SealKeyTrouble::NotAKey(file.clone());
        let text = std::str::from_utf8(secret.trim_ascii()).map_err(|_| not_a_key())?;
        StandardSigner::new(text).map_err(|_| not_a_key())?;
        // A name holds no plus; the key, in base64, may.
        let parts = text.strip_prefix("PRIVATE+KEY+").and_then(|rest| rest.split_once('+'));
        let (name, (_, key)) =
            parts.and_then(|(name, rest)| Some((name, rest.split_once('+')?))).ok_or_else(not_a_key)?;
        let bytes = Zeroizing::new(BASE64.decode(key).map_err(|_| not_a_key())?);
        let seed = bytes.get(1..).and_then(|seed| seed.try_into().ok()).ok_or_else(not_a_key)?;
        let key = SigningKey::from_bytes(seed);
        Ok(Self { line: Zeroizing::new(text.to_owned()), name: name.to_owned(), key })
    }

    /// Make a key file with a new key of this name, unless there is one.
    pub fn make_file(path: &Path, name: &str) -> Result<(), SealKeyTrouble> {
        if path.symlink_metadata().is_ok() {
            return Ok(());
        }
        let making = || system("make the key file", path);
        let seed = Zeroizing::new(chance::<32>().map_err(making())?);
        let key = SigningKey::from_bytes(&seed);
        let tagged = |bytes: &[u8; 32]| Zeroizing::new([&[ED25519], bytes.as_slice()].concat());
        let id = key_id(name, &tagged(&key.verifying_key().to_bytes()));
        let secret = Zeroizing::new(BASE64.encode(tagged(&seed).as_slice()));
        let line = Zeroizing::new(format!("PRIVATE+KEY+{name}+{id:08x}+{}\n", secret.as_str()));
        key_file::make(path, line.as_bytes()).map_err(making())
    }
}

impl SealKey {
    /// Read a key file: one line, `PRIVATE+KEY+name+id+key`, as C2SP signed-note tools write it.
    ///
    /// # Errors
    /// When it is missing, open to others, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, SealKeyTrouble> {
        let Secret { line, name, key } = Secret::from_file(path)?;
        let signer = StandardSigner::new(&line);
        let signer = signer.map_err(|_| SealKeyTrouble::NotAKey(path.display().to_string()))?;
        let public = new_ed25519_verifier_key(&name, &key.verifying_key());
        Ok(Self { signer, public: PublicKey::new(&public)?, origin: name, file: path.to_owned() })
    }

    /// Read a key file, or make it with a new key for a log of this name where there is none.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn make_file(path: &Path, origin: &str) -> Result<Self, SealKeyTrouble> {
        Secret::make_file(path, origin)?;
        Self::from_file(path)
    }

    /// The log it signs for.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What checks its signatures.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Sign the head of the log, unless another root was signed for that size before. What is signed is remembered,
    /// on disk, before the signature is out.
    ///
    /// # Errors
    /// [`SealKeyTrouble::TwoRoots`] before anything is signed; or when the machine fails.
    pub fn sign(&self, size: u64, root: Node) -> Result<String, SealKeyTrouble> {
        let lock = File::open(&self.file).map_err(system("open the seal's key file", &self.file))?;
        lock.lock().map_err(system("lock the seal's key file", &self.file))?;
        match self.last()? {
            Some((last, signed)) if last == size && signed != root => {
                let (signed, found) = (hex::encode(signed), hex::encode(root));
                return Err(SealKeyTrouble::TwoRoots { size, signed, found });
            }
            // Another process with the same key may have come further already.
            Some((last, _)) if last >= size => {}
            Some(_) | None => {
                let path = self.memory();
                let content = format!("{size} {}\n", hex::encode(root));
                key_file::replace(&path, content.as_bytes()).map_err(system("write", &path))?;
            }
        }
        Ok(Checkpoint { origin: self.origin.clone(), size, root }.sign(&self.signer)?)
    }

    /// The size and root it signed last; none when it never signed.
    ///
    /// # Errors
    /// When the file that says so cannot be read.
    pub fn last(&self) -> Result<Option<(u64, Node)>, SealKeyTrouble> {
        let path = self.memory();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(system("read", &path)(why)),
        };
        let forgotten = || SealKeyTrouble::Forgotten(path.display().to_string());
        let (size, root) = text.trim_end().split_once(' ').ok_or_else(forgotten)?;
        let mut node = Node::default();
        hex::decode_to_slice(root, &mut node).map_err(|_| forgotten())?;
        Ok(Some((size.parse().map_err(|_| forgotten())?, node)))
    }

    /// The file it is in.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Put the key of another file in the place of this one, which is kept beside it under its id: at no moment is there
    /// no key. What was signed last stays remembered.
    pub(super) fn replaced_by(&self, next: &Path) -> std::io::Result<()> {
        let id = self.public.id();
        match std::fs::hard_link(&self.file, self.file.with_extension(format!("old-{id}"))) {
            Err(why) if why.kind() != ErrorKind::AlreadyExists => return Err(why),
            Ok(()) | Err(_) => {}
        }
        match std::fs::rename(next, &self.file) {
            // Somebody else has just done the same.
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
            Ok(()) | Err(_) => {}
        }
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
    }

    /// Beside the key, never in the database.
    fn memory(&self) -> PathBuf {
        self.file.with_extension("signed")
    }
}
