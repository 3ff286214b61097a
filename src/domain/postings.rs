//! Double entry: what each fact of a fund moves, from where to where. The ledger and its laws rest on this and on
//! nothing else.

use rust_decimal::Decimal;

use super::calendar::FinancialYear;
use super::fund::{ClosedFigures, FundEvent, GrantLink, YearShare};
use super::grant::{GrantEvent, PlannedInstalment, Replan};
use super::identity::InstalmentId;
use super::money::Money;

codes! {
    /// Where money of a fund can be.
    pub enum Pot {
        "funder" => Funder, "with the funder";
        "available" => Available, "available";
        "reserved" => Reserved, "reserved";
        "committed" => Committed, "committed";
        "spent" => Spent, "paid";
        "other_fund" => OtherFund, "in another fund";
        "other_year" => OtherYear, "in another year";
    }
}

codes! {
    /// What kind of movement a line of the ledger is.
    pub enum Movement {
        "allocate" => Allocate, "budget allocated";
        "reduce" => Reduce, "budget reduced";
        "reserve" => Reserve, "reserved";
        "void" => Void, "reservation voided";
        "commit" => Commit, "committed";
        "release" => Release, "commitment released";
        "pay" => Pay, "paid";
        "return" => Return, "payment returned";
        "recover" => Recover, "recovered";
        "transfer_out" => TransferOut, "transferred to another fund";
        "transfer_in" => TransferIn, "transferred from another fund";
        "carry_out" => CarryOut, "carried forward to a later year";
        "carry_in" => CarryIn, "carried forward from an earlier year";
        "move_out" => MoveOut, "commitment moved to the next year";
        "move_in" => MoveIn, "commitment moved from the year before";
    }
}

impl Movement {
    /// From which pot to which.
    #[must_use]
    pub const fn way(self) -> (Pot, Pot) {
        match self {
            Self::Allocate => (Pot::Funder, Pot::Available),
            Self::Reduce => (Pot::Available, Pot::Funder),
            Self::Reserve => (Pot::Available, Pot::Reserved),
            Self::Void => (Pot::Reserved, Pot::Available),
            Self::Commit => (Pot::Reserved, Pot::Committed),
            Self::Release => (Pot::Committed, Pot::Available),
            Self::Pay => (Pot::Committed, Pot::Spent),
            Self::Return => (Pot::Spent, Pot::Committed),
            Self::Recover => (Pot::Spent, Pot::Available),
            Self::TransferOut => (Pot::Available, Pot::OtherFund),
            Self::TransferIn => (Pot::OtherFund, Pot::Available),
            Self::CarryOut => (Pot::Available, Pot::OtherYear),
            Self::CarryIn => (Pot::OtherYear, Pot::Available),
            Self::MoveOut => (Pot::Committed, Pot::OtherYear),
            Self::MoveIn => (Pot::OtherYear, Pot::Committed),
        }
    }
}

/// One line of the ledger: an amount that moved from one pot to another in one year's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// What kind of movement.
    pub movement: Movement,
    /// In which year's budget.
    pub year: FinancialYear,
    /// The closed year it concerns, where it comes late for that.
    pub corrects: Option<FinancialYear>,
    /// GBP.
    pub amount: Money,
    /// For which grant, where it is for one.
    pub link: Option<GrantLink>,
    /// For which instalment, where it is for one.
    pub instalment: Option<InstalmentId>,
}

const fn line(movement: Movement, year: FinancialYear, amount: Money) -> Posting {
    Posting { movement, year, corrects: None, amount, link: None, instalment: None }
}

fn lines(movement: Movement, link: &GrantLink, shares: &[YearShare]) -> Vec<Posting> {
    let of = |share: &YearShare| Posting { link: Some(*link), ..line(movement, share.year, share.amount) };
    shares.iter().map(of).collect()
}

/// What a fact of a fund moves.
#[must_use]
pub fn postings(event: &FundEvent) -> Vec<Posting> {
    match event {
        FundEvent::Opened { .. } | FundEvent::YearClosed { .. } | FundEvent::Closed { .. } => Vec::new(),
        FundEvent::BudgetAllocated { amount, year, .. } => vec![line(Movement::Allocate, *year, *amount)],
        FundEvent::BudgetReduced { amount, year, .. } => vec![line(Movement::Reduce, *year, *amount)],
        FundEvent::CommitmentReserved { link, shares, .. } => lines(Movement::Reserve, link, shares),
        FundEvent::ReservationVoided { link, shares, .. } => lines(Movement::Void, link, shares),
        FundEvent::CommitmentConfirmed { link, shares } | FundEvent::CommitmentIncreased { link, shares } => {
            lines(Movement::Commit, link, shares)
        }
        FundEvent::CommitmentReleased { link, shares, .. } => lines(Movement::Release, link, shares),
        FundEvent::ExpenditurePosted { link, instalment, year, amount, corrects, .. } => vec![Posting {
            link: Some(*link),
            instalment: Some(*instalment),
            corrects: *corrects,
            ..line(Movement::Pay, *year, *amount)
        }],
        FundEvent::ExpenditureReturned { link, instalment, year, amount, corrects, .. } => vec![Posting {
            link: Some(*link),
            instalment: Some(*instalment),
            corrects: *corrects,
            ..line(Movement::Return, *year, *amount)
        }],
        FundEvent::RecoveryPosted { link, shares, .. } => shares
            .iter()
            .map(|share| Posting {
                link: Some(*link),
                corrects: share.corrects,
                ..line(Movement::Recover, share.year, share.amount)
            })
            .collect(),
        FundEvent::BudgetTransferredOut { amount, year, .. } => {
            vec![line(Movement::TransferOut, *year, *amount)]
        }
        FundEvent::BudgetTransferredIn { amount, year, .. } => {
            vec![line(Movement::TransferIn, *year, *amount)]
        }
        FundEvent::BudgetCarriedForward { from, to, amount } => {
            vec![line(Movement::CarryOut, *from, *amount), line(Movement::CarryIn, *to, *amount)]
        }
        FundEvent::CommitmentCarriedForward { link, from, to, amount } => {
            [(Movement::MoveOut, from), (Movement::MoveIn, to)]
                .map(|(movement, year)| Posting { link: Some(*link), ..line(movement, *year, *amount) })
                .into()
        }
    }
}

/// What a fact of a grant changes in what is known of its payments to come, and of money that will not come back.
/// Neither moves anything between the pots of a fund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// An instalment is to be paid.
    Planned(PlannedInstalment),
    /// An instalment is no longer to be paid: it is paid, replaced or cancelled.
    Done(InstalmentId),
    /// No instalment is to be paid any more.
    AllDone,
    /// Money to be got back was given up, GBP.
    WrittenOff(Money),
    /// Money that was given up is asked for again, GBP.
    AskedAgain(Money),
}

/// What a fact of a grant changes in what is expected of it.
#[must_use]
pub fn expectations(event: &GrantEvent) -> Vec<Expectation> {
    match event {
        GrantEvent::Approved { instalments, .. } => {
            instalments.iter().cloned().map(Expectation::Planned).collect()
        }
        GrantEvent::PaymentConfirmed { instalment, .. } => vec![Expectation::Done(*instalment)],
        GrantEvent::OfferDeclined {} | GrantEvent::OfferLapsed { .. } | GrantEvent::Terminated { .. } => {
            vec![Expectation::AllDone]
        }
        GrantEvent::VariationApproved { change, .. } => change.plan().map(replanned).unwrap_or_default(),
        GrantEvent::UnspentReleased { plan, .. } => replanned(plan),
        GrantEvent::PaymentRejected { instalment, replacement, .. }
        | GrantEvent::PaymentReturned { instalment, replacement, .. } => {
            vec![Expectation::Done(*instalment), Expectation::Planned(replacement.clone())]
        }
        GrantEvent::RecoveryWrittenOff { amount, .. } => vec![Expectation::WrittenOff(*amount)],
        GrantEvent::WriteOffUndone { amount, .. } => vec![Expectation::AskedAgain(*amount)],
        GrantEvent::InterestReceived { .. }
        | GrantEvent::InvitedToApply { .. }
        | GrantEvent::InterestDeclined { .. }
        | GrantEvent::DirectAwardProposed { .. }
        | GrantEvent::ApplicationSubmitted { .. }
        | GrantEvent::MoreInformationRequested { .. }
        | GrantEvent::InformationSupplied { .. }
        | GrantEvent::AssessorRecused { .. }
        | GrantEvent::ScoreSuperseded { .. }
        | GrantEvent::FirstApprovalGiven { .. }
        | GrantEvent::EligibilityConfirmed { .. }
        | GrantEvent::EligibilityRefused { .. }
        | GrantEvent::ConflictDeclared { .. }
        | GrantEvent::AssessorAssigned { .. }
        | GrantEvent::ScoreRecorded { .. }
        | GrantEvent::Recommended { .. }
        | GrantEvent::Declined { .. }
        | GrantEvent::ApplicationWithdrawn {}
        | GrantEvent::OfferIssued { .. }
        | GrantEvent::OfferAccepted { .. }
        | GrantEvent::ConditionMet { .. }
        | GrantEvent::InstalmentAuthorised { .. }
        | GrantEvent::InstalmentAuthorisationWithdrawn { .. }
        | GrantEvent::InstalmentPutInRun { .. }
        | GrantEvent::InstalmentTakenFromRun { .. }
        | GrantEvent::ConditionWaived { .. }
        | GrantEvent::MonitoringReturnRequested { .. }
        | GrantEvent::MonitoringReturnSubmitted { .. }
        | GrantEvent::MonitoringReturnQueried { .. }
        | GrantEvent::MonitoringReturnAccepted { .. }
        | GrantEvent::MonitoringReturnWaived { .. }
        | GrantEvent::VariationRequested { .. }
        | GrantEvent::VariationFirstApproved { .. }
        | GrantEvent::VariationRefused { .. }
        | GrantEvent::Suspended { .. }
        | GrantEvent::Resumed {}
        | GrantEvent::UnderspendDeclared { .. }
        | GrantEvent::RecoveryDemanded { .. }
        | GrantEvent::RecoveryReceived { .. }
        | GrantEvent::RecoveryReduced { .. }
        | GrantEvent::TerminationProposed { .. }
        | GrantEvent::TerminationWithdrawn { .. }
        | GrantEvent::AnnualReviewCompleted { .. }
        | GrantEvent::Closed { .. } => Vec::new(),
    }
}

fn replanned(plan: &Replan) -> Vec<Expectation> {
    let gone = plan.from.iter().map(|one| Expectation::Done(one.id));
    gone.chain(plan.to.iter().cloned().map(Expectation::Planned)).collect()
}

/// What a fund, a programme, a partner, a year or a place comes to, in pounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Put in, less taken out: by the funder, by transfer and by carrying forward.
    pub budget: Decimal,
    /// Can still be reserved.
    pub available: Decimal,
    /// Set aside for grants that are recommended.
    pub reserved: Decimal,
    /// Promised and not yet paid: outstanding.
    pub committed: Decimal,
    /// Paid, before what came back.
    pub paid: Decimal,
    /// Paid, but came back from the bank.
    pub returned: Decimal,
    /// Paid, but got back from the partner.
    pub recovered: Decimal,
}

impl Figures {
    /// Paid, less what came back from the bank.
    #[must_use]
    pub fn paid_net(&self) -> Decimal {
        self.paid - self.returned
    }

    /// What the pot of spent money holds: paid, less what came back from the bank and from partners.
    #[must_use]
    pub fn spent(&self) -> Decimal {
        self.paid_net() - self.recovered
    }

    /// Take one movement in.
    pub fn post(&mut self, movement: Movement, amount: Decimal) {
        let (from, to) = movement.way();
        self.add(from, -amount);
        self.add(to, amount);
        match movement {
            Movement::Pay => self.paid += amount,
            Movement::Return => self.returned += amount,
            Movement::Recover => self.recovered += amount,
            Movement::Allocate
            | Movement::Reduce
            | Movement::Reserve
            | Movement::Void
            | Movement::Commit
            | Movement::Release
            | Movement::TransferOut
            | Movement::TransferIn
            | Movement::CarryOut
            | Movement::CarryIn
            | Movement::MoveOut
            | Movement::MoveIn => {}
        }
    }

    /// What came from outside is the budget, so those pots count the other way round. What is spent is kept gross,
    /// movement by movement.
    fn add(&mut self, pot: Pot, amount: Decimal) {
        match pot {
            Pot::Funder | Pot::OtherFund | Pot::OtherYear => self.budget -= amount,
            Pot::Available => self.available += amount,
            Pot::Reserved => self.reserved += amount,
            Pot::Committed => self.committed += amount,
            Pot::Spent => {}
        }
    }
}

impl From<&Figures> for ClosedFigures {
    fn from(figures: &Figures) -> Self {
        Self {
            budget: figures.budget.into(),
            paid: figures.paid.into(),
            returned: figures.returned.into(),
            recovered: figures.recovered.into(),
        }
    }
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.budget += other.budget;
        self.available += other.available;
        self.reserved += other.reserved;
        self.committed += other.committed;
        self.paid += other.paid;
        self.returned += other.returned;
        self.recovered += other.recovered;
    }
}

/// What is known from the grants and is no movement of a fund, in pounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// Promised and due by the day of the cut, but not paid: the work is agreed and the payment is owed.
    pub accrued: Decimal,
    /// Promised and due after the day of the cut.
    pub forecast: Decimal,
    /// Demanded back and given up.
    pub written_off: Decimal,
}

impl std::ops::AddAssign for Expected {
    fn add_assign(&mut self, other: Self) {
        self.accrued += other.accrued;
        self.forecast += other.forecast;
        self.written_off += other.written_off;
    }
}
