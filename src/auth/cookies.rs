//! Our two cookies: a session, and a sign-in that is under way. Scripts see neither; other sites' forms send neither.

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

/// What a cookie is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cookie {
    /// Who is signed in.
    Session,
    /// Which browser began a sign-in.
    SigningIn,
}

/// How this server's cookies are named and marked: that follows from whether browsers reach it through TLS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cookies {
    is_secure: bool,
}

impl Cookies {
    /// Cookies of plain HTTP, for this computer only.
    pub(super) const PLAIN: Self = Self::of(false);

    pub(super) const fn of(is_secure: bool) -> Self {
        Self { is_secure }
    }

    /// Browsers share cookies between the ports of a host, so the name says whose it is. With `__Host-` they refuse one
    /// that another host of the same domain tries to set.
    const fn name(self, cookie: Cookie) -> &'static str {
        match (cookie, self.is_secure) {
            (Cookie::Session, false) => "sidebyside_session",
            (Cookie::Session, true) => "__Host-sidebyside_session",
            (Cookie::SigningIn, false) => "sidebyside_signing_in",
            (Cookie::SigningIn, true) => "__Host-sidebyside_signing_in",
        }
    }

    /// The header that gives a secret to the browser, until it is closed.
    pub(super) fn set(self, cookie: Cookie, secret: &Secret) -> HeaderValue {
        self.written(cookie, &secret.0, "")
    }

    /// The header that gives a secret to the browser, for some seconds.
    pub(super) fn set_for(self, cookie: Cookie, secret: &Secret, seconds: u32) -> HeaderValue {
        self.written(cookie, &secret.0, &format!("; Max-Age={seconds}"))
    }

    /// The header that takes it from the browser again.
    pub(super) fn clear(self, cookie: Cookie) -> HeaderValue {
        self.written(cookie, "", "; Max-Age=0")
    }

    fn written(self, cookie: Cookie, value: &str, age: &str) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.name(cookie);
        let header = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        HeaderValue::from_str(&header).expect("hexadecimal digits are header text")
    }

    /// The hashes of every such cookie a request carries: a browser sends old ones beside the one that is good.
    pub(super) fn keys_in(self, cookie: Cookie, headers: &HeaderMap) -> Vec<Key> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, value)| *name == self.name(cookie) && !value.is_empty())
            .map(|(_, value)| key(value))
            .collect()
    }
}

/// The hash a secret is known by here.
pub(super) type Key = [u8; 32];

/// The hash of a secret.
pub(super) fn key(secret: &str) -> Key {
    Sha256::digest(secret.as_bytes()).into()
}

/// What the browser keeps: 256 bits nobody can guess. Only its hash stays here.
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn new(bits: [u8; 32]) -> Self {
        Self(hex::encode(bits))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn key(&self) -> Key {
        key(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_for_this_host_and_not_for_scripts() {
        let secret = Secret::new([7; 32]);
        let plain = Cookies::PLAIN.set(Cookie::Session, &secret);
        let digits = "07".repeat(32);
        assert_eq!(plain, format!("sidebyside_session={digits}; Path=/; HttpOnly; SameSite=Lax").as_str());
        let secure = Cookies::of(true).set_for(Cookie::SigningIn, &secret, 600);
        let told = format!(
            "__Host-sidebyside_signing_in={digits}; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"
        );
        assert_eq!(secure, told.as_str());
        assert!(Cookies::of(true).clear(Cookie::Session).to_str().unwrap().ends_with("; Secure; Max-Age=0"));
    }

    #[test]
    fn every_cookie_of_the_name_is_looked_at() {
        let headers = HeaderMap::from_iter([(
            header::COOKIE,
            HeaderValue::from_static(
                "theme=dark; sidebyside_session=stale; sidebyside_session=good; sidebyside_session=",
            ),
        )]);
        assert_eq!(Cookies::PLAIN.keys_in(Cookie::Session, &headers), [key("stale"), key("good")]);
        assert!(Cookies::of(true).keys_in(Cookie::Session, &headers).is_empty());
        assert!(Cookies::PLAIN.keys_in(Cookie::SigningIn, &headers).is_empty());
    }
}
