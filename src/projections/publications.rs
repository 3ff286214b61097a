//! Publications as people read them: what each states and names, with its line, and the caveats on it.

use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Record, Table, Trouble, read};
use crate::domain::calendar::Date;
use crate::domain::identity::{FigureId, SiteId};
use crate::domain::publication::{
    CaveatKind, Citation, Countable, Coverage, FactLabel, FactRef, FigureUnit, FigureValue, MentionKind,
    PartialDate, PublicationEvent, Standing,
};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// A value a figure had before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerValue {
    /// The value.
    pub value: FigureValue,
    /// Until this day.
    pub until: Date,
}

/// A figure as it is stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureRecord {
    /// The figure.
    pub figure: FigureId,
    /// Its label in the document.
    pub label: FactLabel,
    /// What was measured.
    pub measure: String,
    /// What it counts.
    pub unit: FigureUnit,
    /// The value.
    pub value: FigureValue,
    /// What it can be set beside.
    pub beside: Option<Countable>,
    /// The channel, where it is of one.
    pub channel: Option<SiteId>,
    /// When and where it holds.
    pub coverage: Coverage,
    /// Where and how it is printed.
    pub citation: Citation,
    /// Whether it may be added.
    pub standing: Standing,
    /// The values it had before, earliest first.
    pub former: Vec<FormerValue>,
    /// When it was withdrawn.
    pub withdrawn_on: Option<Date>,
}

/// Something a document names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MentionRecord {
    /// Its label in the document.
    pub label: FactLabel,
    /// What kind of thing.
    pub kind: MentionKind,
    /// What.
    pub subject: String,
    /// What more can be said of its kind.
    pub detail: Option<String>,
    /// When and where.
    pub coverage: Coverage,
    /// Where and how it is printed.
    pub citation: Citation,
}

/// A caveat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaveatRecord {
    /// Its label in the document.
    pub label: FactLabel,
    /// What stands between the figures.
    pub kind: CaveatKind,
    /// What must hold, or seems to.
    pub relation: String,
    /// Why it does not, or what to keep in mind.
    pub note: Option<String>,
    /// What it is about.
    pub about: Vec<FactRef>,
}

/// A publication as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PublicationRecord {
    /// What its lines are cited by.
    pub code: String,
    /// Title.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// When it was published, as far as is known.
    pub published: Option<PartialDate>,
    /// Which period it is about, in its own words.
    pub period: Option<String>,
    /// Its figures, in the order they were stated.
    pub figures: Vec<FigureRecord>,
    /// What it names, in the order it was noted.
    pub mentions: Vec<MentionRecord>,
    /// Caveats noted with it; they may be about other publications too.
    pub caveats: Vec<CaveatRecord>,
}

impl PublicationRecord {
    /// The figure under a label, where it stands.
    #[must_use]
    pub fn figure(&self, label: &FactLabel) -> Option<&FigureRecord> {
        self.figures.iter().find(|figure| figure.label == *label && figure.withdrawn_on.is_none())
    }

    fn change(&mut self, label: &FactLabel, how: impl FnOnce(&mut FigureRecord)) {
        if let Some(figure) = self.figures.iter_mut().find(|figure| figure.label == *label) {
            how(figure);
        }
    }
}

impl Record for PublicationRecord {
    const TABLE: Table = Table {
        name: "publication",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            code text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'code') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE INDEX ON {table} (code, id)",
            "CREATE INDEX ON {table} USING gin ((doc -> 'figures') jsonb_path_ops)",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "publication";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Publication(fact) = &event.fact else { return false };
        let on = event.effective_on;
        match fact.clone() {
            PublicationEvent::Described { code, title, publisher, published, period } => {
                *self = Self {
                    code: code.to_string(),
                    title: title.to_string(),
                    publisher: publisher.to_string(),
                    published,
                    period: period.map(|words| words.to_string()),
                    ..Self::default()
                };
            }
            PublicationEvent::FigureStated {
                figure,
                label,
                measure,
                unit,
                value,
                beside,
                channel,
                coverage,
                citation,
                standing,
            } => self.figures.push(FigureRecord {
                figure,
                label,
                measure: measure.to_string(),
                unit,
                value,
                beside,
                channel,
                coverage,
                citation,
                standing,
                former: Vec::new(),
                withdrawn_on: None,
            }),
            PublicationEvent::FigureRestated { label, from, to, citation } => self.change(&label, |figure| {
                figure.former.push(FormerValue { value: from, until: on });
                (figure.value, figure.citation) = (to, citation);
            }),
            PublicationEvent::FigureWithdrawn { label } => {
                self.change(&label, |figure| figure.withdrawn_on = Some(on));
            }
            PublicationEvent::MentionNoted { label, kind, subject, detail, coverage, citation } => {
                let (subject, detail) = (subject.to_string(), detail.map(|words| words.to_string()));
                self.mentions.push(MentionRecord { label, kind, subject, detail, coverage, citation });
            }
            PublicationEvent::CaveatNoted { label, kind, relation, note, about } => {
                let (relation, note) = (relation.to_string(), note.map(|words| words.to_string()));
                self.caveats.push(CaveatRecord { label, kind, relation, note, about });
            }
        }
        true
    }
}

/// The publication that states a figure.
///
/// # Errors
/// When the database fails.
pub async fn of_figure(
    executor: impl PgExecutor<'_>,
    figure: FigureId,
) -> Result<Option<(Uuid, PublicationRecord)>, Trouble> {
    let rows = sqlx::query(
        "SELECT id, doc::text FROM publication
         WHERE doc -> 'figures' @> jsonb_build_array(jsonb_build_object('figure', $1::text))",
    );
    Ok(read(&rows.bind(figure.to_string()).fetch_all(executor).await?)?.pop())
}

/// Every publication, by the code its lines are cited by.
///
/// # Errors
/// When the database fails.
pub async fn list(executor: impl PgExecutor<'_>) -> Result<Vec<(Uuid, PublicationRecord)>, Trouble> {
    let rows = sqlx::query("SELECT id, doc::text FROM publication ORDER BY code, id");
    read(&rows.fetch_all(executor).await?)
}
