//! The desk of the development mode: whom you act as, whom else you could, and the way to the API.

use async_graphql::Executor;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::show::{broken, viewer};
use super::templates::TEMPLATES;
use super::{Edge, problem_page};
use crate::auth::{ActingProblem, Identity, Name, Problem, Role, SessionCookie};

/// The form for acting as somebody, as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    pub role: String,
    pub name: String,
    pub partner: String,
}

impl From<&Identity> for Chosen {
    fn from(identity: &Identity) -> Self {
        Self {
            role: identity.role.name().to_owned(),
            name: identity.name.clone(),
            partner: identity.partner.map(|partner| partner.to_string()).unwrap_or_default(),
        }
    }
}

/// Show the desk to whoever asks.
pub(super) async fn show<E: Executor>(State(edge): State<Edge<E>>, headers: HeaderMap) -> Response {
    match edge.sign_in.identify(&headers, &edge.accounts).await {
        Ok(identity) => desk(&edge, &headers, &identity, None),
        // A cookie of an earlier run is no mistake of the reader's: take it away and show what anybody sees.
        Err(Problem::Ended) => {
            let page = desk(&edge, &headers, &Identity::public(), None);
            (AppendHeaders([(header::SET_COOKIE, SessionCookie::clear())]), page).into_response()
        }
        Err(problem) => problem_page(&problem),
    }
}

/// The desk, with what was typed and what is wrong with it when the form came back.
pub(super) fn desk<E: Executor>(
    edge: &Edge<E>,
    headers: &HeaderMap,
    who: &Identity,
    mistake: Option<(Chosen, ActingProblem)>,
) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let (chosen, problem) =
        mistake.map_or_else(|| (Chosen::from(who), None), |(chosen, problem)| (chosen, Some(problem)));
    let mistakes: Vec<_> =
        problem.iter().map(|one| json!({ "name": field_of(one), "message": one.to_string() })).collect();
    let roles = Role::ALL.map(|role| json!({ "value": role.name(), "text": role.words() }));
    let token = if who.is_signed_in() { edge.sign_in.token() } else { "<token>" };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let around = json!({
        "viewer": viewer(who), "menu": [], "said": null,
        "chosen": { "name": chosen.name, "role": chosen.role, "partner": chosen.partner },
        "mistakes": mistakes,
        "wrong": problem.iter().map(|one| (field_of(one), one.to_string())).collect::<std::collections::BTreeMap<_, _>>(),
        "roles": roles.as_slice(),
        "longest": Name::LONGEST,
        "host": host,
        "token": token,
    });
    match TEMPLATES.render("acting.html", json!({}), around) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(undrawn) => broken(&undrawn),
    }
}

const fn field_of(problem: &ActingProblem) -> &'static str {
    match problem {
        ActingProblem::Name(_) => "name",
        ActingProblem::RoleUnknown => "role",
        ActingProblem::PartnerRequired(_) | ActingProblem::PartnerUnreadable => "partner",
    }
}
