//! The pages' templates: ours of `web/templates`, and the NHS macros that set-up put into `web/dist/nhsuk`.
//!
//! ```no_run
//! # use serde_json::json;
//! let templates = sidebyside::web::templates::Templates::new();
//! let answer = json!({ "fund": { "name": "Winter fund", "balance": "1200.00" } });
//! let html = templates.render("fund.html", answer, json!({ "title": "Winter fund" }));
//! ```
//!
//! A template reads the answer of its GraphQL document as `data`, so `{{ data.fund.balance | money }}`, and what comes
//! with the page by its name, so `{{ title }}`. A name that is not there fails the page and says which were. The NHS
//! macros alone may ask for parameters they were not given.

#[cfg(test)]
mod conformance;
mod filters;
mod given;
#[cfg(test)]
mod parts;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;
use std::sync::LazyLock;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, TemplateSource, UndefinedBehavior};
use minijinja_contrib::pycompat::unknown_method_callback;
use rust_embed::Embed;
use serde::Serialize;

use super::assets;

/// Our templates: from disk in debug builds, which see each change; carried by release builds.
#[derive(Embed)]
#[folder = "web/templates/"]
struct Ours;

/// The templates of this program.
pub(super) static TEMPLATES: LazyLock<Templates> = LazyLock::new(Templates::new);

/// Why a page could not be drawn: where, and each thing that led to it. For the log, not for the reader.
#[derive(Debug, thiserror::Error)]
#[error("the page {name} could not be drawn: {}", causes(.cause))]
pub struct Undrawn {
    /// The template that was asked for.
    pub name: String,
    /// Where and why it failed.
    pub cause: Error,
}

fn causes(error: &Error) -> String {
    let chain = iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// All templates.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl Templates {
    /// The environment they run in. Each template is read when it is first asked for.
    #[must_use]
    pub fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_loader(|name| Ok(source(name)));
        environment.set_auto_reload(cfg!(debug_assertions));
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.set_formatter(|out, state, value| {
            let dash = Value::from("–");
            minijinja::escape_formatter(out, state, if value.is_none() { &dash } else { value })
        });
        filters::teach(&mut environment);
        Self { environment }
    }

    /// Draw a page: `data` is the answer of its GraphQL document, `around` a struct or map of what else it may name.
    ///
    /// # Errors
    /// When there is no such template, when it is wrong, or when it names what it was not given.
    pub fn render(
        &self,
        name: &str,
        data: serde_json::Value,
        around: impl Serialize,
    ) -> Result<String, Undrawn> {
        let undrawn = |cause| Undrawn { name: name.to_owned(), cause };
        let template = self.environment.get_template(name).map_err(undrawn)?;
        template.render(top_level(data, around).map_err(undrawn)?).map_err(undrawn)
    }

    /// The names of our own templates.
    pub fn names() -> impl Iterator<Item = String> {
        Ours::iter().map(Cow::into_owned)
    }

    /// What a short template of a test says.
    #[cfg(test)]
    fn said(&self, source: &str) -> Result<String, Error> {
        self.environment.render_str(source, Value::UNDEFINED)
    }
}

fn top_level(data: serde_json::Value, around: impl Serialize) -> Result<Value, Error> {
    let around = Value::from(Serde(around));
    let mut names = BTreeMap::new();
    for name in around.try_iter()? {
        let value = around.get_item(&name)?;
        names.insert(name.to_string(), value);
    }
    if names.insert("data".to_owned(), given::strict(data, "data")).is_some() {
        return Err(Error::new(ErrorKind::InvalidOperation, "`data` is the answer of the page's document"));
    }
    Ok(given::top_level(names))
}

/// A template of ours as it stands: of a page, or one that pages share.
fn ours(name: &str) -> Option<String> {
    if let Some(page) = name.strip_prefix("pages/") {
        return super::pages::text_of(page);
    }
    String::from_utf8(Ours::get(name)?.data.into_owned()).ok()
}

/// The source of a template.
fn source(name: &str) -> Option<TemplateSource> {
    if name.starts_with("nhsuk/") {
        return assets::text_of(name).map(TemplateSource::new);
    }
    let text = ours(name)?;
    let (name, known) = (name.to_owned(), text.clone());
    let is_unchanged = move || ours(&name).is_some_and(|text| text == known);
    Some(TemplateSource::new(text).with_uptodate_check(is_unchanged))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn drawn(source: &'static str, data: serde_json::Value) -> Result<String, String> {
        let mut templates = Templates::new();
        templates.environment.add_template("page.html", source).unwrap();
        templates
            .render("page.html", data, json!({ "title": "A < B" }))
            .map_err(|undrawn| undrawn.to_string())
    }

    #[test]
    fn a_misspelt_name_fails_and_says_what_there_is() {
        let data = || json!({ "fund": { "name": "Winter" }, "grants": [{ "number": 1 }] });
        for (source, said) in [
            ("{{ data.fund.nmae }}", "data.fund has no `nmae`, but name"),
            ("{% if data.fund.nmae %}{% endif %}", "data.fund has no `nmae`"),
            ("{{ data.fund.nmae | default('') }}", "data.fund has no `nmae`"),
            ("{{ data.fund.nmae | money }}", "data.fund has no `nmae`"),
            ("{% for grant in data.grants %}{{ grant.nubmer }}{% endfor %}", "data.grants[] has no `nubmer`"),
            ("{% for grant in data.grnats %}{% endfor %}", "data has no `grnats`, but fund, grants"),
            ("{{ titel }}", "the page has no `titel`, but data, title"),
            ("{% macro m() %}{{ titel }}{% endmacro %}{{ m() }}", "the page has no `titel`"),
        ] {
            let problem = drawn(source, data()).expect_err(source);
            assert!(problem.contains(said), "{source}: {problem}");
        }
    }

    #[test]
    fn what_there_is_is_written_and_escaped() {
        let data = json!({ "name": "<script>", "none": null, "list": [1, 2], "map": { "a": "b" } });
        let source = "{{ title }} {{ data.name }} {{ data.none }} {{ data.list | length }} {{ data.map | tojson }}\
                      {% for i in range(2) %}{{ i }}{% endfor %}";
        let expected = "A &lt; B &lt;script&gt; – 2 {\"a\": \"b\"}01";
        assert_eq!(drawn(source, data).unwrap(), expected);
    }
}
