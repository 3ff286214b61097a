//! A database of its own for each test: a copy of one migrated template, on one throwaway server for the whole test run.
//!
//! The run is known by its parent process (cargo, nextest), so that all its test processes find the same server; a
//! watchdog ends the server and removes its folder when that parent is no more, however it went. `TEST_DATABASE_URL`
//! names a real server to be used instead; `DATABASE_URL` is never looked at, for it may name production.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use sidebyside::store::embedded::{self, Purpose, Server, Settings};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

/// The least free memory that makes `/dev/shm` worth using: beneath it a run could fill it.
const ROOM: u64 = 2 * 1024 * 1024 * 1024;

/// When the process `$1` was started; nothing if it is no more. With its number that names a process for good.
const BORN: &str = r#"
born() {
    if [ -d /proc/self ]; then
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return
        set -- ${stat##*) }
        [ "$1" = Z ] || echo "${20}"
    else
        ps -o lstart= -p "$1"
    fi
}
"#;

/// Waits for the end of the process `$1` born at `$2`, then ends the server `$3` and removes `$4` and `$5`.
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
server=$(born "$3")
while [ "$(born "$1")" = "$2" ]; do sleep 1; done
for way in QUIT KILL; do
    tenths=100
    [ "$(born "$3")" = "$server" ] && kill -s "$way" "$3"
    while [ "$tenths" -gt 0 ] && [ -n "$server" ] && [ "$(born "$3")" = "$server" ]; do
        sleep 0.1
        tenths=$((tenths - 1))
    done
done
rm -rf "$4" "$5"
"#;

/// How to reach the run's server as its superuser. Found once per process.
static SERVER: OnceCell<PgConnectOptions> = OnceCell::const_new();

/// A database that one test has to itself. Dropping it drops it on the server too, with whoever is connected.
#[derive(Debug)]
pub struct Database {
    pub name: String,
    superuser: PgConnectOptions,
}

/// A new database, migrated.
///
/// `fingerprint` names the state that `migrate` brings an empty database to: the first test of the run that asks for it
/// runs `migrate`, as the owner, and all later ones copy what it made. Panics, never skips, when there is no server.
pub async fn fresh<Migration>(
    fingerprint: &str,
    migrate: impl FnOnce(PgConnectOptions) -> Migration,
) -> Database
where
    Migration: Future<Output = ()>,
{
    let superuser = SERVER.get_or_init(server).await.clone();
    let mut connection = superuser.connect().await.expect("the test server takes connections");
    let template = template_name(fingerprint);
    if !is_template(&mut connection, &template).await {
        make_template(&mut connection, &superuser, &template, migrate).await;
    }
    let name = format!("sidebyside_test_{}", uuid::Uuid::new_v4().simple());
    let copy =
        format!("create database {name} owner {} template {template} strategy file_copy", embedded::OWNER);
    connection.execute(copy.as_str()).await.expect("the template can be copied");
    embedded::open_to_roles(&mut connection, &name).await.expect("a new database can be opened to the roles");
    connection.close().await.expect("a connection can be closed");
    Database { name, superuser }
}

impl Database {
    /// How to connect to this database as one of the app's roles.
    pub fn options_as(&self, role: &str) -> PgConnectOptions {
        self.superuser.clone().username(role).database(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // On a thread of its own, for a test's runtime cannot be waited on from within itself.
        let (superuser, name) = (self.superuser.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(drop_database(&superuser, &name)).map_err(std::io::Error::other)
        });
        // The test has said what it had to say, and the server is thrown away: a failure here changes nothing.
        if let Ok(Err(why)) = dropping.join() {
            eprintln!("the database {} was not dropped: {why}", self.name);
        }
    }
}

async fn drop_database(superuser: &PgConnectOptions, name: &str) -> sqlx::Result<()> {
    let mut connection = superuser.connect().await?;
    connection.execute(format!("drop database if exists {name} with (force)").as_str()).await?;
    connection.close().await
}

/// The fingerprint may be of any kind; a name has few letters, and 63 of them at most.
fn template_name(fingerprint: &str) -> String {
    let plain: String = fingerprint.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    format!("sidebyside_template_{}", plain.to_ascii_lowercase())
}

/// Whether the template stands whole: it is marked as one last of all.
async fn is_template(connection: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("select datistemplate from pg_database where datname = $1")
        .bind(name)
        .fetch_optional(connection)
        .await
        .expect("the server's databases can be listed")
        .unwrap_or(false)
}

/// Makes the template, or waits for the process that is about it. A half made one, left by a test that was killed or
/// whose migration failed, is made anew.
async fn make_template<Migration>(
    connection: &mut PgConnection,
    superuser: &PgConnectOptions,
    name: &str,
    migrate: impl FnOnce(PgConnectOptions) -> Migration,
) where
    Migration: Future<Output = ()>,
{
    // Held by this connection, so let go of even when `migrate` panics.
    sqlx::query("select pg_advisory_lock(hashtextextended($1, 0))")
        .bind(name)
        .execute(&mut *connection)
        .await
        .expect("the template's lock can be waited for");
    if !is_template(connection, name).await {
        let run = async |statement: String, connection: &mut PgConnection| {
            connection.execute(statement.as_str()).await.expect("the template can be made");
        };
        run(format!("drop database if exists {name} with (force)"), connection).await;
        embedded::make_database(superuser, name).await.expect("the template can be made");
        migrate(superuser.clone().username(embedded::OWNER).database(name)).await;
        // A pool that `migrate` dropped may still be hanging up, and only a database without guests can be copied.
        run(format!("alter database {name} allow_connections false"), connection).await;
        sqlx::query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1")
            .bind(name)
            .execute(&mut *connection)
            .await
            .expect("the template can be emptied of guests");
        run(format!("alter database {name} is_template true"), connection).await;
    }
    sqlx::query("select pg_advisory_unlock(hashtextextended($1, 0))")
        .bind(name)
        .execute(connection)
        .await
        .expect("the template's lock can be let go");
}

/// The run's server, with the roles: the one named, else the one that this run's tests share.
async fn server() -> PgConnectOptions {
    if let Ok(address) = std::env::var("TEST_DATABASE_URL")
        && !address.is_empty()
    {
        return named_server(&address).await;
    }
    let socket = shared_socket().await;
    embedded::connect_options(&socket, embedded::SUPERUSER, "postgres")
}

/// A real server's superuser, with the roles made. New roles get the superuser's password, so that the same address
/// serves for them.
async fn named_server(address: &str) -> PgConnectOptions {
    let superuser =
        PgConnectOptions::from_str(address).expect("TEST_DATABASE_URL is an address of PostgreSQL");
    let mut connection = superuser.connect().await.expect("TEST_DATABASE_URL names a server that answers");
    let before: Vec<String> = sqlx::query_scalar("select rolname::text from pg_roles")
        .fetch_all(&mut connection)
        .await
        .expect("the server's roles can be listed");
    embedded::make_roles(&mut connection)
        .await
        .expect("TEST_DATABASE_URL names an account that may make roles");
    if let Some(password) = password_in(address) {
        for role in embedded::ROLES.iter().filter(|role| !before.iter().any(|known| known == *role)) {
            let statement = format!("alter role {role} password '{}'", password.replace('\'', "''"));
            connection.execute(statement.as_str()).await.expect("a new role can be given a password");
        }
    }
    connection.close().await.expect("a connection can be closed");
    superuser
}

/// The password of `postgres://user:password@host/`, which sqlx keeps to itself.
fn password_in(address: &str) -> Option<String> {
    let (account, _) = address.split_once("://")?.1.split('/').next()?.rsplit_once('@')?;
    let mut bytes = account.split_once(':')?.1.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        let coded = (byte == b'%').then(|| [bytes.next(), bytes.next()]);
        plain.push(match coded {
            Some([Some(high), Some(low)]) => {
                u8::from_str_radix(std::str::from_utf8(&[high, low]).ok()?, 16).ok()?
            }
            Some(_) => return None,
            None => byte,
        });
    }
    String::from_utf8(plain).ok()
}

/// The socket of this run's throwaway server, which the first to come here starts.
async fn shared_socket() -> PathBuf {
    // A process without a parent to speak of is a run by itself.
    let run = Some(parent_id()).filter(|parent| *parent > 1).unwrap_or_else(std::process::id);
    let born = born(run);
    let user = rustix::process::geteuid().as_raw();
    let word: String = born.chars().filter(char::is_ascii_alphanumeric).collect();
    let folder = place().join(format!("sidebyside-tests-{user}-{run}-{word}"));
    let register_path = folder.with_extension("lock");
    let mut register = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&register_path)
        .unwrap_or_else(|why| panic!("{} cannot be opened: {why}", register_path.display()));
    register.lock().expect("the test run's lock can be waited for");
    let mut socket = String::new();
    register.read_to_string(&mut socket).expect("the test run's register can be read");
    if !socket.is_empty() {
        return PathBuf::from(socket);
    }
    start_shared(&folder, &register_path, &mut register, run, &born).await
}

#[expect(clippy::zombie_processes, reason = "the watchdog outlives this process, as it must")]
async fn start_shared(
    folder: &Path,
    register_path: &Path,
    register: &mut File,
    run: u32,
    born: &str,
) -> PathBuf {
    let settings = Settings {
        folder: Some(folder.to_owned()),
        durable: false,
        ..Settings::from_environment(Purpose::Command)
    };
    let server = match Server::start(settings).await {
        Ok(server) => server,
        Err(trouble) => {
            // No watchdog will. What cannot be removed is small, and the panic says more.
            let _stays = std::fs::remove_dir_all(folder);
            panic!("{trouble}");
        }
    };
    Command::new("sh")
        .arg("-c")
        .arg(format!("{BORN}{WATCHDOG}"))
        .args(["sidebyside-tests-watchdog", &run.to_string(), born, &server.process().to_string()])
        .args([folder, register_path])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("the test server's watchdog starts");
    let socket = server.socket().to_owned();
    server.leave().await;
    write!(register, "{}", socket.display()).expect("the test run's register can be written");
    socket
}

fn born(process: u32) -> String {
    let told = Command::new("sh")
        .arg("-c")
        .arg(format!("{BORN}born \"$1\""))
        .args(["sh", &process.to_string()])
        .output()
        .expect("a shell can be run");
    String::from_utf8_lossy(&told.stdout).trim().to_owned()
}

/// In memory where there is room for it, else where temporary things go.
pub fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    match rustix::fs::statvfs(memory) {
        Ok(space) if space.f_bavail * space.f_frsize >= ROOM => memory.to_owned(),
        Ok(_) | Err(_) => std::env::temp_dir(),
    }
}
