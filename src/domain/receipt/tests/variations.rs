//! Approved changes with faults planted.

use super::story::*;
use super::{Fault, each_is_found};
use crate::domain::fund::{FundEvent, YearShare};
use crate::domain::grant::{Change, ConflictNature, GrantEvent, Replan};
use crate::domain::receipt::Entry;
use crate::domain::record::Fact;
use crate::domain::{date, gbp, someone, words};

const APPROVED: &str = "grant.variation_approved";
const ON: &str = "2026-07-01";

fn up() -> Change {
    let from = vec![instalment(FIRST, "1500", "2026-06-01"), instalment(SECOND, "1000", "2026-09-01")];
    let to = [from.clone(), vec![instalment(23, "500", "2026-10-01")]].concat();
    Change::Amount { from: gbp("2500"), to: gbp("3000"), plan: Replan { from, to } }
}

fn asked(change: &Change) -> Entry {
    let event = GrantEvent::VariationRequested {
        variation: id(51),
        requested_by: someone(PROPOSER),
        justification: words("More came than we thought."),
        change: change.clone(),
    };
    entry(GRANT, PROPOSER, ON, event)
}

fn approved(change: Change, total: &str) -> Entry {
    let event = GrantEvent::VariationApproved {
        variation: id(51),
        approver: someone(APPROVER),
        authority: authority(),
        first: None,
        total: gbp(total),
        change,
    };
    entry(GRANT, APPROVER, "2026-07-10", event)
}

fn varied() -> Vec<Entry> {
    let shares = vec![YearShare { year: year(2026), amount: gbp("500") }];
    let reserved = FundEvent::CommitmentReserved { link: link(), shares, expires_on: date("2026-08-31") };
    let then = vec![asked(&up()), entry(FUND, PROPOSER, ON, reserved), approved(up(), "3000")];
    [running(), then].concat()
}

fn longer() -> Vec<Entry> {
    let change = Change::End { from: date("2027-05-31"), to: date("2027-12-31") };
    [running(), vec![asked(&change), approved(change, "2500")]].concat()
}

fn interest(of: u128) -> Entry {
    let (person, nature) = (someone(of), ConflictNature::Financial);
    entry(GRANT, of, ON, GrantEvent::ConflictDeclared { person, nature })
}

/// An increase that should not have been approved.
const UNSOUND_INCREASES: &[Fault] = &[
    ("an interest", |all| before(all, APPROVED, interest(APPROVER)), &["grant.conflicted", "replayed"]),
    (
        "an interest of whoever asked",
        |all| before(all, APPROVED, interest(PROPOSER)),
        &["grant.requester_conflicted", "replayed"],
    ),
    (
        "asked for by the approver",
        |all| {
            change(all, "grant.variation_requested", |one| {
                if let Fact::Grant(GrantEvent::VariationRequested { requested_by, .. }) = &mut one.fact {
                    *requested_by = someone(APPROVER);
                }
            });
        },
        &["grant.approver_requested", "replayed"],
    ),
    (
        "over the limit on the new total",
        |all| {
            change(all, "authority.granted", |one| {
                if let Fact::Delegation(crate::domain::delegation::DelegationEvent::Granted {
                    limit, ..
                }) = &mut one.fact
                {
                    *limit = gbp("2999.99");
                }
            });
        },
        &["grant.exceeds_authority", "replayed"],
    ),
    (
        "no money set aside",
        |all| {
            let place = place_of(all, "fund.commitment_reserved");
            all.remove(place);
        },
        &["fund.not_reserved", "replayed"],
    ),
    (
        "refused before",
        |all| {
            let event = GrantEvent::VariationRefused { variation: id(51), feedback: words("No.") };
            before(all, APPROVED, entry(GRANT, ANOTHER, ON, event));
        },
        &["grant.variation_unknown", "replayed"],
    ),
    (
        "the ground has moved: an instalment is on its way",
        |all| {
            let event = GrantEvent::InstalmentAuthorised {
                instalment: id(FIRST),
                amount: gbp("1500"),
                authorised_by: someone(AUTHORISER),
                pay_on: date("2026-07-05"),
                checks_valid_until: Some(date("2027-03-31")),
                bank_version: 1,
                run: None,
            };
            before(all, APPROVED, entry(GRANT, AUTHORISER, ON, event));
        },
        &["grant.variation_stale", "replayed"],
    ),
    (
        "another total than it comes to",
        |all| {
            change(all, APPROVED, |one| *one = approved(up(), "3100"));
        },
        &["grant.exceeds_authority", "replayed"],
    ),
];

#[test]
fn an_increase_is_approved_on_the_new_total_with_the_money_set_aside() {
    each_is_found(APPROVED, varied, UNSOUND_INCREASES);
}

#[test]
fn a_longer_time_lies_within_the_dates_of_the_fund() {
    each_is_found(
        APPROVED,
        longer,
        &[
            (
                "beyond the last day of the fund",
                |all| {
                    change(all, "fund.opened", |one| {
                        if let Fact::Fund(FundEvent::Opened { spend_to, .. }) = &mut one.fact {
                            *spend_to = date("2027-06-30");
                        }
                    });
                },
                &["fund.period_not_allowed", "replayed"],
            ),
            (
                "another last day stands",
                |all| {
                    let change = Change::End { from: date("2027-05-31"), to: date("2027-08-31") };
                    before(all, "grant.variation_requested", asked(&change));
                    before(all, "grant.variation_requested", approved(change, "2500"));
                },
                &["grant.variation_stale", "replayed"],
            ),
        ],
    );
}
