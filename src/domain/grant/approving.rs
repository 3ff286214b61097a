//! How a grant is recommended and approved: by a panel or not, by one approver or two.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    ApprovalGround, Grant, GrantEvent, GrantRefusal, GrantStatus, PlannedInstalment, Recommendation,
};
use crate::domain::calendar::FinancialYear;
use crate::domain::identity::{DelegationId, PersonId};
use crate::domain::money::{Money, pounds};
use crate::domain::places::listed;
use crate::domain::text::Text;

/// Where an authority comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthoritySource {
    /// A delegation to the approver.
    Delegation(DelegationId),
    /// What an approval rested on before there were delegations, in the words of then.
    Words(Text<60>),
}

/// The authority an approval rested on, with the limit in force at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityUsed {
    /// Where it comes from.
    pub source: AuthoritySource,
    /// The most it allowed, GBP.
    pub limit: Money,
}

/// The first of two approvals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstApproval {
    /// Who gave it.
    pub approver: PersonId,
    /// The authority it rested on.
    pub authority: AuthorityUsed,
}

/// Who sat together over a recommendation; nobody where there was no panel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Panel {
    /// Who decided.
    pub present: BTreeSet<PersonId>,
    /// Who stood aside because of an interest.
    pub stood_aside: BTreeSet<PersonId>,
}

impl Grant {
    fn fully_scored(&self, scoring: &BTreeSet<Text<40>>) -> Result<(), GrantRefusal> {
        let scored = |code: &&Text<40>| {
            self.scores
                .keys()
                .any(|(assessor, criterion)| criterion == *code && !self.conflicted.contains(assessor))
        };
        let missing: Vec<&str> = scoring.iter().filter(|code| !scored(code)).map(Text::as_str).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(GrantRefusal::NotFullyScored { missing: listed(missing) })
        }
    }

    /// Those with an interest stand aside, and enough of the others are left.
    fn may_decide_together(&self, panel: &Panel, quorum: Option<u8>) -> Result<(), GrantRefusal> {
        let Some(quorum) = quorum else {
            let nobody = panel.present.is_empty() && panel.stood_aside.is_empty();
            return if nobody { Ok(()) } else { Err(GrantRefusal::MicroNoPanel) };
        };
        if !panel.present.is_disjoint(&panel.stood_aside) {
            return Err(GrantRefusal::PanelTwice);
        }
        if !panel.present.is_disjoint(&self.conflicted) {
            return Err(GrantRefusal::PanelConflicted);
        }
        let left = panel.present.len();
        if left < usize::from(quorum) {
            return Err(GrantRefusal::NoQuorum { left, quorum });
        }
        Ok(())
    }

    pub(super) fn recommend(
        &self,
        amount: Money,
        scoring: &BTreeSet<Text<40>>,
        panel: Panel,
        quorum: Option<u8>,
        proposer: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_assessed()?;
        self.must_be_complete()?;
        self.fully_scored(scoring)?;
        self.may_decide_together(&panel, quorum)?;
        let requested = self.case()?.requested;
        if amount > requested {
            return Err(GrantRefusal::ExceedsRequest { requested });
        }
        Ok(GrantEvent::Recommended { proposer, amount, panel })
    }

    /// Whether somebody may approve this grant at all, whatever their authority: four eyes, and no interest.
    ///
    /// # Errors
    /// The grant is not recommended, or this person or a proposer of it stands in the way.
    pub fn approvable_by(&self, approver: PersonId) -> Result<(), GrantRefusal> {
        self.must_be(GrantStatus::Recommended)?;
        if self.conflicted.contains(&approver) {
            return Err(GrantRefusal::Conflicted);
        }
        if self.proposers.contains(&approver) {
            return Err(GrantRefusal::ApproverProposed);
        }
        let stands = |recommendation: &Recommendation| recommendation.by.is_disjoint(&self.conflicted);
        if !self.recommended.as_ref().is_some_and(stands) {
            return Err(GrantRefusal::ProposerConflicted);
        }
        if self.assessors.contains(&approver) {
            return Err(GrantRefusal::ApproverAssessed);
        }
        Ok(())
    }

    /// What holds for every approval, the first of two as well: the amount that was recommended.
    fn may_approve(
        &self,
        instalments: &[PlannedInstalment],
        ground: &ApprovalGround,
        approver: PersonId,
    ) -> Result<Money, GrantRefusal> {
        self.approvable_by(approver)?;
        self.must_be_complete()?;
        let amount = self.recommended.as_ref().ok_or(GrantRefusal::Unknown)?.amount;
        self.fully_scored(&ground.scoring)?;
        if instalments.is_empty() {
            return Err(GrantRefusal::NoInstalments);
        }
        if ground.micro && instalments.len() > 1 {
            return Err(GrantRefusal::MicroOneInstalment { planned: instalments.len() });
        }
        add_up(instalments, amount)?;
        as_reserved(instalments, &ground.reserved)?;
        Ok(amount)
    }

    /// Within the approver's own limit and the programme's limit of one approver, the grant is approved. Above either,
    /// it is the first of two approvals; the micro track has one approver and no more.
    pub(super) fn approve(
        &self,
        instalments: Vec<PlannedInstalment>,
        terms_version: Text<40>,
        ground: ApprovalGround,
        approver: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        if self.first_approval.is_some() {
            return Err(GrantRefusal::FirstApprovalStands);
        }
        let amount = self.may_approve(&instalments, &ground, approver)?;
        let alone = ground.authority.limit.min(ground.one_approver);
        let authority = ground.authority;
        if amount <= alone {
            return Ok(GrantEvent::Approved {
                approver,
                amount,
                authority,
                first: None,
                instalments,
                terms_version,
            });
        }
        if ground.micro {
            return Err(GrantRefusal::ExceedsAuthority { amount, limit: alone });
        }
        Ok(GrantEvent::FirstApprovalGiven { approver, amount, authority, instalments, terms_version })
    }

    /// The second of two approvals: another person, whose own limit covers the amount, on what the first approved.
    pub(super) fn approve_second(
        &self,
        ground: ApprovalGround,
        approver: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be(GrantStatus::Recommended)?;
        let pending = self.first_approval.as_ref().ok_or(GrantRefusal::NoFirstApproval)?;
        if pending.first.approver == approver {
            return Err(GrantRefusal::SameApprover);
        }
        let amount = self.may_approve(&pending.instalments, &ground, approver)?;
        if amount > ground.authority.limit {
            return Err(GrantRefusal::ExceedsAuthority { amount, limit: ground.authority.limit });
        }
        Ok(GrantEvent::Approved {
            approver,
            amount,
            authority: ground.authority,
            first: Some(pending.first.clone()),
            instalments: pending.instalments.clone(),
            terms_version: pending.terms_version.clone(),
        })
    }
}

/// Instalments with ids of their own that come to the amount.
fn add_up(instalments: &[PlannedInstalment], amount: Money) -> Result<(), GrantRefusal> {
    let mut ids = BTreeSet::new();
    if !instalments.iter().all(|one| ids.insert(one.id)) {
        return Err(GrantRefusal::InstalmentTwice);
    }
    let total: Decimal = instalments.iter().map(|one| one.amount.pounds()).sum();
    if total != amount.pounds() {
        return Err(GrantRefusal::InstalmentsDoNotAddUp { total: pounds(total), amount });
    }
    Ok(())
}

/// Instalments that use each year's budget as it is reserved.
fn as_reserved(
    instalments: &[PlannedInstalment],
    reserved: &BTreeMap<FinancialYear, Decimal>,
) -> Result<(), GrantRefusal> {
    let mut planned: BTreeMap<FinancialYear, Decimal> = BTreeMap::new();
    for one in instalments {
        *planned.entry(one.year).or_default() += one.amount.pounds();
    }
    for year in planned.keys().chain(reserved.keys()) {
        let of = |sums: &BTreeMap<FinancialYear, Decimal>| sums.get(year).copied().unwrap_or_default();
        let (planned, reserved) = (of(&planned), of(reserved));
        if planned != reserved {
            let (planned, reserved) = (pounds(planned), pounds(reserved));
            return Err(GrantRefusal::InstalmentsNotAsReserved { year: *year, planned, reserved });
        }
    }
    Ok(())
}
