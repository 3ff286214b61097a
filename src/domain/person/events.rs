//! What can have happened to a person as the record knows them, and the words for it. Nothing here says who it is.

use std::collections::BTreeSet;

use super::CaseNumber;
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{PartnerId, PersonId, PersonRef};
use crate::domain::places::listed;
use crate::domain::vocabulary::SharedItem;

codes! {
    /// How a person came to be met.
    pub enum FirstMeeting {
        "referral" => Referral, "somebody referred them";
        "themselves" => Themselves, "they came themselves";
        "event" => Event, "at a session or an event";
        "outreach" => Outreach, "out and about";
    }
}

codes! {
    /// Why a person is forgotten.
    pub enum ErasureGround {
        "asked" => Asked, "the person asked for it";
        "consent_withdrawn" => ConsentWithdrawn, "the person no longer agrees";
        "retention_ended" => RetentionEnded, "it was kept as long as it may be";
        "kept_in_error" => KeptInError, "it should not have been kept";
        "ordered" => Ordered, "a court or the regulator ordered it";
    }
}

events! {
    /// What can have happened to a person as the record knows them.
    pub enum PersonEvent in "person" {
        /// A person was met and has an opaque reference from now on. Who it is stands in the vault, if anywhere.
        "person.registered", 1 => Registered {
            /// How they came to be met.
            met: FirstMeeting,
        },
        /// Details of the person were put into the vault; they take the place of those before.
        "person.details_kept", 1 => DetailsKept {
            /// Where they are kept, and the commitment to them.
            details: VaultRef,
        },
        /// The person agreed that a partner is told certain things; this takes the place of what they agreed before.
        "person.sharing_agreed", 1 => SharingAgreed {
            /// Which partner.
            partner: PartnerId,
            /// What it may be told.
            items: BTreeSet<SharedItem>,
        },
        /// The person no longer agrees that a partner is told anything.
        "person.sharing_withdrawn", 1 => SharingWithdrawn {
            /// Which partner.
            partner: PartnerId,
        },
        /// Somebody asked for the person to be forgotten; somebody else has to do it.
        "person.erasure_asked", 1 => ErasureAsked {
            /// Why.
            ground: ErasureGround,
            /// The number of the request or decision it rests on.
            authority: CaseNumber,
            /// Who asked: somebody else carries it out.
            asked_by: PersonId,
        },
        /// What was asked is not done: the person is not forgotten.
        "person.erasure_dropped", 1, reason => ErasureDropped {},
        /// The person is forgotten: from now on nothing is kept about them, and what was kept is being destroyed.
        "person.erased", 1 => Erased {
            /// Whose key and items in the vault are destroyed.
            subject: PersonRef,
            /// Why.
            ground: ErasureGround,
            /// The number of the request or decision it rests on.
            authority: CaseNumber,
            /// Who asked for it.
            asked_by: PersonId,
        },
        /// The key and the items of the person are gone, and the tables they stood in were written anew without them.
        "person.erasure_confirmed", 1 => ErasureConfirmed {
            /// How many items of the vault were destroyed with the key.
            items: u32,
        },
    }
}

impl PersonEvent {
    pub(super) fn told(&self) -> String {
        match self {
            Self::Registered { met } => format!("A person was met: {}.", met.words()),
            Self::DetailsKept { .. } => "Details of the person were put into the vault.".into(),
            Self::SharingAgreed { items, .. } => format!(
                "The person agreed that a partner is told: {}.",
                listed(items.iter().map(|item| item.words()))
            ),
            Self::SharingWithdrawn { .. } => {
                "The person no longer agrees that a partner is told anything.".into()
            }
            Self::ErasureAsked { ground, authority, .. } => {
                format!("Somebody asked to forget the person: {} ({authority}).", ground.words())
            }
            Self::ErasureDropped {} => "The person is not forgotten: what was asked was dropped.".into(),
            Self::Erased { ground, authority, .. } => {
                format!("The person is forgotten: {} ({authority}).", ground.words())
            }
            Self::ErasureConfirmed { items } => format!(
                "It is done: the key of the person and {items} {} are destroyed.",
                if *items == 1 { "item" } else { "items" }
            ),
        }
    }
}
