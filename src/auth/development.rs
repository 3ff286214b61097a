//! The development mode: loopback only, one printed link, one token, and a free choice of whom to act as.
//!
//! There is no password and no fixed secret. Whoever can read the server's output is let in, nobody else.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::cookies::{self, Cookie, Cookies};
use super::sessions::{Sessions, Standing};
use super::{Accounts, Acting, ActingProblem, Chance, Identity, Problem};

use crate::domain::identity::Role;

/// Whom a session acts as until it chooses.
const FIRST_NAME: &str = "Development user";
/// Whom a script acts as unless it says.
const SCRIPT_NAME: &str = "Development script";

pub(super) const ACTING_ROLE: HeaderName = HeaderName::from_static("acting-role");
const ACTING_NAME: HeaderName = HeaderName::from_static("acting-name");
pub(super) const ACTING_PARTNER: HeaderName = HeaderName::from_static("acting-partner");

/// The refusal to listen where other machines could reach the development mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Without a sign-in provider the server listens on this computer only, and {0} can be reached from others. \
     Listen on 127.0.0.1 or [::1]."
)]
pub struct NotLoopback(pub SocketAddr);

/// The sign-in of the development mode. One for each run of the server; its secrets end with it.
pub struct Development {
    ticket: Secret,
    is_ticket_spent: AtomicBool,
    token: Secret,
    sessions: Sessions,
    chance: Chance,
}

impl Default for Development {
    fn default() -> Self {
        Self::new(Chance::SYSTEM)
    }
}

impl Development {
    /// A sign-in with fresh secrets and no sessions.
    #[must_use]
    pub fn new(chance: Chance) -> Self {
        Self {
            ticket: Secret::new((chance.secret)()),
            is_ticket_spent: AtomicBool::new(false),
            token: Secret::new((chance.secret)()),
            sessions: Sessions::default(),
            chance,
        }
    }

    /// Whether the development mode may listen on an address.
    ///
    /// # Errors
    /// When other machines could reach it.
    pub fn allowed(address: SocketAddr) -> Result<(), NotLoopback> {
        if address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(NotLoopback(address)) }
    }

    /// The link that signs in, good once. `base` is the server's address as a browser writes it,
    /// `http://127.0.0.1:8080`.
    #[must_use]
    pub fn ticket_link(&self, base: &str) -> String {
        format!("{}/sign-in?ticket={}", base.trim_end_matches('/'), self.ticket.0)
    }

    /// The bearer token for scripts, good for this run.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token.0
    }

    /// An id nobody has used: for a command that a form is about to give.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        (self.chance.id)()
    }

    /// Exchange the ticket for a session's cookie. The first to bring it gets one; everybody else gets nothing.
    ///
    /// # Errors
    /// When the accounts do not answer; the ticket is still good then.
    pub async fn redeem(&self, ticket: &str, accounts: &Accounts) -> Result<Option<HeaderValue>, Problem> {
        if !self.ticket.is(ticket) || self.is_ticket_spent.load(Ordering::Acquire) {
            return Ok(None);
        }
        let identity = identity(Acting::typed(Role::Commissioner.name(), FIRST_NAME, "")?, accounts).await?;
        if self.is_ticket_spent.swap(true, Ordering::AcqRel) {
            return Ok(None);
        }
        let secret = cookies::Secret::new((self.chance.secret)());
        self.sessions.open(&secret, identity, (self.chance.now)());
        Ok(Some(Cookies::PLAIN.set(Cookie::Session, &secret)))
    }

    /// Who a request acts as: by its bearer token, else by its session, else the public.
    ///
    /// # Errors
    /// When it carries a token or a session that is not good, or asks to act as nobody who can be.
    pub async fn identify(&self, headers: &HeaderMap, accounts: &Accounts) -> Result<Identity, Problem> {
        if headers.contains_key(header::AUTHORIZATION) {
            if !self.has_token(headers) {
                return Err(Problem::Token);
            }
            return identity(asked_for(headers)?, accounts).await;
        }
        match self.sessions.standing(headers, (self.chance.now)()) {
            Standing::Alive(identity) => Ok(identity),
            Standing::Ended => Err(Problem::Ended),
            Standing::None => Ok(Identity::public()),
        }
    }

    /// Let a request's session act as somebody from now on.
    ///
    /// # Errors
    /// When it carries no living session, or the accounts do not answer.
    pub async fn act(&self, headers: &HeaderMap, acting: Acting, accounts: &Accounts) -> Result<(), Problem> {
        match self.sessions.standing(headers, (self.chance.now)()) {
            Standing::Alive(_) => {}
            Standing::Ended => return Err(Problem::Ended),
            Standing::None => return Err(Problem::NotSignedIn),
        }
        let identity = identity(acting, accounts).await?;
        if self.sessions.switch(headers, &identity, (self.chance.now)()) {
            Ok(())
        } else {
            Err(Problem::Ended)
        }
    }

    /// End the session a request carries.
    pub fn sign_out(&self, headers: &HeaderMap) {
        self.sessions.close(headers);
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .is_some_and(|(scheme, token)| {
                scheme.eq_ignore_ascii_case("bearer") && self.token.is(token.trim())
            })
    }
}

async fn identity(acting: Acting, accounts: &Accounts) -> Result<Identity, Problem> {
    let person = accounts.find_or_make(&acting.name).await?;
    Ok(Identity { person, name: acting.name.to_string(), role: acting.role, partner: acting.partner })
}

/// Whom a script asks to act as, by its headers.
fn asked_for(headers: &HeaderMap) -> Result<Acting, ActingProblem> {
    let header = |name: HeaderName| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    Acting::typed(
        header(ACTING_ROLE).as_deref().unwrap_or(Role::Commissioner.name()),
        header(ACTING_NAME).as_deref().unwrap_or(SCRIPT_NAME),
        header(ACTING_PARTNER).as_deref().unwrap_or_default(),
    )
}

/// Whether a `Host` header names this computer. Anything else is a foreign name made to point here (DNS
/// rebinding), whose pages must not be let in.
#[must_use]
pub fn is_local_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]"
}

/// 256 random bits as hexadecimal digits, compared in constant time.
struct Secret(String);

impl Secret {
    fn new(bits: [u8; 32]) -> Self {
        Self(hex::encode(bits))
    }

    fn is(&self, typed: &str) -> bool {
        self.0.as_bytes().ct_eq(typed.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_allowed() {
        for address in ["127.0.0.1:8080", "[::1]:8080", "[::ffff:127.0.0.1]:80"] {
            assert!(Development::allowed(address.parse().unwrap()).is_ok(), "{address}");
        }
        for address in ["0.0.0.0:8080", "192.168.1.4:8080", "[::]:8080", "8.8.8.8:80"] {
            let refusal = Development::allowed(address.parse().unwrap()).unwrap_err();
            assert!(refusal.to_string().contains(address), "{refusal}");
        }
    }

    #[test]
    fn only_names_of_this_computer_are_local() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"] {
            assert!(is_local_host(host), "{host}");
        }
        for host in
            ["", "example.com", "localhost.example.com:80", "127.0.0.1.nip.io", "localhost:", "[::1]:x"]
        {
            assert!(!is_local_host(host), "{host}");
        }
    }

    #[test]
    fn every_run_has_its_own_secrets() {
        let (one, other) = (Development::default(), Development::default());
        assert_ne!(one.token(), other.token());
        assert_ne!(one.ticket_link(""), other.ticket_link(""));
        assert_eq!(one.token().len(), 64);
        assert!(
            one.ticket_link("http://127.0.0.1:8080/").starts_with("http://127.0.0.1:8080/sign-in?ticket=")
        );
    }
}
