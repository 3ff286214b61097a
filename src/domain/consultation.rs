//! A consultation: people are asked, listened to, and told what came of it. It holds the needs that were heard, the
//! voices behind them and what was promised; it closes when each need has an answer and those who came know it.

mod answers;
mod events;
mod heard;
mod progress;
mod traces;

use std::collections::{BTreeMap, BTreeSet};

use super::calendar::{Date, day};
use super::evidence::{Evidence, VaultRef};
use super::identity::{CommitmentId, ConsultationId, NeedId, PartnerId, PersonId, Reference, VoiceId};
use super::places::{Area, Community, listed};
use super::text::Text;
use super::vocabulary::{Access, Language, NeedCode};
use super::{Aggregate, Circumstances};

use answers::Promise;
use heard::{Heard, Voice};

pub use answers::CommitmentStanding;
pub use events::{
    CommitmentKind, ConsultationEvent, FeedbackChannel, GroupHeads, HeadBand, Method, Rung, ShownBy,
    Strength, WhatYouMeant,
};
pub use progress::{ConsultationStatus, NeedStanding, Progress};
pub use traces::{Trace, traces};

/// What is said of a consultation when it is planned.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of consultation.planned")]
pub struct Plan {
    pub reference: Reference,
    pub title: Text<200>,
    pub purpose: Text<500>,
    pub decision: Text<500>,
    pub rung_intended: Rung,
    pub method: Method,
    pub communities: BTreeSet<Community>,
    pub host: Option<PartnerId>,
    pub area: Area,
    pub venue: Text<200>,
    pub on: Date,
    pub access: BTreeSet<Access>,
    pub languages: BTreeSet<Language>,
}

/// Somebody's own words, once they are in the vault.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of consultation.voice_recorded")]
pub struct NewVoice {
    pub voice: VoiceId,
    pub group: Community,
    pub text: VaultRef,
    pub traces: BTreeSet<Trace>,
    pub may_be_published: bool,
}

/// A need as it was heard.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of consultation.need_heard")]
pub struct NewNeed {
    pub need: NeedId,
    pub reference: Reference,
    pub theme: Text<100>,
    pub statement: Text<300>,
    pub codes: BTreeSet<NeedCode>,
    pub voices: BTreeSet<VoiceId>,
    pub strength: Strength,
}

/// Something that is promised.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of consultation.commitment_made")]
pub struct NewCommitment {
    pub commitment: CommitmentId,
    pub needs: BTreeSet<NeedId>,
    pub kind: CommitmentKind,
    pub statement: Text<500>,
    pub asked: Option<Text<200>>,
    /// Who answers for it: without one it is refused.
    pub owner: Option<PersonId>,
    pub by_when: Date,
}

/// What is to be another in a commitment; what is left out stays.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are those of consultation.commitment_changed")]
pub struct Change {
    pub statement: Option<Text<500>>,
    pub owner: Option<PersonId>,
    pub by_when: Option<Date>,
}

/// What can be asked of a consultation.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum ConsultationCommand {
    Plan(Plan),
    Hold { on: Date, heads: Vec<GroupHeads>, groups_overlap: bool },
    Cancel,
    RecordVoice(NewVoice),
    CheckVoice { voice: VoiceId, names_nobody: bool },
    OverruleVoiceCheck { voice: VoiceId },
    PublishVoice { voice: VoiceId },
    WithdrawVoice { voice: VoiceId },
    HearNeed(NewNeed),
    MergeNeed { need: NeedId, into: NeedId, into_consultation: ConsultationId },
    RewordNeed { need: NeedId, statement: Text<300> },
    WriteUp { report: Evidence },
    AgreeThemes { how_checked: Text<500> },
    MakeCommitment(NewCommitment),
    SayCannotDo { need: NeedId, public_reason: Text<1000>, decided_by: Text<200> },
    LogAction { commitment: CommitmentId, what: Text<500>, on: Date },
    LinkEvidence { commitment: CommitmentId, shown_by: ShownBy },
    ChangeCommitment { commitment: CommitmentId, change: Change },
    KeepCommitment { commitment: CommitmentId },
    MissCommitment { commitment: CommitmentId },
    GiveFeedback { groups: BTreeSet<Community>, channel: FeedbackChannel, languages: BTreeSet<Language> },
    HearFeedback { group: Community, meant: WhatYouMeant, taken_from_it: Option<Text<500>> },
    Close { rung_reached: Rung },
}

refusals! {
    /// Why something asked of a consultation was turned down.
    pub enum ConsultationRefusal {
        "consultation.unknown" => Unknown, "There is no consultation with this id.";
        "consultation.already_planned" => AlreadyPlanned, "This consultation is already planned.";
        "consultation.planned_behind" => PlannedBehind { on: String }, "{on} has gone by: plan a consultation for today or a later day.";
        "consultation.no_community" => NoCommunity, "Choose at least one community whose voices are sought.";
        "consultation.no_language" => NoLanguage, "Choose at least one language.";
        "consultation.names_somebody" => NamesSomebody { found: String }, "These words will be public and look as if they held {found}: say it without, so that nobody can be recognised.";
        "consultation.stage" => Stage { status: &'static str, wanted: String }, "This consultation is {status}: this can be done while it is {wanted}.";
        "consultation.held_ahead" => HeldAhead { on: String }, "{on} lies ahead: record that a consultation was held once it has been.";
        "consultation.no_heads" => NoHeads, "Say for at least one community how many came, and for each only once.";
        "consultation.people_came" => PeopleCame, "People came and were promised an answer: a consultation that was held is closed, not called off.";
        "consultation.voice_unknown" => VoiceUnknown, "There is no voice with this id in this consultation.";
        "consultation.voice_withdrawn" => VoiceWithdrawn, "Whoever said this took it back: it cannot be used any more.";
        "consultation.voice_own_check" => VoiceOwnCheck, "Whoever recorded somebody’s words cannot check them: somebody else must read them.";
        "consultation.voice_checked_before" => VoiceCheckedBefore, "These words were checked already.";
        "consultation.voice_flagged" => VoiceFlagged { found: String }, "These words look as if they held {found}: read them again, and if nobody can be recognised, overrule this with a reason.";
        "consultation.voice_not_flagged" => VoiceNotFlagged, "Nothing in these words looks as if it named somebody: check them, there is nothing to overrule.";
        "consultation.voice_unchecked" => VoiceUnchecked, "Nobody else has looked yet whether these words name somebody: have them checked before they are published.";
        "consultation.voice_names_somebody" => VoiceNamesSomebody, "Whoever checked these words found that they tell who somebody is: they cannot be published.";
        "consultation.voice_no_consent" => VoiceNoConsent, "Whoever said this did not agree that it may be published.";
        "consultation.voice_published_before" => VoicePublishedBefore, "These words are published already.";
        "consultation.need_unknown" => NeedUnknown, "There is no need with this id in this consultation.";
        "consultation.need_merged" => NeedMerged, "This need went into another: use the one that stands for both.";
        "consultation.need_into_itself" => NeedIntoItself, "A need cannot go into itself: choose the one that stands for both.";
        "consultation.nothing_heard" => NothingHeard, "No need was recorded yet: record what was heard before it is written up.";
        "consultation.cannot_do_before" => CannotDoBefore, "It was said already that nothing can be done about this need.";
        "consultation.commitment_unknown" => CommitmentUnknown, "There is no commitment with this id in this consultation.";
        "consultation.commitment_without_need" => CommitmentWithoutNeed, "Say which need this is promised for: choose at least one.";
        "consultation.commitment_without_owner" => CommitmentWithoutOwner, "Say who answers for this commitment: without an owner it would be nobody’s.";
        "consultation.commitment_behind" => CommitmentBehind { by_when: String }, "{by_when} has gone by: choose a day that lies ahead.";
        "consultation.nobody_asked" => NobodyAsked, "Say whom you will ask, or choose another kind of commitment.";
        "consultation.commitment_kept_before" => CommitmentKeptBefore, "This commitment was kept: nothing about it changes any more.";
        "consultation.commitment_missed_before" => CommitmentMissedBefore, "It is recorded already that this commitment was missed: keep it late, or change it with a new day.";
        "consultation.commitment_unchanged" => CommitmentUnchanged, "Nothing in this commitment would change: give other words, another owner or another day.";
        "consultation.commitment_not_due" => CommitmentNotDue { by_when: String }, "This commitment is in time until {by_when}: it can be missed only after that day.";
        "consultation.kept_without_evidence" => KeptWithoutEvidence, "Nothing shows yet that this was done: link a grant, an offer, a session, a policy or a figure first.";
        "consultation.evidence_linked_before" => EvidenceLinkedBefore, "This is linked to the commitment already.";
        "consultation.action_ahead" => ActionAhead { on: String }, "{on} lies ahead: record a step once it was taken.";
        "consultation.nothing_answered" => NothingAnswered, "No need has an answer yet, so there is nothing to tell: make a commitment, or say why nothing can be done.";
        "consultation.no_feedback_group" => NoFeedbackGroup, "Choose at least one community that was told.";
        "consultation.nothing_told" => NothingTold, "Nobody was told yet what came of it, so nobody can say whether it is what they meant: give feedback first.";
        "consultation.unanswered" => Unanswered { needs: String }, "These needs have no answer yet: {needs}. Make a commitment, merge them, or say why nothing can be done.";
        "consultation.feedback_owed" => FeedbackOwed { groups: String }, "Those who came do not know the answers yet: give feedback to {groups} before you close.";
    }
}

/// A consultation as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Consultation {
    progress: Progress,
    came: bool,
    needs: BTreeMap<NeedId, Heard>,
    voices: BTreeMap<VoiceId, Voice>,
    commitments: BTreeMap<CommitmentId, Promise>,
}

use ConsultationStatus::{Answered, Closed, FedBack, Held, Planned, ThemesAgreed, WrittenUp};

/// While people’s words are taken down and put in order.
const LISTENING: &[ConsultationStatus] = &[Held, WrittenUp];
/// While needs are answered.
const ANSWERING: &[ConsultationStatus] = &[ThemesAgreed, Answered, FedBack];
/// From the day it was held until it closes.
const OPEN: &[ConsultationStatus] = &[Held, WrittenUp, ThemesAgreed, Answered, FedBack];
/// While what was promised can be kept: also after closing.
const PROMISED: &[ConsultationStatus] = &[ThemesAgreed, Answered, FedBack, Closed];
/// From the day it was held on, for ever.
const SINCE_HELD: &[ConsultationStatus] = &[Held, WrittenUp, ThemesAgreed, Answered, FedBack, Closed];

impl Consultation {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> ConsultationStatus {
        self.progress.status()
    }

    fn must_be(&self, wanted: &[ConsultationStatus]) -> Result<(), ConsultationRefusal> {
        let status = self.status();
        if status == ConsultationStatus::None {
            return Err(ConsultationRefusal::Unknown);
        }
        if wanted.contains(&status) {
            return Ok(());
        }
        let names: Vec<&str> = wanted.iter().map(|one| one.words()).collect();
        let wanted = match names.as_slice() {
            [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
            _ => names.concat(),
        };
        Err(ConsultationRefusal::Stage { status: status.words(), wanted })
    }

    fn plan(&self, plan: Plan, at: &Circumstances) -> Result<ConsultationEvent, ConsultationRefusal> {
        if self.status() != ConsultationStatus::None {
            return Err(ConsultationRefusal::AlreadyPlanned);
        }
        if plan.on < at.on {
            return Err(ConsultationRefusal::PlannedBehind { on: day(plan.on) });
        }
        if plan.communities.is_empty() {
            return Err(ConsultationRefusal::NoCommunity);
        }
        if plan.languages.is_empty() {
            return Err(ConsultationRefusal::NoLanguage);
        }
        for words in [plan.title.as_str(), plan.purpose.as_str(), plan.decision.as_str()] {
            nobody_named(words)?;
        }
        Ok(plan.into())
    }

    fn hold(
        &self,
        on: Date,
        heads: Vec<GroupHeads>,
        groups_overlap: bool,
        at: &Circumstances,
    ) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(&[Planned])?;
        if on > at.on {
            return Err(ConsultationRefusal::HeldAhead { on: day(on) });
        }
        let groups: BTreeSet<Community> = heads.iter().map(|one| one.group).collect();
        if heads.is_empty() || groups.len() < heads.len() {
            return Err(ConsultationRefusal::NoHeads);
        }
        Ok(ConsultationEvent::Held { on, heads, groups_overlap })
    }

    fn close(&self, rung_reached: Rung) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(ANSWERING)?;
        let unanswered = self.progress.unanswered().iter().map(|need| self.needs[need].reference.as_str());
        let unanswered: Vec<&str> = unanswered.collect();
        if !unanswered.is_empty() {
            return Err(ConsultationRefusal::Unanswered { needs: listed(unanswered) });
        }
        let owed = self.progress.owed();
        if !owed.is_empty() {
            let groups = listed(owed.iter().map(|group| group.words()));
            return Err(ConsultationRefusal::FeedbackOwed { groups });
        }
        Ok(ConsultationEvent::Closed { rung_reached })
    }

    fn cancel(&self) -> Result<ConsultationEvent, ConsultationRefusal> {
        self.must_be(&[Planned, Held])?;
        if self.came {
            return Err(ConsultationRefusal::PeopleCame);
        }
        Ok(ConsultationEvent::Cancelled {})
    }
}

impl From<Plan> for ConsultationEvent {
    fn from(plan: Plan) -> Self {
        Self::Planned {
            reference: plan.reference,
            title: plan.title,
            purpose: plan.purpose,
            decision: plan.decision,
            rung_intended: plan.rung_intended,
            method: plan.method,
            communities: plan.communities,
            host: plan.host,
            area: plan.area,
            venue: plan.venue,
            on: plan.on,
            access: plan.access,
            languages: plan.languages,
        }
    }
}

/// Words that will be public may not look as if they named somebody.
fn nobody_named(words: &str) -> Result<(), ConsultationRefusal> {
    let found = traces(words);
    if found.is_empty() {
        return Ok(());
    }
    let found = listed(found.iter().map(|trace| trace.words()));
    Err(ConsultationRefusal::NamesSomebody { found })
}

impl Aggregate for Consultation {
    const TYPE: &'static str = "consultation";
    type Command = ConsultationCommand;
    type Event = ConsultationEvent;
    type Refusal = ConsultationRefusal;

    fn decide(
        &self,
        command: ConsultationCommand,
        at: &Circumstances,
    ) -> Result<Vec<ConsultationEvent>, ConsultationRefusal> {
        use ConsultationCommand as Command;
        let event = match command {
            Command::Plan(plan) => self.plan(plan, at)?,
            Command::Hold { on, heads, groups_overlap } => self.hold(on, heads, groups_overlap, at)?,
            Command::Cancel => self.cancel()?,
            Command::RecordVoice(voice) => self.record_voice(voice, at.actor.person)?,
            Command::CheckVoice { voice, names_nobody } => {
                self.check_voice(voice, names_nobody, at.actor.person)?
            }
            Command::OverruleVoiceCheck { voice } => self.overrule_check(voice, at.actor.person)?,
            Command::PublishVoice { voice } => self.publish_voice(voice)?,
            Command::WithdrawVoice { voice } => self.withdraw_voice(voice)?,
            Command::HearNeed(need) => self.hear(need)?,
            Command::MergeNeed { need, into, into_consultation } => {
                self.merge(need, into, into_consultation)?
            }
            Command::RewordNeed { need, statement } => self.reword(need, statement)?,
            Command::WriteUp { report } => self.write_up(report)?,
            Command::AgreeThemes { how_checked } => self.agree_themes(how_checked)?,
            Command::MakeCommitment(new) => self.promise(new, at.on)?,
            Command::SayCannotDo { need, public_reason, decided_by } => {
                self.say_cannot_do(need, public_reason, decided_by)?
            }
            Command::LogAction { commitment, what, on } => self.log_action(commitment, what, on, at.on)?,
            Command::LinkEvidence { commitment, shown_by } => self.link_evidence(commitment, shown_by)?,
            Command::ChangeCommitment { commitment, change } => self.change(commitment, change, at.on)?,
            Command::KeepCommitment { commitment } => self.keep(commitment)?,
            Command::MissCommitment { commitment } => self.miss(commitment, at.today)?,
            Command::GiveFeedback { groups, channel, languages } => {
                self.give_feedback(groups, channel, languages)?
            }
            Command::HearFeedback { group, meant, taken_from_it } => {
                self.hear_feedback(group, meant, taken_from_it)?
            }
            Command::Close { rung_reached } => self.close(rung_reached)?,
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &ConsultationEvent) {
        self.progress.take(event);
        match event {
            ConsultationEvent::Held { heads, .. } => {
                self.came = heads.iter().any(|one| one.heads != HeadBand::Nobody);
            }
            ConsultationEvent::VoiceRecorded {
                voice, text, traces, may_be_published, recorded_by, ..
            } => {
                let new = Voice {
                    text: text.clone(),
                    traces: traces.clone(),
                    may_be_published: *may_be_published,
                    recorded_by: *recorded_by,
                    names_nobody: None,
                    published: false,
                    withdrawn: false,
                };
                self.voices.insert(*voice, new);
            }
            ConsultationEvent::VoiceChecked { voice, names_nobody, .. } => {
                self.change_voice(*voice, |of| of.names_nobody = Some(*names_nobody));
            }
            ConsultationEvent::VoiceCheckOverruled { voice, .. } => {
                self.change_voice(*voice, |of| of.names_nobody = Some(true));
            }
            ConsultationEvent::VoicePublished { voice } => {
                self.change_voice(*voice, |of| of.published = true);
            }
            ConsultationEvent::VoiceWithdrawn { voice } => {
                self.change_voice(*voice, |of| of.withdrawn = true);
            }
            ConsultationEvent::NeedHeard { need, reference, theme, .. } => {
                let (reference, theme) = (reference.clone(), theme.clone());
                self.needs.insert(*need, Heard { reference, theme, merged: false, cannot_do: false });
            }
            ConsultationEvent::NeedsMerged { need, .. } => self.change_need(*need, |of| of.merged = true),
            ConsultationEvent::CannotDo { need, .. } => self.change_need(*need, |of| of.cannot_do = true),
            ConsultationEvent::CommitmentMade { commitment, needs, statement, owner, by_when, .. } => {
                for need in needs {
                    self.change_need(*need, |of| of.cannot_do = false);
                }
                self.commitments.insert(*commitment, Promise::new(statement.clone(), *owner, *by_when));
            }
            ConsultationEvent::EvidenceLinked { commitment, shown_by } => {
                self.change_promise(*commitment, |of| of.shown_by.push(shown_by.clone()));
            }
            ConsultationEvent::CommitmentChanged { commitment, statement, owner, by_when } => {
                self.change_promise(*commitment, |of| of.change(statement.clone(), *owner, *by_when));
            }
            ConsultationEvent::CommitmentKept { commitment } => {
                self.change_promise(*commitment, |of| of.standing = CommitmentStanding::Kept);
            }
            ConsultationEvent::CommitmentMissed { commitment } => {
                self.change_promise(*commitment, |of| of.standing = CommitmentStanding::Missed);
            }
            ConsultationEvent::Planned { .. }
            | ConsultationEvent::Cancelled {}
            | ConsultationEvent::NeedReworded { .. }
            | ConsultationEvent::WrittenUp { .. }
            | ConsultationEvent::ThemesAgreed { .. }
            | ConsultationEvent::ActionLogged { .. }
            | ConsultationEvent::FeedbackGiven { .. }
            | ConsultationEvent::FeedbackHeard { .. }
            | ConsultationEvent::Closed { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
