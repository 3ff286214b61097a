//! Approvals of grants and partners, with faults planted.

use std::collections::BTreeSet;

use super::story::*;
use super::{Fault, each_is_found};
use crate::domain::delegation::{DelegationEvent, Scope};
use crate::domain::fund::{FundEvent, ReleaseCause};
use crate::domain::grant::{
    AuthoritySource, AuthorityUsed, ConflictNature, FirstApproval, GrantEvent, Panel,
};
use crate::domain::partner::PartnerEvent;
use crate::domain::places::Area;
use crate::domain::programme::ProgrammeEvent;
use crate::domain::receipt::Entry;
use crate::domain::record::Fact;
use crate::domain::{date, gbp, someone, words};

const APPROVED: &str = "grant.approved";
const ON: &str = "2026-04-25";

fn grant(by: u128, event: GrantEvent) -> Entry {
    entry(GRANT, by, ON, event)
}

fn interest(of: u128) -> Entry {
    grant(of, GrantEvent::ConflictDeclared { person: someone(of), nature: ConflictNature::Financial })
}

fn granted(history: &mut [Entry], with: impl FnOnce(&mut DelegationEvent)) {
    change(history, "authority.granted", |one| {
        if let Fact::Delegation(event) = &mut one.fact {
            with(event);
        }
    });
}

fn approved(history: &mut [Entry], with: impl FnOnce(&mut GrantEvent)) {
    change(history, APPROVED, |one| {
        if let Fact::Grant(event) = &mut one.fact {
            with(event);
        }
    });
}

fn fund(history: &mut [Entry], name: &str, with: impl FnOnce(&mut FundEvent)) {
    change(history, name, |one| {
        if let Fact::Fund(event) = &mut one.fact {
            with(event);
        }
    });
}

fn partner_before_approval(event: PartnerEvent) -> Entry {
    entry(PARTNER, ANOTHER, ON, event)
}

#[test]
fn whoever_decides_must_be_free_to() {
    each_is_found(
        APPROVED,
        story,
        &[
            (
                "an approver with an interest",
                |all| before(all, APPROVED, interest(APPROVER)),
                &["grant.conflicted", "replayed"],
            ),
            (
                "an approver who recommended it",
                |all| {
                    let panel = Panel { present: [someone(APPROVER)].into(), stood_aside: BTreeSet::new() };
                    let event =
                        GrantEvent::Recommended { proposer: someone(PROPOSER), amount: gbp("2500"), panel };
                    before(all, APPROVED, grant(PROPOSER, event));
                },
                &["grant.approver_proposed", "replayed"],
            ),
            (
                "a proposer with an interest",
                |all| before(all, APPROVED, interest(PROPOSER)),
                &["grant.proposer_conflicted", "replayed"],
            ),
            (
                "an approver who assesses it",
                |all| {
                    let event = GrantEvent::AssessorAssigned { assessor: someone(APPROVER) };
                    before(all, APPROVED, grant(PROPOSER, event));
                },
                &["grant.approver_assessed", "replayed"],
            ),
            (
                "scores of somebody with an interest",
                |all| before(all, APPROVED, interest(ASSESSOR)),
                &["grant.not_fully_scored", "replayed"],
            ),
            (
                "an answer that is awaited",
                |all| {
                    let (what, by) = (words("Which room?"), date("2026-05-20"));
                    before(all, APPROVED, grant(PROPOSER, GrantEvent::MoreInformationRequested { what, by }));
                },
                &["grant.information_awaited", "replayed"],
            ),
            (
                "a case that is decided",
                |all| {
                    let event = GrantEvent::Declined { feedback: words("Not this time.") };
                    before(all, APPROVED, grant(APPROVER, event));
                },
                &["grant.wrong_stage", "replayed"],
            ),
            ("nobody named as deciding", |all| change(all, APPROVED, |one| one.actor = None), &["replayed"]),
            (
                "somebody else recorded it",
                |all| change(all, APPROVED, |one| one.actor = interest(ANOTHER).actor),
                &["replayed"],
            ),
        ],
    );
}

/// An approval that rests on no authority in force.
const WITHOUT_AUTHORITY: &[Fault] = &[
    (
        "over the limit",
        |all| {
            granted(all, |event| {
                if let DelegationEvent::Granted { limit, .. } = event {
                    *limit = gbp("2499.99");
                }
            });
        },
        &["grant.exceeds_authority", "replayed"],
    ),
    (
        "the authority of somebody else",
        |all| {
            granted(all, |event| {
                if let DelegationEvent::Granted { person: to, .. } = event {
                    *to = someone(ANOTHER);
                }
            });
        },
        &["authority.of_another", "replayed"],
    ),
    (
        "for another fund",
        |all| {
            granted(all, |event| {
                if let DelegationEvent::Granted { scope, .. } = event {
                    *scope = Scope::Fund(id(99));
                }
            });
        },
        &["authority.does_not_cover", "replayed"],
    ),
    (
        "ended the day before",
        |all| {
            granted(all, |event| {
                if let DelegationEvent::Granted { to, .. } = event {
                    *to = date("2026-04-30");
                }
            });
        },
        &["authority.not_in_force", "replayed"],
    ),
    (
        "taken back",
        |all| before(all, APPROVED, entry(DELEGATION, FINANCE, ON, DelegationEvent::Revoked {})),
        &["authority.revoked", "replayed"],
    ),
    (
        "never given",
        |all| all.retain(|one| one.fact.kind().name != "authority.granted"),
        &["authority.unknown", "grant.exceeds_authority", "replayed"],
    ),
    (
        "above what one approver of the programme awards",
        |all| {
            change(all, "programme.opened", |one| {
                if let Fact::Programme(ProgrammeEvent::Opened { limits, .. }) = &mut one.fact {
                    limits.one_approver = gbp("2000");
                }
            });
        },
        &["grant.exceeds_authority", "replayed"],
    ),
    (
        "a second approval without a first",
        |all| {
            approved(all, |event| {
                if let GrantEvent::Approved { first, .. } = event {
                    *first = Some(FirstApproval { approver: someone(APPROVER), authority: authority() });
                }
            });
        },
        &["grant.no_first_approval", "grant.same_approver", "replayed"],
    ),
];

#[test]
fn an_approval_rests_on_authority_in_force() {
    each_is_found(APPROVED, story, WITHOUT_AUTHORITY);
}

/// An approval without money that is set aside for it.
const WITHOUT_MONEY: &[Fault] = &[
    (
        "a reservation that ran out",
        |all| {
            fund(all, "fund.commitment_reserved", |event| {
                if let FundEvent::CommitmentReserved { expires_on, .. } = event {
                    *expires_on = date("2026-04-30");
                }
            });
        },
        &["fund.reservation_expired", "replayed"],
    ),
    (
        "a reservation that was voided",
        |all| {
            let (link, cause) = (link(), ReleaseCause::RecommendationChanged);
            let event = FundEvent::ReservationVoided { link, shares: Vec::new(), cause };
            before(all, APPROVED, entry(FUND, PROPOSER, ON, event));
        },
        &["fund.not_reserved", "replayed"],
    ),
    (
        "another year set aside",
        |all| {
            fund(all, "fund.budget_allocated", |event| {
                if let FundEvent::BudgetAllocated { year: of, .. } = event {
                    *of = year(2027);
                }
            });
            fund(all, "fund.commitment_reserved", |event| {
                if let FundEvent::CommitmentReserved { shares, .. } = event {
                    shares[0].year = year(2027);
                }
            });
        },
        &["grant.instalments_not_as_reserved", "replayed"],
    ),
    (
        "less available than was set aside",
        |all| {
            fund(all, "fund.budget_allocated", |event| {
                if let FundEvent::BudgetAllocated { amount, .. } = event {
                    *amount = gbp("2499.99");
                }
            });
        },
        &["fund.exceeds_available"],
    ),
    (
        "a fund for other purposes, elsewhere, until later",
        |all| {
            fund(all, "fund.opened", |event| {
                if let FundEvent::Opened { restriction: Some(to), spend_to, .. } = event {
                    to.purposes = [words("Sport")].into();
                    to.places = [Area::Halton].into();
                    *spend_to = date("2027-03-31");
                }
            });
        },
        &["fund.purpose_not_allowed", "fund.place_not_allowed", "fund.period_not_allowed"],
    ),
    (
        "instalments that do not add up",
        |all| {
            approved(all, |event| {
                if let GrantEvent::Approved { instalments, .. } = event {
                    instalments[0].amount = gbp("1499.99");
                }
            });
        },
        &["grant.instalments_do_not_add_up", "grant.instalments_not_as_reserved", "replayed"],
    ),
    (
        "two instalments with one id",
        |all| {
            approved(all, |event| {
                if let GrantEvent::Approved { instalments, .. } = event {
                    instalments[1].id = instalments[0].id;
                }
            });
        },
        &["grant.instalment_twice", "replayed"],
    ),
    (
        "a partner that is suspended",
        |all| before(all, APPROVED, partner_before_approval(PartnerEvent::Suspended {})),
        &["partner.not_approved", "replayed"],
    ),
    (
        "aid that was not confirmed, and is over the limit",
        |all| {
            let (body, amount, given_on) = (words("A council"), gbp("314000"), date("2025-05-01"));
            let aid = PartnerEvent::SubsidyDeclared { body, amount, given_on };
            before(all, APPROVED, partner_before_approval(aid));
            let told = PartnerEvent::SubsidyNotified { grant: id(GRANT), amount: gbp("1000") };
            before(all, APPROVED, partner_before_approval(told));
        },
        &[
            "partner.subsidy_above_notice",
            "partner.subsidy_limit",
            "partner.subsidy_not_confirmed",
            "replayed",
        ],
    ),
];

#[test]
fn an_approval_rests_on_money_set_aside() {
    each_is_found(APPROVED, story, WITHOUT_MONEY);
}

#[test]
fn a_decision_says_when_and_why() {
    each_is_found(
        APPROVED,
        story,
        &[
            (
                "it takes effect later",
                |all| change(all, APPROVED, |one| one.on = date("2026-05-02")),
                &["effective.future"],
            ),
            (
                "dated back without a reason",
                |all| {
                    change(all, APPROVED, |one| {
                        one.on = date("2026-04-30");
                        one.reason = None;
                    });
                },
                &["effective.reason_required", "reason.required", "replayed"],
            ),
            (
                "a deadline is not brought back by dating back",
                |all| change(all, APPROVED, |one| one.decided_on = date("2026-07-01")),
                &["fund.reservation_expired", "replayed"],
            ),
        ],
    );
}

#[test]
fn a_partner_is_approved_on_its_checks_by_another() {
    each_is_found(
        "partner.approved",
        story,
        &[
            (
                "a check that ran out",
                |all| {
                    change(all, "partner.approved", |one| {
                        (one.on, one.decided_on) = (date("2027-04-01"), date("2027-04-01"));
                    });
                },
                &["partner.checks_missing", "replayed"],
            ),
            (
                "whoever verified the bank details",
                |all| {
                    change(all, "partner.bank_details_verified", |one| {
                        if let Fact::Partner(PartnerEvent::BankDetailsVerified { verified_by, .. }) =
                            &mut one.fact
                        {
                            *verified_by = someone(APPROVER);
                        }
                    });
                },
                &["partner.approver_verified_bank", "replayed"],
            ),
            (
                "a review that is not ahead",
                |all| {
                    change(all, "partner.approved", |one| {
                        one.fact = PartnerEvent::Approved { next_review: date("2026-04-09") }.into();
                    });
                },
                &["partner.review_not_ahead", "replayed"],
            ),
            (
                "a partner that took its application back",
                |all| {
                    before(
                        all,
                        "partner.approved",
                        entry(PARTNER, ANOTHER, "2026-04-08", PartnerEvent::Withdrew {}),
                    );
                },
                &["partner.not_applying", "replayed"],
            ),
        ],
    );
}

/// The first of two approvals, and the second on what it approved.
fn two_approvals() -> Vec<Entry> {
    let mut all = story();
    change(&mut all, "programme.opened", |one| {
        if let Fact::Programme(ProgrammeEvent::Opened { limits, .. }) = &mut one.fact {
            limits.one_approver = gbp("2000");
        }
    });
    let other = DelegationEvent::Granted {
        person: someone(ANOTHER),
        scope: Scope::Everything,
        limit: gbp("2400"),
        from: date("2026-04-01"),
        to: date("2027-03-31"),
    };
    all.insert(0, entry(OTHER, FINANCE, "2026-04-01", other));
    let used = AuthorityUsed { source: AuthoritySource::Delegation(id(OTHER)), limit: gbp("2400") };
    let first = GrantEvent::FirstApprovalGiven {
        approver: someone(ANOTHER),
        amount: gbp("2500"),
        authority: used.clone(),
        instalments: vec![instalment(FIRST, "1500", "2026-06-01"), instalment(SECOND, "1000", "2026-09-01")],
        terms_version: words("2026"),
    };
    before(&mut all, APPROVED, entry(GRANT, ANOTHER, "2026-04-30", first));
    approved(&mut all, |event| {
        if let GrantEvent::Approved { first, .. } = event {
            *first = Some(FirstApproval { approver: someone(ANOTHER), authority: used });
        }
    });
    all
}

const OTHER: u128 = 7;

#[test]
fn above_one_approvers_limit_it_takes_two_people() {
    each_is_found(
        "grant.first_approval_given",
        two_approvals,
        &[(
            "an interest",
            |all| before(all, "grant.first_approval_given", interest(ANOTHER)),
            &["grant.conflicted", "replayed"],
        )],
    );
    each_is_found(
        APPROVED,
        two_approvals,
        &[
            (
                "a first approver with an interest since",
                |all| before(all, APPROVED, interest(ANOTHER)),
                &["grant.no_first_approval", "replayed"],
            ),
            (
                "other instalments than the first approved",
                |all| {
                    approved(all, |event| {
                        if let GrantEvent::Approved { instalments, .. } = event {
                            instalments[0].due = date("2026-06-02");
                        }
                    });
                },
                &["grant.no_first_approval", "replayed"],
            ),
            (
                "a first approval that is passed over",
                |all| {
                    approved(all, |event| {
                        if let GrantEvent::Approved { first, .. } = event {
                            *first = None;
                        }
                    });
                },
                &["grant.exceeds_authority", "grant.first_approval_stands", "replayed"],
            ),
        ],
    );
}
