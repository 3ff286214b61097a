//! What a provider's claims come to here: which roles somebody has, and for which partner.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::settings::SettingsProblem;
use crate::domain::identity::{PartnerId, Role};

/// What somebody may act as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Capacity {
    /// The role.
    pub role: Role,
    /// The partner they act for: always there in a partner's role, never in another.
    pub partner: Option<PartnerId>,
}

impl fmt::Display for Capacity {
    /// As a form sends it: `finance`, or `partner_admin 0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role.name())?;
        self.partner.map_or(Ok(()), |partner| write!(f, " {partner}"))
    }
}

/// Why an account cannot be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoCapacity {
    /// No claim stands for a role.
    #[error(
        "Your account is known, and it has no role in Side by Side. Ask whoever looks after accounts in your \
         organisation to give it one."
    )]
    NoRole,
    /// A partner's role without a partner.
    #[error(
        "Your account is that of a {}, and does not say for which partner. Ask whoever looks after accounts to enter \
         the partner's id.", .0.words()
    )]
    NoPartner(Role),
}

impl NoCapacity {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoRole => "sign_in.no_role",
            Self::NoPartner(_) => "sign_in.no_partner",
        }
    }
}

/// The rules by which claims stand for roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRules {
    roles: String,
    partner: String,
    words: BTreeMap<String, Role>,
}

impl Default for ClaimRules {
    /// The claims `roles` and `partner`; each role by its own name.
    fn default() -> Self {
        Self { roles: "roles".to_owned(), partner: "partner".to_owned(), words: BTreeMap::new() }
    }
}

impl ClaimRules {
    /// Rules that look at these claims. A dot leads into a claim that is an object: `realm_access.roles`.
    #[must_use]
    pub fn new(roles: String, partner: String) -> Self {
        Self { roles, partner, words: BTreeMap::new() }
    }

    /// With values that stand for roles, each as `value=role`. Once there is one, a role's own name stands for nothing.
    ///
    /// # Errors
    /// When one has another form, or names no role that an account can have.
    pub fn with_words<'w>(
        mut self,
        words: impl IntoIterator<Item = &'w str>,
    ) -> Result<Self, SettingsProblem> {
        for given in words {
            let read = given.rsplit_once('=').and_then(|(value, role)| {
                let role = role.trim().parse().ok().filter(|role| *role != Role::Public)?;
                Some((value.trim().to_owned(), role)).filter(|(value, _)| !value.is_empty())
            });
            let (value, role) = read.ok_or_else(|| SettingsProblem::NotARole { given: given.to_owned() })?;
            self.words.insert(value, role);
        }
        Ok(self)
    }

    /// Whether the claims say anything of roles.
    pub(super) fn are_told(&self, claims: &Map<String, Value>) -> bool {
        at(claims, &self.roles).is_some()
    }

    /// What the claims let somebody act as, in the order of the roles; never nothing.
    ///
    /// # Errors
    /// When that is nothing.
    pub(super) fn capacities(&self, claims: &Map<String, Value>) -> Result<Vec<Capacity>, NoCapacity> {
        let mut roles: Vec<Role> =
            texts(at(claims, &self.roles)).into_iter().filter_map(|word| self.role(word)).collect();
        roles.sort_unstable();
        roles.dedup();
        let mut partners: Vec<PartnerId> =
            texts(at(claims, &self.partner)).into_iter().filter_map(partner).collect();
        partners.sort_unstable();
        partners.dedup();
        let mut capacities = Vec::new();
        for role in &roles {
            if role.is_of_a_partner() {
                capacities.extend(partners.iter().map(|id| Capacity { role: *role, partner: Some(*id) }));
            } else {
                capacities.push(Capacity { role: *role, partner: None });
            }
        }
        match (capacities.is_empty(), roles.first()) {
            (false, _) => Ok(capacities),
            (true, Some(role)) => Err(NoCapacity::NoPartner(*role)),
            (true, None) => Err(NoCapacity::NoRole),
        }
    }

    fn role(&self, word: &str) -> Option<Role> {
        if self.words.is_empty() {
            return word.parse().ok().filter(|role| *role != Role::Public);
        }
        self.words.get(word).copied()
    }
}

/// A claim by its whole name, or by a way with dots into an object.
fn at<'c>(claims: &'c Map<String, Value>, way: &str) -> Option<&'c Value> {
    if let Some(claim) = claims.get(way) {
        return Some(claim);
    }
    let (first, rest) = way.split_once('.')?;
    at(claims.get(first)?.as_object()?, rest)
}

/// The texts of a claim: providers send one text, or a list.
fn texts(claim: Option<&Value>) -> Vec<&str> {
    match claim {
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        one => one.and_then(Value::as_str).into_iter().collect(),
    }
}

fn partner(word: &str) -> Option<PartnerId> {
    Uuid::try_parse(word.trim()).ok().filter(|id| !id.is_nil()).map(PartnerId)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PARTNER: &str = "0198c2f4-5b1e-7c3a-9d44-1f2e3a4b5c6d";

    fn told(rules: &ClaimRules, claims: Value) -> Result<Vec<String>, NoCapacity> {
        let claims = claims.as_object().cloned().unwrap_or_default();
        Ok(rules.capacities(&claims)?.iter().map(Capacity::to_string).collect())
    }

    #[test]
    fn a_role_goes_by_its_own_name() {
        let rules = ClaimRules::default();
        let two = json!({ "roles": ["finance", "commissioner", "finance", "domain-users", 7] });
        assert_eq!(told(&rules, two).unwrap(), ["commissioner", "finance"]);
        assert_eq!(told(&rules, json!({ "roles": "auditor" })).unwrap(), ["auditor"]);
    }

    #[test]
    fn nobody_gets_a_role_that_nobody_gave() {
        let rules = ClaimRules::default();
        for claims in [
            json!({}),
            json!({ "roles": [] }),
            json!({ "roles": ["public", "Finance", "boss"] }),
            json!({ "roles": { "finance": true } }),
            json!({ "role": "finance" }),
        ] {
            assert_eq!(told(&rules, claims.clone()), Err(NoCapacity::NoRole), "{claims}");
        }
    }

    #[test]
    fn a_partners_role_needs_its_partner() {
        let rules = ClaimRules::default();
        for claims in [
            json!({ "roles": ["partner_admin"] }),
            json!({ "roles": ["partner_admin"], "partner": "P-2026-0001" }),
            json!({ "roles": ["partner_admin"], "partner": "00000000-0000-0000-0000-000000000000" }),
        ] {
            let problem = told(&rules, claims).unwrap_err();
            assert_eq!(problem, NoCapacity::NoPartner(Role::PartnerAdmin));
            assert!(
                problem.to_string().contains("a partner administrator, and does not say for which partner")
            );
        }
        let claims = json!({ "roles": ["partner_worker", "advisor"], "partner": [PARTNER] });
        assert_eq!(
            told(&rules, claims).unwrap(),
            [format!("partner_worker {PARTNER}"), "advisor".to_owned()]
        );
        let claims = json!({ "roles": ["partner_worker", "advisor"] });
        assert_eq!(told(&rules, claims).unwrap(), ["advisor"], "the other role is good without");
    }

    #[test]
    fn other_words_and_other_claims_may_stand_for_roles() {
        let rules =
            ClaimRules::new("realm_access.roles".to_owned(), "https://example.org/partner".to_owned())
                .with_words(["SBS Commissioning=commissioner", "CN=Partners, OU=SBS=partner_admin"])
                .unwrap();
        let claims = json!({ "realm_access": { "roles": ["SBS Commissioning", "CN=Partners, OU=SBS", "finance"] },
                             "https://example.org/partner": PARTNER });
        assert_eq!(
            told(&rules, claims).unwrap(),
            ["commissioner".to_owned(), format!("partner_admin {PARTNER}")],
            "and a role's own name no longer does"
        );
    }

    #[test]
    fn a_word_for_no_role_is_refused() {
        for given in ["commissioner", "boss=chief", "everybody=public", "=finance"] {
            let problem = ClaimRules::default().with_words([given]).unwrap_err();
            assert_eq!(problem, SettingsProblem::NotARole { given: given.to_owned() });
        }
    }
}
