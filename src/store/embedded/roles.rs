//! What the superuser leaves behind: the app's roles and its database. The app itself never is the superuser, so that a
//! mistake in it meets the same refusals here as in production.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

/// Owns the tables, and alone may change them: migrations run as this role.
pub const OWNER: &str = "sidebyside_owner";
/// What the running app is: appends and reads.
pub const APP: &str = "sidebyside_app";
/// Seals the record.
pub const SEALER: &str = "sidebyside_sealer";
/// Reads, and nothing else.
pub const AUDITOR: &str = "sidebyside_auditor";

/// All of them.
pub const ROLES: [&str; 4] = [OWNER, APP, SEALER, AUDITOR];

/// Keeps two processes that start at once from making the same thing: CREATE ROLE knows no IF NOT EXISTS. Any number
/// does that nobody else takes.
const TURN: i64 = 0x5349_4445_4259_5349;

/// Makes the four roles where they are missing. None is more than an account that may log in.
///
/// # Errors
/// If `superuser` may not make roles, or the connection fails.
pub async fn make_roles(superuser: &mut PgConnection) -> sqlx::Result<()> {
    let mut all = superuser.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(TURN).execute(&mut *all).await?;
    let found: Vec<String> = sqlx::query_scalar("select rolname::text from pg_roles where rolname = any($1)")
        .bind(&ROLES[..])
        .fetch_all(&mut *all)
        .await?;
    for role in ROLES.iter().filter(|role| !found.iter().any(|name| name == *role)) {
        let statement =
            format!("create role {role} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls");
        all.execute(statement.as_str()).await?;
    }
    all.commit().await
}

/// Makes the database `name` if it is missing or was left half made: owned by [`OWNER`], open to the four roles and to
/// nobody else, its letters and their order the same on every machine.
///
/// `superuser` says how to connect to the server's own database `postgres`. The roles must be there.
///
/// # Errors
/// If the superuser may not make databases, or a connection fails.
pub async fn make_database(superuser: &PgConnectOptions, name: &str) -> sqlx::Result<()> {
    let mut outside = superuser.connect().await?;
    sqlx::query("select pg_advisory_lock($1)").bind(TURN).execute(&mut outside).await?;
    // The public is shut out last of all, so while it may come in something may be missing.
    let open: Option<bool> = sqlx::query_scalar(
        "select has_database_privilege('public', datname, 'connect') from pg_database where datname = $1",
    )
    .bind(name)
    .fetch_optional(&mut outside)
    .await?;
    if open.is_none() {
        let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int")
            .fetch_one(&mut outside)
            .await?;
        let locale = if version >= 170_000 {
            "locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
        } else {
            "locale_provider libc locale 'C.UTF-8'"
        };
        let name = quoted(name);
        let statement =
            format!("create database {name} owner {OWNER} template template0 encoding 'UTF8' {locale}");
        outside.execute(statement.as_str()).await?;
    }
    if open != Some(false) {
        let mut inside = superuser.clone().database(name).connect().await?;
        inside.execute("revoke create on schema public from public").await?;
        inside.close().await?;
        open_to_roles(&mut outside, name).await?;
    }
    outside.close().await
}

/// Opens the database `name` to the four roles, and closes it to everyone else but its owner. A database copied from a
/// template needs this again, for the copy does not take it over.
///
/// # Errors
/// If `superuser` does not own the database, or the connection fails.
pub async fn open_to_roles(superuser: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let (name, roles) = (quoted(name), ROLES.join(", "));
    let statement =
        format!("grant connect on database {name} to {roles}; revoke all on database {name} from public");
    superuser.execute(statement.as_str()).await?;
    Ok(())
}

/// A name as it must stand in a statement, which takes no parameters where a name is meant.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
