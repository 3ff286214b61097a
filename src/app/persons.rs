//! People who are helped: putting them on the record, keeping who they are in the vault, finding and opening that with
//! a reason, and what they agree to share.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::Refused;
use crate::domain::evidence::VaultRef;
use crate::domain::identity::{PartnerId, PersonRef};
use crate::domain::partner::Partner;
use crate::domain::person::{Details, FirstMeeting, Person, PersonCommand, Sought};
use crate::domain::vocabulary::SharedItem;
use crate::projections::persons::{Counts, Filter, PersonRecord, list};
use crate::store::vault::{Kind, Reading};

/// Why details are not kept a second time under another reference.
fn known_already() -> Refused {
    let sentence = "Somebody with this NHS number is on the record already: find that person, and keep to the one record.";
    Refused { code: "person.known_already", sentence: sentence.into() }
}

/// A person as the record knows them, with what there is about them.
pub type Known = (Uuid, PersonRecord, Counts);

impl App {
    /// Put a person on the record.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn register_person(
        &self,
        who: &Identity,
        how: &How,
        met: FirstMeeting,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "registerPerson", how)?;
        let id = order.envelope.command.makes("person");
        self.carry_out::<Person, _>(order, id, move |work| {
            Box::pin(async move { Ok(work.execute::<Person>(id, PersonCommand::Register { met }).await?) })
        })
        .await
    }

    /// Keep who a person is. It goes into the vault in the place of what was there; the log holds where, and a
    /// commitment.
    ///
    /// # Errors
    /// See [`Failure`]; when the record refuses them, they are taken out of the vault again.
    pub async fn keep_person_details(
        &self,
        who: &Identity,
        how: &How,
        person: PersonRef,
        details: &Details,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "keepPersonDetails", how)?;
        if let Err(why) = self.store.look::<Person>(person).await?.stands() {
            return self.turn_down::<Person>(order, person.0, why).await;
        }
        let findable = details.findable();
        if let Some(number) = findable.iter().find(|one| matches!(one, Sought::NhsNumber(_)))
            && self.vault.is_of_another(Kind::PersonDetails, &number.term(), person.0).await?
        {
            return self.turn_down::<Person>(order, person.0, known_already()).await;
        }
        let terms: Vec<String> = findable.iter().map(Sought::term).collect();
        let kept =
            self.vault.seal_findable(person.0, Kind::PersonDetails, &details.to_vault(), &terms).await?;
        let item = kept.item;
        let done = self
            .carry_out_for::<Person, Option<VaultRef>, _>(order, person.0, move |work| {
                let kept = kept.clone();
                Box::pin(async move {
                    let before = work.existing::<Person>(person).await?.details().cloned();
                    work.execute::<Person>(person, PersonCommand::KeepDetails { details: kept }).await?;
                    Ok(before)
                })
            })
            .await;
        match &done {
            // What was kept before is wrong or out of date: it is not kept beside the new.
            Ok((_, Some(Some(before)))) => self.vault.discard(before.item).await?,
            Ok((_, Some(None))) => {}
            Ok((_, None)) | Err(_) => self.vault.discard(item).await?,
        }
        done.map(|(done, _)| done)
    }

    /// Find people by something only the vault knows. That somebody looked, and why, is on the record.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn find_person(
        &self,
        who: &Identity,
        sought: &Sought,
        why: &str,
    ) -> Result<Vec<Known>, Failure> {
        may(who, "findPerson")?;
        let found = self.vault.find(Kind::PersonDetails, &sought.term(), who.actor(), why).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(found.len()).unwrap_or(i64::MAX);
        Ok(list(self.store.pool(), &Filter { ids: Some(found), limit, ..Filter::default() }).await?)
    }

    /// Open who a person is. The reading is on the record before the answer is out.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_person_details(
        &self,
        who: &Identity,
        person: PersonRef,
        why: &str,
    ) -> Result<Details, Failure> {
        may(who, "openPersonDetails")?;
        let known = self.store.look::<Person>(person).await?;
        known.stands()?;
        let Some(kept) = known.details() else {
            return Err(Failure::refused(
                "person.no_details",
                "The vault does not know who this is: keep the person’s details first.",
            ));
        };
        let text = self.vault.open_committed(kept, who.actor(), why).await?;
        Details::from_vault(&text)
            .map_err(|_| Failure::broken(anyhow::anyhow!("details of a person do not read")))
    }

    /// Record that a person agrees to a partner being told certain things.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn agree_sharing(
        &self,
        who: &Identity,
        how: &How,
        person: PersonRef,
        (partner, items): (PartnerId, BTreeSet<SharedItem>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "agreeSharing", how)?;
        self.carry_out::<Person, _>(order, person.0, move |work| {
            let items = items.clone();
            Box::pin(async move {
                work.existing::<Person>(person).await?;
                work.existing::<Partner>(partner).await?;
                let agree = PersonCommand::AgreeSharing { partner, items };
                Ok(work.execute::<Person>(person, agree).await?)
            })
        })
        .await
    }

    /// Record that a person no longer agrees to a partner being told anything.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn withdraw_sharing(
        &self,
        who: &Identity,
        how: &How,
        person: PersonRef,
        partner: PartnerId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "withdrawSharing", how)?;
        self.ask::<Person>(order, person, PersonCommand::WithdrawSharing { partner }).await
    }

    /// People as the record knows them, the latest registered first.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn supported_people(&self, who: &Identity, filter: &Filter) -> Result<Vec<Known>, Failure> {
        may(who, "supportedPeople")?;
        Ok(list(self.store.pool(), filter).await?)
    }

    /// One person as the record knows them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn supported_person(&self, who: &Identity, person: Uuid) -> Result<Known, Failure> {
        may(who, "supportedPerson")?;
        self.person_known(person).await
    }

    /// One person, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn person_known(&self, person: Uuid) -> Result<Known, Failure> {
        let one = Filter { ids: Some(vec![person]), limit: 1, ..Filter::default() };
        list(self.store.pool(), &one).await?.pop().ok_or(Failure::NotFound("person"))
    }

    /// Who read what in the vault, when and why, the latest first: without the texts, and without whom they are about.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn vault_readings(
        &self,
        who: &Identity,
        before: Option<i64>,
        most: i64,
    ) -> Result<Vec<Reading>, Failure> {
        may(who, "vaultReadings")?;
        Ok(self.vault.readings(before, most).await?)
    }
}
