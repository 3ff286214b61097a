//! What can wait for somebody: a code of each kind, and the sentence that says what to do. `{name}` stands for what it
//! is about, `{detail}` for what more there is to say.

codes! {
    /// A kind of thing that waits for somebody.
    pub enum WaitingKind {
        "check_expires" => CheckExpires, "The {detail} check of {name} runs out: hand in a new document before it does.";
        "return_due" => ReturnDue, "Send in the {detail} of “{name}”.";
        "return_queried" => ReturnQueried, "A question came back about the {detail} of “{name}”: answer it and send it in again.";
        "grant_to_accept" => GrantToAccept, "A grant is offered for “{name}”: accept it or decline it.";
        "question_to_answer" => QuestionToAnswer, "A question was asked about “{name}”: {detail}";
        "offer_sent_back" => OfferSentBack, "“{name}” was sent back: {detail}";
        "offer_to_confirm" => OfferToConfirm, "Say whether “{name}” is still right as it stands.";
        "change_refused" => ChangeRefused, "A change of “{name}” was refused: {detail}";
        "own_offer_reported" => OwnOfferReported, "Somebody says that “{name}” is wrong ({detail}): put it right, or say that it is right.";
        "prescription_to_answer" => PrescriptionToAnswer, "Somebody was sent to “{name}”: take them on, or say why not.";
        "prescription_to_send" => PrescriptionToSend, "Send the prescription of “{name}”, once the person agrees what the partner is told.";
        "answer_overdue" => AnswerOverdue, "Two weeks are over and nobody answered about “{name}”: record the silence, then ask or look for another.";
        "prescription_unanswered" => PrescriptionUnanswered, "Nobody answered about “{name}”: make the prescription again, pass the person on or close it.";
        "prescription_declined" => PrescriptionDeclined, "“{name}” does not take somebody on ({detail}): pass the person on, make the prescription again or close it.";
        "prescription_to_tell" => PrescriptionToTell, "Tell the referrer what came of “{name}”.";
        "offer_to_review" => OfferToReview, "Look at “{name}”, which was handed in: publish it or send it back.";
        "change_to_review" => ChangeToReview, "Look at a change proposed for “{name}”: approve it or refuse it.";
        "report_to_answer" => ReportToAnswer, "Somebody says that “{name}” is wrong ({detail}): look into it and answer.";
        "return_to_accept" => ReturnToAccept, "Read the {detail} of “{name}”: accept it or ask about it.";
        "partner_review_overdue" => PartnerReviewOverdue, "The review of {name} is overdue.";
        "grant_offer_lapsed" => GrantOfferLapsed, "Nobody accepted the grant for “{name}” in time: record that the offer lapsed, or send it again.";
        "grant_to_approve" => GrantToApprove, "“{name}” is recommended: approve it or decline it.";
        "second_approval" => SecondApproval, "“{name}” waits for a second approval.";
        "variation_to_decide" => VariationToDecide, "A change of “{name}” is asked for: approve it or refuse it.";
        "termination_to_decide" => TerminationToDecide, "It was put forward that “{name}” ends early: end it, or withdraw that.";
        "run_to_approve" => RunToApprove, "Approve the payment run “{name}”.";
        "bank_to_verify" => BankToVerify, "Verify the bank details of {name}.";
        "payment_due" => PaymentDue, "Put £{detail} for “{name}” in a payment run.";
        "run_to_release" => RunToRelease, "Release the payment run “{name}”.";
        "run_to_export" => RunToExport, "Make the file for the bank of the payment run “{name}”.";
        "referral_to_triage" => ReferralToTriage, "Look at the referral that came on {name} from {detail}.";
        "referrer_to_tell" => ReferrerToTell, "Tell {detail}, who referred somebody on {name}, what came of it.";
        "erasure_to_do" => ErasureToDo, "Somebody asked on {name} to forget a person ({detail}): do it, or drop it.";
        "return_to_settle" => ReturnToSettle, "The bank says that line {detail} of the payment run “{name}” came back, which the partner had repaid: find out which is right and settle it.";
        "run_to_reconcile" => RunToReconcile, "Load the bank’s answer to the payment run “{name}” and reconcile it.";
        "consultation_to_write_up" => ConsultationToWriteUp, "Write up what was heard at “{name}”.";
        "voice_to_check" => VoiceToCheck, "Somebody’s words at “{name}” may be published: read them, and say whether anybody can be recognised.";
        "need_unanswered" => NeedUnanswered, "“{name}” has no answer yet ({detail}): make a commitment, merge it, or say why nothing can be done.";
        "commitment_due" => CommitmentDue, "A promise made at “{name}” is due: {detail}";
        "feedback_owed" => FeedbackOwed, "Those who came to “{name}” do not know the answers yet: tell them.";
    }
}

impl WaitingKind {
    /// The sentence about one thing that waits.
    #[must_use]
    pub fn sentence(self, name: &str, detail: &str) -> String {
        // The detail is put in last: what people typed is not looked through for placeholders.
        let parts: Vec<&str> = self.words().split("{detail}").collect();
        parts.iter().map(|part| part.replace("{name}", name)).collect::<Vec<_>>().join(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_it_is_about() {
        for kind in WaitingKind::ALL {
            let sentence = kind.sentence("Soup on Tuesdays", "interim return.");
            assert!(sentence.contains("Soup on Tuesdays") && sentence.ends_with('.'), "{sentence}");
            assert!(!sentence.contains(['{', '}']), "{sentence}");
        }
        let sly = WaitingKind::QuestionToAnswer.sentence("{detail}", "What is {name}?");
        assert_eq!(sly, "A question was asked about “{detail}”: What is {name}?");
    }
}
