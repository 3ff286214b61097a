//! Variations: what they need is reserved when they are asked for, and moves in the moment they are decided.

use super::running::shares;
use super::{Plan, intended, planned, required_checks, reserve, rules_of, void_reservation};
use crate::app::authority::of_partner;
use crate::app::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::fund::{Fund, FundCommand, IntendedUse, ReleaseCause};
use crate::domain::grant::{ByYear, Change, Grant, GrantCommand, Slot, VariationCommand, Wish};
use crate::domain::identity::{CommandId, GrantId, InstalmentId, PartnerId, VariationId};
use crate::domain::money::Money;
use crate::domain::partner::{Partner, PartnerCommand};
use crate::domain::programme::Rules;
use crate::domain::text::Text;
use crate::store::work::Work;

/// A payment as it is wanted in another schedule.
#[derive(Debug, Clone)]
pub struct NewSlot {
    /// The instalment it keeps; none for one that is new.
    pub instalment: Option<InstalmentId>,
    /// GBP.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The year whose budget it uses; that of the due date if not given.
    pub year: Option<FinancialYear>,
}

/// What somebody wants changed, from what to what, before new instalments have ids.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the change they lead to")]
pub enum NewVariation {
    Amount { from: Money, to: Money, added: Vec<Plan> },
    End { from: Date, to: Date },
    Purpose { from: Text<2000>, to: Text<2000> },
    Payee { from: PartnerId, to: PartnerId },
    Schedule { from: Vec<Slot>, to: Vec<NewSlot> },
}

impl NewVariation {
    const fn deed(&self) -> &'static str {
        match self {
            Self::Amount { .. } => "requestAmountVariation",
            Self::End { .. } => "requestEndVariation",
            Self::Purpose { .. } => "requestPurposeVariation",
            Self::Payee { .. } => "requestPayeeVariation",
            Self::Schedule { .. } => "requestScheduleVariation",
        }
    }

    fn wish(self, command: CommandId) -> Wish {
        match self {
            Self::Amount { from, to, added } => Wish::Amount { from, to, added: planned(command, added) },
            Self::End { from, to } => Wish::End { from, to },
            Self::Purpose { from, to } => Wish::Purpose { from, to },
            Self::Payee { from, to } => Wish::Payee { from, to },
            Self::Schedule { from, to } => {
                let slot = |(place, one): (usize, NewSlot)| Slot {
                    instalment: one
                        .instalment
                        .unwrap_or_else(|| InstalmentId(command.makes(&format!("instalment {place}")))),
                    amount: one.amount,
                    due: one.due,
                    year: one.year.unwrap_or_else(|| FinancialYear::of(one.due)),
                };
                Wish::Schedule { from, to: to.into_iter().enumerate().map(slot).collect() }
            }
        }
    }
}

/// What a change means for the other parties: the fund must allow it, and a payee must be on the record.
async fn fits(work: &mut Work, state: &Grant, rules: &Rules, change: &Change) -> Result<(), Failure> {
    let case = state.case()?;
    let fund = work.existing::<Fund>(case.subject.fund).await?;
    match change {
        Change::End { to, .. } => {
            let period = (case.period.0, *to);
            Ok(fund.allows(&IntendedUse { period, ..intended(case, rules) })?)
        }
        Change::Purpose { .. } => Ok(fund.allows_purpose(&rules.purpose)?),
        Change::Payee { to, .. } => Ok(work.existing::<Partner>(*to).await?.approved()?),
        Change::Amount { .. } | Change::Schedule { .. } => Ok(()),
    }
}

impl App {
    /// Ask for a change of a grant that runs, and say why it is needed. What it needs is reserved in the same moment;
    /// only staff ask for more money.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn request_variation(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (new, justification): (NewVariation, Text<2000>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, new.deed(), how)?;
        self.fund_must_have_opened(&order, grant).await?;
        let variation = VariationId(order.envelope.command.makes("variation"));
        let wish = new.wish(order.envelope.command);
        let who = who.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (who, wish, justification) = (who.clone(), wish.clone(), justification.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                of_partner(&who, state.subject()?.partner, "grant")?;
                let rules = rules_of(work, &state).await?;
                let request = VariationCommand::Request { variation, justification, wish };
                work.execute::<Grant>(grant, GrantCommand::Vary(request)).await?;
                let change = work.existing::<Grant>(grant).await?.asked(variation)?.clone();
                fits(work, &state, &rules, &change).await?;
                let rises = change.rises();
                if rises.is_empty() {
                    return Ok(());
                }
                if who.role.is_of_a_partner() {
                    return Err(Failure::refused(
                        "grant.increase_by_staff",
                        "This needs money that is not set aside: ask commissioning staff to put it forward.",
                    ));
                }
                reserve(work, (grant, state.case()?), &rules, shares(rises)).await
            })
        })
        .await
    }

    /// Approve a change; money it needs is committed, and money it frees is released, in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn approve_variation(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        variation: VariationId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "approveVariation", how)?;
        let app = self.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let app = app.clone();
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let rules = rules_of(work, &state).await?;
                let case = state.subject()?;
                let change = state.asked(variation)?.clone();
                let partner = work.existing::<Partner>(case.partner).await?;
                partner.approved()?;
                fits(work, &state, &rules, &change).await?;
                let today = work.circumstances().today;
                if let Change::Payee { to, .. } = &change {
                    work.existing::<Partner>(*to).await?.payable(today, &required_checks(&rules))?;
                }
                // What a change adds to minimal financial assistance is given as the grant itself was: confirmed first.
                let whole = change.raises_to().filter(|whole| partner.is_more_subsidy(grant, *whole));
                if let Some(whole) = whole {
                    partner.may_be_subsidised(grant, whole, today)?;
                }
                let rising = !change.rises().is_empty();
                let mut reserved = ByYear::new();
                if rising {
                    reserved = work.existing::<Fund>(case.fund).await?.reserved_by_year(grant, today)?;
                }
                let authority = app.authority_on(work, grant).await?;
                let approve = VariationCommand::Approve {
                    variation,
                    authority,
                    one_approver: rules.limits.one_approver,
                    reserved,
                };
                work.execute::<Grant>(grant, GrantCommand::Vary(approve)).await?;
                // The first of two approvals: what was asked for still waits.
                if work.existing::<Grant>(grant).await?.asked(variation).is_ok() {
                    return Ok(());
                }
                if let Some(amount) = whole {
                    let give = PartnerCommand::GiveSubsidy { grant, amount };
                    work.execute::<Partner>(case.partner, give).await?;
                }
                if rising {
                    work.execute::<Fund>(case.fund, FundCommand::ConfirmCommitment { grant }).await?;
                }
                let falls = change.falls();
                if !falls.is_empty() {
                    let (shares, cause) = (shares(falls), ReleaseCause::Varied);
                    let release = FundCommand::ReducePromise { grant, shares, cause };
                    work.execute::<Fund>(case.fund, release).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Refuse a change; money reserved for it is free again in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn refuse_variation(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (variation, feedback): (VariationId, Text<2000>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "refuseVariation", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let feedback = feedback.clone();
            Box::pin(async move {
                let fund = work.existing::<Grant>(grant).await?.subject()?.fund;
                let refuse = GrantCommand::Vary(VariationCommand::Refuse { variation, feedback });
                work.execute::<Grant>(grant, refuse).await?;
                void_reservation(work, fund, grant, ReleaseCause::VariationRefused).await
            })
        })
        .await
    }
}
