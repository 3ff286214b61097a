//! How long a decision takes: working days on us and on the partner, from the application to the decision, counted from
//! the facts alone.

use serde::{Deserialize, Serialize};

use super::GrantEvent;
use crate::domain::calendar::{Date, working_days, working_days_after};

/// Whom a case waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Waiting {
    Us,
    Partner,
    Nobody,
}

/// The days on which it changed whom a case waits for. It starts with the application; a request for more information
/// stops it, the answer starts it again, and the decision ends it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clock(Vec<(Date, Waiting)>);

/// What the clock says on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Working days on which the case waited for us.
    pub on_us: u32,
    /// Working days on which it waited for the partner.
    pub on_partner: u32,
    /// The last day on which a decision is in time, while the case waits for us.
    pub due_on: Option<Date>,
    /// Whether it has waited for us for longer than it should.
    pub overdue: bool,
    /// Whether it is decided.
    pub decided: bool,
}

impl Clock {
    /// Take a fact into the clock. Facts that are dated before what was known already count from that day on.
    pub fn take(&mut self, event: &GrantEvent, on: Date) {
        let waiting = if matches!(
            event,
            GrantEvent::ApplicationSubmitted { .. } | GrantEvent::InformationSupplied { .. }
        ) {
            Waiting::Us
        } else if matches!(event, GrantEvent::MoreInformationRequested { .. }) {
            Waiting::Partner
        } else if matches!(
            event,
            GrantEvent::Approved { .. }
                | GrantEvent::Declined { .. }
                | GrantEvent::EligibilityRefused { .. }
                | GrantEvent::ApplicationWithdrawn {}
        ) {
            Waiting::Nobody
        } else {
            return;
        };
        let not_before = self.0.last().map_or(on, |(last, _)| on.max(*last));
        self.0.push((not_before, waiting));
    }

    /// What it says on a day, when a decision should take so many working days; nothing before the application.
    #[must_use]
    pub fn reading(&self, on: Date, target: u16) -> Option<Reading> {
        let known = || self.0.iter().take_while(|(since, _)| *since <= on);
        let (last, waiting) = known().last()?;
        let ends = known().skip(1).map(|(since, _)| *since).chain([on]);
        let (mut on_us, mut on_partner) = (0, 0);
        for ((since, waiting), end) in known().zip(ends) {
            match waiting {
                Waiting::Us => on_us += working_days(*since, end),
                Waiting::Partner => on_partner += working_days(*since, end),
                Waiting::Nobody => {}
            }
        }
        let target = u32::from(target);
        let before_last = on_us.saturating_sub(working_days(*last, on));
        let left = target.saturating_sub(before_last);
        Some(Reading {
            on_us,
            on_partner,
            due_on: (*waiting == Waiting::Us).then(|| working_days_after(*last, left)),
            overdue: on_us > target,
            decided: *waiting == Waiting::Nobody,
        })
    }
}
