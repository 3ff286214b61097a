//! The audit history on the wire: every event as a sentence, with who, when, why and the values.

use std::collections::HashMap;

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Code, Date, Page, Person, Role, asked, cursor, parts, size, told, uncounted};
use crate::app::history::{Recorded, Slice, shown};
use crate::app::{App, Failure};
use crate::domain::calendar::end_of_day_in_london;
use crate::domain::identity::PersonId;
use crate::domain::receipt::kind_of;

/// An event of the record, as a person understands it.
#[derive(Debug, Clone, SimpleObject)]
pub struct HistoryEntry {
    /// Position in the log, from 0, in commit order.
    pub index: i64,
    /// The event’s own id.
    pub event_id: Uuid,
    /// What it happened to: partner, fund, programme, authority or grant.
    pub stream_type: &'static str,
    /// The id of what it happened to.
    pub stream_id: Uuid,
    /// What people call that: its human reference.
    pub reference: Option<String>,
    /// Its name or title.
    pub name: Option<String>,
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// The stored name of the event, such as `grant.approved`.
    pub event_type: &'static str,
    /// What happened, in one sentence.
    pub sentence: String,
    /// Who did it; nothing where a foreign writer did not say, and for people of a partner where staff did.
    pub actor: Option<Person>,
    /// In what capacity.
    pub role: Option<Code<Role>>,
    /// Why, where it was said.
    pub reason: Option<String>,
    /// The business date on which it took effect.
    pub effective_on: Date,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The command it came from; events of one command stand together.
    pub command_id: Option<Uuid>,
    /// What it belongs to, where that was said.
    pub correlation_id: Option<Uuid>,
    /// What caused it, where that was said.
    pub causation_id: Option<Uuid>,
    /// The values it carries; none for people of a partner where staff acted.
    pub values: Vec<HistoryValue>,
    /// Its leaf in the log’s tree: SHA-256, 64 hexadecimal digits.
    pub leaf_hash: String,
    /// Whether it is a decision that has a receipt: `decisionReceipt` with this index.
    pub has_receipt: bool,
}

/// A value of an event.
#[derive(Debug, Clone, SimpleObject)]
pub struct HistoryValue {
    /// Its name in the stored event.
    pub name: String,
    /// The value: text as it is, anything else as JSON.
    pub value: String,
}

/// Which part of the history.
#[derive(Debug, Clone, Default, InputObject)]
pub struct HistoryFilter {
    /// What happened to this partner, fund, programme or grant.
    pub stream_id: Option<Uuid>,
    /// What this person did.
    pub actor_id: Option<Uuid>,
    /// Recorded on this day or later, in London.
    pub from: Option<Date>,
    /// Recorded on this day or earlier, in London.
    pub to: Option<Date>,
    /// The latest first.
    pub latest_first: Option<bool>,
}

fn entry(
    event: Recorded,
    titles: &HashMap<Uuid, (String, String)>,
    names: &HashMap<PersonId, String>,
) -> HistoryEntry {
    let kind = event.fact.kind();
    let has_receipt = kind_of(&event.fact).is_some();
    let (reference, name) = titles.get(&event.stream.id).cloned().unzip();
    let all = shown(&event).into_iter().map(|(name, value)| HistoryValue {
        name,
        value: value.as_str().map_or_else(|| value.to_string(), String::from),
    });
    HistoryEntry {
        index: event.index,
        event_id: event.event_id,
        stream_type: event.stream.kind,
        stream_id: event.stream.id,
        reference,
        name,
        sequence: event.sequence,
        event_type: kind.name,
        sentence: event.fact.sentence(),
        actor: event.actor.map(|person| Person::new(person, names.get(&person).cloned())),
        role: event.role.map(Code),
        reason: event.reason.map(|reason| reason.to_string()),
        effective_on: Date(event.effective_on),
        recorded_at: event.recorded_at,
        command_id: event.command.map(|command| command.0),
        correlation_id: event.correlation,
        causation_id: event.causation,
        values: all.collect(),
        leaf_hash: hex::encode(event.leaf_hash),
        has_receipt,
    }
}

/// Events as people understand them, with what their streams are called and who acted.
pub(super) async fn entries_of(app: &App, events: Vec<Recorded>) -> Result<Vec<HistoryEntry>> {
    let streams: Vec<Uuid> = events.iter().map(|event| event.stream.id).collect();
    let people: Vec<PersonId> = events.iter().filter_map(|event| event.actor).collect();
    let titles = app.titles(&streams).await.map_err(told)?;
    let names = app.names(&people).await.map_err(told)?;
    Ok(events.into_iter().map(|event| entry(event, &titles, &names)).collect())
}

/// Queries about what happened.
#[derive(Default)]
pub struct HistoryQueries;

#[Object]
impl HistoryQueries {
    /// The history: the whole log, or a part of it. People of a partner ask for their own record or a grant of
    /// theirs by `streamId`.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which part; the whole log if left out.")] filter: Option<HistoryFilter>,
        #[graphql(desc = "How many: 1 to 500; 50 if left out.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
    ) -> Result<Page<HistoryEntry>> {
        let (app, who) = asked(ctx)?;
        let HistoryFilter { stream_id, actor_id, from, to, latest_first } = filter.unwrap_or_default();
        let size = size(first)?;
        let has_previous = after.is_some();
        let latest_first = latest_first.unwrap_or(false);
        let after: Option<i64> = match parts(after)?.as_deref() {
            None => None,
            Some([index]) => Some(index.parse().map_err(|_| told(Failure::refused_cursor()))?),
            Some(_) => return Err(told(Failure::refused_cursor())),
        };
        let slice = Slice {
            stream: stream_id,
            without: &[],
            actor: actor_id.map(PersonId),
            from: from.and_then(|date| date.0.pred_opt()).map(end_of_day_in_london),
            before: to.map(|date| end_of_day_in_london(date.0)),
            after_index: after.filter(|_| !latest_first),
            before_index: after.filter(|_| latest_first),
            latest_first,
            limit: size + 1,
        };
        let events = app.history(who, &slice).await.map_err(told)?;
        let entries = entries_of(app, events).await?;
        let entries = entries.into_iter().map(|entry| (cursor(&[&entry.index.to_string()]), entry));
        Ok(uncounted(entries, size, has_previous))
    }

    /// One event by its position in the log; people of a partner, one of their own record, offers or grants.
    async fn history_entry(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its position, from 0.")] index: i64,
    ) -> Result<HistoryEntry> {
        let (app, who) = asked(ctx)?;
        let event = app.history_entry(who, index).await.map_err(told)?;
        let mut entries = entries_of(app, vec![event]).await?;
        entries.pop().ok_or_else(|| told(Failure::NotFound("event")))
    }
}
