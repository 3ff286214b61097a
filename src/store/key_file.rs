//! Key files: secrets kept beside the database, never in it. Nobody else may reach one; it appears whole or not at
//! all, and one that stands is never written to, for its key is the only one that fits what was done with it.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use super::vault::KeyTrouble;

/// More bytes than any key file has.
const LONGEST: u64 = 512;

/// What a key file holds.
pub(super) enum KeyFile {
    /// Its bytes.
    Held(Zeroizing<Vec<u8>>),
    /// Others on this machine may read or replace it: its permissions.
    Open(u32),
}

/// Read a key file. A group may read a file of root's, as a mounted secret is.
pub(super) fn read(path: &Path) -> Result<KeyFile> {
    let open = File::open(path)?;
    let known = open.metadata()?;
    let barred = if known.uid() == 0 { 0o037 } else { 0o077 };
    let mode = known.mode() & 0o777;
    if mode & barred != 0 {
        return Ok(KeyFile::Open(mode));
    }
    // Room for more than there can be: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * 512));
    open.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(KeyFile::Held(bytes))
}

/// Read the text of a file that holds one secret and nothing more, such as a password for another service.
///
/// # Errors
/// When it is missing, open to others, or holds no text.
pub fn secret_in(path: &Path) -> std::result::Result<Zeroizing<String>, KeyTrouble> {
    let file = path.display().to_string();
    let trouble = |source| KeyTrouble::System { doing: format!("read the secret in {file}"), source };
    match read(path).map_err(trouble)? {
        KeyFile::Open(mode) => Err(KeyTrouble::Open { file, mode }),
        KeyFile::Held(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Zeroizing::new(text.trim().to_owned())),
            Err(why) => Err(trouble(Error::new(ErrorKind::InvalidData, why))),
        },
    }
}

/// Make a key file, unless there is one.
pub(super) fn make(path: &Path, secret: &[u8]) -> Result<()> {
    place(path, secret, |draft| match std::fs::hard_link(draft, path) {
        Err(why) if why.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    })
}

/// Put a file that others may not read in the place of what stood there.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    place(path, content, |draft| std::fs::rename(draft, path))
}

fn place(path: &Path, content: &[u8], put: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = folder.join(format!(".sidebyside-{}", hex::encode(chance::<8>()?)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| put(&draft));
    match std::fs::remove_file(&draft) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(why),
        Ok(()) | Err(_) => {}
    }
    written?;
    File::open(folder).and_then(|folder| folder.sync_all())
}

/// Keys, salts and nonces come from the operating system, here and nowhere else.
pub(super) fn chance<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(Error::other)?;
    Ok(bytes)
}
