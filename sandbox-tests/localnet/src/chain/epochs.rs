//! Epochs as light clients see them: ids, producers, and where they end. The rules are nearcore's epoch manager's.

use std::sync::Arc;

use near_primitives::block_header::compute_bp_hash_from_validator_stakes;
use near_primitives::hash::CryptoHash;
use near_primitives::types::validator_stake::ValidatorStake;
use near_primitives::types::{AccountId, BlockHeight, EpochHeight, EpochId};

use super::{Block, Chain};
use crate::genesis::Genesis;

/// What all blocks of an epoch have in common.
#[derive(Debug)]
pub struct Epoch {
    /// Its number, counted from 1.
    pub height: EpochHeight,
    /// The height of its first block.
    pub first_height: BlockHeight,
    /// The hash of the last block of the epoch before the previous one.
    pub id: EpochId,
    pub next_id: EpochId,
    /// Who makes its blocks and approves them, in the order of the approvals.
    pub producers: Vec<ValidatorStake>,
    pub next_producers: Vec<ValidatorStake>,
    /// What headers say of the next epoch's producers.
    pub next_bp_hash: CryptoHash,
}

impl Epoch {
    fn new(
        genesis: &Genesis,
        height: EpochHeight,
        first_height: BlockHeight,
        id: EpochId,
        next_id: EpochId,
    ) -> Arc<Self> {
        let next_producers = genesis.producers(height.saturating_add(1));
        let next_bp_hash = compute_bp_hash_from_validator_stakes(&next_producers, true);
        let producers = genesis.producers(height);
        Arc::new(Self { height, first_height, id, next_id, producers, next_producers, next_bp_hash })
    }

    /// The one of the genesis block. It has the id of the first epoch, whose producers it announces.
    pub(super) fn of_genesis(genesis: &Genesis) -> Arc<Self> {
        let first = genesis.config.genesis_height;
        let (height, first_height) = if genesis.has_several_validators() { (1, first) } else { genesis.epoch(first) };
        let producers = genesis.producers(1);
        Arc::new(Self {
            height,
            first_height,
            id: EpochId::default(),
            next_id: EpochId::default(),
            next_bp_hash: compute_bp_hash_from_validator_stakes(&producers, true),
            next_producers: producers.clone(),
            producers,
        })
    }

    /// Who makes the block at this height: one after the other.
    pub fn author(&self, height: BlockHeight) -> &AccountId {
        let count = u64::try_from(self.producers.len()).unwrap_or(u64::MAX);
        let turn = usize::try_from(height % count).unwrap_or_default();
        self.producers[turn].account_id()
    }
}

impl Chain {
    /// The epoch of a block at `height` upon the head.
    pub(super) fn epoch_at(&self, height: BlockHeight) -> Arc<Epoch> {
        let previous = self.head();
        if !self.genesis.has_several_validators() {
            let (number, first_height) = self.genesis.epoch(height);
            if number == previous.epoch.height {
                return Arc::clone(&previous.epoch);
            }
            return Epoch::new(&self.genesis, number, first_height, EpochId::default(), EpochId::default());
        }
        if !self.ends_epoch(previous) {
            return Arc::clone(&previous.epoch);
        }
        let (number, id) = if previous.header.is_genesis() {
            (1, EpochId::default())
        } else {
            (previous.epoch.height + 1, previous.epoch.next_id)
        };
        Epoch::new(&self.genesis, number, height, id, EpochId(*previous.header.hash()))
    }

    /// Where the next epoch would start if no height were skipped.
    fn next_epoch_start(&self, block: &Block) -> BlockHeight {
        block.epoch.first_height.saturating_add(self.genesis.config.epoch_length)
    }

    /// Whether the next block is the first of another epoch: late enough for three blocks in a row at the end of this one.
    fn ends_epoch(&self, block: &Block) -> bool {
        let last_final = self.block_by_hash(block.header.last_final_block());
        let final_height = last_final.map_or(self.genesis.config.genesis_height, |last| last.header.height());
        block.header.is_genesis() || final_height.saturating_add(3) >= self.next_epoch_start(block)
    }

    /// Whether the block after this one needs the next epoch's approvals, too.
    pub(super) fn next_epoch_approves_after(&self, block: &Block) -> bool {
        self.genesis.has_several_validators()
            && !self.ends_epoch(block)
            && block.header.height().saturating_add(3) >= self.next_epoch_start(block)
    }

    /// The place of the last block so far of an epoch that has begun.
    pub(super) fn last_place_of_epoch(&self, number: EpochHeight) -> usize {
        // The genesis block is of the first epoch.
        self.blocks.partition_point(|block| block.epoch.height <= number).saturating_sub(1)
    }

    /// The blocks of an epoch so far; the genesis block is none.
    pub fn blocks_of_epoch(&self, number: EpochHeight) -> &[Arc<Block>] {
        let first = self.blocks.partition_point(|block| block.epoch.height < number).max(1);
        self.blocks.get(first..=self.last_place_of_epoch(number)).unwrap_or_default()
    }

    /// The number of the epoch that ended with this block.
    pub fn epoch_ended_by(&self, block: &CryptoHash) -> Option<EpochHeight> {
        let place = self.by_hash.get(block).copied()?;
        let (number, next) = (self.blocks[place].epoch.height, self.blocks.get(place + 1)?);
        (next.epoch.height != number).then_some(number)
    }

    /// The number of the epoch that has this id, once it is over.
    pub fn finished_epoch(&self, id: &EpochId) -> Option<EpochHeight> {
        let number = if *id == EpochId::default() {
            1
        } else if id.0 == *self.genesis_block().header.hash() {
            2
        } else {
            self.epoch_ended_by(&id.0)? + 2
        };
        (number < self.head().epoch.height).then_some(number)
    }
}
