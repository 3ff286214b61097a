//! Published figures through the API: every fact of the two source documents, what adds up and what may not, and what
//! this record counted beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::publication::PartialDate;

use crate::activity::Rooms;
use crate::sample::Loading;

/// Every figure with what stands beside it.
const FIGURES: &str = "{ publishedFigures(first: 200) { label measure unit value { bound count amount words }
    coverage { ...c } printed { ...p } sumOfParts { parts sum gap } repeats { label value { count } }
    counted { what count gap remark } caveats { label kind relation note } } }
    fragment c on PrintedCoverage { from to date places organisation }
    fragment p on Printed { code line token reading note }";

/// Everything the documents name, of every kind.
const MENTIONS: &str =
    "query($kinds: [MentionKind!]) { timeline(kinds: $kinds, first: 500) { label kind subject detail
    coverage { from to date places organisation } printed { code line token reading note }
    caveats { label kind relation note } } }";

type Row = BTreeMap<String, String>;

/// The facts and relations taken from the source documents stand beside the repository, where they stand at all.
fn seeds(file: &str) -> Option<Vec<Row>> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/seeds").join(file);
    if !path.exists() {
        eprintln!("skipped: no shared/seeds/{file} beside the repository to compare with");
        return None;
    }
    let mut reader = csv::Reader::from_path(path).unwrap();
    Some(reader.deserialize().map(|row| row.unwrap()).collect())
}

/// What a list of the API holds, by label.
fn by_label(list: &Value) -> BTreeMap<String, Value> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| (one["label"].as_str().unwrap().to_owned(), one.clone())).collect()
}

async fn figures(loading: &Loading) -> BTreeMap<String, Value> {
    by_label(&loading.ask(FIGURES, json!({})).await["publishedFigures"])
}

async fn mentions(loading: &Loading) -> BTreeMap<String, Value> {
    let kinds = "{ __type(name: \"MentionKind\") { enumValues { name } } }";
    let kinds = loading.ask(kinds, json!({})).await;
    let kinds: Vec<&Value> =
        kinds["__type"]["enumValues"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    by_label(&loading.ask(MENTIONS, json!({ "kinds": kinds })).await["timeline"])
}

/// A value of the API as the table of facts writes it: nothing is an empty cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(cell).collect::<Vec<_>>().join("; "),
        Value::Number(_) | Value::Bool(_) | Value::Object(_) => value.to_string(),
    }
}

/// The first or the last day that a printed date can mean.
fn edge(value: &Value, edge: fn(PartialDate) -> chrono::NaiveDate) -> String {
    value.as_str().map_or_else(String::new, |date| edge(date.parse().unwrap()).to_string())
}

/// What the record holds of a fact, in the columns of the table.
fn as_row(one: &Value) -> Vec<(&'static str, String)> {
    let (coverage, printed) = (&one["coverage"], &one["printed"]);
    let mut row = vec![
        ("doc", cell(&printed["code"])),
        ("line", cell(&printed["line"])),
        ("token", cell(&printed["token"])),
        ("reading", cell(&printed["reading"])),
        ("note", cell(&printed["note"])),
        ("date", cell(&coverage["date"])),
        ("place", cell(&coverage["places"])),
        ("org", cell(&coverage["organisation"])),
        ("period_start", edge(&coverage["from"], PartialDate::first_day)),
        ("period_end", edge(&coverage["to"], PartialDate::last_day)),
    ];
    if let Some(precision) = coverage["date"].as_str().map(|date| date.parse::<PartialDate>().unwrap()) {
        row.push(("date_precision", precision.precision().code().to_owned()));
    }
    if one["unit"].is_null() {
        row.push(("kind", cell(&one["kind"]).to_lowercase()));
        row.push(("subject", cell(&one["subject"])));
        row.push(("measure", cell(&one["detail"])));
        row.push(("unit", String::new()));
    } else {
        let (unit, value) = (cell(&one["unit"]), &one["value"]);
        row.push(("unit", if unit == "GBP" { unit } else { unit.to_lowercase() }));
        row.push(("subject", cell(&one["measure"])));
        row.push(("bound", cell(&value["bound"]).to_lowercase()));
        let quantity = if value["count"].is_null() { &value["amount"] } else { &value["count"] };
        row.push(("value", cell(quantity)));
    }
    row
}

#[tokio::test]
async fn every_fact_of_the_source_documents_is_on_the_record_row_by_row() {
    let Some(facts) = seeds("seed_facts.csv") else { return };
    let loading = Loading::new().await;
    let mut held = figures(&loading).await;
    held.extend(mentions(&loading).await);
    held.retain(|_, one| ["A", "B"].contains(&one["printed"]["code"].as_str().unwrap()));
    let wanted: BTreeSet<&str> =
        facts.iter().filter(|fact| fact["fixture"] == "yes").map(|fact| fact["fact_id"].as_str()).collect();
    assert_eq!(held.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted);
    assert_eq!(wanted.len(), 139);
    for fact in facts.iter().filter(|fact| fact["fixture"] == "yes") {
        assert_eq!(fact["personal"], "no", "{}", fact["fact_id"]);
        for (column, found) in as_row(&held[&fact["fact_id"]]) {
            assert_eq!(found, fact[column], "{column} of {}", fact["fact_id"]);
        }
    }
}

/// What the figures and mentions of the source documents come to, relation by relation.
struct Documents {
    figures: BTreeMap<String, Value>,
    mentions: BTreeMap<String, Value>,
}

impl Documents {
    fn value(&self, label: &str) -> u64 {
        self.figures[label]["value"]["count"].as_u64().unwrap()
    }

    fn date(&self, label: &str) -> &str {
        self.mentions[label]["coverage"]["date"].as_str().unwrap()
    }

    /// A printed total, and what its parts come to.
    fn total(&self, label: &str) -> (u64, u64) {
        (self.value(label), self.figures[label]["sumOfParts"]["sum"].as_u64().unwrap())
    }

    /// A figure printed twice, and what it repeats.
    fn twice(&self, label: &str) -> (u64, u64) {
        (self.value(label), self.figures[label]["repeats"]["value"]["count"].as_u64().unwrap())
    }

    fn of_kind(&self, kind: &str) -> Vec<&Value> {
        self.mentions.values().filter(|one| one["kind"] == kind && one["printed"]["code"] == "B").collect()
    }

    /// The two sides of a relation that is one of numbers.
    fn sides(&self, relation: &str) -> Option<(u64, u64)> {
        match relation {
            "R01" => Some(self.total("F080")),
            "R02" => Some(self.total("F081")),
            "R03" => Some(self.twice("F091")),
            "R04" => Some(self.twice("F092")),
            "R05" => Some(self.twice("F093")),
            "R06" => Some(self.twice("F100")),
            // People in the text, contacts in the picture: not one figure, so neither repeats the other.
            "R07" => Some((self.value("F085"), self.value("F098"))),
            _ => None,
        }
    }

    /// The relations that are not a pair of numbers. False for one that is not known here.
    fn holds(&self, relation: &str) -> bool {
        match relation {
            "R08" => self.value("F084") - self.value("F083") == 1708,
            "R09" => {
                // Thousandths of a head for each session, rounded down.
                let mean = |heads: &str, sessions: &str| self.value(heads) * 1000 / self.value(sessions);
                let (sefton, liverpool, both) =
                    (mean("F094", "F095"), mean("F096", "F097"), mean("F080", "F081"));
                (sefton, liverpool, both) == (5502, 6775, 5887) && sefton < both && both < liverpool
            }
            "R10" => self.value("F078") + self.value("F081") == 2149,
            "R11" => self.value("F089") - self.value("F080") == 4875,
            "R12" => {
                let coverage = &self.figures["F074"]["coverage"];
                (self.value("F074"), &coverage["from"], &coverage["to"])
                    == (2, &json!("2020-04"), &json!("2022-03"))
            }
            "R13" => {
                let coverage = &self.figures["F028"]["coverage"];
                (self.value("F028"), &coverage["from"], &coverage["to"])
                    == (6, &json!("2016-05-09"), &json!("2022-05-09"))
            }
            "R14" => {
                let awards = self.of_kind("AWARD");
                let won = awards.iter().filter(|award| award["detail"] == "winner").count();
                (awards.len(), won) == (9, 8)
            }
            "R15" => {
                let mut entries = self.of_kind("TIMELINE");
                entries.sort_by_key(|entry| entry["printed"]["line"].as_u64());
                let dates: Vec<&str> =
                    entries.iter().map(|entry| entry["coverage"]["date"].as_str().unwrap()).collect();
                let lines: Vec<u64> =
                    entries.iter().map(|entry| entry["printed"]["line"].as_u64().unwrap()).collect();
                // Two entries stand on lines that follow each other: one block.
                let blocks = 1 + lines.windows(2).filter(|pair| pair[1] - pair[0] > 1).count();
                (entries.len(), blocks) == (17, 16) && dates.is_sorted()
            }
            "R16" => {
                self.date("F031") == self.date("F063")
                    && self.date("F039") == self.date("F102")
                    && self.date("F008").starts_with(self.date("F039"))
            }
            other => panic!("{other} is not checked here"),
        }
    }
}

#[tokio::test]
async fn what_the_documents_add_up_to_is_computed_and_what_they_do_not_is_a_caveat() {
    let Some(relations) = seeds("seed_relations.csv") else { return };
    let loading = Loading::new().await;
    let documents = Documents { figures: figures(&loading).await, mentions: mentions(&loading).await };
    let noted: BTreeMap<String, Value> = documents
        .figures
        .values()
        .chain(documents.mentions.values())
        .flat_map(|one| by_label(&one["caveats"]))
        .collect();
    let mut checked = 0;
    for relation in &relations {
        let id = relation["rel_id"].as_str();
        if ["conflict", "not_comparable", "caveat"].contains(&relation["class_"].as_str()) {
            let caveat = &noted[id];
            assert_eq!(cell(&caveat["kind"]).to_lowercase(), relation["class_"], "{id}");
            assert_eq!(cell(&caveat["relation"]), relation["relation"], "{id}");
            assert_eq!(cell(&caveat["note"]), relation["note"], "{id}");
        } else if let Some((left, right)) = documents.sides(id) {
            let printed = (relation["lhs"].parse().unwrap(), relation["rhs"].parse().unwrap());
            assert_eq!((left, right), printed, "{id}: {}", relation["relation"]);
        } else {
            assert!(documents.holds(id), "{id}: {}", relation["relation"]);
        }
        checked += 1;
    }
    assert_eq!(checked, 27);
}

#[tokio::test]
async fn a_printed_total_stands_beside_the_sum_of_its_parts() {
    let loading = Loading::new().await;
    let figures = figures(&loading).await;
    let attendances = json!({ "parts": ["F094", "F096"], "sum": 4006 + 2141, "gap": 0 });
    assert_eq!(figures["F080"]["value"]["count"], 6147);
    assert_eq!(figures["F080"]["sumOfParts"], attendances);
    let sessions = json!({ "parts": ["F095", "F097"], "sum": 728 + 316, "gap": 0 });
    assert_eq!(figures["F081"]["value"]["count"], 1044);
    assert_eq!(figures["F081"]["sumOfParts"], sessions);
    assert_eq!(figures["F083"]["value"]["count"], 11_395);
    assert_eq!(figures["F084"]["value"]["count"], 13_103);
    assert_eq!(figures["F092"]["repeats"], json!({ "label": "F084", "value": { "count": 13_103 } }));
    assert_eq!(figures["F023"]["value"]["amount"], "40000.00");
    // The sample's own report is nine out, and says so.
    assert_eq!(figures["Y5"]["sumOfParts"]["gap"], -9);
    assert_eq!(figures["Y5"]["caveats"][0]["label"], "Y-C1");
}

#[tokio::test]
async fn what_was_stated_stands_beside_what_was_counted() {
    let loading = Loading::new().await;
    let figures = figures(&loading).await;
    let counted = |label: &str| &figures[label]["counted"];
    for label in ["Y1", "Y2", "Y3", "Y5", "Y6"] {
        assert_eq!(counted(label)["gap"], 0, "{label}: {}", figures[label]);
        assert_eq!(counted(label)["count"], figures[label]["value"]["count"], "{label}");
    }
    assert_eq!(counted("Y4")["gap"], 9, "nine more are printed than were counted");
    let stated = figures["Y7"]["value"]["count"].as_i64().unwrap();
    let seen = counted("Y7")["count"].as_i64().unwrap();
    assert!(stated <= seen && counted("Y7")["gap"] == stated - seen, "at least so many: {}", figures["Y7"]);
    assert!(counted("Y8")["count"].as_i64().unwrap() > 0);

    let before = counted("F094");
    assert_eq!((&before["count"], &before["gap"]), (&Value::Null, &Value::Null));
    assert_eq!(before["remark"], "This record begins to count on 1 May 2025, after the days of the figure.");
    let talks = counted("F083")["remark"].as_str().unwrap();
    assert!(talks.ends_with("after the days of the figure."), "{talks}");
    assert_eq!((&counted("F083")["count"], &counted("F084")["count"]), (&Value::Null, &Value::Null));
    assert_eq!(counted("F089"), &Value::Null, "visits are nothing this record counts");
}

#[tokio::test]
async fn anybody_reads_what_was_published_and_not_what_was_counted() {
    let rooms = Rooms::new().await;
    let publication = described(&rooms).await;
    rooms.done("stateFigure", attendances(&publication, "S", 5, &["Sefton"])).await;
    let document = "{ publications { code title figureCount } publishedFigures { label counted { remark } }
        timeline(kinds: [AWARD]) { when } }";
    let told = rooms.world.ask(&Identity::public(), document, json!({})).await;
    assert_eq!(told.data()["publishedFigures"], json!([{ "label": "S", "counted": null }]));
    assert_eq!(told.data()["publications"][0]["figureCount"], 1);
    let told = rooms.world.ask(&rooms.rosa, document, json!({})).await;
    let remark = "This record has counted nothing of the kind yet.";
    assert_eq!(told.data()["publishedFigures"][0]["counted"]["remark"], remark);
}

async fn described(rooms: &Rooms) -> Value {
    let input = json!({ "code": "R26", "title": "A year of rooms (invented)", "publisher": "Example Trust (invented)",
        "published": "2026-05", "period": "April 2025 to March 2026" });
    rooms.done("describePublication", input).await
}

fn attendances(publication: &Value, label: &str, count: u32, places: &[&str]) -> Value {
    json!({ "publicationId": publication, "label": label, "measure": "Attendances", "unit": "ATTENDANCES",
        "value": { "count": count }, "beside": "FACE_TO_FACE_ATTENDANCES",
        "coverage": { "from": "2025-04", "to": "2026-03", "places": places },
        "printed": { "line": 3, "token": "as printed" } })
}

fn with(mut input: Value, key: &str, value: Value) -> Value {
    input[key] = value;
    input
}

#[tokio::test]
async fn a_total_is_never_entered_beside_its_parts() {
    let rooms = Rooms::new().await;
    let publication = described(&rooms).await;
    let figure = |label, count, places: &[&str]| attendances(&publication, label, count, places);
    rooms.done("stateFigure", figure("S", 4006, &["Sefton"])).await;
    rooms.done("stateFigure", figure("L", 2141, &["Liverpool"])).await;
    let total = figure("T", 6147, &["Liverpool", "Sefton"]);
    let told = rooms.refused("stateFigure", total.clone(), "publication.total_with_parts").await;
    assert!(told.contains("a total is never entered beside its parts"), "{told}");
    rooms.refused("stateFigure", figure("S2", 4006, &["Sefton"]), "publication.stated_twice").await;
    rooms.refused("stateFigure", figure("S", 1, &["Wirral"]), "publication.label_taken").await;
    let whole = with(total, "totalOf", json!(["S", "L"]));
    rooms.done("stateFigure", whole.clone()).await;
    let both = with(with(whole, "label", json!("U")), "repeatOf", json!("T"));
    rooms.refused("stateFigure", both, "publication.total_or_repeat").await;
    let people = with(with(figure("P", 9, &["Sefton"]), "unit", json!("PEOPLE")), "beside", Value::Null);
    let people = with(people, "repeatOf", json!("S"));
    rooms.refused("stateFigure", people, "publication.other_unit").await;

    let part = |reason: &str| json!({ "publicationId": publication, "label": "S", "reason": reason });
    rooms.refused("withdrawFigure", part("Wrong line."), "publication.in_use").await;
    let whole = with(part("Wrong line, invented."), "label", json!("T"));
    rooms.done("withdrawFigure", whole).await;
    rooms.done("withdrawFigure", part("Wrong line, invented.")).await;
    let left = "{ publishedFigures { label } }";
    let told = rooms.world.ask(&rooms.rosa, left, json!({})).await;
    assert_eq!(told.data()["publishedFigures"], json!([{ "label": "L" }]));
}

#[tokio::test]
async fn a_figure_is_stated_anew_and_keeps_what_it_was() {
    let rooms = Rooms::new().await;
    let publication = described(&rooms).await;
    rooms.done("stateFigure", attendances(&publication, "S", 4006, &["Sefton"])).await;
    let again = json!({ "publicationId": publication, "label": "S", "value": { "count": 4060, "bound": "ABOUT" },
        "printed": { "line": 3, "token": "about 4,060", "note": "corrected slip" } });
    rooms.done("restateFigure", again.clone()).await;
    rooms.refused("restateFigure", again, "publication.same_value").await;
    let money = json!({ "publicationId": publication, "label": "S", "value": { "amount": "5.00" },
        "printed": { "line": 3, "token": "£5" } });
    rooms.refused("restateFigure", money, "publication.value_not_of_unit").await;
    let document =
        "{ publishedFigures { value { words } former { value { words } until } printed { note } } }";
    let told = rooms.world.ask(&rooms.rosa, document, json!({})).await;
    let wanted = json!([{ "value": { "words": "about 4,060" }, "printed": { "note": "corrected slip" },
        "former": [{ "value": { "words": "4,006" }, "until": "2026-05-12" }] }]);
    assert_eq!(told.data()["publishedFigures"], wanted);
}

#[tokio::test]
async fn a_caveat_is_about_what_is_stated_somewhere() {
    let rooms = Rooms::new().await;
    let (publication, other) = (described(&rooms).await, described(&rooms).await);
    rooms.done("stateFigure", attendances(&other, "S", 5, &["Sefton"])).await;
    let award = json!({ "publicationId": publication, "label": "M", "kind": "AWARD", "subject": "Best reading room",
        "detail": "winner", "coverage": { "date": "2026" }, "printed": { "line": 9, "token": "Winner 2026" } });
    rooms.done("noteMention", award).await;
    let caveat = |about: Value| {
        json!({ "publicationId": publication, "label": "C", "kind": "CONFLICT", "relation": "one is the other",
            "about": about })
    };
    rooms.refused("noteCaveat", caveat(json!([])), "publication.caveat_about_nothing").await;
    let unknown = caveat(json!([{ "label": "S" }]));
    rooms.refused("noteCaveat", unknown, "publication.label_unknown").await;
    rooms
        .done("noteCaveat", caveat(json!([{ "label": "M" }, { "publicationId": other, "label": "S" }])))
        .await;
    let document = "{ publishedFigures { caveats { label kind } } timeline { when caveats { label } } }";
    let told = rooms.world.ask(&rooms.rosa, document, json!({})).await;
    assert_eq!(told.data()["publishedFigures"][0]["caveats"], json!([{ "label": "C", "kind": "CONFLICT" }]));
    assert_eq!(told.data()["timeline"][0], json!({ "when": "2026", "caveats": [{ "label": "C" }] }));
}
