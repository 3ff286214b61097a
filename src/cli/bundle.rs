//! `bundle`: the record as a folder that an auditor takes away; and checking one, which needs no database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::place::{Opened, Place, Purpose};
use super::rebuild::bar;
use super::say;
use crate::exports::evidence::{
    BundleTrouble, Holding, Making, Seen, Summary, Verdict, check, checked, fill, is_instant, read_note,
};
use crate::store::seal::PublicKey;
use crate::store::witness::WitnessKey;

/// The exit code when what was asked cannot be used.
const ASKED_WRONGLY: u8 = 2;

/// What whoever checks a bundle brings.
#[derive(Debug, Args)]
pub struct Check {
    /// Check this evidence bundle, and nothing else: no database is opened. Exit codes: 0 everything holds; 30 it is
    /// not the log you were shown before; 40 it is not valid; 50 it is old; 2 asked wrongly.
    #[arg(long, value_name = "FOLDER", requires = "key")]
    bundle: Option<PathBuf>,
    /// The verifier key of the log that you took down before.
    #[arg(long, value_name = "NAME+ID+KEY", requires = "bundle")]
    key: Option<String>,
    /// A verifier key of the log from before it was restored, if a checkpoint that you hold is signed by one.
    #[arg(long, value_name = "NAME+ID+KEY", requires = "bundle")]
    old_key: Vec<String>,
    /// A checkpoint that you hold; more than one if you like.
    #[arg(long, value_name = "FILE", requires = "bundle")]
    held: Vec<PathBuf>,
    /// The receipt of a command that you hold; more than one if you like.
    #[arg(long, value_name = "INDEX:LEAF", requires = "bundle")]
    receipt: Vec<String>,
    /// A witness that you rely on: it has to have signed a checkpoint in the bundle. More than one if you like; each has to.
    #[arg(long, value_name = "NAME+ID+KEY", requires = "bundle")]
    witness: Vec<String>,
    /// When at least something was recorded: 2026-11-20, or a time such as 2026-11-20T09:30:00.000000Z. With --witness:
    /// each has to have signed since, and have seen whatever was recorded before.
    #[arg(long, value_name = "TIME", requires = "bundle")]
    not_older_than: Option<String>,
}

impl Check {
    /// Check the bundle that was named; none when there was none.
    pub fn carry_out(&self) -> Option<ExitCode> {
        let (folder, key) = (self.bundle.as_ref()?, self.key.as_ref()?);
        let verdict = self.told(key).and_then(|holding| looked_at(folder, &holding));
        let (words, code) = match verdict {
            Ok(verdict) => (told(&verdict), verdict.exit_code()),
            Err(error) => (format!("ASKED WRONGLY  {error:#}"), ASKED_WRONGLY),
        };
        say(&words);
        Some(ExitCode::from(code))
    }

    fn told(&self, key: &str) -> anyhow::Result<Holding> {
        let key = PublicKey::new(key)?;
        let old = self.old_key.iter().map(|key| PublicKey::new(key)).collect::<Result<Vec<_>, _>>()?;
        let mut checkpoints = Vec::new();
        for file in &self.held {
            let name = file.display();
            let bytes =
                std::fs::read(file).with_context(|| format!("The checkpoint {name} that you hold"))?;
            let of_old = old.iter().find_map(|key| read_note(&bytes, key).ok());
            match of_old.map_or_else(|| read_note(&bytes, &key), Ok) {
                Ok(held) => checkpoints.push(held),
                Err(why) => bail!("The checkpoint {name} that you hold cannot be used: {why}."),
            }
        }
        let receipt = |text: &String| {
            let (index, leaf) = text.split_once(':').context("A receipt has the form INDEX:LEAF.")?;
            let leaf = hex::decode(leaf).ok().and_then(|leaf| leaf.try_into().ok());
            anyhow::Ok((index.parse()?, leaf.context("A receipt has the form INDEX:LEAF.")?))
        };
        let receipts = self.receipt.iter().map(receipt).collect::<anyhow::Result<_>>()?;
        let since = |text: &String| {
            let written = [text.clone(), format!("{text}T00:00:00.000000Z")];
            let time = written.into_iter().find(|time| is_instant(time));
            time.context("A time has the form 2026-11-20 or 2026-11-20T09:30:00.000000Z.")
        };
        let not_older_than = self.not_older_than.as_ref().map(since).transpose()?;
        let witnesses = self.witness.iter().map(|key| WitnessKey::new(key)).collect::<Result<_, _>>()?;
        Ok(Holding { key, checkpoints, receipts, witnesses, not_older_than })
    }
}

fn looked_at(folder: &Path, holding: &Holding) -> anyhow::Result<Verdict> {
    let checking = bar("Checking the bundle");
    let verdict = check(folder, holding, &|done| checking.set_position(done));
    checking.finish_and_clear();
    verdict.with_context(|| format!("{} cannot be read", folder.display()))
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Holds(found) => {
            let (size, root, moved) = (found.size, hex::encode(found.root), found.moved);
            let whole = format!(
                "Everything holds: {size} events under the root {root}, {moved} of them moved money."
            );
            let seen = |Seen { witness, size, at }: &Seen| {
                format!("WITNESSED  {witness} has seen the first {size} events, and signed that at {at}.")
            };
            let lines = found.lost.iter().cloned().chain(found.seen.iter().map(seen));
            std::iter::once(whole).chain(lines).collect::<Vec<_>>().join("\n")
        }
        Verdict::Diverges(why) => format!("DIVERGES  {why}"),
        Verdict::Invalid(why) => format!("INVALID  {why}"),
        Verdict::Stale(why) => format!("OLD  {why}"),
    }
}

/// Write a bundle under the newest checkpoint. What is not sealed yet is sealed first, where the key is at hand.
///
/// # Errors
/// When there is no checkpoint, the log is not what was sealed, or the folder is there already or cannot be made.
pub async fn write(place: Place, out: &Path, key: Option<String>) -> anyhow::Result<()> {
    if out.symlink_metadata().is_ok() {
        bail!("{} is there already: a bundle is written into a new folder.", out.display());
    }
    let key = key.map(|key| PublicKey::new(&key)).transpose()?;
    let opened = place.open(Purpose::Command).await?;
    let written = sealed(&place, &opened, key).await;
    let written = match written {
        Ok(key) => whole(&opened, &key, out).await,
        Err(error) => Err(error),
    };
    opened.close().await?;
    say(&written?);
    Ok(())
}

/// The key that checks the newest checkpoint, once that covers what there is and witnesses were asked about it.
async fn sealed(place: &Place, opened: &Opened, key: Option<PublicKey>) -> anyhow::Result<PublicKey> {
    let key = match (key, place.sealer(opened).await?) {
        (Some(key), _) => key,
        (None, Some(mut sealer)) => {
            sealer.seal().await?;
            sealer.public().clone()
        }
        (None, None) => bail!(
            "The key that seals is not here: name its file in SIDEBYSIDE_SEAL_KEY_FILE, or give the verifier key with --key."
        ),
    };
    place.ask_witnesses(opened).await?;
    Ok(key)
}

/// Written beside its place, checked there as whoever gets it would, and then moved: half a bundle is never handed out.
async fn whole(opened: &Opened, key: &PublicKey, out: &Path) -> anyhow::Result<String> {
    let making = Making::begin(opened.store.pool()).await?;
    let making = making.context("Nothing is sealed yet, so there is nothing to rest a bundle on.")?;
    let mut draft = out.as_os_str().to_owned();
    draft.push(".unfinished");
    let draft = PathBuf::from(draft);
    match made(&making, key, &draft).await {
        Ok(Summary { size, root, .. }) => {
            std::fs::rename(&draft, out).with_context(|| format!("{} cannot be made", out.display()))?;
            Ok(format!(
                "{} holds {size} events under the root {}.\nCheck it elsewhere, with the key {key}",
                out.display(),
                hex::encode(root)
            ))
        }
        Err(trouble) => {
            if draft.is_dir() {
                std::fs::remove_dir_all(&draft)?;
            }
            Err(trouble.into())
        }
    }
}

async fn made(making: &Making<'_>, key: &PublicKey, draft: &Path) -> Result<Summary, BundleTrouble> {
    let writing = bar("Writing the bundle");
    writing.set_length(making.checkpoint.size.unsigned_abs());
    let filled = fill(making, key, draft, &|done| writing.set_position(done)).await;
    writing.finish_and_clear();
    filled?;
    let checking = bar("Checking the bundle");
    let found = checked(draft, key, &|done| checking.set_position(done));
    checking.finish_and_clear();
    found
}
