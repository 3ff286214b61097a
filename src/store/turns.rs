//! Turns at busy streams: a decision that was overtaken stands in line with the others that were, so that whoever came
//! first goes first, and nobody is overtaken for ever.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::log::StreamName;

/// Above this many lines, those where nobody stands are forgotten.
const LINES: usize = 256;

/// The lines, one for each stream at which somebody was overtaken.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<StreamName, Arc<tokio::sync::Mutex<()>>>>);

/// The turn at some streams, until it is dropped.
#[derive(Default)]
pub(super) struct Turn {
    streams: BTreeSet<StreamName>,
    _held: Vec<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Stand in line at some streams, unless `turn` is the turn at all of them already. It is not a lock: who does not
    /// stand in line may decide as well, and sometimes be faster.
    pub(super) async fn take(&self, turn: &mut Turn, streams: BTreeSet<StreamName>) {
        if turn.streams.is_superset(&streams) {
            return;
        }
        // All are taken at once and in the same order by everyone: nobody waits for one who waits for him.
        *turn = Turn::default();
        let mut held = Vec::with_capacity(streams.len());
        for stream in &streams {
            let line = self.line(*stream);
            held.push(line.lock_owned().await);
        }
        *turn = Turn { streams, _held: held };
    }

    fn line(&self, stream: StreamName) -> Arc<tokio::sync::Mutex<()>> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES {
            lines.retain(|_, line| Arc::strong_count(line) > 1);
        }
        Arc::clone(lines.entry(stream).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn stream(number: u128) -> StreamName {
        StreamName { kind: "fund", id: Uuid::from_u128(number) }
    }

    #[tokio::test]
    #[expect(
        clippy::used_underscore_binding,
        reason = "held for its drop; the test looks at how many there are"
    )]
    async fn who_came_first_goes_first_and_lines_are_forgotten() {
        let turns = Arc::new(Turns::default());
        let mut first = Turn::default();
        turns.take(&mut first, [stream(1), stream(2)].into()).await;
        turns.take(&mut first, [stream(2)].into()).await;
        assert_eq!(first._held.len(), 2, "the turn it has is enough");
        let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
        let waiting: Vec<_> = (0..5)
            .map(|place| {
                let (turns, told) = (Arc::clone(&turns), told.clone());
                tokio::spawn(async move {
                    let mut turn = Turn::default();
                    turns.take(&mut turn, [stream(2), stream(3 + place)].into()).await;
                    told.send(place).unwrap();
                })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(order.try_recv().is_err());
        drop(first);
        for one in waiting {
            one.await.unwrap();
        }
        for place in 0..5 {
            assert_eq!(order.recv().await, Some(place));
        }
        for number in 0..1000 {
            turns.take(&mut Turn::default(), [stream(number)].into()).await;
        }
        assert!(turns.0.lock().unwrap().len() <= LINES);
    }
}
