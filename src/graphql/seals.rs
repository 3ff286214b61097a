//! Seals on the wire: signed checkpoints, and proofs that an event stands under one.

use async_graphql::{Context, Object, Result, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};

use super::{asked, told};
use crate::app::Failure;
use crate::app::seals::{Sealed, Shown};
use crate::exports::evidence::{Archive, Archives};

/// How many bytes of a bundle come at once.
const PART: usize = 768 * 1024;

/// A signed head of the log: how many events there were, and the root of the tree over their leaves. Keep one, and you
/// can tell for ever whether the log you are shown later is the one it was.
#[derive(Debug, Clone, SimpleObject)]
pub struct Checkpoint {
    /// How many events it covers: those at the positions 0 to size - 1.
    pub size: i64,
    /// The root over their leaves by RFC 6962: SHA-256, 64 hexadecimal digits.
    pub root: String,
    /// The signed note, a C2SP tlog-checkpoint: origin, size, root and the signature.
    pub note: String,
    /// When it was signed, by the clock of the database.
    pub signed_at: DateTime<Utc>,
}

impl From<Sealed> for Checkpoint {
    fn from(sealed: Sealed) -> Self {
        let Sealed { size, root, note, signed_at } = sealed;
        Self { size, root: hex::encode(root), note, signed_at }
    }
}

/// The proof that an event stands in the log under a checkpoint.
#[derive(Debug, Clone, SimpleObject)]
pub struct InclusionProof {
    /// The event’s position in the log.
    pub index: i64,
    /// Its leaf: SHA-256, 64 hexadecimal digits.
    pub leaf_hash: String,
    /// The hashes beside the way from the leaf to the root, from the leaf on, by RFC 6962.
    pub path: Vec<String>,
    /// The smallest checkpoint that covers it. Take size and root from its note only.
    pub checkpoint: Checkpoint,
}

/// The record as an auditor takes it away: an evidence bundle in one file, to be unpacked into a folder and checked
/// elsewhere, as docs/evidence.md describes. The same checkpoint, seen by the same witnesses, gives the same file.
#[derive(Debug, Clone, SimpleObject)]
pub struct EvidenceBundle {
    /// The checkpoint it rests on.
    pub checkpoint: Checkpoint,
    /// How long the file is, in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file, 64 hexadecimal digits: what to ask its parts by.
    pub sha256: String,
    /// What to call the file.
    pub file_name: String,
}

/// A part of the file of a bundle.
#[derive(Debug, Clone, SimpleObject)]
pub struct EvidenceBundlePart {
    /// Its bytes, in base64.
    pub base64: String,
    /// From where to ask for the next; none at the end.
    pub next: Option<u64>,
}

/// A key that checks the checkpoints of a log: C2SP signed-note.
#[derive(Debug, Clone, SimpleObject)]
pub struct VerifierKey {
    /// As it is written: `NAME+ID+KEY`.
    pub text: String,
}

impl From<&Archive> for EvidenceBundle {
    fn from(archive: &Archive) -> Self {
        let (checkpoint, sha256) = (archive.checkpoint.clone(), archive.sha256.clone());
        let file_name = format!("evidence-of-{}-events.zip", checkpoint.size);
        Self { checkpoint: checkpoint.into(), bytes: archive.bytes, sha256, file_name }
    }
}

/// Queries about seals.
#[derive(Default)]
pub struct SealQueries;

#[Object]
impl SealQueries {
    /// The newest checkpoint; none when nothing was sealed yet. For everybody: it tells how many events there are, and
    /// nothing of what they say.
    async fn checkpoint(&self, ctx: &Context<'_>) -> Result<Option<Checkpoint>> {
        let (app, who) = asked(ctx)?;
        Ok(app.checkpoint(who).await.map_err(told)?.map(Into::into))
    }

    /// What checks the checkpoints, as this server knows it. Take it down once, and not from here alone. For everybody;
    /// none where this server does not seal.
    async fn verifier_key(&self, ctx: &Context<'_>) -> Result<Option<VerifierKey>> {
        asked(ctx)?;
        Ok(ctx.data::<Archives>()?.key().map(|key| VerifierKey { text: key.to_string() }))
    }

    /// The evidence bundle under the newest checkpoint, made and checked now if it is not there yet; none while nothing
    /// is sealed. Over HTTP: `/evidence/bundle.zip`.
    async fn evidence_bundle(&self, ctx: &Context<'_>) -> Result<Option<EvidenceBundle>> {
        let (app, who) = asked(ctx)?;
        let newest = ctx.data::<Archives>()?.newest(app, who).await.map_err(told)?;
        Ok(newest.as_deref().map(Into::into))
    }

    /// A part of a bundle's file, at most 768 KiB of it.
    async fn evidence_bundle_part(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SHA-256 of the file, as `evidenceBundle` gives it.")] sha256: String,
        #[graphql(desc = "How many bytes of it you have.")] from: u64,
    ) -> Result<EvidenceBundlePart> {
        let (app, who) = asked(ctx)?;
        let archive = ctx.data::<Archives>()?.kept(app, who, &sha256).map_err(told)?;
        let part = archive.part(from, PART).map_err(|cause| told(Failure::Broken(cause.into())))?;
        let upto = from.saturating_add(part.len() as u64);
        Ok(EvidenceBundlePart { base64: BASE64.encode(part), next: (upto < archive.bytes).then_some(upto) })
    }

    /// The proof that an event stands under a checkpoint; none while it is not sealed, which takes ten seconds at
    /// most. For whoever may read the history.
    async fn inclusion_proof(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The event’s position in the log, as a receipt or the history has it.")] index: i64,
    ) -> Result<Option<InclusionProof>> {
        let (app, who) = asked(ctx)?;
        Ok(app.inclusion(who, index).await.map_err(told)?.map(|Shown { checkpoint, leaf, path }| {
            InclusionProof {
                index,
                leaf_hash: hex::encode(leaf),
                path: path.iter().map(hex::encode).collect(),
                checkpoint: checkpoint.into(),
            }
        }))
    }
}
