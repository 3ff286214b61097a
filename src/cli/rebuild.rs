//! `rebuild`: every projection anew from the log.

use indicatif::{ProgressBar, ProgressStyle};

use super::place::{Place, Purpose};
use super::say;
use crate::projections::build;

/// A bar for work over the events of the log. It is drawn on a terminal only.
pub fn bar(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:24} {bar:40} {pos}/{len} events  {per_sec}  {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message(what)
}

/// Build every projection anew.
pub async fn rebuild(place: Place) -> anyhow::Result<()> {
    let database = place.database(Purpose::Command).await?;
    database.migrate().await?;
    database.hold_guards().await?;
    let owner = database.owner_pool().await?;
    let bar = bar("Rebuilding");
    let progress = |done: i64, of: i64| {
        bar.set_length(of.unsigned_abs());
        bar.set_position(done.unsigned_abs());
    };
    let built = build::rebuild(&owner, &progress).await;
    bar.finish_and_clear();
    owner.close().await;
    database.close().await?;
    say(&format!("Every projection was rebuilt from {} events.", built?));
    Ok(())
}
