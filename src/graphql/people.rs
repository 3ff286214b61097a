//! People who act: who you are, and finding a colleague.

use async_graphql::{ComplexObject, Context, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Code, Date, asked, size, told};
use crate::auth::Identity;
use crate::domain::identity::{PersonId, Role};

/// Somebody who acts in the system. Names live with the accounts, never in the log.
#[derive(Debug, Clone, SimpleObject)]
pub struct Person {
    /// A stable opaque id.
    pub id: Uuid,
    /// The name, where the account has one.
    pub name: Option<String>,
}

impl Person {
    /// A person by id, with the name where it is known.
    pub(super) fn new(id: PersonId, name: Option<String>) -> Self {
        Self { id: id.0, name }
    }

    /// A person by id, with the name looked up.
    pub(super) async fn named(ctx: &Context<'_>, id: PersonId) -> Result<Self> {
        let (app, _) = asked(ctx)?;
        let name = app.names(&[id]).await.map_err(told)?.remove(&id);
        Ok(Self::new(id, name))
    }

    /// The same, where there is somebody.
    pub(super) async fn some_named(ctx: &Context<'_>, id: Option<PersonId>) -> Result<Option<Self>> {
        match id {
            Some(id) => Self::named(ctx, id).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Whom this request acts as.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct Me {
    /// The person.
    pub person: Person,
    /// In what capacity.
    pub role: Code<Role>,
    /// The partner acted for, in a partner’s role.
    pub partner_id: Option<Uuid>,
    /// The business date of today, in London.
    pub today: Date,
}

#[ComplexObject]
impl Me {
    /// When you last asked this in an earlier visit, for what has moved since; nothing on the first. A visit has ended
    /// when four hours have passed without this question.
    async fn last_here_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        let (app, _) = asked(ctx)?;
        app.here(PersonId(self.person.id)).await.map_err(told)
    }
}

/// Queries about people.
#[derive(Default)]
pub struct PeopleQueries;

#[Object]
impl PeopleQueries {
    /// Whom this request acts as.
    async fn me(&self, ctx: &Context<'_>) -> Result<Me> {
        let (app, who) = asked(ctx)?;
        let Identity { person, name, role, partner } = who.clone();
        Ok(Me {
            person: Person::new(person, Some(name)),
            role: Code(role),
            partner_id: partner.map(|partner| partner.0),
            today: Date(app.today()),
        })
    }

    /// People by a part of their name, to assign or to name. For staff.
    async fn people(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A part of the name.")] name: String,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Person>> {
        let (app, who) = asked(ctx)?;
        let limit = size(first)?;
        let found = app.people(who, &name, limit).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, name)| Person::new(id, Some(name))).collect())
    }
}
