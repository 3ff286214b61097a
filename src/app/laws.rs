//! The laws of the ledger, held against the log: over books kept anew from its facts, and over the ledger as it is read.

use std::collections::BTreeMap;

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::fund::{ClosedFigures, FundEvent};
use crate::domain::identity::FundId;
use crate::domain::laws::{Books, Breach};
use crate::domain::postings::{Expected, Figures, postings};
use crate::domain::record::Fact;
use crate::projections::ledger::{By, Cut, by_fund_and_year, expected, totals};
use crate::store::copy::{Rows, lean, recorded};
use crate::store::log::Recorded;
use crate::store::{Store, Trouble};

/// At how many places in the log the ledger is drawn again.
const CUTS: i64 = 4;

impl App {
    /// Keep the books anew from the whole log and check every law: how many events were read, and what does not
    /// hold.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn laws(&self, who: &Identity) -> Result<(i64, Vec<Breach>), Failure> {
        may(who, "laws")?;
        Ok(check(&self.store, self.store.size().await?).await?)
    }
}

/// The books kept from the log as far as it went when its head said `size`, and how many events that were.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn books(store: &Store, size: i64) -> Result<(i64, Books), Trouble> {
    let mut books = Books::default();
    let events = read(store, size, |event| books.take(event.stream.id, &event.fact)).await?;
    Ok((events, books))
}

/// The first `size` events of the log, one after the other: how many they were.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub(super) async fn read(
    store: &Store,
    size: i64,
    mut take: impl FnMut(&Recorded) + Send,
) -> Result<i64, Trouble> {
    let mut connection = store.pool().acquire().await?;
    let mut rows = Rows::of(&mut connection, &lean(0, size)).await?;
    let mut events = 0;
    while let Some(row) = rows.next().await? {
        take(&recorded(&row)?);
        events += 1;
    }
    Ok(events)
}

type Drawing = BTreeMap<(FundId, FinancialYear), Figures>;

/// Every law, over the first `size` events: how many were read, and what does not hold.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn check(store: &Store, size: i64) -> Result<(i64, Vec<Breach>), Trouble> {
    let (mut books, mut redrawn) = (Books::default(), Redrawn { size, ..Redrawn::default() });
    let events = read(store, size, |event| {
        books.take(event.stream.id, &event.fact);
        redrawn.take(event);
    })
    .await?;
    let mut breaches = books.breaches();
    breaches.extend(published(store, size, &books).await?);
    breaches.extend(breakdowns(store, size).await?);
    breaches.extend(redrawn.held_against(store).await?);
    Ok((events, breaches))
}

fn breach(law: &'static str, of: impl ToString, sentence: impl ToString) -> Breach {
    Breach { law, of: of.to_string(), sentence: sentence.to_string() }
}

fn differing(kept: &Drawing, drawn: &Drawing) -> Vec<(FundId, FinancialYear)> {
    let mut keys: Vec<_> = kept.keys().chain(drawn.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| {
        kept.get(key).copied().unwrap_or_default() != drawn.get(key).copied().unwrap_or_default()
    });
    keys
}

/// L13. What is published today is the ledger as it is queried; exports are drawn from the same reads.
async fn published(store: &Store, size: i64, books: &Books) -> Result<Vec<Breach>, Trouble> {
    let cut = Cut { before_index: Some(size), ..Cut::default() };
    let ledger = by_fund_and_year(store.pool(), &cut).await?;
    let told = |(fund, year)| {
        breach("L13", format!("fund {fund} in {year}"), "the ledger differs from the books kept from the log")
    };
    Ok(differing(&books.figures(), &ledger).into_iter().map(told).collect())
}

/// L9, over movements and over what is expected; and what is expected comes to what is promised.
async fn breakdowns(store: &Store, size: i64) -> Result<Vec<Breach>, Trouble> {
    let pool = store.pool();
    let cut = Cut { before_index: Some(size), ..Cut::default() };
    let (mut first, mut breaches) = (None, Vec::new());
    for by in By::ALL {
        let (mut moved, mut planned) = (Figures::default(), Expected::default());
        totals(pool, &cut, by).await?.into_iter().for_each(|(_, figures)| moved += figures);
        let due_by = Date::MAX;
        expected(pool, &cut, by, due_by).await?.into_iter().for_each(|(_, figures)| planned += figures);
        let (all, promised) = *first.get_or_insert((moved, planned));
        if (moved, planned) != (all, promised) {
            breaches.push(breach("L9", format!("the ledger by {by:?}"), "it does not add up to the total"));
        }
    }
    if let Some((moved, planned)) = first
        && planned.accrued != moved.committed
    {
        let sentence = format!("{} is planned to be paid and {} promised", planned.accrued, moved.committed);
        breaches.push(breach("L4", "all grants", sentence));
    }
    Ok(breaches)
}

/// The figures at several cuts, folded from the log while it is read; and what years were closed with.
#[derive(Default)]
struct Redrawn {
    size: i64,
    by_day: BTreeMap<(Date, FundId, FinancialYear), Figures>,
    cuts: Vec<(Cut, Drawing)>,
    closings: Vec<(i64, FundId, FinancialYear, ClosedFigures)>,
}

impl Redrawn {
    fn take(&mut self, event: &Recorded) {
        if let Fact::Fund(fact) = &event.fact {
            let fund = FundId(event.stream.id);
            for line in postings(fact) {
                let figures = self.by_day.entry((event.effective_on, fund, line.year)).or_default();
                figures.post(line.movement, line.amount.pounds());
            }
            if let FundEvent::YearClosed { year, figures, .. } = fact {
                self.closings.push((event.index, fund, *year, *figures));
            }
        }
        let read = event.index + 1;
        let next = i64::try_from(self.cuts.len()).unwrap_or(CUTS) + 1;
        if next <= CUTS && read >= self.size * next / CUTS {
            self.draw(read, event.effective_on);
        }
    }

    /// What was known at a place in the log about the time to a day.
    fn draw(&mut self, before: i64, day: Date) {
        let mut drawing = Drawing::new();
        for ((_, fund, year), figures) in self.by_day.iter().filter(|((on, ..), _)| *on <= day) {
            *drawing.entry((*fund, *year)).or_default() += *figures;
        }
        let cut = Cut { before_index: Some(before), effective_to: Some(day), ..Cut::default() };
        self.cuts.push((cut, drawing));
    }

    /// L10: the ledger gives the same for these cuts, and for a year what it was closed with.
    async fn held_against(self, store: &Store) -> Result<Vec<Breach>, Trouble> {
        let mut breaches = Vec::new();
        for (cut, drawing) in &self.cuts {
            for (fund, year) in differing(drawing, &by_fund_and_year(store.pool(), cut).await?) {
                let at = cut.before_index.unwrap_or_default();
                let sentence = format!("the ledger cut after {at} events differs from the log up to there");
                breaches.push(breach("L10", format!("fund {fund} in {year}"), sentence));
            }
        }
        for (index, fund, year, closed) in self.closings {
            let before_index = Some(index);
            let cut = Cut { fund: Some(fund.0), year: Some(year), before_index, ..Cut::default() };
            let drawn = by_fund_and_year(store.pool(), &cut).await?;
            let figures = drawn.get(&(fund, year)).copied().unwrap_or_default();
            if ClosedFigures::from(&figures) != closed {
                let sentence = "it was closed with other figures than the ledger had then";
                breaches.push(breach("L10", format!("fund {fund} in {year}"), sentence));
            }
        }
        Ok(breaches)
    }
}
