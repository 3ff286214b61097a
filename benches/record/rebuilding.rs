//! Events a second: building every projection anew from the log, beside letting the log out with COPY.

use futures_util::StreamExt as _;
use sidebyside::projections::{self, build};
use sidebyside::store::database::{OWNER, migrate};
use sidebyside::store::embedded::{DATABASE, SUPERUSER, Server};
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgPool};

use super::measuring::{Cpu, Ratio, Sample, median, start};
use super::seeding::fill;
use super::town::{Happening, town};

/// What was measured, in the order of the table.
pub struct Results {
    pub events: u64,
    rebuild: Vec<Sample>,
    copy: Vec<Sample>,
}

pub async fn run(server: &Server, events: u64, repetitions: u64) -> anyhow::Result<Results> {
    let owner = server.options(OWNER, DATABASE);
    migrate(&owner).await?;
    fill(&owner, Exactly { left: events, towns: 0 }).await?;
    let pool = PgPoolOptions::new().max_connections(4).connect_with(owner).await?;
    projections::install(&pool).await?;
    let mut superuser = server.options(SUPERUSER, DATABASE).connect().await?;
    superuser.execute("CHECKPOINT").await?;
    superuser.close().await?;
    let mut results = Results { events, rebuild: Vec::new(), copy: Vec::new() };
    let process = server.process();
    for _ in 0..repetitions {
        let (clock, cpu) = (start(), Cpu::so_far(process)?);
        copy_out(&pool).await?;
        let seconds = clock.seconds();
        results.copy.push(Sample::new(events, seconds, cpu.since(process)?));

        let (clock, cpu) = (start(), Cpu::so_far(process)?);
        let built = build::rebuild(&pool, &|_, _| {}).await?;
        let seconds = clock.seconds();
        anyhow::ensure!(u64::try_from(built)? == events, "a rebuild read {built} events of {events}");
        results.rebuild.push(Sample::new(events, seconds, cpu.since(process)?));
    }
    pool.close().await;
    Ok(results)
}

pub async fn copy_out(pool: &PgPool) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await?;
    let mut stream = connection.copy_out_raw("COPY public.events TO STDOUT").await?;
    while let Some(bytes) = stream.next().await {
        bytes?;
    }
    Ok(())
}

/// Towns, cut off at an exact number of events.
pub struct Exactly {
    pub left: u64,
    pub towns: u32,
}

impl Iterator for Exactly {
    type Item = Vec<Happening>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let mut told = town(self.towns);
        self.towns += 1;
        told.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= told.len() as u64;
        Some(told)
    }
}

/// The table for people.
pub fn table(results: &Results) -> String {
    let Results { events, rebuild, copy } = results;
    let row = |name: &str, samples: &[Sample]| {
        format!(
            "| {name} | {:.0} | {} | {:.2} |\n",
            median(samples.iter().map(|sample| sample.per_second)),
            Ratio::of(samples, copy),
            median(samples.iter().map(|sample| sample.cpu_micros)),
        )
    };
    format!(
        "\n| {events} events | events/s | x COPY | CPU µs an event |\n|---|---|---|---|\n{}{}",
        row("rebuild of every projection", rebuild),
        row("`COPY events TO STDOUT`", copy),
    )
}
