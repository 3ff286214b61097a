//! Funds: what can be done with them, and looking them up.

use std::collections::HashMap;

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How, Order};
use crate::auth::Identity;
use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::fund::{Fund, FundCommand, Opening, RecoveryRule, Restriction, Transfer};
use crate::domain::grant::Grant;
use crate::domain::identity::{FundId, GrantId, ReferenceKind, TransferId};
use crate::domain::money::Money;
use crate::domain::text::Text;
use crate::projections::funds::FundRecord;
use crate::projections::{by_name, one, several};

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

/// What is to be closed.
#[derive(Debug, Clone, Copy)]
pub enum Closing {
    /// A financial year.
    Year {
        /// Which.
        year: FinancialYear,
        /// Whether what is promised and not yet paid moves to the next year; otherwise nothing may be.
        carry_commitments: bool,
    },
    /// The whole fund.
    Fund,
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

    /// Nothing happens to the budget of a fund before there is one. The day a fund was opened never changes.
    async fn must_have_opened(&self, order: &Order, funds: &[FundId]) -> Result<(), Failure> {
        let ids: Vec<Uuid> = funds.iter().map(|fund| fund.0).collect();
        let opened = self.funds_named(&ids).await?.into_values().map(|fund| fund.opened_on);
        match opened.max() {
            Some(opened) if order.envelope.effective_on < opened => Err(Failure::refused(
                "fund.not_yet_open",
                format!("The fund was opened on {}: date it on that day or later.", day(opened)),
            )),
            _ => Ok(()),
        }
    }

    /// Nothing is set aside for a grant before the fund it draws on was opened.
    pub(super) async fn fund_must_have_opened(&self, order: &Order, grant: GrantId) -> Result<(), Failure> {
        if order.envelope.effective_on >= self.today() {
            return Ok(());
        }
        match self.store.look::<Grant>(grant).await?.subject() {
            Ok(subject) => self.must_have_opened(order, &[subject.fund]).await,
            // Whoever asks about what is not there is told so by the decision.
            Err(_) => Ok(()),
        }
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
        self.must_have_opened(&order, &[fund]).await?;
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
        self.must_have_opened(&order, &[fund]).await?;
        self.ask::<Fund>(order, fund, FundCommand::ReduceBudget { amount, year, source }).await
    }

    /// Move budget from one fund to another, where the terms of the money allow it. Both funds decide in one commit.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn transfer_budget(
        &self,
        who: &Identity,
        how: &How,
        (from, to): (FundId, FundId),
        (amount, year): (Money, FinancialYear),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "transferBudget", how)?;
        self.must_have_opened(&order, &[from, to]).await?;
        let id = TransferId(order.envelope.command.makes("transfer"));
        let transfer = Transfer { id, from, to, amount, year };
        self.carry_out::<Fund, _>(order, from.0, move |work| {
            Box::pin(async move {
                work.existing::<Fund>(from).await?;
                let receiver = work.existing::<Fund>(to).await?.terms()?.clone();
                work.execute::<Fund>(from, FundCommand::TransferOut { transfer, receiver }).await?;
                Ok(work.execute::<Fund>(to, FundCommand::TransferIn(transfer)).await?)
            })
        })
        .await
    }

    /// Carry budget that is available in one year forward to a later one.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn carry_budget_forward(
        &self,
        who: &Identity,
        how: &How,
        fund: FundId,
        ((from, to), amount): ((FinancialYear, FinancialYear), Money),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "carryBudgetForward", how)?;
        self.must_have_opened(&order, &[fund]).await?;
        self.ask::<Fund>(order, fund, FundCommand::CarryForward { from, to, amount }).await
    }

    /// Close a financial year of a fund, or the fund itself where no year is named. What is promised and not yet
    /// paid moves to the next year where that is asked for.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn close_fund(
        &self,
        who: &Identity,
        how: &How,
        fund: FundId,
        closing: Closing,
    ) -> Result<Done, Failure> {
        let deed = match closing {
            Closing::Year { .. } => "closeYear",
            Closing::Fund => "closeFund",
        };
        let order = self.order(who, deed, how)?;
        let store = self.store.clone();
        self.carry_out::<Fund, _>(order, fund.0, move |work| {
            let store = store.clone();
            Box::pin(async move {
                work.existing::<Fund>(fund).await?;
                // Read after the fund: should the fund move on meanwhile, all of this is done again.
                let log_size = u64::try_from(store.size().await?).unwrap_or_default();
                let command = match closing {
                    Closing::Year { year, carry_commitments } => {
                        FundCommand::CloseYear { year, carry_commitments, log_size }
                    }
                    Closing::Fund => FundCommand::Close { log_size },
                };
                Ok(work.execute::<Fund>(fund, command).await?)
            })
        })
        .await
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
        Ok(by_name(self.store.pool(), after, limit).await?)
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
