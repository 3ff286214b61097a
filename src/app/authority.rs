//! Who may do what: one table of deeds and roles. A test holds it against the API: no field without a row.

use super::Failure;
use crate::auth::Identity;
use crate::domain::identity::{PartnerId, Role};
use Role::{
    Advisor, Approver, Auditor, Commissioner, Finance, Inclusion, PartnerAdmin, PartnerWorker, Public,
};

/// Everybody who works here.
const STAFF: &[Role] = &[Commissioner, Approver, Finance, Inclusion, Advisor];
/// Everybody who works here, and auditors.
const STAFF_AND_AUDIT: &[Role] = &[Commissioner, Approver, Finance, Inclusion, Advisor, Auditor];
/// Those who see money and decisions.
const MONEY: &[Role] = &[Commissioner, Approver, Finance, Auditor];
/// Those who see money and decisions, and partners their own.
const MONEY_AND_OWN: &[Role] = &[Commissioner, Approver, Finance, Auditor, PartnerAdmin, PartnerWorker];
/// Those who enter activity and published figures.
const ENTERS: &[Role] = &[Commissioner, Inclusion];
/// Those who record what came of a session; people of a partner at their own place.
const HOSTS: &[Role] = &[Commissioner, Inclusion, PartnerAdmin, PartnerWorker];
/// Those who see what sessions come to.
const ACTIVITY: &[Role] = &[Commissioner, Approver, Finance, Inclusion, Advisor, Auditor];
/// Those who follow a prescription: advisors, and the partner it was sent to.
const FOLLOWING: &[Role] = &[Advisor, PartnerAdmin, PartnerWorker];
/// Everybody who is signed in; people of a partner see what is their own.
const SIGNED_IN: &[Role] =
    &[Commissioner, Approver, Finance, Inclusion, Advisor, Auditor, PartnerAdmin, PartnerWorker];
/// Everybody.
const ANYBODY: &[Role] = &Role::ALL;

/// Those who may look at the record as it stood, of all that they may see as it stands.
pub const LOOKS_BACK: &[Role] = STAFF_AND_AUDIT;

/// Each field of the API’s queries and mutations, and who may use it.
pub const DEEDS: &[(&str, &[Role])] = &[
    // Looking.
    ("me", ANYBODY),
    ("partners", ANYBODY),
    ("partner", ANYBODY),
    ("people", STAFF),
    ("funds", MONEY),
    ("fund", MONEY),
    ("programmes", ANYBODY),
    ("programme", ANYBODY),
    ("grants", MONEY_AND_OWN),
    // Inclusion and advisors see the cases that they assess.
    ("grant", SIGNED_IN),
    ("ledger", MONEY),
    ("ledgerLines", MONEY),
    ("paymentRuns", MONEY),
    ("paymentRun", MONEY),
    ("payable", MONEY),
    ("matchRemittance", &[Finance]),
    ("history", MONEY_AND_OWN),
    ("historyEntry", MONEY_AND_OWN),
    ("eventFeed", MONEY_AND_OWN),
    ("decisionReceipt", MONEY),
    ("checkpoint", ANYBODY),
    ("verifierKey", ANYBODY),
    ("inclusionProof", MONEY_AND_OWN),
    ("evidenceBundle", MONEY),
    ("evidenceBundlePart", MONEY),
    ("laws", MONEY),
    ("whatIf", MONEY),
    ("subsidies", MONEY),
    ("delegations", MONEY),
    // People who are helped: for advisors. Auditors see who read what in the vault, and not about whom.
    ("supportedPeople", &[Advisor]),
    ("supportedPerson", &[Advisor]),
    ("retentionEnded", &[Advisor]),
    ("referrals", &[Advisor]),
    ("referral", &[Advisor]),
    ("contacts", &[Advisor]),
    ("contact", &[Advisor]),
    ("vaultReadings", &[Auditor]),
    ("registerPerson", &[Advisor]),
    ("keepPersonDetails", &[Advisor]),
    ("findPerson", &[Advisor]),
    ("openPersonDetails", &[Advisor]),
    ("agreeSharing", &[Advisor]),
    ("withdrawSharing", &[Advisor]),
    ("askErasure", &[Advisor]),
    ("dropErasure", &[Advisor]),
    ("erasePerson", &[Advisor]),
    ("receiveReferral", &[Advisor]),
    ("openReferralLetter", &[Advisor]),
    ("triageReferral", &[Advisor]),
    ("acceptReferral", &[Advisor]),
    ("declineReferral", &[Advisor]),
    ("redirectReferral", &[Advisor]),
    ("tellReferrer", &[Advisor]),
    ("recordContact", &[Advisor]),
    ("giveSignpost", &[Advisor]),
    // What nobody outside may know of it is left out (`src/app/thread/outside.rs`).
    ("thread", ANYBODY),
    ("threadLinks", STAFF_AND_AUDIT),
    ("brokenEnds", STAFF_AND_AUDIT),
    ("inclusionOutcomes", STAFF_AND_AUDIT),
    ("inclusionTables", ANYBODY),
    // The golden thread, and what is published of people.
    ("linkThread", &[Commissioner, Inclusion]),
    ("withdrawThreadLinks", &[Commissioner, Inclusion]),
    ("publishInclusionTable", &[Inclusion]),
    ("withdrawInclusionTable", &[Inclusion]),
    ("offers", ANYBODY),
    ("offer", ANYBODY),
    ("offerVersion", ANYBODY),
    ("offersToReview", &[Commissioner, Inclusion]),
    ("waitingOn", SIGNED_IN),
    // Delegated authority.
    ("grantAuthority", &[Finance]),
    ("revokeAuthority", &[Finance]),
    ("ledgerDifference", MONEY),
    ("latePostings", MONEY),
    // Activity and published figures. The inclusion team and commissioners enter them; whoever hosts a session at
    // their own place records what came of it.
    ("sites", ANYBODY),
    ("site", ANYBODY),
    ("courses", ANYBODY),
    ("course", ANYBODY),
    ("sessions", SIGNED_IN),
    ("session", SIGNED_IN),
    ("activity", ACTIVITY),
    ("publications", ANYBODY),
    ("publishedFigures", ANYBODY),
    ("timeline", ANYBODY),
    ("openSite", ENTERS),
    ("closeSite", ENTERS),
    ("reopenSite", ENTERS),
    ("reportViews", ENTERS),
    ("withdrawViews", ENTERS),
    ("defineCourse", ENTERS),
    ("publishContent", ENTERS),
    ("scheduleSession", ENTERS),
    ("cancelSession", ENTERS),
    ("deliverSession", HOSTS),
    ("countAttendance", HOSTS),
    ("correctAttendance", HOSTS),
    ("markAttendee", HOSTS),
    ("describePublication", ENTERS),
    ("stateFigure", ENTERS),
    ("restateFigure", ENTERS),
    ("withdrawFigure", ENTERS),
    ("noteMention", ENTERS),
    ("noteCaveat", ENTERS),
    // Partners.
    ("applyAsPartner", &[Commissioner, Inclusion]),
    ("requireCheck", &[Commissioner]),
    ("submitCheckEvidence", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("passCheck", &[Commissioner]),
    ("failCheck", &[Commissioner]),
    ("waiveCheck", &[Approver]),
    ("recordCheckLapse", &[Commissioner]),
    ("approvePartner", &[Approver]),
    ("declinePartner", &[Approver]),
    ("withdrawPartnerApplication", &[Commissioner, PartnerAdmin]),
    ("suspendPartner", &[Approver]),
    ("reinstatePartner", &[Approver]),
    ("reviewPartner", &[Commissioner]),
    ("submitBankDetails", &[Commissioner, PartnerAdmin]),
    ("verifyBankDetails", &[Finance]),
    ("declareSubsidy", &[Commissioner, PartnerAdmin]),
    ("notifySubsidy", &[Commissioner]),
    ("confirmSubsidy", &[Commissioner, PartnerAdmin]),
    ("recordSubsidyPublished", &[Commissioner, Finance]),
    // Offers: the partner's words, published by somebody else.
    ("draftOffer", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("submitOffer", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("publishOffer", &[Commissioner, Inclusion]),
    ("sendOfferBack", &[Commissioner, Inclusion]),
    ("proposeOfferChange", &[Commissioner, Inclusion, PartnerAdmin, PartnerWorker]),
    ("approveOfferChange", &[Commissioner, Inclusion]),
    ("refuseOfferChange", &[Commissioner, Inclusion]),
    ("withdrawOfferChange", &[Commissioner, Inclusion, PartnerAdmin, PartnerWorker]),
    ("stateCapacity", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("confirmOffer", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("pauseOffer", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("resumeOffer", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("reportOfferWrong", &[Commissioner, Approver, Finance, Inclusion, Advisor, PartnerAdmin, PartnerWorker]),
    ("resolveOfferReport", &[Commissioner, Inclusion]),
    ("withdrawOffer", &[Commissioner, PartnerAdmin]),
    // Funds.
    ("openFund", &[Commissioner]),
    ("allocateBudget", &[Finance]),
    ("reduceBudget", &[Finance]),
    ("transferBudget", &[Finance]),
    ("carryBudgetForward", &[Finance]),
    ("closeYear", &[Finance]),
    ("closeFund", &[Finance]),
    // Programmes.
    ("openProgramme", &[Commissioner]),
    ("amendCriteria", &[Commissioner]),
    ("setDecisionRules", &[Commissioner]),
    ("closeProgramme", &[Commissioner]),
    // Grants.
    ("expressInterest", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("inviteToApply", &[Commissioner]),
    ("declineInterest", &[Commissioner]),
    ("proposeDirectAward", &[Commissioner]),
    ("submitApplication", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("requestMoreInformation", &[Commissioner, Approver]),
    ("supplyInformation", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("judgeEligibility", &[Commissioner]),
    ("declareConflict", &[Commissioner, Approver, Finance, Inclusion, Advisor]),
    ("assignAssessor", &[Commissioner]),
    ("recuseAssessor", &[Commissioner, Inclusion, Advisor]),
    ("recordScore", &[Commissioner, Inclusion, Advisor]),
    ("supersedeScore", &[Commissioner, Inclusion, Advisor]),
    ("recommendGrant", &[Commissioner]),
    ("approveGrant", &[Approver]),
    ("giveSecondApproval", &[Approver]),
    ("declineGrant", &[Approver]),
    ("withdrawApplication", &[Commissioner, PartnerAdmin]),
    ("issueOffer", &[Commissioner]),
    ("acceptOffer", &[PartnerAdmin]),
    ("declineOffer", &[PartnerAdmin]),
    ("recordOfferLapse", &[Commissioner]),
    ("recordConditionMet", &[Commissioner, Finance]),
    ("authoriseInstalment", &[Commissioner]),
    ("withdrawAuthorisation", &[Commissioner, Approver, Finance]),
    ("confirmPayment", &[Finance]),
    ("recordPaymentReturned", &[Finance]),
    // Grants that run.
    ("waiveCondition", &[Approver]),
    ("requestMonitoringReturn", &[Commissioner]),
    ("submitMonitoringReturn", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("queryMonitoringReturn", &[Commissioner, Finance]),
    ("acceptMonitoringReturn", &[Commissioner, Finance]),
    ("waiveMonitoringReturn", &[Approver]),
    ("requestAmountVariation", &[Commissioner, PartnerAdmin]),
    ("requestEndVariation", &[Commissioner, PartnerAdmin]),
    ("requestPurposeVariation", &[Commissioner, PartnerAdmin]),
    ("requestPayeeVariation", &[Commissioner, PartnerAdmin]),
    ("requestScheduleVariation", &[Commissioner, PartnerAdmin]),
    ("approveVariation", &[Approver]),
    ("refuseVariation", &[Approver]),
    ("suspendGrant", &[Commissioner, Approver]),
    ("resumeGrant", &[Approver]),
    ("declareUnderspend", &[Commissioner, PartnerAdmin, PartnerWorker]),
    ("releaseUnspent", &[Commissioner, Finance]),
    ("demandRecovery", &[Commissioner]),
    ("recordRecoveryReceived", &[Finance]),
    ("writeOffRecovery", &[Finance]),
    ("undoWriteOff", &[Finance]),
    ("completeAnnualReview", &[Commissioner]),
    ("proposeTermination", &[Commissioner, Approver]),
    ("withdrawTermination", &[Commissioner, Approver]),
    ("terminateGrant", &[Approver]),
    ("closeGrant", &[Commissioner]),
    // Social prescriptions. Partners act on those that were sent to them.
    ("prescriptions", &[Advisor]),
    ("prescription", &[Advisor]),
    ("prescriptionInbox", &[PartnerAdmin, PartnerWorker]),
    ("prescriptionReceived", &[PartnerAdmin, PartnerWorker]),
    ("openAgreedDetails", &[PartnerAdmin, PartnerWorker]),
    // One by one, and so exact: for those who pay and those who audit. The inclusion team sees groups, in bands.
    ("prescriptionOutlines", &[Commissioner, Approver, Finance, Advisor, Auditor]),
    ("prescriptionStandings", &[Commissioner, Approver, Finance, Advisor, Auditor]),
    (
        "offerPlaces",
        &[Commissioner, Approver, Finance, Inclusion, Advisor, Auditor, PartnerAdmin, PartnerWorker],
    ),
    ("outcomeInstruments", ANYBODY),
    ("makePrescription", &[Advisor]),
    ("makePrescriptions", &[Advisor]),
    ("sendPrescription", &[Advisor]),
    ("acceptPrescription", FOLLOWING),
    ("declinePrescription", FOLLOWING),
    ("recordUnanswered", &[Advisor]),
    ("recordAttempt", FOLLOWING),
    ("offerPlace", FOLLOWING),
    ("recordWaiting", FOLLOWING),
    ("startPrescription", FOLLOWING),
    ("recordAttendance", FOLLOWING),
    ("withdrawAttendance", FOLLOWING),
    ("recordOutcome", FOLLOWING),
    ("correctOutcome", FOLLOWING),
    ("closePrescription", FOLLOWING),
    ("passOnPrescription", &[Advisor]),
    ("makePrescriptionAgain", &[Advisor]),
    ("closeInError", &[Advisor]),
    ("tellReferrerOfPrescription", &[Advisor]),
    // Payment runs: finance makes them, an approver approves, another of finance releases.
    ("openPaymentRun", &[Finance]),
    ("addToPaymentRun", &[Finance]),
    ("removeFromPaymentRun", &[Finance]),
    ("approvePaymentRun", &[Approver]),
    ("releasePaymentRun", &[Finance]),
    ("voidPaymentRun", &[Approver, Finance]),
    ("exportPaymentRun", &[Finance]),
    ("loadRemittance", &[Finance]),
    ("settleDisputedReturn", &[Finance]),
    ("reconcilePaymentRun", &[Finance]),
    // Consultations: the inclusion team listens; commissioners promise, keep, and say what cannot be done.
    ("consultations", SIGNED_IN),
    ("consultation", SIGNED_IN),
    ("needs", SIGNED_IN),
    ("need", SIGNED_IN),
    ("commitments", SIGNED_IN),
    ("youSaidWeDid", ANYBODY),
    ("voiceWords", &[Inclusion]),
    ("planConsultation", &[Inclusion]),
    ("holdConsultation", &[Inclusion]),
    ("cancelConsultation", &[Inclusion]),
    ("recordVoice", &[Inclusion]),
    ("checkVoice", &[Inclusion]),
    ("overruleVoiceCheck", &[Inclusion]),
    ("publishVoice", &[Inclusion]),
    ("withdrawVoice", &[Inclusion]),
    ("hearNeed", &[Inclusion]),
    ("mergeNeed", &[Inclusion]),
    ("rewordNeed", &[Inclusion]),
    ("writeUpConsultation", &[Inclusion]),
    ("agreeThemes", &[Inclusion]),
    ("makeCommitment", &[Inclusion, Commissioner]),
    ("sayCannotDo", &[Inclusion, Commissioner]),
    ("logAction", &[Inclusion, Commissioner]),
    ("linkEvidence", &[Inclusion, Commissioner]),
    ("changeCommitment", &[Inclusion, Commissioner]),
    ("keepCommitment", &[Inclusion, Commissioner]),
    ("missCommitment", &[Inclusion, Commissioner]),
    ("giveFeedback", &[Inclusion]),
    ("hearFeedback", &[Inclusion]),
    ("closeConsultation", &[Inclusion]),
];

/// Whether somebody may use a field of the API.
///
/// # Errors
/// [`Failure::Forbidden`], saying who may.
pub fn may(who: &Identity, deed: &'static str) -> Result<(), Failure> {
    let roles = DEEDS.iter().find(|(name, _)| *name == deed).map_or(&[] as &[Role], |(_, roles)| roles);
    if roles.contains(&who.role) {
        return Ok(());
    }
    let allowed: Vec<&str> = roles.iter().map(|role| role.words()).collect();
    let acting = if who.role == Public {
        "You are not signed in".into()
    } else {
        format!("You are acting as {}", who.role.words())
    };
    Err(Failure::Forbidden(format!("{acting}; this is for: {}.", allowed.join(", "))))
}

/// Whether somebody may know of what belongs to a partner: people of a partner only of their own. What is not
/// theirs is answered as if it did not exist.
///
/// # Errors
/// [`Failure::NotFound`].
pub fn of_partner(who: &Identity, owner: PartnerId, what: &'static str) -> Result<(), Failure> {
    if who.role.is_of_a_partner() && who.partner != Some(owner) {
        return Err(Failure::NotFound(what));
    }
    Ok(())
}
