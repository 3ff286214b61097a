//! The one door: who a request acts as, whichever way people sign in here.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use super::cookies::{Cookie, Cookies};
use super::{
    Accounts, ActingProblem, Development, Identity, NoCapacity, Provider, TokenRefusal, is_local_host,
};

/// The way people sign in here. Cheap to clone.
#[derive(Clone)]
pub enum SignIn {
    /// No provider is named: one printed link, this computer only.
    Development(Arc<Development>),
    /// A provider says who somebody is and what they may act as.
    Provider(Arc<Provider>),
}

impl From<Arc<Development>> for SignIn {
    fn from(development: Arc<Development>) -> Self {
        Self::Development(development)
    }
}

impl From<Arc<Provider>> for SignIn {
    fn from(provider: Arc<Provider>) -> Self {
        Self::Provider(provider)
    }
}

/// What a request is about to do: a token may be good for the one and not for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Look.
    Read,
    /// Change something.
    Write,
}

impl Use {
    /// The scope that a token needs for it.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Read => "sidebyside:read",
            Self::Write => "sidebyside:write",
        }
    }
}

/// Why a request could not be told who it acts as, or why somebody could not be signed in.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// An `Authorization` header without the token of this run.
    #[error(
        "The bearer token is missing, wrong, or of an earlier run: use the one the server printed when it \
         started, as \"Authorization: Bearer <token>\"."
    )]
    Token,
    /// A provider's token that cannot be taken.
    #[error(transparent)]
    Refused(#[from] TokenRefusal),
    /// A provider's token that is good for other things.
    #[error("This token is not good for that: ask for one with the scope {}.", .0.scope())]
    Scope(Use),
    /// A cookie of a session that is over.
    #[error("You have been signed out, and nothing was sent. Sign in again.")]
    Ended,
    /// Nothing that says who, where somebody must.
    #[error("Sign in first.")]
    NotSignedIn,
    /// Whom it asked to act as cannot be.
    #[error(transparent)]
    Acting(#[from] ActingProblem),
    /// A role that the account does not have.
    #[error("Your account does not have that role here. Choose one of those that are offered.")]
    NotYours,
    /// An account with several roles, and a request that does not say which.
    #[error(
        "This account has several roles: say which with the header Acting-Role, and Acting-Partner with it."
    )]
    WhichRole,
    /// An account without a role here.
    #[error(transparent)]
    NoCapacity(#[from] NoCapacity),
    /// A sign-in that nobody began in this browser, or too long ago, or that came back before.
    #[error(
        "This sign-in was not begun in this browser, or more than ten minutes ago, or it has been used. Nobody was \
         signed in. Start again."
    )]
    Attempt,
    /// The provider said no. Its reason is for the log only.
    #[error("The sign-in service did not let you in. Start again, or ask whoever looks after your account.")]
    Declined,
    /// The provider's answer did not prove who it is. Why is for the log only.
    #[error("What the sign-in service sent could not be trusted, so nobody was signed in. Start again.")]
    Unproven,
    /// The provider does not answer. Why is for the log only.
    #[error("The sign-in service does not answer. Try again in a few minutes: nothing was changed.")]
    Away,
    /// The accounts did not answer. The cause is for the log only.
    #[error("Something went wrong here, and nothing was changed. Try again in a moment.")]
    Broken(#[from] sqlx::Error),
}

impl Problem {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Token | Self::Ended | Self::NotSignedIn => "unauthenticated",
            Self::Refused(refusal) => refusal.code(),
            Self::Scope(_) => "token.scope",
            Self::Acting(problem) => problem.code(),
            Self::NotYours => "acting.not_yours",
            Self::WhichRole => "acting.role_required",
            Self::NoCapacity(problem) => problem.code(),
            Self::Attempt => "sign_in.not_begun_here",
            Self::Declined => "sign_in.declined",
            Self::Unproven => "sign_in.unproven",
            Self::Away => "sign_in.away",
            Self::Broken(_) => "broken",
        }
    }
}

impl SignIn {
    /// Who a request acts as: by its bearer token, else by its session, else the public.
    ///
    /// # Errors
    /// When it carries a token or a session that is not good, or one that is not good for this.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        to: Use,
        accounts: &Accounts,
    ) -> Result<Identity, Problem> {
        match self {
            Self::Development(development) => development.identify(headers, accounts).await,
            Self::Provider(provider) => provider.identify(headers, to, accounts).await,
        }
    }

    /// End the session a request carries.
    ///
    /// # Errors
    /// When the database does not answer: the session then goes on.
    pub async fn sign_out(&self, headers: &HeaderMap, accounts: &Accounts) -> Result<(), Problem> {
        match self {
            Self::Development(development) => development.sign_out(headers),
            Self::Provider(provider) => provider.sign_out(headers, accounts).await?,
        }
        Ok(())
    }

    /// The header that takes the session's cookie from the browser.
    #[must_use]
    pub fn clear_session(&self) -> HeaderValue {
        match self {
            Self::Development(_) => Cookies::PLAIN.clear(Cookie::Session),
            Self::Provider(provider) => provider.cookies().clear(Cookie::Session),
        }
    }

    /// An id nobody has used: for a command that a form is about to give.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        match self {
            Self::Development(development) => development.new_id(),
            Self::Provider(provider) => provider.new_id(),
        }
    }

    /// Whether a `Host` header names this server. Anything else is a foreign name made to point here (DNS rebinding),
    /// whose pages must not be let in.
    #[must_use]
    pub fn answers_to(&self, host: &str) -> bool {
        match self {
            Self::Development(_) => is_local_host(host),
            Self::Provider(provider) => provider.answers_to(host),
        }
    }

    /// What to say to a request under a foreign name.
    #[must_use]
    pub fn names(&self) -> String {
        match self {
            Self::Development(_) => {
                "In development mode this server answers only as localhost, 127.0.0.1 or [::1].".to_owned()
            }
            Self::Provider(provider) => {
                format!("This server answers only as {}.", provider.settings().public_url())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_and_writing_are_two_scopes() {
        assert_eq!(Use::Read.scope(), "sidebyside:read");
        assert_eq!(
            Problem::Scope(Use::Write).to_string(),
            "This token is not good for that: ask for one with the scope sidebyside:write."
        );
    }

    #[test]
    fn the_development_mode_answers_to_this_computer() {
        let sign_in = SignIn::from(Arc::new(Development::default()));
        assert!(sign_in.answers_to("localhost:8080") && !sign_in.answers_to("sidebyside.example"));
        assert!(sign_in.names().starts_with("In development mode"));
    }
}
