//! What happened to a grant, in words.

use super::GrantEvent;
use crate::domain::calendar::day;
use crate::domain::places::listed;

impl GrantEvent {
    #[expect(clippy::too_many_lines, reason = "a list: one sentence for each fact")]
    pub(super) fn told(&self) -> String {
        match self {
            Self::InterestReceived { title, .. } => {
                format!("Interest was expressed in a grant for “{title}”.")
            }
            Self::InvitedToApply { apply_by } => {
                format!("The partner was invited to apply by {}.", day(*apply_by))
            }
            Self::InterestDeclined { .. } => "The expression of interest was declined.".into(),
            Self::DirectAwardProposed { title, .. } => {
                format!("An award for “{title}” was proposed without a call.")
            }
            Self::MoreInformationRequested { by, .. } => {
                format!("The partner was asked for more information by {}.", day(*by))
            }
            Self::InformationSupplied { .. } => "The partner supplied the information asked for.".into(),
            Self::AssessorRecused { .. } => "An assessor stood aside.".into(),
            Self::ScoreSuperseded { criterion, was, score, .. } => {
                format!("Scored {score} of 5 on {criterion}, in the place of {was}.")
            }
            Self::FirstApprovalGiven { amount, .. } => {
                format!("Approved for {amount} by the first of two approvers.")
            }
            Self::OfferLapsed { accept_by } => {
                format!("The offer lapsed: nobody accepted it by {}.", day(*accept_by))
            }
            Self::ApplicationSubmitted { title, requested, places, .. } => format!(
                "Applied for {requested} for “{title}” in {}.",
                listed(places.iter().map(|place| place.words()))
            ),
            Self::EligibilityConfirmed { results } => {
                let criteria = results.iter().map(|one| one.criterion.as_str());
                format!("Found eligible: {} met.", listed(criteria))
            }
            Self::EligibilityRefused { results } => {
                let unmet = results.iter().filter(|one| !one.met).map(|one| one.criterion.as_str());
                format!("Found not eligible: {} not met.", listed(unmet))
            }
            Self::ConflictDeclared { nature, .. } => {
                format!("A conflict of interest was declared: {}.", nature.words())
            }
            Self::AssessorAssigned { .. } => "An assessor was assigned.".into(),
            Self::ScoreRecorded { criterion, score, .. } => {
                format!("Scored {score} of 5 on {criterion}.")
            }
            Self::Recommended { amount, panel, .. } => match panel.present.len() {
                0 => format!("Recommended for {amount}."),
                left => format!("Recommended for {amount} by a panel of {left}."),
            },
            Self::Approved { amount, authority, first, instalments, .. } => format!(
                "Approved for {amount} {}under a limit of {}, to be paid in {}.",
                if first.is_some() { "by a second approver " } else { "" },
                authority.limit,
                match instalments.len() {
                    1 => "one instalment".into(),
                    many => format!("{many} instalments"),
                }
            ),
            Self::Declined { .. } => "The application was declined.".into(),
            Self::ApplicationWithdrawn {} => "The partner took the application back.".into(),
            Self::OfferIssued { accept_by, .. } => {
                format!("The offer was sent, to be accepted by {}.", day(*accept_by))
            }
            Self::OfferAccepted { signatory_role, .. } => {
                format!("The offer was accepted by the partner’s {}.", signatory_role.words())
            }
            Self::OfferDeclined {} => "The partner declined the offer.".into(),
            Self::ConditionMet { evidence, .. } => {
                format!("A condition was met, shown by “{}”.", evidence.title)
            }
            Self::InstalmentAuthorised { amount, pay_on, bank_version, .. } => format!(
                "{amount} was authorised to be paid on {} to bank details version {bank_version}.",
                day(*pay_on)
            ),
            Self::InstalmentAuthorisationWithdrawn { .. } => {
                "The authorisation of an instalment was taken back: it is planned again.".into()
            }
            Self::PaymentConfirmed { amount, value_date, .. } => {
                format!("{amount} was paid on {}.", day(*value_date))
            }
            Self::InstalmentPutInRun { line, .. } => {
                format!("An instalment was put in a payment run, as line {line}.")
            }
            Self::InstalmentTakenFromRun { line, cause, .. } => {
                format!("An instalment left a payment run, line {line}: {}.", cause.words())
            }
            Self::PaymentRejected { amount, bank_code, .. } => format!(
                "The bank did not pay {amount} ({bank_code}): a new instalment takes the place of the old one."
            ),
            Self::PaymentReturned { amount, value_date, bank_code, .. } => format!(
                "{amount} came back from the bank on {} ({bank_code}): a new instalment takes the place of the old one.",
                day(*value_date)
            ),
            Self::ConditionWaived { authority, .. } => {
                format!("A condition was waived under a limit of {}.", authority.limit)
            }
            Self::MonitoringReturnRequested { terms, .. } => {
                format!("The {} was asked for, to be in by {}.", terms.kind.words(), day(terms.due))
            }
            Self::MonitoringReturnSubmitted { report, .. } => format!(
                "The partner reported: {} spent and {} reached.",
                report.spent.map_or_else(|| "nothing".into(), |spent| spent.to_string()),
                match report.people_reached {
                    1 => "one person".into(),
                    many => format!("{many} people"),
                }
            ),
            Self::MonitoringReturnQueried { .. } => "A return was sent back with a question.".into(),
            Self::MonitoringReturnAccepted { .. } => "A return was accepted.".into(),
            Self::MonitoringReturnWaived { .. } => "The final return is no longer waited for.".into(),
            Self::VariationRequested { change, .. } => format!("A change was asked for: {}.", change.told()),
            Self::VariationFirstApproved { first, .. } => format!(
                "A change was approved by the first of two approvers, under a limit of {}.",
                first.authority.limit
            ),
            Self::VariationApproved { authority, change, .. } => {
                format!("A change was approved under a limit of {}: {}.", authority.limit, change.told())
            }
            Self::VariationRefused { .. } => "The change that was asked for was refused.".into(),
            Self::Suspended { grounds, .. } => {
                format!("Suspended: {}.", listed(grounds.iter().map(|ground| ground.words())))
            }
            Self::Resumed {} => "The suspension was lifted.".into(),
            Self::UnderspendDeclared { amount, .. } => {
                format!("The partner declared that {amount} will not be spent.")
            }
            Self::UnspentReleased { amount, .. } => format!("{amount} that will not be spent was released."),
            Self::RecoveryDemanded { ground, amount, .. } => {
                format!("{amount} was asked back: {}.", ground.words())
            }
            Self::RecoveryReceived { amount, value_date, .. } => {
                format!("{amount} that was asked back came on {}.", day(*value_date))
            }
            Self::RecoveryWrittenOff { amount, .. } => {
                format!("{amount} that was asked back was written off.")
            }
            Self::RecoveryReduced { amount, .. } => {
                format!("{amount} less is asked back: a payment came back from the bank.")
            }
            Self::WriteOffUndone { amount, .. } => {
                format!("{amount} that had been written off is asked back after all.")
            }
            Self::TerminationWithdrawn { .. } => {
                "That this grant ends early was withdrawn: it runs on.".into()
            }
            Self::TerminationProposed { .. } => "It was put forward that this grant ends early.".into(),
            Self::Terminated { .. } => "Ended early: nothing more is paid.".into(),
            Self::AnnualReviewCompleted { outcome } => format!("Reviewed: {}.", outcome.words()),
            Self::Closed { final_spend, .. } => format!(
                "Closed, with {} spent.",
                final_spend.map_or_else(|| "nothing".into(), |spent| spent.to_string())
            ),
        }
    }
}
