//! Every page, on the sample data, as each role: it can be drawn, its document fits the schema, and it opens for those who
//! may do what it does and for nobody else.

mod harm;

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
    let mut path = document.lines().find_map(|line| line.strip_prefix("# path: ")).unwrap().trim().to_owned();
    // What an id is of may stand before it.
    for kind in ["need", "grant", "offer", "programme", "commitment"] {
        path = path.replace(&format!("/{kind}/{{id}}"), &format!("/{kind}/{{{kind}Id}}"));
    }
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
    /// What can stand in an address together, by the most particular of the names.
    things: BTreeMap<&'static str, Vec<BTreeMap<String, String>>>,
}

/// For each name in an address: a role that sees many of them, a query, and the way to their ids: names of lists, each after
/// the name its ids have in an address.
const THINGS: &[(&str, Role, &str, &str)] = &[
    ("partnerId", Role::Auditor, "{ partners(first: 50) { nodes { id } } }", "partnerId=partners/nodes"),
    ("fundId", Role::Auditor, "{ funds { nodes { id } } }", "fundId=funds/nodes"),
    ("fromFundId", Role::Auditor, "{ funds { nodes { id } } }", "fromFundId=funds/nodes"),
    ("programmeId", Role::Auditor, "{ programmes { nodes { id } } }", "programmeId=programmes/nodes"),
    ("grantId", Role::Auditor, "{ grants { nodes { id } } }", "grantId=grants/nodes"),
    ("instalmentId", Role::Auditor, GRANTS, "grantId=grants/nodes instalmentId=instalments"),
    (
        "conditionId",
        Role::Auditor,
        GRANTS,
        "grantId=grants/nodes instalmentId=instalments conditionId=conditions",
    ),
    ("returnId", Role::Auditor, GRANTS, "grantId=grants/nodes returnId=returns"),
    ("variationId", Role::Auditor, GRANTS, "grantId=grants/nodes variationId=variations"),
    ("recoveryId", Role::Auditor, GRANTS, "grantId=grants/nodes recoveryId=recoveries"),
    ("runId", Role::Auditor, "{ paymentRuns { nodes { id } } }", "runId=paymentRuns/nodes"),
    ("line", Role::Auditor, RUNS, "runId=paymentRuns/nodes line=lines"),
    ("offerId", Role::Inclusion, "{ offers(first: 60) { nodes { id } } }", "offerId=offers/nodes"),
    ("consultationId", Role::Inclusion, "{ consultations { id } }", "consultationId=consultations"),
    ("voiceId", Role::Inclusion, HEARD, "consultationId=consultations voiceId=voices"),
    ("commitmentId", Role::Inclusion, HEARD, "consultationId=consultations commitmentId=commitments"),
    ("needId", Role::Inclusion, HEARD, "consultationId=consultations needId=needs"),
    ("publicationId", Role::Auditor, "{ publications { id } }", "publicationId=publications"),
    ("siteId", Role::Inclusion, "{ sites { id } }", "siteId=sites"),
    ("channelId", Role::Inclusion, "{ sites { id } }", "channelId=sites"),
    ("sessionId", Role::Inclusion, "{ sessions(first: 50) { nodes { id } } }", "sessionId=sessions/nodes"),
    ("authorityId", Role::Finance, "{ delegations(first: 50) { id } }", "authorityId=delegations"),
    ("changeId", Role::Commissioner, OFFERS, "offerId=offers/nodes changeId=changes"),
    ("reportId", Role::Commissioner, OFFERS, "offerId=offers/nodes reportId=reports"),
    ("courseId", Role::Inclusion, "{ courses { id } }", "courseId=courses"),
    ("personId", Role::Advisor, "{ supportedPeople { nodes { id } } }", "personId=supportedPeople/nodes"),
    ("referralId", Role::Advisor, "{ referrals { nodes { id } } }", "referralId=referrals/nodes"),
    ("contactId", Role::Advisor, "{ contacts { nodes { id } } }", "contactId=contacts/nodes"),
    (
        "prescriptionId",
        Role::Advisor,
        "{ prescriptions { nodes { id } } }",
        "prescriptionId=prescriptions/nodes",
    ),
];
const GRANTS: &str = "{ grants { nodes { id instalments { id conditions { id } } returns { id } variations { id } \
                      recoveries { id } } } }";
const OFFERS: &str = "{ offers(first: 60) { nodes { id changes { id } reports { id } } } }";
const RUNS: &str = "{ paymentRuns { nodes { id lines { id: line } } } }";
const HEARD: &str = "{ consultations { id voices { id } needs { id } commitments { id } } }";

/// Every way through the lists to an id, with the ids passed on the way.
fn ways(
    found: &Value,
    steps: &[(&str, &str)],
    passed: &BTreeMap<String, String>,
) -> Vec<BTreeMap<String, String>> {
    let Some(((name, place), rest)) = steps.split_first() else { return vec![passed.clone()] };
    let nodes = found.pointer(&format!("/{place}")).and_then(Value::as_array);
    let nodes = nodes.unwrap_or_else(|| panic!("no {place} in {found}"));
    let inside = nodes.iter().flat_map(|node| {
        let id = node["id"].as_str().map_or_else(|| node["id"].to_string(), str::to_owned);
        let mut passed = passed.clone();
        passed.insert((*name).to_owned(), id);
        ways(node, rest, &passed)
    });
    inside.collect()
}

fn one_of(name: &str, value: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(name.to_owned(), value.to_owned())])
}

impl House {
    async fn open() -> Self {
        let mut loading = Loading::new().await;
        let mut things = BTreeMap::new();
        for (name, role, document, way) in THINGS {
            loading.auditor.role = *role;
            let found = loading.ask(document, json!({})).await;
            let steps: Vec<_> = way.split(' ').map(|step| step.split_once('=').unwrap()).collect();
            things.insert(*name, ways(&found, &steps, &BTreeMap::new()));
        }
        loading.auditor.role = Role::Auditor;
        let document =
            "{ history(filter: { latestFirst: true }, first: 500) { nodes { index hasReceipt } } }";
        let found = loading.ask(document, json!({})).await;
        let decisions =
            found["history"]["nodes"].as_array().unwrap().iter().filter(|one| one["hasReceipt"] == true);
        things.insert("index", decisions.map(|one| one_of("index", &one["index"].to_string())).collect());
        let of_a_partner = things["partnerId"][0].clone();
        let found = loading.ask("{ subsidies { grantId partner { id } } }", json!({})).await;
        let aided = found["subsidies"].as_array().unwrap().iter().map(|one| {
            let (grant, partner) = (one["grantId"].as_str().unwrap(), one["partner"]["id"].as_str().unwrap());
            one_of("grantId", grant).into_iter().chain(one_of("partnerId", partner)).collect()
        });
        things.insert("aid", aided.collect());
        let printed = things["publicationId"][0].clone();
        let asked = json!({ "of": printed["publicationId"] });
        let document = "query($of: UUID!) { publishedFigures(publicationId: $of, first: 20) { label } }";
        let found = loading.ask(document, asked).await;
        let labels = found["publishedFigures"].as_array().unwrap().iter();
        let labelled = labels.map(|one| {
            let label = one_of("label", one["label"].as_str().unwrap());
            printed.clone().into_iter().chain(label).collect()
        });
        things.insert("label", labelled.collect());
        let first_version = |offer: &BTreeMap<String, String>| {
            offer.clone().into_iter().chain(one_of("contentVersion", "1")).collect()
        };
        let versions = things["offerId"].iter().map(first_version).collect();
        things.insert("contentVersion", versions);
        things
            .insert("check", vec![of_a_partner.into_iter().chain(one_of("check", "signatories")).collect()]);
        let need = things["needId"][0]["needId"].clone();
        things.insert("id", vec![one_of("id", &need)]);
        things.insert(
            "kind",
            vec![[one_of("kind", "need"), one_of("id", &need)].into_iter().flatten().collect()],
        );
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
            request = request.header("acting-partner", &self.things["partnerId"][0]["partnerId"]);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await;
        let (parts, body) = response.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, String::from_utf8_lossy(&body).into_owned())
    }

    /// The first of these things whose page leads to a form today: which it is, and its address.
    async fn leading_on(&self, name: &str, folder: &str, role: Role) -> (String, String) {
        for thing in &self.things[name] {
            let here = format!("/{folder}/{}", thing[name]);
            let (status, body) = self.send(Method::GET, &here, role, "").await;
            assert!(
                status == StatusCode::OK && !body.contains("as it stood right after"),
                "{here}: {status}"
            );
            if leads_on(&body, &here) {
                return (thing[name].clone(), here);
            }
        }
        panic!("none of the {folder} leads {} to a form", role.name());
    }

    /// Addresses of a page: one for each of the things it may be about, at most so many.
    fn addresses(&self, page: &Page, most: usize) -> Vec<String> {
        let names = page.names();
        if names.is_empty() {
            return vec![page.path.clone()];
        }
        let covers = |ids: &&BTreeMap<String, String>| names.iter().all(|name| ids.contains_key(*name));
        let known = self.things.values().filter(|ways| ways.first().as_ref().is_some_and(covers));
        let known = known.min_by_key(|ways| ways[0].len());
        let known = known.unwrap_or_else(|| panic!("{}: say in THINGS what {names:?} are", page.name));
        let filled = |ids: &BTreeMap<String, String>| {
            ids.iter().fold(page.path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
        };
        let mut addresses: Vec<String> = known.iter().map(filled).collect();
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
            // Also a page that only says that there is nothing, or not for them.
            let knows_them =
                role == Role::Public || body.contains(&format!("Vera Testcase, {}", role.words()));
            let has_menu = body.contains("href=\"&#x2f;offers\"");
            assert!(knows_them && has_menu, "{} as {}: who one is, and the menu", page.name, role.name());
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
        let role = Role::ALL.into_iter().find(|role| page.is_for(*role) && !role.is_of_a_partner());
        let role = role.unwrap_or(Role::PartnerAdmin);
        let mut drawn = 0;
        for address in house.addresses(page, 12) {
            let (status, body) = house.send(Method::GET, &address, role, "").await;
            drawn += usize::from(status == StatusCode::OK);
            // Not everything can be done to everything, nor is everything for everybody.
            let is_answer = status == StatusCode::OK || status == StatusCode::NOT_FOUND;
            if !is_answer || body.matches("<h1").count() != 1 {
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
            let gives = page.document.contains("\n# gives: ") && status == StatusCode::OK;
            let is_done = gives || status == StatusCode::SEE_OTHER || status == StatusCode::NOT_FOUND;
            if !is_told && !is_done {
                told.push(format!("{} sent empty as {}: {status} at {address}", page.name, role.name()));
            }
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}

/// Whether a page has a link to something below an address: the templates escape the strokes of what they are given.
fn leads_on(page: &str, here: &str) -> bool {
    page.replace("&#x2f;", "/").contains(&format!("href=\"{here}/"))
}

#[tokio::test]
async fn what_is_shown_as_it_stood_says_so_and_leads_to_no_form() {
    let house = House::open().await;
    for (name, folder, role) in [
        ("partnerId", "partners", Role::Commissioner),
        ("fundId", "funds", Role::Finance),
        ("programmeId", "programmes", Role::Commissioner),
        ("grantId", "grants", Role::Finance),
        ("offerId", "offers", Role::Commissioner),
    ] {
        let (id, here) = house.leading_on(name, folder, role).await;
        let first = "query($id: UUID!) { history(filter: { streamId: $id }, first: 1) { nodes { index } } }";
        let found = house.loading.ask(first, json!({ "id": id })).await;
        let index = &found["history"]["nodes"][0]["index"];
        let then = format!("{here}?event={index}");
        let (status, body) = house.send(Method::GET, &then, role, "").await;
        assert!(status == StatusCode::OK && body.contains("as it stood right after"), "{then}: {status}");
        assert!(!leads_on(&body, &here), "{then} leads to a form");
        let (status, body) = house.send(Method::GET, &format!("/history/{index}"), Role::Auditor, "").await;
        assert!(status == StatusCode::OK && body.contains(&then), "event {index} does not lead to {then}");
        let (status, _) =
            house.send(Method::GET, &format!("{here}?event=999999999"), Role::Commissioner, "").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{here} after an event that never was");
        let (status, _) = house.send(Method::GET, &then, Role::PartnerAdmin, "").await;
        assert!(status == StatusCode::FORBIDDEN || status == StatusCode::NOT_FOUND, "{then}: {status}");
        if folder != "funds" {
            let (status, _) =
                house.send(Method::GET, &format!("{here}?knownOn=2020-01-01"), Role::Auditor, "").await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{here} was not there then");
        }
        let (status, body) =
            house.send(Method::GET, &format!("{here}?knownOn=nonsense"), Role::Auditor, "").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{here}");
        assert!(body.contains("<title>Error: ") && !body.contains("as it stood on"), "{here}");
    }
}
