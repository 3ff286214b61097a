//! The clock, the processor time of processes, and how samples become figures.

use std::fmt;
use std::fs;
use std::time::Instant;

use anyhow::Context as _;

/// A moment from which is measured.
#[derive(Clone, Copy)]
pub struct Clock(Instant);

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock, here and nowhere else")]
pub fn start() -> Clock {
    Clock(Instant::now())
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock, here and nowhere else")]
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub per_second: f64,
    /// Of all processes.
    pub cpu_micros: f64,
    /// Of the processes of the database.
    pub database_micros: f64,
}

impl Sample {
    pub fn new(count: u64, seconds: f64, cpu: Cpu) -> Self {
        let count = count as f64;
        Self {
            per_second: count / seconds,
            cpu_micros: (cpu.own + cpu.database) * 1e6 / count,
            database_micros: cpu.database * 1e6 / count,
        }
    }
}

/// Processor time in seconds: of this process with those of its children that have ended, and of a database server.
#[derive(Debug, Clone, Copy)]
pub struct Cpu {
    own: f64,
    database: f64,
}

impl Cpu {
    /// What was used so far, by us and by the server with this main process.
    pub fn so_far(server: u32) -> anyhow::Result<Self> {
        Ok(Self { own: Times::of("self")?.with_ended_children(), database: database_cpu(server)? })
    }

    /// What was used since then.
    pub fn since(self, server: u32) -> anyhow::Result<Self> {
        let now = Self::so_far(server)?;
        Ok(Self { own: now.own - self.own, database: now.database - self.database })
    }
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// The value that so many in a hundred do not exceed.
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// How samples compare with others taken beside them: the median of the ratios within each repetition, least and most.
pub struct Ratio(Option<(f64, f64, f64)>);

impl Ratio {
    pub fn of(samples: &[Sample], others: &[Sample]) -> Self {
        let ratios: Vec<f64> =
            samples.iter().zip(others).map(|(one, other)| one.per_second / other.per_second).collect();
        if ratios.is_empty() {
            return Self(None);
        }
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        Self(Some((median(ratios.into_iter()), least, most)))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some((middle, least, most)) => write!(f, "**{middle:.2}** ({least:.2} to {most:.2})"),
        }
    }
}

/// Processor time of a database server: its main process, the sessions that run, and those that have ended.
fn database_cpu(main: u32) -> anyhow::Result<f64> {
    let mut sum = Times::of(&main.to_string())?.with_ended_children();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            continue;
        };
        // One that ends in this moment is counted with its parent the next time.
        if let Ok(times) = Times::of(process)
            && times.parent == main
        {
            sum += times.own;
        }
    }
    Ok(sum)
}

struct Times {
    parent: u32,
    own: f64,
    ended_children: f64,
}

impl Times {
    /// From /proc/N/stat, in the hundredths of a second that Linux gives.
    fn of(process: &str) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let (_, rest) = stat.rsplit_once(") ").context("an odd stat file")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |place: usize| -> anyhow::Result<f64> {
            Ok(fields.get(place).context("short")?.parse::<f64>()? / 100.0)
        };
        Ok(Self {
            parent: fields.get(1).context("short")?.parse()?,
            own: ticks(11)? + ticks(12)?,
            ended_children: ticks(13)? + ticks(14)?,
        })
    }

    fn with_ended_children(&self) -> f64 {
        self.own + self.ended_children
    }
}

/// Memory of a process that is in use and in memory, in megabytes.
pub fn resident(process: u32) -> anyhow::Result<f64> {
    memory(process, "VmRSS:")
}

/// The most that a process has ever had in memory, in megabytes.
pub fn most_resident(process: u32) -> anyhow::Result<f64> {
    memory(process, "VmHWM:")
}

fn memory(process: u32, line: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|found| found.strip_prefix(line)).context("no such line")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
