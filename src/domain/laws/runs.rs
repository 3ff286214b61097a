//! The books of payment runs: what each line was for, what was exported, and what the bank and the grants say of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Breach, breach_unless};
use crate::domain::grant::GrantEvent;
use crate::domain::identity::{InstalmentId, RunId};
use crate::domain::money::{Money, Pence};
use crate::domain::payment_run::{PaymentRunEvent, Tally};

#[derive(Debug, Clone, Default)]
struct RunBook {
    lines: BTreeMap<u32, (InstalmentId, Money)>,
    exported: Option<Tally>,
    reconciled: Option<[Tally; 3]>,
    voided: bool,
    /// What the bank answered, as often as it was recorded: the line and its amount.
    confirmed: Vec<(u32, Money)>,
    rejected: Vec<(u32, Money)>,
    returned: Vec<(u32, Money)>,
    /// What the grants say was paid and came back through this run.
    paid_to_grants: Vec<Money>,
    back_from_grants: Vec<Money>,
}

/// Books of every payment run.
#[derive(Debug, Clone, Default)]
pub struct RunBooks(BTreeMap<RunId, RunBook>);

impl RunBooks {
    /// Take a fact of a run in.
    pub fn take_run(&mut self, run: RunId, event: &PaymentRunEvent) {
        let book = self.0.entry(run).or_default();
        match event {
            PaymentRunEvent::LineAdded { line, instalment, amount, .. } => {
                book.lines.insert(*line, (*instalment, *amount));
            }
            PaymentRunEvent::LineRemoved { line } => {
                book.lines.remove(line);
            }
            PaymentRunEvent::FileExported { lines, control_total, .. } => {
                book.exported = Some(Tally { lines: *lines, pence: *control_total });
            }
            PaymentRunEvent::LineConfirmed { line, amount, .. } => book.confirmed.push((*line, *amount)),
            PaymentRunEvent::LineRejected { line, amount, .. } => book.rejected.push((*line, *amount)),
            PaymentRunEvent::LineReturned { line, amount, .. } => book.returned.push((*line, *amount)),
            PaymentRunEvent::Reconciled { confirmed, rejected, returned } => {
                book.reconciled = Some([*confirmed, *rejected, *returned]);
            }
            PaymentRunEvent::Voided {} => book.voided = true,
            PaymentRunEvent::Opened { .. }
            | PaymentRunEvent::Approved { .. }
            | PaymentRunEvent::Released { .. }
            | PaymentRunEvent::ReturnDisputed { .. }
            | PaymentRunEvent::DisputeSettled { .. }
            | PaymentRunEvent::FileGivenAgain { .. }
            | PaymentRunEvent::RemittanceLoaded { .. } => {}
        }
    }

    /// Take a payment of a grant in, where it went through a run.
    pub fn take_grant(&mut self, event: &GrantEvent) {
        if let GrantEvent::PaymentConfirmed { run: Some(run), amount, .. } = event {
            self.0.entry(RunId(*run)).or_default().paid_to_grants.push(*amount);
        } else if let GrantEvent::PaymentReturned { run: Some(run), amount, .. } = event {
            self.0.entry(*run).or_default().back_from_grants.push(*amount);
        }
    }

    /// What does not hold of the runs.
    pub fn breaches(&self) -> impl Iterator<Item = Breach> {
        let mut live = BTreeMap::<InstalmentId, u32>::new();
        for instalment in self.0.values().flat_map(RunBook::live) {
            *live.entry(instalment).or_default() += 1;
        }
        let twice = live.into_iter().filter_map(|(instalment, runs)| {
            breach_unless(runs <= 1, "L8", format_args!("instalment {instalment}"), || {
                format!("it is in {runs} live lines of payment runs")
            })
        });
        self.0.iter().flat_map(|(id, book)| book.breaches(*id)).chain(twice)
    }
}

fn sum(answers: &[(u32, Money)]) -> Pence {
    Pence::of(answers.iter().map(|(_, amount)| *amount))
}

fn tally(answers: &[(u32, Money)]) -> Tally {
    Tally { lines: u32::try_from(answers.len()).unwrap_or(u32::MAX), pence: sum(answers) }
}

impl RunBook {
    /// The instalments that this run may still pay, or has paid.
    fn live(&self) -> impl Iterator<Item = InstalmentId> {
        let ended: BTreeSet<u32> =
            self.rejected.iter().chain(&self.returned).map(|(line, _)| *line).collect();
        let lines = self.lines.iter().filter(move |(line, _)| !self.voided && !ended.contains(line));
        lines.map(|(_, (instalment, _))| *instalment)
    }

    fn breaches(&self, id: RunId) -> Vec<Breach> {
        let of = format_args!("payment run {id}");
        let lines: Vec<(u32, Money)> =
            self.lines.iter().map(|(line, (_, amount))| (*line, *amount)).collect();
        let answered: BTreeSet<u32> =
            self.confirmed.iter().chain(&self.rejected).map(|(line, _)| *line).collect();
        let pending =
            Pence::of(lines.iter().filter(|(line, _)| !answered.contains(line)).map(|(_, amount)| *amount));
        let (total, paid, rejected) = (sum(&lines), sum(&self.confirmed), sum(&self.rejected));
        let of_grants =
            [&self.paid_to_grants, &self.back_from_grants].map(|all| Pence::of(all.iter().copied()));
        let of_bank = [paid, sum(&self.returned)];
        let kept: Vec<(u32, Money)> = {
            let came_back: BTreeSet<u32> = self.returned.iter().map(|(line, _)| *line).collect();
            self.confirmed.iter().filter(|(line, _)| !came_back.contains(line)).copied().collect()
        };
        let stated = self.reconciled.map(|[confirmed, rejected, returned]| {
            // Money may come back after the run was reconciled: paid then is kept or back now.
            [confirmed.pence.count() + returned.pence.count(), rejected.pence.count()]
        });
        [
            breach_unless(self.exported.is_none_or(|file| file == tally(&lines)), "L8", of, || {
                let file = self.exported.unwrap_or_default();
                format!("the lines come to {total}, the exported file to {}", file.pence)
            }),
            breach_unless(
                paid.count() + rejected.count() + pending.count() == total.count(),
                "L8",
                of,
                || format!("{paid} paid, {rejected} rejected and {pending} pending do not come to {total}"),
            ),
            breach_unless(of_grants == of_bank, "L8", of, || {
                let ([grants, back], [bank, returned]) = (of_grants, of_bank);
                format!("the bank paid {bank} and gave {returned} back, the grants say {grants} and {back}")
            }),
            breach_unless(sum(&kept).count() + of_bank[1].count() == paid.count(), "L8", of, || {
                format!("{} came back of {paid} paid, but {} is kept", of_bank[1], sum(&kept))
            }),
            breach_unless(
                stated.is_none_or(|stated| stated == [paid.count(), rejected.count()]),
                "L8",
                of,
                || format!("it was reconciled with other sums than {paid} paid and {rejected} rejected"),
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
