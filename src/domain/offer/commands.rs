//! What can be asked of an offer, and why it can be turned down.

use super::content::{OfferChange, OfferContent};
use super::events::{ReportOutcome, WhatIsWrong};
use crate::domain::calendar::Date;
use crate::domain::identity::{OfferChangeId, OfferReportId, PartnerId, Reference};
use crate::domain::text::Text;

/// What can be asked of an offer.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum OfferCommand {
    Draft {
        reference: Reference,
        partner: PartnerId,
        content: OfferContent,
    },
    /// Hand in what was drafted, or other content in its place.
    Submit {
        content: Option<OfferContent>,
    },
    Publish {
        review_due: Date,
    },
    SendBack {
        why: Text<1000>,
    },
    /// Changes of own fields are applied at once; those of reviewed fields wait.
    ProposeChange {
        change: OfferChangeId,
        base_version: u32,
        changes: Vec<OfferChange>,
    },
    ApproveChange {
        change: OfferChangeId,
    },
    RefuseChange {
        change: OfferChangeId,
        why: Text<1000>,
    },
    WithdrawChange {
        change: OfferChangeId,
    },
    StateCapacity {
        open: u32,
        total: u32,
        as_of: Date,
    },
    Confirm,
    Pause {
        back_on: Option<Date>,
    },
    Resume,
    ReportWrong {
        report: OfferReportId,
        what: WhatIsWrong,
        note: Option<Text<500>>,
    },
    ResolveReport {
        report: OfferReportId,
        outcome: ReportOutcome,
        answer: Option<Text<500>>,
    },
    Withdraw,
}

refusals! {
    /// Why something asked of an offer was turned down, or why nobody can be sent to it.
    pub enum OfferRefusal {
        "offer.unknown" => Unknown, "There is no offer with this id.";
        "offer.already_drafted" => AlreadyDrafted, "This offer is already on the record.";
        "offer.not_draft" => NotDraft, "This offer was handed in already: while it is looked at it cannot be handed in again, and once it is published propose a change.";
        "offer.not_in_review" => NotInReview, "This offer is not waiting to be looked at: the partner hands it in first.";
        "offer.incomplete" => Incomplete { missing: String }, "Something is missing before people can be told of this offer. Add {missing}.";
        "offer.own_work" => OwnWork, "Whoever wrote or proposed this cannot decide on it: somebody else must look at it.";
        "offer.review_not_ahead" => ReviewNotAhead { latest: String }, "The day by which the partner confirms the offer must lie ahead, and no later than {latest}.";
        "offer.not_published" => NotPublished, "This offer is not published: nobody can be sent to it, and it changes only by being handed in.";
        "offer.not_published_then" => NotPublishedThen { from: String }, "This offer was published on {from}: nobody can be sent to it on an earlier day.";
        "offer.paused" => IsPaused { back: String }, "This offer is paused{back}: nobody can be sent to it until it runs again. Look for another, or ask the partner.";
        "offer.not_paused" => NotPaused, "This offer is not paused.";
        "offer.withdrawn" => IsWithdrawn, "This offer was taken out of the directory for good: nobody can be sent to it, and nothing more can be done on it.";
        "offer.full" => IsFull { as_of: String }, "This offer was full on {as_of}. Look for another, or ask the partner whether there is room again.";
        "offer.version_unknown" => VersionUnknown { newest: u32 }, "This offer has no such version: the newest is version {newest}.";
        "offer.base_stale" => BaseStale { base: u32, newest: u32, changed: String }, "This change was written against version {base}, and the offer is at version {newest} by now. Since then changed: {changed}. Look at the offer as it is and propose the change again.";
        "offer.from_not_current" => FromNotCurrent { field: &'static str, current: String }, "The {field} now: “{current}”. The change names another value as the present one: look at the offer as it is and propose the change again.";
        "offer.nothing_changes" => NothingChanges, "Nothing changes: name at least one field, each once, with another value than it has.";
        "offer.change_waiting" => ChangeWaiting { field: &'static str }, "A change of the {field} is waiting to be decided on already: take that one back, or wait for the decision.";
        "offer.change_unknown" => ChangeUnknown, "There is no such change of this offer.";
        "offer.change_settled" => ChangeSettled, "This change was decided on or taken back already.";
        "offer.change_overtaken" => ChangeOvertaken { changed: String }, "The offer has moved on since this change was proposed: {changed}. Refuse it and say so: the partner can then propose it again.";
        "offer.capacity_impossible" => CapacityImpossible, "Enter at least one place altogether, and no more free places than there are.";
        "offer.capacity_ahead" => CapacityAhead, "How much room there is cannot be stated for a day ahead.";
        "offer.capacity_overtaken" => CapacityOvertaken { as_of: String }, "How much room there was on {as_of} is known already: state it for that day or a later one.";
        "offer.back_not_ahead" => BackNotAhead, "The day on which it is hoped to be back must lie ahead.";
        "offer.report_unknown" => ReportUnknown, "There is no such report about this offer.";
        "offer.report_settled" => ReportSettled, "This report was answered already.";
        "offer.grant_of_another" => GrantOfAnother, "Only a grant of the partner whose offer this is can pay for it: choose one of its own.";
    }
}
