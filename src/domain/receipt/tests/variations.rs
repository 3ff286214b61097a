//! Approved changes with faults planted.

use super::story::*;
use std::collections::BTreeSet;

use super::{Fault, each_is_found, failing};
use crate::domain::fund::{FundEvent, YearShare};
use crate::domain::grant::{Change, ConflictNature, FirstApproval, GrantEvent, Replan};
use crate::domain::partner::PartnerEvent;
use crate::domain::programme::ProgrammeEvent;
use crate::domain::receipt::{Entry, Histories, receipt};
use crate::domain::record::Fact;
use crate::domain::{date, gbp, someone, words};

const APPROVED: &str = "grant.variation_approved";
const FIRST_APPROVED: &str = "grant.variation_first_approved";
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

fn by_two() -> Change {
    let from = vec![instalment(FIRST, "1500", "2026-06-01"), instalment(SECOND, "1000", "2026-09-01")];
    let to = [from.clone(), vec![instalment(23, "3000", "2026-10-01")]].concat();
    Change::Amount { from: gbp("2500"), to: gbp("5500"), plan: Replan { from, to } }
}

fn first_approved(by: u128) -> Entry {
    let first = FirstApproval { approver: someone(by), authority: authority() };
    entry(GRANT, by, "2026-07-08", GrantEvent::VariationFirstApproved { variation: id(51), first })
}

/// £5,500.00 in all, and one approver of the programme awards up to £5,000.00.
fn half_varied() -> Vec<Entry> {
    let shares = vec![YearShare { year: year(2026), amount: gbp("3000") }];
    let reserved = FundEvent::CommitmentReserved { link: link(), shares, expires_on: date("2026-08-31") };
    let then = vec![asked(&by_two()), entry(FUND, PROPOSER, ON, reserved), first_approved(APPROVER)];
    [running(), then].concat()
}

/// A first approval that should not have been given.
const UNSOUND_FIRST: &[Fault] = &[
    ("an interest", |all| before(all, FIRST_APPROVED, interest(APPROVER)), &["grant.conflicted", "replayed"]),
    (
        "an interest of whoever asked",
        |all| before(all, FIRST_APPROVED, interest(PROPOSER)),
        &["grant.requester_conflicted", "replayed"],
    ),
    (
        "nobody asked for it",
        |all| {
            let place = place_of(all, "grant.variation_requested");
            all.remove(place);
        },
        &["grant.variation_unknown", "replayed"],
    ),
    (
        "one could have approved it alone",
        |all| {
            change(all, "programme.opened", |one| {
                if let Fact::Programme(ProgrammeEvent::Opened { limits, .. }) = &mut one.fact {
                    limits.one_approver = gbp("5500");
                }
            });
        },
        &["grant.exceeds_authority", "replayed"],
    ),
    (
        "another limit than it names",
        |all| {
            change(all, "authority.granted", |one| {
                if let Fact::Delegation(crate::domain::delegation::DelegationEvent::Granted {
                    limit, ..
                }) = &mut one.fact
                {
                    *limit = gbp("9999.99");
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
];

#[test]
fn the_first_of_two_approvals_is_held_against_the_new_total() {
    each_is_found(FIRST_APPROVED, half_varied, UNSOUND_FIRST);
}

#[test]
fn a_first_approval_is_given_once() {
    let history = numbered(&[half_varied(), vec![first_approved(APPROVER)]].concat());
    let again = history.last().unwrap();
    let mut known = Histories::default();
    while let Some(stream) = known.missing(again).first().copied() {
        known.add(stream, history.iter().filter(|entry| entry.stream == stream).cloned().collect());
    }
    let receipt = receipt(again, &known).unwrap();
    assert_eq!(failing(&receipt), BTreeSet::from(["grant.same_approver", "replayed"]), "{receipt:#?}");
}

/// The grant was given as minimal financial assistance, and the partner has confirmed what the change adds.
fn subsidised() -> Vec<Entry> {
    let of_partner = |event| entry(PARTNER, PROPOSER, "2026-05-03", event);
    let notified =
        |amount: &str| of_partner(PartnerEvent::SubsidyNotified { grant: id(GRANT), amount: gbp(amount) });
    let confirmed = |amount: &str| {
        let (grant, amount, confirmed_by) = (id(GRANT), gbp(amount), someone(SUBMITTER));
        of_partner(PartnerEvent::SubsidyConfirmed { grant, amount, confirmed_by, evidence: evidence() })
    };
    let (amount, given_on) = (gbp("2500"), date("2026-05-03"));
    let given = of_partner(PartnerEvent::SubsidyGiven { grant: id(GRANT), amount, given_on });
    let first = vec![notified("2500"), confirmed("2500"), given];
    let anew = vec![notified("3000"), confirmed("3000")];
    let mut all = varied();
    let place = place_of(&all, "grant.variation_requested");
    drop(all.splice(place..place, [first, anew].concat()));
    all
}

#[test]
fn what_a_change_adds_to_minimal_financial_assistance_is_confirmed_anew() {
    let last = |all: &[Entry], name: &str| all.iter().rposition(|one| one.fact.kind().name == name).unwrap();
    assert_eq!(last(&subsidised(), "partner.subsidy_confirmed") + 1, {
        place_of(&subsidised(), "grant.variation_requested")
    });
    each_is_found(
        APPROVED,
        subsidised,
        &[
            (
                "not told of the new sum",
                |all| {
                    let asked = place_of(all, "grant.variation_requested");
                    drop(all.drain(asked - 2..asked));
                },
                &["partner.subsidy_not_confirmed", "partner.subsidy_above_notice", "replayed"],
            ),
            (
                "told, and not confirmed",
                |all| {
                    let asked = place_of(all, "grant.variation_requested");
                    all.remove(asked - 1);
                },
                &["partner.subsidy_not_confirmed", "replayed"],
            ),
            (
                "a penny above the limit with the aid of another body",
                |all| {
                    let declared = PartnerEvent::SubsidyDeclared {
                        body: words("Another council (invented)"),
                        amount: gbp("312000.01"),
                        given_on: date("2025-06-01"),
                    };
                    before(all, "grant.variation_requested", entry(PARTNER, PROPOSER, ON, declared));
                },
                &["partner.subsidy_limit", "replayed"],
            ),
        ],
    );
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
