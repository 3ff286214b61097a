//! The funding ledger: its figures, the lines behind them, and what changed between two cuts.

use chrono::TimeDelta;

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::calendar::{Date, date_in_london};
use crate::domain::postings::{Expected, Figures};
use crate::projections::ledger::{self, By, Cut, Group, Line};

pub use super::laws::books;

/// What changed between two cuts, and why.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The figures of the first cut.
    pub before: Figures,
    /// The figures of the second cut.
    pub after: Figures,
    /// What the lines that are in one cut only come to.
    pub explained: Figures,
    /// How many lines that are.
    pub count: i64,
    /// Some of them, each with whether it is in the second cut.
    pub lines: Vec<(Line, bool)>,
}

impl App {
    /// The figures of a cut, broken down.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ledger(&self, who: &Identity, cut: &Cut, by: By) -> Result<Vec<(Group, Figures)>, Failure> {
        may(who, "ledger")?;
        Ok(ledger::totals(self.store.pool(), cut, by).await?)
    }

    /// What is expected of the grants in a cut, broken down. Accrued is what is due by the day of the cut: the one to
    /// which facts took effect, or else the one on which they were known, or else today.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ledger_expected(
        &self,
        who: &Identity,
        cut: &Cut,
        by: By,
    ) -> Result<Vec<(Group, Expected)>, Failure> {
        may(who, "ledger")?;
        Ok(ledger::expected(self.store.pool(), cut, by, self.day_of(cut)).await?)
    }

    fn day_of(&self, cut: &Cut) -> Date {
        let known = cut.known_before.map(|end| date_in_london(end - TimeDelta::microseconds(1)));
        cut.effective_to.or(known).unwrap_or_else(|| self.today())
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
        may(who, if cut.late { "latePostings" } else { "ledgerLines" })?;
        let pool = self.store.pool();
        Ok((ledger::listed(pool, cut, after, limit).await?, ledger::count(pool, cut).await?))
    }

    /// The difference between two cuts, explained line by line.
    ///
    /// # Errors
    /// See [`Failure`]; the cuts may differ in their dates only.
    pub async fn ledger_difference(
        &self,
        who: &Identity,
        (from, to): (&Cut, &Cut),
        after: Option<(i64, i16)>,
        limit: i64,
    ) -> Result<Difference, Failure> {
        may(who, "ledgerDifference")?;
        if from.undated() != to.undated() {
            return Err(Failure::refused(
                "ledger.cuts_differ",
                "Compare two dates of the same part of the ledger: everything else of the two cuts must be alike.",
            ));
        }
        // Both sides of the sum are of one size of the log, whatever is recorded meanwhile.
        let end = Some(self.store.size().await?);
        let (from, to) = (Cut { before_index: end, ..from.clone() }, Cut { before_index: end, ..to.clone() });
        let pool = self.store.pool();
        let total = |groups: Vec<(Group, Figures)>| groups.into_iter().map(|(_, figures)| figures).next();
        let before = total(ledger::totals(pool, &from, By::Nothing).await?).unwrap_or_default();
        let after_all = total(ledger::totals(pool, &to, By::Nothing).await?).unwrap_or_default();
        let (explained, count) = ledger::difference(pool, (&from, &to)).await?;
        let lines = ledger::differing(pool, (&from, &to), after, limit).await?;
        Ok(Difference { before, after: after_all, explained, count, lines })
    }
}
