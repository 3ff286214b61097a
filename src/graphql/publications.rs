//! Published figures on the wire: what documents print, beside what this record counted itself.

use async_graphql::{Context, Object, Result, SimpleObject};
use uuid::Uuid;

mod commands;

use super::{Code, Count, Date, Entered, Meant, Money, Receipt, asked, size, told};
use crate::app::publications::{Counted, Noted, Parts, Published, Wanted};
use crate::domain::places::Area;
use crate::domain::publication::{
    Bound, CaveatKind, Countable, Coverage, FactLabel, FigureUnit, FigureValue, MentionKind, PartialDate,
    Publication as Aggregate, Quantity, Standing,
};
use crate::projections::publications::{CaveatRecord, PublicationRecord};
pub use commands::PublicationMutations;

/// A document whose figures are on the record.
#[derive(Debug, Clone)]
pub struct Publication {
    id: Uuid,
    record: PublicationRecord,
}

/// A document whose figures are on the record.
#[Object]
impl Publication {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// What its lines are cited by, such as `B` in B:182.
    async fn code(&self) -> &str {
        &self.record.code
    }
    /// Its title.
    async fn title(&self) -> &str {
        &self.record.title
    }
    /// Who published it.
    async fn publisher(&self) -> &str {
        &self.record.publisher
    }
    /// When it was published, as exactly as is known: `2022`, `2022-06` or `2022-06-09`.
    async fn published(&self) -> Option<String> {
        self.record.published.map(|date| date.to_string())
    }
    /// Which period it is about, in its own words.
    async fn period(&self) -> Option<&str> {
        self.record.period.as_deref()
    }
    /// How many of its figures stand.
    async fn figure_count(&self) -> usize {
        self.record.figures.iter().filter(|figure| figure.withdrawn_on.is_none()).count()
    }
    /// How many things it names beside its figures.
    async fn mention_count(&self) -> usize {
        self.record.mentions.len()
    }
    /// The caveats noted with it; they may be about other publications too.
    async fn caveats(&self) -> Vec<FigureCaveat> {
        self.record.caveats.iter().map(FigureCaveat::from).collect()
    }
}

/// When and where something printed holds.
#[derive(Debug, Clone, SimpleObject)]
pub struct PrintedCoverage {
    /// When the period begins, as exactly as it is printed: `2020`, `2020-04` or `2020-04-01`.
    pub from: Option<String>,
    /// When the period ends, as exactly as it is printed.
    pub to: Option<String>,
    /// The date it happened on or was counted as of, as exactly as it is printed.
    pub date: Option<String>,
    /// The places, in the words of the document.
    pub places: Vec<String>,
    /// The areas of this record that those places stand for.
    pub areas: Vec<Code<Area>>,
    /// The organisation it names.
    pub organisation: Option<String>,
}

impl From<&Coverage> for PrintedCoverage {
    fn from(coverage: &Coverage) -> Self {
        Self {
            from: coverage.period.map(|period| period.from.to_string()),
            to: coverage.period.map(|period| period.to.to_string()),
            date: coverage.date.map(|date| date.to_string()),
            places: coverage.places.iter().map(ToString::to_string).collect(),
            areas: coverage.areas.iter().copied().map(Code).collect(),
            organisation: coverage.organisation.as_ref().map(ToString::to_string),
        }
    }
}

/// Where and how something is printed.
#[derive(Debug, Clone, SimpleObject)]
pub struct Printed {
    /// The publication.
    pub publication_id: Uuid,
    /// What the lines of the publication are cited by.
    pub code: String,
    /// The line, from 1.
    pub line: u32,
    /// The words as printed.
    pub token: String,
    /// How they were read, where that had to be decided.
    pub reading: Option<String>,
    /// What to keep in mind.
    pub note: Option<String>,
}

/// A printed value: a whole number, or a sum of money.
#[derive(Debug, Clone, SimpleObject)]
pub struct PrintedValue {
    /// How it is meant.
    pub bound: Code<Bound>,
    /// The number, of any unit but pounds.
    pub count: Option<Count>,
    /// The sum, in pounds.
    pub amount: Option<Money>,
    /// In words, such as `at least 30,440`.
    pub words: String,
}

impl From<FigureValue> for PrintedValue {
    fn from(value: FigureValue) -> Self {
        let (count, amount) = match value.quantity {
            Quantity::Count(count) => (Some(Count(count)), None),
            Quantity::Money(amount) => (None, Some(amount.into())),
        };
        Self { bound: Code(value.bound), count, amount, words: value.to_string() }
    }
}

/// A value a figure had before it was stated anew.
#[derive(Debug, Clone, SimpleObject)]
pub struct FormerlyPrinted {
    /// The value.
    pub value: PrintedValue,
    /// Until this day.
    pub until: Date,
}

/// What the parts of a printed total come to. Computed: the printed total is held beside it and added to nothing.
#[derive(Debug, Clone, SimpleObject)]
pub struct SumOfParts {
    /// The labels of the parts.
    pub parts: Vec<String>,
    /// Their sum; none where it cannot be computed.
    pub sum: Option<i64>,
    /// The printed total less the sum: 0 where the document adds up.
    pub gap: Option<i64>,
}

/// A figure that this one repeats.
#[derive(Debug, Clone, SimpleObject)]
pub struct RepeatedFigure {
    /// Its label.
    pub label: String,
    /// Its value.
    pub value: PrintedValue,
}

/// What this record counted itself, beside a stated figure.
#[derive(Debug, Clone, SimpleObject)]
pub struct CountedHere {
    /// What was counted.
    pub what: Code<Countable>,
    /// How many; none where this record has nothing to count.
    pub count: Option<i64>,
    /// The stated value less the counted one; none where they are not of the same days. A figure that says "at least"
    /// may well be below what was counted.
    pub gap: Option<i64>,
    /// What to know before comparing them.
    pub remark: Option<String>,
}

impl From<Counted> for CountedHere {
    fn from(counted: Counted) -> Self {
        let Counted { what, count, gap, remark } = counted;
        Self { what: Code(what), count, gap, remark }
    }
}

/// One thing a publication states or names, by its label.
#[derive(Debug, Clone, SimpleObject)]
pub struct LabelRef {
    /// The publication.
    pub publication_id: Uuid,
    /// The label.
    pub label: String,
}

/// A caveat: that figures disagree, may not be compared or added, or need care.
#[derive(Debug, Clone, SimpleObject)]
pub struct FigureCaveat {
    /// Its label.
    pub label: String,
    /// What stands between the figures.
    pub kind: Code<CaveatKind>,
    /// What must hold, or seems to.
    pub relation: String,
    /// Why it does not, or what to keep in mind.
    pub note: Option<String>,
    /// What it is about.
    pub about: Vec<LabelRef>,
}

impl From<&CaveatRecord> for FigureCaveat {
    fn from(record: &CaveatRecord) -> Self {
        let about = record
            .about
            .iter()
            .map(|one| LabelRef { publication_id: one.publication.0, label: one.label.to_string() });
        Self {
            label: record.label.to_string(),
            kind: Code(record.kind),
            relation: record.relation.clone(),
            note: record.note.clone(),
            about: about.collect(),
        }
    }
}

/// A figure as a document states it, with what stands beside it.
#[derive(Debug, Clone)]
pub struct PublishedFigure(Published);

/// A figure as a document states it, with what stands beside it.
#[Object]
impl PublishedFigure {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.0.record.figure.0
    }
    /// Its label in the publication.
    async fn label(&self) -> &str {
        self.0.record.label.as_str()
    }
    /// What was measured, in words.
    async fn measure(&self) -> &str {
        &self.0.record.measure
    }
    /// What it counts. Figures of different units are never added.
    async fn unit(&self) -> Code<FigureUnit> {
        Code(self.0.record.unit)
    }
    /// The value as printed.
    async fn value(&self) -> PrintedValue {
        self.0.record.value.into()
    }
    /// The values it had before, earliest first.
    async fn former(&self) -> Vec<FormerlyPrinted> {
        let former = self.0.record.former.iter();
        former.map(|one| FormerlyPrinted { value: one.value.into(), until: Date(one.until) }).collect()
    }
    /// The channel, where it is the views of one channel of this record.
    async fn channel_id(&self) -> Option<Uuid> {
        self.0.record.channel.map(|channel| channel.0)
    }
    /// When and where it holds.
    async fn coverage(&self) -> PrintedCoverage {
        (&self.0.record.coverage).into()
    }
    /// Where and how it is printed.
    async fn printed(&self) -> Printed {
        printed(self.0.publication, &self.0.code, &self.0.record.citation)
    }
    /// What its parts come to, where it is a printed total.
    async fn sum_of_parts(&self) -> Option<SumOfParts> {
        let Standing::TotalOf(labels) = &self.0.record.standing else { return None };
        let (sum, gap) = self.0.parts.map(|Parts { sum, gap }| (sum, gap)).unzip();
        Some(SumOfParts { parts: labels.iter().map(ToString::to_string).collect(), sum, gap })
    }
    /// The figure it repeats, where the document prints one twice: it is not added again.
    async fn repeats(&self) -> Option<RepeatedFigure> {
        let first = self.0.repeats.as_ref()?;
        Some(RepeatedFigure { label: first.label.to_string(), value: first.value.into() })
    }
    /// What this record counted itself over the same days and areas. For staff and auditors; nothing for others.
    async fn counted(&self) -> Option<CountedHere> {
        self.0.counted.clone().map(CountedHere::from)
    }
    /// The caveats on it, of whichever publication.
    async fn caveats(&self) -> Vec<FigureCaveat> {
        self.0.caveats.iter().map(FigureCaveat::from).collect()
    }
    /// When it was withdrawn: it then counts no more.
    async fn withdrawn_on(&self) -> Option<Date> {
        self.0.record.withdrawn_on.map(Date)
    }
}

fn printed(publication: Uuid, code: &str, citation: &crate::domain::publication::Citation) -> Printed {
    Printed {
        publication_id: publication,
        code: code.to_owned(),
        line: citation.line,
        token: citation.token.to_string(),
        reading: citation.reading.as_ref().map(ToString::to_string),
        note: citation.note.as_ref().map(ToString::to_string),
    }
}

/// Something a document names beside its figures: an entry of its timeline, a service, an award.
#[derive(Debug, Clone)]
pub struct Mention(Noted);

/// Something a document names beside its figures: an entry of its timeline, a service, an award.
#[Object]
impl Mention {
    /// Its label in the publication.
    async fn label(&self) -> &str {
        self.0.record.label.as_str()
    }
    /// What kind of thing.
    async fn kind(&self) -> Code<MentionKind> {
        Code(self.0.record.kind)
    }
    /// What, in words.
    async fn subject(&self) -> &str {
        &self.0.record.subject
    }
    /// What more can be said of its kind, such as `winner` of an award.
    async fn detail(&self) -> Option<&str> {
        self.0.record.detail.as_deref()
    }
    /// When and where.
    async fn coverage(&self) -> PrintedCoverage {
        (&self.0.record.coverage).into()
    }
    /// When, in words, as exactly as it is printed: `May 2022`.
    async fn when(&self) -> Option<String> {
        self.0.record.coverage.date.map(PartialDate::words)
    }
    /// Where and how it is printed.
    async fn printed(&self) -> Printed {
        printed(self.0.publication, &self.0.code, &self.0.record.citation)
    }
    /// The caveats on it, of whichever publication.
    async fn caveats(&self) -> Vec<FigureCaveat> {
        self.0.caveats.iter().map(FigureCaveat::from).collect()
    }
}

/// Queries about publications.
#[derive(Default)]
pub struct PublicationQueries;

#[Object]
impl PublicationQueries {
    /// Every document whose figures are on the record, by the code its lines are cited by.
    #[graphql(complexity = "50 * child_complexity")]
    async fn publications(&self, ctx: &Context<'_>) -> Result<Vec<Publication>> {
        let (app, who) = asked(ctx)?;
        let found = app.publications(who).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, record)| Publication { id, record }).collect())
    }

    /// Published figures, each with what its parts come to, what this record counted, and its caveats. In the order they
    /// were stated.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn published_figures(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this publication; of all if left out.")] publication_id: Option<Uuid>,
        #[graphql(desc = "In this unit.")] unit: Option<Code<FigureUnit>>,
        #[graphql(desc = "With these words in the measure.")] words: Option<String>,
        #[graphql(desc = "Those that were withdrawn as well.")] withdrawn: Option<bool>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<PublishedFigure>> {
        let (app, who) = asked(ctx)?;
        let wanted = Wanted {
            publication: publication_id,
            figure: None,
            label: None,
            unit: unit.map(|code| code.0),
            words: words.filter(|words| !words.trim().is_empty()),
            withdrawn: withdrawn.unwrap_or_default(),
            most: usize::try_from(size(first)?).unwrap_or_default(),
        };
        let found = app.published_figures(who, &wanted).await.map_err(told)?;
        Ok(found.into_iter().map(PublishedFigure).collect())
    }

    /// What the documents name beside their figures, earliest first and what has no date last.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of these kinds; entries of a timeline, dates and awards if left out.")]
        kinds: Option<Vec<Code<MentionKind>>>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Mention>> {
        let (app, who) = asked(ctx)?;
        let kinds: Vec<MentionKind> = kinds.map_or_else(
            || vec![MentionKind::Timeline, MentionKind::Date, MentionKind::Award],
            |kinds| kinds.into_iter().map(|code| code.0).collect(),
        );
        let most = usize::try_from(size(first)?).unwrap_or_default();
        let found = app.timeline(who).await.map_err(told)?.into_iter();
        let wanted = found.filter(|noted| kinds.contains(&noted.record.kind));
        Ok(wanted.take(most).map(Mention).collect())
    }
}

/// Labels as typed.
fn label(entered: &mut Entered, field: &str, typed: &str) -> Option<FactLabel> {
    entered.text(field, typed)
}
