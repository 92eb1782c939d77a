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

/// Whether those who sign have more than two thirds of these stakes, if there are any.
fn is_enough(stakes: &[u128], signing: &[bool]) -> bool {
    let add = |sum: u128, (stake, _): (&u128, &bool)| sum.saturating_add(*stake);
    let total = stakes.iter().zip(signing).fold(0, add);
    let held = stakes.iter().zip(signing).filter(|(_, signs)| **signs).fold(0, add);
    total == 0 || held > total.saturating_mul(2) / 3
}

/// Who of them signs: enough for each of the epochs, and nobody without whom it would be, too. Whose turn it is depends on `lot`.
fn quorum(epochs: &[Vec<u128>; 2], lot: &CryptoHash) -> Vec<bool> {
    let mut signing = vec![false; epochs[0].len()];
    let mut order: Vec<usize> = (0..signing.len()).collect();
    order.sort_by_cached_key(|place| hash(&[lot.as_bytes().as_slice(), &place.to_le_bytes()].concat()));
    for stakes in epochs {
        for place in &order {
            if is_enough(stakes, &signing) {
                break;
            }
            signing[*place] |= stakes[*place] > 0;
        }
    }
    for place in order {
        if signing[place] {
            signing[place] = false;
            signing[place] = !epochs.iter().all(|stakes| is_enough(stakes, &signing));
        }
    }
    signing
}

impl Chain {
    /// The approvals in the header of a block at `height` upon the head, in nearcore's order.
    pub(super) fn approvals(&self, height: BlockHeight, epoch: &Epoch) -> Vec<Option<Box<Signature>>> {
        let (previous, parent) = (self.head(), &self.head().header);
        let approvers = approvers(epoch, self.next_epoch_approves_after(previous));
        let own = approvers.iter().map(|approver| approver.stake).collect();
        let next = approvers.iter().map(|approver| approver.next_stake).collect();
        let signing = quorum(&[own, next], parent.hash());
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

    use super::{is_enough, quorum};

    #[test]
    fn two_thirds_are_not_enough() {
        assert!(!is_enough(&[20, 10], &[true, false]));
        assert!(is_enough(&[21, 10], &[true, false]));
        assert!(is_enough(&[0, 0], &[false, false]), "where nobody has a say");
    }

    proptest! {
        /// Leave out the second loop over all of them in `quorum`, and this fails.
        #[test]
        fn a_quorum_has_enough_in_both_epochs_and_nobody_to_spare(
            stakes in vec((0_u128..100, 0_u128..100), 1..12), lot in any::<u64>(),
        ) {
            let epochs = [stakes.iter().map(|(own, _)| *own).collect(), stakes.iter().map(|(_, next)| *next).collect()];
            let mut signing = quorum(&epochs, &hash(&lot.to_le_bytes()));
            let enough = |signing: &[bool]| epochs.iter().all(|stakes: &Vec<u128>| is_enough(stakes, signing));
            prop_assert!(enough(&signing));
            for place in 0..signing.len() {
                if signing[place] {
                    signing[place] = false;
                    prop_assert!(!enough(&signing));
                    signing[place] = true;
                }
            }
        }
    }
}
