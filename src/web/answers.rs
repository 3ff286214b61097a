//! What the edge answers on its own account, before or instead of the schema: always JSON in GraphQL's shape.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

use crate::auth::{Problem, Use};

/// An answer with one error in GraphQL's shape: the sentence for people, the code for programs.
pub(super) fn failure(status: StatusCode, code: &str, sentence: &str) -> Response {
    let body = json!({ "errors": [{ "message": sentence, "extensions": { "code": code } }] });
    (status, Json(body)).into_response()
}

/// Why a GraphQL request did not reach the schema.
#[derive(Debug, thiserror::Error)]
pub(super) enum Answer {
    /// A body in another form than JSON.
    #[error("Send the request as JSON, with the header \"Content-Type: application/json\".")]
    NotJson,
    /// A body over the limit, in bytes.
    #[error("The request is too large: send at most {} KB.", .0 / 1024)]
    TooLarge(usize),
    /// A body that broke off.
    #[error("The request broke off before its end.")]
    BrokenOff,
    /// An array of requests.
    #[error("Send one request at a time: batches are not taken.")]
    Batch,
    /// A body that is not a GraphQL request in JSON.
    #[error("Send a JSON object with \"query\" and, where needed, \"variables\" and \"operationName\". {0}")]
    Unreadable(String),
    /// Nobody to act as.
    #[error(transparent)]
    Who(#[from] Problem),
}

impl Answer {
    fn code(&self) -> &'static str {
        match self {
            Self::NotJson | Self::BrokenOff | Self::Unreadable(_) => "request.unreadable",
            Self::TooLarge(_) => "too_large",
            Self::Batch => "request.batch",
            Self::Who(problem) => problem.code(),
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BrokenOff | Self::Batch | Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::Who(problem) => status_of(problem),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        if let Self::Who(Problem::Broken(cause)) = &self {
            tracing::error!(%cause, "the accounts did not answer");
        }
        let mut response = failure(self.status(), self.code(), &self.to_string());
        if response.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Self::Who(problem) = &self
            && let Some(challenge) = challenge(problem)
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// What programs are told of a token that was not taken, as RFC 6750 has it.
const fn challenge(problem: &Problem) -> Option<&'static str> {
    match problem {
        Problem::Refused(_) => Some("Bearer error=\"invalid_token\""),
        Problem::Scope(Use::Read) => Some("Bearer error=\"insufficient_scope\", scope=\"sidebyside:read\""),
        Problem::Scope(Use::Write) => Some("Bearer error=\"insufficient_scope\", scope=\"sidebyside:write\""),
        Problem::Token
        | Problem::Ended
        | Problem::NotSignedIn
        | Problem::Acting(_)
        | Problem::NotYours
        | Problem::WhichRole
        | Problem::NoCapacity(_)
        | Problem::Attempt
        | Problem::Declined
        | Problem::Unproven
        | Problem::Away
        | Problem::Broken(_) => None,
    }
}

/// The HTTP status of a sign-in problem.
pub(super) const fn status_of(problem: &Problem) -> StatusCode {
    match problem {
        Problem::Token | Problem::Refused(_) | Problem::Ended | Problem::NotSignedIn => {
            StatusCode::UNAUTHORIZED
        }
        Problem::Acting(_) | Problem::WhichRole | Problem::Attempt => StatusCode::BAD_REQUEST,
        Problem::Scope(_)
        | Problem::NotYours
        | Problem::NoCapacity(_)
        | Problem::Declined
        | Problem::Unproven => StatusCode::FORBIDDEN,
        Problem::Away => StatusCode::SERVICE_UNAVAILABLE,
        Problem::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
