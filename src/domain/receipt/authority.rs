//! The authority a decision rests on, read from the stream of the delegation: whose, for what, how much, until when.

use rust_decimal::Decimal;

use super::around::Given;
use super::facts::Subject;
use super::{Case, Rule};
use crate::domain::calendar::{Date, day};
use crate::domain::delegation::Scope;
use crate::domain::grant::{AuthoritySource, AuthorityUsed};
use crate::domain::identity::PersonId;
use crate::domain::money::{Money, pounds};

/// The authority as the record has it: how much it allows, where from, and what to rely on.
pub(super) struct InForce {
    pub limit: Money,
    pub told: String,
    pub relied_on: Vec<i64>,
    /// Whether the decision names the limit that its authority had.
    pub as_named: bool,
}

/// The limit in force, as the delegation has it and not as the decision says.
pub(super) fn in_force(case: &Case<'_>, used: &AuthorityUsed) -> InForce {
    match &used.source {
        AuthoritySource::Words(words) => InForce {
            limit: used.limit,
            told: format!("limit {} under “{words}”, from before authority was delegated here", used.limit),
            relied_on: Vec::new(),
            as_named: true,
        },
        AuthoritySource::Delegation(id) => Given::of(case, *id).map_or_else(
            || InForce {
                limit: used.limit,
                told: format!("limit {} under an authority that is not on the record", used.limit),
                relied_on: Vec::new(),
                as_named: false,
            },
            |given| {
                let as_named = given.limit == used.limit;
                let named = if as_named {
                    String::new()
                } else {
                    format!(", which the decision gives as {}", used.limit)
                };
                InForce {
                    limit: given.limit,
                    told: format!("limit {} under authority of {}{named}", given.limit, day(given.on)),
                    relied_on: vec![given.index],
                    as_named,
                }
            },
        ),
    }
}

/// Whether a person held the authority on a day, for this fund and programme.
pub(super) fn held(
    case: &Case<'_>,
    used: &AuthorityUsed,
    (person, today): (PersonId, Date),
    subject: Option<Subject>,
) -> Vec<Rule> {
    let AuthoritySource::Delegation(id) = &used.source else {
        let says = "A decision rests on authority that was given to whoever decides.";
        let found = "It rests on what was in force before authority was delegated here.";
        return vec![Rule::new("authority.none", says, true, found, [])];
    };
    let Some(given) = Given::of(case, *id) else {
        let says = "The authority a decision rests on is on the record.";
        let found = "Nothing was recorded of it before the decision.";
        return vec![Rule::new("authority.unknown", says, false, found, [])];
    };
    let index = [given.index];
    let (from, to) = (day(given.from), day(given.to));
    let (covers, scope) = match (given.scope, subject) {
        (Scope::Everything, _) => (true, "It covers every grant."),
        (Scope::Fund(fund), Some(of)) if fund == of.fund => (true, "It covers the fund of this grant."),
        (Scope::Fund(_), _) => (false, "It covers grants of another fund."),
        (Scope::Programme(one), Some(of)) if one == of.programme => {
            (true, "It covers the programme of this grant.")
        }
        (Scope::Programme(_), _) => (false, "It covers grants of another programme."),
    };
    let own = given.person == person;
    let revoked = given.revoked.map_or_else(
        || "It had not been taken back.".to_owned(),
        |(on, _)| format!("It had been taken back on {}.", day(on)),
    );
    vec![
        Rule::new(
            "authority.of_another",
            "Nobody decides under the authority of somebody else.",
            own,
            if own { "It was given to whoever decided." } else { "It was given to somebody else." },
            index,
        ),
        Rule::new(
            "authority.does_not_cover",
            "The authority covers the fund and the programme of the grant.",
            covers,
            scope,
            index.into_iter().chain(subject.map(|subject| subject.index)),
        ),
        Rule::new(
            "authority.not_in_force",
            "The authority is in force on the day of deciding.",
            (given.from..=given.to).contains(&today),
            format!("In force from {from} to {to}; decided on {}.", day(today)),
            index,
        ),
        Rule::new(
            "authority.revoked",
            "The authority has not been taken back.",
            given.revoked.is_none(),
            revoked,
            index.into_iter().chain(given.revoked.map(|(_, index)| index)),
        ),
    ]
}

/// Whether an amount is within the limit, and alone within the programme's as well, where that counts.
pub(super) fn within(amount: Decimal, in_force: &InForce, also: &[i64]) -> Rule {
    Rule::new(
        "grant.exceeds_authority",
        "Nobody decides on more than their authority allows.",
        in_force.as_named && amount <= in_force.limit.pounds(),
        format!("{} asked, {}.", pounds(amount), in_force.told),
        in_force.relied_on.iter().chain(also).copied(),
    )
}
