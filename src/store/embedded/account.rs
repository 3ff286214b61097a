//! Who runs the server: PostgreSQL refuses to be run by root, so root lends it to another account.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tokio::process::Command;

use super::Trouble;
use super::folder::Folder;

/// The account of the server's processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// For sentences only.
    pub name: String,
    /// User and group to change to; none when this process already is that account.
    pub change_to: Option<(u32, u32)>,
}

impl Account {
    /// The owner of an existing cluster, else the one asked for, else `postgres`, else `nobody`; anyone but root runs
    /// it as themselves.
    pub async fn choose(folder: &Folder, wanted: Option<&str>) -> Result<Account, Trouble> {
        let owner = std::fs::metadata(folder.cluster()).ok().map(|found| (found.uid(), found.gid()));
        let me = rustix::process::geteuid();
        if !me.is_root() {
            return Self::myself(folder, me.as_raw(), owner, wanted).await;
        }
        match (owner, wanted) {
            (Some((0, _)), _) => Err(Trouble::Account(format!(
                "The database in {} belongs to root, and PostgreSQL refuses to be run by root. \
                 Give the folder to the account that should run it, for example: chown -R postgres {}",
                folder.cluster().display(),
                folder.path().display()
            ))),
            (Some((user, group)), _) => {
                Ok(Account { name: format!("user {user}"), change_to: Some((user, group)) })
            }
            (None, Some(name)) => match look_up(name).await {
                Some((0, _)) => Err(Trouble::Account(
                    "SIDEBYSIDE_POSTGRES_ACCOUNT names root, and PostgreSQL refuses to be run by root. \
                     Name another account, or none."
                        .to_owned(),
                )),
                Some(ids) => Ok(Account { name: name.to_owned(), change_to: Some(ids) }),
                None => Err(Trouble::Account(format!(
                    "There is no account named {name} on this machine (SIDEBYSIDE_POSTGRES_ACCOUNT)."
                ))),
            },
            (None, None) => {
                for name in ["postgres", "nobody"] {
                    if let Some(ids) = look_up(name).await {
                        return Ok(Account { name: name.to_owned(), change_to: Some(ids) });
                    }
                }
                Err(Trouble::Account(
                    "PostgreSQL refuses to be run by root, and this machine has neither an account postgres nor nobody. \
                     Name one in SIDEBYSIDE_POSTGRES_ACCOUNT, or run as an ordinary user."
                        .to_owned(),
                ))
            }
        }
    }

    async fn myself(
        folder: &Folder,
        me: u32,
        owner: Option<(u32, u32)>,
        wanted: Option<&str>,
    ) -> Result<Account, Trouble> {
        if let Some((user, _)) = owner.filter(|(user, _)| *user != me) {
            return Err(Trouble::Account(format!(
                "The database in {} belongs to user {user}, and this process runs as user {me}. \
                 Run as that user, or name another folder in SIDEBYSIDE_DATA.",
                folder.cluster().display()
            )));
        }
        if let Some(name) = wanted
            && look_up(name).await.is_none_or(|(user, _)| user != me)
        {
            return Err(Trouble::Account(format!(
                "Only root can run the database as another account: this process runs as user {me}, \
                 and SIDEBYSIDE_POSTGRES_ACCOUNT names {name}."
            )));
        }
        Ok(Account { name: format!("user {me}"), change_to: None })
    }

    /// A command to be run by this account: in the folder, and without what would change what PostgreSQL does or the
    /// language in which it says it.
    pub fn command(&self, program: impl AsRef<OsStr>, working_folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(working_folder);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C");
        if let Some((user, group)) = self.change_to {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a file or folder of ours to this account.
    pub fn own(&self, path: &Path) -> Result<(), Trouble> {
        let Some((user, group)) = self.change_to else { return Ok(()) };
        // `lchown`, because the folder is the account's: a link put there must not hand over what it points to.
        std::os::unix::fs::lchown(path, Some(user), Some(group)).map_err(Trouble::system(format!(
            "give {} to {}",
            path.display(),
            self.name
        )))
    }

    pub fn user_id(&self) -> u32 {
        self.change_to.map_or_else(|| rustix::process::geteuid().as_raw(), |(user, _)| user)
    }
}

/// User and group of an account by name. `id` asks the machine's own directory, of which `/etc/passwd` may be only a part.
async fn look_up(name: &str) -> Option<(u32, u32)> {
    let ask = async |what: &str| -> Option<u32> {
        let told = Command::new("id").arg(what).arg("--").arg(name).output().await.ok()?;
        if !told.status.success() {
            return None;
        }
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    Some((ask("-u").await?, ask("-g").await?))
}
