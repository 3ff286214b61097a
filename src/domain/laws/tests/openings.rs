//! The funds and the programmes of the town, as they are opened.

use std::collections::BTreeSet;

use super::town::{FUNDS, numbered, pence};
use crate::domain::fund;
use crate::domain::identity::{Reference, ReferenceKind};
use crate::domain::programme::{self, Criterion, Limits};
use crate::domain::{date, words};

/// How a fund of the town is opened.
pub(super) fn fund_opening(number: u8) -> fund::Opening {
    fund::Opening {
        reference: Reference::new(ReferenceKind::Fund, 2026, u32::from(number) + 1),
        name: words("Invented Fund"),
        funder: words("Example Council (invented)"),
        restriction: None,
        spend_from: date("2026-04-01"),
        spend_to: date("2028-03-31"),
        recovery_rule: fund::RecoveryRule::Recredit,
    }
}

/// How a programme of the town is opened.
pub(super) fn programme_opening(number: u8) -> programme::Opening {
    let criterion = |code| vec![Criterion { code: words(code), question: words("Is it so?") }];
    programme::Opening {
        reference: Reference::new(ReferenceKind::Programme, 2026, u32::from(number) + 1),
        name: words("Invented Round"),
        fund: numbered(number % FUNDS),
        purpose: words("community connection"),
        track: programme::Track::Small,
        route: programme::Route::OpenCall,
        limits: Limits {
            least: pence(30_000),
            most: pence(400_000),
            one_approver: pence(350_000),
            reservation_days: 20,
            target_working_days: 20,
        },
        opens_on: date("2026-04-01"),
        closes_on: date("2027-03-31"),
        priorities: Vec::new(),
        required_checks: BTreeSet::new(),
        eligibility: criterion("local"),
        scoring: criterion("reach"),
    }
}
