//! Following links from one thing to all that belongs to its thread.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::ends;
use crate::domain::thread::{Relation, ThreadKind};
use crate::projections::thread::Held;

/// The things of a thread.
#[derive(Debug)]
pub(super) struct Found {
    focus: ThreadKind,
    pub needs: BTreeSet<Uuid>,
    pub programmes: BTreeSet<Uuid>,
    pub grants: BTreeSet<Uuid>,
    pub offers: BTreeSet<Uuid>,
    pub commitments: BTreeSet<Uuid>,
}

impl Found {
    /// The thread of one thing.
    pub(super) fn beginning_with((focus, id): (ThreadKind, Uuid)) -> Self {
        let only = |kind: ThreadKind| BTreeSet::from_iter((focus == kind).then_some(id));
        Self {
            focus,
            needs: only(ThreadKind::Need),
            programmes: only(ThreadKind::Programme),
            grants: only(ThreadKind::Grant),
            offers: only(ThreadKind::Offer),
            commitments: only(ThreadKind::Commitment),
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Uuid> {
        let parts = [&self.needs, &self.programmes, &self.grants, &self.offers, &self.commitments];
        parts.into_iter().flatten().copied().collect()
    }

    /// The streams that tell of them.
    pub(super) fn streams(&self, links: &[Held]) -> Vec<Uuid> {
        let heard = |link: &Held| (link.relation() == Some(Relation::HeardIn)).then_some(link.to);
        let consultations = ends(links, heard, ThreadKind::Consultation);
        let parts = [&consultations, &self.programmes, &self.grants, &self.offers];
        parts.into_iter().flatten().copied().collect()
    }

    /// Take in what the links join to what is there. What the thread is of is not widened: the thread of a grant has
    /// no other grants, and that of a need has none of the other needs that its grants answer.
    pub(super) fn widen(&mut self, links: &[Held]) {
        let from = |relation: Relation, to: &BTreeSet<Uuid>, kind: ThreadKind| {
            let is = |link: &Held| link.relation() == Some(relation) && to.contains(&link.to.1);
            ends(links, |link| is(link).then_some(link.from), kind)
        };
        let to = |relation: Relation, from: &BTreeSet<Uuid>, kind: ThreadKind| {
            let is = |link: &Held| link.relation() == Some(relation) && from.contains(&link.from.1);
            ends(links, |link| is(link).then_some(link.to), kind)
        };
        let of_needs = matches!(self.focus, ThreadKind::Need | ThreadKind::Commitment);
        let mut needs = BTreeSet::new();
        if self.focus == ThreadKind::Commitment {
            needs.extend(to(Relation::Answers, &self.commitments, ThreadKind::Need));
        } else if self.focus != ThreadKind::Need {
            needs.extend(to(Relation::Answers, &self.grants, ThreadKind::Need));
            needs.extend(to(Relation::Answers, &self.offers, ThreadKind::Need));
            // Of the priorities of a programme only those count that the thread is about.
            if self.focus == ThreadKind::Programme {
                needs.extend(to(Relation::Answers, &self.programmes, ThreadKind::Need));
            }
        }
        if of_needs {
            self.grants.extend(from(Relation::Answers, &self.needs, ThreadKind::Grant));
            self.grants.extend(from(Relation::Delivers, &self.commitments, ThreadKind::Grant));
            self.offers.extend(from(Relation::Answers, &self.needs, ThreadKind::Offer));
            self.offers.extend(from(Relation::Delivers, &self.commitments, ThreadKind::Offer));
            self.programmes.extend(from(Relation::Answers, &self.needs, ThreadKind::Programme));
        } else if self.focus == ThreadKind::Programme {
            self.grants.extend(to(Relation::Funds, &self.programmes, ThreadKind::Grant));
        } else if self.focus == ThreadKind::Offer {
            self.grants.extend(from(Relation::Funds, &self.offers, ThreadKind::Grant));
        }
        if self.focus != ThreadKind::Offer {
            self.offers.extend(to(Relation::Funds, &self.grants, ThreadKind::Offer));
        }
        if self.focus != ThreadKind::Programme {
            self.programmes.extend(from(Relation::Funds, &self.grants, ThreadKind::Programme));
        }
        if self.focus != ThreadKind::Commitment {
            self.commitments.extend(from(Relation::Answers, &self.needs, ThreadKind::Commitment));
        }
        self.needs.extend(needs);
        let went_into = |link: &&Held| link.is_merger() && self.needs.contains(&link.to.1);
        let merged: Vec<Uuid> = links.iter().filter(went_into).map(|link| link.from.1).collect();
        self.needs.extend(merged);
    }
}
