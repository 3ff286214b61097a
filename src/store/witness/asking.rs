//! Asking witnesses: each checkpoint is shown to every witness that was named, with the proof that it goes on from the
//! last one that it saw. No command waits for that: each witness is asked by a task of its own, and again until it answers.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::{Client, StatusCode, Url};
use sqlx::PgPool;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep};

use super::key::WitnessKey;
use crate::store::Trouble;
use crate::store::copy::Rows;
use crate::store::seal::{Node, NoteTrouble, Sealed, Tree, latest, parts};

/// How often it is looked whether there is a new checkpoint to be shown.
const LOOK: Duration = Duration::from_secs(1);
/// How long a witness may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait after a witness did not answer, at first and at most: twice as long each time.
const AFTER_SILENCE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(5));
/// More bytes than any answer has.
const LONGEST: usize = 16 * 1024;

/// A witness to be asked: its key and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToAsk {
    /// What checks its cosignatures.
    pub key: WitnessKey,
    url: Url,
}

impl FromStr for ToAsk {
    type Err = NoteTrouble;

    /// `NAME+ID+KEY@URL`.
    fn from_str(text: &str) -> Result<Self, NoteTrouble> {
        let wrong = || NoteTrouble::Key(text.to_owned());
        let (key, url) = text.trim().split_once("@http").ok_or_else(wrong)?;
        let url = format!("http{}/add-checkpoint", url.trim_end_matches('/'));
        let url = Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        Ok(Self { key: WitnessKey::new(key)?, url: url.ok_or_else(wrong)? })
    }
}

/// Why a witness has not signed. Each reads as the end of a sentence.
#[derive(Debug, thiserror::Error)]
pub enum AskTrouble {
    /// It did not answer, or not as a witness does.
    #[error("it does not answer: {0}")]
    Away(String),
    /// It does not know us.
    #[error("it does not watch a log of this name and key; whoever runs it has to add the verifier key")]
    Unknown,
    /// It has seen more.
    #[error(
        "it has seen {there} events of this log, and here {here} are sealed: an older copy is running here, or the end \
         of the log was cut off"
    )]
    Ahead {
        /// How many it has seen.
        there: u64,
        /// How many are sealed here.
        here: u64,
    },
    /// It has seen another log.
    #[error(
        "it says that this log does not go on from what it saw before ({0}): the log was changed, or this is another copy \
         of it"
    )]
    Refused(StatusCode),
    /// Its signature does not hold.
    #[error("what it answers is not its cosignature")]
    NotItsSignature,
    /// The leaves are not those that were sealed.
    #[error("the leaves of the log are not those that were sealed; `sidebyside verify` says more")]
    OtherLeaves,
    /// The database.
    #[error(transparent)]
    Store(#[from] Trouble),
    /// The database.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Asks witnesses about one log.
pub struct Asking {
    pool: PgPool,
    http: Client,
    witnesses: Vec<ToAsk>,
    /// As much of the log as was needed so far, for the proofs: 64 bytes an event.
    tree: Mutex<Tree>,
}

impl Asking {
    /// Ready to ask these, over a pool of the sealer’s role.
    ///
    /// # Errors
    /// When this computer cannot ask anybody.
    pub fn new(pool: PgPool, witnesses: Vec<ToAsk>) -> Result<Self, reqwest::Error> {
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        Ok(Self { pool, http: client.build()?, witnesses, tree: Mutex::default() })
    }

    /// Ask each witness once about the newest checkpoint, all at the same time: who has not signed it, and why.
    pub async fn once(&self) -> Vec<(WitnessKey, AskTrouble)> {
        let asked = self.witnesses.iter().map(|witness| async move {
            let trouble = self.ask(witness).await.err()?;
            Some((witness.key.clone(), trouble))
        });
        futures_util::future::join_all(asked).await.into_iter().flatten().collect()
    }

    /// Ask every witness about every new checkpoint, and at least once an hour, until told to stop.
    pub async fn run(self, stop: watch::Receiver<()>) {
        let this = Arc::new(self);
        let mut tasks = tokio::task::JoinSet::new();
        for place in 0..this.witnesses.len() {
            let (this, mut stop) = (Arc::clone(&this), stop.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = this.follow(place) => {}
                    _ = stop.changed() => {}
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn follow(&self, place: usize) {
        let Some(witness) = self.witnesses.get(place) else { return };
        let name = witness.key.name();
        let (mut said, mut wait, mut since) = (String::new(), AFTER_SILENCE.0, Instant::now());
        loop {
            let asked = match self.is_due(&witness.key).await {
                Ok(true) => self.ask(witness).await,
                Ok(false) => Ok(()),
                Err(trouble) => Err(trouble),
            };
            let Err(trouble) = asked else {
                if !said.is_empty() {
                    tracing::warn!("the witness {name} signs again, after {:?}", since.elapsed());
                    said.clear();
                }
                wait = AFTER_SILENCE.0;
                sleep(LOOK).await;
                continue;
            };
            let words = trouble.to_string();
            if said.is_empty() {
                since = Instant::now();
            }
            if words != said {
                tracing::error!("the witness {name} has not signed: {words}");
                said = words;
            }
            sleep(wait).await;
            wait = AFTER_SILENCE.1.min(wait * 2);
        }
    }

    /// Whether there is a checkpoint that a witness has not signed, or not for an hour.
    async fn is_due(&self, witness: &WitnessKey) -> Result<bool, AskTrouble> {
        Ok(sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM seal.checkpoint) AND NOT EXISTS (
                 SELECT FROM seal.cosignature WHERE witness = $1 AND size = (SELECT max(size) FROM seal.checkpoint)
                     AND stored_at > clock_timestamp() - interval '1 hour')",
        )
        .bind(witness.as_str())
        .fetch_one(&self.pool)
        .await?)
    }

    /// Show a witness the newest checkpoint, and keep what it signs.
    async fn ask(&self, witness: &ToAsk) -> Result<(), AskTrouble> {
        let Some(head) = latest(&self.pool, None).await? else { return Ok(()) };
        let here = head.size.unsigned_abs();
        let known: Option<i64> =
            sqlx::query_scalar("SELECT max(size) FROM seal.cosignature WHERE witness = $1")
                .bind(witness.key.as_str())
                .fetch_one(&self.pool)
                .await?;
        let mut from = known.unwrap_or_default().unsigned_abs();
        // Another server may have shown it more in between, or the log may be new to it: it says how far it is.
        for _ in 0..3 {
            let proof = self.proof(from, &head).await?;
            let lines: String = proof.iter().map(|node| BASE64.encode(node) + "\n").collect();
            let (status, body) = self.post(witness, format!("old {from}\n{lines}\n{}", head.note)).await?;
            match status {
                StatusCode::OK => return self.keep(witness, &head, &body).await,
                StatusCode::CONFLICT => {
                    let there = body.trim().parse().map_err(|_| AskTrouble::Refused(status))?;
                    if there == from {
                        return Err(AskTrouble::Refused(status));
                    }
                    if there > here {
                        return Err(AskTrouble::Ahead { there, here });
                    }
                    from = there;
                }
                StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Err(AskTrouble::Unknown),
                StatusCode::UNPROCESSABLE_ENTITY => return Err(AskTrouble::Refused(status)),
                other => return Err(AskTrouble::Away(other.to_string())),
            }
        }
        Err(AskTrouble::Away("it says each time that it is elsewhere".into()))
    }

    async fn post(&self, witness: &ToAsk, request: String) -> Result<(StatusCode, String), AskTrouble> {
        let away = |why: reqwest::Error| {
            let why: &dyn std::error::Error = &why.without_url();
            AskTrouble::Away(why.source().map_or_else(|| why.to_string(), |cause| format!("{why}: {cause}")))
        };
        let mut answer = self.http.post(witness.url.clone()).body(request).send().await.map_err(away)?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(away)? {
            body.extend_from_slice(&part);
            if body.len() > LONGEST {
                return Err(AskTrouble::Away("its answer does not end".into()));
            }
        }
        let body = String::from_utf8(body).map_err(|_| AskTrouble::NotItsSignature)?;
        Ok((answer.status(), body))
    }

    /// Keep the cosignature in an answer, if it is one.
    async fn keep(&self, witness: &ToAsk, head: &Sealed, body: &str) -> Result<(), AskTrouble> {
        let (text, _) = parts(&head.note).unwrap_or_default();
        let cosigned = body.lines().find_map(|line| Some((line, witness.key.cosigned(text, line)?)));
        let (line, at) = cosigned.ok_or(AskTrouble::NotItsSignature)?;
        sqlx::query(
            "INSERT INTO seal.cosignature (size, witness, cosigned_at, line) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(head.size)
        .bind(witness.key.as_str())
        .bind(at)
        .bind(format!("{line}\n"))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The proof that a checkpoint goes on from the first events.
    async fn proof(&self, from: u64, head: &Sealed) -> Result<Vec<Node>, AskTrouble> {
        let size = head.size.unsigned_abs();
        let mut tree = self.tree.lock().await;
        if tree.size() < size {
            let mut connection = self.pool.acquire().await?.detach();
            let begin = tree.size();
            let query = format!(
                "SELECT leaf_hash FROM public.events WHERE index >= {begin} AND index < {size} ORDER BY index"
            );
            let mut rows = Rows::of(&mut connection, &query).await?;
            while let Some(row) = rows.next().await? {
                let leaf = row.bytes(0).and_then(|leaf| leaf.try_into().ok()).unwrap_or_default();
                tree.push(leaf).map_err(|_| AskTrouble::OtherLeaves)?;
            }
        }
        if tree.root(size).ok().as_ref().map(|root| &root[..]) != Some(&head.root[..]) {
            // Read anew the next time: what is in memory may be of before the log was put right.
            *tree = Tree::default();
            return Err(AskTrouble::OtherLeaves);
        }
        match from {
            0 => Ok(Vec::new()),
            from => tree.consistency(from, size).map_err(|_| AskTrouble::OtherLeaves),
        }
    }
}
