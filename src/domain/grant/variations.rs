//! Variations: what changes about a grant that runs. Asked for and approved by different people, and told with what
//! was before and what comes after.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    AuthorityUsed, Condition, FirstApproval, Grant, GrantEvent, GrantRefusal, GrantStatus, Pay,
    PlannedInstalment,
};
use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::identity::{InstalmentId, PartnerId, PersonId, VariationId};
use crate::domain::money::{Money, pounds};
use crate::domain::text::Text;

codes! {
    /// What a variation changes.
    pub enum VariationKind {
        "amount" => Amount, "the amount";
        "end" => End, "the last day of the work";
        "purpose" => Purpose, "what the money is for";
        "payee" => Payee, "who is paid";
        "schedule" => Schedule, "when it is paid";
    }
}

codes! {
    /// What came of a variation.
    pub enum VariationStatus {
        "requested" => Requested, "waiting for an answer";
        "approved" => Approved, "approved";
        "refused" => Refused, "refused";
    }
}

/// The instalments that are neither paid nor authorised, before and after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replan {
    /// As they stand.
    pub from: Vec<PlannedInstalment>,
    /// As they will stand.
    pub to: Vec<PlannedInstalment>,
}

/// Sums by financial year, in pounds.
pub type ByYear = BTreeMap<FinancialYear, Decimal>;

impl Replan {
    fn by_year(plan: &[PlannedInstalment]) -> ByYear {
        let mut sums = ByYear::new();
        for one in plan {
            *sums.entry(one.year).or_default() += one.amount.pounds();
        }
        sums
    }

    /// What each year loses from the first to the second.
    fn lost(first: &[PlannedInstalment], second: &[PlannedInstalment]) -> ByYear {
        let mut sums = Self::by_year(first);
        for (year, sum) in Self::by_year(second) {
            *sums.entry(year).or_default() -= sum;
        }
        sums.retain(|_, sum| *sum > Decimal::ZERO);
        sums
    }

    /// How much more is planned, in each year in which more is.
    #[must_use]
    pub fn rises(&self) -> ByYear {
        Self::lost(&self.to, &self.from)
    }

    /// How much less is planned, in each year in which less is.
    #[must_use]
    pub fn falls(&self) -> ByYear {
        Self::lost(&self.from, &self.to)
    }

    /// Take an amount out of a plan, from the instalments that fall due last.
    pub(super) fn cut(from: Vec<PlannedInstalment>, amount: Decimal) -> Self {
        let mut latest_first: Vec<usize> = (0..from.len()).collect();
        latest_first.sort_by_key(|place| std::cmp::Reverse((from[*place].due, *place)));
        let (mut left, mut kept) = (amount, BTreeMap::new());
        for place in latest_first {
            let taken = left.min(from[place].amount.pounds());
            left -= taken;
            if let Some(amount) = Money::some(from[place].amount.pounds() - taken) {
                kept.insert(place, PlannedInstalment { amount, ..from[place].clone() });
            }
        }
        Self { from, to: kept.into_values().collect() }
    }
}

/// What a variation changes, from what to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// The whole award, up or down.
    Amount {
        /// GBP.
        from: Money,
        /// GBP.
        to: Money,
        /// What that does to the payments.
        plan: Replan,
    },
    /// The last day of the work.
    End {
        /// Before.
        from: Date,
        /// After.
        to: Date,
    },
    /// What the money is for.
    Purpose {
        /// Before.
        from: Text<2000>,
        /// After.
        to: Text<2000>,
    },
    /// Who is paid: the lead partner, or a partner that holds the money for it.
    Payee {
        /// Before.
        from: PartnerId,
        /// After.
        to: PartnerId,
    },
    /// When, in what parts and from which year's budget the rest is paid.
    Schedule {
        /// The payments.
        plan: Replan,
    },
}

impl Change {
    /// What it changes.
    #[must_use]
    pub const fn kind(&self) -> VariationKind {
        match self {
            Self::Amount { .. } => VariationKind::Amount,
            Self::End { .. } => VariationKind::End,
            Self::Purpose { .. } => VariationKind::Purpose,
            Self::Payee { .. } => VariationKind::Payee,
            Self::Schedule { .. } => VariationKind::Schedule,
        }
    }

    /// What it does to the payments, where it does anything.
    #[must_use]
    pub const fn plan(&self) -> Option<&Replan> {
        match self {
            Self::Amount { plan, .. } | Self::Schedule { plan } => Some(plan),
            Self::End { .. } | Self::Purpose { .. } | Self::Payee { .. } => None,
        }
    }

    /// What has to be reserved in the fund before it is approved.
    #[must_use]
    pub fn rises(&self) -> ByYear {
        self.plan().map(Replan::rises).unwrap_or_default()
    }

    /// What is free again in the fund once it is approved.
    #[must_use]
    pub fn falls(&self) -> ByYear {
        self.plan().map(Replan::falls).unwrap_or_default()
    }

    /// The change in words.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Amount { from, to, .. } => format!("the award from {from} to {to}"),
            Self::End { from, to } => {
                format!("the last day of the work from {} to {}", day(*from), day(*to))
            }
            Self::Purpose { .. } => "what the money is for".into(),
            Self::Payee { .. } => "who is paid".into(),
            Self::Schedule { .. } => "when the rest is paid".into(),
        }
    }

    /// The whole award as it will be, where it rises.
    #[must_use]
    pub fn raises_to(&self) -> Option<Money> {
        match self {
            Self::Amount { from, to, .. } => (to > from).then_some(*to),
            Self::End { .. } | Self::Purpose { .. } | Self::Payee { .. } | Self::Schedule { .. } => None,
        }
    }

    fn changes_nothing(&self) -> bool {
        match self {
            Self::Amount { from, to, .. } => from == to,
            Self::End { from, to } => from == to,
            Self::Purpose { from, to } => from == to,
            Self::Payee { from, to } => from == to,
            Self::Schedule { plan } => plan.from == plan.to,
        }
    }
}

/// A payment as somebody sees it or wants it who asks for another schedule. What it waits for stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its id; a new one for a payment that is new.
    pub instalment: InstalmentId,
    /// GBP.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses.
    pub year: FinancialYear,
}

impl From<&PlannedInstalment> for Slot {
    fn from(one: &PlannedInstalment) -> Self {
        Self { instalment: one.id, amount: one.amount, due: one.due, year: one.year }
    }
}

/// What somebody wants changed, and from what: what they see must be what stands.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the change they lead to")]
pub enum Wish {
    /// With the payments added, for more money; less money comes off the payments that fall due last.
    Amount {
        from: Money,
        to: Money,
        added: Vec<PlannedInstalment>,
    },
    End {
        from: Date,
        to: Date,
    },
    Purpose {
        from: Text<2000>,
        to: Text<2000>,
    },
    Payee {
        from: PartnerId,
        to: PartnerId,
    },
    Schedule {
        from: Vec<Slot>,
        to: Vec<Slot>,
    },
}

/// What can be asked about variations.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum VariationCommand {
    Request {
        variation: VariationId,
        justification: Text<2000>,
        wish: Wish,
    },
    /// With what is reserved for it in the fund, and what one approver may award alone in the programme.
    Approve {
        variation: VariationId,
        authority: AuthorityUsed,
        one_approver: Money,
        reserved: ByYear,
    },
    Refuse {
        variation: VariationId,
        feedback: Text<2000>,
    },
}

impl VariationCommand {
    /// Whether it is a judgement, which nobody with a conflict of interest may make.
    pub(super) const fn judges(&self) -> bool {
        match self {
            Self::Approve { .. } | Self::Refuse { .. } => true,
            Self::Request { .. } => false,
        }
    }
}

/// What a variation can change, as it stands, and the one that is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    pub(super) total: Option<Money>,
    pub(super) purpose: Option<Text<2000>>,
    payee: Option<PartnerId>,
    asked: Option<(VariationId, PersonId, Change)>,
    first: Option<FirstApproval>,
}

impl Terms {
    pub(super) fn requested(&mut self, variation: VariationId, by: PersonId, change: &Change) {
        self.asked = Some((variation, by, change.clone()));
        self.first = None;
    }

    pub(super) fn first_approved(&mut self, first: &FirstApproval) {
        self.first = Some(first.clone());
    }

    /// What somebody approved first who has an interest counts no more.
    pub(super) fn void_first_of(&mut self, person: PersonId) {
        self.first.take_if(|first| first.approver == person);
    }

    pub(super) fn refused(&mut self) {
        (self.asked, self.first) = (None, None);
    }
}

impl Grant {
    /// Who is paid: the lead partner, unless a variation says otherwise.
    ///
    /// # Errors
    /// `grant.unknown`.
    pub fn payee(&self) -> Result<PartnerId, GrantRefusal> {
        self.terms.payee.map_or_else(|| self.subject().map(|case| case.partner), Ok)
    }

    /// The whole award as it stands.
    ///
    /// # Errors
    /// `grant.wrong_stage` before it is approved.
    pub fn total(&self) -> Result<Money, GrantRefusal> {
        self.terms.total.ok_or_else(|| self.wrong_stage(GrantStatus::Active.words()))
    }

    /// The change a variation asks for, while it waits for an answer.
    ///
    /// # Errors
    /// `grant.variation_unknown`.
    pub fn asked(&self, variation: VariationId) -> Result<&Change, GrantRefusal> {
        self.question(variation).map(|(_, change)| change)
    }

    fn question(&self, variation: VariationId) -> Result<(PersonId, &Change), GrantRefusal> {
        match &self.terms.asked {
            Some((open, by, change)) if *open == variation => Ok((*by, change)),
            _ => Err(GrantRefusal::VariationUnknown),
        }
    }

    /// The instalments that are neither paid nor on their way.
    #[must_use]
    pub fn unpaid(&self) -> Vec<PlannedInstalment> {
        self.instalments.iter().filter(|one| one.pay == Pay::Planned).map(|one| one.plan.clone()).collect()
    }

    /// While a variation waits for an answer, nothing else may change the award.
    pub(super) fn must_not_be_asked(&self) -> Result<(), GrantRefusal> {
        if self.terms.asked.is_some() { Err(GrantRefusal::VariationOpen) } else { Ok(()) }
    }

    /// What follows for the variations of the grant.
    pub(super) fn vary(&self, command: VariationCommand, by: PersonId) -> Result<GrantEvent, GrantRefusal> {
        match command {
            VariationCommand::Request { variation, justification, wish } => {
                self.must_be(GrantStatus::Active)?;
                self.must_not_be_asked()?;
                let change = self.change(wish)?;
                Ok(GrantEvent::VariationRequested { variation, requested_by: by, justification, change })
            }
            VariationCommand::Approve { variation, authority, one_approver, reserved } => {
                self.approve_variation(variation, (authority, one_approver), &reserved, by)
            }
            VariationCommand::Refuse { variation, feedback } => {
                let (requested_by, _) = self.question(variation)?;
                if requested_by == by {
                    return Err(GrantRefusal::ApproverRequested);
                }
                Ok(GrantEvent::VariationRefused { variation, feedback })
            }
        }
    }

    /// A wish as a change, when it makes sense in itself and begins at what stands.
    fn change(&self, wish: Wish) -> Result<Change, GrantRefusal> {
        let change = match wish {
            Wish::Amount { from, to, added } => {
                self.must_be_total(from)?;
                Change::Amount { from, to, plan: self.replan(from, to, added)? }
            }
            Wish::End { from, to } => Change::End { from, to },
            Wish::Purpose { from, to } => Change::Purpose { from, to },
            Wish::Payee { from, to } => Change::Payee { from, to },
            Wish::Schedule { from, to } => {
                let unpaid = self.unpaid();
                if !unpaid.iter().map(Slot::from).eq(from) {
                    return Err(GrantRefusal::VariationStale { now: self.told_plan() });
                }
                Change::Schedule { plan: self.rescheduled(unpaid, &to)? }
            }
        };
        self.must_be_current(&change)?;
        if change.changes_nothing() { Err(GrantRefusal::VariationChangesNothing) } else { Ok(change) }
    }

    fn replan(&self, from: Money, to: Money, added: Vec<PlannedInstalment>) -> Result<Replan, GrantRefusal> {
        let unpaid = self.unpaid();
        let added_up: Decimal = added.iter().map(|one| one.amount.pounds()).sum();
        let rise = to.pounds() - from.pounds();
        if rise.max(Decimal::ZERO) != added_up {
            let (total, amount) = (pounds(added_up), pounds(rise.max(Decimal::ZERO)));
            return Err(GrantRefusal::IncreaseDoesNotAddUp { total, amount });
        }
        if rise < Decimal::ZERO {
            let left: Decimal = unpaid.iter().map(|one| one.amount.pounds()).sum();
            if -rise > left {
                return Err(GrantRefusal::ExceedsUnpaid { unpaid: pounds(left), asked: pounds(-rise) });
            }
            return Ok(Replan::cut(unpaid, -rise));
        }
        let mut ids: BTreeSet<InstalmentId> = self.instalments.iter().map(|one| one.plan.id).collect();
        if !added.iter().all(|one| ids.insert(one.id)) {
            return Err(GrantRefusal::InstalmentTwice);
        }
        Ok(Replan { to: unpaid.iter().cloned().chain(added).collect(), from: unpaid })
    }

    fn rescheduled(&self, unpaid: Vec<PlannedInstalment>, to: &[Slot]) -> Result<Replan, GrantRefusal> {
        let sum = |amounts: &mut dyn Iterator<Item = Money>| amounts.map(Money::pounds).sum::<Decimal>();
        let left = sum(&mut unpaid.iter().map(|one| one.amount));
        let total = sum(&mut to.iter().map(|one| one.amount));
        if total != left {
            return Err(GrantRefusal::ScheduleDoesNotAddUp { total: pounds(total), left: pounds(left) });
        }
        let fixed = self.instalments.iter().filter(|one| one.pay != Pay::Planned);
        let mut ids: BTreeSet<InstalmentId> = fixed.map(|one| one.plan.id).collect();
        if !to.iter().all(|one| ids.insert(one.instalment)) {
            return Err(GrantRefusal::InstalmentTwice);
        }
        let dropped = unpaid.iter().filter(|one| !ids.contains(&one.id));
        let mut open = dropped.flat_map(|one| &one.conditions).filter(|one| !self.met.contains(&one.id));
        if let Some(Condition { title, .. }) = open.next() {
            return Err(GrantRefusal::ConditionDropped { title: title.to_string() });
        }
        let conditions = |id| unpaid.iter().find(|one| one.id == id).map(|one| one.conditions.clone());
        let planned = |slot: &Slot| PlannedInstalment {
            id: slot.instalment,
            amount: slot.amount,
            due: slot.due,
            year: slot.year,
            conditions: conditions(slot.instalment).unwrap_or_default(),
        };
        Ok(Replan { to: to.iter().map(planned).collect(), from: unpaid })
    }

    fn must_be_total(&self, from: Money) -> Result<(), GrantRefusal> {
        let total = self.total()?;
        if from == total { Ok(()) } else { Err(GrantRefusal::VariationStale { now: total.to_string() }) }
    }

    fn told_plan(&self) -> String {
        match self.unpaid().len() {
            0 => "nothing still to be authorised".into(),
            1 => "one instalment still to be authorised".into(),
            many => format!("{many} instalments still to be authorised"),
        }
    }

    /// What a change begins at must be what stands, when it is asked for and again when it is approved.
    fn must_be_current(&self, change: &Change) -> Result<(), GrantRefusal> {
        let stale = |now: String| Err(GrantRefusal::VariationStale { now });
        if change.plan().is_some_and(|plan| plan.from != self.unpaid()) {
            return stale(self.told_plan());
        }
        // What bounced meanwhile was replaced by instalments that the change could not know of.
        let fixed = |id| self.instalments.iter().any(|one| one.pay != Pay::Planned && one.plan.id == id);
        if change.plan().is_some_and(|plan| plan.to.iter().any(|one| fixed(one.id))) {
            return Err(GrantRefusal::InstalmentTwice);
        }
        match change {
            Change::Amount { from, .. } => self.must_be_total(*from),
            Change::End { from, to } => {
                let (starts_on, ends_on) = self.case()?.period;
                if *from != ends_on {
                    return stale(day(ends_on));
                }
                if *to < starts_on { Err(GrantRefusal::DatesReversed) } else { Ok(()) }
            }
            Change::Purpose { from, .. } => match &self.terms.purpose {
                Some(purpose) if purpose != from => stale("another purpose".into()),
                _ => Ok(()),
            },
            Change::Payee { from, .. } => {
                if *from != self.payee()? {
                    return stale("another payee".into());
                }
                // What is on its way goes to the bank details it was authorised for.
                if self.has_authorised() { Err(GrantRefusal::InstalmentsOnTheirWay) } else { Ok(()) }
            }
            Change::Schedule { .. } => Ok(()),
        }
    }

    /// The rules of an award hold for the new total: above what this approver may award alone, another must approve
    /// as well, whose own limit covers it.
    fn approve_variation(
        &self,
        variation: VariationId,
        (authority, one_approver): (AuthorityUsed, Money),
        reserved: &ByYear,
        approver: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be(GrantStatus::Active)?;
        let (requested_by, change) = self.question(variation)?;
        if requested_by == approver {
            return Err(GrantRefusal::ApproverRequested);
        }
        if self.conflicted.contains(&requested_by) {
            return Err(GrantRefusal::RequesterConflicted);
        }
        if self.assessors.contains(&approver) {
            return Err(GrantRefusal::ApproverAssessed);
        }
        self.must_be_current(change)?;
        let total = match change {
            Change::Amount { to, .. } => *to,
            Change::End { .. } | Change::Purpose { .. } | Change::Payee { .. } | Change::Schedule { .. } => {
                self.total()?
            }
        };
        let first = self.terms.first.clone();
        if first.as_ref().is_some_and(|first| first.approver == approver) {
            return Err(GrantRefusal::SameApprover);
        }
        let alone = authority.limit.min(one_approver);
        let takes_two = first.is_none() && total > alone;
        if !takes_two && total > authority.limit {
            return Err(GrantRefusal::ExceedsAuthority { amount: total, limit: authority.limit });
        }
        let rises = change.rises();
        for year in rises.keys().chain(reserved.keys()) {
            let of = |sums: &ByYear| sums.get(year).copied().unwrap_or_default();
            if of(&rises) != of(reserved) {
                let (planned, reserved) = (pounds(of(&rises)), pounds(of(reserved)));
                return Err(GrantRefusal::InstalmentsNotAsReserved { year: *year, planned, reserved });
            }
        }
        if takes_two {
            let first = FirstApproval { approver, authority };
            return Ok(GrantEvent::VariationFirstApproved { variation, first });
        }
        let change = change.clone();
        Ok(GrantEvent::VariationApproved { variation, approver, authority, first, total, change })
    }

    /// What was approved holds from now on.
    pub(super) fn varied(&mut self, total: Money, change: &Change) {
        self.terms.refused();
        self.terms.total = Some(total);
        match change {
            Change::Amount { plan, .. } | Change::Schedule { plan } => self.replanned(plan),
            Change::End { to, .. } => {
                if let Some(case) = &mut self.case {
                    case.period.1 = *to;
                }
            }
            Change::Purpose { to, .. } => self.terms.purpose = Some(to.clone()),
            Change::Payee { to, .. } => self.terms.payee = Some(*to),
        }
    }
}
