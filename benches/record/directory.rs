//! Searching the directory of offers: a page of it in GraphQL, as somebody sees it, beside the plain SQL with the same
//! predicates on the same tables.

use std::collections::BTreeSet;

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity};
use sidebyside::domain::Aggregate;
use sidebyside::domain::identity::{PartnerId, PersonId, Reference, ReferenceKind};
use sidebyside::domain::offer::{
    Cost, Joining, Offer, OfferContent, OfferEvent, OfferPlace, Point, Schedule, Venue,
};
use sidebyside::domain::partner::{LegalForm, Partner, PartnerEvent};
use sidebyside::domain::places::{Area, Community};
use sidebyside::domain::vocabulary::{Access, Language, NeedCode};
use sidebyside::graphql::{Api, api};
use sidebyside::projections;
use sidebyside::store::append::Draft;
use sidebyside::store::database::{APP, OWNER, app_pool, migrate};
use sidebyside::store::embedded::{SUPERUSER, Server, make_database};
use sidebyside::store::log::StreamName;
use sidebyside::store::vault::Vault;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor as _, PgPool, Row as _};
use uuid::Uuid;

use super::measuring::{Cpu, Ratio, Sample, median, start};
use super::seeding::fill;
use super::town::{Happening, day, words};

/// How many offers there are.
const OFFERS: u32 = 5_000;
/// How many partners make them.
const PARTNERS: u32 = 120;

const WHAT: [&str; 12] = [
    "Gardening",
    "Memory café",
    "Walking",
    "Carers’ break",
    "Cooking",
    "Deaf poetry",
    "Digital help",
    "Singing",
    "Sewing",
    "Football",
    "Conversation",
    "Warm room",
];
const WHERE: [&str; 10] = [
    "by the canal",
    "in the chapel",
    "at the library",
    "on the coast",
    "in the park",
    "at the hall",
    "by the docks",
    "at home",
    "in the yard",
    "at the school",
];

/// A page, as somebody sees it.
const PAGE: &str = "query($search: OfferSearch) { offers(search: $search, first: 25) { totalCount
    nodes { id reference content { title summary } partner { name } hasRoom distanceKm confirmedOn } } }";

/// One search: its name, what the API is asked, and the condition, order and distance of the plain SQL.
struct Question {
    name: &'static str,
    search: Value,
    plain: &'static str,
    order: &'static str,
}

fn questions() -> Vec<Question> {
    let place = json!({ "latitude": "53.4048", "longitude": "-2.9916", "withinKm": 5 });
    vec![
        Question { name: "everything, by title", search: json!({}), plain: "true", order: "o.title, o.id" },
        Question {
            name: "two words, ranked",
            search: json!({ "words": "garden canal" }),
            plain: "o.words @@ websearch_to_tsquery('pg_catalog.english', 'garden canal')",
            order: "-ts_rank_cd(o.words, websearch_to_tsquery('pg_catalog.english', 'garden canal'), 1), o.title, o.id",
        },
        Question {
            name: "a need, a language, step-free, with room",
            search: json!({ "need": "LONELINESS", "languages": ["AR"], "access": ["STEP_FREE"], "hasRoom": true }),
            plain: "o.needs ? 'loneliness' AND o.languages ? 'ar' AND o.access ? 'step_free' AND o.open_places > 0",
            order: "o.title, o.id",
        },
        Question {
            name: "within 5 km, the nearest first",
            search: json!({ "near": place }),
            plain: KILOMETRES,
            order: "km, o.title, o.id",
        },
    ]
}

const KILOMETRES: &str = "12742.0176 * asin(least(1.0, sqrt(power(sin(radians(lat - 53.4048) / 2), 2)
    + cos(radians(53.4048)) * cos(radians(lat)) * power(sin(radians(lon + 2.9916) / 2), 2)))) <= 5";

/// What was measured: each search, ours and plain.
pub struct Results(Vec<(&'static str, [Vec<Sample>; 2])>);

fn happening<A: Aggregate>(id: Uuid, sequence: i64, fact: A::Event) -> anyhow::Result<Happening> {
    Ok(Happening { stream: StreamName { kind: A::TYPE, id }, sequence, draft: Draft::new(fact)? })
}

fn partner(number: u32) -> anyhow::Result<Vec<Happening>> {
    let id = partner_id(number);
    let applied = PartnerEvent::Applied {
        reference: Reference::new(ReferenceKind::Partner, 2026, number + 1),
        name: words(&format!("Neighbours {number}")),
        legal_form: LegalForm::Association,
        charity_number: None,
        company_number: None,
        areas: BTreeSet::from([Area::LiverpoolNorth]),
        communities: BTreeSet::from([Community::Everyone]),
        summary: words("An invented organisation."),
    };
    let approved = PartnerEvent::Approved { next_review: day(300) };
    Ok(vec![happening::<Partner>(id, 1, applied)?, happening::<Partner>(id, 2, approved)?])
}

fn partner_id(number: u32) -> Uuid {
    Uuid::from_u128(0xBA00_0000 + u128::from(number % PARTNERS))
}

fn content(number: u32) -> anyhow::Result<OfferContent> {
    let pick = |step: u32, all: u32| number.wrapping_mul(2_654_435_761).rotate_left(step) % all;
    let (what, place) = (WHAT[pick(3, 12) as usize], WHERE[pick(9, 10) as usize]);
    let need = NeedCode::ALL[pick(5, 20) as usize];
    let language = Language::ALL[pick(11, 17) as usize];
    let area = Area::ALL[pick(13, 5) as usize];
    // Over Liverpool and Sefton.
    let (lat, lon) = (33_400 + pick(17, 32_000), 84_000 + pick(19, 15_900));
    let point = Point::read(&format!("53.{lat:05}"), &format!("-2.{lon:05}"))?;
    Ok(OfferContent {
        title: words(&format!("{what} {place} {number}")),
        summary: words("Company, a kettle, and somebody who knows the way. Come once or come always."),
        who_for: words("Anybody who would like to."),
        ages: BTreeSet::new(),
        languages: BTreeSet::from([Language::English, language]),
        access: [Access::StepFree, Access::ALL[pick(7, 13) as usize]].into(),
        cost: Cost::Free,
        place: OfferPlace::At(Venue { area, name: None, postcode: None, point: Some(point) }),
        schedule: Schedule { weekly: BTreeSet::new(), note: Some(words("Weekly")) },
        phone: None,
        email: None,
        joining: Joining::Open,
        needs: BTreeSet::from([NeedCode::Loneliness, need]),
        communities: BTreeSet::from([Community::Everyone]),
        grants: BTreeSet::new(),
    })
}

fn offer(number: u32) -> anyhow::Result<Vec<Happening>> {
    let id = Uuid::from_u128(0x0FFE_0000_0000 + u128::from(number));
    let (content, by) = (content(number)?, PersonId(Uuid::from_u128(0x9001)));
    let facts = [
        OfferEvent::Drafted {
            reference: Reference::new(ReferenceKind::Offer, 2026, number + 1),
            partner: PartnerId(partner_id(number)),
            content: content.clone(),
            drafted_by: by,
        },
        OfferEvent::Submitted { content, submitted_by: by },
        OfferEvent::Published { version: 1, from: day(30), review_due: day(300) },
        OfferEvent::CapacityStated { open: number % 4, total: 12, as_of: day(30) },
    ];
    (1..).zip(facts).map(|(sequence, fact)| happening::<Offer>(id, sequence, fact)).collect()
}

/// A database with a directory, and the service over it.
struct Place {
    pool: PgPool,
    api: Api,
}

impl Place {
    async fn new(server: &Server) -> anyhow::Result<Self> {
        let name = "directory";
        make_database(&server.options(SUPERUSER, "postgres"), name).await?;
        let owner = server.options(OWNER, name);
        migrate(&owner).await?;
        let histories: anyhow::Result<Vec<_>> =
            (0..PARTNERS).map(partner).chain((0..OFFERS).map(offer)).collect();
        fill(&owner, histories?.into_iter()).await?;
        let pool = PgPoolOptions::new().max_connections(4).connect_with(owner).await?;
        projections::install(&pool).await?;
        pool.execute("ANALYZE").await?;
        pool.close().await;
        let pool = app_pool(&server.options(APP, name), 4).await?;
        let store = projections::open_store(pool.clone());
        let accounts = Accounts::new(pool.clone(), Chance::SYSTEM);
        let app = App::new(store, accounts, Vault::new(pool.clone(), None), Surroundings::SYSTEM);
        Ok(Self { pool, api: api(app) })
    }

    /// A page as the public sees it; how many offers there are.
    async fn page(&self, search: &Value) -> anyhow::Result<i64> {
        let variables = Variables::from_json(json!({ "search": search }));
        let answer = self.api.execute(Request::new(PAGE).variables(variables).data(Identity::public())).await;
        anyhow::ensure!(answer.errors.is_empty(), "{:?}", answer.errors);
        let found = answer.data.into_json()?;
        found["offers"]["totalCount"].as_i64().ok_or_else(|| anyhow::anyhow!("no count: {found}"))
    }

    /// The same, as somebody would write it by hand: the page with its partners, and the count.
    async fn plain(&self, question: &Question) -> anyhow::Result<i64> {
        let (plain, order) = (question.plain, question.order);
        let distance = KILOMETRES.trim_end_matches(" <= 5");
        let from = "FROM views.offer AS o JOIN views.partner AS p ON p.id = o.partner
            WHERE o.status = 'published' AND p.status = 'approved'";
        let page = format!(
            "SELECT o.id, o.reference, o.title, o.doc -> 'content' ->> 'summary', p.name, o.open_places > 0,
                 {distance} AS km, o.confirmed_on {from} AND {plain} ORDER BY {order} LIMIT 26"
        );
        let rows = self.pool.fetch_all(page.as_str()).await?;
        anyhow::ensure!(!rows.is_empty(), "{} finds nothing", question.name);
        let count = format!("SELECT count(*) {from} AND {plain}");
        Ok(self.pool.fetch_one(count.as_str()).await?.try_get(0)?)
    }
}

/// Prepare the directory, and let both ways take turns.
pub async fn run(server: &Server, repetitions: u64) -> anyhow::Result<Results> {
    let place = Place::new(server).await?;
    let process = server.process();
    let mut results = Vec::new();
    for question in questions() {
        let (ours, plain) = (place.page(&question.search).await?, place.plain(&question).await?);
        anyhow::ensure!(ours == plain && ours > 0, "{}: {ours} and {plain} found", question.name);
        let mut samples: [Vec<Sample>; 2] = Default::default();
        // One more than is counted, for connections and caches.
        for repetition in 0..=repetitions {
            let (clock, cpu) = (start(), Cpu::so_far(process)?);
            for _ in 0..20 {
                place.page(&question.search).await?;
            }
            let ours = Sample::new(20, clock.seconds(), cpu.since(process)?);
            let (clock, cpu) = (start(), Cpu::so_far(process)?);
            for _ in 0..20 {
                place.plain(&question).await?;
            }
            let plain = Sample::new(20, clock.seconds(), cpu.since(process)?);
            if repetition > 0 {
                samples[0].push(ours);
                samples[1].push(plain);
            }
        }
        results.push((question.name, samples));
    }
    Ok(Results(results))
}

/// The table for people.
pub fn table(results: &Results) -> String {
    let mut told = format!(
        "\n| a page of 25 of {OFFERS} offers, in GraphQL | ms | plain SQL, ms | x plain SQL |\n|---|---|---|---|\n"
    );
    for (name, [ours, plain]) in &results.0 {
        let cost = |samples: &[Sample]| median(samples.iter().map(|sample| 1000.0 / sample.per_second));
        told +=
            &format!("| {name} | {:.1} | {:.1} | {} |\n", cost(ours), cost(plain), Ratio::of(ours, plain));
    }
    told
}
