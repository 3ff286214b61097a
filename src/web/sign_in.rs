//! Signing in by the printed link, choosing whom to act as, and signing out.

use async_graphql::Executor;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::acting::{Chosen, desk};
use super::notices::Notice;
use super::{Edge, status_of};
use crate::auth::{Acting, Problem, SessionCookie};

/// The query string of a sign-in link.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    ticket: String,
}

/// Exchange the link's ticket for a session.
pub(super) async fn redeem<E: Executor>(
    State(edge): State<Edge<E>>,
    headers: HeaderMap,
    link: Result<Query<Link>, QueryRejection>,
) -> Response {
    let ticket = link.map(|Query(link)| link.ticket).unwrap_or_default();
    match edge.sign_in.redeem(&ticket, &edge.accounts).await {
        Ok(Some(cookie)) => {
            (AppendHeaders([(header::SET_COOKIE, cookie.set())]), Redirect::to("/")).into_response()
        }
        Ok(None) if is_signed_in(&edge, &headers).await => Notice::says(
            StatusCode::FORBIDDEN,
            "This sign-in link has been used",
            "Each link works once. You are signed in already, so there is nothing more to do.",
        )
        .into_response(),
        Ok(None) => Notice::says(
            StatusCode::FORBIDDEN,
            "This sign-in link does not work",
            "Each link works once, and only while the server that printed it runs. Start the server again: it \
             prints a new one.",
        )
        .into_response(),
        Err(problem) => problem_page(&problem),
    }
}

/// Looking at the link without opening it, as mail and chat programs do, leaves the ticket alone.
pub(super) async fn look() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Act as somebody from now on.
pub(super) async fn act<E: Executor>(
    State(edge): State<Edge<E>>,
    headers: HeaderMap,
    form: Result<Form<Chosen>, FormRejection>,
) -> Response {
    let Ok(Form(chosen)) = form else {
        return Notice::says(
            StatusCode::BAD_REQUEST,
            "The form could not be read",
            "Nothing was changed. Go back and send it again.",
        )
        .into_response();
    };
    let acting = Acting::typed(&chosen.role, &chosen.name, &chosen.partner);
    let outcome = match acting {
        Ok(acting) => edge.sign_in.act(&headers, acting, &edge.accounts).await,
        Err(problem) => match edge.sign_in.identify(&headers, &edge.accounts).await {
            Ok(identity) if identity.is_signed_in() => {
                return desk(&edge, &headers, &identity, Some((chosen, problem)));
            }
            Ok(_) => Err(Problem::NotSignedIn),
            Err(problem) => Err(problem),
        },
    };
    match outcome {
        Ok(()) => Redirect::to("/").into_response(),
        Err(problem) => problem_page(&problem),
    }
}

/// End the session.
pub(super) async fn sign_out<E: Executor>(State(edge): State<Edge<E>>, headers: HeaderMap) -> Response {
    edge.sign_in.sign_out(&headers);
    let page = Notice::says(
        StatusCode::OK,
        "You have signed out",
        "To sign in again, start the server again: it prints a new link.",
    );
    (AppendHeaders([(header::SET_COOKIE, SessionCookie::clear())]), page).into_response()
}

/// Where signing out leads when it is opened like a page.
pub(super) async fn first_page() -> Redirect {
    Redirect::to("/")
}

async fn is_signed_in<E: Executor>(edge: &Edge<E>, headers: &HeaderMap) -> bool {
    edge.sign_in.identify(headers, &edge.accounts).await.is_ok_and(|identity| identity.is_signed_in())
}

/// The page for a sign-in problem.
pub(super) fn problem_page(problem: &Problem) -> Response {
    let title = match problem {
        Problem::Ended => "You have been signed out",
        Problem::NotSignedIn => "You are not signed in",
        Problem::Token | Problem::Acting(_) => "This request could not be taken",
        Problem::Broken(cause) => {
            tracing::error!(%cause, "the accounts did not answer");
            "Something went wrong"
        }
    };
    let is_over = matches!(problem, Problem::Ended);
    let page = Notice::says(status_of(problem), title, problem.to_string());
    if is_over {
        return (AppendHeaders([(header::SET_COOKIE, SessionCookie::clear())]), page).into_response();
    }
    page.into_response()
}
