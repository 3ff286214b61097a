//! Sign-ins that were begun. Each belongs to one browser, comes back once, and within ten minutes.

use axum::http::HeaderMap;
use sqlx::PgPool;

use super::sessions::many;
use crate::auth::cookies::{Cookie, Cookies, Secret, key};

/// How long somebody may take at the provider, in minutes.
pub(super) const PATIENCE: u16 = 10;

/// What a sign-in rests on until it comes back.
#[derive(sqlx::FromRow)]
pub(super) struct Attempt {
    is_in_time: bool,
    /// What the identity token must hold.
    pub nonce: String,
    /// What proves to the provider that who began it ends it (PKCE).
    pub verifier: String,
    /// Where somebody wanted to go.
    pub next: String,
}

/// Keep what a sign-in rests on, and clear away what nobody came back for.
pub(super) async fn keep(
    pool: &PgPool,
    [state, browser, nonce, verifier]: [&Secret; 4],
    next: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM auth.attempt WHERE begun_at <= now() - make_interval(mins => $1)")
        .bind(i32::from(PATIENCE))
        .execute(pool)
        .await?;
    sqlx::query(
        "INSERT INTO auth.attempt (state, browser, nonce, verifier, next) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(state.key())
    .bind(browser.key())
    .bind(nonce.text())
    .bind(verifier.text())
    .bind(next)
    .execute(pool)
    .await?;
    Ok(())
}

/// Take what a sign-in rests on, where this browser began it: nobody else can, and nobody can twice.
pub(super) async fn take(
    pool: &PgPool,
    state: &str,
    cookies: Cookies,
    headers: &HeaderMap,
) -> Result<Option<Attempt>, sqlx::Error> {
    let browsers = cookies.keys_in(Cookie::SigningIn, headers);
    let taken = sqlx::query_as::<_, Attempt>(
        "DELETE FROM auth.attempt WHERE state = $1 AND browser = ANY($2)
         RETURNING begun_at > now() - make_interval(mins => $3) AS is_in_time, nonce, verifier, next",
    )
    .bind(key(state))
    .bind(many(&browsers))
    .bind(i32::from(PATIENCE))
    .fetch_optional(pool)
    .await?;
    Ok(taken.filter(|attempt| attempt.is_in_time))
}
