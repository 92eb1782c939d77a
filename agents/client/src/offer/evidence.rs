use charter_types::registry::args::AgentRef;
use charter_types::registry::methods;
use charter_types::registry::{Agent, Epochs, Standing};
use charter_types::{AccountId, Ed25519Key};
use near_crypto::{ED25519PublicKey, PublicKey};
use near_primitives::views::AccessKeyPermissionView;

use super::{By, SignedOffer};
use crate::{At, ClientError, Contracts, Rpc};

/// What the chain says of who may sign an offer.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// Full-access keys of the payee: NEP-413 takes no others.
    Account { full_access: Vec<Ed25519Key> },
    /// The offer's agent, and who is paid for its work.
    Agent { id: u64, standing: Box<Standing>, payout: AccountId },
}

impl Evidence {
    /// What an agent's entry in the registry says, for who has it already.
    pub fn of(agent: &Agent, armed: bool) -> Self {
        let epochs = Epochs { agent: agent.epoch, owner: agent.owner_epoch };
        let (owner, status, keys) = (agent.owner.clone(), agent.status.clone(), agent.keys.clone());
        let standing = Box::new(Standing { owner, status, armed, epochs, keys });
        Self::Agent { id: agent.id, standing, payout: agent.payout.clone() }
    }

    /// Asks the chain what [`SignedOffer::check`] has to know of an offer.
    pub async fn read(rpc: &Rpc, contracts: &Contracts, signed: &SignedOffer) -> Result<Self, ClientError> {
        let nothing = Self::Account { full_access: Vec::new() };
        match (&signed.by, signed.offer.agent) {
            (By::Account { .. }, _) => {
                let key = PublicKey::ED25519(ED25519PublicKey(signed.key.0));
                let access = rpc.access_key(&signed.offer.payee, &key).await?;
                let is_full = access.permission == AccessKeyPermissionView::FullAccess;
                Ok(if is_full { Self::Account { full_access: vec![signed.key] } } else { nothing })
            }
            (By::PayKey, Some(id)) => {
                let at = At::Hash(rpc.block(At::Final).await?.header.hash);
                let args = AgentRef { agent: id };
                let standing = rpc.view(&contracts.registry, methods::standing, &args, at).await?;
                let agent = rpc.view(&contracts.registry, methods::agent, &args, at).await?;
                let (Some(standing), Some(agent)) = (standing, agent) else { return Ok(nothing) };
                Ok(Self::Agent { id, standing: Box::new(standing), payout: agent.payout })
            }
            (By::PayKey, None) => Ok(nothing),
        }
    }
}
