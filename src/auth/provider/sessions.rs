//! Sessions in the database: they outlast a restart, and any number of servers share them.
//!
//! Times are the database's, so that servers need not agree. What a session holds is changed one column at a time: a
//! request that comes late neither brings back a session that ended nor undoes what another changed.

use axum::http::HeaderMap;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

use super::claims::Capacity;
use crate::auth::Identity;
use crate::auth::cookies::{Cookie, Cookies, Key, Secret};
use crate::domain::identity::{PartnerId, PersonId};

/// How long a session may lie idle, in minutes.
const IDLE: i32 = 2 * 60;

/// How long a session lasts however much it is used, in minutes: a working day. Roles are asked for anew after it.
const LONGEST: i32 = 12 * 60;

/// How a request stands towards the sessions.
pub(super) enum Standing {
    /// It carries a session that is alive.
    Alive(Box<Session>),
    /// It carries a cookie of a session that ended: signed out, idle too long, or too old.
    Ended,
    /// It carries no cookie.
    None,
}

/// A session that is alive.
pub(super) struct Session {
    key: Vec<u8>,
    /// Who, acting as what.
    pub identity: Identity,
    /// What they may act as.
    pub choices: Vec<Capacity>,
}

#[derive(sqlx::FromRow)]
struct Row {
    key: Vec<u8>,
    person_id: Uuid,
    display_name: String,
    role: String,
    partner_id: Option<Uuid>,
    choices: Json<Vec<Capacity>>,
    is_unseen: bool,
}

/// Begin a session, and clear away those that ended.
pub(super) async fn open(
    pool: &PgPool,
    secret: &Secret,
    person: PersonId,
    choices: &[Capacity],
    first: Capacity,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM auth.session WHERE seen_at <= now() - make_interval(mins => $1)
             OR began_at <= now() - make_interval(mins => $2)",
    )
    .bind(IDLE)
    .bind(LONGEST)
    .execute(pool)
    .await?;
    sqlx::query(
        "INSERT INTO auth.session (key, person_id, role, partner_id, choices) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(secret.key())
    .bind(person.0)
    .bind(first.role.name())
    .bind(first.partner.map(Uuid::from))
    .bind(Json(choices))
    .execute(pool)
    .await?;
    Ok(())
}

/// Who a request's cookie stands for. Being asked keeps the session alive; that is written once a minute.
pub(super) async fn standing(
    pool: &PgPool,
    cookies: Cookies,
    headers: &HeaderMap,
) -> Result<Standing, sqlx::Error> {
    let keys = cookies.keys_in(Cookie::Session, headers);
    if keys.is_empty() {
        return Ok(Standing::None);
    }
    let row = sqlx::query_as::<_, Row>(
        "SELECT key, person_id, display_name, role, partner_id, choices,
                seen_at < now() - interval '1 minute' AS is_unseen
         FROM auth.session JOIN auth.account USING (person_id)
         WHERE key = ANY($1) AND seen_at > now() - make_interval(mins => $2)
             AND began_at > now() - make_interval(mins => $3)
         ORDER BY began_at DESC LIMIT 1",
    )
    .bind(many(&keys))
    .bind(IDLE)
    .bind(LONGEST)
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(Standing::Ended) };
    if row.is_unseen {
        sqlx::query("UPDATE auth.session SET seen_at = now() WHERE key = $1")
            .bind(&row.key)
            .execute(pool)
            .await?;
    }
    // A role that a later program took away ends the session: nobody acts as what there no longer is.
    let Ok(role) = row.role.parse() else { return Ok(Standing::Ended) };
    let identity = Identity {
        person: PersonId(row.person_id),
        name: row.display_name,
        role,
        partner: row.partner_id.map(PartnerId),
    };
    Ok(Standing::Alive(Box::new(Session { key: row.key, identity, choices: row.choices.0 })))
}

/// Let a session act as something else that it may. Whether it was still there.
pub(super) async fn act(pool: &PgPool, session: &Session, chosen: Capacity) -> Result<bool, sqlx::Error> {
    let changed =
        sqlx::query("UPDATE auth.session SET role = $2, partner_id = $3, seen_at = now() WHERE key = $1")
            .bind(&session.key)
            .bind(chosen.role.name())
            .bind(chosen.partner.map(Uuid::from))
            .execute(pool)
            .await?;
    Ok(changed.rows_affected() == 1)
}

/// End the sessions a request carries.
pub(super) async fn close(pool: &PgPool, cookies: Cookies, headers: &HeaderMap) -> Result<(), sqlx::Error> {
    let keys = cookies.keys_in(Cookie::Session, headers);
    sqlx::query("DELETE FROM auth.session WHERE key = ANY($1)").bind(many(&keys)).execute(pool).await?;
    Ok(())
}

/// Keys as a list of the database.
pub(super) fn many(keys: &[Key]) -> Vec<&[u8]> {
    keys.iter().map(<[u8; 32]>::as_slice).collect()
}
