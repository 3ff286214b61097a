//! Talks with people: recording them, and where people were pointed.

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::contact::{Contact, ContactCommand, Signpost, Talk};
use crate::domain::identity::ContactId;
use crate::domain::person::Person;
use crate::domain::referral::Referral;
use crate::domain::site::Site;
use crate::projections::contacts::{ContactRecord, Filter, list};
use crate::projections::one;
use crate::store::log::Recorded;

impl App {
    /// Record a talk with a person. The site must exist; where it came from a referral, that must be theirs, and
    /// accepted.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn record_contact(&self, who: &Identity, how: &How, talk: Talk) -> Result<Done, Failure> {
        let order = self.order(who, "recordContact", how)?;
        let id = order.envelope.command.makes("contact");
        self.carry_out::<Contact, _>(order, id, move |work| {
            let talk = talk.clone();
            Box::pin(async move {
                work.existing::<Person>(talk.person).await?.stands()?;
                if let Some(site) = talk.site {
                    work.existing::<Site>(site).await?;
                }
                if let Some(referral) = talk.referral {
                    work.existing::<Referral>(referral).await?.carries(talk.person)?;
                }
                Ok(work.execute::<Contact>(id, ContactCommand::Record(talk)).await?)
            })
        })
        .await
    }

    /// Record that a person was pointed to something in a talk. Nothing about them is handed on.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn give_signpost(
        &self,
        who: &Identity,
        how: &How,
        contact: ContactId,
        to: Signpost,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "giveSignpost", how)?;
        self.carry_out::<Contact, _>(order, contact.0, move |work| {
            Box::pin(async move {
                let person = work.existing::<Contact>(contact).await?.talk()?.person;
                work.existing::<Person>(person).await?.stands()?;
                Ok(work.execute::<Contact>(contact, ContactCommand::GiveSignpost { to }).await?)
            })
        })
        .await
    }

    /// Talks, the latest first, and how many there are.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn contacts(
        &self,
        who: &Identity,
        filter: &Filter,
    ) -> Result<(Vec<(Uuid, ContactRecord)>, i64), Failure> {
        may(who, "contacts")?;
        Ok(list(self.store.pool(), filter).await?)
    }

    /// One talk.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn contact(&self, who: &Identity, id: Uuid) -> Result<ContactRecord, Failure> {
        may(who, "contact")?;
        self.contact_named(id).await
    }

    /// One talk, for what names it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn contact_named(&self, id: Uuid) -> Result<ContactRecord, Failure> {
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("contact"))
    }

    /// What happened to a person’s own record, a referral or a talk, for those who may see one.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn story(&self, who: &Identity, stream: Uuid) -> Result<Vec<Recorded>, Failure> {
        may(who, "supportedPerson")?;
        let all = super::history::Slice { stream: Some(stream), limit: 500, ..Default::default() };
        Ok(crate::projections::audit::history(self.store.pool(), &all).await?)
    }
}
