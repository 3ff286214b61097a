//! How a case comes in: interest, direct award, application.

use super::{Application, Grant, GrantCommand, NewApplication};
use crate::app::authority::of_partner;
use crate::app::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::grant::Beginning;
use crate::domain::identity::{FundId, GrantId, PartnerId, ProgrammeId, ReferenceKind};
use crate::domain::need::Need;
use crate::domain::partner::Partner;
use crate::domain::programme::Programme;
use crate::domain::text::Text;
use crate::store::work::Work;

/// A case before there is an application.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of grant.interest_received")]
pub struct NewCase {
    pub partner: PartnerId,
    pub programme: ProgrammeId,
    pub title: Text<200>,
}

impl NewCase {
    async fn begin(self, app: &App, work: &Work, fund: FundId) -> Result<Beginning, Failure> {
        let Self { partner, programme, title } = self;
        let reference = app.reference(ReferenceKind::Grant, work).await?;
        Ok(Beginning { reference, partner, programme, fund, title })
    }
}

impl App {
    /// Express interest in a grant, in a programme that begins with that.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn express_interest(
        &self,
        who: &Identity,
        how: &How,
        (new, idea): (NewCase, Text<2000>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "expressInterest", how)?;
        of_partner(who, new.partner, "partner")?;
        let id = order.envelope.command.makes("grant");
        let app = self.clone();
        self.carry_out::<Grant, _>(order, id, move |work| {
            let (app, new, idea) = (app.clone(), new.clone(), idea.clone());
            Box::pin(async move {
                work.existing::<Partner>(new.partner).await?.may_deliver()?;
                let programme = work.existing::<Programme>(new.programme).await?;
                let fund = programme.takes_interest(work.circumstances().on)?.fund;
                let beginning = new.begin(&app, work, fund).await?;
                Ok(work.execute::<Grant>(id, GrantCommand::ReceiveInterest { beginning, idea }).await?)
            })
        })
        .await
    }

    /// Propose an award to a partner without a call, where the programme allows it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn propose_direct_award(
        &self,
        who: &Identity,
        how: &How,
        (new, justification): (NewCase, Text<2000>),
    ) -> Result<Done, Failure> {
        let order = self.order(who, "proposeDirectAward", how)?;
        let id = order.envelope.command.makes("grant");
        let app = self.clone();
        self.carry_out::<Grant, _>(order, id, move |work| {
            let (app, new, justification) = (app.clone(), new.clone(), justification.clone());
            Box::pin(async move {
                work.existing::<Partner>(new.partner).await?.may_deliver()?;
                let programme = work.existing::<Programme>(new.programme).await?;
                let fund = programme.takes_direct_award(work.circumstances().on)?.fund;
                let beginning = new.begin(&app, work, fund).await?;
                let propose = GrantCommand::ProposeDirectAward { beginning, justification };
                Ok(work.execute::<Grant>(id, propose).await?)
            })
        })
        .await
    }

    /// Send an application in: a case of its own, or the next step of one that was invited or proposed.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn submit_application(
        &self,
        who: &Identity,
        how: &How,
        new: NewApplication,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "submitApplication", how)?;
        of_partner(who, new.partner, "partner")?;
        let id = new.grant.unwrap_or_else(|| GrantId(order.envelope.command.makes("grant")));
        let (app, who) = (self.clone(), who.clone());
        self.carry_out::<Grant, _>(order, id.0, move |work| {
            let (app, who, new) = (app.clone(), who.clone(), new.clone());
            Box::pin(async move {
                work.existing::<Partner>(new.partner).await?.approved()?;
                for share in &new.delivery {
                    work.existing::<Partner>(share.partner).await?.may_deliver()?;
                }
                for answered in &new.needs {
                    work.existing::<Need>(answered.need).await?;
                }
                let programme = work.existing::<Programme>(new.programme).await?;
                let (fund, reference) = if new.grant.is_some() {
                    let begun = work.existing::<Grant>(id).await?;
                    let subject = begun.subject()?;
                    of_partner(&who, subject.partner, "grant")?;
                    (programme.takes_invited(new.requested)?.fund, subject.reference.clone())
                } else {
                    let fund = programme.takes(new.requested, work.circumstances().on)?.fund;
                    (fund, app.reference(ReferenceKind::Grant, work).await?)
                };
                let application = Application {
                    reference,
                    partner: new.partner,
                    programme: new.programme,
                    fund,
                    title: new.title,
                    purpose: new.purpose,
                    requested: new.requested,
                    places: new.places,
                    starts_on: new.starts_on,
                    ends_on: new.ends_on,
                    needs: new.needs,
                    delivery: new.delivery,
                    criteria_version: programme.criteria_version(),
                };
                Ok(work.execute::<Grant>(id, GrantCommand::Submit(application)).await?)
            })
        })
        .await
    }
}
