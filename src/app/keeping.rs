//! The record as a whole: a restore is declared, and whoever was forgotten since the back-up is forgotten again, before
//! anybody is let in.

use super::{App, Done, Failure, Order};
use crate::domain::Reason;
use crate::domain::consultation::{Consultation, ConsultationCommand};
use crate::domain::identity::{Actor, CommandId, PersonId, Role};
use crate::domain::keeping::{Keeping, KeepingCommand, THE_RECORD, VerifierKey};
use crate::domain::person::{Person, PersonCommand};
use crate::store::Trouble;
use crate::store::backup::{Declared, declared};
use crate::store::log::Envelope;
use crate::store::vault::Forgotten;

/// Whoever runs the server acts in no role of the record.
const WHOEVER_RUNS_IT: Actor = Actor { person: PersonId(uuid::Uuid::nil()), role: Role::Public };

impl App {
    /// Bring every restore of this record to its end: it is declared by the first event after the back-up, and erasures
    /// carried out since are done again. Each step can be taken again after a crash.
    ///
    /// # Errors
    /// See [`Failure`]; what is done by then, stays done.
    pub async fn finish_restore(&self) -> Result<(), Failure> {
        for (command, Declared { restore, forgotten }) in declared(self.store.pool()).await? {
            let size = restore.size;
            let done = self.ask_the_record(command, KeepingCommand::Restore(restore)).await?;
            if done.receipt.index.unsigned_abs() != size {
                let why = format!("the restore of {size} events was declared at {}", done.receipt.index);
                return Err(Trouble::Other(why).into());
            }
            for one in &forgotten {
                self.forget_again(command, one).await?;
            }
        }
        Ok(())
    }

    /// Announce that another key seals from now on. The same keys again have their effect once.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn announce_key(&self, former: VerifierKey, key: VerifierKey) -> Result<Done, Failure> {
        let command = CommandId(THE_RECORD).makes(key.as_str()).into();
        self.ask_the_record(command, KeepingCommand::ChangeKey { former, key }).await
    }

    async fn ask_the_record(&self, command: CommandId, asked: KeepingCommand) -> Result<Done, Failure> {
        let order = self.without_anybody(command, WHOEVER_RUNS_IT, None);
        self.carry_out::<Keeping, _>(order, THE_RECORD, move |work| {
            let asked = asked.clone();
            Box::pin(async move { Ok(work.execute::<Keeping>(THE_RECORD, asked).await?) })
        })
        .await
    }

    /// Record once more that somebody is forgotten, where the restored log knows of them and does not say so.
    async fn forget_again(&self, restore: CommandId, whom: &Forgotten) -> Result<(), Failure> {
        let command = restore.makes(&whom.subject().to_string()).into();
        let why =
            Reason::new("Forgotten before; done again, because the record was restored from a back-up.").ok();
        let as_before =
            |by: PersonId, role: Role| self.without_anybody(command, Actor { person: by, role }, why.clone());
        let done = match whom {
            Forgotten::Person { person, ground, authority, asked_by, by } => {
                let (ground, authority, asked_by) = (*ground, authority.clone(), *asked_by);
                let again = PersonCommand::EraseAgain { subject: *person, ground, authority, asked_by };
                self.ask::<Person>(as_before(*by, Role::Advisor), *person, again).await
            }
            Forgotten::Voice { voice, consultation, by } => {
                let again = ConsultationCommand::WithdrawVoice { voice: *voice };
                self.ask::<Consultation>(as_before(*by, Role::Inclusion), *consultation, again).await
            }
        };
        match done {
            // Whoever was met after the back-up is not in it; and what the log says already, it need not say again.
            Ok(_) | Err(Failure::NotFound(_) | Failure::Refused(_)) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// An order that nobody gives who signs in.
    fn without_anybody(&self, command: CommandId, actor: Actor, reason: Option<Reason>) -> Order {
        let today = self.today();
        let (correlation, causation) = (None, None);
        let envelope =
            Envelope { command, actor, effective_on: today, today, reason, correlation, causation };
        Order { envelope, seen: None }
    }
}
