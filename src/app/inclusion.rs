//! Inclusion outcomes: who is reached and what changes, as whoever asks may see it, and the tables that are published.

use uuid::Uuid;

use super::authority::may;
use super::thread::sees_counts;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::{Date, day};
use crate::domain::inclusion_table::{
    InclusionTable, InclusionTableCommand, InclusionTableRefusal, PublishedTables, quarter,
};
use crate::projections::inclusion::{Span, counted};
use crate::projections::inclusion_tables::{InclusionTableRecord, list};

/// Tables as whoever asks may see them.
#[derive(Debug, Clone)]
pub struct Outcomes {
    /// The tables.
    pub tables: PublishedTables,
    /// How many events the log had when they were counted.
    pub cut: i64,
    /// Whether they are exact: those that are not went through the disclosure rule.
    pub is_exact: bool,
}

impl App {
    /// What was counted in a time. Those who see bands ask for whole quarters that are over: times that overlap, or tables
    /// that grow day by day, would give away what each of them hides. Once a quarter is published, they see that.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn inclusion_outcomes(
        &self,
        who: &Identity,
        (from, to): (Date, Date),
        cut: Option<i64>,
    ) -> Result<Outcomes, Failure> {
        may(who, "inclusionOutcomes")?;
        let is_exact = sees_counts(who.role);
        let size = self.store.size().await?;
        let cut = if is_exact {
            cut.map_or(size, |cut| cut.clamp(0, size))
        } else {
            self.one_cut(from, to, size).await?
        };
        let counted = counted(self.store.pool(), Span { from, to, before_index: cut }).await?;
        let tables = if is_exact { counted.exact() } else { counted.publish() };
        Ok(Outcomes { tables, cut, is_exact })
    }

    /// The size of the log at which those who see bands look at a quarter. Between two sizes they could see who was added:
    /// they choose none, and what is published stays what they see.
    async fn one_cut(&self, from: Date, to: Date, size: i64) -> Result<i64, Failure> {
        if quarter(from) != Ok(to) {
            return Err(InclusionTableRefusal::NotAQuarter.into());
        }
        if to >= self.today() {
            return Err(InclusionTableRefusal::QuarterNotOver { to: day(to) }.into());
        }
        let id = Self::inclusion_table_id(from);
        let published: Option<InclusionTableRecord> = crate::projections::one(self.store.pool(), id).await?;
        Ok(published.and_then(|record| i64::try_from(record.cut).ok()).unwrap_or(size))
    }

    /// Publish the tables of a quarter, for everybody. A quarter is published once.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn publish_inclusion_table(
        &self,
        who: &Identity,
        how: &How,
        from: Date,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "publishInclusionTable", how)?;
        let to = quarter(from)?;
        let id = Self::inclusion_table_id(from);
        let store = self.store.clone();
        self.carry_out::<InclusionTable, _>(order, id, move |work| {
            let store = store.clone();
            Box::pin(async move {
                let size = store.size().await?;
                let span = Span { from, to, before_index: size };
                let tables = counted(store.pool(), span).await?.publish();
                let cut = u64::try_from(size).unwrap_or_default();
                let publish = InclusionTableCommand::Publish { from, to, cut, tables };
                Ok(work.execute::<InclusionTable>(id, publish).await?)
            })
        })
        .await
    }

    /// Say that published tables are wrong. They are not published anew.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn withdraw_inclusion_table(
        &self,
        who: &Identity,
        how: &How,
        from: Date,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "withdrawInclusionTable", how)?;
        let id = Self::inclusion_table_id(from);
        self.carry_out::<InclusionTable, _>(order, id, move |work| {
            Box::pin(
                async move { Ok(work.execute::<InclusionTable>(id, InclusionTableCommand::Withdraw).await?) },
            )
        })
        .await
    }

    /// The tables that are published, the latest quarter first.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn inclusion_tables(
        &self,
        who: &Identity,
        limit: i64,
    ) -> Result<Vec<(Uuid, InclusionTableRecord)>, Failure> {
        may(who, "inclusionTables")?;
        Ok(list(self.store.pool(), limit).await?)
    }

    /// The tables of a quarter that were published.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn inclusion_table(&self, id: Uuid) -> Result<InclusionTableRecord, Failure> {
        crate::projections::one(self.store.pool(), id).await?.ok_or(Failure::NotFound("published table"))
    }

    /// Whether published tables come out the same when they are counted again from the log as it was then.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn inclusion_table_agrees(&self, record: &InclusionTableRecord) -> Result<bool, Failure> {
        let before_index = i64::try_from(record.cut).unwrap_or(i64::MAX);
        let span = Span { from: record.from, to: record.to, before_index };
        let again = counted(self.store.pool(), span).await?.publish();
        Ok(Some(again.hash()) == record.sha256)
    }

    fn inclusion_table_id(from: Date) -> Uuid {
        Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("inclusion table of the quarter from {from}").as_bytes())
    }
}
