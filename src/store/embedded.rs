//! The embedded database: a private, real PostgreSQL kept as a child of this process, for whoever names no server of their own.
//!
//! Nothing here is a second kind of database: the same programs, the same durable defaults, the same roles as in
//! production. What this room adds is the housekeeping that a person would otherwise do: find the programs, choose an
//! account that may run them, make the cluster, start it, hand it to the next process, and stop it without loss.
//!
//! - `programs`: which PostgreSQL is used. `account`: who runs it. `folder`: where it lives, and whose turn it is.
//! - `cluster`: made once, and what is found of an earlier run. `child`: the running server. `roles`: what the
//!   superuser leaves behind for the app. `guard`: what it keeps up around the log.

mod account;
mod child;
mod cluster;
mod folder;
mod guard;
mod programs;
mod roles;

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use account::Account;
use child::Running;
use folder::{Claim, Folder, Lock};

pub use guard::{hold_guards, release_guards};
pub use roles::{APP, AUDITOR, OWNER, ROLES, SEALER, make_database, make_roles, open_to_roles};

/// The database the app keeps its record in.
pub const DATABASE: &str = "sidebyside";

/// The cluster's own superuser. Only this room uses it, and only to make the roles and the database, and to keep the guards
/// of the log up.
pub const SUPERUSER: &str = "postgres";

/// Unix sockets are named by a port number too; with no port open, any number does.
const PORT: u16 = 5432;

/// What a process is, to the next one that wants the same folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Runs until told to stop: others join its server.
    Service,
    /// Ends by itself: others wait for that, for its server goes with it.
    Command,
}

/// How the embedded database is found and run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything is kept; else `/var/lib/sidebyside` for root, else the user's data home.
    pub folder: Option<PathBuf>,
    /// The folder of `postgres` and `initdb`. When given, nothing else is tried.
    pub programs: Option<PathBuf>,
    /// Who runs the server when this process is root; else `postgres`, else `nobody`.
    pub account: Option<String>,
    /// False only for tests: the server then forgets on a power cut, and is faster for it.
    pub durable: bool,
    /// What this process is.
    pub purpose: Purpose,
}

impl Settings {
    /// Reads `SIDEBYSIDE_DATA`, `SIDEBYSIDE_POSTGRES` and `SIDEBYSIDE_POSTGRES_ACCOUNT`; an empty one counts as unset.
    #[must_use]
    pub fn from_environment(purpose: Purpose) -> Settings {
        let read = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Settings {
            folder: read("SIDEBYSIDE_DATA").map(PathBuf::from),
            programs: read("SIDEBYSIDE_POSTGRES").map(PathBuf::from),
            account: read("SIDEBYSIDE_POSTGRES_ACCOUNT").map(|name| name.to_string_lossy().into_owned()),
            durable: true,
            purpose,
        }
    }
}

/// Why the embedded database could not be had. Each reads as sentences for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No usable programs: says what to install and where it looked.
    #[error("{0}")]
    NotFound(String),
    /// The folder was made by another major version than the ones found.
    #[error(
        "The data in {cluster} was made by PostgreSQL {needed}, and only that major version can open it. \
         Found: {found}. Install PostgreSQL {needed}, or name its folder in SIDEBYSIDE_POSTGRES."
    )]
    OtherVersion {
        /// The folder of the data.
        cluster: PathBuf,
        /// The major version that made it.
        needed: u32,
        /// The versions that are here.
        found: String,
    },
    /// No account may run the server.
    #[error("{0}")]
    Account(String),
    /// The folder cannot be used.
    #[error("{0}")]
    Folder(String),
    /// initdb failed; holds what it said.
    #[error("initdb could not make the database in {cluster}:\n{said}")]
    Initdb {
        /// The folder of the data.
        cluster: PathBuf,
        /// What initdb said.
        said: String,
    },
    /// The server did not start.
    #[error("The embedded database did not start ({status}). The end of {log}:\n{said}")]
    NotStarted {
        /// How the server ended.
        status: ExitStatus,
        /// Where its log is.
        log: PathBuf,
        /// The end of its log.
        said: String,
    },
    /// The server did not stop.
    #[error("The embedded database (process {process}) did not stop, even when killed.")]
    NotStopped {
        /// The number of the process.
        process: u32,
    },
    /// The machine refused something.
    #[error("Could not {doing}: {source}")]
    System {
        /// What could not be done.
        doing: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server runs but would not be made ready.
    #[error("The embedded database runs, but could not {doing}: {source}")]
    Database {
        /// What could not be done.
        doing: &'static str,
        /// Why.
        source: sqlx::Error,
    },
}

impl Trouble {
    /// What the process should exit with, by the numbers of sysexits.h: 78 asks for a change of set-up, 71 is the
    /// machine's refusal, 69 a server that would not serve.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Trouble::NotFound(_)
            | Trouble::OtherVersion { .. }
            | Trouble::Account(_)
            | Trouble::Folder(_) => 78,
            Trouble::System { .. } => 71,
            Trouble::Initdb { .. }
            | Trouble::NotStarted { .. }
            | Trouble::NotStopped { .. }
            | Trouble::Database { .. } => 69,
        }
    }

    fn system(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Trouble {
        let doing = doing.into();
        move |source| Trouble::System { doing, source }
    }
}

/// A running PostgreSQL: ours, or that of a service whose folder this is.
///
/// Dropping one that is ours stops it too, a moment later and unwatched; [`Server::stop`] waits and tells.
#[derive(Debug)]
pub struct Server {
    folder: Folder,
    hold: Hold,
    version: String,
}

#[derive(Debug)]
enum Hold {
    /// We started it and hold the folder's lock; the lock goes last, so that nobody starts before we have stopped.
    Ours {
        running: Box<Running>,
        _lock: Lock,
    },
    Theirs {
        process: u32,
    },
}

impl Server {
    /// Makes what is missing, starts the server or joins a service's, and returns when it answers and holds the roles
    /// and the database.
    ///
    /// While a short command holds the folder this waits for it. Recovery after a crash is waited for, however long.
    ///
    /// # Errors
    /// With sentences for the person at the terminal.
    pub async fn start(settings: Settings) -> Result<Server, Trouble> {
        let folder = Folder::choose(settings.folder.as_deref())?;
        let account = Account::choose(&folder, settings.account.as_deref()).await?;
        let programs = programs::find(settings.programs.as_deref(), &folder, &account).await?;
        let folder = folder.prepare(&account).await?;

        let hold = match folder.claim(settings.purpose, &account).await? {
            Claim::Ours(lock) => {
                cluster::end_orphan(&folder).await?;
                cluster::make(&folder, &account, &programs, settings.durable).await?;
                let running = Running::start(&folder, &account, &programs, settings.durable).await?;
                Hold::Ours { running: Box::new(running), _lock: lock }
            }
            Claim::Theirs(process) => Hold::Theirs { process },
        };
        let mut server = Server { folder, hold, version: programs.version };
        server.prepare().await?;
        Ok(server)
    }

    /// How to connect to `database` as `role`. Says everything itself, for sqlx would take the rest from `PG*` variables.
    #[must_use]
    pub fn options(&self, role: &str, database: &str) -> PgConnectOptions {
        connect_options(self.folder.socket(), role, database)
    }

    /// Resolves when the server is no longer there, with a sentence that says what is known.
    pub async fn ended(&mut self) -> String {
        match &mut self.hold {
            Hold::Ours { running, .. } => running.ended(&self.folder).await,
            Hold::Theirs { process } => {
                cluster::gone(*process, &self.folder).await;
                format!(
                    "The embedded database of another process (server process {process}) has been stopped."
                )
            }
        }
    }

    /// Stops a server of ours and waits for its end; leaves a joined one running.
    ///
    /// # Errors
    /// With sentences for the person at the terminal.
    pub async fn stop(self) -> Result<(), Trouble> {
        match self.hold {
            Hold::Ours { running, .. } => running.stop(&self.folder).await,
            Hold::Theirs { .. } => Ok(()),
        }
    }

    /// Lets go of the server without stopping it: the caller has seen to its end. For a test run's server, which many
    /// processes share.
    pub async fn leave(self) {
        if let Hold::Ours { running, .. } = self.hold {
            running.leave().await;
        }
    }

    /// The number of the server's main process.
    #[must_use]
    pub fn process(&self) -> u32 {
        match &self.hold {
            Hold::Ours { running, .. } => running.process(),
            Hold::Theirs { process } => *process,
        }
    }

    /// Whether another process started this server and will stop it.
    #[must_use]
    pub fn joined(&self) -> bool {
        matches!(self.hold, Hold::Theirs { .. })
    }

    /// Where everything is kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the server's socket, which is all that a client needs to know.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.socket()
    }

    /// As PostgreSQL says it: `15.18`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Keeps the guards of the log up from now on, against everybody but the superuser. They are released when the server
    /// is started, for migrations.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_guards(&self) -> Result<(), Trouble> {
        let trouble = |source| Trouble::Database { doing: "keep the guards of the log up", source };
        let mut superuser = self.options(SUPERUSER, DATABASE).connect().await.map_err(trouble)?;
        hold_guards(&mut superuser).await.map_err(trouble)?;
        superuser.close().await.map_err(trouble)
    }

    /// One plain connection, not a pool: a pool would hide a refused connection for half a minute.
    async fn prepare(&mut self) -> Result<(), Trouble> {
        let trouble = |doing| move |source| Trouble::Database { doing, source };
        let mut superuser =
            self.options(SUPERUSER, "postgres").connect().await.map_err(trouble("connect to it"))?;
        self.version = sqlx::query_scalar("select split_part(current_setting('server_version'), ' ', 1)")
            .fetch_one(&mut superuser)
            .await
            .map_err(trouble("ask its version"))?;
        make_roles(&mut superuser).await.map_err(trouble("make its roles"))?;
        superuser.close().await.map_err(trouble("close a connection"))?;
        make_database(&self.options(SUPERUSER, "postgres"), DATABASE)
            .await
            .map_err(trouble("make its database"))?;
        if !self.joined() {
            let mut inside =
                self.options(SUPERUSER, DATABASE).connect().await.map_err(trouble("connect to it"))?;
            release_guards(&mut inside).await.map_err(trouble("release the guards of the log"))?;
            inside.close().await.map_err(trouble("close a connection"))?;
        }
        tracing::info!(version = self.version, folder = %self.folder.path().display(), "embedded database ready");
        Ok(())
    }
}

/// How to reach the server whose socket lies in `socket`. For processes that did not start it but were told of it.
#[must_use]
pub fn connect_options(socket: &Path, role: &str, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("localhost")
        .socket(socket)
        .port(PORT)
        .username(role)
        .database(database)
        .ssl_mode(PgSslMode::Disable)
        .application_name("sidebyside")
}
