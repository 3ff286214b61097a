//! Every page, on the sample data, as each role: it can be drawn, its document fits the schema, and it opens for those who
//! may do what it does and for nobody else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, OperationType, Selection};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use sidebyside::app::authority::DEEDS;
use sidebyside::auth::Development;
use sidebyside::domain::identity::Role;
use sidebyside::graphql::api;
use sidebyside::web::{Limits, router};
use std::sync::Arc;
use tower::ServiceExt;

use crate::sample::Loading;

/// A page as its files have it.
struct Page {
    name: String,
    path: String,
    document: String,
    /// The fields of the API without which it cannot be.
    needs: Vec<String>,
    has_query: bool,
    has_form: bool,
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn pages() -> Vec<Page> {
    let mut found = Vec::new();
    files(Path::new("web/pages"), &mut found);
    found.sort();
    found.retain(|path| path.extension().is_some_and(|kind| kind == "graphql"));
    found.iter().map(|path| page(path)).collect()
}

fn page(file: &Path) -> Page {
    let document = fs::read_to_string(file).unwrap();
    let path = document.lines().find_map(|line| line.strip_prefix("# path: ")).unwrap().trim().to_owned();
    let mut page = Page {
        name: file.strip_prefix("web/pages").unwrap().with_extension("").display().to_string(),
        path,
        needs: Vec::new(),
        has_query: false,
        has_form: false,
        document,
    };
    if page.document.lines().all(|line| line.starts_with('#') || line.trim().is_empty()) {
        return page;
    }
    let operations: Vec<_> = match parse_query(&page.document).unwrap().operations {
        DocumentOperations::Single(one) => vec![one],
        DocumentOperations::Multiple(named) => named.into_values().collect(),
    };
    for operation in operations {
        match operation.node.ty {
            OperationType::Query => page.has_query = true,
            OperationType::Mutation | OperationType::Subscription => page.has_form = true,
        }
        for item in &operation.node.selection_set.node.items {
            let Selection::Field(field) = &item.node else { panic!("{}: fields only", page.name) };
            if !field.node.directives.iter().any(|one| one.node.name.node == "include") {
                page.needs.push(field.node.name.node.to_string());
            }
        }
    }
    page
}

impl Page {
    fn is_for(&self, role: Role) -> bool {
        self.needs.iter().all(|need| {
            let (_, roles) = DEEDS.iter().find(|(name, _)| name == need).unwrap();
            roles.contains(&role)
        })
    }

    /// The names that stand in braces in its address.
    fn names(&self) -> Vec<&str> {
        self.path.split('{').skip(1).map(|part| part.split('}').next().unwrap()).collect()
    }
}

struct House {
    loading: Loading,
    router: Router,
    token: String,
    /// What can stand in an address, by name.
    things: BTreeMap<&'static str, Vec<String>>,
}

/// For each name in an address: a query of the sample, as the role that may see most of them, and where the ids are.
const THINGS: &[(&str, Role, &str, &str)] = &[
    ("partnerId", Role::Auditor, "{ partners(first: 50) { nodes { id } } }", "/partners/nodes"),
    ("fundId", Role::Auditor, "{ funds(first: 50) { nodes { id } } }", "/funds/nodes"),
    ("programmeId", Role::Auditor, "{ programmes(first: 50) { nodes { id } } }", "/programmes/nodes"),
    ("grantId", Role::Auditor, "{ grants(first: 50) { nodes { id } } }", "/grants/nodes"),
    ("runId", Role::Auditor, "{ paymentRuns(first: 50) { nodes { id } } }", "/paymentRuns/nodes"),
    ("offerId", Role::Inclusion, "{ offers(first: 60) { nodes { id } } }", "/offers/nodes"),
    ("consultationId", Role::Inclusion, "{ consultations { id } }", "/consultations"),
    ("needId", Role::Inclusion, "{ needs { id } }", "/needs"),
    ("siteId", Role::Inclusion, "{ sites { id } }", "/sites"),
    ("courseId", Role::Inclusion, "{ courses { id } }", "/courses"),
    ("sessionId", Role::Inclusion, "{ sessions(first: 20) { nodes { id } } }", "/sessions/nodes"),
    ("personRef", Role::Advisor, "{ supportedPeople(first: 20) { nodes { id } } }", "/supportedPeople/nodes"),
    ("referralId", Role::Advisor, "{ referrals(first: 20) { nodes { id } } }", "/referrals/nodes"),
    ("contactId", Role::Advisor, "{ contacts(first: 20) { nodes { id } } }", "/contacts/nodes"),
    ("prescriptionId", Role::Advisor, "{ prescriptions(first: 60) { nodes { id } } }", "/prescriptions/nodes"),
];

impl House {
    async fn open() -> Self {
        let mut loading = Loading::new().await;
        let mut things = BTreeMap::new();
        for (name, role, document, place) in THINGS {
            loading.auditor.role = *role;
            let found = loading.ask(document, json!({})).await;
            let nodes = found.pointer(place).and_then(Value::as_array).unwrap();
            things.insert(*name, nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect());
        }
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        things.insert("index", texts(&["0", "1", "700", "5000"]));
        let sign_in = Arc::new(Development::default());
        let token = sign_in.token().to_owned();
        let accounts = loading.app.accounts().clone();
        let router = router(api(loading.app.clone()), sign_in, accounts, Limits::default()).unwrap();
        Self { loading, router, token, things }
    }

    async fn send(&self, method: Method, path: &str, role: Role, body: &str) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
        if role != Role::Public {
            request = request
                .header("authorization", format!("Bearer {}", self.token))
                .header("acting-role", role.name())
                .header("acting-name", "Vera Testcase")
                .header("content-type", "application/x-www-form-urlencoded");
        }
        if role.is_of_a_partner() {
            request = request.header("acting-partner", &self.things["partnerId"][0]);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await;
        let (parts, body) = response.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Addresses of a page: one for each of the things it may be about, at most so many.
    fn addresses(&self, page: &Page, most: usize) -> Vec<String> {
        let mut addresses = vec![page.path.clone()];
        for name in page.names() {
            let known = self.things.get(name);
            let known = known.unwrap_or_else(|| panic!("{}: say in THINGS what {{{name}}} is", page.name));
            let each = |address: &String| {
                let filled = known.iter().take(most).map(|id| address.replace(&format!("{{{name}}}"), id));
                filled.collect::<Vec<_>>()
            };
            addresses = addresses.iter().flat_map(each).collect();
        }
        addresses.truncate(most);
        addresses
    }
}

#[tokio::test]
async fn each_document_fits_the_schema() {
    let loading = Loading::new().await;
    let schema = api(loading.app.clone());
    for page in pages().iter().filter(|page| page.has_query || page.has_form) {
        // The whole document is validated whichever of its operations runs, and this one asks for nothing.
        let document = format!("{}\nquery OnlyChecking {{ me {{ role }} }}", page.document);
        let named = page.document.contains("query {") || page.document.contains("mutation {");
        assert!(!named, "{}: its operations need names", page.name);
        let request = async_graphql::Request::new(document).operation_name("OnlyChecking");
        let answer = schema.execute(request.data(loading.auditor.clone())).await;
        assert!(answer.errors.is_empty(), "{}: {:?}", page.name, answer.errors);
    }
}

#[tokio::test]
async fn each_page_opens_for_those_it_is_for_and_nobody_else() {
    let house = House::open().await;
    let mut told = Vec::new();
    for page in &pages() {
        for role in Role::ALL {
            let address = house.addresses(page, 1).remove(0);
            let (status, body) = house.send(Method::GET, &address, role, "").await;
            let is_well = match (page.is_for(role), role) {
                // What is not theirs is not there for them.
                (true, _) => status == StatusCode::OK || status == StatusCode::NOT_FOUND,
                (false, Role::Public) => status == StatusCode::UNAUTHORIZED,
                (false, _) => status == StatusCode::FORBIDDEN,
            };
            if !is_well {
                told.push(format!("{} as {}: {status} at {address}", page.name, role.name()));
            }
            assert!(!body.contains("style=\""), "{}: no style of its own", page.name);
        }
        assert!(Role::ALL.into_iter().any(|role| page.is_for(role)), "{} is for nobody", page.name);
    }
    assert!(told.is_empty(), "{told:#?}");
    drop(house.loading);
}

#[tokio::test]
async fn each_page_can_be_drawn_of_whatever_it_is_about() {
    let house = House::open().await;
    let mut told = Vec::new();
    for page in &pages() {
        let role = Role::ALL.into_iter().rev().find(|role| page.is_for(*role) && !role.is_of_a_partner());
        let role = role.unwrap_or(Role::PartnerAdmin);
        let mut drawn = 0;
        for address in house.addresses(page, 12) {
            let (status, body) = house.send(Method::GET, &address, role, "").await;
            drawn += usize::from(status == StatusCode::OK);
            let is_theirs = status == StatusCode::OK || role.is_of_a_partner() && status == StatusCode::NOT_FOUND;
            if !is_theirs || body.matches("<h1").count() != 1 {
                told.push(format!("{} as {}: {status} at {address}", page.name, role.name()));
            }
        }
        if drawn == 0 && !role.is_of_a_partner() {
            told.push(format!("{} was never drawn", page.name));
        }
        if page.has_form && page.is_for(role) {
            let address = house.addresses(page, 1).remove(0);
            let (status, body) = house.send(Method::POST, &address, role, "_step=send").await;
            let is_told = status == StatusCode::UNPROCESSABLE_ENTITY && body.contains("There is a problem");
            let is_done = status == StatusCode::SEE_OTHER || status == StatusCode::NOT_FOUND;
            if !is_told && !is_done {
                told.push(format!("{} sent empty as {}: {status} at {address}", page.name, role.name()));
            }
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}
