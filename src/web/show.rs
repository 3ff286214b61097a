//! Showing a page and taking its form: run the document as the viewer, draw the template with what it answered.

use std::collections::BTreeMap;

use async_graphql::{Executor, Request, ServerError, Variables};
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::frame::Frame;
use super::notices::Notice;
use super::pages::{Operation, Page, Pages};
use super::sent;
use super::shapes::SHAPES;
use super::sign_in::ways;
use super::table;
use super::templates::TEMPLATES;
use super::typed::{Mistake, NEEDED, Typed};
use super::{Edge, problem_page};
use crate::auth::{Identity, Problem, SignIn, Use};
use crate::graphql::{deeds, may};

/// The variables by which pages are asked for as they stood: after an event, or on a day.
const LOOKING_BACK: [&str; 2] = ["event", "knownOn"];

/// What one request asks of a page.
pub(super) struct Asked<'p> {
    pub pages: &'p Pages,
    pub page: &'p Page,
    pub who: Identity,
    /// What its frame shows of them.
    pub frame: Frame,
    /// The address, without what follows its question mark.
    pub path: String,
    /// What stands in the address and after its question mark.
    pub query: Typed,
    /// What stands in the address alone.
    pub parts: Vec<(String, String)>,
}

/// What a form holds when its page is drawn.
#[derive(Default)]
struct Filled {
    typed: Typed,
    mistakes: Vec<Mistake>,
    is_checking: bool,
    /// What was typed as the mutation takes it, when it is looked over: the query may ask about it.
    input: Value,
    /// What the mutation answered, where that is to be read.
    shown: Option<Value>,
}

/// Why there is nothing to draw of a page.
pub(super) enum Unseen {
    /// There is no such thing.
    Nothing,
    /// The API said no.
    Refused(Vec<ServerError>),
}

impl IntoResponse for Unseen {
    fn into_response(self) -> Response {
        match self {
            Self::Nothing => Notice::NothingHere.into_response(),
            Self::Refused(errors) => failed(&errors),
        }
    }
}

/// Answer for any address that is a page.
pub(super) async fn page<E: Executor>(
    State(edge): State<Edge<E>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let pages = match edge.pages() {
        Ok(pages) => pages,
        Err(faulty) => return broken(&faulty),
    };
    let (path, is_csv) = match uri.path().strip_suffix(".csv") {
        Some(path) => (path, true),
        None => (uri.path(), false),
    };
    let found = pages.at(path).filter(|(page, _)| !is_csv || page.csv.is_some());
    let is_sent = method == Method::POST;
    let to = if is_sent && found.is_some() { Use::Write } else { Use::Read };
    let (who, has_ended) = match edge.sign_in.identify(&headers, to, &edge.accounts).await {
        Ok(who) => (who, false),
        Err(Problem::Ended) => (Identity::public(), true),
        Err(problem) => return problem_page(&edge.sign_in, &problem),
    };
    let frame = Frame::of(&pages, &who, path);
    let mut response = match found {
        Some((page, parts)) => {
            let mut query = Typed::read(uri.query().unwrap_or_default().as_bytes());
            query.0.extend(parts.iter().cloned());
            let asked =
                Asked { pages: &pages, page, who, frame: frame.clone(), path: path.to_owned(), query, parts };
            answer(&edge, &asked, &method, &uri, is_csv, typed_in(&edge, &headers, body).await).await
        }
        None => Notice::NothingHere.into_response(),
    };
    response.extensions_mut().insert(frame);
    if has_ended {
        (AppendHeaders([(header::SET_COOKIE, edge.sign_in.clear_session())]), response).into_response()
    } else {
        response
    }
}

/// What a form sent, or why it cannot be taken.
async fn typed_in<E: Executor>(
    edge: &Edge<E>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Typed, Response> {
    match body {
        Ok(body) => sent::read(headers, body).await.map_err(IntoResponse::into_response),
        Err(rejection) => Err(sent::not_taken(rejection.status(), edge.limits.graphql_bytes)),
    }
}

/// Show the page, or take what was sent to it, for whoever may.
async fn answer<E: Executor>(
    edge: &Edge<E>,
    asked: &Asked<'_>,
    method: &Method,
    uri: &Uri,
    is_csv: bool,
    typed: Result<Typed, Response>,
) -> Response {
    let typed = match typed {
        Ok(typed) => typed,
        Err(response) => return response,
    };
    let may_open = asked.page.may_open(&asked.who);
    match *method {
        Method::POST if !may_open && !asked.who.is_signed_in() => signed_out(&edge.sign_in, asked, &typed),
        _ if !may_open && !asked.who.is_signed_in() => {
            Notice::SignIn { next: uri.to_string() }.into_response()
        }
        _ if !may_open => Notice::NotForYou { role: asked.who.role.words() }.into_response(),
        Method::GET | Method::HEAD if is_csv => table::file(edge, asked).await,
        Method::GET | Method::HEAD => draw(edge, asked, Filled::default(), StatusCode::OK).await,
        Method::POST if asked.page.mutation.is_some() => send(edge, asked, typed).await,
        _ => (StatusCode::METHOD_NOT_ALLOWED, Notice::NothingHere).into_response(),
    }
}

impl Asked<'_> {
    /// Run one of the page's operations as the viewer.
    pub(super) async fn run<E: Executor>(
        &self,
        edge: &Edge<E>,
        operation: &Operation,
        mut variables: Map<String, Value>,
    ) -> Result<Value, Vec<ServerError>> {
        for (name, _) in &operation.variables {
            if let Some(field) = name.strip_prefix("may") {
                let mut letters = field.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                let field: String = first.into_iter().chain(letters).collect();
                variables.insert(name.to_string(), json!(may(&self.who, &field)));
            }
        }
        let mut request = Request::new(&self.page.document)
            .variables(Variables::from_json(Value::Object(variables)))
            .data(self.who.clone());
        if let Some(name) = &operation.name {
            request = request.operation_name(name);
        }
        let answer = edge.schema.execute(request).await;
        if !answer.errors.is_empty() {
            return Err(answer.errors);
        }
        answer.data.into_json().map_err(|cause| vec![ServerError::new(cause.to_string(), None)])
    }

    /// What the viewer may do here, by the names of the API. The past is only looked at: a page that is asked for as it
    /// stood leads to no form.
    fn may(&self) -> BTreeMap<&'static str, bool> {
        let mut may = deeds(&self.who);
        if LOOKING_BACK.iter().any(|name| self.query.last(name).is_some_and(|typed| !typed.is_empty())) {
            for field in self.pages.commands() {
                if let Some(may) = may.get_mut(field) {
                    *may = false;
                }
            }
        }
        may
    }

    /// Run the page's query with what stands in the address.
    pub(super) async fn look<E: Executor>(
        &self,
        edge: &Edge<E>,
        more: &[(&str, Value)],
    ) -> Result<(Value, Vec<Mistake>), Unseen> {
        let Some(query) = &self.page.query else { return Ok((json!({}), Vec::new())) };
        let declared = query.variables.iter().map(|(name, ty)| (name, ty));
        let (mut variables, mut mistakes) = self.query.variables(declared, &SHAPES);
        // What the query must have and the address does not give is no mistake of the reader's.
        let was_typed = |name: &str| {
            let is_of = |typed: &str| {
                typed.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            self.query.0.iter().any(|(typed, text)| is_of(typed) && !text.is_empty())
        };
        mistakes.retain(|mistake| was_typed(&mistake.name));
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let is_wrong = |(name, _): &(String, String)| mistakes.iter().any(|mistake| mistake.name == *name);
        if self.parts.iter().any(is_wrong) {
            return Err(Unseen::Nothing);
        }
        let is_id = |(name, part): &(String, String)| {
            let is_one =
                query.variables.iter().any(|(known, ty)| known == name.as_str() && ty.to_string() == "UUID!");
            !is_one || uuid::Uuid::try_parse(part).is_ok()
        };
        if !self.parts.iter().all(is_id) {
            return Err(Unseen::Nothing);
        }
        let data = self.run(edge, query, variables).await.map_err(Unseen::Refused)?;
        if self.page.found.iter().any(|place| at(&data, place).is_none_or(Value::is_null)) {
            return Err(Unseen::Nothing);
        }
        Ok((data, mistakes))
    }
}

impl Asked<'_> {
    /// What the query is asked about a form that is looked over: `$isChecking`, and the variables that are named as fields
    /// of the mutation's input.
    fn checking(&self, filled: &Filled) -> Vec<(&str, Value)> {
        let declared = self.page.query.iter().flat_map(|query| &query.variables);
        let mut asked = Vec::new();
        for (name, _) in declared {
            if name == "isChecking" {
                asked.push((name.as_str(), json!(filled.is_checking)));
            } else if let Some(typed) = filled.input.get(name.as_str()) {
                asked.push((name.as_str(), typed.clone()));
            }
        }
        asked
    }
}

/// The status of a page with mistakes: a fault of ours stays one.
fn unprocessable(status: StatusCode) -> StatusCode {
    if status.is_server_error() { status } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// A value inside a JSON value, by its dotted place.
pub(super) fn at<'v>(value: &'v Value, place: &str) -> Option<&'v Value> {
    place.split('.').try_fold(value, |value, step| match step.parse::<usize>() {
        Ok(line) => value.get(line),
        Err(_) => value.get(step),
    })
}

/// Draw the page.
async fn draw<E: Executor>(
    edge: &Edge<E>,
    asked: &Asked<'_>,
    mut filled: Filled,
    status: StatusCode,
) -> Response {
    let looked = match asked.look(edge, &asked.checking(&filled)).await {
        // What the API says to what is looked over is about what was typed.
        Err(Unseen::Refused(errors)) if filled.is_checking => {
            filled.mistakes = errors.iter().flat_map(mistakes_of).collect();
            filled.is_checking = false;
            asked.look(edge, &asked.checking(&filled)).await
        }
        looked => looked,
    };
    let (data, mut mistakes) = match looked {
        Ok(found) => found,
        Err(unseen) => return unseen.into_response(),
    };
    let status =
        if mistakes.is_empty() && filled.mistakes.is_empty() { status } else { unprocessable(status) };
    mistakes.extend(filled.mistakes);
    let wrong: BTreeMap<&str, &str> =
        mistakes.iter().rev().map(|one| (one.name.as_str(), one.message.as_str())).collect();
    let command = filled.typed.last("input.commandId").map(str::to_owned);
    let typed = if filled.typed.0.is_empty() { &asked.query } else { &filled.typed };
    let said =
        asked.query.last("said").and_then(|name| asked.pages.named(name)).and_then(|page| page.said.as_ref());
    let around = json!({
        "page": { "name": asked.page.name, "path": asked.path, "has_csv": asked.page.csv.is_some(),
                  "query": asked.query.0.iter().filter(|one| !asked.parts.contains(one)).collect::<Vec<_>>() },
        "form": { "values": typed.as_values(), "mistakes": mistakes, "wrong": wrong,
                  "is_checking": filled.is_checking,
                  "command": command.unwrap_or_else(|| edge.sign_in.new_id().to_string()) },
        "viewer": asked.frame.viewer,
        "sign_in": ways(&edge.sign_in, &asked.path),
        "menu": asked.frame.menu,
        "said": said,
        "shown": filled.shown,
        "may": asked.may(),
    });
    match TEMPLATES.render(&format!("pages/{}.html", asked.page.name), data, around) {
        Ok(html) => (status, Html(html)).into_response(),
        Err(undrawn) => broken(&undrawn),
    }
}

/// Take what was sent: have it looked over once more, or carry it out and lead on.
async fn send<E: Executor>(edge: &Edge<E>, asked: &Asked<'_>, mut typed: Typed) -> Response {
    let Some(mutation) = &asked.page.mutation else { return Notice::NothingHere.into_response() };
    for (name, part) in &asked.parts {
        let name = format!("input.{name}");
        if typed.last(&name).is_none() {
            typed.0.push((name, part.clone()));
        }
    }
    let step = typed.last("_step").unwrap_or_default().to_owned();
    let unfilled = typed.unfilled();
    typed.0.retain(|(name, _)| name != "_step" && name != NEEDED);
    if step == "change" {
        return draw(edge, asked, Filled { typed, ..Filled::default() }, StatusCode::OK).await;
    }
    let declared = mutation.variables.iter().map(|(name, ty)| (name, ty));
    let (variables, mut mistakes) = typed.variables(declared, &SHAPES);
    mistakes.extend(unfilled);
    if !mistakes.is_empty() {
        let filled = Filled { typed, mistakes, ..Filled::default() };
        return draw(edge, asked, filled, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    if step == "check" {
        let input = variables.get("input").cloned().unwrap_or_default();
        let filled = Filled { typed, mistakes, is_checking: true, input, ..Filled::default() };
        return draw(edge, asked, filled, StatusCode::OK).await;
    }
    match asked.run(edge, mutation, variables).await {
        Ok(answer) => match &asked.page.gives {
            Some(gives) => table::given(gives, &answer),
            None if asked.page.shows => {
                let filled = Filled { typed, shown: Some(answer), ..Filled::default() };
                draw(edge, asked, filled, StatusCode::OK).await
            }
            None => lead_on(asked, &typed, &answer),
        },
        Err(errors) => {
            let mistakes: Vec<Mistake> = errors.iter().flat_map(mistakes_of).collect();
            let is_ours = mistakes.iter().any(|one| one.code == "broken");
            let status =
                if is_ours { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::UNPROCESSABLE_ENTITY };
            draw(edge, asked, Filled { typed, mistakes, ..Filled::default() }, status).await
        }
    }
}

/// Go where the form leads, and say there what was done.
fn lead_on(asked: &Asked<'_>, typed: &Typed, answer: &Value) -> Response {
    let mut way = asked.page.then.clone().unwrap_or_else(|| "/".to_owned());
    while let Some((before, rest)) = way.split_once('{') {
        let Some((place, after)) = rest.split_once('}') else { break };
        let answered = at(answer, place).and_then(Value::as_str);
        let found = answered
            .or_else(|| typed.last(&format!("input.{place}")))
            .or_else(|| asked.query.last(place))
            .unwrap_or_default();
        way = format!("{before}{found}{after}");
    }
    if asked.page.said.is_some() {
        let (way_there, place) =
            way.split_once('#').map_or((way.as_str(), None), |(way, place)| (way, Some(place)));
        let mark = if way_there.contains('?') { '&' } else { '?' };
        let place = place.map(|place| format!("#{place}")).unwrap_or_default();
        way = format!("{way_there}{mark}said={}{place}", asked.page.name);
    }
    Redirect::to(&way).into_response()
}

/// What the API said no to, by the fields of the form.
fn mistakes_of(error: &ServerError) -> Vec<Mistake> {
    let extensions = error.extensions.as_ref();
    let told = extensions.and_then(|all| serde_json::to_value(all).ok()).unwrap_or_default();
    let code = told["code"].as_str().unwrap_or("form.unreadable").to_owned();
    let problems = told["problems"].as_array().cloned().unwrap_or_default();
    if problems.is_empty() {
        return vec![Mistake { name: String::new(), code, message: error.message.clone() }];
    }
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    let named = |problem: &Value| Mistake {
        name: format!("input.{}", text(problem, "field")),
        code: text(problem, "code"),
        message: text(problem, "message"),
    };
    problems.iter().map(named).collect()
}

/// What a query that failed comes to: no such thing, not for you, a value nobody offers, or a fault of ours.
fn failed(errors: &[ServerError]) -> Response {
    let mistakes: Vec<Mistake> = errors.iter().flat_map(mistakes_of).collect();
    let is = |code: &str| mistakes.iter().any(|one| one.code == code);
    if is("not_found") {
        return Notice::NothingHere.into_response();
    }
    if is("broken") || is("form.unreadable") {
        tracing::error!(?errors, "a page's document failed");
        return Notice::Broken.into_response();
    }
    let sentence = mistakes.into_iter().map(|one| one.message).collect::<Vec<_>>().join(" ");
    if errors.iter().flat_map(mistakes_of).any(|one| one.code == "forbidden") {
        return Notice::Forbidden { sentence }.into_response();
    }
    Notice::Unreadable { sentence }.into_response()
}

/// A form that came after the session ended: nothing was sent, and nothing typed is lost.
fn signed_out(sign_in: &SignIn, asked: &Asked<'_>, typed: &Typed) -> Response {
    let around = json!({ "page": { "path": asked.path }, "typed": typed.0, "viewer": asked.frame.viewer,
                         "sign_in": ways(sign_in, &asked.path), "menu": asked.frame.menu, "said": null });
    match TEMPLATES.render("signed_out.html", json!({}), around) {
        Ok(html) => (StatusCode::UNAUTHORIZED, Html(html)).into_response(),
        Err(undrawn) => broken(&undrawn),
    }
}

/// A fault of ours: told to the log in full, to the reader as what to do.
pub(super) fn broken(cause: &dyn std::error::Error) -> Response {
    tracing::error!(%cause, "a page could not be shown");
    Notice::Broken.into_response()
}
