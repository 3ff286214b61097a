//! Funds: what can be done with them, and looking them up.

use std::collections::HashMap;

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::fund::{Fund, FundCommand, Opening, RecoveryRule, Restriction};
use crate::domain::identity::{FundId, ReferenceKind};
use crate::domain::money::Money;
use crate::domain::text::Text;
use crate::projections::funds::{FundRecord, list};
use crate::projections::{one, several};

/// What is said of a fund, before it has a reference.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of fund.opened")]
pub struct NewFund {
    pub name: Text<200>,
    pub funder: Text<200>,
    pub restriction: Option<Restriction>,
    pub spend_from: Date,
    pub spend_to: Date,
    pub recovery_rule: RecoveryRule,
}

/// A change of a fund’s budget.
#[derive(Debug, Clone)]
pub struct BudgetChange {
    /// GBP.
    pub amount: Money,
    /// Whose budget.
    pub year: FinancialYear,
    /// The document it rests on.
    pub source: Text<200>,
}

impl App {
    /// Open a fund.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_fund(&self, who: &Identity, how: &How, new: NewFund) -> Result<Done, Failure> {
        let order = self.order(who, "openFund", how)?;
        let id = order.envelope.command.makes("fund");
        let app = self.clone();
        self.carry_out::<Fund, _>(order, id, move |work| {
            let (app, new) = (app.clone(), new.clone());
            Box::pin(async move {
                let reference = app.reference(ReferenceKind::Fund, work).await?;
                let NewFund { name, funder, restriction, spend_from, spend_to, recovery_rule } = new;
                let command = FundCommand::Open(Opening {
                    reference,
                    name,
                    funder,
                    restriction,
                    spend_from,
                    spend_to,
                    recovery_rule,
                });
                Ok(work.execute::<Fund>(id, command).await?)
            })
        })
        .await
    }

    /// Put budget into a fund.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn allocate_budget(
        &self,
        who: &Identity,
        how: &How,
        fund: FundId,
        change: BudgetChange,
    ) -> Result<Done, Failure> {
        let BudgetChange { amount, year, source } = change;
        let order = self.order(who, "allocateBudget", how)?;
        self.ask::<Fund>(order, fund, FundCommand::AllocateBudget { amount, year, source }).await
    }

    /// Take budget out of a fund.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn reduce_budget(
        &self,
        who: &Identity,
        how: &How,
        fund: FundId,
        change: BudgetChange,
    ) -> Result<Done, Failure> {
        let BudgetChange { amount, year, source } = change;
        let order = self.order(who, "reduceBudget", how)?;
        self.ask::<Fund>(order, fund, FundCommand::ReduceBudget { amount, year, source }).await
    }

    /// Funds by name, after one of them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn funds(
        &self,
        who: &Identity,
        after: Option<(String, Uuid)>,
        limit: i64,
    ) -> Result<Vec<(Uuid, FundRecord)>, Failure> {
        may(who, "funds")?;
        Ok(list(self.store.pool(), after, limit).await?)
    }

    /// One fund.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn fund(&self, who: &Identity, id: Uuid) -> Result<FundRecord, Failure> {
        may(who, "fund")?;
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("fund"))
    }

    /// Funds by their ids, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn funds_named(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, FundRecord>, Failure> {
        Ok(several(self.store.pool(), ids).await?)
    }
}
