//! What the provider says of itself, and its keys: asked for once, kept for an hour, asked for anew when a key is unknown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::{IssuerUrl, ProviderMetadataWithLogout};
use tokio::sync::Mutex;

use super::tokens::Keys;

/// How long an answer is good: a key that the provider takes away is refused here after that.
const GOOD_FOR: Duration = Duration::from_hours(1);

/// How long at least between two questions because of unknown keys: whoever sends tokens with invented ones must not
/// make us ask the provider each time.
const BETWEEN: Duration = Duration::from_secs(30);

/// How long to wait after the provider did not answer.
const AFTER_SILENCE: Duration = Duration::from_secs(5);

/// How long the provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The provider did not answer, or not as itself. Why is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Away;

/// What the provider said.
pub(super) struct Known {
    /// Its addresses and what it can do.
    pub metadata: ProviderMetadataWithLogout,
    /// The keys its tokens are signed with.
    pub keys: Keys,
    at: Instant,
}

/// A provider, and what is known of it.
pub(super) struct Directory {
    issuer: IssuerUrl,
    now: fn() -> Instant,
    /// How it is asked. Redirects are not followed: an address that leads elsewhere is not the provider's.
    pub http: reqwest::Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    /// When it was last asked, and did not answer.
    silent: Option<Instant>,
}

impl Directory {
    /// A provider of whom nothing is known yet.
    pub(super) fn new(issuer: IssuerUrl, now: fn() -> Instant) -> Result<Self, reqwest::Error> {
        let is_secure = issuer.url().scheme() == "https";
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .https_only(is_secure);
        // A provider on this computer is not reached through a proxy elsewhere.
        let http = if is_secure { client } else { client.no_proxy() }.build()?;
        Ok(Self { issuer, now, http, state: Mutex::default() })
    }

    /// What is known, asked for where it is not or no longer. One question at a time: everybody else waits for it.
    pub(super) async fn known(&self) -> Result<Arc<Known>, Away> {
        let mut state = self.state.lock().await;
        let now = (self.now)();
        let old = state.known.clone();
        if let Some(known) = &old
            && now.saturating_duration_since(known.at) < GOOD_FOR
        {
            return Ok(Arc::clone(known));
        }
        if state.silent.is_some_and(|silent| now.saturating_duration_since(silent) < AFTER_SILENCE) {
            return old.ok_or(Away);
        }
        // What was good an hour ago is better than letting nobody in.
        self.ask(&mut state).await.or_else(|away| old.ok_or(away))
    }

    /// What is known after a key was not among `than`: asked for anew, unless it was a moment ago.
    pub(super) async fn anew(&self, than: &Arc<Known>) -> Result<Arc<Known>, Away> {
        let mut state = self.state.lock().await;
        let now = (self.now)();
        if let Some(known) = &state.known
            && (!Arc::ptr_eq(known, than) || now.saturating_duration_since(known.at) < BETWEEN)
        {
            return Ok(Arc::clone(known));
        }
        self.ask(&mut state).await
    }

    async fn ask(&self, state: &mut State) -> Result<Arc<Known>, Away> {
        match ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http).await {
            Ok(metadata) => {
                let known = Known { keys: Keys::of(metadata.jwks()), metadata, at: (self.now)() };
                let known = Arc::new(known);
                *state = State { known: Some(Arc::clone(&known)), silent: None };
                Ok(known)
            }
            Err(error) => {
                let why = causes(&error);
                tracing::warn!(
                    issuer = self.issuer.as_str(),
                    why,
                    "the sign-in provider does not answer as it should"
                );
                state.silent = Some((self.now)());
                Err(Away)
            }
        }
    }
}

/// An error with its causes, for the log.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
