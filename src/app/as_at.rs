//! The record at any date: every view as it stood after so many events, with the calendar at the day of the last of them.
//! The same cut gives the same answer for ever.

use chrono::{DateTime, Utc};

use super::authority::LOOKS_BACK;
use super::thread::sees_counts;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::calendar::date_in_london;
use crate::projections::as_at::stand;

/// A moment of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// With the event at this position as the last.
    Index(i64),
    /// With all that was recorded by this instant.
    Time(DateTime<Utc>),
}

impl App {
    /// The app as it looked at a moment. Who may see what is as today; and looking back is for those who work here and
    /// for auditors: what somebody took from the directory is not kept there for the public.
    ///
    /// # Errors
    /// [`Failure::Forbidden`]; refused where the moment is yet to come. See [`Failure`].
    pub async fn at(&self, who: &Identity, moment: Moment) -> Result<Self, Failure> {
        if !LOOKS_BACK.contains(&who.role) {
            return Err(Failure::Forbidden(
                "The record at another date is for those who work here and for auditors. Leave asAt out to see it as it is."
                    .into(),
            ));
        }
        let (size, instant) = match moment {
            Moment::Index(index) => {
                let recorded = self.store.recorded_at(index).await?.ok_or_else(not_yet)?;
                (index + 1, recorded)
            }
            Moment::Time(instant) => (self.store.size_at(instant).await?.ok_or_else(not_yet)?, instant),
        };
        let store = stand(&self.store, size).await?;
        Ok(Self { store, day: Some(date_in_london(instant)), ..self.clone() })
    }

    /// The same for what counts people: for those who see the counts. Whoever sees bands could tell from two moments who
    /// came between them.
    ///
    /// # Errors
    /// As [`App::at`].
    pub async fn at_counting(&self, who: &Identity, moment: Moment) -> Result<Self, Failure> {
        if LOOKS_BACK.contains(&who.role) && !sees_counts(who.role) {
            return Err(Failure::refused(
                "as_at.in_bands",
                "You see people counted in bands, and two moments side by side would show who came between them. Ask for a \
                 day (knownOn) where there is one, or leave asAt out.",
            ));
        }
        self.at(who, moment).await
    }
}

/// What the API is asked for and does not have.
impl Failure {
    /// More than one moment was named.
    #[must_use]
    pub fn refused_moments() -> Self {
        Self::refused("as_at.one", "Name one moment: a position, a time or a day.")
    }

    /// More moments than one request may look at.
    #[must_use]
    pub fn refused_so_many_moments(most: usize) -> Self {
        Self::refused(
            "as_at.too_many",
            format!(
                "One request looks at {most} moments at most. Ask for the others in requests of their own."
            ),
        )
    }

    /// A day of effect where none is drawn.
    #[must_use]
    pub fn refused_effective_for() -> Self {
        Self::refused(
            "as_at.only_the_thread",
            "Only the thread is drawn for what took effect by a day: leave effectiveFor out of asAt here.",
        )
    }
}

fn not_yet() -> Failure {
    Failure::refused(
        "as_at.not_there",
        "The record has not come to that moment. Give the position of an event there is, or a time that is past.",
    )
}
