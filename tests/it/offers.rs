//! Offers through the API: from a draft to a version that can be read for ever, who sees what, and the directory.

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};
use sidebyside::projections::build;
use uuid::Uuid;

use crate::api::{Town, partner_input};
use crate::world::Answer;

const DAY: &str = "2026-05-05";

/// An approved partner with its worker, and somebody who reviews.
struct Shop {
    town: Town,
    partner: Value,
    worker: Identity,
    reviewer: Identity,
}

fn own(partner: &Value) -> PartnerId {
    PartnerId(partner["id"].as_str().unwrap().parse().unwrap())
}

fn input_of(name: &str) -> String {
    match name {
        "confirmOffer" | "resumeOffer" | "withdrawOffer" => "OfferInput".into(),
        "approveOfferChange" | "withdrawOfferChange" => "OfferChangeInput".into(),
        other => {
            let (first, rest) = other.split_at(1);
            format!("{}{rest}Input", first.to_uppercase())
        }
    }
}

fn content(changes: Value) -> Value {
    let mut content = json!({
        "title": "Growing together", "summary": "A morning in the walled garden, then soup.",
        "whoFor": "Anybody who would like company outdoors.", "languages": ["EN"], "access": ["STEP_FREE"],
        "cost": { "kind": "FREE" },
        "place": { "area": "LIVERPOOL_SOUTH", "name": "The walled garden", "postcode": "l170xx",
            "latitude": "53.3781", "longitude": "-2.9427" },
        "schedule": { "weekly": [{ "day": "TUE", "from": "10:00", "to": "12:30" }] },
        "phone": "0151 496 0000", "joining": "SELF", "needs": ["LONELINESS"], "communities": ["EVERYONE"]
    });
    for (field, value) in changes.as_object().unwrap() {
        content[field] = value.clone();
    }
    content
}

impl Shop {
    async fn open() -> Self {
        let town = Town::new().await;
        let partner = town.approved_partner(1).await;
        let worker = town.world.somebody("Wim Worker", Role::PartnerWorker, Some(own(&partner))).await;
        let reviewer = town.world.somebody("Rosa Imaginary", Role::Inclusion, None).await;
        Self { town, partner, worker, reviewer }
    }

    async fn ask(&self, day: &str, who: &Identity, name: &str, mut input: Value) -> Answer {
        input["reason"] = json!("For a test, all invented.");
        let kind = input_of(name);
        let document = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ offer {{ id reference status contentVersion \
             confirmBy hasRoom changes {{ id status why lines {{ field from to }} }} \
             reports {{ id outcome reportedBy {{ id }} }} }} }} }}"
        );
        self.town.world.ask_on(day, who, &document, json!({ "input": input })).await
    }

    async fn done(&self, who: &Identity, name: &str, input: Value) -> Value {
        self.ask(DAY, who, name, input).await.data()[name]["offer"].clone()
    }

    async fn refused(&self, who: &Identity, name: &str, input: Value, code: &str) -> String {
        let before = self.town.world.size().await;
        let answer = self.ask(DAY, who, name, input).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert_eq!(self.town.world.size().await, before, "nothing is half done");
        sentence.to_owned()
    }

    async fn drafted(&self, changes: Value) -> Value {
        let draft = json!({ "partnerId": self.partner["id"], "content": content(changes) });
        self.done(&self.worker, "draftOffer", draft).await
    }

    async fn published(&self, changes: Value) -> Value {
        let offer = self.drafted(changes).await;
        self.done(&self.worker, "submitOffer", json!({ "offerId": offer["id"] })).await;
        let publish = json!({ "offerId": offer["id"], "reviewDue": "2026-11-01" });
        self.done(&self.reviewer, "publishOffer", publish).await
    }

    async fn query(&self, who: &Identity, document: &str, variables: Value) -> Answer {
        self.town.world.ask_on(DAY, who, document, variables).await
    }

    /// The titles a search finds, in their order.
    async fn titles(&self, who: &Identity, search: Value) -> Vec<String> {
        let document = "query($search: OfferSearch) { offers(search: $search) { totalCount nodes { content { title } } } }";
        let answer = self.query(who, document, json!({ "search": search })).await;
        let nodes = answer.data()["offers"]["nodes"].as_array().unwrap().clone();
        assert_eq!(answer.data()["offers"]["totalCount"], json!(nodes.len()));
        nodes.iter().map(|node| node["content"]["title"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn what_was_promised_can_be_read_version_by_version() {
    let shop = Shop::open().await;
    let Shop { worker, reviewer, .. } = &shop;
    let offer = shop.published(json!({})).await;
    assert_eq!((&offer["status"], &offer["contentVersion"]), (&json!("PUBLISHED"), &json!(1)));
    let id = &offer["id"];
    let changes = json!({
        "title": { "from": "Growing together", "to": "Growing and soup" },
        "phone": { "from": "0151 496 0000", "to": "0151 496 0001" }
    });
    let proposal = json!({ "offerId": id, "baseVersion": 1, "changes": changes });
    let offer = shop.done(worker, "proposeOfferChange", proposal.clone()).await;
    assert_eq!(offer["contentVersion"], 2, "the telephone number is the partner’s own and changed at once");
    let waiting = &offer["changes"][0];
    let line = json!({ "field": "TITLE", "from": "Growing together", "to": "Growing and soup" });
    assert_eq!((&waiting["status"], &waiting["lines"]), (&json!("WAITING"), &json!([line])));

    let told = shop.refused(worker, "proposeOfferChange", proposal, "offer.base_stale").await;
    assert!(told.contains("telephone number from “0151 496 0000” to “0151 496 0001”"), "{told}");
    let stale = json!({ "offerId": id, "baseVersion": 2, "changes": { "summary": { "from": "Soup.", "to": "Tea." } } });
    let told = shop.refused(worker, "proposeOfferChange", stale, "offer.from_not_current").await;
    assert!(told.contains("A morning in the walled garden"), "{told}");

    let approve = json!({ "offerId": id, "changeId": waiting["id"] });
    let offer = shop.done(reviewer, "approveOfferChange", approve.clone()).await;
    assert_eq!((&offer["contentVersion"], &offer["changes"][0]["status"]), (&json!(3), &json!("APPROVED")));
    shop.refused(reviewer, "approveOfferChange", approve, "offer.change_settled").await;
    let withdraw = json!({ "offerId": id });
    let admin = shop.town.world.somebody("Ada Admin", Role::PartnerAdmin, Some(own(&shop.partner))).await;
    shop.done(&admin, "withdrawOffer", withdraw).await;

    let document = "query($id: UUID!, $version: Int!) { offerVersion(id: $id, contentVersion: $version) {
        contentVersion from content { title phone place { postcode } } } }";
    for (version, title, phone) in [
        (1, "Growing together", "0151 496 0000"),
        (2, "Growing together", "0151 496 0001"),
        (3, "Growing and soup", "0151 496 0001"),
    ] {
        let answer = shop.query(worker, document, json!({ "id": id, "version": version })).await;
        let wanted = json!({ "contentVersion": version, "from": DAY,
            "content": { "title": title, "phone": phone, "place": { "postcode": "L17 0XX" } } });
        assert_eq!(answer.data()["offerVersion"], wanted);
    }
    let answer = shop.query(worker, document, json!({ "id": id, "version": 4 })).await;
    assert_eq!(answer.refusal().0, "offer.version_unknown");
    let differences = build::compare(&shop.town.world.owner().await, &|_, _| ()).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

#[tokio::test]
async fn nobody_publishes_their_own_words_or_those_of_a_partner_that_is_not_approved() {
    let shop = Shop::open().await;
    let commissioner = &shop.town.people.commissioner;
    let draft = json!({ "partnerId": shop.partner["id"], "content": content(json!({})) });
    let offer = shop.done(commissioner, "draftOffer", draft).await;
    assert!(offer["reference"].as_str().unwrap().starts_with("O-2026-"), "{offer}");
    let submit = json!({ "offerId": offer["id"] });
    shop.done(&shop.worker, "submitOffer", submit.clone()).await;
    let publish = json!({ "offerId": offer["id"], "reviewDue": "2026-11-01" });
    shop.refused(commissioner, "publishOffer", publish, "offer.own_work").await;
    let back = json!({ "offerId": offer["id"], "why": "Say which bus stops near by." });
    let offer = shop.done(&shop.reviewer, "sendOfferBack", back).await;
    assert_eq!(offer["status"], "DRAFT");
    let waits = "{ waitingOn { kind sentence reference } }";
    let answer = shop.query(&shop.worker, waits, json!({})).await;
    let sentence = "“Growing together” was sent back: Say which bus stops near by.";
    let wanted = json!({ "kind": "OFFER_SENT_BACK", "sentence": sentence, "reference": offer["reference"] });
    assert_eq!(answer.data()["waitingOn"], json!([wanted]));

    let bare = json!({ "offerId": offer["id"], "content": content(json!({ "needs": [], "phone": null })) });
    let told = shop.refused(&shop.worker, "submitOffer", bare, "offer.incomplete").await;
    assert!(told.contains("a need it meets and a telephone number or email address to join by"), "{told}");

    let applied = shop.town.done(commissioner, "applyAsPartner", partner_input(2)).await;
    let draft = json!({ "partnerId": applied["id"], "content": content(json!({})) });
    let early = shop.done(commissioner, "draftOffer", draft).await;
    shop.done(commissioner, "submitOffer", json!({ "offerId": early["id"] })).await;
    let publish = json!({ "offerId": early["id"], "reviewDue": "2026-11-01" });
    shop.refused(&shop.reviewer, "publishOffer", publish, "partner.not_approved").await;
}

#[tokio::test]
async fn what_is_typed_wrong_is_said_field_by_field() {
    let shop = Shop::open().await;
    let wrong = content(json!({
        "title": " ", "phone": "five", "cost": { "kind": "FREE", "amount": "2.00" },
        "place": { "area": "ONLINE", "postcode": "X" },
        "schedule": { "weekly": [{ "day": "MON", "from": "12:00", "to": "10:00" }] }
    }));
    let draft = json!({ "partnerId": shop.partner["id"], "content": wrong });
    let answer = shop.ask(DAY, &shop.worker, "draftOffer", draft).await;
    let wanted = [
        ("content.title", "text.blank"),
        ("content.cost", "cost.unclear"),
        ("content.place.postcode", "postcode.unreadable"),
        ("content.place", "place.not_online"),
        ("content.schedule.weekly", "time.reversed"),
        ("content.phone", "phone.unreadable"),
    ];
    assert_eq!(answer.problems(), wanted);
}

#[tokio::test]
async fn only_a_grant_of_its_own_pays_for_an_offer() {
    let shop = Shop::open().await;
    let town = &shop.town;
    let other = town.approved_partner(2).await;
    let (_, programme) = town.fund_and_programme().await;
    let grant = town.scored_grant(&other, &programme, "3000.00").await;
    let with = |grant: &Value| json!({ "partnerId": shop.partner["id"], "content": content(json!({ "grantIds": [grant] })) });
    let unknown = json!(Uuid::from_u128(7));
    let hidden = shop.refused(&shop.worker, "draftOffer", with(&grant["id"]), "not_found").await;
    assert_eq!(shop.refused(&shop.worker, "draftOffer", with(&unknown), "not_found").await, hidden);
    let commissioner = &town.people.commissioner;
    shop.refused(commissioner, "draftOffer", with(&grant["id"]), "offer.grant_of_another").await;
    let own = town.scored_grant(&shop.partner, &programme, "3000.00").await;
    let offer = shop.done(&shop.worker, "draftOffer", with(&own["id"])).await;
    let document = "query($id: UUID!) { offer(id: $id) { content { grantIds } } }";
    let answer = shop.query(&shop.worker, document, json!({ "id": offer["id"] })).await;
    assert_eq!(answer.data()["offer"]["content"]["grantIds"], json!([own["id"]]));
}

#[tokio::test]
async fn what_is_not_theirs_is_answered_as_if_it_did_not_exist() {
    let shop = Shop::open().await;
    let world = &shop.town.world;
    let other = shop.town.approved_partner(2).await;
    let stranger = world.somebody("Sid Stranger", Role::PartnerAdmin, Some(own(&other))).await;
    let draft = shop.drafted(json!({})).await;
    let nothing = json!(Uuid::from_u128(7));
    for who in [&stranger, &Identity::public()] {
        for document in [
            "query($id: UUID!) { offer(id: $id) { id } }",
            "query($id: UUID!) { offerVersion(id: $id, contentVersion: 1) { from } }",
        ] {
            let hidden = shop.query(who, document, json!({ "id": draft["id"] })).await.0;
            assert_eq!(hidden, shop.query(who, document, json!({ "id": nothing })).await.0, "{}", who.name);
        }
    }
    let steps = [
        ("submitOffer", json!({})),
        ("stateCapacity", json!({ "open": 1, "total": 2 })),
        ("reportOfferWrong", json!({ "what": "ENDED" })),
        ("withdrawOffer", json!({})),
        ("pauseOffer", json!({})),
        ("confirmOffer", json!({})),
        ("proposeOfferChange", json!({ "baseVersion": 1, "changes": {} })),
    ];
    for (name, mut input) in steps {
        input["offerId"] = draft["id"].clone();
        let hidden = shop.refused(&stranger, name, input.clone(), "not_found").await;
        input["offerId"] = nothing.clone();
        assert_eq!(shop.refused(&stranger, name, input, "not_found").await, hidden, "{name}");
    }
    assert_eq!(shop.titles(&stranger, json!({})).await, Vec::<String>::new());
    assert_eq!(shop.titles(&shop.worker, json!({})).await, ["Growing together"]);
}

#[tokio::test]
async fn a_report_reaches_those_who_answer_and_hides_who_reported() {
    let shop = Shop::open().await;
    let advisor = shop.town.world.somebody("Jamie Pretend", Role::Advisor, None).await;
    let offer = shop.published(json!({})).await;
    let report = json!({ "offerId": offer["id"], "what": "CONTACT", "note": "Nobody answers." });
    let offer = shop.done(&advisor, "reportOfferWrong", report).await;
    assert_eq!(offer["reports"][0]["reportedBy"]["id"], json!(advisor.person.0));
    let document = "query($id: UUID!) { offer(id: $id) { openReports reports { reportedBy { id } note } }
        waitingOn { kind } }";
    let answer = shop.query(&shop.worker, document, json!({ "id": offer["id"] })).await;
    let wanted = json!([{ "reportedBy": null, "note": "Nobody answers." }]);
    assert_eq!(answer.data()["offer"], json!({ "openReports": 1, "reports": wanted }));
    assert_eq!(answer.data()["waitingOn"], json!([{ "kind": "OWN_OFFER_REPORTED" }]));
    let answer = shop.query(&shop.reviewer, document, json!({ "id": offer["id"] })).await;
    assert_eq!(answer.data()["waitingOn"], json!([{ "kind": "REPORT_TO_ANSWER" }]));
    let review = "{ offersToReview { id } }";
    let answer = shop.query(&shop.reviewer, review, json!({})).await;
    assert_eq!(answer.data()["offersToReview"], json!([{ "id": offer["id"] }]));

    let history = "query($id: UUID!) { history(filter: { streamId: $id }) { nodes { eventType actor { id } values { name } } } }";
    let answer = shop.query(&shop.worker, history, json!({ "id": offer["id"] })).await;
    let told = answer.data()["history"]["nodes"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(told, json!({ "eventType": "offer.reported_wrong", "actor": null, "values": [] }));

    let answer =
        json!({ "offerId": offer["id"], "reportId": offer["reports"][0]["id"], "outcome": "FOUND_RIGHT" });
    let offer = shop.done(&shop.reviewer, "resolveOfferReport", answer.clone()).await;
    assert_eq!(offer["reports"][0]["outcome"], "FOUND_RIGHT");
    shop.refused(&shop.reviewer, "resolveOfferReport", answer, "offer.report_settled").await;
    let public = "query($id: UUID!) { offer(id: $id) { openReports reports { id } changes { id } } }";
    let answer = shop.query(&Identity::public(), public, json!({ "id": offer["id"] })).await;
    assert_eq!(answer.data()["offer"], json!({ "openReports": null, "reports": null, "changes": null }));
}

/// The offers that the searches below look through.
async fn market() -> Shop {
    let shop = Shop::open().await;
    let at = |area: &str, lat: &str, lon: &str| json!({ "area": area, "latitude": lat, "longitude": lon });
    shop.published(json!({})).await;
    let cafe = json!({
        "title": "Memory café", "summary": "Songs, cake and old photographs of gardens.",
        "whoFor": "People whose memory is failing.", "needs": ["CARING"], "communities": ["OLDER_PEOPLE"],
        "languages": ["EN", "CY"], "access": ["STEP_FREE", "HEARING_LOOP"],
        "cost": { "kind": "AMOUNT", "amount": "2.50" }, "joining": "OPEN", "ages": ["FROM_65_TO_79"],
        "place": at("SEFTON_NORTH", "53.6475", "-3.0053")
    });
    let cafe = shop.published(cafe).await;
    let online = json!({
        "title": "Phones and patience", "summary": "Find out what the buttons do.",
        "whoFor": "Anybody who would rather be shown.", "needs": ["DIGITAL"], "place": { "area": "ONLINE" },
        "communities": ["DEAF_PEOPLE"], "languages": ["BFI"], "joining": "REFERRAL"
    });
    let online = shop.published(online).await;
    let room = |offer: &Value, open: u32| json!({ "offerId": offer["id"], "open": open, "total": 8 });
    shop.done(&shop.worker, "stateCapacity", room(&cafe, 3)).await;
    let full = shop.done(&shop.worker, "stateCapacity", room(&online, 0)).await;
    assert_eq!(full["hasRoom"], false);
    shop
}

#[tokio::test]
async fn the_directory_finds_by_everything_people_ask_for() {
    let shop = market().await;
    let anybody = Identity::public();
    let (garden, cafe, phones) = ("Growing together", "Memory café", "Phones and patience");
    let city = json!({ "latitude": "53.4048", "longitude": "-2.9916" });
    let within = |km: u32| json!({ "latitude": "53.4048", "longitude": "-2.9916", "withinKm": km });
    let found: [(Value, &[&str]); 21] = [
        (json!({}), &[garden, cafe, phones]),
        (json!({ "words": "grow" }), &[garden]),
        (json!({ "words": "gardening" }), &[garden, cafe]),
        (json!({ "words": "memo" }), &[cafe]),
        (json!({ "words": "memroy" }), &[cafe]),
        (json!({ "words": "company" }), &[garden]),
        (json!({ "words": "Welsh songs" }), &[cafe]),
        (json!({ "words": "cooking together" }), &[garden, cafe, phones]),
        (json!({ "words": "nothing of the kind" }), &[]),
        (json!({ "need": "DIGITAL" }), &[phones]),
        (json!({ "community": "OLDER_PEOPLE" }), &[garden, cafe]),
        (json!({ "area": "ONLINE" }), &[phones]),
        (json!({ "near": city }), &[garden, cafe, phones]),
        (json!({ "near": within(10) }), &[garden]),
        (json!({ "languages": ["EN", "CY"] }), &[cafe]),
        (json!({ "access": ["HEARING_LOOP", "STEP_FREE"] }), &[cafe]),
        (json!({ "age": "FROM_16_TO_24" }), &[garden, phones]),
        (json!({ "free": true }), &[garden, phones]),
        (json!({ "hasRoom": true }), &[cafe]),
        (json!({ "confirmedSince": "2026-05-06" }), &[]),
        (json!({ "joining": "REFERRAL", "confirmedSince": DAY }), &[phones]),
    ];
    for (search, wanted) in found {
        let titles = shop.titles(&anybody, search.clone()).await;
        assert_eq!(titles, wanted, "{search}");
    }
    let document = "query($near: NearInput) { offers(search: { near: $near }) { nodes { distanceKm } } }";
    let answer = shop.query(&anybody, document, json!({ "near": city })).await;
    let kilometres: Vec<&Value> =
        answer.data()["offers"]["nodes"].as_array().unwrap().iter().map(|node| &node["distanceKm"]).collect();
    assert_eq!(kilometres, [&json!("4.4"), &json!("27.0"), &Value::Null]);
}

#[tokio::test]
async fn what_takes_nobody_stands_lower_and_pages_go_on_where_they_stopped() {
    let shop = market().await;
    let staff = &shop.reviewer;
    let paused = shop.published(json!({ "title": "Growing for the kitchen" })).await;
    shop.done(&shop.worker, "pauseOffer", json!({ "offerId": paused["id"], "backOn": "2026-06-01" })).await;
    let words = json!({ "words": "growing" });
    assert_eq!(shop.titles(staff, words.clone()).await, ["Growing together", "Growing for the kitchen"]);
    assert_eq!(
        shop.titles(&Identity::public(), words).await,
        ["Growing together"],
        "paused ones are left out"
    );
    shop.done(&shop.worker, "resumeOffer", json!({ "offerId": paused["id"] })).await;

    let document =
        "query($search: OfferSearch, $after: String) { offers(search: $search, first: 1, after: $after) {
        nodes { content { title } partner { name offerCount } } pageInfo { endCursor hasNextPage } } }";
    for search in [
        json!({}),
        json!({ "words": "growing" }),
        json!({ "near": { "latitude": "53.4", "longitude": "-2.9" } }),
    ] {
        let all = shop.titles(staff, search.clone()).await;
        let (mut after, mut paged) = (Value::Null, Vec::new());
        loop {
            let answer = shop.query(staff, document, json!({ "search": search, "after": after })).await;
            let page = &answer.data()["offers"];
            let node = &page["nodes"][0];
            assert_eq!(node["partner"], json!({ "name": "Cooking together 1", "offerCount": 4 }));
            paged.push(node["content"]["title"].as_str().unwrap().to_owned());
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == json!(false) {
                break;
            }
        }
        assert_eq!(paged, all, "{search}");
    }

    let suspend = json!({ "partnerId": shop.partner["id"] });
    shop.town.done(&shop.town.people.approver, "suspendPartner", suspend).await;
    assert_eq!(shop.titles(&Identity::public(), json!({})).await, Vec::<String>::new());
    assert_eq!(shop.titles(staff, json!({})).await.len(), 4);
}
