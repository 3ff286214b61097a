//! The accounts: the one place that knows which person an opaque id stands for.
//!
//! The event log holds ids only, so a name can be corrected or taken away without touching the record.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::Chance;
use crate::domain::identity::PersonId;

/// A person's name: trimmed, on one line, 1 to 80 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why a name could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameProblem {
    /// Nothing was left after trimming.
    #[error("Enter a name.")]
    Blank,
    /// More than [`Name::LONGEST`] characters.
    #[error("Shorten the name to {limit} characters or fewer: it has {found}.", limit = Name::LONGEST)]
    TooLong {
        /// How many characters there were.
        found: usize,
    },
    /// A line break, another control character, one that turns the text, or the trace of broken UTF-8.
    #[error("Take the hidden or broken characters out of the name (often pasted from another program).")]
    Hidden,
}

impl NameProblem {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Blank => "name.blank",
            Self::TooLong { .. } => "name.too_long",
            Self::Hidden => "name.hidden_characters",
        }
    }
}

impl Name {
    /// The most characters a name may have.
    pub const LONGEST: usize = 80;

    /// Take a name as typed.
    ///
    /// # Errors
    /// When it is blank, longer than [`Name::LONGEST`] characters or holds hidden characters.
    pub fn new(typed: &str) -> Result<Self, NameProblem> {
        let name = typed.trim();
        if name.is_empty() {
            return Err(NameProblem::Blank);
        }
        let found = name.chars().count();
        if found > Self::LONGEST {
            return Err(NameProblem::TooLong { found });
        }
        if name.chars().any(|c| c.is_control() || turns_or_hides(c)) {
            return Err(NameProblem::Hidden);
        }
        Ok(Self(name.to_owned()))
    }

    /// Take a name that somebody else typed, such as a sign-in provider: what cannot be used is left out. Nothing
    /// where nothing is left.
    #[must_use]
    pub fn tidied(given: &str) -> Option<Self> {
        let seen: String = given.chars().filter(|c| !c.is_control() && !turns_or_hides(*c)).collect();
        let short: String = seen.trim().chars().take(Self::LONGEST).collect();
        Self::new(&short).ok()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of somebody whose provider gives none.
const NAMELESS: &str = "Somebody without a name";

/// Marks that could make one name read as another: bidirectional controls, line separators, and zero-width
/// characters without a use in writing (the joiners have one in Persian and Hindi, and stay). U+FFFD is what
/// reading leaves of bytes that are not UTF-8.
const fn turns_or_hides(c: char) -> bool {
    matches!(
        c,
        '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFFD}'
    )
}

/// The people who have acted, by name. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts {
    pool: PgPool,
    id: fn() -> Uuid,
}

impl Accounts {
    /// The accounts of a database; new people get ids from `chance`.
    #[must_use]
    pub const fn new(pool: PgPool, chance: Chance) -> Self {
        Self { pool, id: chance.id }
    }

    /// The person a development account's name stands for, made when there is none. Upper and lower case are
    /// the same person. Any number of callers at once get the same id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_or_make(&self, name: &Name) -> Result<PersonId, sqlx::Error> {
        if let Some(person) = self.find(name).await? {
            return Ok(person);
        }
        let made = sqlx::query_scalar::<_, Uuid>(
            "INSERT INTO auth.account (person_id, display_name, development) VALUES ($1, $2, true)
             ON CONFLICT (lower(display_name)) WHERE development DO NOTHING
             RETURNING person_id",
        )
        .bind((self.id)())
        .bind(name.as_str())
        .fetch_optional(&self.pool)
        .await?;
        match made {
            Some(person) => Ok(PersonId(person)),
            // Somebody else made it meanwhile. Only a new statement sees their row, and accounts are never
            // deleted, so it is there.
            None => self.find(name).await?.ok_or(sqlx::Error::RowNotFound),
        }
    }

    /// The person a provider's account stands for, with their name as it is now; made when there is none. Any number
    /// of callers at once get the same id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn known_by(
        &self,
        issuer: &str,
        subject: &str,
        name: Option<&Name>,
    ) -> Result<(PersonId, String), sqlx::Error> {
        let known = sqlx::query_as::<_, (Uuid, String)>(
            "SELECT person_id, display_name FROM auth.account
             WHERE NOT development AND issuer = $1 AND subject = $2",
        )
        .bind(issuer)
        .bind(subject)
        .fetch_optional(&self.pool)
        .await?;
        if let Some((person, told)) = known
            && name.is_none_or(|name| name.as_str() == told)
        {
            return Ok((PersonId(person), told));
        }
        let (person, name) = sqlx::query_as::<_, (Uuid, String)>(
            "INSERT INTO auth.account (person_id, display_name, development, issuer, subject)
             VALUES ($1, coalesce($4, $5), false, $2, $3)
             ON CONFLICT (issuer, subject) WHERE NOT development
                 DO UPDATE SET display_name = coalesce($4, account.display_name)
             RETURNING person_id, display_name",
        )
        .bind((self.id)())
        .bind(issuer)
        .bind(subject)
        .bind(name.map(Name::as_str))
        .bind(NAMELESS)
        .fetch_one(&self.pool)
        .await?;
        Ok((PersonId(person), name))
    }

    /// Note that somebody is here, and tell when they last were before this visit: never, if nothing is answered. A
    /// visit has ended when four hours have passed without them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn here(&self, person: PersonId) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        let before = sqlx::query_scalar::<_, Option<DateTime<Utc>>>(
            "UPDATE auth.account SET here_at = now(),
                 before_then = CASE WHEN here_at < now() - interval '4 hours' THEN here_at ELSE before_then END
             WHERE person_id = $1 RETURNING before_then",
        )
        .bind(person.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(before.flatten())
    }

    /// The database, for the sessions beside the accounts.
    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    async fn find(&self, name: &Name) -> Result<Option<PersonId>, sqlx::Error> {
        let found = sqlx::query_scalar::<_, Uuid>(
            "SELECT person_id FROM auth.account WHERE development AND lower(display_name) = lower($1)",
        )
        .bind(name.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(PersonId))
    }

    /// The names of some people. Those without an account are left out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn names(&self, people: &[PersonId]) -> Result<HashMap<PersonId, String>, sqlx::Error> {
        if people.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<Uuid> = people.iter().map(|person| person.0).collect();
        let rows = sqlx::query_as::<_, (Uuid, String)>(
            "SELECT person_id, display_name FROM auth.account WHERE person_id = ANY($1)",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(person, name)| (PersonId(person), name)).collect())
    }

    /// People whose name holds some words, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn search(&self, part: &str, limit: i64) -> Result<Vec<(PersonId, String)>, sqlx::Error> {
        let rows = sqlx::query_as::<_, (Uuid, String)>(
            "SELECT person_id, display_name FROM auth.account WHERE position(lower($1) IN lower(display_name)) > 0
             ORDER BY lower(display_name), person_id LIMIT $2",
        )
        .bind(part.trim())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|(person, name)| (PersonId(person), name)).collect())
    }

    /// Ask the database for a sign of life.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(Name::new("  Amina Example ").unwrap().as_str(), "Amina Example");
        assert_eq!(Name::new(" \t "), Err(NameProblem::Blank));
        assert!(Name::new(&"é".repeat(80)).is_ok(), "characters are counted, not bytes");
        assert_eq!(Name::new(&"é".repeat(81)), Err(NameProblem::TooLong { found: 81 }));
    }

    #[test]
    fn hidden_characters_cannot_pass_one_name_off_as_another() {
        for typed in [
            "a\nb",
            "a\u{0}b",
            "Amina\u{200B} Example",
            "\u{202E}elpmaxE animA",
            "A\u{FEFF}mina",
            "Zo\u{FFFD}",
        ] {
            assert_eq!(Name::new(typed), Err(NameProblem::Hidden), "{typed:?}");
        }
        assert!(Name::new("می\u{200C}نا").is_ok(), "Persian needs its joiners");
    }

    #[test]
    fn a_providers_names_are_tidied() {
        let tidied = |given: &str| Name::tidied(given).map(|name| name.to_string());
        assert_eq!(tidied(" Amina\u{202E}\n Example ").as_deref(), Some("Amina Example"));
        assert_eq!(tidied(&"é".repeat(90)), Some("é".repeat(80)));
        assert_eq!(tidied("\u{200B} "), None);
    }
}
