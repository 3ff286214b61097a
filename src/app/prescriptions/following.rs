//! What follows a prescription: passed on to another offer, made again, and what the person says of it.

use uuid::Uuid;

use super::{NewPrescription, execute, make_one, theirs};
use crate::app::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::identity::{GrantId, OutcomeId, PrescriptionId};
use crate::domain::outcome::{Answers, Instrument, Item, Moment};
use crate::domain::prescription::{
    AskedBy, Followed, Following, OutcomeRecord, Prescription, PrescriptionCommand,
};
use crate::domain::text::Text;
use crate::store::vault::Kind;

/// Answers to an instrument, as they were given.
#[derive(Debug, Clone)]
pub struct NewOutcome {
    /// Which instrument.
    pub instrument: Instrument,
    /// Which version of it; the one in use where nothing is said.
    pub version: Option<u8>,
    /// Before or after.
    pub moment: Moment,
    /// The day of answering; the day on which it takes effect where nothing is said.
    pub answered_on: Option<Date>,
    /// The answers.
    pub answers: Vec<(Item, i32)>,
    /// The person's goal in their own words: for the vault.
    pub goal: Option<Text<500>>,
}

impl App {
    /// Pass somebody on to another offer: the prescription ends, and one that follows it is made, in one decision.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn pass_on_prescription(
        &self,
        who: &Identity,
        how: &How,
        id: PrescriptionId,
        new: NewPrescription,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "passOnPrescription", how)?;
        let next = PrescriptionId(order.envelope.command.makes("prescription"));
        self.carry_out::<Prescription, _>(order, next.0, move |work| {
            let new = new.clone();
            Box::pin(async move {
                let contact = work.existing::<Prescription>(id).await?.terms()?.contact;
                let pass_on = PrescriptionCommand::PassOn { to: next, offer: new.offer };
                execute(work, id, pass_on).await?;
                let follows = Followed { prescription: id, by: Following::PassedOn };
                make_one(work, next, contact, &new, Some(follows)).await
            })
        })
        .await
    }

    /// Make a prescription of the same offer again, as one of its own.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn make_prescription_again(
        &self,
        who: &Identity,
        how: &How,
        id: PrescriptionId,
        grant: Option<GrantId>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "makePrescriptionAgain", how)?;
        let next = PrescriptionId(order.envelope.command.makes("prescription"));
        self.carry_out::<Prescription, _>(order, next.0, move |work| {
            Box::pin(async move {
                let terms = work.existing::<Prescription>(id).await?.terms()?.clone();
                execute(work, id, PrescriptionCommand::MakeAgain { again: next }).await?;
                let new = NewPrescription {
                    offer: terms.offer,
                    grant,
                    needs: terms.needs,
                    attempts_needed: Some(terms.attempts_needed),
                };
                let follows = Followed { prescription: id, by: Following::MadeAgain };
                make_one(work, next, terms.contact, &new, Some(follows)).await
            })
        })
        .await
    }

    /// Record answers to an instrument, or put answers recorded before right. A goal in the person's own words goes
    /// into the vault, under the person's key.
    ///
    /// # Errors
    /// See [`Failure`]; when the record refuses them, the words are taken out of the vault again.
    pub async fn record_outcome(
        &self,
        who: &Identity,
        how: &How,
        id: PrescriptionId,
        corrects: Option<OutcomeId>,
        new: NewOutcome,
    ) -> Result<Done, Failure> {
        let deed = if corrects.is_some() { "correctOutcome" } else { "recordOutcome" };
        let order = self.order(who, deed, how)?;
        let found = self.store.look::<Prescription>(id).await?;
        theirs(who, &found)?;
        let NewOutcome { instrument, version, moment, answered_on, answers, goal } = new;
        let taken =
            Answers::take(instrument, version.unwrap_or_else(|| instrument.version()), moment, &answers)?;
        let goal = match goal {
            Some(words) => Some(self.vault.seal(found.terms()?.person.0, Kind::Goal, words.as_str()).await?),
            None => None,
        };
        let kept: Option<Uuid> = goal.as_ref().map(|goal| goal.item);
        let record = OutcomeRecord {
            outcome: OutcomeId(order.envelope.command.makes("outcome")),
            corrects,
            instrument,
            instrument_version: taken.version,
            moment,
            answered_on: answered_on.unwrap_or(order.envelope.effective_on),
            asked_by: if who.role.is_of_a_partner() { AskedBy::Partner } else { AskedBy::Advisor },
            answers: taken.answers,
            goal,
        };
        let done = self.ask::<Prescription>(order, id, PrescriptionCommand::RecordOutcome(record)).await;
        if let Some(item) = kept.filter(|_| !matches!(&done, Ok(done) if !done.repeated)) {
            self.vault.discard(item).await?;
        }
        done
    }
}
