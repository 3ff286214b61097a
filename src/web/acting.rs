//! Whom you act as, whom else you could, and the way to the API: the desk of the development mode, where that is anybody,
//! and your roles where a provider says which you have.

use async_graphql::Executor;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::frame::Frame;
use super::notices::Notice;
use super::show::broken;
use super::sign_in::ways;
use super::templates::TEMPLATES;
use super::{Edge, problem_page};
use crate::auth::{
    ActingProblem, Capacity, Development, Identity, Name, Problem, Provider, Role, SignIn, Use, place,
};

/// The form for acting as somebody, as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    pub role: String,
    pub name: String,
    pub partner: String,
    /// Where to go then.
    pub next: String,
}

impl From<&Identity> for Chosen {
    fn from(identity: &Identity) -> Self {
        Self {
            role: identity.role.name().to_owned(),
            name: identity.name.clone(),
            partner: identity.partner.map(|partner| partner.to_string()).unwrap_or_default(),
            next: String::new(),
        }
    }
}

/// What follows the question mark.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    next: String,
}

/// Show the desk to whoever asks.
pub(super) async fn show<E: Executor>(
    State(edge): State<Edge<E>>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let next = asked.map(|Query(asked)| asked.next).unwrap_or_default();
    match (edge.sign_in.identify(&headers, Use::Read, &edge.accounts).await, &edge.sign_in) {
        (Ok(identity), SignIn::Development(development)) => {
            desk(&edge, development, &headers, &identity, None)
        }
        (Ok(identity), SignIn::Provider(provider)) if identity.is_signed_in() => {
            roles(&edge, provider, &headers, &identity, &next).await
        }
        (Ok(_), SignIn::Provider(_)) => Notice::SignIn { next: "/acting".to_owned() }.into_response(),
        // A cookie of an earlier run is no mistake of the reader's: take it away and show what anybody sees.
        (Err(Problem::Ended), SignIn::Development(development)) => {
            let page = desk(&edge, development, &headers, &Identity::public(), None);
            (AppendHeaders([(header::SET_COOKIE, edge.sign_in.clear_session())]), page).into_response()
        }
        (Err(problem), _) => problem_page(&edge.sign_in, &problem),
    }
}

/// The desk, with what was typed and what is wrong with it when the form came back.
pub(super) fn desk<E: Executor>(
    edge: &Edge<E>,
    development: &Development,
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
    let token = if who.is_signed_in() { development.token() } else { "<token>" };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let Frame { viewer, menu } = match edge.pages() {
        Ok(pages) => Frame::of(&pages, who, "/acting"),
        Err(faulty) => return broken(&faulty),
    };
    let around = json!({
        "viewer": viewer, "menu": menu, "said": null, "sign_in": ways(&edge.sign_in, "/"),
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

/// The roles that somebody's account has, and the one they act in.
async fn roles<E: Executor>(
    edge: &Edge<E>,
    provider: &Provider,
    headers: &HeaderMap,
    who: &Identity,
    next: &str,
) -> Response {
    // A script with a token has no session to choose for: it has the one role it asked for.
    let now = Capacity { role: who.role, partner: who.partner };
    let choices = provider.choices(headers, &edge.accounts).await.unwrap_or_else(|_| vec![now]);
    let items = choices.iter().map(|choice| {
        let partner =
            choice.partner.map(|partner| format!(", for the partner {partner}")).unwrap_or_default();
        json!({ "value": choice.to_string(), "text": format!("{}{partner}", choice.role.words()) })
    });
    let Frame { viewer, menu } = match edge.pages() {
        Ok(pages) => Frame::of(&pages, who, "/acting"),
        Err(faulty) => return broken(&faulty),
    };
    let around = json!({
        "viewer": viewer, "menu": menu, "said": null, "sign_in": ways(&edge.sign_in, "/"),
        "chosen": now.to_string(),
        "choices": items.collect::<Vec<_>>(),
        "next": place(next),
        "address": provider.settings().public_url(),
        "issuer": provider.settings().issuer(),
    });
    match TEMPLATES.render("roles.html", json!({}), around) {
        Ok(html) => Html(html).into_response(),
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
