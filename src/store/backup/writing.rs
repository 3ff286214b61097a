//! Taking a back-up: every table by COPY, in one snapshot, into a folder that is checked before it has its name.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::{Executor as _, PgConnection, PgPool, Row as _};

use super::{Backup, BackupTrouble, EVENTS, FORM, MANIFEST, Manifest, migration, tables};
use crate::store::Trouble;
use crate::store::copy::Rows;
use crate::store::seal::{Frontier, PublicKey};

/// Take a back-up into a folder that there is not yet, as the owner of the tables; others may go on writing. It is
/// written beside its place, read back and checked, and then moved: half a back-up never has the name of one.
///
/// # Errors
/// When the record is not whole, or the folder cannot be written to.
pub async fn take(owner: &PgPool, key: Option<&PublicKey>, folder: &Path) -> Result<Manifest, BackupTrouble> {
    let mut draft = folder.as_os_str().to_owned();
    draft.push(".unfinished");
    let draft = PathBuf::from(draft);
    DirBuilder::new().mode(0o700).create(&draft)?;
    match taken(owner, key, &draft).await {
        Ok(manifest) => {
            std::fs::rename(&draft, folder)?;
            if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
                File::open(above)?.sync_all()?;
            }
            Ok(manifest)
        }
        Err(why) => {
            std::fs::remove_dir_all(&draft)?;
            Err(why)
        }
    }
}

async fn taken(owner: &PgPool, key: Option<&PublicKey>, draft: &Path) -> Result<Manifest, BackupTrouble> {
    // Not of the pool: an error in the middle of a copy leaves a connection that is of no more use.
    let mut connection = owner.acquire().await?.detach();
    let manifest = copied(&mut connection, key, draft).await?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::other)?;
    write(&draft.join(MANIFEST), |file| file.write_all(&text).and_then(|()| file.write_all(b"\n")))?;
    File::open(draft)?.sync_all()?;
    match Backup::read(draft, &[]).await {
        Ok(backup) => Ok(backup.manifest),
        Err(BackupTrouble::Damaged(why)) => Err(BackupTrouble::NotWhole(why)),
        Err(other) => Err(other),
    }
}

/// Every table as it stood at one moment.
async fn copied(
    connection: &mut PgConnection,
    key: Option<&PublicKey>,
    draft: &Path,
) -> Result<Manifest, BackupTrouble> {
    let mut tables = tables(connection).await?;
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The locks first, and then the snapshot: tables that are written anew in between would else look empty.
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    connection.execute(format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", ")).as_str()).await?;
    let head = sqlx::query(
        "SELECT origin, size, now(), (SELECT max(size) FROM seal.checkpoint) FROM public.log_head",
    )
    .fetch_one(&mut *connection)
    .await?;
    let migration = migration(connection).await?;
    let mut root = None;
    for table in &mut tables {
        table.rows = sqlx::query_scalar(&format!("SELECT count(*) FROM {}", table.name))
            .fetch_one(&mut *connection)
            .await?;
        let order = if table.name == EVENTS { " ORDER BY index" } else { "" };
        let query = format!("SELECT {} FROM {}{order}", table.listed(), table.name);
        table.sha256 = copy_out(connection, &query, &draft.join(table.file())).await?;
        if table.name == EVENTS {
            root = Some(root_of(connection).await?);
        }
    }
    connection.execute("COMMIT").await?;
    let size: i64 = head.try_get(1)?;
    let sealed: Option<i64> = head.try_get(3)?;
    Ok(Manifest {
        form: FORM.to_owned(),
        origin: head.try_get(0)?,
        migration,
        size: size.unsigned_abs(),
        root: root.unwrap_or_default(),
        sealed: sealed.map(i64::unsigned_abs),
        key: key.map(ToString::to_string),
        taken_at: head.try_get(2)?,
        tables,
    })
}

/// The root over the leaves as they are stored; that they fit the events is checked when the back-up is read.
async fn root_of(connection: &mut PgConnection) -> Result<String, Trouble> {
    let mut frontier = Frontier::default();
    let mut rows = Rows::of(connection, "SELECT leaf_hash FROM public.events ORDER BY index").await?;
    while let Some(row) = rows.next().await? {
        frontier.push(row.bytes(0).and_then(|leaf| leaf.try_into().ok()).unwrap_or_default());
    }
    Ok(hex::encode(frontier.root()))
}

/// Copy the rows of a query into a file of ours alone, and say its hash.
async fn copy_out(connection: &mut PgConnection, query: &str, path: &Path) -> Result<String, BackupTrouble> {
    let mut hash = Sha256::new();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut stream = connection.copy_out_raw(&format!("COPY ({query}) TO STDOUT (FORMAT binary)")).await?;
    while let Some(bytes) = stream.try_next().await? {
        hash.update(&bytes);
        file.write_all(&bytes)?;
    }
    file.sync_all()?;
    Ok(hex::encode(hash.finalize()))
}

fn write(path: &Path, content: impl FnOnce(&mut File) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    content(&mut file)?;
    file.sync_all()
}
