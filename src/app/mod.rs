//! Running a command and reading a view: authority, the clock, and one decision at a time.

pub mod as_at;
pub mod authority;
pub mod consultations;
pub mod contacts;
pub mod courses;
pub mod delegations;
pub mod erasures;
mod failure;
pub mod feed;
pub mod funds;
pub mod grants;
pub mod history;
pub mod inclusion;
pub mod keeping;
pub mod laws;
pub mod ledger;
pub mod offers;
pub mod partners;
pub mod payments;
pub mod persons;
pub mod prescriptions;
pub mod programmes;
pub mod publications;
pub mod receipts;
pub mod referrals;
pub mod seals;
pub mod sessions;
pub mod sites;
pub mod thread;
pub mod waiting;
pub mod what_if;

use chrono::{DateTime, Datelike as _, Utc};
use futures_util::future::BoxFuture;
use uuid::Uuid;

pub use failure::{Failure, Problem};

use crate::auth::{Accounts, Identity};
use crate::domain::calendar::{Date, date_in_london, day};
use crate::domain::identity::{CommandId, Reference, ReferenceKind};
use crate::domain::{Aggregate, Reason, Refused};
use crate::store::Store;
use crate::store::append::Receipt;
use crate::store::log::Envelope;
use crate::store::vault::Vault;
use crate::store::work::Work;

/// The clock and the chance of the app, as parameters.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// What time it is.
    pub now: fn() -> DateTime<Utc>,
    /// A new id, for a command that came without one.
    pub id: fn() -> Uuid,
}

impl Surroundings {
    /// The machine’s own.
    #[expect(clippy::disallowed_methods, reason = "the one place where the app takes the clock and chance")]
    pub const SYSTEM: Self = Self { now: Utc::now, id: Uuid::now_v7 };
}

/// How a command is meant: what comes with every one of them.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// The command’s id; the same id again has its effect once.
    pub command: Option<Uuid>,
    /// The business date; today if not given.
    pub effective_on: Option<Date>,
    /// Why.
    pub reason: Option<Reason>,
    /// The version it was decided on.
    pub expected_version: Option<i64>,
}

/// A command that was carried out.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// What it was done to.
    pub id: Uuid,
    /// The command.
    pub command: CommandId,
    /// Where it stands in the log.
    pub receipt: Receipt,
    /// Whether it had been carried out before, and this is its first answer.
    pub repeated: bool,
}

/// The application: everything above it goes through here.
#[derive(Clone)]
pub struct App {
    store: Store,
    accounts: Accounts,
    vault: Vault,
    surroundings: Surroundings,
    day: Option<Date>,
}

/// A command on its way: who, how, when.
struct Order {
    envelope: Envelope,
    seen: Option<i64>,
}

impl App {
    /// The application over a store.
    #[must_use]
    pub const fn new(store: Store, accounts: Accounts, vault: Vault, surroundings: Surroundings) -> Self {
        Self { store, accounts, vault, surroundings, day: None }
    }

    /// The accounts, for people’s names.
    #[must_use]
    pub const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Whether the vault has its key.
    #[must_use]
    pub fn vault_is_open(&self) -> bool {
        self.vault.is_open()
    }

    /// The app as if its calendar stood at a day: for scenarios that play out over years. The time of recording stays
    /// that of the database.
    #[must_use]
    pub fn on_day(&self, day: Date) -> Self {
        Self { day: Some(day), ..self.clone() }
    }

    /// The business date of today.
    #[must_use]
    pub fn today(&self) -> Date {
        self.day.unwrap_or_else(|| date_in_london((self.surroundings.now)()))
    }

    /// The version of a stream: how many events it has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version<A: Aggregate>(&self, id: Uuid) -> Result<i64, Failure> {
        Ok(crate::projections::audit::version(self.store.pool(), A::TYPE, id).await?)
    }

    /// Check that somebody may give an order, and give it an id and a date.
    fn order(&self, who: &Identity, deed: &'static str, how: &How) -> Result<Order, Failure> {
        authority::may(who, deed)?;
        let today = self.today();
        let effective_on = how.effective_on.unwrap_or(today);
        if effective_on > today {
            return Err(Failure::refused(
                "effective.future",
                format!("{} lies ahead: a fact takes effect today or earlier.", day(effective_on)),
            ));
        }
        if effective_on < today && who.role.is_of_a_partner() {
            return Err(Failure::refused(
                "effective.not_by_partner",
                "What a partner does takes effect today: ask commissioning staff to record an earlier date.",
            ));
        }
        if effective_on < today && how.reason.is_none() {
            return Err(Failure::refused(
                "effective.reason_required",
                format!(
                    "Say why this takes effect on {}, before today: others must be able to see.",
                    day(effective_on)
                ),
            ));
        }
        let envelope = Envelope {
            command: CommandId(how.command.unwrap_or_else(self.surroundings.id)),
            actor: who.actor(),
            effective_on,
            today,
            reason: how.reason.clone(),
            correlation: None,
            causation: None,
        };
        Ok(Order { envelope, seen: how.expected_version })
    }

    /// Carry an order out: one decision, over one stream or several.
    async fn carry_out<A, P>(&self, order: Order, id: Uuid, plan: P) -> Result<Done, Failure>
    where
        A: Aggregate,
        P: for<'w> Fn(&'w mut Work) -> BoxFuture<'w, Result<(), Failure>> + Send + Sync,
    {
        self.carry_out_for::<A, (), P>(order, id, plan).await.map(|(done, _)| done)
    }

    /// Carry an order out whose plan has an answer: none where it was carried out before.
    async fn carry_out_for<A, T, P>(
        &self,
        order: Order,
        id: Uuid,
        plan: P,
    ) -> Result<(Done, Option<T>), Failure>
    where
        A: Aggregate,
        P: for<'w> Fn(&'w mut Work) -> BoxFuture<'w, Result<T, Failure>> + Send + Sync,
    {
        let command = order.envelope.command;
        match self.store.decide::<A, T, Failure, P>(order.envelope, id, order.seen, plan).await {
            Ok((answer, receipt)) => Ok((Done { id, command, receipt, repeated: false }, Some(answer))),
            Err(Failure::Repeated(receipt)) => Ok((Done { id, command, receipt, repeated: true }, None)),
            Err(other) => Err(other),
        }
    }

    /// Turn an order down before the record is asked, but for one that was carried out before: that has its first
    /// answer, whatever has become of it since.
    async fn turn_down<A: Aggregate>(
        &self,
        order: Order,
        id: Uuid,
        why: impl Into<Refused>,
    ) -> Result<Done, Failure> {
        let why: Refused = why.into();
        self.carry_out::<A, _>(order, id, move |_| {
            let why = why.clone();
            Box::pin(async move { Err(Failure::Refused(why)) })
        })
        .await
    }

    /// Ask one thing of one aggregate that exists.
    async fn ask<A: Aggregate>(
        &self,
        order: Order,
        id: impl Into<Uuid>,
        command: A::Command,
    ) -> Result<Done, Failure> {
        let id = id.into();
        self.carry_out::<A, _>(order, id, move |work| {
            let command = command.clone();
            Box::pin(async move {
                work.existing::<A>(id).await?;
                Ok(work.execute::<A>(id, command).await?)
            })
        })
        .await
    }

    /// The next human reference. Taken when the decision is being made, so that a repeated command takes none.
    async fn reference(&self, kind: ReferenceKind, work: &Work) -> Result<Reference, Failure> {
        Ok(self.store.next_reference(kind, work.circumstances().on.year()).await?)
    }
}
