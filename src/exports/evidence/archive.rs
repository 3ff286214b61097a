//! Bundles as whoever asks for one over the network gets it: one file to be unpacked into the folder. The same
//! checkpoint, seen by the same witnesses, gives the same file, so it is made once.

use std::collections::VecDeque;
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::making::{Making, checked, fill};
use super::{BundleTrouble, FILES};
use crate::app::{App, Failure};
use crate::auth::Identity;
use crate::store::seal::{PublicKey, Sealed};

/// How many are kept: whoever takes one away slowly is not cut off by the next.
const KEPT: usize = 3;

/// A bundle in one file.
#[derive(Debug)]
pub struct Archive {
    /// What it rests on.
    pub checkpoint: Sealed,
    /// What checks that.
    pub key: PublicKey,
    /// How long the file is.
    pub bytes: u64,
    /// The SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// What witnesses had signed.
    witnessed: Vec<String>,
    /// It has no name on disk, and is gone with the last who has it open.
    file: File,
}

impl Archive {
    /// At most so many bytes from a place on; none at its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn part(&self, from: u64, most: usize) -> io::Result<Vec<u8>> {
        let most = most.min(usize::try_from(self.bytes.saturating_sub(from)).unwrap_or(usize::MAX));
        let mut part = vec![0; most];
        self.file.read_exact_at(&mut part, from)?;
        Ok(part)
    }
}

/// The bundles of a log that were asked for, the newest last.
#[derive(Debug, Default)]
pub struct Archives {
    key: Option<watch::Receiver<PublicKey>>,
    /// Held while one is made: whoever asks meanwhile waits for the same, and whoever takes one away waits for nobody.
    making: tokio::sync::Mutex<()>,
    made: Mutex<VecDeque<Arc<Archive>>>,
}

impl Archives {
    /// Of a log whose checkpoints this key checks, which may change meanwhile; without it there are none.
    #[must_use]
    pub fn of(key: Option<watch::Receiver<PublicKey>>) -> Self {
        Self { key, ..Self::default() }
    }

    fn made(&self) -> MutexGuard<'_, VecDeque<Arc<Archive>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What checks the checkpoints of the log.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.key.as_ref().map(|key| key.borrow().clone())
    }

    /// The bundle under the newest checkpoint; none while nothing is sealed. Who asks at the same time waits for the
    /// same.
    ///
    /// # Errors
    /// Refused where this server has no key. See [`Failure`].
    pub async fn newest(&self, app: &App, who: &Identity) -> Result<Option<Arc<Archive>>, Failure> {
        let Some(making) = Making::begin(app.stored_log(who)?).await.map_err(broken)? else {
            return Ok(None);
        };
        let key = self.key().ok_or_else(no_key)?;
        let _alone = self.making.lock().await;
        let is_it = |one: &&Arc<Archive>| {
            one.checkpoint.note == making.checkpoint.note && one.witnessed == making.witnessed
        };
        let there = self.made().iter().rev().find(is_it).map(Arc::clone);
        if there.is_some() {
            return Ok(there);
        }
        let one = Arc::new(archive(making, key).await.map_err(broken)?);
        let mut made = self.made();
        made.push_back(Arc::clone(&one));
        if made.len() > KEPT {
            made.pop_front();
        }
        Ok(Some(one))
    }

    /// One that was made, by its hash.
    ///
    /// # Errors
    /// When it is not kept any more, or never was. See [`Failure`].
    pub fn kept(&self, app: &App, who: &Identity, sha256: &str) -> Result<Arc<Archive>, Failure> {
        app.stored_log(who)?;
        let one = self.made().iter().find(|one| one.sha256 == sha256).map(Arc::clone);
        one.ok_or_else(|| {
            Failure::refused(
                "bundle.gone",
                "This bundle is not kept any more: ask for the newest, and begin again.",
            )
        })
    }
}

fn no_key() -> Failure {
    Failure::refused(
        "bundle.no_key",
        "This server does not know the key that seals the log. Whoever runs it can write a bundle with `sidebyside \
         bundle`.",
    )
}

fn broken(trouble: BundleTrouble) -> Failure {
    Failure::Broken(trouble.into())
}

/// Written into a folder, checked there as whoever gets it would, and packed.
async fn archive(making: Making<'_>, key: PublicKey) -> Result<Archive, BundleTrouble> {
    // What is in it is not for everybody on this machine.
    let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir()?;
    let inside = folder.path().join("bundle");
    fill(&making, &key, &inside, &|_| {}).await?;
    let Making { checkpoint, witnessed, .. } = making;
    let of = key.clone();
    let packing = tokio::task::spawn_blocking(move || {
        checked(&inside, &of, &|_| {})?;
        let packed = packed(&inside);
        folder.close()?;
        packed
    });
    let (file, bytes, sha256) = packing.await.map_err(io::Error::other)??;
    Ok(Archive { checkpoint, key, bytes, sha256, witnessed, file })
}

/// The files of a bundle in one, with its length and hash. Without times, so that the same bundle gives the same file.
fn packed(folder: &Path) -> Result<(File, u64, String), BundleTrouble> {
    let mut writer = ZipWriter::new(tempfile::tempfile()?);
    let plain = SimpleFileOptions::default().large_file(true).unix_permissions(0o644);
    for name in FILES {
        writer.start_file(name, plain).map_err(io::Error::other)?;
        io::copy(&mut File::open(folder.join(name))?, &mut writer)?;
    }
    let mut file = writer.finish().map_err(io::Error::other)?;
    file.flush()?;
    let (mut hash, mut bytes, mut part) = (Sha256::new(), 0_u64, vec![0; 1 << 16]);
    io::Seek::rewind(&mut file)?;
    loop {
        let read = file.read(&mut part)?;
        let Some(read) = part.get(..read).filter(|read| !read.is_empty()) else { break };
        hash.update(read);
        bytes += read.len() as u64;
    }
    Ok((file, bytes, hex::encode(hash.finalize())))
}
