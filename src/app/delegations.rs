//! Delegated authority: giving it, taking it back, looking it up, and finding what a decision rests on.

use uuid::Uuid;

use super::authority::may;
use super::{App, Done, Failure, How};
use crate::auth::Identity;
use crate::domain::calendar::Date;
use crate::domain::delegation::{Delegation, DelegationCommand, Matter, Scope, strongest};
use crate::domain::fund::Fund;
use crate::domain::grant::{AuthoritySource, AuthorityUsed};
use crate::domain::identity::{DelegationId, FundId, PersonId, ProgrammeId};
use crate::domain::money::Money;
use crate::domain::programme::Programme;
use crate::projections::delegations::{DelegationRecord, Filter, held_by, list};
use crate::projections::one;
use crate::store::work::Work;

/// Authority to be given.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of authority.granted")]
pub struct NewAuthority {
    pub person: PersonId,
    pub scope: Scope,
    pub limit: Money,
    pub from: Date,
    pub to: Date,
}

impl App {
    /// Give somebody authority to approve grants.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn grant_authority(
        &self,
        who: &Identity,
        how: &How,
        new: NewAuthority,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "grantAuthority", how)?;
        self.must_know(&[new.person]).await?;
        let id = order.envelope.command.makes("authority");
        self.carry_out::<Delegation, _>(order, id, move |work| {
            let NewAuthority { person, scope, limit, from, to } = new.clone();
            Box::pin(async move {
                match scope {
                    Scope::Everything => {}
                    Scope::Fund(fund) => drop(work.existing::<Fund>(fund).await?),
                    Scope::Programme(programme) => drop(work.existing::<Programme>(programme).await?),
                }
                let grant = DelegationCommand::Grant { person, scope, limit, from, to };
                Ok(work.execute::<Delegation>(id, grant).await?)
            })
        })
        .await
    }

    /// Take authority back. An approval that rests on it at the same moment is decided anew, and refused.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn revoke_authority(
        &self,
        who: &Identity,
        how: &How,
        authority: DelegationId,
    ) -> Result<Done, Failure> {
        let order = self.order(who, "revokeAuthority", how)?;
        self.ask::<Delegation>(order, authority, DelegationCommand::Revoke).await
    }

    /// What the person deciding may decide here: the delegation that was named, or of all they hold the one with the
    /// highest limit. Each stream that was looked at is read in the decision, so that none moves on unseen.
    pub(super) async fn authority(
        &self,
        work: &mut Work,
        named: Option<DelegationId>,
        (fund, programme): (FundId, ProgrammeId),
    ) -> Result<AuthorityUsed, Failure> {
        let at = work.circumstances();
        let matter = Matter { person: at.actor.person, fund, programme, today: at.today };
        let (id, limit) = if let Some(id) = named {
            (id, work.existing::<Delegation>(id).await?.limit(&matter)?)
        } else {
            let mut held = Vec::new();
            for id in held_by(self.store.pool(), matter.person).await? {
                held.push((id, work.existing::<Delegation>(id).await?));
            }
            strongest(held.iter().map(|(id, one)| (*id, &**one)), &matter)?
        };
        Ok(AuthorityUsed { source: AuthoritySource::Delegation(id), limit })
    }

    /// Delegations, of one person or all, in force on a day or at any time.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delegations(
        &self,
        who: &Identity,
        filter: Filter,
    ) -> Result<Vec<(Uuid, DelegationRecord)>, Failure> {
        may(who, "delegations")?;
        Ok(list(self.store.pool(), filter).await?)
    }

    /// One delegation, for what names it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delegation_named(&self, id: Uuid) -> Result<DelegationRecord, Failure> {
        one(self.store.pool(), id).await?.ok_or(Failure::NotFound("authority"))
    }
}
