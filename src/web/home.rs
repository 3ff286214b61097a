//! The first page: what this is, whom you act as, and the way to the API.

use std::fmt::Write as _;

use async_graphql::Executor;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;

use super::{Edge, Layout, escaped, problem_page};
use crate::auth::{ActingProblem, Identity, Name, Problem, Role, SessionCookie};

/// The form for acting as somebody, as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chosen {
    pub role: String,
    pub name: String,
    pub partner: String,
}

/// Show the first page to whoever asks.
pub(super) async fn show<E: Executor>(State(edge): State<Edge<E>>, headers: HeaderMap) -> Response {
    match edge.sign_in.identify(&headers, &edge.accounts).await {
        Ok(identity) => home_page(&edge, &headers, &identity, None).into_response(),
        // A cookie of an earlier run is no mistake of the reader's: take it away and show what anybody sees.
        Err(Problem::Ended) => {
            let cookie = AppendHeaders([(header::SET_COOKIE, SessionCookie::clear())]);
            (cookie, home_page(&edge, &headers, &Identity::public(), None)).into_response()
        }
        Err(problem) => problem_page(&problem),
    }
}

/// The first page, with what was typed and what is wrong with it when the form came back.
pub(super) fn home_page<E: Executor>(
    edge: &Edge<E>,
    headers: &HeaderMap,
    identity: &Identity,
    mistake: Option<(Chosen, ActingProblem)>,
) -> Layout {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let mut body = WHAT_THIS_IS.to_owned();
    if identity.is_signed_in() {
        let (chosen, problem) = mistake
            .map_or_else(|| (Chosen::from(identity), None), |(chosen, problem)| (chosen, Some(problem)));
        body += &acting_as(identity);
        body += &acting_form(&chosen, problem.as_ref());
        body += &the_api(host, edge.sign_in.token());
        return Layout {
            status: if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK },
            title: "Side by Side".to_owned(),
            is_error: problem.is_some(),
            above: problem.as_ref().map(error_summary).unwrap_or_default(),
            body,
        };
    }
    body += HOW_TO_SIGN_IN;
    body += &the_api(host, "<token>");
    Layout {
        status: StatusCode::OK,
        title: "Side by Side".to_owned(),
        is_error: false,
        above: String::new(),
        body,
    }
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

const WHAT_THIS_IS: &str = r#"<p class="lead">A shared record for commissioners and community organisations: funds, programmes, small grants, what was promised and what came of it.</p>
<p>Every decision is kept as it was made, with who made it, when and why. Balances, reports and this page are worked out from those decisions and can be worked out again.</p>
"#;

const HOW_TO_SIGN_IN: &str = r#"<section class="card" aria-labelledby="sign-in">
<h2 id="sign-in">Sign in</h2>
<p>You are not signed in: you see what the public sees.</p>
<p>Open the link that the server printed when it started. It holds <code>/sign-in?ticket=</code> and a long code, and works once. If it has been used, start the server again: it prints a new one.</p>
</section>
"#;

/// Who the session acts as now.
fn acting_as(identity: &Identity) -> String {
    let mut rows = String::new();
    let mut row = |key: &str, value: &str| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(rows, "<div><dt>{key}</dt><dd>{}</dd></div>", escaped(value));
    };
    row("Name", &identity.name);
    row("Role", &in_sentence_case(identity.role.words()));
    if let Some(partner) = identity.partner {
        row("Partner", &partner.to_string());
    }
    format!(
        r#"<section class="card" aria-labelledby="acting-as">
<h2 id="acting-as">You are acting as</h2>
<dl class="summary">
{rows}</dl>
<form method="post" action="/sign-out"><button class="secondary">Sign out</button></form>
</section>
"#
    )
}

/// What is wrong with the form, above the heading, leading to the field.
fn error_summary(problem: &ActingProblem) -> String {
    format!(
        r##"<div class="errors" role="alert" aria-labelledby="errors">
<h2 id="errors">There is a problem</h2>
<ul><li><a href="#{field}">{sentence}</a></li></ul>
</div>
"##,
        field = field_of(problem).first_input(),
        sentence = escaped(&problem.to_string()),
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Role,
    Partner,
}

impl Field {
    const fn first_input(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Role => "role-commissioner",
            Self::Partner => "partner",
        }
    }
}

const fn field_of(problem: &ActingProblem) -> Field {
    match problem {
        ActingProblem::Name(_) => Field::Name,
        ActingProblem::RoleUnknown => Field::Role,
        ActingProblem::PartnerRequired(_) | ActingProblem::PartnerUnreadable => Field::Partner,
    }
}

/// The form for acting as somebody else.
fn acting_form(chosen: &Chosen, problem: Option<&ActingProblem>) -> String {
    let error = |field: Field, id: &str| {
        problem.filter(|problem| field_of(problem) == field).map_or_else(String::new, |problem| {
            format!(
                "<p class=\"error\" id=\"{id}\"><span class=\"unseen\">Error: </span>{}</p>\n",
                escaped(&problem.to_string())
            )
        })
    };
    let refers = |error: &str, id: &str| {
        if error.is_empty() { (String::new(), "") } else { (format!(" {id}"), " aria-invalid=\"true\"") }
    };
    let role_error = error(Field::Role, "role-error");
    let name_error = error(Field::Name, "name-error");
    let partner_error = error(Field::Partner, "partner-error");
    let (name_refers, name_invalid) = refers(&name_error, "name-error");
    let (partner_refers, partner_invalid) = refers(&partner_error, "partner-error");
    format!(
        r#"<section aria-labelledby="act">
<h2 id="act">Act as somebody else</h2>
<form method="post" action="/acting" novalidate>
<div class="field">
<label for="name">Name</label>
<p class="hint" id="name-hint">A made-up person. The same name is the same person, today and tomorrow.</p>
{name_error}<input id="name" name="name" value="{name}" maxlength="{longest}" autocomplete="off" spellcheck="false" aria-describedby="name-hint{name_refers}"{name_invalid}>
</div>
<fieldset class="field"{role_refers}>
<legend>Role</legend>
{role_error}{roles}</fieldset>
<div class="field">
<label for="partner">Partner</label>
<p class="hint" id="partner-hint">For the two partner roles only: the partner's id, as GraphiQL shows it.</p>
{partner_error}<input id="partner" name="partner" value="{partner}" autocomplete="off" spellcheck="false" aria-describedby="partner-hint{partner_refers}"{partner_invalid}>
</div>
<button>Act as this person</button>
</form>
</section>
"#,
        name = escaped(&chosen.name),
        longest = Name::LONGEST,
        role_refers = if role_error.is_empty() { "" } else { " aria-describedby=\"role-error\"" },
        roles = role_choices(&chosen.role),
        partner = escaped(&chosen.partner),
    )
}

fn role_choices(chosen: &str) -> String {
    let mut choices = String::new();
    for role in Role::ALL {
        let (name, words) = (role.name(), in_sentence_case(role.words()));
        let checked = if name == chosen { " checked" } else { "" };
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            choices,
            "<div class=\"choice\"><input type=\"radio\" id=\"role-{name}\" name=\"role\" value=\"{name}\"{checked}>\
             <label for=\"role-{name}\">{words}</label></div>"
        );
    }
    choices
}

/// The way to the API, with a command that works when copied.
fn the_api(host: &str, token: &str) -> String {
    let command = format!(
        r#"curl http://{host}/graphql \
  -H 'Authorization: Bearer {token}' \
  -H 'Acting-Role: finance' -H 'Acting-Name: Amina Example' \
  -H 'Content-Type: application/json' \
  -d '{{"query":"{{ __typename }}"}}'"#
    );
    format!(
        r#"<section aria-labelledby="api">
<h2 id="api">Use the API</h2>
<p>Everything here is done through one GraphQL API. <a href="/graphiql">Explore it in GraphiQL</a>, as whoever you act as on this page.</p>
<p>Scripts send the bearer token that the server printed when it started, and say whom they act as: <code>Acting-Role</code>, <code>Acting-Name</code> and, in a partner role, <code>Acting-Partner</code> with the partner's id. Without those they are a commissioner called Development script.</p>
<pre tabindex="0" role="region" aria-label="Example for the command line"><code>{}</code></pre>
<p><a href="/health">Check the server's health</a></p>
</section>
"#,
        escaped(&command)
    )
}

fn in_sentence_case(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
