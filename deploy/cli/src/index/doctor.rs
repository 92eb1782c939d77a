//! `charter index doctor`: what is wrong, if anything is.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{bail, ensure};
use charter_client::Rpc;
use charter_indexer::doctor::{self, Finding, Health};
use charter_indexer::state::State;
use serde_json::json;

use super::open::{Place, look_at_database};
use crate::files::DataDir;
use crate::output::sentence;

/// With less room than this a database stands still soon.
const FREE_BYTES_MIN: u64 = 1 << 30;

pub async fn run(place: &Place, config: Option<&Path>, json: bool) -> anyhow::Result<()> {
    // A folder that is not there is not made by looking for it.
    ensure!(place.data_dir.exists(), "{} does not exist", place.data_dir.display());
    let folder = DataDir::new(&place.data_dir)?;
    let mut findings: Vec<Finding> = config.map(of_file).into_iter().collect();
    let contracts = folder.contracts();
    findings.push(match &contracts {
        Ok(contracts) => Finding::well("deployment", format!("registry at {}", contracts.registry)),
        Err(error) => Finding::wrong("deployment", sentence(error)),
    });
    let state = look_at_tables(place, &folder, &mut findings).await;
    findings.push(match place.database_url {
        Some(_) => on_server(state.as_ref()),
        None => on_disk(&place.data_dir, state.as_ref()),
    });
    match &place.rpc_url {
        Some(url) => {
            let rpc = Rpc::new(url.clone());
            findings.extend(Box::pin(doctor::nodes(&rpc, contracts.as_ref().ok(), state.as_ref())).await);
        }
        None if folder.chain().exists() => {
            findings.push(Finding::well("node", "the folder's own chain, which `index run` starts"));
        }
        None => findings.push(Finding::wrong("node", "the folder has no chain, and no node is named: --rpc-url")),
    }
    tell(&findings, json);
    let wrong = findings.iter().filter(|finding| finding.health == Health::Wrong).count();
    if wrong > 0 {
        bail!("{wrong} of {} things that were looked at are wrong", findings.len());
    }
    Ok(())
}

async fn look_at_tables(place: &Place, folder: &DataDir, findings: &mut Vec<Finding>) -> Option<State> {
    let database = match look_at_database(folder, place.database_url.as_deref()).await {
        Ok(Some(database)) => database,
        Ok(None) => {
            findings.push(Finding::odd("database", "there is none in the folder yet: `index run` makes it"));
            return None;
        }
        Err(error) => {
            findings.push(Finding::wrong("database", sentence(&error)));
            return None;
        }
    };
    let (found, state) = doctor::database(database.pool()).await;
    database.close().await;
    findings.extend(found);
    state
}

/// The file that options come from: it may hold a password, or a provider's key.
fn of_file(path: &Path) -> Finding {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(known) if known.permissions().mode() & 0o077 != 0 => {
            Finding::odd("settings", format!("others than its owner may open {shown}: chmod 600"))
        }
        Ok(_) => Finding::well("settings", shown.to_string()),
        Err(error) => Finding::wrong("settings", format!("{shown} can't be looked at: {error}")),
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

fn on_server(state: Option<&State>) -> Finding {
    let taken =
        state.map_or_else(String::new, |state| format!("the database takes {} MB; ", megabytes(state.database_bytes)));
    Finding::well("disk", format!("{taken}how much is free only the server's machine knows"))
}

fn on_disk(folder: &Path, state: Option<&State>) -> Finding {
    let free = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Finding::odd("disk", format!("nobody can say how much is free: {error}")),
    };
    let taken = state.map_or(0, |state| state.database_bytes);
    let about = format!("the database takes {} MB, {} MB are free", megabytes(taken), megabytes(free));
    if free < FREE_BYTES_MIN {
        return Finding::wrong("disk", about);
    }
    if free < taken {
        return Finding::odd("disk", format!("{about}: too little for `index reindex`, which makes all tables again"));
    }
    Finding::well("disk", about)
}

fn tell(findings: &[Finding], json: bool) {
    if json {
        say!("{}", json!({ "findings": findings }));
        return;
    }
    for Finding { subject, health, about } in findings {
        let mark = match health {
            Health::Well => "ok",
            Health::Odd => "odd",
            Health::Wrong => "WRONG",
        };
        say!("{mark:<5}  {subject:<12}  {about}");
    }
}
