//! Prescriptions as they are counted: which offer and grant, when made, started and completed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::contacts::codes;
use crate::domain::prescription::{ClosingReason, PrescriptionEvent};
use crate::domain::record::Fact;
use crate::projections::{Record, Table};
use crate::store::log::Recorded;

/// Something that happened: at which position in the log, and on which day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Point {
    index: i64,
    on: String,
}

/// A prescription as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CountedCase {
    person: Uuid,
    contact: Uuid,
    offer: Uuid,
    partner: Uuid,
    grant: Option<Uuid>,
    needs: Vec<String>,
    made: Option<Point>,
    started: Option<Point>,
    completed: Option<Point>,
    /// Made in error: from then on it counts nowhere.
    void: Option<Point>,
}

impl Record for CountedCase {
    const TABLE: Table = Table {
        name: "inclusion_case",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            person uuid GENERATED ALWAYS AS ((doc ->> 'person')::uuid) STORED, \
            contact uuid GENERATED ALWAYS AS ((doc ->> 'contact')::uuid) STORED, \
            offer uuid GENERATED ALWAYS AS ((doc ->> 'offer')::uuid) STORED, \
            partner uuid GENERATED ALWAYS AS ((doc ->> 'partner')::uuid) STORED, \
            grant_id uuid GENERATED ALWAYS AS ((doc ->> 'grant')::uuid) STORED, \
            needs jsonb GENERATED ALWAYS AS (doc -> 'needs') STORED, \
            made_index bigint GENERATED ALWAYS AS ((doc #>> '{made,index}')::bigint) STORED, \
            made_on text COLLATE \"C\" GENERATED ALWAYS AS (doc #>> '{made,on}') STORED, \
            started_index bigint GENERATED ALWAYS AS ((doc #>> '{started,index}')::bigint) STORED, \
            started_on text COLLATE \"C\" GENERATED ALWAYS AS (doc #>> '{started,on}') STORED, \
            completed_index bigint GENERATED ALWAYS AS ((doc #>> '{completed,index}')::bigint) STORED, \
            completed_on text COLLATE \"C\" GENERATED ALWAYS AS (doc #>> '{completed,on}') STORED, \
            void_index bigint GENERATED ALWAYS AS ((doc #>> '{void,index}')::bigint) STORED, \
            void_on text COLLATE \"C\" GENERATED ALWAYS AS (doc #>> '{void,on}') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE INDEX ON {table} (offer)",
            "CREATE INDEX ON {table} (grant_id)",
        ],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "prescription";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Prescription(fact) = &event.fact else { return false };
        let now = Some(Point { index: event.index, on: event.effective_on.to_string() });
        if let PrescriptionEvent::Made { person, contact, offer, partner, grant, needs, .. } = fact {
            *self = Self {
                person: person.0,
                contact: contact.0,
                offer: offer.0,
                partner: partner.0,
                grant: grant.map(|grant| grant.0),
                needs: codes(needs.iter().map(|need| need.code())),
                made: now,
                ..Self::default()
            };
        } else if let PrescriptionEvent::Started {} = fact {
            self.started = now;
        } else if let PrescriptionEvent::Closed { why: ClosingReason::Completed } = fact {
            self.completed = now;
        } else if let PrescriptionEvent::ClosedInError {} = fact {
            self.void = now;
        } else {
            return false;
        }
        true
    }
}
