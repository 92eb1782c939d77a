//! Heads: who has to sign for them, and who must not.

use charter_client::proof::Head;
use near_primitives::views::LightClientBlockView;

use crate::chain::{Chain, EPOCH, STAKES, endorsement, producers_hash, sha, sign, sign_all, views};
use crate::refused;
use crate::world::{HEAD, WORLD};

/// A block of epoch 2 that is vouched for.
const CHECKPOINT: usize = 2 * EPOCH + 1;
/// A block of epoch 3 that a node would send next.
const NEXT: usize = 3 * EPOCH + 3;

fn trusted() -> Head {
    WORLD.chain.trusted(CHECKPOINT)
}

fn next() -> LightClientBlockView {
    WORLD.chain.light(NEXT)
}

/// The head at the end of epoch 3, whose producers and whose next producers are known.
fn known() -> Head {
    trusted().advance(&next()).unwrap()
}

#[test]
fn heads_are_followed_over_epochs_whose_producers_change() {
    let chain = &WORLD.chain;
    let mut head = trusted();
    // Within an epoch and from one into the next; the fifth epoch leaves a height out after its fourth block.
    for index in [NEXT - 2, NEXT, 4 * EPOCH + 1, 5 * EPOCH, 5 * EPOCH + 3, 6 * EPOCH + 3, HEAD] {
        head = head.advance(&chain.light(index)).unwrap();
        let (found, header) = (head.header(), &chain.headers[index]);
        assert_eq!((found.hash, found.height), (*header.hash(), header.height()));
        assert_eq!(head.tip().block_merkle_root, *header.block_merkle_root());
        assert_eq!((found.epoch_id, found.next_epoch_id), (header.epoch_id().0, header.next_epoch_id().0));
        assert_eq!(found.timestamp_ns, header.raw_timestamp());
        assert_eq!(found.prev_state_root, *header.prev_state_root());
        assert_eq!(found.outcome_root, *header.outcome_root());
        assert_eq!(found.next_bp_hash, *header.next_bp_hash());
        assert_eq!(found.prev_hash, *header.prev_hash());
        // A database gives back what it was given.
        head = Head::from_bytes(&head.to_bytes()).unwrap();
    }
}

#[test]
fn producers_of_the_next_epoch_need_no_naming_within_an_epoch() {
    let head = WORLD.chain.trusted(CHECKPOINT).advance(&WORLD.chain.light(NEXT - 2)).unwrap();
    let mut view = next();
    view.next_bps = None;
    let later = head.advance(&view).unwrap();
    // They are known from before.
    assert!(later.advance(&WORLD.chain.light(4 * EPOCH)).is_ok());
    assert_eq!(later, head.advance(&next()).unwrap());
}

#[test]
fn inv_idx_1_just_those_with_more_than_two_thirds_make_a_head() {
    let chain = &WORLD.chain;
    for (index, epoch) in [(NEXT, 3), (NEXT - 1, 3)] {
        let producers = chain.producers(epoch);
        for set in 0_u8..16 {
            let who: Vec<usize> = (0..STAKES.len()).filter(|place| (set >> place) & 1 == 1).collect();
            let stake: u128 = who.iter().map(|place| producers[*place].stake).sum();
            let total: u128 = STAKES.iter().sum();
            let mut view = chain.light(index);
            let message = endorsement(&view, 2);
            sign(&mut view, &producers, &who, &message);
            let answer = trusted().advance(&view);
            // Some have two thirds to the yocto, which is not more.
            if stake * 3 > total * 2 {
                assert!(answer.is_ok(), "{who:?}: {answer:?}");
            } else {
                assert_eq!(refused(answer), "PROOF_LITTLE_STAKE", "{who:?}");
            }
        }
    }
}

#[test]
fn inv_idx_1_a_short_list_of_approvals_does_not_make_the_stake_less() {
    let producers = WORLD.chain.producers(3);
    for length in 0..STAKES.len() {
        let mut view = next();
        let message = endorsement(&view, 2);
        sign(&mut view, &producers, &[0, 1, 2, 3], &message);
        view.approvals_after_next.truncate(length);
        let stake: u128 = producers[..length].iter().map(|producer| producer.stake).sum();
        let answer = trusted().advance(&view);
        if stake * 3 > 2 * STAKES.iter().sum::<u128>() {
            assert!(answer.is_ok(), "{length}: {answer:?}");
        } else {
            assert_eq!(refused(answer), "PROOF_LITTLE_STAKE", "{length}");
        }
    }
}

#[test]
fn inv_idx_1_doubled_approvals_are_refused() {
    let mut view = next();
    let message = endorsement(&view, 2);
    sign(&mut view, &WORLD.chain.producers(3), &[0, 1, 2, 3], &message);
    let all = view.approvals_after_next.clone();
    // One producer's signature in everybody's place, and everybody's in another's.
    for approvals in [vec![all[0].clone(); 4], vec![all[1].clone(), all[0].clone(), all[2].clone(), all[3].clone()]] {
        view.approvals_after_next = approvals;
        assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE");
    }
    // In places that nobody has they are worth nothing, and take nothing from the others.
    let few = vec![all[0].clone(), None, None, None];
    let more = std::iter::repeat_n(all[0].clone(), 40);
    view.approvals_after_next = few.into_iter().chain(more.clone()).collect();
    assert_eq!(refused(trusted().advance(&view)), "PROOF_LITTLE_STAKE");
    view.approvals_after_next = all.into_iter().chain(more).collect();
    assert!(trusted().advance(&view).is_ok());
}

#[test]
fn inv_idx_1_nobody_is_a_producer_twice() {
    let chain = &WORLD.chain;
    let mut twice = chain.producers(4);
    twice[1] = chain.producers(4).remove(0);
    let mut view = next();
    view.inner_lite.next_bp_hash = producers_hash(&views(&twice));
    view.next_bps = Some(views(&twice));
    sign_all(&mut view, &chain.producers(3));
    assert_eq!(refused(trusted().advance(&view)), "PROOF_DOUBLE_PRODUCER");
}

#[test]
fn inv_idx_1_endorsements_of_another_height_or_block_are_refused() {
    let producers = WORLD.chain.producers(3);
    let all = [0, 1, 2, 3];
    for above in [0, 1, 3, u64::MAX - next().inner_lite.height] {
        let mut view = next();
        let message = endorsement(&view, above);
        sign(&mut view, &producers, &all, &message);
        assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE", "{above} above");
    }
    // Who skips a height says where the chain was, not that it stays there.
    let mut view = next();
    let height = view.inner_lite.height;
    let skip = [[1_u8].as_slice(), &(height + 1).to_le_bytes(), &(height + 2).to_le_bytes()].concat();
    sign(&mut view, &producers, &all, &skip);
    assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE");
    // What is endorsed is the block after the next one, or this one itself.
    for bent in [sha(b"another"), WORLD.chain.light(NEXT + 1).next_block_inner_hash] {
        let mut view = next();
        view.next_block_inner_hash = bent;
        assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE");
    }
    let mut view = next();
    let own = [[0_u8].as_slice(), &WORLD.chain.headers[NEXT].hash().0, &(height + 2).to_le_bytes()].concat();
    sign(&mut view, &producers, &all, &own);
    assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE");
}

#[test]
fn inv_idx_1_a_block_before_a_skipped_height_is_no_head() {
    // Rightful blocks of a chain that left a height out, with the approvals that they have.
    for index in [4 * EPOCH + 2, 4 * EPOCH + 3] {
        assert_eq!(refused(known().advance(&WORLD.chain.light(index))), "PROOF_BAD_SIGNATURE", "{index}");
    }
    assert!(known().advance(&WORLD.chain.light(4 * EPOCH + 1)).is_ok());
}

#[test]
fn inv_idx_1_producers_of_another_epoch_have_no_say() {
    for epoch in [1, 2, 4, 5] {
        let mut view = next();
        sign_all(&mut view, &WORLD.chain.producers(epoch));
        assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE", "{epoch}");
    }
}

#[test]
fn inv_idx_2_a_head_never_goes_back() {
    let head = known();
    for index in [NEXT, NEXT - 1, NEXT - 2] {
        assert_eq!(refused(head.advance(&WORLD.chain.light(index))), "PROOF_NOT_HIGHER", "{index}");
    }
    let mut view = WORLD.chain.light(NEXT);
    view.inner_lite.height = 0;
    sign_all(&mut view, &WORLD.chain.producers(3));
    assert_eq!(refused(head.advance(&view)), "PROOF_NOT_HIGHER");
}

#[test]
fn inv_idx_2_no_epoch_is_left_out() {
    // The rightful end of the epoch after the next.
    assert_eq!(refused(trusted().advance(&WORLD.chain.light(4 * EPOCH + 1))), "PROOF_OTHER_EPOCH");
    // A lie of those whom the head knows.
    let mut view = next();
    view.inner_lite.epoch_id = sha(b"another");
    sign_all(&mut view, &WORLD.chain.producers(3));
    assert_eq!(refused(trusted().advance(&view)), "PROOF_OTHER_EPOCH");
    // Producers of an epoch that is over sign for it, for a height that is not.
    let mut view = WORLD.chain.light(2 * EPOCH + 3);
    view.inner_lite.height = 1_000;
    sign_all(&mut view, &WORLD.chain.producers(2));
    assert_eq!(refused(known().advance(&view)), "PROOF_OTHER_EPOCH");
}

#[test]
fn inv_idx_2_a_checkpoints_own_epoch_has_no_producers_that_are_known() {
    let view = WORLD.chain.light(2 * EPOCH + 3);
    assert_eq!(refused(trusted().advance(&view)), "PROOF_NO_PRODUCERS");
}

#[test]
fn inv_idx_2_who_enters_an_epoch_says_who_follows() {
    let mut view = next();
    view.next_bps = None;
    assert_eq!(refused(trusted().advance(&view)), "PROOF_NO_NEXT_PRODUCERS");
}

#[test]
fn inv_idx_2_swapped_producers_are_refused() {
    let chain = &WORLD.chain;
    let rightful = views(&chain.producers(4));
    let mut lies = vec![views(&chain.producers(3)), views(&chain.producers(5)), Vec::new(), rightful[..3].to_vec()];
    let mut turned = rightful.clone();
    turned.swap(0, 3);
    lies.push(turned);
    let mut more = rightful;
    more.push(Chain::new("two").producers(4)[0].view());
    lies.push(more);
    let mut rich = chain.producers(4);
    rich[2].stake *= 100;
    lies.push(views(&rich));
    for (number, lie) in lies.into_iter().enumerate() {
        let mut view = next();
        view.next_bps = Some(lie);
        assert_eq!(refused(trusted().advance(&view)), "PROOF_OTHER_PRODUCERS", "{number}");
        // Nor in an epoch whose next producers are known.
        let head = trusted().advance(&chain.light(NEXT - 2)).unwrap();
        assert_eq!(refused(head.advance(&view)), "PROOF_OTHER_PRODUCERS", "{number}");
    }
}

#[test]
fn inv_idx_2_another_chains_blocks_are_refused() {
    let mut other = Chain::new("two");
    other.grow(NEXT + 2);
    let view = other.light(NEXT);
    assert_eq!(refused(trusted().advance(&view)), "PROOF_OTHER_EPOCH");
    // As blocks of this chain's epoch, and on top of this chain's block.
    let mut view = view;
    view.inner_lite.epoch_id = next().inner_lite.epoch_id;
    sign_all(&mut view, &other.producers(3));
    assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE");
    view.prev_block_hash = next().prev_block_hash;
    sign_all(&mut view, &other.producers(3));
    assert_eq!(refused(trusted().advance(&view)), "PROOF_BAD_SIGNATURE");
}

#[test]
fn a_stored_head_that_is_cut_or_of_another_layout_is_refused() {
    let bytes = known().to_bytes();
    assert_eq!(Head::from_bytes(&bytes), Ok(known()));
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert_eq!(refused(Head::from_bytes(&bytes[..length])), "PROOF_UNREADABLE");
    }
    assert_eq!(refused(Head::from_bytes(&[&bytes[..], &[0_u8][..]].concat())), "PROOF_UNREADABLE");
    assert_eq!(refused(Head::from_bytes(&[&[2_u8][..], &bytes[1..]].concat())), "PROOF_UNREADABLE");
}
