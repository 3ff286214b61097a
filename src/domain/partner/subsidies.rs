//! Minimal financial assistance: how much aid a partner has had, and whether more may be given.
//!
//! Subsidy Control Act 2022: section 36 sets the limit over this financial year and the two before it; section 37
//! asks for the partner's written confirmation before anything is given; sections 32 to 34 say what goes to the
//! public database.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Partner, PartnerEvent, PartnerRefusal};
use crate::domain::calendar::{Date, FinancialYear, day};
use crate::domain::evidence::Evidence;
use crate::domain::identity::{GrantId, PersonId};
use crate::domain::money::{Money, pounds};
use crate::domain::text::Text;

/// The most minimal financial assistance one organisation may have, in pounds, from all public bodies together, in a
/// financial year and the two before it.
pub const LIMIT: Decimal = Decimal::from_parts(315_000, 0, 0, false, 0);

/// A single subsidy above this many pounds is entered in the public database.
pub const PUBLISHED_ABOVE: Decimal = Decimal::from_parts(100_000, 0, 0, false, 0);

/// Within so many months of being given.
pub const MONTHS_TO_PUBLISH: u32 = 3;

/// The last day on which a subsidy must be in the public database, where it must.
#[must_use]
pub fn publish_by(amount: Money, given_on: Date) -> Option<Date> {
    (amount.pounds() > PUBLISHED_ABOVE).then(|| given_on + chrono::Months::new(MONTHS_TO_PUBLISH))
}

/// Whether aid given on a date counts towards the limit on another.
#[must_use]
pub fn counts(given_on: Date, on: Date) -> bool {
    let (then, now) = (FinancialYear::of(given_on).begins_in(), FinancialYear::of(on).begins_in());
    (now - 2..=now).contains(&then)
}

/// A subsidy that is being given for a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Notice {
    amount: Money,
    confirmed: bool,
}

/// The aid a partner has had.
#[derive(Debug, Clone, Default)]
pub(super) struct Subsidies {
    aid: Vec<(Date, Money)>,
    notices: BTreeMap<GrantId, Notice>,
    given: BTreeMap<GrantId, Given>,
}

/// A subsidy that was given for a grant, at once or with what a change added, and whether all of it is published.
#[derive(Debug, Clone, Copy, Default)]
struct Given {
    total: Decimal,
    published: bool,
}

impl Subsidies {
    /// What counts towards the limit on a date, in pounds.
    fn total(&self, on: Date) -> Decimal {
        self.aid.iter().filter(|(given, _)| counts(*given, on)).map(|(_, amount)| amount.pounds()).sum()
    }

    /// What was given for a grant, in pounds.
    fn given(&self, grant: GrantId) -> Decimal {
        self.given.get(&grant).map(|given| given.total).unwrap_or_default()
    }

    /// How much of a sum for a grant has not been given yet.
    fn more(&self, grant: GrantId, whole: Money) -> Option<Money> {
        Money::some(whole.pounds() - self.given(grant))
    }

    fn within_limit(&self, amount: Money, on: Date) -> Result<(), PartnerRefusal> {
        let had = self.total(on);
        if had + amount.pounds() > LIMIT {
            let left = pounds((LIMIT - had).max(Decimal::ZERO));
            return Err(PartnerRefusal::SubsidyLimit { had: pounds(had), left, asked: amount });
        }
        Ok(())
    }

    pub(super) fn take(&mut self, event: &PartnerEvent) {
        if let PartnerEvent::SubsidyDeclared { amount, given_on, .. } = event {
            self.aid.push((*given_on, *amount));
        } else if let PartnerEvent::SubsidyNotified { grant, amount } = event {
            self.notices.insert(*grant, Notice { amount: *amount, confirmed: false });
        } else if let PartnerEvent::SubsidyConfirmed { grant, .. } = event {
            if let Some(notice) = self.notices.get_mut(grant) {
                notice.confirmed = true;
            }
        } else if let PartnerEvent::SubsidyGiven { grant, amount, given_on } = event {
            self.aid.push((*given_on, *amount));
            self.notices.remove(grant);
            let given = self.given.entry(*grant).or_default();
            *given = Given { total: given.total + amount.pounds(), published: false };
        } else if let PartnerEvent::SubsidyPublished { grant, .. } = event
            && let Some(given) = self.given.get_mut(grant)
        {
            given.published = true;
        }
    }
}

impl Partner {
    /// What counts towards the limit on a date, in pounds: given here, and declared of other bodies.
    #[must_use]
    pub fn aid_counting(&self, on: Date) -> Decimal {
        self.subsidies.total(on)
    }

    /// Whether a grant is to be given as minimal financial assistance: the partner was told so.
    #[must_use]
    pub fn is_told_of_subsidy(&self, grant: GrantId) -> bool {
        self.subsidies.notices.contains_key(&grant)
    }

    /// Whether a grant that was given as minimal financial assistance comes to more than was given with this sum.
    #[must_use]
    pub fn is_more_subsidy(&self, grant: GrantId, whole: Money) -> bool {
        self.subsidies.given.contains_key(&grant) && self.subsidies.more(grant, whole).is_some()
    }

    /// Whether a subsidy may be given for a grant on a date: the whole sum of it, of which some may have been given.
    ///
    /// # Errors
    /// The partner was not told, has not confirmed, confirmed less, or would have more than the limit.
    pub fn may_be_subsidised(&self, grant: GrantId, whole: Money, on: Date) -> Result<(), PartnerRefusal> {
        let notice = self.subsidies.notices.get(&grant).ok_or(PartnerRefusal::SubsidyNotNotified)?;
        if !notice.confirmed {
            return Err(PartnerRefusal::SubsidyNotConfirmed);
        }
        if whole > notice.amount {
            return Err(PartnerRefusal::SubsidyAboveNotice { notified: notice.amount, asked: whole });
        }
        self.subsidies.more(grant, whole).map_or(Ok(()), |more| self.subsidies.within_limit(more, on))
    }

    /// What of a sum is given now: all of it, or what a change adds to what was given before.
    pub(super) fn give_subsidy(
        &self,
        grant: GrantId,
        whole: Money,
        (today, on): (Date, Date),
    ) -> Result<PartnerEvent, PartnerRefusal> {
        self.may_be_subsidised(grant, whole, today)?;
        let amount = self.subsidies.more(grant, whole).ok_or(PartnerRefusal::SubsidyAlreadyGiven)?;
        Ok(PartnerEvent::SubsidyGiven { grant, amount, given_on: on })
    }

    pub(super) fn declare_subsidy(
        &self,
        body: Text<200>,
        amount: Money,
        given_on: Date,
        today: Date,
    ) -> Result<PartnerEvent, PartnerRefusal> {
        self.must_be_alive()?;
        if given_on > today {
            return Err(PartnerRefusal::SubsidyAhead { on: day(given_on) });
        }
        Ok(PartnerEvent::SubsidyDeclared { body, amount, given_on })
    }

    pub(super) fn notify_subsidy(
        &self,
        grant: GrantId,
        amount: Money,
        on: Date,
    ) -> Result<PartnerEvent, PartnerRefusal> {
        self.approved()?;
        if self.subsidies.notices.get(&grant).is_some_and(|notice| notice.amount == amount) {
            return Err(PartnerRefusal::SubsidyAlreadyNotified { amount });
        }
        let more = self.subsidies.more(grant, amount).ok_or(PartnerRefusal::SubsidyAlreadyGiven)?;
        self.subsidies.within_limit(more, on)?;
        Ok(PartnerEvent::SubsidyNotified { grant, amount })
    }

    pub(super) fn confirm_subsidy(
        &self,
        grant: GrantId,
        evidence: Evidence,
        confirmed_by: PersonId,
        on: Date,
    ) -> Result<PartnerEvent, PartnerRefusal> {
        let notice = self.subsidies.notices.get(&grant).ok_or(PartnerRefusal::SubsidyNotNotified)?;
        if notice.confirmed {
            return Err(PartnerRefusal::SubsidyAlreadyConfirmed);
        }
        if let Some(more) = self.subsidies.more(grant, notice.amount) {
            self.subsidies.within_limit(more, on)?;
        }
        Ok(PartnerEvent::SubsidyConfirmed { grant, amount: notice.amount, confirmed_by, evidence })
    }

    pub(super) fn publish_subsidy(
        &self,
        grant: GrantId,
        entry: Text<60>,
    ) -> Result<PartnerEvent, PartnerRefusal> {
        match self.subsidies.given.get(&grant) {
            None => Err(PartnerRefusal::SubsidyNotGiven),
            Some(Given { published: true, .. }) => Err(PartnerRefusal::SubsidyAlreadyPublished),
            Some(Given { published: false, .. }) => Ok(PartnerEvent::SubsidyPublished { grant, entry }),
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
