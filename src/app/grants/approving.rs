//! Recommending and approving: the fund reserves and commits in the same moment.

use rust_decimal::Decimal;

use super::{Grant, GrantCommand, Plan, planned, reserve, rules_of, void_reservation};
use crate::app::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::FinancialYear;
use crate::domain::fund::{Fund, FundCommand, ReleaseCause, YearShare};
use crate::domain::grant::{ApprovalGround, GrantStatus, Panel};
use crate::domain::identity::{DelegationId, GrantId};
use crate::domain::money::Money;
use crate::domain::partner::Partner;
use crate::domain::programme::{Programme, Track};
use crate::domain::text::Text;
use crate::store::work::Work;

/// What is put forward.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// How much.
    pub amount: Money,
    /// How much from each year's budget; all from the year in which the work begins if empty.
    pub shares: Vec<YearShare>,
    /// The panel that recommends it, where there was one.
    pub panel: Panel,
}

impl App {
    /// Recommend a grant and reserve the money for it. A reservation made before is voided.
    ///
    /// # Errors
    /// See [`Failure`]; when the fund has too little, what remains is named.
    pub async fn recommend_grant(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        proposal: Proposal,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "recommendGrant", how)?;
        self.fund_must_have_opened(&order, grant).await?;
        let sat = proposal.panel.present.iter().chain(&proposal.panel.stood_aside);
        self.must_know(&sat.copied().collect::<Vec<_>>()).await?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let Proposal { amount, shares, panel } = proposal.clone();
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let rules = rules_of(work, &state).await?;
                let case = state.case()?;
                let programme = work.existing::<Programme>(case.subject.programme).await?;
                programme.has_told(grant, case.criteria_version)?;
                let quorum = (rules.track != Track::Micro).then_some(rules.deciding.quorum);
                let scoring = rules.scoring.clone();
                let recommend = GrantCommand::Recommend { amount, scoring, panel, quorum };
                work.execute::<Grant>(grant, recommend).await?;
                let cause = ReleaseCause::RecommendationChanged;
                void_reservation(work, case.subject.fund, grant, cause).await?;
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
                reserve(work, (grant, case), &rules, shares).await
            })
        })
        .await
    }

    /// What an approval rests on, as it stands at this moment: the partner in good standing, the live reservation,
    /// the approver's authority, the rules of the programme.
    async fn ground(
        &self,
        work: &mut Work,
        grant: GrantId,
        authority: Option<DelegationId>,
    ) -> Result<ApprovalGround, Failure> {
        let state = work.existing::<Grant>(grant).await?;
        let case = state.subject()?;
        state.approvable_by(work.circumstances().actor.person)?;
        let rules = rules_of(work, &state).await?;
        let partner = work.existing::<Partner>(case.partner).await?;
        partner.approved()?;
        let today = work.circumstances().today;
        if partner.is_told_of_subsidy(grant) {
            partner.may_be_subsidised(grant, state.recommended()?, today)?;
        }
        let fund = work.existing::<Fund>(case.fund).await?;
        Ok(ApprovalGround {
            reserved: fund.reserved_by_year(grant, today)?,
            authority: self.authority(work, authority, (case.fund, case.programme)).await?,
            one_approver: rules.limits.one_approver,
            micro: rules.track == Track::Micro,
            scoring: rules.scoring,
        })
    }

    /// Approve a grant; what was reserved is committed in the same moment. Above what this approver may award alone
    /// it is the first of two approvals, and nothing is committed yet.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn approve_grant(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (plans, terms_version, authority): (Vec<Plan>, Text<40>, Option<DelegationId>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "approveGrant", how)?;
        let instalments = planned(order.envelope.command, plans);
        let app = self.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (app, instalments, terms_version) = (app.clone(), instalments.clone(), terms_version.clone());
            Box::pin(async move {
                let ground = app.ground(work, grant, authority).await?;
                let approve = GrantCommand::Approve { instalments, terms_version, ground };
                approve_and_commit(work, grant, approve).await
            })
        })
        .await
    }

    /// Give the second of two approvals, on what the first approved; the money is committed in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn give_second_approval(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        authority: Option<DelegationId>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "giveSecondApproval", how)?;
        let app = self.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let app = app.clone();
            Box::pin(async move {
                let ground = app.ground(work, grant, authority).await?;
                approve_and_commit(work, grant, GrantCommand::ApproveSecond { ground }).await
            })
        })
        .await
    }
}

/// Once the grant is approved, the fund confirms; after the first of two approvals it waits.
async fn approve_and_commit(work: &mut Work, grant: GrantId, approve: GrantCommand) -> Result<(), Failure> {
    work.execute::<Grant>(grant, approve).await?;
    let state = work.read::<Grant>(grant).await?;
    if state.status() == GrantStatus::Approved {
        let fund = state.subject()?.fund;
        work.execute::<Fund>(fund, FundCommand::ConfirmCommitment { grant }).await?;
    }
    Ok(())
}
