//! Who is committed together, and how one group follows another: while one is inserting its events, the next takes the
//! places that come after them, and while one writes what follows from them and commits, the next is inserting its own.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) size: i64,
    pub(super) last_recorded_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its events have no places, or not any more.
    Placing,
    /// Its events have their places, and wait for those before them to be inserted.
    Placed(End),
    /// Its events are inserted, and it holds the end of the log.
    Inserted(End),
    /// It has committed, with this end if any, or it never will.
    Ended(Option<End>),
}

impl Stage {
    /// Where the log ends when it has committed, if that is known.
    const fn end(self) -> Option<End> {
        match self {
            Self::Placing | Self::Ended(None) => None,
            Self::Placed(end) | Self::Inserted(end) | Self::Ended(Some(end)) => Some(end),
        }
    }
}

/// A group under way.
struct Group {
    members: usize,
    stage: Mutex<Stage>,
    moved: Condvar,
}

impl Group {
    fn new(members: usize, stage: Stage) -> Arc<Self> {
        Arc::new(Self { members, stage: Mutex::new(stage), moved: Condvar::new() })
    }

    fn reach(&self, stage: Stage) {
        *locked(&self.stage) = stage;
        self.moved.notify_all();
    }

    /// Wait while it is at such a stage. Answers which one comes then.
    fn wait_while(&self, is_so: impl Fn(Stage) -> bool) -> Stage {
        let over = self.moved.wait_while(locked(&self.stage), |stage| is_so(*stage));
        *over.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The groups under way, one behind the other.
pub(super) struct Line {
    /// The last one.
    newest: Mutex<Arc<Group>>,
    /// How many groups have yet to go by before one follows another again.
    wary: AtomicU32,
}

/// What the next group finds before it.
pub(super) struct Before {
    group: Arc<Group>,
    /// How many decisions are yet to be committed.
    pub(super) members: usize,
    /// Where the log ends when they are; none where one had better wait for it.
    pub(super) end: Option<End>,
}

impl Line {
    pub(super) fn new() -> Arc<Self> {
        let nobody = Group::new(0, Stage::Ended(None));
        Arc::new(Self { newest: Mutex::new(nobody), wary: AtomicU32::new(0) })
    }

    /// Wait until the events of the group before have their places, or until it has ended.
    pub(super) fn before(&self) -> Before {
        let group = Arc::clone(&locked(&self.newest));
        match group.wait_while(|stage| stage == Stage::Placing) {
            Stage::Placing | Stage::Ended(_) => Before { group, members: 0, end: None },
            Stage::Placed(end) | Stage::Inserted(end) => {
                let trusting = self.wary.load(Relaxed) == 0;
                Before { members: group.members, group, end: trusting.then_some(end) }
            }
        }
    }

    /// Stand in line behind those one found there.
    pub(super) fn join(self: &Arc<Self>, before: Before, members: usize) -> Place {
        let _less = self.wary.try_update(Relaxed, Relaxed, |groups| groups.checked_sub(1));
        let group = Group::new(members, Stage::Placing);
        *locked(&self.newest) = Arc::clone(&group);
        Place { line: Arc::clone(self), group, before }
    }
}

/// The place of a group in the line, until it is dropped.
pub(super) struct Place {
    line: Arc<Line>,
    group: Arc<Group>,
    before: Before,
}

impl Place {
    /// The events have their places: whoever comes next may take those behind them.
    pub(super) fn placed(&self, end: End) {
        self.group.reach(Stage::Placed(end));
    }

    /// Wait until the group before holds the end of the log or has ended. Answers whether it has kept to its places.
    pub(super) fn comes(&self) -> bool {
        let stage = self.before.group.wait_while(|stage| match stage {
            Stage::Placing => true,
            Stage::Placed(_) => stage.end() == self.before.end,
            Stage::Inserted(_) | Stage::Ended(_) => false,
        });
        stage.end() == self.before.end
    }

    /// The events are inserted: whoever comes next may insert behind them.
    pub(super) fn inserted(&self, end: End) {
        self.group.reach(Stage::Inserted(end));
    }

    /// The events do not get the places they had; they may be given others.
    pub(super) fn failed(&self) {
        self.group.reach(Stage::Placing);
    }

    /// The log did not end where it was said to: other processes append too, so it is not worth trying for a while.
    pub(super) fn misled(&self) {
        self.line.wary.store(WARY, Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let stage = *locked(&self.group.stage);
        self.group.reach(Stage::Ended(stage.end()));
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

    fn join(line: &Arc<Line>, members: usize) -> Place {
        line.join(line.before(), members)
    }

    #[test]
    fn a_group_finds_the_one_before_it_until_that_has_ended() {
        let line = Line::new();
        assert_eq!(found(&line), (0, None));
        let first = join(&line, 3);
        first.placed(end(10));
        assert_eq!(found(&line), (3, Some(10)));
        first.inserted(end(10));
        assert_eq!(found(&line), (3, Some(10)));
        let second = join(&line, 2);
        second.placed(end(12));
        // What becomes of the first is no longer what the next one asks for.
        drop(first);
        assert_eq!(found(&line), (2, Some(12)));
        drop(second);
        assert_eq!(found(&line), (0, None));
    }

    #[test]
    fn whoever_comes_waits_for_the_places_of_the_group_before() {
        let line = Line::new();
        let place = join(&line, 1);
        let next = std::thread::spawn({
            let line = Arc::clone(&line);
            move || found(&line)
        });
        place.placed(end(7));
        assert_eq!(next.join().unwrap(), (1, Some(7)));
        place.failed();
        let next = std::thread::spawn({
            let line = Arc::clone(&line);
            move || found(&line)
        });
        drop(place);
        assert_eq!(next.join().unwrap(), (0, None));
    }

    /// What whoever follows a group placed to end at 10 hears, when that then goes through these stages.
    fn heard(stages: impl FnOnce(Place)) -> bool {
        let line = Line::new();
        let first = join(&line, 1);
        first.placed(end(10));
        let second = join(&line, 1);
        let waiting = std::thread::spawn(move || second.comes());
        stages(first);
        waiting.join().unwrap()
    }

    #[test]
    fn whoever_follows_hears_whether_the_group_before_kept_to_its_places() {
        assert!(heard(|first| {
            first.inserted(end(10));
            drop(first);
        }));
        assert!(heard(|first| {
            // It may be tried again, and come to stand where it was.
            first.failed();
            first.placed(end(10));
            first.inserted(end(10));
        }));
        assert!(!heard(|first| {
            first.failed();
            first.placed(end(9));
            first.inserted(end(9));
        }));
        assert!(!heard(|first| {
            first.failed();
            drop(first);
        }));
    }

    #[test]
    fn after_one_was_misled_none_follows_for_a_while() {
        let line = Line::new();
        join(&line, 1).misled();
        for _ in 0..WARY {
            let place = join(&line, 5);
            place.placed(end(1));
            let over = line.wary.load(Relaxed) == 0;
            assert_eq!(found(&line), (5, over.then_some(1)));
        }
        assert_eq!(found(&line), (0, None));
        let place = join(&line, 5);
        place.placed(end(1));
        assert_eq!(found(&line), (5, Some(1)));
    }
}
