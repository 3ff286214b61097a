//! What is sealed: the newest checkpoint, and the proof that an event stands under one.

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
pub use crate::store::seal::{Sealed, Shown};
use crate::store::seal::{latest, shown};

impl App {
    /// The newest checkpoint; none when nothing was sealed yet. For everybody: it says how much there is, and nothing
    /// of what it is.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn checkpoint(&self, who: &Identity) -> Result<Option<Sealed>, Failure> {
        may(who, "checkpoint")?;
        Ok(latest(self.store.pool(), None).await?)
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
