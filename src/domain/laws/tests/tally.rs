//! What happened over all histories, counted to show that they reach the guards and the ends.

use std::collections::BTreeMap;
use std::fmt;

use super::town::Decision;
use crate::domain::Refused;
use crate::domain::postings::{Movement, postings};
use crate::domain::record::Fact;

/// Decisions, refusals by code, movements by kind.
#[derive(Default)]
pub struct Tally {
    decisions: u64,
    events: usize,
    refusals: BTreeMap<&'static str, u64>,
    movements: BTreeMap<Movement, u64>,
}

impl Tally {
    pub fn count(&mut self, outcome: &Result<Decision, Refused>) {
        match outcome {
            Ok(decision) => {
                self.decisions += 1;
                self.events += decision.len();
                for (_, fact) in decision {
                    if let Fact::Fund(event) = fact {
                        for line in postings(event) {
                            *self.movements.entry(line.movement).or_default() += 1;
                        }
                    }
                }
            }
            Err(refused) => *self.refusals.entry(refused.code).or_default() += 1,
        }
    }

    pub const fn events(&self) -> usize {
        self.events
    }

    pub fn moved(&self, movement: Movement) -> u64 {
        self.movements.get(&movement).copied().unwrap_or_default()
    }

    pub fn refused(&self, code: &str) -> u64 {
        self.refusals.get(code).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (decisions, movements, refusals) = (self.decisions, &self.movements, &self.refusals);
        write!(
            f,
            "{decisions} decisions of {} events; movements {movements:?}; refusals {refusals:?}",
            self.events
        )
    }
}
