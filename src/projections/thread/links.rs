//! One row for every link of the thread, with both dates: those that other events imply, marked as from the record, and
//! those that somebody stated. A link that no longer holds keeps its row, with when it ended.

use std::collections::BTreeSet;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Held, RECORDED};
use crate::domain::calendar::Date;
use crate::domain::consultation::{ConsultationEvent, ShownBy};
use crate::domain::grant::GrantEvent;
use crate::domain::identity::{GrantId, ProgrammeId};
use crate::domain::offer::{OfferChange, OfferEvent};
use crate::domain::programme::ProgrammeEvent;
use crate::domain::publication::PublicationEvent;
use crate::domain::record::Fact;
use crate::domain::thread::{Relation, ThreadEvent, ThreadKind};
use crate::projections::{Sheaf, Table, Trouble};
use crate::store::log::Recorded;

/// A need that went into another, which stands for both: no link anybody states.
pub(super) const WENT_INTO: &str = "went_into";
/// That a thing is there at all: an offer that is published, a grant that is awarded, a figure that is stated.
pub(super) const STANDS: &str = "stands";
/// That it was said of a need that nothing can be done.
pub(super) const CANNOT_DO: &str = "cannot_do";

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
pub struct Links(Vec<Row>);

type End = (ThreadKind, Uuid);

impl Links {
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

    fn take_programme(&mut self, at: &Recorded, event: &ProgrammeEvent) {
        let programme = (ThreadKind::Programme, at.stream.id);
        if let ProgrammeEvent::Opened { priorities, .. } = event {
            for need in priorities.iter().flat_map(|priority| &priority.needs) {
                self.open_once(at, programme, Relation::Answers.code(), (ThreadKind::Need, *need));
            }
        }
    }

    fn take_grant(&mut self, at: &Recorded, event: &GrantEvent) {
        let grant = (ThreadKind::Grant, at.stream.id);
        let funded_by = |told: &mut Self, programme: ProgrammeId| {
            told.open_once(at, (ThreadKind::Programme, programme.0), Relation::Funds.code(), grant);
        };
        if let GrantEvent::InterestReceived { programme, .. }
        | GrantEvent::DirectAwardProposed { programme, .. } = event
        {
            funded_by(self, *programme);
        } else if let GrantEvent::ApplicationSubmitted { programme, needs, .. } = event {
            funded_by(self, *programme);
            for one in needs {
                let need = (ThreadKind::Need, one.need);
                self.open(at, grant, Relation::Answers.code(), need).share = Some(one.percent);
            }
        } else if let GrantEvent::Approved { .. } = event {
            self.open(at, grant, STANDS, grant);
        } else if let GrantEvent::OfferDeclined {} | GrantEvent::OfferLapsed { .. } = event {
            self.close(at, |link| link.relation == STANDS);
        }
    }

    /// The grants that pay for an offer are those it names, from the fact on that makes it say so.
    fn take_offer(&mut self, at: &Recorded, event: &OfferEvent) {
        let offer = (ThreadKind::Offer, at.stream.id);
        if let OfferEvent::Drafted { content, .. } | OfferEvent::Submitted { content, .. } = event {
            self.paid_by(at, &content.grants);
        } else if let OfferEvent::ChangeAutoApplied { changes, .. } = event {
            if let Some(grants) = grants_of(changes) {
                self.paid_by(at, grants);
            }
        } else if let OfferEvent::ChangeProposed { change, changes, .. } = event {
            // The offer itself stands for a proposal that may name no grant at all.
            let ends = grants_of(changes)
                .into_iter()
                .flat_map(|grants| grants.iter().map(|grant| (ThreadKind::Grant, grant.0)).chain([offer]));
            for from in ends {
                self.open(at, from, Relation::Funds.code(), offer);
                if let Some(row) = self.0.last_mut() {
                    row.proposal = Some(change.0);
                }
            }
        } else if let OfferEvent::ChangeApproved { change, .. } = event {
            let proposed = self.drop_proposal(change.0);
            if !proposed.is_empty() {
                let grants = proposed.into_iter().filter(|(kind, _)| *kind == ThreadKind::Grant);
                self.paid_by(at, &grants.map(|(_, id)| GrantId(id)).collect());
            }
        } else if let OfferEvent::ChangeRefused { change, .. } | OfferEvent::ChangeWithdrawn { change } =
            event
        {
            self.drop_proposal(change.0);
        } else if let OfferEvent::Published { .. } = event {
            self.open(at, offer, STANDS, offer);
        } else if let OfferEvent::Withdrawn {} = event {
            self.close(at, |link| link.relation == STANDS);
        }
    }

    fn paid_by(&mut self, at: &Recorded, grants: &BTreeSet<GrantId>) {
        let offer = (ThreadKind::Offer, at.stream.id);
        let funds = Relation::Funds.code();
        self.close(at, |link| link.relation == funds && !grants.contains(&GrantId(link.from.1)));
        for grant in grants {
            self.open_once(at, (ThreadKind::Grant, grant.0), funds, offer);
        }
    }

    /// What a change proposes, which is decided now.
    fn drop_proposal(&mut self, change: Uuid) -> Vec<End> {
        let of_it = |row: &Row| row.proposal == Some(change);
        let ends = self.0.iter().filter(|row| of_it(row)).map(|row| row.link.from).collect();
        self.0.retain(|row| !of_it(row));
        ends
    }

    fn take_consultation(&mut self, at: &Recorded, event: &ConsultationEvent) {
        let consultation = (ThreadKind::Consultation, at.stream.id);
        let answers = Relation::Answers.code();
        if let ConsultationEvent::NeedHeard { need, .. } = event {
            self.open(at, (ThreadKind::Need, need.0), Relation::HeardIn.code(), consultation);
        } else if let ConsultationEvent::NeedsMerged { need, into, .. } = event {
            self.open(at, (ThreadKind::Need, need.0), WENT_INTO, (ThreadKind::Need, into.0));
        } else if let ConsultationEvent::CannotDo { need, .. } = event {
            self.open(at, consultation, CANNOT_DO, (ThreadKind::Need, need.0));
        } else if let ConsultationEvent::CommitmentMade { commitment, needs, .. } = event {
            for need in needs {
                let need = (ThreadKind::Need, need.0);
                self.close(at, |link| link.relation == CANNOT_DO && link.to == need);
                self.open(at, (ThreadKind::Commitment, commitment.0), answers, need);
            }
        } else if let ConsultationEvent::EvidenceLinked { commitment, shown_by } = event {
            let commitment = (ThreadKind::Commitment, commitment.0);
            let (from, relation) = match shown_by {
                ShownBy::Grant(id) => ((ThreadKind::Grant, id.0), Relation::Delivers),
                ShownBy::Offer(id) => ((ThreadKind::Offer, *id), Relation::Delivers),
                ShownBy::Session(id) => ((ThreadKind::Session, *id), Relation::Delivers),
                ShownBy::Figure(id) => ((ThreadKind::Figure, *id), Relation::Shows),
                ShownBy::Policy(_) => return,
            };
            self.open_once(at, from, relation.code(), commitment);
        } else if let ConsultationEvent::FeedbackGiven { .. } = event {
            // Feedback has no id of its own: its place in the stream is where it is found.
            let place = format!("feedback {}", at.sequence);
            let feedback = (ThreadKind::Feedback, Uuid::new_v5(&at.stream.id, place.as_bytes()));
            self.open(at, feedback, answers, consultation);
        }
    }

    fn take_stated(&mut self, at: &Recorded, event: &ThreadEvent) {
        match event {
            ThreadEvent::Linked { from, to, relation, share, basis, why } => {
                let link = self.open(at, (from.kind, from.id), relation.code(), (to.kind, to.id));
                link.share = *share;
                basis.code().clone_into(&mut link.basis);
                link.why = Some(why.to_string());
            }
            ThreadEvent::LinkWithdrawn { from, to, relation } => {
                let ends = ((from.kind, from.id), relation.code(), (to.kind, to.id));
                self.close(at, |link| (link.from, link.relation.as_str(), link.to) == ends);
            }
        }
    }
}

fn grants_of(changes: &[OfferChange]) -> Option<&BTreeSet<GrantId>> {
    changes
        .iter()
        .find_map(|change| if let OfferChange::Grants(swap) = change { Some(&swap.to) } else { None })
}

/// Facts that change only links which are there already.
fn is_about_earlier(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Grant(GrantEvent::OfferDeclined {} | GrantEvent::OfferLapsed { .. })
            | Fact::Thread(ThreadEvent::LinkWithdrawn { .. })
            | Fact::Offer(
                OfferEvent::ChangeApproved { .. }
                    | OfferEvent::ChangeRefused { .. }
                    | OfferEvent::ChangeWithdrawn { .. }
                    | OfferEvent::ChangeAutoApplied { .. }
                    | OfferEvent::Submitted { .. }
                    | OfferEvent::Withdrawn {}
            )
    )
}

impl Sheaf for Links {
    const TABLE: Table = Table {
        name: "thread_link",
        columns: "stream uuid NOT NULL, slot integer NOT NULL, from_kind text COLLATE \"C\" NOT NULL, \
            from_id uuid NOT NULL, relation text COLLATE \"C\" NOT NULL, to_kind text COLLATE \"C\" NOT NULL, \
            to_id uuid NOT NULL, share smallint, basis text COLLATE \"C\" NOT NULL, why text, \
            since_index bigint NOT NULL, since_on date NOT NULL, until_index bigint, until_on date, proposal uuid",
        copied: "stream, slot, from_kind, from_id, relation, to_kind, to_id, share, basis, why, since_index, \
            since_on, until_index, until_on, proposal",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (stream, slot)",
            "CREATE INDEX ON {table} (from_id)",
            "CREATE INDEX ON {table} (to_id)",
            "CREATE INDEX ON {table} (relation, since_index)",
        ],
    };
    const VERSION: i32 = 1;
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("from_kind", "text"),
        ("from_id", "uuid"),
        ("relation", "text"),
        ("to_kind", "text"),
        ("to_id", "uuid"),
        ("share", "smallint"),
        ("basis", "text"),
        ("why", "text"),
        ("since_index", "bigint"),
        ("since_on", "date"),
        ("until_index", "bigint"),
        ("until_on", "date"),
        ("proposal", "uuid"),
    ];

    fn concerns(event: &Recorded) -> bool {
        let mut alone = Self::default();
        alone.take(event);
        !alone.0.is_empty() || is_about_earlier(&event.fact)
    }

    fn take(&mut self, at: &Recorded) {
        if let Fact::Programme(event) = &at.fact {
            self.take_programme(at, event);
        } else if let Fact::Grant(event) = &at.fact {
            self.take_grant(at, event);
        } else if let Fact::Offer(event) = &at.fact {
            self.take_offer(at, event);
        } else if let Fact::Consultation(event) = &at.fact {
            self.take_consultation(at, event);
        } else if let Fact::Publication(PublicationEvent::FigureStated { figure, .. }) = &at.fact {
            let figure = (ThreadKind::Figure, figure.0);
            self.open(at, figure, STANDS, figure);
        } else if let Fact::Thread(event) = &at.fact {
            self.take_stated(at, event);
        }
    }

    fn read(&mut self, row: &PgRow) -> Result<(), Trouble> {
        let (index, on): (Option<i64>, Option<Date>) = (row.try_get(12)?, row.try_get(13)?);
        self.0.push(Row { link: super::held(row, 2)?, until: index.zip(on), proposal: row.try_get(14)? });
        Ok(())
    }

    fn rows(&self) -> Vec<Vec<Option<String>>> {
        let row = |Row { link, until, proposal }: &Row| {
            vec![
                Some(link.from.0.code().to_owned()),
                Some(link.from.1.to_string()),
                Some(link.relation.clone()),
                Some(link.to.0.code().to_owned()),
                Some(link.to.1.to_string()),
                link.share.map(|share| share.to_string()),
                Some(link.basis.clone()),
                link.why.clone(),
                Some(link.since.0.to_string()),
                Some(link.since.1.to_string()),
                until.map(|(index, _)| index.to_string()),
                until.map(|(_, on)| on.to_string()),
                proposal.map(|id| id.to_string()),
            ]
        };
        self.0.iter().map(row).collect()
    }
}
