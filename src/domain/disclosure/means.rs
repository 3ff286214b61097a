//! Means of what changed for people: shown for 8 people or more, to the nearest fifth, and only where nothing can be
//! worked out of the means that are not shown.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{SLACK, SMALL, Shown};

/// How some people changed by a measure: how many of them, and what their changes come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// How many people.
    pub people: u64,
    /// The sum of their changes, in whole points.
    pub sum: i64,
}

/// A mean in fifths of a point. Whatever the count of 8 people or more, some sum comes to each fifth: a mean says
/// nothing of how many people it was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mean(i64);

impl Mean {
    pub(super) fn of(changes: Changes) -> Self {
        let people = i64::try_from(changes.people.max(1)).unwrap_or(i64::MAX);
        // Halves go away from nought, so that gains and losses are rounded alike.
        let fifths = (10 * changes.sum.abs() + people) / (2 * people);
        Self(fifths * changes.sum.signum())
    }

    /// In tenths of a point.
    #[must_use]
    pub const fn tenths(self) -> i64 {
        2 * self.0
    }
}

impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let tenths = self.tenths().abs();
        write!(f, "{sign}{}.{}", tenths / 10, tenths % 10)
    }
}

impl Serialize for Mean {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let tenths: i64 = text.replace('.', "").parse().map_err(D::Error::custom)?;
        Ok(Self(tenths / 2))
    }
}

/// The means that may be shown beside published counts: that of the whole and those of its parts. `range` is the most
/// that one person can change, in points.
#[must_use]
pub fn means(
    whole: (Changes, Shown),
    parts: &[(Changes, Shown)],
    range: u32,
) -> (Option<Mean>, Vec<Option<Mean>>) {
    let large = |(changes, shown): &(Changes, Shown)| changes.people > SMALL && shown.count().is_some();
    let of_whole = large(&whole).then(|| Mean::of(whole.0));
    let mut open: Vec<bool> = parts.iter().map(large).collect();
    // What is left when the shown ones are taken from the whole is a mean as well: over 8 people, of two parts.
    loop {
        let hidden = || parts.iter().zip(&open).filter(|((part, _), open)| !**open && part.people > 0);
        let people: u64 = hidden().map(|((part, _), _)| part.people).sum();
        if hidden().count() == 0 || (hidden().count() > 1 && people > SMALL) {
            break;
        }
        let smallest = (0..parts.len()).filter(|at| open[*at]).min_by_key(|at| (parts[*at].1, *at));
        let Some(at) = smallest else { break };
        open[at] = false;
    }
    if of_whole.is_some_and(|mean| tells_a_count((mean, whole.1), parts, &open, i64::from(range))) {
        open.fill(false);
    }
    let of_parts = parts.iter().zip(&open).map(|((part, _), open)| open.then(|| Mean::of(*part)));
    (of_whole, of_parts.collect())
}

/// Whether the change that the hidden parts must have made is more than their least count of people could make.
fn tells_a_count(whole: (Mean, Shown), parts: &[(Changes, Shown)], open: &[bool], range: i64) -> bool {
    // Sums in tenths of a point: the least and the most that a mean of so many people, both rounded, stands for.
    let span = |(mean, shown): (Mean, Shown)| {
        let count = shown.count().and_then(|count| i64::try_from(count).ok()).unwrap_or_default();
        let people = [(count - SLACK).max(8), count + SLACK];
        let ends = people.map(|people| [people * (mean.tenths() - 1), people * (mean.tenths() + 1)]);
        let all = [ends[0][0], ends[0][1], ends[1][0], ends[1][1]];
        (all.into_iter().min().unwrap_or_default(), all.into_iter().max().unwrap_or_default())
    };
    let (mut least, mut most) = span(whole);
    let mut hidden = 0;
    for ((changes, shown), open) in parts.iter().zip(open) {
        if *open {
            let (low, high) = span((Mean::of(*changes), *shown));
            (least, most) = (least - high, most - low);
        } else if *shown != Shown::Count(0) {
            hidden += 1;
        }
    }
    least.max(-most) > hidden * range * 10
}
