//! Given, when, then: referrals.

use uuid::Uuid;

use super::*;
use crate::domain::{Refused, Story, all_hold, all_reached, by, date, given, never_fails, someone};

const ADVISOR: u128 = 1;
/// The Thursday before Easter.
const TODAY: &str = "2026-04-02";

fn somebody() -> PersonRef {
    PersonRef(Uuid::from_u128(9))
}

fn needs() -> BTreeSet<NeedCode> {
    [NeedCode::Loneliness, NeedCode::Debt].into()
}

fn coming(source: ReferralSource) -> Received {
    Received { person: somebody(), source, reasons: needs(), urgency: Urgency::Soon, letter: None }
}

fn received(source: ReferralSource) -> ReferralEvent {
    ReferralEvent::Received {
        person: somebody(),
        source,
        reasons: needs(),
        urgency: Urgency::Soon,
        letter: None,
        triage_due: date("2026-04-08"),
    }
}

fn by_gp() -> ReferralEvent {
    received(ReferralSource::GeneralPractice)
}

fn triage(needs: BTreeSet<NeedCode>) -> ReferralCommand {
    ReferralCommand::Triage { urgency: Urgency::Urgent, needs, advisor: someone(ADVISOR) }
}

fn triaged() -> ReferralEvent {
    ReferralEvent::Triaged { urgency: Urgency::Urgent, needs: needs(), advisor: someone(ADVISOR) }
}

const ACCEPTED: ReferralEvent = ReferralEvent::Accepted {};
const TELL: ReferralCommand = ReferralCommand::TellReferrer { channel: TellingChannel::Letter };
const TOLD: ReferralEvent = ReferralEvent::ReferrerTold { channel: TellingChannel::Letter };
const DECLINE: ReferralCommand = ReferralCommand::Decline { ground: DeclineGround::PersonSaidNo };
const REDIRECT: ReferralCommand = ReferralCommand::Redirect { to: RedirectTarget::TalkingTherapies };

fn stories() -> Vec<Story<Referral>> {
    let one = |given, when, then| Story { given, when, at: by(ADVISOR, TODAY), then: vec![then] };
    vec![
        one(vec![], ReferralCommand::Receive(coming(ReferralSource::GeneralPractice)), by_gp()),
        one(vec![by_gp()], triage(needs()), triaged()),
        one(vec![by_gp(), triaged()], ReferralCommand::Accept, ACCEPTED),
        one(vec![by_gp()], DECLINE, ReferralEvent::Declined { ground: DeclineGround::PersonSaidNo }),
        one(
            vec![by_gp(), triaged()],
            REDIRECT,
            ReferralEvent::Redirected { to: RedirectTarget::TalkingTherapies },
        ),
        one(vec![by_gp(), triaged(), ACCEPTED], TELL, TOLD),
    ]
}

#[test]
fn every_command_is_recorded_as_its_facts() {
    all_hold(&stories());
}

#[test]
fn facts_in_any_order_are_taken_in() {
    never_fails(&stories());
}

#[test]
fn every_refusal_is_reached() {
    let refused = |history: &[ReferralEvent], command| {
        given::<Referral>(history).when(command, &by(ADVISOR, TODAY)).refused()
    };
    let carries_not = |history: &[ReferralEvent], number| {
        Refused::from(Referral::after(history).carries(PersonRef(Uuid::from_u128(number))).unwrap_err())
    };
    let by_themselves = received(ReferralSource::Themselves);
    let taken = [by_gp(), triaged(), ACCEPTED];
    let empty = Received { reasons: BTreeSet::new(), ..coming(ReferralSource::Family) };
    let reached = [
        ("referral.unknown", refused(&[], ReferralCommand::Accept)),
        ("referral.unknown", carries_not(&[], 9)),
        (
            "referral.already_received",
            refused(&[by_gp()], ReferralCommand::Receive(coming(ReferralSource::Vcse))),
        ),
        ("referral.no_reason", refused(&[], ReferralCommand::Receive(empty))),
        ("referral.no_reason", refused(&[by_gp()], triage(BTreeSet::new()))),
        ("referral.wrong_status", refused(&[by_gp()], ReferralCommand::Accept)),
        ("referral.wrong_status", refused(&taken, triage(needs()))),
        ("referral.wrong_status", refused(&taken, DECLINE)),
        ("referral.wrong_status", refused(&taken, REDIRECT)),
        ("referral.wrong_status", refused(&[by_gp(), triaged()], TELL)),
        ("referral.nobody_to_tell", refused(&[by_themselves, triaged(), ACCEPTED], TELL)),
        ("referral.already_told", refused(&[by_gp(), triaged(), ACCEPTED, TOLD], TELL)),
        ("referral.of_another", carries_not(&taken, 8)),
        ("referral.not_accepted", carries_not(&[by_gp(), triaged()], 9)),
    ];
    all_reached(ReferralRefusal::CODES, &reached);
    let early = refused(&[by_gp()], ReferralCommand::Accept);
    let says =
        "This referral is received; this can only be done with one that is looked at and not decided yet.";
    assert_eq!(early.sentence, says);
    assert_eq!(Referral::after(&taken).carries(somebody()), Ok(()));
}

#[test]
fn the_days_to_look_at_it_are_working_days() {
    // Good Friday to Easter Monday do not count.
    for (urgency, due) in
        [(Urgency::Urgent, "2026-04-07"), (Urgency::Soon, "2026-04-08"), (Urgency::Routine, "2026-04-13")]
    {
        assert_eq!(triage_due(date(TODAY), urgency), date(due), "{urgency:?}");
    }
}

#[test]
fn what_is_told_names_nobody() {
    let told: Vec<String> = [by_gp(), triaged(), TOLD].iter().map(crate::domain::Event::sentence).collect();
    assert_eq!(
        told,
        [
            "A person was referred by a GP practice or primary care network, for company and belonging and debt \
             (soon); to be looked at by 8 April 2026.",
            "The referral was looked at: company and belonging and debt (urgent).",
            "The referrer was told by letter what came of it.",
        ]
    );
}
