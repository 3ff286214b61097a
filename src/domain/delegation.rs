//! Delegated authority: who may approve how much, for what, from when to when. One stream for each delegation, so that
//! an approval and the revocation of what it rests on cannot both happen at the same moment.

use serde::{Deserialize, Serialize};

use super::calendar::{Date, day};
use super::identity::{DelegationId, FundId, PersonId, ProgrammeId};
use super::money::Money;
use super::{Aggregate, Circumstances};

/// What an authority covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every grant.
    Everything,
    /// Grants from one fund.
    Fund(FundId),
    /// Grants of one programme.
    Programme(ProgrammeId),
}

impl Scope {
    /// Whether it covers a grant of a programme from a fund.
    #[must_use]
    pub fn covers(self, of: &Matter) -> bool {
        match self {
            Self::Everything => true,
            Self::Fund(fund) => fund == of.fund,
            Self::Programme(programme) => programme == of.programme,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Everything => "any grant",
            Self::Fund(_) => "grants from one fund",
            Self::Programme(_) => "grants of one programme",
        }
    }
}

/// What is to be decided: by whom, on what, on which day.
#[derive(Debug, Clone, Copy)]
pub struct Matter {
    /// Who decides.
    pub person: PersonId,
    /// The fund the money comes from.
    pub fund: FundId,
    /// The programme.
    pub programme: ProgrammeId,
    /// The day of deciding.
    pub today: Date,
}

events! {
    /// What can have happened to a delegation of authority.
    pub enum DelegationEvent in "authority" {
        /// Somebody was given authority to approve grants.
        "authority.granted", 1, reason => Granted {
            /// Who may approve.
            person: PersonId,
            /// What it covers.
            scope: Scope,
            /// The most that may be approved, GBP.
            limit: Money,
            /// The first day on which it is in force.
            from: Date,
            /// The last day on which it is in force.
            to: Date,
        },
        /// The authority was taken back: from now on nothing can be approved under it.
        "authority.revoked", 1, reason => Revoked {},
    }
}

impl DelegationEvent {
    fn told(&self) -> String {
        match self {
            Self::Granted { scope, limit, from, to, .. } => format!(
                "Authority was given to approve {} up to {limit}, from {} to {}.",
                scope.words(),
                day(*from),
                day(*to)
            ),
            Self::Revoked {} => "The authority was taken back.".into(),
        }
    }
}

/// What can be asked of a delegation.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of the events they lead to")]
pub enum DelegationCommand {
    Grant { person: PersonId, scope: Scope, limit: Money, from: Date, to: Date },
    Revoke,
}

refusals! {
    /// Why something asked of a delegation was turned down, or why it does not carry a decision.
    pub enum DelegationRefusal {
        "authority.unknown" => Unknown, "There is no delegation of authority with this id.";
        "authority.already_granted" => AlreadyGranted, "This authority is already given.";
        "authority.dates_reversed" => DatesReversed, "The authority ends before it begins: turn the dates round.";
        "authority.ended" => Ended { to: String }, "The authority would end on {to}, which has gone by: choose a later last day.";
        "authority.own" => Own, "Nobody gives authority to themselves, or takes their own back: somebody else must do this.";
        "authority.revoked" => Revoked, "This authority was taken back: nothing can be approved under it.";
        "authority.of_another" => OfAnother, "This authority was given to somebody else: use one of your own.";
        "authority.does_not_cover" => DoesNotCover, "This authority does not cover the fund and programme of this grant: use another, or ask somebody whose authority does.";
        "authority.not_in_force" => NotInForce { from: String, to: String }, "This authority is in force from {from} to {to}, and not today.";
        "authority.none" => NoneInForce, "You have no authority in force today for this fund and programme: ask finance to give it, or ask somebody who has it.";
    }
}

/// What was given to whom, until when.
#[derive(Debug, Clone)]
struct Terms {
    person: PersonId,
    scope: Scope,
    limit: Money,
    from: Date,
    to: Date,
}

/// A delegation as its history leaves it.
#[derive(Debug, Clone, Default)]
pub struct Delegation {
    terms: Option<Terms>,
    revoked: bool,
}

impl Delegation {
    /// The most that somebody may approve under it in this matter.
    ///
    /// # Errors
    /// Why it does not carry the decision: of somebody else, of another scope, not in force, taken back.
    pub fn limit(&self, of: &Matter) -> Result<Money, DelegationRefusal> {
        let terms = self.terms.as_ref().ok_or(DelegationRefusal::Unknown)?;
        if terms.person != of.person {
            return Err(DelegationRefusal::OfAnother);
        }
        if !terms.scope.covers(of) {
            return Err(DelegationRefusal::DoesNotCover);
        }
        if self.revoked {
            return Err(DelegationRefusal::Revoked);
        }
        if !(terms.from..=terms.to).contains(&of.today) {
            return Err(DelegationRefusal::NotInForce { from: day(terms.from), to: day(terms.to) });
        }
        Ok(terms.limit)
    }
}

/// Of the delegations somebody may hold, the one a decision rests on: that with the highest limit; of equal ones,
/// that with the smallest id, so that the same question always has the same answer.
///
/// # Errors
/// `authority.none` when none of them carries the decision.
pub fn strongest<'a>(
    held: impl IntoIterator<Item = (DelegationId, &'a Delegation)>,
    of: &Matter,
) -> Result<(DelegationId, Money), DelegationRefusal> {
    held.into_iter()
        .filter_map(|(id, one)| Some((id, one.limit(of).ok()?)))
        .max_by_key(|(id, limit)| (*limit, std::cmp::Reverse(*id)))
        .ok_or(DelegationRefusal::NoneInForce)
}

impl Aggregate for Delegation {
    const TYPE: &'static str = "authority";
    type Command = DelegationCommand;
    type Event = DelegationEvent;
    type Refusal = DelegationRefusal;

    fn decide(
        &self,
        command: DelegationCommand,
        at: &Circumstances,
    ) -> Result<Vec<DelegationEvent>, DelegationRefusal> {
        let event = match command {
            DelegationCommand::Grant { person, scope, limit, from, to } => {
                if self.terms.is_some() {
                    return Err(DelegationRefusal::AlreadyGranted);
                }
                if person == at.actor.person {
                    return Err(DelegationRefusal::Own);
                }
                if to < from {
                    return Err(DelegationRefusal::DatesReversed);
                }
                if to < at.today {
                    return Err(DelegationRefusal::Ended { to: day(to) });
                }
                DelegationEvent::Granted { person, scope, limit, from, to }
            }
            DelegationCommand::Revoke => {
                let terms = self.terms.as_ref().ok_or(DelegationRefusal::Unknown)?;
                if terms.person == at.actor.person {
                    return Err(DelegationRefusal::Own);
                }
                if self.revoked {
                    return Err(DelegationRefusal::Revoked);
                }
                DelegationEvent::Revoked {}
            }
        };
        Ok(vec![event])
    }

    fn evolve(&mut self, event: &DelegationEvent) {
        match event {
            DelegationEvent::Granted { person, scope, limit, from, to } => {
                let (person, scope, limit) = (*person, *scope, *limit);
                self.terms = Some(Terms { person, scope, limit, from: *from, to: *to });
            }
            DelegationEvent::Revoked {} => self.revoked = true,
        }
    }
}

#[cfg(test)]
mod tests;
