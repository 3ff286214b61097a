//! Talks as they are counted: with whom, of which bands and about which needs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::NOT_SAID;
use crate::domain::contact::ContactEvent;
use crate::domain::record::Fact;
use crate::projections::{Record, Table};
use crate::store::log::Recorded;

/// A talk as it is counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CountedContact {
    person: Uuid,
    area: String,
    communities: Vec<String>,
    needs: Vec<String>,
    index: i64,
    on: String,
}

/// The codes of a list, or that nothing was said.
pub(super) fn codes(codes: impl Iterator<Item = &'static str>) -> Vec<String> {
    let mut found: Vec<String> = codes.map(str::to_owned).collect();
    if found.is_empty() {
        found.push(NOT_SAID.to_owned());
    }
    found
}

impl Record for CountedContact {
    const TABLE: Table = Table {
        name: "inclusion_contact",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            person uuid GENERATED ALWAYS AS ((doc ->> 'person')::uuid) STORED, \
            area text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'area') STORED, \
            communities jsonb GENERATED ALWAYS AS (doc -> 'communities') STORED, \
            needs jsonb GENERATED ALWAYS AS (doc -> 'needs') STORED, \
            index bigint GENERATED ALWAYS AS ((doc ->> 'index')::bigint) STORED, \
            made_on text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'on') STORED",
        copied: "id, doc",
        indexes: &["ALTER TABLE {table} ADD PRIMARY KEY (id)", "CREATE INDEX ON {table} (made_on)"],
    };
    const VERSION: i32 = 1;
    const STREAM: &'static str = "contact";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Contact(ContactEvent::Made { person, needs, profile, .. }) = &event.fact else {
            return false;
        };
        *self = Self {
            person: person.0,
            area: profile.area.map_or(NOT_SAID, |area| area.code()).to_owned(),
            communities: codes(profile.communities.iter().map(|community| community.code())),
            needs: codes(needs.iter().map(|need| need.code())),
            index: event.index,
            on: event.effective_on.to_string(),
        };
        true
    }
}
