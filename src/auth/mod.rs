//! Who you are: the identity behind a request, the accounts that hold people's names, and signing in.
//!
//! [`SignIn`] is the one door. Where a provider is named (`provider`), people sign in there by OpenID Connect, their
//! sessions are in the database, and scripts bring the provider's tokens. Where none is, this is the development mode
//! (`development`): loopback only, one printed link, no password, sessions that end with the run.

mod accounts;
mod acting;
mod cookies;
mod development;
mod provider;
mod sessions;
mod sign_in;

use std::time::Instant;

use uuid::Uuid;

use crate::domain::identity::{Actor, PartnerId, PersonId};

pub use crate::domain::identity::Role;

pub use accounts::{Accounts, Name, NameProblem};
pub use acting::{Acting, ActingProblem};
pub use development::{Development, NotLoopback, is_local_host};
pub use provider::{
    Back, Capacity, ClaimRules, NoCapacity, Provider, Settings, SettingsProblem, TokenRefusal, place,
};
pub use sign_in::{Problem, SignIn, Use};

/// Who a request acts as. It travels with every GraphQL request, and authority is judged from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The person's stable opaque id; nil for somebody who has not signed in.
    pub person: PersonId,
    /// Their name, for showing; it is never stored with what they do.
    pub name: String,
    /// In what capacity they act.
    pub role: Role,
    /// The partner they act for: always there in a partner's role, never in another.
    pub partner: Option<PartnerId>,
}

impl Identity {
    /// Somebody who has not signed in: they may see the public directory.
    #[must_use]
    pub fn public() -> Self {
        Self {
            person: PersonId::default(),
            name: "Not signed in".to_owned(),
            role: Role::Public,
            partner: None,
        }
    }

    /// The person and role that decisions are recorded under.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        Actor { person: self.person, role: self.role }
    }

    /// Whether there is a person behind it.
    #[must_use]
    pub const fn is_signed_in(&self) -> bool {
        !self.person.0.is_nil()
    }
}

/// The clock and the chance that signing in needs, as parameters: tests and the seed bring their own.
#[derive(Debug, Clone, Copy)]
pub struct Chance {
    /// A moment that never runs backwards, for telling how long a session has been idle.
    pub now: fn() -> Instant,
    /// 256 bits nobody can guess.
    pub secret: fn() -> [u8; 32],
    /// A new person's id.
    pub id: fn() -> Uuid,
}

impl Chance {
    /// The machine's own clock and chance.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where signing in takes the clock and chance"
    )]
    pub const SYSTEM: Self = Self { now: Instant::now, secret: rand::random, id: Uuid::new_v4 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_in_particular_is_public() {
        let nobody = Identity::public();
        assert!(!nobody.is_signed_in());
        assert_eq!(nobody.actor(), Actor { person: PersonId(Uuid::nil()), role: Role::Public });
    }
}
