//! What histories say, read off the facts and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Case, Entry};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::delegation::{DelegationEvent, Scope};
use crate::domain::fund::{FundEvent, YearShare};
use crate::domain::grant::{Change, GrantEvent, GrantStatus, PlannedInstalment, Replan, ReturnKind};
use crate::domain::identity::{
    DelegationId, FundId, GrantId, InstalmentId, PartnerId, PersonId, ProgrammeId, RunId,
};
use crate::domain::money::Money;
use crate::domain::partner::{CheckKind, PartnerEvent, PartnerStatus};
use crate::domain::postings::{Figures, Movement, postings};
use crate::domain::programme::{ProgrammeEvent, Track};
use crate::domain::record::Fact;
use crate::domain::text::Text;

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

/// Events that lead to a standing of a partner.
const STANDINGS: [(&str, PartnerStatus); 6] = [
    ("partner.applied", PartnerStatus::Applied),
    ("partner.approved", PartnerStatus::Approved),
    ("partner.declined", PartnerStatus::Declined),
    ("partner.withdrew", PartnerStatus::Withdrawn),
    ("partner.suspended", PartnerStatus::Suspended),
    ("partner.reinstated", PartnerStatus::Approved),
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
        ended.is_none_or(|(_, index)| index < begun.1).then_some(begun)
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

/// Until when a check holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    Open,
    Failed,
    ForEver,
    Until(Date),
}

impl Holding {
    pub fn on(self, date: Date) -> bool {
        match self {
            Self::Open | Self::Failed => false,
            Self::ForEver => true,
            Self::Until(last) => date <= last,
        }
    }
}

/// A version of a partner's bank details.
#[derive(Clone, Copy)]
pub(super) struct Bank {
    pub version: u32,
    pub submitted: Said<PersonId>,
    pub verified: Option<Said<(PersonId, Date)>>,
}

/// The facts of a partner.
pub(super) struct PartnerFacts<'a>(Vec<(&'a Entry, &'a PartnerEvent)>);

impl<'a> PartnerFacts<'a> {
    pub fn of(case: &Case<'a>, partner: impl Into<Uuid>) -> Self {
        let history = case.before(partner);
        Self(
            history
                .into_iter()
                .filter_map(
                    |entry| {
                        if let Fact::Partner(event) = &entry.fact { Some((entry, event)) } else { None }
                    },
                )
                .collect(),
        )
    }

    pub fn events(&self) -> impl Iterator<Item = &'a PartnerEvent> + '_ {
        self.0.iter().map(|(_, event)| *event)
    }

    pub fn each<T>(&self, says: impl Fn(&'a PartnerEvent) -> Option<T>) -> Vec<Said<T>> {
        self.0.iter().filter_map(|(entry, event)| Some((says(event)?, entry.index))).collect()
    }

    /// Where the partner stands.
    pub fn standing(&self) -> (PartnerStatus, Option<i64>) {
        let known = |event: &PartnerEvent| {
            let name = crate::domain::Event::kind(event).name;
            STANDINGS.iter().find(|(led, _)| *led == name).map(|(_, standing)| *standing)
        };
        let last = self.each(known).pop();
        last.map_or((PartnerStatus::None, None), |(standing, index)| (standing, Some(index)))
    }

    /// Every check that was asked for, or decided, and how it holds. New bank details open the bank check again.
    pub fn checks(&self) -> BTreeMap<CheckKind, Said<Holding>> {
        let mut checks = BTreeMap::new();
        for (entry, event) in &self.0 {
            let index = entry.index;
            if let PartnerEvent::CheckRequired { check } = event {
                checks.entry(*check).or_insert((Holding::Open, index));
            } else if let PartnerEvent::CheckPassed { check, valid_until } = event {
                checks.insert(*check, (valid_until.map_or(Holding::ForEver, Holding::Until), index));
            } else if let PartnerEvent::CheckWaived { check, until } = event {
                checks.insert(*check, (Holding::Until(*until), index));
            } else if let PartnerEvent::CheckFailed { check } = event {
                checks.insert(*check, (Holding::Failed, index));
            } else if let PartnerEvent::BankDetailsSubmitted { .. } = event {
                checks.insert(CheckKind::Bank, (Holding::Open, index));
            }
        }
        checks
    }

    /// Every version of the bank details.
    pub fn banks(&self) -> Vec<Bank> {
        let mut banks: Vec<Bank> = Vec::new();
        for (entry, event) in &self.0 {
            if let PartnerEvent::BankDetailsSubmitted { bank_version, submitted_by, .. } = event {
                let submitted = (*submitted_by, entry.index);
                banks.push(Bank { version: *bank_version, submitted, verified: None });
            } else if let PartnerEvent::BankDetailsVerified {
                bank_version, verified_by, payable_from, ..
            } = event
            {
                let mut named = banks.iter_mut().filter(|bank| bank.version == *bank_version);
                if let Some(bank) = named.next() {
                    bank.verified = Some(((*verified_by, *payable_from), entry.index));
                }
            }
        }
        banks
    }
}

/// What is set aside in a fund for a grant.
pub(super) struct Reservation<'a> {
    pub shares: &'a [YearShare],
    pub expires_on: Date,
    pub index: i64,
}

/// The facts of a fund.
pub(super) struct FundFacts<'a>(Vec<(&'a Entry, &'a FundEvent)>);

impl<'a> FundFacts<'a> {
    pub fn of(case: &Case<'a>, fund: impl Into<Uuid>) -> Self {
        let history = case.before(fund);
        Self(
            history
                .into_iter()
                .filter_map(
                    |entry| if let Fact::Fund(event) = &entry.fact { Some((entry, event)) } else { None },
                )
                .collect(),
        )
    }

    pub fn events(&self) -> impl Iterator<Item = &'a FundEvent> + '_ {
        self.0.iter().map(|(_, event)| *event)
    }

    /// The opening of the fund.
    pub fn opened(&self) -> Option<Said<&'a FundEvent>> {
        let (entry, event) = self.0.first()?;
        Some((event, entry.index))
    }

    /// What is set aside for a grant, live or run out.
    pub fn reservation(&self, grant: GrantId) -> Option<Reservation<'a>> {
        let mut held = None;
        for (entry, event) in &self.0 {
            if let FundEvent::CommitmentReserved { link, shares, expires_on } = event {
                if link.grant == grant {
                    held = Some(Reservation { shares, expires_on: *expires_on, index: entry.index });
                }
            } else if let FundEvent::ReservationVoided { link, .. }
            | FundEvent::CommitmentConfirmed { link, .. }
            | FundEvent::CommitmentIncreased { link, .. } = event
                && link.grant == grant
            {
                held = None;
            }
        }
        held
    }

    /// What each year's budget came to before a position.
    pub fn years(&self, before: i64) -> BTreeMap<FinancialYear, Figures> {
        let mut years: BTreeMap<FinancialYear, Figures> = BTreeMap::new();
        for (_, event) in self.0.iter().filter(|(entry, _)| entry.index < before) {
            for posting in postings(event) {
                years.entry(posting.year).or_default().post(posting.movement, posting.amount.pounds());
            }
        }
        years
    }

    /// What is promised to a grant and not yet paid, in each year, and the events it comes from.
    pub fn outstanding(&self, grant: GrantId) -> (BTreeMap<FinancialYear, Decimal>, Vec<i64>) {
        let (mut sums, mut from) = (BTreeMap::<FinancialYear, Decimal>::new(), Vec::new());
        for (entry, event) in &self.0 {
            for posting in postings(event) {
                let sign = match posting.movement {
                    Movement::Commit | Movement::Return | Movement::MoveIn => Decimal::ONE,
                    Movement::Release | Movement::Pay | Movement::MoveOut => -Decimal::ONE,
                    Movement::Allocate
                    | Movement::Reduce
                    | Movement::Reserve
                    | Movement::Void
                    | Movement::Recover
                    | Movement::TransferOut
                    | Movement::TransferIn
                    | Movement::CarryOut
                    | Movement::CarryIn => continue,
                };
                if posting.link.is_some_and(|link| link.grant == grant) {
                    *sums.entry(posting.year).or_default() += sign * posting.amount.pounds();
                    from.push(entry.index);
                }
            }
        }
        (sums, from)
    }

    /// The payment of an instalment that stands in the fund.
    pub fn paid(&self, wanted: InstalmentId) -> Option<i64> {
        let mut paid = None;
        for (entry, event) in &self.0 {
            if let FundEvent::ExpenditurePosted { instalment, .. } = event {
                paid = paid.or((*instalment == wanted).then_some(entry.index));
            } else if let FundEvent::ExpenditureReturned { instalment, .. } = event
                && *instalment == wanted
            {
                paid = None;
            }
        }
        paid
    }

    /// The first year that is open, at or after one.
    pub fn open_year(&self, wanted: FinancialYear) -> FinancialYear {
        let closed = self.0.iter().filter_map(|(_, event)| {
            if let FundEvent::YearClosed { year, .. } = event { Some(*year) } else { None }
        });
        closed.max().filter(|last| wanted <= *last).map_or(wanted, FinancialYear::following)
    }
}

/// The rules of a programme in force.
pub(super) struct ProgrammeFacts {
    pub purpose: Text<100>,
    pub track: Track,
    pub one_approver: Money,
    pub checks: Vec<CheckKind>,
    pub scoring: BTreeSet<Text<40>>,
    /// Where it was opened, and where its criteria were last amended.
    pub index: i64,
    pub criteria: i64,
}

impl ProgrammeFacts {
    pub fn of(case: &Case<'_>, programme: impl Into<Uuid>) -> Option<Self> {
        let mut known: Option<Self> = None;
        for entry in case.before(programme) {
            let index = entry.index;
            if let Fact::Programme(ProgrammeEvent::Opened {
                purpose,
                track,
                limits,
                required_checks,
                scoring,
                ..
            }) = &entry.fact
            {
                let checks = required_checks.iter().filter_map(|code| CheckKind::from_code(code.as_str()));
                known = Some(Self {
                    purpose: purpose.clone(),
                    track: *track,
                    one_approver: limits.one_approver,
                    checks: checks.collect(),
                    scoring: scoring.iter().map(|one| one.code.clone()).collect(),
                    index,
                    criteria: index,
                });
            } else if let Fact::Programme(ProgrammeEvent::CriteriaAmended { scoring, .. }) = &entry.fact
                && let Some(known) = &mut known
            {
                known.scoring = scoring.iter().map(|one| one.code.clone()).collect();
                known.criteria = index;
            }
        }
        known
    }
}

/// An authority as it was given, and whether it was taken back.
pub(super) struct Given {
    pub person: PersonId,
    pub scope: Scope,
    pub limit: Money,
    pub from: Date,
    pub to: Date,
    pub on: Date,
    pub index: i64,
    pub revoked: Option<Said<Date>>,
}

impl Given {
    pub fn of(case: &Case<'_>, delegation: DelegationId) -> Option<Self> {
        let mut given: Option<Self> = None;
        for entry in case.before(delegation) {
            if let Fact::Delegation(DelegationEvent::Granted { person, scope, limit, from, to }) = &entry.fact
            {
                let (person, scope, limit, from, to) = (*person, *scope, *limit, *from, *to);
                let (on, index) = (entry.on, entry.index);
                given = Some(Self { person, scope, limit, from, to, on, index, revoked: None });
            } else if let Fact::Delegation(DelegationEvent::Revoked {}) = &entry.fact
                && let Some(given) = &mut given
            {
                given.revoked = Some((entry.on, entry.index));
            }
        }
        given
    }
}
