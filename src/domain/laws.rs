//! The laws of the ledger, checked over books that are kept from the facts alone. Property tests, `verify` and the
//! API use this one module. It shares no state with the aggregates whose guards are meant to keep the laws.

mod runs;

use std::collections::BTreeMap;
use std::fmt::Display;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::calendar::FinancialYear;
use super::fund::{ClosedFigures, FundEvent};
use super::grant::{GrantEvent, Replan};
use super::identity::{FundId, GrantId, InstalmentId, RunId, TransferId};
use super::money::pounds;
use super::postings::{Figures, Movement, Posting, Pot, postings};
use super::record::{Fact, beside_money};

/// One law of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    /// Its number in the design.
    pub code: &'static str,
    /// What it says.
    pub says: &'static str,
}

/// The laws that are checked, in order.
pub const LAWS: [Law; 13] = [
    Law {
        code: "L1",
        says: "A budget equals what flowed in, less what flowed out, and is never below nothing, save by what goes \
               back to the funder for a closed year.",
    },
    Law {
        code: "L2",
        says: "Budget = available + reserved + committed + spent (paid, less returned and recovered); none is \
               below nothing, save what is spent by what came back for a closed year.",
    },
    Law { code: "L3", says: "Awarded = released + outstanding + paid, and none of them is below nothing." },
    Law {
        code: "L4",
        says: "The instalments still planned or paid come to what was awarded, less what was released.",
    },
    Law { code: "L5", says: "What a fund paid for a grant equals the grant’s paid instalments." },
    Law {
        code: "L6",
        says: "Recovered + written off is at most what was demanded, and that at most what was paid; no more is asked \
               for again than was written off.",
    },
    Law { code: "L7", says: "What one fund gives in a transfer, another takes: transfers sum to nothing." },
    Law {
        code: "L8",
        says: "A payment run comes to its exported file; what was paid, rejected and is pending comes to both, as the \
               grants have it; and an instalment is in at most one live run.",
    },
    Law {
        code: "L9",
        says: "Every breakdown adds up to the same total: by fund, funder, programme, track, lead partner, delivery \
               partner, year and place.",
    },
    Law {
        code: "L10",
        says: "The same cut gives the same figures for ever, and a closed year keeps the figures it was closed with.",
    },
    Law { code: "L11", says: "The movements of every event balance." },
    Law {
        code: "L12",
        says: "Money is reserved for a grant while it is recommended or more is asked for it, and at no other time.",
    },
    Law {
        code: "L13",
        says: "What is published equals the ledger, and the ledger the books kept from the log.",
    },
];

/// A law that does not hold, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Which law.
    pub law: &'static str,
    /// Of which fund, grant or event.
    pub of: String,
    /// The figures that do not fit.
    pub sentence: String,
}

#[derive(Debug, Clone, Default)]
struct FundBook {
    years: BTreeMap<FinancialYear, YearBook>,
}

#[derive(Debug, Clone, Default)]
struct YearBook {
    figures: Figures,
    /// What the facts of the budget come to.
    flows: Decimal,
    /// What came back in this year for one that was closed.
    corrected: Decimal,
    closed: Option<ClosedFigures>,
}

#[derive(Debug, Clone, Default)]
struct GrantBook {
    awarded: Decimal,
    instalments: BTreeMap<InstalmentId, (Decimal, bool)>,
    recommended: bool,
    increase_asked: bool,
    reserved: Decimal,
    committed: Decimal,
    released: Decimal,
    paid: Decimal,
    demanded: Decimal,
    recovered: Decimal,
    written_off: Decimal,
}

/// Books kept from facts: what each fund and each grant has come to.
#[derive(Debug, Clone, Default)]
pub struct Books {
    funds: BTreeMap<FundId, FundBook>,
    grants: BTreeMap<GrantId, GrantBook>,
    runs: runs::RunBooks,
    /// What was given less what was taken.
    transfers: BTreeMap<TransferId, Decimal>,
    unbalanced: Vec<Breach>,
}

impl Books {
    /// Take one fact of a stream into the books.
    pub fn take(&mut self, stream: Uuid, fact: &Fact) {
        match fact {
            Fact::Fund(event) => self.take_fund(FundId(stream), event),
            Fact::Grant(event) => {
                self.take_grant(GrantId(stream), event);
                self.runs.take_grant(event);
            }
            Fact::PaymentRun(event) => self.runs.take_run(RunId(stream), event),
            Fact::Partner(_) | Fact::Programme(_) | Fact::Delegation(_) | beside_money!() => {}
        }
    }

    fn take_fund(&mut self, fund: FundId, event: &FundEvent) {
        let lines = postings(event);
        if let Some(breach) = unbalanced(fund, &lines) {
            self.unbalanced.push(breach);
        }
        let book = self.funds.entry(fund).or_default();
        for line in &lines {
            let amount = line.amount.pounds();
            let year = book.years.entry(line.year).or_default();
            year.figures.post(line.movement, amount);
            let came_back = matches!(line.movement, Movement::Return | Movement::Recover);
            if came_back && line.corrects.is_some() {
                year.corrected += amount;
            }
            if let Some(link) = line.link {
                self.grants.entry(link.grant).or_default().post(line.movement, amount);
            }
        }
        for (year, flow) in book.take(event) {
            book.years.entry(year).or_default().flows += flow;
        }
        if let FundEvent::BudgetTransferredOut { transfer, amount, .. } = event {
            *self.transfers.entry(*transfer).or_default() += amount.pounds();
        }
        if let FundEvent::BudgetTransferredIn { transfer, amount, .. } = event {
            *self.transfers.entry(*transfer).or_default() -= amount.pounds();
        }
    }

    #[expect(clippy::too_many_lines, reason = "a list: one arm for each fact")]
    fn take_grant(&mut self, grant: GrantId, event: &GrantEvent) {
        let book = self.grants.entry(grant).or_default();
        match event {
            GrantEvent::Recommended { .. } => book.recommended = true,
            GrantEvent::Declined { .. } | GrantEvent::ApplicationWithdrawn {} => book.recommended = false,
            GrantEvent::Approved { amount, instalments, .. } => {
                book.recommended = false;
                book.awarded += amount.pounds();
                for one in instalments {
                    book.instalments.insert(one.id, (one.amount.pounds(), false));
                }
            }
            GrantEvent::OfferDeclined {} | GrantEvent::OfferLapsed { .. } | GrantEvent::Terminated { .. } => {
                book.instalments.retain(|_, (_, paid)| *paid);
            }
            GrantEvent::PaymentConfirmed { instalment, amount, .. } => {
                book.instalments.insert(*instalment, (amount.pounds(), true));
            }
            GrantEvent::VariationRequested { change, .. } => {
                book.increase_asked = !change.rises().is_empty();
            }
            GrantEvent::VariationApproved { change, .. } => {
                book.increase_asked = false;
                // Money that moves from one year to another is released in the one and awarded anew in the other.
                book.awarded += change.rises().values().sum::<Decimal>();
                if let Some(plan) = change.plan() {
                    book.replan(plan);
                }
            }
            GrantEvent::VariationRefused { .. } => book.increase_asked = false,
            GrantEvent::UnspentReleased { plan, .. } => book.replan(plan),
            GrantEvent::RecoveryDemanded { amount, .. } => book.demanded += amount.pounds(),
            GrantEvent::RecoveryReduced { amount, .. } => book.demanded -= amount.pounds(),
            GrantEvent::RecoveryWrittenOff { amount, .. } => book.written_off += amount.pounds(),
            GrantEvent::WriteOffUndone { amount, .. } => book.written_off -= amount.pounds(),
            GrantEvent::PaymentRejected { instalment, replacement, .. }
            | GrantEvent::PaymentReturned { instalment, replacement, .. } => {
                book.instalments.remove(instalment);
                book.instalments.insert(replacement.id, (replacement.amount.pounds(), false));
            }
            GrantEvent::InterestReceived { .. }
            | GrantEvent::InvitedToApply { .. }
            | GrantEvent::InterestDeclined { .. }
            | GrantEvent::DirectAwardProposed { .. }
            | GrantEvent::MoreInformationRequested { .. }
            | GrantEvent::InformationSupplied { .. }
            | GrantEvent::AssessorRecused { .. }
            | GrantEvent::ScoreSuperseded { .. }
            | GrantEvent::FirstApprovalGiven { .. }
            | GrantEvent::ApplicationSubmitted { .. }
            | GrantEvent::EligibilityConfirmed { .. }
            | GrantEvent::EligibilityRefused { .. }
            | GrantEvent::ConflictDeclared { .. }
            | GrantEvent::AssessorAssigned { .. }
            | GrantEvent::ScoreRecorded { .. }
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
            | GrantEvent::VariationFirstApproved { .. }
            | GrantEvent::Suspended { .. }
            | GrantEvent::Resumed {}
            | GrantEvent::UnderspendDeclared { .. }
            | GrantEvent::RecoveryReceived { .. }
            | GrantEvent::TerminationProposed { .. }
            | GrantEvent::TerminationWithdrawn { .. }
            | GrantEvent::AnnualReviewCompleted { .. }
            | GrantEvent::Closed { .. } => {}
        }
    }

    /// The figures of a fund over all years.
    #[must_use]
    pub fn fund(&self, fund: FundId) -> Figures {
        self.funds.get(&fund).map(|book| total(book.years.values())).unwrap_or_default()
    }

    /// The figures of every fund in every year that has any.
    #[must_use]
    pub fn figures(&self) -> BTreeMap<(FundId, FinancialYear), Figures> {
        let years = |(fund, book): (&FundId, &FundBook)| {
            let fund = *fund;
            let of_year = move |(year, book): (&FinancialYear, &YearBook)| ((fund, *year), book.figures);
            book.years.iter().map(of_year).collect::<Vec<_>>()
        };
        self.funds.iter().flat_map(years).collect()
    }

    /// The funds the books know.
    pub fn funds(&self) -> impl Iterator<Item = FundId> {
        self.funds.keys().copied()
    }

    /// Every law that does not hold.
    #[must_use]
    pub fn breaches(&self) -> Vec<Breach> {
        let funds = self.funds.iter().flat_map(|(id, book)| book.breaches(*id));
        let grants = self.grants.iter().flat_map(|(id, book)| book.breaches(*id));
        let transfers = self.transfers.iter().filter_map(|(id, left)| {
            breach_unless(left.is_zero(), "L7", format_args!("transfer {id}"), || {
                format!("what was given less what was taken is {}", pounds(*left))
            })
        });
        let unbalanced = self.unbalanced.iter().cloned();
        funds.chain(grants).chain(transfers).chain(self.runs.breaches()).chain(unbalanced).collect()
    }
}

fn total<'a>(years: impl Iterator<Item = &'a YearBook>) -> Figures {
    let mut sum = Figures::default();
    years.for_each(|one| sum += one.figures);
    sum
}

fn breach_unless(
    holds: bool,
    law: &'static str,
    of: impl Display,
    sentence: impl FnOnce() -> String,
) -> Option<Breach> {
    (!holds).then(|| Breach { law, of: of.to_string(), sentence: sentence() })
}

fn unbalanced(fund: FundId, lines: &[Posting]) -> Option<Breach> {
    let mut moved = Figures::default();
    let mut between_years = Decimal::ZERO;
    for line in lines {
        let amount = line.amount.pounds();
        moved.post(line.movement, amount);
        let (from, to) = line.movement.way();
        between_years += if to == Pot::OtherYear { amount } else { Decimal::ZERO };
        between_years -= if from == Pot::OtherYear { amount } else { Decimal::ZERO };
    }
    let inside = moved.available + moved.reserved + moved.committed + moved.spent();
    let of = format_args!("fund {fund}");
    breach_unless(inside == moved.budget, "L11", of, || {
        format!("{} came in but {} went to pots", pounds(moved.budget), pounds(inside))
    })
    .or_else(|| {
        breach_unless(between_years.is_zero(), "L11", of, || {
            format!("{} left a year and reached no other", pounds(between_years))
        })
    })
}

impl FundBook {
    /// What a fact does to the budget of which years, read from the fact itself.
    fn take(&mut self, event: &FundEvent) -> Vec<(FinancialYear, Decimal)> {
        match event {
            FundEvent::BudgetAllocated { amount, year, .. }
            | FundEvent::BudgetTransferredIn { amount, year, .. } => vec![(*year, amount.pounds())],
            FundEvent::BudgetReduced { amount, year, .. }
            | FundEvent::BudgetTransferredOut { amount, year, .. } => vec![(*year, -amount.pounds())],
            FundEvent::BudgetCarriedForward { from, to, amount }
            | FundEvent::CommitmentCarriedForward { from, to, amount, .. } => {
                vec![(*from, -amount.pounds()), (*to, amount.pounds())]
            }
            FundEvent::YearClosed { year, figures, .. } => {
                self.years.entry(*year).or_default().closed = Some(*figures);
                Vec::new()
            }
            FundEvent::Opened { .. }
            | FundEvent::CommitmentReserved { .. }
            | FundEvent::ReservationVoided { .. }
            | FundEvent::CommitmentConfirmed { .. }
            | FundEvent::CommitmentIncreased { .. }
            | FundEvent::CommitmentReleased { .. }
            | FundEvent::ExpenditurePosted { .. }
            | FundEvent::ExpenditureReturned { .. }
            | FundEvent::RecoveryPosted { .. }
            | FundEvent::Closed { .. } => Vec::new(),
        }
    }

    fn breaches(&self, id: FundId) -> Vec<Breach> {
        self.years.iter().flat_map(|(year, book)| book.breaches(&format!("fund {id} in {year}"))).collect()
    }
}

impl YearBook {
    fn breaches(&self, of: &str) -> Vec<Breach> {
        let Figures { budget, available, reserved, committed, .. } = self.figures;
        let spent = self.figures.spent();
        let pots = available + reserved + committed + spent;
        let lowest = available.min(reserved).min(committed).min(spent + self.corrected);
        [
            breach_unless(budget == self.flows, "L1", of, || {
                format!("the budget is {}, its flows come to {}", pounds(budget), pounds(self.flows))
            }),
            breach_unless(budget + self.corrected >= Decimal::ZERO, "L1", of, || {
                format!("the budget is {}", pounds(budget))
            }),
            breach_unless(budget == pots, "L2", of, || {
                format!("the budget is {}, the pots come to {}", pounds(budget), pounds(pots))
            }),
            breach_unless(lowest >= Decimal::ZERO, "L2", of, || {
                format!("a pot stands at {}", pounds(lowest))
            }),
            breach_unless(self.keeps_its_closing(), "L10", of, || {
                "the year was closed and its figures have changed since".into()
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether the year is open, or stands as it was closed.
    fn keeps_its_closing(&self) -> bool {
        let Figures { available, reserved, committed, .. } = self.figures;
        self.closed.is_none_or(|closed| {
            ClosedFigures::from(&self.figures) == closed
                && [available, reserved, committed].iter().all(Decimal::is_zero)
        })
    }
}

impl GrantBook {
    /// What was planned gives way to what is planned now.
    fn replan(&mut self, plan: &Replan) {
        for one in &plan.from {
            self.instalments.remove(&one.id);
        }
        self.instalments.extend(plan.to.iter().map(|one| (one.id, (one.amount.pounds(), false))));
    }

    fn post(&mut self, movement: Movement, amount: Decimal) {
        match movement {
            Movement::Reserve => self.reserved += amount,
            Movement::Void => self.reserved -= amount,
            Movement::Commit => {
                self.reserved -= amount;
                self.committed += amount;
            }
            Movement::Release => {
                self.committed -= amount;
                self.released += amount;
            }
            Movement::Pay => {
                self.committed -= amount;
                self.paid += amount;
            }
            Movement::Return => {
                self.paid -= amount;
                self.committed += amount;
            }
            Movement::Recover => self.recovered += amount,
            // A promise that moves to the next year stays promised.
            Movement::MoveOut
            | Movement::MoveIn
            | Movement::Allocate
            | Movement::Reduce
            | Movement::TransferOut
            | Movement::TransferIn
            | Movement::CarryOut
            | Movement::CarryIn => {}
        }
    }

    fn breaches(&self, id: GrantId) -> Vec<Breach> {
        let of = format_args!("grant {id}");
        let used = self.released + self.committed + self.paid;
        let lowest = self.released.min(self.committed).min(self.paid);
        let live: Decimal = self.instalments.values().map(|(amount, _)| *amount).sum();
        let paid: Decimal =
            self.instalments.values().filter(|(_, paid)| *paid).map(|(amount, _)| *amount).sum();
        let settled = self.recovered + self.written_off;
        let within_demand =
            self.written_off >= Decimal::ZERO && settled <= self.demanded && self.demanded <= self.paid;
        [
            breach_unless(self.awarded == used && lowest >= Decimal::ZERO, "L3", of, || {
                format!(
                    "{} was awarded; {} released, {} outstanding and {} paid",
                    pounds(self.awarded),
                    pounds(self.released),
                    pounds(self.committed),
                    pounds(self.paid)
                )
            }),
            breach_unless(live == self.awarded - self.released, "L4", of, || {
                format!(
                    "the instalments come to {}, awarded less released to {}",
                    pounds(live),
                    pounds(self.awarded - self.released)
                )
            }),
            breach_unless(self.paid == paid, "L5", of, || {
                format!("the fund paid {}, the instalments say {}", pounds(self.paid), pounds(paid))
            }),
            breach_unless(within_demand, "L6", of, || {
                format!(
                    "{} settled of {} demanded and {} paid",
                    pounds(settled),
                    pounds(self.demanded),
                    pounds(self.paid)
                )
            }),
            breach_unless(
                if self.recommended || self.increase_asked {
                    self.reserved > Decimal::ZERO
                } else {
                    self.reserved.is_zero()
                },
                "L12",
                of,
                || {
                    format!(
                        "{} is reserved; the grant is {}recommended, and {} is asked for it",
                        pounds(self.reserved),
                        if self.recommended { "" } else { "not " },
                        if self.increase_asked { "more" } else { "no more" }
                    )
                },
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests;
