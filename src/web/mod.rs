//! The HTTP edge: the first page, sign-in, the GraphQL endpoint, `GraphiQL`, health, and the guards around them.
//!
//! Pages reach data only by running GraphQL documents; nothing here knows the schema's type.

mod acting;
mod answers;
mod api;
mod assets;
mod bundle;
mod feed;
mod frame;
mod graphiql;
mod guards;
mod icon;
mod notices;
mod pages;
mod sent;
mod shapes;
mod show;
mod sign_in;
mod table;
pub mod templates;
mod typed;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::json;

use crate::auth::{Accounts, SignIn};

pub use feed::Stopping;
pub use graphiql::is_built_in as has_graphiql;

use answers::{Answer, failure, status_of};
pub use pages::Faulty;
use pages::Pages;
use sign_in::problem_page;

/// How much one request may bring.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest GraphQL request, in bytes of its body.
    pub graphql_bytes: usize,
    /// The largest form, in bytes of its body.
    pub form_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { graphql_bytes: 256 * 1024, form_bytes: 16 * 1024 }
    }
}

/// How long the database may take to answer a health check.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);

/// What every handler has at hand.
#[derive(Clone)]
struct Edge<E> {
    schema: E,
    sign_in: SignIn,
    accounts: Accounts,
    limits: Limits,
    pages: Arc<Pages>,
}

impl<E> Edge<E> {
    /// The pages: in debug builds as they stand on disk now, so that whoever writes one sees it at once.
    fn pages(&self) -> Result<Arc<Pages>, Faulty> {
        if cfg!(debug_assertions) { Pages::as_they_stand() } else { Ok(Arc::clone(&self.pages)) }
    }
}

/// The whole edge around a GraphQL schema. It answers only to the names that [`SignIn`] gives it.
///
/// # Errors
/// When a page is written so that it cannot be used.
pub fn router<E: Executor>(
    schema: E,
    sign_in: impl Into<SignIn>,
    accounts: Accounts,
    limits: Limits,
) -> Result<Router, Faulty> {
    let pages = Arc::new(Pages::read()?);
    let sign_in = sign_in.into();
    let form = |handler: MethodRouter<Edge<E>>| handler.layer(DefaultBodyLimit::max(limits.form_bytes));
    let routes = Router::new()
        .route("/sign-in", get(sign_in::begin).head(sign_in::look))
        .route("/sign-in/back", get(sign_in::back).head(sign_in::look))
        .route("/acting", form(post(sign_in::act).get(acting::show)))
        .route("/sign-out", form(post(sign_in::sign_out).get(sign_in::first_page)))
        .route("/graphql", post(api::graphql).fallback(api::only_post))
        .route("/events", get(feed::page))
        .route("/events/stream", get(feed::stream))
        .route("/evidence/bundle.zip", get(bundle::file))
        .route("/evidence/verify.py", get(bundle::verifier))
        .route("/graphiql", get(graphiql::page))
        .route("/graphiql/", get(graphiql::page))
        .route("/graphiql/{*file}", get(graphiql::file))
        .route("/assets/{*file}", get(assets::file))
        .route(icon::PATH, get(icon::show))
        .route("/health", get(health))
        .fallback(show::page)
        .layer(DefaultBodyLimit::max(limits.graphql_bytes))
        .layer(middleware::map_response_with_state(sign_in.clone(), notices::draw))
        .with_state(Edge { schema, sign_in: sign_in.clone(), accounts, limits, pages });
    Ok(guards::around(routes, sign_in))
}

/// Whether the server can do its work: 200 when the database answers, else 503.
async fn health<E: Executor>(State(edge): State<Edge<E>>) -> Response {
    let status = match tokio::time::timeout(HEALTH_PATIENCE, edge.accounts.ping()).await {
        Ok(Ok(())) => return Json(json!({ "status": "ok" })).into_response(),
        Ok(Err(cause)) => {
            tracing::warn!(%cause, "the database does not answer the health check");
            "the database does not answer"
        }
        Err(_) => "the database takes too long to answer",
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": status }))).into_response()
}
