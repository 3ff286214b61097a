//! How a case comes in: an expression of interest, a direct award, the application, and what is asked about it.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{Application, Beginning, Grant, GrantEvent, GrantRefusal, GrantStatus};
use crate::domain::Circumstances;
use crate::domain::calendar::{Date, day};
use crate::domain::identity::PersonId;
use crate::domain::money::pounds;
use crate::domain::text::Text;

impl Grant {
    const fn must_not_have_begun(&self) -> Result<(), GrantRefusal> {
        if matches!(self.status, GrantStatus::None) { Ok(()) } else { Err(GrantRefusal::AlreadyBegun) }
    }

    pub(super) fn receive_interest(
        &self,
        beginning: Beginning,
        idea: Text<2000>,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_not_have_begun()?;
        let Beginning { reference, partner, programme, fund, title } = beginning;
        Ok(GrantEvent::InterestReceived { reference, partner, programme, fund, title, idea })
    }

    pub(super) fn propose_direct_award(
        &self,
        beginning: Beginning,
        justification: Text<2000>,
        proposer: PersonId,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_not_have_begun()?;
        let Beginning { reference, partner, programme, fund, title } = beginning;
        Ok(GrantEvent::DirectAwardProposed {
            reference,
            partner,
            programme,
            fund,
            title,
            proposer,
            justification,
        })
    }

    fn invitation_is_past(&self, today: Date) -> bool {
        self.apply_by.is_some_and(|apply_by| today > apply_by)
    }

    /// An invitation that ran out may be sent again.
    pub(super) fn invite(&self, apply_by: Date, at: &Circumstances) -> Result<GrantEvent, GrantRefusal> {
        if self.status != GrantStatus::Invited || !self.invitation_is_past(at.today) {
            self.must_be(GrantStatus::Interest)?;
        }
        if apply_by < at.today {
            return Err(GrantRefusal::InvitationPast);
        }
        Ok(GrantEvent::InvitedToApply { apply_by })
    }

    /// Also once an invitation has run out without an application.
    pub(super) fn decline_interest(
        &self,
        feedback: Text<2000>,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        if self.status != GrantStatus::Invited || !self.invitation_is_past(at.today) {
            self.must_be(GrantStatus::Interest)?;
        }
        Ok(GrantEvent::InterestDeclined { feedback })
    }

    /// An application begins a case, or goes on with one that was invited or proposed.
    pub(super) fn submit(
        &self,
        application: Application,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        let asked = [GrantStatus::Invited, GrantStatus::Proposed].contains(&self.status);
        if let Some(subject) = self.subject.as_ref().filter(|_| asked) {
            if (application.partner, application.programme) != (subject.partner, subject.programme) {
                return Err(GrantRefusal::NotAsInvited);
            }
            if let Some(apply_by) = self.apply_by.filter(|_| self.invitation_is_past(at.today)) {
                return Err(GrantRefusal::InvitedUntil { by: day(apply_by) });
            }
        } else if self.status == GrantStatus::Interest {
            self.must_be(GrantStatus::Invited)?;
        } else if self.status != GrantStatus::None {
            return Err(GrantRefusal::AlreadySubmitted);
        }
        submitted(application)
    }

    /// Until it is decided; one question at a time.
    pub(super) fn request_information(
        &self,
        what: Text<2000>,
        by: Date,
        at: &Circumstances,
    ) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_before_approval()?;
        self.must_be_complete()?;
        if by < at.today {
            return Err(GrantRefusal::AnswerByPast);
        }
        Ok(GrantEvent::MoreInformationRequested { what, by })
    }

    pub(super) fn supply_information(&self, answer: Text<2000>) -> Result<GrantEvent, GrantRefusal> {
        self.must_be_before_approval()?;
        if !self.information_awaited {
            return Err(GrantRefusal::NothingAsked);
        }
        Ok(GrantEvent::InformationSupplied { answer })
    }

    /// While the partner has a question to answer the time is the partner's, so nothing is decided meanwhile.
    pub(super) const fn must_be_complete(&self) -> Result<(), GrantRefusal> {
        if self.information_awaited { Err(GrantRefusal::InformationAwaited) } else { Ok(()) }
    }

    pub(super) fn withdraw(&self) -> Result<GrantEvent, GrantRefusal> {
        let early = [GrantStatus::Interest, GrantStatus::Invited, GrantStatus::Proposed];
        if !early.contains(&self.status) {
            self.must_be_before_approval()?;
        }
        Ok(GrantEvent::ApplicationWithdrawn {})
    }
}

/// An application as a fact, when it is whole and makes sense in itself.
fn submitted(application: Application) -> Result<GrantEvent, GrantRefusal> {
    let Application {
        reference,
        partner,
        programme,
        fund,
        title,
        purpose,
        requested,
        places,
        starts_on,
        ends_on,
        needs,
        delivery,
        criteria_version,
    } = application;
    if places.is_empty() {
        return Err(GrantRefusal::NoPlace);
    }
    if ends_on < starts_on {
        return Err(GrantRefusal::DatesReversed);
    }
    let mut partners = BTreeSet::from([partner]);
    if !delivery.iter().all(|share| partners.insert(share.partner)) {
        return Err(GrantRefusal::DeliveryPartnerTwice);
    }
    let shares: Decimal = delivery.iter().map(|share| share.amount.pounds()).sum();
    if shares > requested.pounds() {
        return Err(GrantRefusal::DeliveryExceedsRequest { shares: pounds(shares), requested });
    }
    let percent: u32 = needs.iter().map(|share| u32::from(share.percent)).sum();
    if !needs.is_empty() && (percent != 100 || needs.iter().any(|share| share.percent == 0)) {
        return Err(GrantRefusal::NeedShares { total: percent });
    }
    Ok(GrantEvent::ApplicationSubmitted {
        reference,
        partner,
        programme,
        fund,
        title,
        purpose,
        requested,
        places,
        starts_on,
        ends_on,
        needs,
        delivery,
        criteria_version,
    })
}
