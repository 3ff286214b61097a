//! Programmes as people look them up.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Record, Table};
use crate::domain::calendar::Date;
use crate::domain::identity::FundId;
use crate::domain::programme::{Criterion, DecisionRules, Limits, Priority, ProgrammeEvent, Route, Track};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// A programme as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProgrammeRecord {
    /// Human reference.
    pub reference: String,
    /// Name.
    pub name: String,
    /// The fund it draws on.
    pub fund: FundId,
    /// What the money is for.
    pub purpose: String,
    /// How much ceremony.
    pub track: Option<Track>,
    /// How partners come to ask.
    pub route: Option<Route>,
    /// Its limits.
    pub limits: Option<Limits>,
    /// First day on which applications are taken.
    pub opens_on: Date,
    /// Last day on which applications are taken.
    pub closes_on: Date,
    /// What it is for.
    pub priorities: Vec<Priority>,
    /// Checks a grantee needs beside those of every partner.
    pub required_checks: BTreeSet<String>,
    /// What makes an application eligible.
    pub eligibility: Vec<Criterion>,
    /// What an application is scored on.
    pub scoring: Vec<Criterion>,
    /// How its grants are decided, beside the limits.
    pub deciding: DecisionRules,
    /// When the criteria were last amended.
    pub amended_on: Option<Date>,
    /// When it was closed before its time.
    pub closed_on: Option<Date>,
}

impl Record for ProgrammeRecord {
    const TABLE: Table = Table {
        name: "programme",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            name text GENERATED ALWAYS AS (doc ->> 'name') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} (name, id)",
        ],
    };
    const VERSION: i32 = 2;
    const STREAM: &'static str = "programme";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Programme(fact) = &event.fact else { return false };
        match fact.clone() {
            ProgrammeEvent::Opened {
                reference,
                name,
                fund,
                purpose,
                track,
                route,
                limits,
                opens_on,
                closes_on,
                priorities,
                required_checks,
                eligibility,
                scoring,
            } => {
                *self = Self {
                    reference: reference.to_string(),
                    name: name.to_string(),
                    fund,
                    purpose: purpose.to_string(),
                    track: Some(track),
                    route: Some(route),
                    limits: Some(limits),
                    opens_on,
                    closes_on,
                    priorities,
                    required_checks: required_checks.iter().map(ToString::to_string).collect(),
                    eligibility,
                    scoring,
                    ..Self::default()
                };
            }
            ProgrammeEvent::CriteriaAmended { eligibility, scoring, told: _ } => {
                (self.eligibility, self.scoring) = (eligibility, scoring);
                self.amended_on = Some(event.effective_on);
            }
            ProgrammeEvent::DecisionRulesSet { rules } => self.deciding = rules,
            ProgrammeEvent::Closed {} => self.closed_on = Some(event.effective_on),
        }
        true
    }
}
