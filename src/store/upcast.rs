//! Old versions of events, brought to the shape of today when they are read. What is stored stays as it was.

use serde::de::Error as _;
use serde_json::{Value, json};

use crate::domain::record::Fact;

/// One step: an event of one version turned into the next. The payload is the event's own object, without its name.
pub struct Upcaster {
    /// The stored name.
    pub event: &'static str,
    /// The version it reads; it writes the one after.
    pub from: u16,
    /// How.
    pub step: fn(Value) -> Value,
}

/// Every step there is. An event that changes shape gets its next version in its `events!` line and a step here;
/// the sample of the old version stays in fixtures/events and must read for ever.
pub const UPCASTERS: &[Upcaster] = &[
    Upcaster {
        event: "grant.application_submitted",
        from: 1,
        // No criteria had ever been amended.
        step: |mut payload| {
            payload["criteria_version"] = 1.into();
            payload
        },
    },
    Upcaster {
        event: "grant.recommended",
        from: 1,
        // No panel was recorded.
        step: |mut payload| {
            payload["panel"] = json!({ "present": [], "stood_aside": [] });
            payload
        },
    },
    Upcaster {
        event: "grant.approved",
        from: 1,
        // One approver, under an authority that was named in words.
        step: |mut payload| {
            let words = payload["authority"]["source"].take();
            payload["authority"]["source"] = json!({ "words": words });
            payload["first"] = Value::Null;
            payload
        },
    },
    Upcaster {
        event: "grant.monitoring_return_accepted",
        from: 1,
        // Who accepted it stood with the event and not in it.
        step: |mut payload| {
            payload["accepted_by"] = Value::Null;
            payload
        },
    },
    Upcaster {
        event: "grant.monitoring_return_waived",
        from: 1,
        // Who waived it stood with the event and not in it.
        step: |mut payload| {
            payload["waived_by"] = Value::Null;
            payload
        },
    },
    Upcaster {
        event: "grant.payment_returned",
        from: 1,
        // Every payment that came back had gone through a run, and still says which.
        step: |payload| payload,
    },
    Upcaster {
        event: "fund.expenditure_posted",
        from: 1,
        // No year had been closed.
        step: |mut payload| {
            payload["corrects"] = Value::Null;
            payload
        },
    },
];

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The name is not in the catalogue.
    #[error("event {0} is not in the catalogue")]
    UnknownEvent(String),
    /// The version is not a whole number, or lies ahead of this program.
    #[error("event {event} has version {version}, which this program does not know")]
    UnknownVersion {
        /// Its stored name.
        event: String,
        /// Its stored version.
        version: String,
    },
    /// There is no step from this version to the next.
    #[error("event {event} version {version} has no upcaster")]
    NoStep {
        /// Its stored name.
        event: String,
        /// The version without a step.
        version: u16,
    },
    /// The payload does not have the shape of its version.
    #[error("event {event}: {source}")]
    Payload {
        /// Its stored name.
        event: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Read a stored event as a fact of today.
///
/// # Errors
/// When the event or its version is unknown, a step is missing, or the payload is not of its shape.
pub fn read(stream_type: &str, event: &str, version: &str, payload: &str) -> Result<Fact, Unreadable> {
    read_with(UPCASTERS, stream_type, event, version, payload)
}

fn read_with(
    upcasters: &[Upcaster],
    stream_type: &str,
    event: &str,
    version: &str,
    payload: &str,
) -> Result<Fact, Unreadable> {
    if let Ok(fact) = Fact::read(stream_type, payload)
        && fact.kind().name == event
        && version.parse() == Ok(fact.kind().version)
    {
        return Ok(fact);
    }
    let unknown = || Unreadable::UnknownVersion { event: event.into(), version: version.into() };
    let bad = |source| Unreadable::Payload { event: event.into(), source };
    // The name stands in the header, which is read where bodies are withheld: the two must say the same.
    let named = |payload: &str| match Fact::read(stream_type, payload) {
        Ok(fact) if fact.kind().name == event => Ok(fact),
        Ok(fact) => Err(serde_json::Error::custom(format!("its payload is of {}", fact.kind().name))),
        Err(error) => Err(error),
    };
    let kind = Fact::kinds()
        .find(|kind| kind.name == event && kind.stream == stream_type)
        .ok_or_else(|| Unreadable::UnknownEvent(event.into()))?;
    let stored: u16 = version.parse().map_err(|_| unknown())?;
    if stored == kind.version {
        return named(payload).map_err(bad);
    }
    if stored > kind.version || stored == 0 {
        return Err(unknown());
    }
    let whole = raised(upcasters, event, stored..kind.version, payload)?;
    named(&whole.to_string()).map_err(bad)
}

/// A payload as it is after the steps from one version up to another.
fn raised(
    upcasters: &[Upcaster],
    event: &str,
    versions: std::ops::Range<u16>,
    payload: &str,
) -> Result<Value, Unreadable> {
    let mut whole: Value = serde_json::from_str(payload)
        .map_err(|source| Unreadable::Payload { event: event.into(), source })?;
    for at in versions {
        let step = upcasters
            .iter()
            .find(|one| one.event == event && one.from == at)
            .ok_or(Unreadable::NoStep { event: event.into(), version: at })?;
        if let Some(inner) = whole.get_mut(event) {
            *inner = (step.step)(inner.take());
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_old_version_has_its_steps() {
        for kind in Fact::kinds() {
            for at in 1..kind.version {
                assert!(
                    UPCASTERS.iter().any(|one| one.event == kind.name && one.from == at),
                    "{} version {at} has no upcaster",
                    kind.name
                );
            }
        }
    }

    #[test]
    fn what_lies_ahead_or_is_unknown_is_refused_loudly() {
        assert!(matches!(read("fund", "fund.vanished", "1", "{}"), Err(Unreadable::UnknownEvent(_))));
        assert!(matches!(read("grant", "fund.opened", "1", "{}"), Err(Unreadable::UnknownEvent(_))));
        assert!(matches!(read("fund", "fund.opened", "99", "{}"), Err(Unreadable::UnknownVersion { .. })));
        assert!(matches!(read("fund", "fund.opened", "0", "{}"), Err(Unreadable::UnknownVersion { .. })));
        assert!(matches!(read("fund", "fund.opened", "one", "{}"), Err(Unreadable::UnknownVersion { .. })));
        assert!(matches!(read("fund", "fund.opened", "1", "{}"), Err(Unreadable::Payload { .. })));
    }

    /// As if an allocation had once been `{pounds, year}`, then `{amount, year}`, and has a source only since.
    const ALLOCATION: &[Upcaster] = &[
        Upcaster {
            event: "fund.budget_allocated",
            from: 2,
            step: |mut payload| {
                payload["source"] = "not recorded".into();
                payload
            },
        },
        Upcaster { event: "fund.opened", from: 1, step: |_| Value::Null },
        Upcaster {
            event: "fund.budget_allocated",
            from: 1,
            step: |mut payload| {
                payload["amount"] = format!("{}.00", payload["pounds"]).into();
                payload
            },
        },
    ];

    #[test]
    fn an_old_version_is_brought_up_step_by_step() {
        let event = "fund.budget_allocated";
        let first = r#"{"fund.budget_allocated":{"pounds":250,"year":"2026/27"}}"#;
        let today = raised(ALLOCATION, event, 1..3, first).unwrap().to_string();
        let fact = read("fund", event, "1", &today).unwrap();
        assert!(fact.sentence().contains("£250.00"), "{}", fact.sentence());
        assert!(fact.sentence().contains("not recorded"));
        let second = r#"{"fund.budget_allocated":{"amount":"7.00","year":"2026/27"}}"#;
        let today = raised(ALLOCATION, event, 2..3, second).unwrap();
        assert_eq!(today[event]["source"], "not recorded");
        assert_eq!(raised(ALLOCATION, event, 3..3, second).unwrap().to_string(), second);
    }

    #[test]
    fn a_step_that_is_missing_is_named() {
        let payload = r#"{"fund.budget_allocated":{}}"#;
        let missing = raised(ALLOCATION, "fund.budget_allocated", 1..4, payload);
        assert!(matches!(missing, Err(Unreadable::NoStep { version: 3, .. })));
        let missing = raised(&[], "fund.budget_allocated", 1..2, payload);
        assert!(matches!(missing, Err(Unreadable::NoStep { version: 1, .. })));
        assert!(matches!(raised(ALLOCATION, "a", 1..2, "{"), Err(Unreadable::Payload { .. })));
    }

    #[test]
    fn the_name_of_an_event_and_its_payload_say_the_same() {
        let payload = r#"{"fund.budget_allocated":{"amount":"7.00","year":"2026/27","source":"Minute 1"}}"#;
        assert!(read("fund", "fund.budget_allocated", "1", payload).is_ok());
        let other = read("fund", "fund.budget_reduced", "1", payload);
        assert!(matches!(other, Err(Unreadable::Payload { .. })), "{other:?}");
    }
}
