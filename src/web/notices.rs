//! Pages that say one thing: nothing here, not for you, sign in, something went wrong.
//!
//! What there is to say travels with the answer, and is drawn once the answer is on its way out ([`draw`]): only there is
//! it known how people sign in here.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use super::frame::Frame;
use super::sign_in::ways;
use super::templates::TEMPLATES;
use crate::auth::SignIn;

/// What a page has to say instead of what was asked for.
#[derive(Debug, Clone)]
pub(super) enum Notice {
    /// There is no such page, or none that the viewer may know of.
    NothingHere,
    /// The page is for those who are signed in.
    SignIn {
        /// Where they wanted to go.
        next: String,
    },
    /// The page is for other roles.
    NotForYou {
        /// The role of the viewer, in words.
        role: &'static str,
    },
    /// The API says why not.
    Forbidden {
        /// Its sentence.
        sentence: String,
    },
    /// The address asks for what cannot be read.
    Unreadable {
        /// What is wrong with it.
        sentence: String,
    },
    /// Somebody was not signed in, or no longer is.
    NotSignedIn {
        /// The status it is sent with.
        status: StatusCode,
        /// The heading.
        title: &'static str,
        /// What happened.
        sentence: String,
        /// Where they sign out of the provider, to come with another account.
        way_out: Option<String>,
    },
    /// Somebody has signed out.
    SignedOut {
        /// Where they sign out of the provider too.
        way_out: Option<String>,
    },
    /// A fault of ours.
    Broken,
    /// Anything else.
    Says {
        /// The status it is sent with.
        status: StatusCode,
        /// The heading.
        title: &'static str,
        /// What there is to say.
        sentence: String,
    },
}

impl Notice {
    /// A page that says one thing.
    pub(super) fn says(status: StatusCode, title: &'static str, sentence: impl Into<String>) -> Self {
        Self::Says { status, title, sentence: sentence.into() }
    }

    /// Where one signs out of the provider, where that is worth saying.
    fn way_out(&self) -> Option<&str> {
        if let Self::SignedOut { way_out } | Self::NotSignedIn { way_out, .. } = self {
            return way_out.as_deref();
        }
        None
    }

    fn parts(self) -> (StatusCode, &'static str, String, Option<String>) {
        let plain = |status, title, sentence: &str| (status, title, sentence.to_owned(), None);
        match self {
            Self::NothingHere => plain(
                StatusCode::NOT_FOUND,
                "Page not found",
                "There is nothing at this address. If you typed it, check that it is correct.",
            ),
            Self::SignIn { next } => (
                StatusCode::UNAUTHORIZED,
                "Sign in to see this page",
                "This page is for people who are signed in.".to_owned(),
                Some(next),
            ),
            Self::NotForYou { role } => (
                StatusCode::FORBIDDEN,
                "This page is not for your role",
                format!("You are acting as {role}. Other roles use this page."),
                None,
            ),
            Self::Forbidden { sentence } => {
                (StatusCode::FORBIDDEN, "This page is not for your role", sentence, None)
            }
            Self::Unreadable { sentence } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "This address cannot be read", sentence, None)
            }
            Self::NotSignedIn { status, title, sentence, .. } => {
                (status, title, sentence, Some("/".to_owned()))
            }
            Self::SignedOut { .. } => (
                StatusCode::OK,
                "You have signed out",
                "You are no longer signed in here.".to_owned(),
                Some("/".to_owned()),
            ),
            Self::Broken => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong",
                "Something went wrong here, and nothing was changed. Try again in a moment.",
            ),
            Self::Says { status, title, sentence } => (status, title, sentence, None),
        }
    }
}

impl IntoResponse for Notice {
    fn into_response(self) -> Response {
        let (status, ..) = self.clone().parts();
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Draw what an answer has to say, where it is a notice.
pub(super) async fn draw(State(sign_in): State<SignIn>, mut response: Response) -> Response {
    let Some(notice) = response.extensions_mut().remove::<Notice>() else { return response };
    let frame = response.extensions_mut().remove().unwrap_or_else(Frame::of_nobody);
    let way_out = notice.way_out().map(str::to_owned);
    let (_, title, sentence, next) = notice.parts();
    let around = json!({
        "title": title, "sentence": sentence, "next": next, "way_out": way_out,
        "viewer": frame.viewer, "menu": frame.menu, "said": null, "sign_in": ways(&sign_in, next.as_deref().unwrap_or("/")),
    });
    let page = match TEMPLATES.render("notice.html", json!({}), around) {
        Ok(html) => Html(html).into_response(),
        Err(undrawn) => {
            tracing::error!(%undrawn, "a notice could not be drawn");
            format!("{title}\n\n{sentence}\n").into_response()
        }
    };
    let (head, body) = page.into_parts();
    response.headers_mut().extend(head.headers);
    *response.body_mut() = body;
    response
}
