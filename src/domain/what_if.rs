//! What if: the record replayed under another rule, to see which grants would have been faster, blocked, or have needed a
//! second signature. It reads facts and gives sentences; it decides and records nothing.
//!
//! Every step is judged as it was taken: by the same people, on the day it took effect. What could not be known from
//! the record is not guessed at.

mod awards;
mod checks;
mod speed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Aggregate;
use super::calendar::{Date, day};
use super::delegation::{Delegation, DelegationEvent};
use super::grant::{Clock, Grant, GrantEvent};
use super::identity::{
    DelegationId, GrantId, InstalmentId, PartnerId, PersonId, ProgrammeId, Reference, RunId,
};
use super::money::Money;
use super::partner::CheckKind;
use super::payment_run::PaymentRunEvent;
use super::programme::{Programme, ProgrammeEvent, Track};
use super::record::{Fact, beside_money};

use checks::{Life, Standing, told};

/// The longest life of a check that can be asked about, in months.
pub const LONGEST_CHECK_MONTHS: u32 = 120;

/// The rules to replay under; what is left out stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WhatIfRules {
    /// Grants for which this much or less was asked go the micro track, GBP.
    pub micro_limit: Option<Money>,
    /// The limit of every delegation of authority instead of its own, be that lower or higher, GBP.
    pub delegation_limit: Option<Money>,
    /// The most that one approver may award alone, in every programme, GBP.
    pub one_approver: Option<Money>,
    /// How many months a check holds at the most, from the day on which it was passed.
    pub check_months: Option<u32>,
}

refusals! {
    /// Why a record could not be replayed.
    pub enum WhatIfRefusal {
        "what_if.no_rule" => NoRule, "Name at least one rule to change: the micro limit, the limit of a delegation, the limit of one approver, or the life of a check.";
        "what_if.check_months" => CheckMonths { most: u32 }, "Give the life of a check in whole months, from 1 to {most}.";
    }
}

codes! {
    /// What another rule would have meant for a grant.
    pub enum EffectKind {
        "faster" => Faster, "faster";
        "blocked" => Blocked, "blocked";
        "second_signature" => SecondSignature, "second signature";
        "no_second_signature" => NoSecondSignature, "no second signature";
    }
}

/// What would have gone otherwise with a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The grant.
    pub grant: GrantId,
    /// Its human reference.
    pub reference: Reference,
    /// What it would have meant.
    pub kind: EffectKind,
    /// Why, with the figures.
    pub why: String,
    /// The positions in the log of the facts it rests on.
    pub relied_on: Vec<i64>,
    /// The day of the step that would have gone otherwise.
    pub decided_on: Date,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How many events were replayed.
    pub events: i64,
    /// How many grants with an application there were.
    pub grants: usize,
    /// How many of them would have gone as they did.
    pub unchanged: usize,
    /// What would have gone otherwise, by reference and then by day.
    pub effects: Vec<Effect>,
}

impl WhatIfRules {
    /// The rules, when they are some that can be replayed under.
    ///
    /// # Errors
    /// `what_if.no_rule` or `what_if.check_months`.
    pub fn checked(self) -> Result<Self, WhatIfRefusal> {
        if self == Self::default() {
            return Err(WhatIfRefusal::NoRule);
        }
        if self.check_months.is_some_and(|months| !(1..=LONGEST_CHECK_MONTHS).contains(&months)) {
            return Err(WhatIfRefusal::CheckMonths { most: LONGEST_CHECK_MONTHS });
        }
        Ok(self)
    }

    /// The rules in words, one for each that is changed.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let months = |months| if months == 1 { "1 month".into() } else { format!("{months} months") };
        [
            self.micro_limit.map(|limit| format!("up to {limit} goes the micro track")),
            self.delegation_limit.map(|limit| format!("every delegation reaches to {limit}")),
            self.one_approver.map(|limit| format!("one approver awards up to {limit} alone")),
            self.check_months.map(|count| format!("a check holds for {} at the most", months(count))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A step that would have gone otherwise.
#[derive(Debug, Clone)]
struct Otherwise {
    kind: EffectKind,
    why: String,
    relied_on: Vec<i64>,
    on: Date,
}

/// What surrounds the grants, as the log has it so far; each with the position of the fact that began it.
#[derive(Debug, Default)]
struct Scene {
    programmes: BTreeMap<ProgrammeId, (i64, Programme)>,
    delegations: BTreeMap<DelegationId, (i64, PersonId, Delegation)>,
    partners: BTreeMap<PartnerId, Standing>,
    runs: BTreeMap<RunId, (Reference, Date)>,
}

/// A decision on a grant: approved or turned down.
#[derive(Debug, Clone, Copy)]
struct Decided {
    on: Date,
    index: i64,
    /// Working days on us, from the application to the decision.
    took: u32,
}

/// One grant, as the log has it so far.
#[derive(Debug, Default)]
struct Trace {
    state: Grant,
    clock: Clock,
    applied: Option<i64>,
    first_approval: Option<i64>,
    decided: Option<Decided>,
    /// What another rule makes of the award.
    award: Option<Otherwise>,
    /// What it makes of other steps.
    steps: Vec<Otherwise>,
    /// Of each authorised instalment, the checks the authorisation rested on.
    authorised: BTreeMap<InstalmentId, (i64, Vec<Life>)>,
    /// Instalments of which a step would have been refused: what followed is not told again.
    stopped: BTreeSet<InstalmentId>,
}

/// A step of a grant, and where it stands.
#[derive(Debug, Clone, Copy)]
struct At {
    index: i64,
    on: Date,
}

/// The record under other rules, fact by fact.
#[derive(Debug)]
pub struct Replay {
    rules: WhatIfRules,
    scene: Scene,
    grants: BTreeMap<GrantId, Trace>,
    events: i64,
}

impl Replay {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(rules: WhatIfRules) -> Self {
        Self { rules, scene: Scene::default(), grants: BTreeMap::new(), events: 0 }
    }

    /// Take the next fact of the log: its position, its stream, and the day on which it took effect.
    pub fn take(&mut self, index: i64, stream: Uuid, on: Date, fact: &Fact) {
        self.events += 1;
        let at = At { index, on };
        match fact {
            Fact::Partner(event) => {
                self.scene.partners.entry(PartnerId(stream)).or_default().take(at, event);
            }
            Fact::Programme(event) => {
                let known = self.scene.programmes.entry(ProgrammeId(stream)).or_default();
                if matches!(event, ProgrammeEvent::Opened { .. }) {
                    known.0 = index;
                }
                known.1.evolve(event);
            }
            Fact::Delegation(event) => self.scene.take_delegation(DelegationId(stream), index, event),
            Fact::Grant(event) => {
                let trace = self.grants.entry(GrantId(stream)).or_default();
                trace.take(&self.scene, &self.rules, at, event);
            }
            Fact::PaymentRun(event) => self.take_run(RunId(stream), at, event),
            Fact::Fund(_) | beside_money!() => {}
        }
    }

    fn take_run(&mut self, run: RunId, at: At, event: &PaymentRunEvent) {
        match event {
            PaymentRunEvent::Opened { reference, pay_on, .. } => {
                self.scene.runs.insert(run, (reference.clone(), *pay_on));
            }
            PaymentRunEvent::LineAdded { grant, instalment, partner, amount, .. } => {
                let (Some(trace), Some((reference, pay_on))) =
                    (self.grants.get_mut(grant), self.scene.runs.get(&run))
                else {
                    return;
                };
                let lives = self.scene.lives(*partner, &trace.state, &self.rules);
                let step = format!("Putting {amount} in payment run {reference}");
                trace.pay(*instalment, (&lives, *pay_on), (at, None), &step);
            }
            // A line that could be added on its day could be released, exported and paid on the same day of payment.
            PaymentRunEvent::LineRemoved { .. }
            | PaymentRunEvent::Approved { .. }
            | PaymentRunEvent::Released { .. }
            | PaymentRunEvent::FileExported { .. }
            | PaymentRunEvent::FileGivenAgain { .. }
            | PaymentRunEvent::RemittanceLoaded { .. }
            | PaymentRunEvent::LineConfirmed { .. }
            | PaymentRunEvent::LineRejected { .. }
            | PaymentRunEvent::LineReturned { .. }
            | PaymentRunEvent::ReturnDisputed { .. }
            | PaymentRunEvent::DisputeSettled { .. }
            | PaymentRunEvent::Reconciled { .. }
            | PaymentRunEvent::Voided {} => {}
        }
    }

    /// What the replay came to.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        let applied: Vec<(&GrantId, &Trace)> =
            self.grants.iter().filter(|(_, trace)| trace.applied.is_some()).collect();
        let usual = speed::Usual::of(&self.scene, applied.iter().map(|(_, trace)| *trace));
        let mut effects = Vec::new();
        for (grant, trace) in &applied {
            let Ok(subject) = trace.state.subject() else { continue };
            let faster = self.rules.micro_limit.and_then(|limit| trace.faster(&self.scene, limit, &usual));
            let all = trace.award.iter().chain(&faster).chain(&trace.steps);
            effects.extend(all.cloned().map(|one| Effect {
                grant: **grant,
                reference: subject.reference.clone(),
                kind: one.kind,
                why: one.why,
                relied_on: one.relied_on,
                decided_on: one.on,
            }));
        }
        let changed: BTreeSet<GrantId> = effects.iter().map(|effect| effect.grant).collect();
        effects.sort_by_cached_key(|effect| (effect.reference.clone(), effect.decided_on, effect.kind));
        let grants = applied.len();
        Outcome { events: self.events, grants, unchanged: grants - changed.len(), effects }
    }
}

impl Scene {
    fn take_delegation(&mut self, id: DelegationId, index: i64, event: &DelegationEvent) {
        match event {
            DelegationEvent::Granted { person, .. } => {
                let mut state = Delegation::default();
                state.evolve(event);
                self.delegations.insert(id, (index, *person, state));
            }
            DelegationEvent::Revoked {} => {
                if let Some((_, _, state)) = self.delegations.get_mut(&id) {
                    state.evolve(event);
                }
            }
        }
    }

    fn programme_of(&self, grant: &Grant) -> Option<&(i64, Programme)> {
        self.programmes.get(&grant.subject().ok()?.programme)
    }

    fn is_micro(&self, grant: &Grant) -> bool {
        let rules = self.programme_of(grant).and_then(|(_, programme)| programme.rules().ok());
        rules.is_some_and(|rules| rules.track == Track::Micro)
    }

    /// How long the checks that a payment to a partner rests on would hold.
    fn lives(&self, partner: PartnerId, grant: &Grant, rules: &WhatIfRules) -> Vec<Life> {
        let (Some(months), Some(standing)) = (rules.check_months, self.partners.get(&partner)) else {
            return Vec::new();
        };
        let of_programme = self.programme_of(grant).and_then(|(_, programme)| programme.rules().ok());
        let codes = of_programme.into_iter().flat_map(|rules| &rules.required_checks);
        standing.lives(&CheckKind::of_codes(codes).collect(), months)
    }
}

impl Trace {
    fn is_blocked(&self) -> bool {
        self.award.as_ref().is_some_and(|award| award.kind == EffectKind::Blocked)
    }

    fn take(&mut self, scene: &Scene, rules: &WhatIfRules, at: At, event: &GrantEvent) {
        self.clock.take(event, at.on);
        self.award_taken(scene, rules, at, event);
        self.payment_taken(scene, rules, at, event);
        if matches!(event, GrantEvent::ApplicationSubmitted { .. }) {
            self.applied = Some(at.index);
        }
        if matches!(event, GrantEvent::Approved { .. } | GrantEvent::Declined { .. }) {
            let took = self.clock.reading(at.on, 0).map_or(0, |reading| reading.on_us);
            self.decided = Some(Decided { on: at.on, index: at.index, took });
        }
        self.state.evolve(event);
    }

    fn payment_taken(&mut self, scene: &Scene, rules: &WhatIfRules, at: At, event: &GrantEvent) {
        if let GrantEvent::InstalmentAuthorised { instalment, amount, pay_on, .. } = event {
            let Ok(payee) = self.state.payee() else { return };
            let lives = scene.lives(payee, &self.state, rules);
            self.pay(*instalment, (&lives, *pay_on), (at, None), &format!("Authorising {amount}"));
            self.authorised.insert(*instalment, (at.index, lives));
        }
        // What was paid through a run was looked at when it was put in the run.
        if let GrantEvent::PaymentConfirmed { instalment, amount, value_date, run: None, .. } = event
            && let Some((index, lives)) = self.authorised.get(instalment).cloned()
        {
            let paying = format!("Paying {amount}");
            self.pay(*instalment, (&lives, *value_date), (at, Some(index)), &paying);
        }
    }

    /// Judge a step towards a payment on a day: a check that held then may not hold under the other rule.
    /// The step may rest on one before it.
    fn pay(
        &mut self,
        instalment: InstalmentId,
        (lives, pay_on): (&[Life], Date),
        (at, before): (At, Option<i64>),
        step: &str,
    ) {
        if self.is_blocked() || self.stopped.contains(&instalment) {
            return;
        }
        let out: Vec<&Life> = lives.iter().filter(|life| life.would_have_run_out_by(pay_on)).collect();
        if out.is_empty() {
            return;
        }
        self.stopped.insert(instalment);
        let passed = out.iter().map(|life| life.index);
        let mut relied_on: Vec<i64> = passed.chain(before).chain([at.index]).collect();
        relied_on.sort_unstable();
        let why = format!("{step} for {} would have been refused: {}.", day(pay_on), told(&out));
        self.steps.push(Otherwise { kind: EffectKind::Blocked, why, relied_on, on: at.on });
    }
}
