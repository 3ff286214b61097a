//! Offers: writing them down, publishing them, changing them by proposal, and the directory.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::authority::{may, of_partner};
use super::partners::sees_all;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::grant::Grant;
use crate::domain::identity::{
    GrantId, OfferChangeId, OfferId, OfferReportId, PartnerId, ReferenceKind, Role,
};
use crate::domain::offer::{
    Offer, OfferChange, OfferCommand, OfferContent, OfferRefusal, OfferStatus, ReportOutcome, WhatIsWrong,
};
use crate::domain::partner::{Partner, PartnerStatus};
use crate::domain::text::Text;
use crate::projections::offers::{
    Found, OfferRecord, OfferVersions, Search, Sight, VersionRecord, count, nearest_words, published_by,
    published_count, search, titles, to_review,
};
use crate::projections::partners::PartnerRecord;
use crate::projections::{one, several};
use crate::store::work::Work;

/// What can be done with an offer that is on the record, once each.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum Step {
    Submit { content: Option<OfferContent> },
    Publish { review_due: Date },
    SendBack { why: Text<1000> },
    ProposeChange { base_version: u32, changes: Vec<OfferChange> },
    ApproveChange { change: OfferChangeId },
    RefuseChange { change: OfferChangeId, why: Text<1000> },
    WithdrawChange { change: OfferChangeId },
    StateCapacity { open: u32, total: u32, as_of: Option<Date> },
    Confirm,
    Pause { back_on: Option<Date> },
    Resume,
    ReportWrong { what: WhatIsWrong, note: Option<Text<500>> },
    ResolveReport { report: OfferReportId, outcome: ReportOutcome, answer: Option<Text<500>> },
    Withdraw,
}

impl Step {
    /// The field of the API.
    const fn deed(&self) -> &'static str {
        match self {
            Self::Submit { .. } => "submitOffer",
            Self::Publish { .. } => "publishOffer",
            Self::SendBack { .. } => "sendOfferBack",
            Self::ProposeChange { .. } => "proposeOfferChange",
            Self::ApproveChange { .. } => "approveOfferChange",
            Self::RefuseChange { .. } => "refuseOfferChange",
            Self::WithdrawChange { .. } => "withdrawOfferChange",
            Self::StateCapacity { .. } => "stateCapacity",
            Self::Confirm => "confirmOffer",
            Self::Pause { .. } => "pauseOffer",
            Self::Resume => "resumeOffer",
            Self::ReportWrong { .. } => "reportOfferWrong",
            Self::ResolveReport { .. } => "resolveOfferReport",
            Self::Withdraw => "withdrawOffer",
        }
    }

    /// The command, with the id of what it makes.
    fn command(self, made: Uuid, today: Date) -> OfferCommand {
        match self {
            Self::Submit { content } => OfferCommand::Submit { content },
            Self::Publish { review_due } => OfferCommand::Publish { review_due },
            Self::SendBack { why } => OfferCommand::SendBack { why },
            Self::ProposeChange { base_version, changes } => {
                OfferCommand::ProposeChange { change: OfferChangeId(made), base_version, changes }
            }
            Self::ApproveChange { change } => OfferCommand::ApproveChange { change },
            Self::RefuseChange { change, why } => OfferCommand::RefuseChange { change, why },
            Self::WithdrawChange { change } => OfferCommand::WithdrawChange { change },
            Self::StateCapacity { open, total, as_of } => {
                OfferCommand::StateCapacity { open, total, as_of: as_of.unwrap_or(today) }
            }
            Self::Confirm => OfferCommand::Confirm,
            Self::Pause { back_on } => OfferCommand::Pause { back_on },
            Self::Resume => OfferCommand::Resume,
            Self::ReportWrong { what, note } => {
                OfferCommand::ReportWrong { report: OfferReportId(made), what, note }
            }
            Self::ResolveReport { report, outcome, answer } => {
                OfferCommand::ResolveReport { report, outcome, answer }
            }
            Self::Withdraw => OfferCommand::Withdraw,
        }
    }

    /// The grants that it says pay for the offer.
    fn grants(&self) -> BTreeSet<GrantId> {
        let in_changes = |changes: &[OfferChange]| {
            let to = changes.iter().find_map(|change| {
                if let OfferChange::Grants(swap) = change { Some(swap.to.clone()) } else { None }
            });
            to.unwrap_or_default()
        };
        match self {
            Self::Submit { content } => {
                content.as_ref().map(|content| content.grants.clone()).unwrap_or_default()
            }
            Self::ProposeChange { changes, .. } => in_changes(changes),
            Self::Publish { .. }
            | Self::SendBack { .. }
            | Self::ApproveChange { .. }
            | Self::RefuseChange { .. }
            | Self::WithdrawChange { .. }
            | Self::StateCapacity { .. }
            | Self::Confirm
            | Self::Pause { .. }
            | Self::Resume
            | Self::ReportWrong { .. }
            | Self::ResolveReport { .. }
            | Self::Withdraw => BTreeSet::new(),
        }
    }

    /// Whether people are sent to the offer because of it, so that its partner must be approved on the day.
    const fn opens(&self) -> bool {
        matches!(self, Self::Publish { .. } | Self::Resume)
    }
}

impl App {
    /// Write an offer of a partner down.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn draft_offer(
        &self,
        who: &Identity,
        how: &How,
        partner: PartnerId,
        content: OfferContent,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "draftOffer", how)?;
        of_partner(who, partner, "partner")?;
        let id = order.envelope.command.makes("offer");
        let (app, role) = (self.clone(), who.role);
        self.carry_out::<Offer, _>(order, id, move |work| {
            let (app, content) = (app.clone(), content.clone());
            Box::pin(async move {
                work.existing::<Partner>(partner).await?;
                pay(work, role, partner, &content.grants).await?;
                let reference = app.reference(ReferenceKind::Offer, work).await?;
                let draft = OfferCommand::Draft { reference, partner, content };
                Ok(work.execute::<Offer>(id, draft).await?)
            })
        })
        .await
    }

    /// Take one step with an offer.
    ///
    /// # Errors
    /// See [`Failure`]; an offer that whoever asks may not see is answered as if it did not exist.
    pub async fn step_with_offer(
        &self,
        who: &Identity,
        how: &How,
        offer: OfferId,
        step: Step,
    ) -> Result<Done, Failure> {
        let order = self.order(who, step.deed(), how)?;
        let made = order.envelope.command.makes("offer part");
        let who = who.clone();
        self.carry_out::<Offer, _>(order, offer.0, move |work| {
            let (who, step) = (who.clone(), step.clone());
            Box::pin(async move {
                let at = work.circumstances().clone();
                let stands = work.existing::<Offer>(offer).await?;
                let owner = stands.partner()?;
                let open_to_all = matches!(step, Step::ReportWrong { .. }) && is_live(stands.status());
                if !open_to_all {
                    of_partner(&who, owner, "offer")?;
                }
                if step.opens() {
                    let partner = work.existing::<Partner>(owner).await?;
                    partner.approved()?;
                    partner.due_diligence(at.today, &[])?;
                }
                pay(work, who.role, owner, &step.grants()).await?;
                Ok(work.execute::<Offer>(offer, step.command(made, at.today)).await?)
            })
        })
        .await
    }

    /// The offers a search finds on a page, and how many there are where that is asked. When nothing holds the words as
    /// they were typed, words a letter or two away are looked for.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offers(
        &self,
        who: &Identity,
        mut wanted: Search,
        counted: bool,
    ) -> Result<(Vec<Found>, Option<i64>), Failure> {
        may(who, "offers")?;
        (wanted.sight, wanted.today) = (sight(who), self.today());
        let pool = self.store.pool();
        let mut found = search(pool, &wanted).await?;
        if let Some(words) = wanted.words.as_ref().filter(|_| found.is_empty())
            && let Some(right) = nearest_words(pool, words).await?
        {
            wanted.words = Some(right);
            found = search(pool, &wanted).await?;
        }
        let total = if counted { Some(count(pool, &wanted).await?) } else { None };
        Ok((found, total))
    }

    /// One offer.
    ///
    /// # Errors
    /// See [`Failure`]; one that whoever asks may not see is answered as if it did not exist.
    pub async fn offer(&self, who: &Identity, id: Uuid) -> Result<OfferRecord, Failure> {
        may(who, "offer")?;
        let found = one::<OfferRecord>(self.store.pool(), id).await?.ok_or(Failure::NotFound("offer"))?;
        if self.may_see(who, &found).await? { Ok(found) } else { Err(Failure::NotFound("offer")) }
    }

    /// What offers were called in their versions, by offer and version, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offer_titles(&self, offers: &[Uuid]) -> Result<HashMap<(Uuid, u32), String>, Failure> {
        Ok(titles(self.store.pool(), offers).await?)
    }

    /// What an offer said in one version. Versions of an offer that was withdrawn are for the partner, staff and
    /// auditors.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offer_version(
        &self,
        who: &Identity,
        id: Uuid,
        version: u32,
    ) -> Result<VersionRecord, Failure> {
        may(who, "offerVersion")?;
        self.offer(who, id).await?;
        let versions = one::<OfferVersions>(self.store.pool(), id).await?.unwrap_or_default().versions;
        let newest = versions.last().map_or(0, |newest| newest.version);
        let found = versions.into_iter().find(|one| one.version == version);
        found.ok_or_else(|| OfferRefusal::VersionUnknown { newest }.into())
    }

    /// What waits for somebody to look at it: offers, changes and reports.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offers_to_review(
        &self,
        who: &Identity,
        limit: i64,
    ) -> Result<Vec<(Uuid, OfferRecord)>, Failure> {
        may(who, "offersToReview")?;
        Ok(to_review(self.store.pool(), limit).await?)
    }

    /// Offers by their ids, for what names them.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offers_named(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, OfferRecord>, Failure> {
        Ok(several(self.store.pool(), ids).await?)
    }

    /// The published offers of a partner, by title.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offers_of(
        &self,
        partner: PartnerId,
        limit: i64,
    ) -> Result<Vec<(Uuid, OfferRecord)>, Failure> {
        Ok(published_by(self.store.pool(), partner, limit).await?)
    }

    /// How many published offers a partner has.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn offer_count(&self, partner: PartnerId) -> Result<i64, Failure> {
        Ok(published_count(self.store.pool(), partner).await?)
    }

    async fn may_see(&self, who: &Identity, offer: &OfferRecord) -> Result<bool, Failure> {
        Ok(match sight(who) {
            Sight::Everything => true,
            Sight::Partner(own) => own == offer.partner || is_live(offer.status),
            Sight::Public => {
                let partner = one::<PartnerRecord>(self.store.pool(), offer.partner.0).await?;
                let approved = partner.is_some_and(|partner| partner.status == PartnerStatus::Approved);
                approved && offer.status == OfferStatus::Published
            }
        })
    }
}

/// Whether an offer is in the directory, running or paused.
const fn is_live(status: OfferStatus) -> bool {
    matches!(status, OfferStatus::Published | OfferStatus::Paused)
}

/// What somebody finds in the directory.
fn sight(who: &Identity) -> Sight {
    match who.partner {
        _ if sees_all(who) => Sight::Everything,
        Some(own) if who.role.is_of_a_partner() => Sight::Partner(own),
        Some(_) | None => Sight::Public,
    }
}

/// Whether somebody sees what waits on an offer: changes, reports, drafts. The partner itself, staff and auditors.
#[must_use]
pub fn is_inside(who: &Identity, owner: PartnerId) -> bool {
    sees_all(who) || who.partner == Some(owner)
}

/// Only grants of the partner itself pay for its offer. To people of a partner a grant of another does not exist.
async fn pay(
    work: &mut Work,
    role: Role,
    partner: PartnerId,
    grants: &BTreeSet<GrantId>,
) -> Result<(), Failure> {
    for grant in grants {
        let payee = work.existing::<Grant>(*grant).await?.subject()?.partner;
        if payee != partner {
            return Err(if role.is_of_a_partner() {
                Failure::NotFound("grant")
            } else {
                OfferRefusal::GrantOfAnother.into()
            });
        }
    }
    Ok(())
}
