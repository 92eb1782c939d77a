//! A grant and everything it depends on, read at one final block.

use charter_types::AccountId;
use charter_types::keys::args::{GrantRef, HostRef, SecretRef};
use charter_types::keys::{Action, Decision, Evidence, Grant, GrantId, Host, HostId, Policy, Secret, decide};
use charter_types::registry::Authority;
use charter_types::registry::args::AgentAccount;
use near_primitives::hash::CryptoHash;

use crate::{At, ClientError, Contracts, Rpc, sha256};

/// What the chain said at one block.
#[derive(Clone, Debug)]
pub struct PermissionView {
    pub block: CryptoHash,
    pub timestamp_ms: u64,
    pub lineage: Vec<Grant>,
    pub secret: Secret,
    pub host: Host,
    pub authority: Authority,
}

fn missing(what: &str) -> ClientError {
    ClientError::Answer { method: "view".to_owned(), reason: format!("there is no such {what}") }
}

impl PermissionView {
    /// Reads registry and keys at the last final block.
    pub async fn read(
        rpc: &Rpc,
        contracts: &Contracts,
        grant: GrantId,
        host: HostId,
        asker: &AccountId,
    ) -> Result<Self, ClientError> {
        let header = rpc.block(At::Final).await?.header;
        let at = At::Hash(header.hash);
        let lineage: Vec<Grant> = rpc.view(&contracts.keys, "lineage", &GrantRef { grant }, at).await?;
        let first = lineage.first().ok_or_else(|| missing("grant"))?;
        let secret_ref = SecretRef { secret: first.secret };
        let secret: Option<Secret> = rpc.view(&contracts.keys, "secret", &secret_ref, at).await?;
        let host: Option<Host> = rpc.view(&contracts.keys, "host", &HostRef { host }, at).await?;
        let question = AgentAccount { agent: first.agent, account: asker.clone() };
        let authority: Option<Authority> = rpc.view(&contracts.registry, "authority", &question, at).await?;
        Ok(Self {
            block: header.hash,
            timestamp_ms: header.timestamp_nanosec / 1_000_000,
            secret: secret.ok_or_else(|| missing("secret"))?,
            host: host.ok_or_else(|| missing("host"))?,
            authority: authority.ok_or_else(|| missing("agent"))?,
            lineage,
        })
    }

    /// May `asker` use the grant for `action` now? The same function that the contract and the indexer use.
    pub fn decide(&self, policy: &Policy, asker: &AccountId, action: &Action) -> Decision {
        let evidence = Evidence {
            lineage: &self.lineage,
            policy,
            secret: &self.secret,
            host: &self.host,
            authority: &self.authority,
            asker,
            now_ms: self.timestamp_ms,
        };
        decide(&evidence, action, sha256)
    }
}
