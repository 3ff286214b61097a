//! `history`: what happened, a line an event.

use anyhow::bail;
use uuid::Uuid;

use super::place::{Place, Purpose};
use super::say;
use crate::projections::audit;
use crate::store::log::Slice;

/// Print a part of the history.
pub async fn print(place: Place, of: Option<String>, after: Option<i64>, limit: i64) -> anyhow::Result<()> {
    let opened = place.open(Purpose::Command).await?;
    let lines = lines(&opened, of, after, limit).await;
    opened.close().await?;
    for line in lines? {
        say(&line);
    }
    Ok(())
}

async fn lines(
    opened: &super::place::Opened,
    of: Option<String>,
    after: Option<i64>,
    limit: i64,
) -> anyhow::Result<Vec<String>> {
    let pool = opened.store.pool();
    let stream = match of {
        None => None,
        Some(name) => match Uuid::parse_str(&name) {
            Ok(id) => Some(id),
            Err(_) => match audit::by_reference(pool, &name).await? {
                Some(id) => Some(id),
                None => bail!("Nothing on the record has the id or reference {name}."),
            },
        },
    };
    let slice = Slice { stream, after_index: after, limit, ..Slice::default() };
    let events = audit::history(pool, &slice).await?;
    let streams: Vec<Uuid> = events.iter().map(|event| event.stream.id).collect();
    let people: Vec<_> = events.iter().filter_map(|event| event.actor).collect();
    let titles = audit::titles(pool, &streams).await?;
    let names = opened.accounts.names(&people).await?;
    Ok(events
        .into_iter()
        .map(|event| {
            let reference = titles.get(&event.stream.id).map_or("", |(reference, _)| reference);
            let who = event.actor.and_then(|person| names.get(&person)).map_or("somebody", String::as_str);
            let role = event.role.map_or("", |role| role.words());
            let why = event.reason.as_ref().map(|reason| format!(" Why: {reason}")).unwrap_or_default();
            format!(
                "{:>6}  {}  {reference:<12}  {}  [{who}, {role}]{why}",
                event.index,
                event.effective_on,
                event.fact.sentence()
            )
        })
        .collect())
}
