//! A change of the key that seals: the log announces the new key, the old one seals that, and only then the new one
//! takes its place. What was begun is found by comparing the log with the files, and brought to its end by whoever
//! looks next.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use sqlx::PgPool;

use super::key::{SealKey, SealKeyTrouble};
use super::note::PublicKey;
use super::sealer::{SealTrouble, latest, wait_for_turn};
use crate::domain::Aggregate as _;
use crate::domain::keeping::{Keeping, KeepingEvent, VerifierKey};
use crate::store::{Trouble, upcast};

/// What the log says of the keys that seal it, event by event.
async fn said(pool: &PgPool) -> Result<Vec<(i64, KeepingEvent)>, Trouble> {
    let events: Vec<(i64, String, String, String)> = sqlx::query_as(
        "SELECT index, event_type, event_version, payload::text FROM public.events
         WHERE aggregate_type = 'record' ORDER BY index",
    )
    .fetch_all(pool)
    .await?;
    let mut said = Vec::with_capacity(events.len());
    for (index, event, version, payload) in &events {
        let fact = upcast::read(Keeping::TYPE, event, version, payload)?;
        if let Ok(event) = KeepingEvent::try_from(fact) {
            said.push((*index, event));
        }
    }
    Ok(said)
}

/// What the log says last of the key that seals it: which event, from which key to which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    /// Where it says so.
    pub index: i64,
    /// The key that has to seal that; none after a restore, which no key seals.
    pub former: Option<VerifierKey>,
    /// The key from there on.
    pub key: VerifierKey,
}

impl Announced {
    /// What an event of the record announces.
    pub fn by(index: i64, event: KeepingEvent) -> Self {
        match event {
            KeepingEvent::Restored { key, .. } => Self { index, former: None, key },
            KeepingEvent::KeyChanged { former, key } => Self { index, former: Some(former), key },
        }
    }
}

/// What the log says last of the key.
pub(super) async fn announced(pool: &PgPool) -> Result<Option<Announced>, Trouble> {
    Ok(said(pool).await?.pop().map(|(index, event)| Announced::by(index, event)))
}

/// The keys that sealed the log one after the other, as it says itself: for holding each checkpoint against the one
/// whose turn it was.
#[derive(Debug, Clone)]
pub struct Turns {
    here: PublicKey,
    now: Option<PublicKey>,
    coming: VecDeque<(i64, Option<PublicKey>, Option<PublicKey>)>,
}

impl Turns {
    /// The keys of a log; `now` is the one that whoever checks takes for the key of now.
    ///
    /// # Errors
    /// When the database fails, or an event cannot be read.
    pub async fn of(pool: &PgPool, now: &PublicKey) -> Result<Self, Trouble> {
        let read = |key: &VerifierKey| PublicKey::new(key.as_str()).ok();
        let said = said(pool).await?;
        let first = match said.first() {
            Some((_, KeepingEvent::Restored { former, .. })) => former.as_ref().and_then(read),
            Some((_, KeepingEvent::KeyChanged { former, .. })) => read(former),
            None => Some(now.clone()),
        };
        let coming = said.iter().map(|(index, event)| match event {
            KeepingEvent::Restored { key, .. } => (*index, None, read(key)),
            KeepingEvent::KeyChanged { former, key } => (*index, read(former), read(key)),
        });
        Ok(Self { here: now.clone(), now: first, coming: coming.collect() })
    }

    /// What is wrong with the key that whoever checks takes for that of now, once each checkpoint had its turn.
    pub(super) fn other_key_here(&self) -> Option<String> {
        let named = self.now.as_ref().filter(|named| **named != self.here)?;
        Some(format!("the log says that the key {named} seals it by now; the one here is {}", self.here))
    }

    /// Which keys the next larger checkpoint has to be signed by, one at least: a change is sealed by the key that goes,
    /// and that alone. None where the log does not say, as before a restore of which no key was known.
    pub(super) fn at(&mut self, size: i64) -> Vec<Option<PublicKey>> {
        let mut wanted = Vec::new();
        while let Some((_, former, key)) = self.coming.pop_front_if(|(index, ..)| *index < size) {
            wanted.extend(former.map(Some));
            self.now = key;
        }
        if wanted.is_empty() { vec![self.now.clone()] } else { wanted }
    }
}

/// Where the next key waits, beside the one of now.
#[must_use]
pub fn next_key_file(file: &Path) -> PathBuf {
    file.with_extension("next")
}

/// The key that waits beside the one of now.
pub(super) fn next_key(file: &Path) -> Result<Option<SealKey>, SealKeyTrouble> {
    let file = next_key_file(file);
    let next = SealKey::from_file(&file);
    // Asked afterwards: another process may have put it in its place in between.
    if next.is_err() && file.symlink_metadata().is_err() { Ok(None) } else { next.map(Some) }
}

/// Put the next key in the place of the one of now, if the log announces it and the old key has sealed that. The old
/// key's file is kept beside it, under its id. Where nothing was begun, nothing happens.
///
/// # Errors
/// When a file cannot be read or moved, or the database fails.
pub async fn finish_change(pool: &PgPool, file: &Path) -> Result<(), SealTrouble> {
    if next_key_file(file).symlink_metadata().is_err() {
        return Ok(());
    }
    let mut turn = pool.begin().await?;
    wait_for_turn(&mut turn).await?;
    let Some(change) = announced(pool).await? else { return Ok(()) };
    if latest(&mut *turn, Some(change.index)).await?.is_some() {
        take_up(file, &change)?;
    }
    turn.commit().await?;
    Ok(())
}

/// Put the next key in the place of the one of now, if they are those of a change: its seal is looked at before.
pub(super) fn take_up(file: &Path, change: &Announced) -> Result<(), SealKeyTrouble> {
    let (old, Some(next)) = (SealKey::from_file(file)?, next_key(file)?) else { return Ok(()) };
    let Announced { former: Some(former), key, .. } = change else { return Ok(()) };
    if former.as_str() != old.public().as_str() || key.as_str() != next.public().as_str() {
        return Ok(());
    }
    old.replaced_by(next.file()).map_err(|source| SealKeyTrouble::System {
        doing: format!("put {} in the place of {}", next.file().display(), file.display()),
        source,
    })
}
