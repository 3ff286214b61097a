//! What people look at: tables folded from the log, kept up inside the transaction that appends, rebuildable from
//! nothing. Each projection has its tables, its fold and its reads in one file.

pub mod as_at;
pub mod audit;
pub mod build;
pub mod consultations;
pub mod contacts;
pub mod courses;
pub mod delegations;
pub mod funds;
pub mod grants;
pub mod inclusion;
pub mod inclusion_tables;
pub mod ledger;
pub mod offers;
pub mod partners;
pub mod payments;
pub mod persons;
pub mod prescriptions;
pub mod programmes;
pub mod publications;
mod records;
pub mod referrals;
pub mod sessions;
mod sheaves;
pub mod sites;
pub mod thread;
pub mod waiting;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{PgConnection, PgPool};

pub use crate::store::Trouble;
use crate::store::log::Recorded;
use crate::store::{Inline, Store};
pub use records::{Record, by_name, one, several};
use records::{read, unreadable};
pub use sheaves::Sheaf;

/// The schema the projections stand in.
pub const STANDING: &str = "views";

/// The tables about people who are helped: the auditor's role reads every table but these.
const ABOUT_PEOPLE: &[&str] = &["person", "referral", "contact", "prescription"];

/// One table of a projection. It can be dropped at any time: the log makes it again.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name in the schema.
    pub name: &'static str,
    /// Its columns, as in CREATE TABLE.
    pub columns: &'static str,
    /// The columns a rebuild copies in, in order.
    pub copied: &'static str,
    /// Its constraints and indexes, made after a rebuild has copied the rows in; `{table}` stands for its name.
    pub indexes: &'static [&'static str],
}

/// A view of the log.
#[async_trait]
pub trait Projection: Send + Sync {
    /// Its table.
    fn table(&self) -> Table;

    /// Raised when the table or the fold changes: what stands is then rebuilt at the next start.
    fn version(&self) -> i32;

    /// Take events in, inside the transaction that appends them.
    ///
    /// # Errors
    /// When the database fails; the events are then not appended either.
    async fn apply(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        events: &[Recorded],
    ) -> Result<(), Trouble>;

    /// A fold in memory, for a rebuild.
    fn fold(&self) -> Box<dyn Fold>;
}

/// A projection being rebuilt in memory: events in, rows out in the text form of COPY.
pub trait Fold: Send {
    /// Take one event in; rows that are finished may be written out at once.
    ///
    /// # Errors
    /// When a row cannot be written.
    fn take(&mut self, event: &Recorded, out: &mut Vec<u8>) -> Result<(), Trouble>;

    /// Write what is left.
    ///
    /// # Errors
    /// When a row cannot be written.
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<(), Trouble>;
}

/// Every projection there is.
#[must_use]
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(ledger::Ledger),
        Arc::new(ledger::Cases),
        Arc::new(ledger::Expecting),
        Arc::new(records::Records::<partners::PartnerRecord>::default()),
        Arc::new(records::Records::<funds::FundRecord>::default()),
        Arc::new(records::Records::<programmes::ProgrammeRecord>::default()),
        Arc::new(records::Records::<grants::GrantRecord>::default()),
        Arc::new(records::Records::<delegations::DelegationRecord>::default()),
        Arc::new(records::Records::<payments::PaymentRunRecord>::default()),
        Arc::new(records::Records::<prescriptions::PrescriptionRecord>::default()),
        Arc::new(sheaves::Sheaves::<thread::Links>::default()),
        Arc::new(records::Records::<inclusion::CountedContact>::default()),
        Arc::new(records::Records::<inclusion::CountedCase>::default()),
        Arc::new(sheaves::Sheaves::<inclusion::Scores>::default()),
        Arc::new(records::Records::<inclusion_tables::InclusionTableRecord>::default()),
        Arc::new(records::Records::<offers::OfferRecord>::default()),
        Arc::new(records::Records::<offers::OfferVersions>::default()),
        Arc::new(records::Records::<consultations::ConsultationRecord>::default()),
        Arc::new(records::Records::<persons::PersonRecord>::default()),
        Arc::new(records::Records::<referrals::ReferralRecord>::default()),
        Arc::new(records::Records::<contacts::ContactRecord>::default()),
        Arc::new(records::Records::<sites::SiteRecord>::default()),
        Arc::new(records::Records::<courses::CourseRecord>::default()),
        Arc::new(records::Records::<sessions::SessionRecord>::default()),
        Arc::new(records::Records::<publications::PublicationRecord>::default()),
    ]
}

/// All projections as the store keeps them up.
struct KeptUp(Vec<Arc<dyn Projection>>);

#[async_trait]
impl Inline for KeptUp {
    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), Trouble> {
        for projection in &self.0 {
            projection.apply(connection, STANDING, events).await?;
        }
        Ok(())
    }
}

/// The event store with every projection kept up inside its transactions.
#[must_use]
pub fn open_store(pool: PgPool) -> Store {
    Store::open(pool, vec![Arc::new(KeptUp(all()))])
}

/// Make the projections stand: build what is missing or of an older version. Run as the owner, after migrating.
///
/// # Errors
/// When the database fails or the log holds an event this program cannot read.
pub async fn install(owner: &PgPool) -> Result<(), Trouble> {
    build::make_stand(owner).await
}
