//! Looking at prescriptions: advisors at all of them, partners at those sent to them with what the person agreed to,
//! everybody else without the person.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Prescription, sees_persons, theirs};
use crate::app::authority::{may, of_partner};
use crate::app::{App, Failure};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::identity::{OfferId, PrescriptionId};
use crate::domain::offer::Offer;
use crate::domain::person::{Details, Person};
use crate::domain::prescription::{ClosingReason, PrescriptionStatus};
use crate::domain::vocabulary::SharedItem;
use crate::projections::one;
use crate::projections::prescriptions::{Filter, PrescriptionRecord, count, list, standings};

/// What a partner may be told of somebody, opened from the vault. It is not printed.
#[derive(Clone, Default)]
pub struct Agreed {
    /// Each thing that was agreed and is kept, with its words.
    pub items: Vec<(SharedItem, String)>,
}

/// The room of an offer: what the partner says, and what the prescriptions say.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// Free places, places altogether, and the day on which that was so, as the partner stated them.
    pub stated: Option<(u32, u32, Date)>,
    /// Prescriptions that wait for an answer.
    pub sent: i64,
    /// Prescriptions that were accepted and go on.
    pub taken_on: i64,
}

impl App {
    /// Prescriptions and how many there are, for advisors.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn prescriptions(
        &self,
        who: &Identity,
        filter: &Filter,
    ) -> Result<(Vec<(Uuid, PrescriptionRecord)>, i64), Failure> {
        may(who, "prescriptions")?;
        self.listed(filter).await
    }

    /// One prescription, for advisors.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn prescription(&self, who: &Identity, id: Uuid) -> Result<PrescriptionRecord, Failure> {
        may(who, "prescription")?;
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("prescription"))
    }

    /// The prescriptions that were sent to the partner of whoever asks.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn prescription_inbox(
        &self,
        who: &Identity,
        mut filter: Filter,
    ) -> Result<(Vec<(Uuid, PrescriptionRecord)>, i64), Failure> {
        may(who, "prescriptionInbox")?;
        filter.partner = Some(who.partner.ok_or(Failure::NotFound("partner"))?);
        filter.sent = true;
        self.listed(&filter).await
    }

    /// One prescription that was sent to the partner of whoever asks; any other is answered as if it did not exist.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn prescription_received(
        &self,
        who: &Identity,
        id: Uuid,
    ) -> Result<PrescriptionRecord, Failure> {
        may(who, "prescriptionReceived")?;
        let found: Option<PrescriptionRecord> = one(self.store.pool(), id).await?;
        let own = found.filter(|one| who.partner == Some(one.partner) && one.sent_on.is_some());
        own.ok_or(Failure::NotFound("prescription"))
    }

    /// Prescriptions as those see them who see no person.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn prescription_outlines(
        &self,
        who: &Identity,
        filter: &Filter,
    ) -> Result<(Vec<(Uuid, PrescriptionRecord)>, i64), Failure> {
        may(who, "prescriptionOutlines")?;
        self.listed(filter).await
    }

    /// How many prescriptions stand where.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn prescription_standings(
        &self,
        who: &Identity,
        filter: &Filter,
    ) -> Result<Vec<(PrescriptionStatus, Option<ClosingReason>, i64)>, Failure> {
        may(who, "prescriptionStandings")?;
        Ok(standings(self.store.pool(), filter).await?)
    }

    async fn listed(&self, filter: &Filter) -> Result<(Vec<(Uuid, PrescriptionRecord)>, i64), Failure> {
        let pool = self.store.pool();
        Ok((list(pool, filter).await?, count(pool, filter).await?))
    }

    /// A prescription after a command, as it stands, for whoever may know of it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn prescription_done(&self, who: &Identity, id: Uuid) -> Result<PrescriptionRecord, Failure> {
        let found: Option<PrescriptionRecord> = one(self.store.pool(), id).await?;
        let found = found.filter(|one| sees_persons(who) || who.partner == Some(one.partner));
        found.ok_or(Failure::NotFound("prescription"))
    }

    /// What the person of a prescription agreed that its partner is told.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn agreed_items(
        &self,
        prescription: &PrescriptionRecord,
    ) -> Result<BTreeSet<SharedItem>, Failure> {
        let person = self.store.look::<Person>(prescription.person).await?;
        Ok(person.shared_with(prescription.partner))
    }

    /// Open what the person of a prescription agreed that its partner is told. Who reads and why is on the record
    /// before anything is shown.
    ///
    /// # Errors
    /// See [`Failure`]; where nothing is agreed any more, or nothing is kept, that is said.
    pub async fn open_agreed(
        &self,
        who: &Identity,
        id: PrescriptionId,
        why: &str,
    ) -> Result<Agreed, Failure> {
        may(who, "openAgreedDetails")?;
        let found = self.store.look::<Prescription>(id).await?;
        theirs(who, &found)?;
        let terms = found.terms()?;
        let person = self.store.look::<Person>(terms.person).await?;
        let items = person.shared_with(terms.partner);
        if items.is_empty() {
            let sentence = "The person no longer agrees that you are told anything: ask the advisor.";
            return Err(Failure::refused("prescription.nothing_shared", sentence));
        }
        let Some(kept) = person.details() else { return Ok(Agreed::default()) };
        let text = self.vault.open_committed(kept, who.actor(), why).await?;
        let details = Details::from_vault(&text).map_err(Failure::broken)?;
        let shown = items.into_iter().filter_map(|item| Some((item, shown(&details, item)?)));
        Ok(Agreed { items: shown.collect() })
    }

    /// The room of an offer as its partner stated it, beside what its prescriptions come to: one does not change the
    /// other.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offer_places(&self, who: &Identity, offer: OfferId) -> Result<Places, Failure> {
        use PrescriptionStatus::{Accepted, PlaceOffered, Sent, Started, Waiting};
        may(who, "offerPlaces")?;
        let found = self.store.look::<Offer>(offer).await?;
        let partner = found.partner()?;
        of_partner(who, partner, "offer")?;
        let of = |statuses: &[PrescriptionStatus]| Filter {
            offer: Some(offer),
            statuses: Some(statuses.to_vec()),
            ..Filter::default()
        };
        let pool = self.store.pool();
        Ok(Places {
            stated: found.capacity().map(|room| (room.open, room.total, room.as_of)),
            sent: count(pool, &of(&[Sent])).await?,
            taken_on: count(pool, &of(&[Accepted, PlaceOffered, Waiting, Started])).await?,
        })
    }
}

/// One thing of the details in words; codes and bands are not among them.
fn shown(details: &Details, item: SharedItem) -> Option<String> {
    match item {
        SharedItem::Name => Some(details.name.to_string()),
        SharedItem::Phone => details.phone.as_ref().map(ToString::to_string),
        SharedItem::Email => details.email.as_ref().map(ToString::to_string),
        SharedItem::Address => details.address.as_ref().map(ToString::to_string),
        SharedItem::DateOfBirth => details.date_of_birth.map(|born| born.to_string()),
        SharedItem::Notes => details.notes.as_ref().map(ToString::to_string),
        SharedItem::AgeBand | SharedItem::Needs => None,
    }
}
