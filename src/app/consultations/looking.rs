//! Looking up what was heard and what came of it: for those who listen, for the partner that hosted, for everybody.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::authority::may;
use super::super::{App, Failure};
use crate::auth::Identity;
use crate::domain::consultation::{Consultation, ConsultationStatus};
use crate::domain::identity::{ConsultationId, NeedId, Role, VoiceId};
use crate::projections::consultations::{
    CommitmentRecord, ConsultationRecord, Filter, NeedRecord, Part, commitments, heard_at, list, merged_into,
    needs,
};
use crate::projections::{one, several};
use crate::store::vault::{Shown, VaultTrouble};

/// A consultation as it stands.
#[derive(Debug, Clone)]
pub struct ConsultationSeen {
    /// Its id.
    pub id: Uuid,
    /// The consultation.
    pub record: Arc<ConsultationRecord>,
}

/// A need, where it was heard, and where else.
#[derive(Debug, Clone)]
pub struct NeedSeen {
    /// Where it was heard.
    pub heard_at: ConsultationSeen,
    /// The need.
    pub need: NeedRecord,
    /// The needs that went into it, each with where it was heard.
    pub again: Vec<(ConsultationSeen, NeedRecord)>,
}

/// A commitment, and where it was made.
#[derive(Debug, Clone)]
pub struct CommitmentSeen {
    /// Where it was made.
    pub made_at: ConsultationSeen,
    /// The commitment.
    pub commitment: CommitmentRecord,
}

/// What was said at a consultation and what came of it, for everybody.
#[derive(Debug, Clone)]
pub struct YouSaid {
    /// The consultation.
    pub consultation: ConsultationSeen,
    /// The words that were published, for which community each.
    pub voices: Vec<(VoiceId, crate::domain::places::Community, String)>,
}

/// Whether somebody sees that there are voices, and may read them: the community inclusion team alone.
#[must_use]
pub fn sees_voices(who: &Identity) -> bool {
    who.role == Role::Inclusion
}

/// Why published words are read from the vault.
const PUBLISHED: &str = "To be shown to everybody: published with the consent of whoever said it.";

impl App {
    /// Consultations by reference. People of a partner see those that it hosts.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn consultations(
        &self,
        who: &Identity,
        filter: Filter,
    ) -> Result<Vec<ConsultationSeen>, Failure> {
        may(who, "consultations")?;
        let Some(filter) = own(who, filter) else { return Ok(Vec::new()) };
        let found = list(self.store.pool(), &filter).await?;
        Ok(found.into_iter().map(|(id, record)| ConsultationSeen { id, record: Arc::new(record) }).collect())
    }

    /// One consultation.
    ///
    /// # Errors
    /// See [`Failure`]; one that whoever asks may not see is answered as if it did not exist.
    pub async fn consultation(&self, who: &Identity, id: Uuid) -> Result<ConsultationSeen, Failure> {
        may(who, "consultation")?;
        let seen = self.consultation_named(id).await?;
        if sees(who, &seen.record) { Ok(seen) } else { Err(Failure::NotFound("consultation")) }
    }

    /// One consultation, for what names it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn consultation_named(&self, id: Uuid) -> Result<ConsultationSeen, Failure> {
        let record = one(self.store.pool(), id).await?.ok_or(Failure::NotFound("consultation"))?;
        Ok(ConsultationSeen { id, record: Arc::new(record) })
    }

    /// Needs by reference, each with where else it was heard. People of a partner see those of consultations it hosts.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn needs(&self, who: &Identity, filter: Filter) -> Result<Vec<NeedSeen>, Failure> {
        may(who, "needs")?;
        let Some(filter) = own(who, filter) else { return Ok(Vec::new()) };
        let found = needs(self.store.pool(), &filter).await?;
        self.needs_seen(&found).await
    }

    /// One need.
    ///
    /// # Errors
    /// See [`Failure`]; one that whoever asks may not see is answered as if it did not exist.
    pub async fn need(&self, who: &Identity, id: NeedId) -> Result<NeedSeen, Failure> {
        may(who, "need")?;
        let found = self.needs_named(&[id]).await?.pop();
        found.filter(|seen| sees(who, &seen.heard_at.record)).ok_or(Failure::NotFound("need"))
    }

    /// Needs by their ids, for what names them. Ids under which there is no need are passed over.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn needs_named(&self, ids: &[NeedId]) -> Result<Vec<NeedSeen>, Failure> {
        let found = heard_at(self.store.pool(), ids).await?;
        self.needs_seen(&found).await
    }

    /// Commitments by the day on which they are due. People of a partner see those of consultations it hosts.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn commitments(&self, who: &Identity, filter: Filter) -> Result<Vec<CommitmentSeen>, Failure> {
        may(who, "commitments")?;
        let Some(filter) = own(who, filter) else { return Ok(Vec::new()) };
        let found = commitments(self.store.pool(), &filter).await?;
        let known = self.consultations_of(&found).await?;
        let seen = found.iter().filter_map(|(consultation, id)| {
            let made_at = known.get(consultation)?;
            let commitment = made_at.record.commitments.iter().find(|one| one.id.0 == *id)?;
            Some(CommitmentSeen { made_at: made_at.clone(), commitment: commitment.clone() })
        });
        Ok(seen.collect())
    }

    /// What people said and what came of it, for everybody: consultations whose participants have been told.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn you_said_we_did(&self, who: &Identity, filter: Filter) -> Result<Vec<YouSaid>, Failure> {
        may(who, "youSaidWeDid")?;
        let found = list(self.store.pool(), &Filter { told_only: true, ..filter }).await?;
        let mut all = Vec::new();
        for (id, record) in found {
            let mut voices = Vec::new();
            for voice in &record.voices {
                if voice.withdrawn_on.is_some() {
                    self.vault.hide(voice.id.0);
                } else if voice.published_on.is_some()
                    && let Some(words) = self.published_words(who, (ConsultationId(id), voice.id)).await?
                {
                    voices.push((voice.id, voice.group, words.to_string()));
                }
            }
            all.push(YouSaid { consultation: ConsultationSeen { id, record: Arc::new(record) }, voices });
        }
        Ok(all)
    }

    /// Published words: read from the vault for the first who asks since the start, from memory for all others. None
    /// where they were taken back or the vault is closed: the page then goes without.
    async fn published_words(
        &self,
        who: &Identity,
        (consultation, voice): (ConsultationId, VoiceId),
    ) -> Result<Option<Shown>, Failure> {
        if let Some(words) = self.vault.shown(voice.0) {
            return Ok(Some(words));
        }
        let consultation = self.store.look::<Consultation>(consultation).await?;
        let Ok(kept) = consultation.words_of(voice) else { return Ok(None) };
        match self.vault.show(voice.0, kept, who.actor(), PUBLISHED).await {
            Ok(words) => Ok(Some(words)),
            Err(VaultTrouble::Closed | VaultTrouble::Absent) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Somebody's own words. That they were read, by whom and why, is on the record before they are out.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn voice_words(
        &self,
        who: &Identity,
        (consultation, voice): (ConsultationId, VoiceId),
        why: &str,
    ) -> Result<Zeroizing<String>, Failure> {
        may(who, "voiceWords")?;
        let consultation = self.store.look::<Consultation>(consultation).await?;
        let kept = consultation.words_of(voice)?;
        Ok(self.vault.open_committed(kept, who.actor(), why).await?)
    }

    async fn needs_seen(&self, found: &[Part]) -> Result<Vec<NeedSeen>, Failure> {
        let again = self.heard_again(found).await?;
        let parts: Vec<Part> = found.iter().chain(again.iter().map(|(_, part)| part)).copied().collect();
        let known = self.consultations_of(&parts).await?;
        let need_of = |(consultation, need): &Part| {
            let heard_at = known.get(consultation)?;
            Some((heard_at.clone(), heard_at.record.need(NeedId(*need))?.clone()))
        };
        let seen = found.iter().filter_map(|part| {
            let (heard_at, need) = need_of(part)?;
            let again =
                again.iter().filter(|(into, _)| *into == part.1).filter_map(|(_, part)| need_of(part));
            Some(NeedSeen { heard_at, need, again: again.collect() })
        });
        Ok(seen.collect())
    }

    /// Every need that went into one of these, straight or by way of another, each after the one it went into.
    async fn heard_again(&self, found: &[Part]) -> Result<BTreeSet<(Uuid, Part)>, Failure> {
        let mut stands_for: HashMap<Uuid, BTreeSet<Uuid>> =
            found.iter().map(|(_, need)| (*need, BTreeSet::from([*need]))).collect();
        let mut again = BTreeSet::new();
        let mut last: Vec<NeedId> = found.iter().map(|(_, need)| NeedId(*need)).collect();
        while !last.is_empty() {
            let step = merged_into(self.store.pool(), &last).await?;
            let known = self.consultations_of(&step).await?;
            last.clear();
            for part in step {
                let need = known.get(&part.0).and_then(|at| at.record.need(NeedId(part.1)));
                let into = need.and_then(|need| need.merged_into);
                let ends = into.and_then(|into| stands_for.get(&into.0)).cloned().unwrap_or_default();
                let before = again.len();
                again.extend(ends.iter().map(|end| (*end, part)));
                if again.len() > before {
                    last.push(NeedId(part.1));
                }
                stands_for.entry(part.1).or_default().extend(ends);
            }
        }
        Ok(again)
    }

    async fn consultations_of(&self, parts: &[Part]) -> Result<HashMap<Uuid, ConsultationSeen>, Failure> {
        let ids: BTreeSet<Uuid> = parts.iter().map(|(consultation, _)| *consultation).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let known = several::<ConsultationRecord>(self.store.pool(), &ids).await?;
        let seen = known.into_iter().map(|(id, record)| (id, ConsultationSeen { id, record: record.into() }));
        Ok(seen.collect())
    }
}

/// A filter for what somebody may see: people of a partner look at what it hosts, and at nothing of another's.
fn own(who: &Identity, filter: Filter) -> Option<Filter> {
    if !who.role.is_of_a_partner() {
        return Some(filter);
    }
    let host = who.partner.filter(|partner| filter.host.is_none_or(|asked| asked == *partner))?;
    Some(Filter { host: Some(host), ..filter })
}

fn sees(who: &Identity, record: &ConsultationRecord) -> bool {
    let on_record = record.status != ConsultationStatus::None;
    on_record && (!who.role.is_of_a_partner() || (who.partner.is_some() && record.host == who.partner))
}
