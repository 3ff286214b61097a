//! A programme: a round of micro-commissioning. It says who may ask for how much, when, and how it is decided.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calendar::{Date, day};
use super::identity::{FundId, GrantId, Reference};
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

/// How grants of a programme are decided, beside its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DecisionRules {
    /// How many of a panel must be left, once those with an interest have stood aside; nought where no panel is needed.
    pub quorum: u8,
    /// How many days a partner has to accept an offer, at the least.
    pub offer_days: u16,
    /// Whether staff may propose an award directly, beside the route of the programme.
    pub direct_awards: bool,
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
        /// The criteria were amended. Everybody whose application was waiting for a decision was told.
        "programme.criteria_amended", 1, reason => CriteriaAmended {
            /// What makes an application eligible from now on.
            eligibility: Vec<Criterion>,
            /// What an application is scored on from now on, each 1 to 5.
            scoring: Vec<Criterion>,
            /// The applications whose partners were told.
            told: BTreeSet<GrantId>,
        },
        /// It was set how grants of this programme are decided, beside its limits.
        "programme.decision_rules_set", 1, reason => DecisionRulesSet {
            /// The rules from now on.
            rules: DecisionRules,
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
            Self::CriteriaAmended { eligibility, scoring, told } => format!(
                "The criteria were amended: {} for eligibility and {} for scoring. {} told.",
                eligibility.len(),
                scoring.len(),
                match told.len() {
                    0 => "Nobody had applied, so nobody was".into(),
                    1 => "One applicant was".into(),
                    many => format!("{many} applicants were"),
                }
            ),
            Self::DecisionRulesSet { rules } => format!(
                "It was set how grants are decided: {}, {} to accept an offer, {}.",
                match rules.quorum {
                    0 => "without a panel".into(),
                    quorum => format!("by a panel of at least {quorum}"),
                },
                match rules.offer_days {
                    0 => "no set time".into(),
                    1 => "at least one day".into(),
                    days => format!("at least {days} days"),
                },
                if rules.direct_awards {
                    "direct awards beside the route"
                } else {
                    "no direct awards beside the route"
                }
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
    /// With the applications that are waiting for a decision.
    AmendCriteria {
        eligibility: Vec<Criterion>,
        scoring: Vec<Criterion>,
        told: BTreeSet<GrantId>,
        waiting: BTreeSet<GrantId>,
    },
    SetDecisionRules(DecisionRules),
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
        "programme.starts_with_interest" => StartsWithInterest, "This programme begins with an expression of interest: send that first, and apply when you are invited.";
        "programme.takes_no_interest" => TakesNoInterest, "This programme does not begin with an expression of interest: send the application itself.";
        "programme.direct_awards_only" => DirectAwardsOnly, "Nobody applies to this programme by themselves: staff propose an award and invite the application.";
        "programme.no_direct_awards" => NoDirectAwards, "This programme allows no direct awards: set it in its decision rules, or let the partner apply.";
        "programme.applicants_not_told" => ApplicantsNotTold { missing: usize }, "The criteria can only change when everybody who is waiting for a decision is told: tell the other {missing} and name their applications.";
        "programme.applicant_not_told" => ApplicantNotTold, "The criteria were amended after this application was sent in, and its partner was not told: tell the partner, amend the criteria once more and name every application that waits.";
        "programme.micro_no_panel" => MicroNoPanel, "On the micro track nobody waits for a panel: set the quorum to 0.";
        "programme.below_least" => BelowLeast { least: Money }, "The least that can be asked for here is {least}.";
        "programme.above_most" => AboveMost { most: Money }, "The most that can be asked for here is {most}.";
    }
}

/// A programme as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Programme {
    rules: Option<Rules>,
    /// Who was told of each amendment of the criteria, the first of which made version 2 of them.
    told: Vec<BTreeSet<GrantId>>,
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
    /// How partners come to ask.
    pub route: Route,
    /// Its limits.
    pub limits: Limits,
    /// How its grants are decided, beside the limits.
    pub deciding: DecisionRules,
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

    /// Whether an application for this much, sent in unasked, is taken on a date.
    ///
    /// # Errors
    /// Unknown, another route, closed, out of the dates, or out of the limits.
    pub fn takes(&self, requested: Money, on: Date) -> Result<&Rules, ProgrammeRefusal> {
        match self.rules()?.route {
            Route::OpenCall => {}
            Route::ExpressionOfInterest => return Err(ProgrammeRefusal::StartsWithInterest),
            Route::DirectAward => return Err(ProgrammeRefusal::DirectAwardsOnly),
        }
        self.is_open_on(on)?;
        self.takes_invited(requested)
    }

    /// Whether an expression of interest is taken on a date.
    ///
    /// # Errors
    /// Unknown, another route, closed, or out of the dates.
    pub fn takes_interest(&self, on: Date) -> Result<&Rules, ProgrammeRefusal> {
        match self.rules()?.route {
            Route::ExpressionOfInterest => self.is_open_on(on),
            Route::OpenCall | Route::DirectAward => Err(ProgrammeRefusal::TakesNoInterest),
        }
    }

    /// Whether staff may propose an award directly on a date.
    ///
    /// # Errors
    /// Unknown, not allowed, closed, or out of the dates.
    pub fn takes_direct_award(&self, on: Date) -> Result<&Rules, ProgrammeRefusal> {
        let rules = self.rules()?;
        if rules.route != Route::DirectAward && !rules.deciding.direct_awards {
            return Err(ProgrammeRefusal::NoDirectAwards);
        }
        self.is_open_on(on)
    }

    fn is_open_on(&self, on: Date) -> Result<&Rules, ProgrammeRefusal> {
        let rules = self.rules()?;
        if self.closed {
            return Err(ProgrammeRefusal::Closed);
        }
        let (from, to) = rules.window;
        if !(from..=to).contains(&on) {
            return Err(ProgrammeRefusal::NotTakingApplications { from: day(from), to: day(to) });
        }
        Ok(rules)
    }

    /// Which version of the criteria holds: 1 as opened, and one more with each amendment.
    #[must_use]
    pub fn criteria_version(&self) -> u32 {
        u32::try_from(self.told.len()).map_or(u32::MAX, |amendments| amendments + 1)
    }

    /// Whether the partner of an application knows the criteria it is judged by: those it was sent in under, or those
    /// of the latest amendment, because its partner was told.
    ///
    /// A submission reads this stream and keeps the version it was sent in under, so it never mistakes the criteria.
    /// An amendment cannot read the streams of applications it does not know of: one that comes in at the same
    /// moment is caught here, and is not judged before its partner was told.
    ///
    /// # Errors
    /// `programme.applicant_not_told`.
    pub fn has_told(&self, grant: GrantId, sent_in_under: u32) -> Result<(), ProgrammeRefusal> {
        let seen = sent_in_under.saturating_sub(1) as usize;
        let latest = self.told.iter().skip(seen).last();
        if latest.is_none_or(|told| told.contains(&grant)) {
            Ok(())
        } else {
            Err(ProgrammeRefusal::ApplicantNotTold)
        }
    }

    /// Whether an application for this much is taken from a partner who was invited to send it. The invitation has a
    /// last day of its own, so it may come in after the programme has closed to others.
    ///
    /// # Errors
    /// Unknown, or out of the limits.
    pub fn takes_invited(&self, requested: Money) -> Result<&Rules, ProgrammeRefusal> {
        let rules = self.rules()?;
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
            ProgrammeCommand::AmendCriteria { eligibility, scoring, told, waiting } => {
                self.rules()?;
                codes_of(&eligibility)?;
                codes_of(&scoring)?;
                let missing = waiting.difference(&told).count();
                if missing > 0 {
                    return Err(ProgrammeRefusal::ApplicantsNotTold { missing });
                }
                ProgrammeEvent::CriteriaAmended { eligibility, scoring, told }
            }
            ProgrammeCommand::SetDecisionRules(rules) => {
                if self.rules()?.track == Track::Micro && rules.quorum > 0 {
                    return Err(ProgrammeRefusal::MicroNoPanel);
                }
                ProgrammeEvent::DecisionRulesSet { rules }
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
                route,
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
                    route: *route,
                    limits: *limits,
                    deciding: DecisionRules::default(),
                    required_checks: required_checks.clone(),
                    eligibility: set(eligibility),
                    scoring: set(scoring),
                    window: (*opens_on, *closes_on),
                });
            }
            ProgrammeEvent::CriteriaAmended { eligibility, scoring, told } => {
                self.told.push(told.clone());
                if let Some(rules) = &mut self.rules {
                    (rules.eligibility, rules.scoring) = (set(eligibility), set(scoring));
                }
            }
            ProgrammeEvent::DecisionRulesSet { rules: deciding } => {
                if let Some(rules) = &mut self.rules {
                    rules.deciding = *deciding;
                }
            }
            ProgrammeEvent::Closed {} => self.closed = true,
        }
    }
}

#[cfg(test)]
mod tests;
