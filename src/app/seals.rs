//! What is sealed: the newest checkpoint, and the proof that an event stands under one.

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
use crate::store::database::Pool;
pub use crate::store::seal::{Sealed, Shown};
use crate::store::seal::{latest, shown};
use crate::store::witness::with_cosignatures;

impl App {
    /// The newest checkpoint; none when nothing was sealed yet. For everybody: it says how much there is, and nothing
    /// of what it is.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn checkpoint(&self, who: &Identity) -> Result<Option<Sealed>, Failure> {
        may(who, "checkpoint")?;
        let pool = self.store.pool();
        match latest(pool, None).await? {
            Some(newest) => Ok(Some(with_cosignatures(pool, newest).await?)),
            None => Ok(None),
        }
    }

    /// The log as it is stored, for whoever takes a bundle of it away: the headers of every event, and the bodies that
    /// auditors may read.
    ///
    /// # Errors
    /// Forbidden to whoever may not take a bundle.
    pub fn stored_log(&self, who: &Identity) -> Result<&Pool, Failure> {
        may(who, "evidenceBundle")?;
        Ok(self.store.pool())
    }

    /// The proof that the event at a position stands under a checkpoint; none while it is not sealed.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn inclusion(&self, who: &Identity, index: i64) -> Result<Option<Shown>, Failure> {
        may(who, "inclusionProof")?;
        if !(0..self.store.size().await?).contains(&index) {
            return Err(Failure::NotFound("event"));
        }
        Ok(shown(self.store.pool(), index).await?)
    }
}
