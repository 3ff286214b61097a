//! Sites, courses, sessions and views through the API: what was done, who may tell of it, and what is turned down.

use serde_json::{Value, json};
use sidebyside::auth::Identity;
use sidebyside::domain::identity::{PartnerId, Role};
use uuid::Uuid;

use crate::world::{Answer, World};

/// The calendar stands here.
const TODAY: &str = "2026-05-12";

/// A world with somebody of the inclusion team.
pub struct Rooms {
    pub world: World,
    pub rosa: Identity,
}

impl Rooms {
    pub async fn new() -> Self {
        let world = World::new().await;
        let rosa = world.somebody("Rosa Imaginary", Role::Inclusion, None).await;
        Self { world, rosa }
    }

    pub async fn ask(&self, who: &Identity, name: &str, mut input: Value) -> Answer {
        let (kind, field) = kind_of(name);
        let document = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ receipt {{ index }} {field} {{ id }} }} }}"
        );
        if input.get("reason").is_none() {
            input["reason"] = json!("For a test, all invented.");
        }
        self.world.ask_on(TODAY, who, &document, json!({ "input": input })).await
    }

    /// Do something that must succeed, and give back the id of what it was done to.
    pub async fn done(&self, name: &str, input: Value) -> Value {
        let answer = self.ask(&self.rosa, name, input).await;
        answer.data()[name][kind_of(name).1]["id"].clone()
    }

    /// Something that must be turned down with a code, and leave nothing behind. Gives back the sentence.
    pub async fn refused(&self, name: &str, input: Value, code: &str) -> String {
        let before = self.world.size().await;
        let answer = self.ask(&self.rosa, name, input).await;
        let (found, sentence) = answer.refusal();
        assert_eq!(found, code, "{sentence}");
        assert!(sentence.ends_with('.') && sentence.len() > 10, "{sentence}");
        assert_eq!(self.world.size().await, before, "nothing is half done");
        sentence.to_owned()
    }

    pub async fn site(&self, setting: &str, area: &str, partner: Option<&Value>) -> Value {
        let input =
            json!({ "name": "Brook Lane Rooms", "setting": setting, "area": area, "partnerId": partner });
        self.done("openSite", input).await
    }

    async fn course(&self) -> Value {
        let input = json!({ "title": "Sleep, slowly", "pillar": "LEARNING", "about": "On sleeping better." });
        self.done("defineCourse", input).await
    }

    fn plan(&self, course: &Value, site: &Value, day: &str) -> Value {
        json!({ "courseId": course, "siteId": site, "day": day, "startsAt": "10:30", "places": 14,
            "ledById": self.rosa.person.0, "effectiveOn": "2026-03-02" })
    }

    /// A session planned in March.
    pub async fn session(&self, course: &Value, site: &Value, day: &str) -> Value {
        self.done("scheduleSession", self.plan(course, site, day)).await
    }

    /// A session that took place, with so many heads.
    async fn held(&self, course: &Value, site: &Value, day: &str, heads: u32) -> Value {
        let session = self.session(course, site, day).await;
        self.done("deliverSession", json!({ "sessionId": session })).await;
        self.done("countAttendance", json!({ "sessionId": session, "heads": heads })).await;
        session
    }

    async fn partner(&self, name: &str) -> Value {
        let document =
            "mutation($name: String!) { applyAsPartner(input: {name: $name, legalForm: FAITH_GROUP,
            areas: [KNOWSLEY], communities: [EVERYONE], summary: \"Songs\"}) { partner { id } } }";
        let answer = self.world.ask(&self.rosa, document, json!({ "name": name })).await;
        answer.data()["applyAsPartner"]["partner"]["id"].clone()
    }

    /// A person on the record, by their opaque reference.
    async fn person(&self) -> Value {
        let advisor = self.world.somebody("Jamie Pretend", Role::Advisor, None).await;
        let document = "mutation { registerPerson(input: {met: THEMSELVES}) { person { id } } }";
        let answer = self.look(&advisor, document, json!({})).await;
        answer.data()["registerPerson"]["person"]["id"].clone()
    }

    async fn look(&self, who: &Identity, document: &str, variables: Value) -> Answer {
        self.world.ask_on(TODAY, who, document, variables).await
    }
}

/// The type of a mutation's input, and the field of its payload.
fn kind_of(name: &str) -> (&'static str, &'static str) {
    match name {
        "openSite" => ("OpenSiteInput", "site"),
        "closeSite" | "reopenSite" => ("SiteInput", "site"),
        "reportViews" => ("ReportViewsInput", "site"),
        "withdrawViews" => ("WithdrawViewsInput", "site"),
        "defineCourse" => ("DefineCourseInput", "course"),
        "publishContent" => ("PublishContentInput", "course"),
        "scheduleSession" => ("ScheduleSessionInput", "session"),
        "cancelSession" | "deliverSession" => ("SessionInput", "session"),
        "countAttendance" | "correctAttendance" => ("CountAttendanceInput", "session"),
        "markAttendee" => ("MarkAttendeeInput", "session"),
        "describePublication" => ("DescribePublicationInput", "publication"),
        "stateFigure" => ("StateFigureInput", "figure"),
        "restateFigure" => ("RestateFigureInput", "figure"),
        "withdrawFigure" => ("WithdrawFigureInput", "figure"),
        "noteMention" => ("NoteMentionInput", "publication"),
        "noteCaveat" => ("NoteCaveatInput", "publication"),
        other => panic!("no mutation {other} here"),
    }
}

#[tokio::test]
async fn sessions_are_told_by_month_and_setting_and_views_by_channel() {
    let rooms = Rooms::new().await;
    let course = rooms.course().await;
    let own = rooms.site("OWN_SITE", "SEFTON_SOUTH", None).await;
    let online = rooms.site("ONLINE", "ONLINE", None).await;
    let first = rooms.held(&course, &own, "2026-03-10", 8).await;
    rooms.held(&course, &own, "2026-04-14", 5).await;
    rooms.held(&course, &online, "2026-04-15", 20).await;
    let off = rooms.session(&course, &own, "2026-04-21").await;
    rooms.done("cancelSession", json!({ "sessionId": off })).await;
    rooms.session(&course, &own, "2026-06-02").await;
    rooms.done("correctAttendance", json!({ "sessionId": first, "heads": 9 })).await;
    for person in [rooms.person().await, rooms.person().await] {
        rooms.done("markAttendee", json!({ "sessionId": first, "personRef": person })).await;
    }
    rooms
        .done("publishContent", json!({ "courseId": course, "channelId": online, "title": "Week one" }))
        .await;
    for (from, to, count) in [("2026-03-01", "2026-03-31", 40), ("2026-04-01", "2026-04-30", 50)] {
        let views = json!({ "channelId": online, "from": from, "to": to, "count": count, "cumulative": false,
            "source": "Statistics" });
        rooms.done("reportViews", views).await;
    }

    let document = "query($by: ActivityBreakdown!, $filter: SessionFilter) { activity(by: $by, filter: $filter) {
        groups { key name tally { ...t } } total { ...t } views { channel { id } views } } }
        fragment t on ActivityTally { sessionsPlanned sessionsDelivered sessionsCancelled sessionsCounted attendances
            peopleMarked }";
    let tally = |planned: u32, delivered: u32, cancelled: u32, attendances: u32, people: u32| {
        json!({ "sessionsPlanned": planned, "sessionsDelivered": delivered, "sessionsCancelled": cancelled,
            "sessionsCounted": delivered, "attendances": attendances, "peopleMarked": people })
    };
    let told = rooms.look(&rooms.rosa, document, json!({ "by": "MONTH" })).await;
    let activity = &told.data()["activity"];
    let month = |key: &str, name: &str, tally: Value| json!({ "key": key, "name": name, "tally": tally });
    let wanted = json!([
        month("2026-03", "March 2026", tally(0, 1, 0, 9, 2)),
        month("2026-04", "April 2026", tally(0, 2, 1, 25, 0)),
        month("2026-06", "June 2026", tally(1, 0, 0, 0, 0)),
    ]);
    assert_eq!(activity["groups"], wanted);
    assert_eq!(activity["total"], tally(1, 3, 1, 34, 2));
    assert_eq!(activity["views"], json!([{ "channel": { "id": online }, "views": 90 }]));

    let spring = json!({ "by": "SETTING", "filter": { "from": "2026-04-01", "to": "2026-04-30" } });
    let told = rooms.look(&rooms.rosa, document, spring).await;
    let activity = &told.data()["activity"];
    let names: Vec<&Value> =
        activity["groups"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["online", "a site of our own"]);
    assert_eq!(activity["groups"][0]["tally"], tally(0, 1, 0, 20, 0));
    assert_eq!(activity["views"][0]["views"], 50);

    let sefton = json!({ "by": "SITE", "filter": { "areas": ["SEFTON_SOUTH"] } });
    let told = rooms.look(&rooms.rosa, document, sefton).await;
    let activity = &told.data()["activity"];
    assert_eq!(activity["groups"][0]["name"], "Brook Lane Rooms");
    assert_eq!((&activity["total"], &activity["views"]), (&tally(1, 2, 1, 14, 2), &json!([])));

    let pages = "query($after: String) { sessions(first: 2, after: $after) {
        nodes { day startsAt status attendances peopleMarked ledBy { name } } pageInfo { endCursor hasNextPage } } }";
    let told = rooms.look(&rooms.rosa, pages, json!({})).await;
    let page = &told.data()["sessions"];
    let wanted = json!({ "day": "2026-03-10", "startsAt": "10:30", "status": "DELIVERED", "attendances": 9,
        "peopleMarked": 2, "ledBy": { "name": "Rosa Imaginary" } });
    assert_eq!(page["nodes"][0], wanted);
    let next = json!({ "after": page["pageInfo"]["endCursor"] });
    let told = rooms.look(&rooms.rosa, pages, next).await;
    assert_eq!(told.data()["sessions"]["nodes"][0]["day"], "2026-04-15");
}

#[tokio::test]
async fn heads_that_cannot_be_are_turned_down() {
    let rooms = Rooms::new().await;
    let course = rooms.course().await;
    let site = rooms.site("OWN_SITE", "KNOWSLEY", None).await;
    let count = |session: &Value, heads: Value| json!({ "sessionId": session, "heads": heads });
    let ahead = rooms.session(&course, &site, "2026-05-13").await;
    let told = rooms.refused("countAttendance", count(&ahead, json!(4)), "session.in_future").await;
    assert!(told.contains("13 May 2026"), "{told}");
    let off = rooms.session(&course, &site, "2026-05-05").await;
    rooms.refused("countAttendance", count(&off, json!(4)), "session.not_delivered").await;
    rooms.done("cancelSession", json!({ "sessionId": off })).await;
    let told = rooms.refused("countAttendance", count(&off, json!(4)), "session.cancelled").await;
    assert!(told.starts_with("This session was cancelled"), "{told}");

    let held = rooms.held(&course, &site, "2026-05-06", 1).await;
    for (heads, code) in [
        (json!(-1), "count.negative"),
        (json!(2.5), "count.fraction"),
        (json!("4"), "count.unreadable"),
        (json!(1_000_000_000_000_i64), "count.too_large"),
        (json!(5_000_000_000_i64), "session.too_many_heads"),
        (json!(1), "session.same_count"),
    ] {
        rooms.refused("correctAttendance", count(&held, heads), code).await;
    }
    rooms.refused("countAttendance", count(&held, json!(3)), "session.already_counted").await;
    let (first, second) = (rooms.person().await, rooms.person().await);
    let mark = |person: &Value| json!({ "sessionId": held, "personRef": person });
    rooms.refused("markAttendee", mark(&json!(Uuid::from_u128(404))), "not_found").await;
    rooms.done("markAttendee", mark(&first)).await;
    rooms.refused("markAttendee", mark(&first), "session.marked_already").await;
    let told = rooms.refused("markAttendee", mark(&second), "session.more_marked_than_counted").await;
    assert!(told.starts_with("That would be 2 people marked and 1 counted"), "{told}");
}

#[tokio::test]
async fn the_history_says_that_somebody_came_and_not_who() {
    let rooms = Rooms::new().await;
    let course = rooms.course().await;
    let site = rooms.site("OWN_SITE", "KNOWSLEY", None).await;
    let held = rooms.held(&course, &site, "2026-05-06", 1).await;
    rooms.done("markAttendee", json!({ "sessionId": held, "personRef": rooms.person().await })).await;
    let auditor = rooms.world.somebody("Ola Auditor", Role::Auditor, None).await;
    let document =
        "query($id: UUID) { history(filter: {streamId: $id}) { nodes { sentence values { name value } } } }";
    let told = rooms.look(&auditor, document, json!({ "id": held })).await;
    let entries = told.data()["history"]["nodes"].as_array().unwrap();
    let last = json!({ "sentence": "Somebody was marked as having come.", "values": [] });
    assert_eq!(entries.last(), Some(&last));
    assert_eq!(entries[2]["values"], json!([{ "name": "heads", "value": "1" }]));
}

#[tokio::test]
async fn a_session_needs_an_open_place_a_course_and_a_leader() {
    let rooms = Rooms::new().await;
    let course = rooms.course().await;
    let site = rooms.site("OWN_SITE", "KNOWSLEY", None).await;
    let nothing = json!(Uuid::from_u128(404));
    let plan = |course: &Value, site: &Value| rooms.plan(course, site, "2026-06-02");
    rooms.refused("scheduleSession", plan(&nothing, &site), "not_found").await;
    rooms.refused("scheduleSession", plan(&course, &nothing), "not_found").await;
    let mut led_by_nobody = plan(&course, &site);
    led_by_nobody["ledById"] = nothing;
    rooms.refused("scheduleSession", led_by_nobody, "not_found").await;
    rooms.refused("scheduleSession", rooms.plan(&course, &site, "2026-03-01"), "session.day_gone").await;
    rooms.done("closeSite", json!({ "siteId": site })).await;
    rooms.refused("scheduleSession", plan(&course, &site), "site.closed").await;
    rooms.done("reopenSite", json!({ "siteId": site })).await;
    rooms.done("scheduleSession", plan(&course, &site)).await;

    let content = json!({ "courseId": course, "channelId": site, "title": "Week one" });
    rooms.refused("publishContent", content, "site.not_a_channel").await;
    let sites = "{ sites(filter: {setting: OWN_SITE}) { name isOpen open { from to } } courses { title content { title } } }";
    let told = rooms.look(&Identity::public(), sites, json!({})).await;
    let spell = |to: Value| json!({ "from": TODAY, "to": to });
    assert_eq!(told.data()["sites"][0]["open"], json!([spell(json!(TODAY)), spell(Value::Null)]));
    assert_eq!(told.data()["courses"], json!([{ "title": "Sleep, slowly", "content": [] }]));
}

#[tokio::test]
async fn no_view_counts_twice() {
    let rooms = Rooms::new().await;
    let channel = rooms.site("ONLINE", "ONLINE", None).await;
    let other = rooms.site("ONLINE", "ONLINE", None).await;
    let views = |channel: &Value, from: &str, to: &str, count: i64| json!({ "channelId": channel, "from": from, "to": to, "count": count, "cumulative": false, "source": "Statistics" });
    rooms.done("reportViews", views(&channel, "2026-04-01", "2026-04-30", 50)).await;
    let overlapping = views(&channel, "2026-04-30", "2026-05-10", 9);
    let told = rooms.refused("reportViews", overlapping.clone(), "site.views_overlap").await;
    assert!(told.contains("from 1 April 2026 to 30 April 2026"), "{told}");
    rooms.done("reportViews", views(&other, "2026-04-30", "2026-05-10", 9)).await;
    rooms
        .refused("reportViews", views(&channel, "2026-05-01", "2026-05-13", 9), "site.views_in_future")
        .await;
    rooms.refused("reportViews", views(&channel, "2026-03-01", "2026-03-31", -9), "count.negative").await;
    let days = json!({ "channelId": channel, "from": "2026-04-01", "to": "2026-04-30" });
    rooms.done("withdrawViews", days.clone()).await;
    rooms.refused("withdrawViews", days, "site.views_unknown").await;
    rooms.done("reportViews", overlapping).await;
}

#[tokio::test]
async fn a_partner_tells_of_sessions_at_its_own_place_and_knows_of_no_other() {
    let rooms = Rooms::new().await;
    let (own, theirs) = (rooms.partner("Choir one").await, rooms.partner("Choir two").await);
    let course = rooms.course().await;
    let place = rooms.site("PARTNERS_PLACE", "KNOWSLEY", Some(&own)).await;
    let elsewhere = rooms.site("PARTNERS_PLACE", "KNOWSLEY", Some(&theirs)).await;
    let mine = rooms.session(&course, &place, "2026-05-12").await;
    let foreign = rooms.session(&course, &elsewhere, "2026-05-12").await;
    let ours = rooms.site("OWN_SITE", "KNOWSLEY", None).await;
    let staffs = rooms.session(&course, &ours, "2026-05-12").await;
    let partner = PartnerId(own.as_str().unwrap().parse().unwrap());
    let worker = rooms.world.somebody("Pat Partner", Role::PartnerWorker, Some(partner)).await;

    let nothing = json!(Uuid::from_u128(404));
    let one = "query($id: UUID!) { session(id: $id) { day } }";
    for hidden in [&foreign, &staffs] {
        for name in ["deliverSession", "countAttendance", "correctAttendance", "markAttendee"] {
            let input = |session: &Value| match name {
                "deliverSession" => json!({ "sessionId": session }),
                "markAttendee" => json!({ "sessionId": session, "personRef": Uuid::from_u128(1) }),
                _ => json!({ "sessionId": session, "heads": 3 }),
            };
            let (there, nowhere) = (
                rooms.ask(&worker, name, input(hidden)).await,
                rooms.ask(&worker, name, input(&nothing)).await,
            );
            assert_eq!(there.refusal(), nowhere.refusal(), "{name}");
            assert_eq!(there.refusal().0, "not_found", "{name}");
        }
        let there = rooms.look(&worker, one, json!({ "id": hidden })).await;
        let nowhere = rooms.look(&worker, one, json!({ "id": nothing })).await;
        assert_eq!(there.refusal(), nowhere.refusal());
    }
    for (name, input) in [
        ("deliverSession", json!({ "sessionId": mine })),
        ("countAttendance", json!({ "sessionId": mine, "heads": 3 })),
    ] {
        let answer = rooms.ask(&worker, name, input).await;
        assert_eq!(answer.data()[name]["session"]["id"], mine);
    }
    // Somebody of whom nothing is shared with the partner is nobody to it.
    let stranger = json!({ "sessionId": mine, "personRef": rooms.person().await });
    let nobody = json!({ "sessionId": mine, "personRef": Uuid::from_u128(404) });
    let (known, unknown) = (
        rooms.ask(&worker, "markAttendee", stranger).await,
        rooms.ask(&worker, "markAttendee", nobody).await,
    );
    assert_eq!((known.refusal(), known.refusal().0), (unknown.refusal(), "not_found"));
    let all = "{ sessions { nodes { id attendances } } }";
    let told = rooms.look(&worker, all, json!({})).await;
    assert_eq!(told.data()["sessions"]["nodes"], json!([{ "id": mine, "attendances": 3 }]));
    let cancel = rooms.ask(&worker, "cancelSession", json!({ "sessionId": mine })).await;
    assert_eq!(cancel.refusal().0, "forbidden");
}
