//! What the history of a grant says, read off the facts and nothing else.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::Entry;
use crate::domain::calendar::Date;
use crate::domain::grant::{Change, GrantEvent, GrantStatus, PlannedInstalment, Replan, ReturnKind};
use crate::domain::identity::{FundId, InstalmentId, PartnerId, PersonId, ProgrammeId, RunId};
use crate::domain::money::Money;
use crate::domain::record::Fact;

/// Events that lead to a stage of a grant, whatever it was before. Suspension, resumption and the request of the
/// final return depend on what was before.
const STAGES: [(&str, GrantStatus); 17] = [
    ("grant.interest_received", GrantStatus::Interest),
    ("grant.direct_award_proposed", GrantStatus::Proposed),
    ("grant.invited_to_apply", GrantStatus::Invited),
    ("grant.interest_declined", GrantStatus::Declined),
    ("grant.application_submitted", GrantStatus::Submitted),
    ("grant.eligibility_confirmed", GrantStatus::Assessing),
    ("grant.eligibility_refused", GrantStatus::Ineligible),
    ("grant.recommended", GrantStatus::Recommended),
    ("grant.approved", GrantStatus::Approved),
    ("grant.declined", GrantStatus::Declined),
    ("grant.application_withdrawn", GrantStatus::Withdrawn),
    ("grant.offer_issued", GrantStatus::Offered),
    ("grant.offer_declined", GrantStatus::Withdrawn),
    ("grant.offer_lapsed", GrantStatus::Lapsed),
    ("grant.offer_accepted", GrantStatus::Active),
    ("grant.terminated", GrantStatus::Terminated),
    ("grant.closed", GrantStatus::Closed),
];

/// Something a fact says, with the position of the event that says it.
pub(super) type Said<T> = (T, i64);

/// The positions of what was said.
pub(super) fn places<T>(said: &[Said<T>]) -> impl Iterator<Item = i64> + '_ {
    said.iter().map(|(_, index)| *index)
}

/// Whose case a grant is.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub partner: PartnerId,
    pub programme: ProgrammeId,
    pub fund: FundId,
    pub index: i64,
}

/// An instalment as the facts leave it.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub plan: &'a PlannedInstalment,
    pub planned: i64,
    pub authorised: Option<Authorised>,
    pub paid: Option<i64>,
    pub bounced: Option<i64>,
    pub line: Option<Said<(RunId, u32)>>,
}

/// An authorisation to pay.
#[derive(Clone, Copy)]
pub(super) struct Authorised {
    pub by: PersonId,
    pub pay_on: Date,
    pub amount: Money,
    pub checks_valid_until: Option<Date>,
    pub index: i64,
}

impl Part<'_> {
    pub const fn is_planned(&self) -> bool {
        self.authorised.is_none() && self.paid.is_none() && self.bounced.is_none()
    }
}

/// The facts of a grant.
pub(super) struct GrantFacts<'a>(pub Vec<(&'a Entry, &'a GrantEvent)>);

impl<'a> GrantFacts<'a> {
    pub fn of(history: Vec<&'a Entry>) -> Self {
        Self(
            history
                .into_iter()
                .filter_map(
                    |entry| if let Fact::Grant(event) = &entry.fact { Some((entry, event)) } else { None },
                )
                .collect(),
        )
    }

    /// What some facts say, in order.
    pub fn each<T>(&self, says: impl Fn(&'a GrantEvent) -> Option<T>) -> Vec<Said<T>> {
        self.0.iter().filter_map(|(entry, event)| Some((says(event)?, entry.index))).collect()
    }

    /// What the last such fact says.
    pub fn last<T>(&self, says: impl Fn(&'a GrantEvent) -> Option<T>) -> Option<Said<T>> {
        self.each(says).pop()
    }

    pub fn subject(&self) -> Option<Subject> {
        let (entry, event) = self.0.first()?;
        let index = entry.index;
        if let GrantEvent::InterestReceived { partner, programme, fund, .. }
        | GrantEvent::DirectAwardProposed { partner, programme, fund, .. }
        | GrantEvent::ApplicationSubmitted { partner, programme, fund, .. } = event
        {
            Some(Subject { partner: *partner, programme: *programme, fund: *fund, index })
        } else {
            None
        }
    }

    /// Who is paid.
    pub fn payee(&self) -> Option<Said<PartnerId>> {
        let varied = self.last(|event| {
            if let GrantEvent::VariationApproved { change: Change::Payee { to, .. }, .. } = event {
                Some(*to)
            } else {
                None
            }
        });
        varied.or_else(|| self.subject().map(|subject| (subject.partner, subject.index)))
    }

    /// Where the grant stands.
    pub fn stage(&self) -> (GrantStatus, Option<i64>) {
        let mut stage = (GrantStatus::None, None);
        let mut before_suspension = GrantStatus::None;
        for (entry, event) in &self.0 {
            let name = event_name(event);
            let next = if let GrantEvent::Suspended { .. } = event {
                before_suspension = stage.0;
                Some(GrantStatus::Suspended)
            } else if let GrantEvent::Resumed {} = event {
                Some(before_suspension)
            } else if let GrantEvent::MonitoringReturnRequested { terms, .. } = event {
                let closes = terms.kind == ReturnKind::Final && stage.0 == GrantStatus::Active;
                closes.then_some(GrantStatus::Closing)
            } else {
                STAGES.iter().find(|(led, _)| *led == name).map(|(_, stage)| *stage)
            };
            stage = next.map_or(stage, |next| (next, Some(entry.index)));
        }
        stage
    }

    /// The suspension that stands, with the last day on which a payment counts as having left before it.
    pub fn suspension(&self) -> Option<Said<Date>> {
        let ended = self.last(|event| matches!(event, GrantEvent::Resumed {}).then_some(()));
        let begun = self
            .last(|event| if let GrantEvent::Suspended { from, .. } = event { Some(*from) } else { None })?;
        ended.is_none_or(|((), index)| index < begun.1).then_some(begun)
    }

    /// Who has an interest: declared, or stood aside.
    pub fn interests(&self) -> Vec<Said<PersonId>> {
        self.each(|event| {
            if let GrantEvent::ConflictDeclared { person, .. }
            | GrantEvent::AssessorRecused { assessor: person } = event
            {
                Some(*person)
            } else {
                None
            }
        })
    }

    /// Who put the grant forward: by proposing it directly, recommending it, or sitting on the panel.
    pub fn proposers(&self) -> Vec<Said<BTreeSet<PersonId>>> {
        self.each(|event| {
            if let GrantEvent::Recommended { proposer, panel, .. } = event {
                Some(panel.present.iter().copied().chain([*proposer]).collect())
            } else if let GrantEvent::DirectAwardProposed { proposer, .. } = event {
                Some(BTreeSet::from([*proposer]))
            } else {
                None
            }
        })
    }

    /// Who was asked to assess it.
    pub fn assessors(&self) -> Vec<Said<PersonId>> {
        self.each(
            |event| {
                if let GrantEvent::AssessorAssigned { assessor } = event { Some(*assessor) } else { None }
            },
        )
    }

    /// What the award comes to, from the approval and every change since.
    pub fn total(&self) -> (Decimal, Vec<i64>) {
        let moved = self.each(|event| {
            if let GrantEvent::Approved { amount, .. } = event {
                Some(amount.pounds())
            } else if let GrantEvent::VariationApproved { change: Change::Amount { from, to, .. }, .. } =
                event
            {
                Some(to.pounds() - from.pounds())
            } else if let GrantEvent::UnspentReleased { amount, .. } = event {
                Some(-amount.pounds())
            } else {
                None
            }
        });
        (moved.iter().map(|(sum, _)| *sum).sum(), places(&moved).collect())
    }

    /// The instalments, as planned, authorised, paid or bounced.
    pub fn parts(&self) -> Vec<Part<'a>> {
        let mut parts: Vec<Part<'a>> = Vec::new();
        for (entry, event) in &self.0 {
            let planned = |plan: &'a PlannedInstalment| new_part(plan, entry.index);
            if let GrantEvent::Approved { instalments, .. } = event {
                parts = instalments.iter().map(planned).collect();
            } else if let Some(plan) = replan(event) {
                parts.retain(|part| !part.is_planned());
                parts.extend(plan.to.iter().map(planned));
            } else if let GrantEvent::Terminated { .. } = event {
                parts.retain(|part| !part.is_planned());
            } else {
                pay(&mut parts, entry.index, event);
            }
        }
        parts
    }

    pub fn part(&self, instalment: InstalmentId) -> Option<Part<'a>> {
        self.parts().into_iter().find(|part| part.plan.id == instalment)
    }

    /// What is neither authorised nor paid.
    pub fn unpaid(&self) -> Vec<&'a PlannedInstalment> {
        self.parts().into_iter().filter(Part::is_planned).map(|part| part.plan).collect()
    }
}

fn event_name(event: &GrantEvent) -> &'static str {
    crate::domain::Event::kind(event).name
}

const fn new_part(plan: &PlannedInstalment, planned: i64) -> Part<'_> {
    Part { plan, planned, authorised: None, paid: None, bounced: None, line: None }
}

fn replan(event: &GrantEvent) -> Option<&Replan> {
    if let GrantEvent::VariationApproved { change, .. } = event {
        change.plan()
    } else if let GrantEvent::UnspentReleased { plan, .. } = event {
        Some(plan)
    } else {
        None
    }
}

/// What a fact says of the payment of an instalment.
fn pay<'a>(parts: &mut Vec<Part<'a>>, index: i64, event: &'a GrantEvent) {
    let mut set = |id: &InstalmentId, change: &dyn Fn(&mut Part<'a>)| {
        parts.iter_mut().filter(|part| part.plan.id == *id).for_each(change);
    };
    if let GrantEvent::InstalmentAuthorised {
        instalment,
        amount,
        authorised_by,
        pay_on,
        checks_valid_until,
        ..
    } = event
    {
        let (by, pay_on, amount, checks_valid_until) =
            (*authorised_by, *pay_on, *amount, *checks_valid_until);
        let authorised = Authorised { by, pay_on, amount, checks_valid_until, index };
        set(instalment, &|part| part.authorised = Some(authorised));
    } else if let GrantEvent::InstalmentAuthorisationWithdrawn { instalment, .. } = event {
        set(instalment, &|part| part.authorised = None);
    } else if let GrantEvent::PaymentConfirmed { instalment, .. } = event {
        set(instalment, &|part| part.paid = Some(index));
    } else if let GrantEvent::InstalmentPutInRun { instalment, run, line } = event {
        set(instalment, &|part| part.line = Some(((*run, *line), index)));
    } else if let GrantEvent::InstalmentTakenFromRun { instalment, .. } = event {
        set(instalment, &|part| part.line = None);
    } else if let GrantEvent::PaymentRejected { instalment, replacement, .. }
    | GrantEvent::PaymentReturned { instalment, replacement, .. } = event
    {
        set(instalment, &|part| part.bounced = Some(index));
        parts.push(new_part(replacement, index));
    }
}
