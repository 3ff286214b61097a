//! Grants: each step of a case. Where money moves, the fund decides in the same commit.

mod approving;
mod entering;
mod monitoring;
mod running;
mod variations;

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::authority::{may, of_partner};
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::evidence::Evidence;
use crate::domain::fund::{Fund, FundCommand, GrantLink, IntendedUse, ReleaseCause, YearShare};
use crate::domain::grant::{
    Application, AuthorityUsed, Case, Condition, ConflictNature, CriterionResult, DeliveryShare, Grant,
    GrantCommand, NeedShare, PlannedInstalment, SignatoryRole, Subject,
};
use crate::domain::identity::{
    CommandId, ConditionId, FundId, GrantId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, Role,
};
use crate::domain::money::Money;
use crate::domain::partner::{CheckKind, Partner, PartnerCommand};
use crate::domain::places::Area;
use crate::domain::programme::{Programme, Rules, Track};
use crate::domain::text::Text;
use crate::projections::grants::{Filter, GrantRecord, count, list};
use crate::projections::{one, several};
use crate::store::work::Work;

pub use approving::Proposal;
pub use entering::NewCase;
pub use monitoring::{NewReport, ReturnAnswer};
pub use running::Course;
pub use variations::{NewSlot, NewVariation};

/// What a partner asks for, before the application has a reference.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of grant.application_submitted")]
pub struct NewApplication {
    /// The case it goes on with, where the partner was invited or proposed.
    pub grant: Option<GrantId>,
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
    InviteToApply { apply_by: Date },
    DeclineInterest { feedback: Text<2000> },
    RequestInformation { what: Text<2000>, by: Date },
    SupplyInformation { answer: Text<2000> },
    RecuseAssessor { assessor: PersonId },
    DeclareConflict { person: PersonId, nature: ConflictNature },
    AssignAssessor { assessor: PersonId },
    IssueOffer { terms_hash: Hash, accept_by: Date },
    AcceptOffer { terms_hash: Hash, signatory_role: SignatoryRole },
    MeetCondition { condition: ConditionId, evidence: Evidence },
}

impl Step {
    /// Who is named in it.
    const fn person(&self) -> Option<PersonId> {
        match self {
            Self::AssignAssessor { assessor: person }
            | Self::RecuseAssessor { assessor: person }
            | Self::DeclareConflict { person, .. } => Some(*person),
            Self::InviteToApply { .. }
            | Self::DeclineInterest { .. }
            | Self::RequestInformation { .. }
            | Self::SupplyInformation { .. }
            | Self::IssueOffer { .. }
            | Self::AcceptOffer { .. }
            | Self::MeetCondition { .. } => None,
        }
    }

    fn parts(self) -> (&'static str, GrantCommand) {
        match self {
            Self::InviteToApply { apply_by } => ("inviteToApply", GrantCommand::InviteToApply { apply_by }),
            Self::DeclineInterest { feedback } => {
                ("declineInterest", GrantCommand::DeclineInterest { feedback })
            }
            Self::RequestInformation { what, by } => {
                ("requestMoreInformation", GrantCommand::RequestInformation { what, by })
            }
            Self::SupplyInformation { answer } => {
                ("supplyInformation", GrantCommand::SupplyInformation { answer })
            }
            Self::RecuseAssessor { assessor } => {
                ("recuseAssessor", GrantCommand::RecuseAssessor { assessor })
            }
            Self::DeclareConflict { person, nature } => {
                ("declareConflict", GrantCommand::DeclareConflict { person, nature })
            }
            Self::AssignAssessor { assessor } => {
                ("assignAssessor", GrantCommand::AssignAssessor { assessor, only_one: true })
            }
            Self::IssueOffer { terms_hash, accept_by } => {
                ("issueOffer", GrantCommand::IssueOffer { terms_hash, accept_by, at_least: 0 })
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
    /// Nobody accepted the offer in time.
    LapseOffer,
}

pub(super) async fn rules_of(work: &mut Work, grant: &Grant) -> Result<Rules, Failure> {
    let programme = work.existing::<Programme>(grant.subject()?.programme).await?;
    Ok(programme.rules()?.clone())
}

/// A step with what it has to know of the programme.
async fn informed(work: &mut Work, grant: &Grant, step: GrantCommand) -> Result<GrantCommand, Failure> {
    if let GrantCommand::AssignAssessor { assessor, .. } = step {
        let only_one = rules_of(work, grant).await?.track == Track::Micro;
        return Ok(GrantCommand::AssignAssessor { assessor, only_one });
    }
    if let GrantCommand::IssueOffer { terms_hash, accept_by, .. } = step {
        let at_least = rules_of(work, grant).await?.deciding.offer_days;
        return Ok(GrantCommand::IssueOffer { terms_hash, accept_by, at_least });
    }
    Ok(step)
}

/// The checks a grantee of a programme needs beside those of every partner.
pub(super) fn required_checks(rules: &Rules) -> Vec<CheckKind> {
    CheckKind::of_codes(&rules.required_checks).collect()
}

/// What a grant under these rules uses money for.
fn intended(case: &Case, rules: &Rules) -> IntendedUse {
    IntendedUse { purpose: rules.purpose.clone(), places: case.places.clone(), period: case.period }
}

/// Set money aside for a grant, or for more of one, until it is decided.
async fn reserve(
    work: &mut Work,
    (grant, case): (GrantId, &Case),
    rules: &Rules,
    shares: Vec<YearShare>,
) -> Result<(), Failure> {
    let Subject { fund, programme, partner, .. } = case.subject;
    let reserve = FundCommand::ReserveCommitment {
        link: GrantLink { grant, programme, partner },
        shares,
        expires_on: work.circumstances().on + chrono::Days::new(rules.limits.reservation_days.into()),
        intended: intended(case, rules),
    };
    Ok(work.execute::<Fund>(fund, reserve).await?)
}

/// What is set aside for a grant, if anything, is free again.
async fn void_reservation(
    work: &mut Work,
    fund: FundId,
    grant: GrantId,
    cause: ReleaseCause,
) -> Result<(), Failure> {
    if work.read::<Fund>(fund).await?.has_reservation(grant) {
        work.execute::<Fund>(fund, FundCommand::VoidReservation { grant, cause }).await?;
    }
    Ok(())
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
    /// The authority somebody uses who decides on a grant: of the delegations they hold, the one with the highest limit.
    async fn authority_on(&self, work: &mut Work, grant: GrantId) -> Result<AuthorityUsed, Failure> {
        let state = work.existing::<Grant>(grant).await?;
        let case = state.subject()?;
        self.authority(work, None, (case.fund, case.programme)).await
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
        let named = step.person();
        let (deed, command) = step.parts();
        let order = self.order(who, deed, how)?;
        self.must_know(named.as_slice()).await?;
        let who = who.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (who, command) = (who.clone(), command.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let partner = state.subject()?.partner;
                of_partner(&who, partner, "grant")?;
                let accepts = matches!(command, GrantCommand::AcceptOffer { .. });
                if accepts || matches!(command, GrantCommand::IssueOffer { .. }) {
                    work.existing::<Partner>(partner).await?.approved()?;
                }
                let command = informed(work, &state, command).await?;
                work.execute::<Grant>(grant, command).await?;
                // A subsidy is given when the partner has a right to it: with the agreement.
                if accepts && work.existing::<Partner>(partner).await?.is_told_of_subsidy(grant) {
                    let give = PartnerCommand::GiveSubsidy { grant, amount: state.recommended()? };
                    work.execute::<Partner>(partner, give).await?;
                }
                Ok(())
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
                let case = state.case()?;
                let programme = work.existing::<Programme>(case.subject.programme).await?;
                programme.has_told(grant, case.criteria_version)?;
                let criteria = programme.rules()?.eligibility.clone();
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

    /// Put another score in the place of one’s own.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn supersede_score(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (criterion, score, justification): (Text<40>, u8, Text<2000>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "supersedeScore", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (criterion, justification) = (criterion.clone(), justification.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let criteria = rules_of(work, &state).await?.scoring;
                let command = GrantCommand::SupersedeScore { criterion, score, justification, criteria };
                Ok(work.execute::<Grant>(grant, command).await?)
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
            Ending::LapseOffer => ("recordOfferLapse", GrantCommand::LapseOffer, ReleaseCause::OfferLapsed),
        };
        let order = self.order(who, deed, how)?;
        let who = who.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (who, command) = (who.clone(), command.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let case = state.subject()?;
                of_partner(&who, case.partner, "grant")?;
                work.execute::<Grant>(grant, command).await?;
                if matches!(cause, ReleaseCause::OfferDeclined | ReleaseCause::OfferLapsed) {
                    let release = FundCommand::ReleaseCommitment { grant, cause };
                    return Ok(work.execute::<Fund>(case.fund, release).await?);
                }
                void_reservation(work, case.fund, grant, cause).await
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
                let payee = work.existing::<Partner>(state.payee()?).await?;
                let payable = payee.payable(pay_on, &required_checks(&rules))?;
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

    /// Take an authorisation back, before the instalment is in a payment run or paid.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn withdraw_authorisation(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        instalment: InstalmentId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "withdrawAuthorisation", how)?;
        self.ask::<Grant>(order, grant, GrantCommand::WithdrawAuthorisation { instalment }).await
    }

    /// Record that a payment made by hand came back from the bank; the expenditure is taken back in the same moment,
    /// and a new instalment takes the place of the old one.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn record_payment_returned(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (instalment, value_date, bank_code): (InstalmentId, Date, Text<20>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "recordPaymentReturned", how)?;
        let replacement = InstalmentId(order.envelope.command.makes("replacement"));
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let bank_code = bank_code.clone();
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let back = GrantCommand::ReturnPayment { instalment, value_date, bank_code, replacement };
                work.execute::<Grant>(grant, back).await?;
                let back = FundCommand::ReturnExpenditure { grant, instalment, value_date };
                Ok(work.execute::<Fund>(state.subject()?.fund, back).await?)
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
                Ok(work.execute::<Fund>(state.subject()?.fund, post).await?)
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
        let is_only_assessing = matches!(who.role, Role::Inclusion | Role::Advisor);
        if is_only_assessing && !found.assessors.contains(&who.person) {
            return Err(Failure::NotFound("grant"));
        }
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
