//! How the events of a consultation change what people look up.

use super::{
    ActionRecord, AnswerRecord, CommitmentRecord, ConsultationRecord, FeedbackRecord, NeedRecord, VoiceRecord,
};
use crate::domain::calendar::Date;
use crate::domain::consultation::{CommitmentStanding, ConsultationEvent, NeedStanding};
use crate::domain::identity::{CommitmentId, NeedId, VoiceId};

impl ConsultationRecord {
    /// Take a fact in that took effect on a day.
    #[expect(clippy::too_many_lines, reason = "a list: one arm for each event")]
    pub(super) fn fold(&mut self, fact: ConsultationEvent, day: Date) {
        match fact {
            ConsultationEvent::Planned { .. } => self.plan(fact),
            ConsultationEvent::Held { on, heads, groups_overlap } => {
                (self.held_on, self.heads, self.groups_overlap) = (Some(on), heads, groups_overlap);
            }
            ConsultationEvent::Cancelled {} => self.cancelled_on = Some(day),
            ConsultationEvent::VoiceRecorded {
                voice,
                group,
                text: _,
                traces,
                may_be_published,
                recorded_by,
            } => self.voices.push(VoiceRecord {
                id: voice,
                group,
                traces,
                may_be_published,
                recorded_by,
                recorded_on: day,
                checked_by: None,
                names_nobody: None,
                published_on: None,
                withdrawn_on: None,
            }),
            ConsultationEvent::VoiceChecked { voice, checked_by, names_nobody } => {
                self.voice(voice, |of| {
                    (of.checked_by, of.names_nobody) = (Some(checked_by), Some(names_nobody));
                });
            }
            ConsultationEvent::VoiceCheckOverruled { voice, checked_by, traces: _ } => {
                self.voice(voice, |of| (of.checked_by, of.names_nobody) = (Some(checked_by), Some(true)));
            }
            ConsultationEvent::VoicePublished { voice } => {
                self.voice(voice, |of| of.published_on = Some(day));
            }
            ConsultationEvent::VoiceWithdrawn { voice } => {
                self.voice(voice, |of| of.withdrawn_on = Some(day));
            }
            ConsultationEvent::NeedHeard { need, reference, theme, statement, codes, voices, strength } => {
                self.needs.push(NeedRecord {
                    id: need,
                    reference: reference.to_string(),
                    theme: theme.to_string(),
                    statement: statement.to_string(),
                    codes,
                    voices,
                    strength,
                    heard_on: day,
                    standing: NeedStanding::Unanswered,
                    answered_on: None,
                    merged_into: None,
                    merged_into_consultation: None,
                    public_reason: None,
                    decided_by: None,
                });
            }
            ConsultationEvent::NeedsMerged { need, into, into_consultation } => {
                self.heard(need, |of| {
                    (of.standing, of.answered_on) = (NeedStanding::Merged, Some(day));
                    of.merged_into = Some(into);
                    of.merged_into_consultation = Some(into_consultation);
                });
            }
            ConsultationEvent::NeedReworded { need, statement } => {
                self.heard(need, |of| of.statement = statement.to_string());
            }
            ConsultationEvent::WrittenUp { report } => self.report = Some(report),
            ConsultationEvent::ThemesAgreed { themes, how_checked } => {
                self.themes = themes.iter().map(ToString::to_string).collect();
                self.how_checked = Some(how_checked.to_string());
            }
            ConsultationEvent::CommitmentMade {
                commitment,
                needs,
                kind,
                statement,
                asked,
                owner,
                by_when,
            } => {
                for need in &needs {
                    self.heard(*need, |of| {
                        (of.standing, of.answered_on) = (NeedStanding::Answered, Some(day));
                        (of.public_reason, of.decided_by) = (None, None);
                    });
                }
                self.commitments.push(CommitmentRecord {
                    id: commitment,
                    needs,
                    kind,
                    statement: statement.to_string(),
                    asked: asked.map(|asked| asked.to_string()),
                    owner,
                    by_when,
                    made_on: day,
                    changed_on: None,
                    settled_on: None,
                    standing: CommitmentStanding::Open,
                    actions: Vec::new(),
                    shown_by: Vec::new(),
                });
            }
            ConsultationEvent::CannotDo { need, public_reason, decided_by } => self.heard(need, |of| {
                (of.standing, of.answered_on) = (NeedStanding::CannotDo, Some(day));
                of.public_reason = Some(public_reason.to_string());
                of.decided_by = Some(decided_by.to_string());
            }),
            ConsultationEvent::ActionLogged { commitment, what, on } => {
                let what = what.to_string();
                self.promise(commitment, |of| of.actions.push(ActionRecord { what, on }));
            }
            ConsultationEvent::EvidenceLinked { commitment, shown_by } => {
                self.promise(commitment, |of| of.shown_by.push(shown_by));
            }
            ConsultationEvent::CommitmentChanged { commitment, statement, owner, by_when } => {
                self.promise(commitment, |of| {
                    of.statement = statement.to_string();
                    (of.owner, of.by_when, of.changed_on) = (owner, by_when, Some(day));
                    (of.standing, of.settled_on) = (CommitmentStanding::Open, None);
                });
            }
            ConsultationEvent::CommitmentKept { commitment } => {
                self.promise(commitment, |of| {
                    (of.standing, of.settled_on) = (CommitmentStanding::Kept, Some(day));
                });
            }
            ConsultationEvent::CommitmentMissed { commitment } => {
                self.promise(commitment, |of| {
                    (of.standing, of.settled_on) = (CommitmentStanding::Missed, Some(day));
                });
            }
            ConsultationEvent::FeedbackGiven { groups, channel, languages } => {
                self.fed_back_on = self.fed_back_on.or(Some(day));
                self.feedback.push(FeedbackRecord { on: day, groups, channel, languages });
            }
            ConsultationEvent::FeedbackHeard { group, meant, taken_from_it } => {
                let taken_from_it = taken_from_it.map(|words| words.to_string());
                self.answers.push(AnswerRecord { on: day, group, meant, taken_from_it });
            }
            ConsultationEvent::Closed { rung_reached } => {
                (self.rung_reached, self.closed_on) = (Some(rung_reached), Some(day));
            }
        }
    }

    fn plan(&mut self, fact: ConsultationEvent) {
        let ConsultationEvent::Planned {
            reference,
            title,
            purpose,
            decision,
            rung_intended,
            method,
            communities,
            host,
            area,
            venue,
            on,
            access,
            languages,
        } = fact
        else {
            return;
        };
        *self = Self {
            reference: reference.to_string(),
            title: title.to_string(),
            purpose: purpose.to_string(),
            decision: decision.to_string(),
            rung_intended: Some(rung_intended),
            method: Some(method),
            communities,
            host,
            area: Some(area),
            venue: venue.to_string(),
            planned_for: on,
            access,
            languages,
            ..Self::default()
        };
    }

    fn voice(&mut self, voice: VoiceId, change: impl FnOnce(&mut VoiceRecord)) {
        self.voices.iter_mut().find(|one| one.id == voice).map(change);
    }

    fn heard(&mut self, need: NeedId, change: impl FnOnce(&mut NeedRecord)) {
        self.needs.iter_mut().find(|one| one.id == need).map(change);
    }

    fn promise(&mut self, commitment: CommitmentId, change: impl FnOnce(&mut CommitmentRecord)) {
        self.commitments.iter_mut().find(|one| one.id == commitment).map(change);
    }
}
