//! The feed over HTTP, as `docs/feed.md` describes it: pages of CloudEvents that link to the next, and a stream of
//! server-sent events. Both run one GraphQL document as whoever asks, so that nobody is told more here than there.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use async_graphql::{Executor, Request, ServerError, Value, Variables};
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use tokio::sync::watch;

use super::{Answer, Edge, failure};
use crate::auth::{Identity, Use};

/// What both run.
const DOCUMENT: &str =
    "query Feed($after: Int, $first: Int) { eventFeed(after: $after, first: $first) { index cloudEvent } }";
/// How many events a page has when nothing is said, and a look of the stream.
const USUAL: i64 = 500;
/// How long a stream waits before it looks again, once it has told all there is.
const PAUSE: Duration = Duration::from_millis(500);
/// After how long a silence a comment says that the stream is still there.
const SILENCE: Duration = Duration::from_secs(15);
/// How often a stream looks before it ends. Whoever follows comes back by itself, and is asked anew who they are.
const LOOKS: u32 = 600;

/// Told when the server ends, as a layer of the router: streams end then as well, and whoever follows comes back.
#[derive(Clone)]
pub struct Stopping(pub watch::Receiver<()>);

impl Stopping {
    /// Until the server ends; for ever where nobody will say so.
    async fn told(stopping: Option<&mut Self>) {
        match stopping {
            // Either way it ends: told to, or with whoever would have told it.
            Some(Self(stopping)) => drop(stopping.changed().await),
            None => std::future::pending().await,
        }
    }
}

/// Where in the feed, as asked for in the address; words, so that what cannot be read is answered in ours.
#[derive(serde::Deserialize)]
pub(super) struct Place {
    after: Option<String>,
    limit: Option<String>,
}

/// A part of the feed: position and CloudEvent of each entry.
type Part = Vec<(i64, String)>;

/// A number as typed, where there is one; or the sentence that says it is none.
fn number(name: &str, typed: Option<&str>) -> Result<Option<i64>, String> {
    let read = typed.map(|typed| typed.trim().parse().map_err(|_| typed)).transpose();
    read.map_err(|typed| format!("{name} must be a whole number, and \"{typed}\" is none."))
}

fn unreadable(sentence: String) -> Response {
    failure(StatusCode::BAD_REQUEST, "feed.unreadable", &sentence)
}

/// Look at the feed as somebody.
async fn look<E: Executor>(
    edge: &Edge<E>,
    who: &Identity,
    after: Option<i64>,
    limit: i64,
) -> Result<Part, Response> {
    let variables = Variables::from_json(json!({ "after": after, "first": limit }));
    let answer = edge.schema.execute(Request::new(DOCUMENT).variables(variables).data(who.clone())).await;
    if let Some(error) = answer.errors.first() {
        return Err(turned_down(error, who));
    }
    read(answer.data).ok_or_else(|| {
        tracing::error!("the feed’s document was answered in another form");
        failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "broken",
            "Something went wrong here. Try again in a moment.",
        )
    })
}

/// The entries of an answer.
fn read(data: Value) -> Option<Part> {
    let Value::Object(mut data) = data else { return None };
    let Some(Value::List(entries)) = data.swap_remove("eventFeed") else { return None };
    let entry = |entry: Value| {
        let Value::Object(mut entry) = entry else { return None };
        match (entry.swap_remove("index"), entry.swap_remove("cloudEvent")) {
            (Some(Value::Number(index)), Some(Value::String(told))) => Some((index.as_i64()?, told)),
            _ => None,
        }
    };
    entries.into_iter().map(entry).collect()
}

/// What the API said no to, as an answer of HTTP.
pub(super) fn turned_down(error: &ServerError, who: &Identity) -> Response {
    let told = error.extensions.as_ref().and_then(|all| serde_json::to_value(all).ok()).unwrap_or_default();
    let code = told["code"].as_str().unwrap_or("broken");
    let status = match code {
        "forbidden" if who.is_signed_in() => StatusCode::FORBIDDEN,
        "forbidden" => StatusCode::UNAUTHORIZED,
        "broken" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response = failure(status, code, &error.message);
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// A page of the feed: a batch of CloudEvents, and where it goes on. An empty one says that this is all so far.
pub(super) async fn page<E: Executor>(
    State(edge): State<Edge<E>>,
    Query(place): Query<Place>,
    headers: HeaderMap,
) -> Response {
    batch(&edge, &place, &headers).await.unwrap_or_else(|turned_down| turned_down)
}

async fn batch<E: Executor>(
    edge: &Edge<E>,
    place: &Place,
    headers: &HeaderMap,
) -> Result<Response, Response> {
    let after = number("after", place.after.as_deref()).map_err(unreadable)?;
    let limit = number("limit", place.limit.as_deref()).map_err(unreadable)?.unwrap_or(USUAL);
    let who = identify(edge, headers).await?;
    let part = look(edge, &who, after, limit).await?;
    let next = match part.last().map(|(index, _)| *index).or(after) {
        Some(index) => format!("/events?after={index}&limit={limit}"),
        None => format!("/events?limit={limit}"),
    };
    let events: Vec<&str> = part.iter().map(|(_, event)| event.as_str()).collect();
    let kind = "application/cloudevents-batch+json; charset=utf-8".to_owned();
    let headers = [(header::CONTENT_TYPE, kind), (header::LINK, format!("<{next}>; rel=\"next\""))];
    Ok((headers, format!("[{}]", events.join(",\n"))).into_response())
}

/// The feed as server-sent events, from where it was left: `Last-Event-ID`, as browsers and libraries send it when
/// they come back, or else `after` of the address.
pub(super) async fn stream<E: Executor>(
    State(edge): State<Edge<E>>,
    Query(place): Query<Place>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
) -> Response {
    let stopping = stopping.map(|Extension(stopping)| stopping);
    followed(edge, &place, stopping, &headers).await.unwrap_or_else(|turned_down| turned_down)
}

async fn followed<E: Executor>(
    edge: Edge<E>,
    place: &Place,
    stopping: Option<Stopping>,
    headers: &HeaderMap,
) -> Result<Response, Response> {
    let left = headers.get("last-event-id").map(|id| id.to_str().unwrap_or("something else"));
    let after = match number("Last-Event-ID", left).map_err(unreadable)? {
        Some(left) => Some(left),
        None => number("after", place.after.as_deref()).map_err(unreadable)?,
    };
    let who = identify(&edge, headers).await?;
    // The first look is before the answer: whoever may not, or followed another log, is told so by its status.
    let ready = look(&edge, &who, after, USUAL).await?.into();
    let follower = Follower { edge, who, after, ready, looks: LOOKS, stopping };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SILENCE)).into_response())
}

/// Who asks.
pub(super) async fn identify<E>(edge: &Edge<E>, headers: &HeaderMap) -> Result<Identity, Response> {
    edge.sign_in
        .identify(headers, Use::Read, &edge.accounts)
        .await
        .map_err(|problem| Answer::from(problem).into_response())
}

/// Somebody who follows the feed.
struct Follower<E> {
    edge: Edge<E>,
    who: Identity,
    after: Option<i64>,
    ready: VecDeque<(i64, String)>,
    looks: u32,
    stopping: Option<Stopping>,
}

impl<E: Executor> Follower<E> {
    /// The next event, as soon as there is one; none where the stream ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((index, told)) = self.ready.pop_front() {
                self.after = Some(index);
                return Some(Event::default().id(index.to_string()).data(told));
            }
            self.looks = self.looks.checked_sub(1)?;
            // What broke is in the log already; whoever follows comes back and is told.
            self.ready = look(&self.edge, &self.who, self.after, USUAL).await.ok()?.into();
            if self.ready.is_empty() {
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = Stopping::told(self.stopping.as_mut()) => return None,
                }
            }
        }
    }
}
