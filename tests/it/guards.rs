//! What the database itself refuses, whoever asks: the roles' rights, and the triggers that hold for the owner too.
//!
//! Three things are beyond it, and are found by a check of the log instead of being stopped: an app that writes a wrong
//! leaf hash with a new event, an owner who takes the guards down first where nobody keeps them up (`held`), and a
//! superuser.

mod held;
mod spelled;

use sidebyside::store::check::check_log;
use sidebyside::store::database::{APP, OWNER};
use sidebyside::store::embedded::{AUDITOR, SEALER};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use crate::store::{all_is_well, superuser};
use crate::world::World;

/// A foreign event, as stock postgres-es would write it.
const PLAIN: &str = "INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
     payload, metadata) VALUES ('odd', 'a', (SELECT coalesce(max(sequence), 0) + 1 FROM public.events \
     WHERE aggregate_type = 'odd' AND aggregate_id = 'a'), 'odd.happened', '1', '{\"b\":1}', '{}')";

/// A whole row; `{}` stand for index, recorded_at, sequence, stream and leaf.
fn whole(index: &str, at: &str, sequence: &str, stream: &str, leaf: &str) -> String {
    format!(
        "INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata, index, event_id, recorded_at, effective_on, nonce, leaf_hash)
         SELECT 'odd', '{stream}', {sequence}, 'odd.happened', '1', '{{}}'::json,
             '{{\"effective_on\":\"2026-06-01\",\"event_id\":\"00000000-0000-0000-0000-000000000001\"}}'::json,
             {index}, '00000000-0000-0000-0000-000000000001'::uuid, {at}, '2026-06-01'::date, repeat('0', 32), {leaf}
         FROM public.log_head"
    )
}

const NOW: &str = "greatest(clock_timestamp(), last_recorded_at + interval '1 microsecond')";
const LEAF: &str = "sha256('x')";

/// What an attack is about and how it is spelled, and which words the refusal holds.
type Attacks<'a> = &'a [(&'a str, &'a str)];

async fn world_with_events() -> (World, PgPool) {
    let world = World::new().await;
    for number in 0..2 {
        crate::store::fund(&world.store, number, 100).await;
    }
    world.store.next_reference(sidebyside::domain::identity::ReferenceKind::Fund, 2026).await.unwrap();
    let owner = world.owner().await;
    (world, owner)
}

/// Everything that may not change.
async fn state(owner: &PgPool) -> (String, String, String) {
    sqlx::query_as(
        "SELECT (SELECT md5(string_agg(events::text, '|' ORDER BY index)) FROM public.events),
                (SELECT string_agg(log_head::text, '|') FROM public.log_head),
                (SELECT string_agg(reference_counter::text, '|') FROM public.reference_counter)",
    )
    .fetch_one(owner)
    .await
    .unwrap()
}

/// Run one statement or several, each time in a session of its own, and answer what the database said.
async fn attack(
    session: &sqlx::postgres::PgConnectOptions,
    before: &str,
    statement: &str,
) -> sqlx::Result<()> {
    let mut connection = session.connect().await.unwrap();
    if !before.is_empty() {
        sqlx::raw_sql(before).execute(&mut connection).await.unwrap();
    }
    let said = sqlx::raw_sql(statement).execute(&mut connection).await.map(|_| ());
    connection.close().await?;
    said
}

async fn all_refused(
    world: &World,
    owner: &PgPool,
    session: &sqlx::postgres::PgConnectOptions,
    before: &str,
    attacks: Attacks<'_>,
) {
    let whole = state(owner).await;
    for (statement, words) in attacks {
        let said = attack(session, before, statement).await;
        let Err(error) = said else { panic!("not refused: {statement}") };
        let error = error.to_string();
        assert!(error.contains(words), "{statement}\nwas refused with: {error}");
        assert_eq!(state(owner).await, whole, "{statement}");
    }
    // The log goes on as if nothing had been tried.
    crate::store::fund(&world.store, 900, 1).await;
    all_is_well(world).await;
}

const DENIED: &str = "permission denied";
const NOT_OWNER: &str = "must be owner";
const APPEND_ONLY: &str = "append only";

#[tokio::test]
async fn the_app_can_read_and_append_and_nothing_else() {
    let (world, owner) = world_with_events().await;
    let attacks = [
        // Change and removal, by every door.
        ("UPDATE public.events SET payload = '{}'", DENIED),
        ("UPDATE public.events SET leaf_hash = leaf_hash WHERE false", DENIED),
        ("DELETE FROM public.events", DENIED),
        ("TRUNCATE public.events", DENIED),
        ("WITH gone AS (DELETE FROM public.events RETURNING *) SELECT count(*) FROM gone", DENIED),
        ("WITH new AS (UPDATE public.events SET sequence = 9 RETURNING *) TABLE new", DENIED),
        ("MERGE INTO public.events USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE", DENIED),
        (
            "MERGE INTO public.events USING (SELECT 1) AS s ON true WHEN MATCHED THEN UPDATE SET payload = '{}'",
            DENIED,
        ),
        ("SELECT * FROM public.events FOR UPDATE", DENIED),
        ("SELECT * FROM public.events FOR SHARE", DENIED),
        ("BEGIN; LOCK TABLE public.events IN ACCESS EXCLUSIVE MODE", DENIED),
        ("UPDATE public.log_head SET size = size + 1", DENIED),
        ("SELECT * FROM public.log_head FOR UPDATE", DENIED),
        ("DELETE FROM public.log_head", DENIED),
        ("INSERT INTO public.log_head VALUES (true, 0, now(), gen_random_uuid())", DENIED),
        ("UPDATE public.reference_counter SET last = 1", "given twice"),
        ("UPDATE public.reference_counter SET last = last + 1, kind = 'Z'", "given twice"),
        ("DELETE FROM public.reference_counter", DENIED),
        ("TRUNCATE public.reference_counter", DENIED),
        // The guards themselves.
        ("ALTER TABLE public.events DISABLE TRIGGER ALL", NOT_OWNER),
        ("ALTER TABLE public.events DROP CONSTRAINT events_pkey", NOT_OWNER),
        ("ALTER TABLE public.events ALTER COLUMN leaf_hash DROP NOT NULL", NOT_OWNER),
        ("ALTER TABLE public.events OWNER TO sidebyside_app", NOT_OWNER),
        ("DROP TABLE public.events", NOT_OWNER),
        ("DROP FUNCTION public.stamp_event() CASCADE", NOT_OWNER),
        ("DROP SCHEMA views CASCADE", NOT_OWNER),
        ("DROP OWNED BY sidebyside_owner", DENIED),
        (
            "CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
            DENIED,
        ),
        (
            "CREATE TRIGGER mine BEFORE INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            DENIED,
        ),
        ("CREATE RULE mine AS ON INSERT TO public.events DO INSTEAD NOTHING", NOT_OWNER),
        ("CREATE INDEX ON public.events (event_type)", NOT_OWNER),
        ("SET session_replication_role = replica", DENIED),
        ("SELECT set_config('session_replication_role', 'replica', false)", DENIED),
        ("SELECT public.stamp_event()", DENIED),
        ("SELECT public.move_log_head()", DENIED),
        ("SELECT public.guard_log_head()", "can only be called as trigger"),
        // Becoming somebody else.
        ("SET ROLE sidebyside_owner", DENIED),
        ("SET SESSION AUTHORIZATION sidebyside_owner", DENIED),
        ("GRANT sidebyside_owner TO sidebyside_app", "role"),
        ("ALTER ROLE sidebyside_app SUPERUSER", "alter"),
        ("CREATE ROLE mine", DENIED),
        // Something of one's own to put in the way.
        ("CREATE TABLE public.mine (a int)", DENIED),
        ("CREATE TABLE views.mine (index bigint REFERENCES public.events (index) ON DELETE CASCADE)", DENIED),
        ("CREATE FUNCTION public.sha256(text) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'", DENIED),
        ("CREATE OPERATOR public.+ (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int)", DENIED),
        ("CREATE TEMPORARY TABLE events (LIKE public.events)", DENIED),
        ("CREATE TEMPORARY VIEW log_head AS SELECT 7 AS size", DENIED),
        ("CREATE SCHEMA mine", DENIED),
        ("CREATE TABLE public.mine () INHERITS (public.events)", DENIED),
        ("COPY public.events FROM '/etc/passwd'", "COPY"),
        ("COPY (SELECT 1) TO PROGRAM 'true'", "COPY"),
        ("CREATE EXTENSION dblink", DENIED),
    ];
    let app = world.database.options_as(APP);
    all_refused(&world, &owner, &app, "", &attacks).await;
}

#[tokio::test]
async fn an_event_has_its_place_and_its_time_or_is_refused() {
    let (world, owner) = world_with_events().await;
    let next = "size";
    let rows = [
        (whole("size + 1", NOW, "1", "a", LEAF), "next event has index"),
        (whole("0", NOW, "1", "a", LEAF), "events_index_key"),
        (whole("-1", NOW, "1", "a", LEAF), "check constraint"),
        (whole("size + 1000000", NOW, "1", "a", LEAF), "next event has index"),
        (whole(next, "last_recorded_at", "1", "a", LEAF), "recorded_at"),
        (whole(next, "last_recorded_at - interval '1 second'", "1", "a", LEAF), "recorded_at"),
        (whole(next, "clock_timestamp() - interval '1 hour'", "1", "a", LEAF), "recorded_at"),
        (whole(next, "clock_timestamp() + interval '1 hour'", "1", "a", LEAF), "recorded_at"),
        (whole(next, "'infinity'", "1", "a", LEAF), "recorded_at"),
        (whole(next, NOW, "2", "a", LEAF), "a stream leaves a gap"),
        (whole(next, NOW, "0", "a", LEAF), "check constraint"),
        (whole(next, NOW, "1", "", LEAF), "check constraint"),
        (whole(next, NOW, "1", "a", "'short'::bytea"), "check constraint"),
        (
            whole(next, NOW, "1", "a", LEAF).replace("'2026-06-01'::date", "'2020-01-01'::date"),
            "repeat_metadata",
        ),
        (
            whole(next, NOW, "1", "a", LEAF).replace("000000000001'::uuid", "000000000002'::uuid"),
            "repeat_metadata",
        ),
        (whole(next, NOW, "1", "a", LEAF).replacen("'odd'", "'o-dd'", 1), "check constraint"),
        (whole(next, NOW, "1", "a", LEAF).replace("repeat('0', 32)", "'?'"), "check constraint"),
        (whole(next, NOW, "1", "a", LEAF).replace("repeat('0', 32)", "repeat('A', 32)"), "check constraint"),
        (whole(next, NOW, "1", "a", LEAF).replace("repeat('0', 32)", "repeat('g', 32)"), "hexadecimal"),
    ];
    let together = two_at_once();
    let mut rows: Vec<(&str, &str)> =
        rows.iter().chain(&together).map(|(row, words)| (row.as_str(), *words)).collect();
    // The whole log shifted into the future a little at a time.
    let creep = format!(
        "DO $$ BEGIN FOR i IN 1..40 LOOP {}; END LOOP; END $$",
        whole(next, "last_recorded_at + interval '900 milliseconds'", "1", "a' || i || '", LEAF)
    );
    rows.push((&creep, "recorded_at"));
    rows.push(("INSERT INTO public.events SELECT * FROM public.events", "events_"));
    rows.push((
        "INSERT INTO public.events SELECT * FROM public.events ON CONFLICT (index) DO UPDATE SET payload = '{}'",
        DENIED,
    ));
    let replaced = PLAIN.to_string()
        + " ON CONFLICT (aggregate_type, aggregate_id, sequence) DO UPDATE SET payload = '{}'";
    rows.push((&replaced, DENIED));
    let twice = format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {PLAIN}; {PLAIN}; SELECT 1 / 0; COMMIT");
    rows.push((&twice, "division by zero"));
    let app = world.database.options_as(APP);
    all_refused(&world, &owner, &app, "", &rows).await;
}

/// Two events in one statement: with a gap between them, out of time, one of them stamped.
fn two_at_once() -> [(String, &'static str); 3] {
    [
        (
            format!(
                "{} UNION ALL {}",
                whole("size", NOW, "1", "a", LEAF),
                values(&whole("size + 2", NOW, "1", "b", LEAF))
            ),
            "gap",
        ),
        (
            format!(
                "{} UNION ALL {}",
                whole("size", "clock_timestamp() + interval '1 second'", "1", "a", LEAF),
                values(&whole("size + 1", "clock_timestamp()", "1", "b", LEAF))
            ),
            "recorded_at",
        ),
        (
            format!(
                "{} UNION ALL {}",
                whole("size + 1", NOW, "1", "a", LEAF),
                values(&whole("size", NOW, "1", "b", "NULL"))
            ),
            "index",
        ),
    ]
}

/// The SELECT of an INSERT.
fn values(insert: &str) -> &str {
    insert.split_once("leaf_hash)").expect("a row").1
}

#[tokio::test]
async fn an_insert_that_does_nothing_takes_no_place() {
    let (world, owner) = world_with_events().await;
    let app = world.database.options_as(APP);
    let before = state(&owner).await;
    attack(
        &app,
        "",
        "INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         SELECT aggregate_type, aggregate_id, sequence, 'odd.happened', '1', '{}', '{}' FROM public.events
         ON CONFLICT DO NOTHING",
    )
    .await
    .unwrap();
    attack(&app, "", &(PLAIN.to_string() + " EXCEPT SELECT 1, 1, 1, 1, 1, 1, 1")).await.unwrap_err();
    attack(&app, "", &format!("BEGIN; {PLAIN}; SAVEPOINT a; {PLAIN}; ROLLBACK TO a; ROLLBACK"))
        .await
        .unwrap();
    assert_eq!(state(&owner).await, before);
    // Of three, one conflicts: two places are taken.
    attack(
        &app,
        "",
        "INSERT INTO public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         SELECT 'odd', 'b', place, 'odd.happened', '1', '{}', '{}' FROM unnest(ARRAY[1, 1, 2]) AS place
         ON CONFLICT DO NOTHING",
    )
    .await
    .unwrap();
    attack(&app, "", &format!("BEGIN; {PLAIN}; SAVEPOINT a; {PLAIN}; ROLLBACK TO a; {PLAIN}; COMMIT"))
        .await
        .unwrap();
    assert_eq!(world.store.size().await.unwrap(), 4 + 4);
    assert_eq!(
        check_log(&owner, &|_| {}).await.unwrap().findings.iter().filter(|one| one.index < 4).count(),
        0
    );
    crate::store::the_log_is_whole(&owner).await;
}

#[tokio::test]
async fn what_the_session_says_of_names_and_times_changes_nothing() {
    let (world, owner) = world_with_events().await;
    let app = world.database.options_as(APP);
    let odd = "SET search_path = views, public; SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kolkata';
               SET standard_conforming_strings = off; SET extra_float_digits = 0; SET backslash_quote = on";
    attack(&app, odd, PLAIN).await.unwrap();
    let mut copying = app.connect().await.unwrap();
    let mut copy = copying
        .copy_in_raw(
            "COPY public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
             FROM STDIN",
        )
        .await
        .unwrap();
    copy.send(
        "odd\tc\t1\todd.happened\t1\t{\"b\": [1 ,2]}\t{}\nodd\tc\t2\todd.happened\t1\t{}\t{}\n".as_bytes(),
    )
    .await
    .unwrap();
    copy.finish().await.unwrap();
    let mut copy = copying
        .copy_in_raw(
            "COPY public.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
             index, event_id, recorded_at, effective_on, nonce, leaf_hash) FROM STDIN",
        )
        .await
        .unwrap();
    let row = "odd\td\t1\todd.happened\t1\t{}\t{\"event_id\":\"00000000-0000-0000-0000-000000000001\",\"effective_on\":\
               \"2026-06-01\"}\t70\t00000000-0000-0000-0000-000000000001\t2026-06-01\t2026-06-01\t";
    copy.send(format!("{row}{}\t\\\\x{}\n", "0".repeat(32), "0".repeat(64)).into_bytes()).await.unwrap();
    let refused = copy.finish().await.unwrap_err().to_string();
    assert!(refused.contains("next event has index 7, not 70"), "{refused}");
    crate::store::the_log_is_whole(&owner).await;
    assert_eq!(world.store.size().await.unwrap(), 7);
}

/// Attacks by somebody with every right on the tables.
const CHANGES: Attacks<'static> = &[
    ("UPDATE public.events SET payload = '{}'", APPEND_ONLY),
    ("UPDATE public.events SET index = index + 100", APPEND_ONLY),
    ("DELETE FROM public.events WHERE index = 3", APPEND_ONLY),
    ("TRUNCATE public.events", APPEND_ONLY),
    ("TRUNCATE public.events CASCADE", APPEND_ONLY),
    ("TRUNCATE public.log_head", APPEND_ONLY),
    ("WITH gone AS (DELETE FROM public.events RETURNING *) SELECT count(*) FROM gone", APPEND_ONLY),
    ("MERGE INTO public.events USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE", APPEND_ONLY),
    (
        "INSERT INTO public.events SELECT * FROM public.events ON CONFLICT (index) DO UPDATE SET payload = '{}'",
        APPEND_ONLY,
    ),
    ("DELETE FROM public.log_head", APPEND_ONLY),
    ("UPDATE public.log_head SET size = size - 1", "only moves forward"),
    ("UPDATE public.log_head SET origin = gen_random_uuid()", "only moves forward"),
    (
        "UPDATE public.log_head SET size = size + 5, last_recorded_at = last_recorded_at + interval '1 day'",
        "where its last event is",
    ),
    ("UPDATE public.log_head SET last_recorded_at = last_recorded_at + interval '1 day'", "only moves forward"),
    ("INSERT INTO public.log_head VALUES (false, 9, now(), gen_random_uuid())", "check constraint"),
    ("INSERT INTO public.log_head VALUES (true, 9, now(), gen_random_uuid())", "log_head_pkey"),
    ("DELETE FROM public.reference_counter", APPEND_ONLY),
    ("UPDATE public.reference_counter SET last = last - 1", "given twice"),
    // A table that the log hangs on, and that takes it along when it goes.
    (
        "BEGIN; CREATE TABLE public.mine AS SELECT index FROM public.events; ALTER TABLE public.mine ADD PRIMARY KEY (index);
         ALTER TABLE public.events ADD FOREIGN KEY (index) REFERENCES public.mine ON DELETE CASCADE;
         DELETE FROM public.mine; COMMIT",
        APPEND_ONLY,
    ),
    (
        "BEGIN; CREATE TABLE public.mine AS SELECT index FROM public.events; ALTER TABLE public.mine ADD PRIMARY KEY (index);
         ALTER TABLE public.events ADD FOREIGN KEY (index) REFERENCES public.mine ON UPDATE CASCADE;
         UPDATE public.mine SET index = index + 100; COMMIT",
        APPEND_ONLY,
    ),
    (
        "BEGIN; CREATE TABLE public.mine (index bigint PRIMARY KEY REFERENCES public.events (index));
         TRUNCATE public.mine, public.events; COMMIT",
        APPEND_ONLY,
    ),
    ("CREATE VIEW views.mine AS TABLE public.events; DELETE FROM views.mine", APPEND_ONLY),
];

#[tokio::test]
async fn the_owner_changes_nothing_that_is_recorded() {
    let (world, owner) = world_with_events().await;
    let session = world.database.options_as(OWNER);
    all_refused(&world, &owner, &session, "", CHANGES).await;
    let gap = whole("size + 1", NOW, "1", "a", LEAF);
    all_refused_again(&world, &owner, &session, "", &gap).await;
    for refused in [
        "SET session_replication_role = replica",
        "CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION public.refuse_change()",
    ] {
        let said = attack(&session, "", refused).await.unwrap_err().to_string();
        assert!(said.contains(DENIED), "{said}");
    }
}

#[tokio::test]
async fn replication_mode_does_not_switch_the_guards_off() {
    let (world, owner) = world_with_events().await;
    let session = superuser(&world);
    let as_owner = "SET session_replication_role = replica; SET ROLE sidebyside_owner";
    let without_keys: Vec<(&str, &str)> = CHANGES
        .iter()
        // Replication mode switches foreign keys off, so that they take nothing along either.
        .filter(|(statement, _)| !statement.contains("FOREIGN KEY"))
        .copied()
        .collect();
    all_refused(&world, &owner, &session, as_owner, &without_keys).await;
    let gap = whole("size + 1", NOW, "1", "a", LEAF);
    all_refused_again(&world, &owner, &session, as_owner, &gap).await;
    let late = whole("size", "last_recorded_at - interval '1 hour'", "1", "a", LEAF);
    all_refused_again(&world, &owner, &session, "SET session_replication_role = replica", &late).await;
    attack(&session, as_owner, PLAIN).await.unwrap();
    crate::store::the_log_is_whole(&owner).await;
}

async fn all_refused_again(
    world: &World,
    owner: &PgPool,
    session: &sqlx::postgres::PgConnectOptions,
    before: &str,
    statement: &str,
) {
    let whole = state(owner).await;
    attack(session, before, statement).await.unwrap_err();
    assert_eq!(state(owner).await, whole);
    all_is_well(world).await;
}

#[tokio::test]
async fn what_cannot_be_stopped_is_found() {
    // An app that lies about a leaf: the database does not compute it again when it is told one.
    let (world, owner) = world_with_events().await;
    let app = world.database.options_as(APP);
    attack(&app, "", &whole("size", NOW, "1", "a", LEAF)).await.unwrap();
    let found = check_log(&owner, &|_| {}).await.unwrap().findings;
    assert!(found.iter().any(|one| one.index == 4 && one.what.contains("leaf")), "{found:?}");

    // An owner who takes the guards down, changes something, and puts them up again.
    let (world, owner) = world_with_events().await;
    assert_eq!(check_log(&owner, &|_| {}).await.unwrap().findings, []);
    let session = world.database.options_as(OWNER);
    attack(
        &session,
        "ALTER TABLE public.events DISABLE TRIGGER refuse_change",
        "UPDATE public.events SET payload = replace(payload::text, '100.00', '900.00')::json WHERE index = 1;
         ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_change",
    )
    .await
    .unwrap();
    let found = check_log(&owner, &|_| {}).await.unwrap().findings;
    assert!(found.iter().any(|one| one.index == 1 && one.what.contains("leaf")), "{found:?}");

    // An owner who hangs a table under the log whose rows no guard has seen.
    let (world, owner) = world_with_events().await;
    attack(
        &world.database.options_as(OWNER),
        "CREATE TABLE public.mine () INHERITS (public.events)",
        "INSERT INTO public.mine SELECT * FROM public.events WHERE index = 1",
    )
    .await
    .unwrap();
    assert_ne!(check_log(&owner, &|_| {}).await.unwrap().findings, []);
}

async fn may(connection: &mut PgConnection, statement: &str) -> bool {
    match sqlx::raw_sql(statement).execute(connection).await {
        Ok(_) => true,
        Err(error) if error.to_string().contains(DENIED) => false,
        Err(error) => panic!("{statement}: {error}"),
    }
}

#[tokio::test]
async fn the_auditor_reads_the_record_and_no_person() {
    let (world, owner) = world_with_events().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert!(
        tables.iter().any(|table| table == "auth.account")
            && tables.iter().any(|table| table == "vault.item")
    );
    let mut auditor = world.database.options_as(AUDITOR).connect().await.unwrap();
    let mut sealer = world.database.options_as(SEALER).connect().await.unwrap();
    for table in tables {
        let log = matches!(
            table.as_str(),
            "public.events" | "public.log_head" | "seal.checkpoint" | "seal.cosignature"
        );
        // Who read what of whom, and why, is for auditors, and that somebody was forgotten.
        let readings = matches!(table.as_str(), "vault.reading" | "vault.erasure" | "vault.retention");
        let read = format!("SELECT count(*) FROM {table}");
        let people = ["views.person", "views.referral", "views.contact", "views.prescription"];
        let views = table.starts_with("views.") && !people.contains(&table.as_str());
        assert_eq!(may(&mut auditor, &read).await, log || views || readings, "the auditor reads {table}");
        if !table.starts_with("public.") || log {
            let shared = table == "views.standing" && may(&mut sealer, &read).await;
            assert_eq!(may(&mut sealer, &read).await, log || shared, "the sealer reads {table}");
        }
        for (role, seals) in [(&mut auditor, false), (&mut sealer, table.starts_with("seal.c"))] {
            assert!(!may(role, &format!("DELETE FROM {table}")).await, "{table}");
            assert!(!may(role, &format!("TRUNCATE {table}")).await, "{table}");
            if !seals {
                assert!(!may(role, &format!("INSERT INTO {table} DEFAULT VALUES")).await, "{table}");
            }
        }
    }
    for role in [&mut auditor, &mut sealer] {
        for statement in [
            PLAIN,
            "SELECT public.lock_log_head()",
            "CREATE TABLE public.mine (a int)",
            "CREATE TEMP TABLE a (b int)",
        ] {
            assert!(!may(role, statement).await, "{statement}");
        }
    }
    all_is_well(&world).await;
}

#[tokio::test]
async fn a_clock_that_is_behind_the_log_does_not_stop_it() {
    let (world, owner) = world_with_events().await;
    let ahead = whole("size", "clock_timestamp() + interval '950 milliseconds'", "1", "a", LEAF);
    attack(&world.database.options_as(APP), "", &ahead).await.unwrap();
    crate::store::fund(&world.store, 3, 1).await;
    attack(&world.database.options_as(APP), "", PLAIN).await.unwrap();
    let rising: bool = sqlx::query_scalar(
        "SELECT bool_and(later) FROM (SELECT recorded_at > lag(recorded_at, 1, '-infinity') OVER (ORDER BY index) AS later
         FROM public.events) AS each",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    assert!(rising);
    assert_eq!(world.store.size().await.unwrap(), 4 + 1 + 2 + 1);

    // An owner who takes events out, in the middle and at the end: one finding each, and the end is missed too.
    let (world, owner) = world_with_events().await;
    attack(
        &world.database.options_as(OWNER),
        "ALTER TABLE public.events DISABLE TRIGGER refuse_change",
        "DELETE FROM public.events WHERE index IN (1, 3);
         ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_change",
    )
    .await
    .unwrap();
    let found = check_log(&owner, &|_| {}).await.unwrap().findings;
    assert!(found.iter().any(|one| one.index == 2 && one.what.contains("where 1 should")), "{found:?}");
    assert!(found.iter().any(|one| one.what.contains("says 4 events, there are 2")), "{found:?}");
}
