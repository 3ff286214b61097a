//! Signing in, by the provider or by the printed link; choosing what to act as; and signing out.

use async_graphql::Executor;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::acting::{Chosen, desk};
use super::notices::Notice;
use super::{Edge, status_of};
use crate::auth::{Acting, Back, Development, Problem, Provider, SignIn, Use, place};

/// The query string of a sign-in link: the development mode's has a ticket, any other may say where to go then.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Link {
    ticket: String,
    next: String,
}

/// How people sign in here, as templates know it; `next` is where they then go.
pub(super) fn ways(sign_in: &SignIn, next: &str) -> Value {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    match sign_in {
        SignIn::Development(_) => json!({ "is_development": true, "address": "/acting" }),
        SignIn::Provider(_) => json!({ "is_development": false, "address": format!("/sign-in?next={next}") }),
    }
}

/// Begin to sign in: go to the provider, or redeem the printed link.
pub(super) async fn begin<E: Executor>(
    State(edge): State<Edge<E>>,
    headers: HeaderMap,
    link: Result<Query<Link>, QueryRejection>,
) -> Response {
    let link = link.map(|Query(link)| link).unwrap_or_default();
    match &edge.sign_in {
        SignIn::Development(development) => redeem(&edge, development, &headers, &link.ticket).await,
        SignIn::Provider(provider) => match provider.begin(&link.next, &edge.accounts).await {
            Ok(begun) => (AppendHeaders([(header::SET_COOKIE, begun.cookie)]), Redirect::to(&begun.address))
                .into_response(),
            Err(problem) => problem_page(&edge.sign_in, &problem),
        },
    }
}

/// Where the provider sends people back to.
pub(super) async fn back<E: Executor>(
    State(edge): State<Edge<E>>,
    headers: HeaderMap,
    back: Result<Query<Back>, QueryRejection>,
) -> Response {
    let SignIn::Provider(provider) = &edge.sign_in else { return Notice::NothingHere.into_response() };
    let back = back.map(|Query(back)| back).unwrap_or_default();
    match provider.finish(&back, &headers, &edge.accounts).await {
        Ok(finished) => {
            let way = if finished.may_choose {
                let next: String = form_urlencoded::byte_serialize(finished.next.as_bytes()).collect();
                format!("/acting?next={next}")
            } else {
                finished.next
            };
            let cookies = finished.cookies.map(|cookie| (header::SET_COOKIE, cookie));
            (AppendHeaders(cookies), Redirect::to(&way)).into_response()
        }
        // The provider knows this account and would bring it back: another one begins by signing out there.
        Err(Problem::NoCapacity(problem)) => {
            let (title, sentence) = (NO_CAPACITY, problem.to_string());
            let (status, way_out) = (StatusCode::FORBIDDEN, provider.way_out().await);
            Notice::NotSignedIn { status, title, sentence, way_out }.into_response()
        }
        Err(problem) => problem_page(&edge.sign_in, &problem),
    }
}

/// The heading for somebody whose account has no role here.
const NO_CAPACITY: &str = "Your account cannot be used here";

/// Exchange the link's ticket for a session.
async fn redeem<E: Executor>(
    edge: &Edge<E>,
    development: &Development,
    headers: &HeaderMap,
    ticket: &str,
) -> Response {
    match development.redeem(ticket, &edge.accounts).await {
        Ok(Some(cookie)) => {
            (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/")).into_response()
        }
        Ok(None) if is_signed_in(edge, headers).await => Notice::says(
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
        Err(problem) => problem_page(&edge.sign_in, &problem),
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
    match &edge.sign_in {
        SignIn::Development(development) => act_as_anybody(&edge, development, &headers, chosen).await,
        SignIn::Provider(provider) => act_as_oneself(&edge, provider, &headers, &chosen).await,
    }
}

async fn act_as_anybody<E: Executor>(
    edge: &Edge<E>,
    development: &Development,
    headers: &HeaderMap,
    chosen: Chosen,
) -> Response {
    let acting = Acting::typed(&chosen.role, &chosen.name, &chosen.partner);
    let outcome = match acting {
        Ok(acting) => development.act(headers, acting, &edge.accounts).await,
        Err(problem) => match development.identify(headers, &edge.accounts).await {
            Ok(identity) if identity.is_signed_in() => {
                return desk(edge, development, headers, &identity, Some((chosen, problem)));
            }
            Ok(_) => Err(Problem::NotSignedIn),
            Err(problem) => Err(problem),
        },
    };
    match outcome {
        Ok(()) => Redirect::to("/").into_response(),
        Err(problem) => problem_page(&edge.sign_in, &problem),
    }
}

async fn act_as_oneself<E: Executor>(
    edge: &Edge<E>,
    provider: &Provider,
    headers: &HeaderMap,
    chosen: &Chosen,
) -> Response {
    match provider.act(headers, &chosen.role, &edge.accounts).await {
        Ok(()) => Redirect::to(place(&chosen.next)).into_response(),
        Err(problem) => problem_page(&edge.sign_in, &problem),
    }
}

/// End the session. The page it leads to goes nowhere by itself.
pub(super) async fn sign_out<E: Executor>(State(edge): State<Edge<E>>, headers: HeaderMap) -> Response {
    if let Err(problem) = edge.sign_in.sign_out(&headers, &edge.accounts).await {
        return problem_page(&edge.sign_in, &problem);
    }
    let way_out = match &edge.sign_in {
        SignIn::Development(_) => None,
        SignIn::Provider(provider) => provider.way_out().await,
    };
    (AppendHeaders([(header::SET_COOKIE, edge.sign_in.clear_session())]), Notice::SignedOut { way_out })
        .into_response()
}

/// Where signing out leads when it is opened like a page.
pub(super) async fn first_page() -> Redirect {
    Redirect::to("/")
}

async fn is_signed_in<E: Executor>(edge: &Edge<E>, headers: &HeaderMap) -> bool {
    let who = edge.sign_in.identify(headers, Use::Read, &edge.accounts).await;
    who.is_ok_and(|identity| identity.is_signed_in())
}

/// The page for a sign-in problem.
pub(super) fn problem_page(sign_in: &SignIn, problem: &Problem) -> Response {
    let (status, sentence) = (status_of(problem), problem.to_string());
    let title = match problem {
        Problem::Ended => "You have been signed out",
        Problem::NotSignedIn => "You are not signed in",
        Problem::Attempt | Problem::Declined | Problem::Unproven => "You have not been signed in",
        Problem::NoCapacity(_) => NO_CAPACITY,
        Problem::Away => "The sign-in service does not answer",
        Problem::NotYours | Problem::WhichRole => "You cannot act in that role",
        Problem::Token | Problem::Refused(_) | Problem::Scope(_) | Problem::Acting(_) => {
            "This request could not be taken"
        }
        Problem::Broken(cause) => {
            tracing::error!(%cause, "the accounts did not answer");
            "Something went wrong"
        }
    };
    let may_sign_in = matches!(
        problem,
        Problem::Ended
            | Problem::NotSignedIn
            | Problem::Attempt
            | Problem::Declined
            | Problem::Unproven
            | Problem::NoCapacity(_)
            | Problem::Away
    );
    let page = if may_sign_in {
        Notice::NotSignedIn { status, title, sentence, way_out: None }
    } else {
        Notice::says(status, title, sentence)
    };
    if matches!(problem, Problem::Ended) {
        return (AppendHeaders([(header::SET_COOKIE, sign_in.clear_session())]), page).into_response();
    }
    page.into_response()
}
