//! Inclusion outcomes on the wire: who is reached and what changes, and the tables that everybody sees.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{AsAt, Code, Date, Meant, Receipt, asked, counting_as_at, size, told};
use crate::app::{Done, Failure};
use crate::domain::disclosure::Shown;
use crate::domain::inclusion_table::{InclusionBy, PublishedChange, PublishedRow, PublishedTables};
use crate::domain::outcome::Measure;
use crate::projections::inclusion_tables::InclusionTableRecord;

/// A count as it is shown.
#[derive(Debug, Clone, SimpleObject)]
pub struct ShownCount {
    /// As it is written in a table: `*` where it is withheld.
    pub shown: String,
    /// The figure; none where it is withheld. A published figure is nought or rounded to the nearest 5.
    pub count: Option<i64>,
}

impl From<Shown> for ShownCount {
    fn from(shown: Shown) -> Self {
        Self { shown: shown.to_string(), count: shown.count().and_then(|count| i64::try_from(count).ok()) }
    }
}

/// What changed by one measure, for those who were asked before and after.
#[derive(Debug, Clone, SimpleObject)]
pub struct InclusionChange {
    /// What was measured.
    pub measure: Code<Measure>,
    /// How many were asked before and after; whether a goal was met is asked afterwards only.
    pub asked: ShownCount,
    /// For how many it changed for the better, or whose goal was met.
    pub better: ShownCount,
    /// How many per cent that is, worked out from the two counts as they are shown.
    pub better_percent: Option<i64>,
    /// The mean change in points to the nearest fifth, such as "-1.2"; only over 8 people or more.
    pub mean: Option<String>,
}

impl InclusionChange {
    fn read(change: &PublishedChange) -> Option<Self> {
        let percent = change.better.percent_of(change.asked);
        Some(Self {
            measure: Code(Measure::from_code(change.measure.as_str())?),
            asked: change.asked.into(),
            better: change.better.into(),
            better_percent: percent.and_then(|percent| i64::try_from(percent).ok()),
            mean: change.mean.map(|mean| mean.to_string()),
        })
    }
}

/// Who was reached and what changed, for everybody or for one row of a table.
#[derive(Debug, Clone, SimpleObject)]
pub struct InclusionFigures {
    /// What it is of: the code of an area, a community or a need, the id of a partner or an offer, `not_said`, or `all`.
    pub key: String,
    /// Different people; none by partner, where they would be others than in the whole.
    pub people: Option<ShownCount>,
    /// Talks; none by partner or offer.
    pub contacts: Option<ShownCount>,
    /// Prescriptions that were made.
    pub made: ShownCount,
    /// Prescriptions that people started.
    pub started: ShownCount,
    /// Prescriptions that people completed.
    pub completed: ShownCount,
    /// What changed.
    pub changes: Vec<InclusionChange>,
}

impl From<&PublishedRow> for InclusionFigures {
    fn from(row: &PublishedRow) -> Self {
        Self {
            key: row.key.to_string(),
            people: row.people.map(ShownCount::from),
            contacts: row.contacts.map(ShownCount::from),
            made: row.made.into(),
            started: row.started.into(),
            completed: row.completed.into(),
            changes: row.changes.iter().filter_map(InclusionChange::read).collect(),
        }
    }
}

/// A table: by what people are told apart, and its rows.
#[derive(Debug, Clone, SimpleObject)]
pub struct InclusionBreakdown {
    /// By what.
    pub by: Code<InclusionBy>,
    /// Its rows.
    pub rows: Vec<InclusionFigures>,
}

fn tables_of(tables: &PublishedTables) -> Vec<InclusionBreakdown> {
    let table = |table: &crate::domain::inclusion_table::PublishedTable| InclusionBreakdown {
        by: Code(table.by),
        rows: table.rows.iter().map(InclusionFigures::from).collect(),
    };
    tables.tables.iter().map(table).collect()
}

/// Who is reached and what changes in a time.
#[derive(Debug, Clone, SimpleObject)]
pub struct InclusionOutcomes {
    /// Everybody.
    pub whole: InclusionFigures,
    /// Broken down.
    pub tables: Vec<InclusionBreakdown>,
    /// How many events the log had when it was counted.
    pub events: i64,
    /// Whether the counts are exact. Those that are not went through the disclosure rule.
    pub is_exact: bool,
}

/// Published tables of a quarter.
pub struct InclusionTable {
    id: Uuid,
    record: InclusionTableRecord,
}

/// Published tables of a quarter: small counts are stars, the others go to the nearest 5.
#[Object]
impl InclusionTable {
    /// Their id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// The first day counted.
    async fn from(&self) -> Date {
        Date(self.record.from)
    }
    /// The last day counted.
    async fn to(&self) -> Date {
        Date(self.record.to)
    }
    /// How many events the log had when it was counted: from there anybody who holds the log can count again.
    async fn events(&self) -> i64 {
        i64::try_from(self.record.cut).unwrap_or_default()
    }
    /// The rule it was put through, by name and version.
    async fn rule(&self) -> &str {
        &self.record.rule
    }
    /// When it was published.
    async fn published_on(&self) -> Date {
        Date(self.record.published_on)
    }
    /// When it was withdrawn as wrong.
    async fn withdrawn_on(&self) -> Option<Date> {
        self.record.withdrawn_on.map(Date)
    }
    /// The SHA-256 of the tables as they are stored, 64 hexadecimal digits.
    async fn sha256(&self) -> Option<String> {
        self.record.sha256.as_ref().map(ToString::to_string)
    }
    /// Everybody.
    async fn whole(&self) -> Option<InclusionFigures> {
        self.record.tables.as_ref().map(|tables| InclusionFigures::from(&tables.whole))
    }
    /// Broken down.
    async fn tables(&self) -> Vec<InclusionBreakdown> {
        self.record.tables.as_ref().map(tables_of).unwrap_or_default()
    }
    /// Whether it comes out the same when it is counted again from the log as it was then.
    #[graphql(complexity = 500)]
    async fn agrees(&self, ctx: &Context<'_>) -> Result<bool> {
        asked(ctx)?.0.inclusion_table_agrees(&self.record).await.map_err(told)
    }
}

/// A quarter to be published, or published tables to be withdrawn.
#[derive(Debug, Clone, InputObject)]
pub struct InclusionTableInput {
    /// The first day of the quarter.
    pub from: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on published tables leads to.
#[derive(SimpleObject)]
pub struct InclusionTablePayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The tables.
    pub inclusion_table: InclusionTable,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<InclusionTablePayload> {
    let done = done.map_err(told)?;
    let record = asked(ctx)?.0.inclusion_table(done.id).await.map_err(told)?;
    let inclusion_table = InclusionTable { id: done.id, record };
    Ok(InclusionTablePayload { receipt: done.into(), inclusion_table })
}

/// Queries about inclusion outcomes.
#[derive(Default)]
pub struct InclusionQueries;

#[Object]
impl InclusionQueries {
    /// Who is reached and what changes. Advisors and auditors see the counts, of any time; everybody else sees bands, of
    /// whole quarters that are over: as published, once they are.
    #[graphql(complexity = "200 * child_complexity")]
    async fn inclusion_outcomes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first day counted.")] from: Date,
        #[graphql(desc = "The last day counted.")] to: Date,
        #[graphql(desc = "Broken down by these only; by all if left out.")] by: Option<
            Vec<Code<InclusionBy>>,
        >,
        #[graphql(desc = "As the log was with so many events, for those who see the counts.")] events: Option<
            i64,
        >,
        #[graphql(desc = "As it stood, for those who see the counts; as it stands if left out.")]
        as_at: Option<AsAt>,
    ) -> Result<InclusionOutcomes> {
        let (app, who) = counting_as_at(ctx, as_at.unwrap_or_default().any_moment(ctx)?).await?;
        let found = app.inclusion_outcomes(who, (from.0, to.0), events).await.map_err(told)?;
        let wanted = |table: &InclusionBreakdown| by.as_ref().is_none_or(|by| by.contains(&table.by));
        Ok(InclusionOutcomes {
            whole: InclusionFigures::from(&found.tables.whole),
            tables: tables_of(&found.tables).into_iter().filter(wanted).collect(),
            events: found.cut,
            is_exact: found.is_exact,
        })
    }

    /// The tables that are published, the latest quarter first.
    #[graphql(complexity = "first.unwrap_or(4) as usize * child_complexity")]
    async fn inclusion_tables(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many quarters at most: 1 to 500; 4 if left out.")] first: Option<i32>,
    ) -> Result<Vec<InclusionTable>> {
        let (app, who) = asked(ctx)?;
        let found = app.inclusion_tables(who, size(first.or(Some(4)))?).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, record)| InclusionTable { id, record }).collect())
    }
}

/// Commands on published tables.
#[derive(Default)]
pub struct InclusionMutations;

#[Object]
impl InclusionMutations {
    /// Publish the tables of a quarter that is over, for everybody. A quarter is published once.
    async fn publish_inclusion_table(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quarter.")] input: InclusionTableInput,
    ) -> Result<InclusionTablePayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.publish_inclusion_table(who, &how, input.from.0).await).await
    }

    /// Say that published tables are wrong: they are shown as withdrawn and not published anew. Needs a reason.
    async fn withdraw_inclusion_table(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The quarter.")] input: InclusionTableInput,
    ) -> Result<InclusionTablePayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.withdraw_inclusion_table(who, &how, input.from.0).await).await
    }
}
