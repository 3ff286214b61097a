//! A publication: a document whose figures are stated here as printed, each with its line, so that they can stand
//! beside what this record counted itself. A total is never entered as if it were one more part.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::{FigureId, SiteId};
use super::money::Money;
use super::places::listed;
use super::text::Text;
use super::{Aggregate, Circumstances};

mod events;
mod figure;
mod partial;

pub use events::{FactRef, MentionKind, PublicationEvent};
pub use figure::{
    Bound, CaveatKind, Citation, CountProblem, Countable, Coverage, FactLabel, FigureUnit, FigureValue,
    Period, Quantity, Standing, grouped,
};
pub use partial::{PartialDate, PartialDateProblem, Precision};

/// What is said of a figure when it is stated.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of publication.figure_stated")]
pub struct Statement {
    pub figure: FigureId,
    pub label: FactLabel,
    pub measure: Text<300>,
    pub unit: FigureUnit,
    pub bound: Bound,
    /// The value, of any unit but pounds.
    pub count: Option<u64>,
    /// The value in pounds.
    pub amount: Option<Money>,
    pub beside: Option<Countable>,
    pub channel: Option<SiteId>,
    pub coverage: Coverage,
    pub citation: Citation,
    pub standing: Standing,
}

/// What is said of something a document names.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of publication.mention_noted")]
pub struct Mention {
    pub label: FactLabel,
    pub kind: MentionKind,
    pub subject: Text<300>,
    pub detail: Option<Text<60>>,
    pub coverage: Coverage,
    pub citation: Citation,
}

/// What can be asked of a publication.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum PublicationCommand {
    Describe {
        code: FactLabel,
        title: Text<300>,
        publisher: Text<200>,
        published: Option<PartialDate>,
        period: Option<Text<200>>,
    },
    StateFigure(Box<Statement>),
    /// With the value of any unit but pounds, or that in pounds.
    RestateFigure {
        label: FactLabel,
        bound: Bound,
        count: Option<u64>,
        amount: Option<Money>,
        citation: Citation,
    },
    WithdrawFigure {
        label: FactLabel,
    },
    NoteMention(Box<Mention>),
    NoteCaveat {
        label: FactLabel,
        kind: CaveatKind,
        relation: Text<300>,
        note: Option<Text<500>>,
        about: Vec<FactRef>,
    },
}

refusals! {
    /// Why something asked of a publication was turned down.
    pub enum PublicationRefusal {
        "publication.unknown" => Unknown, "There is no publication with this id.";
        "publication.already_described" => AlreadyDescribed, "This publication is described already.";
        "publication.label_taken" => LabelTaken { label: String }, "The label {label} is taken in this publication: choose another.";
        "publication.label_unknown" => LabelUnknown { label: String }, "This publication states or names nothing under {label}: check the label.";
        "publication.value_not_of_unit" => ValueNotOfUnit { unit: &'static str }, "Give the value once, in {unit}: an amount where it is in pounds, a whole number everywhere else.";
        "publication.dates_reversed" => DatesReversed, "The period ends before it begins: turn the dates round.";
        "publication.line_missing" => LineMissing, "Name the line of the document, from 1: whoever doubts a figure must be able to find it.";
        "publication.beside_other_unit" => BesideOtherUnit { counted: &'static str }, "This cannot be set beside {counted}: those are counted in another unit.";
        "publication.channel_needed" => ChannelNeeded, "Views are counted channel by channel: name the channel to set this beside, or set it beside nothing.";
        "publication.channel_not_needed" => ChannelNotNeeded, "Only views are of a channel: leave the channel out.";
        "publication.total_with_parts" => TotalWithParts { label: String }, "{label} counts some of the same: a total is never entered beside its parts. State it as the printed total of its parts, and it is shown beside their sum and added to nothing.";
        "publication.stated_twice" => StatedTwice { label: String }, "{label} states the same for the same days and places: if it is printed twice, state it as a repeat of {label}, so that it is not added twice.";
        "publication.too_few_parts" => TooFewParts, "A total has two parts or more: name them.";
        "publication.part_not_own" => PartNotOwn { label: String }, "{label} is itself a total or a repeat: name the figures it rests on.";
        "publication.other_unit" => OtherUnit { label: String }, "{label} is in another unit: figures of different units are never added and never the same, people and attendances least of all.";
        "publication.views_not_added" => ViewsNotAdded, "Views of different channels are never added: whoever watched on both would count twice. State the figure as one of its own, with a caveat.";
        "publication.parts_overlap" => PartsOverlap { first: String, second: String }, "{first} and {second} count some of the same, so they do not add up to a total.";
        "publication.in_use" => InUse { by: String }, "{by} rests on this figure: withdraw that first.";
        "publication.same_value" => SameValue, "That is the value stated already: there is nothing to put right.";
        "publication.caveat_about_nothing" => CaveatAboutNothing, "Name what the caveat is about: at least one figure or mention.";
    }
}

/// A figure that stands.
#[derive(Debug, Clone)]
struct Stated {
    kind: Kind,
    value: FigureValue,
    coverage: Coverage,
    standing: Standing,
}

/// What makes two figures the same kind of count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    unit: FigureUnit,
    measure: Measure,
    channel: Option<SiteId>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Measure {
    /// Something this record counts itself.
    Counted(Countable),
    /// Anything else, by its words in small letters.
    Words(String),
}

impl Kind {
    fn of(unit: FigureUnit, beside: Option<Countable>, measure: &str, channel: Option<SiteId>) -> Self {
        let measure = beside.map_or_else(|| Measure::Words(measure.to_lowercase()), Measure::Counted);
        Self { unit, measure, channel }
    }
}

/// A publication as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Publication {
    described: bool,
    figures: BTreeMap<FactLabel, Stated>,
    mentions: BTreeSet<FactLabel>,
    /// Labels that were given once and are not given again.
    labels: BTreeSet<FactLabel>,
}

impl Publication {
    /// Whether it states a figure or names something under a label.
    ///
    /// # Errors
    /// `publication.label_unknown`.
    pub fn holds(&self, label: &FactLabel) -> Result<(), PublicationRefusal> {
        if self.figures.contains_key(label) || self.mentions.contains(label) {
            Ok(())
        } else {
            Err(PublicationRefusal::LabelUnknown { label: label.to_string() })
        }
    }

    fn figure(&self, label: &FactLabel) -> Result<&Stated, PublicationRefusal> {
        self.figures.get(label).ok_or_else(|| PublicationRefusal::LabelUnknown { label: label.to_string() })
    }

    /// A new entry has a label of its own, a line, and a period that does not run backwards.
    fn enter(&self, label: &FactLabel, coverage: &Coverage, line: u32) -> Result<(), PublicationRefusal> {
        self.new_label(label)?;
        if line == 0 {
            return Err(PublicationRefusal::LineMissing);
        }
        if coverage.days().is_some_and(|(from, to)| to < from) {
            return Err(PublicationRefusal::DatesReversed);
        }
        Ok(())
    }

    fn new_label(&self, label: &FactLabel) -> Result<(), PublicationRefusal> {
        if !self.described {
            return Err(PublicationRefusal::Unknown);
        }
        if self.labels.contains(label) {
            return Err(PublicationRefusal::LabelTaken { label: label.to_string() });
        }
        Ok(())
    }

    /// A figure of its own counts nothing that another of its kind counts.
    fn stands_alone(&self, kind: &Kind, coverage: &Coverage) -> Result<(), PublicationRefusal> {
        for (label, known) in &self.figures {
            if known.standing != Standing::Own || known.kind != *kind || !known.coverage.meets(coverage) {
                continue;
            }
            let label = label.to_string();
            return Err(if known.coverage.is_that_of(coverage) {
                PublicationRefusal::StatedTwice { label }
            } else {
                PublicationRefusal::TotalWithParts { label }
            });
        }
        Ok(())
    }

    /// A printed total has parts of its unit that stand by themselves and share nothing.
    fn is_total_of(&self, kind: &Kind, parts: &BTreeSet<FactLabel>) -> Result<(), PublicationRefusal> {
        if parts.len() < 2 {
            return Err(PublicationRefusal::TooFewParts);
        }
        let mut before: Vec<(&FactLabel, &Stated)> = Vec::new();
        for label in parts {
            let part = self.figure(label)?;
            if part.standing != Standing::Own {
                return Err(PublicationRefusal::PartNotOwn { label: label.to_string() });
            }
            if part.kind.unit != kind.unit {
                return Err(PublicationRefusal::OtherUnit { label: label.to_string() });
            }
            if kind.unit == FigureUnit::Views
                && (part.kind.channel.is_none() || part.kind.channel != kind.channel)
            {
                return Err(PublicationRefusal::ViewsNotAdded);
            }
            if let Some((first, _)) =
                before.iter().find(|(_, one)| one.kind == part.kind && one.coverage.meets(&part.coverage))
            {
                let (first, second) = (first.to_string(), label.to_string());
                return Err(PublicationRefusal::PartsOverlap { first, second });
            }
            before.push((label, part));
        }
        Ok(())
    }

    fn state(&self, new: Statement) -> Result<PublicationEvent, PublicationRefusal> {
        self.enter(&new.label, &new.coverage, new.citation.line)?;
        let Statement { figure, label, measure, unit, bound, count, amount, beside, channel, .. } = new;
        let Statement { coverage, citation, standing, .. } = new;
        let value = FigureValue::typed(unit, bound, count, amount)?;
        if let Some(other) = beside.filter(|beside| beside.unit() != unit) {
            return Err(PublicationRefusal::BesideOtherUnit { counted: other.words() });
        }
        if beside == Some(Countable::Views) && channel.is_none() {
            return Err(PublicationRefusal::ChannelNeeded);
        }
        if channel.is_some() && unit != FigureUnit::Views {
            return Err(PublicationRefusal::ChannelNotNeeded);
        }
        let kind = Kind::of(unit, beside, measure.as_str(), channel);
        match &standing {
            Standing::Own => self.stands_alone(&kind, &coverage)?,
            Standing::TotalOf(parts) => self.is_total_of(&kind, parts)?,
            Standing::RepeatOf(first) => {
                let known = self.figure(first)?;
                if matches!(known.standing, Standing::RepeatOf(_)) {
                    return Err(PublicationRefusal::PartNotOwn { label: first.to_string() });
                }
                if known.kind.unit != unit {
                    return Err(PublicationRefusal::OtherUnit { label: first.to_string() });
                }
            }
        }
        Ok(PublicationEvent::FigureStated {
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
        })
    }

    /// The figures that rest on one.
    fn resting_on(&self, label: &FactLabel) -> Vec<&FactLabel> {
        let rests = |standing: &Standing| match standing {
            Standing::Own => false,
            Standing::TotalOf(parts) => parts.contains(label),
            Standing::RepeatOf(first) => first == label,
        };
        self.figures.iter().filter(|(_, known)| rests(&known.standing)).map(|(by, _)| by).collect()
    }
}

impl Aggregate for Publication {
    const TYPE: &'static str = "publication";
    type Command = PublicationCommand;
    type Event = PublicationEvent;
    type Refusal = PublicationRefusal;

    fn decide(
        &self,
        command: PublicationCommand,
        _: &Circumstances,
    ) -> Result<Vec<PublicationEvent>, PublicationRefusal> {
        let event = match command {
            PublicationCommand::Describe { code, title, publisher, published, period } => {
                if self.described {
                    return Err(PublicationRefusal::AlreadyDescribed);
                }
                PublicationEvent::Described { code, title, publisher, published, period }
            }
            PublicationCommand::StateFigure(new) => self.state(*new)?,
            PublicationCommand::RestateFigure { label, bound, count, amount, citation } => {
                let known = self.figure(&label)?;
                if citation.line == 0 {
                    return Err(PublicationRefusal::LineMissing);
                }
                let (from, to) = (known.value, FigureValue::typed(known.kind.unit, bound, count, amount)?);
                if from == to {
                    return Err(PublicationRefusal::SameValue);
                }
                PublicationEvent::FigureRestated { label, from, to, citation }
            }
            PublicationCommand::WithdrawFigure { label } => {
                self.figure(&label)?;
                let by = self.resting_on(&label);
                if !by.is_empty() {
                    return Err(PublicationRefusal::InUse { by: listed(by.iter().map(|by| by.as_str())) });
                }
                PublicationEvent::FigureWithdrawn { label }
            }
            PublicationCommand::NoteMention(new) => {
                self.enter(&new.label, &new.coverage, new.citation.line)?;
                let Mention { label, kind, subject, detail, coverage, citation } = *new;
                PublicationEvent::MentionNoted { label, kind, subject, detail, coverage, citation }
            }
            PublicationCommand::NoteCaveat { label, kind, relation, note, about } => {
                self.new_label(&label)?;
                if about.is_empty() {
                    return Err(PublicationRefusal::CaveatAboutNothing);
                }
                PublicationEvent::CaveatNoted { label, kind, relation, note, about }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &PublicationEvent) {
        match event {
            PublicationEvent::Described { .. } => self.described = true,
            PublicationEvent::FigureStated {
                figure: _,
                label,
                measure,
                unit,
                value,
                beside,
                channel,
                coverage,
                citation: _,
                standing,
            } => {
                let kind = Kind::of(*unit, *beside, measure.as_str(), *channel);
                let (value, coverage, standing) = (*value, coverage.clone(), standing.clone());
                self.figures.insert(label.clone(), Stated { kind, value, coverage, standing });
                self.labels.insert(label.clone());
            }
            PublicationEvent::FigureRestated { label, to, .. } => {
                if let Some(known) = self.figures.get_mut(label) {
                    known.value = *to;
                }
            }
            PublicationEvent::FigureWithdrawn { label } => drop(self.figures.remove(label)),
            PublicationEvent::MentionNoted { label, .. } => {
                self.mentions.insert(label.clone());
                self.labels.insert(label.clone());
            }
            PublicationEvent::CaveatNoted { label, .. } => drop(self.labels.insert(label.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
