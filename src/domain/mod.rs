//! The rules of the record: pure decisions over facts. No I/O, no async, no clock, no chance.
//!
//! One file per aggregate, such as `fund`: its events, commands, refusals, state, `decide`, `evolve` and unit tests. The
//! vocabulary they share stands beside them.

#[macro_use]
mod macros;

pub mod bank;
pub mod calendar;
pub mod catalogue;
pub mod consultation;
pub mod contact;
pub mod course;
pub mod delegation;
pub mod disclosure;
pub mod evidence;
pub mod fund;
pub mod grant;
pub mod identity;
pub mod inclusion_table;
pub mod keeping;
pub mod laws;
pub mod money;
pub mod need;
pub mod offer;
pub mod outcome;
pub mod partner;
pub mod payment_run;
pub mod person;
pub mod places;
pub mod postings;
pub mod prescription;
pub mod programme;
pub mod publication;
pub mod receipt;
pub mod record;
pub mod referral;
#[cfg(test)]
mod scenario;
pub mod session;
pub mod site;
pub mod text;
pub mod thread;
pub mod vocabulary;
pub mod waiting;
pub mod what_if;

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use calendar::Date;
use identity::Actor;
#[cfg(test)]
use scenario::{Story, all_hold, all_reached, by, date, gbp, given, never_fails, someone, words};
use text::Text;

/// Why something was decided, in the decider's words. At most 2,000 characters; never about a private person.
pub type Reason = Text<2000>;

/// What surrounds a decision and is not part of the command: the business date, who acts, and why.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The date on which the decision takes effect, in Europe/London. Never later than today.
    pub on: Date,
    /// The date on which it is decided, in Europe/London: deadlines are held against this one, so that nobody gets
    /// round them by dating a decision back.
    pub today: Date,
    /// Who is deciding.
    pub actor: Actor,
    /// Why; some events may not be recorded without it.
    pub reason: Option<Reason>,
}

/// A consistency boundary: the stream of events whose state guards the next decision on it.
pub trait Aggregate: Default + Clone + Send + Sync + 'static {
    /// The stored name of the stream type, for ever. It holds no `-`.
    const TYPE: &'static str;
    /// What can be asked of it.
    type Command: Clone + Send + Sync + 'static;
    /// What can have happened to it.
    type Event: Event;
    /// Why a command can be turned down.
    type Refusal: Refusal;

    /// Judge a command against the state: the facts that follow from it, or why not.
    ///
    /// # Errors
    /// The refusal, when a guard says no. Nothing has happened then.
    fn decide(&self, command: Self::Command, at: &Circumstances) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Take a fact into the state. It has no rules and never fails: what is recorded has happened.
    fn evolve(&mut self, event: &Self::Event);

    /// The state after a whole history.
    fn after<'a>(history: impl IntoIterator<Item = &'a Self::Event>) -> Self
    where
        Self::Event: 'a,
    {
        let mut state = Self::default();
        for event in history {
            state.evolve(event);
        }
        state
    }
}

/// A stored fact. Names and versions are literals and stay for ever.
pub trait Event:
    Serialize
    + DeserializeOwned
    + Clone
    + PartialEq
    + Debug
    + Send
    + Sync
    + Into<record::Fact>
    + TryFrom<record::Fact>
    + 'static
{
    /// Every kind of this enum, in the order written: the catalogue is generated from it.
    const KINDS: &'static [catalogue::Kind];

    /// The kind of this fact: its stored name, version and fields.
    fn kind(&self) -> &'static catalogue::Kind;

    /// What happened, in one sentence a person understands, without the name of the stream it happened to.
    fn sentence(&self) -> String;
}

/// Why a command was turned down: data with a stable code; its `Display` is the sentence people read.
pub trait Refusal: std::error::Error + Send + Sync + 'static {
    /// Stable, for programs: `grant.exceeds_authority`.
    fn code(&self) -> &'static str;
}

/// A refusal of any aggregate, as it leaves the domain: the code for programs, the sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refused {
    /// Stable code, `area.what`.
    pub code: &'static str,
    /// What stood against it, and where possible what to do.
    pub sentence: String,
}

impl<R: Refusal> From<R> for Refused {
    fn from(refusal: R) -> Self {
        Self { code: refusal.code(), sentence: refusal.to_string() }
    }
}

/// Judge a command with the rules that hold for every aggregate as well as its own.
///
/// # Errors
/// The aggregate's refusal, or `reason.required` when a fact that needs a reason would be recorded without one.
pub fn judge<A: Aggregate>(
    state: &A,
    command: A::Command,
    at: &Circumstances,
) -> Result<Vec<A::Event>, Refused> {
    let events = state.decide(command, at).map_err(Refused::from)?;
    if at.reason.is_none()
        && let Some(event) = events.iter().find(|event| event.kind().needs_reason)
    {
        return Err(Refused {
            code: "reason.required",
            sentence: format!(
                "Say why: “{}” is kept on the record with a reason that others can read.",
                event.kind().words()
            ),
        });
    }
    Ok(events)
}
