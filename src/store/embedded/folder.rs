//! Where the embedded database lives, and whose turn it is there.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::account::Account;
use super::cluster::{self, PidFile};
use super::{PORT, Purpose, Trouble};

/// What the folder is called where every program's data lies side by side.
const NAME: &str = "sidebyside";

/// The longest socket path that every system takes (macOS allows 103 bytes, Linux 107).
const LONGEST_SOCKET: usize = 100;

/// How often a waiting process looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// One folder for all: the cluster, its socket, its log, and the lock that says who runs it.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
    socket: PathBuf,
}

/// The folder's lock. It is let go by dropping it, also when the process is killed.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// Whose the folder is now.
#[derive(Debug)]
pub(super) enum Claim {
    Ours(Lock),
    /// A service runs the server whose main process has this number.
    Theirs(u32),
}

impl Folder {
    /// The folder asked for, else the usual one. Makes nothing yet: who should own it is not known.
    pub fn choose(asked: Option<&Path>) -> Result<Folder, Trouble> {
        let path = match asked {
            Some(path) => path.to_owned(),
            None => usual()?,
        };
        let path = std::path::absolute(&path)
            .map_err(Trouble::system(format!("find the folder {}", path.display())))?;
        let path = path.canonicalize().unwrap_or(path);
        Ok(Folder { socket: path.join("socket"), path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn cluster(&self) -> PathBuf {
        self.path.join("cluster")
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The folder of the socket; certain only once [`Folder::prepare`] has made it.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Makes the folder and the socket's, closed to everyone but the account, and sees that the account can reach them.
    pub async fn prepare(mut self, account: &Account) -> Result<Folder, Trouble> {
        self.refuse_a_stranger()?;
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(Trouble::system(format!("make the folder {}", parent.display())))?;
        }
        make_private(&self.path, account)?;
        // A running server is known by the path it was given, so that must be the same every time.
        self.path = self
            .path
            .canonicalize()
            .map_err(Trouble::system(format!("find the folder {}", self.path.display())))?;
        self.refuse_closed_ancestors(account).await?;
        self.socket = self.socket_folder()?;
        make_private(&self.socket, account)?;
        Ok(self)
    }

    /// A mistyped folder must not have its owner and mode changed under whoever uses it.
    fn refuse_a_stranger(&self) -> Result<(), Trouble> {
        let Ok(mut entries) = std::fs::read_dir(&self.path) else { return Ok(()) };
        if entries.next().is_none() || self.lock().exists() || self.cluster().exists() {
            return Ok(());
        }
        Err(Trouble::Folder(format!(
            "{} holds other things and no database of ours. Name a new or empty folder in SIDEBYSIDE_DATA.",
            self.path.display()
        )))
    }

    /// Root can reach any folder; the account that runs the server for it may not, and PostgreSQL would only say that
    /// permission was denied.
    async fn refuse_closed_ancestors(&self, account: &Account) -> Result<(), Trouble> {
        if account.change_to.is_none() {
            return Ok(());
        }
        let mut ancestors: Vec<&Path> = self.path.ancestors().collect();
        ancestors.reverse();
        let said = account
            .command("sh", Path::new("/"))
            .arg("-c")
            .arg(r#"for folder; do [ -x "$folder" ] || { printf %s "$folder"; exit; }; done"#)
            .arg("sh")
            .args(ancestors)
            .output()
            .await
            .map_err(Trouble::system(format!("run a shell as {}", account.name)))?;
        if said.stdout.is_empty() {
            return Ok(());
        }
        Err(Trouble::Folder(format!(
            "PostgreSQL cannot be run by root, so {} runs it; but {} may not enter {}, and so cannot reach {}. \
             Name a folder in SIDEBYSIDE_DATA that it can reach, or let it through with chmod o+x.",
            account.name,
            account.name,
            String::from_utf8_lossy(&said.stdout),
            self.path.display()
        )))
    }

    /// The socket lies in the folder, unless its path would be too long for the system: then under `/tmp`, by a name
    /// that every process works out alike.
    fn socket_folder(&self) -> Result<PathBuf, Trouble> {
        let within = self.path.join("socket");
        let longest = within.join(format!(".s.PGSQL.{PORT}"));
        if longest.as_os_str().as_bytes().len() <= LONGEST_SOCKET {
            return Ok(within);
        }
        let known = std::fs::metadata(&self.path)
            .map_err(Trouble::system(format!("look at {}", self.path.display())))?;
        Ok(PathBuf::from(format!("/tmp/{NAME}-{:x}-{:x}", known.dev(), known.ino())))
    }

    /// Takes the folder's lock; or finds that a running service has it, and joins that. Waits while a short command has
    /// it, and while a service that has it is still starting.
    pub async fn claim(&self, purpose: Purpose, account: &Account) -> Result<Claim, Trouble> {
        let path = self.lock();
        let trouble = || Trouble::system(format!("take the lock {}", path.display()));
        let mut file = open_own(OpenOptions::new().read(true).write(true), &path, account)?;
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    let word = match purpose {
                        Purpose::Service => "service",
                        Purpose::Command => "command",
                    };
                    file.set_len(0).map_err(trouble())?;
                    writeln!(file, "{word} {}", std::process::id()).map_err(trouble())?;
                    return Ok(Claim::Ours(Lock(file)));
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(why)) => return Err(trouble()(why)),
            }
            let holder = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some(server) = self.served_by(&holder) {
                tracing::info!(holder = holder.trim(), server, "joining a running service's database");
                return Ok(Claim::Theirs(server));
            }
            if !said {
                said = true;
                tracing::info!(
                    holder = holder.trim(),
                    "waiting for another process to be done with the database"
                );
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// The server that may be joined, if the lock's holder is a living service and its server is ready.
    fn served_by(&self, holder: &str) -> Option<u32> {
        // The words of a holder that was killed stand until the next one has written its own.
        let service = holder.trim().strip_prefix("service ")?.parse().ok()?;
        if !cluster::alive(service) {
            return None;
        }
        match cluster::pid_file(self).ok()? {
            PidFile::Of { process, ready: true } if cluster::is_server(process, self) => Some(process),
            PidFile::Of { .. } | PidFile::Empty | PidFile::Absent => None,
        }
    }
}

/// Root keeps it with the system's data, anyone else with their own.
fn usual() -> Result<PathBuf, Trouble> {
    if rustix::process::geteuid().is_root() {
        return Ok(Path::new("/var/lib").join(NAME));
    }
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    given("XDG_DATA_HOME")
        .or_else(|| given("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join(NAME))
        .ok_or_else(|| {
            Trouble::Folder(
                "There is no home folder to keep the database in (HOME is not set). Name a folder in SIDEBYSIDE_DATA."
                    .to_owned(),
            )
        })
}

/// A folder of the account's own that nobody else may enter. One that stands must already be so, or be ours to make so:
/// under `/tmp` another user may have put it there first.
fn make_private(path: &Path, account: &Account) -> Result<(), Trouble> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => return account.own(path),
        Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(why) => return Err(Trouble::system(format!("make the folder {}", path.display()))(why)),
    }
    let found =
        std::fs::symlink_metadata(path).map_err(Trouble::system(format!("look at {}", path.display())))?;
    let me = rustix::process::geteuid().as_raw();
    if !found.is_dir() || ![me, account.user_id()].contains(&found.uid()) {
        return Err(Trouble::Folder(format!(
            "{} cannot be used for the database: it is not a folder of {}'s.",
            path.display(),
            account.name
        )));
    }
    if found.mode() & 0o7777 != 0o700 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
            .map_err(Trouble::system(format!("close {} to others", path.display())))?;
    }
    if found.uid() == account.user_id() { Ok(()) } else { account.own(path) }
}

/// Opens a file of the folder, making it at need, and gives it to the account. A link is not followed: the folder is the
/// account's, and root must not be led elsewhere by it.
pub(super) fn open_own(options: &mut OpenOptions, path: &Path, account: &Account) -> Result<File, Trouble> {
    let no_link = rustix::fs::OFlags::NOFOLLOW.bits();
    let file = options
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(no_link.cast_signed())
        .open(path)
        .map_err(Trouble::system(format!("open {}", path.display())))?;
    account.own(path)?;
    Ok(file)
}
