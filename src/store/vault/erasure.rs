//! Forgetting: the key and the items of a subject are destroyed, and the tables they stood in written anew without them.
//! Each step can be taken again after a crash; what is begun is found by comparing the log with what stands.

use std::time::Duration;

use chrono::NaiveDate;
use sqlx::Row as _;
use uuid::Uuid;

use super::{Vault, VaultTrouble};
use crate::domain::Reason;
use crate::domain::identity::{Actor, CommandId, PersonId, Role};

/// How often the tables are tried when somebody is in the way: each try waits two seconds for them.
const TRIES: u32 = 5;

/// A forgetting that the log says was begun and that is not at its end.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Whom.
    pub subject: Uuid,
    /// The event that says so.
    pub event: Uuid,
    /// The command it came from.
    pub command: CommandId,
    /// Who gave that command.
    pub by: Actor,
    /// Why, where they said so.
    pub reason: Option<Reason>,
    /// Whether nothing of theirs stands in the vault, or in the files of its tables.
    pub gone: bool,
    /// Whether the log says that it is done.
    pub confirmed: bool,
}

impl Vault {
    /// The forgettings that are begun and not at their end. After a restore of an older vault, all those since.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begun(&self) -> Result<Vec<Begun>, VaultTrouble> {
        let rows = sqlx::query(
            "SELECT * FROM (
                 SELECT erased.aggregate_id::uuid AS subject, erased.event_id, erased.command_id,
                     (erased.metadata ->> 'actor')::uuid AS actor, erased.metadata ->> 'role' AS role,
                     known.rewritten_at IS NOT NULL
                         AND NOT EXISTS (SELECT FROM vault.subject_key AS key
                                         WHERE key.subject = erased.aggregate_id::uuid)
                         AND NOT EXISTS (SELECT FROM vault.item AS item
                                         WHERE item.subject = erased.aggregate_id::uuid) AS gone,
                     EXISTS (SELECT FROM public.events AS confirmed
                             WHERE confirmed.aggregate_type = 'person'
                                 AND confirmed.aggregate_id = erased.aggregate_id
                                 AND confirmed.event_type = 'person.erasure_confirmed') AS confirmed,
                     erased.metadata ->> 'reason' AS reason
                 FROM public.events AS erased
                 LEFT JOIN vault.erasure AS known ON known.subject = erased.aggregate_id::uuid
                 WHERE erased.event_type = 'person.erased' AND erased.aggregate_type = 'person') AS erasure
             WHERE NOT (gone AND confirmed) ORDER BY subject",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let role: Option<String> = row.try_get(4)?;
                let role = role.and_then(|name| name.parse().ok()).unwrap_or(Role::Public);
                let (event, actor): (Uuid, Option<Uuid>) = (row.try_get(1)?, row.try_get(3)?);
                let command: Option<Uuid> = row.try_get(2)?;
                let reason: Option<String> = row.try_get(7)?;
                Ok(Begun {
                    subject: row.try_get(0)?,
                    event,
                    command: CommandId(command.unwrap_or(event)),
                    by: Actor { person: PersonId(actor.unwrap_or_default()), role },
                    reason: reason.and_then(|words| Reason::new(&words).ok()),
                    gone: row.try_get(5)?,
                    confirmed: row.try_get(6)?,
                })
            })
            .collect()
    }

    /// The voices that the log says were taken back, of which something is left in the vault or in the files of its
    /// tables. After a restore of an older vault, all those since.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn taken_back(&self) -> Result<Vec<Uuid>, VaultTrouble> {
        Ok(sqlx::query_scalar(
            "SELECT voice FROM (
                 SELECT (payload -> 'consultation.voice_withdrawn' ->> 'voice')::uuid AS voice FROM public.events
                 WHERE event_type = 'consultation.voice_withdrawn' AND aggregate_type = 'consultation') AS withdrawn
             WHERE NOT EXISTS (SELECT FROM vault.erasure AS known
                               WHERE known.subject = voice AND known.rewritten_at IS NOT NULL)
                 OR EXISTS (SELECT FROM vault.subject_key AS key WHERE key.subject = voice)
                 OR EXISTS (SELECT FROM vault.item AS item WHERE item.subject = voice)
             ORDER BY voice",
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Destroy the key and the items of a subject that the log says is forgotten; nothing happens where that is done.
    /// It needs no master key. Says how many items are gone, now and before. The last trace goes with
    /// [`Vault::write_anew`].
    ///
    /// # Errors
    /// When the log does not say so, the vault is busy, or the database cannot be reached.
    pub async fn forget(&self, subject: Uuid) -> Result<u32, VaultTrouble> {
        let items: i32 =
            sqlx::query_scalar("SELECT vault.forget($1)").bind(subject).fetch_one(&self.pool).await?;
        Ok(items.unsigned_abs())
    }

    /// Write the tables of the vault anew from what stands, so that no file of theirs holds what was deleted. Where
    /// somebody is in the way, such as a back-up being made, it is tried for a while.
    ///
    /// # Errors
    /// When the vault stays busy, or the database cannot be reached.
    pub async fn write_anew(&self) -> Result<(), VaultTrouble> {
        let mut tried = 0;
        loop {
            match sqlx::query("SELECT vault.write_anew()")
                .execute(&self.pool)
                .await
                .map_err(VaultTrouble::from)
            {
                Err(VaultTrouble::Busy) if tried < TRIES => tried += 1,
                other => return other.map(drop),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Whether everything of a subject is gone, and its traces in the tables' files.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn is_gone(&self, subject: Uuid) -> Result<bool, VaultTrouble> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM vault.erasure WHERE subject = $1 AND rewritten_at IS NOT NULL)
                 AND NOT EXISTS (SELECT FROM vault.subject_key WHERE subject = $1)
                 AND NOT EXISTS (SELECT FROM vault.item WHERE subject = $1)",
        )
        .bind(subject)
        .fetch_one(&self.pool)
        .await?)
    }

    /// The last day whose events are too old to keep what they are about: with a retention of 36 months, the day 36
    /// months before. None where no retention is set.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn retained_since(
        &self,
        kind: &str,
        today: NaiveDate,
    ) -> Result<Option<NaiveDate>, VaultTrouble> {
        Ok(sqlx::query_scalar(
            "SELECT ($2::date - make_interval(months => months))::date FROM vault.retention WHERE kind = $1",
        )
        .bind(kind)
        .bind(today)
        .fetch_optional(&self.pool)
        .await?)
    }
}
