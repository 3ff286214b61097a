//! Given, when, then: how the tests of every aggregate are told, and what every aggregate has to show.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use super::calendar::Date;
use super::identity::{Actor, PersonId, Role};
use super::money::Money;
use super::text::Text;
use super::{Aggregate, Circumstances, Event, Refused, judge};

/// A business date, `2026-05-01`.
pub fn date(written: &str) -> Date {
    written.parse().unwrap()
}

/// An amount of pounds.
pub fn gbp(pounds: &str) -> Money {
    pounds.parse().unwrap()
}

/// Words of any length allowed.
pub fn words<const MAX: usize>(written: &str) -> Text<MAX> {
    Text::new(written).unwrap()
}

/// Somebody who acts.
pub fn someone(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(number))
}

/// Somebody deciding on a day, with a reason. The rules look at the person; the role is the app's to judge.
pub fn by(number: u128, on: &str) -> Circumstances {
    let actor = Actor { person: someone(number), role: Role::Commissioner };
    Circumstances {
        on: date(on),
        today: date(on),
        actor,
        reason: Some(words("A reason written for this test.")),
    }
}

/// What has happened so far.
pub struct Given<A>(pub A);

/// An aggregate with a history.
pub fn given<A: Aggregate>(history: &[A::Event]) -> Given<A> {
    Given(A::after(history))
}

impl<A: Aggregate> Given<A> {
    /// Ask something of it.
    pub fn when(&self, command: A::Command, at: &Circumstances) -> Answer<A::Event> {
        Answer(judge(&self.0, command, at))
    }
}

/// What came of asking.
#[must_use]
pub struct Answer<E>(Result<Vec<E>, Refused>);

impl<E: Event> Answer<E> {
    /// It was recorded as exactly these facts.
    #[track_caller]
    pub fn then_events(self, wanted: &[E]) {
        assert_eq!(self.0.as_deref(), Ok(wanted));
    }

    /// It was turned down with this code.
    #[track_caller]
    pub fn then_refused(self, code: &str) {
        assert_eq!(self.refused().code, code);
    }

    /// The refusal.
    #[track_caller]
    pub fn refused(self) -> Refused {
        self.0.expect_err("this must be turned down")
    }
}

/// One happy path: what had happened, what is asked, and the facts that follow.
pub struct Story<A: Aggregate> {
    pub given: Vec<A::Event>,
    pub when: A::Command,
    pub at: Circumstances,
    pub then: Vec<A::Event>,
}

/// Every story holds; between them every kind of event is recorded; and what needs a reason is not recorded
/// without one.
#[track_caller]
pub fn all_hold<A: Aggregate>(stories: &[Story<A>]) {
    let mut recorded = BTreeSet::new();
    for story in stories {
        let before = given::<A>(&story.given);
        before.when(story.when.clone(), &story.at).then_events(&story.then);
        recorded.extend(story.then.iter().map(|event| event.kind().name));
        let unexplained = Circumstances { reason: None, ..story.at.clone() };
        let answer = before.when(story.when.clone(), &unexplained);
        match story.then.iter().find(|event| event.kind().needs_reason) {
            Some(event) => {
                let refused = answer.refused();
                assert_eq!(refused.code, "reason.required", "{}", event.kind().name);
                assert!(refused.sentence.contains(&event.kind().words()), "{}", refused.sentence);
            }
            None => answer.then_events(&story.then),
        }
    }
    let kinds: BTreeSet<&str> = A::Event::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(recorded, kinds, "every kind of event has a story that records it");
}

/// Each refusal has the code it was expected to have, and between them they are all there are.
#[track_caller]
pub fn all_reached(codes: &[&'static str], reached: &[(&'static str, Refused)]) {
    for (wanted, refused) in reached {
        assert_eq!(refused.code, *wanted, "{}", refused.sentence);
        assert!(refused.sentence.ends_with('.'), "{wanted}: {}", refused.sentence);
    }
    let seen: BTreeSet<&str> = reached.iter().map(|(code, _)| *code).collect();
    let all: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(all.len(), codes.len(), "a code stands for one refusal");
    assert_eq!(seen, all, "every refusal is reached by a test");
}

/// Facts in any order, possible or not, are taken in without failing, and what then is asked gets an answer.
pub fn never_fails<A: Aggregate>(stories: &[Story<A>]) {
    let facts: Vec<&A::Event> =
        stories.iter().flat_map(|story| story.given.iter().chain(&story.then)).collect();
    let histories = prop::collection::vec(0..facts.len(), 0..40);
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let told = TestRunner::new(config).run(&histories, |history| {
        let state = A::after(history.iter().map(|fact| facts[*fact]));
        for story in stories {
            drop(judge(&state, story.when.clone(), &story.at));
        }
        Ok(())
    });
    assert_eq!(told, Ok(()));
}
