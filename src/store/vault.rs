//! The vault: details that may not be in the log, encrypted here and read only on the record.
//!
//! Each subject has a random key of its own, wrapped by a master key that is never in the database; it seals the
//! subject's items, so that to destroy it is to forget the subject. An event carries the item and a commitment to its
//! text, and says nothing once the item is gone.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::domain::Reason;
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{Actor, Hash};
use crate::domain::text::TextProblem;

/// What a commitment and a wrapped key begin with, so that neither can be taken for anything else.
const COMMITMENT: &[u8] = b"sidebyside vault commitment v1\0";
const WRAPPING: &[u8] = b"sidebyside vault subject key v1\0";

/// More bytes than any key file has: 64 digits and some white space.
const LONGEST_KEY_FILE: u64 = 256;

/// A key of XChaCha20-Poly1305, wiped from memory when it is dropped.
type Secret = Zeroizing<[u8; 32]>;

/// The key that opens every other key of the vault. It is kept outside the database, and nothing prints it.
pub struct MasterKey(Secret);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// Why there is no master key. Each reads as sentences for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum KeyTrouble {
    /// Not 64 hexadecimal digits.
    #[error("The vault's key must be 64 hexadecimal digits, as `openssl rand -hex 32` writes them.")]
    Unreadable,
    /// The file holds something else.
    #[error(
        "The key file {0} does not hold 64 hexadecimal digits and nothing more. Put the right file in its place: a new \
         key would not open what the old one sealed."
    )]
    NotAKey(String),
    /// Others on this machine may read or replace it.
    #[error("Others can get at the key file {file} (mode {mode:o}). Close it to them: chmod 600 {file}")]
    Open {
        /// The file.
        file: String,
        /// Its permissions.
        mode: u32,
    },
    /// The machine.
    #[error("Could not {doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the machine said.
        source: std::io::Error,
    },
}

impl MasterKey {
    /// Read 64 hexadecimal digits.
    ///
    /// # Errors
    /// When they are anything else.
    pub fn from_hex(digits: &str) -> Result<Self, KeyTrouble> {
        Self::from_digits(digits.as_bytes()).ok_or(KeyTrouble::Unreadable)
    }

    fn from_digits(digits: &[u8]) -> Option<Self> {
        let mut key = Secret::default();
        hex::decode_to_slice(digits.trim_ascii(), key.as_mut_slice()).ok()?;
        Some(Self(key))
    }

    /// Read a key file. Nobody else may reach it, but a group may read a file of root's, as a mounted secret is.
    ///
    /// # Errors
    /// When it is missing, open to others, or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, KeyTrouble> {
        let file = path.display().to_string();
        let trouble = || trouble(format!("read the vault's key file {file}"));
        let open = File::open(path).map_err(trouble())?;
        let known = open.metadata().map_err(trouble())?;
        let barred = if known.uid() == 0 { 0o037 } else { 0o077 };
        let mode = known.mode() & 0o777;
        if mode & barred != 0 {
            return Err(KeyTrouble::Open { file, mode });
        }
        // Room for more than there can be: a vector that grows leaves copies behind.
        let mut digits = Zeroizing::new(Vec::with_capacity(512));
        open.take(LONGEST_KEY_FILE).read_to_end(&mut digits).map_err(trouble())?;
        Self::from_digits(&digits).ok_or(KeyTrouble::NotAKey(file))
    }

    /// Read a key file, or make it with a new key where there is none. It appears whole or not at all, and a file that
    /// stands is never written to: its key is the only one that opens the vault.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn make_file(path: &Path) -> Result<Self, KeyTrouble> {
        if path.symlink_metadata().is_ok() {
            return Self::from_file(path);
        }
        let trouble = || trouble(format!("make the vault's key file {}", path.display()));
        let key: Secret = Zeroizing::new(chance().map_err(trouble())?);
        let mut digits = Zeroizing::new([0; 65]);
        hex::encode_to_slice(key.as_slice(), &mut digits[..64])
            .map_err(|why| trouble()(std::io::Error::other(why)))?;
        digits[64] = b'\n';

        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = folder.join(format!(".vault-key-{}", hex::encode(chance::<8>().map_err(trouble())?)));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(trouble())?;
        let written = file.write_all(digits.as_slice()).and_then(|()| file.sync_all());
        let placed = written.and_then(|()| match std::fs::hard_link(&draft, path) {
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        });
        std::fs::remove_file(&draft).map_err(trouble())?;
        placed.map_err(trouble())?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(trouble())?;
        Self::from_file(path)
    }
}

fn trouble(doing: String) -> impl FnOnce(std::io::Error) -> KeyTrouble {
    move |source| KeyTrouble::System { doing, source }
}

/// What an item holds. Codes are stored, and sealed with the text: they stay for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Where a partner is paid.
    BankDetails,
    /// What somebody told of what the work meant to them.
    Story,
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
    /// The machine gave no random bytes, or would not encrypt.
    #[error("The vault could not seal anything: {0}")]
    Sealing(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl VaultTrouble {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed => "vault.closed",
            Self::Absent => "vault.absent",
            Self::Why(_) => "vault.why_required",
            Self::OtherKey { .. } => "vault.other_key",
            Self::Damaged { .. } => "vault.damaged",
            Self::Sealing(_) | Self::Database(_) => "vault.broken",
        }
    }
}

/// The vault over a pool of the app's. Clones share the master key.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    master: Option<Arc<MasterKey>>,
}

#[derive(FromRow)]
struct Item {
    subject: Uuid,
    kind: String,
    salt: Vec<u8>,
    nonce: Vec<u8>,
    ciphertext: Vec<u8>,
}

#[derive(FromRow)]
struct SubjectKey {
    subject: Uuid,
    wrapped: Vec<u8>,
    nonce: Vec<u8>,
}

impl Vault {
    /// The vault, opened with its key; closed without.
    #[must_use]
    pub fn new(pool: PgPool, master: Option<MasterKey>) -> Self {
        Self { pool, master: master.map(Arc::new) }
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
        let master = self.master()?;
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
            "INSERT INTO vault.item (item, subject, kind, salt, nonce, ciphertext) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(item)
        .bind(subject)
        .bind(kind.code())
        .bind(&salt[..])
        .bind(&nonce[..])
        .bind(encrypt(&key, &nonce, &about, text.as_bytes())?)
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
        sqlx::query(
            "INSERT INTO vault.reading (item, subject, kind, person, role, why) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(item)
        .bind(row.subject)
        .bind(&row.kind)
        .bind(reader.person.0)
        .bind(reader.role.name())
        .bind(why.as_str())
        .execute(&mut *work)
        .await?;
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

/// Whether a text, with the salt of its item, is the one that an event committed to.
#[must_use]
pub fn verify(kept: &VaultRef, salt: &[u8; 32], text: &str) -> bool {
    commitment(kept.item, salt, text) == kept.commit
}

fn commitment(item: Uuid, salt: &[u8; 32], text: &str) -> Hash {
    Hash::of(&Zeroizing::new([COMMITMENT, item.as_bytes(), salt, text.as_bytes()].concat()))
}

/// What a sealed text is bound to. The first two have a fixed length, so no two items share one.
fn about_item(item: Uuid, subject: Uuid, kind: &str) -> Vec<u8> {
    [item.as_bytes(), subject.as_bytes(), kind.as_bytes()].concat()
}

fn about_key(subject: Uuid) -> Vec<u8> {
    [WRAPPING, subject.as_bytes()].concat()
}

impl Item {
    fn text(&self, item: Uuid, key: &Secret) -> Result<Zeroizing<String>, VaultTrouble> {
        let about = about_item(item, self.subject, &self.kind);
        let bytes = decrypt(key, &self.nonce, &about, &self.ciphertext)
            .ok_or(VaultTrouble::Damaged { item, why: "it cannot be decrypted" })?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| VaultTrouble::Damaged { item, why: "it is not text" })?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

impl SubjectKey {
    fn unwrap_by(&self, master: &MasterKey) -> Result<Secret, VaultTrouble> {
        decrypt(&master.0, &self.nonce, &about_key(self.subject), &self.wrapped)
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok())
            .map(Zeroizing::new)
            .ok_or(VaultTrouble::OtherKey { subject: self.subject })
    }
}

async fn subject_key(
    connection: &mut PgConnection,
    master: &MasterKey,
    subject: Uuid,
) -> Result<Option<Secret>, VaultTrouble> {
    let row: Option<SubjectKey> =
        sqlx::query_as("SELECT subject, wrapped, nonce FROM vault.subject_key WHERE subject = $1")
            .bind(subject)
            .fetch_optional(connection)
            .await?;
    row.map(|row| row.unwrap_by(master)).transpose()
}

/// Make the key of a new subject; of two that try at once, the second waits and takes the first one's.
async fn make_subject_key(
    connection: &mut PgConnection,
    master: &MasterKey,
    subject: Uuid,
) -> Result<Secret, VaultTrouble> {
    fits(connection, master).await?;
    let key: Secret = Zeroizing::new(chance()?);
    let nonce: [u8; 24] = chance()?;
    sqlx::query(
        "INSERT INTO vault.subject_key (subject, wrapped, nonce) VALUES ($1, $2, $3) ON CONFLICT (subject) DO NOTHING",
    )
    .bind(subject)
    .bind(encrypt(&master.0, &nonce, &about_key(subject), key.as_slice())?)
    .bind(&nonce[..])
    .execute(&mut *connection)
    .await?;
    subject_key(connection, master, subject).await?.ok_or(VaultTrouble::OtherKey { subject })
}

/// See that the master key opens what is there already. A wrong one would otherwise seal new subjects well enough, and
/// leave a vault that no single key opens.
async fn fits(connection: &mut PgConnection, master: &MasterKey) -> Result<(), VaultTrouble> {
    let any: Option<SubjectKey> =
        sqlx::query_as("SELECT subject, wrapped, nonce FROM vault.subject_key LIMIT 1")
            .fetch_optional(connection)
            .await?;
    any.map_or(Ok(()), |row| row.unwrap_by(master).map(drop))
}

fn encrypt(key: &Secret, nonce: &[u8; 24], about: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultTrouble> {
    XChaCha20Poly1305::new(<&Key>::from(&**key))
        .encrypt(<&XNonce>::from(nonce), Payload { msg: plain, aad: about })
        .map_err(|why| std::io::Error::other(why).into())
}

fn decrypt(key: &Secret, nonce: &[u8], about: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let nonce = <&XNonce>::try_from(nonce).ok()?;
    XChaCha20Poly1305::new(<&Key>::from(&**key))
        .decrypt(nonce, Payload { msg: sealed, aad: about })
        .ok()
        .map(Zeroizing::new)
}

/// Keys, salts and nonces come from the operating system, here and nowhere else.
fn chance<const BYTES: usize>() -> std::io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}
