//! Heads: from a block that is vouched for to the chain's newest, epoch by epoch, on producers' signatures.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};
use near_crypto::Signature;
use near_primitives::block_header::{
    Approval, ApprovalInner, BlockHeaderInnerRestV6, compute_bp_hash_from_validator_stakes,
};
use near_primitives::hash::CryptoHash;
use near_primitives::merkle::combine_hash;
use near_primitives::stateless_validation::chunk_endorsements_bitmap::ChunkEndorsementsBitmap;
use near_primitives::types::AccountId;
use near_primitives::types::validator_stake::ValidatorStake;
use near_primitives::views::validator_stake_view::ValidatorStakeView;
use near_primitives::views::{
    BlockHeaderInnerLiteView, BlockHeaderView, LightClientBlockLiteView, LightClientBlockView,
};

use super::{Header, PROTOCOL_MIN, ProofError, Tip};

/// What stored heads begin with. Another layout is another number.
const LAYOUT: u8 = 1;

/// What a light client is sent of a block, out of the whole header, whose fields must have the hash that it names. A
/// time, a root or `next_bp_hash` is proven by this once the hash is.
pub fn lite(view: &BlockHeaderView) -> Result<LightClientBlockLiteView, ProofError> {
    let unknown = || ProofError::UnknownProtocol { what: format!("block {}", view.height) };
    let is_later = view.prev_last_certified_block_epoch_id.is_some()
        || view.spice_chunk_endorsement_stats.is_some()
        || view.chunk_execution_root.is_some();
    // near-primitives would make a header of the producer's latest version instead, or panic for what it misses in one.
    // `inv_idx_5_headers_of_an_unknown_protocol_are_refused` misses this.
    if is_later || view.latest_protocol_version < PROTOCOL_MIN {
        return Err(unknown());
    }
    let proposals = view.validator_proposals.iter().cloned();
    let rest = BlockHeaderInnerRestV6 {
        block_body_hash: view.block_body_hash.ok_or_else(unknown)?,
        prev_chunk_outgoing_receipts_root: view.chunk_receipts_root,
        chunk_headers_root: view.chunk_headers_root,
        chunk_tx_root: view.chunk_tx_root,
        random_value: view.random_value,
        prev_validator_proposals: proposals.map(ValidatorStakeView::into_validator_stake).collect(),
        chunk_mask: view.chunk_mask.clone(),
        next_gas_price: view.gas_price,
        total_supply: view.total_supply,
        last_final_block: view.last_final_block,
        last_ds_final_block: view.last_ds_final_block,
        block_ordinal: view.block_ordinal.ok_or_else(unknown)?,
        prev_height: view.prev_height.ok_or_else(unknown)?,
        epoch_sync_data_hash: view.epoch_sync_data_hash,
        approvals: view.approvals.clone(),
        latest_protocol_version: view.latest_protocol_version,
        chunk_endorsements: ChunkEndorsementsBitmap::from_bytes(view.chunk_endorsements.clone().ok_or_else(unknown)?),
        shard_split: view.shard_split.clone(),
    };
    let lite = LightClientBlockLiteView {
        prev_block_hash: view.prev_hash,
        inner_rest_hash: CryptoHash::hash_borsh(&rest),
        inner_lite: BlockHeaderInnerLiteView {
            height: view.height,
            epoch_id: view.epoch_id,
            next_epoch_id: view.next_epoch_id,
            prev_state_root: view.prev_state_root,
            outcome_root: view.outcome_root,
            // The hash is over the other one.
            timestamp: view.timestamp_nanosec,
            timestamp_nanosec: view.timestamp_nanosec,
            next_bp_hash: view.next_bp_hash,
            block_merkle_root: view.block_merkle_root,
            chunk_execution_root: None,
        },
    };
    // `inv_idx_5_a_header_with_another_time_is_refused` misses this.
    if lite.hash() != view.hash {
        return Err(ProofError::WrongHash { hash: view.hash });
    }
    Ok(lite)
}

/// The hash of a header, computed anew. It is the one that the header names, or an error.
pub fn header_hash(view: &BlockHeaderView) -> Result<CryptoHash, ProofError> {
    lite(view).map(|lite| lite.hash())
}

/// An epoch's block producers, in the order in which they approve.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Producers(Vec<ValidatorStake>);

impl Producers {
    /// Those that a header names by their hash.
    fn named(views: &[ValidatorStakeView], next_bp_hash: CryptoHash) -> Result<Self, ProofError> {
        let stakes: Vec<ValidatorStake> = views.iter().cloned().map(ValidatorStakeView::into_validator_stake).collect();
        // `inv_idx_2_swapped_producers_are_refused` misses this.
        if compute_bp_hash_from_validator_stakes(&stakes, true) != next_bp_hash {
            return Err(ProofError::OtherProducers { next_bp_hash });
        }
        // A signature that is good in two places would count twice: `inv_idx_1_nobody_is_a_producer_twice` misses this.
        match first_double(&stakes) {
            Some(account) => Err(ProofError::DoubleProducer { account }),
            None => Ok(Self(stakes)),
        }
    }

    /// Whether those with more than two thirds of the stake signed `message`. Approvals stand in the order of the
    /// producers; at an epoch's end those of the next one's follow, who have no say here.
    fn check(&self, approvals: &[Option<Box<Signature>>], message: &[u8]) -> Result<(), ProofError> {
        let (mut approved, mut total) = (0_u128, 0_u128);
        for (place, producer) in self.0.iter().enumerate() {
            let stake = producer.stake().as_yoctonear();
            // All count, however few approvals there are.
            // `inv_idx_1_a_short_list_of_approvals_does_not_make_the_stake_less` misses this.
            total = total.saturating_add(stake);
            let Some(Some(signature)) = approvals.get(place) else { continue };
            // `inv_idx_1_doubled_approvals_are_refused` misses this.
            if !signature.verify(message, producer.public_key()) {
                return Err(ProofError::BadSignature { account: producer.account_id().clone() });
            }
            approved = approved.saturating_add(stake);
        }
        // What is more than the type holds is never more than two thirds.
        // `inv_idx_1_just_those_with_more_than_two_thirds_make_a_head` misses this.
        if approved.saturating_mul(3) <= total.saturating_mul(2) {
            return Err(ProofError::LittleStake { approved, total });
        }
        Ok(())
    }
}

fn first_double(stakes: &[ValidatorStake]) -> Option<AccountId> {
    let mut seen = BTreeSet::new();
    stakes.iter().map(ValidatorStake::account_id).find(|account| !seen.insert(*account)).cloned()
}

/// A block that an operator vouches for, with the next epoch's producers. Their signatures are the first that can be
/// checked, so the block has to be of an epoch before the node's newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    header: Header,
    producers: Producers,
}

impl Checkpoint {
    /// `trusted` comes from the operator, all else from a node: the block's header, and
    /// `EXPERIMENTAL_validators_ordered` of any block of the next epoch.
    pub fn new(
        trusted: CryptoHash,
        header: &LightClientBlockLiteView,
        producers: &[ValidatorStakeView],
    ) -> Result<Self, ProofError> {
        let header = Header::of(header)?;
        // `inv_idx_5_another_block_is_no_checkpoint` misses this.
        if header.hash != trusted {
            return Err(ProofError::OtherBlock { expected: trusted, found: header.hash });
        }
        let producers = Producers::named(producers, header.next_bp_hash)?;
        Ok(Self { header, producers })
    }

    /// Where to go on from.
    pub fn into_head(self) -> Head {
        let producers = BTreeMap::from([(self.header.next_epoch_id, self.producers)]);
        Head { header: self.header, producers }
    }
}

/// A block that is final: vouched for, or signed for by producers whom an earlier one named.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Head {
    header: Header,
    /// By epoch: the head's, if they are known, and the next one's.
    producers: BTreeMap<CryptoHash, Producers>,
}

impl Head {
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What proofs against this head lead to.
    pub fn tip(&self) -> Tip {
        self.header.tip()
    }

    /// The next head, out of what `next_light_client_block` answers for this one: NEAR's light client specification,
    /// check by check, the dear ones last.
    pub fn advance(&self, view: &LightClientBlockView) -> Result<Self, ProofError> {
        let header = Header::of(&LightClientBlockLiteView {
            prev_block_hash: view.prev_block_hash,
            inner_rest_hash: view.inner_rest_hash,
            inner_lite: view.inner_lite.clone(),
        })?;
        // `inv_idx_2_a_head_never_goes_back` misses this.
        if header.height <= self.header.height {
            return Err(ProofError::NotHigher { head: self.header.height, height: header.height });
        }
        let enters = header.epoch_id == self.header.next_epoch_id;
        // `inv_idx_2_no_epoch_is_left_out` misses this.
        if !enters && header.epoch_id != self.header.epoch_id {
            return Err(ProofError::OtherEpoch { epoch_id: header.epoch_id });
        }
        let next = match &view.next_bps {
            Some(next) => Some(Producers::named(next, header.next_bp_hash)?),
            // Nobody could be believed in the epoch after this one.
            // `inv_idx_2_who_enters_an_epoch_says_who_follows` misses this.
            None if enters => return Err(ProofError::NoNextProducers),
            None => None,
        };
        let unknown = ProofError::NoProducers { epoch_id: header.epoch_id };
        let signers = self.producers.get(&header.epoch_id).ok_or(unknown)?;
        signers.check(&view.approvals_after_next, &endorsed(view, &header))?;
        let mut producers = self.producers.clone();
        producers.extend(next.map(|next| (header.next_epoch_id, next)));
        producers.retain(|epoch, _| [header.epoch_id, header.next_epoch_id].contains(epoch));
        Ok(Self { header, producers })
    }

    /// For a database.
    pub fn to_bytes(&self) -> Vec<u8> {
        borsh::to_vec(&(LAYOUT, self)).expect("writing to memory does not fail")
    }

    /// A head out of the database that it was written to. What is there is believed: it was proven before.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        match <(u8, Self)>::try_from_slice(bytes) {
            Ok((LAYOUT, head)) => Ok(head),
            _ => Err(ProofError::Unreadable),
        }
    }
}

/// What is signed by who builds on the block after this one, at the height after that: two blocks in a row are what
/// makes this one final, so a skipped height says nothing.
fn endorsed(view: &LightClientBlockView, header: &Header) -> Vec<u8> {
    let next = combine_hash(&view.next_block_inner_hash, &header.hash);
    // `inv_idx_1_endorsements_of_another_height_or_block_are_refused` misses it if this is another number.
    Approval::get_data_for_sig(&ApprovalInner::Endorsement(next), header.height.saturating_add(2))
}
