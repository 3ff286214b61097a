//! Holding checkpoints against the log, and proving to others that an event stands under one.

use sqlx::PgPool;

use super::change::Turns;
use super::note::Checkpoint;
use super::sealer::{Sealed, latest};
use super::tree::{Frontier, Node, Tree};
use crate::store::Trouble;
use crate::store::copy::Rows;

/// What a check of the checkpoints came to.
#[derive(Debug, Clone, Default)]
pub struct SealReport {
    /// How many checkpoints were held against the log.
    pub checkpoints: usize,
    /// How many events the newest covers.
    pub sealed: u64,
    /// What is wrong; empty when nothing is.
    pub findings: Vec<String>,
}

/// Hold every checkpoint in the database, and others that somebody holds, against the leaves of the log. That the
/// leaves fit the events is for [`crate::store::check::check_log`]. Signatures are checked where keys are given: each
/// checkpoint by the key whose turn it was.
///
/// # Errors
/// When the database fails; what is wrong with a checkpoint is a finding, not an error.
pub async fn check_seals(
    pool: &PgPool,
    turns: Option<Turns>,
    held: &[(u64, Node)],
) -> Result<SealReport, Trouble> {
    let mut connection = pool.acquire().await?.detach();
    let kept: Vec<Sealed> =
        sqlx::query_as("SELECT size, root, note, signed_at FROM seal.checkpoint ORDER BY size")
            .fetch_all(&mut connection)
            .await?;
    let mut turns = turns;
    let mut report = SealReport { checkpoints: kept.len(), ..SealReport::default() };
    let mut wanted: Vec<(u64, Vec<u8>, &str)> =
        held.iter().map(|(size, root)| (*size, root.to_vec(), "the checkpoint you hold")).collect();
    for sealed in &kept {
        let size = sealed.size.unsigned_abs();
        report.sealed = size;
        wanted.push((size, sealed.root.clone(), "the checkpoint in the database"));
        let signers = turns.as_mut().map_or_else(Vec::new, |turns| turns.at(sealed.size));
        for key in signers.iter().flatten() {
            match Checkpoint::read(&sealed.note, std::slice::from_ref(key)) {
                Ok(read) if read.size == size && read.root[..] == sealed.root[..] => {}
                Ok(read) => report.findings.push(format!(
                    "the checkpoint of {size} events was signed for {} events and another root",
                    read.size
                )),
                Err(why) => report
                    .findings
                    .push(format!("the checkpoint of {size} events, which the key {key} had to sign: {why}")),
            }
        }
    }
    report.findings.extend(turns.and_then(|turns| turns.other_key_here()));
    wanted.sort();
    let mut wanted = wanted.into_iter().peekable();
    let mut frontier = Frontier::default();
    let mut rows = Rows::of(&mut connection, "SELECT leaf_hash FROM public.events ORDER BY index").await?;
    while let Some(row) = rows.next().await? {
        frontier.push(row.bytes(0).and_then(|leaf| leaf.try_into().ok()).unwrap_or_default());
        while let Some((size, root, whose)) = wanted.next_if(|(size, ..)| *size == frontier.size()) {
            let found = frontier.root();
            if root != found {
                let (root, found) = (hex::encode(root), hex::encode(found));
                report.findings.push(format!(
                    "{whose} says that the root over the first {size} events was {root}; it is {found}"
                ));
            }
        }
    }
    for (size, _, whose) in wanted {
        let there = frontier.size();
        report.findings.push(format!("{whose} covers {size} events; the log has {there}"));
    }
    Ok(report)
}

/// An event shown to stand under a checkpoint.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The smallest checkpoint that covers it.
    pub checkpoint: Sealed,
    /// The event’s leaf.
    pub leaf: Node,
    /// The path from the leaf to the root, as RFC 6962 has it.
    pub path: Vec<Node>,
}

/// Show that the event at `index` stands under a checkpoint; none when it is not sealed yet.
///
/// # Errors
/// When the database fails, or the log does not have what was sealed.
pub async fn shown(pool: &PgPool, index: i64) -> Result<Option<Shown>, Trouble> {
    let Some(checkpoint) = latest(pool, Some(index)).await? else { return Ok(None) };
    let size = checkpoint.size;
    let mut connection = pool.acquire().await?.detach();
    let query = format!("SELECT leaf_hash FROM public.events WHERE index < {size} ORDER BY index");
    let mut rows = Rows::of(&mut connection, &query).await?;
    let broken =
        |why: tlog_tiles::tlog::Error| Trouble::Other(format!("the log is not what was sealed: {why}"));
    let (mut tree, mut leaf) = (Tree::default(), None);
    while let Some(row) = rows.next().await? {
        let next: Node = row.bytes(0).and_then(|leaf| leaf.try_into().ok()).unwrap_or_default();
        if tree.size() == index.unsigned_abs() {
            leaf = Some(next);
        }
        tree.push(next).map_err(broken)?;
    }
    let path = tree.inclusion(index.unsigned_abs(), size.unsigned_abs()).map_err(broken)?;
    Ok(leaf.map(|leaf| Shown { checkpoint, leaf, path }))
}
