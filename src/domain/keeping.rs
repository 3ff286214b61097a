//! How the record itself is kept: that it was restored from a back-up, and that the key that seals it was changed. One
//! stream for the whole record, so that whoever reads the log reads what was done to the log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::identity::Hash;
use super::{Aggregate, Circumstances};

/// The stream of the record itself: every log has this one.
pub const THE_RECORD: Uuid = Uuid::from_u128(0x0000_0000_0000_8000_8000_7265_636f_7264);

refusals! {
    /// Why a verifier key could not be taken.
    pub enum VerifierKeyProblem {
        "verifier_key.unreadable" => Unreadable, "A verifier key has the form NAME+ID+KEY, as `sidebyside doctor` prints it.";
    }
}

/// A key that checks the seals of the log, as C2SP signed-note writes it: `name+id+key`. Its name is the name of the
/// log in every checkpoint that it checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VerifierKey(String);

impl VerifierKey {
    /// The key as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the log that it seals.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.0.split_once('+').map_or("", |(name, _)| name)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let text = typed.trim();
        let parts = text.split_once('+').and_then(|(name, rest)| Some((name, rest.split_once('+')?)));
        let sound = parts.is_some_and(|(name, (id, key))| {
            !name.is_empty()
                && id.len() == 8
                && !key.is_empty()
                && text.chars().all(|sign| sign.is_ascii_graphic())
        });
        if sound { Ok(Self(text.to_owned())) } else { Err(VerifierKeyProblem::Unreadable) }
    }
}

events! {
    /// What can have happened to the record as a whole.
    pub enum KeepingEvent in "record" {
        /// The record was restored from a back-up; it goes on here, under a new key and name. Whatever was recorded after
        /// the back-up is lost, but for the erasures, which are done again.
        "record.restored", 1 => Restored {
            /// How many events the back-up held: those before this one.
            size: u64,
            /// The root over them: SHA-256, 64 hexadecimal digits.
            root: Hash,
            /// How many events the newest checkpoint in the back-up covers, on which it rests; none where nothing was sealed.
            sealed: Option<u64>,
            /// The verifier key of the log until then, where it is known.
            former: Option<VerifierKey>,
            /// The verifier key from now on; its name is the name of the log in what is sealed from here.
            key: VerifierKey,
            /// How many events the last checkpoint covered that somebody held: from size up to there they are lost. None where
            /// nobody held one that goes further.
            lost_before: Option<u64>,
            /// The root of that checkpoint.
            lost_root: Option<Hash>,
            /// How many people and voices were forgotten after the back-up, and are forgotten again.
            erasures: u32,
        },
        /// The key that seals the log is changed: the old one seals this, and nothing that comes later.
        "record.key_changed", 1 => KeyChanged {
            /// The verifier key until now.
            former: VerifierKey,
            /// The verifier key from now on, under the same name.
            key: VerifierKey,
        },
    }
}

/// What a restore declares: the fields are those of `record.restored`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of record.restored")]
pub struct Restore {
    pub size: u64,
    pub root: Hash,
    pub sealed: Option<u64>,
    pub former: Option<VerifierKey>,
    pub key: VerifierKey,
    pub lost: Option<(u64, Hash)>,
    pub erasures: u32,
}

impl Restore {
    /// Whether it can be declared, as far as that does not rest on the history: to be asked before anything is restored.
    ///
    /// # Errors
    /// The refusal.
    pub fn check(&self) -> Result<(), KeepingRefusal> {
        if self.size == 0 {
            return Err(KeepingRefusal::Empty);
        }
        if self.former.as_ref().is_some_and(|former| former.origin() == self.key.origin()) {
            return Err(KeepingRefusal::SameKey);
        }
        if self.lost.as_ref().is_some_and(|(before, _)| *before <= self.size) {
            return Err(KeepingRefusal::NothingLost);
        }
        Ok(())
    }
}

impl KeepingEvent {
    fn told(&self) -> String {
        match self {
            Self::Restored { size, lost_before, erasures, .. } => {
                let lost = match lost_before {
                    Some(before) if *before == size + 1 => format!("Event {size} is lost."),
                    Some(before) => format!("The events {size} to {} are lost.", before.saturating_sub(1)),
                    None => "Whatever was recorded after it is lost.".into(),
                };
                let again = match erasures {
                    0 => String::new(),
                    1 => " One erasure since then was done again.".into(),
                    many => format!(" {many} erasures since then were done again."),
                };
                format!("The record was restored from a back-up of {size} events. {lost}{again}")
            }
            Self::KeyChanged { .. } => {
                "The key that seals the log is changed: the old one seals this, and the new one what follows."
                    .into()
            }
        }
    }
}

/// What can be asked of the record as a whole.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum KeepingCommand {
    Restore(Restore),
    ChangeKey { former: VerifierKey, key: VerifierKey },
}

refusals! {
    /// Why something asked of the record as a whole was turned down.
    pub enum KeepingRefusal {
        "record.empty" => Empty, "The back-up holds no event, so there is nothing to go on from: start a new record instead.";
        "record.same_key" => SameKey, "This key sealed the log before it was restored: seal what follows with a new one, under another name.";
        "record.nothing_lost" => NothingLost, "The checkpoint that is held ends within the back-up, so it shows no event to be lost.";
        "record.key_name" => KeyName, "The new key has another name than the log: make one under the same name, so that whoever knows the log knows it again.";
        "record.key_used" => KeyUsed, "This key has sealed the log before: change to one that never did.";
        "record.key_not_current" => KeyNotCurrent, "Another key seals the log by now: only that one can be changed.";
    }
}

/// The record as a whole, as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Keeping {
    /// Names under which the log was sealed, and every key that sealed it.
    former: Vec<String>,
    used: Vec<VerifierKey>,
    current: Option<VerifierKey>,
}

impl Keeping {
    fn restore(&self, restore: Restore) -> Result<KeepingEvent, KeepingRefusal> {
        restore.check()?;
        let Restore { size, root, sealed, former, key, lost, erasures } = restore;
        if self.former.iter().any(|name| name == key.origin()) {
            return Err(KeepingRefusal::SameKey);
        }
        let (lost_before, lost_root) = lost.unzip();
        Ok(KeepingEvent::Restored { size, root, sealed, former, key, lost_before, lost_root, erasures })
    }

    fn change_key(&self, former: VerifierKey, key: VerifierKey) -> Result<KeepingEvent, KeepingRefusal> {
        if self.current.as_ref().is_some_and(|current| *current != former) {
            return Err(KeepingRefusal::KeyNotCurrent);
        }
        if key == former || self.used.contains(&key) {
            return Err(KeepingRefusal::KeyUsed);
        }
        if key.origin() != former.origin() {
            return Err(KeepingRefusal::KeyName);
        }
        Ok(KeepingEvent::KeyChanged { former, key })
    }
}

impl Aggregate for Keeping {
    const TYPE: &'static str = "record";
    type Command = KeepingCommand;
    type Event = KeepingEvent;
    type Refusal = KeepingRefusal;

    fn decide(
        &self,
        command: KeepingCommand,
        _at: &Circumstances,
    ) -> Result<Vec<KeepingEvent>, KeepingRefusal> {
        let event = match command {
            KeepingCommand::Restore(restore) => self.restore(restore)?,
            KeepingCommand::ChangeKey { former, key } => self.change_key(former, key)?,
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &KeepingEvent) {
        match event {
            KeepingEvent::Restored { former, key, .. } => {
                let names = former.iter().chain([key]).map(|key| key.origin().to_owned());
                self.former.extend(names);
                self.used.extend(former.iter().chain([key]).cloned());
                self.current = Some(key.clone());
            }
            KeepingEvent::KeyChanged { former, key } => {
                self.former.push(key.origin().to_owned());
                self.used.extend([former.clone(), key.clone()]);
                self.current = Some(key.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
