//! Looking at the record as it stood: the moment that a field is asked for, and the app that everything under this field
//! is then read with.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextPrepareRequest};
use async_graphql::{Context, InputObject, QueryPathSegment, Request, Result, ServerResult};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Date, told};
use crate::app::as_at::Moment;
use crate::app::{App, Failure};
use crate::auth::Identity;
use crate::domain::calendar::end_of_day_in_london;

/// At how many moments one request may look: each that is not kept is folded from the log.
const MOST_MOMENTS: usize = 4;

/// As the record stood: "what did we know on 31 March of what held on 31 March" is both dates at once. Name one of
/// `index`, `time` and `knownOn`; none: as it stands. The same moment gives the same answer for ever, but for the names of
/// people who work here, which are those of today. One request looks at four moments at most.
#[derive(Debug, Clone, Copy, Default, InputObject)]
pub struct AsAt {
    /// With the event at this position as the last, counted from 0: the `index` of a receipt or of the history.
    pub index: Option<i64>,
    /// With all that was recorded by this instant, by the clock of the database.
    pub time: Option<DateTime<Utc>>,
    /// With what was recorded on this day or earlier, in London: what was known then. Today is not over, and is as it
    /// stands.
    pub known_on: Option<Date>,
    /// Only what took effect on this day or earlier. For the thread; the ledger has `effectiveFor` in its cut.
    pub effective_for: Option<Date>,
}

impl AsAt {
    /// The moment it names by position or time.
    pub(super) fn moment(&self) -> Result<Option<Moment>> {
        match (self.index, self.time, self.known_on) {
            (Some(index), None, None) => Ok(Some(Moment::Index(index))),
            (None, Some(time), None) => Ok(Some(Moment::Time(time))),
            (None, None, _) => Ok(None),
            _ => Err(told(Failure::refused_moments())),
        }
    }

    /// The moment it names in any way, for what is drawn for one moment and not for a day as well.
    pub(super) fn any_moment(&self, ctx: &Context<'_>) -> Result<Option<Moment>> {
        if self.effective_for.is_some() {
            return Err(told(Failure::refused_effective_for()));
        }
        let today = ctx.data::<App>()?.today();
        let over = self.known_on.filter(|day| day.0 != today);
        let day = over.map(|day| end_of_day_in_london(day.0) - TimeDelta::microseconds(1));
        Ok(self.moment()?.or(day.map(Moment::Time)))
    }
}

/// What a request looks back at: its moments, and the app that is read with under each of its fields.
#[derive(Default)]
pub(super) struct Looks {
    moments: Mutex<Vec<Moment>>,
    first: Next,
}

/// The apps that fields are read with, each by the name its field has in the answer. A list that only grows, so that what
/// was handed out stays.
type Next = OnceLock<Box<Look>>;

struct Look {
    field: String,
    app: App,
    next: Next,
}

impl Looks {
    /// Count one more moment, where it is another.
    fn admit(&self, moment: Moment) -> Result<()> {
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        if !moments.contains(&moment) {
            if moments.len() == MOST_MOMENTS {
                return Err(told(Failure::refused_so_many_moments(MOST_MOMENTS)));
            }
            moments.push(moment);
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = &Look> {
        std::iter::successors(self.first.get(), |look| look.next.get()).map(AsRef::as_ref)
    }

    fn of(&self, field: &str) -> Option<&App> {
        self.all().find(|look| look.field == field).map(|look| &look.app)
    }

    fn add(&self, look: Look) {
        let mut look = Box::new(look);
        let mut last = &self.first;
        while let Err(refused) = last.set(look) {
            look = refused;
            let Some(taken) = last.get() else { return };
            last = &taken.next;
        }
    }
}

/// Gives each request an empty list of looks.
pub(super) struct Looking;

impl ExtensionFactory for Looking {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Looking {
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        next.run(ctx, request.data(Looks::default())).await
    }
}

/// The name in the answer of the field of the query that all this is under.
fn field_of<'c>(ctx: &'c Context<'_>) -> Option<&'c str> {
    let mut node = ctx.path_node.as_ref()?;
    while let Some(above) = node.parent {
        node = above;
    }
    match node.segment {
        QueryPathSegment::Name(name) => Some(name),
        QueryPathSegment::Index(_) => None,
    }
}

/// The app that what is under this field of the query is read with.
pub(super) fn app<'c>(ctx: &'c Context<'_>) -> Result<&'c App> {
    let looked = field_of(ctx).and_then(|field| ctx.data_opt::<Looks>()?.of(field));
    looked.map_or_else(|| ctx.data::<App>(), Ok)
}

/// The app that this field of the query and what is under it are read with, and whoever asks: the one that `looked` makes
/// of today’s for a moment.
async fn read_at<'c, Looked>(
    ctx: &'c Context<'_>,
    moment: Option<Moment>,
    looked: impl FnOnce(&'c App, &'c Identity, Moment) -> Looked,
) -> Result<(&'c App, &'c Identity)>
where
    Looked: Future<Output = std::result::Result<App, Failure>>,
{
    let who = ctx.data::<Identity>()?;
    if let Some(moment) = moment {
        let looks = ctx.data::<Looks>()?;
        looks.admit(moment)?;
        let app = looked(ctx.data::<App>()?, who, moment).await.map_err(told)?;
        let field = field_of(ctx).unwrap_or_default().to_owned();
        looks.add(Look { field, app, next: Next::default() });
    }
    Ok((app(ctx)?, who))
}

/// The app as it looked at the moment that a field is asked for, and whoever asks.
pub(super) async fn asked_as_at<'c>(
    ctx: &'c Context<'_>,
    as_at: Option<AsAt>,
) -> Result<(&'c App, &'c Identity)> {
    let moment = as_at.unwrap_or_default().any_moment(ctx)?;
    read_at(ctx, moment, App::at).await
}

/// The same for a field that counts people.
pub(super) async fn counting_as_at<'c>(
    ctx: &'c Context<'_>,
    moment: Option<Moment>,
) -> Result<(&'c App, &'c Identity)> {
    read_at(ctx, moment, App::at_counting).await
}
