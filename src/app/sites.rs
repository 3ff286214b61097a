//! Sites: opening and closing them, the views of channels, and looking them up.

use std::collections::HashMap;

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::identity::{PartnerId, SiteId};
use crate::domain::partner::Partner;
use crate::domain::places::{Area, Setting};
use crate::domain::site::{Site, SiteCommand, Views};
use crate::domain::text::Text;
use crate::projections::sites::{Filter, SiteRecord, list};
use crate::projections::{one, several};

/// A site to be opened.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of site.opened")]
pub struct NewSite {
    pub name: Text<200>,
    pub area: Area,
    pub setting: Setting,
    pub partner: Option<PartnerId>,
}

impl App {
    /// Open a site. A partner whose place it is must be on the record and not suspended.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_site(&self, who: &Identity, how: &How, new: NewSite) -> Result<Done, Failure> {
        let order = self.order(who, "openSite", how)?;
        let id = order.envelope.command.makes("site");
        self.carry_out::<Site, _>(order, id, move |work| {
            let NewSite { name, area, setting, partner } = new.clone();
            Box::pin(async move {
                if let Some(partner) = partner {
                    work.existing::<Partner>(partner).await?.may_deliver()?;
                }
                let open = SiteCommand::Open { name, area, setting, partner };
                Ok(work.execute::<Site>(id, open).await?)
            })
        })
        .await
    }

    /// Close a site.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn close_site(&self, who: &Identity, how: &How, site: SiteId) -> Result<Done, Failure> {
        let order = self.order(who, "closeSite", how)?;
        self.ask::<Site>(order, site, SiteCommand::Close).await
    }

    /// Open a site again.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn reopen_site(&self, who: &Identity, how: &How, site: SiteId) -> Result<Done, Failure> {
        let order = self.order(who, "reopenSite", how)?;
        self.ask::<Site>(order, site, SiteCommand::Reopen).await
    }

    /// Report the views of a channel.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn report_views(
        &self,
        who: &Identity,
        how: &How,
        channel: SiteId,
        views: Views,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "reportViews", how)?;
        self.ask::<Site>(order, channel, SiteCommand::ReportViews(views)).await
    }

    /// Take a report of views back.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn withdraw_views(
        &self,
        who: &Identity,
        how: &How,
        channel: SiteId,
        (from, to): (Date, Date),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "withdrawViews", how)?;
        self.ask::<Site>(order, channel, SiteCommand::WithdrawViews { from, to }).await
    }

    /// Sites by name.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn sites(&self, who: &Identity, filter: Filter) -> Result<Vec<(Uuid, SiteRecord)>, Failure> {
        may(who, "sites")?;
        Ok(list(self.store.pool(), filter).await?)
    }

    /// One site.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn site(&self, who: &Identity, id: Uuid) -> Result<SiteRecord, Failure> {
        may(who, "site")?;
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("site"))
    }

    /// Sites by their ids, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn sites_named(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, SiteRecord>, Failure> {
        Ok(several(self.store.pool(), ids).await?)
    }
}
