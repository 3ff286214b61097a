//! How grants are decided: delegated authority, the routes in, panels, two approvers, the micro track, the clock.

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};
use uuid::Uuid;

use crate::api::{People, Town, application, approval, recommendation};

/// A programme of £250 to £9,000 where one approver may award £1,000 alone.
async fn programme(town: &Town, route: &str) -> Value {
    let (fund, _) = town.fund_and_programme().await;
    let input = json!({
        "name": "Larger sparks", "fundId": fund["id"], "purpose": "belonging", "track": "SMALL", "route": route,
        "limits": { "least": "250.00", "most": "9000.00", "oneApprover": "1000.00", "reservationDays": 60, "targetWorkingDays": 10 },
        "opensOn": "2026-04-01", "closesOn": "2199-01-01",
        "eligibility": [{ "code": "local", "question": "Is the work local?" }],
        "scoring": [{ "code": "reach", "question": "Whom does it reach?" }]
    });
    town.done(&town.people.commissioner, "openProgramme", input).await
}

/// A recommended grant of a programme with two approvers above £1,000, and the programme.
async fn recommended(town: &Town, amount: &str) -> Value {
    let partner = town.approved_partner(1).await;
    let programme = programme(town, "OPEN_CALL").await;
    let grant = town.scored_grant(&partner, &programme, amount).await;
    town.done(&town.people.commissioner, "recommendGrant", recommendation(&grant, amount)).await
}

async fn admin_of(town: &Town, partner: &Value) -> Identity {
    let own = PartnerId(partner["id"].as_str().unwrap().parse().unwrap());
    town.world.somebody("Pat Partner", Role::PartnerAdmin, Some(own)).await
}

async fn approver(town: &Town, name: &str, limit: &str) -> Identity {
    let who = town.world.somebody(name, Role::Approver, None).await;
    town.world.give_authority(&who, limit).await;
    who
}

async fn seen(town: &Town, grant: &Value, fields: &str) -> Value {
    let document = format!("query($id: UUID!) {{ grant(id: $id) {{ {fields} }} }}");
    let answer = town.world.ask(&town.people.auditor, &document, json!({ "id": grant["id"] })).await;
    answer.data()["grant"].clone()
}

fn of(grant: &Value) -> Value {
    json!({ "grantId": grant["id"] })
}

fn offer(grant: &Value, accept_by: &str) -> Value {
    json!({ "grantId": grant["id"], "termsHash": "cd".repeat(32), "acceptBy": accept_by })
}

async fn laws_hold(town: &Town) {
    let answer = town.world.ask(&town.people.auditor, "{ laws { holds } }", json!({})).await;
    assert_eq!(answer.data()["laws"]["holds"], true);
}

#[tokio::test]
async fn a_micro_grant_goes_from_one_page_to_the_payment_with_four_people() {
    let town = Town::new().await;
    let People { commissioner, second, approver, finance, assessor, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme_on("MICRO").await;
    let admin = admin_of(&town, &partner).await;
    let grant = town.done(&admin, "submitApplication", application(&partner, &programme, "900.00")).await;
    let id = &grant["id"];
    let results = json!([{ "criterion": "local", "met": true }]);
    town.done(commissioner, "judgeEligibility", json!({ "grantId": id, "results": results })).await;
    let assign = |who: &Identity| json!({ "grantId": id, "assessorId": who.person.0 });
    town.done(commissioner, "assignAssessor", assign(assessor)).await;
    town.refused(commissioner, "assignAssessor", assign(second), "grant.micro_one_assessor").await;
    let score =
        json!({ "grantId": id, "criterion": "reach", "score": 4, "justification": "Many people nearby." });
    town.done(assessor, "recordScore", score).await;
    let mut with_panel = recommendation(&grant, "900.00");
    with_panel["presentIds"] = json!([second.person.0]);
    town.refused(commissioner, "recommendGrant", with_panel, "grant.micro_no_panel").await;
    town.done(commissioner, "recommendGrant", recommendation(&grant, "900.00")).await;
    let halves = approval(&grant, &[("450.00", "2026-06-01"), ("450.00", "2026-07-01")]);
    town.refused(approver, "approveGrant", halves, "grant.micro_one_instalment").await;
    let plan = json!({ "grantId": id, "instalments": [{ "amount": "900.00", "due": "2026-06-01" }], "termsVersion": "1" });
    let approved = town.done(approver, "approveGrant", plan).await;
    town.done(commissioner, "issueOffer", offer(&grant, "2026-05-31")).await;
    let accept = json!({ "grantId": id, "termsHash": "cd".repeat(32), "signatoryRole": "CHAIR" });
    town.done(&admin, "acceptOffer", accept).await;
    let instalment = &approved["instalments"][0]["id"];
    let pay = json!({ "grantId": id, "instalmentId": instalment, "payOn": "2026-06-01" });
    town.done(commissioner, "authoriseInstalment", pay).await;
    let paid = json!({ "grantId": id, "instalmentId": instalment, "amount": "900.00", "valueDate": "2026-06-01", "on": "2026-06-01" });
    town.done(finance, "confirmPayment", paid).await;
    assert_eq!(town.figures(json!({})).await["paid"], "900.00");
    laws_hold(&town).await;
}

#[tokio::test]
async fn above_what_one_may_award_a_second_approver_decides_and_only_then_is_money_committed() {
    let town = Town::new().await;
    let People { commissioner, approver: first, assessor, .. } = &town.people;
    let grant = recommended(&town, "2500.00").await;
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "2500.00", "due": "2026-06-01" }], "termsVersion": "1" });
    let low = approver(&town, "Lou Lower", "2499.99").await;
    let other = approver(&town, "Oda Other", "2500.00").await;
    town.refused(&other, "giveSecondApproval", of(&grant), "grant.no_first_approval").await;
    let given = town.done(first, "approveGrant", plan.clone()).await;
    assert_eq!(given["status"], "RECOMMENDED");
    let figures = town.figures(json!({})).await;
    assert_eq!((&figures["reserved"], &figures["committed"]), (&json!("2500.00"), &json!("0.00")));
    laws_hold(&town).await;
    let waiting =
        seen(&town, &grant, "firstApproval { amount first { limit approver { name } } } award { limit }")
            .await;
    assert_eq!(waiting["firstApproval"]["first"]["approver"]["name"], "Ben Approver");
    assert_eq!((&waiting["firstApproval"]["amount"], &waiting["award"]), (&json!("2500.00"), &Value::Null));

    town.refused(&other, "approveGrant", plan.clone(), "grant.first_approval_stands").await;
    town.refused(first, "giveSecondApproval", of(&grant), "grant.same_approver").await;
    let told = town.refused(&low, "giveSecondApproval", of(&grant), "grant.exceeds_authority").await;
    assert!(told.contains("£2,499.99"), "{told}");
    for who in [commissioner, assessor] {
        let through_a_second_role = Identity { role: Role::Approver, ..who.clone() };
        town.world.give_authority(&through_a_second_role, "9000.00").await;
        let code = if who.person == assessor.person { "approver_assessed" } else { "approver_proposed" };
        let code = format!("grant.{code}");
        town.refused(&through_a_second_role, "giveSecondApproval", of(&grant), &code).await;
    }
    let approved = town.done(&other, "giveSecondApproval", of(&grant)).await;
    assert_eq!(approved["status"], "APPROVED");
    assert_eq!(approved["instalments"].as_array().unwrap().len(), 1);
    let figures = town.figures(json!({})).await;
    assert_eq!((&figures["reserved"], &figures["committed"]), (&json!("0.00"), &json!("2500.00")));
    let award =
        seen(&town, &grant, "firstApproval { amount } award { approver { name } limit authorityId firstApproval { limit authorityId approver { name } } }")
            .await;
    assert_eq!(award["award"]["approver"]["name"], "Oda Other");
    assert_eq!((&award["award"]["limit"], &award["firstApproval"]), (&json!("2500.00"), &Value::Null));
    assert_eq!(award["award"]["firstApproval"]["approver"]["name"], "Ben Approver");
    assert!(
        award["award"]["authorityId"].is_string()
            && award["award"]["firstApproval"]["authorityId"].is_string()
    );
    laws_hold(&town).await;
}

#[tokio::test]
async fn a_first_approval_falls_with_a_new_recommendation_or_an_interest_and_the_grant_can_be_declined() {
    let town = Town::new().await;
    let People { commissioner, approver: first, .. } = &town.people;
    let grant = recommended(&town, "2500.00").await;
    let plan = |amount: &str| json!({ "grantId": grant["id"], "instalments": [{ "amount": amount, "due": "2026-06-01" }], "termsVersion": "1" });
    let other = approver(&town, "Oda Other", "9000.00").await;
    town.done(first, "approveGrant", plan("2500.00")).await;
    town.done(commissioner, "recommendGrant", recommendation(&grant, "2400.00")).await;
    town.refused(&other, "giveSecondApproval", of(&grant), "grant.no_first_approval").await;
    town.done(first, "approveGrant", plan("2400.00")).await;
    let conflict = json!({ "grantId": grant["id"], "nature": "FAMILY_OR_FRIEND" });
    town.done(first, "declareConflict", conflict).await;
    town.refused(&other, "giveSecondApproval", of(&grant), "grant.no_first_approval").await;
    town.done(&other, "approveGrant", plan("2400.00")).await;
    let feedback = json!({ "grantId": grant["id"], "feedback": "Others reached more people for less." });
    let third = town.world.somebody("Tea Third", Role::Approver, None).await;
    let declined = town.done(&third, "declineGrant", feedback).await;
    assert_eq!(declined["status"], "DECLINED");
    assert_eq!(town.figures(json!({})).await["available"], "10000.00");
    laws_hold(&town).await;
}

#[tokio::test]
async fn authority_counts_while_it_is_in_force_for_what_it_covers_and_nobody_gives_it_to_themselves() {
    let town = Town::new().await;
    let People { finance, auditor, .. } = &town.people;
    let grant = recommended(&town, "800.00").await;
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "800.00", "due": "2026-06-01" }], "termsVersion": "1" });
    let who = town.world.somebody("Uma Undersign", Role::Approver, None).await;
    let authority =
        |to: &str| json!({ "personId": who.person.0, "limit": "5000.00", "from": "2026-04-01", "to": to });
    let mut own = authority("2027-03-31");
    own["personId"] = json!(finance.person.0);
    town.refused(finance, "grantAuthority", own, "authority.own").await;
    let mut nobody = authority("2027-03-31");
    nobody["personId"] = json!(Uuid::from_u128(9));
    let told = town.refused(finance, "grantAuthority", nobody, "not_found").await;
    assert_eq!(told, "There is no person with this id.");
    let mut nowhere = authority("2027-03-31");
    nowhere["fundId"] = json!(Uuid::from_u128(9));
    town.refused(finance, "grantAuthority", nowhere.clone(), "not_found").await;
    nowhere["programmeId"] = json!(Uuid::from_u128(9));
    town.refused(finance, "grantAuthority", nowhere, "authority.one_scope").await;
    town.refused(finance, "grantAuthority", authority("2026-04-30"), "authority.ended").await;

    town.refused(&who, "approveGrant", plan.clone(), "authority.none").await;
    let mut earlier = authority("2026-04-30");
    earlier["on"] = json!("2026-04-01");
    let expired = town.done(finance, "grantAuthority", earlier).await;
    let mut elsewhere = authority("2027-03-31");
    let (other_fund, _) = town.fund_and_programme().await;
    elsewhere["fundId"] = other_fund["id"].clone();
    let elsewhere = town.done(finance, "grantAuthority", elsewhere).await;
    let live = town.done(finance, "grantAuthority", authority("2027-03-31")).await;
    let under = |authority: &Value| {
        let mut plan = plan.clone();
        plan["authorityId"] = authority["id"].clone();
        plan
    };
    let told = town.refused(&who, "approveGrant", under(&expired), "authority.not_in_force").await;
    assert!(told.contains("30 April 2026"), "{told}");
    town.refused(&who, "approveGrant", under(&elsewhere), "authority.does_not_cover").await;
    town.refused(&town.people.approver, "approveGrant", under(&live), "authority.of_another").await;
    // Dating the approval back into the time of an authority that has ended does not bring it back.
    let mut back = under(&expired);
    back["effectiveOn"] = json!("2026-04-30");
    town.refused(&who, "approveGrant", back, "authority.not_in_force").await;

    let revoke = json!({ "authorityId": live["id"] });
    town.refused(
        &Identity { role: Role::Finance, ..who.clone() },
        "revokeAuthority",
        revoke.clone(),
        "authority.own",
    )
    .await;
    town.done(finance, "revokeAuthority", revoke.clone()).await;
    town.refused(finance, "revokeAuthority", revoke, "authority.revoked").await;
    town.refused(&who, "approveGrant", under(&live), "authority.revoked").await;
    town.refused(&who, "approveGrant", plan.clone(), "authority.none").await;

    let document = "query($of: DelegationFilter) { delegations(filter: $of) { id limit revokedOn fundId person { name } } }";
    let listed = async |on: Value| {
        let of = json!({ "personId": who.person.0, "inForceOn": on });
        let answer = town.world.ask(auditor, document, json!({ "of": of })).await;
        answer.data()["delegations"].as_array().unwrap().clone()
    };
    assert_eq!(listed(Value::Null).await.len(), 3);
    let ids = |found: Vec<Value>| found.iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(listed(json!("2026-05-01")).await), [elsewhere["id"].clone()]);
    assert_eq!(ids(listed(json!("2026-04-30")).await).len(), 3, "not yet taken back on that day");

    let again = town.done(finance, "grantAuthority", authority("2027-03-31")).await;
    town.done(&who, "approveGrant", plan).await;
    let award = seen(&town, &grant, "award { authorityId limit }").await;
    assert_eq!(award["award"], json!({ "authorityId": again["id"], "limit": "5000.00" }));
}

#[tokio::test]
async fn of_an_approval_and_a_revocation_at_the_same_moment_the_first_counts() {
    let town = Town::new().await;
    let People { commissioner, finance, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let (_, programme) = town.fund_and_programme().await;
    for round in 0..8 {
        let grant = town.scored_grant(&partner, &programme, "300.00").await;
        town.done(commissioner, "recommendGrant", recommendation(&grant, "300.00")).await;
        let who = town.world.somebody(&format!("Racing Approver {round}"), Role::Approver, None).await;
        let give =
            json!({ "personId": who.person.0, "limit": "5000.00", "from": "2026-04-01", "to": "2027-03-31" });
        let authority = town.done(finance, "grantAuthority", give).await;
        let plan = approval(&grant, &[("300.00", "2026-06-01")]);
        let revoke = json!({ "authorityId": authority["id"] });
        let (approved, revoked) =
            tokio::join!(town.ask(&who, "approveGrant", plan), town.ask(finance, "revokeAuthority", revoke));
        let revoked_at = revoked.data()["revokeAuthority"]["receipt"]["index"].as_i64().unwrap();
        if approved.0.get("errors").is_none() {
            let approved_at = approved.data()["approveGrant"]["receipt"]["index"].as_i64().unwrap();
            assert!(approved_at < revoked_at, "nothing is approved under what was taken back");
        } else {
            assert_eq!(approved.refusal().0, "authority.none");
        }
    }
    laws_hold(&town).await;
}

#[tokio::test]
async fn an_interest_bars_a_person_in_every_role() {
    let town = Town::new().await;
    let People { commissioner, second, .. } = &town.people;
    let grant = recommended(&town, "900.00").await;
    let conflicted = approver(&town, "Cleo Conflicted", "9000.00").await;
    let conflict = json!({ "grantId": grant["id"], "personId": conflicted.person.0, "nature": "EMPLOYMENT" });
    town.done(commissioner, "declareConflict", conflict).await;
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "900.00", "due": "2026-06-01" }], "termsVersion": "1" });
    let ask = json!({ "grantId": grant["id"], "what": "Who cooks?", "by": "2026-05-20" });
    let feedback = json!({ "grantId": grant["id"], "feedback": "Not this time." });
    for (role, deed, input) in [
        (Role::Approver, "approveGrant", plan.clone()),
        (Role::Approver, "declineGrant", feedback),
        (Role::Approver, "requestMoreInformation", ask.clone()),
        (Role::Commissioner, "requestMoreInformation", ask),
        (Role::Commissioner, "recommendGrant", recommendation(&grant, "800.00")),
        (
            Role::Commissioner,
            "assignAssessor",
            json!({ "grantId": grant["id"], "assessorId": second.person.0 }),
        ),
    ] {
        let who = Identity { role, ..conflicted.clone() };
        town.refused(&who, deed, input, "grant.conflicted").await;
    }
    let approved = town.done(&town.people.approver, "approveGrant", plan).await;
    town.done(commissioner, "issueOffer", offer(&grant, "2026-05-31")).await;
    let instalment = &approved["instalments"][0]["id"];
    let paid = json!({ "grantId": grant["id"], "instalmentId": instalment, "amount": "900.00", "valueDate": "2026-06-01", "on": "2026-06-01" });
    let who = Identity { role: Role::Finance, ..conflicted };
    town.refused(&who, "confirmPayment", paid, "grant.conflicted").await;
}

#[tokio::test]
async fn a_panel_decides_with_enough_people_who_have_no_interest() {
    let town = Town::new().await;
    let People { commissioner, second, finance, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "OPEN_CALL").await;
    let rules =
        json!({ "programmeId": programme["id"], "quorum": 2, "offerDays": 14, "directAwards": false });
    town.done(commissioner, "setDecisionRules", rules).await;
    let grant = town.scored_grant(&partner, &programme, "900.00").await;
    let chair = approver(&town, "Chris Chair", "9000.00").await;
    let people = |them: &[&Identity]| them.iter().map(|who| who.person.0).collect::<Vec<_>>();
    let meeting = |present: &[&Identity], aside: &[&Identity]| {
        let mut input = recommendation(&grant, "900.00");
        input["presentIds"] = json!(people(present));
        input["stoodAsideIds"] = json!(people(aside));
        input
    };
    town.refused(commissioner, "recommendGrant", recommendation(&grant, "900.00"), "grant.no_quorum").await;
    let told =
        town.refused(commissioner, "recommendGrant", meeting(&[&chair], &[second]), "grant.no_quorum").await;
    assert!(told.contains("needs 2"), "{told}");
    let mut strangers = meeting(&[&chair], &[]);
    strangers["presentIds"] = json!([chair.person.0, Uuid::from_u128(9)]);
    let told = town.refused(commissioner, "recommendGrant", strangers, "not_found").await;
    assert_eq!(told, "There is no person with this id.");
    let nobody = json!({ "grantId": grant["id"], "assessorId": Uuid::from_u128(9) });
    town.refused(commissioner, "assignAssessor", nobody, "not_found").await;
    let conflict = json!({ "grantId": grant["id"], "nature": "OTHER" });
    town.done(second, "declareConflict", conflict).await;
    let all = meeting(&[&chair, finance, second], &[]);
    town.refused(commissioner, "recommendGrant", all, "grant.panel_conflicted").await;
    town.done(commissioner, "recommendGrant", meeting(&[&chair, finance], &[second])).await;
    let panel = seen(&town, &grant, "panel { present { name } stoodAside { name } }").await;
    assert_eq!(panel["panel"]["present"].as_array().unwrap().len(), 2);
    assert_eq!(panel["panel"]["stoodAside"], json!([{ "name": "Cara Sample" }]));
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "900.00", "due": "2026-06-01" }], "termsVersion": "1" });
    town.refused(&chair, "approveGrant", plan.clone(), "grant.approver_proposed").await;
    town.done(&town.people.approver, "approveGrant", plan).await;
    let told =
        town.refused(commissioner, "issueOffer", offer(&grant, "2026-05-14"), "grant.offer_too_short").await;
    assert!(told.contains("15 May 2026"), "{told}");
    town.done(commissioner, "issueOffer", offer(&grant, "2026-05-15")).await;
}

#[tokio::test]
async fn a_question_to_the_partner_stops_the_clock_and_the_answer_starts_it() {
    let town = Town::new().await;
    let People { commissioner, approver, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "OPEN_CALL").await;
    let admin = admin_of(&town, &partner).await;
    let grant = town.scored_grant(&partner, &programme, "900.00").await;
    let ask =
        |on: &str| json!({ "grantId": grant["id"], "what": "Who cooks?", "by": "2026-05-20", "on": on });
    town.done(commissioner, "requestMoreInformation", ask("2026-05-05")).await;
    town.refused(commissioner, "requestMoreInformation", ask("2026-05-06"), "grant.information_awaited")
        .await;
    let mut early = recommendation(&grant, "900.00");
    early["on"] = json!("2026-05-06");
    town.refused(commissioner, "recommendGrant", early, "grant.information_awaited").await;
    let answer =
        json!({ "grantId": grant["id"], "answer": "Two cooks with a certificate.", "on": "2026-05-12" });
    town.done(&admin, "supplyInformation", answer.clone()).await;
    town.refused(&admin, "supplyInformation", answer, "grant.nothing_asked").await;

    let document = "query($id: UUID!, $on: Date) { grant(id: $id) { clock(asOf: $on) { workingDaysOnUs workingDaysOnPartner
        targetWorkingDays dueOn overdue decided } questions { what answer askedOn answeredOn } } }";
    let clock = async |on: &str| {
        let answer = town.world.ask(&admin, document, json!({ "id": grant["id"], "on": on })).await;
        answer.data()["grant"].clone()
    };
    assert_eq!(clock("2026-04-30").await["clock"], Value::Null);
    // 1 May 2026 is a Friday and the Monday after it a bank holiday.
    let stopped = clock("2026-05-11").await;
    assert_eq!(
        stopped["clock"],
        json!({ "workingDaysOnUs": 1, "workingDaysOnPartner": 4, "targetWorkingDays": 10, "dueOn": null, "overdue": false, "decided": false })
    );
    let going = clock("2026-05-13").await;
    assert_eq!(
        (&going["clock"]["workingDaysOnUs"], &going["clock"]["dueOn"]),
        (&json!(2), &json!("2026-05-26"))
    );
    assert_eq!(going["questions"][0]["answeredOn"], "2026-05-12");
    assert_eq!(clock("2026-05-27").await["clock"]["overdue"], true);

    let mut propose = recommendation(&grant, "900.00");
    propose["on"] = json!("2026-05-13");
    town.done(commissioner, "recommendGrant", propose).await;
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "900.00", "due": "2026-06-01" }], "termsVersion": "1", "on": "2026-05-15" });
    town.done(approver, "approveGrant", plan).await;
    let decided = clock("2026-12-31").await;
    assert_eq!(
        (&decided["clock"]["workingDaysOnUs"], &decided["clock"]["decided"]),
        (&json!(4), &json!(true))
    );
    town.scored_grant(&partner, &programme, "400.00").await;
    let document = "query($id: UUID!) { programme(id: $id) { pace(asOf: \"2026-06-30\") { targetWorkingDays decided withinTarget medianWorkingDays waiting overdue } } }";
    let pace = town.world.ask(&town.people.auditor, document, json!({ "id": programme["id"] })).await;
    assert_eq!(
        pace.data()["programme"]["pace"],
        json!({ "targetWorkingDays": 10, "decided": 1, "withinTarget": 1, "medianWorkingDays": 4, "waiting": 1, "overdue": 1 })
    );
    let nothing = town.world.ask(&admin, document, json!({ "id": programme["id"] })).await;
    assert_eq!(nothing.data()["programme"]["pace"], Value::Null, "not for partners");
}

#[tokio::test]
async fn an_offer_that_lapsed_frees_the_money() {
    let town = Town::new().await;
    let People { commissioner, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "OPEN_CALL").await;
    let grant = town.scored_grant(&partner, &programme, "900.00").await;
    town.done(commissioner, "recommendGrant", recommendation(&grant, "900.00")).await;
    let plan = json!({ "grantId": grant["id"], "instalments": [{ "amount": "900.00", "due": "2026-06-01" }], "termsVersion": "1" });
    town.done(&town.people.approver, "approveGrant", plan).await;
    town.done(commissioner, "issueOffer", offer(&grant, "2026-05-31")).await;
    let lapse = |on: &str| json!({ "grantId": grant["id"], "on": on });
    town.refused(commissioner, "recordOfferLapse", lapse("2026-05-31"), "grant.offer_not_lapsed").await;
    assert_eq!(town.figures(json!({})).await["committed"], "900.00");
    let lapsed = town.done(commissioner, "recordOfferLapse", lapse("2026-06-01")).await;
    assert_eq!(lapsed["status"], "LAPSED");
    let figures = town.figures(json!({})).await;
    assert_eq!((&figures["committed"], &figures["available"]), (&json!("0.00"), &json!("10000.00")));
    let admin = admin_of(&town, &partner).await;
    let accept = json!({ "grantId": grant["id"], "termsHash": "cd".repeat(32), "signatoryRole": "CHAIR" });
    town.refused(&admin, "acceptOffer", accept, "grant.wrong_stage").await;
    town.refused(commissioner, "issueOffer", offer(&grant, "2199-05-31"), "grant.wrong_stage").await;
    laws_hold(&town).await;
}

#[tokio::test]
async fn interest_comes_first_where_the_programme_says_so_and_the_case_goes_on_as_one() {
    let town = Town::new().await;
    let People { commissioner, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "EXPRESSION_OF_INTEREST").await;
    let admin = admin_of(&town, &partner).await;
    let unasked = application(&partner, &programme, "900.00");
    town.refused(&admin, "submitApplication", unasked.clone(), "programme.starts_with_interest").await;
    let interest = json!({ "partnerId": partner["id"], "programmeId": programme["id"], "title": "Soup", "idea": "A weekly meal." });
    let case = town.done(&admin, "expressInterest", interest.clone()).await;
    assert_eq!(case["status"], "INTEREST");
    let mut invited = unasked;
    invited["grantId"] = case["id"].clone();
    town.refused(&admin, "submitApplication", invited.clone(), "grant.wrong_stage").await;
    let invite = json!({ "grantId": case["id"], "applyBy": "2026-05-15" });
    town.done(commissioner, "inviteToApply", invite).await;
    let mut late = invited.clone();
    late["on"] = json!("2026-05-16");
    town.refused(&admin, "submitApplication", late, "grant.invited_until").await;
    let other = town.approved_partner(2).await;
    let stranger = admin_of(&town, &other).await;
    let mut theirs = invited.clone();
    theirs["partnerId"] = other["id"].clone();
    town.refused(&stranger, "submitApplication", theirs.clone(), "not_found").await;
    town.refused(commissioner, "submitApplication", theirs, "grant.not_as_invited").await;
    let applied = town.done(&admin, "submitApplication", invited).await;
    assert_eq!((&applied["id"], &applied["reference"]), (&case["id"], &case["reference"]));
    let record = seen(&town, &case, "status interestOn applyBy submittedOn startsOn title").await;
    assert_eq!((&record["status"], &record["title"]), (&json!("SUBMITTED"), &json!("Soup on Tuesdays")));
    assert_eq!(record["interestOn"], "2026-05-01");

    let second = town.done(&admin, "expressInterest", interest).await;
    let bare = seen(&town, &second, "startsOn submittedOn requested clock { overdue }").await;
    assert_eq!(bare, json!({ "startsOn": null, "submittedOn": null, "requested": null, "clock": null }));
    let feedback =
        json!({ "grantId": second["id"], "feedback": "One meal a week is enough for this round." });
    assert_eq!(town.done(commissioner, "declineInterest", feedback).await["status"], "DECLINED");
}

#[tokio::test]
async fn a_direct_award_is_proposed_by_staff_where_it_is_allowed() {
    let town = Town::new().await;
    let People { commissioner, second, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "OPEN_CALL").await;
    let propose = json!({
        "partnerId": partner["id"], "programmeId": programme["id"], "title": "Soup", "justification": "The only kitchen in the ward."
    });
    town.refused(second, "proposeDirectAward", propose.clone(), "programme.no_direct_awards").await;
    let rules = json!({ "programmeId": programme["id"], "quorum": 0, "offerDays": 0, "directAwards": true });
    town.done(commissioner, "setDecisionRules", rules).await;
    let mut silent = propose.clone();
    silent["reason"] = Value::Null;
    town.refused(second, "proposeDirectAward", silent, "reason.required").await;
    let case = town.done(second, "proposeDirectAward", propose).await;
    assert_eq!(case["status"], "PROPOSED");
    let admin = admin_of(&town, &partner).await;
    let mut apply = application(&partner, &programme, "900.00");
    apply["grantId"] = case["id"].clone();
    town.done(&admin, "submitApplication", apply).await;
    let record = seen(&town, &case, "status justification").await;
    assert_eq!(record["justification"], "The only kitchen in the ward.");
    let id = &case["id"];
    let results = json!([{ "criterion": "local", "met": true }]);
    town.done(commissioner, "judgeEligibility", json!({ "grantId": id, "results": results })).await;
    let assign = json!({ "grantId": id, "assessorId": town.people.assessor.person.0 });
    town.done(commissioner, "assignAssessor", assign).await;
    let score =
        json!({ "grantId": id, "criterion": "reach", "score": 4, "justification": "Many people nearby." });
    town.done(&town.people.assessor, "recordScore", score).await;
    town.done(commissioner, "recommendGrant", recommendation(&case, "900.00")).await;
    let through_a_second_role = Identity { role: Role::Approver, ..second.clone() };
    town.world.give_authority(&through_a_second_role, "9000.00").await;
    let plan = approval(&case, &[("900.00", "2026-06-01")]);
    town.refused(&through_a_second_role, "approveGrant", plan, "grant.approver_proposed").await;
}

#[tokio::test]
async fn criteria_change_only_when_everybody_who_waits_is_told() {
    let town = Town::new().await;
    let People { commissioner, assessor, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "OPEN_CALL").await;
    let grant = town.scored_grant(&partner, &programme, "900.00").await;
    let amend = |told: Value| {
        json!({
            "programmeId": programme["id"], "eligibility": [{ "code": "local", "question": "Is the work local?" }],
            "scoring": [{ "code": "reach", "question": "Whom does it reach?" }, { "code": "value", "question": "What does it cost?" }],
            "toldGrantIds": told
        })
    };
    let told =
        town.refused(commissioner, "amendCriteria", amend(json!([])), "programme.applicants_not_told").await;
    assert!(told.contains("the other 1"), "{told}");
    town.done(commissioner, "amendCriteria", amend(json!([grant["id"]]))).await;
    let told = town
        .refused(commissioner, "recommendGrant", recommendation(&grant, "900.00"), "grant.not_fully_scored")
        .await;
    assert!(told.contains("value"), "{told}");
    let score = |criterion: &str, score: u8| json!({ "grantId": grant["id"], "criterion": criterion, "score": score, "justification": "Little for much." });
    town.refused(assessor, "supersedeScore", score("value", 3), "grant.not_scored_before").await;
    town.done(assessor, "recordScore", score("value", 3)).await;
    town.refused(assessor, "supersedeScore", score("value", 3), "grant.same_score").await;
    town.done(assessor, "supersedeScore", score("value", 5)).await;
    let scores = seen(&town, &grant, "scores { criterion score superseded }").await;
    assert_eq!(
        scores["scores"],
        json!([
            { "criterion": "reach", "score": 4, "superseded": false },
            { "criterion": "value", "score": 3, "superseded": true },
            { "criterion": "value", "score": 5, "superseded": false }
        ])
    );
    town.done(commissioner, "recommendGrant", recommendation(&grant, "900.00")).await;
    // Whoever applies from now on does so under the new criteria, and need not be told of them.
    let later =
        town.done(commissioner, "submitApplication", application(&partner, &programme, "900.00")).await;
    let results = json!([{ "criterion": "local", "met": true }]);
    town.done(commissioner, "judgeEligibility", json!({ "grantId": later["id"], "results": results })).await;
}

#[tokio::test]
async fn an_assessor_who_stands_aside_decides_nothing_more_and_delivery_partners_are_on_the_record() {
    let town = Town::new().await;
    let People { commissioner, assessor, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "OPEN_CALL").await;
    let grant = town.scored_grant(&partner, &programme, "900.00").await;
    town.done(assessor, "recuseAssessor", of(&grant)).await;
    let score = json!({ "grantId": grant["id"], "criterion": "reach", "score": 1, "justification": "Thought again." });
    town.refused(assessor, "supersedeScore", score, "grant.conflicted").await;
    town.refused(commissioner, "recommendGrant", recommendation(&grant, "900.00"), "grant.not_fully_scored")
        .await;
    let again = json!({ "grantId": grant["id"], "assessorId": assessor.person.0 });
    town.refused(commissioner, "assignAssessor", again, "grant.assessor_conflicted").await;

    let with = |deliverer: Value| {
        let mut input = application(&partner, &programme, "900.00");
        input["delivery"] = json!([{ "partnerId": deliverer, "amount": "300.00" }]);
        input
    };
    town.refused(commissioner, "submitApplication", with(json!(Uuid::from_u128(9))), "not_found").await;
    let other = town.approved_partner(2).await;
    town.done(commissioner, "submitApplication", with(other["id"].clone())).await;
    town.done(&town.people.approver, "suspendPartner", json!({ "partnerId": other["id"] })).await;
    town.refused(commissioner, "submitApplication", with(other["id"].clone()), "partner.not_approved").await;
}

#[tokio::test]
async fn an_application_that_comes_in_while_the_criteria_change_is_judged_by_what_its_partner_knows() {
    let town = Town::new().await;
    let People { commissioner, .. } = &town.people;
    let partner = town.approved_partner(1).await;
    let programme = programme(&town, "OPEN_CALL").await;
    let mut known: Vec<Value> = Vec::new();
    let amend = |told: &[Value]| {
        json!({
            "programmeId": programme["id"], "eligibility": [{ "code": "local", "question": "Is the work local?" }],
            "scoring": [{ "code": "reach", "question": "Whom does it reach?" }], "toldGrantIds": told
        })
    };
    for _ in 0..6 {
        let (submitted, amended) = tokio::join!(
            town.ask(commissioner, "submitApplication", application(&partner, &programme, "900.00")),
            town.ask(commissioner, "amendCriteria", amend(&known)),
        );
        let submitted = &submitted.data()["submitApplication"];
        let grant = submitted["grant"]["id"].clone();
        let judge = json!({ "grantId": grant, "results": [{ "criterion": "local", "met": true }] });
        let unheard = amended.0.get("errors").is_none()
            && submitted["receipt"]["index"].as_i64()
                < amended.data()["amendCriteria"]["receipt"]["index"].as_i64();
        known.push(grant);
        if unheard {
            let code = "programme.applicant_not_told";
            town.refused(commissioner, "judgeEligibility", judge.clone(), code).await;
            town.done(commissioner, "amendCriteria", amend(&known)).await;
        } else if amended.0.get("errors").is_some() {
            assert_eq!(amended.refusal().0, "programme.applicants_not_told");
        }
        town.done(commissioner, "judgeEligibility", judge).await;
    }
}
