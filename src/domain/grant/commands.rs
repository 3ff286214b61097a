//! What can be asked of a grant, and why it can be turned down.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{
    AuthorityUsed, ConflictNature, CriterionResult, DeliveryShare, NeedShare, PlannedInstalment, RunExit,
    RunLine, SignatoryRole,
};
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::evidence::Evidence;
use crate::domain::identity::{
    ConditionId, FundId, Hash, InstalmentId, PartnerId, PersonId, ProgrammeId, Reference,
};
use crate::domain::money::Money;
use crate::domain::places::Area;
use crate::domain::text::Text;

/// What a partner says when it applies.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of grant.application_submitted")]
pub struct Application {
    pub reference: Reference,
    pub partner: PartnerId,
    pub programme: ProgrammeId,
    pub fund: FundId,
    pub title: Text<200>,
    pub purpose: Text<2000>,
    pub requested: Money,
    pub places: BTreeSet<Area>,
    pub starts_on: Date,
    pub ends_on: Date,
    pub needs: Vec<NeedShare>,
    pub delivery: Vec<DeliveryShare>,
}

/// What an approval rests on, as it stands in the fund and the programme at that moment.
#[derive(Debug, Clone)]
pub struct ApprovalGround {
    /// The live reservation, by financial year.
    pub reserved: BTreeMap<FinancialYear, Decimal>,
    /// The authority used.
    pub authority: AuthorityUsed,
    /// The codes of the programme's scoring criteria.
    pub scoring: BTreeSet<Text<40>>,
}

/// What can be asked of a grant. What it needs to know of other streams comes with the command.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum GrantCommand {
    Submit(Application),
    /// With the codes of the programme's eligibility criteria.
    JudgeEligibility {
        results: Vec<CriterionResult>,
        criteria: BTreeSet<Text<40>>,
    },
    DeclareConflict {
        person: PersonId,
        nature: ConflictNature,
    },
    AssignAssessor {
        assessor: PersonId,
    },
    /// With the codes of the programme's scoring criteria.
    RecordScore {
        criterion: Text<40>,
        score: u8,
        justification: Text<2000>,
        criteria: BTreeSet<Text<40>>,
    },
    /// With the codes of the programme's scoring criteria.
    Recommend {
        amount: Money,
        scoring: BTreeSet<Text<40>>,
    },
    Approve {
        instalments: Vec<PlannedInstalment>,
        terms_version: Text<40>,
        ground: ApprovalGround,
    },
    Decline {
        feedback: Text<2000>,
    },
    Withdraw,
    IssueOffer {
        terms_hash: Hash,
        accept_by: Date,
    },
    AcceptOffer {
        terms_hash: Hash,
        signatory_role: SignatoryRole,
    },
    DeclineOffer,
    MeetCondition {
        condition: ConditionId,
        evidence: Evidence,
    },
    /// With what the partner's record says of its checks and bank details on the day of payment.
    AuthoriseInstalment {
        instalment: InstalmentId,
        pay_on: Date,
        checks_valid_until: Option<Date>,
        bank_version: u32,
    },
    ConfirmPayment {
        instalment: InstalmentId,
        amount: Money,
        value_date: Date,
    },
    /// With the day on which the run is paid.
    PutInRun {
        line: RunLine,
        pay_on: Date,
    },
    TakeFromRun {
        line: RunLine,
        cause: RunExit,
    },
    ConfirmInRun {
        line: RunLine,
        amount: Money,
        value_date: Date,
    },
    /// With the id of the instalment that takes its place.
    RejectInRun {
        line: RunLine,
        bank_code: Text<20>,
        replacement: InstalmentId,
    },
    /// With the id of the instalment that takes its place.
    ReturnInRun {
        line: RunLine,
        value_date: Date,
        bank_code: Text<20>,
        replacement: InstalmentId,
    },
}

impl GrantCommand {
    /// Whether it is a judgement, which nobody with a conflict of interest may make.
    pub(super) const fn judges(&self) -> bool {
        match self {
            Self::JudgeEligibility { .. }
            | Self::AssignAssessor { .. }
            | Self::RecordScore { .. }
            | Self::Recommend { .. }
            | Self::Approve { .. }
            | Self::Decline { .. }
            | Self::IssueOffer { .. }
            | Self::MeetCondition { .. }
            | Self::AuthoriseInstalment { .. }
            | Self::ConfirmPayment { .. }
            | Self::PutInRun { .. }
            | Self::ConfirmInRun { .. }
            | Self::RejectInRun { .. }
            | Self::ReturnInRun { .. } => true,
            Self::Submit(_)
            | Self::DeclareConflict { .. }
            | Self::Withdraw
            | Self::AcceptOffer { .. }
            | Self::DeclineOffer
            | Self::TakeFromRun { .. } => false,
        }
    }
}

refusals! {
    /// Why something asked of a grant was turned down.
    pub enum GrantRefusal {
        "grant.unknown" => Unknown, "There is no grant with this id.";
        "grant.already_submitted" => AlreadySubmitted, "This application has already been sent in.";
        "grant.no_place" => NoPlace, "Choose at least one area where the work is done.";
        "grant.dates_reversed" => DatesReversed, "The work ends before it begins: turn the dates round.";
        "grant.delivery_exceeds_request" => DeliveryExceedsRequest { shares: String, requested: Money }, "The delivery partners’ shares come to {shares}, more than the {requested} asked for.";
        "grant.delivery_partner_twice" => DeliveryPartnerTwice, "A partner is named twice: the lead partner cannot also be a delivery partner, nor can one have two shares.";
        "grant.need_shares" => NeedShares { total: u32 }, "Each share over the needs must be above nothing, and all add up to 100 per cent: they come to {total}.";
        "grant.wrong_stage" => WrongStage { now: &'static str, wanted: &'static str }, "This grant is {now}; that can only be done while it is {wanted}.";
        "grant.criteria_unanswered" => CriteriaUnanswered { missing: String }, "Every criterion must be answered once. Look at: {missing}.";
        "grant.conflicted" => Conflicted, "You have a conflict of interest on this grant: somebody else must do this.";
        "grant.conflict_already_declared" => ConflictAlreadyDeclared, "This person’s conflict of interest is already declared.";
        "grant.already_assigned" => AlreadyAssigned, "This person is already an assessor of this grant.";
        "grant.assessor_conflicted" => AssessorConflicted, "This person has a conflict of interest on this grant and cannot assess it.";
        "grant.not_assessor" => NotAssessor, "Only an assessor assigned to this grant can score it.";
        "grant.criterion_unknown" => CriterionUnknown { criterion: String }, "The programme has no scoring criterion {criterion}.";
        "grant.score_out_of_range" => ScoreOutOfRange { score: u8 }, "A score is from 1 to 5: {score} is not.";
        "grant.already_scored" => AlreadyScored { criterion: String }, "You have already scored {criterion}.";
        "grant.not_fully_scored" => NotFullyScored { missing: String }, "Every criterion needs a score before the grant is recommended. Missing: {missing}.";
        "grant.exceeds_request" => ExceedsRequest { requested: Money }, "No more can be recommended than the {requested} that was asked for.";
        "grant.approver_proposed" => ApproverProposed, "The person who recommended a grant cannot approve it: somebody else must.";
        "grant.proposer_conflicted" => ProposerConflicted, "Whoever recommended this grant has since declared a conflict of interest: somebody else must recommend it anew.";
        "grant.approver_assessed" => ApproverAssessed, "An assessor of this grant cannot approve it: somebody else must.";
        "grant.exceeds_authority" => ExceedsAuthority { amount: Money, limit: Money }, "{amount} is above the {limit} that one approver may award.";
        "grant.instalments_do_not_add_up" => InstalmentsDoNotAddUp { total: String, amount: Money }, "The instalments come to {total}; they must come to the {amount} awarded.";
        "grant.instalments_not_as_reserved" => InstalmentsNotAsReserved { year: FinancialYear, planned: String, reserved: String }, "The instalments use {planned} of the budget of {year}, but {reserved} is reserved there.";
        "grant.no_instalments" => NoInstalments, "Plan at least one instalment.";
        "grant.instalment_twice" => InstalmentTwice, "Two instalments have the same id: give each its own.";
        "grant.offer_past" => OfferPast, "The last day to accept must not lie before the day the offer is sent.";
        "grant.terms_differ" => TermsDiffer, "The agreement that was accepted is not the one that was offered.";
        "grant.offer_lapsed" => OfferLapsed { on: String }, "The offer could be accepted until {on}: ask for it to be sent again.";
        "grant.condition_unknown" => ConditionUnknown, "There is no such condition on this grant.";
        "grant.condition_already_met" => ConditionAlreadyMet, "This condition is already met.";
        "grant.instalment_unknown" => InstalmentUnknown, "There is no such instalment on this grant.";
        "grant.instalment_already_authorised" => InstalmentAlreadyAuthorised, "This instalment is already authorised or paid.";
        "grant.conditions_not_met" => ConditionsNotMet { open: String }, "The instalment waits for: {open}.";
        "grant.pay_date_past" => PayDatePast, "The day of payment must not lie before today.";
        "grant.instalment_not_authorised" => InstalmentNotAuthorised, "This instalment is not authorised, or is already paid.";
        "grant.payment_differs" => PaymentDiffers { authorised: Money, paid: Money }, "{authorised} was authorised, but the payment is {paid}: a payment must be for exactly what was authorised.";
        "grant.payer_authorised" => PayerAuthorised, "The person who authorised a payment cannot confirm it: somebody else must.";
        "grant.paid_in_future" => PaidInFuture, "The day of payment lies ahead.";
        "grant.paid_before_authorised" => PaidBeforeAuthorised { from: String }, "The payment was authorised for {from}: it cannot have been paid before that.";
        "grant.paid_through_run" => PaidThroughRun, "This instalment is in a payment run: it is recorded as paid when the bank’s answer on that run is loaded, not by hand.";
        "grant.already_in_run" => AlreadyInRun, "This instalment is already in a payment run: it can be in one only.";
        "grant.run_pays_early" => RunPaysEarly { from: String }, "This instalment was authorised to be paid on {from}: the run is paid before that.";
        "grant.not_in_line" => NotInLine, "This instalment is not in that line of that payment run.";
        "grant.instalment_closed" => InstalmentClosed, "The payment of this instalment bounced and it was closed: authorise the one that took its place.";
        "grant.not_paid" => NotPaid, "This instalment is not paid, or its payment has already come back.";
        "grant.checks_run_out" => ChecksRunOut { until: String }, "A due-diligence check held until {until}: nothing may be paid after that.";
    }
}
