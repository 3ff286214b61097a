//! The golden thread: stating links that no other event tells, and drawing the thread of something as it stood.

mod broken;
mod drawing;
mod following;
mod outside;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::consultation::Consultation;
use crate::domain::grant::Grant;
use crate::domain::identity::{NeedId, Role};
use crate::domain::need::Need;
use crate::domain::offer::Offer;
use crate::domain::programme::Programme;
use crate::domain::publication::Publication;
use crate::domain::session::Session;
use crate::domain::text::Text;
use crate::domain::thread::{Basis, NewLink, Relation, Thread, ThreadCommand, ThreadEnd, ThreadKind};
use crate::projections::thread::{Cut, Held, kept_in, links_of, recorded_from, size_before};
use crate::store::work::Work;

pub use broken::BrokenEnd;
pub use drawing::{Drawn, DrawnGrant, DrawnOffer, Gap};

/// A link as it is asked for.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of thread.linked")]
pub struct AskedLink {
    pub to: (ThreadKind, Uuid),
    pub relation: Relation,
    pub share: Option<u8>,
    pub basis: Basis,
    pub why: Text<500>,
}

/// As it stood: what was known by an instant, and what had taken effect by a day. Neither: as it stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsAt {
    /// Only what was recorded before.
    pub known_before: Option<DateTime<Utc>>,
    /// Only what took effect on this day or earlier.
    pub effective_to: Option<Date>,
}

/// Whether somebody may see counts of people as they are: those who see the people anyway, and those who audit.
pub(super) const fn sees_counts(role: Role) -> bool {
    matches!(role, Role::Advisor | Role::Auditor)
}

impl App {
    /// State how a thing is joined to others, all at once.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn link_thread(
        &self,
        who: &Identity,
        how: &How,
        from: (ThreadKind, Uuid),
        asked: Vec<AskedLink>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "linkThread", how)?;
        let id = Thread::stream(from.0, from.1);
        let app = self.clone();
        self.carry_out::<Thread, _>(order, id, move |work| {
            let (app, asked) = (app.clone(), asked.clone());
            Box::pin(async move {
                let end = app.end(work, from).await?;
                // What the record says is read after the streams: should they move on, this is decided anew.
                let mut ends = Vec::new();
                for link in asked {
                    ends.push((app.end(work, link.to).await?, link));
                }
                let recorded = recorded_from(app.store.pool(), from.1).await?;
                let says = |link: &AskedLink| recorded.iter().any(|held| is_said(held, link));
                let links = ends
                    .into_iter()
                    .map(|(to, link)| {
                        let is_on_record = says(&link);
                        let AskedLink { relation, share, basis, why, .. } = link;
                        NewLink { to, relation, share, basis, why, is_on_record }
                    })
                    .collect();
                Ok(work.execute::<Thread>(id, ThreadCommand::Link { from: end, links }).await?)
            })
        })
        .await
    }

    /// Take links back that somebody stated.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn withdraw_thread_links(
        &self,
        who: &Identity,
        how: &How,
        (kind, id): (ThreadKind, Uuid),
        links: Vec<(Relation, ThreadKind, Uuid)>,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "withdrawThreadLinks", how)?;
        let id = Thread::stream(kind, id);
        self.carry_out::<Thread, _>(order, id, move |work| {
            let links = links.clone();
            Box::pin(async move { Ok(work.execute::<Thread>(id, ThreadCommand::Withdraw { links }).await?) })
        })
        .await
    }

    /// An end of a link, which must exist: its stream is read in the decision.
    async fn end(&self, work: &mut Work, (kind, id): (ThreadKind, Uuid)) -> Result<ThreadEnd, Failure> {
        let version = match kind {
            ThreadKind::Need => {
                let consultation = work.existing::<Need>(id).await?.consultation()?;
                work.existing::<Consultation>(consultation).await?.takes_in(NeedId(id))?;
                work.version::<Consultation>(consultation).await?
            }
            ThreadKind::Commitment => {
                let consultation = self.keeper((kind, id)).await?;
                work.existing::<Consultation>(consultation).await?;
                work.version::<Consultation>(consultation).await?
            }
            ThreadKind::Figure => {
                let publication = self.keeper((kind, id)).await?;
                work.existing::<Publication>(publication).await?;
                work.version::<Publication>(publication).await?
            }
            ThreadKind::Offer => {
                work.existing::<Offer>(id).await?;
                work.version::<Offer>(id).await?
            }
            ThreadKind::Grant => {
                work.existing::<Grant>(id).await?;
                work.version::<Grant>(id).await?
            }
            ThreadKind::Programme => {
                work.existing::<Programme>(id).await?;
                work.version::<Programme>(id).await?
            }
            ThreadKind::Session => {
                work.existing::<Session>(id).await?;
                work.version::<Session>(id).await?
            }
            // Nothing is ever stated about these: the rules of the links say so.
            ThreadKind::Consultation
            | ThreadKind::Feedback
            | ThreadKind::Prescription
            | ThreadKind::Outcome => 0,
        };
        Ok(ThreadEnd { kind, id, version: u32::try_from(version).unwrap_or_default() })
    }

    async fn keeper(&self, thing: (ThreadKind, Uuid)) -> Result<Uuid, Failure> {
        kept_in(self.store.pool(), thing).await?.ok_or(Failure::NotFound(thing.0.words()))
    }

    /// The cut that shows something as it stood.
    async fn thread_cut(&self, as_at: AsAt) -> Result<Cut, Failure> {
        let before_index = match as_at.known_before {
            Some(instant) => size_before(self.store.pool(), instant).await?,
            None => self.store.size().await?,
        };
        Ok(Cut { before_index, effective_to: as_at.effective_to.unwrap_or_else(|| self.today()) })
    }

    /// Every link that goes out from a thing or comes to it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn thread_links(&self, who: &Identity, id: Uuid, as_at: AsAt) -> Result<Vec<Held>, Failure> {
        may(who, "threadLinks")?;
        let cut = self.thread_cut(as_at).await?;
        let found = links_of(self.store.pool(), cut, &[id]).await?;
        Ok(found.into_iter().filter(|link| link.relation().is_some()).collect())
    }
}

/// Whether the record says what a link would: the same, or of a grant any needs at all.
fn is_said(held: &Held, link: &AskedLink) -> bool {
    let same = held.relation() == Some(link.relation);
    let shares = held.from.0 == ThreadKind::Grant && link.relation == Relation::Answers;
    same && (shares || held.to == link.to)
}

/// The things of a kind at one end of some links.
fn ends(
    links: &[Held],
    which: impl Fn(&Held) -> Option<(ThreadKind, Uuid)>,
    kind: ThreadKind,
) -> BTreeSet<Uuid> {
    links.iter().filter_map(which).filter(|(of, _)| *of == kind).map(|(_, id)| id).collect()
}
