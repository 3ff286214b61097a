//! What can go wrong, once: mapped once to GraphQL, once to a page, once to an exit code.

use crate::domain::{Refusal, Refused};
use crate::store::Trouble;
use crate::store::append::Receipt;
use crate::store::vault::VaultTrouble;

/// One thing that was typed and could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field it was typed into, as the API names it.
    pub field: String,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and how to put it right.
    pub message: String,
}

/// Why something was not done. Nothing is half done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A rule said no.
    #[error("{0}")]
    Refused(Refused),
    /// Whoever asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or none that whoever asks may know of.
    #[error("There is no {0} with this id.")]
    NotFound(&'static str),
    /// What was typed could not be taken.
    #[error("{}", .0.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<Problem>),
    /// Others were faster, or it was decided on an old version.
    #[error("{0}")]
    Conflict(String),
    /// The command was carried out before; its first receipt. Never seen outside the app.
    #[error("carried out before")]
    Repeated(Receipt),
    /// Something broke here; the cause is for the log only.
    #[error("Something went wrong here, and nothing was changed. Try again in a moment.")]
    Broken(#[source] anyhow::Error),
}

impl Failure {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code,
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::Repeated(_) => "repeated",
            Self::Broken(_) => "broken",
        }
    }

    /// Something broke here.
    pub(crate) fn broken(cause: impl Into<anyhow::Error>) -> Self {
        Self::Broken(cause.into())
    }

    /// A rule of the app itself that says no.
    pub(crate) fn refused(code: &'static str, sentence: impl Into<String>) -> Self {
        Self::Refused(Refused { code, sentence: sentence.into() })
    }

    /// A page was asked for that is too small or too large.
    #[must_use]
    pub fn refused_page(most: i64) -> Self {
        Self::refused("page.size", format!("Ask for a page of 1 to {most} entries."))
    }

    /// A cursor was not one of ours.
    #[must_use]
    pub fn refused_cursor() -> Self {
        Self::refused("page.cursor", "This cursor is not one that this list gave.")
    }

    /// One thing that was typed and could not be taken.
    pub fn invalid(field: &str, refusal: &dyn Refusal) -> Self {
        let (code, message) = (refusal.code(), refusal.to_string());
        Self::Invalid(vec![Problem { field: field.to_string(), code, message }])
    }
}

impl<R: Refusal> From<R> for Failure {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refused) => Self::Refused(refused),
            Trouble::Conflict => Self::Conflict(
                "Others changed this at the same moment. Nothing was done: look again and try once more."
                    .into(),
            ),
            stale @ Trouble::Stale { .. } => {
                Self::Conflict(format!("Nothing was done: {stale}. Look again before you decide."))
            }
            Trouble::Unknown("payment_run") => Self::NotFound("payment run"),
            Trouble::Unknown(kind) => Self::NotFound(kind),
            Trouble::Repeated(receipt) => Self::Repeated(receipt),
            other @ (Trouble::Unreadable(_)
            | Trouble::Damaged { .. }
            | Trouble::NotCanonical(_)
            | Trouble::Database(_)
            | Trouble::Other(_)) => Self::Broken(other.into()),
        }
    }
}

impl From<VaultTrouble> for Failure {
    fn from(trouble: VaultTrouble) -> Self {
        match trouble {
            VaultTrouble::Closed
            | VaultTrouble::Absent
            | VaultTrouble::Forgotten
            | VaultTrouble::Busy
            | VaultTrouble::Why(_) => Self::refused(trouble.code(), trouble.to_string()),
            VaultTrouble::OtherKey { .. }
            | VaultTrouble::Damaged { .. }
            | VaultTrouble::List { .. }
            | VaultTrouble::Sealing(_)
            | VaultTrouble::Database(_) => Self::broken(trouble),
        }
    }
}
