//! A town of two funds, three programmes and four grants, and the random histories it lives through. Decisions
//! that touch two streams are made as the app makes them: both or neither.

mod budgets;
mod courses;
mod payments;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::openings::{fund_opening, programme_opening};
use super::reckless::Guard;
use crate::domain::calendar::{Date, FinancialYear};
use crate::domain::fund::{
    Fund, FundCommand, GrantLink, IntendedUse, ReleaseCause, Transfer, YearFigures, YearShare,
};
use crate::domain::grant::{
    Application, ApprovalGround, AuthoritySource, AuthorityUsed, ConflictNature, CriterionResult, Grant,
    GrantCommand, GrantEvent, GrantStatus, Panel, PlannedInstalment, RecoveryGround, SignatoryRole,
};
use crate::domain::identity::{
    FundId, GrantId, Hash, ProgrammeId, RecoveryId, Reference, ReferenceKind, TransferId,
};
use crate::domain::laws::{Books, YearBook};
use crate::domain::money::Money;
use crate::domain::places::Area;
use crate::domain::postings::{Pot, postings};
use crate::domain::programme::{Programme, ProgrammeCommand, Rules};
use crate::domain::record::{Fact, beside_money};
use crate::domain::text::Text;
use crate::domain::{Aggregate, Circumstances, Refused, by, date, judge, someone, words};

pub const PARTNER: u128 = 1;
pub const PROPOSER: u128 = 2;
pub const ASSESSOR: u128 = 3;
pub const APPROVER: u128 = 4;
pub const FINANCE: u128 = 5;
pub const PAYER: u128 = 6;
pub const SECOND_APPROVER: u128 = 7;

const FIRST_DAY: &str = "2026-04-10";
pub(super) const FUNDS: u8 = 2;
const PROGRAMMES: u8 = 3;
const GRANTS: u8 = 4;

/// What is done in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Whatever brings the grant forward from where it stands.
    Next,
    Pay,
    Authorise,
    Approve,
    Recommend,
    Decline,
    Withdraw,
    DeclineOffer,
    Reduce,
    Allocate,
    Conflict,
    CloseProgramme,
    Wait,
    /// A payment comes back from the bank.
    Return,
    /// Money that was paid is asked back from the partner, comes, or is given up.
    Recover,
    /// A change is asked for or decided.
    Change,
    /// What will not be spent is declared or released.
    Cut,
    HoldUp,
    Terminate,
    Close,
    /// Budget goes to the other fund.
    Transfer,
    /// Budget goes to the next year.
    Carry,
    /// The first year is over: what is left of it is carried forward and it is closed.
    YearEnd,
}

/// How many times each deed comes up, among them all; shrinking leads to the first.
const DEEDS: [(Deed, usize); 23] = [
    (Deed::Next, 56),
    (Deed::Pay, 9),
    (Deed::Authorise, 6),
    (Deed::Approve, 3),
    (Deed::Recommend, 4),
    (Deed::Decline, 2),
    (Deed::Withdraw, 2),
    (Deed::DeclineOffer, 3),
    (Deed::Reduce, 3),
    (Deed::Allocate, 3),
    (Deed::Conflict, 1),
    (Deed::CloseProgramme, 1),
    (Deed::Wait, 2),
    (Deed::Return, 7),
    (Deed::Recover, 14),
    (Deed::Change, 6),
    (Deed::Cut, 2),
    (Deed::HoldUp, 1),
    (Deed::Terminate, 1),
    (Deed::Close, 2),
    (Deed::Transfer, 2),
    (Deed::Carry, 1),
    (Deed::YearEnd, 1),
];

/// One step of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub deed: Deed,
    /// On which grant, fund or programme.
    pub which: u8,
    /// What is odd about it; from 8 on, nothing is.
    pub twist: u8,
    /// How much, how many days, in what proportion.
    pub much: u16,
}

/// Random histories that shrink.
pub fn histories() -> impl Strategy<Value = Vec<Step>> {
    let deeds: Vec<Deed> =
        DEEDS.iter().flat_map(|(deed, times)| std::iter::repeat_n(*deed, *times)).collect();
    let step =
        (0..deeds.len(), 0..GRANTS, 0_u8..24, 1_u16..1000).prop_map(move |(deed, which, twist, much)| Step {
            deed: deeds[deed],
            which,
            twist: 23 - twist,
            much,
        });
    prop::collection::vec(step, 1..120)
}

/// Facts of one decision, each with its stream.
pub type Decision = Vec<(Uuid, Fact)>;

/// The aggregates as the app would hold them, and the books.
#[derive(Clone)]
pub struct Town {
    pub(super) today: Date,
    pub(super) off: &'static [Guard],
    pub(super) funds: BTreeMap<FundId, Fund>,
    programmes: BTreeMap<ProgrammeId, Programme>,
    pub(super) grants: BTreeMap<GrantId, Grant>,
    /// The cases under way. When one has ended, another takes its place.
    cases: Vec<GrantId>,
    pub(super) recommended: BTreeMap<GrantId, Money>,
    pub(super) plans: BTreeMap<GrantId, Vec<PlannedInstalment>>,
    /// How many times money was asked back; the demands are numbered.
    pub(super) demands: BTreeMap<GrantId, u128>,
    books: Books,
    /// What every posting has moved into and out of each pot.
    moved: BTreeMap<(FundId, FinancialYear, Pot), Decimal>,
}

pub(super) fn numbered<Id: From<Uuid>>(number: u8) -> Id {
    Id::from(Uuid::from_u128(u128::from(number) + 1))
}

pub(super) fn pence(pence: u32) -> Money {
    Money::new(Decimal::new(i64::from(pence), 2)).unwrap()
}

pub(super) fn years() -> [FinancialYear; 2] {
    [2026, 2027].map(|begins| FinancialYear::beginning(begins).unwrap())
}

fn scoring() -> BTreeSet<Text<40>> {
    BTreeSet::from([words("reach")])
}

fn facts<E: Into<Fact>>(stream: impl Into<Uuid>, events: Vec<E>) -> Decision {
    let stream = stream.into();
    events.into_iter().map(|event| (stream, event.into())).collect()
}

impl Town {
    /// The town on its first day, with some guards left out.
    pub fn without(off: &'static [Guard]) -> Self {
        let mut town = Self {
            today: date(FIRST_DAY),
            off,
            funds: (0..FUNDS).map(|number| (numbered(number), Fund::default())).collect(),
            programmes: (0..PROGRAMMES).map(|number| (numbered(number), Programme::default())).collect(),
            grants: (0..GRANTS).map(|number| (numbered(number), Grant::default())).collect(),
            cases: (0..GRANTS).map(numbered).collect(),
            recommended: BTreeMap::new(),
            plans: BTreeMap::new(),
            demands: BTreeMap::new(),
            books: Books::default(),
            moved: BTreeMap::new(),
        };
        for number in 0..FUNDS {
            let id: FundId = numbered(number);
            let open = FundCommand::Open(fund_opening(number));
            let opened = judge(&town.funds[&id], open, &by(PROPOSER, FIRST_DAY)).unwrap();
            town.record(&facts(id, opened));
            for (year, budget) in years().into_iter().zip([900_000, 400_000]) {
                let source = words("Invented minute 1");
                let allocate = FundCommand::AllocateBudget { amount: pence(budget), year, source };
                let allocated = judge(&town.funds[&id], allocate, &by(PROPOSER, FIRST_DAY)).unwrap();
                town.record(&facts(id, allocated));
            }
        }
        for number in 0..PROGRAMMES {
            let id: ProgrammeId = numbered(number);
            let open = ProgrammeCommand::Open(programme_opening(number));
            let opened = judge(&town.programmes[&id], open, &by(PROPOSER, FIRST_DAY)).unwrap();
            town.record(&facts(id, opened));
        }
        town
    }

    /// Do one deed: the facts recorded, or why not.
    pub fn take(&mut self, step: Step) -> Result<Decision, Refused> {
        let decision = self.decide(step)?;
        self.record(&decision);
        Ok(decision)
    }

    fn record(&mut self, decision: &Decision) {
        for (stream, fact) in decision {
            self.books.take(*stream, fact);
            match fact {
                Fact::Fund(event) => {
                    let id = FundId(*stream);
                    self.funds.get_mut(&id).unwrap().evolve(event);
                    for line in postings(event) {
                        let (from, to) = line.movement.way();
                        *self.moved.entry((id, line.year, from)).or_default() -= line.amount.pounds();
                        *self.moved.entry((id, line.year, to)).or_default() += line.amount.pounds();
                    }
                }
                Fact::Programme(event) => {
                    self.programmes.get_mut(&ProgrammeId(*stream)).unwrap().evolve(event);
                }
                Fact::Grant(event) => {
                    let id = GrantId(*stream);
                    self.grants.get_mut(&id).unwrap().evolve(event);
                    if let GrantEvent::Recommended { amount, .. } = event {
                        self.recommended.insert(id, *amount);
                    }
                    self.note(id, event);
                }
                Fact::Partner(_) | Fact::Delegation(_) | Fact::PaymentRun(_) | beside_money!() => {}
            }
        }
    }

    /// The laws that do not hold.
    pub fn broken(&self) -> impl Iterator<Item = &'static str> {
        self.books.breaches().into_iter().map(|breach| breach.law)
    }

    /// The books, the sums of the postings and the funds’ own figures say the same of whatever was just decided.
    pub fn agree(&self, decision: &Decision) -> Result<(), String> {
        let touched: BTreeSet<FundId> = decision
            .iter()
            .filter(|(_, fact)| matches!(fact, Fact::Fund(_)))
            .map(|(stream, _)| FundId(*stream))
            .collect();
        for id in touched {
            let (books, fund) = (&self.books.funds[&id].years, self.funds[&id].years());
            if !books.keys().eq(fund.keys()) {
                return Err(format!("the books of fund {id} know other years than the fund"));
            }
            for (year, YearBook { figures: of_books, .. }) in books {
                let moved = |pot| self.moved.get(&(id, *year, pot)).copied().unwrap_or_default();
                let of_fund = &fund[year];
                let outside = [Pot::Funder, Pot::OtherFund, Pot::OtherYear];
                let columns = [
                    ("budget", of_books.budget, -outside.map(moved).iter().sum::<Decimal>(), of_fund.budget),
                    ("available", of_books.available, moved(Pot::Available), of_fund.available()),
                    ("reserved", of_books.reserved, moved(Pot::Reserved), of_fund.reserved),
                    ("committed", of_books.committed, moved(Pot::Committed), of_fund.outstanding),
                    ("spent", of_books.spent(), moved(Pot::Spent), of_fund.spent()),
                ];
                for (pot, in_books, in_postings, in_fund) in columns {
                    if in_books != in_postings || in_books != in_fund {
                        return Err(format!(
                            "{pot}: books {in_books}, postings {in_postings}, fund {in_fund}"
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn at(&self, actor: u128) -> Circumstances {
        Circumstances { on: self.today, today: self.today, ..by(actor, FIRST_DAY) }
    }

    /// Who does it: usually the person whose job it is, now and then somebody else.
    fn who(&self, step: Step, usual: u128) -> Circumstances {
        self.at(if step.twist == 7 { ASSESSOR } else { usual })
    }

    fn rules(&self, id: GrantId) -> Result<&Rules, Refused> {
        Ok(self.programmes[&self.grants[&id].subject()?.programme].rules()?)
    }

    /// The fund a grant draws on, once there is an application.
    fn fund_of(&self, id: GrantId) -> Result<FundId, Refused> {
        Ok(self.grants[&id].subject()?.fund)
    }

    /// A decision on a grant alone.
    fn on_grant(&self, id: GrantId, command: GrantCommand, at: &Circumstances) -> Result<Decision, Refused> {
        Ok(facts(id, self.ask_grant(id, &self.grants[&id], command, at)?))
    }

    /// The case that stands in a place, or a new one where it has ended.
    fn case(&mut self, place: usize) -> GrantId {
        use GrantStatus::{Closed, Declined, Ineligible, Lapsed, Withdrawn};
        let status = self.grants[&self.cases[place]].status();
        if matches!(status, Ineligible | Declined | Withdrawn | Lapsed | Closed) {
            let id = GrantId(Uuid::from_u128(u128::try_from(self.grants.len()).unwrap() + 1));
            self.grants.insert(id, Grant::default());
            self.cases[place] = id;
        }
        self.cases[place]
    }

    fn decide(&mut self, step: Step) -> Result<Decision, Refused> {
        let id = self.case(usize::from(step.which));
        let at = |usual| self.who(step, usual);
        match self.fitting(id, step) {
            Deed::Next => self.next(id, step),
            Deed::Pay => self.pay(id, step),
            Deed::Authorise => self.authorise(id, step),
            Deed::Approve => self.approve(id, step),
            Deed::Recommend => self.recommend(id, step),
            Deed::Decline => {
                let command = GrantCommand::Decline { feedback: words("Not this time.") };
                self.end(id, command, ReleaseCause::Declined, &at(APPROVER))
            }
            Deed::Withdraw => self.end(id, GrantCommand::Withdraw, ReleaseCause::Withdrawn, &at(PARTNER)),
            Deed::DeclineOffer => self.end_offer(id, &at(PARTNER)),
            Deed::Reduce | Deed::Allocate => self.budget(step),
            Deed::Conflict => {
                let person = someone(u128::from(step.much % 7));
                let nature = ConflictNature::FamilyOrFriend;
                self.on_grant(id, GrantCommand::DeclareConflict { person, nature }, &at(PROPOSER))
            }
            Deed::CloseProgramme => {
                let id: ProgrammeId = numbered(step.which % PROGRAMMES);
                Ok(facts(id, judge(&self.programmes[&id], ProgrammeCommand::Close, &at(PROPOSER))?))
            }
            Deed::Wait => {
                self.today = self.today + chrono::Days::new(u64::from(step.much % 16));
                Ok(Vec::new())
            }
            Deed::Return => self.give_back(id, step),
            Deed::Recover => self.recover(id, step),
            Deed::Change => self.change(id, step),
            Deed::Cut => self.cut(id, step),
            Deed::HoldUp => self.hold_up(id, step),
            Deed::Terminate => self.terminate(id, step),
            Deed::Close => self.close(id, step),
            Deed::Transfer => self.transfer(step),
            Deed::Carry => self.carry(step),
            Deed::YearEnd => self.end_year(step),
        }
    }

    fn budget(&self, step: Step) -> Result<Decision, Refused> {
        let id: FundId = numbered(step.which % FUNDS);
        let year = years()[usize::from(step.twist % 2)];
        let source = words("Invented minute 2");
        let amount = pence(u32::from(step.much) * 1_499);
        let command = if step.deed == Deed::Allocate {
            FundCommand::AllocateBudget { amount, year, source }
        } else {
            FundCommand::ReduceBudget { amount, year, source }
        };
        Ok(facts(id, self.ask_fund(&self.funds[&id], command, &self.who(step, PROPOSER))?))
    }

    fn next(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let grant = &self.grants[&id];
        match grant.status() {
            GrantStatus::None => self.submit(id, step),
            GrantStatus::Submitted => {
                let results = vec![CriterionResult { criterion: words("local"), met: step.twist != 6 }];
                let criteria = self.rules(id)?.eligibility.clone();
                let command = GrantCommand::JudgeEligibility { results, criteria };
                self.on_grant(id, command, &self.who(step, PROPOSER))
            }
            GrantStatus::Assessing => {
                let assign = GrantCommand::AssignAssessor { assessor: someone(ASSESSOR), only_one: true };
                let score = GrantCommand::RecordScore {
                    criterion: words("reach"),
                    score: 4,
                    justification: words("Clear and well costed."),
                    criteria: scoring(),
                };
                self.on_grant(id, assign, &self.at(PROPOSER))
                    .or_else(|_| self.on_grant(id, score, &self.at(ASSESSOR)))
                    .or_else(|_| self.recommend(id, step))
            }
            GrantStatus::Recommended => self.approve(id, step),
            GrantStatus::Approved => {
                let accept_by = self.today + chrono::Days::new(14);
                let command =
                    GrantCommand::IssueOffer { terms_hash: Hash::of(b"terms"), accept_by, at_least: 14 };
                self.on_grant(id, command, &self.who(step, PROPOSER))
            }
            GrantStatus::Offered => {
                let (terms_hash, signatory_role) = (Hash::of(b"terms"), SignatoryRole::Chair);
                let command = GrantCommand::AcceptOffer { terms_hash, signatory_role };
                self.on_grant(id, command, &self.who(step, PARTNER))
            }
            GrantStatus::Active | GrantStatus::Closing => {
                self.authorise(id, step).or_else(|_| self.pay(id, step))
            }
            GrantStatus::Suspended => self.hold_up(id, step),
            GrantStatus::Terminated => self.close(id, step),
            GrantStatus::Interest
            | GrantStatus::Invited
            | GrantStatus::Proposed
            | GrantStatus::Ineligible
            | GrantStatus::Declined
            | GrantStatus::Withdrawn
            | GrantStatus::Lapsed
            | GrantStatus::Closed => self.on_grant(id, GrantCommand::Withdraw, &self.at(PARTNER)),
        }
    }

    fn submit(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let programme: ProgrammeId = numbered(step.which % PROGRAMMES);
        let requested = pence(25_000 + u32::from(step.much) * 397);
        let rules = self.programmes[&programme].takes(requested, self.today)?;
        let application = Application {
            reference: Reference::new(ReferenceKind::Grant, 2026, u32::from(step.which)),
            partner: numbered(step.which),
            programme,
            fund: rules.fund,
            title: words("Sunday lunches"),
            purpose: words("A hot lunch and company on Sundays."),
            requested,
            places: BTreeSet::from([Area::LiverpoolNorth]),
            starts_on: date("2026-06-01"),
            ends_on: date("2027-12-31"),
            needs: Vec::new(),
            delivery: Vec::new(),
            criteria_version: 1,
        };
        self.on_grant(id, GrantCommand::Submit(application), &self.at(PARTNER))
    }

    /// Reserves in the same decision; what an earlier recommendation held is voided first. The app refuses shares
    /// that do not come to the amount. The town takes them, so that the approval has to find out.
    fn recommend(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let case = self.grants[&id].case()?;
        let amount = if step.twist == 3 { pence(20_000) } else { case.requested };
        let (scoring, panel, quorum) = (scoring(), Panel::default(), Some(0));
        let command = GrantCommand::Recommend { amount, scoring, panel, quorum };
        let at = self.who(step, PROPOSER);
        let of_grant = self.on_grant(id, command, &at)?;
        let held = match step.twist {
            1 => Money::new(amount.pounds() - Decimal::ONE).unwrap(),
            2 => Money::new(amount.pounds() + Decimal::ONE).unwrap(),
            _ => amount,
        };
        let first = u32::from(step.much % 101);
        let split = held.split(&[first, 100 - first]);
        let shares: Vec<YearShare> = years()
            .into_iter()
            .zip(split)
            .filter_map(|(year, amount)| Some(YearShare { year, amount: amount? }))
            .collect();
        let (mut fund, mut decision) = (self.funds[&case.subject.fund].clone(), Decision::new());
        if fund.has_reservation(id) {
            let void = FundCommand::VoidReservation { grant: id, cause: ReleaseCause::RecommendationChanged };
            let voided = judge(&fund, void, &at)?;
            for event in &voided {
                fund.evolve(event);
            }
            decision.extend(facts(case.subject.fund, voided));
        }
        let reserve = self.reservation(id, shares)?;
        decision.extend(facts(case.subject.fund, self.ask_fund(&fund, reserve, &at)?));
        decision.extend(of_grant);
        Ok(decision)
    }

    /// Confirms in the same decision, unless it is the first of two approvals.
    fn approve(&self, id: GrantId, step: Step) -> Result<Decision, Refused> {
        let fund = self.fund_of(id)?;
        let reserved = self.funds[&fund].live_reservation(id, self.today)?;
        let rules = self.rules(id)?;
        let limit = pence(if step.twist == 5 { 30_000 } else { 410_000 });
        let ground = ApprovalGround {
            reserved: self.funds[&fund].reserved_by_year(id, self.today)?,
            authority: AuthorityUsed { source: AuthoritySource::Words(words("a delegation")), limit },
            one_approver: rules.limits.one_approver,
            micro: false,
            scoring: rules.scoring.clone(),
        };
        let (approve, at) = if self.grants[&id].awaits_second_approval() {
            (GrantCommand::ApproveSecond { ground }, self.who(step, SECOND_APPROVER))
        } else {
            let instalments = self.planned(id, reserved, step);
            let terms_version = words("2026-1");
            (GrantCommand::Approve { instalments, terms_version, ground }, self.who(step, APPROVER))
        };
        let mut decision = self.on_grant(id, approve, &at)?;
        if !decision.iter().any(|(_, fact)| matches!(fact, Fact::Grant(GrantEvent::Approved { .. }))) {
            return Ok(decision);
        }
        let confirm = FundCommand::ConfirmCommitment { grant: id };
        decision.extend(facts(fund, judge(&self.funds[&fund], confirm, &at)?));
        Ok(decision)
    }

    /// Each year’s share in one or two instalments, unless something is odd.
    fn planned(&self, id: GrantId, reserved: &[YearShare], step: Step) -> Vec<PlannedInstalment> {
        let mut amounts: Vec<YearShare> = Vec::new();
        for share in reserved {
            let parts = share.amount.split(if step.much.is_multiple_of(2) { &[1] } else { &[2, 1] });
            amounts.extend(parts.into_iter().flatten().map(|amount| YearShare { amount, ..*share }));
        }
        match step.twist {
            1 => amounts[0].amount = Money::new(amounts[0].amount.pounds() + Decimal::new(1, 2)).unwrap(),
            2 => amounts.iter_mut().for_each(|one| one.year = years()[usize::from(one.year == years()[0])]),
            4 => {
                let recommended = self.recommended.get(&id).copied();
                amounts =
                    vec![YearShare { year: years()[0], amount: recommended.unwrap_or_else(|| pence(1)) }];
            }
            _ => {}
        }
        let mut number = u128::from(step.which) * 100;
        let planned = |share: YearShare| {
            number += u128::from(step.twist != 6);
            PlannedInstalment {
                id: Uuid::from_u128(number).into(),
                amount: share.amount,
                due: self.today,
                year: share.year,
                conditions: Vec::new(),
            }
        };
        amounts.into_iter().map(planned).collect()
    }

    /// A decline or a withdrawal, with what was reserved set free in the same decision.
    fn end(
        &self,
        id: GrantId,
        command: GrantCommand,
        cause: ReleaseCause,
        at: &Circumstances,
    ) -> Result<Decision, Refused> {
        let mut decision = self.on_grant(id, command, at)?;
        let fund = self.fund_of(id)?;
        if self.funds[&fund].has_reservation(id) && !self.off.contains(&Guard::VoidWithDecline) {
            let void = FundCommand::VoidReservation { grant: id, cause };
            decision.extend(facts(fund, judge(&self.funds[&fund], void, at)?));
        }
        Ok(decision)
    }

    /// Declined, or found lapsed once its last day has gone by.
    fn end_offer(&self, id: GrantId, at: &Circumstances) -> Result<Decision, Refused> {
        let (mut decision, cause) = match self.on_grant(id, GrantCommand::LapseOffer, at) {
            Ok(lapsed) => (lapsed, ReleaseCause::OfferLapsed),
            Err(_) => (self.on_grant(id, GrantCommand::DeclineOffer, at)?, ReleaseCause::OfferDeclined),
        };
        if !self.off.contains(&Guard::ReleaseWithDeclinedOffer) {
            let fund = self.fund_of(id)?;
            let release = FundCommand::ReleaseCommitment { grant: id, cause };
            decision.extend(facts(fund, judge(&self.funds[&fund], release, at)?));
        }
        Ok(decision)
    }
}
