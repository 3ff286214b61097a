//! Pages that say one thing: nothing here, not for you, sign in, something went wrong.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use super::templates::TEMPLATES;

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
        let (status, title, sentence, next) = self.parts();
        let around = json!({ "title": title, "sentence": sentence, "next": next, "viewer": null, "menu": [], "said": null });
        match TEMPLATES.render("notice.html", json!({}), around) {
            Ok(html) => (status, Html(html)).into_response(),
            Err(undrawn) => {
                tracing::error!(%undrawn, "a notice could not be drawn");
                (status, format!("{title}\n\n{sentence}\n")).into_response()
            }
        }
    }
}
