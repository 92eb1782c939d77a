//! About the node and the chain as a whole.

use near_jsonrpc_primitives::errors::RpcError;
use near_primitives::types::{BlockId, BlockReference};
use serde_json::{Value, json};

use super::{Reply, blocks, internal, parse};
use crate::genesis::VALIDATOR_STAKE;
use crate::localnet::Localnet;

pub(super) async fn status(localnet: &Localnet) -> Reply {
    let key = localnet.root_key().public_key();
    let root_id = localnet.root_id().clone();
    let found = localnet.with(move |chain| {
        let (head, genesis) = (chain.head(), chain.genesis_block());
        let time = |ns: u64| near_primitives::utils::from_timestamp(ns).to_rfc3339();
        json!({
            "version": { "version": env!("CARGO_PKG_VERSION"), "build": "charter-localnet", "commit": "unknown", "rustc_version": "1.95.0" },
            "chain_id": chain.genesis.config.chain_id,
            "protocol_version": chain.genesis.config.protocol_version,
            "latest_protocol_version": chain.genesis.config.protocol_version,
            "rpc_addr": Value::Null,
            "validators": [{ "account_id": root_id }],
            "sync_info": {
                "latest_block_hash": head.header.hash(),
                "latest_block_height": head.header.height(),
                "latest_state_root": head.header.prev_state_root(),
                "latest_block_time": time(head.header.raw_timestamp()),
                "syncing": false,
                "earliest_block_hash": genesis.header.hash(),
                "earliest_block_height": genesis.header.height(),
                "earliest_block_time": time(genesis.header.raw_timestamp()),
                "epoch_id": head.header.epoch_id(),
                "epoch_start_height": 1,
            },
            "validator_account_id": root_id,
            "validator_public_key": key,
            "node_public_key": key,
            "node_key": key,
            "uptime_sec": 0,
            "genesis_hash": genesis.header.hash(),
        })
    });
    found.await.map_err(|error| internal(&error))
}

pub(super) fn network_info() -> Value {
    json!({
        "active_peers": [], "num_active_peers": 0, "peer_max_count": 0, "sent_bytes_per_sec": 0,
        "received_bytes_per_sec": 0, "known_producers": [],
    })
}

pub(super) async fn gas_price(localnet: &Localnet, params: Value) -> Reply {
    let block_id: Option<BlockId> = match params {
        Value::Array(items) => parse::<(Option<BlockId>,)>(Value::Array(items))?.0,
        Value::Object(fields) => parse(fields.get("block_id").cloned().unwrap_or(Value::Null))?,
        _ => None,
    };
    let reference = block_id.map_or_else(BlockReference::latest, Into::into);
    let found = localnet.with(move |chain| blocks::find(chain, &reference)).await;
    let block = found.map_err(|error| internal(&error))?.map_err(|text| -> RpcError {
        near_jsonrpc_primitives::types::gas_price::RpcGasPriceError::UnknownBlock { error_message: text }.into()
    })?;
    Ok(json!({ "gas_price": block.header.next_gas_price() }))
}

pub(super) async fn validators(localnet: &Localnet) -> Reply {
    let key = localnet.root_key().public_key();
    let root_id = localnet.root_id().clone();
    let found = localnet.with(move |chain| {
        let produced = chain.head().header.height();
        json!({
            "current_validators": [{
                "account_id": root_id, "public_key": key, "is_slashed": false, "stake": VALIDATOR_STAKE,
                "shards": [0], "num_produced_blocks": produced, "num_expected_blocks": produced,
                "num_produced_chunks": produced, "num_expected_chunks": produced,
                "num_produced_chunks_per_shard": [produced], "num_expected_chunks_per_shard": [produced],
                "num_produced_endorsements": produced, "num_expected_endorsements": produced,
                "num_produced_endorsements_per_shard": [produced], "num_expected_endorsements_per_shard": [produced],
                "shards_produced": [0], "shards_endorsed": [0],
            }],
            "next_validators": [], "current_fishermen": [], "next_fishermen": [], "current_proposals": [],
            "prev_epoch_kickout": [], "epoch_start_height": 1, "epoch_height": 1,
        })
    });
    found.await.map_err(|error| internal(&error))
}

pub(super) fn genesis_config(localnet: &Localnet) -> Value {
    json!({
        "chain_id": localnet.chain_id(),
        "genesis_height": 0,
        "num_block_producer_seats": 1,
        "validators": [{
            "account_id": localnet.root_id(), "public_key": localnet.root_key().public_key(), "amount": VALIDATOR_STAKE,
        }],
    })
}

pub(super) async fn protocol_config(localnet: &Localnet) -> Reply {
    let found = localnet.with(|chain| {
        let runtime = near_parameters::RuntimeConfigView::from(chain.config.as_ref().clone());
        json!({
            "chain_id": chain.genesis.config.chain_id,
            "protocol_version": chain.genesis.config.protocol_version,
            "runtime_config": runtime,
        })
    });
    found.await.map_err(|error| internal(&error))
}
