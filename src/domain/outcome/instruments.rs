//! The instruments as published: questions where they may be shipped, ranges, bands, and where each comes from.

use super::{BandName, Instrument, Item, Measure};

/// One question of an instrument, and the answers it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Which instrument asks it.
    pub instrument: Instrument,
    /// The question, as a code.
    pub item: Item,
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

/// Where something was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Who published what.
    pub title: &'static str,
    /// Where it can be read, where it is on the web.
    pub address: Option<&'static str>,
    /// On what terms it may be used.
    pub terms: &'static str,
}

/// A band: from and to, both counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Its name.
    pub name: BandName,
    /// The least score in it.
    pub from: u8,
    /// The greatest score in it.
    pub to: u8,
}

/// The bands of a measure, and who published them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banded {
    /// What is measured.
    pub measure: Measure,
    /// Its bands, from the lowest score up.
    pub bands: &'static [Band],
    /// Who published them.
    pub source: Source,
}

const fn ons4(item: Item, wording: &'static str, least_says: &'static str, most_says: &'static str) -> Asked {
    Asked {
        instrument: Instrument::Ons4,
        item,
        wording: Some(wording),
        least: 0,
        most: 10,
        least_says,
        most_says,
    }
}

/// The wording of the scale belongs to its authors: it is asked from their paper, and not shipped.
const fn ucla3(item: Item) -> Asked {
    Asked {
        instrument: Instrument::Ucla3,
        item,
        wording: None,
        least: 1,
        most: 3,
        least_says: "hardly ever or never",
        most_says: "often",
    }
}

/// Every question of every instrument, in the order they are asked.
pub const ASKED: &[Asked] = &[
    ons4(
        Item::Satisfied,
        "Overall, how satisfied are you with your life nowadays?",
        "not at all satisfied",
        "completely satisfied",
    ),
    ons4(
        Item::Worthwhile,
        "Overall, to what extent do you feel that the things you do in your life are worthwhile?",
        "not at all worthwhile",
        "completely worthwhile",
    ),
    ons4(Item::Happy, "Overall, how happy did you feel yesterday?", "not at all happy", "completely happy"),
    ons4(
        Item::Anxious,
        "On a scale where 0 is not at all anxious and 10 is completely anxious, overall, how anxious did you feel \
         yesterday?",
        "not at all anxious",
        "completely anxious",
    ),
    ucla3(Item::Companionship),
    ucla3(Item::LeftOut),
    ucla3(Item::Isolated),
    Asked {
        instrument: Instrument::OwnGoal,
        item: Item::Goal,
        wording: Some("Did you reach the goal you set yourself?"),
        least: 0,
        most: 2,
        least_says: "no",
        most_says: "yes",
    },
];

const ONS: Source = Source {
    title: "Office for National Statistics, Personal wellbeing: harmonised standard and user guide, thresholds",
    address: Some("https://analysisfunction.civilservice.gov.uk/policy-store/personal-well-being/"),
    terms: "Open Government Licence v3.0. The four answers are never added up.",
};

const UCLA: Source = Source {
    title: "Three items: Hughes, Waite, Hawkley and Cacioppo (2004), Research on Aging 26(6). Cut-off of 6: Steptoe, \
            Shankar, Demakakos and Wardle (2013), PNAS 110(15)",
    address: Some("https://doi.org/10.1073/pnas.1219686110"),
    terms: "The wording belongs to its authors and is not shipped here; the Office for National Statistics prints it \
            in its guidance on measuring loneliness. An answer of 2 says some of the time.",
};

const OWN: Source = Source {
    title: "This project: a goal in the person’s own words, judged by the person",
    address: None,
    terms: "Free to use. An answer of 1 says partly.",
};

const fn band(name: BandName, from: u8, to: u8) -> Band {
    Band { name, from, to }
}

const WELLBEING: &[Band] = &[
    band(BandName::Low, 0, 4),
    band(BandName::Medium, 5, 6),
    band(BandName::High, 7, 8),
    band(BandName::VeryHigh, 9, 10),
];

/// Read the other way round: the less, the better.
const ANXIETY: &[Band] = &[
    band(BandName::VeryLow, 0, 1),
    band(BandName::Low, 2, 3),
    band(BandName::Medium, 4, 5),
    band(BandName::High, 6, 10),
];

const LONELINESS: &[Band] = &[band(BandName::NotLonely, 3, 5), band(BandName::Lonely, 6, 9)];

const GOAL: &[Band] =
    &[band(BandName::GoalNotMet, 0, 0), band(BandName::GoalPartlyMet, 1, 1), band(BandName::GoalMet, 2, 2)];

/// The bands of every measure.
pub const BANDED: &[Banded] = &[
    Banded { measure: Measure::Satisfied, bands: WELLBEING, source: ONS },
    Banded { measure: Measure::Worthwhile, bands: WELLBEING, source: ONS },
    Banded { measure: Measure::Happy, bands: WELLBEING, source: ONS },
    Banded { measure: Measure::Anxious, bands: ANXIETY, source: ONS },
    Banded { measure: Measure::Loneliness, bands: LONELINESS, source: UCLA },
    Banded { measure: Measure::OwnGoal, bands: GOAL, source: OWN },
];
