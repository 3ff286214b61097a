//! What was heard: voices and who may read them, needs and how they are put in order.

use std::collections::BTreeSet;

use super::{
    Consultation, ConsultationEvent, ConsultationRefusal, LISTENING, NewNeed, NewVoice, OPEN, SINCE_HELD,
    Trace, nobody_named,
};
use crate::domain::evidence::{Evidence, VaultRef};
use crate::domain::identity::{ConsultationId, NeedId, PersonId, Reference, VoiceId};
use crate::domain::places::listed;
use crate::domain::text::Text;

use super::ConsultationStatus::{Held, WrittenUp};

/// Somebody's words as their history leaves them.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    pub(super) text: VaultRef,
    pub(super) traces: BTreeSet<Trace>,
    pub(super) may_be_published: bool,
    pub(super) recorded_by: PersonId,
    /// What whoever checked it found; none until then.
    pub(super) names_nobody: Option<bool>,
    pub(super) published: bool,
    pub(super) withdrawn: bool,
}

/// A need as its history leaves it.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) reference: Reference,
    pub(super) theme: Text<100>,
    pub(super) merged: bool,
    /// Whether the last answer is that nothing can be done.
    pub(super) cannot_do: bool,
}

impl Consultation {
    /// Where somebody's words are kept.
    ///
    /// # Errors
    /// `consultation.voice_unknown`, `consultation.voice_withdrawn`.
    pub fn words_of(&self, voice: VoiceId) -> Result<&VaultRef, ConsultationRefusal> {
        self.voice(voice).map(|voice| &voice.text)
    }

    /// Whether another need may go into this one.
    ///
    /// # Errors
    /// `consultation.need_unknown`, `consultation.need_merged`.
    pub fn takes_in(&self, need: NeedId) -> Result<(), ConsultationRefusal> {
        self.need(need).map(drop)
    }

    /// A voice that was not taken back.
    fn voice(&self, voice: VoiceId) -> Result<&Voice, ConsultationRefusal> {
        let voice = self.voices.get(&voice).ok_or(ConsultationRefusal::VoiceUnknown)?;
        if voice.withdrawn { Err(ConsultationRefusal::VoiceWithdrawn) } else { Ok(voice) }
    }

    /// A need that stands for itself.
    pub(super) fn need(&self, need: NeedId) -> Result<&Heard, ConsultationRefusal> {
        let need = self.needs.get(&need).ok_or(ConsultationRefusal::NeedUnknown)?;
        if need.merged { Err(ConsultationRefusal::NeedMerged) } else { Ok(need) }
    }

    pub(super) fn record_voice(
        &self,
        new: NewVoice,
        recorded_by: PersonId,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(LISTENING)?;
        let NewVoice { voice, group, text, traces, may_be_published } = new;
        Ok(ConsultationEvent::VoiceRecorded { voice, group, text, traces, may_be_published, recorded_by })
    }

    /// A voice that somebody who did not record it may now judge.
    fn to_check(&self, voice: VoiceId, checked_by: PersonId) -> Result<&Voice, ConsultationRefusal> {
        self.must_be(SINCE_HELD)?;
        let voice = self.voice(voice)?;
        if voice.recorded_by == checked_by {
            return Err(ConsultationRefusal::VoiceOwnCheck);
        }
        if voice.names_nobody.is_some() {
            return Err(ConsultationRefusal::VoiceCheckedBefore);
        }
        Ok(voice)
    }

    pub(super) fn check_voice(
        &self,
        voice: VoiceId,
        names_nobody: bool,
        checked_by: PersonId,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        let traces = &self.to_check(voice, checked_by)?.traces;
        if names_nobody && !traces.is_empty() {
            let found = listed(traces.iter().map(|trace| trace.words()));
            return Err(ConsultationRefusal::VoiceFlagged { found });
        }
        Ok(ConsultationEvent::VoiceChecked { voice, checked_by, names_nobody })
    }

    pub(super) fn overrule_check(
        &self,
        voice: VoiceId,
        checked_by: PersonId,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        let traces = self.to_check(voice, checked_by)?.traces.clone();
        if traces.is_empty() {
            return Err(ConsultationRefusal::VoiceNotFlagged);
        }
        Ok(ConsultationEvent::VoiceCheckOverruled { voice, checked_by, traces })
    }

    pub(super) fn publish_voice(&self, voice: VoiceId) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(SINCE_HELD)?;
        let of = self.voice(voice)?;
        if !of.may_be_published {
            return Err(ConsultationRefusal::VoiceNoConsent);
        }
        match of.names_nobody {
            None => Err(ConsultationRefusal::VoiceUnchecked),
            Some(false) => Err(ConsultationRefusal::VoiceNamesSomebody),
            Some(true) if of.published => Err(ConsultationRefusal::VoicePublishedBefore),
            Some(true) => Ok(ConsultationEvent::VoicePublished { voice }),
        }
    }

    pub(super) fn withdraw_voice(&self, voice: VoiceId) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(SINCE_HELD)?;
        self.voice(voice)?;
        Ok(ConsultationEvent::VoiceWithdrawn { voice })
    }

    pub(super) fn hear(&self, new: NewNeed) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(LISTENING)?;
        let NewNeed { need, reference, theme, statement, codes, voices, strength } = new;
        for voice in &voices {
            self.voice(*voice)?;
        }
        nobody_named(theme.as_str())?;
        nobody_named(statement.as_str())?;
        Ok(ConsultationEvent::NeedHeard { need, reference, theme, statement, codes, voices, strength })
    }

    pub(super) fn merge(
        &self,
        need: NeedId,
        into: NeedId,
        into_consultation: ConsultationId,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(OPEN)?;
        self.need(need)?;
        if need == into {
            return Err(ConsultationRefusal::NeedIntoItself);
        }
        if self.needs.contains_key(&into) {
            self.takes_in(into)?;
        }
        Ok(ConsultationEvent::NeedsMerged { need, into, into_consultation })
    }

    pub(super) fn reword(
        &self,
        need: NeedId,
        statement: Text<300>,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(OPEN)?;
        self.need(need)?;
        nobody_named(statement.as_str())?;
        Ok(ConsultationEvent::NeedReworded { need, statement })
    }

    pub(super) fn write_up(&self, report: Evidence) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(&[Held])?;
        if self.needs.is_empty() {
            return Err(ConsultationRefusal::NothingHeard);
        }
        Ok(ConsultationEvent::WrittenUp { report })
    }

    pub(super) fn agree_themes(
        &self,
        how_checked: Text<500>,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(&[WrittenUp])?;
        let themes = self.needs.values().filter(|need| !need.merged).map(|need| need.theme.clone());
        Ok(ConsultationEvent::ThemesAgreed { themes: themes.collect(), how_checked })
    }

    pub(super) fn change_voice(&mut self, voice: VoiceId, change: impl FnOnce(&mut Voice)) {
        self.voices.get_mut(&voice).map(change);
    }

    pub(super) fn change_need(&mut self, need: NeedId, change: impl FnOnce(&mut Heard)) {
        self.needs.get_mut(&need).map(change);
    }
}
