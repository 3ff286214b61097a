//! Who would have had to sign an award, and whether anybody could have.

use std::collections::BTreeMap;

use super::checks::{Life, told};
use super::{At, EffectKind, Otherwise, Scene, Trace, WhatIfRules};
use crate::domain::calendar::{Date, day};
use crate::domain::delegation::Matter;
use crate::domain::grant::{AuthoritySource, AuthorityUsed, GrantEvent};
use crate::domain::identity::PersonId;
use crate::domain::money::Money;

/// The signatures under an award.
struct Signed<'e> {
    amount: Money,
    first: (PersonId, &'e AuthorityUsed),
    /// Of two, the second.
    second: Option<(PersonId, &'e AuthorityUsed)>,
    /// Whether two were needed.
    two: bool,
}

impl Signed<'_> {
    fn all(&self) -> impl Iterator<Item = (PersonId, &AuthorityUsed)> {
        [self.first].into_iter().chain(self.second)
    }

    /// Authority that stood in words: who else had it is not on the record.
    fn in_words(&self) -> bool {
        self.all().any(|(_, authority)| matches!(authority.source, AuthoritySource::Words(_)))
    }
}

/// Those who could have signed on a day: what each may award under the other rule, and where their authority stands.
#[derive(Default)]
struct Signers(BTreeMap<PersonId, (Money, Option<i64>)>);

impl Signers {
    fn add(&mut self, person: PersonId, limit: Money, index: Option<i64>) {
        let known = self.0.entry(person).or_insert((limit, index));
        if (limit, index.is_some()) > (known.0, known.1.is_some()) {
            *known = (limit, index);
        }
    }

    fn any(&self, may: impl Fn(Money) -> bool) -> bool {
        self.0.values().any(|(limit, _)| may(*limit))
    }
}

impl Scene {
    /// Everybody with authority in force who may decide on a grant, and those who did.
    fn signers(&self, trace: &Trace, signed: &Signed<'_>, rules: &WhatIfRules, at: At) -> Signers {
        let mut signers = Signers::default();
        let reach = |limit: Money| rules.delegation_limit.unwrap_or(limit);
        if let Ok(subject) = trace.state.subject() {
            let held = self.delegations.values().filter_map(|(index, person, state)| {
                let (fund, programme) = (subject.fund, subject.programme);
                let matter = Matter { person: *person, fund, programme, today: at.on };
                Some((*index, *person, state.limit(&matter).ok()?))
            });
            for (index, person, limit) in held {
                if trace.state.approvable_by(person).is_ok() {
                    signers.add(person, reach(limit), Some(index));
                }
            }
        }
        for (person, authority) in signed.all() {
            signers.add(person, reach(authority.limit), None);
        }
        signers
    }
}

impl Trace {
    pub(super) fn award_taken(&mut self, scene: &Scene, rules: &WhatIfRules, at: At, event: &GrantEvent) {
        if let GrantEvent::FirstApprovalGiven { approver, amount, authority, .. } = event {
            self.first_approval = Some(at.index);
            let first = (*approver, authority);
            let signed = Signed { amount: *amount, first, second: None, two: true };
            // That somebody else has to sign is nothing new.
            let enough = |one: &Otherwise| one.kind == EffectKind::NoSecondSignature;
            self.award = self.award_under(scene, rules, at, &signed).filter(enough);
        }
        if let GrantEvent::Approved { approver, amount, authority, first, .. } = event {
            let last = (*approver, authority);
            let signed = first.as_ref().map_or(
                Signed { amount: *amount, first: last, second: None, two: false },
                |first| Signed {
                    amount: *amount,
                    first: (first.approver, &first.authority),
                    second: Some(last),
                    two: true,
                },
            );
            self.award = self
                .partner_unapproved(scene, rules, at)
                .or_else(|| self.award_under(scene, rules, at, &signed));
        }
        if let GrantEvent::VariationApproved { authority, total, .. } = event
            && let Some(limit) = rules.delegation_limit
            && !self.is_blocked()
            && limit < *total
            && *total <= authority.limit
        {
            let why = format!(
                "A change that brings the award to {total} was approved under a limit of {}. No delegation would \
                 have reached further than {limit}.",
                authority.limit
            );
            let relied_on = vec![at.index];
            self.steps.push(Otherwise { kind: EffectKind::Blocked, why, relied_on, on: at.on });
        }
    }

    /// A grant is awarded to a partner that is approved, and a partner is approved when its checks hold.
    fn partner_unapproved(&self, scene: &Scene, rules: &WhatIfRules, at: At) -> Option<Otherwise> {
        let standing = scene.partners.get(&self.state.subject().ok()?.partner)?;
        let (approved, out) = standing.wrongly_approved(rules.check_months?)?;
        let out: Vec<&Life> = out.iter().collect();
        let why = format!(
            "The partner was approved on {}, before this award, and could not have been: {}.",
            day(approved.on),
            told(&out)
        );
        let mut relied_on: Vec<i64> =
            out.iter().map(|life| life.index).chain([approved.index, at.index]).collect();
        relied_on.sort_unstable();
        Some(Otherwise { kind: EffectKind::Blocked, why, relied_on, on: at.on })
    }

    /// The award under the other rule, signed first by whoever signed first.
    fn award_under(
        &self,
        scene: &Scene,
        rules: &WhatIfRules,
        at: At,
        signed: &Signed<'_>,
    ) -> Option<Otherwise> {
        let (opened, programme) = scene.programme_of(&self.state)?;
        let one_before = programme.rules().ok()?.limits.one_approver;
        let one_approver = rules.one_approver.unwrap_or(one_before);
        let requested = self.state.case().ok()?.requested;
        let micro = scene.is_micro(&self.state) || rules.micro_limit.is_some_and(|limit| requested <= limit);
        let (amount, (_, authority)) = (signed.amount, signed.first);
        let alone = rules.delegation_limit.unwrap_or(authority.limit).min(one_approver);
        let (signers, (kind, why)) = if amount <= alone {
            let never = if signed.second.is_none() { "; the second had not been given" } else { "" };
            let why = format!(
                "{amount} needed two signatures{never}. Whoever signed first could have awarded up to {alone} alone."
            );
            (Signers::default(), signed.two.then_some((EffectKind::NoSecondSignature, why))?)
        } else if !signed.two && amount > authority.limit.min(one_before) {
            // It went beyond the rules of its own time: another rule has not changed that.
            return None;
        } else {
            let signers = scene.signers(self, signed, rules, at);
            let said = if micro {
                signers.on_micro_track(signed, one_approver, at.on)?
            } else {
                signers.beyond_one(signed, alone, at.on)?
            };
            (signers, said)
        };
        let held = signers.0.values().filter_map(|(_, index)| *index);
        let mut relied_on: Vec<i64> = held.chain(self.first_approval).chain([at.index, *opened]).collect();
        relied_on.sort_unstable();
        relied_on.dedup();
        Some(Otherwise { kind, why, relied_on, on: at.on })
    }
}

impl Signers {
    /// On the micro track one approver decides, or nobody.
    fn on_micro_track(&self, signed: &Signed<'_>, one: Money, on: Date) -> Option<(EffectKind, String)> {
        let (amount, on) = (signed.amount, day(on));
        if self.any(|limit| amount <= limit.min(one)) {
            let why = format!(
                "{amount} needed two signatures. On the micro track one approver decides, and somebody with authority \
                 in force on {on} could have awarded it alone."
            );
            return signed.two.then_some((EffectKind::NoSecondSignature, why));
        }
        let why = format!(
            "{amount} was awarded. On the micro track one approver decides, and nobody with authority in force on {on} \
             could have awarded that much alone."
        );
        Some((EffectKind::Blocked, why))
    }

    /// Above what whoever signed first may award alone: two of them, one of whom reaches far enough.
    fn beyond_one(&self, signed: &Signed<'_>, alone: Money, on: Date) -> Option<(EffectKind, String)> {
        let (amount, on) = (signed.amount, day(on));
        if !self.any(|limit| amount <= limit) {
            let why = format!(
                "{amount} was awarded. Nobody with authority in force on {on} could have approved that much, alone or \
                 as the second."
            );
            return Some((EffectKind::Blocked, why));
        }
        if signed.two {
            return None;
        }
        let others = match self.0.len() - 1 {
            _ if signed.in_words() => {
                "Who else could have signed is not on the record: authority stood in words then".into()
            }
            0 => format!("Nobody else with authority in force on {on} could have signed as well"),
            1 => format!("One other person with authority in force on {on} could have signed as well"),
            many => format!("{many} other people with authority in force on {on} could have signed as well"),
        };
        let blocked = self.0.len() == 1 && !signed.in_words();
        let kind = if blocked { EffectKind::Blocked } else { EffectKind::SecondSignature };
        let why = format!(
            "{amount} was awarded by one approver, who could have awarded up to {alone} alone. {others}."
        );
        Some((kind, why))
    }
}
