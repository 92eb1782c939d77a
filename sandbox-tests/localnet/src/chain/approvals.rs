//! Who approves a block: more than two thirds of the stake, as nearcore wants it, and nobody who could be spared. So a client
//! that does not count is found out by one signature that is missing.

use near_crypto::Signature;
use near_primitives::hash::{CryptoHash, hash};
use near_primitives::types::{AccountId, BlockHeight};

use super::Chain;
use super::epochs::Epoch;

/// Somebody who may approve a block, with the yoctoNEAR at stake in its epoch and in the next one.
struct Approver<'a> {
    id: &'a AccountId,
    stake: u128,
    next_stake: u128,
}

/// The producers of the block's epoch and, where the next one's approve too, those who are none of them.
fn approvers(epoch: &Epoch, with_next: bool) -> Vec<Approver<'_>> {
    let own = epoch.producers.iter().map(|producer| Approver {
        id: producer.account_id(),
        stake: producer.stake().as_yoctonear(),
        next_stake: 0,
    });
    let mut approvers: Vec<_> = own.collect();
    for producer in epoch.next_producers.iter().filter(|_| with_next) {
        let (id, next_stake) = (producer.account_id(), producer.stake().as_yoctonear());
        match approvers.iter_mut().find(|approver| approver.id == id) {
            Some(approver) => approver.next_stake = next_stake,
            None => approvers.push(Approver { id, stake: 0, next_stake }),
        }
    }
    approvers
}

/// Adds signers until they have more than two thirds of these stakes, and leaves out again who of them is not needed for it.
/// Whose turn it is depends on `lot`.
fn add_quorum(stakes: &[u128], lot: &CryptoHash, signing: &mut [bool]) {
    let total = stakes.iter().copied().fold(0, u128::saturating_add);
    if total == 0 {
        return;
    }
    let enough = total.saturating_mul(2) / 3;
    let mut held: u128 = stakes.iter().zip(signing.iter()).map(|(stake, signs)| if *signs { *stake } else { 0 }).sum();
    let mut order: Vec<usize> = (0..stakes.len()).collect();
    order.sort_by_cached_key(|place| hash(&[lot.as_bytes().as_slice(), &place.to_le_bytes()].concat()));
    let mut added = Vec::new();
    for place in order {
        if held > enough {
            break;
        }
        if !signing[place] && stakes[place] > 0 {
            signing[place] = true;
            held += stakes[place];
            added.push(place);
        }
    }
    for place in added {
        if held - stakes[place] > enough {
            signing[place] = false;
            held -= stakes[place];
        }
    }
}

impl Chain {
    /// The approvals in the header of a block at `height` upon the head, in nearcore's order.
    pub(super) fn approvals(&self, height: BlockHeight, epoch: &Epoch) -> Vec<Option<Box<Signature>>> {
        let (previous, parent) = (self.head(), &self.head().header);
        let approvers = approvers(epoch, self.next_epoch_approves_after(previous));
        let mut signing = vec![false; approvers.len()];
        let stakes: Vec<_> = approvers.iter().map(|approver| approver.stake).collect();
        add_quorum(&stakes, parent.hash(), &mut signing);
        let stakes: Vec<_> = approvers.iter().map(|approver| approver.next_stake).collect();
        add_quorum(&stakes, parent.hash(), &mut signing);
        let sign = |approver: &Approver<'_>| {
            Box::new(self.signers.of(approver.id).approve(parent.hash(), parent.height(), height))
        };
        approvers.iter().zip(signing).map(|(approver, signs)| signs.then(|| sign(approver))).collect()
    }
}

#[cfg(test)]
mod tests {
    use near_primitives::hash::hash;
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, proptest};

    use super::add_quorum;

    proptest! {
        /// Count `>=` instead of `>`, or leave out the second loop, and this fails.
        #[test]
        fn a_quorum_has_more_than_two_thirds_and_nobody_to_spare(
            stakes in vec(1_u128..100, 1..12), lot in any::<u64>(),
        ) {
            let mut signing = vec![false; stakes.len()];
            add_quorum(&stakes, &hash(&lot.to_le_bytes()), &mut signing);
            let total: u128 = stakes.iter().sum();
            let held: u128 = stakes.iter().zip(&signing).filter(|(_, signs)| **signs).map(|(stake, _)| stake).sum();
            prop_assert!(held > total * 2 / 3);
            for (stake, _) in stakes.iter().zip(&signing).filter(|(_, signs)| **signs) {
                prop_assert!(held - stake <= total * 2 / 3);
            }
        }
    }
}
