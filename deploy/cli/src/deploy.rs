//! Deploying the contracts below one account.

mod hand_over;

use std::path::PathBuf;

use anyhow::bail;
use charter_client::{Account, At, Call, Contracts, Outcome, Rpc, deploy_action, sha256, transfer_action};
use charter_types::governance::args::Setup as GovernanceSetup;
use charter_types::governance::{Member, Params};
use charter_types::registry::args::{SetReporters, Setup as RegistrySetup};
use charter_types::{Named, Nothing, escrow, governance, keys, registry, shared, tasks};
use charter_wasm::Contract;
use near_crypto::SecretKey;
use near_primitives::account::AccessKey;
use near_primitives::action::{Action, AddKeyAction, CreateAccountAction};
use near_primitives::types::AccountId;
use serde_json::json;

use crate::chain::node;
use crate::files::DataDir;
use crate::files::keystore::KeyFile;
use crate::output::{Progress, know};
use crate::units::time;

/// What our contracts link needs this protocol version.
const PROTOCOL_VERSION_MIN: u64 = 88;
/// Storage of 450 kB of code, and a float for calls that attach 1 yocto.
const FUNDS: u128 = 8_000_000_000_000_000_000_000_000;

#[derive(clap::Args)]
pub struct Arguments {
    /// localnet, testnet, mainnet, or the URL of a node.
    #[arg(long, default_value = "localnet")]
    chain: String,
    /// Key file of the account to deploy below, as near-cli writes it.
    #[arg(long)]
    credentials: PathBuf,
    /// Where to note the contracts' accounts.
    #[arg(long)]
    data_dir: PathBuf,
    /// Prints one JSON object at the end.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let rpc = Rpc::new(node(&arguments.chain)?);
    let file = KeyFile::read(&arguments.credentials)?;
    let root = Account::new(file.account_id, file.secret_key.clone(), rpc);
    let progress = Progress::new(arguments.json);
    let (contracts, _) = deploy(&root, &file.secret_key, &progress).await?;
    DataDir::new(&arguments.data_dir)?.save_deployment(&contracts)?;
    let steps = hand_over::go_on(&root, &file.secret_key, &contracts, progress).await?;
    let complete = steps.iter().all(|(_, step)| matches!(step, hand_over::Step::Governed));
    if arguments.json {
        let steps: Vec<_> =
            steps.iter().map(|(contract, step)| json!({ "contract": contract.name(), "step": step })).collect();
        say!("{}", json!({ "contracts": contracts, "hand_over": steps, "complete": complete }));
        return Ok(());
    }
    for (contract, step) in steps {
        say!("{:<40} {}", account_of(contract, &contracts), words(&step));
    }
    if complete {
        say!("no contract has an access key any more");
    }
    Ok(())
}

fn words(step: &hand_over::Step) -> String {
    match step {
        hand_over::Step::Voting { proposal, until_ms } => {
            format!("proposal {proposal} is voted on until {}: deploy again then", time(*until_ms))
        }
        hand_over::Step::Waiting { proposal, until_ms } => {
            format!("proposal {proposal} has passed, its timelock ends {}: deploy again then", time(*until_ms))
        }
        hand_over::Step::Governed => "governed".to_owned(),
    }
}

/// The contracts that keep state, which governance changes.
fn governed() -> impl Iterator<Item = Contract> {
    Contract::ALL.into_iter().filter(|contract| *contract != Contract::Verifier)
}

/// Deploys the contracts that are missing below `root` and hands each to governance. Returns their accounts and the
/// transactions.
pub async fn deploy(root: &Account, key: &SecretKey, progress: &Progress) -> anyhow::Result<(Contracts, Vec<Outcome>)> {
    let rpc = root.rpc();
    let status: serde_json::Value = rpc.call("status", json!([])).await?;
    let version = status["protocol_version"].as_u64().unwrap_or(0);
    if version < PROTOCOL_VERSION_MIN {
        bail!("{} runs protocol version {version}; the contracts need {PROTOCOL_VERSION_MIN}", rpc.url());
    }
    let contracts = Contracts::below(&root.id)?;
    know(&contracts);
    let mut sent = Vec::new();
    for contract in Contract::ALL {
        let account = account_of(contract, &contracts);
        if is_deployed(rpc, account).await? {
            progress.step("deploy", &format!("{account} is there already"));
            continue;
        }
        progress.step("deploy", &format!("{account}, {} kB of wasm", contract.code().len() / 1_000));
        sent.push(root.send(account, actions(contract, root, key, &contracts)).await?);
    }
    sent.extend(list_reporters(root, &contracts, *progress).await?);
    for contract in governed() {
        let account = account_of(contract, &contracts);
        let known = rpc.view(account, shared::methods::governance, &Nothing {}, At::Final).await?;
        if known.is_none() {
            let named = Named { account: contracts.governance.clone() };
            sent.push(root.call(account, Call::new(shared::methods::set_governance, &named)).await?);
        }
    }
    Ok((contracts, sent))
}

/// Lets escrow and tasks report to the registry what accounts earn for agents (`sync_reputation`). Only the admin can say so,
/// and once governance has taken over there is none. Others that report stay.
async fn list_reporters(root: &Account, contracts: &Contracts, progress: Progress) -> anyhow::Result<Option<Outcome>> {
    let (rpc, registry) = (root.rpc(), &contracts.registry);
    let mut reporters = rpc.view(registry, registry::methods::reporters, &Nothing {}, At::Final).await?;
    let missing = [&contracts.escrow, &contracts.tasks].into_iter().filter(|account| !reporters.contains(account));
    let missing: Vec<AccountId> = missing.cloned().collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let names = missing.iter().map(AccountId::as_str).collect::<Vec<_>>().join(", ");
    if rpc.view(registry, shared::methods::governance, &Nothing {}, At::Final).await?.is_some() {
        let text = format!("{registry} takes no reports of {names}, and has no admin any more to change that");
        progress.step("deploy", &text);
        return Ok(None);
    }
    progress.step("deploy", &format!("{registry} is told by {names} what agents earn"));
    reporters.extend(missing);
    let args = SetReporters { reporters };
    Ok(Some(root.call(registry, Call::new(registry::methods::set_reporters, &args)).await?))
}

pub fn account_of(contract: Contract, contracts: &Contracts) -> &AccountId {
    match contract {
        Contract::Registry => &contracts.registry,
        Contract::Keys => &contracts.keys,
        Contract::Governance => &contracts.governance,
        Contract::Escrow => &contracts.escrow,
        Contract::Tasks => &contracts.tasks,
        Contract::Verifier => &contracts.verifier,
    }
}

async fn is_deployed(rpc: &Rpc, account: &AccountId) -> anyhow::Result<bool> {
    match rpc.account(account, At::Final).await {
        Ok(view) => Ok(view.code_hash != near_primitives::hash::CryptoHash::default()),
        Err(error) if error.cause() == Some("UNKNOWN_ACCOUNT") => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Account, money, key, code and set-up in one receipt, so that a contract is deployed as a whole or not at all.
fn actions(contract: Contract, root: &Account, key: &SecretKey, contracts: &Contracts) -> Vec<Action> {
    let account = root.id.clone();
    let new = match contract {
        // The verifier has no state to set up and nothing to govern.
        Contract::Verifier => None,
        Contract::Registry => {
            Some(Call::new(registry::methods::new, &RegistrySetup { account, verifier: contracts.verifier.clone() }))
        }
        Contract::Escrow => Some(Call::new(
            escrow::methods::new,
            &escrow::args::Setup { account, registry: Some(contracts.registry.clone()) },
        )),
        Contract::Tasks => {
            Some(Call::new(tasks::methods::new, &tasks::args::Setup { account, registry: contracts.registry.clone() }))
        }
        Contract::Keys => Some(Call::new(
            keys::methods::new,
            &charter_types::admin::Setup { account, registry: contracts.registry.clone() },
        )),
        Contract::Governance => {
            let council = vec![Member { account: account.clone(), weight: 1 }];
            Some(Call::new(
                governance::methods::new,
                &GovernanceSetup { account, registry: contracts.registry.clone(), council, params: Params::default() },
            ))
        }
    };
    let add = AddKeyAction { public_key: key.public_key(), access_key: AccessKey::full_access() };
    let mut actions = vec![
        Action::CreateAccount(CreateAccountAction {}),
        transfer_action(FUNDS),
        Action::AddKey(Box::new(add)),
        deploy_action(contract.code().to_vec()),
    ];
    actions.extend(new.map(Call::into_action));
    actions
}

/// The hash that governance votes on.
pub fn code_hash(contract: Contract) -> charter_types::Hash32 {
    charter_types::Hash32(sha256(contract.code()))
}
