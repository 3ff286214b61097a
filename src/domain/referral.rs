//! A referral of a person to us: received, looked at within so many working days, accepted, declined or sent on, and the
//! referrer told. What the letter says stands in the vault.

mod events;

use std::collections::BTreeSet;

pub use events::{DeclineGround, RedirectTarget, ReferralEvent, ReferralSource, TellingChannel, Urgency};

use super::calendar::{Date, working_days_after};
use super::evidence::VaultRef;
use super::identity::{PersonId, PersonRef};
use super::vocabulary::NeedCode;
use super::{Aggregate, Circumstances};

/// What can be asked of a referral.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum ReferralCommand {
    Receive(Received),
    Triage { urgency: Urgency, needs: BTreeSet<NeedCode>, advisor: PersonId },
    Accept,
    Decline { ground: DeclineGround },
    Redirect { to: RedirectTarget },
    TellReferrer { channel: TellingChannel },
}

/// A referral as it came in.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of referral.received")]
pub struct Received {
    pub person: PersonRef,
    pub source: ReferralSource,
    pub reasons: BTreeSet<NeedCode>,
    pub urgency: Urgency,
    pub letter: Option<VaultRef>,
}

codes! {
    /// Where a referral stands.
    pub enum ReferralStatus {
        "received" => Received, "received";
        "triaged" => Triaged, "looked at";
        "accepted" => Accepted, "accepted";
        "declined" => Declined, "declined";
        "redirected" => Redirected, "sent on";
    }
}

refusals! {
    /// Why something asked of a referral was turned down, or why nothing can rest on it.
    pub enum ReferralRefusal {
        "referral.unknown" => Unknown, "There is no referral with this id.";
        "referral.already_received" => AlreadyReceived, "This referral is on the record already.";
        "referral.no_reason" => NoReason, "Name at least one thing the person needs: that is what the referral is for.";
        "referral.wrong_status" => WrongStatus { status: &'static str, needed: &'static str }, "This referral is {status}; this can only be done with one that is {needed}.";
        "referral.nobody_to_tell" => NobodyToTell, "This person came by themselves, so there is no referrer to tell.";
        "referral.already_told" => AlreadyTold, "The referrer was told already what came of it.";
        "referral.of_another" => OfAnother, "This referral is about somebody else: name one of this person.";
        "referral.not_accepted" => NotAccepted, "This referral is not accepted, so no talk can rest on it: accept it first, or leave it out.";
    }
}

/// A referral as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Referral {
    status: Option<ReferralStatus>,
    person: PersonRef,
    source: Option<ReferralSource>,
    told: bool,
}

impl Referral {
    /// That a talk with a person can rest on it.
    ///
    /// # Errors
    /// When it is about somebody else, or was not accepted.
    pub fn carries(&self, person: PersonRef) -> Result<(), ReferralRefusal> {
        let status = self.status.ok_or(ReferralRefusal::Unknown)?;
        if self.person != person {
            return Err(ReferralRefusal::OfAnother);
        }
        if status == ReferralStatus::Accepted { Ok(()) } else { Err(ReferralRefusal::NotAccepted) }
    }

    /// Whom it is about.
    ///
    /// # Errors
    /// When there is no such referral.
    pub fn person(&self) -> Result<PersonRef, ReferralRefusal> {
        self.status.map(|_| self.person).ok_or(ReferralRefusal::Unknown)
    }

    /// Whether somebody else referred the person, and is to be told what came of it.
    #[must_use]
    pub fn has_referrer(&self) -> bool {
        self.source.is_some_and(|source| source != ReferralSource::Themselves)
    }

    fn must_be(&self, any: &[ReferralStatus], needed: &'static str) -> Result<(), ReferralRefusal> {
        let status = self.status.ok_or(ReferralRefusal::Unknown)?;
        if any.contains(&status) {
            return Ok(());
        }
        Err(ReferralRefusal::WrongStatus { status: status.words(), needed })
    }

    fn tell(&self, channel: TellingChannel) -> Result<ReferralEvent, ReferralRefusal> {
        use ReferralStatus::{Accepted, Declined, Redirected};
        self.must_be(&[Accepted, Declined, Redirected], "accepted, declined or sent on")?;
        if self.source == Some(ReferralSource::Themselves) {
            return Err(ReferralRefusal::NobodyToTell);
        }
        if self.told {
            return Err(ReferralRefusal::AlreadyTold);
        }
        Ok(ReferralEvent::ReferrerTold { channel })
    }
}

/// The last day on which a referral is to be looked at, counted in working days from the day it came.
#[must_use]
pub fn triage_due(received_on: Date, urgency: Urgency) -> Date {
    working_days_after(received_on, urgency.triage_days())
}

impl Aggregate for Referral {
    const TYPE: &'static str = "referral";
    type Command = ReferralCommand;
    type Event = ReferralEvent;
    type Refusal = ReferralRefusal;

    fn decide(
        &self,
        command: ReferralCommand,
        at: &Circumstances,
    ) -> Result<Vec<ReferralEvent>, ReferralRefusal> {
        use ReferralStatus::{Received as Came, Triaged};
        let event = match command {
            ReferralCommand::Receive(Received { person, source, reasons, urgency, letter }) => {
                if self.status.is_some() {
                    return Err(ReferralRefusal::AlreadyReceived);
                }
                if reasons.is_empty() {
                    return Err(ReferralRefusal::NoReason);
                }
                let triage_due = triage_due(at.on, urgency);
                ReferralEvent::Received { person, source, reasons, urgency, letter, triage_due }
            }
            ReferralCommand::Triage { urgency, needs, advisor } => {
                self.must_be(&[Came], "received and not looked at yet")?;
                if needs.is_empty() {
                    return Err(ReferralRefusal::NoReason);
                }
                ReferralEvent::Triaged { urgency, needs, advisor }
            }
            ReferralCommand::Accept => {
                self.must_be(&[Triaged], "looked at and not decided yet")?;
                ReferralEvent::Accepted {}
            }
            ReferralCommand::Decline { ground } => {
                self.must_be(&[Came, Triaged], "not decided yet")?;
                ReferralEvent::Declined { ground }
            }
            ReferralCommand::Redirect { to } => {
                self.must_be(&[Came, Triaged], "not decided yet")?;
                ReferralEvent::Redirected { to }
            }
            ReferralCommand::TellReferrer { channel } => self.tell(channel)?,
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &ReferralEvent) {
        match event {
            ReferralEvent::Received { person, source, .. } => {
                self.status = Some(ReferralStatus::Received);
                self.person = *person;
                self.source = Some(*source);
            }
            ReferralEvent::Triaged { .. } => self.status = Some(ReferralStatus::Triaged),
            ReferralEvent::Accepted {} => self.status = Some(ReferralStatus::Accepted),
            ReferralEvent::Declined { .. } => self.status = Some(ReferralStatus::Declined),
            ReferralEvent::Redirected { .. } => self.status = Some(ReferralStatus::Redirected),
            ReferralEvent::ReferrerTold { .. } => self.told = true,
        }
    }
}

#[cfg(test)]
mod tests;
