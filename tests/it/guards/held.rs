//! The guards kept up against the owner too, as the embedded database has it, and what then is left to a superuser: that
//! nothing stops one, and each of these is found.

use sidebyside::projections;
use sidebyside::store::check::check_log;
use sidebyside::store::database::{APP, OWNER, sealer_pool};
use sidebyside::store::embedded::{SEALER, hold_guards, release_guards};
use sidebyside::store::seal::{PublicKey, SealKey, Sealer, Turns, check_seals};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool};

use super::{
    APPEND_ONLY, Attacks, CHANGES, DENIED, NOT_OWNER, PLAIN, all_refused, attack, state, world_with_events,
};
use crate::store::{all_is_well, superuser};
use crate::world::World;

/// How the guards answer whoever would take them down.
const UP: &str = "the guards of the log stay up";
/// How they answer whoever would write the rows anew past them.
const ANEW: &str = "would write it anew";

/// What the owner of the tables could do to them, were the guards not kept up.
const TAKING_DOWN: Attacks<'static> = &[
    // The triggers.
    ("ALTER TABLE public.events DISABLE TRIGGER refuse_change; UPDATE public.events SET payload = '{}'", UP),
    ("ALTER TABLE public.events DISABLE TRIGGER USER", UP),
    ("ALTER TABLE public.events ENABLE REPLICA TRIGGER refuse_change", UP),
    ("ALTER TABLE public.events ENABLE TRIGGER refuse_truncate", UP),
    ("DROP TRIGGER refuse_change ON public.events", UP),
    ("DROP TRIGGER guard_log_head ON public.log_head", UP),
    ("ALTER TABLE public.reference_counter DISABLE TRIGGER guard_reference_counter", UP),
    ("ALTER TABLE seal.checkpoint DISABLE TRIGGER refuse_change; DELETE FROM seal.checkpoint", UP),
    ("ALTER TABLE seal.cosignature DISABLE TRIGGER refuse_change; DELETE FROM seal.cosignature", UP),
    ("ALTER TABLE vault.reading DISABLE TRIGGER USER", UP),
    (
        "CREATE TRIGGER mine BEFORE INSERT ON public.events
         FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        UP,
    ),
    (
        "BEGIN; ALTER TABLE public.events DISABLE TRIGGER refuse_change; DELETE FROM public.events;
         ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_change; COMMIT",
        UP,
    ),
    (
        "DO $$ BEGIN EXECUTE 'ALTER TABLE public.events DISABLE TRIGGER USER'; DELETE FROM public.events;
         EXECUTE 'ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_change'; END $$",
        UP,
    ),
    // What they run.
    (
        "CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE plpgsql
         AS 'BEGIN RETURN NEW; END'; UPDATE public.events SET payload = '{}'",
        UP,
    ),
    (
        "CREATE OR REPLACE FUNCTION public.leaf_v1(entry public.events) RETURNS bytea IMMUTABLE LANGUAGE sql
         AS 'SELECT sha256(''x'')'",
        UP,
    ),
    ("ALTER FUNCTION public.move_log_head() SET search_path = views", UP),
    ("ALTER FUNCTION public.stamp_event() SECURITY INVOKER", UP),
    ("ALTER FUNCTION public.refuse_change() RENAME TO refused_change", UP),
    ("DROP FUNCTION public.refuse_change() CASCADE", UP),
    // The tables.
    ("DROP TABLE public.events CASCADE", UP),
    ("DROP OWNED BY sidebyside_owner CASCADE", UP),
    ("ALTER TABLE public.events RENAME TO old", UP),
    ("ALTER TABLE public.events SET SCHEMA views", UP),
    ("ALTER SCHEMA public RENAME TO old", UP),
    ("ALTER TABLE public.events ALTER COLUMN payload TYPE json USING '{\"b\":2}'::json", ANEW),
    ("ALTER TABLE public.events ALTER COLUMN payload TYPE jsonb", ANEW),
    ("ALTER TABLE public.events SET UNLOGGED", ANEW),
    ("ALTER TABLE public.events DROP COLUMN nonce", UP),
    ("ALTER TABLE public.events ADD COLUMN mine text", UP),
    ("ALTER TABLE public.events ALTER COLUMN nonce SET DEFAULT repeat('0', 32)", UP),
    ("ALTER TABLE public.events ALTER COLUMN leaf_hash DROP NOT NULL", UP),
    ("ALTER TABLE public.events DROP CONSTRAINT events_columns_repeat_metadata", UP),
    ("ALTER TABLE public.events DROP CONSTRAINT events_index_key", UP),
    ("ALTER TABLE public.events ENABLE ROW LEVEL SECURITY", UP),
    ("CREATE POLICY mine ON public.events USING (index <> 1)", UP),
    ("CREATE RULE mine AS ON INSERT TO public.events DO INSTEAD NOTHING", UP),
    ("CREATE RULE mine AS ON UPDATE TO public.log_head DO INSTEAD NOTHING", UP),
    ("CREATE TABLE public.mine () INHERITS (public.events)", UP),
    (
        "BEGIN; CREATE TABLE public.mine AS SELECT index FROM public.events;
         ALTER TABLE public.mine ADD PRIMARY KEY (index);
         ALTER TABLE public.events ADD FOREIGN KEY (index) REFERENCES public.mine ON DELETE CASCADE",
        UP,
    ),
    // What keeps them up.
    ("DROP EVENT TRIGGER hold_guards", NOT_OWNER),
    ("ALTER EVENT TRIGGER hold_guards DISABLE", NOT_OWNER),
    ("ALTER EVENT TRIGGER hold_rows OWNER TO sidebyside_owner", NOT_OWNER),
    ("DROP SCHEMA guard CASCADE", NOT_OWNER),
    ("DROP FUNCTION guard.hold() CASCADE", DENIED),
    ("UPDATE guard.held SET standing = ''", DENIED),
    (
        "CREATE OR REPLACE FUNCTION guard.standing() RETURNS text LANGUAGE sql
         AS 'SELECT standing FROM guard.held'",
        DENIED,
    ),
    ("CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION guard.hold()", DENIED),
    ("SET session_replication_role = replica", DENIED),
    ("ALTER ROLE sidebyside_owner SET session_replication_role = replica", DENIED),
    ("ALTER ROLE sidebyside_owner SUPERUSER", "alter"),
];

async fn held_world() -> (World, PgPool) {
    let (world, owner) = world_with_events().await;
    let mut session = superuser(&world).connect().await.unwrap();
    hold_guards(&mut session).await.unwrap();
    hold_guards(&mut session).await.unwrap();
    session.close().await.unwrap();
    (world, owner)
}

#[tokio::test]
async fn the_owner_cannot_take_the_guards_down() {
    let (world, owner) = held_world().await;
    let session = world.database.options_as(OWNER);
    // What the triggers refuse they refuse as before; a foreign key they no longer come to.
    let changes = CHANGES.iter().filter(|(statement, _)| !statement.contains("FOREIGN KEY"));
    let attacks: Vec<(&str, &str)> = TAKING_DOWN.iter().chain(changes).copied().collect();
    all_refused(&world, &owner, &session, "", &attacks).await;
    // The app finds nothing that the owner could not.
    let app = world.database.options_as(APP);
    for (statement, _) in TAKING_DOWN {
        let before = state(&owner).await;
        attack(&app, "", statement).await.expect_err(statement);
        assert_eq!(state(&owner).await, before, "{statement}");
    }
    all_is_well(&world).await;
}

#[tokio::test]
async fn the_owner_goes_on_with_everything_else() {
    let (world, owner) = held_world().await;
    let session = world.database.options_as(OWNER);
    for statement in [
        "CREATE TABLE views.mine (index bigint PRIMARY KEY); DROP TABLE views.mine",
        "CREATE INDEX mine ON public.events (event_type); DROP INDEX mine",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION public.mine()",
        "ALTER TABLE vault.item ALTER COLUMN made_at TYPE timestamptz USING made_at + interval '0'",
        "SELECT vault.write_anew()",
        "GRANT SELECT ON public.events TO sidebyside_auditor",
        PLAIN,
    ] {
        attack(&session, "", statement).await.unwrap_or_else(|why| panic!("{statement}: {why}"));
    }
    projections::install(&owner).await.unwrap();

    // It was these triggers that refused: once released, as for a migration, the owner may; and may not any more.
    let disable = "ALTER TABLE public.events DISABLE TRIGGER refuse_change";
    let mut administrator = superuser(&world).connect().await.unwrap();
    release_guards(&mut administrator).await.unwrap();
    attack(&session, "", disable).await.unwrap();
    attack(&session, "", "ALTER TABLE public.events ENABLE ALWAYS TRIGGER refuse_change").await.unwrap();
    attack(&session, "", "ALTER TABLE public.events ADD COLUMN later text").await.unwrap();
    hold_guards(&mut administrator).await.unwrap();
    let said = attack(&session, "", disable).await.unwrap_err().to_string();
    assert!(said.contains(UP), "{said}");
    let said = attack(&session, "", "UPDATE public.events SET later = 'x'").await.unwrap_err().to_string();
    assert!(said.contains(APPEND_ONLY), "{said}");
}

#[tokio::test]
async fn guards_that_are_down_are_not_kept() {
    for taken_down in [
        "ALTER TABLE public.events DISABLE TRIGGER refuse_change",
        "ALTER TABLE public.events ENABLE TRIGGER refuse_truncate",
        "ALTER TABLE public.events ENABLE REPLICA TRIGGER move_log_head",
        "DROP TRIGGER refuse_change ON seal.checkpoint",
    ] {
        let (world, _) = held_world().await;
        let mut administrator = superuser(&world).connect().await.unwrap();
        release_guards(&mut administrator).await.unwrap();
        attack(&world.database.options_as(OWNER), "", taken_down).await.unwrap();
        let said = hold_guards(&mut administrator).await.unwrap_err().to_string();
        assert!(said.contains("the guards of the log are down"), "{taken_down}: {said}");
    }
}

/// Nothing stops a superuser: the guards off, and every leaf worked out anew.
const OFF: &str = "SET session_replication_role = replica; ALTER TABLE public.events DISABLE TRIGGER ALL;
    ALTER TABLE public.log_head DISABLE TRIGGER ALL; ALTER TABLE seal.checkpoint DISABLE TRIGGER ALL;
    ALTER TABLE seal.cosignature DISABLE TRIGGER ALL";
const REHASHED: &str = "UPDATE public.events SET leaf_hash = public.leaf_v1(events)";

/// What finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The leaves worked out again from the rows.
    Leaves,
    /// The checkpoints in the database.
    Seals,
    /// A checkpoint that somebody holds elsewhere.
    Held,
}

/// A sum of money changed.
const DEARER: &str =
    "UPDATE public.events SET payload = replace(payload::text, '100.00', '900.00')::json WHERE index = 1";

/// What a superuser can do to the log, and the first that finds it. `DEARER` and `REHASHED` stand for the statements above.
const BY_A_SUPERUSER: &[(&str, By)] = &[
    ("DEARER", By::Leaves),
    ("UPDATE public.events SET leaf_hash = sha256('x') WHERE index = 2", By::Leaves),
    ("UPDATE public.log_head SET size = size + 1", By::Leaves),
    ("DELETE FROM public.events WHERE index = 1", By::Leaves),
    ("DELETE FROM public.events WHERE index = 3", By::Leaves),
    (
        "CREATE TABLE public.mine () INHERITS (public.events);
         INSERT INTO public.mine SELECT * FROM public.events WHERE index = 1",
        By::Leaves,
    ),
    ("UPDATE public.events SET sequence = sequence + 5 WHERE index = 3; REHASHED", By::Leaves),
    ("DEARER; REHASHED", By::Seals),
    (
        "UPDATE public.events SET metadata = replace(metadata::text, 'commissioner', 'finance')::json
         WHERE index = 1; REHASHED",
        By::Seals,
    ),
    (
        "UPDATE public.events SET recorded_at = recorded_at - interval '1 microsecond' WHERE index = 0; REHASHED",
        By::Seals,
    ),
    ("UPDATE public.events SET nonce = repeat('0', 32) WHERE index = 2; REHASHED", By::Seals),
    (
        "ALTER TABLE public.events ALTER COLUMN payload TYPE json
         USING replace(payload::text, '100.00', '900.00')::json; REHASHED",
        By::Seals,
    ),
    (
        "DELETE FROM public.events WHERE index = 3; UPDATE public.log_head SET size = 3,
         last_recorded_at = (SELECT max(recorded_at) FROM public.events)",
        By::Seals,
    ),
    (
        "DELETE FROM public.events WHERE index < 2; UPDATE public.events SET index = index - 2; REHASHED;
         UPDATE public.log_head SET size = 2",
        By::Seals,
    ),
    ("TRUNCATE public.events; UPDATE public.log_head SET size = 0", By::Seals),
    ("UPDATE seal.checkpoint SET root = sha256('x')", By::Seals),
    ("UPDATE seal.checkpoint SET note = replace(note, 'example', 'another')", By::Seals),
    ("DEARER; REHASHED; DELETE FROM seal.checkpoint", By::Held),
    (
        "TRUNCATE public.events; UPDATE public.log_head SET size = 0; TRUNCATE seal.checkpoint CASCADE",
        By::Held,
    ),
];

/// What finds something wrong, the nearest first.
async fn found_by(owner: &PgPool, key: &PublicKey, held: (u64, [u8; 32])) -> Option<By> {
    if !check_log(owner, &|_| {}).await.unwrap().findings.is_empty() {
        return Some(By::Leaves);
    }
    let turns = Turns::of(owner, key).await.unwrap();
    if !check_seals(owner, Some(turns.clone()), &[]).await.unwrap().findings.is_empty() {
        return Some(By::Seals);
    }
    let with_held = check_seals(owner, Some(turns), &[held]).await.unwrap();
    (!with_held.findings.is_empty()).then_some(By::Held)
}

#[tokio::test]
async fn what_a_superuser_does_is_found() {
    for (what, by) in BY_A_SUPERUSER {
        let (world, owner) = held_world().await;
        let folder = tempfile::tempdir().unwrap();
        let key = SealKey::make_file(&folder.path().join("seal.key"), "example.invalid/log").unwrap();
        let public = key.public().clone();
        let pool = sealer_pool(&world.database.options_as(SEALER)).await.unwrap();
        Sealer::open(pool, key).await.unwrap().seal().await.unwrap();
        let key = SealKey::from_file(&folder.path().join("seal.key")).unwrap();
        let held = key.last().unwrap().unwrap();
        assert_eq!(found_by(&owner, &public, held).await, None, "before: {what}");

        let mut session = superuser(&world).connect().await.unwrap();
        let statements = format!("{OFF}; {}", what.replace("DEARER", DEARER).replace("REHASHED", REHASHED));
        session.execute(&*statements).await.unwrap_or_else(|why| panic!("{what}: {why}"));
        assert_eq!(found_by(&owner, &public, held).await, Some(*by), "{what}");
    }
}
