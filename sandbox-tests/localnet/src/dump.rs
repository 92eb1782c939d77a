//! `view-state dump-state`: the state of a kept chain as the genesis of another one, in nearcore's files.

use std::path::{Path, PathBuf};

use near_primitives::state_record::StateRecord;
use near_primitives::types::Balance;

use crate::chain::{Chain, ChainOptions};
use crate::genesis::Genesis;
use crate::store::Store;

/// The chain in `home` at its head, which another process may be running.
fn read(home: &Path) -> anyhow::Result<Chain> {
    let log = crate::home::log(home);
    let entries = if log.exists() { Store::peek(&log)? } else { Vec::new() };
    Ok(Chain::replayed(crate::home::genesis(home)?, ChainOptions::default(), entries)?)
}

/// The genesis that a chain's head would be. Code of global contracts and receipts in flight have no records.
fn genesis(chain: &Chain) -> Genesis {
    let head = chain.head();
    let entries = head.state.range(&[]);
    let records: Vec<_> =
        entries.filter_map(|(key, value)| StateRecord::from_raw_key_value(&key, value.bytes().to_vec())).collect();
    let mut config = chain.genesis.config.clone();
    config.genesis_height = head.header.height().saturating_add(1);
    config.total_supply = records.iter().fold(Balance::ZERO, |sum, record| match record {
        StateRecord::Account { account, .. } => sum.saturating_add(account.amount()).saturating_add(account.locked()),
        _ => sum,
    });
    config.genesis_time = near_primitives::utils::from_timestamp(head.header.raw_timestamp());
    Genesis { config, records, root_key: chain.genesis.root_key.clone() }
}

/// Writes one file, as nearcore does: a `genesis.json` with its records.
pub fn write_file(home: &Path, path: &Path) -> anyhow::Result<PathBuf> {
    crate::home::write_at(path, &genesis(&read(home)?).to_file())?;
    Ok(path.to_owned())
}

/// Writes a folder, as nearcore does with `--stream`: what `init` makes, with the records beside the genesis.
pub fn write_home(home: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    anyhow::ensure!(!crate::home::exists(folder), "{} has a chain already: name another folder", folder.display());
    crate::home::init_with_records_beside(folder, genesis(&read(home)?))?;
    Ok(folder.to_owned())
}
