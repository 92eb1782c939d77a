//! Each agent as a non-fungible token: NEP-171, 177 and 181. There are no approvals (NEP-178): an approval would be an
//! uncontrolled right to transfer something that holds secrets.

use charter_common::{Answer, Later, json_encoded, methods, raw_call, then_call};
use charter_types::registry::args::SetTransferable;
use charter_types::registry::methods::nft_resolve_transfer;
use charter_types::registry::nft::{
    NFTContractMetadata, NftOnTransfer, NftResolveTransfer, NftToken, NftTokens, NftTokensOf, NftTransfer, Token,
    TokenMetadata,
};
use charter_types::registry::{AgentId, RegistryError};
use charter_types::{AccountId, Base64Bytes, U128, page_size};
use near_contract_standards::non_fungible_token::events::{NftBurn, NftMint, NftTransfer as TransferEvent};
use near_contract_standards::non_fungible_token::metadata::NFT_METADATA_SPEC;
use near_sdk::{Promise, env, near};

use super::transfer::{OWNER_ROW_BYTES, Reason};
use crate::model::Agent;
use crate::storage::{BLOCK_IDS, retired_count};
use crate::{Registry, RegistryExt, gas};

#[methods(registry)]
#[near]
impl Registry {
    pub fn nft_token(&self, NftToken { token_id }: NftToken) -> Answer<Option<Token>> {
        let Some(id) = agent_id(&token_id) else { return Ok(None) };
        Ok(self.agents.get(&id).map(|agent| token(id, agent)))
    }

    pub fn set_transferable(&mut self, SetTransferable { agent: id, transferable }: SetTransferable) -> Answer {
        self.change(id, "transferable_set", None, |agent, _| {
            agent.transferable = transferable;
            Ok(())
        })
    }

    pub fn nft_transfer(&mut self, args: NftTransfer) -> Answer {
        self.send(&args)
    }

    pub fn nft_transfer_call(&mut self, args: NftTransfer) -> Answer<Later<bool>> {
        let sender_id = env::predecessor_account_id();
        let way_back = way_back_bytes(&sender_id, &args.receiver_id);
        self.send(&args)?;
        let reserved = self.core.storage.reserve(&sender_id, way_back)?;
        let NftTransfer { receiver_id, token_id, msg, .. } = args;
        let told = NftOnTransfer {
            sender_id: sender_id.clone(),
            previous_owner_id: sender_id.clone(),
            token_id: token_id.clone(),
            msg: msg.unwrap_or_default(),
        };
        let resolved = NftResolveTransfer {
            previous_owner_id: sender_id,
            receiver_id: receiver_id.clone(),
            token_id,
            reserved_bytes: reserved.bytes,
            reserved_ms: reserved.made_ms,
        };
        let asked =
            raw_call(Promise::new(receiver_id), "nft_on_transfer", json_encoded(&told), 0, gas::NFT_ON_TRANSFER);
        let us = Promise::new(env::current_account_id());
        let settle = then_call(us, nft_resolve_transfer, json_encoded(&resolved), gas::NFT_RESOLVE, 0);
        Ok(Later::to(nft_resolve_transfer, asked.then(settle)))
    }

    pub fn nft_metadata(&self) -> NFTContractMetadata {
        NFTContractMetadata {
            spec: NFT_METADATA_SPEC.to_owned(),
            name: "Charter agents".to_owned(),
            symbol: "AGENT".to_owned(),
            icon: None,
            base_uri: None,
            reference: None,
            reference_hash: None,
        }
    }

    pub fn nft_total_supply(&self) -> U128 {
        U128(u128::from(self.agent_count))
    }

    pub fn nft_tokens(&self, NftTokens { from_index, limit }: NftTokens) -> Answer<Vec<Token>> {
        let mut skip = start(from_index);
        let mut tokens = Vec::new();
        let mut block = 0;
        while tokens.len() < page_size(limit) && block * BLOCK_IDS < self.next_agent {
            let ids = (block * BLOCK_IDS).max(1)..((block + 1) * BLOCK_IDS).min(self.next_agent);
            let live = (ids.end - ids.start).saturating_sub(retired_count(block));
            block += 1;
            if skip >= live {
                skip -= live;
                continue;
            }
            let agents = ids.filter_map(|id| Some((id, self.agents.get(&id)?)));
            let wanted = page_size(limit) - tokens.len();
            let skipped = usize::try_from(std::mem::take(&mut skip)).unwrap_or(usize::MAX);
            tokens.extend(agents.skip(skipped).take(wanted).map(|(id, agent)| token(id, agent)));
        }
        Ok(tokens)
    }

    pub fn nft_supply_for_owner(&self, NftTokensOf { account_id, .. }: NftTokensOf) -> Answer<U128> {
        Ok(U128(self.load_owner(&account_id).map_or(0, |owner| u128::from(owner.agents))))
    }

    pub fn nft_tokens_for_owner(
        &self,
        NftTokensOf { account_id, from_index, limit }: NftTokensOf,
    ) -> Answer<Vec<Token>> {
        let agents = self.owned_agents(&account_id, start(from_index), limit);
        Ok(agents.into_iter().map(|(id, agent)| token(id, agent)).collect())
    }
}

/// What a sender will need beyond what comes back with its agent, at most: a longer name, and an owner's row. Its last agent
/// may be gone by then, this or another one, and the receiver keeps its own row if it was given other agents meanwhile.
fn way_back_bytes(sender: &AccountId, receiver: &AccountId) -> u64 {
    let bytes = OWNER_ROW_BYTES + sender.len().saturating_sub(receiver.len());
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The agent of a token id, which has one spelling.
pub(crate) fn agent_id(token_id: &str) -> Option<AgentId> {
    token_id.parse::<AgentId>().ok().filter(|id| id.to_string() == token_id)
}

fn start(from_index: Option<U128>) -> u64 {
    u64::try_from(from_index.map_or(0, |from| from.0)).unwrap_or(u64::MAX)
}

fn token(id: AgentId, agent: Agent) -> Token {
    let metadata = TokenMetadata {
        title: Some(format!("Agent {id}")),
        issued_at: Some(agent.created_ms.to_string()),
        reference: Some(agent.card.uri),
        reference_hash: Some(Base64Bytes(agent.card.sha256.0.to_vec())),
        ..TokenMetadata::default()
    };
    Token { token_id: id.to_string(), owner_id: agent.owner, metadata: Some(metadata), approved_account_ids: None }
}

impl Registry {
    /// Checks a transfer by NEP-171 and makes it.
    fn send(&mut self, args: &NftTransfer) -> Answer {
        let id = agent_id(&args.token_id).ok_or(RegistryError::BadTokenId {})?;
        let agent = self.own_agent(id)?;
        let sender = agent.owner.clone();
        if !agent.transferable {
            return Err(RegistryError::NotTransferable { id }.into());
        }
        self.check_unguarded(id)?;
        self.send_with_its_storage(id, agent, (&args.receiver_id, &sender), Reason::Token, args.memo.as_deref())
    }

    /// Whether an account has a storage account here, so that it can be given an agent.
    pub(crate) fn check_registered(&self, account: &AccountId) -> Answer {
        match self.core.storage.balance(account) {
            Some(_) => Ok(()),
            None => Err(RegistryError::NotRegistered { account: account.clone() }.into()),
        }
    }

    pub(crate) fn log_mint(owner: &AccountId, ids: &[AgentId]) {
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        NftMint { owner_id: owner, token_ids: &ids, memo: None }.emit();
    }

    pub(crate) fn log_burn(owner: &AccountId, id: AgentId) {
        NftBurn { owner_id: owner, token_ids: &[&id.to_string()], authorized_id: None, memo: None }.emit();
    }

    pub(crate) fn log_transfer(from: &AccountId, to: &AccountId, id: AgentId, memo: Option<&str>) {
        let (old_owner_id, new_owner_id) = (from, to);
        TransferEvent { old_owner_id, new_owner_id, token_ids: &[&id.to_string()], authorized_id: None, memo }.emit();
    }
}
