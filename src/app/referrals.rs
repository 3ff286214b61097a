//! Referrals of people to us: receiving, looking at them, deciding, telling whoever referred.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::identity::{PersonId, PersonRef, ReferralId};
use crate::domain::person::Person;
use crate::domain::referral::{
    DeclineGround, Received, RedirectTarget, Referral, ReferralCommand, ReferralSource, TellingChannel,
    Urgency,
};
use crate::domain::text::Text;
use crate::domain::vocabulary::NeedCode;
use crate::projections::one;
use crate::projections::referrals::{Filter, ReferralRecord, list};
use crate::store::vault::Kind;

/// A referral that came in.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of referral.received")]
pub struct NewReferral {
    pub person: PersonRef,
    pub source: ReferralSource,
    pub reasons: BTreeSet<NeedCode>,
    pub urgency: Urgency,
}

/// What can be done with a referral that is on the record.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum ReferralStep {
    Triage { urgency: Urgency, needs: BTreeSet<NeedCode>, advisor: Option<PersonId> },
    Accept,
    Decline { ground: DeclineGround },
    Redirect { to: RedirectTarget },
    TellReferrer { channel: TellingChannel },
}

impl ReferralStep {
    /// The field of the API, and the command.
    fn parts(self, who: &Identity) -> (&'static str, ReferralCommand) {
        match self {
            Self::Triage { urgency, needs, advisor } => {
                let advisor = advisor.unwrap_or(who.person);
                ("triageReferral", ReferralCommand::Triage { urgency, needs, advisor })
            }
            Self::Accept => ("acceptReferral", ReferralCommand::Accept),
            Self::Decline { ground } => ("declineReferral", ReferralCommand::Decline { ground }),
            Self::Redirect { to } => ("redirectReferral", ReferralCommand::Redirect { to }),
            Self::TellReferrer { channel } => ("tellReferrer", ReferralCommand::TellReferrer { channel }),
        }
    }
}

impl App {
    /// Record a referral that came in. The letter goes into the vault.
    ///
    /// # Errors
    /// See [`Failure`]; when the record refuses it, the letter is taken out of the vault again.
    pub async fn receive_referral(
        &self,
        who: &Identity,
        how: &How,
        new: NewReferral,
        letter: Option<Text<10000>>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "receiveReferral", how)?;
        let id = order.envelope.command.makes("referral");
        let NewReferral { person, source, reasons, urgency } = new;
        if let Err(why) = self.store.look::<Person>(person).await?.stands() {
            return self.turn_down::<Referral>(order, id, why).await;
        }
        let letter = match letter {
            Some(letter) => Some(self.vault.seal(person.0, Kind::ReferralLetter, letter.as_str()).await?),
            None => None,
        };
        let item = letter.as_ref().map(|letter| letter.item);
        let received = Received { person, source, reasons, urgency, letter };
        let done = self
            .carry_out::<Referral, _>(order, id, move |work| {
                let received = received.clone();
                Box::pin(async move {
                    work.existing::<Person>(person).await?.stands()?;
                    Ok(work.execute::<Referral>(id, ReferralCommand::Receive(received)).await?)
                })
            })
            .await;
        if let Some(item) = item.filter(|_| !matches!(&done, Ok(done) if !done.repeated)) {
            self.vault.discard(item).await?;
        }
        done
    }

    /// Take one step with a referral.
    ///
    /// # Errors
    /// See [`Failure`]; nothing more is done with one about somebody who was forgotten.
    pub async fn step_with_referral(
        &self,
        who: &Identity,
        how: &How,
        referral: ReferralId,
        step: ReferralStep,
    ) -> Result<Done, Failure> {
        let (deed, command) = step.parts(who);
        let order = self.order(who, deed, how)?;
        if let ReferralCommand::Triage { advisor, .. } = &command {
            self.must_know(&[*advisor]).await?;
        }
        self.carry_out::<Referral, _>(order, referral.0, move |work| {
            let command = command.clone();
            Box::pin(async move {
                let person = work.existing::<Referral>(referral).await?.person()?;
                work.existing::<Person>(person).await?.stands()?;
                Ok(work.execute::<Referral>(referral, command).await?)
            })
        })
        .await
    }

    /// Open the letter of a referral. The reading is on the record before the answer is out.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_referral_letter(
        &self,
        who: &Identity,
        referral: ReferralId,
        why: &str,
    ) -> Result<String, Failure> {
        may(who, "openReferralLetter")?;
        let record = self.referral_named(referral.0).await?;
        self.store.look::<Person>(record.person).await?.stands()?;
        let Some(kept) = record.letter else {
            return Err(Failure::refused("referral.no_letter", "This referral came without a letter."));
        };
        Ok(self.vault.open_committed(&kept, who.actor(), why).await?.to_string())
    }

    /// Referrals, the latest first, and how many there are.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn referrals(
        &self,
        who: &Identity,
        filter: &Filter,
    ) -> Result<(Vec<(Uuid, ReferralRecord)>, i64), Failure> {
        may(who, "referrals")?;
        Ok(list(self.store.pool(), filter).await?)
    }

    /// One referral.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn referral(&self, who: &Identity, id: Uuid) -> Result<ReferralRecord, Failure> {
        may(who, "referral")?;
        self.referral_named(id).await
    }

    /// One referral, for what names it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn referral_named(&self, id: Uuid) -> Result<ReferralRecord, Failure> {
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("referral"))
    }
}
