//! One open prescription for a person and an offer: a stream for each pair, written in the same decision, so that two
//! processes cannot both make one.

use uuid::Uuid;

use crate::domain::identity::{OfferId, PersonRef, PrescriptionId};
use crate::domain::{Aggregate, Circumstances};

/// The namespace of the ids of these streams.
const PAIRS: Uuid = Uuid::from_u128(0x0b7d_61f4_3c5e_4f7a_9a86_52d1_0e3c_4b97);

/// The stream of a person and an offer.
#[must_use]
pub fn pair(person: PersonRef, offer: OfferId) -> Uuid {
    Uuid::new_v5(&PAIRS, &[person.0.into_bytes(), offer.0.into_bytes()].concat())
}

events! {
    /// What can have happened between a person and an offer.
    pub enum OpenPrescriptionEvent in "open_prescription" {
        /// A prescription of this offer for this person is open: no other can be made.
        "open_prescription.begun", 1 => Begun {
            /// Which.
            prescription: PrescriptionId,
            /// The person, by an opaque reference.
            person: PersonRef,
            /// The offer.
            offer: OfferId,
        },
        /// It is no longer open: another can be made.
        "open_prescription.ended", 1 => Ended {
            /// Which.
            prescription: PrescriptionId,
        },
    }
}

impl OpenPrescriptionEvent {
    fn told(&self) -> String {
        match self {
            Self::Begun { .. } => "A prescription of this offer is open for this person.".into(),
            Self::Ended { .. } => "No prescription of this offer is open for this person.".into(),
        }
    }
}

/// What can be asked of it.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum OpenPrescriptionCommand {
    Begin { prescription: PrescriptionId, person: PersonRef, offer: OfferId },
    End { prescription: PrescriptionId },
}

refusals! {
    /// Why it was turned down.
    pub enum OpenPrescriptionRefusal {
        "prescription.already_open" => AlreadyOpen, "This person already has an open prescription for this offer: go on with that one, or close it first.";
        "prescription.not_the_open_one" => NotTheOpenOne, "This prescription is not the one that is open for this person and offer.";
    }
}

/// The open prescription of a person and an offer, if there is one.
#[derive(Debug, Clone, Default)]
pub struct OpenPrescription {
    open: Option<PrescriptionId>,
}

impl Aggregate for OpenPrescription {
    const TYPE: &'static str = "open_prescription";
    type Command = OpenPrescriptionCommand;
    type Event = OpenPrescriptionEvent;
    type Refusal = OpenPrescriptionRefusal;

    fn decide(
        &self,
        command: OpenPrescriptionCommand,
        _: &Circumstances,
    ) -> Result<Vec<OpenPrescriptionEvent>, OpenPrescriptionRefusal> {
        let event = match command {
            OpenPrescriptionCommand::Begin { prescription, person, offer } => {
                if self.open.is_some() {
                    return Err(OpenPrescriptionRefusal::AlreadyOpen);
                }
                OpenPrescriptionEvent::Begun { prescription, person, offer }
            }
            OpenPrescriptionCommand::End { prescription } => {
                if self.open != Some(prescription) {
                    return Err(OpenPrescriptionRefusal::NotTheOpenOne);
                }
                OpenPrescriptionEvent::Ended { prescription }
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &OpenPrescriptionEvent) {
        self.open = match event {
            OpenPrescriptionEvent::Begun { prescription, .. } => Some(*prescription),
            OpenPrescriptionEvent::Ended { .. } => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Story, all_hold, all_reached, by, given, never_fails};

    const TODAY: &str = "2026-05-01";

    fn one(number: u128) -> PrescriptionId {
        PrescriptionId(Uuid::from_u128(number))
    }

    fn someone(number: u128) -> PersonRef {
        PersonRef(Uuid::from_u128(number))
    }

    fn offer(number: u128) -> OfferId {
        OfferId(Uuid::from_u128(number))
    }

    fn begin(number: u128) -> OpenPrescriptionCommand {
        OpenPrescriptionCommand::Begin { prescription: one(number), person: someone(5), offer: offer(6) }
    }

    fn begun() -> OpenPrescriptionEvent {
        OpenPrescriptionEvent::Begun { prescription: one(1), person: someone(5), offer: offer(6) }
    }

    fn stories() -> Vec<Story<OpenPrescription>> {
        let end = OpenPrescriptionCommand::End { prescription: one(1) };
        let ended = OpenPrescriptionEvent::Ended { prescription: one(1) };
        vec![
            Story { given: vec![], when: begin(1), at: by(1, TODAY), then: vec![begun()] },
            Story { given: vec![begun()], when: end, at: by(1, TODAY), then: vec![ended.clone()] },
            Story { given: vec![begun(), ended], when: begin(1), at: by(1, TODAY), then: vec![begun()] },
        ]
    }

    #[test]
    fn every_command_is_recorded_as_its_facts() {
        all_hold(&stories());
        never_fails(&stories());
    }

    #[test]
    fn every_refusal_is_reached() {
        let refused = |history: &[OpenPrescriptionEvent], command| {
            given::<OpenPrescription>(history).when(command, &by(1, TODAY)).refused()
        };
        let end = OpenPrescriptionCommand::End { prescription: one(2) };
        let reached = [
            ("prescription.already_open", refused(&[begun()], begin(2))),
            ("prescription.not_the_open_one", refused(&[begun()], end)),
            ("prescription.not_the_open_one", refused(&[], end)),
        ];
        all_reached(OpenPrescriptionRefusal::CODES, &reached);
    }

    #[test]
    fn a_person_and_an_offer_are_one_stream_and_turned_round_another() {
        let stream = pair(someone(5), offer(6));
        assert_eq!(stream, pair(someone(5), offer(6)));
        assert_ne!(stream, pair(someone(6), offer(5)));
        assert_ne!(stream, pair(someone(5), offer(7)));
    }
}
