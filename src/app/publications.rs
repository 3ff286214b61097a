//! Publications: stating what documents print, and setting it beside what this record counted itself.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::{Date, day};
use crate::domain::identity::{FigureId, PublicationId};
use crate::domain::money::Money;
use crate::domain::places::{Area, Setting};
use crate::domain::publication::{
    Bound, CaveatKind, Citation, Countable, Coverage, FactLabel, FactRef, FigureUnit, Mention, PartialDate,
    Publication, PublicationCommand, Quantity, Standing, Statement,
};
use crate::domain::session::SessionStatus;
use crate::domain::site::Site;
use crate::domain::text::Text;
use crate::projections::publications::{
    CaveatRecord, FigureRecord, MentionRecord, PublicationRecord, list, of_figure,
};
use crate::projections::sites::SiteRecord;
use crate::projections::{contacts, courses, one, prescriptions, sessions, sites};

/// A document to be described.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of publication.described")]
pub struct NewPublication {
    pub code: FactLabel,
    pub title: Text<300>,
    pub publisher: Text<200>,
    pub published: Option<PartialDate>,
    pub period: Option<Text<200>>,
}

/// A figure to be stated anew.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of publication.figure_restated")]
pub struct Restatement {
    pub label: FactLabel,
    pub bound: Bound,
    /// The value, of any unit but pounds.
    pub count: Option<u64>,
    /// The value in pounds.
    pub amount: Option<Money>,
    pub citation: Citation,
}

/// A caveat to be noted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of publication.caveat_noted")]
pub struct NewCaveat {
    pub label: FactLabel,
    pub kind: CaveatKind,
    pub relation: Text<300>,
    pub note: Option<Text<500>>,
    pub about: Vec<FactRef>,
}

/// Which figures to look at.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this publication.
    pub publication: Option<Uuid>,
    /// This figure alone.
    pub figure: Option<Uuid>,
    /// The figure under this label.
    pub label: Option<FactLabel>,
    /// In this unit.
    pub unit: Option<FigureUnit>,
    /// With these words in the measure.
    pub words: Option<String>,
    /// Those that were withdrawn as well.
    pub withdrawn: bool,
    /// At most this many.
    pub most: usize,
}

/// What the parts of a printed total come to: computed, never printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Their sum.
    pub sum: i64,
    /// The printed total less that sum.
    pub gap: i64,
}

/// What this record counted itself, beside a stated figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What was counted.
    pub what: Countable,
    /// How many; none where the record holds nothing to count.
    pub count: Option<i64>,
    /// The stated value less the counted one; none where they are not of the same days.
    pub gap: Option<i64>,
    /// What to know before comparing them.
    pub remark: Option<String>,
}

/// A figure with all that stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The publication.
    pub publication: Uuid,
    /// What its lines are cited by.
    pub code: String,
    /// The figure as it is stated.
    pub record: FigureRecord,
    /// What its parts come to, where it is a printed total.
    pub parts: Option<Parts>,
    /// The value of the figure it repeats, where it repeats one.
    pub repeats: Option<FigureRecord>,
    /// What this record counted itself, where it counts such things and the reader may see it.
    pub counted: Option<Counted>,
    /// The caveats on it, of whichever publication.
    pub caveats: Vec<CaveatRecord>,
}

/// A line of the timeline: a mention with its publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// The publication.
    pub publication: Uuid,
    /// What its lines are cited by.
    pub code: String,
    /// What it names.
    pub record: MentionRecord,
    /// The caveats on it.
    pub caveats: Vec<CaveatRecord>,
}

impl App {
    /// Describe a document.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn describe_publication(
        &self,
        who: &Identity,
        how: &How,
        new: NewPublication,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "describePublication", how)?;
        let id = order.envelope.command.makes("publication");
        self.carry_out::<Publication, _>(order, id, move |work| {
            let NewPublication { code, title, publisher, published, period } = new.clone();
            let describe = PublicationCommand::Describe { code, title, publisher, published, period };
            Box::pin(async move { Ok(work.execute::<Publication>(id, describe).await?) })
        })
        .await
    }

    /// State a figure of a document. Its id follows from the command.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn state_figure(
        &self,
        who: &Identity,
        how: &How,
        publication: PublicationId,
        mut new: Statement,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "stateFigure", how)?;
        new.figure = FigureId(order.envelope.command.makes("figure"));
        self.carry_out::<Publication, _>(order, publication.0, move |work| {
            let new = new.clone();
            Box::pin(async move {
                work.existing::<Publication>(publication).await?;
                if let Some(channel) = new.channel {
                    work.existing::<Site>(channel).await?.channel()?;
                }
                let state = PublicationCommand::StateFigure(Box::new(new));
                Ok(work.execute::<Publication>(publication, state).await?)
            })
        })
        .await
    }

    /// State a figure anew.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn restate_figure(
        &self,
        who: &Identity,
        how: &How,
        publication: PublicationId,
        new: Restatement,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "restateFigure", how)?;
        let Restatement { label, bound, count, amount, citation } = new;
        let restate = PublicationCommand::RestateFigure { label, bound, count, amount, citation };
        self.ask::<Publication>(order, publication, restate).await
    }

    /// Withdraw a figure.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn withdraw_figure(
        &self,
        who: &Identity,
        how: &How,
        publication: PublicationId,
        label: FactLabel,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "withdrawFigure", how)?;
        self.ask::<Publication>(order, publication, PublicationCommand::WithdrawFigure { label }).await
    }

    /// Note that a document names something.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn note_mention(
        &self,
        who: &Identity,
        how: &How,
        publication: PublicationId,
        new: Mention,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "noteMention", how)?;
        self.ask::<Publication>(order, publication, PublicationCommand::NoteMention(Box::new(new))).await
    }

    /// Note a caveat. Everything it is about must be stated or named by its publication.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn note_caveat(
        &self,
        who: &Identity,
        how: &How,
        publication: PublicationId,
        new: NewCaveat,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "noteCaveat", how)?;
        self.carry_out::<Publication, _>(order, publication.0, move |work| {
            let NewCaveat { label, kind, relation, note, about } = new.clone();
            Box::pin(async move {
                work.existing::<Publication>(publication).await?;
                for one in &about {
                    work.existing::<Publication>(one.publication).await?.holds(&one.label)?;
                }
                let note = PublicationCommand::NoteCaveat { label, kind, relation, note, about };
                Ok(work.execute::<Publication>(publication, note).await?)
            })
        })
        .await
    }

    /// Every publication, by the code its lines are cited by.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn publications(&self, who: &Identity) -> Result<Vec<(Uuid, PublicationRecord)>, Failure> {
        may(who, "publications")?;
        Ok(list(self.store.pool()).await?)
    }

    /// One publication, for what names it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn publication_named(&self, id: Uuid) -> Result<PublicationRecord, Failure> {
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("publication"))
    }

    /// The publication that states a figure, for what names the figure.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn figure_named(&self, figure: FigureId) -> Result<(Uuid, PublicationRecord), Failure> {
        of_figure(self.store.pool(), figure).await?.ok_or(Failure::NotFound("figure"))
    }

    /// Published figures, each with what stands beside it. What this record counted is for those who see activity.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn published_figures(
        &self,
        who: &Identity,
        wanted: &Wanted,
    ) -> Result<Vec<Published>, Failure> {
        may(who, "publishedFigures")?;
        let all = list(self.store.pool()).await?;
        let counting = if may(who, "activity").is_ok() { Some(self.counting().await?) } else { None };
        let mut found = Vec::new();
        for (id, publication) in &all {
            if wanted.publication.is_some_and(|wanted| wanted != *id) {
                continue;
            }
            for record in publication.figures.iter().filter(|record| wanted.takes(record)) {
                if found.len() == wanted.most {
                    return Ok(found);
                }
                let counted = match (&counting, record.beside) {
                    (Some(counting), Some(what)) => Some(self.beside(counting, what, record).await?),
                    (None, _) | (_, None) => None,
                };
                found.push(Published {
                    publication: *id,
                    code: publication.code.clone(),
                    record: record.clone(),
                    parts: parts(publication, record),
                    repeats: repeated(publication, record),
                    counted,
                    caveats: caveats(&all, *id, &record.label),
                });
            }
        }
        Ok(found)
    }

    /// What documents name, of any kind, with a date or without, earliest first.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn timeline(&self, who: &Identity) -> Result<Vec<Noted>, Failure> {
        may(who, "timeline")?;
        let all = list(self.store.pool()).await?;
        let mut found: Vec<Noted> = Vec::new();
        for (id, publication) in &all {
            found.extend(publication.mentions.iter().map(|record| Noted {
                publication: *id,
                code: publication.code.clone(),
                record: record.clone(),
                caveats: caveats(&all, *id, &record.label),
            }));
        }
        found.sort_by_key(|noted| {
            let from = noted.record.coverage.days().map(|(from, _)| from);
            (from.is_none(), from, noted.code.clone(), noted.record.citation.line)
        });
        Ok(found)
    }

    async fn counting(&self) -> Result<Counting, Failure> {
        let first = sessions::first_day(self.store.pool()).await?;
        let sites = sites::list(self.store.pool(), sites::Filter::default()).await?;
        Ok(Counting { first, sites: sites.into_iter().collect() })
    }

    /// What this record counted itself over the days and areas of a figure.
    async fn beside(
        &self,
        counting: &Counting,
        what: Countable,
        record: &FigureRecord,
    ) -> Result<Counted, Failure> {
        let nothing = |remark: &str| Counted { what, count: None, gap: None, remark: Some(remark.into()) };
        let Some((from, to)) = record.coverage.days() else {
            return Ok(nothing("The figure names no period, so nothing can be counted over it."));
        };
        let areas: Vec<Area> = record.coverage.areas.iter().copied().collect();
        let (first, count) = match what {
            Countable::FaceToFaceSessions
            | Countable::OnlineSessions
            | Countable::FaceToFaceAttendances
            | Countable::OnlineAttendances => {
                (counting.first, self.held(what, &record.coverage, (from, to)).await?)
            }
            Countable::Views => {
                let channel = record.channel.and_then(|channel| counting.sites.get(&channel.0));
                let first = channel.and_then(|site| site.views.iter().map(|one| one.from).min());
                let count = channel.map_or(0, |site| site.views_between(from, to));
                (first, i64::try_from(count).unwrap_or(i64::MAX))
            }
            Countable::Courses => (counting.opened(), courses::defined_by(self.store.pool(), to).await?),
            Countable::Sites => (counting.opened(), counting.own_sites_on(to)),
            Countable::Contacts => contacts::counted(self.store.pool(), (from, to), &areas).await?,
            Countable::Prescriptions => prescriptions::counted(self.store.pool(), (from, to), &areas).await?,
        };
        Ok(match first {
            None => nothing("This record has counted nothing of the kind yet."),
            Some(first) if to < first => nothing(&format!(
                "This record begins to count on {}, after the days of the figure.",
                day(first)
            )),
            Some(first) if from < first && !what.stands_on_a_day() => Counted {
                remark: Some(format!(
                    "This record begins to count on {}, within the days of the figure: they are not the same days.",
                    day(first)
                )),
                ..Counted { what, count: Some(count), gap: None, remark: None }
            },
            Some(_) => {
                let gap = whole(record).map(|stated| stated - count);
                Counted { what, count: Some(count), gap, remark: None }
            }
        })
    }

    /// Sessions held, or attendances counted, over the days and areas of a figure.
    async fn held(
        &self,
        what: Countable,
        coverage: &Coverage,
        (from, to): (Date, Date),
    ) -> Result<i64, Failure> {
        let online = matches!(what, Countable::OnlineSessions | Countable::OnlineAttendances);
        let settings =
            if online { vec![Setting::Online] } else { vec![Setting::OwnSite, Setting::PartnersPlace] };
        let filter = sessions::Filter {
            from: Some(from),
            to: Some(to),
            areas: coverage.areas.iter().copied().collect(),
            settings,
            status: Some(SessionStatus::Delivered),
            ..sessions::Filter::default()
        };
        let all = sessions::tally(self.store.pool(), &filter, sessions::By::Nothing).await?;
        let all = all.into_iter().next().unwrap_or_default();
        let sessions = matches!(what, Countable::FaceToFaceSessions | Countable::OnlineSessions);
        Ok(if sessions { all.delivered } else { all.attendances })
    }
}

/// What the counts of this record rest on, read once for a list of figures.
struct Counting {
    /// The day of the first session that took place.
    first: Option<Date>,
    sites: BTreeMap<Uuid, SiteRecord>,
}

impl Counting {
    /// The day the first site was opened: sites and courses are on the record from then.
    fn opened(&self) -> Option<Date> {
        self.sites.values().flat_map(|site| site.open.iter().map(|spell| spell.from)).min()
    }

    fn own_sites_on(&self, day: Date) -> i64 {
        let own = self.sites.values().filter(|site| site.setting == Some(Setting::OwnSite));
        i64::try_from(own.filter(|site| site.is_open_on(day)).count()).unwrap_or(i64::MAX)
    }
}

impl Wanted {
    fn takes(&self, record: &FigureRecord) -> bool {
        let words = self.words.as_deref().map(str::to_lowercase);
        self.figure.is_none_or(|figure| figure == record.figure.0)
            && self.label.as_ref().is_none_or(|label| *label == record.label)
            && self.unit.is_none_or(|unit| unit == record.unit)
            && (self.withdrawn || record.withdrawn_on.is_none())
            && words.is_none_or(|words| record.measure.to_lowercase().contains(&words))
    }
}

/// A value that is a whole number.
fn whole(record: &FigureRecord) -> Option<i64> {
    match record.value.quantity {
        Quantity::Count(count) => i64::try_from(count).ok(),
        Quantity::Money(_) => None,
    }
}

/// What the parts of a printed total come to. A sum of money is not added here: the ledger does that.
fn parts(publication: &PublicationRecord, record: &FigureRecord) -> Option<Parts> {
    let Standing::TotalOf(labels) = &record.standing else { return None };
    let printed = whole(record)?;
    let each = labels.iter().map(|label| publication.figure(label).and_then(whole));
    let sum = each.sum::<Option<i64>>()?;
    Some(Parts { sum, gap: printed - sum })
}

fn repeated(publication: &PublicationRecord, record: &FigureRecord) -> Option<FigureRecord> {
    let Standing::RepeatOf(first) = &record.standing else { return None };
    publication.figure(first).cloned()
}

/// The caveats on what stands under a label of a publication, of whichever publication they were noted with.
fn caveats(all: &[(Uuid, PublicationRecord)], publication: Uuid, label: &FactLabel) -> Vec<CaveatRecord> {
    let names = |caveat: &&CaveatRecord| {
        caveat.about.iter().any(|one| one.publication.0 == publication && one.label == *label)
    };
    all.iter().flat_map(|(_, one)| one.caveats.iter().filter(names).cloned()).collect()
}
