//! Programmes: opening and closing a round, and looking rounds up.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::fund::Fund;
use crate::domain::identity::{FundId, GrantId, ProgrammeId, ReferenceKind};
use crate::domain::need::Need;
use crate::domain::partner::CheckKind;
use crate::domain::programme::{
    Criterion, DecisionRules, Limits, Opening, Priority, Programme, ProgrammeCommand, Route, Track,
};
use crate::domain::text::Text;
use crate::projections::grants::{clocks, waiting};
use crate::projections::programmes::ProgrammeRecord;
use crate::projections::{by_name, one, several};

/// What is said of a programme, before it has a reference.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of programme.opened")]
pub struct NewProgramme {
    pub name: Text<200>,
    pub fund: FundId,
    pub purpose: Text<100>,
    pub track: Track,
    pub route: Route,
    pub limits: Limits,
    pub opens_on: Date,
    pub closes_on: Date,
    pub priorities: Vec<Priority>,
    pub required_checks: BTreeSet<CheckKind>,
    pub eligibility: Vec<Criterion>,
    pub scoring: Vec<Criterion>,
}

/// New criteria, and whose partners were told of them.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of programme.criteria_amended")]
pub struct Amendment {
    pub eligibility: Vec<Criterion>,
    pub scoring: Vec<Criterion>,
    pub told: BTreeSet<GrantId>,
}

/// How fast a programme decides: working days on us, from the application to the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Applications that are decided.
    pub decided: usize,
    /// Of those, decided within the target.
    pub within_target: usize,
    /// The working days that half of those decided took at the most.
    pub median: Option<u32>,
    /// Applications that wait for a decision.
    pub waiting: usize,
    /// Of those, waiting for us for longer than the target.
    pub overdue: usize,
}

impl App {
    /// Amend the criteria. Everybody who waits for a decision must have been told.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn amend_criteria(
        &self,
        who: &Identity,
        how: &How,
        programme: ProgrammeId,
        amendment: Amendment,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "amendCriteria", how)?;
        let app = self.clone();
        self.carry_out::<Programme, _>(order, programme.0, move |work| {
            let Amendment { eligibility, scoring, told } = amendment.clone();
            let app = app.clone();
            Box::pin(async move {
                work.existing::<Programme>(programme).await?;
                let waiting = waiting(app.store.pool(), programme).await?;
                let amend = ProgrammeCommand::AmendCriteria { eligibility, scoring, told, waiting };
                Ok(work.execute::<Programme>(programme, amend).await?)
            })
        })
        .await
    }

    /// Set how grants of a programme are decided, beside its limits.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn set_decision_rules(
        &self,
        who: &Identity,
        how: &How,
        programme: ProgrammeId,
        rules: DecisionRules,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "setDecisionRules", how)?;
        self.ask::<Programme>(order, programme, ProgrammeCommand::SetDecisionRules(rules)).await
    }

    /// How fast a programme decides, as of a day; nothing for those who do not see its grants.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn pace(
        &self,
        who: &Identity,
        (programme, limits): (ProgrammeId, Limits),
        on: Date,
    ) -> Result<Option<Pace>, Failure> {
        if may(who, "grants").is_err() || who.role.is_of_a_partner() {
            return Ok(None);
        }
        let target = limits.target_working_days;
        let clocks = clocks(self.store.pool(), programme).await?;
        let readings = clocks.iter().filter_map(|clock| clock.reading(on, target));
        let (decided, waiting): (Vec<_>, Vec<_>) = readings.partition(|one| one.decided);
        let mut days: Vec<u32> = decided.iter().map(|one| one.on_us).collect();
        days.sort_unstable();
        Ok(Some(Pace {
            decided: decided.len(),
            within_target: decided.iter().filter(|one| !one.overdue).count(),
            median: days.get(days.len().saturating_sub(1) / 2).copied(),
            waiting: waiting.len(),
            overdue: waiting.iter().filter(|one| one.overdue).count(),
        }))
    }

    /// Open a programme on a fund whose restriction allows its purpose, with priorities behind which there are needs that
    /// were heard.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_programme(
        &self,
        who: &Identity,
        how: &How,
        new: NewProgramme,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "openProgramme", how)?;
        let id = order.envelope.command.makes("programme");
        let codes = new.required_checks.iter().map(|check| Text::new(check.code()));
        let required_checks: BTreeSet<_> = codes.collect::<Result<_, _>>()?;
        let app = self.clone();
        self.carry_out::<Programme, _>(order, id, move |work| {
            let (app, new, required_checks) = (app.clone(), new.clone(), required_checks.clone());
            Box::pin(async move {
                work.existing::<Fund>(new.fund).await?.allows_purpose(&new.purpose)?;
                for need in new.priorities.iter().flat_map(|priority| &priority.needs) {
                    work.existing::<Need>(*need).await?;
                }
                let opening = Opening {
                    reference: app.reference(ReferenceKind::Programme, work).await?,
                    name: new.name,
                    fund: new.fund,
                    purpose: new.purpose,
                    track: new.track,
                    route: new.route,
                    limits: new.limits,
                    opens_on: new.opens_on,
                    closes_on: new.closes_on,
                    priorities: new.priorities,
                    required_checks,
                    eligibility: new.eligibility,
                    scoring: new.scoring,
                };
                Ok(work.execute::<Programme>(id, ProgrammeCommand::Open(opening)).await?)
            })
        })
        .await
    }

    /// Close a programme to applications.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn close_programme(
        &self,
        who: &Identity,
        how: &How,
        programme: ProgrammeId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "closeProgramme", how)?;
        self.ask::<Programme>(order, programme, ProgrammeCommand::Close).await
    }

    /// Programmes by name, after one of them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn programmes(
        &self,
        who: &Identity,
        after: Option<(String, Uuid)>,
        limit: i64,
    ) -> Result<Vec<(Uuid, ProgrammeRecord)>, Failure> {
        may(who, "programmes")?;
        Ok(by_name(self.store.pool(), after, limit).await?)
    }

    /// One programme.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn programme(&self, who: &Identity, id: Uuid) -> Result<ProgrammeRecord, Failure> {
        may(who, "programme")?;
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("programme"))
    }

    /// Programmes by their ids, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn programmes_named(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, ProgrammeRecord>, Failure> {
        Ok(several(self.store.pool(), ids).await?)
    }
}
