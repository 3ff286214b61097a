//! Which database: a real server named by `DATABASE_URL`, or the embedded one; connected as the owner to migrate and
//! as the app to work.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool, Row as _};

use super::Trouble;
use super::embedded::{self, Server, Settings};

/// The role that owns the tables and migrates them.
pub const OWNER: &str = "sidebyside_owner";
/// The role the server works as: it can read and append to the log, and nothing else there.
pub const APP: &str = "sidebyside_app";
/// The role that seals: it reads the log and adds checkpoints, and nothing else.
pub const SEALER: &str = "sidebyside_sealer";
/// Where the app finds what it reads by its bare name: the projections, and the log. What a session makes for itself
/// comes last, so that it hides neither; but for a look at the record as it stood, where it is all there is.
const PATH: &str = "views,public,pg_temp";
/// The oldest PostgreSQL that will do, as `server_version_num`.
const OLDEST: i32 = 150_000;

/// A pool of connections, for those who may not name the library it comes from.
pub type Pool = PgPool;

/// A database to work with, and the server process where it is our own.
pub struct Database {
    owner: PgConnectOptions,
    app: PgConnectOptions,
    sealer: PgConnectOptions,
    server: Option<Server>,
}

/// How to reach a server of one's own. Only the first is needed, where its login may do everything.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    /// Of the app: `DATABASE_URL`.
    pub app: Option<String>,
    /// For migrations: `SIDEBYSIDE_OWNER_URL`.
    pub owner: Option<String>,
    /// For seals: `SIDEBYSIDE_SEALER_URL`.
    pub sealer: Option<String>,
}

/// Why there is no database to work with.
#[derive(Debug, thiserror::Error)]
pub enum NoDatabase {
    /// The embedded server did not start.
    #[error(transparent)]
    Embedded(#[from] embedded::Trouble),
    /// `DATABASE_URL` cannot be read.
    #[error("DATABASE_URL cannot be read: {0}")]
    Address(sqlx::Error),
    /// The server does not answer, or not to us.
    #[error("the database does not answer: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// The server is too old.
    #[error("PostgreSQL 15 or later is needed; the server is {0}")]
    TooOld(String),
    /// A migration failed.
    #[error("the database could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl NoDatabase {
    /// What the process should exit with, by the numbers of sysexits.h.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Embedded(trouble) => trouble.exit_code(),
            Self::Address(_) | Self::TooOld(_) => 78,
            Self::Unreachable(_) => 69,
            Self::Migration(_) => 1,
        }
    }
}

impl Database {
    /// The server of `DATABASE_URL` when that is given, else the embedded one. Other logins are for where the app's own
    /// may not make tables, or may not seal.
    ///
    /// # Errors
    /// With a sentence that says what to do.
    pub async fn open(logins: &Logins, settings: Settings) -> Result<Self, NoDatabase> {
        let database = if let Some(url) = &logins.app {
            let app = PgConnectOptions::from_str(url).map_err(NoDatabase::Address)?;
            let other = |url: &Option<String>| {
                url.as_deref().map_or_else(|| Ok(app.clone()), PgConnectOptions::from_str)
            };
            let owner = other(&logins.owner).map_err(NoDatabase::Address)?;
            let sealer = other(&logins.sealer).map_err(NoDatabase::Address)?;
            Self { owner, app, sealer, server: None }
        } else {
            let server = Server::start(settings).await?;
            Self {
                owner: server.options(OWNER, "sidebyside"),
                app: server.options(APP, "sidebyside"),
                sealer: server.options(SEALER, "sidebyside"),
                server: Some(server),
            }
        };
        // One plain connection first: a pool would hide a refused connection behind its own time limit.
        let mut connection = PgConnection::connect_with(&database.owner).await?;
        let version: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        if version < OLDEST {
            return Err(NoDatabase::TooOld(version.to_string()));
        }
        Ok(database)
    }

    /// Bring the log’s tables up to date.
    ///
    /// # Errors
    /// When a migration cannot be run.
    pub async fn migrate(&self) -> Result<(), NoDatabase> {
        migrate(&self.owner).await
    }

    /// Keep the guards of the log up against the owner too, where the server is ours: of another, its administrator does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_guards(&self) -> Result<(), NoDatabase> {
        match &self.server {
            Some(server) => Ok(server.hold_guards().await?),
            None => Ok(()),
        }
    }

    /// How the owner connects.
    #[must_use]
    pub const fn owner(&self) -> &PgConnectOptions {
        &self.owner
    }

    /// How the app connects.
    #[must_use]
    pub const fn app(&self) -> &PgConnectOptions {
        &self.app
    }

    /// A small pool as the owner, for building projections.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owner_pool(&self) -> Result<Pool, Trouble> {
        Ok(PgPoolOptions::new().max_connections(4).connect_with(self.owner.clone()).await?)
    }

    /// How the sealer connects.
    #[must_use]
    pub const fn sealer(&self) -> &PgConnectOptions {
        &self.sealer
    }

    /// The folder of the embedded database, where it is ours.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.server.as_ref().map(Server::folder)
    }

    /// Whether the embedded database is that of a running server, which was joined.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.server.as_ref().is_some_and(Server::joined)
    }

    /// The embedded server, where it is ours.
    pub const fn server(&mut self) -> Option<&mut Server> {
        self.server.as_mut()
    }

    /// Stop the embedded server, where it is ours.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn close(self) -> Result<(), embedded::Trouble> {
        match self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}

/// Bring the log’s tables up to date, as the owner.
///
/// # Errors
/// When a migration cannot be run.
pub async fn migrate(owner: &PgConnectOptions) -> Result<(), NoDatabase> {
    let mut connection = PgConnection::connect_with(owner).await?;
    sqlx::migrate!().run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// A pool for the app. A login that is more than the app becomes the app, so that a fault of ours cannot do what the
/// app may not.
///
/// # Errors
/// When the database does not answer.
pub async fn app_pool(options: &PgConnectOptions, most: u32) -> Result<PgPool, Trouble> {
    let pool = PgPoolOptions::new()
        .max_connections(most)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(in_role(options, APP).await?.options([("search_path", PATH)]))
        .await?;
    Ok(pool)
}

/// A pool for the sealer: one connection for its questions, one for a copy of the log. A login that is more becomes
/// the sealer.
///
/// # Errors
/// When the database does not answer.
pub async fn sealer_pool(options: &PgConnectOptions) -> Result<Pool, Trouble> {
    let options = in_role(options, SEALER).await?;
    Ok(PgPoolOptions::new().max_connections(2).min_connections(0).connect_lazy_with(options))
}

/// Options that begin each connection in a role, where the login may take it.
async fn in_role(options: &PgConnectOptions, role: &'static str) -> Result<PgConnectOptions, Trouble> {
    let mut connection = PgConnection::connect_with(options).await?;
    let may: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)
             AND current_user <> $1
             AND pg_has_role(current_user, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1), 'MEMBER')",
    )
    .bind(role)
    .fetch_one(&mut connection)
    .await?;
    connection.close().await?;
    Ok(if may { options.clone().options([("role", role)]) } else { options.clone() })
}

/// What a look at the database finds.
#[derive(Debug, Clone)]
pub struct Look {
    /// The version of PostgreSQL.
    pub version: String,
    /// How many events the log has.
    pub size: i64,
    /// Which log this is.
    pub origin: uuid::Uuid,
    /// Whether we work in a role that can only append to the log.
    pub works_as_app: bool,
}

/// Look at the database as the app sees it.
///
/// # Errors
/// When the database does not answer.
pub async fn look(pool: &PgPool) -> Result<Look, Trouble> {
    let row = sqlx::query(
        "SELECT current_setting('server_version'), size, origin,
                NOT has_table_privilege('public.events', 'UPDATE, DELETE, TRUNCATE, TRIGGER')
         FROM public.log_head",
    )
    .fetch_one(pool)
    .await?;
    Ok(Look {
        version: row.try_get(0)?,
        size: row.try_get(1)?,
        origin: row.try_get(2)?,
        works_as_app: row.try_get(3)?,
    })
}
