//! The guards of the log stay up, whoever owns its tables: event triggers of the superuser, who is no role of the app.

use sqlx::{Connection, Executor, PgConnection};

/// For an administrator of another server too: `docs/operating.md`.
const GUARD: &str = include_str!("guard.sql");

/// Keeps the guards of the log as they stand now, until a superuser changes them. Where they are kept already, nothing is
/// done: what stands is what was kept.
///
/// # Errors
/// If `superuser` is none, or the connection fails.
pub async fn hold_guards(superuser: &mut PgConnection) -> sqlx::Result<()> {
    let mut all = superuser.begin().await?;
    let held: bool = sqlx::query_scalar(
        "SELECT count(*) = 2 FROM pg_event_trigger WHERE evtname IN ('hold_guards', 'hold_rows')",
    )
    .fetch_one(&mut *all)
    .await?;
    if !held {
        all.execute(GUARD).await?;
    }
    all.commit().await
}

/// Lets migrations and a restore change the guards.
///
/// # Errors
/// If `superuser` is none, or the connection fails.
pub async fn release_guards(superuser: &mut PgConnection) -> sqlx::Result<()> {
    superuser
        .execute("DROP EVENT TRIGGER IF EXISTS hold_guards; DROP EVENT TRIGGER IF EXISTS hold_rows")
        .await?;
    Ok(())
}
