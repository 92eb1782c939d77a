//! The registry's methods.

use std::collections::HashMap;

use schemars::JsonSchema;

use super::Table;
use crate::registry::args::{
    AddKey, AgentAccount, AgentRef, Handle, Pause, Rearm, RegisterAgent, RegisterAgents, RemoveKey, ReportReputation,
    ReputationRef, RevokeMeasurement, RotateKey, SetAgentAccount, SetAttestationPolicy, SetCard, SetHandle,
    SetOperator, SetRecoverers, SetReporters, SetTransferable, Setup, SubmitAttestation, VerifyProof,
};
use crate::registry::nft::{NftToken, NftTokens, NftTokensOf, NftTransfer};
use crate::registry::{
    Agent, AgentId, AttestationAnswer, AttestationRecord, Authority, Epochs, Heartbeat, Owner, Proof, Recovery,
    RecoveryProposal, Reputation, Standing,
};
use crate::{AccountId, Base64Bytes, Hash32, Named, Nothing, Page, PageOf, U128};

/// NEP-171 and NEP-177, as near-contract-standards has them.
#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(JsonSchema)]
struct Token {
    token_id: String,
    owner_id: AccountId,
    metadata: Option<TokenMetadata>,
    approved_account_ids: Option<HashMap<String, u64>>,
}

#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(JsonSchema)]
struct TokenMetadata {
    title: Option<String>,
    description: Option<String>,
    media: Option<String>,
    media_hash: Option<Base64Bytes>,
    copies: Option<u64>,
    issued_at: Option<String>,
    expires_at: Option<String>,
    starts_at: Option<String>,
    updated_at: Option<String>,
    extra: Option<String>,
    reference: Option<String>,
    reference_hash: Option<Base64Bytes>,
}

#[expect(dead_code, reason = "its shape is all that is wanted of it")]
#[derive(JsonSchema)]
struct NFTContractMetadata {
    spec: String,
    name: String,
    symbol: String,
    icon: Option<String>,
    base_uri: Option<String>,
    reference: Option<String>,
    reference_hash: Option<Base64Bytes>,
}

pub fn table() -> Table {
    let mut table = Table::shared();
    table.init::<Setup>("new");
    identity(&mut table);
    authority(&mut table);
    tokens(&mut table);
    views(&mut table);
    table.callbacks(&["on_verdict", "nft_resolve_transfer"]);
    table
}

fn identity(table: &mut Table) {
    table.pay::<RegisterAgent, AgentId>("register_agent");
    table.pay::<RegisterAgents, Vec<AgentId>>("register_agents");
    table.pay::<SetHandle, ()>("set_handle");
    table.pay::<SetCard, ()>("set_card");
    table.pay::<SetAgentAccount, ()>("set_agent_account");
    table.pay::<AgentRef, ()>("retire");
    table.pay::<AddKey, ()>("add_key");
    table.pay::<RotateKey, ()>("rotate_key");
    table.pay::<RemoveKey, ()>("remove_key");
    table.pay::<AgentRef, ()>("heartbeat");
    table.pay::<AgentAccount, ()>("set_payout");
    table.pay::<AgentRef, ()>("accept_payout");
    table.pay::<ReportReputation, ()>("report_reputation");
    table.call::<SetReporters, ()>("set_reporters");
    table.call::<Named, ()>("set_verifier");
    table.pay::<SetAttestationPolicy, ()>("set_attestation_policy");
    table.pay::<RevokeMeasurement, ()>("revoke_measurement");
    table.pay::<AgentRef, ()>("revoke_attestation");
    table.pay::<AgentRef, Hash32>("begin_attestation");
    table.pay::<SubmitAttestation, ()>("submit_attestation");
}

fn authority(table: &mut Table) {
    table.pay::<SetOperator, ()>("set_operator");
    table.pay::<AgentAccount, ()>("remove_operator");
    table.pay::<AgentAccount, ()>("set_guardian");
    table.pay::<AgentAccount, ()>("remove_guardian");
    table.pay::<AgentRef, ()>("renounce");
    table.pay::<Pause, ()>("pause");
    table.pay::<AgentRef, ()>("unpause");
    table.pay::<AgentRef, ()>("revoke_all");
    table.pay::<Nothing, ()>("panic_all");
    table.pay::<Rearm, ()>("rearm");
    table.pay::<AgentAccount, ()>("offer_transfer");
    table.pay::<AgentRef, ()>("cancel_transfer");
    table.pay::<AgentRef, ()>("accept_transfer");
    table.pay::<SetRecoverers, ()>("set_recoverers");
    table.pay::<AgentAccount, ()>("propose_recovery");
    table.pay::<AgentAccount, ()>("approve_recovery");
    table.pay::<AgentRef, ()>("veto_recovery");
    table.pay::<AgentAccount, ()>("execute_recovery");
}

fn tokens(table: &mut Table) {
    table.pay::<SetTransferable, ()>("set_transferable");
    table.pay::<NftTransfer, ()>("nft_transfer");
    table.pay::<NftTransfer, bool>("nft_transfer_call");
    table.view::<NftToken, Option<Token>>("nft_token");
    table.view::<Nothing, NFTContractMetadata>("nft_metadata");
    table.view::<Nothing, U128>("nft_total_supply");
    table.view::<NftTokens, Vec<Token>>("nft_tokens");
    table.view::<NftTokensOf, U128>("nft_supply_for_owner");
    table.view::<NftTokensOf, Vec<Token>>("nft_tokens_for_owner");
}

fn views(table: &mut Table) {
    table.view::<AgentRef, Option<Agent>>("agent");
    table.view::<Page, Vec<Agent>>("agents");
    table.view::<PageOf, Vec<Agent>>("agents_of");
    table.view::<Nothing, (u64, u64)>("agent_count");
    table.view::<Handle, Option<Agent>>("by_handle");
    table.view::<Named, Option<Owner>>("owner");
    table.view::<AgentAccount, Option<Authority>>("authority");
    table.view::<AgentRef, Option<Standing>>("standing");
    table.view::<AgentRef, Option<Epochs>>("epochs");
    table.view::<Page, Vec<Heartbeat>>("heartbeats");
    table.view::<Page, Vec<Recovery>>("recoveries");
    table.view::<AgentRef, Vec<RecoveryProposal>>("recovery_proposals");
    table.view::<AgentRef, AttestationAnswer>("attestation");
    table.view::<Page, Vec<AttestationRecord>>("attestations");
    table.view::<ReputationRef, Option<Reputation>>("reputation");
    table.view::<VerifyProof, Proof>("verify_proof");
    table.view::<Nothing, Vec<AccountId>>("reporters");
    table.view::<Nothing, AccountId>("verifier");
}
