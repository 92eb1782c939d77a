//! Headers and checkpoints: what a hash commits to.

use charter_client::proof::{Checkpoint, check_protocol, header_hash, lite};
use near_primitives::types::EpochId;
use near_primitives::version::PROTOCOL_VERSION;
use near_primitives::views::BlockHeaderView;

use crate::chain::{EPOCH, sha, sign_all, views};
use crate::refused;
use crate::world::WORLD;

const INDEX: usize = 2 * EPOCH + 1;

fn header() -> BlockHeaderView {
    WORLD.chain.header(INDEX)
}

#[test]
fn a_headers_hash_is_the_chains() {
    for (index, header) in WORLD.chain.headers.iter().enumerate() {
        assert_eq!(header_hash(&WORLD.chain.header(index)), Ok(*header.hash()), "{index}");
    }
}

#[test]
fn inv_idx_5_a_header_with_another_time_is_refused() {
    let bends: [fn(&mut BlockHeaderView); 6] = [
        |view| view.timestamp_nanosec += 1,
        |view| view.block_merkle_root = sha(b"another"),
        |view| view.next_bp_hash = sha(b"another"),
        |view| view.prev_state_root = sha(b"another"),
        |view| view.prev_hash = sha(b"another"),
        |view| view.hash = sha(b"another"),
    ];
    for (number, bend) in bends.iter().enumerate() {
        let mut view = header();
        bend(&mut view);
        assert_eq!(refused(header_hash(&view)), "PROOF_WRONG_HASH", "{number}");
    }
    // The number beside the time is for people, and nobody is shown it.
    let mut view = header();
    view.timestamp += 1;
    assert_eq!(lite(&view).unwrap().inner_lite, lite(&header()).unwrap().inner_lite);
}

#[test]
fn inv_idx_5_headers_of_an_unknown_protocol_are_refused() {
    let bends: [fn(&mut BlockHeaderView); 8] = [
        |view| view.latest_protocol_version = 84,
        |view| view.chunk_execution_root = Some(sha(b"root")),
        |view| view.prev_last_certified_block_epoch_id = Some(EpochId::default()),
        |view| view.spice_chunk_endorsement_stats = Some(Vec::new()),
        |view| view.chunk_endorsements = None,
        |view| view.block_body_hash = None,
        |view| view.prev_height = None,
        |view| view.block_ordinal = None,
    ];
    for (number, bend) in bends.iter().enumerate() {
        let mut view = header();
        bend(&mut view);
        assert_eq!(refused(header_hash(&view)), "PROOF_UNKNOWN_PROTOCOL", "{number}");
    }
    // Signed by those who may, as a protocol to come would have it.
    let mut view = WORLD.chain.light(3 * EPOCH + 3);
    view.inner_lite.chunk_execution_root = Some(sha(b"root"));
    sign_all(&mut view, &WORLD.chain.producers(3));
    assert_eq!(refused(WORLD.chain.trusted(INDEX).advance(&view)), "PROOF_UNKNOWN_PROTOCOL");
}

#[test]
fn a_producer_that_knows_a_later_protocol_stops_nobody() {
    let view = WORLD.chain.header(3 * EPOCH + 2);
    assert_eq!(view.latest_protocol_version, PROTOCOL_VERSION + 1);
    assert_eq!(header_hash(&view), Ok(view.hash));
    // What it says is in the hash all the same.
    let bent = BlockHeaderView { latest_protocol_version: PROTOCOL_VERSION, ..view };
    assert_eq!(refused(header_hash(&bent)), "PROOF_WRONG_HASH");
}

#[test]
fn unknown_protocols_are_refused_by_their_number() {
    for version in [0, 84, PROTOCOL_VERSION + 1, u32::MAX] {
        assert_eq!(refused(check_protocol(version)), "PROOF_UNKNOWN_PROTOCOL", "{version}");
    }
    for version in 85..=PROTOCOL_VERSION {
        assert_eq!(check_protocol(version), Ok(()));
    }
}

#[test]
fn inv_idx_5_another_block_is_no_checkpoint() {
    let chain = &WORLD.chain;
    let producers = views(&chain.producers(3));
    let trusted = *chain.headers[INDEX].hash();
    for index in [INDEX - 1, INDEX + 1] {
        let other = lite(&chain.header(index)).unwrap();
        assert_eq!(refused(Checkpoint::new(trusted, &other, &producers)), "PROOF_OTHER_BLOCK", "{index}");
    }
    let mut bent = lite(&header()).unwrap();
    bent.inner_lite.next_bp_hash = sha(b"another");
    assert_eq!(refused(Checkpoint::new(trusted, &bent, &producers)), "PROOF_OTHER_BLOCK");
    // Producers of another epoch than the next, of which a node may have been asked at the wrong block.
    for epoch in [2, 4] {
        let others = views(&chain.producers(epoch));
        let header = lite(&header()).unwrap();
        assert_eq!(refused(Checkpoint::new(trusted, &header, &others)), "PROOF_OTHER_PRODUCERS", "{epoch}");
    }
}
