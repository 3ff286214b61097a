//! Sites on the wire, and the views of channels.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Code, Count, Date, Entered, Meant, Receipt, asked, size, told};
use crate::app::sites::NewSite;
use crate::app::{Done, Failure};
use crate::domain::identity::{PartnerId, SiteId};
use crate::domain::places::{Area, Setting};
use crate::domain::site::{Site as Aggregate, Views};
use crate::projections::sites::{Filter, SiteRecord, Spell, ViewsRecord};

/// A place where activity happens: a site of our own, a partner’s place, or a channel online.
#[derive(Debug, Clone)]
pub struct Site {
    id: Uuid,
    record: SiteRecord,
}

impl Site {
    pub(super) const fn new(id: Uuid, record: SiteRecord) -> Self {
        Self { id, record }
    }
}

/// A place where activity happens: a site of our own, a partner’s place, or a channel online.
#[Object]
impl Site {
    /// Its id.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Its name.
    async fn name(&self) -> &str {
        &self.record.name
    }
    /// The area it is in.
    async fn area(&self) -> Option<Code<Area>> {
        self.record.area.map(Code)
    }
    /// What kind of place it is.
    async fn setting(&self) -> Option<Code<Setting>> {
        self.record.setting.map(Code)
    }
    /// The partner whose place it is.
    async fn partner_id(&self) -> Option<Uuid> {
        self.record.partner.map(|partner| partner.0)
    }
    /// Whether it is open today.
    async fn is_open(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.record.is_open_on(asked(ctx)?.0.today()))
    }
    /// When it was open, earliest first.
    async fn open(&self) -> Vec<OpenSpell> {
        self.record.open.iter().map(Into::into).collect()
    }
    /// Views as they were reported, where it is a channel.
    async fn views(&self) -> Vec<ChannelReport> {
        self.record.views.iter().map(Into::into).collect()
    }
}

/// From when to when a site was open.
#[derive(Debug, Clone, SimpleObject)]
pub struct OpenSpell {
    /// The day it opened.
    pub from: Date,
    /// The day it closed; none while it is open.
    pub to: Option<Date>,
}

impl From<&Spell> for OpenSpell {
    fn from(spell: &Spell) -> Self {
        Self { from: Date(spell.from), to: spell.to.map(Date) }
    }
}

/// Views of a channel as they were reported.
#[derive(Debug, Clone, SimpleObject)]
pub struct ChannelReport {
    /// The first day they were counted on.
    pub from: Date,
    /// The last day they were counted on.
    pub to: Date,
    /// How many there were.
    pub count: Count,
    /// Whether it is a reading of a counter that runs on from the first day: readings are not added.
    pub cumulative: bool,
    /// Where the number was read.
    pub source: String,
}

impl From<&ViewsRecord> for ChannelReport {
    fn from(record: &ViewsRecord) -> Self {
        Self {
            from: Date(record.from),
            to: Date(record.to),
            count: Count(record.count),
            cumulative: record.cumulative,
            source: record.source.clone(),
        }
    }
}

/// Views of one channel over some days. Those of different channels are never added: somebody can watch on both.
#[derive(Debug, Clone, SimpleObject)]
pub struct ChannelViews {
    /// The channel.
    pub channel: Site,
    /// The views of that channel, as far as the reports tell.
    pub views: Count,
}

/// Which sites to list.
#[derive(Debug, Clone, Default, InputObject)]
pub struct SiteFilter {
    /// Of this kind.
    pub setting: Option<Code<Setting>>,
    /// In this area.
    pub area: Option<Code<Area>>,
}

/// A site to be opened.
#[derive(Debug, Clone, InputObject)]
pub struct OpenSiteInput {
    /// Its name, at most 200 characters.
    pub name: String,
    /// The area it is in; `ONLINE` for a channel.
    pub area: Code<Area>,
    /// What kind of place it is.
    pub setting: Code<Setting>,
    /// The partner whose place it is; only where it is a partner’s.
    pub partner_id: Option<Uuid>,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl OpenSiteInput {
    fn read(self) -> Result<(Meant, NewSite), Failure> {
        let mut entered = Entered::default();
        let taken = entered.text("name", &self.name).map(|name| NewSite {
            name,
            area: self.area.0,
            setting: self.setting.0,
            partner: self.partner_id.map(PartnerId),
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A step with a site, and nothing more.
#[derive(Debug, Clone, InputObject)]
pub struct SiteInput {
    /// The site.
    pub site_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// Views of a channel to be reported.
#[derive(Debug, Clone, InputObject)]
pub struct ReportViewsInput {
    /// The channel: a site online.
    pub channel_id: Uuid,
    /// The first day they were counted on.
    pub from: Date,
    /// The last day they were counted on; not ahead of today.
    pub to: Date,
    /// How many there were.
    pub count: Count,
    /// Whether it is a reading of a counter that runs on from the first day. Such readings begin on the same day and
    /// never fall; other reports lie side by side and share no day.
    pub cumulative: bool,
    /// Where the number was read, at most 200 characters.
    pub source: String,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl ReportViewsInput {
    fn read(self) -> Result<(Meant, Views), Failure> {
        let mut entered = Entered::default();
        let taken = entered.text("source", &self.source).map(|source| Views {
            from: self.from.0,
            to: self.to.0,
            count: self.count.0,
            cumulative: self.cumulative,
            source,
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// A report of views to be taken back.
#[derive(Debug, Clone, InputObject)]
pub struct WithdrawViewsInput {
    /// The channel.
    pub channel_id: Uuid,
    /// The first day of the report.
    pub from: Date,
    /// Its last day.
    pub to: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on a site leads to.
#[derive(SimpleObject)]
pub struct SitePayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The site as it stands now.
    pub site: Site,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<SitePayload> {
    let done = done.map_err(told)?;
    let (app, who) = asked(ctx)?;
    let record = app.site(who, done.id).await.map_err(told)?;
    Ok(SitePayload { receipt: done.into(), site: Site { id: done.id, record } })
}

/// Queries about sites.
#[derive(Default)]
pub struct SiteQueries;

#[Object]
impl SiteQueries {
    /// Sites by name.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn sites(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<SiteFilter>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Site>> {
        let (app, who) = asked(ctx)?;
        let SiteFilter { setting, area } = filter.unwrap_or_default();
        let (setting, area) = (setting.map(|code| code.0), area.map(|code| code.0));
        let filter = Filter { setting, area, limit: Some(size(first)?) };
        let found = app.sites(who, filter).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, record)| Site { id, record }).collect())
    }

    /// One site.
    async fn site(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Uuid) -> Result<Site> {
        let (app, who) = asked(ctx)?;
        Ok(Site { id, record: app.site(who, id).await.map_err(told)? })
    }
}

/// Commands on sites.
#[derive(Default)]
pub struct SiteMutations;

#[Object]
impl SiteMutations {
    /// Open a site: one of our own, a partner’s place, or a channel online.
    async fn open_site(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site.")] input: OpenSiteInput,
    ) -> Result<SitePayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.open_site(who, &how, new).await).await
    }

    /// Close a site: no session can be planned there any more. Needs a reason.
    async fn close_site(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: SiteInput,
    ) -> Result<SitePayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.close_site(who, &how, SiteId(input.site_id)).await).await
    }

    /// Open a site again.
    async fn reopen_site(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: SiteInput,
    ) -> Result<SitePayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.reopen_site(who, &how, SiteId(input.site_id)).await).await
    }

    /// Report the views of a channel over some days.
    async fn report_views(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The views.")] input: ReportViewsInput,
    ) -> Result<SitePayload> {
        let (app, who) = asked(ctx)?;
        let channel = SiteId(input.channel_id);
        let (meant, views) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.report_views(who, &how, channel, views).await).await
    }

    /// Take a report of views back, so that another can be made of its days. Needs a reason.
    async fn withdraw_views(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which report.")] input: WithdrawViewsInput,
    ) -> Result<SitePayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        let days = (input.from.0, input.to.0);
        payload(ctx, app.withdraw_views(who, &how, SiteId(input.channel_id), days).await).await
    }
}
