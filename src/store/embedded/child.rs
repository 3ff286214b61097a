//! The running server: a direct child in its own process group, and a watchdog that stops it should we be killed.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

use super::account::Account;
use super::cluster::{self, PidFile};
use super::folder::{Folder, open_own};
use super::programs::Programs;
use super::{PORT, Trouble};

/// How a server is stopped, and how long each way may take: INT ends sessions and writes everything down, QUIT leaves
/// that to the next start's recovery, KILL is for a server that hangs.
pub(super) const PATIENCE: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_mins(1)),
    (Signal::QUIT, Duration::from_secs(10)),
    (Signal::KILL, Duration::from_secs(10)),
];

/// How long the sessions of a killed server may go on holding its shared memory.
const ORPHANS_END: Duration = Duration::from_secs(30);

/// What PostgreSQL says as long as they do.
const STILL_IN_USE: &str = "shared memory block";

/// How often a starting server is asked whether it is ready, and how often a person waiting is told.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// A log longer than this is set aside at the next start.
const LONGEST_LOG: u64 = 16 * 1024 * 1024;

/// Stops the server `$1` of the cluster `$2` when its standard input ends without the word `done`: that is, when the
/// process at the other end of the pipe is no more, however it died. Same order and patience as [`PATIENCE`].
const WATCHDOG: &str = r#"
trap '' HUP INT TERM
read -r word && [ "$word" = done ] && exit
line() {
    if [ -d /proc/self ]; then tr '\0' ' ' <"/proc/$1/cmdline"; else ps -ww -o args= -p "$1"; fi
}
runs() {
    case " $(line "$1" 2>/dev/null) " in *" $2 "*) return 0 ;; esac
    return 1
}
for way in INT:60 QUIT:10 KILL:10; do
    runs "$1" "$2" || exit 0
    kill -s "${way%:*}" "$1"
    tenths=$((${way#*:} * 10))
    while [ "$tenths" -gt 0 ] && runs "$1" "$2"; do
        sleep 0.1
        tenths=$((tenths - 1))
    done
done
"#;

/// A server that this process started.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    process: u32,
    watchdog: Watchdog,
}

impl Running {
    /// Starts the server and returns when it takes connections. The caller holds the folder's lock.
    pub async fn start(
        folder: &Folder,
        account: &Account,
        programs: &Programs,
        durable: bool,
    ) -> Result<Running, Trouble> {
        let give_up = Instant::now() + ORPHANS_END;
        loop {
            match Self::try_start(folder, account, programs, durable).await {
                Err(Trouble::NotStarted { said, .. })
                    if said.contains(STILL_IN_USE) && Instant::now() < give_up =>
                {
                    tracing::info!("waiting for the last sessions of a killed database server to end");
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_start(
        folder: &Folder,
        account: &Account,
        programs: &Programs,
        durable: bool,
    ) -> Result<Running, Trouble> {
        let stranger = cluster::clear_for_start(folder)?;
        let log = folder.log();
        if log.metadata().is_ok_and(|log| log.len() > LONGEST_LOG) {
            std::fs::rename(&log, log.with_extension("old"))
                .map_err(Trouble::system(format!("set {} aside", log.display())))?;
        }
        let output = open_own(OpenOptions::new().append(true), &log, account)?;
        let trouble = || Trouble::system(format!("write {}", log.display()));
        let log_start = output.metadata().map_err(trouble())?.len();
        let errors = output.try_clone().map_err(trouble())?;

        let mut command = server_command(folder, account, programs, durable);
        if let Some(stranger) = stranger {
            // PostgreSQL refuses to start if the process named by an old postmaster.pid lives, unless that is an
            // ancestor of its own: `pg_ctl` says so by this variable, and so do we.
            command.env("PG_GRANDPARENT_PID", stranger.to_string());
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Trouble::system(format!("run {}", programs.path("postgres").display())))?;
        // A child that has not been waited for has a number.
        let process = child.id().unwrap_or_default();
        let watchdog = Watchdog::start(process, folder)?;
        let mut running = Running { child, process, watchdog };
        match running.ready(folder).await? {
            None => Ok(running),
            Some(status) => {
                running.watchdog.dismiss().await;
                Err(Trouble::NotStarted { status, said: log_since(&log, log_start), log })
            }
        }
    }

    /// Waits until the server is ready, or has ended instead. Not for a time: recovery takes as long as it takes.
    async fn ready(&mut self, folder: &Folder) -> Result<Option<ExitStatus>, Trouble> {
        let mut tell = Instant::now() + TELL_AGAIN;
        loop {
            let ended = self.child.try_wait().map_err(Trouble::system("wait for the database server"))?;
            if ended.is_some() {
                return Ok(ended);
            }
            if cluster::pid_file(folder)? == (PidFile::Of { process: self.process, ready: true }) {
                return Ok(None);
            }
            if Instant::now() >= tell {
                tell += TELL_AGAIN;
                tracing::info!(log = %folder.log().display(), "the database server is still starting or recovering");
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub fn process(&self) -> u32 {
        self.process
    }

    /// Resolves when the server has ended by itself.
    pub async fn ended(&mut self, folder: &Folder) -> String {
        let how = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(why) => why.to_string(),
        };
        format!(
            "The embedded database ended by itself ({how}). Its log is {}, which ends:\n{}",
            folder.log().display(),
            log_since(&folder.log(), 0)
        )
    }

    pub async fn stop(mut self, folder: &Folder) -> Result<(), Trouble> {
        for (signal, patience) in PATIENCE {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            cluster::send(self.process, signal);
            if tokio::time::timeout(patience, self.child.wait()).await.is_ok() {
                break;
            }
            tracing::warn!(folder = %folder.path().display(), ?signal, "the database server does not stop");
        }
        match self.child.try_wait() {
            Ok(Some(_)) => {
                self.watchdog.dismiss().await;
                Ok(())
            }
            Ok(None) | Err(_) => Err(Trouble::NotStopped { process: self.process }),
        }
    }

    /// Lets the server run on without us.
    pub async fn leave(self) {
        self.watchdog.dismiss().await;
    }
}

/// The command line wins over the cluster's own files, so that what must hold does.
fn server_command(folder: &Folder, account: &Account, programs: &Programs, durable: bool) -> Command {
    let mut command = account.command(programs.path("postgres"), folder.path());
    let mut set = |setting: String| {
        command.arg("-c").arg(setting);
    };
    // A list of folders in which a name may be quoted: ours is one, whatever letters it has.
    let socket = folder.socket().to_string_lossy().replace('"', "\"\"");
    set(format!("unix_socket_directories=\"{socket}\""));
    set("unix_socket_permissions=0700".to_owned());
    set("listen_addresses=".to_owned());
    set(format!("port={PORT}"));
    set("log_destination=stderr".to_owned());
    set("logging_collector=off".to_owned());
    if !durable {
        for setting in ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=400"]
        {
            set(setting.to_owned());
        }
    }
    command.arg("-D").arg(folder.cluster());
    // Ctrl-C at the terminal goes to our group: we stop the server in good order, it must not be told as well.
    command.process_group(0);
    command
}

/// The last lines that the server wrote since the log was `start` bytes long.
fn log_since(log: &Path, start: u64) -> String {
    const LONGEST: u64 = 4096;
    const LINES: usize = 12;
    let read = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(log)?;
        let start = start.max(file.metadata()?.len().saturating_sub(LONGEST));
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// A shell at the other end of a pipe. It acts when the pipe closes, which the kernel sees to even after kill -9.
#[derive(Debug)]
struct Watchdog {
    shell: Child,
    pipe: ChildStdin,
}

impl Watchdog {
    fn start(server: u32, folder: &Folder) -> Result<Watchdog, Trouble> {
        let mut shell = Command::new("sh")
            .arg("-c")
            .arg(WATCHDOG)
            .arg("sidebyside-watchdog")
            .arg(server.to_string())
            .arg(folder.cluster())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Whoever kills our whole group must not kill this too.
            .process_group(0)
            .spawn()
            .map_err(Trouble::system("start the database's watchdog"))?;
        let pipe = shell.stdin.take().ok_or_else(|| {
            Trouble::system("reach the database's watchdog")(std::io::ErrorKind::BrokenPipe.into())
        })?;
        Ok(Watchdog { shell, pipe })
    }

    /// Sends it away: there is nothing left to guard.
    async fn dismiss(mut self) {
        // Should this fail the shell is gone already, or will find that the server is.
        let _gone = self.pipe.write_all(b"done\n").await;
        drop(self.pipe);
        let _gone = self.shell.wait().await;
    }
}
