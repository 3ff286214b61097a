//! A world for a test: a migrated database of its own with every projection standing, and the store over it.

use sidebyside::projections;
use sidebyside::store::Store;
use sidebyside::store::database::{APP, OWNER, app_pool, migrate};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

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

    /// A pool as the owner of the tables.
    pub async fn owner(&self) -> PgPool {
        pool(&self.database.options_as(OWNER)).await
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
