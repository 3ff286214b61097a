//! The vault: details that may not be in the log, encrypted here and read only on the record.
//!
//! Each subject has a random key of its own, wrapped by a master key that is never in the database; it seals the
//! subject's items, so that to destroy it is to forget the subject. An event carries the item and a commitment to its
//! text, and says nothing once the item is gone. What a person can be found by stands beside their item as a keyed hash.

mod erasure;
mod forgotten;
mod key;
mod readings;
mod sealing;
mod search;
mod shown;

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::key_file::chance;
use crate::domain::Reason;
use crate::domain::evidence::VaultRef;
use crate::domain::identity::Actor;
use crate::domain::text::TextProblem;
pub use erasure::Begun;
pub use forgotten::{Forgotten, ForgottenList};
pub use key::{KeyTrouble, MasterKey};
pub use readings::Reading;
use sealing::{Item, about_item, commitment, encrypt, fits, make_subject_key, subject_key};
pub use sealing::{opens, verify};
use shown::Showing;
pub use shown::Shown;

/// What an item holds. Codes are stored, and sealed with the text: they stay for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Where a partner is paid.
    BankDetails,
    /// What somebody told of what the work meant to them.
    Story,
    /// Who a person is, and how to reach them.
    PersonDetails,
    /// What somebody wrote when they referred a person.
    ReferralLetter,
    /// What somebody set themselves to reach, in their own words.
    Goal,
    /// What somebody said at a consultation, in their own words.
    Voice,
}

impl Kind {
    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::BankDetails => "bank_details",
            Self::Story => "story",
            Self::PersonDetails => "person_details",
            Self::ReferralLetter => "referral_letter",
            Self::Goal => "goal",
            Self::Voice => "voice",
        }
    }
}

/// Why the vault did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultTrouble {
    /// There is no master key.
    #[error(
        "The vault is closed: the server was started without its key, so nothing can be put in it or read from it. \
         Ask whoever runs the server to start it with the key."
    )]
    Closed,
    /// No such item.
    #[error("This is no longer in the vault: it was erased, or never kept.")]
    Absent,
    /// The subject is forgotten.
    #[error("This person was forgotten: nothing more is kept about them.")]
    Forgotten,
    /// Somebody kept the tables of the vault busy.
    #[error("The vault is busy, so what is to be destroyed is not destroyed yet: try again in a moment.")]
    Busy,
    /// Nobody said why it is read.
    #[error("Say why you are opening this; it is kept on the record. {0}")]
    Why(#[from] TextProblem),
    /// The master key does not open a key in the database.
    #[error(
        "The vault's key does not open the key of subject {subject}: the server was started with another key than the \
         one that sealed it, or the row was changed. Start it with the key that belongs to this database."
    )]
    OtherKey {
        /// Whose key it was.
        subject: Uuid,
    },
    /// A row is not as it was written.
    #[error("Item {item} of the vault was changed since it was sealed: {why}. Take it from a back-up.")]
    Damaged {
        /// Which.
        item: Uuid,
        /// What is wrong.
        why: &'static str,
    },
    /// The list of those who were forgotten cannot be read or written.
    #[error(
        "The list {file} of those who were forgotten cannot be kept ({source}). Nobody is forgotten until it can: a \
         restore would not know of them."
    )]
    List {
        /// The file.
        file: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The machine gave no random bytes, or would not encrypt.
    #[error("The vault could not seal anything: {0}")]
    Sealing(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for VaultTrouble {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
            // Raised where a key is to be made for somebody forgotten; or the key went while an item was being put in.
            Some("V0410" | "23503") => Self::Forgotten,
            Some("55P03") => Self::Busy,
            _ => Self::Database(error),
        }
    }
}

impl VaultTrouble {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed => "vault.closed",
            Self::Absent => "vault.absent",
            Self::Forgotten => "vault.forgotten",
            Self::Busy => "vault.busy",
            Self::Why(_) => "vault.why_required",
            Self::OtherKey { .. } => "vault.other_key",
            Self::Damaged { .. } => "vault.damaged",
            Self::List { .. } | Self::Sealing(_) | Self::Database(_) => "vault.broken",
        }
    }
}

/// The vault over a pool of the app's. Clones share the master key, and what is shown to everybody.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    master: Option<Arc<MasterKey>>,
    showing: Showing,
    list: Option<Arc<ForgottenList>>,
}

impl Vault {
    /// The vault, opened with its key; closed without.
    #[must_use]
    pub fn new(pool: PgPool, master: Option<MasterKey>) -> Self {
        Self { pool, master: master.map(Arc::new), showing: Showing::default(), list: None }
    }

    /// Whether the vault has a key.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.master.is_some()
    }

    fn master(&self) -> Result<&MasterKey, VaultTrouble> {
        self.master.as_deref().ok_or(VaultTrouble::Closed)
    }

    /// Whether the master key is the one this vault was sealed with: to be asked before the server opens. Any will do
    /// for an empty vault.
    ///
    /// # Errors
    /// When it is another, or there is none.
    pub async fn check(&self) -> Result<(), VaultTrouble> {
        let master = self.master()?;
        fits(&mut *self.pool.acquire().await?, master).await
    }

    /// Encrypt a text about a subject and keep it. What comes back is for the event.
    ///
    /// # Errors
    /// When the vault is closed or sealed with another master key, or the database cannot be reached.
    pub async fn seal(&self, subject: Uuid, kind: Kind, text: &str) -> Result<VaultRef, VaultTrouble> {
        self.seal_findable(subject, kind, text, &[]).await
    }

    /// As [`Vault::seal`], and let the subject be found again by terms, each a text that equal ones share. They are kept
    /// as keyed hashes beside the item.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn seal_findable(
        &self,
        subject: Uuid,
        kind: Kind,
        text: &str,
        terms: &[String],
    ) -> Result<VaultRef, VaultTrouble> {
        let master = self.master()?;
        let marks: Vec<Vec<u8>> = terms.iter().map(|term| master.mark(term)).collect();
        let item = uuid::Builder::from_random_bytes(chance()?).into_uuid();
        let salt: [u8; 32] = chance()?;
        let nonce: [u8; 24] = chance()?;

        let mut work = self.pool.begin().await?;
        let key = match subject_key(&mut work, master, subject).await? {
            Some(key) => key,
            None => make_subject_key(&mut work, master, subject).await?,
        };
        let about = about_item(item, subject, kind.code());
        sqlx::query(
            "INSERT INTO vault.item (item, subject, kind, salt, nonce, ciphertext, marks)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(item)
        .bind(subject)
        .bind(kind.code())
        .bind(&salt[..])
        .bind(&nonce[..])
        .bind(encrypt(&key, &nonce, &about, text.as_bytes())?)
        .bind(marks)
        .execute(&mut *work)
        .await?;
        work.commit().await?;
        Ok(VaultRef { item, commit: commitment(item, &salt, text) })
    }

    /// Decrypt an item. The read is on the record before the text is out.
    ///
    /// # Errors
    /// When the vault is closed, there is no such item, no reason is given, or a row was changed.
    pub async fn open(
        &self,
        item: Uuid,
        reader: Actor,
        why: &str,
    ) -> Result<Zeroizing<String>, VaultTrouble> {
        self.read(item, None, reader, why).await
    }

    /// Decrypt an item and hold it against the commitment of its event, so that what the log fixed is what is read:
    /// somebody with the database and the master key could have sealed another text under the same item.
    ///
    /// # Errors
    /// As [`Vault::open`]; and when the text is not the one committed to.
    pub async fn open_committed(
        &self,
        kept: &VaultRef,
        reader: Actor,
        why: &str,
    ) -> Result<Zeroizing<String>, VaultTrouble> {
        self.read(kept.item, Some(kept), reader, why).await
    }

    async fn read(
        &self,
        item: Uuid,
        kept: Option<&VaultRef>,
        reader: Actor,
        why: &str,
    ) -> Result<Zeroizing<String>, VaultTrouble> {
        let master = self.master()?;
        let why = Reason::new(why)?;
        let mut work = self.pool.begin().await?;
        let row: Item =
            sqlx::query_as("SELECT subject, kind, salt, nonce, ciphertext FROM vault.item WHERE item = $1")
                .bind(item)
                .fetch_optional(&mut *work)
                .await?
                .ok_or(VaultTrouble::Absent)?;
        // Erasure takes the key first: an item without one can never be read again.
        let key = subject_key(&mut work, master, row.subject).await?.ok_or(VaultTrouble::Absent)?;
        let text = row.text(item, &key)?;
        if let Some(kept) = kept
            && !<&[u8; 32]>::try_from(row.salt.as_slice()).is_ok_and(|salt| verify(kept, salt, &text))
        {
            return Err(VaultTrouble::Damaged { item, why: "it is not the text that the log committed to" });
        }
        note(&mut work, Act::Opened, (item, row.subject, &row.kind), reader, &why).await?;
        work.commit().await?;
        Ok(text)
    }

    /// Take away an item whose event was refused. It is no error if it is gone already.
    ///
    /// # Errors
    /// When the vault is closed or the database cannot be reached.
    pub async fn discard(&self, item: Uuid) -> Result<(), VaultTrouble> {
        self.master()?;
        sqlx::query("DELETE FROM vault.item WHERE item = $1").bind(item).execute(&self.pool).await?;
        Ok(())
    }
}

/// How somebody read.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// An item was decrypted.
    Opened,
    /// Somebody was looked up.
    Searched,
}

impl Act {
    const fn code(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Searched => "searched",
        }
    }
}

/// Put a reading on the record: the item, its subject and its kind; who, and why.
async fn note(
    connection: &mut PgConnection,
    act: Act,
    (item, subject, kind): (Uuid, Uuid, &str),
    reader: Actor,
    why: &Reason,
) -> Result<(), VaultTrouble> {
    sqlx::query(
        "INSERT INTO vault.reading (item, subject, kind, person, role, why, act)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(item)
    .bind(subject)
    .bind(kind)
    .bind(reader.person.0)
    .bind(reader.role.name())
    .bind(why.as_str())
    .bind(act.code())
    .execute(connection)
    .await?;
    Ok(())
}
