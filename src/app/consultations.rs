//! Consultations: listening to people, answering them, and looking up what was heard and what came of it.

mod looking;

use uuid::Uuid;

use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::consultation::{
    Change, CommitmentKind, Consultation, ConsultationCommand, FeedbackChannel, GroupHeads, Method,
    NewCommitment, NewNeed, NewVoice, Plan, Rung, ShownBy, Strength, WhatYouMeant, traces,
};
use crate::domain::evidence::Evidence;
use crate::domain::grant::Grant;
use crate::domain::identity::{
    CommitmentId, ConsultationId, NeedId, PartnerId, PersonId, ReferenceKind, VoiceId,
};
use crate::domain::need::{Need, NeedCommand};
use crate::domain::partner::Partner;
use crate::domain::places::{Area, Community};
use crate::domain::text::Text;
use crate::domain::vocabulary::{Access, Language, NeedCode};
use crate::projections::audit;
use crate::store::vault::Kind;
use std::collections::BTreeSet;

pub use looking::{CommitmentSeen, ConsultationSeen, NeedSeen, YouSaid, sees_voices};

/// What is said of a consultation, before it has a reference.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of consultation.planned")]
pub struct NewConsultation {
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

/// A need as it was heard, before it has a reference.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of consultation.need_heard")]
pub struct NeedHeard {
    /// The id under which programmes and grants named it before it came on the record; none for a new need.
    pub known_as: Option<NeedId>,
    pub theme: Text<100>,
    pub statement: Text<300>,
    pub codes: BTreeSet<NeedCode>,
    pub voices: BTreeSet<VoiceId>,
    pub strength: Strength,
}

/// Something that is to be promised.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of consultation.commitment_made")]
pub struct Promised {
    pub needs: BTreeSet<NeedId>,
    pub kind: CommitmentKind,
    pub statement: Text<500>,
    pub asked: Option<Text<200>>,
    pub owner: Option<PersonId>,
    pub by_when: Date,
}

/// What can be done with a consultation that needs nothing but the consultation.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum Step {
    Hold { on: Date, heads: Vec<GroupHeads>, groups_overlap: bool },
    Cancel,
    CheckVoice { voice: VoiceId, names_nobody: bool },
    OverruleVoiceCheck { voice: VoiceId },
    PublishVoice { voice: VoiceId },
    RewordNeed { need: NeedId, statement: Text<300> },
    WriteUp { report: Evidence },
    AgreeThemes { how_checked: Text<500> },
    SayCannotDo { need: NeedId, public_reason: Text<1000>, decided_by: Text<200> },
    LogAction { commitment: CommitmentId, what: Text<500>, on: Date },
    KeepCommitment { commitment: CommitmentId },
    MissCommitment { commitment: CommitmentId },
    GiveFeedback { groups: BTreeSet<Community>, channel: FeedbackChannel, languages: BTreeSet<Language> },
    HearFeedback { group: Community, meant: WhatYouMeant, taken_from_it: Option<Text<500>> },
    Close { rung_reached: Rung },
}

impl Step {
    /// The field of the API, and the command.
    fn parts(self) -> (&'static str, ConsultationCommand) {
        use ConsultationCommand as Command;
        match self {
            Self::Hold { on, heads, groups_overlap } => {
                ("holdConsultation", Command::Hold { on, heads, groups_overlap })
            }
            Self::Cancel => ("cancelConsultation", Command::Cancel),
            Self::CheckVoice { voice, names_nobody } => {
                ("checkVoice", Command::CheckVoice { voice, names_nobody })
            }
            Self::OverruleVoiceCheck { voice } => {
                ("overruleVoiceCheck", Command::OverruleVoiceCheck { voice })
            }
            Self::PublishVoice { voice } => ("publishVoice", Command::PublishVoice { voice }),
            Self::RewordNeed { need, statement } => ("rewordNeed", Command::RewordNeed { need, statement }),
            Self::WriteUp { report } => ("writeUpConsultation", Command::WriteUp { report }),
            Self::AgreeThemes { how_checked } => ("agreeThemes", Command::AgreeThemes { how_checked }),
            Self::SayCannotDo { need, public_reason, decided_by } => {
                ("sayCannotDo", Command::SayCannotDo { need, public_reason, decided_by })
            }
            Self::LogAction { commitment, what, on } => {
                ("logAction", Command::LogAction { commitment, what, on })
            }
            Self::KeepCommitment { commitment } => ("keepCommitment", Command::KeepCommitment { commitment }),
            Self::MissCommitment { commitment } => ("missCommitment", Command::MissCommitment { commitment }),
            Self::GiveFeedback { groups, channel, languages } => {
                ("giveFeedback", Command::GiveFeedback { groups, channel, languages })
            }
            Self::HearFeedback { group, meant, taken_from_it } => {
                ("hearFeedback", Command::HearFeedback { group, meant, taken_from_it })
            }
            Self::Close { rung_reached } => ("closeConsultation", Command::Close { rung_reached }),
        }
    }
}

impl App {
    /// Plan to listen to people. A partner that hosts it must be on the record and not suspended.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn plan_consultation(
        &self,
        who: &Identity,
        how: &How,
        new: NewConsultation,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "planConsultation", how)?;
        let id = order.envelope.command.makes("consultation");
        let app = self.clone();
        self.carry_out::<Consultation, _>(order, id, move |work| {
            let (app, new) = (app.clone(), new.clone());
            Box::pin(async move {
                if let Some(host) = new.host {
                    work.existing::<Partner>(host).await?.may_deliver()?;
                }
                let plan = Plan {
                    reference: app.reference(ReferenceKind::Consultation, work).await?,
                    title: new.title,
                    purpose: new.purpose,
                    decision: new.decision,
                    rung_intended: new.rung_intended,
                    method: new.method,
                    communities: new.communities,
                    host: new.host,
                    area: new.area,
                    venue: new.venue,
                    on: new.on,
                    access: new.access,
                    languages: new.languages,
                };
                Ok(work.execute::<Consultation>(id, ConsultationCommand::Plan(plan)).await?)
            })
        })
        .await
    }

    /// Take one step with a consultation.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn step_with_consultation(
        &self,
        who: &Identity,
        how: &How,
        consultation: ConsultationId,
        step: Step,
    ) -> Result<Done, Failure> {
        let (deed, command) = step.parts();
        let order = self.order(who, deed, how)?;
        self.ask::<Consultation>(order, consultation, command).await
    }

    /// Keep somebody's own words: in the vault, under a subject of their own, so that they can be forgotten alone.
    ///
    /// # Errors
    /// See [`Failure`]; when the record refuses them, they are taken out of the vault again.
    pub async fn record_voice(
        &self,
        who: &Identity,
        how: &How,
        consultation: ConsultationId,
        (group, may_be_published): (Community, bool),
        words: &Text<4000>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "recordVoice", how)?;
        let voice = VoiceId(order.envelope.command.makes("voice"));
        let text = self.vault.seal(voice.0, Kind::Voice, words.as_str()).await?;
        let item = text.item;
        let traces = traces(words.as_str());
        let new = NewVoice { voice, group, text, traces, may_be_published };
        let done = self.ask::<Consultation>(order, consultation, ConsultationCommand::RecordVoice(new)).await;
        if !matches!(&done, Ok(done) if !done.repeated) {
            self.vault.discard(item).await?;
        }
        done
    }

    /// Take somebody's own words back, because they say so: out of what is published and out of the vault, with their key
    /// and what they left in the files of its tables.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn withdraw_voice(
        &self,
        who: &Identity,
        how: &How,
        consultation: ConsultationId,
        voice: VoiceId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "withdrawVoice", how)?;
        let command = ConsultationCommand::WithdrawVoice { voice };
        let done = self.ask::<Consultation>(order, consultation, command).await?;
        self.vault.hide(voice.0);
        self.follow_the_log().await;
        Ok(done)
    }

    /// Record a need that was heard. It is entered under an id of its own, or under the one by which programmes and
    /// grants named it before the record held needs; no two consultations hold a need under one id.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn hear_need(
        &self,
        who: &Identity,
        how: &How,
        consultation: ConsultationId,
        new: NeedHeard,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "hearNeed", how)?;
        let need = new.known_as.unwrap_or_else(|| NeedId(order.envelope.command.makes("need")));
        let app = self.clone();
        self.carry_out::<Consultation, _>(order, consultation.0, move |work| {
            let (app, new) = (app.clone(), new.clone());
            Box::pin(async move {
                work.existing::<Consultation>(consultation).await?;
                let reference = app.reference(ReferenceKind::Need, work).await?;
                let enter = NeedCommand::Enter { reference: reference.clone(), consultation };
                let NeedHeard { theme, statement, codes, voices, strength, .. } = new;
                let heard = NewNeed { need, reference, theme, statement, codes, voices, strength };
                work.execute::<Consultation>(consultation, ConsultationCommand::HearNeed(heard)).await?;
                Ok(work.execute::<Need>(need, enter).await?)
            })
        })
        .await
    }

    /// Put a need into another, heard here or at another consultation: that one must still stand for itself.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn merge_need(
        &self,
        who: &Identity,
        how: &How,
        consultation: ConsultationId,
        (need, into): (NeedId, NeedId),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "mergeNeed", how)?;
        self.carry_out::<Consultation, _>(order, consultation.0, move |work| {
            Box::pin(async move {
                work.existing::<Consultation>(consultation).await?;
                let into_consultation = work.existing::<Need>(into).await?.consultation()?;
                work.existing::<Consultation>(into_consultation).await?.takes_in(into)?;
                let merge = ConsultationCommand::MergeNeed { need, into, into_consultation };
                Ok(work.execute::<Consultation>(consultation, merge).await?)
            })
        })
        .await
    }

    /// Promise something about needs.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn make_commitment(
        &self,
        who: &Identity,
        how: &How,
        consultation: ConsultationId,
        promised: Promised,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "makeCommitment", how)?;
        self.must_know(promised.owner.as_slice()).await?;
        let Promised { needs, kind, statement, asked, owner, by_when } = promised;
        let commitment = CommitmentId(order.envelope.command.makes("commitment"));
        let new = NewCommitment { commitment, needs, kind, statement, asked, owner, by_when };
        self.ask::<Consultation>(order, consultation, ConsultationCommand::MakeCommitment(new)).await
    }

    /// Change a commitment: its words, who answers for it, or its day.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn change_commitment(
        &self,
        who: &Identity,
        how: &How,
        (consultation, commitment): (ConsultationId, CommitmentId),
        change: Change,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "changeCommitment", how)?;
        self.must_know(change.owner.as_slice()).await?;
        let command = ConsultationCommand::ChangeCommitment { commitment, change };
        self.ask::<Consultation>(order, consultation, command).await
    }

    /// Link what shows that something was done about a commitment: one thing, and on the record.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn link_evidence(
        &self,
        who: &Identity,
        how: &How,
        (consultation, commitment): (ConsultationId, CommitmentId),
        named: &[ShownBy],
    ) -> Result<Done, Failure> {
        let order = self.order(who, "linkEvidence", how)?;
        let [shown_by] = named else {
            return Err(Failure::refused(
                "consultation.one_evidence",
                "Name one thing that shows what was done: a grant, an offer, a session, a figure or a policy.",
            ));
        };
        match shown_by {
            ShownBy::Grant(grant) => drop(self.store.look::<Grant>(*grant).await?),
            ShownBy::Offer(offer) => self.must_exist("offer", *offer).await?,
            ShownBy::Session(session) => self.must_exist("session", *session).await?,
            ShownBy::Figure(figure) => {
                if !audit::figure_is_stated(self.store.pool(), *figure).await? {
                    return Err(Failure::NotFound("figure"));
                }
            }
            ShownBy::Policy(_) => {}
        }
        let command = ConsultationCommand::LinkEvidence { commitment, shown_by: shown_by.clone() };
        self.ask::<Consultation>(order, consultation, command).await
    }

    /// Whether there is a stream of a type: what was recorded once stays, so to have looked is enough.
    async fn must_exist(&self, kind: &'static str, id: Uuid) -> Result<(), Failure> {
        match audit::version(self.store.pool(), kind, id).await? {
            0 => Err(Failure::NotFound(kind)),
            _ => Ok(()),
        }
    }
}
