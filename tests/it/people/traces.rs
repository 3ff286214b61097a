//! What is left on the disk: the files of a real server are searched, byte for byte, before and after somebody is
//! forgotten, and those of a copy restored from them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity, Name};
use sidebyside::domain::identity::Role;
use sidebyside::graphql::api;
use sidebyside::projections;
use sidebyside::store::database::{app_pool, migrate};
use sidebyside::store::embedded::{APP, DATABASE, OWNER, Purpose, SUPERUSER, Server, Settings};
use sidebyside::store::vault::{MasterKey, Vault};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use uuid::Uuid;

/// Who is forgotten, and who stays.
const GONE: &str = "Quillon Nosuchperson";
const STAYS: &str = "Barnaby Testcase";
/// What somebody says and takes back.
const SAID: &str = "The lift has been out of order since the clocks changed";
/// What is stored as it is typed, so that a search that finds nothing else is seen to work.
const PLAIN: &str = "To ring back about the lantern walk";

async fn start(folder: &Path) -> Server {
    let settings =
        Settings { folder: Some(folder.to_owned()), ..Settings::from_environment(Purpose::Command) };
    Server::start(settings).await.unwrap_or_else(|trouble| panic!("{trouble}"))
}

async fn app(server: &Server) -> App {
    let owner = server.options(OWNER, DATABASE);
    migrate(&owner).await.unwrap();
    let pool = sqlx::PgPool::connect_with(owner).await.unwrap();
    projections::install(&pool).await.unwrap();
    pool.close().await;
    let pool = app_pool(&server.options(APP, DATABASE), 4).await.unwrap();
    let vault = Vault::new(pool.clone(), Some(MasterKey::from_hex(&"5e".repeat(32)).unwrap()));
    let accounts = Accounts::new(pool.clone(), Chance::SYSTEM);
    App::new(projections::open_store(pool), accounts, vault, Surroundings::SYSTEM)
}

async fn superuser(server: &Server) -> PgConnection {
    server.options(SUPERUSER, DATABASE).connect().await.unwrap()
}

async fn somebody(app: &App, name: &str, role: Role) -> Identity {
    let person = app.accounts().find_or_make(&Name::new(name).unwrap()).await.unwrap();
    Identity { person, name: name.to_owned(), role, partner: None }
}

async fn advisor(app: &App, name: &str) -> Identity {
    somebody(app, name, Role::Advisor).await
}

async fn ask(app: &App, who: &Identity, mutation: &str, input: Value) -> Value {
    let kind = super::input_of(mutation.split('(').next().unwrap());
    let document = format!("mutation($input: {kind}!) {{ {mutation} }}");
    let input = async_graphql::Variables::from_json(json!({ "input": input }));
    let request = async_graphql::Request::new(document).variables(input).data(who.clone());
    let answer = serde_json::to_value(api(app.clone()).execute(request).await).unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

/// Register somebody and keep who they are, with a letter too long for one page of a table.
async fn known(app: &App, who: &Identity, name: &str) -> Uuid {
    let register = "registerPerson(input: $input) { person { id } }";
    let answer = ask(app, who, register, json!({ "met": "REFERRAL" })).await;
    let person = answer["registerPerson"]["person"]["id"].clone();
    let keep = "keepPersonDetails(input: $input) { receipt { index } }";
    ask(app, who, keep, json!({ "personRef": person, "name": name, "dateOfBirth": "1968-11-30" })).await;
    let receive = "receiveReferral(input: $input) { receipt { index } }";
    let letter = format!("{name} sits at home. ").repeat(200);
    let referral = json!({ "personRef": person, "source": "FAMILY", "reasons": ["LONELINESS"], "urgency": "SOON",
        "letter": letter });
    ask(app, who, receive, referral).await;
    let open = "openPersonDetails(input: $input) { details { name } }";
    ask(app, who, open, json!({ "personRef": person, "why": PLAIN })).await;
    serde_json::from_value(person).unwrap()
}

/// Hold a consultation at which somebody says something: the consultation and the voice.
async fn heard(app: &App, who: &Identity) -> (Value, Uuid) {
    let plan = json!({ "title": "Through the door", "purpose": "To find out what keeps people away.",
        "decision": "Which groups get money in May.", "rungIntended": "CO_DESIGN", "method": "WORKSHOP",
        "communities": ["DEAF_PEOPLE"], "area": "LIVERPOOL_CENTRAL", "venue": "An invented hall", "on": app.today(),
        "access": [], "languages": ["BFI"] });
    let answer = ask(app, who, "planConsultation(input: $input) { consultation { id } }", plan).await;
    let of = answer["planConsultation"]["consultation"]["id"].clone();
    let heads = json!([{ "group": "DEAF_PEOPLE", "heads": "UNDER_8" }]);
    let hold = json!({ "consultationId": of, "on": app.today(), "heads": heads, "groupsOverlap": false });
    ask(app, who, "holdConsultation(input: $input) { receipt { index } }", hold).await;
    let words = format!("{SAID} ").repeat(60);
    let said =
        json!({ "consultationId": of, "group": "DEAF_PEOPLE", "words": words, "mayBePublished": true });
    let record = "recordVoice(input: $input) { consultation { voices { id } } }";
    let answer = ask(app, who, record, said).await;
    let voice = answer["recordVoice"]["consultation"]["voices"][0]["id"].clone();
    (of, serde_json::from_value(voice).unwrap())
}

/// What stands sealed of somebody: their wrapped key, the beginnings of their sealed texts, their marks.
pub async fn sealed(connection: &mut PgConnection, person: Uuid) -> Vec<Vec<u8>> {
    sqlx::query_scalar(
        "SELECT wrapped FROM vault.subject_key WHERE subject = $1
         UNION ALL SELECT substring(ciphertext FOR 64) FROM vault.item WHERE subject = $1
         UNION ALL SELECT unnest(marks) FROM vault.item WHERE subject = $1",
    )
    .bind(person)
    .fetch_all(connection)
    .await
    .unwrap()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_under(&path));
        } else if entry.file_type().unwrap().is_file() {
            files.push(path);
        }
    }
    files
}

/// Which of some runs of bytes stand in a file of a folder; whether files of the write-ahead log are looked at as well.
pub fn found(folder: &Path, needles: &[Vec<u8>], with_wal: bool) -> Vec<bool> {
    let mut found = vec![false; needles.len()];
    for file in files_under(folder) {
        if !with_wal && file.components().any(|part| part.as_os_str() == "pg_wal") {
            continue;
        }
        let Ok(bytes) = fs::read(&file) else { continue };
        for (needle, found) in needles.iter().zip(&mut found) {
            let mut rest = &bytes[..];
            while let Some(place) = rest.iter().position(|byte| *byte == needle[0]) {
                rest = &rest[place..];
                *found |= rest.starts_with(needle);
                rest = &rest[1..];
            }
        }
    }
    found
}

fn all(found: &[bool]) -> bool {
    found.iter().all(|one| *one)
}

fn none(found: &[bool]) -> bool {
    !found.iter().any(|one| *one)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_holds_the_text_and_after_forgetting_none_of_a_table_holds_what_opened_it() {
    let scratch = tempfile::Builder::new()
        .prefix("sidebyside-traces-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in(crate::database::place())
        .unwrap();
    let place = scratch.path().join("first");
    let server = start(&place).await;
    let data = server.folder().to_owned();
    let app_before = app(&server).await;
    let (jamie, priya) =
        (advisor(&app_before, "Jamie Pretend").await, advisor(&app_before, "Priya Pretence").await);
    let (gone, stays) = (known(&app_before, &jamie, GONE).await, known(&app_before, &jamie, STAYS).await);

    let rosa = somebody(&app_before, "Rosa Listener", Role::Inclusion).await;
    let (consultation, voice) = heard(&app_before, &rosa).await;

    let mut root = superuser(&server).await;
    let (mut theirs, others) = (sealed(&mut root, gone).await, sealed(&mut root, stays).await);
    assert_eq!((theirs.len(), others.len()), (4, 4), "a key, two texts, a mark");
    let said = sealed(&mut root, voice).await;
    assert_eq!(said.len(), 2, "a key and a text");
    theirs.extend(said);
    root.execute("CHECKPOINT").await.unwrap();
    let texts = [GONE, STAYS, SAID, "sits at home", "1968-11-30"].map(|text| text.as_bytes().to_vec());
    let plain = [PLAIN.as_bytes().to_vec()];
    assert!(all(&found(&data, &plain, false)), "the search finds what is there");
    assert!(none(&found(&data, &texts, true)), "no text was ever written, to the write-ahead log neither");
    assert!(all(&found(&data, &theirs, false)) && all(&found(&data, &others, false)), "sealed, it is there");

    // Somebody looks at an older state of the database all the while: under VACUUM FULL the deleted rows would stay.
    let mut looking = superuser(&server).await;
    let mut older = looking.begin().await.unwrap();
    older.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    older.execute("SELECT FROM public.log_head").await.unwrap();

    let asking = json!({ "personRef": gone, "ground": "ASKED", "authority": "SAR-2026-014" });
    ask(&app_before, &jamie, "askErasure(input: $input) { receipt { index } }", asking).await;
    let erase = "erasePerson(input: $input) { person { erasureConfirmedOn } }";
    let answer = ask(&app_before, &priya, erase, json!({ "personRef": gone })).await;
    assert!(answer["erasePerson"]["person"]["erasureConfirmedOn"].is_string(), "{answer}");
    let back = json!({ "consultationId": consultation, "voiceId": voice });
    ask(&app_before, &rosa, "withdrawVoice(input: $input) { receipt { index } }", back).await;
    root.execute("CHECKPOINT").await.unwrap();

    assert!(none(&found(&data, &theirs, false)), "no file of a table has the key, a sealed text or a mark");
    assert!(all(&found(&data, &others, false)), "who stays, stays");
    assert!(none(&found(&data, &texts, true)));
    // What docs/privacy.md says of the write-ahead log: the sealed bytes stand there until it is written over.
    assert!(found(&data, &theirs, true).contains(&true));
    older.rollback().await.unwrap();
    drop((looking, root, app_before));
    server.stop().await.unwrap();

    // A back-up of the folder, restored elsewhere.
    let copy = scratch.path().join("second");
    let done = Command::new("cp").arg("-a").arg(&place).arg(&copy).status().unwrap();
    assert!(done.success());
    let server = start(&copy).await;
    let app_after = app(&server).await;
    assert_eq!(app_after.finish_erasures().await.unwrap(), 0, "nothing is left to be done");
    let mut root = superuser(&server).await;
    root.execute("CHECKPOINT").await.unwrap();
    assert!(none(&found(server.folder(), &theirs, false)) && none(&found(server.folder(), &texts, true)));
    assert!(all(&found(server.folder(), &others, false)));
    drop((root, app_after));
    server.stop().await.unwrap();
}
