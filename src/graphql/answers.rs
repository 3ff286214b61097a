//! How commands are meant and answered, and how failures look on the wire.

use async_graphql::{Error, ErrorExtensions, InputObject, SimpleObject, Value};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Date;
use crate::app::{Done, Failure, How, Problem};
use crate::domain::Refusal;
use crate::domain::text::{Text, TextProblem};

/// What comes with every command.
#[derive(Debug, Clone, Default, InputObject)]
pub struct Meant {
    /// An id you choose for this command. Sent again, it has its effect once and gives the first answer; leave it
    /// out and one is made.
    pub command_id: Option<Uuid>,
    /// The business date on which it takes effect, in London: today if left out, never later. An earlier date needs
    /// a reason.
    pub effective_on: Option<Date>,
    /// Why. Kept on the record for others to read; never about a private person. At most 2,000 characters.
    pub reason: Option<String>,
    /// The `version` of the thing as you saw it. When it has changed since, nothing is done.
    pub expected_version: Option<i64>,
}

impl Meant {
    pub(super) fn how(self) -> Result<How, Failure> {
        let mut entered = Entered::default();
        let reason = entered.optional("reason", self.reason.as_deref(), Text::new);
        entered.finish()?;
        Ok(How {
            command: self.command_id,
            effective_on: self.effective_on.map(|date| date.0),
            reason,
            expected_version: self.expected_version,
        })
    }
}

/// Proof that a command was carried out, and where it stands in the log.
#[derive(Debug, Clone, SimpleObject)]
pub struct Receipt {
    /// The command.
    pub command_id: Uuid,
    /// Whether it had been carried out before; this is then its first answer.
    pub repeated: bool,
    /// Position in the log of its last event, from 0, in commit order.
    pub index: i64,
    /// That event’s leaf in the log’s tree: SHA-256, 64 hexadecimal digits.
    pub leaf_hash: String,
    /// When it was recorded, by the clock of the database.
    pub recorded_at: DateTime<Utc>,
}

impl From<Done> for Receipt {
    fn from(done: Done) -> Self {
        Self {
            command_id: done.command.0,
            repeated: done.repeated,
            index: done.receipt.index,
            leaf_hash: hex::encode(done.receipt.leaf_hash),
            recorded_at: done.receipt.recorded_at,
        }
    }
}

/// Collects what was typed wrong, so that all of it can be said at once.
#[derive(Debug, Default)]
pub(super) struct Entered(Vec<Problem>);

impl Entered {
    /// Take a value, or note what is wrong with it.
    pub(super) fn take<T, R: Refusal>(&mut self, field: &str, read: Result<T, R>) -> Option<T> {
        read.map_err(|refusal| {
            let (code, message) = (refusal.code(), refusal.to_string());
            self.0.push(Problem { field: field.to_string(), code, message });
        })
        .ok()
    }

    /// Take words.
    pub(super) fn text<const MAX: usize>(&mut self, field: &str, typed: &str) -> Option<Text<MAX>> {
        self.take(field, Text::new(typed))
    }

    /// Take something that may be left out.
    pub(super) fn optional<I, T, R: Refusal>(
        &mut self,
        field: &str,
        typed: Option<I>,
        read: impl FnOnce(I) -> Result<T, R>,
    ) -> Option<T> {
        self.take(field, typed.map(read).transpose()).flatten()
    }

    /// Take words that may be left out; blank counts as left out.
    pub(super) fn optional_text<const MAX: usize>(
        &mut self,
        field: &str,
        typed: Option<&str>,
    ) -> Option<Text<MAX>> {
        let typed = typed.filter(|words| !words.trim().is_empty());
        self.optional(field, typed, |words| -> Result<Text<MAX>, TextProblem> { Text::new(words) })
    }

    /// Say what was wrong, if anything was.
    pub(super) fn finish(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::Invalid(self.0)) }
    }

    /// The values taken, when nothing was wrong with any.
    pub(super) fn all<T>(self, taken: Option<T>) -> Result<T, Failure> {
        self.finish()?;
        taken.ok_or_else(|| Failure::Broken(anyhow::anyhow!("a value was neither taken nor refused")))
    }
}

impl ErrorExtensions for Failure {
    fn extend(&self) -> Error {
        if let Self::Broken(cause) = self {
            tracing::error!(cause = format!("{cause:#}"), "a request broke");
        }
        Error::new(self.to_string()).extend_with(|_, extensions| {
            extensions.set("code", self.code());
            if let Self::Invalid(problems) = self {
                extensions.set("problems", Value::List(problems.iter().map(problem).collect()));
            }
        })
    }
}

fn problem(one: &Problem) -> Value {
    async_graphql::value!({ "field": one.field, "code": one.code, "message": one.message })
}

/// A failure as GraphQL sends it: the sentence as message, the code and the problems as extensions.
pub(super) fn told(failure: Failure) -> Error {
    failure.extend()
}
