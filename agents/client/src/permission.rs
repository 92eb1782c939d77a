//! A grant and everything it depends on, read at one final block.

use charter_rules::decision::{Evidence, decide};
use charter_types::AccountId;
use charter_types::keys::args::{GrantRef, HostRef, SecretRef, WrapRef};
use charter_types::keys::{Action, Asker, Decision, Grant, GrantId, Host, HostId, Policy, SealedKey, Secret, methods};
use charter_types::method::Method;
use charter_types::registry::args::AgentRef;
use charter_types::registry::{self, Standing};
use near_primitives::hash::CryptoHash;

use crate::{At, ClientError, Contracts, Rpc, sha256};

/// What the chain says of a grant at one block.
#[derive(Clone, Debug)]
pub struct PermissionView {
    pub block: CryptoHash,
    pub timestamp_ms: u64,
    pub lineage: Vec<Grant>,
    pub secret: Secret,
    pub host: Host,
    /// The data key as it was sealed to the host. None if it never was.
    pub sealed: Option<SealedKey>,
    pub standing: Standing,
}

/// A view's answer where `null` is none.
async fn find<M: Method<Answer = Option<T>>, T>(
    rpc: &Rpc,
    contract: &AccountId,
    method: M,
    args: &M::Args,
    at: At,
) -> Result<T, ClientError> {
    rpc.view(contract, method, args, at).await?.ok_or_else(|| none::<M>())
}

fn none<M: Method>() -> ClientError {
    ClientError::Answer { method: M::NAME.to_owned(), reason: "there is none".to_owned() }
}

impl PermissionView {
    /// Reads registry and keys at the last final block.
    pub async fn read(rpc: &Rpc, contracts: &Contracts, grant: GrantId, host: HostId) -> Result<Self, ClientError> {
        let header = rpc.block(At::Final).await?.header;
        let at = At::Hash(header.hash);
        let keys = &contracts.keys;
        let lineage = rpc.view(keys, methods::lineage, &GrantRef { grant }, at).await?;
        let Grant { agent, secret, .. } = *lineage.first().ok_or_else(none::<methods::lineage>)?;
        Ok(Self {
            block: header.hash,
            timestamp_ms: header.timestamp_nanosec / 1_000_000,
            secret: find(rpc, keys, methods::secret, &SecretRef { secret }, at).await?,
            host: find(rpc, keys, methods::host, &HostRef { host }, at).await?,
            sealed: rpc.view(keys, methods::wrap, &WrapRef { secret, host }, at).await?,
            standing: find(rpc, &contracts.registry, registry::methods::standing, &AgentRef { agent }, at).await?,
            lineage,
        })
    }

    /// Whether `asker` may use the grant for `action` now, by the function that the contract uses.
    pub fn decide(&self, policy: &Policy, asker: &Asker, action: &Action) -> Decision {
        let evidence = Evidence {
            lineage: &self.lineage,
            policy,
            secret: &self.secret,
            host: &self.host,
            sealed_generation: self.sealed.as_ref().map(|sealed| sealed.host_generation),
            standing: &self.standing,
            asker,
            now_ms: self.timestamp_ms,
        };
        decide(&evidence, action, sha256)
    }
}
