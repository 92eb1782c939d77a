//! What every example begins with.

use anyhow::Context;
use charter_client::{Account, Contracts, Rpc};

/// From the command line: a node, the account below which the contracts are, and an account with its key.
pub fn from_command_line() -> anyhow::Result<(Contracts, Account)> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, root, account, key] = &arguments[..] else {
        anyhow::bail!("expected four arguments: RPC_URL ROOT_ID ACCOUNT_ID ACCOUNT_KEY (ed25519:…)");
    };
    let contracts = Contracts::below(&root.parse().with_context(|| format!("{root} is no account id"))?)?;
    let key = key.parse().context("ACCOUNT_KEY is no key")?;
    let id = account.parse().with_context(|| format!("{account} is no account id"))?;
    Ok((contracts, Account::new(id, key, Rpc::new(url))))
}
