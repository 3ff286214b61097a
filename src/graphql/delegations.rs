//! Delegated authority on the wire: who may approve how much, for what, and when.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Date, Entered, Meant, Money, Person, Receipt, asked, size, told};
use crate::app::delegations::NewAuthority;
use crate::app::{Done, Failure};
use crate::domain::delegation::{Delegation as Aggregate, Scope};
use crate::domain::identity::{DelegationId, FundId, PersonId, ProgrammeId};
use crate::projections::delegations::{DelegationRecord, Filter};

/// Authority given to somebody to approve grants.
#[derive(Debug, Clone)]
pub struct Delegation {
    id: Uuid,
    record: DelegationRecord,
}

/// Authority given to somebody to approve grants.
#[Object]
impl Delegation {
    /// Its id: an approval names it.
    async fn id(&self) -> Uuid {
        self.id
    }
    /// Its version: how many events its stream has. Send it as `expectedVersion` to decide on what you saw.
    async fn version(&self, ctx: &Context<'_>) -> Result<i64> {
        asked(ctx)?.0.version::<Aggregate>(self.id).await.map_err(told)
    }
    /// Who may approve.
    async fn person(&self, ctx: &Context<'_>) -> Result<Person> {
        let (app, _) = asked(ctx)?;
        let person = self.record.person;
        let name = app.names(&[person]).await.map_err(told)?.remove(&person);
        Ok(Person::new(person, name))
    }
    /// The fund it is for; none where it covers every fund or one programme.
    async fn fund_id(&self) -> Option<Uuid> {
        match self.record.scope {
            Some(Scope::Fund(fund)) => Some(fund.0),
            Some(Scope::Everything | Scope::Programme(_)) | None => None,
        }
    }
    /// The programme it is for; none where it covers every programme or one fund.
    async fn programme_id(&self) -> Option<Uuid> {
        match self.record.scope {
            Some(Scope::Programme(programme)) => Some(programme.0),
            Some(Scope::Everything | Scope::Fund(_)) | None => None,
        }
    }
    /// The most that may be approved under it.
    async fn limit(&self) -> Option<Money> {
        self.record.limit.map(Money::from)
    }
    /// The first day on which it is in force.
    async fn from(&self) -> Date {
        Date(self.record.from)
    }
    /// The last day on which it is in force.
    async fn to(&self) -> Date {
        Date(self.record.to)
    }
    /// When it was taken back.
    async fn revoked_on(&self) -> Option<Date> {
        self.record.revoked_on.map(Date)
    }
}

/// Which delegations to list.
#[derive(Debug, Clone, Default, InputObject)]
pub struct DelegationFilter {
    /// Of this person.
    pub person_id: Option<Uuid>,
    /// In force on this day.
    pub in_force_on: Option<Date>,
}

/// Authority to be given.
#[derive(Debug, Clone, InputObject)]
pub struct GrantAuthorityInput {
    /// Who may approve.
    pub person_id: Uuid,
    /// For grants from this fund only.
    pub fund_id: Option<Uuid>,
    /// For grants of this programme only. Neither fund nor programme: for every grant.
    pub programme_id: Option<Uuid>,
    /// The most that may be approved.
    pub limit: Money,
    /// The first day on which it is in force.
    pub from: Date,
    /// The last day on which it is in force.
    pub to: Date,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

impl GrantAuthorityInput {
    fn read(self) -> Result<(Meant, NewAuthority), Failure> {
        let mut entered = Entered::default();
        let scope = match (self.fund_id, self.programme_id) {
            (None, None) => Scope::Everything,
            (Some(fund), None) => Scope::Fund(FundId(fund)),
            (None, Some(programme)) => Scope::Programme(ProgrammeId(programme)),
            (Some(_), Some(_)) => {
                return Err(Failure::refused(
                    "authority.one_scope",
                    "Name a fund or a programme, not both: a programme draws on one fund already.",
                ));
            }
        };
        let taken = entered.take("limit", self.limit.amount()).map(|limit| NewAuthority {
            person: PersonId(self.person_id),
            scope,
            limit,
            from: self.from.0,
            to: self.to.0,
        });
        Ok((self.meant, entered.all(taken)?))
    }
}

/// Authority to be taken back.
#[derive(Debug, Clone, InputObject)]
pub struct RevokeAuthorityInput {
    /// The delegation.
    pub authority_id: Uuid,
    /// How the command is meant.
    #[graphql(flatten)]
    pub meant: Meant,
}

/// What a command on delegated authority leads to.
#[derive(SimpleObject)]
pub struct DelegationPayload {
    /// Proof that it was carried out.
    pub receipt: Receipt,
    /// The delegation as it stands now.
    pub delegation: Delegation,
}

async fn payload(ctx: &Context<'_>, done: Result<Done, Failure>) -> Result<DelegationPayload> {
    let done = done.map_err(told)?;
    let (app, _) = asked(ctx)?;
    let record = app.delegation_named(done.id).await.map_err(told)?;
    Ok(DelegationPayload { receipt: done.into(), delegation: Delegation { id: done.id, record } })
}

/// Queries about delegated authority.
#[derive(Default)]
pub struct DelegationQueries;

#[Object]
impl DelegationQueries {
    /// Delegations of authority, by person and the day they begin.
    #[graphql(complexity = "first.unwrap_or(50) as usize * child_complexity")]
    async fn delegations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which; all if left out.")] filter: Option<DelegationFilter>,
        #[graphql(desc = "How many at most: 1 to 500; 50 if left out.")] first: Option<i32>,
    ) -> Result<Vec<Delegation>> {
        let (app, who) = asked(ctx)?;
        let DelegationFilter { person_id, in_force_on } = filter.unwrap_or_default();
        let filter =
            Filter { person: person_id, in_force_on: in_force_on.map(|date| date.0), limit: size(first)? };
        let found = app.delegations(who, filter).await.map_err(told)?;
        Ok(found.into_iter().map(|(id, record)| Delegation { id, record }).collect())
    }
}

/// Commands on delegated authority.
#[derive(Default)]
pub struct DelegationMutations;

#[Object]
impl DelegationMutations {
    /// Give somebody else authority to approve grants, up to a limit and until a day. Needs a reason.
    async fn grant_authority(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The authority.")] input: GrantAuthorityInput,
    ) -> Result<DelegationPayload> {
        let (app, who) = asked(ctx)?;
        let (meant, new) = input.read().map_err(told)?;
        let how = meant.how().map_err(told)?;
        payload(ctx, app.grant_authority(who, &how, new).await).await
    }

    /// Take authority back: from that moment nothing is approved under it. Needs a reason.
    async fn revoke_authority(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: RevokeAuthorityInput,
    ) -> Result<DelegationPayload> {
        let (app, who) = asked(ctx)?;
        let how = input.meant.how().map_err(told)?;
        payload(ctx, app.revoke_authority(who, &how, DelegationId(input.authority_id)).await).await
    }
}
