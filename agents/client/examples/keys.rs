//! Registers a key host, as its operator:
//! `cargo run --example keys -- RPC_URL ROOT_ID ACCOUNT_ID ACCOUNT_KEY`.

#[path = "shared/start.rs"]
mod start;

use charter_client::{Account, At, Contracts, sha256};
use charter_types::keys::args::{HostRef, RegisterHost};
use charter_types::keys::{self, HOST_PROOF_PURPOSE, HostId, HostProof};
use charter_types::{Domain, Ed25519Key, Signature64, X25519Key};
use ed25519_dalek::{Signer, SigningKey};

/// The signing key endorses the key that secrets are sealed to, for this contract on this chain. A real host makes both
/// keys where they stay: here they are the caller's.
pub async fn register_host(
    contracts: &Contracts,
    operator: &Account,
    chain_id: &str,
    signing: &SigningKey,
    encrypt_key: X25519Key,
) -> anyhow::Result<HostId> {
    let sign_key = Ed25519Key(signing.verifying_key().to_bytes());
    let statement = HostProof { operator: operator.id.clone(), sign_key, encrypt_key };
    let domain = Domain { purpose: HOST_PROOF_PURPOSE, version: 1, chain_id, contract: &contracts.keys };
    let proof = Signature64(signing.sign(&domain.message(&statement, sha256)).to_bytes());
    let args = RegisterHost { sign_key, encrypt_key, max_staleness_ms: 60_000, proof };
    let host = contracts.keys().prepay_and_call(operator, keys::methods::register_host, &args).await?.value;

    let known = contracts.keys().view(operator.rpc(), keys::methods::host, &HostRef { host }, At::Final).await?;
    println!("host {host}: {known:?}");
    Ok(host)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (contracts, operator) = start::from_command_line()?;
    let status: serde_json::Value = operator.rpc().call("status", serde_json::json!([])).await?;
    let chain_id = status["chain_id"].as_str().unwrap_or_default().to_owned();
    let (signing, encrypt_key) = (SigningKey::from_bytes(&rand::random()), X25519Key(rand::random()));
    register_host(&contracts, &operator, &chain_id, &signing, encrypt_key).await?;
    Ok(())
}
