//! Tokens that scripts bring: signed by the provider, for us, and in date.
//!
//! The key says which algorithm a token is signed with, and the token never does: one that says otherwise is refused
//! before anything is computed, so a public key cannot be passed off as a shared secret.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Validation, decode};
use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::Use;

/// How far the provider's clock and ours may differ, in seconds.
const LEEWAY: u64 = 30;

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// Why a token could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Something else than a token.
    #[error(
        "Send the access token as \"Authorization: Bearer <token>\": this is not one (a JSON web token of three parts)."
    )]
    Unreadable,
    /// Another algorithm than the key's, or none.
    #[error("The token is not signed in the way its key is for.")]
    Algorithm,
    /// A key that the provider does not list.
    #[error("The token is signed with a key that the sign-in provider does not list. Get a new token.")]
    UnknownKey,
    /// A signature that does not fit.
    #[error("The token's signature does not fit: it was changed on the way, or is not the provider's.")]
    Signature,
    /// Past its end.
    #[error("The token has expired. Get a new one.")]
    Expired,
    /// Before its beginning.
    #[error("The token is not good yet. Wait, or check the clock of this computer and the provider's.")]
    NotYet,
    /// Somebody else's.
    #[error("The token comes from another issuer than the one this server trusts.")]
    Issuer,
    /// For somebody else.
    #[error("The token is for another service: ask for one with this server as its audience.")]
    Audience,
    /// Without what it must hold.
    #[error("The token does not hold what it must: iss, aud, sub and exp.")]
    Claims,
}

impl TokenRefusal {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "token.unreadable",
            Self::Algorithm => "token.algorithm",
            Self::UnknownKey => "token.unknown_key",
            Self::Signature => "token.signature",
            Self::Expired => "token.expired",
            Self::NotYet => "token.not_yet",
            Self::Issuer => "token.issuer",
            Self::Audience => "token.audience",
            Self::Claims => "token.claims",
        }
    }
}

/// The keys a provider signs with.
pub(super) struct Keys(Vec<Key>);

/// One key, with the one algorithm it is for.
pub(super) struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Keys {
    /// The keys of a set that sign. What cannot be read, is a shared secret or is for something else is left out.
    pub(super) fn of(set: &CoreJsonWebKeySet) -> Self {
        Self(set.keys().iter().filter_map(|key| Key::of(serde_json::to_value(key).ok()?)).collect())
    }

    /// The key of an id; without one, the only key there is.
    pub(super) fn find(&self, id: Option<&str>) -> Option<&Key> {
        match (id, self.0.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(id), keys) => keys.iter().find(|key| key.id.as_deref() == Some(id)),
        }
    }
}

impl Key {
    fn of(key: Value) -> Option<Self> {
        let key: Jwk = serde_json::from_value(key).ok()?;
        if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        let algorithm = match key.common.key_algorithm {
            Some(named) => Algorithm::try_from(named).ok()?,
            None => usual_algorithm(&key)?,
        };
        let id = key.common.key_id.clone();
        let key = DecodingKey::from_jwk(&key).ok()?;
        let is_public = algorithm.family() == key.family() && key.family() != AlgorithmFamily::Hmac;
        is_public.then_some(Self { id, algorithm, key })
    }
}

/// The algorithm of a key that names none.
fn usual_algorithm(key: &Jwk) -> Option<Algorithm> {
    let kind = &key.algorithm;
    let is_of = |curve| matches!(kind, AlgorithmParameters::EllipticCurve(one) if one.curve == curve);
    let is_edwards =
        matches!(kind, AlgorithmParameters::OctetKeyPair(one) if one.curve == EllipticCurve::Ed25519);
    let usual = [
        (matches!(kind, AlgorithmParameters::RSA(_)), Algorithm::RS256),
        (is_of(EllipticCurve::P256), Algorithm::ES256),
        (is_of(EllipticCurve::P384), Algorithm::ES384),
        (is_edwards, Algorithm::EdDSA),
    ];
    usual.into_iter().find_map(|(is_it, algorithm)| is_it.then_some(algorithm))
}

/// What a token says of itself before anything is proven.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    alg: String,
    /// The id of the key it is signed with.
    pub kid: Option<String>,
    /// What a reader must understand: nothing is, so there must be nothing.
    crit: Option<Value>,
}

impl Head {
    /// Read the head of a token.
    pub(super) fn of(token: &str) -> Result<Self, TokenRefusal> {
        let head = token.split_once('.').map(|(head, _)| head).filter(|_| token.len() <= LONGEST);
        let head = head.and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
        let head: Self =
            head.and_then(|head| serde_json::from_slice(&head).ok()).ok_or(TokenRefusal::Unreadable)?;
        if head.crit.is_some() { Err(TokenRefusal::Unreadable) } else { Ok(head) }
    }
}

/// The claims of a token that is good.
pub(super) fn read(
    token: &str,
    head: &Head,
    key: &Key,
    issuer: &str,
    audience: &str,
) -> Result<Map<String, Value>, TokenRefusal> {
    if Algorithm::from_str(&head.alg).ok() != Some(key.algorithm) {
        return Err(TokenRefusal::Algorithm);
    }
    let mut rules = Validation::new(key.algorithm);
    rules.leeway = LEEWAY;
    rules.validate_nbf = true;
    rules.set_issuer(&[issuer]);
    rules.set_audience(&[audience]);
    rules.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    decode(token, &key.key, &rules).map(|token| token.claims).map_err(|error| refusal(error.kind()))
}

/// What the library found, in our words. What it says of the keys is all the same to whoever sent the token.
fn refusal(kind: &ErrorKind) -> TokenRefusal {
    let lacks = matches!(kind, ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_));
    let is_none = matches!(
        kind,
        ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Json(_) | ErrorKind::Utf8(_)
    );
    let found = [
        (matches!(kind, ErrorKind::ExpiredSignature), TokenRefusal::Expired),
        (matches!(kind, ErrorKind::ImmatureSignature), TokenRefusal::NotYet),
        (matches!(kind, ErrorKind::InvalidIssuer), TokenRefusal::Issuer),
        (matches!(kind, ErrorKind::InvalidAudience), TokenRefusal::Audience),
        (matches!(kind, ErrorKind::InvalidAlgorithm), TokenRefusal::Algorithm),
        (lacks, TokenRefusal::Claims),
        (is_none, TokenRefusal::Unreadable),
    ];
    found.into_iter().find_map(|(is_it, refusal)| is_it.then_some(refusal)).unwrap_or(TokenRefusal::Signature)
}

/// Whether a token's scopes let it be used so.
pub(super) fn allows(claims: &Map<String, Value>, to: Use) -> bool {
    let in_list =
        |scopes: &Value| scopes.as_array().is_some_and(|words| words.iter().any(|word| word == to.scope()));
    let in_text =
        |scopes: &Value| scopes.as_str().is_some_and(|words| words.split(' ').any(|word| word == to.scope()));
    ["scope", "scp"]
        .into_iter()
        .filter_map(|name| claims.get(name))
        .any(|scopes| in_list(scopes) || in_text(scopes))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn key(jwk: Value) -> Option<(Option<String>, Algorithm)> {
        Key::of(jwk).map(|key| (key.id, key.algorithm))
    }

    #[test]
    fn each_key_has_one_algorithm() {
        let named = json!({ "kty": "RSA", "kid": "a", "alg": "PS384", "n": "AQAB", "e": "AQAB" });
        assert_eq!(key(named), Some((Some("a".to_owned()), Algorithm::PS384)));
        let rsa = json!({ "kty": "RSA", "use": "sig", "n": "AQAB", "e": "AQAB" });
        assert_eq!(key(rsa), Some((None, Algorithm::RS256)));
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": ED });
        assert_eq!(key(ed), Some((None, Algorithm::EdDSA)));
        let curve = json!({ "kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB" });
        assert_eq!(key(curve), Some((None, Algorithm::ES384)));
    }

    #[test]
    fn what_does_not_sign_is_no_key() {
        for other in [
            json!({ "kty": "oct", "alg": "HS256", "k": "c2VjcmV0" }),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            json!({ "kty": "RSA", "alg": "HS256", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "RSA", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "RSA", "alg": "ES256", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-521", "x": "AQAB", "y": "AQAB" }),
        ] {
            assert_eq!(key(other.clone()), None, "{other}");
        }
    }

    #[test]
    fn without_an_id_the_only_key_is_meant() {
        let one = |id: &str| Key::of(json!({ "kty": "OKP", "crv": "Ed25519", "x": ED, "kid": id })).unwrap();
        let keys = Keys(vec![one("a")]);
        assert!(
            keys.find(None).is_some() && keys.find(Some("a")).is_some() && keys.find(Some("b")).is_none()
        );
        assert!(Keys(vec![one("a"), one("b")]).find(None).is_none());
    }

    #[test]
    fn the_head_must_be_understood() {
        let head = |text: &str| Head::of(&format!("{}.e30.x", URL_SAFE_NO_PAD.encode(text)));
        assert_eq!(head(r#"{"alg":"none"}"#).unwrap().alg, "none");
        assert_eq!(head(r#"{"alg":"EdDSA","crit":["b64"]}"#).unwrap_err(), TokenRefusal::Unreadable);
        assert_eq!(head("{}").unwrap_err(), TokenRefusal::Unreadable);
        for token in ["", "a", "....", "é.é.é"] {
            assert_eq!(Head::of(token).unwrap_err(), TokenRefusal::Unreadable, "{token}");
        }
        let long = format!("{}.{}.x", URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#), "a".repeat(LONGEST));
        assert_eq!(Head::of(&long).unwrap_err(), TokenRefusal::Unreadable);
    }

    #[test]
    fn scopes_are_whole_words() {
        let allows = |claims: Value, to| allows(claims.as_object().unwrap(), to);
        assert!(allows(json!({ "scope": "openid sidebyside:read" }), Use::Read));
        assert!(!allows(json!({ "scope": "openid sidebyside:read" }), Use::Write));
        assert!(allows(json!({ "scp": ["sidebyside:write"] }), Use::Write));
        assert!(!allows(json!({ "scope": "sidebyside:reader" }), Use::Read));
        assert!(!allows(json!({}), Use::Read));
    }
}
