//! What can have happened to a grant, and the words for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::approving::{AuthorityUsed, FirstApproval, Panel};
use super::{Change, MonitoringReport, RecoveryGround, Replan, ReturnTerms, ReviewOutcome, SuspensionGround};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::evidence::Evidence;
use crate::domain::identity::{
    ConditionId, FundId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, RecoveryId, Reference,
    ReturnId, RunId, VariationId,
};
use crate::domain::money::Money;
use crate::domain::places::Area;
use crate::domain::text::Text;

use super::RunExit;

codes! {
    /// In what standing somebody signs for a partner.
    pub enum SignatoryRole {
        "chair" => Chair, "chair";
        "trustee" => Trustee, "trustee";
        "treasurer" => Treasurer, "treasurer";
        "director" => Director, "director";
        "chief_officer" => ChiefOfficer, "chief officer";
    }
}

codes! {
    /// What kind of interest stands against somebody judging a grant.
    pub enum ConflictNature {
        "trustee_or_member" => TrusteeOrMember, "trustee or member of the organisation";
        "family_or_friend" => FamilyOrFriend, "family or friendship";
        "employment" => Employment, "employment";
        "financial" => Financial, "financial interest";
        "other" => Other, "another interest";
    }
}

/// The part of a grant that goes to a delivery partner working with the lead partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryShare {
    /// The delivery partner.
    pub partner: PartnerId,
    /// Its share, GBP.
    pub amount: Money,
}

/// The part of a grant that answers a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NeedShare {
    /// The need.
    pub need: Uuid,
    /// Per cent of the grant, 1 to 100.
    pub percent: u8,
}

/// How an application stands against one criterion of eligibility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionResult {
    /// The criterion's code in the programme.
    pub criterion: Text<40>,
    /// Whether it is met.
    pub met: bool,
}

/// What an instalment waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its id.
    pub id: ConditionId,
    /// What must be shown, in plain words.
    pub title: Text<300>,
}

/// One payment planned when the grant was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedInstalment {
    /// Its id.
    pub id: InstalmentId,
    /// GBP.
    pub amount: Money,
    /// The day it falls due.
    pub due: Date,
    /// The financial year whose budget it uses.
    pub year: FinancialYear,
    /// What it waits for.
    pub conditions: Vec<Condition>,
}

events! {
    /// What can have happened to a grant.
    pub enum GrantEvent in "grant" {
        /// A partner said what it would like to do, before it is asked for an application.
        "grant.interest_received", 1 => InterestReceived {
            /// The human reference of the case, given once.
            reference: Reference,
            /// The partner.
            partner: PartnerId,
            /// The programme.
            programme: ProgrammeId,
            /// The fund the programme draws on.
            fund: FundId,
            /// What the work is called.
            title: Text<200>,
            /// The idea in a few words.
            idea: Text<2000>,
        },
        /// The partner was invited to apply.
        "grant.invited_to_apply", 1 => InvitedToApply {
            /// The last day on which the application is taken.
            apply_by: Date,
        },
        /// The interest was turned down.
        "grant.interest_declined", 1, reason => InterestDeclined {
            /// What the partner is told.
            feedback: Text<2000>,
        },
        /// Staff proposed an award to a partner without a call. The partner’s application follows.
        "grant.direct_award_proposed", 1, reason => DirectAwardProposed {
            /// The human reference of the case, given once.
            reference: Reference,
            /// The partner.
            partner: PartnerId,
            /// The programme.
            programme: ProgrammeId,
            /// The fund the programme draws on.
            fund: FundId,
            /// What the work is called.
            title: Text<200>,
            /// Who proposed it.
            proposer: PersonId,
            /// Why this partner, and why without a call.
            justification: Text<2000>,
        },
        /// A partner applied for a grant.
        "grant.application_submitted", 2 => ApplicationSubmitted {
            /// Its human reference, given once.
            reference: Reference,
            /// The lead partner.
            partner: PartnerId,
            /// The programme.
            programme: ProgrammeId,
            /// The fund the programme draws on.
            fund: FundId,
            /// What the work is called.
            title: Text<200>,
            /// What the money is for.
            purpose: Text<2000>,
            /// How much is asked for, GBP.
            requested: Money,
            /// Where the work is done.
            places: BTreeSet<Area>,
            /// The first day of the work.
            starts_on: Date,
            /// The last day of the work.
            ends_on: Date,
            /// The needs it answers.
            needs: Vec<NeedShare>,
            /// Who delivers with the lead partner.
            delivery: Vec<DeliveryShare>,
            /// The version of the programme’s criteria it was sent in under; 1 is as the programme was opened.
            criteria_version: u32,
        },
        /// The partner was asked for more: until it answers, the time is the partner’s.
        "grant.more_information_requested", 1 => MoreInformationRequested {
            /// What is asked.
            what: Text<2000>,
            /// The day by which an answer is hoped for.
            by: Date,
        },
        /// The partner answered: from now on the time is ours again.
        "grant.information_supplied", 1 => InformationSupplied {
            /// The answer.
            answer: Text<2000>,
        },
        /// The application meets every criterion of eligibility.
        "grant.eligibility_confirmed", 1 => EligibilityConfirmed {
            /// Each criterion.
            results: Vec<CriterionResult>,
        },
        /// The application does not meet a criterion of eligibility.
        "grant.eligibility_refused", 1, reason => EligibilityRefused {
            /// Each criterion.
            results: Vec<CriterionResult>,
        },
        /// Somebody has an interest: from now on that person decides nothing on this grant.
        "grant.conflict_declared", 1, reason => ConflictDeclared {
            /// Who.
            person: PersonId,
            /// What kind of interest.
            nature: ConflictNature,
        },
        /// Somebody was asked to assess the application.
        "grant.assessor_assigned", 1 => AssessorAssigned {
            /// Who.
            assessor: PersonId,
        },
        /// An assessor stood aside, or was taken off: from now on that person decides nothing on this grant.
        "grant.assessor_recused", 1, reason => AssessorRecused {
            /// Who.
            assessor: PersonId,
        },
        /// An assessor scored the application on one criterion.
        "grant.score_recorded", 1 => ScoreRecorded {
            /// Who.
            assessor: PersonId,
            /// The criterion's code in the programme.
            criterion: Text<40>,
            /// 1 (poor) to 5 (excellent).
            score: u8,
            /// Why this score.
            justification: Text<2000>,
        },
        /// An assessor put another score in the place of one given before; that one stays on the record.
        "grant.score_superseded", 1, reason => ScoreSuperseded {
            /// Who.
            assessor: PersonId,
            /// The criterion's code in the programme.
            criterion: Text<40>,
            /// The score until now.
            was: u8,
            /// The score from now on, 1 (poor) to 5 (excellent).
            score: u8,
            /// Why this score.
            justification: Text<2000>,
        },
        /// The grant was put forward for approval; the money is reserved in the same moment.
        "grant.recommended", 2, reason => Recommended {
            /// Who put it forward.
            proposer: PersonId,
            /// GBP.
            amount: Money,
            /// The panel that recommends it, where there was one.
            panel: Panel,
        },
        /// The first of two approvals, which an amount above what this approver may award alone needs. No money is
        /// committed yet.
        "grant.first_approval_given", 1, reason => FirstApprovalGiven {
            /// Who gave it.
            approver: PersonId,
            /// GBP.
            amount: Money,
            /// The authority it rested on.
            authority: AuthorityUsed,
            /// The payments planned; they add up to the amount.
            instalments: Vec<PlannedInstalment>,
            /// Which version of the terms applies.
            terms_version: Text<40>,
        },
        /// The grant was approved, by one approver or by the second of two; the money is committed in the same moment.
        "grant.approved", 2, reason => Approved {
            /// Who approved; of two, the second.
            approver: PersonId,
            /// GBP.
            amount: Money,
            /// The authority it rested on: its limit covers the amount.
            authority: AuthorityUsed,
            /// The approval before it, where two were needed.
            first: Option<FirstApproval>,
            /// The payments planned; they add up to the amount.
            instalments: Vec<PlannedInstalment>,
            /// Which version of the terms applies.
            terms_version: Text<40>,
        },
        /// The application was turned down; money reserved is free again in the same moment.
        "grant.declined", 1, reason => Declined {
            /// What the partner is told.
            feedback: Text<2000>,
        },
        /// The partner took the application back.
        "grant.application_withdrawn", 1 => ApplicationWithdrawn {},
        /// The offer was sent to the partner.
        "grant.offer_issued", 1 => OfferIssued {
            /// The SHA-256 of the agreement.
            terms_hash: Hash,
            /// The last day on which it can be accepted.
            accept_by: Date,
        },
        /// The partner accepted the offer.
        "grant.offer_accepted", 1 => OfferAccepted {
            /// The SHA-256 of the agreement that was accepted.
            terms_hash: Hash,
            /// Who signed.
            signatory: PersonId,
            /// In what standing.
            signatory_role: SignatoryRole,
        },
        /// The partner declined the offer; the commitment is released in the same moment.
        "grant.offer_declined", 1, reason => OfferDeclined {},
        /// Nobody accepted the offer in time, and it was taken back; the commitment is released in the same moment.
        "grant.offer_lapsed", 1 => OfferLapsed {
            /// The last day on which it could have been accepted.
            accept_by: Date,
        },
        /// A condition was met.
        "grant.condition_met", 1 => ConditionMet {
            /// Which.
            condition: ConditionId,
            /// What showed it.
            evidence: Evidence,
        },
        /// An instalment may be paid.
        "grant.instalment_authorised", 1 => InstalmentAuthorised {
            /// Which.
            instalment: InstalmentId,
            /// GBP.
            amount: Money,
            /// Who authorised it.
            authorised_by: PersonId,
            /// The day it is to be paid.
            pay_on: Date,
            /// The day on which the first of the partner's checks runs out; none when none does.
            checks_valid_until: Option<Date>,
            /// The bank details it goes to.
            bank_version: u32,
            /// The payment run it is in, where there is one.
            run: Option<Uuid>,
        },
        /// An authorisation was taken back before anything was paid on it: the instalment is planned again.
        "grant.instalment_authorisation_withdrawn", 1, reason => InstalmentAuthorisationWithdrawn {
            /// Which instalment.
            instalment: InstalmentId,
            /// Who took it back.
            withdrawn_by: PersonId,
        },
        /// The bank paid an instalment; the expenditure is posted in the same moment.
        "grant.payment_confirmed", 1 => PaymentConfirmed {
            /// Which instalment.
            instalment: InstalmentId,
            /// GBP.
            amount: Money,
            /// The day the bank paid it.
            value_date: Date,
            /// The payment run it was in, where there is one.
            run: Option<Uuid>,
            /// The line of the run, where there is one.
            line: Option<u32>,
        },
        /// An authorised instalment was put in a payment run: it is in no other until it is taken out.
        "grant.instalment_put_in_run", 1 => InstalmentPutInRun {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run.
            run: RunId,
            /// The line of the run.
            line: u32,
        },
        /// An instalment is no longer in a payment run: it may go into another.
        "grant.instalment_taken_from_run", 1 => InstalmentTakenFromRun {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run.
            run: RunId,
            /// The line of the run.
            line: u32,
            /// Why.
            cause: RunExit,
        },
        /// The bank did not pay an instalment: the money never left; the instalment is closed and another takes its
        /// place.
        "grant.payment_rejected", 1 => PaymentRejected {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run it was in.
            run: RunId,
            /// The line of the run.
            line: u32,
            /// GBP.
            amount: Money,
            /// The bank's code for why.
            bank_code: Text<20>,
            /// The instalment that takes its place, to be authorised anew.
            replacement: PlannedInstalment,
        },
        /// A payment came back from the bank; the expenditure is taken back in the same moment, the instalment is
        /// closed and another takes its place.
        "grant.payment_returned", 2, reason => PaymentReturned {
            /// Which instalment.
            instalment: InstalmentId,
            /// The payment run it was in; none where it was paid by hand.
            run: Option<RunId>,
            /// The line of the run; none where it was paid by hand.
            line: Option<u32>,
            /// GBP.
            amount: Money,
            /// The day the bank gave it back.
            value_date: Date,
            /// The bank's code for why.
            bank_code: Text<20>,
            /// The instalment that takes its place, to be authorised anew.
            replacement: PlannedInstalment,
        },
        /// A condition need not be met.
        "grant.condition_waived", 1, reason => ConditionWaived {
            /// Which.
            condition: ConditionId,
            /// Who waived it.
            waived_by: PersonId,
            /// The authority it rested on.
            authority: AuthorityUsed,
        },
        /// The partner was asked to report. With the request of the final return the grant begins to close.
        "grant.monitoring_return_requested", 1 => MonitoringReturnRequested {
            /// The return.
            return_id: ReturnId,
            /// Which return, on what time, by when.
            terms: ReturnTerms,
        },
        /// The partner reported.
        "grant.monitoring_return_submitted", 1 => MonitoringReturnSubmitted {
            /// The return.
            return_id: ReturnId,
            /// Who sent it in.
            submitted_by: PersonId,
            /// What was reported.
            report: MonitoringReport,
        },
        /// A return was sent back with a question: it is to be sent in anew.
        "grant.monitoring_return_queried", 1, reason => MonitoringReturnQueried {
            /// The return.
            return_id: ReturnId,
            /// What the partner is asked.
            question: Text<2000>,
        },
        /// A return was accepted.
        "grant.monitoring_return_accepted", 2 => MonitoringReturnAccepted {
            /// The return.
            return_id: ReturnId,
            /// Who accepted it; none where the record did not yet say.
            accepted_by: Option<PersonId>,
        },
        /// The final return is no longer waited for.
        "grant.monitoring_return_waived", 2, reason => MonitoringReturnWaived {
            /// The return.
            return_id: ReturnId,
            /// Who waived it; none where the record did not yet say.
            waived_by: Option<PersonId>,
            /// The authority it rested on.
            authority: AuthorityUsed,
        },
        /// A change of the grant was asked for; money it needs is reserved in the same moment.
        "grant.variation_requested", 1 => VariationRequested {
            /// The variation.
            variation: VariationId,
            /// Who asked for it.
            requested_by: PersonId,
            /// Why it is needed.
            justification: Text<2000>,
            /// What is to change, from what to what.
            change: Change,
        },
        /// A change of the grant was approved; money is committed or released in the same moment.
        "grant.variation_approved", 1, reason => VariationApproved {
            /// The variation.
            variation: VariationId,
            /// Who approved.
            approver: PersonId,
            /// The authority it rested on.
            authority: AuthorityUsed,
            /// Who approved first, where it took two.
            first: Option<FirstApproval>,
            /// The whole award from now on, GBP: what the authority was held against.
            total: Money,
            /// What changed, from what to what.
            change: Change,
        },
        /// A change was approved by the first of two approvers; nothing changes yet.
        "grant.variation_first_approved", 1, reason => VariationFirstApproved {
            /// The variation.
            variation: VariationId,
            /// Who approved, and the authority that rested on.
            first: FirstApproval,
        },
        /// A change of the grant was refused; money reserved for it is free again in the same moment.
        "grant.variation_refused", 1, reason => VariationRefused {
            /// The variation.
            variation: VariationId,
            /// What the partner is told.
            feedback: Text<2000>,
        },
        /// The grant was suspended: nothing is authorised or paid until it is resumed.
        "grant.suspended", 1, reason => Suspended {
            /// What for.
            grounds: BTreeSet<SuspensionGround>,
            /// The last day on which a payment counts as having left before.
            from: Date,
            /// Who suspended it.
            suspended_by: PersonId,
        },
        /// The suspension was lifted.
        "grant.resumed", 1, reason => Resumed {},
        /// The partner said that not all of the award will be spent.
        "grant.underspend_declared", 1 => UnderspendDeclared {
            /// How much will not be, GBP.
            amount: Money,
            /// Who said so.
            declared_by: PersonId,
        },
        /// Instalments were cut or cancelled because they will not be spent; the money is released in the same moment.
        "grant.unspent_released", 1, reason => UnspentReleased {
            /// GBP.
            amount: Money,
            /// What it did to the payments.
            plan: Replan,
        },
        /// Money that was paid was asked back.
        "grant.recovery_demanded", 1, reason => RecoveryDemanded {
            /// The demand.
            recovery: RecoveryId,
            /// What for.
            ground: RecoveryGround,
            /// GBP.
            amount: Money,
            /// Who demanded it.
            demanded_by: PersonId,
        },
        /// Money that was asked back came; it is posted to the fund in the same moment.
        "grant.recovery_received", 1 => RecoveryReceived {
            /// The demand.
            recovery: RecoveryId,
            /// GBP.
            amount: Money,
            /// The day it reached the bank.
            value_date: Date,
        },
        /// Money that was asked back was given up.
        "grant.recovery_written_off", 1, reason => RecoveryWrittenOff {
            /// The demand.
            recovery: RecoveryId,
            /// GBP.
            amount: Money,
        },
        /// Less is asked back, because a payment came back from the bank: what never stayed with the partner is not asked
        /// back from it.
        "grant.recovery_reduced", 1 => RecoveryReduced {
            /// The demand.
            recovery: RecoveryId,
            /// How much less, GBP.
            amount: Money,
        },
        /// Money that was given up is asked for again: it has come after all, or will.
        "grant.write_off_undone", 1, reason => WriteOffUndone {
            /// The demand.
            recovery: RecoveryId,
            /// GBP.
            amount: Money,
        },
        /// Somebody put forward that the grant ends early: somebody else decides.
        "grant.termination_proposed", 1, reason => TerminationProposed {
            /// Who put it forward.
            proposed_by: PersonId,
        },
        /// That the grant ends early is no longer put forward: it runs on.
        "grant.termination_withdrawn", 1, reason => TerminationWithdrawn {
            /// Who withdrew it: whoever put it forward, or somebody else.
            withdrawn_by: PersonId,
        },
        /// The grant was ended early; what was still to be paid is released in the same moment.
        "grant.terminated", 1, reason => Terminated {
            /// The instalments that will not be paid.
            unpaid: Vec<PlannedInstalment>,
        },
        /// The grant was looked at after a year.
        "grant.annual_review_completed", 1, reason => AnnualReviewCompleted {
            /// What came of it.
            outcome: ReviewOutcome,
        },
        /// The grant was closed: all is paid, accounted for and settled.
        "grant.closed", 1 => Closed {
            /// What was spent on the work in the end, GBP; none when nothing was.
            final_spend: Option<Money>,
            /// What came of the work, each in a few words.
            outcomes: Vec<Text<300>>,
        },
    }
}
