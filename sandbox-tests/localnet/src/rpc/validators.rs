//! Who validates: an epoch's validators with what they did, and in the order in which they approve blocks.

use near_jsonrpc_primitives::types::validator::{RpcValidatorError, RpcValidatorRequest};
use near_primitives::types::validator_stake::ValidatorStake;
use near_primitives::types::{Balance, BlockId, BlockReference, EpochHeight, EpochId, EpochReference, ShardId};
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{CurrentEpochValidatorInfo, EpochValidatorInfo, NextEpochValidatorInfo};
use serde_json::Value;

use super::info::optional_block;
use super::{Reply, blocks, internal, parse, to_value};
use crate::chain::{Block, Chain};
use crate::localnet::Localnet;

pub(super) async fn of_epoch(localnet: &Localnet, params: Value) -> Reply {
    let known: EpochReference = match params {
        Value::Array(items) if items.iter().all(Value::is_null) => EpochReference::Latest,
        Value::Array(items) => EpochReference::BlockId(parse::<(BlockId,)>(Value::Array(items))?.0),
        Value::Object(_) => parse::<RpcValidatorRequest>(params)?.epoch_reference,
        _ => EpochReference::Latest,
    };
    let found = localnet.with(move |chain| Ok::<_, RpcValidatorError>(info(chain, meant(chain, known)?)));
    to_value(found.await.map_err(|error| internal(&error))??)
}

/// The number of the epoch that is asked for. nearcore knows one that is over by its id and by its last block.
fn meant(chain: &Chain, known: EpochReference) -> Result<EpochHeight, RpcValidatorError> {
    let latest = chain.head().epoch.height;
    let several = chain.genesis.has_several_validators();
    match known {
        EpochReference::Latest => Ok(latest),
        EpochReference::BlockId(id) => {
            let block = blocks::find(chain, &id.into()).map_err(|_| RpcValidatorError::UnknownEpoch)?;
            // One validator has the same to say of every block.
            let ended = if several { chain.epoch_ended_by(block.header.hash()) } else { Some(latest) };
            ended.ok_or(RpcValidatorError::ValidatorInfoUnavailable)
        }
        EpochReference::EpochId(id) => {
            // All its blocks are of one epoch, whose id is all zeroes.
            let only = (id == EpochId::default()).then_some(latest);
            let found = if several { chain.finished_epoch(&id) } else { only };
            found.ok_or(RpcValidatorError::UnknownEpoch)
        }
    }
}

fn info(chain: &Chain, epoch: EpochHeight) -> EpochValidatorInfo {
    let blocks = chain.blocks_of_epoch(epoch);
    let epoch = &blocks.last().unwrap_or(chain.head()).epoch;
    let chunks = blocks.iter().filter(|block| block.has_chunk()).count();
    let current_validators = epoch.producers.iter().map(|validator| {
        let own = blocks.iter().filter(|block| block.author() == validator.account_id());
        let (made, with_chunk) =
            own.fold((0, 0), |(made, with_chunk), block| (made + 1, with_chunk + u64::from(block.has_chunk())));
        diligent(validator, made, with_chunk, u64::try_from(chunks).unwrap_or(u64::MAX))
    });
    let rewards = epoch.producers.iter().map(|validator| (validator.account_id().clone(), Balance::ZERO));
    let next_validators = epoch.next_producers.iter().map(|validator| {
        let (account_id, public_key, stake) = validator.clone().destructure();
        NextEpochValidatorInfo { account_id, public_key, stake, shards: shards() }
    });
    EpochValidatorInfo {
        current_validators: current_validators.collect(),
        // This chain pays none.
        validator_reward_paid_prev_epoch: rewards.collect(),
        next_validators: next_validators.collect(),
        current_fishermen: Vec::new(),
        next_fishermen: Vec::new(),
        current_proposals: Vec::new(),
        prev_epoch_kickout: Vec::new(),
        epoch_start_height: epoch.first_height,
        epoch_height: epoch.height,
    }
}

fn shards() -> Vec<ShardId> {
    vec![ShardId::new(0)]
}

/// A validator who did everything there was to do: nobody fails here.
fn diligent(validator: &ValidatorStake, blocks: u64, chunks: u64, endorsements: u64) -> CurrentEpochValidatorInfo {
    let (account_id, public_key, stake) = validator.clone().destructure();
    CurrentEpochValidatorInfo {
        account_id,
        public_key,
        is_slashed: false,
        stake,
        shards_produced: shards(),
        num_produced_blocks: blocks,
        num_expected_blocks: blocks,
        num_produced_chunks: chunks,
        num_expected_chunks: chunks,
        num_produced_chunks_per_shard: vec![chunks],
        num_expected_chunks_per_shard: vec![chunks],
        num_produced_endorsements: endorsements,
        num_expected_endorsements: endorsements,
        num_produced_endorsements_per_shard: vec![endorsements],
        num_expected_endorsements_per_shard: vec![endorsements],
        shards_endorsed: shards(),
    }
}

/// The producers of a block's epoch, in the order of its approvals.
pub(super) async fn ordered(localnet: &Localnet, params: Value) -> Reply {
    let block_id = optional_block(params)?;
    let reference = block_id.map_or_else(BlockReference::latest, Into::into);
    let found = localnet.with(move |chain| blocks::find(chain, &reference)).await;
    let block = found.map_err(|error| internal(&error))?.map_err(|_| RpcValidatorError::UnknownEpoch)?;
    to_value(views(&block))
}

fn views(block: &Block) -> Vec<ValidatorStakeView> {
    block.epoch.producers.iter().cloned().map(ValidatorStakeView::from).collect()
}
