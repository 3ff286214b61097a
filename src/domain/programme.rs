//! A programme: a round of micro-commissioning. It says who may ask for how much, when, and how it is decided.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calendar::{Date, day};
use super::identity::{FundId, Reference};
use super::money::Money;
use super::text::Text;
use super::{Aggregate, Circumstances};

codes! {
    /// How much ceremony an award of this size deserves.
    pub enum Track {
        "micro" => Micro, "micro";
        "small" => Small, "small";
        "standard" => Standard, "standard";
    }
}

codes! {
    /// How partners come to ask.
    pub enum Route {
        "open_call" => OpenCall, "open call";
        "expression_of_interest" => ExpressionOfInterest, "expression of interest";
        "direct_award" => DirectAward, "direct award";
    }
}

/// The due-diligence check kinds are the partner's; a programme names the ones it needs by their stored code.
pub type CheckCode = Text<40>;

/// Something an application is looked at for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// A short code, unique in the programme, such as `reach`.
    pub code: Text<40>,
    /// What it asks, in plain words.
    pub question: Text<300>,
}

/// What a programme is for, and the needs it answers once those are on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priority {
    /// The priority in plain words.
    pub title: Text<200>,
    /// The needs behind it.
    pub needs: Vec<Uuid>,
}

/// The limits of a programme: data, never constants, because real schemes run from £250 to £78,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The least that may be asked for, GBP.
    pub least: Money,
    /// The most that may be asked for, GBP.
    pub most: Money,
    /// The most that one approver may award alone, GBP.
    pub one_approver: Money,
    /// How many days money is held for a recommended grant.
    pub reservation_days: u16,
    /// How many working days a decision should take.
    pub target_working_days: u16,
}

events! {
    /// What can have happened to a programme.
    pub enum ProgrammeEvent in "programme" {
        /// A programme was opened.
        "programme.opened", 1 => Opened {
            /// Its human reference, given once.
            reference: Reference,
            /// The programme's name.
            name: Text<200>,
            /// The fund it draws on.
            fund: FundId,
            /// What the money is for; one of the fund's purposes where that is restricted.
            purpose: Text<100>,
            /// How much ceremony.
            track: Track,
            /// How partners come to ask.
            route: Route,
            /// Its limits.
            limits: Limits,
            /// The first day on which applications are taken.
            opens_on: Date,
            /// The last day on which applications are taken.
            closes_on: Date,
            /// What it is for.
            priorities: Vec<Priority>,
            /// The due-diligence checks a grantee needs beside those of every partner.
            required_checks: BTreeSet<Text<40>>,
            /// What makes an application eligible.
            eligibility: Vec<Criterion>,
            /// What an application is scored on, each 1 to 5.
            scoring: Vec<Criterion>,
        },
        /// The programme was closed to applications.
        "programme.closed", 1, reason => Closed {},
    }
}

impl ProgrammeEvent {
    fn told(&self) -> String {
        match self {
            Self::Opened { name, track, route, limits, opens_on, closes_on, .. } => format!(
                "{name} was opened: {} track, {}, {} to {}, applications from {} to {}.",
                track.words(),
                route.words(),
                limits.least,
                limits.most,
                day(*opens_on),
                day(*closes_on)
            ),
            Self::Closed {} => "Closed to applications.".into(),
        }
    }
}

/// What is said of a programme when it is opened.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of programme.opened")]
pub struct Opening {
    pub reference: Reference,
    pub name: Text<200>,
    pub fund: FundId,
    pub purpose: Text<100>,
    pub track: Track,
    pub route: Route,
    pub limits: Limits,
    pub opens_on: Date,
    pub closes_on: Date,
    pub priorities: Vec<Priority>,
    pub required_checks: BTreeSet<CheckCode>,
    pub eligibility: Vec<Criterion>,
    pub scoring: Vec<Criterion>,
}

/// What can be asked of a programme.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum ProgrammeCommand {
    Open(Opening),
    Close,
}

refusals! {
    /// Why something asked of a programme was turned down.
    pub enum ProgrammeRefusal {
        "programme.unknown" => Unknown, "There is no programme with this id.";
        "programme.already_open" => AlreadyOpen, "This programme is already open.";
        "programme.dates_reversed" => DatesReversed, "Applications close before they open: turn the dates round.";
        "programme.limits_reversed" => LimitsReversed, "The least that may be asked for is more than the most.";
        "programme.no_criteria" => NoCriteria, "Name at least one criterion for eligibility and one for scoring.";
        "programme.criterion_twice" => CriterionTwice { code: String }, "The criterion code {code} is used twice.";
        "programme.closed" => Closed, "This programme is closed to applications.";
        "programme.not_taking_applications" => NotTakingApplications { from: String, to: String }, "This programme takes applications from {from} to {to}.";
        "programme.below_least" => BelowLeast { least: Money }, "The least that can be asked for here is {least}.";
        "programme.above_most" => AboveMost { most: Money }, "The most that can be asked for here is {most}.";
    }
}

/// A programme as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Programme {
    rules: Option<Rules>,
    closed: bool,
}

/// The rules of a programme that grants are judged by.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The fund it draws on.
    pub fund: FundId,
    /// What the money is for.
    pub purpose: Text<100>,
    /// How much ceremony.
    pub track: Track,
    /// Its limits.
    pub limits: Limits,
    /// Checks a grantee needs beside those of every partner.
    pub required_checks: BTreeSet<CheckCode>,
    /// Codes of the eligibility criteria.
    pub eligibility: BTreeSet<Text<40>>,
    /// Codes of the scoring criteria.
    pub scoring: BTreeSet<Text<40>>,
    /// First and last day on which applications are taken.
    pub window: (Date, Date),
}

impl Programme {
    /// The rules grants are judged by.
    ///
    /// # Errors
    /// `programme.unknown`.
    pub fn rules(&self) -> Result<&Rules, ProgrammeRefusal> {
        self.rules.as_ref().ok_or(ProgrammeRefusal::Unknown)
    }

    /// Whether an application for this much is taken on a date.
    ///
    /// # Errors
    /// Unknown, closed, out of the dates, or out of the limits.
    pub fn takes(&self, requested: Money, on: Date) -> Result<&Rules, ProgrammeRefusal> {
        let rules = self.rules()?;
        if self.closed {
            return Err(ProgrammeRefusal::Closed);
        }
        let (from, to) = rules.window;
        if !(from..=to).contains(&on) {
            return Err(ProgrammeRefusal::NotTakingApplications { from: day(from), to: day(to) });
        }
        if requested < rules.limits.least {
            return Err(ProgrammeRefusal::BelowLeast { least: rules.limits.least });
        }
        if requested > rules.limits.most {
            return Err(ProgrammeRefusal::AboveMost { most: rules.limits.most });
        }
        Ok(rules)
    }
}

fn codes_of(criteria: &[Criterion]) -> Result<BTreeSet<Text<40>>, ProgrammeRefusal> {
    let mut codes = BTreeSet::new();
    for criterion in criteria {
        if !codes.insert(criterion.code.clone()) {
            return Err(ProgrammeRefusal::CriterionTwice { code: criterion.code.to_string() });
        }
    }
    if codes.is_empty() { Err(ProgrammeRefusal::NoCriteria) } else { Ok(codes) }
}

fn opened(opening: Opening) -> Result<ProgrammeEvent, ProgrammeRefusal> {
    if opening.closes_on < opening.opens_on {
        return Err(ProgrammeRefusal::DatesReversed);
    }
    if opening.limits.most < opening.limits.least {
        return Err(ProgrammeRefusal::LimitsReversed);
    }
    codes_of(&opening.eligibility)?;
    codes_of(&opening.scoring)?;
    let Opening {
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
    } = opening;
    Ok(ProgrammeEvent::Opened {
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
    })
}

impl Aggregate for Programme {
    const TYPE: &'static str = "programme";
    type Command = ProgrammeCommand;
    type Event = ProgrammeEvent;
    type Refusal = ProgrammeRefusal;

    fn decide(
        &self,
        command: ProgrammeCommand,
        _at: &Circumstances,
    ) -> Result<Vec<ProgrammeEvent>, ProgrammeRefusal> {
        let event = match command {
            ProgrammeCommand::Open(opening) => {
                if self.rules.is_some() {
                    return Err(ProgrammeRefusal::AlreadyOpen);
                }
                opened(opening)?
            }
            ProgrammeCommand::Close => {
                self.rules()?;
                if self.closed {
                    return Err(ProgrammeRefusal::Closed);
                }
                ProgrammeEvent::Closed {}
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &ProgrammeEvent) {
        let set = |criteria: &[Criterion]| criteria.iter().map(|one| one.code.clone()).collect();
        match event {
            ProgrammeEvent::Opened {
                fund,
                purpose,
                track,
                limits,
                required_checks,
                eligibility,
                scoring,
                opens_on,
                closes_on,
                ..
            } => {
                self.rules = Some(Rules {
                    fund: *fund,
                    purpose: purpose.clone(),
                    track: *track,
                    limits: *limits,
                    required_checks: required_checks.clone(),
                    eligibility: set(eligibility),
                    scoring: set(scoring),
                    window: (*opens_on, *closes_on),
                });
            }
            ProgrammeEvent::Closed {} => self.closed = true,
        }
    }
}

#[cfg(test)]
mod tests;
