//! Outcome instruments: what is asked, how answers are read, which bands were published for them and by whom, and
//! what changed between a record before and one after. Pure words and sums; nothing here knows whose answers they are.

mod instruments;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use instruments::{ASKED, Asked, BANDED, Band, Banded, Source};

codes! {
    /// An outcome instrument whose use needs no licence.
    pub enum Instrument {
        "ons4" => Ons4, "ONS4, personal wellbeing: four answers that are never added up";
        "ucla3" => Ucla3, "the three-item UCLA loneliness scale";
        "own_goal" => OwnGoal, "whether a goal of the person’s own was met";
    }
}

impl Instrument {
    /// The version in use today: raised when questions, answers or bands change, since scores of two versions cannot
    /// be compared.
    #[must_use]
    pub const fn version(self) -> u8 {
        match self {
            Self::Ons4 | Self::Ucla3 | Self::OwnGoal => 1,
        }
    }

    /// What it asks, in order.
    pub fn items(self) -> impl Iterator<Item = &'static Asked> {
        ASKED.iter().filter(move |asked| asked.instrument == self)
    }
}

codes! {
    /// One question of an instrument.
    pub enum Item {
        "satisfied" => Satisfied, "satisfied with life nowadays";
        "worthwhile" => Worthwhile, "the things done in life are worthwhile";
        "happy" => Happy, "happy yesterday";
        "anxious" => Anxious, "anxious yesterday";
        "companionship" => Companionship, "lack of companionship";
        "left_out" => LeftOut, "feeling left out";
        "isolated" => Isolated, "feeling isolated from others";
        "goal" => Goal, "the person’s own goal met";
    }
}

codes! {
    /// What a score stands for, and what may be compared with itself: an item, or the sum where a sum is published.
    pub enum Measure {
        "ons4_satisfied" => Satisfied, "life satisfaction (ONS4)";
        "ons4_worthwhile" => Worthwhile, "feeling that life is worthwhile (ONS4)";
        "ons4_happy" => Happy, "happiness (ONS4)";
        "ons4_anxious" => Anxious, "anxiety (ONS4)";
        "ucla3_loneliness" => Loneliness, "loneliness (UCLA, three items)";
        "own_goal" => OwnGoal, "own goal met";
    }
}

impl Measure {
    /// The instrument it is a score of.
    #[must_use]
    pub const fn instrument(self) -> Instrument {
        match self {
            Self::Satisfied | Self::Worthwhile | Self::Happy | Self::Anxious => Instrument::Ons4,
            Self::Loneliness => Instrument::Ucla3,
            Self::OwnGoal => Instrument::OwnGoal,
        }
    }

    /// Whether a lower score is the better one.
    #[must_use]
    pub const fn lower_is_better(self) -> bool {
        match self {
            Self::Anxious | Self::Loneliness => true,
            Self::Satisfied | Self::Worthwhile | Self::Happy | Self::OwnGoal => false,
        }
    }

    /// Its bands as they were published, and by whom.
    #[must_use]
    pub fn banded(self) -> &'static Banded {
        let found = BANDED.iter().find(|banded| banded.measure == self);
        found.unwrap_or(&BANDED[0])
    }

    /// The band a score falls in.
    #[must_use]
    pub fn band(self, score: u8) -> Option<BandName> {
        let band = self.banded().bands.iter().find(|band| (band.from..=band.to).contains(&score));
        band.map(|band| band.name)
    }

    const fn of(item: Item) -> Option<Self> {
        match item {
            Item::Satisfied => Some(Self::Satisfied),
            Item::Worthwhile => Some(Self::Worthwhile),
            Item::Happy => Some(Self::Happy),
            Item::Anxious => Some(Self::Anxious),
            Item::Goal => Some(Self::OwnGoal),
            Item::Companionship | Item::LeftOut | Item::Isolated => None,
        }
    }
}

codes! {
    /// A band of scores.
    pub enum BandName {
        "very_low" => VeryLow, "very low";
        "low" => Low, "low";
        "medium" => Medium, "medium";
        "high" => High, "high";
        "very_high" => VeryHigh, "very high";
        "not_lonely" => NotLonely, "not lonely";
        "lonely" => Lonely, "lonely";
        "goal_not_met" => GoalNotMet, "not met";
        "goal_partly_met" => GoalPartlyMet, "partly met";
        "goal_met" => GoalMet, "met";
    }
}

codes! {
    /// When an instrument was answered: before the work or after it.
    pub enum Moment {
        "before" => Before, "before";
        "after" => After, "after";
    }
}

/// One answer: the question and the number given. For a goal of the person's own: 0 not met, 1 partly, 2 met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub item: Item,
    /// The number given.
    pub score: u8,
}

/// An instrument as it was answered once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The instrument.
    pub instrument: Instrument,
    /// Which version of it.
    pub version: u8,
    /// Before or after.
    pub moment: Moment,
    /// What was answered, in the order of the questions.
    pub answers: Vec<Answer>,
}

/// A score with the band it falls in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What it is a score of.
    pub measure: Measure,
    /// The score.
    pub score: u8,
    /// The published band.
    pub band: Option<BandName>,
}

codes! {
    /// Which way a score went.
    pub enum Direction {
        "better" => Better, "better";
        "same" => Same, "the same";
        "worse" => Worse, "worse";
    }
}

/// One measure before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What was measured.
    pub measure: Measure,
    /// Before.
    pub before: Reading,
    /// After.
    pub after: Reading,
    /// After less before.
    pub difference: i8,
    /// Which way that is: for anxiety and loneliness, down is better.
    pub direction: Direction,
}

refusals! {
    /// Why answers could not be taken or compared.
    pub enum OutcomeProblem {
        "outcome.nothing_answered" => NothingAnswered, "Enter at least one answer, or leave the instrument out.";
        "outcome.out_of_range" => OutOfRange { item: &'static str, least: u8, most: u8, found: i32 }, "The answer on {item} is a whole number from {least} to {most}: {found} is outside it.";
        "outcome.item_of_another" => ItemOfAnother { item: &'static str, instrument: &'static str }, "{item} is not asked by {instrument}: take it out, or choose the instrument that asks it.";
        "outcome.item_twice" => ItemTwice { item: &'static str }, "There are two answers on {item}: keep one.";
        "outcome.item_missing" => ItemMissing { item: &'static str }, "The answer on {item} is missing: this scale is added up and says nothing without it.";
        "outcome.version_unknown" => VersionUnknown { version: u8, known: u8 }, "There is no version {version} of this instrument: the one in use is version {known}.";
        "outcome.goal_before" => GoalBefore, "Whether a goal was met is asked afterwards: record it as after.";
        "outcome.not_a_pair" => NotAPair, "Change is read from the same version of the same instrument, answered before and after.";
    }
}

impl Answers {
    /// Take answers to an instrument, in any order. ONS4 may be answered in part, since its answers stand alone; a
    /// scale that is added up may not.
    ///
    /// # Errors
    /// An answer is out of range, missing, given twice or asked by another instrument; or the version is not in use.
    pub fn take(
        instrument: Instrument,
        version: u8,
        moment: Moment,
        given: &[(Item, i32)],
    ) -> Result<Self, OutcomeProblem> {
        if version != instrument.version() {
            return Err(OutcomeProblem::VersionUnknown { version, known: instrument.version() });
        }
        if instrument == Instrument::OwnGoal && moment == Moment::Before {
            return Err(OutcomeProblem::GoalBefore);
        }
        let mut found: BTreeMap<Item, u8> = BTreeMap::new();
        for (item, typed) in given {
            let Some(asked) = instrument.items().find(|asked| asked.item == *item) else {
                let (item, instrument) = (item.words(), instrument.words());
                return Err(OutcomeProblem::ItemOfAnother { item, instrument });
            };
            let (least, most, words) = (asked.least, asked.most, item.words());
            let Some(score) = u8::try_from(*typed).ok().filter(|score| (least..=most).contains(score)) else {
                return Err(OutcomeProblem::OutOfRange { item: words, least, most, found: *typed });
            };
            if found.insert(*item, score).is_some() {
                return Err(OutcomeProblem::ItemTwice { item: words });
            }
        }
        if found.is_empty() {
            return Err(OutcomeProblem::NothingAnswered);
        }
        let missing = instrument.items().find(|asked| !found.contains_key(&asked.item));
        if let Some(asked) = missing.filter(|_| instrument == Instrument::Ucla3) {
            return Err(OutcomeProblem::ItemMissing { item: asked.item.words() });
        }
        let answers = found.into_iter().map(|(item, score)| Answer { item, score }).collect();
        Ok(Self { instrument, version, moment, answers })
    }

    /// The scores they come to, with their bands. The four answers of ONS4 are four scores; the three of the UCLA
    /// scale are one sum.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        let reading = |measure: Measure, score: u8| Reading { measure, score, band: measure.band(score) };
        match self.instrument {
            Instrument::Ucla3 => {
                let sum = self.answers.iter().map(|answer| answer.score).fold(0, u8::saturating_add);
                vec![reading(Measure::Loneliness, sum)]
            }
            Instrument::Ons4 | Instrument::OwnGoal => self
                .answers
                .iter()
                .filter_map(|answer| Some(reading(Measure::of(answer.item)?, answer.score)))
                .collect(),
        }
    }

    /// What changed from these answers to those: each measure that both hold.
    ///
    /// # Errors
    /// `outcome.not_a_pair` unless these were given before and those after, to the same version of one instrument.
    pub fn change_to(&self, later: &Self) -> Result<Vec<Change>, OutcomeProblem> {
        let same = (self.instrument, self.version) == (later.instrument, later.version);
        if !same || (self.moment, later.moment) != (Moment::Before, Moment::After) {
            return Err(OutcomeProblem::NotAPair);
        }
        let after = later.readings();
        let pairs = self.readings().into_iter().filter_map(|before| {
            let after = after.iter().find(|after| after.measure == before.measure)?;
            Some(changed(before, *after))
        });
        Ok(pairs.collect())
    }
}

fn changed(before: Reading, after: Reading) -> Change {
    let up = if before.measure.lower_is_better() { Direction::Worse } else { Direction::Better };
    let down = if before.measure.lower_is_better() { Direction::Better } else { Direction::Worse };
    let direction = match after.score.cmp(&before.score) {
        std::cmp::Ordering::Equal => Direction::Same,
        std::cmp::Ordering::Greater => up,
        std::cmp::Ordering::Less => down,
    };
    let wide = i16::from(after.score) - i16::from(before.score);
    let difference = i8::try_from(wide).unwrap_or_default();
    Change { measure: before.measure, before, after, difference, direction }
}

#[cfg(test)]
mod tests;
