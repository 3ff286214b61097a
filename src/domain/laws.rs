//! The laws of the ledger, checked over books that are kept from the facts alone. Property tests, `verify` and the
//! API use this one module. It shares no state with the aggregates whose guards are meant to keep the laws.

use std::collections::BTreeMap;
use std::fmt::Display;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::calendar::FinancialYear;
use super::fund::FundEvent;
use super::grant::{GrantEvent, Replan};
use super::identity::{FundId, GrantId, InstalmentId};
use super::money::pounds;
use super::postings::{Figures, Movement, Posting, postings};
use super::record::Fact;

/// One law of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    /// Its number in the design.
    pub code: &'static str,
    /// What it says.
    pub says: &'static str,
}

/// The laws that are checked, in order.
pub const LAWS: [Law; 8] = [
    Law {
        code: "L1",
        says: "A budget is never below nothing and equals what flowed in, less what flowed out.",
    },
    Law {
        code: "L2",
        says: "Budget = available + reserved + committed + paid, and available is never below nothing.",
    },
    Law { code: "L3", says: "Awarded = released + outstanding + paid, and none of them is below nothing." },
    Law {
        code: "L4",
        says: "The instalments still planned or paid come to what was awarded, less what was released.",
    },
    Law { code: "L5", says: "What a fund paid for a grant equals the grant’s paid instalments." },
    Law {
        code: "L6",
        says: "Recovered + written off is at most what was demanded, and that at most what was paid.",
    },
    Law { code: "L11", says: "The movements of every event balance." },
    Law {
        code: "L12",
        says: "Money is reserved for a grant while it is recommended or more is asked for it, and at no other time.",
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
    allocated: Decimal,
    reduced: Decimal,
    years: BTreeMap<FinancialYear, Figures>,
}

#[derive(Debug, Clone, Default)]
struct GrantBook {
    awarded: Decimal,
    instalments: BTreeMap<InstalmentId, (Decimal, bool)>,
    cancelled: bool,
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
    unbalanced: Vec<Breach>,
}

impl Books {
    /// Take one fact of a stream into the books.
    pub fn take(&mut self, stream: Uuid, fact: &Fact) {
        match fact {
            Fact::Fund(event) => self.take_fund(FundId(stream), event),
            Fact::Grant(event) => self.take_grant(GrantId(stream), event),
            Fact::Partner(_) | Fact::Programme(_) => {}
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
            book.years.entry(line.year).or_default().post(line.movement, amount);
            match line.movement {
                Movement::Allocate => book.allocated += amount,
                Movement::Reduce => book.reduced += amount,
                Movement::Reserve
                | Movement::Void
                | Movement::Commit
                | Movement::Release
                | Movement::Pay
                | Movement::Return
                | Movement::Recover => {
                    if let Some(link) = line.link {
                        self.grants.entry(link.grant).or_default().post(line.movement, amount);
                    }
                }
            }
        }
    }

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
            GrantEvent::OfferDeclined {} | GrantEvent::Terminated { .. } => book.cancelled = true,
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
            GrantEvent::RecoveryWrittenOff { amount, .. } => book.written_off += amount.pounds(),
            GrantEvent::ApplicationSubmitted { .. }
            | GrantEvent::EligibilityConfirmed { .. }
            | GrantEvent::EligibilityRefused { .. }
            | GrantEvent::ConflictDeclared { .. }
            | GrantEvent::AssessorAssigned { .. }
            | GrantEvent::ScoreRecorded { .. }
            | GrantEvent::OfferIssued { .. }
            | GrantEvent::OfferAccepted { .. }
            | GrantEvent::ConditionMet { .. }
            | GrantEvent::InstalmentAuthorised { .. }
            | GrantEvent::ConditionWaived { .. }
            | GrantEvent::MonitoringReturnRequested { .. }
            | GrantEvent::MonitoringReturnSubmitted { .. }
            | GrantEvent::MonitoringReturnQueried { .. }
            | GrantEvent::MonitoringReturnAccepted { .. }
            | GrantEvent::MonitoringReturnWaived { .. }
            | GrantEvent::Suspended { .. }
            | GrantEvent::Resumed {}
            | GrantEvent::UnderspendDeclared { .. }
            | GrantEvent::RecoveryReceived { .. }
            | GrantEvent::AnnualReviewCompleted { .. }
            | GrantEvent::Closed { .. } => {}
        }
    }

    /// The figures of a fund over all years.
    #[must_use]
    pub fn fund(&self, fund: FundId) -> Figures {
        self.funds.get(&fund).map(|book| total(book.years.values())).unwrap_or_default()
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
        funds.chain(grants).chain(self.unbalanced.iter().cloned()).collect()
    }
}

fn total<'a>(years: impl Iterator<Item = &'a Figures>) -> Figures {
    years.fold(Figures::default(), |sum, one| Figures {
        budget: sum.budget + one.budget,
        available: sum.available + one.available,
        reserved: sum.reserved + one.reserved,
        committed: sum.committed + one.committed,
        paid: sum.paid + one.paid,
    })
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
    for line in lines {
        moved.post(line.movement, line.amount.pounds());
    }
    let inside = moved.available + moved.reserved + moved.committed + moved.paid;
    breach_unless(inside == moved.budget, "L11", format_args!("fund {fund}"), || {
        format!("{} came in but {} went to pots", pounds(moved.budget), pounds(inside))
    })
}

impl FundBook {
    fn breaches(&self, id: FundId) -> Vec<Breach> {
        let whole = total(self.years.values());
        let flows = self.allocated - self.reduced;
        let equals_flows = breach_unless(whole.budget == flows, "L1", format_args!("fund {id}"), || {
            format!("the budget is {}, its flows come to {}", pounds(whole.budget), pounds(flows))
        });
        let years = self.years.iter().flat_map(|(year, figures)| {
            let of = format_args!("fund {id} in {year}");
            let pots = figures.available + figures.reserved + figures.committed + figures.paid;
            let lowest = figures.available.min(figures.reserved).min(figures.committed).min(figures.paid);
            [
                breach_unless(figures.budget >= Decimal::ZERO, "L1", of, || {
                    format!("the budget is {}", pounds(figures.budget))
                }),
                breach_unless(figures.budget == pots, "L2", of, || {
                    format!("the budget is {}, the pots come to {}", pounds(figures.budget), pounds(pots))
                }),
                breach_unless(lowest >= Decimal::ZERO, "L2", of, || {
                    format!("a pot stands at {}", pounds(lowest))
                }),
            ]
        });
        equals_flows.into_iter().chain(years.flatten()).collect()
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
            Movement::Allocate | Movement::Reduce => {}
        }
    }

    fn breaches(&self, id: GrantId) -> Vec<Breach> {
        let of = format_args!("grant {id}");
        let used = self.released + self.committed + self.paid;
        let lowest = self.released.min(self.committed).min(self.paid);
        let live: Decimal = self
            .instalments
            .values()
            .filter(|(_, paid)| *paid || !self.cancelled)
            .map(|(amount, _)| *amount)
            .sum();
        let paid: Decimal =
            self.instalments.values().filter(|(_, paid)| *paid).map(|(amount, _)| *amount).sum();
        let settled = self.recovered + self.written_off;
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
            breach_unless(settled <= self.demanded && self.demanded <= self.paid, "L6", of, || {
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
