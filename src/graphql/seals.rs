//! Seals on the wire: signed checkpoints, and proofs that an event stands under one.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::{asked, told};
use crate::app::seals::{Sealed, Shown};

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
