//! How long the checks of a partner would have held.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Months;

use super::At;
use crate::domain::calendar::{Date, day};
use crate::domain::partner::{CheckKind, PartnerEvent};
use crate::domain::places::listed;

/// A check as it was last passed.
#[derive(Debug, Clone, Copy)]
struct Pass {
    on: Date,
    index: i64,
    until: Option<Date>,
}

/// How long a check that was passed holds under the record and under the other rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    check: CheckKind,
    passed: Date,
    /// The position of its passing in the log.
    pub(super) index: i64,
    was: Option<Date>,
    would_be: Date,
}

impl Life {
    /// Whether it held on a day, and would no longer have held.
    pub(super) fn would_have_run_out_by(&self, day: Date) -> bool {
        self.would_be < day && self.was.is_none_or(|until| day <= until)
    }
}

/// Checks and the days on which they would have run out, in words: those of the same days together.
pub(super) fn told(lives: &[&Life]) -> String {
    let mut days: BTreeMap<(Date, Date), Vec<&str>> = BTreeMap::new();
    for life in lives {
        days.entry((life.would_be, life.passed)).or_default().push(life.check.words());
    }
    let each: Vec<String> = days
        .into_iter()
        .map(|((until, passed), checks)| {
            let word = if checks.len() == 1 { "check" } else { "checks" };
            let (checks, passed, until) = (listed(checks), day(passed), day(until));
            format!("{checks} ({word} passed on {passed}) would have held until {until}")
        })
        .collect();
    each.join("; ")
}

/// The checks asked of a partner, and when it was approved.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// None for one that is not passed: open, waived or failed.
    checks: BTreeMap<CheckKind, Option<Pass>>,
    approved: Option<At>,
}

impl Standing {
    pub(super) fn take(&mut self, at: At, event: &PartnerEvent) {
        match event {
            PartnerEvent::CheckRequired { check } | PartnerEvent::CheckEvidenceSubmitted { check, .. } => {
                self.checks.entry(*check).or_default();
            }
            PartnerEvent::CheckPassed { check, valid_until } => {
                let pass = Pass { on: at.on, index: at.index, until: *valid_until };
                self.checks.insert(*check, Some(pass));
            }
            PartnerEvent::CheckFailed { check } | PartnerEvent::CheckWaived { check, .. } => {
                self.checks.insert(*check, None);
            }
            PartnerEvent::BankDetailsSubmitted { .. } => {
                self.checks.insert(CheckKind::Bank, None);
            }
            PartnerEvent::Approved { .. } | PartnerEvent::Reinstated {} => self.approved = Some(at),
            PartnerEvent::Applied { .. }
            | PartnerEvent::CheckLapsed { .. }
            | PartnerEvent::Declined {}
            | PartnerEvent::Withdrew {}
            | PartnerEvent::Suspended {}
            | PartnerEvent::Reviewed { .. }
            | PartnerEvent::BankDetailsVerified { .. }
            | PartnerEvent::SubsidyDeclared { .. }
            | PartnerEvent::SubsidyNotified { .. }
            | PartnerEvent::SubsidyConfirmed { .. }
            | PartnerEvent::SubsidyGiven { .. }
            | PartnerEvent::SubsidyPublished { .. } => {}
        }
    }

    /// The lives of the checks asked of every partner like this one, and of those `also` named.
    pub(super) fn lives(&self, also: &BTreeSet<CheckKind>, months: u32) -> Vec<Life> {
        let asked = self.checks.keys().chain(also).copied().collect::<BTreeSet<_>>();
        let passed = asked.into_iter().filter_map(|check| {
            let pass = self.checks.get(&check).copied().flatten()?;
            Some((check, pass))
        });
        passed
            .map(|(check, Pass { on, index, until })| {
                let longest = on.checked_add_months(Months::new(months)).unwrap_or(Date::MAX);
                let would_be = until.map_or(longest, |until| until.min(longest));
                Life { check, passed: on, index, was: until, would_be }
            })
            .collect()
    }

    /// The approval that stands, and the checks it rested on that would not have held on its day. One that was
    /// passed again since has mended it.
    pub(super) fn wrongly_approved(&self, months: u32) -> Option<(At, Vec<Life>)> {
        let approved = self.approved?;
        let mut out = self.lives(&BTreeSet::new(), months);
        out.retain(|life| life.index < approved.index && life.would_have_run_out_by(approved.on));
        (!out.is_empty()).then_some((approved, out))
    }
}
