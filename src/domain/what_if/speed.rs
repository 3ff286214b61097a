//! How much faster the micro track would have been, against what it took in the same history.

use super::{EffectKind, Otherwise, Scene, Trace};
use crate::domain::money::Money;

/// What the micro grants of a history usually took: the median of their working days on us.
#[derive(Debug)]
pub(super) struct Usual {
    /// Each decision: the working days it took, and its position in the log; in order.
    took: Vec<(u32, i64)>,
}

impl Usual {
    pub(super) fn of<'t>(scene: &Scene, grants: impl Iterator<Item = &'t Trace>) -> Self {
        let micro = grants.filter(|trace| scene.is_micro(&trace.state)).filter_map(|trace| trace.decided);
        let mut took: Vec<(u32, i64)> = micro.map(|decided| (decided.took, decided.index)).collect();
        took.sort_unstable();
        Self { took }
    }

    /// The one in the middle, or the two of an even number.
    fn middle(&self) -> &[(u32, i64)] {
        let half = self.took.len() / 2;
        let first = if self.took.len().is_multiple_of(2) { half.saturating_sub(1) } else { half };
        self.took.get(first..=half).unwrap_or_default()
    }

    /// The median in half days; none when there was no such grant.
    fn median(&self) -> Option<u32> {
        match self.middle() {
            [] => None,
            [(one, _)] => Some(one * 2),
            [first, .., last] => Some(first.0 + last.0),
        }
    }
}

fn days(halves: u32) -> String {
    let whole = halves / 2;
    match (whole, halves % 2) {
        (1, 0) => "1 working day".into(),
        (_, 0) => format!("{whole} working days"),
        _ => format!("{whole}.5 working days"),
    }
}

impl Trace {
    /// Whether it would have been faster on the micro track, and by how much.
    pub(super) fn faster(&self, scene: &Scene, limit: Money, usual: &Usual) -> Option<Otherwise> {
        let (applied, decided) = (self.applied?, self.decided?);
        let requested = self.state.case().ok()?.requested;
        if requested > limit || scene.is_micro(&self.state) || self.is_blocked() {
            return None;
        }
        let took = decided.took * 2;
        let asked = format!("{requested} was asked for, and the decision took {} on us", days(took));
        let why = match usual.median() {
            None => format!(
                "{asked}. By how much the micro track would have been faster is unknown: this record has no decision \
                 on it."
            ),
            Some(median) => {
                let saved = took.checked_sub(median).filter(|saved| *saved > 0)?;
                let (saved, median) = (days(saved), days(median));
                let of = match usual.took.len() {
                    1 => "the one decision on the micro track took".into(),
                    many => format!("the median of {many} decisions on the micro track is"),
                };
                format!("{asked}; {of} {median}: faster by {saved}.")
            }
        };
        let programme = scene.programme_of(&self.state).map(|(index, _)| *index);
        let middle = usual.middle().iter().map(|(_, index)| *index);
        let mut relied_on: Vec<i64> = middle.chain([applied, decided.index]).chain(programme).collect();
        relied_on.sort_unstable();
        Some(Otherwise { kind: EffectKind::Faster, why, relied_on, on: decided.on })
    }
}
