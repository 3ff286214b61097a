//! A private person as the record knows them: an opaque reference, what they agreed to share, and whether they are
//! forgotten. Who it is stands in the vault alone, under a key that is destroyed when they are.

mod case_number;
mod details;
mod events;
mod nhs_number;

use std::collections::{BTreeMap, BTreeSet};

pub use case_number::{CaseNumber, CaseNumberProblem};
pub use details::{Details, DetailsProblem, Sought, read_birth, read_email, read_phone};
pub use events::{ErasureGround, FirstMeeting, PersonEvent};
pub use nhs_number::{NhsNumber, NhsNumberProblem};

use super::evidence::VaultRef;
use super::identity::{PartnerId, PersonId, PersonRef};
use super::vocabulary::SharedItem;
use super::{Aggregate, Circumstances};

/// What can be asked of a person's record.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum PersonCommand {
    Register { met: FirstMeeting },
    KeepDetails { details: VaultRef },
    AgreeSharing { partner: PartnerId, items: BTreeSet<SharedItem> },
    WithdrawSharing { partner: PartnerId },
    AskErasure { ground: ErasureGround, authority: CaseNumber },
    DropErasure,
    Erase { subject: PersonRef },
    EraseAgain { subject: PersonRef, ground: ErasureGround, authority: CaseNumber, asked_by: PersonId },
    ConfirmErasure { items: u32 },
}

refusals! {
    /// Why something asked of a person's record was turned down.
    pub enum PersonRefusal {
        "person.unknown" => Unknown, "There is no person with this reference.";
        "person.already_registered" => AlreadyRegistered, "This person is on the record already.";
        "person.erased" => Forgotten, "This person was forgotten: nothing is kept about them any more. If they have come back, register them anew.";
        "person.nothing_to_share" => NothingToShare, "Name at least one thing that the partner may be told; to share nothing, withdraw the agreement.";
        "person.sharing_same" => SharingSame, "The person agreed to exactly this already.";
        "person.not_shared" => NotShared, "The person has not agreed to share anything with this partner.";
        "person.erasure_already_asked" => ErasureAlreadyAsked, "Somebody asked for this person to be forgotten already: somebody else has to do it, or drop it.";
        "person.erasure_not_asked" => ErasureNotAsked, "Nobody has asked for this person to be forgotten: one asks, saying why, and another does it.";
        "person.erasure_own" => ErasureOwn, "You asked for this person to be forgotten: somebody else has to do it, because it cannot be undone.";
        "person.not_erased" => NotErased, "This person is not forgotten, so there is nothing to confirm.";
        "person.erasure_already_confirmed" => AlreadyConfirmed, "It is confirmed already that everything about this person is gone.";
    }
}

/// What somebody asked for when a person is to be forgotten.
#[derive(Debug, Clone)]
struct Asked {
    ground: ErasureGround,
    authority: CaseNumber,
    by: PersonId,
}

/// Where a person's record stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Unknown,
    Known,
    Erased,
    Confirmed,
}

/// A person as the history leaves them.
#[derive(Debug, Clone, Default)]
pub struct Person {
    standing: Standing,
    details: Option<VaultRef>,
    sharing: BTreeMap<PartnerId, BTreeSet<SharedItem>>,
    asked: Option<Asked>,
}

impl Person {
    /// That the person is on the record and not forgotten: whatever is to be recorded about somebody asks this first.
    ///
    /// # Errors
    /// `person.unknown`, `person.erased`.
    pub const fn stands(&self) -> Result<(), PersonRefusal> {
        match self.standing {
            Standing::Unknown => Err(PersonRefusal::Unknown),
            Standing::Known => Ok(()),
            Standing::Erased | Standing::Confirmed => Err(PersonRefusal::Forgotten),
        }
    }

    /// What a partner may be told about the person: nothing where they did not agree.
    #[must_use]
    pub fn shared_with(&self, partner: PartnerId) -> BTreeSet<SharedItem> {
        self.sharing.get(&partner).cloned().unwrap_or_default()
    }

    /// Where the person's details are kept, if any are.
    #[must_use]
    pub const fn details(&self) -> Option<&VaultRef> {
        self.details.as_ref()
    }

    /// Whether it is confirmed that everything about the person is gone.
    #[must_use]
    pub fn is_confirmed_gone(&self) -> bool {
        self.standing == Standing::Confirmed
    }

    fn erase(&self, subject: PersonRef, at: &Circumstances) -> Result<PersonEvent, PersonRefusal> {
        let asked = self.asked.as_ref().ok_or(PersonRefusal::ErasureNotAsked)?;
        if asked.by == at.actor.person {
            return Err(PersonRefusal::ErasureOwn);
        }
        let Asked { ground, authority, by } = asked.clone();
        Ok(PersonEvent::Erased { subject, ground, authority, asked_by: by })
    }
}

impl Aggregate for Person {
    const TYPE: &'static str = "person";
    type Command = PersonCommand;
    type Event = PersonEvent;
    type Refusal = PersonRefusal;

    fn decide(&self, command: PersonCommand, at: &Circumstances) -> Result<Vec<PersonEvent>, PersonRefusal> {
        let new = matches!(command, PersonCommand::Register { .. });
        let confirming = matches!(command, PersonCommand::ConfirmErasure { .. });
        if !new && !confirming {
            self.stands()?;
        }
        let event = match command {
            PersonCommand::Register { met } => match self.standing {
                Standing::Unknown => PersonEvent::Registered { met },
                Standing::Known => return Err(PersonRefusal::AlreadyRegistered),
                Standing::Erased | Standing::Confirmed => return Err(PersonRefusal::Forgotten),
            },
            PersonCommand::KeepDetails { details } => PersonEvent::DetailsKept { details },
            PersonCommand::AgreeSharing { partner, items } => {
                if items.is_empty() {
                    return Err(PersonRefusal::NothingToShare);
                }
                if self.sharing.get(&partner) == Some(&items) {
                    return Err(PersonRefusal::SharingSame);
                }
                PersonEvent::SharingAgreed { partner, items }
            }
            PersonCommand::WithdrawSharing { partner } => {
                if !self.sharing.contains_key(&partner) {
                    return Err(PersonRefusal::NotShared);
                }
                PersonEvent::SharingWithdrawn { partner }
            }
            PersonCommand::AskErasure { ground, authority } => {
                if self.asked.is_some() {
                    return Err(PersonRefusal::ErasureAlreadyAsked);
                }
                PersonEvent::ErasureAsked { ground, authority, asked_by: at.actor.person }
            }
            PersonCommand::DropErasure => {
                self.asked.as_ref().ok_or(PersonRefusal::ErasureNotAsked)?;
                PersonEvent::ErasureDropped {}
            }
            PersonCommand::Erase { subject } => self.erase(subject, at)?,
            // Two people decided it before the record was restored from a back-up that does not know of it.
            PersonCommand::EraseAgain { subject, ground, authority, asked_by } => {
                PersonEvent::Erased { subject, ground, authority, asked_by }
            }
            PersonCommand::ConfirmErasure { items } => match self.standing {
                Standing::Erased => PersonEvent::ErasureConfirmed { items },
                Standing::Confirmed => return Err(PersonRefusal::AlreadyConfirmed),
                Standing::Unknown | Standing::Known => return Err(PersonRefusal::NotErased),
            },
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &PersonEvent) {
        match event {
            PersonEvent::Registered { .. } => self.standing = Standing::Known,
            PersonEvent::DetailsKept { details } => self.details = Some(details.clone()),
            PersonEvent::SharingAgreed { partner, items } => {
                self.sharing.insert(*partner, items.clone());
            }
            PersonEvent::SharingWithdrawn { partner } => {
                self.sharing.remove(partner);
            }
            PersonEvent::ErasureAsked { ground, authority, asked_by } => {
                let (ground, authority) = (*ground, authority.clone());
                self.asked = Some(Asked { ground, authority, by: *asked_by });
            }
            PersonEvent::ErasureDropped {} => self.asked = None,
            PersonEvent::Erased { .. } => {
                *self = Self { standing: Standing::Erased, ..Self::default() };
            }
            PersonEvent::ErasureConfirmed { .. } => self.standing = Standing::Confirmed,
        }
    }
}

#[cfg(test)]
mod tests;
