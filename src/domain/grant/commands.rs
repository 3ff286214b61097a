//! What can be asked of a grant, and why it can be turned down.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::{
    AuthorityUsed, ConflictNature, CourseCommand, CriterionResult, DeliveryShare, MonitoringCommand,
    NeedShare, Panel, PlannedInstalment, RecoveryCommand, RunExit, RunLine, SignatoryRole, VariationCommand,
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
    pub criteria_version: u32,
}

/// What begins a case before there is an application.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of grant.interest_received")]
pub struct Beginning {
    pub reference: Reference,
    pub partner: PartnerId,
    pub programme: ProgrammeId,
    pub fund: FundId,
    pub title: Text<200>,
}

/// What an approval rests on, as it stands in the fund and the programme at that moment.
#[derive(Debug, Clone)]
pub struct ApprovalGround {
    /// The live reservation, by financial year.
    pub reserved: BTreeMap<FinancialYear, Decimal>,
    /// The authority used.
    pub authority: AuthorityUsed,
    /// The most that one approver may award alone in this programme, whatever their own limit.
    pub one_approver: Money,
    /// Whether it is on the micro track: one approver, one instalment.
    pub micro: bool,
    /// The codes of the programme's scoring criteria.
    pub scoring: BTreeSet<Text<40>>,
}

/// What can be asked of a grant. What it needs to know of other streams comes with the command.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum GrantCommand {
    ReceiveInterest {
        beginning: Beginning,
        idea: Text<2000>,
    },
    InviteToApply {
        apply_by: Date,
    },
    DeclineInterest {
        feedback: Text<2000>,
    },
    ProposeDirectAward {
        beginning: Beginning,
        justification: Text<2000>,
    },
    Submit(Application),
    RequestInformation {
        what: Text<2000>,
        by: Date,
    },
    SupplyInformation {
        answer: Text<2000>,
    },
    /// With the codes of the programme's eligibility criteria.
    JudgeEligibility {
        results: Vec<CriterionResult>,
        criteria: BTreeSet<Text<40>>,
    },
    DeclareConflict {
        person: PersonId,
        nature: ConflictNature,
    },
    /// With whether the track has one assessor and no more.
    AssignAssessor {
        assessor: PersonId,
        only_one: bool,
    },
    RecuseAssessor {
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
    SupersedeScore {
        criterion: Text<40>,
        score: u8,
        justification: Text<2000>,
        criteria: BTreeSet<Text<40>>,
    },
    /// With the codes of the programme's scoring criteria, and how many of a panel must be left; none on a track
    /// without panels.
    Recommend {
        amount: Money,
        scoring: BTreeSet<Text<40>>,
        panel: Panel,
        quorum: Option<u8>,
    },
    Approve {
        instalments: Vec<PlannedInstalment>,
        terms_version: Text<40>,
        ground: ApprovalGround,
    },
    ApproveSecond {
        ground: ApprovalGround,
    },
    Decline {
        feedback: Text<2000>,
    },
    Withdraw,
    /// With the days a partner has to accept, at the least.
    IssueOffer {
        terms_hash: Hash,
        accept_by: Date,
        at_least: u16,
    },
    AcceptOffer {
        terms_hash: Hash,
        signatory_role: SignatoryRole,
    },
    DeclineOffer,
    LapseOffer,
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
    WithdrawAuthorisation {
        instalment: InstalmentId,
    },
    /// A payment made by hand came back; with the id of the instalment that takes its place.
    ReturnPayment {
        instalment: InstalmentId,
        value_date: Date,
        bank_code: Text<20>,
        replacement: InstalmentId,
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
    /// What the partner reports.
    Monitor(MonitoringCommand),
    /// What changes.
    Vary(VariationCommand),
    /// What is asked back.
    Recover(RecoveryCommand),
    /// What holds it up or ends it.
    Steer(CourseCommand),
}

impl GrantCommand {
    /// Whether it is a judgement, which nobody with a conflict of interest may make.
    pub(super) const fn judges(&self) -> bool {
        match self {
            Self::Monitor(command) => command.judges(),
            Self::Vary(command) => command.judges(),
            Self::Steer(command) => command.judges(),
            Self::InviteToApply { .. }
            | Self::DeclineInterest { .. }
            | Self::RequestInformation { .. }
            | Self::JudgeEligibility { .. }
            | Self::AssignAssessor { .. }
            | Self::RecordScore { .. }
            | Self::SupersedeScore { .. }
            | Self::Recommend { .. }
            | Self::Approve { .. }
            | Self::ApproveSecond { .. }
            | Self::Decline { .. }
            | Self::IssueOffer { .. }
            | Self::LapseOffer
            | Self::MeetCondition { .. }
            | Self::AuthoriseInstalment { .. }
            | Self::ConfirmPayment { .. }
            | Self::WithdrawAuthorisation { .. }
            | Self::ReturnPayment { .. }
            | Self::PutInRun { .. }
            | Self::ConfirmInRun { .. }
            | Self::RejectInRun { .. }
            | Self::ReturnInRun { .. }
            | Self::Recover(_) => true,
            Self::ReceiveInterest { .. }
            | Self::ProposeDirectAward { .. }
            | Self::Submit(_)
            | Self::SupplyInformation { .. }
            | Self::DeclareConflict { .. }
            | Self::RecuseAssessor { .. }
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
        "grant.already_begun" => AlreadyBegun, "This case has already begun.";
        "grant.invitation_past" => InvitationPast, "The last day to apply must not lie before today.";
        "grant.invited_until" => InvitedUntil { by: String }, "The invitation was to apply by {by}: ask for another.";
        "grant.not_as_invited" => NotAsInvited, "The application must come from the partner, and go to the programme, that this case began with.";
        "grant.information_awaited" => InformationAwaited, "The partner was asked for more information and has not answered: wait for the answer, or decline.";
        "grant.nothing_asked" => NothingAsked, "No information is asked for on this grant.";
        "grant.answer_by_past" => AnswerByPast, "The day by which an answer is hoped for must not lie before today.";
        "grant.already_submitted" => AlreadySubmitted, "This application has already been sent in.";
        "grant.no_place" => NoPlace, "Choose at least one area where the work is done.";
        "grant.dates_reversed" => DatesReversed, "The work ends before it begins: turn the dates round.";
        "grant.delivery_exceeds_request" => DeliveryExceedsRequest { shares: String, requested: Money }, "The delivery partners’ shares come to {shares}, more than the {requested} asked for.";
        "grant.delivery_partner_twice" => DeliveryPartnerTwice, "A partner is named twice: the lead partner cannot also be a delivery partner, nor can one have two shares.";
        "grant.need_shares" => NeedShares { total: u32 }, "Each share over the needs must be above nothing, and all add up to 100 per cent: they come to {total}.";
        "grant.wrong_stage" => WrongStage { now: &'static str, wanted: &'static str }, "This grant is {now}; that can only be done while it is {wanted}.";
        "grant.criteria_unanswered" => CriteriaUnanswered { missing: String }, "Every criterion must be answered once. Look at: {missing}.";
        "grant.conflicted" => Conflicted, "You have a conflict of interest on this grant, or stood aside from it: somebody else must do this.";
        "grant.conflict_already_declared" => ConflictAlreadyDeclared, "This person’s conflict of interest is already declared.";
        "grant.already_assigned" => AlreadyAssigned, "This person is already an assessor of this grant.";
        "grant.assessor_conflicted" => AssessorConflicted, "This person has a conflict of interest on this grant and cannot assess it.";
        "grant.nobody_to_recuse" => NobodyToRecuse, "This person does not assess this grant.";
        "grant.micro_one_assessor" => MicroOneAssessor, "On the micro track one person assesses: somebody is assigned already.";
        "grant.not_assessor" => NotAssessor, "Only an assessor assigned to this grant can score it.";
        "grant.criterion_unknown" => CriterionUnknown { criterion: String }, "The programme has no scoring criterion {criterion}.";
        "grant.score_out_of_range" => ScoreOutOfRange { score: u8 }, "A score is from 1 to 5: {score} is not.";
        "grant.already_scored" => AlreadyScored { criterion: String }, "You have already scored {criterion}.";
        "grant.not_scored_before" => NotScoredBefore { criterion: String }, "You have not scored {criterion} yet: record a score instead.";
        "grant.same_score" => SameScore { score: u8 }, "The score is {score} already.";
        "grant.not_fully_scored" => NotFullyScored { missing: String }, "Every criterion needs a score before the grant is recommended. Missing: {missing}.";
        "grant.exceeds_request" => ExceedsRequest { requested: Money }, "No more can be recommended than the {requested} that was asked for.";
        "grant.micro_no_panel" => MicroNoPanel, "On the micro track there is no panel: recommend without one.";
        "grant.panel_twice" => PanelTwice, "Somebody is named both as present and as standing aside: name each once.";
        "grant.panel_conflicted" => PanelConflicted, "Somebody on the panel has a conflict of interest on this grant: name them as standing aside.";
        "grant.no_quorum" => NoQuorum { left: usize, quorum: u8 }, "{left} of the panel decided, and this programme needs {quorum}: meet again with enough people who have no interest.";
        "grant.approver_proposed" => ApproverProposed, "The person who recommended a grant cannot approve it: somebody else must.";
        "grant.proposer_conflicted" => ProposerConflicted, "Somebody who recommended this grant has since declared a conflict of interest: somebody else must recommend it anew.";
        "grant.approver_assessed" => ApproverAssessed, "An assessor of this grant cannot approve it: somebody else must.";
        "grant.exceeds_authority" => ExceedsAuthority { amount: Money, limit: Money }, "{amount} is above the {limit} that you may award here: somebody with a higher limit must approve it.";
        "grant.first_approval_stands" => FirstApprovalStands, "The first of two approvals is given: a second approver completes it, or the grant is recommended anew.";
        "grant.no_first_approval" => NoFirstApproval, "There is no first approval to complete: approve the grant itself.";
        "grant.same_approver" => SameApprover, "You gave the first approval: somebody else must give the second.";
        "grant.micro_one_instalment" => MicroOneInstalment { planned: usize }, "On the micro track a grant is paid in one instalment: {planned} are planned.";
        "grant.instalments_do_not_add_up" => InstalmentsDoNotAddUp { total: String, amount: Money }, "The instalments come to {total}; they must come to the {amount} awarded.";
        "grant.instalments_not_as_reserved" => InstalmentsNotAsReserved { year: FinancialYear, planned: String, reserved: String }, "The instalments use {planned} of the budget of {year}, but {reserved} is reserved there.";
        "grant.no_instalments" => NoInstalments, "Plan at least one instalment.";
        "grant.instalment_twice" => InstalmentTwice, "Two instalments have the same id: give each its own.";
        "grant.offer_past" => OfferPast, "The last day to accept must not lie before the day the offer is sent.";
        "grant.offer_too_short" => OfferTooShort { earliest: String }, "This programme gives partners longer to accept: until {earliest} or later.";
        "grant.offer_not_lapsed" => OfferNotLapsed { on: String }, "The offer can still be accepted until {on}.";
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
        "grant.returned_through_run" => ReturnedThroughRun, "This instalment was paid by a payment run: that its payment came back is recorded when the bank’s answer on that run is loaded, not by hand.";
        "grant.take_out_of_run_first" => TakeOutOfRunFirst, "This instalment is in a payment run: take its line out of the run, or give the run up, before its authorisation is withdrawn.";
        "grant.already_in_run" => AlreadyInRun, "This instalment is already in a payment run: it can be in one only.";
        "grant.run_pays_early" => RunPaysEarly { from: String }, "This instalment was authorised to be paid on {from}: the run is paid before that.";
        "grant.not_in_line" => NotInLine, "This instalment is not in that line of that payment run.";
        "grant.instalment_closed" => InstalmentClosed, "The payment of this instalment bounced and it was closed: authorise the one that took its place.";
        "grant.not_paid" => NotPaid, "This instalment is not paid, or its payment has already come back.";
        "grant.checks_run_out" => ChecksRunOut { until: String }, "A due-diligence check held until {until}: nothing may be paid after that.";
        "grant.suspended" => Suspended, "This grant is suspended: nothing is authorised or paid until it is resumed.";
        "grant.in_advance_unexplained" => InAdvanceUnexplained { due: String }, "The instalment falls due on {due}: say why it is paid in advance.";
        "grant.reports_overdue" => ReportsOverdue { due: String }, "A return was due on {due} and is too late for more to be authorised: ask the partner to send it in.";
        "grant.waiver_authorises" => WaiverAuthorises, "The person who waived a condition cannot authorise what waited for it: somebody else must.";
        "grant.return_unknown" => ReturnUnknown, "There is no such return on this grant.";
        "grant.return_dates" => ReturnDates, "A return reports on a first to a last day and is due no earlier than that last day.";
        "grant.final_return_twice" => FinalReturnTwice, "The final return has already been asked for.";
        "grant.return_not_awaited" => ReturnNotAwaited, "This return is in, or is no longer waited for.";
        "grant.return_not_submitted" => ReturnNotSubmitted, "This return is not in, or has already been answered.";
        "grant.reporter_judges" => ReporterJudges, "The person who sent a return in cannot answer it: somebody else must.";
        "grant.only_final_waived" => OnlyFinalWaived, "Only the final return can be waived: ask for this one.";
        "grant.spend_exceeds_funds" => SpendExceedsFunds { spent: Money, had: String }, "{spent} cannot have been spent: with own money there was {had}.";
        "grant.variation_unknown" => VariationUnknown, "There is no such change waiting for an answer.";
        "grant.variation_open" => VariationOpen, "A change of this grant waits for an answer: approve or refuse it first.";
        "grant.variation_stale" => VariationStale { now: String }, "What this change begins at no longer stands (now: {now}). Look again and ask anew.";
        "grant.variation_changes_nothing" => VariationChangesNothing, "This changes nothing: say what is to be different.";
        "grant.increase_does_not_add_up" => IncreaseDoesNotAddUp { total: String, amount: String }, "The instalments added come to {total}; they must come to the {amount} by which the award rises.";
        "grant.schedule_does_not_add_up" => ScheduleDoesNotAddUp { total: String, left: String }, "The instalments come to {total}; they must come to the {left} that is still to be authorised.";
        "grant.exceeds_unpaid" => ExceedsUnpaid { unpaid: String, asked: String }, "Only {unpaid} is still to be authorised: {asked} cannot be taken off.";
        "grant.condition_dropped" => ConditionDropped { title: String }, "An instalment that is left out waits for: {title}. Keep it, or have the condition waived.";
        "grant.approver_requested" => ApproverRequested, "The person who asked for a change cannot decide on it: somebody else must.";
        "grant.requester_conflicted" => RequesterConflicted, "Whoever asked for this change has since declared a conflict of interest: refuse it, and let somebody else ask anew.";
        "grant.instalments_on_their_way" => InstalmentsOnTheirWay, "An instalment is authorised and not yet paid: wait until that is settled.";
        "grant.no_ground" => NoGround, "Name at least one ground for the suspension.";
        "grant.resumer_suspended" => ResumerSuspended, "The person who suspended a grant cannot resume it: somebody else must.";
        "grant.underspend_exceeds_award" => UnderspendExceedsAward { total: Money }, "No more can stay unspent than the {total} awarded.";
        "grant.no_underspend" => NoUnderspend, "The partner has not declared that anything will stay unspent.";
        "grant.releaser_declared" => ReleaserDeclared, "The person who declared an underspend cannot release it: somebody else must.";
        "grant.exceeds_underspend" => ExceedsUnderspend { declared: String, asked: Money }, "The partner declared {declared} that is not yet released: {asked} is more.";
        "grant.recovery_unknown" => RecoveryUnknown, "There is no such demand on this grant.";
        "grant.demand_exceeds_paid" => DemandExceedsPaid { left: String, asked: Money }, "{left} was paid and not yet asked back: {asked} is more.";
        "grant.exceeds_demand" => ExceedsDemand { left: String, asked: Money }, "{left} of this demand is still open: {asked} is more.";
        "grant.demander_writes_off" => DemanderWritesOff, "The person who asked for money back cannot write it off: somebody else must.";
        "grant.returned_after_settled" => ReturnedAfterSettled { settled: String }, "{settled} of this payment was already got back from the partner, so it cannot come back from the bank as well: ask the bank and the partner which is right before anything is recorded.";
        "grant.exceeds_write_off" => ExceedsWriteOff { left: String, asked: Money }, "{left} of this demand is written off: {asked} is more.";
        "grant.termination_not_proposed" => TerminationNotProposed, "Nobody has put forward that this grant ends early: somebody proposes it, and somebody else decides.";
        "grant.termination_proposed_already" => TerminationProposedAlready, "It is already put forward that this grant ends early: somebody else decides.";
        "grant.terminator_proposed" => TerminatorProposed, "The person who put forward that this grant ends early cannot decide on it: somebody else must.";
        "grant.closer_accepted" => CloserAccepted, "The person who accepted or waived the final return cannot close the grant: somebody else must.";
        "grant.instalments_open" => InstalmentsOpen { left: String }, "{left} is still planned or on its way: pay it or release it before the grant is closed.";
        "grant.demands_open" => DemandsOpen { left: String }, "{left} that was asked back is still open: it must come or be written off before the grant is closed.";
        "grant.final_return_open" => FinalReturnOpen, "Ask for the final return first: it must be accepted or waived before the grant is closed.";
    }
}
