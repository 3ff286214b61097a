//! Restoring a back-up: into an empty record, in one transaction, together with what the restore has to declare.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::reading::rows;
use super::{Backup, BackupTrouble, EMPTY, EVENTS, Table, migration, tables};
use crate::domain::identity::CommandId;
use crate::domain::keeping::Restore;
use crate::store::Trouble;
use crate::store::copy::SIGNATURE;
use crate::store::vault::{Forgotten, MasterKey, opens};

/// How many bytes go into the database at a time.
const CHUNK: usize = 1 << 18;

/// What a restore declares, and what is left to be done after it: forgetting again whoever was forgotten since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// What the event says.
    pub restore: Restore,
    /// Who was forgotten after the back-up was taken.
    pub forgotten: Vec<Forgotten>,
}

/// The restores of this record, each with the command under which it is declared.
///
/// # Errors
/// When the database fails.
pub async fn declared(pool: &PgPool) -> Result<Vec<(CommandId, Declared)>, Trouble> {
    let rows = sqlx::query("SELECT command, declared::text FROM seal.restore ORDER BY loaded_at, command")
        .fetch_all(pool)
        .await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let declared =
            serde_json::from_str(row.try_get(1)?).map_err(|why| Trouble::Other(why.to_string()))?;
        Ok((CommandId(row.try_get(0)?), declared))
    };
    rows.iter().map(read).collect()
}

/// Load a back-up into an empty record, all of it or nothing, as the owner of the tables. What stands of `built`, the
/// schema that is made from the log, is thrown away. Whoever was forgotten since is not loaded at all: neither their key
/// nor their items reach a file of a table, or the write-ahead log.
///
/// # Errors
/// When the record is not empty, is of another version, the key does not open the vault, or the database fails.
pub async fn load(
    owner: &PgPool,
    backup: &Backup,
    built: &str,
    master: Option<&MasterKey>,
    (command, declared): (CommandId, &Declared),
) -> Result<(), BackupTrouble> {
    let mut connection = owner.acquire().await?.detach();
    let mut work = connection.begin().await?;
    // Nobody appends until the end of this.
    let size: i64 =
        sqlx::query_scalar("SELECT size FROM public.log_head FOR UPDATE").fetch_one(&mut *work).await?;
    if size > 0 {
        return Err(BackupTrouble::NotEmpty(format!("the log, with {size} events,")));
    }
    let (ours, found) = (migration(&mut work).await?, backup.manifest.migration);
    let here = tables(&mut work).await?;
    let shape = |tables: &[Table]| -> Vec<(String, Vec<String>)> {
        tables.iter().map(|table| (table.name.clone(), table.columns.clone())).collect()
    };
    if ours != found || shape(&here) != shape(&backup.manifest.tables) {
        return Err(BackupTrouble::OtherVersion { found, ours });
    }
    for table in EMPTY {
        let query = format!("SELECT EXISTS (SELECT FROM {table})");
        if sqlx::query_scalar(&query).fetch_one(&mut *work).await? {
            return Err(BackupTrouble::NotEmpty(table.into()));
        }
    }
    let forgotten: Vec<Uuid> = declared.forgotten.iter().map(Forgotten::subject).collect();
    let guards = guards_down(&mut work).await?;
    for table in &backup.manifest.tables {
        copy_in(&mut work, table, &backup.folder.join(table.file()), &forgotten).await?;
    }
    for guard in guards {
        work.execute(guard.as_str()).await?;
    }
    sqlx::query("UPDATE public.log_head SET size = $1, last_recorded_at = $2")
        .bind(backup.manifest.size.cast_signed())
        .bind(backup.last_recorded_at)
        .execute(&mut *work)
        .await?;
    for subject in &forgotten {
        sqlx::query("SELECT vault.destroy($1)").bind(subject).execute(&mut *work).await?;
    }
    work.execute("SELECT vault.write_anew()").await?;
    if let Some(master) = master {
        opens(&mut work, master).await?;
    }
    work.execute(format!("DROP SCHEMA IF EXISTS {built} CASCADE").as_str()).await?;
    sqlx::query("INSERT INTO seal.restore (command, declared) VALUES ($1, $2)")
        .bind(command.0)
        .bind(sqlx::types::Json(declared))
        .execute(&mut *work)
        .await?;
    work.commit().await?;
    Ok(())
}

/// Take down the guards that keep others from bringing in events of another time; says what puts them up again. Both
/// happen in the transaction of the restore, so nobody ever finds them down.
async fn guards_down(work: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let guards: Vec<(String, bool)> = sqlx::query_as(
        "SELECT quote_ident(tgname), tgenabled = 'A' FROM pg_catalog.pg_trigger
         WHERE tgrelid = 'public.events'::regclass AND NOT tgisinternal ORDER BY tgname",
    )
    .fetch_all(&mut *work)
    .await?;
    work.execute("ALTER TABLE public.events DISABLE TRIGGER USER").await?;
    let up = |(name, always): (String, bool)| {
        let always = if always { "ALWAYS " } else { "" };
        format!("ALTER TABLE public.events ENABLE {always}TRIGGER {name}")
    };
    Ok(guards.into_iter().map(up).collect())
}

/// Copy a file into its table, but for the rows of the vault that are of somebody forgotten.
async fn copy_in(
    work: &mut PgConnection,
    table: &Table,
    file: &Path,
    forgotten: &[Uuid],
) -> Result<(), BackupTrouble> {
    // What a migration has put there is in the back-up as well, and may have been changed since.
    if table.name != EVENTS {
        work.execute(format!("DELETE FROM {}", table.name).as_str()).await?;
    }
    let subject = match table.name.as_str() {
        "vault.subject_key" | "vault.item" => table.place("subject"),
        _ => None,
    };
    let statement = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.listed());
    let mut copy = work.copy_in_raw(&statement).await?;
    let mut ready = [SIGNATURE, &[0; 8]].concat();
    let mut rows = rows(file)?;
    while let Some(row) = rows.next().await? {
        let whose = subject.map(|place| row.uuid(place)).transpose()?;
        if whose.is_some_and(|whose| forgotten.contains(&whose)) {
            continue;
        }
        ready.extend_from_slice(row.raw());
        if ready.len() >= CHUNK {
            copy.send(std::mem::take(&mut ready)).await?;
        }
    }
    ready.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(ready).await?;
    copy.finish().await?;
    numbers_go_on(work, table).await
}

/// Numbers that the database gives go on after the last that was given.
async fn numbers_go_on(work: &mut PgConnection, table: &Table) -> Result<(), BackupTrouble> {
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass AND attidentity <> ''",
    )
    .bind(&table.name)
    .fetch_all(&mut *work)
    .await?;
    for column in columns {
        let query = format!(
            "SELECT setval(pg_get_serial_sequence('{0}', '{column}'), max(\"{column}\")) FROM {0}
             HAVING max(\"{column}\") IS NOT NULL",
            table.name
        );
        work.execute(query.as_str()).await?;
    }
    Ok(())
}
