//! The entry of a need on the record: where it is kept. A need lives in the consultation at which it was heard; this
//! stream of its own sees to it that no two consultations hold a need under one id, and says where to look.

use super::identity::{ConsultationId, Reference};
use super::{Aggregate, Circumstances};

events! {
    /// What can have happened to the entry of a need.
    pub enum NeedEvent in "need" {
        /// A need came on the record.
        "need.entered", 1 => Entered {
            /// Its human reference, given once.
            reference: Reference,
            /// The consultation at which it was heard, which holds it.
            consultation: ConsultationId,
        },
    }
}

impl NeedEvent {
    fn told(&self) -> String {
        match self {
            Self::Entered { reference, .. } => {
                format!("{reference} came on the record as heard at a consultation.")
            }
        }
    }
}

/// What can be asked of the entry of a need.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of need.entered")]
pub enum NeedCommand {
    Enter { reference: Reference, consultation: ConsultationId },
}

refusals! {
    /// Why a need could not be entered or found.
    pub enum NeedRefusal {
        "need.unknown" => Unknown, "There is no need with this id.";
        "need.entered_before" => EnteredBefore, "A need with this id is on the record already: merge what you heard into it, or leave the id out for a new need.";
    }
}

/// The entry of a need as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Need {
    consultation: Option<ConsultationId>,
}

impl Need {
    /// The consultation that holds it.
    ///
    /// # Errors
    /// `need.unknown`.
    pub fn consultation(&self) -> Result<ConsultationId, NeedRefusal> {
        self.consultation.ok_or(NeedRefusal::Unknown)
    }
}

impl Aggregate for Need {
    const TYPE: &'static str = "need";
    type Command = NeedCommand;
    type Event = NeedEvent;
    type Refusal = NeedRefusal;

    fn decide(&self, command: NeedCommand, _: &Circumstances) -> Result<Vec<NeedEvent>, NeedRefusal> {
        match command {
            NeedCommand::Enter { reference, consultation } if self.consultation.is_none() => {
                Ok(vec![NeedEvent::Entered { reference, consultation }])
            }
            NeedCommand::Enter { .. } => Err(NeedRefusal::EnteredBefore),
        }
    }

    fn evolve(&mut self, event: &NeedEvent) {
        match event {
            NeedEvent::Entered { consultation, .. } => self.consultation = Some(*consultation),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::identity::ReferenceKind;
    use crate::domain::{Story, all_hold, all_reached, by, given};

    fn entered() -> NeedEvent {
        let reference = Reference::new(ReferenceKind::Need, 2026, 1);
        NeedEvent::Entered { reference, consultation: ConsultationId(Uuid::from_u128(1)) }
    }

    fn enter() -> NeedCommand {
        let reference = Reference::new(ReferenceKind::Need, 2026, 1);
        NeedCommand::Enter { reference, consultation: ConsultationId(Uuid::from_u128(1)) }
    }

    #[test]
    fn a_need_is_entered_once_and_found_again() {
        let at = by(1, "2026-05-01");
        all_hold::<Need>(&[Story { given: vec![], when: enter(), at: at.clone(), then: vec![entered()] }]);
        let twice = given::<Need>(&[entered()]).when(enter(), &at).refused();
        let unknown = Need::default().consultation().unwrap_err();
        all_reached(NeedRefusal::CODES, &[("need.entered_before", twice), ("need.unknown", unknown.into())]);
        assert_eq!(Need::after(&[entered()]).consultation(), Ok(ConsultationId(Uuid::from_u128(1))));
    }
}
