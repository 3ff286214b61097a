//! Who read what in the vault, when and why: for auditors, without the text and without whom it was about.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::{Vault, VaultTrouble};

/// One reading of the vault.
#[derive(Debug, Clone, FromRow)]
pub struct Reading {
    /// Its number: later ones have a higher one.
    pub reading: i64,
    /// The item; all noughts where somebody was looked for and not found.
    pub item: Uuid,
    /// What kind of item, by its stored code.
    pub kind: String,
    /// What was done, by its stored code: `opened` or `searched`.
    pub act: String,
    /// Who read.
    pub person: Uuid,
    /// In what capacity, by the stored name of the role.
    pub role: String,
    /// Why, in their words.
    pub why: String,
    /// When.
    pub read_at: DateTime<Utc>,
}

impl Vault {
    /// The readings before one, the latest first. They can be read without the master key.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn readings(&self, before: Option<i64>, most: i64) -> Result<Vec<Reading>, VaultTrouble> {
        Ok(sqlx::query_as("SELECT * FROM vault.readings($1, $2)")
            .bind(before)
            .bind(most)
            .fetch_all(&self.pool)
            .await?)
    }
}
