//! Commands on publications: describing a document, stating what it prints, noting what it names and what to beware of.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Code, Count, Entered, Meant, Money, Publication, PublishedFigure, Receipt, asked, label, told};
use crate::app::publications::{NewCaveat, NewPublication, Restatement, Wanted};
use crate::app::{Done, Failure};
use crate::domain::identity::{FigureId, PublicationId, SiteId};
use crate::domain::places::Area;
use crate::domain::publication::{
    self, Bound, CaveatKind, Citation, Countable, Coverage, FactLabel, FactRef, FigureUnit, MentionKind,
    PartialDate, Period, Standing, Statement,
};
use crate::domain::text::{Text, TextProblem};

/// A document to be described.
#[derive(Debug, Clone, InputObject)]
pub struct DescribePublicationInput {
    /// What its lines are cited by, such as `B` in B:182; at most 20 characters.
    pub code: String,
    /// Its title, at most 300 characters.
    pub title: String,
    /// Who published it, at most 200 characters.
    pub publisher: String,
    /// When it was published, as exactly as is known: `2022`, `2022-06` or `2022-06-09`.
    pub published: Option<String>,
    /// Which period it is about, in its own words; at most 200 characters.
    pub period: Option<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl DescribePublicationInput {
    fn read(self) -> Result<(Meant, NewPublication), Failure> {
        let mut entered = Entered::default();
        let code = label(&mut entered, "code", &self.code);
        let words = entered.text("title", &self.title).zip(entered.text("publisher", &self.publisher));
        let published = date(&mut entered, "published", self.published.as_deref());
        let period = entered.optional_text("period", self.period.as_deref());
        let taken = code.zip(words).map(|(code, (title, publisher))| NewPublication {
            code,
            title,
            publisher,
            published,
            period,
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// When and where something printed holds. Dates are written as exactly as they are printed: `2020`, `2020-04` or `2020-04-01`.
#[derive(Debug, Clone, Default, InputObject)]
pub struct PrintedCoverageInput {
    /// When the period begins. Needs an end.
    pub from: Option<String>,
    /// When the period ends. Needs a beginning.
    pub to: Option<String>,
    /// The date it happened on or was counted as of.
    pub date: Option<String>,
    /// The places, in the words of the document; each at most 100 characters.
    pub places: Option<Vec<String>>,
    /// The areas of this record that those places stand for.
    pub areas: Option<Vec<Code<Area>>>,
    /// The organisation it names, at most 200 characters.
    pub organisation: Option<String>,
}

fn date(entered: &mut Entered, field: &str, typed: Option<&str>) -> Option<PartialDate> {
    entered.optional(field, typed, str::parse)
}

impl PrintedCoverageInput {
    fn read(self, entered: &mut Entered) -> Option<Coverage> {
        let from = date(entered, "coverage.from", self.from.as_deref().or(self.to.as_deref()));
        let to = date(entered, "coverage.to", self.to.as_deref().or(self.from.as_deref()));
        let on = date(entered, "coverage.date", self.date.as_deref());
        let organisation = entered.optional_text("coverage.organisation", self.organisation.as_deref());
        let places: Result<Vec<Text<100>>, TextProblem> =
            self.places.iter().flatten().map(|place| Text::new(place)).collect();
        entered.take("coverage.places", places).map(|places| Coverage {
            period: from.zip(to).map(|(from, to)| Period { from, to }),
            date: on,
            places,
            areas: self.areas.into_iter().flatten().map(|code| code.0).collect(),
            organisation,
        })
    }
}

/// Where and how something is printed.
#[derive(Debug, Clone, InputObject)]
pub struct PrintedInput {
    /// The line of the document, from 1.
    pub line: u32,
    /// The words as printed, at most 300 characters.
    pub token: String,
    /// How they were read, where that had to be decided; at most 300 characters.
    pub reading: Option<String>,
    /// What to keep in mind, at most 500 characters.
    pub note: Option<String>,
}

impl PrintedInput {
    fn read(self, entered: &mut Entered) -> Option<Citation> {
        let reading = entered.optional_text("printed.reading", self.reading.as_deref());
        let note = entered.optional_text("printed.note", self.note.as_deref());
        let token = entered.text("printed.token", &self.token);
        token.map(|token| Citation { line: self.line, token, reading, note })
    }
}

/// A printed value. Give the number, or the amount where it is in pounds.
#[derive(Debug, Clone, InputObject)]
pub struct PrintedValueInput {
    /// How it is meant; `EXACT` if left out.
    pub bound: Option<Code<Bound>>,
    /// The number, of any unit but pounds.
    pub count: Option<Count>,
    /// The sum, in pounds.
    pub amount: Option<Money>,
}

impl PrintedValueInput {
    fn bound(&self) -> Bound {
        self.bound.map_or(Bound::Exact, |code| code.0)
    }
}

/// A figure to be stated, as printed.
#[derive(Debug, Clone, InputObject)]
pub struct StateFigureInput {
    /// The publication.
    pub publication_id: Uuid,
    /// A short label for it, once in the publication; at most 20 characters.
    pub label: String,
    /// What was measured, in words; at most 300 characters.
    pub measure: String,
    /// What it counts.
    pub unit: Code<FigureUnit>,
    /// The value.
    pub value: PrintedValueInput,
    /// What this record counts itself that it can be set beside; in the same unit.
    pub beside: Option<Code<Countable>>,
    /// The channel, where it is the views of one channel of this record.
    pub channel_id: Option<Uuid>,
    /// When and where it holds.
    pub coverage: Option<PrintedCoverageInput>,
    /// Where and how it is printed.
    pub printed: PrintedInput,
    /// The labels of its parts, where it is a printed total: it is held beside their sum and added to nothing.
    pub total_of: Option<Vec<String>>,
    /// The label of the same figure, where it is printed again: it is not added twice.
    pub repeat_of: Option<String>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

fn standing(
    entered: &mut Entered,
    parts: Option<Vec<String>>,
    first: Option<&str>,
) -> Result<Option<Standing>, Failure> {
    let read = |typed: &[String]| typed.iter().map(|one| Text::new(one)).collect::<Result<_, _>>();
    Ok(match (parts, first) {
        (None, None) => Some(Standing::Own),
        (Some(parts), None) => entered.take("totalOf", read(&parts)).map(Standing::TotalOf),
        (None, Some(first)) => label(entered, "repeatOf", first).map(Standing::RepeatOf),
        (Some(_), Some(_)) => {
            return Err(Failure::refused(
                "publication.total_or_repeat",
                "A figure is a total of others or another printed again, not both: say one of them.",
            ));
        }
    })
}

impl StateFigureInput {
    fn read(self) -> Result<(Meant, Statement), Failure> {
        let mut entered = Entered::default();
        let bound = self.value.bound();
        let words = label(&mut entered, "label", &self.label).zip(entered.text("measure", &self.measure));
        let amount = entered.optional("value.amount", self.value.amount, Money::amount);
        let coverage = self.coverage.unwrap_or_default().read(&mut entered);
        let citation = self.printed.read(&mut entered);
        let standing = standing(&mut entered, self.total_of, self.repeat_of.as_deref())?;
        let taken = words.zip(coverage.zip(citation)).zip(standing).map(
            |(((label, measure), (coverage, citation)), standing)| Statement {
                figure: FigureId::default(),
                label,
                measure,
                unit: self.unit.0,
                bound,
                count: self.value.count.map(|count| count.0),
                amount,
                beside: self.beside.map(|code| code.0),
                channel: self.channel_id.map(SiteId),
                coverage,
                citation,
                standing,
            },
        );
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A figure to be stated anew.
#[derive(Debug, Clone, InputObject)]
pub struct RestateFigureInput {
    /// The publication.
    pub publication_id: Uuid,
    /// The label of the figure.
    pub label: String,
    /// The value from now on.
    pub value: PrintedValueInput,
    /// Where and how it is printed.
    pub printed: PrintedInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl RestateFigureInput {
    fn read(self) -> Result<(Meant, Restatement), Failure> {
        let mut entered = Entered::default();
        let bound = self.value.bound();
        let amount = entered.optional("value.amount", self.value.amount, Money::amount);
        let label = label(&mut entered, "label", &self.label);
        let citation = self.printed.read(&mut entered);
        let count = self.value.count.map(|count| count.0);
        let taken = label.zip(citation).map(|(label, citation)| Restatement {
            label,
            bound,
            count,
            amount,
            citation,
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A figure to be withdrawn.
#[derive(Debug, Clone, InputObject)]
pub struct WithdrawFigureInput {
    /// The publication.
    pub publication_id: Uuid,
    /// The label of the figure. No total and no repeat may rest on it.
    pub label: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Something a document names, to be noted.
#[derive(Debug, Clone, InputObject)]
pub struct NoteMentionInput {
    /// The publication.
    pub publication_id: Uuid,
    /// A short label for it, once in the publication; at most 20 characters.
    pub label: String,
    /// What kind of thing.
    pub kind: Code<MentionKind>,
    /// What, in words; at most 300 characters. Never a private person.
    pub subject: String,
    /// What more can be said of its kind, such as `winner` of an award; at most 60 characters.
    pub detail: Option<String>,
    /// When and where.
    pub coverage: Option<PrintedCoverageInput>,
    /// Where and how it is printed.
    pub printed: PrintedInput,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl NoteMentionInput {
    fn read(self) -> Result<(Meant, publication::Mention), Failure> {
        let mut entered = Entered::default();
        let words = label(&mut entered, "label", &self.label).zip(entered.text("subject", &self.subject));
        let detail = entered.optional_text("detail", self.detail.as_deref());
        let coverage = self.coverage.unwrap_or_default().read(&mut entered);
        let citation = self.printed.read(&mut entered);
        let taken = words.zip(coverage.zip(citation)).map(|((label, subject), (coverage, citation))| {
            publication::Mention { label, kind: self.kind.0, subject, detail, coverage, citation }
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// One thing a publication states or names, by its label.
#[derive(Debug, Clone, InputObject)]
pub struct LabelRefInput {
    /// The publication; the one the caveat is noted with if left out.
    pub publication_id: Option<Uuid>,
    /// The label.
    pub label: String,
}

/// A caveat to be noted.
#[derive(Debug, Clone, InputObject)]
pub struct NoteCaveatInput {
    /// The publication it is noted with.
    pub publication_id: Uuid,
    /// A short label for it, once in the publication; at most 20 characters.
    pub label: String,
    /// What stands between the figures.
    pub kind: Code<CaveatKind>,
    /// What must hold, or seems to; at most 300 characters.
    pub relation: String,
    /// Why it does not, or what to keep in mind; at most 500 characters.
    pub note: Option<String>,
    /// The figures and mentions it is about, of this publication or others; at least one.
    pub about: Vec<LabelRefInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl NoteCaveatInput {
    fn read(self) -> Result<(Meant, NewCaveat), Failure> {
        let mut entered = Entered::default();
        let own = self.publication_id;
        let label = label(&mut entered, "label", &self.label);
        let relation = entered.text("relation", &self.relation);
        let note = entered.optional_text("note", self.note.as_deref());
        let about: Result<Vec<FactRef>, TextProblem> = self
            .about
            .iter()
            .map(|one| {
                let publication = PublicationId(one.publication_id.unwrap_or(own));
                Ok(FactRef { publication, label: Text::new(&one.label)? })
            })
            .collect();
        let about = entered.take("about", about);
        let taken = label.zip(relation).zip(about).map(|((label, relation), about)| NewCaveat {
            label,
            kind: self.kind.0,
            relation,
            note,
            about,
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// What a command on a publication leads to.
#[derive(SimpleObject)]
pub struct PublicationPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The publication as it stands now.
    pub publication: Publication,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<PublicationPayload> {
    let done = done.map_err(told)?;
    let record = asked(ctx)?.0.publication_named(done.id).await.map_err(told)?;
    Ok(PublicationPayload { receipt: done.into(), publication: Publication { id: done.id, record } })
}

/// What a command on a figure leads to.
#[derive(SimpleObject)]
pub struct FigurePayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The figure as it stands now.
    pub figure: PublishedFigure,
}

async fn figure(ctx: &Context<'_>, done: Done, label: Option<&FactLabel>) -> Result<FigurePayload> {
    let (app, who) = asked(ctx)?;
    let wanted = Wanted {
        publication: Some(done.id),
        figure: label.is_none().then(|| done.command.makes("figure")),
        label: label.cloned(),
        withdrawn: true,
        most: 1,
        ..Wanted::default()
    };
    let found = app.published_figures(who, &wanted).await.map_err(told)?.pop();
    let figure = PublishedFigure(found.ok_or_else(|| told(Failure::NotFound("figure")))?);
    Ok(FigurePayload { receipt: done.into(), figure })
}

/// Commands on publications.
#[derive(Default)]
pub struct PublicationMutations;

#[Object]
impl PublicationMutations {
    /// Describe a document, so that its figures can be stated with their lines.
    async fn describe_publication(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DescribePublicationInput,
    ) -> Result<PublicationPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.describe_publication(who, &how, new).await).await
    }

    /// State a figure as a document prints it. A total is never entered as if it were one more part.
    async fn state_figure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The figure.")] input: StateFigureInput,
    ) -> Result<FigurePayload> {
        let (app, who) = asked(ctx)?;
        let publication = PublicationId(input.publication_id);
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        let done = app.state_figure(who, &how, publication, new).await.map_err(told)?;
        figure(ctx, done, None).await
    }

    /// State a figure anew, because the document was corrected or had been read wrongly. Needs a reason.
    async fn restate_figure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The figure.")] input: RestateFigureInput,
    ) -> Result<FigurePayload> {
        let (app, who) = asked(ctx)?;
        let publication = PublicationId(input.publication_id);
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        let label = new.label.clone();
        let done = app.restate_figure(who, &how, publication, new).await.map_err(told)?;
        figure(ctx, done, Some(&label)).await
    }

    /// Withdraw a figure: it is neither shown nor added any more. Needs a reason.
    async fn withdraw_figure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: WithdrawFigureInput,
    ) -> Result<FigurePayload> {
        let (app, who) = asked(ctx)?;
        let mut entered = Entered::default();
        let label = label(&mut entered, "label", &input.label);
        let label = entered.all(label).map_err(told)?;
        let how = input.meant.how().map_err(told)?;
        let publication = PublicationId(input.publication_id);
        let done = app.withdraw_figure(who, &how, publication, label.clone()).await.map_err(told)?;
        figure(ctx, done, Some(&label)).await
    }

    /// Note that a document names something: a date, a service, an award. An organisation named is not a partner here.
    async fn note_mention(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What.")] input: NoteMentionInput,
    ) -> Result<PublicationPayload> {
        let (app, who) = asked(ctx)?;
        let publication = PublicationId(input.publication_id);
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.note_mention(who, &how, publication, new).await).await
    }

    /// Note that figures disagree, may not be compared or added, or need care. It is shown with each of them.
    async fn note_caveat(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The caveat.")] input: NoteCaveatInput,
    ) -> Result<PublicationPayload> {
        let (app, who) = asked(ctx)?;
        let publication = PublicationId(input.publication_id);
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.note_caveat(who, &how, publication, new).await).await
    }
}
