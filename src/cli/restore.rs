//! `restore`: a back-up into an empty record, which says for ever that it was restored and what is lost.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::place::{Opened, Place, Purpose};
use super::say;
use crate::app::Surroundings;
use crate::domain::identity::{CommandId, Hash};
use crate::domain::keeping::{Restore, VerifierKey};
use crate::exports::evidence::read_note;
use crate::projections::STANDING;
use crate::store::backup::{Backup, Declared, load, must_be_empty};
use crate::store::database::Database;
use crate::store::seal::{Checkpoint, PublicKey, SealKey};
use crate::store::vault::{Forgotten, ForgottenList};

/// What a restore is told.
#[derive(Debug, Args)]
pub struct From {
    /// The folder of the back-up.
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// The last checkpoint that anybody holds: with it, the record says which events are lost.
    #[arg(long, value_name = "FILE")]
    held: Option<PathBuf>,
    /// The verifier key of the log until now, where the back-up does not name it.
    #[arg(long, value_name = "NAME+ID+KEY")]
    key: Option<String>,
    /// The list of those who were forgotten, as it was last. They are forgotten again before anybody is let in.
    #[arg(long, value_name = "FILE", required_unless_present = "no_list")]
    list: Option<PathBuf>,
    /// There is no list: nobody was forgotten after the back-up was taken, or nobody knows who.
    #[arg(long, conflicts_with = "list")]
    no_list: bool,
}

/// Restore a back-up and say what came of it.
///
/// # Errors
/// When the back-up is not whole, there is a record already, or a key is not the right one. Nothing is restored then.
pub async fn restore(place: Place, told: From) -> anyhow::Result<()> {
    let former = told.key.as_ref().map(|key| PublicKey::new(key)).transpose()?;
    let backup = Backup::read(&told.from, &[]).await?;
    let former = match (former, &backup.manifest.key) {
        (Some(key), _) => Some(key),
        (None, Some(key)) => Some(PublicKey::new(key)?),
        (None, None) => None,
    };
    let held = told.held.as_deref().map(|file| held(file, former.as_ref())).transpose()?;
    if let Some(held) = &held {
        Backup::read(&told.from, &[(held.size, held.root)]).await?;
    }
    let forgotten = match &told.list {
        Some(file) => ForgottenList::at(file.clone())
            .read()?
            .with_context(|| format!("There is no list {}.", file.display()))?,
        None => Vec::new(),
    };
    if backup.manifest.sealed.is_some() && former.is_none() {
        bail!(
            "The back-up does not name the verifier key of the log: give it with --key, as `doctor` printed it."
        );
    }
    let since = since(&backup, &forgotten);
    let database = place.database(Purpose::Command).await?;
    let loaded = loaded(&place, &database, &backup, former.as_ref(), (held, since)).await;
    let declared = match loaded {
        Ok(declared) => declared,
        Err(error) => {
            database.close().await?;
            return Err(error);
        }
    };
    // From here on the rest is done by every start, should this one not come to its end.
    let opened = place.open_over(database).await?;
    let finished = finish(&place, &opened, &forgotten).await;
    opened.close().await?;
    finished?;
    say(&words(&declared));
    Ok(())
}

/// A checkpoint that somebody holds.
fn held(file: &Path, key: Option<&PublicKey>) -> anyhow::Result<Checkpoint> {
    let name = file.display();
    let key = key.context(
        "The back-up does not name the verifier key of the log: give it with --key, so that the checkpoint can be checked.",
    )?;
    let bytes = std::fs::read(file).with_context(|| format!("The checkpoint {name} that you hold"))?;
    match read_note(&bytes, key) {
        Ok(held) => Ok(held),
        Err(why) => bail!("The checkpoint {name} that you hold cannot be used: {why}."),
    }
}

/// Of those on a list, those whom the back-up does not know to be forgotten.
fn since(backup: &Backup, forgotten: &[Forgotten]) -> Vec<Forgotten> {
    forgotten.iter().filter(|one| !backup.forgotten.contains(&one.subject())).cloned().collect()
}

async fn loaded(
    place: &Place,
    database: &Database,
    backup: &Backup,
    former: Option<&PublicKey>,
    (held, forgotten): (Option<Checkpoint>, Vec<Forgotten>),
) -> anyhow::Result<Declared> {
    if database.is_joined() {
        bail!("The server is running on this database: stop it first, and restore then.");
    }
    database.migrate().await?;
    let owner = database.owner_pool().await?;
    let declared = async {
        must_be_empty(&owner).await?;
        let key = new_key(place, database, &owner).await?;
        let size = backup.manifest.size;
        let root = |root: &str| root.parse::<Hash>().context("the root of the back-up");
        let lost = held.filter(|held| held.size > size);
        let lost = lost.map(|held| anyhow::Ok((held.size, root(&hex::encode(held.root))?))).transpose()?;
        let restore = Restore {
            size,
            root: root(&backup.manifest.root)?,
            sealed: backup.manifest.sealed,
            former: former.map(|key| key.as_str().parse::<VerifierKey>()).transpose()?,
            key: key.public().as_str().parse()?,
            lost,
            erasures: u32::try_from(forgotten.len())?,
        };
        restore.check()?;
        let declared = Declared { restore, forgotten };
        let command = CommandId((Surroundings::SYSTEM.id)());
        let master = place.master_key(database)?;
        load(&owner, backup, STANDING, master.as_ref(), (command, &declared)).await?;
        anyhow::Ok(declared)
    }
    .await;
    owner.close().await;
    declared
}

/// The key that seals from now on: it must never have signed anything.
async fn new_key(place: &Place, database: &Database, owner: &super::place::Pool) -> anyhow::Result<SealKey> {
    let key = place.seal_key_over(database, owner).await?.context(
        "What is restored is sealed with a new key, under a new name. Make one and name its file in \
         SIDEBYSIDE_SEAL_KEY_FILE.",
    )?;
    if key.last()?.is_some() {
        bail!(
            "The key {} has sealed a log already. What is restored is sealed with a new key, under a new name: put the \
             old key's file and its .signed away, and keep both.",
            key.public()
        );
    }
    Ok(key)
}

/// Whoever was on the list is on the list of this record; and what was restored is sealed.
async fn finish(place: &Place, opened: &Opened, forgotten: &[Forgotten]) -> anyhow::Result<()> {
    if let Some(list) = place.forgotten_list(&opened.database) {
        list.keep(forgotten)?;
    }
    if let Some(mut sealer) = place.sealer(opened).await? {
        sealer.seal().await?;
    }
    Ok(())
}

fn words(declared: &Declared) -> String {
    let Restore { size, key, lost, erasures, .. } = &declared.restore;
    let lost = match lost {
        Some((before, _)) => {
            format!("Lost are the events {size} to {}, by the checkpoint that is held.", before - 1)
        }
        None => "Which events are lost is not known: no checkpoint was given that goes further.".into(),
    };
    format!(
        "Restored: {size} events. Event {size} says so, for ever.\n{lost}\nErasures done again: {erasures}.\n\
         From here on the log has another key and name. Tell everybody who holds a checkpoint:\n{key}"
    )
}
