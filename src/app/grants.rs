//! Grants: each step of a case. Where money moves, the fund decides in the same commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use uuid::Uuid;

use super::authority::{may, of_partner};
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::evidence::Evidence;
use crate::domain::fund::{Fund, FundCommand, GrantLink, IntendedUse, ReleaseCause, YearShare};
use crate::domain::grant::{
    Application, ApprovalGround, AuthorityUsed, Condition, ConflictNature, CriterionResult, DeliveryShare,
    Grant, GrantCommand, NeedShare, PlannedInstalment, SignatoryRole,
};
use crate::domain::identity::{
    CommandId, ConditionId, GrantId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, ReferenceKind,
};
use crate::domain::money::Money;
use crate::domain::partner::{CheckKind, Partner};
use crate::domain::places::Area;
use crate::domain::programme::{Programme, Rules};
use crate::domain::text::Text;
use crate::projections::grants::{Filter, GrantRecord, count, list};
use crate::projections::{one, several};
use crate::store::work::Work;

/// What a partner asks for, before the application has a reference.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of grant.application_submitted")]
pub struct NewApplication {
    pub partner: PartnerId,
    pub programme: ProgrammeId,
    pub title: Text<200>,
    pub purpose: Text<2000>,
    pub requested: Money,
    pub places: BTreeSet<Area>,
    pub starts_on: Date,
    pub ends_on: Date,
    pub needs: Vec<NeedShare>,
    pub delivery: Vec<DeliveryShare>,
}

/// A payment as it is planned when a grant is approved.
#[derive(Debug, Clone)]
pub struct Plan {
    /// GBP.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The year whose budget it uses; that of the due date if not given.
    pub year: Option<FinancialYear>,
    /// What it waits for.
    pub conditions: Vec<Text<300>>,
}

/// A step that concerns the grant alone.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum Step {
    DeclareConflict { person: PersonId, nature: ConflictNature },
    AssignAssessor { assessor: PersonId },
    IssueOffer { terms_hash: Hash, accept_by: Date },
    AcceptOffer { terms_hash: Hash, signatory_role: SignatoryRole },
    MeetCondition { condition: ConditionId, evidence: Evidence },
}

impl Step {
    fn parts(self) -> (&'static str, GrantCommand) {
        match self {
            Self::DeclareConflict { person, nature } => {
                ("declareConflict", GrantCommand::DeclareConflict { person, nature })
            }
            Self::AssignAssessor { assessor } => {
                ("assignAssessor", GrantCommand::AssignAssessor { assessor })
            }
            Self::IssueOffer { terms_hash, accept_by } => {
                ("issueOffer", GrantCommand::IssueOffer { terms_hash, accept_by })
            }
            Self::AcceptOffer { terms_hash, signatory_role } => {
                ("acceptOffer", GrantCommand::AcceptOffer { terms_hash, signatory_role })
            }
            Self::MeetCondition { condition, evidence } => {
                ("recordConditionMet", GrantCommand::MeetCondition { condition, evidence })
            }
        }
    }
}

/// A way in which a grant ends before any money flows.
#[derive(Debug, Clone)]
pub enum Ending {
    /// Turned down, with what the partner is told.
    Decline(Text<2000>),
    /// The application is taken back.
    Withdraw,
    /// The offer is turned down.
    DeclineOffer,
}

pub(super) async fn rules_of(work: &mut Work, grant: &Grant) -> Result<Rules, Failure> {
    let programme = work.existing::<Programme>(grant.case()?.programme).await?;
    Ok(programme.rules()?.clone())
}

fn planned(command: CommandId, plans: Vec<Plan>) -> Vec<PlannedInstalment> {
    let conditions = |place: usize, titles: Vec<Text<300>>| {
        let numbered = titles.into_iter().enumerate();
        numbered
            .map(|(number, title)| Condition {
                id: ConditionId(command.makes(&format!("condition {place}.{number}"))),
                title,
            })
            .collect()
    };
    plans
        .into_iter()
        .enumerate()
        .map(|(place, plan)| PlannedInstalment {
            id: InstalmentId(command.makes(&format!("instalment {place}"))),
            amount: plan.amount,
            due: plan.due,
            year: plan.year.unwrap_or_else(|| FinancialYear::of(plan.due)),
            conditions: conditions(place, plan.conditions),
        })
        .collect()
}

impl App {
    /// Send an application in.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn submit_application(
        &self,
        who: &Identity,
        how: &How,
        new: NewApplication,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "submitApplication", how)?;
        of_partner(who, new.partner, "partner")?;
        let id = order.envelope.command.makes("grant");
        let app = self.clone();
        self.carry_out::<Grant, _>(order, id, move |work| {
            let (app, new) = (app.clone(), new.clone());
            Box::pin(async move {
                work.existing::<Partner>(new.partner).await?.approved()?;
                for share in &new.delivery {
                    work.existing::<Partner>(share.partner).await?.may_deliver()?;
                }
                let programme = work.existing::<Programme>(new.programme).await?;
                let fund = programme.takes(new.requested, work.circumstances().on)?.fund;
                let application = Application {
                    reference: app.reference(ReferenceKind::Grant, work).await?,
                    partner: new.partner,
                    programme: new.programme,
                    fund,
                    title: new.title,
                    purpose: new.purpose,
                    requested: new.requested,
                    places: new.places,
                    starts_on: new.starts_on,
                    ends_on: new.ends_on,
                    needs: new.needs,
                    delivery: new.delivery,
                };
                Ok(work.execute::<Grant>(id, GrantCommand::Submit(application)).await?)
            })
        })
        .await
    }

    /// Take a step that concerns the grant alone.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn step_with_grant(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        step: Step,
    ) -> Result<Done, Failure> {
        let (deed, command) = step.parts();
        let order = self.order(who, deed, how)?;
        let who = who.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (who, command) = (who.clone(), command.clone());
            Box::pin(async move {
                let partner = work.existing::<Grant>(grant).await?.case()?.partner;
                of_partner(&who, partner, "grant")?;
                if matches!(command, GrantCommand::IssueOffer { .. } | GrantCommand::AcceptOffer { .. }) {
                    work.existing::<Partner>(partner).await?.approved()?;
                }
                Ok(work.execute::<Grant>(grant, command).await?)
            })
        })
        .await
    }

    /// Judge whether an application is eligible: every criterion of its programme, met or not.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn judge_eligibility(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        results: Vec<CriterionResult>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "judgeEligibility", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let results = results.clone();
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let criteria = rules_of(work, &state).await?.eligibility;
                let command = GrantCommand::JudgeEligibility { results, criteria };
                Ok(work.execute::<Grant>(grant, command).await?)
            })
        })
        .await
    }

    /// Score an application on one criterion of its programme.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn record_score(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (criterion, score, justification): (Text<40>, u8, Text<2000>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "recordScore", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (criterion, justification) = (criterion.clone(), justification.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let criteria = rules_of(work, &state).await?.scoring;
                let command = GrantCommand::RecordScore { criterion, score, justification, criteria };
                Ok(work.execute::<Grant>(grant, command).await?)
            })
        })
        .await
    }

    /// Recommend a grant and reserve the money for it. A reservation made before is voided.
    ///
    /// # Errors
    /// See [`Failure`]; when the fund has too little, what remains is named.
    pub async fn recommend_grant(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (amount, shares): (Money, Vec<YearShare>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "recommendGrant", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let shares = shares.clone();
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let rules = rules_of(work, &state).await?;
                let case = state.case()?;
                let recommend = GrantCommand::Recommend { amount, scoring: rules.scoring };
                work.execute::<Grant>(grant, recommend).await?;
                if work.read::<Fund>(case.fund).await?.has_reservation(grant) {
                    let cause = ReleaseCause::RecommendationChanged;
                    work.execute::<Fund>(case.fund, FundCommand::VoidReservation { grant, cause }).await?;
                }
                let year = FinancialYear::of(case.period.0);
                let whole = vec![YearShare { year, amount }];
                let shares = if shares.is_empty() { whole } else { shares };
                let total: Decimal = shares.iter().map(|share| share.amount.pounds()).sum();
                if total != amount.pounds() {
                    return Err(Failure::refused(
                        "grant.shares_do_not_add_up",
                        format!("The shares of the years must come to the {amount} recommended."),
                    ));
                }
                let days = chrono::Days::new(rules.limits.reservation_days.into());
                let reserve = FundCommand::ReserveCommitment {
                    link: GrantLink { grant, programme: case.programme, partner: case.partner },
                    shares,
                    expires_on: work.circumstances().on + days,
                    intended: IntendedUse {
                        purpose: rules.purpose,
                        places: case.places.clone(),
                        period: case.period,
                    },
                };
                Ok(work.execute::<Fund>(case.fund, reserve).await?)
            })
        })
        .await
    }

    /// Approve a grant; what was reserved is committed in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn approve_grant(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (plans, terms_version): (Vec<Plan>, Text<40>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "approveGrant", how)?;
        let instalments = planned(order.envelope.command, plans);
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (instalments, terms_version) = (instalments.clone(), terms_version.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let case = state.case()?;
                let rules = rules_of(work, &state).await?;
                work.existing::<Partner>(case.partner).await?.approved()?;
                let today = work.circumstances().today;
                let fund = work.existing::<Fund>(case.fund).await?;
                let mut reserved: BTreeMap<FinancialYear, Decimal> = BTreeMap::new();
                for share in fund.live_reservation(grant, today)? {
                    *reserved.entry(share.year).or_default() += share.amount.pounds();
                }
                let source = Text::new("programme: limit of one approver")?;
                let authority = AuthorityUsed { source, limit: rules.limits.one_approver };
                let ground = ApprovalGround { reserved, authority, scoring: rules.scoring };
                let approve = GrantCommand::Approve { instalments, terms_version, ground };
                work.execute::<Grant>(grant, approve).await?;
                Ok(work.execute::<Fund>(case.fund, FundCommand::ConfirmCommitment { grant }).await?)
            })
        })
        .await
    }

    /// End a grant before any money flows; money set aside or promised is free again in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn end_grant(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        ending: Ending,
    ) -> Result<Done, Failure> {
        let (deed, command, cause) = match ending {
            Ending::Decline(feedback) => {
                ("declineGrant", GrantCommand::Decline { feedback }, ReleaseCause::Declined)
            }
            Ending::Withdraw => ("withdrawApplication", GrantCommand::Withdraw, ReleaseCause::Withdrawn),
            Ending::DeclineOffer => ("declineOffer", GrantCommand::DeclineOffer, ReleaseCause::OfferDeclined),
        };
        let order = self.order(who, deed, how)?;
        let who = who.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (who, command) = (who.clone(), command.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let case = state.case()?;
                of_partner(&who, case.partner, "grant")?;
                work.execute::<Grant>(grant, command).await?;
                let free = if cause == ReleaseCause::OfferDeclined {
                    FundCommand::ReleaseCommitment { grant, cause }
                } else if work.read::<Fund>(case.fund).await?.has_reservation(grant) {
                    FundCommand::VoidReservation { grant, cause }
                } else {
                    return Ok(());
                };
                Ok(work.execute::<Fund>(case.fund, free).await?)
            })
        })
        .await
    }

    /// Authorise an instalment to be paid on a day on which every check of the partner holds.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn authorise_instalment(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (instalment, pay_on): (InstalmentId, Date),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "authoriseInstalment", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let rules = rules_of(work, &state).await?;
                let checks: Vec<CheckKind> = rules
                    .required_checks
                    .iter()
                    .filter_map(|code| CheckKind::from_code(code.as_str()))
                    .collect();
                let partner = work.existing::<Partner>(state.case()?.partner).await?;
                let payable = partner.payable(pay_on, &checks)?;
                let authorise = GrantCommand::AuthoriseInstalment {
                    instalment,
                    pay_on,
                    checks_valid_until: payable.checks_valid_until,
                    bank_version: payable.bank_version,
                };
                Ok(work.execute::<Grant>(grant, authorise).await?)
            })
        })
        .await
    }

    /// Record that the bank paid an instalment; the expenditure is posted in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn confirm_payment(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (instalment, amount, value_date): (InstalmentId, Money, Date),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "confirmPayment", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let confirm = GrantCommand::ConfirmPayment { instalment, amount, value_date };
                work.execute::<Grant>(grant, confirm).await?;
                let year = state.planned(instalment)?.year;
                let post = FundCommand::PostExpenditure { grant, instalment, year, amount, value_date };
                Ok(work.execute::<Fund>(state.case()?.fund, post).await?)
            })
        })
        .await
    }

    /// The grants a filter finds, and how many there are. People of a partner see their own.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn grants(
        &self,
        who: &Identity,
        mut filter: Filter,
    ) -> Result<(Vec<(Uuid, GrantRecord)>, i64), Failure> {
        may(who, "grants")?;
        if who.role.is_of_a_partner() {
            let own = who.partner.map(|partner| partner.0);
            if filter.partner.is_some() && filter.partner != own {
                return Ok((Vec::new(), 0));
            }
            filter.partner = own.or(Some(Uuid::nil()));
        }
        let pool = self.store.pool();
        Ok((list(pool, &filter).await?, count(pool, &filter).await?))
    }

    /// One grant.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn grant(&self, who: &Identity, id: Uuid) -> Result<GrantRecord, Failure> {
        may(who, "grant")?;
        let found = one::<GrantRecord>(self.store.pool(), id).await?.ok_or(Failure::NotFound("grant"))?;
        of_partner(who, found.partner, "grant")?;
        Ok(found)
    }

    /// Grants by their ids, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn grants_named(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, GrantRecord>, Failure> {
        Ok(several(self.store.pool(), ids).await?)
    }
}
