//! Finding a subject again by something only the vault knows: equality of keyed hashes, on the record like any reading.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Act, Kind, MasterKey, Vault, VaultTrouble, note};
use crate::domain::Reason;
use crate::domain::identity::Actor;

/// What the key of the marks is made from, with the master key.
const SEARCHING: &[u8] = b"sidebyside vault search v1\0";

impl MasterKey {
    /// The mark of a term: HMAC-SHA256 under a key of its own, made from the master key. Without that key nobody can try
    /// numbers out, though there are few enough NHS numbers to try them all.
    pub(super) fn mark(&self, term: &str) -> Vec<u8> {
        let key = hmac(self.0.as_slice(), SEARCHING);
        hmac(&key, term.as_bytes())
    }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut hmac = <Hmac<Sha256>>::new_from_slice(key).expect("HMAC takes a key of any length");
    hmac.update(message);
    hmac.finalize().into_bytes().to_vec()
}

impl Vault {
    /// The subjects with an item of a kind that a term finds. That somebody looked is on the record before the answer is
    /// out, also where nothing was found; what they looked for is not.
    ///
    /// # Errors
    /// When the vault is closed, no reason is given, or the database cannot be reached.
    pub async fn find(
        &self,
        kind: Kind,
        term: &str,
        reader: Actor,
        why: &str,
    ) -> Result<Vec<Uuid>, VaultTrouble> {
        let master = self.master()?;
        let why = Reason::new(why)?;
        let mut work = self.pool.begin().await?;
        let found = marked(&mut work, kind, &master.mark(term)).await?;
        for (item, subject) in &found {
            note(&mut work, Act::Searched, (*item, *subject, kind.code()), reader, &why).await?;
        }
        if found.is_empty() {
            note(&mut work, Act::Searched, (Uuid::nil(), Uuid::nil(), kind.code()), reader, &why).await?;
        }
        work.commit().await?;
        let mut subjects: Vec<Uuid> = found.into_iter().map(|(_, subject)| subject).collect();
        subjects.dedup();
        Ok(subjects)
    }

    /// Whether another subject than this one can be found by a term. It says yes or no and never who, so that the same
    /// person is not kept twice.
    ///
    /// # Errors
    /// When the vault is closed or the database cannot be reached.
    pub async fn is_of_another(&self, kind: Kind, term: &str, subject: Uuid) -> Result<bool, VaultTrouble> {
        let master = self.master()?;
        let found = marked(&mut *self.pool.acquire().await?, kind, &master.mark(term)).await?;
        Ok(found.iter().any(|(_, known)| *known != subject))
    }
}

async fn marked(
    connection: &mut PgConnection,
    kind: Kind,
    mark: &[u8],
) -> Result<Vec<(Uuid, Uuid)>, VaultTrouble> {
    let rows = sqlx::query(
        "SELECT item, subject FROM vault.item WHERE marks @> ARRAY[$1::bytea] AND kind = $2 ORDER BY subject, item",
    )
    .bind(mark)
    .bind(kind.code())
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
