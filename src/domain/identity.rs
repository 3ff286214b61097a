//! Who and which: opaque ids, human references, roles, actors, hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Declare ids that cannot be mistaken for each other.
macro_rules! ids {
    ($( $(#[$meta:meta])* $Id:ident ),* $(,)?) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $Id(pub Uuid);

        impl fmt::Display for $Id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }

        impl From<Uuid> for $Id {
            fn from(id: Uuid) -> Self { Self(id) }
        }

        impl From<$Id> for Uuid {
            fn from(id: $Id) -> Self { id.0 }
        }
    )* };
}

ids! {
    /// A partner organisation.
    PartnerId,
    /// A fund.
    FundId,
    /// A programme: a round of micro-commissioning.
    ProgrammeId,
    /// A grant, from application to close.
    GrantId,
    /// One planned payment of a grant.
    InstalmentId,
    /// One condition that an instalment waits for.
    ConditionId,
    /// A delegation of authority to approve.
    DelegationId,
    /// A person who acts in the system: a stable opaque id. Names live with the accounts.
    PersonId,
    /// One transfer of budget between two funds.
    TransferId,
    /// One demand for money to be paid back.
    RecoveryId,
    /// One change asked for on a grant that runs.
    VariationId,
    /// One monitoring return of a grant.
    ReturnId,
    /// One payment run.
    RunId,
    /// A private person as the record knows them: random, never a name. Who it is stands in the vault alone.
    PersonRef,
    /// One referral of a person to us.
    ReferralId,
    /// One talk with a person.
    ContactId,
    /// Something a partner offers.
    OfferId,
    /// One social prescription.
    PrescriptionId,
    /// One record of answers to an outcome instrument.
    OutcomeId,
    /// A place where activity happens: a site, a partner's place, or a channel online.
    SiteId,
    /// A course.
    CourseId,
    /// One session of a course.
    SessionId,
    /// A document whose figures are on the record.
    PublicationId,
    /// One figure as a document states it.
    FigureId,
    /// One command: the same id again has its effect once.
    CommandId,
    /// A consultation: people were asked and listened to.
    ConsultationId,
    /// A need that was heard.
    NeedId,
    /// Somebody's own words, by a random id that says nothing else about them.
    VoiceId,
    /// Something that was promised about a need.
    CommitmentId,
    /// One change proposed on an offer.
    OfferChangeId,
    /// One report that an offer's entry is wrong.
    OfferReportId,
}

impl CommandId {
    /// The id of something this command makes. The same command makes the same ids however often it is sent,
    /// which is what lets a repeated command find its first answer.
    #[must_use]
    pub fn makes(self, what: &str) -> Uuid {
        Uuid::new_v5(&self.0, what.as_bytes())
    }
}

/// A short human reference, given once and never used again: `G-2026-0042`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reference(String);

impl Reference {
    /// The reference of the `number`th thing of a kind in a calendar year.
    #[must_use]
    pub fn new(kind: ReferenceKind, year: i32, number: u32) -> Self {
        Self(format!("{}-{year}-{number:04}", kind.letter()))
    }

    /// The reference as people quote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a human reference stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReferenceKind {
    /// A partner, `P-2026-0001`.
    Partner,
    /// A fund, `F-2026-0001`.
    Fund,
    /// A programme, `R-2026-0001` (a round: P is taken).
    Programme,
    /// A grant, `G-2026-0001`.
    Grant,
    /// A payment run, `B-2026-0001` (a batch: P and R are taken).
    PaymentRun,
    /// A consultation, `C-2026-0001`.
    Consultation,
    /// A need, `N-2026-0001`.
    Need,
    /// An offer, `O-2026-0001`.
    Offer,
}

impl ReferenceKind {
    /// The letter that begins its references.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Partner => 'P',
            Self::Fund => 'F',
            Self::Programme => 'R',
            Self::Grant => 'G',
            Self::PaymentRun => 'B',
            Self::Consultation => 'C',
            Self::Need => 'N',
            Self::Offer => 'O',
        }
    }
}

/// In what capacity somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Commissioning staff: runs funds, programmes and grant cases.
    Commissioner,
    /// Approves awards within delegated limits.
    Approver,
    /// Confirms payments and verifies bank details.
    Finance,
    /// Acts for one partner, its people and bank details included.
    PartnerAdmin,
    /// Acts for one partner in daily work.
    PartnerWorker,
    /// The community inclusion team.
    Inclusion,
    /// A pathways advisor or link worker.
    Advisor,
    /// Reads everything about money and decisions; changes nothing.
    Auditor,
    /// Anybody: the public directory only.
    Public,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 9] = [
        Self::Commissioner,
        Self::Approver,
        Self::Finance,
        Self::PartnerAdmin,
        Self::PartnerWorker,
        Self::Inclusion,
        Self::Advisor,
        Self::Auditor,
        Self::Public,
    ];

    /// Its stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commissioner => "commissioner",
            Self::Approver => "approver",
            Self::Finance => "finance",
            Self::PartnerAdmin => "partner_admin",
            Self::PartnerWorker => "partner_worker",
            Self::Inclusion => "inclusion",
            Self::Advisor => "advisor",
            Self::Auditor => "auditor",
            Self::Public => "public",
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Commissioner => "commissioner",
            Self::Approver => "approver",
            Self::Finance => "finance",
            Self::PartnerAdmin => "partner administrator",
            Self::PartnerWorker => "partner worker",
            Self::Inclusion => "community inclusion",
            Self::Advisor => "pathways advisor",
            Self::Auditor => "auditor",
            Self::Public => "public",
        }
    }

    /// Whether it acts for one partner and no other.
    #[must_use]
    pub const fn is_of_a_partner(self) -> bool {
        matches!(self, Self::PartnerAdmin | Self::PartnerWorker)
    }
}

impl FromStr for Role {
    type Err = RoleProblem;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(RoleProblem::Unknown)
    }
}

refusals! {
    /// Why a role could not be taken.
    pub enum RoleProblem {
        "role.unknown" => Unknown, "There is no such role.";
    }
}

/// Somebody acting in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub person: PersonId,
    /// In what capacity.
    pub role: Role,
}

/// A SHA-256, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

refusals! {
    /// Why a hash could not be taken.
    pub enum HashProblem {
        "hash.unreadable" => Unreadable, "Enter the SHA-256 of the document as 64 hexadecimal digits.";
    }
}

impl Hash {
    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Hash {
    type Err = HashProblem;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let digits = typed.trim().to_ascii_lowercase();
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(HashProblem::Unreadable);
        }
        Ok(Self(digits))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_read_well_on_the_phone() {
        assert_eq!(Reference::new(ReferenceKind::Grant, 2026, 42).as_str(), "G-2026-0042");
        assert_eq!(Reference::new(ReferenceKind::Programme, 2026, 12_345).as_str(), "R-2026-12345");
    }

    #[test]
    fn a_command_makes_the_same_ids_every_time() {
        let command = CommandId(Uuid::from_u128(7));
        assert_eq!(command.makes("grant"), command.makes("grant"));
        assert_ne!(command.makes("grant"), command.makes("partner"));
    }

    #[test]
    fn every_role_has_its_own_name() {
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>(), Ok(role));
        }
        assert!("super_user".parse::<Role>().is_err());
    }
}
