//! The thread as everybody may see it: the public, and partners, who have no part in the most of it.
//!
//! A need is told once those it was heard from were told what came of it, or once a programme that anybody can read
//! says that it answers it. A grant is told once it is awarded, an offer once it is published, a promise with its needs.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::drawing::Drawn;
use super::following::Found;
use crate::domain::identity::Role;
use crate::domain::thread::BrokenKind;
use crate::projections::thread::{Held, Stories};

/// Whether somebody sees threads from outside.
pub(super) const fn is(role: Role) -> bool {
    matches!(role, Role::Public | Role::PartnerAdmin | Role::PartnerWorker)
}

/// Leave out what is not told outside, as if it were not there.
pub(super) fn leave_out(found: &mut Found, links: &mut Vec<Held>, stories: &mut Stories) {
    let priorities = stories.programmes.values().flat_map(|programme| &programme.priorities);
    let answered: BTreeSet<Uuid> = priorities.flat_map(|one| one.needs.iter().copied()).collect();
    let consultations = &stories.consultations;
    let was_told_back =
        |id: &Uuid| consultations.get(id).is_some_and(|consultation| !consultation.feedback.is_empty());
    stories.needs.retain(|id, need| was_told_back(&need.consultation) || answered.contains(id));
    let needs = &stories.needs;
    stories.commitments.retain(|_, promise| promise.needs.iter().any(|need| needs.contains_key(need)));
    stories.grants.retain(|_, grant| grant.awarded_on.is_some());
    stories.offers.retain(|_, offer| offer.published_on.is_some());

    found.needs.retain(|id| stories.needs.contains_key(id));
    found.commitments.retain(|id| stories.commitments.contains_key(id));
    found.grants.retain(|id| stories.grants.contains_key(id));
    found.offers.retain(|id| stories.offers.contains_key(id));
    let there: BTreeSet<Uuid> =
        found.all().into_iter().chain(stories.consultations.keys().copied()).collect();
    links.retain(|link| there.contains(&link.from.1) && there.contains(&link.to.1));
    for link in links {
        link.why = None; // written for those who work here
    }
}

/// Counts of the whole thread only: what was counted of one offer is for those who work with it.
pub(super) fn without_counts_of_one(mut drawn: Drawn) -> Drawn {
    for offer in &mut drawn.offers {
        offer.counted = None;
    }
    drawn.broken.retain(|end| end.kind != BrokenKind::PrescriptionsOutsideGrants);
    drawn
}
