//! Who is committed together, and how one group follows another: while one writes what follows from its events and
//! commits, the next is inserting its own, on the places that come after.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

/// How many decisions one transaction takes at most.
const LARGEST: usize = 64;
/// How long a writer looks away while others may be coming; Linux makes about 65 µs of it.
const LOOK_AWAY: Duration = Duration::from_micros(10);
/// So many looks at which nobody new has come end the waiting for others.
const PATIENCE: u32 = 4;
/// From so many on they go in two groups, of which one follows the other. For fewer a transaction of their own costs
/// more than it saves.
const CROWD: usize = 8;
/// How many groups go by without one following another after one was misled.
const WARY: u32 = 256;

/// Those who wait for a writer, and how many there were of late.
pub(super) struct Queue<T> {
    waiting: mpsc::UnboundedReceiver<T>,
    /// How many waited or were being committed when each of the last groups was taken.
    crowds: [usize; 4],
}

impl<T> Queue<T> {
    pub(super) const fn new(waiting: mpsc::UnboundedReceiver<T>) -> Self {
        Self { waiting, crowds: [0; 4] }
    }

    /// The first of the next group; none when nobody can come any more.
    pub(super) fn first(&mut self) -> Option<T> {
        self.waiting.blocking_recv()
    }

    /// Those who were answered together come back together. Without a moment of patience the first of them would be
    /// committed alone, and all the others in the group after it. The moment ends when as many are there as may be
    /// expected, or when nobody new has come for a while; whoever is always alone never waits.
    pub(super) fn gather(&mut self, first: T, ahead: usize) -> Vec<T> {
        let crowd = self.crowds.iter().copied().max().unwrap_or_default();
        let wanted = if crowd < CROWD { crowd } else { crowd.div_ceil(2) }.clamp(1, LARGEST);
        let most = if crowd < CROWD { LARGEST } else { wanted };
        let (mut group, mut in_vain) = (vec![first], 0);
        loop {
            let before = group.len();
            while group.len() < most
                && let Ok(one) = self.waiting.try_recv()
            {
                group.push(one);
            }
            in_vain = if group.len() > before { 0 } else { in_vain + 1 };
            if group.len() >= wanted || in_vain == PATIENCE {
                break;
            }
            std::thread::sleep(LOOK_AWAY);
        }
        self.crowds.rotate_left(1);
        self.crowds[3] = ahead + group.len() + self.waiting.len();
        group
    }
}

/// Where the log ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) size: i64,
    pub(super) last_recorded_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Its events have no places yet.
    Placing,
    /// Its events are inserted and it holds the end of the log, which will be here when it has committed.
    Inserted(End),
    /// It has committed, or it never will.
    Ended,
}

/// The groups under way, one behind the other.
pub(super) struct Line {
    newest: Mutex<Newest>,
    moved: Condvar,
}

/// The last group in the line.
struct Newest {
    number: u64,
    members: usize,
    stage: Stage,
    /// How many groups have yet to go by before one follows another again.
    wary: u32,
}

/// What the next group finds before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// How many decisions are yet to be committed.
    pub(super) members: usize,
    /// Where the log ends when they are, if that is known.
    pub(super) end: Option<End>,
}

impl Line {
    pub(super) fn new() -> Arc<Self> {
        let newest = Newest { number: 0, members: 0, stage: Stage::Ended, wary: 0 };
        Arc::new(Self { newest: Mutex::new(newest), moved: Condvar::new() })
    }

    /// Wait until the group before has inserted its events or has ended.
    pub(super) fn before(&self) -> Before {
        let newest = self
            .moved
            .wait_while(locked(&self.newest), |newest| matches!(newest.stage, Stage::Placing))
            .unwrap_or_else(PoisonError::into_inner);
        match newest.stage {
            Stage::Inserted(end) => {
                Before { members: newest.members, end: (newest.wary == 0).then_some(end) }
            }
            Stage::Placing | Stage::Ended => Before { members: 0, end: None },
        }
    }

    /// Stand in line behind everyone else.
    pub(super) fn join(self: &Arc<Self>, members: usize) -> Place {
        let mut newest = locked(&self.newest);
        let number = newest.number + 1;
        *newest = Newest { number, members, stage: Stage::Placing, wary: newest.wary.saturating_sub(1) };
        Place { line: Arc::clone(self), number }
    }
}

/// The place of a group in the line, until it is dropped.
pub(super) struct Place {
    line: Arc<Line>,
    number: u64,
}

impl Place {
    fn reached(&self, stage: Stage) {
        let mut newest = locked(&self.line.newest);
        if newest.number == self.number {
            newest.stage = stage;
            drop(newest);
            self.line.moved.notify_all();
        }
    }

    /// The events are inserted: whoever comes next may insert behind them.
    pub(super) fn inserted(&self, end: End) {
        self.reached(Stage::Inserted(end));
    }

    /// The log did not end where it was said to: other processes append too, so it is not worth trying for a while.
    pub(super) fn misled(&self) {
        locked(&self.line.newest).wary = WARY;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.reached(Stage::Ended);
    }
}

/// What a lock guards, also when somebody who held it panicked: nothing here is left half done.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd_of(size: u32) -> (mpsc::UnboundedSender<u32>, Queue<u32>) {
        let (door, waiting) = mpsc::unbounded_channel();
        let queue = Queue::new(waiting);
        (0..size).for_each(|one| door.send(one).unwrap());
        (door, queue)
    }

    fn next(queue: &mut Queue<u32>, ahead: usize) -> Vec<u32> {
        let first = queue.first().unwrap();
        queue.gather(first, ahead)
    }

    #[test]
    fn a_few_go_together() {
        let (door, mut queue) = crowd_of(1);
        assert_eq!(next(&mut queue, 0), [0]);
        (0..7).for_each(|one| door.send(one).unwrap());
        assert_eq!(next(&mut queue, 0), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_crowd_goes_in_two_groups_until_it_is_gone() {
        let (door, mut queue) = crowd_of(16);
        assert_eq!(next(&mut queue, 0).len(), 16, "nobody knew of them");
        (0..16).for_each(|one| door.send(one).unwrap());
        assert_eq!(next(&mut queue, 0), (0..8).collect::<Vec<_>>());
        assert_eq!(next(&mut queue, 8), (8..16).collect::<Vec<_>>());
        // Four groups later it is forgotten: those who come then go together.
        for _ in 0..4 {
            door.send(1).unwrap();
            assert_eq!(next(&mut queue, 0), [1]);
        }
        (0..7).for_each(|one| door.send(one).unwrap());
        assert_eq!(next(&mut queue, 0).len(), 7);
    }

    #[test]
    fn no_group_is_larger_than_the_largest() {
        let (_door, mut queue) = crowd_of(200);
        let mut sizes = [0; 4];
        sizes.fill_with(|| next(&mut queue, 0).len());
        assert_eq!(sizes, [64, 64, 64, 8]);
    }

    fn end(size: i64) -> End {
        End { size, last_recorded_at: DateTime::UNIX_EPOCH }
    }

    fn found(line: &Line) -> (usize, Option<i64>) {
        let before = line.before();
        (before.members, before.end.map(|end| end.size))
    }

    #[test]
    fn a_group_finds_the_one_before_it_until_that_has_ended() {
        let line = Line::new();
        assert_eq!(found(&line), (0, None));
        let first = line.join(3);
        first.inserted(end(10));
        assert_eq!(found(&line), (3, Some(10)));
        let second = line.join(2);
        second.inserted(end(12));
        // What becomes of the first is no longer what the next one asks for.
        first.inserted(end(11));
        drop(first);
        assert_eq!(found(&line), (2, Some(12)));
        drop(second);
        assert_eq!(found(&line), (0, None));
    }

    #[test]
    fn whoever_comes_waits_for_the_places_of_the_group_before() {
        let line = Line::new();
        let place = line.join(1);
        let next = std::thread::spawn({
            let line = Arc::clone(&line);
            move || found(&line)
        });
        place.inserted(end(7));
        assert_eq!(next.join().unwrap(), (1, Some(7)));
    }

    #[test]
    fn after_one_was_misled_none_follows_for_a_while() {
        let line = Line::new();
        line.join(1).misled();
        for _ in 0..WARY {
            let place = line.join(5);
            place.inserted(end(1));
            let wary = locked(&line.newest).wary;
            assert_eq!(found(&line), (5, (wary == 0).then_some(1)));
        }
        assert_eq!(found(&line), (0, None));
        let place = line.join(5);
        place.inserted(end(1));
        assert_eq!(found(&line), (5, Some(1)));
    }
}
