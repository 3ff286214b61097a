//! `backup`: the record as a folder to be kept elsewhere.

use std::path::Path;

use anyhow::bail;

use super::place::{Opened, Place, Purpose};
use super::say;
use crate::store::backup::{Manifest, take};

/// Take a back-up. What is not sealed yet is sealed first, where the key is at hand, so that it rests on a checkpoint.
///
/// # Errors
/// When the record is not whole, or the folder is there already or cannot be made.
pub async fn backup(place: Place, out: &Path) -> anyhow::Result<()> {
    if out.symlink_metadata().is_ok() {
        bail!("{} is there already: a back-up is written into a new folder.", out.display());
    }
    let opened = place.open(Purpose::Command).await?;
    let taken = taken(&place, &opened, out).await;
    let list = place.forgotten_list(&opened.database);
    opened.close().await?;
    let manifest = taken?;
    let sealed = manifest.sealed.map_or_else(
        || "Nothing of it was ever sealed: run `sidebyside doctor` and see why.".to_owned(),
        |sealed| {
            format!("It rests on the checkpoint over {sealed} events; keep that in other hands as well.")
        },
    );
    say(&format!(
        "{} holds {} events under the root {}.\n{sealed}\nThe keys are not in it: keep them apart from it.",
        out.display(),
        manifest.size,
        manifest.root
    ));
    say(&match list {
        Some(list) => format!(
            "Keep {} up to date elsewhere too: it names whoever is forgotten from now on, and a restore needs it.",
            list.file().display()
        ),
        None => "No list of those who are forgotten is kept: name its file in SIDEBYSIDE_FORGOTTEN_FILE, on another \
                 disk. A restore needs it."
            .into(),
    });
    Ok(())
}

async fn taken(place: &Place, opened: &Opened, out: &Path) -> anyhow::Result<Manifest> {
    let key = match place.sealer(opened).await? {
        Some(mut sealer) => {
            sealer.seal().await?;
            Some(sealer.public().clone())
        }
        None => None,
    };
    let owner = opened.database.owner_pool().await?;
    let taken = take(&owner, key.as_ref(), out).await;
    owner.close().await;
    Ok(taken?)
}
