//! `serve`: the server, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Extension;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::place::{Opened, Place, Purpose};
use super::{say, seed, sign_in, words};
use crate::auth::SignIn;
use crate::exports::evidence::Archives;
use crate::graphql::api_with;
use crate::store::seal::Sealer;
use crate::web::{Limits, Stopping, router};

/// How long requests that are under way may take to end, once the server is told to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Start the server and keep it up until it is told to stop.
pub async fn serve(
    place: Place,
    listen: SocketAddr,
    scenario: Option<PathBuf>,
    asked: &sign_in::Asked,
) -> anyhow::Result<()> {
    let sign_in = asked.way(listen)?;
    // The address first: a taken port should not cost the start of a database.
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen} (name another address with --listen)"))?;
    let address = listener.local_addr()?;
    let mut opened = place.open(Purpose::Service).await?;
    if let Some(file) = scenario {
        match seed::load(&opened.app, &file).await {
            Ok(loaded) => say(&loaded.to_string()),
            Err(error) => {
                opened.close().await?;
                return Err(error);
            }
        }
    }
    let sealer = match place.sealer(&opened).await {
        Ok(Some(sealer)) => Some(sealer),
        Ok(None) => {
            tracing::warn!("no key to seal the log with is named: nothing is sealed (--seal-key-file)");
            None
        }
        // People go on working; what is wrong is said at once and again by `verify` and `doctor`.
        Err(error) => {
            tracing::error!("the log is not being sealed: {}", words(&error));
            None
        }
    };
    let archives = Archives::of(sealer.as_ref().map(Sealer::shown));
    let (stop_sealing, told) = tokio::sync::watch::channel(());
    let sealing = sealer.map(|sealer| tokio::spawn(sealer.run(told)));
    let asking = asking(&place, &opened, stop_sealing.subscribe()).await;
    let accounts = opened.accounts.clone();
    let (stop, stopping) = tokio::sync::watch::channel(());
    let api = api_with(opened.app.clone(), archives);
    let edge = router(api, sign_in.clone(), accounts, Limits::default())?
        .layer(Extension(Stopping(stopping.clone())));
    say(&greeting(&sign_in, address).await);
    let served = axum::serve(listener, edge).with_graceful_shutdown(async move {
        let mut stopping = stopping;
        // Either way the server ends: told to, or with whoever would have told it.
        let _told = stopping.changed().await;
    });
    let serving = tokio::spawn(served.into_future());
    let ended = told_to_stop(opened.database.server()).await;
    drop(stop);
    if let Ok(served) = tokio::time::timeout(PATIENCE, serving).await {
        served??;
    } else {
        tracing::warn!("a request did not end in time, and was cut off");
    }
    drop(stop_sealing);
    if let Some(sealing) = sealing {
        sealing.await?;
    }
    if let Some(asking) = asking {
        asking.await?;
    }
    opened.close().await?;
    match ended {
        None => Ok(()),
        Some(why) => bail!("{why}"),
    }
}

/// Ask witnesses from now on, where any are named: what is wrong with that keeps nobody from working.
async fn asking(
    place: &Place,
    opened: &Opened,
    stop: tokio::sync::watch::Receiver<()>,
) -> Option<tokio::task::JoinHandle<()>> {
    match place.asking(opened).await {
        Ok(asking) => asking.map(|asking| tokio::spawn(asking.run(stop))),
        Err(error) => {
            tracing::error!("no witness is asked: {}", words(&error));
            None
        }
    }
}

/// What to say at the start.
async fn greeting(sign_in: &SignIn, address: SocketAddr) -> String {
    match sign_in {
        SignIn::Development(development) => {
            let base = format!("http://{address}");
            format!(
                "Side by Side is at {base}\n\
                 \n  Sign in once:  {}\n  For scripts:   Authorization: Bearer {}\n\
                 \nThis is the development mode: no provider is configured, so only this computer is answered.",
                development.ticket_link(&base),
                development.token()
            )
        }
        SignIn::Provider(provider) => {
            let there = if provider.is_there().await {
                ""
            } else {
                "\nThe provider does not answer as it should (the log says why). Until it does, nobody can sign in."
            };
            let settings = provider.settings();
            format!(
                "Side by Side is at {}, and listens on {address}\n\n  People sign in with {}{there}",
                settings.public_url(),
                settings.issuer()
            )
        }
    }
}

/// Wait for a signal, or for the embedded database to end by itself, which is then said.
async fn told_to_stop(server: Option<&mut crate::store::embedded::Server>) -> Option<String> {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return Some("this machine does not let the server wait for signals".into());
    };
    let database = async {
        match server {
            Some(server) => server.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        why = database => Some(why),
    }
}
