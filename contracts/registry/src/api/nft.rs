//! Each agent as a non-fungible token: views of NEP-171, 177 and 181, and their events. Hand-over goes by
//! `offer_transfer` and `accept_transfer`; `nft_transfer` refuses with a code.

use charter_common::{Answer, arguments};
use charter_types::registry::nft::{NftToken, NftTokens, NftTokensOf, NftTransfer};
use charter_types::registry::{AgentId, RegistryError};
use charter_types::{AccountId, U128, page_size};
use near_contract_standards::non_fungible_token::Token;
use near_contract_standards::non_fungible_token::events::{NftBurn, NftMint, NftTransfer as TransferEvent};
use near_contract_standards::non_fungible_token::metadata::{NFT_METADATA_SPEC, NFTContractMetadata, TokenMetadata};
use near_sdk::near;

use crate::model::Agent;
use crate::{Registry, RegistryExt};

#[near]
impl Registry {
    /// NEP-171.
    #[handle_result(aliased)]
    pub fn nft_token(&self) -> Answer<Option<Token>> {
        let NftToken { token_id } = arguments()?;
        let Ok(id) = token_id.parse::<AgentId>() else { return Ok(None) };
        Ok(self.agents.get(&id).map(|agent| token(id, agent.into_newest())))
    }

    /// NEP-171. Agents of whose owner's consent only `accept_transfer` knows can't be sent: this always refuses.
    #[payable]
    #[handle_result(aliased)]
    pub fn nft_transfer(&mut self) -> Answer {
        let NftTransfer { token_id, .. } = arguments()?;
        let id = token_id.parse().unwrap_or_default();
        Err(RegistryError::NotTransferable { id }.into())
    }

    /// NEP-177.
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

    /// NEP-181.
    pub fn nft_total_supply(&self) -> U128 {
        U128(u128::from(self.agent_count))
    }

    /// NEP-181. `from_index` counts ids, so a page may hold fewer agents than asked for.
    #[handle_result(aliased)]
    pub fn nft_tokens(&self) -> Answer<Vec<Token>> {
        let NftTokens { from_index, limit } = arguments()?;
        let ids = (start(from_index).saturating_add(1)..self.next_agent).take(page_size(limit));
        Ok(ids.filter_map(|id| Some(token(id, self.agents.get(&id)?.into_newest()))).collect())
    }

    /// NEP-181.
    #[handle_result(aliased)]
    pub fn nft_supply_for_owner(&self) -> Answer<U128> {
        let NftTokensOf { account_id, .. } = arguments()?;
        Ok(U128(self.load_owner(&account_id).map_or(0, |owner| u128::from(owner.agents))))
    }

    /// NEP-181.
    #[handle_result(aliased)]
    pub fn nft_tokens_for_owner(&self) -> Answer<Vec<Token>> {
        let NftTokensOf { account_id, from_index, limit } = arguments()?;
        let agents = self.owned_agents(&account_id, start(from_index), limit);
        Ok(agents.into_iter().map(|(id, agent)| token(id, agent)).collect())
    }
}

fn start(from_index: Option<U128>) -> u64 {
    u64::try_from(from_index.map_or(0, |from| from.0)).unwrap_or(u64::MAX)
}

fn token(id: AgentId, agent: Agent) -> Token {
    let metadata = TokenMetadata {
        title: Some(format!("Agent {id}")),
        description: None,
        media: None,
        media_hash: None,
        copies: None,
        issued_at: Some(agent.created_ms.to_string()),
        expires_at: None,
        starts_at: None,
        updated_at: None,
        extra: None,
        reference: Some(agent.card.uri),
        reference_hash: Some(near_sdk::json_types::Base64VecU8(agent.card.sha256.0.to_vec())),
    };
    Token { token_id: id.to_string(), owner_id: agent.owner, metadata: Some(metadata), approved_account_ids: None }
}

impl Registry {
    pub(crate) fn log_mint(owner: &AccountId, id: AgentId) {
        NftMint { owner_id: owner, token_ids: &[&id.to_string()], memo: None }.emit();
    }

    pub(crate) fn log_burn(owner: &AccountId, id: AgentId) {
        NftBurn { owner_id: owner, token_ids: &[&id.to_string()], authorized_id: None, memo: None }.emit();
    }

    pub(crate) fn log_transfer(from: &AccountId, to: &AccountId, id: AgentId) {
        let (old_owner_id, new_owner_id) = (from, to);
        let token_ids = &[id.to_string()];
        let token_ids: Vec<&str> = token_ids.iter().map(String::as_str).collect();
        TransferEvent { old_owner_id, new_owner_id, token_ids: &token_ids, authorized_id: None, memo: None }.emit();
    }
}
