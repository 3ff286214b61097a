//! Instruments: every score has one band, wrong answers are refused, and change is read from pairs alone.

use super::*;
use crate::domain::{Refused, all_reached};

fn ons4(moment: Moment, given: &[(Item, i32)]) -> Answers {
    Answers::take(Instrument::Ons4, 1, moment, given).unwrap()
}

fn ucla3(moment: Moment, scores: [i32; 3]) -> Answers {
    let items = [Item::Companionship, Item::LeftOut, Item::Isolated];
    let given: Vec<(Item, i32)> = items.into_iter().zip(scores).collect();
    Answers::take(Instrument::Ucla3, 1, moment, &given).unwrap()
}

#[test]
fn every_measure_has_bands_of_its_own_without_gap_or_overlap() {
    for measure in Measure::ALL {
        let banded = measure.banded();
        assert_eq!(banded.measure, *measure);
        let (least, most) = match measure {
            Measure::Satisfied | Measure::Worthwhile | Measure::Happy | Measure::Anxious => (0, 10),
            Measure::Loneliness => (3, 9),
            Measure::OwnGoal => (0, 2),
        };
        assert_eq!((banded.bands[0].from, banded.bands[banded.bands.len() - 1].to), (least, most));
        for pair in banded.bands.windows(2) {
            assert_eq!(pair[0].to + 1, pair[1].from, "{}", measure.words());
        }
        assert_eq!(measure.band(most + 1), None);
    }
}

#[test]
fn scores_fall_in_the_bands_that_were_published() {
    for (measure, score, band) in [
        (Measure::Satisfied, 4, BandName::Low),
        (Measure::Satisfied, 5, BandName::Medium),
        (Measure::Worthwhile, 7, BandName::High),
        (Measure::Happy, 8, BandName::High),
        (Measure::Happy, 9, BandName::VeryHigh),
        (Measure::Anxious, 1, BandName::VeryLow),
        (Measure::Anxious, 3, BandName::Low),
        (Measure::Anxious, 5, BandName::Medium),
        (Measure::Anxious, 6, BandName::High),
        (Measure::Loneliness, 5, BandName::NotLonely),
        (Measure::Loneliness, 6, BandName::Lonely),
        (Measure::OwnGoal, 1, BandName::GoalPartlyMet),
    ] {
        assert_eq!(measure.band(score), Some(band), "{} {score}", measure.words());
    }
}

#[test]
fn the_four_answers_of_ons4_are_never_added_up_and_may_be_given_in_part() {
    let all = ons4(
        Moment::Before,
        &[(Item::Anxious, 9), (Item::Happy, 2), (Item::Satisfied, 3), (Item::Worthwhile, 0)],
    );
    let read: Vec<(Measure, u8)> = all.readings().iter().map(|one| (one.measure, one.score)).collect();
    let wanted =
        [(Measure::Satisfied, 3), (Measure::Worthwhile, 0), (Measure::Happy, 2), (Measure::Anxious, 9)];
    assert_eq!(read, wanted, "in the order they are asked");
    assert_eq!(ons4(Moment::Before, &[(Item::Happy, 2)]).readings().len(), 1);
}

#[test]
fn the_three_answers_of_the_ucla_scale_are_one_sum() {
    let reading = ucla3(Moment::After, [1, 2, 3]).readings();
    let band = Some(BandName::Lonely);
    assert_eq!(reading, [Reading { measure: Measure::Loneliness, score: 6, band }]);
}

#[test]
fn down_is_better_for_anxiety_and_loneliness() {
    let before = ons4(Moment::Before, &[(Item::Happy, 4), (Item::Anxious, 8), (Item::Satisfied, 5)]);
    let after = ons4(Moment::After, &[(Item::Happy, 7), (Item::Anxious, 3), (Item::Worthwhile, 9)]);
    let change = before.change_to(&after).unwrap();
    let seen: Vec<_> = change.iter().map(|one| (one.measure, one.difference, one.direction)).collect();
    let wanted = [(Measure::Happy, 3, Direction::Better), (Measure::Anxious, -5, Direction::Better)];
    assert_eq!(seen, wanted, "what only one of them answered has no change");
    let lonelier = ucla3(Moment::Before, [1, 1, 1]).change_to(&ucla3(Moment::After, [1, 1, 2])).unwrap();
    assert_eq!((lonelier[0].difference, lonelier[0].direction), (1, Direction::Worse));
    let same = ucla3(Moment::Before, [2, 1, 1]).change_to(&ucla3(Moment::After, [1, 1, 2])).unwrap();
    assert_eq!(same[0].direction, Direction::Same);
}

#[test]
fn every_refusal_is_reached() {
    let refused = |instrument, version, moment, given: &[(Item, i32)]| {
        Refused::from(Answers::take(instrument, version, moment, given).unwrap_err())
    };
    let (before, after) = (Moment::Before, Moment::After);
    let pair = |one: &Answers, other: &Answers| Refused::from(one.change_to(other).unwrap_err());
    let (first, last) = (ons4(before, &[(Item::Happy, 2)]), ons4(after, &[(Item::Happy, 2)]));
    let older = Answers { version: 2, ..last.clone() };
    let reached = [
        ("outcome.nothing_answered", refused(Instrument::Ons4, 1, before, &[])),
        ("outcome.out_of_range", refused(Instrument::Ons4, 1, before, &[(Item::Happy, 11)])),
        ("outcome.out_of_range", refused(Instrument::Ucla3, 1, before, &[(Item::Isolated, 0)])),
        ("outcome.out_of_range", refused(Instrument::Ons4, 1, before, &[(Item::Happy, -1)])),
        ("outcome.out_of_range", refused(Instrument::Ons4, 1, before, &[(Item::Happy, 256)])),
        ("outcome.out_of_range", refused(Instrument::OwnGoal, 1, after, &[(Item::Goal, 3)])),
        ("outcome.item_of_another", refused(Instrument::Ons4, 1, before, &[(Item::Goal, 1)])),
        ("outcome.item_twice", refused(Instrument::Ons4, 1, before, &[(Item::Happy, 1), (Item::Happy, 2)])),
        ("outcome.item_missing", refused(Instrument::Ucla3, 1, before, &[(Item::Isolated, 1)])),
        ("outcome.version_unknown", refused(Instrument::Ons4, 2, before, &[(Item::Happy, 1)])),
        ("outcome.goal_before", refused(Instrument::OwnGoal, 1, before, &[(Item::Goal, 1)])),
        ("outcome.not_a_pair", pair(&last, &first)),
        ("outcome.not_a_pair", pair(&first, &older)),
        ("outcome.not_a_pair", pair(&first, &ucla3(after, [1, 1, 1]))),
    ];
    all_reached(OutcomeProblem::CODES, &reached);
}

#[test]
fn what_belongs_to_others_is_not_shipped() {
    assert!(Instrument::Ucla3.items().all(|asked| asked.wording.is_none()));
    assert!(Instrument::Ons4.items().all(|asked| asked.wording.is_some()));
    let sources =
        BANDED.iter().filter(|banded| banded.measure != Measure::OwnGoal).map(|one| one.source.address);
    assert!(sources.flatten().count() == 5, "what others published can be read where they published it");
}
