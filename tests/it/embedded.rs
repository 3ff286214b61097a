//! The embedded database itself: real processes, each test in a folder of its own, killed and started again.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use sidebyside::store::embedded::{APP, DATABASE, OWNER, Purpose, SUPERUSER, Server, Settings, Trouble};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

/// Names the folder to the helper process, and makes the helper test do anything at all.
const HELPER: &str = "SIDEBYSIDE_TEST_HELPER";

/// A folder that the server's account can reach. What runs in it ends with the test, by the server's own watchdog.
fn scratch() -> TempDir {
    tempfile::Builder::new()
        .prefix("sidebyside-embedded-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(crate::database::place())
        .expect("a temporary folder can be made")
}

fn settings(folder: &Path, purpose: Purpose) -> Settings {
    Settings { folder: Some(folder.to_owned()), ..Settings::from_environment(purpose) }
}

async fn start(folder: &Path) -> Server {
    Server::start(settings(folder, Purpose::Command)).await.unwrap_or_else(|trouble| panic!("{trouble}"))
}

async fn refused(settings: Settings) -> Trouble {
    match Server::start(settings).await {
        Ok(server) => panic!("it started in {}", server.folder().display()),
        Err(trouble) => trouble,
    }
}

async fn connect(server: &Server, role: &str) -> PgConnection {
    server.options(role, DATABASE).connect().await.expect("the server takes connections")
}

async fn say<T>(connection: &mut PgConnection, question: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(question).fetch_one(connection).await.expect("the question is answered")
}

/// The living processes whose command line names something in `folder`: the server, its watchdog, an initdb. None where
/// there is no `/proc` to ask.
fn processes_of(folder: &Path) -> Vec<(u32, String)> {
    let folder = folder.canonicalize().expect("the folder is there").display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter_map(|number| {
            let line = std::fs::read(format!("/proc/{number}/cmdline")).ok()?;
            Some((number, String::from_utf8_lossy(&line).replace('\0', " ")))
        })
        .filter(|(_, line)| line.contains(&folder))
        .collect()
}

async fn until_nothing_runs_in(folder: &Path) {
    while !processes_of(folder).is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn kill(process: u32) {
    let pid = Pid::from_raw(process.try_into().expect("a process number is small")).expect("and not zero");
    kill_process(pid, Signal::KILL).expect("the process is there to be killed");
}

/// Another process of ours that runs the database and writes to it until it is told to stop or killed.
struct Helper {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Helper {
    fn start(command: Command) -> Helper {
        let mut child = tokio::process::Command::from(command)
            .args(["--exact", "embedded::helper", "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the test binary can be run again");
        let said = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        Helper { child, said }
    }

    fn in_folder(folder: &Path) -> Helper {
        let mut command = Command::new(std::env::current_exe().expect("a test binary has a path"));
        command.env(HELPER, folder);
        Helper::start(command)
    }

    /// The next thing it says to us and not to the person running the tests.
    async fn next(&mut self) -> String {
        loop {
            let line = self.said.next_line().await.expect("the helper can be heard");
            let line = line.expect("the helper has something left to say");
            if let Some(word) = line.strip_prefix("helper: ") {
                return word.to_owned();
            }
        }
    }

    /// Waits for `count` rows to be acknowledged.
    async fn rows(&mut self, count: usize) -> Vec<i64> {
        let mut rows = Vec::new();
        while rows.len() < count {
            rows.push(self.next().await.parse().expect("the helper says the number of each row"));
        }
        rows
    }

    async fn kill(mut self) {
        self.child.kill().await.expect("the helper can be killed");
    }

    async fn stop(mut self) {
        drop(self.child.stdin.take());
        while self.next().await != "stopped" {}
        let status = self.child.wait().await.expect("the helper ends");
        assert!(status.success(), "the helper ended with {status}");
    }
}

#[tokio::test]
#[ignore = "a process of its own, run by the tests of this file"]
async fn helper() {
    let Some(folder) = std::env::var_os(HELPER) else { return };
    let folder = Some(PathBuf::from(folder)).filter(|folder| !folder.as_os_str().is_empty());
    let tell = |word: &str| writeln!(std::io::stdout(), "\nhelper: {word}").expect("the test listens");
    let server = Server::start(Settings { folder, ..Settings::from_environment(Purpose::Command) })
        .await
        .unwrap_or_else(|trouble| panic!("{trouble}"));
    let mut connection = connect(&server, OWNER).await;
    connection.execute("create table if not exists line (n bigserial primary key)").await.expect("a table");
    let listening = std::thread::spawn(|| std::io::stdin().lines().count());
    while !listening.is_finished() {
        let n: i64 = say(&mut connection, "insert into line default values returning n").await;
        tell(&n.to_string());
    }
    server.stop().await.unwrap_or_else(|trouble| panic!("{trouble}"));
    tell("stopped");
}

#[tokio::test]
async fn starts_from_nothing_with_durable_settings_and_roles_of_little_power() {
    let scratch = scratch();
    let folder = scratch.path().join("a/b");
    let server = start(&folder).await;

    assert_eq!(folder.metadata().expect("the folder is there").mode() & 0o7777, 0o700);
    assert!(!server.joined());
    let mut owner = connect(&server, OWNER).await;
    for (setting, value) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("server_version", server.version()),
    ] {
        let set: String =
            say(&mut owner, &format!("select split_part(current_setting('{setting}'), ' ', 1)")).await;
        assert_eq!(set, value, "{setting}");
    }
    let powers: i64 = say(
        &mut owner,
        "select count(*) from pg_roles where rolname like 'sidebyside\\_%' and rolcanlogin
         and not (rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)",
    )
    .await;
    assert_eq!(powers, 4);
    let mine: bool = say(
        &mut owner,
        "select pg_get_userbyid(datdba) = current_user from pg_database where datname = current_database()",
    )
    .await;
    assert!(mine, "the owner owns the database");
    let order: String = say(
        &mut owner,
        "select string_agg(word, '' order by word) from unnest(array['b', 'é', 'B', 'a']) word",
    )
    .await;
    assert_eq!(order, "Babé", "letters are ordered by their code, on every machine alike");

    let mut app = connect(&server, APP).await;
    assert!(app.execute("create table public.mine ()").await.is_err(), "the app may make no tables");
    assert!(app.execute("create temporary table mine ()").await.is_err(), "not even temporary ones");
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn keeps_data_between_runs_and_a_clean_stop_leaves_no_process() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    let server = start(&folder).await;
    let mut owner = connect(&server, OWNER).await;
    owner.execute("create table kept (n int); insert into kept values (7)").await.expect("a row");
    // This session stays open: a stop does not wait for guests.
    server.stop().await.expect("it stops");
    assert_eq!(processes_of(&folder), []);
    assert!(!folder.join("cluster/postmaster.pid").exists(), "the stop was a clean one");

    let server = start(&folder).await;
    let kept: i32 =
        say(&mut connect(&server, APP).await, "select 7 from pg_class where relname = 'kept'").await;
    assert_eq!(kept, 7);
    let rows: i64 = say(&mut connect(&server, OWNER).await, "select count(*) from kept").await;
    assert_eq!(rows, 1);
    drop(server);
    until_nothing_runs_in(&folder).await;
}

#[tokio::test]
async fn no_acknowledged_row_is_lost_when_the_owner_is_killed() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    let mut acknowledged = Vec::new();
    for _ in 0..3 {
        let mut helper = Helper::in_folder(&folder);
        acknowledged.extend(helper.rows(20).await);
        helper.kill().await;
    }
    let server = start(&folder).await;
    let found: Vec<i64> = sqlx::query_scalar("select n from line")
        .fetch_all(&mut connect(&server, OWNER).await)
        .await
        .expect("the rows can be read");
    let lost: Vec<&i64> = acknowledged.iter().filter(|n| !found.contains(n)).collect();
    assert!(lost.is_empty(), "lost {lost:?} of {acknowledged:?}");
    server.stop().await.expect("it stops");

    let mut helper = Helper::in_folder(&folder);
    helper.rows(1).await;
    helper.kill().await;
    until_nothing_runs_in(&folder).await;
}

#[tokio::test]
async fn a_server_that_lost_its_watchdog_too_is_taken_over() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    let mut helper = Helper::in_folder(&folder);
    let acknowledged = helper.rows(5).await;
    for (process, _) in processes_of(&folder).iter().filter(|(_, line)| line.contains("sidebyside-watchdog"))
    {
        kill(*process);
    }
    helper.kill().await;

    let server = start(&folder).await;
    let mut owner = connect(&server, OWNER).await;
    let found: i64 = sqlx::query_scalar("select count(*) from line where n = any($1)")
        .bind(&acknowledged)
        .fetch_one(&mut owner)
        .await
        .expect("the rows can be read");
    assert_eq!(found, 5);
    server.stop().await.expect("it stops");
    assert_eq!(processes_of(&folder), []);
}

#[tokio::test]
async fn a_killed_server_is_noticed_and_starts_again() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    let mut server = start(&folder).await;
    let mut guest = connect(&server, OWNER).await;
    guest.execute("create table kept ()").await.expect("a table");
    kill(server.process());
    let sentence = server.ended().await;
    assert!(sentence.contains("ended by itself") && sentence.contains("log"), "{sentence}");
    server.stop().await.expect("what has ended is stopped");

    // The guest's session may outlive its server for a moment, and hold its memory.
    let server = start(&folder).await;
    let kept: i64 =
        say(&mut connect(&server, OWNER).await, "select count(*) from pg_class where relname = 'kept'").await;
    assert_eq!(kept, 1);
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn an_old_pid_file_stops_nobody() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    start(&folder).await.stop().await.expect("it stops");

    // PostgreSQL minds only a process of its own account, so the stranger must be that.
    let cluster = folder.join("cluster");
    let account = cluster.metadata().expect("the cluster is there");
    let mut stranger = Command::new("sleep");
    stranger.arg("600").current_dir("/");
    if geteuid().is_root() {
        stranger.uid(account.uid()).gid(account.gid());
    }
    let mut stranger = stranger.spawn().expect("a stranger");
    let pid_file = cluster.join("postmaster.pid");
    let text =
        format!("{}\n{}\n1760000000\n5432\n{}\n\n", stranger.id(), cluster.display(), folder.display());
    std::fs::write(&pid_file, text).expect("a stale pid file");
    std::os::unix::fs::chown(&pid_file, Some(account.uid()), Some(account.gid()))
        .expect("of the right owner");
    start(&folder).await.stop().await.expect("it stops");
    assert!(stranger.try_wait().expect("the stranger can be asked").is_none(), "the stranger was left alone");
    stranger.kill().and_then(|()| stranger.wait()).expect("the stranger goes");

    std::fs::write(&pid_file, "").expect("the pid file of a power cut");
    start(&folder).await.stop().await.expect("it stops");
}

#[tokio::test]
async fn an_unfinished_cluster_is_in_nobodys_way() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    std::fs::create_dir_all(folder.join("cluster.new-1/base")).expect("half a cluster");
    std::fs::write(folder.join("lock"), "service 1\n").expect("the words of a process that was killed");
    start(&folder).await.stop().await.expect("it stops");
    assert!(!folder.join("cluster.new-1").exists());
}

#[tokio::test]
async fn without_programs_it_says_what_to_do() {
    let scratch = scratch();
    let empty = scratch.path().join("empty");
    std::fs::create_dir(&empty).expect("an empty folder");
    let trouble = refused(Settings {
        programs: Some(empty.clone()),
        ..settings(&scratch.path().join("data"), Purpose::Command)
    })
    .await;
    assert!(matches!(trouble, Trouble::NotFound(_)), "{trouble:?}");
    assert_eq!(trouble.exit_code(), 78);
    let text = trouble.to_string();
    for part in ["apt-get", "dnf", "brew", "scripts/set-up", "DATABASE_URL", &empty.display().to_string()] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert!(!scratch.path().join("data").exists(), "nothing was made");
}

#[tokio::test]
async fn data_of_another_version_is_refused_by_name() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    let server = start(&folder).await;
    let version = server.version().to_owned();
    server.stop().await.expect("it stops");
    std::fs::write(folder.join("cluster/PG_VERSION"), "3\n").expect("an old cluster");
    let trouble = refused(settings(&folder, Purpose::Command)).await;
    assert!(matches!(trouble, Trouble::OtherVersion { needed: 3, .. }), "{trouble:?}");
    assert_eq!(trouble.exit_code(), 78);
    assert!(trouble.to_string().contains(&version), "{trouble}");
}

#[tokio::test]
async fn a_folder_of_other_things_is_left_alone() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("letter"), "dear").expect("a letter");
    let trouble = refused(settings(scratch.path(), Purpose::Command)).await;
    assert!(matches!(trouble, Trouble::Folder(_)), "{trouble:?}");
    assert_eq!(scratch.path().metadata().expect("the folder is there").mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn a_long_and_odd_path_gets_a_short_socket() {
    let scratch = scratch();
    let folder = scratch.path().join(format!("it's \"data\", {}", "long ".repeat(20)));
    let server = start(&folder).await;
    assert!(server.socket().as_os_str().len() < 80, "{}", server.socket().display());
    let socket = server.socket().to_owned();
    assert_eq!(socket.metadata().expect("the socket's folder is there").mode() & 0o7777, 0o700);
    connect(&server, APP).await.close().await.expect("a session");
    server.stop().await.expect("it stops");

    let odd = scratch.path().join("it's \"odd\", too");
    let server = start(&odd).await;
    assert!(server.socket().starts_with(odd.canonicalize().expect("the folder is there")));
    server.stop().await.expect("it stops");
    std::fs::remove_dir(socket).expect("the short folder is ours and empty");
}

#[tokio::test]
async fn a_second_process_joins_a_service_and_does_not_stop_it() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    let mut service = Server::start(settings(&folder, Purpose::Service)).await.expect("it starts");
    let command = Server::start(settings(&folder, Purpose::Command)).await.expect("it joins");
    assert!(command.joined() && !service.joined());
    assert_eq!((command.process(), command.version()), (service.process(), service.version()));
    connect(&command, APP).await.close().await.expect("a session");
    command.stop().await.expect("it leaves");
    connect(&service, APP).await.close().await.expect("the service's server runs on");

    let mut other = Server::start(settings(&folder, Purpose::Service)).await.expect("it joins");
    tokio::select! {
        biased;
        sentence = service.ended() => panic!("{sentence}"),
        sentence = other.ended() => panic!("{sentence}"),
        () = tokio::time::sleep(Duration::from_millis(100)) => {}
    }
    service.stop().await.expect("it stops");
    assert!(other.ended().await.contains("has been stopped"));
}

#[tokio::test]
async fn a_second_process_waits_for_a_command() {
    let scratch = scratch();
    let folder = scratch.path().join("data");
    let mut helper = Helper::in_folder(&folder);
    helper.rows(1).await;
    let mut second = tokio::spawn({
        let folder = folder.clone();
        async move { start(&folder).await }
    });
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut second).await.is_err(), "it waits");
    helper.stop().await;
    let server = second.await.expect("it starts");
    assert!(!server.joined());
    server.stop().await.expect("it stops");
}

/// For root alone: everyone else runs the other tests as an ordinary user already.
#[tokio::test]
async fn an_ordinary_user_has_a_database_in_their_own_home() {
    const NOBODY: u32 = 65534;
    if !geteuid().is_root() {
        return;
    }
    let scratch = scratch();
    let home = scratch.path().join("home");
    std::fs::create_dir(&home).expect("a home");
    std::os::unix::fs::chown(&home, Some(NOBODY), Some(NOBODY)).expect("of its own");
    // The build's folder may be closed to others. Not copied by us: a child that another test is starting just then
    // would hold the copy open for writing, and such a file cannot be run.
    let binary = scratch.path().join("tests");
    let this = std::env::current_exe().expect("a test binary has a path");
    let copied = Command::new("cp").arg(this).arg(&binary).status().expect("cp can be run");
    assert!(copied.success(), "cp ended with {copied}");

    let mut command = Command::new(&binary);
    command.env(HELPER, "").env("HOME", &home).env_remove("XDG_DATA_HOME").env_remove("SIDEBYSIDE_DATA");
    command.current_dir("/").uid(NOBODY).gid(NOBODY);
    let mut helper = Helper::start(command);
    helper.rows(3).await;
    helper.stop().await;
    let folder = home.join(".local/share/sidebyside");
    assert_eq!(folder.join("cluster").metadata().expect("the cluster is there").uid(), NOBODY);
    assert_eq!(processes_of(&folder), []);

    // Root finds whose it is, and lends it back.
    let server = start(&folder).await;
    let mut superuser = connect(&server, SUPERUSER).await;
    let rows: i64 = say(&mut superuser, "select count(*) from line").await;
    assert!(rows >= 3, "{rows} rows");
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_folder_that_the_servers_account_cannot_reach_is_named() {
    if !geteuid().is_root() {
        return;
    }
    let scratch = scratch();
    let closed = scratch.path().join("closed");
    std::fs::create_dir(&closed).expect("a folder");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).expect("closed to others");
    let trouble = refused(settings(&closed.join("data"), Purpose::Command)).await;
    assert!(matches!(trouble, Trouble::Folder(_)), "{trouble:?}");
    assert!(trouble.to_string().contains(&format!("enter {},", closed.display())), "{trouble}");
}
