//! Given, when, then: talks with people.

use uuid::Uuid;

use super::*;
use crate::domain::identity::OfferId;
use crate::domain::places::Area;
use crate::domain::vocabulary::AgeBand;
use crate::domain::{Event as _, Story, all_hold, all_reached, by, given, never_fails, someone};

const ADVISOR: u128 = 1;
const TODAY: &str = "2026-05-01";

fn id<Id: From<Uuid>>(number: u128) -> Id {
    Id::from(Uuid::from_u128(number))
}

fn talk() -> Talk {
    Talk {
        person: id(9),
        channel: Channel::InPerson,
        site: Some(id(5)),
        needs: [NeedCode::Warmth, NeedCode::Money].into(),
        profile: Profile {
            age_band: Some(AgeBand::From50To64),
            area: Some(Area::SeftonSouth),
            communities: [Community::Carers].into(),
        },
        referral: None,
        minutes: Minutes::From30To59,
    }
}

fn made() -> ContactEvent {
    let Talk { person: somebody, channel, site, needs, profile, referral, minutes } = talk();
    let advisor = someone(ADVISOR);
    ContactEvent::Made { person: somebody, channel, site, needs, profile, referral, minutes, advisor }
}

const LIBRARY: Signpost = Signpost::Service(Service::Library);

fn point(to: Signpost) -> ContactCommand {
    ContactCommand::GiveSignpost { to }
}

fn stories() -> Vec<Story<Contact>> {
    let one = |given, when, then| Story { given, when, at: by(ADVISOR, TODAY), then: vec![then] };
    vec![
        one(vec![], ContactCommand::Record(talk()), made()),
        one(vec![made()], point(LIBRARY), ContactEvent::SignpostGiven { to: LIBRARY }),
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
    let refused = |history: &[ContactEvent], command| {
        given::<Contact>(history).when(command, &by(ADVISOR, TODAY)).refused()
    };
    let with = |change: fn(&mut Talk)| {
        let mut talk = talk();
        change(&mut talk);
        refused(&[], ContactCommand::Record(talk))
    };
    let pointed = [made(), ContactEvent::SignpostGiven { to: LIBRARY }];
    let reached = [
        ("contact.unknown", refused(&[], point(LIBRARY))),
        ("contact.already_made", refused(&[made()], ContactCommand::Record(talk()))),
        ("contact.no_need", with(|talk| talk.needs.clear())),
        ("contact.online_at_site", with(|talk| talk.channel = Channel::Phone)),
        (
            "contact.everyone_is_no_community",
            with(|talk| _ = talk.profile.communities.insert(Community::Everyone)),
        ),
        ("contact.signpost_same", refused(&pointed, point(LIBRARY))),
    ];
    all_reached(ContactRefusal::CODES, &reached);
}

#[test]
fn prescriptions_find_the_talk_and_who_had_it() {
    let contact = Contact::after(&[made()]);
    assert_eq!((contact.talk(), contact.advisor()), (Ok(&talk()), someone(ADVISOR)));
    assert_eq!(Contact::default().talk(), Err(ContactRefusal::Unknown));
}

#[test]
fn what_is_told_names_nobody() {
    assert_eq!(
        made().sentence(),
        "A talk in person about money and benefits and a warm home, 30 to 59 minutes."
    );
    let offer = ContactEvent::SignpostGiven { to: Signpost::Offer(OfferId(Uuid::from_u128(3))) };
    assert_eq!(offer.sentence(), "The person was pointed to an offer of a partner.");
}
