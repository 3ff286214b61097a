//! The funding ledger and its laws.

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::laws::{Books, Breach};
use crate::domain::postings::Figures;
use crate::projections::ledger::{By, Cut, Group, Line, count, listed, totals};
use crate::store::copy::{Rows, lean, recorded};
use crate::store::{Store, Trouble};

impl App {
    /// The figures of a cut, broken down.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ledger(&self, who: &Identity, cut: &Cut, by: By) -> Result<Vec<(Group, Figures)>, Failure> {
        may(who, "ledger")?;
        Ok(totals(self.store.pool(), cut, by).await?)
    }

    /// The lines of a cut after one of them, and how many there are.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ledger_lines(
        &self,
        who: &Identity,
        cut: &Cut,
        after: Option<(i64, i16)>,
        limit: i64,
    ) -> Result<(Vec<Line>, i64), Failure> {
        may(who, "ledgerLines")?;
        let pool = self.store.pool();
        Ok((listed(pool, cut, after, limit).await?, count(pool, cut).await?))
    }

    /// Keep the books anew from the whole log and check every law: how many events were read, and what does not
    /// hold.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn laws(&self, who: &Identity) -> Result<(i64, Vec<Breach>), Failure> {
        may(who, "laws")?;
        let (events, books) = books(&self.store, self.store.size().await?).await?;
        Ok((events, books.breaches()))
    }
}

/// The books kept from the log as far as it went when its head said `size`, and how many events that were.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn books(store: &Store, size: i64) -> Result<(i64, Books), Trouble> {
    let mut connection = store.pool().acquire().await?;
    let mut rows = Rows::of(&mut connection, &lean(0, size)).await?;
    let mut books = Books::default();
    let mut events = 0;
    while let Some(row) = rows.next().await? {
        let event = recorded(&row)?;
        books.take(event.stream.id, &event.fact);
        events += 1;
    }
    Ok((events, books))
}
