//! A grant that runs: what holds it up, what is asked back of it, and how it ends. Where money moves, the fund decides
//! in the same commit.

use std::collections::BTreeSet;

use crate::app::authority::of_partner;
use crate::app::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::fund::{Fund, FundCommand, ReleaseCause, YearShare};
use crate::domain::grant::{
    ByYear, CourseCommand, Grant, GrantCommand, RecoveryCommand, RecoveryGround, Replan, ReviewOutcome,
    SuspensionGround,
};
use crate::domain::identity::{ConditionId, GrantId, RecoveryId};
use crate::domain::money::Money;
use crate::domain::partner::Partner;
use crate::domain::text::Text;
use crate::store::work::Work;

/// What is done with a grant that runs, and concerns no other stream.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum Course {
    Suspend { grounds: BTreeSet<SuspensionGround> },
    Resume,
    ProposeTermination,
    WithdrawTermination,
    DeclareUnderspend { amount: Money },
    CompleteReview { outcome: ReviewOutcome },
    Close { final_spend: Option<Money>, outcomes: Vec<Text<300>> },
    DemandRecovery { ground: RecoveryGround, amount: Money },
    WriteOffRecovery { recovery: RecoveryId, amount: Money },
    UndoWriteOff { recovery: RecoveryId, amount: Money },
}

impl Course {
    const fn deed(&self) -> &'static str {
        match self {
            Self::Suspend { .. } => "suspendGrant",
            Self::Resume => "resumeGrant",
            Self::ProposeTermination => "proposeTermination",
            Self::WithdrawTermination => "withdrawTermination",
            Self::DeclareUnderspend { .. } => "declareUnderspend",
            Self::CompleteReview { .. } => "completeAnnualReview",
            Self::Close { .. } => "closeGrant",
            Self::DemandRecovery { .. } => "demandRecovery",
            Self::WriteOffRecovery { .. } => "writeOffRecovery",
            Self::UndoWriteOff { .. } => "undoWriteOff",
        }
    }

    /// The command; a demand takes the id that the order makes.
    fn command(self, demand: RecoveryId) -> GrantCommand {
        GrantCommand::Steer(match self {
            Self::Suspend { grounds } => CourseCommand::Suspend { grounds },
            Self::Resume => CourseCommand::Resume,
            Self::ProposeTermination => CourseCommand::ProposeTermination,
            Self::WithdrawTermination => CourseCommand::WithdrawTermination,
            Self::DeclareUnderspend { amount } => CourseCommand::DeclareUnderspend { amount },
            Self::CompleteReview { outcome } => CourseCommand::CompleteReview { outcome },
            Self::Close { final_spend, outcomes } => CourseCommand::Close { final_spend, outcomes },
            Self::DemandRecovery { ground, amount } => {
                return GrantCommand::Recover(RecoveryCommand::Demand { recovery: demand, ground, amount });
            }
            Self::WriteOffRecovery { recovery, amount } => {
                return GrantCommand::Recover(RecoveryCommand::WriteOff { recovery, amount });
            }
            Self::UndoWriteOff { recovery, amount } => {
                return GrantCommand::Recover(RecoveryCommand::UndoWriteOff { recovery, amount });
            }
        })
    }
}

/// Sums by year as the fund takes them.
pub(super) fn shares(sums: ByYear) -> Vec<YearShare> {
    sums.into_iter().filter_map(|(year, sum)| Some(YearShare { year, amount: Money::some(sum)? })).collect()
}

/// What a grant no longer plans to pay is free again in the fund.
async fn release_what_fell(work: &mut Work, before: &Grant, grant: GrantId) -> Result<(), Failure> {
    let after = work.existing::<Grant>(grant).await?;
    let fell = Replan { from: before.unpaid(), to: after.unpaid() }.falls();
    let cause = ReleaseCause::Underspend;
    let release = FundCommand::ReducePromise { grant, shares: shares(fell), cause };
    Ok(work.execute::<Fund>(before.subject()?.fund, release).await?)
}

impl App {
    /// Take a grant that runs a step further, or end it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn steer_grant(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        course: Course,
    ) -> Result<Done, Failure> {
        let order = self.order(who, course.deed(), how)?;
        let resumes = matches!(course, Course::Resume);
        let command = course.command(RecoveryId(order.envelope.command.makes("recovery")));
        let who = who.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let (who, command) = (who.clone(), command.clone());
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let partner = state.subject()?.partner;
                of_partner(&who, partner, "grant")?;
                work.execute::<Grant>(grant, command).await?;
                // A grant does not go on while its partner, or whoever is paid for it, is suspended.
                if resumes {
                    work.existing::<Partner>(partner).await?.approved()?;
                    work.existing::<Partner>(state.payee()?).await?.approved()?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Waive a condition, with the authority to award the whole grant.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn waive_condition(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        condition: ConditionId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "waiveCondition", how)?;
        let app = self.clone();
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            let app = app.clone();
            Box::pin(async move {
                let authority = app.authority_on(work, grant).await?;
                let waive = CourseCommand::WaiveCondition { condition, authority };
                Ok(work.execute::<Grant>(grant, GrantCommand::Steer(waive)).await?)
            })
        })
        .await
    }

    /// Release what the partner declared will not be spent: instalments are cut from the last one back, and the money
    /// is free again in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn release_unspent(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        amount: Money,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "releaseUnspent", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            Box::pin(async move {
                let before = work.existing::<Grant>(grant).await?;
                let release = GrantCommand::Steer(CourseCommand::ReleaseUnspent { amount });
                work.execute::<Grant>(grant, release).await?;
                release_what_fell(work, &before, grant).await
            })
        })
        .await
    }

    /// End a grant early, as somebody else put forward; what was still to be paid is free again in the same moment.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn terminate_grant(&self, who: &Identity, how: &How, grant: GrantId) -> Result<Done, Failure> {
        let order = self.order(who, "terminateGrant", how)?;
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            Box::pin(async move {
                let before = work.existing::<Grant>(grant).await?;
                work.execute::<Grant>(grant, GrantCommand::Steer(CourseCommand::Terminate)).await?;
                if before.unpaid().is_empty() {
                    return Ok(());
                }
                let release = FundCommand::ReleaseCommitment { grant, cause: ReleaseCause::Terminated };
                Ok(work.execute::<Fund>(before.subject()?.fund, release).await?)
            })
        })
        .await
    }

    /// Record that money asked back came; it is posted to the fund in the same moment, to the years it was paid from,
    /// the latest first.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn record_recovery(
        &self,
        who: &Identity,
        how: &How,
        grant: GrantId,
        (recovery, amount, value_date): (RecoveryId, Money, Date),
    ) -> Result<Done, Failure> {
        let mut order = self.order(who, "recordRecoveryReceived", how)?;
        // Where the funder takes the money back, its budget is reduced, and that is kept with a reason.
        order.envelope.reason.get_or_insert(Text::new("Money that was asked back has come.")?);
        self.carry_out::<Grant, _>(order, grant.0, move |work| {
            Box::pin(async move {
                let state = work.existing::<Grant>(grant).await?;
                let receive = RecoveryCommand::Receive { recovery, amount, value_date };
                work.execute::<Grant>(grant, GrantCommand::Recover(receive)).await?;
                let case = state.subject()?;
                let shares = work.existing::<Fund>(case.fund).await?.recovered_by_year(grant, amount)?;
                let post = FundCommand::PostRecovery { grant, recovery, shares };
                Ok(work.execute::<Fund>(case.fund, post).await?)
            })
        })
        .await
    }
}
