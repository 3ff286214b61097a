//! The list of those who were forgotten, in a file outside the database: an older back-up does not know of them, and a
//! restore from it forgets them again. It holds random references, grounds and numbers, and nothing that says who it was.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Vault, VaultTrouble};
use crate::domain::identity::{ConsultationId, PersonId, PersonRef, VoiceId};
use crate::domain::person::{CaseNumber, ErasureGround};

/// Somebody who was forgotten, or a voice that was taken back, with what the event said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "forgotten", rename_all = "snake_case", deny_unknown_fields)]
pub enum Forgotten {
    /// A person.
    Person {
        /// Whom.
        person: PersonRef,
        /// Why.
        ground: ErasureGround,
        /// The number of the request or decision it rests on.
        authority: CaseNumber,
        /// Who asked for it.
        asked_by: PersonId,
        /// Who carried it out.
        by: PersonId,
    },
    /// A voice of a consultation.
    Voice {
        /// Which.
        voice: VoiceId,
        /// Where it was heard.
        consultation: ConsultationId,
        /// Who took it back for them.
        by: PersonId,
    },
}

impl Forgotten {
    /// Whose key and items are destroyed.
    #[must_use]
    pub const fn subject(&self) -> Uuid {
        match self {
            Self::Person { person, .. } => person.0,
            Self::Voice { voice, .. } => voice.0,
        }
    }
}

/// The file: a line of JSON for each, in the order in which they were put on it. No line is ever taken away.
#[derive(Debug, Clone)]
pub struct ForgottenList(PathBuf);

fn trouble(file: &Path) -> impl Fn(std::io::Error) -> VaultTrouble {
    move |source| VaultTrouble::List { file: file.display().to_string(), source }
}

impl ForgottenList {
    /// The list in this file; it need not be there yet.
    #[must_use]
    pub const fn at(file: PathBuf) -> Self {
        Self(file)
    }

    /// Where it is.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.0
    }

    /// Who is on it; none where there is no file yet.
    ///
    /// # Errors
    /// When it cannot be read. A line that was cut off at the end is passed over: it was never relied on.
    pub fn read(&self) -> Result<Option<Vec<Forgotten>>, VaultTrouble> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(trouble(&self.0)(why)),
        };
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n') && line.trim() != "");
        let lines: Result<Vec<_>, _> = whole.map(serde_json::from_str).collect();
        lines.map(Some).map_err(|why| trouble(&self.0)(why.into()))
    }

    /// See that these are on the list, on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn keep(&self, these: &[Forgotten]) -> Result<(), VaultTrouble> {
        let there = self.read()?.unwrap_or_default();
        let new: Vec<&Forgotten> = these.iter().filter(|one| !there.contains(one)).collect();
        if new.is_empty() {
            return Ok(());
        }
        // A line that was cut off is ended first, so that it spoils no other.
        let mut text = String::new();
        if std::fs::read(&self.0).is_ok_and(|bytes| bytes.last().is_some_and(|last| *last != b'\n')) {
            let whole: String = there.iter().filter_map(line).collect();
            super::super::key_file::replace(&self.0, whole.as_bytes()).map_err(trouble(&self.0))?;
        }
        text.extend(new.into_iter().filter_map(line));
        let open = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.0);
        open.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .map_err(trouble(&self.0))
    }
}

fn line(one: &Forgotten) -> Option<String> {
    serde_json::to_string(one).ok().map(|line| line + "\n")
}

impl Vault {
    /// With the list of those who are forgotten kept in a file as well.
    #[must_use]
    pub fn with_list(self, list: Option<ForgottenList>) -> Self {
        Self { list: list.map(std::sync::Arc::new), ..self }
    }

    /// Put everybody on the list of whom the log says that they are forgotten: before their key is destroyed, so that
    /// nobody is forgotten of whom a restore would not know.
    ///
    /// # Errors
    /// When the list cannot be written, or the database cannot be reached.
    pub async fn list_forgotten(&self) -> Result<(), VaultTrouble> {
        let Some(list) = &self.list else { return Ok(()) };
        let rows = sqlx::query(
            "SELECT index, aggregate_id, payload -> event_type ->> 'voice', payload -> event_type ->> 'ground',
                 payload -> event_type ->> 'authority', payload -> event_type ->> 'asked_by', metadata ->> 'actor'
             FROM public.events WHERE event_type = 'person.erased' AND aggregate_type = 'person'
             UNION ALL SELECT index, aggregate_id, payload -> event_type ->> 'voice', NULL, NULL, NULL, metadata ->> 'actor'
             FROM public.events WHERE event_type = 'consultation.voice_withdrawn' AND aggregate_type = 'consultation'
             ORDER BY index",
        )
        .fetch_all(&self.pool)
        .await?;
        let all = rows.iter().filter_map(|row| forgotten(row).transpose()).collect::<Result<Vec<_>, _>>()?;
        list.keep(&all)
    }
}

/// A row of the log as an entry; none where it does not say enough, which no event of ours does.
fn forgotten(row: &PgRow) -> sqlx::Result<Option<Forgotten>> {
    let text = |place: usize| row.try_get::<Option<String>, _>(place).map(Option::unwrap_or_default);
    let id = |place: usize| text(place).map(|text| Uuid::parse_str(&text).ok());
    let by = PersonId(id(6)?.unwrap_or_default());
    let Some(stream) = id(1)? else { return Ok(None) };
    if let Some(voice) = id(2)? {
        let (voice, consultation) = (VoiceId(voice), ConsultationId(stream));
        return Ok(Some(Forgotten::Voice { voice, consultation, by }));
    }
    let (ground, authority) = (ErasureGround::from_code(&text(3)?), text(4)?.parse().ok());
    let asked_by = PersonId(id(5)?.unwrap_or_default());
    Ok(ground.zip(authority).map(|(ground, authority)| Forgotten::Person {
        person: PersonRef(stream),
        ground,
        authority,
        asked_by,
        by,
    }))
}
