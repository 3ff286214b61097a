//! `doctor`: what is here, what is missing, and what to do about it.

use std::process::ExitCode;

use super::place::{Opened, Place, Purpose};
use super::{exit_code, say, words};
use crate::store::seal::latest;
use crate::store::witness::{Standing, ToAsk, WitnessKey, standing};

/// Look at the installation.
pub async fn look(place: Place) -> anyhow::Result<ExitCode> {
    let opened = match place.open(Purpose::Command).await {
        Ok(opened) => opened,
        Err(error) => {
            say(&format!("MISSING  {}", words(&error)));
            return Ok(ExitCode::from(exit_code(&error)));
        }
    };
    let facts = match facts(&opened).await {
        Ok(facts) => Ok([facts, seals(&place, &opened).await].concat()),
        Err(error) => Err(error),
    };
    let folder = opened.database.folder().map(|folder| folder.display().to_string());
    opened.close().await?;
    say(&match folder {
        Some(folder) => format!("OK       database: embedded, in {folder}"),
        None => "OK       database: the server of DATABASE_URL".into(),
    });
    for fact in facts? {
        say(&fact);
    }
    let graphiql = crate::web::has_graphiql();
    say(if graphiql {
        "OK       GraphiQL: built in"
    } else {
        "MISSING  GraphiQL: run scripts/set-up and build again; everything else works without it"
    });
    Ok(ExitCode::SUCCESS)
}

async fn facts(opened: &Opened) -> anyhow::Result<Vec<String>> {
    let facts = crate::store::database::look(opened.store.pool()).await?;
    let guarded = if facts.works_as_app {
        "OK       the server works in a role that can only append to the log".to_string()
    } else {
        "MISSING  the server works in a role that may do more than append: let the login be a member of sidebyside_app".into()
    };
    let vault = if opened.app.vault_is_open() {
        "OK       vault: open".to_string()
    } else {
        "MISSING  vault: closed; name its key in SIDEBYSIDE_VAULT_KEY_FILE".into()
    };
    Ok(vec![
        format!("OK       PostgreSQL {}", facts.version),
        format!("OK       log: {} events, origin {}", facts.size, facts.origin),
        guarded,
        vault,
    ])
}

/// What seals the log, and how far it is sealed.
async fn seals(place: &Place, opened: &Opened) -> Vec<String> {
    let key = match place.seal_key(opened).await {
        Ok(Some(key)) => format!("OK       verifier key of the log: {}", key.public()),
        Ok(None) => "MISSING  nothing is sealed: name the key in SIDEBYSIDE_SEAL_KEY_FILE".into(),
        Err(error) => format!("MISSING  seals: {}", words(&error)),
    };
    let sealed = match latest(opened.store.pool(), None).await {
        Ok(Some(newest)) => {
            format!("OK       sealed: the first {} events, at {}", newest.size, newest.signed_at)
        }
        Ok(None) => "MISSING  no event is sealed yet: `serve` seals, and so does `bundle`".into(),
        Err(trouble) => format!("MISSING  seals: {trouble}"),
    };
    let mut facts = vec![key, sealed];
    match place.witnesses() {
        Ok(witnesses) if witnesses.is_empty() => {
            facts.push("MISSING  no witness signs the checkpoints: name one in SIDEBYSIDE_WITNESS".into());
        }
        Ok(witnesses) => {
            for ToAsk { key, .. } in witnesses {
                facts.push(witnessed(opened, &key).await);
            }
        }
        Err(error) => facts.push(format!("MISSING  witnesses: {}", words(&error))),
    }
    facts
}

/// How far a witness has followed.
async fn witnessed(opened: &Opened, witness: &WitnessKey) -> String {
    let name = witness.name();
    match standing(opened.store.pool(), witness).await {
        Ok(Some(Standing { size, cosigned_at, is_old: false })) => {
            format!("OK       witness {name}: has seen the first {size} events, at {cosigned_at}")
        }
        Ok(Some(Standing { size, cosigned_at, .. })) => {
            format!("MISSING  witness {name}: has seen {size} events at {cosigned_at}, and nothing for a day")
        }
        Ok(None) => format!("MISSING  witness {name}: has signed nothing yet; `serve` asks it"),
        Err(trouble) => format!("MISSING  witness {name}: {trouble}"),
    }
}
