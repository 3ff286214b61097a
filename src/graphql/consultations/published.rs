//! You said, we did: what a public page shows of a consultation. No counts, no owners, no words that were not published.

use async_graphql::SimpleObject;
use uuid::Uuid;

use super::super::{Area, Code, Community, Date};
use super::{CommitmentAction, CommitmentEvidence, Feedback, actions_of, feedback_of};
use crate::app::consultations::YouSaid;
use crate::domain::consultation::{CommitmentKind, CommitmentStanding, NeedStanding, Rung};
use crate::domain::identity::NeedId;
use crate::projections::consultations::{CommitmentRecord, ConsultationRecord};

/// What was said at a consultation, and what came of it.
#[derive(Debug, Clone, SimpleObject)]
pub struct YouSaidWeDid {
    /// Its human reference, such as `C-2026-0001`.
    pub reference: String,
    /// What it is called.
    pub title: String,
    /// What it was to find out.
    pub purpose: String,
    /// The decision that what was said could influence.
    pub decision: String,
    /// The day it was held.
    pub held_on: Option<Date>,
    /// The area.
    pub area: Option<Code<Area>>,
    /// Whose voices were sought.
    pub communities: Vec<Code<Community>>,
    /// The rung of the ladder of co-production that was intended.
    pub rung_intended: Option<Code<Rung>>,
    /// The rung that was reached, once it is closed.
    pub rung_reached: Option<Code<Rung>>,
    /// What was needed, and the answers.
    pub needs: Vec<NeedAnswered>,
    /// What people said in their own words, where they agreed that it be published.
    pub voices: Vec<PublishedVoice>,
    /// Who was told what came of it.
    pub feedback: Vec<Feedback>,
}

/// A need, and the answer to it.
#[derive(Debug, Clone, SimpleObject)]
pub struct NeedAnswered {
    /// Its id: the golden thread of it tells the rest.
    pub id: Uuid,
    /// Its human reference, such as `N-2026-0001`.
    pub reference: String,
    /// The theme it belongs to.
    pub theme: String,
    /// The need in plain words.
    pub statement: String,
    /// What became of it.
    pub standing: Code<NeedStanding>,
    /// What was promised about it, and whether it was kept; for a need that went into another of this consultation,
    /// what was promised about that one.
    pub commitments: Vec<PublicCommitment>,
    /// Why nothing can be done, where that is the answer.
    pub public_reason: Option<String>,
    /// The body or post that decided so.
    pub decided_by: Option<String>,
}

/// Something that was promised, and what came of it.
#[derive(Debug, Clone, SimpleObject)]
pub struct PublicCommitment {
    /// What is promised.
    pub statement: String,
    /// What kind of promise it is.
    pub kind: Code<CommitmentKind>,
    /// Whom we ask, where somebody else is to do it.
    pub asked: Option<String>,
    /// The last day on which it is in time.
    pub by_when: Date,
    /// What became of it.
    pub standing: Code<CommitmentStanding>,
    /// What was done towards it.
    pub actions: Vec<CommitmentAction>,
    /// What shows what was done.
    pub shown_by: Vec<CommitmentEvidence>,
}

/// What somebody said in their own words.
#[derive(Debug, Clone, SimpleObject)]
pub struct PublishedVoice {
    /// For which community they speak.
    pub group: Code<Community>,
    /// The words.
    pub words: String,
}

impl From<&CommitmentRecord> for PublicCommitment {
    fn from(commitment: &CommitmentRecord) -> Self {
        Self {
            statement: commitment.statement.clone(),
            kind: Code(commitment.kind),
            asked: commitment.asked.clone(),
            by_when: Date(commitment.by_when),
            standing: Code(commitment.standing),
            actions: actions_of(commitment),
            shown_by: commitment.shown_by.iter().map(CommitmentEvidence::from).collect(),
        }
    }
}

/// The need of a consultation that stands for one of its needs: itself, or what it went into there.
fn stands_for(record: &ConsultationRecord, need: NeedId) -> NeedId {
    let mut last = need;
    while let Some(into) = record.need(last).and_then(|need| need.merged_into) {
        last = into;
    }
    last
}

impl From<&YouSaid> for YouSaidWeDid {
    fn from(said: &YouSaid) -> Self {
        let record = &said.consultation.record;
        let needs = record.needs.iter().map(|need| NeedAnswered {
            id: need.id.0,
            reference: need.reference.clone(),
            theme: need.theme.clone(),
            statement: need.statement.clone(),
            standing: Code(need.standing),
            commitments: record
                .commitments_for(stands_for(record, need.id))
                .map(PublicCommitment::from)
                .collect(),
            public_reason: need.public_reason.clone(),
            decided_by: need.decided_by.clone(),
        });
        let voices = said.voices.iter();
        Self {
            reference: record.reference.clone(),
            title: record.title.clone(),
            purpose: record.purpose.clone(),
            decision: record.decision.clone(),
            held_on: record.held_on.map(Date),
            area: record.area.map(Code),
            communities: record.communities.iter().copied().map(Code).collect(),
            rung_intended: record.rung_intended.map(Code),
            rung_reached: record.rung_reached.map(Code),
            needs: needs.collect(),
            voices: voices
                .map(|(_, group, words)| PublishedVoice { group: Code(*group), words: words.clone() })
                .collect(),
            feedback: feedback_of(record),
        }
    }
}
