//! Attacks on what is published: every table that could stand behind it is tried.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn whole(total: u64, breakdowns: &[(Parts, &[u64])]) -> Whole {
    let breakdowns = breakdowns.iter().map(|(parts, counts)| (*parts, counts.to_vec())).collect();
    Whole { total, is_public: false, breakdowns }
}

fn said(published: &Published) -> String {
    let row = |cells: &Vec<Shown>| cells.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = published.breakdowns.iter().map(row).collect();
    format!("{} = {}", published.total, rows.join(" | "))
}

/// Every way in which so many parts come to a total.
fn tables(parts: usize, total: u64) -> Vec<Vec<u64>> {
    if parts == 1 {
        return vec![vec![total]];
    }
    let rest = |first: u64| {
        tables(parts - 1, total - first).into_iter().map(move |rest| [vec![first], rest].concat())
    };
    (0..=total).flat_map(rest).collect()
}

fn is_small(count: u64) -> bool {
    (1..=SMALL).contains(&count)
}

/// Publish every table there is, and see what each star can stand for among those that are published alike: all that
/// somebody could find out who knows the rule and all its steps by heart. Returns the fewest values of any star.
fn fewest(every: impl Iterator<Item = Whole>, up_to: u64) -> (usize, String) {
    let mut alike: BTreeMap<Published, Vec<BTreeSet<u64>>> = BTreeMap::new();
    for table in every {
        let published = table.publish();
        let counts: Vec<u64> = std::iter::once(table.total)
            .chain(table.breakdowns.iter().flat_map(|(_, counts)| counts.clone()))
            .collect();
        let seen = alike.entry(published).or_insert_with(|| vec![BTreeSet::new(); counts.len()]);
        for (seen, count) in seen.iter_mut().zip(counts) {
            seen.insert(count);
        }
    }
    let stars = alike.iter().flat_map(|(published, seen)| {
        let shown = std::iter::once(&published.total).chain(published.breakdowns.iter().flatten());
        let is_whole = published.total.count().is_none_or(|total| total + 2 <= up_to);
        shown
            .zip(seen)
            .filter(move |(shown, seen)| {
                is_whole && **shown == Shown::Star && seen.iter().any(|count| is_small(*count))
            })
            .map(move |(_, seen)| (seen.len(), format!("{}: {seen:?}", said(published))))
    });
    stars.min().expect("there are stars")
}

#[test]
fn nought_stays_and_small_counts_are_stars() {
    let shown: Vec<String> = (0..=18).map(|count| Shown::plain(count).to_string()).collect();
    assert_eq!(shown.join(" "), "0 * * * * * * * 10 10 10 10 10 15 15 15 15 15 20");
}

#[test]
fn a_total_gives_nothing_away() {
    for (total, parts, wanted) in [
        (40, &[30, 10][..], "40 = 30 10"),
        (33, &[30, 3], "35 = 30 *"),
        // Ten and a star could only be 1 to 4: both go.
        (9, &[8, 1], "10 = * *"),
        // All four at the most there can be.
        (28, &[7, 7, 7, 7], "30 = * * * *"),
        (30, &[12, 6, 6, 6], "30 = * * * *"),
        // Twelve at the least there can be, with a nought that would say so.
        (12, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], "10 = * * * * * * * * * * * * *"),
        (5, &[5, 0, 0], "* = * * *"),
        (0, &[0, 0], "0 = 0 0"),
        (121, &[100, 20, 1], "120 = 100 * *"),
    ] {
        assert_eq!(said(&whole(total, &[(Parts::Add, parts)]).publish()), wanted, "{parts:?}");
    }
}

/// All the ways in which one whole is broken down once or twice, up to a total; the fewest values of any star.
fn one_breakdown(parts: usize, up_to: u64) -> (usize, String) {
    let every =
        (0..=up_to).flat_map(|total| tables(parts, total).into_iter().map(move |cells| (total, cells)));
    fewest(every.map(|(total, cells)| whole(total, &[(Parts::Add, &cells)])), up_to)
}

fn two_breakdowns(up_to: u64) -> (usize, String) {
    let every = (0..=up_to).flat_map(|total| {
        let pairs =
            move |left: Vec<u64>| tables(3, total).into_iter().map(move |right| (total, left.clone(), right));
        tables(2, total).into_iter().flat_map(pairs)
    });
    fewest(
        every.map(|(total, left, right)| whole(total, &[(Parts::Add, &left), (Parts::Add, &right)])),
        up_to,
    )
}

fn overlapping(up_to: u64) -> (usize, String) {
    let every = (0..=up_to).flat_map(|total| {
        (0..=total).flat_map(move |one| (total - one..=total).map(move |other| (total, [one, other])))
    });
    fewest(every.map(|(total, cells)| whole(total, &[(Parts::Overlap, &cells)])), up_to)
}

#[test]
fn whoever_knows_every_step_still_cannot_tell_a_star() {
    for (what, (fewest, where_from)) in [
        ("two parts", one_breakdown(2, 34)),
        ("three parts", one_breakdown(3, 34)),
        ("four parts", one_breakdown(4, 32)),
        ("two breakdowns", two_breakdowns(20)),
        ("parts that overlap", overlapping(30)),
        ("two tables that share the totals of their rows", crossed(12)),
    ] {
        assert!(fewest >= 4, "{what}: {where_from}");
    }
}

/// Both of two tables of two rows and two columns that share the totals of their rows.
fn crossed(up_to: u64) -> (usize, String) {
    let mut alike: BTreeMap<PublishedCrossed, [BTreeSet<u64>; 4]> = BTreeMap::new();
    for total in 0..=up_to {
        for left in tables(4, total) {
            let rows = [left[0] + left[1], left[2] + left[3]];
            for (one, other) in (0..=rows[0]).flat_map(|one| (0..=rows[1]).map(move |other| (one, other))) {
                let right = vec![vec![one, rows[0] - one], vec![other, rows[1] - other]];
                let table = Crossed { left: vec![left[..2].to_vec(), left[2..].to_vec()], right };
                let seen = alike.entry(table.publish()).or_default();
                for (seen, count) in seen.iter_mut().zip(&left) {
                    seen.insert(*count);
                }
            }
        }
    }
    let stars = alike.iter().flat_map(|(published, seen)| {
        let is_whole = published.total.count().is_none_or(|total| total + 2 <= up_to);
        published.cells[0]
            .iter()
            .flatten()
            .zip(seen)
            .filter(move |(shown, seen)| {
                is_whole && **shown == Shown::Star && seen.iter().any(|count| is_small(*count))
            })
            .map(move |(_, seen)| (seen.len(), format!("{published:?}: {seen:?}")))
    });
    stars.min().expect("there are stars")
}

/// The least and the most of each figure among all tables that fit what is known, found by trying every one.
fn tried(counts: &[u64], total: u64) -> Vec<(u64, u64)> {
    let fits = |count: u64, shown: u64| Shown::plain(count) == Shown::plain(shown);
    let all =
        (0..=total + 6).filter(|other| fits(*other, total)).flat_map(|total| tables(counts.len(), total));
    let fitting: Vec<Vec<u64>> =
        all.filter(|table| table.iter().zip(counts).all(|(count, shown)| fits(*count, *shown))).collect();
    let ends = |at: usize| {
        let values = || fitting.iter().map(move |table| table[at]);
        (values().min().expect("the true one fits"), values().max().expect("the true one fits"))
    };
    (0..counts.len()).map(ends).collect()
}

#[test]
fn a_per_cent_is_of_what_is_published() {
    let of = |part: u64, whole: u64| Shown::plain(part).percent_of(Shown::plain(whole));
    assert_eq!(
        [of(0, 20), of(3, 20), of(9, 21), of(20, 20), of(0, 0)],
        [Some(0), None, Some(50), Some(100), None]
    );
}

fn changes(people: u64, sum: i64) -> (Changes, Shown) {
    (Changes { people, sum }, Shown::plain(people))
}

fn shown(found: (Option<Mean>, Vec<Option<Mean>>)) -> String {
    let said = |mean: Option<Mean>| mean.map_or_else(|| "*".to_owned(), |mean| mean.to_string());
    let parts: Vec<String> = found.1.into_iter().map(said).collect();
    format!("{} = {}", said(found.0), parts.join(" "))
}

#[test]
fn a_mean_is_shown_for_eight_people_and_never_by_subtraction() {
    for (whole, parts, wanted) in [
        (changes(40, 60), vec![changes(20, 40), changes(20, 20)], "1.6 = 2.0 1.0"),
        (changes(7, 7), vec![changes(4, 7), changes(3, 0)], "* = * *"),
        // One small part alone would be what is left: another goes with it, the smallest.
        (changes(60, 60), vec![changes(40, 40), changes(15, 15), changes(5, 5)], "1.0 = 1.0 * *"),
        // Two small parts of seven people together: another goes with them.
        (
            changes(57, 57),
            vec![changes(40, 40), changes(10, 10), changes(4, 4), changes(3, 3)],
            "1.0 = 1.0 * * *",
        ),
        (changes(48, 48), vec![changes(40, 40), changes(4, 4), changes(4, 4)], "1.0 = 1.0 * *"),
        (changes(20, -30), vec![changes(20, -30), changes(0, 0)], "-1.6 = -1.6 *"),
        // What the small ones changed is more than few people could: none of the parts is shown.
        (changes(24, 140), vec![changes(10, 0), changes(7, 70), changes(7, 70)], "5.8 = * * *"),
    ] {
        assert_eq!(shown(means(whole, &parts, 10)), wanted, "{parts:?}");
    }
}

#[test]
fn a_mean_leaves_every_count_open() {
    for people in 8_u64..200 {
        let most = 10 * i64::try_from(people).unwrap();
        let all: BTreeSet<i64> =
            (-most..=most).map(|sum| Mean::of(Changes { people, sum }).tenths()).collect();
        assert_eq!(all, (-100..=100).step_by(2).collect(), "{people}");
    }
    let mean: Mean = serde_json::from_str("\"-0.4\"").unwrap();
    assert_eq!((mean.tenths(), serde_json::to_string(&mean).unwrap()), (-4, "\"-0.4\"".to_owned()));
}

proptest! {
    #[test]
    fn what_can_be_worked_out_is_found_exactly(counts in prop::collection::vec(0_u64..14, 1..4)) {
        let mut plan = Plan::default();
        let total: u64 = counts.iter().sum();
        plan.figure((1, 0), total, Place::Total { is_public: false });
        for count in &counts {
            plan.figure((0, 1), *count, Place::Cell(0));
        }
        for (at, (least, most)) in tried(&counts, total).into_iter().enumerate() {
            let found = plan.network.range(at + 1, (0, 1_000));
            prop_assert_eq!(found, (i64::try_from(least).unwrap(), i64::try_from(most).unwrap()), "{:?} {}", counts, at);
        }
    }

    #[test]
    fn however_much_is_broken_down_no_star_says_more_than_small(
        left in prop::collection::vec(0_u64..30, 2..12),
        cuts in prop::collection::vec(0_u64..1_000, 1..6),
        over in prop::collection::vec(0_u64..30, 2..6),
    ) {
        let total: u64 = left.iter().sum();
        let mut ends: Vec<u64> = cuts.iter().map(|cut| cut % (total + 1)).collect();
        ends.extend([0, total]);
        ends.sort_unstable();
        let right: Vec<u64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mut over: Vec<u64> = over.iter().map(|part| (*part).min(total)).collect();
        over[0] = total;
        let table = whole(total, &[(Parts::Add, &left), (Parts::Add, &right), (Parts::Overlap, &over)]);
        let published = table.publish();
        prop_assert_eq!(&published, &table.publish(), "the same counts are shown the same way");
        for ((_, counts), shown) in table.breakdowns.iter().zip(&published.breakdowns) {
            for (count, shown) in counts.iter().zip(shown) {
                prop_assert!(*shown == Shown::Star || *shown == Shown::plain(*count));
                prop_assert!(*shown == Shown::Star || !(1..=SMALL).contains(count));
            }
        }
    }
}
