//! What happens without a guard: the state is bent by exactly what the guard looks at and asked again, so that
//! every other guard stays in force; then the fact the guard would have refused is recorded as it was asked for.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::town::{FINANCE, Town, years};
use crate::domain::calendar::FinancialYear;
use crate::domain::fund::{EventRange, Fund, FundCommand, FundEvent, GrantLink, ReleaseCause, YearShare};
use crate::domain::grant::{
    AuthoritySource, AuthorityUsed, Grant, GrantCommand, GrantEvent, Panel, PlannedInstalment,
    RecoveryCommand, SignatoryRole, VariationCommand,
};
use crate::domain::identity::{GrantId, Hash};
use crate::domain::money::Money;
use crate::domain::{Aggregate, Circumstances, Refused, judge, someone, words};

/// A guard that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    ReserveWithinAvailable,
    ReduceWithinAvailable,
    InstalmentsAddUp,
    InstalmentsAsReserved,
    InstalmentOnce,
    PaidWithinOutstanding,
    PaidAsAuthorised,
    AuthorisedOnce,
    PaidOnlyIfAuthorised,
    VoidWithDecline,
    ReleaseWithDeclinedOffer,
    PaidOnce,
    ReturnedOnce,
    BackWithinPaid,
    TransferWithinAvailable,
    BothSidesOfATransfer,
    CarryWithinAvailable,
    ClosedYearStays,
    ClosedWhenUsedUp,
    ReserveForChange,
    CommitWithChange,
    ReleaseWithChange,
    VoidWithRefusedChange,
    ChangeOfWhatStands,
    ReleaseWithTermination,
    DemandWithinPaid,
    SettledWithinDemand,
    DemandLowered,
    ReturnedUnlessSettled,
    UndoneWithinWriteOff,
}

/// Guards left out together, and the laws one history then breaks.
pub struct Switch {
    pub off: &'static [Guard],
    pub breaks: &'static [&'static str],
}

/// Which guard keeps which law.
///
/// Guards stand behind each other at a payment: the grant authorises an instalment once, and the fund pays it once.
/// Without these, the fund still keeps a pot from going below nothing, so L3 breaks only when it looks away too. The
/// year of an instalment matters only when it is paid, so for L2 the fund has to look away as well. What the partner
/// repaid is kept from coming back by the grant and by the fund. No guard keeps L9, L11 and L13:
/// `every_law_is_known_to_break_or_not_yet_to_be_at_stake` says why.
pub const SWITCHES: &[Switch] = {
    use Guard::{
        AuthorisedOnce, BackWithinPaid, BothSidesOfATransfer, CarryWithinAvailable, ChangeOfWhatStands,
        ClosedWhenUsedUp, ClosedYearStays, CommitWithChange, DemandLowered, DemandWithinPaid, InstalmentOnce,
        InstalmentsAddUp, InstalmentsAsReserved, PaidAsAuthorised, PaidOnce, PaidOnlyIfAuthorised,
        PaidWithinOutstanding, ReduceWithinAvailable, ReleaseWithChange, ReleaseWithDeclinedOffer,
        ReleaseWithTermination, ReserveForChange, ReserveWithinAvailable, ReturnedOnce,
        ReturnedUnlessSettled, SettledWithinDemand, TransferWithinAvailable, UndoneWithinWriteOff,
        VoidWithDecline, VoidWithRefusedChange,
    };
    &[
        Switch { off: &[ReserveWithinAvailable], breaks: &["L2"] },
        Switch { off: &[ReduceWithinAvailable], breaks: &["L1", "L2"] },
        Switch { off: &[InstalmentsAddUp], breaks: &["L3", "L4"] },
        Switch { off: &[InstalmentsAsReserved], breaks: &["L3"] },
        Switch { off: &[InstalmentsAsReserved, PaidWithinOutstanding], breaks: &["L2"] },
        Switch { off: &[InstalmentOnce], breaks: &["L4"] },
        Switch { off: &[PaidAsAuthorised], breaks: &["L4"] },
        Switch { off: &[AuthorisedOnce, PaidOnce], breaks: &["L5"] },
        Switch { off: &[PaidOnlyIfAuthorised, PaidOnce], breaks: &["L5"] },
        Switch { off: &[AuthorisedOnce, PaidOnce, PaidWithinOutstanding], breaks: &["L3", "L5"] },
        Switch { off: &[PaidOnlyIfAuthorised, PaidOnce, PaidWithinOutstanding], breaks: &["L3", "L5"] },
        Switch { off: &[ReturnedOnce], breaks: &["L5"] },
        Switch { off: &[BackWithinPaid], breaks: &["L2"] },
        Switch { off: &[DemandWithinPaid], breaks: &["L6"] },
        Switch { off: &[SettledWithinDemand], breaks: &["L6"] },
        Switch { off: &[DemandLowered], breaks: &["L6"] },
        Switch { off: &[ReturnedUnlessSettled, BackWithinPaid], breaks: &["L6"] },
        Switch { off: &[UndoneWithinWriteOff], breaks: &["L6"] },
        Switch { off: &[ReserveForChange], breaks: &["L12"] },
        Switch { off: &[CommitWithChange], breaks: &["L3", "L12"] },
        Switch { off: &[ReleaseWithChange], breaks: &["L4"] },
        Switch { off: &[VoidWithRefusedChange], breaks: &["L12"] },
        Switch { off: &[ChangeOfWhatStands], breaks: &["L5"] },
        Switch { off: &[ReleaseWithTermination], breaks: &["L4"] },
        Switch { off: &[TransferWithinAvailable], breaks: &["L1", "L2"] },
        Switch { off: &[BothSidesOfATransfer], breaks: &["L7"] },
        Switch { off: &[CarryWithinAvailable], breaks: &["L2"] },
        Switch { off: &[ClosedYearStays], breaks: &["L10"] },
        Switch { off: &[ClosedWhenUsedUp], breaks: &["L10"] },
        Switch { off: &[VoidWithDecline], breaks: &["L12"] },
        Switch { off: &[ReleaseWithDeclinedOffer], breaks: &["L4"] },
    ]
};

/// Guards that keep no law by themselves while the others hold.
pub const SECOND_LINES: &[Guard] =
    &[Guard::PaidWithinOutstanding, Guard::PaidOnce, Guard::ReturnedUnlessSettled];

impl Guard {
    /// The code of its refusal, or what it would have left out.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ReserveWithinAvailable => "fund.exceeds_available (on reserving)",
            Self::ReduceWithinAvailable => "fund.exceeds_available (on reducing)",
            Self::InstalmentsAddUp => "grant.instalments_do_not_add_up",
            Self::InstalmentsAsReserved => "grant.instalments_not_as_reserved",
            Self::InstalmentOnce => "grant.instalment_twice",
            Self::PaidWithinOutstanding => "fund.exceeds_outstanding",
            Self::PaidAsAuthorised => "grant.payment_differs",
            Self::AuthorisedOnce => "grant.instalment_already_authorised",
            Self::PaidOnlyIfAuthorised => "grant.instalment_not_authorised",
            Self::VoidWithDecline => "the reservation voided with a decline",
            Self::ReleaseWithDeclinedOffer => "the commitment released with a declined offer",
            Self::PaidOnce => "fund.already_paid",
            Self::ReturnedOnce => "grant.not_paid and fund.not_paid",
            Self::BackWithinPaid => "fund.exceeds_paid",
            Self::TransferWithinAvailable => "fund.exceeds_available (on transferring)",
            Self::BothSidesOfATransfer => "what one fund gives taken by the other",
            Self::CarryWithinAvailable => "fund.exceeds_available (on carrying forward)",
            Self::ClosedYearStays => "fund.year_is_closed",
            Self::ClosedWhenUsedUp => "fund.year_has_available",
            Self::ReserveForChange => "what a change needs reserved when it is asked for",
            Self::CommitWithChange => "what a change needs committed when it is approved",
            Self::ReleaseWithChange => "what a change frees released when it is approved",
            Self::VoidWithRefusedChange => "the reservation voided with a refused change",
            Self::ChangeOfWhatStands => "grant.variation_stale",
            Self::ReleaseWithTermination => "the commitment released with a termination",
            Self::DemandWithinPaid => "grant.demand_exceeds_paid",
            Self::SettledWithinDemand => "grant.exceeds_demand",
            Self::DemandLowered => "what is asked back lowered with a payment that comes back",
            Self::ReturnedUnlessSettled => "grant.returned_after_settled",
            Self::UndoneWithinWriteOff => "grant.exceeds_write_off",
        }
    }
}

fn plenty() -> Money {
    Money::new(Decimal::from(999_999_999)).unwrap()
}

impl Town {
    fn is_off(&self, guard: Guard) -> bool {
        self.off.contains(&guard)
    }

    /// Ask a fund, without the guards that are off.
    pub(super) fn ask_fund(
        &self,
        fund: &Fund,
        command: FundCommand,
        at: &Circumstances,
    ) -> Result<Vec<FundEvent>, Refused> {
        let refused = match judge(fund, command.clone(), at) {
            Err(refused) if !self.off.is_empty() => refused,
            answer => return answer,
        };
        if let Some(events) = self.close_anyway(fund, &command, refused.code) {
            return Ok(events);
        }
        let mut bent = fund.clone();
        if !self.bend_budget(&mut bent, &command, refused.code)
            && !self.bend_payments(&mut bent, &command, refused.code)
        {
            return Err(refused);
        }
        self.ask_fund(&bent, command, at)
    }

    /// What a closed year or a year with something left in it would have refused.
    fn close_anyway(&self, fund: &Fund, command: &FundCommand, code: &str) -> Option<Vec<FundEvent>> {
        match (code, command) {
            ("fund.year_is_closed", FundCommand::AllocateBudget { amount, year, source })
                if self.is_off(Guard::ClosedYearStays) =>
            {
                let (amount, year, source) = (*amount, *year, source.clone());
                Some(vec![FundEvent::BudgetAllocated { amount, year, source }])
            }
            ("fund.year_has_available", FundCommand::CloseYear { year, log_size, .. })
                if self.is_off(Guard::ClosedWhenUsedUp) =>
            {
                let figures = (&fund.years()[year]).into();
                let (year, log_size, events) = (*year, *log_size, EventRange { first: 1, last: 1 });
                Some(vec![FundEvent::YearClosed { year, figures, events, log_size }])
            }
            _ => None,
        }
    }

    /// As if there were plenty of budget.
    fn bend_budget(&self, bent: &mut Fund, command: &FundCommand, code: &str) -> bool {
        match (code, command) {
            ("fund.exceeds_available", FundCommand::ReserveCommitment { shares, .. })
                if self.is_off(Guard::ReserveWithinAvailable) =>
            {
                for share in shares {
                    bent.evolve(&allocated(share.year));
                }
            }
            ("fund.exceeds_available", FundCommand::ReduceBudget { year, .. })
                if self.is_off(Guard::ReduceWithinAvailable) =>
            {
                bent.evolve(&allocated(*year));
            }
            ("fund.exceeds_available", FundCommand::TransferOut { transfer, .. })
                if self.is_off(Guard::TransferWithinAvailable) =>
            {
                bent.evolve(&allocated(transfer.year));
            }
            ("fund.exceeds_available", FundCommand::CarryForward { from, .. })
                if self.is_off(Guard::CarryWithinAvailable) =>
            {
                bent.evolve(&allocated(*from));
            }
            _ => return false,
        }
        true
    }

    /// As if the grant had been promised, paid or not paid what the guard looks at.
    fn bend_payments(&self, bent: &mut Fund, command: &FundCommand, code: &str) -> bool {
        match (code, command) {
            ("fund.exceeds_outstanding", FundCommand::PostExpenditure { grant, year, .. })
                if self.is_off(Guard::PaidWithinOutstanding) =>
            {
                let shares = vec![YearShare { year: *year, amount: plenty() }];
                bent.evolve(&FundEvent::CommitmentConfirmed { link: self.link(*grant), shares });
            }
            (
                "fund.already_paid",
                FundCommand::PostExpenditure { grant, instalment, year, amount, value_date },
            ) if self.is_off(Guard::PaidOnce) => {
                let (link, share) = (self.link(*grant), YearShare { year: *year, amount: *amount });
                bent.evolve(&FundEvent::ExpenditureReturned {
                    link,
                    instalment: *instalment,
                    year: *year,
                    amount: *amount,
                    value_date: *value_date,
                    corrects: None,
                });
                let cause = ReleaseCause::Underspend;
                bent.evolve(&FundEvent::CommitmentReleased { link, shares: vec![share], cause });
            }
            ("fund.not_paid", FundCommand::ReturnExpenditure { grant, instalment, value_date })
                if self.is_off(Guard::ReturnedOnce) =>
            {
                let Some(plan) =
                    self.plans.get(grant).into_iter().flatten().find(|one| one.id == *instalment)
                else {
                    return false;
                };
                bent.evolve(&FundEvent::ExpenditurePosted {
                    link: self.link(*grant),
                    instalment: *instalment,
                    year: plan.year,
                    amount: plan.amount,
                    value_date: *value_date,
                    corrects: None,
                });
            }
            (
                "fund.exceeds_paid",
                FundCommand::ReturnExpenditure { grant, .. } | FundCommand::PostRecovery { grant, .. },
            ) if self.is_off(Guard::BackWithinPaid) => {
                for (number, year) in (1..).zip(years()) {
                    bent.evolve(&FundEvent::ExpenditurePosted {
                        link: self.link(*grant),
                        instalment: Uuid::from_u128(number << 64).into(),
                        year,
                        amount: plenty(),
                        value_date: self.today,
                        corrects: None,
                    });
                }
            }
            _ => return false,
        }
        true
    }

    /// Ask a grant, without the guards that are off.
    pub(super) fn ask_grant(
        &self,
        id: GrantId,
        grant: &Grant,
        command: GrantCommand,
        at: &Circumstances,
    ) -> Result<Vec<GrantEvent>, Refused> {
        let refused = match judge(grant, command.clone(), at) {
            Err(refused) if !self.off.is_empty() => refused,
            answer => return answer,
        };
        match (refused.code, command) {
            (_, command @ GrantCommand::Approve { .. }) => {
                self.approve_anyway(id, grant, command, at, refused)
            }
            ("grant.instalment_already_authorised", again) if self.is_off(Guard::AuthorisedOnce) => {
                let mut bent = grant.clone();
                self.forget_payments(id, &mut bent);
                self.ask_grant(id, &bent, again, at)
            }
            (
                "grant.instalment_not_authorised",
                GrantCommand::ConfirmPayment { instalment, amount, value_date },
            ) if self.is_off(Guard::PaidOnlyIfAuthorised) => {
                let mut bent = grant.clone();
                bent.evolve(&GrantEvent::InstalmentAuthorised {
                    instalment,
                    amount,
                    authorised_by: someone(FINANCE),
                    pay_on: value_date,
                    checks_valid_until: None,
                    bank_version: 1,
                    run: None,
                });
                self.ask_grant(id, &bent, GrantCommand::ConfirmPayment { instalment, amount, value_date }, at)
            }
            ("grant.payment_differs", GrantCommand::ConfirmPayment { instalment, amount, value_date })
                if self.is_off(Guard::PaidAsAuthorised) =>
            {
                let planned = grant.planned(instalment)?.amount;
                let as_planned = GrantCommand::ConfirmPayment { instalment, amount: planned, value_date };
                self.ask_grant(id, grant, as_planned, at)?;
                Ok(vec![GrantEvent::PaymentConfirmed {
                    instalment,
                    amount,
                    value_date,
                    run: None,
                    line: None,
                }])
            }
            (_, command) => self.after_award_anyway(grant, command, at, refused),
        }
    }

    /// What was refused after the award, recorded as it was asked for.
    fn after_award_anyway(
        &self,
        grant: &Grant,
        command: GrantCommand,
        at: &Circumstances,
        refused: Refused,
    ) -> Result<Vec<GrantEvent>, Refused> {
        let (by, on) = (at.actor.person, self.today);
        match (refused.code, command) {
            (
                "grant.demand_exceeds_paid",
                GrantCommand::Recover(RecoveryCommand::Demand { recovery, ground, amount }),
            ) if self.is_off(Guard::DemandWithinPaid) => {
                Ok(vec![GrantEvent::RecoveryDemanded { recovery, ground, amount, demanded_by: by }])
            }
            (
                "grant.exceeds_demand",
                GrantCommand::Recover(RecoveryCommand::WriteOff { recovery, amount }),
            ) if self.is_off(Guard::SettledWithinDemand) => {
                Ok(vec![GrantEvent::RecoveryWrittenOff { recovery, amount }])
            }
            (
                "grant.exceeds_write_off",
                GrantCommand::Recover(RecoveryCommand::UndoWriteOff { recovery, amount }),
            ) if self.is_off(Guard::UndoneWithinWriteOff) => {
                Ok(vec![GrantEvent::WriteOffUndone { recovery, amount }])
            }
            (
                code @ ("grant.not_paid" | "grant.returned_after_settled"),
                GrantCommand::ReturnPayment { instalment, bank_code, replacement, .. },
            ) if self.is_off(if code == "grant.not_paid" {
                Guard::ReturnedOnce
            } else {
                Guard::ReturnedUnlessSettled
            }) =>
            {
                let plan = grant.planned(instalment)?;
                let replacement = PlannedInstalment { id: replacement, ..plan.clone() };
                let (run, line, amount, value_date) = (None, None, plan.amount, on);
                Ok(vec![GrantEvent::PaymentReturned {
                    instalment,
                    run,
                    line,
                    amount,
                    value_date,
                    bank_code,
                    replacement,
                }])
            }
            (
                "grant.variation_stale",
                GrantCommand::Vary(VariationCommand::Approve { variation, authority, .. }),
            ) if self.is_off(Guard::ChangeOfWhatStands) => {
                let (change, total) = (grant.asked(variation)?.clone(), grant.total()?);
                let total = change.raises_to().unwrap_or(total);
                let (approver, first) = (by, None);
                Ok(vec![GrantEvent::VariationApproved {
                    variation,
                    approver,
                    authority,
                    first,
                    total,
                    change,
                }])
            }
            _ => Err(refused),
        }
    }

    /// An approval that was refused, without the guards on its instalments that are off.
    fn approve_anyway(
        &self,
        id: GrantId,
        grant: &Grant,
        command: GrantCommand,
        at: &Circumstances,
        refused: Refused,
    ) -> Result<Vec<GrantEvent>, Refused> {
        let GrantCommand::Approve { instalments, terms_version, mut ground } = command else {
            return Err(refused);
        };
        let (mut bent, mut plan) = (grant.clone(), instalments.clone());
        match refused.code {
            "grant.instalments_do_not_add_up" if self.is_off(Guard::InstalmentsAddUp) => {
                let total = instalments.iter().map(|one| one.amount.pounds()).sum();
                let (proposer, amount) = (someone(0), Money::new(total).unwrap());
                bent.evolve(&GrantEvent::Recommended { proposer, amount, panel: Panel::default() });
            }
            "grant.instalments_not_as_reserved" if self.is_off(Guard::InstalmentsAsReserved) => {
                ground.reserved = by_year(&instalments);
            }
            "grant.instalment_twice" if self.is_off(Guard::InstalmentOnce) => {
                for (number, one) in (1000..).zip(&mut plan) {
                    one.id = Uuid::from_u128(number).into();
                }
            }
            _ => return Err(refused),
        }
        let approve = GrantCommand::Approve { instalments: plan, terms_version, ground };
        let mut events = self.ask_grant(id, &bent, approve, at)?;
        for event in &mut events {
            if let GrantEvent::Approved { amount, instalments: recorded, .. }
            | GrantEvent::FirstApprovalGiven { amount, instalments: recorded, .. } = event
            {
                (*amount, *recorded) = (self.recommended[&id], instalments.clone());
            }
        }
        Ok(events)
    }

    /// Every instalment as if nothing had been authorised or paid.
    fn forget_payments(&self, id: GrantId, grant: &mut Grant) {
        grant.evolve(&GrantEvent::Approved {
            approver: someone(0),
            amount: plenty(),
            authority: AuthorityUsed { source: AuthoritySource::Words(words("nobody")), limit: plenty() },
            first: None,
            instalments: self.plans[&id].clone(),
            terms_version: words("2026-1"),
        });
        grant.evolve(&GrantEvent::OfferAccepted {
            terms_hash: Hash::of(b"terms"),
            signatory: someone(0),
            signatory_role: SignatoryRole::Chair,
        });
    }

    fn link(&self, grant: GrantId) -> GrantLink {
        let of_case = self.grants.get(&grant).and_then(|grant| grant.subject().ok());
        let (programme, partner) = of_case.map(|case| (case.programme, case.partner)).unwrap_or_default();
        GrantLink { grant, programme, partner }
    }
}

fn allocated(year: FinancialYear) -> FundEvent {
    FundEvent::BudgetAllocated { amount: plenty(), year, source: words("Nowhere") }
}

fn by_year(instalments: &[PlannedInstalment]) -> BTreeMap<FinancialYear, Decimal> {
    let mut sums = BTreeMap::new();
    for one in instalments {
        *sums.entry(one.year).or_default() += one.amount.pounds();
    }
    sums
}
