//! `verify`: the log, its leaves, the laws, and what stands against what the log makes.

use std::process::ExitCode;

use super::place::{Place, Purpose};
use super::rebuild::bar;
use super::{say, words};
use crate::app::laws::check;
use crate::domain::laws::LAWS;
use crate::projections::build;
use crate::store::check::check_log;
use crate::store::seal::{SealKey, Turns, check_seals};
use crate::store::witness::{Standing, ToAsk, check_cosignatures, standing};

/// The exit code when something is wrong with the record.
const WRONG: u8 = 3;

/// Check everything and say what was found.
pub async fn verify(place: Place) -> anyhow::Result<ExitCode> {
    let opened = place.open(Purpose::Command).await?;
    let owner = opened.database.owner_pool().await?;
    let findings = match (place.seal_key(&opened).await, place.witnesses()) {
        (Ok(key), Ok(asked)) => look(&opened, &owner, key, &asked).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    owner.close().await;
    opened.close().await?;
    let findings = findings?;
    for finding in &findings {
        say(&format!("WRONG  {finding}"));
    }
    if findings.is_empty() {
        say("Everything holds.");
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!("{} thing(s) are wrong.", findings.len()));
    Ok(ExitCode::from(WRONG))
}

async fn look(
    opened: &super::place::Opened,
    owner: &super::place::Pool,
    key: Option<SealKey>,
    asked: &[ToAsk],
) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();

    let reading = bar("Checking the log");
    reading.set_length(opened.store.size().await?.unsigned_abs());
    let report = check_log(opened.store.pool(), &|done| reading.set_position(done.unsigned_abs())).await?;
    reading.finish_and_clear();
    say(&format!("log          {} events: positions, times, streams, columns, leaf hashes", report.events));
    findings.extend(report.findings.iter().map(|one| format!("event {}: {}", one.index, one.what)));

    let turns = match &key {
        Some(key) => Some(Turns::of(opened.store.pool(), key.public()).await?),
        None => None,
    };
    let remembered: Vec<_> = key.map_or(Ok(None), |key| key.last())?.into_iter().collect();
    let seals = check_seals(opened.store.pool(), turns, &remembered).await?;
    say(&format!("seals        {} checkpoints over the first {} events", seals.checkpoints, seals.sealed));
    findings.extend(seals.findings);
    findings.extend(witnesses(opened, asked).await?);

    // Where the log itself is damaged, the rest may not even be readable: that is then one more finding.
    let damaged = !findings.is_empty();
    // The rest is held against the log as far as it was checked, whatever others append meanwhile.
    match laws(opened, report.size).await {
        Ok(more) => findings.extend(more),
        Err(error) if damaged => findings.push(format!("the laws cannot be checked: {}", words(&error))),
        Err(error) => return Err(error),
    }
    match projections(owner, damaged).await {
        Ok(more) => findings.extend(more),
        Err(error) if damaged => {
            findings.push(format!("the projections cannot be compared: {}", words(&error)));
        }
        Err(error) => return Err(error),
    }
    Ok(findings)
}

/// What witnesses signed, and whether those that are named still do.
async fn witnesses(opened: &super::place::Opened, asked: &[ToAsk]) -> anyhow::Result<Vec<String>> {
    let pool = opened.store.pool();
    let (signed, mut findings) = check_cosignatures(pool).await?;
    say(&format!("witnesses    {signed} cosignatures"));
    for ToAsk { key, .. } in asked {
        let name = key.name();
        match standing(pool, key).await? {
            Some(Standing { size, cosigned_at, is_old }) => {
                say(&format!(
                    "witness      {name} has seen the first {size} events, and signed that at {cosigned_at}"
                ));
                if is_old {
                    findings.push(format!(
                        "the witness {name} has signed nothing for a day: the newest is of {cosigned_at}"
                    ));
                }
            }
            None => findings.push(format!("the witness {name} has signed no checkpoint of this log")),
        }
    }
    Ok(findings)
}

async fn laws(opened: &super::place::Opened, size: i64) -> anyhow::Result<Vec<String>> {
    let (events, breaches) = check(&opened.store, size).await?;
    say(&format!("laws         {}", LAWS.map(|law| law.code).join(" ")));
    say(&format!("ledger       its cuts, breakdowns and closed years against {events} events"));
    Ok(breaches.iter().map(|one| format!("{} of {}: {}", one.law, one.of, one.sentence)).collect())
}

async fn projections(owner: &super::place::Pool, damaged: bool) -> anyhow::Result<Vec<String>> {
    let rebuilding = bar("Rebuilding to compare");
    let progress = |done: i64, of: i64| {
        rebuilding.set_length(of.unsigned_abs());
        rebuilding.set_position(done.unsigned_abs());
    };
    let differences = build::compare(owner, &progress).await?;
    rebuilding.finish_and_clear();
    say(&format!("projections  {} tables against a rebuild", crate::projections::all().len()));
    // What stands may be the only trace of what the log said: nobody should rebuild over it.
    let remedy = if damaged { "do not rebuild: put the log right first" } else { "rebuild puts it right" };
    let told = |one: &build::Difference| {
        let build::Difference { table, standing_only, log_only, .. } = one;
        format!(
            "table {table}: {standing_only} row(s) stand that should not, {log_only} are missing; {remedy}"
        )
    };
    Ok(differences.iter().map(told).collect())
}
