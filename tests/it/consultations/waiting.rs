//! What waits after a consultation: words to check, needs to answer, promises that are due, feedback that is owed.

use super::*;

async fn kinds(hall: &Hall, who: &Identity, day: &str) -> Vec<String> {
    let document = "{ waitingOn(first: 500) { kind sentence } }";
    let answer = hall.world.ask_on(day, who, document, json!({})).await;
    let waits = answer.data()["waitingOn"].as_array().unwrap().clone();
    waits.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_step_of_a_consultation_waits_for_whoever_takes_it_next() {
    let hall = Hall::new().await;
    let of = hall.held(plan()).await;
    let voice = hall.voice(&of, "It is open to my diary, not to me.").await;
    assert_eq!(kinds(&hall, &hall.rosa, HELD).await, ["CONSULTATION_TO_WRITE_UP"], "not her own words");
    let both = ["CONSULTATION_TO_WRITE_UP", "VOICE_TO_CHECK"];
    assert_eq!(kinds(&hall, &hall.wilf, HELD).await, both);
    let check = json!({ "consultationId": of, "voiceId": voice, "namesNobody": true });
    hall.done(HELD, &hall.wilf, "checkVoice", check).await;

    let need = hall.need(&of, "Groups to walk into", None).await;
    hall.agreed(&of).await;
    assert_eq!(kinds(&hall, &hall.commissioner, HELD).await, ["NEED_UNANSWERED"]);
    hall.commitment(&of, &need).await;
    assert_eq!(kinds(&hall, &hall.commissioner, LATER).await, ["COMMITMENT_DUE"]);
    assert_eq!(kinds(&hall, &hall.rosa, LATER).await, ["FEEDBACK_OWED"]);
    hall.done(LATER, &hall.rosa, "giveFeedback", feedback(&of)).await;
    assert_eq!(kinds(&hall, &hall.rosa, LATER).await, [""; 0]);
    assert_eq!(kinds(&hall, &hall.auditor, LATER).await, [""; 0]);
}
