//! The cluster on disk: made whole or not at all, and what an earlier run left in it.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::Trouble;
use super::account::Account;
use super::child::PATIENCE;
use super::folder::Folder;
use super::programs::Programs;

/// How often a process that is not our child is looked at, to see whether it still runs.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// From this major version on PostgreSQL brings C.UTF-8 itself; before, it is the operating system's.
const OWN_LOCALE: u32 = 17;

/// What `postmaster.pid` says: the file by which PostgreSQL marks that a cluster is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PidFile {
    Absent,
    /// As a power cut leaves it.
    Empty,
    Of {
        process: u32,
        ready: bool,
    },
}

/// The major version that made the folder's cluster; none when there is no cluster yet.
pub(super) fn major(folder: &Folder) -> Result<Option<u32>, Trouble> {
    let path = folder.cluster().join("PG_VERSION");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(Trouble::system(format!("read {}", path.display()))(why)),
    };
    // "15", and "9.6" before that was the custom.
    let major = text.trim().split('.').next().and_then(|number| number.parse().ok());
    major.map(Some).ok_or_else(|| {
        Trouble::Folder(format!(
            "{} is damaged: it should name a version, and reads {text:?}.",
            path.display()
        ))
    })
}

/// Makes the cluster if there is none: beside its place, and moved there when whole.
pub(super) async fn make(
    folder: &Folder,
    account: &Account,
    programs: &Programs,
    durable: bool,
) -> Result<(), Trouble> {
    if folder.cluster().exists() {
        return Ok(());
    }
    clear_unfinished(folder);
    // Named by our process, for an initdb whose starter was killed may be writing into its own still.
    let new = folder.path().join(format!("cluster.new-{}", std::process::id()));
    let mut command = account.command(programs.path("initdb"), folder.path());
    command
        .arg("--pgdata")
        .arg(&new)
        .args(["--username", super::SUPERUSER, "--encoding", "UTF8", "--data-checksums"])
        // Nobody but the account can reach the socket, and there is no port.
        .args(["--auth-local", "trust", "--auth-host", "reject", "--no-instructions"]);
    if programs.major >= OWN_LOCALE {
        command.args(["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]);
    } else {
        command.args(["--locale", "C.UTF-8"]);
    }
    if !durable {
        command.arg("--no-sync");
    }
    tracing::info!(cluster = %folder.cluster().display(), version = programs.version, "making the embedded database");
    let said = command
        .kill_on_drop(true)
        .output()
        .await
        .map_err(Trouble::system(format!("run {}", programs.path("initdb").display())))?;
    if !said.status.success() {
        clear_unfinished(folder);
        let said =
            format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        return Err(Trouble::Initdb { cluster: folder.cluster(), said: said.trim().to_owned() });
    }
    std::fs::rename(&new, folder.cluster())
        .and_then(|()| File::open(folder.path())?.sync_all())
        .map_err(Trouble::system(format!("put the new cluster in {}", folder.path().display())))
}

/// What an interrupted start left. Best effort: it is in nobody's way.
fn clear_unfinished(folder: &Folder) {
    for entry in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
        if entry.file_name().as_bytes().starts_with(b"cluster.new-") {
            let _stays = std::fs::remove_dir_all(entry.path());
        }
    }
}

pub(super) fn pid_file(folder: &Folder) -> Result<PidFile, Trouble> {
    let path = folder.cluster().join("postmaster.pid");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(PidFile::Absent),
        Err(why) => return Err(Trouble::system(format!("read {}", path.display()))(why)),
    };
    Ok(parse_pid_file(&text))
}

/// The first line is the process, the eighth its state; PostgreSQL rewrites the file as it goes, so it may be short.
fn parse_pid_file(text: &str) -> PidFile {
    let mut lines = text.lines();
    match lines.next().and_then(|line| line.trim().parse().ok()) {
        Some(process) => {
            PidFile::Of { process, ready: lines.nth(6).is_some_and(|state| state.trim() == "ready") }
        }
        None => PidFile::Empty,
    }
}

/// Ends a server that outlived its starter, whose lock we now hold. Its watchdog may be about it already.
///
/// It is stopped and not adopted, because a server that is not our child cannot be watched for its end.
pub(super) async fn end_orphan(folder: &Folder) -> Result<(), Trouble> {
    let PidFile::Of { process, .. } = pid_file(folder)? else { return Ok(()) };
    if !is_server(process, folder) {
        return Ok(());
    }
    tracing::warn!(server = process, "ending a database server whose starter was killed");
    for (signal, patience) in PATIENCE {
        send(process, signal);
        if tokio::time::timeout(patience, gone(process, folder)).await.is_ok() {
            return Ok(());
        }
    }
    Err(Trouble::NotStopped { process })
}

/// What stands in the way of a start, as we hold the lock and no server of this folder runs: returns the number of a
/// stranger's process that `postmaster.pid` names by chance.
pub(super) fn clear_for_start(folder: &Folder) -> Result<Option<u32>, Trouble> {
    for left in [".s.PGSQL.5432", ".s.PGSQL.5432.lock"] {
        remove_if_there(&folder.socket().join(left))?;
    }
    match pid_file(folder)? {
        PidFile::Absent => Ok(None),
        PidFile::Empty => {
            remove_if_there(&folder.cluster().join("postmaster.pid"))?;
            Ok(None)
        }
        // The file stays: PostgreSQL also reads from it whether the old server's shared memory is still in use.
        PidFile::Of { process, .. } => Ok(alive(process).then_some(process)),
    }
}

fn remove_if_there(path: &Path) -> Result<(), Trouble> {
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(Trouble::system(format!("remove {}", path.display()))(why))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether any process has this number.
pub(super) fn alive(process: u32) -> bool {
    pid(process).is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(rustix::io::Errno::PERM)))
}

/// Whether this process is the main process of this folder's server, and not one that was given its number later.
///
/// Asks for the command line, which anyone may read: the rest of `/proc` is closed to root in many containers.
pub(super) fn is_server(process: u32, folder: &Folder) -> bool {
    if !alive(process) {
        return false;
    }
    let cluster = folder.cluster();
    let cluster = cluster.as_os_str().as_bytes();
    if Path::new("/proc/self").exists() {
        let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        return line.split(|byte| *byte == 0).any(|word| word == cluster);
    }
    let process = process.to_string();
    let told = std::process::Command::new("ps").args(["-ww", "-o", "args=", "-p", &process]).output();
    told.is_ok_and(|told| told.stdout.windows(cluster.len()).any(|part| part == cluster))
}

/// Resolves when the server with this number runs no more.
pub(super) async fn gone(process: u32, folder: &Folder) {
    while is_server(process, folder) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

pub(super) fn send(process: u32, signal: Signal) {
    if let Some(pid) = pid(process) {
        // It may have ended by itself, which is what is wanted.
        let _gone = kill_process(pid, signal);
    }
}

fn pid(process: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{PidFile, parse_pid_file};

    #[test]
    fn a_pid_file_is_read_at_every_stage_of_a_start() {
        let whole = "42\n/data\n1760000000\n5432\n/data/socket\n\n  123 456\nready   \n";
        assert_eq!(parse_pid_file(whole), PidFile::Of { process: 42, ready: true });
        assert_eq!(
            parse_pid_file(&whole.replace("ready", "starting")),
            PidFile::Of { process: 42, ready: false }
        );
        assert_eq!(parse_pid_file("42\n/data\n"), PidFile::Of { process: 42, ready: false });
        assert_eq!(parse_pid_file(""), PidFile::Empty);
    }
}
