//! About the node and the chain as a whole.

use near_chain_configs::{ProtocolConfig, ProtocolConfigView};
use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::config::{RpcProtocolConfigError, RpcProtocolConfigRequest};
use near_primitives::types::{BlockId, BlockReference};
use near_primitives::version::Version;
use serde_json::{Map, Value, json};

use super::{Reply, blocks, internal, parse, to_value};
use crate::localnet::Localnet;

fn version() -> Version {
    Version {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: "charter-localnet".to_owned(),
        commit: "unknown".to_owned(),
        rustc_version: env!("CARGO_PKG_RUST_VERSION").to_owned(),
    }
}

/// The node and its head, which for one that lags is `behind` blocks ago.
pub(super) async fn status(localnet: &Localnet, behind: usize) -> Reply {
    let key = localnet.root_key().public_key();
    let root_id = localnet.root_id().clone();
    let (rpc_addr, started) = (localnet.rpc_addr, localnet.started);
    let found = localnet.with(move |chain| {
        let (head, genesis) = (chain.head_behind(behind), chain.genesis_block());
        let validators = head.epoch.producers.iter().map(|validator| json!({ "account_id": validator.account_id() }));
        let time = |ns: u64| near_primitives::utils::from_timestamp(ns).to_rfc3339();
        json!({
            "version": version(),
            "chain_id": chain.genesis.config.chain_id,
            "protocol_version": chain.genesis.config.protocol_version,
            "latest_protocol_version": chain.genesis.config.protocol_version,
            "rpc_addr": rpc_addr,
            "validators": validators.collect::<Vec<_>>(),
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
                "epoch_start_height": head.epoch.first_height,
            },
            "validator_account_id": root_id,
            "validator_public_key": key,
            "node_public_key": key,
            "node_key": key,
            "uptime_sec": started.elapsed().as_secs(),
            "genesis_hash": genesis.header.hash(),
        })
    });
    found.await.map_err(|error| internal(&error))
}

pub(super) fn network_info() -> Value {
    json!({
        "active_peers": [], "num_active_peers": 0, "peer_max_count": 40, "sent_bytes_per_sec": 0,
        "received_bytes_per_sec": 0, "known_producers": [],
    })
}

pub(super) async fn gas_price(localnet: &Localnet, params: Value) -> Reply {
    let block_id = optional_block(params)?;
    let reference = block_id.map_or_else(BlockReference::latest, Into::into);
    let found = localnet.with(move |chain| blocks::find(chain, &reference)).await;
    let block = found.map_err(|error| internal(&error))?.map_err(|text| -> RpcError {
        near_jsonrpc_primitives::types::gas_price::RpcGasPriceError::UnknownBlock { error_message: text }.into()
    })?;
    Ok(json!({ "gas_price": block.header.next_gas_price() }))
}

pub(super) fn genesis_config(localnet: &Localnet) -> Reply {
    to_value(&localnet.genesis().config)
}

/// nearcore's settings of a node, where they have a meaning here; the rest has its defaults.
pub(super) fn client_config(localnet: &Localnet) -> Reply {
    let defaults = serde_json::from_str::<Map<String, Value>>(include_str!("client_config.json"));
    let mut config = defaults.map_err(|error| internal(&error))?;
    let genesis = &localnet.genesis().config;
    let own = json!({
        "chain_id": genesis.chain_id,
        "epoch_length": genesis.epoch_length,
        "num_block_producer_seats": genesis.num_block_producer_seats,
        "rpc_addr": localnet.rpc_addr,
        "version": version(),
    });
    if let Value::Object(own) = own {
        config.extend(own);
    }
    Ok(Value::Object(config))
}

pub(super) async fn protocol_config(localnet: &Localnet, params: Value) -> Reply {
    let RpcProtocolConfigRequest { block_reference } = parse(params)?;
    let found = localnet.with(move |chain| {
        let known = blocks::find(chain, &block_reference);
        known.map_err(|error_message| RpcProtocolConfigError::UnknownBlock { error_message })?;
        let (genesis_config, runtime_config) = (chain.genesis.config.clone(), chain.config.as_ref().clone());
        Ok::<_, RpcProtocolConfigError>(ProtocolConfigView::from(ProtocolConfig { genesis_config, runtime_config }))
    });
    to_value(found.await.map_err(|error| internal(&error))??)
}

/// One shard that takes whatever comes: it is never congested.
pub(super) async fn congestion_level(localnet: &Localnet, params: Value) -> Reply {
    blocks::chunk(localnet, params).await?;
    Ok(json!({ "congestion_level": 0.0 }))
}

/// `[block_id]`, `[null]` or `{"block_id": …}`.
pub(super) fn optional_block(params: Value) -> Result<Option<BlockId>, RpcError> {
    match params {
        Value::Array(items) => Ok(parse::<(Option<BlockId>,)>(Value::Array(items))?.0),
        Value::Object(fields) => parse(fields.get("block_id").cloned().unwrap_or(Value::Null)),
        _ => Ok(None),
    }
}
