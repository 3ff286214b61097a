//! Signing in with a provider by OpenID Connect: authorization code with PKCE, state and nonce; and its tokens.
//!
//! The provider says who somebody is (issuer and subject stand for one opaque person here) and, by a claim, what they
//! may act as. It is asked at sign-in; after that the session in the database says so, until it ends.

mod attempts;
mod claims;
mod directory;
mod exchange;
mod sessions;
mod settings;
mod tokens;

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope};
use serde::Deserialize;
use uuid::Uuid;

use super::cookies::{Cookie, Cookies, Secret};
use super::development::{ACTING_PARTNER, ACTING_ROLE};
use super::{Accounts, Chance, Identity, Name, Problem, Use};
use crate::domain::identity::PersonId;

pub use claims::{Capacity, ClaimRules, NoCapacity};
pub use settings::{Settings, SettingsProblem};
pub use tokens::TokenRefusal;

use directory::{Away, Directory, Known};
use exchange::Proven;
use sessions::{Session, Standing};

/// Sign-in with a provider.
pub struct Provider {
    settings: Settings,
    directory: Directory,
    cookies: Cookies,
    chance: Chance,
}

/// A sign-in that was begun: where the browser goes, and the cookie it brings back.
pub struct Begun {
    /// The provider's address.
    pub address: String,
    /// The header with the cookie.
    pub cookie: HeaderValue,
}

/// What the provider sent the browser back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Back {
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Somebody was signed in.
pub struct Finished {
    /// The headers with the session's cookie, and without that of the sign-in.
    pub cookies: [HeaderValue; 2],
    /// Where they wanted to go.
    pub next: String,
    /// Whether there is a role to choose.
    pub may_choose: bool,
}

impl From<Away> for Problem {
    fn from(Away: Away) -> Self {
        Self::Away
    }
}

impl Provider {
    /// Sign-in with the provider of these settings. It is not asked yet.
    ///
    /// # Errors
    /// When this computer has no certificates to know it by.
    pub fn new(settings: Settings, chance: Chance) -> Result<Self, reqwest::Error> {
        let directory = Directory::new(settings.issuer.clone(), chance.now)?;
        let cookies = Cookies::of(settings.is_secure());
        Ok(Self { settings, directory, cookies, chance })
    }

    /// What was set.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) const fn cookies(&self) -> Cookies {
        self.cookies
    }

    pub(super) fn new_id(&self) -> Uuid {
        (self.chance.id)()
    }

    pub(super) fn answers_to(&self, host: &str) -> bool {
        self.settings.answers_to(host)
    }

    /// Ask the provider who it is, to know early. Whether it answered; why not is in the log.
    pub async fn is_there(&self) -> bool {
        self.directory.known().await.is_ok()
    }

    /// Begin a sign-in that leads to `next`, where that is a place of ours, else to the first page.
    ///
    /// # Errors
    /// When the provider or the database does not answer.
    pub async fn begin(&self, next: &str, accounts: &Accounts) -> Result<Begun, Problem> {
        let known = self.directory.known().await?;
        let [state, browser, nonce, verifier] = std::array::from_fn(|_| self.secret());
        attempts::keep(accounts.pool(), [&state, &browser, &nonce, &verifier], place(next)).await?;
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.text().to_owned()));
        let client = exchange::client(&self.settings, &known);
        let (state, nonce) = (CsrfToken::new(state.text().to_owned()), Nonce::new(nonce.text().to_owned()));
        let (address, _, _) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce)
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        let seconds = u32::from(attempts::PATIENCE) * 60;
        Ok(Begun {
            address: address.into(),
            cookie: self.cookies.set_for(Cookie::SigningIn, &browser, seconds),
        })
    }

    /// End a sign-in: hold what came back against what was begun, have the provider say who it is, open a session.
    ///
    /// # Errors
    /// When anything of it does not hold. Nobody is then signed in, and what was begun is used up.
    pub async fn finish(
        &self,
        back: &Back,
        headers: &HeaderMap,
        accounts: &Accounts,
    ) -> Result<Finished, Problem> {
        let pool = accounts.pool();
        let attempt =
            attempts::take(pool, &back.state, self.cookies, headers).await?.ok_or(Problem::Attempt)?;
        if back.iss.as_ref().is_some_and(|issuer| issuer != self.settings.issuer()) {
            tracing::warn!(issuer = back.iss, "a sign-in came back from another issuer");
            return Err(Problem::Unproven);
        }
        if let Some(error) = &back.error {
            tracing::info!(error, "the provider declined a sign-in");
            return Err(Problem::Declined);
        }
        let code = back.code.clone().ok_or(Problem::Attempt)?;
        let proven = self.proven(code, attempt.verifier, &Nonce::new(attempt.nonce)).await?;
        let choices = self.settings.rules.capacities(&proven.claims)?;
        let first = *choices.first().ok_or(NoCapacity::NoRole)?;
        let (person, _) = self.person(&proven.subject, proven.name.as_deref(), accounts).await?;
        // Whatever session the browser had ends here: nobody can have planted one that is signed in now.
        sessions::close(pool, self.cookies, headers).await?;
        let secret = self.secret();
        sessions::open(pool, &secret, person, &choices, first).await?;
        let cookies = [self.cookies.set(Cookie::Session, &secret), self.cookies.clear(Cookie::SigningIn)];
        Ok(Finished { cookies, next: attempt.next, may_choose: choices.len() > 1 })
    }

    /// Who the provider says it is. A key that is not known is asked for once.
    async fn proven(&self, code: String, verifier: String, nonce: &Nonce) -> Result<Proven, Problem> {
        let known = self.directory.known().await?;
        let tokens = exchange::tokens(&self.settings, &known, &self.directory.http, code, verifier).await?;
        let known = if exchange::has_unknown_key(&self.settings, &known, &tokens, nonce) {
            self.directory.anew(&known).await?
        } else {
            known
        };
        exchange::proven(&self.settings, &known, &self.directory.http, &tokens, nonce).await
    }

    /// Who a request acts as: by its token, else by its session, else the public.
    ///
    /// # Errors
    /// When it carries a token or a session that is not good, or a token that is not good for this.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        to: Use,
        accounts: &Accounts,
    ) -> Result<Identity, Problem> {
        if let Some(authorization) = headers.get(header::AUTHORIZATION) {
            let bearer = authorization.to_str().ok().and_then(|value| value.split_once(' '));
            let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, token) = token.ok_or(TokenRefusal::Unreadable)?;
            return self.bearer(token.trim(), headers, to, accounts).await;
        }
        match sessions::standing(accounts.pool(), self.cookies, headers).await? {
            Standing::Alive(session) => Ok(session.identity),
            Standing::Ended => Err(Problem::Ended),
            Standing::None => Ok(Identity::public()),
        }
    }

    /// Who a token stands for, acting as what the request says, or as the one thing it may.
    async fn bearer(
        &self,
        token: &str,
        headers: &HeaderMap,
        to: Use,
        accounts: &Accounts,
    ) -> Result<Identity, Problem> {
        let head = tokens::Head::of(token)?;
        let mut known: Arc<Known> = self.directory.known().await?;
        if known.keys.find(head.kid.as_deref()).is_none() {
            known = self.directory.anew(&known).await?;
        }
        let key = known.keys.find(head.kid.as_deref()).ok_or(TokenRefusal::UnknownKey)?;
        let claims = tokens::read(token, &head, key, self.settings.issuer(), &self.settings.audience)?;
        if !tokens::allows(&claims, to) {
            return Err(Problem::Scope(to));
        }
        let capacities = self.settings.rules.capacities(&claims)?;
        let Capacity { role, partner } = asked_for(&capacities, headers)?;
        let text = |claim: &str| claims.get(claim).and_then(serde_json::Value::as_str);
        let subject = text("sub").ok_or(TokenRefusal::Claims)?;
        let (person, name) = self.person(subject, text("name"), accounts).await?;
        Ok(Identity { person, name, role, partner })
    }

    /// What somebody who is signed in may act as.
    ///
    /// # Errors
    /// When there is no living session, or the database does not answer.
    pub async fn choices(&self, headers: &HeaderMap, accounts: &Accounts) -> Result<Vec<Capacity>, Problem> {
        Ok(self.session(headers, accounts).await?.choices)
    }

    /// Let a request's session act as something else that it may, by the words of [`Capacity`]'s `Display`.
    ///
    /// # Errors
    /// When it may not, or there is no living session, or the database does not answer.
    pub async fn act(&self, headers: &HeaderMap, chosen: &str, accounts: &Accounts) -> Result<(), Problem> {
        let session = self.session(headers, accounts).await?;
        let choice = session.choices.iter().find(|choice| choice.to_string() == chosen);
        let choice = *choice.ok_or(Problem::NotYours)?;
        let is_done = sessions::act(accounts.pool(), &session, choice).await?;
        if is_done { Ok(()) } else { Err(Problem::Ended) }
    }

    /// End the session a request carries.
    ///
    /// # Errors
    /// When the database does not answer: the session then goes on.
    pub async fn sign_out(&self, headers: &HeaderMap, accounts: &Accounts) -> Result<(), sqlx::Error> {
        sessions::close(accounts.pool(), self.cookies, headers).await
    }

    /// Where somebody signs out of the provider too, if it says where.
    pub async fn way_out(&self) -> Option<String> {
        let known = self.directory.known().await.ok()?;
        let mut address = known.metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        address.query_pairs_mut().append_pair("client_id", self.settings.client.as_str());
        Some(address.into())
    }

    async fn session(&self, headers: &HeaderMap, accounts: &Accounts) -> Result<Session, Problem> {
        match sessions::standing(accounts.pool(), self.cookies, headers).await? {
            Standing::Alive(session) => Ok(*session),
            Standing::Ended => Err(Problem::Ended),
            Standing::None => Err(Problem::NotSignedIn),
        }
    }

    async fn person(
        &self,
        subject: &str,
        name: Option<&str>,
        accounts: &Accounts,
    ) -> Result<(PersonId, String), sqlx::Error> {
        accounts.known_by(self.settings.issuer(), subject, name.and_then(Name::tidied).as_ref()).await
    }

    fn secret(&self) -> Secret {
        Secret::new((self.chance.secret)())
    }
}

/// What a script asks to act as, by its headers; where it says nothing, the one thing it may.
fn asked_for(capacities: &[Capacity], headers: &HeaderMap) -> Result<Capacity, Problem> {
    let header =
        |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default().trim());
    let (role, partner) = (header(ACTING_ROLE), header(ACTING_PARTNER));
    let mut fitting = capacities.iter().filter(|one| {
        role.is_none_or(|role| one.role.name() == role)
            && partner.is_none_or(|partner| one.partner.is_some_and(|id| id.to_string() == partner))
    });
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(*one),
        (Some(_), Some(_)) => Err(Problem::WhichRole),
        (None, _) => Err(Problem::NotYours),
    }
}

/// `next` where it is a place of this server, else the first page.
#[must_use]
pub fn place(next: &str) -> &str {
    if is_ours(next) { next } else { "/" }
}

/// The longest address to come back to, in bytes.
const LONGEST_NEXT: usize = 2_000;

/// Whether an address is a place of this server: one slash, then anything but a second one, and nothing that browsers
/// read as a slash or pass over.
fn is_ours(next: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'\\';
    next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= LONGEST_NEXT
        && next.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::{PartnerId, Role};

    #[test]
    fn only_places_of_this_server_are_gone_to() {
        for next in ["/", "/funds", "/offers?near=CF10%201AA&page=2#list", "/a//b"] {
            assert_eq!(place(next), next);
        }
        for next in [
            "",
            "funds",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "/a b",
            "/\u{7f}",
            "/caf\u{e9}",
            "/a\\b",
            " /funds",
        ] {
            assert_eq!(place(next), "/", "{next:?}");
        }
        assert!(!is_ours(&format!("/{}", "a".repeat(LONGEST_NEXT))));
    }

    #[test]
    fn a_script_with_several_roles_says_which() {
        let partner = PartnerId(Uuid::from_u128(7));
        let finance = Capacity { role: Role::Finance, partner: None };
        let worker = Capacity { role: Role::PartnerWorker, partner: Some(partner) };
        let asked = |capacities: &[Capacity], headers: &[(&'static str, String)]| {
            let headers = headers.iter().map(|(name, value)| {
                (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            });
            asked_for(capacities, &headers.collect())
        };
        assert_eq!(asked(&[finance], &[]).unwrap(), finance);
        assert!(matches!(asked(&[finance, worker], &[]), Err(Problem::WhichRole)));
        let says_role = ("acting-role", "partner_worker".to_owned());
        assert_eq!(asked(&[finance, worker], std::slice::from_ref(&says_role)).unwrap(), worker);
        assert_eq!(asked(&[finance, worker], &[("acting-partner", partner.to_string())]).unwrap(), worker);
        assert!(matches!(asked(&[finance], &[says_role]), Err(Problem::NotYours)));
        let other = [
            ("acting-role", "partner_worker".to_owned()),
            ("acting-partner", Uuid::from_u128(8).to_string()),
        ];
        assert!(matches!(asked(&[finance, worker], &other), Err(Problem::NotYours)));
    }
}
