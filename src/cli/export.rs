//! `export`: the events as a file for data teams, in the form of docs/feed.md.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::place::{Opened, Place, Purpose};
use super::rebuild::bar;
use super::say;
use crate::app::feed::Entry;
use crate::domain::calendar::{Date, end_of_day_in_london};
use crate::exports::feed::{HEADINGS, cloud_event, leaving, row};
use crate::projections::thread::size_before;
use crate::store::copy::stored_from;

/// Which events, in what form, and where to.
#[derive(Debug, Args)]
pub struct Export {
    /// The form: a CloudEvent on each line, or a table.
    #[arg(long, value_enum, default_value_t = Form::Ndjson)]
    format: Form,
    /// The first event: its position, or the day in London on which it was recorded. The first of all if left out.
    #[arg(long, value_name = "INDEX|DAY")]
    from: Option<Point>,
    /// The last event, as `--from`. The last of all if left out.
    #[arg(long, value_name = "INDEX|DAY")]
    to: Option<Point>,
    /// The file; it must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The form of the file.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Ndjson,
    Csv,
}

/// A place in the log as somebody names it.
#[derive(Debug, Clone, Copy)]
enum Point {
    Index(i64),
    Day(Date),
}

impl std::str::FromStr for Point {
    type Err = &'static str;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        let index = typed.parse().ok().filter(|index| *index >= 0).map(Self::Index);
        let day = || typed.parse().ok().map(Self::Day);
        index.or_else(day).ok_or("say a position from 0 on, or a day such as 2026-04-01")
    }
}

impl Point {
    /// The position of the first event from here on.
    async fn first(self, opened: &Opened) -> anyhow::Result<i64> {
        Ok(match self {
            Self::Index(index) => index,
            Self::Day(day) => {
                let eve = day.pred_opt().context("There is no day before that one.")?;
                size_before(opened.store.pool(), end_of_day_in_london(eve)).await?
            }
        })
    }

    /// The position after the last event up to here.
    async fn end(self, opened: &Opened) -> anyhow::Result<i64> {
        Ok(match self {
            Self::Index(index) => index.saturating_add(1),
            Self::Day(day) => size_before(opened.store.pool(), end_of_day_in_london(day)).await?,
        })
    }
}

/// The file as it is being written.
enum Sheet {
    Lines(BufWriter<File>),
    Table(Box<csv::Writer<File>>),
}

impl Sheet {
    fn begin(form: Form, file: File) -> anyhow::Result<Self> {
        Ok(match form {
            Form::Ndjson => Self::Lines(BufWriter::new(file)),
            Form::Csv => {
                let mut table = csv::Writer::from_writer(file);
                table.write_record(HEADINGS)?;
                Self::Table(Box::new(table))
            }
        })
    }

    fn put(&mut self, log: Uuid, entry: &Entry) -> anyhow::Result<()> {
        match self {
            Self::Lines(file) => writeln!(file, "{}", cloud_event(log, entry)?)?,
            Self::Table(table) => table.write_record(row(entry)?)?,
        }
        Ok(())
    }

    /// What was written is on the disk.
    fn end(self) -> anyhow::Result<()> {
        let file = match self {
            Self::Lines(file) => file.into_inner().map_err(std::io::IntoInnerError::into_error)?,
            Self::Table(table) => table.into_inner().map_err(csv::IntoInnerError::into_error)?,
        };
        Ok(file.sync_all()?)
    }
}

/// Write the file: beside its place, and moved there when it is whole.
pub async fn write(place: Place, asked: Export) -> anyhow::Result<()> {
    if asked.out.symlink_metadata().is_ok() {
        bail!("{} is there already: an export is written into a new file.", asked.out.display());
    }
    let opened = place.open(Purpose::Command).await?;
    let mut draft = asked.out.as_os_str().to_owned();
    draft.push(".unfinished");
    let draft = PathBuf::from(draft);
    let written = fill(&opened, &asked, &draft).await.and_then(|told| {
        std::fs::rename(&draft, &asked.out)?;
        Ok(told)
    });
    opened.close().await?;
    if written.is_err() && draft.is_file() {
        std::fs::remove_file(&draft)?;
    }
    say(&written?);
    Ok(())
}

async fn fill(opened: &Opened, asked: &Export, draft: &Path) -> anyhow::Result<String> {
    let size = opened.store.size().await?;
    let from = match asked.from {
        Some(from) => from.first(opened).await?,
        None => 0,
    };
    let end = match asked.to {
        Some(to) => to.end(opened).await?.min(size),
        None => size,
    };
    if from >= end {
        bail!("There is nothing to export: no event lies between the two. The log has {size} events.");
    }
    let log = opened.store.origin().await?;
    let bar = bar("Exporting");
    bar.set_length((end - from).unsigned_abs());
    let file = File::create(draft).with_context(|| format!("{} cannot be written", asked.out.display()))?;
    let mut sheet = Sheet::begin(asked.format, file)?;
    let (mut next, mut withheld) = (from, 0_u64);
    let copied = stored_from(opened.store.pool(), from, end, |event| -> anyhow::Result<()> {
        if event.index != next {
            bail!("The log has event {} where {next} should be: run `sidebyside verify`.", event.index);
        }
        next += 1;
        let entry = leaving(event)?;
        withheld += u64::from(entry.event.is_none());
        if next % 1024 == 0 {
            bar.set_position((next - from).unsigned_abs());
        }
        sheet.put(log, &entry)
    });
    copied.await?;
    bar.finish_and_clear();
    if next != end {
        bail!("The log gave {} events of {}: run `sidebyside verify`.", next - from, end - from);
    }
    sheet.end()?;
    Ok(format!(
        "{} holds the events {from} to {}; {withheld} of them are withheld, and keep their place.",
        asked.out.display(),
        end - 1
    ))
}
