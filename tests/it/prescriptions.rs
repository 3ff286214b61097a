//! Social prescriptions through the API: a whole story, what is turned down and how, who sees what, and that two
//! processes never both make one.

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity};
use sidebyside::domain::contact::{Contact, ContactCommand, Minutes, Profile, Talk};
use sidebyside::domain::identity::{
    Actor, ContactId, OfferId, PartnerId, PersonId, PersonRef, Reference, ReferenceKind, ReferralId, Role,
};
use sidebyside::domain::offer::{Offer, OfferCommand, OfferContent};
use sidebyside::domain::person::{Details, FirstMeeting, Person, PersonCommand};
use sidebyside::domain::referral::{Received, Referral, ReferralCommand, ReferralSource, Urgency};
use sidebyside::domain::text::Text;
use sidebyside::domain::vocabulary::{Channel, NeedCode, SharedItem};
use sidebyside::domain::{Aggregate, Reason};
use sidebyside::graphql::api;
use sidebyside::projections;
use sidebyside::store::database::{APP, app_pool};
use sidebyside::store::log::Envelope;
use sidebyside::store::vault::{Kind, MasterKey, Vault};
use sidebyside::store::{Store, Trouble};
use uuid::Uuid;

use crate::api::Town;
use crate::store::all_is_well;
use crate::world::Answer;

const MADE: &str = "2026-05-01";
const LATER: &str = "2026-06-01";

/// Somebody else's decisions, recorded without the API, so that each test is about prescriptions.
async fn record<A: Aggregate>(store: &Store, by: u128, id: impl Into<Uuid>, commands: &[A::Command]) {
    let id = id.into();
    let on = MADE.parse().unwrap();
    let envelope = Envelope {
        command: Uuid::now_v7().into(),
        actor: Actor { person: PersonId(Uuid::from_u128(by)), role: Role::Commissioner },
        effective_on: on,
        today: on,
        reason: Some(Reason::new("For a test, all invented.").unwrap()),
        correlation: None,
        causation: None,
    };
    let commands = commands.to_vec();
    let plan = store.decide::<A, (), Trouble, _>(envelope, id, None, move |work| {
        let commands = commands.clone();
        Box::pin(async move {
            for command in commands {
                work.execute::<A>(id, command).await?;
            }
            Ok(())
        })
    });
    plan.await.unwrap();
}

/// What an offer says, as the sample of its event has it.
fn content() -> OfferContent {
    let sample = include_str!("../../fixtures/events/offer.drafted.v1.json");
    let whole: Value = serde_json::from_str(sample).unwrap();
    serde_json::from_value(whole["payload"]["offer.drafted"]["content"].clone()).unwrap()
}

/// A town with an advisor, a partner with people, an offer, and somebody who was talked to.
struct Clinic {
    town: Town,
    advisor: Identity,
    worker: Identity,
    partner: Value,
    person: PersonRef,
    contact: ContactId,
    offer: OfferId,
}

impl Clinic {
    async fn new() -> Self {
        let town = Town::new().await;
        let advisor = town.world.somebody("Jamie Advisor", Role::Advisor, None).await;
        let partner = town.approved_partner(1).await;
        let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
        let worker = town.world.somebody("Wil Worker", Role::PartnerWorker, Some(own)).await;
        let (person, contact) = somebody_talked_to(&town.world.store, 1).await;
        let offer = published_offer(&town.world.store, own, 1).await;
        Self { town, advisor, worker, partner, person, contact, offer }
    }

    fn own(&self) -> PartnerId {
        PartnerId(self.partner["id"].as_str().unwrap().parse().unwrap())
    }

    async fn agree(&self, items: &[SharedItem]) {
        let items = items.iter().copied().collect();
        let agree = PersonCommand::AgreeSharing { partner: self.own(), items };
        record::<Person>(&self.town.world.store, 1, self.person, &[agree]).await;
    }

    async fn ask(&self, who: &Identity, name: &str, input: Value) -> Answer {
        self.ask_on(MADE, who, name, input).await
    }

    async fn ask_on(&self, day: &str, who: &Identity, name: &str, mut input: Value) -> Answer {
        input.as_object_mut().unwrap().entry("reason").or_insert(json!("For a test, all invented."));
        let document = mutation(name);
        self.town.world.ask_on(day, who, &document, json!({ "input": input })).await
    }

    /// Do something that must succeed; the prescription as it stands then.
    async fn done(&self, day: &str, who: &Identity, name: &str, input: Value) -> Value {
        let answer = self.ask_on(day, who, name, input).await;
        answer.data()[name]["prescription"].clone()
    }

    /// Something that must be turned down with a code and a sentence, and leave nothing behind.
    async fn refused(&self, day: &str, who: &Identity, name: &str, input: Value, code: &str) -> String {
        let before = self.town.world.size().await;
        let answer = self.ask_on(day, who, name, input).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert!(sentence.ends_with('.') && sentence.len() > 10, "{sentence}");
        assert_eq!(self.town.world.size().await, before, "nothing is half done");
        sentence.to_owned()
    }

    fn to_make(&self) -> Value {
        json!({ "contactId": self.contact.0, "offerId": self.offer.0 })
    }

    async fn made(&self) -> Value {
        self.done(MADE, &self.advisor, "makePrescription", self.to_make()).await["id"].clone()
    }

    /// A prescription that was sent, the person having agreed to the name and what they need.
    async fn sent(&self) -> Value {
        self.agree(&[SharedItem::Name, SharedItem::Needs]).await;
        let id = self.made().await;
        self.done(MADE, &self.advisor, "sendPrescription", json!({ "prescriptionId": id })).await;
        id
    }

    async fn accepted(&self) -> Value {
        let id = self.sent().await;
        self.done(MADE, &self.worker, "acceptPrescription", json!({ "prescriptionId": id })).await;
        id
    }
}

fn mutation(name: &str) -> String {
    let (input, inside) = match name {
        "sendPrescription" | "acceptPrescription" | "recordUnanswered" | "startPrescription"
        | "closeInError" => ("PrescriptionInput".to_owned(), "prescription"),
        "offerPlace" => ("PrescriptionPlaceInput".to_owned(), "prescription"),
        other => {
            let (first, rest) = other.split_at(1);
            let inside = if other == "makePrescriptions" { "prescriptions" } else { "prescription" };
            (format!("{}{rest}Input", first.to_uppercase()), inside)
        }
    };
    format!(
        "mutation($input: {input}!) {{ {name}(input: $input) {{ receipt {{ index }} {inside} {{
            id status followsId followsBy passedOnToId madeAgainAsId outcomes {{ id corrected }} }} }} }}"
    )
}

async fn somebody_talked_to(store: &Store, number: u128) -> (PersonRef, ContactId) {
    let (person, contact) =
        (PersonRef(Uuid::from_u128(0x100 + number)), ContactId(Uuid::from_u128(0x200 + number)));
    let referral = ReferralId(Uuid::from_u128(0x300 + number));
    record::<Person>(store, 1, person, &[PersonCommand::Register { met: FirstMeeting::Referral }]).await;
    let received = Received {
        person,
        source: ReferralSource::GeneralPractice,
        reasons: [NeedCode::Loneliness].into(),
        urgency: Urgency::Routine,
        letter: None,
    };
    record::<Referral>(store, 1, referral, &[ReferralCommand::Receive(received)]).await;
    let talk = Talk {
        person,
        channel: Channel::Phone,
        site: None,
        needs: [NeedCode::Loneliness].into(),
        profile: Profile::default(),
        referral: Some(referral),
        minutes: Minutes::From30To59,
    };
    record::<Contact>(store, 1, contact, &[ContactCommand::Record(talk)]).await;
    (person, contact)
}

async fn published_offer(store: &Store, partner: PartnerId, number: u32) -> OfferId {
    let offer = OfferId(Uuid::from_u128(0x400 + u128::from(number)));
    let reference = Reference::new(ReferenceKind::Offer, 2026, 900 + number);
    let mut content = content();
    content.grants.clear();
    let written =
        [OfferCommand::Draft { reference, partner, content }, OfferCommand::Submit { content: None }];
    record::<Offer>(store, 1, offer, &written).await;
    let review_due = "2026-10-01".parse().unwrap();
    record::<Offer>(store, 2, offer, &[OfferCommand::Publish { review_due }]).await;
    offer
}

#[tokio::test]
async fn a_prescription_goes_from_a_talk_to_what_came_of_it() {
    let clinic = Clinic::new().await;
    let (advisor, worker) = (&clinic.advisor, &clinic.worker);
    let id = clinic.accepted().await;
    let of = |more: Value| {
        let mut input = json!({ "prescriptionId": id });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let answers = |moment: &str, scores: [i32; 3]| {
        let items = ["COMPANIONSHIP", "LEFT_OUT", "ISOLATED"];
        let answers: Vec<Value> =
            items.iter().zip(scores).map(|(item, score)| json!({ "item": item, "score": score })).collect();
        of(json!({ "instrument": "UCLA3", "moment": moment, "answers": answers }))
    };
    clinic.done(MADE, advisor, "recordOutcome", answers("BEFORE", [3, 3, 2])).await;
    let attempt = of(json!({ "means": "PHONE", "reached": true }));
    clinic.done(LATER, worker, "recordAttempt", attempt).await;
    clinic.done(LATER, worker, "offerPlace", of(json!({ "startsOn": "2026-06-02" }))).await;
    let came = of(json!({ "heldOn": LATER, "attendance": "ATTENDED_LATE" }));
    let started = clinic.done(LATER, worker, "recordAttendance", came).await;
    assert_eq!(started["status"], "STARTED", "who comes has started");
    let recorded = clinic.done(LATER, worker, "recordOutcome", answers("AFTER", [2, 1, 2])).await;
    let mut right = answers("AFTER", [1, 1, 2]);
    right["outcomeId"] = recorded["outcomes"][1]["id"].clone();
    let corrected = clinic.done(LATER, worker, "correctOutcome", right).await;
    let stands: Vec<&Value> =
        corrected["outcomes"].as_array().unwrap().iter().map(|one| &one["corrected"]).collect();
    assert_eq!(stands, [&json!(false), &json!(true), &json!(false)]);
    clinic.done(LATER, worker, "closePrescription", of(json!({ "why": "COMPLETED" }))).await;
    clinic.done(LATER, advisor, "tellReferrerOfPrescription", of(json!({ "means": "LETTER" }))).await;

    let document =
        "query($id: UUID!) { prescription(id: $id) { personRef status needs attended missed closingReason
        partner { name } offerVersion attempts { number means reached } sessions { heldOn attendance }
        changes { measure difference direction before { band } after { score band } }
        answers { askedBy scores { score } } referrerToldOn referrerToTell } }";
    let seen = clinic.town.world.ask(advisor, document, json!({ "id": id })).await;
    let seen = &seen.data()["prescription"];
    assert_eq!(seen["personRef"], json!(clinic.person.0));
    assert_eq!((&seen["status"], &seen["closingReason"]), (&json!("CLOSED"), &json!("COMPLETED")));
    assert_eq!(
        (&seen["attended"], &seen["missed"], &seen["offerVersion"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(
        seen["changes"],
        json!([{ "measure": "UCLA3_LONELINESS", "difference": -4, "direction": "BETTER",
            "before": { "band": "LONELY" }, "after": { "score": 4, "band": "NOT_LONELY" } }]),
        "the last answers that stand are compared"
    );
    assert_eq!((&seen["referrerToldOn"], &seen["referrerToTell"]), (&json!(LATER), &json!(false)));
    all_is_well(&clinic.town.world).await;
}

#[tokio::test]
async fn what_cannot_be_prescribed_is_turned_down_with_its_reason() {
    let clinic = Clinic::new().await;
    let (store, advisor) = (&clinic.town.world.store, &clinic.advisor);
    let make =
        async |code: &str| clinic.refused(MADE, advisor, "makePrescription", clinic.to_make(), code).await;
    let room = |open: u32| OfferCommand::StateCapacity { open, total: 8, as_of: MADE.parse().unwrap() };
    record::<Offer>(store, 1, clinic.offer, &[room(0)]).await;
    assert!(make("offer.full").await.contains("1 May 2026"));
    record::<Offer>(store, 1, clinic.offer, &[room(2), OfferCommand::Pause { back_on: None }]).await;
    make("offer.paused").await;
    record::<Offer>(store, 1, clinic.offer, &[OfferCommand::Resume]).await;

    let partner = json!({ "partnerId": clinic.partner["id"] });
    clinic.town.done(&clinic.town.people.approver, "suspendPartner", partner.clone()).await;
    make("partner.not_approved").await;
    clinic.town.done(&clinic.town.people.approver, "reinstatePartner", partner).await;

    let commissioner = &clinic.town.people.commissioner;
    let evidence = json!({ "title": "Policy", "sha256": "ab".repeat(32) });
    let check = json!({ "partnerId": clinic.partner["id"], "check": "SAFEGUARDING", "evidence": evidence });
    clinic.town.done(commissioner, "submitCheckEvidence", check).await;
    let pass =
        json!({ "partnerId": clinic.partner["id"], "check": "SAFEGUARDING", "validUntil": "2026-05-10" });
    clinic.town.done(commissioner, "passCheck", pass).await;
    let late = clinic
        .refused("2026-05-11", advisor, "makePrescription", clinic.to_make(), "partner.checks_missing")
        .await;
    assert!(late.contains("ran out on 10 May 2026"), "{late}");

    // What was made before is not sent to a partner whose check ran out, and a withdrawn offer takes nobody.
    let id = clinic.made().await;
    let send = json!({ "prescriptionId": id });
    clinic.refused(MADE, advisor, "sendPrescription", send.clone(), "prescription.sharing_not_agreed").await;
    clinic.agree(&[SharedItem::Name]).await;
    clinic.refused("2026-05-11", advisor, "sendPrescription", send.clone(), "partner.checks_missing").await;
    record::<Offer>(store, 1, clinic.offer, &[OfferCommand::Withdraw]).await;
    clinic.refused(MADE, advisor, "sendPrescription", send, "offer.withdrawn").await;
    let other = json!({ "contactId": clinic.contact.0, "offerId": clinic.offer.0 });
    clinic.refused(MADE, advisor, "makePrescription", other, "offer.withdrawn").await;
    let unknown = json!({ "contactId": clinic.contact.0, "offerId": Uuid::from_u128(404) });
    clinic.refused(MADE, advisor, "makePrescription", unknown, "not_found").await;
    let none = json!({ "contactId": clinic.contact.0, "prescriptions": [] });
    clinic.refused(MADE, advisor, "makePrescriptions", none, "prescription.none_named").await;
}

#[tokio::test]
async fn what_did_not_happen_is_not_recorded() {
    let clinic = Clinic::new().await;
    let worker = &clinic.worker;
    let id = clinic.accepted().await;
    let attend = |on: &str, how: &str| json!({ "prescriptionId": id, "heldOn": on, "attendance": how });
    let told = clinic
        .refused(MADE, worker, "recordAttendance", attend("2026-05-02", "ATTENDED"), "prescription.day_ahead")
        .await;
    assert_eq!(told, "2 May 2026 lies ahead: record what happened once it has.");
    let away = attend(MADE, "DID_NOT_ATTEND");
    clinic.refused(MADE, worker, "recordAttendance", away, "prescription.absence_incomplete").await;
    let answers = |instrument: &str, item: &str, score: i32| {
        json!({ "prescriptionId": id, "instrument": instrument, "moment": "AFTER",
            "answers": [{ "item": item, "score": score }] })
    };
    for (instrument, item, score, code) in [
        ("ONS4", "HAPPY", 11, "outcome.out_of_range"),
        ("ONS4", "ANXIOUS", -1, "outcome.out_of_range"),
        ("UCLA3", "ISOLATED", 4, "outcome.out_of_range"),
        ("OWN_GOAL", "GOAL", 3, "outcome.out_of_range"),
        ("UCLA3", "ISOLATED", 3, "outcome.item_missing"),
        ("ONS4", "GOAL", 1, "outcome.item_of_another"),
    ] {
        clinic.refused(MADE, worker, "recordOutcome", answers(instrument, item, score), code).await;
    }
    let told = clinic
        .refused(MADE, worker, "recordOutcome", answers("ONS4", "HAPPY", 11), "outcome.out_of_range")
        .await;
    assert_eq!(told, "The answer on happy yesterday is a whole number from 0 to 10: 11 is outside it.");
    let close = |why: &str| json!({ "prescriptionId": id, "why": why });
    clinic
        .refused(MADE, worker, "closePrescription", close("COMPLETED"), "prescription.never_attended")
        .await;
    for attempt in 0..3 {
        let told = clinic
            .refused(
                MADE,
                worker,
                "closePrescription",
                close("COULD_NOT_CONTACT"),
                "prescription.too_few_attempts",
            )
            .await;
        assert!(told.contains(&format!("in {attempt} of 3 attempts")), "{told}");
        let tried = json!({ "prescriptionId": id, "means": "PHONE", "reached": false });
        clinic.done(MADE, worker, "recordAttempt", tried).await;
    }
    clinic.done(MADE, worker, "closePrescription", close("COULD_NOT_CONTACT")).await;
}

#[tokio::test]
async fn silence_is_a_fact_of_its_own_once_two_weeks_are_over() {
    let clinic = Clinic::new().await;
    let advisor = &clinic.advisor;
    let id = clinic.sent().await;
    let silent = json!({ "prescriptionId": id });
    let told = clinic
        .refused("2026-05-15", advisor, "recordUnanswered", silent.clone(), "prescription.answer_not_due")
        .await;
    assert!(told.contains("15 May 2026"), "{told}");
    let late = "{ prescriptions(filter: { answerLate: true }) { nodes { id answerDue answerLate } } }";
    let nodes = async |day: &str| {
        let answer = clinic.town.world.ask_on(day, advisor, late, json!({})).await;
        answer.data()["prescriptions"]["nodes"].clone()
    };
    assert_eq!(nodes("2026-05-15").await, json!([]));
    let due = json!([{ "id": id, "answerDue": "2026-05-15", "answerLate": true }]);
    assert_eq!(nodes("2026-05-16").await, due);
    clinic.done("2026-05-16", advisor, "recordUnanswered", silent.clone()).await;
    assert_eq!(nodes("2026-05-16").await, json!([]), "it is recorded, and no longer late");
    let again = clinic.done("2026-05-17", advisor, "makePrescriptionAgain", silent).await;
    assert_eq!((&again["followsId"], &again["followsBy"]), (&id, &json!("MADE_AGAIN")));
    let before = clinic.town.world.ask(advisor, OUTLINE, json!({ "id": id })).await;
    let before = &before.data()["prescription"];
    assert_eq!((&before["status"], &before["closingReason"]), (&json!("CLOSED"), &json!("UNANSWERED")));
    assert_eq!(before["madeAgainAsId"], again["id"]);
}

const OUTLINE: &str =
    "query($id: UUID!) { prescription(id: $id) { status closingReason madeAgainAsId passedOnToId } }";

#[tokio::test]
async fn several_prescriptions_of_one_talk_are_made_together_and_passed_on_one_by_one() {
    let clinic = Clinic::new().await;
    let (store, advisor) = (&clinic.town.world.store, &clinic.advisor);
    let second = published_offer(store, clinic.own(), 2).await;
    let third = published_offer(store, clinic.own(), 3).await;
    let make = |offers: &[OfferId]| {
        let wanted: Vec<Value> = offers.iter().map(|offer| json!({ "offerId": offer.0 })).collect();
        json!({ "contactId": clinic.contact.0, "prescriptions": wanted })
    };
    let twice = make(&[clinic.offer, second, clinic.offer]);
    clinic.refused(MADE, advisor, "makePrescriptions", twice, "prescription.already_open").await;
    let answer = clinic.ask(advisor, "makePrescriptions", make(&[clinic.offer, second])).await;
    let made = answer.data()["makePrescriptions"]["prescriptions"].clone();
    assert_eq!(made.as_array().unwrap().len(), 2);
    clinic.refused(MADE, advisor, "makePrescription", clinic.to_make(), "prescription.already_open").await;

    let onward = |offer: OfferId| json!({ "prescriptionId": made[0]["id"], "offerId": offer.0 });
    clinic
        .refused(MADE, advisor, "passOnPrescription", onward(clinic.offer), "prescription.same_offer")
        .await;
    clinic.refused(MADE, advisor, "passOnPrescription", onward(second), "prescription.already_open").await;
    let next = clinic.done(MADE, advisor, "passOnPrescription", onward(third)).await;
    assert_eq!((&next["followsId"], &next["followsBy"]), (&made[0]["id"], &json!("PASSED_ON")));
    let seen = clinic.town.world.ask(advisor, OUTLINE, json!({ "id": made[0]["id"] })).await;
    assert_eq!(seen.data()["prescription"]["passedOnToId"], next["id"]);
    clinic.made().await;

    let wrong = json!({ "prescriptionId": next["id"] });
    clinic.done(MADE, advisor, "closeInError", wrong).await;
    let standings = "{ prescriptionStandings { status count } }";
    let counted = clinic.town.world.ask(&clinic.town.people.auditor, standings, json!({})).await;
    let wanted = json!([{ "status": "MADE", "count": 2 }, { "status": "PASSED_ON", "count": 1 }]);
    assert_eq!(counted.data()["prescriptionStandings"], wanted, "what was made in error is counted nowhere");
}

#[tokio::test]
async fn what_a_partner_takes_on_does_not_change_the_room_it_states() {
    let clinic = Clinic::new().await;
    let room = OfferCommand::StateCapacity { open: 1, total: 8, as_of: MADE.parse().unwrap() };
    record::<Offer>(&clinic.town.world.store, 1, clinic.offer, &[room]).await;
    clinic.accepted().await;
    let document = "query($id: UUID!) { offerPlaces(offerId: $id) { statedOpen statedTotal statedAsOf waitingForAnswer takenOn } }";
    let places = clinic.town.world.ask(&clinic.worker, document, json!({ "id": clinic.offer.0 })).await;
    let wanted =
        json!({ "statedOpen": 1, "statedTotal": 8, "statedAsOf": MADE, "waitingForAnswer": 0, "takenOn": 1 });
    assert_eq!(places.data()["offerPlaces"], wanted);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn a_partner_sees_what_was_sent_to_it_and_what_was_agreed_and_nothing_else() {
    let clinic = Clinic::new().await;
    let world = &clinic.town.world;
    let (_, other_contact) = somebody_talked_to(&world.store, 2).await;
    let unsent = json!({ "contactId": other_contact.0, "offerId": clinic.offer.0 });
    let unsent = clinic.done(MADE, &clinic.advisor, "makePrescription", unsent).await["id"].clone();
    let id = clinic.sent().await;
    let stranger = PartnerId(clinic.town.approved_partner(2).await["id"].as_str().unwrap().parse().unwrap());
    let stranger = world.somebody("Stu Stranger", Role::PartnerAdmin, Some(stranger)).await;
    let nothing = json!(Uuid::from_u128(404));
    let see = "query($id: UUID!) { prescriptionReceived(id: $id) { id } }".to_owned();
    let open =
        "mutation($id: UUID!) { openAgreedDetails(input: {prescriptionId: $id, why: \"To greet them.\"}) {
        details { item words } } }"
            .to_owned();
    let step = |name: &str, more: &str| {
        format!(
            "mutation($id: UUID!) {{ {name}(input: {{prescriptionId: $id{more}}}) {{ receipt {{ index }} }} }}"
        )
    };
    let documents = [
        see,
        open.clone(),
        step("acceptPrescription", ""),
        step("declinePrescription", ", why: NO_ROOM"),
        step("recordAttempt", ", means: PHONE, reached: true"),
        step("offerPlace", ""),
        step("recordWaiting", ""),
        step("startPrescription", ""),
        step("recordAttendance", ", heldOn: \"2026-05-01\", attendance: ATTENDED"),
        step("withdrawAttendance", ", heldOn: \"2026-05-01\""),
        step("closePrescription", ", why: MOVED_AWAY"),
        step("recordOutcome", ", instrument: ONS4, moment: AFTER, answers: [{item: HAPPY, score: 3}]"),
    ];
    for document in &documents {
        let unknown = world.ask(&stranger, document, json!({ "id": nothing })).await;
        assert_eq!(unknown.refusal(), ("not_found", "There is no prescription with this id."), "{document}");
        let theirs = world.ask(&stranger, document, json!({ "id": id })).await;
        assert_eq!(theirs.refusal(), unknown.refusal(), "{document}");
        let not_sent = world.ask(&clinic.worker, document, json!({ "id": unsent })).await;
        assert_eq!(not_sent.refusal(), unknown.refusal(), "{document}");
    }
    let places = "query($id: UUID!) { offerPlaces(offerId: $id) { takenOn } }";
    let theirs = world.ask(&stranger, places, json!({ "id": clinic.offer.0 })).await;
    assert_eq!(theirs.refusal(), world.ask(&stranger, places, json!({ "id": nothing })).await.refusal());
    for (who, count) in [(&stranger, 0), (&clinic.worker, 1)] {
        let inbox = world.ask(who, "{ prescriptionInbox { totalCount } }", json!({})).await;
        assert_eq!(inbox.data()["prescriptionInbox"]["totalCount"], count);
    }

    let vault = Vault::new(world.store.pool().clone(), Some(MasterKey::from_hex(&"5e".repeat(32)).unwrap()));
    let words = |written: &str| Text::new(written).unwrap();
    let details = Details {
        name: Text::new("Pat Nobody").unwrap(),
        phone: Some(Text::new("0151 496 0000").unwrap()),
        email: None,
        address: None,
        date_of_birth: None,
        nhs_number: None,
        notes: Some(words("A quiet corner.")),
    };
    let kept = vault.seal(clinic.person.0, Kind::PersonDetails, &details.to_vault()).await.unwrap();
    record::<Person>(&world.store, 1, clinic.person, &[PersonCommand::KeepDetails { details: kept }]).await;
    let seen = world.ask(&clinic.worker, &open, json!({ "id": id })).await;
    let agreed = json!([{ "item": "NAME", "words": "Pat Nobody" }]);
    assert_eq!(seen.data()["openAgreedDetails"]["details"], agreed, "the telephone number was not agreed to");
    let read: Vec<(Uuid, String, String)> = sqlx::query_as("SELECT person, role, why FROM vault.reading")
        .fetch_all(&world.owner().await)
        .await
        .unwrap();
    let wanted = (clinic.worker.person.0, "partner_worker".to_owned(), "To greet them.".to_owned());
    assert_eq!(read, [wanted], "each reading is on the record");

    let document = "query($id: UUID!) { prescriptionReceived(id: $id) { agreedItems needs } }";
    let before = world.ask(&clinic.worker, document, json!({ "id": id })).await;
    let wanted = json!({ "agreedItems": ["NAME", "NEEDS"], "needs": ["LONELINESS"] });
    assert_eq!(before.data()["prescriptionReceived"], wanted);
    let withdraw = PersonCommand::WithdrawSharing { partner: clinic.own() };
    record::<Person>(&world.store, 1, clinic.person, &[withdraw]).await;
    let after = world.ask(&clinic.worker, document, json!({ "id": id })).await;
    assert_eq!(after.data()["prescriptionReceived"], json!({ "agreedItems": [], "needs": null }));
    let shut = world.ask(&clinic.worker, &open, json!({ "id": id })).await;
    assert_eq!(shut.refusal().0, "prescription.nothing_shared");
}

#[tokio::test]
async fn those_who_see_no_person_have_no_field_to_ask_for_one() {
    let clinic = Clinic::new().await;
    clinic.accepted().await;
    let document = "query($name: String!) { __type(name: $name) { fields { name } } }";
    let fields = async |name: &str| {
        let answer =
            clinic.town.world.ask(&clinic.town.people.auditor, document, json!({ "name": name })).await;
        let fields = answer.data()["__type"]["fields"].as_array().unwrap().clone();
        fields.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (outline, received) = (fields("PrescriptionOutline").await, fields("PrescriptionReceived").await);
    for about_somebody in ["personRef", "contactId", "referralId", "needs", "answers", "changes", "sessions"]
    {
        assert!(!outline.contains(&about_somebody.to_owned()), "{about_somebody}");
        assert!(fields("Prescription").await.contains(&about_somebody.to_owned()), "{about_somebody}");
    }
    for about_somebody in ["personRef", "contactId", "referralId", "changes", "madeBy"] {
        assert!(!received.contains(&about_somebody.to_owned()), "{about_somebody}");
    }
    let listed = "{ prescriptionOutlines { totalCount nodes { status partner { name } } } }";
    for counted in [listed, "{ prescriptionStandings { count } }"] {
        let inclusion = clinic.town.world.ask(&clinic.town.people.assessor, counted, json!({})).await;
        assert_eq!(inclusion.refusal().0, "forbidden", "in bands only");
    }
    for who in [&clinic.town.people.auditor, &clinic.town.people.commissioner] {
        let seen = clinic.town.world.ask(who, listed, json!({})).await;
        assert_eq!(seen.data()["prescriptionOutlines"]["totalCount"], 1);
        let persons = clinic.town.world.ask(who, "{ prescriptions { totalCount } }", json!({})).await;
        assert_eq!(persons.refusal().0, "forbidden");
    }
}

#[tokio::test]
async fn instruments_say_their_bands_and_who_published_them() {
    let clinic = Clinic::new().await;
    let document = "{ outcomeInstruments { instrument version items { item wording least most }
        measures { measure lowerIsBetter bands { name from to } source { title address terms } } } }";
    let answer = clinic.town.world.ask(&Identity::public(), document, json!({})).await;
    let all = answer.data()["outcomeInstruments"].as_array().unwrap().clone();
    let names: Vec<&Value> = all.iter().map(|one| &one["instrument"]).collect();
    assert_eq!(names, ["ONS4", "UCLA3", "OWN_GOAL"]);
    let anxious = &all[0]["measures"][3];
    assert_eq!((&anxious["measure"], &anxious["lowerIsBetter"]), (&json!("ONS4_ANXIOUS"), &json!(true)));
    assert_eq!(anxious["bands"][3], json!({ "name": "HIGH", "from": 6, "to": 10 }));
    assert_eq!(all[1]["items"][0]["wording"], Value::Null, "the wording of the scale is its authors’");
    assert!(all[1]["measures"][0]["source"]["title"].as_str().unwrap().contains("Steptoe"));
}

/// A server of its own over the same database: its own memory, its own connections, its own committer.
async fn another_process(clinic: &Clinic) -> App {
    let pool = app_pool(&clinic.town.world.database.options_as(APP), 4).await.unwrap();
    let (vault, accounts) = (Vault::new(pool.clone(), None), Accounts::new(pool.clone(), Chance::SYSTEM));
    App::new(projections::open_store(pool), accounts, vault, Surroundings::SYSTEM)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_that_make_the_same_prescription_one_wins() {
    let clinic = Clinic::new().await;
    let (one, other) = (another_process(&clinic).await, another_process(&clinic).await);
    for round in 0..12_u128 {
        let (_, contact) = somebody_talked_to(&clinic.town.world.store, 50 + round).await;
        let race = |app: &App| {
            let mut input = json!({ "contactId": contact.0, "offerId": clinic.offer.0 });
            input["reason"] = json!("For a test, all invented.");
            let request = Request::new(mutation("makePrescription"))
                .variables(Variables::from_json(json!({ "input": input })))
                .data(clinic.advisor.clone());
            let server = api(app.on_day(MADE.parse().unwrap()));
            async move { Answer(serde_json::to_value(&server.execute(request).await).unwrap()) }
        };
        let answers = tokio::join!(race(&one), race(&other));
        let (won, lost) =
            if answers.0.0.get("errors").is_none() { (answers.0, answers.1) } else { (answers.1, answers.0) };
        assert_eq!(won.data()["makePrescription"]["prescription"]["status"], "MADE");
        assert_eq!(lost.refusal().0, "prescription.already_open");
    }
    let pairs: i64 = sqlx::query_scalar("SELECT count(*) FROM views.prescription")
        .fetch_one(&clinic.town.world.owner().await)
        .await
        .unwrap();
    assert_eq!(pairs, 12);
    all_is_well(&clinic.town.world).await;
}
