//! Payment runs with faults planted.

use super::each_is_found;
use super::story::*;
use crate::domain::grant::{ConflictNature, GrantEvent, SuspensionGround};
use crate::domain::identity::{Hash, Reference, ReferenceKind};
use crate::domain::money::Pence;
use crate::domain::partner::PartnerEvent;
use crate::domain::payment_run::PaymentRunEvent;
use crate::domain::receipt::Entry;
use crate::domain::record::Fact;
use crate::domain::{date, gbp, someone, words};

const APPROVED: &str = "payment_run.approved";
const RELEASED: &str = "payment_run.released";
const PAID: &str = "grant.payment_confirmed";
const ON: &str = "2026-08-21";
const MAKER: u128 = 111;
const RUN_APPROVER: u128 = 112;
const RELEASER: u128 = 113;

fn of_run(by: u128, on: &str, event: PaymentRunEvent) -> Entry {
    entry(RUN, by, on, event)
}

/// The second instalment, paid through a run.
fn through_a_run() -> Vec<Entry> {
    let opened = PaymentRunEvent::Opened {
        reference: Reference::new(ReferenceKind::PaymentRun, 2026, 1),
        title: words("September"),
        pay_on: date("2026-09-01"),
        opened_by: someone(MAKER),
    };
    let added = PaymentRunEvent::LineAdded {
        line: 1,
        grant: id(GRANT),
        grant_reference: Reference::new(ReferenceKind::Grant, 2026, 1),
        instalment: id(SECOND),
        partner: id(PARTNER),
        amount: gbp("1000"),
        bank_version: 1,
        added_by: someone(MAKER),
    };
    let put_in = GrantEvent::InstalmentPutInRun { instalment: id(SECOND), run: id(RUN), line: 1 };
    let (control_total, sha256) = (Pence::of([gbp("1000")]), Hash::of(b"file"));
    let exported = PaymentRunEvent::FileExported { format: 1, lines: 1, control_total, sha256 };
    let paid = GrantEvent::PaymentConfirmed {
        instalment: id(SECOND),
        amount: gbp("1000"),
        value_date: date("2026-09-01"),
        run: Some(id(RUN)),
        line: Some(1),
    };
    let then = vec![
        met(),
        authorised(),
        of_run(MAKER, ON, opened),
        of_run(MAKER, ON, added),
        entry(GRANT, MAKER, ON, put_in),
        of_run(RUN_APPROVER, ON, PaymentRunEvent::Approved { approver: someone(RUN_APPROVER) }),
        of_run(RELEASER, ON, PaymentRunEvent::Released { releaser: someone(RELEASER) }),
        of_run(MAKER, ON, exported),
        entry(GRANT, MAKER, "2026-09-02", paid),
    ];
    [running(), then].concat()
}

fn interest(of: u128) -> Entry {
    let (person, nature) = (someone(of), ConflictNature::Employment);
    entry(GRANT, of, ON, GrantEvent::ConflictDeclared { person, nature })
}

fn released_by(all: &mut [Entry], by: u128) {
    change(all, RELEASED, |one| {
        *one = of_run(by, ON, PaymentRunEvent::Released { releaser: someone(by) });
    });
}

#[test]
fn a_run_is_approved_by_somebody_who_did_not_make_it() {
    each_is_found(
        APPROVED,
        through_a_run,
        &[
            (
                "made by the approver",
                |all| {
                    change(all, APPROVED, |one| {
                        *one = of_run(MAKER, ON, PaymentRunEvent::Approved { approver: someone(MAKER) });
                    });
                },
                &["payment_run.approver_made_it", "replayed"],
            ),
            (
                "an interest",
                |all| before(all, APPROVED, interest(RUN_APPROVER)),
                &["payment_run.conflicted", "replayed"],
            ),
            (
                "nothing in it",
                |all| before(all, APPROVED, of_run(MAKER, ON, PaymentRunEvent::LineRemoved { line: 1 })),
                &["payment_run.empty", "replayed"],
            ),
            (
                "given up",
                |all| before(all, APPROVED, of_run(MAKER, ON, PaymentRunEvent::Voided {})),
                &["payment_run.wrong_stage", "replayed"],
            ),
        ],
    );
}

#[test]
fn a_run_is_released_by_a_third_person_when_every_line_may_be_paid() {
    each_is_found(
        RELEASED,
        through_a_run,
        &[
            ("by its maker", |all| released_by(all, MAKER), &["payment_run.releaser_made_it", "replayed"]),
            (
                "by its approver",
                |all| released_by(all, RUN_APPROVER),
                &["payment_run.releaser_approved_it", "replayed"],
            ),
            (
                "by whoever authorised a payment",
                |all| released_by(all, AUTHORISER),
                &["payment_run.releaser_decided", "replayed"],
            ),
            (
                "by whoever put the grant forward",
                |all| released_by(all, PROPOSER),
                &["payment_run.releaser_decided", "replayed"],
            ),
            (
                "by whoever approved the grant",
                |all| released_by(all, APPROVER),
                &["payment_run.releaser_decided", "replayed"],
            ),
            (
                "an interest",
                |all| before(all, RELEASED, interest(RELEASER)),
                &["payment_run.conflicted", "replayed"],
            ),
            (
                "not approved",
                |all| all.retain(|one| one.fact.kind().name != APPROVED),
                &["payment_run.wrong_stage", "replayed"],
            ),
            (
                "after its day",
                |all| change(all, RELEASED, |one| one.decided_on = date("2026-09-02")),
                &["payment_run.day_gone_by", "replayed"],
            ),
            (
                "a partner that is suspended since",
                |all| before(all, RELEASED, entry(PARTNER, ANOTHER, ON, PartnerEvent::Suspended {})),
                &["payment_run.lines_not_payable", "replayed"],
            ),
            (
                "new bank details since",
                |all| before(all, RELEASED, submitted_bank(2, SUBMITTER, ON)),
                &["payment_run.lines_not_payable", "replayed"],
            ),
            (
                "a grant that is suspended since",
                |all| {
                    let (grounds, suspended_by) = ([SuspensionGround::TermsBroken].into(), someone(ANOTHER));
                    let event = GrantEvent::Suspended { grounds, from: date(ON), suspended_by };
                    before(all, RELEASED, entry(GRANT, ANOTHER, ON, event));
                },
                &["payment_run.lines_not_payable", "replayed"],
            ),
        ],
    );
}

#[test]
fn what_the_bank_paid_through_a_run_is_what_was_in_its_line() {
    each_is_found(
        PAID,
        through_a_run,
        &[
            (
                "another line",
                |all| {
                    change(all, PAID, |one| {
                        if let Fact::Grant(GrantEvent::PaymentConfirmed { line, .. }) = &mut one.fact {
                            *line = Some(2);
                        }
                    });
                },
                &["grant.not_in_line", "replayed"],
            ),
            (
                "no file was made",
                |all| all.retain(|one| one.fact.kind().name != "payment_run.file_exported"),
                &["payment_run.wrong_stage"],
            ),
            (
                "before the day of the run",
                |all| {
                    change(all, "payment_run.opened", |one| {
                        if let Fact::PaymentRun(PaymentRunEvent::Opened { pay_on, .. }) = &mut one.fact {
                            *pay_on = date("2026-09-02");
                        }
                    });
                },
                &["payment_run.answer_too_early"],
            ),
        ],
    );
}
