//! Reading the record as it stood: the same store over another pool, in whose one session the names of the log and of its
//! projections mean those of a cut. The last few cuts that were asked for are kept.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use sqlx::PgPool;
use tokio::sync::OnceCell;

use super::{Store, Trouble};

/// How many cuts are kept, each in a session of its own.
const KEPT: NonZeroUsize = NonZeroUsize::new(4).expect("not nought");

type Cut = Arc<OnceCell<PgPool>>;

/// The cuts that are kept, by how many events they have.
pub(super) struct Cuts {
    kept: Mutex<LruCache<i64, Cut>>,
    turn: tokio::sync::Mutex<()>,
}

impl Default for Cuts {
    fn default() -> Self {
        Self { kept: Mutex::new(LruCache::new(KEPT)), turn: tokio::sync::Mutex::default() }
    }
}

impl Cuts {
    /// The cut with so many events, made or not.
    fn of(&self, size: i64) -> Cut {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.get_or_insert(size, Cut::default))
    }

    fn forget(&self, size: i64) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop(&size);
    }
}

impl Store {
    /// The store as it reads at a cut: the first `size` events. `make` makes the pool of one that is not kept, one at a
    /// time, so that whoever asks for many keeps nobody else from their work; and to its end, so that whoever lost
    /// patience finds it made when they ask again.
    ///
    /// # Errors
    /// When the cut cannot be made.
    pub(crate) async fn at<Made>(
        &self,
        size: i64,
        make: impl FnOnce(PgPool, i64) -> Made + Send + 'static,
    ) -> Result<Self, Trouble>
    where
        Made: Future<Output = Result<PgPool, Trouble>> + Send + 'static,
    {
        // What a session holds is gone with it: then once more, from nothing.
        if let Some(pool) = self.cuts.of(size).get()
            && !stands(pool, size).await
        {
            self.cuts.forget(size);
        }
        let (cut, cuts, live) = (self.cuts.of(size), Arc::clone(&self.cuts), self.pool.clone());
        let making = tokio::spawn(async move {
            let made = cut.get_or_try_init(|| async {
                let _turn = cuts.turn.lock().await;
                make(live, size).await
            });
            made.await.cloned()
        });
        let pool = making.await.map_err(|error| Trouble::Other(error.to_string()))??;
        Ok(Self { pool, ..self.clone() })
    }
}

/// Whether the session of a cut is still the one it was made in.
async fn stands(pool: &PgPool, size: i64) -> bool {
    let found = sqlx::query_scalar::<_, i64>("SELECT size FROM pg_temp.log_head").fetch_one(pool).await;
    found.is_ok_and(|found| found == size)
}
