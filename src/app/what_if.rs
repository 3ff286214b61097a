//! What if: the whole log replayed under another rule. It reads and answers; nothing is written.

use super::authority::may;
use super::laws::read;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::what_if::{Outcome, Replay, WhatIfRules};
use crate::store::Store;

impl App {
    /// What another rule would have meant for the grants of the record.
    ///
    /// # Errors
    /// See [`Failure`]; rules that nothing can be replayed under are refused.
    pub async fn what_if(&self, who: &Identity, rules: WhatIfRules) -> Result<Outcome, Failure> {
        may(who, "whatIf")?;
        replay(&self.store, rules).await
    }
}

/// Replay the log, as far as it goes now, in one pass.
///
/// # Errors
/// See [`App::what_if`].
pub async fn replay(store: &Store, rules: WhatIfRules) -> Result<Outcome, Failure> {
    let mut replay = Replay::new(rules.checked()?);
    let size = store.size().await?;
    read(store, size, |event| replay.take(event.index, event.stream.id, event.effective_on, &event.fact))
        .await?;
    Ok(replay.outcome())
}
