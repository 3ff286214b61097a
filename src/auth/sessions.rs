//! Sessions of the development mode: in memory, known by the hash of a random cookie, over after 12 idle hours.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;

use super::Identity;
use super::cookies::{Cookie, Cookies, Key, Secret};

/// How long a session may lie idle: 12 hours, a working day and its evening.
const IDLE_HOURS: u64 = 12;

/// How a request stands towards the sessions.
pub(super) enum Standing {
    /// It carries a session that is alive.
    Alive(Identity),
    /// It carries a cookie of a session that ended: signed out, idle too long, or from an earlier run.
    Ended,
    /// It carries no cookie.
    None,
}

struct Session {
    identity: Identity,
    seen: Instant,
}

/// The sessions of this process. They end with it.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Key, Session>>);

impl Sessions {
    /// Begin a session, and forget those that ended.
    pub(super) fn open(&self, secret: &Secret, identity: Identity, now: Instant) {
        let mut sessions = self.held();
        sessions.retain(|_, session| session.is_alive(now));
        sessions.insert(secret.key(), Session { identity, seen: now });
    }

    /// Who a request's cookie stands for. Being asked keeps the session alive.
    pub(super) fn standing(&self, headers: &HeaderMap, now: Instant) -> Standing {
        let mut sessions = self.held();
        let mut standing = Standing::None;
        for key in carried(headers) {
            match sessions.get_mut(&key) {
                Some(session) if session.is_alive(now) => {
                    session.seen = now;
                    return Standing::Alive(session.identity.clone());
                }
                Some(_) => {
                    sessions.remove(&key);
                    standing = Standing::Ended;
                }
                None => standing = Standing::Ended,
            }
        }
        standing
    }

    /// Let a request's session act as somebody else. Whether there was a session.
    pub(super) fn switch(&self, headers: &HeaderMap, identity: &Identity, now: Instant) -> bool {
        let mut sessions = self.held();
        for key in carried(headers) {
            if let Some(session) = sessions.get_mut(&key)
                && session.is_alive(now)
            {
                *session = Session { identity: identity.clone(), seen: now };
                return true;
            }
        }
        false
    }

    /// End the sessions a request carries.
    pub(super) fn close(&self, headers: &HeaderMap) {
        let mut sessions = self.held();
        for key in carried(headers) {
            sessions.remove(&key);
        }
    }

    /// A panic elsewhere leaves the map whole: every change to it is a single step.
    fn held(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) < Duration::from_secs(IDLE_HOURS * 60 * 60)
    }
}

fn carried(headers: &HeaderMap) -> Vec<Key> {
    Cookies::PLAIN.keys_in(Cookie::Session, headers)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::super::Chance;
    use super::*;
    use crate::domain::identity::Role;

    fn carrying(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn somebody(role: Role) -> Identity {
        Identity { role, ..Identity::public() }
    }

    #[test]
    fn a_session_ends_after_twelve_idle_hours() {
        let (sessions, cookie, start) = (Sessions::default(), Secret::new([7; 32]), (Chance::SYSTEM.now)());
        let headers = carrying(&format!("theme=dark; sidebyside_session={}", cookie.text()));
        let hours = |count: u64| start + Duration::from_secs(count * 60 * 60);
        sessions.open(&cookie, somebody(Role::Finance), start);
        assert!(
            matches!(sessions.standing(&headers, hours(11)), Standing::Alive(who) if who.role == Role::Finance)
        );
        assert!(
            matches!(sessions.standing(&headers, hours(22)), Standing::Alive(_)),
            "being used keeps it alive"
        );
        assert!(matches!(sessions.standing(&headers, hours(34)), Standing::Ended));
        assert!(!sessions.switch(&headers, &somebody(Role::Auditor), hours(34)));
    }

    #[test]
    fn a_stale_cookie_beside_a_live_one_does_no_harm() {
        let (sessions, cookie, now) = (Sessions::default(), Secret::new([7; 32]), (Chance::SYSTEM.now)());
        sessions.open(&cookie, somebody(Role::Finance), now);
        let headers = carrying(&format!("sidebyside_session=stale; sidebyside_session={}", cookie.text()));
        assert!(matches!(sessions.standing(&headers, now), Standing::Alive(_)));
        sessions.close(&headers);
        assert!(matches!(sessions.standing(&headers, now), Standing::Ended));
        assert!(matches!(sessions.standing(&HeaderMap::new(), now), Standing::None));
    }
}
