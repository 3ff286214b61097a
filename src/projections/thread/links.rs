//! One row for every link of the thread, with both dates: those that other events imply, marked as from the record, and
//! those that somebody stated. A link that no longer holds keeps its row, with when it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use async_trait::async_trait;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{Held, RECORDED};
use crate::domain::calendar::Date;
use crate::domain::consultation::{ConsultationEvent, ShownBy};
use crate::domain::grant::GrantEvent;
use crate::domain::programme::ProgrammeEvent;
use crate::domain::record::Fact;
use crate::domain::thread::{Relation, ThreadEvent, ThreadKind};
use crate::projections::{Fold, Projection, Table, Trouble};
use crate::store::log::Recorded;

/// The projection that keeps the links.
pub struct Links;

/// A need that went into another, which stands for both: no link anybody states.
pub(super) const WENT_INTO: &str = "went_into";
/// That a thing is there at all: an offer that is published, a grant that is awarded.
pub(super) const STANDS: &str = "stands";

const TABLE: Table = Table {
    name: "thread_link",
    columns: "stream uuid NOT NULL, slot integer NOT NULL, from_kind text COLLATE \"C\" NOT NULL, from_id uuid NOT NULL, \
        relation text COLLATE \"C\" NOT NULL, to_kind text COLLATE \"C\" NOT NULL, to_id uuid NOT NULL, share smallint, \
        basis text COLLATE \"C\" NOT NULL, why text, proposal uuid, since_index bigint NOT NULL, since_on date NOT NULL, \
        until_index bigint, until_on date",
    copied: "stream, slot, from_kind, from_id, relation, to_kind, to_id, share, basis, why, proposal, since_index, \
        since_on, until_index, until_on",
    indexes: &[
        "ALTER TABLE {table} ADD PRIMARY KEY (stream, slot)",
        "CREATE INDEX ON {table} (from_id)",
        "CREATE INDEX ON {table} (to_id)",
        "CREATE INDEX ON {table} (relation, since_index)",
    ],
};

/// One link, as its row stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub link: Held,
    /// The change that proposes it: until that is approved, it holds nothing.
    pub proposal: Option<Uuid>,
    pub until: Option<(i64, Date)>,
}

/// The links that one stream tells of.
#[derive(Debug, Default)]
struct Told(Vec<Row>);

type End = (ThreadKind, Uuid);

impl Told {
    fn open(&mut self, at: &Recorded, from: End, relation: &str, to: End) -> &mut Held {
        let since = (at.index, at.effective_on);
        let link = Held {
            from,
            relation: relation.to_owned(),
            to,
            share: None,
            basis: RECORDED.to_owned(),
            why: None,
            since,
        };
        self.0.push(Row { link, proposal: None, until: None });
        let last = self.0.len() - 1;
        &mut self.0[last].link
    }

    fn holds(&self, from: End, relation: &str, to: End) -> bool {
        self.0.iter().any(|row| {
            let link = (row.link.from, row.link.relation.as_str(), row.link.to);
            row.until.is_none() && row.proposal.is_none() && link == (from, relation, to)
        })
    }

    fn open_once(&mut self, at: &Recorded, from: End, relation: &str, to: End) {
        if !self.holds(from, relation, to) {
            self.open(at, from, relation, to);
        }
    }

    fn close(&mut self, at: &Recorded, which: impl Fn(&Held) -> bool) {
        let open = self.0.iter_mut().filter(|row| row.until.is_none() && row.proposal.is_none());
        for row in open.filter(|row| which(&row.link)) {
            row.until = Some((at.index, at.effective_on));
        }
    }

    /// Take a fact of the stream in. False when it tells of no link.
    fn take(&mut self, at: &Recorded) -> bool {
        let before = self.0.len();
        let id = at.stream.id;
        match &at.fact {
            Fact::Programme(ProgrammeEvent::Opened { priorities, .. }) => {
                for need in priorities.iter().flat_map(|priority| &priority.needs) {
                    let programme = (ThreadKind::Programme, id);
                    self.open_once(at, programme, Relation::Answers.code(), (ThreadKind::Need, *need));
                }
            }
            Fact::Grant(event) => return self.take_grant(at, event),
            Fact::Consultation(event) => self.take_consultation(at, event),
            Fact::Thread(event) => return self.take_stated(at, event),
            Fact::Programme(_) => {}
            _ => return false,
        }
        self.0.len() > before
    }

    fn take_grant(&mut self, at: &Recorded, event: &GrantEvent) -> bool {
        let grant = (ThreadKind::Grant, at.stream.id);
        let funds = Relation::Funds.code();
        match event {
            GrantEvent::InterestReceived { programme, .. } | GrantEvent::DirectAwardProposed { programme, .. } => {
                self.open_once(at, (ThreadKind::Programme, programme.0), funds, grant);
            }
            GrantEvent::ApplicationSubmitted { programme, needs, .. } => {
                self.open_once(at, (ThreadKind::Programme, programme.0), funds, grant);
                for one in needs {
                    let need = (ThreadKind::Need, one.need);
                    self.open(at, grant, Relation::Answers.code(), need).share = Some(one.percent);
                }
            }
            GrantEvent::Approved { .. } => drop(self.open(at, grant, STANDS, grant)),
            GrantEvent::OfferDeclined {} | GrantEvent::OfferLapsed { .. } => {
                self.close(at, |link| link.relation == STANDS);
            }
            _ => return false,
        }
        true
    }
}
