//! Stating links of the thread, and taking them back.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{ThreadLink, told};
use crate::app::thread::{AsAt, AskedLink};
use crate::app::{Done, Failure};
use crate::domain::thread::{Basis, Relation, ThreadKind, ThreadRefusal};
use crate::graphql::{Code, Entered, Meant, Receipt, asked};

/// A link to be stated.
#[derive(Debug, Clone, InputObject)]
pub struct NewThreadLinkInput {
    /// To what kind of thing.
    pub to_kind: Code<ThreadKind>,
    /// To which.
    pub to_id: Uuid,
    /// How they are joined.
    pub relation: Code<Relation>,
    /// Per cent of a grant that answers a need, 1 to 100; for no other link.
    pub share: Option<i32>,
    /// How it is known.
    pub basis: Code<Basis>,
    /// Why it is so, for others to read; never about a private person. At most 500 characters.
    pub why: String,
}

/// Links to be stated, all or none.
#[derive(Debug, Clone, InputObject)]
pub struct LinkThreadInput {
    /// From what kind of thing.
    pub from_kind: Code<ThreadKind>,
    /// From which.
    pub from_id: Uuid,
    /// The links. Those from a grant to its needs are stated together: their shares add up to 100.
    pub links: Vec<NewThreadLinkInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// A link to be taken back.
#[derive(Debug, Clone, InputObject)]
pub struct ThreadLinkInput {
    /// How they are joined.
    pub relation: Code<Relation>,
    /// To what kind of thing.
    pub to_kind: Code<ThreadKind>,
    /// To which.
    pub to_id: Uuid,
}

/// Links to be taken back, all or none.
#[derive(Debug, Clone, InputObject)]
pub struct WithdrawThreadLinksInput {
    /// From what kind of thing.
    pub from_kind: Code<ThreadKind>,
    /// From which.
    pub from_id: Uuid,
    /// The links.
    pub links: Vec<ThreadLinkInput>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What joins a thing to others.
#[derive(SimpleObject)]
pub struct ThreadLinks {
    /// The stream that holds what was stated.
    pub id: Uuid,
    /// Every link that goes out from it or comes to it, recorded or stated, as they stand now.
    pub links: Vec<ThreadLink>,
}

/// What a command on links leads to.
#[derive(SimpleObject)]
pub struct ThreadPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// What joins the thing it was about to others.
    pub thread_links: ThreadLinks,
}

async fn payload(ctx: &Context<'_>, from: Uuid, done: Result<Done, Failure>) -> Result<ThreadPayload> {
    let done = done.map_err(told)?;
    let (app, who) = asked(ctx)?;
    let links = app.thread_links(who, from, AsAt::default()).await.map_err(told)?;
    let links = links.into_iter().filter_map(ThreadLink::read).collect();
    Ok(ThreadPayload { receipt: done.into(), thread_links: ThreadLinks { id: done.id, links } })
}

impl LinkThreadInput {
    fn read(links: Vec<NewThreadLinkInput>) -> Result<Vec<AskedLink>, Failure> {
        let mut entered = Entered::default();
        let mut read = Vec::new();
        for (place, link) in links.into_iter().enumerate() {
            let why = entered.text(&format!("links.{place}.why"), &link.why);
            let share = link.share.map(|share| u8::try_from(share).map_err(|_| ThreadRefusal::ShareMissing));
            let share = entered.take(&format!("links.{place}.share"), share.transpose());
            read.extend(why.zip(share).map(|(why, share)| AskedLink {
                to: (link.to_kind.0, link.to_id),
                relation: link.relation.0,
                share,
                basis: link.basis.0,
                why,
            }));
        }
        entered.finish()?;
        Ok(read)
    }
}

/// Commands on links of the thread.
#[derive(Default)]
pub struct ThreadMutations;

#[Object]
impl ThreadMutations {
    /// State how a thing is joined to others, where no record says so: an offer to the need it answers, a grant to its
    /// needs with shares, a session to the commitment it delivers.
    async fn link_thread(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The links.")] input: LinkThreadInput,
    ) -> Result<ThreadPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let links = LinkThreadInput::read(input.links).map_err(told)?;
        let from = (input.from_kind.0, input.from_id);
        payload(ctx, input.from_id, app.link_thread(who, &how, from, links).await).await
    }

    /// Take links back that somebody stated. Needs a reason.
    async fn withdraw_thread_links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: WithdrawThreadLinksInput,
    ) -> Result<ThreadPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let named = input.links.iter().map(|link| (link.relation.0, link.to_kind.0, link.to_id));
        let from = (input.from_kind.0, input.from_id);
        let done = app.withdraw_thread_links(who, &how, from, named.collect()).await;
        payload(ctx, input.from_id, done).await
    }
}
