//! The pages: each is two files of one name in `web/pages`, a GraphQL document and a template.
//!
//! The document's first lines say what else there is to say about the page:
//!
//! ```text
//! # path: /funds/{fundId}/transfer     where it is; what stands in braces is a variable of the document
//! # menu: 20 Funds                     its place and its name in the menu, for those who may open it
//! # found: fund                        what must be there: without it there is no such page
//! # then: /funds/{fundId}              where its form leads; `{transferBudget.fund.id}` is of the mutation's answer
//! # said: The money was moved.         what is said there
//! # csv: funds.nodes: reference, Name = name, figures.available
//! # gives: exportPaymentRun.content named exportPaymentRun.fileName
//! ```
//!
//! `gives` stands in the place of `then` where what the mutation answers is a file to be kept, and `# shows: yes` where it is
//! to be read once: the page is drawn again, with the answer as `shown`.
//!
//! The document holds at most one query and one mutation. What the viewer may not use makes the page one that they may not
//! open, but for fields that are included only if a variable says so: `@include(if: $mayTransferBudget)` is filled in from
//! who the viewer is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Name;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, OperationDefinition, OperationType, Selection, Type};
use rust_embed::Embed;

use crate::auth::Identity;
use crate::graphql::may;

#[derive(Embed)]
#[folder = "web/pages/"]
struct Files;

/// A file of a page as text.
pub(super) fn text_of(path: &str) -> Option<String> {
    let file = Files::get(path)?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// A field of the API that a page uses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub field: String,
    /// Whether the page can do without.
    pub is_optional: bool,
}

/// A query or a mutation of a page.
#[derive(Debug)]
pub(super) struct Operation {
    pub name: Option<String>,
    pub variables: Vec<(Name, Type)>,
    pub uses: Vec<Use>,
}

/// A table to be taken away: where its lines are, and its columns by heading and place in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Csv {
    pub lines: String,
    pub columns: Vec<(String, String)>,
}

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    /// The name of its files, such as `funds/transfer`.
    pub name: String,
    pub path: String,
    pub document: String,
    pub query: Option<Operation>,
    pub mutation: Option<Operation>,
    pub menu: Option<(u32, String)>,
    pub found: Vec<String>,
    pub then: Option<String>,
    pub said: Option<String>,
    pub csv: Option<Csv>,
    pub gives: Option<Gives>,
    /// Whether it is drawn with what its form was answered.
    pub shows: bool,
}

/// A file that a form gives: where its text and its name are in the mutation's answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gives {
    pub text: String,
    pub name: String,
}

/// Why a page cannot be used as it is written.
#[derive(Debug, thiserror::Error)]
#[error("web/pages/{page}.graphql: {what}")]
pub struct Faulty {
    page: String,
    what: String,
}

impl Page {
    fn read(name: &str, document: String) -> Result<Self, Faulty> {
        let faulty = |what: String| Faulty { page: name.to_owned(), what };
        let mut said: BTreeMap<&str, &str> = BTreeMap::new();
        for line in document.lines().map_while(|line| line.strip_prefix("# ")) {
            let (key, value) = line
                .split_once(": ")
                .ok_or_else(|| faulty(format!("“{line}” is not a key, a colon and what it says")))?;
            said.insert(key.trim(), value.trim());
        }
        let take = |key: &str| said.get(key).map(|value| (*value).to_owned());
        let known = ["path", "menu", "found", "then", "said", "csv", "gives", "shows"];
        if let Some(odd) = said.keys().find(|key| !known.contains(*key)) {
            return Err(faulty(format!("“{odd}” is none of {}", known.join(", "))));
        }
        let path = take("path").ok_or_else(|| faulty("it has no path".into()))?;
        let menu = take("menu").map(|menu| {
            let (place, words) = menu.split_once(' ').unwrap_or_default();
            place.parse().map(|place| (place, words.to_owned()))
        });
        let menu = menu.transpose().map_err(|_| faulty("its place in the menu is no number".into()))?;
        let csv = take("csv").map(|csv| csv_of(&csv).ok_or_else(|| faulty("its csv has no columns".into())));
        let gives = take("gives").map(|gives| match gives.split_once(" named ") {
            Some((text, name)) => Ok(Gives { text: text.to_owned(), name: name.to_owned() }),
            None => Err(faulty("what it gives has no name: say `… named …`".into())),
        });
        let (query, mutation) = operations(&document).map_err(&faulty)?;
        let leads = ["then", "gives", "shows"].iter().any(|key| said.contains_key(key));
        if mutation.is_some() && !leads {
            return Err(faulty("its form leads nowhere: say `then`".into()));
        }
        let found = take("found").map(|found| found.split(", ").map(str::to_owned).collect());
        Ok(Self {
            name: name.to_owned(),
            path,
            query,
            mutation,
            menu,
            found: found.unwrap_or_default(),
            then: take("then"),
            said: take("said"),
            csv: csv.transpose()?,
            gives: gives.transpose()?,
            shows: take("shows").is_some(),
            document,
        })
    }

    /// Whether somebody may open it.
    pub(super) fn may_open(&self, who: &Identity) -> bool {
        let uses = self.query.iter().chain(&self.mutation).flat_map(|operation| &operation.uses);
        uses.filter(|one| !one.is_optional).all(|one| may(who, &one.field))
    }
}

fn csv_of(said: &str) -> Option<Csv> {
    let (lines, columns) = said.split_once(": ")?;
    let column = |column: &str| match column.split_once(" = ") {
        Some((heading, place)) => (heading.trim().to_owned(), place.trim().to_owned()),
        None => (column.trim().replace('.', " "), column.trim().to_owned()),
    };
    Some(Csv { lines: lines.to_owned(), columns: columns.split(", ").map(column).collect() })
}

/// The query and the mutation of a document.
fn operations(document: &str) -> Result<(Option<Operation>, Option<Operation>), String> {
    if document.lines().all(|line| line.starts_with('#') || line.trim().is_empty()) {
        return Ok((None, None));
    }
    let read = parse_query(document).map_err(|cause| cause.to_string())?;
    let all: Vec<(Option<String>, OperationDefinition)> = match read.operations {
        DocumentOperations::Single(one) => vec![(None, one.node)],
        DocumentOperations::Multiple(named) => {
            named.into_iter().map(|(name, one)| (Some(name.to_string()), one.node)).collect()
        }
    };
    let (mut query, mut mutation) = (None, None);
    for (name, definition) in all {
        let place = match definition.ty {
            OperationType::Query => &mut query,
            OperationType::Mutation => &mut mutation,
            OperationType::Subscription => return Err("a page cannot subscribe".into()),
        };
        let uses = definition.selection_set.node.items.iter().filter_map(|item| match &item.node {
            Selection::Field(field) => Some(Use {
                field: field.node.name.node.to_string(),
                is_optional: field.node.directives.iter().any(|one| one.node.name.node == "include"),
            }),
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
        });
        let uses = uses.collect();
        let variables = definition.variable_definitions.into_iter();
        let variables = variables.map(|one| (one.node.name.node, one.node.var_type.node)).collect();
        if place.replace(Operation { name, variables, uses }).is_some() {
            return Err("a page has one query and one mutation at most".into());
        }
    }
    Ok((query, mutation))
}

/// The documents of all pages, each after the name of its page.
type Documents = Vec<(String, String)>;

fn documents() -> Documents {
    let text = |path: &str| text_of(path).unwrap_or_default();
    Files::iter().filter_map(|path| Some((path.strip_suffix(".graphql")?.to_owned(), text(&path)))).collect()
}

/// All pages, by their addresses.
pub(super) struct Pages {
    all: Vec<Page>,
    addresses: matchit::Router<usize>,
}

impl Pages {
    /// Read them as they were built in; in debug builds, as they stand on disk now.
    pub(super) fn read() -> Result<Self, Faulty> {
        Self::of(documents())
    }

    /// As they stand on disk now. Only when a document has changed are they read anew: it takes a debug build longer than
    /// all else that a page does.
    pub(super) fn as_they_stand() -> Result<Arc<Self>, Faulty> {
        static LAST: Mutex<Option<(Documents, Arc<Pages>)>> = Mutex::new(None);
        let now = documents();
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, pages)) = &*last
            && *then == now
        {
            return Ok(Arc::clone(pages));
        }
        let pages = Arc::new(Self::of(now.clone())?);
        *last = Some((now, Arc::clone(&pages)));
        Ok(pages)
    }

    fn of(files: Documents) -> Result<Self, Faulty> {
        let (mut all, mut addresses) = (Vec::new(), matchit::Router::new());
        for (name, document) in files {
            let page = Page::read(&name, document)?;
            addresses
                .insert(page.path.clone(), all.len())
                .map_err(|clash| Faulty { page: name, what: clash.to_string() })?;
            all.push(page);
        }
        Ok(Self { all, addresses })
    }

    /// The page at an address, and the variables that stand in it.
    pub(super) fn at(&self, path: &str) -> Option<(&Page, Vec<(String, String)>)> {
        let found = self.addresses.at(path).ok()?;
        let parts = found.params.iter().map(|(name, part)| (name.to_owned(), part.to_owned()));
        Some((self.all.get(*found.value)?, parts.collect()))
    }

    /// A page by the name of its files.
    pub(super) fn named(&self, name: &str) -> Option<&Page> {
        self.all.iter().find(|page| page.name == name)
    }

    /// The fields of the API that forms send to.
    pub(super) fn commands(&self) -> impl Iterator<Item = &str> {
        let mutations = self.all.iter().filter_map(|page| page.mutation.as_ref());
        mutations.flat_map(|mutation| &mutation.uses).map(|one| one.field.as_str())
    }

    /// What the menu offers somebody: name, address.
    pub(super) fn menu(&self, who: &Identity) -> Vec<(&str, &str)> {
        let mut places: Vec<_> = self.all.iter().filter(|page| page.may_open(who)).collect();
        places.sort_by_key(|page| page.menu.as_ref().map(|(place, _)| *place));
        places
            .into_iter()
            .filter_map(|page| Some((page.menu.as_ref()?.1.as_str(), page.path.as_str())))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUND: &str = "# path: /funds/{fundId}\n# menu: 20 Funds\n# found: fund\n# then: /funds/{fundId}\n\
        # csv: fund.years: year, Left = figures.available\n\
        query Show($fundId: UUID!, $mayHistory: Boolean!) { fund(id: $fundId) { name } \
        history(first: 5) @include(if: $mayHistory) { totalCount } }\n\
        mutation Close($input: CloseFundInput!) { closeFund(input: $input) { fund { id } } }\n";

    fn pages(files: &[(&str, &str)]) -> Result<Pages, Faulty> {
        Pages::of(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn a_page_is_found_by_its_address_with_what_stands_in_it() {
        let pages = pages(&[("funds/show", FUND)]).unwrap();
        let (page, parts) = pages.at("/funds/7").unwrap();
        assert_eq!((page.name.as_str(), parts), ("funds/show", vec![("fundId".into(), "7".into())]));
        assert!(pages.at("/funds").is_none() && pages.at("/funds/7/8").is_none());
        assert_eq!(page.csv.as_ref().unwrap().columns[0], ("year".into(), "year".into()));
        assert_eq!(page.csv.as_ref().unwrap().columns[1], ("Left".into(), "figures.available".into()));
        let uses = &page.query.as_ref().unwrap().uses;
        assert_eq!(uses[1], Use { field: "history".into(), is_optional: true });
    }

    #[test]
    fn the_menu_holds_what_one_may_open() {
        let pages = pages(&[("funds/show", FUND)]).unwrap();
        assert!(pages.menu(&Identity::public()).is_empty(), "closing a fund is not for the public");
        let someone = Identity { role: crate::auth::Role::Finance, ..Identity::public() };
        assert_eq!(pages.menu(&someone), [("Funds", "/funds/{fundId}")]);
    }

    #[test]
    fn what_is_written_wrong_is_told_with_the_name_of_the_page() {
        let told = |text: &str| pages(&[("a/b", text)]).err().unwrap().to_string();
        assert_eq!(told("query { me { role } }"), "web/pages/a/b.graphql: it has no path");
        assert!(told("# path: /a\n# gives: a.b\n").ends_with("has no name: say `… named …`"));
        assert!(told("# path: /a\nquery {").starts_with("web/pages/a/b.graphql: "));
        assert!(told("# path: /a\n# color: red\n").contains("“color” is none of path, menu"));
        let form = "# path: /a\nmutation A { closeFund(input: {}) { fund { id } } }";
        assert_eq!(told(form), "web/pages/a/b.graphql: its form leads nowhere: say `then`");
        let twice = pages(&[("a", "# path: /a\n"), ("b", "# path: /a\n")]).err().unwrap();
        assert!(twice.to_string().starts_with("web/pages/b.graphql: "));
    }
}
