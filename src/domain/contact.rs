//! A talk with a person: what they need, in codes and bands, and where they were pointed. Prescriptions rest on it.

mod events;

use std::collections::BTreeSet;

pub use events::{ContactEvent, Minutes, Profile, Service, Signpost};

use super::identity::{PersonId, PersonRef, ReferralId, SiteId};
use super::places::Community;
use super::vocabulary::{Channel, NeedCode};
use super::{Aggregate, Circumstances};

/// What can be asked of a contact.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum ContactCommand {
    Record(Talk),
    GiveSignpost { to: Signpost },
}

/// A talk as it went.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of contact.made")]
pub struct Talk {
    pub person: PersonRef,
    pub channel: Channel,
    pub site: Option<SiteId>,
    pub needs: BTreeSet<NeedCode>,
    pub profile: Profile,
    pub referral: Option<ReferralId>,
    pub minutes: Minutes,
}

refusals! {
    /// Why something asked of a contact was turned down.
    pub enum ContactRefusal {
        "contact.unknown" => Unknown, "There is no contact with this id.";
        "contact.already_made" => AlreadyMade, "This contact is on the record already.";
        "contact.no_need" => NoNeed, "Name at least one thing the person needs: that is what the talk was about.";
        "contact.online_at_site" => OnlineAtSite, "Only a talk in person takes place at a site: leave the site out.";
        "contact.everyone_is_no_community" => EveryoneIsNoCommunity, "Nobody is “everyone”: name the communities as the person did, or none.";
        "contact.signpost_same" => SignpostSame, "The person was pointed there in this talk already.";
    }
}

/// A contact as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    talk: Option<Talk>,
    advisor: PersonId,
    signposts: Vec<Signpost>,
}

impl Contact {
    /// The talk: prescriptions rest on its person and needs.
    ///
    /// # Errors
    /// When there was no such talk.
    pub fn talk(&self) -> Result<&Talk, ContactRefusal> {
        self.talk.as_ref().ok_or(ContactRefusal::Unknown)
    }

    /// Who talked to the person.
    #[must_use]
    pub const fn advisor(&self) -> PersonId {
        self.advisor
    }
}

fn sound(talk: &Talk) -> Result<(), ContactRefusal> {
    if talk.needs.is_empty() {
        return Err(ContactRefusal::NoNeed);
    }
    if talk.site.is_some() && talk.channel != Channel::InPerson {
        return Err(ContactRefusal::OnlineAtSite);
    }
    if talk.profile.communities.contains(&Community::Everyone) {
        return Err(ContactRefusal::EveryoneIsNoCommunity);
    }
    Ok(())
}

impl Aggregate for Contact {
    const TYPE: &'static str = "contact";
    type Command = ContactCommand;
    type Event = ContactEvent;
    type Refusal = ContactRefusal;

    fn decide(
        &self,
        command: ContactCommand,
        at: &Circumstances,
    ) -> Result<Vec<ContactEvent>, ContactRefusal> {
        let event = match command {
            ContactCommand::Record(talk) => {
                if self.talk.is_some() {
                    return Err(ContactRefusal::AlreadyMade);
                }
                sound(&talk)?;
                let Talk { person, channel, site, needs, profile, referral, minutes } = talk;
                let advisor = at.actor.person;
                ContactEvent::Made { person, channel, site, needs, profile, referral, minutes, advisor }
            }
            ContactCommand::GiveSignpost { to } => {
                self.talk()?;
                if self.signposts.contains(&to) {
                    return Err(ContactRefusal::SignpostSame);
                }
                ContactEvent::SignpostGiven { to }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &ContactEvent) {
        match event.clone() {
            ContactEvent::Made { person, channel, site, needs, profile, referral, minutes, advisor } => {
                self.talk = Some(Talk { person, channel, site, needs, profile, referral, minutes });
                self.advisor = advisor;
            }
            ContactEvent::SignpostGiven { to } => self.signposts.push(to),
        }
    }
}

#[cfg(test)]
mod tests;
