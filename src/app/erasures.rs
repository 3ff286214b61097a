//! Forgetting people: one asks, another does it, and what was begun is brought to its end whatever happens on the way.
//!
//! The event comes first. From then on nothing is recorded about the person, and the vault has to follow: key and items
//! destroyed, tables written anew, end confirmed. A crash between any two of these is met by the next start. A voice that
//! is taken back goes the same way; that it was taken back is all the log says of it.

use super::authority::may;
use super::persons::Known;
use super::{App, Done, Failure, How, Order};
use crate::auth::Identity;
use crate::domain::Refused;
use crate::domain::identity::PersonRef;
use crate::domain::person::{CaseNumber, ErasureGround, Person, PersonCommand};
use crate::projections::persons::{Filter, list};
use crate::store::log::Envelope;
use crate::store::vault::Begun;

/// What `vault.retention` calls what is kept about a person.
const PERSON: &str = "person";

impl App {
    /// Ask for a person to be forgotten: somebody else does it. Where the ground is that it was kept as long as it may
    /// be, it must have been.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ask_erasure(
        &self,
        who: &Identity,
        how: &How,
        person: PersonRef,
        (ground, authority): (ErasureGround, CaseNumber),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "askErasure", how)?;
        if ground == ErasureGround::RetentionEnded && !self.is_past_retention(person).await? {
            let sentence =
                "What is kept about this person may be kept for longer: name another ground, or wait.";
            let why = Refused { code: "person.retention_runs", sentence: sentence.into() };
            return self.turn_down::<Person>(order, person.0, why).await;
        }
        self.ask::<Person>(order, person, PersonCommand::AskErasure { ground, authority }).await
    }

    async fn is_past_retention(&self, person: PersonRef) -> Result<bool, Failure> {
        self.person_known(person.0).await?;
        let quiet_since = self.vault.retained_since(PERSON, self.today()).await?;
        let one = Filter { ids: Some(vec![person.0]), quiet_since, limit: 1, ..Filter::default() };
        Ok(quiet_since.is_some() && !list(self.store.pool(), &one).await?.is_empty())
    }

    /// Drop it: the person is not forgotten.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn drop_erasure(&self, who: &Identity, how: &How, person: PersonRef) -> Result<Done, Failure> {
        let order = self.order(who, "dropErasure", how)?;
        self.ask::<Person>(order, person, PersonCommand::DropErasure).await
    }

    /// Forget a person, as somebody else asked. Once the event stands, it cannot be undone; should the vault not follow
    /// at once, it does so at the next forgetting or the next start of the server.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn erase_person(&self, who: &Identity, how: &How, person: PersonRef) -> Result<Done, Failure> {
        let order = self.order(who, "erasePerson", how)?;
        let done = self.ask::<Person>(order, person, PersonCommand::Erase { subject: person }).await?;
        self.follow_the_log().await;
        Ok(done)
    }

    /// Let the vault follow what the log says, now that it says so. Should it not, the next forgetting or the next start
    /// does it.
    pub(super) async fn follow_the_log(&self) {
        if let Err(failure) = self.finish_erasures().await {
            let cause = anyhow::Error::from(failure);
            tracing::error!(cause = format!("{cause:#}"), "a forgetting is begun and not at its end");
        }
    }

    /// Bring every forgetting that the log says was begun to its end, of people and of voices that were taken back: after
    /// a crash, and after a restore of an older vault, before anybody is let in. Says how many there were. It needs no key
    /// of the vault.
    ///
    /// # Errors
    /// See [`Failure`]; what is done by then, stays done.
    pub async fn finish_erasures(&self) -> Result<usize, Failure> {
        self.vault.list_forgotten().await?;
        let (begun, taken_back) = (self.vault.begun().await?, self.vault.taken_back().await?);
        let mut gone = Vec::with_capacity(begun.len());
        for one in &begun {
            gone.push(self.vault.forget(one.subject).await?);
        }
        for voice in &taken_back {
            self.vault.forget(*voice).await?;
        }
        if begun.iter().any(|one| !one.gone) || !taken_back.is_empty() {
            self.vault.write_anew().await?;
        }
        for (one, items) in begun.iter().zip(gone).filter(|(one, _)| !one.confirmed) {
            self.confirm_erasure(one, items).await?;
        }
        Ok(begun.len() + taken_back.len())
    }

    /// Record that a forgetting is at its end. It is part of the command that began it: two processes that come to it
    /// at once record it once.
    async fn confirm_erasure(&self, begun: &Begun, items: u32) -> Result<(), Failure> {
        let today = self.today();
        let envelope = Envelope {
            command: begun.command.makes("erasure_confirmed").into(),
            actor: begun.by,
            effective_on: today,
            today,
            reason: begun.reason.clone(),
            correlation: None,
            causation: Some(begun.event),
        };
        let confirm = PersonCommand::ConfirmErasure { items };
        self.ask::<Person>(Order { envelope, seen: None }, begun.subject, confirm).await.map(drop)
    }

    /// People about whom nothing happened for so long that what is kept about them is to be destroyed, and how many
    /// they are at most.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn retention_ended(&self, who: &Identity, limit: i64) -> Result<Vec<Known>, Failure> {
        may(who, "retentionEnded")?;
        let Some(quiet_since) = self.vault.retained_since(PERSON, self.today()).await? else {
            return Ok(Vec::new());
        };
        let filter = Filter { quiet_since: Some(quiet_since), limit, ..Filter::default() };
        Ok(list(self.store.pool(), &filter).await?)
    }
}
