//! Where the record is kept, and opening it: database, migrations, projections, vault, app.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::app::{App, Surroundings};
use crate::auth::{Accounts, Chance};
use crate::projections;
use crate::store::Store;
pub use crate::store::database::Pool;
use crate::store::database::{Database, Logins, app_pool, look, sealer_pool};
pub use crate::store::embedded::Purpose;
use crate::store::embedded::Settings;
use crate::store::seal::{SealKey, Sealer, finish_change};
use crate::store::vault::{ForgottenList, MasterKey, Vault};
use crate::store::witness::{Asking, ToAsk};

/// How many connections the app holds at most, beside that of the writer.
const CONNECTIONS: u32 = 10;

/// Where the record is kept.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// A PostgreSQL server of your own, 15 or later; without it the embedded one is used.
    #[arg(long, env = "DATABASE_URL", global = true, hide_env_values = true)]
    database_url: Option<String>,
    /// Another login for migrations, where the first may not make tables.
    #[arg(long, env = "SIDEBYSIDE_OWNER_URL", global = true, hide_env_values = true)]
    owner_url: Option<String>,
    /// Another login for sealing, where the first may not become the sealer.
    #[arg(long, env = "SIDEBYSIDE_SEALER_URL", global = true, hide_env_values = true)]
    sealer_url: Option<String>,
    /// The key that seals the log: a file as C2SP signed-note tools write it, that only you may read. Beside the
    /// embedded database one is made.
    #[arg(long, env = "SIDEBYSIDE_SEAL_KEY_FILE", global = true)]
    seal_key_file: Option<PathBuf>,
    /// A witness that is asked to sign each checkpoint, and where: its verifier key and its address. More with semicolons,
    /// or said again.
    #[arg(
        long,
        env = "SIDEBYSIDE_WITNESS",
        global = true,
        value_name = "NAME+ID+KEY@URL",
        value_delimiter = ';'
    )]
    ask_witness: Vec<String>,
    /// The key of the vault: a file of 64 hexadecimal digits that only you may read. Beside the embedded database
    /// one is made.
    #[arg(long, env = "SIDEBYSIDE_VAULT_KEY_FILE", global = true)]
    vault_key_file: Option<PathBuf>,
    /// The list of those who were forgotten, best on another disk: a restore needs it. Beside the embedded database
    /// one is kept.
    #[arg(long, env = "SIDEBYSIDE_FORGOTTEN_FILE", global = true)]
    forgotten_file: Option<PathBuf>,
}

/// Everything opened.
pub struct Opened {
    /// The database.
    pub database: Database,
    /// The store.
    pub store: Store,
    /// The accounts.
    pub accounts: Accounts,
    /// The app.
    pub app: App,
}

impl Place {
    /// The database alone, as it stands.
    pub async fn database(&self, purpose: Purpose) -> anyhow::Result<Database> {
        let settings = Settings::from_environment(purpose);
        // As with our other variables, an empty one counts as unset.
        let given = |url: &'_ Option<String>| url.clone().filter(|url| !url.trim().is_empty());
        let logins = Logins {
            app: given(&self.database_url),
            owner: given(&self.owner_url),
            sealer: given(&self.sealer_url),
        };
        Ok(Database::open(&logins, settings).await?)
    }

    /// Everything, brought up to date.
    pub async fn open(&self, purpose: Purpose) -> anyhow::Result<Opened> {
        self.open_over(self.database(purpose).await?).await
    }

    /// Everything over a database, brought up to date.
    pub async fn open_over(&self, database: Database) -> anyhow::Result<Opened> {
        match self.open_on(&database).await {
            Ok((store, accounts, app)) => Ok(Opened { database, store, accounts, app }),
            Err(error) => {
                database.close().await?;
                Err(error)
            }
        }
    }

    async fn open_on(&self, database: &Database) -> anyhow::Result<(Store, Accounts, App)> {
        database.migrate().await?;
        database.hold_guards().await?;
        let owner = database.owner_pool().await?;
        projections::install(&owner).await.context("the projections could not be built")?;
        owner.close().await;
        let pool = app_pool(database.app(), CONNECTIONS).await?;
        let vault =
            Vault::new(pool.clone(), self.master_key(database)?).with_list(self.forgotten_list(database));
        if vault.is_open() {
            vault.check().await.context("the vault")?;
        }
        let accounts = Accounts::new(pool.clone(), Chance::SYSTEM);
        let store = projections::open_store(pool);
        let app = App::new(store.clone(), accounts.clone(), vault, Surroundings::SYSTEM);
        app.finish_restore().await.context("the restore of this record")?;
        // Whoever was to be forgotten before a crash, or before the back-up this vault was restored from, is forgotten now.
        let forgotten = app.finish_erasures().await.context("the people who are to be forgotten")?;
        if forgotten > 0 {
            tracing::info!(forgotten, "what was begun is at its end");
        }
        Ok((store, accounts, app))
    }

    /// The sealer, where there is a key to seal with.
    pub async fn sealer(&self, opened: &Opened) -> anyhow::Result<Option<Sealer>> {
        let Some(key) = self.seal_key(opened).await? else { return Ok(None) };
        Ok(Some(Sealer::open(sealer_pool(opened.database.sealer()).await?, key).await?))
    }

    /// Whoever asks the witnesses, where any are named.
    pub async fn asking(&self, opened: &Opened) -> anyhow::Result<Option<Asking>> {
        let witnesses = self.witnesses()?;
        if witnesses.is_empty() {
            return Ok(None);
        }
        let pool = sealer_pool(opened.database.sealer()).await?;
        Ok(Some(Asking::new(pool, witnesses).context("witnesses cannot be asked from this computer")?))
    }

    /// The witnesses that are named.
    pub fn witnesses(&self) -> anyhow::Result<Vec<ToAsk>> {
        let named = self.ask_witness.iter().filter(|named| !named.trim().is_empty());
        let read =
            |named: &String| named.parse().with_context(|| format!("the witness {named} (NAME+ID+KEY@URL)"));
        named.map(read).collect()
    }

    /// Ask each witness once to sign the newest checkpoint. Who does not answer is named, and stops nothing.
    pub async fn ask_witnesses(&self, opened: &Opened) -> anyhow::Result<()> {
        let Some(asking) = self.asking(opened).await? else { return Ok(()) };
        for (witness, trouble) in asking.once().await {
            tracing::warn!("the witness {} has not signed the newest checkpoint: {trouble}", witness.name());
        }
        Ok(())
    }

    /// The key that seals: the file named, or one beside the embedded database, made for this log when it is not there.
    pub async fn seal_key(&self, opened: &Opened) -> anyhow::Result<Option<SealKey>> {
        self.seal_key_over(&opened.database, opened.store.pool()).await
    }

    /// The key that seals, before anything else is opened.
    pub async fn seal_key_over(&self, database: &Database, pool: &Pool) -> anyhow::Result<Option<SealKey>> {
        let Some(file) = self.seal_key_file(database) else { return Ok(None) };
        finish_change(pool, &file).await?;
        if self.seal_key_file.is_some() {
            return Ok(Some(SealKey::from_file(&file)?));
        }
        let log = look(pool).await?.origin;
        Ok(Some(SealKey::make_file(&file, &format!("sidebyside/{log}"))?))
    }

    /// Where the key that seals is.
    pub fn seal_key_file(&self, database: &Database) -> Option<PathBuf> {
        let beside = || database.folder().map(|folder| folder.join("seal.key"));
        self.seal_key_file.clone().or_else(beside)
    }

    /// The key of the vault: the file named, or one beside the embedded database, made when it is not there.
    pub fn master_key(&self, database: &Database) -> anyhow::Result<Option<MasterKey>> {
        match (&self.vault_key_file, database.folder()) {
            (Some(file), _) => Ok(Some(MasterKey::from_file(file)?)),
            (None, Some(folder)) => Ok(Some(MasterKey::make_file(&folder.join("vault.key"))?)),
            (None, None) => Ok(None),
        }
    }

    /// The list of those who were forgotten: the file named, or one beside the embedded database.
    pub fn forgotten_list(&self, database: &Database) -> Option<ForgottenList> {
        let beside = || database.folder().map(|folder| folder.join("forgotten"));
        self.forgotten_file.clone().or_else(beside).map(ForgottenList::at)
    }
}

impl Opened {
    /// Let go of everything in order: what is under way finishes, the embedded database stops.
    pub async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        Ok(self.database.close().await?)
    }
}
