//! Making a bundle: everything that goes into it, written and then checked as whoever gets it would.

use std::path::Path;

use super::{BundleTrouble, Holding, Summary, Verdict, Writer, check};
use crate::store::copy::stored;
use crate::store::database::Pool;
use crate::store::seal::{PublicKey, Sealed, latest};
use crate::store::witness::cosigned;

/// What a bundle is made of.
#[derive(Debug)]
pub struct Making<'pool> {
    pool: &'pool Pool,
    /// What it rests on.
    pub checkpoint: Sealed,
    /// What witnesses have signed up to there.
    pub witnessed: Vec<String>,
}

impl<'pool> Making<'pool> {
    /// A bundle under the newest checkpoint; none while nothing is sealed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin(pool: &'pool Pool) -> Result<Option<Self>, BundleTrouble> {
        let Some(checkpoint) = latest(pool, None).await? else { return Ok(None) };
        let witnessed = cosigned(pool, checkpoint.size).await?;
        Ok(Some(Self { pool, checkpoint, witnessed }))
    }
}

/// Write a bundle into a folder that there is not yet. `progress` is told how many events are done.
///
/// # Errors
/// When the log is not what was sealed, or the folder cannot be written to.
pub async fn fill(
    making: &Making<'_>,
    key: &PublicKey,
    folder: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), BundleTrouble> {
    let Making { pool, checkpoint, witnessed } = making;
    let mut writer = Writer::begin(folder)?;
    let copied = stored(pool, checkpoint.size, |event| {
        if event.index % 1024 == 0 {
            progress(event.index.unsigned_abs());
        }
        writer.take(event)
    });
    let copied: Result<(), BundleTrouble> = copied.await;
    copied?;
    let mut handovers = Vec::new();
    for index in writer.changes() {
        let sealed = latest(*pool, Some(index.cast_signed())).await?;
        handovers.extend(sealed.map(|sealed| sealed.note));
    }
    writer.finish(&checkpoint.note, &handovers, witnessed, key)
}

/// Check a bundle that was just written: one that does not hold is handed to nobody.
///
/// # Errors
/// Why it does not hold.
pub fn checked(folder: &Path, key: &PublicKey, progress: &dyn Fn(u64)) -> Result<Summary, BundleTrouble> {
    let key = key.clone();
    let (checkpoints, receipts, witnesses) = (Vec::new(), Vec::new(), Vec::new());
    let holding = Holding { key, checkpoints, receipts, witnesses, not_older_than: None };
    match check(folder, &holding, progress)? {
        Verdict::Holds(found) => Ok(found),
        Verdict::Diverges(why) | Verdict::Invalid(why) | Verdict::Stale(why) => {
            Err(BundleTrouble::DoesNotHold(why))
        }
    }
}
