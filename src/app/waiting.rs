//! What waits for somebody next, in one list for each role. Where it is found stands in `src/projections/waiting.rs`.

use super::authority::may;
use super::{App, Failure};
use crate::auth::Identity;
use crate::domain::grant::ReturnKind;
use crate::domain::offer::WhatIsWrong;
use crate::domain::partner::CheckKind;
use crate::domain::person::ErasureGround;
use crate::domain::prescription::DeclineReason;
use crate::domain::referral::ReferralSource;
use crate::domain::waiting::WaitingKind;
use crate::projections::waiting::{Asker, WaitingRecord, waits_for};

impl App {
    /// What waits for whoever asks, by the day it is due. One statement, whatever the role.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn waiting_on(&self, who: &Identity, limit: i64) -> Result<Vec<WaitingRecord>, Failure> {
        may(who, "waitingOn")?;
        let partner = who.partner.filter(|_| who.role.is_of_a_partner());
        let asker = Asker { role: who.role, person: who.person, partner, today: self.today() };
        Ok(waits_for(self.store.pool(), asker, limit).await?)
    }
}

/// What is to be done, in one sentence.
#[must_use]
pub fn sentence(waiting: &WaitingRecord) -> String {
    let detail = waiting.detail.as_deref().unwrap_or_default();
    let words = match waiting.kind {
        WaitingKind::CheckExpires => CheckKind::from_code(detail).map(CheckKind::words),
        WaitingKind::ReturnDue | WaitingKind::ReturnQueried | WaitingKind::ReturnToAccept => {
            ReturnKind::from_code(detail).map(ReturnKind::words)
        }
        WaitingKind::ReferralToTriage | WaitingKind::ReferrerToTell => {
            ReferralSource::from_code(detail).map(ReferralSource::words)
        }
        WaitingKind::ErasureToDo => ErasureGround::from_code(detail).map(ErasureGround::words),
        WaitingKind::OwnOfferReported | WaitingKind::ReportToAnswer => {
            WhatIsWrong::from_code(detail).map(WhatIsWrong::words)
        }
        WaitingKind::PrescriptionDeclined => DeclineReason::from_code(detail).map(DeclineReason::words),
        WaitingKind::GrantToAccept
        | WaitingKind::QuestionToAnswer
        | WaitingKind::OfferSentBack
        | WaitingKind::OfferToConfirm
        | WaitingKind::ChangeRefused
        | WaitingKind::PrescriptionToAnswer
        | WaitingKind::PrescriptionToSend
        | WaitingKind::AnswerOverdue
        | WaitingKind::PrescriptionUnanswered
        | WaitingKind::PrescriptionToTell
        | WaitingKind::OfferToReview
        | WaitingKind::ChangeToReview
        | WaitingKind::PartnerReviewOverdue
        | WaitingKind::GrantOfferLapsed
        | WaitingKind::GrantToApprove
        | WaitingKind::SecondApproval
        | WaitingKind::VariationToDecide
        | WaitingKind::TerminationToDecide
        | WaitingKind::RunToApprove
        | WaitingKind::ReturnToSettle
        | WaitingKind::BankToVerify
        | WaitingKind::PaymentDue
        | WaitingKind::RunToRelease
        | WaitingKind::RunToExport
        | WaitingKind::RunToReconcile
        | WaitingKind::ConsultationToWriteUp
        | WaitingKind::VoiceToCheck
        | WaitingKind::NeedUnanswered
        | WaitingKind::CommitmentDue
        | WaitingKind::FeedbackOwed => None,
    };
    waiting.kind.sentence(&waiting.name, words.unwrap_or(detail))
}
