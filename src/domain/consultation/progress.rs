//! How far a consultation has come: worked out from its events in one place, for its rules and for whoever looks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::events::{ConsultationEvent, HeadBand};
use crate::domain::identity::NeedId;
use crate::domain::places::Community;

codes! {
    /// Where a consultation stands.
    pub enum ConsultationStatus {
        "none" => None, "not on the record";
        "planned" => Planned, "planned";
        "held" => Held, "held";
        "written_up" => WrittenUp, "written up";
        "themes_agreed" => ThemesAgreed, "agreed in its themes";
        "answered" => Answered, "answered";
        "fed_back" => FedBack, "fed back";
        "closed" => Closed, "closed";
        "cancelled" => Cancelled, "cancelled";
    }
}

codes! {
    /// What became of a need.
    pub enum NeedStanding {
        "unanswered" => Unanswered, "no answer yet";
        "answered" => Answered, "something was promised";
        "merged" => Merged, "one with another need";
        "cannot_do" => CannotDo, "nothing can be done";
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that lists codes derives no default")]
impl Default for ConsultationStatus {
    fn default() -> Self {
        Self::None
    }
}

/// How far a consultation has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The last step that was taken as such; answers and feedback are counted beside it.
    stage: ConsultationStatus,
    unanswered: BTreeSet<NeedId>,
    answered: BTreeSet<NeedId>,
    /// Those who came; until it was held, those who were sought.
    groups: BTreeSet<Community>,
    /// Those told since the last answer.
    told: BTreeSet<Community>,
    /// Whether anybody was ever told anything.
    fed_back: bool,
}

impl Progress {
    /// Where it stands: answered once every need is, fed back once all who came have been told of every answer.
    #[must_use]
    pub fn status(&self) -> ConsultationStatus {
        if self.stage != ConsultationStatus::ThemesAgreed || !self.unanswered.is_empty() {
            self.stage
        } else if self.owed().is_empty() {
            ConsultationStatus::FedBack
        } else {
            ConsultationStatus::Answered
        }
    }

    /// The needs that have no answer yet: no commitment, no merge, no reason why nothing can be done.
    #[must_use]
    pub const fn unanswered(&self) -> &BTreeSet<NeedId> {
        &self.unanswered
    }

    /// Whether anybody was told of any answer.
    #[must_use]
    pub const fn was_fed_back(&self) -> bool {
        self.fed_back
    }

    /// Whether anything was answered.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        !self.answered.is_empty()
    }

    /// Whom feedback is owed: those who came and have not been told since the last answer.
    #[must_use]
    pub fn owed(&self) -> BTreeSet<Community> {
        if self.told.contains(&Community::Everyone) {
            return BTreeSet::new();
        }
        self.groups.difference(&self.told).copied().collect()
    }

    /// Take a fact in.
    pub fn take(&mut self, event: &ConsultationEvent) {
        match event {
            ConsultationEvent::Planned { communities, .. } => {
                self.stage = ConsultationStatus::Planned;
                self.groups.clone_from(communities);
            }
            ConsultationEvent::Held { heads, .. } => {
                self.stage = ConsultationStatus::Held;
                let came = heads.iter().filter(|one| one.heads != HeadBand::Nobody);
                self.groups = came.map(|one| one.group).collect();
            }
            ConsultationEvent::Cancelled {} => self.stage = ConsultationStatus::Cancelled,
            ConsultationEvent::NeedHeard { need, .. } => {
                self.unanswered.insert(*need);
            }
            ConsultationEvent::WrittenUp { .. } => self.stage = ConsultationStatus::WrittenUp,
            ConsultationEvent::ThemesAgreed { .. } => self.stage = ConsultationStatus::ThemesAgreed,
            ConsultationEvent::NeedsMerged { need, .. } | ConsultationEvent::CannotDo { need, .. } => {
                self.answer(std::iter::once(*need));
            }
            ConsultationEvent::CommitmentMade { needs, .. } => self.answer(needs.iter().copied()),
            ConsultationEvent::FeedbackGiven { groups, .. } => {
                self.told.extend(groups);
                self.fed_back = true;
            }
            ConsultationEvent::Closed { .. } => self.stage = ConsultationStatus::Closed,
            ConsultationEvent::VoiceRecorded { .. }
            | ConsultationEvent::VoiceChecked { .. }
            | ConsultationEvent::VoiceCheckOverruled { .. }
            | ConsultationEvent::VoicePublished { .. }
            | ConsultationEvent::VoiceWithdrawn { .. }
            | ConsultationEvent::NeedReworded { .. }
            | ConsultationEvent::ActionLogged { .. }
            | ConsultationEvent::EvidenceLinked { .. }
            | ConsultationEvent::CommitmentChanged { .. }
            | ConsultationEvent::CommitmentKept { .. }
            | ConsultationEvent::CommitmentMissed { .. }
            | ConsultationEvent::FeedbackHeard { .. } => {}
        }
    }

    /// What is answered anew is owed feedback anew.
    fn answer(&mut self, needs: impl IntoIterator<Item = NeedId>) {
        for need in needs {
            self.unanswered.remove(&need);
            self.answered.insert(need);
        }
        self.told.clear();
    }
}
