//! Social prescriptions: made from a talk, sent with what the person agreed to, answered, and followed to their end.

mod following;
mod looking;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::authority::of_partner;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::contact::Contact;
use crate::domain::grant::{Grant, GrantStatus};
use crate::domain::identity::{ContactId, GrantId, OfferId, PartnerId, PrescriptionId, Role};
use crate::domain::offer::Offer;
use crate::domain::partner::Partner;
use crate::domain::person::Person;
use crate::domain::prescription::{
    AttemptMeans, ClosingReason, DeclineReason, Followed, Making, OpenPrescription, OpenPrescriptionCommand,
    Payer, Prescription, PrescriptionCommand, Session, TellingMeans, USUAL_ATTEMPTS, pair,
};
use crate::domain::referral::Referral;
use crate::domain::vocabulary::NeedCode;
use crate::store::work::Work;

pub use following::NewOutcome;
pub use looking::{Agreed, Places};

/// A prescription to be made from a talk.
#[derive(Debug, Clone)]
pub struct NewPrescription {
    /// The offer, as it stands.
    pub offer: OfferId,
    /// The grant that pays.
    pub grant: Option<GrantId>,
    /// What the person needs from it; what the talk was about, where nothing is said.
    pub needs: BTreeSet<NeedCode>,
    /// How many attempts to reach the person are made before giving up.
    pub attempts_needed: Option<u32>,
}

/// What can be done with a prescription that is on the record.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum Step {
    Accept,
    Decline { why: DeclineReason },
    RecordUnanswered,
    RecordAttempt { means: AttemptMeans, reached: bool },
    OfferPlace { starts_on: Option<Date> },
    RecordWaiting { expected_on: Option<Date> },
    Start,
    RecordAttendance(Session),
    WithdrawAttendance { held_on: Date },
    Close { why: ClosingReason },
    CloseInError,
    TellReferrer { means: TellingMeans },
}

impl Step {
    /// The field of the API, and the command.
    const fn parts(self) -> (&'static str, PrescriptionCommand) {
        match self {
            Self::Accept => ("acceptPrescription", PrescriptionCommand::Accept),
            Self::Decline { why } => ("declinePrescription", PrescriptionCommand::Decline { why }),
            Self::RecordUnanswered => ("recordUnanswered", PrescriptionCommand::RecordUnanswered),
            Self::RecordAttempt { means, reached } => {
                ("recordAttempt", PrescriptionCommand::RecordAttempt { means, reached })
            }
            Self::OfferPlace { starts_on } => ("offerPlace", PrescriptionCommand::OfferPlace { starts_on }),
            Self::RecordWaiting { expected_on } => {
                ("recordWaiting", PrescriptionCommand::RecordWaiting { expected_on })
            }
            Self::Start => ("startPrescription", PrescriptionCommand::Start),
            Self::RecordAttendance(session) => {
                ("recordAttendance", PrescriptionCommand::RecordAttendance(session))
            }
            Self::WithdrawAttendance { held_on } => {
                ("withdrawAttendance", PrescriptionCommand::WithdrawAttendance { held_on })
            }
            Self::Close { why } => ("closePrescription", PrescriptionCommand::Close { why }),
            Self::CloseInError => ("closeInError", PrescriptionCommand::CloseInError),
            Self::TellReferrer { means } => {
                ("tellReferrerOfPrescription", PrescriptionCommand::TellReferrer { means })
            }
        }
    }
}

/// A prescription that whoever asks may know of: people of a partner of those that were sent to them.
pub(super) fn theirs(who: &Identity, prescription: &Prescription) -> Result<(), Failure> {
    of_partner(who, prescription.terms()?.partner, "prescription")?;
    if who.role.is_of_a_partner() && !prescription.was_sent() {
        return Err(Failure::NotFound("prescription"));
    }
    Ok(())
}

/// Ask something of a prescription; when it ends by that, another can be made for the person and the offer.
pub(super) async fn execute(
    work: &mut Work,
    id: PrescriptionId,
    command: PrescriptionCommand,
) -> Result<(), Failure> {
    let before = work.existing::<Prescription>(id).await?;
    work.execute::<Prescription>(id, command).await?;
    let after = work.read::<Prescription>(id).await?;
    if before.status().is_open() && !after.status().is_open() {
        let terms = before.terms()?;
        let end = OpenPrescriptionCommand::End { prescription: id };
        work.execute::<OpenPrescription>(pair(terms.person, terms.offer), end).await?;
    }
    Ok(())
}

/// Whether somebody can be sent to an offer of a partner today; the version of what they are promised.
async fn promised(work: &mut Work, offer: OfferId) -> Result<(PartnerId, u32), Failure> {
    let (on, today) = (work.circumstances().on, work.circumstances().today);
    let found = work.existing::<Offer>(offer).await?;
    let partner = found.partner()?;
    let version = found.may_be_prescribed(on)?;
    let organisation = work.existing::<Partner>(partner).await?;
    organisation.approved()?;
    organisation.due_diligence(today, &[])?;
    Ok((partner, version))
}

async fn payer(
    work: &mut Work,
    grant: GrantId,
    partner: PartnerId,
    named: &BTreeSet<GrantId>,
) -> Result<Payer, Failure> {
    let today = work.circumstances().today;
    let found = work.existing::<Grant>(grant).await?;
    let case = found.case()?;
    let running = [GrantStatus::Active, GrantStatus::Closing].contains(&found.status());
    Ok(Payer {
        grant,
        named_by_offer: named.contains(&grant),
        of_the_partner: case.subject.partner == partner,
        runs: running && (case.period.0..=case.period.1).contains(&today),
    })
}

/// Make one prescription from a talk, with the stream that keeps it the only open one.
pub(super) async fn make_one(
    work: &mut Work,
    id: PrescriptionId,
    contact: ContactId,
    new: &NewPrescription,
    follows: Option<Followed>,
) -> Result<(), Failure> {
    let talk = work.existing::<Contact>(contact).await?.talk()?.clone();
    work.existing::<Person>(talk.person).await?.stands()?;
    let (partner, offer_version) = promised(work, new.offer).await?;
    let named = work.existing::<Offer>(new.offer).await?.grants(offer_version)?.clone();
    let payer = match new.grant {
        Some(grant) => Some(payer(work, grant, partner, &named).await?),
        None => None,
    };
    let referral = match talk.referral {
        Some(referral) => work.existing::<Referral>(referral).await?.has_referrer().then_some(referral),
        None => None,
    };
    let making = Making {
        person: talk.person,
        contact,
        referral,
        offer: new.offer,
        offer_version,
        partner,
        payer,
        needs: if new.needs.is_empty() { talk.needs.clone() } else { new.needs.clone() },
        attempts_needed: new.attempts_needed.unwrap_or(USUAL_ATTEMPTS),
        follows,
    };
    work.execute::<Prescription>(id, PrescriptionCommand::Make(making)).await?;
    let begin = OpenPrescriptionCommand::Begin { prescription: id, person: talk.person, offer: new.offer };
    Ok(work.execute::<OpenPrescription>(pair(talk.person, new.offer), begin).await?)
}

impl App {
    /// Make prescriptions from one talk, all of them or none.
    ///
    /// # Errors
    /// See [`Failure`]; `prescription.none_named` when there are none to make.
    pub async fn make_prescriptions(
        &self,
        who: &Identity,
        how: &How,
        deed: &'static str,
        contact: ContactId,
        new: Vec<NewPrescription>,
    ) -> Result<(Done, Vec<Uuid>), Failure> {
        let order = self.order(who, deed, how)?;
        let command = order.envelope.command;
        let ids: Vec<Uuid> =
            (0..new.len()).map(|place| command.makes(&format!("prescription {place}"))).collect();
        let first = *ids.first().ok_or_else(|| {
            let sentence = "Name at least one offer: a talk that led to no prescription needs none recorded.";
            Failure::refused("prescription.none_named", sentence)
        })?;
        let made = ids.clone();
        let done = self
            .carry_out::<Prescription, _>(order, first, move |work| {
                let (ids, new) = (made.clone(), new.clone());
                Box::pin(async move {
                    for (id, one) in ids.into_iter().zip(&new) {
                        make_one(work, PrescriptionId(id), contact, one, None).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok((done, ids))
    }

    /// Send a prescription to the partner: the offer can still take somebody, the partner is approved with its checks
    /// in date, and the person agreed that it is told something.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn send_prescription(
        &self,
        who: &Identity,
        how: &How,
        id: PrescriptionId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "sendPrescription", how)?;
        self.carry_out::<Prescription, _>(order, id.0, move |work| {
            Box::pin(async move {
                let found = work.existing::<Prescription>(id).await?;
                let terms = found.terms()?;
                let person = work.existing::<Person>(terms.person).await?;
                let agreed = !person.shared_with(terms.partner).is_empty();
                if found.status().is_open() && !found.was_sent() {
                    person.stands()?;
                    promised(work, terms.offer).await?;
                }
                execute(work, id, PrescriptionCommand::Send { agreed }).await
            })
        })
        .await
    }

    /// Take one step with a prescription.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn step_with_prescription(
        &self,
        who: &Identity,
        how: &How,
        id: PrescriptionId,
        step: Step,
    ) -> Result<Done, Failure> {
        let (deed, command) = step.parts();
        let order = self.order(who, deed, how)?;
        let who = who.clone();
        self.carry_out::<Prescription, _>(order, id.0, move |work| {
            let (who, command) = (who.clone(), command.clone());
            Box::pin(async move {
                let asked = work.existing::<Prescription>(id).await?;
                theirs(&who, &asked)?;
                execute(work, id, command).await
            })
        })
        .await
    }
}

/// Whether somebody sees whom prescriptions are for: advisors, and nobody else.
#[must_use]
pub const fn sees_persons(who: &Identity) -> bool {
    match who.role {
        Role::Advisor => true,
        Role::Commissioner
        | Role::Approver
        | Role::Finance
        | Role::PartnerAdmin
        | Role::PartnerWorker
        | Role::Inclusion
        | Role::Auditor
        | Role::Public => false,
    }
}
