//! What if, on the wire: what another rule would have meant for the grants of the record.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use uuid::Uuid;

use super::{Code, Date, EffectKind, Money, asked, told};
use crate::app::Failure;
use crate::domain::money;
use crate::domain::what_if;

/// The rules to replay the record under, one at least; what is left out stays as it was.
#[derive(Debug, Clone, InputObject)]
pub struct WhatIfRules {
    /// Grants for which this much or less was asked go the micro track: one assessor, no panel, one approver.
    pub micro_limit: Option<Money>,
    /// The limit of every delegation of authority instead of its own, be that lower or higher.
    pub delegation_limit: Option<Money>,
    /// The most that one approver may award alone, in every programme.
    pub one_approver: Option<Money>,
    /// How many months a check holds at the most, from the day on which it was passed: 1 to 120.
    pub check_months: Option<i32>,
}

impl WhatIfRules {
    fn read(self) -> Result<what_if::WhatIfRules, money::MoneyProblem> {
        let amount = |typed: Option<Money>| typed.map(Money::amount).transpose();
        Ok(what_if::WhatIfRules {
            micro_limit: amount(self.micro_limit)?,
            delegation_limit: amount(self.delegation_limit)?,
            one_approver: amount(self.one_approver)?,
            // What lies below nothing is refused like nothing.
            check_months: self.check_months.map(|months| u32::try_from(months).unwrap_or_default()),
        })
    }
}

/// What another rule would have meant for a grant.
#[derive(Debug, Clone, SimpleObject)]
pub struct WhatIfEffect {
    /// The grant.
    pub grant_id: Uuid,
    /// The human reference of the grant.
    pub reference: String,
    /// What it would have meant.
    pub kind: Code<EffectKind>,
    /// Why, with the figures.
    pub why: String,
    /// The positions in the log of the facts it rests on.
    pub relied_on: Vec<i64>,
    /// The day of the step that would have gone otherwise.
    pub decided_on: Date,
}

/// What a replay came to. Nothing on the record was changed by it.
#[derive(Debug, Clone, SimpleObject)]
pub struct WhatIf {
    /// How many events were replayed.
    pub events: i64,
    /// How many grants with an application there are.
    pub grants: usize,
    /// How many of them would have gone as they did.
    pub unchanged: usize,
    /// What would have gone otherwise, by the reference of the grant and then by day.
    pub effects: Vec<WhatIfEffect>,
}

/// Queries about other rules.
#[derive(Default)]
pub struct WhatIfQueries;

#[Object]
impl WhatIfQueries {
    /// Replay the whole record under another rule: which grants would have been faster, blocked, or have needed a
    /// second signature. It changes nothing.
    #[graphql(complexity = 1000)]
    async fn what_if(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The rules that are changed.")] rules: WhatIfRules,
    ) -> Result<WhatIf> {
        let (app, who) = asked(ctx)?;
        let rules = rules.read().map_err(|problem| told(Failure::from(problem)))?;
        let outcome = app.what_if(who, rules).await.map_err(told)?;
        let effects = outcome.effects.into_iter().map(|effect| WhatIfEffect {
            grant_id: effect.grant.0,
            reference: effect.reference.to_string(),
            kind: Code(effect.kind),
            why: effect.why,
            relied_on: effect.relied_on,
            decided_on: Date(effect.decided_on),
        });
        Ok(WhatIf {
            events: outcome.events,
            grants: outcome.grants,
            unchanged: outcome.unchanged,
            effects: effects.collect(),
        })
    }
}
