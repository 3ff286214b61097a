//! `change-key`: another key seals from now on. The log announces it, the old key seals that, and then the new one is put
//! in its place. Cut off anywhere, the same command or the next start goes on from there.

use anyhow::{Context as _, bail};

use super::place::{Opened, Place, Purpose};
use super::say;
use crate::domain::keeping::VerifierKey;
use crate::store::seal::{SealKey, finish_change, next_key_file};

/// Change the key that seals.
///
/// # Errors
/// When there is no key, or the log cannot be sealed by the old one: nothing is changed then.
pub async fn change(place: Place) -> anyhow::Result<()> {
    let opened = place.open(Purpose::Command).await?;
    let changed = changed(&place, &opened).await;
    opened.close().await?;
    say(&changed?);
    Ok(())
}

async fn changed(place: &Place, opened: &Opened) -> anyhow::Result<String> {
    let file = place.seal_key_file(&opened.database);
    let file = file.context("There is no key to be changed: name its file in SIDEBYSIDE_SEAL_KEY_FILE.")?;
    let begun = next_key_file(&file).exists();
    // Who cannot seal what there is cannot hand over either.
    let sealer = place.sealer(opened).await?;
    let mut sealer = sealer.context("There is no key to be changed.")?;
    sealer.seal().await?;
    if begun && !next_key_file(&file).exists() {
        return Ok(format!("The change that was begun is done. The verifier key is {}", sealer.public()));
    }
    let old = SealKey::from_file(&file)?;
    let next = SealKey::make_file(&next_key_file(&file), old.origin())?;
    let as_named = |key: &SealKey| key.public().as_str().parse::<VerifierKey>();
    let done = opened.app.announce_key(as_named(&old)?, as_named(&next)?).await?;
    sealer.seal().await?;
    finish_change(opened.store.pool(), &file).await?;
    let now = SealKey::from_file(&file)?;
    if now.public() != next.public() {
        bail!("The change is announced by event {}, and not sealed yet: run this again.", done.receipt.index);
    }
    Ok(format!(
        "The key is changed: event {} announces it, and the old key has sealed that.\nThe new verifier key is {}\n\
         Whoever holds the old one can follow. The old key's file is kept beside the new one: put it away.",
        done.receipt.index,
        now.public()
    ))
}
