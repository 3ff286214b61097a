//! A world for a test: a migrated database of its own with every projection standing, and the store over it.

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use sidebyside::app::{App, Surroundings};
use sidebyside::auth::{Accounts, Chance, Identity, Name};
use sidebyside::domain::identity::{PartnerId, Role};
use sidebyside::graphql::{Api, api};
use sidebyside::projections;
use sidebyside::store::Store;
use sidebyside::store::database::{APP, OWNER, app_pool, migrate};
use sidebyside::store::vault::{MasterKey, Vault};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::database::{self, Database};

/// Known to the harness: a change of a migration makes a new template.
fn fingerprint() -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for migration in sqlx::migrate!().iter() {
        migration.checksum.hash(&mut hasher);
    }
    for projection in projections::all() {
        (projection.table().name, projection.version(), projection.table().columns).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

async fn make_template(owner: PgConnectOptions) {
    migrate(&owner).await.expect("migrations run");
    let pool = pool(&owner).await;
    projections::install(&pool).await.expect("projections stand");
    pool.close().await;
}

async fn pool(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(8).connect_with(options.clone()).await.expect("the database answers")
}

/// A database and the store over it.
pub struct World {
    /// The database; dropped with the world.
    pub database: Database,
    /// The store, as the app.
    pub store: Store,
}

impl World {
    /// A new world.
    pub async fn new() -> Self {
        let database = database::fresh(&fingerprint(), make_template).await;
        let pool = app_pool(&database.options_as(APP), 8).await.expect("the app may connect");
        Self { store: projections::open_store(pool), database }
    }

    /// A new world in which a scenario was played. The first test of the run that asks for it plays it, as any user
    /// would; `scenario` names it with what it holds.
    pub async fn after<Played: Future<Output = ()>>(
        scenario: &str,
        play: impl FnOnce(Store) -> Played,
    ) -> Self {
        let make = async |owner: PgConnectOptions| {
            make_template(owner.clone()).await;
            let pool = app_pool(&owner.username(APP), 8).await.expect("the app may connect");
            play(projections::open_store(pool.clone())).await;
            pool.close().await;
        };
        let database = database::fresh(&format!("{scenario}{}", fingerprint()), make).await;
        let pool = app_pool(&database.options_as(APP), 8).await.expect("the app may connect");
        Self { store: projections::open_store(pool), database }
    }

    /// The app over this world.
    pub fn app(&self) -> App {
        let pool = self.store.pool().clone();
        let vault = Vault::new(pool.clone(), Some(MasterKey::from_hex(&"5e".repeat(32)).expect("a key")));
        App::new(self.store.clone(), Accounts::new(pool, Chance::SYSTEM), vault, Surroundings::SYSTEM)
    }

    /// Somebody in a role.
    pub async fn somebody(&self, name: &str, role: Role, partner: Option<PartnerId>) -> Identity {
        let accounts = Accounts::new(self.store.pool().clone(), Chance::SYSTEM);
        let person = accounts.find_or_make(&Name::new(name).expect("a name")).await.expect("an account");
        Identity { person, name: name.to_owned(), role, partner }
    }

    /// Anybody in a role: of an invented partner where it is a partner's, and without a name where they are the public.
    pub async fn anybody(&self, role: Role) -> Identity {
        if role == Role::Public {
            return Identity::public();
        }
        let partner = role.is_of_a_partner().then(|| PartnerId(Uuid::from_u128(5)));
        self.somebody("Sam Anybody", role, partner).await
    }

    /// Give somebody authority to approve every grant up to a limit, at any time.
    pub async fn give_authority(&self, to: &Identity, limit: &str) {
        let finance = self.somebody("Gil Giver", Role::Finance, None).await;
        let document = "mutation($person: UUID!, $limit: Money!) { grantAuthority(input: {personId: $person, limit: $limit,
            from: \"2020-01-01\", to: \"2199-12-31\", reason: \"Scheme of delegation, all invented.\"}) { receipt { index } } }";
        let answer = self.ask(&finance, document, json!({ "person": to.person.0, "limit": limit })).await;
        assert!(answer.data()["grantAuthority"].is_object());
    }

    /// Ask the API something as somebody.
    pub async fn ask(&self, who: &Identity, document: &str, variables: Value) -> Answer {
        self.ask_of(api(self.app()), who, document, variables).await
    }

    /// Ask the API something as somebody, with its calendar at a day.
    pub async fn ask_on(&self, day: &str, who: &Identity, document: &str, variables: Value) -> Answer {
        self.ask_of(api(self.app().on_day(day.parse().expect("a date"))), who, document, variables).await
    }

    async fn ask_of(&self, api: Api, who: &Identity, document: &str, variables: Value) -> Answer {
        let request = Request::new(document).variables(Variables::from_json(variables)).data(who.clone());
        let response = api.execute(request).await;
        Answer(serde_json::to_value(&response).expect("an answer is JSON"))
    }

    /// How many events there are.
    pub async fn size(&self) -> i64 {
        self.store.size().await.expect("the log has a size")
    }

    /// A pool as the owner of the tables.
    pub async fn owner(&self) -> PgPool {
        pool(&self.database.options_as(OWNER)).await
    }
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer(pub Value);

impl Answer {
    /// The data, where there was no error.
    pub fn data(&self) -> &Value {
        assert!(self.0.get("errors").is_none(), "{}", self.0);
        &self.0["data"]
    }

    /// The code of the first error, with its sentence.
    pub fn refusal(&self) -> (&str, &str) {
        let error = &self.0["errors"][0];
        let code = error["extensions"]["code"].as_str();
        (code.unwrap_or_else(|| panic!("no code: {}", self.0)), error["message"].as_str().unwrap_or_default())
    }

    /// The problems of what was typed: field and code.
    pub fn problems(&self) -> Vec<(&str, &str)> {
        let problems = self.0["errors"][0]["extensions"]["problems"].as_array();
        problems
            .into_iter()
            .flatten()
            .map(|one| (one["field"].as_str().unwrap_or_default(), one["code"].as_str().unwrap_or_default()))
            .collect()
    }
}

/// A pool of the app on a database of its own, for tests of the accounts alone.
pub async fn accounts_pool() -> PgPool {
    let database = database::fresh(&fingerprint(), make_template).await;
    let pool = app_pool(&database.options_as(APP), 4).await.expect("the app may connect");
    // The database goes when the test process ends and its server is put away.
    std::mem::forget(database);
    pool
}
