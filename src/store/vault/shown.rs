//! Words that their owner agreed to publish: read from the vault once, on the record, and from then on shown from memory.
//! They stand in no table in the clear, so that whoever takes them back finds them gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Vault, VaultTrouble};
use crate::domain::evidence::VaultRef;
use crate::domain::identity::Actor;

/// A text that is shown to everybody.
pub type Shown = Arc<Zeroizing<String>>;

/// The texts shown since the start, by their subject.
#[derive(Clone, Default)]
pub(super) struct Showing(Arc<Mutex<HashMap<Uuid, Shown>>>);

impl Showing {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Uuid, Shown>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Vault {
    /// What is shown of a subject; none where it was not read since the start.
    #[must_use]
    pub fn shown(&self, subject: Uuid) -> Option<Shown> {
        self.showing.with(|texts| texts.get(&subject).cloned())
    }

    /// Read a text that may be shown to everybody, on the record like any reading, and keep it at hand. Whoever calls
    /// this knows that its owner agreed.
    ///
    /// # Errors
    /// As [`Vault::open_committed`].
    pub async fn show(
        &self,
        subject: Uuid,
        kept: &VaultRef,
        reader: Actor,
        why: &str,
    ) -> Result<Shown, VaultTrouble> {
        let text: Shown = Arc::new(self.open_committed(kept, reader, why).await?);
        self.showing.with(|texts| texts.insert(subject, Arc::clone(&text)));
        Ok(text)
    }

    /// Show a text no longer: it goes from memory.
    pub fn hide(&self, subject: Uuid) {
        self.showing.with(|texts| texts.remove(&subject));
    }
}
