//! What is sealed and how: items under the key of their subject, that key under the master key, and the commitment that
//! an event carries.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{MasterKey, VaultTrouble, chance};
use crate::domain::evidence::VaultRef;
use crate::domain::identity::Hash;

/// What a commitment and a wrapped key begin with, so that neither can be taken for anything else.
const COMMITMENT: &[u8] = b"sidebyside vault commitment v1\0";
const WRAPPING: &[u8] = b"sidebyside vault subject key v1\0";

/// A key of XChaCha20-Poly1305, wiped from memory when it is dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// An item as it is stored.
#[derive(FromRow)]
pub(super) struct Item {
    pub(super) subject: Uuid,
    pub(super) kind: String,
    pub(super) salt: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

/// The key of a subject as it is stored.
#[derive(FromRow)]
struct SubjectKey {
    subject: Uuid,
    wrapped: Vec<u8>,
    nonce: Vec<u8>,
}

/// Whether a text, with the salt of its item, is the one that an event committed to.
#[must_use]
pub fn verify(kept: &VaultRef, salt: &[u8; 32], text: &str) -> bool {
    commitment(kept.item, salt, text) == kept.commit
}

pub(super) fn commitment(item: Uuid, salt: &[u8; 32], text: &str) -> Hash {
    Hash::of(&Zeroizing::new([COMMITMENT, item.as_bytes(), salt, text.as_bytes()].concat()))
}

/// What a sealed text is bound to. The first two have a fixed length, so no two items share one.
pub(super) fn about_item(item: Uuid, subject: Uuid, kind: &str) -> Vec<u8> {
    [item.as_bytes(), subject.as_bytes(), kind.as_bytes()].concat()
}

fn about_key(subject: Uuid) -> Vec<u8> {
    [WRAPPING, subject.as_bytes()].concat()
}

impl Item {
    pub(super) fn text(&self, item: Uuid, key: &Secret) -> Result<Zeroizing<String>, VaultTrouble> {
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

pub(super) async fn subject_key(
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
pub(super) async fn make_subject_key(
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

/// Whether a master key opens what stands in the vault that a connection sees: for a restore, before it is committed.
///
/// # Errors
/// When it is another key, or the database cannot be reached.
pub async fn opens(connection: &mut PgConnection, master: &MasterKey) -> Result<(), VaultTrouble> {
    fits(connection, master).await
}

/// See that the master key opens what is there already. A wrong one would otherwise seal new subjects well enough, and
/// leave a vault that no single key opens.
pub(super) async fn fits(connection: &mut PgConnection, master: &MasterKey) -> Result<(), VaultTrouble> {
    let any: Option<SubjectKey> =
        sqlx::query_as("SELECT subject, wrapped, nonce FROM vault.subject_key LIMIT 1")
            .fetch_optional(connection)
            .await?;
    any.map_or(Ok(()), |row| row.unwrap_by(master).map(drop))
}

pub(super) fn encrypt(
    key: &Secret,
    nonce: &[u8; 24],
    about: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, VaultTrouble> {
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
