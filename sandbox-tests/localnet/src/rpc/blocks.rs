//! `block` and `chunk`.

use std::sync::Arc;

use near_jsonrpc_primitives::errors::RpcError;
use near_jsonrpc_primitives::types::blocks::RpcBlockError;
use near_jsonrpc_primitives::types::chunks::{ChunkReference, RpcChunkError, RpcChunkRequest};
use near_primitives::types::{BlockId, BlockReference, Finality, SyncCheckpoint};
use near_primitives::views::{BlockView, ChunkView};
use serde_json::{Value, json};

use super::{Reply, internal, parse, to_value};
use crate::chain::{Block, Chain};
use crate::localnet::Localnet;

/// The block a request means, or what nearcore would call it in its error.
pub(super) fn find(chain: &Chain, reference: &BlockReference) -> Result<Arc<Block>, String> {
    let found = match reference {
        BlockReference::BlockId(BlockId::Height(height)) => chain.block_by_height(*height),
        BlockReference::BlockId(BlockId::Hash(hash)) => chain.block_by_hash(hash),
        BlockReference::Finality(Finality::None) => Some(chain.head()),
        BlockReference::Finality(Finality::DoomSlug | Finality::Final) => Some(chain.final_head()),
        BlockReference::SyncCheckpoint(SyncCheckpoint::Genesis | SyncCheckpoint::EarliestAvailable) => {
            Some(chain.genesis_block())
        }
    };
    found.cloned().ok_or_else(|| match reference {
        BlockReference::BlockId(BlockId::Height(height)) => format!("BLOCK HEIGHT: {height}"),
        BlockReference::BlockId(BlockId::Hash(hash)) => format!("BLOCK HEADER: {hash}"),
        other => format!("{other:?}"),
    })
}

/// `{block_id}`, `{finality}`, `{sync_checkpoint}`, or `[block_id]` as older clients send it.
pub(super) fn reference(params: Value) -> Result<BlockReference, RpcError> {
    match params {
        Value::Array(items) => {
            let (id,): (BlockId,) = parse(Value::Array(items))?;
            Ok(id.into())
        }
        // Nothing may stand beside it: a `shard_id` there asks for a chunk.
        other => parse(other),
    }
}

pub(super) async fn block(localnet: &Localnet, params: Value) -> Reply {
    let reference = reference(params)?;
    let found = localnet.with(move |chain| (find(chain, &reference), skipped(chain, &reference)));
    match found.await.map_err(|error| internal(&error))? {
        (Ok(block), _) => to_value(BlockView {
            author: block.author().clone(),
            header: (&block.header).into(),
            chunks: vec![block.chunk.clone().into()],
        }),
        (Err(_), true) => Err(skipped_error()),
        (Err(error_message), false) => Err(RpcBlockError::UnknownBlock { error_message }.into()),
    }
}

/// A height behind the head where no block is: nearcore answers 422.
fn skipped(chain: &Chain, reference: &BlockReference) -> bool {
    matches!(reference, BlockReference::BlockId(BlockId::Height(height)) if *height < chain.head().header.height())
}

fn skipped_error() -> RpcError {
    RpcError::new_internal_or_handler_error(
        Some(json!("there is no block at this height")),
        json!({ "name": "UNKNOWN_BLOCK", "info": { "skipped_height": true } }),
    )
}

pub(super) async fn chunk(localnet: &Localnet, params: Value) -> Reply {
    let reference = match params {
        Value::Array(mut items) if items.len() == 1 => chunk_reference(items.swap_remove(0))?,
        Value::Array(items) => chunk_reference(Value::Array(items))?,
        Value::Object(fields) if fields.get("chunk_id").is_some_and(Value::is_array) => {
            chunk_reference(fields["chunk_id"].clone())?
        }
        other => parse::<RpcChunkRequest>(other)?.chunk_reference,
    };
    let found = localnet.with(move |chain| find_chunk(chain, &reference));
    let block = found.await.map_err(|error| internal(&error))??;
    to_value(ChunkView {
        author: block.author().clone(),
        header: block.chunk.clone().into(),
        transactions: block.transactions.iter().map(|signed| signed.as_ref().clone().into()).collect(),
        receipts: block.incoming.iter().map(|receipt| receipt.as_ref().clone().into()).collect(),
    })
}

/// A chunk by its hash, or by block and shard.
fn chunk_reference(id: Value) -> Result<ChunkReference, RpcError> {
    if id.is_array() {
        let (block_id, shard_id) = parse(id)?;
        return Ok(ChunkReference::BlockShardId { block_id, shard_id });
    }
    Ok(ChunkReference::ChunkHash { chunk_id: parse(id)? })
}

fn find_chunk(chain: &Chain, reference: &ChunkReference) -> Result<Arc<Block>, RpcError> {
    match reference {
        ChunkReference::ChunkHash { chunk_id } => {
            let missing = || {
                let chunk_hash = near_primitives::sharding::ChunkHash(*chunk_id);
                let data = format!("Chunk Missing (unavailable on the node): {chunk_hash:?} \n Cause: Unknown");
                let name = json!({ "name": "UNKNOWN_CHUNK", "info": { "chunk_hash": chunk_id } });
                RpcError::new_internal_or_handler_error(Some(json!(data)), name)
            };
            chain.block_by_chunk(chunk_id).cloned().ok_or_else(missing)
        }
        ChunkReference::BlockShardId { block_id, shard_id } => {
            if *shard_id != near_primitives::types::ShardId::new(0) {
                return Err(RpcChunkError::InvalidShardId { shard_id: *shard_id }.into());
            }
            let block = find(chain, &block_id.clone().into())
                .map_err(|error_message| -> RpcError { RpcChunkError::UnknownBlock { error_message }.into() })?;
            // A block without a chunk of its own shows the last one.
            let own = if block.has_chunk() { None } else { chain.block_by_chunk(&block.chunk.chunk_hash().0).cloned() };
            Ok(own.unwrap_or(block))
        }
    }
}
