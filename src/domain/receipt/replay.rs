//! The guards themselves, run again: the command that the decision must have been, on what stood before it.

use std::collections::BTreeMap;

use super::around::{FundFacts, PartnerFacts};
use super::{Case, Rule};
use crate::domain::delegation::{Delegation, DelegationEvent, Matter};
use crate::domain::fund::{Fund, FundCommand, IntendedUse};
use crate::domain::grant::{
    ApprovalGround, AuthoritySource, AuthorityUsed, Change, CourseCommand, FirstApproval, Grant,
    GrantCommand, GrantEvent, MonitoringCommand, RunLine, VariationCommand,
};
use crate::domain::identity::{FundId, GrantId, PartnerId, RunId, VariationId};
use crate::domain::partner::{CheckKind, Partner, PartnerCommand, PartnerEvent, PartnerRefusal};
use crate::domain::payment_run::{PaymentRun, PaymentRunCommand, PaymentRunEvent, Persons, Unpayable};
use crate::domain::programme::{Programme, ProgrammeEvent, Rules, Track};
use crate::domain::record::{Fact, beside_money};
use crate::domain::{Aggregate, Circumstances, Refused, judge};

/// Whether the guards come to the same.
pub(super) fn rule(case: &Case<'_>) -> Rule {
    let (holds, found) = match again(case) {
        None => (false, "The record does not say who decided, so it cannot be decided again.".to_owned()),
        Some(Ok(facts)) if facts.contains(&case.decision.fact) => {
            (true, "Decided again on what stood before, it comes to the same.".to_owned())
        }
        Some(Ok(_)) => (false, "Decided again on what stood before, it comes to something else.".to_owned()),
        Some(Err(refused)) => (false, format!("Decided again, it is refused ({}): {refused}", refused.code)),
    };
    let says = "The program’s own guards, run again on what stood before, come to the same decision.";
    Rule::new("replayed", says, holds, found, [case.decision.index])
}

/// The facts that follow today; nothing where nobody is named as deciding.
fn again(case: &Case<'_>) -> Option<Result<Vec<Fact>, Refused>> {
    let decision = case.decision;
    let at = Circumstances {
        on: decision.on,
        today: decision.decided_on,
        actor: decision.actor?,
        reason: decision.reason.clone(),
    };
    let again = Again { case: *case, at };
    Some(match &decision.fact {
        Fact::Grant(event) => again.grant(event),
        Fact::Partner(event) => again.partner(event),
        Fact::PaymentRun(event) => again.run(event),
        Fact::Fund(_) | Fact::Programme(_) | Fact::Delegation(_) | beside_money!() => Ok(Vec::new()),
    })
}

struct Again<'a> {
    case: Case<'a>,
    at: Circumstances,
}

fn facts<E: Into<Fact>>(events: Vec<E>) -> Vec<Fact> {
    events.into_iter().map(Into::into).collect()
}

fn checks_of(rules: &Rules) -> Vec<CheckKind> {
    CheckKind::of_codes(&rules.required_checks).collect()
}

fn unforeseen() -> Refused {
    Refused { code: "grant.unknown", sentence: "This is not a decision that can be made again.".to_owned() }
}

impl Again<'_> {
    fn state_of_grant(&self, grant: GrantId) -> Grant {
        Grant::after(self.case.grant(grant).0.iter().map(|(_, event)| *event))
    }

    fn state_of_partner(&self, partner: PartnerId) -> Partner {
        Partner::after(PartnerFacts::of(&self.case, partner).events())
    }

    fn state_of_fund(&self, fund: FundId) -> Fund {
        Fund::after(FundFacts::of(&self.case, fund).events())
    }

    fn rules_of(&self, grant: &Grant) -> Result<Rules, Refused> {
        let events: Vec<&ProgrammeEvent> = self
            .case
            .before(grant.subject()?.programme)
            .into_iter()
            .filter_map(|entry| if let Fact::Programme(event) = &entry.fact { Some(event) } else { None })
            .collect();
        Ok(Programme::after(events).rules()?.clone())
    }

    /// The authority as it is found today: of the same delegation, with the limit that this has.
    fn authority(&self, grant: &Grant, used: &AuthorityUsed) -> Result<AuthorityUsed, Refused> {
        let AuthoritySource::Delegation(id) = used.source else { return Ok(used.clone()) };
        let events: Vec<&DelegationEvent> = self
            .case
            .before(id)
            .into_iter()
            .filter_map(|entry| if let Fact::Delegation(event) = &entry.fact { Some(event) } else { None })
            .collect();
        let case = grant.subject()?;
        let (person, today) = (self.at.actor.person, self.at.today);
        let matter = Matter { person, fund: case.fund, programme: case.programme, today };
        let limit = Delegation::after(events).limit(&matter)?;
        Ok(AuthorityUsed { source: used.source.clone(), limit })
    }

    fn grant(&self, event: &GrantEvent) -> Result<Vec<Fact>, Refused> {
        let grant = self.state_of_grant(GrantId(self.case.decision.stream));
        let command = if let GrantEvent::Approved { .. } | GrantEvent::FirstApprovalGiven { .. } = event {
            self.approval(&grant, event)?
        } else if let GrantEvent::VariationApproved { variation, authority, .. }
        | GrantEvent::VariationFirstApproved {
            variation,
            first: FirstApproval { authority, .. },
        } = event
        {
            self.variation(&grant, *variation, authority)?
        } else if let GrantEvent::ConditionWaived { condition, authority, .. } = event {
            let authority = self.authority(&grant, authority)?;
            GrantCommand::Steer(CourseCommand::WaiveCondition { condition: *condition, authority })
        } else if let GrantEvent::MonitoringReturnWaived { return_id, authority, .. } = event {
            let authority = self.authority(&grant, authority)?;
            GrantCommand::Monitor(MonitoringCommand::Waive { return_id: *return_id, authority })
        } else if let GrantEvent::InstalmentAuthorised { instalment, pay_on, .. } = event {
            let checks = checks_of(&self.rules_of(&grant)?);
            let payable = self.state_of_partner(grant.payee()?).payable(*pay_on, &checks)?;
            GrantCommand::AuthoriseInstalment {
                instalment: *instalment,
                pay_on: *pay_on,
                checks_valid_until: payable.checks_valid_until,
                bank_version: payable.bank_version,
            }
        } else if let GrantEvent::PaymentConfirmed { .. } = event {
            self.payment(&grant, event)?
        } else {
            return Ok(Vec::new());
        };
        let mut events = judge(&grant, command, &self.at)?;
        // The record did not always say who waived a return.
        if let GrantEvent::MonitoringReturnWaived { waived_by: None, .. } = event
            && let [GrantEvent::MonitoringReturnWaived { waived_by, .. }] = events.as_mut_slice()
        {
            *waived_by = None;
        }
        Ok(facts(events))
    }

    fn approval(&self, grant: &Grant, event: &GrantEvent) -> Result<GrantCommand, Refused> {
        let case = grant.subject()?;
        let rules = self.rules_of(grant)?;
        let partner = self.state_of_partner(case.partner);
        partner.approved()?;
        let id = GrantId(self.case.decision.stream);
        if partner.is_told_of_subsidy(id) {
            partner.may_be_subsidised(id, grant.recommended()?, self.at.today)?;
        }
        let fund = self.state_of_fund(case.fund);
        let reserved = fund.reserved_by_year(id, self.at.today)?;
        let ground = |authority: &AuthorityUsed| -> Result<ApprovalGround, Refused> {
            Ok(ApprovalGround {
                reserved,
                authority: self.authority(grant, authority)?,
                one_approver: rules.limits.one_approver,
                micro: rules.track == Track::Micro,
                scoring: rules.scoring,
            })
        };
        if let GrantEvent::Approved { authority, first: Some(_), .. } = event {
            return Ok(GrantCommand::ApproveSecond { ground: ground(authority)? });
        }
        if let GrantEvent::Approved { authority, instalments, terms_version, .. }
        | GrantEvent::FirstApprovalGiven { authority, instalments, terms_version, .. } = event
        {
            let (instalments, terms_version) = (instalments.clone(), terms_version.clone());
            return Ok(GrantCommand::Approve { instalments, terms_version, ground: ground(authority)? });
        }
        Err(unforeseen())
    }

    fn variation(
        &self,
        grant: &Grant,
        variation: VariationId,
        used: &AuthorityUsed,
    ) -> Result<GrantCommand, Refused> {
        let rules = self.rules_of(grant)?;
        let case = grant.case()?;
        let change = grant.asked(variation)?;
        let partner = self.state_of_partner(case.subject.partner);
        partner.approved()?;
        let id = GrantId(self.case.decision.stream);
        if let Some(whole) = change.raises_to().filter(|whole| partner.is_more_subsidy(id, *whole)) {
            partner.may_be_subsidised(id, whole, self.at.today)?;
        }
        let fund = self.state_of_fund(case.subject.fund);
        if let Change::End { to, .. } = change {
            let period = (case.period.0, *to);
            let (purpose, places) = (rules.purpose.clone(), case.places.clone());
            fund.allows(&IntendedUse { purpose, places, period })?;
        } else if let Change::Purpose { .. } = change {
            fund.allows_purpose(&rules.purpose)?;
        } else if let Change::Payee { to, .. } = change {
            self.state_of_partner(*to).payable(self.at.today, &checks_of(&rules))?;
        }
        let rising = !change.rises().is_empty();
        let reserved = if rising { fund.reserved_by_year(id, self.at.today)? } else { BTreeMap::new() };
        let authority = self.authority(grant, used)?;
        let one_approver = rules.limits.one_approver;
        Ok(GrantCommand::Vary(VariationCommand::Approve { variation, authority, one_approver, reserved }))
    }

    /// A payment, with the posting in the fund that goes with it.
    fn payment(&self, grant: &Grant, event: &GrantEvent) -> Result<GrantCommand, Refused> {
        let GrantEvent::PaymentConfirmed { instalment, amount, value_date, run, line } = event else {
            return Err(unforeseen());
        };
        let (instalment, amount, value_date) = (*instalment, *amount, *value_date);
        let year = grant.planned(instalment)?.year;
        let id = GrantId(self.case.decision.stream);
        let post = FundCommand::PostExpenditure { grant: id, instalment, year, amount, value_date };
        judge(&self.state_of_fund(grant.subject()?.fund), post, &self.at)?;
        Ok(match (run, line) {
            (Some(run), Some(line)) => {
                let line = RunLine { instalment, run: RunId(*run), line: *line };
                GrantCommand::ConfirmInRun { line, amount, value_date }
            }
            _ => GrantCommand::ConfirmPayment { instalment, amount, value_date },
        })
    }

    fn partner(&self, event: &PartnerEvent) -> Result<Vec<Fact>, Refused> {
        let command = if let PartnerEvent::Approved { next_review } = event {
            PartnerCommand::Approve { next_review: *next_review }
        } else if let PartnerEvent::CheckWaived { check, until } = event {
            PartnerCommand::WaiveCheck { check: *check, until: *until }
        } else {
            return Ok(Vec::new());
        };
        let partner = self.state_of_partner(PartnerId(self.case.decision.stream));
        judge(&partner, command, &self.at).map(facts)
    }

    fn run(&self, event: &PaymentRunEvent) -> Result<Vec<Fact>, Refused> {
        let id = RunId(self.case.decision.stream);
        let events: Vec<&PaymentRunEvent> = self
            .case
            .before(id)
            .into_iter()
            .filter_map(|entry| if let Fact::PaymentRun(event) = &entry.fact { Some(event) } else { None })
            .collect();
        let run = PaymentRun::after(events);
        let mut persons = Persons::default();
        for line in run.lines() {
            let grant = self.state_of_grant(line.grant);
            persons.deciders.extend(grant.deciders(line.instalment));
            persons.conflicted.extend(grant.conflicted());
        }
        let command = if let PaymentRunEvent::Released { .. } = event {
            PaymentRunCommand::Release { persons, unpayable: self.unpayable(id, &run)? }
        } else {
            PaymentRunCommand::Approve { persons }
        };
        judge(&run, command, &self.at).map(facts)
    }

    fn unpayable(&self, id: RunId, run: &PaymentRun) -> Result<Vec<Unpayable>, Refused> {
        let (_, pay_on) = run.opened()?;
        let mut found = Vec::new();
        for line in run.lines() {
            let grant = self.state_of_grant(line.grant);
            let checks = checks_of(&self.rules_of(&grant)?);
            let in_line = RunLine { instalment: line.instalment, run: id, line: line.number };
            let why = match (
                grant.payable_by(in_line),
                self.state_of_partner(line.partner).payable(pay_on, &checks),
            ) {
                (Err(refusal), _) => refusal.to_string(),
                (_, Err(refusal)) => refusal.to_string(),
                (Ok(()), Ok(now)) if now.bank_version != line.bank_version => {
                    PartnerRefusal::BankVersionUnknown { newest: now.bank_version }.to_string()
                }
                (Ok(()), Ok(_)) => continue,
            };
            found.push(Unpayable { line: line.number, why });
        }
        Ok(found)
    }
}
