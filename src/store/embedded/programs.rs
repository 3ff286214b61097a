//! Which PostgreSQL is used: the programs on this machine, the first that fits.

use std::path::{Path, PathBuf};

use super::account::Account;
use super::folder::Folder;
use super::{Trouble, cluster};

/// The oldest major version whose defaults this project relies on (a public schema that is closed to the public).
const OLDEST: u32 = 15;

/// Where the packagers of Debian, Red Hat, Gentoo, Homebrew, MacPorts and Postgres.app put each major version: the
/// parent, what stands before the number, and what after.
const USUAL: [(&str, &str, &str); 9] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/lib64", "postgresql-", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("/opt/local/lib", "postgresql", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Folders that hold one version, whichever.
const USUAL_UNNUMBERED: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin"];

/// Where `scripts/set-up` puts the programs it fetches: in this checkout, or, when that lies where no other account may
/// enter and root is setting up, in the machine's cache.
const FETCHED: [&str; 2] =
    [concat!(env!("CARGO_MANIFEST_DIR"), "/.cache/postgres/bin"), "/var/cache/sidebyside/postgres/bin"];

/// A folder with `postgres` and `initdb` that the account can run.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub folder: PathBuf,
    pub version: String,
    pub major: u32,
}

impl Programs {
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// The first programs that the account can run and that can open the folder's cluster, if it has one.
pub(super) async fn find(
    named: Option<&Path>,
    folder: &Folder,
    account: &Account,
) -> Result<Programs, Trouble> {
    let needed = cluster::major(folder)?;
    let mut looked = Vec::new();
    let mut others = Vec::new();
    for candidate in candidates(named) {
        match examine(&candidate, account).await {
            Ok(programs) if programs.major < OLDEST => {
                looked.push(format!(
                    "{}: PostgreSQL {} is too old",
                    programs.folder.display(),
                    programs.version
                ));
            }
            Ok(programs) if needed.is_some_and(|needed| needed != programs.major) => {
                others.push(format!("{} in {}", programs.version, programs.folder.display()));
            }
            Ok(programs) => return Ok(programs),
            Err(why) => looked.push(format!("{}: {why}", candidate.display())),
        }
    }
    match needed {
        Some(needed) if !others.is_empty() => {
            Err(Trouble::OtherVersion { cluster: folder.cluster(), needed, found: others.join(", ") })
        }
        Some(_) | None => Err(Trouble::NotFound(not_found(named, &looked))),
    }
}

/// Every folder worth asking, in the order they are asked, each once and only if it seems to hold the programs. A
/// folder named by the person is always asked, so that the answer can say what is wrong with it.
fn candidates(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(named) = named {
        return vec![std::path::absolute(named).unwrap_or_else(|_| named.to_owned())];
    }
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut numbered: Vec<(f64, PathBuf)> =
        USUAL.iter().flat_map(|(parent, before, after)| versions_in(parent, before, after)).collect();
    numbered.sort_by(|(one, _), (other, _)| other.total_cmp(one));

    let mut found = Vec::new();
    let all = std::env::split_paths(&on_path)
        .filter(|folder| folder.is_absolute())
        .chain(numbered.into_iter().map(|(_, folder)| folder))
        .chain(USUAL_UNNUMBERED.map(PathBuf::from))
        .chain(FETCHED.map(PathBuf::from));
    for folder in all {
        if let Some(folder) = home_of(&folder)
            && !found.contains(&folder)
        {
            found.push(folder);
        }
    }
    found
}

/// The folders under `parent` that are named by a version, with that version (9.6 among them, so a fraction).
fn versions_in(parent: &str, before: &str, after: &str) -> Vec<(f64, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(before)?.parse::<f64>().ok()?;
            Some((version, entry.path().join(after)))
        })
        .collect()
}

/// The folder in which `postgres` really lies: on many machines `PATH` holds only links to it, and not to all programs.
fn home_of(folder: &Path) -> Option<PathBuf> {
    let postgres = folder.join("postgres");
    let real = postgres.canonicalize().ok()?;
    let home = real.parent()?;
    if home.join("initdb").is_file() {
        return Some(home.to_owned());
    }
    folder.join("initdb").is_file().then(|| folder.to_owned())
}

/// Asks a folder's `postgres` for its version as the account that will run it, which also proves that it may and can.
async fn examine(folder: &Path, account: &Account) -> Result<Programs, String> {
    for program in ["postgres", "initdb"] {
        if !folder.join(program).is_file() {
            return Err(format!("holds no program {program}"));
        }
    }
    let said = account
        .command(folder.join("postgres"), Path::new("/"))
        .arg("--version")
        .output()
        .await
        .map_err(|why| format!("cannot be run by {}: {why}", account.name))?;
    if !said.status.success() {
        let why = String::from_utf8_lossy(&said.stderr);
        return Err(format!("cannot be run by {} ({}): {}", account.name, said.status, why.trim()));
    }
    let said = String::from_utf8_lossy(&said.stdout);
    let (version, major) = parse_version(&said).ok_or_else(|| format!("says only: {}", said.trim()))?;
    Ok(Programs { folder: folder.to_owned(), version, major })
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is version 15.18 of major 15; `18beta1` is of major 18.
fn parse_version(said: &str) -> Option<(String, u32)> {
    let version = said.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    let major = version.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((version.to_owned(), major.parse().ok()?))
}

fn not_found(named: Option<&Path>, looked: &[String]) -> String {
    let mut text = match named {
        Some(named) => format!(
            "SIDEBYSIDE_POSTGRES names {}, which holds no PostgreSQL {OLDEST} or later that can be run here, \
             and nothing else is tried while it is set.",
            named.display()
        ),
        None => format!("Side by Side needs PostgreSQL {OLDEST} or later, and found none on this machine."),
    };
    text.push_str(
        "\n\nAny one of these will do:\n  \
         Debian, Ubuntu   sudo apt-get install postgresql\n  \
         Fedora, Red Hat  sudo dnf install postgresql-server\n  \
         macOS            brew install postgresql@17\n  \
         a checkout       scripts/set-up fetches it for this checkout alone\n  \
         your own server  set DATABASE_URL to its address\n\nIt looked ",
    );
    if named.is_none() {
        text.push_str("on PATH, in the usual folders of each system, and in ");
        text.push_str(&FETCHED.join(" and "));
        text.push_str(if looked.is_empty() { "." } else { ". What it found there could not be used:\n" });
    } else {
        text.push_str("in:\n");
    }
    let lines: Vec<String> = looked.iter().map(|line| format!("  {line}")).collect();
    text.push_str(&lines.join("\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::{not_found, parse_version};

    #[test]
    fn versions_are_read_as_each_packager_writes_them() {
        let read = |said| parse_version(said).map(|(version, major)| format!("{version} of {major}"));
        assert_eq!(
            read("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").as_deref(),
            Some("15.18 of 15")
        );
        assert_eq!(read("postgres (PostgreSQL) 18.6\n").as_deref(), Some("18.6 of 18"));
        assert_eq!(read("postgres (PostgreSQL) 19beta2\n").as_deref(), Some("19beta2 of 19"));
        assert_eq!(read("postgres: no such thing"), None);
    }

    #[test]
    fn the_sentence_for_a_bare_machine_names_every_way_out() {
        let text = not_found(None, &[]);
        for way in
            ["apt-get install", "dnf install", "brew install", "scripts/set-up", "DATABASE_URL", "PATH"]
        {
            assert!(text.contains(way), "{way} is not named in:\n{text}");
        }
    }
}
