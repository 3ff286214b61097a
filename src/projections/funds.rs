//! Funds as people look them up; their figures come from the ledger.

use serde::{Deserialize, Serialize};

use super::{Record, Table};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::fund::{ClosedFigures, EventRange, FundEvent, RecoveryRule, Restriction};
use crate::domain::record::Fact;
use crate::store::log::Recorded;

/// What a year, or a whole fund, was closed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingRecord {
    /// The year; none for the fund as a whole.
    pub year: Option<FinancialYear>,
    /// What it came to.
    pub figures: ClosedFigures,
    /// The fund’s events the figures rest on.
    pub events: EventRange,
    /// How many events the log had then.
    pub log_size: u64,
    /// The position in the log of the closing itself.
    pub index: i64,
    /// When it took effect.
    pub closed_on: Date,
}

/// A fund as it was opened, and what of it is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FundRecord {
    /// The day it was opened.
    pub opened_on: Date,
    /// Human reference.
    pub reference: String,
    /// Name.
    pub name: String,
    /// Whose money it is.
    pub funder: String,
    /// What it is restricted to.
    pub restriction: Option<Restriction>,
    /// First day on which it may be spent.
    pub spend_from: Date,
    /// Last day on which it may be spent.
    pub spend_to: Date,
    /// What becomes of recovered money.
    pub recovery_rule: Option<RecoveryRule>,
    /// The years that are closed, in order.
    pub closed_years: Vec<ClosingRecord>,
    /// The end of the fund.
    pub closed: Option<ClosingRecord>,
}

impl Record for FundRecord {
    const TABLE: Table = Table {
        name: "fund",
        columns: "id uuid NOT NULL, doc jsonb NOT NULL, \
            reference text COLLATE \"C\" GENERATED ALWAYS AS (doc ->> 'reference') STORED, \
            name text GENERATED ALWAYS AS (doc ->> 'name') STORED",
        copied: "id, doc",
        indexes: &[
            "ALTER TABLE {table} ADD PRIMARY KEY (id)",
            "CREATE UNIQUE INDEX ON {table} (reference)",
            "CREATE INDEX ON {table} (name, id)",
        ],
    };
    const VERSION: i32 = 3;
    const STREAM: &'static str = "fund";

    fn take(&mut self, event: &Recorded) -> bool {
        let Fact::Fund(fact) = &event.fact else { return false };
        match fact.clone() {
            FundEvent::Opened {
                reference,
                name,
                funder,
                restriction,
                spend_from,
                spend_to,
                recovery_rule,
            } => {
                *self = Self {
                    opened_on: event.effective_on,
                    reference: reference.to_string(),
                    name: name.to_string(),
                    funder: funder.to_string(),
                    restriction,
                    spend_from,
                    spend_to,
                    recovery_rule: Some(recovery_rule),
                    closed_years: Vec::new(),
                    closed: None,
                };
                true
            }
            FundEvent::YearClosed { year, figures, events, log_size } => {
                self.closed_years.push(closing(event, Some(year), (figures, events, log_size)));
                true
            }
            FundEvent::Closed { figures, events, log_size } => {
                self.closed = Some(closing(event, None, (figures, events, log_size)));
                true
            }
            FundEvent::BudgetAllocated { .. }
            | FundEvent::BudgetReduced { .. }
            | FundEvent::CommitmentReserved { .. }
            | FundEvent::ReservationVoided { .. }
            | FundEvent::CommitmentConfirmed { .. }
            | FundEvent::CommitmentReleased { .. }
            | FundEvent::ExpenditurePosted { .. }
            | FundEvent::CommitmentIncreased { .. }
            | FundEvent::ExpenditureReturned { .. }
            | FundEvent::RecoveryPosted { .. }
            | FundEvent::BudgetTransferredOut { .. }
            | FundEvent::BudgetTransferredIn { .. }
            | FundEvent::BudgetCarriedForward { .. }
            | FundEvent::CommitmentCarriedForward { .. } => false,
        }
    }
}

const fn closing(
    event: &Recorded,
    year: Option<FinancialYear>,
    (figures, events, log_size): (ClosedFigures, EventRange, u64),
) -> ClosingRecord {
    ClosingRecord { year, figures, events, log_size, index: event.index, closed_on: event.effective_on }
}
