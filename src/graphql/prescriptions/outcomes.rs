//! Outcomes on the wire: the instruments with their published bands, answers, and change.

use async_graphql::SimpleObject;
use uuid::Uuid;

use super::super::{Code, Date};
use crate::domain::outcome::{self, BandName, Change, Direction, Instrument, Item, Measure, Moment, Reading};
use crate::domain::prescription::AskedBy;
use crate::projections::prescriptions::OutcomeRecord;

/// Whether the partner asked the questions.
pub(super) fn of_partner(record: &OutcomeRecord) -> bool {
    record.asked_by == AskedBy::Partner
}

/// An outcome instrument, as it was published.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeInstrument {
    /// Which.
    pub instrument: Code<Instrument>,
    /// Its name in words.
    pub name: &'static str,
    /// The version in use. Scores of two versions are never compared.
    pub version: u8,
    /// What it asks, in order.
    pub items: Vec<OutcomeQuestion>,
    /// What its answers are read as.
    pub measures: Vec<OutcomeScale>,
}

impl From<Instrument> for OutcomeInstrument {
    fn from(instrument: Instrument) -> Self {
        let measures = Measure::ALL.iter().filter(|measure| measure.instrument() == instrument);
        Self {
            instrument: Code(instrument),
            name: instrument.words(),
            version: instrument.version(),
            items: instrument.items().map(OutcomeQuestion::from).collect(),
            measures: measures.map(|measure| OutcomeScale::from(*measure)).collect(),
        }
    }
}

/// One question of an instrument.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeQuestion {
    /// The question, as a code.
    pub item: Code<Item>,
    /// What it asks about, in short.
    pub about: &'static str,
    /// Its wording, where it may be shipped.
    pub wording: Option<&'static str>,
    /// The least answer.
    pub least: u8,
    /// The greatest answer.
    pub most: u8,
    /// What the least answer says.
    pub least_says: &'static str,
    /// What the greatest answer says.
    pub most_says: &'static str,
}

impl From<&outcome::Asked> for OutcomeQuestion {
    fn from(asked: &outcome::Asked) -> Self {
        let outcome::Asked { item, wording, least, most, least_says, most_says, .. } = *asked;
        Self { item: Code(item), about: item.words(), wording, least, most, least_says, most_says }
    }
}

/// What answers are read as: a score with published bands.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeScale {
    /// What it measures.
    pub measure: Code<Measure>,
    /// Its name in words.
    pub name: &'static str,
    /// Whether a lower score is the better one.
    pub lower_is_better: bool,
    /// Its bands, from the lowest score up.
    pub bands: Vec<OutcomeBand>,
    /// Who published them.
    pub source: OutcomeSource,
}

impl From<Measure> for OutcomeScale {
    fn from(measure: Measure) -> Self {
        let banded = measure.banded();
        let outcome::Source { title, address, terms } = banded.source;
        Self {
            measure: Code(measure),
            name: measure.words(),
            lower_is_better: measure.lower_is_better(),
            bands: banded.bands.iter().map(Into::into).collect(),
            source: OutcomeSource { title, address, terms },
        }
    }
}

/// A band of scores.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeBand {
    /// Its name.
    pub name: Code<BandName>,
    /// The least score in it.
    pub from: u8,
    /// The greatest score in it.
    pub to: u8,
}

impl From<&outcome::Band> for OutcomeBand {
    fn from(band: &outcome::Band) -> Self {
        Self { name: Code(band.name), from: band.from, to: band.to }
    }
}

/// Where bands were published.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeSource {
    /// Who published what.
    pub title: &'static str,
    /// Where it can be read, where it is on the web.
    pub address: Option<&'static str>,
    /// On what terms it may be used.
    pub terms: &'static str,
}

/// A record of answers, without the answers.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeOutline {
    /// Its id: a correction names it.
    pub id: Uuid,
    /// Which instrument.
    pub instrument: Code<Instrument>,
    /// Before or after.
    pub moment: Code<Moment>,
    /// The day of answering.
    pub answered_on: Date,
    /// Whether another record took its place.
    pub corrected: bool,
}

impl From<&OutcomeRecord> for OutcomeOutline {
    fn from(record: &OutcomeRecord) -> Self {
        Self {
            id: record.outcome.0,
            instrument: Code(record.answers.instrument),
            moment: Code(record.answers.moment),
            answered_on: Date(record.answered_on),
            corrected: record.corrected_by.is_some(),
        }
    }
}

/// Answers to an instrument.
#[derive(Debug, Clone, SimpleObject)]
pub struct Outcome {
    /// The id of the record.
    pub id: Uuid,
    /// Which instrument.
    pub instrument: Code<Instrument>,
    /// Which version of it.
    pub instrument_version: u8,
    /// Before or after.
    pub moment: Code<Moment>,
    /// The day of answering.
    pub answered_on: Date,
    /// Who asked.
    pub asked_by: Code<AskedBy>,
    /// The answers, question by question.
    pub answers: Vec<OutcomeAnswer>,
    /// What they come to, with the published bands.
    pub scores: Vec<OutcomeScore>,
    /// Where the person’s goal in their own words is kept in the vault.
    pub goal_item_id: Option<Uuid>,
    /// The record it took the place of.
    pub corrects_id: Option<Uuid>,
    /// The record that took its place.
    pub corrected_by_id: Option<Uuid>,
}

impl From<&OutcomeRecord> for Outcome {
    fn from(record: &OutcomeRecord) -> Self {
        let given = record.answers.answers.iter();
        Self {
            id: record.outcome.0,
            instrument: Code(record.answers.instrument),
            instrument_version: record.answers.version,
            moment: Code(record.answers.moment),
            answered_on: Date(record.answered_on),
            asked_by: Code(record.asked_by),
            answers: given.map(|one| OutcomeAnswer { item: Code(one.item), score: one.score }).collect(),
            scores: record.answers.readings().iter().map(OutcomeScore::from).collect(),
            goal_item_id: record.goal.as_ref().map(|goal| goal.item),
            corrects_id: record.corrects.map(|one| one.0),
            corrected_by_id: record.corrected_by.map(|one| one.0),
        }
    }
}

/// One answer.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeAnswer {
    /// The question.
    pub item: Code<Item>,
    /// The number given.
    pub score: u8,
}

/// A score with the band it falls in.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeScore {
    /// What it measures.
    pub measure: Code<Measure>,
    /// The score.
    pub score: u8,
    /// The band.
    pub band: Option<Code<BandName>>,
}

impl From<&Reading> for OutcomeScore {
    fn from(reading: &Reading) -> Self {
        let Reading { measure, score, band } = *reading;
        Self { measure: Code(measure), score, band: band.map(Code) }
    }
}

/// One measure before and after.
#[derive(Debug, Clone, SimpleObject)]
pub struct OutcomeChange {
    /// What was measured.
    pub measure: Code<Measure>,
    /// Before.
    pub before: OutcomeScore,
    /// After.
    pub after: OutcomeScore,
    /// After less before.
    pub difference: i8,
    /// Which way that is: for anxiety and loneliness, down is better.
    pub direction: Code<Direction>,
}

impl From<&Change> for OutcomeChange {
    fn from(change: &Change) -> Self {
        Self {
            measure: Code(change.measure),
            before: (&change.before).into(),
            after: (&change.after).into(),
            difference: change.difference,
            direction: Code(change.direction),
        }
    }
}
