//! What the histories around a grant say: its partner, its fund, its programme, the authority it is decided under.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use uuid::Uuid;

use super::facts::Said;
use super::{Case, Entry};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::delegation::{DelegationEvent, Scope};
use crate::domain::fund::{FundEvent, YearShare};
use crate::domain::identity::{DelegationId, GrantId, InstalmentId, PersonId};
use crate::domain::money::Money;
use crate::domain::partner::{CheckKind, PartnerEvent, PartnerStatus};
use crate::domain::postings::{Figures, Movement, Pot, postings};
use crate::domain::programme::{ProgrammeEvent, Track};
use crate::domain::record::Fact;
use crate::domain::text::Text;

/// Events that lead to a standing of a partner.
const STANDINGS: [(&str, PartnerStatus); 6] = [
    ("partner.applied", PartnerStatus::Applied),
    ("partner.approved", PartnerStatus::Approved),
    ("partner.declined", PartnerStatus::Declined),
    ("partner.withdrew", PartnerStatus::Withdrawn),
    ("partner.suspended", PartnerStatus::Suspended),
    ("partner.reinstated", PartnerStatus::Approved),
];

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

    /// The events that made up the budget of some years before a position.
    pub fn budget(&self, years: &BTreeSet<FinancialYear>, before: i64) -> Vec<i64> {
        let outside = [Pot::Funder, Pot::OtherFund, Pot::OtherYear];
        let makes = |event: &FundEvent| {
            postings(event).iter().any(|posting| {
                let (from, to) = posting.movement.way();
                years.contains(&posting.year) && (outside.contains(&from) || outside.contains(&to))
            })
        };
        let events = self.0.iter().filter(|(entry, event)| entry.index < before && makes(event));
        events.map(|(entry, _)| entry.index).collect()
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
                known = Some(Self {
                    purpose: purpose.clone(),
                    track: *track,
                    one_approver: limits.one_approver,
                    checks: CheckKind::of_codes(required_checks).collect(),
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
