//! The talk with the provider: a code for tokens, and what the tokens prove.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, Client,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken, IdTokenFields,
    IdTokenVerifier, Nonce, OAuth2TokenResponse as _, PkceCodeVerifier, RequestTokenError,
    SignatureVerificationError, StandardErrorResponse, StandardTokenResponse, SubjectIdentifier,
    TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::directory::{Known, causes};
use super::settings::Settings;
use crate::auth::Problem;

/// Every claim beside those that the standard names.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

type Signed =
    IdToken<OtherClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// What the provider gives for a code.
pub(super) type Tokens = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// This server, as a client of the provider.
pub(super) type OurClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// How identity tokens may be signed: with a key whose other half only the provider has.
const SIGNED_BY: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Whom the provider has proven somebody to be.
pub(super) struct Proven {
    /// The provider's id of them.
    pub subject: String,
    /// Their name, if it says.
    pub name: Option<String>,
    /// What else it says of them.
    pub claims: Map<String, Value>,
}

/// This server as a client of the provider.
pub(super) fn client(settings: &Settings, known: &Known) -> OurClient {
    let metadata = known.metadata.clone();
    // Where a provider says how clients prove themselves, and the usual way is not among it.
    let in_body = metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| {
        !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
            && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    Client::from_provider_metadata(metadata, settings.client.clone(), settings.secret.clone())
        .set_redirect_uri(settings.back.clone())
        .set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
}

/// Exchange a code for tokens.
pub(super) async fn tokens(
    settings: &Settings,
    known: &Known,
    http: &reqwest::Client,
    code: String,
    verifier: String,
) -> Result<Tokens, Problem> {
    let client = client(settings, known);
    let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| unproven(&error))?;
    let answer = request.set_pkce_verifier(PkceCodeVerifier::new(verifier)).request_async(http).await;
    answer.map_err(|error| {
        if matches!(error, RequestTokenError::Request(_)) {
            tracing::warn!(why = causes(&error), "the sign-in provider does not take a code");
            return Problem::Away;
        }
        unproven(&error)
    })
}

/// Whether the identity token is signed with a key that we have not heard of.
pub(super) fn has_unknown_key(settings: &Settings, known: &Known, tokens: &Tokens, nonce: &Nonce) -> bool {
    let client = client(settings, known);
    let unknown = |error| {
        matches!(
            error,
            ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)
        )
    };
    tokens.id_token().is_some_and(|token| token.claims(&verifier(&client), nonce).is_err_and(unknown))
}

/// Check everything that the tokens must prove: signature, issuer, audience, time, nonce, and that the two belong
/// together. Where the identity token is silent on roles, the provider is asked for what else it knows.
pub(super) async fn proven(
    settings: &Settings,
    known: &Known,
    http: &reqwest::Client,
    tokens: &Tokens,
    nonce: &Nonce,
) -> Result<Proven, Problem> {
    let client = client(settings, known);
    let verifier = verifier(&client);
    let token: &Signed = tokens.id_token().ok_or_else(|| {
        tracing::warn!("the sign-in provider sent no identity token");
        Problem::Unproven
    })?;
    let told = token.claims(&verifier, nonce).map_err(|error| unproven(&error))?;
    if let Some(expected) = told.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| unproven(&error))?;
        let key = token.signing_key(&verifier).map_err(|error| unproven(&error))?;
        let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
        if hash.map_err(|error| unproven(&error))? != *expected {
            tracing::warn!("an access token did not belong to its identity token");
            return Err(Problem::Unproven);
        }
    }
    let subject = told.subject().to_string();
    let mut name = told.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    let mut claims = told.additional_claims().0.clone();
    if !settings.rules.are_told(&claims)
        && let Some((also_name, also)) = asked(&client, http, tokens, told.subject()).await?
    {
        name = name.or(also_name);
        for (claim, value) in also {
            claims.entry(claim).or_insert(value);
        }
    }
    Ok(Proven { subject, name, claims })
}

/// What else the provider knows of somebody, where it can be asked.
async fn asked(
    client: &OurClient,
    http: &reqwest::Client,
    tokens: &Tokens,
    subject: &SubjectIdentifier,
) -> Result<Option<(Option<String>, Map<String, Value>)>, Problem> {
    let Ok(request) = client.user_info(tokens.access_token().clone(), Some(subject.clone())) else {
        return Ok(None);
    };
    let told: openidconnect::UserInfoClaims<OtherClaims, CoreGenderClaim> =
        request.request_async(http).await.map_err(|error| unproven(&error))?;
    let name = told.name().and_then(|name| name.get(None)).map(|name| name.to_string());
    Ok(Some((name, told.additional_claims().0.clone())))
}

fn verifier(client: &OurClient) -> IdTokenVerifier<'_, CoreJsonWebKey> {
    client.id_token_verifier().set_allowed_algs(SIGNED_BY)
}

/// What a provider sent does not hold: why is for the log.
fn unproven(error: &dyn std::error::Error) -> Problem {
    tracing::warn!(why = causes(error), "a sign-in was not proven");
    Problem::Unproven
}
