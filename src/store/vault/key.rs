//! The master key: the one that opens every other key of the vault. It is read from a file or the environment, and never
//! stands in the database.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::sealing::Secret;
use crate::store::key_file::{self, KeyFile, chance};

/// The key that opens every other key of the vault. It is kept outside the database, and nothing prints it.
pub struct MasterKey(pub(super) Secret);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Why there is no master key. Each reads as sentences for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum KeyTrouble {
    /// Not 64 hexadecimal digits.
    #[error("The vault's key must be 64 hexadecimal digits, as `openssl rand -hex 32` writes them.")]
    Unreadable,
    /// The file holds something else.
    #[error(
        "The key file {0} does not hold 64 hexadecimal digits and nothing more. Put the right file in its place: a new \
         key would not open what the old one sealed."
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
    /// The machine.
    #[error("Could not {doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the machine said.
        source: std::io::Error,
    },
}

impl MasterKey {
    /// Read 64 hexadecimal digits.
    ///
    /// # Errors
    /// When they are anything else.
    pub fn from_hex(digits: &str) -> Result<Self, KeyTrouble> {
        Self::from_digits(digits.as_bytes()).ok_or(KeyTrouble::Unreadable)
    }

    fn from_digits(digits: &[u8]) -> Option<Self> {
        let mut key = Secret::default();
        hex::decode_to_slice(digits.trim_ascii(), key.as_mut_slice()).ok()?;
        Some(Self(key))
    }

    /// Read a key file. Nobody else may reach it, but a group may read a file of root's, as a mounted secret is.
    ///
    /// # Errors
    /// When it is missing, open to others, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, KeyTrouble> {
        let file = path.display().to_string();
        let trouble = || trouble(format!("read the vault's key file {file}"));
        match key_file::read(path).map_err(trouble())? {
            KeyFile::Open(mode) => Err(KeyTrouble::Open { file, mode }),
            KeyFile::Held(digits) => Self::from_digits(&digits).ok_or(KeyTrouble::NotAKey(file)),
        }
    }

    /// Read a key file, or make it with a new key where there is none. It appears whole or not at all, and a file that
    /// stands is never written to: its key is the only one that opens the vault.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn make_file(path: &Path) -> Result<Self, KeyTrouble> {
        if path.symlink_metadata().is_ok() {
            return Self::from_file(path);
        }
        let trouble = || trouble(format!("make the vault's key file {}", path.display()));
        let key: Secret = Zeroizing::new(chance().map_err(trouble())?);
        let mut digits = Zeroizing::new([0; 65]);
        hex::encode_to_slice(key.as_slice(), &mut digits[..64])
            .map_err(|why| trouble()(std::io::Error::other(why)))?;
        digits[64] = b'\n';
        key_file::make(path, digits.as_slice()).map_err(trouble())?;
        Self::from_file(path)
    }
}

fn trouble(doing: String) -> impl FnOnce(std::io::Error) -> KeyTrouble {
    move |source| KeyTrouble::System { doing, source }
}
