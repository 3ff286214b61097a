//! Whom somebody chooses to act as: a name, a role and, in a partner's role, the partner.

use uuid::Uuid;

use super::{Name, NameProblem};
use crate::domain::identity::{PartnerId, Role};

/// A choice of whom to act as, read and found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// The person's name.
    pub name: Name,
    /// Their role.
    pub role: Role,
    /// The partner they act for: always there in a partner's role, never in another.
    pub partner: Option<PartnerId>,
}

/// Why a choice could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActingProblem {
    /// The name cannot be used.
    #[error(transparent)]
    Name(#[from] NameProblem),
    /// No such role.
    #[error("There is no such role. The roles are: {}.", role_names())]
    RoleUnknown,
    /// A partner's role without the partner.
    #[error("Say which partner: a {} acts for one partner. Give the partner's id.", .0.words())]
    PartnerRequired(Role),
    /// Something else than a partner's id.
    #[error("Give the partner's id in full, such as 0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d.")]
    PartnerUnreadable,
}

impl ActingProblem {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Name(problem) => problem.code(),
            Self::RoleUnknown => "acting.role_unknown",
            Self::PartnerRequired(_) => "acting.partner_required",
            Self::PartnerUnreadable => "acting.partner_unreadable",
        }
    }
}

fn role_names() -> String {
    Role::ALL.map(Role::name).join(", ")
}

impl Acting {
    /// Read a choice as typed. A partner named beside a role that acts for none is left out.
    ///
    /// # Errors
    /// When the name or the role cannot be used, or a partner's role comes without its partner.
    pub fn typed(role: &str, name: &str, partner: &str) -> Result<Self, ActingProblem> {
        let role: Role = role.trim().parse().map_err(|_| ActingProblem::RoleUnknown)?;
        let name = Name::new(name)?;
        let partner = if role.is_of_a_partner() { Some(read_partner(role, partner)?) } else { None };
        Ok(Self { name, role, partner })
    }
}

fn read_partner(role: Role, typed: &str) -> Result<PartnerId, ActingProblem> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(ActingProblem::PartnerRequired(role));
    }
    match Uuid::try_parse(typed) {
        Ok(id) if !id.is_nil() => Ok(PartnerId(id)),
        _ => Err(ActingProblem::PartnerUnreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTNER: &str = "0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d";

    #[test]
    fn a_partners_role_needs_its_partner() {
        let problem = Acting::typed("partner_admin", "Amina", " ").unwrap_err();
        assert_eq!(problem, ActingProblem::PartnerRequired(Role::PartnerAdmin));
        assert!(problem.to_string().starts_with("Say which partner: a partner administrator acts for"));
        assert_eq!(
            Acting::typed("partner_worker", "Amina", "P-2026-0001"),
            Err(ActingProblem::PartnerUnreadable)
        );
        let acting = Acting::typed("partner_worker", "Amina", PARTNER).unwrap();
        assert_eq!(acting.partner.map(|partner| partner.to_string()).as_deref(), Some(PARTNER));
    }

    #[test]
    fn other_roles_act_for_no_partner() {
        assert_eq!(Acting::typed("finance", "Amina", PARTNER).unwrap().partner, None);
    }

    #[test]
    fn an_unknown_role_is_told_the_roles() {
        let problem = Acting::typed("super_user", "Amina", "").unwrap_err();
        assert_eq!(problem.code(), "acting.role_unknown");
        assert!(problem.to_string().contains("commissioner, approver, finance"), "{problem}");
    }
}
